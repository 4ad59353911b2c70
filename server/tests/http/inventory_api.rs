use crate::test_app::{TestApp, TestClient};
use domain::ids::{JobId, RunId};
use domain::people::{Permission, Role, Scope};
use domain::run::{Run, RunState};
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;

async fn send(client: &TestClient, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = client.send_json(method, path, &body).await;
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").cloned();
    let text = answer.text().await.unwrap();
    if status >= 400 {
        assert_eq!(kind.unwrap(), "application/problem+json", "{path}: {text}");
    }
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn post(client: &TestClient, path: &str, body: Value) -> Value {
    let (status, made) = send(client, Method::POST, path, body).await;
    assert_eq!(status, 201, "{path}: {made}");
    made
}

fn field(problem: &Value) -> &str {
    problem["errors"][0]["field"].as_str().unwrap_or_default()
}

fn told(problem: &Value) -> &str {
    problem["detail"].as_str().unwrap()
}

fn at(thing: &Value, path: &str) -> String {
    format!("/api/v1/{path}/{}", thing["id"].as_str().unwrap())
}

async fn writer(app: &TestApp) -> TestClient {
    app.with_token(&app.token(&[Scope::InventoryWrite]).await)
}

async fn a_host_is_added_read_edited_retired_and_deleted(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let answer = api.send_json(Method::POST, "/api/v1/hosts", &json!({"name": " vm3 ", "note": "two disks"})).await;
    assert_eq!(answer.status(), 201);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let vm3: Value = answer.json().await.unwrap();
    assert_eq!((vm3["name"].as_str().unwrap(), vm3["version"].as_i64().unwrap()), ("vm3", 1));
    assert_eq!(api.get(&place).await.json::<Value>().await.unwrap(), vm3);

    let web = post(&api, "/api/v1/hosts", json!({"name": "web-12", "runs_on": vm3["id"]})).await;
    assert_eq!(web["runs_on"], vm3["id"]);
    // Only what is sent changes; null takes away.
    let (status, edited) = send(&api, Method::PATCH, &at(&web, "hosts"), json!({"version": 1, "note": "shop"})).await;
    assert_eq!((status, &edited["runs_on"], edited["note"].as_str().unwrap()), (200, &vm3["id"], "shop"));
    let (status, edited) = send(&api, Method::PATCH, &at(&web, "hosts"), json!({"version": 2, "runs_on": null})).await;
    assert_eq!((status, &edited["runs_on"], edited["version"].as_i64()), (200, &Value::Null, Some(3)));

    let (status, retired) =
        send(&api, Method::POST, &format!("{}/retire", at(&web, "hosts")), json!({"version": 3})).await;
    assert_eq!((status, retired["retired_at"].as_str().unwrap()), (200, "2014-05-15T12:00:00Z"));
    let listed: Value = api.get("/api/v1/hosts").await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let listed: Value = api.get("/api/v1/hosts?retired=true").await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let (status, _) = send(&api, Method::DELETE, &format!("{place}?version=1"), Value::Null).await;
    assert_eq!(status, 204);
    assert_eq!(api.get(&place).await.status(), 404);
    assert_eq!(api.get("/api/v1/hosts/not-an-id").await.status(), 404);
}

async fn what_is_wrong_is_named_by_its_field(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let vm3 = post(&api, "/api/v1/hosts", json!({"name": "vm3"})).await;
    let guest = post(&api, "/api/v1/hosts", json!({"name": "web-12", "runs_on": vm3["id"]})).await;
    let hosts = "/api/v1/hosts";
    for (body, wrong) in [
        (json!({}), "name"),
        (json!({"name": "a\nb"}), "name"),
        (json!({"name": "VM3"}), "name"),
        (json!({"name": "x", "note": "y".repeat(301)}), "note"),
        (json!({"name": "x", "runs_on": "vm3"}), "runs_on"),
        (json!({"name": 3}), "name"),
        (json!({"name": "x", "colour": "red"}), "colour"),
    ] {
        let (status, problem) = send(&api, Method::POST, hosts, body.clone()).await;
        assert_eq!((status, field(&problem)), (422, wrong), "{body}: {problem}");
    }
    let (status, problem) = send(&api, Method::POST, hosts, json!({"name": "", "runs_on": "x"})).await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (422, 2), "{problem}");
    let (status, problem) =
        send(&api, Method::PATCH, &at(&vm3, "hosts"), json!({"version": 1, "runs_on": guest["id"]})).await;
    assert_eq!((status, field(&problem)), (422, "runs_on"));
    assert!(told(&problem).contains("web-12 runs on this host already"), "{problem}");
    let (status, problem) = send(&api, Method::PATCH, &at(&vm3, "hosts"), json!({"name": "vm4"})).await;
    assert_eq!((status, field(&problem)), (422, "version"));
    for (query, wrong) in [("limit=0", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor"), ("retired=1", "retired")]
    {
        let answer = api.get(&format!("{hosts}?{query}")).await;
        assert_eq!(answer.status(), 422);
        assert_eq!(field(&answer.json().await.unwrap()), wrong);
    }
    assert_eq!(api.http.put(format!("{}{hosts}", app.base)).send().await.unwrap().status(), 405);
}

async fn the_second_of_two_who_edit_is_told(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let vm3 = post(&api, "/api/v1/hosts", json!({"name": "vm3"})).await;
    let path = at(&vm3, "hosts");
    assert_eq!(send(&api, Method::PATCH, &path, json!({"version": 1, "note": "first"})).await.0, 200);
    let (status, problem) = send(&api, Method::PATCH, &path, json!({"version": 1, "note": "second"})).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (409, "stale"));
    let stored: Value = api.get(&path).await.json().await.unwrap();
    assert_eq!((stored["note"].as_str().unwrap(), stored["version"].as_i64().unwrap()), ("first", 2));
    let (status, problem) = send(&api, Method::DELETE, &format!("{path}?version=1"), Value::Null).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (409, "stale"));
}

async fn a_dump_is_carried_by_a_files_job(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let web = post(&api, "/api/v1/hosts", json!({"name": "web-12"})).await;
    let files = json!({"host_id": web["id"], "name": "files", "kind": "files"});
    let files = post(&api, "/api/v1/data-sets", files).await;
    let shop = json!({"host_id": web["id"], "name": "shop", "kind": "database"});
    let shop = post(&api, "/api/v1/data-sets", shop).await;
    let job = |data_set: &Value, name: &str, carried_by: &Value| {
        json!({"data_set_id": data_set["id"], "name": name, "tool": "borgmatic", "every": "24 h",
               "max_duration": "90 min", "carried_by": carried_by})
    };
    let nightly = post(&api, "/api/v1/jobs", job(&files, "nightly", &Value::Null)).await;
    assert_eq!((nightly["every"].as_str().unwrap(), nightly["max_duration"].as_str().unwrap()), ("24 h", "1 h 30 min"));
    let dump = post(&api, "/api/v1/jobs", job(&shop, "dump", &nightly["id"])).await;
    assert_eq!(dump["carried_by"], nightly["id"]);

    let (status, problem) = send(&api, Method::POST, "/api/v1/jobs", job(&shop, "chain", &dump["id"])).await;
    assert_eq!((status, field(&problem)), (422, "carried_by"), "{problem}");
    let (status, problem) =
        send(&api, Method::PATCH, &at(&nightly, "jobs"), json!({"version": 1, "carried_by": nightly["id"]})).await;
    assert_eq!((status, field(&problem)), (422, "carried_by"), "{problem}");
    let mut wrong = job(&shop, "dump", &Value::Null);
    wrong["every"] = json!("24");
    wrong["max_duration"] = json!("soon");
    let (status, problem) = send(&api, Method::POST, "/api/v1/jobs", wrong).await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (422, 3), "{problem}");
    let (status, problem) =
        send(&api, Method::PATCH, &at(&files, "data-sets"), json!({"version": 1, "kind": "other"})).await;
    assert_eq!((status, field(&problem)), (422, "kind"), "{problem}");

    let retire = |thing: &Value, path: &str| format!("{}/retire", at(thing, path));
    let (status, problem) = send(&api, Method::POST, &retire(&nightly, "jobs"), json!({"version": 1})).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (409, "in_use"));
    assert_eq!(told(&problem), "This job can not be retired: web-12 · shop: dump is carried by it.");
    let (status, _) = send(&api, Method::POST, &retire(&files, "data-sets"), json!({"version": 1})).await;
    assert_eq!(status, 409);
    assert_eq!(send(&api, Method::POST, &retire(&shop, "data-sets"), json!({"version": 1})).await.0, 200);
    let dump: Value = api.get(&at(&dump, "jobs")).await.json().await.unwrap();
    assert!(dump["retired_at"].is_string());
    assert_eq!(send(&api, Method::POST, &retire(&nightly, "jobs"), json!({"version": 1})).await.0, 200);
    let (status, problem) = send(&api, Method::PATCH, &at(&nightly, "jobs"), json!({"version": 2, "name": "x"})).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (409, "retired"));
}

async fn a_ping_address_is_shown_to_those_who_may_edit_and_can_be_changed(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let (_, _, job) = nightly(&api).await;
    let url = job["ping_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{}/ping/", app.base)), "{url}");
    let read: Value = reader.get(&at(&job, "jobs")).await.json().await.unwrap();
    assert!(read.get("ping_url").is_none());
    let listed: Value = api.get("/api/v1/jobs").await.json().await.unwrap();
    assert!(listed["items"][0].get("ping_url").is_none());
    let path = format!("{}/rotate-ping", at(&job, "jobs"));
    let (status, rotated) = send(&api, Method::POST, &path, json!({"version": 1})).await;
    assert_eq!(status, 200);
    assert_ne!(rotated["ping_url"].as_str().unwrap(), url);
    let (status, off) = send(&api, Method::POST, &format!("{}/disable", at(&job, "jobs")), json!({"version": 2})).await;
    assert_eq!((status, off["enabled"].as_bool()), (200, Some(false)));
    let (status, on) = send(&api, Method::POST, &format!("{}/enable", at(&job, "jobs")), json!({"version": 3})).await;
    assert_eq!((status, on["enabled"].as_bool()), (200, Some(true)));
}

async fn nightly(api: &TestClient) -> (Value, Value, Value) {
    let host = post(api, "/api/v1/hosts", json!({"name": "web-12"})).await;
    let files = json!({"host_id": host["id"], "name": "files", "kind": "files"});
    let files = post(api, "/api/v1/data-sets", files).await;
    let job = json!({"data_set_id": files["id"], "name": "nightly", "every": "24 h", "max_duration": "6 h"});
    let job = post(api, "/api/v1/jobs", job).await;
    (host, files, job)
}

async fn what_has_history_stays(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let (host, files, job) = nightly(&api).await;
    let now = app.services.now();
    let mut tx = app.services.db.write().await.unwrap();
    let run = Run {
        id: app.services.new_id::<RunId>(),
        job_id: job["id"].as_str().unwrap().parse::<JobId>().unwrap(),
        key: "1".to_owned(),
        state: RunState::Succeeded,
        started_at: now,
        start_assumed: false,
        finished_at: Some(now),
        dry_run: false,
        partial: false,
        clock_fault: false,
        received_at: now,
        bytes: None,
        files: None,
        snapshot: None,
        exit_code: None,
    };
    tx.insert_run(&run, None).await.unwrap();
    tx.commit().await.unwrap();
    for path in [at(&job, "jobs"), at(&files, "data-sets"), at(&host, "hosts")] {
        let (status, problem) = send(&api, Method::DELETE, &format!("{path}?version=1"), Value::Null).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), (409, "in_use"));
        assert_eq!(told(&problem), "1 run refers to it; retire it instead.");
    }
    let (status, retired) =
        send(&api, Method::POST, &format!("{}/retire", at(&host, "hosts")), json!({"version": 1})).await;
    assert_eq!((status, retired["version"].as_i64()), (200, Some(2)));
    let job: Value = api.get(&at(&job, "jobs")).await.json().await.unwrap();
    assert!(job["retired_at"].is_string());
}

async fn a_host_on_which_others_stand_stays(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let vm3 = post(&api, "/api/v1/hosts", json!({"name": "vm3"})).await;
    post(&api, "/api/v1/hosts", json!({"name": "web-12", "runs_on": vm3["id"]})).await;
    post(&api, "/api/v1/hosts", json!({"name": "mail-3", "runs_on": vm3["id"]})).await;
    post(&api, "/api/v1/components", json!({"name": "Cluster 12", "hosts": [vm3["id"]]})).await;
    let (status, problem) =
        send(&api, Method::POST, &format!("{}/retire", at(&vm3, "hosts")), json!({"version": 1})).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (409, "in_use"));
    let why = "This host can not be retired: mail-3 and web-12 run on it; Cluster 12 stands on it.";
    assert_eq!(told(&problem), why);
    let (status, problem) = send(&api, Method::DELETE, &format!("{}?version=1", at(&vm3, "hosts")), Value::Null).await;
    assert_eq!((status, told(&problem)), (409, "2 hosts on it and 1 component refer to it; retire it instead."));
}

async fn an_exemption_has_a_reason_and_a_name(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let host = post(&api, "/api/v1/hosts", json!({"name": "cache-1"})).await;
    let path = format!("{}/exemption", at(&host, "hosts"));
    let (status, problem) = send(&api, Method::PUT, &path, json!({"version": 1, "reason": " "})).await;
    assert_eq!((status, field(&problem)), (422, "reason"));
    let (status, exempt) = send(&api, Method::PUT, &path, json!({"version": 1, "reason": "only a cache"})).await;
    assert_eq!(status, 200);
    let said = json!({"reason": "only a cache", "by": "token test", "at": "2014-05-15T12:00:00Z"});
    assert_eq!(exempt["exemption"], said);
    let (status, asked) = send(&api, Method::DELETE, &format!("{path}?version=2"), Value::Null).await;
    assert_eq!((status, &asked["exemption"]), (200, &Value::Null));
    // The policy is for admins.
    let path = format!("{}/policy", at(&host, "hosts"));
    let policy = json!({"version": 3, "schedule_max_age": "12 h", "warnings_are_good": true});
    assert_eq!(send(&api, Method::PUT, &path, policy.clone()).await.0, 403);
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let (status, own) = send(&admin, Method::PUT, &path, policy).await;
    assert_eq!(status, 200);
    let own_policy = json!({"schedule_max_age": "12 h", "start_max_age": null, "warnings_are_good": true,
        "drill_max_age": null, "rto": null, "slow_restore_blocks": null});
    assert_eq!(own["policy"], own_policy);
}

async fn components_are_ordered_and_paged(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let clusters = post(&api, "/api/v1/component-groups", json!({"name": "Clusters"})).await;
    let access = post(&api, "/api/v1/component-groups", json!({"name": "Access"})).await;
    let mut made = Vec::new();
    for name in ["Cluster 11", "Cluster 12", "Cluster 14"] {
        made.push(post(&api, "/api/v1/components", json!({"name": name, "group_id": clusters["id"]})).await);
    }
    assert_eq!(made[2]["slug"], "cluster-14");
    let path = format!("{}/move", at(&made[2], "components"));
    for position in [2, 1, 1] {
        let (status, moved) = send(&api, Method::POST, &path, json!({"to": "up"})).await;
        assert_eq!((status, moved["position"].as_i64()), (200, Some(position)));
    }
    let path = format!("{}/move", at(&access, "component-groups"));
    assert_eq!(send(&api, Method::POST, &path, json!({"to": "up"})).await.1["position"], 1);
    let view = app.services.components_view(&service::Actor::system()).await.unwrap();
    let shown: Vec<(String, Vec<String>)> = view
        .groups
        .iter()
        .map(|line| {
            let name = line.group.as_ref().map(|g| g.name.to_string()).unwrap_or_default();
            (name, line.components.iter().map(|c| c.component.name.to_string()).collect())
        })
        .collect();
    let names: Vec<String> = ["Cluster 14", "Cluster 11", "Cluster 12"].map(str::to_owned).into();
    assert_eq!(shown, [("Access".to_owned(), vec![]), ("Clusters".to_owned(), names)]);

    let first: Value = api.get("/api/v1/components?limit=2").await.json().await.unwrap();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = format!("/api/v1/components?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second: Value = api.get(&next).await.json().await.unwrap();
    assert_eq!((second["items"][0]["id"].clone(), &second["next_cursor"]), (made[2]["id"].clone(), &Value::Null));

    let path = format!("{}?version=1", at(&clusters, "component-groups"));
    let (status, problem) = send(&api, Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, 409);
    assert!(told(&problem).ends_with("stand in it; move them to another group first."), "{problem}");
    let (status, problem) = send(&api, Method::POST, "/api/v1/components", json!({"name": "cluster  11"})).await;
    assert_eq!((status, field(&problem)), (422, "name"));
    let (status, problem) =
        send(&api, Method::POST, "/api/v1/components", json!({"name": "New", "slug": "cluster-11"})).await;
    assert_eq!((status, field(&problem)), (422, "slug"));
}

async fn who_may_not_write_changes_nothing(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = writer(&app).await;
    let (host, files, job) = nightly(&api).await;
    let group = post(&api, "/api/v1/component-groups", json!({"name": "Clusters"})).await;
    let part = post(&api, "/api/v1/components", json!({"name": "Cluster 12"})).await;
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let reporter = app.with_token(&app.token(&[Scope::BackupReport]).await);
    for (list, thing) in
        [("hosts", &host), ("data-sets", &files), ("jobs", &job), ("component-groups", &group), ("components", &part)]
    {
        let all = format!("/api/v1/{list}");
        let one = at(thing, list);
        for path in [&all, &one] {
            assert_eq!(reader.get(path).await.status(), 200, "{path}");
            assert_eq!(reporter.get(path).await.status(), 403, "{path}");
            assert_eq!(app.anyone.get(path).await.status(), 401, "{path}");
        }
        let made = json!({"name": "x", "host_id": host["id"], "kind": "files", "data_set_id": files["id"]});
        let known = |keys: &[&str]| {
            let mut body = made.clone();
            body.as_object_mut().unwrap().retain(|key, _| keys.contains(&key.as_str()));
            body
        };
        let body = match list {
            "data-sets" => known(&["name", "host_id", "kind"]),
            "jobs" => known(&["name", "data_set_id"]),
            _ => known(&["name"]),
        };
        let mut edit = body.clone();
        edit["version"] = json!(1);
        for (client, status) in [(&reader, 403), (&reporter, 403), (&app.anyone, 401)] {
            assert_eq!(send(client, Method::POST, &all, body.clone()).await.0, status, "{all}");
            assert_eq!(send(client, Method::PATCH, &one, edit.clone()).await.0, status, "{one}");
            let delete = format!("{one}?version=1");
            assert_eq!(send(client, Method::DELETE, &delete, Value::Null).await.0, status, "{delete}");
            for action in ["retire", "move", "enable", "disable", "rotate-ping"] {
                let path = format!("{one}/{action}");
                let body = if action == "move" { json!({"to": "up"}) } else { json!({"version": 1}) };
                let answered = send(client, Method::POST, &path, body).await.0;
                assert!(answered == status || answered == 404, "{path}: {answered}");
            }
        }
    }
    assert!(Role::Operator.may(Permission::EditInventory) && !Role::Viewer.may(Permission::EditInventory));
    let mut tx = app.services.db.read().await.unwrap();
    let lines = tx.audit_before(None, None, None, 50).await.unwrap();
    let mut verbs: Vec<&str> = lines.iter().map(|line| line.action.as_str()).filter(|v| *v != "token.add").collect();
    verbs.reverse();
    assert_eq!(verbs, ["host.add", "data_set.add", "job.add", "component_group.add", "component.add"]);
}

storage::on_both!(
    a_host_is_added_read_edited_retired_and_deleted,
    what_is_wrong_is_named_by_its_field,
    the_second_of_two_who_edit_is_told,
    a_dump_is_carried_by_a_files_job,
    a_ping_address_is_shown_to_those_who_may_edit_and_can_be_changed,
    what_has_history_stays,
    a_host_on_which_others_stand_stays,
    an_exemption_has_a_reason_and_a_name,
    components_are_ordered_and_paged,
    who_may_not_write_changes_nothing,
);

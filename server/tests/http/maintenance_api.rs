use crate::test_app::{TestApp, TestClient};
use crate::windows::{ran, small, story, utc};
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;

const WINDOWS: &str = "/api/v1/maintenances";

async fn writer(app: &TestApp) -> TestClient {
    app.with_token(&app.token(&[Scope::MaintenanceWrite]).await)
}

async fn send(client: &TestClient, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = client.send_json(method, path, &body).await;
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn post(client: &TestClient, path: &str, body: Value) -> (u16, Value) {
    send(client, Method::POST, path, body).await
}

fn thursday(host: impl ToString) -> Value {
    json!({
        "title": "Replace a failed disk in vm3",
        "message": "Sites will be *offline*.",
        "hosts": [host.to_string()],
        "zone": "Europe/Dublin",
        "start": "2014-05-15T20:00",
        "end": "2014-05-15T22:00",
        "may_wait": "2 h",
        "auto_complete": true,
    })
}

fn with(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

fn at(window: &Value) -> String {
    format!("{WINDOWS}/{}", window["id"].as_str().unwrap())
}

async fn a_refused_window_is_a_draft_with_all_reasons_and_goes_out_after_the_backup(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    let api = writer(&app).await;
    let answer = api.send_json(Method::POST, WINDOWS, &with(thursday(story.vm3), "schedule", json!(true))).await;
    assert_eq!(answer.status(), 409);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "gate_blocked");
    let mut codes: Vec<&str> = problem["verdict"]["outcome"]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["reason"]["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["no_job", "not_carried", "too_old"]);
    let draft: Value = api.get(&place).await.json().await.unwrap();
    assert_eq!(
        (draft["state"].as_str(), draft["url"].as_str(), draft["number"].as_i64()),
        (Some("draft"), None, Some(1))
    );
    assert_eq!(draft["starts_at"], "2014-05-15T19:00:00Z");

    let (status, _) = post(&api, &format!("{place}/schedule"), Value::Null).await;
    assert_eq!(status, 409);
    story.back_up(&app).await;
    let (status, window) = post(&api, &format!("{place}/schedule"), json!({"version": draft["version"]})).await;
    assert_eq!((status, window["state"].as_str()), (200, Some("scheduled")));
    let url = window["url"].as_str().unwrap();
    assert!(url.starts_with(&app.base) && url.contains("/maintenance/"), "{url}");

    let verdicts: Value = api.get(&format!("{place}/verdicts")).await.json().await.unwrap();
    let outcomes: Vec<&str> =
        verdicts["items"].as_array().unwrap().iter().map(|v| v["outcome"]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["confirmed", "blocked", "blocked"]);
    let one = format!("{place}/verdicts/{}", verdicts["items"][2]["id"].as_str().unwrap());
    let kept: Value = api.get(&one).await.json().await.unwrap();
    assert_eq!(kept["evidence"]["hosts"].as_array().unwrap().len(), 3);
}

async fn a_window_runs_through_all_its_steps(engine: Engine) {
    let app = TestApp::start(engine).await;
    let small = small(&app).await;
    let api = writer(&app).await;
    // By hand, so that nothing happens by itself meanwhile.
    let by_hand = with(with(thursday(small.vm3), "auto_start", json!(false)), "auto_complete", json!(false));
    let (status, window) = post(&api, WINDOWS, with(by_hand, "schedule", json!(true))).await;
    assert_eq!((status, window["state"].as_str()), (201, Some("scheduled")));
    let here = at(&window);

    // A program that begins the work on a refusal would be wrong: it is an error.
    app.services.clock.set(utc("Thu 18:55"));
    let (status, early) = post(&api, &format!("{here}/start"), Value::Null).await;
    assert_eq!((status, early["code"].as_str()), (409, Some("gate_blocked")));
    app.services.clock.set(utc("Thu 19:00"));
    let (status, held) = post(&api, &format!("{here}/start"), json!({})).await;
    assert_eq!((status, held["code"].as_str()), (409, Some("held")));
    app.services.clock.set(utc("Thu 19:21"));
    ran(&app, small.image, "Thu 19:01", "Thu 19:20").await;
    // Unless it was quicker and has begun by itself.
    let (status, answer) = post(&api, &format!("{here}/start"), json!({"body": "We begin."})).await;
    assert!(status == 200 || answer["code"] == "wrong_state", "{answer}");
    let running: Value = api.get(&here).await.json().await.unwrap();
    assert_eq!(running["state"], "in_progress");
    assert_eq!(running["ends_at"], "2014-05-15T21:21:00Z");

    let (_, longer) = post(&api, &format!("{here}/extend"), json!({"by": "39 min"})).await;
    assert_eq!(longer["end"], "2014-05-15T23:00");
    let (status, wrong) = post(&api, &format!("{here}/extend"), json!({"end": "2014-05-15T22:59"})).await;
    assert_eq!((status, wrong["errors"][0]["field"].as_str()), (422, Some("end")));
    let (status, _) = post(&api, &format!("{here}/updates"), json!({"body": "Half of it is done."})).await;
    assert_eq!(status, 200);
    let (status, empty) = post(&api, &format!("{here}/updates"), json!({"body": " "})).await;
    assert_eq!((status, empty["errors"][0]["field"].as_str()), (422, Some("body")));
    let (_, checked) = post(&api, &format!("{here}/verify"), Value::Null).await;
    assert_eq!(checked["state"], "verifying");
    let (status, stale) = post(&api, &format!("{here}/complete"), json!({"version": 1})).await;
    assert_eq!((status, stale["code"].as_str()), (409, Some("stale")));
    let (_, done) = post(&api, &format!("{here}/complete"), json!({"version": checked["version"]})).await;
    assert_eq!((done["state"].as_str(), done["ended_at"].as_str()), (Some("completed"), Some("2014-05-15T19:21:00Z")));
    let (status, over) = post(&api, &format!("{here}/cancel"), json!({"body": "Too late."})).await;
    assert_eq!((status, over["code"].as_str()), (409, Some("wrong_state")));

    let whole: Value = api.get(&here).await.json().await.unwrap();
    let kinds: Vec<&str> =
        whole["updates"].as_array().unwrap().iter().map(|update| update["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["completed", "verifying", "note", "extended", "started", "held", "scheduled"]);
}

async fn a_program_reads_overrides_and_leaves_them_to_people(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    app.sign_in_as(Role::Admin).await;
    let ada = app.services.db.read().await.unwrap().users().await.unwrap().remove(0);
    let actor = app.services.actor_for_session(ada.id, None).await.unwrap();
    let api = writer(&app).await;
    let (_, draft) = post(&api, WINDOWS, thursday(story.vm3)).await;
    let here = format!("{}/overrides", at(&draft));
    let window = draft["id"].as_str().unwrap().parse().unwrap();
    let asked = app.services.ask_override(&actor, window, None, "It dies.").await.unwrap();
    let listed: Value = api.get(&here).await.json().await.unwrap();
    let [shown] = listed["items"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((shown["state"].as_str(), shown["asked_by"].as_str()), (Some("asked"), Some(ada.name.as_str())));
    let mut codes: Vec<&str> =
        shown["reasons"].as_array().unwrap().iter().map(|r| r["reason"]["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["no_job", "not_carried", "too_old"]);
    assert_eq!(shown["uncovered"], json!([]));
    assert_eq!(post(&api, &here, json!({"why": "x"})).await.0, 405);
    for way in ["confirm", "refuse", "withdraw"] {
        assert_eq!(post(&api, &format!("{here}/{}/{way}", asked.id), json!({"why": "x"})).await.0, 404, "{way}");
    }
}

async fn a_checklist_is_ticked_line_by_line(engine: Engine) {
    let app = TestApp::start(engine).await;
    let small = small(&app).await;
    let api = writer(&app).await;
    let listed = with(thursday(small.vm3), "checklist", json!(["RAID is clean", "", "Sites answer"]));
    let (_, window) = post(&api, WINDOWS, with(listed, "schedule", json!(true))).await;
    let here = at(&window);
    assert_eq!(window["checklist"][1], json!({"line": "Sites answer", "ticked_by": null, "ticked_at": null}));
    assert_eq!(post(&api, &format!("{here}/start"), Value::Null).await.0, 200);
    let tick = |line: &str, ticked: bool| {
        let (path, body) = (format!("{here}/checklist"), json!({"line": line, "ticked": ticked}));
        let api = &api;
        async move { post(api, &path, body).await }
    };
    let (status, early) = tick("Sites answer", true).await;
    assert_eq!((status, early["code"].as_str()), (409, Some("wrong_state")));
    assert_eq!(post(&api, &format!("{here}/verify"), Value::Null).await.0, 200);
    let (_, ticked) = tick("Sites answer", true).await;
    assert_eq!(ticked["checklist"][1]["ticked_by"], "token test");
    let (status, none) = tick("Mail flows", true).await;
    assert_eq!((status, none["errors"][0]["field"].as_str()), (422, Some("line")));
    let (status, open) = post(&api, &format!("{here}/complete"), json!({})).await;
    assert_eq!((status, open["code"].as_str()), (409, Some("checklist_open")));
    let (status, done) = post(&api, &format!("{here}/complete"), json!({"anyway": "Checked tomorrow."})).await;
    assert_eq!((status, done["done_anyway"].as_str()), (200, Some("Checked tomorrow.")));
}

async fn a_change_says_what_it_was_made_from_and_a_cancellation_why(engine: Engine) {
    let app = TestApp::start(engine).await;
    let small = small(&app).await;
    let api = writer(&app).await;
    let (_, window) = post(&api, WINDOWS, with(thursday(small.vm3), "schedule", json!(true))).await;
    let here = at(&window);
    let (status, missing) = send(&api, Method::PATCH, &here, json!({"title": "x"})).await;
    assert_eq!((status, missing["errors"][0]["field"].as_str()), (422, Some("version")));
    let move_it =
        json!({"version": window["version"], "start": "2014-05-16T20:00", "end": "2014-05-16T21:00", "note": "Later."});
    let (status, moved) = send(&api, Method::PATCH, &here, move_it.clone()).await;
    assert_eq!((status, moved["starts_at"].as_str()), (200, Some("2014-05-16T19:00:00Z")));
    assert!(moved["sequence"].as_i64() > window["sequence"].as_i64());
    let (status, stale) = send(&api, Method::PATCH, &here, move_it).await;
    assert_eq!((status, stale["code"].as_str()), (409, Some("stale")));
    let (status, why) = post(&api, &format!("{here}/cancel"), Value::Null).await;
    assert_eq!((status, why["errors"][0]["field"].as_str()), (422, Some("body")));
    let (_, off) = post(&api, &format!("{here}/cancel"), json!({"body": "The disk is fine."})).await;
    assert_eq!(off["state"], "cancelled");
    let (status, kept) = send(&api, Method::DELETE, &format!("{here}?version={}", off["version"]), Value::Null).await;
    assert_eq!((status, kept["code"].as_str()), (409, Some("wrong_state")));
}

async fn a_request_that_comes_twice_plans_once(engine: Engine) {
    let app = TestApp::start(engine).await;
    let small = small(&app).await;
    let api = writer(&app).await;
    let body = with(thursday(small.vm3), "schedule", json!(true));
    let once = |body: Value| {
        let request = api.http.post(format!("{}{WINDOWS}", app.base)).header("idempotency-key", "change-4711");
        async move {
            let answer = request.json(&body).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let (status, first) = once(body.clone()).await;
    assert_eq!(status, 201);
    let (_, changed) =
        send(&api, Method::PATCH, &at(&first), json!({"version": first["version"], "title": "Two disks"})).await;
    assert_eq!(changed["title"], "Two disks");
    assert_eq!(once(body.clone()).await, (201, first));
    let (status, other) = once(with(body, "title", json!("Something else"))).await;
    assert_eq!((status, other["errors"][0]["field"].as_str()), (422, Some("Idempotency-Key")));
    let listed: Value = api.get(WINDOWS).await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

async fn what_is_wrong_is_named_by_its_field(engine: Engine) {
    let app = TestApp::start(engine).await;
    let small = small(&app).await;
    let api = writer(&app).await;
    for (name, value, field) in [
        ("title", json!(""), "title"),
        ("title", json!(7), "title"),
        ("hosts", json!(["vm3"]), "hosts"),
        ("hosts", json!(["01234567-89ab-7def-8123-456789abcdef"]), "hosts"),
        ("zone", json!("Mars/Olympus"), "zone"),
        ("start", json!("2014-05-15T22:00"), "end"),
        ("start", json!("soon"), "start"),
        ("end_fold", json!("second"), "end_fold"),
        ("may_wait", json!("4"), "may_wait"),
        ("checklist", json!(["a", "A"]), "checklist"),
        ("schedule", json!("yes"), "schedule"),
    ] {
        let (status, problem) = post(&api, WINDOWS, with(thursday(small.vm3), name, value)).await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (422, Some(field)), "{name}: {problem}");
    }
    let (status, problem) = post(&api, WINDOWS, with(thursday(small.vm3), "colour", json!("red"))).await;
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("colour"), "{problem}");
    let past = with(with(thursday(small.vm3), "start", json!("2014-05-15T11:00")), "schedule", json!(true));
    let (status, problem) = post(&api, WINDOWS, past).await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (422, Some("start")));
    let listed: Value = api.get(WINDOWS).await.json().await.unwrap();
    assert!(listed["items"].as_array().unwrap().is_empty());
    for query in ["state=open", "order=up", "cursor=x", "limit=0", "limit=many"] {
        assert_eq!(api.get(&format!("{WINDOWS}?{query}")).await.status(), 422, "{query}");
    }
}

async fn lists_come_in_pages_and_only_those_who_may_plan(engine: Engine) {
    let app = TestApp::start(engine).await;
    let small = small(&app).await;
    let api = writer(&app).await;
    for day in 16..=18 {
        let mut body = with(thursday(small.vm3), "start", json!(format!("2014-05-{day}T20:00")));
        body["end"] = json!(format!("2014-05-{day}T21:00"));
        assert_eq!(post(&api, WINDOWS, body).await.0, 201);
    }
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let page: Value = reader.get(&format!("{WINDOWS}?state=draft&order=earliest&limit=2")).await.json().await.unwrap();
    let numbers = |page: &Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|m| m["number"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers(&page), [1, 2]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest: Value = reader
        .get(&format!("{WINDOWS}?state=draft&order=earliest&limit=2&cursor={cursor}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!((numbers(&rest), rest["next_cursor"].is_null()), (vec![3], true));
    assert_eq!(post(&reader, WINDOWS, thursday(small.vm3)).await.0, 403);
    assert!(matches!(post(&app.stranger(), WINDOWS, thursday(small.vm3)).await.0, 401 | 403));
    assert_eq!(app.stranger().get(WINDOWS).await.status(), 401);
    assert_eq!(api.get(&format!("{WINDOWS}/not-an-id")).await.status(), 404);
}

storage::on_both!(
    a_refused_window_is_a_draft_with_all_reasons_and_goes_out_after_the_backup,
    a_window_runs_through_all_its_steps,
    a_program_reads_overrides_and_leaves_them_to_people,
    a_checklist_is_ticked_line_by_line,
    a_change_says_what_it_was_made_from_and_a_cancellation_why,
    a_request_that_comes_twice_plans_once,
    what_is_wrong_is_named_by_its_field,
    lists_come_in_pages_and_only_those_who_may_plan,
);

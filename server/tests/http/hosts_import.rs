use crate::test_app::{TestApp, TestClient};
use domain::people::{Role, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Actor;
use service::audit::AuditFilter;
use service::inventory::ListQuery;
use storage::testing::Engine;

const LIST: &str = "\
host,runs_on,note,data_set,kind,job,tool,carried_by,every,max_duration
web-12,vm3,Two shops,files,files,nightly,borgmatic,,24 h,6 h
web-12,,,shop,database,dump,pg_dump,nightly,24 h,1 h
vm3,,Rack 4,,,,,,,
";

const PATH: &str = "/admin/hosts/import";

async fn text(page: Response) -> String {
    page.text().await.unwrap().replace("<!>", "")
}

async fn check(client: &TestClient, list: &str) -> (u16, String) {
    let page = client.post_form(PATH, &[("csv", list), ("do", "check")]).await;
    (page.status().as_u16(), text(page).await)
}

/// The mark of what a page shows.
fn seen(page: &str) -> String {
    let after = page.split("name=\"seen\" value=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
    after.split('"').next().unwrap().to_owned()
}

async fn hosts(app: &TestApp) -> Vec<String> {
    let page = app.services.hosts(&Actor::system(), &ListQuery::default()).await.unwrap();
    let mut names: Vec<String> = page.items.into_iter().map(|host| host.name.to_string()).collect();
    names.sort();
    names
}

async fn a_list_is_looked_at_then_applied_whole(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let (status, page) = check(&ada, LIST).await;
    assert_eq!(status, 200);
    assert!(page.contains("6 would be added, 0 changed. Nothing is done yet."), "{page}");
    assert!(page.contains("web-12 · shop: dump") && page.contains("carried_by: web-12 · files: nightly"), "{page}");
    assert!(page.contains(">host,runs_on,note,"), "what was typed stays: {page}");
    assert!(hosts(&app).await.is_empty());

    let done = ada.post_form(PATH, &[("csv", LIST), ("do", "apply"), ("seen", &seen(&page))]).await;
    assert_eq!(
        (done.status().as_u16(), done.headers()["location"].to_str().unwrap()),
        (303, "/admin/hosts?done=imported")
    );
    assert_eq!(hosts(&app).await, ["vm3", "web-12"]);
    let jobs = app.services.placed_jobs(&Actor::system()).await.unwrap();
    let placed: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    assert_eq!(placed, ["web-12 · files: nightly", "web-12 · shop: dump"]);
    assert_eq!(jobs[1].job.carried_by, Some(jobs[0].job.id));
    // A job from a list reports like any other.
    let address = app.services.ping_address(&Actor::system(), jobs[0].job.id).await.unwrap();
    assert!(matches!(address, service::inventory::PingAddress::Known(_)));

    let log = app.services.audit_log(&Actor::system(), &AuditFilter::default()).await.unwrap();
    let of = |verb: &str| log.entries.iter().filter(|e| e.action == verb && e.actor.starts_with("operator")).count();
    assert_eq!((of("host.add"), of("data_set.add"), of("job.add")), (2, 2, 2));

    let (status, page) = check(&ada, LIST).await;
    assert!(status == 200 && page.contains("Nothing to do") && page.contains("6 things stand"), "{page}");
    assert!(!page.contains("value=\"apply\""), "{page}");
}

async fn what_was_not_shown_is_not_done(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let (_, page) = check(&ada, "host\nvm3\n").await;
    let mark = seen(&page);
    for (list, mark) in [("host\nvm3\nvm4\n", mark.as_str()), ("host\nvm3\n", ""), ("host\nvm3\n", "x")] {
        let again = ada.post_form(PATH, &[("csv", list), ("do", "apply"), ("seen", mark)]).await;
        assert_eq!(again.status(), 422);
        let page = text(again).await;
        assert!(page.contains("this is not what you were shown") && page.contains("would be added"), "{page}");
        assert!(hosts(&app).await.is_empty());
        let done = ada.post_form(PATH, &[("csv", "host\n"), ("do", "apply"), ("seen", &seen(&page))]).await;
        assert_eq!(done.status(), 422, "the mark is of another list");
    }
}

async fn mistakes_are_told_by_line_and_nothing_is_done(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Operator).await;
    let list = "host,runs_on,data_set,job,every\nvm3,,,,\nweb-12,vm9,files,nightly,soon\n";
    let (status, page) = check(&ada, list).await;
    assert_eq!(status, 422);
    assert!(page.contains("Line 3, runs_on: There is no host “vm9”"), "{page}");
    assert!(page.contains("Line 3, every: ") && page.contains("id=\"csv-error\""), "{page}");
    assert!(page.contains("web-12,vm9,files,nightly,soon</textarea>") || page.contains("soon\n</textarea>"), "{page}");
    let again = ada.post_form(PATH, &[("csv", list), ("do", "apply"), ("seen", "")]).await;
    assert_eq!(again.status(), 422);
    assert!(hosts(&app).await.is_empty());
    let (status, page) = check(&ada, "host\n\"vm3\n").await;
    assert!(status == 422 && page.contains("Line 2: a quotation mark opens a cell"), "{page}");
    let many: String = (0..60).map(|n| format!("h{n},gone\n")).collect();
    let (_, page) = check(&ada, &format!("host,runs_on\n{many}")).await;
    assert!(page.contains("Line 51, runs_on") && !page.contains("Line 52, runs_on"), "{page}");
    assert!(page.contains("There are 10 more mistakes further down."), "{page}");
}

async fn programs_look_first_too(engine: Engine) {
    let app = TestApp::start(engine).await;
    let program = app.with_token(&app.token(&[Scope::Admin]).await);
    let csv = |path: &'static str, body: &'static str| {
        let request =
            program.http.post(format!("{}{path}", app.base)).header("content-type", "text/csv; charset=utf-8");
        async move { request.body(body).send().await.unwrap() }
    };
    let looked: Value = csv("/api/v1/hosts/import", LIST).await.json().await.unwrap();
    assert_eq!((&looked["applied"], looked["changes"].as_array().unwrap().len()), (&json!(false), 6));
    assert!(hosts(&app).await.is_empty());
    let done: Value = csv("/api/v1/hosts/import?apply=true", LIST).await.json().await.unwrap();
    assert_eq!((&done["applied"], done["changes"].as_array().unwrap().len()), (&json!(true), 6));
    let lines = json!([{"host": "vm3", "note": "Rack 5"}, {"host": "mail-3", "runs_on": "VM3"}]);
    let sent = program.send_json(Method::POST, "/api/v1/hosts/import?apply=true", &lines).await;
    let done: Value = sent.json().await.unwrap();
    assert_eq!(
        done["changes"],
        json!([
            {"line": 1, "what": "host", "place": "vm3", "is_new": false,
             "fields": [{"column": "note", "before": "Rack 4", "after": "Rack 5"}]},
            {"line": 2, "what": "host", "place": "mail-3", "is_new": true,
             "fields": [{"column": "runs_on", "before": null, "after": "vm3"}]},
        ])
    );
    assert_eq!(hosts(&app).await, ["mail-3", "vm3", "web-12"]);
    let again = program.send_json(Method::POST, "/api/v1/hosts/import?apply=true", &lines).await;
    let again: Value = again.json().await.unwrap();
    assert_eq!((&again["changes"], &again["left_alone"]), (&json!([]), &json!(2)));

    let wrong = program.send_json(Method::POST, "/api/v1/hosts/import", &json!([{"host": "a", "kind": "files"}])).await;
    assert_eq!(wrong.status(), 422);
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["errors"][0]["field"], "lines");
    assert!(wrong["errors"][0]["message"].as_str().unwrap().starts_with("Line 1, kind: "), "{wrong}");
    for (path, body, status) in [
        ("/api/v1/hosts/import?apply=yes", json!([]), 422),
        ("/api/v1/hosts/import", json!([{"name": "vm3"}]), 422),
        ("/api/v1/hosts/import", json!({}), 422),
    ] {
        assert_eq!(program.send_json(Method::POST, path, &body).await.status(), status, "{path} {body}");
    }
}

async fn a_host_moves_onto_one_that_the_list_brings(engine: Engine) {
    let app = TestApp::start(engine).await;
    let program = app.with_token(&app.token(&[Scope::Admin]).await);
    for lines in [json!([{"host": "web-12"}]), json!([{"host": "web-12", "runs_on": "vm3"}, {"host": "vm3"}])] {
        let done = program.send_json(Method::POST, "/api/v1/hosts/import?apply=true", &lines).await;
        assert_eq!(done.status(), 200, "{}", text(done).await);
    }
    let tree = app.services.host_tree(&Actor::system(), false).await.unwrap();
    let tree: Vec<(usize, &str)> = tree.iter().map(|line| (line.depth, line.host.name.as_str())).collect();
    assert_eq!(tree, [(0, "vm3"), (1, "web-12")]);
}

storage::on_both!(
    a_list_is_looked_at_then_applied_whole,
    what_was_not_shown_is_not_done,
    mistakes_are_told_by_line_and_nothing_is_done,
    programs_look_first_too,
    a_host_moves_onto_one_that_the_list_brings,
);

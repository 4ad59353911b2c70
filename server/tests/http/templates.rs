//! Templates and previews on pages, without a script, and for programs.

use crate::stage::Stage;
use crate::test_app::{TestApp, TestClient, read_plain};
use domain::people::{Role, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Actor;
use storage::testing::Engine;

/// Status and text with entities and the renderer's marks taken out.
async fn send(client: &TestClient, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = client.send_json(method, path, &body).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

fn place(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn operators_keep_templates_and_viewers_read_them(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (operator, viewer) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let (_, empty) = read_plain(operator.get("/admin/templates").await).await;
    assert!(empty.contains("No template yet") && empty.contains("Add our examples"), "{empty}");
    assert_eq!(place(&operator.post_form("/admin/templates/examples", &[]).await), "/admin/templates?done=examples");
    let (_, list) = read_plain(viewer.get("/admin/templates").await).await;
    assert!(list.contains("Planned work with an interruption") && !list.contains("Add a template"), "{list}");

    let form = |name: &'static str, body: &'static str| {
        [("name", name), ("used_for", "progress"), ("title", ""), ("body", body), ("do", "")]
    };
    let wrong = operator.post_form("/admin/templates/new", &form("Halfway", "Dear {{customer}}")).await;
    let (status, html) = read_plain(wrong).await;
    assert_eq!(status, 422);
    assert!(html.contains("There is a template called Halfway already."), "{html}");
    let told = "There is no placeholder {{customer}}. There are {{components}}";
    assert!(html.contains(told) && html.contains(">Dear {{customer}}</textarea>"), "{html}");
    let added = place(&operator.post_form("/admin/templates/new", &form("Nearly", "Until {{end}}.")).await);
    let path = added.split('?').next().unwrap().to_owned();
    let change = |version: &'static str, body: &'static str| {
        [("version", version), ("name", "Nearly"), ("used_for", "progress"), ("title", ""), ("body", body)]
    };
    assert_eq!(operator.post_form(&path, &change("1", "By {{end}}.")).await.status(), 303);
    let (status, stale) = read_plain(operator.post_form(&path, &change("1", "At {{end}}.")).await).await;
    assert_eq!(status, 409);
    assert!(stale.contains("changed by somebody else") && stale.contains(">At {{end}}.</textarea>"), "{stale}");
    let (_, seen) = read_plain(viewer.get(&path).await).await;
    assert!(seen.contains("By {{end}}.") && !seen.contains("<textarea"), "{seen}");
    assert_eq!(viewer.post_form(&path, &change("2", "x")).await.status(), 403);
    let gone = operator.post_form(&format!("{path}/retire"), &[("version", "2")]).await;
    assert_eq!(place(&gone), "/admin/templates?done=retired");
    let (_, list) = read_plain(operator.get("/admin/templates").await).await;
    assert!(list.contains("Out of use"), "{list}");
}

async fn a_template_fills_the_form_without_a_script(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    app.services.add_example_templates(&Actor::system()).await.unwrap();
    let all = app.services.templates(&Actor::system(), false).await.unwrap();
    let id = |name: &str| all.iter().find(|template| template.name.as_str() == name).unwrap().id.to_string();
    let operator = app.sign_in_as(Role::Operator).await;
    let (plan, later) = (id("Planned work with an interruption"), id("It takes longer"));
    let form = [("title", "Mine"), ("message", "Mine, too."), ("template", plan.as_str()), ("do", "template:plan")];
    let (status, html) = read_plain(operator.post_form("/admin/maintenances/new", &form).await).await;
    assert!(status == 200 && html.contains("value=\"Mine\"") && html.contains("is below what you wrote"), "{html}");
    assert!(html.contains(">Mine, too.\n\nWe are working on {{components}} from {{start}}"), "{html}");
    let form = [("title", ""), ("start", "2014-05-15T20:00"), ("template", plan.as_str()), ("do", "template:plan")];
    let (status, html) = read_plain(operator.post_form("/admin/maintenances/new", &form).await).await;
    assert_eq!(status, 200);
    assert!(html.contains("value=\"Maintenance on {{components}}\""), "{html}");
    assert!(html.contains(">We are working on {{components}} from {{start}}"), "{html}");
    assert!(html.contains("value=\"2014-05-15T20:00\"") && html.contains("Nothing is sent yet."), "{html}");
    let nothing = [("do", "template:plan"), ("title", "Mine")];
    let (status, html) = read_plain(operator.post_form("/admin/maintenances/new", &nothing).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("Choose a template.") && html.contains("value=\"Mine\""), "{html}");

    let m = stage.thursday().await;
    stage.ran("15 16:00", "15 17:00").await;
    stage.pass("15 19:00").await;
    let path = format!("/admin/maintenances/{}", m.id);
    let form = [("by", "1 h"), ("template", later.as_str()), ("do", "template:extend")];
    let (status, html) = read_plain(operator.post_form(&path, &form).await).await;
    assert_eq!(status, 200);
    assert!(html.contains(">The work takes longer than we planned: {{reason}}."), "{html}");
    assert!(html.contains("value=\"1 h\""), "{html}");
    let text = "Longer: {{reason}}. Done by {{end}}.";
    let form = [("by", "1 h"), ("body", text), ("do", "extend"), ("version", "99")];
    assert_eq!(operator.post_form(&path, &form).await.status(), 409, "stale");
    let version = app.services.maintenance(&Actor::system(), m.id).await.unwrap().version.to_string();
    let form = [("by", "1 h"), ("body", text), ("do", "extend"), ("version", version.as_str())];
    let (status, html) = read_plain(operator.post_form(&path, &form).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("Say the reason: the text has {{reason}} in it."), "{html}");
    let form = [("by", "1 h"), ("body", text), ("reason", "slow"), ("do", "extend"), ("version", version.as_str())];
    assert_eq!(operator.post_form(&path, &form).await.status(), 303);
    let (_, html) = read_plain(app.get(&format!("/maintenance/{}?tz=Asia%2FTokyo", m.id)).await).await;
    assert!(html.contains("Longer: slow. Done by Fri 16 May 2014, 07:00 JST (UTC+9)."), "{html}");
}

async fn the_mail_is_shown_before_it_is_sent(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let vm3 = stage.vm3.to_string();
    let form = [
        ("title", "Work on {{components}}"),
        ("message", "From {{start}}."),
        ("part", "scope"),
        ("hosts", vm3.as_str()),
        ("zone", "Europe/Dublin"),
        ("start", "2014-05-15T20:00"),
        ("end", "2014-05-15T22:00"),
        ("mail_zone", "Asia/Tokyo"),
        ("do", "mail:plan"),
    ];
    let answer = operator.post_form("/admin/maintenances/new", &form).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let (status, html) = read_plain(answer).await;
    assert_eq!(status, 200);
    assert!(html.contains("[Northwind Hosting] Work on Cluster 12 and Shell nodes (M-1)"), "{html}");
    assert!(html.contains("From Fri 16 May 2014, 04:00 JST (UTC+9)."), "{html}");
    assert!(html.contains("<iframe title=\"The mail as HTML\" sandbox=\"\" srcdoc=\"<!DOCTYPE html>"), "{html}");
    assert!(policy.contains("style-src 'self' 'unsafe-inline'") && policy.contains("script-src 'nonce-"), "{policy}");
    let before = operator.get("/admin/maintenances/new").await;
    let policy = before.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("unsafe-inline"), "only where a mail is shown: {policy}");
    let (_, list) = read_plain(operator.get("/admin/maintenances").await).await;
    assert!(!list.contains("M-1"), "nothing was stored: {list}");

    let m = stage.thursday().await;
    let path = format!("/admin/maintenances/{}", m.id);
    let update = [("body", "News for {{title}}."), ("do", "mail:update")];
    let (status, html) = read_plain(operator.post_form(&path, &update).await).await;
    assert_eq!(status, 200);
    assert!(html.contains("News for Replace a failed disk in vm3."), "{html}");
    let (status, html) = read_plain(operator.post_form(&path, &[("body", ""), ("do", "mail:cancel")]).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("why it is called off"), "{html}");
    let template = [("name", "x"), ("used_for", "announce"), ("body", "At {{when}}"), ("do", "mail")];
    let (status, html) = read_plain(operator.post_form("/admin/templates/new", &template).await).await;
    assert_eq!(status, 200);
    assert!(html.contains("At Fri 16 May 2014, 20:00–22:00 IST (UTC+1)"), "{html}");
    assert!(app.services.templates(&Actor::system(), true).await.unwrap().is_empty());
}

async fn programs_keep_templates_and_preview_mails(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let api = app.with_token(&app.token(&[Scope::MaintenanceWrite]).await);
    let new = json!({"name": "Planned", "used_for": "announce", "title": "On {{components}}", "body": "At {{when}}."});
    let (status, made) = send(&api, Method::POST, "/api/v1/templates", new).await;
    assert_eq!((status, made["version"].as_i64()), (201, Some(1)), "{made}");
    let path = format!("/api/v1/templates/{}", made["id"].as_str().unwrap());
    let (status, problem) = send(&api, Method::PATCH, &path, json!({"version": 1, "body": "{{x}}"})).await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (422, Some("body")), "{problem}");
    let (status, made) = send(&api, Method::PATCH, &path, json!({"version": 1, "body": "From {{start}}."})).await;
    assert_eq!((status, made["title"].as_str()), (200, Some("On {{components}}")));
    assert_eq!(send(&api, Method::PATCH, &path, json!({"version": 1, "body": "x"})).await.0, 409);

    let plan = json!({
        "title": "On {{components}}", "message": "From {{start}}: {{reason}}.", "reason": "wear",
        "hosts": [stage.vm3.to_string()], "zone": "Europe/Dublin",
        "start": "2014-05-15T20:00", "end": "2014-05-15T22:00",
    });
    let (status, seen) =
        send(&api, Method::POST, "/api/v1/previews", json!({"what": {"plan": plan}, "zone": "Asia/Tokyo"})).await;
    assert_eq!(status, 200, "{seen}");
    assert_eq!(seen["subject"], "[Northwind Hosting] On Cluster 12 and Shell nodes (M-1)");
    assert!(seen["text"].as_str().unwrap().contains("From Fri 16 May 2014, 04:00 JST (UTC+9): wear."), "{seen}");
    let m = stage.thursday().await;
    let (status, seen) = send(
        &api,
        Method::POST,
        "/api/v1/previews",
        json!({"what": {"cancel": {"body": "Off: {{reason}}", "reason": "rain"}}, "maintenance": m.id}),
    )
    .await;
    assert_eq!(status, 200, "{seen}");
    assert!(seen["text"].as_str().unwrap().contains("Off: rain"), "{seen}");
    let (status, problem) =
        send(&api, Method::POST, "/api/v1/previews", json!({"what": {"update": {"body": "x"}}})).await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (422, Some("maintenance")), "{problem}");
    let (status, done) = send(&api, Method::POST, &format!("{path}/retire"), json!({"version": 2})).await;
    assert_eq!(status, 200);
    assert!(done["retired_at"].is_string());
    let (_, list) = send(&api, Method::GET, "/api/v1/templates", json!({})).await;
    assert_eq!(list["items"], json!([]));
}

storage::on_both!(
    operators_keep_templates_and_viewers_read_them,
    a_template_fills_the_form_without_a_script,
    the_mail_is_shown_before_it_is_sent,
    programs_keep_templates_and_preview_mails,
);

//! The first admin, people, tokens and settings through the pages, and through the API.

use crate::test_app::{TestApp, TestClient};
use domain::people::{Role, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Actor;
use service::audit::AuditFilter;
use storage::testing::Engine;

const PASSWORD: &str = "correct horse battery";

fn place(response: &Response) -> &str {
    response.headers().get("location").map_or("", |place| place.to_str().unwrap())
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map_or("", |(found, _)| found)
}

/// The verbs of the log, oldest first.
async fn verbs(app: &TestApp) -> Vec<String> {
    let page = app.services.audit_log(&Actor::system(), &AuditFilter::default()).await.unwrap();
    page.entries.into_iter().rev().map(|entry| entry.action).collect()
}

async fn shown(client: &TestClient, path: &str) -> String {
    let page = client.get(path).await;
    assert_eq!(page.status(), 200, "{path}");
    page.text().await.unwrap()
}

async fn the_first_admin_sets_the_site_up(engine: Engine) {
    let app = TestApp::start(engine).await;
    let link = app.services.setup_link_if_needed().await.unwrap().unwrap();
    let path = link.strip_prefix(&app.base).unwrap();
    let page = app.get(path).await;
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let form = |password| [("name", "Ada"), ("email", "ada@example.org"), ("password", password)];
    let refused = app.post_form(path, &form("short")).await;
    assert_eq!(refused.status(), 422);
    let html = refused.text().await.unwrap();
    assert!(html.contains("value=\"ada@example.org\"") && html.contains("Use at least 12 characters."), "{html}");
    let made = app.post_form(path, &form(PASSWORD)).await;
    assert_eq!((made.status().as_u16(), place(&made)), (303, "/admin"));
    assert!(shown(&app.anyone, "/admin/account").await.contains("ada@example.org"));
    for _ in 0..2 {
        assert_eq!(app.stranger().get(path).await.status(), 404);
        assert_eq!(app.stranger().post_form(path, &form(PASSWORD)).await.status(), 404);
    }
    assert_eq!(verbs(&app).await, ["person.set_up"]);
}

async fn a_colleague_is_invited_and_comes_in(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let form = [("name", "Bob"), ("email", "bob@example.org"), ("role", "operator")];
    let answer = admin.post_form("/admin/people/new", &form).await;
    assert_eq!(answer.status(), 200);
    let html = answer.text().await.unwrap();
    let path = format!("/password/{}", between(&html, "/password/", "<"));
    assert!(!shown(&admin, "/admin/people/new").await.contains("/password/"), "the link is shown once");
    assert!(shown(&admin, "/admin/people").await.contains("Invited"));
    let bob = app.stranger();
    assert!(shown(&bob, &path).await.contains("bob@example.org"));
    let come_in = bob.post_form(&path, &[("password", PASSWORD)]).await;
    assert_eq!((come_in.status().as_u16(), place(&come_in)), (303, "/admin"));
    assert!(shown(&bob, "/admin/account").await.contains("Operator"));
    assert_eq!(bob.get("/admin/people").await.status(), 403);
    assert_eq!(app.stranger().get(&path).await.status(), 404);
    let twice = admin.post_form("/admin/people/new", &form).await;
    assert_eq!(twice.status(), 422);
    assert!(twice.text().await.unwrap().contains("Bob signs in with this address already."));
    assert_eq!(verbs(&app).await, ["person.add", "person.choose_password"]);
}

async fn a_token_is_shown_once_and_works_until_revoked(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let wrong = admin.post_form("/admin/tokens/new", &[("name", ""), ("valid_for", "30 d")]).await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("Choose at least one."));
    let form = [("name", "nightly"), ("scopes", "read"), ("scopes", "backup:report"), ("valid_for", "")];
    let html = admin.post_form("/admin/tokens/new", &form).await.text().await.unwrap();
    let text = format!("fmt_{}", between(&html, ">fmt_", "<"));
    assert!(app.services.actor_for_token(&text, None).await.is_ok(), "{text}");
    assert_eq!(app.with_token(&text).get("/api/v1/site").await.status(), 200);
    let list = shown(&admin, "/admin/tokens").await;
    assert!(list.contains("nightly") && !list.contains(&text));
    let id = between(&list, "name=\"id\" value=\"", "\"").to_owned();
    let revoked = admin.post_form("/admin/tokens", &[("do", "revoke"), ("id", &id)]).await;
    assert_eq!((revoked.status().as_u16(), place(&revoked)), (303, "/admin/tokens?done=revoked"));
    assert!(shown(&admin, "/admin/tokens?done=revoked").await.contains("has been revoked"));
    assert_eq!(app.with_token(&text).get("/api/v1/site").await.status(), 401);
    assert_eq!(verbs(&app).await, ["token.add", "token.revoke"]);
}

async fn settings_are_seen_by_all_and_changed_by_admins(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (admin, viewer) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Viewer).await);
    let page = shown(&viewer, "/admin/settings").await;
    assert!(page.contains("Oldest backup for starting work") && !page.contains("name=\"lead\""));
    assert!(shown(&admin, "/admin/settings").await.contains("name=\"lead\""));
    let form = |lead, version| {
        [
            ("name", "Northwind"),
            ("zone", "Asia/Tokyo"),
            ("schedule_max_age", "26 h"),
            ("start_max_age", "3 h"),
            ("lead", lead),
            ("warnings_are_good", "on"),
            ("reminders", "48 h, 2 h"),
            ("digest_hour", "7"),
            ("digest_hour", "6"),
            ("version", version),
        ]
    };
    let wrong = admin.post_form("/admin/settings", &form("90", "1")).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    assert!(html.contains("value=\"26 h\"") && html.contains("Add a unit to 90"), "{html}");
    let saved = admin.post_form("/admin/settings", &form("2 h", "1")).await;
    assert_eq!((saved.status().as_u16(), place(&saved)), (303, "/admin/settings?done=saved"));
    let stale = admin.post_form("/admin/settings", &form("3 h", "1")).await;
    assert_eq!(stale.status(), 409);
    assert!(stale.text().await.unwrap().contains("changed by somebody else"));
    assert!(shown(&app.anyone, "/").await.contains("– Northwind status</title>"), "the public page follows");
    assert_eq!(verbs(&app).await, ["site.edit"]);
    let approver = app.sign_in_as(Role::Approver).await;
    let log = shown(&approver, "/admin/audit?object=site").await;
    assert!(log.contains("Europe/Dublin → Asia/Tokyo") && log.contains("site.edit"), "{log}");
}

async fn programs_keep_people_tokens_and_policy(engine: Engine) {
    let app = TestApp::start(engine).await;
    let api = app.with_token(&app.token(&[Scope::Admin]).await);
    let send = async |method: Method, path: &str, body: Value| {
        let answer = api.send_json(method, path, &body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, bob) =
        send(Method::POST, "/api/v1/people", json!({"email": "bob@example.org", "name": "Bob", "role": "viewer"}))
            .await;
    assert_eq!((status, &bob["role"], &bob["has_password"]), (201, &json!("viewer"), &json!(false)));
    assert!(bob["password_link"].as_str().unwrap().starts_with(&format!("{}/password/", app.base)));
    let one = format!("/api/v1/people/{}", bob["id"].as_str().unwrap());
    let (status, edited) = send(Method::PATCH, &one, json!({"version": 1, "role": "operator"})).await;
    assert_eq!((status, &edited["role"], &edited["name"]), (200, &json!("operator"), &json!("Bob")));
    let (status, stale) = send(Method::PATCH, &one, json!({"version": 1, "role": "admin"})).await;
    assert_eq!((status, &stale["code"]), (409, &json!("stale")));
    let (status, wrong) = send(Method::POST, "/api/v1/people", json!({"email": "x", "name": "", "role": "root"})).await;
    let fields: Vec<&str> = wrong["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (422, vec!["email", "name", "role"]));
    let (_, gone) = send(Method::POST, &format!("{one}/disable"), json!({})).await;
    assert!(gone["disabled_at"].is_string() && gone.get("password_link").is_none());
    let (_, back) = send(Method::POST, &format!("{one}/enable"), json!({})).await;
    assert!(back["disabled_at"].is_null());

    let new = json!({"name": "nightly", "scopes": ["backup:report"], "valid_for": "30 d"});
    let (status, made) = send(Method::POST, "/api/v1/tokens", new).await;
    assert_eq!((status, &made["scopes"]), (201, &json!(["backup:report"])));
    assert!(app.services.actor_for_token(made["token"].as_str().unwrap(), None).await.is_ok());
    let list: Value = api.get("/api/v1/tokens").await.json().await.unwrap();
    assert!(list["items"].as_array().unwrap().iter().all(|token| token.get("token").is_none()));
    let (status, ended) =
        send(Method::DELETE, &format!("/api/v1/tokens/{}", made["id"].as_str().unwrap()), json!({})).await;
    assert!(status == 200 && ended["revoked_at"].is_string());

    let (status, site) = send(Method::PATCH, "/api/v1/site", json!({"version": 1, "start_max_age": "3 h"})).await;
    assert_eq!((status, &site["start_max_age"], &site["schedule_max_age"]), (200, &json!("3 h"), &json!("24 h")));
    let (status, wrong) = send(Method::PATCH, "/api/v1/site", json!({"version": 2, "leed": "3 h"})).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (422, &json!("leed")));
    assert_eq!(
        verbs(&app).await,
        [
            "token.add",
            "person.add",
            "person.edit",
            "person.disable",
            "person.enable",
            "token.add",
            "token.revoke",
            "site.edit",
        ]
    );
}

storage::on_both!(
    the_first_admin_sets_the_site_up,
    a_colleague_is_invited_and_comes_in,
    a_token_is_shown_once_and_works_until_revoked,
    settings_are_seen_by_all_and_changed_by_admins,
    programs_keep_people_tokens_and_policy,
);

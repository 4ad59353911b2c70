//! Webhooks on the team's pages, by the API, and on the page of a subscription.

use crate::test_app::TestApp;
use domain::people::{Role, Scope};
use domain::subscriber::Subscriber;
use domain::webhook::Webhook;
use reqwest::Method;
use serde_json::{Value, json};
use service::inventory::ComponentInput;
use service::keys::Purpose;
use service::subscribers::Subscribe;
use service::webhooks::WebhookInput;
use service::{Actor, Services};
use storage::testing::Engine;

const URL: &str = "https://hooks.example.net/status?token=SECRET";

async fn only_id(services: &Services) -> String {
    services.webhooks(&Actor::system()).await.unwrap()[0].webhook.id.to_string()
}

async fn the_team_adds_one_and_its_secret_is_shown_once(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (admin, viewer) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Viewer).await);
    let wrong = [("do", "save"), ("name", ""), ("url", "http://127.0.0.1/x"), ("topics", "")];
    let html = admin.post_form("/admin/webhooks/new", &wrong).await;
    assert_eq!(html.status(), 422);
    let html = html.text().await.unwrap();
    assert!(html.contains("private network") && html.contains("value=\"http://127.0.0.1/x\""), "{html}");
    assert!(html.contains("Choose at least one"), "{html}");

    let fields = [("do", "save"), ("name", "Team chat"), ("url", URL), ("topics", ""), ("topics", "incidents")];
    let made = admin.post_form("/admin/webhooks/new", &fields).await;
    assert_eq!(made.status(), 200);
    assert!(made.text().await.unwrap().contains("whsec_"));
    let path = format!("/admin/webhooks/{}", only_id(&app.services).await);
    let html = admin.get(&path).await.text().await.unwrap();
    assert!(!html.contains("whsec_") && html.contains("token=SECRET"), "{html}");
    for place in [path.as_str(), "/admin/webhooks"] {
        let html = viewer.get(place).await.text().await.unwrap();
        assert!(html.contains("hooks.example.net") && !html.contains("SECRET"), "{html}");
    }

    let rotated = admin.post_form(&path, &[("do", "rotate"), ("version", "1")]).await;
    assert!(rotated.text().await.unwrap().contains("whsec_"));
    let stale = admin.post_form(&path, &[("do", "pause"), ("version", "1")]).await;
    assert_eq!(stale.status(), 409);
    let paused = admin.post_form(&path, &[("do", "pause"), ("version", "2")]).await;
    assert_eq!(paused.headers()["location"].to_str().unwrap(), format!("{path}?done=paused"));
    let gone = admin.post_form(&path, &[("do", "delete"), ("version", "3")]).await;
    assert_eq!(gone.headers()["location"].to_str().unwrap(), "/admin/webhooks?done=deleted");
    assert_eq!(admin.get(&path).await.status(), 404);
}

async fn what_a_webhook_follows_out_of_sight_stays_chosen_in_its_form(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (admin, system) = (app.sign_in_as(Role::Admin).await, Actor::system());
    let vault = ComponentInput { name: "Vault".to_owned(), is_private: true, ..ComponentInput::default() };
    let vault = app.services.add_component(&system, vault).await.unwrap().component.id.to_string();
    let input = WebhookInput {
        name: "Pager".to_owned(),
        url: URL.to_owned(),
        components: vec![vault.clone()],
        ..WebhookInput::default()
    };
    app.services.add_webhook(&system, &input).await.unwrap();
    let path = format!("/admin/webhooks/{}", only_id(&app.services).await);
    let html = admin.get(&path).await.text().await.unwrap();
    let at = html.find(&format!("value=\"{vault}\"")).unwrap_or_else(|| panic!("not in the form: {html}"));
    let (start, end) = (html[..at].rfind('<').unwrap(), at + html[at..].find('>').unwrap());
    assert!(html[start..end].contains("checked"), "{}", &html[start..end]);
    assert!(html.contains("Not on the public page"), "{html}");
}

async fn programs_keep_webhooks_by_the_api(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let body = json!({"name": "Pager", "url": URL, "topics": ["incidents"]});
    let made = admin.send_json(Method::POST, "/api/v1/webhooks", &body).await;
    assert_eq!((made.status().as_u16(), made.headers()["cache-control"].to_str().unwrap()), (201, "no-store"));
    let made: Value = made.json().await.unwrap();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let place = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    let seen: Value = reader.get(&place).await.json().await.unwrap();
    assert_eq!((&seen["url"], &seen["secret"]), (&json!("https://hooks.example.net"), &Value::Null));
    assert_eq!(seen["topics"], json!(["incidents"]));

    let refused = admin.send_json(Method::PATCH, &place, &json!({"version": 1, "topics": []})).await;
    assert_eq!(refused.status(), 422);
    let edited = json!({"version": 1, "name": "On-call"});
    let edited: Value = admin.send_json(Method::PATCH, &place, &edited).await.json().await.unwrap();
    assert_eq!((&edited["name"], &edited["url"], &edited["version"]), (&json!("On-call"), &json!(URL), &json!(2)));
    let audience: Value = admin.get("/api/v1/incidents/audience").await.json().await.unwrap();
    assert_eq!(audience, json!({"mails": 0, "webhooks": 1, "left_out": []}));
    let paused = admin.send_json(Method::POST, &format!("{place}/pause"), &json!({"version": 2})).await;
    assert_eq!(paused.json::<Value>().await.unwrap()["state"], "paused");
    let calls: Value = reader.get(&format!("{place}/calls")).await.json().await.unwrap();
    assert_eq!(calls["items"], json!([]));
    let rotated = admin.send_json(Method::POST, &format!("{place}/rotate"), &json!({"version": 3})).await;
    assert_ne!(rotated.json::<Value>().await.unwrap()["secret"], made["secret"]);
    assert_eq!(admin.send_json(Method::DELETE, &format!("{place}?version=4"), &Value::Null).await.status(), 204);
    let all: Value = reader.get("/api/v1/webhooks").await.json().await.unwrap();
    assert_eq!(all["items"], json!([]));
}

async fn confirmed(services: &Services) -> Subscriber {
    let ask = Subscribe { email: "mara@example.net".to_owned(), ..Subscribe::default() };
    services.subscribe(None, ask).await.unwrap();
    let s = services.db.read().await.unwrap().subscriber_by_email("mara@example.net").await.unwrap().unwrap();
    let link = services.keys.link(Purpose::Confirm, s.id.0, s.token_version);
    services.confirm(None, &link).await.unwrap().subscriber
}

async fn who_subscribed_adds_webhooks_from_the_link_in_the_mails(engine: Engine) {
    let app = TestApp::start(engine).await;
    assert!(app.get("/subscribe").await.text().await.unwrap().contains("Or by webhook"));
    let s = confirmed(&app.services).await;
    let path = format!("/subscriptions/{}", app.services.keys.link(Purpose::Manage, s.id.0, s.token_version));
    let wrong = app.post_form(&path, &[("do", "add-webhook"), ("url", "http://[::1]/x")]).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    assert!(html.contains("private network") && html.contains("value=\"http://[::1]/x\""), "{html}");
    assert!(html.contains("checked"), "the other form stands as it is stored");

    // Nobody is there to answer.
    let unproven = app.post_form(&path, &[("do", "add-webhook"), ("url", URL)]).await;
    assert_eq!(
        (unproven.status().as_u16(), unproven.headers()["cache-control"].to_str().unwrap()),
        (422, "private, no-store")
    );
    let html = unproven.text().await.unwrap();
    assert!(html.contains("The test call to this address failed") && html.contains("SECRET"), "{html}");
    assert!(app.services.own_webhooks(path.rsplit('/').next().unwrap()).await.unwrap().is_empty());

    let input = WebhookInput { name: "Webhook 1".to_owned(), url: URL.to_owned(), ..WebhookInput::default() };
    let site = app.services.add_webhook(&Actor::system(), &input).await.unwrap().webhook;
    app.services.delete_webhook(&Actor::system(), site.id, site.version).await.unwrap();
    let mut tx = app.services.db.decide().await.unwrap();
    tx.add_webhook(&Webhook { subscriber: Some(s.id), ..site }, "").await.unwrap();
    tx.commit().await.unwrap();
    let html = app.get(&path).await.text().await.unwrap();
    assert!(
        html.contains("https://hooks.example.net") && !html.contains("SECRET") && !html.contains("whsec_"),
        "{html}"
    );
    let id = only_id(&app.services).await;
    let gone = app.post_form(&path, &[("do", "remove-webhook"), ("webhook", &id)]).await;
    assert!(gone.text().await.unwrap().contains("The webhook was removed"));
    assert!(app.services.webhooks(&Actor::system()).await.unwrap().is_empty());
}

storage::on_both!(
    the_team_adds_one_and_its_secret_is_shown_once,
    what_a_webhook_follows_out_of_sight_stays_chosen_in_its_form,
    programs_keep_webhooks_by_the_api,
    who_subscribed_adds_webhooks_from_the_link_in_the_mails,
);

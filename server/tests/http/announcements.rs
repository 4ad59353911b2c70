//! Announcements on pages, without a script, and for programs.

use crate::stage::{Stage, utc};
use crate::test_app::{TestApp, TestClient, read};
use domain::people::{Role, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Actor;
use service::announcements::AnnouncementInput;
use storage::testing::Engine;

async fn page(app: &TestApp, path: &str) -> String {
    let (status, html) = read(app.get(path).await).await;
    assert_eq!(status, 200, "{path}: {html}");
    html
}

fn place(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Writes one on the form, and gives back its page.
async fn written(client: &TestClient, fields: &[(&str, &str)]) -> String {
    let answer = client.post_form("/admin/announcements/new", fields).await;
    assert_eq!(answer.status(), 303);
    place(&answer).split('?').next().unwrap().to_owned()
}

async fn an_operator_writes_looks_and_publishes_and_everybody_reads(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let dns = stage.component("DNS").await;
    let operator = app.sign_in_as(Role::Operator).await;
    let form = [
        ("title", "New name servers"),
        ("body", "From **Monday**.\n\nNothing to do."),
        ("category", "changelog"),
        ("components", dns.as_str()),
        ("tells", "on"),
        ("zone", "Europe/Dublin"),
    ];
    let (status, html) =
        read(operator.post_form("/admin/announcements/new", &[&form[..], &[("do", "preview")]].concat()).await).await;
    assert_eq!(status, 200);
    assert!(html.contains("As readers will see it") && html.contains("From <strong>Monday</strong>."), "{html}");
    let wrong = [("title", ""), ("body", "kept"), ("category", "news"), ("zone", "Europe/Dublin")];
    let (status, html) = read(operator.post_form("/admin/announcements/new", &wrong).await).await;
    assert_eq!(status, 422);
    assert!(html.contains(">kept</textarea>") && html.contains("Choose announcement, changelog"), "{html}");
    let path = written(&operator, &form).await;
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("Nobody is told.") && html.contains("Publish now"), "{html}");
    assert!(html.contains("/announcements/new-name-servers"));
    assert_eq!(app.get("/announcements/new-name-servers").await.status(), 404);
    assert_eq!(operator.post_form(&path, &[("do", "publish"), ("version", "9")]).await.status(), 409);
    assert_eq!(operator.post_form(&path, &[("do", "publish"), ("version", "1")]).await.status(), 303);
    let html = page(&app, "/announcements/new-name-servers").await;
    assert!(html.contains("<h1><span dir=\"auto\">New name servers</span></h1>") && html.contains("DNS"), "{html}");
    assert!(html.contains("<title>New name servers – Northwind Hosting status</title>"));
    for path in ["/", "/announcements", "/announcements/month/2014-05", "/announcements/category/changelog"] {
        let html = page(&app, path).await;
        assert!(html.contains("href=\"/announcements/new-name-servers\""), "{path}: {html}");
        assert!(html.contains("From <strong>Monday</strong>.") && !html.contains("Nothing to do."), "{path}");
    }
    assert!(page(&app, "/announcements/category/policy").await.contains("Nothing here yet"));
    for nowhere in ["/announcements/category/news", "/announcements/month/2014-5", "/announcements/month/2014-06"] {
        assert_eq!(app.get(nowhere).await.status(), 404, "{nowhere}");
    }
    let edit = format!("{path}/edit");
    let changed = [("body", "From **Tuesday**."), ("version", "2"), ("do", "save")];
    let form: Vec<_> = form.iter().filter(|(name, _)| *name != "body").copied().chain(changed).collect();
    assert_eq!(operator.post_form(&edit, &form).await.status(), 303);
    assert!(page(&app, "/announcements/new-name-servers").await.contains("Changed"));
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("What it said before") && html.contains("From **Monday**."), "{html}");
    let gone = [("do", "withdraw"), ("why", "It was about <another> site."), ("version", "3")];
    assert_eq!(operator.post_form(&path, &gone).await.status(), 303);
    let html = page(&app, "/announcements/new-name-servers").await;
    assert!(html.contains("We withdrew this on") && html.contains("It was about &lt;another&gt; site."), "{html}");
    assert!(!html.contains("Tuesday") && html.contains("noindex"));
    assert!(!page(&app, "/").await.contains("new-name-servers"));
}

async fn a_banner_is_on_every_page_until_its_end_and_goes_by_itself(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    let operator = app.sign_in_as(Role::Operator).await;
    let form = [
        ("title", "Phones are down"),
        ("body", "Write to us."),
        ("category", "security"),
        ("zone", "Europe/Dublin"),
        ("banner_until", "2014-05-15T14:00"),
    ];
    let path = written(&operator, &form).await;
    let places = [
        "/".to_owned(),
        "/history".to_owned(),
        "/announcements".to_owned(),
        "/subscribe".to_owned(),
        format!("/maintenance/{}", m.id),
    ];
    let has_banner = async |path: &str| page(&app, path).await.contains("class=\"banners\"");
    for path in &places {
        assert!(!has_banner(path).await, "{path}");
    }
    assert_eq!(operator.post_form(&path, &[("do", "publish"), ("version", "1")]).await.status(), 303);
    for path in &places {
        assert!(has_banner(path).await, "{path}");
    }
    assert!(!has_banner("/announcements/phones-are-down").await, "the page says it itself");
    assert!(page(&app, "/?tz=Asia%2FTokyo").await.contains("href=\"/announcements/phones-are-down?tz=Asia%2FTokyo\""));
    stage.at("15 13:00");
    for path in &places {
        assert!(!has_banner(path).await, "{path}");
    }
}

async fn a_scheduled_one_asks_back_a_time_that_exists_twice(engine: Engine) {
    let app = TestApp::start(engine).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let form =
        [("title", "Clocks"), ("body", "They go back."), ("category", "announcement"), ("zone", "Europe/Dublin")];
    let path = written(&operator, &form).await;
    let when = [("do", "schedule"), ("version", "1"), ("publish_at", "2014-10-26T01:30"), ("zone", "Europe/Dublin")];
    let (status, html) = read(operator.post_form(&path, &when).await).await;
    assert_eq!(status, 422);
    assert!(html.contains("exists twice") && html.contains("name=\"publish_fold\""), "{html}");
    assert!(html.contains("value=\"2014-10-26T01:30\""), "what was typed is kept");
    let chosen = [&when[..], &[("publish_fold", "later")]].concat();
    assert_eq!(operator.post_form(&path, &chosen).await.status(), 303);
    let (_, html) = read(operator.get(&path).await).await;
    assert!(html.contains("Becomes public") && html.contains("01:30 GMT (UTC+0)"), "{html}");
    app.services.clock.set("2014-10-26T01:30:00Z".parse().unwrap());
    app.services.publish_due_announcements().await.unwrap();
    assert!(page(&app, "/announcements/clocks").await.contains("They go back."));
    assert!(page(&app, "/announcements").await.contains(">Sun 26 Oct</span>"));
    app.services.clock.set("2015-01-02T09:00:00Z".parse().unwrap());
    let html = page(&app, "/announcements/category/announcement").await;
    assert!(html.contains(">Sun 26 Oct 2014</span>"), "of another year: {html}");
}

async fn a_program_does_all_of_it(engine: Engine) {
    let app = TestApp::start(engine).await;
    let program = app.with_token(&app.token(&[Scope::MaintenanceWrite]).await);
    let new = json!({"title": "New prices", "body": "From *June*.", "category": "policy", "pinned": true});
    let made = program.send_json(Method::POST, "/api/v1/announcements", &new).await;
    assert_eq!(made.status(), 201);
    let place = place(&made);
    let made: Value = made.json().await.unwrap();
    assert_eq!((made["path"].as_str(), made["state"].as_str()), (Some("/announcements/new-prices"), Some("draft")));
    let send = async |method: Method, path: String, body: Value| {
        let answer = program.send_json(method, &path, &body).await;
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap_or_default())
    };
    let (status, problem) = send(Method::PATCH, place.clone(), json!({"version": 1, "category": "x"})).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("invalid")), "{problem}");
    let (_, edited) = send(Method::PATCH, place.clone(), json!({"version": 1, "title": "Prices from June"})).await;
    assert_eq!((edited["title"].as_str(), edited["body"].as_str()), (Some("Prices from June"), Some("From *June*.")));
    let when = json!({"version": 2, "publish_at": "2014-05-15T09:00", "zone": "Europe/Dublin"});
    let (status, problem) = send(Method::POST, format!("{place}/schedule"), when).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("publish_at")));
    let when = json!({"version": 2, "publish_at": "2014-06-01T09:00", "zone": "Europe/Dublin"});
    let (_, waits) = send(Method::POST, format!("{place}/schedule"), when).await;
    assert_eq!((&waits["publish_at"], &waits["banner_until"]), (&json!("2014-06-01T08:00:00Z"), &Value::Null));
    let back = program.http.delete(format!("{}{place}/schedule?version=3", app.base)).send().await.unwrap();
    assert_eq!(back.json::<Value>().await.unwrap()["state"], "draft");
    let told: Value = program.get(&format!("{place}/audience")).await.json().await.unwrap();
    assert_eq!(told, json!({"mails": 0, "webhooks": 0, "left_out": []}));
    let banner = |until: &str| json!({"version": 4, "banner_until": until});
    let (status, problem) = send(Method::PATCH, place.clone(), banner("2014-05-15T13:00:00+01:00")).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("banner_until")), "it would be over");
    let (_, kept) = send(Method::PATCH, place.clone(), banner("2014-05-15T14:00:00+01:00")).await;
    assert_eq!(kept["banner_until"], "2014-05-15T13:00:00Z");
    let (_, none) = send(Method::PATCH, place.clone(), json!({"version": 5, "banner_until": null})).await;
    assert_eq!((&none["banner_until"], &none["version"]), (&Value::Null, &json!(6)));
    let (status, stale) = send(Method::POST, format!("{place}/publish"), json!({"version": 1})).await;
    assert_eq!((status, &stale["code"], &stale["version"]), (409, &json!("stale"), &json!(6)));
    let (_, public) = send(Method::POST, format!("{place}/publish"), json!({"version": 6})).await;
    assert_eq!(public["published_at"], "2014-05-15T12:00:00Z");
    assert!(page(&app, "/").await.contains("Prices from June"));
    let kept = program.http.delete(format!("{}{place}?version=7", app.base)).send().await.unwrap();
    assert_eq!(kept.status(), 409);
    let (_, gone) = send(Method::POST, format!("{place}/withdraw"), json!({"version": 7, "why": "Not yet."})).await;
    assert_eq!((gone["state"].as_str(), gone["withdrawn_why"].as_str()), (Some("withdrawn"), Some("Not yet.")));
    let listed: Value = program.get("/api/v1/announcements?state=withdrawn").await.json().await.unwrap();
    assert_eq!(listed["items"][0]["id"], gone["id"]);
    assert_eq!(program.get("/api/v1/announcements?state=x").await.status(), 422);
}

async fn the_pages_cost_the_same_however_many_there_are(engine: Engine) {
    let app = TestApp::start(engine).await;
    let system = Actor::system();
    for n in 0..45 {
        let input = AnnouncementInput {
            title: format!("News {n}"),
            body: "Text.".to_owned(),
            category: "announcement".to_owned(),
            pinned: n < 9,
            ..AnnouncementInput::default()
        };
        let draft = app.services.draft_announcement(&system, &input).await.unwrap();
        app.services.publish_announcement(&system, draft.id, draft.version).await.unwrap();
    }
    app.services.clock.set(utc("15 12:01"));
    let count = async |path: &str| page(&app, path).await.matches("<h3><a href=\"/announcements/news-").count();
    assert_eq!((count("/").await, count("/announcements").await), (8, 20));
    assert!(
        page(&app, "/announcements").await.contains("href=\"/announcements/month/2014-05\""),
        "the way to the rest"
    );
    assert_eq!(count("/announcements/month/2014-05").await, 45);
}

storage::on_both!(
    an_operator_writes_looks_and_publishes_and_everybody_reads,
    a_banner_is_on_every_page_until_its_end_and_goes_by_itself,
    a_scheduled_one_asks_back_a_time_that_exists_twice,
    a_program_does_all_of_it,
    the_pages_cost_the_same_however_many_there_are,
);

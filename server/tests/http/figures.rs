//! Availability: as customers see it, as the team corrects it, and as programs do.

use crate::stage::{Stage, utc};
use crate::test_app::TestApp;
use domain::component::ComponentState;
use domain::ids::ComponentId;
use domain::impact::{Impact, Known, Source};
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;
use uuid::Uuid;

async fn text(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let html = answer.text().await.unwrap();
    (status, html.replace("<!>", "").replace("&#x27;", "'").replace("&amp;", "&").replace('\u{a0}', " "))
}

async fn page(app: &TestApp, path: &str) -> String {
    let (status, html) = text(app.get(path).await).await;
    assert_eq!(status, 200, "{path}");
    html
}

#[track_caller]
fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

/// Cluster 12 was away on the 17th from 12:00 to 18:00 UTC; it is the 20th, noon.
async fn after_an_outage(app: &TestApp) -> ComponentId {
    let stage = Stage::set(app).await;
    let cluster: ComponentId = stage.component("Cluster 12").await.parse().unwrap();
    let impact = Impact {
        id: stage.services.new_id(),
        component: cluster,
        known: Known::State(ComponentState::MajorOutage),
        source: Source::Override,
        source_id: Uuid::now_v7(),
        from: utc("17 12:00"),
        to: Some(utc("17 18:00")),
    };
    let mut tx = stage.services.db.decide().await.unwrap();
    tx.insert_impact(&impact).await.unwrap();
    tx.announce();
    tx.commit().await.unwrap();
    stage.at("20 12:00");
    cluster
}

async fn a_component_has_a_page_with_its_bar_and_its_figures(engine: Engine) {
    let app = TestApp::start(engine).await;
    after_an_outage(&app).await;
    // Entered on the 15th at noon: 120 hours are known, 6 of them lost.
    let html = page(&app, "/components/cluster-12").await;
    has(
        &html,
        &[
            "<title>Operational: Cluster 12 – Northwind Hosting status</title>",
            "role=\"img\"",
            "aria-label=\"95.00 % available, 0 incidents and 0 maintenance windows in 90 days\"",
            "Operational since Sat 17 May, 19:00 IST",
            "Thu 20 Feb 2014</time> to <time datetime=\"2014-05-14\">",
            "84 days",
            "Last 90 days",
            "6 h lost",
            "not known, left out",
            "A major outage counts in full, a partial outage counts 50 %, degraded performance does not count.",
            "Sat 17 May 2014",
            "Set by our team",
            "class=\"major\"",
        ],
    );
    assert!(!html.contains("style=") && !html.contains("<script"), "{html}");
    let home = page(&app, "/").await;
    has(
        &home,
        &[
            "href=\"/components/cluster-12\"",
            "95.00 %",
            "100 %",
            "available in the last 90 days",
            "Each bar shows the last 90 days",
        ],
    );
    let history = page(&app, "/history/2014-05").await;
    // Seven components, 840 hours known, 6 lost.
    has(&history, &["Availability in May 2014", "99.28 %", "By group", "Clusters"]);
    assert_eq!(app.get("/components/cluster-99").await.status(), 404);
    assert_eq!(page(&app, "/components/cluster-12?tz=Asia/Tokyo").await.matches("class=\"bar\"").count(), 4);
}

async fn the_team_corrects_the_history_and_customers_read_why(engine: Engine) {
    let app = TestApp::start(engine).await;
    let cluster = after_an_outage(&app).await.to_string();
    let ada = app.sign_in_as(Role::Admin).await;
    let (_, form) = text(ada.get(&format!("/admin/corrections/new?component={cluster}")).await).await;
    has(&form, &["What it was", "Times are those of Europe/Dublin."]);
    let mut fields = [
        ("component", cluster.as_str()),
        ("from", "2014-05-17 13:00"),
        ("to", "2014-05-17 soon"),
        ("state", "operational"),
        ("reason", "Our monitor was away, <b>not</b> the cluster."),
    ];
    let (status, back) = text(ada.post_form("/admin/corrections/new", &fields).await).await;
    assert_eq!(status, 422);
    has(&back, &["is not a date and time", "2014-05-17 soon", "Our monitor was away"]);
    fields[2].1 = "2014-05-17 19:00";
    assert_eq!(ada.post_form("/admin/corrections/new", &fields).await.status(), 303);
    let html = page(&app, "/components/cluster-12").await;
    has(
        &html,
        &[
            "100 % available",
            "Corrections",
            "Corrected on Tue 20 May, 13:00 IST: ",
            "Our monitor was away, &lt;b&gt;not&lt;/b&gt; the cluster.",
        ],
    );
    let (_, list) = text(ada.get("/admin/corrections").await).await;
    has(&list, &["Cluster 12", "Counts"]);
    let place = list
        .split("href=\"/admin/corrections/")
        .find_map(|part| part.split('"').next().filter(|id| id.parse::<Uuid>().is_ok()));
    let place = format!("/admin/corrections/{}", place.unwrap());
    let (status, back) = text(ada.post_form(&place, &[("version", "1"), ("why", "")]).await).await;
    assert_eq!(status, 422);
    has(&back, &["Why: This must not be empty."]);
    let withdrawn = ada.post_form(&place, &[("version", "1"), ("why", "It was right.")]).await;
    assert_eq!(withdrawn.status(), 303);
    let (_, one) = text(ada.get(&place).await).await;
    has(&one, &["Withdrawn", "It was right.", "Our monitor was away"]);
    has(&page(&app, "/components/cluster-12").await, &["95.00 % available"]);
}

async fn programs_read_figures_and_correct_them(engine: Engine) {
    let app = TestApp::start(engine).await;
    let cluster = after_an_outage(&app).await;
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let read = async |path: &str| admin.get(path).await.json::<Value>().await.unwrap();
    let day = "from=2014-05-17T00:00:00Z&to=2014-05-18T00:00:00Z";
    let found = read(&format!("/api/v1/components/{cluster}/availability?{day}")).await;
    assert_eq!((&found["availability"], &found["milliseconds"]["major"]), (&json!(75.0), &json!(21_600_000)));
    assert_eq!(found["weights"], json!({"partial": 50, "degraded": 0}));
    let all = read(&format!("/api/v1/availability?{day}")).await;
    let lines = all["groups"].as_array().unwrap().iter().flat_map(|g| g["components"].as_array().unwrap().clone());
    assert_eq!((lines.count(), &all["site"]["milliseconds"]["major"]), (7, &json!(21_600_000)));
    let wrong = admin.get(&format!("/api/v1/components/{cluster}/availability?from=never")).await;
    assert_eq!(wrong.status(), 422);
    let place = format!("/api/v1/components/{cluster}/corrections");
    let body = json!({"from": "2014-05-17T12:00:00Z", "to": "2014-05-17T18:00:00Z", "state": "unknown", "reason": "Nobody looked."});
    let made = admin.send_json(Method::POST, &place, &body).await;
    assert_eq!(made.status(), 201);
    let address = made.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = made.json().await.unwrap();
    assert_eq!((&made["state"], &made["version"]), (&json!("unknown"), &json!(1)));
    let found = read(&format!("/api/v1/components/{cluster}/availability?{day}")).await;
    assert_eq!((&found["availability"], &found["milliseconds"]["unknown"]), (&json!(100.0), &json!(21_600_000)));
    let withdraw = json!({"version": 1, "why": "Somebody did."});
    let done = admin.send_json(Method::POST, &format!("{address}/withdraw"), &withdraw).await;
    assert_eq!(done.status(), 200);
    let listed = read(&place).await;
    assert_eq!(listed["items"][0]["withdrawn"]["why"], json!("Somebody did."));
    assert_eq!(read(&address).await, listed["items"][0]);
    let site = admin.send_json(Method::PATCH, "/api/v1/site", &json!({"version": 1, "partial_weight": 30})).await;
    assert_eq!(site.status(), 200);
    let site: Value = site.json().await.unwrap();
    assert_eq!((&site["partial_weight"], &site["degraded_weight"]), (&json!(30), &json!(0)));
    has(&page(&app, "/components/cluster-12").await, &["a partial outage counts 30 %"]);
}

storage::on_both!(
    a_component_has_a_page_with_its_bar_and_its_figures,
    the_team_corrects_the_history_and_customers_read_why,
    programs_read_figures_and_correct_them
);

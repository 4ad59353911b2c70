//! The window that caused an incident: offered where it is reported, and on its page.

use crate::stage::Stage;
use crate::test_app::TestApp;
use domain::people::{Role, Scope};
use reqwest::Response;
use serde_json::{Value, json};
use service::Actor;
use service::inventory::{ComponentInput, HostInput};
use service::maintenance::{MaintenanceInput, Planning, Target};
use storage::testing::Engine;

async fn read(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap().replace("<!>", "").replace("&#x27;", "'"))
}

/// Where a text stands; it must be there.
fn at(page: &str, text: &str) -> usize {
    page.find(text).unwrap_or_else(|| panic!("{text}: {page}"))
}

async fn the_form_marks_the_window_that_touches_what_is_chosen(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let (_, none) = read(operator.get("/admin/incidents/new").await).await;
    assert!(!none.contains("Caused by"), "no window, no question: {none}");
    let disk = stage.thursday().await;
    let system = Actor::system();
    let relay = HostInput { name: "relay".to_owned(), ..HostInput::default() };
    let relay = app.services.add_host(&system, relay).await.unwrap();
    app.services.exempt_host(&system, relay.id, relay.version, "It keeps nothing.").await.unwrap();
    let hosts = vec![relay.id.to_string()];
    let mail = ComponentInput { name: "Mail relay".to_owned(), hosts: hosts.clone(), ..ComponentInput::default() };
    app.services.add_component(&system, mail).await.unwrap();
    let elsewhere = MaintenanceInput { hosts: Some(hosts), ..stage.input("Move the relay", "15 20:00", "15 22:00") };
    let planned = app.services.schedule_maintenance(&system, Target::New, &elsewhere).await;
    assert!(matches!(planned, Ok(Planning::Scheduled(_))), "{planned:?}");
    stage.ran("15 17:10", "15 18:20").await;
    stage.pass("15 19:05").await;

    let (_, empty) = read(operator.get("/admin/incidents/new").await).await;
    assert!(at(&empty, "M-2 Move the relay") < at(&empty, "M-1 Replace a failed disk"), "the newest first: {empty}");
    assert!(empty.contains("On Cluster 12 and Shell nodes.") && empty.contains("On Mail relay."), "{empty}");
    assert!(!empty.contains("which you chose."), "{empty}");
    let cluster = stage.component("Cluster 12").await;
    let field = format!("c.{cluster}");
    let chosen = [(field.as_str(), "major_outage"), ("title", "Gone"), ("body", "We look."), ("do", "check")];
    let (status, page) = read(operator.post_form("/admin/incidents/new", &chosen).await).await;
    assert_eq!(status, 200);
    assert!(at(&page, "M-1 Replace a failed disk") < at(&page, "M-2 Move the relay"), "now it comes first: {page}");
    assert!(page.contains("Touches Cluster 12, which you chose."), "{page}");
    assert!(page.contains("M-1 touches what you chose. Did it cause this?"), "{page}");
    let live = format!("{field}=major_outage");
    let (status, asked) = read(operator.post_form("/api/fn/causes", &[("form", live.as_str())]).await).await;
    assert!(status == 200 && asked.contains("Touches Cluster 12, which you chose."), "{asked}");

    let publish = [(field.as_str(), "major_outage"), ("title", "Gone"), ("body", "We look."), ("do", "publish")];
    let answer = operator.post_form("/admin/incidents/new", &publish).await;
    let here = answer.headers()["location"].to_str().unwrap().split('?').next().unwrap().to_owned();
    let (_, page) = read(operator.get(&here).await).await;
    let offered = page.split("Did a window cause this?").nth(1).unwrap_or_else(|| panic!("{page}"));
    assert!(offered.contains("was under way on Cluster 12 when this began."), "{page}");
    assert!(page.contains("Link to M-1") && !page.contains("Link to M-2"), "{page}");
    let viewer = app.sign_in_as(Role::Viewer).await;
    let (_, seen) = read(viewer.get(&here).await).await;
    assert!(!seen.contains("Link to M-1"), "{seen}");
    let link = format!("link:{}", disk.id);
    let linked = operator.post_form(&here, &[("do", link.as_str()), ("version", "1")]).await;
    assert!(linked.headers()["location"].to_str().unwrap().ends_with("?done=linked"));
    let (_, page) = read(operator.get(&here).await).await;
    assert!(!page.contains("Link to M-1") && page.contains("M-1 Replace a failed disk in vm3"), "{page}");
    let (_, window) = read(operator.get(&format!("/admin/maintenances/{}", disk.id)).await).await;
    assert!(window.contains("I-1 Gone"), "linked both ways: {window}");
    let (status, late) = read(operator.post_form(&here, &[("do", link.as_str()), ("version", "1")]).await).await;
    assert_eq!(status, 409, "somebody was faster: {late}");
    assert!(late.contains("It is linked to M-1 now. You changed nothing.") && !late.contains("Press again"), "{late}");
}

async fn programs_ask_for_the_likely_cause(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let disk = stage.thursday().await;
    stage.ran("15 17:10", "15 18:20").await;
    stage.pass("15 19:05").await;
    let api = app.with_token(&app.token(&[Scope::IncidentWrite]).await);
    let cluster = stage.component("Cluster 12").await;
    let asked = api.get(&format!("/api/v1/incidents/causes?components={cluster}")).await.json::<Value>().await.unwrap();
    let expected = json!({"id": disk.id, "number": 1, "title": "Replace a failed disk in vm3", "state": "in_progress",
        "near": ["Cluster 12"], "covers": ["Cluster 12", "Shell nodes"]});
    assert_eq!(asked, json!({"items": [expected], "next_cursor": null}));
    let all = api.get("/api/v1/incidents/causes").await.json::<Value>().await.unwrap();
    assert_eq!(all["items"][0]["near"], json!([]));
    assert_eq!(api.get("/api/v1/incidents/causes?components=x").await.status(), 422);
}

storage::on_both!(the_form_marks_the_window_that_touches_what_is_chosen, programs_ask_for_the_likely_cause);

//! What needs somebody now: the list of the start page, and the number beside its name.

use crate::stage::Stage;
use crate::test_app::{TestApp, shown};
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::json;
use storage::testing::Engine;

/// The number beside an entry of the navigation; none where it has no badge.
fn badge(html: &str, entry: &str) -> Option<usize> {
    let link = html.split("<li><a ").skip(1).find(|link| link.contains(&format!(">{entry}")))?;
    let link = link.split("</a>").next()?;
    link.split("<span class=\"badge").nth(1)?.split('>').nth(1)?.split('<').next()?.parse().ok()
}

/// How many lines the list of what waits has.
fn listed(html: &str) -> usize {
    let Some(list) = html.split("id=\"waiting\"").nth(1) else { return 0 };
    list.split("</ul>").next().unwrap().matches("<h3>").count()
}

async fn the_number_is_that_of_the_list_on_every_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let empty = shown(&admin, "/admin").await;
    assert_eq!((badge(&empty, "Needs me now"), badge(&empty, "Alerts"), listed(&empty)), (None, None, 0));
    let stage = Stage::set(&app).await;
    for what in ["draft", "publish"] {
        let report = [("title", "Gone"), ("body", "We look."), ("do", what)];
        assert_eq!(admin.post_form("/admin/incidents/new", &report).await.status(), 303);
    }
    let monitoring = app.with_token(&app.token(&[Scope::AlertReport]).await);
    let alert = json!({"key": "vm3", "status": "firing", "host": "vm3"});
    assert_eq!(monitoring.send_json(Method::POST, "/api/v1/alerts/generic", &alert).await.status(), 200);
    let by_hand = service::maintenance::MaintenanceInput {
        auto_start: Some(false),
        ..stage.input("By hand", "15 20:00", "15 22:00")
    };
    let planned =
        app.services.schedule_maintenance(&service::Actor::system(), service::maintenance::Target::New, &by_hand).await;
    assert!(planned.is_ok(), "{planned:?}");
    stage.pass("15 19:05").await;
    let start = shown(&admin, "/admin").await;
    for what in ["I-1 Gone", "I-2 Gone", "Was to begin", "Restore not rehearsed: vm3", "Nobody has told customers."] {
        assert!(start.contains(what), "{what}: {start}");
    }
    assert_eq!((badge(&start, "Needs me now"), listed(&start)), (Some(5), 5), "{start}");
    let elsewhere = shown(&admin, "/admin/jobs").await;
    assert_eq!((badge(&elsewhere, "Needs me now"), badge(&elsewhere, "Alerts")), (Some(5), Some(1)), "{elsewhere}");
}

storage::on_both!(the_number_is_that_of_the_list_on_every_page);

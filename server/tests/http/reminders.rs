//! Reminders on the form, on the window's page, in the settings and for programs.

use crate::stage::{Stage, utc};
use crate::test_app::{TestApp, TestClient};
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;

async fn page(client: &TestClient, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap().replace("<!>", "").replace("&#x27;", "'")
}

async fn json_of(client: &TestClient, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = client.send_json(method, path, &body).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn a_window_shows_which_reminders_went_and_which_come(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.scheduled("Replace a disk", "17 20:00", "17 22:00").await;
    let (viewer, path) = (app.sign_in_as(Role::Viewer).await, format!("/admin/maintenances/{}", m.id));
    let html = page(&viewer, &path).await;
    // Announced 55 h ahead: the first of the usual three had passed.
    assert!(html.contains("3 d, 24 h, 1 h before, as for the whole site"), "{html}");
    assert!(html.contains("24 hours before the start") && html.contains("1 hour before the start"), "{html}");
    assert!(html.contains("Fri 16 May 2014, 20:00 IST (UTC+1)") && html.contains("19:00 UTC"), "{html}");
    assert!(html.contains("Goes to nobody, as things are now."), "{html}");

    stage.at("16 19:00");
    // The server's own worker may have been first.
    app.services.send_reminders().await.unwrap();
    // The session of yesterday has ended.
    let viewer = app.sign_in_as(Role::Viewer).await;
    let html = page(&viewer, &path).await;
    assert!(html.contains("Went to nobody.") && html.contains("3 days before the start"), "{html}");

    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let (status, list) =
        json_of(&reader, Method::GET, &format!("/api/v1/maintenances/{}/reminders", m.id), json!({})).await;
    assert_eq!(status, 200);
    let lines: Vec<(&str, &str, &str)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["lead"].as_str().unwrap(), one["state"].as_str().unwrap(), one["due_at"].as_str().unwrap()))
        .collect();
    let expected = [
        ("3 d", "passed", "2014-05-14T19:00:00Z"),
        ("24 h", "sent", "2014-05-16T19:00:00Z"),
        ("1 h", "coming", "2014-05-17T18:00:00Z"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(list["items"][1]["sent_at"], "2014-05-16T19:00:00Z");
    assert_eq!(list["items"][1]["subscribers"], 0);
    assert!(m.planned.starts_at == utc("17 19:00"));
}

async fn reminders_are_chosen_on_the_form_and_by_programs(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let draft = stage.draft("Replace a disk", "17 20:00", "17 22:00").await;
    let operator = app.sign_in_as(Role::Operator).await;
    let edit = format!("/admin/maintenances/{}/edit", draft.id);
    let html = page(&operator, &edit).await;
    assert!(html.contains("As for the whole site: 3 d, 24 h, 1 h before"), "{html}");
    let form = |remind: &'static str, leads: &'static str| {
        [("title", "Replace a disk"), ("remind", remind), ("leads", leads), ("do", "draft")]
    };
    let wrong = operator.post_form(&edit, &form("own", "soon")).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    assert!(html.contains("is not a length of time") && html.contains("value=\"soon\""), "{html}");
    for (remind, leads, stored) in
        [("own", "30 min, 2 h", "2 h, 30 min"), ("none", "x", "none"), ("default", "x", "default")]
    {
        assert_eq!(operator.post_form(&edit, &form(remind, leads)).await.status(), 303);
        let m = app.services.maintenance(&service::Actor::system(), draft.id).await.unwrap();
        assert_eq!(m.reminders.to_input(), stored);
    }

    let api = app.with_token(&app.token(&[Scope::MaintenanceWrite]).await);
    let path = format!("/api/v1/maintenances/{}", draft.id);
    let (_, shown) = json_of(&api, Method::GET, &path, json!({})).await;
    assert_eq!(shown["reminders"], "default");
    let change = json!({"version": shown["version"], "reminders": "48 h"});
    let (status, shown) = json_of(&api, Method::PATCH, &path, change).await;
    assert_eq!((status, shown["reminders"].as_str()), (200, Some("48 h")));
    let (status, problem) =
        json_of(&api, Method::PATCH, &path, json!({"version": shown["version"], "reminders": "1 min"})).await;
    assert_eq!(status, 422);
    assert!(problem.to_string().contains("1 min is not between 5 min and 30 d."), "{problem}");
}

async fn the_sites_reminders_are_a_setting(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (admin, viewer) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Viewer).await);
    assert!(page(&viewer, "/admin/settings").await.contains("3 d, 24 h, 1 h"));
    assert!(page(&admin, "/admin/settings").await.contains("name=\"reminders\""));
    let api = app.with_token(&app.token(&[Scope::Admin]).await);
    let (status, site) = json_of(&api, Method::PATCH, "/api/v1/site", json!({"version": 1, "reminders": "none"})).await;
    assert_eq!((status, site["reminders"].as_str()), (200, Some("none")));
    assert!(page(&viewer, "/admin/settings").await.contains("none"));
}

storage::on_both!(
    a_window_shows_which_reminders_went_and_which_come,
    reminders_are_chosen_on_the_form_and_by_programs,
    the_sites_reminders_are_a_setting,
);

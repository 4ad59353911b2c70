//! Extra runs on the team's pages: asked for beside the reasons, followed on the job's page.

use crate::stage::Stage;
use crate::test_app::TestApp;
use domain::people::{Role, Scope};
use domain::request::RequestState;
use reqwest::Method;
use serde_json::json;
use service::Actor;
use storage::testing::Engine;

async fn a_window_asks_for_what_is_missing_and_shows_how_far_it_came(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    stage.at("15 17:00");
    let (oisin, vera) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let place = format!("/admin/maintenances/{}", m.id);
    let page = oisin.get(&place).await.text().await.unwrap();
    assert!(page.contains("Request all missing backups") && page.contains("Request it"), "{page}");
    let seen = vera.get(&place).await.text().await.unwrap();
    assert!(!seen.contains("Request all missing backups") && !seen.contains("Request it"));

    let asked = oisin.post_form(&place, &[("do", "request"), ("data_set", "")]).await;
    assert_eq!(asked.status(), 303);
    assert_eq!(asked.headers()["location"], format!("{place}?done=requested"));
    let page = vera.get(&place).await.text().await.unwrap();
    assert!(page.contains("Requested Thu 15 May, 18:00 IST, nobody has fetched it yet."), "{page}");
    let page = oisin.get(&format!("{place}?done=requested")).await.text().await.unwrap();
    assert!(page.contains("The missing backups are requested.") && !page.contains("Request it"), "{page}");

    let job = stage.services.job(&Actor::system(), stage.image).await.unwrap();
    let own = stage.services.keys.ping(job.id.0, job.ping_version);
    stage.at("15 17:05");
    app.get(&format!("/ping/{own}/start")).await;
    let page = vera.get(&place).await.text().await.unwrap();
    assert!(page.contains("running since 18:05 IST"), "{page}");
    assert!(page.contains("Requested backups") && page.contains("vm3 · image: image vm3"), "{page}");
    let wrong = oisin.post_form(&place, &[("do", "request"), ("data_set", "x")]).await;
    assert_eq!(wrong.status(), 404);
}

async fn the_scheduling_form_asks_and_keeps_what_was_typed(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    stage.at("17 12:00");
    let oisin = app.sign_in_as(Role::Operator).await;
    let host = stage.vm3.to_string();
    let shown = oisin.get(&format!("/admin/maintenances/new?host={host}")).await.text().await.unwrap();
    assert!(shown.contains("Request all missing backups"), "{shown}");
    let form = [("do", "request"), ("part", "scope"), ("hosts", host.as_str()), ("title", "Replace the other disk")];
    let back = oisin.post_form("/admin/maintenances/new", &form).await;
    assert_eq!(back.status(), 200);
    let page = back.text().await.unwrap();
    assert!(page.contains("1 backup is requested.") && page.contains("Replace the other disk"), "{page}");
    let requests = stage.services.requests_of(&Actor::system(), stage.image).await.unwrap();
    assert_eq!(requests.len(), 1);
    let vera = app.sign_in_as(Role::Viewer).await;
    assert_eq!(vera.post_form("/admin/maintenances/new", &form).await.status(), 403);
}

async fn the_jobs_page_asks_takes_back_and_remembers(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let (oisin, vera) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let place = format!("/admin/jobs/{}", stage.image);
    let page = oisin.get(&place).await.text().await.unwrap();
    assert!(page.contains("Nobody has asked for an extra run yet") && page.contains("Request a run now"), "{page}");
    assert!(!vera.get(&place).await.text().await.unwrap().contains("Request a run now"));
    assert_eq!(vera.post_form(&format!("{place}/request"), &[]).await.status(), 403);
    assert_eq!(oisin.post_form(&format!("{place}/request"), &[]).await.status(), 303);
    let list = vera.get("/admin/jobs").await.text().await.unwrap();
    assert!(list.contains("Extra run: requested"), "{list}");
    let request = stage.services.requests_of(&Actor::system(), stage.image).await.unwrap().remove(0);
    let id = request.id.to_string();
    assert_eq!(vera.post_form(&format!("{place}/take-back"), &[("request", &id)]).await.status(), 403);
    assert_eq!(oisin.post_form(&format!("{place}/take-back"), &[("request", &id)]).await.status(), 303);
    let page = vera.get(&place).await.text().await.unwrap();
    assert!(page.contains("Taken back") && page.contains("operator"), "{page}");

    oisin.post_form(&format!("{place}/request"), &[]).await;
    crate::stage::later(&stage.services, 7 * 3600);
    stage.services.tend_requests().await.unwrap();
    let request = stage.services.requests_of(&Actor::system(), stage.image).await.unwrap().remove(0);
    assert_eq!(request.state, RequestState::TimedOut);
    let start = vera.get("/admin").await.text().await.unwrap();
    assert!(start.contains("Backup requested: vm3 · image") && start.contains("no run began in time"), "{start}");
}

async fn a_customer_asks_over_the_api_and_on_a_page(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let ada = app.sign_in_as(Role::Admin).await;
    let token = app.token(&[Scope::BackupRequest]).await;
    let shop = app.with_token(&token);
    let system = Actor::system();
    let data_set = stage.services.job(&system, stage.image).await.unwrap().data_set_id.to_string();
    let body = json!({ "data_set": data_set });
    assert_eq!(shop.send_json(Method::POST, "/api/v1/backup-requests", &body).await.status(), 404);
    let id = stage.services.tokens(&system).await.unwrap()[0].id;
    let place = format!("/admin/tokens/{id}");
    let wrong = ada.post_form(&place, &[("per_day", "many")]).await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("Choose at least one."));
    let saved = ada.post_form(&place, &[("data_sets", &data_set), ("per_day", "1")]).await;
    assert_eq!(saved.status(), 303);
    let address = stage.services.token_view(&system, id).await.unwrap().page.unwrap();
    assert!(ada.get(&place).await.text().await.unwrap().contains(&address));
    let address = address.trim_start_matches(&app.base).to_owned();

    let page = app.get(&address).await.text().await.unwrap();
    assert!(page.contains("1 of 1 requests in 24 hours are left.") && page.contains("Request a backup"), "{page}");
    assert!(stage.services.requests_of(&system, stage.image).await.unwrap().is_empty(), "looking asks for nothing");
    let made = shop.send_json(Method::POST, "/api/v1/backup-requests", &body).await;
    assert_eq!(made.status(), 201);
    let status = made.headers()["location"].to_str().unwrap().to_owned();
    let made: serde_json::Value = made.json().await.unwrap();
    assert_eq!(
        (&made["position"], &made["state"], &made["status_url"]),
        (&json!(1), &json!("requested"), &json!(status))
    );
    assert_eq!(shop.send_json(Method::POST, "/api/v1/backup-requests", &body).await.status(), 200);
    assert_eq!(shop.get(&status).await.json::<serde_json::Value>().await.unwrap()["id"], made["id"]);
    let page = app.get(&address).await.text().await.unwrap();
    assert!(page.contains("Place 1 in the queue.") && !page.contains("Request a backup"), "{page}");

    let request = stage.services.requests_of(&system, stage.image).await.unwrap().remove(0);
    stage.services.cancel_request(&system, request.id).await.unwrap();
    let used_up = shop.send_json(Method::POST, "/api/v1/backup-requests", &body).await;
    assert_eq!((used_up.status().as_u16(), used_up.headers().contains_key("retry-after")), (429, true));
    let used_up: serde_json::Value = used_up.json().await.unwrap();
    assert_eq!(used_up["code"], "too_many");
    let refused = app.post_form(&address, &[("data_set", &data_set)]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("All requests of these 24 hours are used."));
    crate::stage::later(&stage.services, 24 * 3600);
    let asked = app.post_form(&address, &[("data_set", &data_set)]).await;
    assert_eq!(asked.status(), 200);
    assert!(asked.text().await.unwrap().contains("The backup is requested."));
}

async fn a_trigger_is_set_on_the_jobs_page_and_its_secret_shown_once(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let (oisin, vera) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let place = format!("/admin/jobs/{}", stage.image);
    let wrong =
        oisin.post_form(&format!("{place}/trigger"), &[("url", "http://127.0.0.1/run"), ("template", "generic")]).await;
    assert_eq!(wrong.status(), 422);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("private network") && page.contains("http://127.0.0.1/run"), "{page}");
    let form = [("url", "https://backup.example.org/t0ken"), ("template", "jenkins"), ("remote_name", "")];
    let made = oisin.post_form(&format!("{place}/trigger"), &form).await;
    assert_eq!(made.status(), 200);
    assert!(made.text().await.unwrap().contains("whsec_"));
    let page = oisin.get(&place).await.text().await.unwrap();
    assert!(page.contains("t0ken") && !page.contains("whsec_"), "{page}");
    let seen = vera.get(&place).await.text().await.unwrap();
    assert!(seen.contains("https://backup.example.org") && !seen.contains("t0ken"), "{seen}");
    assert_eq!(vera.post_form(&format!("{place}/trigger"), &form).await.status(), 403);
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let api = format!("/api/v1/jobs/{}/trigger", stage.image);
    let shown: serde_json::Value = reader.get(&api).await.json().await.unwrap();
    assert_eq!(
        shown,
        json!({"url": "https://backup.example.org", "template": "jenkins", "remote_name": "image vm3", "version": 1})
    );
    assert_eq!(oisin.post_form(&format!("{place}/remove-trigger"), &[("version", "1")]).await.status(), 303);
    assert_eq!(reader.get(&api).await.status(), 404);
}

storage::on_both!(
    a_customer_asks_over_the_api_and_on_a_page,
    a_trigger_is_set_on_the_jobs_page_and_its_secret_shown_once,
    a_window_asks_for_what_is_missing_and_shows_how_far_it_came,
    the_scheduling_form_asks_and_keeps_what_was_typed,
    the_jobs_page_asks_takes_back_and_remembers,
);

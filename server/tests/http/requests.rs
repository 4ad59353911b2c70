//! Extra runs on the team's pages: asked for beside the reasons, followed on the job's page.

use crate::stage::Stage;
use crate::test_app::TestApp;
use domain::people::Role;
use domain::request::RequestState;
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
    assert!(list.contains("Requested: nobody has fetched it yet"), "{list}");
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

storage::on_both!(
    a_window_asks_for_what_is_missing_and_shows_how_far_it_came,
    the_scheduling_form_asks_and_keeps_what_was_typed,
    the_jobs_page_asks_takes_back_and_remembers,
);

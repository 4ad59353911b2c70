use crate::test_app::TestApp;
use domain::backup::Job;
use domain::people::Role;
use reqwest::Method;
use service::Actor;
use service::inventory::{DataSetInput, HostInput, JobInput};
use service::runs::{LOG_LIMIT, RunsQuery};
use storage::run::RunLine;
use storage::testing::Engine;

/// The job "nightly" of web-12's files.
pub(crate) async fn a_job(app: &TestApp) -> Job {
    let (services, system) = (&app.services, Actor::system());
    let host = HostInput { name: "web-12".to_owned(), ..HostInput::default() };
    let host = services.add_host(&system, host).await.unwrap().id;
    let files = DataSetInput { name: "Files".to_owned(), kind: "files".to_owned() };
    let files = services.add_data_set(&system, host, files).await.unwrap().id;
    let job = JobInput {
        name: "nightly".to_owned(),
        every: "24 h".to_owned(),
        max_duration: "6 h".to_owned(),
        ..JobInput::default()
    };
    services.add_job(&system, files, job).await.unwrap()
}

/// All runs, last reported first.
pub(crate) async fn runs(app: &TestApp) -> Vec<RunLine> {
    let mut lines = app.services.runs(&Actor::system(), &RunsQuery::default()).await.unwrap().items;
    lines.sort_by_key(|line| std::cmp::Reverse(line.run.id));
    lines
}

async fn the_door_understands_what_healthchecks_understands(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let own = app.services.keys.ping(job.id.0, job.ping_version);
    let (get, head, post) = (Method::GET, Method::HEAD, Method::POST);
    let simple = own.simple();
    let loud = own.to_string().to_uppercase();
    let table: Vec<(Method, String, u16, &str, &[&str])> = vec![
        (get.clone(), format!("/ping/{own}/start"), 200, "OK", &["running"]),
        (head.clone(), format!("/ping/{own}"), 200, "", &["succeeded"]),
        (post.clone(), format!("/ping/{own}/fail"), 200, "OK", &["failed", "succeeded"]),
        (post.clone(), format!("/ping/{own}/0"), 200, "OK", &["succeeded", "failed", "succeeded"]),
        (get.clone(), format!("/ping/{own}/255?create=1"), 200, "OK", &["failed", "succeeded", "failed", "succeeded"]),
        (post.clone(), format!("/ping/{own}/log"), 200, "OK", &[]),
        (get.clone(), format!("/ping/{own}/start?rid=a"), 200, "OK", &["running"]),
        (get.clone(), format!("/ping/{own}/start?rid=a"), 200, "OK", &["running", "failed"]),
        (get.clone(), format!("/ping/{simple}/?rid=a"), 200, "OK", &["succeeded", "failed"]),
        (get.clone(), format!("/ping/{loud}?rid=a"), 200, "OK", &["succeeded", "failed"]),
        (get.clone(), format!("/ping/{own}/fail?rid=a"), 409, "the first report stands", &[]),
        (get.clone(), format!("/ping/{own}?rid=%07"), 400, "control character", &[]),
        (get.clone(), format!("/ping/{own}?rid={}", "x".repeat(201)), 400, "1 to 200 characters", &[]),
        (get.clone(), format!("/ping/{own}/0?rid=a&started_at=yesterday"), 400, "offset from UTC", &[]),
        (get.clone(), format!("/ping/{own}/0?rid=a&bytes=many"), 400, "whole number", &[]),
        (get.clone(), format!("/ping/{own}/0?rid=a&bytes=-1"), 400, "negative", &[]),
        (get.clone(), format!("/ping/{own}/start?rid=b&finished_at=2014-05-15T03:00:00Z"), 400, "end time", &[]),
        (get.clone(), format!("/ping/{own}/256"), 400, "exit code", &[]),
        (get.clone(), format!("/ping/{own}/-1"), 400, "exit code", &[]),
        (get.clone(), format!("/ping/{own}/+1"), 400, "exit code", &[]),
        (get.clone(), format!("/ping/{own}/garbage"), 400, "exit code", &[]),
        (get.clone(), format!("/ping/{}", uuid::Uuid::nil()), 404, "not found", &[]),
        (get.clone(), "/ping/nightly".to_owned(), 404, "not found", &[]),
        (get.clone(), format!("/ping/{}/start", job.id), 404, "not found", &[]),
        (Method::DELETE, format!("/ping/{own}"), 405, "HEAD, GET or POST", &[]),
    ];
    let mut count = 0;
    for (method, path, status, text, newest) in table {
        let answer = app.anyone.http.request(method.clone(), format!("{}{path}", app.base)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8", "{path}");
        assert_eq!(answer.headers()["ping-body-limit"], LOG_LIMIT.to_string().as_str());
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body = answer.text().await.unwrap();
        assert!(body.contains(text), "{method} {path}: {body}");
        let states: Vec<&str> = runs(&app).await.iter().map(|line| line.run.state.as_str()).collect();
        if newest.is_empty() {
            assert_eq!(states.len(), count, "{method} {path} made a run");
        } else {
            assert_eq!(states[..newest.len()], *newest, "{method} {path}");
        }
        count = states.len();
    }
    assert_eq!(count, 5);
}

async fn a_late_ping_carries_its_true_times_and_size(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let own = app.services.keys.ping(job.id.0, job.ping_version);
    let (from, to) = ("2014-05-15T01:05:00Z", "2014-05-15T01:40:00.250Z");
    let end = format!("/ping/{own}/0?rid=a&started_at={from}&finished_at={to}&bytes=734003200");
    for path in [format!("/ping/{own}/start?rid=a&started_at={from}"), end.clone(), end] {
        assert_eq!(app.get(&path).await.status(), 200, "{path}");
    }
    let run = runs(&app).await.remove(0).run;
    assert_eq!((run.started_at, run.finished_at), (from.parse().unwrap(), Some(to.parse().unwrap())));
    assert_eq!((run.bytes, run.start_assumed, run.clock_fault), (Some(734_003_200), false, false));
    assert_eq!(runs(&app).await.len(), 1, "what is repeated changes nothing");
}

async fn an_agent_asks_whether_a_run_is_wanted(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let own = app.services.keys.ping(job.id.0, job.ping_version);
    let place = format!("{}/ping/{own}/wanted", app.base);
    let ask = async |method: Method| {
        let answer = app.anyone.http.request(method, &place).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (yes, no) = ((200, "wanted".to_owned()), (204, String::new()));
    assert_eq!((ask(Method::GET).await, ask(Method::POST).await), (no.clone(), no.clone()));
    app.services.request_backup(&Actor::system(), job.id).await.unwrap();
    assert_eq!((ask(Method::GET).await, ask(Method::GET).await), (yes.clone(), yes.clone()), "looking changes nothing");
    assert_eq!(ask(Method::HEAD).await.0, 200);
    assert_eq!((ask(Method::POST).await, ask(Method::POST).await), (yes, no.clone()));
    app.get(&format!("/ping/{own}/start")).await;
    assert_eq!(ask(Method::POST).await, no);
    for stranger in ["nightly".to_owned(), uuid::Uuid::nil().to_string()] {
        assert_eq!(app.get(&format!("/ping/{stranger}/wanted")).await.status(), 404, "{stranger}");
    }
}

async fn programs_ask_for_runs_and_follow_them(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let planner = app.with_token(&app.token(&[domain::people::Scope::MaintenanceWrite]).await);
    let agent = app.with_token(&app.token(&[domain::people::Scope::BackupReport]).await);
    let nothing = serde_json::Value::Null;
    let own = format!("/api/v1/jobs/{}/requests", job.id);
    let open = async || agent.get(&own).await.json::<serde_json::Value>().await.unwrap();
    assert_eq!(open().await, serde_json::json!({"wanted": false, "request": null}));
    let asked = planner.send_json(Method::POST, &own, &nothing).await;
    assert_eq!(asked.status(), 201);
    let place = asked.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(open().await["wanted"], true);
    assert_eq!(agent.get(&format!("{own}?wait=soon")).await.status(), 422);
    let fetched = agent.send_json(Method::POST, &format!("{own}/fetch"), &nothing).await;
    assert_eq!(fetched.json::<serde_json::Value>().await.unwrap()["state"], "fetched");
    assert_eq!(agent.send_json(Method::POST, &format!("{own}/fetch"), &nothing).await.status(), 204);
    assert_eq!(open().await["wanted"], false);
    let shown: serde_json::Value = planner.get(&place).await.json().await.unwrap();
    assert_eq!((&shown["state"], &shown["asked_by"]), (&"fetched".into(), &"token test".into()));
    let cancelled = planner.send_json(Method::POST, &format!("{place}/cancel"), &nothing).await;
    assert_eq!(cancelled.json::<serde_json::Value>().await.unwrap()["state"], "cancelled");
    assert_eq!(planner.send_json(Method::POST, &format!("{place}/cancel"), &nothing).await.status(), 409);
}

async fn a_large_log_is_cut_and_not_refused(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let own = app.services.keys.ping(job.id.0, job.ping_version);
    let log = format!("{}\nrepository is full", "Ω line\n".repeat(200_000));
    let answer = app.anyone.http.post(format!("{}/ping/{own}/fail", app.base)).body(log).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let run = runs(&app).await.remove(0).run;
    let log = app.services.run(&Actor::system(), run.id).await.unwrap().log.unwrap();
    assert!(log.len() <= LOG_LIMIT && log.len() > LOG_LIMIT - 10, "{}", log.len());
    assert!(log.ends_with("\nrepository is full"));
}

async fn the_pages_show_what_was_reported(engine: Engine) {
    let app = TestApp::start(engine).await;
    let vera = app.sign_in_as(Role::Viewer).await;
    let empty = vera.get("/admin/runs").await.text().await.unwrap();
    assert!(empty.contains("No run has been reported yet"), "{empty}");

    let job = a_job(&app).await;
    let own = app.services.keys.ping(job.id.0, job.ping_version);
    app.get(&format!("/ping/{own}/start")).await;
    let log = "<script>alert(1)</script> repository is full";
    app.anyone.http.post(format!("{}/ping/{own}/2", app.base)).body(log).send().await.unwrap();
    assert_eq!(app.get("/admin/runs").await.status(), 303);

    let list = vera.get("/admin/runs?state=failed").await;
    assert_eq!(list.status(), 200);
    let list = list.text().await.unwrap();
    assert!(list.contains("web-12 · Files") && list.contains("Thu 15 May, 13:00 IST"), "{list}");
    let none = vera.get("/admin/runs?state=running").await.text().await.unwrap();
    assert!(none.contains("No such run"), "{none}");
    assert_eq!(vera.get("/admin/runs?state=fine").await.status(), 422);

    let id = runs(&app).await[0].run.id;
    let page = vera.get(&format!("/admin/runs/{id}")).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("Does not count: it failed") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(page.contains(&format!("href=\"/admin/jobs/{}\"", job.id)), "{page}");
    for missing in ["/admin/runs/x".to_owned(), format!("/admin/runs/{}", uuid::Uuid::nil())] {
        assert_eq!(vera.get(&missing).await.status(), 404, "{missing}");
    }
}

storage::on_both!(
    the_door_understands_what_healthchecks_understands,
    a_late_ping_carries_its_true_times_and_size,
    an_agent_asks_whether_a_run_is_wanted,
    programs_ask_for_runs_and_follow_them,
    a_large_log_is_cut_and_not_refused,
    the_pages_show_what_was_reported,
);

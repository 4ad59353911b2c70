use crate::ping::{a_job, runs};
use crate::test_app::TestApp;
use serde_json::Value;
use storage::testing::Engine;

async fn a_push_is_a_report(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let secret = app.services.keys.ping(job.id.0, job.ping_version);
    let nobody = uuid::Uuid::nil();
    for (path, status, ok, states) in [
        (format!("{secret}?status=up&msg=start&ping="), 200, true, vec!["running"]),
        (format!("{secret}?status=up&msg=finish"), 200, true, vec!["succeeded"]),
        (format!("{secret}?status=down&msg=fail&ping=12"), 200, true, vec!["failed", "succeeded"]),
        (format!("{secret}"), 400, false, vec!["failed", "succeeded"]),
        (format!("{secret}?status=maybe"), 400, false, vec!["failed", "succeeded"]),
        (format!("{nobody}?status=up"), 404, false, vec!["failed", "succeeded"]),
        (format!("{}?status=up", job.id), 404, false, vec!["failed", "succeeded"]),
        ("abcd1234?status=up".to_owned(), 404, false, vec!["failed", "succeeded"]),
        (format!("{secret}?status=up&msg=OK&ping=3"), 200, true, vec!["succeeded", "failed", "succeeded"]),
    ] {
        let answer = app.get(&format!("/api/push/{path}")).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["ok"], ok, "{path}: {body}");
        assert_eq!(body["msg"].is_string(), !ok, "{path}: {body}");
        let seen = runs(&app).await;
        assert_eq!(seen.iter().map(|line| line.run.state.as_str()).collect::<Vec<_>>(), states, "{path}");
    }
    let answer = app.anyone.http.delete(format!("{}/api/push/{secret}?status=up", app.base)).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.json::<Value>().await.unwrap()["ok"], false);
}

storage::on_both!(a_push_is_a_report,);

use crate::ping::{a_job, runs};
use crate::test_app::{TestApp, TestClient};
use domain::people::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;

async fn report(client: &TestClient, key: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = client.http.post(format!("{}/api/v1/backup-runs", client.base)).json(body);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    if status >= 400 {
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    (status, answer.json().await.unwrap())
}

async fn a_token_reports_runs_and_nothing_else(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let reporter = app.with_token(&app.token(&[Scope::BackupReport]).await);
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let good = json!({
        "job": job.id, "run_id": "2014-05-15", "status": "ok", "started_at": "2014-05-15T11:00:00Z",
        "finished_at": "2014-05-15T11:30:00Z", "bytes": 7, "raw": "Archive made.",
    });
    let unsigned = app.anyone.send_json(Method::POST, "/api/v1/backup-runs", &good).await;
    assert!([401, 403].contains(&unsigned.status().as_u16()), "without a token it looks like a form of another site");
    assert_eq!(report(&reader, None, &good).await.0, 403);
    let (status, receipt) = report(&reporter, None, &good).await;
    assert_eq!(status, 200);
    let id = receipt["id"].as_str().unwrap().to_owned();
    assert_eq!(
        receipt,
        json!({
            "id": id, "job": job.id, "run_id": "2014-05-15", "state": "succeeded",
            "started_at": "2014-05-15T11:00:00Z", "start_assumed": false, "finished_at": "2014-05-15T11:30:00Z",
            "clock_fault": false, "received_at": "2014-05-15T12:00:00Z",
        })
    );
    assert_eq!(report(&reporter, None, &good).await, (200, receipt));

    for path in ["/api/v1/backup-runs", "/api/v1/gate?host=web-12"] {
        assert_eq!(reporter.get(path).await.status(), 403, "{path}");
        assert_eq!(app.get(path).await.status(), 401, "{path}");
    }
    let listed: Value = reader.get(&format!("/api/v1/backup-runs?job={}", job.id)).await.json().await.unwrap();
    let item = &listed["items"][0];
    assert_eq!(
        (&item["host_name"], &item["data_set_name"], &item["job_name"]),
        (&json!("web-12"), &json!("Files"), &json!("nightly"))
    );
    assert_eq!(
        (&item["state"], &item["bytes"], &listed["next_cursor"]),
        (&json!("succeeded"), &json!(7), &Value::Null)
    );
    let one: Value = reader.get(&format!("/api/v1/backup-runs/{id}")).await.json().await.unwrap();
    assert_eq!(
        (&one["log"], &one["why_not_good"], &one["run_id"]),
        (&json!("Archive made."), &Value::Null, &json!("2014-05-15"))
    );
    assert_eq!(reader.get("/api/v1/backup-runs/x").await.status(), 404);
    assert_eq!(reader.get("/api/v1/backup-runs?host=nobody").await.status(), 422);
}

async fn what_is_wrong_with_a_report_is_named(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let reporter = app.with_token(&app.token(&[Scope::BackupReport]).await);
    let unknown = json!({"job": uuid::Uuid::nil(), "status": "ok"});
    let (status, problem) = report(&reporter, None, &unknown).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    let names = json!({"host": "web-13", "data_set": "files", "job": "nightly", "status": "ok"});
    assert_eq!(report(&reporter, None, &names).await.0, 404);

    let (status, problem) = report(&reporter, None, &json!({"job": job.id, "status": "good", "bytes": "7"})).await;
    let fields: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!((status, fields), (422, vec![&json!("status"), &json!("bytes")]));
    assert_eq!(report(&reporter, None, &json!([])).await.0, 422);

    let url = format!("{}/api/v1/backup-runs", app.base);
    for (kind, body, expected) in [("application/json", "{", 400), ("text/plain", "{}", 415)] {
        let answer = reporter.http.post(&url).header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{body}");
    }
    assert!(runs(&app).await.is_empty());

    let (first, _) = report(&reporter, None, &json!({"job": job.id, "run_id": "a", "status": "ok"})).await;
    let (second, problem) = report(&reporter, None, &json!({"job": job.id, "run_id": "a", "status": "failed"})).await;
    assert_eq!((first, second, &problem["code"]), (200, 409, &json!("conflict")));
    assert_eq!(runs(&app).await.len(), 1);
}

async fn the_same_key_gives_the_same_answer_for_the_same_report_only(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let reporter = app.with_token(&app.token(&[Scope::BackupReport]).await);
    let begin = json!({"job": job.id, "status": "running"});
    let first = report(&reporter, Some("k"), &begin).await;
    assert_eq!(first.0, 200);
    assert_eq!(report(&reporter, Some("k"), &begin).await, first);
    let (status, problem) = report(&reporter, Some("k"), &json!({"job": job.id, "status": "ok"})).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("Idempotency-Key")));
    let other = app.with_token(&app.token(&[Scope::BackupReport]).await);
    assert_ne!(report(&other, Some("k"), &begin).await.1["id"], first.1["id"], "a key belongs to its token");
    assert_eq!(runs(&app).await.len(), 2);
}

async fn a_report_with_a_long_output_is_taken(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let reporter = app.with_token(&app.token(&[Scope::BackupReport]).await);
    let long = json!({"job": job.id, "status": "ok", "raw": "x".repeat(3_000_000)});
    assert_eq!(report(&reporter, None, &long).await.0, 200);
}

async fn the_gate_answers_programs(engine: Engine) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    let both = app.with_token(&app.token(&[Scope::Read, Scope::BackupReport]).await);
    let ask = async |query: &str| -> (u16, Value) {
        let answer = both.get(&format!("/api/v1/gate{query}")).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, verdict) = ask("?host=WEB-12&purpose=start").await;
    assert_eq!((status, &verdict["confirmed"], &verdict["purpose"]), (200, &json!(false), &json!("start")));
    assert_eq!(verdict["outcome"]["reasons"][0]["reason"]["code"], "never_ran");
    assert_eq!(verdict["outcome"]["reasons"][0]["host_name"], "web-12");
    let good = json!({"job": job.id, "status": "ok", "started_at": "2014-05-15T11:00:00Z"});
    let sent = both.send_json(Method::POST, "/api/v1/backup-runs", &good).await;
    assert_eq!(sent.status(), 200);
    let (_, verdict) = ask("?host=web-12&purpose=start").await;
    assert_eq!((&verdict["confirmed"], &verdict["outcome"]["until"]), (&json!(true), &json!("2014-05-15T15:00:00Z")));
    assert_eq!(ask("").await.1["outcome"]["reasons"][0]["reason"]["code"], "nothing_named");
    let (status, problem) = ask("?host=vm9&component=Cluster+99&purpose=later").await;
    let fields: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!((status, fields), (422, vec![&json!("purpose"), &json!("host"), &json!("component")]));
    // What is not understood must not be left out of the question.
    let (status, problem) = ask("?hosts=web-12").await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("query")));
}

storage::on_both!(
    a_token_reports_runs_and_nothing_else,
    what_is_wrong_with_a_report_is_named,
    the_same_key_gives_the_same_answer_for_the_same_report_only,
    a_report_with_a_long_output_is_taken,
    the_gate_answers_programs,
);

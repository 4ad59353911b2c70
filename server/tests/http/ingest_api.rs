use crate::ping::{a_job, runs};
use crate::test_app::{TestApp, TestClient};
use domain::backup::Job;
use domain::people::Scope;
use serde_json::{Value, json};
use storage::testing::Engine;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../domain/src/ingest/fixtures/", $name))
    };
}

const RESTIC_OLD: &str = recorded!("restic-0.14.jsonl");
const RESTIC: &str = recorded!("restic-0.18.jsonl");
const DRY_RUN: &str = recorded!("restic-0.14-dry-run.jsonl");
const BORG: &str = recorded!("borg-1.2.json");
const BAREOS: &str = recorded!("bareos.txt");
const VELERO: &str = recorded!("velero.json");
const DUPLICATI: &str = recorded!("duplicati-2.1.json");

/// A server on the night in which the outputs were recorded, and a program that may report and look.
async fn that_night(engine: Engine) -> (TestApp, Job, TestClient) {
    let app = TestApp::start(engine).await;
    let job = a_job(&app).await;
    app.services.clock.set("2026-11-27T00:05:00Z".parse().unwrap());
    let client = app.with_token(&app.token(&[Scope::Read, Scope::BackupReport]).await);
    (app, job, client)
}

/// Sends a body as `curl --data-binary` does.
async fn send(client: &TestClient, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = client.http.post(format!("{}/api/v1/ingest/{path}", client.base));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    if status >= 400 {
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
    (status, answer.json().await.unwrap())
}

async fn confirmed(client: &TestClient, purpose: &str) -> Value {
    let verdict = client.get(&format!("/api/v1/gate?host=web-12&purpose={purpose}")).await;
    verdict.json::<Value>().await.unwrap()["confirmed"].clone()
}

async fn a_real_restic_summary_opens_the_gate(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let path = format!("restic?job={}&exit_code=0", job.id);
    assert_eq!(confirmed(&client, "schedule").await, json!(false));

    // restic 0.14 tells no times: it may have begun as early as the job can take.
    let (status, old) = send(&client, &path, RESTIC_OLD).await;
    assert_eq!((status, &old["tool"], &old["ignored"]), (200, &json!("restic"), &Value::Null));
    assert_eq!(old["run"]["start_assumed"], true);
    assert_eq!(confirmed(&client, "schedule").await, json!(true));
    assert_eq!(confirmed(&client, "start").await, json!(false));

    let (_, new) = send(&client, &path, RESTIC).await;
    assert_eq!(
        (&new["run"]["state"], &new["run"]["started_at"], &new["run"]["clock_fault"]),
        (&json!("succeeded"), &json!("2026-11-26T23:54:10.812Z"), &json!(false))
    );
    assert_eq!(confirmed(&client, "start").await, json!(true));
    assert_eq!(send(&client, &path, RESTIC).await, (200, new));
    let runs = runs(&app).await;
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].run.bytes, runs[0].run.exit_code), (Some(100_013), Some(0)));
    let log = app.services.run(&service::Actor::system(), runs[0].run.id).await.unwrap().log.unwrap();
    assert!(log.contains(r#""message_type":"summary""#), "{log}");
}

async fn what_did_not_end_well_opens_nothing(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let begun = RESTIC.lines().next().unwrap();
    for (query, body, state) in [
        ("&exit_code=3", RESTIC, "warning"),
        ("&exit_code=130", begun, "failed"),
        ("", begun, "failed"),
        ("&exit_code=0", DRY_RUN, "succeeded"),
    ] {
        let (status, answer) = send(&client, &format!("restic?job={}{query}", job.id), body).await;
        assert_eq!((status, &answer["run"]["state"]), (200, &json!(state)), "{query}");
        for purpose in ["schedule", "start"] {
            assert_eq!(confirmed(&client, purpose).await, json!(false), "{query} {body}");
        }
    }
    assert_eq!(runs(&app).await.len(), 4);
    // What was said first stands.
    let (status, problem) = send(&client, &format!("restic?job={}&exit_code=0", job.id), RESTIC).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
}

async fn every_tool_is_taken_at_its_word(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    for (count, (tool, body)) in [
        ("restic", RESTIC),
        ("borg", BORG),
        ("bareos", BAREOS),
        ("proxmox", recorded!("vzdump.json")),
        ("velero", VELERO),
        ("pgbackrest", recorded!("pgbackrest-2.45.json")),
        ("duplicati", DUPLICATI),
        ("backrest", recorded!("backrest.json")),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{tool}?job={}&exit_code=0&zone=Europe%2FBerlin", job.id);
        let (status, answer) = send(&client, &path, body).await;
        assert_eq!((status, &answer["run"]["state"]), (200, &json!("succeeded")), "{tool}: {answer}");
        assert_eq!((&answer["run"]["start_assumed"], &answer["run"]["clock_fault"]), (&json!(false), &json!(false)));
        assert_eq!(send(&client, &path, body).await, (200, answer), "{tool} again");
        assert_eq!(runs(&app).await.len(), count + 1, "{tool}");
    }
}

async fn a_backup_under_way_and_its_end_are_one_run(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let path = format!("velero?job={}", job.id);
    for (phase, state, open) in [
        ("InProgress", "running", false),
        ("WaitingForPluginOperations", "running", false),
        ("Completed", "succeeded", true),
    ] {
        let (status, answer) = send(&client, &path, VELERO.replace("Completed", phase)).await;
        assert_eq!((status, &answer["run"]["state"]), (200, &json!(state)), "{phase}");
        assert_eq!(confirmed(&client, "start").await, json!(open), "{phase}");
    }
    let (status, _) = send(&client, &path, VELERO.replace("Completed", "PartiallyFailed")).await;
    assert_eq!((status, runs(&app).await.len()), (409, 1));
}

async fn what_is_no_backup_is_answered_and_counts_for_nothing(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    for (tool, body, word) in [
        ("borg", recorded!("borg-1.2-list.json").to_owned(), "list"),
        ("bareos", BAREOS.replace("type=Backup", "type=Migrate"), "Migrate"),
        ("proxmox", recorded!("vzdump.json").replace("\"vzdump\"", "\"prune\""), "prune"),
        ("velero", VELERO.replace("\"Completed\"", "\"Deleting\""), "Deleting"),
        ("duplicati", DUPLICATI.replace("\"Backup\"", "\"Repair\""), "Repair"),
        ("backrest", recorded!("backrest.json").replace("SNAPSHOT_SUCCESS", "PRUNE_SUCCESS"), "PRUNE_SUCCESS"),
    ] {
        let (status, answer) = send(&client, &format!("{tool}?job={}", job.id), body).await;
        assert_eq!((status, &answer["run"]), (200, &Value::Null), "{tool}: {answer}");
        assert!(answer["ignored"].as_str().unwrap().contains(word), "{answer}");
    }
    assert!(runs(&app).await.is_empty());
}

async fn restores_and_checks_are_drills_and_no_runs(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    for (tool, body, worth) in [
        ("restic", r#"{"message_type":"summary","num_errors":0}"#.to_owned(), "evidence"),
        ("bareos", BAREOS.replace("type=Backup", "type=Restore"), "proof"),
        ("proxmox", recorded!("vzdump.json").replace("\"vzdump\"", "\"verification\""), "evidence"),
        ("velero", VELERO.replace("\"Backup\"", "\"Restore\""), "proof"),
        ("backrest", recorded!("backrest.json").replace("SNAPSHOT_SUCCESS", "CHECK_SUCCESS"), "evidence"),
    ] {
        let (status, answer) = send(&client, &format!("{tool}?job={}", job.id), body).await;
        assert_eq!((status, &answer["run"], &answer["ignored"]), (200, &Value::Null, &Value::Null), "{tool}: {answer}");
        assert_eq!(answer["drill"]["worth"], json!(worth), "{tool}: {answer}");
    }
    assert!(runs(&app).await.is_empty());
}

async fn a_job_is_found_by_its_id_its_secret_and_its_names(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let secret = app.services.keys.ping(job.id.0, job.ping_version);
    let first = send(&client, &format!("velero?job={}", job.id), VELERO).await;
    assert_eq!(first.0, 200);
    for job in [secret.to_string(), "NIGHTLY&host=Web-12&data_set=files".to_owned()] {
        assert_eq!(send(&client, &format!("velero?job={job}"), VELERO).await, first, "{job}");
    }
    for (query, status, field) in [
        ("", 422, json!("job")),
        ("job=nightly", 422, json!("job")),
        ("job=nightly&host=web-12", 422, json!("data_set")),
        ("job=00000000-0000-0000-0000-000000000000", 404, Value::Null),
        ("job=nightly&host=web-13&data_set=files", 404, Value::Null),
    ] {
        let (found, problem) = send(&client, &format!("velero?{query}"), VELERO).await;
        assert_eq!((found, &problem["errors"][0]["field"]), (status, &field), "{query}");
    }
    assert_eq!(runs(&app).await.len(), 1);
}

async fn a_problem_names_the_tool_the_field_and_what_is_allowed(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let id = job.id;
    for (path, body, field, words) in [
        (format!("rsync?job={id}"), RESTIC, "tool", "pgbackrest"),
        (format!("restic?job={id}&exitcode=3"), RESTIC, "", "exit_code"),
        (format!("restic?job={id}&exit_code=256"), RESTIC, "exit_code", "0 to 255"),
        (format!("restic?job={id}&exit_code=-1"), RESTIC, "exit_code", "0 to 255"),
        (format!("restic?job={id}"), "Fatal: unable to open config file", "body", "restic backup --json"),
        (format!("borg?job={id}&exit_code=0"), BORG, "zone", "Europe/Berlin"),
        (format!("borg?job={id}&exit_code=0&zone=Mars"), BORG, "zone", "Mars"),
        (format!("bareos?job={id}"), "status=OK", "job", "job=%j"),
        (format!("velero?job={id}"), "{}", "kind", "Backup"),
        (format!("pgbackrest?job={id}"), "[]", "stanza", "no stanza"),
    ] {
        let tool = path.split('?').next().unwrap().to_owned();
        let (status, problem) = send(&client, &path, body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{path}");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        let ours = ["tool", "", "exit_code"].contains(&field);
        assert!(message.contains(words) && (ours || message.starts_with(&tool)), "{path}: {message}");
    }
    assert!(runs(&app).await.is_empty());
}

async fn only_a_token_for_reports_may_send(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let path = format!("velero?job={}", job.id);
    assert_eq!(send(&app.anyone, &path, VELERO).await.0, 401);
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    assert_eq!(send(&reader, &path, VELERO).await.0, 403);
    assert_eq!(send(&reader, "rsync", VELERO).await.0, 403);
    assert!(runs(&app).await.is_empty());

    let keyed = async |body: &str| {
        let request = client.http.post(format!("{}/api/v1/ingest/restic?job={}&exit_code=1", app.base, job.id));
        let answer = request.header("Idempotency-Key", "k").body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let first = keyed("locked").await;
    assert_eq!((first.0, keyed("locked").await), (200, first.clone()));
    assert_eq!(keyed("locked again").await.1["errors"][0]["field"], "Idempotency-Key");
    assert_eq!(runs(&app).await.len(), 1);
}

async fn a_long_output_is_taken_and_a_longer_one_is_not(engine: Engine) {
    let (app, job, client) = that_night(engine).await;
    let path = format!("restic?job={}&exit_code=0", job.id);
    let line = RESTIC.lines().next().unwrap();
    let long = format!("{}{RESTIC}", format!("{line}\n").repeat(40_000));
    assert!(long.len() > 2_900_000);
    assert_eq!(send(&client, &path, long).await.0, 200);
    assert_eq!(send(&client, &path, "x".repeat(5_000_000)).await.0, 413);
    let mut bytes = RESTIC.as_bytes().to_vec();
    bytes.extend_from_slice(b"\xff\xfe\0");
    let (status, answer) = send(&client, &format!("restic?job={}&exit_code=3", job.id), bytes).await;
    assert_eq!((status, &answer["code"]), (409, &json!("conflict")), "the same snapshot, with another outcome");
    assert_eq!(runs(&app).await.len(), 1);
}

storage::on_both!(
    a_real_restic_summary_opens_the_gate,
    what_did_not_end_well_opens_nothing,
    every_tool_is_taken_at_its_word,
    a_backup_under_way_and_its_end_are_one_run,
    what_is_no_backup_is_answered_and_counts_for_nothing,
    restores_and_checks_are_drills_and_no_runs,
    a_job_is_found_by_its_id_its_secret_and_its_names,
    a_problem_names_the_tool_the_field_and_what_is_allowed,
    only_a_token_for_reports_may_send,
    a_long_output_is_taken_and_a_longer_one_is_not,
);

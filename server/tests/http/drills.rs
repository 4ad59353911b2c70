//! Restore drills and trends, by pages and by API.

use crate::stage::Stage;
use crate::test_app::{TestApp, shown};
use domain::people::{Role, Scope};
use domain::time::Span;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::Actor;
use service::runs::ReportInput;
use storage::testing::Engine;

fn place(response: &Response) -> String {
    response.headers().get("location").map_or("", |place| place.to_str().unwrap()).to_owned()
}

/// vm3, whose image of 80 GB was saved at three in the morning.
async fn vm3(app: &TestApp) -> Stage {
    let stage = Stage::set(app).await;
    let report = json!({"job": stage.image.to_string(), "run_id": "1", "status": "ok", "bytes": 80_000_000_000_i64,
        "started_at": "2014-05-15T03:10:00Z", "finished_at": "2014-05-15T04:00:00Z"});
    let report = ReportInput(report.as_object().unwrap().clone());
    stage.services.report(&Actor::system(), None, &report).await.unwrap();
    stage
}

async fn a_drill_is_planned_and_done_in_the_browser(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = vm3(&app).await;
    let (operator, viewer) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    let board = shown(&viewer, "/admin/drills").await;
    assert!(board.contains("Overdue: 1 host") && board.contains("Never rehearsed") && board.contains("No drill yet"));
    assert!(!board.contains("Plan a drill") && shown(&operator, "/admin/drills").await.contains("Plan a drill"));
    let start = shown(&viewer, "/admin").await;
    assert!(start.contains("Restore not rehearsed: vm3"), "{start}");

    let first = shown(&operator, "/admin/drills/new").await;
    assert!(first.contains("Whose restore is rehearsed?"));
    let host = stage.vm3.to_string();
    let form = shown(&operator, &format!("/admin/drills/new?host={host}")).await;
    assert!(form.contains("All of vm3: 1 data set") && form.contains("In Europe/Dublin"), "{form}");
    let plan = |at: &'static str| {
        let fields = [("host", host.as_str()), ("planned_at", at), ("who", "Oisín"), ("evidence_url", "wiki")];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let mut fields: Vec<(String, String)> = plan("").to_vec();
    fields.push(("status".to_owned(), "planned".to_owned()));
    let send = |fields: Vec<(String, String)>| {
        let operator = &operator;
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            operator.post_form("/admin/drills/new", &fields).await
        }
    };
    let wrong = send(fields.clone()).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    for words in ["Say when it is to be done", "begins with https://", r#"value="Oisín""#, r#"value="wiki""#] {
        assert!(html.contains(words), "{words}: {html}");
    }
    fields[1].1 = "2014-05-15T15:00".to_owned();
    fields[3].1 = "https://wiki.example.org/7".to_owned();
    let planned = send(fields).await;
    assert_eq!(planned.status(), 303);
    let page = place(&planned);
    let drill = page.split(['?', '/']).nth(3).unwrap().to_owned();
    let path = format!("/admin/drills/{drill}");
    let html = shown(&operator, &page).await;
    assert!(html.contains("The drill is planned.") && html.contains("It begins"), "{html}");
    assert!(html.contains(r#"href="https://wiki.example.org/7""#));
    let seen = shown(&viewer, &path).await;
    assert!(!seen.contains("It begins") && seen.contains("Planned"));
    assert!(!shown(&viewer, "/admin").await.contains("Restore not rehearsed"), "somebody takes care of it");

    stage.at("15 14:30");
    assert!(shown(&viewer, "/admin").await.contains("It has not begun."));
    let begun = operator.post_form(&path, &[("do", "start"), ("version", "1")]).await;
    assert_eq!(place(&begun), format!("{path}?done=started"));
    stage.at("15 15:30");
    let failed = [("do", "finish"), ("version", "2"), ("status", "failed"), ("bytes", "40 GB")];
    let again = operator.post_form(&path, &failed).await;
    assert_eq!(again.status(), 422);
    let html = again.text().await.unwrap();
    assert!(html.contains("Say what went wrong") && html.contains(r#"value="40 GB""#), "{html}");
    let done = [("do", "finish"), ("version", "2"), ("status", "succeeded"), ("bytes", "40 GB"), ("startup", "20 min")];
    assert_eq!(operator.post_form(&path, &done).await.status(), 303);
    let html = shown(&viewer, &path).await;
    for words in ["Counts as a drill", "1 h", "20 min", "40 GB", "16 MB in a second", "About 1 h 40 min"] {
        assert!(html.contains(words), "{words}: {html}");
    }
    let stale = operator.post_form(&path, &[("do", "abandon"), ("version", "2"), ("note", "x")]).await;
    assert_eq!(stale.status(), 409);
    let host = shown(&viewer, &format!("/admin/hosts/{host}")).await;
    assert!(host.contains("About 1 h 40 min") && host.contains("80 GB by the last good runs"), "{host}");
    let board = shown(&viewer, "/admin/drills?state=succeeded").await;
    assert!(board.contains("vm3") && !board.contains("Overdue"));
    assert!(shown(&viewer, "/admin/drills?state=failed").await.contains("No such drill"));
}

async fn the_estimate_stands_beside_the_form_and_with_the_window(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = vm3(&app).await;
    let operator = app.sign_in_as(Role::Operator).await;
    let form = format!("/admin/maintenances/new?host={}", stage.vm3);
    let page = shown(&operator, &form).await;
    assert!(page.contains("unknown, no drill") && page.contains("its restore was never rehearsed"), "{page}");
    let input = service::drills::DrillInput {
        host: "vm3".to_owned(),
        status: "succeeded".to_owned(),
        started_at: "2014-05-14T08:00:00Z".to_owned(),
        finished_at: "2014-05-14T15:20:00Z".to_owned(),
        bytes: "80 GB".to_owned(),
        ..service::drills::DrillInput::default()
    };
    stage.services.add_drill(&Actor::system(), &input).await.unwrap();
    let page = shown(&operator, &form).await;
    assert!(page.contains("about 7 h 20 min") && !page.contains("never rehearsed"), "{page}");
    let typed = format!("part=scope&hosts={}&zone=UTC&start=2014-05-16T10%3A00&end=2014-05-16T12%3A00", stage.vm3);
    let live = operator.post_form("/api/fn/gate", &[("form", typed.as_str())]).await;
    let live = live.text().await.unwrap();
    assert!(
        live.contains("about 7 h 20 min; the window is 2 h") && live.contains("takes longer than the window"),
        "{live}"
    );
    let m = stage
        .services
        .draft_maintenance(&Actor::system(), &stage.input("New disk", "16 11:00", "16 13:00"))
        .await
        .unwrap();
    let page = shown(&operator, &format!("/admin/maintenances/{}", m.id)).await;
    assert!(page.contains("about 7 h 20 min; the window is 2 h") && page.contains("Plan a drill"), "{page}");
}

async fn programs_report_drills_and_read_what_follows(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = vm3(&app).await;
    let reporter = app.with_token(&app.token(&[Scope::BackupReport]).await);
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let json = |response: Response| async move {
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap())
    };
    let restore = format!("/api/v1/hosts/{}/restore", stage.vm3);
    let (_, unknown) = json(reader.get(&restore).await).await;
    assert_eq!((&unknown["takes"], &unknown["text"]), (&Value::Null, &json!("unknown, no drill")));
    assert_eq!((&unknown["without_drill"], &unknown["overdue"]), (&json!(1), &json!(true)));

    let body = json!({"host": "vm3", "data_set": "image", "status": "running", "run_id": "7",
        "started_at": "2014-05-15T06:00:00Z"});
    let made = reporter.send_json(Method::POST, "/api/v1/drills", &body).await;
    assert_eq!(made.status(), 201);
    let address = place(&made);
    let (_, drill) = json(made).await;
    assert_eq!((&drill["state"], &drill["source"], &drill["version"]), (&json!("running"), &json!("api"), &json!(1)));
    let over = json!({"status": "succeeded", "bytes": 80_000_000_000_i64, "finished_at": "2014-05-15T08:00:00Z"});
    let (status, done) = json(reporter.send_json(Method::POST, &format!("{address}/finish"), &over).await).await;
    assert_eq!((status, &done["worth"], &done["elapsed"]), (200, &json!("measured"), &json!("2 h")), "{done}");
    let (status, problem) = json(reporter.send_json(Method::POST, &format!("{address}/start"), &json!({})).await).await;
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")), "{problem}");
    let (status, problem) =
        json(reporter.send_json(Method::POST, "/api/v1/drills", &json!({"host": "vm9", "bytes": "x"})).await).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(reporter.get(&address).await.status(), 403);

    let (_, one) = json(reader.get(&address).await).await;
    assert_eq!((&one["host_name"], &one["data_set_name"]), (&json!("vm3"), &json!("image")));
    assert_eq!(one["bytes_per_second"], json!(80_000_000_000_i64 / 7200));
    let plan = json!({"host": stage.vm3.to_string(), "planned_at": "2014-05-16T10:00:00+02:00"});
    let (_, planned) = json(reporter.send_json(Method::POST, "/api/v1/drills", &plan).await).await;
    assert_eq!((&planned["planned_at"], &planned["data_set"]), (&json!("2014-05-16T08:00:00Z"), &Value::Null));
    let abandon = format!("/api/v1/drills/{}/abandon", planned["id"].as_str().unwrap());
    let (_, given_up) =
        json(reporter.send_json(Method::POST, &abandon, &json!({"version": 1, "note": "no disk"})).await).await;
    assert_eq!(given_up["state"], json!("abandoned"));
    let (_, list) = json(reader.get("/api/v1/drills?host=vm3&state=succeeded").await).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");

    let (_, known) = json(reader.get(&restore).await).await;
    assert_eq!((&known["takes"], &known["overdue"]), (&json!("2 h"), &json!(false)), "{known}");
    let (_, gate) = json(reader.get("/api/v1/gate?host=vm3&window=90%20min").await).await;
    assert_eq!(gate["warnings"][0]["reason"]["code"], json!("restore_longer_than_window"), "{gate}");
    assert_eq!(gate["restores"][0]["estimate"]["takes"], json!(7200));
    assert_eq!(reader.get("/api/v1/gate?host=vm3&window=soon").await.status(), 422);

    let policy = json!({"version": 1, "rto": "1 h", "slow_restore_blocks": true, "drill_max_age": "30 d"});
    let (_, host) =
        json(admin.send_json(Method::PUT, &format!("/api/v1/hosts/{}/policy", stage.vm3), &policy).await).await;
    assert_eq!((&host["policy"]["rto"], &host["policy"]["drill_max_age"]), (&json!("1 h"), &json!("30 d")), "{host}");
    let (_, gate) = json(reader.get("/api/v1/gate?host=vm3").await).await;
    assert_eq!(
        (&gate["confirmed"], &gate["outcome"]["reasons"][0]["reason"]["code"]),
        (&json!(false), &json!("restore_longer_than_rto"))
    );
    let (_, site) = json(
        admin.send_json(Method::PATCH, "/api/v1/site", &json!({"version": 1, "rto": "8 h", "keep_runs": null})).await,
    )
    .await;
    assert_eq!(
        (&site["rto"], &site["keep_runs"], &site["drill_max_age"]),
        (&json!("8 h"), &Value::Null, &json!("180 d"))
    );
    let (_, site) =
        json(admin.send_json(Method::PATCH, "/api/v1/site", &json!({"version": 2, "rto": null})).await).await;
    assert_eq!(site["rto"], Value::Null);
}

async fn a_job_shows_how_its_last_runs_went(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = vm3(&app).await;
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    for n in 1..=70_i64 {
        let end = Span::days(n).before(stage.services.now());
        let status = match n % 7 {
            0 => "failed",
            3 => "warning",
            _ => "ok",
        };
        let report = json!({"job": stage.image.to_string(), "run_id": format!("old {n}"), "status": status,
            "started_at": Span::minutes(60 + n).before(end).to_rfc3339(), "finished_at": end.to_rfc3339(),
            "bytes": 1_000_000_000 + n});
        let report = ReportInput(report.as_object().unwrap().clone());
        stage.services.report(&Actor::system(), None, &report).await.unwrap();
    }
    let series: Value = reader.get(&format!("/api/v1/jobs/{}/series", stage.image)).await.json().await.unwrap();
    let points = series["points"].as_array().unwrap();
    assert_eq!(points.len(), 60);
    assert_eq!((&points[59]["mark"], &points[59]["took_s"]), (&json!("good"), &json!(50 * 60)), "{}", points[59]);
    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = shown(&viewer, &format!("/admin/jobs/{}", stage.image)).await;
    assert_eq!(page.matches(r#"<svg role="img""#).count(), 2, "{page}");
    let line = "60 runs: 44 good, 8 with warnings, 8 failed.";
    assert!(page.contains("How long they took: usually") && page.contains(line), "{page}");
    assert!(page.contains("The last 60 runs as a table") && !page.contains("style="));
}

async fn a_tool_that_restored_is_answered_with_a_drill(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = vm3(&app).await;
    let token = app.token(&[Scope::BackupReport]).await;
    let send = |body: &'static str| {
        let address = format!("{}/api/v1/ingest/restic?job={}&exit_code=0", app.base, stage.image);
        let request = reqwest::Client::new().post(address).bearer_auth(&token).body(body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let body = r#"{"message_type":"summary","seconds_elapsed":3599,"total_files":2,"files_restored":2,"bytes_restored":80000000000}"#;
    let told = send(body).await;
    assert_eq!((&told["run"], &told["ignored"]), (&Value::Null, &Value::Null), "{told}");
    assert_eq!((&told["drill"]["state"], &told["drill"]["worth"]), (&json!("succeeded"), &json!("measured")));
    assert_eq!(send(body).await, told, "the same output is the same drill");
    let look = stage.services.restore_of(&Actor::system(), stage.vm3).await.unwrap();
    assert_eq!(look.restore.unwrap().estimate.takes, Some(Span::hours(1)));
}

storage::on_both!(
    a_drill_is_planned_and_done_in_the_browser,
    the_estimate_stands_beside_the_form_and_with_the_window,
    programs_report_drills_and_read_what_follows,
    a_job_shows_how_its_last_runs_went,
    a_tool_that_restored_is_answered_with_a_drill,
);

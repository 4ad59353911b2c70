//! The calendar, freezes and redundancy: as people see them, and as programs do.

use crate::test_app::{TestApp, TestClient};
use crate::windows::{Small, small};
use domain::ids::HostId;
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use service::Actor;
use service::conflicts::FreezeInput;
use service::maintenance::Listing;
use storage::testing::Engine;

const NEW: &str = "/admin/maintenances/new";

/// Status and text with entities and the renderer's marks taken out.
async fn read(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let html = answer.text().await.unwrap();
    (status, html.replace("<!>", "").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
}

fn freeze(force: &str) -> FreezeInput {
    FreezeInput {
        name: "Elections".to_owned(),
        zone: "Europe/Dublin".to_owned(),
        start: "2014-05-15T00:00".to_owned(),
        end: "2014-05-16T00:00".to_owned(),
        whole_site: true,
        force: force.to_owned(),
        ..FreezeInput::default()
    }
}

async fn plan(client: &TestClient, host: HostId, what: &str, why: &str) -> reqwest::Response {
    let host = host.to_string();
    let fields = [
        ("title", "Replace a failed disk in vm3"),
        ("part", "scope"),
        ("hosts", host.as_str()),
        ("zone", "Europe/Dublin"),
        ("start", "2014-05-15T20:00"),
        ("end", "2014-05-15T22:00"),
        ("may_wait", "2 h"),
        ("message", "Sites will be *offline*."),
        ("conflicts_why", why),
        ("do", what),
    ];
    client.post_form(NEW, &fields).await
}

async fn conflicts_are_told_by_check_and_minded_on_save(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    app.services.add_freeze(&Actor::system(), &freeze("block")).await.unwrap();
    let oisin = app.sign_in_as(Role::Operator).await;
    // The gate says yes, and that is not hidden.
    let (status, page) = read(plan(&oisin, vm3, "check", "").await).await;
    assert_eq!(status, 200);
    for part in [
        "Safe to schedule",
        "In the way: 1 conflict",
        "Freeze: Elections",
        "Choose another time.",
        "Next good times for 2 h",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (status, page) = read(plan(&oisin, vm3, "schedule", "").await).await;
    assert_eq!(status, 422);
    assert!(page.contains("1 conflict: Freeze: Elections.") && page.contains("Replace a failed disk in vm3"), "{page}");
    let ahead = app.services.maintenances(&Actor::system(), Listing::Ahead, None, 9).await.unwrap();
    assert!(ahead.is_empty(), "{ahead:?}");

    // A proposed time is pressed: it fills in start and end, and everything typed stays.
    let slot = page.split("value=\"slot:").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (status, page) = read(plan(&oisin, vm3, &format!("slot:{slot}"), "").await).await;
    assert_eq!(status, 200);
    let start = slot.split(' ').next().unwrap();
    assert!(page.contains(&format!("value=\"{start}\"")) && page.contains("Nothing else is in the way"), "{page}");
    assert!(page.contains("Replace a failed disk in vm3"), "{page}");
}

async fn a_warning_asks_for_a_reason_which_the_window_shows(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    app.services.add_freeze(&Actor::system(), &freeze("warn")).await.unwrap();
    let oisin = app.sign_in_as(Role::Operator).await;
    let (status, page) = read(plan(&oisin, vm3, "schedule", "").await).await;
    assert_eq!(status, 422);
    assert!(page.contains("Say why the work goes ahead all the same."), "{page}");
    let done = plan(&oisin, vm3, "schedule", "It will not last.").await;
    assert_eq!(done.status(), 303);
    let (_, page) = read(oisin.get(done.headers()["location"].to_str().unwrap()).await).await;
    assert!(page.contains("Went ahead all the same") && page.contains("It will not last."), "{page}");
}

async fn programs_get_all_conflicts_as_problem_json(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let admin = app.with_token(&app.token(&[Scope::Admin]).await);
    let body = json!({"name": "Elections", "zone": "Europe/Dublin", "start": "2014-05-15T00:00",
        "end": "2014-05-16T00:00", "whole_site": true, "force": "block"});
    let made = admin.send_json(Method::POST, "/api/v1/freezes", &body).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let client = app.with_token(&app.token(&[Scope::MaintenanceWrite]).await);
    let window = json!({"title": "Replace a disk", "hosts": [vm3], "zone": "Europe/Dublin",
        "start": "2014-05-15T20:00", "end": "2014-05-15T22:00", "schedule": true});
    let refused = client.send_json(Method::POST, "/api/v1/maintenances", &window).await;
    assert_eq!(
        (refused.status().as_u16(), refused.headers()["content-type"].to_str().unwrap()),
        (409, "application/problem+json")
    );
    let problem: Value = refused.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["conflicts"][0]["code"]), (&json!("window_conflict"), &json!("freeze")));
    assert_eq!(problem["conflicts"][0]["starts_at"], "2014-05-14T23:00:00Z");

    let path = format!("/api/v1/freezes/{}", made["id"].as_str().unwrap());
    let softer = admin.send_json(Method::PATCH, &path, &json!({"version": 1, "force": "warn"})).await;
    assert_eq!(softer.status(), 200);
    let refused: Value = client.send_json(Method::POST, "/api/v1/maintenances", &window).await.json().await.unwrap();
    assert_eq!(refused["code"], "conflicts_need_a_reason");
    let mut window = window;
    window["conflicts_why"] = json!("It will not last.");
    let done: Value = client.send_json(Method::POST, "/api/v1/maintenances", &window).await.json().await.unwrap();
    let path = format!("/api/v1/maintenances/{}/conflicts", done["id"].as_str().unwrap());
    let told: Value = client.get(&path).await.json().await.unwrap();
    assert_eq!(
        (&told["accepted"][0]["why"], told["conflicts"].as_array().unwrap().len()),
        (&json!("It will not last."), 1)
    );

    let asked = "/api/v1/conflicts?host=vm3&start=2014-05-15T20:00&end=2014-05-15T21:00";
    let told: Value = client.get(asked).await.json().await.unwrap();
    assert_eq!((&told["allowed"], &told["needs_reason"]), (&json!(true), &json!(true)));
    let told: Value = client.get("/api/v1/slots?host=vm3&length=1+h").await.json().await.unwrap();
    assert_eq!(told["none"], json!([]));
    assert!(told["slots"][0]["starts_at"].is_string() && told["slots"][0]["start_before"].is_string(), "{told}");
    let wrong = client.get("/api/v1/slots?host=vm3&length=soon").await;
    assert_eq!(wrong.status(), 422);
    let told: Value = client.get("/api/v1/calendar?month=2014-05").await.json().await.unwrap();
    assert_eq!((told["windows"].as_array().unwrap().len(), told["freezes"].as_array().unwrap().len()), (1, 1));
}

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Trade\r\nBEGIN:VEVENT\r\nUID:a@shop\r\nSUMMARY:Christmas trade\r\n\
    DTSTART;VALUE=DATE:20141224\r\nDTEND;VALUE=DATE:20141227\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

async fn a_calendar_file_is_shown_first_and_imported_then(engine: Engine) {
    let app = TestApp::start(engine).await;
    let ada = app.sign_in_as(Role::Admin).await;
    let path = "/admin/freezes/import";
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let file = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.ics\"\r\nContent-Type: text/calendar\r\n\r\n{CALENDAR}\r\n"
    );
    let body =
        [part("scope", "all"), part("force", "block"), part("do", "check"), file, "--x--\r\n".to_owned()].concat();
    let request = ada.http.post(format!("{}{path}", ada.base)).header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=x").body(body);
    let (status, page) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 200);
    for told in [
        "1 would be added, 0 changed, 0 removed. Nothing is done yet.",
        "Christmas trade",
        "value=\"Trade\"",
        "BEGIN:VCALENDAR",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let seen = page.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [
        ("ics", CALENDAR),
        ("calendar", "Trade"),
        ("scope", "all"),
        ("force", "block"),
        ("do", "apply"),
        ("seen", seen),
    ];
    assert_eq!(ada.post_form(path, &fields).await.status(), 303);
    let (_, page) = read(ada.get("/admin/freezes").await).await;
    assert!(page.contains("Christmas trade") && page.contains("from Trade"), "{page}");
    let (status, page) =
        read(ada.post_form(path, &[("ics", "hello"), ("force", "block"), ("do", "check")]).await).await;
    assert_eq!(status, 422);
    assert!(page.contains("This is not a calendar file") && page.contains(">hello</textarea>"), "{page}");

    let token = app.with_token(&app.token(&[Scope::Admin]).await);
    let send = token.http.post(format!("{}/api/v1/freezes/import?calendar=Trade&apply=true", token.base));
    let told: Value = send.body(CALENDAR).send().await.unwrap().json().await.unwrap();
    assert_eq!((&told["unchanged"], &told["added"]), (&json!(1), &json!([])));
}

async fn rules_are_typed_and_changed_on_their_pages(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let vm4 = crate::windows::host(&app, "vm4", None).await;
    let (vm3, vm4) = (vm3.to_string(), vm4.to_string());
    let ada = app.sign_in_as(Role::Admin).await;
    let (status, page) =
        read(ada.post_form("/admin/redundancy/new", &[("name", "VM hosts"), ("hosts", &vm3)]).await).await;
    assert_eq!(status, 422);
    assert!(page.contains("Choose at least two hosts") && page.contains("value=\"VM hosts\""), "{page}");
    let fields = [("name", "VM hosts"), ("hosts", vm3.as_str()), ("hosts", vm4.as_str()), ("force", "")];
    assert_eq!(ada.post_form("/admin/redundancy/new", &fields).await.status(), 303);
    let rule = ada.post_form("/admin/redundancy", &[("version", "1"), ("redundancy", "warn")]).await;
    assert_eq!(rule.status(), 303);
    let (_, page) = read(ada.get("/admin/redundancy").await).await;
    assert!(page.contains("VM hosts") && page.contains("Warns") && page.contains("as the site says"), "{page}");
    let fields = [
        ("name", ""),
        ("zone", "Europe/Berlin"),
        ("start", "2014-03-30T02:30"),
        ("end", "2014-04-01T00:00"),
        ("scope", "some"),
        ("force", "x"),
    ];
    let (status, page) = read(ada.post_form("/admin/freezes/new", &fields).await).await;
    assert_eq!(status, 422);
    for told in [
        "This must not be empty.",
        "does not exist in Europe/Berlin",
        "Choose hosts or components, or the whole site.",
        "Choose block or warn.",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

async fn the_calendar_shows_a_month_and_a_week(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    app.services.add_freeze(&Actor::system(), &freeze("warn")).await.unwrap();
    let oisin = app.sign_in_as(Role::Operator).await;
    let done = plan(&oisin, vm3, "schedule", "It will not last.").await;
    assert_eq!(done.status(), 303);
    for (path, told) in
        [("/admin/calendar?month=2014-05", "May 2014"), ("/admin/calendar?week=2014-W20", "Week 20, 12–18 May 2014")]
    {
        let (status, page) = read(oisin.get(path).await).await;
        assert_eq!(status, 200);
        for part in [told, "Replace a failed disk in vm3", "Elections", "Scheduled", "20:00–22:00", "Plan work on"] {
            assert!(page.contains(part), "{path}: {part}: {page}");
        }
    }
    let (_, page) = read(oisin.get("/admin/calendar?month=2014-05&zone=Asia/Tokyo").await).await;
    assert!(page.contains("04:00–06:00") && page.contains("month=2014-06&zone=Asia%2FTokyo"), "{page}");
    let (_, page) = read(oisin.get("/admin/calendar?week=2014-W43&zone=Europe/Berlin").await).await;
    assert!(page.contains("25 h: the clocks go back") && page.contains("CEST"), "{page}");
    let (_, page) = read(oisin.get("/admin/calendar?week=2014-W13&zone=Europe/Berlin").await).await;
    assert!(page.contains("23 h: the clocks go forward") && page.contains("does not exist"), "{page}");
    assert_eq!(oisin.get("/admin/calendar?month=2014-99").await.status(), 422);
    // A click on the calendar fills in the start.
    let (_, page) = read(oisin.get(&format!("{NEW}?start=2014-05-20T14:00&zone=Asia/Tokyo")).await).await;
    assert!(page.contains("value=\"2014-05-20T14:00\"") && page.contains("value=\"Asia/Tokyo\" selected"), "{page}");
    let vera = app.sign_in_as(Role::Viewer).await;
    let (_, page) = read(vera.get("/admin/calendar?month=2014-05").await).await;
    assert!(!page.contains("Plan work on"), "{page}");
}

storage::on_both!(
    conflicts_are_told_by_check_and_minded_on_save,
    a_warning_asks_for_a_reason_which_the_window_shows,
    programs_get_all_conflicts_as_problem_json,
    a_calendar_file_is_shown_first_and_imported_then,
    rules_are_typed_and_changed_on_their_pages,
    the_calendar_shows_a_month_and_a_week,
);

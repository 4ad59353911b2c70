use crate::test_app::{TestApp, TestClient};
use crate::windows::{Small, small, story};
use domain::people::{Role, Scope};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::conflicts::FreezeInput;
use storage::testing::Engine;

const NEW: &str = "/admin/series/new";
const SERIES: &str = "/api/v1/series";

type Form = Vec<(&'static str, String)>;

/// What the form sends: Tuesdays at 02:00 in Berlin, from 20 May 2014 on.
fn tuesdays(host: impl ToString, then: &str) -> Form {
    [
        ("title", "Updates of vm3"),
        ("hosts", &host.to_string()),
        ("repeat", "weekly"),
        ("every", "1"),
        ("days", "TU"),
        ("ends", "never"),
        ("start", "2014-05-20T02:00"),
        ("length", "2 h"),
        ("zone", "Europe/Berlin"),
        ("gap", "move"),
        ("fold", "earlier"),
        ("may_wait", "1 h"),
        ("auto_start", "on"),
        ("message", "Sites will be *offline*."),
        ("do", then),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

fn set(mut form: Form, name: &'static str, value: &str) -> Form {
    form.retain(|(n, _)| *n != name);
    form.push((name, value.to_owned()));
    form
}

async fn send(client: &TestClient, path: &str, form: &Form) -> Response {
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client.post_form(path, &fields).await
}

/// Status and text with entities and the renderer's marks taken out.
async fn read(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let html = answer.text().await.unwrap();
    (status, html.replace("<!>", "").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
}

fn goes_to(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part}: {page}");
    }
}

async fn json_of(client: &TestClient, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = client.send_json(method, path, &body).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn a_series_is_planned_looked_at_changed_and_ended_in_the_browser(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let (_, page) = read(oisin.get("/admin/series").await).await;
    has(&page, &["Nothing repeats yet", "Plan repeating work"]);
    let (status, page) = read(oisin.get(&format!("{NEW}?host={vm3}")).await).await;
    assert_eq!(status, 200);
    has(&page, &["How it repeats", "Show the next dates", "Reminders by mail", "Safe to schedule", "Europe/Dublin"]);
    // What the panel asks the gate about while the form is filled in.
    has(&page, &["name=\"part\" value=\"scope\""]);
    let asked = oisin.post_form("/api/fn/gate", &[("form", &format!("part=scope&hosts={vm3}&repeat=weekly"))]).await;
    has(&asked.text().await.unwrap(), &["Safe to schedule"]);

    // A look changes nothing, and names the nights on which the clocks change.
    let night = set(set(tuesdays(vm3, "check"), "days", "SU"), "start", "2014-05-18T02:30");
    let (status, page) = read(send(&oisin, NEW, &night).await).await;
    assert_eq!(status, 200);
    has(
        &page,
        &[
            "Next dates: every Sunday 02:30 Europe/Berlin",
            "Sun 18 May 2014, 02:30–04:30 CEST (UTC+2)",
            "00:30–02:30 UTC",
            "Sun 26 Oct 2014",
            "show this time twice: it is 02:30 CEST",
            "Sun 29 Mar 2015",
            "The clocks go forward: it begins at 03:00.",
            "value=\"2014-05-18T02:30\"",
        ],
    );
    assert!(app.services.all_series(&service::Actor::system()).await.unwrap().is_empty());

    let place = goes_to(&send(&oisin, NEW, &tuesdays(vm3, "create")).await);
    let (status, page) = read(oisin.get(&place).await).await;
    assert_eq!(status, 200);
    has(
        &page,
        &["The series is set up.", "Every Tuesday 02:00 Europe/Berlin", "Tue 8 Jul 2014", "M-8", "Skip", "Move"],
    );
    let (_, list) = read(oisin.get("/admin/series").await).await;
    has(&list, &["Updates of vm3", "every Tuesday 02:00 Europe/Berlin", "Goes on"]);

    // A window says to what it belongs, to the team with a link, to customers in words.
    let window = page.split('"').find(|part| part.starts_with("/admin/maintenances/")).unwrap().to_owned();
    let (_, one) = read(oisin.get(&window).await).await;
    has(&one, &["Part of a series", "every Tuesday 02:00 Europe/Berlin", place.split('?').next().unwrap()]);
    let (_, public) = read(app.get(&window.replace("/admin/maintenances/", "/maintenance/")).await).await;
    has(&public, &["Part of a series", "every Tuesday 02:00 Europe/Berlin"]);
    assert!(!public.contains("/admin/series"));
    let calendar = app.get("/calendar.ics").await.text().await.unwrap();
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 8);
    assert!(calendar.contains("DTSTART:20140520T000000Z") && !calendar.contains("RRULE"), "{calendar}");

    let here = place.split('?').next().unwrap().to_owned();
    let (_, edit) = read(oisin.get(&format!("{here}/edit")).await).await;
    has(&edit, &["2014-05-20T02:00", "Save changes", "name=\"version\" value=\"1\"", "Next dates: every Tuesday"]);
    let mut change = set(tuesdays(vm3, "save"), "start", "2014-05-20T03:00");
    change.push(("version", "1".to_owned()));
    let changed = goes_to(&send(&oisin, &format!("{here}/edit"), &change).await);
    let (_, page) = read(oisin.get(&changed).await).await;
    has(&page, &["are changed.", "Every Tuesday 03:00 Europe/Berlin"]);
    let (status, stale) = read(send(&oisin, &format!("{here}/edit"), &change).await).await;
    assert!(status == 409 && stale.contains("changed by somebody else"), "{status}: {stale}");

    let end: Form = vec![
        ("do", "end".to_owned()),
        ("version", "2".to_owned()),
        ("call_off", "on".to_owned()),
        ("body", String::new()),
    ];
    let (status, page) = read(send(&oisin, &here, &end).await).await;
    assert!(status == 422 && page.contains("why it is called off"), "{status}: {page}");
    let ended = goes_to(&send(&oisin, &here, &set(end, "body", "vm3 is gone.")).await);
    let (_, page) = read(oisin.get(&ended).await).await;
    has(&page, &["The series has ended", "Cancelled", "No window is ahead."]);
    assert!(!page.contains("End the series"));
    assert_eq!(oisin.get(&format!("{here}/edit")).await.status(), 409);
}

async fn what_is_wrong_in_the_form_stands_at_its_field(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let rule = |text: &str| set(set(tuesdays(vm3, "create"), "repeat", "rule"), "rule", text);
    for (form, parts) in [
        (rule("FREQ=WEEKLY;BYHOUR=2"), ["BYHOUR is not supported", "href=\"#rule\"", "value=\"FREQ=WEEKLY;BYHOUR=2\""]),
        (rule("</script><script>alert(1)"), ["is not part of a rule", "href=\"#rule\"", "Rule: "]),
        (set(tuesdays(vm3, "create"), "days", ""), ["Choose at least one weekday", "href=\"#days\"", "Weekdays: "]),
        (set(tuesdays(vm3, "create"), "length", "8 d"), ["when the next one begins", "href=\"#length\"", "8 d"]),
        (set(tuesdays(vm3, "create"), "zone", "Mars/Olympus"), ["is not a known time zone", "href=\"#zone\"", "Mars"]),
    ] {
        let (status, page) = read(send(&oisin, NEW, &form).await).await;
        assert_eq!(status, 422);
        has(&page, &parts);
        assert!(!page.contains("<script>alert"));
    }
    assert!(app.services.all_series(&service::Actor::system()).await.unwrap().is_empty());
}

async fn a_series_that_the_gate_is_against_is_named_where_somebody_looks(engine: Engine) {
    let app = TestApp::start(engine).await;
    let story = story(&app).await;
    let oisin = app.sign_in_as(Role::Operator).await;
    let place = goes_to(&send(&oisin, NEW, &tuesdays(story.vm3, "create")).await);
    let (_, page) = read(oisin.get(&place).await).await;
    has(&page, &["Windows of this series are not scheduled yet", "Draft"]);
    let (_, start) = read(oisin.get("/admin").await).await;
    has(&start, &["2 windows wait as drafts", "See the series", "legacy-shop"]);
    assert!(!start.contains("This draft can not be scheduled."), "{start}");
    let (_, home) = read(app.get("/").await).await;
    assert!(!home.contains("Updates of vm3"));
    story.back_up(&app).await;
    app.services.keep_all_series().await.unwrap();
    let (_, home) = read(app.get("/").await).await;
    has(&home, &["Updates of vm3"]);
    let (_, start) = read(oisin.get("/admin").await).await;
    assert!(!start.contains("See the series"));
}

async fn a_rule_that_only_warns_asks_for_a_reason(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let freeze = FreezeInput {
        name: "Elections".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        start: "2014-05-20T00:00".to_owned(),
        end: "2014-05-21T00:00".to_owned(),
        whole_site: true,
        force: "warn".to_owned(),
        ..FreezeInput::default()
    };
    app.services.add_freeze(&service::Actor::system(), &freeze).await.unwrap();
    let oisin = app.sign_in_as(Role::Operator).await;
    let form = tuesdays(vm3, "create");
    let (status, page) = read(send(&oisin, NEW, &form).await).await;
    assert_eq!(status, 422);
    has(&page, &["Elections", "href=\"#conflicts_why\"", "Reason to go ahead"]);
    let why = "Agreed with the clerk.";
    let place = goes_to(&send(&oisin, NEW, &set(form, "conflicts_why", why)).await);
    has(&read(oisin.get(&place).await).await.1, &["The series is set up.", "M-8"]);

    let api = app.with_token(&app.token(&[Scope::MaintenanceWrite]).await);
    let mut input = json!({
        "title": "Updates of vm3",
        "hosts": [vm3.to_string()],
        "zone": "Europe/Berlin",
        "start": "2014-05-20T02:00",
        "length": "2 h",
        "rule": "FREQ=WEEKLY;BYDAY=TU",
    });
    let (status, problem) = json_of(&api, Method::POST, SERIES, input.clone()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflicts_need_a_reason")));
    input["conflicts_why"] = json!(why);
    let (status, made) = json_of(&api, Method::POST, SERIES, input).await;
    assert_eq!((status, made["dates"].as_array().unwrap().len()), (201, 8));
    let place = format!("{SERIES}/{}", made["id"].as_str().unwrap());
    let mut change = json!({"version": 1, "start": "2014-05-20T03:00"});
    assert_eq!(json_of(&api, Method::PATCH, &place, change.clone()).await.0, 409);
    change["conflicts_why"] = json!(why);
    assert_eq!(json_of(&api, Method::PATCH, &place, change).await.0, 200);
}

async fn programs_plan_change_and_end_a_series(engine: Engine) {
    let app = TestApp::start(engine).await;
    let Small { vm3, .. } = small(&app).await;
    let api = app.with_token(&app.token(&[Scope::MaintenanceWrite]).await);
    let input = json!({
        "title": "Updates of vm3",
        "hosts": [vm3.to_string()],
        "zone": "Europe/Berlin",
        "start": "2014-05-20T02:00",
        "length": "2 h",
        "rule": "RRULE:FREQ=WEEKLY;BYDAY=TU",
    });
    let answer = api.send_json(Method::POST, SERIES, &input).await;
    assert_eq!(answer.status(), 201);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = answer.json().await.unwrap();
    assert_eq!((&made["rule"], &made["version"]), (&json!("FREQ=WEEKLY;BYDAY=TU"), &json!(1)));
    assert_eq!(made["reminders"], json!("default"));
    assert_eq!((&made["words"], &made["gap"]), (&json!("every Tuesday 02:00 Europe/Berlin"), &json!("move")));
    assert_eq!(made["dates"].as_array().unwrap().len(), 8);
    let first = &made["dates"][0];
    assert_eq!((&first["date"], &first["state"]), (&json!("2014-05-20"), &json!("scheduled")));
    assert_eq!(first["starts_at"], json!("2014-05-20T00:00:00Z"));
    let window = format!("/api/v1/maintenances/{}", first["maintenance_id"].as_str().unwrap());
    let (_, one) = json_of(&api, Method::GET, &window, Value::Null).await;
    assert_eq!((&one["series"]["id"], &one["series"]["date"]), (&made["id"], &json!("2014-05-20")));
    assert_eq!(one["zone_move"], Value::Null);
    let (status, problem) = json_of(&api, Method::POST, &format!("{window}/zone-move"), json!({"tell": true})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("nothing_to_decide")));

    let (status, problem) =
        json_of(&api, Method::PATCH, &place, json!({"version": 1, "rule": "FREQ=WEEKLY;BYSETPOS=1"})).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("rule")));
    let change =
        json!({"version": 1, "rule": "FREQ=WEEKLY;BYDAY=WE", "note": "Wednesdays from now on.", "reminders": "2 h"});
    let (status, changed) = json_of(&api, Method::PATCH, &place, change.clone()).await;
    assert_eq!((status, &changed["version"], &changed["reminders"]), (200, &json!(2), &json!("2 h")));
    assert_eq!(changed["dates"][0]["maintenance_id"], first["maintenance_id"]);
    assert_eq!(changed["dates"][0]["starts_at"], json!("2014-05-21T00:00:00Z"));
    assert_eq!(json_of(&api, Method::PATCH, &place, change).await.0, 409);
    let (_, list) = json_of(&api, Method::GET, SERIES, Value::Null).await;
    assert_eq!(list["items"][0]["next_starts_at"], json!("2014-05-21T00:00:00Z"));
    let end = json!({"version": 2, "call_off": true, "body": "vm3 is gone."});
    let (status, ended) = json_of(&api, Method::POST, &format!("{place}/end"), end).await;
    assert_eq!((status, &ended["dates"][7]["state"]), (200, &json!("cancelled")));
    assert!(ended["ended_at"].is_string());
    let (status, _) = json_of(&api, Method::POST, SERIES, json!({"titel": "x"})).await;
    assert!(matches!(status, 400 | 422), "{status}");
}

storage::on_both!(
    a_series_is_planned_looked_at_changed_and_ended_in_the_browser,
    what_is_wrong_in_the_form_stands_at_its_field,
    a_series_that_the_gate_is_against_is_named_where_somebody_looks,
    a_rule_that_only_warns_asks_for_a_reason,
    programs_plan_change_and_end_a_series,
);

use crate::test_app::{TestApp, TestClient};
use domain::alert::cause::{Cause, CauseState};
use domain::ids::HostId;
use domain::incident::IncidentState;
use domain::people::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use service::Actor;
use service::alerts::CausesQuery;
use service::alerts::RuleInput;
use service::inventory::{ComponentInput, HostInput};
use std::time::{Duration, Instant};
use storage::alert::AlertFilter;
use storage::testing::Engine;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../domain/src/alert/fixtures/", $name))
    };
}

/// Sends a body as it is, with whatever type.
async fn send(client: &TestClient, sender: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = client.http.post(format!("{}/api/v1/alerts/{sender}", client.base));
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    if status >= 400 {
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    (status, answer.json().await.unwrap())
}

async fn add_host(app: &TestApp, name: &str, on: Option<HostId>) -> HostId {
    let input = HostInput {
        name: name.to_owned(),
        runs_on: on.map(|id| id.to_string()).unwrap_or_default(),
        ..HostInput::default()
    };
    app.services.add_host(&Actor::system(), input).await.unwrap().id
}

async fn causes(app: &TestApp) -> Vec<Cause> {
    app.services.causes(&Actor::system(), &CausesQuery::default()).await.unwrap().items
}

async fn each_sender_is_understood_and_shown(engine: Engine) {
    let app = TestApp::start(engine).await;
    app.services.clock.set("2014-05-15T19:05:00Z".parse().unwrap());
    let vm3 = add_host(&app, "vm3", None).await;
    add_host(&app, "web-12", Some(vm3)).await;
    add_host(&app, "mail-3", None).await;
    let monitoring = app.with_token(&app.token(&[Scope::AlertReport]).await);
    let (status, taken) = send(&monitoring, "alertmanager", recorded!("alertmanager-0.25.json")).await;
    assert_eq!((status, &taken["added"], &taken["unknown"]), (200, &json!(1), &json!(1)));
    let (_, again) = send(&monitoring, "alertmanager", recorded!("alertmanager-0.25.json")).await;
    assert_eq!((&again["added"], &again["repeated"], &again["causes"]), (&json!(0), &json!(1), &taken["causes"]));
    assert_eq!(taken["causes"].as_array().unwrap().len(), 1);
    assert_eq!(
        send(&monitoring, "grafana", recorded!("grafana-7.json")).await.1["causes"],
        taken["causes"],
        "web-12 runs on vm3"
    );
    assert_eq!(send(&monitoring, "grafana", recorded!("grafana-10.json")).await.0, 200);
    assert_eq!(send(&monitoring, "generic", recorded!("generic.json")).await.0, 200);
    assert_eq!(causes(&app).await.len(), 3);

    let (status, wrong) = send(&monitoring, "generic", r#"{"key":"a","status":"on"}"#).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (422, &json!("status")));
    assert_eq!(send(&monitoring, "generic", "no JSON").await.0, 422);

    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let shown: Value = reader.get("/api/v1/causes?limit=1").await.json().await.unwrap();
    let next = shown["next_cursor"].as_str().unwrap();
    let rest: Value = reader.get(&format!("/api/v1/causes?cursor={next}")).await.json().await.unwrap();
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    let cause = &rest["items"][1];
    assert_eq!((&cause["state"], &cause["alerts"], &cause["truncated"]), (&json!("open"), &json!(2), &json!(3)));
    assert_eq!(cause["incident_state"], "draft");
    let id = cause["id"].as_str().unwrap();
    let alerts: Value = reader.get(&format!("/api/v1/alerts?cause={id}&state=firing")).await.json().await.unwrap();
    assert_eq!(alerts["items"].as_array().unwrap().len(), 2);
    assert_eq!(alerts["items"][1]["labels"]["instance"], "vm3:9100");
    assert_eq!(reader.get("/api/v1/alerts?state=odd").await.status(), 422);

    let operator = app.sign_in_as(Role::Operator).await;
    let html = operator.get("/admin/alerts").await.text().await.unwrap();
    for words in [
        "4 alerts, 3 causes now.",
        "vm3 does not answer",
        "instance=vm3:9100",
        "2 alerts, and 3 more that were cut off",
        "Count all as over",
    ] {
        assert!(html.contains(words), "{words} in {html}");
    }
    let html = operator.get("/admin").await.text().await.unwrap();
    assert!(html.contains("vm3 does not answer") && html.contains("Nobody has told customers."), "{html}");
    let draft = causes(&app).await.into_iter().find(|cause| cause.id.to_string() == id).unwrap().incident.unwrap();
    let html = operator.get(&format!("/admin/incidents/{draft}")).await.text().await.unwrap();
    assert!(html.contains("Reported by token test."), "{html}");
    let ended = operator.post_form("/admin/alerts", &[("cause", id)]).await;
    assert_eq!(ended.headers()["location"], "/admin/alerts?done=ended");
    let again = operator.post_form("/admin/alerts", &[("cause", id)]).await;
    assert_eq!(again.status(), 303, "nothing fires any more");
    assert_eq!(causes(&app).await.iter().find(|cause| cause.id.to_string() == id).unwrap().firing, 0);
}

async fn rules_are_kept_by_form_and_by_program(engine: Engine) {
    let app = TestApp::start(engine).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let wrong =
        admin.post_form("/admin/alerts/rules/new", &[("name", "Web"), ("delay", "5"), ("action", "publish")]).await;
    assert_eq!(wrong.status(), 422);
    let html = wrong.text().await.unwrap();
    assert!(html.contains("Add a unit to 5") && html.contains("value=\"Web\""), "{html}");
    let form = [
        ("name", "Web servers"),
        ("labels", "instance=web-*"),
        ("severities", "critical"),
        ("action", "publish"),
        ("delay", "2 min"),
        ("quiet_for", "10 min"),
        ("resolution", "propose"),
    ];
    let added = admin.post_form("/admin/alerts/rules/new", &form).await;
    assert_eq!(added.headers()["location"], "/admin/alerts/rules?done=added");
    let html = admin.get("/admin/alerts/rules").await.text().await.unwrap();
    for words in [
        "instance=web-*; critical",
        "Published after 2 min, if it still fires; resolution proposed after 10 min of quiet",
    ] {
        assert!(html.contains(words), "{words} in {html}");
    }
    let program = app.with_token(&app.token(&[Scope::Admin]).await);
    let body = json!({"name": "Watchdog", "labels": "alertname=Watchdog", "action": "ignore"});
    let made = program.send_json(Method::POST, "/api/v1/alert-rules", &body).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let path = format!("/api/v1/alert-rules/{}", made["id"].as_str().unwrap());
    let moved: Value =
        program.send_json(Method::POST, &format!("{path}/move"), &json!({"to": "up"})).await.json().await.unwrap();
    assert_eq!((&moved["position"], &moved["action"]), (&json!(1), &json!("ignore")));
    let edit = json!({"version": moved["version"], "labels": "alertname=Dead*"});
    let edited: Value = program.send_json(Method::PATCH, &path, &edit).await.json().await.unwrap();
    assert_eq!((&edited["labels"], &edited["name"]), (&json!("alertname=Dead*"), &json!("Watchdog")));
    assert_eq!(program.send_json(Method::PATCH, &path, &edit).await.status(), 409, "stale");
    let list: Value = program.get("/api/v1/alert-rules").await.json().await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let gone = format!("{path}?version={}", edited["version"]);
    assert_eq!(program.send_json(Method::DELETE, &gone, &json!({})).await.status(), 204);

    let labels: Value = program.get("/api/v1/alert-labels").await.json().await.unwrap();
    assert_eq!(labels["cause"], json!(["alertname", "cluster"]));
    let own = json!({"version": 1, "cause": ["service"], "host": ["node"], "component": []});
    let set: Value = program.send_json(Method::PUT, "/api/v1/alert-labels", &own).await.json().await.unwrap();
    assert_eq!((&set["host"], &set["version"]), (&json!(["node"]), &json!(2)));
    let typed = [("version", "2"), ("cause", "a b, c"), ("host", "x=y"), ("component", "")];
    assert_eq!(admin.post_form("/admin/alerts/rules", &typed).await.status(), 422);
    let typed = [("version", "2"), ("cause", "a b, c"), ("host", "x"), ("component", "")];
    assert_eq!(admin.post_form("/admin/alerts/rules", &typed).await.status(), 303);
    let html = admin.get("/admin/alerts/rules").await.text().await.unwrap();
    assert!(html.contains("a, b, c"), "{html}");
}

async fn a_proposed_end_stands_in_the_form_and_waits_for_the_press(engine: Engine) {
    let app = TestApp::start(engine).await;
    let system = Actor::system();
    let web = add_host(&app, "web-12", None).await;
    let cluster = ComponentInput { name: "Cluster 12".to_owned(), hosts: vec![web.to_string()], ..Default::default() };
    app.services.add_component(&system, cluster).await.unwrap();
    let rule = RuleInput {
        name: "all".to_owned(),
        action: "publish".to_owned(),
        quiet_for: "0".to_owned(),
        ..RuleInput::default()
    };
    app.services.add_alert_rule(&system, &rule).await.unwrap();
    let monitoring = app.with_token(&app.token(&[Scope::AlertReport]).await);
    let tell = async |status: &str| {
        let alert = json!({"key": "down", "status": status, "host": "web-12"}).to_string();
        assert_eq!(send(&monitoring, "generic", alert).await.0, 200);
        app.services.follow_causes().await.unwrap();
    };
    let operator = app.sign_in_as(Role::Operator).await;
    tell("firing").await;
    let incident = causes(&app).await[0].incident.unwrap();
    let path = format!("/admin/incidents/{incident}");
    let html = operator.get(&path).await.text().await.unwrap();
    assert!(html.contains("value=\"investigating\" selected") && !html.contains("are over."), "{html}");
    tell("resolved").await;
    let html = operator.get(&path).await.text().await.unwrap();
    for words in [
        "Its alert is over. Resolve?",
        "<a href=\"#say-form\">Go to the update, which is filled in</a>",
        "Post the proposed end",
        "value=\"resolved\" selected",
        ">The problems with Cluster 12 are over.</textarea>",
    ] {
        assert!(html.contains(words), "{words} in {html}");
    }
    let stands = async || app.services.db.read().await.unwrap().incident(incident).await.unwrap().state;
    assert_eq!(stands().await, IncidentState::Investigating, "nothing is said before the press");
    // Where something fires again the form proposes nothing.
    tell("firing").await;
    let html = operator.get(&path).await.text().await.unwrap();
    assert!(html.contains("value=\"investigating\" selected") && !html.contains("are over."), "{html}");
    assert!(!html.contains("Go to the update") && !html.contains("Post the proposed end"), "{html}");
}

async fn a_draft_without_components_says_whom_it_concerns(engine: Engine) {
    let app = TestApp::start(engine).await;
    let rule = RuleInput { name: "all".to_owned(), action: "publish".to_owned(), ..RuleInput::default() };
    app.services.add_alert_rule(&Actor::system(), &rule).await.unwrap();
    let monitoring = app.with_token(&app.token(&[Scope::AlertReport]).await);
    let alert = r#"{"key":"odd","status":"firing","host":"mail-9"}"#;
    let (_, taken) = send(&monitoring, "generic", alert).await;
    assert_eq!((&taken["unmatched"], &taken["unknown"]), (&json!(["host=mail-9"]), &json!(0)));
    assert_eq!(app.services.follow_causes().await.unwrap(), 0);
    let operator = app.sign_in_as(Role::Operator).await;
    let incident = causes(&app).await[0].incident.unwrap();
    for (path, words) in [
        ("/admin".to_owned(), "published, it concerns the whole site"),
        (format!("/admin/incidents/{incident}"), "published as it is, it concerns the whole site"),
    ] {
        let html = operator.get(&path).await.text().await.unwrap();
        assert!(html.contains(words), "{words} in {html}");
    }
    let admin = app.sign_in_as(Role::Admin).await;
    let html = admin.get("/admin/alerts/rules/new").await.text().await.unwrap();
    assert!(html.contains("What touches no component of yours stays a draft"), "{html}");
}

/// Machines on each of two hosts that go down, and kinds of alerts of each machine: with one more host
/// they make the 1,332 alerts of the story's month.
const GUESTS: usize = 40;
const KINDS: usize = 16;
const OTHERS: usize = 20;

/// What Alertmanager would send: one group per kind and cluster.
fn groups() -> Vec<Value> {
    let alert = |kind: usize, cluster: &str, machine: &str| {
        json!({"status": "firing", "startsAt": "2014-05-15T11:59:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": format!("{kind} {machine}"), "annotations": {"summary": format!("Trouble {kind} on {machine}")},
            "labels": {"alertname": format!("Trouble{kind}"), "cluster": cluster, "instance": format!("{machine}:9100")}})
    };
    let group = |kind: usize, cluster: &str, machines: &[String]| {
        let alerts: Vec<Value> = machines.iter().map(|machine| alert(kind, cluster, machine)).collect();
        json!({"version": "4", "status": "firing", "truncatedAlerts": 0, "alerts": alerts,
            "groupKey": format!("{{}}:{{alertname=\"Trouble{kind}\", cluster=\"{cluster}\"}}")})
    };
    let mut groups = Vec::new();
    for cluster in ["a", "b"] {
        let mut machines: Vec<String> = (0..GUESTS).map(|n| format!("{cluster}-guest-{n}")).collect();
        machines.push(format!("vm-{cluster}"));
        groups.extend((0..KINDS).map(|kind| group(kind, cluster, &machines)));
    }
    groups.extend((0..OTHERS).map(|kind| group(kind, "c", &["mail-3".to_owned()])));
    groups
}

async fn a_storm_of_alerts_becomes_one_draft_per_cause_and_the_page_stays(engine: Engine) {
    let app = TestApp::start(engine).await;
    for cluster in ["a", "b"] {
        let below = add_host(&app, &format!("vm-{cluster}"), None).await;
        for n in 0..GUESTS {
            add_host(&app, &format!("{cluster}-guest-{n}"), Some(below)).await;
        }
    }
    add_host(&app, "mail-3", None).await;
    let token = app.token(&[Scope::AlertReport]).await;
    let before = app.get("/").await.text().await.unwrap();
    let changes = app.services.db.changes();
    let groups = groups();
    let all: usize = groups.iter().map(|group| group["alerts"].as_array().unwrap().len()).sum();
    assert_eq!(all, 1332);

    let since = Instant::now();
    let mut sending = Vec::new();
    for connection in 0..6 {
        let client = app.with_token(&token);
        // Each connection has its share, in an order of its own; the last repeats what the first sent.
        let share = if connection == 5 { 0 } else { connection };
        let mut mine: Vec<Value> = groups.iter().skip(share).step_by(5).cloned().collect();
        if connection % 2 == 1 {
            mine.reverse();
        }
        sending.push(tokio::spawn(async move {
            for group in mine {
                let (status, answer) = send(&client, "alertmanager", group.to_string()).await;
                assert_eq!(status, 200, "{answer}");
            }
        }));
    }
    let reading = async {
        let mut slowest = Duration::ZERO;
        while !sending.iter().all(tokio::task::JoinHandle::is_finished) {
            let asked = Instant::now();
            assert_eq!(app.get("/").await.text().await.unwrap(), before);
            slowest = slowest.max(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        slowest
    };
    let slowest = reading.await;
    for sent in sending {
        sent.await.unwrap();
    }
    let took = since.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(slowest < Duration::from_secs(2), "the page took {slowest:?}");
    assert!(!changes.has_changed().unwrap(), "nothing of it is for customers: kept pages stay");

    let mut tx = app.services.db.read().await.unwrap();
    let stored = tx.alerts_of(&AlertFilter::default(), 5000).await.unwrap();
    assert_eq!(stored.len(), 1332, "each alert once");
    let live: Vec<Cause> = causes(&app).await;
    let mut sizes: Vec<i64> = live.iter().map(|cause| cause.alerts).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 656, 656]);
    for cause in &live {
        assert_eq!((cause.state, cause.incident_state), (CauseState::Open, Some(IncidentState::Draft)));
        let clusters: std::collections::BTreeSet<&String> =
            stored.iter().filter(|alert| alert.cause == Some(cause.id)).map(|alert| &alert.labels["cluster"]).collect();
        assert_eq!(clusters.len(), 1);
    }
    assert_eq!(tx.incident_drafts().await.unwrap().len(), 3, "one draft per cause");
}

storage::on_both!(
    each_sender_is_understood_and_shown,
    rules_are_kept_by_form_and_by_program,
    a_proposed_end_stands_in_the_form_and_waits_for_the_press,
    a_draft_without_components_says_whom_it_concerns,
    a_storm_of_alerts_becomes_one_draft_per_cause_and_the_page_stays,
);

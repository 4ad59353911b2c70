//! What senders write.

use super::super::read::{MOST, Sender, read};
use super::super::{Grade, Report};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const ALERTMANAGER: &str = include_str!("../fixtures/alertmanager-0.25.json");
const GRAFANA: &str = include_str!("../fixtures/grafana-10.json");
const LEGACY: &str = include_str!("../fixtures/grafana-7.json");
const GENERIC: &str = include_str!("../fixtures/generic.json");

const FIXTURES: [(Sender, &str); 4] = [
    (Sender::Alertmanager, ALERTMANAGER),
    (Sender::Grafana, GRAFANA),
    (Sender::Grafana, LEGACY),
    (Sender::Generic, GENERIC),
];

#[test]
fn alertmanager_tells_what_fires_and_what_is_over() {
    let report = read(Sender::Alertmanager, ALERTMANAGER).unwrap();
    assert_eq!((report.alerts.len(), report.truncated), (2, 3));
    let [down, over] = report.alerts.as_slice() else { unreachable!() };
    assert!(down.firing && !over.firing);
    assert_eq!(down.title, "vm3 does not answer");
    assert_eq!((down.grade, down.ended_at), (Grade::Critical, None));
    assert_eq!(down.started_at, Some("2014-05-15T18:55:12.327Z".parse().unwrap()));
    assert_eq!(down.fingerprint, "83d5ef6d1a31a85c");
    assert_eq!(down.labels["instance"], "vm3:9100");
    assert!(down.link.as_ref().unwrap().starts_with("http://prometheus.northwind.example:9090/"));
    assert_eq!(over.ended_at, Some("2014-05-15T18:59:20Z".parse().unwrap()));
    assert_eq!(over.group, down.group);
}

#[test]
fn grafana_speaks_two_dialects() {
    let report = read(Sender::Grafana, GRAFANA).unwrap();
    let alert = &report.alerts[0];
    assert_eq!((alert.title.as_str(), alert.labels["host"].as_str()), ("Memory is short on db-1", "db-1"));
    assert_eq!(alert.started_at, Some("2021-10-12T07:51:03.157Z".parse().unwrap()));
    let old = read(Sender::Grafana, LEGACY).unwrap();
    let alert = &old.alerts[0];
    assert!(alert.firing);
    assert_eq!((alert.fingerprint.as_str(), alert.grade), ("rule 1 12", Grade::Critical));
    assert_eq!(
        (alert.title.as_str(), alert.labels["alertname"].as_str()),
        ("Notification Message", "Panel Title alert")
    );
    let state = |state: &str| read(Sender::Grafana, &LEGACY.replace("\"alerting\"", &format!("{state:?}")));
    assert!(!state("ok").unwrap().alerts[0].firing);
    assert_eq!(state("paused").unwrap(), Report::default());
    assert_eq!(state("odd").unwrap_err().field, "state");
}

#[test]
fn our_own_form_takes_one_or_many() {
    let one = read(Sender::Generic, GENERIC).unwrap();
    assert_eq!(one.alerts[0].host.as_deref(), Some("mail-3"));
    assert_eq!(one.alerts[0].labels["severity"], "warning");
    let many = json!({"alerts": [{"key": "a", "status": "firing"}, {"key": "b", "status": "resolved"}]});
    let many = read(Sender::Generic, &many.to_string()).unwrap();
    assert_eq!(many.alerts.iter().map(|a| a.firing).collect::<Vec<_>>(), [true, false]);
    assert_eq!(many.alerts[0].title, "a");
}

#[test]
fn what_can_not_be_read_names_its_field() {
    let with = |path: &str, value: Value| {
        let mut document: Value = serde_json::from_str(ALERTMANAGER).unwrap();
        *document.pointer_mut(path).unwrap() = value;
        read(Sender::Alertmanager, &document.to_string()).unwrap_err()
    };
    assert_eq!(with("/alerts", json!({})).field, "alerts");
    assert_eq!(with("/alerts/0", json!(7)).field, "alerts");
    assert_eq!(with("/alerts/1/status", json!("on")).message, "Alert 2: alerts.status must be firing or resolved.");
    assert_eq!(with("/alerts/1/startsAt", json!("yesterday")).field, "alerts.startsAt");
    assert_eq!(with("/alerts/0/labels", json!([])).field, "alerts.labels");
    for (body, field) in [
        ("", "body"),
        ("[]", "body"),
        ("{}", "key"),
        (r#"{"key":"a"}"#, "status"),
        (r#"{"key":"a","status":"firing","labels":7}"#, "labels"),
        (r#"{"key":"a","status":"firing","started_at":7}"#, "started_at"),
        (r#"{"alerts":{}}"#, "alerts"),
    ] {
        assert_eq!(read(Sender::Generic, body).unwrap_err().field, field, "{body}");
    }
    let many = json!({"alerts": vec![json!({"key": "a", "status": "firing"}); MOST + 1]});
    assert_eq!(read(Sender::Generic, &many.to_string()).unwrap_err().field, "alerts");
}

#[test]
fn an_alert_without_a_fingerprint_is_known_by_its_labels() {
    let bare = |labels: Value| json!({"alerts": [{"status": "firing", "labels": labels}]}).to_string();
    let print = |labels| read(Sender::Alertmanager, &bare(labels)).map(|report| report.alerts[0].fingerprint.clone());
    assert_eq!(print(json!({"a": "1", "b": "2"})), print(json!({"b": "2", "a": "1"})));
    assert_ne!(print(json!({"a": "1"})), print(json!({"a": "2"})));
    assert_eq!(print(json!({})).unwrap_err().field, "alerts.labels");
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        Just(json!("\u{0}\n\u{2028}")),
        Just(json!("0000-00-00T00:00:00Z")),
        Just(json!("9999-12-31T23:59:59Z")),
        Just(json!([{}, [], null])),
        Just(json!({"a": {"b": 1}, "": ""})),
    ]
}

/// Replaces, or removes, the n-th value of a document.
fn mutate(value: &mut Value, n: &mut usize, with: &Value) {
    if *n == 0 {
        *value = with.clone();
    }
    *n = n.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|inner| mutate(inner, n, with)),
        Value::Object(map) => map.values_mut().for_each(|inner| mutate(inner, n, with)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn whatever_is_changed_in_a_document_it_is_read_or_refused(
        (sender, fixture) in proptest::sample::select(FIXTURES.to_vec()),
        changes in proptest::collection::vec((0_usize..60, odd()), 0..4),
    ) {
        let mut document: Value = serde_json::from_str(fixture).unwrap();
        for (n, with) in changes {
            mutate(&mut document, &mut { n }, &with);
        }
        if let Ok(report) = read(sender, &document.to_string()) {
            // And whatever was read can be taken in.
            let mut desk = Desk::on(ground(&[None, Some(0)]));
            desk.take(&report.alerts, at(0));
            desk.check();
        }
    }

    #[test]
    fn whatever_comes_nothing_panics(
        sender in proptest::sample::select(vec![Sender::Alertmanager, Sender::Grafana, Sender::Generic]),
        body in prop_oneof!["\\PC{0,200}", "[{}\\[\\]\":,a-z0-9\n]{0,200}"],
    ) {
        let _ = read(sender, &body);
    }
}

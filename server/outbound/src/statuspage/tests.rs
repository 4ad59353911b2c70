#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use domain::ids::{ComponentId, GroupId};
use domain::text::{Name, Slug};
use domain::time::testing::FixedRules;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn writer<'a>(zone: &'a str) -> Writer<'a> {
    Writer { zones: &FixedRules, zone, install_id: Uuid::from_u128(0x0192_f3c4_aaaa_7000_8000_0000_0000_0001) }
}

fn api() -> PublicComponent {
    let name = Name::parse("API").unwrap();
    let component = Component {
        id: ComponentId(Uuid::from_u128(11)),
        group_id: Some(GroupId(Uuid::from_u128(3))),
        slug: Slug::from_name(&name),
        name,
        description: String::new(),
        position: 4,
        is_private: false,
        retired_at: None,
        version: 1,
    };
    let created_at = at("2014-01-02T03:04:05Z");
    PublicComponent { component, group: Some("Web".to_owned()), state: ComponentState::MajorOutage, created_at }
}

fn event() -> Event {
    let said = at("2014-05-15T12:00:00.027Z");
    let change = StateChange {
        id: Uuid::from_u128(11),
        name: "Web - API".to_owned(),
        old: ComponentState::Operational,
        new: ComponentState::MajorOutage,
    };
    let line = EventLine {
        id: Uuid::from_u128(21),
        status: "investigating",
        body: "We look.".to_owned(),
        at: said,
        changes: vec![change],
    };
    Event {
        id: Uuid::from_u128(7),
        name: "API does not answer".to_owned(),
        status: "investigating",
        state: "investigating",
        impact: "critical",
        impact_override: None,
        backfilled: false,
        created_at: said,
        started_at: said,
        monitoring_at: None,
        resolved_at: None,
        url: "https://status.example.org/incidents/7".to_owned(),
        lines: vec![line],
        components: vec![api()],
        post_mortem: None,
        scheduled: None,
    }
}

#[test]
fn an_incident_has_the_fields_that_receivers_of_statuspage_read() {
    let json = writer("UTC").event(&event());
    assert_eq!(json["incident_updates"][0]["affected_components"][0]["old_status"], "operational");
    assert_eq!(json["incident_updates"][0]["display_at"], "2014-05-15T12:00:00.027Z");
    assert_eq!(json["components"][0]["status"], "major_outage");
    assert_eq!(json["components"][0]["start_date"], "2014-01-02");
    assert_eq!(json["components"][0]["description"], Value::Null);
    assert_eq!(json["page_id"], "0192f3c4aaaa");
    for field in ["name", "status", "impact", "shortlink", "updated_at"] {
        assert!(json[field].is_string(), "{field}");
    }
    for field in ["monitoring_at", "resolved_at", "scheduled_for", "postmortem_body", "impact_override"] {
        assert_eq!(json[field], Value::Null, "{field} is there, and empty");
    }
}

#[test]
fn planned_work_says_when_it_is() {
    let (from, until) = (at("2014-05-15T19:00:00Z"), at("2014-05-15T21:00:00Z"));
    let scheduled =
        Scheduled { from, until, reminds: true, reminded_at: Some(from), auto_start: true, auto_complete: false };
    let json = writer("UTC").event(&Event { scheduled: Some(scheduled), lines: Vec::new(), ..event() });
    assert_eq!(json["scheduled_for"], "2014-05-15T19:00:00.000Z");
    assert_eq!((&json["scheduled_auto_in_progress"], &json["scheduled_remind_prior"]), (&json!(true), &json!(true)));
    assert_eq!(json["updated_at"], json["created_at"], "nothing was said since");
}

#[test]
fn the_page_is_as_bad_as_what_is_worst() {
    use ComponentState::{DegradedPerformance, Operational, UnderMaintenance};
    let of = |components: &[ComponentState], incidents: &[Severity]| {
        Indicator::of(components.iter().copied(), incidents.iter().copied()).as_str()
    };
    assert_eq!(of(&[], &[]), "none");
    assert_eq!(of(&[Operational, UnderMaintenance], &[Severity::None]), "maintenance");
    assert_eq!(of(&[UnderMaintenance, DegradedPerformance], &[]), "minor");
    assert_eq!(of(&[Operational], &[Severity::Critical]), "critical");
    assert_eq!(writer("UTC").page(Indicator::Major)["status_description"], "Partial System Outage");
}

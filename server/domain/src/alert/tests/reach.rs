//! What alerts do not reach changes nothing.

use super::super::book::Work;
use super::super::reach::{Called, Reach};
use super::super::rule::{Doing, Plan, Rule, When};
use super::*;
use crate::ids::{AlertRuleId, ComponentId, IncidentId, MaintenanceId};
use crate::incident::IncidentState;
use crate::text::Name;
use proptest::prelude::*;

const HOSTS: usize = 8;

fn component(n: u8) -> ComponentId {
    ComponentId(Uuid::from_u128(50 + u128::from(n)))
}

/// What is left of the inventory where only what a report can reach is known.
fn narrow(whole: &Ground, called: &Called, reach: &Reach) -> Ground {
    let (mut lines, mut guests) = (&reach.alerts | &reach.causes, reach.alerts.clone());
    for _ in 0..HOSTS {
        for node in &whole.topology.hosts {
            if lines.contains(&node.id) {
                lines.extend(node.runs_on);
            }
            if node.runs_on.is_some_and(|below| guests.contains(&below)) {
                guests.insert(node.id);
            }
        }
    }
    let mut ground = whole.clone();
    ground.topology.hosts.retain(|node| lines.contains(&node.id) || guests.contains(&node.id));
    ground.topology.behind.retain(|(_, host)| guests.contains(host));
    ground.known.hosts.retain(|name, _| called.hosts.contains(name));
    ground.known.components.retain(|name, _| called.components.contains(name));
    ground
}

/// One report, and how the world is when it comes.
#[derive(Clone, Debug)]
struct Moment {
    below: Vec<Option<usize>>,
    behind: Vec<(u8, usize)>,
    work: Option<(BTreeSet<usize>, Option<u8>)>,
    alerts: Vec<Reported>,
    publishes: bool,
}

fn any_alert() -> impl Strategy<Value = Reported> {
    let said = (prop::option::of(0..HOSTS + 2), prop::option::of(0_u8..4), prop::option::of(0_u8..4));
    (0_u8..12, any::<bool>(), said, prop::option::of(0_u8..3)).prop_map(|(n, firing, (host, named, service), group)| {
        let mut alert = fires(&format!("a{n}"), &[], None);
        alert.labels.extend(host.map(|host| ("instance".to_owned(), format!("http://H{host}.example.org:9100/x"))));
        alert.labels.extend(service.map(|n| ("component".to_owned(), format!(" Service  {n}"))));
        alert.component = named.map(|n| format!("service-{n}"));
        Reported { firing, group: group.map(|group| group.to_string()), ..alert }
    })
}

fn any_moment() -> impl Strategy<Value = Moment> {
    let below = prop::collection::vec(prop::option::of(0..HOSTS), HOSTS);
    let behind = prop::collection::vec((0_u8..4, 0..HOSTS), 0..6);
    let work = prop::option::of((prop::collection::btree_set(0..HOSTS, 0..2), prop::option::of(0_u8..4)));
    let alerts = prop::collection::vec(any_alert(), 0..4);
    (below, behind, work, alerts, any::<bool>())
        .prop_map(|(below, behind, work, alerts, publishes)| Moment { below, behind, work, alerts, publishes })
}

fn ground_at(moment: &Moment) -> Ground {
    let id = |n: &usize| host(u128::try_from(*n).unwrap() + 1);
    let mut ground = ground(&moment.below);
    ground.topology.behind = moment.behind.iter().map(|(c, host)| (component(*c), id(host))).collect();
    let called = |n| [format!("service {n}"), format!("service-{n}")].map(|name| (name, component(n)));
    ground.known.components = (0..3).flat_map(called).collect();
    ground.works = moment.work.iter().map(|(hosts, of)| Work {
        id: MaintenanceId(Uuid::from_u128(7)),
        hosts: hosts.iter().map(id).collect(),
        components: of.iter().map(|n| component(*n)).collect(),
    }).collect();
    let rule = |n: u8, when: When, doing: Doing| Rule {
        id: AlertRuleId(Uuid::from_u128(u128::from(n))),
        name: Name::parse("rule").unwrap(),
        position: i64::from(n),
        when,
        then: Plan { doing, ..Plan::default() },
        version: 1,
    };
    ground.rules = vec![
        rule(1, When { hosts: BTreeSet::from([id(&0)]), ..When::default() }, Doing::Ignore),
        rule(2, When { components: BTreeSet::from([component(1)]), ..When::default() }, Doing::Publish),
    ];
    ground
}

proptest! {
    #[test]
    fn what_a_report_does_not_reach_changes_nothing(moments in prop::collection::vec(any_moment(), 1..8)) {
        let mut whole = Desk::on(ground(&[]));
        let mut part = Desk::on(ground(&[]));
        for (n, moment) in moments.iter().enumerate() {
            let ground = ground_at(moment);
            let report = Report { alerts: moment.alerts.clone(), truncated: 0 };
            let called = Called::by(&report, &ground.labels);
            let spoken_of = report.alerts.iter().filter_map(|alert| ground.known.host(alert, &ground.labels));
            let reach = part.book.reach(spoken_of);
            part.ground = narrow(&ground, &called, &reach);
            for alert in &report.alerts {
                let unmatched = |of: &Ground| of.known.unmatched(alert, &of.labels);
                prop_assert_eq!(unmatched(&ground), unmatched(&part.ground));
            }
            whole.ground = ground;
            let now = at(i64::try_from(n).unwrap());
            prop_assert_eq!(whole.take(&moment.alerts, now), part.take(&moment.alerts, now));
            for desk in [&mut whole, &mut part] {
                for cause in desk.book.causes.values_mut().filter(|cause| cause.state == CauseState::Open) {
                    let state = if moment.publishes { IncidentState::Investigating } else { IncidentState::Draft };
                    cause.incident = Some(IncidentId(cause.id.0));
                    cause.incident_state = cause.incident_state.or(Some(state));
                }
            }
            prop_assert_eq!(&whole.book, &part.book);
        }
    }
}

#[test]
fn little_is_left_of_a_large_inventory() {
    let below: Vec<Option<usize>> = (0..100).map(|n| (n % 10 > 0).then_some(n - n % 10)).collect();
    let mut desk = Desk::on(ground(&below));
    let on = |n: usize| fires(&format!("a{n}"), &[("instance", &format!("h{n}"))], None);
    desk.take(&[on(23)], at(0));
    let report = Report { alerts: vec![on(41), on(41)], truncated: 0 };
    let called = Called::by(&report, &desk.ground.labels);
    assert_eq!(called.hosts, BTreeSet::from(["h41".to_owned()]));
    desk.book.alerts.clear();
    let reach = desk.book.reach([host(42)]);
    assert_eq!((reach.alerts, reach.causes), (BTreeSet::from([host(42)]), BTreeSet::from([host(24)])));
}

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

/// What there is around hosts.
fn around(whole: &Topology, hosts: &BTreeSet<HostId>) -> Topology {
    let (mut lines, mut guests) = (hosts.clone(), hosts.clone());
    for _ in 0..HOSTS {
        for node in &whole.hosts {
            if lines.contains(&node.id) {
                lines.extend(node.runs_on);
            }
            if node.runs_on.is_some_and(|below| guests.contains(&below)) {
                guests.insert(node.id);
            }
        }
    }
    let is_near = |node: &&HostNode| lines.contains(&node.id) || guests.contains(&node.id);
    Topology {
        hosts: whole.hosts.iter().filter(is_near).copied().collect(),
        behind: whole.behind.iter().filter(|(_, host)| guests.contains(host)).copied().collect(),
    }
}

/// The same where only what a report can reach is known, and how far that is.
fn narrow(whole: &Desk, alerts: &[Reported]) -> (Desk, Reach) {
    let report = Report { alerts: alerts.to_vec(), truncated: 0 };
    let mut ground = whole.ground.clone();
    let called = Called::by(&report, &ground.labels);
    ground.known.hosts.retain(|name, _| called.hosts.contains(name));
    ground.known.components.retain(|name, _| called.components.contains(name));
    let mut book = whole.book.clone();
    book.alerts.retain(|print, _| alerts.iter().any(|alert| alert.fingerprint == *print));
    let live = book.causes.values().filter(|cause| cause.state.is_live());
    let live: BTreeMap<CauseId, _> = live.map(|cause| (cause.id, cause.keys.clone())).collect();
    let reach = Reach::of(book.alerts.values(), &ground.labels, &ground.works);
    let mut reach = reach.with(Uuid::nil(), &report, &ground.known, &ground.labels);
    reach.follow(&live, &Topology::default());
    ground.topology = around(&whole.ground.topology, &reach.hosts);
    while reach.follow(&live, &ground.topology) {
        ground.topology = around(&whole.ground.topology, &reach.hosts);
    }
    book.causes.retain(|id, cause| reach.causes.contains(id) && cause.state.is_live());
    (Desk { ground, book, ids: whole.ids }, reach)
}

/// One report, and how the world is when it comes.
#[derive(Clone, Debug)]
struct Moment {
    below: Vec<Option<usize>>,
    behind: Vec<(u8, usize)>,
    retired: Option<usize>,
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
    (below, behind, prop::option::of(0..HOSTS), work, alerts, any::<bool>()).prop_map(
        |(below, behind, retired, work, alerts, publishes)| Moment { below, behind, retired, work, alerts, publishes },
    )
}

fn ground_at(moment: &Moment) -> Ground {
    let id = |n: &usize| host(u128::try_from(*n).unwrap() + 1);
    let mut ground = ground(&moment.below);
    ground.topology.behind = moment.behind.iter().map(|(c, host)| (component(*c), id(host))).collect();
    if let Some(retired) = moment.retired.as_ref().map(id) {
        ground.topology.hosts.retain(|node| node.id != retired);
        ground.topology.behind.retain(|(_, host)| *host != retired);
        ground.known.hosts.retain(|_, host| *host != retired);
    }
    let called = |n| [format!("service {n}"), format!("service-{n}")].map(|name| (name, component(n)));
    ground.known.components = (0..3).flat_map(called).collect();
    ground.works = moment
        .work
        .iter()
        .map(|(hosts, of)| Work {
            id: MaintenanceId(Uuid::from_u128(7)),
            hosts: hosts.iter().map(id).collect(),
            components: of.iter().map(|n| component(*n)).collect(),
        })
        .collect();
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
    fn what_alerts_do_not_reach_changes_nothing_for_them(moments in prop::collection::vec(any_moment(), 1..8)) {
        let mut whole = Desk::on(ground(&[]));
        for (n, moment) in moments.iter().enumerate() {
            whole.ground = ground_at(moment);
            let (mut part, reach) = narrow(&whole, &moment.alerts);
            for alert in &moment.alerts {
                let unmatched = |of: &Ground| of.known.unmatched(alert, &of.labels);
                prop_assert_eq!(unmatched(&whole.ground), unmatched(&part.ground));
            }
            let now = at(i64::try_from(n).unwrap());
            let (of_whole, of_part) = (whole.take(&moment.alerts, now), part.take(&moment.alerts, now));
            // Others may have become one because of what runs on what now: with their own next alert.
            let is_reached = |id: &CauseId| reach.causes.contains(id) || of_part.opened.contains(id);
            let expected = Taken {
                touched: of_whole.touched.iter().copied().filter(is_reached).collect(),
                merged: of_whole.merged.iter().copied().filter(|(from, _)| is_reached(from)).collect(),
                ..of_whole
            };
            prop_assert_eq!(&of_part, &expected);
            for (print, alert) in &part.book.alerts {
                prop_assert_eq!(alert, &whole.book.alerts[print]);
            }
            for (id, cause) in &part.book.causes {
                prop_assert_eq!(cause, &whole.book.causes[id]);
            }
            for cause in whole.book.causes.values_mut().filter(|cause| cause.state == CauseState::Open) {
                let state = if moment.publishes { IncidentState::Investigating } else { IncidentState::Draft };
                cause.incident = Some(IncidentId(cause.id.0));
                cause.incident_state = cause.incident_state.or(Some(state));
            }
        }
    }
}

#[test]
fn of_many_causes_and_hosts_few_are_reached() {
    let below: Vec<Option<usize>> = (0..100).map(|n| (n % 10 > 0).then_some(n - n % 10)).collect();
    let mut desk = Desk::on(ground(&below));
    let on = |n: usize| fires(&format!("a{n}"), &[("instance", &format!("h{n}"))], None);
    desk.take(&(0..50).map(on).collect::<Vec<_>>(), at(0));
    assert_eq!(desk.book.causes.len(), 5);
    let (part, reach) = narrow(&desk, &[on(41)]);
    assert_eq!((part.book.causes.len(), part.ground.topology.hosts.len(), reach.hosts.len()), (1, 10, 10));
    assert_eq!(part.ground.known.hosts.len(), 1);
    let (part, _) = narrow(&desk, &[on(71)]);
    assert_eq!((part.book.causes.len(), part.ground.topology.hosts.len()), (0, 2));
}

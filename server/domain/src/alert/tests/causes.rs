//! One cause, one incident.

use super::super::book::Work;
use super::super::cause::Step;
use super::super::rule::{Doing, Plan, Resolution, Rule, When};
use super::*;
use crate::component::ComponentState;
use crate::ids::{AlertRuleId, ComponentId, IncidentId, MaintenanceId};
use crate::incident::IncidentState;
use crate::text::Name;
use crate::time::Span;
use proptest::prelude::*;

fn on(n: usize) -> [(&'static str, String); 1] {
    [("instance", format!("h{n}:9100"))]
}

pub(super) fn down(n: usize) -> Reported {
    let labels = on(n);
    fires(&format!("down-{n}"), &[(labels[0].0, &labels[0].1)], None)
}

pub(super) fn draft(desk: &mut Desk) {
    for cause in desk.book.causes.values_mut() {
        if cause.state == CauseState::Open && cause.incident.is_none() {
            cause.incident = Some(IncidentId(cause.id.0));
            cause.incident_state = Some(IncidentState::Draft);
        }
    }
}

pub(super) fn component() -> ComponentId {
    ComponentId(Uuid::from_u128(50))
}

fn rule(position: i64, when: When, then: Plan) -> Rule {
    let id = AlertRuleId(Uuid::from_u128(u128::from(position.unsigned_abs())));
    Rule { id, name: Name::parse("rule").unwrap(), position, when, then, version: 1 }
}

#[test]
fn what_runs_on_a_host_that_is_down_has_its_cause() {
    // h0 carries h1 and h2, h2 carries h3; h4 stands alone.
    let mut desk = Desk::on(ground(&[None, Some(0), Some(0), Some(2), None]));
    desk.take(&[down(2), down(4)], at(0));
    desk.take(&[down(0), down(3)], at(1));
    assert_eq!(desk.cause("down-3").id, desk.cause("down-0").id, "it runs on h2, and that on h0");
    assert_eq!(desk.cause("down-3").title.as_str(), "down-0", "what is below all others names it");
    assert_ne!(desk.cause("down-4").id, desk.cause("down-0").id);
    desk.check();
}

#[test]
fn when_the_host_below_comes_later_the_causes_become_one() {
    let mut desk = Desk::on(ground(&[None, Some(0), Some(0)]));
    desk.take(&[down(1)], at(0));
    desk.take(&[down(2)], at(1));
    draft(&mut desk);
    let (first, second) = (desk.cause("down-1").id, desk.cause("down-2").id);
    assert_ne!(first, second);
    let taken = desk.take(&[down(0)], at(2));
    assert_eq!(taken.merged, [(second, first)], "the older one stays");
    assert_eq!(desk.book.causes[&second].merged_into, Some(first));
    assert_eq!(desk.cause("down-2").alerts, 3);
    desk.check();
    // What customers know of stays, however young.
    let mut desk = Desk::on(ground(&[None, Some(0), Some(0)]));
    desk.take(&[down(1)], at(0));
    desk.take(&[down(2)], at(1));
    let second = desk.cause("down-2").id;
    desk.book.causes.get_mut(&second).unwrap().incident_state = Some(IncidentState::Identified);
    desk.take(&[down(0)], at(2));
    assert_eq!(desk.cause("down-1").id, second);
}

#[test]
fn what_customers_know_as_two_stays_two() {
    let mut desk = Desk::on(ground(&[None, Some(0), Some(0), Some(0)]));
    for n in 1..=3 {
        desk.take(&[down(n)], at(i64::try_from(n).unwrap()));
    }
    let [first, second, third] = [1, 2, 3].map(|n| desk.cause(&format!("down-{n}")).id);
    for id in [second, third] {
        desk.book.causes.get_mut(&id).unwrap().incident_state = Some(IncidentState::Identified);
    }
    let taken = desk.take(&[down(0)], at(4));
    assert_eq!(taken.merged, [(first, second)], "a draft goes into the older one that is published");
    assert_eq!(desk.cause("down-0").id, second);
    assert_eq!((desk.cause("down-3").id, desk.cause("down-3").state), (third, CauseState::Open));
    desk.take(&[ends(&down(3))], at(5));
    assert_eq!(desk.book.causes[&third].quiet_at, Some(at(5)), "it ends by itself");
    desk.check();
}

#[test]
fn only_who_ends_what_is_open_or_a_draft_is_asked_about_alerts_that_fire_on() {
    let mut desk = Desk::on(ground(&[None]));
    desk.take(&[down(0)], at(0));
    draft(&mut desk);
    let cause = Cause { firing: 1333, ..desk.cause("down-0").clone() };
    for (before, after) in IncidentState::ALL.into_iter().flat_map(|b| IncidentState::ALL.map(|a| (b, a))) {
        let goes_on = IncidentState::OPEN.contains(&before) || before == IncidentState::Draft;
        let is_end = goes_on && after == IncidentState::Resolved;
        assert_eq!(cause.fires_on(before, after), if is_end { 1333 } else { 0 }, "{before:?} {after:?}");
    }
    let (before, after) = (IncidentState::Monitoring, IncidentState::Resolved);
    assert_eq!(Cause { firing: 0, ..cause.clone() }.fires_on(before, after), 0);
    assert_eq!(Cause { state: CauseState::Merged, ..cause.clone() }.fires_on(before, after), 0, "counted elsewhere");
    assert_eq!(cause.still_fires(), "1,333 alerts still fire");
    assert_eq!(Cause { firing: 1, ..cause }.still_fires(), "1 alert still fires");
}

#[test]
fn what_a_person_published_or_discarded_before_its_delay_is_due_no_more() {
    let mut desk = Desk::on(ground(&[None]));
    let publish = Plan { doing: Doing::Publish, delay: Span::minutes(1), ..Plan::default() };
    desk.ground.rules = vec![rule(1, When::default(), publish)];
    desk.ground.topology.behind = vec![(component(), host(1))];
    desk.take(&[down(0)], at(0));
    draft(&mut desk);
    let id = desk.cause("down-0").id;
    let cause = desk.book.causes.get_mut(&id).unwrap();
    assert!(!cause.forget_delay());
    for decided in [IncidentState::Investigating, IncidentState::Discarded] {
        let mut cause = Cause { incident_state: Some(decided), ..cause.clone() };
        assert_eq!(cause.due(at(60)), Some(Step::Publish));
        assert!(cause.forget_delay() && !cause.forget_delay());
        assert_eq!((cause.next_due(), cause.due(at(60))), (None, None));
    }
}

#[test]
fn a_source_is_believed_for_an_hour() {
    for (told, began) in [(-40 * 86_400, 0), (-86_400, 0), (-3601, 0), (-3600, -3600), (-60, -60), (60, 0)] {
        let mut desk = Desk::on(ground(&[None]));
        desk.take(&[Reported { started_at: Some(at(told)), ..down(0) }], at(0));
        assert_eq!(desk.cause("down-0").started_at, at(began), "{told}");
        assert_eq!(desk.book.alerts["down-0"].started_at, at(told.min(0)), "for the team it stays what it was");
    }
}

#[test]
fn what_touches_no_component_is_never_published_by_itself() {
    let mut desk = Desk::on(ground(&[None, None]));
    desk.ground.rules = vec![rule(1, When::default(), Plan { doing: Doing::Publish, ..Plan::default() })];
    let grouped = |n| Reported { group: Some("g".to_owned()), ..down(n) };
    desk.take(&[grouped(0)], at(0));
    draft(&mut desk);
    let cause = desk.cause("down-0");
    assert_eq!((cause.publishes_itself(), cause.publish_at, cause.due(at(9999))), (false, None, None));
    // What was stored as due before is forgotten.
    let mut stored = Cause { publish_at: Some(at(0)), ..cause.clone() };
    assert!(stored.forget_delay() && stored.due(at(9999)).is_none());
    // What comes later tells what it is about.
    desk.ground.topology.behind = vec![(component(), host(2))];
    desk.take(&[grouped(1)], at(60));
    assert_eq!(desk.cause("down-0").due(at(60)), Some(Step::Publish));
}

#[test]
fn work_on_the_same_hosts_takes_the_alerts_and_lets_them_go_when_it_ends() {
    let mut desk = Desk::on(ground(&[None, Some(0), None]));
    let work = MaintenanceId(Uuid::from_u128(7));
    desk.ground.works = vec![Work { id: work, hosts: BTreeSet::from([host(1)]), components: BTreeSet::new() }];
    let group = Some("all");
    let labelled = |n: usize| Reported { group: group.map(ToOwned::to_owned), ..down(n) };
    desk.take(&[labelled(0), labelled(1), labelled(2)], at(0));
    assert_eq!(desk.cause("down-1").id, desk.cause("down-0").id);
    assert_eq!((desk.cause("down-0").state, desk.cause("down-0").maintenance), (CauseState::Window, Some(work)));
    assert_eq!(desk.cause("down-2").state, CauseState::Open, "the same group, but nobody works there");
    desk.take(&[ends(&labelled(1))], at(5));
    desk.check();
    let window = desk.cause("down-0").id;
    desk.ground.works.clear();
    let firing: Vec<_> =
        desk.book.alerts.values().filter(|a| a.cause == Some(window) && a.is_firing()).cloned().collect();
    let mut ids = 1;
    let taken = desk.book.release(window, firing, &desk.ground, at(9), &mut || {
        ids += 1;
        Uuid::from_u128(ids)
    });
    assert_eq!(desk.book.causes[&window].state, CauseState::Over);
    assert_eq!(desk.book.causes[&window].alerts, 1, "the one that ended in time stays with the window");
    let moved = desk.book.alerts.values().find(|a| taken.changed.contains(&a.id.to_string())).unwrap();
    assert_eq!(desk.book.causes[&moved.cause.unwrap()].state, CauseState::Open);
    assert_eq!(moved.cause, desk.book.alerts["down-2"].cause, "its group has a cause already");
}

#[test]
fn what_a_person_has_decided_takes_no_new_alerts() {
    let mut desk = Desk::on(ground(&[None]));
    desk.take(&[down(0)], at(0));
    let first = desk.cause("down-0").id;
    desk.book.causes.get_mut(&first).unwrap().incident_state = Some(IncidentState::Discarded);
    desk.take(&[down(0)], at(1));
    assert_eq!(desk.cause("down-0").id, first, "it is no news that it still fires");
    let load = fires("load", &[("instance", "h0")], None);
    desk.take(std::slice::from_ref(&load), at(2));
    assert_ne!(desk.cause("load").id, first);
    desk.take(&[ends(&down(0))], at(3));
    let taken = desk.take(&[down(0)], at(4));
    assert_eq!(taken.replaced.len(), 1, "it came back: that is news");
    assert_eq!(desk.cause("down-0").id, desk.cause("load").id);
}

#[test]
fn the_earliest_rule_of_its_alerts_counts() {
    let mut desk = Desk::on(ground(&[None, Some(0)]));
    let component = component();
    desk.ground.topology.behind = vec![(component, host(2))];
    let publish = Plan { doing: Doing::Publish, delay: Span::minutes(10), ..Plan::default() };
    let only = |n: u128| When { hosts: BTreeSet::from([host(n)]), ..When::default() };
    let quiet = When { labels: [("alertname".to_owned(), "Watchdog".to_owned())].into(), ..When::default() };
    desk.ground.rules = vec![
        rule(1, quiet, Plan { doing: Doing::Ignore, ..Plan::default() }),
        rule(2, only(2), Plan { component_state: Some(ComponentState::PartialOutage), ..publish }),
        rule(3, only(1), Plan::default()),
    ];
    desk.take(&[fires("dog", &[("alertname", "Watchdog"), ("instance", "h0")], None)], at(0));
    assert_eq!(desk.book.alerts["dog"].cause, None);
    assert!(desk.book.causes.is_empty());
    desk.take(&[down(0)], at(1));
    assert_eq!((desk.cause("down-0").rank, desk.cause("down-0").publish_at), (3, None));
    assert_eq!(desk.cause("down-0").components[&component], ComponentState::DegradedPerformance);
    desk.take(&[down(1)], at(60));
    let cause = desk.cause("down-0");
    assert_eq!((cause.rank, cause.publish_at), (2, Some(at(1 + 600))), "from the first alert on");
    assert_eq!(cause.components[&component], ComponentState::PartialOutage);
    assert_eq!((cause.due(at(600)), cause.due(at(601))), (None, Some(Step::Publish)));
    // Quiet in between: the delay begins anew.
    desk.take(&[ends(&down(0)), ends(&down(1))], at(100));
    assert_eq!(desk.cause("down-0").publish_at, None);
    desk.take(&[down(1)], at(130));
    assert_eq!(desk.cause("down-0").publish_at, Some(at(730)));
    assert_eq!(desk.book.alerts["down-1"].flaps, 1);
    desk.check();
}

#[test]
fn what_is_quiet_for_long_enough_is_discarded_proposed_or_posted() {
    let mut desk = Desk::on(ground(&[None]));
    desk.take(&[down(0)], at(0));
    desk.take(&[ends(&down(0))], at(10));
    draft(&mut desk);
    let id = desk.cause("down-0").id;
    let cause = desk.book.causes.get_mut(&id).unwrap();
    assert_eq!((cause.due(at(309)), cause.due(at(310))), (None, Some(Step::Discard)));
    cause.incident_state = Some(IncidentState::Monitoring);
    assert_eq!(cause.due(at(310)), Some(Step::Propose));
    cause.plan.resolution = Resolution::Post;
    assert_eq!(cause.due(at(310)), Some(Step::Resolve));
    cause.proposed_at = Some(at(310));
    assert_eq!(cause.due(at(9999)), None, "a person is asked");
    cause.incident_state = Some(IncidentState::Resolved);
    assert_eq!(cause.due(at(311)), Some(Step::Close));
    // What comes back before the person has answered goes on.
    cause.incident_state = Some(IncidentState::Monitoring);
    desk.take(&[down(0)], at(400));
    let cause = desk.cause("down-0");
    assert_eq!((cause.id, cause.quiet_at, cause.proposed_at), (id, None, None));
}

/// Alerts on some of eight hosts that stand on each other, in some groups, with some labels.
pub(super) fn storm() -> impl Strategy<Value = (Vec<Option<usize>>, Vec<Reported>)> {
    let below = proptest::collection::vec(proptest::option::of(0_usize..8), 8);
    let one =
        (proptest::option::of(0_usize..8), proptest::option::of(0_u8..4), proptest::option::of((0_u8..3, 0_u8..3)));
    (below, proptest::collection::vec(one, 1..16)).prop_map(|(below, alerts)| {
        let alerts = alerts.into_iter().enumerate().map(|(n, (host, group, named))| {
            let mut labels: BTreeMap<String, String> = BTreeMap::new();
            labels.extend(host.map(|host| ("instance".to_owned(), format!("h{host}:9100"))));
            if let Some((name, cluster)) = named {
                labels.insert("alertname".to_owned(), name.to_string());
                labels.insert("cluster".to_owned(), cluster.to_string());
            }
            Reported { labels, group: group.map(|group| group.to_string()), ..fires(&format!("a{n}"), &[], None) }
        });
        (below, alerts.collect())
    })
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_change_the_causes(
        ((below, alerts), order, cuts) in storm().prop_flat_map(|(below, alerts)| {
            let n = alerts.len();
            let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
            (Just((below, alerts)), order, proptest::collection::vec(any::<bool>(), n))
        }),
    ) {
        let mut at_once = Desk::on(ground(&below));
        at_once.take(&alerts, at(0));
        at_once.check();
        let mut one_by_one = Desk::on(ground(&below));
        let mut waiting = Vec::new();
        for (n, cut) in order.into_iter().zip(cuts) {
            waiting.push(alerts[n].clone());
            if cut {
                one_by_one.take(&waiting, at(1));
                one_by_one.check();
                draft(&mut one_by_one);
                waiting.clear();
            }
        }
        one_by_one.take(&waiting, at(2));
        one_by_one.check();
        prop_assert_eq!(at_once.parts(), one_by_one.parts());
        let live = one_by_one.book.causes.values().filter(|cause| cause.state.is_live()).count();
        prop_assert_eq!(live, one_by_one.parts().len());
    }

    #[test]
    fn no_cause_begins_long_before_anybody_saw_it(
        (below, alerts) in storm(),
        told in proptest::collection::vec(proptest::option::of(-200_000_i64..200_000), 16),
        seen in proptest::collection::vec(0_i64..20_000, 16),
    ) {
        let mut desk = Desk::on(ground(&below));
        let mut now = 0;
        for ((alert, told), later) in alerts.iter().zip(told).zip(seen) {
            now += later;
            desk.take(&[Reported { started_at: told.map(|told| at(now + told)), ..alert.clone() }], at(now));
        }
        for cause in desk.book.causes.values().filter(|cause| cause.state.is_live()) {
            prop_assert!(Span::hours(1).before(cause.first_at) <= cause.started_at && cause.started_at <= cause.first_at);
            let of = desk.book.alerts.values().filter(|alert| alert.cause == Some(cause.id));
            let believed = of.clone().filter(|alert| alert.started_at >= Span::hours(1).before(alert.first_seen_at));
            let began = believed.map(|alert| alert.started_at).chain(of.map(|alert| alert.first_seen_at)).min();
            prop_assert_eq!(Some(cause.started_at), began);
        }
    }

    #[test]
    fn what_touches_nothing_known_is_never_due_for_publication(
        (below, alerts) in storm(),
        behind in proptest::collection::btree_set(1_u128..9, 0..3),
    ) {
        let mut desk = Desk::on(ground(&below));
        desk.ground.topology.behind = behind.into_iter().map(|n| (component(), host(n))).collect();
        desk.ground.rules = vec![rule(1, When::default(), Plan { doing: Doing::Publish, ..Plan::default() })];
        for alert in &alerts {
            desk.take(std::slice::from_ref(alert), at(0));
            draft(&mut desk);
        }
        for cause in desk.book.causes.values().filter(|cause| cause.state.is_live()) {
            prop_assert_eq!(cause.due(at(1)).is_some(), !cause.components.is_empty());
        }
    }

    #[test]
    fn what_is_published_in_between_is_all_that_keeps_causes_apart(
        (below, alerts) in storm(),
        published in proptest::collection::vec(any::<bool>(), 16),
    ) {
        let mut at_once = Desk::on(ground(&below));
        at_once.take(&alerts, at(0));
        let mut one_by_one = Desk::on(ground(&below));
        let mut known = BTreeSet::new();
        for (alert, publish) in alerts.iter().zip(published) {
            one_by_one.take(std::slice::from_ref(alert), at(1));
            one_by_one.check();
            draft(&mut one_by_one);
            if publish {
                let id = one_by_one.cause(&alert.fingerprint).id;
                one_by_one.book.causes.get_mut(&id).unwrap().incident_state = Some(IncidentState::Investigating);
                known.insert(id);
            }
        }
        prop_assert!(known.iter().all(|id| one_by_one.book.causes[id].state == CauseState::Open));
        let parts = one_by_one.parts();
        for whole in at_once.parts() {
            let of: Vec<_> = parts.iter().filter(|part| part.is_subset(&whole)).collect();
            prop_assert_eq!(of.iter().map(|part| part.len()).sum::<usize>(), whole.len(), "nothing else joins them");
            let open = of.iter().filter(|part| !one_by_one.cause(part.first().unwrap()).is_published()).count();
            prop_assert!(open == 0 || of.len() == 1, "what nobody knows of goes into what is known");
        }
    }

    #[test]
    fn repeats_change_nothing_and_the_end_of_all_ends_each_cause((below, alerts) in storm(), again in 0_usize..3) {
        let mut desk = Desk::on(ground(&below));
        desk.take(&alerts, at(0));
        let (parts, causes) = (desk.parts(), desk.book.causes.clone());
        let answered = desk.book.belong_to();
        prop_assert_eq!(answered.len(), parts.len());
        for _ in 0..again {
            let taken = desk.take(&alerts, at(1));
            prop_assert!(taken.touched.is_empty() && taken.added.is_empty() && taken.merged.is_empty());
            prop_assert_eq!(taken.repeated, alerts.len());
        }
        prop_assert_eq!((&desk.parts(), &desk.book.causes), (&parts, &causes));
        prop_assert_eq!(desk.book.belong_to(), answered);
        for alert in &alerts {
            desk.take(&[ends(alert)], at(2));
            desk.check();
        }
        prop_assert!(desk.book.causes.values().all(|cause| cause.firing == 0 && cause.quiet_at == Some(at(2))));
        let ended = desk.book.clone();
        let over: Vec<Reported> = alerts.iter().map(ends).collect();
        desk.take(&over, at(3));
        prop_assert_eq!(&desk.book, &ended);
        // What comes back goes on where it was.
        desk.take(&alerts, at(4));
        prop_assert_eq!(desk.parts(), parts);
        desk.check();
    }
}

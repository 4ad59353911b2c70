//! The draft of a cause joins an incident.

use super::super::belong::{Nearness, Refusal, belong, nearness, shared, takes_in};
use super::super::cause::Step;
use super::super::rule::{Plan, Resolution};
use super::causes::{component, down, draft, storm};
use super::*;
use crate::component::ComponentState;
use crate::ids::{ComponentId, IncidentId};
use crate::incident::transition::{self, Content, States};
use crate::incident::{Incident, IncidentState};
use crate::text::{Name, Prose};
use proptest::prelude::*;

/// I-9, which a person has opened.
fn incident(state: IncidentState, components: &[ComponentId]) -> Incident {
    let content = Content {
        title: Name::parse("Web servers do not answer").unwrap(),
        severity_override: None,
        components: components.iter().map(|id| (*id, ComponentState::MajorOutage)).collect::<States>(),
        started_at: at(0),
        maintenance: None,
    };
    let draft = transition::draft(IncidentId(Uuid::from_u128(9)), 9, None, at(0), content, Prose::default()).unwrap();
    Incident { state, ..draft }
}

fn open() -> Incident {
    incident(IncidentState::Identified, &[component()])
}

impl Desk {
    /// The cause of this alert joins an incident.
    fn join(&mut self, print: &str, incident: &Incident, now: Instant) -> Result<CauseId, Refusal> {
        let part = self.cause(print).clone();
        let own = self.book.causes.values().find(|c| c.incident == Some(incident.id) && c.state == CauseState::Open);
        self.ids += 1;
        let new_id = CauseId(Uuid::from_u128(self.ids));
        let (part, whole) = belong(&part, incident, own.cloned(), new_id, now)?;
        // As the storage does.
        for alert in self.book.alerts.values_mut().filter(|alert| alert.cause == Some(part.id)) {
            alert.cause = Some(whole.id);
        }
        let id = whole.id;
        self.book.causes.extend([(part.id, part), (id, whole)]);
        Ok(id)
    }
}

#[test]
fn only_a_draft_of_alerts_joins_and_only_what_is_published_and_not_over() {
    let mut desk = Desk::on(ground(&[None]));
    desk.take(&[down(0)], at(0));
    draft(&mut desk);
    let cause = desk.cause("down-0").clone();
    let try_it = |cause: &Cause, incident: &Incident| belong(cause, incident, None, CauseId(Uuid::nil()), at(1)).err();
    for state in IncidentState::ALL {
        let decided = Cause { incident_state: Some(state), ..cause.clone() };
        let expected = (state != IncidentState::Draft).then_some(Refusal::NotADraft(state));
        assert_eq!(try_it(&decided, &open()), expected);
        let target = incident(state, &[]);
        let expected = (!state.is_open()).then(|| Refusal::NotOpen { reference: "I-9".to_owned(), state });
        assert_eq!(try_it(&cause, &target), expected);
        assert_eq!(takes_in(&target).err(), expected);
        // It may have been opened again since.
        let entered = Incident { is_backfilled: true, ..target };
        assert!(takes_in(&entered).is_err(), "{state:?}");
    }
    for state in [CauseState::Window, CauseState::Over, CauseState::Merged] {
        assert_eq!(try_it(&Cause { state, ..cause.clone() }, &open()), Some(Refusal::NoAlerts), "{state:?}");
    }
    let text = try_it(&cause, &incident(IncidentState::Resolved, &[])).unwrap().to_string();
    assert_eq!(text, "I-9 is resolved: choose an incident that is published and not over.");
}

#[test]
fn what_comes_later_is_counted_there_and_its_end_is_proposed_there() {
    let mut desk = Desk::on(ground(&[None, Some(0), None]));
    desk.take(&[down(0)], at(0));
    draft(&mut desk);
    let part = desk.cause("down-0").id;
    let whole = desk.join("down-0", &open(), at(10)).unwrap();
    let joined = &desk.book.causes[&part];
    assert_eq!((joined.state, joined.merged_into, joined.incident.is_some()), (CauseState::Merged, Some(whole), true));
    let taken = desk.take(&[down(1)], at(20));
    assert!(taken.opened.is_empty() && desk.cause("down-1").id == whole, "it runs on h0");
    // Another draft joins what has a cause already: there stays one.
    desk.take(&[down(2)], at(30));
    draft(&mut desk);
    assert_eq!(desk.join("down-2", &open(), at(40)).unwrap(), whole);
    desk.check();
    let over = [down(0), down(1)].map(|alert| ends(&alert));
    desk.take(&over, at(50));
    assert_eq!((desk.cause("down-2").quiet_at, desk.cause("down-2").due(at(9999))), (None, None), "one still fires");
    desk.take(&[ends(&down(2))], at(60));
    let cause = desk.cause("down-2").clone();
    assert_eq!((cause.alerts, cause.quiet_at, cause.due(at(360))), (3, Some(at(60)), Some(Step::Propose)));
    let by_rule = Cause { plan: Plan { resolution: Resolution::Post, ..cause.plan.clone() }, ..cause };
    assert_eq!(by_rule.due(at(360)), Some(Step::Resolve));
    // Once a person has said that it is over, what comes back is new.
    desk.book.causes.get_mut(&whole).unwrap().incident_state = Some(IncidentState::Resolved);
    assert_eq!(desk.take(&[down(0)], at(400)).opened.len(), 1);
}

#[test]
fn what_was_asked_of_the_draft_is_asked_of_the_incident_anew() {
    let mut desk = Desk::on(ground(&[None]));
    desk.take(&[down(0)], at(0));
    draft(&mut desk);
    desk.take(&[ends(&down(0))], at(10));
    let id = desk.cause("down-0").id;
    desk.book.causes.get_mut(&id).unwrap().proposed_at = Some(at(310));
    desk.join("down-0", &open(), at(400)).unwrap();
    let cause = desk.cause("down-0");
    assert_eq!((cause.quiet_at, cause.proposed_at, cause.due(at(400))), (Some(at(10)), None, Some(Step::Propose)));
}

#[test]
fn only_an_incident_that_is_about_nothing_else_ends_with_its_alerts() {
    let mut desk = Desk::on(ground(&[None]));
    let [web, mail] = [50, 51].map(|n| ComponentId(Uuid::from_u128(n)));
    desk.ground.topology.behind = vec![(web, host(1))];
    desk.take(&[down(0)], at(0));
    let cause = desk.cause("down-0");
    let ends = |components: &[ComponentId]| cause.ends(&incident(IncidentState::Identified, components));
    assert!(ends(&[web]));
    assert!(!ends(&[web, mail]), "a person said so of Mail");
    assert!(!ends(&[]), "it concerns the whole site");
    let mut mended = incident(IncidentState::Monitoring, &[web, mail]);
    mended.components.insert(mail, ComponentState::Operational);
    assert!(cause.ends(&mended), "Mail is well again");
}

#[test]
fn what_has_joined_is_quiet_since_the_last_of_all_alerts_ended() {
    // What joins ended later or earlier than what had joined before.
    for (own, later, since) in [(10, 300, 300), (300, 10, 300)] {
        let mut desk = Desk::on(ground(&[None, None]));
        desk.take(&[down(0)], at(0));
        draft(&mut desk);
        let whole = desk.join("down-0", &open(), at(1)).unwrap();
        desk.take(&[down(1)], at(2));
        draft(&mut desk);
        let mut ended = [(own, down(0)), (later, down(1))];
        ended.sort_by_key(|(n, _)| *n);
        for (n, alert) in ended {
            desk.take(&[ends(&alert)], at(n));
        }
        let asked = Some(at(600));
        desk.book.causes.get_mut(&whole).unwrap().proposed_at = asked;
        desk.join("down-1", &open(), at(605)).unwrap();
        let cause = desk.cause("down-1");
        assert_eq!((cause.quiet_at, cause.proposed_at), (Some(at(since)), asked.filter(|_| own > later)), "{own}");
    }
}

#[test]
fn what_names_the_same_is_nearer_than_what_stands_on_the_same_hosts() {
    // h0 carries h1 and h2; h3 stands alone.
    let mut desk = Desk::on(ground(&[None, Some(0), Some(0), None]));
    let [web, mail, dns] = [50, 51, 52].map(|n| ComponentId(Uuid::from_u128(n)));
    desk.ground.topology.behind = vec![(web, host(2)), (mail, host(3)), (dns, host(4))];
    desk.take(&[down(1)], at(0));
    let cause = desk.cause("down-1");
    let near = |components: &[ComponentId]| {
        nearness(cause, &incident(IncidentState::Identified, components), &desk.ground.topology)
    };
    assert_eq!(near(&[mail, web]), Nearness::Components);
    assert_eq!(near(&[mail]), Nearness::Hosts, "its host runs on the same one");
    assert_eq!(near(&[dns]), Nearness::Elsewhere);
    assert_eq!(near(&[]), Nearness::WholeSite);
    assert!(Nearness::Components > Nearness::Hosts && Nearness::WholeSite > Nearness::Elsewhere);
    assert_eq!(shared(cause, &incident(IncidentState::Identified, &[mail, web])), BTreeSet::from([web]));
}

proptest! {
    #[test]
    fn nothing_is_lost_and_no_second_draft_comes_while_the_incident_is_open(
        (below, alerts) in storm(),
        joining in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4),
        later in storm(),
    ) {
        let mut desk = Desk::on(ground(&below));
        desk.take(&alerts, at(0));
        draft(&mut desk);
        let mut whole = None;
        for (n, index) in joining.iter().enumerate() {
            let print = format!("a{}", index.index(alerts.len()));
            let before: i64 = desk.book.causes.values().filter(|c| c.state.is_live()).map(|c| c.alerts).sum();
            // One that has joined already is no draft any more.
            let is_new = whole != Some(desk.cause(&print).id);
            let joined = desk.join(&print, &open(), at(1));
            prop_assert_eq!(joined.is_ok(), is_new);
            whole = whole.or(joined.ok());
            prop_assert_eq!(Some(desk.cause(&print).id), whole);
            let after: i64 = desk.book.causes.values().filter(|c| c.state.is_live()).map(|c| c.alerts).sum();
            prop_assert_eq!(before, after);
            let of_it = desk.book.causes.values().filter(|c| c.incident == Some(open().id)).count();
            prop_assert_eq!(of_it, 1, "{} joined", n);
            desk.check();
        }
        let whole = whole.unwrap();
        // New alerts with what those that joined have in common, and others.
        let more: Vec<Reported> =
            later.1.into_iter().map(|alert| Reported { fingerprint: format!("new {}", alert.fingerprint), ..alert }).collect();
        desk.take(&more, at(2));
        draft(&mut desk);
        desk.check();
        let own = &desk.book.causes[&whole];
        prop_assert_eq!((own.state, own.incident), (CauseState::Open, Some(open().id)));
        for other in desk.book.causes.values().filter(|other| other.state.is_live() && other.id != whole) {
            prop_assert!(other.keys.is_disjoint(&own.keys), "{:?} {:?}", other, own);
        }
        for alert in alerts.iter().chain(&more) {
            prop_assert!(desk.cause(&alert.fingerprint).due(at(9999)).is_none(), "nothing ends before all are over");
            desk.take(&[ends(alert)], at(3));
        }
        let own = &desk.book.causes[&whole];
        prop_assert_eq!((own.firing, own.due(at(3 + 300))), (0, Some(Step::Propose)));
    }
}

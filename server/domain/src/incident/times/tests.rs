//! Single moves, and any move of any history.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ids::{ComponentId, ImpactId, IncidentId};
use crate::impact::{Known, Source};
use crate::incident::transition::{Content, Post, States, draft, publish, update};
use crate::text::{Name, Prose};
use proptest::prelude::*;
use uuid::Uuid;

fn at(minutes: i64) -> Instant {
    Span::minutes(minutes).after("2014-05-15T18:55:00Z".parse().unwrap())
}

fn component(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(n))
}

/// An incident with its history, as storage keeps it.
#[derive(Clone, Debug)]
struct Life {
    incident: Incident,
    history: Vec<Impact>,
    /// Newest first.
    said: Vec<Word>,
}

impl Life {
    fn begin(started: i64, said: i64, state: IncidentState) -> Self {
        let content = Content {
            title: Name::parse("vm3 is gone").unwrap(),
            severity_override: None,
            components: [(component(1), ComponentState::MajorOutage), (component(2), ComponentState::PartialOutage)]
                .into(),
            started_at: at(started),
            maintenance: None,
        };
        let draft = draft(IncidentId(Uuid::nil()), 1, None, at(said), content, Prose::default()).unwrap();
        let change = publish(&draft, at(said), post(state, States::new())).unwrap();
        let word = Word { state, at: at(said) };
        let mut life = Self { incident: change.incident, history: Vec::new(), said: vec![word] };
        life.apply(&change.impacts);
        life
    }

    fn say(&mut self, minutes: i64, state: IncidentState, components: States) {
        let change = update(&self.incident, at(minutes), post(state, components)).unwrap();
        self.said.insert(0, Word { state, at: change.update.at });
        self.incident = change.incident;
        self.apply(&change.impacts);
    }

    fn apply(&mut self, changes: &[ImpactChange]) {
        for change in changes {
            let (component, state, from, to) = match *change {
                ImpactChange::End { component, at } => {
                    for open in self.history.iter_mut().filter(|i| i.component == component && i.to.is_none()) {
                        open.to = Some(at);
                    }
                    continue;
                }
                ImpactChange::Begin { component, state, from } => (component, state, from, None),
                ImpactChange::Was { component, state, from, to } => (component, state, from, Some(to)),
            };
            let id = ImpactId(Uuid::from_u128(self.history.len() as u128));
            let (source, source_id, known) = (Source::Incident, Uuid::nil(), Known::State(state));
            self.history.push(Impact { id, component, known, source, source_id, from, to });
        }
        self.history.retain(|impact| impact.to.is_none_or(|to| impact.from < to));
    }

    fn mend(&self, now: i64, started: i64, resolved: Option<i64>) -> Result<Self, Refusal> {
        let times = Times { started_at: at(started), resolved_at: resolved.map(at) };
        let mended = mend(&self.incident, &self.history, &self.said, at(now), times)?;
        let becomes = |old: &Impact| mended.moved.iter().find(|new| new.id == old.id).unwrap_or(old).clone();
        let history = self.history.iter().map(becomes).collect();
        let mut life = Self { incident: mended.incident, history, said: self.said.clone() };
        life.apply(&mended.added);
        Ok(life)
    }

    fn stretches(&self) -> Vec<(Instant, Option<Instant>)> {
        self.history.iter().map(|impact| (impact.from, impact.to)).collect()
    }
}

fn post(state: IncidentState, components: States) -> Post {
    Post { state, body: Prose::parse("News.").unwrap(), components, tell: true }
}

#[test]
fn an_earlier_start_takes_the_history_with_it() {
    let mut life = Life::begin(0, 5, IncidentState::Investigating);
    life.say(30, IncidentState::Monitoring, [(component(1), ComponentState::DegradedPerformance)].into());
    let mended = life.mend(40, -20, None).unwrap();
    assert_eq!(mended.stretches(), [(at(-20), Some(at(30))), (at(-20), None), (at(30), None)]);
    assert_eq!((mended.incident.started_at, mended.incident.updated_at), (at(-20), at(40)));
    assert_eq!(mended.incident.version, life.incident.version, "left to storage");
}

#[test]
fn an_earlier_end_cuts_what_came_after_it() {
    let mut life = Life::begin(0, 5, IncidentState::Investigating);
    life.say(30, IncidentState::Monitoring, [(component(1), ComponentState::DegradedPerformance)].into());
    life.say(60, IncidentState::Resolved, States::new());
    let mended = life.mend(90, 0, Some(20)).unwrap();
    assert_eq!(mended.stretches(), [(at(0), Some(at(20))), (at(0), Some(at(20)))], "the last has gone");
    let later = life.mend(90, 0, Some(80)).unwrap();
    assert_eq!(later.stretches(), [(at(0), Some(at(30))), (at(0), Some(at(80))), (at(30), Some(at(80)))]);
}

#[test]
fn what_was_over_at_once_gets_a_history_with_its_length() {
    let life = Life::begin(5, 5, IncidentState::Resolved);
    assert!(life.history.is_empty());
    assert_eq!(life.mend(30, 5, Some(5)).unwrap().incident, life.incident, "nothing changed is no refusal");
    let mended = life.mend(30, -10, Some(5)).unwrap();
    assert_eq!(mended.stretches(), [(at(-10), Some(at(5))), (at(-10), Some(at(5)))]);
}

#[test]
fn times_that_can_not_have_been_are_refused() {
    let mut life = Life::begin(0, 5, IncidentState::Investigating);
    let refused = |life: &Life, started, resolved| life.mend(90, started, resolved).map(|_| ()).unwrap_err();
    assert_eq!(refused(&life, 91, None), Refusal::StartAhead);
    assert_eq!(refused(&life, 6, None), Refusal::StartAfterWords);
    assert_eq!(refused(&life, 0, Some(50)), Refusal::NotOver);
    life.say(60, IncidentState::Resolved, States::new());
    for end in [0, -5, 91] {
        assert_eq!(refused(&life, 0, Some(end)), Refusal::BadEnd);
    }
    let content = Content { started_at: at(0), ..Content::of(&life.incident) };
    let only_a_draft = draft(IncidentId(Uuid::nil()), 1, None, at(5), content, Prose::default()).unwrap();
    let times = Times::of(&only_a_draft);
    assert!(matches!(mend(&only_a_draft, &[], &[], at(6), times), Err(Refusal::Not { .. })));
}

#[test]
fn the_end_of_what_was_opened_again_lies_after_that() {
    let mut life = Life::begin(0, 5, IncidentState::Investigating);
    life.say(10, IncidentState::Resolved, States::new());
    assert!(life.mend(90, 0, Some(6)).is_ok(), "it was never opened again");
    life.say(40, IncidentState::Investigating, States::new());
    life.say(50, IncidentState::Resolved, States::new());
    for end in [6, 10, 40] {
        assert_eq!(life.mend(90, 0, Some(end)).map(|_| ()), Err(Refusal::EndBeforeReopened));
    }
    let mended = life.mend(90, -5, Some(41)).unwrap();
    let each = [(at(-5), Some(at(10))), (at(-5), Some(at(10))), (at(40), Some(at(41))), (at(40), Some(at(41)))];
    assert_eq!(mended.stretches(), each, "both outages stay");

    life.say(60, IncidentState::Investigating, States::new());
    life.say(60, IncidentState::Resolved, States::new());
    assert!(life.mend(90, -5, Some(60)).is_ok(), "what was over at once may stay so");
}

#[test]
fn a_date_of_the_day_before_is_long_ago() {
    assert!(!began_long_ago(at(0), at(24 * 60)) && began_long_ago(at(0), at(24 * 60 + 1)));
}

fn any_states() -> impl Strategy<Value = States> {
    let all = vec![
        ComponentState::Operational,
        ComponentState::DegradedPerformance,
        ComponentState::PartialOutage,
        ComponentState::MajorOutage,
    ];
    prop::collection::btree_map((1..4_u128).prop_map(component), prop::sample::select(all), 0..4)
}

fn any_life() -> impl Strategy<Value = Life> {
    let state = || prop::sample::select(IncidentState::PUBLIC.to_vec());
    let steps = prop::collection::vec((1..40_i64, state(), any_states()), 0..8);
    (0..20_i64, state(), steps).prop_map(|(lead, state, steps)| {
        let mut life = Life::begin(-lead, 0, state);
        let mut minutes = 0;
        for (wait, state, components) in steps {
            minutes += wait;
            life.say(minutes, state, components);
        }
        life
    })
}

/// How a component was at a moment, by the history of this incident alone.
fn state_at(life: &Life, n: u128, minutes: i64) -> Option<Known> {
    let covers =
        |i: &&Impact| i.component == component(n) && i.from <= at(minutes) && i.to.is_none_or(|to| at(minutes) < to);
    life.history.iter().find(covers).map(|impact| impact.known)
}

proptest! {
    #[test]
    fn a_mended_history_lies_between_the_times_and_is_the_same_inside_both(
        life in any_life(), started in -60..60_i64, resolved in -60..400_i64,
    ) {
        let now = 400;
        let resolved = life.incident.resolved_at.map(|_| resolved);
        let Ok(mended) = life.mend(now, started, resolved) else { return Ok(()) };
        let moved = mended.incident.resolved_at != life.incident.resolved_at;
        let again = reopened_at(&life.said);
        prop_assert!(!moved || again.is_none_or(|again| mended.incident.resolved_at > Some(again)));
        prop_assert_eq!(Times::of(&mended.incident), Times { started_at: at(started), resolved_at: resolved.map(at) });
        let minutes = |at_: Instant| (at_ - at(0)).num_minutes();
        let before = (minutes(life.incident.started_at), life.incident.resolved_at.map_or(now, minutes));
        let after = (started, resolved.unwrap_or(now));
        // What was over at once has no length of which anything could be inside.
        prop_assume!(before.0 < before.1);
        for n in 1..4 {
            for minute in -60..now {
                let (old, new) = (state_at(&life, n, minute), state_at(&mended, n, minute));
                let inside = |(from, to): (i64, i64)| from <= minute && minute < to;
                if !inside(after) {
                    prop_assert_eq!(new, None, "nothing outside: {} of {}", minute, n);
                } else if inside(before) {
                    prop_assert_eq!(new, old, "unchanged inside both: {} of {}", minute, n);
                } else if minute < before.0 {
                    prop_assert_eq!(new, state_at(&life, n, before.0), "as it was at its start: {} of {}", minute, n);
                } else {
                    prop_assert_eq!(new, state_at(&life, n, before.1 - 1), "as it was at its end: {} of {}", minute, n);
                }
            }
        }
    }

    #[test]
    fn what_was_only_made_longer_can_be_taken_back(
        life in any_life(), earlier in 0..60_i64, later in 0..60_i64,
    ) {
        let minutes = |at_: Instant| (at_ - at(0)).num_minutes();
        let (start, end) = (minutes(life.incident.started_at), life.incident.resolved_at.map(minutes));
        let Ok(longer) = life.mend(900, start - earlier, end.map(|end| end + later)) else { return Ok(()) };
        let Ok(back) = longer.mend(900, start, end) else { return Ok(()) };
        prop_assert_eq!(back.stretches(), life.stretches());
        prop_assert_eq!(Times::of(&back.incident), Times::of(&life.incident));
    }

    #[test]
    fn the_same_times_change_nothing(life in any_life()) {
        let times = Times::of(&life.incident);
        let mended = mend(&life.incident, &life.history, &life.said, at(900), times).unwrap();
        prop_assert_eq!(mended, Mended { incident: life.incident.clone(), moved: vec![], added: vec![] });
    }
}

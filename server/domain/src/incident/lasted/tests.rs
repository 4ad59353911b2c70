//! Single timelines, and any timeline.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn at(minutes: i64) -> Instant {
    Span::minutes(minutes).after("2026-11-24T10:00:00Z".parse().unwrap())
}

fn times(started: i64, resolved: Option<i64>) -> Times {
    Times { started_at: at(started), resolved_at: resolved.map(at) }
}

/// Newest first, from what was said in its order.
fn timeline(said: &[(IncidentState, i64)]) -> Vec<Word> {
    said.iter().rev().map(|(state, minutes)| Word { state: *state, at: at(*minutes) }).collect()
}

const OPEN: IncidentState = IncidentState::Investigating;
const OVER: IncidentState = IncidentState::Resolved;

#[test]
fn the_days_before_it_was_opened_again_do_not_count() {
    let said = timeline(&[(OVER, 10), (OPEN, 4800), (OVER, 4815)]);
    assert_eq!(lasted(times(0, Some(4815)), &said, at(9000)), Span::minutes(25));
    assert_eq!(lasted(times(0, None), &said[1..], at(4803)), Span::minutes(13), "so far");
}

#[test]
fn a_remark_on_what_is_over_neither_opens_nor_ends_it() {
    let said = timeline(&[(OPEN, 2), (OVER, 10), (OVER, 15), (OPEN, 20), (OVER, 30), (OVER, 40)]);
    assert_eq!(lasted(times(0, Some(30)), &said, at(90)), Span::minutes(20));
}

#[test]
fn mended_times_count_as_they_stand() {
    let said = timeline(&[(OPEN, 5), (OVER, 10), (OPEN, 20), (OVER, 30)]);
    assert_eq!(lasted(times(-15, Some(45)), &said, at(90)), Span::minutes(50));
    assert_eq!(lasted(times(0, Some(21)), &said, at(90)), Span::minutes(11));
    assert_eq!(lasted(times(0, Some(10)), &timeline(&[(OPEN, 5), (OVER, 30)]), at(90)), Span::minutes(10));
}

#[test]
fn parts_of_a_second_add_up_before_they_are_cut() {
    let ms = |ms: i64| at(0) + TimeDelta::milliseconds(ms);
    let word = |state, at| Word { state, at };
    let said = [word(OVER, ms(2300)), word(OPEN, ms(1700)), word(OVER, ms(600))];
    let times = Times { started_at: ms(0), resolved_at: Some(ms(2300)) };
    assert_eq!(lasted(times, &said, ms(5000)), Span::seconds(1));
}

/// What was said, with when it began and, where it is over, ended: maybe mended.
fn any_life() -> impl Strategy<Value = (Times, Vec<(IncidentState, i64)>)> {
    let said = prop::collection::vec((0..30_i64, prop::sample::select(IncidentState::PUBLIC.to_vec())), 1..10);
    (0..20_i64, said, 0..20_i64).prop_map(|(lead, steps, later)| {
        let mut minutes = 0;
        let said: Vec<_> = steps
            .into_iter()
            .map(|(wait, state)| {
                minutes += wait;
                (state, minutes)
            })
            .collect();
        let over = said.iter().rev().take_while(|(state, _)| *state == OVER).last();
        (times(-lead, over.map(|(_, minutes)| minutes + later)), said)
    })
}

const NOW: i64 = 400;

proptest! {
    #[test]
    fn it_lasts_the_minutes_in_which_it_was_open((times, said) in any_life()) {
        let is_open = |minute: i64| {
            let last = said.iter().rposition(|(_, said)| *said <= minute);
            let opens_again = |from: usize| said[from..].iter().any(|(state, _)| *state != OVER);
            let rests = last.is_some_and(|last| said[last].0 == OVER && opens_again(last));
            times.started_at <= at(minute) && at(minute) < times.resolved_at.unwrap_or(at(NOW)) && !rests
        };
        let minutes = (-20..NOW).filter(|minute| is_open(*minute)).count();
        prop_assert_eq!(lasted(times, &timeline(&said), at(NOW)), Span::minutes(i64::try_from(minutes).unwrap()));
    }

    #[test]
    fn it_never_lasts_longer_than_from_start_to_end((times, said) in any_life()) {
        let whole = Span::between(times.started_at, times.resolved_at.unwrap_or(at(NOW)));
        let long = lasted(times, &timeline(&said), at(NOW));
        prop_assert!(Span::default() <= long && long <= whole);
        let opened_after = |i: usize| said[i..].iter().find(|(state, _)| *state != OVER).map(|(_, at)| *at);
        let rested = |(i, (state, since)): (usize, &(IncidentState, i64))| {
            *state == OVER && opened_after(i).is_some_and(|until| *since < until)
        };
        prop_assert_eq!(long == whole, !said.iter().enumerate().any(rested), "all of it where it was never reopened");
    }

    #[test]
    fn an_earlier_start_or_a_later_end_never_makes_it_shorter(
        (times, said) in any_life(), earlier in 0..60_i64, later in 0..60_i64,
    ) {
        let wider = Times {
            started_at: Span::minutes(earlier).before(times.started_at),
            resolved_at: times.resolved_at.map(|end| Span::minutes(later).after(end)),
        };
        let (said, later) = (timeline(&said), at(NOW + later));
        prop_assert!(lasted(times, &said, at(NOW)) <= lasted(wider, &said, later));
    }
}

#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::component::ComponentState::{
    self, DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance,
};
use crate::ids::{ComponentId, ImpactId};
use crate::impact::{Impact, Known, Source};
use crate::time::testing::FixedRules;
use crate::time::{Instant, Span, Stretch, day, days};
use chrono::NaiveDate;
use proptest::prelude::*;
use uuid::Uuid;

/// Half seconds: what is cut anywhere is counted by milliseconds.
fn at(halves: i64) -> Instant {
    Instant::from_timestamp_millis(halves * 500).unwrap()
}

fn impact(n: u128, known: Known, source: Source, from: Instant, to: Option<Instant>) -> Impact {
    let (id, component) = (ImpactId(Uuid::from_u128(n)), ComponentId(Uuid::from_u128(7)));
    Impact { id, component, known, source, source_id: Uuid::from_u128(n), from, to }
}

fn state(n: u128, state: ComponentState, from: i64, to: i64) -> Impact {
    let source = if state == UnderMaintenance { Source::Maintenance } else { Source::Incident };
    impact(n, Known::State(state), source, at(from), Some(at(to)))
}

const ALWAYS: Life = Life { created_at: Instant::UNIX_EPOCH, retired_at: None };

fn tally(life: Life, impacts: &[Impact], from: i64, to: i64, now: i64) -> Tally {
    tallies(life, impacts, &[Stretch::new(at(from), at(to))], at(now)).pop().unwrap()
}

fn known() -> impl Strategy<Value = Known> {
    prop::sample::select(vec![
        Known::Unknown,
        Known::State(Operational),
        Known::State(UnderMaintenance),
        Known::State(DegradedPerformance),
        Known::State(PartialOutage),
        Known::State(MajorOutage),
    ])
}

fn impacts() -> impl Strategy<Value = Vec<Impact>> {
    let sources =
        prop::sample::select(vec![Source::Incident, Source::Maintenance, Source::Override, Source::Correction]);
    prop::collection::vec((known(), sources, -20..220_i64, 1..90_i64, any::<bool>()), 0..9).prop_map(|all| {
        let one = |(n, (known, source, from, long, open)): (usize, (Known, Source, i64, i64, bool))| {
            impact(n as u128 + 1, known, source, at(from), (!open).then(|| at(from + long)))
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

fn life() -> impl Strategy<Value = Life> {
    (0..120_i64, prop::option::of(0..200_i64))
        .prop_map(|(created, more)| Life { created_at: at(created), retired_at: more.map(|more| at(created + more)) })
}

fn weights() -> impl Strategy<Value = Weights> {
    (0..=100_i64, 0..=100_i64).prop_map(|(a, b)| Weights::new(a.max(b), a.min(b)).unwrap())
}

proptest! {
    #[test]
    fn the_parts_make_up_the_stretch_and_touch_each_other(
        life in life(), impacts in impacts(), from in 0..100_i64, long in 1..150_i64, now in 0..300_i64,
    ) {
        let segments = timeline(life, &impacts, Stretch::new(at(from), at(from + long)), at(now));
        let end = (from + long).min(now);
        prop_assert_eq!(segments.is_empty(), end <= from);
        if let (Some(first), Some(last)) = (segments.first(), segments.last()) {
            prop_assert_eq!((first.stretch.from, last.stretch.to), (at(from), at(end)));
        }
        prop_assert!(segments.windows(2).all(|pair| pair[0].stretch.to == pair[1].stretch.from));
        prop_assert!(segments.windows(2).all(|pair| (pair[0].mode, pair[0].by) != (pair[1].mode, pair[1].by)));
        let within = Stretch::new(at(from), at(from + long));
        prop_assert_eq!(life.plain(within, at(now)), tally(life, &[], from, from + long, now));
        let total = tally(life, &impacts, from, from + long, now).total();
        prop_assert_eq!(total, (end - from).max(0) * 500);
    }

    #[test]
    fn cut_anywhere_the_parts_add_up_to_the_whole(
        life in life(), impacts in impacts(), cuts in prop::collection::btree_set(0..300_i64, 2..12), now in 0..320_i64,
    ) {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let parts: Vec<Stretch> = cuts.windows(2).map(|pair| Stretch::new(at(pair[0]), at(pair[1]))).collect();
        let whole = tally(life, &impacts, cuts[0], *cuts.last().unwrap(), now);
        let counted = tallies(life, &impacts, &parts, at(now));
        prop_assert_eq!(counted.iter().copied().sum::<Tally>(), whole);
        let alone: Vec<Tally> = cuts.windows(2).map(|pair| tally(life, &impacts, pair[0], pair[1], now)).collect();
        prop_assert_eq!(counted, alone);
    }

    #[test]
    fn every_instant_counts_once_and_what_counts_is_what_the_rule_says(
        life in life(), impacts in impacts(), when in 0..250_i64,
    ) {
        let said: Vec<&Impact> = impacts.iter().filter(|i| i.from <= at(when) && i.to.is_none_or(|to| at(when) < to)).collect();
        let newest = |source| said.iter().filter(|i| i.source == source).max_by_key(|i| i.id).map(|i| i.known);
        let lives = life.created_at <= at(when) && life.retired_at.is_none_or(|end| at(when) < end);
        let worst = said.iter().filter_map(|i| match i.known { Known::State(state) => Some(state), Known::Unknown => None }).max();
        let expected = newest(Source::Correction)
            .or((!lives).then_some(Known::Unknown))
            .or(newest(Source::Override))
            .unwrap_or(Known::State(worst.unwrap_or(Operational)));
        let segments = timeline(life, &impacts, Stretch::new(at(when), at(when + 1)), at(999));
        prop_assert_eq!(segments[0].mode.shown(), expected);
        let counted = tally(life, &impacts, when, when + 1, 999);
        prop_assert_eq!(counted.total(), 500);
        prop_assert_eq!(counted.worst(), segments.iter().map(|s| s.mode.shown()).next());
    }

    #[test]
    fn the_order_of_what_is_known_does_not_matter(
        life in life(), (all, mixed) in impacts().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let within = Stretch::new(at(0), at(250));
        prop_assert_eq!(timeline(life, &all, within, at(240)), timeline(life, &mixed, within, at(240)));
    }

    #[test]
    fn more_trouble_never_raises_a_figure_and_planned_work_never_lowers_the_one_without_it(
        life in life(), impacts in impacts(), weights in weights(), from in 0..200_i64, long in 1..90_i64,
        more in prop::sample::select(vec![UnderMaintenance, DegradedPerformance, PartialOutage, MajorOutage]),
    ) {
        let before = tally(life, &impacts, 0, 250, 240);
        let mut worse = impacts;
        worse.push(state(99, more, from, from + long));
        let after = tally(life, &worse, 0, 250, 240);
        prop_assert_eq!(before.unknown, after.unknown);
        for planned in [Planned::NotCounted, Planned::Counted] {
            prop_assert!(after.share(weights, planned) <= before.share(weights, planned));
        }
        if more == UnderMaintenance {
            prop_assert_eq!(after.share(weights, Planned::NotCounted), before.share(weights, Planned::NotCounted));
        }
        prop_assert!(after.share(weights, Planned::NotCounted) >= after.share(weights, Planned::Counted));
        prop_assert!(after.share(weights, Planned::Counted).is_none_or(|s| (0..=10_000).contains(&s.hundredths())));
    }

}

proptest! {
    // The hand-written zone rules take their time.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn days_make_up_months_also_where_clocks_change(
        start in 0..360_u64, zone in prop::sample::select(vec!["Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe"]),
        troubles in prop::collection::vec((0..100_i64, 1..3_000_i64), 0..6),
    ) {
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(start);
        let all = days(&FixedRules, zone, first, first + chrono::Days::new(89));
        let stretches: Vec<Stretch> = all.iter().map(|day| day.stretch).collect();
        let origin = stretches[0].from;
        let impacts: Vec<Impact> = troubles.iter().enumerate().map(|(n, (day, minutes))| {
            let from = Span::hours(day * 24 - 12).after(origin);
            impact(n as u128 + 1, Known::State(MajorOutage), Source::Incident, from, Some(Span::minutes(*minutes).after(from)))
        }).collect();
        let end = stretches[89].to;
        let by_day = tallies(ALWAYS, &impacts, &stretches, end);
        for (day, tally) in all.iter().zip(&by_day) {
            prop_assert_eq!(tally.total() / 1000, Span::between(day.stretch.from, day.stretch.to).as_seconds());
        }
        let whole = tallies(ALWAYS, &impacts, &[Stretch::new(origin, end)], end);
        prop_assert_eq!(by_day.into_iter().sum::<Tally>(), whole[0]);
    }
}

#[test]
fn overlapping_trouble_is_counted_once_and_by_the_worst() {
    let impacts = [state(1, PartialOutage, 0, 40), state(2, MajorOutage, 20, 60), state(3, MajorOutage, 30, 50)];
    let counted = tally(ALWAYS, &impacts, 0, 100, 100);
    assert_eq!((counted.partial, counted.major, counted.operational), (10_000, 20_000, 20_000));
    // 50 s: 20 s lost in full and 10 s by half make 25 s.
    let share = counted.share(Weights::default(), Planned::NotCounted).unwrap();
    assert_eq!(
        (share.hundredths(), share.lost(), share.to_string()),
        (5_000, Span::seconds(25), "50.00\u{a0}%".to_owned())
    );
}

#[test]
fn what_breaks_during_planned_work_costs_in_both_figures() {
    let impacts = [state(1, UnderMaintenance, 0, 100), state(2, DegradedPerformance, 50, 100)];
    let counted = tally(ALWAYS, &impacts, 0, 200, 200);
    assert_eq!((counted.planned, counted.degraded_planned, counted.operational), (25_000, 25_000, 50_000));
    let weights = Weights::new(50, 20).unwrap();
    assert_eq!(counted.share(weights, Planned::NotCounted).unwrap().to_string(), "95.00\u{a0}%");
    assert_eq!(counted.share(weights, Planned::Counted).unwrap().to_string(), "50.00\u{a0}%");
}

#[test]
fn a_correction_counts_over_everything_and_the_newer_one_over_the_older() {
    let by_hand = impact(5, Known::State(Operational), Source::Override, at(10), None);
    let wrong = impact(6, Known::State(MajorOutage), Source::Correction, at(0), Some(at(60)));
    let right = impact(7, Known::Unknown, Source::Correction, at(40), Some(at(50)));
    let all = [right, state(9, PartialOutage, 0, 90), by_hand, wrong];
    let counted = tally(ALWAYS, &all, 0, 100, 100);
    assert_eq!((counted.major, counted.unknown, counted.operational), (25_000, 5_000, 20_000));
    assert_eq!(counted.known(), 45_000);
    let segments = timeline(ALWAYS, &all, Stretch::new(at(0), at(100)), at(100));
    assert_eq!(now_and_since(&segments), Some((Known::State(Operational), Some(Source::Override), Some(at(60)))));
}

#[test]
fn nothing_is_known_of_a_component_before_it_was_entered_and_after_it_was_retired() {
    let life = Life { created_at: at(20), retired_at: Some(at(80)) };
    let counted = tally(life, &[state(1, MajorOutage, 0, 30)], 0, 100, 100);
    assert_eq!((counted.unknown, counted.major, counted.operational), (20_000, 5_000, 25_000));
    assert_eq!(life.plain(Stretch::new(at(0), at(20)), at(100)).share(Weights::default(), Planned::Counted), None);
    assert_eq!(life.plain(Stretch::new(at(0), at(20)), at(100)).worst(), Some(Known::Unknown));
    assert_eq!(life.plain(Stretch::new(at(90), at(95)), at(85)).worst(), None);
}

#[test]
fn an_open_end_lasts_until_now_and_nothing_is_said_of_what_comes() {
    let open = impact(1, Known::State(MajorOutage), Source::Incident, at(10), None);
    let counted = tally(ALWAYS, std::slice::from_ref(&open), 0, 100, 50);
    assert_eq!((counted.operational, counted.major, counted.total()), (5_000, 20_000, 25_000));
    let segments = timeline(ALWAYS, &[open], Stretch::new(at(0), at(100)), at(50));
    assert_eq!(now_and_since(&segments), Some((Known::State(MajorOutage), Some(Source::Incident), Some(at(10)))));
    assert_eq!(
        now_and_since(&timeline(ALWAYS, &[], Stretch::new(at(0), at(9)), at(50))),
        Some((Known::State(Operational), None, None))
    );
}

#[test]
fn figures_are_rounded_down_and_whole_only_where_nothing_was_lost() {
    let share = |lost: i64, of: i64| {
        let tally = Tally { major: lost, operational: of - lost, ..Tally::default() };
        tally.share(Weights::default(), Planned::NotCounted).unwrap()
    };
    for (lost, of, text) in [
        (0, 86_400_000, "100\u{a0}%"),
        (1, 86_400_000, "99.99\u{a0}%"),
        (803_520, 2_678_400_000, "99.97\u{a0}%"),
        (803_521, 2_678_400_000, "99.96\u{a0}%"),
        (86_400_000, 86_400_000, "0.00\u{a0}%"),
    ] {
        assert_eq!(share(lost, of).to_string(), text);
    }
    assert!(share(0, 5).is_whole() && !share(1, 5).is_whole());
    assert!((share(1, 3).percent() - 66.666_666).abs() < 1e-4);
}

#[test]
fn days_on_which_clocks_change_have_their_own_length() {
    let length = |date: &str| {
        let day = day(&FixedRules, "Europe/Berlin", date.parse().unwrap());
        ALWAYS.plain(day.stretch, day.stretch.to).operational / 3_600_000
    };
    assert_eq!((length("2026-03-29"), length("2026-10-25"), length("2026-11-28")), (23, 25, 24));
}

#[test]
fn weights_are_percentages_in_order() {
    assert_eq!(Weights::new(30, 10).map(|w| (w.partial(), w.degraded())), Ok((30, 10)));
    assert_eq!(Weights::new(10, 30), Err(WeightsError::Order));
    assert_eq!(Weights::new(101, 0), Err(WeightsError::Percent));
    assert_eq!(Weights::new(50, -1), Err(WeightsError::Percent));
    assert_eq!(
        Weights::new(30, 0).unwrap().sentence(),
        "A major outage counts in full, a partial outage counts 30 %, degraded performance does not count."
    );
    assert_eq!(serde_json::to_string(&Weights::default()).unwrap(), r#"{"partial":50,"degraded":0}"#);
    assert!(serde_json::from_str::<Weights>(r#"{"partial":0,"degraded":1}"#).is_err());
}

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::maintenance::Fold;
use crate::time::testing::FixedRules;
use crate::time::{LocalTime, ZoneRules, parse_local};
use chrono::{Datelike, NaiveDate, Weekday};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Zones whose clocks change in the ways there are: by an hour and by half an hour, at midnight, south
/// of the equator, and for the last time.
const HARD: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "America/Vancouver",
];

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn rule(text: &str, start: &str) -> Result<Rule, RuleError> {
    Rule::parse(text, date(start))
}

fn timing(zone: &str, start: &str, text: &str) -> Timing {
    let start = parse_local(start).unwrap();
    Timing {
        zone: zone.to_owned(),
        start,
        length: Span::hours(2),
        may_wait: Span::hours(1),
        rule: Rule::parse(text, start.date()).unwrap(),
        gap: Gap::Move,
        fold: Fold::Earlier,
    }
}

fn first(text: &str, start: &str, n: usize) -> Vec<String> {
    rule(text, start).unwrap().dates(date(start)).take(n).map(|d| d.to_string()).collect()
}

#[test]
fn dates_follow_the_calendar() {
    for (text, start, dates) in [
        ("FREQ=DAILY", "2026-02-27", "2026-02-27 2026-02-28 2026-03-01"),
        ("FREQ=DAILY;INTERVAL=2", "2026-02-27", "2026-02-27 2026-03-01 2026-03-03"),
        // Not a Tuesday: the first one after it.
        ("FREQ=WEEKLY;BYDAY=TU", "2026-12-03", "2026-12-08 2026-12-15 2026-12-22"),
        ("rrule:freq=weekly", "2026-12-03", "2026-12-03 2026-12-10 2026-12-17"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,MO", "2026-12-03", "2026-12-03 2026-12-14 2026-12-17"),
        ("FREQ=MONTHLY;BYDAY=1TU", "2026-12-03", "2027-01-05 2027-02-02 2027-03-02"),
        ("FREQ=MONTHLY;BYDAY=-1SU", "2026-12-03", "2026-12-27 2027-01-31 2027-02-28"),
        ("FREQ=MONTHLY;BYDAY=5WE", "2026-12-03", "2026-12-30 2027-03-31 2027-06-30"),
        ("FREQ=MONTHLY;BYDAY=3TU,1TU", "2026-12-01", "2026-12-01 2026-12-15 2027-01-05"),
        ("FREQ=MONTHLY", "2027-01-31", "2027-01-31 2027-03-31 2027-05-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-01-31", "2027-01-31 2027-02-28 2027-03-31"),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1,15", "2026-11-10", "2026-11-15 2027-02-01 2027-02-15"),
        ("FREQ=DAILY;COUNT=2", "2026-12-03", "2026-12-03 2026-12-04"),
        ("FREQ=WEEKLY;BYDAY=FR;UNTIL=20261211;WKST=MO", "2026-12-03", "2026-12-04 2026-12-11"),
    ] {
        assert_eq!(first(text, start, 3).join(" "), dates, "{text}");
    }
}

#[test]
fn what_is_not_supported_is_refused_with_its_reason() {
    for (text, part) in [
        ("  ", "FREQ=WEEKLY;BYDAY=TU"),
        ("every tuesday", "not part of a rule"),
        ("BYDAY=TU", "FREQ is missing"),
        ("FREQ=YEARLY", "FREQ=YEARLY is not supported"),
        ("FREQ=WEEKLY;FREQ=DAILY", "twice"),
        ("FREQ=WEEKLY;BYHOUR=2", "BYHOUR is not supported"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "BYSETPOS is not supported"),
        ("FREQ=WEEKLY;X-MOON=FULL", "not part of a rule"),
        ("FREQ=WEEKLY;INTERVAL=0", "1 to 99"),
        ("FREQ=WEEKLY;INTERVAL=100", "1 to 99"),
        ("FREQ=WEEKLY;BYDAY=XX", "not a weekday"),
        ("FREQ=WEEKLY;BYDAY=é", "not a weekday"),
        ("FREQ=WEEKLY;BYDAY=1TU", "without a number"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY does not go with FREQ=WEEKLY"),
        ("FREQ=DAILY;BYDAY=TU", "BYDAY does not go with FREQ=DAILY"),
        ("FREQ=MONTHLY;BYDAY=TU", "BYDAY=1TU is the first Tuesday"),
        ("FREQ=MONTHLY;BYDAY=6TU", "the last (-1)"),
        ("FREQ=MONTHLY;BYDAY=-2TU", "the last (-1)"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "1 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "1 to 31"),
        ("FREQ=MONTHLY;BYDAY=1TU;BYMONTHDAY=3", "either BYDAY or BYMONTHDAY"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "either COUNT or UNTIL"),
        ("FREQ=DAILY;COUNT=0", "1 to 5000"),
        ("FREQ=DAILY;UNTIL=20261231T230000Z", "a local date without a time"),
        ("FREQ=DAILY;UNTIL=20251231", "No date matches"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", "No date matches"),
        ("FREQ=WEEKLY;WKST=SU", "Weeks begin on Monday"),
    ] {
        let message = rule(text, "2026-02-03").unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn a_rule_is_said_in_words() {
    for (text, words) in [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=3", "every 3 days"),
        ("FREQ=WEEKLY;BYDAY=TU", "every Tuesday"),
        ("FREQ=WEEKLY;BYDAY=TU,TH,MO", "every Monday, Tuesday and Thursday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every 2 weeks on Tuesday"),
        ("FREQ=MONTHLY;BYDAY=1TU", "every month on the first Tuesday"),
        ("FREQ=MONTHLY;INTERVAL=3;BYDAY=-1SU", "every 3 months on the last Sunday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,-1", "every month on day 15 and the last day"),
    ] {
        assert_eq!(rule(text, "2026-12-01").unwrap().days(), words);
    }
    let said = |text| timing("Europe/Berlin", "2026-12-01 02:00", text).words();
    assert_eq!(said("FREQ=WEEKLY;BYDAY=TU"), "every Tuesday 02:00 Europe/Berlin");
    assert_eq!(said("FREQ=WEEKLY;BYDAY=TU;UNTIL=20270131"), "every Tuesday 02:00 Europe/Berlin, until 31 Jan 2027");
    assert_eq!(said("FREQ=DAILY;COUNT=10"), "every day 02:00 Europe/Berlin, 10 times");
}

/// STANDARDS §1.5 and TZ-4: a weekly Sunday in Berlin over both changes of the clocks.
#[test]
fn a_night_with_a_change_of_the_clocks_has_one_window() {
    let utc = |timing: &Timing, day: &str| {
        timing.slot(&FixedRules, date(day)).unwrap().planned().map(|planned| planned.starts_at.to_rfc3339())
    };
    let berlin = timing("Europe/Berlin", "2026-03-22 02:30", "FREQ=WEEKLY;BYDAY=SU");
    let later = Timing { fold: Fold::Later, gap: Gap::Skip, ..berlin.clone() };
    for (day, by_default, otherwise) in [
        ("2026-03-22", Some("2026-03-22T01:30:00+00:00"), Some("2026-03-22T01:30:00+00:00")),
        ("2026-03-29", Some("2026-03-29T01:00:00+00:00"), None),
        ("2026-04-05", Some("2026-04-05T00:30:00+00:00"), Some("2026-04-05T00:30:00+00:00")),
        ("2026-10-25", Some("2026-10-25T00:30:00+00:00"), Some("2026-10-25T01:30:00+00:00")),
        ("2026-11-01", Some("2026-11-01T01:30:00+00:00"), Some("2026-11-01T01:30:00+00:00")),
    ] {
        assert_eq!(utc(&berlin, day).as_deref(), by_default, "{day}");
        assert_eq!(utc(&later, day).as_deref(), otherwise, "{day}");
    }
    let slot = berlin.slot(&FixedRules, date("2026-03-29")).unwrap();
    assert!(matches!(&slot.fate, Fate::AfterGap(planned) if planned.local_start.to_string() == "2026-03-29 03:00:00"));
    assert!(matches!(berlin.slot(&FixedRules, date("2026-10-25")).unwrap().fate, Fate::Twice(_)));
    assert!(Timing { zone: "Mars/Olympus".to_owned(), ..berlin }.slot(&FixedRules, date("2026-03-29")).is_err());
}

#[test]
fn windows_exist_for_sixty_days_and_at_least_the_next_two() {
    let now = at("2026-12-01T12:00:00Z");
    let count = |text| timing("UTC", "2026-12-01 02:00", text).wanted(&FixedRules, now, None).unwrap().len();
    assert_eq!(count("FREQ=DAILY"), 60);
    assert_eq!(count("FREQ=WEEKLY;BYDAY=TU"), 8);
    assert_eq!(count("FREQ=MONTHLY;INTERVAL=6"), 2);
    assert_eq!(count("FREQ=MONTHLY;INTERVAL=6;COUNT=2"), 1);
    let far = timing("UTC", "2026-12-01 02:00", "FREQ=WEEKLY").wanted(&FixedRules, now, Some(date("2027-03-02")));
    assert_eq!(far.unwrap().last().unwrap().0, date("2027-03-02"));
}

#[test]
fn windows_of_one_series_do_not_overlap() {
    let daily =
        |hours| Timing { length: Span::hours(hours), ..timing("Europe/Berlin", "2026-12-01 02:00", "FREQ=DAILY") };
    let now = at("2026-12-01T12:00:00Z");
    // The day on which the clocks go forward has 23 hours.
    assert!(!daily(23).overlaps(&FixedRules, now).unwrap());
    assert!(daily(24).overlaps(&FixedRules, now).unwrap());
}

#[test]
fn a_window_moves_within_its_week_or_month_when_the_rule_does() {
    let dates = |texts: &[&str]| texts.iter().map(|text| date(text)).collect::<BTreeSet<_>>();
    let wednesdays = rule("FREQ=WEEKLY;BYDAY=WE", "2026-12-01").unwrap();
    let tuesdays = dates(&["2026-12-08", "2026-12-15", "2026-12-22"]);
    let wanted = dates(&["2026-12-09", "2026-12-16", "2026-12-23", "2026-12-30"]);
    let reshaped = reshape(&wednesdays, &tuesdays, &wanted, &dates(&["2026-12-16"]));
    let pairs = [("2026-12-08", "2026-12-09"), ("2026-12-22", "2026-12-23")].map(|(a, b)| (date(a), date(b)));
    assert_eq!(reshaped, Reshaped { stays: pairs.to_vec(), ends: vec![date("2026-12-15")] });
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let weekday = prop::sample::select(vec![
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ]);
    let nth = prop::sample::select(vec![1_i8, 2, 3, 4, 5, -1]);
    let day = prop::sample::select((1_i8..=31).chain([-1]).collect::<Vec<_>>());
    let pattern = prop_oneof![
        Just(Pattern::Daily),
        prop::collection::vec(weekday.clone(), 1..4).prop_map(Pattern::Weekly),
        prop::collection::vec((nth, weekday), 1..3).prop_map(Pattern::NthWeekday),
        prop::collection::vec(day, 1..3).prop_map(Pattern::MonthDay),
    ];
    let until = prop_oneof![
        3 => Just(Until::Ended),
        1 => (1_u32..400).prop_map(Until::Count),
        1 => (0_u64..900).prop_map(|n| Until::Date(date("2026-01-01") + chrono::Days::new(n))),
    ];
    (1_u32..5, pattern, until).prop_map(|(every, pattern, until)| Rule::new(every, pattern, until).unwrap())
}

fn any_timing() -> impl Strategy<Value = Timing> {
    let times = (0_i64..366, 0_i64..24 * 60, any::<bool>(), any::<bool>(), 1_i64..30 * 60);
    (prop::sample::select(HARD.to_vec()), any_rule(), times).prop_map(
        |(zone, rule, (day, minute, gap, fold, length))| {
            let start = date("2026-01-01").and_hms_opt(0, 0, 0).unwrap();
            Timing {
                zone: zone.to_owned(),
                start: start + Span::minutes(day * 24 * 60 + minute).delta(),
                length: Span::minutes(length),
                may_wait: Span::hours(1),
                rule,
                gap: if gap { Gap::Move } else { Gap::Skip },
                fold: if fold { Fold::Later } else { Fold::Earlier },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_rule_reads_back_and_its_dates_rise(rule in any_rule(), day in 0_u64..800) {
        let start = date("2026-01-01") + chrono::Days::new(day);
        let dates: Vec<NaiveDate> = rule.dates(start).take(200).collect();
        prop_assert!(dates.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(dates.iter().all(|d| *d >= start));
        if dates.is_empty() {
            prop_assert_eq!(Rule::parse(&rule.to_string(), start), Err(RuleError::Never));
        } else {
            prop_assert_eq!(Rule::parse(&rule.to_string(), start), Ok(rule.clone()));
        }
        for d in &dates {
            match rule.pattern() {
                Pattern::Daily => {}
                Pattern::Weekly(days) => prop_assert!(days.contains(&d.weekday())),
                Pattern::NthWeekday(days) => prop_assert!(days.iter().any(|(_, day)| *day == d.weekday())),
                Pattern::MonthDay(days) => prop_assert!(
                    days.iter().any(|n| u32::try_from(*n) == Ok(d.day()))
                        || d.succ_opt().is_some_and(|next| next.day() == 1)
                ),
            }
        }
    }

    #[test]
    fn reading_a_rule_never_panics(text in "(RRULE:)?(FREQ|INTERVAL|BYDAY|BYMONTHDAY|COUNT|UNTIL|WKST|é)?=?[A-Z0-9,;=é-]{0,30}") {
        let _ = Rule::parse(&text, date("2026-02-03"));
    }

    /// Over more than a year and so over both changes of the clocks.
    #[test]
    fn each_date_has_exactly_one_window_in_order_and_of_the_same_length(timing in any_timing()) {
        let mut last: Option<Instant> = None;
        for day in timing.rule.dates(timing.start.date()).take_while(|d| *d < timing.start.date() + chrono::Days::new(400)) {
            let slot = timing.slot(&FixedRules, day).unwrap();
            prop_assert_eq!(slot.date, day);
            let Some(planned) = slot.planned() else {
                let local = day.and_time(timing.start.time());
                let is_gap = matches!(FixedRules.resolve(&timing.zone, local).unwrap(), LocalTime::Gap { .. });
                prop_assert!(is_gap);
                continue;
            };
            prop_assert!(planned.is_sound());
            prop_assert_eq!(planned.length(), timing.length);
            prop_assert_eq!(planned.local_start.date(), day);
            prop_assert!(last.is_none_or(|before| before < planned.starts_at));
            last = Some(planned.starts_at);
            // The window is planned like any other: its rules find it where it is.
            prop_assert_eq!(planned.rederive(&FixedRules).unwrap(), None);
        }
    }

    #[test]
    fn no_date_is_missed_where_the_gap_moves_it(mut timing in any_timing()) {
        timing.gap = Gap::Move;
        for day in timing.rule.dates(timing.start.date()).take(400) {
            prop_assert!(timing.slot(&FixedRules, day).unwrap().planned().is_some());
        }
    }

    #[test]
    fn a_horizon_that_grows_in_steps_reaches_what_one_that_grows_at_once_does(
        timing in any_timing(),
        steps in prop::collection::vec(1_i64..40, 1..15),
    ) {
        let begin = at("2026-01-01T00:00:00Z");
        let (mut now, mut made) = (begin, std::collections::BTreeMap::new());
        for days in steps {
            for (day, planned) in timing.wanted(&FixedRules, now, None).unwrap() {
                // A window that exists is never made again, and would be the same.
                let kept = made.entry(day).or_insert_with(|| planned.clone());
                prop_assert_eq!(&*kept, &planned);
            }
            now = Span::days(days).after(now);
        }
        let last = made.keys().next_back().copied();
        let at_once = timing.wanted(&FixedRules, begin, last).unwrap();
        let at_once: std::collections::BTreeMap<_, _> = at_once.into_iter().filter(|(day, _)| Some(*day) <= last).collect();
        prop_assert_eq!(made, at_once);
    }

    #[test]
    fn each_window_finds_one_place_or_none(
        rule in any_rule(),
        days in prop::collection::btree_set(0_u64..90, 0..30),
        taken in prop::collection::btree_set(0_u64..90, 0..10),
    ) {
        let on = |n: &u64| date("2026-12-01") + chrono::Days::new(*n);
        let held: BTreeSet<NaiveDate> = days.difference(&taken).map(on).collect();
        let taken: BTreeSet<NaiveDate> = taken.iter().map(on).collect();
        let wanted: BTreeSet<NaiveDate> = rule.dates(on(&0)).take_while(|d| *d < on(&90)).collect();
        let reshaped = reshape(&rule, &held, &wanted, &taken);
        let from: BTreeSet<NaiveDate> = reshaped.stays.iter().map(|(from, _)| *from).collect();
        let to: BTreeSet<NaiveDate> = reshaped.stays.iter().map(|(_, to)| *to).collect();
        let ends: BTreeSet<NaiveDate> = reshaped.ends.iter().copied().collect();
        prop_assert_eq!(to.len(), reshaped.stays.len());
        prop_assert!(to.is_subset(&wanted) && to.is_disjoint(&taken));
        prop_assert!(from.is_disjoint(&ends));
        prop_assert_eq!(&from | &ends, held.clone());
        for day in held.intersection(&wanted) {
            prop_assert!(reshaped.stays.contains(&(*day, *day)));
        }
    }
}

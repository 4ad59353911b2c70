#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::drill::Drill;
use crate::ids::{ComponentId, DrillId, FigureId, HostId, IncidentId, JobId, MaintenanceId};
use crate::incident::Severity;
use crate::maintenance::{State, UpdateKind};
use crate::metric::Aggregate;
use crate::text::{Name, Slug};
use crate::time::testing::FixedRules;
use crate::time::{Span, Stretch};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

fn utc(text: &str) -> Instant {
    format!("2014-05-{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn may() -> Stretch {
    Month::parse("2014-05").unwrap().stretch(&FixedRules, "UTC")
}

fn component(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(n))
}

#[test]
fn a_month_is_as_long_as_its_clocks_show() {
    let hours = |month: &str, zone: &str| {
        let stretch = Month::parse(month).unwrap().stretch(&FixedRules, zone);
        Span::between(stretch.from, stretch.to).as_seconds() / 3600
    };
    assert_eq!(hours("2014-05", "Europe/Dublin"), 31 * 24);
    assert_eq!(hours("2026-03", "Europe/Berlin"), 31 * 24 - 1);
    assert_eq!(hours("2026-10", "Europe/Berlin"), 31 * 24 + 1);
    assert_eq!(hours("2024-02", "UTC"), 29 * 24);
    let dublin = Month::parse("2014-05").unwrap().stretch(&FixedRules, "Europe/Dublin");
    assert_eq!(dublin.from, "2014-04-30T23:00:00Z".parse::<Instant>().unwrap());
    assert_eq!(Month::at(&FixedRules, "Europe/Dublin", dublin.from).to_string(), "2014-05");
}

#[test]
fn a_month_has_one_spelling() {
    for bad in ["2014-5", "2014-13", "2014", "2014-05-01", "+2014-05", "may", "", " 2014-05", "1969-12", "2014-05 "] {
        assert_eq!(Month::parse(bad), Err(NoMonth), "{bad}");
    }
    let month = Month::parse("2014-01").unwrap();
    assert_eq!((month.earlier(1).to_string(), month.later(12).to_string()), ("2013-12".into(), "2015-01".into()));
    assert_eq!(
        month.and_before(3).iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["2013-11", "2013-12", "2014-01"]
    );
}

proptest! {
    #[test]
    fn months_follow_each_other_without_a_gap(
        n in 0..480_u32,
        zone in prop::sample::select(vec!["Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "UTC"]),
    ) {
        let month = Month::parse("2001-01").unwrap().later(n);
        prop_assert_eq!(month.stretch(&FixedRules, zone).to, month.later(1).stretch(&FixedRules, zone).from);
        prop_assert_eq!(month.later(1).earlier(1), month);
        prop_assert_eq!(Month::parse(&month.to_string()), Ok(month));
        prop_assert!(month < month.later(1) && month.to_string() < month.later(1).to_string());
    }

    #[test]
    fn a_change_leads_from_one_month_to_the_next(before in -1000..1000_i32, now in -1000..1000_i32) {
        let (before, now) = (f64::from(before), f64::from(now));
        let Change::By { absolute, percent } = Change::between(Some(before), Some(now)) else {
            return Err(TestCaseError::fail("both are known"));
        };
        prop_assert_eq!(before + absolute, now);
        prop_assert_eq!(percent.is_none(), before == 0.0);
        if let Some(percent) = percent {
            prop_assert!((before + before.abs() * percent / 100.0 - now).abs() < 1e-6);
            prop_assert!(absolute == 0.0 || (percent > 0.0) == (absolute > 0.0));
        }
    }

    #[test]
    fn never_more_backups_are_on_time_than_were_expected(
        every in 1..72_i64,
        hours in prop::collection::btree_set(-100..900_i64, 0..80),
        created in -900..900_i64,
    ) {
        let at = |hour| Span::hours(hour).after(may().from);
        let good: Vec<Instant> = hours.into_iter().map(at).collect();
        let job = JobFact { id: JobId(Uuid::nil()), every: Span::hours(every), created_at: at(created), good: good.clone() };
        let (counted, expected) = on_time(may(), &job);
        prop_assert!(counted <= expected && counted <= good.len() as u64);
        prop_assert!(expected <= (744 / every) as u64);
        // One run less never makes it better.
        let fewer = JobFact { good: good.into_iter().skip(1).collect(), ..job };
        prop_assert!(on_time(may(), &fewer).0 <= counted);
    }
}

#[test]
fn a_change_is_honest_where_there_is_nothing_to_compare_with() {
    let text = |before, now| Change::between(before, now).text(0);
    assert_eq!(text(Some(300.0), Some(312.0)), "+12 (+4.0 %)");
    assert_eq!(text(Some(300.0), Some(291.0)), "−9 (−3.0 %)");
    assert_eq!(text(Some(0.0), Some(5.0)), "+5 (from zero)");
    assert_eq!(text(Some(7.0), Some(7.0)), "unchanged");
    assert_eq!(text(None, Some(7.0)), "nothing to compare with");
    assert_eq!(text(Some(7.0), None), "nothing to compare with");
    let change = Change::between(Some(1332.0), Some(900.0));
    let verdicts = Better::ALL.map(|better| change.verdict(better));
    assert_eq!(verdicts, [Verdict::Worse, Verdict::Better, Verdict::Neither]);
    assert_eq!(Change::Unknown.verdict(Better::Up), Verdict::Neither);
}

#[test]
fn many_runs_in_one_night_do_not_stand_for_many_nights() {
    let nightly = |good: Vec<Instant>| JobFact {
        id: JobId(Uuid::nil()),
        every: Span::hours(24),
        created_at: utc("20 00:00"),
        good,
    };
    let burst = (0..10).map(|n| Span::minutes(n).after(utc("21 03:00"))).collect();
    assert_eq!(on_time(may(), &nightly(burst)), (1, 12));
    // Around midnight, a little earlier or later each night.
    let nights =
        (20..32).map(|d| Span::minutes(if d % 2 == 0 { 20 } else { -20 }).after(Span::days(d).after(may().from)));
    assert_eq!(on_time(may(), &nightly(nights.collect())), (12, 12));
    assert_eq!(backups(may(), &[nightly(vec![])]), Backups { jobs: 1, whole: 0, expected: 12, on_time: 0 });
    assert_eq!(Backups::default().percent(), None);
}

#[test]
fn the_night_in_which_the_clocks_go_forward_hides_no_missing_backup() {
    let march = Month::parse("2026-03").unwrap().stretch(&FixedRules, "Europe/Berlin");
    let job = |every, missing: i64| JobFact {
        id: JobId(Uuid::nil()),
        every: Span::hours(every),
        created_at: utc("01 00:00") - chrono::TimeDelta::days(3_650),
        good: (missing..31).map(|day| Span::hours(day * 24 + 3).after(march.from)).collect(),
    };
    let within = march;
    assert_eq!((on_time(within, &job(24, 0)), on_time(within, &job(24, 1))), ((31, 31), (30, 31)));
    assert_eq!((on_time(within, &job(6, 0)).1, on_time(within, &job(1, 0)).1), (124, 743));
    let october = Month::parse("2026-10").unwrap().stretch(&FixedRules, "Europe/Berlin");
    assert_eq!(on_time(october, &job(24, 0)).1, 31);
    let late = JobFact { created_at: Span::minutes(30).after(march.from), ..job(24, 0) };
    assert_eq!(on_time(march, &late).1, 30, "not a whole month");
}

fn incident(n: i64, components: &[u128], ended: Option<&str>) -> IncidentLine {
    IncidentLine {
        id: IncidentId(Uuid::from_u128(n.unsigned_abs().into())),
        number: n,
        title: Name::parse("vm3 is down").unwrap(),
        severity: Severity::Critical,
        components: components.iter().map(|n| (component(*n), format!("C{n}"))).collect(),
        started_at: utc("15 18:55"),
        first_update_at: Some(utc("15 19:07")),
        resolved_at: ended.map(utc),
        open_for: None,
    }
}

fn figure(name: &str, months: &[Option<f64>]) -> FigureLine {
    FigureLine {
        id: FigureId(Uuid::nil()),
        slug: Slug::parse("alerts").unwrap(),
        name: Name::parse(name).unwrap(),
        unit: String::new(),
        decimals: 0,
        better: Better::Down,
        aggregate: Aggregate::Sum,
        is_public: true,
        months: months.to_vec(),
    }
}

fn content() -> Content {
    let share = |percent| Share { percent: Some(percent), percent_with_planned: Some(percent), unknown_s: 0 };
    let line = |n: u128, percent| ComponentShare { id: component(n), name: format!("C{n}"), share: share(percent) };
    Content {
        month: Month::parse("2014-05").unwrap(),
        zone: "UTC".to_owned(),
        stretch: may(),
        availability: Some(Availability {
            site: share(99.97),
            groups: vec![GroupShare {
                name: Some("Hosting".to_owned()),
                share: share(99.97),
                components: vec![line(1, 99.94), line(2, 100.0)],
            }],
        }),
        incidents: vec![incident(1, &[1], Some("16 11:30")), incident(2, &[2], None), incident(3, &[], None)],
        windows: Windows::default(),
        backups: Backups { jobs: 1, whole: 0, expected: 31, on_time: 29 },
        drills: Drills::default(),
        figures: vec![figure("On-call alerts", &[Some(900.0), Some(1332.0)])],
    }
}

#[test]
fn the_time_to_the_first_word_is_told() {
    let outage = incident(1, &[1], Some("16 11:30"));
    assert_eq!(outage.lasted().unwrap().to_string(), "16 h 35 min");
    assert_eq!(outage.silence(), Some(Span::minutes(12)));
    assert_eq!((incident(2, &[], None).lasted(), content().trouble()), (None, Span::minutes(16 * 60 + 35)));
    let reopened = IncidentLine { open_for: Some(Span::minutes(25)), ..outage.clone() };
    assert_eq!(reopened.lasted(), Some(Span::minutes(25)), "not the time between its two outages");
    let early = IncidentLine { first_update_at: Some(utc("15 18:00")), ..outage };
    assert_eq!(early.silence(), Some(Span::default()));
}

#[test]
fn a_window_counts_in_the_month_in_which_something_happened_to_it() {
    let fact = |n: u128, state, starts: &str| WindowFact {
        id: MaintenanceId(Uuid::from_u128(n)),
        title: Name::parse("New disk").unwrap(),
        state,
        components: vec![],
        starts_at: starts.parse().unwrap(),
        started_at: None,
        ended_at: None,
        overridden: false,
        told: vec![],
    };
    let done = WindowFact {
        started_at: Some(utc("15 18:55")),
        ended_at: Some(utc("15 20:00")),
        overridden: true,
        told: vec![(UpdateKind::Held, utc("15 18:50"))],
        ..fact(1, State::Completed, "2014-05-15T19:00:00Z")
    };
    let moved = WindowFact {
        told: vec![(UpdateKind::Postponed, utc("20 10:00"))],
        ..fact(2, State::Scheduled, "2014-06-02T10:00:00Z")
    };
    let called_off =
        WindowFact { ended_at: Some(utc("21 10:00")), ..fact(3, State::Cancelled, "2014-05-28T10:00:00Z") };
    let of_june = fact(4, State::Scheduled, "2014-06-03T10:00:00Z");
    let windows = windows(may(), &[of_june, called_off, moved, done]);
    assert_eq!(
        (windows.planned, windows.held, windows.postponed, windows.overridden, windows.completed, windows.cancelled),
        (2, 1, 1, 1, 1, 1)
    );
    let order: Vec<u128> = windows.list.iter().map(|line| line.id.0.as_u128()).collect();
    assert_eq!(order, [1, 3, 2]);
}

#[test]
fn what_is_private_is_nowhere_in_public() {
    let mut whole = content();
    whole.figures.push(FigureLine { is_public: false, ..figure("Cost", &[None, Some(3.0)]) });
    let private = BTreeSet::from([component(1)]);
    let public = whole.clone().public(&private);
    let text = serde_json::to_string(&public).unwrap();
    assert!(!text.contains("C1") && !text.contains(&component(1).to_string()) && !text.contains("Cost"), "{text}");
    assert_eq!(public.incidents.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(whole.clone().public(&BTreeSet::new()).incidents, whole.incidents);
}

#[test]
fn a_correction_names_what_it_changed_and_nothing_else() {
    let before = content();
    assert_eq!(differences(&before, &before), []);
    let mut after = before.clone();
    after.incidents.pop();
    after.figures[0].months[1] = Some(1330.0);
    if let Some(availability) = &mut after.availability {
        availability.groups[0].components[0].share.percent = Some(97.5);
    }
    let told: Vec<_> =
        differences(&before, &after).into_iter().map(|d| (d.what, d.before, d.after, d.components)).collect();
    assert_eq!(
        told,
        [
            (
                "Availability of C1".to_owned(),
                "99.94 %, 99.94 % with planned work".to_owned(),
                "97.50 %, 99.94 % with planned work".to_owned(),
                vec![component(1)],
            ),
            ("On-call alerts".to_owned(), "1,332".to_owned(), "1,330".to_owned(), vec![]),
            (
                "Incident I-3".to_owned(),
                "vm3 is down: not over, first word after 12 min".to_owned(),
                "not there".to_owned(),
                vec![]
            ),
        ]
    );
    let differences = differences(&before, &after);
    let private = BTreeSet::from([component(1)]);
    assert!(!differences[0].is_public(&private) && differences[0].is_public(&BTreeSet::new()));
    assert!(differences[1].is_public(&private));
}

#[test]
fn things_of_one_name_are_told_apart() {
    let named = |group: f64, first: f64, second: f64| {
        let mut content = content();
        if let Some(availability) = &mut content.availability {
            let hosting = &mut availability.groups[0];
            hosting.share.percent = Some(group);
            for (line, percent) in hosting.components.iter_mut().zip([first, second]) {
                line.name = "Hosting".to_owned();
                line.share.percent = Some(percent);
            }
        }
        content
    };
    let told = |after: &Content| {
        let differences = differences(&named(99.0, 98.0, 97.0), after);
        differences.into_iter().map(|d| (d.what, d.components)).collect::<Vec<_>>()
    };
    assert_eq!(told(&named(99.0, 98.0, 97.0)), []);
    let (one, both) = (vec![component(1)], vec![component(1), component(2)]);
    assert_eq!(told(&named(99.0, 97.0, 97.0)), [("Availability of Hosting".to_owned(), one)]);
    assert_eq!(told(&named(97.0, 98.0, 97.0)), [("Availability of the group Hosting".to_owned(), both)]);
}

#[test]
fn availability_is_never_rounded_up() {
    for (percent, shown) in [
        (Some(99.9999), "99.99 %"),
        (Some(100.0), "100.00 %"),
        (Some(99.97), "99.97 %"),
        (Some(100.0 - 1e-3), "99.99 %"),
        (Some(97.771_057_3), "97.77 %"),
        (None, "unknown"),
    ] {
        assert_eq!(percent_text(percent), shown);
    }
}

#[test]
fn twelve_months_are_summed_up_as_the_figure_asks() {
    let of = |aggregate| FigureLine { aggregate, ..figure("x", &[Some(2.0), None, Some(4.0)]) }.year();
    assert_eq!(of(Aggregate::Sum).as_deref(), Some("6 in 2 months"));
    assert_eq!(of(Aggregate::Mean).as_deref(), Some("3 on average over 2 months"));
    assert_eq!(of(Aggregate::Max).as_deref(), Some("at most 4 in 2 months"));
    assert_eq!(of(Aggregate::Last), None);
    assert_eq!(figure("x", &[None, Some(1.0)]).year(), None);
    assert_eq!(figure("x", &[Some(1.0), None]).text(), "not entered");
}

#[test]
fn what_is_frozen_can_be_read_again() {
    let kept = serde_json::to_string(&content()).unwrap();
    assert_eq!(serde_json::from_str::<Content>(&kept).unwrap(), content());
}

#[test]
fn a_restore_is_measured_against_what_earlier_ones_foretold() {
    let ended = |n: u128, day: u32, hours: i64, succeeded: bool| {
        let began: Instant = format!("2014-05-{day:02}T08:00:00Z").parse().unwrap();
        let end = Span::hours(hours).after(began);
        let plan = Drill::plan(DrillId(Uuid::from_u128(n)), HostId(Uuid::nil()), None, "Ada".to_owned(), began);
        Drill::reported(plan, succeeded, Some(began), end, Some(1 << 40), end)
    };
    let (first, slow, failed) = (ended(1, 2, 4, true), ended(2, 10, 7, true), ended(3, 20, 1, false));
    let known: Vec<_> = [&first, &slow].into_iter().filter_map(|drill| drill.fact()).collect();
    let month = [first, slow, failed];
    assert_eq!(
        drills(&month, &known),
        Drills {
            done: 3,
            succeeded: 2,
            longest: Some(Span::hours(7)),
            worst: Some(SlowDrill { took: Span::hours(7), foretold: Span::hours(4) }),
        }
    );
    assert_eq!(drills(&month[..1], &known).worst, None, "nothing had foretold the first one");
}

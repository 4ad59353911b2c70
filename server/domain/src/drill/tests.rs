#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

fn now() -> Instant {
    "2014-05-15T19:00:00Z".parse().unwrap()
}

fn set(n: u128) -> DataSetId {
    DataSetId(Uuid::from_u128(n))
}

fn planned() -> Drill {
    Drill::plan(DrillId(Uuid::from_u128(1)), HostId(Uuid::from_u128(2)), Some(set(1)), "Ada".to_owned(), now())
}

fn ending(minutes: i64) -> Ending {
    Ending {
        succeeded: true,
        at: Span::minutes(minutes).after(now()),
        bytes: Some(1_000),
        startup: None,
        evidence: None,
        note: String::new(),
    }
}

/// A measured drill of a data set (0: the whole host) that ended `n` days ago.
fn fact(n: u8, data_set: u8, bytes: i64, elapsed: i64, startup: Option<i64>) -> DrillFact {
    DrillFact {
        id: DrillId(Uuid::from_u128(u128::from(n))),
        host: HostId(Uuid::from_u128(2)),
        data_set: (data_set > 0).then(|| set(data_set.into())),
        kind: DrillKind::Restore,
        finished_at: Span::days(n.into()).before(now()),
        bytes: Some(bytes),
        elapsed: Some(Span::seconds(elapsed)),
        startup: startup.map(Span::seconds),
    }
}

#[test]
fn each_step_leads_where_the_states_say_and_nowhere_else() {
    let later = Span::hours(9).after(now());
    let planned = planned();
    let running = planned.start(now(), later).unwrap();
    let done = running.finish(ending(90), later).unwrap();
    let failed = Ending { succeeded: false, note: "keys missing".to_owned(), ..ending(90) };
    let failed = running.finish(failed, later).unwrap();
    let given_up = running.abandon("no room".to_owned(), later).unwrap();
    assert_eq!((done.state, failed.state), (DrillState::Succeeded, DrillState::Failed));
    assert_eq!((given_up.state, given_up.finished_at), (DrillState::Abandoned, Some(later)));
    assert_eq!(done.elapsed(), Some(Span::minutes(90)));
    for over in [&done, &failed, &given_up] {
        assert_eq!(over.start(now(), later), Err(DrillError::WrongState(over.state)));
        assert_eq!(over.finish(ending(90), later), Err(DrillError::WrongState(over.state)));
        assert_eq!(over.abandon("x".to_owned(), later), Err(DrillError::WrongState(over.state)));
    }
    assert_eq!(planned.finish(ending(90), later), Err(DrillError::WrongState(DrillState::Planned)));
    assert_eq!(running.start(now(), later), Err(DrillError::WrongState(DrillState::Running)));
}

#[test]
fn what_can_not_be_is_refused_at_its_field() {
    let later = Span::hours(9).after(now());
    let running = planned().start(now(), later).unwrap();
    assert_eq!(planned().start(Span::hours(10).after(now()), later), Err(DrillError::StartAhead));
    for (ending, error) in [
        (Ending { at: now(), ..ending(1) }, DrillError::EndNotAfterStart),
        (ending(10 * 60), DrillError::EndAhead),
        (Ending { bytes: Some(-1), ..ending(1) }, DrillError::NegativeBytes),
        (Ending { startup: Some(Span::minutes(60)), ..ending(60) }, DrillError::StartupTooLong),
        (Ending { succeeded: false, ..ending(1) }, DrillError::NoNote),
    ] {
        assert_eq!(running.finish(ending, later), Err(error));
        assert!(!error.field().is_empty());
    }
    assert_eq!(running.abandon("  ".to_owned(), later), Err(DrillError::NoNote));
}

#[test]
fn only_a_restore_or_a_measured_check_proves_something() {
    let later = Span::hours(9).after(now());
    let ended = |kind, bytes, succeeded| {
        let running = Drill { kind, note: "x".to_owned(), ..planned() }.start(now(), later).unwrap();
        running.finish(Ending { bytes, succeeded, ..ending(30) }, later).unwrap().worth()
    };
    assert_eq!(ended(DrillKind::Restore, Some(5), true), Worth::Measured);
    assert_eq!(ended(DrillKind::Restore, None, true), Worth::Proof);
    assert_eq!(ended(DrillKind::Restore, Some(0), true), Worth::Proof);
    assert_eq!(ended(DrillKind::Verify, Some(5), true), Worth::Measured);
    assert_eq!(ended(DrillKind::Verify, None, true), Worth::Evidence);
    assert_eq!(ended(DrillKind::Restore, Some(5), false), Worth::Nothing);
    let no_start = Drill { state: DrillState::Succeeded, finished_at: Some(later), bytes: Some(5), ..planned() };
    assert_eq!(no_start.worth(), Worth::Proof);
    for worth in Worth::ALL {
        assert_eq!(worth.as_str().parse(), Ok(worth));
    }
}

#[test]
fn a_report_with_times_that_can_not_be_measures_nothing() {
    let told = |from: i64, to: i64| {
        let at = |minutes| Span::minutes(minutes).after(now());
        Drill::reported(planned(), true, Some(at(from)), at(to), Some(7), now())
    };
    assert_eq!(told(-60, -30).worth(), Worth::Measured);
    assert_eq!(told(-60, 4).worth(), Worth::Measured, "a clock may be a little ahead");
    let ahead = told(-60, 60);
    assert_eq!((ahead.worth(), ahead.finished_at), (Worth::Proof, Some(now())));
    assert_eq!(told(-30, -60).worth(), Worth::Proof);
}

#[test]
fn evidence_is_an_address_on_the_web() {
    for good in ["https://wiki.example.org/drills/7", " HTTP://[::1]/x ", "https://a"] {
        assert!(Link::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "javascript:alert(1)", "ftp://a", "https://", "https:///x", "https://a b", "wiki/7", "https://a\nb"]
    {
        assert_eq!(Link::parse(bad), Err(NoLink), "{bad}");
    }
    assert_eq!(Link::parse(&format!("https://a/{}", "x".repeat(500))), Err(NoLink));
}

#[test]
fn a_part_of_a_second_counts_as_a_whole_one() {
    let later = Span::hours(9).after(now());
    let running = planned().start(now(), later).unwrap();
    let end = now() + TimeDelta::milliseconds(60_001);
    assert_eq!(running.finish(Ending { at: end, ..ending(1) }, later).unwrap().elapsed(), Some(Span::seconds(61)));
}

/// The week of the incident: seven hours until the list of files was built, then 20 minutes of data.
#[test]
fn the_time_to_the_first_byte_does_not_grow_with_the_data() {
    let drill = fact(1, 1, 400, 7 * 3600 + 1200, Some(7 * 3600));
    let takes = |bytes| estimate(&[(set(1), Some(bytes))], [&drill]).takes;
    assert_eq!(takes(400), Some(Span::seconds(7 * 3600 + 1200)));
    assert_eq!(takes(800), Some(Span::seconds(7 * 3600 + 2400)));
    assert_eq!(takes(4), Some(Span::seconds(7 * 3600 + 12)));
    let unseen = DrillFact { startup: None, ..drill };
    let takes = |bytes| estimate(&[(set(1), Some(bytes))], [&unseen]).takes;
    assert_eq!(takes(800), Some(Span::seconds(2 * (7 * 3600 + 1200))));
    assert_eq!(takes(4), Some(Span::seconds(7 * 3600 + 1200)), "less data is not said to be quicker");
}

#[test]
fn its_own_drill_counts_first_then_one_of_the_same_host() {
    let own = fact(9, 1, 100, 50, Some(10));
    let whole = fact(1, 0, 100, 1000, Some(900));
    let other = fact(2, 2, 100, 600, Some(500));
    let sets = [(set(1), Some(100)), (set(3), Some(100)), (set(4), Some(100))];
    let takes = |drills: &[&DrillFact]| estimate(&sets, drills.iter().copied()).takes;
    // 1: 50 of its own; 3 and 4 together as the whole host: 900 once, and 100 for each.
    assert_eq!(takes(&[&own, &whole]), Some(Span::seconds(50 + 900 + 200)));
    // By a drill of another data set each pays its time to the first byte.
    assert_eq!(takes(&[&own, &other]), Some(Span::seconds(50 + 2 * 600)));
    assert_eq!(takes(&[&own, &other, &whole]), Some(Span::seconds(50 + 1200)), "the slowest of them");
    assert_eq!(takes(&[]), None);
    let none = estimate(&sets, []);
    assert_eq!((none.without_drill, none.text().as_str()), (3, "unknown, no drill"));
    let no_size = estimate(&[(set(1), None)], [&own]);
    assert_eq!((no_size.without_size, no_size.takes), (1, None));
}

#[test]
fn a_data_set_without_a_recent_drill_is_due() {
    let limit = Span::days(180);
    let at = |days| Some(Span::days(days).before(now()));
    assert_eq!(overdue(now(), &[(set(1), at(179)), (set(2), at(3))], limit), None);
    assert_eq!(overdue(now(), &[], limit), None);
    let found = overdue(now(), &[(set(1), at(180)), (set(2), at(3)), (set(3), at(400))], limit).unwrap();
    assert_eq!((found.data_sets, found.of, found.last), (vec![set(1), set(3)], 3, at(400)));
    let never = overdue(now(), &[(set(1), None), (set(2), at(400))], limit).unwrap();
    assert_eq!((never.data_sets.len(), never.last), (2, None));
    let whole = fact(5, 0, 1, 1, None);
    let check = DrillFact { kind: DrillKind::Verify, bytes: None, ..fact(2, 1, 1, 1, None) };
    assert_eq!(last_proof(set(1), [&whole, &check]), Some(whole.finished_at), "a bare check is no drill");
    assert_eq!(last_proof(set(1), [&fact(5, 2, 1, 1, None)]), None);
}

fn any_fact() -> impl Strategy<Value = DrillFact> {
    let startup = prop::option::of(0_i64..100_000);
    (any::<u8>(), 0_u8..4, 1_i64..1 << 50, 1_i64..1_000_000, startup, any::<bool>(), 0_u8..8).prop_map(
        |(n, data_set, bytes, elapsed, startup, verify, odd)| {
            let mut fact = fact(n, data_set, bytes, elapsed, startup);
            fact.kind = if verify { DrillKind::Verify } else { DrillKind::Restore };
            fact.bytes = fact.bytes.filter(|_| odd != 0);
            fact
        },
    )
}

fn any_sets() -> impl Strategy<Value = Vec<(DataSetId, Option<i64>)>> {
    prop::collection::vec(prop::option::weighted(0.9, 1_i64..1 << 50), 1..4)
        .prop_map(|sizes| (1..).zip(sizes).map(|(n, size)| (set(n), size)).collect())
}

proptest! {
    #[test]
    fn more_data_never_takes_less_time(
        sets in any_sets(),
        drills in prop::collection::vec(any_fact(), 0..8),
        which in any::<prop::sample::Index>(),
        more in 1_i64..1 << 50,
    ) {
        let before = estimate(&sets, &drills);
        let mut grown = sets.clone();
        let grows = which.index(grown.len());
        grown[grows].1 = grown[grows].1.map(|size| size + more);
        let after = estimate(&grown, &drills);
        prop_assert_eq!(before.takes.is_some(), after.takes.is_some());
        prop_assert!(after.takes >= before.takes, "{:?} {:?}", before, after);
    }

    #[test]
    fn what_is_not_known_stays_unknown(sets in any_sets(), drills in prop::collection::vec(any_fact(), 0..8)) {
        let found = estimate(&sets, &drills);
        let measured = drills.iter().any(DrillFact::is_measured);
        prop_assert_eq!(found.takes.is_some(), measured && sets.iter().all(|(_, size)| size.is_some()));
        prop_assert_eq!(estimate(&sets, []).takes, None);
        let mut one_less = sets.clone();
        one_less[0].1 = None;
        prop_assert_eq!(estimate(&one_less, &drills).takes, None);
        prop_assert_eq!(estimate(&[], &drills).takes, None);
    }

    #[test]
    fn it_is_never_quicker_than_any_of_the_newest_drills_was(
        bytes in 1_i64..1 << 50,
        drills in prop::collection::vec(any_fact(), 1..8),
    ) {
        let takes = estimate(&[(set(1), Some(bytes))], &drills).takes;
        let mut own: Vec<&DrillFact> =
            drills.iter().filter(|d| d.is_measured() && d.data_set == Some(set(1))).collect();
        own.sort_by_key(|d| std::cmp::Reverse((d.finished_at, d.id)));
        for drill in own.into_iter().take(REMEMBERED) {
            if drill.bytes <= Some(bytes) {
                prop_assert!(takes >= drill.elapsed, "{:?}", drill);
            }
            prop_assert!(takes >= drill.startup.filter(|s| Some(*s) < drill.elapsed), "{:?}", drill);
        }
    }

    #[test]
    fn the_order_of_the_drills_does_not_matter_and_older_ones_fade(
        sets in any_sets(),
        drills in prop::collection::vec(any_fact(), 0..8),
        old in 1_i64..1_000_000,
    ) {
        let drills: Vec<DrillFact> =
            drills.into_iter().map(|d| (d.id, d)).collect::<std::collections::BTreeMap<_, _>>().into_values().collect();
        let before = estimate(&sets, &drills);
        let mut turned = drills.clone();
        turned.reverse();
        prop_assert_eq!(&estimate(&sets, &turned).takes, &before.takes);
        // Three newer drills of everything hide an older one.
        let newer: Vec<DrillFact> = (0..3)
            .flat_map(|day| (0..4).map(move |of| fact(day, of, 1000, 100, Some(0))))
            .enumerate()
            .map(|(n, fact)| DrillFact { id: DrillId(Uuid::from_u128(1000 + n as u128)), ..fact })
            .collect();
        let ancient = DrillFact { finished_at: Span::days(999).before(now()), ..fact(200, 1, 10, old, None) };
        let mut with = newer.clone();
        with.push(ancient);
        prop_assert_eq!(estimate(&sets, &with).takes, estimate(&sets, &newer).takes);
    }
}

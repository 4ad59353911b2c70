//! What reports lead to.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ids::DataSetId;
use crate::text::Name;
use crate::time::Span;
use proptest::prelude::*;
use uuid::Uuid;

fn now() -> Instant {
    "2014-05-15T19:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Instant {
    Span::minutes(minutes).before(now())
}

fn job() -> Job {
    Job {
        id: JobId(Uuid::from_u128(1)),
        data_set_id: DataSetId(Uuid::from_u128(2)),
        name: Name::parse("nightly").unwrap(),
        tool: String::new(),
        carried_by: None,
        enabled: true,
        every: Span::hours(24),
        max_duration: Span::hours(6),
        ping_version: 1,
        retired_at: None,
        version: 1,
    }
}

fn report(signal: Signal) -> RunReport {
    RunReport::new(RunId(Uuid::from_u128(9)), "r1", signal)
}

fn take(existing: Option<&Run>, report: &RunReport, at: Instant) -> Received {
    receive(existing, report, &job(), at).unwrap()
}

fn new(report: &RunReport, at: Instant) -> Run {
    let received = take(None, report, at);
    assert!(matches!(received, Received::New(_)));
    received.run().unwrap().clone()
}

fn updated(run: &Run, report: &RunReport, at: Instant) -> Run {
    let received = take(Some(run), report, at);
    assert!(matches!(received, Received::Updated(_)), "{received:?}");
    received.run().unwrap().clone()
}

#[test]
fn a_start_and_an_end_make_one_run() {
    let started = new(&report(Signal::Start), ago(30));
    assert_eq!((started.state, started.started_at, started.finished_at), (RunState::Running, ago(30), None));
    let ended = updated(&started, &RunReport { bytes: Some(7), ..report(Signal::Exit(0)) }, now());
    assert_eq!((ended.state, ended.started_at, ended.finished_at), (RunState::Succeeded, ago(30), Some(now())));
    assert_eq!((ended.exit_code, ended.bytes, ended.received_at), (Some(0), Some(7), ago(30)));
    assert!(!ended.start_assumed && !ended.clock_fault);
    assert!(ended.is_good(&Policy::default()));
}

#[test]
fn a_push_that_says_up_is_good_unless_it_tells_of_the_start() {
    for (status, msg, expected) in [
        ("up", "OK", Some(Signal::Success)),
        ("up", "", Some(Signal::Success)),
        ("up", "finish", Some(Signal::Success)),
        ("up", "start", Some(Signal::Start)),
        ("up", " Started", Some(Signal::Start)),
        ("up", "log", Some(Signal::Log)),
        ("down", "start", Some(Signal::Fail)),
        ("down", "fail", Some(Signal::Fail)),
        ("", "OK", None),
        ("UP", "OK", None),
        ("pending", "", None),
    ] {
        assert_eq!(Signal::of_push(status, msg), expected, "{status} {msg}");
    }
}

#[test]
fn an_end_alone_is_taken_to_have_begun_as_early_as_it_can_have() {
    let run = new(&report(Signal::Success), now());
    assert_eq!(run.started_at, Span::hours(6).before(now()));
    assert!(run.start_assumed);
    let told = RunReport { started_at: Some(ago(50)), finished_at: Some(ago(10)), ..report(Signal::Success) };
    let run = new(&told, now());
    assert_eq!((run.started_at, run.finished_at, run.start_assumed), (ago(50), Some(ago(10)), false));
}

#[test]
fn a_start_overtaken_by_its_end_is_still_believed() {
    let ended = new(&report(Signal::Success), ago(5));
    let start = RunReport { started_at: Some(ago(20)), ..report(Signal::Start) };
    let run = updated(&ended, &start, now());
    assert_eq!((run.started_at, run.start_assumed, run.state), (ago(20), false, RunState::Succeeded));
    assert_eq!(take(Some(&run), &start, now()), Received::Duplicate);
    // Without its time it came too late to say anything.
    assert_eq!(take(Some(&ended), &report(Signal::Start), now()), Received::Duplicate);
    let after = RunReport { started_at: Some(now()), ..report(Signal::Start) };
    assert_eq!(take(Some(&ended), &after, now()), Received::Duplicate);
}

#[test]
fn of_two_starts_the_earlier_one_holds() {
    let started = new(&report(Signal::Start), ago(30));
    let end = |at: i64| RunReport { started_at: Some(ago(at)), ..report(Signal::Success) };
    assert_eq!(updated(&started, &end(40), now()).started_at, ago(40));
    assert_eq!(updated(&started, &end(20), now()).started_at, ago(30));
}

#[test]
fn what_is_said_again_changes_nothing() {
    let started = new(&report(Signal::Start), ago(30));
    assert_eq!(take(Some(&started), &report(Signal::Start), now()), Received::Duplicate);
    let ended = updated(&started, &report(Signal::Success), ago(10));
    for signal in [Signal::Start, Signal::Success, Signal::Exit(0)] {
        assert_eq!(take(Some(&ended), &report(signal), now()), Received::Duplicate);
    }
}

#[test]
fn what_contradicts_the_first_word_is_a_conflict() {
    let first = RunReport {
        started_at: Some(ago(50)),
        finished_at: Some(ago(10)),
        bytes: Some(7),
        snapshot: Some("a".into()),
        ..report(Signal::Success)
    };
    let run = new(&first, ago(10));
    assert_eq!(take(Some(&run), &first, now()), Received::Duplicate);
    for (second, conflict) in [
        (RunReport { signal: Signal::Fail, ..first.clone() }, Conflict::Outcome),
        (RunReport { signal: Signal::Exit(3), ..first.clone() }, Conflict::Outcome),
        (RunReport { signal: Signal::Warning, ..first.clone() }, Conflict::Outcome),
        (RunReport { finished_at: Some(ago(9)), ..first.clone() }, Conflict::Times),
        (RunReport { started_at: Some(ago(51)), ..first.clone() }, Conflict::Times),
        (RunReport { bytes: Some(8), ..first.clone() }, Conflict::Contents),
        (RunReport { snapshot: Some("b".into()), ..first.clone() }, Conflict::Contents),
        (RunReport { dry_run: true, ..first.clone() }, Conflict::Contents),
        (RunReport { partial: true, ..first.clone() }, Conflict::Contents),
    ] {
        assert_eq!(take(Some(&run), &second, now()), Received::Conflict(conflict));
    }
}

#[test]
fn a_late_end_completes_a_lost_run() {
    let started = new(&report(Signal::Start), ago(7 * 60));
    assert_eq!(started.lost_at(&job()), Some(ago(60)));
    assert_eq!(started.lose(&job(), ago(61)), None);
    let lost = started.lose(&job(), ago(60)).unwrap();
    assert_eq!(lost.state, RunState::Lost);
    assert_eq!((lost.lost_at(&job()), lost.lose(&job(), now())), (None, None));
    assert_eq!(take(Some(&lost), &report(Signal::Start), now()), Received::Duplicate);
    let ended = updated(&lost, &report(Signal::Success), now());
    assert_eq!((ended.state, ended.started_at), (RunState::Succeeded, ago(7 * 60)));
    assert_eq!(updated(&lost, &report(Signal::Fail), now()).state, RunState::Failed);
}

#[test]
fn impossible_times_mark_the_run_for_ever() {
    let ahead = Span::minutes(6).after(now());
    let start = RunReport { started_at: Some(ahead), ..report(Signal::Start) };
    let started = new(&start, now());
    assert!(started.clock_fault);
    let end = RunReport { started_at: Some(ago(10)), ..report(Signal::Success) };
    assert!(updated(&started, &end, now()).clock_fault);

    let backwards = RunReport { started_at: Some(ago(10)), finished_at: Some(ago(11)), ..report(Signal::Success) };
    let run = new(&backwards, now());
    assert!(run.clock_fault && !run.is_good(&Policy::default()));
    assert_eq!(run.clock_fault_at(now()), Some(ago(11)));

    let nearly = RunReport {
        started_at: Some(now()),
        finished_at: Some(Span::minutes(5).after(now())),
        ..report(Signal::Success)
    };
    assert!(!new(&nearly, now()).clock_fault);
}

#[test]
fn a_log_line_changes_no_run() {
    assert_eq!(take(None, &report(Signal::Log), now()), Received::Noted);
    let started = new(&report(Signal::Start), ago(30));
    assert_eq!(take(Some(&started), &report(Signal::Log), now()), Received::Noted);
}

#[test]
fn reports_that_make_no_sense_are_refused_at_their_field() {
    let good = report(Signal::Success);
    for (bad, field) in [
        (RunReport { key: " ".into(), ..good.clone() }, "run_id"),
        (RunReport { key: "x".repeat(201), ..good.clone() }, "run_id"),
        (RunReport { key: "a\nb".into(), ..good.clone() }, "run_id"),
        (RunReport { signal: Signal::Exit(256), ..good.clone() }, "exit_code"),
        (RunReport { signal: Signal::Exit(-1), ..good.clone() }, "exit_code"),
        (RunReport { finished_at: Some(now()), ..report(Signal::Start) }, "finished_at"),
        (RunReport { bytes: Some(-1), ..good.clone() }, "bytes"),
        (RunReport { files: Some(-1), ..good.clone() }, "files"),
        (RunReport { snapshot: Some("x".repeat(501)), ..good }, "snapshot_id"),
    ] {
        assert_eq!(receive(None, &bad, &job(), now()).unwrap_err().field(), field);
    }
}

fn any_signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        2 => Just(Signal::Start),
        2 => Just(Signal::Success),
        1 => Just(Signal::Warning),
        1 => Just(Signal::Fail),
        2 => (0_i32..=255).prop_map(Signal::Exit),
        1 => Just(Signal::Exit(0)),
        1 => Just(Signal::Log),
    ]
}

prop_compose! {
    fn any_report()(
        signal in any_signal(),
        started in prop::option::weighted(0.5, -20_i64..600),
        finished in prop::option::weighted(0.5, -20_i64..600),
        dry_run in prop::bool::weighted(0.1),
        partial in prop::bool::weighted(0.1),
        bytes in prop::option::of(0_i64..3),
    ) -> RunReport {
        RunReport {
            started_at: started.map(ago),
            finished_at: finished.map(ago).filter(|_| signal != Signal::Start),
            dry_run,
            partial,
            bytes,
            ..report(signal)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_report_repeated_changes_nothing(
        reports in prop::collection::vec((any_report(), 0_i64..30), 1..6),
        lose in any::<bool>(),
    ) {
        let mut run: Option<Run> = None;
        let mut at = now();
        for (report, minutes) in reports {
            at = Span::minutes(minutes).after(at);
            let before = run.clone();
            if let Some(next) = take(run.as_ref(), &report, at).run() {
                run = Some(next.clone());
            }
            let again = take(run.as_ref(), &report, at);
            prop_assert!(again.run().is_none(), "{:?} then {:?}", before, again);
            let later = take(run.as_ref(), &report, Span::minutes(minutes).after(at));
            prop_assert!(later.run().is_none());
            if lose && let Some(lost) = run.as_ref().and_then(|r| r.lose(&job(), Span::hours(7).after(at))) {
                run = Some(lost);
            }
        }
    }

    #[test]
    fn nothing_good_comes_of_a_failure(
        reports in prop::collection::vec((any_report(), 0_i64..30), 1..6),
        ever in any::<bool>(),
    ) {
        let policy = Policy { warnings_are_good: true, ..Policy::default() };
        let fails = |s: Signal| s == Signal::Fail || matches!(s, Signal::Exit(code) if code != 0);
        let ends_well = |s: Signal| matches!(s, Signal::Success | Signal::Warning | Signal::Exit(0));
        let mut run: Option<Run> = None;
        let mut at = now();
        let mut first_end = None;
        let (mut dry, mut partial, mut faulty) = (false, false, false);
        for (report, minutes) in reports.into_iter().filter(|(r, _)| ever || !ends_well(r.signal)) {
            at = Span::minutes(minutes).after(at);
            let received = take(run.as_ref(), &report, at);
            if let Some(next) = received.run() {
                if first_end.is_none() && (fails(report.signal) || ends_well(report.signal)) {
                    first_end = Some(report.signal);
                }
                dry |= report.dry_run && !run.as_ref().is_some_and(|r| r.state.is_ended());
                partial |= report.partial && !run.as_ref().is_some_and(|r| r.state.is_ended());
                prop_assert!(!faulty || next.clock_fault, "a mark was taken back");
                faulty |= next.clock_fault;
                if let (Some(old), false) = (&run, run.as_ref().is_some_and(|r| r.start_assumed)) {
                    prop_assert!(next.started_at <= old.started_at);
                }
                run = Some(next.clone());
            }
            if let Some(run) = &run {
                let may_be_good = first_end.is_some_and(ends_well) && !dry && !partial && !faulty;
                prop_assert_eq!(run.is_good(&policy), may_be_good);
                prop_assert_eq!(run.state.is_ended(), run.finished_at.is_some());
            }
        }
    }
}

#[test]
fn a_run_is_good_exactly_where_nothing_stands_against_it() {
    let at = Instant::UNIX_EPOCH;
    for bits in 0..32_u8 {
        let bit = |n: u8| bits & (1 << n) != 0;
        for state in RunState::ALL {
            let run = Run {
                id: RunId(Uuid::nil()),
                job_id: JobId(Uuid::nil()),
                key: "a".to_owned(),
                state,
                started_at: at,
                start_assumed: false,
                finished_at: bit(0).then_some(at),
                dry_run: bit(1),
                partial: bit(2),
                clock_fault: bit(3),
                received_at: at,
                bytes: None,
                files: None,
                snapshot: None,
                exit_code: None,
            };
            let policy = Policy { warnings_are_good: bit(4), ..Policy::default() };
            let why = run.why_not_good(&policy);
            assert_eq!(run.is_good(&policy), why.is_none(), "{run:?}: {why:?}");
        }
    }
}

#[test]
fn states_are_read_as_they_are_written() {
    for state in RunState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert_eq!("fine".parse::<RunState>(), Err(UnknownState));
}

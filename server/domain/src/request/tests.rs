#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ids::DataSetId;
use crate::text::Name;
use proptest::prelude::*;
use uuid::Uuid;

fn at(minutes: i64) -> Instant {
    Span::minutes(minutes).after("2014-05-15T14:02:00Z".parse().unwrap())
}

fn job() -> Job {
    Job {
        id: JobId(Uuid::from_u128(1)),
        data_set_id: DataSetId(Uuid::from_u128(1)),
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

fn run(n: u128, state: RunState, started: i64) -> Run {
    let ended = state.is_ended();
    Run {
        id: RunId(Uuid::from_u128(n)),
        job_id: job().id,
        key: n.to_string(),
        state,
        started_at: at(started),
        start_assumed: false,
        finished_at: ended.then(|| at(started + 40)),
        dry_run: false,
        partial: false,
        clock_fault: false,
        received_at: at(started + 40),
        bytes: None,
        files: None,
        snapshot: None,
        exit_code: None,
    }
}

fn asker() -> Asker {
    Asker { name: "Ann".to_owned(), token_id: None, maintenance_id: None }
}

fn asked(waits: bool) -> BackupRequest {
    BackupRequest::ask(RequestId(Uuid::nil()), &job(), asker(), waits, at(0))
}

#[test]
fn a_request_is_fetched_runs_and_is_done() {
    let asked = asked(false);
    assert!(asked.is_wanted(at(0)));
    let fetched = asked.fetch(at(1)).unwrap();
    assert_eq!((fetched.state, fetched.is_wanted(at(2))), (RequestState::Fetched, false));
    let running = fetched.follow(&run(1, RunState::Running, 3), None, &job(), at(3)).unwrap();
    assert_eq!(
        (running.state, running.run_started_at, running.is_wanted(at(60))),
        (RequestState::Running, Some(at(3)), false)
    );
    let done = running.follow(&run(1, RunState::Succeeded, 3), None, &job(), at(43)).unwrap();
    assert_eq!((done.state, done.ended_at, done.due_at), (RequestState::Done, Some(at(43)), None));
}

#[test]
fn an_agent_that_crashed_after_it_asked_is_told_again() {
    let fetched = asked(false).fetch(at(1)).unwrap();
    assert!(fetched.fetch(at(10)).is_none(), "it may be about to begin");
    assert_eq!(fetched.fetch(at(11)).unwrap().told_at, Some(at(11)));
}

#[test]
fn only_a_run_that_began_after_the_request_is_its_result() {
    let (asked, job) = (asked(false), job());
    for (state, started, expected) in [
        (RunState::Succeeded, -5, None),
        (RunState::Running, -5, None),
        // The host's clock is a little behind.
        (RunState::Succeeded, -1, Some(RequestState::Done)),
        (RunState::Succeeded, 0, Some(RequestState::Done)),
        (RunState::Running, 0, Some(RequestState::Running)),
        (RunState::Failed, 0, Some(RequestState::Failed)),
        (RunState::Lost, 0, Some(RequestState::Failed)),
    ] {
        let followed = asked.follow(&run(1, state, started), None, &job, at(50));
        assert_eq!(followed.map(|r| r.state), expected, "{state:?} {started}");
    }
    let partial = asked.follow(&run(1, RunState::Succeeded, 1), Some("it saved only a part"), &job, at(50)).unwrap();
    assert_eq!((partial.state, partial.problem.as_deref()), (RequestState::Failed, Some("it saved only a part")));
    let dry = Run { dry_run: true, ..run(1, RunState::Succeeded, 1) };
    assert_eq!(asked.follow(&dry, None, &job, at(50)), None);
    let other = Run { job_id: JobId(Uuid::nil()), ..run(1, RunState::Succeeded, 1) };
    assert_eq!(asked.follow(&other, None, &job, at(50)), None);
}

#[test]
fn while_one_run_goes_on_others_do_not_answer_for_it() {
    let running = asked(false).follow(&run(1, RunState::Running, 1), None, &job(), at(1)).unwrap();
    assert_eq!(running.follow(&run(2, RunState::Failed, 2), None, &job(), at(50)), None);
    assert_eq!(running.follow(&run(1, RunState::Running, 1), None, &job(), at(1)), None, "nothing new");
}

#[test]
fn a_carrier_waits_for_the_end_of_the_dump_to_the_millisecond() {
    let waiting = asked(true);
    assert!(waiting.waits() && !waiting.is_wanted(at(10)) && !waiting.is_callable(at(10)));
    assert_eq!(waiting.follow(&run(1, RunState::Succeeded, 5), None, &job(), at(50)), None);
    assert_eq!(waiting.time_out(at(100_000)), None);
    let ready = waiting.release(at(40), &job(), at(41)).unwrap();
    assert!(ready.is_wanted(at(41)) && ready.is_callable(at(41)) && ready.release(at(42), &job(), at(42)).is_none());
    assert_eq!(ready.follow(&run(1, RunState::Running, 39), None, &job(), at(42)), None);
    assert!(ready.follow(&run(1, RunState::Running, 40), None, &job(), at(42)).is_some());
    let early = waiting.release(at(44), &job(), at(41)).unwrap();
    assert!(!early.is_wanted(at(43)) && early.is_wanted(at(44)), "a clock that is ahead is waited for");
}

#[test]
fn a_run_that_goes_on_already_is_taken_over() {
    let taken =
        BackupRequest::ask_running(RequestId(Uuid::nil()), &job(), asker(), &run(1, RunState::Running, -90), at(0));
    assert_eq!((taken.state, taken.run_started_at), (RequestState::Running, Some(at(-90))));
    let done = taken.follow(&run(1, RunState::Succeeded, -90), None, &job(), at(1)).unwrap();
    assert_eq!(done.state, RequestState::Done);
}

#[test]
fn it_is_given_up_when_nothing_can_come_any_more() {
    let asked = asked(false);
    let limit = 6 * 60 + 30;
    assert_eq!(asked.time_out(at(limit - 1)), None);
    assert_eq!(asked.time_out(at(limit)).unwrap().state, RequestState::TimedOut);
    let late = asked.follow(&run(1, RunState::Running, limit - 10), None, &job(), at(limit - 10)).unwrap();
    assert_eq!(late.time_out(at(limit)), None, "a run that has begun gets its whole time");
    assert!(late.time_out(at(2 * limit - 10)).is_some());
}

#[test]
fn a_trigger_that_fails_is_called_again_ever_more_slowly() {
    let mut request = asked(false);
    let (mut now, mut pauses) = (at(0), Vec::new());
    for _ in 0..8 {
        assert!(request.is_callable(now));
        request = request.calling(now).unwrap();
        assert!(request.calling(now).is_none(), "somebody is calling");
        request = request.not_sent("no answer in time".to_owned(), true, now).unwrap();
        let next = request.next_try_at.unwrap();
        pauses.push(Span::between(now, next).as_seconds());
        now = next;
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 900]);
    let gone = request.not_sent("the backup system answered 410".to_owned(), false, now).unwrap();
    assert!(!gone.is_callable(at(100_000)) && gone.is_wanted(now), "an agent may still fetch it");
    let sent = request.sent(now).unwrap();
    assert_eq!((sent.state, sent.problem.as_deref(), sent.is_wanted(now)), (RequestState::Sent, None, false));
}

#[test]
fn it_says_how_far_it_came() {
    use crate::time::testing::FixedRules;
    let said = |request: &BackupRequest| request.sentence(&FixedRules, "Europe/Dublin");
    let asked = asked(false);
    assert_eq!(said(&asked), "Requested Thu 15 May, 15:02 IST, nobody has fetched it yet.");
    let running = asked.follow(&run(1, RunState::Running, 3), None, &job(), at(3)).unwrap();
    assert_eq!(said(&running), "Requested Thu 15 May, 15:02 IST, running since 15:05 IST.");
    let failed = running.follow(&run(1, RunState::Failed, 3), Some("it failed"), &job(), at(10 * 60)).unwrap();
    assert_eq!(said(&failed), "Requested Thu 15 May, 15:02 IST, failed Fri 16 May, 01:02 IST: it failed.");
    let away = asked.not_sent("no answer in time".to_owned(), true, at(1)).unwrap();
    assert!(said(&away).contains("could not be called (no answer in time); next try 15:03 IST"), "{}", said(&away));
    let told = [said(&failed.for_outsiders()), said(&away.for_outsiders())];
    assert!(told[0].ends_with("failed Fri 16 May, 01:02 IST.") && !told[1].contains("no answer"), "{told:?}");
    assert!(said(&super::tests::asked(true)).contains("waits for the dump"));
    assert!(said(&asked.time_out(at(390)).unwrap()).contains("given up 21:32 IST: no run began in time"));
}

#[test]
fn states_are_read_as_they_are_written() {
    for state in RequestState::ALL {
        assert_eq!(RequestState::parse(state.as_str()), Some(state));
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.as_str()));
    }
    assert_eq!(RequestState::parse("lost"), None);
}

#[derive(Clone, Debug)]
enum Event {
    Fetch,
    Sent,
    NotSent(bool),
    Run(u128, RunState, i64, bool),
    Release(i64),
    TimeOut,
    Cancel,
}

fn any_event() -> impl Strategy<Value = Event> {
    let state = prop_oneof![
        Just(RunState::Running),
        Just(RunState::Succeeded),
        Just(RunState::Warning),
        Just(RunState::Failed),
        Just(RunState::Lost)
    ];
    prop_oneof![
        2 => Just(Event::Fetch),
        1 => Just(Event::Sent),
        1 => any::<bool>().prop_map(Event::NotSent),
        3 => (0_u128..3, state, -30_i64..600, any::<bool>()).prop_map(|(n, s, at, good)| Event::Run(n, s, at, good)),
        2 => (0_i64..300).prop_map(Event::Release),
        1 => Just(Event::TimeOut),
        1 => Just(Event::Cancel),
    ]
}

fn apply(request: &BackupRequest, event: &Event, now: Instant) -> Option<BackupRequest> {
    match event {
        Event::Fetch => request.fetch(now),
        Event::Sent => request.sent(now),
        Event::NotSent(may_pass) => request.not_sent("away".to_owned(), *may_pass, now),
        Event::Run(n, state, started, good) => {
            request.follow(&run(*n, *state, *started), (!good).then_some("it failed"), &job(), now)
        }
        Event::Release(end) => request.release(at(*end), &job(), now),
        Event::TimeOut => request.time_out(now),
        Event::Cancel => request.cancel(now),
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_request_is_one_thing_and_comes_to_an_end(
        waits in any::<bool>(),
        events in prop::collection::vec((any_event(), 0_i64..90), 0..20),
    ) {
        let (mut request, mut now) = (asked(waits), 0);
        for (event, pause) in &events {
            now += pause;
            let Some(after) = apply(&request, event, at(now)) else { continue };
            prop_assert!(request.is_open(), "what has ended stays ended: {event:?}");
            prop_assert_ne!(&after, &request);
            prop_assert_eq!((after.id, after.job_id, after.asked_at), (request.id, request.job_id, request.asked_at));
            prop_assert!(request.run_id.is_none() || after.run_id == request.run_id, "its run is never another");
            request = after;
            prop_assert_eq!(request.is_open(), request.ended_at.is_none());
            prop_assert_eq!(request.due_at.is_some(), request.is_open() && !request.waits());
            prop_assert!(request.is_open() || request.next_try_at.is_none());
            let ran = matches!(request.state, RequestState::Running | RequestState::Done | RequestState::Failed);
            prop_assert!(!ran || request.run_id.is_some());
            let begins = request.is_wanted(at(now)) && request.is_callable(at(now));
            prop_assert!(!begins || request.run_id.is_none());
        }
        if request.waits() {
            request = request.release(at(now), &job(), at(now)).unwrap();
        }
        prop_assert!(!request.is_open() || request.time_out(at(now + 100_000)).is_some());
    }
}

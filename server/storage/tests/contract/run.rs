use super::host::at;
use super::job::web_12;
use domain::ids::{HostId, JobId, RunId};
use domain::run::{Run, RunState};
use storage::StoreError;
use storage::idempotency::KeptAnswer;
use storage::run::RunFilter;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

/// Run `n` of a job, started at `n` and ended 5 ms later.
pub(super) fn run(n: u128, job: u128, state: RunState) -> Run {
    let started_at = at(i64::try_from(n).unwrap());
    let ended = state.is_ended();
    Run {
        id: RunId(Uuid::from_u128(n)),
        job_id: JobId(Uuid::from_u128(job)),
        key: format!("key {n}"),
        state,
        started_at,
        start_assumed: false,
        finished_at: ended.then(|| started_at + chrono::TimeDelta::milliseconds(5)),
        dry_run: false,
        partial: false,
        clock_fault: false,
        received_at: started_at,
        bytes: ended.then_some(1 << 40),
        files: ended.then_some(7),
        snapshot: ended.then(|| "web-12-2014".to_owned()),
        exit_code: (state == RunState::Failed).then_some(2),
    }
}

async fn a_run_is_found_by_its_key_and_goes_on_once(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    let begun = run(1, 21, RunState::Running);
    tx.insert_run(&begun, Some(at(100))).await.unwrap();
    tx.insert_run(&run(2, 22, RunState::Failed), None).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = t.db.write().await.unwrap();
    let twice = tx.insert_run(&Run { id: RunId(Uuid::from_u128(9)), ..begun.clone() }, None).await;
    assert!(matches!(twice, Err(StoreError::Conflict("run"))), "{twice:?}");
    drop(tx);

    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.run_by_key(files.id, "key 1").await.unwrap(), Some(begun.clone()));
    assert_eq!(tx.run_by_key(files.id, "key 2").await.unwrap(), None);
    assert_eq!(tx.run_by_key(dump.id, "key 2").await.unwrap(), Some(run(2, 22, RunState::Failed)));
    assert_eq!(tx.running_of(files.id, "key").await.unwrap(), vec![begun.clone()]);
    assert!(tx.running_of(files.id, "~").await.unwrap().is_empty());
    assert!(tx.running_of(dump.id, "key").await.unwrap().is_empty());
    assert_eq!(tx.newest_run(files.id).await.unwrap(), Some(begun.clone()));

    let ended = run(1, 21, RunState::Succeeded);
    tx.update_run(&begun, &ended, None).await.unwrap();
    assert_eq!(tx.run_by_key(files.id, "key 1").await.unwrap(), Some(ended));
    assert!(tx.running_of(files.id, "key").await.unwrap().is_empty());
    let again = tx.update_run(&begun, &run(1, 21, RunState::Failed), None).await;
    assert!(matches!(again, Err(StoreError::Stale("run"))), "{again:?}");
}

async fn overdue_runs_are_found_in_the_order_they_fell_due(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    web_12(&mut tx).await;
    assert_eq!(tx.next_overdue().await.unwrap(), None);
    for (n, lost) in [(1, 30), (2, 10), (3, 20), (4, 99)] {
        tx.insert_run(&run(n, 21, RunState::Running), Some(at(lost))).await.unwrap();
    }
    tx.insert_run(&run(5, 21, RunState::Succeeded), None).await.unwrap();
    assert_eq!(tx.next_overdue().await.unwrap(), Some(at(10)));
    let ids = |runs: Vec<Run>| runs.iter().map(|run| run.id.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(tx.overdue_runs(at(30), 9).await.unwrap()), [2, 3, 1]);
    assert_eq!(ids(tx.overdue_runs(at(30), 1).await.unwrap()), [2]);
    let (running, lost) = (run(2, 21, RunState::Running), run(2, 21, RunState::Lost));
    tx.update_run(&running, &lost, None).await.unwrap();
    assert_eq!(ids(tx.overdue_runs(at(20), 9).await.unwrap()), [3]);
}

async fn lists_go_from_the_newest_back_and_filter(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    for n in 1..=9 {
        let state = if n % 3 == 0 { RunState::Failed } else { RunState::Succeeded };
        tx.insert_run(&run(n, if n % 2 == 0 { 22 } else { 21 }, state), None).await.unwrap();
    }
    tx.put_run_log(RunId(Uuid::from_u128(9)), "first").await.unwrap();
    tx.put_run_log(RunId(Uuid::from_u128(9)), "Archive made.\n").await.unwrap();
    let missing = RunId(Uuid::from_u128(999));
    assert!(matches!(tx.run_line(missing).await, Err(StoreError::NotFound("run"))));
    assert_eq!(tx.run_log(missing).await.unwrap(), None);
    assert_eq!(tx.run_log(RunId(Uuid::from_u128(9))).await.unwrap().as_deref(), Some("Archive made.\n"));

    let line = tx.run_line(RunId(Uuid::from_u128(9))).await.unwrap();
    assert_eq!(line.run, run(9, 21, RunState::Failed));
    assert_eq!((line.host.as_str(), line.data_set.as_str(), line.job.as_str()), ("web-12", "files", "nightly"));
    assert!(line.has_log);

    let host = HostId(Uuid::from_u128(1));
    let nobody = HostId(Uuid::from_u128(2));
    let failed = Some(RunState::Failed);
    let cases: [(RunFilter, Option<u128>, i64, &[u128]); 10] = [
        (RunFilter::default(), None, 3, &[9, 8, 7]),
        (RunFilter::default(), Some(7), 3, &[6, 5, 4]),
        (RunFilter { state: failed, ..RunFilter::default() }, None, 9, &[9, 6, 3]),
        (RunFilter { state: failed, ..RunFilter::default() }, Some(6), 9, &[3]),
        (RunFilter { job: Some(files.id), ..RunFilter::default() }, None, 2, &[9, 7]),
        (RunFilter { job: Some(dump.id), state: failed, host: None }, None, 9, &[6]),
        (RunFilter { host: Some(host), ..RunFilter::default() }, None, 4, &[9, 8, 7, 6]),
        (RunFilter { host: Some(host), ..RunFilter::default() }, Some(3), 4, &[2, 1]),
        (RunFilter { host: Some(host), state: failed, job: None }, None, 2, &[9, 6]),
        (RunFilter { host: Some(nobody), ..RunFilter::default() }, None, 9, &[]),
    ];

    for (filter, before, limit, expected) in cases {
        let before = before.map(|n| RunId(Uuid::from_u128(n)));
        let lines = tx.runs_before(before, filter, limit).await.unwrap();
        let ids: Vec<u128> = lines.iter().map(|line| line.run.id.0.as_u128()).collect();
        assert_eq!(ids, expected, "{filter:?} before {before:?}");
    }
    let unknown = tx.runs_before(Some(missing), RunFilter::default(), 9).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("run"))), "{unknown:?}");

    // A late report of an early run stands where the run began; one from the future where it came in.
    let early = Run { received_at: at(90), ..run(10, 21, RunState::Succeeded) };
    let early = Run { started_at: at(4), ..early };
    let future = Run { received_at: at(6), clock_fault: true, ..run(1_000_000, 21, RunState::Succeeded) };
    tx.insert_run(&early, None).await.unwrap();
    tx.insert_run(&future, None).await.unwrap();
    for filter in [RunFilter::default(), RunFilter { host: Some(host), ..RunFilter::default() }] {
        let lines = tx.runs_before(Some(RunId(Uuid::from_u128(8))), filter, 5).await.unwrap();
        let ids: Vec<u128> = lines.iter().map(|line| line.run.id.0.as_u128()).collect();
        assert_eq!(ids, [7, 1_000_000, 6, 5, 10]);
    }
}

async fn an_answer_is_kept_per_caller_and_key(engine: Engine) {
    let t = TestDb::start(engine).await;
    let (ada, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let answer = KeptAnswer { request_hash: "aa".to_owned(), status: 200, response: "{}".to_owned() };
    let mut tx = t.db.write().await.unwrap();
    tx.keep_answer(ada, "k", &answer, at(5)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    let twice = tx.keep_answer(ada, "k", &answer, at(5)).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    drop(tx);
    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.kept_answer(ada, "k").await.unwrap(), Some(answer));
    assert_eq!(tx.kept_answer(bob, "k").await.unwrap(), None);
    assert_eq!(tx.forget_answers(at(5)).await.unwrap(), 0);
    assert_eq!(tx.forget_answers(at(6)).await.unwrap(), 1);
    assert_eq!(tx.kept_answer(ada, "k").await.unwrap(), None);
}

storage::on_both!(
    a_run_is_found_by_its_key_and_goes_on_once,
    overdue_runs_are_found_in_the_order_they_fell_due,
    lists_go_from_the_newest_back_and_filter,
    an_answer_is_kept_per_caller_and_key,
);

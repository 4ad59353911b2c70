use super::host::at;
use super::job::web_12;
use super::run::run;
use domain::run::{Run, RunState};
use domain::time::{Span, Stretch};
use std::collections::BTreeSet;
use storage::run::RunTimes;
use storage::testing::{Engine, TestDb};

async fn the_last_runs_of_each_job_are_found(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    for n in 1..=12 {
        tx.insert_run(&run(n, 21, RunState::Succeeded), None).await.unwrap();
    }
    for (n, state) in [(20, RunState::Failed), (21, RunState::Running)] {
        tx.insert_run(&run(n, 22, state), None).await.unwrap();
    }
    tx.insert_run(&Run { dry_run: true, ..run(22, 22, RunState::Succeeded) }, None).await.unwrap();
    let found = tx.last_runs(&BTreeSet::from([files.id, dump.id])).await.unwrap();
    let starts = |job| {
        let mut starts: Vec<i64> = found[&job].iter().map(|run| run.started_at.timestamp_millis()).collect();
        starts.sort_unstable();
        starts
    };
    assert_eq!(starts(files.id), [5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(starts(dump.id), [20, 21]);
    assert!(tx.last_runs(&BTreeSet::new()).await.unwrap().is_empty());
}

async fn runs_are_counted_by_the_slices_of_time_they_take(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    web_12(&mut tx).await;
    for (n, job, state) in [
        (100, 21, RunState::Succeeded),
        (200, 22, RunState::Failed),
        (1_998, 21, RunState::Succeeded),
        (5_500, 21, RunState::Running),
        (9_000, 21, RunState::Succeeded),
    ] {
        tx.insert_run(&run(n, job, state), None).await.unwrap();
    }
    let counted = tx.run_times(Stretch::new(at(0), at(9_000)), Span::seconds(1), at(7_000)).await.unwrap();
    let times = |first, last, runs, bad| RunTimes { first, last, runs, bad };
    assert_eq!(counted, [times(0, 0, 2, 1), times(1, 2, 1, 0), times(5, 6, 1, 0)]);
}

storage::on_both!(the_last_runs_of_each_job_are_found, runs_are_counted_by_the_slices_of_time_they_take);

use super::host::at;
use super::job::web_12;
use super::run::run;
use domain::backup::Job;
use domain::ids::{MaintenanceId, RequestId};
use domain::request::{Asker, BackupRequest, RequestState};
use domain::run::{Run, RunState};
use domain::time::Instant;
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn asked(n: u128, job: &Job, waits: bool, now: Instant) -> BackupRequest {
    let asker = Asker { name: "Ann".to_owned(), token_id: None, maintenance_id: None };
    BackupRequest::ask(RequestId(Uuid::from_u128(n)), job, asker, waits, now)
}

fn ids(requests: &[BackupRequest]) -> Vec<u128> {
    requests.iter().map(|request| request.id.0.as_u128()).collect()
}

async fn a_request_comes_back_and_a_job_has_one_open_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    let first = asked(1, &files, false, at(10));
    tx.add_request(&first).await.unwrap();
    tx.add_request(&asked(2, &dump, true, at(11))).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = t.db.write().await.unwrap();
    let twice = tx.add_request(&asked(3, &files, false, at(12))).await;
    assert!(matches!(twice, Err(StoreError::Conflict("request"))), "{twice:?}");
    drop(tx);

    let mut tx = t.db.write().await.unwrap();
    assert_eq!(tx.request(first.id).await.unwrap(), first);
    assert_eq!(tx.open_request_of(files.id).await.unwrap(), Some(first.clone()));
    assert_eq!(ids(&tx.open_requests().await.unwrap()), [1, 2]);
    assert_eq!(ids(&tx.open_requests_carried_by(files.id).await.unwrap()), [2]);
    assert_eq!(ids(&tx.open_requests_carried_by(dump.id).await.unwrap()), []);
    assert!(matches!(tx.request(RequestId(Uuid::nil())).await, Err(StoreError::NotFound(_))));

    let failing = first.not_sent("no answer in time".to_owned(), true, at(13)).unwrap();
    tx.update_request(&failing).await.unwrap();
    assert!(matches!(tx.update_request(&failing).await, Err(StoreError::Stale(_))));
    let failing = tx.request(first.id).await.unwrap();
    assert_eq!((failing.version, failing.attempts, failing.problem.as_deref()), (2, 1, Some("no answer in time")));

    let begun = Run { started_at: at(14), ..run(14, 21, RunState::Running) };
    tx.insert_run(&begun, None).await.unwrap();
    let running = failing.follow(&begun, None, &files, at(14)).unwrap();
    tx.update_request(&running).await.unwrap();
    assert_eq!(tx.request(first.id).await.unwrap(), BackupRequest { version: 3, ..running.clone() });
    let cancelled = BackupRequest { version: 3, ..running }.cancel(at(15)).unwrap();
    tx.update_request(&cancelled).await.unwrap();
    assert_eq!(tx.open_request_of(files.id).await.unwrap(), None);
    tx.add_request(&asked(3, &files, false, at(16))).await.unwrap();
    assert_eq!(ids(&tx.requests_of(files.id, 9).await.unwrap()), [3, 1]);
    assert_eq!(ids(&tx.requests_of(files.id, 1).await.unwrap()), [3]);
    assert_eq!(tx.requests_for(MaintenanceId(Uuid::nil()), 9).await.unwrap(), []);
}

async fn the_end_of_the_dumps_that_were_asked_for_is_known(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    assert_eq!(tx.last_asked_dump_end(files.id, at(0)).await.unwrap(), None);
    let made = run(20, 22, RunState::Succeeded);
    tx.insert_run(&made, None).await.unwrap();
    let asked = asked(1, &dump, false, at(10));
    tx.add_request(&asked).await.unwrap();
    let done = asked.follow(&made, None, &dump, at(30)).unwrap();
    assert_eq!(done.state, RequestState::Done);
    tx.update_request(&done).await.unwrap();
    assert_eq!(tx.last_asked_dump_end(files.id, at(30)).await.unwrap(), made.finished_at);
    assert_eq!(tx.last_asked_dump_end(files.id, at(31)).await.unwrap(), None);
    assert_eq!(tx.last_asked_dump_end(dump.id, at(0)).await.unwrap(), None);
}

async fn what_needs_somebody_is_listed_until_it_is_asked_for_again(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    let late = asked(1, &files, false, at(10));
    tx.add_request(&late).await.unwrap();
    assert_eq!(tx.troubled_requests(at(0)).await.unwrap(), []);
    let ended = late.time_out(late.due_at.unwrap()).unwrap();
    tx.update_request(&ended).await.unwrap();
    let unheard = asked(2, &dump, false, at(11));
    tx.add_request(&unheard).await.unwrap();
    tx.update_request(&unheard.not_sent("away".to_owned(), true, at(12)).unwrap()).await.unwrap();
    assert_eq!(ids(&tx.troubled_requests(late.due_at.unwrap()).await.unwrap()), [2, 1]);
    assert_eq!(ids(&tx.troubled_requests(late.due_at.unwrap() + chrono::TimeDelta::hours(1)).await.unwrap()), [2]);
    tx.add_request(&asked(3, &files, false, at(20))).await.unwrap();
    assert_eq!(ids(&tx.troubled_requests(at(0)).await.unwrap()), [2]);
}

storage::on_both!(
    a_request_comes_back_and_a_job_has_one_open_at_a_time,
    the_end_of_the_dumps_that_were_asked_for_is_known,
    what_needs_somebody_is_listed_until_it_is_asked_for_again,
);

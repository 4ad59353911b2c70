use super::host::{at, data_set, host};
use domain::backup::Job;
use domain::host::DataKind;
use domain::ids::{DataSetId, HostId, JobId};
use domain::text::Name;
use domain::time::Span;
use storage::host::References;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

pub(super) fn job(n: u128, data_set: u128, name: &str, carried_by: Option<u128>) -> Job {
    Job {
        id: JobId(Uuid::from_u128(n)),
        data_set_id: DataSetId(Uuid::from_u128(data_set)),
        name: Name::parse(name).unwrap(),
        tool: "borgmatic".to_owned(),
        carried_by: carried_by.map(|n| JobId(Uuid::from_u128(n))),
        enabled: true,
        every: Span::hours(24),
        max_duration: Span::hours(6),
        ping_version: 1,
        retired_at: None,
        version: 1,
    }
}

/// web-12 with its files (job 21) and a database whose dump (job 22) the files job carries.
pub(super) async fn web_12(tx: &mut Tx) -> (Job, Job) {
    tx.insert_host(&host(1, "web-12", None), at(0)).await.unwrap();
    tx.insert_data_set(&data_set(11, 1, "files", DataKind::Files), at(0)).await.unwrap();
    tx.insert_data_set(&data_set(12, 1, "shop database", DataKind::Database), at(0)).await.unwrap();
    let (files, dump) = (job(21, 11, "nightly", None), job(22, 12, "dump", Some(21)));
    tx.insert_job(&files, "aa", at(0)).await.unwrap();
    tx.insert_job(&dump, "bb", at(0)).await.unwrap();
    (files, dump)
}

async fn a_job_comes_back_with_its_place(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    assert_eq!(tx.job(dump.id).await.unwrap(), dump);
    let placed = tx.placed_job(dump.id).await.unwrap();
    assert_eq!(placed.to_string(), "web-12 · shop database: dump");
    assert_eq!((placed.kind, placed.host_id.0.as_u128()), (DataKind::Database, 1));
    let names = |jobs: Vec<storage::job::PlacedJob>| jobs.iter().map(|j| j.job.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(tx.placed_jobs().await.unwrap()), ["nightly", "dump"]);
    assert_eq!(names(tx.jobs_on(HostId(Uuid::from_u128(1)), false).await.unwrap()), ["nightly", "dump"]);
    assert_eq!(names(tx.carriers().await.unwrap()), ["nightly"]);
    assert_eq!(names(tx.carried_by(files.id).await.unwrap()), ["dump"]);
    assert_eq!(tx.jobs_of(files.data_set_id, false).await.unwrap(), vec![files.clone()]);
    assert_eq!(tx.job_named(files.data_set_id, "nightly").await.unwrap(), Some(files.clone()));
    assert_eq!(tx.jobs_after(Some(files.id), None, false, 9).await.unwrap(), vec![dump.clone()]);
    assert_eq!(tx.jobs_after(None, Some(dump.data_set_id), false, 9).await.unwrap(), vec![dump]);
    let retired = Job { retired_at: Some(at(3)), enabled: false, every: Span::days(7), ..files.clone() };
    tx.update_job(&retired).await.unwrap();
    assert!(matches!(tx.update_job(&retired).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.job(files.id).await.unwrap(), Job { version: 2, ..retired });
    assert!(tx.carriers().await.unwrap().is_empty());
    assert!(tx.jobs_of(files.data_set_id, false).await.unwrap().is_empty());
    assert_eq!(tx.jobs_of(files.data_set_id, true).await.unwrap().len(), 1);
}

async fn a_job_is_found_by_its_newest_ping_address_only(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (files, _) = web_12(&mut tx).await;
    assert_eq!(tx.job_by_ping("aa").await.unwrap(), files);
    let rotated = Job { ping_version: 2, ..files };
    tx.update_job_ping(&rotated, "cc").await.unwrap();
    assert!(matches!(tx.update_job_ping(&rotated, "dd").await, Err(StoreError::Stale(_))));
    assert!(matches!(tx.job_by_ping("aa").await, Err(StoreError::NotFound(_))));
    let found = tx.job_by_ping("cc").await.unwrap();
    assert_eq!(found, Job { version: 2, ..rotated });
    assert_eq!(tx.job_ping_hash(found.id).await.unwrap(), "cc");
    tx.update_job(&Job { retired_at: Some(at(1)), ..found }).await.unwrap();
    assert!(matches!(tx.job_by_ping("cc").await, Err(StoreError::NotFound(_))));
}

async fn a_job_that_others_name_says_so(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    let carries_one = References { jobs: 1, ..References::default() };
    assert_eq!(tx.job_references(files.id).await.unwrap(), carries_one);
    assert_eq!(tx.data_set_references(files.data_set_id).await.unwrap(), carries_one);
    // Within one host nothing refers to it from outside.
    assert!(tx.host_references(HostId(Uuid::from_u128(1))).await.unwrap().is_empty());
    assert!(tx.job_references(dump.id).await.unwrap().is_empty());
    tx.delete_job(dump.id).await.unwrap();
    tx.delete_job(files.id).await.unwrap();
    assert!(matches!(tx.delete_job(files.id).await, Err(StoreError::NotFound(_))));
}

storage::on_both!(
    a_job_comes_back_with_its_place,
    a_job_is_found_by_its_newest_ping_address_only,
    a_job_that_others_name_says_so,
);

use super::host::at;
use super::job::web_12;
use domain::trigger::{Template, Trigger};
use storage::StoreError;
use storage::testing::{Engine, TestDb};

async fn a_job_has_one_trigger_that_is_changed_by_whoever_read_it_last(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (files, dump) = web_12(&mut tx).await;
    assert_eq!(tx.trigger_of(files.id).await.unwrap(), None);
    let trigger = Trigger {
        job_id: files.id,
        url: "https://jenkins.example.org/generic-webhook-trigger/invoke".to_owned(),
        template: Template::Jenkins,
        remote_name: "backup-web-12".to_owned(),
        secret_version: 1,
        version: 1,
    };
    tx.add_trigger(&trigger, "aa").await.unwrap();
    assert_eq!(tx.trigger_of(files.id).await.unwrap(), Some((trigger.clone(), "aa".to_owned())));
    assert_eq!(tx.trigger_of(dump.id).await.unwrap(), None);
    let rotated = Trigger { secret_version: 2, template: Template::Generic, ..trigger };
    tx.update_trigger(&rotated, "bb").await.unwrap();
    assert!(matches!(tx.update_trigger(&rotated, "cc").await, Err(StoreError::Stale(_))));
    let stored = Trigger { version: 2, ..rotated.clone() };
    assert_eq!(tx.trigger_of(files.id).await.unwrap(), Some((stored.clone(), "bb".to_owned())));
    assert!(matches!(tx.delete_trigger(&rotated).await, Err(StoreError::Stale(_))));
    tx.delete_trigger(&stored).await.unwrap();
    assert_eq!(tx.trigger_of(files.id).await.unwrap(), None);
    tx.commit().await.unwrap();

    let mut tx = t.db.write().await.unwrap();
    tx.add_trigger(&stored, "dd").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    assert!(matches!(tx.add_trigger(&stored, "ee").await, Err(StoreError::Conflict("trigger"))));
    drop(tx);
    let mut tx = t.db.write().await.unwrap();
    assert!(tx.job(files.id).await.is_ok(), "{}", at(0));
}

storage::on_both!(a_job_has_one_trigger_that_is_changed_by_whoever_read_it_last);

use domain::gate::HostNode;
use domain::host::{DataKind, DataSet, Exemption, Host};
use domain::ids::{DataSetId, HostId};
use domain::policy::{PolicyOverride, RestoreOverride};
use domain::text::Name;
use domain::time::{Instant, Span};
use storage::StoreError;
use storage::host::References;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

pub(crate) fn at(ms: i64) -> Instant {
    Instant::from_timestamp_millis(ms).unwrap()
}

pub(crate) fn host(n: u128, name: &str, runs_on: Option<u128>) -> Host {
    Host {
        id: HostId(Uuid::from_u128(n)),
        name: Name::parse(name).unwrap(),
        note: "two disks".to_owned(),
        owner: String::new(),
        runs_on: runs_on.map(|n| HostId(Uuid::from_u128(n))),
        exemption: None,
        policy: PolicyOverride::default(),
        retired_at: None,
        version: 1,
    }
}

pub(crate) fn data_set(n: u128, host: u128, name: &str, kind: DataKind) -> DataSet {
    DataSet {
        id: DataSetId(Uuid::from_u128(n)),
        host_id: HostId(Uuid::from_u128(host)),
        name: Name::parse(name).unwrap(),
        kind,
        retired_at: None,
        version: 1,
    }
}

async fn a_host_comes_back_as_it_was_stored(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let vm3 = host(1, "vm3", None);
    let guest = Host {
        owner: "Web team".to_owned(),
        exemption: Some(Exemption { reason: "cache only".to_owned(), by: "Ada".to_owned(), at: at(5) }),
        policy: PolicyOverride {
            schedule_max_age: Some(Span::hours(12)),
            start_max_age: Some(Span::hours(1)),
            warnings_are_good: Some(true),
            restore: RestoreOverride {
                drill_max_age: Some(Span::days(30)),
                rto: Some(Span::hours(2)),
                slow_restore_blocks: Some(false),
            },
        },
        ..host(2, "web-12", Some(1))
    };
    tx.insert_host(&vm3, at(0)).await.unwrap();
    tx.insert_host(&guest, at(1)).await.unwrap();
    assert_eq!(tx.host(guest.id).await.unwrap(), guest);
    assert_eq!(tx.host_named("vm3").await.unwrap(), Some(vm3.clone()));
    assert_eq!(tx.guests_of(vm3.id, false).await.unwrap(), vec![guest.clone()]);
    let topology = tx.topology().await.unwrap();
    assert_eq!(
        topology.hosts,
        vec![HostNode { id: vm3.id, runs_on: None }, HostNode { id: guest.id, runs_on: Some(vm3.id) }]
    );
    let plain = Host { exemption: None, policy: PolicyOverride::default(), runs_on: None, ..guest };
    tx.update_host(&plain).await.unwrap();
    assert!(matches!(tx.update_host(&plain).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.host(plain.id).await.unwrap(), Host { version: 2, ..plain });
    assert!(matches!(tx.host(HostId(Uuid::from_u128(9))).await, Err(StoreError::NotFound(_))));
}

async fn a_name_is_free_again_once_its_host_is_retired(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let old = host(1, "vm3", None);
    tx.insert_host(&old, at(0)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = t.db.decide().await.unwrap();
    let clash = tx.insert_host(&host(2, "VM3", None), at(1)).await;
    assert!(matches!(clash, Err(StoreError::Conflict("host"))), "{clash:?}");
    drop(tx);

    let mut tx = t.db.decide().await.unwrap();
    tx.update_host(&Host { retired_at: Some(at(9)), ..old.clone() }).await.unwrap();
    assert_eq!(tx.host_named("vm3").await.unwrap(), None);
    let new = host(2, "VM3", None);
    tx.insert_host(&new, at(1)).await.unwrap();
    assert_eq!(tx.hosts(false).await.unwrap(), vec![new.clone()]);
    assert_eq!(tx.hosts(true).await.unwrap().len(), 2);
    assert_eq!(tx.topology().await.unwrap().hosts.len(), 1);
    assert_eq!(tx.hosts_after(Some(old.id), false, 5).await.unwrap(), vec![new]);
    assert_eq!(tx.hosts_after(None, true, 1).await.unwrap().len(), 1);
}

async fn data_sets_are_unique_on_their_host(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_host(&host(1, "web-12", None), at(0)).await.unwrap();
    tx.insert_host(&host(2, "mail-3", None), at(0)).await.unwrap();
    let files = data_set(11, 1, "files", DataKind::Files);
    let other = data_set(12, 2, "files", DataKind::Other);
    tx.insert_data_set(&files, at(0)).await.unwrap();
    tx.insert_data_set(&other, at(0)).await.unwrap();
    assert_eq!(tx.data_set(files.id).await.unwrap(), files);
    assert_eq!(tx.data_sets_of(other.host_id, false).await.unwrap(), vec![other.clone()]);
    assert_eq!(tx.data_set_named(files.host_id, "files").await.unwrap(), Some(files.clone()));
    assert_eq!(tx.data_sets_after(None, Some(files.host_id), false, 9).await.unwrap(), vec![files.clone()]);
    assert_eq!(tx.data_sets_after(None, None, false, 9).await.unwrap().len(), 2);
    let renamed = DataSet { name: Name::parse("www").unwrap(), kind: DataKind::Image, ..files };
    tx.update_data_set(&renamed).await.unwrap();
    assert!(matches!(tx.update_data_set(&renamed).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.data_set(renamed.id).await.unwrap(), DataSet { version: 2, ..renamed.clone() });
    tx.update_data_set(&DataSet { retired_at: Some(at(7)), version: 2, ..renamed }).await.unwrap();
    assert_eq!(tx.data_sets(false).await.unwrap(), vec![other.clone()]);
    assert_eq!(tx.data_sets(true).await.unwrap().len(), 2);
    assert!(tx.data_set_references(other.id).await.unwrap().is_empty());
    tx.delete_data_set(other.id).await.unwrap();
    assert!(matches!(tx.delete_data_set(other.id).await, Err(StoreError::NotFound(_))));
    tx.insert_data_set(&data_set(13, 2, "files", DataKind::Files), at(0)).await.unwrap();
    let clash = tx.insert_data_set(&data_set(14, 2, "Files", DataKind::Files), at(0)).await;
    assert!(matches!(clash, Err(StoreError::Conflict("data set"))));
}

async fn a_host_that_others_name_says_so(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_host(&host(1, "vm3", None), at(0)).await.unwrap();
    tx.insert_host(&host(2, "web-12", Some(1)), at(0)).await.unwrap();
    let vm3 = HostId(Uuid::from_u128(1));
    assert_eq!(tx.host_references(vm3).await.unwrap(), References { hosts: 1, ..References::default() });
    assert_eq!(tx.open_windows_of_host(vm3).await.unwrap(), vec![]);
    tx.delete_host(HostId(Uuid::from_u128(2))).await.unwrap();
    assert!(tx.host_references(vm3).await.unwrap().is_empty());
    tx.delete_host(vm3).await.unwrap();
    assert!(matches!(tx.delete_host(vm3).await, Err(StoreError::NotFound(_))));
}

storage::on_both!(
    a_host_comes_back_as_it_was_stored,
    a_name_is_free_again_once_its_host_is_retired,
    data_sets_are_unique_on_their_host,
    a_host_that_others_name_says_so,
);

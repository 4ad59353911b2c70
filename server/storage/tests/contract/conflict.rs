use super::host::{at, host};
use super::maintenance::{started, window};
use domain::conflict::{Conflict, ConflictPolicy, Force, RedundancyGroup};
use domain::freeze::{Freeze, FreezeTime, Source};
use domain::gate::Scope;
use domain::ids::{FreezeId, HostId, RedundancyGroupId};
use domain::maintenance::State;
use domain::text::{Name, Why};
use domain::time::Stretch;
use std::collections::BTreeSet;
use storage::StoreError;
use storage::conflict::AcceptedConflicts;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn hosts(list: &[u128]) -> BTreeSet<HostId> {
    list.iter().map(|n| HostId(Uuid::from_u128(*n))).collect()
}

async fn a_redundancy_group_is_stored_with_its_hosts_and_changed_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert_eq!(tx.conflict_policy().await.unwrap(), ConflictPolicy { redundancy: Force::Block, version: 1 });
    let warn = ConflictPolicy { redundancy: Force::Warn, version: 1 };
    tx.update_conflict_policy(&warn).await.unwrap();
    assert_eq!(tx.conflict_policy().await.unwrap(), ConflictPolicy { version: 2, ..warn });
    assert!(matches!(tx.update_conflict_policy(&warn).await, Err(StoreError::Stale(_))));

    for n in 1..=3 {
        tx.insert_host(&host(n, &format!("web-{n}"), None), at(0)).await.unwrap();
    }
    let web = RedundancyGroup {
        id: RedundancyGroupId(Uuid::from_u128(9)),
        name: name("Web servers"),
        hosts: hosts(&[1, 2]),
        force: None,
        version: 1,
    };
    tx.insert_redundancy_group(&web).await.unwrap();
    let all = RedundancyGroup {
        id: RedundancyGroupId(Uuid::from_u128(8)),
        name: name("All"),
        hosts: hosts(&[]),
        force: Some(Force::Block),
        version: 1,
    };
    tx.insert_redundancy_group(&all).await.unwrap();
    assert_eq!(tx.redundancy_groups().await.unwrap(), [all.clone(), web.clone()]);
    let changed = RedundancyGroup { hosts: hosts(&[2, 3]), force: Some(Force::Warn), ..web.clone() };
    tx.update_redundancy_group(&changed).await.unwrap();
    assert!(matches!(tx.update_redundancy_group(&web).await, Err(StoreError::Stale(_))));
    // A host that is gone stands in for nothing.
    tx.delete_host(HostId(Uuid::from_u128(3))).await.unwrap();
    tx.delete_redundancy_group(all.id).await.unwrap();
    assert!(matches!(tx.delete_redundancy_group(all.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.redundancy_groups().await.unwrap(), [RedundancyGroup { hosts: hosts(&[2]), version: 2, ..changed }]);
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let taken = RedundancyGroup { id: RedundancyGroupId(Uuid::from_u128(7)), name: name("WEB  servers"), ..web };
    assert!(matches!(tx.insert_redundancy_group(&taken).await, Err(StoreError::Conflict("redundancy group"))));
}

fn time(from: i64, to: i64) -> FreezeTime {
    FreezeTime {
        zone: "Europe/Dublin".to_owned(),
        local_start: chrono::NaiveDate::from_ymd_opt(2026, 12, 24).unwrap().and_hms_opt(0, 0, 0).unwrap(),
        local_end: chrono::NaiveDate::from_ymd_opt(2026, 12, 25).unwrap().and_hms_opt(0, 0, 0).unwrap(),
        stretch: Stretch::new(at(from), at(to)),
    }
}

async fn freezes_are_found_by_their_times(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.insert_host(&host(1, "web-1", None), at(0)).await.unwrap();
    let own = Freeze {
        id: FreezeId(Uuid::from_u128(1)),
        name: name("Christmas trade"),
        only: None,
        force: Force::Block,
        source: None,
        times: vec![time(10, 20)],
        version: 1,
    };
    let read = Freeze {
        id: FreezeId(Uuid::from_u128(2)),
        name: name("Sale"),
        only: Some(Scope { hosts: hosts(&[1]), components: BTreeSet::new() }),
        force: Force::Warn,
        source: Some(Source { calendar: name("Trade"), uid: "a@shop".to_owned() }),
        times: vec![time(5, 10), time(30, 40)],
        version: 1,
    };
    for freeze in [&own, &read] {
        tx.insert_freeze(freeze).await.unwrap();
    }
    assert_eq!(tx.freezes().await.unwrap(), [own.clone(), read.clone()]);
    // What touches does not overlap.
    assert_eq!(tx.freezes_within(Stretch::new(at(10), at(30))).await.unwrap(), vec![own.clone()]);
    let late = tx.freezes_within(Stretch::new(at(39), at(99))).await.unwrap();
    assert_eq!(late, [Freeze { times: vec![time(30, 40)], ..read.clone() }]);
    let changed = Freeze { only: None, times: vec![time(50, 60)], ..read.clone() };
    tx.update_freeze(&changed).await.unwrap();
    assert!(matches!(tx.update_freeze(&read).await, Err(StoreError::Stale(_))));
    tx.delete_freeze(own.id).await.unwrap();
    assert!(matches!(tx.delete_freeze(own.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.freezes().await.unwrap(), [Freeze { version: 2, ..changed }]);
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let again = Freeze { id: FreezeId(Uuid::from_u128(3)), only: None, ..read };
    assert!(matches!(tx.insert_freeze(&again).await, Err(StoreError::Conflict("freeze"))));
}

async fn who_went_ahead_is_kept_with_the_window(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let m = window(1, State::Scheduled, 0);
    tx.add_maintenance(&m).await.unwrap();
    let conflict = Conflict::Freeze {
        freeze: FreezeId(Uuid::from_u128(1)),
        name: "Christmas trade".to_owned(),
        force: Force::Warn,
        stretch: Stretch::new(at(10), at(20)),
    };
    let accepted = |n: u128, ms: i64| AcceptedConflicts {
        id: Uuid::from_u128(n),
        maintenance_id: m.id,
        at: at(ms),
        by: "Oisín Kelly".to_owned(),
        why: Why::parse("The disk will not last until January.").unwrap(),
        conflicts: vec![conflict.clone()],
    };
    tx.add_accepted_conflicts(&accepted(1, 5)).await.unwrap();
    tx.add_accepted_conflicts(&accepted(2, 6)).await.unwrap();
    assert_eq!(tx.accepted_conflicts_of(m.id).await.unwrap(), [accepted(2, 6), accepted(1, 5)]);
}

async fn windows_of_a_stretch_are_found_with_drafts_and_what_is_late(engine: Engine) {
    use super::maintenance::at;
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for (n, state, start) in [
        (1, State::Draft, 0),
        (2, State::Completed, -500),
        (3, State::InProgress, -500),
        (4, State::Scheduled, 120),
        (5, State::Cancelled, 60),
    ] {
        tx.add_maintenance(&window(n, state, start)).await.unwrap();
    }
    let found = |list: Vec<domain::maintenance::Maintenance>| list.iter().map(|m| m.number).collect::<Vec<_>>();
    let within = Stretch::new(at(0), at(120));
    assert_eq!(found(tx.maintenances_within(within, 10).await.unwrap()), [3, 1, 5]);
    assert_eq!(found(tx.maintenances_within(within, 1).await.unwrap()), [3]);
}

storage::on_both!(
    a_redundancy_group_is_stored_with_its_hosts_and_changed_by_one_at_a_time,
    freezes_are_found_by_their_times,
    who_went_ahead_is_kept_with_the_window,
    windows_of_a_stretch_are_found_with_drafts_and_what_is_late,
);

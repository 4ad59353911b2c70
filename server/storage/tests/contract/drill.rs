use super::host::{at, data_set, host};
use domain::drill::{Drill, DrillKind, DrillState, Ending, Link};
use domain::host::{DataKind, Exemption, Host};
use domain::ids::{DataSetId, DrillId, HostId};
use domain::time::{Instant, Span};
use storage::drill::DrillFilter;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

/// web-12 (1) with two data sets (11, 12) and db-1 (2) with one (13).
async fn two_hosts(tx: &mut Tx) {
    tx.insert_host(&host(1, "web-12", None), at(0)).await.unwrap();
    tx.insert_host(&host(2, "db-1", None), at(0)).await.unwrap();
    for (n, on) in [(11, 1), (12, 1), (13, 2)] {
        tx.insert_data_set(&data_set(n, on, &format!("set {n}"), DataKind::Files), at(0)).await.unwrap();
    }
}

fn hour(n: i64) -> Instant {
    Span::hours(n).after(at(0))
}

/// Drill `n` of data set `set` (0: the whole host) of a host, not begun.
fn planned(n: u128, of: u128, set: u128) -> Drill {
    let set = (set > 0).then(|| DataSetId(Uuid::from_u128(set)));
    Drill::plan(DrillId(Uuid::from_u128(n)), HostId(Uuid::from_u128(of)), set, "Ada".to_owned(), at(0))
}

/// The same, ended well in hour `ended` after ten minutes, with so many bytes.
fn done(n: u128, of: u128, set: u128, ended: i64, bytes: Option<i64>) -> Drill {
    let running = planned(n, of, set).start(Span::minutes(10).before(hour(ended)), hour(ended)).unwrap();
    let ending = Ending { succeeded: true, at: hour(ended), bytes, startup: None, evidence: None, note: String::new() };
    running.finish(ending, hour(ended)).unwrap()
}

async fn a_drill_comes_back_as_it_was_stored_and_goes_on_once(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_hosts(&mut tx).await;
    let plan = Drill {
        planned_at: Some(hour(5)),
        note: "the new tape".to_owned(),
        evidence: Some(Link::parse("https://wiki.example.org/7").unwrap()),
        source: "bareos".to_owned(),
        key: Some("restore.7".to_owned()),
        ..planned(1, 1, 11)
    };
    tx.insert_drill(&plan).await.unwrap();
    let line = tx.drill(plan.id).await.unwrap();
    assert_eq!((line.drill, line.host.as_str(), line.data_set.as_deref()), (plan.clone(), "web-12", Some("set 11")));
    assert_eq!(tx.drill_by_key(plan.host_id, "bareos", "restore.7").await.unwrap(), Some(plan.clone()));
    assert_eq!(tx.drill_by_key(plan.host_id, "restic", "restore.7").await.unwrap(), None);
    let ended = Drill { version: 1, ..done(1, 1, 11, 6, Some(1 << 40)) };
    let ended = Drill { source: plan.source.clone(), key: plan.key.clone(), startup: Some(Span::minutes(3)), ..ended };
    tx.update_drill(&ended).await.unwrap();
    assert_eq!(tx.drill(plan.id).await.unwrap().drill, Drill { version: 2, ..ended.clone() });
    assert!(matches!(tx.update_drill(&ended).await, Err(StoreError::Stale("drill"))));
    assert_eq!(tx.host_references(plan.host_id).await.unwrap().drills, 1);
    assert_eq!(tx.data_set_references(DataSetId(Uuid::from_u128(11))).await.unwrap().drills, 1);
    assert_eq!(tx.data_set_references(DataSetId(Uuid::from_u128(12))).await.unwrap().drills, 0);
    let nobody = DrillId(Uuid::from_u128(99));
    assert!(matches!(tx.drill(nobody).await, Err(StoreError::NotFound("drill"))));
    let again = Drill { id: nobody, ..plan };
    assert!(matches!(tx.insert_drill(&again).await, Err(StoreError::Conflict("drill"))));
}

async fn lists_are_filtered_and_paged(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_hosts(&mut tx).await;
    let late = Drill { planned_at: Some(hour(9)), ..planned(1, 1, 11) };
    let early = Drill { planned_at: Some(hour(2)), ..planned(2, 2, 0) };
    for drill in [&late, &early, &done(3, 1, 11, 3, None), &done(4, 1, 0, 7, Some(5)), &done(5, 2, 13, 5, Some(5))] {
        tx.insert_drill(drill).await.unwrap();
    }
    let ids = |lines: Vec<storage::drill::DrillLine>| lines.iter().map(|l| l.drill.id.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(tx.open_drills(9).await.unwrap()), [2, 1]);
    assert_eq!(ids(tx.open_drills(1).await.unwrap()), [2]);
    let host = Some(HostId(Uuid::from_u128(1)));
    let succeeded = Some(DrillState::Succeeded);
    let cases: [(DrillFilter, Option<u128>, i64, &[u128]); 6] = [
        (DrillFilter::default(), None, 3, &[4, 5, 3]),
        (DrillFilter::default(), Some(5), 9, &[3, 2, 1]),
        (DrillFilter { host, state: None }, None, 9, &[4, 3, 1]),
        (DrillFilter { host, state: succeeded }, Some(4), 9, &[3]),
        (DrillFilter { host: None, state: succeeded }, None, 2, &[4, 5]),
        (DrillFilter { host: None, state: Some(DrillState::Planned) }, None, 9, &[2, 1]),
    ];
    for (filter, before, limit, expected) in cases {
        let before = before.map(|n| DrillId(Uuid::from_u128(n)));
        assert_eq!(ids(tx.drills_before(before, filter, limit).await.unwrap()), expected, "{filter:?} {before:?}");
    }
    let nobody = Some(DrillId(Uuid::from_u128(99)));
    let lost = tx.drills_before(nobody, DrillFilter::default(), 9).await;
    assert!(matches!(lost, Err(StoreError::NotFound("drill"))), "{lost:?}");
}

async fn the_gate_reads_the_newest_drills_however_many_there_are(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_hosts(&mut tx).await;
    let mut n = 0;
    let mut all = Vec::new();
    for ended in 1..=20 {
        for (of, set, bytes) in [(1, 11, Some(7)), (1, 11, None), (1, 0, Some(7)), (1, 0, None), (2, 13, Some(7))] {
            n += 1;
            let mut drill = done(n, of, set, ended, bytes);
            // Bare checks and failures count for nothing here.
            if ended % 5 == 0 && bytes.is_none() {
                drill.kind = DrillKind::Verify;
            }
            tx.insert_drill(&drill).await.unwrap();
            all.push(drill);
        }
    }
    let facts = tx.drill_facts([HostId(Uuid::from_u128(1))]).await.unwrap();
    assert!(facts.iter().all(|fact| fact.host.0.as_u128() == 1 && fact.is_proof()));
    assert!(facts.len() <= 10, "{}", facts.len());
    let whole: Vec<_> = all.iter().filter_map(Drill::fact).filter(|fact| fact.host.0.as_u128() == 1).collect();
    let sets = [(DataSetId(Uuid::from_u128(11)), Some(70)), (DataSetId(Uuid::from_u128(12)), Some(20))];
    assert_eq!(domain::drill::estimate(&sets, &facts), domain::drill::estimate(&sets, &whole));
    for (set, _) in sets {
        assert_eq!(domain::drill::last_proof(set, &facts), domain::drill::last_proof(set, &whole));
    }
    assert!(tx.drill_facts([]).await.unwrap().is_empty());
}

async fn a_data_sets_own_drills_are_read_however_many_newer_ones_its_host_has(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_hosts(&mut tx).await;
    let slow = done(1, 1, 11, 1, Some(1));
    let all = [slow, done(2, 1, 11, 2, None)]
        .into_iter()
        .chain((3..9_u8).map(|n| done(n.into(), 1, 12, n.into(), Some(700))));
    let all: Vec<Drill> = all.collect();
    for drill in &all {
        tx.insert_drill(drill).await.unwrap();
    }
    let facts = tx.drill_facts([HostId(Uuid::from_u128(1))]).await.unwrap();
    let whole: Vec<_> = all.iter().filter_map(Drill::fact).collect();
    let of = DataSetId(Uuid::from_u128(11));
    assert_eq!(domain::drill::estimate(&[(of, Some(70))], &facts), domain::drill::estimate(&[(of, Some(70))], &whole));
    assert_eq!(domain::drill::last_proof(of, &facts), domain::drill::last_proof(of, &whole));
}

async fn the_last_proof_of_each_data_set_is_told(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_hosts(&mut tx).await;
    let bare_check = Drill { kind: DrillKind::Verify, ..done(9, 2, 13, 9, None) };
    for drill in [&done(1, 1, 11, 3, None), &done(2, 1, 11, 5, Some(8)), &done(3, 1, 0, 4, None), &bare_check] {
        tx.insert_drill(drill).await.unwrap();
    }
    let told = |proofs: Vec<storage::drill::LastProof>| -> Vec<_> {
        proofs.into_iter().map(|p| (p.host, p.data_set_id.0.as_u128(), p.at)).collect()
    };
    assert_eq!(
        told(tx.last_proofs().await.unwrap()),
        [
            ("db-1".to_owned(), 13, None),
            ("web-12".to_owned(), 11, Some(hour(5))),
            ("web-12".to_owned(), 12, Some(hour(4))),
        ]
    );
    let exemption = Some(Exemption { reason: "cache".to_owned(), by: "Ada".to_owned(), at: at(5) });
    tx.update_host(&Host { exemption, ..host(2, "db-1", None) }).await.unwrap();
    assert_eq!(tx.last_proofs().await.unwrap().len(), 2);
}

storage::on_both!(
    a_drill_comes_back_as_it_was_stored_and_goes_on_once,
    lists_are_filtered_and_paged,
    the_gate_reads_the_newest_drills_however_many_there_are,
    a_data_sets_own_drills_are_read_however_many_newer_ones_its_host_has,
    the_last_proof_of_each_data_set_is_told,
);

use domain::finding::digest::DigestHour;
use domain::gate::{Evidence, Outcome, Purpose, Verdict};
use domain::ids::{MaintenanceId, UpdateId, VerdictId};
use domain::maintenance::{
    CheckLine, Fold, KeptVerdict, Leads, Maintenance, Occasion, Planned, Reminders, State, Tick, Update, UpdateKind,
};
use domain::policy::Policy;
use domain::site::Site;
use domain::text::{Name, Prose, Why};
use domain::time::{Instant, Span};
use storage::maintenance::Order;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

pub(crate) fn at(minutes: i64) -> Instant {
    Span::minutes(minutes).after(Instant::from_timestamp_millis(1_400_180_400_000).unwrap())
}

fn check(text: &str, ticked_by: Option<&str>) -> CheckLine {
    CheckLine { text: Name::parse(text).unwrap(), tick: ticked_by.map(|by| Tick { by: by.to_owned(), at: at(90) }) }
}

/// A window of two hours that starts `start` minutes into the story's Thursday evening.
pub(crate) fn window(n: u128, state: State, start: i64) -> Maintenance {
    Maintenance {
        id: MaintenanceId(Uuid::from_u128(n)),
        number: i64::try_from(n).unwrap(),
        title: Name::parse("Replace a failed disk in vm3").unwrap(),
        message: Prose::parse("Sites will be *offline*.").unwrap(),
        state,
        planned: Planned {
            zone: "Europe/Dublin".to_owned(),
            local_start: at(start + 60).naive_utc(),
            start_fold: Some(Fold::Later),
            starts_at: at(start),
            ends_at: at(start + 120),
            latest_end_at: at(start + 180),
        },
        hosts: vec![],
        components: vec![],
        auto_start: true,
        auto_complete: false,
        reminders: Reminders::default(),
        checklist: vec![check("RAID is clean", None), check("Sites answer", Some("Grace Nolan"))],
        done_anyway: None,
        sequence: 3,
        published_at: (state != State::Draft).then(|| at(-600)),
        held_at: None,
        started_at: None,
        ended_at: None,
        day_check_at: Some(at(-500)),
        lead_check_at: None,
        next_due_at: Some(at(start)),
        created_by: None,
        created_at: at(-700),
        updated_at: at(-600),
        version: 1,
    }
}

pub(crate) async fn started(engine: Engine) -> TestDb {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    tx.ensure_site(&Site {
        install_id: Uuid::from_u128(9),
        name: Name::parse("Northwind").unwrap(),
        zone: "Europe/Dublin".to_owned(),
        policy: Policy::default(),
        reminders: Leads::default(),
        keep_runs: None,
        digest_hour: DigestHour::default(),
        weights: domain::availability::Weights::default(),
        version: 1,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    t
}

fn numbers(found: &[Maintenance]) -> Vec<i64> {
    found.iter().map(|m| m.number).collect()
}

async fn numbers_are_never_given_twice(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert_eq!(tx.likely_maintenance_number().await.unwrap(), 1);
    assert_eq!(tx.next_maintenance_number().await.unwrap(), 1);
    assert_eq!(tx.likely_maintenance_number().await.unwrap(), 2);
    let draft = window(1, State::Draft, 0);
    tx.add_maintenance(&draft).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    tx.delete_draft(draft.id, draft.version).await.unwrap();
    assert!(matches!(tx.maintenance(draft.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.next_maintenance_number().await.unwrap(), 2);
    let mut site = tx.site().await.unwrap();
    site.zone = "UTC".to_owned();
    tx.update_site(&site).await.unwrap();
    assert_eq!(tx.next_maintenance_number().await.unwrap(), 3);
}

async fn a_window_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time(engine: Engine) {
    let t = started(engine).await;
    let m = window(7, State::Scheduled, 0);
    let mut tx = t.db.decide().await.unwrap();
    tx.add_maintenance(&m).await.unwrap();
    assert_eq!(tx.maintenance(m.id).await.unwrap(), m);
    let changed = Maintenance {
        title: Name::parse("Something else").unwrap(),
        message: Prose::default(),
        state: State::Held,
        planned: Planned { zone: "UTC".to_owned(), start_fold: None, ends_at: at(130), ..m.planned.clone() },
        auto_start: false,
        auto_complete: true,
        reminders: Reminders::Own(Leads::parse("2 h, 1 d").unwrap()),
        checklist: vec![check("Sites answer", None), check("Mail flows", Some("Oisín Kelly")), check("a", None)],
        done_anyway: Some(Why::parse("The rest can wait.").unwrap()),
        sequence: 4,
        held_at: Some(at(0)),
        started_at: Some(at(1)),
        ended_at: Some(at(2)),
        day_check_at: Some(at(3)),
        lead_check_at: Some(at(4)),
        next_due_at: None,
        updated_at: at(5),
        ..m.clone()
    };
    tx.update_maintenance(&changed).await.unwrap();
    assert!(matches!(tx.update_maintenance(&changed).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.maintenance(m.id).await.unwrap(), Maintenance { version: 2, ..changed });
    let same_number = Maintenance { number: 7, ..window(8, State::Draft, 0) };
    assert!(matches!(tx.add_maintenance(&same_number).await, Err(StoreError::Conflict(_))));
}

async fn checks_are_noted_without_a_new_version(engine: Engine) {
    let t = started(engine).await;
    let m = window(7, State::Scheduled, 0);
    let mut tx = t.db.decide().await.unwrap();
    tx.add_maintenance(&m).await.unwrap();
    let checked =
        Maintenance { day_check_at: Some(at(-60)), lead_check_at: Some(at(-9)), next_due_at: Some(at(1)), ..m.clone() };
    tx.note_checks(&checked).await.unwrap();
    assert_eq!(tx.maintenance(m.id).await.unwrap(), checked);
    let stale = Maintenance { version: 2, ..checked };
    assert!(matches!(tx.note_checks(&stale).await, Err(StoreError::Stale(_))));
}

async fn only_drafts_without_a_verdict_can_be_deleted(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let published = window(1, State::Scheduled, 0);
    let asked = window(2, State::Draft, 0);
    for m in [&published, &asked] {
        tx.add_maintenance(m).await.unwrap();
    }
    tx.add_verdict(&verdict(1, asked.id, 0), &Evidence::default()).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    assert!(matches!(tx.delete_draft(published.id, 1).await, Err(StoreError::Stale(_))));
    assert!(matches!(tx.delete_draft(asked.id, 2).await, Err(StoreError::Stale(_))));
    assert!(matches!(tx.delete_draft(asked.id, 1).await, Err(StoreError::Conflict(_))));
}

async fn lists_are_ordered_paged_and_complete(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let all = [
        window(1, State::Draft, 0),
        window(2, State::Scheduled, 300),
        window(3, State::Held, 100),
        window(4, State::Scheduled, 300),
        window(5, State::Completed, -900),
        window(6, State::Cancelled, -400),
    ];
    for m in &all {
        tx.add_maintenance(m).await.unwrap();
    }
    let open = [State::Scheduled, State::Held];
    let page = tx.maintenances_in(&open, Order::Earliest, None, 2).await.unwrap();
    assert_eq!(page, vec![all[2].clone(), all[1].clone()]);
    let from = page.last().map(|m| (m.planned.starts_at, m.id));
    assert_eq!(numbers(&tx.maintenances_in(&open, Order::Earliest, from, 2).await.unwrap()), [4]);
    let past = [State::Completed, State::Cancelled];
    let newest = tx.maintenances_in(&past, Order::Latest, None, 1).await.unwrap();
    assert_eq!(numbers(&newest), [6]);
    let from = newest.last().map(|m| (m.planned.starts_at, m.id));
    assert_eq!(numbers(&tx.maintenances_in(&past, Order::Latest, from, 9).await.unwrap()), [5]);
    assert_eq!(numbers(&tx.maintenances_in(&State::ALL, Order::Latest, None, 99).await.unwrap()), [4, 2, 3, 1, 6, 5]);
    assert!(tx.maintenances_in(&[], Order::Latest, None, 99).await.unwrap().is_empty());
    assert_eq!(tx.count_maintenances(&open).await.unwrap(), 3);
    assert_eq!(tx.count_waiting(at(0)).await.unwrap(), 1);
    for (n, state, auto_start) in [
        (11, State::Postponed, true),
        (12, State::Verifying, true),
        (13, State::Scheduled, false),
        (14, State::Scheduled, true),
    ] {
        tx.add_maintenance(&Maintenance { auto_start, ..window(n, state, 2000) }).await.unwrap();
    }
    assert_eq!(tx.count_waiting(at(1999)).await.unwrap(), 2);
    assert_eq!(tx.count_waiting(at(2000)).await.unwrap(), 3);
    assert_eq!(tx.count_waiting(at(2120)).await.unwrap(), 4);
    // Of a length of 120 minutes, only the published ones, touching ends do not count.
    let numbers_in = numbers(&tx.maintenances_between(at(-280), at(300)).await.unwrap());
    assert_eq!(numbers_in, [3]);
    assert_eq!(numbers(&tx.maintenances_between(at(-281), at(301)).await.unwrap()), [6, 3, 2, 4]);
}

async fn what_ended_lately_is_found_by_its_end(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let ended = |n, state, start, end| Maintenance { ended_at: Some(at(end)), ..window(n, state, start) };
    let called_off_early = ended(1, State::Cancelled, 9000, -50);
    let unpublished = Maintenance { published_at: None, ..ended(4, State::Cancelled, 0, -10) };
    for m in [
        &called_off_early,
        &ended(2, State::Completed, -400, -100),
        &ended(3, State::Completed, -300, -40),
        &unpublished,
        &window(5, State::Scheduled, 0),
    ] {
        tx.add_maintenance(m).await.unwrap();
    }
    assert_eq!(numbers(&tx.maintenances_ended_after(at(-100), 9).await.unwrap()), [3, 1]);
    assert_eq!(numbers(&tx.maintenances_ended_after(at(-101), 9).await.unwrap()), [3, 1, 2]);
    assert_eq!(numbers(&tx.maintenances_ended_after(at(-101), 1).await.unwrap()), [3]);
}

async fn what_was_under_way_is_found_by_when_it_did_start_and_end(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let ran = |n, state, planned, from, to: Option<i64>| Maintenance {
        started_at: Some(at(from)),
        ended_at: to.map(at),
        ..window(n, state, planned)
    };
    let unpublished = Maintenance { published_at: None, ..ran(9, State::Completed, 0, -5, Some(60)) };
    for m in [
        &ran(1, State::Completed, 0, -5, Some(60)),
        &ran(2, State::Completed, -9000, -9000, Some(-10)),
        &ran(3, State::InProgress, -8000, -7990, None),
        &ran(4, State::Completed, -300, -300, Some(-100)),
        &ran(5, State::Completed, -300, 1, Some(100)),
        &ran(6, State::Cancelled, 50, -4, Some(-3)),
        &window(7, State::Cancelled, -60),
        &window(8, State::Scheduled, -60),
        &unpublished,
    ] {
        tx.add_maintenance(m).await.unwrap();
    }
    assert_eq!(numbers(&tx.maintenances_until(at(-5), at(-100), 9).await.unwrap()), [1, 3, 2]);
    assert_eq!(numbers(&tx.maintenances_until(at(0), at(-101), 9).await.unwrap()), [1, 3, 6, 4, 2]);
    assert_eq!(numbers(&tx.maintenances_until(at(0), at(-101), 2).await.unwrap()), [1, 3]);
    assert_eq!(numbers(&tx.maintenances_until(at(60), at(59), 9).await.unwrap()), [5, 3, 1], "not over at its end");
    assert_eq!(numbers(&tx.maintenances_until(at(60), at(60), 9).await.unwrap()), [5, 3]);
    assert!(tx.maintenances_until(at(-9001), at(-9999), 9).await.unwrap().is_empty());
}

async fn windows_are_due_from_their_instant_on(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let silent = Maintenance { next_due_at: None, ..window(3, State::Completed, 0) };
    for m in [&window(1, State::Scheduled, 20), &window(2, State::Scheduled, 10), &silent] {
        tx.add_maintenance(m).await.unwrap();
    }
    let id = |n| MaintenanceId(Uuid::from_u128(n));
    let just_before = at(10) - chrono::TimeDelta::milliseconds(1);
    assert!(tx.due_maintenances(just_before, 9).await.unwrap().is_empty());
    assert_eq!(tx.due_maintenances(at(10), 9).await.unwrap(), [id(2)]);
    assert_eq!(tx.due_maintenances(at(20), 9).await.unwrap(), [id(2), id(1)]);
    assert_eq!(tx.due_maintenances(at(20), 1).await.unwrap(), [id(2)]);
}

fn line(n: u128, of: MaintenanceId, minute: i64) -> Update {
    Update {
        id: UpdateId(Uuid::from_u128(n)),
        maintenance_id: of,
        kind: UpdateKind::Rescheduled,
        body: Prose::parse("Sorry\nabout that").unwrap(),
        at: at(minute),
        author: None,
        old_starts_at: Some(at(-60)),
        old_ends_at: None,
        starts_at: at(0),
        ends_at: at(120),
    }
}

async fn timelines_are_read_newest_first_for_many_windows_at_once(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (a, b) = (window(1, State::Scheduled, 0), window(2, State::Scheduled, 0));
    for m in [&a, &b] {
        tx.add_maintenance(m).await.unwrap();
    }
    let lines = [line(1, a.id, 1), line(2, b.id, 2), line(3, a.id, 3)];
    for line in &lines {
        tx.add_update(line).await.unwrap();
    }
    assert_eq!(tx.updates_of(&[a.id]).await.unwrap(), [lines[2].clone(), lines[0].clone()]);
    assert_eq!(tx.updates_of(&[a.id, b.id]).await.unwrap().len(), 3);
    assert!(tx.updates_of(&[]).await.unwrap().is_empty());
    let many: Vec<MaintenanceId> = (0..1_200).map(|n| MaintenanceId(Uuid::from_u128(n))).collect();
    assert_eq!(tx.updates_of(&many).await.unwrap().len(), 3);
}

pub(super) fn verdict(n: u128, of: MaintenanceId, minute: i64) -> KeptVerdict {
    KeptVerdict {
        id: VerdictId(Uuid::from_u128(n)),
        maintenance_id: of,
        occasion: Occasion::DayBefore,
        verdict: Verdict {
            asked_at: at(minute),
            purpose: Purpose::Start,
            outcome: Outcome::Confirmed { until: Some(at(minute + 240)) },
            protections: vec![],
            warnings: vec![],
            exemptions: vec![],
            restores: vec![],
        },
    }
}

async fn verdicts_are_kept_and_never_change(engine: Engine) {
    let t = started(engine).await;
    let m = window(1, State::Scheduled, 0);
    let kept = [verdict(1, m.id, 1), verdict(2, m.id, 2)];
    let evidence = Evidence { unknown_hosts: vec![Uuid::from_u128(5).into()], ..Evidence::default() };
    let mut tx = t.db.decide().await.unwrap();
    tx.add_maintenance(&m).await.unwrap();
    for kept in &kept {
        tx.add_verdict(kept, &evidence).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    assert_eq!(tx.verdicts_of(m.id, 9).await.unwrap(), [kept[1].clone(), kept[0].clone()]);
    assert_eq!(tx.verdicts_of(m.id, 1).await.unwrap(), [kept[1].clone()]);
    assert_eq!(tx.verdict(kept[0].id).await.unwrap(), (kept[0].clone(), evidence));
    let nobody = VerdictId(Uuid::from_u128(99));
    assert!(matches!(tx.verdict(nobody).await, Err(StoreError::NotFound(_))));
    drop(tx);
    assert!(raw(&t, "update verdicts set confirmed = false").await.is_err());
    assert!(raw(&t, "delete from verdicts").await.is_err());
}

/// A statement that no method makes.
pub(super) async fn raw(t: &TestDb, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::Connection;
    if let Some(path) = t.address.strip_prefix("sqlite:") {
        let mut c = sqlx::SqliteConnection::connect(&format!("sqlite://{path}")).await?;
        sqlx::query(sql).execute(&mut c).await.map(|_| ())
    } else {
        let mut c = sqlx::PgConnection::connect(&t.address).await?;
        sqlx::query(sql).execute(&mut c).await.map(|_| ())
    }
}

async fn every_state_can_be_stored(engine: Engine) {
    let t = started(engine).await;
    let mut tx: Tx = t.db.decide().await.unwrap();
    for (n, state) in (1..).zip(State::ALL) {
        let m = window(n, state, 0);
        tx.add_maintenance(&m).await.unwrap();
        assert_eq!(tx.maintenance(m.id).await.unwrap().state, state);
    }
}

storage::on_both!(
    numbers_are_never_given_twice,
    a_window_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time,
    checks_are_noted_without_a_new_version,
    only_drafts_without_a_verdict_can_be_deleted,
    lists_are_ordered_paged_and_complete,
    what_ended_lately_is_found_by_its_end,
    what_was_under_way_is_found_by_when_it_did_start_and_end,
    windows_are_due_from_their_instant_on,
    timelines_are_read_newest_first_for_many_windows_at_once,
    verdicts_are_kept_and_never_change,
    every_state_can_be_stored,
);

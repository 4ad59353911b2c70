use super::maintenance::{at, started, window};
use chrono::NaiveDate;
use domain::host::Host;
use domain::ids::{ComponentId, HostId, MaintenanceId, SeriesId, UpdateId};
use domain::maintenance::{Fold, Maintenance, Reminders, State, Update, UpdateKind, ZoneMove};
use domain::policy::PolicyOverride;
use domain::series::{Gap, Given, Occurrence, Rule, Series, Timing};
use domain::text::{Name, Prose};
use domain::time::Span;
use storage::StoreError;
use storage::testing::Engine;
use uuid::Uuid;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn series(n: u128) -> Series {
    let start = at(0).naive_utc();
    Series {
        id: SeriesId(Uuid::from_u128(n)),
        title: Name::parse("Updates").unwrap(),
        message: Prose::parse("Sites will be *offline*.").unwrap(),
        hosts: vec![],
        components: vec![],
        timing: Timing {
            zone: "Europe/Berlin".to_owned(),
            start,
            length: Span::minutes(90),
            may_wait: Span::hours(1),
            rule: Rule::parse("FREQ=MONTHLY;INTERVAL=2;BYDAY=1TU,-1SU;COUNT=9", start.date()).unwrap(),
            gap: Gap::Skip,
            fold: Fold::Later,
        },
        auto_start: true,
        auto_complete: false,
        checklist: vec![Name::parse("Sites answer").unwrap(), Name::parse("Mail flows").unwrap()],
        reminders: Reminders::AsSite,
        problem: None,
        ended_at: None,
        created_by: None,
        created_at: at(i64::try_from(n).unwrap()),
        version: 1,
    }
}

fn occurrence(of: &Series, on: &str, m: Option<&Maintenance>) -> Occurrence {
    let given = Given {
        zone: "Europe/Berlin".to_owned(),
        local_start: at(30).naive_utc(),
        start_fold: Some(Fold::Later),
        length: Span::minutes(90),
    };
    Occurrence { series_id: of.id, date: date(on), maintenance_id: m.map(|m| m.id), given }
}

async fn a_series_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let host = Host {
        id: HostId(Uuid::from_u128(40)),
        name: Name::parse("vm3").unwrap(),
        note: String::new(),
        owner: String::new(),
        runs_on: None,
        exemption: None,
        policy: PolicyOverride::default(),
        retired_at: None,
        version: 1,
    };
    tx.insert_host(&host, at(0)).await.unwrap();
    let first = Series { hosts: vec![host.id], ..series(1) };
    tx.add_series(&first).await.unwrap();
    assert_eq!(tx.series(first.id).await.unwrap(), first);
    assert_eq!(tx.open_series_of_host(host.id).await.unwrap(), ["Updates"]);
    assert_eq!(tx.host_references(host.id).await.unwrap().maintenances, 1);
    assert!(tx.open_series_of_component(ComponentId(Uuid::from_u128(1))).await.unwrap().is_empty());
    let start = first.timing.start;
    let changed = Series {
        title: Name::parse("Other").unwrap(),
        message: Prose::default(),
        hosts: vec![],
        timing: Timing {
            zone: "UTC".to_owned(),
            length: Span::hours(3),
            may_wait: Span::default(),
            rule: Rule::parse("FREQ=DAILY;UNTIL=20300101", start.date()).unwrap(),
            gap: Gap::Move,
            fold: Fold::Earlier,
            start,
        },
        auto_start: false,
        auto_complete: true,
        checklist: vec![],
        reminders: Reminders::parse("48 h, 30 min").unwrap(),
        problem: Some("There is no host.".to_owned()),
        ended_at: Some(at(99)),
        ..first.clone()
    };
    tx.update_series(&changed).await.unwrap();
    assert_eq!(tx.series(first.id).await.unwrap(), Series { version: 2, ..changed.clone() });
    assert!(matches!(tx.update_series(&changed).await, Err(StoreError::Stale("series"))));
    tx.note_series_problem(first.id, None).await.unwrap();
    assert_eq!(tx.series(first.id).await.unwrap(), Series { version: 2, problem: None, ..changed });

    tx.add_series(&series(2)).await.unwrap();
    tx.add_series(&series(3)).await.unwrap();
    let ids = |found: Vec<Series>| found.into_iter().map(|s| s.id.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(tx.all_series(false).await.unwrap()), [3, 2, 1]);
    assert_eq!(ids(tx.all_series(true).await.unwrap()), [3, 2]);
    assert!(matches!(tx.series(SeriesId(Uuid::from_u128(9))).await, Err(StoreError::NotFound("series"))));
}

async fn what_a_series_names_must_exist(engine: Engine) {
    let t = started(engine).await;
    let nobody = Uuid::from_u128(77);
    for unknown in [
        Series { hosts: vec![HostId(nobody)], ..series(1) },
        Series { components: vec![ComponentId(nobody)], ..series(1) },
    ] {
        let mut tx = t.db.decide().await.unwrap();
        assert!(matches!(tx.add_series(&unknown).await, Err(StoreError::Conflict(_))));
    }
}

async fn a_date_is_dealt_with_once(engine: Engine) {
    let t = started(engine).await;
    let (one, other) = (series(1), series(2));
    let windows = [window(7, State::Draft, 0), window(8, State::Scheduled, 60), window(9, State::Scheduled, 120)];
    let mut tx = t.db.decide().await.unwrap();
    tx.add_series(&one).await.unwrap();
    tx.add_series(&other).await.unwrap();
    for m in &windows {
        tx.add_maintenance(m).await.unwrap();
    }
    assert!(!tx.series_was_published(one.id).await.unwrap());
    assert_eq!(tx.count_series_waiting().await.unwrap(), 0);
    let [draft, near, far] = [("2014-05-20", 0), ("2014-05-27", 1), ("2014-06-03", 2)]
        .map(|(on, n): (&str, usize)| occurrence(&one, on, windows.get(n)));
    for o in [&far, &draft, &near] {
        tx.add_occurrence(o).await.unwrap();
    }
    assert_eq!(
        tx.occurrences_from(one.id, date("2014-05-20")).await.unwrap(),
        [draft.clone(), near.clone(), far.clone()]
    );
    assert_eq!(tx.occurrences_from(one.id, date("2014-05-21")).await.unwrap(), [near.clone(), far.clone()]);
    let numbers = |found: Vec<Maintenance>| found.iter().map(|m| m.number).collect::<Vec<_>>();
    assert_eq!(numbers(tx.maintenances_of_series(one.id, date("2014-05-27")).await.unwrap()), [8, 9]);
    assert!(tx.maintenances_of_series(other.id, date("2014-05-27")).await.unwrap().is_empty());
    let among = tx.occurrences_among(&[windows[1].id, MaintenanceId(Uuid::from_u128(1))]).await.unwrap();
    assert_eq!((among.len(), among.get(&windows[1].id)), (1, Some(&near)));
    assert!(tx.series_was_published(one.id).await.unwrap());
    assert_eq!(tx.count_series_waiting().await.unwrap(), 1);
    tx.note_series_problem(other.id, Some("x")).await.unwrap();
    assert_eq!(tx.count_series_waiting().await.unwrap(), 2);

    let moved = Occurrence {
        date: date("2014-06-10"),
        given: Given {
            zone: "UTC".to_owned(),
            local_start: at(5).naive_utc(),
            start_fold: None,
            length: Span::hours(1),
        },
        ..far.clone()
    };
    tx.move_occurrence(far.date, &moved).await.unwrap();
    assert!(matches!(tx.move_occurrence(far.date, &moved).await, Err(StoreError::NotFound(_))));
    // A draft that is thrown away leaves its date behind.
    tx.delete_draft(windows[0].id, 1).await.unwrap();
    let gone = Occurrence { maintenance_id: None, ..draft.clone() };
    assert_eq!(tx.occurrences_from(one.id, date("2014-05-20")).await.unwrap(), [gone, near.clone(), moved]);
    tx.commit().await.unwrap();

    for twice in [occurrence(&one, "2014-05-20", None), occurrence(&other, "2014-05-27", windows.get(1))] {
        let mut tx = t.db.decide().await.unwrap();
        assert!(matches!(tx.add_occurrence(&twice).await, Err(StoreError::Conflict("date"))));
    }
    let mut tx = t.db.decide().await.unwrap();
    let taken = Occurrence { date: near.date, ..occurrence(&one, "2014-06-10", windows.get(2)) };
    assert!(matches!(tx.move_occurrence(date("2014-06-10"), &taken).await, Err(StoreError::Conflict("date"))));
}

async fn a_move_is_asked_about_until_it_is_decided_or_the_window_is_elsewhere(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let mut moves = Vec::new();
    for (n, state) in [(7, State::Scheduled), (8, State::Scheduled), (9, State::Cancelled)] {
        let m = window(n, state, i64::try_from(n).unwrap());
        tx.add_maintenance(&m).await.unwrap();
        let update = Update {
            id: UpdateId(Uuid::from_u128(n)),
            maintenance_id: m.id,
            kind: UpdateKind::Rescheduled,
            body: Prose::default(),
            at: at(-10),
            author: None,
            old_starts_at: None,
            old_ends_at: None,
            starts_at: m.planned.starts_at,
            ends_at: m.planned.ends_at,
        };
        tx.add_update(&update).await.unwrap();
        let z = ZoneMove {
            maintenance_id: m.id,
            update_id: update.id,
            old_starts_at: at(-60),
            old_ends_at: at(60),
            starts_at: m.planned.starts_at,
            rules: "2026b".to_owned(),
            found_at: at(-10),
            decided_at: None,
            decided_by: None,
            told: None,
        };
        assert_eq!(tx.zone_move(m.id).await.unwrap(), None);
        tx.put_zone_move(&z).await.unwrap();
        assert_eq!(tx.zone_move(m.id).await.unwrap(), Some(z.clone()));
        moves.push(z);
    }
    assert_eq!(tx.zone_moves_open(at(0)).await.unwrap(), moves[..2]);
    assert_eq!(tx.zone_moves_open(at(7)).await.unwrap(), moves[1..2]);
    let decided = moves[0].clone().decided("Grace".to_owned(), at(1), true);
    tx.put_zone_move(&decided).await.unwrap();
    assert_eq!(tx.zone_move(decided.maintenance_id).await.unwrap(), Some(decided));
    assert_eq!(tx.zone_moves_open(at(0)).await.unwrap(), moves[1..2]);
    // It has another time meanwhile.
    let mut m = tx.maintenance(moves[1].maintenance_id).await.unwrap();
    m.planned.starts_at = at(20);
    tx.update_maintenance(&m).await.unwrap();
    assert!(tx.zone_moves_open(at(0)).await.unwrap().is_empty());
}

storage::on_both!(
    a_series_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time,
    what_a_series_names_must_exist,
    a_date_is_dealt_with_once,
    a_move_is_asked_about_until_it_is_decided_or_the_window_is_elsewhere,
);

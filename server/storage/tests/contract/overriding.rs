use super::maintenance::{at, started, window};
use domain::gate::{Finding, Reason, Scope};
use domain::ids::{ComponentId, HostId, JobId, MaintenanceId, OverrideId, UserId};
use domain::maintenance::{Override, OverrideState, State};
use domain::people::{Role, User};
use domain::text::{Name, Why};
use domain::time::Span;
use std::collections::BTreeSet;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

const OISIN: UserId = UserId(Uuid::from_u128(101));
const GRACE: UserId = UserId(Uuid::from_u128(102));

fn why(text: &str) -> Why {
    Why::parse(text).unwrap()
}

fn asked(n: u128, of: u128) -> Override {
    let reason = Reason::TooOld {
        job: JobId(Uuid::from_u128(3)),
        cut_off: Some(at(-1800)),
        age: Some(Span::hours(30)),
        limit: Span::hours(4),
    };
    let finding = Finding {
        host: Some(HostId(Uuid::from_u128(1))),
        host_name: "vm3".to_owned(),
        data_set: None,
        data_set_name: String::new(),
        reason,
    };
    Override {
        id: OverrideId(Uuid::from_u128(n)),
        maintenance_id: MaintenanceId(Uuid::from_u128(of)),
        state: OverrideState::Asked,
        why: why("The second disk shows errors.\nIt will not last the night."),
        reasons: vec![finding],
        scope: Scope {
            hosts: BTreeSet::from([HostId(Uuid::from_u128(1))]),
            components: BTreeSet::from([ComponentId(Uuid::from_u128(2))]),
        },
        starts_at: at(0),
        ends_at: at(120),
        asked_by: OISIN,
        asked_at: at(-i64::try_from(n).unwrap()),
        confirmed_by: None,
        confirmed_at: None,
        ended_by: None,
        ended_at: None,
        end_why: None,
        version: 1,
    }
}

fn confirmed(o: &Override) -> Override {
    Override { state: OverrideState::Confirmed, confirmed_by: Some(GRACE), confirmed_at: Some(at(0)), ..o.clone() }
}

async fn two_windows_and_two_people(tx: &mut Tx) {
    for (id, name, role) in [(OISIN, "Oisín Kelly", Role::Operator), (GRACE, "Grace Nolan", Role::Approver)] {
        let user = User {
            id,
            email: format!("{}@example.org", id.0.simple()),
            name: Name::parse(name).unwrap(),
            role,
            disabled_at: None,
            has_password: false,
            signed_in_at: None,
            version: 1,
        };
        tx.add_user(&user, "", at(0)).await.unwrap();
    }
    for n in [1, 2] {
        tx.add_maintenance(&window(n, State::Scheduled, 0)).await.unwrap();
    }
}

async fn an_override_comes_back_as_it_was_stored_and_changes_once(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_windows_and_two_people(&mut tx).await;
    let first = asked(9, 1);
    tx.add_override(&first).await.unwrap();
    assert_eq!(tx.overrides_of(first.maintenance_id).await.unwrap(), std::slice::from_ref(&first));
    let refused = Override {
        state: OverrideState::Refused,
        ended_by: Some(GRACE),
        ended_at: Some(at(5)),
        end_why: Some(why("Run the backup first.")),
        ..first.clone()
    };
    tx.update_override(&refused).await.unwrap();
    assert!(matches!(tx.update_override(&confirmed(&first)).await, Err(StoreError::Stale(_))));
    let refused = Override { version: 2, ..refused };
    let second = asked(8, 1);
    tx.add_override(&second).await.unwrap();
    tx.add_override(&asked(7, 2)).await.unwrap();
    assert_eq!(tx.overrides_of(first.maintenance_id).await.unwrap(), [second, refused]);
}

async fn one_is_asked_for_and_one_in_force_at_a_time(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_windows_and_two_people(&mut tx).await;
    tx.add_override(&asked(9, 1)).await.unwrap();
    tx.update_override(&confirmed(&asked(9, 1))).await.unwrap();
    tx.add_override(&asked(8, 1)).await.unwrap();
    tx.commit().await.unwrap();
    for refused in [asked(7, 1), Override { id: OverrideId(Uuid::from_u128(7)), ..confirmed(&asked(9, 1)) }] {
        let mut tx = t.db.decide().await.unwrap();
        let answer = tx.add_override(&refused).await;
        assert!(matches!(answer, Err(StoreError::Conflict("override"))), "{answer:?}");
    }
    let mut tx = t.db.decide().await.unwrap();
    let answer = tx.update_override(&confirmed(&asked(8, 1))).await;
    assert!(matches!(answer, Err(StoreError::Conflict("override"))), "{answer:?}");
}

/// Whatever a program does: what one person says twice is not stored as the word of two.
async fn the_database_knows_that_two_people_are_two(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_windows_and_two_people(&mut tx).await;
    tx.add_override(&asked(9, 1)).await.unwrap();
    tx.commit().await.unwrap();
    for alone in [
        Override { confirmed_by: Some(OISIN), ..confirmed(&asked(9, 1)) },
        Override { confirmed_by: None, ..confirmed(&asked(9, 1)) },
    ] {
        let mut tx = t.db.decide().await.unwrap();
        assert!(matches!(tx.update_override(&alone).await, Err(StoreError::Database(_))));
    }
}

async fn requests_are_shown_to_others_and_windows_in_force_are_known(engine: Engine) {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_windows_and_two_people(&mut tx).await;
    tx.add_override(&asked(8, 1)).await.unwrap();
    tx.add_override(&asked(9, 2)).await.unwrap();
    let ids = |found: Vec<Override>| found.into_iter().map(|o| o.id.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(tx.overrides_asked(GRACE, 99).await.unwrap()), [9, 8]);
    assert_eq!(ids(tx.overrides_asked(GRACE, 1).await.unwrap()), [9]);
    assert!(tx.overrides_asked(OISIN, 99).await.unwrap().is_empty());
    assert_eq!(tx.count_overrides_asked(GRACE).await.unwrap(), 2);
    assert_eq!(tx.count_overrides_asked(OISIN).await.unwrap(), 0);
    let windows = [1, 2, 3].map(|n| MaintenanceId(Uuid::from_u128(n)));
    assert!(tx.overridden_among(&windows).await.unwrap().is_empty());
    tx.update_override(&confirmed(&asked(9, 2))).await.unwrap();
    assert_eq!(tx.overridden_among(&windows).await.unwrap(), BTreeSet::from([windows[1]]));
    assert!(tx.overridden_among(&[]).await.unwrap().is_empty());
    assert_eq!(tx.count_overrides_asked(GRACE).await.unwrap(), 1);
}

async fn a_draft_that_was_asked_about_is_not_removed_and_a_checklist_goes_with_its_draft(engine: Engine) {
    let t: TestDb = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    two_windows_and_two_people(&mut tx).await;
    for n in [5, 6] {
        tx.add_maintenance(&window(n, State::Draft, 0)).await.unwrap();
    }
    tx.add_override(&asked(9, 5)).await.unwrap();
    tx.delete_draft(MaintenanceId(Uuid::from_u128(6)), 1).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let answer = tx.delete_draft(MaintenanceId(Uuid::from_u128(5)), 1).await;
    assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
}

storage::on_both!(
    an_override_comes_back_as_it_was_stored_and_changes_once,
    one_is_asked_for_and_one_in_force_at_a_time,
    the_database_knows_that_two_people_are_two,
    requests_are_shown_to_others_and_windows_in_force_are_known,
    a_draft_that_was_asked_about_is_not_removed_and_a_checklist_goes_with_its_draft,
);

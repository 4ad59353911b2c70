use super::component::component;
use super::maintenance::{at, started, window};
use super::people::two_people;
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId, IncidentUpdateId, UserId};
use domain::incident::lasted::Word;
use domain::incident::{Incident, IncidentState, IncidentUpdate, ReplacedText, Severity};
use domain::maintenance::State;
use domain::people::Role;
use domain::text::{Name, Prose};
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn prose(text: &str) -> Prose {
    Prose::parse(text).unwrap()
}

fn of(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(n))
}

pub(crate) fn incident(n: u128, state: IncidentState, start: i64) -> Incident {
    Incident {
        id: IncidentId(Uuid::from_u128(n)),
        number: i64::try_from(n).unwrap(),
        title: Name::parse("vm3 is gone").unwrap(),
        state,
        severity_override: None,
        components: [(of(11), ComponentState::MajorOutage)].into(),
        worst: ComponentState::MajorOutage,
        draft_text: Prose::default(),
        started_at: at(start),
        published_at: state.is_public().then(|| at(start + 1)),
        resolved_at: (state == IncidentState::Resolved).then(|| at(start + 60)),
        is_backfilled: false,
        maintenance: None,
        created_by: None,
        created_at: at(start),
        updated_at: at(start + 1),
        version: 1,
    }
}

fn update(n: u128, incident: u128, minutes: i64) -> IncidentUpdate {
    IncidentUpdate {
        id: IncidentUpdateId(Uuid::from_u128(n)),
        incident: IncidentId(Uuid::from_u128(incident)),
        state: IncidentState::Identified,
        body: prose("Both disks are *dead*."),
        at: at(minutes),
        author: None,
        author_role: None,
        components: [(of(11), ComponentState::PartialOutage)].into(),
        told: true,
        edited_at: None,
        version: 1,
    }
}

/// A site with two components.
pub(crate) async fn begun(engine: Engine) -> TestDb {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for (n, name) in [(11, "Cluster 11"), (12, "Cluster 12")] {
        tx.insert_component(&component(n, name, None, 1), at(-900)).await.unwrap();
    }
    tx.commit().await.unwrap();
    t
}

async fn an_incident_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time(engine: Engine) {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert_eq!(tx.next_incident_number().await.unwrap(), 1);
    assert_eq!(tx.next_incident_number().await.unwrap(), 2);
    let (ada, _) = two_people(&mut tx).await;
    tx.add_maintenance(&window(42, State::InProgress, 0)).await.unwrap();
    let draft = Incident { draft_text: prose("We look into it."), ..incident(1, IncidentState::Draft, 0) };
    tx.insert_incident(&draft).await.unwrap();
    assert_eq!(tx.incident(draft.id).await.unwrap(), draft);
    let changed = Incident {
        title: Name::parse("vm3 and its guests are gone").unwrap(),
        state: IncidentState::Resolved,
        severity_override: Some(Severity::Minor),
        components: [(of(11), ComponentState::Operational), (of(12), ComponentState::DegradedPerformance)].into(),
        worst: ComponentState::PartialOutage,
        draft_text: Prose::default(),
        started_at: at(-3),
        published_at: Some(at(2)),
        resolved_at: Some(at(90)),
        maintenance: Some(window(42, State::InProgress, 0).id),
        updated_at: at(90),
        ..draft.clone()
    };
    tx.save_incident(&changed, 1).await.unwrap();
    assert!(matches!(tx.save_incident(&changed, 1).await, Err(StoreError::Stale("incident"))));
    assert_eq!(tx.incident(draft.id).await.unwrap(), Incident { version: 2, ..changed.clone() });
    let caused = tx.incidents_of_maintenance(window(42, State::InProgress, 0).id).await.unwrap();
    assert_eq!(caused, [Incident { version: 2, ..changed }]);
    let backfilled =
        Incident { is_backfilled: true, created_by: Some(ada.id), ..incident(2, IncidentState::Resolved, -500) };
    tx.insert_incident(&backfilled).await.unwrap();
    assert_eq!(tx.incident(backfilled.id).await.unwrap(), backfilled);
    assert!(matches!(tx.incident(IncidentId(Uuid::nil())).await, Err(StoreError::NotFound(_))));
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let taken = Incident { number: 2, ..incident(3, IncidentState::Draft, 0) };
    assert!(matches!(tx.insert_incident(&taken).await, Err(StoreError::Conflict("incident"))));
    drop(tx);
    let mut tx = t.db.decide().await.unwrap();
    let unknown = Incident { components: [(of(99), ComponentState::MajorOutage)].into(), ..taken };
    assert!(tx.insert_incident(&Incident { number: 3, ..unknown }).await.is_err());
}

async fn incidents_are_found_by_state_and_by_time(engine: Engine) {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for one in [
        incident(1, IncidentState::Resolved, -500),
        incident(2, IncidentState::Investigating, -100),
        incident(3, IncidentState::Draft, -90),
        incident(4, IncidentState::Monitoring, 10),
        incident(5, IncidentState::Discarded, 20),
        incident(6, IncidentState::Resolved, 30),
    ] {
        tx.insert_incident(&one).await.unwrap();
    }
    let numbers = |found: Vec<Incident>| found.iter().map(|incident| incident.number).collect::<Vec<_>>();
    assert_eq!(numbers(tx.incidents_open().await.unwrap()), [4, 2]);
    assert_eq!(numbers(tx.incident_drafts().await.unwrap()), [3]);
    let between = async |tx: &mut Tx, from, to| numbers(tx.incidents_between(at(from), at(to)).await.unwrap());
    assert_eq!(between(&mut tx, -500, -440).await, [1]);
    assert_eq!(
        between(&mut tx, -440, -100).await,
        Vec::<i64>::new(),
        "the end is no part of it, nor is what begins then"
    );
    assert_eq!(between(&mut tx, -200, 31).await, [6, 4, 2]);
    assert_eq!(between(&mut tx, 500, 600).await, [4, 2], "what is open goes on");
    let past = [IncidentState::Resolved, IncidentState::Discarded];
    assert_eq!(numbers(tx.incidents_before(&past, None, 2).await.unwrap()), [6, 5]);
    let last = (at(20), IncidentId(Uuid::from_u128(5)));
    assert_eq!(numbers(tx.incidents_before(&past, Some(last), 9).await.unwrap()), [1]);
    let named = tx.open_incidents_of_component(of(11)).await.unwrap();
    assert_eq!(named.iter().map(|named| named.number).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(tx.component_references(of(11)).await.unwrap().incidents, 6);
    tx.insert_incident_update(&update(100, 4, 40)).await.unwrap();
    tx.insert_incident_update(&update(101, 4, 30)).await.unwrap();
    let both = [2, 4].map(|n| IncidentId(Uuid::from_u128(n)));
    assert_eq!(tx.last_said(&both).await.unwrap(), [(both[1], at(40))].into(), "of the other nothing was said");
    assert_eq!(tx.last_said(&[]).await.unwrap(), [].into());
    let over = IncidentUpdate { state: IncidentState::Resolved, ..update(102, 4, 40) };
    tx.insert_incident_update(&over).await.unwrap();
    let words = [(over.state, 40), (update(100, 4, 40).state, 40), (update(101, 4, 30).state, 30)];
    let words = words.map(|(state, said)| Word { state, at: at(said) }).to_vec();
    assert_eq!(tx.incident_words(&both).await.unwrap(), [(both[1], words)].into(), "newest first, also of one moment");
    assert_eq!(tx.incident_words(&[]).await.unwrap(), [].into());
}

async fn the_words_of_an_update_are_mended_and_none_are_lost(engine: Engine) {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (ada, bob) = two_people(&mut tx).await;
    for n in [1, 2] {
        tx.insert_incident(&incident(n, IncidentState::Identified, 0)).await.unwrap();
    }
    let by = |user: UserId, role| IncidentUpdate { author: Some(user), author_role: Some(role), ..update(101, 1, 5) };
    let first = IncidentUpdate { told: false, components: [].into(), ..update(100, 1, 5) };
    let (second, other) = (by(ada.id, Role::Approver), update(102, 2, 9));
    for one in [&first, &second, &other] {
        tx.insert_incident_update(one).await.unwrap();
    }
    let ids = [1, 2].map(|n| IncidentId(Uuid::from_u128(n)));
    assert_eq!(tx.incident_updates_of(&ids).await.unwrap(), [other, second.clone(), first]);
    assert_eq!(tx.incident_updates_of(&[]).await.unwrap(), []);
    let mended = IncidentUpdate { body: prose("Both discs."), edited_at: Some(at(20)), ..second.clone() };
    tx.save_incident_update(&mended, &second, Some(bob.id), at(20)).await.unwrap();
    let again = tx.save_incident_update(&mended, &second, Some(bob.id), at(21)).await;
    assert!(matches!(again, Err(StoreError::Stale("update"))));
    let stored = IncidentUpdate { version: 2, ..mended };
    assert_eq!(tx.incident_update(second.id).await.unwrap(), stored);
    assert_eq!(tx.incident_versions(ids[0]).await.unwrap(), (1, 3), "one of two updates was mended");
    let third = IncidentUpdate { body: prose("Both disks."), edited_at: Some(at(30)), ..stored.clone() };
    tx.save_incident_update(&third, &stored, None, at(30)).await.unwrap();
    let replaced = |version, body, minutes, by| ReplacedText {
        update: second.id,
        version,
        body: prose(body),
        replaced_at: at(minutes),
        replaced_by: by,
    };
    let expected = [replaced(2, "Both discs.", 30, None), replaced(1, "Both disks are *dead*.", 20, Some(bob.id))];
    assert_eq!(tx.replaced_texts(ids[0]).await.unwrap(), expected);
    assert_eq!(tx.replaced_texts(ids[1]).await.unwrap(), []);
    assert_eq!(tx.incident_versions(ids[0]).await.unwrap(), (1, 4));
    tx.insert_incident(&incident(3, IncidentState::Draft, 0)).await.unwrap();
    assert_eq!(tx.incident_versions(IncidentId(Uuid::from_u128(3))).await.unwrap(), (1, 0), "nothing was said");
    let none = tx.incident_versions(IncidentId(Uuid::from_u128(9))).await;
    assert!(matches!(none, Err(StoreError::NotFound("incident"))), "{none:?}");
}

storage::on_both!(
    an_incident_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time,
    incidents_are_found_by_state_and_by_time,
    the_words_of_an_update_are_mended_and_none_are_lost,
);

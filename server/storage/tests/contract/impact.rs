use super::component::component;
use super::maintenance::{at, started};
use super::people::two_people;
use domain::component::ComponentState;
use domain::ids::{ComponentId, ImpactId};
use domain::impact::{ComponentOverride, Impact, Known, Source};
use domain::text::Why;
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

const INCIDENT: Uuid = Uuid::from_u128(7);
const WINDOW: Uuid = Uuid::from_u128(42);

fn of(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(n))
}

fn impact(n: u128, component: u128, source: Source, from: i64, to: Option<i64>) -> Impact {
    Impact {
        id: ImpactId(Uuid::from_u128(n)),
        component: of(component),
        known: Known::State(ComponentState::PartialOutage),
        source,
        source_id: if source == Source::Incident { INCIDENT } else { WINDOW },
        from: at(from),
        to: to.map(at),
    }
}

async fn begun(engine: Engine) -> TestDb {
    let t = started(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for (n, name) in [(11, "Cluster 11"), (12, "Cluster 12")] {
        tx.insert_component(&component(n, name, None, 1), at(-900)).await.unwrap();
    }
    tx.commit().await.unwrap();
    t
}

async fn stretches_come_back_by_time_and_end_by_source(engine: Engine) {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let stored = [
        impact(1, 11, Source::Incident, 0, None),
        impact(2, 12, Source::Incident, 5, None),
        impact(3, 11, Source::Maintenance, 10, None),
        Impact { known: Known::Unknown, ..impact(4, 12, Source::Correction, -50, Some(-10)) },
    ];
    for one in &stored {
        tx.insert_impact(one).await.unwrap();
    }
    tx.insert_impact(&impact(5, 11, Source::Incident, 7, Some(7))).await.unwrap();
    let numbers = |found: &[Impact]| found.iter().map(|one| one.id.0.as_u128()).collect::<Vec<_>>();
    let open = tx.open_impacts().await.unwrap();
    assert_eq!(open, [stored[0].clone(), stored[2].clone(), stored[1].clone()]);
    let within = async |tx: &mut Tx, only: Option<&[ComponentId]>, from, to| {
        numbers(&tx.impacts_between(only, at(from), at(to)).await.unwrap())
    };
    assert_eq!(within(&mut tx, None, -50, 1).await, [4, 1]);
    assert_eq!(within(&mut tx, None, -10, 0).await, Vec::<u128>::new(), "ends are no part of it");
    assert_eq!(within(&mut tx, None, 100, 200).await, [1, 2, 3]);
    assert_eq!(within(&mut tx, Some(&[of(12)]), -100, 200).await, [4, 2]);
    assert_eq!(within(&mut tx, Some(&[of(11), of(12), of(99)]), -100, 200).await, [4, 1, 2, 3]);
    assert_eq!(within(&mut tx, Some(&[]), -100, 200).await, Vec::<u128>::new());
    assert_eq!(tx.impacts_between(Some(&[of(12)]), at(-50), at(-49)).await.unwrap(), [stored[3].clone()]);

    tx.end_impacts(Source::Incident, INCIDENT, Some(of(11)), at(20)).await.unwrap();
    let ended = Impact { to: Some(at(20)), ..stored[0].clone() };
    assert_eq!(tx.impacts_of(Source::Incident, INCIDENT).await.unwrap(), [ended.clone(), stored[1].clone()]);
    tx.end_impacts(Source::Incident, INCIDENT, None, at(5)).await.unwrap();
    assert_eq!(tx.impacts_of(Source::Incident, INCIDENT).await.unwrap(), [ended], "no length, no stretch");
    assert_eq!(numbers(&tx.open_impacts().await.unwrap()), [3], "the window's goes on");
    assert_eq!(tx.component_references(of(11)).await.unwrap().stretches, 2);
}

async fn a_stretch_moves_and_goes_where_nothing_is_left_of_it(engine: Engine) {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    for one in [impact(1, 11, Source::Incident, 10, None), impact(2, 12, Source::Incident, 10, Some(60))] {
        tx.insert_impact(&one).await.unwrap();
    }
    let id = |n| ImpactId(Uuid::from_u128(n));
    tx.move_impact(id(1), at(-5), None).await.unwrap();
    tx.move_impact(id(2), at(-5), Some(at(40))).await.unwrap();
    let moved = [impact(1, 11, Source::Incident, -5, None), impact(2, 12, Source::Incident, -5, Some(40))];
    assert_eq!(tx.impacts_of(Source::Incident, INCIDENT).await.unwrap(), moved);
    tx.move_impact(id(2), at(40), Some(at(40))).await.unwrap();
    assert_eq!(tx.impacts_of(Source::Incident, INCIDENT).await.unwrap(), &moved[..1]);
    assert!(matches!(tx.move_impact(id(2), at(0), None).await, Err(StoreError::NotFound("stretch"))));
}

async fn a_state_set_by_hand_is_kept_until_it_is_taken_back(engine: Engine) {
    let t = begun(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (ada, _) = two_people(&mut tx).await;
    assert_eq!(tx.component_override(of(11)).await.unwrap(), None);
    let first = ComponentOverride {
        component: of(11),
        state: ComponentState::UnderMaintenance,
        reason: Why::parse("The provider works on its line.").unwrap(),
        since: at(3),
        set_by: Some(ada.id),
        version: 1,
    };
    tx.set_component_override(&first).await.unwrap();
    assert_eq!(tx.component_override(of(11)).await.unwrap(), Some(first.clone()));
    let other = ComponentOverride {
        state: ComponentState::Operational,
        reason: Why::parse("It works.").unwrap(),
        since: at(4),
        set_by: None,
        version: 2,
        ..first
    };
    tx.set_component_override(&other).await.unwrap();
    assert_eq!(tx.component_overrides().await.unwrap(), [other]);
    tx.remove_component_override(of(11)).await.unwrap();
    assert!(matches!(tx.remove_component_override(of(11)).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.component_overrides().await.unwrap(), []);
}

storage::on_both!(
    stretches_come_back_by_time_and_end_by_source,
    a_stretch_moves_and_goes_where_nothing_is_left_of_it,
    a_state_set_by_hand_is_kept_until_it_is_taken_back,
);

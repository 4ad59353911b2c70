use super::*;
use proptest::prelude::*;

fn component(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(n))
}

fn open(n: u128, state: ComponentState, source: Source) -> Impact {
    Impact {
        id: ImpactId(Uuid::from_u128(n)),
        component: component(n),
        known: Known::State(state),
        source,
        source_id: Uuid::nil(),
        from: Instant::default(),
        to: None,
    }
}

fn any_impact() -> impl Strategy<Value = Impact> {
    let states = prop::sample::select(ComponentState::ALL.to_vec());
    let sources = prop::sample::select(vec![Source::Incident, Source::Maintenance, Source::Override]);
    (0..3_u128, states, sources).prop_map(|(n, state, source)| open(n, state, source))
}

#[test]
fn the_worst_wins_and_falls_back_when_it_ends() {
    let window = open(1, ComponentState::UnderMaintenance, Source::Maintenance);
    let outage = open(1, ComponentState::MajorOutage, Source::Incident);
    let states = |open: &[&Impact]| component_states(open.iter().copied());
    assert_eq!(states(&[&window, &outage]), [(component(1), ComponentState::MajorOutage)].into());
    assert_eq!(states(&[&window]), [(component(1), ComponentState::UnderMaintenance)].into());
    assert_eq!(states(&[]), BTreeMap::new());
    let unknown = Impact { known: Known::Unknown, ..window };
    assert_eq!(states(&[&unknown]), BTreeMap::new(), "nobody can say");
}

#[test]
fn what_was_set_by_hand_holds_over_the_rest() {
    let outage = open(1, ComponentState::MajorOutage, Source::Incident);
    let well = open(1, ComponentState::Operational, Source::Override);
    assert_eq!(component_states([&outage, &well]), BTreeMap::new());
    let slow = open(1, ComponentState::DegradedPerformance, Source::Override);
    assert_eq!(component_states([&slow, &outage]), [(component(1), ComponentState::DegradedPerformance)].into());
    let corrected = open(1, ComponentState::PartialOutage, Source::Correction);
    let states = component_states([&slow, &corrected, &outage]);
    assert_eq!(states, [(component(1), ComponentState::PartialOutage)].into());
}

#[test]
fn better_than_what_incidents_say_hides_an_outage_and_work_hides_one_too() {
    let work = open(1, ComponentState::UnderMaintenance, Source::Maintenance);
    let slow = open(1, ComponentState::DegradedPerformance, Source::Incident);
    let elsewhere = open(2, ComponentState::MajorOutage, Source::Incident);
    let by_hand = open(1, ComponentState::MajorOutage, Source::Override);
    let said = |open: &[&Impact]| said_by_incidents(open.iter().copied(), component(1));
    assert_eq!(said(&[&work, &slow, &elsewhere, &by_hand]), ComponentState::DegradedPerformance);
    assert_eq!(said(&[&work, &elsewhere, &by_hand]), ComponentState::Operational, "no incident names it");
    for (set, hides) in [
        (ComponentState::Operational, true),
        (ComponentState::UnderMaintenance, true),
        (ComponentState::DegradedPerformance, false),
        (ComponentState::MajorOutage, false),
    ] {
        assert_eq!(hides_outage(set, ComponentState::DegradedPerformance), hides, "{set:?}");
        assert!(!hides_outage(set, ComponentState::Operational), "{set:?}");
    }
}

proptest! {
    #[test]
    fn the_order_does_not_matter_and_no_state_comes_from_nowhere(
        mut impacts in prop::collection::vec(any_impact(), 0..12),
    ) {
        let states = component_states(&impacts);
        for (id, state) in &states {
            prop_assert!(impacts.iter().any(|i| i.component == *id && i.known == Known::State(*state)));
        }
        for n in 0..3 {
            let of = |by_hand: bool| {
                let found = impacts.iter().filter(|i| i.component == component(n));
                found.filter(|i| (i.source == Source::Override) == by_hand).filter_map(|i| match i.known {
                    Known::State(state) => Some(state),
                    Known::Unknown => None,
                }).max()
            };
            let expected = of(true).or_else(|| of(false)).unwrap_or(ComponentState::Operational);
            prop_assert_eq!(states.get(&component(n)).copied().unwrap_or(ComponentState::Operational), expected);
        }
        impacts.reverse();
        prop_assert_eq!(states, component_states(&impacts));
    }
}

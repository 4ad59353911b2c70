//! Single steps, the page's sentence, and random lives.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::transition::*;
use super::*;
use crate::component::public_part;
use crate::time::Span;
use proptest::prelude::*;
use uuid::Uuid;

fn at(minutes: i64) -> Instant {
    Span::minutes(minutes).after("2014-05-15T18:55:00Z".parse().unwrap())
}

fn component(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(n))
}

fn prose(text: &str) -> Prose {
    Prose::parse(text).unwrap()
}

fn states(named: &[(u128, ComponentState)]) -> States {
    named.iter().map(|(n, state)| (component(*n), *state)).collect()
}

fn content() -> Content {
    Content {
        title: Name::parse("vm3 is gone").unwrap(),
        severity_override: None,
        components: states(&[(1, ComponentState::MajorOutage), (2, ComponentState::PartialOutage)]),
        started_at: at(0),
        maintenance: None,
    }
}

fn post(state: IncidentState) -> Post {
    Post { state, body: prose("Both disks are dead."), components: States::new(), tell: true }
}

fn drafted() -> Incident {
    draft(IncidentId(Uuid::from_u128(7)), 7, None, at(5), content(), prose("We look into it.")).unwrap()
}

fn opened() -> Incident {
    publish(&drafted(), at(6), post(IncidentState::Investigating)).unwrap().incident
}

#[test]
fn nobody_hears_unasked_of_what_was_entered_afterwards() {
    assert!(opened().tells_unasked() && drafted().tells_unasked());
    assert!(!Incident { is_backfilled: true, ..opened() }.tells_unasked());
}

#[test]
fn only_what_was_once_not_well_is_touched() {
    let incident = Incident {
        components: states(&[(1, ComponentState::PartialOutage), (2, ComponentState::Operational)]),
        ..opened()
    };
    let touched =
        |incident: &Incident, updates: &[IncidentUpdate]| [1, 2, 3].map(|n| incident.touched(component(n), updates));
    assert_eq!(touched(&incident, &[]), [true, false, false]);
    let slow =
        Post { components: states(&[(3, ComponentState::DegradedPerformance)]), ..post(IncidentState::Identified) };
    let change = update(&incident, at(10), slow).unwrap();
    let first = change.update.into_update(IncidentUpdateId(Uuid::nil()), incident.id, None);
    let well = Post { components: states(&[(3, ComponentState::Operational)]), ..post(IncidentState::Monitoring) };
    let change = update(&change.incident, at(20), well).unwrap();
    let second = change.update.into_update(IncidentUpdateId(Uuid::nil()), incident.id, None);
    assert_eq!(touched(&change.incident, &[second, first]), [true, false, true], "it works again");
    assert_eq!(touched(&Incident { is_backfilled: true, ..incident }, &[]), [true; 3]);
}

#[test]
fn what_is_over_or_well_again_concerns_no_component_any_more() {
    let said = |state, component_state| {
        let incident = Incident { state, components: states(&[(1, component_state)]), ..drafted() };
        [1, 2].map(|n| incident.concerns(component(n)))
    };
    for state in IncidentState::ALL {
        let lasts = state == IncidentState::Draft || IncidentState::OPEN.contains(&state);
        assert_eq!(said(state, ComponentState::PartialOutage), [lasts, false], "{state:?}");
        assert_eq!(said(state, ComponentState::Operational), [false, false], "{state:?}");
    }
}

#[test]
fn publishing_begins_at_the_start_and_says_of_which_components() {
    let change = publish(&drafted(), at(6), post(IncidentState::Identified)).unwrap();
    assert_eq!(change.incident.state, IncidentState::Identified);
    assert_eq!((change.incident.published_at, change.incident.draft_text.as_str()), (Some(at(6)), ""));
    let begin = |n, state| ImpactChange::Begin { component: component(n), state, from: at(0) };
    assert_eq!(change.impacts, [begin(1, ComponentState::MajorOutage), begin(2, ComponentState::PartialOutage)]);
    assert_eq!(change.update.components, content().components);
    assert!(change.update.told && change.update.at == at(6));
    assert_eq!(change.incident.severity(), Severity::Critical);
}

#[test]
fn what_is_over_before_it_is_told_leaves_only_history() {
    let change = publish(&drafted(), at(6), post(IncidentState::Resolved)).unwrap();
    let was = |n, state| ImpactChange::Was { component: component(n), state, from: at(0), to: at(6) };
    assert_eq!(change.impacts, [was(1, ComponentState::MajorOutage), was(2, ComponentState::PartialOutage)]);
    assert_eq!(change.incident.resolved_at, Some(at(6)));
    assert!(change.update.components.values().all(|state| *state == ComponentState::Operational));
}

#[test]
fn the_future_is_no_incident() {
    let ahead = Content { started_at: at(6), ..content() };
    let refused = draft(IncidentId(Uuid::nil()), 1, None, at(5), ahead.clone(), Prose::default());
    assert_eq!(refused, Err(Refusal::StartAhead));
    assert_eq!(edit(&drafted(), at(5), ahead, Prose::default()), Err(Refusal::StartAhead));
    assert_eq!(publish(&drafted(), at(-1), post(IncidentState::Investigating)), Err(Refusal::StartAhead));
    assert_eq!(IncidentState::parse_public("scheduled"), Err(UnknownState::Planned));
    assert_eq!(IncidentState::parse_public("draft"), Err(UnknownState::None));
    let planned = Content { components: states(&[(1, ComponentState::UnderMaintenance)]), ..content() };
    assert_eq!(edit(&drafted(), at(5), planned, Prose::default()), Err(Refusal::NotBroken));
}

#[test]
fn an_update_moves_what_it_names_and_leaves_the_rest() {
    let news = Post { components: states(&[(2, ComponentState::Operational)]), ..post(IncidentState::Monitoring) };
    let change = update(&opened(), at(60), news).unwrap();
    assert_eq!(change.impacts, [ImpactChange::End { component: component(2), at: at(60) }]);
    assert_eq!(change.incident.open_states(), states(&[(1, ComponentState::MajorOutage)]));
    assert_eq!(change.update.components, states(&[(2, ComponentState::Operational)]));
    let better =
        Post { components: states(&[(1, ComponentState::DegradedPerformance)]), ..post(IncidentState::Monitoring) };
    let better = update(&change.incident, at(70), better).unwrap();
    let expected = [
        ImpactChange::End { component: component(1), at: at(70) },
        ImpactChange::Begin { component: component(1), state: ComponentState::DegradedPerformance, from: at(70) },
    ];
    assert_eq!(better.impacts, expected);
    assert_eq!(better.incident.severity(), Severity::Critical, "as bad as it was");
}

#[test]
fn resolving_ends_all_and_reopening_begins_anew_from_now() {
    let resolved = update(&opened(), at(60), post(IncidentState::Resolved)).unwrap();
    let end = |n| ImpactChange::End { component: component(n), at: at(60) };
    assert_eq!(resolved.impacts, [end(1), end(2)]);
    assert_eq!((resolved.incident.resolved_at, resolved.incident.open_states()), (Some(at(60)), States::new()));
    let later = update(&resolved.incident, at(90), post(IncidentState::Resolved)).unwrap();
    assert_eq!((later.incident.resolved_at, later.impacts.len()), (Some(at(60)), 0), "one more word opens nothing");
    let again = update(&later.incident, at(120), post(IncidentState::Investigating)).unwrap();
    let begin = |n, state| ImpactChange::Begin { component: component(n), state, from: at(120) };
    assert_eq!(again.impacts, [begin(1, ComponentState::MajorOutage), begin(2, ComponentState::PartialOutage)]);
    assert_eq!(again.incident.resolved_at, None);
    assert_eq!(again.update.components, content().components);
}

#[test]
fn of_what_is_published_only_the_title_the_severity_and_the_cause_can_be_changed() {
    let incident = opened();
    let minor = Content { severity_override: Some(Severity::Minor), ..Content::of(&incident) };
    let edited = edit(&incident, at(10), minor, Prose::default()).unwrap();
    assert_eq!((edited.severity(), edited.updated_at), (Severity::Minor, at(10)));
    let earlier = Content { started_at: at(-5), ..Content::of(&incident) };
    assert_eq!(edit(&incident, at(10), earlier, Prose::default()), Err(Refusal::StartFixed));
    let other = Content { components: States::new(), ..Content::of(&incident) };
    assert_eq!(edit(&incident, at(10), other, Prose::default()), Err(Refusal::ComponentsFixed));
    assert_eq!(edit(&incident, at(10), Content::of(&incident), Prose::default()), Ok(incident));
}

#[test]
fn a_discarded_draft_stays_as_it_is() {
    let gone = discard(&drafted(), at(9)).unwrap();
    let not = |command| Refusal::Not { state: IncidentState::Discarded, command };
    assert_eq!(discard(&gone, at(9)), Err(not(Command::Discard)));
    assert_eq!(publish(&gone, at(9), post(IncidentState::Investigating)), Err(not(Command::Publish)));
    assert_eq!(update(&gone, at(9), post(IncidentState::Resolved)), Err(not(Command::Update)));
    assert_eq!(edit(&gone, at(9), content(), Prose::default()), Err(not(Command::Edit)));
    assert_eq!(not(Command::Publish).to_string(), "This incident is discarded and can not be published.");
    assert!(matches!(discard(&opened(), at(9)), Err(Refusal::Not { .. })));
    assert!(matches!(update(&drafted(), at(9), post(IncidentState::Resolved)), Err(Refusal::Not { .. })));
}

#[test]
fn nothing_is_said_with_no_words_and_no_draft_is_said() {
    let empty = Post { body: prose("  \n"), ..post(IncidentState::Monitoring) };
    assert_eq!(update(&opened(), at(9), empty), Err(Refusal::EmptyBody));
    assert_eq!(update(&opened(), at(9), post(IncidentState::Draft)), Err(Refusal::NotAState));
}

#[test]
fn mending_words_changes_nothing_else() {
    let change = update(&opened(), at(60), post(IncidentState::Monitoring)).unwrap();
    let told = change.update.into_update(IncidentUpdateId(Uuid::nil()), opened().id, None);
    let mended = edit_update(&told, at(70), prose("Both disks were dead.")).unwrap();
    assert_eq!(mended.edited_at, Some(at(70)));
    assert_eq!(IncidentUpdate { body: told.body.clone(), edited_at: None, ..mended }, told);
    assert_eq!(edit_update(&told, at(70), told.body.clone()), Ok(told.clone()));
    assert_eq!(edit_update(&told, at(70), Prose::default()), Err(Refusal::EmptyBody));
}

fn past(minutes: i64, state: IncidentState, named: &[(u128, ComponentState)]) -> PastPost {
    PastPost { at: at(minutes), state, body: prose("It was so."), components: states(named) }
}

fn backfilled(now: i64, posts: Vec<PastPost>) -> Result<Past, Refusal> {
    backfill(IncidentId(Uuid::nil()), 3, None, at(now), content(), posts)
}

#[test]
fn the_past_is_entered_as_it_was_and_nobody_is_told() {
    let posts = vec![
        past(10, IncidentState::Investigating, &[]),
        past(
            30,
            IncidentState::Monitoring,
            &[(1, ComponentState::DegradedPerformance), (2, ComponentState::Operational)],
        ),
        past(90, IncidentState::Resolved, &[]),
    ];
    let past = backfilled(2000, posts).unwrap();
    let was = |n, state, from, to| ImpactChange::Was { component: component(n), state, from: at(from), to: at(to) };
    let expected = [
        was(1, ComponentState::MajorOutage, 0, 30),
        was(2, ComponentState::PartialOutage, 0, 30),
        was(1, ComponentState::DegradedPerformance, 30, 90),
    ];
    assert_eq!(past.impacts, expected);
    assert!(past.updates.iter().all(|update| !update.told));
    assert_eq!(past.updates.iter().map(|update| update.at).collect::<Vec<_>>(), [at(10), at(30), at(90)]);
    let incident = past.incident;
    assert!(incident.is_backfilled && incident.open_states().is_empty());
    assert_eq!((incident.resolved_at, incident.severity()), (Some(at(90)), Severity::Critical));
}

#[test]
fn a_past_that_is_not_over_or_out_of_order_is_refused() {
    let resolved = |minutes| past(minutes, IncidentState::Resolved, &[]);
    let seen = |minutes| past(minutes, IncidentState::Investigating, &[]);
    assert_eq!(backfilled(99, vec![]), Err(Refusal::NotResolved));
    assert_eq!(backfilled(99, vec![seen(5)]), Err(Refusal::NotResolved));
    assert_eq!(backfilled(99, vec![resolved(5), resolved(6)]), Err(Refusal::NotResolved));
    assert_eq!(backfilled(99, vec![resolved(0)]), Err(Refusal::BadEnd));
    assert_eq!(backfilled(99, vec![resolved(100)]), Err(Refusal::BadEnd));
    assert_eq!(backfilled(99, vec![seen(8), seen(7), resolved(9)]), Err(Refusal::OutOfOrder));
    assert_eq!(backfilled(99, vec![seen(-1), resolved(9)]), Err(Refusal::OutOfOrder));
    assert_eq!(backfilled(99, vec![past(5, IncidentState::Draft, &[]), resolved(9)]), Err(Refusal::NotAState));
}

#[test]
fn what_is_broken_comes_first_in_the_sentence_of_the_page() {
    let incident = opened();
    let down = [("Cluster 11", ComponentState::PartialOutage), ("Cluster 12", ComponentState::MajorOutage)];
    assert_eq!(site_sentence(&[&incident], &down, &[]), "Major outage on Cluster 12");
    let slow = [("A", ComponentState::DegradedPerformance), ("B", ComponentState::DegradedPerformance)];
    assert_eq!(site_sentence(&[], &slow, &[]), "Degraded performance on A and B", "set by hand");
    let worked_on = [("A", ComponentState::UnderMaintenance)];
    assert_eq!(site_sentence(&[&incident], &worked_on, &[]), "Investigating: vm3 is gone");
    let minor = Incident { severity_override: Some(Severity::Minor), title: Name::parse("Mail").unwrap(), ..opened() };
    assert_eq!(site_sentence(&[&minor, &incident], &[], &[]), "Investigating: vm3 is gone");
    assert_eq!(site_sentence(&[], &[], &[]), "All systems operational");
}

#[test]
fn the_worst_incident_weighs_most_and_of_two_as_bad_the_newest() {
    let named = |number, severity, minutes| Incident {
        number,
        severity_override: Some(severity),
        started_at: at(minutes),
        ..opened()
    };
    let mut all = [
        named(1, Severity::Minor, 90),
        named(2, Severity::Critical, 0),
        named(3, Severity::Major, 50),
        named(4, Severity::Critical, 5),
        named(5, Severity::Critical, 5),
    ];
    all.sort_by_key(|incident| std::cmp::Reverse(super::weight(incident)));
    assert_eq!(all.each_ref().map(|incident| incident.number), [5, 4, 2, 3, 1]);
}

#[test]
fn what_touches_only_private_components_is_public_nowhere() {
    let id = component;
    let private = [id(1), id(2)].into();
    assert_eq!(public_part([id(1), id(3)], &private), Some([id(3)].into()));
    assert_eq!(public_part([id(1), id(2)], &private), None);
    assert_eq!(public_part([], &private), Some([].into()), "the whole site");
}

#[test]
fn how_bad_it_is_says_nothing_of_what_is_private() {
    let change = publish(&drafted(), at(6), post(IncidentState::Investigating)).unwrap();
    let said = IncidentUpdate {
        id: IncidentUpdateId(Uuid::nil()),
        incident: change.incident.id,
        state: change.update.state,
        body: change.update.body,
        at: change.update.at,
        author: None,
        author_role: None,
        components: change.update.components,
        told: false,
        edited_at: None,
        version: 1,
    };
    let mended = Incident { components: states(&[(1, ComponentState::MajorOutage)]), ..change.incident };
    let without = |hidden: &[u128], of: &Incident| {
        let mut left = of.clone();
        left.hide(&hidden.iter().map(|n| component(*n)).collect(), std::slice::from_ref(&said));
        left
    };
    let left = without(&[1], &mended);
    assert_eq!((left.severity(), left.components), (Severity::Major, States::new()), "as bad as the other one was");
    assert_eq!(without(&[1, 2], &mended).severity(), Severity::None);
    assert_eq!(without(&[3], &mended), mended);
    let decided = Incident { severity_override: Some(Severity::Critical), ..mended };
    assert_eq!(without(&[1], &decided).severity(), Severity::Critical);
}

#[derive(Clone, Debug)]
enum Step {
    Publish(Post),
    Update(Post),
    Discard,
    Edit(States),
}

fn any_states() -> impl Strategy<Value = States> {
    let broken = vec![
        ComponentState::Operational,
        ComponentState::DegradedPerformance,
        ComponentState::PartialOutage,
        ComponentState::MajorOutage,
    ];
    prop::collection::btree_map((0..4_u128).prop_map(component), prop::sample::select(broken), 0..4)
}

fn any_post() -> impl Strategy<Value = Post> {
    (
        prop::sample::select(IncidentState::ALL.to_vec()),
        any_states(),
        any::<bool>(),
        prop::sample::select(vec!["", "News"]),
    )
        .prop_map(|(state, components, tell, text)| Post { state, body: prose(text), components, tell })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any_post().prop_map(Step::Publish),
        6 => any_post().prop_map(Step::Update),
        1 => Just(Step::Discard),
        1 => any_states().prop_map(Step::Edit),
    ]
}

/// Applies what a transition says to the history, as storage does.
fn applied(open: &mut States, closed: &mut Vec<(Instant, Instant)>, changes: &[ImpactChange]) {
    for change in changes {
        match *change {
            ImpactChange::End { component, .. } => assert!(open.remove(&component).is_some(), "nothing to end"),
            ImpactChange::Begin { component, state, .. } => {
                assert!(open.insert(component, state).is_none(), "one stretch at a time");
            }
            ImpactChange::Was { from, to, .. } => closed.push((from, to)),
        }
    }
}

proptest! {
    #[test]
    fn in_any_life_the_open_stretches_are_what_the_incident_says(
        components in any_states(),
        steps in prop::collection::vec((1..50_i64, any_step()), 0..20),
    ) {
        let content = Content { components, ..content() };
        let mut incident = draft(IncidentId(Uuid::nil()), 1, None, at(0), content, Prose::default()).unwrap();
        let (mut open, mut closed, mut now) = (States::new(), Vec::new(), 0);
        for (minutes, step) in steps {
            now += minutes;
            let before = incident.clone();
            let change = match step {
                Step::Publish(post) => publish(&incident, at(now), post),
                Step::Update(post) => update(&incident, at(now), post),
                Step::Discard => {
                    if let Ok(next) = discard(&incident, at(now)) {
                        incident = next;
                    }
                    continue;
                }
                Step::Edit(components) => {
                    let content = Content { components, ..Content::of(&incident) };
                    if let Ok(next) = edit(&incident, at(now), content, Prose::default()) {
                        incident = next;
                    }
                    continue;
                }
            };
            let Ok(change) = change else { continue };
            applied(&mut open, &mut closed, &change.impacts);
            incident = change.incident;
            prop_assert!(incident.state.is_public() && !change.update.body.as_str().is_empty());
            prop_assert!(incident.updated_at >= before.updated_at && incident.worst >= before.worst);
            prop_assert_eq!(incident.resolved_at.is_some(), incident.state == IncidentState::Resolved);
            prop_assert_eq!(&incident.open_states(), &open);
            prop_assert!(closed.iter().all(|(from, to)| from < to));
        }
        prop_assert_eq!(incident.published_at.is_some(), incident.state.is_public());
    }

    #[test]
    fn a_backfilled_past_lies_between_its_start_and_its_end(
        components in any_states(),
        lines in prop::collection::vec((0..40_i64, any_states()), 0..5),
        end in 41..80_i64,
    ) {
        let mut lines = lines;
        lines.sort_by_key(|(minutes, _)| *minutes);
        let mut posts: Vec<PastPost> = lines
            .into_iter()
            .map(|(minutes, components)| PastPost { components, ..past(minutes, IncidentState::Identified, &[]) })
            .collect();
        posts.push(past(end, IncidentState::Resolved, &[]));
        let content = Content { components, ..content() };
        let past = backfill(IncidentId(Uuid::nil()), 1, None, at(100), content, posts).unwrap();
        let mut last: BTreeMap<ComponentId, Instant> = BTreeMap::new();
        for change in &past.impacts {
            let ImpactChange::Was { component, state, from, to } = *change else { panic!("{change:?}") };
            prop_assert!(at(0) <= from && from < to && to <= at(end) && state != ComponentState::Operational);
            prop_assert!(last.insert(component, to).is_none_or(|before| before <= from), "one stretch at a time");
            prop_assert!(past.incident.worst >= state);
        }
    }
}

//! Two people, one window, the reasons of that moment.

use super::checklist::why;
use super::*;
use crate::gate::Protection;
use crate::ids::{DataSetId, JobId, OverrideId};

const OISIN: UserId = UserId(Uuid::from_u128(0xa));
const GRACE: UserId = UserId(Uuid::from_u128(0xb));

/// Reasons over few places, so that random lists often share some. Ages do not matter.
fn finding(place: u8, code: u8, age: i64) -> Finding {
    let job = JobId(Uuid::from_u128(u128::from(place % 2)));
    let reason = match code % 4 {
        0 => Reason::NoJob,
        1 => Reason::TooOld { job, cut_off: None, age: Some(Span::hours(age)), limit: Span::hours(4) },
        2 => Reason::StillRunning { job, started_at: Span::hours(age).after(monday()) },
        _ => Reason::NoHostBehind { component: ComponentId(Uuid::from_u128(u128::from(place))) },
    };
    let is_component = matches!(reason, Reason::NoHostBehind { .. });
    Finding {
        host: (!is_component).then_some(HostId(Uuid::from_u128(1))),
        host_name: "vm3".to_owned(),
        data_set: (!is_component).then_some(DataSetId(Uuid::from_u128(u128::from(place)))),
        data_set_name: String::new(),
        reason,
    }
}

fn any_findings() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::btree_set((0_u8..4, 0_u8..4), 1..6).prop_map(|set| set.into_iter().collect())
}

fn blocked(now: Instant, purpose: Purpose, places: &[(u8, u8)], age: i64) -> Verdict {
    let reasons = places.iter().map(|(place, code)| finding(*place, *code, age)).collect();
    Verdict { outcome: Outcome::Blocked { reasons }, ..no(now, purpose) }
}

fn ask(m: &Maintenance, verdict: &Verdict) -> Result<Override, OverrideRefusal> {
    Override::ask(OverrideId(Uuid::from_u128(1)), m, verdict.asked_at, OISIN, why("The disk dies."), verdict, &[])
}

fn in_force(m: &Maintenance, verdict: &Verdict) -> Override {
    ask(m, verdict).unwrap().confirm(m, verdict.asked_at, GRACE).unwrap()
}

#[test]
fn a_blocked_draft_goes_out_and_starts_by_the_same_override() {
    let m = a_draft();
    let listed = blocked(monday(), Purpose::Schedule, &[(0, 0), (1, 1)], 30);
    let asked = ask(&m, &listed).unwrap();
    assert_eq!((asked.state, asked.reasons.len(), asked.asked_by), (OverrideState::Asked, 2, OISIN));
    // Asking alone opens nothing.
    assert_eq!(asked.apply(&m, listed.clone()), listed);
    let o = asked.confirm(&m, monday(), GRACE).unwrap();
    let verdict = o.apply(&m, listed);
    assert!(verdict.allows() && !verdict.is_confirmed() && verdict.overridden_by() == Some(o.id));
    assert_eq!(verdict.headline(), "To schedule by an override: 2 reasons");
    let m = schedule(&m, monday(), &verdict, &policy()).unwrap().maintenance;
    assert_eq!(m.state, State::Scheduled);
    assert_eq!(o.after(&m, monday(), false), None);

    // At its start the backup of another data set is too old as well: that is not covered.
    let now = planned().starts_at;
    let more = o.apply(&m, blocked(now, Purpose::Start, &[(0, 0), (1, 1), (2, 1)], 60));
    assert!(!more.allows());
    assert_eq!(o.uncovered(&more), [&finding(2, 1, 60)]);
    let held = start(&m, now, &more, Who::Worker, &policy()).unwrap().maintenance;
    assert_eq!((held.state, o.after(&held, now, false)), (State::Held, None));
    let fewer = o.apply(&held, blocked(now, Purpose::Start, &[(1, 1)], 60));
    let running = start(&held, now, &fewer, Who::Worker, &policy()).unwrap().maintenance;
    assert_eq!(running.state, State::InProgress);
    // What was decided stays on record; it opens nothing any more.
    assert_eq!(o.after(&running, now, false), None);
    assert_eq!(o.refuse(&running, now, GRACE, why("Too late.")), Err(OverrideRefusal::NotAhead(State::InProgress)));
}

#[test]
fn it_lapses_with_what_it_does_not_cover() {
    let m = scheduled();
    let now = planned().starts_at;
    let until = Span::minutes(10).after(now);
    let protection = Protection {
        host: HostId(Uuid::from_u128(1)),
        host_name: "vm3".into(),
        data_set: DataSetId(Uuid::from_u128(9)),
        data_set_name: "files".into(),
        cut_off: None,
        age: None,
        limit: Span::hours(4),
        until: Some(until),
        ok: true,
    };
    let listed = Verdict { protections: vec![protection], ..blocked(now, Purpose::Start, &[(0, 0)], 1) };
    let verdict = in_force(&m, &listed).apply(&m, listed);
    assert_eq!(verdict.until(), Some(until));
    assert!(start(&m, now, &verdict, Who::Worker, &policy()).is_ok());
    assert_eq!(start(&m, until, &verdict, Who::Person, &policy()), Err(Refusal::VerdictLapsed));
}

#[test]
fn it_takes_a_second_person_who_says_yes_or_no_once() {
    let m = a_draft();
    let asked = ask(&m, &no(monday(), Purpose::Schedule)).unwrap();
    assert_eq!(asked.confirm(&m, monday(), OISIN), Err(OverrideRefusal::SamePerson));
    assert_eq!(asked.withdraw(&m, monday(), GRACE, why("Mine?")), Err(OverrideRefusal::NotTheAsker));
    let refused = asked.refuse(&m, monday(), GRACE, why("Run the backup first.")).unwrap();
    assert_eq!((refused.state, refused.ended_by), (OverrideState::Refused, Some(GRACE)));
    let withdrawn = asked.withdraw(&m, monday(), OISIN, why("The backup runs.")).unwrap();
    for over in [refused, withdrawn] {
        assert_eq!(over.confirm(&m, monday(), GRACE), Err(OverrideRefusal::Is(over.state)));
        assert_eq!(over.refuse(&m, monday(), GRACE, why("No.")), Err(OverrideRefusal::Is(over.state)));
        assert_eq!(over.after(&m, monday(), true), None);
    }
    let confirmed = asked.confirm(&m, monday(), GRACE).unwrap();
    assert_eq!(confirmed.confirm(&m, monday(), GRACE), Err(OverrideRefusal::Is(OverrideState::Confirmed)));
    let back = confirmed.withdraw(&m, monday(), OISIN, why("The backup runs.")).unwrap();
    assert_eq!((back.state, back.confirmed_by), (OverrideState::Withdrawn, Some(GRACE)));
    assert!(!back.apply(&m, no(monday(), Purpose::Schedule)).allows());
    assert_eq!(confirmed.after(&m, monday(), true).unwrap().state, OverrideState::Void);
}

#[test]
fn it_is_asked_for_once_where_the_gate_has_a_say_and_says_no() {
    let m = a_draft();
    let go = |m: &Maintenance, verdict: &Verdict, others: &[Override]| {
        Override::ask(OverrideId(Uuid::from_u128(2)), m, monday(), GRACE, why("Now."), verdict, others).map(drop)
    };
    let refusal = no(monday(), Purpose::Schedule);
    assert_eq!(go(&m, &yes(monday(), Purpose::Schedule), &[]), Err(OverrideRefusal::NotBlocked));
    let first = ask(&m, &refusal).unwrap();
    assert_eq!(go(&m, &refusal, std::slice::from_ref(&first)), Err(OverrideRefusal::AlreadyAsked));
    let confirmed = first.confirm(&m, monday(), GRACE).unwrap();
    let covered = confirmed.apply(&m, refusal.clone());
    assert_eq!(go(&m, &covered, std::slice::from_ref(&confirmed)), Err(OverrideRefusal::NotBlocked));
    // New reasons may be asked about beside the one in force.
    let more = confirmed.apply(&m, blocked(monday(), Purpose::Schedule, &[(3, 1)], 30));
    assert_eq!(go(&m, &more, std::slice::from_ref(&confirmed)), Ok(()));
    let nothing = Finding { data_set: None, host: None, reason: Reason::NothingNamed, ..finding(0, 0, 0) };
    let nothing = Verdict { outcome: Outcome::Blocked { reasons: vec![nothing] }, ..refusal.clone() };
    assert_eq!(go(&m, &nothing, &[]), Err(OverrideRefusal::NothingNamed));
    for state in [State::Postponed, State::InProgress, State::Verifying, State::Completed, State::Cancelled] {
        assert_eq!(go(&in_state(state), &refusal, &[]), Err(OverrideRefusal::NotAhead(state)));
        let waiting = Override { maintenance_id: in_state(state).id, ..first.clone() };
        assert_eq!(waiting.after(&in_state(state), monday(), false).map(|o| o.state), Some(OverrideState::Void));
    }
}

#[test]
fn refusals_of_an_override_speak_the_users_words() {
    for refusal in [
        OverrideRefusal::NotAhead(State::Completed),
        OverrideRefusal::NotBlocked,
        OverrideRefusal::NothingNamed,
        OverrideRefusal::AlreadyAsked,
        OverrideRefusal::SamePerson,
        OverrideRefusal::NotTheAsker,
        OverrideRefusal::Is(OverrideState::Refused),
        OverrideRefusal::Changed,
    ] {
        let text = refusal.to_string();
        assert!(text.ends_with('.') && text.len() > 20, "{text}");
    }
    for state in OverrideState::ALL {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.as_str()));
    }
}

#[test]
fn customers_read_that_it_goes_ahead_and_not_who_decided_so_nor_why() {
    let m = a_draft();
    let listed = no(monday(), Purpose::Schedule);
    let proof = in_force(&m, &listed).apply(&m, listed.clone()).proof().unwrap();
    assert!(proof.starts_with("This work goes ahead without a confirmed backup; two people"), "{proof}");
    assert!(!proof.contains("disk dies"), "{proof}");
    assert_eq!(listed.proof(), None);
}

proptest! {
    #[test]
    fn it_never_covers_what_it_did_not_list(listed in any_findings(), later in any_findings(), age in 0_i64..90) {
        let m = scheduled();
        let now = planned().starts_at;
        let o = in_force(&m, &blocked(monday(), Purpose::Start, &listed, 1));
        let verdict = blocked(now, Purpose::Start, &later, age);
        let unlisted: Vec<Finding> = later
            .iter()
            .filter(|one| !listed.contains(one))
            .map(|(place, code)| finding(*place, *code, age))
            .collect();
        let uncovered: Vec<Finding> = o.uncovered(&verdict).into_iter().cloned().collect();
        prop_assert_eq!(&uncovered, &unlisted);
        let answer = o.apply(&m, verdict.clone());
        prop_assert_eq!(answer.allows(), unlisted.is_empty());
        prop_assert_eq!(answer.reasons(), verdict.reasons());
        let begun = start(&m, now, &answer, Who::Worker, &policy()).unwrap().maintenance;
        prop_assert_eq!(begun.state == State::InProgress, unlisted.is_empty());
        let early = start(&m, start_plus(-5), &Verdict { asked_at: start_plus(-5), ..answer }, Who::Person, &policy());
        prop_assert_eq!(early.is_ok(), unlisted.is_empty());
    }

    #[test]
    fn only_a_confirmed_one_opens_anything_and_only_its_own_window(
        listed in any_findings(),
        state in prop::sample::select(OverrideState::ALL.to_vec()),
        other_window in any::<bool>(),
    ) {
        let m = scheduled();
        let verdict = blocked(monday(), Purpose::Start, &listed, 1);
        let o = Override { state, ..in_force(&m, &verdict) };
        let id = if other_window { MaintenanceId(Uuid::from_u128(99)) } else { m.id };
        let answer = o.apply(&Maintenance { id, ..m }, verdict);
        prop_assert_eq!(answer.allows(), state == OverrideState::Confirmed && !other_window);
    }

    #[test]
    fn nobody_confirms_what_they_asked_for(
        asker in 0_u128..5,
        confirmer in 0_u128..5,
        state in prop::sample::select(OverrideState::ALL.to_vec()),
    ) {
        let (asker, confirmer) = (UserId(Uuid::from_u128(asker)), UserId(Uuid::from_u128(confirmer)));
        let m = a_draft();
        let o = Override { state, asked_by: asker, ..ask(&m, &no(monday(), Purpose::Schedule)).unwrap() };
        match o.confirm(&m, monday(), confirmer) {
            Ok(o) => {
                prop_assert!(asker != confirmer && state == OverrideState::Asked);
                prop_assert_eq!((o.asked_by, o.confirmed_by), (asker, Some(confirmer)));
            }
            Err(_) => prop_assert!(asker == confirmer || state != OverrideState::Asked),
        }
    }

    #[test]
    fn a_new_time_or_scope_ends_it(confirmed in any::<bool>(), steps in prop::collection::vec(any_step(), 1..25)) {
        let mut m = scheduled();
        let mut now = monday();
        let listed = no(now, Purpose::Start);
        let mut o = if confirmed { in_force(&m, &listed) } else { ask(&m, &listed).unwrap() };
        let bound = |m: &Maintenance| (m.planned.starts_at, m.planned.ends_at, m.hosts.clone(), m.components.clone());
        let first = bound(&m);
        let mut moved = false;
        for (minutes, step) in steps {
            now = step.when(&m, Span::minutes(minutes).after(now));
            let Ok(change) = perform(&m, now, &step) else { continue };
            m = change.maintenance;
            o = o.after(&m, now, false).unwrap_or(o);
            // While work is done its end moves, and nothing is asked any more.
            moved |= m.state.is_ahead() && (bound(&m) != first || m.state == State::Postponed);
            let verdict = o.apply(&m, no(now, Purpose::Start));
            prop_assert!(!moved || !o.state.is_open(), "{:?}", o.state);
            prop_assert!(!moved || !verdict.allows());
            prop_assert_eq!(verdict.allows(), o.state == OverrideState::Confirmed && m.state.is_ahead());
        }
    }
}

//! Every state with every command, the story of a held window, and random lives.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod checklist;
mod overriding;
mod reminder;

use super::transition::*;
use super::*;
use crate::gate::{Finding, Outcome, Purpose, Reason, Verdict};
use crate::policy::Policy;
use proptest::prelude::*;
use uuid::Uuid;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Thursday 15 May, 19:00 to 21:00 UTC, at the latest until 23:00.
fn planned() -> Planned {
    Planned {
        zone: "Europe/Dublin".into(),
        local_start: crate::time::parse_local("2014-05-15 20:00").unwrap(),
        start_fold: None,
        starts_at: at("2014-05-15T19:00:00Z"),
        ends_at: at("2014-05-15T21:00:00Z"),
        latest_end_at: at("2014-05-15T23:00:00Z"),
    }
}

fn moved(hours: i64) -> Planned {
    let p = planned();
    let by = Span::hours(hours);
    Planned {
        local_start: p.local_start + by.delta(),
        starts_at: by.after(p.starts_at),
        ends_at: by.after(p.ends_at),
        latest_end_at: by.after(p.latest_end_at),
        ..p
    }
}

fn start_plus(minutes: i64) -> Instant {
    Span::minutes(minutes).after(planned().starts_at)
}

fn monday() -> Instant {
    at("2014-05-12T10:00:00Z")
}

fn content() -> Edit {
    Edit {
        title: Name::parse("Replace a failed disk in vm3").unwrap(),
        message: Prose::parse("Ten minutes offline.").unwrap(),
        planned: planned(),
        hosts: vec![HostId(Uuid::from_u128(1))],
        components: vec![ComponentId(Uuid::from_u128(12))],
        auto_start: true,
        auto_complete: true,
        reminders: Reminders::default(),
        checklist: vec![],
    }
}

fn prose(text: &str) -> Prose {
    Prose::parse(text).unwrap()
}

fn policy() -> Policy {
    Policy::default()
}

fn verdict(now: Instant, purpose: Purpose, open: bool) -> Verdict {
    let reason = Finding {
        host: None,
        host_name: "vm3".into(),
        data_set: None,
        data_set_name: "image".into(),
        reason: Reason::NoJob,
    };
    Verdict {
        asked_at: now,
        purpose,
        outcome: if open {
            Outcome::Confirmed { until: Some(Span::hours(1).after(now)) }
        } else {
            Outcome::Blocked { reasons: vec![reason] }
        },
        protections: vec![],
        warnings: vec![],
        exemptions: vec![],
        restores: vec![],
    }
}

fn yes(now: Instant, purpose: Purpose) -> Verdict {
    verdict(now, purpose, true)
}

fn no(now: Instant, purpose: Purpose) -> Verdict {
    verdict(now, purpose, false)
}

fn a_draft() -> Maintenance {
    draft(MaintenanceId(Uuid::from_u128(7)), 42, None, monday(), content())
}

pub(super) fn scheduled() -> Maintenance {
    schedule(&a_draft(), monday(), &yes(monday(), Purpose::Schedule), &policy()).unwrap().maintenance
}

fn started() -> Maintenance {
    let now = planned().starts_at;
    start(&scheduled(), now, &yes(now, Purpose::Start), Who::Worker, &policy()).unwrap().maintenance
}

fn held() -> Maintenance {
    let now = planned().starts_at;
    start(&scheduled(), now, &no(now, Purpose::Start), Who::Worker, &policy()).unwrap().maintenance
}

fn in_state(state: State) -> Maintenance {
    match state {
        State::Draft => a_draft(),
        State::Scheduled => scheduled(),
        State::Held => held(),
        State::Postponed => postpone(&held(), start_plus(120), &policy()).unwrap().maintenance,
        State::InProgress => started(),
        State::Verifying => finish(&started(), start_plus(60), Finish::Verifying, &policy()).unwrap().maintenance,
        State::Completed => complete(&started(), start_plus(60), Who::Person, &policy()).unwrap().maintenance,
        State::Cancelled => cancel(&scheduled(), monday(), prose("No."), &policy()).unwrap().maintenance,
    }
}

#[test]
fn states_are_reached_as_their_names_say() {
    for state in State::ALL {
        assert_eq!(in_state(state).state, state);
    }
}

/// What each command does to each state, in the order of [`State::ALL`], with
/// an open gate and 20 minutes after the planned start (`reschedule` and `edit`
/// move the window by a day).
#[test]
fn every_state_knows_every_command() {
    use State::{Cancelled, Completed, Draft, Held, InProgress, Postponed, Scheduled, Verifying};
    type Do = fn(&Maintenance, Instant) -> Result<Change, Refusal>;
    let table: [(Command, Do, [Option<State>; 8]); 12] = [
        (
            Command::Edit,
            |m, now| {
                let edited = Edit { planned: moved(24), ..Edit::of(m) };
                edit(m, now, edited, Some(&yes(now, Purpose::Schedule)), &policy())
            },
            [Some(Draft), Some(Scheduled), Some(Scheduled), Some(Scheduled), None, None, None, None],
        ),
        (
            Command::Schedule,
            |m, now| {
                let m = Maintenance { planned: moved(24), ..m.clone() };
                schedule(&m, now, &yes(now, Purpose::Schedule), &policy())
            },
            [Some(Scheduled), None, None, None, None, None, None, None],
        ),
        (
            Command::Check,
            |m, now| check_ahead(m, now, &yes(now, Purpose::Start), Ahead::Lead, &policy()),
            [None, Some(Scheduled), None, None, None, None, None, None],
        ),
        (
            Command::Start,
            |m, now| start(m, now, &yes(now, Purpose::Start), Who::Person, &policy()),
            [None, Some(InProgress), Some(InProgress), None, None, None, None, None],
        ),
        (
            Command::Postpone,
            |m, _| postpone(m, start_plus(121), &policy()),
            [None, Some(Postponed), Some(Postponed), None, None, None, None, None],
        ),
        (
            Command::Reschedule,
            |m, now| reschedule(m, now, moved(24), &yes(now, Purpose::Schedule), &policy()),
            [None, Some(Scheduled), Some(Scheduled), Some(Scheduled), None, None, None, None],
        ),
        (
            Command::Extend,
            |m, now| extend(m, now, Span::hours(1).after(planned().ends_at), &policy()),
            [None, None, None, None, Some(InProgress), Some(Verifying), None, None],
        ),
        (
            Command::Finish,
            |m, now| finish(m, now, Finish::Verifying, &policy()),
            [None, None, None, None, Some(Verifying), None, None, None],
        ),
        (
            Command::Complete,
            |m, now| complete(m, now, Who::Person, &policy()),
            [None, None, None, None, Some(Completed), Some(Completed), None, None],
        ),
        (
            Command::Tick,
            |m, now| {
                tick(&checklist::listed(m.clone()), now, "RAID is clean", Some(checklist::by("Grace", now)), &policy())
            },
            [None, None, None, None, None, Some(Verifying), None, None],
        ),
        (
            Command::Cancel,
            |m, now| cancel(m, now, prose("The disk holds."), &policy()),
            [
                Some(Cancelled),
                Some(Cancelled),
                Some(Cancelled),
                Some(Cancelled),
                Some(Cancelled),
                Some(Cancelled),
                None,
                None,
            ],
        ),
        (
            Command::Post,
            |m, now| post(m, now, prose("All is well."), &policy()),
            [
                None,
                Some(Scheduled),
                Some(Held),
                Some(Postponed),
                Some(InProgress),
                Some(Verifying),
                Some(Completed),
                Some(Cancelled),
            ],
        ),
    ];
    for (command, act, expected) in table {
        for (state, expected) in State::ALL.into_iter().zip(expected) {
            let m = in_state(state);
            let now = start_plus(20);
            match (act(&m, now), expected) {
                (Ok(change), Some(next)) => {
                    assert_eq!(change.maintenance.state, next, "{command:?} of {state:?}");
                    assert_eq!(change.maintenance.next_due_at, next_due(&change.maintenance, &policy()));
                }
                (Err(refusal), None) => {
                    let message = refusal.to_string();
                    assert!(message.ends_with('.') && message.len() > 20, "{message}");
                    let usual = Refusal::Not { state, command };
                    let other = matches!(
                        (command, state, &refusal),
                        (Command::Edit, InProgress | Verifying, Refusal::UnderWay)
                            | (Command::Post, Draft, Refusal::NotPublished)
                    );
                    assert!(refusal == usual || other, "{command:?} of {state:?}: {refusal:?}");
                }
                (got, wanted) => panic!("{command:?} of {state:?}: {got:?} instead of {wanted:?}"),
            }
        }
    }
}

#[test]
fn publishing_needs_a_confirmed_gate_and_a_start_ahead() {
    let m = a_draft();
    let now = monday();
    let ask = |verdict: &Verdict, now| schedule(&m, now, verdict, &policy());
    assert!(matches!(ask(&no(now, Purpose::Schedule), now), Err(Refusal::Blocked { reasons }) if reasons.len() == 1));
    assert_eq!(ask(&yes(now, Purpose::Start), now), Err(Refusal::NeedsVerdict));
    assert_eq!(ask(&yes(now, Purpose::Schedule), Span::hours(1).after(now)), Err(Refusal::VerdictLapsed));
    let late = start_plus(6);
    assert_eq!(ask(&yes(late, Purpose::Schedule), late), Err(Refusal::StartPassed));
    let just = start_plus(5);
    assert!(ask(&yes(just, Purpose::Schedule), just).is_ok());
    let unsound = Maintenance { planned: Planned { ends_at: planned().starts_at, ..planned() }, ..m.clone() };
    assert_eq!(schedule(&unsound, now, &yes(now, Purpose::Schedule), &policy()), Err(Refusal::BadTimes));

    let change = ask(&yes(now, Purpose::Schedule), now).unwrap();
    assert_eq!(change.maintenance.published_at, Some(now));
    assert_eq!(change.maintenance.sequence, 0);
    let update = change.update.unwrap();
    assert_eq!((update.kind, update.at, update.starts_at), (UpdateKind::Scheduled, now, planned().starts_at));
    assert!(change.tell);
}

#[test]
fn a_timer_looks_a_day_before_then_at_lead_then_at_the_start() {
    let mut m = scheduled();
    let steps =
        [("2014-05-14T19:00:00Z", Due::DayCheck, Ahead::Day), ("2014-05-15T17:30:00Z", Due::LeadCheck, Ahead::Lead)];
    for (when, expected, ahead) in steps {
        let now = at(when);
        let before = now - chrono::TimeDelta::milliseconds(1);
        assert_eq!(m.next_due_at, Some(now));
        assert_eq!(due(&m, before, &policy()), None);
        assert_eq!(due(&m, now, &policy()), Some(expected));
        let asked_before = yes(before, Purpose::Start);
        assert_eq!(check_ahead(&m, before, &asked_before, ahead, &policy()), Err(Refusal::NotDue));
        assert_eq!(check_ahead(&m, now, &asked_before, ahead, &policy()), Err(Refusal::NeedsVerdict));
        // A blocked answer leaves it as it is.
        let change = check_ahead(&m, now, &no(now, Purpose::Start), ahead, &policy()).unwrap();
        assert_eq!((change.update, change.tell), (None, false));
        assert_eq!((change.maintenance.sequence, change.maintenance.updated_at), (m.sequence, m.updated_at));
        m = change.maintenance;
        assert_eq!(check_ahead(&m, now, &no(now, Purpose::Start), ahead, &policy()), Err(Refusal::NotDue));
    }
    assert_eq!(m.next_due_at, Some(planned().starts_at));
    assert_eq!(due(&m, planned().starts_at, &policy()), Some(Due::Start));
}

#[test]
fn what_is_scheduled_late_skips_what_has_passed() {
    let now = at("2014-05-15T18:00:00Z");
    let m = schedule(&a_draft(), now, &yes(now, Purpose::Schedule), &policy()).unwrap().maintenance;
    assert_eq!(m.day_check_at, Some(now));
    assert_eq!(due(&m, now, &policy()), Some(Due::LeadCheck));
    let m = check_ahead(&m, now, &no(now, Purpose::Start), Ahead::Lead, &policy()).unwrap().maintenance;
    assert_eq!((due(&m, now, &policy()), m.next_due_at), (None, Some(planned().starts_at)));
    // Nobody asks ahead any more once the start itself is due.
    let m = scheduled();
    assert_eq!(due(&m, planned().starts_at, &policy()), Some(Due::Start));
    assert_eq!(due(&m, at("2014-05-15T18:00:00Z"), &policy()), Some(Due::LeadCheck));
    let m = check_ahead(&m, at("2014-05-15T18:00:00Z"), &no(monday(), Purpose::Start), Ahead::Lead, &policy());
    assert_eq!(m, Err(Refusal::NeedsVerdict));
}

#[test]
fn a_lead_check_answers_a_missed_day_check_too() {
    let now = at("2014-05-15T18:00:00Z");
    let m = check_ahead(&scheduled(), now, &yes(now, Purpose::Start), Ahead::Lead, &policy()).unwrap().maintenance;
    assert_eq!((m.day_check_at, m.lead_check_at), (Some(now), Some(now)));
}

#[test]
fn a_blocked_start_is_held_and_goes_ahead_by_itself_while_it_fits() {
    let m = held();
    assert_eq!(m.held_at, Some(planned().starts_at));
    assert_eq!(m.next_due_at, Some(start_plus(120)));
    let asked = start_plus(30);
    assert!(matches!(
        start(&m, asked, &no(asked, Purpose::Start), Who::Worker, &policy()),
        Err(Refusal::Blocked { .. })
    ));
    // Exactly at the last instant its two hours still fit before 23:00.
    let last = start_plus(120);
    let change = start(&m, last, &yes(last, Purpose::Start), Who::Worker, &policy()).unwrap();
    let m2 = change.maintenance;
    assert_eq!((m2.state, m2.held_at, m2.started_at), (State::InProgress, None, Some(last)));
    assert_eq!(m2.planned.ends_at, at("2014-05-15T23:00:00Z"));
    assert_eq!((m2.begins_at(), m2.finishes_at()), (last, at("2014-05-15T23:00:00Z")));
    let update = change.update.unwrap();
    assert_eq!((update.old_starts_at, update.old_ends_at), (None, Some(planned().ends_at)));

    let too_late = Span::seconds(1).after(last);
    assert_eq!(start(&m, too_late, &yes(too_late, Purpose::Start), Who::Worker, &policy()), Err(Refusal::NoLongerFits));
    assert_eq!(postpone(&m, start_plus(119), &policy()), Err(Refusal::StillFits));
    assert_eq!(due(&m, last, &policy()), Some(Due::Postpone));
    let change = postpone(&m, last, &policy()).unwrap();
    assert_eq!((change.maintenance.state, change.maintenance.next_due_at), (State::Postponed, None));
    assert!(change.tell);
}

#[test]
fn a_postponed_window_gets_a_new_time_and_is_asked_for_again() {
    let m = in_state(State::Postponed);
    let now = start_plus(130);
    let same = reschedule(&m, now, planned(), &yes(now, Purpose::Schedule), &policy());
    assert_eq!(same, Err(Refusal::StartPassed));
    let change = reschedule(&m, now, moved(48), &yes(now, Purpose::Schedule), &policy()).unwrap();
    let m2 = change.maintenance;
    assert_eq!((m2.state, m2.day_check_at, m2.lead_check_at), (State::Scheduled, None, None));
    assert_eq!(m2.next_due_at, Some(Span::hours(24).after(planned().starts_at)));
    let update = change.update.unwrap();
    assert_eq!(update.kind, UpdateKind::Rescheduled);
    assert_eq!(update.old_starts_at, Some(planned().starts_at));
    assert_eq!(update.old_ends_at, Some(planned().ends_at));
}

#[test]
fn a_person_who_is_early_needs_the_gate_and_is_not_held() {
    let m = scheduled();
    let early = start_plus(-5);
    assert!(matches!(
        start(&m, early, &no(early, Purpose::Start), Who::Person, &policy()),
        Err(Refusal::Blocked { .. })
    ));
    assert_eq!(start(&m, early, &yes(early, Purpose::Start), Who::Worker, &policy()), Err(Refusal::NotDue));
    let m2 = start(&m, early, &yes(early, Purpose::Start), Who::Person, &policy()).unwrap().maintenance;
    assert_eq!((m2.state, m2.begins_at(), m2.finishes_at()), (State::InProgress, early, planned().ends_at));
    assert_eq!(start(&m, early, &yes(early, Purpose::Schedule), Who::Person, &policy()), Err(Refusal::NeedsVerdict));
    // Weeks ahead is no early start.
    let far = Span::days(15).before(planned().starts_at);
    assert_eq!(start(&m, far, &yes(far, Purpose::Start), Who::Person, &policy()), Err(Refusal::NotDue));
}

#[test]
fn a_window_started_by_hand_waits_for_its_person() {
    let by_hand = Maintenance { auto_start: false, auto_complete: false, ..scheduled() };
    let now = start_plus(20);
    assert_eq!(start(&by_hand, now, &yes(now, Purpose::Start), Who::Worker, &policy()), Err(Refusal::ByHand));
    let checked = Maintenance { day_check_at: Some(now), lead_check_at: Some(now), ..by_hand };
    assert_eq!(due(&checked, start_plus(119), &policy()), None);
    assert_eq!(due(&checked, start_plus(120), &policy()), Some(Due::Postpone));
    assert_eq!(postpone(&checked, start_plus(119), &policy()), Err(Refusal::StillFits));
    let change = start(&checked, now, &no(now, Purpose::Start), Who::Person, &policy()).unwrap();
    assert_eq!(change.maintenance.state, State::Held);
    let m = start(&checked, now, &yes(now, Purpose::Start), Who::Person, &policy()).unwrap().maintenance;
    assert_eq!(m.planned.ends_at, planned().ends_at);
    assert_eq!(m.next_due_at, None);
    assert_eq!(complete(&m, planned().ends_at, Who::Worker, &policy()), Err(Refusal::ByHand));

    // Without slack a held window would be given up at once: the person is told instead.
    let tight = Planned { latest_end_at: planned().ends_at, ..planned() };
    let tight = Maintenance { planned: tight, ..checked };
    assert!(matches!(
        start(&tight, now, &no(now, Purpose::Start), Who::Person, &policy()),
        Err(Refusal::Blocked { .. })
    ));
}

#[test]
fn after_an_outage_a_window_starts_late_or_is_postponed() {
    let slack = scheduled();
    let tight = Maintenance { planned: Planned { latest_end_at: planned().ends_at, ..planned() }, ..scheduled() };
    let go = |m: &Maintenance, minutes| {
        let now = start_plus(minutes);
        start(m, now, &yes(now, Purpose::Start), Who::Worker, &policy()).map(|c| c.maintenance.planned.ends_at)
    };
    assert_eq!(go(&tight, 15), Ok(planned().ends_at));
    assert_eq!(go(&tight, 16), Err(Refusal::NoLongerFits));
    assert_eq!(due(&tight, start_plus(14), &policy()), Some(Due::Start));
    assert_eq!(due(&tight, start_plus(15), &policy()), Some(Due::Postpone));
    assert_eq!(go(&slack, 16), Ok(start_plus(136)));
    assert_eq!(due(&slack, start_plus(119), &policy()), Some(Due::Start));
    assert_eq!(due(&slack, start_plus(120), &policy()), Some(Due::Postpone));
}

#[test]
fn work_is_extended_and_finished() {
    let m = started();
    let now = start_plus(60);
    for not_later in [planned().ends_at, now] {
        assert_eq!(extend(&m, now, not_later, &policy()), Err(Refusal::EndNotLater));
    }
    let overdue = start_plus(200);
    assert_eq!(extend(&m, overdue, start_plus(190), &policy()), Err(Refusal::EndNotLater));
    assert_eq!(extend(&m, now, start_plus(15 * 24 * 60), &policy()), Err(Refusal::BadTimes));
    let change = extend(&m, now, start_plus(300), &policy()).unwrap();
    assert_eq!(change.maintenance.planned.latest_end_at, start_plus(300));
    assert_eq!(change.maintenance.next_due_at, Some(start_plus(300)));
    let update = change.update.unwrap();
    assert_eq!((update.old_ends_at, update.ends_at), (Some(planned().ends_at), start_plus(300)));

    let checking = finish(&m, now, Finish::Verifying, &policy()).unwrap();
    assert!(!checking.tell && checking.update.is_some());
    assert_eq!(checking.maintenance.next_due_at, None);
    let done = complete(&checking.maintenance, now, Who::Person, &policy()).unwrap().maintenance;
    assert_eq!((done.ended_at, done.finishes_at()), (Some(now), now));
    assert_eq!(finish(&m, now, Finish::Completed, &policy()).unwrap().maintenance.state, State::Completed);
}

#[test]
fn a_timer_completes_at_the_planned_end_even_when_it_is_late() {
    let m = started();
    assert_eq!(due(&m, start_plus(120), &policy()), Some(Due::Complete));
    assert_eq!(complete(&m, start_plus(119), Who::Worker, &policy()), Err(Refusal::NotDue));
    let done = complete(&m, start_plus(180), Who::Worker, &policy()).unwrap().maintenance;
    assert_eq!(done.ended_at, Some(planned().ends_at));
    assert_eq!(done.updated_at, start_plus(180));
}

#[test]
fn calendars_see_a_length_even_of_work_that_took_none() {
    let now = planned().starts_at;
    let done = complete(&started(), now, Who::Person, &policy()).unwrap().maintenance;
    assert_eq!((done.begins_at(), done.finishes_at()), (now, start_plus(1)));
    // Called off before its start: the planned time.
    let off = in_state(State::Cancelled);
    assert_eq!((off.begins_at(), off.finishes_at()), (planned().starts_at, planned().ends_at));
}

#[test]
fn words_change_freely_but_time_and_scope_ask_the_gate() {
    let now = at("2014-05-13T10:00:00Z");
    let m = scheduled();
    let words = Edit { message: prose("Twenty minutes offline."), ..Edit::of(&m) };
    let change = edit(&m, now, words, None, &policy()).unwrap();
    assert_eq!(change.update.as_ref().map(|u| u.kind), Some(UpdateKind::Changed));
    assert_eq!(change.maintenance.sequence, m.sequence + 1);

    let wider = Edit { hosts: vec![HostId(Uuid::from_u128(1)), HostId(Uuid::from_u128(2))], ..Edit::of(&m) };
    let later = Edit { planned: moved(24), ..Edit::of(&m) };
    for (edited, kind) in [(wider, UpdateKind::Changed), (later, UpdateKind::Rescheduled)] {
        assert_eq!(edit(&m, now, edited.clone(), None, &policy()), Err(Refusal::NeedsVerdict));
        let blocked = edit(&m, now, edited.clone(), Some(&no(now, Purpose::Schedule)), &policy());
        assert!(matches!(blocked, Err(Refusal::Blocked { .. })));
        let change = edit(&m, now, edited, Some(&yes(now, Purpose::Schedule)), &policy()).unwrap();
        assert_eq!(change.update.map(|u| u.kind), Some(kind));
    }

    // The same hosts in another order are the same scope; nothing changed is nothing told.
    let mut twice = Edit::of(&m);
    twice.hosts.push(twice.hosts[0]);
    let change = edit(&m, now, twice, None, &policy()).unwrap();
    assert_eq!((change.update, change.maintenance.sequence), (None, m.sequence));
    assert_eq!(edit(&m, now, Edit::of(&m), None, &policy()).unwrap().maintenance, m);

    // Whether it starts by itself is nothing customers see.
    let by_hand = Edit { auto_start: false, ..Edit::of(&m) };
    let change = edit(&m, now, by_hand, None, &policy()).unwrap();
    assert_eq!((change.update, change.tell, change.maintenance.updated_at), (None, false, m.updated_at));
}

#[test]
fn a_held_window_may_be_given_more_time_to_wait() {
    let m = held();
    let now = start_plus(100);
    let longer = Planned { latest_end_at: start_plus(600), ..planned() };
    let change = edit(&m, now, Edit { planned: longer, ..Edit::of(&m) }, None, &policy()).unwrap();
    assert_eq!((change.maintenance.state, change.update), (State::Held, None));
    assert_eq!(change.maintenance.next_due_at, Some(start_plus(480)));
    let shorter = Planned { latest_end_at: start_plus(60), ..planned() };
    let refused = edit(&m, now, Edit { planned: shorter, ..Edit::of(&m) }, None, &policy());
    assert_eq!(refused, Err(Refusal::BadTimes));
}

#[test]
fn drafts_change_and_vanish_unseen() {
    let m = a_draft();
    let now = start_plus(0);
    let nothing = Edit { hosts: vec![], components: vec![], planned: moved(24), ..Edit::of(&m) };
    let change = edit(&m, now, nothing, None, &policy()).unwrap();
    assert_eq!((change.update, change.tell, change.maintenance.sequence), (None, false, 0));
    assert_eq!(change.maintenance.updated_at, now);
    let change = cancel(&m, now, prose(""), &policy()).unwrap();
    assert_eq!((change.maintenance.state, change.update, change.tell), (State::Cancelled, None, false));
    assert_eq!(post(&change.maintenance, now, prose("x"), &policy()), Err(Refusal::NotPublished));
    assert_eq!(post(&scheduled(), now, prose(" \n"), &policy()), Err(Refusal::EmptyBody));
}

#[test]
fn while_work_is_done_only_words_change() {
    let m = started();
    let now = start_plus(10);
    for edited in [
        Edit { planned: moved(1), ..Edit::of(&m) },
        Edit { planned: Planned { latest_end_at: start_plus(600), ..planned() }, ..Edit::of(&m) },
        Edit { components: vec![], ..Edit::of(&m) },
        Edit { auto_start: false, ..Edit::of(&m) },
    ] {
        assert_eq!(edit(&m, now, edited, Some(&yes(now, Purpose::Schedule)), &policy()), Err(Refusal::UnderWay));
    }
    let by_hand = Edit { title: Name::parse("Replace two disks").unwrap(), auto_complete: false, ..Edit::of(&m) };
    let change = edit(&m, now, by_hand, None, &policy()).unwrap();
    assert_eq!((change.maintenance.state, change.maintenance.next_due_at), (State::InProgress, None));
    assert_eq!(change.update.map(|u| u.kind), Some(UpdateKind::Changed));
}

#[test]
fn refusals_speak_the_users_words() {
    let refusal = Refusal::Not { state: State::Completed, command: Command::Cancel };
    assert_eq!(refusal.to_string(), "This window is completed and can not be cancelled.");
    let refusal = Refusal::Not { state: State::Draft, command: Command::Start };
    assert_eq!(refusal.to_string(), "This window is a draft and can not be started.");
}

#[test]
fn the_page_says_in_one_sentence_how_things_are() {
    let say = |open: &[(State, &[&str])]| {
        let windows: Vec<Maintenance> = open.iter().map(|(state, _)| in_state(*state)).collect();
        let names = open.iter().map(|(_, names)| names.iter().map(|n| (*n).to_owned()).collect());
        let open: Vec<(&Maintenance, Vec<String>)> = windows.iter().zip(names).collect();
        windows_sentence(&open)
    };
    assert_eq!(say(&[]), "All systems operational");
    assert_eq!(say(&[(State::Scheduled, &["Cluster 12"])]), "All systems operational");
    assert_eq!(say(&[(State::InProgress, &["Cluster 12"])]), "Maintenance is under way on Cluster 12");
    assert_eq!(say(&[(State::Verifying, &["A", "B"])]), "Maintenance is under way on A and B");
    assert_eq!(
        say(&[(State::InProgress, &["A", "B"]), (State::InProgress, &["B", "C"])]),
        "Maintenance is under way on A, B and C"
    );
    assert_eq!(say(&[(State::InProgress, &["A", "B", "C", "D"])]), "Maintenance is under way on 4 components");
    assert_eq!(say(&[(State::InProgress, &[])]), "Maintenance is under way: Replace a failed disk in vm3");
    assert_eq!(say(&[(State::Held, &["Cluster 12"])]), "Maintenance of Cluster 12 is delayed");
    assert_eq!(say(&[(State::Held, &["A"]), (State::InProgress, &["B"])]), "Maintenance is under way on B");
    assert_eq!(State::Held.public_text(), "Delayed: waiting for a backup to be confirmed");
}

#[test]
fn components_behind_the_hosts_are_touched_unless_some_are_named() {
    use crate::gate::{HostNode, Scope, Topology};
    let (vm, guest) = (HostId(Uuid::from_u128(1)), HostId(Uuid::from_u128(2)));
    let (cluster, shell) = (ComponentId(Uuid::from_u128(12)), ComponentId(Uuid::from_u128(13)));
    let topology = Topology {
        hosts: vec![HostNode { id: vm, runs_on: None }, HostNode { id: guest, runs_on: Some(vm) }],
        behind: vec![(cluster, guest), (shell, guest)],
    };
    let host_only = Scope { hosts: [vm].into(), ..Scope::default() };
    assert_eq!(affected_components(&host_only, &topology), [cluster, shell].into());
    let named = Scope { components: [cluster].into(), ..host_only };
    assert_eq!(affected_components(&named, &topology), [cluster].into());
}

/// A step of a random life.
#[derive(Clone, Debug)]
enum Step {
    Do(Command, i64, bool, bool),
    /// Time passes until a timer has something to do; the gate is open or not.
    Due(bool),
}

impl Step {
    fn when(&self, m: &Maintenance, now: Instant) -> Instant {
        match self {
            Self::Due(_) => m.next_due_at.map_or(now, |at| at.max(now)),
            Self::Do(..) => now,
        }
    }
}

fn any_step() -> impl Strategy<Value = (i64, Step)> {
    let command = prop::sample::select(vec![
        Command::Edit,
        Command::Schedule,
        Command::Check,
        Command::Start,
        Command::Start,
        Command::Postpone,
        Command::Reschedule,
        Command::Extend,
        Command::Finish,
        Command::Finish,
        Command::Complete,
        Command::Tick,
        Command::Cancel,
        Command::Post,
    ]);
    let act = (command, -3_i64..60, prop::bool::weighted(0.7), any::<bool>())
        .prop_map(|(command, hours, open, flag)| Step::Do(command, hours, open, flag));
    // Clocks step back now and then.
    (prop_oneof![8 => 0_i64..90, 1 => -30_i64..0], prop_oneof![1 => act, 1 => any::<bool>().prop_map(Step::Due)])
}

fn perform(m: &Maintenance, now: Instant, step: &Step) -> Result<Change, Refusal> {
    let p = policy();
    match *step {
        Step::Due(open) => {
            let go = |purpose| verdict(now, purpose, open);
            match due(m, now, &p) {
                None => Err(Refusal::NotDue),
                Some(Due::DayCheck) => check_ahead(m, now, &go(Purpose::Start), Ahead::Day, &p),
                Some(Due::LeadCheck) => check_ahead(m, now, &go(Purpose::Start), Ahead::Lead, &p),
                Some(Due::Start) => start(m, now, &go(Purpose::Start), Who::Worker, &p),
                Some(Due::Postpone) => postpone(m, now, &p),
                Some(Due::Complete) => complete(m, now, Who::Worker, &p),
            }
        }
        Step::Do(command, hours, open, flag) => {
            let verdict = |purpose| verdict(now, purpose, open);
            let who = if flag { Who::Person } else { Who::Worker };
            let shifted = Span::hours(hours).after(now);
            let fresh = Planned {
                starts_at: shifted,
                ends_at: Span::hours(2).after(shifted),
                latest_end_at: Span::hours(4).after(shifted),
                ..planned()
            };
            match command {
                Command::Edit => {
                    let mut edited = Edit::of(m);
                    match hours % 4 {
                        0 => edited.planned = fresh,
                        1 => edited.message = prose(&hours.to_string()),
                        2 => edited.components.clear(),
                        _ => edited.auto_start = flag,
                    }
                    edit(m, now, edited, Some(&verdict(Purpose::Schedule)), &p)
                }
                Command::Schedule => schedule(m, now, &verdict(Purpose::Schedule), &p),
                Command::Check => check_ahead(m, now, &verdict(Purpose::Start), Ahead::Lead, &p),
                Command::Start => start(m, now, &verdict(Purpose::Start), who, &p),
                Command::Postpone => postpone(m, now, &p),
                Command::Reschedule => reschedule(m, now, fresh, &verdict(Purpose::Schedule), &p),
                Command::Extend => extend(m, now, shifted, &p),
                Command::Finish => finish(m, now, if flag { Finish::Completed } else { Finish::Verifying }, &p),
                Command::Complete if hours > 50 => complete_anyway(m, now, checklist::why("The rest can wait."), &p),
                Command::Complete => complete(m, now, who, &p),
                Command::Tick => tick(m, now, "RAID is clean", flag.then(|| checklist::by("Grace", now)), &p),
                Command::Cancel if hours > 50 => cancel(m, now, prose("No."), &p),
                Command::Cancel => Err(Refusal::NotDue),
                Command::Post => post(m, now, prose("Hello."), &p),
            }
        }
    }
}

/// What a calendar shows of it.
fn shown(m: &Maintenance) -> impl PartialEq + std::fmt::Debug {
    (m.state, m.begins_at(), m.finishes_at(), m.title.clone(), m.message.clone(), m.components.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_the_promises_hold(
        published in any::<bool>(),
        with_list in any::<bool>(),
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        use State::{Cancelled, Completed, Draft, Held, InProgress, Postponed, Scheduled, Verifying};
        let mut m = if published { scheduled() } else { a_draft() };
        if with_list {
            m = checklist::listed(m);
        }
        let mut now = monday();
        for (minutes, step) in steps {
            now = step.when(&m, Span::minutes(minutes).after(now));
            let before = m.clone();
            let Ok(change) = perform(&m, now, &step) else { continue };
            let next = change.maintenance;

            let allowed = match before.state {
                Draft => matches!(next.state, Draft | Scheduled | Cancelled),
                Scheduled => matches!(next.state, Scheduled | Held | Postponed | InProgress | Cancelled),
                Held => matches!(next.state, Held | Scheduled | InProgress | Postponed | Cancelled),
                Postponed => matches!(next.state, Postponed | Scheduled | Cancelled),
                InProgress => matches!(next.state, InProgress | Verifying | Completed | Cancelled),
                Verifying => matches!(next.state, Verifying | Completed | Cancelled),
                ended @ (Completed | Cancelled) => next.state == ended,
            };
            prop_assert!(allowed, "{:?} to {:?}", before.state, next.state);
            prop_assert!(next.sequence >= before.sequence && next.updated_at >= before.updated_at);
            if before.published_at.is_some() {
                prop_assert_eq!(next.published_at, before.published_at);
                let visible = shown(&before) != shown(&next);
                prop_assert!(!visible || next.sequence > before.sequence);
                prop_assert_eq!(next.sequence > before.sequence, change.update.is_some());
            } else if next.published_at.is_none() {
                prop_assert!(change.update.is_none() && !change.tell && next.sequence == 0);
            }
            if let Some(update) = &change.update {
                prop_assert_eq!((update.starts_at, update.ends_at), (next.planned.starts_at, next.planned.ends_at));
                prop_assert_eq!(update.old_ends_at.is_some(), before.planned.ends_at != next.planned.ends_at);
                prop_assert_eq!(update.at, now);
            } else {
                prop_assert!(!change.tell);
            }
            prop_assert!(next.planned.starts_at < next.planned.ends_at);
            prop_assert!(next.planned.ends_at <= next.planned.latest_end_at);
            prop_assert!(next.begins_at() < next.finishes_at());
            prop_assert_eq!(next.started_at.is_some() && next.ended_at.is_none(), next.state.is_under_way());
            prop_assert_eq!(next.held_at.is_some(), next.state == Held);
            prop_assert_eq!(next.ended_at.is_some(), next.state.is_ended());
            prop_assert_eq!(next.next_due_at, next_due(&next, &policy()));
            prop_assert_eq!(
                due(&next, now, &policy()).is_some(),
                next.next_due_at.is_some_and(|at| at <= now),
            );
            prop_assert_eq!((next.id, next.number, next.version), (before.id, before.number, before.version));
            prop_assert!(next.state != Completed || next.open_lines() == 0 || next.done_anyway.is_some());
            prop_assert!(next.state == Completed || next.done_anyway.is_none());
            prop_assert!(next.checklist == before.checklist || before.state == Verifying);
            m = next;
        }
    }

    /// A worker that does what is due comes to rest: it never spins.
    #[test]
    fn doing_what_is_due_ends(steps in prop::collection::vec(any_step(), 1..30), open in any::<bool>()) {
        let mut m = a_draft();
        let mut now = monday();
        for (minutes, step) in steps {
            now = step.when(&m, Span::minutes(minutes.max(0)).after(now));
            if let Ok(change) = perform(&m, now, &step) {
                m = change.maintenance;
            }
            let mut rounds = 0;
            while let Some(what) = due(&m, now, &policy()) {
                let asked = verdict(now, Purpose::Start, open);
                let change = match what {
                    Due::DayCheck => check_ahead(&m, now, &asked, Ahead::Day, &policy()),
                    Due::LeadCheck => check_ahead(&m, now, &asked, Ahead::Lead, &policy()),
                    Due::Start => start(&m, now, &asked, Who::Worker, &policy()),
                    Due::Postpone => postpone(&m, now, &policy()),
                    Due::Complete => complete(&m, now, Who::Worker, &policy()),
                };
                prop_assert!(change.is_ok(), "{:?}: {:?}", what, change);
                m = change.unwrap().maintenance;
                rounds += 1;
                prop_assert!(rounds <= 4);
            }
        }
    }
}

#[test]
fn random_lives_reach_every_state() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let lives = prop::collection::vec(any_step(), 1..40);
    let mut seen = std::collections::BTreeMap::new();
    for life in 0..800 {
        let (mut m, mut now) = (if life % 2 == 0 { scheduled() } else { a_draft() }, monday());
        for (minutes, step) in lives.new_tree(&mut runner).unwrap().current() {
            now = step.when(&m, Span::minutes(minutes).after(now));
            if let Ok(change) = perform(&m, now, &step) {
                m = change.maintenance;
                *seen.entry(m.state).or_insert(0) += 1;
            }
        }
    }
    assert!(State::ALL.iter().all(|state| seen.get(state).is_some_and(|n| *n >= 10)), "{seen:?}");
}

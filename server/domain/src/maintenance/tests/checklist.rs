//! Work that is checked line by line before it is completed.

use super::*;
use crate::text::Why;

pub(super) fn listed(m: Maintenance) -> Maintenance {
    let line = |text: &str| CheckLine { text: Name::parse(text).unwrap(), tick: None };
    Maintenance { checklist: vec![line("RAID is clean"), line("Sites answer")], ..m }
}

pub(super) fn by(name: &str, at: Instant) -> Tick {
    Tick { by: name.to_owned(), at }
}

pub(super) fn why(text: &str) -> Why {
    Why::parse(text).unwrap()
}

fn checking() -> Maintenance {
    finish(&listed(started()), start_plus(60), Finish::Verifying, &policy()).unwrap().maintenance
}

#[test]
fn a_timer_hands_work_with_a_checklist_to_a_person() {
    let m = listed(started());
    let end = planned().ends_at;
    let change = complete(&m, end, Who::Worker, &policy()).unwrap();
    assert_eq!((change.maintenance.state, change.maintenance.ended_at), (State::Verifying, None));
    assert_eq!(change.update.map(|u| u.kind), Some(UpdateKind::Verifying));
    let m = change.maintenance;
    assert_eq!((due(&m, start_plus(5000), &policy()), m.next_due_at), (None, None));
    assert!(matches!(complete(&m, start_plus(5000), Who::Worker, &policy()), Err(Refusal::Not { .. })));
}

#[test]
fn it_is_completed_when_every_line_is_ticked() {
    let mut m = checking();
    let now = start_plus(61);
    assert_eq!(complete(&m, now, Who::Person, &policy()), Err(Refusal::OpenLines { open: 2 }));
    let ticked = |m: &Maintenance, text, who| tick(m, now, text, Some(by(who, now)), &policy());
    for text in ["RAID is clean", "Sites answer"] {
        let change = ticked(&m, text, "Oisín").unwrap();
        assert!(change.update.is_none() && !change.tell);
        assert_eq!((change.maintenance.sequence, change.maintenance.updated_at), (m.sequence, m.updated_at));
        m = change.maintenance;
    }
    // Who ticked it first stands; opened again it is open.
    m = ticked(&m, "Sites answer", "Grace").unwrap().maintenance;
    assert_eq!(m.checklist[1].tick, Some(by("Oisín", now)));
    let open = tick(&m, now, "Sites answer", None, &policy()).unwrap().maintenance;
    let refused = complete(&open, now, Who::Person, &policy()).unwrap_err();
    assert!(refused.to_string().starts_with("1 line is open of the checklist"), "{refused}");
    assert_eq!(ticked(&m, "sites answer", "Grace"), Err(Refusal::NoSuchLine));

    let done = complete(&m, now, Who::Person, &policy()).unwrap().maintenance;
    assert_eq!((done.state, done.done_anyway), (State::Completed, None));
    let needless = complete_anyway(&m, now, why("All is ticked."), &policy()).unwrap().maintenance;
    assert_eq!(needless.done_anyway, None);
}

#[test]
fn with_lines_open_it_is_completed_only_with_a_reason_that_is_kept() {
    let now = start_plus(61);
    for m in [checking(), listed(started())] {
        assert_eq!(complete(&m, now, Who::Person, &policy()), Err(Refusal::OpenLines { open: 2 }));
        let done = complete_anyway(&m, now, why("The rest is checked tomorrow."), &policy()).unwrap().maintenance;
        assert_eq!((done.state, done.ended_at, done.open_lines()), (State::Completed, Some(now), 2));
        assert_eq!(done.done_anyway, Some(why("The rest is checked tomorrow.")));
    }
    for state in [State::Draft, State::Scheduled, State::Held, State::Completed, State::Cancelled] {
        let m = listed(in_state(state));
        assert!(matches!(complete_anyway(&m, now, why("No."), &policy()), Err(Refusal::Not { .. })), "{state:?}");
    }
}

#[test]
fn the_list_is_written_until_it_is_worked_through() {
    let now = start_plus(30);
    let more = |m: &Maintenance| {
        let mut edited = Edit::of(m);
        edited.checklist.push(Name::parse("Mail flows").unwrap());
        edit(m, now, edited, None, &policy())
    };
    for m in [listed(a_draft()), listed(scheduled()), listed(started())] {
        let change = more(&m).unwrap();
        assert_eq!((change.maintenance.checklist.len(), change.update), (3, None), "{:?}", m.state);
    }
    let m = tick(&checking(), now, "Sites answer", Some(by("Grace", now)), &policy()).unwrap().maintenance;
    assert_eq!(more(&m), Err(Refusal::ChecklistFixed));
    let words = Edit { message: prose("Nearly done."), ..Edit::of(&m) };
    assert_eq!(edit(&m, now, words, None, &policy()).unwrap().maintenance.checklist, m.checklist);
}

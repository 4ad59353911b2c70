use super::super::reminder::outdated;
use super::*;
use std::collections::BTreeSet;

const H72: Span = Span::hours(72);
const H24: Span = Span::hours(24);
const H1: Span = Span::hours(1);

fn start() -> Instant {
    planned().starts_at
}

fn before(hours: i64, minutes: i64) -> Instant {
    Span::minutes(hours * 60 + minutes).before(start())
}

fn long_ago() -> Instant {
    before(500, 0)
}

/// Due at an instant when these were settled; the time was announced long ago.
fn due(settled: &[Span], now: Instant) -> (Option<Span>, Vec<Span>) {
    due_of(State::Scheduled, long_ago(), settled, now)
}

fn due_of(state: State, announced_at: Instant, settled: &[Span], now: Instant) -> (Option<Span>, Vec<Span>) {
    let (leads, settled) = (Leads::default(), settled.iter().copied().collect());
    let Settling { send, passed } =
        Reminding { state, starts_at: start(), announced_at, leads: &leads, settled: &settled }.due(now);
    (send, passed)
}

#[test]
fn each_goes_at_its_instant() {
    assert_eq!(due(&[], before(72, 1)), (None, vec![]));
    assert_eq!(due(&[], before(72, 0)), (Some(H72), vec![]));
    assert_eq!(due(&[H72], before(30, 0)), (None, vec![]));
    assert_eq!(due(&[H72], before(24, 0)), (Some(H24), vec![]));
    assert_eq!(due(&[H72, H24], before(1, 0)), (Some(H1), vec![]));
    assert_eq!(due(&[H72, H24, H1], before(0, 1)), (None, vec![]));
}

#[test]
fn of_several_that_were_missed_only_the_newest_goes() {
    assert_eq!(due(&[], before(20, 0)), (Some(H24), vec![H72]));
    assert_eq!(due(&[], before(0, 10)), (Some(H1), vec![H72, H24]));
    assert_eq!(due(&[H72], before(0, 10)), (Some(H1), vec![H24]));
}

#[test]
fn nobody_is_reminded_of_what_has_begun() {
    for now in [start(), start_plus(1), start_plus(600)] {
        assert_eq!(due(&[], now), (None, vec![]));
    }
}

#[test]
fn only_scheduled_windows_have_reminders() {
    for state in State::ALL {
        let (send, passed) = due_of(state, long_ago(), &[], before(24, 0));
        assert_eq!((send.is_some(), passed.is_empty()), (state == State::Scheduled, state != State::Scheduled));
    }
}

#[test]
fn who_was_told_the_time_a_moment_ago_is_not_reminded_of_it() {
    // Announced 24 h 10 min before: the reminder of 72 h had passed, the one of 24 h comes too soon after.
    let announced = before(24, 10);
    assert_eq!(due_of(State::Scheduled, announced, &[], announced), (None, vec![H72]));
    assert_eq!(due_of(State::Scheduled, announced, &[H72], before(24, 0)), (None, vec![H24]));
    assert_eq!(due_of(State::Scheduled, announced, &[H72, H24], before(1, 0)), (Some(H1), vec![]));
    let in_time = before(24, 15);
    assert_eq!(due_of(State::Scheduled, in_time, &[H72], before(24, 0)), (Some(H24), vec![]));
}

#[test]
fn what_is_coming_is_what_will_go() {
    let (leads, settled) = (Leads::default(), BTreeSet::from([H72]));
    let of = |announced_at| Reminding {
        state: State::Scheduled,
        starts_at: start(),
        announced_at,
        leads: &leads,
        settled: &settled,
    };
    assert_eq!(of(long_ago()).coming(before(50, 0)), [(H24, before(24, 0)), (H1, before(1, 0))]);
    assert_eq!(of(before(24, 5)).coming(before(24, 5)), [(H1, before(1, 0))]);
    assert_eq!(Reminding { state: State::Held, ..of(long_ago()) }.coming(before(50, 0)), []);
}

#[test]
fn a_reminder_that_waited_too_long_is_not_sent() {
    let m = scheduled();
    assert_eq!(outdated(&m, start(), before(1, 0)), None);
    assert_eq!(outdated(&m, start(), start()), Some("the start has passed"));
    assert_eq!(outdated(&m, before(1, 0), before(2, 0)), Some("the maintenance has another time"));
    for state in State::ALL.into_iter().filter(|state| *state != State::Scheduled) {
        assert!(outdated(&in_state(state), start(), before(1, 0)).is_some(), "{state:?}");
    }
}

#[test]
fn lists_of_lead_times_are_read_in_any_order() {
    assert_eq!(Leads::parse("1 h, 72 h; 24h"), Ok(Leads::default()));
    assert_eq!(Leads::parse("1 h, 60 min").unwrap().iter().collect::<Vec<_>>(), [H1]);
    assert_eq!(Leads::parse(" None ").unwrap(), Leads::none());
    assert_eq!(Reminders::parse("default"), Ok(Reminders::AsSite));
    assert_eq!(Reminders::parse("none"), Ok(Reminders::Own(Leads::none())));
    assert_eq!(Leads::parse(" , "), Err(LeadsError::Empty));
    assert_eq!(Leads::parse("1 min"), Err(LeadsError::Range(Span::minutes(1))));
    assert_eq!(Leads::parse("31 d").unwrap_err().to_string(), "31 d is not between 5 min and 30 d.");
    assert_eq!(Leads::parse("1 h, 2 h, 3 h, 4 h, 5 h, 6 h, 7 h"), Err(LeadsError::TooMany));
    assert!(matches!(Leads::parse("soon"), Err(LeadsError::Span(_))));
}

#[test]
fn a_window_of_before_reminders_has_those_of_the_site() {
    let mut json = serde_json::to_value(scheduled()).unwrap();
    json.as_object_mut().unwrap().remove("reminders");
    let m: Maintenance = serde_json::from_value(json).unwrap();
    assert_eq!(m.reminders, Reminders::AsSite);
}

fn some_leads(most: i64) -> impl Strategy<Value = Leads> {
    prop::collection::vec(5..=most, 0..=MAX_LEADS)
        .prop_map(|minutes| Leads::new(minutes.into_iter().map(Span::minutes)).unwrap())
}

/// What happens to a window while somebody looks again and again.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The clock shows so many minutes before the first start, and somebody looks.
    Look(i64),
    /// The window moves by so many minutes, announced when it was last looked at.
    Move(i64),
}

fn some_steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        prop_oneof![4 => (-3_000_i64..50_000).prop_map(Step::Look), 1 => (-5_000_i64..5_000).prop_map(Step::Move)],
        1..60,
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_back(leads in some_leads(43_200)) {
        prop_assert_eq!(Leads::parse(&leads.to_input()).unwrap(), leads.clone());
        let own = Reminders::Own(leads);
        prop_assert_eq!(Reminders::parse(&own.to_input()).unwrap(), own);
    }

    /// Whatever the clock does, and however often the process begins anew: what is settled is all it remembers.
    #[test]
    fn none_goes_twice_nor_early_nor_after_the_start_nor_after_a_nearer_one(
        leads in some_leads(43_200), steps in some_steps(), announced in 0_i64..50_000,
    ) {
        let mut starts_at = start();
        let mut announced_at = Span::minutes(announced).before(start());
        let mut now = announced_at;
        let mut stored: BTreeSet<(Instant, Span)> = BTreeSet::new();
        let mut sent: Vec<(Instant, Span)> = Vec::new();
        for step in steps {
            match step {
                Step::Move(minutes) => {
                    starts_at = Span::minutes(minutes).after(starts_at);
                    announced_at = now;
                }
                Step::Look(minutes) => {
                    now = Span::minutes(minutes).before(start());
                    let settled = stored.iter().filter(|(at, _)| *at == starts_at).map(|(_, lead)| *lead).collect();
                    let all =
                        Reminding { state: State::Scheduled, starts_at, announced_at, leads: &leads, settled: &settled };
                    let coming = all.coming(now);
                    let due = all.due(now);
                    if let Some(lead) = due.send {
                        prop_assert!(now < starts_at && all.at(lead) <= now);
                        prop_assert!(all.at(lead) >= TOLD_JUST_NOW.after(announced_at));
                        prop_assert!(sent.iter().all(|(at, nearer)| *at != starts_at || lead < *nearer));
                        sent.push((starts_at, lead));
                    }
                    for lead in due.send.into_iter().chain(due.passed) {
                        prop_assert!(stored.insert((starts_at, lead)), "settled twice");
                    }
                    let settled = stored.iter().filter(|(at, _)| *at == starts_at).map(|(_, lead)| *lead).collect();
                    let after = Reminding { settled: &settled, ..all };
                    prop_assert!(after.due(now).is_empty(), "one look is enough");
                    prop_assert_eq!(after.coming(now), coming, "a look changes nothing that lies ahead");
                }
            }
        }
    }

    #[test]
    fn who_looks_every_minute_sends_each_exactly_once(leads in some_leads(1_200), announced in 100_i64..1_500) {
        let announced_at = Span::minutes(announced).before(start());
        let (mut settled, mut sent) = (BTreeSet::new(), Vec::new());
        for minute in (-5..=announced).rev() {
            let now = Span::minutes(minute).before(start());
            let due = Reminding {
                state: State::Scheduled, starts_at: start(), announced_at, leads: &leads, settled: &settled,
            }.due(now);
            sent.extend(due.send);
            settled.extend(due.send.into_iter().chain(due.passed));
        }
        let expected: Vec<Span> =
            leads.iter().filter(|lead| *lead <= Span::minutes(announced - 15)).collect();
        prop_assert_eq!(sent, expected);
    }
}

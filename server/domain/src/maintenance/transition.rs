//! What may become of a window. Each function takes a window and gives back the
//! window as it becomes, or the refusal; none changes anything by itself.
//!
//! Of every published window these hold: its calendar sequence rises with every
//! visible change and never falls, `updated_at` never moves back, what has ended
//! stays ended. `version` is left to storage.

use super::checklist::renewed;
use super::{CheckLine, Maintenance, NewUpdate, Planned, Reminders, State, Tick, UpdateKind};
use crate::gate::{Finding, Purpose, Verdict};
use crate::ids::{ComponentId, HostId, MaintenanceId, UserId};
use crate::maintenance::plan::MAX_LENGTH;
use crate::policy::Policy;
use crate::text::{Name, Prose, Why};
use crate::time::{Instant, Span};
use std::collections::BTreeSet;
use thiserror::Error;

/// A start that lies this little in the past is still taken: the form took a moment to fill in.
pub const START_GRACE: Span = Span::minutes(5);

/// A window that nobody started in time (we were not running) still starts by
/// itself this long after its start, up to its planned end. Later than that its
/// whole length must fit, as for a held one.
pub const LATE_START: Span = Span::minutes(15);

/// A day ahead, everything is asked for once.
pub const DAY_AHEAD: Span = Span::hours(24);

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A timer.
    Worker,
    /// A person or a program on behalf of one.
    Person,
}

/// Which check before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ahead {
    /// 24 hours before.
    Day,
    /// At the policy's `lead`, when missing runs are requested.
    Lead,
}

/// How work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// It is over.
    Completed,
    /// It is done and is being checked.
    Verifying,
}

/// What a timer has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// [`check_ahead`] with [`Ahead::Day`].
    DayCheck,
    /// [`check_ahead`] with [`Ahead::Lead`].
    LeadCheck,
    /// [`start`].
    Start,
    /// [`postpone`].
    Postpone,
    /// [`complete`].
    Complete,
}

/// What a person can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What will be done.
    pub title: Name,
    /// What customers read.
    pub message: Prose,
    /// When.
    pub planned: Planned,
    /// Hosts by hand.
    pub hosts: Vec<HostId>,
    /// Components by hand.
    pub components: Vec<ComponentId>,
    /// Starts by itself.
    pub auto_start: bool,
    /// Completes by itself.
    pub auto_complete: bool,
    /// Which reminders subscribers get.
    pub reminders: Reminders,
    /// What is to be checked before it is completed.
    pub checklist: Vec<Name>,
}

impl Edit {
    /// The window as it is, to change a part of it.
    #[must_use]
    pub fn of(m: &Maintenance) -> Self {
        Self {
            title: m.title.clone(),
            message: m.message.clone(),
            planned: m.planned.clone(),
            hosts: m.hosts.clone(),
            components: m.components.clone(),
            auto_start: m.auto_start,
            auto_complete: m.auto_complete,
            reminders: m.reminders.clone(),
            checklist: m.checklist.iter().map(|line| line.text.clone()).collect(),
        }
    }
}

/// What a transition leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The window as it becomes; store it.
    pub maintenance: Maintenance,
    /// The line of its timeline, if customers see one.
    pub update: Option<NewUpdate>,
    /// Subscribers hear of it.
    pub tell: bool,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// [`edit`].
    Edit,
    /// [`schedule`].
    Schedule,
    /// [`check_ahead`].
    Check,
    /// [`start`].
    Start,
    /// [`postpone`].
    Postpone,
    /// [`reschedule`].
    Reschedule,
    /// [`extend`].
    Extend,
    /// [`finish`].
    Finish,
    /// [`complete`].
    Complete,
    /// [`tick`].
    Tick,
    /// [`cancel`].
    Cancel,
    /// [`post`].
    Post,
}

impl Command {
    const fn text(self) -> &'static str {
        match self {
            Self::Edit => "changed",
            Self::Schedule => "scheduled",
            Self::Check => "checked ahead",
            Self::Start => "started",
            Self::Postpone => "postponed",
            Self::Reschedule => "given a new time",
            Self::Extend => "extended",
            Self::Finish => "finished",
            Self::Complete => "completed",
            Self::Tick => "ticked off",
            Self::Cancel => "cancelled",
            Self::Post => "given an update",
        }
    }
}

/// Why not, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not from this state.
    #[error("This window is {} and can not be {}.", state.text(), command.text())]
    Not {
        /// Where it stands.
        state: State,
        /// What was tried.
        command: Command,
    },
    /// The gate is blocked.
    #[error("Not safe yet: the backups it depends on are not confirmed.")]
    Blocked {
        /// All that stands against it.
        reasons: Vec<Finding>,
    },
    /// The gate was not asked, or for another purpose.
    #[error("The backups must be checked first.")]
    NeedsVerdict,
    /// The gate's answer has lapsed since.
    #[error("The check of the backups has lapsed. Check again.")]
    VerdictLapsed,
    /// A timer came too early.
    #[error("It is not time for this yet.")]
    NotDue,
    /// Only a person may do it.
    #[error("This window is to be started and completed by hand.")]
    ByHand,
    /// The start is in the past.
    #[error("The start has passed. Choose a later one.")]
    StartPassed,
    /// Its length does not fit before the latest end any more.
    #[error("The work does not fit before its latest end any more. It needs a new time.")]
    NoLongerFits,
    /// It can still start, so it is not postponed.
    #[error("The work still fits before its latest end.")]
    StillFits,
    /// Not an extension, or already over.
    #[error("The new end must be later than the planned end, and must not have passed.")]
    EndNotLater,
    /// The times contradict each other, or are more than 14 days apart.
    #[error("The end must be after the start, at most 14 days.")]
    BadTimes,
    /// While work is being done, only words may change.
    #[error("Work is under way: only the title and the message can be changed. Extend or finish it instead.")]
    UnderWay,
    /// The list is being worked through.
    #[error("The checklist is being worked through: its lines can not be changed any more.")]
    ChecklistFixed,
    /// The list has no such line (any more).
    #[error("The checklist has no such line any more.")]
    NoSuchLine,
    /// Lines of the checklist are open.
    #[error("{} of the checklist: tick what is done, or complete anyway and say why.", open_lines(*open))]
    OpenLines {
        /// How many.
        open: usize,
    },
    /// Nothing was written.
    #[error("Write what customers should read.")]
    EmptyBody,
    /// Nobody could read it.
    #[error("This window has not been published.")]
    NotPublished,
}

fn open_lines(open: usize) -> String {
    if open == 1 { "1 line is open".to_owned() } else { format!("{open} lines are open") }
}

/// A new draft, seen by operators only.
#[must_use]
pub fn draft(id: MaintenanceId, number: i64, created_by: Option<UserId>, now: Instant, content: Edit) -> Maintenance {
    Maintenance {
        id,
        number,
        title: content.title,
        message: content.message,
        state: State::Draft,
        planned: content.planned,
        hosts: content.hosts,
        components: content.components,
        auto_start: content.auto_start,
        auto_complete: content.auto_complete,
        reminders: content.reminders,
        checklist: renewed(&[], content.checklist),
        done_anyway: None,
        sequence: 0,
        published_at: None,
        held_at: None,
        started_at: None,
        ended_at: None,
        day_check_at: None,
        lead_check_at: None,
        next_due_at: None,
        created_by,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Changes what a person can set. Drafts change freely. Published windows that
/// have not begun need a [`Purpose::Schedule`] verdict for the *new* scope when
/// their time or scope changes; a new time makes them scheduled again. While
/// work is being done only title, message, `auto_complete` and the checklist may
/// change, the checklist until it is being worked through. A new
/// latest end alone is nothing customers see, and lets a held window wait longer.
/// Nothing changed is no refusal: it gives back the window as it is.
///
/// # Errors
/// See [`Refusal`].
pub fn edit(
    m: &Maintenance,
    now: Instant,
    edit: Edit,
    verdict: Option<&Verdict>,
    policy: &Policy,
) -> Result<Change, Refusal> {
    let words = edit.title != m.title || edit.message != m.message;
    // How long a held start may be waited for is between operators and the gate.
    let slack = edit.planned != m.planned;
    let time = Planned { latest_end_at: m.planned.latest_end_at, ..edit.planned.clone() } != m.planned;
    let scope = !same(&edit.hosts, &m.hosts) || !same(&edit.components, &m.components);
    let checklist = renewed(&m.checklist, edit.checklist);
    match m.state {
        State::Verifying if checklist != m.checklist => return Err(Refusal::ChecklistFixed),
        State::Completed | State::Cancelled => return Err(not(m, Command::Edit)),
        State::InProgress | State::Verifying if slack || scope || edit.auto_start != m.auto_start => {
            return Err(Refusal::UnderWay);
        }
        State::Scheduled | State::Held | State::Postponed => {
            if time {
                check_times(&edit.planned, now)?;
            } else if slack && !edit.planned.is_sound() {
                return Err(Refusal::BadTimes);
            }
            if time || scope {
                confirmed(verdict, Purpose::Schedule, now)?;
            }
        }
        State::Draft | State::InProgress | State::Verifying => {}
    }
    let old = m.planned.clone();
    let mut next = Maintenance {
        title: edit.title,
        message: edit.message,
        planned: edit.planned,
        hosts: edit.hosts,
        components: edit.components,
        auto_start: edit.auto_start,
        auto_complete: edit.auto_complete,
        reminders: edit.reminders,
        checklist,
        ..m.clone()
    };
    if m.state == State::Draft {
        return Ok(silent(m, next, now, policy));
    }
    if time {
        move_to_scheduled(&mut next, now);
    }
    Ok(if time {
        told(next, now, policy, UpdateKind::Rescheduled, Prose::default(), Some(&old))
    } else if words || scope {
        told(next, now, policy, UpdateKind::Changed, Prose::default(), None)
    } else {
        silent(m, next, now, policy)
    })
}

/// Publishes a draft. Needs a confirmed [`Purpose::Schedule`] verdict for its scope.
///
/// # Errors
/// See [`Refusal`].
pub fn schedule(m: &Maintenance, now: Instant, verdict: &Verdict, policy: &Policy) -> Result<Change, Refusal> {
    if m.state != State::Draft {
        return Err(not(m, Command::Schedule));
    }
    check_times(&m.planned, now)?;
    confirmed(Some(verdict), Purpose::Schedule, now)?;
    let mut next = Maintenance { published_at: Some(now), ..m.clone() };
    move_to_scheduled(&mut next, now);
    Ok(told(next, now, policy, UpdateKind::Scheduled, Prose::default(), None))
}

/// Gives a published window that has not begun a new time. Needs a confirmed
/// [`Purpose::Schedule`] verdict.
///
/// # Errors
/// See [`Refusal`].
pub fn reschedule(
    m: &Maintenance,
    now: Instant,
    planned: Planned,
    verdict: &Verdict,
    policy: &Policy,
) -> Result<Change, Refusal> {
    match m.state {
        State::Scheduled | State::Held | State::Postponed => {}
        _ => return Err(not(m, Command::Reschedule)),
    }
    check_times(&planned, now)?;
    confirmed(Some(verdict), Purpose::Schedule, now)?;
    if m.state == State::Scheduled && planned == m.planned {
        return Ok(silent(m, m.clone(), now, policy));
    }
    let mut next = Maintenance { planned, ..m.clone() };
    move_to_scheduled(&mut next, now);
    Ok(told(next, now, policy, UpdateKind::Rescheduled, Prose::default(), Some(&m.planned)))
}

/// The rules of the zone have changed: the wall-clock time stays, the instants move (TZ-2). Nobody
/// chose this, so the gate is not asked and nobody is told by mail; calendars follow.
///
/// # Errors
/// It has begun, is held at its start, or has ended.
pub fn follow_zone(m: &Maintenance, now: Instant, planned: Planned, policy: &Policy) -> Result<Change, Refusal> {
    let mut next = Maintenance { planned, ..m.clone() };
    match m.state {
        State::Draft => return Ok(silent(m, next, now, policy)),
        State::Scheduled => move_to_scheduled(&mut next, now),
        State::Postponed => {}
        _ => return Err(not(m, Command::Reschedule)),
    }
    let change = told(next, now, policy, UpdateKind::Rescheduled, Prose::default(), Some(&m.planned));
    Ok(Change { tell: false, ..change })
}

/// Notes that the gate was asked ahead of the start. A blocked answer leaves the
/// window scheduled: what is missing is requested and shown, nothing else.
///
/// # Errors
/// Not scheduled, not time yet, or the gate was asked before it was time.
pub fn check_ahead(
    m: &Maintenance,
    now: Instant,
    verdict: &Verdict,
    ahead: Ahead,
    policy: &Policy,
) -> Result<Change, Refusal> {
    if m.state != State::Scheduled {
        return Err(not(m, Command::Check));
    }
    let (at, done) = match ahead {
        Ahead::Day => (DAY_AHEAD.before(m.planned.starts_at), m.day_check_at),
        Ahead::Lead => (policy.lead.before(m.planned.starts_at), m.lead_check_at),
    };
    if now < at || done.is_some() {
        return Err(Refusal::NotDue);
    }
    if verdict.asked_at < at {
        return Err(Refusal::NeedsVerdict);
    }
    let mut next = m.clone();
    match ahead {
        Ahead::Day => next.day_check_at = Some(now),
        Ahead::Lead => {
            next.lead_check_at = Some(now);
            // The later question includes the earlier one.
            if now >= DAY_AHEAD.before(m.planned.starts_at) {
                next.day_check_at = m.day_check_at.or(Some(now));
            }
        }
    }
    Ok(silent(m, next, now, policy))
}

/// Begins the work. Needs a [`Purpose::Start`] verdict.
///
/// Confirmed: in progress. Of a held window the whole planned length must still
/// fit before the latest end, and its end moves to now plus that length.
/// Blocked and due: held, whoever asked; the reasons are in the verdict. A
/// person who is early, or so late that a held window would be postponed at
/// once, is refused and the window stays scheduled.
///
/// # Errors
/// See [`Refusal`].
pub fn start(m: &Maintenance, now: Instant, verdict: &Verdict, who: Who, policy: &Policy) -> Result<Change, Refusal> {
    let due = now >= m.planned.starts_at;
    match m.state {
        State::Scheduled if who == Who::Worker && !due => return Err(Refusal::NotDue),
        State::Scheduled if who == Who::Worker && !m.auto_start => return Err(Refusal::ByHand),
        State::Scheduled | State::Held => {}
        _ => return Err(not(m, Command::Start)),
    }
    let ends_at = start_end(m, now, who).ok_or(Refusal::NoLongerFits)?;
    if ends_at > MAX_LENGTH.after(now) {
        return Err(Refusal::NotDue);
    }
    match confirmed(Some(verdict), Purpose::Start, now) {
        Ok(()) => {
            let mut next = Maintenance { state: State::InProgress, started_at: Some(now), held_at: None, ..m.clone() };
            next.planned.ends_at = ends_at;
            next.planned.latest_end_at = m.planned.latest_end_at.max(ends_at);
            let old = (ends_at != m.planned.ends_at).then_some(&m.planned);
            Ok(told(next, now, policy, UpdateKind::Started, Prose::default(), old))
        }
        Err(Refusal::Blocked { .. })
            if m.state == State::Scheduled && due && (who == Who::Worker || now <= m.planned.last_fit()) =>
        {
            let next = Maintenance { state: State::Held, held_at: Some(now), ..m.clone() };
            Ok(told(next, now, policy, UpdateKind::Held, Prose::default(), None))
        }
        Err(refusal) => Err(refusal),
    }
}

/// When the work would end if it began now; none where it does not fit.
fn start_end(m: &Maintenance, now: Instant, who: Who) -> Option<Instant> {
    let whole = m.planned.length().after(now);
    let in_time = match (m.state, who) {
        (State::Scheduled, Who::Worker) => now <= LATE_START.after(m.planned.starts_at) && now < m.planned.ends_at,
        // A person knows how much of the planned time is enough.
        (State::Scheduled, Who::Person) => now < m.planned.ends_at,
        _ => false,
    };
    if in_time { Some(m.planned.ends_at) } else { (now <= m.planned.last_fit()).then_some(whole) }
}

/// Gives up the planned time: the whole length does not fit any more. Operators must give a new time.
///
/// # Errors
/// It still fits, or it is neither held nor scheduled.
pub fn postpone(m: &Maintenance, now: Instant, policy: &Policy) -> Result<Change, Refusal> {
    let at = match m.state {
        State::Held | State::Scheduled => postpone_at(m),
        _ => return Err(not(m, Command::Postpone)),
    };
    if now < at {
        return Err(Refusal::StillFits);
    }
    let next = Maintenance { state: State::Postponed, held_at: None, ..m.clone() };
    Ok(told(next, now, policy, UpdateKind::Postponed, Prose::default(), None))
}

/// When a window that has not begun is given up.
fn postpone_at(m: &Maintenance) -> Instant {
    let planned = &m.planned;
    match m.state {
        State::Held => planned.last_fit(),
        _ if m.auto_start => LATE_START.after(planned.starts_at).min(planned.ends_at).max(planned.last_fit()),
        // Whoever starts by hand may do so while any of the planned time is left.
        _ => planned.ends_at.max(planned.last_fit()),
    }
}

/// Moves the end of work that is being done. The gate is not asked: the work has begun.
///
/// # Errors
/// See [`Refusal`].
pub fn extend(m: &Maintenance, now: Instant, new_ends_at: Instant, policy: &Policy) -> Result<Change, Refusal> {
    if !matches!(m.state, State::InProgress | State::Verifying) {
        return Err(not(m, Command::Extend));
    }
    if new_ends_at <= m.planned.ends_at || new_ends_at <= now {
        return Err(Refusal::EndNotLater);
    }
    if new_ends_at > MAX_LENGTH.after(m.begins_at().max(m.planned.starts_at)) {
        return Err(Refusal::BadTimes);
    }
    let mut next = m.clone();
    next.planned.ends_at = new_ends_at;
    next.planned.latest_end_at = m.planned.latest_end_at.max(new_ends_at);
    Ok(told(next, now, policy, UpdateKind::Extended, Prose::default(), Some(&m.planned)))
}

/// The work is done: over, or being checked.
///
/// # Errors
/// It is not in progress.
pub fn finish(m: &Maintenance, now: Instant, how: Finish, policy: &Policy) -> Result<Change, Refusal> {
    match (m.state, how) {
        (State::InProgress, Finish::Completed) => complete(m, now, Who::Person, policy),
        (State::InProgress, Finish::Verifying) => {
            let next = Maintenance { state: State::Verifying, ..m.clone() };
            let change = told(next, now, policy, UpdateKind::Verifying, Prose::default(), None);
            Ok(Change { tell: false, ..change })
        }
        _ => Err(not(m, Command::Finish)),
    }
}

/// It is over. A timer completes a window in progress at its planned end, a
/// person at any time. A timer that was late says when it should have been, and
/// hands a window with a checklist to be checked instead: that takes a person. A
/// person completes it when every line is ticked.
///
/// # Errors
/// See [`Refusal`].
pub fn complete(m: &Maintenance, now: Instant, who: Who, policy: &Policy) -> Result<Change, Refusal> {
    let ended_at = match (m.state, who) {
        (State::InProgress, Who::Worker) if !m.auto_complete => return Err(Refusal::ByHand),
        (State::InProgress, Who::Worker) if now < m.planned.ends_at => return Err(Refusal::NotDue),
        (State::InProgress, Who::Worker) if !m.checklist.is_empty() => {
            return finish(m, now, Finish::Verifying, policy);
        }
        (State::InProgress, Who::Worker) => m.planned.ends_at,
        (State::InProgress | State::Verifying, Who::Person) => match m.open_lines() {
            0 => now,
            open => return Err(Refusal::OpenLines { open }),
        },
        _ => return Err(not(m, Command::Complete)),
    };
    Ok(completed(m.clone(), ended_at, now, policy))
}

/// A person says that it is over with lines of its checklist open, and why; the reason is kept. Where
/// none is open, there is nothing to say.
///
/// # Errors
/// It is not under way.
pub fn complete_anyway(m: &Maintenance, now: Instant, why: Why, policy: &Policy) -> Result<Change, Refusal> {
    if !m.state.is_under_way() {
        return Err(not(m, Command::Complete));
    }
    let done_anyway = (m.open_lines() > 0).then_some(why);
    Ok(completed(Maintenance { done_anyway, ..m.clone() }, now, now, policy))
}

fn completed(m: Maintenance, ended_at: Instant, now: Instant, policy: &Policy) -> Change {
    let next = Maintenance { state: State::Completed, ended_at: Some(ended_at), ..m };
    told(next, now, policy, UpdateKind::Completed, Prose::default(), None)
}

/// Ticks a line of the checklist, or opens it again (`tick` is none), while the work is being
/// checked. Customers see nothing of it. Who ticked it first stands.
///
/// # Errors
/// It is not being checked, or there is no such line.
pub fn tick(m: &Maintenance, now: Instant, text: &str, tick: Option<Tick>, policy: &Policy) -> Result<Change, Refusal> {
    if m.state != State::Verifying {
        return Err(not(m, Command::Tick));
    }
    let mut next = m.clone();
    let line = next.checklist.iter_mut().find(|line| line.text.as_str() == text).ok_or(Refusal::NoSuchLine)?;
    *line = CheckLine { tick: tick.map(|new| line.tick.take().unwrap_or(new)), text: line.text.clone() };
    Ok(silent(m, next, now, policy))
}

/// Calls it off. A draft just disappears from sight; customers hear of all others.
///
/// # Errors
/// It has ended.
pub fn cancel(m: &Maintenance, now: Instant, reason: Prose, policy: &Policy) -> Result<Change, Refusal> {
    if m.state.is_ended() {
        return Err(not(m, Command::Cancel));
    }
    let next = Maintenance { state: State::Cancelled, held_at: None, ended_at: Some(now), ..m.clone() };
    Ok(if m.published_at.is_none() {
        silent(m, next, now, policy)
    } else {
        told(next, now, policy, UpdateKind::Cancelled, reason, None)
    })
}

/// Adds a line to the timeline, also after the end.
///
/// # Errors
/// Nothing written, or never published.
pub fn post(m: &Maintenance, now: Instant, body: Prose, policy: &Policy) -> Result<Change, Refusal> {
    if m.published_at.is_none() {
        return Err(Refusal::NotPublished);
    }
    if body.as_str().trim().is_empty() {
        return Err(Refusal::EmptyBody);
    }
    Ok(told(m.clone(), now, policy, UpdateKind::Note, body, None))
}

/// What a timer has to do now, the most urgent first; none where nothing is due.
/// After doing it, ask again.
#[must_use]
pub fn due(m: &Maintenance, now: Instant, policy: &Policy) -> Option<Due> {
    steps(m, policy).into_iter().filter(|(at, _)| *at <= now).map(|(_, due)| due).next_back()
}

/// When a timer has to look again; none where only a person can go on.
#[must_use]
pub fn next_due(m: &Maintenance, policy: &Policy) -> Option<Instant> {
    steps(m, policy).into_iter().map(|(at, _)| at).min()
}

/// What lies ahead, the most urgent last.
fn steps(m: &Maintenance, policy: &Policy) -> Vec<(Instant, Due)> {
    let mut steps = Vec::new();
    let starts_at = m.planned.starts_at;
    match m.state {
        State::Scheduled => {
            if m.day_check_at.is_none() {
                steps.push((DAY_AHEAD.before(starts_at), Due::DayCheck));
            }
            if m.lead_check_at.is_none() {
                steps.push((policy.lead.before(starts_at), Due::LeadCheck));
            }
            if m.auto_start {
                steps.push((starts_at, Due::Start));
            }
            steps.push((postpone_at(m), Due::Postpone));
        }
        State::Held => steps.push((postpone_at(m), Due::Postpone)),
        State::InProgress if m.auto_complete => steps.push((m.planned.ends_at, Due::Complete)),
        _ => {}
    }
    steps
}

const fn not(m: &Maintenance, command: Command) -> Refusal {
    Refusal::Not { state: m.state, command }
}

fn same<T: Copy + Ord>(a: &[T], b: &[T]) -> bool {
    let set = |ids: &[T]| ids.iter().copied().collect::<BTreeSet<T>>();
    set(a) == set(b)
}

fn check_times(planned: &Planned, now: Instant) -> Result<(), Refusal> {
    if !planned.is_sound() {
        return Err(Refusal::BadTimes);
    }
    if now > START_GRACE.after(planned.starts_at) || now >= planned.ends_at {
        return Err(Refusal::StartPassed);
    }
    Ok(())
}

/// The one place where a verdict lets a window go on or not: confirmed, or by an override that was
/// applied to it ([`super::Override::apply`]).
fn confirmed(verdict: Option<&Verdict>, purpose: Purpose, now: Instant) -> Result<(), Refusal> {
    let verdict = verdict.filter(|v| v.purpose == purpose).ok_or(Refusal::NeedsVerdict)?;
    if !verdict.allows() {
        return Err(Refusal::Blocked { reasons: verdict.reasons().to_vec() });
    }
    if verdict.holds_at(now) { Ok(()) } else { Err(Refusal::VerdictLapsed) }
}

/// For a time that is new: its checks are to be made again, except those that
/// scheduling it has just made.
fn move_to_scheduled(next: &mut Maintenance, now: Instant) {
    next.state = State::Scheduled;
    next.held_at = None;
    next.day_check_at = (now >= DAY_AHEAD.before(next.planned.starts_at)).then_some(now);
    next.lead_check_at = None;
}

/// Customers see nothing of it.
fn silent(m: &Maintenance, next: Maintenance, now: Instant, policy: &Policy) -> Change {
    let mut next = Maintenance { next_due_at: next_due(&next, policy), ..next };
    let same_to_operators = Maintenance { next_due_at: m.next_due_at, ..next.clone() } == *m;
    if next.published_at.is_none() && !same_to_operators {
        next.updated_at = m.updated_at.max(now);
    }
    Change { maintenance: next, update: None, tell: false }
}

/// Customers see it: the sequence rises (RFC 5546 §2.1.4) unless this is what publishes the window.
fn told(
    next: Maintenance,
    now: Instant,
    policy: &Policy,
    kind: UpdateKind,
    body: Prose,
    old: Option<&Planned>,
) -> Change {
    let sequence = if kind == UpdateKind::Scheduled { next.sequence } else { next.sequence.saturating_add(1) };
    let next =
        Maintenance { sequence, updated_at: next.updated_at.max(now), next_due_at: next_due(&next, policy), ..next };
    let update = NewUpdate {
        kind,
        body,
        at: now,
        old_starts_at: old.map(|p| p.starts_at).filter(|at| *at != next.planned.starts_at),
        old_ends_at: old.map(|p| p.ends_at).filter(|at| *at != next.planned.ends_at),
        starts_at: next.planned.starts_at,
        ends_at: next.planned.ends_at,
    };
    Change { maintenance: next, update: Some(update), tell: true }
}

//! Maintenance windows: their states and the transitions between them (see [`transition`]).

mod checklist;
mod kept;
mod moment;
mod overriding;
mod plan;
mod public;
mod reminder;
#[cfg(test)]
mod tests;
pub mod transition;
mod zone_move;

pub use checklist::{CheckLine, ChecklistError, MAX_LINES, Tick, read_checklist};
pub use kept::{KeptVerdict, Occasion};
pub use moment::Moment;
pub use overriding::{Override, OverrideRefusal, OverrideState};
pub use plan::{FoldChoice, MAX_LENGTH, PlanError, PlanField};
pub(crate) use public::listed;
pub use public::{affected_components, windows_sentence};
pub use reminder::{
    Leads, LeadsError, MAX_LEADS, Reminders, Reminding, Settling, TOLD_JUST_NOW, is_armed,
    outdated as outdated_reminder,
};
pub use zone_move::ZoneMove;

use crate::ids::{ComponentId, HostId, MaintenanceId, UpdateId, UserId};
use crate::text::{Name, Prose, Why};
use crate::time::{Instant, Span};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// Where a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Only operators see it.
    Draft,
    /// Published, waits for its start.
    Scheduled,
    /// Its start was refused by the gate; waits for a backup.
    Held,
    /// Its length no longer fits; waits for a new time.
    Postponed,
    /// Work is being done.
    InProgress,
    /// Work is done, being checked.
    Verifying,
    /// Over.
    Completed,
    /// Called off.
    Cancelled,
}

/// Which of two instants a local time that exists twice means (autumn).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// The first one, still on summer time.
    Earlier,
    /// The second one.
    Later,
}

/// A planned time as a person said it, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// IANA zone name.
    pub zone: String,
    /// Local wall-clock start: the truth.
    pub local_start: NaiveDateTime,
    /// Choice where `local_start` exists twice.
    pub start_fold: Option<Fold>,
    /// Derived from the above by the zone's rules.
    pub starts_at: Instant,
    /// `starts_at` plus the planned length (elapsed time).
    pub ends_at: Instant,
    /// Up to when the work may last if its start is held.
    pub latest_end_at: Instant,
}

/// A planned piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Identity.
    pub id: MaintenanceId,
    /// Small number for people: `M-42`.
    pub number: i64,
    /// What will be done.
    pub title: Name,
    /// What customers read.
    pub message: Prose,
    /// Where it stands.
    pub state: State,
    /// When it is to be.
    pub planned: Planned,
    /// Hosts named by the operator.
    pub hosts: Vec<HostId>,
    /// Components named by the operator.
    pub components: Vec<ComponentId>,
    /// Starts by itself when due (else by hand).
    pub auto_start: bool,
    /// Completes by itself at its end (else by hand).
    pub auto_complete: bool,
    /// Which reminders subscribers get before its start.
    #[serde(default)]
    pub reminders: Reminders,
    /// What is to be checked before it is completed; colleagues see it.
    #[serde(default)]
    pub checklist: Vec<CheckLine>,
    /// Why it was completed with lines of its checklist open.
    #[serde(default)]
    pub done_anyway: Option<Why>,
    /// Calendar revision: raised with every visible change (RFC 5546 §2.1.4).
    pub sequence: i64,
    /// First published at; never again a draft.
    pub published_at: Option<Instant>,
    /// Refused at its start since.
    pub held_at: Option<Instant>,
    /// Work began.
    pub started_at: Option<Instant>,
    /// Work ended (completed or cancelled).
    pub ended_at: Option<Instant>,
    /// The gate was asked a day before, for the planned time.
    pub day_check_at: Option<Instant>,
    /// The gate was asked at `lead`, for the planned time.
    pub lead_check_at: Option<Instant>,
    /// The worker looks at it again then.
    pub next_due_at: Option<Instant>,
    /// Who drafted it.
    pub created_by: Option<UserId>,
    /// When it was drafted.
    pub created_at: Instant,
    /// Last visible change; never moves back.
    pub updated_at: Instant,
    /// Counts edits.
    pub version: i64,
}

/// What an update tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// First publication.
    Scheduled,
    /// New time.
    Rescheduled,
    /// Message, title or scope changed.
    Changed,
    /// Later end while work is being done.
    Extended,
    /// Waits for a backup.
    Held,
    /// Needs a new time.
    Postponed,
    /// Work began.
    Started,
    /// Being checked.
    Verifying,
    /// Done.
    Completed,
    /// Called off.
    Cancelled,
    /// Free text.
    Note,
}

/// A published line in a window's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Identity.
    pub id: UpdateId,
    /// Whose.
    pub maintenance_id: MaintenanceId,
    /// What it tells.
    pub kind: UpdateKind,
    /// Markdown for customers; may be empty where the kind says it all.
    pub body: Prose,
    /// When.
    pub at: Instant,
    /// Who, for colleagues; none for the system.
    pub author: Option<UserId>,
    /// The start before this update, where it moved.
    pub old_starts_at: Option<Instant>,
    /// The end before this update, where it moved.
    pub old_ends_at: Option<Instant>,
    /// The start with this update.
    pub starts_at: Instant,
    /// The end with this update.
    pub ends_at: Instant,
}

/// A line of a timeline as a transition makes it; the rest is storage's to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpdate {
    /// What it tells.
    pub kind: UpdateKind,
    /// Markdown for customers; may be empty.
    pub body: Prose,
    /// When.
    pub at: Instant,
    /// The start before, where it moved.
    pub old_starts_at: Option<Instant>,
    /// The end before, where it moved.
    pub old_ends_at: Option<Instant>,
    /// The start now.
    pub starts_at: Instant,
    /// The end now.
    pub ends_at: Instant,
}

impl NewUpdate {
    /// With its identity.
    #[must_use]
    pub fn into_update(self, id: UpdateId, maintenance_id: MaintenanceId, author: Option<UserId>) -> Update {
        Update {
            id,
            maintenance_id,
            kind: self.kind,
            body: self.body,
            at: self.at,
            author,
            old_starts_at: self.old_starts_at,
            old_ends_at: self.old_ends_at,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
        }
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Scheduled,
        Self::Held,
        Self::Postponed,
        Self::InProgress,
        Self::Verifying,
        Self::Completed,
        Self::Cancelled,
    ];

    /// As stored, and as programs read it: `in_progress`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Held => "held",
            Self::Postponed => "postponed",
            Self::InProgress => "in_progress",
            Self::Verifying => "verifying",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Nothing more becomes of it.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// Work is being done, or what was done is being checked.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::InProgress | Self::Verifying)
    }

    /// Published, and neither begun nor ended.
    #[must_use]
    pub const fn is_ahead(self) -> bool {
        matches!(self, Self::Scheduled | Self::Held | Self::Postponed)
    }
}

impl Maintenance {
    /// When the work began, or is to begin: what calendars and pages show.
    #[must_use]
    pub fn begins_at(&self) -> Instant {
        self.started_at.unwrap_or(self.planned.starts_at)
    }

    /// When the work ended, or is to end: what calendars and pages show. At
    /// least a minute after [`Maintenance::begins_at`], for calendars know no
    /// event without a length.
    #[must_use]
    pub fn finishes_at(&self) -> Instant {
        let end = match self.state {
            State::Completed => self.ended_at.unwrap_or(self.planned.ends_at),
            _ => self.planned.ends_at,
        };
        end.max(Span::minutes(1).after(self.begins_at()))
    }
}

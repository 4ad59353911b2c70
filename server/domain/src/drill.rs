//! Restore drills: rehearsals of the restore of one data set or of a whole host, timed.
//!
//! Only a drill shows that a backup can be restored, and how long that takes. In May 2014 the
//! restore needed seven hours to build its list of files before the first byte came back, and
//! nobody had known.

mod estimate;
#[cfg(test)]
mod tests;
mod words;

pub use estimate::{Estimate, REMEMBERED, estimate};

use crate::gate::FUTURE_TOLERANCE;
use crate::ids::{DataSetId, DrillId, HostId};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `planned → running → succeeded | failed`, and `planned | running → abandoned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillState {
    /// Somebody is going to do it.
    Planned,
    /// Data is being restored.
    Running,
    /// It was all there.
    Succeeded,
    /// It was not.
    Failed,
    /// Given up before it told anything.
    Abandoned,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillKind {
    /// Data was restored.
    Restore,
    /// The backup was only read and checked: not yet a restore, unless it says how much in which time.
    Verify,
}

/// What a drill proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// Nothing (yet).
    Nothing,
    /// That the backup can be read.
    Evidence,
    /// That a restore works.
    Proof,
    /// That it works, and how fast it is.
    Measured,
}

/// Not a state of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Use planned, running, succeeded, failed or abandoned.")]
pub struct UnknownState;

/// Not a kind of drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Use restore or verify.")]
pub struct UnknownKind;

/// Not an address of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Write an address that begins with https:// or http://, at most 500 characters, without blanks.")]
pub struct NoLink;

/// The address of a protocol, a ticket, a recording: `https` or `http` and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link(String);

impl Link {
    /// Characters allowed.
    pub const MAX: usize = 500;

    /// Trims and checks.
    ///
    /// # Errors
    /// Another scheme, no host, too long, or with blanks or control characters.
    pub fn parse(text: &str) -> Result<Self, NoLink> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).ok_or(NoLink)?;
        let named = rest.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '[');
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if named && plain && text.chars().count() <= Self::MAX { Ok(Self(text.to_owned())) } else { Err(NoLink) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Link {
    type Error = NoLink;
    fn try_from(text: String) -> Result<Self, NoLink> {
        Self::parse(&text)
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.0
    }
}

/// A rehearsed restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Identity.
    pub id: DrillId,
    /// Whose data.
    pub host_id: HostId,
    /// Which of it; none for all data sets of the host.
    pub data_set_id: Option<DataSetId>,
    /// What was done.
    pub kind: DrillKind,
    /// How far it came.
    pub state: DrillState,
    /// When it is to be done.
    pub planned_at: Option<Instant>,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended, however it did.
    pub finished_at: Option<Instant>,
    /// How long it took until the first byte came back: what does not grow with the data. Part of
    /// the whole time; none where nobody looked.
    pub startup: Option<Span>,
    /// Bytes restored or read.
    pub bytes: Option<i64>,
    /// Who does it.
    pub who: String,
    /// Where it is written down.
    pub evidence: Option<Link>,
    /// What there is to say; always there for one that failed or was given up.
    pub note: String,
    /// The program that reported it; empty for what people entered.
    pub source: String,
    /// The reporter's own id, unique per host and source.
    pub key: Option<String>,
    /// When we first heard of it.
    pub created_at: Instant,
    /// Counts edits.
    pub version: i64,
}

/// How a drill ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// It was all there.
    pub succeeded: bool,
    /// When.
    pub at: Instant,
    /// Bytes restored or read.
    pub bytes: Option<i64>,
    /// See [`Drill::startup`].
    pub startup: Option<Span>,
    /// See [`Drill::evidence`].
    pub evidence: Option<Link>,
    /// See [`Drill::note`].
    pub note: String,
}

/// Why a step of a drill is refused, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DrillError {
    /// Its state does not allow it.
    #[error("This drill is {}.", .0.text())]
    WrongState(DrillState),
    /// It begins in the future.
    #[error("This lies in the future.")]
    StartAhead,
    /// It ends in the future.
    #[error("This lies in the future.")]
    EndAhead,
    /// It ends before it began, or at once.
    #[error("The end must be after the start.")]
    EndNotAfterStart,
    /// A size below zero.
    #[error("A size can not be negative.")]
    NegativeBytes,
    /// Longer than the whole, or negative.
    #[error("The time to the first byte must be shorter than the whole drill.")]
    StartupTooLong,
    /// Failed or given up without a word.
    #[error("Say what went wrong: the next one who reads this needs it.")]
    NoNote,
}

impl DrillError {
    /// The field it is about; empty for the drill as a whole.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::WrongState(_) => "",
            Self::StartAhead => "started_at",
            Self::EndAhead | Self::EndNotAfterStart => "finished_at",
            Self::NegativeBytes => "bytes",
            Self::StartupTooLong => "startup",
            Self::NoNote => "note",
        }
    }
}

impl Drill {
    /// Plans one, of a whole host unless a data set is named.
    #[must_use]
    pub fn plan(id: DrillId, host_id: HostId, data_set_id: Option<DataSetId>, who: String, now: Instant) -> Self {
        Self {
            id,
            host_id,
            data_set_id,
            kind: DrillKind::Restore,
            state: DrillState::Planned,
            planned_at: None,
            started_at: None,
            finished_at: None,
            startup: None,
            bytes: None,
            who,
            evidence: None,
            note: String::new(),
            source: String::new(),
            key: None,
            created_at: now,
            version: 1,
        }
    }

    /// It begins.
    ///
    /// # Errors
    /// It has begun already or is over, or `at` lies in the future.
    pub fn start(&self, at: Instant, now: Instant) -> Result<Self, DrillError> {
        if self.state != DrillState::Planned {
            return Err(DrillError::WrongState(self.state));
        }
        if at > FUTURE_TOLERANCE.after(now) {
            return Err(DrillError::StartAhead);
        }
        Ok(Self { state: DrillState::Running, started_at: Some(at), ..self.clone() })
    }

    /// It is over.
    ///
    /// # Errors
    /// It does not run, its end can not be, it failed without a note, or what it measured can not be.
    pub fn finish(&self, ending: Ending, now: Instant) -> Result<Self, DrillError> {
        let started_at = match (self.state, self.started_at) {
            (DrillState::Running, Some(at)) => at,
            (state, _) => return Err(DrillError::WrongState(state)),
        };
        if ending.at > FUTURE_TOLERANCE.after(now) {
            return Err(DrillError::EndAhead);
        }
        if ending.at <= started_at {
            return Err(DrillError::EndNotAfterStart);
        }
        if ending.bytes.is_some_and(|bytes| bytes < 0) {
            return Err(DrillError::NegativeBytes);
        }
        let whole = length(started_at, ending.at);
        if ending.startup.is_some_and(|startup| startup.as_seconds() < 0 || startup >= whole) {
            return Err(DrillError::StartupTooLong);
        }
        if !ending.succeeded && ending.note.trim().is_empty() && self.note.trim().is_empty() {
            return Err(DrillError::NoNote);
        }
        Ok(Self {
            state: if ending.succeeded { DrillState::Succeeded } else { DrillState::Failed },
            finished_at: Some(ending.at),
            bytes: ending.bytes,
            startup: ending.startup,
            evidence: ending.evidence.or_else(|| self.evidence.clone()),
            note: if ending.note.trim().is_empty() { self.note.clone() } else { ending.note },
            ..self.clone()
        })
    }

    /// It is given up.
    ///
    /// # Errors
    /// It is over, or nobody says why.
    pub fn abandon(&self, why: String, now: Instant) -> Result<Self, DrillError> {
        if !self.state.is_open() {
            return Err(DrillError::WrongState(self.state));
        }
        if why.trim().is_empty() {
            return Err(DrillError::NoNote);
        }
        Ok(Self { state: DrillState::Abandoned, finished_at: Some(now), note: why, ..self.clone() })
    }

    /// One that is over when we first hear of it, as a program told it. Times that can not be are not
    /// kept: then it measures nothing.
    #[must_use]
    pub fn reported(
        planned: Self,
        succeeded: bool,
        started_at: Option<Instant>,
        finished_at: Instant,
        bytes: Option<i64>,
        now: Instant,
    ) -> Self {
        let possible = finished_at <= FUTURE_TOLERANCE.after(now);
        let finished_at = if possible { finished_at } else { now };
        Self {
            state: if succeeded { DrillState::Succeeded } else { DrillState::Failed },
            started_at: started_at.filter(|at| possible && *at < finished_at),
            finished_at: Some(finished_at),
            bytes: bytes.filter(|bytes| *bytes >= 0),
            ..planned
        }
    }

    /// What it proves.
    #[must_use]
    pub fn worth(&self) -> Worth {
        if self.state != DrillState::Succeeded {
            return Worth::Nothing;
        }
        match (self.fact().is_some_and(|fact| fact.is_measured()), self.kind) {
            (true, _) => Worth::Measured,
            (false, DrillKind::Restore) => Worth::Proof,
            (false, DrillKind::Verify) => Worth::Evidence,
        }
    }

    /// How long it took, rounded up; none where it is not over, or its start is not known.
    #[must_use]
    pub fn elapsed(&self) -> Option<Span> {
        let (from, to) = (self.started_at?, self.finished_at?);
        (to > from).then(|| length(from, to))
    }

    /// What the gate has to know of one that succeeded.
    #[must_use]
    pub fn fact(&self) -> Option<DrillFact> {
        let finished_at = self.finished_at.filter(|_| self.state == DrillState::Succeeded)?;
        Some(DrillFact {
            id: self.id,
            host: self.host_id,
            data_set: self.data_set_id,
            kind: self.kind,
            finished_at,
            bytes: self.bytes,
            elapsed: self.elapsed(),
            startup: self.startup,
        })
    }

    /// Its day has passed and nobody has begun.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        self.state == DrillState::Planned && self.planned_at.is_some_and(|at| at <= now)
    }
}

/// Rounded up: nothing is ever said to be quicker than it was.
fn length(from: Instant, to: Instant) -> Span {
    let whole = Span::between(from, to);
    if whole.after(from) < to { Span::seconds(whole.as_seconds().saturating_add(1)) } else { whole }
}

/// A drill that succeeded, as the gate keeps it with a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillFact {
    /// Which.
    pub id: DrillId,
    /// Whose data.
    pub host: HostId,
    /// Which of it; none for all data sets of the host.
    pub data_set: Option<DataSetId>,
    /// What was done.
    pub kind: DrillKind,
    /// When it ended.
    pub finished_at: Instant,
    /// Bytes restored or read.
    pub bytes: Option<i64>,
    /// How long it took, with the time to the first byte.
    pub elapsed: Option<Span>,
    /// How long it took to the first byte.
    pub startup: Option<Span>,
}

impl DrillFact {
    /// It says how much was restored in which time.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.bytes.is_some_and(|bytes| bytes > 0) && self.elapsed.is_some_and(|span| span.as_seconds() > 0)
    }

    /// It shows that a restore works: a restore, or a check that says how much it read in which time.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.kind == DrillKind::Restore || self.is_measured()
    }

    /// Bytes in a second after the first byte; none where it is not measured. What took less than a minute counts as
    /// a minute: a few files that are back at once say nothing of how fast a whole host is.
    #[must_use]
    pub fn speed(&self) -> Option<i64> {
        let (bytes, elapsed) = (self.bytes.filter(|b| *b > 0)?, self.elapsed.filter(|e| e.as_seconds() > 0)?);
        let moving = elapsed.as_seconds().saturating_sub(self.startup.map_or(0, Span::as_seconds)).max(60);
        Some(bytes / moving)
    }
}

/// When the restore of a data set was last shown to work, by a drill of its own or of its whole host.
#[must_use]
pub fn last_proof<'a>(data_set: DataSetId, drills: impl IntoIterator<Item = &'a DrillFact>) -> Option<Instant> {
    drills
        .into_iter()
        .filter(|drill| drill.is_proof() && drill.data_set.is_none_or(|own| own == data_set))
        .map(|drill| drill.finished_at)
        .max()
}

/// Data sets of one host whose restore was not rehearsed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Which.
    pub data_sets: Vec<DataSetId>,
    /// Of how many.
    pub of: usize,
    /// The oldest of their last drills; none where one of them never had any.
    pub last: Option<Instant>,
}

/// Which of a host's data sets are due for a drill: none, or a last one older than `limit`.
#[must_use]
pub fn overdue(now: Instant, proofs: &[(DataSetId, Option<Instant>)], limit: Span) -> Option<Overdue> {
    let late: Vec<&(DataSetId, Option<Instant>)> =
        proofs.iter().filter(|(_, last)| last.is_none_or(|at| limit.after(at) <= now)).collect();
    let last = late.iter().map(|(_, last)| *last).min()?;
    Some(Overdue { data_sets: late.into_iter().map(|(id, _)| *id).collect(), of: proofs.len(), last })
}

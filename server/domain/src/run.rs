//! Backup runs and what a report may say of them.

mod receive;
mod series;
#[cfg(test)]
mod tests;

pub use receive::{Conflict, Received, ReportError, RunReport, Signal, receive};
pub use series::{Mark, Point, Series};

use crate::backup::Job;
use crate::gate::FUTURE_TOLERANCE;
use crate::ids::{JobId, RunId};
use crate::policy::Policy;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// `running → succeeded | warning | failed | lost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Started, no end reported yet.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended with warnings; good only where the policy says so.
    Warning,
    /// Ended badly.
    Failed,
    /// No end within the job's `max_duration`.
    Lost,
}

/// One execution of a job, as far as it was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// Whose run.
    pub job_id: JobId,
    /// The reporter's own id of the run (`rid`, snapshot id), unique per job.
    pub key: String,
    /// How far it came.
    pub state: RunState,
    /// When it began: the instant up to which it protects data. Where only the
    /// end was reported this is the end less the job's `max_duration`.
    pub started_at: Instant,
    /// The start was not reported but assumed, see `started_at`.
    pub start_assumed: bool,
    /// When it ended, if it did.
    pub finished_at: Option<Instant>,
    /// Nothing was written.
    pub dry_run: bool,
    /// Only a part of the data set was written.
    pub partial: bool,
    /// Its times can not be: it ends before it starts, or lies in the future.
    pub clock_fault: bool,
    /// When we first heard of it.
    pub received_at: Instant,
    /// Bytes the tool says it read or wrote.
    pub bytes: Option<i64>,
    /// Files the tool says it saw.
    pub files: Option<i64>,
    /// The tool's name for the result (archive, snapshot).
    pub snapshot: Option<String>,
    /// Process exit code, if one was reported.
    pub exit_code: Option<i32>,
}

/// Not a state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Use running, succeeded, warning, failed or lost.")]
pub struct UnknownState;

impl FromStr for RunState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text.trim()).ok_or(UnknownState)
    }
}

impl RunState {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Self; 5] = [Self::Running, Self::Succeeded, Self::Warning, Self::Failed, Self::Lost];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }

    /// An end was reported. A lost run has none: its late end is still welcome.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Warning | Self::Failed)
    }

    /// For people: "succeeded with warnings".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Warning => "succeeded with warnings",
            Self::Failed => "failed",
            Self::Lost => "lost: no end was reported",
        }
    }
}

impl Run {
    /// When it is given up if no end is reported; none where it has ended or is lost already.
    #[must_use]
    pub fn lost_at(&self, job: &Job) -> Option<Instant> {
        (self.state == RunState::Running).then(|| job.max_duration.after(self.started_at))
    }

    /// The run as lost, if it is time: no end within the job's `max_duration`.
    #[must_use]
    pub fn lose(&self, job: &Job, now: Instant) -> Option<Self> {
        self.lost_at(job).filter(|at| *at <= now).map(|_| Self { state: RunState::Lost, ..self.clone() })
    }

    /// It protects data: it ended well (or with warnings, where the policy takes
    /// these), wrote everything, and its times can be.
    #[must_use]
    pub fn is_good(&self, policy: &Policy) -> bool {
        self.would_be_good(policy) && !self.clock_fault
    }

    /// Why it protects nothing, for people; none where it is good.
    #[must_use]
    pub fn why_not_good(&self, policy: &Policy) -> Option<&'static str> {
        let why = match self.state {
            RunState::Running => "it has not ended yet",
            RunState::Failed => "it failed",
            RunState::Lost => "its end was never reported",
            _ if self.dry_run => "it was a dry run: nothing was written",
            _ if self.partial => "it saved only a part",
            _ if self.clock_fault => "its times can not be: a clock is wrong",
            RunState::Warning if !policy.warnings_are_good => "it ended with warnings, which the policy does not take",
            RunState::Succeeded | RunState::Warning if self.finished_at.is_none() => "it has no end",
            RunState::Succeeded | RunState::Warning => return None,
        };
        Some(why)
    }

    /// As [`Run::is_good`], whatever its clock says.
    pub(crate) fn would_be_good(&self, policy: &Policy) -> bool {
        let ended_well = match self.state {
            RunState::Succeeded => true,
            RunState::Warning => policy.warnings_are_good,
            RunState::Running | RunState::Failed | RunState::Lost => false,
        };
        ended_well && self.finished_at.is_some() && !self.dry_run && !self.partial
    }

    /// The instant in it that can not be, if there is one: its end before its
    /// start, or more than five minutes ahead of us.
    #[must_use]
    pub fn clock_fault_at(&self, now: Instant) -> Option<Instant> {
        let ahead = |at: &Instant, of: Instant| *at > FUTURE_TOLERANCE.after(of);
        let start = Some(self.started_at);
        start
            .filter(|at| ahead(at, now) || ahead(at, self.received_at))
            .or_else(|| self.finished_at.filter(|at| ahead(at, now)))
            .or_else(|| self.finished_at.filter(|at| *at < self.started_at))
            .or_else(|| self.finished_at.or(start).filter(|_| self.clock_fault))
    }
}

//! Requests for an extra run of a job: who asked, and how far it came.
//!
//! `requested → sent | fetched → running → done | failed | timed_out | cancelled`. A request that was
//! told to somebody who then went silent is told again; only a run that has begun stops that, so a
//! crash between asking and running loses nothing.

mod grant;
#[cfg(test)]
mod tests;
mod words;

pub use grant::{Grant, GrantRefusal, MOST_PER_DAY, QUOTA_TIME};

use crate::backup::Job;
use crate::ids::{JobId, MaintenanceId, RequestId, RunId, TokenId};
use crate::run::{Run, RunState};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// Beyond the job's `max_duration`, for whoever has to hear of it and begin.
pub const MARGIN: Span = Span::minutes(30);

/// An agent that fetched a request and began nothing for so long may fetch it again.
pub const LEASE: Span = Span::minutes(10);

/// How far the clock of a host that is backed up may be behind ours: a run that began so little
/// before the request is its result.
pub const CLOCK_SKEW: Span = Span::minutes(1);

/// A call of a trigger takes less than this.
const CALL: Span = Span::minutes(1);

/// Pause after the first call that failed; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: i64 = 30;
const LONGEST_PAUSE: i64 = 15 * 60;

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody has been told yet, or it waits for a dump to end.
    Requested,
    /// The backup system has been called and has accepted.
    Sent,
    /// The job's agent has asked and been told.
    Fetched,
    /// A run has begun.
    Running,
    /// It ended well.
    Done,
    /// It ended, but protects nothing.
    Failed,
    /// No run ended in time.
    TimedOut,
    /// Nobody wants it any more.
    Cancelled,
}

impl RequestState {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Sent,
        Self::Fetched,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
    ];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Sent => "sent",
            Self::Fetched => "fetched",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Something is still to come.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Sent | Self::Fetched | Self::Running)
    }
}

/// Who wants an extra run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Person, token, or "Fermata", for people.
    pub name: String,
    /// The token, where a program asked: it may see what became of it.
    pub token_id: Option<TokenId>,
    /// The window that waits for it.
    pub maintenance_id: Option<MaintenanceId>,
}

/// One extra run that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRequest {
    /// Identity.
    pub id: RequestId,
    /// Of which job.
    pub job_id: JobId,
    /// How far it came.
    pub state: RequestState,
    /// See [`Asker::name`].
    pub asked_by: String,
    /// See [`Asker::token_id`].
    pub token_id: Option<TokenId>,
    /// See [`Asker::maintenance_id`].
    pub maintenance_id: Option<MaintenanceId>,
    /// When it was asked for.
    pub asked_at: Instant,
    /// A run must have begun at or after this to be its result; none while it waits for the dump that
    /// the job is to carry.
    pub not_before: Option<Instant>,
    /// When it was last sent or fetched.
    pub told_at: Option<Instant>,
    /// The run that results.
    pub run_id: Option<RunId>,
    /// When that began.
    pub run_started_at: Option<Instant>,
    /// When nothing more was to come.
    pub ended_at: Option<Instant>,
    /// When it is given up; none while it waits for a dump.
    pub due_at: Option<Instant>,
    /// Calls of the trigger that failed.
    pub attempts: i64,
    /// When the trigger is called next, if the job has one; none where that is of no use.
    pub next_try_at: Option<Instant>,
    /// What went wrong last, for people.
    pub problem: Option<String>,
    /// Counts changes.
    pub version: i64,
}

fn longest(job: &Job) -> Span {
    job.max_duration.max(Span::default())
}

impl BackupRequest {
    /// A new request. `waits` says that a dump is being made which the job is to carry.
    #[must_use]
    pub fn ask(id: RequestId, job: &Job, asker: Asker, waits: bool, now: Instant) -> Self {
        let asked = Self {
            id,
            job_id: job.id,
            state: RequestState::Requested,
            asked_by: asker.name,
            token_id: asker.token_id,
            maintenance_id: asker.maintenance_id,
            asked_at: now,
            not_before: None,
            told_at: None,
            run_id: None,
            run_started_at: None,
            ended_at: None,
            due_at: None,
            attempts: 0,
            next_try_at: None,
            problem: None,
            version: 1,
        };
        if waits { asked } else { asked.ready(CLOCK_SKEW.before(now), job, now) }
    }

    /// A request whose run goes on already.
    #[must_use]
    pub fn ask_running(id: RequestId, job: &Job, asker: Asker, run: &Run, now: Instant) -> Self {
        let asked = Self::ask(id, job, asker, true, now).ready(run.started_at, job, now);
        asked.follow(run, None, job, now).unwrap_or(asked)
    }

    fn ready(self, not_before: Instant, job: &Job, now: Instant) -> Self {
        let from = not_before.max(now);
        Self {
            not_before: Some(not_before),
            due_at: Some(MARGIN.after(longest(job).after(from))),
            next_try_at: Some(from),
            ..self
        }
    }

    /// As somebody outside the team may see it: how far it came, not who asked nor what our systems said.
    #[must_use]
    pub fn for_outsiders(&self) -> Self {
        Self { asked_by: String::new(), maintenance_id: None, problem: None, ..self.clone() }
    }

    /// Something is still to come.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// It waits for the dump that the job is to carry.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.is_open() && self.not_before.is_none()
    }

    /// An agent that asks now should begin.
    #[must_use]
    pub fn is_wanted(&self, now: Instant) -> bool {
        let silent = self.told_at.is_none_or(|at| LEASE.after(at) <= now);
        let untold = match self.state {
            RequestState::Requested => true,
            RequestState::Fetched => silent,
            _ => false,
        };
        untold && self.not_before.is_some_and(|at| at <= now)
    }

    /// The dumps that it waited for are over, the last of them at `end`.
    #[must_use]
    pub fn release(&self, end: Instant, job: &Job, now: Instant) -> Option<Self> {
        self.waits().then(|| self.clone().ready(end, job, now))
    }

    /// The job's agent is told.
    #[must_use]
    pub fn fetch(&self, now: Instant) -> Option<Self> {
        let told = || Self { state: RequestState::Fetched, told_at: Some(now), next_try_at: None, ..self.clone() };
        self.is_wanted(now).then(told)
    }

    /// The trigger may be called.
    #[must_use]
    pub fn is_callable(&self, now: Instant) -> bool {
        self.state == RequestState::Requested && self.next_try_at.is_some_and(|at| at <= now)
    }

    /// The trigger is being called: nobody else calls it for a while.
    #[must_use]
    pub fn calling(&self, now: Instant) -> Option<Self> {
        self.is_callable(now).then(|| Self { next_try_at: Some(CALL.after(now)), ..self.clone() })
    }

    /// The backup system has accepted the call.
    #[must_use]
    pub fn sent(&self, now: Instant) -> Option<Self> {
        (self.state == RequestState::Requested && self.not_before.is_some()).then(|| Self {
            state: RequestState::Sent,
            told_at: Some(now),
            next_try_at: None,
            problem: None,
            ..self.clone()
        })
    }

    /// The call did not do its work; `may_pass` says whether it may later.
    #[must_use]
    pub fn not_sent(&self, problem: String, may_pass: bool, now: Instant) -> Option<Self> {
        let attempts = self.attempts.saturating_add(1);
        let pause = FIRST_PAUSE << (attempts - 1).clamp(0, 10);
        (self.state == RequestState::Requested && self.not_before.is_some()).then(|| Self {
            attempts,
            next_try_at: may_pass.then(|| Span::seconds(pause.min(LONGEST_PAUSE)).after(now)),
            problem: Some(problem),
            ..self.clone()
        })
    }

    /// A run of the job was reported, or something more of it. `not_good` says why it protects
    /// nothing, once it has ended. Gives back the request if that changes it.
    #[must_use]
    pub fn follow(&self, run: &Run, not_good: Option<&str>, job: &Job, now: Instant) -> Option<Self> {
        let result = match self.run_id {
            Some(id) => id == run.id,
            None => !run.dry_run && self.not_before.is_some_and(|at| at <= run.started_at),
        };
        if !self.is_open() || !result || run.job_id != self.job_id {
            return None;
        }
        let begun = Self {
            state: RequestState::Running,
            run_id: Some(run.id),
            run_started_at: Some(run.started_at),
            // A start in the future must not keep it open for ever.
            due_at: Some(MARGIN.after(longest(job).after(run.started_at.min(now)))),
            next_try_at: None,
            problem: None,
            ..self.clone()
        };
        let after = match (run.state, not_good) {
            (RunState::Running, _) => begun,
            (RunState::Succeeded | RunState::Warning, None) => {
                Self { state: RequestState::Done, ended_at: Some(now), due_at: None, ..begun }
            }
            (RunState::Failed | RunState::Lost | RunState::Succeeded | RunState::Warning, why) => Self {
                state: RequestState::Failed,
                ended_at: Some(now),
                due_at: None,
                problem: Some(why.unwrap_or("it did not end well").to_owned()),
                ..begun
            },
        };
        (after != *self).then_some(after)
    }

    /// Gives it up, if it is time.
    #[must_use]
    pub fn time_out(&self, now: Instant) -> Option<Self> {
        (self.is_open() && self.due_at.is_some_and(|at| at <= now)).then(|| self.end(RequestState::TimedOut, now))
    }

    /// Nobody wants it any more.
    #[must_use]
    pub fn cancel(&self, now: Instant) -> Option<Self> {
        self.is_open().then(|| self.end(RequestState::Cancelled, now))
    }

    fn end(&self, state: RequestState, now: Instant) -> Self {
        Self { state, ended_at: Some(now), due_at: None, next_try_at: None, ..self.clone() }
    }
}

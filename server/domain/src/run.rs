//! Backup runs and what a report may say of them.

use crate::ids::{JobId, RunId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

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

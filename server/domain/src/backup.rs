//! Backup jobs: what protects a data set.

use crate::ids::{DataSetId, JobId};
use crate::text::Name;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// Protects one data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Identity; also the last part of its native report address.
    pub id: JobId,
    /// What it protects.
    pub data_set_id: DataSetId,
    /// For people; unique on its data set among those in use.
    pub name: Name,
    /// The program that does it ("borgmatic", "pg_dump"), for people.
    pub tool: String,
    /// The files job that must copy this job's output before it is safe.
    pub carried_by: Option<JobId>,
    /// A disabled job protects nothing.
    pub enabled: bool,
    /// How often a run is expected.
    pub every: Span,
    /// A run without an end after this long is lost.
    pub max_duration: Span,
    /// Part of the secret in its ping address; raising it revokes the old one.
    pub ping_version: i64,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

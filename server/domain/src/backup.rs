//! Backup jobs: what protects a data set.

use crate::ids::{DataSetId, JobId};
use crate::text::Name;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use thiserror::Error;

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

/// Why a job can not carry another, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CarrierError {
    /// Itself.
    #[error("A job can not carry its own output.")]
    Itself,
    /// The carrier is carried too.
    #[error("This job is itself carried by another one. Choose the one that copies the files in the end.")]
    Carried,
    /// The carrier is out of use.
    #[error("This job is not in use any more.")]
    Retired,
    /// The job carries others, so it can not be carried itself.
    #[error("This job carries the output of others, so it can not be carried itself.")]
    Carries,
}

impl Job {
    /// Whether `carrier` may carry this job; the gate takes only one step from
    /// a dump to the backup that holds it. `carries_others` says whether any job
    /// names this one as its carrier.
    ///
    /// # Errors
    /// See [`CarrierError`].
    pub fn check_carrier(&self, carrier: &Self, carries_others: bool) -> Result<(), CarrierError> {
        if carrier.id == self.id {
            Err(CarrierError::Itself)
        } else if carrier.retired_at.is_some() {
            Err(CarrierError::Retired)
        } else if carrier.carried_by.is_some() {
            Err(CarrierError::Carried)
        } else if carries_others {
            Err(CarrierError::Carries)
        } else {
            Ok(())
        }
    }
}

//! Backup jobs: what protects a data set.

use crate::host::DataKind;
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
    /// The carrier copies no files.
    #[error("Choose a job of a data set of files: only such a job copies the dump.")]
    NotFiles,
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
    /// Whether this job, of a data set of this kind, may carry another one; the gate takes only
    /// one step from a dump to the backup that holds it. `carries_others` says whether any job
    /// names the carried one as its carrier.
    ///
    /// # Errors
    /// See [`CarrierError`].
    pub fn may_carry(&self, carried: JobId, kind: DataKind, carries_others: bool) -> Result<(), CarrierError> {
        if self.id == carried {
            Err(CarrierError::Itself)
        } else if self.retired_at.is_some() {
            Err(CarrierError::Retired)
        } else if kind != DataKind::Files {
            Err(CarrierError::NotFiles)
        } else if self.carried_by.is_some() {
            Err(CarrierError::Carried)
        } else if carries_others {
            Err(CarrierError::Carries)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use uuid::Uuid;

    fn job(n: u128) -> Job {
        Job {
            id: JobId(Uuid::from_u128(n)),
            data_set_id: DataSetId(Uuid::from_u128(n)),
            name: Name::parse("nightly").unwrap(),
            tool: String::new(),
            carried_by: None,
            enabled: true,
            every: Span::hours(24),
            max_duration: Span::hours(6),
            ping_version: 1,
            retired_at: None,
            version: 1,
        }
    }

    #[test]
    fn a_dump_is_carried_by_one_files_job_that_nothing_carries() {
        let (dump, files) = (job(1), job(2));
        let ask = |carrier: &Job, kind, others| carrier.may_carry(dump.id, kind, others);
        assert_eq!(ask(&files, DataKind::Files, false), Ok(()));
        assert_eq!(ask(&files, DataKind::Database, false), Err(CarrierError::NotFiles));
        assert_eq!(ask(&files, DataKind::Files, true), Err(CarrierError::Carries));
        assert_eq!(ask(&dump, DataKind::Files, false), Err(CarrierError::Itself));
        let chained = Job { carried_by: Some(job(3).id), ..files.clone() };
        assert_eq!(ask(&chained, DataKind::Files, false), Err(CarrierError::Carried));
        let retired = Job { retired_at: Some(Instant::UNIX_EPOCH), ..files };
        assert_eq!(ask(&retired, DataKind::Files, false), Err(CarrierError::Retired));
    }
}

//! Hosts and the data sets on them.

use crate::ids::{DataSetId, HostId};
use crate::policy::PolicyOverride;
use crate::text::Name;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Why a host needs no backup, and who said so. Shown in every verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Free text, never empty.
    pub reason: String,
    /// The name of the person, as it was then.
    pub by: String,
    /// When it was said.
    pub at: Instant,
}

/// A machine or service that holds data. It may run on another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Identity.
    pub id: HostId,
    /// Unique among hosts in use.
    pub name: Name,
    /// What it is, for people.
    pub note: String,
    /// The host below it (a guest runs on a VM host).
    pub runs_on: Option<HostId>,
    /// Set when it holds nothing worth saving.
    pub exemption: Option<Exemption>,
    /// Where it differs from the site's policy.
    pub policy: PolicyOverride,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// What a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// A tree of files.
    Files,
    /// A database; usually dumped, the dump carried by a files job.
    Database,
    /// A whole disk or guest.
    Image,
    /// Anything else.
    Other,
}

/// Something on a host that must not be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// Identity.
    pub id: DataSetId,
    /// Where it lies.
    pub host_id: HostId,
    /// Unique on its host among those in use.
    pub name: Name,
    /// What it is.
    pub kind: DataKind,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

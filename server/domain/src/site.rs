//! What the site is called and where it lives.

use crate::finding::digest::DigestHour;
use crate::policy::Policy;
use crate::text::Name;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The one site an installation serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Made once; part of every calendar UID, so it must not change with the host name.
    pub install_id: Uuid,
    /// "Northwind Hosting".
    pub name: Name,
    /// The IANA zone in which times are shown when the reader chose none.
    pub zone: String,
    /// The rule for all hosts that have none of their own.
    pub policy: Policy,
    /// When the team is told of all open findings, in the site's zone.
    pub digest_hour: DigestHour,
    /// Counts edits.
    pub version: i64,
}

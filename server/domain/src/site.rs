//! What the site is called and where it lives.

use crate::availability::Weights;
use crate::finding::digest::DigestHour;
use crate::maintenance::Leads;
use crate::policy::Policy;
use crate::text::Name;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long backup runs are kept where nobody said otherwise: five years.
pub const KEEP_RUNS: Span = Span::days(1826);

/// The shortest time for which runs may be kept: two months, for the report of a month counts them after its end.
pub const LEAST_KEEP_RUNS: Span = Span::days(62);

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
    /// When subscribers are reminded of windows that have no list of their own.
    pub reminders: Leads,
    /// How long backup runs are kept; none for ever. What the gate needs and what the evidence of a
    /// verdict names is kept all the same.
    #[serde(default)]
    pub keep_runs: Option<Span>,
    /// When the team is told of all open findings, in the site's zone.
    pub digest_hour: DigestHour,
    /// What trouble costs in figures of availability.
    #[serde(default)]
    pub weights: Weights,
    /// Counts edits.
    pub version: i64,
}

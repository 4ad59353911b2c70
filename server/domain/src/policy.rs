//! How old a backup may be.

use crate::gate::Purpose;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// The site's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Age a backup may have when work is scheduled; 24 h by default.
    pub schedule_max_age: Span,
    /// Age a backup may have when work starts; 4 h by default.
    pub start_max_age: Span,
    /// How long before the start the gate is asked and missing runs are requested; 90 min by default.
    pub lead: Span,
    /// A run that reported warnings counts as good.
    pub warnings_are_good: bool,
    /// What is asked of restores.
    #[serde(default)]
    pub restore: RestorePolicy,
}

/// What is asked of restores: how often they are rehearsed, and how long they may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePolicy {
    /// Age the last restore drill may have; 180 d by default. An older one is a warning.
    pub drill_max_age: Span,
    /// Longest time a restore may take (RTO); none where nobody has said.
    pub rto: Option<Span>,
    /// A restore that takes longer than the window or the RTO, or of which nobody knows how long it
    /// takes, stands against the work; otherwise a longer one is a warning.
    pub slow_restore_blocks: bool,
}

impl Default for RestorePolicy {
    fn default() -> Self {
        Self { drill_max_age: Span::days(180), rto: None, slow_restore_blocks: false }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            schedule_max_age: Span::hours(24),
            start_max_age: Span::hours(4),
            lead: Span::minutes(90),
            warnings_are_good: false,
            restore: RestorePolicy::default(),
        }
    }
}

/// Where a host differs from the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyOverride {
    /// See [`Policy::schedule_max_age`].
    pub schedule_max_age: Option<Span>,
    /// See [`Policy::start_max_age`].
    pub start_max_age: Option<Span>,
    /// See [`Policy::warnings_are_good`].
    pub warnings_are_good: Option<bool>,
    /// See [`Policy::restore`].
    #[serde(default)]
    pub restore: RestoreOverride,
}

/// Where a host differs from the site in what is asked of restores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreOverride {
    /// See [`RestorePolicy::drill_max_age`].
    pub drill_max_age: Option<Span>,
    /// See [`RestorePolicy::rto`].
    pub rto: Option<Span>,
    /// See [`RestorePolicy::slow_restore_blocks`].
    pub slow_restore_blocks: Option<bool>,
}

impl Policy {
    /// Age a backup may have for a purpose.
    #[must_use]
    pub const fn max_age(&self, purpose: Purpose) -> Span {
        match purpose {
            Purpose::Schedule => self.schedule_max_age,
            Purpose::Start => self.start_max_age,
        }
    }

    /// The rule for one host.
    #[must_use]
    pub fn for_host(&self, own: &PolicyOverride) -> Self {
        Self {
            schedule_max_age: own.schedule_max_age.unwrap_or(self.schedule_max_age),
            start_max_age: own.start_max_age.unwrap_or(self.start_max_age),
            lead: self.lead,
            warnings_are_good: own.warnings_are_good.unwrap_or(self.warnings_are_good),
            restore: RestorePolicy {
                drill_max_age: own.restore.drill_max_age.unwrap_or(self.restore.drill_max_age),
                rto: own.restore.rto.or(self.restore.rto),
                slow_restore_blocks: own.restore.slow_restore_blocks.unwrap_or(self.restore.slow_restore_blocks),
            },
        }
    }
}

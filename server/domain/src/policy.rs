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
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            schedule_max_age: Span::hours(24),
            start_max_age: Span::hours(4),
            lead: Span::minutes(90),
            warnings_are_good: false,
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
        }
    }
}

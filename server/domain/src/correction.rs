//! Corrections of the history: somebody says what a component was, over everything else that says something.

use crate::component::ComponentState;
use crate::ids::{ComponentId, CorrectionId, UserId};
use crate::impact::Known;
use crate::text::Why;
use crate::time::{Instant, Stretch};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A correction. It is never changed and never removed: it may be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Identity.
    pub id: CorrectionId,
    /// Whose history.
    pub component: ComponentId,
    /// From when to when.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// What it was.
    #[serde(rename = "state")]
    pub known: Known,
    /// Why; customers read it.
    pub reason: Why,
    /// When it was entered.
    pub created_at: Instant,
    /// By whom; none for a token or the system.
    pub created_by: Option<UserId>,
    /// Their name then, for the team.
    pub by: String,
    /// When it was taken back, and by whom.
    pub withdrawn: Option<Withdrawn>,
    /// Counts changes.
    pub version: i64,
}

/// How a correction was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// When.
    pub at: Instant,
    /// Their name then.
    pub by: String,
    /// Why.
    pub why: Why,
}

/// Why a stretch can not be corrected, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CorrectionError {
    /// It ends before it begins.
    #[error("The end must be after the beginning.")]
    Order,
    /// It has not been yet.
    #[error("Only what has been can be corrected: this lies in the future.")]
    Future,
}

/// Whether a stretch may be corrected.
///
/// # Errors
/// It is empty, or does not lie in the past.
pub fn correctable(stretch: Stretch, now: Instant) -> Result<Stretch, CorrectionError> {
    if stretch.is_empty() {
        Err(CorrectionError::Order)
    } else if stretch.to > now {
        Err(CorrectionError::Future)
    } else {
        Ok(stretch)
    }
}

/// A state that nothing can have been in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose operational, under_maintenance, degraded_performance, partial_outage, major_outage or unknown.")]
pub struct UnknownKnown;

impl Known {
    /// All there are, best first; what nobody knows at the end.
    pub const ALL: [Self; 6] = [
        Self::State(ComponentState::Operational),
        Self::State(ComponentState::UnderMaintenance),
        Self::State(ComponentState::DegradedPerformance),
        Self::State(ComponentState::PartialOutage),
        Self::State(ComponentState::MajorOutage),
        Self::Unknown,
    ];

    /// As it is stored and as the API says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::State(state) => state.as_str(),
        }
    }

    /// For customers.
    #[must_use]
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::State(state) => state.public_text(),
        }
    }

    /// What has this name.
    ///
    /// # Errors
    /// Nothing has.
    pub fn parse(text: &str) -> Result<Self, UnknownKnown> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownKnown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn only_what_has_been_can_be_corrected() {
        let at = |hours| Span::hours(hours).after(Instant::UNIX_EPOCH);
        assert_eq!(correctable(Stretch::new(at(1), at(2)), at(2)), Ok(Stretch::new(at(1), at(2))));
        assert_eq!(correctable(Stretch::new(at(1), at(3)), at(2)), Err(CorrectionError::Future));
        assert_eq!(correctable(Stretch::new(at(2), at(2)), at(9)), Err(CorrectionError::Order));
        assert_eq!(correctable(Stretch::new(at(2), at(1)), at(9)), Err(CorrectionError::Order));
    }
}

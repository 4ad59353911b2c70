//! What customers know of a component of which alerts say that it is worse than its incident does.

use crate::component::ComponentState;
use std::fmt;

/// What they know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it is for the team alone.
    Nothing,
    /// That it is so: better than the alerts say.
    Better(ComponentState),
    /// That it is as bad, by something else: another incident, work, or by hand. What its own incident says, if anything.
    Elsewhere(Option<ComponentState>),
}

impl Known {
    /// Of what `alerts` say: `said` is what its incident says of it, `read` what customers read, if they may.
    #[must_use]
    pub fn of(alerts: ComponentState, said: Option<ComponentState>, read: Option<ComponentState>) -> Self {
        match read {
            None => Self::Nothing,
            Some(read) if read < alerts => Self::Better(read),
            Some(_) => Self::Elsewhere(said),
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("customers read nothing of it"),
            Self::Better(read) => write!(f, "customers read: {}", read.public_text()),
            Self::Elsewhere(Some(said)) => write!(f, "this incident says: {}", said.public_text()),
            Self::Elsewhere(None) => f.write_str("this incident says nothing of it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_customers_read_elsewhere_is_not_said_to_be_missing() {
        use ComponentState::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};
        let words = |alerts, said, read| Known::of(alerts, said, read).to_string();
        let slow = Some(DegradedPerformance);
        assert_eq!(words(MajorOutage, slow, slow), "customers read: Degraded performance");
        assert_eq!(words(PartialOutage, None, Some(Operational)), "customers read: Operational");
        assert_eq!(words(PartialOutage, slow, Some(UnderMaintenance)), "customers read: Under maintenance");
        for read in [PartialOutage, MajorOutage] {
            assert_eq!(words(PartialOutage, slow, Some(read)), "this incident says: Degraded performance");
        }
        assert_eq!(words(PartialOutage, None, Some(MajorOutage)), "this incident says nothing of it");
        assert_eq!(words(MajorOutage, slow, None), "customers read nothing of it");
    }
}

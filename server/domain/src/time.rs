//! Instants, spans and civil time. Nothing here knows what time it is.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A point on the time line; stored with millisecond precision.
pub type Instant = DateTime<Utc>;

/// A length of time in whole seconds, never negative where a rule asks for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// From seconds.
    #[must_use]
    pub const fn seconds(s: i64) -> Self {
        Self(s)
    }

    /// From minutes.
    #[must_use]
    pub const fn minutes(m: i64) -> Self {
        Self(m * 60)
    }

    /// From hours.
    #[must_use]
    pub const fn hours(h: i64) -> Self {
        Self(h * 3600)
    }

    /// Between two instants, rounded down to the second; negative when `to` is earlier.
    #[must_use]
    pub fn between(from: Instant, to: Instant) -> Self {
        Self(to.signed_duration_since(from).num_seconds())
    }

    /// Seconds.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0
    }

    /// For arithmetic with instants; saturates far outside any calendar.
    #[must_use]
    pub fn delta(self) -> TimeDelta {
        TimeDelta::try_seconds(self.0).unwrap_or(TimeDelta::MAX)
    }
}

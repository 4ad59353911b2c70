//! Instants, spans and civil time. Nothing here knows what time it is, nor any
//! zone by itself: zone rules come in as a [`ZoneRules`].

mod days;
mod format;
mod span;
mod stretch;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod zone;

pub use days::{Calendar, CalendarError, Day, Hour, day, days, hours};
pub(crate) use format::zone_text;
pub use format::{
    InstantText, TimeText, format_brief, format_clock, format_day, format_hour, format_hours, format_instant,
    format_offset, format_range, format_short, format_short_at, offset_text,
};
pub use span::SpanError;
pub use stretch::{Stretch, common, united};
pub use zone::{Civil, LocalError, LocalTime, UnknownZone, ZoneRules, civil, parse_local, parse_offset};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A point on the time line; stored with millisecond precision.
pub type Instant = DateTime<Utc>;

/// A length of time in whole seconds, never negative where a rule asks for one.
///
/// Its `Display` is for reading ages ("40 h 55 min", days from 72 h on); see
/// [`Span::to_input`] for a text that loses nothing.
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

    /// From days of 24 hours.
    #[must_use]
    pub const fn days(d: i64) -> Self {
        Self(d * 86_400)
    }

    /// Between two instants, rounded towards zero to the second; negative when `to` is earlier.
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
        TimeDelta::try_seconds(self.0).unwrap_or(if self.0 < 0 { TimeDelta::MIN } else { TimeDelta::MAX })
    }

    /// This long after `at`; saturates at the ends of the calendar instead of panicking.
    #[must_use]
    pub fn after(self, at: Instant) -> Instant {
        at.checked_add_signed(self.delta()).unwrap_or(if self.0 < 0 { Instant::MIN_UTC } else { Instant::MAX_UTC })
    }

    /// This long before `at`; saturates at the ends of the calendar instead of panicking.
    #[must_use]
    pub fn before(self, at: Instant) -> Instant {
        at.checked_sub_signed(self.delta()).unwrap_or(if self.0 < 0 { Instant::MAX_UTC } else { Instant::MIN_UTC })
    }
}

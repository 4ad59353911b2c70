//! When the team is told of findings: at once when there is a new one, and once a day of all.

use crate::time::{Instant, LocalTime, Span, ZoneRules, civil};
use chrono::{Days, NaiveDate, NaiveTime};
use thiserror::Error;

/// The hour of a day at which the digest is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DigestHour(u8);

/// Not an hour of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose a full hour from 0 to 23.")]
pub struct NoHour;

/// New findings that come within this time of the first are told in one mail.
pub const BUNDLED: Span = Span::minutes(3);

impl Default for DigestHour {
    fn default() -> Self {
        Self(8)
    }
}

impl DigestHour {
    /// An hour from 0 to 23.
    ///
    /// # Errors
    /// It is none.
    pub fn new(hour: i64) -> Result<Self, NoHour> {
        u8::try_from(hour).ok().filter(|hour| *hour < 24).map(Self).ok_or(NoHour)
    }

    /// The hour.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// This hour of a day, in a zone. Where the clocks skip it, the first time after it; where they show
    /// it twice, the first of the two. A zone that is not known (any more) counts as UTC.
    #[must_use]
    pub fn on(self, rules: &dyn ZoneRules, zone: &str, day: NaiveDate) -> Instant {
        let local = day.and_time(NaiveTime::from_hms_opt(self.0.into(), 0, 0).unwrap_or_default());
        match rules.resolve(zone, local) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
            Ok(LocalTime::Gap { after, .. }) => match rules.resolve(zone, after) {
                Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
                _ => after.and_utc(),
            },
            Err(_) => local.and_utc(),
        }
    }

    /// The day of the newest digest whose time has come.
    #[must_use]
    pub fn newest_day(self, rules: &dyn ZoneRules, zone: &str, now: Instant) -> NaiveDate {
        let today = civil(rules, zone, now).local.date();
        let earlier = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        if self.on(rules, zone, today) <= now { today } else { earlier(1) }
    }

    /// The day whose digest is to be sent now, after that of `last`; one that was missed while nobody
    /// could send it is sent late, several that were missed are sent as one.
    #[must_use]
    pub fn due(self, rules: &dyn ZoneRules, zone: &str, last: NaiveDate, now: Instant) -> Option<NaiveDate> {
        // A last one that lies more than a day ahead was noted by a clock that was wrong.
        let is_new = |day: &NaiveDate| last < *day || day.succ_opt().is_some_and(|next| next < last);
        Some(self.newest_day(rules, zone, now)).filter(is_new)
    }
}

/// Whether new findings, each with when it was to be told first, are to be told now.
#[must_use]
pub fn news_is_due(new_since: impl IntoIterator<Item = Instant>, now: Instant) -> bool {
    new_since.into_iter().min().is_some_and(|first| BUNDLED.after(first) <= now)
}

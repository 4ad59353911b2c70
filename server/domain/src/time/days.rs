//! Days, weeks and months as a zone's clocks show them. A day lasts from one local midnight to the
//! next: 23 or 25 hours where the clocks change.

use super::zone::{LocalTime, ZoneRules, civil};
use super::{Instant, Span, Stretch};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};
use thiserror::Error;

/// All offsets in use are multiples of this.
const QUARTER: Span = Span::minutes(15);

/// A day in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: NaiveDate,
    /// From its first instant to that of the next day.
    pub stretch: Stretch,
}

/// An hour of a day as its clocks show it. The same hour comes twice where the clocks go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// 0 to 23.
    pub hour: u32,
    /// "CEST", to tell two hours of the same number apart.
    pub abbreviation: String,
    /// Its local beginning.
    pub local: NaiveDateTime,
    /// Its instants: less than an hour where a change falls into it.
    pub stretch: Stretch,
}

/// A month or a week of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calendar {
    /// By its first day.
    Month(NaiveDate),
    /// By its Monday.
    Week(NaiveDate),
}

/// Why a text is no month or week, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// `?month=`
    #[error("“{0}” is not a month. Write it like 2026-11.")]
    Month(String),
    /// `?week=`
    #[error("“{0}” is not a week. Write it like 2026-W48.")]
    Week(String),
}

/// The first instant of a date; where its midnight does not exist, the first that does.
fn midnight(rules: &dyn ZoneRules, zone: &str, date: NaiveDate) -> Instant {
    let local = date.and_time(NaiveTime::MIN);
    match rules.resolve(zone, local) {
        Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
        Ok(LocalTime::Gap { after, .. }) => match rules.resolve(zone, after) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
            _ => local.and_utc(),
        },
        Err(_) => local.and_utc(),
    }
}

/// A day in a zone; as in UTC where the zone is not known.
#[must_use]
pub fn day(rules: &dyn ZoneRules, zone: &str, date: NaiveDate) -> Day {
    let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
    Day { date, stretch: Stretch::new(midnight(rules, zone, date), midnight(rules, zone, next)) }
}

/// The days from one date to another, both included; the same as [`day`] of each.
#[must_use]
pub fn days(rules: &dyn ZoneRules, zone: &str, first: NaiveDate, last: NaiveDate) -> Vec<Day> {
    let mut days = Vec::new();
    let mut from = midnight(rules, zone, first);
    for date in first.iter_days().take_while(|date| *date <= last) {
        let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
        let to = midnight(rules, zone, next);
        days.push(Day { date, stretch: Stretch::new(from, to) });
        from = to;
    }
    days
}

/// The hours of a day, in order.
#[must_use]
pub fn hours(rules: &dyn ZoneRules, zone: &str, day: &Day) -> Vec<Hour> {
    let mut hours: Vec<(Hour, i32)> = Vec::with_capacity(25);
    let mut at = day.stretch.from;
    while at < day.stretch.to {
        let shown = civil(rules, zone, at);
        let next = QUARTER.after(at).min(day.stretch.to);
        match hours.last_mut() {
            Some((last, offset)) if last.hour == shown.local.hour() && *offset == shown.offset => {
                last.stretch.to = next;
            }
            _ => hours.push((
                Hour {
                    hour: shown.local.hour(),
                    abbreviation: shown.abbreviation,
                    local: shown.local,
                    stretch: Stretch::new(at, next),
                },
                shown.offset,
            )),
        }
        at = next;
    }
    hours.into_iter().map(|(hour, _)| hour).collect()
}

fn is_in_reach(date: &NaiveDate) -> bool {
    (1970..=2200).contains(&date.year())
}

impl Calendar {
    /// The month that holds a date.
    #[must_use]
    pub fn month_of(date: NaiveDate) -> Self {
        Self::Month(date.with_day(1).unwrap_or(date))
    }

    /// The week that holds a date.
    #[must_use]
    pub fn week_of(date: NaiveDate) -> Self {
        let back = Days::new(u64::from(date.weekday().num_days_from_monday()));
        Self::Week(date.checked_sub_days(back).unwrap_or(date))
    }

    /// Reads `2026-11`.
    ///
    /// # Errors
    /// No month, or not between 1970 and 2200.
    pub fn parse_month(text: &str) -> Result<Self, CalendarError> {
        let text = text.trim();
        let read = || {
            let (year, month) = text.split_once('-')?;
            NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1).filter(is_in_reach)
        };
        read().map(Self::Month).ok_or_else(|| CalendarError::Month(text.chars().take(20).collect()))
    }

    /// Reads `2026-W48` (ISO 8601).
    ///
    /// # Errors
    /// No week, or not between 1970 and 2200.
    pub fn parse_week(text: &str) -> Result<Self, CalendarError> {
        let text = text.trim();
        let read = || {
            let (year, week) = text.split_once("-W")?;
            NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon).filter(is_in_reach)
        };
        read().map(Self::Week).ok_or_else(|| CalendarError::Week(text.chars().take(20).collect()))
    }

    /// As it stands in an address: `month=2026-11`, `week=2026-W48`.
    #[must_use]
    pub fn query(&self) -> String {
        match self {
            Self::Month(first) => first.format("month=%Y-%m").to_string(),
            Self::Week(monday) => monday.format("week=%G-W%V").to_string(),
        }
    }

    /// The one before.
    #[must_use]
    pub fn previous(&self) -> Self {
        match *self {
            Self::Month(first) => Self::Month(first.checked_sub_months(Months::new(1)).unwrap_or(first)),
            Self::Week(monday) => Self::Week(monday.checked_sub_days(Days::new(7)).unwrap_or(monday)),
        }
    }

    /// The one after.
    #[must_use]
    pub fn next(&self) -> Self {
        match *self {
            Self::Month(first) => Self::Month(first.checked_add_months(Months::new(1)).unwrap_or(first)),
            Self::Week(monday) => Self::Week(monday.checked_add_days(Days::new(7)).unwrap_or(monday)),
        }
    }

    /// Whether a date belongs to it; the first and last row of a month show others too.
    #[must_use]
    pub fn holds(&self, date: NaiveDate) -> bool {
        match self {
            Self::Month(first) => Self::month_of(date) == Self::Month(*first),
            Self::Week(monday) => Self::week_of(date) == Self::Week(*monday),
        }
    }

    /// Its weeks from Monday to Sunday: whole weeks, also of a month.
    #[must_use]
    pub fn weeks(&self) -> Vec<[NaiveDate; 7]> {
        let (mut monday, last) = match *self {
            Self::Week(monday) => (monday, monday),
            Self::Month(first) => {
                let (Self::Week(monday) | Self::Month(monday)) = Self::week_of(first);
                let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
                (monday, next.checked_sub_days(Days::new(1)).unwrap_or(first))
            }
        };
        let mut weeks = Vec::new();
        while monday <= last {
            weeks.push(std::array::from_fn(|n| monday.checked_add_days(Days::new(n as u64)).unwrap_or(monday)));
            monday = monday.checked_add_days(Days::new(7)).unwrap_or(NaiveDate::MAX);
        }
        weeks
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::time::testing::FixedRules;
    use proptest::prelude::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn length(zone: &str, on: &str) -> (Span, usize) {
        let day = day(&FixedRules, zone, date(on));
        (Span::between(day.stretch.from, day.stretch.to), hours(&FixedRules, zone, &day).len())
    }

    #[test]
    fn days_on_which_clocks_change_have_the_right_hours() {
        assert_eq!(length("Europe/Berlin", "2026-11-28"), (Span::hours(24), 24));
        assert_eq!(length("Europe/Berlin", "2026-03-29"), (Span::hours(23), 23));
        assert_eq!(length("Europe/Berlin", "2026-10-25"), (Span::hours(25), 25));
        // Midnight itself is missing.
        assert_eq!(length("Africa/Cairo", "2026-04-24"), (Span::hours(23), 23));
        // Half an hour is missing from one hour.
        assert_eq!(length("Australia/Lord_Howe", "2026-10-04"), (Span::minutes(23 * 60 + 30), 24));
        let autumn = day(&FixedRules, "Europe/Berlin", date("2026-10-25"));
        let twice: Vec<_> = hours(&FixedRules, "Europe/Berlin", &autumn).into_iter().filter(|h| h.hour == 2).collect();
        assert_eq!(twice.iter().map(|h| h.abbreviation.as_str()).collect::<Vec<_>>(), ["CEST", "CET"]);
        let spring = day(&FixedRules, "Europe/Berlin", date("2026-03-29"));
        assert!(hours(&FixedRules, "Europe/Berlin", &spring).iter().all(|hour| hour.hour != 2));
    }

    #[test]
    fn months_and_weeks_are_read_and_written_alike() {
        for text in ["2026-11", "2024-02"] {
            assert_eq!(Calendar::parse_month(text).unwrap().query(), format!("month={text}"));
        }
        for text in ["2026-W48", "2026-W53", "2025-W01"] {
            assert_eq!(Calendar::parse_week(text).unwrap().query(), format!("week={text}"));
        }
        for bad in ["", "2026", "2026-13", "2026-W48", "9999-01", "-1-1", "2026-11-01"] {
            assert!(Calendar::parse_month(bad).is_err(), "{bad}");
        }
        for bad in ["", "2026-48", "2025-W53", "2026-W0", "2026-W99"] {
            assert!(Calendar::parse_week(bad).is_err(), "{bad}");
        }
        let november = Calendar::parse_month("2026-11").unwrap();
        let weeks = november.weeks();
        assert_eq!((weeks.len(), weeks[0][0], weeks[5][6]), (6, date("2026-10-26"), date("2026-12-06")));
        assert_eq!(november.next().query(), "month=2026-12");
        assert_eq!(november.previous().query(), "month=2026-10");
    }

    proptest! {
        #[test]
        fn days_follow_each_other_and_hours_fill_them(
            n in 0..9_000_u64,
            zone in prop::sample::select(vec!["Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
        ) {
            let first = date("2010-01-01").checked_add_days(Days::new(n)).unwrap();
            let (a, b) = (day(&FixedRules, zone, first), day(&FixedRules, zone, first.succ_opt().unwrap()));
            prop_assert_eq!(a.stretch.to, b.stretch.from);
            let hours = hours(&FixedRules, zone, &a);
            prop_assert_eq!(hours.first().unwrap().stretch.from, a.stretch.from);
            prop_assert_eq!(hours.last().unwrap().stretch.to, a.stretch.to);
            prop_assert!(hours.windows(2).all(|pair| pair[0].stretch.to == pair[1].stretch.from));
            prop_assert!(hours.iter().all(|hour| hour.local.date() == first));
            prop_assert_eq!(days(&FixedRules, zone, first, b.date), vec![a, b]);
            prop_assert_eq!(days(&FixedRules, zone, b.date, first), vec![]);
        }
    }
}

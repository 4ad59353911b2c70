//! On which dates work repeats: the part of RFC 5545 §3.3.10 that maintenance needs.

mod parse;

use crate::text::listed;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use parse::Parts;
use serde::Serialize;
use std::fmt;
use thiserror::Error;

/// The longest pause: every 99 days, weeks or months.
pub const MAX_EVERY: u32 = 99;

/// The most dates that `COUNT` may ask for.
pub const MAX_COUNT: u32 = 5_000;

/// No date lies after this year.
const LAST_YEAR: i32 = 2200;

const WEEK: [(Weekday, &str, &str); 7] = [
    (Weekday::Mon, "MO", "Monday"),
    (Weekday::Tue, "TU", "Tuesday"),
    (Weekday::Wed, "WE", "Wednesday"),
    (Weekday::Thu, "TH", "Thursday"),
    (Weekday::Fri, "FR", "Friday"),
    (Weekday::Sat, "SA", "Saturday"),
    (Weekday::Sun, "SU", "Sunday"),
];

/// `TU`
#[must_use]
pub const fn weekday_code(day: Weekday) -> &'static str {
    WEEK[day as usize].1
}

/// `Tuesday`
#[must_use]
pub const fn weekday_name(day: Weekday) -> &'static str {
    WEEK[day as usize].2
}

/// The weekday of a code, in any case; none where it is none.
#[must_use]
pub fn weekday_of(code: &str) -> Option<Weekday> {
    WEEK.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(code.trim())).map(|(day, ..)| *day)
}

/// Which dates of a day, week or month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Each day.
    Daily,
    /// These weekdays, Monday first.
    Weekly(Vec<Weekday>),
    /// The first (1) to fifth (5) or the last (-1) of a weekday in the month.
    NthWeekday(Vec<(i8, Weekday)>),
    /// Days of the month, 1 to 31, or the last (-1). A month without such a day has none.
    MonthDay(Vec<i8>),
}

/// How long it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until somebody ends it.
    Ended,
    /// For so many dates.
    Count(u32),
    /// Up to and including this date.
    Date(NaiveDate),
}

/// On which dates work repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Rule {
    every: u32,
    pattern: Pattern,
    until: Until,
}

/// Why a rule is refused, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// Nothing was written.
    #[error("Say how the work repeats: for example FREQ=WEEKLY;BYDAY=TU.")]
    Empty,
    /// Not a part of a rule.
    #[error("“{0}” is not part of a rule. Write it like FREQ=WEEKLY;BYDAY=TU.")]
    Unclear(String),
    /// The same part twice.
    #[error("{0} stands there twice.")]
    Twice(String),
    /// A part of the standard that is not supported.
    #[error("{0} is not supported: a rule can have FREQ, INTERVAL, BYDAY, BYMONTHDAY, and COUNT or UNTIL.")]
    Unsupported(String),
    /// `FREQ` is missing.
    #[error("FREQ is missing: FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY.")]
    NoFreq,
    /// Another frequency.
    #[error("FREQ={0} is not supported: use DAILY, WEEKLY or MONTHLY.")]
    Freq(String),
    /// Not a pause.
    #[error("Choose a whole number from 1 to {MAX_EVERY}.")]
    Every,
    /// Not a weekday.
    #[error("“{0}” is not a weekday: use MO, TU, WE, TH, FR, SA or SU.")]
    Day(String),
    /// No weekday chosen.
    #[error("Choose at least one weekday.")]
    NoDays,
    /// A number before a weekday in a week.
    #[error("A week has each weekday once: write BYDAY=TU without a number, or use FREQ=MONTHLY.")]
    NumberInWeek,
    /// A weekday without its number in a month.
    #[error("Say which of the month: BYDAY=1TU is the first Tuesday, BYDAY=-1TU the last.")]
    NoNumber,
    /// A number that no month has.
    #[error("Choose the first (1) to the fifth (5), or the last (-1).")]
    Number,
    /// Not a day of a month.
    #[error("Choose a day from 1 to 31, or -1 for the last day of the month.")]
    MonthDay,
    /// A part that does not go with this frequency.
    #[error("{part} does not go with FREQ={freq}.")]
    Misplaced {
        /// `BYDAY`
        part: &'static str,
        /// `DAILY`
        freq: &'static str,
    },
    /// Two ways to name days.
    #[error("Use either BYDAY or BYMONTHDAY.")]
    BothDays,
    /// Two ways to end.
    #[error("Use either COUNT or UNTIL.")]
    BothEnds,
    /// Not a number of dates.
    #[error("Choose a whole number from 1 to {MAX_COUNT}.")]
    Count,
    /// Not a date.
    #[error("Write the last date as UNTIL=20261231: a local date without a time.")]
    Until,
    /// Weeks that begin on another day.
    #[error("Weeks begin on Monday here: leave WKST away.")]
    WeekStart,
    /// It has no date.
    #[error("No date matches this.")]
    Never,
}

impl Rule {
    /// Checks and puts in order.
    ///
    /// # Errors
    /// A number out of range, or no day.
    pub fn new(every: u32, pattern: Pattern, until: Until) -> Result<Self, RuleError> {
        if !(1..=MAX_EVERY).contains(&every) {
            return Err(RuleError::Every);
        }
        if matches!(until, Until::Count(count) if !(1..=MAX_COUNT).contains(&count)) {
            return Err(RuleError::Count);
        }
        let pattern = match pattern {
            Pattern::Daily => Pattern::Daily,
            Pattern::Weekly(mut days) => {
                days.sort_by_key(Weekday::num_days_from_monday);
                days.dedup();
                if days.is_empty() {
                    return Err(RuleError::NoDays);
                }
                Pattern::Weekly(days)
            }
            Pattern::NthWeekday(mut days) => {
                days.sort_by_key(|(n, day)| (late(*n), day.num_days_from_monday()));
                days.dedup();
                if days.is_empty() {
                    return Err(RuleError::NoDays);
                }
                if days.iter().any(|(n, _)| !matches!(n, 1..=5 | -1)) {
                    return Err(RuleError::Number);
                }
                Pattern::NthWeekday(days)
            }
            Pattern::MonthDay(mut days) => {
                days.sort_by_key(|n| late(*n));
                days.dedup();
                if days.is_empty() || days.iter().any(|n| !matches!(n, 1..=31 | -1)) {
                    return Err(RuleError::MonthDay);
                }
                Pattern::MonthDay(days)
            }
        };
        Ok(Self { every, pattern, until })
    }

    /// Reads `FREQ=WEEKLY;INTERVAL=2;BYDAY=TU`, also with `RRULE:` before it. Days that are not named
    /// are those of `start`.
    ///
    /// # Errors
    /// Not a rule, a part that is not supported, or no date.
    pub fn parse(text: &str, start: NaiveDate) -> Result<Self, RuleError> {
        let text = text.trim();
        let text = text.get(..6).filter(|p| p.eq_ignore_ascii_case("RRULE:")).map_or(text, |_| &text[6..]);
        let rule = Parts::read(text)?.rule(start)?;
        if rule.dates(start).next().is_none() {
            return Err(RuleError::Never);
        }
        Ok(rule)
    }

    /// Each how many days, weeks or months.
    #[must_use]
    pub const fn every(&self) -> u32 {
        self.every
    }

    /// Which dates.
    #[must_use]
    pub const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// How long.
    #[must_use]
    pub const fn until(&self) -> Until {
        self.until
    }

    /// All dates, strictly rising, none before `start`. Weeks (from Monday) and months are counted
    /// from the one that `start` lies in.
    pub fn dates(&self, start: NaiveDate) -> impl Iterator<Item = NaiveDate> + '_ {
        let (most, last) = match self.until {
            Until::Ended => (u32::MAX, NaiveDate::MAX),
            Until::Count(count) => (count, NaiveDate::MAX),
            Until::Date(date) => (u32::MAX, date),
        };
        (0_u32..)
            .map_while(move |n| self.period(start, n))
            .flatten()
            .filter(move |date| *date >= start)
            .take_while(move |date| *date <= last)
            .take(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// The dates of the n-th day, week or month; none where time ends.
    fn period(&self, start: NaiveDate, n: u32) -> Option<Vec<NaiveDate>> {
        let n = u64::from(n) * u64::from(self.every);
        let dates = match &self.pattern {
            Pattern::Daily => vec![start.checked_add_days(Days::new(n))?],
            Pattern::Weekly(days) => {
                let monday = start.checked_sub_days(Days::new(start.weekday().num_days_from_monday().into()))?;
                let monday = monday.checked_add_days(Days::new(n * 7))?;
                let on = |day: &Weekday| monday.checked_add_days(Days::new(day.num_days_from_monday().into()));
                days.iter().map(on).collect::<Option<_>>()?
            }
            Pattern::NthWeekday(days) => {
                let (year, month) = month_after(start, n)?;
                sorted(days.iter().filter_map(|(n, day)| nth_weekday(year, month, *n, *day)).collect())
            }
            Pattern::MonthDay(days) => {
                let (year, month) = month_after(start, n)?;
                let last = last_of_month(year, month)?;
                let on = |day: &i8| match day {
                    -1 => Some(last),
                    day => NaiveDate::from_ymd_opt(year, month, u32::try_from(*day).ok()?),
                };
                sorted(days.iter().filter_map(on).collect())
            }
        };
        let within = year_of(start, n, &self.pattern)? <= LAST_YEAR;
        within.then_some(dates)
    }

    /// "every Tuesday", "every 2 weeks on Tuesday and Thursday", "every month on the last Sunday".
    #[must_use]
    pub fn days(&self) -> String {
        let every = |unit: &str| match self.every {
            1 => format!("every {unit}"),
            n => format!("every {n} {unit}s"),
        };
        match &self.pattern {
            Pattern::Daily => every("day"),
            Pattern::Weekly(days) => {
                let names: Vec<String> = days.iter().map(|day| weekday_name(*day).to_owned()).collect();
                match self.every {
                    1 if days.len() == 7 => "every day".to_owned(),
                    1 => format!("every {}", listed(&names)),
                    _ => format!("{} on {}", every("week"), listed(&names)),
                }
            }
            Pattern::NthWeekday(days) => {
                let names: Vec<String> =
                    days.iter().map(|(n, day)| format!("{} {}", ordinal(*n), weekday_name(*day))).collect();
                format!("{} on the {}", every("month"), listed(&names))
            }
            Pattern::MonthDay(days) => {
                let names: Vec<String> = days
                    .iter()
                    .map(|day| if *day == -1 { "the last day".to_owned() } else { format!("day {day}") })
                    .collect();
                format!("{} on {}", every("month"), listed(&names))
            }
        }
    }

    /// "10 times", "until 31 Dec 2026"; empty where it goes on until somebody ends it.
    #[must_use]
    pub fn end(&self) -> String {
        match self.until {
            Until::Ended => String::new(),
            Until::Count(1) => "once".to_owned(),
            Until::Count(count) => format!("{count} times"),
            Until::Date(date) => format!("until {}", date.format("%-d %b %Y")),
        }
    }
}

/// As it is stored: reads back to the same rule.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |parts: Vec<String>| parts.join(",");
        let (freq, days) = match &self.pattern {
            Pattern::Daily => ("DAILY", None),
            Pattern::Weekly(days) => {
                ("WEEKLY", Some(("BYDAY", join(days.iter().map(|day| weekday_code(*day).to_owned()).collect()))))
            }
            Pattern::NthWeekday(days) => {
                let days = days.iter().map(|(n, day)| format!("{n}{}", weekday_code(*day))).collect();
                ("MONTHLY", Some(("BYDAY", join(days))))
            }
            Pattern::MonthDay(days) => {
                ("MONTHLY", Some(("BYMONTHDAY", join(days.iter().map(ToString::to_string).collect()))))
            }
        };
        write!(f, "FREQ={freq}")?;
        if self.every != 1 {
            write!(f, ";INTERVAL={}", self.every)?;
        }
        if let Some((part, days)) = days {
            write!(f, ";{part}={days}")?;
        }
        match self.until {
            Until::Ended => Ok(()),
            Until::Count(count) => write!(f, ";COUNT={count}"),
            Until::Date(date) => write!(f, ";UNTIL={}", date.format("%Y%m%d")),
        }
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

/// The last stands last.
const fn late(n: i8) -> i8 {
    if n < 0 { i8::MAX } else { n }
}

const fn ordinal(n: i8) -> &'static str {
    match n {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        5 => "fifth",
        _ => "last",
    }
}

fn sorted(mut dates: Vec<NaiveDate>) -> Vec<NaiveDate> {
    dates.sort_unstable();
    dates.dedup();
    dates
}

/// The year in which a period begins.
fn year_of(start: NaiveDate, n: u64, pattern: &Pattern) -> Option<i32> {
    match pattern {
        Pattern::Daily => Some(start.checked_add_days(Days::new(n))?.year()),
        Pattern::Weekly(_) => Some(start.checked_add_days(Days::new(n * 7))?.year()),
        Pattern::NthWeekday(_) | Pattern::MonthDay(_) => Some(month_after(start, n)?.0),
    }
}

/// Year and month so many months later.
fn month_after(start: NaiveDate, n: u64) -> Option<(i32, u32)> {
    let months = i64::from(start.year()) * 12 + i64::from(start.month0()) + i64::try_from(n).ok()?;
    let year = i32::try_from(months.div_euclid(12)).ok()?;
    let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
    Some((year, month))
}

fn last_of_month(year: i32, month: u32) -> Option<NaiveDate> {
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    NaiveDate::from_ymd_opt(year, month, 1)?.pred_opt()
}

fn nth_weekday(year: i32, month: u32, n: i8, day: Weekday) -> Option<NaiveDate> {
    if n > 0 {
        return NaiveDate::from_weekday_of_month_opt(year, month, day, u8::try_from(n).ok()?);
    }
    let last = last_of_month(year, month)?;
    let back = (last.weekday().num_days_from_monday() + 7 - day.num_days_from_monday()) % 7;
    last.checked_sub_days(Days::new(back.into()))
}

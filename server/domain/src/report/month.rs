//! A month as the clocks of a zone show it.

use crate::time::{Instant, Stretch, ZoneRules, civil, day};
use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// "2014-05". The same text in one order as in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(NaiveDate);

/// Not a month, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Write a month like 2014-05.")]
pub struct NoMonth;

impl Month {
    /// The month that holds a date.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self(date.with_day(1).unwrap_or(date))
    }

    /// The month that it is at an instant in a zone.
    #[must_use]
    pub fn at(rules: &dyn ZoneRules, zone: &str, at: Instant) -> Self {
        Self::of(civil(rules, zone, at).local.date())
    }

    /// Reads its one spelling, so that a month has one address. Years 1970 to 2200.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, NoMonth> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").map_err(|_| NoMonth)?;
        let month = Self(first);
        if (1970..=2200).contains(&first.year()) && month.to_string() == text { Ok(month) } else { Err(NoMonth) }
    }

    /// Its first day.
    #[must_use]
    pub const fn first(self) -> NaiveDate {
        self.0
    }

    /// The month so many months later.
    #[must_use]
    pub fn later(self, months: u32) -> Self {
        Self(self.0.checked_add_months(Months::new(months)).unwrap_or(self.0))
    }

    /// The month so many months before.
    #[must_use]
    pub fn earlier(self, months: u32) -> Self {
        Self(self.0.checked_sub_months(Months::new(months)).unwrap_or(self.0))
    }

    /// The months up to this one, oldest first, as many as asked for.
    #[must_use]
    pub fn and_before(self, count: u32) -> Vec<Self> {
        (0..count).rev().map(|back| self.earlier(back)).collect()
    }

    /// From its first instant in a zone up to that of the next month.
    #[must_use]
    pub fn stretch(self, rules: &dyn ZoneRules, zone: &str) -> Stretch {
        Stretch::new(day(rules, zone, self.0).stretch.from, day(rules, zone, self.later(1).0).stretch.from)
    }

    /// "May 2014"
    #[must_use]
    pub fn name(self) -> String {
        self.0.format("%B %Y").to_string()
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.format("%Y-%m").fmt(f)
    }
}

impl std::str::FromStr for Month {
    type Err = NoMonth;
    fn from_str(text: &str) -> Result<Self, NoMonth> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Month {
    type Error = NoMonth;
    fn try_from(text: String) -> Result<Self, NoMonth> {
        Self::parse(&text)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

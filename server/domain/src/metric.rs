//! Custom public metrics: numbers that programs push again and again, and what plots of a day, a week and a month show
//! of them.
//!
//! Points are kept for a few days; plots are made of buckets of three lengths, each made of the next finer ones, so
//! that a plot reads the same few hundred rows however many points were pushed in however many years.

mod bucket;
#[cfg(test)]
mod tests;

pub use bucket::{Bucket, collect, combine};

use crate::gate::FUTURE_TOLERANCE;
use crate::ids::{ComponentId, MetricId};
use crate::number::LARGEST;
use crate::text::{Name, Slug};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Points in one push.
pub const MOST_POINTS: usize = 5_000;

/// How late a point may come. Points are kept for so long, so that one that comes twice counts once.
pub const LATEST: Span = Span::days(8);

/// What a plot shows of many points in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Their mean: response times, loads.
    Mean,
    /// The greatest: queues, peaks.
    Max,
    /// All together: requests, bytes.
    Sum,
    /// The newest: how many there are of something.
    Last,
}

/// Not an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose mean, max, sum or last.")]
pub struct UnknownAggregate;

impl Aggregate {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mean, Self::Max, Self::Sum, Self::Last];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Last => "last",
        }
    }

    /// What it does, for those who choose.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Mean => "the mean",
            Self::Max => "the greatest",
            Self::Sum => "the sum",
            Self::Last => "the newest",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownAggregate> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownAggregate)
    }

    /// Many values in one, oldest first; none of none.
    #[must_use]
    pub fn of(self, values: &[f64]) -> Option<f64> {
        let last = *values.last()?;
        Some(match self {
            Self::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Self::Max => values.iter().copied().fold(last, f64::max),
            Self::Sum => values.iter().sum(),
            Self::Last => last,
        })
    }
}

/// The length of a bucket. Each is a whole number of the finer one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// For a day.
    FiveMinutes,
    /// For a week, and for small plots of a day.
    Hour,
    /// For a month.
    FourHours,
}

impl Step {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::FourHours];

    /// How long a bucket is.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::FiveMinutes => Span::minutes(5),
            Self::Hour => Span::hours(1),
            Self::FourHours => Span::hours(4),
        }
    }

    /// Whose buckets these are made of; points where there is none.
    #[must_use]
    pub const fn finer(self) -> Option<Self> {
        match self {
            Self::FiveMinutes => None,
            Self::Hour => Some(Self::FiveMinutes),
            Self::FourHours => Some(Self::Hour),
        }
    }

    /// How long buckets are kept: longer than any plot of them, and longer than coarser ones may still be made anew.
    #[must_use]
    pub const fn kept(self) -> Span {
        match self {
            Self::FiveMinutes => Span::days(9),
            Self::Hour => Span::days(10),
            Self::FourHours => Span::days(40),
        }
    }

    /// The beginning of the bucket that holds an instant. Buckets are counted from 1970 in UTC.
    #[must_use]
    pub fn floor(self, at: Instant) -> Instant {
        let ms = at.timestamp_millis();
        let length = self.span().as_seconds() * 1000;
        Instant::from_timestamp_millis(ms - ms.rem_euclid(length)).unwrap_or(at)
    }
}

/// What a plot covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// The last 24 hours.
    Day,
    /// The last 7 days.
    Week,
    /// The last 30 days.
    Month,
}

impl Range {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// "24 hours"
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }

    /// The buckets it is drawn from.
    #[must_use]
    pub const fn step(self) -> Step {
        match self {
            Self::Day => Step::FiveMinutes,
            Self::Week => Step::Hour,
            Self::Month => Step::FourHours,
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::Day => Span::days(1),
            Self::Week => Span::days(7),
            Self::Month => Span::days(30),
        }
    }
}

/// A value at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Instant,
    /// How much.
    pub value: f64,
}

/// Why a point is not taken, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointError {
    /// Not finite, or too large.
    #[error("Use a number between -1e15 and 1e15.")]
    Value,
    /// Its time lies ahead.
    #[error("This lies more than 5 minutes in the future. Is the clock right?")]
    Future,
    /// Its time lies too far back.
    #[error("This is more than 8 days ago: points of that time are not kept any more.")]
    TooOld,
}

impl PointError {
    /// The part of the point that is wrong.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Future | Self::TooOld => "at",
        }
    }
}

/// The oldest instant of which points are taken and kept: the beginning of a bucket, so that no bucket is ever made of
/// only a part of its points.
#[must_use]
pub fn oldest(now: Instant) -> Instant {
    Step::FiveMinutes.floor(LATEST.before(now))
}

impl Point {
    /// Whether it can be taken now.
    ///
    /// # Errors
    /// Its value or its time can not be.
    pub fn check(&self, now: Instant) -> Result<(), PointError> {
        if !(self.value.is_finite() && self.value.abs() <= LARGEST) {
            return Err(PointError::Value);
        }
        if self.at > FUTURE_TOLERANCE.after(now) {
            return Err(PointError::Future);
        }
        if self.at < oldest(now) { Err(PointError::TooOld) } else { Ok(()) }
    }
}

/// A series of numbers that programs push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Identity.
    pub id: MetricId,
    /// Its part in addresses, unique among those in use.
    pub slug: Slug,
    /// "Response time"
    pub name: Name,
    /// "ms"; may be empty.
    pub unit: String,
    /// Digits behind the point that are shown.
    pub decimals: u8,
    /// What a plot shows of many points.
    pub aggregate: Aggregate,
    /// What it tells of; a metric of a private component is private too.
    #[serde(rename = "component")]
    pub component_id: Option<ComponentId>,
    /// Customers see it.
    pub is_public: bool,
    /// Order on pages.
    pub position: i64,
    /// When points came last.
    pub pushed_at: Option<Instant>,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// Longest unit, in characters.
pub const LONGEST_UNIT: usize = 20;

//! The site's own figures: what it wants to publish every month, as a person or a program tells it.

use super::Month;
use crate::ids::FigureId;
use crate::metric::Aggregate;
use crate::number;
use crate::text::{Name, Slug};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Months that a plot shows.
pub const PLOTTED: u32 = 12;

/// Which way a figure should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// Neither.
    Neutral,
}

/// Not a way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose up, down or neutral.")]
pub struct UnknownBetter;

impl Better {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Up, Self::Down, Self::Neutral];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Neutral => "neutral",
        }
    }

    /// For those who choose.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Up => "More is better",
            Self::Down => "Less is better",
            Self::Neutral => "Neither",
        }
    }

    /// The one of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownBetter> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownBetter)
    }
}

/// A figure that the site publishes every month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Identity.
    pub id: FigureId,
    /// Its part in addresses, unique among those in use.
    pub slug: Slug,
    /// "Support requests"
    pub name: Name,
    /// "min"; may be empty.
    pub unit: String,
    /// Digits behind the point that are shown.
    pub decimals: u8,
    /// Which way it should go.
    pub better: Better,
    /// What twelve months of it make.
    pub aggregate: Aggregate,
    /// Customers see it.
    pub is_public: bool,
    /// Order in the report.
    pub position: i64,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// What became of a figure in a month, against the month before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// One of the two is not known.
    Unknown,
    /// Both are known.
    By {
        /// How much more.
        absolute: f64,
        /// The same in percent of the month before; none where that was zero: no percentage says it.
        percent: Option<f64>,
    },
}

/// What a change means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should go.
    Better,
    /// As it should not.
    Worse,
    /// Neither.
    Neither,
}

impl Change {
    /// From one month to the next.
    #[must_use]
    pub fn between(before: Option<f64>, now: Option<f64>) -> Self {
        let (Some(before), Some(now)) = (before, now) else { return Self::Unknown };
        let absolute = now - before;
        let percent = if before == 0.0 { None } else { Some(absolute / before.abs() * 100.0) };
        Self::By { absolute, percent }
    }

    /// What it means for a figure that should go this way.
    #[must_use]
    pub fn verdict(self, better: Better) -> Verdict {
        match (self, better) {
            (Self::By { absolute, .. }, Better::Up) if absolute > 0.0 => Verdict::Better,
            (Self::By { absolute, .. }, Better::Up) if absolute < 0.0 => Verdict::Worse,
            (Self::By { absolute, .. }, Better::Down) if absolute < 0.0 => Verdict::Better,
            (Self::By { absolute, .. }, Better::Down) if absolute > 0.0 => Verdict::Worse,
            _ => Verdict::Neither,
        }
    }

    /// "+12 (+3.8 %)"; honest where there is nothing to compare with.
    #[must_use]
    pub fn text(self, decimals: u8) -> String {
        match self {
            Self::Unknown => "nothing to compare with".to_owned(),
            Self::By { absolute: 0.0, .. } => "unchanged".to_owned(),
            Self::By { absolute, percent: Some(percent) } => {
                format!("{} ({} %)", number::signed(absolute, decimals), number::signed(percent, 1))
            }
            Self::By { absolute, percent: None } => format!("{} (from zero)", number::signed(absolute, decimals)),
        }
    }
}

/// A figure with its values, as a report holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FigureLine {
    /// Identity.
    pub id: FigureId,
    /// See [`Figure::slug`].
    pub slug: Slug,
    /// See [`Figure::name`].
    pub name: Name,
    /// See [`Figure::unit`].
    pub unit: String,
    /// See [`Figure::decimals`].
    pub decimals: u8,
    /// See [`Figure::better`].
    pub better: Better,
    /// See [`Figure::aggregate`].
    pub aggregate: Aggregate,
    /// See [`Figure::is_public`].
    pub is_public: bool,
    /// The values of the last [`PLOTTED`] months, oldest first; the last one is that of the report's month.
    pub months: Vec<Option<f64>>,
}

impl FigureLine {
    /// With its values up to a month; `value` knows them.
    #[must_use]
    pub fn of(figure: &Figure, month: Month, value: impl Fn(Month) -> Option<f64>) -> Self {
        Self {
            id: figure.id,
            slug: figure.slug.clone(),
            name: figure.name.clone(),
            unit: figure.unit.clone(),
            decimals: figure.decimals,
            better: figure.better,
            aggregate: figure.aggregate,
            is_public: figure.is_public,
            months: month.and_before(PLOTTED).into_iter().map(value).collect(),
        }
    }

    /// The value of the report's month.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.months.last().copied().flatten()
    }

    /// The value of the month before.
    #[must_use]
    pub fn before(&self) -> Option<f64> {
        self.months.iter().rev().nth(1).copied().flatten()
    }

    /// Against the month before.
    #[must_use]
    pub fn change(&self) -> Change {
        Change::between(self.before(), self.value())
    }

    /// "1,332", "12 min", or that it was not told.
    #[must_use]
    pub fn text(&self) -> String {
        self.value().map_or_else(|| "not entered".to_owned(), |value| self.said(value))
    }

    /// A value of it with its unit.
    #[must_use]
    pub fn said(&self, value: f64) -> String {
        number::with_unit(value, self.decimals, &self.unit)
    }

    /// The value of which [`Self::said`] wrote this, for programs and spreadsheets; none where it is no value of it.
    #[must_use]
    pub fn read(&self, said: &str) -> Option<f64> {
        let text =
            if self.unit.is_empty() { said } else { said.strip_suffix(self.unit.as_str())?.strip_suffix(' ')? };
        number::parse(text)
    }

    /// What the months that are known make: "15,204 in 12 months"; none of fewer than two.
    #[must_use]
    pub fn year(&self) -> Option<String> {
        let known: Vec<f64> = self.months.iter().copied().flatten().collect();
        let many = known.len();
        if many < 2 {
            return None;
        }
        let value = self.said(self.aggregate.of(&known)?);
        Some(match self.aggregate {
            Aggregate::Sum => format!("{value} in {many} months"),
            Aggregate::Mean => format!("{value} on average over {many} months"),
            Aggregate::Max => format!("at most {value} in {many} months"),
            Aggregate::Last => return None,
        })
    }
}

//! Time by state, and the share of it in which something was there.

use super::{Mode, Weights};
use crate::component::ComponentState;
use crate::impact::Known;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// Milliseconds by state. Of a group or a site it is the sum over the components, so that each second of each
/// component weighs the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All was well.
    pub operational: i64,
    /// Planned work, and nothing else.
    pub planned: i64,
    /// Degraded performance.
    pub degraded: i64,
    /// Degraded performance during planned work.
    pub degraded_planned: i64,
    /// A partial outage.
    pub partial: i64,
    /// A partial outage during planned work.
    pub partial_planned: i64,
    /// A major outage, whether work was planned or not.
    pub major: i64,
    /// Nobody knows.
    pub unknown: i64,
}

/// What planned work costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// Nothing.
    NotCounted,
    /// All of its time.
    Counted,
}

/// The share of the known time in which something was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Milliseconds times percent.
    lost: i64,
    /// Milliseconds.
    known: i64,
}

impl Tally {
    /// Counts so many milliseconds of a mode.
    pub const fn count(&mut self, mode: Mode, ms: i64) {
        let field = match mode {
            Mode::Unknown => &mut self.unknown,
            Mode::Known { trouble, planned } => match (trouble, planned) {
                (ComponentState::Operational | ComponentState::UnderMaintenance, false) => &mut self.operational,
                (ComponentState::Operational | ComponentState::UnderMaintenance, true) => &mut self.planned,
                (ComponentState::DegradedPerformance, false) => &mut self.degraded,
                (ComponentState::DegradedPerformance, true) => &mut self.degraded_planned,
                (ComponentState::PartialOutage, false) => &mut self.partial,
                (ComponentState::PartialOutage, true) => &mut self.partial_planned,
                (ComponentState::MajorOutage, _) => &mut self.major,
            },
        };
        *field += ms;
    }

    /// The time of which something is known.
    #[must_use]
    pub const fn known(&self) -> i64 {
        self.operational
            + self.planned
            + self.degraded
            + self.degraded_planned
            + self.partial
            + self.partial_planned
            + self.major
    }

    /// All of it.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.known() + self.unknown
    }

    /// The share in which it was there; none where nothing is known.
    #[must_use]
    pub fn share(&self, weights: Weights, planned: Planned) -> Option<Share> {
        let known = self.known();
        if known <= 0 {
            return None;
        }
        let (partial, degraded) = (i64::from(weights.partial()), i64::from(weights.degraded()));
        let (work, partial_in_work, degraded_in_work) = match planned {
            Planned::NotCounted => (0, partial, degraded),
            Planned::Counted => (100, 100, 100),
        };
        let lost = self.major * 100
            + self.partial * partial
            + self.partial_planned * partial_in_work
            + self.degraded * degraded
            + self.degraded_planned * degraded_in_work
            + self.planned * work;
        Some(Share { lost, known })
    }

    /// The worst that was; none where there was no time. Nothing known only where nothing is known at all.
    #[must_use]
    pub const fn worst(&self) -> Option<Known> {
        let state = if self.major > 0 {
            ComponentState::MajorOutage
        } else if self.partial + self.partial_planned > 0 {
            ComponentState::PartialOutage
        } else if self.degraded + self.degraded_planned > 0 {
            ComponentState::DegradedPerformance
        } else if self.planned > 0 {
            ComponentState::UnderMaintenance
        } else if self.operational > 0 {
            ComponentState::Operational
        } else if self.unknown > 0 {
            return Some(Known::Unknown);
        } else {
            return None;
        };
        Some(Known::State(state))
    }

    /// Milliseconds as a length of time, rounded to the nearest second.
    #[must_use]
    pub const fn span(ms: i64) -> Span {
        Span::seconds((ms + 500).div_euclid(1000))
    }
}

impl Add for Tally {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            operational: self.operational + other.operational,
            planned: self.planned + other.planned,
            degraded: self.degraded + other.degraded,
            degraded_planned: self.degraded_planned + other.degraded_planned,
            partial: self.partial + other.partial,
            partial_planned: self.partial_planned + other.partial_planned,
            major: self.major + other.major,
            unknown: self.unknown + other.unknown,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl Share {
    /// Hundredths of a percent, rounded down: 0 to 10,000.
    #[must_use]
    pub fn hundredths(self) -> i64 {
        let (lost, all) = (i128::from(self.lost), i128::from(self.known) * 100);
        // Both are sums of the same milliseconds, so this lies between 0 and 10,000.
        i64::try_from((all - lost) * 10_000 / all).unwrap_or_default()
    }

    /// As a number of percent, not rounded.
    #[must_use]
    pub fn percent(self) -> f64 {
        let all = self.known as f64 * 100.0;
        (all - self.lost as f64) / all * 100.0
    }

    /// The time that was lost, by the weights, rounded to the nearest second.
    #[must_use]
    pub const fn lost(self) -> Span {
        Tally::span(self.lost / 100)
    }

    /// Nothing was lost.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.lost == 0
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        let (a, b) = (i128::from(self.lost) * i128::from(other.known), i128::from(other.lost) * i128::from(self.known));
        Some(b.cmp(&a))
    }
}

/// "99.97 %", rounded down.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.hundredths();
        match (hundredths / 100, hundredths % 100) {
            (100, _) => f.write_str("100\u{a0}%"),
            (whole, part) => write!(f, "{whole}.{part:02}\u{a0}%"),
        }
    }
}

//! Freezes: times in which no work is to be done, typed by hand or taken from a calendar.

mod compare;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Incoming, NamedFreeze, compare};

use crate::conflict::{Force, FrozenTime};
use crate::gate::{Scope, Topology, blast_radius};
use crate::ids::FreezeId;
use crate::text::Name;
use crate::time::{Instant, LocalTime, Span, Stretch, UnknownZone, ZoneRules};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest a freeze may last.
pub const MAX_LENGTH: Span = Span::days(400);

/// Times in which no work is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Identity.
    pub id: FreezeId,
    /// Why: "Christmas trade".
    pub name: Name,
    /// What it holds for; none for the whole site.
    pub only: Option<Scope>,
    /// How much it weighs.
    pub force: Force,
    /// Where it was imported from, if it was.
    pub source: Option<Source>,
    /// When, in order: one time where it was typed, many where a calendar repeats it.
    pub times: Vec<FreezeTime>,
    /// Counts edits.
    pub version: i64,
}

/// An entry of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What the calendar is called here.
    pub calendar: Name,
    /// The entry's own id in it (RFC 5545 §3.8.4.7).
    pub uid: String,
}

/// One time of a freeze, as a person or a calendar said it, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeTime {
    /// IANA zone name.
    pub zone: String,
    /// Local beginning.
    pub local_start: NaiveDateTime,
    /// Local end.
    pub local_end: NaiveDateTime,
    /// Derived from the above by the zone's rules.
    #[serde(flatten)]
    pub stretch: Stretch,
}

/// Which input a [`FreezeError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeField {
    /// The zone.
    Zone,
    /// The beginning.
    Start,
    /// The end.
    End,
}

/// Why a time is asked back, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FreezeError {
    /// The zone is not known.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// The clocks skip it.
    #[error(
        "{} does not exist in {zone}: the clocks go forward. Choose {} or {}.",
        local.format("%-d %b %Y, %H:%M"), before.format("%H:%M"), after.format("%H:%M")
    )]
    Gap {
        /// Beginning or end.
        field: FreezeField,
        /// The zone.
        zone: String,
        /// What was asked for.
        local: NaiveDateTime,
        /// The last whole minute before it.
        before: NaiveDateTime,
        /// The first time after it.
        after: NaiveDateTime,
    },
    /// It ends before it begins, or at once.
    #[error("The end must be after the start.")]
    EndNotAfterStart,
    /// Longer than [`MAX_LENGTH`].
    #[error("A freeze can last at most 400 days.")]
    TooLong,
}

impl FreezeError {
    /// The input it is about.
    #[must_use]
    pub const fn field(&self) -> FreezeField {
        match self {
            Self::Zone(_) => FreezeField::Zone,
            Self::Gap { field, .. } => *field,
            Self::EndNotAfterStart | Self::TooLong => FreezeField::End,
        }
    }
}

impl FreezeTime {
    /// Reads a time. One that exists twice is no question here: the freeze holds from the first of
    /// the two beginnings up to the second of the two ends.
    ///
    /// # Errors
    /// See [`FreezeError`].
    pub fn read(
        rules: &dyn ZoneRules,
        zone: &str,
        local_start: NaiveDateTime,
        local_end: NaiveDateTime,
    ) -> Result<Self, FreezeError> {
        let zone = rules.canonical(zone).ok_or_else(|| UnknownZone(zone.to_owned()))?;
        let read = |field, local| match rules.resolve(&zone, local)? {
            LocalTime::One(at) => Ok(at),
            LocalTime::Fold { earlier, later } => Ok(if field == FreezeField::Start { earlier } else { later }),
            LocalTime::Gap { before, after } => {
                Err(FreezeError::Gap { field, zone: zone.clone(), local, before, after })
            }
        };
        let stretch = Stretch::new(read(FreezeField::Start, local_start)?, read(FreezeField::End, local_end)?);
        Self { zone, local_start, local_end, stretch }.sound()
    }

    /// The same for a calendar's time: where the clocks skip it, the first one after that is meant.
    ///
    /// # Errors
    /// See [`FreezeError`]; never a gap.
    pub fn imported(
        rules: &dyn ZoneRules,
        zone: &str,
        local_start: NaiveDateTime,
        local_end: NaiveDateTime,
    ) -> Result<Self, FreezeError> {
        match Self::read(rules, zone, local_start, local_end) {
            Err(FreezeError::Gap { field: FreezeField::Start, after, .. }) if after < local_end => {
                Self::imported(rules, zone, after, local_end)
            }
            Err(FreezeError::Gap { field: FreezeField::End, after, .. }) => {
                Self::imported(rules, zone, local_start, after)
            }
            Err(FreezeError::Gap { .. }) => Err(FreezeError::EndNotAfterStart),
            other => other,
        }
    }

    fn sound(self) -> Result<Self, FreezeError> {
        if self.stretch.is_empty() {
            Err(FreezeError::EndNotAfterStart)
        } else if Span::between(self.stretch.from, self.stretch.to) > MAX_LENGTH {
            Err(FreezeError::TooLong)
        } else {
            Ok(self)
        }
    }
}

impl Freeze {
    /// Its times of which some part lies in a stretch, as conflicts see them: it holds for what runs
    /// on the hosts it names too.
    pub fn frozen(&self, within: Stretch, topology: &Topology) -> impl Iterator<Item = FrozenTime> {
        let only = self.only.as_ref().map(|scope| (blast_radius(scope, topology), scope.components.clone()));
        self.times.iter().map(|time| time.stretch).filter(move |stretch| stretch.overlaps(&within)).map(
            move |stretch| FrozenTime {
                freeze: self.id,
                name: self.name.to_string(),
                force: self.force,
                only: only.clone(),
                stretch,
            },
        )
    }

    /// The time that holds now, or the next one; the last one where all are over.
    #[must_use]
    pub fn next(&self, now: Instant) -> Option<&FreezeTime> {
        self.times.iter().find(|time| time.stretch.to > now).or(self.times.last())
    }

    /// All of its times are over.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.times.iter().all(|time| time.stretch.to <= now)
    }
}

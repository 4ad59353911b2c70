//! From what a person types to instants. A time that does not exist or exists
//! twice is asked back, never guessed.

use super::{Fold, Planned};
use crate::time::{Instant, LocalTime, Span, UnknownZone, ZoneRules, civil, zone_text};
use chrono::NaiveDateTime;
use thiserror::Error;

/// The longest a window may be planned: elapsed time.
pub const MAX_LENGTH: Span = Span::days(14);

/// Which input a [`PlanError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanField {
    /// The zone.
    Zone,
    /// The start.
    Start,
    /// The end.
    End,
    /// The latest end.
    LatestEnd,
}

impl PlanField {
    /// `zone`, `start`, `end` or `latest_end`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Start => "start",
            Self::End => "end",
            Self::LatestEnd => "latest_end",
        }
    }
}

/// One of the two instants of a time that exists twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldChoice {
    /// What to send back to choose it.
    pub fold: Fold,
    /// The instant it is.
    pub at: Instant,
    /// Seconds east of UTC.
    pub offset: i32,
    /// "02:30 CEST (UTC+2)".
    pub text: String,
}

/// Why a planned time is asked back, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The zone is not known.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// The clocks skip this time.
    #[error(
        "{} does not exist in {zone}: the clocks go forward. Choose {} or earlier, or {} or later.",
        moment(local),
        beside(local, before),
        beside(local, after)
    )]
    Gap {
        /// Start or end.
        field: PlanField,
        /// The zone.
        zone: String,
        /// What was asked for.
        local: NaiveDateTime,
        /// The last whole minute before the gap.
        before: NaiveDateTime,
        /// The first time after it.
        after: NaiveDateTime,
    },
    /// The clocks show this time twice.
    #[error(
        "{} exists twice in {zone}: the clocks go back. Say which you mean: {} or {}.",
        moment(local), earlier.text, later.text
    )]
    Fold {
        /// Start or end.
        field: PlanField,
        /// The zone.
        zone: String,
        /// What was asked for.
        local: NaiveDateTime,
        /// The first one.
        earlier: Box<FoldChoice>,
        /// The second one.
        later: Box<FoldChoice>,
    },
    /// It ends before it starts, or at once.
    #[error("The end must be after the start.")]
    EndNotAfterStart,
    /// Longer than [`MAX_LENGTH`].
    #[error("A window can be at most 14 days long; this one is {length}.")]
    TooLong {
        /// How long it would be.
        length: Span,
    },
    /// The latest end is before the end, or more than [`MAX_LENGTH`] after it.
    #[error("The latest end must be at the end or up to 14 days after it.")]
    LatestEnd,
}

impl PlanError {
    /// The input it is about.
    #[must_use]
    pub const fn field(&self) -> PlanField {
        match self {
            Self::Zone(_) => PlanField::Zone,
            Self::Gap { field, .. } | Self::Fold { field, .. } => *field,
            Self::EndNotAfterStart | Self::TooLong { .. } => PlanField::End,
            Self::LatestEnd => PlanField::LatestEnd,
        }
    }
}

fn moment(local: &NaiveDateTime) -> String {
    local.format("%a %-d %b %Y, %H:%M").to_string()
}

/// Only the time where the day is the same.
fn beside(local: &NaiveDateTime, other: &NaiveDateTime) -> String {
    if local.date() == other.date() {
        other.format("%H:%M").to_string()
    } else {
        other.format("%a %-d %b, %H:%M").to_string()
    }
}

struct Reader<'a> {
    rules: &'a dyn ZoneRules,
    zone: &'a str,
}

impl Reader<'_> {
    fn choice(&self, fold: Fold, at: Instant) -> FoldChoice {
        let civil = civil(self.rules, self.zone, at);
        FoldChoice {
            fold,
            at,
            offset: civil.offset,
            text: format!("{} {}", civil.local.format("%H:%M"), zone_text(&civil)),
        }
    }

    /// `not_before` settles a fold of which only the later choice can be meant.
    fn read(
        &self,
        field: PlanField,
        local: NaiveDateTime,
        fold: Option<Fold>,
        not_before: Option<Instant>,
    ) -> Result<(Instant, Option<Fold>), PlanError> {
        match (self.rules.resolve(self.zone, local)?, fold) {
            (LocalTime::One(at), _) => Ok((at, None)),
            (LocalTime::Gap { before, after }, _) => {
                Err(PlanError::Gap { field, zone: self.zone.to_owned(), local, before, after })
            }
            (LocalTime::Fold { earlier, .. }, Some(Fold::Earlier)) => Ok((earlier, Some(Fold::Earlier))),
            (LocalTime::Fold { later, .. }, Some(Fold::Later)) => Ok((later, Some(Fold::Later))),
            (LocalTime::Fold { earlier, later }, None) => {
                if not_before.is_some_and(|start| earlier <= start && start < later) {
                    return Ok((later, Some(Fold::Later)));
                }
                Err(PlanError::Fold {
                    field,
                    zone: self.zone.to_owned(),
                    local,
                    earlier: Box::new(self.choice(Fold::Earlier, earlier)),
                    later: Box::new(self.choice(Fold::Later, later)),
                })
            }
        }
    }
}

impl Planned {
    /// Reads a planned time. `latest_end` is how long after the end the work may
    /// still last if its start is held; nothing means not at all.
    ///
    /// # Errors
    /// The zone is not known; a time does not exist or exists twice and no choice
    /// was made; the end is not after the start; longer than 14 days of elapsed time.
    pub fn plan(
        rules: &dyn ZoneRules,
        zone: &str,
        local_start: NaiveDateTime,
        start_fold: Option<Fold>,
        local_end: NaiveDateTime,
        end_fold: Option<Fold>,
        latest_end: Option<Span>,
    ) -> Result<Self, PlanError> {
        let zone = rules.canonical(zone).ok_or_else(|| UnknownZone(zone.to_owned()))?;
        let reader = Reader { rules, zone: &zone };
        let (starts_at, start_fold) = reader.read(PlanField::Start, local_start, start_fold, None)?;
        let (ends_at, _) = reader.read(PlanField::End, local_end, end_fold, Some(starts_at))?;
        if ends_at <= starts_at {
            return Err(PlanError::EndNotAfterStart);
        }
        let length = Span::between(starts_at, ends_at);
        if length > MAX_LENGTH {
            return Err(PlanError::TooLong { length });
        }
        let slack = latest_end.unwrap_or_default();
        if slack < Span::default() || slack > MAX_LENGTH {
            return Err(PlanError::LatestEnd);
        }
        let latest_end_at = slack.after(ends_at);
        Ok(Self { zone, local_start, start_fold, starts_at, ends_at, latest_end_at })
    }

    /// The same plan by other zone rules: the wall-clock start and the length
    /// stay, the instants follow. None where nothing moves.
    ///
    /// # Errors
    /// The start does not exist by these rules, or exists twice now.
    pub fn rederive(&self, rules: &dyn ZoneRules) -> Result<Option<Self>, PlanError> {
        let reader = Reader { rules, zone: &self.zone };
        let (starts_at, start_fold) = reader.read(PlanField::Start, self.local_start, self.start_fold, None)?;
        if starts_at == self.starts_at {
            return Ok(None);
        }
        let moved = |at: Instant| Span::between(self.starts_at, starts_at).after(at);
        Ok(Some(Self {
            start_fold,
            starts_at,
            ends_at: moved(self.ends_at),
            latest_end_at: moved(self.latest_end_at),
            ..self.clone()
        }))
    }

    /// Elapsed time from start to end.
    #[must_use]
    pub fn length(&self) -> Span {
        Span::between(self.starts_at, self.ends_at)
    }

    /// Last instant at which the whole length still fits before the latest end.
    #[must_use]
    pub fn last_fit(&self) -> Instant {
        self.length().before(self.latest_end_at)
    }

    /// Its instants are in order and not too far apart.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.starts_at < self.ends_at && self.ends_at <= self.latest_end_at && self.length() <= MAX_LENGTH
    }
}

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

pub(super) struct Reader<'a> {
    pub(super) rules: &'a dyn ZoneRules,
    pub(super) zone: &'a str,
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
    pub(super) fn read(
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::time::parse_local;
    use crate::time::testing::FixedRules;
    use proptest::prelude::*;

    fn local(text: &str) -> NaiveDateTime {
        parse_local(text).unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn plan(zone: &str, start: &str, end: &str) -> Result<Planned, PlanError> {
        Planned::plan(&FixedRules, zone, local(start), None, local(end), None, None)
    }

    /// STANDARDS §5, TZ-4.
    #[test]
    fn the_table_of_hard_times() {
        let gap = |zone: &str, time: &str, before: &str, after: &str| {
            for (start, end, field) in
                [(time, "2026-12-31 12:00", PlanField::Start), ("2026-01-01 12:00", time, PlanField::End)]
            {
                let error = plan(zone, start, end).unwrap_err();
                assert_eq!(
                    error,
                    PlanError::Gap {
                        field,
                        zone: zone.to_owned(),
                        local: local(time),
                        before: local(before),
                        after: local(after),
                    }
                );
                assert_eq!(error.field(), field);
            }
        };
        gap("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:59", "2026-03-29 03:00");
        gap("Africa/Cairo", "2026-04-24 00:30", "2026-04-23 23:59", "2026-04-24 01:00");
        gap("America/Santiago", "2026-09-06 00:30", "2026-09-05 23:59", "2026-09-06 01:00");
        gap("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-04 01:59", "2026-10-04 02:30");
        // The edges of a gap exist.
        for edge in ["2026-03-29 01:59", "2026-03-29 03:00"] {
            assert!(plan("Europe/Berlin", edge, "2026-03-29 12:00").is_ok());
        }

        for (zone, start, utc) in [
            ("America/Vancouver", "2026-12-15 12:00", "2026-12-15T19:00:00Z"),
            ("Asia/Kathmandu", "2026-06-01 12:00", "2026-06-01T06:15:00Z"),
            ("Europe/Dublin", "2014-05-15 20:00", "2014-05-15T19:00:00Z"),
        ] {
            let planned = plan(zone, start, &format!("{} 20:30", &start[..10])).unwrap();
            assert_eq!(planned.starts_at, at(utc), "{zone}");
            assert_eq!(planned.start_fold, None);
        }
    }

    #[test]
    fn a_time_that_exists_twice_is_asked_back() {
        let error = plan("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 05:00").unwrap_err();
        assert_eq!(error.field(), PlanField::Start);
        assert_eq!(
            error.to_string(),
            "Sun 25 Oct 2026, 02:30 exists twice in Europe/Berlin: the clocks go back. \
             Say which you mean: 02:30 CEST (UTC+2) or 02:30 CET (UTC+1)."
        );
        for (fold, utc) in [(Fold::Earlier, "2026-10-25T00:30:00Z"), (Fold::Later, "2026-10-25T01:30:00Z")] {
            let planned = Planned::plan(
                &FixedRules,
                "Europe/Berlin",
                local("2026-10-25 02:30"),
                Some(fold),
                local("2026-10-25 05:00"),
                None,
                Some(Span::hours(2)),
            )
            .unwrap();
            assert_eq!((planned.starts_at, planned.start_fold), (at(utc), Some(fold)));
            assert_eq!(planned.ends_at, at("2026-10-25T04:00:00Z"));
            assert_eq!(planned.latest_end_at, at("2026-10-25T06:00:00Z"));
        }
        let error = plan("Europe/Berlin", "2026-10-25 01:00", "2026-10-25 02:30").unwrap_err();
        assert_eq!(error.field(), PlanField::End);
    }

    #[test]
    fn a_gap_names_both_neighbours() {
        assert_eq!(
            plan("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 05:00").unwrap_err().to_string(),
            "Sun 29 Mar 2026, 02:30 does not exist in Europe/Berlin: the clocks go forward. \
             Choose 01:59 or earlier, or 03:00 or later."
        );
        assert_eq!(
            plan("Africa/Cairo", "2026-04-24 00:30", "2026-04-24 05:00").unwrap_err().to_string(),
            "Fri 24 Apr 2026, 00:30 does not exist in Africa/Cairo: the clocks go forward. \
             Choose Thu 23 Apr, 23:59 or earlier, or 01:00 or later."
        );
    }

    #[test]
    fn an_end_that_can_only_be_the_later_one_is_not_asked_back() {
        let planned = Planned::plan(
            &FixedRules,
            "Europe/Berlin",
            local("2026-10-25 02:40"),
            Some(Fold::Earlier),
            local("2026-10-25 02:10"),
            None,
            None,
        )
        .unwrap();
        assert_eq!(planned.length(), Span::minutes(30));
    }

    #[test]
    fn length_is_elapsed_time() {
        // 01:30 to 03:30 local over the end of summer time is three hours.
        let planned = plan("Europe/Berlin", "2026-10-25 01:30", "2026-10-25 03:30").unwrap();
        assert_eq!(planned.length(), Span::hours(3));
        let planned = plan("Europe/Berlin", "2026-03-29 01:30", "2026-03-29 03:30").unwrap();
        assert_eq!(planned.length(), Span::hours(1));
    }

    #[test]
    fn an_end_must_follow_within_14_days() {
        let start = "2014-05-15 20:00";
        for end in [start, "2014-05-15 19:00"] {
            assert_eq!(plan("UTC", start, end), Err(PlanError::EndNotAfterStart));
        }
        assert!(plan("UTC", start, "2014-05-29 20:00").is_ok());
        let error = plan("UTC", start, "2014-05-29 20:01").unwrap_err();
        assert_eq!((error.field(), error.field().name()), (PlanField::End, "end"));
        for slack in [Span::seconds(-1), Span::days(15)] {
            let error =
                Planned::plan(&FixedRules, "UTC", local(start), None, local("2014-05-15 22:00"), None, Some(slack));
            assert_eq!(error, Err(PlanError::LatestEnd));
        }
    }

    #[test]
    fn zones_are_known_by_their_name_of_today() {
        assert_eq!(plan("Europe/Kiev", "2026-06-01 12:00", "2026-06-01 13:00").unwrap().zone, "Europe/Kyiv");
        let error = plan("Mars/Olympus", "2026-06-01 12:00", "2026-06-01 13:00").unwrap_err();
        assert_eq!(error.field(), PlanField::Zone);
        assert_eq!(error.to_string(), "“Mars/Olympus” is not a known time zone. Choose one like Europe/Berlin.");
    }

    #[test]
    fn new_zone_rules_move_the_instants_and_keep_the_length() {
        let now = plan("America/Vancouver", "2026-12-15 12:00", "2026-12-15 14:00").unwrap();
        let stale = Planned {
            starts_at: at("2026-12-15T20:00:00Z"),
            ends_at: at("2026-12-15T22:00:00Z"),
            latest_end_at: at("2026-12-15T22:00:00Z"),
            ..now.clone()
        };
        assert_eq!(stale.rederive(&FixedRules).unwrap(), Some(now.clone()));
        assert_eq!(now.rederive(&FixedRules).unwrap(), None);
    }

    proptest! {
        #[test]
        fn whatever_is_planned_is_sound_and_reads_back(
            zone in prop::sample::select(FixedRules.names()),
            start in 1_750_000_000_i64..1_850_000_000,
            minutes in -10_i64..30_000,
            folds in any::<(bool, bool)>(),
            slack in 0_i64..48,
        ) {
            let local_start = Instant::from_timestamp(start - start % 60, 0).unwrap().naive_utc();
            let local_end = local_start + chrono::TimeDelta::minutes(minutes);
            let fold = |later| Some(if later { Fold::Later } else { Fold::Earlier });
            let planned = Planned::plan(
                &FixedRules, &zone, local_start, fold(folds.0), local_end, fold(folds.1), Some(Span::hours(slack)),
            );
            if let Ok(planned) = planned {
                prop_assert!(planned.is_sound());
                prop_assert!(planned.last_fit() >= planned.starts_at);
                prop_assert_eq!(FixedRules.local(&zone, planned.starts_at).unwrap().local, local_start);
                prop_assert_eq!(FixedRules.local(&zone, planned.ends_at).unwrap().local, local_end);
                prop_assert_eq!(planned.rederive(&FixedRules).unwrap(), None);
            }
        }
    }
}

//! From dates to instants.

use super::rule::Rule;
use crate::maintenance::{Fold, Planned};
use crate::time::{Instant, LocalTime, Span, UnknownZone, ZoneRules};
use chrono::{NaiveDate, NaiveDateTime};
use serde::Serialize;

/// Windows exist this far ahead.
pub const HORIZON: Span = Span::days(60);

/// And at least so many, however far ahead they are.
pub const LEAST: usize = 2;

/// What becomes of a date on which the clocks skip the start (spring).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// It is left out.
    Skip,
    /// The window begins at the first time that exists after the gap. Where that is another date,
    /// the date does not exist at all and is left out.
    Move,
}

/// When a series has its windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// IANA zone name.
    pub zone: String,
    /// The first local date and time from which the rule counts.
    pub start: NaiveDateTime,
    /// Elapsed time of each window.
    pub length: Span,
    /// How long after its end a window may still last if its start was held.
    pub may_wait: Span,
    /// On which dates.
    pub rule: Rule,
    /// What becomes of a start that does not exist.
    pub gap: Gap,
    /// Which of two a start means that exists twice.
    pub fold: Fold,
}

/// What the clocks make of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The time as it is said.
    Plain(Planned),
    /// The time does not exist: begins after the gap.
    AfterGap(Planned),
    /// The time exists twice: one of them was taken.
    Twice(Planned),
    /// The time does not exist: left out.
    Skipped,
}

/// A date of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The nominal date.
    pub date: NaiveDate,
    /// What becomes of it.
    pub fate: Fate,
}

impl Slot {
    /// The planned time; none where the date is left out.
    #[must_use]
    pub const fn planned(&self) -> Option<&Planned> {
        match &self.fate {
            Fate::Plain(planned) | Fate::AfterGap(planned) | Fate::Twice(planned) => Some(planned),
            Fate::Skipped => None,
        }
    }
}

impl Timing {
    /// What the clocks of the zone make of a date.
    ///
    /// # Errors
    /// The zone is not known.
    pub fn slot(&self, rules: &dyn ZoneRules, date: NaiveDate) -> Result<Slot, UnknownZone> {
        let local = date.and_time(self.start.time());
        let planned = |local_start, start_fold, starts_at| {
            let ends_at = self.length.after(starts_at);
            let latest_end_at = self.may_wait.after(ends_at);
            Planned { zone: self.zone.clone(), local_start, start_fold, starts_at, ends_at, latest_end_at }
        };
        let fate = match rules.resolve(&self.zone, local)? {
            LocalTime::One(at) => Fate::Plain(planned(local, None, at)),
            LocalTime::Fold { earlier, later } => {
                let at = if self.fold == Fold::Earlier { earlier } else { later };
                Fate::Twice(planned(local, Some(self.fold), at))
            }
            LocalTime::Gap { after, .. } if self.gap == Gap::Move && after.date() == date => {
                match rules.resolve(&self.zone, after)? {
                    LocalTime::One(at) => Fate::AfterGap(planned(after, None, at)),
                    _ => Fate::Skipped,
                }
            }
            LocalTime::Gap { .. } => Fate::Skipped,
        };
        Ok(Slot { date, fate })
    }

    /// The dates that are not over, in order; also those that are left out.
    ///
    /// # Errors
    /// The zone is not known.
    pub fn ahead<'a>(
        &'a self,
        rules: &'a dyn ZoneRules,
        now: Instant,
    ) -> Result<impl Iterator<Item = Slot> + 'a, UnknownZone> {
        rules.canonical(&self.zone).ok_or_else(|| UnknownZone(self.zone.clone()))?;
        // No zone is two days behind UTC.
        let today = Span::days(2).before(now).date_naive();
        Ok(self
            .rule
            .dates(self.start.date())
            .skip_while(move |date| *date < today)
            .filter_map(|date| self.slot(rules, date).ok())
            .filter(move |slot| slot.planned().is_none_or(|planned| planned.starts_at > now)))
    }

    /// The slots whose windows are to exist: all within [`HORIZON`], at least the next [`LEAST`], and
    /// all up to and including `through`.
    ///
    /// # Errors
    /// The zone is not known.
    pub fn wanted(
        &self,
        rules: &dyn ZoneRules,
        now: Instant,
        through: Option<NaiveDate>,
    ) -> Result<Vec<(NaiveDate, Planned)>, UnknownZone> {
        let horizon = HORIZON.after(now);
        let mut wanted = Vec::new();
        for slot in self.ahead(rules, now)? {
            let Some(planned) = slot.planned() else { continue };
            let is_near = planned.starts_at <= horizon || through.is_some_and(|last| slot.date <= last);
            if !is_near && wanted.len() >= LEAST {
                break;
            }
            wanted.push((slot.date, planned.clone()));
        }
        Ok(wanted)
    }

    /// Whether a window would still last when the next one begins: looked at for the next year.
    ///
    /// # Errors
    /// The zone is not known.
    pub fn overlaps(&self, rules: &dyn ZoneRules, now: Instant) -> Result<bool, UnknownZone> {
        let year = Span::days(366).after(now.max(self.start.and_utc()));
        let mut last: Option<Instant> = None;
        for slot in self.ahead(rules, now)? {
            let Some(planned) = slot.planned() else { continue };
            if planned.starts_at > year {
                break;
            }
            if last.is_some_and(|end| planned.starts_at < end) {
                return Ok(true);
            }
            last = Some(planned.ends_at);
        }
        Ok(false)
    }

    /// "every Tuesday 02:00 Europe/Berlin", with its end where it has one: ", until 31 Dec 2026".
    #[must_use]
    pub fn words(&self) -> String {
        let end = self.rule.end();
        let comma = if end.is_empty() { "" } else { ", " };
        format!("{} {} {}{comma}{end}", self.rule.days(), self.start.format("%H:%M"), self.zone)
    }
}

//! Windows that a series has made, and how they follow when it changes.

use super::{Pattern, Rule, Series};
use crate::ids::{MaintenanceId, SeriesId};
use crate::maintenance::transition::Edit;
use crate::maintenance::{Fold, Maintenance, Planned, State};
use crate::time::Span;
use chrono::{Datelike, NaiveDate, NaiveDateTime};
use std::collections::BTreeSet;

/// The time a series gave to a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Zone name.
    pub zone: String,
    /// Local start.
    pub local_start: NaiveDateTime,
    /// Choice where that exists twice.
    pub start_fold: Option<Fold>,
    /// Elapsed time.
    pub length: Span,
}

impl Given {
    /// What a planned time says. Zone rules may move its instants: that moves nothing here.
    #[must_use]
    pub fn of(planned: &Planned) -> Self {
        Self {
            zone: planned.zone.clone(),
            local_start: planned.local_start,
            start_fold: planned.start_fold,
            length: planned.length(),
        }
    }
}

/// A date of a series that was dealt with. It is never dealt with again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Of which series.
    pub series_id: SeriesId,
    /// The nominal date: stays when the window is moved.
    pub date: NaiveDate,
    /// The window; none where it was thrown away as a draft.
    pub maintenance_id: Option<MaintenanceId>,
    /// The time it was given.
    pub given: Given,
}

impl Occurrence {
    /// Somebody gave the window a time of its own.
    #[must_use]
    pub fn was_moved(&self, m: &Maintenance) -> bool {
        Given::of(&m.planned) != self.given
    }

    /// A change of the series changes this window: it has not begun, nothing has become of its start,
    /// and nobody gave it a time of its own.
    #[must_use]
    pub fn follows(&self, m: &Maintenance) -> bool {
        matches!(m.state, State::Draft | State::Scheduled) && !self.was_moved(m)
    }
}

/// The window as the changed series wants it. What somebody changed in this window alone stays.
#[must_use]
pub fn follow(old: &Series, new: &Series, m: &Maintenance, planned: Planned) -> Edit {
    fn pick<T: Clone + PartialEq>(own: &T, old: &T, new: &T) -> T {
        if own == old { new.clone() } else { own.clone() }
    }
    let own = Edit::of(m);
    Edit {
        title: pick(&own.title, &old.title, &new.title),
        message: pick(&own.message, &old.message, &new.message),
        planned,
        hosts: pick(&own.hosts, &old.hosts, &new.hosts),
        components: pick(&own.components, &old.components, &new.components),
        auto_start: pick(&own.auto_start, &old.auto_start, &new.auto_start),
        auto_complete: pick(&own.auto_complete, &old.auto_complete, &new.auto_complete),
        checklist: pick(&own.checklist, &old.checklist, &new.checklist),
        reminders: pick(&own.reminders, &old.reminders, &new.reminders),
    }
}

/// What becomes of the dates that have windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reshaped {
    /// Windows that go on, from their date to their new one.
    pub stays: Vec<(NaiveDate, NaiveDate)>,
    /// Dates whose windows have no place in the new rule.
    pub ends: Vec<NaiveDate>,
}

/// Finds for each date that has a window its place among the dates of the new rule: the same date, else
/// one of the same week or month, so that "every Tuesday" that becomes "every Wednesday" moves its
/// windows instead of calling them off. `taken` are dates that are dealt with and do not follow.
#[must_use]
pub fn reshape(
    rule: &Rule,
    held: &BTreeSet<NaiveDate>,
    wanted: &BTreeSet<NaiveDate>,
    taken: &BTreeSet<NaiveDate>,
) -> Reshaped {
    let mut free: BTreeSet<NaiveDate> = wanted.difference(taken).copied().collect();
    let mut reshaped = Reshaped::default();
    let mut left = Vec::new();
    for date in held {
        if free.remove(date) {
            reshaped.stays.push((*date, *date));
        } else {
            left.push(*date);
        }
    }
    for date in left {
        let near = free.iter().find(|other| period(rule, **other) == period(rule, date)).copied();
        match near {
            Some(other) => {
                free.remove(&other);
                reshaped.stays.push((date, other));
            }
            None => reshaped.ends.push(date),
        }
    }
    reshaped.stays.sort_unstable();
    reshaped
}

/// The day, week or month that a date lies in.
fn period(rule: &Rule, date: NaiveDate) -> (i32, u32) {
    match rule.pattern() {
        Pattern::Daily => (date.year(), date.ordinal()),
        Pattern::Weekly(_) => (date.iso_week().year(), date.iso_week().week()),
        Pattern::NthWeekday(_) | Pattern::MonthDay(_) => (date.year(), date.month()),
    }
}

//! Work that repeats: a rule gives dates, the zone's clocks give each date its instant, and each
//! date becomes a window of its own.
//!
//! - The *dates* are pure calendar: no zone, no clock ([`Rule::dates`]). The *instant* of a date comes
//!   from [`ZoneRules`] ([`Timing::slot`]), so that a night with a change of the clocks has exactly one
//!   window: where the local time does not exist, the date is left out or the window begins right
//!   after the gap, and where it exists twice, the first or the second is taken, as the series says.
//! - `COUNT` counts dates of the rule, also those that a gap leaves out: otherwise the last date of a
//!   series would move when zone rules do.
//! - The length is elapsed time and the same for all windows.
//! - A window keeps its nominal date whatever becomes of it. What it was given when the series made
//!   it is kept with it ([`Occurrence`]): a window that is no longer as it was given was moved, and
//!   the series leaves its time alone.
//!
//! [`ZoneRules`]: crate::time::ZoneRules

mod follow;
mod rule;
#[cfg(test)]
mod tests;
mod timing;

pub use follow::{Given, Occurrence, Reshaped, follow, reshape};
pub use rule::{MAX_COUNT, MAX_EVERY, Pattern, Rule, RuleError, Until, weekday_code, weekday_name, weekday_of};
pub use timing::{Fate, Gap, HORIZON, LEAST, Slot, Timing};

use crate::ids::{ComponentId, HostId, SeriesId, UserId};
use crate::maintenance::transition::Edit;
use crate::maintenance::{MAX_LENGTH, Planned, Reminders};
use crate::text::{Name, Prose};
use crate::time::{Instant, Span};
use serde::Serialize;

/// Work that repeats, as a person set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// Identity.
    pub id: SeriesId,
    /// What will be done each time.
    pub title: Name,
    /// What customers read.
    pub message: Prose,
    /// Hosts named.
    pub hosts: Vec<HostId>,
    /// Components named.
    pub components: Vec<ComponentId>,
    /// When.
    pub timing: Timing,
    /// Each window starts by itself.
    pub auto_start: bool,
    /// Each window completes by itself.
    pub auto_complete: bool,
    /// What is to be checked before a window is completed.
    pub checklist: Vec<Name>,
    /// Which reminders each window gets.
    pub reminders: Reminders,
    /// Why the next window could not be made, in words for colleagues.
    pub problem: Option<String>,
    /// No more windows are made since.
    pub ended_at: Option<Instant>,
    /// Who set it up.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Instant,
    /// Counts edits.
    pub version: i64,
}

impl Series {
    /// What the window of a slot is made from.
    #[must_use]
    pub fn content(&self, planned: Planned) -> Edit {
        Edit {
            title: self.title.clone(),
            message: self.message.clone(),
            planned,
            hosts: self.hosts.clone(),
            components: self.components.clone(),
            auto_start: self.auto_start,
            auto_complete: self.auto_complete,
            checklist: self.checklist.clone(),
            reminders: self.reminders.clone(),
        }
    }
}

/// Whether a length can be that of a window.
#[must_use]
pub fn is_length(length: Span) -> bool {
    Span::minutes(1) <= length && length <= MAX_LENGTH
}

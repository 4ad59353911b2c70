//! What importing a calendar again would change. Entries are told apart by their own ids, so the
//! same file a second time changes nothing.

use super::{Freeze, FreezeTime};
use crate::conflict::Force;
use crate::gate::Scope;
use crate::text::Name;
use crate::time::{Instant, Stretch};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An entry of a calendar file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incoming {
    /// Its id.
    pub uid: String,
    /// Its summary.
    pub name: Name,
    /// Its times, as far as they were read.
    pub times: Vec<FreezeTime>,
}

/// A stored freeze with what it would become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedFreeze {
    /// As it is stored.
    pub before: Freeze,
    /// As the calendar has it.
    pub after: Freeze,
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Entries that are not stored yet.
    pub added: Vec<Incoming>,
    /// Stored ones that are different now.
    pub changed: Vec<NamedFreeze>,
    /// Stored ones that the calendar has no more. What is over stays, it is history.
    pub removed: Vec<Freeze>,
    /// Stored as the calendar has them.
    pub unchanged: usize,
}

impl Comparison {
    /// It would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Compares what is stored of a calendar with what its file says. Only times within `read` are
/// compared, for only these were read: it begins now, and what is over is kept. What is in the file and can
/// not be read (`unread`, by UID) is not gone either.
#[must_use]
pub fn compare(
    stored: &[Freeze],
    incoming: Vec<Incoming>,
    only: Option<&Scope>,
    force: Force,
    read: Stretch,
    unread: &BTreeSet<String>,
) -> Comparison {
    let mut by_uid: BTreeMap<&str, &Freeze> =
        stored.iter().filter_map(|freeze| Some((freeze.source.as_ref()?.uid.as_str(), freeze))).collect();
    let mut comparison = Comparison::default();
    for entry in incoming {
        let Some(before) = by_uid.remove(entry.uid.as_str()) else {
            if entry.times.iter().any(|time| is_ahead(time, read.from)) {
                comparison.added.push(entry);
            }
            continue;
        };
        let (past, ahead): (Vec<FreezeTime>, Vec<FreezeTime>) =
            before.times.iter().cloned().partition(|time| !is_ahead(time, read.from));
        let same_times = within(&ahead, read) == within(&entry.times, read);
        if same_times && before.name == entry.name && before.force == force && before.only.as_ref() == only {
            comparison.unchanged += 1;
            continue;
        }
        let times = if same_times {
            before.times.clone()
        } else {
            past.into_iter().chain(entry.times.into_iter().filter(|time| is_ahead(time, read.from))).collect()
        };
        let after = Freeze { name: entry.name, only: only.cloned(), force, times, ..before.clone() };
        comparison.changed.push(NamedFreeze { before: before.clone(), after });
    }
    by_uid.retain(|uid, freeze| !unread.contains(*uid) && !freeze.is_over(read.from));
    comparison.removed = by_uid.into_values().cloned().collect();
    comparison
}

fn is_ahead(time: &FreezeTime, now: Instant) -> bool {
    time.stretch.to > now
}

fn within(times: &[FreezeTime], read: Stretch) -> Vec<Stretch> {
    times.iter().map(|time| time.stretch).filter(|stretch| stretch.overlaps(&read)).collect()
}

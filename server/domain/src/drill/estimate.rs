//! How long a full restore of a host takes, from what drills measured. Never optimistic: the
//! slowest of the newest drills counts, and what nobody measured is not known.

use super::DrillFact;
use crate::ids::{DataSetId, DrillId};
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many of the newest measured drills are looked at; the slowest of them counts.
pub const REMEMBERED: usize = 3;

/// What is known of the time that a restore of one host takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The whole restore, one data set after the other; none where it is not known.
    pub takes: Option<Span>,
    /// Bytes of all its data sets, as far as they are known.
    pub bytes: i64,
    /// Data sets.
    pub data_sets: usize,
    /// Data sets whose last good run did not say how big they are.
    pub without_size: usize,
    /// Data sets without a measured drill, of their own or of the same host.
    pub without_drill: usize,
    /// The drills it stands on.
    pub drills: Vec<DrillId>,
}

/// What one drill says of the time that so many bytes take, in seconds.
///
/// Where the time to the first byte was looked at, the rest grows with the data. Where it was not,
/// nobody knows how much of the drill's time is the same for any size: then less data is not said
/// to be quicker than the drill was.
fn seconds(drill: &DrillFact, bytes: i64) -> Option<i128> {
    let of = i128::from(drill.bytes.filter(|b| *b > 0)?);
    let elapsed = i128::from(drill.elapsed?.as_seconds());
    if elapsed <= 0 {
        return None;
    }
    let bytes = i128::from(bytes.max(0));
    let scaled = |part: i128| (part * bytes + of - 1) / of;
    let startup = drill.startup.map(|s| i128::from(s.as_seconds())).filter(|s| (0..elapsed).contains(s));
    Some(match startup {
        Some(startup) => startup + scaled(elapsed - startup),
        None => scaled(elapsed).max(elapsed),
    })
}

/// The newest measured ones.
fn newest<'a>(drills: impl Iterator<Item = &'a DrillFact>) -> Vec<&'a DrillFact> {
    let mut found: Vec<&DrillFact> = drills.filter(|drill| drill.is_measured()).collect();
    found.sort_by_key(|drill| std::cmp::Reverse((drill.finished_at, drill.id)));
    found.truncate(REMEMBERED);
    found
}

/// How long the restore of all these data sets of one host takes, by the drills of this host.
///
/// For each data set the slowest of its own newest drills counts; data sets without one are
/// restored together at the speed of the slowest of the host's newest drills, and each pays that
/// one's time to the first byte unless it was a drill of the whole host.
#[must_use]
pub fn estimate<'a>(
    data_sets: &[(DataSetId, Option<i64>)],
    drills: impl IntoIterator<Item = &'a DrillFact> + Clone,
) -> Estimate {
    let sizes: Vec<(DataSetId, i64)> =
        data_sets.iter().filter_map(|(id, bytes)| Some((*id, bytes.filter(|b| *b > 0)?))).collect();
    let of_host = newest(drills.clone().into_iter());
    let mut used = BTreeSet::new();
    let mut total: i128 = 0;
    let mut others = Vec::new();
    for (id, bytes) in &sizes {
        let own = newest(drills.clone().into_iter().filter(|drill| drill.data_set == Some(*id)));
        let slowest = own.iter().filter_map(|drill| Some((seconds(drill, *bytes)?, drill.id))).max();
        match slowest {
            Some((seconds, drill)) => {
                total += seconds;
                used.insert(drill);
            }
            None => others.push(*bytes),
        }
    }
    let together = |drill: &DrillFact| -> Option<i128> {
        if drill.data_set.is_none() {
            let all = others.iter().fold(0_i64, |sum, bytes| sum.saturating_add(*bytes));
            return seconds(drill, all);
        }
        others.iter().map(|bytes| seconds(drill, *bytes)).sum()
    };
    let slowest = of_host.iter().filter_map(|drill| Some((together(drill)?, drill.id))).max();
    if let (false, Some((seconds, drill))) = (others.is_empty(), slowest) {
        total += seconds;
        used.insert(drill);
    }
    let with_own =
        |id: DataSetId| drills.clone().into_iter().any(|drill| drill.data_set == Some(id) && drill.is_measured());
    let without_drill = data_sets.iter().filter(|(id, _)| of_host.is_empty() && !with_own(*id)).count();
    let without_size = data_sets.len() - sizes.len();
    let known = !data_sets.is_empty() && without_size == 0 && without_drill == 0;
    Estimate {
        takes: known.then(|| Span::seconds(i64::try_from(total).unwrap_or(i64::MAX))),
        bytes: sizes.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes)),
        data_sets: data_sets.len(),
        without_size,
        without_drill,
        drills: used.into_iter().collect(),
    }
}

impl Estimate {
    /// "about 7 h 20 min", or why it is not known: "unknown, no drill".
    #[must_use]
    pub fn text(&self) -> String {
        match self.takes {
            Some(takes) => format!("about {takes}"),
            None if self.data_sets == 0 => "unknown, no data set".to_owned(),
            None if self.without_drill > 0 => "unknown, no drill".to_owned(),
            None => "unknown, the last good run did not say how big it is".to_owned(),
        }
    }
}

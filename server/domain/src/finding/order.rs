//! Whether dumps are ready when their carrier starts, and how long that will stay so.
//!
//! **Pairs.** A carrier's run belongs to the dump whose end is nearest to its start, before or after; if
//! a dump was running at that start, to this one. Only where both run in the same rhythm does a dump
//! belong to a run: one that is made every hour is carried an hour later anyway, and a carrier that
//! runs every hour takes whatever it missed with its next run.
//!
//! **Late**: in the newest pair the dump ended after its carrier's start. Over only after two pairs in a
//! row in the right order.
//!
//! **Drifting**: of the last 14 pairs (at least 9) the first and the last third are each taken as one
//! point, the median of their gaps, so that an extra run in the middle of the day weighs nothing. The
//! gap drifts when it fell by 5 min or more between the two and, going on like this, is gone within
//! 14 days. It does no more when it fell by less than half of that, or would last for 28 days. So a
//! constant gap never drifts, neither does one that wavers by less than 5 min, and one that shrinks by
//! more than about half a minute a day is told before it is gone.

use super::Ran;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// Pairs that are looked at.
pub const PAIRS: usize = 14;

/// Fewer say nothing of a trend.
const LEAST_PAIRS: usize = 9;

/// A gap that fell by less has not moved.
const MARGIN: Span = Span::minutes(5);

/// A gap that will be gone within this time is told of.
const TOLD_WITHIN: Span = Span::days(14);

/// A gap that will last for this time is no worry any more.
const CALM_BEYOND: Span = Span::days(28);

/// A dump and the run that was to carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// End of the dump.
    pub dump_ended: Instant,
    /// Start of the carrier.
    pub carrier_started: Instant,
}

/// A job as far as its order with another one goes.
#[derive(Clone, Copy, Debug)]
pub struct Timed<'a> {
    /// How often a run is expected.
    pub every: Span,
    /// Its newest good runs.
    pub ran: &'a [Ran],
}

/// How a dump and its carrier follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The newest pair.
    pub newest: Pair,
    /// How the gap moves, where that can be said.
    pub trend: Option<Trend>,
}

/// How the gap between dump and carrier moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// The gap now.
    pub gap: Span,
    /// Change in a day; negative where it shrinks.
    pub per_day: Span,
    /// How much it fell over the pairs that were looked at; negative where it grew.
    pub fell: Span,
}

impl Pair {
    /// Time between the dump's end and the carrier's start; negative where the dump was late.
    #[must_use]
    pub fn gap(&self) -> Span {
        Span::between(self.dump_ended, self.carrier_started)
    }
}

/// Neither runs half as often again as the other.
fn in_one_rhythm(a: Span, b: Span) -> bool {
    let (short, long) = (a.min(b).as_seconds(), a.max(b).as_seconds());
    short > 0 && long.saturating_mul(2) < short.saturating_mul(3)
}

/// The newest pairs of a dump job and its carrier, oldest first.
#[must_use]
pub fn pairs(dump: Timed<'_>, carrier: Timed<'_>) -> Vec<Pair> {
    if !in_one_rhythm(dump.every, carrier.every) {
        return Vec::new();
    }
    let farthest = dump.every.max(carrier.every).as_seconds() / 2;
    let pair = |run: &Ran| {
        let start = run.started_at;
        let before = dump.ran.iter().filter(|d| d.finished_at <= start).max_by_key(|d| d.finished_at);
        let after = dump.ran.iter().filter(|d| d.finished_at > start).min_by_key(|d| d.finished_at);
        let distance = |d: &Ran| Span::between(d.finished_at, start).as_seconds().abs();
        let own = match (before, after) {
            (_, Some(after)) if after.started_at < start => after,
            (Some(before), Some(after)) if distance(after) < distance(before) => after,
            (Some(before), _) => before,
            (None, after) => after?,
        };
        // One that is half an interval away belongs to another night: its own is missing, or not there yet.
        (distance(own) <= farthest).then_some(Pair { dump_ended: own.finished_at, carrier_started: start })
    };
    let mut found: Vec<Pair> = carrier.ran.iter().filter_map(pair).collect();
    found.sort_by_key(|pair| pair.carrier_started);
    found.split_off(found.len().saturating_sub(PAIRS))
}

/// How a dump and its carrier follow one another; none where they do not run in one rhythm, or never ran together.
#[must_use]
pub fn order(dump: Timed<'_>, carrier: Timed<'_>) -> Option<Order> {
    let pairs = pairs(dump, carrier);
    Some(Order { newest: *pairs.last()?, trend: trend(&pairs) })
}

/// The newest pair in the wrong order, where that is not over yet.
#[must_use]
pub fn late(pairs: &[Pair], was_late: bool) -> Option<Pair> {
    let looked_at = if was_late { 2 } else { 1 };
    pairs.iter().rev().take(looked_at).find(|pair| pair.gap() < Span::seconds(0)).copied()
}

/// The middle one; of an even number the mean of the two in the middle.
fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => (low + high) / 2,
        (_, Some(high)) => *high,
        _ => 0,
    }
}

/// Time and gap of some pairs, as one point.
fn point(pairs: &[Pair]) -> (i64, i64) {
    let times = pairs.iter().map(|pair| pair.carrier_started.timestamp()).collect();
    (median(times), median(pairs.iter().map(|pair| pair.gap().as_seconds()).collect()))
}

/// How the gap moves over these pairs, oldest first; none where there are too few.
#[must_use]
pub fn trend(pairs: &[Pair]) -> Option<Trend> {
    const DAY: i64 = 86_400;
    let newest = pairs.last()?;
    if pairs.len() < LEAST_PAIRS {
        return None;
    }
    let third = pairs.len() / 3;
    let (from, high) = point(pairs.get(..third)?);
    let (to, low) = point(pairs.get(pairs.len() - third..)?);
    let apart = to - from;
    if apart <= 0 {
        return None;
    }
    let per_day = (low - high) * DAY / apart;
    let gap = low + per_day * (newest.carrier_started.timestamp() - to) / DAY;
    Some(Trend { gap: Span::seconds(gap), per_day: Span::seconds(per_day), fell: Span::seconds(high - low) })
}

impl Trend {
    /// How long the gap lasts if it goes on like this; none where it does not shrink.
    #[must_use]
    pub fn lasts(&self) -> Option<Span> {
        let shrinks = -self.per_day.as_seconds();
        (shrinks > 0).then(|| Span::seconds(self.gap.as_seconds().max(0) * 86_400 / shrinks))
    }

    /// Whether it is to be told of.
    #[must_use]
    pub fn is_drifting(&self, was_drifting: bool) -> bool {
        let (fell, within) =
            if was_drifting { (Span::seconds(MARGIN.as_seconds() / 2), CALM_BEYOND) } else { (MARGIN, TOLD_WITHIN) };
        self.fell >= fell && self.lasts().is_some_and(|lasts| lasts <= within)
    }
}

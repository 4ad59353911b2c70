//! How many of the backups that a month should have seen were made, and how restores of them went.

use super::content::{Drills, SlowDrill};
use crate::drill::{Drill, DrillFact, DrillKind, DrillState, estimate};
use crate::ids::{DataSetId, JobId};
use crate::time::{Instant, Span, Stretch};
use serde::{Deserialize, Serialize};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A job with the good runs that began in the month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFact {
    /// Which.
    pub id: JobId,
    /// How often it is to run.
    pub every: Span,
    /// Since when there is such a job.
    pub created_at: Instant,
    /// When good runs began, oldest first.
    pub good: Vec<Instant>,
}

/// The backups of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// Jobs in use that had to run.
    pub jobs: u64,
    /// How many of them ran each time.
    pub whole: u64,
    /// Runs that had to be.
    pub expected: u64,
    /// How many of them were there.
    pub on_time: u64,
}

impl Backups {
    /// In percent; none where none had to be.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        (self.expected > 0).then(|| self.on_time as f64 / self.expected as f64 * 100.0)
    }
}

/// How many good runs one job had to have in a stretch of time, and how many there were. Runs that follow each other
/// after less than half of the interval count once: ten in one night do not stand for ten nights.
#[must_use]
pub fn on_time(within: Stretch, job: &JobFact) -> (u64, u64) {
    let every = job.every.as_seconds();
    let from = within.from.max(job.created_at);
    if every <= 0 || from >= within.to {
        return (0, 0);
    }
    let mut length = Span::between(from, within.to).as_seconds();
    // Where the clocks move, a month is an hour short or long. What runs by the clock runs as often all the same.
    let off = (length + DAY / 2).rem_euclid(DAY) - DAY / 2;
    if from == within.from && every > 2 * HOUR && off.abs() <= HOUR {
        length -= off;
    }
    let expected = u64::try_from(length / every).unwrap_or_default();
    let half = Span::seconds(every / 2);
    let mut counted: u64 = 0;
    let mut last: Option<Instant> = None;
    for at in job.good.iter().copied().filter(|at| *at >= from && *at < within.to) {
        if last.is_none_or(|last| half.after(last) <= at) {
            counted += 1;
            last = Some(at);
        }
    }
    (counted.min(expected), expected)
}

/// The backups of a month.
#[must_use]
pub fn backups<'a>(within: Stretch, jobs: impl IntoIterator<Item = &'a JobFact>) -> Backups {
    let mut all = Backups::default();
    for job in jobs {
        let (good, expected) = on_time(within, job);
        if expected > 0 {
            all.jobs += 1;
            all.whole += u64::from(good == expected);
            all.expected += expected;
            all.on_time += good;
        }
    }
    all
}

/// The rehearsed restores of a month. `known` are drills of the same hosts: what had been measured before one began
/// foretells how long it takes.
#[must_use]
pub fn drills(ended: &[Drill], known: &[DrillFact]) -> Drills {
    let restores = || ended.iter().filter(|drill| drill.kind == DrillKind::Restore);
    let succeeded = || restores().filter(|drill| drill.state == DrillState::Succeeded);
    let compared = succeeded().filter_map(|drill| {
        let (began, took, bytes) = (drill.started_at?, drill.elapsed()?, drill.bytes?);
        let before = known.iter().filter(|fact| fact.host == drill.host_id && fact.finished_at <= began);
        let what = drill.data_set_id.unwrap_or(DataSetId(uuid::Uuid::nil()));
        let foretold = estimate(&[(what, Some(bytes))], before).takes?;
        (foretold.as_seconds() > 0).then_some(SlowDrill { took, foretold })
    });
    // The greatest ratio, in whole numbers.
    let slower = |a: &SlowDrill, b: &SlowDrill| {
        let of = |x: Span, y: Span| i128::from(x.as_seconds()) * i128::from(y.as_seconds());
        of(a.took, b.foretold).cmp(&of(b.took, a.foretold))
    };
    Drills {
        done: restores().count() as u64,
        succeeded: succeeded().count() as u64,
        longest: succeeded().filter_map(Drill::elapsed).max(),
        worst: compared.max_by(slower),
    }
}

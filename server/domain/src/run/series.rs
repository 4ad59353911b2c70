//! The last runs of a job in a row: how long each took and how big it was.

use super::{Run, RunState};
use crate::ids::RunId;
use crate::policy::Policy;
use crate::time::{Instant, Span};
use serde::Serialize;

/// How a run is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It protects data.
    Good,
    /// It ended with warnings.
    Warning,
    /// It failed.
    Failed,
    /// Its end was never reported.
    Lost,
    /// It goes on.
    Running,
    /// It ended well and does not count: a dry run, a part, a wrong clock.
    Void,
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Good, Self::Warning, Self::Failed, Self::Lost, Self::Running, Self::Void];

    /// For people, after a number: "57 good".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "with warnings",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Running => "running",
            Self::Void => "not counted",
        }
    }

    fn of(run: &Run) -> Self {
        match run.state {
            RunState::Running => Self::Running,
            RunState::Failed => Self::Failed,
            RunState::Lost => Self::Lost,
            RunState::Warning if run.is_good(&Policy { warnings_are_good: true, ..Policy::default() }) => Self::Warning,
            RunState::Succeeded if run.is_good(&Policy::default()) => Self::Good,
            RunState::Succeeded | RunState::Warning => Self::Void,
        }
    }
}

/// One run of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Which.
    pub run: RunId,
    /// Its start.
    pub started_at: Instant,
    /// How it ended.
    pub mark: Mark,
    /// How long it took; none where its start or end is not known.
    #[serde(rename = "took_s")]
    pub took: Option<Span>,
    /// How big it was.
    pub bytes: Option<i64>,
}

/// Runs of one job, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Series {
    /// The runs.
    pub points: Vec<Point>,
}

impl Series {
    /// From runs as lists show them, newest first.
    #[must_use]
    pub fn of<'a>(newest_first: impl IntoIterator<Item = &'a Run>) -> Self {
        let point = |run: &Run| Point {
            run: run.id,
            started_at: run.started_at,
            mark: Mark::of(run),
            took: run.took(),
            bytes: run.bytes.filter(|bytes| *bytes > 0),
        };
        let mut points: Vec<Point> = newest_first.into_iter().map(point).collect();
        points.reverse();
        Self { points }
    }

    /// How many bear each mark, without those that none bears.
    #[must_use]
    pub fn counts(&self) -> Vec<(Mark, usize)> {
        let count = |mark| self.points.iter().filter(|point| point.mark == mark).count();
        Mark::ALL.into_iter().map(|mark| (mark, count(mark))).filter(|(_, n)| *n > 0).collect()
    }

    /// How long the run in the middle took, of those that ended well or with warnings.
    #[must_use]
    pub fn usual_length(&self) -> Option<Span> {
        middle(self.ended().filter_map(|point| point.took))
    }

    /// How big the run in the middle was, of those that ended well or with warnings.
    #[must_use]
    pub fn usual_size(&self) -> Option<i64> {
        middle(self.ended().filter_map(|point| point.bytes))
    }

    fn ended(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| matches!(point.mark, Mark::Good | Mark::Warning))
    }
}

fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

impl Run {
    /// How long it took; none where that is not known.
    #[must_use]
    pub fn took(&self) -> Option<Span> {
        let finished_at = self.finished_at.filter(|_| !self.start_assumed && !self.clock_fault)?;
        (finished_at >= self.started_at).then(|| Span::between(self.started_at, finished_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::JobId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn run(n: i64, state: RunState) -> Run {
        let started_at = Span::days(n).after(Instant::UNIX_EPOCH);
        Run {
            id: RunId(Uuid::from_u128(u128::from(n.unsigned_abs()))),
            job_id: JobId(Uuid::nil()),
            key: String::new(),
            state,
            started_at,
            start_assumed: false,
            finished_at: state.is_ended().then(|| Span::minutes(10 + n).after(started_at)),
            dry_run: false,
            partial: false,
            clock_fault: false,
            received_at: started_at,
            bytes: state.is_ended().then_some(100 * n),
            files: None,
            snapshot: None,
            exit_code: None,
        }
    }

    #[test]
    fn each_run_bears_the_mark_of_how_it_ended() {
        let part = Run { partial: true, ..run(6, RunState::Warning) };
        let end_only = Run { start_assumed: true, ..run(5, RunState::Succeeded) };
        let mut runs = vec![part, end_only];
        let states = [RunState::Running, RunState::Lost, RunState::Failed, RunState::Warning, RunState::Succeeded];
        runs.extend((0..5).rev().zip(states).map(|(n, state)| run(n, state)));
        let series = Series::of(&runs);
        let marks: Vec<Mark> = series.points.iter().map(|point| point.mark).collect();
        assert_eq!(marks, [Mark::Good, Mark::Warning, Mark::Failed, Mark::Lost, Mark::Running, Mark::Good, Mark::Void]);
        assert_eq!(series.points[5].took, None, "its start was only assumed");
        assert_eq!(series.points[0].bytes, None, "nothing is not a size");
        assert_eq!(series.counts().first(), Some(&(Mark::Good, 2)));
        assert_eq!(series.usual_length(), Some(Span::minutes(11)));
        assert_eq!(Series::default().usual_size(), None);
    }

    proptest! {
        #[test]
        fn every_run_is_counted_once(states in prop::collection::vec(0_usize..5, 0..60)) {
            let runs: Vec<Run> = (0..).zip(&states).map(|(n, state)| run(n, RunState::ALL[*state])).collect();
            let series = Series::of(&runs);
            prop_assert_eq!(series.points.len(), runs.len());
            prop_assert_eq!(series.counts().iter().map(|(_, n)| n).sum::<usize>(), runs.len());
        }
    }
}

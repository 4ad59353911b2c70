//! How a backup job usually runs: when its next runs are expected, and how long they take. Told by
//! its last runs; nobody has to write a schedule down twice.

use crate::backup::Job;
use crate::ids::JobId;
use crate::policy::Policy;
use crate::run::{Run, RunState};
use crate::time::{Instant, LocalTime, Span, Stretch, ZoneRules, civil};
use chrono::TimeDelta;

/// Most runs foreseen in one answer.
const MOST: usize = 500;

/// How far a run may be off its usual time and still be the one that was expected.
const SLACK: Span = Span::minutes(90);

const DAY: i64 = 86_400;

/// How a job usually runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Which job.
    pub job: JobId,
    /// A start that most of the last ones keep to. An extra run in between does not move it.
    pub anchor: Instant,
    /// The newest start.
    pub newest: Instant,
    /// How often a run is expected.
    pub every: Span,
    /// How long its last good runs took: the middle one.
    pub takes: Span,
    /// When the run that goes on now began.
    pub running_since: Option<Instant>,
    /// How long a run may take.
    pub max_duration: Span,
}

impl Rhythm {
    /// From the last runs, any order; none where no good run tells how long it takes, or the job is
    /// not in use.
    #[must_use]
    pub fn of(job: &Job, runs: &[Run], policy: &Policy) -> Option<Self> {
        if !job.enabled || job.retired_at.is_some() || job.every <= Span::default() {
            return None;
        }
        let mut runs: Vec<&Run> =
            runs.iter().filter(|run| run.job_id == job.id && !run.dry_run && !run.clock_fault).collect();
        runs.sort_by_key(|run| (std::cmp::Reverse(run.started_at), run.id));
        let newest = runs.first()?;
        let mut lengths: Vec<Span> = runs
            .iter()
            .filter(|run| run.is_good(policy))
            .filter_map(|run| Some(Span::between(run.started_at, run.finished_at?)))
            .collect();
        lengths.sort_unstable();
        let takes = *lengths.get(lengths.len() / 2)?;
        let running = newest.state == RunState::Running;
        Some(Self {
            job: job.id,
            anchor: anchor(&runs, job.every)?,
            newest: newest.started_at,
            every: job.every,
            takes,
            running_since: running.then_some(newest.started_at),
            max_duration: job.max_duration,
        })
    }

    /// The run that goes on: to its usual end, or to the latest one where it takes longer.
    #[must_use]
    pub fn running(&self, now: Instant) -> Option<Stretch> {
        let from = self.running_since?;
        let usual = self.takes.after(from);
        Some(Stretch::new(from, if now < usual { usual } else { self.max_duration.after(from).max(usual) }))
    }

    /// The runs expected after the newest one of which some part lies in a stretch, in order. A job
    /// that runs every so many days keeps its wall-clock time when the clocks of its zone change.
    #[must_use]
    pub fn expected(&self, rules: &dyn ZoneRules, zone: &str, within: Stretch) -> Vec<Stretch> {
        let every = self.every.as_seconds().max(1);
        let slack = tolerance(self.every);
        let first = self.takes.before(within.from).max(self.newest);
        // One earlier than can be: a change of the clocks moves it.
        let mut n = (Span::between(self.anchor, first).as_seconds().div_euclid(every) - 1).max(1);
        let mut found = Vec::new();
        while found.len() < MOST {
            let Some(from) = self.start(rules, zone, n) else { break };
            if from >= within.to {
                break;
            }
            let run = Stretch::new(from, self.takes.after(from));
            if from > slack.after(self.newest) && run.overlaps(&within) {
                found.push(run);
            }
            n += 1;
        }
        found
    }

    fn start(&self, rules: &dyn ZoneRules, zone: &str, n: i64) -> Option<Instant> {
        let seconds = self.every.as_seconds().checked_mul(n)?;
        let elapsed = self.anchor.checked_add_signed(TimeDelta::try_seconds(seconds)?)?;
        if self.every.as_seconds() % DAY != 0 {
            return Some(elapsed);
        }
        let local = civil(rules, zone, self.anchor).local.checked_add_signed(TimeDelta::try_seconds(seconds)?)?;
        Some(match rules.resolve(zone, local) {
            Ok(LocalTime::One(at)) => at,
            Ok(LocalTime::Fold { earlier, .. }) => earlier,
            Ok(LocalTime::Gap { .. }) | Err(_) => elapsed,
        })
    }
}

fn tolerance(every: Span) -> Span {
    SLACK.min(Span::seconds(every.as_seconds() / 4))
}

/// The newest start to which most others keep the rhythm. Newest first.
fn anchor(runs: &[&Run], every: Span) -> Option<Instant> {
    let (period, slack) = (every.as_seconds(), tolerance(every).as_seconds());
    let keeps = |a: Instant, b: Instant| {
        let off = Span::between(a, b).as_seconds().rem_euclid(period);
        off.min(period - off) <= slack
    };
    let company = |at: Instant| runs.iter().filter(|run| keeps(at, run.started_at)).count();
    runs.iter().map(|run| run.started_at).rev().max_by_key(|at| company(*at))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::ids::{DataSetId, RunId};
    use crate::text::Name;
    use crate::time::testing::FixedRules;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn job() -> Job {
        Job {
            id: JobId(Uuid::from_u128(1)),
            data_set_id: DataSetId(Uuid::from_u128(1)),
            name: Name::parse("nightly").unwrap(),
            tool: String::new(),
            carried_by: None,
            enabled: true,
            every: Span::hours(24),
            max_duration: Span::hours(6),
            ping_version: 1,
            retired_at: None,
            version: 1,
        }
    }

    fn run(from: Instant, takes: Span, state: RunState) -> Run {
        let finished_at = state.is_ended().then(|| takes.after(from));
        Run {
            id: RunId(Uuid::from_u128(u128::try_from(from.timestamp()).unwrap())),
            job_id: job().id,
            key: from.to_rfc3339(),
            state,
            started_at: from,
            start_assumed: false,
            finished_at,
            dry_run: false,
            partial: false,
            clock_fault: false,
            received_at: finished_at.unwrap_or(from),
            bytes: None,
            files: None,
            snapshot: None,
            exit_code: None,
        }
    }

    fn nights(first: &str, n: i64) -> Vec<Run> {
        (0..n).map(|k| run(Span::days(k).after(at(first)), Span::minutes(80 + k % 3), RunState::Succeeded)).collect()
    }

    fn starts(rhythm: &Rhythm, zone: &str, from: &str, to: &str) -> Vec<String> {
        let within = Stretch::new(at(from), at(to));
        rhythm.expected(&FixedRules, zone, within).iter().map(|run| run.from.to_rfc3339()).collect()
    }

    #[test]
    fn an_extra_run_does_not_move_the_nightly_one() {
        let mut runs = nights("2026-11-20T01:00:00Z", 6);
        runs.push(run(at("2026-11-25T14:00:00Z"), Span::minutes(30), RunState::Succeeded));
        let rhythm = Rhythm::of(&job(), &runs, &Policy::default()).unwrap();
        assert_eq!(rhythm.takes, Span::minutes(81));
        assert_eq!(
            starts(&rhythm, "UTC", "2026-11-25T15:00:00Z", "2026-11-28T00:00:00Z"),
            ["2026-11-26T01:00:00+00:00", "2026-11-27T01:00:00+00:00"]
        );
    }

    #[test]
    fn a_nightly_run_keeps_its_wall_clock_time() {
        let runs = nights("2026-10-20T01:00:00Z", 4);
        let rhythm = Rhythm::of(&job(), &runs, &Policy::default()).unwrap();
        let berlin = starts(&rhythm, "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-27T00:00:00Z");
        assert_eq!(berlin, ["2026-10-25T02:00:00+00:00", "2026-10-26T02:00:00+00:00"]);
    }

    #[test]
    fn what_tells_nothing_foresees_nothing() {
        let policy = Policy::default();
        let failed = vec![run(at("2026-11-20T01:00:00Z"), Span::minutes(5), RunState::Failed)];
        assert_eq!(Rhythm::of(&job(), &failed, &policy), None);
        assert_eq!(Rhythm::of(&job(), &[], &policy), None);
        let off = Job { enabled: false, ..job() };
        assert_eq!(Rhythm::of(&off, &nights("2026-11-20T01:00:00Z", 3), &policy), None);
    }

    #[test]
    fn a_run_that_goes_on_lasts_to_its_usual_end_and_then_to_its_latest() {
        let mut runs = nights("2026-11-20T01:00:00Z", 3);
        runs.push(run(at("2026-11-23T01:05:00Z"), Span::default(), RunState::Running));
        let rhythm = Rhythm::of(&job(), &runs, &Policy::default()).unwrap();
        let to = |now: &str| rhythm.running(at(now)).unwrap().to;
        assert_eq!(to("2026-11-23T02:00:00Z"), at("2026-11-23T02:26:00Z"));
        assert_eq!(to("2026-11-23T03:00:00Z"), at("2026-11-23T07:05:00Z"));
        // It is the one that was expected this night.
        assert_eq!(
            starts(&rhythm, "UTC", "2026-11-23T02:00:00Z", "2026-11-24T12:00:00Z"),
            ["2026-11-24T01:05:00+00:00"]
        );
    }

    proptest! {
        #[test]
        fn what_is_expected_is_in_order_and_in_reach(
            every in 1..200_i64, takes in 1..600_i64, from in 0..20_000_i64, long in 1..30_000_i64,
        ) {
            let start = at("2026-03-01T00:00:00Z");
            let job = Job { every: Span::hours(every), ..job() };
            let runs: Vec<Run> = (0..4).map(|k| run(Span::hours(every * k).after(start), Span::minutes(takes), RunState::Succeeded)).collect();
            let rhythm = Rhythm::of(&job, &runs, &Policy::default()).unwrap();
            let within = Stretch::new(Span::minutes(from).after(start), Span::minutes(from + long).after(start));
            let found = rhythm.expected(&FixedRules, "Europe/Berlin", within);
            prop_assert!(found.windows(2).all(|pair| pair[0].from < pair[1].from));
            prop_assert!(found.iter().all(|run| run.overlaps(&within) && run.from > rhythm.newest));
            // A narrower question gives a part of the same answer.
            let half = Stretch::new(within.from, Span::minutes(long / 2).after(within.from));
            for run in rhythm.expected(&FixedRules, "Europe/Berlin", half) {
                prop_assert!(found.contains(&run));
            }
        }
    }
}

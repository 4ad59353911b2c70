use super::host::{at, data_set, host};
use super::job::job;
use super::run::run;
use chrono::TimeDelta;
use domain::gate::{Evidence, Purpose, Scope, ask};
use domain::host::DataKind;
use domain::ids::{ComponentId, HostId, JobId, RunId};
use domain::policy::{Policy, PolicyOverride};
use domain::run::{Run, RunState};
use domain::time::Span;
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

async fn what_nobody_knows_is_said_to_be_unknown(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.read().await.unwrap();
    let host = HostId(Uuid::from_u128(1));
    let component = ComponentId(Uuid::from_u128(2));
    let scope = Scope { hosts: BTreeSet::from([host]), components: BTreeSet::from([component]) };
    let evidence = tx.evidence(&scope, &Policy::default()).await.unwrap();
    assert_eq!(evidence.unknown_hosts, vec![host]);
    assert_eq!(evidence.components_without_host, vec![(component, String::new())]);
    let nothing = tx.evidence(&Scope::default(), &Policy::default()).await.unwrap();
    assert!(nothing.hosts.is_empty() && nothing.carriers.is_empty());
}

/// vm3 with web-12 on it; web-12's database dump is carried by a job of another host, whose policy
/// takes warnings. One data set has two jobs, one is without any, one job is switched off, and a
/// host of its own is not touched.
pub(super) async fn a_small_site(tx: &mut Tx) -> Scope {
    tx.insert_host(&host(1, "vm3", None), at(0)).await.unwrap();
    tx.insert_host(&host(2, "web-12", Some(1)), at(0)).await.unwrap();
    let mut vault = host(3, "vault", None);
    vault.policy = PolicyOverride { warnings_are_good: Some(true), ..PolicyOverride::default() };
    tx.insert_host(&vault, at(0)).await.unwrap();
    tx.insert_host(&host(4, "elsewhere", None), at(0)).await.unwrap();
    for (n, on, name, kind) in [
        (11, 1, "image", DataKind::Image),
        (12, 2, "files", DataKind::Files),
        (13, 2, "database", DataKind::Database),
        (14, 3, "archive", DataKind::Files),
        (15, 2, "mail", DataKind::Files),
        (16, 4, "files", DataKind::Files),
    ] {
        tx.insert_data_set(&data_set(n, on, name, kind), at(0)).await.unwrap();
    }
    let mut off = job(25, 11, "old image", None);
    off.enabled = false;
    for job in [
        job(21, 11, "image", None),
        job(22, 12, "files", None),
        job(23, 12, "files again", None),
        job(24, 14, "archive", None),
        off,
        job(26, 13, "dump", Some(24)),
        job(27, 13, "dump beside", Some(22)),
        job(28, 16, "files", None),
    ] {
        tx.insert_job(&job, &job.id.to_string(), at(0)).await.unwrap();
    }
    Scope { hosts: BTreeSet::from([HostId(Uuid::from_u128(1))]), components: BTreeSet::new() }
}

async fn evidence_holds_the_radius_and_the_carriers_with_their_own_policy(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let scope = a_small_site(&mut tx).await;
    tx.insert_run(&run(7, 28, RunState::Succeeded), None).await.unwrap();
    let evidence = tx.evidence(&scope, &Policy::default()).await.unwrap();
    let seen: Vec<(&str, Vec<_>)> = evidence
        .hosts
        .iter()
        .map(|host| {
            let sets = host.data_sets.iter().map(|set| {
                (set.data_set.name.as_str(), set.jobs.iter().map(|job| job.job.name.as_str()).collect::<Vec<_>>())
            });
            (host.name.as_str(), sets.collect())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("vm3", vec![("image", vec!["image", "old image"])]),
            (
                "web-12",
                vec![
                    ("database", vec!["dump", "dump beside"]),
                    ("files", vec!["files", "files again"]),
                    ("mail", vec![]),
                ]
            ),
        ]
    );
    let carriers: Vec<(&str, bool)> =
        evidence.carriers.iter().map(|(c, policy)| (c.job.name.as_str(), policy.warnings_are_good)).collect();
    assert_eq!(carriers, [("files", false), ("archive", true)]);
    let whole = tx.whole_scope().await.unwrap();
    assert_eq!(whole.hosts.len(), 4);
}

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn once_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    /// A run of two days, on a coarse clock so that much happens at the same instant.
    pub(super) fn run(&mut self, n: u128, job: u128) -> Run {
        let quarter = |n: u64| TimeDelta::minutes(15 * i64::try_from(n).unwrap());
        let received_at = at(0) + quarter(self.roll(192));
        let started_at = if self.once_in(12) {
            received_at + quarter(1 + self.roll(8))
        } else {
            received_at - quarter(self.roll(12))
        };
        let state = match self.roll(6) {
            0 => RunState::Running,
            1 => RunState::Failed,
            2 => RunState::Lost,
            3 => RunState::Warning,
            _ => RunState::Succeeded,
        };
        let end = if self.once_in(12) { started_at - quarter(1) } else { started_at + quarter(self.roll(12)) };
        let run = Run {
            id: RunId(Uuid::from_u128(n)),
            job_id: JobId(Uuid::from_u128(job)),
            started_at,
            finished_at: state.is_ended().then_some(end),
            dry_run: self.once_in(8),
            partial: self.once_in(8),
            received_at,
            ..run(n, job, state)
        };
        let reported_at = received_at.max(started_at.min(end));
        Run { clock_fault: run.clock_fault_at(reported_at).is_some(), ..run }
    }
}

fn with_all(evidence: &Evidence, runs: &BTreeMap<JobId, Vec<Run>>) -> Evidence {
    let mut all = evidence.clone();
    let own = all.hosts.iter_mut().flat_map(|host| &mut host.data_sets).flat_map(|set| &mut set.jobs);
    for job in own.chain(all.carriers.iter_mut().map(|(carrier, _)| carrier)) {
        job.runs = runs.get(&job.job.id).cloned().unwrap_or_default();
    }
    all
}

/// Whatever was reported: the few runs that are read lead to the same verdict as all of them.
async fn the_runs_that_are_read_say_the_same_as_all(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut n = 1000;
    let mut confirmed = 0;
    for round in 0..60_u32 {
        let mut tx = t.db.write().await.unwrap();
        let scope = a_small_site(&mut tx).await;
        let mut runs: BTreeMap<JobId, Vec<Run>> = BTreeMap::new();
        for job in [21, 22, 23, 24, 25, 26, 27] {
            let how_many = dice.roll(if round % 3 == 0 { 4 } else { 25 });
            for _ in 0..how_many {
                n += 1;
                let run = dice.run(n, job);
                tx.insert_run(&run, None).await.unwrap();
                runs.entry(run.job_id).or_default().push(run);
            }
        }
        for warnings_are_good in [false, true] {
            let policy = Policy { warnings_are_good, start_max_age: Span::hours(30), ..Policy::default() };
            let read = tx.evidence(&scope, &policy).await.unwrap();
            let most = read.hosts.iter().flat_map(|h| &h.data_sets).flat_map(|d| &d.jobs).map(|j| j.runs.len()).max();
            assert!(most <= Some(11), "{most:?} runs of one job were read");
            // Each data set for itself too, so that one that is blocked hides no other.
            for picked in std::iter::once(None).chain([11, 12, 13].into_iter().map(Some)) {
                let mut read = read.clone();
                for host in &mut read.hosts {
                    host.data_sets.retain(|set| picked.is_none_or(|n| set.data_set.id.0.as_u128() == n));
                }
                read.hosts.retain(|host| !host.data_sets.is_empty());
                let scope = Scope { hosts: read.hosts.iter().map(|h| h.id).collect(), components: BTreeSet::new() };
                let all = with_all(&read, &runs);
                for (purpose, later) in [(Purpose::Schedule, 0), (Purpose::Start, 0), (Purpose::Schedule, 9)] {
                    let now = at(0) + TimeDelta::hours(51 + later);
                    let verdict = ask(now, purpose, &scope, &read);
                    assert_eq!(verdict, ask(now, purpose, &scope, &all), "round {round}");
                    confirmed += i32::from(verdict.is_confirmed());
                }
            }
        }
    }
    assert!(confirmed > 50, "only {confirmed} verdicts were confirmed: the dice are too bad to prove anything");
}

storage::on_both!(
    what_nobody_knows_is_said_to_be_unknown,
    evidence_holds_the_radius_and_the_carriers_with_their_own_policy,
    the_runs_that_are_read_say_the_same_as_all,
);

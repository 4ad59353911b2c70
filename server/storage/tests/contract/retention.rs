use super::evidence::{Dice, a_small_site};
use super::host::at;
use super::maintenance::{raw, started, verdict, window};
use chrono::TimeDelta;
use domain::gate::{Evidence, Purpose, ask};
use domain::ids::{JobId, RunId};
use domain::maintenance::State;
use domain::policy::Policy;
use domain::run::{Run, RunState};
use std::collections::{BTreeMap, BTreeSet};
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn runs_in(evidence: &Evidence) -> BTreeSet<RunId> {
    let own = evidence.hosts.iter().flat_map(|host| &host.data_sets).flat_map(|set| &set.jobs);
    own.chain(evidence.carriers.iter().map(|(c, _)| c)).flat_map(|job| &job.runs).map(|run| run.id).collect()
}

/// The small site with random runs of two days, half of them before a verdict was kept.
struct Past {
    t: TestDb,
    runs: BTreeMap<RunId, Run>,
    named: BTreeSet<RunId>,
}

async fn a_past(engine: Engine, seed: u64) -> Past {
    let t = started(engine).await;
    let mut dice = Dice(seed);
    let mut runs = BTreeMap::new();
    let mut tx = t.db.decide().await.unwrap();
    let scope = a_small_site(&mut tx).await;
    let m = window(1, State::Scheduled, 0);
    tx.add_maintenance(&m).await.unwrap();
    let mut named = BTreeSet::new();
    for half in 0..2_u128 {
        for n in 0..160_u128 {
            let job = 21 + u128::from(dice.roll(8));
            let mut run = dice.run(1000 + 1000 * half + n, job);
            if half == 1 {
                run.started_at += TimeDelta::hours(30);
                run.finished_at = run.finished_at.map(|end| end + TimeDelta::hours(30));
                run.received_at += TimeDelta::hours(30);
            }
            tx.insert_run(&run, None).await.unwrap();
            tx.put_run_log(run.id, "Archive made.").await.unwrap();
            runs.insert(run.id, run);
        }
        if half == 0 {
            let evidence = tx.evidence(&scope, &Policy::default()).await.unwrap();
            named = runs_in(&evidence);
            tx.add_verdict(&verdict(1, m.id, 1), &evidence).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    Past { t, runs, named }
}

async fn old_runs_go_and_what_is_needed_stays(engine: Engine) {
    for seed in [0x9e37_79b9_7f4a_7c15, 0x2545_f491_4f6c_dd1d] {
        let Past { t, runs, named } = a_past(engine, seed).await;
        let cut = at(0) + TimeDelta::hours(40);
        let mut tx = t.db.decide().await.unwrap();
        let scope = tx.whole_scope().await.unwrap();
        let policies = [false, true].map(|warnings_are_good| Policy { warnings_are_good, ..Policy::default() });
        let before =
            [tx.evidence(&scope, &policies[0]).await.unwrap(), tx.evidence(&scope, &policies[1]).await.unwrap()];
        tx.commit().await.unwrap();

        let (mut gone, mut from, mut newest, mut parts) = (0, None, None, 0);
        loop {
            let mut tx = t.db.decide().await.unwrap();
            let part = tx.expire_runs(cut, from, 16).await.unwrap();
            tx.commit().await.unwrap();
            gone += part.gone;
            newest = newest.max(part.newest);
            parts += 1;
            let Some(next) = part.next else { break };
            from = Some(next);
        }
        assert!(parts > 5 && gone > 100, "{gone} in {parts} parts");
        assert!(newest.is_some_and(|at| at < cut + TimeDelta::hours(3)));

        let mut tx = t.db.decide().await.unwrap();
        for (policy, before) in policies.iter().zip(&before) {
            let after = tx.evidence(&scope, policy).await.unwrap();
            assert_eq!(&after, before, "today's answer stands on the same runs");
            for purpose in [Purpose::Schedule, Purpose::Start] {
                let now = at(0) + TimeDelta::hours(80);
                assert_eq!(ask(now, purpose, &scope, &after), ask(now, purpose, &scope, before));
            }
        }
        let needed: BTreeSet<RunId> = before.iter().flat_map(runs_in).chain(named.iter().copied()).collect();
        let mut left = 0;
        for (id, run) in &runs {
            let line = tx.run_line(*id).await;
            assert!(matches!(line, Ok(_) | Err(StoreError::NotFound(_))), "{line:?}");
            let found = line.is_ok();
            let is_old = run.started_at.min(run.received_at) < cut;
            let stays = !is_old || run.state == RunState::Running || needed.contains(id);
            assert_eq!(found, stays, "{run:?}");
            assert_eq!(tx.run_log(*id).await.unwrap().is_some(), found, "its output goes with it");
            left += i32::from(found && is_old);
        }
        assert!(left > 10, "only {left} old runs were needed: the dice are too bad to prove anything");
        let again = tx.expire_runs(cut, None, 1000).await.unwrap();
        assert_eq!(again.gone, 0);
    }
}

async fn the_database_itself_keeps_the_runs_of_a_verdict(engine: Engine) {
    let Past { t, named, .. } = a_past(engine, 0x1234_5678_9abc_def1).await;
    assert!(!named.is_empty());
    let all = raw(&t, "delete from runs where id in (select run_id from evidence_runs)").await;
    assert!(all.is_err());
    let mut tx = t.db.read().await.unwrap();
    for run in &named {
        assert!(tx.is_evidence(*run).await.unwrap());
    }
    assert!(!tx.is_evidence(RunId(Uuid::from_u128(7))).await.unwrap());
}

/// What the migration does for verdicts that were kept before it.
async fn runs_of_earlier_verdicts_are_found_in_their_evidence(engine: Engine) {
    let Past { t, named, .. } = a_past(engine, 0x0fed_cba9_8765_4321).await;
    raw(&t, "delete from evidence_runs").await.unwrap();
    let migration = match engine {
        Engine::Sqlite => include_str!("../../../../migrations/sqlite/0007_drills.sql"),
        Engine::Postgres => include_str!("../../../../migrations/postgres/0007_drills.sql"),
    };
    let fill = migration.find("insert into evidence_runs").map(|start| &migration[start..]).unwrap();
    raw(&t, fill).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    for run in &named {
        assert!(tx.is_evidence(*run).await.unwrap());
    }
    let other = tx.runs_before(None, storage::run::RunFilter::default(), 1000).await.unwrap();
    let mut found = BTreeSet::new();
    for line in other {
        if tx.is_evidence(line.run.id).await.unwrap() {
            found.insert(line.run.id);
        }
    }
    assert_eq!(found, named);
}

/// A job without any later run keeps its last good one for ever.
async fn the_last_good_run_of_a_job_is_never_too_old_to_keep(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (files, _) = super::job::web_12(&mut tx).await;
    for n in 1..=20 {
        tx.insert_run(&super::run::run(n, 21, RunState::Succeeded), None).await.unwrap();
    }
    let expired = tx.expire_runs(at(1_000_000), None, 1000).await.unwrap();
    assert_eq!((expired.gone, expired.newest, expired.next), (19, Some(at(19)), None));
    assert_eq!(tx.newest_run(files.id).await.unwrap().map(|run| run.id), Some(RunId(Uuid::from_u128(20))));
    assert!(tx.newest_run(JobId(Uuid::from_u128(22))).await.unwrap().is_none());
}

storage::on_both!(
    old_runs_go_and_what_is_needed_stays,
    the_database_itself_keeps_the_runs_of_a_verdict,
    runs_of_earlier_verdicts_are_found_in_their_evidence,
    the_last_good_run_of_a_job_is_never_too_old_to_keep,
);

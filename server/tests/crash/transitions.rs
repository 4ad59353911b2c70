//! Two hundred windows on two nodes, one of which dies: each starts, waits and ends once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::ids::{HostId, JobId, MaintenanceId, RunId};
use domain::maintenance::UpdateKind::{self, Completed, Held, Scheduled, Started};
use domain::maintenance::{Maintenance, State};
use domain::run::{Run, RunState};
use domain::time::{Instant, Span};
use service::Actor;
use service::maintenance::{MaintenanceInput, Planning, Target};
use storage::testing::Engine;
use uuid::Uuid;

use crate::chance::Chance;
use crate::world::{World, get};

/// Of each kind: those whose backup is fresh, and those whose start has to wait for it.
const WINDOWS: usize = 100;
/// Until the first start, for planning all of them.
const PLANNING: i64 = 30;
/// The starts lie this close to one another.
const SPREAD: usize = 10;
const LENGTH: i64 = 20;
const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    async fn ran(&self, job: JobId, hours_ago: i64) {
        let at = Span::hours(-hours_ago).after(self.services.now());
        let run = Run {
            id: RunId(Uuid::now_v7()),
            job_id: job,
            key: hours_ago.to_string(),
            state: RunState::Succeeded,
            started_at: at,
            start_assumed: false,
            finished_at: Some(Span::minutes(1).after(at)),
            dry_run: false,
            partial: false,
            clock_fault: false,
            received_at: at,
            bytes: None,
            files: None,
            snapshot: None,
            exit_code: None,
        };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_run(&run, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn plan(&self, host: HostId, title: &str, start: Instant) -> MaintenanceId {
        let local = |at: Instant| at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let input = MaintenanceInput {
            title: Some(title.to_owned()),
            hosts: Some(vec![host.to_string()]),
            components: Some(vec![]),
            zone: Some("UTC".to_owned()),
            start: Some(local(start)),
            end: Some(local(Span::seconds(LENGTH).after(start))),
            may_wait: Some("1 h".to_owned()),
            auto_start: Some(true),
            auto_complete: Some(true),
            ..MaintenanceInput::default()
        };
        match self.services.schedule_maintenance(&Actor::system(), Target::New, &input).await.unwrap() {
            Planning::Scheduled(m) => m.id,
            other => panic!("{other:?}"),
        }
    }

    async fn window(&self, id: MaintenanceId) -> Maintenance {
        self.services.maintenance(&Actor::system(), id).await.unwrap()
    }

    /// Waits until this many of the windows are in one of the states.
    async fn until_in(&self, what: &str, windows: &[MaintenanceId], states: &[State], count: usize) {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let mut found = 0;
            for id in windows {
                found += usize::from(states.contains(&self.window(*id).await.state));
            }
            if found >= count {
                return;
            }
            assert!(std::time::Instant::now() < end, "{what}: {found} of {count}; the log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the audit log tells of a window, oldest first.
    async fn audited(&self, id: MaintenanceId) -> String {
        let mut tx = self.t.db.read().await.unwrap();
        let lines = tx.audit_before(None, Some("maintenance"), Some(&id.to_string()), 100).await.unwrap();
        let verbs: Vec<_> = lines.iter().rev().map(|line| line.action.trim_start_matches("maintenance.")).collect();
        verbs.join(" ")
    }

    /// What was published of each window, oldest first.
    async fn told(&self, windows: &[MaintenanceId]) -> BTreeMap<MaintenanceId, Vec<UpdateKind>> {
        let mut told: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for update in self.t.db.read().await.unwrap().updates_of(windows).await.unwrap().into_iter().rev() {
            told.entry(update.maintenance_id).or_default().push(update.kind);
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_hundred_windows_takes_each_step_once_though_a_node_dies() {
    let mut chance = Chance::new("each_of_two_hundred_windows_takes_each_step_once_though_a_node_dies");
    let w = World::begin(Engine::Postgres).await;
    w.subscribers(1).await;
    let (fresh, stale) = (w.protected("fresh").await, w.protected("stale").await);
    w.ran(fresh.job, 1).await;
    // Fresh enough to plan on, too old to start on.
    w.ran(stale.job, 5).await;
    let first = Span::seconds(PLANNING).after(w.services.now());
    let (mut starting, mut waiting) = (Vec::new(), Vec::new());
    for n in 0..WINDOWS {
        let start = Span::seconds(i64::try_from(n * SPREAD / WINDOWS).unwrap()).after(first);
        starting.push(w.plan(fresh.host, &format!("Fresh {n}"), start).await);
        waiting.push(w.plan(stale.host, &format!("Stale {n}"), start).await);
    }
    let mut nodes = [w.node(), w.node()];
    for node in &mut nodes {
        node.wait_until_ready(&w);
    }
    assert!(w.services.now() < first, "planning took longer than {PLANNING} s");

    // In the thick of it, one node goes.
    let some = usize::try_from(5 + chance.below(60)).unwrap();
    w.until_in("starts", &starting, &[State::InProgress], some).await;
    chance.pause(Duration::from_millis(500));
    nodes[0].kill();
    w.until_in("held", &waiting, &[State::Held], WINDOWS).await;
    for signal in ["/start", ""] {
        let path = format!("/ping/{}{signal}?rid=extra", stale.secret);
        let answer = get(nodes[1].address, &path).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let all = [starting.clone(), waiting.clone()].concat();
    w.until_in("ends", &all, &[State::Completed], 2 * WINDOWS).await;

    for (windows, kinds, steps) in [
        (&starting, vec![Scheduled, Started, Completed], "schedule start complete"),
        (&waiting, vec![Scheduled, Held, Started, Completed], "schedule hold start complete"),
    ] {
        let told = w.told(windows).await;
        for id in windows {
            assert_eq!(told[id], kinds, "{id}");
            // Where a start comes before the check ahead of it was made, it asks the gate itself.
            let audited = w.audited(*id).await;
            assert_eq!(audited.replacen(" check", "", 1), steps, "{id}: {audited}");
        }
    }
    for id in &waiting {
        let m = w.window(*id).await;
        let lasted = m.finishes_at().signed_duration_since(m.begins_at());
        assert!(lasted >= Span::seconds(LENGTH).delta(), "a held window keeps its whole length: {lasted}");
    }
    let mut mails = BTreeSet::new();
    w.until("the last mail", PATIENCE, || {
        mails = w.relay.mails().into_values().flatten().collect();
        mails.len() >= 7 * WINDOWS
    });
    assert_eq!(mails.len(), 7 * WINDOWS, "each step is told once: a mail that came twice has its first id");
}

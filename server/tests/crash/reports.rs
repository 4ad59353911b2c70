//! Reports of runs while the program is killed: what was answered with 200 is kept.

use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::backup::Job;
use domain::host::{DataKind, DataSet};
use domain::ids::{DataSetId, HostId, JobId};
use domain::run::RunState;
use domain::time::Span;
use storage::run::RunFilter;
use storage::testing::Engine;
use uuid::Uuid;

use crate::chance::Chance;
use crate::wire::answer;
use crate::world::{World, name};

const KILLS: usize = 10;
const REPORTERS: usize = 8;

/// A host whose data a job protects.
pub(crate) struct Protected {
    pub(crate) host: HostId,
    pub(crate) job: JobId,
    /// Of the job's address.
    pub(crate) secret: Uuid,
}

impl World {
    pub(crate) async fn protected(&self, called: &str) -> Protected {
        let (host, now) = (self.host(called, None).await, self.services.now());
        let (data, job, secret) = (DataSetId(Uuid::now_v7()), JobId(Uuid::now_v7()), Uuid::new_v4());
        let set = DataSet {
            id: data,
            host_id: host,
            name: name("files"),
            kind: DataKind::Files,
            retired_at: None,
            version: 1,
        };
        let new = Job {
            id: job,
            data_set_id: data,
            name: name("nightly"),
            tool: "borgmatic".to_owned(),
            carried_by: None,
            enabled: true,
            every: Span::hours(24),
            max_duration: Span::hours(6),
            ping_version: 1,
            retired_at: None,
            version: 1,
        };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_data_set(&set, now).await.unwrap();
        tx.insert_job(&new, &service::keys::hash(&secret.to_string()), now).await.unwrap();
        tx.commit().await.unwrap();
        Protected { host, job, secret }
    }

    async fn kept(&self, job: JobId) -> BTreeSet<String> {
        let (mut kept, mut before) = (BTreeSet::new(), None);
        loop {
            let filter = RunFilter { job: Some(job), ..RunFilter::default() };
            let lines = self.t.db.read().await.unwrap().runs_before(before, filter, 200).await.unwrap();
            let Some(last) = lines.last() else { return kept };
            before = Some(last.run.id);
            assert!(lines.iter().all(|line| line.run.state == RunState::Succeeded));
            kept.extend(lines.into_iter().map(|line| line.run.key));
        }
    }
}

/// Reports one run after another over one connection; gives the keys of those answered with 200.
fn report(address: SocketAddr, secret: Uuid, stop: &AtomicBool) -> Vec<String> {
    let mut accepted = Vec::new();
    let Ok(mut out) = TcpStream::connect(address) else { return accepted };
    let Ok(mut answers) = out.try_clone().map(BufReader::new) else { return accepted };
    while !stop.load(Ordering::SeqCst) {
        let key = Uuid::new_v4().to_string();
        let asked =
            write!(out, "POST /ping/{secret}?rid={key} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n");
        match asked.and_then(|()| answer(&mut answers)) {
            Ok((200, _)) => accepted.push(key),
            Ok((other, _)) => panic!("a report was answered with {other}"),
            Err(_) => break,
        }
    }
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_report_is_lost() {
    let mut chance = Chance::new("no_accepted_report_is_lost");
    let w = World::begin(Engine::Sqlite).await;
    let mut jobs = Vec::new();
    for n in 0..REPORTERS {
        jobs.push(w.protected(&format!("vm{n}")).await);
    }
    let mut accepted = vec![BTreeSet::new(); REPORTERS];
    for _ in 0..KILLS {
        let mut node = w.node();
        node.wait_until_ready(&w);
        let (address, stop) = (node.address, AtomicBool::new(false));
        std::thread::scope(|threads| {
            let running: Vec<_> = jobs.iter().map(|at| threads.spawn(|| report(address, at.secret, &stop))).collect();
            std::thread::sleep(Duration::from_millis(150));
            chance.pause(Duration::from_millis(300));
            node.kill();
            stop.store(true, Ordering::SeqCst);
            for (keys, thread) in accepted.iter_mut().zip(running) {
                keys.extend(thread.join().unwrap());
            }
        });
    }
    // The database opens again after the last kill, and takes reports.
    let mut node = w.node();
    node.wait_until_ready(&w);
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let last = threads.spawn(|| report(node.address, jobs[0].secret, &stop));
        std::thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::SeqCst);
        accepted[0].extend(last.join().unwrap());
    });
    let total: usize = accepted.iter().map(BTreeSet::len).sum();
    println!("{total} reports were accepted around {KILLS} kills");
    assert!(total > KILLS, "too few reports to prove anything: {total}");
    for (at, keys) in jobs.iter().zip(&accepted) {
        let kept = w.kept(at.job).await;
        assert!(keys.is_subset(&kept), "lost: {:?}", keys.difference(&kept).collect::<Vec<_>>());
    }
}

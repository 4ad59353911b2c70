use super::host::{at, data_set, host};
use super::job::{job, web_12};
use super::run::run;
use domain::finding::order::{PAIRS, Pair};
use domain::finding::{Acknowledgement, Case, Finding, Subject, What};
use domain::host::{DataKind, Exemption, Host};
use domain::ids::{FindingId, HostId, JobId};
use domain::run::{Run, RunState};
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn id(n: u128) -> FindingId {
    FindingId(Uuid::from_u128(n))
}

fn unclaimed(n: u128) -> Finding {
    let subject = Subject::Host(HostId(Uuid::from_u128(n)));
    Finding { subject, place: format!("host-{n}"), since: Some(at(1)), what: What::UnclaimedHost }
}

async fn facts_hold_what_is_in_use_and_the_newest_runs(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    web_12(&mut tx).await;
    let exempt = Exemption { reason: "empty".to_owned(), by: "Ada".to_owned(), at: at(1) };
    tx.insert_host(&Host { exemption: Some(exempt), ..host(2, "ns-1", None) }, at(7)).await.unwrap();
    tx.insert_host(&Host { retired_at: Some(at(1)), ..host(3, "gone", None) }, at(0)).await.unwrap();
    tx.insert_host(&Host { owner: "Web team".to_owned(), ..host(4, "web-13", None) }, at(0)).await.unwrap();
    tx.insert_data_set(&data_set(13, 4, "files", DataKind::Files), at(3)).await.unwrap();
    tx.insert_job(&job(23, 13, "alone", None), "cc", at(4)).await.unwrap();
    let nights = u128::try_from(PAIRS).unwrap() + 10;
    for n in 0..nights {
        tx.insert_run(&run(1000 + n * 100, 21, RunState::Succeeded), None).await.unwrap();
        tx.insert_run(&run(1050 + n * 100, 22, RunState::Warning), None).await.unwrap();
    }
    tx.insert_run(&run(9000, 22, RunState::Failed), None).await.unwrap();
    tx.insert_run(&Run { clock_fault: true, ..run(9001, 21, RunState::Succeeded) }, None).await.unwrap();
    tx.insert_run(&run(9002, 21, RunState::Running), Some(at(99_999))).await.unwrap();
    tx.insert_run(&run(500, 23, RunState::Succeeded), None).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = t.db.read().await.unwrap();
    let mut facts = tx.finding_facts(at(10_000)).await.unwrap();
    facts.hosts.sort_by_key(|host| host.id);
    facts.jobs.sort_by_key(|job| job.id);
    let hosts: Vec<_> = facts.hosts.iter().map(|h| (h.name.as_str(), h.owner.as_str(), h.is_exempt)).collect();
    assert_eq!(hosts, [("web-12", "", false), ("ns-1", "", true), ("web-13", "Web team", false)]);
    assert_eq!(facts.hosts[1].created_at, at(7));
    assert_eq!(facts.data_sets.len(), 3);
    let (files, dump, alone) = (&facts.jobs[0], &facts.jobs[1], &facts.jobs[2]);
    assert_eq!((files.heard_at, files.is_running), (Some(at(9002)), true));
    assert_eq!((dump.heard_at, dump.is_running), (Some(at(9005)), false));
    assert_eq!((alone.heard_at, alone.created_at), (Some(at(505)), at(4)));
    assert_eq!(alone.ran, [], "it neither carries nor is carried");
    let last = i64::try_from(1000 + (nights - 1) * 100).unwrap();
    for (job, last) in [(files, last), (dump, last + 50)] {
        assert_eq!(job.ran.len(), PAIRS + 2, "{}", job.name);
        assert!(job.ran.is_sorted());
        assert_eq!(job.ran.last().map(|r| (r.started_at, r.finished_at)), Some((at(last), at(last + 5))));
    }
    for job in [files, dump] {
        assert_eq!(tx.ran_lately(job.id).await.unwrap(), job.ran, "{}", job.name);
    }
    assert_eq!(tx.finding_facts(at(9000)).await.unwrap().jobs.iter().filter_map(|j| j.heard_at).max(), Some(at(9000)));
}

async fn kept(tx: &mut Tx, n: u128) -> Case {
    tx.insert_finding(id(n), &unclaimed(n), at(10)).await.unwrap();
    tx.finding(id(n)).await.unwrap()
}

async fn a_finding_is_kept_until_it_is_gone(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let first = kept(&mut tx, 1).await;
    assert_eq!(first.finding, unclaimed(1));
    assert_eq!((first.first_seen_at, first.last_seen_at, first.closed_at), (at(10), at(10), None));
    tx.commit().await.unwrap();

    let mut tx = t.db.write().await.unwrap();
    let twice = tx.insert_finding(id(9), &unclaimed(1), at(11)).await;
    assert!(matches!(twice, Err(StoreError::Conflict("finding"))), "{twice:?}");
    drop(tx);

    let mut tx = t.db.write().await.unwrap();
    let second = kept(&mut tx, 2).await;
    tx.see_findings(at(20)).await.unwrap();
    tx.note_finding_told(id(1), at(21)).await.unwrap();
    let pair = Pair { dump_ended: at(9), carrier_started: at(8) };
    let late = Finding {
        subject: Subject::Job(JobId(Uuid::from_u128(2))),
        what: What::DumpLate { carrier: "files".to_owned(), pair },
        ..unclaimed(2)
    };
    tx.move_finding(id(2), &late).await.unwrap();
    let open = tx.open_findings().await.unwrap();
    assert_eq!(
        open,
        [
            Case { last_seen_at: at(20), told_at: Some(at(21)), ..first },
            Case { last_seen_at: at(20), finding: late, ..second },
        ]
    );
    tx.close_finding(id(1), at(30)).await.unwrap();
    tx.close_finding(id(1), at(40)).await.unwrap();
    let closed = tx.closed_findings(at(30), 9).await.unwrap();
    assert_eq!(closed.iter().map(|case| (case.id, case.closed_at)).collect::<Vec<_>>(), [(id(1), Some(at(30)))]);
    assert_eq!(tx.closed_findings(at(31), 9).await.unwrap(), []);
    assert_eq!(tx.open_findings().await.unwrap().len(), 1);
    kept(&mut tx, 3).await;
    tx.insert_finding(id(4), &unclaimed(1), at(50)).await.unwrap();
    assert!(matches!(tx.finding(id(9)).await, Err(StoreError::NotFound(_))));
}

async fn an_acknowledgement_is_given_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let case = kept(&mut tx, 1).await;
    let acknowledged = Acknowledgement { reason: "new".to_owned(), by: "Ann".to_owned(), at: at(11), until: at(50) };
    let quiet = Case { acknowledged: Some(acknowledged), ..case };
    tx.acknowledge_finding(&quiet).await.unwrap();
    assert!(matches!(tx.acknowledge_finding(&quiet).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.finding(id(1)).await.unwrap(), Case { version: 2, ..quiet.clone() });
    assert_eq!(tx.count_open_findings(at(49)).await.unwrap(), 0);
    assert_eq!(tx.count_open_findings(at(50)).await.unwrap(), 1);
    tx.acknowledge_finding(&Case { acknowledged: None, version: 2, ..quiet }).await.unwrap();
    assert_eq!(tx.finding(id(1)).await.unwrap().acknowledged, None);
    assert_eq!(tx.count_open_findings(at(12)).await.unwrap(), 1);
}

storage::on_both!(
    facts_hold_what_is_in_use_and_the_newest_runs,
    a_finding_is_kept_until_it_is_gone,
    an_acknowledgement_is_given_by_one_at_a_time,
);

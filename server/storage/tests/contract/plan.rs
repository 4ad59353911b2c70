//! How SQLite finds what every page of the team and every report of alerts asks for: through an index, however long the
//! history is.

use super::alert::alert;
use super::maintenance::at;
use domain::alert::reach::Called;
use domain::ids::{CauseId, ComponentId, HostId, IncidentId};
use storage::alert::cause::CausesOf;
use storage::testing::{Asked, Engine, TestDb};
use uuid::Uuid;

/// What was read since the test began.
fn selects(asked: &Asked) -> Vec<String> {
    let reads = |statement: &String| statement.starts_with("select") || statement.starts_with("with");
    asked.statements().into_iter().filter(reads).collect()
}

/// The tables that only grow, and those of a large inventory, by the names that these statements give them.
const GROW: [&str; 16] = [
    "incidents",
    "i",
    "incident_updates",
    "causes",
    "c",
    "whole",
    "part",
    "backup_requests",
    "q",
    "later",
    "alerts",
    "hosts",
    "h",
    "components",
    "component_hosts",
    "maintenances",
];

/// Indexes that hold only what is not over.
const SMALL: [&str; 3] = ["incidents_open", "causes_live", "backup_requests_open"];

/// The steps of a statement that read the whole of something that grows.
async fn scans(pool: &sqlx::SqlitePool, statement: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(pool).await.unwrap();
    let is_scan = |step: &String| {
        let words: Vec<&str> = step.split(' ').collect();
        words[0] == "SCAN" && GROW.contains(&words[1]) && !words.last().is_some_and(|index| SMALL.contains(index))
    };
    steps.into_iter().map(|(.., step)| step).filter(is_scan).collect()
}

#[tokio::test]
async fn what_is_asked_for_all_the_time_is_found_without_reading_the_history() {
    let t = TestDb::start(Engine::Sqlite).await;
    let asked = Asked::listen();
    let mut tx = t.db.read().await.unwrap();
    tx.incidents_open().await.unwrap();
    tx.incident_drafts().await.unwrap();
    tx.incidents_between(at(0), at(1)).await.unwrap();
    for of in [CausesOf::LiveBefore(None), CausesOf::Waiting, CausesOf::Moved] {
        tx.causes(of, 9).await.unwrap();
    }
    tx.count_causes().await.unwrap();
    tx.due_causes(at(0), None, 9).await.unwrap();
    tx.troubled_requests(at(0)).await.unwrap();
    tx.open_requests().await.unwrap();
    tx.last_said(&[IncidentId(Uuid::nil())]).await.unwrap();
    // What a report of alerts reaches.
    let (hosts, words) = ([HostId(Uuid::nil())], ["vm3".to_owned()]);
    tx.known_names(&Called { hosts: words.clone().into(), components: words.into() }).await.unwrap();
    tx.topology_around(&hosts.into()).await.unwrap();
    tx.live_keys().await.unwrap();
    tx.live_causes(&[CauseId(Uuid::nil())].into()).await.unwrap();
    tx.works().await.unwrap();
    tx.component_names(&[ComponentId(Uuid::nil())].into()).await.unwrap();
    tx.alerts_known(Uuid::nil(), &["down", "load"]).await.unwrap();
    let nobody = alert(1, "down", None);
    t.db.write().await.unwrap().update_alerts(&[&nobody, &nobody]).await.unwrap_err();
    let on_pages = selects(&asked);
    assert!(on_pages.len() >= 20, "{on_pages:#?}");
    tx.old_causes(at(0), 9).await.unwrap();
    let sweep = selects(&asked).pop().unwrap();
    drop(tx);
    let pool = sqlx::SqlitePool::connect(&t.address).await.unwrap();
    for statement in on_pages {
        assert_eq!(scans(&pool, &statement).await, Vec::<String>::new(), "{statement}");
    }
    let of_sweep = scans(&pool, &sweep).await;
    assert!(of_sweep.len() == 1 && of_sweep[0].starts_with("SCAN c "), "each cause once: {of_sweep:?}");
    let short = "select c.id from causes c where c.state = 'open'";
    assert_eq!(scans(&pool, short).await.len(), 1, "without the words of the index");
}

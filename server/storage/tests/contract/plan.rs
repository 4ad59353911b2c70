//! How SQLite finds what every page of the team asks for: through an index, however long the history is.

use super::maintenance::at;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use storage::alert::cause::CausesOf;
use storage::testing::{Engine, TestDb};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

/// What was asked since the test began: the statements as sqlx tells them.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn selects(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|asked| asked.starts_with("select")).cloned().collect()
    }
}

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        let mut asked = self.0.lock().unwrap();
        match field.name() {
            "summary" => asked.push(value.to_owned()),
            // The whole, where the summary is only its beginning.
            "db.statement" if !value.is_empty() => *asked.last_mut().unwrap() = value.trim().to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl tracing::Subscriber for Asked {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // One after another: statements come from threads of their own.
        let mut one = Self::default();
        event.record(&mut one);
        self.0.lock().unwrap().append(&mut one.0.lock().unwrap());
    }
}

/// The tables that only grow, by the names that these statements give them.
const GROW: [&str; 10] =
    ["incidents", "i", "incident_updates", "causes", "c", "whole", "part", "backup_requests", "q", "later"];

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
async fn what_every_page_asks_for_is_found_without_reading_the_history() {
    let asked = Asked::default();
    let t = TestDb::start(Engine::Sqlite).await;
    // For all threads: those of the connections too.
    tracing::subscriber::set_global_default(asked.clone()).unwrap();
    let mut tx = t.db.read().await.unwrap();
    tx.incidents_open().await.unwrap();
    tx.incident_drafts().await.unwrap();
    tx.incidents_between(at(0), at(1)).await.unwrap();
    for of in [CausesOf::Live, CausesOf::Waiting, CausesOf::Moved] {
        tx.causes(of, 9).await.unwrap();
    }
    tx.count_causes().await.unwrap();
    tx.due_causes(at(0), None, 9).await.unwrap();
    tx.troubled_requests(at(0)).await.unwrap();
    tx.open_requests().await.unwrap();
    tx.last_said(&[domain::ids::IncidentId(uuid::Uuid::nil())]).await.unwrap();
    let on_pages = asked.selects();
    assert!(on_pages.len() >= 11, "{on_pages:#?}");
    tx.old_causes(at(0), 9).await.unwrap();
    let sweep = asked.selects().pop().unwrap();
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

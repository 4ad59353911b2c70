//! The database goes away while alerts come in: nothing is said to be kept that is not, pages stay, and all goes on by
//! itself when it is back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use storage::alert::AlertFilter;
use storage::testing::Engine;
use uuid::Uuid;

use crate::wire::Line;
use crate::world::{World, get, get_within};

const SENDERS: usize = 4;
/// Longer than anybody waits for a connection to the database.
const AWAY: Duration = Duration::from_secs(13);
const PATIENCE: Duration = Duration::from_secs(60);

/// What one sender was told: the keys that were taken, and how often it was asked to come again.
#[derive(Default)]
struct Told {
    taken: Vec<String>,
    refused: usize,
}

fn body(page: &str) -> &str {
    page.split_once("\r\n\r\n").unwrap().1
}

/// How many incidents a page leads to.
fn incidents(page: &str) -> usize {
    let links = page.split("href=\"/incidents/").skip(1).filter_map(|rest| rest.split('"').next());
    links.collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_it_takes_no_alert_keeps_its_pages_and_goes_on_by_itself() {
    let mut w = World::begin(Engine::Postgres).await;
    w.publish_causes().await;
    for n in 0..SENDERS {
        let host = w.host(&format!("vm{n}"), None).await;
        w.component(&format!("Cluster {n}"), Some(host)).await;
    }
    let secret = w.protected("db").await.secret;
    let host = w.host("late", None).await;
    w.component("Shell nodes", Some(host)).await;
    let token = w.token().await;
    let mut node = w.node();
    node.wait_until_ready(&w);
    let (address, stop, token) = (node.address, AtomicBool::new(false), token.as_str());
    let page = get(address, "/").unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Shell nodes"), "{page}");
    let send = |n: usize, stop: &AtomicBool| {
        let mut told = Told::default();
        let mut line = Line::open(address, token).unwrap();
        while !stop.load(Ordering::SeqCst) {
            let key = Uuid::new_v4().to_string();
            let alert = json!({"key": key, "status": "firing", "host": format!("vm{n}"), "severity": "critical"});
            match line.post("/api/v1/alerts/generic", None, &alert).unwrap() {
                (200, _) => told.taken.push(key),
                (503, answer) => {
                    let head = answer.to_ascii_lowercase();
                    let is_told =
                        ["unavailable", "unknown"].iter().any(|code| head.contains(&format!("\"code\":\"{code}\"")));
                    assert!(head.contains("retry-after: 5") && is_told, "{answer}");
                    assert!(!head.contains("sqlx") && !head.contains("postgres"), "{answer}");
                    told.refused += 1;
                }
                (other, answer) => panic!("an alert was answered with {other}: {answer}"),
            }
        }
        told
    };
    let told: Vec<Told> = std::thread::scope(|threads| {
        let (send, until) = (&send, &stop);
        let senders: Vec<_> = (0..SENDERS).map(|n| threads.spawn(move || send(n, until))).collect();
        std::thread::sleep(Duration::from_millis(500));
        w.t.halt();
        let gone = Instant::now();
        let mut last = String::new();
        while gone.elapsed() < AWAY {
            // Whoever asks waits five seconds at most: fewer than anybody who waits for the database.
            let page = get(address, "/").unwrap();
            assert!(page.starts_with("HTTP/1.1 200"), "{page}");
            assert!(last.is_empty() || body(&page) == last, "what stood there stays");
            // What was taken before may still be published while the database goes.
            if gone.elapsed() > Duration::from_millis(500) {
                last = body(&page).to_owned();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(get(address, "/readyz").unwrap().starts_with("HTTP/1.1 503"));
        for path in
            [format!("/ping/{secret}"), format!("/ping/{secret}/wanted"), format!("/api/push/{secret}?status=up")]
        {
            let answer = get_within(address, &path, PATIENCE).unwrap().to_ascii_lowercase();
            assert!(answer.starts_with("http/1.1 503") && answer.contains("retry-after: 5\r\n"), "{path}: {answer}");
        }
        w.t.resume();
        w.until("the return of the database", PATIENCE, || node.is_ready());
        std::thread::sleep(Duration::from_secs(1));
        stop.store(true, Ordering::SeqCst);
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let refused: usize = told.iter().map(|told| told.refused).sum();
    assert!(told.iter().all(|told| told.refused > 0), "each was asked to come again");
    let mut line = Line::open(address, token).unwrap();
    let late = json!({"key": "late", "status": "firing", "host": "late", "severity": "critical", "title": "Late"});
    assert_eq!(line.post("/api/v1/alerts/generic", None, &late).unwrap().0, 200);
    w.until("what the worker publishes", PATIENCE, || get(address, "/").is_some_and(|page| incidents(&page) > SENDERS));
    let kept = w.t.db.read().await.unwrap().alerts_of(&AlertFilter::default(), 1_000_000).await.unwrap();
    let kept: BTreeSet<&str> = kept.iter().map(|alert| alert.fingerprint.as_str()).collect();
    let taken: Vec<&String> = told.iter().flat_map(|told| &told.taken).collect();
    assert!(taken.len() > SENDERS, "{}", taken.len());
    for key in &taken {
        assert!(kept.contains(key.as_str()), "{key} was taken and is lost");
    }
    println!("{} alerts were taken, {refused} were sent back while the database was away", taken.len());
}

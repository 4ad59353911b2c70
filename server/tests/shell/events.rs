use std::time::{Duration, Instant};

use reqwest::Response;
use server::http::accept::Limits;
use server::http::events::PER_CLIENT;

use crate::harness::{Harness, STREAMS};

/// A stream of one of many clients: the harness trusts what its peer says of them.
async fn follow(server: &Harness, client: usize, last: Option<i64>) -> Response {
    let address = format!("198.51.{}.{}", client / 250, client % 250 + 1);
    let mut request = server.get("/events").header("x-forwarded-for", address);
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    request.send().await.unwrap()
}

/// Reads until something was said that ends an event with data; gives back all of it.
async fn event(stream: &mut Response) -> String {
    let mut said = String::new();
    while !(said.contains("data: ") && said.ends_with("\n\n")) {
        let chunk = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await.unwrap();
        said += std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap();
    }
    said
}

#[tokio::test]
async fn a_change_reaches_an_open_page_at_once() {
    let server = Harness::start().await;
    let mut stream = follow(&server, 1, None).await;
    assert_eq!(stream.status(), 200);
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.headers()[name], value);
    }
    assert!(!stream.headers().contains_key("content-encoding"));
    let first = stream.chunk().await.unwrap().unwrap();
    let first = std::str::from_utf8(&first).unwrap();
    assert!(first.starts_with("retry: ") && first.ends_with("\nid: 41\n\n"), "{first}");
    let since = Instant::now();
    server.newest.send(42).unwrap();
    assert_eq!(event(&mut stream).await, "id: 42\ndata: 42\n\n");
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[tokio::test]
async fn what_was_missed_is_told_at_once_and_only_once() {
    let server = Harness::start().await;
    let mut stream = follow(&server, 1, Some(40)).await;
    assert!(event(&mut stream).await.ends_with("id: 41\ndata: 41\n\n"));
    drop(stream);
    server.newest.send(42).unwrap();
    server.newest.send(43).unwrap();
    let mut again = follow(&server, 1, Some(41)).await;
    assert!(event(&mut again).await.ends_with("id: 43\ndata: 43\n\n"), "the newest says all");
    let mut current = follow(&server, 1, Some(43)).await;
    current.chunk().await.unwrap();
    let more = tokio::time::timeout(Duration::from_millis(300), current.chunk()).await;
    assert!(more.is_err(), "who knows it all hears nothing");
    let mut page = server.get("/events?since=42").send().await.unwrap();
    assert!(event(&mut page).await.ends_with("id: 43\ndata: 43\n\n"), "so does a page that says what it knows");
}

#[tokio::test]
async fn one_client_and_all_together_have_so_many_places_and_no_more() {
    let server = Harness::start().await;
    let mut open = Vec::new();
    for _ in 0..PER_CLIENT {
        open.push(follow(&server, 1, None).await);
    }
    let refused = follow(&server, 1, None).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    for client in 2.. {
        if open.len() == STREAMS {
            break;
        }
        let stream = follow(&server, client, None).await;
        assert_eq!(stream.status(), 200);
        open.push(stream);
    }
    assert_eq!(follow(&server, 2_000, None).await.status(), 503);
    assert_eq!(server.get("/").send().await.unwrap().status(), 200, "pages are served all the same");
    drop(open);
    let deadline = Instant::now() + Duration::from_secs(20);
    while follow(&server, 2_000, None).await.status() != 200 {
        assert!(Instant::now() < deadline, "places are given back when pages go away");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn open_streams_do_not_keep_the_server_from_stopping() {
    let server = Harness::start_with(Limits::default()).await;
    let mut open = Vec::new();
    for client in 0..50 {
        open.push(follow(&server, client, None).await);
    }
    let since = Instant::now();
    server.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), server.serving).await.unwrap().unwrap();
    assert!(since.elapsed() < Duration::from_secs(5));
    for mut stream in open {
        while let Ok(Some(chunk)) = stream.chunk().await {
            assert!(chunk.starts_with(b"retry: "), "nothing but the beginning was said");
        }
    }
}

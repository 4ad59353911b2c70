//! Clients that are slow, silent or too many, and a server that is told to stop.

use std::time::{Duration, Instant};

use server::http::accept::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::Harness;

async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end, too.
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn half_a_head_holds_no_connection() {
    let server = Harness::start().await;
    for start in ["GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "GET", "P"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let since = Instant::now();
        read_all(&mut stream).await;
        let held = since.elapsed();
        assert!(held >= Duration::from_millis(300) && held < Duration::from_secs(2), "{start:?}: {held:?}");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let server = Harness::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let since = Instant::now();
    let mut head = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".bytes();
    while since.elapsed() < Duration::from_secs(2) {
        let Some(byte) = head.next() else { break };
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    read_all(&mut stream).await;
    assert!(since.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = Harness::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let since = Instant::now();
    assert_eq!(read_all(&mut stream).await, "");
    assert!(since.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let server = Harness::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let since = Instant::now();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert!(since.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn slow_clients_do_not_slow_the_others() {
    let server = Harness::start_with(Limits { head: Duration::from_secs(10), ..Limits::default() }).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        slow.push(stream);
    }
    let since = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.get("/").send().await.unwrap().status(), 200);
    }
    assert!(since.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Harness::start().await;
    let response = server.get("/").header("x-large", "x".repeat(100_000)).send().await;
    assert!(response.map_or(true, |response| response.status() == 431));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits { head: Duration::from_millis(500), connections: 2, ..Limits::default() };
    let server = Harness::start_with(limits).await;
    let silent = [TcpStream::connect(server.address).await.unwrap(), TcpStream::connect(server.address).await.unwrap()];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let since = Instant::now();
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
    assert!(since.elapsed() > Duration::from_millis(300), "it had to wait");
    drop(silent);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_given_up() {
    let server = Harness::start().await;
    let since = Instant::now();
    let response = server.get("/slow/60000").send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert!(since.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn requests_in_hand_finish_when_the_server_is_told_to_stop() {
    let server = Harness::start().await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let running = tokio::spawn(server.get("/slow/600").send());
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.shutdown.cancel();
    let since = Instant::now();
    assert_eq!(running.await.unwrap().unwrap().text().await.unwrap(), "done");
    server.serving.await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(3), "and nothing else is waited for");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody is taken in any more");
    drop(idle);
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off() {
    let limits = Limits { drain: Duration::from_millis(300), ..Limits::default() };
    let server = Harness::start_with(limits).await;
    let _running = tokio::spawn(server.get("/slow/60000").send());
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(2), server.serving).await.unwrap().unwrap();
}

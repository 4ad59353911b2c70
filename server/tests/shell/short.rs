//! The short way answers what the long way answers, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::Harness;

/// Everything that the server sends on a connection that asks this and then no more.
async fn exchange(server: &Harness, asked: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(asked.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    read_all(&mut stream).await
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status line, fields whatever their order, and body; the date is the moment's.
fn parts(answer: &str) -> (String, BTreeMap<String, String>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of the head in {answer:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let mut fields: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let date = fields.remove("date").unwrap();
    assert!(httpdate_like(&date), "{date}");
    (status, fields, body.to_owned())
}

fn httpdate_like(date: &str) -> bool {
    date.len() == 29 && date.ends_with(" GMT") && date.get(3..5) == Some(", ")
}

async fn renders(server: &Harness) -> String {
    let tag = server.get("/").send().await.unwrap();
    tag.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_ways_give_the_same_answer() {
    let server = Harness::start().await;
    let tag = renders(&server).await;
    let weak = format!("W/{tag}");
    let zipped = exchange(&server, "GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n").await;
    let zipped_tag = parts(&zipped).1["etag"].clone();
    let conditions = [
        String::new(),
        "accept-encoding: gzip\r\n".to_owned(),
        "Accept-Encoding: br;q=0.2, gzip;q=0.1\r\nACCEPT-ENCODING: identity;q=0\r\n".to_owned(),
        "accept-encoding: br\r\naccept-language: de\r\ncookie: __Host-sid=1\r\nuser-agent: \u{e9}\r\n".to_owned(),
        format!("if-none-match: {tag}\r\n"),
        format!("if-none-match: {weak}\r\n"),
        format!("if-none-match: \"other\"\r\nif-none-match: {tag}\r\n"),
        "if-none-match: *\r\naccept-encoding: gzip\r\n".to_owned(),
        format!("if-none-match: {zipped_tag}\r\naccept-encoding: gzip\r\n"),
        format!("if-none-match: {zipped_tag}\r\n"),
        "if-modified-since: Wed, 02 Dec 2099 02:00:00 GMT\r\n".to_owned(),
        "Connection: Keep-Alive\r\n".to_owned(),
    ];
    for method in ["GET", "HEAD"] {
        for fields in &conditions {
            let short = exchange(&server, &format!("{method} / HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).await;
            // The same page; its query sends it the long way.
            let long = exchange(&server, &format!("{method} /? HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).await;
            assert_eq!(parts(&short), parts(&long), "{method} {fields:?}");
        }
    }
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order_whichever_way_they_go() {
    let server = Harness::start().await;
    renders(&server).await;
    let asked = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n\
                 GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n\
                 GET /slow/50 HTTP/1.1\r\nHost: x\r\n\r\n\
                 HEAD / HTTP/1.1\r\nHost: x\r\n\r\n\
                 GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(asked.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    let found: Vec<_> = answer.match_indices("HTTP/1.1 ").map(|(at, _)| answer.get(at + 9..at + 12).unwrap()).collect();
    assert_eq!(found, ["200", "304", "200", "200", "404"], "{answer}");
    assert!(answer.contains("\r\n\r\ndoneHTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn what_is_not_plain_is_left_to_the_long_way() {
    let server = Harness::start().await;
    renders(&server).await;
    for (asked, begins, ends) in [
        // Its body must not be taken for a request.
        (
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /slow/1 HTTP/1.1\r\nHost: x\r\n",
            "HTTP/1.1 200",
            "</h1>",
        ),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200", "</h1>"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200", "</h1>"),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200", "</h1>"),
        ("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 200", "</h1>"),
        ("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", "</h1>"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 403", ""),
    ] {
        let answer = exchange(&server, asked).await;
        assert!(answer.starts_with(begins) && answer.ends_with(ends), "{asked:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{asked:?}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let server = Harness::start().await;
    renders(&server).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    for (asked, status) in [
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"),
        ("NONSENSE\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // A long head is refused before its end.
        let _ = stream.write_all(asked.as_bytes()).await;
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap_or_default();
        let head = String::from_utf8_lossy(head.get(..length).unwrap());
        let shown = asked.get(..60).unwrap_or(asked);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?}: {head}");
    }
}

/// A client that asks again and again without a pause is answered as it goes, in the memory of one answer.
#[tokio::test]
async fn a_flood_on_one_connection_is_answered_as_it_goes() {
    let server = Harness::start().await;
    renders(&server).await;
    for path in ["/", "/?tz=UTC", "/nothing"] {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let asking = tokio::spawn(async move {
            // Cut at odd places.
            let asked = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(1000);
            while writer.write_all(asked.as_bytes()).await.is_ok() {}
        });
        let mut room = vec![0; 1 << 16];
        let mut read = 0;
        while read < 4 << 20 {
            let length = tokio::time::timeout(Duration::from_secs(5), reader.read(&mut room)).await.unwrap().unwrap();
            assert!(length > 0, "{path}: closed after {read} bytes");
            read += length;
        }
        // Whoever does not read is not written for: what was asked for piles up in front of the server, not inside.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!asking.is_finished());
        asking.abort();
    }
}

#[tokio::test]
async fn a_change_is_seen_on_a_connection_that_stays_open() {
    let server = Harness::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    renders(&server).await;
    let views = || server.views.load(std::sync::atomic::Ordering::SeqCst);
    let mut room = vec![0; 8192];
    for round in 1..=3 {
        stream.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let length = stream.read(&mut room).await.unwrap();
        assert!(room.get(..length).unwrap().starts_with(b"HTTP/1.1 200"));
        assert_eq!(views(), round);
        server.control.invalidate_all();
    }
}

//! What answers look like, whatever became of the request.

use std::sync::atomic::Ordering;

use reqwest::Response;

use crate::harness::{Harness, ORIGIN, client};

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Harness::start().await;
    let stylesheet = server.assets.address("main.css");
    let long = format!("/?{}", "x".repeat(9_000));
    let long_elsewhere = format!("/told?{}", "x".repeat(9_000));
    let tag = header(&server.get("/").send().await.unwrap(), "etag").to_owned();
    let answers = [
        (200, server.get("/")),
        (200, server.get("/")),
        (304, server.get("/").header("if-none-match", &tag)),
        (200, server.get(&stylesheet)),
        (200, server.get("/robots.txt")),
        (200, server.get("/healthz")),
        (303, server.get("/away")),
        (404, server.get("/nothing")),
        (404, server.get("/assets/0000/main.css")),
        (405, server.get("/echo")),
        (403, server.client.post(server.url("/echo"))),
        (409, server.get("/told")),
        (413, server.post("/echo").body("x".repeat(300_000))),
        (200, server.get(&long)),
        (414, server.get(&long_elsewhere)),
        (500, server.get("/broken")),
        (500, server.get("/panic")),
        (503, server.get("/slow/60000")),
    ];
    for (status, request) in answers {
        let response = request.send().await.unwrap();
        let what = response.url().path().to_owned();
        assert_eq!(response.status(), status, "{what}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{what}");
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{what}");
        assert_eq!(header(&response, "referrer-policy"), "strict-origin-when-cross-origin", "{what}");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin", "{what}");
        assert!(header(&response, "permissions-policy").contains("camera=()"), "{what}");
        assert!(header(&response, "strict-transport-security").contains("max-age=31536000"), "{what}");
        let policy = header(&response, "content-security-policy");
        let scripts = if what == "/" { policy.replace("script-src 'self'; ", "") } else { policy.to_owned() };
        assert!(policy.starts_with("default-src 'none'") && !scripts.contains("script-src"), "{what}: {policy}");
        assert!(!header(&response, "cache-control").is_empty(), "{what}");
        assert_eq!(header(&response, "x-fermata-cache"), "", "{what}");
        assert_eq!(header(&response, "set-cookie"), "", "{what}");
    }
}

#[tokio::test]
async fn an_error_nobody_wrote_a_word_for_becomes_a_page_with_its_reference() {
    let server = Harness::start().await;
    for (status, path) in [(500, "/panic"), (500, "/broken"), (404, "/nothing"), (405, "/echo")] {
        let response = server.get(path).header("accept", "text/html").send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let id = header(&response, "x-request-id").to_owned();
        assert_eq!(id.len(), 12);
        let page = response.text().await.unwrap();
        assert!(page.contains(&format!("<code>{id}</code>")), "{page}");
        assert!(page.contains("<html lang=\"en\">") && page.matches("<h1>").count() == 1, "{page}");
        assert!(!page.contains("on purpose"), "the cause is in the log only");
    }
    let response = server.get("/told").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "a told error");
}

#[tokio::test]
async fn a_405_still_says_what_is_allowed() {
    let server = Harness::start().await;
    let response = server.get("/echo").send().await.unwrap();
    assert_eq!(header(&response, "allow"), "POST");
}

#[tokio::test]
async fn programs_get_problem_json() {
    let server = Harness::start().await;
    let response = server.get("/broken").header("accept", "application/json").send().await.unwrap();
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let id = header(&response, "x-request-id").to_owned();
    let problem: serde_json::Value = response.json().await.unwrap();
    assert_eq!(problem["status"], 500);
    assert_eq!(problem["reference"], id.as_str());
}

#[tokio::test]
async fn a_panic_does_not_stop_the_server() {
    let server = Harness::start().await;
    for _ in 0..3 {
        assert_eq!(server.get("/panic").send().await.unwrap().status(), 500);
    }
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_request_id_is_ours() {
    let server = Harness::start().await;
    let response = server.get("/id").header("x-request-id", "evil\tinput").send().await.unwrap();
    let id = header(&response, "x-request-id").to_owned();
    assert_ne!(id, "evil\tinput");
    assert_eq!(response.text().await.unwrap(), id, "the handler sees the same one");
}

#[tokio::test]
async fn bodies_have_a_limit_declared_or_not() {
    let server = Harness::start().await;
    let send = async |path: &str, size: usize, declared: bool| {
        let body = "x".repeat(size);
        let request = server.post(path);
        let request = if declared {
            request.body(body)
        } else {
            let chunks = body.as_bytes().chunks(8_192).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
            let chunks: Vec<_> = chunks.collect();
            request.body(reqwest::Body::wrap(http_body_util::StreamBody::new(futures::stream::iter(
                chunks.into_iter().map(|chunk| chunk.map(|chunk| hyper::body::Frame::data(bytes::Bytes::from(chunk)))),
            ))))
        };
        request.send().await.unwrap().status().as_u16()
    };
    for declared in [true, false] {
        assert_eq!(send("/echo", 256 * 1024, declared).await, 200, "{declared}");
        assert_eq!(send("/echo", 256 * 1024 + 1, declared).await, 413, "{declared}");
        assert_eq!(send("/ping/1", 100_000, declared).await, 200, "{declared}");
        assert_eq!(send("/api/v1/import", 1_000_000, declared).await, 200, "{declared}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused_with_a_word_for_the_operator() {
    let server = Harness::start().await;
    let post = || server.client.post(server.url("/echo")).header("cookie", "__Host-sid=x");
    let response = post().header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(response.status(), 403);
    let page = response.text().await.unwrap();
    assert!(page.contains(ORIGIN) && page.contains("https://evil.example") && page.contains("public_url"), "{page}");
    assert_eq!(post().send().await.unwrap().status(), 403);
    assert_eq!(post().header("sec-fetch-site", "same-origin").send().await.unwrap().status(), 200);
    assert_eq!(server.client.post(server.url("/ping/1")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_client_is_who_the_trusted_proxy_says() {
    let server = Harness::start().await;
    let asked = async |forwarded: &str| {
        server.get("/me").header("x-forwarded-for", forwarded).send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(asked("198.51.100.7").await, "198.51.100.7");
    assert_eq!(asked("1.2.3.4, 198.51.100.7").await, "198.51.100.7");
    assert_eq!(server.get("/me").send().await.unwrap().text().await.unwrap(), "127.0.0.1");
}

#[tokio::test]
async fn a_secret_in_the_address_is_no_referrer() {
    let server = Harness::start().await;
    let response = server.get("/subscriptions/secret").send().await.unwrap();
    assert_eq!(header(&response, "referrer-policy"), "no-referrer");
    assert_eq!(header(&response, "cache-control"), "no-store");
}

#[tokio::test]
async fn kept_pages_are_answered_over_both_protocols() {
    let server = Harness::start().await;
    let two = client().http2_prior_knowledge().build().unwrap();
    for client in [&server.client, &two] {
        let get = client.get(server.url("/")).header("accept-encoding", "br").send().await.unwrap();
        assert_eq!(header(&get, "content-encoding"), "br");
        let tag = header(&get, "etag").to_owned();
        let length = header(&get, "content-length").to_owned();
        let head = client.head(server.url("/")).header("accept-encoding", "br").send().await.unwrap();
        assert_eq!((header(&head, "etag"), header(&head, "content-length")), (tag.as_str(), length.as_str()));
        assert!(head.bytes().await.unwrap().is_empty());
        let current = client.get(server.url("/")).header("accept-encoding", "br").header("if-none-match", &tag);
        let current = current.send().await.unwrap();
        assert_eq!((current.status().as_u16(), header(&current, "etag")), (304, tag.as_str()));
        let missing = client.head(server.url("/nothing")).send().await.unwrap();
        assert_eq!(missing.status(), 404);
        assert!(missing.bytes().await.unwrap().is_empty());
    }
    assert_eq!(server.views.load(Ordering::SeqCst), 1);
    server.control.invalidate_all();
    server.get("/").send().await.unwrap();
    assert_eq!(server.views.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_mark_of_the_cache_stays_inside() {
    let server = Harness::start().await;
    let response = server.get("/marked").send().await.unwrap();
    assert_eq!(header(&response, "x-fermata-cache"), "");
}

#[tokio::test]
async fn files_come_compressed_and_may_be_kept_for_ever() {
    let server = Harness::start().await;
    let stylesheet = server.assets.address("main.css");
    for (accept, coding) in [("br", "br"), ("gzip", "gzip"), ("identity", "")] {
        let response = server.get(&stylesheet).header("accept-encoding", accept).send().await.unwrap();
        assert_eq!(header(&response, "content-encoding"), coding);
        assert!(header(&response, "cache-control").contains("immutable"));
        assert_eq!(header(&response, "content-type"), "text/css; charset=utf-8");
    }
    let response = server.post(&stylesheet).send().await.unwrap();
    assert_eq!(response.status(), 404, "files are only for reading");
}

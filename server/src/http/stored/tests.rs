#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Read;

use http::header::CACHE_CONTROL;
use http_body_util::BodyExt;
use proptest::prelude::*;

use super::*;

const MODIFIED: &str = "Wed, 02 Dec 2026 02:00:00 GMT";

fn page() -> Stored {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
    headers.insert(LAST_MODIFIED, HeaderValue::from_static(MODIFIED));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    let body = Bytes::from("<p>All systems operational.</p>\n".repeat(100));
    let coded = Coded::compress(&headers, &body);
    Stored::new(headers, body, coded)
}

fn request(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn get(page: &Stored, pairs: &[(&'static str, &str)]) -> Response<Full<Bytes>> {
    page.respond(&Method::GET, &request(pairs))
}

fn header<'a>(response: &'a Response<Full<Bytes>>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn body(response: Response<Full<Bytes>>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn every_coding_holds_the_same_page_and_has_a_tag_of_its_own() {
    let page = page();
    let plain = get(&page, &[]);
    let zipped = get(&page, &[("accept-encoding", "gzip")]);
    let brotlied = get(&page, &[("accept-encoding", "gzip, deflate, br, zstd")]);
    let tags = [&plain, &zipped, &brotlied].map(|response| header(response, "etag").to_owned());
    assert_eq!(header(&plain, "content-encoding"), "");
    assert_eq!(header(&zipped, "content-encoding"), "gzip");
    assert_eq!(header(&brotlied, "content-encoding"), "br");
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    for (response, tag) in [&plain, &zipped, &brotlied].into_iter().zip(&tags) {
        assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
        assert_eq!(header(response, "vary"), "accept-encoding");
        assert_eq!(header(response, "cache-control"), "public, max-age=1");
        assert_eq!(header(response, "x-frame-options"), "DENY");
    }
    let length: usize = header(&zipped, "content-length").parse().unwrap();
    let plain = body(plain).await;
    let zipped = body(zipped).await;
    assert_eq!(zipped.len(), length);
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
    let mut unbrotlied = Vec::new();
    brotli::BrotliDecompress(&mut &body(brotlied).await[..], &mut unbrotlied).unwrap();
    assert_eq!(unbrotlied, plain);
}

#[test]
fn the_coding_follows_the_weights_of_the_client() {
    let page = page();
    for (accept, coding) in [
        ("br", "br"),
        ("BR", "br"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip; q=0.5 , br; q=0.500", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0, gzip;q=0", ""),
        ("br;q=0.000, gzip;q=0.001", "gzip"),
        ("*", "br"),
        ("*;q=0", ""),
        ("*;q=0.1, br;q=0", "gzip"),
        ("identity", ""),
        ("identity;q=1, br;q=0.5", ""),
        ("identity;q=0, gzip", "gzip"),
        ("deflate, zstd", ""),
        ("", ""),
        ("br;q=nonsense", "br"),
        (",,;;q=,br", "br"),
    ] {
        assert_eq!(header(&get(&page, &[("accept-encoding", accept)]), "content-encoding"), coding, "{accept}");
    }
}

#[test]
fn if_none_match_takes_lists_stars_and_weak_tags() {
    let page = page();
    let tag = header(&get(&page, &[]), "etag").to_owned();
    for (given, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        (format!("\"other\",W/{tag},\"x\""), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
        (tag.trim_matches('"').to_owned(), 200),
        (String::new(), 200),
    ] {
        assert_eq!(get(&page, &[("if-none-match", &given)]).status(), status, "{given}");
    }
    assert_eq!(get(&page, &[("if-none-match", "\"a\""), ("if-none-match", &tag)]).status(), 304);
}

#[test]
fn a_tag_belongs_to_one_coding() {
    let page = page();
    let tag = header(&get(&page, &[]), "etag").to_owned();
    let response = get(&page, &[("if-none-match", &tag), ("accept-encoding", "br")]);
    assert_eq!(response.status(), 200);
    let tag = header(&response, "etag").to_owned();
    let response = get(&page, &[("if-none-match", &tag), ("accept-encoding", "br")]);
    assert_eq!((response.status(), header(&response, "etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
}

#[test]
fn the_matrix_of_tag_and_date() {
    let page = page();
    let tag = header(&get(&page, &[]), "etag").to_owned();
    let dates = [
        ("Thu, 01 Jan 1970 00:00:00 GMT", false),
        (MODIFIED, true),
        ("Wed, 02 Dec 2099 02:00:00 GMT", true),
        ("not a date", false),
    ];
    for (date, current) in dates {
        let both = |tag: &str| get(&page, &[("if-none-match", tag), ("if-modified-since", date)]).status();
        assert_eq!(both(&tag), 304, "the tag wins over {date}");
        assert_eq!(both("\"other\""), 200, "the tag wins over {date}");
        let alone = get(&page, &[("if-modified-since", date)]).status();
        assert_eq!(alone, if current { 304 } else { 200 }, "{date}");
    }
}

#[test]
fn without_last_modified_a_date_decides_nothing() {
    let stored = Stored::new(HeaderMap::new(), Bytes::from_static(b"x"), Coded::default());
    assert_eq!(get(&stored, &[("if-modified-since", "Wed, 02 Dec 2099 02:00:00 GMT")]).status(), 200);
}

#[tokio::test]
async fn a_304_repeats_what_caches_need_and_has_no_body() {
    let page = page();
    let tag = header(&get(&page, &[]), "etag").to_owned();
    let response = get(&page, &[("if-none-match", &tag)]);
    assert_eq!(header(&response, "etag"), tag);
    assert_eq!(header(&response, "last-modified"), MODIFIED);
    assert_eq!(header(&response, "cache-control"), "public, max-age=1");
    assert_eq!(header(&response, "vary"), "accept-encoding");
    for absent in ["content-length", "content-type", "content-encoding"] {
        assert!(!response.headers().contains_key(absent), "{absent}");
    }
    assert!(body(response).await.is_empty());
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let page = page();
    let accept = request(&[("accept-encoding", "br")]);
    let head = page.respond(&Method::HEAD, &accept);
    let get = page.respond(&Method::GET, &accept);
    assert_eq!(head.headers(), get.headers());
    assert!(body(head).await.is_empty());
    assert!(!body(get).await.is_empty());
}

#[test]
fn what_does_not_shrink_is_kept_as_it_is() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    let coded = Coded::compress(&headers, &Bytes::from(vec![7; 4096]));
    assert!(coded.gzip.is_none() && coded.brotli.is_none());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let coded = Coded::compress(&headers, &Bytes::from_static(b"short"));
    assert!(coded.gzip.is_none() && coded.brotli.is_none());
    let stored = Stored::new(headers, Bytes::from_static(b"short"), coded);
    assert_eq!(header(&get(&stored, &[("accept-encoding", "br")]), "vary"), "");
}

#[test]
fn vary_keeps_what_the_page_said() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language, Accept-Encoding"));
    let body = Bytes::from("word ".repeat(200));
    let coded = Coded::compress(&headers, &body);
    let stored = Stored::new(headers, body, coded);
    assert_eq!(get(&stored, &[]).headers().get_all(VARY).iter().count(), 1);
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(accept in "[ -~]{0,60}", tags in "[ -~]{0,60}", date in "[ -~]{0,40}") {
        let pairs = [("accept-encoding", accept.as_str()), ("if-none-match", &tags), ("if-modified-since", &date)];
        let stored = Stored::new(HeaderMap::new(), Bytes::from_static(b"x"), Coded::default());
        let status = get(&stored, &pairs).status();
        prop_assert!(status == 200 || status == 304);
    }

    #[test]
    fn weights_read_as_they_are_written(thousandths in 0_u16..=1000) {
        let text = format!("q={}.{:03}", thousandths / 1000, thousandths % 1000);
        prop_assert_eq!(quality(text.as_bytes()), Some(thousandths));
    }
}

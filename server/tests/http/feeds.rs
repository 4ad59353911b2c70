use crate::live::Live;
use crate::stage::{Stage, later};
use domain::ids::MaintenanceId;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use service::Actor;
use service::inventory::ComponentInput;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use storage::testing::Engine;

const FEED: &str = "/calendar.ics";

async fn with(live: &Live, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = live.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn validators(headers: &HeaderMap) -> (String, String) {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    (text("etag"), text("last-modified"))
}

/// The feed as soon as it is another one than `old`: changes reach the cache within a second.
async fn changed(live: &Live, old: &str) -> (String, HeaderMap) {
    for _ in 0..100 {
        let response = live.get(FEED).await;
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        let body = response.text().await.unwrap();
        if body != old {
            return (body, headers);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the feed did not change");
}

async fn the_feed_is_served_as_calendars_expect_it(engine: Engine) {
    let live = Live::start(engine).await;
    let stage = Stage::on(live.services.clone()).await;
    let m = stage.thursday().await;
    let (body, headers) = changed(&live, "").await;
    assert!(body.contains("SUMMARY:[Scheduled] Replace a failed disk in vm3"), "{body}");
    assert!(body.contains("DTSTART:20140515T190000Z") && !body.contains("BEGIN:VALARM"));
    assert_eq!(headers["content-type"], "text/calendar; charset=utf-8; method=PUBLISH");
    assert_eq!(headers["cache-control"], "public, max-age=60");
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert!(headers["vary"].to_str().unwrap().to_ascii_lowercase().contains("accept-encoding"));
    assert!(!headers.contains_key("content-disposition") && !headers.contains_key("set-cookie"));
    assert!(!headers.contains_key("x-fermata-cache"));

    let head = live.request(Method::HEAD, FEED).send().await.unwrap();
    assert_eq!((head.status(), validators(head.headers())), (StatusCode::OK, validators(&headers)));
    assert_eq!(head.headers()["content-length"], body.len().to_string());
    assert_eq!(head.text().await.unwrap(), "");

    for accept in ["", "text/html", "application/json", "image/png;q=0.1"] {
        let asked = [("accept", accept), ("user-agent", "Google-Calendar-Importer")];
        assert_eq!(with(&live, FEED, &asked).await.text().await.unwrap(), body, "{accept}");
    }
    for _ in 0..60 {
        assert_eq!(live.get(FEED).await.status(), 200, "nobody is sent away");
    }
    let robots = live.text("/robots.txt").await;
    assert!(robots.lines().any(|line| line == "Allow: /") && !robots.contains("ics"), "{robots}");
    assert!(!robots.lines().any(|line| line == "Disallow: /"));

    let file = live.get(&format!("/maintenance/{}.ics", m.id)).await;
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"maintenance.ics\"");
    assert_eq!(file.headers()["content-type"], "text/calendar; charset=utf-8; method=PUBLISH");
    assert!(file.headers().contains_key("etag") && file.headers().contains_key("last-modified"));
    let file = file.text().await.unwrap();
    let line = |text: &str, name: &str| text.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    for name in ["UID:", "SEQUENCE:", "DTSTART:", "DTEND:"] {
        assert_eq!(line(&file, name), line(&body, name));
    }
    for missing in ["/maintenance/x.ics", "/maintenance/.ics", "/calendar.icsx"] {
        assert_eq!(live.get(missing).await.status(), 404, "{missing}");
    }
    let unknown: MaintenanceId = live.services.new_id();
    assert_eq!(live.get(&format!("/maintenance/{unknown}.ics")).await.status(), 404);
}

async fn the_same_data_are_the_same_bytes_on_every_node(engine: Engine) {
    let live = Live::start(engine).await;
    let stage = Stage::on(live.services.clone()).await;
    stage.thursday().await;
    let (body, headers) = changed(&live, "").await;
    later(&live.services, 2);
    assert_eq!(live.text(FEED).await, body);
    let node = live.another().await;
    later(&node.services, 3600);
    let again = node.get(FEED).await;
    assert_eq!(validators(again.headers()), validators(&headers));
    // The public address is part of the text; another node of the same site has the same.
    assert_eq!(again.text().await.unwrap(), body);
}

async fn validators_decide_as_the_standard_says(engine: Engine) {
    let live = Live::start(engine).await;
    let stage = Stage::on(live.services.clone()).await;
    stage.thursday().await;
    let (_, headers) = changed(&live, "").await;
    let (etag, exact) = validators(&headers);
    assert!(etag.starts_with('"'), "strong: {etag}");
    let weak = format!("W/{etag}");
    let list = format!("\"other\", {etag}");
    let tags = [
        (Some(etag.as_str()), Some(true)),
        (Some(weak.as_str()), Some(true)),
        (Some(list.as_str()), Some(true)),
        (Some("*"), Some(true)),
        (Some("\"other\""), Some(false)),
        (None, None),
    ];
    let dates = [
        (Some("Thu, 01 Jan 1970 00:00:00 GMT"), false),
        (Some(exact.as_str()), true),
        (Some("Fri, 01 Jan 2100 00:00:00 GMT"), true),
        (Some("yesterday"), false),
        (None, false),
    ];
    for (tag, tag_says) in tags {
        for (date, date_says) in dates {
            let mut asked = Vec::new();
            asked.extend(tag.map(|tag| ("if-none-match", tag)));
            asked.extend(date.map(|date| ("if-modified-since", date)));
            let response = with(&live, FEED, &asked).await;
            let unchanged = tag_says.unwrap_or(date_says);
            let expected = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            assert_eq!(response.status(), expected, "{tag:?} {date:?}");
            assert_eq!(validators(response.headers()), (etag.clone(), exact.clone()));
            assert_eq!(response.headers()["cache-control"], "public, max-age=60");
            assert_eq!(response.text().await.unwrap().is_empty(), unchanged);
        }
    }
    let coded = with(&live, FEED, &[("accept-encoding", "gzip")]).await;
    assert_eq!(coded.headers()["content-encoding"], "gzip");
    assert_ne!(coded.headers()["etag"], etag.as_str(), "other bytes, another strong tag");
}

async fn every_change_reaches_those_who_only_compare_dates(engine: Engine) {
    let live = Live::start(engine).await;
    let stage = Stage::on(live.services.clone()).await;
    let a = Actor::system();
    stage.thursday().await;
    let newest = stage.scheduled("Kernel updates", "25 06:00", "25 07:00").await;
    let (mut body, mut headers) = changed(&live, "").await;
    let date = |headers: &HeaderMap| httpdate::parse_http_date(headers["last-modified"].to_str().unwrap()).unwrap();
    let id = stage.component("Cluster 12").await.parse().unwrap();
    let component = live.services.component(&a, id).await.unwrap();
    for step in ["cancel the newest", "rename a component", "edit", "edit in the same second"] {
        match step {
            "cancel the newest" => {
                live.services.cancel_maintenance(&a, newest.id, None, "Not needed.").await.unwrap();
            }
            "rename a component" => {
                let input = ComponentInput {
                    name: "Cluster Twelve".to_owned(),
                    slug: component.component.slug.as_str().to_owned(),
                    group_id: component.component.group_id.map(|id| id.to_string()).unwrap_or_default(),
                    hosts: component.hosts.iter().map(ToString::to_string).collect(),
                    ..ComponentInput::default()
                };
                live.services.edit_component(&a, id, component.component.version, input).await.unwrap();
            }
            other => {
                stage.scheduled(other, "26 06:00", "26 07:00").await;
            }
        }
        let (new_body, new_headers) = changed(&live, &body).await;
        assert_ne!(new_headers["etag"], headers["etag"], "{step}");
        assert!(date(&new_headers) > date(&headers), "{step}");
        let old_date = headers["last-modified"].to_str().unwrap();
        assert_eq!(with(&live, FEED, &[("if-modified-since", old_date)]).await.status(), 200, "{step}");
        (body, headers) = (new_body, new_headers);
    }
    assert!(body.contains("[Cancelled] Kernel updates") && body.contains("Cluster Twelve"));
    // Years later: what was once there never leaves an empty feed behind.
    live.services.clock.set("2017-01-01T00:00:00Z".parse().unwrap());
    let (old, old_headers) = changed(&live, &body).await;
    assert_eq!(old.matches("BEGIN:VEVENT").count(), 1);
    assert!(date(&old_headers) > date(&headers));
}

async fn independent_readers_accept_the_feed(engine: Engine) {
    let live = Live::start(engine).await;
    check(&live.text(FEED).await, 0);
    let stage = Stage::on(live.services.clone()).await;
    stage.thursday().await;
    let gone = stage
        .scheduled(
            "Käse; 日本語, \\ and 🚧 — a title that is longer than one line of a calendar",
            "25 06:00",
            "25 07:00",
        )
        .await;
    stage.ran("15 17:10", "15 18:20").await;
    stage.pass("15 19:00").await;
    live.services.cancel_maintenance(&Actor::system(), gone.id, None, "No.").await.unwrap();
    let mut body = String::new();
    while !(body.contains("[Cancelled]") && body.contains("[In progress]")) {
        body = changed(&live, &body).await.0;
    }
    check(&body, 2);
}

/// Runs `end2end/tools/feedcheck.py`, which reads with icalendar and with Home Assistant's ical.
fn check(feed: &str, events: usize) {
    let end2end = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), feed).unwrap();
    let python = end2end.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: run .ci/setup test", python.display());
    let output = Command::new(python).arg(end2end.join("tools/feedcheck.py")).arg(file.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}\n{feed}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&events.to_string()), "{said}");
}

async fn without_the_database_pages_and_feed_go_on(engine: Engine) {
    let mut live = Live::start(engine).await;
    let stage = Stage::on(live.services.clone()).await;
    let m = stage.thursday().await;
    changed(&live, "").await;
    let paths = [
        "/".to_owned(),
        "/?tz=Asia/Tokyo".to_owned(),
        "/history".to_owned(),
        format!("/maintenance/{}", m.id),
        format!("/maintenance/{}.ics", m.id),
        FEED.to_owned(),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(live.text(path).await);
    }
    live.stop_database().await;
    // Later than any page may be kept unasked, so that each is rendered again, in vain.
    later(&live.services, 3600);
    for (path, before) in paths.iter().zip(&before) {
        for _ in 0..3 {
            assert_eq!(live.text(path).await, *before, "{path}");
        }
        let head = live.request(Method::HEAD, path).send().await.unwrap();
        let etag = head.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(with(&live, path, &[("if-none-match", &etag)]).await.status(), 304, "{path}");
    }
    let never_seen = live.get("/history/2014-04").await;
    assert_eq!(never_seen.status(), 503);
    assert!(never_seen.text().await.unwrap().contains("Our database does not answer."));
}

async fn a_change_is_on_the_page_within_a_second(engine: Engine) {
    let live = Live::start(engine).await;
    let stage = Stage::on(live.services.clone()).await;
    let first = live.get("/").await;
    assert!(first.headers().contains_key("etag"));
    assert!(first.headers()["cache-control"].to_str().unwrap().contains("stale-if-error"));
    let first = first.text().await.unwrap();
    let m = stage.thursday().await;
    let committed = std::time::Instant::now();
    while live.text("/").await == first {
        assert!(committed.elapsed() < Duration::from_secs(1), "too late");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let page = live.get("/?tz=Asia/Tokyo").await;
    let usual = live.get("/").await;
    assert_ne!(page.headers()["etag"], usual.headers()["etag"], "each zone is a page of its own");
    let strange = live.get("/?tz=Mars/Olympus&utm_source=x").await;
    assert_eq!(strange.headers()["etag"], usual.headers()["etag"], "and what is no zone is the usual page");
    let coded = with(&live, "/", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(coded.headers()["content-encoding"], "br");
    let etag = coded.headers()["etag"].to_str().unwrap().to_owned();
    let asked = [("accept-encoding", "br, gzip"), ("if-none-match", etag.as_str())];
    assert_eq!(with(&live, "/", &asked).await.status(), 304);
    assert_eq!(live.get(&format!("/maintenance/{}", m.id)).await.status(), 200);
}

storage::on_both!(
    the_feed_is_served_as_calendars_expect_it,
    the_same_data_are_the_same_bytes_on_every_node,
    validators_decide_as_the_standard_says,
    every_change_reaches_those_who_only_compare_dates,
    independent_readers_accept_the_feed,
    without_the_database_pages_and_feed_go_on,
    a_change_is_on_the_page_within_a_second,
);

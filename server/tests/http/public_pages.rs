use crate::stage::{Stage, utc};
use crate::test_app::TestApp;
use domain::maintenance::{Maintenance, State};
use server::router::{AppState, routes};
use service::Actor;
use service::maintenance::{ExtendInput, MaintenanceInput, Planning, Target};
use storage::testing::Engine;
use tower::ServiceExt;

async fn page(app: &TestApp, path: &str) -> String {
    let response = app.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    assert!(!response.headers().contains_key("set-cookie"), "{path}");
    response.text().await.unwrap()
}

#[track_caller]
fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[track_caller]
fn has_not(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(!html.contains(part), "{part} is in {html}");
    }
}

fn address(m: &Maintenance) -> String {
    format!("/maintenance/{}", m.id)
}

fn h1(html: &str) -> &str {
    let from = html.find("<h1>").unwrap();
    let to = html.find("</h1>").unwrap();
    html[from + 4..to].trim_start_matches("<span dir=\"auto\">").trim_end_matches("</span>")
}

async fn an_empty_site_says_so_calmly(engine: Engine) {
    let app = TestApp::start(engine).await;
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "All systems operational");
    has(&html, &["<title>All systems operational – Northwind Hosting status</title>", "No work is planned."]);
    has(&html, &["type=\"text/calendar\"", "name=\"description\"", "property=\"og:title\"", "rel=\"canonical\""]);
    has_not(&html, &["id=\"components\"", "id=\"now\"", "id=\"recent\""]);
    has(&page(&app, "/history").await, &["Nothing in May 2014"]);
}

async fn a_planned_window_stands_with_its_time_its_components_and_its_proof(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "All systems operational");
    has(
        &html,
        &[
            "The next planned work begins Thu 15 May, 20:00 IST.",
            "Replace a failed disk in vm3",
            &format!("href=\"{}\"", address(&m)),
            &format!("href=\"{}.ics\"", address(&m)),
            "<time datetime=\"2014-05-15T19:00:00Z\">Thu 15 May 2014, 20:00–22:00 IST (UTC+1)</time>",
            "19:00–21:00 UTC",
            "Starts only after a fresh backup is confirmed",
            "Shell nodes",
        ],
    );
    let html = page(&app, &address(&m)).await;
    assert_eq!(h1(&html), "Replace a failed disk in vm3");
    has(
        &html,
        &[
            "<title>Scheduled: Replace a failed disk in vm3 – Northwind Hosting status</title>",
            "Sites on this cluster are <em>offline</em>",
            "Planned for Thu 15 May 2014, 20:00–22:00 IST (UTC+1) · 19:00–21:00 UTC.",
            &format!("href=\"{}.ics\" rel=\"alternate\"", address(&m)),
            "M-1",
        ],
    );
}

async fn work_under_way_is_the_first_thing_said(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    let second = stage.scheduled("Kernel updates", "25 06:00", "25 07:00").await;
    stage.ran("15 17:10", "15 18:20").await;
    stage.pass("15 19:00").await;
    stage.at("15 19:49");
    stage.post(m.id, "The array is **rebuilding**.").await;
    stage.at("15 20:30");
    let longer = ExtendInput { by: "45 min".to_owned(), ..ExtendInput::default() };
    stage.services.extend_maintenance(&Actor::system(), m.id, None, &longer).await.unwrap();
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "Maintenance is under way on Cluster 12 and Shell nodes");
    has(
        &html,
        &[
            "<title>Maintenance is under way on Cluster 12 and Shell nodes – Northwind Hosting status</title>",
            "Everything else is operational.",
            "The data at risk was backed up first, on Thu 15 May, 18:10 IST",
            "The array is <strong>rebuilding</strong>.",
            "New end: Thu 15 May, 22:45 IST (21:45 UTC). It was Thu 15 May, 22:00 IST (21:00 UTC).",
            "All 4 updates",
            "1 under maintenance",
            "Last update <time datetime=\"2014-05-15T20:30:00Z\">",
        ],
    );
    assert_eq!(html.matches("Under maintenance").count(), 2);
    assert!(html.find("id=\"now\"") < html.find("id=\"planned\"") && html.contains(&address(&second)));
    let detail = page(&app, &address(&m)).await;
    has(&detail, &["In progress: Replace a failed disk", "1 data set", "17:10 UTC", "Planned for", "Began"]);
}

async fn a_held_window_is_shown_honestly_until_it_starts_by_itself(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    stage.pass("15 17:30").await;
    stage.pass("15 19:00").await;
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "Maintenance of Cluster 12 and Shell nodes is delayed");
    has(
        &html,
        &[
            "Delayed: waiting for a backup to be confirmed",
            "It waits for a backup to be confirmed. Everything is operational meanwhile.",
            "Starts at the latest",
            "Thu 15 May, 22:00 IST",
            "Starts by itself once the backup is confirmed",
        ],
    );
    has_not(&html, &["Under maintenance"]);
    has(&page(&app, &address(&m)).await, &["<title>Delayed: waiting for a backup to be confirmed: Replace"]);

    stage.at("15 19:30");
    stage.ran("15 18:40", "15 19:29").await;
    assert_eq!(stage.services.retry_held().await.unwrap(), 1);
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "Maintenance is under way on Cluster 12 and Shell nodes");
    has(&html, &["Delayed", "Started", "on Thu 15 May, 19:40 IST"]);
}

async fn a_postponed_window_waits_for_a_time_among_the_planned_ones(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    stage.pass("15 19:00").await;
    stage.pass("15 21:01").await;
    assert_eq!(stage.services.maintenance(&Actor::system(), m.id).await.unwrap().state, State::Postponed);
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "All systems operational");
    has(&html, &["was postponed: a new time will be announced", "Was planned for Thu 15 May 2014, 20:00–22:00 IST"]);
    has_not(&html, &["id=\"now\"", "No work is planned"]);
    has(&page(&app, &address(&m)).await, &["Was planned for", "This work did not begin in its planned time."]);
}

async fn what_is_over_stays_a_week_and_then_in_the_history(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let done = stage.thursday().await;
    let called_off = stage.scheduled("Router firmware", "28 23:00", "28 23:30").await;
    stage.ran("15 17:10", "15 18:20").await;
    stage.pass("15 19:00").await;
    stage.pass("15 21:00").await;
    let why = "The vendor has withdrawn it.";
    stage.services.cancel_maintenance(&Actor::system(), called_off.id, None, why).await.unwrap();
    let html = page(&app, "/").await;
    assert_eq!(h1(&html), "All systems operational");
    has(
        &html,
        &[
            "Finished in the last 7 days",
            "Thu 15 May",
            ">20:00–22:00 IST (UTC+1)",
            "Maintenance · Completed",
            "Wed 28 May",
            "Was planned for 23:00–23:30 IST",
            why,
            "Maintenance · Cancelled",
            "No work is planned.",
        ],
    );
    has(&page(&app, &address(&called_off)).await, &["<title>Cancelled: Router firmware", why]);
    stage.at("22 21:01");
    has_not(&page(&app, "/").await, &["Finished in the last", "Router firmware", "Replace a failed disk"]);

    let history = page(&app, "/history").await;
    has(&history, &["2 maintenance windows in May 2014", "Replace a failed disk in vm3", &address(&done), "28 May"]);
    assert_eq!(page(&app, "/history/2014-05").await.matches("Replace a failed disk").count(), 1);
    stage.services.clock.set("2014-06-01T12:00:00Z".parse().unwrap());
    let june = page(&app, "/history").await;
    has(&june, &["Nothing in June 2014", "href=\"/history/2014-05\"", "← May 2014"]);
    let may = page(&app, "/history/2014-05").await;
    has(&may, &["2 maintenance windows in May 2014", "href=\"/history/2014-06\"", "June 2014 →"]);
    for nothing in ["/history/2014-07", "/history/2014-5", "/history/x", "/history/2014-13"] {
        assert_eq!(app.get(nothing).await.status(), 404, "{nothing}");
    }
}

async fn drafts_are_nowhere(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let a = Actor::system();
    let kept = stage.draft("Secret plan", "26 06:00", "26 07:00").await;
    stage.at("16 12:00");
    let refused = stage.input("Refused plan", "16 20:00", "16 21:00");
    let refused = match stage.services.schedule_maintenance(&a, Target::New, &refused).await.unwrap() {
        Planning::Refused { draft, .. } => draft,
        other => unreachable!("{other:?}"),
    };
    let thrown_away = stage.input("Thrown away plan", "16 20:00", "16 21:00");
    let thrown_away = match stage.services.schedule_maintenance(&a, Target::New, &thrown_away).await.unwrap() {
        Planning::Refused { draft, .. } => draft,
        other => unreachable!("{other:?}"),
    };
    stage.services.delete_draft(&a, thrown_away.id, None).await.unwrap();
    for path in ["/", "/history", "/history/2014-05", "/calendar.ics", "/subscribe", "/?tz=Asia/Tokyo"] {
        has_not(&page(&app, path).await, &["plan\"", "Secret plan", "Refused plan", "Thrown away"]);
    }
    for m in [&kept, &refused, &thrown_away] {
        for path in [address(m), format!("{}.ics", address(m))] {
            assert_eq!(app.get(&path).await.status(), 404, "{path}");
        }
        let operator = app.sign_in_as(domain::people::Role::Operator).await;
        assert_eq!(operator.get(&address(m)).await.status(), 404, "public pages are the same for everybody");
    }
}

async fn times_are_shown_in_the_zone_of_the_address(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let m = stage.thursday().await;
    let tokyo = page(&app, "/?tz=Asia/Tokyo").await;
    has(
        &tokyo,
        &[
            "<time datetime=\"2014-05-15T19:00:00Z\">Fri 16 May 2014, 04:00–06:00 JST (UTC+9)</time>",
            "Thu 15 May, 19:00–21:00 UTC",
            "<b>16</b>",
            "Times in Asia/Tokyo (UTC+9)",
            "<option value=\"Asia/Tokyo\" selected>",
            &format!("href=\"{}?tz=Asia%2FTokyo\"", address(&m)),
            "href=\"/subscribe?tz=Asia%2FTokyo\"",
            "href=\"/history?tz=Asia%2FTokyo\"",
        ],
    );
    has_not(&tokyo, &["IST"]);
    assert_eq!(tokyo, page(&app, "/?tz=asia%2Ftokyo").await);
    has(&page(&app, &format!("{}?tz=America/New_York", address(&m))).await, &["15:00–17:00 EDT (UTC−4)"]);
    has(&page(&app, "/?tz=Asia/Kathmandu").await, &["Fri 16 May 2014, 00:45–02:45 UTC+5:45"]);
    has(&page(&app, "/?tz=Europe/Kiev").await, &["Times in Europe/Kyiv (UTC+3)", "?tz=Europe%2FKyiv"]);
    has(&page(&app, "/?tz=UTC").await, &["Thu 15 May 2014, 19:00–21:00 UTC</time>", "Times in UTC"]);
    let usual = page(&app, "/").await;
    for strange in ["Mars/Olympus", "", "../../etc/passwd", "%00", "%3Cscript%3E", "Factory", "posixrules"] {
        assert_eq!(page(&app, &format!("/?tz={strange}")).await, usual, "{strange}");
    }
    // A day that begins in one zone before it does in another.
    stage.scheduled("Late at night", "23 00:30", "23 01:00").await;
    let utc = page(&app, "/?tz=UTC").await;
    has(&utc, &["Thu 22 May 2014, 23:30 – Fri 23 May, 00:00 UTC", "<b>22</b>"]);
    has(
        &page(&app, "/").await,
        &["Fri 23 May 2014, 00:30–01:00 IST", "<b>23</b>", "datetime=\"2014-05-22T23:30:00Z\""],
    );
}

async fn no_public_page_sets_a_cookie_or_runs_a_script(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let input = MaintenanceInput {
        message: Some("<script>alert(2)</script>\n\n[x](javascript:alert(3)) ![y](http://t.example/p.png)".to_owned()),
        ..stage.input("</script><script>alert(1)//", "15 20:00", "15 22:00")
    };
    let m = match stage.services.schedule_maintenance(&Actor::system(), Target::New, &input).await.unwrap() {
        Planning::Scheduled(m) => m,
        other => unreachable!("{other:?}"),
    };
    for path in ["/", "/?tz=Asia/Tokyo", "/history", "/subscribe", "/subscribe/sent"] {
        let html = page(&app, path).await;
        has_not(&html, &["<script>", "href=\"javascript:", "<img", " style=", "onload", "src=\"http"]);
        assert_eq!(html.matches("<script").count(), usize::from(path.starts_with("/?") || path == "/"), "{path}");
    }
    let html = page(&app, &address(&m)).await;
    has(&html, &["<title>Scheduled: &lt;/script&gt;&lt;script&gt;alert(1)// –"]);
    has_not(&html, &["<script>", "href=\"javascript:", "<img", " style=", "src=\"http"]);
    // Beside the file that keeps it up to date: the block of data is not a script, and no title can end it.
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("/live.js\"").count(), 1);
    let data = html.split_once("<script type=\"application/ld+json\">").unwrap().1;
    let data = data.split_once("</script>").unwrap().0;
    let event: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(event["name"], "</script><script>alert(1)//");
    assert_eq!(event["startDate"], "2014-05-15T19:00:00Z");
    assert_eq!(event["eventStatus"], "https://schema.org/EventScheduled");
    for path in [
        "/nothing",
        "/maintenance/x",
        "/maintenance/0190a0a0-0000-7000-8000-000000000000",
        "/incidents/x",
        "/history/x",
    ] {
        let missing = app.get(path).await;
        assert_eq!(missing.status(), 404, "{path}");
        assert!(!missing.headers().contains_key("set-cookie"));
        has_not(&missing.text().await.unwrap(), &["<script"]);
    }
}

async fn many_components_stay_calm(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    for n in 0..30 {
        let names: Vec<String> = (0..4).map(|m| format!("Site {n}-{m}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        stage.group(&format!("Customer {n}"), &names, &[]).await;
    }
    stage.thursday().await;
    let open = "<details open class=\"group\">";
    assert_eq!(page(&app, "/").await.matches(open).count(), 0);
    stage.ran("15 17:10", "15 18:20").await;
    stage.pass("15 19:00").await;
    let html = page(&app, "/").await;
    assert_eq!(html.matches(open).count(), 2, "only those in which something is not as usual");
    assert_eq!(html.matches("4 components").count(), 31);
    assert!(html.len() < 120_000, "{}", html.len());
}

async fn the_page_says_when_it_changes_by_itself(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let mark = async |path: &str| {
        let response = behind_the_cache(&app, path).await;
        response.headers().get("x-fermata-cache").map(|mark| mark.to_str().unwrap().to_owned())
    };
    // Bars move on by a day at the site's midnight.
    let midnight = utc("15 23:00").timestamp_millis();
    assert_eq!(mark("/").await.unwrap(), format!("public; key=/; until={midnight}"));
    let tokyo = mark("/?utm_source=x&tz=asia/tokyo").await.unwrap();
    assert_eq!(tokyo, format!("public; key=/?tz=Asia%2FTokyo; until={midnight}"));
    let m = stage.thursday().await;
    let called_off = stage.services.cancel_maintenance(&Actor::system(), m.id, None, "No need.").await.unwrap();
    assert_eq!(called_off.ended_at, Some(utc("15 12:00")));
    let week_later = utc("22 12:00").timestamp_millis();
    stage.at("22 02:00");
    assert_eq!(mark("/").await.unwrap(), format!("public; key=/; until={week_later}"));
    assert_eq!(mark(&address(&m)).await.unwrap(), format!("public; key={}", address(&m)));
    for not_kept in ["/subscribe", "/subscribe/sent", "/nothing", "/maintenance/x"] {
        assert_eq!(mark(not_kept).await, None, "{not_kept}");
    }
}

async fn pages_rendered_at_the_same_time_keep_their_heads_apart(engine: Engine) {
    let app = TestApp::start(engine).await;
    let stage = Stage::set(&app).await;
    let window = address(&stage.thursday().await);
    let paths = ["/", "/subscribe/sent", "/history", "/nothing", &*window, "/maintenance/x"];
    let asked = paths.repeat(6);
    let answers = futures::future::join_all(asked.iter().map(async |path| {
        let body = behind_the_cache(&app, path).await.into_body();
        let html = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        String::from_utf8(html.to_vec()).unwrap()
    }))
    .await;
    for (path, html) in asked.into_iter().zip(answers) {
        let is_kept_from_robots = ["/subscribe/sent", "/nothing", "/maintenance/x"].contains(&path);
        assert_eq!(html.matches("content=\"noindex\"").count(), usize::from(is_kept_from_robots), "{path}: {html}");
        if !is_kept_from_robots {
            assert_eq!(html.matches("rel=\"canonical\"").count(), 1, "{path}: {html}");
            has(&html, &[&format!("<link href=\"{}\" rel=\"canonical\">", app.services.url(path))]);
        }
    }
}

/// What the routes answer, before the cache takes its mark out.
async fn behind_the_cache(app: &TestApp, path: &str) -> axum::response::Response {
    let state = AppState {
        services: app.services.clone(),
        options: leptos::config::LeptosOptions::builder().output_name("fermata").build(),
        assets: app::context::Assets::default(),
    };
    let request = axum::extract::Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
    routes(state).oneshot(request).await.unwrap()
}

storage::on_both!(
    an_empty_site_says_so_calmly,
    a_planned_window_stands_with_its_time_its_components_and_its_proof,
    work_under_way_is_the_first_thing_said,
    a_held_window_is_shown_honestly_until_it_starts_by_itself,
    a_postponed_window_waits_for_a_time_among_the_planned_ones,
    what_is_over_stays_a_week_and_then_in_the_history,
    drafts_are_nowhere,
    times_are_shown_in_the_zone_of_the_address,
    no_public_page_sets_a_cookie_or_runs_a_script,
    many_components_stay_calm,
    the_page_says_when_it_changes_by_itself,
    pages_rendered_at_the_same_time_keep_their_heads_apart,
);

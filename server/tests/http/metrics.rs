//! Custom metrics, by API and on pages.

use crate::test_app::{TestApp, read_json, shown, story_noon};
use domain::people::{Role, Scope};
use domain::time::Span;
use reqwest::Method;
use serde_json::{Value, json};
use storage::testing::Engine;

async fn a_program_pushes_and_customers_see_it_within_a_minute(engine: Engine) {
    let app = TestApp::start(engine).await;
    let keeper = app.with_token(&app.token(&[Scope::InventoryWrite]).await);
    let pusher = app.with_token(&app.token(&[Scope::MetricWrite]).await);
    assert!(shown(&app.anyone, "/charts").await.contains("No charts yet"));
    assert!(!shown(&app.anyone, "/").await.contains("/charts"));
    let body = json!({"name": "Response time", "unit": "ms", "decimals": 1, "is_public": true});
    let made = keeper.send_json(Method::POST, "/api/v1/metrics", &body).await;
    assert_eq!(made.headers()["location"], "/api/v1/metrics/response-time");
    let (status, metric) = read_json(made).await;
    assert_eq!((status, &metric["aggregate"], &metric["version"]), (201, &json!("mean"), &json!(1)));

    let minute = |n: i64| Span::minutes(n).before(story_noon());
    let points: Vec<Value> = (0..120).map(|n| json!({"at": minute(120 - n).to_rfc3339(), "value": 100 + n})).collect();
    let push = |points: Value| {
        let pusher = &pusher;
        async move { read_json(pusher.send_json(Method::POST, "/api/v1/metrics/response-time/points", &points).await).await }
    };
    assert_eq!(push(json!(points)).await, (200, json!({"points": 120, "changed": 120})));
    assert_eq!(push(json!(points)).await, (200, json!({"points": 120, "changed": 0})));
    let page = shown(&app.anyone, "/charts/response-time").await;
    for words in
        [r#"role="img""#, "newest 219.0 ms, at least 100.0 ms, at most 219.0 ms", "The same as a table", "219.0 ms"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("style=") && !page.contains("<script"), "{page}");
    assert!(shown(&app.anyone, "/").await.contains("/charts/response-time"));

    // Pushed again and again, the page is rendered once a minute.
    let next = json!([{"at": story_noon().timestamp(), "value": 512.5}]);
    assert_eq!(push(next).await, (200, json!({"points": 1, "changed": 1})));
    assert_eq!(shown(&app.anyone, "/charts/response-time").await, page);
    app.services.clock.set(Span::seconds(61).after(story_noon()));
    assert!(shown(&app.anyone, "/charts/response-time").await.contains("newest 512.5 ms"));
    for range in ["week", "month"] {
        let page = shown(&app.anyone, &format!("/charts/response-time/{range}?tz=Asia/Tokyo")).await;
        assert!(page.contains("512.5 ms"), "{page}");
    }
    for nowhere in ["/charts/response-time/day", "/charts/response-time/year", "/charts/nothing"] {
        assert_eq!(app.get(nowhere).await.status(), 404, "{nowhere}");
    }

    let (status, wrong) =
        push(json!([{"at": "2014-05-15T12:00:00Z", "value": 1}, {"at": "2015-01-01T00:00:00Z", "value": 1}])).await;
    assert_eq!(status, 422);
    assert!(wrong["detail"].as_str().unwrap().starts_with("points: [1].at: This lies more than 5 minutes"), "{wrong}");
    let (status, wrong) = push(json!([{"at": "2014-05-15T12:00:00Z", "value": null}])).await;
    assert_eq!((status, &wrong["errors"][0]["field"]), (422, &json!("[0].value")), "{wrong}");
    let reader = app.with_token(&app.token(&[Scope::Read]).await);
    let (_, drawn) = read_json(reader.get("/api/v1/metrics/response-time/points?range=week").await).await;
    assert_eq!((&drawn["step_s"], drawn["buckets"].as_array().unwrap().len()), (&json!(3600), 3), "{drawn}");
    assert_eq!(reader.get("/api/v1/metrics/response-time/points?range=year").await.status(), 422);
    let edit = json!({"version": 1, "is_public": false});
    let (status, edited) =
        read_json(keeper.send_json(Method::PATCH, "/api/v1/metrics/response-time", &edit).await).await;
    assert_eq!((status, &edited["is_public"], &edited["unit"]), (200, &json!(false), &json!("ms")));
    assert_eq!(app.get("/charts/response-time").await.status(), 404);
    assert!(!shown(&app.anyone, "/").await.contains("/charts/response-time"));
}

async fn a_metric_is_kept_in_the_browser(engine: Engine) {
    let app = TestApp::start(engine).await;
    let (operator, viewer) = (app.sign_in_as(Role::Operator).await, app.sign_in_as(Role::Viewer).await);
    assert!(!shown(&viewer, "/admin/metrics").await.contains("Add a metric"));
    let fields = [("name", "Queue"), ("aggregate", "max"), ("decimals", "9"), ("is_public", "on")];
    let again = operator.post_form("/admin/metrics/new", &fields).await;
    assert_eq!(again.status(), 422);
    let html = again.text().await.unwrap();
    assert!(html.contains("Choose between 0 and 6 digits.") && html.contains(r#"value="Queue""#), "{html}");
    let fields = [("name", "<b>Queue</b>"), ("slug", "queue"), ("aggregate", "max"), ("is_public", "on")];
    let added = operator.post_form("/admin/metrics/new", &fields).await;
    assert_eq!(added.status(), 303);
    let place = added.headers()["location"].to_str().unwrap().to_owned();
    let page = shown(&operator, &place).await;
    assert!(page.contains("The metric was added.") && page.contains("no values in the last 24 hours"), "{page}");
    assert!(page.contains("/api/v1/metrics/queue/points") && !page.contains("<b>Queue</b>"), "{page}");
    let path = place.split('?').next().unwrap();
    let seen = shown(&viewer, path).await;
    assert!(!seen.contains("Retire it") && seen.contains("Push points"));
    let retired = operator.post_form(path, &[("do", "retire"), ("version", "1")]).await;
    assert_eq!(retired.headers()["location"], "/admin/metrics?done=retired");
    assert!(shown(&viewer, "/admin/metrics").await.contains("Out of use"));
}

storage::on_both!(a_program_pushes_and_customers_see_it_within_a_minute, a_metric_is_kept_in_the_browser,);

//! Custom metrics on a real SQLite file and PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::metric::Range;
use domain::people::Scope;
use domain::text::Name;
use domain::time::Span;
use secrecy::ExposeSecret;
use service::inventory::ComponentInput;
use service::keys::Keys;
use service::metrics::{MetricInput, PointInput, Pushed, When};
use service::people::tokens::NewToken;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::sync::Arc;
use storage::testing::{Engine, TestDb};

fn noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

async fn begin(engine: Engine) -> (TestDb, Services) {
    let db = TestDb::start(engine).await;
    let services = Services::new(Setup {
        db: db.db.clone(),
        clock: Clock::fixed(noon()),
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    });
    services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
    (db, services)
}

fn metric(name: &str) -> MetricInput {
    MetricInput {
        name: name.to_owned(),
        unit: "ms".to_owned(),
        decimals: "1".to_owned(),
        aggregate: "mean".to_owned(),
        is_public: true,
        ..MetricInput::default()
    }
}

fn point(at: DateTime<Utc>, value: f64) -> PointInput {
    PointInput { at: When::Text(at.to_rfc3339()), value }
}

async fn token(services: &Services, scope: Scope) -> Actor {
    let new = NewToken { name: "pusher".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
    let made = services.add_token(&Actor::system(), &new).await.unwrap();
    services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
}

fn wrong(result: Result<Pushed, Error>) -> Vec<String> {
    match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|f| format!("{}: {}", f.field, f.message)).collect(),
        other => panic!("{other:?}"),
    }
}

async fn points_are_taken_once_and_wrong_ones_are_named(engine: Engine) {
    let (_db, services) = begin(engine).await;
    let system = Actor::system();
    let added = services.add_metric(&system, &metric("Response time")).await.unwrap();
    assert_eq!((added.slug.as_str(), added.position), ("response-time", 1));
    let points = [point(Span::minutes(2).before(noon()), 10.0), point(Span::minutes(1).before(noon()), 30.0)];
    let push = |points: Vec<PointInput>| {
        let services = services.clone();
        async move { services.push_points(&Actor::system(), "response-time", &points).await }
    };
    assert_eq!(push(points.to_vec()).await.unwrap(), Pushed { points: 2, changed: 2 });
    assert_eq!(push(points.to_vec()).await.unwrap(), Pushed { points: 2, changed: 0 });
    let seconds = PointInput { at: When::Seconds(noon().timestamp() as f64 - 60.0), value: 50.0 };
    assert_eq!(push(vec![seconds]).await.unwrap().changed, 1, "the same instant, written otherwise");
    let chart = services.chart(&system, "response-time", Range::Day).await.unwrap();
    assert_eq!(chart.buckets.iter().map(|b| (b.count, b.sum)).collect::<Vec<_>>(), [(2, 60.0)]);
    assert_eq!((chart.newest().unwrap().0, chart.bounds()), (50.0, Some((10.0, 50.0))));

    let ahead = point(Span::minutes(6).after(noon()), 1.0);
    let old = point(Span::days(9).before(noon()), 1.0);
    let unclear = PointInput { at: When::Text("noon".to_owned()), value: 1.0 };
    let far = PointInput { at: When::Seconds(f64::MAX), value: 1.0 };
    let told = wrong(push(vec![points[0].clone(), ahead, old, unclear, far, point(noon(), f64::NAN)]).await);
    for (place, part) in [
        (1, "at: This lies more than 5 minutes"),
        (2, "at: This is more than 8 days"),
        (3, "at: Write it"),
        (4, "at: Write it"),
        (5, "value: Use a number"),
    ] {
        assert!(told.iter().any(|line| line.starts_with(&format!("points: [{place}].{part}"))), "{told:?}");
    }
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(services.chart(&system, "response-time", Range::Day).await.unwrap().buckets.len(), 1, "all or nothing");
    let many = vec![point(noon(), 1.0); 5_001];
    assert!(wrong(push(many).await)[0].contains("at most 5000"));
    assert!(matches!(services.push_points(&system, "nothing", &[]).await, Err(Error::NotFound("metric"))));
}

async fn a_push_renders_no_page_and_a_change_of_a_metric_does(engine: Engine) {
    let (db, services) = begin(engine).await;
    let system = Actor::system();
    let changes = db.db.changes();
    let before = *changes.borrow();
    let added = services.add_metric(&system, &metric("Queue")).await.unwrap();
    assert_ne!(*changes.borrow(), before);
    // Other nodes are told by the database, a little later.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let before = *changes.borrow();
    for n in 0..20 {
        services.push_points(&system, "queue", &[point(Span::seconds(n).before(noon()), 1.0)]).await.unwrap();
    }
    services.forget_old_points().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(*changes.borrow(), before, "the cache of pages stays as it is");
    let charts = services.public_chart("queue", Range::Day).await.unwrap();
    assert_eq!(charts.until, Some(Span::minutes(1).after(noon())), "and pages are made anew after a minute");
    assert!(services.home_charts().await.unwrap().until.is_some());
    services.retire_metric(&system, "queue", added.version).await.unwrap();
    assert_ne!(*changes.borrow(), before);
    assert!(matches!(services.public_chart("queue", Range::Day).await, Err(Error::NotFound("chart"))));
    assert_eq!(services.home_charts().await.unwrap().until, None);
    let late = services.push_points(&system, &added.id.to_string(), &[point(noon(), 1.0)]).await;
    assert!(matches!(late, Err(Error::Refused { code: "retired", .. })));
}

async fn each_asks_for_its_right(engine: Engine) {
    let (_db, services) = begin(engine).await;
    let (pusher, keeper) = (token(&services, Scope::MetricWrite).await, token(&services, Scope::InventoryWrite).await);
    assert!(matches!(services.add_metric(&pusher, &metric("A")).await, Err(Error::Forbidden(_))));
    services.add_metric(&keeper, &metric("A")).await.unwrap();
    assert!(matches!(services.push_points(&keeper, "a", &[]).await, Err(Error::Forbidden(_))));
    services.push_points(&pusher, "a", &[point(noon(), 1.0)]).await.unwrap();
    assert!(matches!(services.metrics(&pusher, false).await, Err(Error::Forbidden(_))));
    let public = Actor::public(None);
    assert!(matches!(services.push_points(&public, "a", &[]).await, Err(Error::SignInNeeded)));
    let log = services.audit_log(&Actor::system(), &service::audit::AuditFilter::default()).await.unwrap();
    let verbs: Vec<&str> = log.entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(verbs.iter().filter(|verb| verb.starts_with("metric.")).count(), 1, "{verbs:?}");
}

async fn what_is_private_is_drawn_for_the_team_alone(engine: Engine) {
    let (_db, services) = begin(engine).await;
    let system = Actor::system();
    let secret = ComponentInput { name: "Billing".to_owned(), is_private: true, ..ComponentInput::default() };
    let secret = services.add_component(&system, secret).await.unwrap();
    let of_secret = MetricInput { component: "billing".to_owned(), ..metric("Invoices") };
    let added = services.add_metric(&system, &of_secret).await.unwrap();
    services.add_metric(&system, &MetricInput { is_public: false, ..metric("Cost") }).await.unwrap();
    services.add_metric(&system, &metric("Response time")).await.unwrap();
    let shown: Vec<String> =
        services.public_charts().await.unwrap().charts.iter().map(|c| c.metric.name.to_string()).collect();
    assert_eq!(shown, ["Response time"]);
    for slug in ["invoices", "cost"] {
        assert!(matches!(services.public_chart(slug, Range::Day).await, Err(Error::NotFound("chart"))), "{slug}");
    }
    assert_eq!(services.chart(&system, "invoices", Range::Week).await.unwrap().component.as_deref(), Some("Billing"));
    let kept = services.delete_component(&system, secret.component.id, secret.component.version).await;
    assert!(matches!(kept, Err(Error::Refused { code: "in_use", .. })), "{kept:?}");
    let stale = services.edit_metric(&system, "invoices", 7, &of_secret).await;
    assert!(matches!(stale, Err(Error::Stale(Stale { what: "metric", .. }))));
    let taken = MetricInput { slug: "cost".to_owned(), ..of_secret };
    assert!(matches!(services.edit_metric(&system, "invoices", added.version, &taken).await, Err(Error::Invalid(_))));
}

storage::on_both!(
    points_are_taken_once_and_wrong_ones_are_named,
    a_push_renders_no_page_and_a_change_of_a_metric_does,
    each_asks_for_its_right,
    what_is_private_is_drawn_for_the_team_alone,
);

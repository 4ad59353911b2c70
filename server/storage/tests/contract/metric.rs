use domain::ids::MetricId;
use domain::metric::{Aggregate, Bucket, Metric, Point, Range, Step, collect, oldest};
use domain::text::{Name, Slug};
use domain::time::{Instant, Span, Stretch};
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn noon() -> Instant {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

fn metric(n: u128, slug: &str, is_public: bool) -> Metric {
    Metric {
        id: MetricId(Uuid::from_u128(n)),
        slug: Slug::parse(slug).unwrap(),
        name: Name::parse("Response time").unwrap(),
        unit: "ms".to_owned(),
        decimals: 1,
        aggregate: Aggregate::Mean,
        component_id: None,
        is_public,
        position: 10 - i64::try_from(n).unwrap(),
        pushed_at: None,
        retired_at: None,
        version: 1,
    }
}

fn every(step: Span, from: Instant, to: Instant) -> Vec<Point> {
    let count = Span::between(from, to).as_seconds() / step.as_seconds();
    let at = |n: i64| Span::seconds(n * step.as_seconds()).after(from);
    (0..count).map(|n| Point { at: at(n), value: (n % 97) as f64 }).collect()
}

/// As a page reads them.
async fn plotted(tx: &mut Tx, id: MetricId, range: Range, now: Instant) -> Vec<Bucket> {
    let from = range.step().floor(range.span().before(now));
    tx.metric_buckets(id, range.step(), Stretch::new(from, Span::seconds(1).after(now))).await.unwrap()
}

async fn a_metric_comes_back_as_it_was_stored(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (first, second, hidden) = (metric(1, "web", true), metric(2, "mail", true), metric(3, "cost", false));
    for metric in [&first, &second, &hidden] {
        tx.insert_metric(metric, noon()).await.unwrap();
    }
    let slugs = |all: Vec<Metric>| all.iter().map(|m| m.slug.to_string()).collect::<Vec<_>>();
    assert_eq!(slugs(tx.metrics(false).await.unwrap()), ["cost", "mail", "web"]);
    assert_eq!(slugs(tx.public_metrics(9).await.unwrap()), ["mail", "web"]);
    assert_eq!(slugs(tx.public_metrics(1).await.unwrap()), ["mail"]);
    assert_eq!(tx.metric_at("web").await.unwrap(), Some(first.clone()));
    let retired = Metric { retired_at: Some(noon()), unit: "s".to_owned(), is_public: false, ..first.clone() };
    tx.update_metric(&retired).await.unwrap();
    assert_eq!(tx.metric(first.id).await.unwrap(), Metric { version: 2, ..retired.clone() });
    assert!(matches!(tx.update_metric(&retired).await, Err(StoreError::Stale("metric"))));
    assert_eq!(tx.metric_at("web").await.unwrap(), None);
    assert_eq!((tx.metrics(false).await.unwrap().len(), tx.metrics(true).await.unwrap().len()), (2, 3));
    assert!(matches!(tx.metric(MetricId(Uuid::nil())).await, Err(StoreError::NotFound("metric"))));
    // The address of one out of use is free again.
    tx.insert_metric(&metric(4, "web", true), noon()).await.unwrap();
    let taken = tx.insert_metric(&metric(5, "web", true), noon()).await;
    assert!(matches!(taken, Err(StoreError::Conflict("metric"))));
}

async fn a_point_that_comes_again_counts_once_and_a_new_value_takes_its_place(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let id = metric(1, "web", true).id;
    tx.insert_metric(&metric(1, "web", true), noon()).await.unwrap();
    let mut points = every(Span::minutes(7), Span::hours(30).before(noon()), noon());
    assert_eq!(tx.put_points(id, &points, noon()).await.unwrap(), points.len() as u64);
    assert_eq!(tx.put_points(id, &points, noon()).await.unwrap(), 0);
    points[20].value = 1000.0;
    points[21].value = -1000.0;
    assert_eq!(tx.put_points(id, &points[18..24], noon()).await.unwrap(), 2);
    // Late, between two others, and twice in one push: the later one counts.
    let late = Span::minutes(3).after(points[5].at);
    let twice = [Point { at: late, value: 1.0 }, Point { at: late, value: 2.0 }];
    assert_eq!(tx.put_points(id, &twice, noon()).await.unwrap(), 1);
    points.push(twice[1]);
    let all = Stretch::new(Span::days(3).before(noon()), Span::hours(4).after(noon()));
    for step in Step::ALL {
        let stored = tx.metric_buckets(id, step, all).await.unwrap();
        assert_eq!(stored, collect(step, points.clone()), "{step:?}");
    }
    assert_eq!(tx.metric(id).await.unwrap().pushed_at, Some(noon()));
}

async fn a_plot_reads_as_many_rows_however_many_points_were_pushed(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let (dense, sparse) = (metric(1, "dense", true), metric(2, "sparse", true));
    for metric in [&dense, &sparse] {
        tx.insert_metric(metric, noon()).await.unwrap();
    }
    let yesterday = Span::hours(24).before(noon());
    for part in every(Span::seconds(10), yesterday, noon()).chunks(5_000) {
        tx.put_points(dense.id, part, noon()).await.unwrap();
    }
    tx.put_points(sparse.id, &every(Span::minutes(5), yesterday, noon()), noon()).await.unwrap();
    for (range, rows) in [(Range::Day, 288), (Range::Week, 24), (Range::Month, 6)] {
        for id in [dense.id, sparse.id] {
            assert_eq!(plotted(&mut tx, id, range, noon()).await.len(), rows, "{range:?}");
        }
    }
    let both = Stretch::new(yesterday, noon());
    let both = tx.buckets_of(&[dense.id, sparse.id], Step::Hour, both).await.unwrap();
    assert_eq!(both.values().map(Vec::len).collect::<Vec<_>>(), [24, 24]);
    assert!(tx.buckets_of(&[], Step::Hour, Stretch::new(yesterday, noon())).await.unwrap().is_empty());
}

async fn what_is_kept_does_not_grow_with_the_years(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.write().await.unwrap();
    let id = metric(1, "web", true).id;
    tx.insert_metric(&metric(1, "web", true), noon()).await.unwrap();
    let mut kept = Vec::new();
    for day in 0..160 {
        let now = Span::days(day).after(noon());
        tx.put_points(id, &every(Span::hours(2), Span::days(1).before(now), now), now).await.unwrap();
        if day % 40 == 39 {
            assert!(tx.purge_metrics(now).await.unwrap() > 0);
            let all = Stretch::new(Span::days(999).before(now), now);
            let mut rows = vec![tx.metric_points(id, all).await.unwrap().len()];
            for step in Step::ALL {
                rows.push(tx.metric_buckets(id, step, all).await.unwrap().len());
            }
            assert!(tx.metric_points(id, all).await.unwrap().iter().all(|point| point.at >= oldest(now)));
            kept.push(rows);
            // What plots show is all there.
            let counts = [Range::Day, Range::Week, Range::Month].map(|range| range.span().as_seconds() / 7200);
            for (range, points) in Range::ALL.into_iter().zip(counts) {
                let count: i64 = plotted(&mut tx, id, range, now).await.iter().map(|bucket| bucket.count).sum();
                assert_eq!(count, points, "{range:?} after {day} days");
            }
        }
    }
    assert!(kept.windows(2).all(|pair| pair[0] == pair[1]), "{kept:?}");
    // A point that is late, but not too late, still finds all that its buckets are made of.
    let now = Span::days(159).after(noon());
    let late = Point { at: oldest(now), value: 5_000.0 };
    tx.put_points(id, &[late], now).await.unwrap();
    let month = plotted(&mut tx, id, Range::Month, now).await;
    assert_eq!(
        month.iter().map(|bucket| bucket.count).max(),
        Some(2),
        "two points in four hours, one of them replaced"
    );
    assert_eq!(month.iter().map(|bucket| bucket.max).fold(0.0, f64::max), 5_000.0);
}

storage::on_both!(
    a_metric_comes_back_as_it_was_stored,
    a_point_that_comes_again_counts_once_and_a_new_value_takes_its_place,
    a_plot_reads_as_many_rows_however_many_points_were_pushed,
    what_is_kept_does_not_grow_with_the_years,
);

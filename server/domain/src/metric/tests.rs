use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Instant {
    Span::seconds(seconds).after(Instant::UNIX_EPOCH)
}

/// Whole numbers: their sums are exact in any order.
fn points() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::btree_map(0..200_000_i64, -1000..1000_i64, 1..60)
        .prop_map(|all| all.into_iter().map(|(s, value)| Point { at: at(s), value: value as f64 }).collect())
}

fn whole(buckets: &[Bucket]) -> Option<Bucket> {
    buckets.iter().copied().reduce(Bucket::and)
}

proptest! {
    #[test]
    fn buckets_of_buckets_are_the_buckets_of_the_points(points in points()) {
        let fine = collect(Step::FiveMinutes, points.clone());
        let hours = combine(Step::Hour, fine);
        prop_assert_eq!(&hours, &collect(Step::Hour, points.clone()));
        prop_assert_eq!(combine(Step::FourHours, hours), collect(Step::FourHours, points));
    }

    #[test]
    fn nothing_is_lost_in_any_step(points in points()) {
        let values = || points.iter().map(|point| point.value);
        for step in Step::ALL {
            let buckets = collect(step, points.clone());
            let all = whole(&buckets);
            prop_assert_eq!(all.map(|all| all.count), Some(points.len() as i64));
            prop_assert_eq!(all.map(|all| all.sum), Some(values().sum::<f64>()));
            prop_assert_eq!(all.map(|all| all.min), values().reduce(f64::min));
            prop_assert_eq!(all.map(|all| all.max), values().reduce(f64::max));
            prop_assert_eq!(all.map(|all| all.last), values().next_back());
            prop_assert!(buckets.windows(2).all(|pair| pair[0].at < pair[1].at));
            prop_assert!(buckets.iter().all(|bucket| step.floor(bucket.at) == bucket.at));
        }
    }

    #[test]
    fn putting_together_does_not_depend_on_the_order(points in points(), cut in 0..60_usize) {
        let step = Step::FourHours;
        let (a, b) = points.split_at(cut.min(points.len()));
        let forth = combine(step, collect(step, a.to_vec()).into_iter().chain(collect(step, b.to_vec())));
        let back = combine(step, collect(step, b.to_vec()).into_iter().chain(collect(step, a.to_vec())));
        prop_assert_eq!(&forth, &back);
        prop_assert_eq!(forth, collect(step, points));
    }

    #[test]
    fn what_a_bucket_shows_lies_between_its_smallest_and_its_greatest(points in points()) {
        for bucket in collect(Step::Hour, points) {
            for aggregate in [Aggregate::Mean, Aggregate::Max, Aggregate::Last] {
                let value = bucket.value(aggregate);
                prop_assert!(bucket.min <= value && value <= bucket.max);
            }
        }
    }
}

#[test]
fn a_point_of_the_future_or_of_long_ago_is_refused() {
    let now = at(10_000_000);
    let point = |at, value| Point { at, value }.check(now);
    assert_eq!(point(now, 1.0), Ok(()));
    assert_eq!(point(Span::minutes(5).after(now), 1.0), Ok(()));
    assert_eq!(point(Span::seconds(301).after(now), 1.0), Err(PointError::Future));
    assert_eq!(point(oldest(now), 1.0), Ok(()));
    assert_eq!(point(Span::seconds(1).before(oldest(now)), 1.0), Err(PointError::TooOld));
    for value in [f64::NAN, f64::INFINITY, 1.1e15] {
        assert_eq!(point(now, value), Err(PointError::Value), "{value}");
    }
}

#[test]
fn a_plot_is_made_of_few_buckets_that_are_still_there() {
    for range in Range::ALL {
        let step = range.step();
        assert!(range.span().as_seconds() / step.span().as_seconds() <= 300, "{range:?}");
        assert!(step.kept() > range.span(), "{range:?}");
    }
    // A coarser bucket is made anew from finer ones as long as points for it are taken.
    for step in Step::ALL {
        let Some(finer) = step.finer() else { continue };
        assert!(finer.kept().as_seconds() >= LATEST.as_seconds() + step.span().as_seconds(), "{step:?}");
        assert_eq!(step.span().as_seconds() % finer.span().as_seconds(), 0);
    }
}

#[test]
fn many_values_become_one() {
    let of = |aggregate: Aggregate| aggregate.of(&[1.0, 4.0, 1.0]);
    assert_eq!(Aggregate::ALL.map(of), [Some(2.0), Some(4.0), Some(6.0), Some(1.0)]);
    assert_eq!(Aggregate::Mean.of(&[]), None);
    for known in Aggregate::ALL {
        assert_eq!(Aggregate::parse(known.as_str()), Ok(known));
    }
    assert_eq!(Aggregate::parse("median"), Err(UnknownAggregate));
}

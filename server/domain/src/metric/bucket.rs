//! What is kept of many points.

use super::{Aggregate, Point, Step};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that plots ask of the points of a stretch of time. Two of them make one of both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its first instant.
    pub at: Instant,
    /// How many points.
    pub count: i64,
    /// All values together.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The newest.
    pub last: f64,
    /// When that was.
    pub last_at: Instant,
}

impl Bucket {
    /// Of one point.
    #[must_use]
    pub const fn of(at: Instant, point: Point) -> Self {
        let value = point.value;
        Self { at, count: 1, sum: value, min: value, max: value, last: value, last_at: point.at }
    }

    /// Of both, beginning where the first one does.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let newest = if other.last_at > self.last_at { &other } else { &self };
        Self {
            at: self.at,
            count: self.count + other.count,
            sum: self.sum + other.sum,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            last: newest.last,
            last_at: newest.last_at,
        }
    }

    /// What a plot shows.
    #[must_use]
    pub fn value(&self, aggregate: Aggregate) -> f64 {
        match aggregate {
            Aggregate::Mean => self.sum / self.count.max(1) as f64,
            Aggregate::Max => self.max,
            Aggregate::Sum => self.sum,
            Aggregate::Last => self.last,
        }
    }
}

fn put(buckets: &mut BTreeMap<Instant, Bucket>, bucket: Bucket) {
    buckets.entry(bucket.at).and_modify(|known| *known = known.and(bucket)).or_insert(bucket);
}

/// Points in buckets, oldest first.
#[must_use]
pub fn collect(step: Step, points: impl IntoIterator<Item = Point>) -> Vec<Bucket> {
    let mut buckets = BTreeMap::new();
    for point in points {
        put(&mut buckets, Bucket::of(step.floor(point.at), point));
    }
    buckets.into_values().collect()
}

/// Finer buckets in coarser ones, oldest first.
#[must_use]
pub fn combine(step: Step, finer: impl IntoIterator<Item = Bucket>) -> Vec<Bucket> {
    let mut buckets = BTreeMap::new();
    for bucket in finer {
        put(&mut buckets, Bucket { at: step.floor(bucket.at), ..bucket });
    }
    buckets.into_values().collect()
}

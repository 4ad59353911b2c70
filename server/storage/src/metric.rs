//! Custom metrics: points as they were pushed, and the buckets that plots are drawn from.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list, rows};
use domain::ids::{ComponentId, MetricId};
use domain::metric::{Aggregate, Bucket, Metric, Point, Step, collect, combine, oldest};
use domain::text::{Name, Slug};
use domain::time::{Instant, Stretch};
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const TABLE: &str = "metrics";

/// Rows written by one statement.
const CHUNK: usize = 250;

#[derive(sqlx::FromRow)]
struct MetricRow {
    id: Uuid,
    slug: String,
    name: String,
    unit: String,
    decimals: i64,
    aggregate: String,
    component_id: Option<Uuid>,
    is_public: bool,
    position: i64,
    pushed_at: Option<i64>,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<MetricRow> for Metric {
    type Error = StoreError;
    fn try_from(row: MetricRow) -> Result<Self, StoreError> {
        let id = row.id;
        Ok(Self {
            id: MetricId(id),
            slug: Slug::parse(&row.slug).map_err(|e| corrupt(TABLE, id, e))?,
            name: Name::parse(&row.name).map_err(|e| corrupt(TABLE, id, e))?,
            unit: row.unit,
            decimals: u8::try_from(row.decimals).map_err(|e| corrupt(TABLE, id, e))?,
            aggregate: Aggregate::parse(&row.aggregate).map_err(|e| corrupt(TABLE, id, e))?,
            component_id: row.component_id.map(ComponentId),
            is_public: row.is_public,
            position: row.position,
            pushed_at: maybe_at(TABLE, id, row.pushed_at)?,
            retired_at: maybe_at(TABLE, id, row.retired_at)?,
            version: row.version,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select m.id, m.slug, m.name, m.unit, m.decimals, m.aggregate, m.component_id, m.is_public, m.position,
             m.pushed_at, m.retired_at, m.version from metrics m ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct BucketRow {
    metric_id: Uuid,
    at: i64,
    count: i64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
    last_at: i64,
}

impl TryFrom<BucketRow> for (MetricId, Bucket) {
    type Error = StoreError;
    fn try_from(row: BucketRow) -> Result<Self, StoreError> {
        const T: &str = "metric_buckets";
        let bucket = Bucket {
            at: at(T, row.metric_id, row.at)?,
            count: row.count,
            sum: row.sum,
            min: row.min,
            max: row.max,
            last: row.last,
            last_at: at(T, row.metric_id, row.last_at)?,
        };
        Ok((MetricId(row.metric_id), bucket))
    }
}

/// The beginnings of buckets in stretches without gaps.
fn joined(step: Step, starts: &BTreeSet<Instant>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for from in starts {
        let to = step.span().after(*from);
        match stretches.last_mut() {
            Some(last) if last.to == *from => last.to = to,
            _ => stretches.push(Stretch::new(*from, to)),
        }
    }
    stretches
}

impl Tx {
    /// All metrics in their order, those out of use last.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn metrics(&mut self, retired_too: bool) -> Result<Vec<Metric>, StoreError> {
        let rows: Vec<MetricRow> = on_tx!(self, |x| {
            sqlx::query_as(select!(
                "where m.retired_at is null or $1
                 order by case when m.retired_at is null then 0 else 1 end, m.position, m.slug, m.id"
            ))
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What customers see, in order: public, in use, and not of a private component.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn public_metrics(&mut self, limit: i64) -> Result<Vec<Metric>, StoreError> {
        let rows: Vec<MetricRow> = on_tx!(self, |x| {
            sqlx::query_as(select!(
                "left join components c on c.id = m.component_id
                 where m.is_public and m.retired_at is null and (c.id is null or not c.is_private)
                 order by m.position, m.slug, m.id limit $1"
            ))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One metric, also one out of use.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn metric(&mut self, id: MetricId) -> Result<Metric, StoreError> {
        let row: Option<MetricRow> =
            on_tx!(self, |x| sqlx::query_as(select!("where m.id = $1")).bind(id.0).fetch_optional(x).await?);
        row.ok_or(StoreError::NotFound("metric"))?.try_into()
    }

    /// The metric in use at an address.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn metric_at(&mut self, slug: &str) -> Result<Option<Metric>, StoreError> {
        let row: Option<MetricRow> = on_tx!(self, |x| {
            sqlx::query_as(select!("where m.slug = $1 and m.retired_at is null")).bind(slug).fetch_optional(x).await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// How many metrics in use tell of a component.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_metrics_of(&mut self, id: ComponentId) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar("select count(*) from metrics where component_id = $1").bind(id.0).fetch_one(x).await?
        }))
    }

    /// Stores a new one.
    ///
    /// # Errors
    /// Its slug is taken, or the database refused.
    pub async fn insert_metric(&mut self, metric: &Metric, created_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into metrics (id, slug, name, unit, decimals, aggregate, component_id, is_public, position,
                 created_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(metric.id.0)
            .bind(metric.slug.as_str())
            .bind(metric.name.as_str())
            .bind(&metric.unit)
            .bind(i64::from(metric.decimals))
            .bind(metric.aggregate.as_str())
            .bind(metric.component_id.map(ComponentId::uuid))
            .bind(metric.is_public)
            .bind(metric.position)
            .bind(ms(created_at))
            .bind(metric.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("metric"))?;
        });
        Ok(())
    }

    /// Stores a changed one, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its slug is taken, or the database refused.
    pub async fn update_metric(&mut self, metric: &Metric) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update metrics set slug = $1, name = $2, unit = $3, decimals = $4, aggregate = $5, component_id = $6,
                 is_public = $7, position = $8, retired_at = $9, version = version + 1 where id = $10 and version = $11",
            )
            .bind(metric.slug.as_str())
            .bind(metric.name.as_str())
            .bind(&metric.unit)
            .bind(i64::from(metric.decimals))
            .bind(metric.aggregate.as_str())
            .bind(metric.component_id.map(ComponentId::uuid))
            .bind(metric.is_public)
            .bind(metric.position)
            .bind(metric.retired_at.map(ms))
            .bind(metric.id.0)
            .bind(metric.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("metric"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("metric")) }
    }

    /// Stores points, and makes the buckets anew that hold them. A point that is there already changes nothing; another
    /// value for the same instant takes its place. Gives back how many were new or changed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_points(&mut self, id: MetricId, points: &[Point], now: Instant) -> Result<u64, StoreError> {
        // First, so that pushes of one metric wait for each other: each sees the points of those before.
        on_tx!(self, |x| {
            sqlx::query("update metrics set pushed_at = $1 where id = $2").bind(ms(now)).bind(id.0).execute(x).await?;
        });
        let points: BTreeMap<i64, f64> = points.iter().map(|point| (ms(point.at), point.value)).collect();
        let points: Vec<(i64, f64)> = points.into_iter().collect();
        let mut changed = 0;
        for part in points.chunks(CHUNK) {
            let text = format!(
                "insert into metric_points (metric_id, at, value) values {}
                 on conflict (metric_id, at) do update set value = excluded.value
                 where metric_points.value <> excluded.value",
                rows(self, part.len(), 3)
            );
            changed += on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(text));
                for (at, value) in part {
                    query = query.bind(id.0).bind(*at).bind(*value);
                }
                query.execute(x).await?.rows_affected()
            });
        }
        if changed > 0 {
            let touched = points.iter().filter_map(|(at, _)| Instant::from_timestamp_millis(*at)).collect();
            self.put_together(id, touched).await?;
        }
        Ok(changed)
    }

    /// Makes the buckets anew in which these instants lie.
    async fn put_together(&mut self, id: MetricId, mut touched: BTreeSet<Instant>) -> Result<(), StoreError> {
        for step in Step::ALL {
            touched = touched.into_iter().map(|at| step.floor(at)).collect();
            for stretch in joined(step, &touched) {
                let made = match step.finer() {
                    None => collect(step, self.metric_points(id, stretch).await?),
                    Some(finer) => combine(step, self.metric_buckets(id, finer, stretch).await?),
                };
                self.put_buckets(id, step, &made).await?;
            }
        }
        Ok(())
    }

    async fn put_buckets(&mut self, id: MetricId, step: Step, buckets: &[Bucket]) -> Result<(), StoreError> {
        for part in buckets.chunks(CHUNK) {
            let text = format!(
                "insert into metric_buckets (metric_id, step_s, at, count, sum, min, max, last, last_at) values {}
                 on conflict (metric_id, step_s, at) do update set count = excluded.count, sum = excluded.sum,
                 min = excluded.min, max = excluded.max, last = excluded.last, last_at = excluded.last_at",
                rows(self, part.len(), 9)
            );
            on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(text));
                for bucket in part {
                    query = query
                        .bind(id.0)
                        .bind(step.span().as_seconds())
                        .bind(ms(bucket.at))
                        .bind(bucket.count)
                        .bind(bucket.sum)
                        .bind(bucket.min)
                        .bind(bucket.max)
                        .bind(bucket.last)
                        .bind(ms(bucket.last_at));
                }
                query.execute(x).await?;
            });
        }
        Ok(())
    }

    /// Points of a stretch of time, oldest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn metric_points(&mut self, id: MetricId, within: Stretch) -> Result<Vec<Point>, StoreError> {
        let rows: Vec<(i64, f64)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select at, value from metric_points where metric_id = $1 and at >= $2 and at < $3 order by at",
            )
            .bind(id.0)
            .bind(ms(within.from))
            .bind(ms(within.to))
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(|(ms, value)| Ok(Point { at: at("metric_points", id, ms)?, value })).collect()
    }

    /// Buckets of one length of one metric that begin in a stretch of time, oldest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn metric_buckets(
        &mut self,
        id: MetricId,
        step: Step,
        within: Stretch,
    ) -> Result<Vec<Bucket>, StoreError> {
        let all = self.buckets_of(&[id], step, within).await?;
        Ok(all.into_values().next().unwrap_or_default())
    }

    /// The same of several metrics.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn buckets_of(
        &mut self,
        ids: &[MetricId],
        step: Step,
        within: Stretch,
    ) -> Result<BTreeMap<MetricId, Vec<Bucket>>, StoreError> {
        let ids: BTreeSet<Uuid> = ids.iter().map(|id| id.0).collect();
        let mut all: BTreeMap<MetricId, Vec<Bucket>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(all);
        }
        let text = format!(
            "select metric_id, at, count, sum, min, max, last, last_at from metric_buckets
             where metric_id in ({{ids}}) and step_s = {} and at >= {} and at < {} order by metric_id, at",
            step.span().as_seconds(),
            ms(within.from),
            ms(within.to)
        );
        for row in fetch_by_ids!(self, BucketRow, text, &ids) {
            let (id, bucket) = row.try_into()?;
            all.entry(id).or_default().push(bucket);
        }
        Ok(all)
    }

    /// Forgets points and buckets that nothing reads any more; gives back how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn purge_metrics(&mut self, now: Instant) -> Result<u64, StoreError> {
        let mut gone = 0;
        for metric in self.metrics(true).await? {
            gone += on_tx!(self, |x| {
                sqlx::query("delete from metric_points where metric_id = $1 and at < $2")
                    .bind(metric.id.0)
                    .bind(ms(oldest(now)))
                    .execute(x)
                    .await?
                    .rows_affected()
            });
            for step in Step::ALL {
                gone += on_tx!(self, |x| {
                    sqlx::query("delete from metric_buckets where metric_id = $1 and step_s = $2 and at < $3")
                        .bind(metric.id.0)
                        .bind(step.span().as_seconds())
                        .bind(ms(step.floor(step.kept().before(now))))
                        .execute(x)
                        .await?
                        .rows_affected()
                });
            }
        }
        Ok(gone)
    }
}

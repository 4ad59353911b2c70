//! Custom public metrics: what they are, the points that programs push, and the plots that everybody sees.

use crate::audit::Action;
use crate::inventory::unchanged;
use crate::{Actor, Error, FieldError, Fields, Services};
use domain::component::Component;
use domain::ids::{ComponentId, MetricId};
use domain::metric::{Aggregate, Bucket, LONGEST_UNIT, MOST_POINTS, Metric, Point, Range, Step, UnknownAggregate};
use domain::number::MOST_DECIMALS;
use domain::people::Permission;
use domain::site::Site;
use domain::text::{Name, Slug, optional_line};
use domain::time::{Instant, Span, Stretch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::Tx;

/// Metrics in use at most: each push and each page stays small.
const MOST_METRICS: usize = 100;

/// Plots on the front page.
const ON_HOME: i64 = 4;

/// Plots on the page of all of them.
const ON_CHARTS: i64 = 100;

/// A page with plots shows new points after so long: pushing them renders nothing.
const REFRESH: Span = Span::minutes(1);

/// Wrong points named in one answer.
const NAMED: usize = 20;

/// A metric as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricInput {
    /// Its part in addresses; made from the name where empty.
    pub slug: String,
    /// "Response time"
    pub name: String,
    /// "ms"; may be empty.
    pub unit: String,
    /// Digits behind the point: 0 to 6.
    pub decimals: String,
    /// `mean`, `max`, `sum` or `last`.
    pub aggregate: String,
    /// Id or slug of the component it tells of; may be empty.
    pub component: String,
    /// Customers see it.
    pub is_public: bool,
    /// Order on pages.
    pub position: String,
}

impl MetricInput {
    /// What is stored, to change a part of it.
    #[must_use]
    pub fn of(stored: &Metric) -> Self {
        Self {
            slug: stored.slug.to_string(),
            name: stored.name.to_string(),
            unit: stored.unit.clone(),
            decimals: stored.decimals.to_string(),
            aggregate: stored.aggregate.as_str().to_owned(),
            component: stored.component_id.map(|id| id.to_string()).unwrap_or_default(),
            is_public: stored.is_public,
            position: stored.position.to_string(),
        }
    }
}

/// When a point was, as programs send it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum When {
    /// Seconds since 1970.
    Seconds(f64),
    /// RFC 3339.
    Text(String),
}

/// A point as programs send it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointInput {
    /// When.
    pub at: When,
    /// How much.
    pub value: f64,
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// Points in it.
    pub points: usize,
    /// How many of them were new, or had another value than before.
    pub changed: u64,
}

/// A metric with what is drawn of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The metric.
    pub metric: Metric,
    /// What it tells of.
    pub component: Option<String>,
    /// How long back.
    pub range: Range,
    /// The length of a bucket.
    pub step: Step,
    /// From when to when.
    pub stretch: Stretch,
    /// Oldest first; there is none for a time without points.
    pub buckets: Vec<Bucket>,
}

impl Chart {
    /// The newest value and when that was.
    #[must_use]
    pub fn newest(&self) -> Option<(f64, Instant)> {
        let bucket = self.buckets.last()?;
        let value = if self.metric.aggregate == Aggregate::Sum { bucket.sum } else { bucket.last };
        Some((value, bucket.last_at))
    }

    /// The smallest and the greatest value of what is drawn.
    #[must_use]
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let is_sum = self.metric.aggregate == Aggregate::Sum;
        let least = |b: &Bucket| if is_sum { b.sum } else { b.min };
        let most = |b: &Bucket| if is_sum { b.sum } else { b.max };
        let min = self.buckets.iter().map(least).reduce(f64::min)?;
        Some((min, self.buckets.iter().map(most).reduce(f64::max)?))
    }
}

/// Plots of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Charts {
    /// The site.
    pub site: Site,
    /// In their order.
    pub charts: Vec<Chart>,
    /// The page is made anew then; none where there is nothing that could change.
    pub until: Option<Instant>,
}

fn action<'a>(verb: &'a str, of: &Metric) -> Action<'a> {
    Action { verb, object: "metric", id: of.id.to_string(), name: of.name.to_string() }
}

/// Reads digits behind the point.
pub(crate) fn decimals(text: &str) -> Result<u8, String> {
    let text = text.trim();
    let read = if text.is_empty() { Some(0) } else { text.parse().ok() };
    read.filter(|n| *n <= MOST_DECIMALS).ok_or_else(|| format!("Choose between 0 and {MOST_DECIMALS} digits."))
}

/// Reads a place in an order; `last` where nothing is said.
pub(crate) fn position(text: &str, last: i64) -> Result<i64, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(last);
    }
    text.parse().ok().filter(|n| (0..=100_000).contains(n)).ok_or("Use a whole number from 0 to 100000.")
}

/// Reads the part in addresses; made from the name where nothing is said.
pub(crate) fn slug(text: &str, name: Option<&Name>) -> Result<Slug, String> {
    match (text.trim(), name) {
        ("", Some(name)) => Ok(Slug::from_name(name)),
        (text, _) => Slug::parse(text).map_err(|e| e.to_string()),
    }
}

async fn component(tx: &mut Tx, text: &str) -> Result<Option<ComponentId>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let unknown = || Error::field("component", "There is no such component.");
    if let Ok(id) = text.parse::<ComponentId>() {
        return match tx.component(id).await {
            Ok(component) => Ok(Some(component.id)),
            Err(storage::StoreError::NotFound(_)) => Err(unknown()),
            Err(error) => Err(error.into()),
        };
    }
    let slug = Slug::parse(text).map_err(|_| unknown())?;
    Ok(Some(tx.component_at(&slug).await?.ok_or_else(unknown)?.id))
}

async fn check(tx: &mut Tx, id: MetricId, input: &MetricInput) -> Result<Metric, Error> {
    let mut fields = Fields::default();
    let all = tx.metrics(false).await?;
    let name = fields.take("name", Name::parse(&input.name));
    let slug = fields.take("slug", slug(&input.slug, name.as_ref()));
    let unit = fields.take("unit", optional_line(&input.unit, LONGEST_UNIT));
    let decimals = fields.take("decimals", decimals(&input.decimals));
    let aggregate = fields.take::<_, UnknownAggregate>("aggregate", Aggregate::parse(&input.aggregate));
    let last = all.iter().map(|metric| metric.position).max().unwrap_or_default() + 1;
    let position = fields.take("position", position(&input.position, last));
    let component_id = match component(tx, &input.component).await {
        Ok(id) => id,
        Err(Error::Invalid(wrong)) => {
            wrong.into_iter().for_each(|wrong| fields.add(wrong.field, wrong.message));
            None
        }
        Err(error) => return Err(error),
    };
    if let Some(slug) = &slug
        && all.iter().any(|other| other.slug == *slug && other.id != id)
    {
        fields.add("slug", format!("There is a metric at {slug} already."));
    }
    match (name, slug, unit, decimals, aggregate, position) {
        (Some(name), Some(slug), Some(unit), Some(decimals), Some(aggregate), Some(position)) if fields.is_empty() => {
            Ok(Metric {
                id,
                slug,
                name,
                unit,
                decimals,
                aggregate,
                component_id,
                is_public: input.is_public,
                position,
                pushed_at: None,
                retired_at: None,
                version: 1,
            })
        }
        _ => Err(fields.into_error()),
    }
}

/// The metric in use that an address names, by its slug or its id.
async fn find(tx: &mut Tx, named: &str) -> Result<Metric, Error> {
    if let Some(metric) = tx.metric_at(named).await? {
        return Ok(metric);
    }
    let id = named.parse::<MetricId>().map_err(|_| Error::NotFound("metric"))?;
    Ok(tx.metric(id).await?)
}

fn read(points: &[PointInput], now: Instant) -> Result<Vec<Point>, Error> {
    let mut wrong = Vec::new();
    let mut read = Vec::with_capacity(points.len());
    for (place, point) in points.iter().enumerate() {
        let mut say = |part: &str, message: &str| {
            if wrong.len() < NAMED {
                wrong.push(FieldError { field: "points", message: format!("[{place}].{part}: {message}") });
            }
        };
        let at = match &point.at {
            When::Text(text) => text.trim().parse::<Instant>().ok(),
            When::Seconds(seconds) if seconds.abs() < 1e12 => Instant::from_timestamp_millis((seconds * 1000.0) as i64),
            When::Seconds(_) => None,
        };
        let Some(at) = at else {
            say("at", "Write it like 2014-05-15T19:00:00Z, or as seconds since 1970.");
            continue;
        };
        // As it is stored: two instants of one millisecond are the same.
        let at = Instant::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at);
        let point = Point { at, value: point.value };
        match point.check(now) {
            Ok(()) => read.push(point),
            Err(error) => say(error.field(), &error.to_string()),
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(Error::Invalid(wrong)) }
}

impl Services {
    /// All metrics in their order, those out of use last.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn metrics(&self, actor: &Actor, retired_too: bool) -> Result<Vec<Metric>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.metrics(retired_too).await?)
    }

    /// Components in use, to choose what a metric tells of.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn component_choices(&self, actor: &Actor) -> Result<Vec<Component>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.components(false).await?)
    }

    /// One metric, by its slug or its id.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn metric(&self, actor: &Actor, named: &str) -> Result<Metric, Error> {
        actor.require(Permission::View)?;
        find(&mut self.db.read().await?, named).await
    }

    /// Adds one.
    ///
    /// # Errors
    /// Not allowed, wrong fields, too many, or the database does not answer.
    pub async fn add_metric(&self, actor: &Actor, input: &MetricInput) -> Result<Metric, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        if tx.metrics(false).await?.len() >= MOST_METRICS {
            return Err(Error::refused("too_many", format!("There are {MOST_METRICS} metrics already. Retire one.")));
        }
        let added = check(&mut tx, self.new_id(), input).await?;
        tx.insert_metric(&added, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("metric.add", &added), None, Some(&added))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(added)
    }

    /// Changes one.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_metric(
        &self,
        actor: &Actor,
        named: &str,
        version: i64,
        input: &MetricInput,
    ) -> Result<Metric, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, named).await?;
        unchanged("metric", before.version, version)?;
        in_use(&before)?;
        let read = check(&mut tx, before.id, input).await?;
        let after = Metric { pushed_at: before.pushed_at, version: before.version, ..read };
        self.store_metric(actor, tx, "metric.edit", &before, after).await
    }

    /// Takes one out of use: no points come in any more, and nobody sees it.
    ///
    /// # Errors
    /// Not allowed, not found, stale, out of use already, or the database does not answer.
    pub async fn retire_metric(&self, actor: &Actor, named: &str, version: i64) -> Result<Metric, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, named).await?;
        unchanged("metric", before.version, version)?;
        in_use(&before)?;
        let after = Metric { retired_at: Some(self.now()), ..before.clone() };
        self.store_metric(actor, tx, "metric.retire", &before, after).await
    }

    async fn store_metric(
        &self,
        actor: &Actor,
        mut tx: Tx,
        verb: &'static str,
        before: &Metric,
        mut after: Metric,
    ) -> Result<Metric, Error> {
        tx.update_metric(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action(verb, &after), Some(before), Some(&after))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }

    /// Takes points of one metric. The same points again change nothing; another value for the same instant takes the
    /// place of the one before. All of them, or none. Pages show them within [`REFRESH`]; nothing is announced.
    ///
    /// # Errors
    /// Not allowed, not found, too many, a point that can not be, or the database does not answer.
    pub async fn push_points(&self, actor: &Actor, named: &str, points: &[PointInput]) -> Result<Pushed, Error> {
        actor.require(Permission::ReportMetric)?;
        if points.len() > MOST_POINTS {
            return Err(Error::field("points", format!("Send at most {MOST_POINTS} points at once.")));
        }
        let now = self.now();
        let mut tx = self.db.write().await?;
        let metric = find(&mut tx, named).await?;
        in_use(&metric)?;
        let read = read(points, now)?;
        let changed = if read.is_empty() { 0 } else { tx.put_points(metric.id, &read, now).await? };
        tx.commit().await?;
        Ok(Pushed { points: read.len(), changed })
    }

    /// Forgets points and parts of plots that nothing shows any more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forget_old_points(&self) -> Result<u64, Error> {
        let mut tx = self.db.write().await?;
        let gone = tx.purge_metrics(self.now()).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// What is drawn of a metric, for the team and for programs.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn chart(&self, actor: &Actor, named: &str, range: Range) -> Result<Chart, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let metric = find(&mut tx, named).await?;
        self.draw(&mut tx, metric, range).await
    }

    /// What is drawn of a public metric; whoever asks.
    ///
    /// # Errors
    /// There is no public metric at this address, or the database does not answer.
    pub async fn public_chart(&self, slug: &str, range: Range) -> Result<Charts, Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let metrics = tx.public_metrics(ON_CHARTS).await?;
        let metric = metrics.into_iter().find(|metric| metric.slug.as_str() == slug);
        let metric = metric.ok_or(Error::NotFound("chart"))?;
        let chart = self.draw(&mut tx, metric, range).await?;
        Ok(Charts { site, charts: vec![chart], until: Some(REFRESH.after(self.now())) })
    }

    /// The last day of all public metrics, by the hour.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn public_charts(&self) -> Result<Charts, Error> {
        self.small_charts(ON_CHARTS).await
    }

    /// The last day of the first public metrics, for the front page.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn home_charts(&self) -> Result<Charts, Error> {
        self.small_charts(ON_HOME).await
    }

    async fn small_charts(&self, limit: i64) -> Result<Charts, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let metrics = tx.public_metrics(limit).await?;
        let (range, step) = (Range::Day, Step::Hour);
        let stretch = Stretch::new(step.floor(range.span().before(now)), now);
        let ids: Vec<MetricId> = metrics.iter().map(|metric| metric.id).collect();
        let mut buckets = tx.buckets_of(&ids, step, reaching(stretch)).await?;
        let names = names(&mut tx, &metrics).await?;
        let charts: Vec<Chart> = metrics
            .into_iter()
            .map(|metric| Chart {
                buckets: buckets.remove(&metric.id).unwrap_or_default(),
                component: metric.component_id.and_then(|id| names.get(&id).cloned()),
                metric,
                range,
                step,
                stretch,
            })
            .collect();
        let until = (!charts.is_empty()).then(|| REFRESH.after(now));
        Ok(Charts { site, charts, until })
    }

    async fn draw(&self, tx: &mut Tx, metric: Metric, range: Range) -> Result<Chart, Error> {
        let (now, step) = (self.now(), range.step());
        let stretch = Stretch::new(step.floor(range.span().before(now)), now);
        let buckets = tx.metric_buckets(metric.id, step, reaching(stretch)).await?;
        let names = names(tx, std::slice::from_ref(&metric)).await?;
        let component = metric.component_id.and_then(|id| names.get(&id).cloned());
        Ok(Chart { metric, component, range, step, stretch, buckets })
    }
}

/// Points may come from clocks that are a little ahead.
fn reaching(stretch: Stretch) -> Stretch {
    Stretch::new(stretch.from, domain::gate::FUTURE_TOLERANCE.after(Span::seconds(1).after(stretch.to)))
}

/// The components that metrics tell of.
async fn names(tx: &mut Tx, metrics: &[Metric]) -> Result<BTreeMap<ComponentId, String>, Error> {
    if metrics.iter().all(|metric| metric.component_id.is_none()) {
        return Ok(BTreeMap::new());
    }
    let all = tx.components(false).await?;
    Ok(all.into_iter().map(|component| (component.id, component.name.to_string())).collect())
}

fn in_use(metric: &Metric) -> Result<(), Error> {
    match metric.retired_at {
        Some(_) => Err(Error::refused("retired", "This metric is out of use.")),
        None => Ok(()),
    }
}

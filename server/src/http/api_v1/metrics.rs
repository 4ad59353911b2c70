//! `/api/v1/metrics`: numbers that programs push, and what plots show of them.

use super::{Asked, Listed, Read, created, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::metric::{Bucket, Metric, Range};
use domain::time::Stretch;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::inventory::Page;
use service::metrics::{Chart, MetricInput, PointInput, Pushed};

/// Largest push, in bytes: 5,000 points with their times written out.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// A metric is named by its slug or its id.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/metrics", get(list).post(add))
        .route("/api/v1/metrics/{id}", get(one).patch(edit))
        .route("/api/v1/metrics/{id}/points", get(points).post(push))
        .route("/api/v1/metrics/{id}/retire", post(retire))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    slug: Option<String>,
    name: Option<String>,
    unit: Option<String>,
    decimals: Option<i64>,
    aggregate: Option<String>,
    /// Id or slug of a component; empty for none.
    component: Option<String>,
    is_public: Option<bool>,
    position: Option<i64>,
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: MetricInput) -> MetricInput {
        MetricInput {
            slug: self.slug.unwrap_or(stored.slug),
            name: self.name.unwrap_or(stored.name),
            unit: self.unit.unwrap_or(stored.unit),
            decimals: self.decimals.map_or(stored.decimals, |n| n.to_string()),
            aggregate: self.aggregate.unwrap_or(stored.aggregate),
            component: self.component.unwrap_or(stored.component),
            is_public: self.is_public.unwrap_or(stored.is_public),
            position: self.position.map_or(stored.position, |n| n.to_string()),
        }
    }
}

/// What is drawn of a metric.
#[derive(Debug, Serialize)]
struct Shown {
    range: Range,
    step_s: i64,
    #[serde(flatten)]
    stretch: Stretch,
    /// Oldest first; there is none for a time without points.
    buckets: Vec<Bucket>,
}

impl From<Chart> for Shown {
    fn from(chart: Chart) -> Self {
        Self {
            range: chart.range,
            step_s: chart.step.span().as_seconds(),
            stretch: chart.stretch,
            buckets: chart.buckets,
        }
    }
}

/// `?retired=true` for those out of use, too.
async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Metric>>, Problem> {
    let items = state.services.metrics(&actor, asked.get("retired").trim() == "true").await?;
    Ok(Listed::of(Page { items, next_cursor: None }, |metric| metric))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Metric>, Problem> {
    Ok(Json(state.services.metric(&actor, &of).await?))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let first = MetricInput { aggregate: "mean".to_owned(), ..MetricInput::default() };
    let added = state.services.add_metric(&actor, &body.over(first)).await?;
    Ok(created(&format!("/api/v1/metrics/{}", added.slug), added))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Metric>, Problem> {
    actor.require(domain::people::Permission::EditInventory)?;
    let read = version(body.version)?;
    let stored = MetricInput::of(&state.services.metric(&actor, &of).await?);
    Ok(Json(state.services.edit_metric(&actor, &of, read, &body.over(stored)).await?))
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Metric>, Problem> {
    Ok(Json(state.services.retire_metric(&actor, &of, read.version).await?))
}

/// `[{"at": "2014-05-15T19:00:00Z", "value": 12.5}, …]`; the same again changes nothing.
async fn push(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(points): Input<Vec<PointInput>>,
) -> Result<Json<Pushed>, Problem> {
    Ok(Json(state.services.push_points(&actor, &of, &points).await?))
}

/// `?range=day`, `week` or `month`.
async fn points(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<Json<Shown>, Problem> {
    let range = match asked.get("range").trim() {
        "" => Range::Day,
        text => Range::parse(text).ok_or_else(|| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "range: Choose day, week or month.")
        })?,
    };
    Ok(Json(state.services.chart(&actor, &of, range).await?.into()))
}

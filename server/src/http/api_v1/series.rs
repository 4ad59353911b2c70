//! `/api/v1/series`: work that repeats.

use super::{Listed, created, id, idempotency_key, version};
use crate::http::problem::{Input, Problem, parse};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ids::{ComponentId, HostId, MaintenanceId, SeriesId};
use domain::series::Series;
use domain::time::Instant;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service::inventory::Page;
use service::maintenance::{Dated, SeriesInput, SeriesLine, TypedSeries};
use service::{Actor, Services};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/series", get(list).post(add))
        .route("/api/v1/series/{id}", get(one).patch(edit))
        .route("/api/v1/series/{id}/end", post(end))
}

/// A series as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: SeriesId,
    title: String,
    message: String,
    /// An RRULE over local dates.
    rule: String,
    /// "every Tuesday 02:00 Europe/Berlin"
    words: String,
    zone: String,
    start: String,
    length: String,
    may_wait: String,
    gap: &'static str,
    fold: &'static str,
    hosts: Vec<HostId>,
    components: Vec<ComponentId>,
    auto_start: bool,
    auto_complete: bool,
    checklist: Vec<String>,
    /// `default`, `none`, or lead times.
    reminders: String,
    /// Why the next window could not be made.
    problem: Option<String>,
    ended_at: Option<Instant>,
    created_at: Instant,
    version: i64,
}

impl From<Series> for Shown {
    fn from(series: Series) -> Self {
        let typed = TypedSeries::of(&series.timing);
        Self {
            id: series.id,
            title: series.title.into(),
            message: series.message.into(),
            rule: series.timing.rule.to_string(),
            words: series.timing.words(),
            zone: typed.zone,
            start: typed.start,
            length: typed.length,
            may_wait: typed.may_wait,
            gap: typed.gap,
            fold: typed.fold,
            hosts: series.hosts,
            components: series.components,
            auto_start: series.auto_start,
            auto_complete: series.auto_complete,
            checklist: series.checklist.into_iter().map(Into::into).collect(),
            reminders: series.reminders.to_input(),
            problem: series.problem,
            ended_at: series.ended_at,
            created_at: series.created_at,
            version: series.version,
        }
    }
}

/// A series in a list.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    series: Shown,
    /// Start of its next window.
    next_starts_at: Option<Instant>,
    /// How many windows wait as drafts until the gate confirms them.
    drafts: usize,
}

impl From<SeriesLine> for Line {
    fn from(line: SeriesLine) -> Self {
        Self { series: line.series.into(), next_starts_at: line.next.map(|m| m.planned.starts_at), drafts: line.drafts }
    }
}

/// A date that was dealt with.
#[derive(Debug, Serialize)]
struct ShownDate {
    /// The nominal date.
    date: String,
    /// Its window; none where its draft was thrown away.
    maintenance_id: Option<MaintenanceId>,
    number: Option<i64>,
    state: Option<&'static str>,
    starts_at: Option<Instant>,
    ends_at: Option<Instant>,
    /// The window has a time of its own.
    moved: bool,
}

impl From<Dated> for ShownDate {
    fn from(dated: Dated) -> Self {
        let m = dated.maintenance;
        Self {
            date: dated.date.to_string(),
            maintenance_id: m.as_ref().map(|m| m.id),
            number: m.as_ref().map(|m| m.number),
            state: m.as_ref().map(|m| m.state.as_str()),
            starts_at: m.as_ref().map(|m| m.planned.starts_at),
            ends_at: m.as_ref().map(|m| m.planned.ends_at),
            moved: dated.was_moved,
        }
    }
}

/// A series with its dates.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    series: Shown,
    /// From sixty days ago on, in order.
    dates: Vec<ShownDate>,
}

/// The end of a series.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    version: i64,
    /// Calls off the windows ahead as well.
    #[serde(default)]
    call_off: bool,
    /// What customers read, where windows are called off.
    #[serde(default)]
    body: String,
}

async fn whole(services: &Services, actor: &Actor, id: SeriesId) -> Result<Whole, Problem> {
    let detail = services.series_detail(actor, id).await?;
    Ok(Whole { series: detail.series.into(), dates: detail.dates.into_iter().map(Into::into).collect() })
}

fn series(text: &str) -> Result<SeriesId, Problem> {
    id(text, "series")
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<Line>>, Problem> {
    let items = state.services.all_series(&actor).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, Into::into))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Input(input): Input<SeriesInput>,
) -> Result<Response, Problem> {
    let made = state.services.add_series(&actor, idempotency_key(&headers)?, &input).await?;
    let place = format!("/api/v1/series/{}", made.id);
    Ok(created(&place, whole(&state.services, &actor, made.id).await?))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Whole>, Problem> {
    Ok(Json(whole(&state.services, &actor, series(&of)?).await?))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(mut fields): Input<Map<String, Value>>,
) -> Result<Json<Whole>, Problem> {
    let id = series(&of)?;
    let read = version(fields.remove("version").and_then(|value| value.as_i64()))?;
    let note = match fields.remove("note") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(note)) => note,
        Some(_) => return Err(Problem::field("note", "Send a text.")),
    };
    let input: SeriesInput = parse(Value::Object(fields).to_string().as_bytes())?;
    state.services.edit_series(&actor, id, read, &input, &note).await?;
    Ok(Json(whole(&state.services, &actor, id).await?))
}

async fn end(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(end): Input<End>,
) -> Result<Json<Whole>, Problem> {
    let id = series(&of)?;
    state.services.end_series(&actor, id, end.version, end.call_off, &end.body).await?;
    Ok(Json(whole(&state.services, &actor, id).await?))
}

//! `/api/v1/drills`: restore drills, planned, done and reported; and how long a restore takes.

use super::{Asked, Listed, created, id};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::drill::{Drill, DrillKind, DrillState, Link, Worth};
use domain::ids::{DataSetId, DrillId, HostId};
use domain::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use service::Actor;
use service::drills::{DrillEnding, DrillInput, DrillLine, DrillsQuery};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/drills", get(list).post(add))
        .route("/api/v1/drills/{id}", get(one))
        .route("/api/v1/drills/{id}/start", post(start))
        .route("/api/v1/drills/{id}/finish", post(finish))
        .route("/api/v1/drills/{id}/abandon", post(abandon))
        .route("/api/v1/hosts/{id}/restore", get(restore))
}

/// A drill as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: DrillId,
    host: HostId,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_name: Option<String>,
    /// Null for all data sets of the host.
    data_set: Option<DataSetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_set_name: Option<String>,
    kind: DrillKind,
    state: DrillState,
    worth: Worth,
    planned_at: Option<Instant>,
    started_at: Option<Instant>,
    finished_at: Option<Instant>,
    /// Until the first byte came back.
    startup: Option<String>,
    elapsed: Option<String>,
    bytes: Option<i64>,
    bytes_per_second: Option<i64>,
    who: String,
    evidence_url: Option<Link>,
    note: String,
    source: String,
    run_id: Option<String>,
    version: i64,
}

impl From<Drill> for Shown {
    fn from(drill: Drill) -> Self {
        Self {
            id: drill.id,
            host: drill.host_id,
            host_name: None,
            data_set: drill.data_set_id,
            data_set_name: None,
            kind: drill.kind,
            state: drill.state,
            worth: drill.worth(),
            planned_at: drill.planned_at,
            started_at: drill.started_at,
            finished_at: drill.finished_at,
            startup: drill.startup.map(Span::to_input),
            elapsed: drill.elapsed().map(Span::to_input),
            bytes: drill.bytes,
            bytes_per_second: drill.fact().and_then(|fact| fact.speed()),
            who: drill.who,
            evidence_url: drill.evidence,
            note: drill.note,
            source: drill.source,
            run_id: drill.key,
            version: drill.version,
        }
    }
}

impl From<DrillLine> for Shown {
    fn from(line: DrillLine) -> Self {
        Self { host_name: Some(line.host), data_set_name: line.data_set, ..line.drill.into() }
    }
}

/// A size: bytes, or a text with a unit.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Size {
    Bytes(i64),
    Text(String),
}

impl Size {
    fn text(self) -> String {
        match self {
            Self::Bytes(bytes) => bytes.to_string(),
            Self::Text(text) => text,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    host: String,
    data_set: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    planned_at: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    bytes: Option<Size>,
    startup: Option<String>,
    who: Option<String>,
    evidence_url: Option<String>,
    note: Option<String>,
    run_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StartBody {
    version: Option<i64>,
    started_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FinishBody {
    version: Option<i64>,
    status: String,
    finished_at: Option<String>,
    bytes: Option<Size>,
    startup: Option<String>,
    evidence_url: Option<String>,
    note: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AbandonBody {
    version: Option<i64>,
    note: String,
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    let query = DrillsQuery {
        host: asked.get("host").to_owned(),
        state: asked.get("state").to_owned(),
        cursor: asked.get("cursor").to_owned(),
        limit: asked.get("limit").to_owned(),
    };
    Ok(Listed::of(state.services.drills(&actor, &query).await?, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(drill): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.drill(&actor, id(&drill, "drill")?).await?.into()))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let text = Option::unwrap_or_default;
    let input = DrillInput {
        host: body.host,
        data_set: text(body.data_set),
        kind: text(body.kind),
        status: text(body.status),
        planned_at: text(body.planned_at),
        started_at: text(body.started_at),
        finished_at: text(body.finished_at),
        bytes: text(body.bytes.map(Size::text)),
        startup: text(body.startup),
        who: text(body.who),
        evidence_url: text(body.evidence_url),
        note: text(body.note),
        run_id: text(body.run_id),
    };
    let drill = state.services.add_drill(&actor, &input).await?;
    Ok(created(&format!("/api/v1/drills/{}", drill.id), Shown::from(drill)))
}

async fn start(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(drill): Path<String>,
    Input(body): Input<StartBody>,
) -> Result<Json<Shown>, Problem> {
    let started_at = body.started_at.unwrap_or_default();
    let drill = state.services.start_drill(&actor, id(&drill, "drill")?, body.version, &started_at).await?;
    Ok(Json(drill.into()))
}

async fn finish(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(drill): Path<String>,
    Input(body): Input<FinishBody>,
) -> Result<Json<Shown>, Problem> {
    let ending = DrillEnding {
        status: body.status,
        finished_at: body.finished_at.unwrap_or_default(),
        bytes: body.bytes.map(Size::text).unwrap_or_default(),
        startup: body.startup.unwrap_or_default(),
        evidence_url: body.evidence_url.unwrap_or_default(),
        note: body.note.unwrap_or_default(),
    };
    let drill = state.services.finish_drill(&actor, id(&drill, "drill")?, body.version, &ending).await?;
    Ok(Json(drill.into()))
}

async fn abandon(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(drill): Path<String>,
    Input(body): Input<AbandonBody>,
) -> Result<Json<Shown>, Problem> {
    let drill = state.services.abandon_drill(&actor, id(&drill, "drill")?, body.version, &body.note).await?;
    Ok(Json(drill.into()))
}

/// What is known of restoring a host.
#[derive(Debug, Serialize)]
struct ShownRestore {
    /// "about 7 h 20 min", or why it is not known.
    text: String,
    /// Null where it is not known.
    takes: Option<String>,
    rto: Option<String>,
    bytes: i64,
    data_sets: usize,
    without_size: usize,
    without_drill: usize,
    /// The drills it stands on.
    drills: Vec<DrillId>,
    /// Its restore was not rehearsed lately.
    overdue: bool,
}

async fn restore(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
) -> Result<Json<ShownRestore>, Problem> {
    let look = state.services.restore_of(&actor, id(&host, "host")?).await?;
    let (estimate, rto) = look.restore.map(|restore| (restore.estimate, restore.rto)).unwrap_or_default();
    Ok(Json(ShownRestore {
        text: estimate.text(),
        takes: estimate.takes.map(Span::to_input),
        rto: rto.map(Span::to_input),
        bytes: estimate.bytes,
        data_sets: estimate.data_sets,
        without_size: estimate.without_size,
        without_drill: estimate.without_drill,
        drills: estimate.drills,
        overdue: look.overdue.is_some(),
    }))
}

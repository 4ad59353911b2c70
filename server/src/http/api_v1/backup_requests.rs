//! `/api/v1/backup-requests` and `/api/v1/jobs/{id}/requests`: extra runs that somebody wants.

use super::{Asked, created, id};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ids::{JobId, MaintenanceId, RequestId, RunId};
use domain::request::{BackupRequest, RequestState};
use domain::time::Instant;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::grants::Extra;
use service::requests::LONGEST_WAIT;
use std::time::Duration;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/backup-requests", post(ask_extra))
        .route("/api/v1/backup-requests/{id}", get(one))
        .route("/api/v1/backup-requests/{id}/cancel", post(cancel))
        .route("/api/v1/jobs/{id}/requests", get(of_job).post(ask))
        .route("/api/v1/jobs/{id}/requests/fetch", post(fetch))
}

/// A request as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: RequestId,
    job_id: JobId,
    state: RequestState,
    asked_by: String,
    asked_at: Instant,
    /// The window that waits for it.
    maintenance_id: Option<MaintenanceId>,
    /// It waits for the dump that the job is to carry.
    waits: bool,
    /// When it was last sent or fetched.
    told_at: Option<Instant>,
    /// The run that results.
    run_id: Option<RunId>,
    run_started_at: Option<Instant>,
    ended_at: Option<Instant>,
    /// When it is given up.
    due_at: Option<Instant>,
    /// What went wrong last.
    problem: Option<String>,
}

impl From<BackupRequest> for Shown {
    fn from(request: BackupRequest) -> Self {
        Self {
            waits: request.waits(),
            id: request.id,
            job_id: request.job_id,
            state: request.state,
            asked_by: request.asked_by,
            asked_at: request.asked_at,
            maintenance_id: request.maintenance_id,
            told_at: request.told_at,
            run_id: request.run_id,
            run_started_at: request.run_started_at,
            ended_at: request.ended_at,
            due_at: request.due_at,
            problem: request.problem,
        }
    }
}

/// What an agent hears of its job.
#[derive(Debug, Serialize)]
struct Open {
    /// A run should begin now.
    wanted: bool,
    /// What is open, wanted now or not.
    request: Option<Shown>,
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(request): Path<String>,
) -> Result<Json<Extended>, Problem> {
    Ok(Json(state.services.request(&actor, id(&request, "request")?).await?.into()))
}

/// A request with its place in the queue.
#[derive(Debug, Serialize)]
struct Extended {
    #[serde(flatten)]
    request: Shown,
    /// Place among the open requests, from 1; none once it has ended.
    position: Option<i64>,
    /// How far the backup came that carries this dump: only then it is safe.
    carried: Option<RequestState>,
    /// Where to ask how far it came.
    status_url: String,
}

impl From<Extra> for Extended {
    fn from(extra: Extra) -> Self {
        Self {
            status_url: format!("/api/v1/backup-requests/{}", extra.request.id),
            request: extra.request.into(),
            position: extra.position,
            carried: extra.carrier.map(|carrier| carrier.state),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    data_set: String,
}

/// 201 for a new request, 200 for the one that is open already.
async fn ask_extra(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let (extra, is_new) = state.services.request_extra(&actor, &body.data_set).await?;
    let shown = Extended::from(extra);
    let place = shown.status_url.clone();
    Ok(if is_new { created(&place, shown) } else { Json(shown).into_response() })
}

async fn cancel(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(request): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.cancel_request(&actor, id(&request, "request")?).await?.into()))
}

async fn of_job(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    asked: Asked,
) -> Result<Json<Open>, Problem> {
    let wait = match asked.get("wait").trim() {
        "" => Duration::ZERO,
        text => text.parse().map(Duration::from_secs).map_err(|_| {
            Problem::field("wait", format!("Wait a whole number of seconds, at most {}.", LONGEST_WAIT.as_secs()))
        })?,
    };
    let open = state.services.job_request(&actor, id(&job, "job")?, wait).await?;
    Ok(Json(match open {
        Some((request, wanted)) => Open { wanted, request: Some(request.into()) },
        None => Open { wanted: false, request: None },
    }))
}

async fn ask(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    let request = state.services.request_backup(&actor, id(&job, "job")?).await?;
    let place = format!("/api/v1/backup-requests/{}", request.id);
    Ok(created(&place, Shown::from(request)))
}

async fn fetch(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    Ok(match state.services.fetch_request(&actor, id(&job, "job")?).await? {
        Some(request) => Json(Shown::from(request)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

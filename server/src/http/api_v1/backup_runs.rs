//! `/api/v1/backup-runs`: reports in our own format, and the runs they made.

use super::{Asked, Listed, id};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::routing::get;
use axum::{Json, Router};
use domain::ids::{DataSetId, HostId, JobId, RunId};
use domain::run::RunState;
use domain::time::Instant;
use http::HeaderMap;
use serde::Serialize;
use service::Actor;
use service::runs::{Receipt, ReportInput, RunsQuery};
use storage::run::RunLine;

/// Largest report, in bytes; of `raw` in it the last 100 kB are kept.
pub(crate) const BODY_LIMIT: usize = 4 * 1024 * 1024;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/backup-runs", get(list).post(report))
        .route("/api/v1/backup-runs/{id}", get(one))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// A run as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: RunId,
    job: JobId,
    job_name: String,
    data_set: DataSetId,
    data_set_name: String,
    host: HostId,
    host_name: String,
    run_id: String,
    state: RunState,
    started_at: Instant,
    start_assumed: bool,
    finished_at: Option<Instant>,
    dry_run: bool,
    partial: bool,
    clock_fault: bool,
    received_at: Instant,
    bytes: Option<i64>,
    files: Option<i64>,
    snapshot_id: Option<String>,
    exit_code: Option<i32>,
}

impl From<RunLine> for Shown {
    fn from(line: RunLine) -> Self {
        let run = line.run;
        Self {
            id: run.id,
            job: run.job_id,
            job_name: line.job,
            data_set: line.data_set_id,
            data_set_name: line.data_set,
            host: line.host_id,
            host_name: line.host,
            run_id: run.key,
            state: run.state,
            started_at: run.started_at,
            start_assumed: run.start_assumed,
            finished_at: run.finished_at,
            dry_run: run.dry_run,
            partial: run.partial,
            clock_fault: run.clock_fault,
            received_at: run.received_at,
            bytes: run.bytes,
            files: run.files,
            snapshot_id: run.snapshot,
            exit_code: run.exit_code,
        }
    }
}

/// One run, with its output.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    run: Shown,
    /// Why it protects nothing; null where it does.
    why_not_good: Option<&'static str>,
    log: Option<String>,
}

async fn report(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Input(report): Input<ReportInput>,
) -> Result<Json<Receipt>, Problem> {
    let key = super::idempotency_key(&headers)?;
    Ok(Json(state.services.report(&actor, key, &report).await?))
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    let query = RunsQuery {
        job: asked.get("job").to_owned(),
        host: asked.get("host").to_owned(),
        state: asked.get("state").to_owned(),
        cursor: asked.get("cursor").to_owned(),
        limit: asked.get("limit").to_owned(),
    };
    Ok(Listed::of(state.services.runs(&actor, &query).await?, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(run): Path<String>,
) -> Result<Json<Whole>, Problem> {
    let view = state.services.run(&actor, id(&run, "run")?).await?;
    Ok(Json(Whole { run: view.line.into(), why_not_good: view.why_not_good, log: view.log }))
}

//! `/api/v1/jobs`

use super::{Asked, Listed, Read, created, id, sent, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::backup::Job;
use domain::ids::{DataSetId, JobId};
use domain::run::Series;
use domain::time::Instant;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service::inventory::{JobInput, PingAddress};
use service::{Actor, Error, Services};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/jobs", get(list).post(add))
        .route("/api/v1/jobs/{id}", get(one).patch(edit).delete(delete))
        .route("/api/v1/jobs/{id}/series", get(series))
        .route("/api/v1/jobs/{id}/enable", post(enable))
        .route("/api/v1/jobs/{id}/disable", post(disable))
        .route("/api/v1/jobs/{id}/rotate-ping", post(rotate_ping))
        .route("/api/v1/jobs/{id}/retire", post(retire))
}

/// A job as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: JobId,
    data_set_id: DataSetId,
    name: String,
    tool: String,
    carried_by: Option<JobId>,
    enabled: bool,
    every: String,
    max_duration: String,
    /// Only for one job, and only for those who may edit it: who knows the address can report.
    #[serde(skip_serializing_if = "Option::is_none")]
    ping_url: Option<String>,
    retired_at: Option<Instant>,
    version: i64,
}

impl From<Job> for Shown {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            data_set_id: job.data_set_id,
            name: job.name.into(),
            tool: job.tool,
            carried_by: job.carried_by,
            enabled: job.enabled,
            every: job.every.to_input(),
            max_duration: job.max_duration.to_input(),
            ping_url: None,
            retired_at: job.retired_at,
            version: job.version,
        }
    }
}

async fn with_ping(services: &Services, actor: &Actor, job: Job) -> Result<Shown, Error> {
    let ping_url = match services.ping_address(actor, job.id).await? {
        PingAddress::Known(url) => Some(url),
        PingAddress::Hidden | PingAddress::Forgotten => None,
    };
    Ok(Shown { ping_url, ..job.into() })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    /// Only to add: a job stays with its data set.
    data_set_id: Option<String>,
    name: Option<String>,
    tool: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    carried_by: Option<Option<String>>,
    every: Option<String>,
    max_duration: Option<String>,
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: JobInput) -> JobInput {
        JobInput {
            name: self.name.unwrap_or(stored.name),
            tool: self.tool.unwrap_or(stored.tool),
            carried_by: self.carried_by.map_or(stored.carried_by, Option::unwrap_or_default),
            every: self.every.unwrap_or(stored.every),
            max_duration: self.max_duration.unwrap_or(stored.max_duration),
        }
    }
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    Ok(Listed::of(state.services.jobs(&actor, asked.get("data_set_id"), &asked.list()).await?, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let job = state.services.job(&actor, id(&job, "job")?).await?;
    Ok(Json(with_ping(&state.services, &actor, job).await?))
}

/// The last runs of the job in a row, oldest first.
async fn series(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
) -> Result<Json<Series>, Problem> {
    Ok(Json(state.services.run_series(&actor, id(&job, "job")?).await?))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let data_set: DataSetId = body
        .data_set_id
        .as_deref()
        .unwrap_or_default()
        .parse()
        .map_err(|_| Problem::field("data_set_id", "Send the id of the data set that it protects."))?;
    let job = state.services.add_job(&actor, data_set, body.over(JobInput::default())).await?;
    let place = format!("/api/v1/jobs/{}", job.id);
    Ok(created(&place, with_ping(&state.services, &actor, job).await?))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let job = id(&job, "job")?;
    let read = version(body.version)?;
    let stored = state.services.job(&actor, job).await?;
    if body.data_set_id.as_ref().is_some_and(|data_set| *data_set != stored.data_set_id.to_string()) {
        return Err(Problem::field("data_set_id", "A job stays with its data set. Add another one there."));
    }
    let stored = JobInput {
        name: stored.name.into(),
        tool: stored.tool,
        carried_by: stored.carried_by.map(|carrier| carrier.to_string()).unwrap_or_default(),
        every: stored.every.to_input(),
        max_duration: stored.max_duration.to_input(),
    };
    let job = state.services.edit_job(&actor, job, read, body.over(stored)).await?;
    Ok(Json(with_ping(&state.services, &actor, job).await?))
}

async fn switch(state: AppState, actor: Actor, job: String, read: Read, enabled: bool) -> Result<Json<Shown>, Problem> {
    let job = state.services.set_job_enabled(&actor, id(&job, "job")?, read.version, enabled).await?;
    Ok(Json(with_ping(&state.services, &actor, job).await?))
}

async fn enable(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    switch(state, actor, job, read, true).await
}

async fn disable(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    switch(state, actor, job, read, false).await
}

async fn rotate_ping(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    let job = state.services.rotate_ping(&actor, id(&job, "job")?, read.version).await?;
    Ok(Json(with_ping(&state.services, &actor, job).await?))
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.retire_job(&actor, id(&job, "job")?, read.version).await?.into()))
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_job(&actor, id(&job, "job")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/api/v1/jobs/{id}/trigger`: how a job's backup system is told that an extra run is wanted.

use super::{Asked, id};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::routing::get;
use axum::{Json, Router};
use domain::trigger::{Template, Trigger};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service::triggers::{StoredTrigger, TriggerInput};
use service::{Actor, Error};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/jobs/{id}/trigger", get(one).put(set).delete(delete))
}

/// A trigger as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    /// Only its server for those who may not edit it.
    url: String,
    template: Template,
    remote_name: String,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    version: i64,
}

impl From<Trigger> for Shown {
    fn from(trigger: Trigger) -> Self {
        let Trigger { url, template, remote_name, version, .. } = trigger;
        Self { url, template, remote_name, secret: None, version }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Missing for a job's first trigger.
    version: Option<i64>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    template: String,
    #[serde(default)]
    remote_name: String,
    /// Makes a new secret.
    #[serde(default)]
    rotate: bool,
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let found = state.services.trigger(&actor, id(&job, "job")?).await?;
    Ok(Json(found.ok_or(Error::NotFound("trigger"))?.into()))
}

async fn set(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let input = TriggerInput { url: body.url, template: body.template, remote_name: body.remote_name };
    let stored = state.services.set_trigger(&actor, id(&job, "job")?, body.version, &input, body.rotate).await?;
    let StoredTrigger { trigger, secret } = stored;
    Ok(Json(Shown { secret: secret.map(|secret| secret.expose_secret().to_owned()), ..trigger.into() }))
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_trigger(&actor, id(&job, "job")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

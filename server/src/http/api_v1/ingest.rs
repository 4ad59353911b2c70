//! `/api/v1/ingest/{tool}`: what backup tools write by themselves, sent as it is.
//!
//! Any `Content-Type` will do: what the body is the tool decides, not who sends it.

use super::Asked;
use crate::http::problem::{Problem, unreadable};
use crate::router::AppState;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use service::Actor;
use service::runs::{Ingested, Output};

/// Where outputs are sent.
pub(crate) const PREFIX: &str = "/api/v1/ingest/";
/// Largest output, in bytes; the last 100 kB of it are kept.
pub(crate) const BODY_LIMIT: usize = 4 * 1024 * 1024;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/ingest/{tool}", post(take)).layer(DefaultBodyLimit::max(BODY_LIMIT))
}

async fn take(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(tool): Path<String>,
    asked: Asked,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Ingested>, Problem> {
    let body = body.map_err(|rejection| unreadable(rejection.status()))?;
    let key = super::idempotency_key(&headers)?;
    let asked = asked.0.into_iter().collect();
    let output = Output { tool: &tool, asked: &asked, body: &body };
    Ok(Json(state.services.ingest(&actor, key, &output).await?))
}

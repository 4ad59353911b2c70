//! `/api/push/{token}`: tools report by one call, as they do to a push monitor of Uptime Kuma.
//!
//! The token is the secret in the job's ping address, and this changes something by GET for the
//! same reason as there. Uptime Kuma takes a push without a status as a good one; here it is
//! refused, for it would open a gate. borgmatic pushes `status=up` with `msg=start` when it begins.

use crate::router::AppState;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::run::Signal;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use service::Error;
use service::runs::Ping;
use uuid::Uuid;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/api/push/{token}", get(push).post(push)).method_not_allowed_fallback(wrong_method)
}

async fn wrong_method() -> Response {
    say(StatusCode::METHOD_NOT_ALLOWED, "Use GET or POST.")
}

async fn push(State(state): State<AppState>, Path(token): Path<String>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let text = |asked: &str| {
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == asked);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let Ok(address) = Uuid::parse_str(&token) else { return unknown() };
    let (status, msg) = (text("status"), text("msg"));
    let Some(signal) = Signal::of_push(&status, &msg) else {
        return say(StatusCode::BAD_REQUEST, "status: say up or down.");
    };
    let log = msg.into_bytes();
    match state.services.ping(address, Ping { log, ..Ping::new(signal) }).await {
        Ok(_) => answer(StatusCode::OK, json!({"ok": true})),
        Err(Error::NotFound(_)) => unknown(),
        Err(error @ Error::Refused { .. }) => say(StatusCode::CONFLICT, &error.to_string()),
        Err(error) => say(crate::web::status(&error), &error.to_string()),
    }
}

/// In the words that clients know.
fn unknown() -> Response {
    say(StatusCode::NOT_FOUND, "Monitor not found or not active.")
}

fn say(status: StatusCode, text: &str) -> Response {
    answer(status, json!({"ok": false, "msg": text}))
}

fn answer(status: StatusCode, body: serde_json::Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

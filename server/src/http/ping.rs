//! `/ping/{uuid}`: backup tools report by one call, as they do to Healthchecks.
//!
//! The address is the secret. This is the one place where GET and HEAD change something: it is
//! for machines only, shown to nobody but those who set up a job, and no page links to it.
//!
//! Beside Healthchecks' `rid` a query may say `started_at`, `finished_at` (RFC 3339) and `bytes`: a report that
//! is sent late, by a host that could not reach us, still carries its true times. `/ping/{uuid}/wanted` asks whether
//! an extra run is wanted; there GET only looks.

use crate::router::AppState;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::{Bytes, BytesMut};
use domain::run::Signal;
use futures::StreamExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use service::Error;
use service::runs::{LOG_LIMIT, Ping};
use uuid::Uuid;

/// Largest body, in bytes; the last 100 kB of it are kept.
pub(crate) const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Tells clients how much of their output is kept.
const PING_BODY_LIMIT: HeaderName = HeaderName::from_static("ping-body-limit");

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/ping/{address}", get(success).post(success))
        .route("/ping/{address}/", get(success).post(success))
        .route("/ping/{address}/wanted", get(is_wanted).post(fetch_wanted))
        .route("/ping/{address}/{signal}", get(other).post(other))
        .route("/ping/{address}/{signal}/", get(other).post(other))
        .method_not_allowed_fallback(wrong_method)
}

async fn wrong_method() -> Response {
    say(StatusCode::METHOD_NOT_ALLOWED, "use HEAD, GET or POST")
}

async fn success(
    State(state): State<AppState>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Response {
    take(state, &address, Signal::Success, query, body).await
}

async fn other(
    State(state): State<AppState>,
    Path((address, signal)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Response {
    let signal = match signal.as_str() {
        "start" => Signal::Start,
        "fail" => Signal::Fail,
        "log" => Signal::Log,
        code => match exit_code(code) {
            Some(code) => Signal::Exit(code),
            None => return say(StatusCode::BAD_REQUEST, "after the id: start, fail, log or an exit code, 0 to 255"),
        },
    };
    take(state, &address, signal, query, body).await
}

/// Looks whether an extra run is wanted: 200 `wanted`, or 204.
async fn is_wanted(State(state): State<AppState>, Path(address): Path<String>) -> Response {
    let Ok(address) = Uuid::parse_str(&address) else { return say(StatusCode::NOT_FOUND, "not found") };
    wanted(state.services.is_wanted(address).await)
}

/// The same from an agent that is about to begin the run: others are not told for a while.
async fn fetch_wanted(State(state): State<AppState>, Path(address): Path<String>) -> Response {
    let Ok(address) = Uuid::parse_str(&address) else { return say(StatusCode::NOT_FOUND, "not found") };
    wanted(state.services.fetch_wanted(address).await)
}

fn wanted(answer: Result<bool, Error>) -> Response {
    match answer {
        Ok(true) => say(StatusCode::OK, "wanted"),
        Ok(false) => say(StatusCode::NO_CONTENT, ""),
        Err(Error::NotFound(_)) => say(StatusCode::NOT_FOUND, "not found"),
        Err(error) => say(crate::web::status(&error), error.to_string()),
    }
}

fn exit_code(text: &str) -> Option<i32> {
    let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|code| digits && (0..=255).contains(code))
}

async fn take(state: AppState, address: &str, signal: Signal, query: Option<String>, body: Body) -> Response {
    let Ok(address) = Uuid::parse_str(address) else { return say(StatusCode::NOT_FOUND, "not found") };
    let query = query.unwrap_or_default();
    let said = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    let Ok(log) = last_part(body).await else {
        return say(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or was cut off");
    };
    let ping = Ping {
        signal,
        rid: said("rid"),
        started_at: said("started_at"),
        finished_at: said("finished_at"),
        bytes: said("bytes"),
        log: log.to_vec(),
    };
    match state.services.ping(address, ping).await {
        Ok(_) => say(StatusCode::OK, "OK"),
        Err(Error::NotFound(_)) => say(StatusCode::NOT_FOUND, "not found"),
        Err(Error::Invalid(fields)) => {
            let wrong: Vec<String> = fields.into_iter().map(|e| e.message).collect();
            say(StatusCode::BAD_REQUEST, wrong.join(" "))
        }
        Err(error @ Error::Refused { .. }) => say(StatusCode::CONFLICT, error.to_string()),
        Err(error) => say(crate::web::status(&error), error.to_string()),
    }
}

/// The end of a body, in bounded memory: what went wrong stands last.
async fn last_part(body: Body) -> Result<Bytes, axum::Error> {
    let hint = body.size_hint().lower().min(2 * LOG_LIMIT as u64);
    let mut kept = BytesMut::with_capacity(usize::try_from(hint).unwrap_or(0));
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        kept.extend_from_slice(&chunk[chunk.len().saturating_sub(LOG_LIMIT)..]);
        if kept.len() > 2 * LOG_LIMIT {
            let _ = kept.split_to(kept.len() - LOG_LIMIT);
        }
    }
    Ok(kept.freeze())
}

fn say(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = (status, text.into()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PING_BODY_LIMIT, HeaderValue::from(LOG_LIMIT));
    response
}

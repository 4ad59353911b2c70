//! Calendars over HTTP (CAL-12 to CAL-14). The page cache in front of them adds validators, answers HEAD and
//! conditional requests, and goes on with the last good text while the database is away.

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use domain::ids::MaintenanceId;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LAST_MODIFIED};
use http::{HeaderValue, StatusCode};
use service::public::CalendarFile;
use service::{Actor, Error};
use std::time::SystemTime;
use tower_sessions::Session;

use crate::cache::{MARK, Mark};
use crate::router::AppState;
use crate::web;

/// What clients are told: the MIME parameter repeats the METHOD of the text (RFC 5545 §3.7.2).
const CALENDAR: HeaderValue = HeaderValue::from_static("text/calendar; charset=utf-8; method=PUBLISH");
/// How long others may keep a calendar unasked.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// `GET /calendar.ics`: every published window.
pub async fn calendar(State(state): State<AppState>) -> Response {
    match state.services.calendar_feed().await {
        Ok(file) => answer("/calendar.ics", file),
        Err(error) => refused(&error),
    }
}

/// `GET /maintenance/{id}`: the page of a window, or with `.ics` at its end the window as a file to save.
pub async fn window(
    state: State<AppState>,
    actor: Extension<Actor>,
    session: Option<Extension<Session>>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let Some(id) = path.strip_prefix("/maintenance/").and_then(|name| name.strip_suffix(".ics")) else {
        return web::page(state, actor, session, request).await;
    };
    let Ok(id) = id.parse::<MaintenanceId>() else { return StatusCode::NOT_FOUND.into_response() };
    match state.services.calendar_of(id).await {
        Ok(file) => {
            let mut response = answer(path, file);
            let name = HeaderValue::from_static("attachment; filename=\"maintenance.ics\"");
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
            response
        }
        Err(error) => refused(&error),
    }
}

fn answer(path: &str, file: CalendarFile) -> Response {
    let modified = httpdate::fmt_http_date(SystemTime::from(file.modified_at));
    let mut response = Response::new(Body::from(file.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, CALENDAR);
    headers.insert(CACHE_CONTROL, KEPT);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Ok(modified) = HeaderValue::try_from(modified) {
        headers.insert(LAST_MODIFIED, modified);
    }
    headers.insert(MARK, Mark::public().key(path).header());
    response
}

/// Without a body: the shell around writes the page. Never a 410, after which clients do not ask again.
fn refused(error: &Error) -> Response {
    match error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
    .into_response()
}

//! `/reports/YYYY-MM`: the page of a report, and with `.csv` or `.json` at its end the same as a file. The page cache in
//! front of them adds validators and answers conditional requests.

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use service::{Actor, Error};
use tower_sessions::Session;

use crate::cache::{MARK, Mark};
use crate::router::AppState;
use crate::web;

/// How long others may keep a report unasked: corrections are to be seen.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// `GET /reports/{month}`
pub async fn report(
    state: State<AppState>,
    actor: Extension<Actor>,
    session: Option<Extension<Session>>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let name = path.strip_prefix("/reports/").unwrap_or_default();
    if let Some(month) = name.strip_suffix(".csv") {
        return file(&state, month, "text/csv; charset=utf-8", |report| Ok(report.csv())).await;
    }
    if let Some(month) = name.strip_suffix(".json") {
        return file(&state, month, "application/json", service::reports::PublicReport::json).await;
    }
    web::page(state, actor, session, request).await
}

async fn file(
    State(state): &State<AppState>,
    month: &str,
    kind: &'static str,
    write: impl Fn(&service::reports::PublicReport) -> Result<String, serde_json::Error>,
) -> Response {
    let report = match state.services.public_report(month).await {
        Ok(report) => report,
        // Without a body: the shell around writes the page.
        Err(Error::NotFound(_)) => return StatusCode::NOT_FOUND.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let Ok(text) = write(&report) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, KEPT);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if kind.starts_with("text/csv")
        && let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"report-{}.csv\"", report.content.month))
    {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    // The same in each zone: it answers for whatever was asked.
    headers.insert(MARK, Mark::public().header());
    response
}

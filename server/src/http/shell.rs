//! What surrounds every request that is not answered from memory: a name, a time limit, a size limit, the check where
//! a form came from, and one line in the log. A panic below becomes an error page; the process goes on.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use http_body_util::Limited;
use hyper::body::Body as _;
use ipnet::IpNet;
use tracing::Instrument;

use super::client::{ClientIp, Peer, client_ip};
use super::error_page::{Reader, error_page, usual_detail};
use super::problem::AWAY_S;
use super::request_id::{REQUEST_ID, RequestId};
use super::{api_v1, csrf, headers, ping};
use crate::telemetry::Metrics;

/// The usual [`Shell::time_limit`].
pub const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Largest body, in bytes, unless the path is in [`LARGER`].
const BODY_LIMIT: usize = 256 * 1024;
/// Paths that take more.
const LARGER: [(&str, usize); 6] = [
    ("/api/v1/import", 64 * 1024 * 1024),
    ("/api/v1/backup-runs", api_v1::backup_runs::BODY_LIMIT),
    ("/api/v1/metrics/", api_v1::metrics::BODY_LIMIT),
    (api_v1::ingest::PREFIX, api_v1::ingest::BODY_LIMIT),
    (api_v1::alerts::PREFIX, api_v1::alerts::BODY_LIMIT),
    ("/ping/", ping::BODY_LIMIT),
];

/// What the shell knows.
#[derive(Debug)]
pub struct Shell {
    /// The origin of our own pages.
    pub origin: String,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted: Vec<IpNet>,
    /// For error pages; may be empty.
    pub stylesheet: String,
    /// Longest time until an answer's head is ready, the body's arrival included. Streams go on after it.
    pub time_limit: Duration,
    /// Counts requests.
    pub metrics: Metrics,
}

impl Shell {
    /// Whether people reach us over TLS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

/// A refusal before any handler runs.
struct Refusal(StatusCode, String);

/// The middleware around the router.
pub async fn around(State(shell): State<Arc<Shell>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let reader = Reader::of(&path, request.headers());
    // The route as it is written in the router: what was typed may hold tokens and addresses.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let page = |status, detail: &str| error_page(reader, status, detail, &id, &shell.stylesheet);

    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    if let Some(peer) = peer {
        let client = ClientIp(client_ip(peer, request.headers(), &shell.trusted));
        request.extensions_mut().insert(client);
    }
    request.headers_mut().insert(REQUEST_ID, id.header());
    request.extensions_mut().insert(id);

    let mut response = match guard(&shell, request) {
        Err(Refusal(status, detail)) => page(status, &detail),
        Ok(request) => {
            let span = tracing::info_span!("request", request_id = %id);
            let work = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span);
            match tokio::time::timeout(shell.time_limit, work).await {
                Ok(Ok(response)) => response,
                Ok(Err(panic)) => {
                    tracing::error!(request_id = %id, route, panic = words(&*panic), "a handler panicked");
                    page(StatusCode::INTERNAL_SERVER_ERROR, usual_detail(StatusCode::INTERNAL_SERVER_ERROR))
                }
                Err(_) => page(StatusCode::SERVICE_UNAVAILABLE, usual_detail(StatusCode::SERVICE_UNAVAILABLE)),
            }
        }
    };
    if is_bare_error(&response) {
        let (parts, _) = response.into_parts();
        response = page(parts.status, usual_detail(parts.status));
        for (name, value) in &parts.headers {
            if name != CONTENT_LENGTH {
                response.headers_mut().append(name, value.clone());
            }
        }
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from(AWAY_S));
    }
    headers::complete(response.headers_mut(), &path, shell.is_https());
    response.headers_mut().insert(REQUEST_ID, id.header());

    let (status, duration) = (response.status().as_u16(), started.elapsed());
    shell.metrics.request(known_method(&method), &route, status, duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if status >= 500 {
        tracing::warn!(request_id = %id, %method, route, status, duration_ms, "answered");
    } else {
        tracing::info!(request_id = %id, %method, route, status, duration_ms, "answered");
    }
    response
}

fn guard(shell: &Shell, request: Request) -> Result<Request, Refusal> {
    let path = request.uri().path();
    csrf::check(request.method(), path, request.headers(), &shell.origin).map_err(|foreign| {
        let given = foreign.given.map_or_else(|| "no origin".to_owned(), |origin| format!("the origin “{origin}”"));
        Refusal(
            StatusCode::FORBIDDEN,
            format!(
                "This form did not come from {}: the browser named {given}. Open the page there and send it again. \
                 If that is the address you used, the operator must set public_url to it.",
                shell.origin
            ),
        )
    })?;
    let limit = LARGER.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or(BODY_LIMIT, |(_, limit)| *limit);
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("At most {} KiB are taken here in one request.", limit / 1024),
        ));
    }
    Ok(request.map(|body| Body::new(Limited::new(body, limit))))
}

/// An error for which nobody has written a word.
fn is_bare_error(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && !response.headers().contains_key(CONTENT_TYPE) && response.body().size_hint().exact() == Some(0)
}

/// Methods are typed by clients; a counter has a place only for those that exist.
fn known_method(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("other")
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

//! What machines ask about the server itself: is it up, can it work, how is it doing.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Metrics;

/// Longest wait for the database before we call ourselves not ready.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// Asks whatever the server cannot work without; `Err` says what does not answer.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Makes a [`Ready`] of a closure.
pub fn ready<F, Fut>(ask: F) -> Ready
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(ask()))
}

/// What the probes look at.
#[derive(Clone)]
pub struct Probes {
    /// Whether the database answers.
    pub ready: Ready,
    /// Set when the server is going down: a load balancer should send people elsewhere.
    pub shutdown: CancellationToken,
    /// The numbers.
    pub metrics: Metrics,
    /// Opens `/metrics` on the public listener.
    pub token: Option<SecretString>,
}

/// `/healthz`, `/readyz`, and `/metrics` for those who have the token.
pub fn public(probes: Probes) -> Router {
    let mut router = Router::new().route("/healthz", get(health)).route("/readyz", get(readiness));
    if probes.token.is_some() {
        router = router.route("/metrics", get(metrics_with_token));
    }
    router.with_state(probes)
}

/// All three, for a listener that only this machine can reach.
pub fn local(probes: Probes) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .with_state(probes)
}

async fn health() -> &'static str {
    "ok\n"
}

async fn readiness(State(probes): State<Probes>) -> Response {
    if probes.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "going down\n").into_response();
    }
    match tokio::time::timeout(READY_LIMIT, (probes.ready)()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(cause)) => {
            tracing::warn!(cause, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
        Err(_) => {
            tracing::warn!(limit_ms = READY_LIMIT.as_millis(), "not ready: the database takes too long");
            (StatusCode::SERVICE_UNAVAILABLE, "the database takes too long\n").into_response()
        }
    }
}

async fn metrics(State(probes): State<Probes>) -> Response {
    match probes.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "printing the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn metrics_with_token(state: State<Probes>, request: Request) -> Response {
    let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    let opens = state.token.as_ref().is_some_and(|token| bool::from(token.expose_secret().as_bytes().ct_eq(given)));
    if opens { metrics(state).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

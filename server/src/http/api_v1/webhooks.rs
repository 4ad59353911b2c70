//! `/api/v1/webhooks`: programs that hear what subscribers hear.

use super::{Asked, Listed, Read, created, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ids::{ComponentId, NotificationId, WebhookId};
use domain::people::Permission;
use domain::subscriber::Topics;
use domain::time::Instant;
use domain::webhook::{OffReason, Webhook, WebhookState};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::deliveries::Standing;
use service::inventory::Page;
use service::webhooks::{StoredWebhook, WebhookCall, WebhookInput, WebhookLine};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/webhooks", get(list).post(add))
        .route("/api/v1/webhooks/{id}", get(one).patch(edit).delete(delete))
        .route("/api/v1/webhooks/{id}/rotate", post(rotate))
        .route("/api/v1/webhooks/{id}/pause", post(pause))
        .route("/api/v1/webhooks/{id}/resume", post(resume))
        .route("/api/v1/webhooks/{id}/test", post(test))
        .route("/api/v1/webhooks/{id}/calls", get(calls))
        .route("/api/v1/webhooks/{id}/calls/{notification}/again", post(again))
}

/// A webhook as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: WebhookId,
    name: String,
    /// Only its server for those who may not administer.
    url: String,
    components: Vec<ComponentId>,
    topics: Topics,
    state: WebhookState,
    off_reason: Option<OffReason>,
    off_at: Option<Instant>,
    failing_since: Option<Instant>,
    /// The address of the subscription it goes with; none for those of the site.
    subscriber: Option<String>,
    created_at: Instant,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    version: i64,
}

impl From<Webhook> for Shown {
    fn from(w: Webhook) -> Self {
        Self {
            id: w.id,
            name: w.name.to_string(),
            url: w.url,
            components: w.components,
            topics: w.topics,
            state: w.state,
            off_reason: w.off,
            off_at: w.off_at,
            failing_since: w.failing_since,
            subscriber: None,
            created_at: w.created_at,
            secret: None,
            version: w.version,
        }
    }
}

impl From<WebhookLine> for Shown {
    fn from(line: WebhookLine) -> Self {
        Self { subscriber: line.owner, ..line.webhook.into() }
    }
}

impl From<StoredWebhook> for Shown {
    fn from(stored: StoredWebhook) -> Self {
        Self { secret: Some(stored.secret.expose_secret().to_owned()), ..stored.webhook.into() }
    }
}

/// A call as programs see it.
#[derive(Debug, Serialize)]
struct ShownCall {
    notification: NotificationId,
    told_at: Instant,
    state: &'static str,
    tries: i64,
    next_try_at: Option<Instant>,
    done_at: Option<Instant>,
    error: Option<String>,
}

impl From<WebhookCall> for ShownCall {
    fn from(call: WebhookCall) -> Self {
        let (state, waits) = match call.standing {
            Standing::Waits => ("waiting", true),
            Standing::TriesAgain => ("retrying", true),
            Standing::InHand => ("calling", false),
            Standing::Sent => ("sent", false),
            Standing::Failed => ("failed", false),
            Standing::LackedServer | Standing::NotNeeded => ("dropped", false),
        };
        Self {
            notification: call.notification,
            told_at: call.told_at,
            state,
            tries: call.attempts,
            next_try_at: waits.then_some(call.due_at),
            done_at: call.done_at,
            error: call.error,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    name: Option<String>,
    url: Option<String>,
    components: Option<Vec<String>>,
    topics: Option<Vec<String>>,
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: WebhookInput) -> WebhookInput {
        WebhookInput {
            name: self.name.unwrap_or(stored.name),
            url: self.url.unwrap_or(stored.url),
            components: self.components.unwrap_or(stored.components),
            // An empty list that was sent is an answer, and a wrong one.
            topics: match self.topics {
                Some(topics) if topics.is_empty() => vec![String::new()],
                Some(topics) => topics,
                None => stored.topics,
            },
        }
    }
}

fn webhook(text: &str) -> Result<WebhookId, Problem> {
    id(text, "webhook")
}

/// A secret is in it: nobody keeps it on the way.
fn once(mut response: Response) -> Response {
    response.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<Shown>>, Problem> {
    let items = state.services.webhooks(&actor).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.webhook(&actor, webhook(&of)?).await?.into()))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let added = state.services.add_webhook(&actor, &body.over(WebhookInput::default())).await?;
    Ok(once(created(&format!("/api/v1/webhooks/{}", added.webhook.id), Shown::from(added))))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    actor.require(Permission::Administer)?;
    let (id, read) = (webhook(&of)?, version(body.version)?);
    let stored = WebhookInput::of(&state.services.webhook(&actor, id).await?.webhook);
    Ok(Json(state.services.edit_webhook(&actor, id, read, &body.over(stored)).await?.into()))
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_webhook(&actor, webhook(&of)?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Response, Problem> {
    let rotated = state.services.rotate_webhook(&actor, webhook(&of)?, read.version).await?;
    Ok(once(Json(Shown::from(rotated)).into_response()))
}

async fn pause(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.pause_webhook(&actor, webhook(&of)?, read.version).await?.into()))
}

async fn resume(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.resume_webhook(&actor, webhook(&of)?, read.version).await?.into()))
}

async fn test(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<StatusCode, Problem> {
    state.services.test_webhook(&actor, webhook(&of)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn calls(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Listed<ShownCall>>, Problem> {
    let items = state.services.webhook_calls(&actor, webhook(&of)?).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, ShownCall::from))
}

async fn again(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path((of, notification)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    state.services.call_webhook_again(&actor, webhook(&of)?, id(&notification, "call")?).await?;
    Ok(StatusCode::ACCEPTED)
}

//! `/api/v1/tokens`

use super::{Listed, id};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use domain::ids::{DataSetId, TokenId};
use domain::people::{ApiToken, Scope};
use domain::time::Instant;
use http::{HeaderValue, StatusCode, header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::grants::GrantInput;
use service::inventory::Page;
use service::people::tokens::NewToken;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/tokens", get(list).post(add))
        .route("/api/v1/tokens/{id}", delete(revoke))
        .route("/api/v1/tokens/{id}/grant", put(grant))
}

/// A token as programs see it. `token` is there only in the answer that makes it.
#[derive(Debug, Serialize)]
struct Shown {
    id: TokenId,
    name: String,
    scopes: Vec<Scope>,
    created_at: Instant,
    expires_at: Option<Instant>,
    last_used_at: Option<Instant>,
    revoked_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<ApiToken> for Shown {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name.into(),
            scopes: token.scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
            token: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    /// "90 d"; without it the token is valid until it is revoked.
    #[serde(default)]
    valid_for: String,
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<Shown>>, Problem> {
    let items = state.services.tokens(&actor).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, Shown::from))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let new = NewToken { name: body.name, scopes: body.scopes, valid_for: body.valid_for };
    let made = state.services.add_token(&actor, &new).await?;
    let token = Some(made.text.expose_secret().to_owned());
    let mut response = (StatusCode::CREATED, Json(Shown { token, ..Shown::from(made.token) })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn revoke(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.revoke_token(&actor, id(&token, "token")?).await?.into()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    #[serde(default)]
    data_sets: Vec<String>,
    per_day: Option<i64>,
}

/// What a token of scope `backup:request` may ask for.
#[derive(Debug, Serialize)]
struct GrantShown {
    data_sets: Vec<DataSetId>,
    per_day: i64,
    /// The page of its holder; the address is the secret.
    page_url: Option<String>,
}

async fn grant(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
    Input(body): Input<GrantBody>,
) -> Result<Json<GrantShown>, Problem> {
    let token = id(&token, "token")?;
    let per_day = body.per_day.map(|n| n.to_string()).unwrap_or_default();
    let input = GrantInput { data_sets: body.data_sets, per_day };
    let grant = state.services.set_grant(&actor, token, &input).await?;
    let page_url = state.services.token_view(&actor, token).await?.page;
    Ok(Json(GrantShown { data_sets: grant.data_sets, per_day: grant.per_day, page_url }))
}

//! `/api/v1/templates`: texts to begin messages with.

use super::{Asked, Listed, Read, created, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ids::TemplateId;
use domain::template::MessageTemplate;
use serde::Deserialize;
use service::Actor;
use service::inventory::Page;
use service::templates::TemplateInput;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/templates", get(list).post(add))
        .route("/api/v1/templates/{id}", get(one).patch(edit))
        .route("/api/v1/templates/{id}/retire", post(retire))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    version: Option<i64>,
    name: Option<String>,
    used_for: Option<String>,
    title: Option<String>,
    body: Option<String>,
}

impl Body {
    /// What was sent alone.
    pub(super) fn input(&self) -> TemplateInput {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        TemplateInput {
            name: text(&self.name),
            used_for: text(&self.used_for),
            title: text(&self.title),
            body: text(&self.body),
        }
    }

    /// What was sent, over what is stored.
    fn over(self, stored: TemplateInput) -> TemplateInput {
        TemplateInput {
            name: self.name.unwrap_or(stored.name),
            used_for: self.used_for.unwrap_or(stored.used_for),
            title: self.title.unwrap_or(stored.title),
            body: self.body.unwrap_or(stored.body),
        }
    }
}

fn template(text: &str) -> Result<TemplateId, Problem> {
    id(text, "template")
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<MessageTemplate>>, Problem> {
    let items = state.services.templates(&actor, asked.get("retired").trim() == "true").await?;
    Ok(Listed::of(Page { items, next_cursor: None }, |template| template))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<MessageTemplate>, Problem> {
    Ok(Json(state.services.template(&actor, template(&of)?).await?))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let added = state.services.add_template(&actor, &body.input()).await?;
    Ok(created(&format!("/api/v1/templates/{}", added.id), added))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<MessageTemplate>, Problem> {
    actor.require(domain::people::Permission::Maintain)?;
    let (id, read) = (template(&of)?, version(body.version)?);
    let stored = TemplateInput::of(&state.services.template(&actor, id).await?);
    Ok(Json(state.services.edit_template(&actor, id, read, &body.over(stored)).await?))
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<MessageTemplate>, Problem> {
    Ok(Json(state.services.retire_template(&actor, template(&of)?, read.version).await?))
}

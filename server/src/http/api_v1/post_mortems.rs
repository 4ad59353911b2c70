//! `/api/v1/incidents/{id}/post-mortem` and `/api/v1/action-items`: what was learned, and what is done about it.
//!
//! A post-mortem is reviewed by a person on the team's pages: no token can.

use super::{Asked, Listed, Read, created, id, sent, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::action_item::ActionItem;
use domain::ids::{ActionItemId, IncidentId};
use domain::people::Permission;
use domain::post_mortem::PostMortem;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::post_mortems::{ActionLine, ActionQuery, ItemInput, page_of};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/incidents/{id}/post-mortem", get(one).put(write))
        .route("/api/v1/incidents/{id}/post-mortem/submit", post(submit))
        .route("/api/v1/incidents/{id}/post-mortem/publish", post(publish))
        .route("/api/v1/incidents/{id}/action-items", post(add))
        .route("/api/v1/action-items", get(list))
        .route("/api/v1/action-items/{id}", get(item).patch(edit).delete(remove))
        .route("/api/v1/action-items/{id}/raise", post(raise))
        .route("/api/v1/action-items/{id}/state", post(put))
}

/// A post-mortem as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    post_mortem: PostMortem,
    /// Its public page, also before it is public.
    path: String,
}

impl From<PostMortem> for Shown {
    fn from(post_mortem: PostMortem) -> Self {
        Self { path: page_of(post_mortem.incident), post_mortem }
    }
}

/// An action item in a list.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    item: ActionItem,
    incident_number: i64,
    incident_title: String,
}

impl From<ActionLine> for Line {
    fn from(line: ActionLine) -> Self {
        Self { item: line.item, incident_number: line.number, incident_title: line.title }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Text {
    /// The version that was read; none for a new one.
    version: Option<i64>,
    body: String,
    /// Tells subscribers of the change.
    tell_again: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ItemBody {
    version: Option<i64>,
    title: Option<String>,
    owner: Option<String>,
    #[serde(deserialize_with = "sent")]
    user: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    due: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    link: Option<Option<String>>,
}

impl ItemBody {
    /// What was sent, over what is stored.
    fn over(self, stored: ItemInput) -> ItemInput {
        let text = |sent: Option<Option<String>>, stored: String| sent.map_or(stored, Option::unwrap_or_default);
        ItemInput {
            title: self.title.unwrap_or(stored.title),
            owner: self.owner.unwrap_or(stored.owner),
            user: text(self.user, stored.user),
            due: text(self.due, stored.due),
            link: text(self.link, stored.link),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StateBody {
    version: Option<i64>,
    state: String,
    why: String,
}

fn incident(text: &str) -> Result<IncidentId, Problem> {
    id(text, "incident")
}

fn action_item(text: &str) -> Result<ActionItemId, Problem> {
    id(text, "action item")
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.post_mortem(&actor, incident(&of)?).await?.into()))
}

async fn write(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(text): Input<Text>,
) -> Result<Json<Shown>, Problem> {
    let (of, again) = (incident(&of)?, text.tell_again);
    Ok(Json(state.services.write_post_mortem(&actor, of, text.version, &text.body, again).await?.into()))
}

async fn submit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.submit_post_mortem(&actor, incident(&of)?, read.version).await?.into()))
}

async fn publish(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.publish_post_mortem(&actor, incident(&of)?, read.version).await?.into()))
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Line>>, Problem> {
    let query = ActionQuery {
        show: asked.get("show").to_owned(),
        incident: asked.get("incident").to_owned(),
        list: asked.list(),
    };
    Ok(Listed::of(state.services.action_items(&actor, &query).await?, Line::from))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<ItemBody>,
) -> Result<Response, Problem> {
    let added = state.services.add_action_item(&actor, incident(&of)?, &body.over(ItemInput::default())).await?;
    Ok(created(&format!("/api/v1/action-items/{}", added.id), added))
}

async fn item(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<ActionItem>, Problem> {
    Ok(Json(state.services.action_item(&actor, action_item(&of)?).await?))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<ItemBody>,
) -> Result<Json<ActionItem>, Problem> {
    actor.require(Permission::RunIncidents)?;
    let (id, read) = (action_item(&of)?, version(body.version)?);
    let stored = ItemInput::of(&state.services.action_item(&actor, id).await?);
    Ok(Json(state.services.edit_action_item(&actor, id, read, &body.over(stored)).await?))
}

async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_action_item(&actor, action_item(&of)?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn raise(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<ActionItem>, Problem> {
    Ok(Json(state.services.raise_action_item(&actor, action_item(&of)?, read.version).await?))
}

async fn put(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<StateBody>,
) -> Result<Json<ActionItem>, Problem> {
    actor.require(Permission::RunIncidents)?;
    let (id, read) = (action_item(&of)?, version(body.version)?);
    Ok(Json(state.services.put_action_item(&actor, id, read, &body.state, &body.why).await?))
}

//! `/api/v1/components` and `/api/v1/component-groups`

use super::{Asked, Listed, Read, created, id, sent, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::component::{Component, Group};
use domain::ids::HostId;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service::inventory::{ComponentInput, ComponentWithHosts, Direction, GroupInput};
use service::{Actor, Services};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/component-groups", get(list_groups).post(add_group))
        .route("/api/v1/component-groups/{id}", get(one_group).patch(edit_group).delete(delete_group))
        .route("/api/v1/component-groups/{id}/move", post(move_group))
        .route("/api/v1/components", get(list).post(add))
        .route("/api/v1/components/{id}", get(one).patch(edit).delete(delete))
        .route("/api/v1/components/{id}/move", post(move_component))
        .route("/api/v1/components/{id}/retire", post(retire))
}

/// A component as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    component: Component,
    hosts: Vec<HostId>,
}

impl From<ComponentWithHosts> for Shown {
    fn from(shown: ComponentWithHosts) -> Self {
        Self { component: shown.component, hosts: shown.hosts }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    name: Option<String>,
    slug: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    group_id: Option<Option<String>>,
    hosts: Option<Vec<String>>,
    is_private: Option<bool>,
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: ComponentInput) -> ComponentInput {
        ComponentInput {
            name: self.name.unwrap_or(stored.name),
            slug: self.slug.unwrap_or(stored.slug),
            description: self.description.unwrap_or(stored.description),
            group_id: self.group_id.map_or(stored.group_id, Option::unwrap_or_default),
            hosts: self.hosts.unwrap_or(stored.hosts),
            is_private: self.is_private.unwrap_or(stored.is_private),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupBody {
    version: Option<i64>,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum To {
    Up,
    Down,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    pub(super) to: To,
}

impl From<To> for Direction {
    fn from(to: To) -> Self {
        match to {
            To::Up => Self::Up,
            To::Down => Self::Down,
        }
    }
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    Ok(Listed::of(state.services.components(&actor, &asked.list()).await?, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
) -> Result<Json<Shown>, Problem> {
    shown(&state.services, &actor, &component).await
}

async fn shown(services: &Services, actor: &Actor, component: &str) -> Result<Json<Shown>, Problem> {
    Ok(Json(services.component(actor, id(component, "component")?).await?.into()))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let added = state.services.add_component(&actor, body.over(ComponentInput::default())).await?;
    Ok(created(&format!("/api/v1/components/{}", added.component.id), Shown::from(added)))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let component = id(&component, "component")?;
    let read = version(body.version)?;
    let stored = state.services.component(&actor, component).await?;
    let stored = ComponentInput {
        name: stored.component.name.into(),
        slug: stored.component.slug.into(),
        description: stored.component.description,
        group_id: stored.component.group_id.map(|group| group.to_string()).unwrap_or_default(),
        hosts: stored.hosts.iter().map(ToString::to_string).collect(),
        is_private: stored.component.is_private,
    };
    Ok(Json(state.services.edit_component(&actor, component, read, body.over(stored)).await?.into()))
}

async fn move_component(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
    Input(to): Input<Move>,
) -> Result<Json<Shown>, Problem> {
    state.services.move_component(&actor, id(&component, "component")?, to.to.into()).await?;
    shown(&state.services, &actor, &component).await
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    state.services.retire_component(&actor, id(&component, "component")?, read.version).await?;
    shown(&state.services, &actor, &component).await
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_component(&actor, id(&component, "component")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_groups(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Group>>, Problem> {
    Ok(Listed::of(state.services.component_groups(&actor, &asked.list()).await?, |group| group))
}

async fn one_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(group): Path<String>,
) -> Result<Json<Group>, Problem> {
    Ok(Json(state.services.component_group(&actor, id(&group, "component group")?).await?))
}

async fn add_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<GroupBody>,
) -> Result<Response, Problem> {
    let group = state.services.add_group(&actor, GroupInput { name: body.name }).await?;
    Ok(created(&format!("/api/v1/component-groups/{}", group.id), group))
}

async fn edit_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(group): Path<String>,
    Input(body): Input<GroupBody>,
) -> Result<Json<Group>, Problem> {
    let (group, read) = (id(&group, "component group")?, version(body.version)?);
    Ok(Json(state.services.edit_group(&actor, group, read, GroupInput { name: body.name }).await?))
}

async fn move_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(group): Path<String>,
    Input(to): Input<Move>,
) -> Result<Json<Group>, Problem> {
    let group = id(&group, "component group")?;
    state.services.move_group(&actor, group, to.to.into()).await?;
    Ok(Json(state.services.component_group(&actor, group).await?))
}

async fn delete_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(group): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_group(&actor, id(&group, "component group")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

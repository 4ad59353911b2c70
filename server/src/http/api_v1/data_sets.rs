//! `/api/v1/data-sets`

use super::{Asked, Listed, Read, created, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::host::DataSet;
use domain::ids::HostId;
use http::StatusCode;
use serde::Deserialize;
use service::Actor;
use service::inventory::DataSetInput;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/data-sets", get(list).post(add))
        .route("/api/v1/data-sets/{id}", get(one).patch(edit).delete(delete))
        .route("/api/v1/data-sets/{id}/retire", post(retire))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    /// Only to add: a data set stays on its host.
    host_id: Option<String>,
    name: Option<String>,
    kind: Option<String>,
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<DataSet>>, Problem> {
    Ok(Listed::of(state.services.data_sets(&actor, asked.get("host_id"), &asked.list()).await?, |shown| shown))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(data_set): Path<String>,
) -> Result<Json<DataSet>, Problem> {
    Ok(Json(state.services.data_set(&actor, id(&data_set, "data set")?).await?))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let host: HostId = body
        .host_id
        .as_deref()
        .unwrap_or_default()
        .parse()
        .map_err(|_| Problem::field("host_id", "Send the id of the host on which it lies."))?;
    let input = DataSetInput { name: body.name.unwrap_or_default(), kind: body.kind.unwrap_or_default() };
    let data_set = state.services.add_data_set(&actor, host, input).await?;
    Ok(created(&format!("/api/v1/data-sets/{}", data_set.id), data_set))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(data_set): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<DataSet>, Problem> {
    let data_set = id(&data_set, "data set")?;
    let read = version(body.version)?;
    let stored = state.services.data_set(&actor, data_set).await?;
    if body.host_id.is_some_and(|host| host != stored.host_id.to_string()) {
        return Err(Problem::field("host_id", "A data set stays on its host. Add another one there."));
    }
    let input = DataSetInput {
        name: body.name.unwrap_or_else(|| stored.name.into()),
        kind: body.kind.unwrap_or_else(|| stored.kind.as_str().to_owned()),
    };
    Ok(Json(state.services.edit_data_set(&actor, data_set, read, input).await?))
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(data_set): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<DataSet>, Problem> {
    Ok(Json(state.services.retire_data_set(&actor, id(&data_set, "data set")?, read.version).await?))
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(data_set): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_data_set(&actor, id(&data_set, "data set")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

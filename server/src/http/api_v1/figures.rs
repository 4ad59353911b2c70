//! How much of the time components were there: `/api/v1/availability`, `/api/v1/components/{id}/availability`,
//! and corrections of the history.

use super::{Asked, Listed, created, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::availability::{Share, Tally, Weights};
use domain::correction::Correction;
use domain::ids::{ComponentId, GroupId};
use domain::time::Stretch;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::figures::{CorrectionInput, Figure};
use service::inventory::Page;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/availability", get(all))
        .route("/api/v1/components/{id}/availability", get(of_component))
        .route("/api/v1/components/{id}/corrections", get(corrections).post(correct))
        .route("/api/v1/corrections/{id}", get(correction))
        .route("/api/v1/corrections/{id}/withdraw", post(withdraw))
}

/// A figure as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    /// Percent, planned work not counted; null where nothing is known.
    availability: Option<f64>,
    /// Percent, planned work counted.
    availability_with_planned: Option<f64>,
    /// Milliseconds by state; they add up to the time asked for.
    milliseconds: Tally,
}

impl From<Figure> for Shown {
    fn from(figure: Figure) -> Self {
        Self {
            availability: figure.share().map(Share::percent),
            availability_with_planned: figure.share_with_planned().map(Share::percent),
            milliseconds: figure.tally,
        }
    }
}

#[derive(Debug, Serialize)]
struct OfComponent {
    #[serde(flatten)]
    stretch: Stretch,
    weights: Weights,
    #[serde(flatten)]
    figure: Shown,
}

#[derive(Debug, Serialize)]
struct OfAll {
    #[serde(flatten)]
    stretch: Stretch,
    weights: Weights,
    site: Shown,
    groups: Vec<ShownGroup>,
}

#[derive(Debug, Serialize)]
struct ShownGroup {
    id: Option<GroupId>,
    name: Option<String>,
    #[serde(flatten)]
    figure: Shown,
    components: Vec<ShownComponent>,
}

#[derive(Debug, Serialize)]
struct ShownComponent {
    id: ComponentId,
    name: String,
    slug: String,
    #[serde(flatten)]
    figure: Shown,
}

/// `?from=` and `?to=`: RFC 3339 or local times of the site; the last thirty days where they are missing.
async fn all(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<OfAll>, Problem> {
    actor.require(domain::people::Permission::View)?;
    let stretch = state.services.read_stretch(asked.get("from"), asked.get("to")).await?;
    let found = state.services.availability_between(&actor, stretch).await?;
    let groups = found.groups.into_iter().map(|group| ShownGroup {
        id: group.id,
        name: group.name,
        figure: group.figure.into(),
        components: group
            .components
            .into_iter()
            .map(|line| ShownComponent { id: line.id, name: line.name, slug: line.slug, figure: line.figure.into() })
            .collect(),
    });
    Ok(Json(OfAll {
        stretch: found.stretch,
        weights: found.weights,
        site: found.site.into(),
        groups: groups.collect(),
    }))
}

async fn of_component(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
    asked: Asked,
) -> Result<Json<OfComponent>, Problem> {
    actor.require(domain::people::Permission::View)?;
    let stretch = state.services.read_stretch(asked.get("from"), asked.get("to")).await?;
    let component = id(&component, "component")?;
    let (stretch, figure) = state.services.availability_of_component(&actor, component, stretch).await?;
    Ok(Json(OfComponent { stretch, weights: figure.weights, figure: figure.into() }))
}

async fn corrections(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
) -> Result<Json<Listed<Correction>>, Problem> {
    actor.require(domain::people::Permission::View)?;
    let look = state.services.corrections(&actor, Some(id(&component, "component")?)).await?;
    Ok(Listed::of(Page { items: look.corrections, next_cursor: None }, |correction| correction))
}

async fn correction(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(correction): Path<String>,
) -> Result<Json<Correction>, Problem> {
    actor.require(domain::people::Permission::View)?;
    Ok(Json(state.services.correction(&actor, id(&correction, "correction")?).await?.0))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    reason: String,
}

async fn correct(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(component): Path<String>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    actor.require(domain::people::Permission::Administer)?;
    let component: ComponentId = id(&component, "component")?;
    state.services.component(&actor, component).await?;
    let input = CorrectionInput {
        component: component.to_string(),
        from: body.from,
        to: body.to,
        state: body.state,
        reason: body.reason,
    };
    let correction = state.services.correct_history(&actor, &input).await?;
    Ok(created(&format!("/api/v1/corrections/{}", correction.id), correction))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    version: Option<i64>,
    #[serde(default)]
    why: String,
}

async fn withdraw(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(correction): Path<String>,
    Input(body): Input<Withdrawal>,
) -> Result<Json<Correction>, Problem> {
    actor.require(domain::people::Permission::Administer)?;
    let (correction, read) = (id(&correction, "correction")?, version(body.version)?);
    Ok(Json(state.services.withdraw_correction(&actor, correction, read, &body.why).await?))
}

//! `/api/v1/incidents`, and the state of a component set by hand.

use super::{Asked, Listed, created, id, idempotency_key, version};
use crate::http::problem::{Input, Problem, parse, parse_part};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId, IncidentUpdateId, MaintenanceId};
use domain::incident::{Incident, IncidentState, IncidentUpdate, Severity};
use domain::maintenance::State as MaintenanceState;
use domain::subscriber::Audience;
use domain::time::Instant;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service::incidents::{
    BackfillInput, ComponentNow, Deed, EditInput, IncidentInput, IncidentQuery, NearIncident, OverrideInput,
    PossibleCause, PostInput,
};
use service::inventory::Page;
use service::{Actor, Error, Services};
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/incidents", get(list).post(add))
        .route("/api/v1/incidents/audience", get(audience))
        .route("/api/v1/incidents/causes", get(causes))
        .route("/api/v1/incidents/near", get(near))
        .route("/api/v1/incidents/backfill", post(backfill))
        .route("/api/v1/incidents/{id}", get(one).patch(edit))
        .route("/api/v1/incidents/{id}/publish", post(publish))
        .route("/api/v1/incidents/{id}/discard", post(discard))
        .route("/api/v1/incidents/{id}/join", post(join))
        .route("/api/v1/incidents/{id}/updates", post(update))
        .route("/api/v1/incidents/{id}/updates/{update}", patch(mend))
        .route("/api/v1/incidents/{id}/resolve", post(resolve))
        .route("/api/v1/incidents/{id}/reopen", post(reopen))
        .route("/api/v1/components/{id}/override", get(component_now).put(override_component).delete(withdraw))
}

/// An incident as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: IncidentId,
    number: i64,
    title: String,
    state: IncidentState,
    severity: Severity,
    /// The severity was decided; else it follows from the components.
    severity_decided: bool,
    /// What was said last of each component.
    components: BTreeMap<ComponentId, ComponentState>,
    /// What the first update is to say, while it is a draft.
    draft_text: Option<String>,
    started_at: Instant,
    published_at: Option<Instant>,
    resolved_at: Option<Instant>,
    /// Entered after the fact; nobody was told.
    backfilled: bool,
    /// The window that caused it.
    maintenance: Option<MaintenanceId>,
    /// Its public page, once it has one.
    url: Option<String>,
    created_at: Instant,
    updated_at: Instant,
    version: i64,
}

impl Shown {
    fn of(services: &Services, incident: Incident) -> Self {
        Self {
            id: incident.id,
            number: incident.number,
            state: incident.state,
            severity: incident.severity(),
            severity_decided: incident.severity_override.is_some(),
            url: incident.state.is_public().then(|| services.incident_url(&incident)),
            title: incident.title.into(),
            components: incident.components,
            draft_text: (incident.state == IncidentState::Draft).then(|| incident.draft_text.into()),
            started_at: incident.started_at,
            published_at: incident.published_at,
            resolved_at: incident.resolved_at,
            backfilled: incident.is_backfilled,
            maintenance: incident.maintenance,
            created_at: incident.created_at,
            updated_at: incident.updated_at,
            version: incident.version,
        }
    }
}

/// A line of a timeline.
#[derive(Debug, Serialize)]
struct ShownUpdate {
    id: IncidentUpdateId,
    state: IncidentState,
    body: String,
    at: Instant,
    components: BTreeMap<ComponentId, ComponentState>,
    /// Subscribers were told.
    told: bool,
    edited_at: Option<Instant>,
    version: i64,
}

impl From<IncidentUpdate> for ShownUpdate {
    fn from(update: IncidentUpdate) -> Self {
        Self {
            id: update.id,
            state: update.state,
            body: update.body.into(),
            at: update.at,
            components: update.components,
            told: update.told,
            edited_at: update.edited_at,
            version: update.version,
        }
    }
}

/// An incident with its timeline, newest line first.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    incident: Shown,
    updates: Vec<ShownUpdate>,
}

/// Who would be told.
#[derive(Debug, Serialize)]
struct ShownAudience {
    mails: i64,
    webhooks: i64,
    left_out: Vec<ShownLeftOut>,
}

#[derive(Debug, Serialize)]
struct ShownLeftOut {
    why: &'static str,
    count: i64,
}

impl From<Audience> for ShownAudience {
    fn from(audience: Audience) -> Self {
        let left_out = audience.left_out.into_iter();
        Self {
            mails: audience.mails,
            webhooks: audience.webhooks,
            left_out: left_out.map(|(why, count)| ShownLeftOut { why: why.as_str(), count }).collect(),
        }
    }
}

/// A window that may have caused something.
#[derive(Debug, Serialize)]
struct ShownCause {
    id: MaintenanceId,
    number: i64,
    title: String,
    state: MaintenanceState,
    /// Those of the components asked for that it touches, by name.
    near: Vec<String>,
    /// All components that it touches, by name; its hosts where there are none.
    covers: Vec<String>,
}

impl From<PossibleCause> for ShownCause {
    fn from(cause: PossibleCause) -> Self {
        let PossibleCause { id, number, title, state, near, covers, .. } = cause;
        Self { id, number, title, state, near, covers }
    }
}

/// An incident that is known already of some components.
#[derive(Debug, Serialize)]
struct ShownNear {
    id: IncidentId,
    number: i64,
    title: String,
    state: IncidentState,
    /// Those of the components asked for that are not well by it, by name; none where it concerns the whole site.
    on: Vec<String>,
}

impl From<NearIncident> for ShownNear {
    fn from(near: NearIncident) -> Self {
        let NearIncident { id, number, title, state, on } = near;
        Self { id, number, title, state, on }
    }
}

/// How a component is, and what was set by hand.
#[derive(Debug, Serialize)]
struct ShownNow {
    component: ComponentId,
    state: ComponentState,
    /// What it would be if nothing were set by hand.
    derived: ComponentState,
    /// What was set by hand is better than what incidents say, and the availability figures count it instead.
    hides_outage: bool,
    #[serde(rename = "override")]
    by_hand: Option<ShownOverride>,
}

#[derive(Debug, Serialize)]
struct ShownOverride {
    state: ComponentState,
    reason: String,
    since: Instant,
    set_by: Option<String>,
}

impl From<ComponentNow> for ShownNow {
    fn from(now: ComponentNow) -> Self {
        let hides_outage = now.hides_outage();
        let set_by = now.set_by;
        Self {
            component: now.component.id,
            state: now.state,
            derived: now.derived,
            hides_outage,
            by_hand: now.by_hand.map(|by_hand| ShownOverride {
                state: by_hand.state,
                reason: by_hand.reason.into(),
                since: by_hand.since,
                set_by,
            }),
        }
    }
}

type Fields = Map<String, Value>;
type Answer = Result<Json<Shown>, Problem>;

/// What is left of the fields after those that are no content were taken.
fn read<T: DeserializeOwned>(fields: Fields) -> Result<T, Problem> {
    parse(&serde_json::to_vec(&Value::Object(fields)).unwrap_or_default())
}

fn take<T: DeserializeOwned>(fields: &mut Fields, name: &str) -> Result<Option<T>, Problem> {
    fields.remove(name).map_or(Ok(None), |value| parse_part(name, value))
}

fn incident(text: &str) -> Result<IncidentId, Problem> {
    id(text, "incident")
}

fn answer(state: &AppState, result: Result<Incident, Error>) -> Answer {
    Ok(Json(Shown::of(&state.services, result?)))
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    let query = IncidentQuery {
        state: asked.get("state").to_owned(),
        cursor: asked.get("cursor").to_owned(),
        limit: asked.get("limit").to_owned(),
    };
    let page = state.services.list_incidents(&actor, &query).await?;
    Ok(Listed::of(page, |incident| Shown::of(&state.services, incident)))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Input(mut fields): Input<Fields>,
) -> Result<Response, Problem> {
    let is_draft = take::<bool>(&mut fields, "draft")?.unwrap_or(false);
    let input: IncidentInput = read(fields)?;
    let made = state.services.report_incident(&actor, idempotency_key(&headers)?, &input, !is_draft).await?;
    Ok(created(&format!("/api/v1/incidents/{}", made.id), Shown::of(&state.services, made)))
}

async fn backfill(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Input(input): Input<BackfillInput>,
) -> Result<Response, Problem> {
    let made = state.services.enter_past_incident(&actor, idempotency_key(&headers)?, &input).await?;
    Ok(created(&format!("/api/v1/incidents/{}", made.id), Shown::of(&state.services, made)))
}

/// The components that a query names.
fn components(asked: &Asked) -> Result<Vec<ComponentId>, Problem> {
    let texts = asked.get("components").split(',').map(str::trim).filter(|text| !text.is_empty());
    texts
        .map(|text| text.parse::<ComponentId>().map_err(|_| Problem::field("components", "Send ids, with commas.")))
        .collect()
}

async fn audience(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<ShownAudience>, Problem> {
    let components = components(&asked)?;
    Ok(Json(state.services.incident_audience(&actor, &components).await?.into()))
}

async fn causes(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<ShownCause>>, Problem> {
    let chosen = components(&asked)?.into_iter().map(|id| (id, ComponentState::MajorOutage)).collect();
    let items = state.services.possible_causes(&actor, &chosen).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, Into::into))
}

async fn near(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<ShownNear>>, Problem> {
    let items = state.services.incidents_near(&actor, &components(&asked)?).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, Into::into))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Whole>, Problem> {
    let (found, updates) = state.services.incident_timeline(&actor, incident(&of)?).await?;
    let updates = updates.into_iter().map(Into::into).collect();
    Ok(Json(Whole { incident: Shown::of(&state.services, found), updates }))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(mut fields): Input<Fields>,
) -> Answer {
    let id = incident(&of)?;
    let read_version = version(take(&mut fields, "version")?)?;
    let input: EditInput = read(fields)?;
    let edited = state.services.change_incident(&actor, id, Some(read_version), &input).await;
    answer(&state, edited)
}

async fn publish(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(mut fields): Input<Fields>,
) -> Answer {
    let id = incident(&of)?;
    let read_version = take(&mut fields, "version")?;
    let input: PostInput = read(fields)?;
    let published = state.services.publish_incident_draft(&actor, id, read_version, &input).await;
    answer(&state, published)
}

async fn discard(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<super::Read>,
) -> Answer {
    let id = incident(&of)?;
    let gone = state.services.discard_incident(&actor, id, read.version).await;
    answer(&state, gone)
}

/// The incident that the alerts of a draft belong to, with the version of the draft that was read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    version: i64,
    #[serde(default)]
    incident: String,
}

async fn join(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(join): Input<Join>,
) -> Answer {
    let id = incident(&of)?;
    let gone = state.services.join_incident(&actor, id, join.version, &join.incident).await;
    answer(&state, gone)
}

/// What each of the three ways to say something has in common.
async fn say(state: &AppState, actor: &Actor, of: &str, headers: &HeaderMap, deed: Deed, mut fields: Fields) -> Answer {
    let id = incident(of)?;
    let read_version = take(&mut fields, "version")?;
    let input: PostInput = read(fields)?;
    let key = idempotency_key(headers)?;
    let said = state.services.post_incident_update(actor, key, id, read_version, deed, &input).await;
    answer(state, said)
}

async fn update(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    headers: HeaderMap,
    Input(fields): Input<Fields>,
) -> Answer {
    say(&state, &actor, &of, &headers, Deed::Say, fields).await
}

async fn resolve(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    headers: HeaderMap,
    Input(fields): Input<Fields>,
) -> Answer {
    say(&state, &actor, &of, &headers, Deed::Resolve, fields).await
}

async fn reopen(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    headers: HeaderMap,
    Input(fields): Input<Fields>,
) -> Answer {
    say(&state, &actor, &of, &headers, Deed::Reopen, fields).await
}

/// The mended words of an update.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mended {
    version: Option<i64>,
    body: String,
}

async fn mend(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path((of, update)): Path<(String, String)>,
    Input(mended): Input<Mended>,
) -> Result<Json<ShownUpdate>, Problem> {
    let (of, update) = (incident(&of)?, id(&update, "update")?);
    let read = version(mended.version)?;
    Ok(Json(state.services.mend_incident_update(&actor, of, update, Some(read), &mended.body).await?.into()))
}

/// A state set by hand, with the reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    #[serde(default)]
    state: String,
    #[serde(default)]
    reason: String,
    /// It is meant to be better than what incidents say.
    #[serde(default)]
    hides_outage: bool,
}

async fn component_now(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<ShownNow>, Problem> {
    Ok(Json(state.services.component_now(&actor, id(&of, "component")?).await?.into()))
}

async fn override_component(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(by_hand): Input<ByHand>,
) -> Result<Json<ShownNow>, Problem> {
    let ByHand { state: by_hand, reason, hides_outage } = by_hand;
    let input = OverrideInput { state: by_hand, reason, hides_outage };
    Ok(Json(state.services.override_component(&actor, id(&of, "component")?, &input).await?.into()))
}

async fn withdraw(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<ShownNow>, Problem> {
    Ok(Json(state.services.withdraw_component_override(&actor, id(&of, "component")?).await?.into()))
}

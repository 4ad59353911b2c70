//! What stands in the way of work beside the gate: `/api/v1/conflicts`, `/api/v1/slots`,
//! `/api/v1/calendar`, and the rules behind them, redundancy groups and freezes.

use super::{Asked, Listed, created, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use domain::conflict::{Conflict, ConflictPolicy, Force, Leave, RedundancyGroup, leave};
use domain::freeze::{Comparison, Freeze};
use domain::ids::{MaintenanceId, RedundancyGroupId};
use domain::slot::{NoSlot, Slot};
use domain::time::{Instant, Stretch};
use http::StatusCode;
use outbound::calendar::read::LeftOut;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::agenda::{AgendaQuery, Busy};
use service::conflicts::{AcceptedConflicts, Asked as AskedWork, FreezeInput, IcsInput, RedundancyInput};
use service::inventory::Page;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/conflicts", get(ask))
        .route("/api/v1/slots", get(slots))
        .route("/api/v1/calendar", get(calendar))
        .route("/api/v1/maintenances/{id}/conflicts", get(of_window))
        .route("/api/v1/conflict-policy", get(policy).put(set_policy))
        .route("/api/v1/redundancy-groups", get(groups).post(add_group))
        .route("/api/v1/redundancy-groups/{id}", get(group).patch(edit_group).delete(delete_group))
        .route("/api/v1/freezes", get(freezes).post(add_freeze))
        .route("/api/v1/freezes/import", post(import))
        .route("/api/v1/freezes/{id}", get(freeze).patch(edit_freeze).delete(delete_freeze))
}

fn all<T>(items: Vec<T>) -> Json<Listed<T>> {
    Listed::of(Page { items, next_cursor: None }, |item| item)
}

/// `host` and `component` may come many times, by id or name.
fn work(query: Option<String>) -> AskedWork {
    let mut asked = AskedWork::default();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "host" => asked.hosts.push(value),
            "component" => asked.components.push(value),
            "zone" => asked.zone = value,
            "start" => asked.start = value,
            "start_fold" => asked.start_fold = value,
            "end" => asked.end = value,
            "end_fold" => asked.end_fold = value,
            "length" => asked.length = value,
            "maintenance" => asked.maintenance = value,
            _ => {}
        }
    }
    asked
}

#[derive(Debug, Serialize)]
struct Found {
    /// `false` where something blocks.
    allowed: bool,
    /// Going ahead takes `conflicts_why`.
    needs_reason: bool,
    conflicts: Vec<Conflict>,
}

async fn ask(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    RawQuery(query): RawQuery,
) -> Result<Json<Found>, Problem> {
    let conflicts = state.services.conflicts_for(&actor, &work(query)).await?;
    let leave = leave(&conflicts);
    Ok(Json(Found { allowed: leave != Leave::Refused, needs_reason: leave == Leave::WithReason, conflicts }))
}

#[derive(Debug, Serialize)]
struct ShownSlots {
    slots: Vec<Slot>,
    /// Why there are none.
    none: Vec<ShownNone>,
}

#[derive(Debug, Serialize)]
struct ShownNone {
    detail: String,
    #[serde(flatten)]
    reason: NoSlot,
}

async fn slots(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    RawQuery(query): RawQuery,
) -> Result<Json<ShownSlots>, Problem> {
    let found = state.services.slots_for(&actor, &work(query)).await?;
    let none = found.none.into_iter().map(|reason| ShownNone { detail: reason.sentence(), reason }).collect();
    Ok(Json(ShownSlots { slots: found.slots, none }))
}

#[derive(Debug, Serialize)]
struct ShownCalendar {
    zone: String,
    starts_at: Instant,
    ends_at: Instant,
    windows: Vec<ShownWindow>,
    freezes: Vec<Freeze>,
    /// By half hours; those without any are left out.
    backups: Vec<Busy>,
}

#[derive(Debug, Serialize)]
struct ShownWindow {
    id: MaintenanceId,
    number: i64,
    title: String,
    state: &'static str,
    #[serde(flatten)]
    stretch: Stretch,
}

async fn calendar(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<ShownCalendar>, Problem> {
    let query = AgendaQuery {
        month: asked.get("month").to_owned(),
        week: asked.get("week").to_owned(),
        zone: asked.get("zone").to_owned(),
    };
    let agenda = state.services.agenda(&actor, &query).await?;
    let Stretch { from, to } = agenda.stretch();
    let window = |window: service::agenda::AgendaWindow| ShownWindow {
        id: window.maintenance.id,
        number: window.maintenance.number,
        title: window.maintenance.title.into(),
        state: window.maintenance.state.as_str(),
        stretch: window.stretch,
    };
    Ok(Json(ShownCalendar {
        zone: agenda.zone,
        starts_at: from,
        ends_at: to,
        windows: agenda.windows.into_iter().map(window).collect(),
        freezes: agenda.freezes,
        backups: agenda.backups,
    }))
}

#[derive(Debug, Serialize)]
struct OfWindow {
    /// What stands in its way now.
    conflicts: Vec<Conflict>,
    /// Who went ahead in spite of what, newest first.
    accepted: Vec<ShownAccepted>,
}

#[derive(Debug, Serialize)]
struct ShownAccepted {
    at: Instant,
    by: String,
    why: String,
    conflicts: Vec<Conflict>,
}

impl From<AcceptedConflicts> for ShownAccepted {
    fn from(of: AcceptedConflicts) -> Self {
        Self { at: of.at, by: of.by, why: of.why.into(), conflicts: of.conflicts }
    }
}

async fn of_window(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<OfWindow>, Problem> {
    let look = state.services.conflicts_of(&actor, id(&of, "maintenance")?).await?;
    Ok(Json(OfWindow { conflicts: look.now, accepted: look.accepted.into_iter().map(Into::into).collect() }))
}

async fn policy(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<ConflictPolicy>, Problem> {
    Ok(Json(state.services.redundancy(&actor).await?.policy))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyBody {
    version: i64,
    redundancy: String,
}

async fn set_policy(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<PolicyBody>,
) -> Result<Json<ConflictPolicy>, Problem> {
    Ok(Json(state.services.set_conflict_policy(&actor, body.version, &body.redundancy).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupBody {
    version: Option<i64>,
    name: Option<String>,
    hosts: Option<Vec<String>>,
    /// `null` for the site's rule.
    #[serde(default, deserialize_with = "super::sent")]
    force: Option<Option<String>>,
}

async fn groups(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<RedundancyGroup>>, Problem> {
    Ok(all(state.services.redundancy(&actor).await?.groups))
}

async fn group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<RedundancyGroup>, Problem> {
    Ok(Json(state.services.redundancy_group(&actor, id(&of, "redundancy group")?).await?))
}

async fn add_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<GroupBody>,
) -> Result<Response, Problem> {
    let input = RedundancyInput {
        name: body.name.unwrap_or_default(),
        hosts: body.hosts.unwrap_or_default(),
        force: body.force.flatten().unwrap_or_default(),
    };
    let group = state.services.add_redundancy_group(&actor, &input).await?;
    Ok(created(&format!("/api/v1/redundancy-groups/{}", group.id), group))
}

async fn edit_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<GroupBody>,
) -> Result<Json<RedundancyGroup>, Problem> {
    actor.require(domain::people::Permission::Administer)?;
    let of: RedundancyGroupId = id(&of, "redundancy group")?;
    let read = version(body.version)?;
    let stored = state.services.redundancy_group(&actor, of).await?;
    let input = RedundancyInput {
        name: body.name.unwrap_or_else(|| stored.name.into()),
        hosts: body.hosts.unwrap_or_else(|| stored.hosts.iter().map(ToString::to_string).collect()),
        force: match body.force {
            Some(force) => force.unwrap_or_default(),
            None => stored.force.map(Force::as_str).unwrap_or_default().to_owned(),
        },
    };
    Ok(Json(state.services.edit_redundancy_group(&actor, of, read, &input).await?))
}

async fn delete_group(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_redundancy_group(&actor, id(&of, "redundancy group")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FreezeBody {
    version: Option<i64>,
    name: Option<String>,
    zone: Option<String>,
    start: Option<String>,
    end: Option<String>,
    /// `true`, or hosts and components.
    whole_site: Option<bool>,
    hosts: Option<Vec<String>>,
    components: Option<Vec<String>>,
    force: Option<String>,
}

impl FreezeBody {
    fn over(self, stored: FreezeInput) -> FreezeInput {
        FreezeInput {
            name: self.name.unwrap_or(stored.name),
            zone: self.zone.unwrap_or(stored.zone),
            start: self.start.unwrap_or(stored.start),
            end: self.end.unwrap_or(stored.end),
            whole_site: self.whole_site.unwrap_or(stored.whole_site),
            hosts: self.hosts.unwrap_or(stored.hosts),
            components: self.components.unwrap_or(stored.components),
            force: self.force.unwrap_or(stored.force),
        }
    }
}

async fn freezes(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<Freeze>>, Problem> {
    Ok(all(state.services.freezes(&actor).await?.freezes))
}

async fn freeze(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Freeze>, Problem> {
    Ok(Json(state.services.freeze(&actor, id(&of, "freeze")?).await?))
}

async fn add_freeze(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<FreezeBody>,
) -> Result<Response, Problem> {
    let freeze = state.services.add_freeze(&actor, &body.over(FreezeInput::default())).await?;
    Ok(created(&format!("/api/v1/freezes/{}", freeze.id), freeze))
}

async fn edit_freeze(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<FreezeBody>,
) -> Result<Json<Freeze>, Problem> {
    actor.require(domain::people::Permission::Administer)?;
    let of = id(&of, "freeze")?;
    let read = version(body.version)?;
    let stored = FreezeInput::of(&state.services.freeze(&actor, of).await?);
    Ok(Json(state.services.edit_freeze(&actor, of, read, &body.over(stored)).await?))
}

async fn delete_freeze(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_freeze(&actor, id(&of, "freeze")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Serialize)]
struct Imported {
    applied: bool,
    calendar: String,
    #[serde(flatten)]
    comparison: Comparison,
    left_out: Vec<LeftOut>,
}

/// The file is the body; `?calendar=`, `force=`, `host=` and `component=` (ids, many times; none for the
/// whole site) say what is made of it. Tells what it would do; does it with `?apply=true`.
async fn import(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Imported>, Problem> {
    let mut input = IcsInput { force: Force::Block.as_str().to_owned(), ..IcsInput::default() };
    let mut apply = false;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "calendar" => input.calendar = value,
            "force" => input.force = value,
            "host" => input.hosts.push(value),
            "component" => input.components.push(value),
            "apply" => apply = value == "true",
            _ => {}
        }
    }
    input.whole_site = input.hosts.is_empty() && input.components.is_empty();
    input.ics = String::from_utf8_lossy(&body).into_owned();
    let import = if apply {
        state.services.import_freezes(&actor, &input, None).await?
    } else {
        state.services.plan_freeze_import(&actor, &input).await?
    };
    Ok(Json(Imported {
        applied: apply,
        calendar: import.calendar.into(),
        comparison: import.comparison,
        left_out: import.left_out,
    }))
}

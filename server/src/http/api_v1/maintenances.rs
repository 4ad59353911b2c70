//! `/api/v1/maintenances`

use super::{Asked, Listed, created, id, version};
use crate::http::problem::{Input, Problem, parse};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use domain::gate::{Evidence, Finding, Verdict};
use domain::ids::{ComponentId, HostId, MaintenanceId, OverrideId, SeriesId, UpdateId, VerdictId};
use domain::maintenance::{
    CheckLine, Fold, KeptVerdict, Maintenance, Occasion, OverrideState, Update, UpdateKind, ZoneMove,
};
use domain::time::Instant;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service::maintenance::{
    ExtendInput, MaintenanceInput, MaintenanceQuery, OverrideLook, Planning, SeriesOf, Target, Typed, Words,
};
use service::reminders::{ReminderLook, ReminderStanding};
use service::{Actor, Error, Services};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/maintenances", get(list).post(add))
        .route("/api/v1/maintenances/{id}", get(one).patch(edit).delete(delete))
        .route("/api/v1/maintenances/{id}/schedule", post(schedule))
        .route("/api/v1/maintenances/{id}/start", post(start))
        .route("/api/v1/maintenances/{id}/extend", post(extend))
        .route("/api/v1/maintenances/{id}/verify", post(verify))
        .route("/api/v1/maintenances/{id}/complete", post(complete))
        .route("/api/v1/maintenances/{id}/cancel", post(cancel))
        .route("/api/v1/maintenances/{id}/checklist", post(tick))
        .route("/api/v1/maintenances/{id}/updates", post(update))
        .route("/api/v1/maintenances/{id}/zone-move", post(zone_move))
        .route("/api/v1/maintenances/{id}/overrides", get(overrides))
        .route("/api/v1/maintenances/{id}/reminders", get(reminders))
        .route("/api/v1/maintenances/{id}/verdicts", get(verdicts))
        .route("/api/v1/maintenances/{id}/verdicts/{verdict}", get(verdict))
}

/// A window as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: MaintenanceId,
    number: i64,
    title: String,
    message: String,
    state: &'static str,
    /// As it was typed: local times in `zone`.
    zone: String,
    start: String,
    start_fold: Option<Fold>,
    end: String,
    end_fold: Option<Fold>,
    may_wait: String,
    starts_at: Instant,
    ends_at: Instant,
    latest_end_at: Instant,
    hosts: Vec<HostId>,
    components: Vec<ComponentId>,
    auto_start: bool,
    auto_complete: bool,
    /// `default`, `none`, or lead times.
    reminders: String,
    checklist: Vec<ShownLine>,
    /// Why it was completed with lines of its checklist open.
    done_anyway: Option<String>,
    published_at: Option<Instant>,
    held_at: Option<Instant>,
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
    /// Calendar revision.
    sequence: i64,
    /// Its public page, once it has one.
    url: Option<String>,
    created_at: Instant,
    updated_at: Instant,
    version: i64,
}

impl Shown {
    fn of(services: &Services, m: Maintenance) -> Self {
        let typed = Typed::of(services.zones.as_ref(), &m.planned);
        Self {
            id: m.id,
            number: m.number,
            url: m.published_at.map(|_| services.maintenance_url(&m)),
            title: m.title.into(),
            message: m.message.into(),
            state: m.state.as_str(),
            zone: typed.zone,
            start: typed.start,
            start_fold: typed.start_fold,
            end: typed.end,
            end_fold: typed.end_fold,
            may_wait: typed.may_wait,
            starts_at: m.planned.starts_at,
            ends_at: m.planned.ends_at,
            latest_end_at: m.planned.latest_end_at,
            hosts: m.hosts,
            components: m.components,
            auto_start: m.auto_start,
            auto_complete: m.auto_complete,
            reminders: m.reminders.to_input(),
            checklist: m.checklist.into_iter().map(ShownLine::from).collect(),
            done_anyway: m.done_anyway.map(Into::into),
            published_at: m.published_at,
            held_at: m.held_at,
            started_at: m.started_at,
            ended_at: m.ended_at,
            sequence: m.sequence,
            created_at: m.created_at,
            updated_at: m.updated_at,
            version: m.version,
        }
    }
}

/// A line of a checklist.
#[derive(Debug, Serialize)]
struct ShownLine {
    line: String,
    ticked_by: Option<String>,
    ticked_at: Option<Instant>,
}

impl From<CheckLine> for ShownLine {
    fn from(line: CheckLine) -> Self {
        let (ticked_by, ticked_at) = line.tick.map(|tick| (tick.by, tick.at)).unzip();
        Self { line: line.text.into(), ticked_by, ticked_at }
    }
}

/// A decision to go ahead against the gate, or the request for one.
#[derive(Debug, Serialize)]
struct ShownOverride {
    id: OverrideId,
    state: OverrideState,
    why: String,
    /// What it covers: all that stood against the work when it was asked for.
    reasons: Vec<Finding>,
    /// What stands against the work now and is not covered.
    uncovered: Vec<Finding>,
    starts_at: Instant,
    ends_at: Instant,
    asked_by: String,
    asked_at: Instant,
    confirmed_by: Option<String>,
    confirmed_at: Option<Instant>,
    ended_by: Option<String>,
    ended_at: Option<Instant>,
    end_why: Option<String>,
}

impl From<OverrideLook> for ShownOverride {
    fn from(look: OverrideLook) -> Self {
        let of = look.of;
        Self {
            id: of.id,
            state: of.state,
            why: of.why.into(),
            reasons: of.reasons,
            uncovered: look.uncovered,
            starts_at: of.starts_at,
            ends_at: of.ends_at,
            asked_by: look.asked_by,
            asked_at: of.asked_at,
            confirmed_by: look.confirmed_by,
            confirmed_at: of.confirmed_at,
            ended_by: look.ended_by,
            ended_at: of.ended_at,
            end_why: of.end_why.map(Into::into),
        }
    }
}

/// A reminder that went or will go.
#[derive(Debug, Serialize)]
struct ShownReminder {
    /// How long before the start.
    lead: String,
    starts_at: Instant,
    due_at: Instant,
    /// `coming`, `sent` or `passed`.
    state: &'static str,
    sent_at: Option<Instant>,
    /// To how many; as things are now where it is still to come.
    subscribers: Option<i64>,
}

impl From<ReminderLook> for ShownReminder {
    fn from(look: ReminderLook) -> Self {
        let (state, sent_at, subscribers) = match look.standing {
            ReminderStanding::Coming { to } => ("coming", None, Some(to)),
            ReminderStanding::Sent { at, to } => ("sent", Some(at), Some(to)),
            ReminderStanding::Passed { .. } => ("passed", None, None),
        };
        let (lead, starts_at, due_at) = (look.lead.to_input(), look.starts_at, look.due_at);
        Self { lead, starts_at, due_at, state, sent_at, subscribers }
    }
}

/// A line of a timeline.
#[derive(Debug, Serialize)]
struct ShownUpdate {
    id: UpdateId,
    kind: UpdateKind,
    body: String,
    at: Instant,
    old_starts_at: Option<Instant>,
    old_ends_at: Option<Instant>,
    starts_at: Instant,
    ends_at: Instant,
}

impl From<Update> for ShownUpdate {
    fn from(update: Update) -> Self {
        Self {
            id: update.id,
            kind: update.kind,
            body: update.body.into(),
            at: update.at,
            old_starts_at: update.old_starts_at,
            old_ends_at: update.old_ends_at,
            starts_at: update.starts_at,
            ends_at: update.ends_at,
        }
    }
}

/// A window with its timeline, newest line first.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    maintenance: Shown,
    updates: Vec<ShownUpdate>,
    /// The series it is part of.
    series: Option<ShownSeries>,
    /// It moved with the rules of its zone, and nobody has said yet whether subscribers are told.
    zone_move: Option<ZoneMove>,
}

/// The series of a window.
#[derive(Debug, Serialize)]
struct ShownSeries {
    id: SeriesId,
    /// "every Tuesday 02:00 Europe/Berlin"
    words: String,
    /// The nominal date.
    date: String,
    /// The window has a time of its own.
    moved: bool,
}

impl From<SeriesOf> for ShownSeries {
    fn from(of: SeriesOf) -> Self {
        Self { id: of.id, words: of.words, date: of.date.to_string(), moved: of.was_moved }
    }
}

/// An answer of the gate.
#[derive(Debug, Serialize)]
struct ShownVerdict {
    id: VerdictId,
    occasion: Occasion,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

impl From<KeptVerdict> for ShownVerdict {
    fn from(kept: KeptVerdict) -> Self {
        Self { id: kept.id, occasion: kept.occasion, verdict: kept.verdict, evidence: None }
    }
}

/// What a program sends about a window, with what is not content taken apart.
struct Sent {
    version: Option<i64>,
    schedule: bool,
    note: String,
    input: MaintenanceInput,
}

impl Sent {
    /// What customers read about a change.
    fn note(&self) -> Words<'_> {
        Words { text: &self.note, reason: self.input.reason.as_deref().unwrap_or_default() }
    }

    fn read(mut fields: Map<String, Value>) -> Result<Self, Problem> {
        let version = match fields.remove("version") {
            None => None,
            Some(value) => Some(value.as_i64().ok_or_else(|| Problem::field("version", "Send a whole number."))?),
        };
        let schedule = match fields.remove("schedule") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| Problem::field("schedule", "Send true or false."))?,
        };
        let note = match fields.remove("note") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(note)) => note,
            Some(_) => return Err(Problem::field("note", "Send a text.")),
        };
        let input = parse(Value::Object(fields).to_string().as_bytes())?;
        Ok(Self { version, schedule, note, input })
    }
}

/// What a program sends with a step. All may be missing, also the body.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Step {
    version: Option<i64>,
    body: String,
    /// Stands in the body where it has `{{reason}}`.
    reason: String,
}

impl Step {
    fn words(&self) -> Words<'_> {
        Words { text: &self.body, reason: &self.reason }
    }
}

/// What a program sends to publish a draft.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Publish {
    version: Option<i64>,
    conflicts_why: Option<String>,
}

/// The end of the work.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct End {
    version: Option<i64>,
    body: String,
    reason: String,
    /// Why it is over with lines of its checklist open; empty where none may be.
    anyway: String,
}

/// A line of the checklist, by its words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticked {
    line: String,
    ticked: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Longer {
    version: Option<i64>,
    by: String,
    end: String,
    end_fold: String,
    body: String,
    reason: String,
    conflicts_why: String,
}

fn step<T: Default + DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    match body.trim_ascii() {
        b"" | b"null" => Ok(T::default()),
        body => parse(body),
    }
}

type Answer = Result<Json<Shown>, Problem>;

fn shown(state: &AppState, result: Result<Maintenance, Error>) -> Answer {
    Ok(Json(Shown::of(&state.services, result?)))
}

/// The address of a window.
fn place(m: &Maintenance) -> String {
    format!("/api/v1/maintenances/{}", m.id)
}

/// 409 with all reasons and all that stands in the way beside them, and where the draft is kept.
async fn refused(
    state: &AppState,
    actor: &Actor,
    draft: &Maintenance,
    verdict: Box<Verdict>,
) -> Result<Response, Problem> {
    let conflicts = state.services.conflicts_of(actor, draft.id).await?.now;
    let message = format!("{}. It is kept as draft M-{}.", verdict.headline(), draft.number);
    let error = Error::Refused { code: "gate_blocked", message, verdict: Some(verdict) };
    let mut response = Problem::from(error).with_conflicts(conflicts).into_response();
    if let Ok(place) = HeaderValue::from_str(&place(draft)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    let query = MaintenanceQuery {
        state: asked.get("state").to_owned(),
        order: asked.get("order").to_owned(),
        cursor: asked.get("cursor").to_owned(),
        limit: asked.get("limit").to_owned(),
    };
    let page = state.services.list_maintenances(&actor, &query).await?;
    Ok(Listed::of(page, |m| Shown::of(&state.services, m)))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Input(fields): Input<Map<String, Value>>,
) -> Result<Response, Problem> {
    let key = headers.get("idempotency-key").map(|value| value.to_str()).transpose();
    let key = key.map_err(|_| Problem::field("Idempotency-Key", "Use letters, digits and signs of ASCII."))?;
    let sent = Sent::read(fields)?;
    match state.services.plan_maintenance(&actor, key, &sent.input, sent.schedule).await? {
        Planning::Drafted(m) | Planning::Scheduled(m) => Ok(created(&place(&m), Shown::of(&state.services, m))),
        Planning::Refused { draft, verdict } => refused(&state, &actor, &draft, verdict).await,
    }
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Whole>, Problem> {
    let (maintenance, updates) = state.services.maintenance_timeline(&actor, window(&of)?).await?;
    let (series, zone_move) = state.services.maintenance_context(&actor, &maintenance).await?;
    Ok(Json(Whole {
        maintenance: Shown::of(&state.services, maintenance),
        updates: updates.into_iter().map(Into::into).collect(),
        series: series.map(Into::into),
        zone_move,
    }))
}

fn window(text: &str) -> Result<MaintenanceId, Problem> {
    id(text, "maintenance")
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(fields): Input<Map<String, Value>>,
) -> Answer {
    let id = window(&of)?;
    let sent = Sent::read(fields)?;
    let read = version(sent.version)?;
    shown(&state, state.services.edit_maintenance(&actor, id, Some(read), &sent.input, sent.note()).await)
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_draft(&actor, window(&of)?, Some(asked.version()?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn schedule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let publish: Publish = step(&body)?;
    let target = Target::Stored { id: window(&of)?, version: publish.version };
    let input = MaintenanceInput { conflicts_why: publish.conflicts_why, ..MaintenanceInput::default() };
    match state.services.schedule_maintenance(&actor, target, &input).await? {
        Planning::Drafted(m) | Planning::Scheduled(m) => Ok(Json(Shown::of(&state.services, m)).into_response()),
        Planning::Refused { draft, verdict } => refused(&state, &actor, &draft, verdict).await,
    }
}

async fn start(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    body: Bytes,
) -> Answer {
    let step: Step = step(&body)?;
    shown(&state, state.services.start_maintenance(&actor, window(&of)?, step.version, step.words()).await)
}

async fn extend(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(longer): Input<Longer>,
) -> Answer {
    let Longer { version, by, end, end_fold, body, reason, conflicts_why } = longer;
    let input = ExtendInput { by, end, end_fold, body, reason, conflicts_why };
    shown(&state, state.services.extend_maintenance(&actor, window(&of)?, version, &input).await)
}

async fn verify(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    body: Bytes,
) -> Answer {
    let step: Step = step(&body)?;
    shown(&state, state.services.verify_maintenance(&actor, window(&of)?, step.version, step.words()).await)
}

async fn complete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    body: Bytes,
) -> Answer {
    let (id, end): (_, End) = (window(&of)?, step(&body)?);
    let services = &state.services;
    let words = Words { text: &end.body, reason: &end.reason };
    let result = if end.anyway.is_empty() {
        services.complete_maintenance(&actor, id, end.version, words).await
    } else {
        services.complete_maintenance_anyway(&actor, id, end.version, words, &end.anyway).await
    };
    shown(&state, result)
}

async fn tick(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(ticked): Input<Ticked>,
) -> Answer {
    shown(&state, state.services.tick_line(&actor, window(&of)?, &ticked.line, ticked.ticked).await)
}

async fn reminders(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Listed<ShownReminder>>, Problem> {
    let items = state.services.reminders_of(&actor, window(&of)?).await?;
    Ok(Listed::of(service::inventory::Page { items, next_cursor: None }, Into::into))
}

/// To read only: people ask, confirm and refuse, signed in.
async fn overrides(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Listed<ShownOverride>>, Problem> {
    let items = state.services.overrides(&actor, window(&of)?).await?;
    Ok(Listed::of(service::inventory::Page { items, next_cursor: None }, Into::into))
}

async fn cancel(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    body: Bytes,
) -> Answer {
    let step: Step = step(&body)?;
    shown(&state, state.services.cancel_maintenance(&actor, window(&of)?, step.version, step.words()).await)
}

async fn update(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(step): Input<Step>,
) -> Answer {
    shown(&state, state.services.post_update(&actor, window(&of)?, step.version, step.words()).await)
}

/// Whether subscribers are told that the window moved with the rules of its zone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tell {
    tell: bool,
}

async fn zone_move(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(tell): Input<Tell>,
) -> Answer {
    shown(&state, state.services.decide_zone_move(&actor, window(&of)?, tell.tell).await)
}

async fn verdicts(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Listed<ShownVerdict>>, Problem> {
    let items = state.services.verdicts(&actor, window(&of)?).await?;
    Ok(Listed::of(service::inventory::Page { items, next_cursor: None }, Into::into))
}

async fn verdict(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path((of, verdict)): Path<(String, String)>,
) -> Result<Json<ShownVerdict>, Problem> {
    let (_, kept, evidence) = state.services.verdict(&actor, window(&of)?, id(&verdict, "verdict")?).await?;
    Ok(Json(ShownVerdict { evidence: Some(evidence), ..kept.into() }))
}

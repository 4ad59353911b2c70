//! `/api/v1/hosts`

use super::{Asked, Listed, Read, created, id, sent, version};
use crate::http::problem::{Input, Problem, unreadable};
use crate::router::AppState;
use axum::extract::{Extension, FromRequest, Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use domain::host::Host;
use domain::ids::HostId;
use domain::time::Instant;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use service::Actor;
use service::inventory::{Change, FieldChange, HostInput, HostList, Import, Line, PolicyInput, RestoreInput};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/hosts", get(list).post(add))
        .route("/api/v1/hosts/import", post(import))
        .route("/api/v1/hosts/{id}", get(one).patch(edit).delete(delete))
        .route("/api/v1/hosts/{id}/exemption", put(exempt).delete(end_exemption))
        .route("/api/v1/hosts/{id}/policy", put(set_policy))
        .route("/api/v1/hosts/{id}/retire", post(retire))
}

/// A host as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: HostId,
    name: String,
    note: String,
    owner: String,
    runs_on: Option<HostId>,
    exemption: Option<ShownExemption>,
    policy: ShownPolicy,
    retired_at: Option<Instant>,
    version: i64,
}

#[derive(Debug, Serialize)]
struct ShownExemption {
    reason: String,
    by: String,
    at: Instant,
}

/// Where the host differs from the site's policy; `null` follows the site.
#[derive(Debug, Serialize)]
struct ShownPolicy {
    schedule_max_age: Option<String>,
    start_max_age: Option<String>,
    warnings_are_good: Option<bool>,
    drill_max_age: Option<String>,
    rto: Option<String>,
    slow_restore_blocks: Option<bool>,
}

impl From<Host> for Shown {
    fn from(host: Host) -> Self {
        Self {
            id: host.id,
            name: host.name.into(),
            note: host.note,
            owner: host.owner,
            runs_on: host.runs_on,
            exemption: host.exemption.map(|e| ShownExemption { reason: e.reason, by: e.by, at: e.at }),
            policy: ShownPolicy {
                schedule_max_age: host.policy.schedule_max_age.map(domain::time::Span::to_input),
                start_max_age: host.policy.start_max_age.map(domain::time::Span::to_input),
                warnings_are_good: host.policy.warnings_are_good,
                drill_max_age: host.policy.restore.drill_max_age.map(domain::time::Span::to_input),
                rto: host.policy.restore.rto.map(domain::time::Span::to_input),
                slow_restore_blocks: host.policy.restore.slow_restore_blocks,
            },
            retired_at: host.retired_at,
            version: host.version,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    name: Option<String>,
    note: Option<String>,
    owner: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    runs_on: Option<Option<String>>,
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: HostInput) -> HostInput {
        HostInput {
            name: self.name.unwrap_or(stored.name),
            note: self.note.unwrap_or(stored.note),
            owner: self.owner.unwrap_or(stored.owner),
            runs_on: self.runs_on.map_or(stored.runs_on, Option::unwrap_or_default),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExemptionBody {
    version: i64,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyBody {
    version: i64,
    schedule_max_age: Option<String>,
    start_max_age: Option<String>,
    warnings_are_good: Option<bool>,
    drill_max_age: Option<String>,
    rto: Option<String>,
    slow_restore_blocks: Option<bool>,
}

/// One line of a list; what is missing or empty stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImportLine {
    host: String,
    runs_on: String,
    note: String,
    owner: String,
    data_set: String,
    kind: String,
    job: String,
    tool: String,
    carried_by: String,
    every: String,
    max_duration: String,
}

impl ImportLine {
    /// Lines of a list are counted from 1.
    fn numbered(self, place: usize) -> Line {
        Line {
            number: place + 1,
            host: self.host,
            runs_on: self.runs_on,
            note: self.note,
            owner: self.owner,
            data_set: self.data_set,
            kind: self.kind,
            job: self.job,
            tool: self.tool,
            carried_by: self.carried_by,
            every: self.every,
            max_duration: self.max_duration,
        }
    }
}

#[derive(Debug, Serialize)]
struct Imported {
    /// Whether it was done, or only looked at.
    applied: bool,
    left_alone: usize,
    changes: Vec<ShownChange>,
}

#[derive(Debug, Serialize)]
struct ShownChange {
    line: usize,
    what: &'static str,
    place: String,
    is_new: bool,
    fields: Vec<ShownField>,
}

#[derive(Debug, Serialize)]
struct ShownField {
    column: &'static str,
    before: Option<String>,
    after: String,
}

impl Imported {
    fn of(import: Import, applied: bool) -> Self {
        let field = |f: FieldChange| ShownField { column: f.column, before: f.before, after: f.after };
        let change = |c: Change| ShownChange {
            line: c.line,
            what: c.what,
            place: c.place,
            is_new: c.is_new,
            fields: c.fields.into_iter().map(field).collect(),
        };
        Self { applied, left_alone: import.left_alone, changes: import.changes.into_iter().map(change).collect() }
    }
}

/// A list as `text/csv`, or as JSON with an object for each line.
#[derive(Debug)]
struct List(HostList);

impl FromRequest<AppState> for List {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv")) {
            let text =
                String::from_request(request, state).await.map_err(|rejection| unreadable(rejection.status()))?;
            return Ok(Self(HostList::Csv(text)));
        }
        let Input(lines) = Input::<Vec<ImportLine>>::from_request(request, state).await?;
        let lines = lines.into_iter().enumerate().map(|(place, line)| line.numbered(place)).collect();
        Ok(Self(HostList::Lines(lines)))
    }
}

/// Only looks, unless `?apply=true`.
async fn import(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
    List(list): List,
) -> Result<Json<Imported>, Problem> {
    let apply = match asked.get("apply").trim() {
        "" | "false" => false,
        "true" => true,
        _ => return Err(Problem::field("apply", "Write true or false.")),
    };
    let import = if apply {
        state.services.import_hosts(&actor, &list, None).await?
    } else {
        state.services.plan_import(&actor, &list).await?
    };
    Ok(Json(Imported::of(import, apply)))
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    Ok(Listed::of(state.services.hosts(&actor, &asked.list()).await?, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.host(&actor, id(&host, "host")?).await?.into()))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let host = state.services.add_host(&actor, body.over(HostInput::default())).await?;
    Ok(created(&format!("/api/v1/hosts/{}", host.id), Shown::from(host)))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let host = id(&host, "host")?;
    let read = version(body.version)?;
    let stored = state.services.host(&actor, host).await?;
    let stored = HostInput {
        name: stored.name.into(),
        note: stored.note,
        owner: stored.owner,
        runs_on: stored.runs_on.map(|on| on.to_string()).unwrap_or_default(),
    };
    Ok(Json(state.services.edit_host(&actor, host, read, body.over(stored)).await?.into()))
}

async fn exempt(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
    Input(body): Input<ExemptionBody>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.exempt_host(&actor, id(&host, "host")?, body.version, &body.reason).await?.into()))
}

async fn end_exemption(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
    asked: Asked,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.end_exemption(&actor, id(&host, "host")?, asked.version()?).await?.into()))
}

async fn set_policy(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
    Input(body): Input<PolicyBody>,
) -> Result<Json<Shown>, Problem> {
    let choice = |yes: Option<bool>| yes.map(|yes| if yes { "yes" } else { "no" }).unwrap_or_default().to_owned();
    let input = PolicyInput {
        schedule_max_age: body.schedule_max_age.unwrap_or_default(),
        start_max_age: body.start_max_age.unwrap_or_default(),
        warnings_are_good: choice(body.warnings_are_good),
        restore: RestoreInput {
            drill_max_age: body.drill_max_age.unwrap_or_default(),
            rto: body.rto.unwrap_or_default(),
            slow_restore_blocks: choice(body.slow_restore_blocks),
        },
    };
    Ok(Json(state.services.set_host_policy(&actor, id(&host, "host")?, body.version, input).await?.into()))
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.retire_host(&actor, id(&host, "host")?, read.version).await?.into()))
}

async fn delete(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(host): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_host(&actor, id(&host, "host")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Alerts come in at `/api/v1/alerts/alertmanager`, `/grafana` and `/generic`; `/api/v1/alerts`,
//! `/api/v1/causes` show what became of them, `/api/v1/alert-rules` and `/api/v1/alert-labels` say what
//! does.
//!
//! Any `Content-Type` will do for reports: what the body is the address says, not who sends it.

use super::components::Move;
use super::{Asked, Listed, created, id, version};
use crate::http::problem::{Input, Problem, unreadable};
use crate::router::AppState;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::alert::Alert;
use domain::alert::cause::Cause;
use domain::alert::place::LabelNames;
use domain::alert::read::Sender;
use domain::alert::rule::Rule;
use domain::component::ComponentState;
use domain::ids::{AlertId, AlertRuleId, CauseId, ComponentId, HostId, IncidentId, MaintenanceId};
use domain::time::Instant;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::alerts::{AlertReceipt, AlertsQuery, CausesQuery, LabelsInput, RuleInput};
use service::inventory::Page;
use std::collections::{BTreeMap, BTreeSet};

/// Where alerts are sent.
pub(crate) const PREFIX: &str = "/api/v1/alerts/";
/// Largest report, in bytes: some thousand alerts.
pub(crate) const BODY_LIMIT: usize = 8 * 1024 * 1024;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/alerts/alertmanager", post(alertmanager))
        .route("/api/v1/alerts/grafana", post(grafana))
        .route("/api/v1/alerts/generic", post(generic))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .route("/api/v1/alerts", get(alerts))
        .route("/api/v1/causes", get(causes))
        .route("/api/v1/causes/{id}", get(cause))
        .route("/api/v1/causes/{id}/end", post(end))
        .route("/api/v1/alert-rules", get(rules).post(add_rule))
        .route("/api/v1/alert-rules/{id}", get(rule).patch(edit_rule).delete(delete_rule))
        .route("/api/v1/alert-rules/{id}/move", post(move_rule))
        .route("/api/v1/alert-labels", get(labels).put(set_labels))
}

type Body = Result<Bytes, BytesRejection>;

async fn take(state: AppState, actor: Actor, sender: Sender, body: Body) -> Result<Json<AlertReceipt>, Problem> {
    let body = body.map_err(|rejection| unreadable(rejection.status()))?;
    Ok(Json(state.services.take_alerts(&actor, sender, &body).await?))
}

async fn alertmanager(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Body,
) -> Result<Json<AlertReceipt>, Problem> {
    take(state, actor, Sender::Alertmanager, body).await
}

async fn grafana(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Body,
) -> Result<Json<AlertReceipt>, Problem> {
    take(state, actor, Sender::Grafana, body).await
}

async fn generic(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Body,
) -> Result<Json<AlertReceipt>, Problem> {
    take(state, actor, Sender::Generic, body).await
}

/// An alert as programs see it.
#[derive(Debug, Serialize)]
struct ShownAlert {
    id: AlertId,
    /// What its source knows it by.
    key: String,
    status: &'static str,
    title: String,
    severity: &'static str,
    labels: BTreeMap<String, String>,
    host_id: Option<HostId>,
    components: BTreeSet<ComponentId>,
    cause_id: Option<CauseId>,
    started_at: Instant,
    ended_at: Option<Instant>,
    first_seen_at: Instant,
    last_seen_at: Instant,
    seen: i64,
    flaps: i64,
    link: Option<String>,
}

impl From<Alert> for ShownAlert {
    fn from(alert: Alert) -> Self {
        Self {
            id: alert.id,
            status: if alert.is_firing() { "firing" } else { "resolved" },
            key: alert.fingerprint,
            title: alert.title.into(),
            severity: alert.grade.as_str(),
            labels: alert.labels,
            host_id: alert.host,
            components: alert.components,
            cause_id: alert.cause,
            started_at: alert.started_at,
            ended_at: alert.ended_at,
            first_seen_at: alert.first_seen_at,
            last_seen_at: alert.last_seen_at,
            seen: alert.seen,
            flaps: alert.flaps,
            link: alert.link,
        }
    }
}

/// A cause as programs see it.
#[derive(Debug, Serialize)]
struct ShownCause {
    id: CauseId,
    title: String,
    state: &'static str,
    alerts: i64,
    firing: i64,
    /// Alerts that the sender left out.
    truncated: i64,
    incident_id: Option<IncidentId>,
    incident_state: Option<&'static str>,
    maintenance_id: Option<MaintenanceId>,
    /// What it turned out to be part of.
    merged_into: Option<CauseId>,
    components: BTreeMap<ComponentId, ComponentState>,
    rule_id: Option<AlertRuleId>,
    started_at: Instant,
    first_at: Instant,
    last_at: Instant,
    quiet_at: Option<Instant>,
    publish_at: Option<Instant>,
    /// Since when a person is asked to resolve its incident.
    proposed_at: Option<Instant>,
    ended_at: Option<Instant>,
}

impl From<Cause> for ShownCause {
    fn from(cause: Cause) -> Self {
        Self {
            id: cause.id,
            title: cause.title.into(),
            state: cause.state.as_str(),
            alerts: cause.alerts,
            firing: cause.firing,
            truncated: cause.truncated,
            incident_id: cause.incident,
            incident_state: cause.incident_state.map(domain::incident::IncidentState::as_str),
            maintenance_id: cause.maintenance,
            merged_into: cause.merged_into,
            components: cause.components,
            rule_id: cause.rule,
            started_at: cause.started_at,
            first_at: cause.first_at,
            last_at: cause.last_at,
            quiet_at: cause.quiet_at,
            publish_at: cause.publish_at,
            proposed_at: cause.proposed_at,
            ended_at: cause.ended_at,
        }
    }
}

/// `?cause=` one cause, `?state=` firing, over or ignored.
async fn alerts(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<ShownAlert>>, Problem> {
    let query =
        AlertsQuery { cause: asked.get("cause").to_owned(), state: asked.get("state").to_owned(), list: asked.list() };
    Ok(Listed::of(state.services.alerts(&actor, &query).await?, Into::into))
}

async fn causes(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<ShownCause>>, Problem> {
    let query = CausesQuery { list: asked.list() };
    Ok(Listed::of(state.services.causes(&actor, &query).await?, Into::into))
}

async fn cause(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(cause): Path<String>,
) -> Result<Json<ShownCause>, Problem> {
    Ok(Json(state.services.cause(&actor, id(&cause, "cause")?).await?.into()))
}

async fn end(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(cause): Path<String>,
) -> Result<StatusCode, Problem> {
    state.services.end_cause(&actor, id(&cause, "cause")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A rule as programs see it.
#[derive(Debug, Serialize)]
struct ShownRule {
    id: AlertRuleId,
    position: i64,
    #[serde(flatten)]
    rule: RuleInput,
    version: i64,
}

impl From<Rule> for ShownRule {
    fn from(rule: Rule) -> Self {
        Self { id: rule.id, position: rule.position, rule: RuleInput::of(&rule), version: rule.version }
    }
}

/// What is missing stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleBody {
    version: Option<i64>,
    name: Option<String>,
    hosts: Option<Vec<String>>,
    components: Option<Vec<String>>,
    labels: Option<String>,
    severities: Option<Vec<String>>,
    action: Option<String>,
    delay: Option<String>,
    component_state: Option<String>,
    title: Option<String>,
    text: Option<String>,
    quiet_for: Option<String>,
    resolution: Option<String>,
}

impl RuleBody {
    fn over(self, stored: RuleInput) -> RuleInput {
        RuleInput {
            name: self.name.unwrap_or(stored.name),
            hosts: self.hosts.unwrap_or(stored.hosts),
            components: self.components.unwrap_or(stored.components),
            labels: self.labels.unwrap_or(stored.labels),
            severities: self.severities.unwrap_or(stored.severities),
            action: self.action.unwrap_or(stored.action),
            delay: self.delay.unwrap_or(stored.delay),
            component_state: self.component_state.unwrap_or(stored.component_state),
            title: self.title.unwrap_or(stored.title),
            text: self.text.unwrap_or(stored.text),
            quiet_for: self.quiet_for.unwrap_or(stored.quiet_for),
            resolution: self.resolution.unwrap_or(stored.resolution),
        }
    }
}

async fn rules(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<ShownRule>>, Problem> {
    let items = state.services.alert_rules(&actor).await?.rules;
    Ok(Listed::of(Page { items, next_cursor: None }, Into::into))
}

async fn add_rule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<RuleBody>,
) -> Result<Response, Problem> {
    let rule = state.services.add_alert_rule(&actor, &body.over(RuleInput::default())).await?;
    Ok(created(&format!("/api/v1/alert-rules/{}", rule.id), ShownRule::from(rule)))
}

async fn rule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(rule): Path<String>,
) -> Result<Json<ShownRule>, Problem> {
    Ok(Json(state.services.alert_rule(&actor, id(&rule, "rule")?).await?.into()))
}

async fn edit_rule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(rule): Path<String>,
    Input(body): Input<RuleBody>,
) -> Result<Json<ShownRule>, Problem> {
    actor.require(domain::people::Permission::Administer)?;
    let stored = state.services.alert_rule(&actor, id(&rule, "rule")?).await?;
    let read = version(body.version)?;
    let input = body.over(RuleInput::of(&stored));
    Ok(Json(state.services.edit_alert_rule(&actor, stored.id, read, &input).await?.into()))
}

async fn delete_rule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(rule): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_alert_rule(&actor, id(&rule, "rule")?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn move_rule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(rule): Path<String>,
    Input(body): Input<Move>,
) -> Result<Json<ShownRule>, Problem> {
    Ok(Json(state.services.move_alert_rule(&actor, id(&rule, "rule")?, body.to.into()).await?.into()))
}

async fn labels(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<LabelNames>, Problem> {
    Ok(Json(state.services.alert_rules(&actor).await?.labels))
}

/// Lists of names, as in the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LabelsBody {
    version: Option<i64>,
    cause: Vec<String>,
    host: Vec<String>,
    component: Vec<String>,
}

async fn set_labels(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<LabelsBody>,
) -> Result<Json<LabelNames>, Problem> {
    let input =
        LabelsInput { cause: body.cause.join(","), host: body.host.join(","), component: body.component.join(",") };
    Ok(Json(state.services.set_alert_labels(&actor, version(body.version)?, &input).await?))
}

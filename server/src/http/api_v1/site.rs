//! `/api/v1/site`: name, zone, the policy for hosts and the reminders of windows that have none of their own.

use super::{sent, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, State};
use axum::routing::get;
use axum::{Json, Router};
use domain::people::Permission;
use domain::site::Site;
use domain::time::Span;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::site::{RestoreSettings, SiteSettings, WeightSettings};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/site", get(one).patch(edit))
}

/// The site as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    zone: String,
    schedule_max_age: String,
    start_max_age: String,
    lead: String,
    warnings_are_good: bool,
    reminders: String,
    drill_max_age: String,
    /// Null where nobody has said.
    rto: Option<String>,
    slow_restore_blocks: bool,
    /// Null for ever.
    keep_runs: Option<String>,
    /// The hour of the daily mail to the team.
    digest_hour: u8,
    /// What a partial outage costs in figures of availability, in percent of its time.
    partial_weight: u8,
    /// What degraded performance costs.
    degraded_weight: u8,
    version: i64,
}

impl From<Site> for Shown {
    fn from(site: Site) -> Self {
        Self {
            name: site.name.into(),
            zone: site.zone,
            schedule_max_age: site.policy.schedule_max_age.to_input(),
            start_max_age: site.policy.start_max_age.to_input(),
            lead: site.policy.lead.to_input(),
            warnings_are_good: site.policy.warnings_are_good,
            reminders: site.reminders.to_input(),
            drill_max_age: site.policy.restore.drill_max_age.to_input(),
            rto: site.policy.restore.rto.map(Span::to_input),
            slow_restore_blocks: site.policy.restore.slow_restore_blocks,
            keep_runs: site.keep_runs.map(Span::to_input),
            digest_hour: site.digest_hour.get(),
            partial_weight: site.weights.partial(),
            degraded_weight: site.weights.degraded(),
            version: site.version,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    name: Option<String>,
    zone: Option<String>,
    schedule_max_age: Option<String>,
    start_max_age: Option<String>,
    lead: Option<String>,
    warnings_are_good: Option<bool>,
    reminders: Option<String>,
    drill_max_age: Option<String>,
    #[serde(default, deserialize_with = "sent")]
    rto: Option<Option<String>>,
    slow_restore_blocks: Option<bool>,
    #[serde(default, deserialize_with = "sent")]
    keep_runs: Option<Option<String>>,
    digest_hour: Option<i64>,
    partial_weight: Option<i64>,
    degraded_weight: Option<i64>,
}

async fn one(State(state): State<AppState>, Extension(actor): Extension<Actor>) -> Result<Json<Shown>, Problem> {
    actor.require(Permission::View)?;
    Ok(Json(state.services.site().await?.into()))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    actor.require(Permission::Administer)?;
    let stored = Shown::from(state.services.site().await?);
    let edit = SiteSettings {
        version: version(body.version)?,
        name: body.name.unwrap_or(stored.name),
        zone: body.zone.unwrap_or(stored.zone),
        schedule_max_age: body.schedule_max_age.unwrap_or(stored.schedule_max_age),
        start_max_age: body.start_max_age.unwrap_or(stored.start_max_age),
        lead: body.lead.unwrap_or(stored.lead),
        warnings_are_good: body.warnings_are_good.unwrap_or(stored.warnings_are_good),
        reminders: body.reminders.unwrap_or(stored.reminders),
        restore: Some(RestoreSettings {
            drill_max_age: body.drill_max_age.unwrap_or(stored.drill_max_age),
            rto: body.rto.unwrap_or(stored.rto).unwrap_or_default(),
            slow_restore_blocks: body.slow_restore_blocks.unwrap_or(stored.slow_restore_blocks),
        }),
        keep_runs: body.keep_runs.map(Option::unwrap_or_default),
        digest_hour: body.digest_hour.unwrap_or_else(|| stored.digest_hour.into()).to_string(),
        weights: Some(WeightSettings {
            partial: body.partial_weight.unwrap_or_else(|| stored.partial_weight.into()).to_string(),
            degraded: body.degraded_weight.unwrap_or_else(|| stored.degraded_weight.into()).to_string(),
        }),
    };
    Ok(Json(state.services.edit_site(&actor, &edit).await?.into()))
}

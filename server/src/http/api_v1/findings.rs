//! `/api/v1/findings`: what the site should know before the next window.

use super::{Asked, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::finding::{Acknowledgement, Case, Finding};
use domain::ids::FindingId;
use domain::time::Instant;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::findings::{AcknowledgementInput, FindingsQuery, Standing};
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/findings", get(all))
        .route("/api/v1/findings/{id}", get(one))
        .route("/api/v1/findings/{id}/acknowledge", post(acknowledge).delete(end))
}

#[derive(Debug, Serialize)]
struct Answer {
    asked_at: Instant,
    /// How many of each kind are open, whatever `?kind=` and `?state=` ask for.
    counts: BTreeMap<&'static str, usize>,
    findings: Vec<Shown>,
}

/// A finding as programs see it.
#[derive(Debug, Serialize)]
struct Shown {
    id: FindingId,
    state: &'static str,
    /// The same in words.
    heading: String,
    /// What to do about it.
    advice: &'static str,
    #[serde(flatten)]
    finding: Finding,
    first_seen_at: Instant,
    last_seen_at: Instant,
    closed_at: Option<Instant>,
    /// When the team was mailed.
    told_at: Option<Instant>,
    acknowledged: Option<Acknowledgement>,
    version: i64,
}

impl Shown {
    fn of(case: Case, now: Instant) -> Self {
        let since = Some(case.since());
        Self {
            id: case.id,
            state: Standing::of(&case, now).as_str(),
            heading: case.finding.heading(),
            advice: case.finding.advice(),
            first_seen_at: case.first_seen_at,
            last_seen_at: case.last_seen_at,
            closed_at: case.closed_at,
            told_at: case.told_at,
            acknowledged: case.acknowledged,
            version: case.version,
            finding: Finding { since, ..case.finding },
        }
    }
}

/// The day, at the hour of the daily mail, on which it comes back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    until: String,
}

/// `?kind=` one kind, `?state=` open, acknowledged or closed (in the last two weeks).
async fn all(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Answer>, Problem> {
    let query = FindingsQuery { kind: asked.get("kind").to_owned(), state: asked.get("state").to_owned() };
    let view = state.services.findings(&actor, &query).await?;
    let cases = view.open.into_iter().chain(view.acknowledged).chain(view.closed);
    Ok(Json(Answer {
        asked_at: view.asked_at,
        counts: view.counts.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
        findings: cases.map(|case| Shown::of(case, view.asked_at)).collect(),
    }))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(finding): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let case = state.services.finding(&actor, id(&finding, "finding")?).await?;
    Ok(Json(Shown::of(case, state.services.now())))
}

async fn acknowledge(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(finding): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let input = AcknowledgementInput { reason: body.reason, until: body.until };
    let (finding, read) = (id(&finding, "finding")?, version(body.version)?);
    let case = state.services.acknowledge_finding(&actor, finding, read, &input).await?;
    Ok(Json(Shown::of(case, state.services.now())))
}

async fn end(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(finding): Path<String>,
    asked: Asked,
) -> Result<Json<Shown>, Problem> {
    let case = state.services.end_acknowledgement(&actor, id(&finding, "finding")?, asked.version()?).await?;
    Ok(Json(Shown::of(case, state.services.now())))
}

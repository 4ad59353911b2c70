//! `/api/v1/reports` and `/api/v1/report-figures`: what a month was like, and the site's own figures in it.

use super::{Asked, Listed, Read, created, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use domain::number;
use domain::report::{Content, Correction, Figure, Headline, Month, Report};
use domain::time::Instant;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::inventory::Page;
use service::reports::{CorrectionInput, FigureInput, ReportDesk, ReportLine};
use std::collections::BTreeMap;

/// A report is named by its month, a figure by its slug or its id.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/reports", get(list))
        .route("/api/v1/reports/{id}", get(one))
        .route("/api/v1/reports/{id}/freeze", post(freeze))
        .route("/api/v1/reports/{id}/corrections", post(correct))
        .route("/api/v1/reports/{id}/figures/{figure}", put(tell))
        .route("/api/v1/report-figures", get(figures).post(add))
        .route("/api/v1/report-figures/{id}", get(figure).patch(edit))
        .route("/api/v1/report-figures/{id}/retire", post(retire))
}

#[derive(Debug, Serialize)]
struct Line {
    month: Month,
    frozen_at: Instant,
    corrected_at: Option<Instant>,
    #[serde(flatten)]
    headline: Headline,
}

impl From<ReportLine> for Line {
    fn from(line: ReportLine) -> Self {
        Self { month: line.month, frozen_at: line.frozen_at, corrected_at: line.corrected_at, headline: line.headline }
    }
}

/// A report, or what it would say now where its month was not closed yet.
#[derive(Debug, Serialize)]
struct Shown {
    month: Month,
    /// None while it was not put down.
    frozen_at: Option<Instant>,
    corrected_at: Option<Instant>,
    version: Option<i64>,
    content: Option<Content>,
    corrections: Vec<Correction>,
}

impl From<ReportDesk> for Shown {
    fn from(desk: ReportDesk) -> Self {
        let corrections = desk.corrections;
        match desk.frozen {
            Some(report) => Self { corrections, ..report.into() },
            None => Self {
                month: desk.month,
                frozen_at: None,
                corrected_at: None,
                version: None,
                content: desk.preview,
                corrections,
            },
        }
    }
}

impl From<Report> for Shown {
    fn from(report: Report) -> Self {
        Self {
            month: report.month,
            frozen_at: Some(report.frozen_at),
            corrected_at: report.corrected_at,
            version: Some(report.version),
            content: Some(report.content),
            corrections: Vec::new(),
        }
    }
}

/// What a figure was.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    value: f64,
}

/// A value as programs read it back.
#[derive(Debug, Serialize)]
struct Told {
    month: Month,
    value: f64,
    by: String,
    at: Instant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectionBody {
    version: Option<i64>,
    #[serde(default)]
    why: String,
    /// By slug; `null` takes a value back.
    #[serde(default)]
    figures: BTreeMap<String, Option<f64>>,
    /// Everything else but the backups is gathered again from the history.
    #[serde(default)]
    recompute: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureBody {
    version: Option<i64>,
    slug: Option<String>,
    name: Option<String>,
    unit: Option<String>,
    decimals: Option<i64>,
    better: Option<String>,
    aggregate: Option<String>,
    is_public: Option<bool>,
    position: Option<i64>,
}

impl FigureBody {
    /// What was sent, over what is stored.
    fn over(self, stored: FigureInput) -> FigureInput {
        FigureInput {
            slug: self.slug.unwrap_or(stored.slug),
            name: self.name.unwrap_or(stored.name),
            unit: self.unit.unwrap_or(stored.unit),
            decimals: self.decimals.map_or(stored.decimals, |n| n.to_string()),
            better: self.better.unwrap_or(stored.better),
            aggregate: self.aggregate.unwrap_or(stored.aggregate),
            is_public: self.is_public.unwrap_or(stored.is_public),
            position: self.position.map_or(stored.position, |n| n.to_string()),
        }
    }
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<Line>>, Problem> {
    let items = state.services.reports(&actor).await?.frozen;
    Ok(Listed::of(Page { items, next_cursor: None }, Line::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(month): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.report_desk(&actor, &month).await?.into()))
}

async fn freeze(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(month): Path<String>,
) -> Result<Response, Problem> {
    let report = state.services.freeze_report(&actor, &month).await?;
    Ok(created(&format!("/api/v1/reports/{}", report.month), Shown::from(report)))
}

async fn correct(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(month): Path<String>,
    Input(body): Input<CorrectionBody>,
) -> Result<Json<Shown>, Problem> {
    let text = |value: Option<f64>| value.map(|value| number::plain(value, number::MOST_DECIMALS)).unwrap_or_default();
    let input = CorrectionInput {
        why: body.why,
        figures: body.figures.into_iter().map(|(slug, value)| (slug, text(value))).collect(),
        recompute: body.recompute,
    };
    actor.require(domain::people::Permission::Maintain)?;
    let read = version(body.version)?;
    Ok(Json(state.services.correct_report(&actor, &month, read, &input).await?.into()))
}

/// The same value again changes nothing.
async fn tell(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path((month, figure)): Path<(String, String)>,
    Input(told): Input<Value>,
) -> Result<Json<Told>, Problem> {
    let told = state.services.tell_figure(&actor, &month, &figure, told.value).await?;
    Ok(Json(Told { month: told.month, value: told.value, by: told.by, at: told.at }))
}

/// `?retired=true` for those out of use, too.
async fn figures(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Figure>>, Problem> {
    let items = state.services.report_figures(&actor, asked.get("retired").trim() == "true").await?;
    Ok(Listed::of(Page { items, next_cursor: None }, |figure| figure))
}

async fn figure(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Figure>, Problem> {
    Ok(Json(state.services.report_figure(&actor, &of).await?))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<FigureBody>,
) -> Result<Response, Problem> {
    let first = FigureInput { aggregate: "last".to_owned(), better: "neutral".to_owned(), ..FigureInput::default() };
    let added = state.services.add_report_figure(&actor, &body.over(first)).await?;
    Ok(created(&format!("/api/v1/report-figures/{}", added.slug), added))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<FigureBody>,
) -> Result<Json<Figure>, Problem> {
    actor.require(domain::people::Permission::EditInventory)?;
    let read = version(body.version)?;
    let stored = FigureInput::of(&state.services.report_figure(&actor, &of).await?);
    Ok(Json(state.services.edit_report_figure(&actor, &of, read, &body.over(stored)).await?))
}

async fn retire(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Figure>, Problem> {
    Ok(Json(state.services.retire_report_figure(&actor, &of, read.version).await?))
}

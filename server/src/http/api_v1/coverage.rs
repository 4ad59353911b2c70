//! `/api/v1/coverage`: how all data sets stand.

use super::Asked;
use crate::http::problem::Problem;
use crate::router::AppState;
use axum::extract::{Extension, State};
use axum::routing::get;
use axum::{Json, Router};
use domain::coverage::{Cell, Row};
use domain::gate::Reason;
use domain::ids::{DataSetId, HostId};
use domain::time::{Instant, Span};
use serde::Serialize;
use service::Actor;
use service::coverage::MatrixQuery;
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/coverage", get(all))
}

#[derive(Debug, Serialize)]
struct Answer {
    asked_at: Instant,
    /// How many data sets stand how, whatever `?state=` asks for.
    counts: BTreeMap<&'static str, usize>,
    hosts: Vec<ShownHost>,
}

#[derive(Debug, Serialize)]
struct ShownHost {
    id: HostId,
    name: String,
    /// Why it needs no backup, if so.
    exemption: Option<String>,
    data_sets: Vec<ShownCell>,
}

/// A data set; without an id where the host has none.
#[derive(Debug, Serialize)]
struct ShownCell {
    id: Option<DataSetId>,
    name: String,
    kind: Option<&'static str>,
    state: &'static str,
    /// The instant up to which data is safe.
    cut_off: Option<Instant>,
    age: Option<String>,
    limit: Option<String>,
    /// When the protection lapses if nothing new is reported.
    until: Option<Instant>,
    reasons: Vec<Reason>,
}

impl From<Row> for ShownHost {
    fn from(row: Row) -> Self {
        Self {
            id: row.host,
            name: row.name,
            exemption: row.exemption.map(|exemption| exemption.reason),
            data_sets: row.cells.into_iter().map(ShownCell::from).collect(),
        }
    }
}

impl From<Cell> for ShownCell {
    fn from(cell: Cell) -> Self {
        Self {
            id: cell.data_set,
            name: cell.name,
            kind: cell.kind.map(|kind| kind.as_str()),
            state: cell.state.as_str(),
            cut_off: cell.cut_off,
            age: cell.age.map(Span::to_input),
            limit: cell.limit.map(Span::to_input),
            until: cell.until,
            reasons: cell.reasons,
        }
    }
}

fn query(asked: &Asked) -> MatrixQuery {
    let text = |name: &str| asked.get(name).to_owned();
    MatrixQuery { host: text("host"), state: text("state"), sort: text("sort") }
}

/// `?host=` is a part of a name, `?state=` one state, `?sort=` worst, name or age.
async fn all(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Answer>, Problem> {
    let view = state.services.coverage(&actor, &query(&asked)).await?;
    Ok(Json(Answer {
        asked_at: view.asked_at,
        counts: view.counts.into_iter().map(|(state, count)| (state.as_str(), count)).collect(),
        hosts: view.rows.into_iter().map(ShownHost::from).collect(),
    }))
}

//! `/api/v1/gate`: what the gate would say now. Decides nothing.

use crate::http::problem::Problem;
use crate::router::AppState;
use axum::extract::{Extension, RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use domain::gate::Verdict;
use serde::Serialize;
use service::{Actor, Error};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/gate", get(ask))
}

#[derive(Debug, Serialize)]
struct Answer {
    confirmed: bool,
    /// "Not safe to schedule: 3 reasons"
    headline: String,
    #[serde(flatten)]
    verdict: Verdict,
}

/// `?host=` and `?component=` may come many times, by id or name; `?purpose=schedule` or `start`;
/// `?window=2 h` is how long the work would take.
async fn ask(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, Problem> {
    let (mut hosts, mut components) = (Vec::new(), Vec::new());
    let (mut purpose, mut window) = (String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "host" => hosts.push(value.into_owned()),
            "component" => components.push(value.into_owned()),
            "purpose" => purpose = value.into_owned(),
            "window" => window = value.into_owned(),
            other => {
                let message =
                    format!("There is no {other:?}. Use host and component, as often as needed, purpose and window.");
                return Err(Error::field("query", message).into());
            }
        }
    }
    let verdict = state.services.check_gate_of(&actor, &hosts, &components, &purpose, &window).await?.verdict;
    Ok(Json(Answer { confirmed: verdict.is_confirmed(), headline: verdict.headline(), verdict }))
}

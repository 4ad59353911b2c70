//! `/api/v1/previews`: the mail that something would send, before it is done. Nothing is stored.

use super::templates;
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, State};
use axum::routing::post;
use axum::{Json, Router};
use domain::ids::MaintenanceId;
use serde::{Deserialize, Serialize};
use service::maintenance::{ExtendInput, MaintenanceInput, Specimen, Step, Target, Words};
use service::{Actor, Error};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/previews", post(preview))
}

/// A mail as it would be sent.
#[derive(Debug, Serialize)]
struct Shown {
    from: String,
    subject: String,
    text: String,
    html: String,
    attachments: Vec<&'static str>,
    /// The zone its times are in.
    zone: String,
    /// The gate stands against it at this moment: nothing would be sent yet.
    blocked: bool,
}

impl From<Specimen> for Shown {
    fn from(seen: Specimen) -> Self {
        let letter = seen.letter;
        Self {
            from: letter.from,
            subject: letter.subject,
            text: letter.text,
            html: letter.html,
            attachments: letter.attachments,
            zone: seen.zone,
            blocked: seen.blocked,
        }
    }
}

/// What would be done, in the fields of the request that does it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Schedule a new window, or change the one that is named.
    Plan(Box<MaintenanceInput>),
    /// Post an update.
    Update(Said),
    /// Move the end.
    Extend(ExtendInput),
    /// Say that it is over.
    Complete(Said),
    /// Call it off.
    Cancel(Said),
    /// Begin with a template.
    Template(templates::Body),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    body: String,
    reason: String,
}

impl Said {
    fn words(&self) -> Words<'_> {
        Words { text: &self.body, reason: &self.reason }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    what: What,
    /// The window it is about; none for a new one and for templates.
    maintenance: Option<MaintenanceId>,
    /// The reader's zone; the site's where it is missing.
    #[serde(default)]
    zone: String,
    /// What customers read about a change of a published window.
    #[serde(default)]
    note: String,
}

async fn preview(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let (services, zone) = (&state.services, body.zone.as_str());
    let window = || body.maintenance.ok_or_else(|| Error::field("maintenance", "Send the id of the window."));
    actor.require(domain::people::Permission::Maintain)?;
    let seen = match &body.what {
        What::Plan(input) => {
            let target = body.maintenance.map_or(Target::New, |id| Target::Stored { id, version: None });
            let note = Words { text: &body.note, reason: input.reason.as_deref().unwrap_or_default() };
            services.preview_plan(&actor, target, input, note, zone).await?
        }
        What::Update(said) => services.preview_step(&actor, window()?, Step::Post(said.words()), zone).await?,
        What::Extend(input) => services.preview_step(&actor, window()?, Step::Extend(input), zone).await?,
        What::Complete(said) => services.preview_step(&actor, window()?, Step::Complete(said.words()), zone).await?,
        What::Cancel(said) => services.preview_step(&actor, window()?, Step::Cancel(said.words()), zone).await?,
        What::Template(template) => services.preview_template(&actor, &template.input(), zone).await?,
    };
    Ok(Json(seen.into()))
}

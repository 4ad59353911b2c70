//! `/api/v1/announcements`: announcements and changelog entries.

use super::{Asked, Listed, Read, created, id, sent, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::announcement::{Announcement, AnnouncementState, Category};
use domain::ids::{AnnouncementId, ComponentId, UserId};
use domain::subscriber::Audience;
use domain::time::Instant;
use serde::{Deserialize, Serialize};
use service::Actor;
use service::announcements::{AnnouncementInput, AnnouncementsQuery, WhenInput, page_of};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/announcements", get(list).post(draft))
        .route("/api/v1/announcements/{id}", get(one).patch(edit).delete(remove))
        .route("/api/v1/announcements/{id}/audience", get(audience))
        .route("/api/v1/announcements/{id}/publish", post(publish))
        .route("/api/v1/announcements/{id}/schedule", post(schedule).delete(unschedule))
        .route("/api/v1/announcements/{id}/withdraw", post(withdraw))
}

/// An announcement as programs see it: its fields are called as they are sent.
#[derive(Debug, Serialize)]
struct Shown {
    id: AnnouncementId,
    slug: String,
    title: String,
    body: String,
    category: Category,
    components: Vec<ComponentId>,
    pinned: bool,
    tells: bool,
    /// In which local times are read.
    zone: String,
    banner_until: Option<Instant>,
    state: AnnouncementState,
    /// When it becomes public by itself.
    publish_at: Option<Instant>,
    published_at: Option<Instant>,
    edited_at: Option<Instant>,
    withdrawn_at: Option<Instant>,
    withdrawn_why: Option<String>,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
    version: i64,
    /// Its public page, also before it is public.
    path: String,
}

impl From<Announcement> for Shown {
    fn from(a: Announcement) -> Self {
        Self {
            id: a.id,
            path: page_of(&a),
            slug: a.slug.to_string(),
            title: a.content.title.into(),
            body: a.content.body.into(),
            category: a.content.category,
            components: a.content.components,
            pinned: a.content.pinned,
            tells: a.content.tells,
            zone: a.content.zone,
            banner_until: a.content.banner.map(|until| until.at),
            state: a.state,
            publish_at: a.publish.map(|publish| publish.at),
            published_at: a.published_at,
            edited_at: a.edited_at,
            withdrawn_at: a.withdrawn_at,
            withdrawn_why: a.withdrawn_why.map(Into::into),
            created_by: a.created_by,
            created_at: a.created_at,
            updated_at: a.updated_at,
            version: a.version,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    version: Option<i64>,
    title: Option<String>,
    slug: Option<String>,
    body: Option<String>,
    category: Option<String>,
    components: Option<Vec<String>>,
    pinned: Option<bool>,
    tells: Option<bool>,
    zone: Option<String>,
    /// Local time or RFC 3339, or null for no banner.
    #[serde(deserialize_with = "sent")]
    banner_until: Option<Option<String>>,
    banner_fold: Option<String>,
    /// Tells subscribers of the change.
    tell_again: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct When {
    version: Option<i64>,
    /// Local time or RFC 3339.
    publish_at: String,
    publish_fold: String,
    zone: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Withdrawal {
    version: Option<i64>,
    why: String,
}

/// Who is told, and why others are not.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    mails: i64,
    webhooks: i64,
    left_out: Vec<LeftOut>,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    why: &'static str,
    count: i64,
}

impl From<Audience> for Told {
    fn from(audience: Audience) -> Self {
        let left_out = audience.left_out.into_iter();
        Self {
            mails: audience.mails,
            webhooks: audience.webhooks,
            left_out: left_out.map(|(why, count)| LeftOut { why: why.as_str(), count }).collect(),
        }
    }
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: AnnouncementInput) -> AnnouncementInput {
        // A choice belongs to the time it was made for.
        let kept = if self.banner_until.is_none() { stored.banner_fold } else { String::default() };
        AnnouncementInput {
            title: self.title.unwrap_or(stored.title),
            slug: self.slug.unwrap_or(stored.slug),
            body: self.body.unwrap_or(stored.body),
            category: self.category.unwrap_or(stored.category),
            components: self.components.unwrap_or(stored.components),
            pinned: self.pinned.unwrap_or(stored.pinned),
            tells: self.tells.unwrap_or(stored.tells),
            zone: self.zone.unwrap_or(stored.zone),
            banner_until: self.banner_until.map_or(stored.banner_until, Option::unwrap_or_default),
            banner_fold: self.banner_fold.unwrap_or(kept),
        }
    }
}

fn announcement(text: &str) -> Result<AnnouncementId, Problem> {
    id(text, "announcement")
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    asked: Asked,
) -> Result<Json<Listed<Shown>>, Problem> {
    let query = AnnouncementsQuery { state: asked.get("state").to_owned(), list: asked.list() };
    Ok(Listed::of(state.services.announcements(&actor, &query).await?, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.announcement(&actor, announcement(&of)?).await?.into()))
}

async fn draft(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let usual = AnnouncementInput { category: "announcement".to_owned(), tells: true, ..AnnouncementInput::default() };
    let added = state.services.draft_announcement(&actor, &body.over(usual)).await?;
    Ok(created(&format!("/api/v1/announcements/{}", added.id), Shown::from(added)))
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    actor.require(domain::people::Permission::Maintain)?;
    let (id, read, again) = (announcement(&of)?, version(body.version)?, body.tell_again);
    let stored = AnnouncementInput::of(&state.services.announcement(&actor, id).await?);
    Ok(Json(state.services.edit_announcement(&actor, id, read, &body.over(stored), again).await?.into()))
}

async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<StatusCode, Problem> {
    state.services.delete_announcement(&actor, announcement(&of)?, asked.version()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn audience(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Result<Json<Told>, Problem> {
    Ok(Json(state.services.announcement_audience(&actor, announcement(&of)?).await?.into()))
}

async fn publish(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(read): Input<Read>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.publish_announcement(&actor, announcement(&of)?, read.version).await?.into()))
}

async fn schedule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(when): Input<When>,
) -> Result<Json<Shown>, Problem> {
    actor.require(domain::people::Permission::Maintain)?;
    let (id, read) = (announcement(&of)?, version(when.version)?);
    let when = WhenInput { zone: when.zone, at: when.publish_at, fold: when.publish_fold };
    Ok(Json(state.services.schedule_announcement(&actor, id, read, &when).await?.into()))
}

async fn unschedule(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    asked: Asked,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.unschedule_announcement(&actor, announcement(&of)?, asked.version()?).await?.into()))
}

async fn withdraw(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Input(body): Input<Withdrawal>,
) -> Result<Json<Shown>, Problem> {
    actor.require(domain::people::Permission::Maintain)?;
    let (id, read) = (announcement(&of)?, version(body.version)?);
    Ok(Json(state.services.withdraw_announcement(&actor, id, read, &body.why).await?.into()))
}

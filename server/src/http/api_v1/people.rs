//! `/api/v1/people`

use super::{Listed, id, version};
use crate::http::problem::{Input, Problem};
use crate::router::AppState;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ids::UserId;
use domain::people::{Role, User};
use domain::time::Instant;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use service::Actor;
use service::inventory::Page;
use service::people::{NewPerson, Person};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/people", get(list).post(add))
        .route("/api/v1/people/{id}", get(one).patch(edit))
        .route("/api/v1/people/{id}/disable", post(disable))
        .route("/api/v1/people/{id}/enable", post(enable))
}

/// A person as programs see them.
#[derive(Debug, Serialize)]
struct Shown {
    id: UserId,
    email: String,
    name: String,
    role: Role,
    has_password: bool,
    signed_in_at: Option<Instant>,
    disabled_at: Option<Instant>,
    version: i64,
    /// Lets an invited person choose a password, once; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_link: Option<String>,
}

impl From<User> for Shown {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name.into(),
            role: user.role,
            has_password: user.has_password,
            signed_in_at: user.signed_in_at,
            disabled_at: user.disabled_at,
            version: user.version,
            password_link: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: Option<i64>,
    email: Option<String>,
    name: Option<String>,
    role: Option<String>,
}

impl Body {
    /// What was sent, over what is stored.
    fn over(self, stored: Person) -> Person {
        Person {
            email: self.email.unwrap_or(stored.email),
            name: self.name.unwrap_or(stored.name),
            role: self.role.unwrap_or(stored.role),
        }
    }
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Listed<Shown>>, Problem> {
    let items = state.services.people(&actor).await?;
    Ok(Listed::of(Page { items, next_cursor: None }, Shown::from))
}

async fn one(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(person): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.person(&actor, id(&person, "person")?).await?.into()))
}

async fn add(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Input(body): Input<Body>,
) -> Result<Response, Problem> {
    let added = state.services.add_person(&actor, &NewPerson::invited(body.over(Person::default()))).await?;
    let place = format!("/api/v1/people/{}", added.user.id);
    let shown = Shown { password_link: added.link, ..Shown::from(added.user) };
    let mut response = (StatusCode::CREATED, [(header::LOCATION, place)], Json(shown)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn edit(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(person): Path<String>,
    Input(body): Input<Body>,
) -> Result<Json<Shown>, Problem> {
    let id = id(&person, "person")?;
    let stored = state.services.person(&actor, id).await?;
    let read = version(body.version)?;
    let stored = Person { email: stored.email, name: stored.name.into(), role: stored.role.as_str().to_owned() };
    Ok(Json(state.services.edit_person(&actor, id, &body.over(stored), read).await?.into()))
}

async fn disable(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(person): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.disable_person(&actor, id(&person, "person")?).await?.into()))
}

async fn enable(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(person): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(state.services.enable_person(&actor, id(&person, "person")?).await?.into()))
}

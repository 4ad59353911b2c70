//! Who asks: found out once per request, from the session's cookie or the bearer token.
//!
//! The door a request comes through depends on its path alone, so public pages can neither read
//! nor set a cookie (they are kept and shared), and the API never hears of one (no CSRF there).

use super::client::ClientIp;
use super::error_page::Reader;
use super::problem::Problem;
use crate::router::AppState;
use app::session::INACTIVITY;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use service::{Actor, Error, Services};
use std::convert::Infallible;
use std::net::IpAddr;
use storage::session::Sessions;
use tower::{Layer, ServiceExt};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

/// How a request may say who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It may not: the answer is the same for everybody.
    Open,
    /// By the cookie of a session.
    Session,
    /// By `Authorization: Bearer`.
    Bearer,
}

/// What open pages ask by themselves: nobody need be there, so it keeps no session alive (SEC-1).
const ASKED_BY_PAGES: &str = "/api/fn/stands";

impl Door {
    /// The door of a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        const WITH_SESSION: [&str; 6] = ["/admin", "/sign-in", "/sign-out", "/setup", "/password", "/api/fn"];
        let below =
            |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if WITH_SESSION.into_iter().any(below) {
            Self::Session
        } else if below("/api/v1") {
            Self::Bearer
        } else {
            Self::Open
        }
    }
}

/// Finds out who asks and tells the handlers, as `Extension<Actor>`.
#[derive(Clone, Debug)]
pub struct Doorkeeper {
    state: AppState,
    sessions: SessionManagerLayer<Sessions>,
}

impl Doorkeeper {
    /// For what handlers share. The cookie is bound to the host and to TLS, except where the public
    /// address is plain http (on one's own machine): there browsers would not keep such a cookie.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        let services = &state.services;
        let tls = !services.public_url.starts_with("http://");
        let sessions = SessionManagerLayer::new(Sessions::new(services.db.clone()))
            .with_name(if tls { "__Host-sid" } else { "sid" })
            .with_secure(tls)
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_path("/")
            .with_expiry(Expiry::OnInactivity(time::Duration::seconds(INACTIVITY.as_seconds())));
        Self { state, sessions }
    }
}

/// The middleware.
pub async fn find(State(keeper): State<Doorkeeper>, mut request: Request, next: Next) -> Response {
    let ip = request.extensions().get::<ClientIp>().map(|client| client.0);
    match Door::of(request.uri().path()) {
        Door::Open => {
            request.extensions_mut().insert(Actor::public(ip));
            next.run(request).await
        }
        // Nobody without a token learns what a body is to look like.
        Door::Bearer if !request.method().is_safe() && !request.headers().contains_key(header::AUTHORIZATION) => {
            Problem::from(Error::SignInNeeded).into_response()
        }
        Door::Bearer => match by_token(&keeper.state.services, request.headers(), ip).await {
            Ok(actor) => {
                request.extensions_mut().insert(actor);
                next.run(request).await
            }
            Err(error) => Problem::from(error).into_response(),
        },
        Door::Session => {
            let state = keeper.state.clone();
            let inner = tower::service_fn(move |request: Request| {
                let (state, next) = (state.clone(), next.clone());
                async move { Ok::<_, Infallible>(by_session(state, ip, request, next).await) }
            });
            match keeper.sessions.layer(inner).oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    }
}

async fn by_token(services: &Services, headers: &HeaderMap, ip: Option<IpAddr>) -> Result<Actor, Error> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Actor::public(ip)) };
    let text = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, text)| text.trim())
        .ok_or(Error::SignInNeeded)?;
    services.actor_for_token(text, ip).await
}

async fn by_session(state: AppState, ip: Option<IpAddr>, mut request: Request, next: Next) -> Response {
    let Some(session) = request.extensions().get::<Session>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_there = request.uri().path() != ASKED_BY_PAGES;
    match person(&state.services, &session, ip, is_there).await {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(error) => match Reader::of(request.uri().path(), request.headers()) {
            Reader::Machine => crate::web::status(&error).into_response(),
            Reader::Person => crate::web::without_session(state, Actor::public(ip), error, request).await,
        },
    }
}

async fn person(services: &Services, session: &Session, ip: Option<IpAddr>, is_there: bool) -> Result<Actor, Error> {
    let now = services.now();
    let Some(user) = app::session::person(session, now).await? else { return Ok(Actor::public(ip)) };
    if is_there {
        app::session::see(session, now).await?;
    }
    let actor = services.actor_for_session(user, ip).await?;
    if actor.user().is_none() {
        app::session::end(session).await?;
    }
    Ok(actor)
}

#[cfg(test)]
mod tests {
    use super::Door;

    #[test]
    fn only_the_paths_of_the_team_have_a_session() {
        for path in
            ["/admin", "/admin/", "/admin/hosts/1", "/sign-in", "/sign-out", "/setup/x", "/password/x", "/api/fn/a"]
        {
            assert_eq!(Door::of(path), Door::Session, "{path}");
        }
        for path in ["/api/v1", "/api/v1/hosts"] {
            assert_eq!(Door::of(path), Door::Bearer, "{path}");
        }
        for path in
            ["/", "/administration", "/sign-in-help", "/api/v2/status.json", "/calendar.ics", "/ping/x", "/x/admin"]
        {
            assert_eq!(Door::of(path), Door::Open, "{path}");
        }
    }
}

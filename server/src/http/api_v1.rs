//! The JSON API below `/api/v1`: the same use cases as the pages, for programs.
//!
//! Lengths of time are texts as people write them ("24 h", "90 min"), instants RFC 3339, ids UUIDs.
//! A change carries the `version` that was read; lists come in pages with a `next_cursor`.

pub(crate) mod alerts;
mod announcements;
mod backup_requests;
pub(crate) mod backup_runs;
mod components;
mod conflicts;
mod coverage;
mod data_sets;
mod drills;
mod figures;
mod findings;
mod gate;
mod hosts;
mod incidents;
pub(crate) mod ingest;
mod jobs;
mod maintenances;
pub(crate) mod metrics;
mod people;
mod post_mortems;
mod previews;
mod reports;
mod series;
mod site;
mod templates;
mod tokens;
mod triggers;
mod webhooks;

use super::problem::Problem;
use crate::router::AppState;
use axum::extract::{FromRequestParts, Query};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};
use service::Error;
use service::inventory::{ListQuery, Page};
use std::collections::HashMap;
use std::str::FromStr;

/// Everything below `/api/v1`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(hosts::routes())
        .merge(backup_runs::routes())
        .merge(ingest::routes())
        .merge(alerts::routes())
        .merge(backup_requests::routes())
        .merge(gate::routes())
        .merge(coverage::routes())
        .merge(findings::routes())
        .merge(data_sets::routes())
        .merge(jobs::routes())
        .merge(drills::routes())
        .merge(components::routes())
        .merge(people::routes())
        .merge(tokens::routes())
        .merge(triggers::routes())
        .merge(webhooks::routes())
        .merge(site::routes())
        .merge(templates::routes())
        .merge(previews::routes())
        .merge(maintenances::routes())
        .merge(conflicts::routes())
        .merge(incidents::routes())
        .merge(series::routes())
        .merge(metrics::routes())
        .merge(reports::routes())
        .merge(figures::routes())
        .merge(announcements::routes())
        .merge(post_mortems::routes())
        .method_not_allowed_fallback(wrong_method)
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take this method.")
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> Listed<T> {
    pub(crate) fn of<F>(page: Page<F>, show: impl FnMut(F) -> T) -> Json<Self> {
        Json(Self { items: page.items.into_iter().map(show).collect(), next_cursor: page.next_cursor })
    }
}

/// The query of an address; what is not known is left alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "bad_query", "What stands behind the ? can not be read.")
        })
    }
}

impl Asked {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn list(&self) -> ListQuery {
        ListQuery {
            cursor: self.get("cursor").to_owned(),
            limit: self.get("limit").to_owned(),
            retired: self.get("retired").to_owned(),
        }
    }

    /// `?version=`, for requests without a body.
    pub(crate) fn version(&self) -> Result<i64, Problem> {
        version(self.get("version").trim().parse().ok())
    }
}

/// What a caller sends with a request that it may have to send again.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let key = headers.get("idempotency-key").map(|value| value.to_str()).transpose();
    key.map_err(|_| Problem::field("Idempotency-Key", "Use letters, digits and signs of ASCII."))
}

/// A body that says only which version was read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    pub(crate) version: i64,
}

/// The version that was read, which a change has to say.
pub(crate) fn version(read: Option<i64>) -> Result<i64, Problem> {
    read.ok_or_else(|| Problem::field("version", "Send the version that you read, a whole number."))
}

/// The id in an address; one that can not be an id leads nowhere.
pub(crate) fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_| Error::NotFound(what).into())
}

/// A field that was sent, also where it is `null`.
pub(crate) fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

/// 201 with the address of what was made.
pub(crate) fn created<T: Serialize>(place: &str, made: T) -> Response {
    let mut response = (StatusCode::CREATED, Json(made)).into_response();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

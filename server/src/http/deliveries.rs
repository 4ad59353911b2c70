//! A mail as a file, for any mail program.

use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use service::{Actor, Error};

use crate::router::AppState;

/// `GET /admin/deliveries/{notification}/{subscriber}/mail.eml`: the bytes that go to the mail server. They hold the
/// reader's secret links, so nothing on the way may keep them.
pub async fn mail(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path((notification, subscriber)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let found = async {
        actor.require(domain::people::Permission::Administer)?;
        let gone = |_| Error::NotFound("mail");
        let (notification, subscriber) = (notification.parse().map_err(gone)?, subscriber.parse().map_err(gone)?);
        state.services.mail_to(&actor, notification, subscriber).await
    };
    match found.await {
        Ok(view) => match view.letter {
            Ok(letter) => file(letter.raw),
            Err(_) => StatusCode::CONFLICT.into_response(),
        },
        Err(Error::SignInNeeded) => {
            Redirect::to(&format!("/sign-in?next={}", app::form::encode(uri.path()))).into_response()
        }
        Err(error) => app::context::status(&error).into_response(),
    }
}

fn file(raw: Vec<u8>) -> Response {
    let mut response = raw.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("message/rfc822"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"mail.eml\""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

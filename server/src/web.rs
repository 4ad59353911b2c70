//! Pages over HTTP: a GET renders the page, a POST hands the form to it.

use crate::http::headers;
use crate::router::AppState;
use app::context::{self, Assets, MailPolicy};
use app::form::{FormData, Submitted};
use app::posts::{Post, Posted, dispatch};
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, FromRequest, Multipart, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use service::{Actor, Error};
use std::sync::Arc;
use tower_sessions::Session;

/// Largest form taken, in bytes.
const FORM_LIMIT: usize = 256 * 1024;

/// Largest page rendered, in bytes.
const PAGE_LIMIT: usize = 16 * 1024 * 1024;

/// Any page: shows it, or takes its form.
pub async fn page(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    session: Option<Extension<Session>>,
    request: Request,
) -> Response {
    if request.method() == Method::POST {
        take(state, actor, session.map(|Extension(s)| s), request).await
    } else {
        render(state, actor, Submitted::default(), request).await
    }
}

/// What a form brought.
///
/// # Errors
/// The status of what can not be read.
async fn typed(parts: &Parts, body: Body) -> Result<FormData, StatusCode> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    // A mail provider's one click may come as multipart (RFC 8058); what it says is in the address.
    let path = parts.uri.path();
    let is_one_click = ["/unsubscribe/", "/team-mail/"].iter().any(|place| path.starts_with(place));
    let has_file = kind.starts_with("multipart/form-data") && !is_one_click;
    if !kind.starts_with("application/x-www-form-urlencoded") && !has_file && !is_one_click {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = to_bytes(body, FORM_LIMIT).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    if has_file {
        return with_file(kind, body).await.ok_or(StatusCode::BAD_REQUEST);
    }
    Ok(FormData::parse(&body))
}

async fn take(state: AppState, actor: Actor, session: Option<Session>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = match typed(&parts, body).await {
        Ok(form) => form,
        Err(status) => return status.into_response(),
    };
    let typed = form.clone();
    let post = Post {
        services: state.services.clone(),
        actor: actor.clone(),
        form,
        query: FormData::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        session,
    };
    let posted = dispatch(parts.uri.path(), post).await;
    let mut again = Request::from_parts(parts, Body::empty());
    *again.method_mut() = Method::GET;
    match posted {
        Ok(Posted::Redirect(to)) => Redirect::to(&to).into_response(),
        Ok(Posted::Again(submitted)) => {
            let retry_after = submitted.retry_after_s;
            let mut response = render(state, actor, submitted, again).await;
            if response.status() == StatusCode::OK {
                *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
                if let Some(seconds) = retry_after {
                    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
            }
            response
        }
        Ok(Posted::Overtaken(submitted)) => {
            let mut response = render(state, actor, submitted, again).await;
            if response.status() == StatusCode::OK {
                *response.status_mut() = StatusCode::CONFLICT;
            }
            response
        }
        Ok(Posted::Shown(submitted)) => render(state, actor, submitted, again).await,
        Err(error) => {
            let held = match error {
                // Whether it was stored, nobody knows: what was typed must not be lost in case it was not.
                Error::Unknown { .. } => Some(typed),
                // The session is over: after signing in a button is there to be pressed again, a text is not.
                Error::SignInNeeded => Some(typed).filter(|typed| !typed.is_press()),
                _ => None,
            };
            failed(state, actor, error, Submitted { data: held, ..Submitted::default() }, again).await
        }
    }
}

/// The page for somebody who can not be told apart just now, since the sessions do not answer. A form that was on its
/// way is not lost with them: the page holds it.
pub async fn without_session(state: AppState, actor: Actor, error: Error, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut submitted = Submitted::default();
    if parts.method == Method::POST {
        match typed(&parts, body).await {
            Ok(form) => submitted.data = Some(form),
            Err(status) => return status.into_response(),
        }
        parts.method = Method::GET;
    }
    failed(state, actor, error, submitted, Request::from_parts(parts, Body::empty())).await
}

/// A form with a file: the file's text is a field like the others. One that is no text can not be read.
async fn with_file(kind: &str, body: Bytes) -> Option<FormData> {
    let request = Request::builder().header(header::CONTENT_TYPE, kind).body(Body::from(body)).ok()?;
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name().unwrap_or_default().to_owned();
        let text = String::from_utf8_lossy(&part.bytes().await.ok()?).into_owned();
        fields.push((name, text));
    }
    Some(FormData::from_pairs(fields))
}

async fn render(state: AppState, actor: Actor, submitted: Submitted, request: Request) -> Response {
    let provide = provider(&state, actor, submitted);
    document(&state, provide, request).await
}

async fn failed(state: AppState, actor: Actor, error: Error, submitted: Submitted, request: Request) -> Response {
    let error = Arc::new(error);
    let provide = provider(&state, actor, submitted);
    let provide = move || {
        provide();
        provide_context(Arc::clone(&error));
    };
    document(&state, provide, request).await
}

/// Renders the document. What the renderer writes after its end is for scripts, which public
/// pages do not have.
async fn document(state: &AppState, provide: impl Fn() + Clone + Send + Sync + 'static, request: Request) -> Response {
    let options = state.options.clone();
    let scripted = app::routes::is_scripted(request.uri().path());
    let provide = move || {
        provide();
        if scripted {
            allow_scripts();
        }
    };
    let response =
        leptos_axum::render_app_async_with_context(provide, move || app::shell(options.clone()))(request).await;
    if scripted {
        return response;
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, PAGE_LIMIT).await {
        Ok(html) => Response::from_parts(parts, Body::from(cut_after_end(html))),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Lets the scripts of this one answer run, by the nonce they carry.
fn allow_scripts() {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, headers::scripts_with(&nonce));
        provide_context(MailPolicy(headers::scripts_and_mail_with(&nonce)));
    }
}

fn cut_after_end(mut html: Bytes) -> Bytes {
    const END: &[u8] = b"</html>";
    if let Some(at) = html.windows(END.len()).rposition(|window| window == END) {
        html.truncate(at + END.len());
    }
    html
}

fn provider(state: &AppState, actor: Actor, submitted: Submitted) -> impl Fn() + Clone + Send + Sync + 'static {
    let services = state.services.clone();
    let assets: Assets = state.assets.clone();
    move || {
        provide_context(services.clone());
        provide_context(actor.clone());
        provide_context(submitted.clone());
        provide_context(assets.clone());
    }
}

/// Server functions of the islands, with the same context as pages.
pub async fn server_function(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    let provide = provider(&state, actor, Submitted::default());
    leptos_axum::handle_server_fns_with_context(provide, request).await.into_response()
}

/// The status an error has on a page.
#[must_use]
pub const fn status(error: &Error) -> StatusCode {
    context::status(error)
}

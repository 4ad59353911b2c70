//! What every page finds in its context: the services, who asks, and what a form brought.

use crate::form::{FormData, Submitted};
use crate::view::FlashView;
use http::{HeaderValue, StatusCode, header};
use leptos::either::Either;
use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;
use leptos_axum::ResponseOptions;
use service::announcements::Banners;
use service::{Actor, Error, Services};
use std::future::Future;

/// Addresses of the files that go with the pages; their names change with their content.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// The style sheet.
    pub css: String,
    /// The sprite of icons, without the `#name`.
    pub icons: String,
    /// What keeps an open public page up to date.
    pub live: String,
    /// What tells the team that a page of theirs has changed.
    pub follow: String,
    /// What keeps the text of the other forms of a page, where one is sent.
    pub keep: String,
}

/// The content policy of a page that shows a mail: what stands in a mail brings its own styles. Still nothing runs
/// in it, and nothing is loaded for it.
#[derive(Clone, Debug)]
pub struct MailPolicy(pub HeaderValue);

/// Says that this page shows a mail.
pub fn shows_mail() {
    if let (Some(MailPolicy(policy)), Some(response)) = (use_context(), use_context::<ResponseOptions>()) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The use cases.
#[must_use]
pub fn services() -> Services {
    expect_context()
}

/// Who asks.
#[must_use]
pub fn actor() -> Actor {
    expect_context()
}

/// What the form on this page brought, if it comes back with errors.
#[must_use]
pub fn submitted() -> Submitted {
    use_context().unwrap_or_default()
}

/// The path and query asked for.
#[must_use]
pub fn uri() -> http::Uri {
    use_context::<http::request::Parts>().map(|parts| parts.uri).unwrap_or_default()
}

/// Tells the page cache that this page is the same for everybody, and until when.
/// `key` is the canonical path and query it answers for.
pub fn cacheable(key: &str, until: Option<domain::time::Instant>) {
    if let Some(response) = use_context::<ResponseOptions>() {
        mark_cacheable(&response, key, until);
    }
}

/// As [`cacheable`], after an await.
pub fn mark_cacheable(response: &ResponseOptions, key: &str, until: Option<domain::time::Instant>) {
    let until = until.map(|at| format!("; until={}", at.timestamp_millis())).unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(&format!("public; key={key}{until}")) {
        response.insert_header(http::HeaderName::from_static("x-fermata-cache"), value);
    }
}

/// Loads, then shows; an error becomes the page and the status that tell it. A public page finds in its context what
/// stands on top of all of them.
pub fn load<T, V>(
    future: impl Future<Output = Result<T, Error>> + Send + 'static,
    view: impl FnOnce(T) -> V + Send + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    V: IntoView + 'static,
{
    let response = use_context::<ResponseOptions>();
    let uri = uri();
    let owner = Owner::current().unwrap_or_default();
    let public = use_context::<Services>().filter(|_| !crate::routes::is_scripted(uri.path()));
    Suspend::new(async move {
        let found = match (future.await, public) {
            (Ok(value), Some(services)) => services.banners().await.map(|banners| (value, banners)),
            (found, _) => found.map(|value| (value, Banners::default())),
        };
        let shown = owner.with(|| match found {
            Ok((value, banners)) => {
                provide_context(banners);
                Either::Left(view(value))
            }
            Err(error) => {
                if let Some(response) = response {
                    answer(&response, &error, &uri);
                }
                Either::Right(crate::pages::error::error_page(&error))
            }
        });
        // After an await the thread's owner is that of whichever page came by last; what is written into the head would
        // go there.
        OwnedView::new_with_owner(shown, owner)
    })
}

/// A part of the address that the route names: `id` in `/admin/people/:id`.
#[must_use]
pub fn param(name: &str) -> String {
    leptos_router::hooks::use_params_map().read_untracked().get(name).unwrap_or_default()
}

/// Leads on instead of showing this page (303).
pub fn lead_to(place: &str) {
    if let (Some(response), Ok(place)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(place)) {
        response.insert_header(header::LOCATION, place);
        response.set_status(StatusCode::SEE_OTHER);
    }
}

/// What was just done, when the page before led here with `?done=…`; `texts` says it in words. Nothing where a form
/// came back: what stands against that is newer.
#[must_use]
pub fn done(texts: &[(&str, &str)]) -> Option<FlashView> {
    if submitted().data.is_some() {
        return None;
    }
    let query = FormData::parse(uri().query().unwrap_or_default().as_bytes());
    let done = query.get("done");
    texts.iter().find(|(code, _)| *code == done).map(|(_, text)| FlashView::done(*text))
}

/// The status of an error, and the way to the sign-in page where that helps and loses nothing.
pub fn answer(response: &ResponseOptions, error: &Error, uri: &http::Uri) {
    let holds_form = || submitted().data.is_some_and(|typed| crate::pages::error::can_be_shown(&typed));
    if matches!(error, Error::SignInNeeded) && !holds_form() {
        let next = uri.path_and_query().map_or("/admin", |p| p.as_str());
        let place = format!("/sign-in?next={}", crate::form::encode(next));
        if let Ok(place) = HeaderValue::from_str(&place) {
            response.insert_header(header::LOCATION, place);
            response.set_status(StatusCode::SEE_OTHER);
            return;
        }
    }
    response.set_status(status(error));
}

/// The HTTP status of an error.
#[must_use]
pub const fn status(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Refused { .. } | Error::Conflicts { .. } | Error::Stale(_) => StatusCode::CONFLICT,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::SignInNeeded => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable { .. } | Error::Unknown { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

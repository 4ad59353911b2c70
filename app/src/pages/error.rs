//! Pages that say what went wrong and what to do next.

use crate::components::{Actions, ButtonLink, Sheet};
use crate::context::answer;
use crate::pages::admin::desk::role;
use crate::view::Weight;
use domain::people::{Permission, Role};
use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{Meta, Title};
use service::Error;

/// No such address.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
    error_page(&Error::NotFound("page"))
}

/// A whole page for an error that stands for another page.
pub fn error_page(error: &Error) -> AnyView {
    let (title, text) = match error {
        Error::NotFound(_) => ("There is nothing here".to_owned(), "The address may be old or mistyped.".to_owned()),
        Error::SignInNeeded => ("Sign in first".to_owned(), "This page is for the team.".to_owned()),
        Error::Forbidden(needed) => ("You may not see this".to_owned(), by_whom(*needed)),
        Error::Unavailable { reference } => (
            "This does not work just now".to_owned(),
            format!(
                "Our database does not answer. Nothing was lost; try again in a moment. If it stays like this, tell us \
                 this reference: {reference}"
            ),
        ),
        Error::Internal { reference } => (
            "Something went wrong on our side".to_owned(),
            format!("Nothing was lost. If it happens again, tell us this reference: {reference}"),
        ),
        other => ("This did not work".to_owned(), other.to_string()),
    };
    page(title, text)
}

fn page(title: String, text: String) -> AnyView {
    view! {
        <Title text=title.clone()/>
        <Meta name="robots" content="noindex"/>
        <Sheet site="Status" title lead=text>
            <Actions><ButtonLink href="/" weight=Weight::Primary>"To the status page"</ButtonLink></Actions>
        </Sheet>
    }
    .into_any()
}

/// The page that a form's error becomes: it sets its status itself.
#[component]
pub fn FormError(
    /// What went wrong.
    error: std::sync::Arc<Error>,
) -> impl IntoView {
    if let Some(response) = use_context::<ResponseOptions>() {
        answer(&response, &error, &crate::context::uri());
    }
    match &*error {
        Error::Forbidden(needed) => {
            page("You may not do this".to_owned(), format!("Nothing was changed. {}", by_whom(*needed)))
        }
        error => error_page(error),
    }
}

/// Who may, and whom to ask.
fn by_whom(needed: Permission) -> String {
    let least = Role::least(needed);
    let or_more = if least == Role::Admin { "" } else { " or a higher one" };
    format!("It takes the role {}{or_more}. Ask an administrator for it.", role(least))
}

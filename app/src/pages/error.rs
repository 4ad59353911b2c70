//! Pages that say what went wrong and what to do next.

use crate::components::{Actions, Button, ButtonLink, Hidden, Sheet};
use crate::context::{answer, submitted, uri};
use crate::form::{FormData, encode};
use crate::pages::admin::desk::role;
use crate::view::Weight;
use domain::people::{Permission, Role};
use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{Meta, Title};
use service::Error;

/// What stands in the names of fields whose values are never written out.
const SECRET: [&str; 4] = ["password", "secret", "token", "authorization"];

/// Bytes of a form that are surely taken once more, in the way that browsers send it.
const AT_ONCE: usize = 250_000;

/// No such address.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
    error_page(&Error::NotFound("page"))
}

/// A whole page for an error that stands for another page. What a form brought is not lost with the database: the page
/// holds it and sends it again.
pub fn error_page(error: &Error) -> AnyView {
    if let (Error::Unavailable { reference }, Some(typed)) = (error, submitted().data) {
        return not_saved(&typed, reference);
    }
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

/// Whether a form may be written out: no page shows what is typed into a field for passwords and the like, and more
/// than is taken at once can not be sent again.
fn can_be_shown(typed: &FormData) -> bool {
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRET.iter().any(|word| name.contains(word))
    };
    let length: usize = typed.starting_with("").map(|(name, value)| encode(name).len() + encode(value).len() + 2).sum();
    length <= AT_ONCE && !typed.names().any(is_secret)
}

fn not_saved(typed: &FormData, reference: &str) -> AnyView {
    let title = "This could not be saved just now";
    let away = "Our database does not answer.";
    let help = format!("If it stays like this, tell us this reference: {reference}");
    let (text, again) = if can_be_shown(typed) {
        let uri = uri();
        let here = uri.path_and_query().map_or("/", |place| place.as_str()).to_owned();
        let fields = typed.starting_with("").map(|(name, value)| view! { <Hidden name value/> }).collect_view();
        let form = view! {
            <form method="post" action=here>
                {fields}
                <Actions><Button weight=Weight::Primary>"Send again"</Button></Actions>
            </form>
        };
        (format!("{away} This page holds what you typed: send it again in a moment. {help}"), form.into_any())
    } else {
        let back = "Go back in a moment and send it again: your browser has what you typed.";
        (format!("{away} {back} {help}"), ().into_any())
    };
    view! {
        <Title text=title/>
        <Meta name="robots" content="noindex"/>
        <Sheet site="Status" title lead=text>{again}</Sheet>
    }
    .into_any()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Submitted;

    fn page_after(body: &[u8]) -> String {
        let data = Some(FormData::parse(body));
        Owner::new().with(|| {
            leptos_meta::provide_meta_context();
            provide_context(Submitted { data, ..Submitted::default() });
            error_page(&Error::Unavailable { reference: "0815".to_owned() }).to_html()
        })
    }

    #[test]
    fn what_was_typed_is_sent_again_where_the_database_was_away() {
        let page = page_after(b"title=Gone&c.1=&body=A+%22disk%22%0D%0A%3Cdied%3E&c.1=major_outage&do=publish");
        assert!(page.contains("This could not be saved just now") && page.contains("0815"), "{page}");
        assert!(page.contains("method=\"post\"") && page.contains("Send again"), "{page}");
        assert_eq!(page.matches("type=\"hidden\"").count(), 5, "{page}");
        assert!(page.contains("name=\"do\" value=\"publish\"") && !page.contains("<died>"), "{page}");
    }

    #[test]
    fn no_page_shows_a_password_or_more_than_can_be_sent() {
        let long = ["text=", &"%".repeat(AT_ONCE / 3)].concat();
        for body in ["email=a&password=hunter2", "name=x&New-Secret=hunter2", "api_token=hunter2", long.as_str()] {
            let page = page_after(body.as_bytes());
            assert!(!page.contains("hunter2") && !page.contains("Send again"), "{page:.999}");
            assert!(page.contains("your browser has what you typed"), "{page:.999}");
        }
    }
}

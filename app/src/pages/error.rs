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
    match (error, submitted().data) {
        (Error::Unavailable { reference }, Some(typed)) => return not_saved(&typed, reference),
        (Error::Unknown { reference }, Some(typed)) => return perhaps_saved(&typed, reference),
        (Error::SignInNeeded, Some(typed)) => return signed_out(&typed),
        _ => (),
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
pub(crate) fn can_be_shown(typed: &FormData) -> bool {
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRET.iter().any(|word| name.contains(word))
    };
    let length: usize = typed.starting_with("").map(|(name, value)| encode(name).len() + encode(value).len() + 2).sum();
    length <= AT_ONCE && !typed.names().any(is_secret)
}

fn not_saved(typed: &FormData, reference: &str) -> AnyView {
    let what_now = if can_be_shown(typed) {
        "This page holds what you typed: send it again in a moment."
    } else {
        "Go back in a moment and send it again: your browser has what you typed."
    };
    let text =
        format!("Our database does not answer. {what_now} If it stays like this, tell us this reference: {reference}");
    with_form("This could not be saved just now", text, typed, None)
}

/// The session is over: who signs in elsewhere meanwhile sends what was typed from here.
fn signed_out(typed: &FormData) -> AnyView {
    let text = "Nothing was saved, and nothing is lost: sign in in another tab, come back, and send it again. This page \
                holds what you typed.";
    let way = view! { <p><a href="/sign-in" target="_blank">"Sign in in another tab"</a></p> }.into_any();
    with_form("You were signed out", text.to_owned(), typed, Some(way))
}

/// Sent twice it might be done twice.
fn perhaps_saved(typed: &FormData, reference: &str) -> AnyView {
    let what_now = if can_be_shown(typed) {
        "Look first, in another tab, whether it is there. This page holds what you typed: send it again if it is not."
    } else {
        "Look first, in another tab, whether it was done. If not, go back and send it again: your browser has what you \
         typed."
    };
    let text = format!(
        "Our database went away at the last moment and may have kept what you sent, or not. {what_now} If it happens \
         again, tell us this reference: {reference}"
    );
    with_form("Nobody knows whether this was saved", text, typed, None)
}

/// A page that holds what was typed, where it may be shown, and sends it again.
fn with_form(title: &'static str, text: String, typed: &FormData, way: Option<AnyView>) -> AnyView {
    let again = can_be_shown(typed).then(|| {
        let uri = uri();
        let here = uri.path_and_query().map_or("/", |place| place.as_str()).to_owned();
        let fields = typed.starting_with("").map(|(name, value)| view! { <Hidden name value/> }).collect_view();
        view! {
            <form method="post" action=here>
                {fields}
                <Actions><Button weight=Weight::Primary>"Send again"</Button></Actions>
            </form>
        }
    });
    view! {
        <Title text=title/>
        <Meta name="robots" content="noindex"/>
        <Sheet site="Status" title lead=text>{way}{again}</Sheet>
    }
    .into_any()
}

fn page(title: String, text: String) -> AnyView {
    let is_of_team = uri().path().starts_with("/admin/");
    let (home, way) = if is_of_team { ("/admin", "To what needs me now") } else { ("/", "To the status page") };
    view! {
        <Title text=title.clone()/>
        <Meta name="robots" content="noindex"/>
        <Sheet site="Status" title lead=text>
            <Actions><ButtonLink href=home weight=Weight::Primary>{way}</ButtonLink></Actions>
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

    fn page_of(error: &Error, body: &[u8]) -> String {
        let data = Some(FormData::parse(body));
        Owner::new().with(|| {
            leptos_meta::provide_meta_context();
            provide_context(Submitted { data, ..Submitted::default() });
            error_page(error).to_html()
        })
    }

    fn page_after(body: &[u8]) -> String {
        page_of(&Error::Unavailable { reference: "0815".to_owned() }, body)
    }

    #[test]
    fn who_does_not_know_whether_it_was_stored_looks_first_and_has_the_text() {
        let error = Error::Unknown { reference: "0815".to_owned() };
        let page = page_of(&error, b"title=Gone&do=publish");
        assert!(page.contains("Nobody knows whether this was saved") && page.contains("Look first"), "{page}");
        assert!(page.contains("name=\"title\" value=\"Gone\"") && page.contains("Send again"), "{page}");
        let page = page_of(&error, b"password=hunter2");
        assert!(page.contains("your browser has what you typed") && !page.contains("hunter2"), "{page}");
    }

    #[test]
    fn who_was_signed_out_keeps_the_text() {
        let page = page_of(&Error::SignInNeeded, b"title=Gone&do=publish");
        assert!(page.contains("You were signed out") && page.contains("href=\"/sign-in\""), "{page}");
        assert!(page.contains("name=\"title\" value=\"Gone\"") && page.contains("Send again"), "{page}");
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

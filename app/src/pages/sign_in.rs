//! The way in and the way out.

use crate::components::{Actions, Button, ErrorSummary, Field, Sheet};
use crate::context::{self, load, services, submitted};
use crate::posts::{Post, Posted};
use crate::session;
use crate::view::Weight;
use leptos::prelude::*;
use leptos_meta::Title;
use service::Error;

/// Where those go who were not on their way anywhere.
const START: &str = "/admin";

/// `/sign-in`: keeps where the reader wanted to go in `?next=`.
#[component]
pub fn SignIn() -> impl IntoView {
    if context::actor().user().is_some() {
        let query = crate::form::FormData::parse(context::uri().query().unwrap_or_default().as_bytes());
        context::lead_to(&own_page(query.get("next")));
    }
    let (services, typed) = (services(), submitted());
    load(async move { services.site().await }, move |site| {
        view! {
            <Title text=format!("Sign in – {}", site.name)/>
            <Sheet site=site.name.to_string() title="Sign in" lead="For the people who run this page.">
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <form class="form" method="post">
                    <Field name="email" label="E-mail address" kind="email" autocomplete="username" required=true
                        value=typed.value("email", "") error=typed.error("email")/>
                    <Field name="password" label="Password" kind="password" autocomplete="current-password"
                        required=true error=typed.error("password")/>
                    <Actions><Button weight=Weight::Primary>"Sign in"</Button></Actions>
                </form>
                <p class="small muted mt">"Forgotten it? An administrator can send you a link to choose another."</p>
            </Sheet>
        }
    })
}

/// Takes the sign-in form.
///
/// # Errors
/// The database does not answer.
pub async fn sign_in(post: Post) -> Result<Posted, Error> {
    let next = own_page(post.query.get("next"));
    let done = async {
        let session = post.session.as_ref().ok_or(Error::NotFound("page"))?;
        let password = post.form.get("password").into();
        let user = post.services.sign_in(post.form.get("email"), &password, post.actor.ip()).await?;
        session::begin(session, user.id, post.services.now()).await?;
        Ok(next)
    };
    let done = done.await;
    post.done(done)
}

/// `/sign-out`: opening it changes nothing, the button does.
#[component]
pub fn SignOut() -> impl IntoView {
    let services = services();
    load(async move { services.site().await }, |site| {
        view! {
            <Title text=format!("Sign out – {}", site.name)/>
            <Sheet site=site.name.to_string() title="Sign out">
                <form method="post">
                    <Actions><Button weight=Weight::Primary>"Sign out"</Button></Actions>
                </form>
            </Sheet>
        }
    })
}

/// Ends the session.
///
/// # Errors
/// The database does not answer.
pub async fn sign_out(post: Post) -> Result<Posted, Error> {
    if let Some(session) = &post.session {
        session::end(session).await?;
        post.services.sign_out(&post.actor).await?;
    }
    Ok(Posted::Redirect("/sign-in".to_owned()))
}

/// The page to go on to, if it is one of ours: a path, nothing that a browser takes for another
/// host (`//host`, `/\host`).
fn own_page(next: &str) -> String {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r', '\t']);
    let is_door = ["/sign-in", "/sign-out"].iter().any(|door| next.starts_with(door));
    if is_path && !is_door && next.bytes().all(|b| b.is_ascii_graphic()) { next.to_owned() } else { START.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{START, own_page};

    #[test]
    fn one_goes_on_only_to_pages_of_this_site() {
        for ours in ["/admin/hosts", "/admin/audit?object=host&before=1", "/"] {
            assert_eq!(own_page(ours), ours);
        }
        for other in [
            "",
            "admin",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/admin\r\nSet-Cookie: x",
            "/sign-out",
            "/sign-in?next=/sign-in",
            "/ä",
        ] {
            assert_eq!(own_page(other), START, "{other:?}");
        }
    }
}

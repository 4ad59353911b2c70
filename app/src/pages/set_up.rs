//! Behind one-time links: making the first admin, choosing a password.

use crate::components::{Actions, Button, ErrorSummary, Field, Sheet};
use crate::context::{load, param, services, submitted};
use crate::posts::{Post, Posted};
use crate::session;
use crate::view::Weight;
use domain::people::User;
use leptos::prelude::*;
use leptos_meta::Title;
use service::Error;
use service::people::{NewPerson, Person};

/// `/setup/{token}`
#[component]
pub fn SetUp() -> impl IntoView {
    let (services, typed, token) = (services(), submitted(), param("token"));
    let found = async move {
        services.setup_offer(&token).await?;
        services.site().await
    };
    load(found, move |site| {
        view! {
            <Title text="Set up – Fermata"/>
            <Sheet site=site.name.to_string() title="Welcome to Fermata"
                lead="Nobody can sign in yet. Become the first administrator." wide=true>
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <form class="form" method="post">
                    <Field name="name" label="Your name" hint="Colleagues see it, customers never do." autocomplete="name"
                        required=true value=typed.value("name", "") error=typed.error("name")/>
                    <Field name="email" label="E-mail address" hint="You sign in with it." kind="email"
                        autocomplete="username" required=true value=typed.value("email", "")
                        error=typed.error("email")/>
                    {new_password("password", "Password", typed.error("password"))}
                    <Actions><Button weight=Weight::Primary>"Create account"</Button></Actions>
                </form>
            </Sheet>
        }
    })
}

/// Makes the first admin and signs them in.
///
/// # Errors
/// The link does not count any more.
pub async fn set_up(post: Post, token: &str) -> Result<Posted, Error> {
    let text = |name: &str| post.form.get(name).to_owned();
    let new = NewPerson {
        person: Person { email: text("email"), name: text("name"), role: String::new() },
        password: post.form.get("password").into(),
    };
    let made = post.services.set_up(token, &new, post.actor.ip()).await;
    go_on(post, made).await
}

/// `/password/{token}`: for an invited person, or one who forgot it.
#[component]
pub fn ChoosePassword() -> impl IntoView {
    let (services, typed, token) = (services(), submitted(), param("token"));
    let found = async move { Ok((services.password_offer(&token).await?, services.site().await?)) };
    load(found, move |(user, site)| {
        let lead = format!("For {}, who signs in as {}.", user.name, user.email);
        view! {
            <Title text=format!("Choose a password – {}", site.name)/>
            <Sheet site=site.name.to_string() title="Choose a password" lead=lead wide=true>
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <form class="form" method="post">
                    {new_password("password", "New password", typed.error("password"))}
                    <Actions><Button weight=Weight::Primary>"Save and sign in"</Button></Actions>
                    <input type="hidden" name="username" autocomplete="username" value=user.email/>
                </form>
            </Sheet>
        }
    })
}

/// Sets the password and signs in.
///
/// # Errors
/// The link does not count any more.
pub async fn choose_password(post: Post, token: &str) -> Result<Posted, Error> {
    let chosen = post.services.choose_password(token, post.form.get("password"), post.actor.ip()).await;
    go_on(post, chosen).await
}

async fn go_on(post: Post, user: Result<User, Error>) -> Result<Posted, Error> {
    let done = async {
        let session = post.session.as_ref().ok_or(Error::NotFound("page"))?;
        session::begin(session, user?.id, post.services.now()).await?;
        Ok("/admin")
    };
    let done = done.await;
    post.done(done)
}

/// A field for a password that is new.
pub(super) fn new_password(name: &'static str, label: &'static str, error: Option<String>) -> AnyView {
    view! {
        <Field name=name label=label kind="password" autocomplete="new-password" required=true
            hint="At least 12 characters. A few words in a row are easy to remember." error=error/>
    }
    .into_any()
}

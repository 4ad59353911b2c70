//! One's own account: who one is here, and the password.

use super::super::set_up::new_password;
use super::desk::{admin, role};
use crate::components::{Actions, Button, Card, ErrorSummary, Fact, Facts, Field, Flash, PageHeader};
use crate::context::{done, submitted};
use crate::posts::{Post, Posted};
use crate::session;
use crate::view::Weight;
use leptos::prelude::*;
use service::Error;
use service::people::sign_in::NewPassword;

/// `/admin/account`
#[component]
pub fn Account() -> impl IntoView {
    let (typed, flash) =
        (submitted(), done(&[("password", "Your password has been changed. All other sessions have ended.")]));
    admin(
        |_| "Your account".to_owned(),
        |desk| async move { desk.actor.user().cloned().ok_or(Error::NotFound("account")) },
        move |_, user| {
            let email = user.email.clone();
            view! {
                <PageHeader title="Your account"/>
                {flash.map(|flash| view! { <Flash flash/> })}
                <ErrorSummary problems=typed.problems() message=typed.message.clone()/>
                <div class="stack">
                    <Card>
                        <Facts>
                            <Fact label="Name"><span dir="auto">{user.name.to_string()}</span></Fact>
                            <Fact label="E-mail address">{user.email}</Fact>
                            <Fact label="Role">{role(user.role)}</Fact>
                        </Facts>
                    </Card>
                    <form class="form card" method="post">
                        <h2>"Password"</h2>
                        <Field name="current" label="Current password" kind="password" autocomplete="current-password"
                            required=true error=typed.error("current")/>
                        {new_password("password", "New password", typed.error("password"))}
                        <Field name="again" label="New password once more" kind="password" autocomplete="new-password"
                            required=true error=typed.error("again")/>
                        <Actions><Button weight=Weight::Primary>"Change password"</Button></Actions>
                        <input type="hidden" name="username" autocomplete="username" value=email/>
                    </form>
                </div>
            }
        },
    )
}

/// Changes the password; of all sessions only this one goes on, under another name (SEC-2).
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn change_password(post: Post) -> Result<Posted, Error> {
    let new = NewPassword {
        current: post.form.get("current").into(),
        password: post.form.get("password").into(),
        again: post.form.get("again").into(),
    };
    let done = async {
        let user = post.services.change_password(&post.actor, &new).await?;
        if let Some(session) = &post.session {
            session::begin(session, user.id, post.services.now()).await?;
        }
        Ok("/admin/account?done=password")
    };
    let done = done.await;
    post.done(done)
}

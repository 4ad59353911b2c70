//! One's own account: who one is here, and the password.

use super::super::set_up::new_password;
use super::desk::{Desk, admin, role};
use crate::components::{Actions, Button, Card, Checkbox, ErrorSummary, Fact, Facts, Field, Flash, PageHeader};
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
    let (typed, flash) = (
        submitted(),
        done(&[
            ("password", "Your password has been changed. All other sessions have ended."),
            ("mail", "Saved. The next mail follows it."),
        ]),
    );
    admin(
        |_| "Your account".to_owned(),
        |desk| async move {
            let user = desk.actor.user().cloned().ok_or(Error::NotFound("account"))?;
            Ok((user, desk.services.my_team_mail(&desk.actor).await?))
        },
        move |desk, (user, mail)| {
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
                    {mail.map(|wanted| mail_form(&desk, wanted))}
                </div>
            }
        },
    )
}

fn mail_form(desk: &Desk, wanted: bool) -> AnyView {
    let server = if desk.services.mail_configured { "" } else { " No mail server is configured yet: no mail leaves." };
    let hint = format!(
        "At once when there is a new one, and every day at {:02}:00 while some are open.{server}",
        desk.site.digest_hour.get()
    );
    view! {
        <form class="form card" method="post">
            <h2>"Mails"</h2>
            <Checkbox name="findings" label="Mail me about findings" hint=hint checked=wanted/>
            <Actions><Button name="do" value="mail">"Save"</Button></Actions>
        </form>
    }
    .into_any()
}

/// Takes the forms of [`Account`].
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn take(post: Post) -> Result<Posted, Error> {
    if post.form.get("do") == "mail" {
        let chosen = post.services.choose_team_mail(&post.actor, post.form.has("findings")).await;
        return post.done(chosen.map(|()| "/admin/account?done=mail"));
    }
    change_password(post).await
}

/// Changes the password; of all sessions only this one goes on, under another name (SEC-2).
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
async fn change_password(post: Post) -> Result<Posted, Error> {
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

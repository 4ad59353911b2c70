//! `/team-mail/{link}`: how a person of the team ends mails about findings without signing in. Looking
//! changes nothing (MAIL-3); the button, and the mail provider's one click, post.

use super::private;
use crate::components::{Actions, Button, ButtonLink, Sheet};
use crate::context::{load, services};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::Weight;
use leptos::prelude::*;
use leptos_meta::Title as HeadTitle;
use leptos_router::hooks::use_params_map;
use service::Error;

/// Ends the mails. The body does not matter.
///
/// # Errors
/// Not a link of ours.
pub async fn stop(post: Post, link: &str) -> Result<Posted, Error> {
    post.services.stop_team_mail(post.actor.ip(), link).await?;
    Ok(Posted::Shown(Submitted::default()))
}

/// `/team-mail/{link}`
#[component]
pub fn StopTeamMail() -> impl IntoView {
    let services = services();
    let link = use_params_map().read_untracked().get("link").unwrap_or_default();
    let find = async move { Ok((services.site().await?, services.team_mail_by_link(&link).await?)) };
    let private = private();
    let page = load(find, |(site, link)| {
        let account = view! { <ButtonLink href="/admin/account">"To your account"</ButtonLink> }.into_any();
        let (title, lead, rest) = if link.wanted {
            let stop = view! {
                <form method="post">
                    <Actions>
                        <Button weight=Weight::Primary>"Stop these mails"</Button>
                        {account}
                    </Actions>
                </form>
            };
            let lead = format!("{} will hear no more about findings. They stay on the page of findings.", link.masked);
            ("Stop mails about findings?", lead, stop.into_any())
        } else {
            let lead = format!("{} gets no mails about findings. Your account page turns them on again.", link.masked);
            ("No more mails about findings", lead, view! { <Actions>{account}</Actions> }.into_any())
        };
        view! {
            <HeadTitle text=format!("{title} – {}", site.name)/>
            <Sheet site=site.name.to_string() title=title lead=lead>{rest}</Sheet>
        }
        .into_any()
    });
    view! { {private}{page} }
}

//! Pages behind the links in mails: confirm, manage, leave. What a link scanner does with GET changes
//! nothing (MAIL-2, MAIL-3); the buttons post.

use super::subscribe::{component_options, topic_options};
use super::{private, zone_options};
use crate::components::{Actions, Boxes, Button, ButtonLink, ErrorSummary, Flash, Picker, Select, Sheet};
use crate::context::{load, services, submitted};
use crate::form::Submitted;
use crate::posts::{Post, Posted};
use crate::view::{FlashView, Weight};
use domain::site::Site;
use domain::subscriber::SubscriberState;
use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title as HeadTitle;
use leptos_router::hooks::use_params_map;
use service::public::GroupLines;
use service::subscribers::Subscription;
use service::{Error, Services};

/// Confirms.
///
/// # Errors
/// Not a link of ours.
pub async fn confirm(post: Post, link: &str) -> Result<Posted, Error> {
    match post.services.confirm(post.actor.ip(), link).await {
        // The page itself says that the link is too old.
        Ok(_) | Err(Error::Refused { .. }) => Ok(Posted::Shown(Submitted::default())),
        Err(error) => Err(error),
    }
}

/// Changes what is followed.
///
/// # Errors
/// Not a link of ours.
pub async fn change(post: Post, link: &str) -> Result<Posted, Error> {
    let components: Vec<String> = post.form.all("components").map(str::to_owned).collect();
    let topics: Vec<String> = post.form.all("topics").map(str::to_owned).collect();
    let (ip, zone) = (post.actor.ip(), post.form.get("zone"));
    let changed = post.services.change_subscription(ip, link, zone, &components, &topics).await;
    match changed {
        Ok(_) => Ok(Posted::Shown(Submitted::done("Saved. The next mail follows it."))),
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

/// Leaves: from the page's button or from a mail provider's one click (RFC 8058). The body does not matter.
///
/// # Errors
/// Not a link of ours.
pub async fn leave(post: Post, link: &str) -> Result<Posted, Error> {
    post.services.unsubscribe(post.actor.ip(), link).await?;
    Ok(Posted::Shown(Submitted::default()))
}

fn link() -> String {
    use_params_map().read_untracked().get("link").unwrap_or_default()
}

/// `/subscribe/confirm/{link}`
#[component]
pub fn Confirm() -> impl IntoView {
    let (services, link) = (services(), link());
    let response = use_context::<ResponseOptions>();
    let find = async move {
        let site = services.site().await?;
        match services.confirmation(&link).await {
            Ok(subscription) => Ok((site, Some(subscription))),
            Err(Error::Refused { .. }) => {
                if let Some(response) = response {
                    response.set_status(StatusCode::GONE);
                }
                Ok((site, None))
            }
            Err(error) => Err(error),
        }
    };
    let private = private();
    let page = load(find, |(site, subscription)| match subscription {
        None => sheet(
            &site,
            "This link is too old",
            "It worked for 48 hours. Ask for a new one; it takes a minute.".to_owned(),
            view! { <Actions><ButtonLink href="/subscribe" weight=Weight::Primary>"Subscribe again"</ButtonLink></Actions> },
        ),
        Some(s) if s.subscriber.state == SubscriberState::Confirmed => sheet(
            &site,
            "You are subscribed",
            format!("{} hears about {}. Each mail has a link to change this or to leave.", s.masked, follows(&s)),
            view! {
                <Actions>
                    <ButtonLink href="/" weight=Weight::Primary>"To the status page"</ButtonLink>
                    <ButtonLink href=format!("/subscriptions/{}", s.manage_link)>"Change"</ButtonLink>
                </Actions>
            },
        ),
        Some(s) => sheet(
            &site,
            "Confirm your subscription",
            format!(
                "{} is to hear about {}, with times in {}.",
                s.masked,
                follows(&s),
                s.subscriber.zone.replace('_', " ")
            ),
            view! {
                <form method="post">
                    <Actions><Button weight=Weight::Primary>"Confirm"</Button></Actions>
                </form>
                <p class="small muted mt">"Not you? Then close this page: nothing more will be sent."</p>
            },
        ),
    });
    view! { {private}{page} }
}

/// `/unsubscribe/{link}`
#[component]
pub fn Leave() -> impl IntoView {
    let (services, link) = (services(), link());
    let find = async move { Ok((services.site().await?, services.subscription_by_link(&link).await?)) };
    let private = private();
    let page = load(find, |(site, s)| match s.subscriber.state {
        SubscriberState::Unsubscribed | SubscriberState::Bounced => sheet(
            &site,
            "You have left",
            format!("{} gets no more mails from us.", s.masked),
            view! {
                <Actions>
                    <ButtonLink href="/">"To the status page"</ButtonLink>
                    <ButtonLink href="/subscribe">"Subscribe again"</ButtonLink>
                </Actions>
            },
        ),
        SubscriberState::Pending | SubscriberState::Confirmed => sheet(
            &site,
            "Leave these mails?",
            format!("{} will hear no more from us.", s.masked),
            view! {
                <form method="post">
                    <Actions>
                        <Button weight=Weight::Primary>"Unsubscribe"</Button>
                        <ButtonLink href=format!("/subscriptions/{}", s.manage_link)>"Hear about less instead"</ButtonLink>
                    </Actions>
                </form>
            },
        ),
    });
    view! { {private}{page} }
}

/// `/subscriptions/{link}`
#[component]
pub fn Manage() -> impl IntoView {
    let (services, link, typed) = (services(), link(), submitted());
    let loading = services.clone();
    let find = async move {
        let subscription = loading.subscription_by_link(&link).await?;
        Ok((loading.site().await?, subscription, loading.public_components().await?))
    };
    let private = private();
    let page = load(find, move |(site, s, groups)| match s.subscriber.state {
        SubscriberState::Confirmed => manage(&services, &site, &s, groups, &typed),
        SubscriberState::Pending => sheet(
            &site,
            "Not confirmed yet",
            format!("Use the link in the mail to {} first, or ask for a new one.", s.masked),
            view! { <Actions><ButtonLink href="/subscribe">"Subscribe again"</ButtonLink></Actions> },
        ),
        SubscriberState::Unsubscribed | SubscriberState::Bounced => sheet(
            &site,
            "This subscription has ended",
            format!("{} gets no more mails from us.", s.masked),
            view! { <Actions><ButtonLink href="/subscribe" weight=Weight::Primary>"Subscribe again"</ButtonLink></Actions> },
        ),
    });
    view! { {private}{page} }
}

fn manage(services: &Services, site: &Site, s: &Subscription, groups: Vec<GroupLines>, typed: &Submitted) -> AnyView {
    let zone = typed.value("zone", s.subscriber.zone.clone());
    let stored: Vec<String> = s.subscriber.components.iter().map(ToString::to_string).collect();
    let groups =
        component_options(groups, |id| typed.chosen("components", id, stored.iter().any(|chosen| chosen == id)));
    let components = (!groups.is_empty()).then(|| {
        view! {
            <Picker id="components" legend="Components" groups error=typed.error("components")
                hint="Choose none to hear about all, also about those that are added later."/>
        }
    });
    let summary = view! { <ErrorSummary problems=typed.problems() message=typed.message.clone()/> }.into_any();
    let zone = view! {
        <Select name="zone" label="Times in the mails" options=zone_options(services, &zone) error=typed.error("zone")/>
    }
    .into_any();
    let topics = topic_options(typed, s.subscriber.topics);
    let topics = view! { <Boxes name="topics" legend="What to hear of" options=topics error=typed.error("topics")/> };
    let leave = format!("/unsubscribe/{}", s.manage_link);
    let lead = format!("{} hears about {}.", s.masked, follows(s));
    let done = typed.done.clone().map(|text| view! { <Flash flash=FlashView::done(text)/> });
    let title = format!("Your subscription – {}", site.name);
    view! {
        <HeadTitle text=title/>
        <Sheet site=site.name.to_string() title="Your subscription" wide=true
            lead=lead>
            {done}
            {summary}
            <form class="form card" method="post">
                {topics}
                {zone}
                {components}
                <Actions><Button weight=Weight::Primary>"Save"</Button></Actions>
            </form>
            <form class="mt" method="post" action=leave>
                <Actions><Button weight=Weight::Danger>"Unsubscribe from everything"</Button></Actions>
            </form>
        </Sheet>
    }
    .into_any()
}

/// "planned maintenance and incidents, where they concern 3 components".
fn follows(s: &Subscription) -> String {
    let topics: Vec<String> = s.subscriber.topics.iter().map(|topic| topic.public_text().to_lowercase()).collect();
    let topics = match topics.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => topics.concat(),
    };
    match s.subscriber.components.len() {
        0 => topics,
        1 => format!("{topics}, where they concern 1 component"),
        n => format!("{topics}, where they concern {n} components"),
    }
}

fn sheet(site: &Site, title: &'static str, lead: String, rest: impl IntoView + 'static) -> AnyView {
    let rest = rest.into_any();
    view! {
        <HeadTitle text=format!("{title} – {}", site.name)/>
        <Sheet site=site.name.to_string() title=title lead=lead>{rest}</Sheet>
    }
    .into_any()
}

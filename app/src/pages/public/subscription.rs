//! Pages behind the links in mails: confirm, manage, leave. What a link scanner does with GET changes
//! nothing (MAIL-2, MAIL-3); the buttons post.

use super::subscribe::{component_options, topic_options};
use super::{private, zone_options};
use crate::components::{
    Action, Actions, Boxes, Button, ButtonLink, DataTable, ErrorSummary, Field, Flash, Hidden, Picker, Section, Select,
    Sheet, StateBadge,
};
use crate::context::{load, services, submitted};
use crate::form::Submitted;
use crate::pages::admin::webhooks::standing;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, Weight};
use domain::ids::WebhookId;
use domain::site::Site;
use domain::subscriber::SubscriberState;
use domain::webhook::{OF_ONE_SUBSCRIBER, Webhook};
use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title as HeadTitle;
use leptos_router::hooks::use_params_map;
use secrecy::ExposeSecret;
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

/// Changes what is followed, and which webhooks go with it.
///
/// # Errors
/// Not a link of ours.
pub async fn change(post: Post, link: &str) -> Result<Posted, Error> {
    match post.form.get("do") {
        "add-webhook" => return add_webhook(post, link).await,
        "remove-webhook" => return remove_webhook(post, link).await,
        _ => {}
    }
    let components: Vec<String> = post.form.all("components").map(str::to_owned).collect();
    let topics: Vec<String> = post.form.all("topics").map(str::to_owned).collect();
    let (ip, zone) = (post.actor.ip(), post.form.get("zone"));
    let changed = post.services.change_subscription(ip, link, zone, &components, &topics).await;
    match changed {
        Ok(_) => Ok(Posted::Shown(Submitted::done("Saved. The next mail follows it."))),
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

async fn add_webhook(post: Post, link: &str) -> Result<Posted, Error> {
    match post.services.add_own_webhook(post.actor.ip(), link, post.form.get("url")).await {
        Ok(secret) => {
            let secret = Some(secret.expose_secret().to_owned());
            Ok(Posted::Shown(Submitted { secret, ..Submitted::default() }))
        }
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

async fn remove_webhook(post: Post, link: &str) -> Result<Posted, Error> {
    let id: WebhookId = post.form.get("webhook").parse().map_err(|_| Error::NotFound("webhook"))?;
    post.services.remove_own_webhook(post.actor.ip(), link, id).await?;
    Ok(Posted::Shown(Submitted::done("The webhook was removed. It is not called any more.")))
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
        let webhooks = loading.own_webhooks(&link).await?;
        Ok((loading.site().await?, subscription, loading.public_components().await?, webhooks))
    };
    let private = private();
    let page = load(find, move |(site, s, groups, webhooks)| match s.subscriber.state {
        SubscriberState::Confirmed => manage(&services, &site, &s, groups, webhooks, &typed),
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

fn manage(
    services: &Services,
    site: &Site,
    s: &Subscription,
    groups: Vec<GroupLines>,
    webhooks: Vec<Webhook>,
    came_back: &Submitted,
) -> AnyView {
    // Two forms post here; each has what was typed into it.
    let is_webhook = came_back.data.as_ref().is_some_and(|data| data.get("do") == "add-webhook");
    let (fresh, hooks) = (Submitted { done: came_back.done.clone(), ..Submitted::default() }, came_back.clone());
    let (typed, hooks) = if is_webhook { (&fresh, hooks) } else { (came_back, fresh.clone()) };
    let webhooks = webhooks_section(s, webhooks, &hooks, came_back.secret.clone());
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
            {webhooks}
            <form class="mt" method="post" action=leave>
                <Actions><Button weight=Weight::Danger>"Unsubscribe from everything"</Button></Actions>
            </form>
        </Sheet>
    }
    .into_any()
}

/// Programs that hear what this subscription does.
fn webhooks_section(s: &Subscription, webhooks: Vec<Webhook>, typed: &Submitted, secret: Option<String>) -> AnyView {
    let path = format!("/subscriptions/{}", s.manage_link);
    let secret = secret.map(|text| crate::pages::admin::webhooks::secret("The webhook has been added.", text));
    let summary = view! { <ErrorSummary problems=typed.problems() message=typed.message.clone()/> }.into_any();
    let has_room = webhooks.len() < OF_ONE_SUBSCRIBER;
    let rows: Vec<Vec<AnyView>> = webhooks.into_iter().map(|webhook| webhook_row(&path, webhook)).collect();
    let table = (!rows.is_empty()).then(|| {
        let columns = vec![ColumnView::new("Webhook"), ColumnView::new("State"), ColumnView::unseen("Remove")];
        view! { <DataTable caption="Your webhooks" columns rows/> }
    });
    let form = if has_room {
        let add = format!("{path}#webhooks");
        view! {
            <form class="form card mt" method="post" action=add>
                <Field name="url" label="Address" kind="url" value=typed.value("url", "") error=typed.error("url")
                    hint="https://… of a program or chat that takes webhooks. It gets one test call now and has to answer it with 2xx."
                    required=true maxlength=500/>
                <Actions><Hidden name="do" value="add-webhook"/><Button>"Add a webhook"</Button></Actions>
            </form>
        }
        .into_any()
    } else {
        view! { <p class="small muted">"There is no room for more: remove one to add another."</p> }.into_any()
    };
    view! {
        <Section id="webhooks" title="Webhooks">
            <p class="muted">
                "A program of yours can hear the same as you do, by a signed call for each piece of news. Its calls end when you unsubscribe."
            </p>
            {secret}
            {summary}
            {table}
            {form}
        </Section>
    }
    .into_any()
}

fn webhook_row(path: &str, webhook: Webhook) -> Vec<AnyView> {
    let id = webhook.id.to_string();
    let remove = ActionView::post("Remove", path.to_owned(), &[("do", "remove-webhook"), ("webhook", &id)]);
    let remove = remove.about(webhook.name.to_string());
    let off = webhook.off.map(|off| view! { <span class="sub">{off.text()}</span> });
    vec![
        view! { <span class="mono">{webhook.url.clone()}</span><span class="sub">{webhook.name.to_string()}</span> }
            .into_any(),
        view! { <StateBadge state=standing(&webhook).plain()/>{off} }.into_any(),
        view! { <Action action=remove small=true/> }.into_any(),
    ]
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

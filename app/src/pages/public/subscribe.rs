//! `/subscribe`: the form, and what comes after it. The answer is the same for every address (SEC-13).

use super::{Head, Reader, zone_options};
use crate::components::{
    Actions, Boxes, Button, ButtonLink, Copy, Disclosure, ErrorSummary, Field, Flash, Hidden, Picker, PublicLayout,
    Section, Select, Title, Trap,
};
use crate::context::{load, services, submitted};
use crate::form::{Submitted, encode};
use crate::posts::{Post, Posted};
use crate::view::{FlashView, OptionGroupView, OptionView, Weight};
use domain::subscriber::{Topic, Topics};
use http::{HeaderValue, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Meta;
use service::public::GroupLines;
use service::subscribers::Subscribe as Ask;
use service::{Error, Services};

/// The field that people do not see.
const TRAP: &str = "website";

/// Takes the form.
///
/// # Errors
/// The database does not answer.
pub async fn take(post: Post) -> Result<Posted, Error> {
    let zone = post.query.get("tz");
    let sent =
        if zone.is_empty() { "/subscribe/sent".to_owned() } else { format!("/subscribe/sent?tz={}", encode(zone)) };
    if !post.form.get(TRAP).is_empty() {
        return Ok(Posted::Redirect(sent));
    }
    if let Err(error) = post.services.check_form_stamp(post.form.get("form")) {
        return post.done(Err::<String, _>(error));
    }
    let ask = Ask {
        email: post.form.get("email").to_owned(),
        zone: post.form.get("zone").to_owned(),
        components: post.form.all("components").map(str::to_owned).collect(),
        topics: post.form.all("topics").map(str::to_owned).collect(),
    };
    let result = post.services.subscribe(post.actor.ip(), ask).await;
    post.done(result.map(|()| sent))
}

/// `/subscribe`
#[component]
pub fn Subscribe() -> impl IntoView {
    // The form says when it was handed out.
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let services = services();
    let typed = submitted();
    let loading = services.clone();
    let find = async move { Ok((loading.site().await?, loading.public_components().await?)) };
    load(find, move |(site, groups)| {
        let reader = Reader::new(&services, &site);
        show(&services, &reader, groups, &typed)
    })
}

fn show(services: &Services, reader: &Reader, groups: Vec<GroupLines>, typed: &Submitted) -> AnyView {
    let site = reader.site();
    let zone = typed.value("zone", reader.zone());
    let topics = topic_options(typed, Topics::default());
    let groups = component_options(groups, |id| typed.chosen("components", id, false));
    let any_chosen = groups.iter().flat_map(|group| &group.options).any(|option| option.chosen);
    let components = (!groups.is_empty()).then(|| {
        let error = typed.error("components");
        view! {
            <Disclosure label="Only for some components" open=any_chosen || error.is_some()>
                <Picker id="components" legend="Components" groups error
                    hint="Choose none to hear about all, also about those that are added later."/>
            </Disclosure>
        }
    });
    let summary = view! { <ErrorSummary problems=typed.problems() message=typed.message.clone()/> }.into_any();
    let fields = view! {
        <Field name="email" label="E-mail address" kind="email" autocomplete="email" required=true maxlength=254
            value=typed.value("email", "") error=typed.error("email")/>
        <Select name="zone" label="Times in the mails" options=zone_options(services, &zone)
            error=typed.error("zone")/>
        <Boxes name="topics" legend="What to hear of" options=topics error=typed.error("topics")/>
    }
    .into_any();
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    let (no_mail, calendars, stamp) = (no_mail(services), calendars(services), services.form_stamp());
    let lead = "A mail when something breaks, when there is news of it and when it works again; when work is planned, \
                changes, begins and is done. One click to leave.";
    view! {
        <Head title=format!("Subscribe – {site} status") path="/subscribe"
            description=format!("Hear about incidents and planned work at {site} by mail or in your calendar.")/>
        <PublicLayout frame narrow=true>
            <Title title="Hear from us" lead=lead back/>
            {summary}
            {no_mail}
            <form class="form card" method="post">
                {fields}
                {components}
                <Trap name=TRAP/>
                <Hidden name="form" value=stamp/>
                <Actions><Button weight=Weight::Primary>"Subscribe"</Button></Actions>
                <p class="small muted">
                    "You get one mail now, to confirm that the address is yours. It is used for nothing else."
                </p>
            </form>
            {calendars}
            {webhooks()}
        </PublicLayout>
    }
    .into_any()
}

/// The other way to follow: slower, without an address.
fn calendars(services: &Services) -> AnyView {
    let address = services.url("/calendar.ics");
    let webcal = address.split_once("://").map_or_else(|| address.clone(), |(_, rest)| format!("webcal://{rest}"));
    let google = format!("https://calendar.google.com/calendar/r?cid={}", encode(&webcal));
    view! {
        <Section id="calendar" title="Or in your calendar">
            <p class="muted">
                "Calendars ask again every few hours, some once a day. For changes at short notice choose mail."
            </p>
            <Actions>
                <ButtonLink href=webcal>"Open in a calendar"</ButtonLink>
                <ButtonLink href=google>"Google Calendar"</ButtonLink>
            </Actions>
            <div class="stack mt">
                <p class="small muted">"Any other calendar takes this address:"</p>
                <Copy text=address/>
            </div>
        </Section>
    }
    .into_any()
}

/// The way for programs.
fn webhooks() -> AnyView {
    view! {
        <Section id="webhooks" title="Or by webhook">
            <p class="muted">
                "A chat, a script or a status page of your own can be called at once when there is news. Subscribe by mail
                first: each mail has a link to your subscription, and there you add up to three webhooks and remove them."
            </p>
            <p class="small muted mt">
                "Each call is a POST of JSON as Statuspage sends it, signed with a secret of your own as Standard Webhooks say
                ("<code>"webhook-id"</code>", "<code>"webhook-timestamp"</code>", "<code>"webhook-signature"</code>"). Answer
                2xx within ten seconds; other answers are tried again for a day, 410 ends it."
            </p>
        </Section>
    }
    .into_any()
}

/// Said where mails are written but cannot leave.
fn no_mail(services: &Services) -> AnyView {
    (!services.mail_configured)
        .then(|| {
            let flash = FlashView::warning(
                "Mail is not set up here yet",
                "You can subscribe, but nothing reaches you until it is. Calendars work.",
            );
            view! { <Flash flash/> }
        })
        .into_any()
}

/// `/subscribe/sent`
#[component]
pub fn Sent() -> impl IntoView {
    let services = services();
    let loading = services.clone();
    load(async move { loading.site().await }, move |site| {
        let reader = Reader::new(&services, &site);
        let name = reader.site();
        let (frame, no_mail) = (reader.frame(), no_mail(&services));
        let (again, home) = (reader.link("/subscribe"), reader.link("/"));
        let lead = "If it is not subscribed already, we have just sent it a mail with a link. The link works for 48 hours; \
                    only after it was used will we write again.";
        view! {
            <Head title=format!("Look into your mailbox – {name} status") path="/subscribe/sent"
                description="A mail with a link to confirm the address is on its way."/>
            <Meta name="robots" content="noindex"/>
            <PublicLayout frame narrow=true>
                <Title title="Look into your mailbox" lead=lead/>
                {no_mail}
                <p class="muted">
                    "Nothing there after a few minutes? Look into the folder for junk, or check the address and "
                    <a href=again>"try again"</a>". One address gets at most one such mail in ten minutes."
                </p>
                <Actions><ButtonLink href=home>"To the status page"</ButtonLink></Actions>
            </PublicLayout>
        }
    })
}

/// What one can hear of; ticked where chosen.
pub(super) fn topic_options(typed: &Submitted, stored: Topics) -> Vec<OptionView> {
    let option = |topic: Topic| {
        let chosen = typed.chosen("topics", topic.as_str(), stored.has(topic));
        OptionView::new(topic.as_str(), topic.public_text()).chosen(chosen)
    };
    Topic::ALL.into_iter().map(option).collect()
}

/// Components to choose, in the order of the page.
pub(crate) fn component_options(groups: Vec<GroupLines>, is_chosen: impl Fn(&str) -> bool) -> Vec<OptionGroupView> {
    let alone = groups.len() == 1;
    groups
        .into_iter()
        .map(|group| OptionGroupView {
            label: group.name.unwrap_or_else(|| if alone { "All components" } else { "General" }.to_owned()),
            name: "components".to_owned(),
            options: group
                .components
                .into_iter()
                .map(|line| {
                    let id = line.component.id.to_string();
                    let chosen = is_chosen(&id);
                    OptionView::new(id, line.component.name.to_string()).chosen(chosen)
                })
                .collect(),
        })
        .collect()
}

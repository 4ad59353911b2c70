//! Webhooks: programs that hear what subscribers hear.

use super::deliveries::{about, moment, state, subject, tries};
use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, version};
use crate::components::{
    Action, Actions, Boxes, Button, ButtonLink, Card, Copy, DataTable, Disclosure, EmptyState, Fact, Facts, Field,
    Flash, Hidden, PageHeader, Picker, Section, StateBadge, TimeRange,
};
use crate::context::{self, done};
use crate::form::{FormData, Submitted};
use crate::pages::public::subscribe::component_options;
use crate::posts::{Post, Posted};
use crate::view::{
    ActionView, AttentionView, ColumnView, FlashView, OptionGroupView, OptionView, Shape, StateView, Tone, Weight,
};
use domain::ids::{NotificationId, WebhookId};
use domain::people::Permission;
use domain::subscriber::{Topic, Topics};
use domain::webhook::{OffReason, Webhook, WebhookState};
use leptos::prelude::*;
use secrecy::ExposeSecret;
use service::Error;
use service::public::GroupLines;
use service::triggers::server_of;
use service::webhooks::{StoredWebhook, URL, WebhookCall, WebhookInput, WebhookLine};

const LABELS: [(&str, &str); 4] =
    [("name", "Name"), ("url", "Address"), ("topics", "What to hear of"), ("components", "Components")];

const DONE: [(&str, &str); 6] = [
    ("saved", "Saved."),
    ("paused", "Paused. It is not called until you resume it, and does not hear what happens until then."),
    ("resumed", "It is called again. What waited for less than a day comes first, then each piece of news."),
    ("deleted", "The webhook was deleted. It is not called any more."),
    ("tested", "The test call arrived: the receiver answered that all is well."),
    ("queued", "The call waits to be made again."),
];

/// Names of components in one cell; more are counted.
const NAMED: usize = 3;

fn read(form: &FormData) -> WebhookInput {
    let all = |name: &str| form.all(name).map(ToOwned::to_owned).collect();
    WebhookInput {
        name: form.get("name").to_owned(),
        url: form.get("url").to_owned(),
        components: all("components"),
        topics: all("topics"),
    }
}

/// Takes the forms of all pages below `/admin/webhooks`.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(rest: &[&str], post: Post) -> Result<Posted, Error> {
    let (services, actor, form) = (&post.services, &post.actor, &post.form);
    let [of] = rest else { return Err(Error::NotFound("page")) };
    if *of == "new" {
        let added = services.add_webhook(actor, &read(form)).await;
        return secret_of(post, added);
    }
    let hook: WebhookId = id(of, "webhook")?;
    let read_at = version(form);
    let at = |done: &str| format!("/admin/webhooks/{hook}?done={done}");
    let done = match form.get("do") {
        "rotate" => {
            let rotated = services.rotate_webhook(actor, hook, read_at).await;
            return secret_of(post, rotated);
        }
        "pause" => services.pause_webhook(actor, hook, read_at).await.map(|_| at("paused")),
        "resume" => services.resume_webhook(actor, hook, read_at).await.map(|_| at("resumed")),
        "test" => services.test_webhook(actor, hook).await.map(|()| at("tested")),
        "delete" => {
            services.delete_webhook(actor, hook, read_at).await.map(|()| "/admin/webhooks?done=deleted".to_owned())
        }
        "again" => {
            actor.require(Permission::Administer)?;
            let call: NotificationId = id(form.get("call"), "call")?;
            services.call_webhook_again(actor, hook, call).await.map(|()| at("queued"))
        }
        _ => services.edit_webhook(actor, hook, read_at, &read(form)).await.map(|_| at("saved")),
    };
    post.done(done)
}

/// The page shows a new secret once; the way on stands beside it.
fn secret_of(post: Post, stored: Result<StoredWebhook, Error>) -> Result<Posted, Error> {
    match stored {
        Ok(StoredWebhook { webhook, secret }) => {
            let (secret, done) = (Some(secret.expose_secret().to_owned()), Some(webhook.id.to_string()));
            Ok(Posted::Shown(Submitted { secret, done, ..Submitted::default() }))
        }
        Err(error) => post.done(Err::<String, _>(error)),
    }
}

impl From<WebhookState> for StateView {
    fn from(state: WebhookState) -> Self {
        match state {
            WebhookState::Active => Self::new(Tone::Ok, Shape::Ok, "Active"),
            WebhookState::Paused => Self::new(Tone::Quiet, Shape::Held, "Paused"),
            WebhookState::Disabled => Self::new(Tone::Major, Shape::Major, "Switched off"),
        }
    }
}

/// One that is called, but does not answer well, is not simply active.
pub(crate) fn standing(webhook: &Webhook) -> StateView {
    if webhook.state == WebhookState::Active && webhook.failing_since.is_some() {
        return StateView::new(Tone::Degraded, Shape::Degraded, "Failing");
    }
    webhook.state.into()
}

/// Those that were switched off by themselves, for the start page.
pub(super) fn needs(desk: &Desk, off: &[Webhook]) -> Vec<AttentionView> {
    let item = |webhook: &Webhook| {
        let href = format!("/admin/webhooks/{}", webhook.id);
        let since = webhook.off_at.map(|at| format!(" Since {}.", desk.short(at))).unwrap_or_default();
        AttentionView {
            tone: Tone::Major,
            shape: Shape::Major,
            title: format!("The webhook {} was switched off", webhook.name),
            detail: format!("{}{since} It hears nothing any more.", webhook.off.map_or("", OffReason::text)),
            actions: vec![ActionView::link("Look", href.clone()).about(webhook.name.to_string())],
            href,
        }
    };
    off.iter().map(item).collect()
}

/// `/admin/webhooks`
#[component]
pub fn Webhooks() -> impl IntoView {
    let flash = done(&DONE);
    admin(
        |_| "Webhooks".to_owned(),
        |desk| async move { desk.services.webhooks(&desk.actor).await },
        move |desk, found| {
            let may = desk.may(Permission::Administer);
            let add = may.then(|| {
                view! { <ButtonLink href="/admin/webhooks/new" weight=Weight::Primary>"Add a webhook"</ButtonLink> }
            });
            let (theirs, ours): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|line| line.webhook.subscriber.is_some());
            let ours = if ours.is_empty() { nothing(may) } else { table("Webhooks", ours) };
            let theirs = (!theirs.is_empty()).then(|| {
                let table = table("Webhooks of subscribers", theirs);
                view! { <Section id="subscribers" title="Of subscribers">{table}</Section> }
            });
            view! {
                <PageHeader title="Webhooks"
                    intro="Programs hear what subscribers hear: a signed call for each piece of news, in order, until it is answered well.">
                    {add}
                </PageHeader>
                {flash.map(|flash| view! { <Flash flash/> })}
                {ours}
                {theirs}
            }
        },
    )
}

fn nothing(may: bool) -> AnyView {
    let text = "A chat, a script or another status page can hear of incidents and planned work at once.";
    let action = if may {
        ActionView::link("Add a webhook", "/admin/webhooks/new").weigh(Weight::Primary)
    } else {
        ActionView::link("What customers see", "/subscribe")
    };
    view! { <EmptyState title="No webhooks yet" text action/> }.into_any()
}

fn table(caption: &'static str, lines: Vec<WebhookLine>) -> AnyView {
    let columns = ["Webhook", "State", "Follows"].map(ColumnView::new).to_vec();
    let rows = lines.into_iter().map(row).collect::<Vec<_>>();
    view! { <DataTable caption columns rows/> }.into_any()
}

fn row(line: WebhookLine) -> Vec<AnyView> {
    let webhook = &line.webhook;
    let href = format!("/admin/webhooks/{}", webhook.id);
    let names: Vec<&str> = line.follows.iter().map(|(_, name)| name.as_str()).collect();
    let follows = match names.len() {
        0 => "Everything".to_owned(),
        n if n > NAMED => format!("{} and {} more", names[..NAMED].join(", "), n - NAMED),
        _ => names.join(", "),
    };
    let whose = line.owner.clone().unwrap_or_else(|| host_of(&webhook.url));
    let off = webhook.off.map(|off| view! { <span class="sub">{off.text()}</span> });
    vec![
        view! { <a href=href><span dir="auto">{webhook.name.to_string()}</span></a><span class="sub">{whose}</span> }
            .into_any(),
        view! { <StateBadge state=standing(webhook).plain()/>{off} }.into_any(),
        view! { <span dir="auto">{follows}</span><span class="sub">{topics_text(webhook.topics)}</span> }.into_any(),
    ]
}

/// The server without `https://`, which says nothing.
fn host_of(url: &str) -> String {
    let server = server_of(url);
    server.strip_prefix("https://").unwrap_or(&server).to_owned()
}

fn topics_text(topics: Topics) -> String {
    topics.iter().map(Topic::public_text).collect::<Vec<_>>().join(", ")
}

/// What is shown once, and what to do with it.
pub(crate) fn secret(title: &'static str, text: String) -> AnyView {
    view! {
        <Flash flash=FlashView::done(title)>
            <p>"Give this secret to the receiver now: it is shown only this once. Every call is signed with it (Standard Webhooks)."</p>
            <Copy text/>
        </Flash>
    }
    .into_any()
}

/// `/admin/webhooks/new`
#[component]
pub fn NewWebhook() -> impl IntoView {
    let submitted = context::submitted();
    admin(
        |_| "Add a webhook".to_owned(),
        |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            desk.services.public_components().await
        },
        move |_, groups| {
            let back = ("Webhooks".to_owned(), "/admin/webhooks".to_owned());
            let inner = match (submitted.secret, submitted.done) {
                (Some(text), Some(id)) => {
                    let shown = secret("The webhook has been added.", text);
                    let href = format!("/admin/webhooks/{id}");
                    view! {
                        {shown}
                        <Actions><ButtonLink href weight=Weight::Primary>"To the webhook"</ButtonLink></Actions>
                    }
                    .into_any()
                }
                _ => edit_form("/admin/webhooks/new", None, groups),
            };
            view! { <PageHeader title="Add a webhook" back/>{inner} }
        },
    )
}

/// `/admin/webhooks/:id`
#[component]
pub fn OneWebhook() -> impl IntoView {
    let (id, flash) = (param::<WebhookId>("webhook"), done(&DONE));
    let rotated = context::submitted().secret;
    admin(
        |(line, ..): &(WebhookLine, Vec<WebhookCall>, Vec<GroupLines>)| line.webhook.name.to_string(),
        |desk: Desk| async move {
            let id = id?;
            let line = desk.services.webhook(&desk.actor, id).await?;
            let calls = desk.services.webhook_calls(&desk.actor, id).await?;
            Ok((line, calls, desk.services.public_components().await?))
        },
        move |desk, (line, calls, groups)| {
            let rotated = rotated.map(|text| secret("The webhook has a new secret.", text));
            let page = one(&desk, &line, calls, groups);
            let back = ("Webhooks".to_owned(), "/admin/webhooks".to_owned());
            view! {
                <PageHeader title=line.webhook.name.to_string() back state=standing(&line.webhook)/>
                {flash.map(|flash| view! { <Flash flash/> })}
                {rotated}
                {page}
            }
        },
    )
}

fn one(desk: &Desk, line: &WebhookLine, calls: Vec<WebhookCall>, groups: Vec<GroupLines>) -> AnyView {
    let webhook = &line.webhook;
    let may = desk.may(Permission::Administer);
    let path = format!("/admin/webhooks/{}", webhook.id);
    let is_ours = webhook.subscriber.is_none();
    // Of the forms on this page only the one with the address has fields to mend.
    let pressed = Form::at(&path, "");
    let problem = (pressed.pressed() != "save").then(|| pressed.summary(&LABELS));
    let edit = (may && is_ours).then(|| {
        let form = edit_form(&path, Some(line), groups);
        view! { <Section id="details" title="Details">{form}</Section> }
    });
    let delete = may.then(|| {
        let version = webhook.version.to_string();
        let delete = ActionView::post("Delete for good", path.clone(), &[("do", "delete"), ("version", &version)]);
        let delete = delete.weigh(Weight::Danger).about(webhook.name.to_string());
        view! {
            <Section id="delete" title="Delete">
                <Disclosure label="Delete this webhook">
                    <Card>
                        <p>"It is not called any more, and what was sent to it is forgotten. This can not be taken back."</p>
                        <Actions><Action action=delete/></Actions>
                    </Card>
                </Disclosure>
            </Section>
        }
    });
    let (facts, buttons) = (facts(desk, line), may.then(|| buttons(webhook, &path)));
    let calls = if calls.is_empty() {
        view! { <EmptyState title="No call yet" text="It is called when something is told that it wants to hear of."/> }
            .into_any()
    } else {
        call_table(desk, webhook, &path, calls, may)
    };
    view! {
        {problem}
        <Card>{facts}{buttons}</Card>
        <Section id="calls" title="Newest calls">{calls}</Section>
        {edit}
        {delete}
    }
    .into_any()
}

fn facts(desk: &Desk, line: &WebhookLine) -> AnyView {
    let webhook = &line.webhook;
    let follows = if line.follows.is_empty() {
        "Everything".into_any()
    } else {
        links(line.follows.iter().map(|(id, name)| (name.clone(), format!("/admin/components/{id}"))).collect())
    };
    let off = webhook.off.map(|off| {
        let since = webhook.off_at.map(|at| format!(" Since {}.", desk.short(at))).unwrap_or_default();
        let text = format!("{}{since}", off.text());
        view! { <Fact label="Switched off">{text}</Fact> }.into_any()
    });
    let failing = webhook.failing_since.filter(|_| webhook.off.is_none()).map(|at| {
        let when = desk.instant(at);
        view! { <Fact label="No good answer since"><TimeRange when=when stacked=true/></Fact> }.into_any()
    });
    let owner = line.owner.clone().zip(webhook.subscriber).map(|(owner, id)| {
        let href = format!("/admin/subscribers/{id}");
        view! { <Fact label="Goes with"><a href=href>{owner}</a></Fact> }.into_any()
    });
    let (url, topics) = (webhook.url.clone(), topics_text(webhook.topics));
    let added = desk.date(webhook.created_at);
    view! {
        <Facts>
            <Fact label="Address"><span class="mono">{url}</span></Fact>
            {owner}
            <Fact label="Hears of">{topics}</Fact>
            <Fact label="Follows">{follows}</Fact>
            {off}
            {failing}
            <Fact label="Added">{added}</Fact>
        </Facts>
    }
    .into_any()
}

fn buttons(webhook: &Webhook, path: &str) -> AnyView {
    let version = webhook.version.to_string();
    let button = |label: &str, name: &str| {
        ActionView::post(label, path.to_owned(), &[("do", name), ("version", &version)]).about(webhook.name.to_string())
    };
    let mut actions = vec![button("Send a test call", "test")];
    actions.push(match webhook.state {
        WebhookState::Active => button("Pause", "pause"),
        WebhookState::Paused => button("Resume", "resume").weigh(Weight::Primary),
        WebhookState::Disabled => button("Switch on again", "resume").weigh(Weight::Primary),
    });
    if webhook.subscriber.is_none() {
        actions.push(button("Make a new secret", "rotate"));
    }
    let actions = actions.into_iter().map(|action| view! { <Action action/> }).collect_view();
    view! { <Actions>{actions}</Actions> }.into_any()
}

fn call_table(desk: &Desk, webhook: &Webhook, path: &str, calls: Vec<WebhookCall>, may: bool) -> AnyView {
    let may = may && webhook.state == WebhookState::Active;
    let mut columns = ["Told", "State", "When"].map(ColumnView::new).to_vec();
    if may {
        columns.push(ColumnView::unseen("Again"));
    }
    let rows = calls.into_iter().map(|call| call_row(desk, path, call, may)).collect::<Vec<_>>();
    view! { <DataTable caption="Newest calls" columns rows/> }.into_any()
}

fn call_row(desk: &Desk, path: &str, call: WebhookCall, may: bool) -> Vec<AnyView> {
    let when = moment(desk, call.standing, call.due_at, call.done_at);
    let tried = (call.attempts > 0).then(|| view! { <span class="sub">{tries(call.attempts)}</span> });
    let told = desk.short(call.told_at);
    let again = (may && call.can_go_again()).then(|| {
        let id = call.notification.to_string();
        let action = ActionView::post("Send again", path.to_owned(), &[("do", "again"), ("call", &id)]);
        let action = action.about(subject(&call.about));
        view! { <Action action small=true/> }
    });
    let is_well = call.standing == service::deliveries::Standing::Sent;
    let error = call.error.filter(|_| !is_well).map(|error| view! { <span class="sub" dir="auto">{error}</span> });
    let mut cells = vec![
        view! { {about(&call.about)}<span class="sub">{format!("told {told}")}</span> }.into_any(),
        view! { <StateBadge state=state(call.standing)/>{error} }.into_any(),
        view! { {when}{tried} }.into_any(),
    ];
    if may {
        cells.push(again.into_any());
    }
    cells
}

fn edit_form(path: &str, line: Option<&WebhookLine>, groups: Vec<GroupLines>) -> AnyView {
    let webhook = line.map(|line| &line.webhook);
    let form = Form::at(path, "");
    let is_this = webhook.is_none() || form.pressed() == "save";
    let form = form.only_if(is_this);
    let stored = webhook.map(WebhookInput::of).unwrap_or_default();
    let stored_topics = webhook.map_or_else(Topics::default, |webhook| webhook.topics);
    let topics = Topic::ALL
        .into_iter()
        .map(|topic| {
            let chosen = form.chosen("topics", topic.as_str(), stored_topics.has(topic));
            OptionView::new(topic.as_str(), topic.public_text()).chosen(chosen)
        })
        .collect();
    let mut groups =
        component_options(groups, |id| form.chosen("components", id, stored.components.iter().any(|c| c == id)));
    // What it follows stays until somebody unticks it: with nothing ticked it would follow everything.
    let is_shown = |id: &str| groups.iter().flat_map(|group| &group.options).any(|option| option.value == id);
    let unseen: Vec<OptionView> = line
        .iter()
        .flat_map(|line| &line.follows)
        .map(|(id, name)| (id.to_string(), name))
        .filter(|(id, _)| !is_shown(id))
        .map(|(id, name)| {
            let chosen = form.chosen("components", &id, true);
            OptionView::new(id, name.clone()).chosen(chosen)
        })
        .collect();
    if !unseen.is_empty() {
        let (label, name) = ("Not on the public page".to_owned(), "components".to_owned());
        groups.push(OptionGroupView { label, name, options: unseen });
    }
    let components = (!groups.is_empty()).then(|| {
        view! {
            <Picker id="components" legend="Components" groups error=form.error("components")
                hint="Choose none to hear about all, also about those that are added later."/>
        }
    });
    let version = webhook.map(|webhook| view! { <Hidden name="version" value=form.version(webhook.version)/> });
    let longest = u32::try_from(URL).unwrap_or(u32::MAX);
    let label = if webhook.is_some() { "Save" } else { "Add the webhook" };
    view! {
        {form.summary(&LABELS)}
        <form class="form card" method="post" action=path.to_owned()>
            <Field name="name" label="Name" value=form.value("name", stored.name.clone()) error=form.error("name")
                hint="Who listens there: team chat, pager, partner." required=true maxlength=120/>
            <Field name="url" label="Address" kind="url" value=form.value("url", stored.url.clone())
                error=form.error("url") required=true maxlength=longest mono=true
                hint="https://… It is called from here; private networks must be allowed in the configuration (trigger_allow)."/>
            <Boxes name="topics" legend="What to hear of" options=topics error=form.error("topics")/>
            {components}
            <Actions>
                {version}
                <Hidden name="do" value="save"/>
                <Button weight=Weight::Primary>{label}</Button>
            </Actions>
        </form>
    }
    .into_any()
}

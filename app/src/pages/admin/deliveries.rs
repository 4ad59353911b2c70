//! The outbox: whether mail goes out, what was told to whom, and each mail as its reader gets it.

use super::desk::{Desk, admin};
use super::edit::{Form, id, links, query};
use super::runs::grouped;
use super::team_mails;
use crate::components::{
    Action, Actions, Button, ButtonLink, Card, DataTable, EmptyState, Fact, Facts, Flash, PageHeader, Pager, Section,
    Select, StateBadge, TimeRange,
};
use crate::context::{done, param};
use crate::form::encode;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, FlashView, OptionView, PagerView, Shape, StateView, Tone};
use domain::ids::{NotificationId, SubscriberId};
use domain::people::Permission;
use domain::time::Instant;
use leptos::prelude::*;
use service::Error;
use service::courier::MailStatus;
use service::deliveries::{About, COUNTED, DeliveriesQuery, Delivery, Letter, MailStanding, MailView, Standing, What};
use service::inventory::Page;
use service::team_mail::TeamMail;

/// `/admin/deliveries?state=…&cursor=…`
#[component]
pub fn Deliveries() -> impl IntoView {
    let asked = query();
    let query = DeliveriesQuery { state: asked.get("state").to_owned(), cursor: asked.get("cursor").to_owned() };
    let find = query.clone();
    admin(
        |_| "Deliveries".to_owned(),
        |desk| async move {
            let standing = desk.services.mail_standing(&desk.actor).await?;
            let page = desk.services.deliveries(&desk.actor, &find).await?;
            Ok((standing, page, desk.services.team_mails(&desk.actor).await?))
        },
        move |desk, (standing, page, team)| list(&desk, &query, &standing, page, team),
    )
}

fn list(
    desk: &Desk,
    query: &DeliveriesQuery,
    standing: &MailStanding,
    page: Page<Delivery>,
    team: Vec<TeamMail>,
) -> AnyView {
    let is_filtered = !(query.state.is_empty() && query.cursor.is_empty());
    let pager = PagerView {
        text: format!("{} mails, newest first", page.items.len()),
        previous: (!query.cursor.is_empty()).then(|| place(&query.state, "")),
        next: page.next_cursor.as_deref().map(|cursor| place(&query.state, cursor)),
    };
    let shown = match (page.items.is_empty(), is_filtered) {
        (false, _) => table(desk, page.items, true),
        (true, true) => view! {
            <EmptyState title="No such mail" text="No mail stands like this at the moment."
                action=ActionView::link("Show all mails", place("", ""))/>
        }
        .into_any(),
        (true, false) => view! {
            <EmptyState title="No mail yet"
                text="A mail appears here when somebody subscribes, and for each subscriber when a window is told."/>
        }
        .into_any(),
    };
    let (warnings, counts, filters) = (warnings(desk, standing), counts(desk, standing), filters(&query.state));
    view! {
        <PageHeader title="Deliveries" intro="Each mail that was told to a subscriber or to the team, and what became of it."/>
        {warnings}
        <Card>{counts}</Card>
        <Section id="mails" title="Mails">
            {filters}
            {shown}
            <Pager pager/>
        </Section>
        {team_mails::section(desk, team)}
    }
    .into_any()
}

/// What keeps mails from going out, loudest first.
fn warnings(desk: &Desk, standing: &MailStanding) -> AnyView {
    let server = (!standing.is_configured).then(|| {
        view! {
            <Flash flash=FlashView::warning(
                "No mail leaves",
                "No mail server is configured. Here is each mail that would have gone, as its reader would have got it.",
            )>
                <p class="small">
                    "Set "<code>"smtp.host"</code>" and "<code>"smtp.from"</code>
                    " and start Fermata again. After that each can be sent from its page, unless something newer was told."
                </p>
            </Flash>
        }
    });
    let problem = trouble(desk, &standing.status).map(|flash| view! { <Flash flash/> });
    view! { {server}{problem} }.into_any()
}

/// What the mail server has against us.
pub(super) fn trouble(desk: &Desk, status: &MailStatus) -> Option<FlashView> {
    let problem = status.problem.as_ref()?;
    let since = status.since.map(|at| format!(" Since {}.", desk.short(at))).unwrap_or_default();
    let next = status.next_try_at.map(|at| format!(" The next try is at {}.", desk.clock(at))).unwrap_or_default();
    let text = format!("{}.{since}{next} Nothing is lost.", problem.trim_end_matches('.'));
    Some(FlashView { tone: Tone::Major, title: "Mails are not going out".to_owned(), text })
}

fn counts(desk: &Desk, standing: &MailStanding) -> AnyView {
    let outbox = &standing.outbox;
    let count = |label: &'static str, state: &'static str, n: i64| {
        let text = if n > COUNTED { format!("more than {}", grouped(COUNTED)) } else { grouped(n) };
        let value = if n == 0 {
            view! { <span class="muted">{text}</span> }.into_any()
        } else {
            view! { <a href=place(state, "")>{text}<span class="vh">" mails"</span></a> }.into_any()
        };
        view! { <Fact label=label>{value}</Fact> }.into_any()
    };
    let oldest = outbox.oldest_at.map(|at| {
        let told = format!("told {}", desk.short(at));
        view! { <Fact label="Oldest that waits">{told}</Fact> }
    });
    let facts = vec![
        count("Waiting", "waiting", outbox.waiting),
        oldest.into_any(),
        count("Sent", "sent", outbox.sent),
        count("Failed", "failed", outbox.failed),
        count("Not sent", "unsent", outbox.dropped),
    ];
    view! { <Facts>{facts}</Facts> }.into_any()
}

fn filters(chosen: &str) -> AnyView {
    let labels = ["Waiting", "Sent", "Failed", "Not sent"];
    let options = std::iter::once(("", "Any state"))
        .chain(DeliveriesQuery::STATES.into_iter().zip(labels))
        .map(|(value, label)| OptionView::new(value, label).chosen(value == chosen))
        .collect();
    view! {
        <form class="filters" method="get" action="/admin/deliveries">
            <Select name="state" label="State" options/>
            <Button>"Show"</Button>
        </form>
    }
    .into_any()
}

fn place(state: &str, cursor: &str) -> String {
    let parts = [("state", state), ("cursor", cursor)].into_iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if text.is_empty() { "/admin/deliveries".to_owned() } else { format!("/admin/deliveries?{}", text.join("&")) }
}

/// Mails in a table; `addressed` where they go to several readers.
pub(super) fn table(desk: &Desk, mails: Vec<Delivery>, addressed: bool) -> AnyView {
    let reads = desk.may(Permission::Administer);
    let mut columns = vec![ColumnView::new("Told")];
    if addressed {
        columns.push(ColumnView::new("To"));
    }
    columns.extend([ColumnView::new("State"), ColumnView::new("When")]);
    if reads {
        columns.push(ColumnView::unseen("Read"));
    }
    let rows = mails.into_iter().map(|mail| row(desk, mail, addressed, reads)).collect::<Vec<_>>();
    view! { <DataTable caption="Mails" columns rows/> }.into_any()
}

fn row(desk: &Desk, mail: Delivery, addressed: bool, reads: bool) -> Vec<AnyView> {
    let read = ActionView::link("Read", path(&mail)).about(format!("{} to {}", subject(&mail.about), mail.address));
    let when = when(desk, &mail);
    let tried = (mail.attempts > 0).then(|| view! { <span class="sub">{tries(mail.attempts)}</span> });
    let mut cells = vec![about(&mail.about)];
    if addressed {
        let to = format!("/admin/subscribers/{}", mail.subscriber);
        cells.push(view! { <a href=to>{mail.address}</a> }.into_any());
    }
    // Why it would have gone is said on top of the page, once.
    let error = mail.error.filter(|_| !matches!(mail.standing, Standing::LackedServer | Standing::Sent));
    let error = error.map(|error| view! { <span class="sub" dir="auto">{error}</span> });
    cells.push(view! { <StateBadge state=state(mail.standing)/>{error} }.into_any());
    cells.push(view! { {when}{tried} }.into_any());
    if reads {
        cells.push(view! { <Action action=read small=true/> }.into_any());
    }
    cells
}

fn path(mail: &Delivery) -> String {
    format!("/admin/deliveries/{}/{}", mail.notification, mail.subscriber)
}

pub(super) fn subject(about: &About) -> String {
    match about {
        About::Confirmation => "Confirm your subscription".to_owned(),
        About::Window { name, .. } | About::Incident { name, .. } | About::Post { name, .. } => name.clone(),
    }
}

pub(super) fn about(about: &About) -> AnyView {
    match about {
        About::Confirmation => view! {
            "Confirm your subscription"
            <span class="sub">{happened(about)}</span>
        }
        .into_any(),
        About::Window { .. } | About::Incident { .. } | About::Post { .. } => {
            let (href, _) = place_of(about).unwrap_or_default();
            view! {
                <a href=href><span dir="auto">{subject(about)}</span></a>
                <span class="sub">{happened(about)}</span>
            }
            .into_any()
        }
    }
}

/// The page of what a mail is about, and what that is.
fn place_of(about: &About) -> Option<(String, &'static str)> {
    match about {
        About::Confirmation => None,
        About::Window { id, .. } => Some((format!("/admin/maintenances/{id}"), "Window")),
        About::Incident { id, .. } => Some((format!("/admin/incidents/{id}"), "Incident")),
        About::Post { path, .. } => Some((path.clone(), "Page")),
    }
}

pub(super) fn state(standing: Standing) -> StateView {
    match standing {
        Standing::Waits => StateView::new(Tone::Work, Shape::Scheduled, "Waiting"),
        Standing::TriesAgain => StateView::new(Tone::Degraded, Shape::Postponed, "Tries again"),
        Standing::InHand => StateView::new(Tone::Work, Shape::Running, "On its way"),
        Standing::Sent => StateView::new(Tone::Ok, Shape::Ok, "Sent").plain(),
        Standing::Failed => StateView::new(Tone::Major, Shape::Major, "Failed"),
        Standing::LackedServer => StateView::new(Tone::Degraded, Shape::Mail, "Would have gone"),
        Standing::NotNeeded => StateView::new(Tone::Quiet, Shape::Cancelled, "Not needed").plain(),
    }
}

/// What a mail tells.
fn happened(about: &About) -> String {
    match about {
        About::Confirmation => "Asks the reader".to_owned(),
        About::Window { what: What::Update(kind), .. } => StateView::from(*kind).label,
        About::Window { what: What::Reminder { lead }, .. } => format!("Reminder, {} before", lead.in_words()),
        About::Incident { state, .. } => state.public_text().to_owned(),
        About::Post { label, .. } => (*label).to_owned(),
    }
}

fn when(desk: &Desk, mail: &Delivery) -> String {
    moment(desk, mail.standing, mail.due_at, mail.done_at)
}

/// When a mail ended, or when its turn comes.
pub(super) fn moment(desk: &Desk, standing: Standing, due_at: Instant, done_at: Option<Instant>) -> String {
    match (standing, done_at) {
        (Standing::Waits | Standing::TriesAgain, _) => format!("Next try {}", desk.short(due_at)),
        (_, Some(at)) => desk.short(at),
        (_, None) => "Now".to_owned(),
    }
}

pub(super) fn tries(n: i64) -> String {
    match n {
        0 => "none".to_owned(),
        1 => "1 try".to_owned(),
        n => format!("{n} tries"),
    }
}

/// `/admin/deliveries/:notification/:subscriber`
#[component]
pub fn OneMail() -> impl IntoView {
    let ids = mail_id(&param("notification"), &param("subscriber"));
    let flash = done(&[("queued", "The mail waits to be sent again.")]);
    admin(
        |view: &MailView| subject(&view.delivery.about),
        |desk| async move {
            desk.actor.require(Permission::Administer)?;
            let (notification, subscriber) = ids?;
            desk.services.mail_to(&desk.actor, notification, subscriber).await
        },
        move |desk, view| one(&desk, view, flash),
    )
}

fn mail_id(notification: &str, subscriber: &str) -> Result<(NotificationId, SubscriberId), Error> {
    Ok((id(notification, "mail")?, id(subscriber, "mail")?))
}

fn one(desk: &Desk, seen: MailView, flash: Option<FlashView>) -> AnyView {
    let MailView { delivery, letter, again } = seen;
    let path = path(&delivery);
    let form = Form::at(&path, "");
    let file = letter.is_ok().then(|| {
        view! { <ButtonLink href=format!("{path}/mail.eml")>"Open in a mail program"</ButtonLink> }
    });
    let again = match again {
        Ok(()) => {
            let action = ActionView::post("Send again", path, &[("do", "send")]);
            view! {
                <p>"It goes to the same reader under the same Message-ID: who got it already sees it once."</p>
                <Actions><Action action/></Actions>
            }
            .into_any()
        }
        Err(why) => view! { <p class="muted">{why.to_string()}</p> }.into_any(),
    };
    let content = match letter {
        Ok(letter) => self::letter(desk, letter),
        Err(error) => {
            let text = format!("The mail can not be written: {error}.");
            view! { <Flash flash=FlashView::refused(text)/> }.into_any()
        }
    };
    let facts = facts(desk, &delivery);
    view! {
        <PageHeader title=subject(&delivery.about) back=("Deliveries".to_owned(), "/admin/deliveries".to_owned())
            state=state(delivery.standing)>
            {file}
        </PageHeader>
        {flash.map(|flash| view! { <Flash flash/> })}
        {form.summary(&[])}
        <div class="split is-wide-start">
            <div class="stack">{content}</div>
            <div class="stack">
                <Card title="Delivery">{facts}</Card>
                <Card title="Send it again">{again}</Card>
            </div>
        </div>
    }
    .into_any()
}

fn facts(desk: &Desk, mail: &Delivery) -> AnyView {
    let to = format!("/admin/subscribers/{}", mail.subscriber);
    let why = match mail.standing {
        Standing::LackedServer | Standing::NotNeeded => "Why it was not sent",
        _ => "Newest error",
    };
    let error = mail.error.clone().map(|error| {
        view! { <Fact label=why><span dir="auto">{error}</span></Fact> }
    });
    let (when, tries) = (when(desk, mail), tries(mail.attempts));
    let (address, told) = (mail.address.clone(), desk.short(mail.told_at));
    let window = place_of(&mail.about).map(|(href, label)| {
        let (happened, link) = (happened(&mail.about), links(vec![(subject(&mail.about), href)]));
        view! {
            <Fact label=label>{link}</Fact>
            <Fact label="What happened">{happened}</Fact>
        }
    });
    view! {
        <Facts>
            {window}
            <Fact label="Told">{told}</Fact>
            <Fact label="Reader"><a href=to>{address}</a></Fact>
            <Fact label="Tries">{tries}</Fact>
            <Fact label="When">{when}</Fact>
            {error}
        </Facts>
    }
    .into_any()
}

pub(super) fn letter(desk: &Desk, letter: Letter) -> AnyView {
    let date = desk.instant(letter.date);
    let attachments = if letter.attachments.is_empty() { "none".to_owned() } else { letter.attachments.join(", ") };
    view! {
        <Card>
            <Facts>
                <Fact label="From"><span dir="auto">{letter.from}</span></Fact>
                <Fact label="To">{letter.to}</Fact>
                <Fact label="Subject"><span dir="auto">{letter.subject}</span></Fact>
                <Fact label="Date"><TimeRange when=date stacked=true/></Fact>
                <Fact label="Message-ID"><span class="mono">{letter.message_id}</span></Fact>
                <Fact label="Attachments">{attachments}</Fact>
            </Facts>
        </Card>
        <Card flush=true>
            <pre class="mail" tabindex="0" aria-label="Text of the mail">{letter.text}</pre>
        </Card>
        <p class="small muted">
            "The links belong to the reader: whoever opens one acts in the reader's place."
        </p>
    }
    .into_any()
}

/// Takes the button of [`OneMail`].
///
/// # Errors
/// The actor may not, or there is no such mail.
pub async fn send_again(post: Post, notification: &str, subscriber: &str) -> Result<Posted, Error> {
    post.actor.require(Permission::Administer)?;
    let (notification, subscriber) = mail_id(notification, subscriber)?;
    let sent = post.services.send_again(&post.actor, notification, subscriber).await;
    post.done(sent.map(|()| format!("/admin/deliveries/{notification}/{subscriber}?done=queued")))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_filter_is_kept_from_page_to_page() {
        assert_eq!(place("failed", "a-b"), "/admin/deliveries?state=failed&cursor=a-b");
        assert_eq!(place("", ""), "/admin/deliveries");
    }
}

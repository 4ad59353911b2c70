//! Who hears from us by mail, what was sent to them, and forgetting them.

use super::deliveries::table as mail_table;
use super::desk::{Desk, admin};
use super::edit::{Form, id, links, param, query};
use super::runs::grouped;
use crate::components::{
    Actions, Button, ButtonLink, Card, DataTable, Disclosure, EmptyState, Fact, Facts, Field, Flash, PageHeader, Pager,
    Section, Select, StateBadge, TimeRange,
};
use crate::context::done;
use crate::form::encode;
use crate::posts::{Post, Posted};
use crate::view::{ActionView, ColumnView, OptionView, PagerView, StateView, Weight};
use domain::ids::SubscriberId;
use domain::people::Permission;
use domain::subscriber::{SubscriberState, Topic, Topics};
use domain::time::Instant;
use leptos::prelude::*;
use service::Error;
use service::deliveries::Delivery;
use service::subscribers::{SubscriberCounts, SubscriberLine, SubscriberPage, SubscribersQuery};

/// Names of components in one cell; more are counted.
const NAMED: usize = 3;

/// `/admin/subscribers?state=…&part=…&cursor=…`
#[component]
pub fn Subscribers() -> impl IntoView {
    let asked = query();
    let text = |name: &str| asked.get(name).to_owned();
    let query = SubscribersQuery { state: text("state"), part: text("part"), cursor: text("cursor") };
    let find = query.clone();
    let flash = done(&[("forgotten", "The subscriber is forgotten: nothing of the address is stored any more.")]);
    admin(
        |_| "Subscribers".to_owned(),
        |desk| async move { desk.services.subscribers(&desk.actor, &find).await },
        move |desk, found| {
            view! {
                <PageHeader title="Subscribers"
                    intro="They hear by mail of what they chose. Everybody joins and leaves by the public page.">
                    <ButtonLink href="/admin/webhooks">"Webhooks"</ButtonLink>
                </PageHeader>
                {flash.map(|flash| view! { <Flash flash/> })}
                {list(&desk, &query, found)}
            }
        },
    )
}

fn list(desk: &Desk, query: &SubscribersQuery, found: SubscriberPage) -> AnyView {
    let SubscriberPage { page, counts } = found;
    let is_filtered = [&query.state, &query.part, &query.cursor].into_iter().any(|part| !part.is_empty());
    let pager = PagerView {
        text: format!("{} on this page, in the order they came", page.items.len()),
        previous: (!query.cursor.is_empty()).then(|| place(query, "")),
        next: page.next_cursor.as_deref().map(|cursor| place(query, cursor)),
    };
    let shown = match (page.items.is_empty(), is_filtered) {
        (false, _) => table(desk, page.items),
        (true, true) => view! {
            <EmptyState title="No such subscriber" text="Nobody fits what you asked for."
                action=ActionView::link("Show all subscribers", "/admin/subscribers")/>
        }
        .into_any(),
        (true, false) => view! {
            <EmptyState title="Nobody has subscribed yet"
                text="Customers subscribe on the public page and confirm from their mailbox."
                action=ActionView::link("To the form", "/subscribe")/>
        }
        .into_any(),
    };
    let (numbers, filters) = (numbers(&counts), filters(desk, query));
    view! {
        <Card>{numbers}</Card>
        <Section id="list" title="List">
            {filters}
            {shown}
            <Pager pager/>
        </Section>
    }
    .into_any()
}

fn numbers(counts: &SubscriberCounts) -> AnyView {
    let facts: Vec<AnyView> = [
        (SubscriberState::Confirmed, counts.confirmed),
        (SubscriberState::Pending, counts.pending),
        (SubscriberState::Unsubscribed, counts.unsubscribed),
        (SubscriberState::Bounced, counts.bounced),
    ]
    .into_iter()
    .map(|(state, n)| view! { <Fact label=StateView::from(state).label>{grouped(n)}</Fact> }.into_any())
    .collect();
    view! { <Facts>{facts}</Facts> }.into_any()
}

fn filters(desk: &Desk, query: &SubscribersQuery) -> AnyView {
    let options = std::iter::once(OptionView::new("", "Any state"))
        .chain(SubscriberState::ALL.into_iter().map(|s| OptionView::new(s.as_str(), StateView::from(s).label)))
        .map(|option| {
            let is_chosen = option.value == query.state;
            option.chosen(is_chosen)
        })
        .collect();
    let search = desk.may(Permission::Administer).then(|| {
        view! { <Field name="part" label="In the address" kind="search" value=query.part.clone() maxlength=254/> }
    });
    view! {
        <form class="filters" method="get" action="/admin/subscribers">
            <Select name="state" label="State" options/>
            {search}
            <Button>"Show"</Button>
        </form>
    }
    .into_any()
}

fn place(query: &SubscribersQuery, cursor: &str) -> String {
    let parts = [("state", &*query.state), ("part", &*query.part), ("cursor", cursor)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if text.is_empty() { "/admin/subscribers".to_owned() } else { format!("/admin/subscribers?{}", text.join("&")) }
}

fn table(desk: &Desk, lines: Vec<SubscriberLine>) -> AnyView {
    let columns = ["Address", "State", "Follows", "Zone", "Since"].map(ColumnView::new).to_vec();
    let rows = lines.into_iter().map(|line| row(desk, line)).collect::<Vec<_>>();
    view! { <DataTable caption="Subscribers" columns rows/> }.into_any()
}

fn row(desk: &Desk, line: SubscriberLine) -> Vec<AnyView> {
    let href = format!("/admin/subscribers/{}", line.id);
    let names: Vec<&str> = line.follows.iter().map(|(_, name)| name.as_str()).collect();
    let follows = match names.len() {
        0 => "Everything".to_owned(),
        n if n > NAMED => format!("{} and {} more", names[..NAMED].join(", "), n - NAMED),
        _ => names.join(", "),
    };
    let topics = hears_of(line.topics).map(|text| view! { <span class="sub">{text}</span> });
    vec![
        view! { <a href=href>{line.address}</a> }.into_any(),
        view! { <StateBadge state=StateView::from(line.state).plain()/> }.into_any(),
        view! { <span dir="auto">{follows}</span>{topics} }.into_any(),
        line.zone.into_any(),
        desk.date(line.confirmed_at.unwrap_or(line.created_at)).into_any(),
    ]
}

/// What somebody hears of, where it is not the usual.
fn hears_of(topics: Topics) -> Option<String> {
    let unusual = topics != Topics::default();
    unusual.then(|| topics.iter().map(Topic::public_text).collect::<Vec<_>>().join(", "))
}

/// `/admin/subscribers/:id`
#[component]
pub fn OneSubscriber() -> impl IntoView {
    let id = param::<SubscriberId>("subscriber");
    admin(
        |(line, _): &(SubscriberLine, Vec<Delivery>)| line.address.clone(),
        |desk| async move {
            let id = id?;
            let line = desk.services.subscriber(&desk.actor, id).await?;
            Ok((line, desk.services.deliveries_to(&desk.actor, id).await?))
        },
        |desk, (line, mails)| one(&desk, line, mails),
    )
}

fn one(desk: &Desk, line: SubscriberLine, mails: Vec<Delivery>) -> AnyView {
    let path = format!("/admin/subscribers/{}", line.id);
    let form = Form::at(&path, "");
    let mails = if mails.is_empty() {
        view! { <EmptyState title="No mail yet" text="Nothing was sent to this address."/> }.into_any()
    } else {
        mail_table(desk, mails, false)
    };
    let forget = desk.may(Permission::Administer).then(|| forget(&line));
    let facts = facts(desk, &line);
    view! {
        <PageHeader title=line.address.clone() back=("Subscribers".to_owned(), "/admin/subscribers".to_owned())
            state=StateView::from(line.state)/>
        {form.summary(&[])}
        <Card>{facts}</Card>
        <Section id="mails" title="Newest mails">{mails}</Section>
        {forget}
    }
    .into_any()
}

fn facts(desk: &Desk, line: &SubscriberLine) -> AnyView {
    let instant = |label: &'static str, at: Option<Instant>| {
        let when = at.map(|at| desk.instant(at));
        when.map(|when| view! { <Fact label=label><TimeRange when=when stacked=true/></Fact> }).into_any()
    };
    let follows = if line.follows.is_empty() {
        "Everything".into_any()
    } else {
        links(line.follows.iter().map(|(id, name)| (name.clone(), format!("/admin/components/{id}"))).collect())
    };
    let (zone, number) = (line.zone.clone(), format!("s{}", line.number));
    let topics = line.topics.iter().map(Topic::public_text).collect::<Vec<_>>().join(", ");
    let facts = vec![
        view! { <Fact label="Follows">{follows}</Fact> }.into_any(),
        view! { <Fact label="Hears of">{topics}</Fact> }.into_any(),
        view! { <Fact label="Times in mails">{zone}</Fact> }.into_any(),
        instant("First asked", Some(line.created_at)),
        instant("Last asked to confirm", line.confirm_sent_at),
        instant("Confirmed", line.confirmed_at),
        view! { <Fact label="In message ids">{number}</Fact> }.into_any(),
    ];
    view! { <Facts>{facts}</Facts> }.into_any()
}

/// Two presses: one unfolds what would be lost, the other does it.
fn forget(line: &SubscriberLine) -> AnyView {
    let (address, path) = (line.address.clone(), format!("/admin/subscribers/{}", line.id));
    view! {
        <Section id="forget" title="Forget">
            <Disclosure label="Forget this subscriber">
                <form class="card stack" method="post" action=path>
                    <p>
                        "Wiped: "<strong>{address}</strong>", what it follows, its time zone, its webhooks, and every mail that was
                        or would have been sent to it. Its links stop working, and mails that wait are not sent."
                    </p>
                    <p>
                        "The audit log keeps that somebody was forgotten, with the address partly hidden. This can not
                        be taken back; the address can subscribe again."
                    </p>
                    <Actions>
                        <Button weight=Weight::Danger name="do" value="forget">"Forget for good"</Button>
                    </Actions>
                </form>
            </Disclosure>
        </Section>
    }
    .into_any()
}

/// Takes the button of [`OneSubscriber`].
///
/// # Errors
/// The actor may not, or there is no such subscriber.
pub async fn forget_one(post: Post, subscriber: &str) -> Result<Posted, Error> {
    let forgotten = post.services.forget_subscriber(&post.actor, id(subscriber, "subscriber")?).await;
    post.done(forgotten.map(|()| "/admin/subscribers?done=forgotten"))
}

#[cfg(test)]
mod tests {
    use super::place;
    use service::subscribers::SubscribersQuery;

    #[test]
    fn a_search_is_kept_from_page_to_page() {
        let query = SubscribersQuery { part: "ann+1@".to_owned(), ..SubscribersQuery::default() };
        assert_eq!(place(&query, "50"), "/admin/subscribers?part=ann%2B1%40&cursor=50");
        assert_eq!(place(&SubscribersQuery::default(), ""), "/admin/subscribers");
    }
}

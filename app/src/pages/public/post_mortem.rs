//! `/incidents/ID/post-mortem`: what was learned from an incident, and what is done about it.

use super::{Head, Reader, words};
use crate::components::{
    Actions, ButtonLink, Card, Fact, Facts, Icon, PublicLayout, Section, StateBadge, States, Title,
};
use crate::context::{load, param, services};
use crate::view::{Shape, StateView, Tone};
use chrono::NaiveDate;
use domain::action_item::{ActionItem, ItemState, Progress};
use domain::ids::IncidentId;
use domain::time::Instant;
use leptos::prelude::*;
use service::post_mortems::{PostMortemNote, PublicPostMortem, page_of};
use service::{Error, prose};

/// Characters of the text in previews and search results.
const DESCRIPTION: usize = 200;

/// `/incidents/{id}/post-mortem`
#[component]
pub fn PostMortem() -> impl IntoView {
    let services = services();
    let id = param("id").parse::<IncidentId>().map_err(|_| Error::NotFound("post-mortem"));
    let loading = services.clone();
    load(async move { loading.public_post_mortem(id?).await }, move |(site, found)| {
        let reader = Reader::new(&services, &site);
        reader.keep(found.until);
        show(&reader, &found)
    })
}

fn show(reader: &Reader, found: &PublicPostMortem) -> AnyView {
    let (incident, post_mortem) = (&found.incident, &found.post_mortem);
    let site = reader.site();
    let title = format!("Post-mortem: {}", incident.title);
    let html = prose::html(post_mortem.body.as_str());
    let description = prose::beginning(post_mortem.body.as_str(), DESCRIPTION);
    let published = post_mortem.published_at.unwrap_or(post_mortem.updated_at);
    let edited = post_mortem.edited_at.map(|at| words::time_fact("Changed", reader.brief(at)));
    let when = incident.resolved_at.map_or_else(
        || words::time_fact("Began", reader.instant(incident.started_at)),
        |end| words::time_fact("From and to", reader.range(incident.started_at, end)),
    );
    let components = found.components.join(", ");
    let affected =
        (!components.is_empty()).then(|| view! { <Fact label="Affected"><span dir="auto">{components}</span></Fact> });
    let about = reader.link(&format!("/incidents/{}", incident.id));
    let subscribe = reader.link("/subscribe");
    let items = items(reader, found);
    let progress = (!found.items.is_empty()).then(|| {
        let words = found.progress.words();
        view! { <Fact label="Action items"><a href="#action-items">{words}</a></Fact> }
    });
    let (frame, back) = (reader.frame(), ("The incident".to_owned(), about.clone()));
    let published = words::time_fact("Published", reader.instant(published));
    view! {
        <Head title=format!("{title} – {site} status") path=page_of(incident.id) description/>
        <PublicLayout frame>
            <Title title back/>
            <div class="split is-wide-start">
                <div>
                    <h2 class="vh">"What happened"</h2>
                    <div class="prose" dir="auto" inner_html=html></div>
                    {items}
                </div>
                <aside>
                    <Card title="At a glance">
                        <Facts>
                            {when}
                            {affected}
                            {published}
                            {edited}
                            {progress}
                        </Facts>
                        <Actions>
                            <ButtonLink href=about>"The incident"</ButtonLink>
                            <ButtonLink href=subscribe>"Subscribe"</ButtonLink>
                        </Actions>
                    </Card>
                </aside>
            </div>
        </PublicLayout>
    }
    .into_any()
}

/// What is done about it, with how far it is.
fn items(reader: &Reader, found: &PublicPostMortem) -> AnyView {
    if found.items.is_empty() {
        return ().into_any();
    }
    let lines = found.items.iter().map(|item| line(reader, item, found.today)).collect_view();
    let bar = bar(found.progress);
    view! {
        <Section id="action-items" title="Action items">
            {bar}
            <Card flush=true><ul class="attention">{lines}</ul></Card>
        </Section>
    }
    .into_any()
}

/// "3 of 5 done", in words and drawn.
pub(crate) fn bar(progress: Progress) -> AnyView {
    let words = progress.words();
    let (done, all) = (progress.done + progress.dropped, progress.all.max(1));
    view! {
        <p class="progress">
            <progress max=all.to_string() value=done.to_string() aria-hidden="true"></progress>
            <span>{words}</span>
        </p>
    }
    .into_any()
}

/// "30 Jun 2014".
fn day(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

/// An action item's state as everybody reads it.
#[must_use]
pub(crate) fn state(item: &ActionItem, today: NaiveDate) -> StateView {
    let overdue = item.is_overdue(today);
    match item.state {
        ItemState::Open if overdue => StateView::new(Tone::Partial, Shape::Partial, "Overdue"),
        ItemState::InProgress if overdue => StateView::new(Tone::Partial, Shape::Running, "Overdue, in progress"),
        ItemState::Open => StateView::new(Tone::Quiet, Shape::Draft, "Open"),
        ItemState::InProgress => StateView::new(Tone::Work, Shape::Running, "In progress"),
        ItemState::Done => StateView::new(Tone::Ok, Shape::Ok, "Done").plain(),
        ItemState::Dropped => StateView::new(Tone::Quiet, Shape::Cancelled, "Dropped"),
    }
}

/// "Platform team · was due 1 Jun 2014"; `date` writes the day of an instant.
#[must_use]
pub(crate) fn detail(item: &ActionItem, today: NaiveDate, date: impl Fn(Instant) -> String) -> String {
    let closed = item.closed_at.map(date);
    let due = item.content.due.map(day);
    let when = match (item.state, closed, due) {
        (ItemState::Done, Some(closed), _) => Some(format!("done {closed}")),
        (ItemState::Dropped, Some(closed), _) => Some(format!("dropped {closed}")),
        (_, _, Some(due)) if item.is_overdue(today) => Some(format!("was due {due}")),
        (_, _, Some(due)) => Some(format!("by {due}")),
        _ => None,
    };
    std::iter::once(item.content.owner.to_string()).chain(when).collect::<Vec<_>>().join(" · ")
}

fn line(reader: &Reader, item: &ActionItem, today: NaiveDate) -> AnyView {
    let state = state(item, today);
    let (title, detail) = (item.content.title.to_string(), detail(item, today, |at| reader.date(at)));
    let why = item.why.as_ref().map(|why| {
        let why = format!("Will not be done: {why}");
        view! { <p class="small" dir="auto">{why}</p> }
    });
    let link = item.content.link.as_ref().map(|link| {
        let (href, about) = (link.as_str().to_owned(), title.clone());
        view! {
            <p class="small">
                <a href=href rel="nofollow noopener noreferrer">"Follow it"<span class="vh">": "{about}</span></a>
            </p>
        }
    });
    let (tone, shape) = (state.tone.class(), state.shape);
    view! {
        <li class=tone>
            <Icon shape/>
            <div>
                <h3 dir="auto">{title}</h3>
                <p class="small muted" dir="auto">{detail}</p>
                {why}
                {link}
            </div>
            <States><StateBadge state=state.plain()/></States>
        </li>
    }
    .into_any()
}

/// What the public page of an incident says of its post-mortem. Nothing where there is none.
#[must_use]
pub fn note(reader: &Reader, note: Option<PostMortemNote>) -> AnyView {
    let Some(note) = note else { return ().into_any() };
    let href = reader.link(&page_of(note.incident));
    let when = reader.short(note.published_at);
    let items = (note.progress.all > 0).then(|| bar(note.progress));
    view! {
        <Section id="post-mortem" title="Post-mortem">
            <Card>
                <p>
                    <a href=href>"What happened, why, and what we do about it"</a>
                    <span class="muted">{format!(", published {when}")}</span>
                </p>
                {items}
            </Card>
        </Section>
    }
    .into_any()
}

//! `/incidents/ID`: one incident, with everything that was said about it. And how incidents look on other pages.

use super::{Head, Reader, post_mortem, words};
use crate::components::{
    Actions, ButtonLink, Card, ComponentStates, Fact, Facts, PublicLayout, Section, Timeline, Title, WindowCard,
};
use crate::context::{load, services};
use crate::view::{ComponentView, EntryView, LogView, Shape, StateView, Tone, WhenView};
use domain::component::ComponentState;
use domain::ids::IncidentId;
use domain::incident::{Incident, IncidentState, IncidentUpdate, Severity};
use domain::people::Role;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::public::{ComponentLine, PublicIncident};
use service::{post_mortems, prose};

/// Lines of a timeline shown on the front page.
const NEWEST: usize = 3;

/// `/incidents/{id}`
#[component]
pub fn IncidentPage() -> impl IntoView {
    let services = services();
    let change = services.newest_change();
    let id = use_params_map().read_untracked().get("id").and_then(|id| id.parse::<IncidentId>().ok());
    let loading = services.clone();
    let find = async move {
        match id {
            Some(id) => loading.public_incident(id).await,
            None => Err(service::Error::NotFound("incident")),
        }
    };
    load(find, move |(site, line)| {
        let reader = Reader::new(&services, &site);
        reader.keep(line.post_mortem.and_then(|note| note.until));
        show(&reader, &line, change)
    })
}

fn show(reader: &Reader, line: &PublicIncident, change: i64) -> AnyView {
    let i = &line.incident;
    let site = reader.site();
    let (title, state, path) = (i.title.to_string(), i.state.public_text(), page_of(i));
    let when = when(reader, i);
    let names = names(line).join(", ");
    let about = if names.is_empty() { String::new() } else { format!(" Affects {names}.") };
    let description = format!("{state}: {title}. {}.{about}", when.text);
    let entries = line.updates.iter().map(|update| entry(reader, update)).collect::<Vec<_>>();
    let states: Vec<ComponentView> = line
        .affected
        .iter()
        .map(|line| ComponentView {
            name: line.component.name.to_string(),
            href: reader.link(&format!("/components/{}", line.component.slug)),
            state: line.state.into(),
            past: None,
        })
        .collect();
    let states = (!states.is_empty()).then(|| {
        view! { <Section id="components" title="Components"><ComponentStates components=states/></Section> }
    });
    let afterwards = i.is_backfilled.then(|| {
        view! { <p class="muted">"Entered afterwards: nobody was told of it at the time."</p> }
    });
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    let (badge, glance) = (badge(i), glance(reader, line));
    let learned = post_mortem::note(reader, line.post_mortem);
    view! {
        <Head title=format!("{state}: {title} – {site} status") path description live=change/>
        <PublicLayout frame>
            <Title title lead=words::one_line(&when) back state=badge/>
            <div class="split is-wide-start">
                <div>
                    {afterwards}
                    {learned}
                    <Section id="updates" title="Updates"><Timeline entries/></Section>
                </div>
                <aside>{glance}{states}</aside>
            </div>
        </PublicLayout>
    }
    .into_any()
}

fn glance(reader: &Reader, line: &PublicIncident) -> AnyView {
    let i = &line.incident;
    let ended = i.resolved_at.map(|at| words::time_fact("Ended", reader.brief(at)));
    let lasted = line.lasted.map(|span| view! { <Fact label="Lasted">{span.in_words()}</Fact> });
    let since = words::time_fact("Since", reader.brief(i.started_at));
    let cause = line.cause.clone().map(|(id, title)| {
        let href = reader.link(&format!("/maintenance/{id}"));
        view! { <Fact label="Caused by the maintenance"><a href=href><span dir="auto">{title}</span></a></Fact> }
    });
    let (severity, reference) = (severity(i.severity()), i.reference());
    let subscribe = reader.link("/subscribe");
    view! {
        <Card title="At a glance">
            <Facts>
                {since}
                {ended}
                {lasted}
                <Fact label="Severity">{severity}</Fact>
                {cause}
                <Fact label="Reference">{reference}</Fact>
            </Facts>
            <Actions><ButtonLink href=subscribe>"Subscribe"</ButtonLink></Actions>
        </Card>
    }
    .into_any()
}

/// The page of an incident.
pub(super) fn page_of(i: &Incident) -> String {
    format!("/incidents/{}", i.id)
}

/// How bad it is, in words.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::None => "None: everything works as usual",
        Severity::Minor => "Minor: something works worse than usual",
        Severity::Major => "Major: something does not work for some",
        Severity::Critical => "Critical: something does not work",
    }
}

/// Colour and shape of an incident that is not over: it is trouble even where it says of no component that it is worse.
pub(super) fn trouble(severity: Severity) -> (Tone, Shape) {
    let view = StateView::from(severity.max(Severity::Minor));
    (view.tone, view.shape)
}

/// Where it stands, in the colour of how bad it is.
fn badge(i: &Incident) -> StateView {
    let (tone, shape) = if i.state == IncidentState::Resolved { (Tone::Ok, Shape::Ok) } else { trouble(i.severity()) };
    StateView::new(tone, shape, i.state.public_text())
}

/// How bad it was, and where it stands: what is over is no success, and looks like none.
fn past_badge(i: &Incident) -> StateView {
    let severity = StateView::from(i.severity());
    let (tone, shape) = if i.state.is_open() { trouble(i.severity()) } else { (severity.tone, severity.shape) };
    let what = match i.severity() {
        Severity::None => "Incident without impact".to_owned(),
        _ => format!("{} incident", severity.label),
    };
    let afterwards = if i.is_backfilled { " · Entered afterwards" } else { "" };
    StateView::new(tone, shape, format!("{what} · {}{afterwards}", i.state.public_text()))
}

/// From when to when; since when while it lasts.
fn when(reader: &Reader, i: &Incident) -> WhenView {
    match i.resolved_at {
        Some(at) => reader.range(i.started_at, at),
        None => {
            let since = reader.instant(i.started_at);
            WhenView { text: format!("Since {}", since.text), ..since }
        }
    }
}

fn names(line: &PublicIncident) -> Vec<String> {
    line.affected.iter().map(|line| line.component.name.to_string()).collect()
}

/// A line of its timeline. Customers read what the author was, not who.
fn entry(reader: &Reader, update: &IncidentUpdate) -> EntryView {
    let author = match update.author_role {
        None => "Automatic",
        Some(Role::Viewer | Role::Operator) => "Operator",
        Some(Role::Approver) => "Approver",
        Some(Role::Admin) => "Administrator",
    };
    let edited = update.edited_at.map(|at| format!(", edited {}", reader.short(at))).unwrap_or_default();
    EntryView {
        id: format!("u-{}", update.id),
        state: update.state.into(),
        when: reader.brief(update.at),
        html: prose::html(update.body.as_str()),
        author: format!("{author}{edited}"),
    }
}

/// An open incident on the front page.
pub(super) fn card(reader: &Reader, line: &PublicIncident) -> AnyView {
    let i = &line.incident;
    let href = reader.link(&page_of(i));
    let since = words::time_fact("Since", reader.brief(i.started_at));
    let affected: Vec<String> = line
        .affected
        .iter()
        .map(|ComponentLine { component, state }| match state {
            ComponentState::Operational => format!("{} (works again)", component.name),
            state => format!("{} ({})", component.name, state.public_text().to_lowercase()),
        })
        .collect();
    let affected = (!affected.is_empty())
        .then(|| view! { <Fact label="Affects"><span dir="auto">{affected.join(", ")}</span></Fact> });
    let entries = line.updates.iter().take(NEWEST).map(|update| entry(reader, update)).collect::<Vec<_>>();
    let more = (line.updates.len() > NEWEST).then(|| {
        view! { <p class="small mt"><a href=href.clone()>{format!("All {} updates", line.updates.len())}</a></p> }
    });
    view! {
        <WindowCard title=i.title.to_string() href=href.clone() state=badge(i)>
            <Facts>{since}{affected}</Facts>
            <Timeline entries/>
            {more}
        </WindowCard>
    }
    .into_any()
}

/// An incident in the list of what has been.
pub(super) fn past(reader: &Reader, line: &PublicIncident) -> LogView {
    let i = &line.incident;
    let last = line.updates.first().map(|update| prose::html(update.body.as_str()));
    let learned = if line.is_explained { reader.link(&post_mortems::page_of(i.id)) } else { String::new() };
    LogView {
        date: reader.day_text(i.started_at),
        title: i.title.to_string(),
        href: reader.link(&page_of(i)),
        learned,
        when: reader.hours(i.started_at, i.resolved_at),
        html: last.unwrap_or_default(),
        state: past_badge(i),
        components: words::few(names(line)),
        anchor: None,
    }
}

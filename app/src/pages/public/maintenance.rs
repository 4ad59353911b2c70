//! `/maintenance/ID`: one window, with everything that was said about it.

use super::{Head, Reader, words};
use crate::components::{Actions, ButtonLink, Card, Fact, Facts, PublicLayout, Section, TimeRange, Timeline, Title};
use crate::context::{load, services};
use domain::ids::MaintenanceId;
use domain::maintenance::{State, UpdateKind};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::public::{Proof, Window};

/// `/maintenance/{id}`
#[component]
pub fn Maintenance() -> impl IntoView {
    let services = services();
    let change = services.newest_change();
    let id = use_params_map().read_untracked().get("id").and_then(|id| id.parse::<MaintenanceId>().ok());
    let loading = services.clone();
    let find = async move {
        match id {
            Some(id) => loading.public_window(id).await,
            None => Err(service::Error::NotFound("maintenance")),
        }
    };
    load(find, move |(site, window)| {
        let reader = Reader::new(&services, &site);
        reader.keep(None);
        show(&reader, &window, &services, change)
    })
}

fn show(reader: &Reader, window: &Window, services: &service::Services, change: i64) -> AnyView {
    let m = &window.maintenance;
    let path = words::page_of(m);
    let site = reader.site();
    let when = words::when(reader, m);
    let affected = words::affected(window);
    let state = m.state.public_text();
    let about = if affected.is_empty() { String::new() } else { format!(" Affects {affected}.") };
    let description = format!("{state}: {}. {}.{about}", m.title, when.text);
    let message = reader.message(window);
    let message = (!message.is_empty()).then(|| view! { <div class="prose" dir="auto" inner_html=message></div> });
    let entries = window.updates.iter().map(|update| words::entry(reader, window, update)).collect::<Vec<_>>();
    let calendar = (format!("{} (this one)", m.title), format!("{path}.ics"));
    let data = event_data(services, &site, window);
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    let (title, badge, proof) = (m.title.to_string(), words::state(m.state), words::proof(reader, window));
    let glance = glance(reader, window, &path, affected);
    view! {
        <Head title=format!("{state}: {title} – {site} status") path description calendar live=change/>
        <PublicLayout frame>
            <Title title lead=words::one_line(&when) back state=badge proof=proof/>
            <div class="split is-wide-start">
                <div>
                    {message}
                    <Section id="updates" title="Updates"><Timeline entries/></Section>
                </div>
                <aside>{glance}</aside>
            </div>
        </PublicLayout>
        <script type="application/ld+json" inner_html=data></script>
    }
    .into_any()
}

fn glance(reader: &Reader, window: &Window, path: &str, affected: String) -> AnyView {
    let m = &window.maintenance;
    let planned = reader.range(m.planned.starts_at, m.planned.ends_at);
    let label = match m.state {
        State::Postponed | State::Cancelled => "Was planned for",
        _ => "Planned for",
    };
    let instant = |label: &'static str, at| words::time_fact(label, reader.brief(at));
    let begun = m.started_at.map(|at| instant("Began", at));
    let ended = m.ended_at.map(|at| instant(if m.state == State::Cancelled { "Cancelled" } else { "Finished" }, at));
    let latest = (m.state == State::Held).then(|| instant("Starts at the latest", m.planned.last_fit()));
    let affected =
        (!affected.is_empty()).then(|| view! { <Fact label="Affects"><span dir="auto">{affected}</span></Fact> });
    let backup = match window.proof {
        Some(Proof::Confirmed { data_sets, from, to }) => {
            let count = if data_sets == 1 { "1 data set".to_owned() } else { format!("All {data_sets} data sets") };
            let when = if from == to { reader.brief(from) } else { reader.range(from, to) };
            Some(view! { <Fact label="Backed up first">{count}<TimeRange when stacked=true/></Fact> })
        }
        _ => None,
    };
    let repeats = window.repeats.clone().map(|words| view! { <Fact label="Part of a series">{words}</Fact> });
    let links: Vec<AnyView> = window
        .caused
        .iter()
        .map(|(id, title)| {
            let (href, title) = (reader.link(&format!("/incidents/{id}")), title.clone());
            view! { <p><a href=href><span dir="auto">{title}</span></a></p> }.into_any()
        })
        .collect();
    let caused = (!links.is_empty()).then(|| view! { <Fact label="Incidents it caused">{links}</Fact> });
    let reference = format!("M-{}", m.number);
    let (calendar, subscribe) = (format!("{path}.ics"), reader.link("/subscribe"));
    view! {
        <Card title="At a glance">
            <Facts>
                {words::time_fact(label, planned)}
                {begun}
                {ended}
                {latest}
                {affected}
                {repeats}
                {backup}
                {caused}
                <Fact label="Reference">{reference}</Fact>
            </Facts>
            <Actions>
                <ButtonLink href=calendar>"Add to calendar"</ButtonLink>
                <ButtonLink href=subscribe>"Subscribe"</ButtonLink>
            </Actions>
        </Card>
    }
    .into_any()
}

/// The window for search engines (schema.org Event). No text in it can end the element it stands in.
fn event_data(services: &service::Services, site: &str, window: &Window) -> String {
    let m = &window.maintenance;
    let url = services.maintenance_url(m);
    let moved = window.updates.iter().find(|u| u.kind == UpdateKind::Rescheduled).and_then(|u| u.old_starts_at);
    let status = match (m.state, moved) {
        (State::Cancelled, _) => "EventCancelled",
        (State::Postponed, _) => "EventPostponed",
        (_, Some(_)) => "EventRescheduled",
        _ => "EventScheduled",
    };
    let machine = |at: domain::time::Instant| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut event = serde_json::json!({
        "@context": "https://schema.org",
        "@type": "Event",
        "name": m.title.as_str(),
        "startDate": machine(m.begins_at()),
        "endDate": machine(m.finishes_at()),
        "eventStatus": format!("https://schema.org/{status}"),
        "eventAttendanceMode": "https://schema.org/OnlineEventAttendanceMode",
        "location": { "@type": "VirtualLocation", "url": url },
        "organizer": { "@type": "Organization", "name": site, "url": services.url("/") },
        "url": url,
    });
    if let Some(at) = moved {
        event["previousStartDate"] = machine(at).into();
    }
    event.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

//! `/`: what works, what does not, what is planned.

use super::charts::small_charts;
use super::{Head, Reader, incident, words};
use crate::components::{
    Card, ComponentGroups, Disclosure, Fact, Facts, Hero, LogList, PlanList, Proof, PublicLayout, Section, Timeline,
    WindowCard,
};
use crate::context::{load, services};
use crate::view::{Shape, Tone};
use domain::component::ComponentState;
use domain::incident::Severity;
use domain::maintenance::State;
use leptos::prelude::*;
use service::figures::BAR_DAYS;
use service::metrics::Chart;
use service::public::{GroupLines, Home as Data, Window};
use std::cmp::Reverse;

/// Lines of a timeline shown on the front page.
const NEWEST: usize = 3;

/// Planned windows shown unfolded.
const NEXT: usize = 10;

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    let services = services();
    let change = services.newest_change();
    let loading = services.clone();
    load(async move { Ok((loading.home().await?, loading.home_charts().await?)) }, move |(home, charts)| {
        let reader = Reader::new(&services, &home.site);
        reader.keep([home.until, charts.until].into_iter().flatten().min());
        show(&reader, home, &charts.charts, change)
    })
}

fn show(reader: &Reader, home: Data, charts: &[Chart], change: i64) -> AnyView {
    let (tone, shape) = overall(&home);
    let lead = lead(reader, &home);
    let site = reader.site();
    let frame = reader.frame();
    let changed = newest_change(&home).map(|at| reader.brief(at));
    let (without_time, now): (Vec<Window>, Vec<Window>) =
        home.now.into_iter().partition(|window| window.maintenance.state == State::Postponed);
    let incidents = home.incidents.iter().map(|line| incident::card(reader, line)).collect::<Vec<_>>();
    let now = (!incidents.is_empty() || !now.is_empty()).then(|| {
        let cards = now.iter().map(|window| card(reader, window)).collect_view();
        view! { <Section id="now" title="Now">{incidents}{cards}</Section> }
    });
    let mut next: Vec<_> = home.next.iter().chain(&without_time).map(|window| words::planned(reader, window)).collect();
    let next = if next.is_empty() {
        let subscribe = reader.link("/subscribe");
        view! {
            <Card>
                <p class="muted">
                    "No work is planned. When some is, you read it here, "
                    <a href=subscribe>"by mail or in your calendar"</a> "."
                </p>
            </Card>
        }
        .into_any()
    } else {
        let later = next.split_off(next.len().min(NEXT));
        let label = format!("{} more planned later", later.len());
        let later = (!later.is_empty()).then(|| {
            view! { <div class="mt"><Disclosure label><PlanList windows=later/></Disclosure></div> }
        });
        view! { <PlanList windows=next/>{later} }.into_any()
    };
    let windows = home.recent.iter().map(|w| (w.maintenance.ended_at, words::past(reader, w)));
    let resolved = home.resolved.iter().map(|line| (line.incident.resolved_at, incident::past(reader, line)));
    let mut recent: Vec<_> = windows.chain(resolved).collect();
    recent.sort_by_key(|(ended_at, _)| Reverse(*ended_at));
    let recent: Vec<_> = recent.into_iter().map(|(_, entry)| entry).collect();
    let recent = (!recent.is_empty()).then(|| {
        let more = ("All history".to_owned(), reader.link("/history"));
        view! { <Section id="recent" title="Finished in the last 7 days" more=more><LogList entries=recent/></Section> }
    });
    let announcements = super::announcements::front(reader, &home.announcements);
    let groups = words::groups(reader, home.groups, home.bars);
    let groups = (!groups.is_empty()).then(|| {
        let weights = home.site.weights.sentence();
        view! {
            <Section id="components" title="Components">
                <ComponentGroups groups/>
                <p class="small muted mt">
                    {format!("Each bar shows the last {BAR_DAYS} days, the figure how much of them was up; planned work is not counted. {weights}")}
                </p>
            </Section>
        }
    });
    let measured = (!charts.is_empty()).then(|| {
        let more = ("All charts".to_owned(), reader.link("/charts"));
        let charts = small_charts(reader, charts);
        view! { <Section id="measured" title="The last 24 hours" more=more>{charts}</Section> }
    });
    view! {
        <Head title=format!("{} – {site} status", home.sentence) path="/"
            description=format!("{}. {lead}", home.sentence) live=change/>
        <PublicLayout frame>
            <Hero tone shape title=home.sentence lead=lead changed=changed/>
            {now}
            <Section id="planned" title="Planned">{next}</Section>
            {groups}
            {measured}
            {announcements}
            {recent}
        </PublicLayout>
    }
    .into_any()
}

/// Colour and shape of the whole page: the worst of what is broken, else of what is being worked on.
fn overall(home: &Data) -> (Tone, Shape) {
    let worst = home.groups.iter().map(GroupLines::worst).max().unwrap_or(ComponentState::Operational);
    let by_components = Severity::of(worst);
    let by_incidents = home.incidents.iter().map(|line| line.incident.severity()).max();
    match by_incidents {
        _ if by_components > Severity::None => incident::trouble(by_components),
        Some(severity) => incident::trouble(severity),
        None => words::overall(&home.now),
    }
}

/// What else there is to know beside the one sentence.
fn lead(reader: &Reader, home: &Data) -> String {
    let under_way = !home.incidents.is_empty() || home.now.iter().any(|w| w.maintenance.state.is_under_way());
    let held = home.now.iter().any(|w| w.maintenance.state == State::Held);
    if under_way {
        let worst = home.groups.iter().map(GroupLines::worst).max().unwrap_or(ComponentState::Operational);
        let states: Vec<_> = home.groups.iter().flat_map(|group| &group.components).map(|line| line.state).collect();
        let also = states.iter().filter(|state| **state != worst && **state != ComponentState::Operational).count();
        return match also {
            0 if states.contains(&ComponentState::Operational) => "Everything else is operational.".to_owned(),
            0 => String::new(),
            1 => "1 more component does not work as usual.".to_owned(),
            n => format!("{n} more components do not work as usual."),
        };
    }
    if held {
        return "It waits for a backup to be confirmed. Everything is operational meanwhile.".to_owned();
    }
    if let Some(window) = home.now.first() {
        return format!("“{}” was postponed: a new time will be announced.", window.maintenance.title);
    }
    match home.next.first() {
        Some(window) => format!("The next planned work begins {}.", reader.short(window.maintenance.begins_at())),
        None => String::new(),
    }
}

/// The newest thing that was said.
fn newest_change(home: &Data) -> Option<domain::time::Instant> {
    let windows = home.now.iter().chain(&home.next).chain(&home.recent);
    let of_windows = windows.flat_map(|window| &window.updates).map(|update| update.at);
    let incidents = home.incidents.iter().chain(&home.resolved);
    of_windows.chain(incidents.flat_map(|line| &line.updates).map(|update| update.at)).max()
}

fn card(reader: &Reader, window: &Window) -> AnyView {
    let m = &window.maintenance;
    let href = reader.link(&words::page_of(m));
    let planned = match m.state {
        State::Held => "Planned for",
        _ => "Planned until",
    };
    let begun = m.started_at.map(|at| words::time_fact("Began", reader.brief(at)));
    let time = if m.state.is_under_way() { reader.brief(m.finishes_at()) } else { words::when(reader, m) };
    let latest =
        (m.state == State::Held).then(|| words::time_fact("Starts at the latest", reader.brief(m.planned.last_fit())));
    let affected = words::affected(window);
    let affected =
        (!affected.is_empty()).then(|| view! { <Fact label="Affects"><span dir="auto">{affected}</span></Fact> });
    let proof = words::proof(reader, window).map(|proof| view! { <Fact label="Backup"><Proof proof/></Fact> });
    let entries =
        window.updates.iter().take(NEWEST).map(|update| words::entry(reader, window, update)).collect::<Vec<_>>();
    let more = (window.updates.len() > NEWEST).then(|| {
        view! { <p class="small mt"><a href=href.clone()>{format!("All {} updates", window.updates.len())}</a></p> }
    });
    view! {
        <WindowCard title=m.title.to_string() href=href.clone() state=words::state(m.state)>
            <Facts>
                {begun}
                {words::time_fact(planned, time)}
                {latest}
                {affected}
                {proof}
            </Facts>
            <Timeline entries/>
            {more}
        </WindowCard>
    }
    .into_any()
}

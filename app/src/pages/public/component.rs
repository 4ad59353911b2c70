//! `/components/SLUG`: one component, how it is and how it has been.

use super::{Head, Reader, words};
use crate::components::{
    AvailabilityBar, BarLegend, ButtonLink, Card, DataTable, Disclosure, FigureList, LogList, PlanList, PublicLayout,
    Section, StateBadge, TimeRange, Title,
};
use crate::context::{load, services};
use crate::pages::count;
use crate::view::{ColumnView, LogView, StateView};
use domain::correction::Correction;
use domain::impact::{Known, Source};
use domain::time::{Instant, Stretch};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::figures::{BAR_DAYS, Figure};
use service::public::{BarDay, ComponentPage, Happening, What};
use std::collections::{BTreeMap, BTreeSet};

/// `/components/{slug}`
#[component]
pub fn Component() -> impl IntoView {
    let services = services();
    let slug = use_params_map().read_untracked().get("slug").unwrap_or_default();
    let loading = services.clone();
    load(async move { loading.public_component(&slug).await }, move |page| {
        let reader = Reader::new(&services, &page.site);
        reader.keep(page.until);
        show(&reader, page, services.now())
    })
}

fn show(reader: &Reader, page: ComponentPage, now: Instant) -> AnyView {
    let site = reader.site();
    let name = page.component.name.to_string();
    let path = format!("/components/{}", page.component.slug);
    let state = StateView::from(page.known);
    let badge = state.clone().labelled(since(reader, &page, &state.label));
    let summary = summary(&page);
    let description = format!("{}: {name}. {summary}.", state.label);
    let title = format!("{}: {name} – {site} status", state.label);
    let lead = page.component.description.clone();
    let planned: Vec<_> = page.planned.iter().map(|window| words::planned(reader, window)).collect();
    let planned = (!planned.is_empty()).then(|| {
        view! { <Section id="planned" title="Planned"><PlanList windows=planned/></Section> }
    });
    let entries = happened(reader, &page.happened, now);
    let happened = if entries.is_empty() {
        view! { <Card><p class="muted">{format!("Nothing happened in the last {BAR_DAYS} days.")}</p></Card> }
            .into_any()
    } else {
        view! { <LogList entries/> }.into_any()
    };
    let history = ("All history".to_owned(), reader.link("/history"));
    let corrections = (!page.corrections.is_empty()).then(|| corrections(reader, &page.corrections));
    let availability = availability(reader, &page, summary);
    let subscribe = reader.link("/subscribe");
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    view! {
        <Head title path description/>
        <PublicLayout frame>
            <Title title=name lead back state=badge/>
            <Section id="availability" title="Availability">{availability}</Section>
            {planned}
            <Section id="happened" title=format!("What happened in the last {BAR_DAYS} days") more=history>{happened}</Section>
            {corrections}
            <p class="mt-l"><ButtonLink href=subscribe>"Subscribe"</ButtonLink></p>
        </PublicLayout>
    }
    .into_any()
}

/// "Partial outage since Thu 15 May, 03:40 IST, set by our team".
fn since(reader: &Reader, page: &ComponentPage, state: &str) -> String {
    let by = if page.by == Some(Source::Override) { ", set by our team" } else { "" };
    match page.since {
        Some(at) => format!("{state} since {}{by}", reader.short(at)),
        None => format!("{state}{by}"),
    }
}

/// "99.95 % available, 2 incidents and 1 maintenance window in 90 days": what the bar says to those who hear it.
fn summary(page: &ComponentPage) -> String {
    let whats: BTreeSet<&What> = page.happened.iter().map(|happening| &happening.what).collect();
    let incidents = whats.iter().filter(|what| matches!(what, What::Incident(..))).count();
    let windows = whats.iter().filter(|what| matches!(what, What::Window(..))).count();
    let figure = page.last.last().and_then(|(_, figure)| figure.share());
    let figure = figure.map_or_else(|| "Availability not known".to_owned(), |share| format!("{share} available"));
    format!(
        "{figure}, {} and {} in {BAR_DAYS} days",
        count(incidents, "incident", "incidents"),
        count(windows, "maintenance window", "maintenance windows")
    )
}

fn availability(reader: &Reader, page: &ComponentPage, summary: String) -> AnyView {
    let days: Vec<_> = page.days.iter().map(|day| day.figure.tally.worst()).collect();
    let known = days.iter().copied().flatten().collect();
    let first = page.days.first().map(|day| day.date.format("%-d %b %Y").to_string()).unwrap_or_default();
    let mut figures: Vec<_> =
        page.last.iter().map(|(days, figure)| words::figure(format!("Last {days} days"), figure)).collect();
    figures.push(words::figure(page.month.0.format("%B %Y").to_string(), &page.month.1));
    let notes = format!(
        "{} Days are those of {}; today is counted up to now.",
        page.site.weights.sentence(),
        reader.site_zone().replace('_', " ")
    );
    let table = table(reader, page);
    view! {
        <Card>
            <AvailabilityBar days label=summary/>
            <div class="bar-ends" aria-hidden="true"><span>{first}</span><span>"Today"</span></div>
            <BarLegend known/>
            <FigureList figures/>
            <p class="small muted mt">{notes}</p>
            <Disclosure label="Day by day">{table}</Disclosure>
        </Card>
    }
    .into_any()
}

fn table(reader: &Reader, page: &ComponentPage) -> AnyView {
    let columns = vec![
        ColumnView::new("Day"),
        ColumnView::new("Worst state"),
        ColumnView::number("Available"),
        ColumnView::new("What happened"),
    ];
    let days: Vec<Line> = page.days.iter().rev().map(|day| Line::of(day, &page.happened)).collect();
    let rows = days.chunk_by(|a, b| a.is_like(b)).map(|days| row(reader, days)).collect();
    view! { <DataTable caption=format!("The last {BAR_DAYS} days, the newest first") columns rows/> }.into_any()
}

/// A day with what happened on it.
struct Line<'a> {
    day: &'a BarDay,
    whats: BTreeSet<&'a What>,
}

impl<'a> Line<'a> {
    fn of(day: &'a BarDay, happened: &'a [Happening]) -> Self {
        let on_it = happened.iter().filter(|happening| {
            let to = happening.to.unwrap_or(Instant::MAX_UTC);
            Stretch::new(happening.from, to).overlaps(&day.stretch)
        });
        Self { day, whats: on_it.map(|happening| &happening.what).collect() }
    }

    /// Days on which nothing happened, and that were all alike, stand in one line.
    fn is_like(&self, other: &Self) -> bool {
        let plain = |line: &Self| {
            let tally = line.day.figure.tally;
            let is_one = tally.total() == tally.operational || tally.total() == tally.unknown;
            (line.whats.is_empty() && is_one).then(|| tally.worst())
        };
        plain(self).is_some() && plain(self) == plain(other)
    }
}

/// A line for a day, or for days that were alike, the newest first.
fn row(reader: &Reader, days: &[Line<'_>]) -> Vec<AnyView> {
    let ([newest, ..], [.., oldest]) = (days, days) else { return Vec::new() };
    let state = newest.day.figure.tally.worst().map(|known| {
        let state = StateView::from(known).plain();
        view! { <StateBadge state/> }
    });
    let links = newest.whats.iter().map(|what| {
        let (label, href) = named(reader, what);
        match href {
            Some(href) => view! { <li><a href=href><span dir="auto">{label}</span></a></li> }.into_any(),
            None => view! { <li>{label}</li> }.into_any(),
        }
    });
    let links = links.collect::<Vec<_>>();
    let what = if links.is_empty() {
        view! { <span class="muted">"Nothing"</span> }.into_any()
    } else {
        view! { <ul class="lines">{links}</ul> }.into_any()
    };
    let date = |line: &Line<'_>| {
        let date = line.day.date;
        view! { <time datetime=date.to_string()>{date.format("%a %-d %b %Y").to_string()}</time> }
    };
    let last = (days.len() > 1).then(|| {
        view! { " to "{date(newest)}<span class="sub">{format!("{} days", days.len())}</span> }
    });
    let figure = Figure { tally: days.iter().map(|line| line.day.figure.tally).sum(), ..newest.day.figure };
    vec![view! { {date(oldest)}{last} }.into_any(), state.into_any(), words::share(figure.share()).into_any(), what]
}

/// What something is called, and where it stands.
fn named(reader: &Reader, what: &What) -> (String, Option<String>) {
    match what {
        What::Incident(id, _, title) => (title.clone(), Some(reader.link(&format!("/incidents/{id}")))),
        What::Window(id, _, title) => (title.clone(), Some(reader.link(&format!("/maintenance/{id}")))),
        What::ByHand => ("Set by our team".to_owned(), None),
        What::Correction => ("Corrected".to_owned(), Some("#corrections".to_owned())),
    }
}

/// One line for each incident, window and state set by hand, the newest first.
fn happened(reader: &Reader, happened: &[Happening], now: Instant) -> Vec<LogView> {
    let mut by_what: BTreeMap<&What, Vec<&Happening>> = BTreeMap::new();
    for happening in happened.iter().filter(|happening| happening.what != What::Correction) {
        let key = &happening.what;
        by_what.entry(key).or_default().push(happening);
    }
    let mut lines: Vec<(Instant, LogView)> = by_what
        .into_iter()
        .flat_map(|(what, parts)| match what {
            // Each time that somebody set a state is a thing of its own.
            What::ByHand => parts.into_iter().map(|part| line(reader, what, &[part], now)).collect::<Vec<_>>(),
            _ => vec![line(reader, what, &parts, now)],
        })
        .collect();
    lines.sort_by_key(|(from, _)| std::cmp::Reverse(*from));
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(reader: &Reader, what: &What, parts: &[&Happening], now: Instant) -> (Instant, LogView) {
    let from = parts.iter().map(|part| part.from).min().unwrap_or(now);
    let is_open = parts.iter().any(|part| part.to.is_none());
    let to = parts.iter().filter_map(|part| part.to).max().filter(|_| !is_open);
    let worst = parts.iter().map(|part| part.known).max_by_key(|known| match known {
        Known::State(state) => Some(*state),
        Known::Unknown => None,
    });
    let state = worst.map_or_else(|| StateView::from(Known::Unknown), StateView::from);
    let (title, href) = named(reader, what);
    let view = LogView {
        anchor: None,
        date: reader.day_text(from),
        title,
        href: href.unwrap_or_default(),
        when: reader.hours(from, to),
        learned: String::new(),
        html: String::new(),
        state: state.plain(),
        components: Vec::new(),
    };
    (from, view)
}

fn corrections(reader: &Reader, corrections: &[Correction]) -> AnyView {
    let items = corrections
        .iter()
        .map(|correction| {
            let when = reader.range(correction.stretch.from, correction.stretch.to);
            let state = StateView::from(correction.known).plain();
            let on = format!("Corrected on {}: ", reader.short(correction.created_at));
            let reason = correction.reason.to_string();
            view! {
                <li>
                    <TimeRange when/>
                    <StateBadge state/>
                    <p>{on}<span dir="auto">{reason}</span></p>
                </li>
            }
        })
        .collect_view();
    view! {
        <Section id="corrections" title="Corrections">
            <Card>
                <p class="small muted">"What we found out later: the figures on this page follow it."</p>
                <ul class="corrections">{items}</ul>
            </Card>
        </Section>
    }
    .into_any()
}

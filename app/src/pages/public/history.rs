//! `/history` and `/history/YYYY-MM`: what has been, month by month of the site's zone.

use super::{Head, Reader, incident, words};
use crate::components::{
    ButtonLink, Card, DataTable, Disclosure, EmptyState, FigureList, LogList, PublicLayout, Section, Title,
};
use crate::context::{load, services};
use crate::view::{ActionView, ColumnView, LogView};
use chrono::NaiveDate;
use domain::availability::Tally;
use domain::time::Instant;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::figures::GroupFigure;
use service::public::Month;
use std::cmp::Reverse;

/// `/history` and `/history/{month}`
#[component]
pub fn History() -> impl IntoView {
    let services = services();
    let named = use_params_map().read_untracked().get("month");
    let loading = services.clone();
    let find = async move {
        let first = match &named {
            Some(month) => Some(first_of(month).ok_or(service::Error::NotFound("month"))?),
            None => None,
        };
        Ok((loading.history(first).await?, named.is_some()))
    };
    load(find, move |(month, is_named)| {
        let reader = Reader::new(&services, &month.site);
        reader.keep(month.until);
        show(&reader, &month, is_named)
    })
}

/// The first day of "2014-05"; none for anything else, so that a month has one address.
pub(super) fn first_of(month: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok()?;
    (address(day) == month).then_some(day)
}

pub(super) fn address(first: NaiveDate) -> String {
    first.format("%Y-%m").to_string()
}

fn show(reader: &Reader, month: &Month, is_named: bool) -> AnyView {
    let name = month.first.format("%B %Y").to_string();
    let site = reader.site();
    let path = if is_named { format!("/history/{}", address(month.first)) } else { "/history".to_owned() };
    let windows = month.windows.iter().map(|w| (w.maintenance.begins_at(), words::past(reader, w)));
    let incidents = month.incidents.iter().map(|line| (line.incident.started_at, incident::past(reader, line)));
    let mut entries: Vec<(Instant, LogView)> = windows.chain(incidents).collect();
    entries.sort_by_key(|(at, _)| Reverse(*at));
    let entries = by_day(reader, entries);
    let count = count(month.incidents.len(), month.windows.len());
    let list = if entries.is_empty() {
        let action = ActionView::link("What is planned", reader.link("/"));
        view! { <EmptyState title=format!("Nothing in {name}") text="Nothing broke, was begun or called off." good=true action/> }
            .into_any()
    } else {
        view! { <Section id="month" title=name.clone()><LogList entries/></Section> }.into_any()
    };
    let neighbour = |day: NaiveDate, rel: &'static str| {
        let href = reader.link(&format!("/history/{}", address(day)));
        let label = day.format("%B %Y").to_string();
        let label = if rel == "prev" { format!("← {label}") } else { format!("{label} →") };
        view! { <ButtonLink href small=true>{label}</ButtonLink> }
    };
    let pager = (month.earlier.is_some() || month.later.is_some()).then(|| {
        let earlier = month.earlier.map(|day| neighbour(day, "prev"));
        let later = month.later.map(|day| neighbour(day, "next"));
        view! { <nav class="pager" aria-label="Months"><span>{earlier}</span><span>{later}</span></nav> }
    });
    let figures = figures(month, &name);
    let report = month.reported.map(|reported| {
        let (href, label) = (reader.link(&format!("/reports/{reported}")), format!("The report for {name}"));
        view! { <p class="mt"><a href=href>{label}</a></p> }
    });
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    view! {
        <Head title=format!("{count} in {name} – {site} status") path description=format!("{count} in {name}.")/>
        <PublicLayout frame>
            <Title title="History" lead="Incidents and work, and how they ended, newest first." back/>
            {figures}
            {report}
            {list}
            {pager}
        </PublicLayout>
    }
    .into_any()
}

/// "1 incident and 2 maintenance windows"
fn count(incidents: usize, windows: usize) -> String {
    let incidents = match incidents {
        0 => None,
        1 => Some("1 incident".to_owned()),
        n => Some(format!("{n} incidents")),
    };
    let windows = match windows {
        0 => None,
        1 => Some("1 maintenance window".to_owned()),
        n => Some(format!("{n} maintenance windows")),
    };
    match (incidents, windows) {
        (None, None) => "No incidents and no maintenance".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(incidents), Some(windows)) => format!("{incidents} and {windows}"),
    }
}

/// Gives the first entry of each day the address of that day: "#2014-05-15".
fn by_day(reader: &Reader, entries: Vec<(Instant, LogView)>) -> Vec<LogView> {
    let mut before = None;
    entries
        .into_iter()
        .map(|(at, entry)| {
            let date = reader.site_date(at);
            let is_first = before.replace(date) != Some(date);
            LogView { anchor: is_first.then(|| date.to_string()), ..entry }
        })
        .collect()
}

/// How much of the month everything was there; nothing where there is nothing to say it of.
fn figures(month: &Month, name: &str) -> Option<AnyView> {
    let availability = &month.availability;
    availability.site.share()?;
    let columns = vec![
        ColumnView::new("Group"),
        ColumnView::number("Available"),
        ColumnView::number("With planned work counted"),
        ColumnView::number("Not known"),
    ];
    let row = |group: &GroupFigure| {
        let title = group.name.clone().unwrap_or_else(|| "Without a group".to_owned());
        let unknown = Tally::span(group.figure.tally.unknown).to_string();
        vec![
            view! { <span dir="auto">{title}</span> }.into_any(),
            words::share(group.figure.share()).into_any(),
            words::share(group.figure.share_with_planned()).into_any(),
            if group.figure.tally.unknown == 0 { "–".to_owned() } else { unknown }.into_any(),
        ]
    };
    let rows: Vec<_> = availability.groups.iter().map(row).collect();
    let groups = (rows.len() > 1).then(|| {
        let caption = format!("Availability of each group in {name}");
        view! { <Disclosure label="By group"><DataTable figures=true caption columns rows/></Disclosure> }
    });
    let weights = availability.weights.sentence();
    let figures = words::both_figures(format!("Availability in {name}"), &availability.site);
    Some(
        view! {
            <Card>
                <FigureList figures/>
                <p class="small muted mt">{weights}" All components weigh the same, each second of them."</p>
                {groups}
            </Card>
        }
        .into_any(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_one_address() {
        assert_eq!(first_of("2014-05"), NaiveDate::from_ymd_opt(2014, 5, 1));
        for wrong in ["2014-5", "2014-13", "2014", "2014-05-01", "+2014-05", "may", "", " 2014-05"] {
            assert_eq!(first_of(wrong), None, "{wrong}");
        }
    }
}

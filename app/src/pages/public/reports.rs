//! `/reports` and `/reports/YYYY-MM`: what each month was like.

use super::{Head, Reader};
use crate::components::{ButtonLink, Card, DataTable, EmptyState, PublicLayout, Section, Title};
use crate::context::{load, services};
use crate::pages::reported;
use crate::view::{ActionView, ColumnView};
use domain::report::{Month, percent_text};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::reports::{PublicReport, PublicReports};

/// `/reports`
#[component]
pub fn AllReports() -> impl IntoView {
    let services = services();
    let loading = services.clone();
    load(async move { loading.public_reports().await }, move |reports| {
        let reader = Reader::new(&services, &reports.site);
        reader.keep(None);
        list(&reader, &reports)
    })
}

fn list(reader: &Reader, reports: &PublicReports) -> AnyView {
    let site = reader.site();
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    let shown = if reports.reports.is_empty() {
        let action = ActionView::link("Status now", reader.link("/"));
        view! { <EmptyState title="No report yet" text="The first one comes when the month is over." action/> }
            .into_any()
    } else {
        let columns = vec![
            ColumnView::new("Month"),
            ColumnView::number("Availability"),
            ColumnView::number("Incidents"),
            ColumnView::number("Maintenance windows"),
            ColumnView::new("Corrected"),
        ];
        let rows = reports
            .reports
            .iter()
            .map(|line| {
                let href = reader.link(&format!("/reports/{}", line.month));
                let headline = line.headline;
                let corrected = line.corrected_at.map_or_else(|| "no".to_owned(), |at| reader.short(at));
                vec![
                    view! { <a href=href>{line.month.name()}</a> }.into_any(),
                    percent_text(headline.percent).into_any(),
                    headline.incidents.to_string().into_any(),
                    headline.windows.to_string().into_any(),
                    corrected.into_any(),
                ]
            })
            .collect();
        view! { <section class="section" aria-label="Reports"><DataTable caption="Reports, newest first" columns rows/></section> }
            .into_any()
    };
    view! {
        <Head title=format!("Monthly reports – {site} status") path="/reports"
            description="Availability, incidents, planned work and our own figures, month by month."/>
        <PublicLayout frame>
            <Title title="Monthly reports" lead="Availability, incidents, planned work and our own figures, month by month." back/>
            {shown}
        </PublicLayout>
    }
    .into_any()
}

/// `/reports/{month}`
#[component]
pub fn OneReport() -> impl IntoView {
    let services = services();
    let loading = services.clone();
    let month = use_params_map().read_untracked().get("month").unwrap_or_default();
    load(async move { loading.public_report(&month).await }, move |report| {
        let reader = Reader::new(&services, &report.site);
        reader.keep(None);
        show(&reader, &report)
    })
}

fn show(reader: &Reader, report: &PublicReport) -> AnyView {
    let content = &report.content;
    let (site, name) = (reader.site(), content.month.name());
    let path = format!("/reports/{}", content.month);
    let lead = format!("Closed on {}.", reader.instant(report.frozen_at).text);
    let corrections = report.corrections.iter().map(|note| {
        let changes = note.changes.iter().map(|c| (c.what.clone(), c.before.clone(), c.after.clone())).collect();
        reported::Note { at: reader.brief(note.at), by: String::new(), why: note.why.clone(), changes }
    });
    let corrections = corrections.collect::<Vec<_>>();
    let neighbour = |month: Month, is_earlier: bool| {
        let href = reader.link(&format!("/reports/{month}"));
        let label = if is_earlier { format!("← {}", month.name()) } else { format!("{} →", month.name()) };
        view! { <ButtonLink href small=true>{label}</ButtonLink> }
    };
    let pager = (report.earlier.is_some() || report.later.is_some()).then(|| {
        let earlier = report.earlier.map(|month| neighbour(month, true));
        let later = report.later.map(|month| neighbour(month, false));
        view! { <nav class="pager" aria-label="Months"><span>{earlier}</span><span>{later}</span></nav> }
    });
    let (csv, json) = (format!("{path}.csv"), format!("{path}.json"));
    let words = reported::Words { short: &|at| reader.short(at), link: &|path| Some(reader.link(path)) };
    let body = reported::content(content, report.percent_before, &words);
    let (frame, back) = (reader.frame(), ("All reports".to_owned(), reader.link("/reports")));
    let headline = content.headline();
    let said = format!(
        "{}: availability {}, {} incidents, {} maintenance windows.",
        name,
        percent_text(headline.percent),
        headline.incidents,
        headline.windows
    );
    view! {
        <Head title=format!("Report for {name} – {site} status") path=path description=said/>
        <PublicLayout frame>
            <Title title=name.clone() lead=lead back/>
            {reported::corrected(&corrections)}
            {body}
            {reported::corrections(&corrections)}
            <Section id="files" title="The same as a file">
                <Card>
                    <p>
                        "For spreadsheets: " <a href=csv>"CSV"</a> ". For programs: " <a href=json>"JSON"</a> "."
                    </p>
                </Card>
            </Section>
            {pager}
        </PublicLayout>
    }
    .into_any()
}

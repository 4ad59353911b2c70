//! `/charts` and `/charts/{slug}`: the numbers that programs push, drawn.

use super::{Head, Reader};
use crate::components::{Card, EmptyState, LineChart, PublicLayout, Section, Title};
use crate::context::{load, services};
use crate::pages::plotted::{chart_view, drawn, said};
use crate::view::ActionView;
use domain::metric::Range;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use service::metrics::{Chart, Charts};

/// `/charts`
#[component]
pub fn AllCharts() -> impl IntoView {
    let services = services();
    let loading = services.clone();
    load(async move { loading.public_charts().await }, move |charts| {
        let reader = Reader::new(&services, &charts.site);
        reader.keep(charts.until);
        list(&reader, &charts)
    })
}

fn list(reader: &Reader, charts: &Charts) -> AnyView {
    let site = reader.site();
    let (frame, back) = (reader.frame(), ("Status now".to_owned(), reader.link("/")));
    let shown = if charts.charts.is_empty() {
        let action = ActionView::link("Status now", reader.link("/"));
        view! { <EmptyState title="No charts yet" text="Numbers that are published here are drawn here." action/> }
            .into_any()
    } else {
        let charts = small_charts(reader, &charts.charts);
        view! { <Section id="day" title="The last 24 hours">{charts}</Section> }.into_any()
    };
    view! {
        <Head title=format!("Charts – {site} status") path="/charts" description="The last day of what we measure."/>
        <PublicLayout frame>
            <Title title="Charts" lead="What we measure all the time." back/>
            {shown}
        </PublicLayout>
    }
    .into_any()
}

/// Small plots, each with the way to its page.
pub(super) fn small_charts(reader: &Reader, charts: &[Chart]) -> AnyView {
    let tiles = charts
        .iter()
        .map(|chart| {
            let href = reader.link(&format!("/charts/{}", chart.metric.slug));
            let now = chart.newest().map_or_else(|| "no values".to_owned(), |(value, _)| said(chart, value));
            let about = chart.component.clone().map(|name| view! { <p class="small muted" dir="auto">{name}</p> });
            let drawn = chart_view(chart, |at| reader.short(at));
            view! {
                <li class="card tile">
                    <h3 dir="auto"><a href=href>{chart.metric.name.to_string()}</a></h3>
                    <p class="tile-value">{now}</p>
                    {about}
                    <LineChart chart=drawn small=true/>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="tiles">{tiles}</ul> }.into_any()
}

/// `/charts/{slug}` and `/charts/{slug}/{range}`
#[component]
pub fn OneChart() -> impl IntoView {
    let services = services();
    let loading = services.clone();
    let params = use_params_map();
    let slug = params.read_untracked().get("slug").unwrap_or_default();
    let named = params.read_untracked().get("range");
    let find = async move {
        // The day has the address without a range: a page has one address.
        let range = match named.as_deref() {
            None => Range::Day,
            Some(text) => Range::parse(text).filter(|range| *range != Range::Day).ok_or(Error::NotFound("chart"))?,
        };
        loading.public_chart(&slug, range).await
    };
    load(find, move |charts| {
        let reader = Reader::new(&services, &charts.site);
        reader.keep(charts.until);
        charts.charts.first().map(|chart| show(&reader, chart)).into_any()
    })
}

fn path_of(chart: &Chart, range: Range) -> String {
    match range {
        Range::Day => format!("/charts/{}", chart.metric.slug),
        range => format!("/charts/{}/{}", chart.metric.slug, range.as_str()),
    }
}

fn show(reader: &Reader, chart: &Chart) -> AnyView {
    let (site, name) = (reader.site(), chart.metric.name.to_string());
    let ranges = Range::ALL
        .into_iter()
        .map(|range| {
            let (href, current) = (reader.link(&path_of(chart, range)), (range == chart.range).then_some("page"));
            view! { <a class="btn is-small" href=href aria-current=current>{range.text()}</a> }
        })
        .collect_view();
    let newest = |at| {
        let when = reader.brief(at);
        view! { <time datetime=when.datetime>{when.text}</time> }.into_any()
    };
    let summary = chart_view(chart, |at| reader.short(at)).summary;
    let shown = drawn(chart, |at| reader.short(at), newest, "This page is made anew every minute.");
    let lead = match &chart.component {
        Some(component) => format!("Measured of {component}, all the time."),
        None => "Measured all the time.".to_owned(),
    };
    let (heading, path) = (format!("The last {}", chart.range.text()), path_of(chart, chart.range));
    let (frame, back) = (reader.frame(), ("All charts".to_owned(), reader.link("/charts")));
    view! {
        <Head title=format!("{name}: {heading} – {site} status") path=path
            description=summary/>
        <PublicLayout frame>
            <Title title=name.clone() lead=lead back/>
            <nav class="ranges" aria-label="How long back">{ranges}</nav>
            <Section id="chart" title=heading.clone()><Card>{shown}</Card></Section>
        </PublicLayout>
    }
    .into_any()
}

//! How the last runs of a job went, drawn and as a table.

use super::desk::Desk;
use super::runs::{bytes_text, dash};
use crate::components::{Card, DataTable, Disclosure, PlotLegend, RunPlot, Section};
use crate::view::{ColumnView, MarkView, PlotView};
use domain::run::{Mark, Point, Series};
use domain::time::Span;
use leptos::prelude::*;

/// The section of a job's page; nothing where there is nothing to compare.
pub fn trend(desk: &Desk, series: &Series) -> AnyView {
    let ([first, .., last], counts) = (series.points.as_slice(), series.counts()) else { return ().into_any() };
    let days = (desk.date(first.started_at), desk.date(last.started_at));
    let said = said(series.points.len(), &counts);
    let plot = |title: &str, usual: Option<String>, greatest: Option<String>, value: &dyn Fn(&Point) -> Option<i64>| {
        let usual = usual.map_or_else(|| "not reported".to_owned(), |usual| format!("usually {usual}"));
        let most = greatest.clone().map(|most| format!(", at most {most}")).unwrap_or_default();
        let plot = PlotView {
            title: format!("{title}: {usual}"),
            summary: format!("{title}: {usual}{most}. {said}"),
            greatest: greatest.unwrap_or_default(),
            from: days.0.clone(),
            to: days.1.clone(),
            marks: series.points.iter().map(|p| MarkView { value: value(p), mark: p.mark }).collect(),
        };
        view! { <RunPlot plot/> }.into_any()
    };
    let longest = series.points.iter().filter_map(|p| p.took).max();
    let biggest = series.points.iter().filter_map(|p| p.bytes).max();
    let length = plot(
        "How long they took",
        series.usual_length().map(|span| span.to_string()),
        longest.map(|span| span.to_string()),
        &|p| p.took.map(Span::as_seconds),
    );
    let size = plot("How big they were", series.usual_size().map(bytes_text), biggest.map(bytes_text), &|p| p.bytes);
    let rows: Vec<Vec<AnyView>> = series.points.iter().rev().map(|point| row(desk, point)).collect();
    let columns = vec![
        ColumnView::new("Started"),
        ColumnView::new("Ended"),
        ColumnView::number("Took"),
        ColumnView::number("Size"),
    ];
    let label = format!("The last {} runs as a table", series.points.len());
    view! {
        <Section id="trend" title="Trend">
            <Card>
                <div class="plots">{length}{size}</div>
                <PlotLegend counts/>
                <Disclosure label><DataTable caption="The last runs of this job" columns rows/></Disclosure>
            </Card>
        </Section>
    }
    .into_any()
}

/// "60 runs: 57 good, 2 with warnings, 1 failed."
fn said(runs: usize, counts: &[(Mark, usize)]) -> String {
    let counts: Vec<String> = counts.iter().map(|(mark, n)| format!("{n} {}", mark.text())).collect();
    format!("{runs} runs: {}.", counts.join(", "))
}

fn row(desk: &Desk, point: &Point) -> Vec<AnyView> {
    let href = format!("/admin/runs/{}", point.run);
    vec![
        view! { <a href=href>{desk.short(point.started_at)}</a> }.into_any(),
        point.mark.text().into_any(),
        point.took.map_or_else(dash, |took| took.to_string()).into_any(),
        point.bytes.map_or_else(dash, bytes_text).into_any(),
    ]
}

#[cfg(test)]
mod tests {
    use super::said;
    use domain::run::Mark;

    #[test]
    fn the_plot_is_said_in_one_line() {
        assert_eq!(said(60, &[(Mark::Good, 57), (Mark::Failed, 3)]), "60 runs: 57 good, 3 failed.");
    }
}

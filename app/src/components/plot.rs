//! The last runs of a job, drawn: one mark for each, of a shape of its own, with the line through those that are known.

use crate::view::{MarkView, PlotView};
use domain::run::Mark;
use leptos::prelude::*;
use std::fmt::Write as _;

/// Where the marks of nothing stand, and the greatest value, from the top.
const FLOOR: f64 = 84.0;
const CEILING: f64 = 24.0;

/// The marks, drawn around the origin.
const fn shape(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => r#"<circle class="good" r="3.5"/>"#,
        Mark::Warning => r#"<path class="warning" d="M0-5 5 0 0 5-5 0Z"/>"#,
        Mark::Failed => r#"<path class="failed" d="M-4-4 4 4M4-4-4 4"/>"#,
        Mark::Lost => r#"<path class="lost" d="M0-5 5 4H-5Z"/>"#,
        Mark::Running => r#"<circle class="running" r="3.5"/>"#,
        Mark::Void => r#"<rect class="void" x="-3.5" y="-3.5" width="7" height="7"/>"#,
    }
}

/// What each shape means, with how often it is there.
#[component]
pub fn PlotLegend(
    /// Mark, and how many bear it.
    counts: Vec<(Mark, usize)>,
) -> AnyView {
    let items = counts
        .into_iter()
        .map(|(mark, n)| {
            let drawn = format!(r#"<g transform="translate(7 7)">{}</g>"#, shape(mark));
            let text = format!("{n} {}", mark.text());
            view! { <li><svg aria-hidden="true" viewBox="0 0 14 14" inner_html=drawn></svg>{text}</li> }
        })
        .collect_view();
    view! { <ul class="plot-legend">{items}</ul> }.into_any()
}

/// One row of values, oldest first.
#[component]
pub fn RunPlot(
    /// The values.
    plot: PlotView,
) -> AnyView {
    let drawn = draw(&plot);
    view! {
        <figure class="plot">
            <figcaption>{plot.title}</figcaption>
            <svg role="img" aria-label=plot.summary inner_html=drawn></svg>
        </figure>
    }
    .into_any()
}

fn draw(plot: &PlotView) -> String {
    let greatest = plot.marks.iter().filter_map(|mark| mark.value).max().unwrap_or(0).max(1);
    let count = plot.marks.len().max(1) as f64;
    let x = |place: usize| (place as f64 + 0.5) / count * 100.0;
    let y = |mark: &MarkView| {
        mark.value.map_or(FLOOR, |value| FLOOR - (value.max(0) as f64) / (greatest as f64) * (FLOOR - CEILING))
    };
    let mut drawn = format!(r#"<line class="axis" x1="0" x2="100%" y1="{FLOOR}" y2="{FLOOR}"/>"#);
    let known: Vec<(usize, &MarkView)> = plot.marks.iter().enumerate().filter(|(_, mark)| mark.is_joined()).collect();
    for pair in known.windows(2) {
        let [(from, a), (to, b)] = pair else { continue };
        // Writing to a string cannot fail.
        let _ = write!(
            drawn,
            r#"<line class="joined" x1="{:.2}%" x2="{:.2}%" y1="{:.1}" y2="{:.1}"/>"#,
            x(*from),
            x(*to),
            y(a),
            y(b)
        );
    }
    for (place, mark) in plot.marks.iter().enumerate() {
        let _ = write!(
            drawn,
            r#"<svg x="{:.2}%" y="{:.1}" overflow="visible">{}</svg>"#,
            x(place),
            y(mark),
            shape(mark.mark)
        );
    }
    let text = |text: &str| crate::components::escape(text);
    let _ = write!(
        drawn,
        r#"<text x="0" y="12">{}</text><text x="0" y="102">{}</text><text x="100%" y="102" text-anchor="end">{}</text>"#,
        text(&plot.greatest),
        text(&plot.from),
        text(&plot.to)
    );
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: &[(Option<i64>, Mark)]) -> PlotView {
        PlotView {
            title: "How long they took".to_owned(),
            summary: "3 runs".to_owned(),
            greatest: "2 h & more".to_owned(),
            from: "1 May".to_owned(),
            to: "3 May".to_owned(),
            marks: values.iter().map(|(value, mark)| MarkView { value: *value, mark: *mark }).collect(),
        }
    }

    #[test]
    fn each_run_has_a_mark_and_only_those_that_ended_well_are_joined() {
        let drawn = draw(&plot(&[
            (Some(100), Mark::Good),
            (Some(50), Mark::Failed),
            (None, Mark::Lost),
            (Some(0), Mark::Warning),
        ]));
        assert_eq!(drawn.matches("<svg ").count(), 4);
        assert_eq!(drawn.matches(r#"class="joined""#).count(), 1, "{drawn}");
        for class in ["good", "failed", "lost", "warning"] {
            assert_eq!(drawn.matches(&format!(r#"class="{class}""#)).count(), 1, "{class}");
        }
        assert!(drawn.contains(r#"x="12.50%" y="24.0""#) && drawn.contains(r#"x="62.50%" y="84.0""#), "{drawn}");
        assert!(drawn.contains("2 h &amp; more") && !drawn.contains("style="));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(!draw(&plot(&[])).contains("<svg "));
    }
}

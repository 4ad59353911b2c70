//! Plots over time, drawn on the server: a line with its scale, months as bars, and the tiles they stand in.
//!
//! The drawing is stretched to its place; what would be stretched with it (words) stands around it.

use super::Icon;
use crate::view::chart::{BarsView, ChartView, TileView};
use crate::view::{Shape, Tone};
use leptos::prelude::*;
use std::fmt::Write as _;

/// Units of the drawing.
const WIDE: f64 = 1000.0;
const HIGH: f64 = 100.0;

/// A line over time.
#[component]
pub fn LineChart(
    /// What it shows.
    chart: ChartView,
    /// Without its scales, for lists.
    #[prop(optional)]
    small: bool,
) -> AnyView {
    let drawn = line(&chart, small);
    let marks = |all: Vec<String>| all.into_iter().map(|mark| view! { <li>{mark}</li> }).collect_view();
    let around = (!small).then(|| {
        view! {
            <ol class="chart-scale" aria-hidden="true">{marks(chart.scale)}</ol>
            <ol class="chart-times" aria-hidden="true">{marks(chart.times)}</ol>
        }
    });
    view! {
        <div class=if small { "chart is-small" } else { "chart" }>
            <svg role="img" aria-label=chart.summary viewBox=format!("0 0 {WIDE} {HIGH}") preserveAspectRatio="none"
                inner_html=drawn></svg>
            {around}
        </div>
    }
    .into_any()
}

fn line(chart: &ChartView, small: bool) -> String {
    let mut drawn = String::new();
    let steps = chart.scale.len().saturating_sub(1);
    if !small && steps > 0 {
        for step in 0..=steps {
            let y = HIGH * step as f64 / steps as f64;
            // Writing to a string can not fail.
            let _ = write!(drawn, r#"<path class="grid" d="M0 {y:.1}H{WIDE}"/>"#);
        }
    }
    let (mut area, mut path) = (String::new(), String::new());
    for places in &chart.lines {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { continue };
        let _ = write!(area, "M{:.1} {HIGH}", first.0 * WIDE);
        for (n, (x, y)) in places.iter().enumerate() {
            let (x, y) = (x * WIDE, (1.0 - y) * HIGH);
            let _ = write!(area, "L{x:.1} {y:.1}");
            let _ = write!(path, "{}{x:.1} {y:.1}", if n == 0 { "M" } else { "L" });
        }
        let _ = write!(area, "L{:.1} {HIGH}Z", last.0 * WIDE);
        if places.len() == 1 {
            // A place alone is a dot: the line's round end.
            path.push_str("h0");
        }
    }
    let _ = write!(drawn, r#"<path class="area" d="{area}"/><path class="line" d="{path}"/>"#);
    drawn
}

/// Months beside each other, the last one in full colour.
#[component]
pub fn Bars(
    /// What they show.
    bars: BarsView,
) -> AnyView {
    let drawn = columns(&bars);
    view! {
        <svg class="bars" role="img" aria-label=bars.summary viewBox=format!("0 0 {WIDE} {HIGH}")
            preserveAspectRatio="none" inner_html=drawn></svg>
    }
    .into_any()
}

fn columns(bars: &BarsView) -> String {
    let wide = WIDE / bars.bars.len().max(1) as f64;
    let last = bars.bars.len().saturating_sub(1);
    let mut drawn = String::new();
    for (n, bar) in bars.bars.iter().enumerate() {
        let x = n as f64 * wide + wide * 0.12;
        let (class, high) = match bar {
            Some(part) => (if n == last { "now" } else { "then" }, (part * HIGH).clamp(1.5, HIGH)),
            None => ("unknown", 2.0),
        };
        let _ = write!(
            drawn,
            r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="{:.1}" height="{high:.1}"/>"#,
            HIGH - high,
            wide * 0.76
        );
    }
    drawn
}

/// Numbers beside each other.
#[component]
pub fn Tiles(
    /// Each with what it means.
    tiles: Vec<TileView>,
    /// The first is the one that most people came for.
    #[prop(optional)]
    headlines: bool,
) -> AnyView {
    let tiles = tiles.into_iter().map(tile).collect_view();
    view! { <ul class=if headlines { "tiles is-headlines" } else { "tiles" }>{tiles}</ul> }.into_any()
}

fn tile(tile: TileView) -> AnyView {
    let shape = match tile.tone {
        Tone::Ok => Some(Shape::Ok),
        Tone::Degraded | Tone::Partial => Some(Shape::Degraded),
        Tone::Major => Some(Shape::Major),
        Tone::Work | Tone::Quiet => None,
    };
    let note = (!tile.note.is_empty()).then(|| {
        view! {
            <p class=format!("tile-note {}", tile.tone.class())>
                {shape.map(|shape| view! { <Icon shape/> })}<span>{tile.note}</span>
            </p>
        }
    });
    let more = (!tile.more.is_empty()).then(|| view! { <p class="small muted">{tile.more}</p> });
    view! {
        <li class="card tile">
            <h3 dir="auto">{tile.label}</h3>
            <p class="tile-value">{tile.value}</p>
            {note}
            {tile.bars.map(|bars| view! { <Bars bars/> })}
            {more}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line_and_a_place_alone_is_a_dot() {
        let chart = ChartView {
            scale: vec!["10".to_owned(), "0".to_owned()],
            lines: vec![vec![(0.0, 0.0), (0.5, 1.0)], vec![(1.0, 0.5)]],
            ..ChartView::default()
        };
        let drawn = line(&chart, false);
        assert!(drawn.contains(r#"class="line" d="M0.0 100.0L500.0 0.0M1000.0 50.0h0""#), "{drawn}");
        assert_eq!(drawn.matches(r#"class="grid""#).count(), 2);
        assert!(!line(&chart, true).contains("grid") && !drawn.contains("style="));
    }

    #[test]
    fn a_month_of_which_nothing_is_known_is_no_zero() {
        let drawn = columns(&BarsView { bars: vec![Some(0.5), None, Some(0.0), Some(1.0)], ..BarsView::default() });
        assert_eq!(drawn.matches(r#"class="then""#).count(), 2);
        assert_eq!(drawn.matches(r#"class="unknown""#).count(), 1);
        assert!(drawn.contains(r#"class="now" x="780.0" y="0.0" width="190.0" height="100.0""#), "{drawn}");
        assert_eq!(columns(&BarsView::default()), "");
    }
}

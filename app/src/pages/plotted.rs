//! Metrics and figures as plots: scales of round numbers, places, and the words for those who do not see them.

use crate::components::{DataTable, Disclosure, Fact, Facts, LineChart};
use crate::view::ColumnView;
use crate::view::chart::{BarsView, ChartView};
use domain::metric::{Aggregate, Range, Step, combine};
use domain::number;
use domain::report::{FigureLine, Month, PLOTTED};
use domain::time::{Instant, Span};
use leptos::prelude::*;
use service::metrics::Chart;

/// Marks of a scale at most.
const MARKS: f64 = 4.0;

/// Round numbers around what is shown.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    fn around(min: f64, max: f64) -> Self {
        // What begins near zero begins at zero.
        let low = if min >= 0.0 && min <= max * 0.6 { 0.0 } else { min };
        let span = if max > low { max - low } else { low.abs().max(1.0) };
        let raw = span / MARKS;
        let magnitude = 10_f64.powf(raw.log10().floor());
        let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * magnitude >= raw).unwrap_or(10.0);
        let step = factor * magnitude;
        let low = (low / step).floor() * step;
        let high = (max / step).ceil() * step;
        Self { low, high: if high > low { high } else { low + step }, step }
    }

    fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// From the top down.
    fn marks(&self) -> Vec<String> {
        let count = ((self.high - self.low) / self.step).round() as i32;
        let decimals = (0..=4_u8).find(|digits| is_whole(self.step * 10_f64.powi(i32::from(*digits)))).unwrap_or(4);
        (0..=count).rev().map(|n| number::text(self.low + f64::from(n) * self.step, decimals)).collect()
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-9 * value.abs().max(1.0)
}

/// A value of a metric with its unit.
pub fn said(chart: &Chart, value: f64) -> String {
    number::with_unit(value, chart.metric.decimals, &chart.metric.unit)
}

/// "5 min", "hour": what one value of the plot stands for.
const fn step_text(step: Step) -> &'static str {
    match step {
        Step::FiveMinutes => "5 minutes",
        Step::Hour => "hour",
        Step::FourHours => "4 hours",
    }
}

/// "the mean of every hour"
fn meaning(chart: &Chart) -> String {
    format!("{} of every {}", chart.metric.aggregate.text(), step_text(chart.step))
}

/// "Response time, the last 24 hours: now 182 ms, at least 120 ms, at most 410 ms."
fn summary(chart: &Chart) -> String {
    let name = &chart.metric.name;
    let last = chart.range.text();
    match (chart.newest(), chart.bounds()) {
        (Some((now, _)), Some((min, max))) => format!(
            "{name}, the last {last}: newest {}, at least {}, at most {}.",
            said(chart, now),
            said(chart, min),
            said(chart, max)
        ),
        _ => format!("{name}: no values in the last {last}."),
    }
}

/// What lies further apart is not joined: two and a half times the usual distance of two values.
fn longest_step(step: Span, values: &[(Instant, f64)]) -> Span {
    let mut apart: Vec<i64> = values.windows(2).map(|pair| Span::between(pair[0].0, pair[1].0).as_seconds()).collect();
    apart.sort_unstable();
    let usual = apart.get(apart.len() / 2).copied().unwrap_or_default().max(step.as_seconds());
    Span::seconds(usual * 5 / 2)
}

/// The line of a metric; `time` writes an instant.
pub fn chart_view(chart: &Chart, time: impl Fn(Instant) -> String) -> ChartView {
    let values: Vec<(Instant, f64)> =
        chart.buckets.iter().map(|bucket| (bucket.at, bucket.value(chart.metric.aggregate))).collect();
    let least = values.iter().map(|(_, value)| *value).reduce(f64::min);
    let most = values.iter().map(|(_, value)| *value).reduce(f64::max);
    let (Some(least), Some(most)) = (least, most) else {
        return ChartView { summary: summary(chart), ..ChartView::default() };
    };
    let scale = Scale::around(least, most);
    let length = (chart.stretch.to - chart.stretch.from).num_milliseconds().max(1) as f64;
    let place = |at: Instant| ((at - chart.stretch.from).num_milliseconds() as f64 / length).clamp(0.0, 1.0);
    let gap = longest_step(chart.step.span(), &values);
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut before: Option<Instant> = None;
    for (at, value) in values {
        let spot = (place(at), scale.place(value));
        match lines.last_mut() {
            Some(line) if before.is_some_and(|before| at <= gap.after(before)) => line.push(spot),
            _ => lines.push(vec![spot]),
        }
        before = Some(at);
    }
    let half = Span::seconds(Span::between(chart.stretch.from, chart.stretch.to).as_seconds() / 2);
    let times = [chart.stretch.from, half.after(chart.stretch.from), chart.stretch.to];
    ChartView { summary: summary(chart), scale: scale.marks(), times: times.into_iter().map(time).collect(), lines }
}

/// Newest, least, most, the line and the same as a table; `newest` writes the instant of the newest value.
pub fn drawn(
    chart: &Chart,
    time: impl Fn(Instant) -> String,
    newest: impl Fn(Instant) -> AnyView,
    note: &'static str,
) -> AnyView {
    let view = chart_view(chart, &time);
    let (Some((now, at)), Some((min, max))) = (chart.newest(), chart.bounds()) else {
        return view! { <p class="muted">{view.summary}</p> }.into_any();
    };
    let (now, min, max, at) = (said(chart, now), said(chart, min), said(chart, max), newest(at));
    let (meaning, table) = (meaning(chart), table(chart, &time));
    view! {
        <Facts>
            <Fact label="Newest"><strong>{now}</strong>", "{at}</Fact>
            <Fact label="Least">{min}</Fact>
            <Fact label="Most">{max}</Fact>
        </Facts>
        <LineChart chart=view/>
        <p class="small muted mt">{format!("Shown is {meaning}. {note}")}</p>
        <Disclosure label="The same as a table">{table}</Disclosure>
    }
    .into_any()
}

/// The values in fewer lines, newest first.
fn table(chart: &Chart, time: impl Fn(Instant) -> String) -> AnyView {
    let coarser = match chart.range {
        Range::Day => Step::Hour,
        Range::Week | Range::Month => Step::FourHours,
    };
    let columns = vec![
        ColumnView::new("From"),
        ColumnView::number(match chart.metric.aggregate {
            Aggregate::Mean => "Mean",
            Aggregate::Max => "Greatest",
            Aggregate::Sum => "Sum",
            Aggregate::Last => "Newest",
        }),
        ColumnView::number("Least"),
        ColumnView::number("Most"),
        ColumnView::number("Values"),
    ];
    let rows = combine(coarser, chart.buckets.iter().copied())
        .into_iter()
        .rev()
        .map(|bucket| {
            vec![
                time(bucket.at).into_any(),
                said(chart, bucket.value(chart.metric.aggregate)).into_any(),
                said(chart, bucket.min).into_any(),
                said(chart, bucket.max).into_any(),
                number::text(bucket.count as f64, 0).into_any(),
            ]
        })
        .collect();
    view! { <DataTable caption=format!("{} by the {}", chart.metric.name, step_text(coarser)) columns rows/> }
        .into_any()
}

/// The last months of a figure; none where fewer than two are known.
pub fn bars_view(figure: &FigureLine, month: Month) -> Option<BarsView> {
    let known: Vec<f64> = figure.months.iter().copied().flatten().collect();
    let most = known.iter().copied().fold(0.0, f64::max);
    if known.len() < 2 || most <= 0.0 || known.iter().any(|value| *value < 0.0) {
        return None;
    }
    let months = month.and_before(PLOTTED);
    let told = months.iter().zip(&figure.months).filter_map(|(month, value)| {
        value.map(|value| format!("{} {}", month.first().format("%b %Y"), figure.said(value)))
    });
    let summary = format!("{} by month: {}.", figure.name, told.collect::<Vec<_>>().join(", "));
    Some(BarsView { summary, bars: figure.months.iter().map(|value| value.map(|value| value / most)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_come_seldom_are_joined_and_a_gap_is_not() {
        let at = |minutes: i64| Span::minutes(minutes).after(Instant::UNIX_EPOCH);
        let values: Vec<(Instant, f64)> = [0, 20, 40, 60, 200, 220].map(|minutes| (at(minutes), 1.0)).to_vec();
        assert_eq!(longest_step(Span::minutes(5), &values), Span::minutes(50));
        assert_eq!(longest_step(Span::hours(1), &values), Span::minutes(150), "never shorter than a bucket");
        assert_eq!(longest_step(Span::minutes(5), &[]), Span::seconds(750));
    }

    #[test]
    fn scales_are_round_and_hold_what_is_shown() {
        for (min, max, marks) in [
            (12.0, 410.0, "600 400 200 0"),
            (98.2, 99.9, "100.0 99.5 99.0 98.5 98.0"),
            (0.0, 0.0, "0.25 0.00"),
            (300.0, 312.0, "315 310 305 300"),
            (-3.0, 7.0, "7.5 5.0 2.5 0.0 −2.5 −5.0"),
        ] {
            let scale = Scale::around(min, max);
            assert_eq!(scale.marks().join(" "), marks, "{min} to {max}");
            assert!((0.0..=1.0).contains(&scale.place(min)) && scale.place(max) >= scale.place(min));
        }
    }
}

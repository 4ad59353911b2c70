//! Numbers of the demo: two metrics with a month of points, and the company's own figures of the last months, as in the
//! story: 300 servers, 324 sites, 1,332 on-call alerts in one month.

use crate::metrics::{MetricInput, PointInput, When};
use crate::reports::FigureInput;
use crate::{Actor, Error, Services};
use domain::report::Month;
use domain::time::{Instant, Span, civil};

/// Name, slug, unit, digits, better, aggregate, and the values of the last months, the newest last.
type DemoFigure = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, [f64; 7]);

const FIGURES: [DemoFigure; 6] = [
    ("Servers", "servers", "", "0", "neutral", "last", [281.0, 284.0, 289.0, 291.0, 296.0, 298.0, 300.0]),
    ("Sites", "sites", "", "0", "up", "last", [301.0, 305.0, 309.0, 314.0, 317.0, 322.0, 324.0]),
    ("Traffic", "traffic", "TB", "1", "neutral", "sum", [61.2, 60.8, 64.5, 66.1, 65.4, 69.9, 71.3]),
    ("Support requests", "support-requests", "", "0", "down", "sum", [402.0, 388.0, 371.0, 410.0, 395.0, 420.0, 412.0]),
    ("Time to a first answer", "first-answer", "min", "0", "down", "mean", [26.0, 24.0, 25.0, 22.0, 21.0, 19.0, 18.0]),
    ("On-call alerts", "on-call-alerts", "", "0", "down", "sum", [640.0, 590.0, 720.0, 688.0, 701.0, 896.0, 1332.0]),
];

/// Days of points.
const DAYS: i64 = 30;

/// How often the demo's programs push.
const EVERY: Span = Span::minutes(20);

/// A number from 0 to 1 that looks like chance and is the same in each demo.
fn noise(n: i64) -> f64 {
    // The steps of splitmix64.
    let mut mixed = n.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) & 0xffff) as f64 / 65_535.0
}

impl Services {
    pub(super) async fn figures_of_demo(&self, system: &Actor, now: Instant) -> Result<(), Error> {
        self.measured(system, now).await?;
        let today = civil(self.zones.as_ref(), super::ZONE, now).local.date();
        let last = Month::of(today).earlier(1);
        for (name, slug, unit, decimals, better, aggregate, _) in FIGURES {
            let figure = FigureInput {
                slug: slug.to_owned(),
                name: name.to_owned(),
                unit: unit.to_owned(),
                decimals: decimals.to_owned(),
                better: better.to_owned(),
                aggregate: aggregate.to_owned(),
                is_public: true,
                position: String::new(),
            };
            self.add_report_figure(system, &figure).await?;
        }
        for (_, slug, .., values) in FIGURES {
            for (month, value) in last.and_before(7).into_iter().zip(values) {
                self.tell_figure(system, &month.to_string(), slug, value).await?;
            }
        }
        self.freeze_report(system, &last.to_string()).await?;
        Ok(())
    }

    /// A response time that is higher by day, and how many mails wait.
    async fn measured(&self, system: &Actor, now: Instant) -> Result<(), Error> {
        let past = self.at(Span::days(DAYS).before(now));
        for (name, slug, unit, decimals, aggregate) in
            [("Response time", "response-time", "ms", "0", "mean"), ("Mails waiting", "mails-waiting", "", "0", "max")]
        {
            let metric = MetricInput {
                slug: slug.to_owned(),
                name: name.to_owned(),
                unit: unit.to_owned(),
                decimals: decimals.to_owned(),
                aggregate: aggregate.to_owned(),
                is_public: true,
                ..MetricInput::default()
            };
            past.add_metric(system, &metric).await?;
        }
        // Each week is pushed when it is over: points are not taken much later.
        let count = Span::days(DAYS).as_seconds() / EVERY.as_seconds();
        let all: Vec<i64> = (0..count).collect();
        for part in all.chunks(7 * 72) {
            let at = |n: i64| Span::seconds((count - n) * EVERY.as_seconds()).before(now);
            let points = |value: fn(i64, f64) -> f64| -> Vec<PointInput> {
                let of = |n: &i64| {
                    let hour = (at(*n).timestamp().rem_euclid(86_400)) as f64 / 86_400.0;
                    let day = (1.0 - ((hour - 0.6) * std::f64::consts::TAU).cos()) / 2.0;
                    PointInput { at: When::Seconds(at(*n).timestamp() as f64), value: value(*n, 1.0 - day) }
                };
                part.iter().map(of).collect()
            };
            let then = part.last().map_or(now, |n| at(*n));
            let then = self.at(then);
            let response = points(|n, day| (92.0 + 70.0 * day + 34.0 * noise(n)).round());
            then.push_points(system, "response-time", &response).await?;
            let waiting = points(|n, day| {
                let rush = if n % 311 < 6 { 240.0 } else { 0.0 };
                (rush + 12.0 + 60.0 * day * noise(n + 7)).round()
            });
            then.push_points(system, "mails-waiting", &waiting).await?;
        }
        Ok(())
    }
}

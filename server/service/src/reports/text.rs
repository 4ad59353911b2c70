//! A report for spreadsheets and for programs: what its page says, and nothing else.

use super::PublicReport;
use super::public::PublicChange;
use chrono::SecondsFormat;
use domain::csv;
use domain::number;
use domain::report::{Change, Content, IncidentLine, Share, WindowLine};
use domain::time::{Instant, Span};
use serde::Serialize;

/// A report as programs read it.
#[derive(Serialize)]
struct Shown<'a> {
    frozen_at: Instant,
    version: i64,
    #[serde(flatten)]
    content: &'a Content,
    corrections: Vec<ShownCorrection<'a>>,
}

#[derive(Serialize)]
struct ShownCorrection<'a> {
    at: Instant,
    why: &'a str,
    changes: Vec<ShownChange<'a>>,
}

/// Of a figure the numbers stand alone, as they do where it is told; all else is said in words.
#[derive(Serialize)]
struct ShownChange<'a> {
    what: &'a str,
    before: Said<'a>,
    after: Said<'a>,
    unit: &'a str,
    #[serde(skip)]
    decimals: u8,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Number(f64),
    Words(&'a str),
}

impl<'a> ShownChange<'a> {
    fn of(content: &'a Content, change: &'a PublicChange) -> Self {
        let figure = content.figures.iter().find(|line| line.name.as_str() == change.what);
        let said = |said: &'a str| figure.and_then(|line| line.read(said)).map_or(Said::Words(said), Said::Number);
        Self {
            what: &change.what,
            before: said(&change.before),
            after: said(&change.after),
            unit: figure.map_or("", |line| line.unit.as_str()),
            decimals: figure.map_or(0, |line| line.decimals),
        }
    }

    fn text(&self, said: &Said<'_>) -> String {
        match said {
            Said::Number(value) => number::plain(*value, self.decimals),
            Said::Words(words) => (*words).to_owned(),
        }
    }
}

const COLUMNS: [&str; 8] = ["section", "what", "value", "unit", "before", "change", "change_percent", "note"];

/// Lines of one table, each with its section.
#[derive(Default)]
struct Table(String);

impl Table {
    fn line(&mut self, section: &str, what: &str, value: &str, unit: &str) {
        self.0.push_str(&csv::line([section, what, value, unit, "", "", "", ""]));
    }

    fn noted(&mut self, section: &str, what: &str, value: &str, unit: &str, note: &str) {
        self.0.push_str(&csv::line([section, what, value, unit, "", "", "", note]));
    }

    fn count(&mut self, section: &str, what: &str, value: u64) {
        self.line(section, what, &value.to_string(), "");
    }

    fn share(&mut self, what: &str, share: &Share) {
        let percent =
            |value: Option<f64>| value.map(|value| number::plain(value, number::MOST_DECIMALS)).unwrap_or_default();
        self.line("availability", what, &percent(share.percent), "%");
        self.line("availability with planned work", what, &percent(share.percent_with_planned), "%");
    }
}

fn instant(at: Option<Instant>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

fn minutes(span: Option<Span>) -> String {
    span.map(|span| (span.as_seconds() / 60).to_string()).unwrap_or_default()
}

fn incident(table: &mut Table, line: &IncidentLine) {
    let what = format!("I-{} {}", line.number, line.title);
    let note = format!("{} to {}", instant(Some(line.started_at)), instant(line.resolved_at));
    table.noted("incident lasted", &what, &minutes(line.lasted()), "min", &note);
    table.noted("incident first word after", &what, &minutes(line.silence()), "min", &instant(line.first_update_at));
}

fn window(table: &mut Table, line: &WindowLine) {
    let mut said = vec![line.state.as_str()];
    said.extend(line.held.then_some("was held"));
    said.extend(line.postponed.then_some("was postponed"));
    said.extend(line.overridden.then_some("overridden"));
    table.noted("window", line.title.as_str(), &instant(Some(line.starts_at)), "", &said.join(", "));
}

impl PublicReport {
    /// For spreadsheets: one table, one line for each thing said.
    #[must_use]
    pub fn csv(&self) -> String {
        let content = &self.content;
        let mut table = Table(csv::line(COLUMNS));
        if let Some(availability) = &content.availability {
            table.share("Everything", &availability.site);
            for group in &availability.groups {
                if let Some(name) = &group.name {
                    table.share(name, &group.share);
                }
                for component in &group.components {
                    table.share(&component.name, &component.share);
                }
            }
        }
        content.incidents.iter().for_each(|line| incident(&mut table, line));
        let windows = &content.windows;
        for (what, count) in [
            ("planned", windows.planned),
            ("held", windows.held),
            ("postponed", windows.postponed),
            ("overridden", windows.overridden),
            ("completed", windows.completed),
            ("cancelled", windows.cancelled),
        ] {
            table.count("windows", what, count);
        }
        windows.list.iter().for_each(|line| window(&mut table, line));
        table.count("backups", "expected", content.backups.expected);
        table.count("backups", "on time", content.backups.on_time);
        table.count("restore drills", "done", content.drills.done);
        table.count("restore drills", "succeeded", content.drills.succeeded);
        table.line("restore drills", "longest", &minutes(content.drills.longest), "min");
        for figure in &content.figures {
            let plain = |value: Option<f64>| value.map(|v| number::plain(v, figure.decimals)).unwrap_or_default();
            let (change, percent) = match figure.change() {
                Change::Unknown => (String::new(), String::new()),
                Change::By { absolute, percent } => {
                    (plain(Some(absolute)), percent.map(|p| number::plain(p, 1)).unwrap_or_default())
                }
            };
            table.0.push_str(&csv::line([
                "figure",
                figure.name.as_str(),
                &plain(figure.value()),
                &figure.unit,
                &plain(figure.before()),
                &change,
                &percent,
                "",
            ]));
        }
        for correction in &self.corrections {
            let note = format!("{}: {}", instant(Some(correction.at)), correction.why);
            for change in &correction.changes {
                let change = ShownChange::of(content, change);
                let (after, before) = (change.text(&change.after), change.text(&change.before));
                table.0.push_str(&csv::line(["correction", change.what, &after, change.unit, &before, "", "", &note]));
            }
        }
        table.0
    }

    /// For programs.
    ///
    /// # Errors
    /// A value can not be written; none that is stored can not.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let content = &self.content;
        let corrections = self.corrections.iter().map(|correction| ShownCorrection {
            at: correction.at,
            why: &correction.why,
            changes: correction.changes.iter().map(|change| ShownChange::of(content, change)).collect(),
        });
        let corrections = corrections.collect();
        let shown = Shown { frozen_at: self.frozen_at, version: self.version, content, corrections };
        serde_json::to_string_pretty(&shown)
    }
}

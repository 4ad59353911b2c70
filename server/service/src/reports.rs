//! Monthly reports: gathered from what is stored, put down once the month is over, corrected with a note.

mod figures;
mod gather;
mod public;
mod text;

pub use figures::{FigureInput, Told};
pub use public::{PublicReport, PublicReportLine, PublicReports};
pub use storage::report::{FigureValue, ReportLine};

use crate::audit::Action;
use crate::inventory::unchanged;
use crate::tell::Post;
use crate::{Actor, Error, Services};
use domain::number;
use domain::people::Permission;
use domain::report::{
    Content, Correction, Figure, FigureLine, LONGEST_WHY, Month, PLOTTED, Report, differences, percent_text,
};
use domain::site::Site;
use domain::subscriber::Topic;
use domain::text::{Name, Prose, optional_line};
use domain::time::Instant;
use serde::Serialize;
use storage::Tx;

/// Reports in a list: ten years.
const LISTED: i64 = 120;

/// Months that are put down late at most, after a long time in which nothing ran.
const CATCH_UP: usize = 24;

/// How a report stands, for the team.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportDesk {
    /// Which month.
    pub month: Month,
    /// It goes on.
    pub is_running: bool,
    /// What was put down; none where nothing was yet.
    pub frozen: Option<Report>,
    /// What it would say now, where nothing was put down.
    pub preview: Option<Content>,
    /// Corrections, newest first.
    pub corrections: Vec<Correction>,
    /// The site's own figures, with what was told of this month.
    pub figures: Vec<Told>,
}

impl ReportDesk {
    /// What it says.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.frozen.as_ref().map(|report| &report.content).or(self.preview.as_ref())
    }
}

/// All reports, for the team.
#[derive(Clone, Debug, PartialEq)]
pub struct AllReports {
    /// The month that goes on.
    pub running: Month,
    /// The last month that is over and was not put down, if there is one of which anything is known.
    pub missing: Option<Month>,
    /// Newest first.
    pub frozen: Vec<ReportLine>,
}

/// A correction as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrectionInput {
    /// Why; everybody reads it.
    pub why: String,
    /// Figures by their slug; an empty text takes a value back.
    pub figures: Vec<(String, String)>,
    /// Everything else but the backups is gathered again from the history as it is now.
    pub recompute: bool,
}

/// What of a correction goes into the audit log.
#[derive(Serialize)]
struct Corrected<'a> {
    why: &'a str,
    said: Vec<(&'a str, &'a str)>,
}

pub(crate) fn month(text: &str) -> Result<Month, Error> {
    Month::parse(text).map_err(|_| Error::NotFound("month"))
}

fn action<'a>(verb: &'a str, month: Month) -> Action<'a> {
    Action { verb, object: "report", id: month.to_string(), name: month.name() }
}

/// Reads why a report is corrected.
fn why(text: &str) -> Result<String, Error> {
    let why = optional_line(text, LONGEST_WHY).map_err(|e| Error::field("why", e.to_string()))?;
    if why.is_empty() { Err(Error::field("why", "Say why: everybody reads it beside the report.")) } else { Ok(why) }
}

/// Whether a value is another than the report's own. Who sends back what the report shows, rounded as it is, or nothing
/// for a figure that it does not hold, changes nothing.
fn says_else(content: &Content, figure: &Figure, value: Option<f64>) -> bool {
    let line = content.figures.iter().find(|line| line.id == figure.id);
    let known = line.and_then(FigureLine::value);
    let shown = line.zip(known).and_then(|(line, known)| number::parse(&number::plain(known, line.decimals)));
    value != known && value != shown
}

impl Services {
    /// The month that it is now in the site's zone.
    pub(crate) fn running_month(&self, site: &Site, now: Instant) -> Month {
        Month::at(self.zones.as_ref(), &site.zone, now)
    }

    /// All reports.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn reports(&self, actor: &Actor) -> Result<AllReports, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let running = self.running_month(&site, self.now());
        let frozen = tx.reports(running, LISTED).await?;
        let last = running.earlier(1);
        let missing = (!frozen.iter().any(|line| line.month == last)).then_some(last);
        let begun = tx.first_record().await?.map(|at| self.running_month(&site, at));
        let missing = missing.filter(|last| begun.is_some_and(|begun| begun <= *last));
        Ok(AllReports { running, missing, frozen })
    }

    /// One month with everything there is to it.
    ///
    /// # Errors
    /// Not allowed, no month or one to come, or the database does not answer.
    pub async fn report_desk(&self, actor: &Actor, text: &str) -> Result<ReportDesk, Error> {
        actor.require(Permission::View)?;
        let month = month(text)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let running = self.running_month(&tx.site().await?, now);
        if month > running {
            return Err(Error::NotFound("month"));
        }
        let frozen = tx.report(month).await?;
        let preview = match frozen {
            Some(_) => None,
            None => Some(self.gather(&mut tx, month, now).await?),
        };
        let corrections = tx.corrections_of(month).await?;
        let figures = self.told(&mut tx, month).await?;
        Ok(ReportDesk { month, is_running: month == running, frozen, preview, corrections, figures })
    }

    /// Puts down every month that is over and has no report: the last one, and those after the newest report. Any node
    /// may do it at any time; each month is put down once. Gives back which were.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn freeze_due_reports(&self) -> Result<Vec<Month>, Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let last = self.running_month(&site, self.now()).earlier(1);
        // Nothing was here before.
        let Some(begun) = tx.first_deed().await?.map(|at| self.running_month(&site, at)) else { return Ok(Vec::new()) };
        // The newest one may be of long ago, put down by hand.
        let first = tx.reports(last, 1).await?.pop().map_or(last, |newest| newest.month.later(1)).max(begun);
        drop(tx);
        let mut frozen = Vec::new();
        let mut month = first;
        while month <= last && frozen.len() < CATCH_UP {
            if self.freeze_month(&Actor::system(), month).await?.is_some() {
                frozen.push(month);
            }
            month = month.later(1);
        }
        Ok(frozen)
    }

    /// Puts down a month that is over, by hand.
    ///
    /// # Errors
    /// Not allowed, the month is not over, there is a report already, or the database does not answer.
    pub async fn freeze_report(&self, actor: &Actor, text: &str) -> Result<Report, Error> {
        actor.require(Permission::Maintain)?;
        let month = month(text)?;
        self.freeze_month(actor, month).await?.ok_or_else(|| {
            Error::refused("frozen", format!("{} was put down already. Correct it, with a note.", month.name()))
        })
    }

    async fn freeze_month(&self, actor: &Actor, month: Month) -> Result<Option<Report>, Error> {
        let now = self.now();
        let mut tx = self.db.decide().await?;
        let running = self.running_month(&tx.site().await?, now);
        if month >= running {
            return Err(Error::refused("not_over", format!("{} is not over.", month.name())));
        }
        if tx.report(month).await?.is_some() {
            return Ok(None);
        }
        let content = self.gather(&mut tx, month, now).await?;
        let report = Report { month, frozen_at: now, content, corrected_at: None, version: 1 };
        if !tx.freeze_report(&report).await? {
            return Ok(None);
        }
        let headline = report.content.headline();
        tx.add_audit(&self.audit(actor, action("report.freeze", month), None, Some(&headline))).await?;
        // Nobody waits for the report of a month long ago.
        let told = if month.later(1) == running { self.tell_post(&mut tx, &self.post(&report)?).await? } else { 0 };
        tx.announce();
        tx.commit().await?;
        if told > 0 {
            self.outbox_filled.notify_one();
        }
        Ok(Some(report))
    }

    /// What those hear of a report who want to.
    fn post(&self, report: &Report) -> Result<Post, Error> {
        let (name, content) = (report.month.name(), &report.content);
        let headline = content.headline();
        let mut lines = Vec::new();
        if headline.percent.is_some() {
            lines.push(format!("- Availability: {}", percent_text(headline.percent)));
        }
        lines.push(format!("- Incidents: {}", headline.incidents));
        lines.push(format!("- Maintenance windows: {}", headline.windows));
        lines.push(match content.backups.expected {
            0 => "- Backups on time: nothing was expected".to_owned(),
            expected => format!("- Backups on time: {} of {expected}", content.backups.on_time),
        });
        let title = Name::parse(&format!("Report for {name}")).map_err(|e| Error::internal(&e))?;
        Ok(Post {
            topic: Topic::Reports,
            subject: ("report", self.new_id()),
            thread: format!("report-{}", report.month),
            title,
            lead: format!("The report for {name} is out."),
            message: Prose::parse(&lines.join("\n")).map_err(|e| Error::internal(&e))?,
            path: format!("/reports/{}", report.month),
            components: vec![],
        })
    }

    /// Corrects a report: figures, and what is gathered from the history. The version before is kept, and everybody
    /// sees what changed, when and why.
    ///
    /// # Errors
    /// Not allowed, not put down yet, stale, no reason, a wrong figure, nothing changes, or the database does not answer.
    pub async fn correct_report(
        &self,
        actor: &Actor,
        text: &str,
        version: i64,
        input: &CorrectionInput,
    ) -> Result<Report, Error> {
        actor.require(Permission::Maintain)?;
        let month = month(text)?;
        let mut tx = self.db.decide().await?;
        let before = tx.report(month).await?.ok_or(Error::NotFound("report"))?;
        unchanged("report", before.version, version)?;
        let mut told = figures::read(&mut tx, &input.figures).await?;
        told.retain(|(figure, value)| says_else(&before.content, figure, *value));
        let why = why(&input.why)?;
        self.correct(tx, actor, before, told, input.recompute, why).await
    }

    async fn correct(
        &self,
        mut tx: Tx,
        actor: &Actor,
        before: Report,
        told: Vec<(Figure, Option<f64>)>,
        recompute: bool,
        why: String,
    ) -> Result<Report, Error> {
        let (now, month) = (self.now(), before.month);
        for (figure, value) in &told {
            self.store_value(&mut tx, actor, month, figure, *value).await?;
        }
        let mut content = before.content.clone();
        if recompute {
            // Runs go by policy and jobs out of use: the history tells no more how the backups of a month stood.
            let (backups, figures) = (content.backups, std::mem::take(&mut content.figures));
            content = Content { backups, figures, ..self.gather(&mut tx, month, now).await? };
        }
        self.put_figures(&mut tx, &mut content, &told).await?;
        let changes = differences(&before.content, &content);
        if changes.is_empty() {
            return Err(Error::refused(
                "nothing_changes",
                "The report says all of this already: nothing would change.",
            ));
        }
        // Everybody sees that a report was corrected, so not where only the team may see what.
        let private = tx.private_components().await?;
        let is_public = changes.iter().any(|change| change.is_public(&private));
        let corrected_at = if is_public { Some(now) } else { before.corrected_at };
        let note =
            Correction { id: self.new_id(), month, at: now, by: actor.label(), why, changes, replaced: before.version };
        let after = Report { content, corrected_at, version: before.version, ..before.clone() };
        tx.correct_report(&before, &after, &note).await?;
        let said = |text: fn(&domain::report::Difference) -> (&str, &str)| note.changes.iter().map(text).collect();
        let (was, is) = (
            Corrected { why: "", said: said(|d| (&d.what, &d.before)) },
            Corrected { why: &note.why, said: said(|d| (&d.what, &d.after)) },
        );
        tx.add_audit(&self.audit(actor, action("report.correct", month), Some(&was), Some(&is))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(Report { version: after.version + 1, ..after })
    }

    /// Puts these values into a report; a figure that it does not hold yet comes at its end.
    async fn put_figures(
        &self,
        tx: &mut Tx,
        content: &mut Content,
        told: &[(Figure, Option<f64>)],
    ) -> Result<(), Error> {
        let month = content.month;
        for (figure, value) in told {
            match content.figures.iter_mut().find(|line| line.id == figure.id) {
                Some(line) => {
                    if let Some(last) = line.months.last_mut() {
                        *last = *value;
                    }
                }
                None => {
                    let values = tx.figure_values(month.earlier(PLOTTED), month).await?;
                    let of = |m: Month| values.iter().find(|v| v.month == m && v.figure == figure.id).map(|v| v.value);
                    content.figures.push(FigureLine::of(figure, month, of));
                }
            }
        }
        Ok(())
    }
}

/// Reads a value of a figure as it was typed; empty takes it back.
pub(crate) fn value(text: &str, figure: &Figure) -> Result<Option<f64>, String> {
    match text.trim() {
        "" => Ok(None),
        text => number::parse_within(text, figure.decimals).map(Some).map_err(|error| error.to_string()),
    }
}

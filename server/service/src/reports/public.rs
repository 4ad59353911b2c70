//! Reports as everybody sees them.

use super::{LISTED, month};
use crate::{Error, Services};
use domain::report::{Content, Correction, Headline, Month};
use domain::site::Site;
use domain::time::Instant;

/// A report in the public list.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicReportLine {
    /// Which month.
    pub month: Month,
    /// When it was last corrected.
    pub corrected_at: Option<Instant>,
    /// What it says in short.
    pub headline: Headline,
}

/// All reports.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicReports {
    /// The site.
    pub site: Site,
    /// Newest first.
    pub reports: Vec<PublicReportLine>,
}

/// A report with its corrections.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicReport {
    /// The site.
    pub site: Site,
    /// When it was put down.
    pub frozen_at: Instant,
    /// Counts corrections.
    pub version: i64,
    /// What it says now.
    pub content: Content,
    /// Newest first, without the names of those who made them.
    pub corrections: Vec<PublicCorrection>,
    /// What the report before said of the whole site.
    pub percent_before: Option<f64>,
    /// The report before, if there is one.
    pub earlier: Option<Month>,
    /// The next one.
    pub later: Option<Month>,
}

/// A correction as everybody sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicCorrection {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: String,
    /// What it changed.
    pub changes: Vec<PublicChange>,
}

/// One thing that a report said otherwise before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicChange {
    /// What.
    pub what: String,
    /// What it said before.
    pub before: String,
    /// What it says since.
    pub after: String,
}

impl Services {
    /// All reports that were put down.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn public_reports(&self) -> Result<PublicReports, Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let running = self.running_month(&site, self.now());
        let private = tx.private_components().await?;
        let lines = tx.reports(running, LISTED).await?;
        let mut reports = Vec::with_capacity(lines.len());
        for line in lines {
            // What is private now may have been public when the month was put down.
            let report = if private.is_empty() { None } else { tx.report(line.month).await? };
            let headline = report.map_or(line.headline, |report| report.content.public(&private).headline());
            reports.push(PublicReportLine { month: line.month, corrected_at: line.corrected_at, headline });
        }
        Ok(PublicReports { site, reports })
    }

    /// The report of a month, as everybody may read it.
    ///
    /// # Errors
    /// There is none, or the database does not answer.
    pub async fn public_report(&self, text: &str) -> Result<PublicReport, Error> {
        let month = month(text)?;
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let report = tx.report(month).await?.ok_or(Error::NotFound("report"))?;
        let private = tx.private_components().await?;
        let corrections = tx.corrections_of(month).await?.into_iter().filter_map(|note: Correction| {
            let changes = note.changes.into_iter().filter(|change| change.is_public(&private));
            let changes =
                changes.map(|change| PublicChange { what: change.what, before: change.before, after: change.after });
            let changes: Vec<PublicChange> = changes.collect();
            (!changes.is_empty()).then_some(PublicCorrection { at: note.at, why: note.why, changes })
        });
        let corrections = corrections.collect();
        let before = tx.reports(month.earlier(1), 1).await?.pop();
        let percent_before =
            before.as_ref().filter(|line| line.month == month.earlier(1)).and_then(|line| line.headline.percent);
        let later = tx.report_after(month).await?;
        Ok(PublicReport {
            site,
            frozen_at: report.frozen_at,
            version: report.version,
            content: report.content.public(&private),
            corrections,
            percent_before,
            earlier: before.map(|line| line.month),
            later,
        })
    }
}

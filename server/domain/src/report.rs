//! The monthly report: what a month was like, put down once it is over and kept as it was.
//!
//! A report is frozen at the end of its month in the site's zone. What turns out to be wrong later is corrected with a
//! note that everybody sees: what changed, when, and why; the version before is kept.

mod backups;
mod compare;
mod content;
mod figure;
mod month;
#[cfg(test)]
mod tests;

pub use backups::{Backups, JobFact, backups, drills, on_time};
pub use compare::{Difference, differences};
pub use content::{
    Availability, ComponentShare, Content, Drills, GroupShare, Headline, IncidentLine, Share, SlowDrill, WindowFact,
    WindowLine, Windows, percent_text, windows,
};
pub use figure::{Better, Change, Figure, FigureLine, PLOTTED, UnknownBetter, Verdict};
pub use month::{Month, NoMonth};

use crate::ids::ReportCorrectionId;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Longest reason of a correction, in characters.
pub const LONGEST_WHY: usize = 500;

/// A report as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which month.
    pub month: Month,
    /// When it was put down.
    pub frozen_at: Instant,
    /// What it says now.
    pub content: Content,
    /// When it was last corrected.
    pub corrected_at: Option<Instant>,
    /// Counts corrections, beginning with 1.
    pub version: i64,
}

/// The note of a change after the month was closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// Identity.
    pub id: ReportCorrectionId,
    /// Whose report.
    pub month: Month,
    /// When.
    pub at: Instant,
    /// Who, for the team.
    pub by: String,
    /// Why, for everybody.
    pub why: String,
    /// What it changed.
    pub changes: Vec<Difference>,
    /// The version that it replaced.
    pub replaced: i64,
}

//! Alerts of monitoring systems: one cause, one incident.
//!
//! A report names alerts by their fingerprints; [`book`] joins those with one cause, [`rule`] says what
//! becomes of a cause, [`belong`] lets its draft join an incident, [`place`] finds the hosts and components
//! that labels speak of, [`reach`] says how much has to be known for that, and `read` reads what
//! Alertmanager, Grafana and others send.

pub mod belong;
pub mod book;
pub mod cause;
pub mod join;
pub mod known;
pub mod place;
pub mod reach;
#[cfg(any(test, feature = "ingest"))]
pub mod read;
pub mod rule;
#[cfg(test)]
mod tests;

use crate::ids::{AlertId, CauseId, ComponentId, HostId};
use crate::text::Name;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// How far before its first report a source is believed that something began: nobody else saw it, and its clock is not
/// ours.
const BELIEVED: Span = Span::hours(1);

/// How bad an alert says it is, least first. Systems have many words for it; these three decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// For the record.
    Info,
    /// Somebody should look. What says nothing, or what nobody knows, is one.
    #[default]
    Warning,
    /// Somebody must look now.
    Critical,
}

/// A grade that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose info, warning or critical.")]
pub struct UnknownGrade;

impl Grade {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The grade of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownGrade> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownGrade)
    }

    /// What the word of a monitoring system comes to.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        match word.trim().to_lowercase().as_str() {
            "info" | "information" | "informational" | "notice" | "debug" | "none" | "low" | "ok" | "p5" | "sev5" => {
                Self::Info
            }
            "critical" | "crit" | "page" | "emergency" | "emerg" | "disaster" | "fatal" | "alert" | "high"
            | "major" | "error" | "err" | "p1" | "p2" | "sev1" | "sev2" => Self::Critical,
            _ => Self::Warning,
        }
    }
}

/// One alert as a report tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// The same for the same alert.
    pub fingerprint: String,
    /// It holds; else it is over.
    pub firing: bool,
    /// One line.
    pub title: String,
    /// How bad.
    pub grade: Grade,
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// The sender's own name of the cause.
    pub group: Option<String>,
    /// The host, where the sender names it outside of labels.
    pub host: Option<String>,
    /// The component, where the sender names it outside of labels.
    pub component: Option<String>,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it was over.
    pub ended_at: Option<Instant>,
    /// The page of the monitoring system about it.
    pub link: Option<String>,
}

/// What a monitoring system sent at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Its alerts.
    pub alerts: Vec<Reported>,
    /// How many more there are that it left out.
    pub truncated: i64,
}

/// One alert, from its first report until its cause is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity.
    pub id: AlertId,
    /// Who reports it: the token's id.
    pub source: uuid::Uuid,
    /// What the source knows it by.
    pub fingerprint: String,
    /// One line.
    pub title: Name,
    /// How bad.
    pub grade: Grade,
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// The sender's own name of the cause.
    pub group: Option<String>,
    /// The host it speaks of.
    pub host: Option<HostId>,
    /// The components it names itself.
    pub components: BTreeSet<ComponentId>,
    /// The one cause it belongs to; none where a rule ignores it.
    pub cause: Option<CauseId>,
    /// When it began, by its source.
    pub started_at: Instant,
    /// First report.
    pub first_seen_at: Instant,
    /// Newest report.
    pub last_seen_at: Instant,
    /// Reports of it.
    pub seen: i64,
    /// Since when it is over.
    pub ended_at: Option<Instant>,
    /// How often it came back.
    pub flaps: i64,
    /// The page of the monitoring system about it.
    pub link: Option<String>,
}

impl Alert {
    /// When it began, as far as customers are told: by its source where that is close to when we first saw it, else then.
    #[must_use]
    pub fn began_at(&self) -> Instant {
        if self.started_at < BELIEVED.before(self.first_seen_at) { self.first_seen_at } else { self.started_at }
    }

    /// It holds.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.ended_at.is_none()
    }
}

//! Findings as they are kept: told once, closed when they are gone, quiet while somebody said so.

use super::{Finding, Key};
use crate::ids::FindingId;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody knows of it, and said for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Why it may stay for now.
    pub reason: String,
    /// The name of who said so, as it was then.
    pub by: String,
    /// When.
    pub at: Instant,
    /// It comes back then.
    pub until: Instant,
}

/// A finding with its history. One that comes back after it was gone is a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Identity.
    pub id: FindingId,
    /// As it was seen last.
    pub finding: Finding,
    /// When it was seen first.
    pub first_seen_at: Instant,
    /// When it was seen last.
    pub last_seen_at: Instant,
    /// Gone since.
    pub closed_at: Option<Instant>,
    /// When the team was told.
    pub told_at: Option<Instant>,
    /// The newest acknowledgement.
    pub acknowledged: Option<Acknowledgement>,
    /// Counts what people do.
    pub version: i64,
}

/// What becomes of the open findings when somebody looked again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Not seen before.
    pub new: Vec<Finding>,
    /// Still there, with other figures.
    pub moved: Vec<(FindingId, Finding)>,
    /// Gone.
    pub gone: Vec<FindingId>,
}

impl Settled {
    /// All is as it was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.moved.is_empty() && self.gone.is_empty()
    }
}

impl Case {
    /// Since when it is so, as far as anybody knows.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.finding.since.unwrap_or(self.first_seen_at).min(self.first_seen_at)
    }

    /// The acknowledgement that holds now.
    #[must_use]
    pub fn quiet(&self, now: Instant) -> Option<&Acknowledgement> {
        self.acknowledged.as_ref().filter(|acknowledged| now < acknowledged.until)
    }

    /// It asks for somebody.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.closed_at.is_none() && self.quiet(now).is_none()
    }

    /// Since when the team is to be told of it; none where it was, or need not be. One that comes back
    /// after its acknowledgement is told like a new one.
    #[must_use]
    pub fn to_be_told_since(&self, now: Instant) -> Option<Instant> {
        if !self.is_open(now) {
            return None;
        }
        let back = self.acknowledged.as_ref().map(|acknowledged| acknowledged.until);
        let news = back.unwrap_or(self.first_seen_at).max(self.first_seen_at);
        self.told_at.is_none_or(|told| told < news).then_some(news)
    }
}

/// Compares what is open with what was seen now.
#[must_use]
pub fn settle(open: &[Case], seen: Vec<Finding>) -> Settled {
    let known: BTreeMap<Key, &Case> = open.iter().map(|case| (case.finding.key(), case)).collect();
    let still: BTreeSet<Key> = seen.iter().map(Finding::key).collect();
    let mut settled = Settled {
        gone: open.iter().filter(|case| !still.contains(&case.finding.key())).map(|case| case.id).collect(),
        ..Settled::default()
    };
    for finding in seen {
        match known.get(&finding.key()) {
            None => settled.new.push(finding),
            Some(case) if case.finding != finding => settled.moved.push((case.id, finding)),
            Some(_) => {}
        }
    }
    settled
}

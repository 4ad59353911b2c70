//! Which reminders a window gets, and which of them is due.
//!
//! A reminder belongs to a window, its start and a lead time, and goes at most once for these three. What was settled
//! is stored; from that, the plan and the time follows what is due, so that restarts and clocks that jump change nothing.
//!
//! Two rules that are not obvious:
//!
//! - Of several that are due together (we were not running, the clock was put forward) only the newest goes: nobody
//!   needs three mails about one start.
//! - Whoever read the time less than [`TOLD_JUST_NOW`] ago needs no reminder of it. A reminder that falls into that span
//!   after the time was announced, or before it, is passed over for everybody: who subscribes in these minutes has just
//!   been on the page.

use super::{Maintenance, State};
use crate::time::{Instant, Span, SpanError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// So long after a time was announced nobody is reminded of it.
pub const TOLD_JUST_NOW: Span = Span::minutes(15);

/// Most reminders of one window.
pub const MAX_LEADS: usize = 6;

const LEAST: Span = Span::minutes(5);
const MOST: Span = Span::days(30);

/// Why a list of lead times is refused, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LeadsError {
    /// Nothing was written.
    #[error("Write lead times like 72 h, 24 h, 1 h; or none.")]
    Empty,
    /// One of them is no length of time.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// Shorter than five minutes or longer than 30 days.
    #[error("{0} is not between 5 min and 30 d.")]
    Range(Span),
    /// More than [`MAX_LEADS`].
    #[error("At most {MAX_LEADS} reminders can be sent for one window.")]
    TooMany,
}

/// How long before a start reminders go: the longest first, each once; may be none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Span>", into = "Vec<Span>")]
pub struct Leads(Vec<Span>);

impl Default for Leads {
    fn default() -> Self {
        Self(vec![Span::hours(72), Span::hours(24), Span::hours(1)])
    }
}

impl Leads {
    /// No reminder.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// In any order, each any number of times.
    ///
    /// # Errors
    /// Too many, or one that is too short or too long.
    pub fn new(spans: impl IntoIterator<Item = Span>) -> Result<Self, LeadsError> {
        let spans: BTreeSet<Span> = spans.into_iter().collect();
        if let Some(wrong) = spans.iter().find(|span| !(LEAST..=MOST).contains(span)) {
            return Err(LeadsError::Range(*wrong));
        }
        if spans.len() > MAX_LEADS {
            return Err(LeadsError::TooMany);
        }
        Ok(Self(spans.into_iter().rev().collect()))
    }

    /// Reads "72 h, 24 h, 1 h", or "none".
    ///
    /// # Errors
    /// See [`LeadsError`].
    pub fn parse(text: &str) -> Result<Self, LeadsError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::none());
        }
        let parts: Vec<&str> = text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(LeadsError::Empty);
        }
        Self::new(parts.into_iter().map(Span::parse).collect::<Result<Vec<_>, _>>()?)
    }

    /// A text that [`Leads::parse`] reads back.
    #[must_use]
    pub fn to_input(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        self.0.iter().map(|span| span.to_input()).collect::<Vec<_>>().join(", ")
    }

    /// The longest first.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    /// How far ahead of a start there can be something to do.
    #[must_use]
    pub const fn farthest() -> Span {
        MOST
    }
}

impl TryFrom<Vec<Span>> for Leads {
    type Error = LeadsError;
    fn try_from(spans: Vec<Span>) -> Result<Self, LeadsError> {
        Self::new(spans)
    }
}

impl From<Leads> for Vec<Span> {
    fn from(leads: Leads) -> Self {
        leads.0
    }
}

/// Which reminders a window gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminders {
    /// Those of the site, also when they change.
    #[default]
    AsSite,
    /// Its own; may be none.
    Own(Leads),
}

impl Reminders {
    /// How the site's own list is named.
    pub const AS_SITE: &str = "default";

    /// Reads "default", "none" or "72 h, 24 h, 1 h".
    ///
    /// # Errors
    /// See [`LeadsError`].
    pub fn parse(text: &str) -> Result<Self, LeadsError> {
        if text.trim().eq_ignore_ascii_case(Self::AS_SITE) {
            return Ok(Self::AsSite);
        }
        Leads::parse(text).map(Self::Own)
    }

    /// A text that [`Reminders::parse`] reads back.
    #[must_use]
    pub fn to_input(&self) -> String {
        match self {
            Self::AsSite => Self::AS_SITE.to_owned(),
            Self::Own(leads) => leads.to_input(),
        }
    }

    /// The lead times that hold for the window.
    #[must_use]
    pub const fn leads<'a>(&'a self, site: &'a Leads) -> &'a Leads {
        match self {
            Self::AsSite => site,
            Self::Own(leads) => leads,
        }
    }
}

/// What has to be done about reminders at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settling {
    /// The one to send.
    pub send: Option<Span>,
    /// Those whose instant has gone by unused: they are never sent.
    pub passed: Vec<Span>,
}

impl Settling {
    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.send.is_none() && self.passed.is_empty()
    }

    /// All of them as passed over: nothing is sent.
    #[must_use]
    pub fn without_sending(mut self) -> Self {
        self.passed.extend(self.send.take());
        self
    }
}

/// Everything the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminding<'a> {
    /// Where the window stands.
    pub state: State,
    /// Its start.
    pub starts_at: Instant,
    /// When this start was announced.
    pub announced_at: Instant,
    /// Its lead times.
    pub leads: &'a Leads,
    /// Those that were sent or passed over for this start.
    pub settled: &'a BTreeSet<Span>,
}

impl<'a> Reminding<'a> {
    /// Of a window.
    #[must_use]
    pub const fn of(m: &'a Maintenance, announced_at: Instant, site: &'a Leads, settled: &'a BTreeSet<Span>) -> Self {
        Self { state: m.state, starts_at: m.planned.starts_at, announced_at, leads: m.reminders.leads(site), settled }
    }

    /// The instant of a reminder.
    #[must_use]
    pub fn at(&self, lead: Span) -> Instant {
        lead.before(self.starts_at)
    }

    fn is_armed(&self, lead: Span) -> bool {
        is_armed(self.at(lead), self.announced_at)
    }

    /// What is due. When it is done, and stored as settled, nothing is due at this instant or at an earlier one.
    #[must_use]
    pub fn due(&self, now: Instant) -> Settling {
        if self.state != State::Scheduled || now >= self.starts_at {
            return Settling::default();
        }
        let nearest_settled = self.settled.first().copied();
        let open = self.leads.iter().filter(|lead| !self.settled.contains(lead) && self.at(*lead) <= now);
        let (mut send, mut passed) = (None, Vec::new());
        for lead in open {
            if self.is_armed(lead) && nearest_settled.is_none_or(|nearest| lead < nearest) {
                passed.extend(send.replace(lead));
            } else {
                passed.push(lead);
            }
        }
        Settling { send, passed }
    }

    /// The reminders that will go if nothing changes, with their instants, the earliest first.
    #[must_use]
    pub fn coming(&self, now: Instant) -> Vec<(Span, Instant)> {
        if self.state != State::Scheduled {
            return Vec::new();
        }
        let nearest_settled = self.settled.first().copied();
        self.leads
            .iter()
            .filter(|lead| self.at(*lead) > now && self.is_armed(*lead))
            .filter(|lead| nearest_settled.is_none_or(|nearest| *lead < nearest))
            .map(|lead| (lead, self.at(lead)))
            .collect()
    }
}

/// Everybody who was told of the time had it long enough before a reminder at this instant.
#[must_use]
pub fn is_armed(at: Instant, announced_at: Instant) -> bool {
    at >= TOLD_JUST_NOW.after(announced_at)
}

/// Why a reminder that waits in the outbox must not leave any more: `starts_at` is the start it speaks of, `m` the
/// window as it is now.
#[must_use]
pub fn outdated(m: &Maintenance, starts_at: Instant, now: Instant) -> Option<&'static str> {
    if m.state != State::Scheduled {
        Some("the maintenance is not ahead any more")
    } else if m.planned.starts_at != starts_at {
        Some("the maintenance has another time")
    } else if now >= starts_at {
        Some("the start has passed")
    } else {
        None
    }
}

//! How long an incident was open: while it was over, before it was opened again, it did not last.

use super::times::Times;
use super::{Incident, IncidentState, IncidentUpdate};
use crate::time::{Instant, Span, Stretch, united};
use chrono::TimeDelta;

/// When it was said where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it stood from then on.
    pub state: IncidentState,
    /// When that was said.
    pub at: Instant,
}

impl Word {
    /// Those of a timeline, in its order.
    #[must_use]
    pub fn of(updates: &[IncidentUpdate]) -> Vec<Self> {
        updates.iter().map(|update| Self { state: update.state, at: update.at }).collect()
    }
}

impl Incident {
    /// How long it lasted: all stretches in which it was open, up to now where it still is. The first begins and the last
    /// ends by its times as they stand, mended or not; `said` are the words of its timeline, newest first.
    #[must_use]
    pub fn lasted(&self, said: &[Word], now: Instant) -> Span {
        lasted(Times::of(self), said, now)
    }

    /// How long it lasted in all, once it is over; `updates` are its timeline, newest first.
    #[must_use]
    pub fn lasted_in_all(&self, updates: &[IncidentUpdate]) -> Option<Span> {
        self.resolved_at.map(|end| self.lasted(&Word::of(updates), end))
    }
}

fn lasted(times: Times, said: &[Word], now: Instant) -> Span {
    let open: TimeDelta = stretches(times, said, now).iter().map(|stretch| stretch.to - stretch.from).sum();
    Span::seconds(open.num_seconds())
}

/// The stretches in which it was open, oldest first.
fn stretches(times: Times, said: &[Word], now: Instant) -> Vec<Stretch> {
    let end = times.resolved_at.unwrap_or(now);
    let mut open = Vec::new();
    let mut from = times.started_at;
    for rest in united(rests(said)) {
        open.push(Stretch::new(from, rest.from.min(end)));
        from = from.max(rest.to);
    }
    open.push(Stretch::new(from, end));
    united(open)
}

/// When it was last opened again; `said` are the words of its timeline, newest first.
#[must_use]
pub fn reopened_at(said: &[Word]) -> Option<Instant> {
    rests(said).last().map(|rest| rest.to)
}

/// The stretches from the word that it was over up to the word that opened it again.
fn rests(said: &[Word]) -> Vec<Stretch> {
    let mut over = None;
    let mut rests = Vec::new();
    for word in said.iter().rev() {
        if word.state == IncidentState::Resolved {
            over.get_or_insert(word.at);
        } else if let Some(since) = over.take() {
            rests.push(Stretch::new(since, word.at));
        }
    }
    rests
}

#[cfg(test)]
mod tests;

//! Mending when a published incident began and ended. The history of its components moves with it, so that figures
//! follow; what was said when stays as it is.

use super::lasted::{Word, reopened_at};
use super::transition::{Command, ImpactChange, Refusal, not};
use super::{Incident, IncidentState};
use crate::component::ComponentState;
use crate::impact::Impact;
use crate::time::{Instant, Span};

/// A new incident that is said to have begun longer ago than this is asked back: a date is easily mistyped.
pub const LONG_AGO: Span = Span::hours(24);

/// Whether the start of a new incident is so long ago that it is asked back.
#[must_use]
pub fn began_long_ago(started_at: Instant, now: Instant) -> bool {
    started_at < LONG_AGO.before(now)
}

/// When an incident began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When the trouble began.
    pub started_at: Instant,
    /// When it was over; none while it lasts.
    pub resolved_at: Option<Instant>,
}

impl Times {
    /// As they are.
    #[must_use]
    pub const fn of(incident: &Incident) -> Self {
        Self { started_at: incident.started_at, resolved_at: incident.resolved_at }
    }
}

/// An incident with other times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The incident as it becomes.
    pub incident: Incident,
    /// The stretches of its history that change, as they become; one without a length is to go.
    pub moved: Vec<Impact>,
    /// Stretches that had no length before and left nothing that could be moved.
    pub added: Vec<ImpactChange>,
}

/// Mends the times of a published incident. `history` is all that it ever said of components, `said` are the words of its
/// timeline, newest first: it had begun by the first of them, and was not over for good before it was last opened again.
/// What began at its old start begins at the new one, what ended at its old end ends at the new one, and nothing lies
/// outside of the two.
///
/// # Errors
/// It is not published, the start lies ahead or after what was first said, or the end is no end.
pub fn mend(
    incident: &Incident,
    history: &[Impact],
    said: &[Word],
    now: Instant,
    times: Times,
) -> Result<Mended, Refusal> {
    if !incident.state.is_public() {
        return Err(not(incident, Command::Edit));
    }
    let before = Times::of(incident);
    if times.started_at > now {
        return Err(Refusal::StartAhead);
    }
    let first_said = said.last().map_or(before.started_at, |word| word.at);
    if times.started_at > first_said && times.started_at > before.started_at {
        return Err(Refusal::StartAfterWords);
    }
    match (incident.state, times.resolved_at) {
        (IncidentState::Resolved, Some(end)) if end <= times.started_at || end > now => {
            // What was over at once may stay so.
            if times != before {
                return Err(Refusal::BadEnd);
            }
        }
        (IncidentState::Resolved, Some(end)) => {
            let moves = times.resolved_at != before.resolved_at;
            if moves && reopened_at(said).is_some_and(|again| end <= again) {
                return Err(Refusal::EndBeforeReopened);
            }
        }
        (_, None) => {}
        (_, Some(_)) => return Err(Refusal::NotOver),
    }
    let mut next = Incident { started_at: times.started_at, resolved_at: times.resolved_at, ..incident.clone() };
    if next != *incident {
        next.updated_at = incident.updated_at.max(now);
    }
    let becomes = |impact: &Impact| {
        let from = if impact.from == before.started_at { times.started_at } else { impact.from };
        let to = if impact.to.is_some() && impact.to == before.resolved_at { times.resolved_at } else { impact.to };
        let to = to.map(|to| times.resolved_at.map_or(to, |end| to.min(end)));
        Impact { from: from.max(times.started_at), to, ..impact.clone() }
    };
    let moved = history.iter().map(becomes).zip(history).filter(|(after, old)| after != *old);
    let was_at_once = before.resolved_at == Some(before.started_at) && history.is_empty();
    let added = match times.resolved_at.filter(|_| was_at_once && times != before) {
        Some(to) => incident
            .components
            .iter()
            .filter(|(_, state)| **state != ComponentState::Operational)
            .map(|(id, state)| ImpactChange::Was { component: *id, state: *state, from: times.started_at, to })
            .collect(),
        None => Vec::new(),
    };
    Ok(Mended { incident: next, moved: moved.map(|(after, _)| after).collect(), added })
}

#[cfg(test)]
mod tests;

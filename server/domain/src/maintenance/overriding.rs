//! Break glass: going ahead against the gate, by the decision of two people.
//!
//! An override belongs to one window as it was when it was asked for, and covers the reasons that
//! stood against it then. It never covers another one, and ends with a new time or scope.

use super::{Maintenance, State};
use crate::gate::{Finding, Outcome, Purpose, Reason, Scope, Verdict};
use crate::ids::{MaintenanceId, OverrideId, UserId};
use crate::text::Why;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where an override stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideState {
    /// Waits for the second person.
    Asked,
    /// In force: the second person has confirmed it.
    Confirmed,
    /// An approver said no.
    Refused,
    /// Who asked took it back.
    Withdrawn,
    /// The window has changed or gone on without it.
    Void,
}

/// A decision to go ahead against the gate, or the request for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Identity.
    pub id: OverrideId,
    /// The one window it is for.
    pub maintenance_id: MaintenanceId,
    /// Where it stands.
    pub state: OverrideState,
    /// Why, in the words of who asked; for colleagues.
    pub why: Why,
    /// What it covers: all that stood against the work when it was asked for.
    pub reasons: Vec<Finding>,
    /// What the window named then.
    pub scope: Scope,
    /// When the window was to start.
    pub starts_at: Instant,
    /// When it was to end.
    pub ends_at: Instant,
    /// The first person.
    pub asked_by: UserId,
    /// When.
    pub asked_at: Instant,
    /// The second person, never the first.
    pub confirmed_by: Option<UserId>,
    /// When.
    pub confirmed_at: Option<Instant>,
    /// Who refused or withdrew it; none where the window went on without it.
    pub ended_by: Option<UserId>,
    /// Since when it is not in force, nor can be.
    pub ended_at: Option<Instant>,
    /// Why it was refused or withdrawn.
    pub end_why: Option<Why>,
    /// Counts changes.
    pub version: i64,
}

/// Why not, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OverrideRefusal {
    /// The gate has no say over it any more.
    #[error("This window is {}: an override is for one that is about to be scheduled or to start.", .0.text())]
    NotAhead(State),
    /// The gate lets it go on.
    #[error("Nothing stands against it that is not covered already: no override is needed.")]
    NotBlocked,
    /// Nobody could say what is being risked.
    #[error("Name what the work touches first: nobody can answer for a risk that is not known.")]
    NothingNamed,
    /// One request at a time.
    #[error("Somebody has asked already: it waits for a second person.")]
    AlreadyAsked,
    /// Two people means two.
    #[error("You asked for this override yourself: somebody else has to confirm it.")]
    SamePerson,
    /// Only the first person takes a request back; others refuse it.
    #[error("Only the person who asked for this override can withdraw it.")]
    NotTheAsker,
    /// It is over, or in force already.
    #[error("This override is {} already.", .0.text())]
    Is(OverrideState),
    /// The window moved on.
    #[error("The window is not what it was when the override was asked for. Ask again.")]
    Changed,
}

impl OverrideState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Asked, Self::Confirmed, Self::Refused, Self::Withdrawn, Self::Void];

    /// As stored, and as programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Void => "void",
        }
    }

    /// In a sentence: "This override is {…} already".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Asked => "asked for",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Void => "ended",
        }
    }

    /// It is in force, or may come into force.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Confirmed)
    }
}

impl Override {
    /// What the gate is to be asked before an override is asked for; none where it has no say.
    #[must_use]
    pub const fn purpose_for(state: State) -> Option<Purpose> {
        match state {
            State::Draft => Some(Purpose::Schedule),
            State::Scheduled | State::Held => Some(Purpose::Start),
            State::Postponed | State::InProgress | State::Verifying | State::Completed | State::Cancelled => None,
        }
    }

    /// A request: covers all that `verdict` lists. `others` are the overrides of the window so far.
    ///
    /// # Errors
    /// See [`OverrideRefusal`].
    pub fn ask(
        id: OverrideId,
        m: &Maintenance,
        now: Instant,
        by: UserId,
        why: Why,
        verdict: &Verdict,
        others: &[Self],
    ) -> Result<Self, OverrideRefusal> {
        if Self::purpose_for(m.state).is_none() {
            return Err(OverrideRefusal::NotAhead(m.state));
        }
        if others.iter().any(|other| other.state == OverrideState::Asked) {
            return Err(OverrideRefusal::AlreadyAsked);
        }
        if verdict.allows() {
            return Err(OverrideRefusal::NotBlocked);
        }
        if verdict.reasons().iter().any(|finding| finding.reason == Reason::NothingNamed) {
            return Err(OverrideRefusal::NothingNamed);
        }
        Ok(Self {
            id,
            maintenance_id: m.id,
            state: OverrideState::Asked,
            why,
            reasons: verdict.reasons().to_vec(),
            scope: scope(m),
            starts_at: m.planned.starts_at,
            ends_at: m.planned.ends_at,
            asked_by: by,
            asked_at: now,
            confirmed_by: None,
            confirmed_at: None,
            ended_by: None,
            ended_at: None,
            end_why: None,
            version: 1,
        })
    }

    /// The second person says yes: it is in force.
    ///
    /// # Errors
    /// It is the first person, it does not wait for anybody, or the window has changed.
    pub fn confirm(&self, m: &Maintenance, now: Instant, by: UserId) -> Result<Self, OverrideRefusal> {
        if by == self.asked_by {
            return Err(OverrideRefusal::SamePerson);
        }
        if self.state != OverrideState::Asked {
            return Err(OverrideRefusal::Is(self.state));
        }
        if !self.is_for(m) {
            return Err(OverrideRefusal::Changed);
        }
        Ok(Self { state: OverrideState::Confirmed, confirmed_by: Some(by), confirmed_at: Some(now), ..self.clone() })
    }

    /// An approver says no, also after somebody said yes, as long as the work has not begun.
    ///
    /// # Errors
    /// It is over, or the work has begun.
    pub fn refuse(&self, m: &Maintenance, now: Instant, by: UserId, why: Why) -> Result<Self, OverrideRefusal> {
        self.end(m, OverrideState::Refused, now, by, why)
    }

    /// Who asked takes it back, as long as the work has not begun.
    ///
    /// # Errors
    /// Somebody else asked, it is over, or the work has begun.
    pub fn withdraw(&self, m: &Maintenance, now: Instant, by: UserId, why: Why) -> Result<Self, OverrideRefusal> {
        if by != self.asked_by {
            return Err(OverrideRefusal::NotTheAsker);
        }
        self.end(m, OverrideState::Withdrawn, now, by, why)
    }

    fn end(
        &self,
        m: &Maintenance,
        state: OverrideState,
        now: Instant,
        by: UserId,
        why: Why,
    ) -> Result<Self, OverrideRefusal> {
        if !self.state.is_open() {
            return Err(OverrideRefusal::Is(self.state));
        }
        if Self::purpose_for(m.state).is_none() {
            return Err(OverrideRefusal::NotAhead(m.state));
        }
        Ok(Self { state, ended_by: Some(by), ended_at: Some(now), end_why: Some(why), ..self.clone() })
    }

    /// What becomes of it now that the window is this, or that another one is in force: void, or
    /// none where it stays as it is.
    #[must_use]
    pub fn after(&self, m: &Maintenance, now: Instant, replaced: bool) -> Option<Self> {
        let spent = self.state == OverrideState::Confirmed && (m.state.is_under_way() || m.state == State::Completed);
        let stays = !replaced && (spent || self.is_for(m));
        (self.state.is_open() && !stays).then(|| Self {
            state: OverrideState::Void,
            ended_at: Some(now),
            ..self.clone()
        })
    }

    /// The window has still to be scheduled or started, with the time and the scope it had then.
    fn is_for(&self, m: &Maintenance) -> bool {
        m.id == self.maintenance_id
            && Self::purpose_for(m.state).is_some()
            && (m.planned.starts_at, m.planned.ends_at) == (self.starts_at, self.ends_at)
            && scope(m) == self.scope
    }

    /// What stands against the work and was not listed when it was asked for.
    #[must_use]
    pub fn uncovered<'a>(&self, verdict: &'a Verdict) -> Vec<&'a Finding> {
        verdict
            .reasons()
            .iter()
            .filter(|finding| !self.reasons.iter().any(|listed| listed.is_same_as(finding)))
            .collect()
    }

    /// The gate's answer about a window with this override: if it is in force for the window and
    /// covers all that stands against it, the work may go on by it. Otherwise nothing changes.
    #[must_use]
    pub fn apply(&self, m: &Maintenance, verdict: Verdict) -> Verdict {
        let in_force = self.state == OverrideState::Confirmed && self.is_for(m);
        if verdict.allows() || !in_force || !self.uncovered(&verdict).is_empty() {
            return verdict;
        }
        let outcome = Outcome::Overridden {
            by: self.id,
            until: verdict.protections.iter().filter(|p| p.ok).filter_map(|p| p.until).min(),
            reasons: verdict.reasons().to_vec(),
        };
        Verdict { outcome, ..verdict }
    }
}

fn scope(m: &Maintenance) -> Scope {
    Scope { hosts: m.hosts.iter().copied().collect(), components: m.components.iter().copied().collect() }
}

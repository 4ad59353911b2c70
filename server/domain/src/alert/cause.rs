//! The cause of alerts, from the first of them until it is over.

use super::join::Key;
use super::rule::{Doing, Plan, Resolution};
use crate::component::ComponentState;
use crate::ids::{AlertRuleId, CauseId, ComponentId, IncidentId, MaintenanceId};
use crate::incident::{Incident, IncidentState};
use crate::number;
use crate::text::Name;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a cause stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseState {
    /// It has an incident.
    Open,
    /// Work is being done on the hosts: nobody is alarmed.
    Window,
    /// All of its alerts are over.
    Over,
    /// It turned out to be part of another one.
    Merged,
}

impl CauseState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Window, Self::Over, Self::Merged];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Window => "window",
            Self::Over => "over",
            Self::Merged => "merged",
        }
    }

    /// Alerts may still come to it or end in it.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Window)
    }
}

/// What alerts have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Identity.
    pub id: CauseId,
    /// One line, for the team.
    pub title: Name,
    /// Where it stands.
    pub state: CauseState,
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// How the incident stands.
    pub incident_state: Option<IncidentState>,
    /// The work it is attached to.
    pub maintenance: Option<MaintenanceId>,
    /// What it turned out to be part of.
    pub merged_into: Option<CauseId>,
    /// What its alerts have in common; empty once it takes none any more.
    pub keys: BTreeSet<Key>,
    /// What it does to components.
    pub components: BTreeMap<ComponentId, ComponentState>,
    /// The rule that counts; none where none matches.
    pub rule: Option<AlertRuleId>,
    /// Its place in the order of rules.
    pub rank: i64,
    /// What becomes of it.
    pub plan: Plan,
    /// Alerts in it.
    pub alerts: i64,
    /// Those that hold.
    pub firing: i64,
    /// How many more the sender left out.
    pub truncated: i64,
    /// When the first of its alerts began, as far as their sources are believed: see [`Alert::began_at`](super::Alert::began_at).
    pub started_at: Instant,
    /// Its first report.
    pub first_at: Instant,
    /// Its newest change.
    pub last_at: Instant,
    /// Since when nothing fires.
    pub quiet_at: Option<Instant>,
    /// When it is to be published.
    pub publish_at: Option<Instant>,
    /// Since when a person is asked to resolve its incident.
    pub proposed_at: Option<Instant>,
    /// Since when it is over, or part of another one.
    pub ended_at: Option<Instant>,
}

/// What is due in a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Publish its draft.
    Publish,
    /// Discard its draft: it ended before anybody published it. What a person has written in it is theirs to discard.
    Discard,
    /// Ask a person whether the incident is over.
    Propose,
    /// Post the resolution; a person is asked where that would say more than its alerts do: see [`Cause::ends`].
    Resolve,
    /// Nothing is left to do.
    Close,
}

impl Cause {
    /// New alerts may join it: its incident, if it has one, is not over.
    #[must_use]
    pub fn takes_alerts(&self) -> bool {
        match self.state {
            CauseState::Open => !self.is_decided(),
            CauseState::Window => true,
            CauseState::Over | CauseState::Merged => false,
        }
    }

    /// A person has said that it is over, or nothing for customers.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        matches!(self.incident_state, Some(IncidentState::Resolved | IncidentState::Discarded))
    }

    /// Customers know of it.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.incident_state.is_some_and(IncidentState::is_public)
    }

    /// A rule publishes it. What touches no component that we know would be told to everybody: a person decides on it,
    /// whatever the rule says.
    #[must_use]
    pub fn publishes_itself(&self) -> bool {
        self.plan.doing == Doing::Publish && !self.components.is_empty()
    }

    /// How many of its alerts fire on where its incident goes from one state to another: who says that it is over is asked
    /// back about them.
    #[must_use]
    pub fn fires_on(&self, before: IncidentState, after: IncidentState) -> i64 {
        let is_end = (before.is_open() || before == IncidentState::Draft) && after == IncidentState::Resolved;
        if is_end && self.state == CauseState::Open { self.firing } else { 0 }
    }

    /// Its draft would be the same.
    #[must_use]
    pub fn drafts_as(&self, other: &Self) -> bool {
        (&self.title, &self.components, &self.plan, self.started_at)
            == (&other.title, &other.components, &other.plan, other.started_at)
    }

    /// Its incident is still to be made, or may have to follow what it was before.
    #[must_use]
    pub fn moves_incident(&self, before: Option<&Self>) -> bool {
        let is_same = |before: &Self| before.components == self.components;
        self.state == CauseState::Open
            && match (self.incident, self.incident_state) {
                (None, _) => true,
                (Some(_), Some(IncidentState::Draft)) => before.is_some_and(|before| !before.drafts_as(self)),
                (Some(_), Some(state)) => {
                    state.is_open() && self.plan.doing == Doing::Publish && !before.is_some_and(is_same)
                }
                (Some(_), None) => false,
            }
    }

    /// The components that are worse than its incident says.
    #[must_use]
    pub fn worse_than(&self, incident: &Incident) -> BTreeMap<ComponentId, ComponentState> {
        let said = |id| incident.components.get(id).copied().unwrap_or(ComponentState::Operational);
        self.components.iter().filter(|(id, state)| **state > said(id)).map(|(id, state)| (*id, *state)).collect()
    }

    /// With its alerts its incident is over: that names components, and all that are not well are among its own. What a
    /// person said of others, or of the whole site, is a person's to end.
    #[must_use]
    pub fn ends(&self, incident: &Incident) -> bool {
        !incident.components.is_empty() && incident.open_states().keys().all(|id| self.components.contains_key(id))
    }

    /// What it says that is worse than its incident, since anything was said or changed there: customers do not know of it.
    #[must_use]
    pub fn untold(&self, incident: &Incident) -> BTreeMap<ComponentId, ComponentState> {
        let is_live = self.state == CauseState::Open && self.firing > 0 && incident.state.is_open();
        if is_live && self.last_at >= incident.updated_at { self.worse_than(incident) } else { BTreeMap::new() }
    }

    /// Forgets the delay where a person published or discarded the draft before it ran out, or where nothing is published
    /// by itself. Says whether it did.
    pub fn forget_delay(&mut self) -> bool {
        let is_decided = self.incident_state.is_some_and(|s| s != IncidentState::Draft);
        let forgets = self.publish_at.is_some() && (is_decided || !self.publishes_itself());
        if forgets {
            self.publish_at = None;
        }
        forgets
    }

    /// Takes note of how many of its alerts hold now.
    pub fn follow(&mut self, now: Instant) {
        if self.firing > 0 {
            let came_back = self.quiet_at.take().is_some();
            self.proposed_at = None;
            let waits = self.state == CauseState::Open && self.publishes_itself() && !self.is_published();
            if !waits || self.is_decided() {
                self.publish_at = None;
            } else if came_back || self.publish_at.is_none() {
                self.publish_at = Some(self.plan.delay.after(if came_back { now } else { self.first_at }));
            }
        } else {
            self.quiet_at = self.quiet_at.or(Some(now));
            self.publish_at = None;
        }
    }

    /// When something is due; a window's end is due by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        if self.state != CauseState::Open {
            return None;
        }
        match self.quiet_at {
            // A person is asked already; the incident's end is due by itself.
            Some(_) if self.proposed_at.is_some() => None,
            Some(quiet) => Some(self.plan.quiet_for.after(quiet)),
            None => self.publish_at,
        }
    }

    /// What is due now.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<Step> {
        let is_quiet = self.state == CauseState::Open && self.quiet_at.is_some();
        if is_quiet && self.proposed_at.is_some() {
            return self.is_decided().then_some(Step::Close);
        }
        if self.next_due().is_none_or(|due| now < due) {
            return None;
        }
        if !is_quiet {
            return Some(Step::Publish);
        }
        Some(match (self.incident_state, self.plan.resolution) {
            (Some(IncidentState::Draft), _) => Step::Discard,
            (Some(state), Resolution::Post) if state.is_open() => Step::Resolve,
            (Some(state), Resolution::Propose) if state.is_open() => Step::Propose,
            _ => Step::Close,
        })
    }

    /// It is over.
    pub fn close(&mut self, now: Instant) {
        self.state = CauseState::Over;
        self.ended_at = Some(now);
        self.publish_at = None;
        self.keys.clear();
    }

    /// "1,333 alerts still fire"
    #[must_use]
    pub fn still_fires(&self) -> String {
        match self.firing {
            1 => "1 alert still fires".to_owned(),
            n => format!("{} alerts still fire", number::count(n)),
        }
    }

    /// "37 alerts", with those that the sender left out.
    #[must_use]
    pub fn count(&self) -> String {
        let alerts =
            if self.alerts == 1 { "1 alert".to_owned() } else { format!("{} alerts", number::count(self.alerts)) };
        if self.truncated > 0 {
            format!("{alerts}, and {} more that were cut off", number::count(self.truncated))
        } else {
            alerts
        }
    }
}

//! Incidents: what broke, what was said when, and how each component was (see [`transition`]).

pub mod lasted;
mod public;
#[cfg(test)]
mod tests;
pub mod times;
pub mod transition;

pub use public::{site_sentence, weight};

use crate::component::ComponentState;
use crate::ids::{ComponentId, IncidentId, IncidentUpdateId, MaintenanceId, UserId};
use crate::people::Role;
use crate::text::{Name, Prose};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Where an incident stands. The four public states come in any order; `resolved` may be reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Known to the team alone: alerts or a person opened it, nobody has published it.
    Draft,
    /// Published: the cause is being looked for.
    Investigating,
    /// Published: the cause is known.
    Identified,
    /// Published: mended, and being watched.
    Monitoring,
    /// Over.
    Resolved,
    /// A draft that nobody needs to hear of.
    Discarded,
}

/// How bad an incident is for customers, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is worse than usual.
    None,
    /// Something works worse.
    Minor,
    /// Something does not work for some.
    Major,
    /// Something does not work.
    Critical,
}

/// A severity that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose none, minor, major or critical.")]
pub struct UnknownSeverity;

/// A state that no update can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnknownState {
    /// There is none of this name.
    #[error("Choose investigating, identified, monitoring or resolved.")]
    None,
    /// Planned work is something else.
    #[error("An incident is not planned: plan a maintenance window instead.")]
    Planned,
}

/// What broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Identity.
    pub id: IncidentId,
    /// Small number for people: `I-7`.
    pub number: i64,
    /// One line.
    pub title: Name,
    /// Where it stands.
    pub state: IncidentState,
    /// Its severity by decision; else it follows from the components.
    pub severity_override: Option<Severity>,
    /// The components with the newest state it said of each while it was open; `Operational` means
    /// recovered. Reopening takes them up again. How they are now: [`Incident::open_states`].
    pub components: BTreeMap<ComponentId, ComponentState>,
    /// The worst it ever said of a component: it stays as bad as it was when all recover.
    pub worst: ComponentState,
    /// What the first update is to say, while it is a draft.
    pub draft_text: Prose,
    /// When the trouble began.
    pub started_at: Instant,
    /// When customers were first told.
    pub published_at: Option<Instant>,
    /// When it was over.
    pub resolved_at: Option<Instant>,
    /// Entered after the fact: marked, and nobody was told.
    pub is_backfilled: bool,
    /// The window that caused it.
    pub maintenance: Option<MaintenanceId>,
    /// Who opened it; none for the system.
    pub created_by: Option<UserId>,
    /// When it was opened.
    pub created_at: Instant,
    /// When anything about it changed.
    pub updated_at: Instant,
    /// Counts changes.
    pub version: i64,
}

/// A published line in the timeline of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentUpdate {
    /// Identity.
    pub id: IncidentUpdateId,
    /// Whose timeline.
    pub incident: IncidentId,
    /// The state it said.
    pub state: IncidentState,
    /// Markdown.
    pub body: Prose,
    /// When it was said.
    pub at: Instant,
    /// Who, for the team; none for the system.
    pub author: Option<UserId>,
    /// What they were, for customers; none for the system.
    pub author_role: Option<Role>,
    /// The components it named.
    pub components: BTreeMap<ComponentId, ComponentState>,
    /// Whether subscribers were told of it.
    pub told: bool,
    /// When its text was last mended.
    pub edited_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

impl IncidentState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved, Self::Discarded];

    /// As it is stored and as the API says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }

    /// For customers.
    #[must_use]
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Investigating => "Investigating",
            Self::Identified => "Identified",
            Self::Monitoring => "Monitoring",
            Self::Resolved => "Resolved",
            Self::Discarded => "Discarded",
        }
    }

    /// The states that customers read, in the order in which they mostly come.
    pub const PUBLIC: [Self; 4] = [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    /// The states of a published incident that is not over.
    pub const OPEN: [Self; 3] = [Self::Investigating, Self::Identified, Self::Monitoring];

    /// A state that an update can say.
    ///
    /// # Errors
    /// There is none of this name, or it is none for customers.
    pub fn parse_public(text: &str) -> Result<Self, UnknownState> {
        let text = text.trim();
        if text == "scheduled" {
            return Err(UnknownState::Planned);
        }
        Self::PUBLIC.into_iter().find(|known| known.as_str() == text).ok_or(UnknownState::None)
    }

    /// Published and not over.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Investigating | Self::Identified | Self::Monitoring)
    }

    /// What customers may read.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Investigating | Self::Identified | Self::Monitoring | Self::Resolved)
    }
}

impl Severity {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [Self::None, Self::Minor, Self::Major, Self::Critical];

    /// As it is stored and as the API says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Minor => "Minor",
            Self::Major => "Major",
            Self::Critical => "Critical",
        }
    }

    /// The severity of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownSeverity)
    }

    /// What the state of a component makes an incident.
    #[must_use]
    pub const fn of(state: ComponentState) -> Self {
        match state {
            ComponentState::Operational | ComponentState::UnderMaintenance => Self::None,
            ComponentState::DegradedPerformance => Self::Minor,
            ComponentState::PartialOutage => Self::Major,
            ComponentState::MajorOutage => Self::Critical,
        }
    }
}

/// A text that an edit has replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedText {
    /// Whose.
    pub update: IncidentUpdateId,
    /// The version that it was.
    pub version: i64,
    /// Markdown.
    pub body: Prose,
    /// When it was replaced.
    pub replaced_at: Instant,
    /// By whom, for the team; none for the system.
    pub replaced_by: Option<UserId>,
}

impl Incident {
    /// How bad it is: by decision, else by the worst it said of a component.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity_override.unwrap_or(Severity::of(self.worst))
    }

    /// Leaves only what those know who know nothing of these components: how bad it is follows from the others alone.
    /// `updates` are all of its timeline.
    pub fn hide(&mut self, hidden: &BTreeSet<ComponentId>, updates: &[IncidentUpdate]) {
        let (hushed, told): (Vec<_>, Vec<_>) = updates
            .iter()
            .flat_map(|update| &update.components)
            .chain(&self.components)
            .map(|(id, state)| (*id, *state))
            .partition(|(id, _)| hidden.contains(id));
        if !hushed.is_empty() {
            self.worst = told.into_iter().map(|(_, state)| state).max().unwrap_or(ComponentState::Operational);
            self.components.retain(|id, _| !hidden.contains(id));
        }
    }

    /// Whether it ever said that this component is not well; `updates` are all of its timeline. Of what was entered
    /// afterwards each line may have replaced what held from its start on, so that all of its components count.
    #[must_use]
    pub fn touched(&self, component: ComponentId, updates: &[IncidentUpdate]) -> bool {
        let mut said = updates.iter().map(|update| &update.components).chain([&self.components]);
        self.is_backfilled
            || said.any(|said| said.get(&component).is_some_and(|state| *state != ComponentState::Operational))
    }

    /// The components that are not well now, with their states: none unless it is open.
    #[must_use]
    pub fn open_states(&self) -> BTreeMap<ComponentId, ComponentState> {
        let ill = self.components.iter().filter(|(_, state)| **state != ComponentState::Operational);
        if self.state.is_open() { ill.map(|(id, state)| (*id, *state)).collect() } else { BTreeMap::new() }
    }

    /// Whether it is not over and says, or as a draft would say, that this component is not well.
    #[must_use]
    pub fn concerns(&self, component: ComponentId) -> bool {
        (self.state == IncidentState::Draft || self.state.is_open())
            && self.components.get(&component).is_some_and(|state| *state != ComponentState::Operational)
    }

    /// Whether subscribers hear of what is said next where nobody chose: of what was entered afterwards they never heard.
    #[must_use]
    pub const fn tells_unasked(&self) -> bool {
        !self.is_backfilled
    }

    /// For people: `I-7`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("I-{}", self.number)
    }
}

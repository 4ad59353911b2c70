//! How components were, from when to when, and by what: the history that states and figures are made of.

use crate::component::ComponentState;
use crate::ids::{ComponentId, ImpactId, UserId};
use crate::text::Why;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a component was, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Nobody can say: neither up nor down.
    Unknown,
    /// In this state.
    #[serde(untagged)]
    State(ComponentState),
}

/// Why a component was in a state. A correction beats an override, an override beats the rest, and of the
/// rest the worst wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An incident said so.
    Incident,
    /// A window was under way.
    Maintenance,
    /// Somebody set it by hand.
    Override,
    /// Somebody corrected the history.
    Correction,
}

/// A stretch of time in which a component was in a state, by one source. Stretches of several sources overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Identity.
    pub id: ImpactId,
    /// Whose state.
    pub component: ComponentId,
    /// What it was.
    pub known: Known,
    /// By what.
    pub source: Source,
    /// The incident, the window, the component (override) or the correction.
    pub source_id: Uuid,
    /// From here on.
    pub from: Instant,
    /// Up to here, exclusive; none while it lasts.
    pub to: Option<Instant>,
}

impl Source {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Maintenance => "maintenance",
            Self::Override => "override",
            Self::Correction => "correction",
        }
    }
}

/// The state of each component that is not operational, from the stretches that are open: what was set
/// by hand holds over the rest, and of the rest the worst wins. Nothing open means operational.
#[must_use]
pub fn component_states<'a>(open: impl IntoIterator<Item = &'a Impact>) -> BTreeMap<ComponentId, ComponentState> {
    let mut strongest: BTreeMap<ComponentId, (Rank, ComponentState)> = BTreeMap::new();
    for impact in open {
        let Known::State(state) = impact.known else { continue };
        let candidate = (Rank::of(impact.source), state);
        let held = strongest.entry(impact.component).or_insert(candidate);
        *held = candidate.max(*held);
    }
    let ill = strongest.into_iter().map(|(id, (_, state))| (id, state));
    ill.filter(|(_, state)| *state != ComponentState::Operational).collect()
}

/// What incidents alone say of a component at this moment.
#[must_use]
pub fn said_by_incidents<'a>(open: impl IntoIterator<Item = &'a Impact>, of: ComponentId) -> ComponentState {
    let of_incidents = |impact: &&Impact| impact.component == of && impact.source == Source::Incident;
    component_states(open.into_iter().filter(of_incidents)).remove(&of).unwrap_or(ComponentState::Operational)
}

/// Whether a state set by hand is better than what incidents say. The figures count it all the same, and so less of the
/// outage or nothing; planned work costs nothing in one of them and all of its time in the other.
#[must_use]
pub fn hides_outage(by_hand: ComponentState, incidents: ComponentState) -> bool {
    by_hand < incidents
}

/// Whose word holds over whose, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// What follows from incidents and windows.
    Derived,
    /// What was set by hand.
    ByHand,
    /// What was corrected.
    Corrected,
}

impl Rank {
    /// The rank of a source.
    #[must_use]
    pub const fn of(source: Source) -> Self {
        match source {
            Source::Incident | Source::Maintenance => Self::Derived,
            Source::Override => Self::ByHand,
            Source::Correction => Self::Corrected,
        }
    }
}

/// A state set by hand, over all that follows from incidents and windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentOverride {
    /// Whose.
    pub component: ComponentId,
    /// What it is said to be.
    pub state: ComponentState,
    /// Why; colleagues read it.
    pub reason: Why,
    /// Since when.
    pub since: Instant,
    /// By whom; none for the system.
    pub set_by: Option<UserId>,
    /// Counts edits.
    pub version: i64,
}

#[cfg(test)]
mod tests;

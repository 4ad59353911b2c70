//! How components were, from when to when, and by what: the history that states and figures are made of.

use crate::component::ComponentState;
use crate::ids::{ComponentId, ImpactId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
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

//! Components: what customers know, in ordered groups.

use crate::ids::{ComponentId, GroupId};
use crate::text::{Name, Slug};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// A component's state, best first: the order is the order of badness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// Works.
    Operational,
    /// Planned work is being done on it.
    UnderMaintenance,
    /// Works worse than it should.
    DegradedPerformance,
    /// Does not work for some.
    PartialOutage,
    /// Does not work.
    MajorOutage,
}

/// A state that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose operational, under_maintenance, degraded_performance, partial_outage or major_outage.")]
pub struct UnknownComponentState;

impl ComponentState {
    /// All of them, best first.
    pub const ALL: [Self; 5] =
        [Self::Operational, Self::UnderMaintenance, Self::DegradedPerformance, Self::PartialOutage, Self::MajorOutage];

    /// As it is stored and as the API says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::UnderMaintenance => "under_maintenance",
            Self::DegradedPerformance => "degraded_performance",
            Self::PartialOutage => "partial_outage",
            Self::MajorOutage => "major_outage",
        }
    }

    /// The state of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownComponentState> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownComponentState)
    }
}

/// An ordered group of components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Identity.
    pub id: GroupId,
    /// Unique.
    pub name: Name,
    /// Order on the page.
    pub position: i64,
    /// Counts edits.
    pub version: i64,
}

/// What customers know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Identity.
    pub id: ComponentId,
    /// Where it stands; none stands before the first group.
    pub group_id: Option<GroupId>,
    /// Unique among those in use.
    pub name: Name,
    /// Its part in addresses.
    pub slug: Slug,
    /// One line for customers.
    pub description: String,
    /// Order in its group.
    pub position: i64,
    /// For the team alone: absent from every public page, feed and mail.
    #[serde(default)]
    pub is_private: bool,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// What customers may know of the components that something touches. None where all of them are
/// private: then it is public nowhere. What touches no component concerns the whole site.
#[must_use]
pub fn public_part(
    touched: impl IntoIterator<Item = ComponentId>,
    private: &BTreeSet<ComponentId>,
) -> Option<BTreeSet<ComponentId>> {
    let (hidden, shown): (BTreeSet<_>, BTreeSet<_>) = touched.into_iter().partition(|id| private.contains(id));
    (hidden.is_empty() || !shown.is_empty()).then_some(shown)
}

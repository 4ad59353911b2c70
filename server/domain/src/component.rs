//! Components: what customers know, in ordered groups.

use crate::ids::{ComponentId, GroupId};
use crate::text::{Name, Slug};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

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
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

//! Planning and running windows. Every decision is one transaction: the window as it is, the
//! gate's answer, the domain's transition, and everything that follows from it.

pub mod decide;
pub mod due;
mod history;
pub mod input;
pub mod look;
pub mod overriding;
pub mod preview;
pub mod series;
pub mod zone_moves;

pub use decide::{ExtendInput, Planning, Target};
pub use input::{MaintenanceInput, TimeLook, Typed, Words};
pub use look::{
    Choices, Detail, GateLook, HeldBack, HostTree, Listing, MaintenanceQuery, NeedsMe, Position, RadiusHost, Readiness,
    position_text, read_position,
};
pub use overriding::{OverrideLook, SecondPerson};
pub use preview::{Specimen, Step};
pub use series::{
    Dated, Preview, Repeats, SeriesDetail, SeriesInput, SeriesLine, SeriesOf, SeriesWaiting, TypedSeries, Upcoming,
};
pub use zone_moves::ZoneMoveLook;

use domain::gate::Scope;
use domain::maintenance::Maintenance;

/// What a window names.
#[must_use]
pub fn scope_of(m: &Maintenance) -> Scope {
    Scope { hosts: m.hosts.iter().copied().collect(), components: m.components.iter().copied().collect() }
}

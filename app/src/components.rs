//! Pieces that pages are made of. They know the style sheet's words, pages need not. They take the
//! plain values of [`crate::view`] and never load anything.

pub mod bar;
pub mod button;
pub mod calendar;
pub mod card;
pub mod cause;
pub mod cells;
pub mod chart;
pub mod figure;
pub mod form;
pub mod frame;
pub mod group;
pub mod icon;
pub mod log;
pub mod message;
pub mod plot;
pub mod state;
pub mod table;
pub mod timeline;
pub mod tree;
pub mod verdict;
pub mod window;

pub use bar::{AvailabilityBar, BarLegend};
pub use button::{Action, Actions, Button, ButtonLink};
pub use calendar::{CalendarBar, DayList, MonthGrid, WeekGrid};
pub use card::{Card, Disclosure, Fact, Facts, PageHeader, Section, Title};
pub use cause::CauseChoice;
pub use cells::{Cells, Counts};
pub use chart::{Bars, LineChart, Tiles};
pub use figure::FigureList;
pub use form::{Boxes, Checkbox, Choices, Field, Hidden, Picker, Question, Select, TextArea, Trap};
pub use frame::{AdminLayout, PublicLayout, Sheet};
pub use group::{ComponentGroup, ComponentGroups, ComponentStates};
pub use icon::{Fermata, Icon, Sprite};
pub use log::LogList;
pub use message::{AttentionList, Copy, EmptyState, ErrorSummary, Flash, Hero, Pager};
pub use plot::{PlotLegend, RunPlot};
pub use state::{Proof, StateBadge, States, TimeRange};
pub use table::DataTable;
pub use timeline::Timeline;
pub use tree::{BlastRadius, HostTree};
pub use verdict::{Reason, VerdictPanel};
pub use window::{PlanList, WindowCard};

/// Text for the places that the renderer leaves as they are: in a `textarea` and in the page's
/// `title` a `</…>` would end the element and begin another.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(all(test, feature = "ssr"))]
mod tests;

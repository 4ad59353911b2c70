//! What the calendar shows.

use super::{OptionView, StateView};

/// Where the reader is in the calendar, and the ways on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarBarView {
    /// `November 2026`
    pub title: String,
    /// The month or week before.
    pub previous: String,
    /// The one after.
    pub next: String,
    /// The one that holds today.
    pub today: String,
    /// The month that is shown, or that holds the week.
    pub month: String,
    /// The week that is shown, or the first one of the month.
    pub week: String,
    /// A week is shown.
    pub is_week: bool,
    /// Zones to choose.
    pub zones: Vec<OptionView>,
    /// Parts of the query to keep when the zone changes.
    pub keep: Vec<(String, String)>,
}

/// A window on one day, or in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// Its page.
    pub href: String,
    /// What is done.
    pub title: String,
    /// Its time on this day: `20:00–22:00`, `from 20:00`, `until 04:00`, `all day`.
    pub time: String,
    /// When it begins on this day: `20:00`; empty where it goes on from the day before.
    pub start: String,
    /// Where it stands.
    pub state: StateView,
}

/// A freeze on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkView {
    /// Its page.
    pub href: String,
    /// `Christmas trade`
    pub name: String,
    /// Its time on this day.
    pub time: String,
    /// It blocks; else it warns.
    pub blocks: bool,
}

/// A day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayCellView {
    /// `2026-11-28`
    pub date: String,
    /// `28`
    pub number: String,
    /// `Sat`
    pub weekday: String,
    /// `Sat 28 Nov`
    pub label: String,
    /// Belongs to the month before or after.
    pub is_other: bool,
    /// Today.
    pub is_today: bool,
    /// Over.
    pub is_past: bool,
    /// Plans work on this day; empty where that can not be.
    pub plan: String,
    /// Its week.
    pub week: String,
    /// Windows.
    pub events: Vec<EventView>,
    /// Freezes.
    pub marks: Vec<MarkView>,
    /// `Backups 01:00–04:30`; empty where there are none.
    pub backups: String,
    /// `1 run failed`; empty where none did.
    pub failed: String,
    /// `23 hours: the clocks go forward`; empty on other days.
    pub note: String,
    /// The day as a line, drawn: the content of an SVG 1,440 wide and 10 high.
    pub strip: String,
}

/// One hour of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HourCellView {
    /// `CEST`, where the same hour comes twice; else empty.
    pub which: String,
    /// Plans work from this hour on; empty where that can not be.
    pub plan: String,
    /// `Plan work on Sat 28 Nov, 14:00`
    pub plan_label: String,
    /// How busy backups are, 0 to 3.
    pub busy: u8,
    /// These backups are expected, not reported.
    pub is_expected: bool,
    /// It is this hour now.
    pub is_now: bool,
    /// Within a freeze, and whether that blocks.
    pub frozen: Option<bool>,
    /// Windows side by side: none where the place is free.
    pub lanes: Vec<Option<BlockView>>,
}

/// A part of a window in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// The window.
    pub event: EventView,
    /// It is named here: its first hour on this day.
    pub is_first: bool,
    /// It ends here.
    pub is_last: bool,
}

/// The same hour of seven days; a day may have none or two of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourRowView {
    /// `02:00`
    pub label: String,
    /// By day.
    pub days: Vec<Vec<HourCellView>>,
}

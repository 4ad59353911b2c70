//! Work that repeats. A series makes windows; each of them is a window like any other, scheduled by
//! the ordinary path and so by every rule that holds for windows.
//!
//! What was thought through:
//!
//! - **The gate is asked for each window when it is made.** Confirmed: it is scheduled. Blocked: it is
//!   kept as a draft, the series is named on "needs me now", and the worker asks again every minute
//!   until the gate says yes. Nothing is published unconfirmed, and before each start the gate is asked
//!   again as for every window. While a draft waits, no more than the next two exist: sixty drafts with
//!   one cause would help nobody. A draft whose start passes is put aside, unseen by customers.
//! - **Each window is made in a transaction of its own**, by the key of series and date once on all
//!   nodes. Whoever sets up a series gets its first window in the same transaction as the series;
//!   the rest follows at once, and after a crash from the worker. What stands against one date (a host
//!   that was retired) is kept as the series' problem, named on "needs me now", and does not stop other
//!   dates.
//! - **One mail per decision, not one per window.** Publishing the first window is told, with the rule
//!   in words; a change or the end of the series is told with the first window it touches. The others
//!   change on the page, in feeds and in calendars, each with its own line and revision. A window that
//!   is moved or called off alone is told like any other, and so are its start, its end and what else
//!   becomes of it.
//! - **A change of the series** reaches windows that have not begun and were not moved, keeps in each
//!   what was changed in it alone, and moves a window to its new place in the same week or month before
//!   it would call it off. If the gate refuses the change, nothing changes.
//! - **A window that was called off is never made again**: its date is dealt with. So is that of a draft
//!   that was thrown away.

mod change;
mod input;
mod look;
mod make;
mod telling;

pub use input::{Repeats, SeriesInput, TypedSeries};
pub use look::{Dated, Preview, SeriesDetail, SeriesLine, SeriesWaiting, Upcoming};
pub(crate) use telling::Publish;
pub use telling::SeriesOf;

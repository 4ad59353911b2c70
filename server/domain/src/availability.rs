//! How much of the time a component was there, from the stretches in which it was known to be in a state.
//!
//! In every instant one state counts: a correction over an override, an override over what follows from
//! incidents and windows, and of these the worst. Of two corrections the newer one counts. Before a component
//! was entered, after it was taken out of use, and where a correction says so, nobody knows: that time is
//! neither up nor down, and is shown apart.
//!
//! Time is counted in whole milliseconds, so that days, months and years add up exactly. Only what is shown is
//! rounded: a percentage down to a hundredth, so that "100 %" means that nothing at all was lost; a length of
//! time to the second.
//!
//! There are two figures. In one planned work costs nothing, in the other it counts as a major outage does.
//! What broke while work was planned costs in both.

mod tally;
mod timeline;
mod weights;

pub use tally::{Planned, Share, Tally};
pub use timeline::{Life, Mode, Segment, now_and_since, tallies, timeline};
pub use weights::{Weights, WeightsError};

#[cfg(test)]
mod tests;

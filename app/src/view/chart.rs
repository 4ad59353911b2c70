//! What plots show: places already worked out, words already chosen.

use super::Tone;

/// A line over time, with its scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartView {
    /// The whole in one sentence, for those who hear it.
    pub summary: String,
    /// Marks of the scale, from the top down, evenly spaced.
    pub scale: Vec<String>,
    /// Marks of time, from the left, evenly spaced.
    pub times: Vec<String>,
    /// Stretches without a gap, each with its places: from the left and from the bottom, 0 to 1.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Months beside each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarsView {
    /// The whole in one sentence.
    pub summary: String,
    /// From the bottom, 0 to 1; none where nothing is known.
    pub bars: Vec<Option<f64>>,
}

/// A number that is worth a place of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TileView {
    /// What it is.
    pub label: String,
    /// The number.
    pub value: String,
    /// What stands below it: the change, what it is made of.
    pub note: String,
    /// What the note means.
    pub tone: Tone,
    /// The months before.
    pub bars: Option<BarsView>,
    /// Something more: what twelve months make.
    pub more: String,
}

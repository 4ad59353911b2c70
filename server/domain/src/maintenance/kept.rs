//! Answers of the gate that decided something: kept with a window, and never changed.

use crate::gate::Verdict;
use crate::ids::{MaintenanceId, VerdictId};
use serde::{Deserialize, Serialize};

/// Why the gate was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// To publish the window, or to give it a new time.
    Schedule,
    /// Its scope or time was changed.
    Change,
    /// A day before the start.
    DayBefore,
    /// At the policy's lead before the start.
    Lead,
    /// To begin the work: at its start, by hand, or early.
    Start,
    /// A run was reported while it was held.
    Report,
}

impl Occasion {
    /// As operators read it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Schedule => "Asked to schedule",
            Self::Change => "Asked for a change",
            Self::DayBefore => "Checked a day before",
            Self::Lead => "Checked before the start",
            Self::Start => "Asked to start",
            Self::Report => "Asked again while held",
        }
    }
}

/// A kept answer. Its evidence is stored beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVerdict {
    /// Identity.
    pub id: VerdictId,
    /// Of which window.
    pub maintenance_id: MaintenanceId,
    /// Why it was asked.
    pub occasion: Occasion,
    /// The answer.
    pub verdict: Verdict,
}

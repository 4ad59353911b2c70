//! The words of drills, as stored, as sent and for people.

use super::{DrillKind, DrillState, UnknownKind, UnknownState, Worth};
use std::str::FromStr;

impl FromStr for DrillState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text.trim()).ok_or(UnknownState)
    }
}

impl DrillState {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Self; 5] = [Self::Planned, Self::Running, Self::Succeeded, Self::Failed, Self::Abandoned];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// For people, after "this drill is": "given up".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Planned => "planned and has not begun",
            Self::Running => "running",
            Self::Succeeded => "over: it succeeded",
            Self::Failed => "over: it failed",
            Self::Abandoned => "given up",
        }
    }

    /// Something is still to come.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::Running)
    }
}

impl FromStr for DrillKind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text.trim()).ok_or(UnknownKind)
    }
}

impl DrillKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Restore, Self::Verify];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Verify => "verify",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Restore => "Restore",
            Self::Verify => "Verification: the backup was only read",
        }
    }
}

impl FromStr for Worth {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|worth| worth.as_str() == text).ok_or(())
    }
}

impl Worth {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Evidence, Self::Proof, Self::Measured];

    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Evidence => "evidence",
            Self::Proof => "proof",
            Self::Measured => "measured",
        }
    }
}

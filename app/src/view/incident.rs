//! What is shown of incidents.

use super::{Shape, StateView, Tone};
use domain::incident::{IncidentState, Severity};

impl From<IncidentState> for StateView {
    fn from(state: IncidentState) -> Self {
        let (tone, shape) = match state {
            IncidentState::Draft => (Tone::Quiet, Shape::Draft),
            IncidentState::Investigating => (Tone::Major, Shape::Verifying),
            IncidentState::Identified => (Tone::Partial, Shape::Partial),
            IncidentState::Monitoring => (Tone::Degraded, Shape::Running),
            IncidentState::Resolved => (Tone::Ok, Shape::Ok),
            IncidentState::Discarded => (Tone::Quiet, Shape::Cancelled),
        };
        Self::new(tone, shape, state.public_text())
    }
}

impl From<Severity> for StateView {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::None => Self::new(Tone::Quiet, Shape::Note, "No impact"),
            Severity::Minor => Self::new(Tone::Degraded, Shape::Degraded, "Minor"),
            Severity::Major => Self::new(Tone::Partial, Shape::Partial, "Major"),
            Severity::Critical => Self::new(Tone::Major, Shape::Major, "Critical"),
        }
    }
}

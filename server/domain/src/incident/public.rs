//! The page in one sentence.

use super::{Incident, Severity};
use crate::component::ComponentState;
use crate::maintenance::{Maintenance, listed, windows_sentence};
use crate::time::Instant;

/// What matters more among incidents is greater: the worse one, of two that are as bad the one that began later.
#[must_use]
pub fn weight(incident: &Incident) -> (Severity, Instant, i64) {
    (incident.severity(), incident.started_at, incident.number)
}

/// The page in one sentence, its `h1`: what is broken, else what is being looked into, else work.
/// `incidents` are the open ones that customers may know of; `states` are the names of the public
/// components with their states, in the order of the page; `windows` as [`windows_sentence`] takes them.
#[must_use]
pub fn site_sentence(
    incidents: &[&Incident],
    states: &[(&str, ComponentState)],
    windows: &[(&Maintenance, Vec<String>)],
) -> String {
    let worst = states.iter().map(|(_, state)| *state).max().unwrap_or(ComponentState::Operational);
    if worst > ComponentState::UnderMaintenance {
        let names: Vec<&str> = states.iter().filter(|(_, state)| *state == worst).map(|(name, _)| *name).collect();
        if let Some(names) = listed(&names) {
            return format!("{} on {names}", worst.public_text());
        }
    }
    match incidents.iter().max_by_key(|incident| weight(incident)) {
        Some(incident) => format!("{}: {}", incident.state.public_text(), incident.title),
        None => windows_sentence(windows),
    }
}

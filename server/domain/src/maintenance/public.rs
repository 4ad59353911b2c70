//! What customers read about windows, in plain English.

use super::{Maintenance, State, UpdateKind};
use crate::component::ComponentState;
use crate::gate::{Scope, Topology, blast_radius};
use crate::ids::ComponentId;
use std::collections::BTreeSet;

impl State {
    /// For customers: "Delayed: waiting for a backup to be confirmed".
    #[must_use]
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Draft => "Not published",
            Self::Scheduled => "Scheduled",
            Self::Held => "Delayed: waiting for a backup to be confirmed",
            Self::Postponed => "Postponed: a new time will be announced",
            Self::InProgress => "In progress",
            Self::Verifying => "Verifying: the work is done and is being checked",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// In a sentence: "This window is {…}", and on a badge.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Draft => "a draft",
            Self::Scheduled => "scheduled",
            Self::Held => "on hold",
            Self::Postponed => "postponed",
            Self::InProgress => "in progress",
            Self::Verifying => "being checked",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl UpdateKind {
    /// The heading of a line in the timeline.
    #[must_use]
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Rescheduled => "New time",
            Self::Changed => "Changed",
            Self::Extended => "Extended",
            Self::Held => "Delayed",
            Self::Postponed => "Postponed",
            Self::Started => "Started",
            Self::Verifying => "Being checked",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
            Self::Note => "Update",
        }
    }

    /// What to say where nobody wrote a body.
    #[must_use]
    pub const fn public_sentence(self) -> &'static str {
        match self {
            Self::Scheduled => "This work is planned.",
            Self::Rescheduled => "This work has a new time.",
            Self::Changed => "The description of this work has changed.",
            Self::Extended => "This work takes longer than planned.",
            Self::Held => "This work has not begun: it waits until a backup is confirmed.",
            Self::Postponed => "This work did not begin in its planned time. A new time will be announced.",
            Self::Started => "Work has begun.",
            Self::Verifying => "The work is done and is being checked.",
            Self::Completed => "The work is done.",
            Self::Cancelled => "This work will not be done.",
            Self::Note => "",
        }
    }
}

impl ComponentState {
    /// For customers.
    #[must_use]
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Operational => "Operational",
            Self::UnderMaintenance => "Under maintenance",
            Self::DegradedPerformance => "Degraded performance",
            Self::PartialOutage => "Partial outage",
            Self::MajorOutage => "Major outage",
        }
    }
}

/// The components a scope touches: those named, else those with a host in the
/// blast radius. Who names components says what customers are to hear.
#[must_use]
pub fn affected_components(scope: &Scope, topology: &Topology) -> BTreeSet<ComponentId> {
    if !scope.components.is_empty() {
        return scope.components.clone();
    }
    let radius = blast_radius(scope, topology);
    topology.behind.iter().filter(|(_, host)| radius.contains(host)).map(|(component, _)| *component).collect()
}

/// What there is to say of work, in one sentence. `open` are the published windows that
/// have not ended, each with the names of the components it touches, in the
/// order of the page. What is broken comes first: [`crate::incident::site_sentence`].
#[must_use]
pub fn windows_sentence(open: &[(&Maintenance, Vec<String>)]) -> String {
    let names = |wanted: fn(State) -> bool| -> Option<(Vec<&str>, &str)> {
        let mut windows = open.iter().filter(|(m, _)| wanted(m.state)).peekable();
        let title = windows.peek()?.0.title.as_str();
        let mut names: Vec<&str> = Vec::new();
        for name in windows.flat_map(|(_, names)| names) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        Some((names, title))
    };
    if let Some((names, title)) = names(State::is_under_way) {
        return match listed(&names) {
            Some(names) => format!("Maintenance is under way on {names}"),
            None => format!("Maintenance is under way: {title}"),
        };
    }
    if let Some((names, title)) = names(|state| state == State::Held) {
        return match listed(&names) {
            Some(names) => format!("Maintenance of {names} is delayed"),
            None => format!("Maintenance is delayed: {title}"),
        };
    }
    "All systems operational".to_owned()
}

/// "A", "A and B", "A, B and C", "4 components".
pub(crate) fn listed(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some((*one).to_owned()),
        [first @ .., last] if names.len() <= 3 => Some(format!("{} and {last}", first.join(", "))),
        many => Some(format!("{} components", many.len())),
    }
}

//! A draft that alerts opened, and the incident that a person has opened for the same trouble.
//!
//! Its cause becomes part of that of the incident, as where two causes turn out to be one: the incident has one live
//! cause, so that its end waits for all of its alerts. Where it has none yet, the first that joins begins it.

use super::cause::{Cause, CauseState};
use super::join::Key;
use crate::gate::Topology;
use crate::ids::{CauseId, ComponentId, HostId};
use crate::incident::{Incident, IncidentState};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Why not, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A person has decided on it already.
    #[error("This incident is {} and can not join another: only a draft can.", .0.text())]
    NotADraft(IncidentState),
    /// A person wrote it, or its alerts belong to another one already.
    #[error("No alerts are counted in this draft that could belong to another incident.")]
    NoAlerts,
    /// Customers do not know of the other, or it is over.
    #[error("{reference} is {}: choose an incident that is published and not over.", state.text())]
    NotOpen {
        /// `I-9`.
        reference: String,
        /// Where it stands.
        state: IncidentState,
    },
    /// It tells of what had been over before anybody entered it.
    #[error("{0} was entered afterwards: choose an incident that was reported while it lasted.")]
    EnteredAfterwards(String),
}

/// How much an incident has in common with a cause, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Nothing.
    Elsewhere,
    /// It names no component: it concerns the whole site.
    WholeSite,
    /// What it names stands on the same hosts, or on hosts that run on the same.
    Hosts,
    /// It names the same components.
    Components,
}

/// Whether the draft of a cause may join this incident.
///
/// # Errors
/// See [`Refusal`].
pub fn takes_in(incident: &Incident) -> Result<(), Refusal> {
    let reference = incident.reference();
    match incident.state {
        state if !state.is_open() => Err(Refusal::NotOpen { reference, state }),
        _ if incident.is_backfilled => Err(Refusal::EnteredAfterwards(reference)),
        _ => Ok(()),
    }
}

/// Makes the cause of a draft part of an incident. `own` is the live cause of that incident; where it has none it gets
/// one with `new_id`. Gives back the part and the whole as they become.
///
/// # Errors
/// See [`Refusal`].
pub fn belong(
    part: &Cause,
    incident: &Incident,
    own: Option<Cause>,
    new_id: CauseId,
    now: Instant,
) -> Result<(Cause, Cause), Refusal> {
    match (part.state, part.incident_state) {
        (CauseState::Open, Some(IncidentState::Draft)) => {}
        (CauseState::Open, Some(state)) => return Err(Refusal::NotADraft(state)),
        _ => return Err(Refusal::NoAlerts),
    }
    takes_in(incident)?;
    let mut part = part.clone();
    let mut whole = own.unwrap_or_else(|| Cause {
        id: new_id,
        incident: Some(incident.id),
        incident_state: Some(incident.state),
        alerts: 0,
        firing: 0,
        publish_at: None,
        // Asked of the draft it was another question.
        proposed_at: None,
        ..part.clone()
    });
    // It is quiet since the last of all alerts ended; what was asked when only its own were over is asked anew.
    if let (Some(own), Some(later)) = (whole.quiet_at, part.quiet_at)
        && own < later
    {
        (whole.quiet_at, whole.proposed_at) = (Some(later), None);
    }
    whole.absorb(&mut part, now);
    whole.follow(now);
    (part.last_at, whole.last_at) = (now, now);
    Ok((part, whole))
}

/// How much an incident has in common with a cause.
#[must_use]
pub fn nearness(cause: &Cause, incident: &Incident, topology: &Topology) -> Nearness {
    if incident.components.is_empty() {
        return Nearness::WholeSite;
    }
    if !shared(cause, incident).is_empty() {
        return Nearness::Components;
    }
    let runs_on: BTreeMap<HostId, HostId> =
        topology.hosts.iter().filter_map(|host| Some((host.id, host.runs_on?))).collect();
    // With all that they run on; a circle ends after as many steps as there are hosts.
    let down_from = |host: HostId| {
        std::iter::successors(Some(host), |host| runs_on.get(host).copied()).take(topology.hosts.len() + 1)
    };
    let alerting = cause.keys.iter().filter_map(|key| if let Key::Host(host) = key { Some(*host) } else { None });
    let alerting: BTreeSet<HostId> = alerting.flat_map(down_from).collect();
    let behind = topology.behind.iter().filter(|(component, _)| incident.components.contains_key(component));
    let is_near = behind.flat_map(|(_, host)| down_from(*host)).any(|host| alerting.contains(&host));
    if is_near { Nearness::Hosts } else { Nearness::Elsewhere }
}

/// The components that both name.
#[must_use]
pub fn shared(cause: &Cause, incident: &Incident) -> BTreeSet<ComponentId> {
    cause.components.keys().filter(|id| incident.components.contains_key(id)).copied().collect()
}

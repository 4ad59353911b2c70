//! Windows that may have caused an incident: those that touch what does not work come first.

use super::States;
use crate::{Actor, Error, Services};
use domain::gate::blast_radius;
use domain::ids::{ComponentId, HostId, MaintenanceId};
use domain::incident::Incident;
use domain::maintenance::{State, affected_components};
use domain::people::Permission;
use domain::time::{Instant, Span};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use storage::Tx;

/// How long after its end a window is offered as the cause.
const CAUSE_WITHIN: Span = Span::hours(24);

/// Most windows offered as the cause.
const CAUSES: usize = 50;

/// As many are looked up, to show first what touches the same components.
const LOOKED_AT: i64 = 200;

/// A window that may have caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossibleCause {
    /// Which.
    pub id: MaintenanceId,
    /// Small number for people.
    pub number: i64,
    /// One line.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// Of the components that were asked for, those that it touches, itself or by hosts behind them, by name.
    pub near: Vec<String>,
    /// All components that it touches, by name in the order of the page; where there are none, its hosts.
    pub covers: Vec<String>,
    /// It was under way when the incident began.
    pub was_under_way: bool,
}

impl PossibleCause {
    /// For people: `M-42`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("M-{}", self.number)
    }

    /// It touches the same components, or hosts behind them.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        !self.near.is_empty()
    }

    /// It was under way on them when the incident began: most likely this is it.
    #[must_use]
    pub const fn is_likely(&self) -> bool {
        self.was_under_way && self.is_near()
    }
}

impl Services {
    /// Windows that are under way or ended lately, those first that touch the same components or hosts.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn possible_causes(&self, actor: &Actor, components: &States) -> Result<Vec<PossibleCause>, Error> {
        actor.require(Permission::View)?;
        let (mut tx, now) = (self.db.read().await?, self.now());
        self.causes_in(&mut tx, components, now).await
    }

    /// Windows that were under way when an incident began, or that had ended shortly before it.
    pub(super) async fn causes_of(&self, tx: &mut Tx, incident: &Incident) -> Result<Vec<PossibleCause>, Error> {
        self.causes_in(tx, &incident.components, incident.started_at).await
    }

    /// By when they did start and end: what was started early or took longer is found, too.
    async fn causes_in(&self, tx: &mut Tx, components: &States, began: Instant) -> Result<Vec<PossibleCause>, Error> {
        let windows = tx.maintenances_until(began, CAUSE_WITHIN.before(began), LOOKED_AT).await?;
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        let topology = tx.topology().await?;
        let all = tx.components(true).await?;
        let named = |wanted: &dyn Fn(ComponentId) -> bool| -> Vec<String> {
            all.iter().filter(|c| wanted(c.id)).map(|c| c.name.to_string()).collect()
        };
        let hosts = tx.hosts(true).await?;
        let mut causes: Vec<PossibleCause> = windows
            .into_iter()
            .map(|m| {
                let scope = crate::maintenance::scope_of(&m);
                let (touched, radius) = (affected_components(&scope, &topology), blast_radius(&scope, &topology));
                let behind = |id| topology.behind.iter().any(|(c, host)| *c == id && radius.contains(host));
                let mut covers = named(&|id| touched.contains(&id));
                if covers.is_empty() {
                    let own: BTreeSet<HostId> = m.hosts.iter().copied().collect();
                    covers = hosts.iter().filter(|h| own.contains(&h.id)).map(|h| h.name.to_string()).collect();
                }
                PossibleCause {
                    id: m.id,
                    number: m.number,
                    state: m.state,
                    near: named(&|id| components.contains_key(&id) && (touched.contains(&id) || behind(id))),
                    covers,
                    // What still goes on has no end yet.
                    was_under_way: m.ended_at.is_none_or(|end| began < end),
                    title: m.title.into(),
                }
            })
            .collect();
        causes.sort_by_key(|cause| (!cause.is_near(), !cause.was_under_way, Reverse(cause.number)));
        causes.truncate(CAUSES);
        Ok(causes)
    }
}

//! What the alerts of an incident say and customers do not know, by component.

use super::LIVE;
use crate::{Actor, Error, Services};
use domain::alert::known::Known;
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId};
use domain::impact::component_states;
use domain::people::Permission;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use storage::alert::cause::CausesOf;

/// A component that is worse than its incident says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worse {
    /// Which.
    pub id: ComponentId,
    /// Its name.
    pub name: String,
    /// How it is, as the alerts say.
    pub state: ComponentState,
    /// What customers know of it.
    pub known: Known,
}

impl Services {
    /// The components that are worse than an open incident says, by alerts that came after all that was said there; the
    /// worst first.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn untold(&self, actor: &Actor, incident: IncidentId) -> Result<Vec<Worse>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let incident = tx.incident(incident).await?;
        let mut untold: BTreeMap<ComponentId, ComponentState> = BTreeMap::new();
        for cause in tx.causes(CausesOf::Incident(incident.id), LIVE).await? {
            untold.extend(cause.untold(&incident));
        }
        if untold.is_empty() {
            return Ok(Vec::new());
        }
        let read = component_states(&tx.open_impacts().await?);
        let read = |id| read.get(&id).copied().unwrap_or(ComponentState::Operational);
        let in_use = tx.components(false).await?.into_iter();
        let worse = in_use.filter_map(|c| {
            let state = *untold.get(&c.id)?;
            let said = incident.components.get(&c.id).copied();
            let known = Known::of(state, said, (!c.is_private).then(|| read(c.id)));
            Some(Worse { id: c.id, name: c.name.into(), state, known })
        });
        let mut worse: Vec<Worse> = worse.collect();
        worse.sort_by_key(|one| Reverse(one.state));
        Ok(worse)
    }
}

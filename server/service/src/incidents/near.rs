//! What is known already of the components that somebody is about to report: nobody opens the same twice.

use super::join::live_cause;
use crate::{Actor, Error, Services};
use domain::alert::belong::takes_in;
use domain::ids::{ComponentId, IncidentId};
use domain::incident::{Incident, IncidentState};
use domain::people::Permission;
use storage::Tx;

/// Most drafts that the page of an incident names.
const SHOWN: usize = 5;

/// An incident that is not over, on the same components or on the whole site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearIncident {
    /// Which.
    pub id: IncidentId,
    /// Small number for people.
    pub number: i64,
    /// One line.
    pub title: String,
    /// Where it stands.
    pub state: IncidentState,
    /// Those of the components asked for that are not well by it, by name in the order of the page; none where it names no
    /// component at all: it concerns the whole site.
    pub on: Vec<String>,
}

impl Services {
    /// Incidents that are open on any of these components, and drafts of such; what customers know of first, the newest
    /// first. Last what is open on the whole site.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn incidents_near(&self, actor: &Actor, components: &[ComponentId]) -> Result<Vec<NearIncident>, Error> {
        actor.require(Permission::View)?;
        if components.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.read().await?;
        let open = tx.incidents_open().await?.into_iter();
        let (whole_site, mut known): (Vec<_>, Vec<_>) = open.partition(|incident| incident.components.is_empty());
        known.extend(tx.incident_drafts().await?);
        known.retain(|incident| components.iter().any(|id| incident.concerns(*id)));
        known.extend(whole_site);
        named(&mut tx, known, components).await
    }

    /// Drafts of alerts on the components of an open incident, the newest first: their alerts may belong there.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn drafts_near(&self, actor: &Actor, of: IncidentId) -> Result<Vec<NearIncident>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let incident = tx.incident(of).await?;
        if takes_in(&incident).is_err() {
            return Ok(Vec::new());
        }
        let components: Vec<ComponentId> = incident.components.into_keys().collect();
        let mut near = Vec::new();
        for draft in tx.incident_drafts().await? {
            let is_near = near.len() < SHOWN && components.iter().any(|id| draft.concerns(*id));
            if is_near && live_cause(&mut tx, draft.id).await?.is_some() {
                near.push(draft);
            }
        }
        named(&mut tx, near, &components).await
    }
}

/// What is to be said of these incidents, which are on some of these components.
async fn named(tx: &mut Tx, known: Vec<Incident>, components: &[ComponentId]) -> Result<Vec<NearIncident>, Error> {
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let all = tx.components(true).await?;
    let near = known.into_iter().map(|incident| {
        let on = all.iter().filter(|c| components.contains(&c.id) && incident.concerns(c.id));
        NearIncident {
            id: incident.id,
            number: incident.number,
            state: incident.state,
            on: on.map(|c| c.name.to_string()).collect(),
            title: incident.title.into(),
        }
    });
    Ok(near.collect())
}

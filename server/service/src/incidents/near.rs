//! What is known already of the components that somebody is about to report: nobody opens the same twice.

use crate::{Actor, Error, Services};
use domain::ids::{ComponentId, IncidentId};
use domain::incident::IncidentState;
use domain::people::Permission;

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
}

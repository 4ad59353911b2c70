//! Incidents as everybody may see them.

use super::{Board, ComponentLine, RECENT};
use crate::post_mortems::PostMortemNote;
use crate::{Error, Services};
use domain::component::ComponentState;
use domain::ids::{IncidentId, MaintenanceId};
use domain::incident::{Incident, IncidentState, IncidentUpdate};
use domain::maintenance::Maintenance;
use domain::site::Site;
use domain::time::{Instant, Span};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use storage::Tx;

/// An incident with everything its public page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicIncident {
    /// The incident, without its private components: how bad it is follows from the public ones.
    pub incident: Incident,
    /// Its timeline, newest first.
    pub updates: Vec<IncidentUpdate>,
    /// How long it was open, once it is over.
    pub lasted: Option<Span>,
    /// The public components that were ever not well in it, in the order of the page, as they are by its newest word.
    pub affected: Vec<ComponentLine>,
    /// The planned work that caused it; on its own page.
    pub cause: Option<(MaintenanceId, String)>,
    /// What was learned is published.
    pub is_explained: bool,
    /// What was learned; on its own page.
    pub post_mortem: Option<PostMortemNote>,
}

/// The incidents that customers may know of, with what belongs to them.
pub(super) async fn shown(tx: &mut Tx, board: &Board, incidents: Vec<Incident>) -> Result<Vec<PublicIncident>, Error> {
    let known = |incident: Incident| {
        let affected = board.shown(incident.components.keys().copied())?;
        let state = |id| match (incident.state, incident.components.get(&id)) {
            (IncidentState::Resolved, _) | (_, None) => ComponentState::Operational,
            (_, Some(state)) => *state,
        };
        let named = board.components.iter().filter(|c| affected.iter().any(|(id, _)| *id == c.id));
        let affected = named.map(|c| ComponentLine { component: c.clone(), state: state(c.id) }).collect();
        let (updates, lasted, cause, is_explained, post_mortem) = (Vec::new(), None, None, false, None);
        incident.state.is_public().then_some(PublicIncident {
            incident,
            updates,
            lasted,
            affected,
            cause,
            is_explained,
            post_mortem,
        })
    };
    let mut shown: Vec<PublicIncident> = incidents.into_iter().filter_map(known).collect();
    let ids: Vec<IncidentId> = shown.iter().map(|line| line.incident.id).collect();
    let mut timelines: BTreeMap<IncidentId, Vec<IncidentUpdate>> = BTreeMap::new();
    for update in tx.incident_updates_of(&ids).await? {
        timelines.entry(update.incident).or_default().push(update);
    }
    let explained = tx.published_post_mortems_among(&ids).await?;
    for line in &mut shown {
        line.is_explained = explained.contains(&line.incident.id);
        line.updates = timelines.remove(&line.incident.id).unwrap_or_default();
        line.updates.sort_by_key(|update| Reverse((update.at, update.id)));
        let PublicIncident { incident, updates, affected, .. } = line;
        affected.retain(|line| incident.touched(line.component.id, updates));
        line.lasted = line.incident.lasted_in_all(&line.updates);
        line.incident.hide(&board.private, &line.updates);
    }
    Ok(shown)
}

/// Those that were over after an instant, newest end first.
pub(super) async fn resolved_lately(tx: &mut Tx, board: &Board, now: Instant) -> Result<Vec<PublicIncident>, Error> {
    let since = RECENT.before(now);
    let mut over = tx.incidents_between(since, now).await?;
    over.retain(|i| i.state == IncidentState::Resolved && i.resolved_at.is_some_and(|at| since <= at));
    over.sort_by_key(|i| Reverse(i.resolved_at));
    shown(tx, board, over).await
}

impl Services {
    /// A published incident.
    ///
    /// # Errors
    /// There is none, it is not published, or it concerns the team alone.
    pub async fn public_incident(&self, id: IncidentId) -> Result<(Site, PublicIncident), Error> {
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let incident = tx.incident(id).await?;
        let board = Board::load(&mut tx).await?;
        let cause = match incident.maintenance {
            Some(id) => Some(tx.maintenance(id).await?).filter(|m| is_public(&board, m)),
            None => None,
        };
        let shown = shown(&mut tx, &board, vec![incident]).await?.pop().ok_or(Error::NotFound("incident"))?;
        let post_mortem = self.post_mortem_note(&mut tx, id).await?;
        Ok((site, PublicIncident { cause: cause.map(|m| (m.id, m.title.to_string())), post_mortem, ..shown }))
    }

    /// The number of the newest change that a page made from now on knows of.
    #[must_use]
    pub fn newest_change(&self) -> i64 {
        *self.db.newest_change().borrow()
    }
}

fn is_public(board: &Board, m: &Maintenance) -> bool {
    m.published_at.is_some() && board.affected(&m.hosts, &m.components).is_some()
}

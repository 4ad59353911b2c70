//! Incidents as colleagues see them.

use super::{PossibleCause, Programs, SILENCE};
use crate::inventory::Page;
use crate::{Actor, Error, Fields, Services};
use domain::component::ComponentState;
use domain::ids::{ComponentId, IncidentId, MaintenanceId, UserId};
use domain::impact::{Impact, Source};
use domain::incident::{Incident, IncidentState, IncidentUpdate, ReplacedText};
use domain::maintenance::Maintenance;
use domain::people::Permission;
use domain::subscriber::{Audience, Topic};
use domain::time::{Instant, Span};
use std::collections::BTreeMap;
use storage::Tx;
use storage::incident::IncidentPosition;

/// Most incidents on a page of a program.
const MAX_PAGE: i64 = 200;

/// Which incidents a program asks for, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentQuery {
    /// One state, `open` for those not over; empty for all but discarded drafts.
    pub state: String,
    /// Where the page before ended.
    pub cursor: String,
    /// Most incidents wanted.
    pub limit: String,
}

/// Which incidents a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncidentsListing {
    /// Published and not over.
    Open,
    /// Known to the team alone.
    Drafts,
    /// Over, and drafts that nobody needed to hear of.
    Past,
}

impl IncidentsListing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Drafts, Self::Past];

    const fn states(self) -> &'static [IncidentState] {
        match self {
            Self::Open => &IncidentState::OPEN,
            Self::Drafts => &[IncidentState::Draft],
            Self::Past => &[IncidentState::Resolved, IncidentState::Discarded],
        }
    }
}

/// A place in a list ordered by start, as it stands in an address.
#[must_use]
pub fn incident_position_text(incident: &Incident) -> String {
    format!("{}_{}", incident.started_at.timestamp_millis(), incident.id)
}

/// Reads [`incident_position_text`]; none where it is not ours.
#[must_use]
pub fn read_incident_position(text: &str) -> Option<IncidentPosition> {
    let (at, id) = text.split_once('_')?;
    Some((Instant::from_timestamp_millis(at.parse().ok()?)?, id.parse().ok()?))
}

/// A component as an incident speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedState {
    /// Which.
    pub id: ComponentId,
    /// Its name.
    pub name: String,
    /// What was said of it last.
    pub state: ComponentState,
    /// For the team alone.
    pub is_private: bool,
}

/// An incident in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedIncident {
    /// The incident.
    pub incident: Incident,
    /// How long it was open, up to now where it still is; none where nobody was told of it.
    pub lasted: Option<Span>,
}

/// One incident with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Its timeline, newest line first.
    pub updates: Vec<IncidentUpdate>,
    /// Texts that edits have replaced, newest first.
    pub replaced: Vec<ReplacedText>,
    /// What it speaks of, in the order of the page; components out of use last.
    pub components: Vec<NamedState>,
    /// What else it says, by name: the components of all its updates.
    pub names: BTreeMap<ComponentId, String>,
    /// Names of those who wrote.
    pub authors: BTreeMap<UserId, String>,
    /// Names of what wrote without a person.
    pub programs: Programs,
    /// The window that caused it.
    pub cause: Option<Maintenance>,
    /// Windows that may have, the likeliest first.
    pub causes: Vec<PossibleCause>,
    /// How long it was open, once it is over.
    pub lasted: Option<Span>,
    /// How long each component was in which state because of it.
    pub history: Vec<Impact>,
}

/// What waits for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentNeeds {
    /// Open, and customers heard nothing for too long; with when they last did.
    pub silent: Vec<(Incident, Instant)>,
    /// Open, and customers heard of it lately.
    pub open: Vec<Incident>,
    /// Known to the team alone.
    pub drafts: Vec<Incident>,
}

impl IncidentNeeds {
    /// How many wait for a person.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.silent.len() + self.drafts.len()
    }
}

impl IncidentDetail {
    /// How it stands, as [`Services::incident_stands`] says it.
    #[must_use]
    pub fn stands(&self) -> String {
        stands(self.incident.version, self.updates.iter().map(|update| update.version).sum())
    }
}

/// Another word after each change: of the incident, of what was said, and of words that were mended.
fn stands(incident: i64, updates: i64) -> String {
    format!("{incident}.{updates}")
}

impl Services {
    /// Incidents of one kind, newest start first.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn incidents(
        &self,
        actor: &Actor,
        listing: IncidentsListing,
        before: Option<IncidentPosition>,
        limit: i64,
    ) -> Result<Vec<ListedIncident>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let found = tx.incidents_before(listing.states(), before, limit).await?;
        let told: Vec<IncidentId> = found.iter().filter(|i| i.state.is_public()).map(|i| i.id).collect();
        let said = tx.incident_words(&told).await?;
        let now = self.now();
        let listed = |incident: Incident| {
            let lasted = said.get(&incident.id).map(|said| incident.lasted(said, now));
            ListedIncident { incident, lasted }
        };
        Ok(found.into_iter().map(listed).collect())
    }

    /// Incidents for a program.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn list_incidents(&self, actor: &Actor, query: &IncidentQuery) -> Result<Page<Incident>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let states = match query.state.trim() {
            "" => IncidentState::ALL.into_iter().filter(|state| *state != IncidentState::Discarded).collect(),
            "open" => IncidentState::OPEN.to_vec(),
            text => {
                let found = IncidentState::ALL.into_iter().find(|state| state.as_str() == text);
                if found.is_none() {
                    let known: Vec<&str> = IncidentState::ALL.iter().map(|state| state.as_str()).collect();
                    fields.add("state", format!("“{text}” is no state. Use open, or one of {}.", known.join(", ")));
                }
                found.into_iter().collect()
            }
        };
        let before = match query.cursor.trim() {
            "" => None,
            text => {
                let found = read_incident_position(text);
                if found.is_none() {
                    fields.add("cursor", "This is no cursor of ours.");
                }
                found
            }
        };
        let limit = match query.limit.trim() {
            "" => 50,
            text => text.parse().ok().filter(|n| (1..=MAX_PAGE).contains(n)).unwrap_or_else(|| {
                fields.add("limit", format!("Ask for 1 to {MAX_PAGE}."));
                1
            }),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut items = self.db.read().await?.incidents_before(&states, before, limit + 1).await?;
        let fits = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > fits;
        items.truncate(fits);
        let next_cursor = items.last().filter(|_| more).map(incident_position_text);
        Ok(Page { items, next_cursor })
    }

    /// One incident with its timeline, newest line first.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn incident_timeline(
        &self,
        actor: &Actor,
        id: IncidentId,
    ) -> Result<(Incident, Vec<IncidentUpdate>), Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let incident = tx.incident(id).await?;
        let updates = tx.incident_updates_of(&[id]).await?;
        Ok((incident, updates))
    }

    /// How an incident stands now, in a word that is another one after each change: for pages that are open.
    ///
    /// # Errors
    /// Not allowed, no id, there is none, or the database does not answer.
    pub async fn incident_stands(&self, actor: &Actor, id: &str) -> Result<String, Error> {
        actor.require(Permission::View)?;
        let id = id.parse().map_err(|_| Error::field("incident", "This is no id of an incident."))?;
        let (incident, updates) = self.db.read().await?.incident_versions(id).await?;
        Ok(stands(incident, updates))
    }

    /// One incident with everything that belongs to it.
    ///
    /// # Errors
    /// Not allowed, there is none, or the database does not answer.
    pub async fn incident_detail(&self, actor: &Actor, id: IncidentId) -> Result<IncidentDetail, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let incident = tx.incident(id).await?;
        let all = tx.components(true).await?;
        let named = |retired: bool| {
            all.iter().filter(move |c| c.retired_at.is_some() == retired).filter_map(|c| {
                let state = *incident.components.get(&c.id)?;
                Some(NamedState { id: c.id, name: c.name.to_string(), state, is_private: c.is_private })
            })
        };
        let components = named(false).chain(named(true)).collect();
        let cause = match incident.maintenance {
            Some(id) => Some(tx.maintenance(id).await?),
            None => None,
        };
        let updates = tx.incident_updates_of(&[id]).await?;
        let replaced = tx.replaced_texts(id).await?;
        Ok(IncidentDetail {
            programs: Programs::of(&mut tx, &incident, &updates, &replaced).await?,
            lasted: incident.lasted_in_all(&updates),
            updates,
            replaced,
            components,
            names: all.iter().map(|c| (c.id, c.name.to_string())).collect(),
            authors: tx.users().await?.into_iter().map(|user| (user.id, user.name.to_string())).collect(),
            cause,
            causes: self.causes_of(&mut tx, &incident).await?,
            history: tx.impacts_of(Source::Incident, id.0).await?,
            incident,
        })
    }

    /// Who would be told of an incident with these components, and why others would not; none are the
    /// whole site.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn incident_audience(&self, actor: &Actor, components: &[ComponentId]) -> Result<Audience, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        self.audience(&mut tx, Topic::Incidents, components).await
    }

    /// Incidents that a window caused, newest start first.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn incidents_caused_by(&self, actor: &Actor, id: MaintenanceId) -> Result<Vec<Incident>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.incidents_of_maintenance(id).await?)
    }

    /// What waits for a person, and what is open beside it.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn incident_needs(&self, actor: &Actor) -> Result<IncidentNeeds, Error> {
        actor.require(Permission::View)?;
        self.incident_needs_in(&mut self.db.read().await?).await
    }

    pub(crate) async fn incident_needs_in(&self, tx: &mut Tx) -> Result<IncidentNeeds, Error> {
        let mut needs = IncidentNeeds { drafts: tx.incident_drafts().await?, ..IncidentNeeds::default() };
        let open = tx.incidents_open().await?;
        let ids: Vec<IncidentId> = open.iter().map(|incident| incident.id).collect();
        let heard = tx.last_said(&ids).await?;
        let since = SILENCE.before(self.now());
        for incident in open {
            let last = heard.get(&incident.id).copied().unwrap_or(incident.started_at);
            if last <= since {
                needs.silent.push((incident, last));
            } else {
                needs.open.push(incident);
            }
        }
        needs.silent.sort_by_key(|(_, last)| *last);
        Ok(needs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_list_of_incidents_is_read_only_from_what_we_wrote() {
        let id = IncidentId(uuid::Uuid::from_u128(7));
        let at = Instant::from_timestamp_millis(1_400_180_400_123);
        assert_eq!(read_incident_position(&format!("1400180400123_{id}")), at.map(|at| (at, id)));
        for bad in ["", "1", "x_y", "1_x", "99999999999999999999_1"] {
            assert_eq!(read_incident_position(bad), None, "{bad}");
        }
    }
}

//! Incidents: what broke and what was said of it. Every decision is one transaction: the incident as
//! it becomes, the line of its timeline, what it means for the history of components, and who hears
//! of it.

mod cause;
pub mod input;
mod join;
pub mod look;
mod near;
pub mod overrides;
mod programs;
mod still;
mod times;

pub use cause::PossibleCause;
pub use input::{BackfillInput, ComponentStateInput, Deed, EditInput, IncidentInput, PastUpdateInput, PostInput};
pub use join::Joinable;
pub use look::{
    IncidentDetail, IncidentNeeds, IncidentQuery, IncidentsListing, ListedIncident, NamedState, incident_position_text,
    read_incident_position,
};
pub use near::NearIncident;
pub use overrides::{ComponentNow, OverrideInput};
pub use programs::Programs;

use crate::audit::Action;
use crate::conflicts::check_named;
use crate::error::{Error, Fields};
use crate::{Actor, Services};
use domain::gate::Scope;
use domain::ids::{IncidentId, IncidentUpdateId, MaintenanceId, UserId};
use domain::impact::{Impact, Known, Source};
use domain::incident::transition::{self, Change, Content, ImpactChange, Refusal};
pub use domain::incident::transition::{PastPost, Post as IncidentPost, States};
use domain::incident::{Incident, IncidentState, IncidentUpdate, Severity};
use domain::maintenance::State;
use domain::people::{Permission, Role};
use domain::text::{Name, Prose};
use domain::time::{Instant, Span};
use serde::Serialize;
use storage::Tx;

/// An open incident of which customers heard nothing for this long waits for a person.
pub const SILENCE: Span = Span::minutes(60);

/// A new incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIncident {
    /// One line.
    pub title: Name,
    /// Its severity by decision; else it follows from the components.
    pub severity: Option<Severity>,
    /// The components with their states.
    pub components: States,
    /// When the trouble began; now where nobody said.
    pub started_at: Option<Instant>,
    /// The window that caused it.
    pub maintenance: Option<MaintenanceId>,
    /// What its first update says of where it stands.
    pub state: IncidentState,
    /// What its first update says, in Markdown; a draft may have none yet.
    pub body: Prose,
    /// Subscribers hear of it.
    pub tell: bool,
}

impl NewIncident {
    fn content(&self, now: Instant) -> Content {
        Content {
            title: self.title.clone(),
            severity_override: self.severity,
            components: self.components.clone(),
            started_at: self.started_at.unwrap_or(now),
            maintenance: self.maintenance,
        }
    }

    fn first(&self) -> IncidentPost {
        IncidentPost { state: self.state, body: self.body.clone(), components: States::new(), tell: self.tell }
    }
}

/// An incident that is over, with what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastIncident {
    /// One line.
    pub title: Name,
    /// Its severity by decision; else it follows from the components.
    pub severity: Option<Severity>,
    /// How the components were from its start on.
    pub components: States,
    /// When the trouble began.
    pub started_at: Instant,
    /// The window that caused it.
    pub maintenance: Option<MaintenanceId>,
    /// What was said, oldest first; the last one resolved it.
    pub updates: Vec<PastPost>,
}

/// What can be changed of an incident without saying anything; what is missing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentEdit {
    /// One line.
    pub title: Option<Name>,
    /// Its severity: none by decision where the inner one is missing.
    pub severity: Option<Option<Severity>>,
    /// The window that caused it: none where the inner one is missing.
    pub maintenance: Option<Option<MaintenanceId>>,
    /// The components with their states; of a draft.
    pub components: Option<States>,
    /// When the trouble began. Of what is published the history of its components moves with it.
    pub started_at: Option<Instant>,
    /// When it was over; of what is resolved. The history moves with it, too.
    pub resolved_at: Option<Instant>,
    /// What the first update is to say; of a draft.
    pub text: Option<Prose>,
}

/// An incident with what was said last, for the audit log.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    incident: &'a Incident,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<&'a IncidentUpdate>,
}

/// The refusal as an error, at its field where it has one.
fn refused(refusal: &Refusal) -> Error {
    let message = refusal.to_string();
    match refusal {
        Refusal::StartAhead | Refusal::StartFixed | Refusal::StartAfterWords => Error::field("started_at", message),
        Refusal::NotAState => Error::field("state", message),
        Refusal::EmptyBody => Error::field("body", message),
        Refusal::NotBroken | Refusal::ComponentsFixed => Error::field("components", message),
        Refusal::BadEnd | Refusal::NotOver | Refusal::EndBeforeReopened => Error::field("resolved_at", message),
        Refusal::OutOfOrder | Refusal::NotResolved => Error::field("updates", message),
        Refusal::Not { .. } => Error::refused("wrong_state", message),
    }
}

impl Services {
    /// Keeps a new incident for the team alone.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn draft_incident(&self, actor: &Actor, new: NewIncident) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let draft = self.draft_incident_in(&mut tx, actor, new).await?;
        tx.commit().await?;
        Ok(draft)
    }

    /// The same in a decision that is under way.
    ///
    /// # Errors
    /// As [`Self::draft_incident`].
    pub async fn draft_incident_in(&self, tx: &mut Tx, actor: &Actor, new: NewIncident) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let draft = self.new_draft(tx, actor, &new).await?;
        tx.insert_incident(&draft).await?;
        self.note_incident(tx, actor, "incident.draft", None, &draft, None).await?;
        Ok(draft)
    }

    /// Tells customers of a new incident.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn open_incident(&self, actor: &Actor, new: NewIncident) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let opened = self.open_incident_in(&mut tx, actor, new).await?;
        self.commit_news(tx).await?;
        Ok(opened)
    }

    /// The same in a decision that is under way; ring `outbox_filled` after its commit.
    ///
    /// # Errors
    /// As [`Self::open_incident`].
    pub async fn open_incident_in(&self, tx: &mut Tx, actor: &Actor, new: NewIncident) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let draft = self.new_draft(tx, actor, &new).await?;
        let change = transition::publish(&draft, self.now(), new.first()).map_err(|r| refused(&r))?;
        tx.insert_incident(&change.incident).await?;
        let (opened, update) = self.carry_out_incident(tx, actor, change).await?;
        self.note_incident(tx, actor, "incident.open", None, &opened, Some(&update)).await?;
        Ok(opened)
    }

    /// Tells customers of a draft.
    ///
    /// # Errors
    /// Not allowed, nothing written, no draft (any more), stale, or the database does not answer.
    pub async fn publish_incident(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
        post: IncidentPost,
    ) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let published = self.publish_incident_in(&mut tx, actor, id, version, post).await?;
        self.commit_news(tx).await?;
        Ok(published)
    }

    /// The same in a decision that is under way; ring `outbox_filled` after its commit.
    ///
    /// # Errors
    /// As [`Self::publish_incident`].
    pub async fn publish_incident_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
        post: IncidentPost,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let before = tx.incident(id).await?;
        Error::unless_fresh("incident", before.version, version.into())?;
        self.check_components(tx, &post.components, &before.components).await?;
        let change = transition::publish(&before, self.now(), post).map_err(|r| refused(&r))?;
        self.store_incident(tx, actor, "incident.publish", &before, change).await
    }

    /// Says something of a published incident; resolves it or opens it again where the state says so.
    ///
    /// # Errors
    /// Not allowed, wrong fields, not published, stale, or the database does not answer.
    pub async fn update_incident(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
        post: IncidentPost,
    ) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let updated = self.update_incident_in(&mut tx, actor, id, version, post).await?;
        self.commit_news(tx).await?;
        Ok(updated)
    }

    /// The same in a decision that is under way; ring `outbox_filled` after its commit.
    ///
    /// # Errors
    /// As [`Self::update_incident`].
    pub async fn update_incident_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
        post: IncidentPost,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let before = tx.incident(id).await?;
        Error::unless_fresh("incident", before.version, version.into())?;
        self.check_components(tx, &post.components, &before.components).await?;
        let change = transition::update(&before, self.now(), post).map_err(|r| refused(&r))?;
        let verb = match (before.state, change.incident.state) {
            (IncidentState::Resolved, IncidentState::Resolved) => "incident.update",
            (_, IncidentState::Resolved) => "incident.resolve",
            (IncidentState::Resolved, _) => "incident.reopen",
            _ => "incident.update",
        };
        self.store_incident(tx, actor, verb, &before, change).await
    }

    /// Changes what can be changed without saying anything: nobody is told.
    ///
    /// # Errors
    /// Not allowed, wrong fields, stale, or the database does not answer.
    pub async fn edit_incident(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
        edit: IncidentEdit,
    ) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let edited = self.edit_incident_in(&mut tx, actor, id, version, edit).await?;
        tx.commit().await?;
        Ok(edited)
    }

    /// The same in a decision that is under way.
    ///
    /// # Errors
    /// As [`Self::edit_incident`].
    pub async fn edit_incident_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
        edit: IncidentEdit,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let before = tx.incident(id).await?;
        Error::unless_fresh("incident", before.version, version.into())?;
        let mended = self.mend_times(tx, &before, &edit).await?;
        let now_is = mended.as_ref().map_or(&before, |mended| &mended.incident);
        let kept = Content::of(now_is);
        let content = Content {
            title: edit.title.unwrap_or(kept.title),
            severity_override: edit.severity.unwrap_or(kept.severity_override),
            components: edit.components.unwrap_or(kept.components),
            started_at: edit.started_at.unwrap_or(kept.started_at),
            maintenance: edit.maintenance.unwrap_or(kept.maintenance),
        };
        self.check_components(tx, &content.components, &before.components).await?;
        self.check_cause(tx, content.maintenance.filter(|cause| before.maintenance != Some(*cause))).await?;
        let text = edit.text.unwrap_or_else(|| before.draft_text.clone());
        let mut after = transition::edit(now_is, self.now(), content, text).map_err(|r| refused(&r))?;
        if after == before {
            return Ok(after);
        }
        tx.save_incident(&after, before.version).await?;
        if let Some(mended) = &mended {
            self.move_history(tx, mended).await?;
        }
        after.version += 1;
        self.note_incident(tx, actor, "incident.edit", Some(&before), &after, None).await?;
        if after.state.is_public() {
            tx.announce();
        }
        Ok(after)
    }

    /// Nobody needs to hear of a draft.
    ///
    /// # Errors
    /// Not allowed, no draft (any more), stale, or the database does not answer.
    pub async fn discard_incident(
        &self,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
    ) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let gone = self.discard_incident_in(&mut tx, actor, id, version).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// The same in a decision that is under way.
    ///
    /// # Errors
    /// As [`Self::discard_incident`].
    pub async fn discard_incident_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: IncidentId,
        version: impl Into<Option<i64>>,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let before = tx.incident(id).await?;
        Error::unless_fresh("incident", before.version, version.into())?;
        let mut after = transition::discard(&before, self.now()).map_err(|r| refused(&r))?;
        tx.save_incident(&after, before.version).await?;
        after.version += 1;
        self.note_incident(tx, actor, "incident.discard", Some(&before), &after, None).await?;
        Ok(after)
    }

    /// Mends the words of an update: what it replaces is kept, nobody is told, and nothing else changes.
    ///
    /// # Errors
    /// Not allowed, nothing written, no such update, stale, or the database does not answer.
    pub async fn edit_incident_update(
        &self,
        actor: &Actor,
        id: IncidentId,
        update: IncidentUpdateId,
        version: impl Into<Option<i64>>,
        body: Prose,
    ) -> Result<IncidentUpdate, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let incident = tx.incident(id).await?;
        let before = tx.incident_update(update).await?;
        if before.incident != id {
            return Err(Error::NotFound("update"));
        }
        Error::unless_fresh("update", before.version, version.into())?;
        let now = self.now();
        let mut after = transition::edit_update(&before, now, body).map_err(|r| refused(&r))?;
        if after == before {
            return Ok(after);
        }
        tx.save_incident_update(&after, &before, actor.user_id(), now).await?;
        after.version += 1;
        let action = action("incident.edit_update", &incident);
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }

    /// Enters an incident that is over: it is marked, and nobody is told.
    ///
    /// # Errors
    /// Not allowed, wrong fields, not over or not in order, or the database does not answer.
    pub async fn backfill_incident(&self, actor: &Actor, past: PastIncident) -> Result<Incident, Error> {
        let mut tx = self.db.decide().await?;
        let entered = self.backfill_incident_in(&mut tx, actor, past).await?;
        tx.commit().await?;
        Ok(entered)
    }

    /// The same in a decision that is under way.
    ///
    /// # Errors
    /// As [`Self::backfill_incident`].
    pub async fn backfill_incident_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        past: PastIncident,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        self.check_components(tx, &past.components, &States::new()).await?;
        for post in &past.updates {
            self.check_components(tx, &post.components, &past.components).await?;
        }
        self.check_cause(tx, past.maintenance).await?;
        let content = Content {
            title: past.title,
            severity_override: past.severity,
            components: past.components,
            started_at: past.started_at,
            maintenance: past.maintenance,
        };
        let number = tx.next_incident_number().await?;
        let (id, by) = (self.new_id(), actor.user_id());
        let past = transition::backfill(id, number, by, self.now(), content, past.updates).map_err(|r| refused(&r))?;
        tx.insert_incident(&past.incident).await?;
        for update in past.updates {
            let update = update.into_update(self.new_id(), id, author(actor));
            tx.insert_incident_update(&update).await?;
        }
        self.write_history(tx, id, &past.impacts).await?;
        self.note_incident(tx, actor, "incident.backfill", None, &past.incident, None).await?;
        tx.announce();
        Ok(past.incident)
    }

    async fn new_draft(&self, tx: &mut Tx, actor: &Actor, new: &NewIncident) -> Result<Incident, Error> {
        self.check_components(tx, &new.components, &States::new()).await?;
        self.check_cause(tx, new.maintenance).await?;
        let now = self.now();
        // Asked before a number is taken: none is given twice.
        let number = tx.next_incident_number().await?;
        transition::draft(self.new_id(), number, actor.user_id(), now, new.content(now), new.body.clone())
            .map_err(|r| refused(&r))
    }

    /// Components named newly must be in use.
    async fn check_components(&self, tx: &mut Tx, named: &States, known: &States) -> Result<(), Error> {
        let components = named.keys().copied().filter(|id| !known.contains_key(id)).collect();
        let mut fields = Fields::default();
        check_named(tx, &mut fields, &Scope { components, ..Scope::default() }).await?;
        if fields.is_empty() { Ok(()) } else { Err(fields.into_error()) }
    }

    /// The window that caused it must have been announced.
    async fn check_cause(&self, tx: &mut Tx, cause: Option<MaintenanceId>) -> Result<(), Error> {
        let Some(id) = cause else { return Ok(()) };
        match tx.maintenance(id).await {
            Ok(m) if m.state != State::Draft => Ok(()),
            _ => Err(Error::field("maintenance", "There is no such window.")),
        }
    }

    async fn store_incident(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &'static str,
        before: &Incident,
        change: Change,
    ) -> Result<Incident, Error> {
        tx.save_incident(&change.incident, before.version).await?;
        let (mut after, update) = self.carry_out_incident(tx, actor, change).await?;
        after.version += 1;
        self.note_incident(tx, actor, verb, Some(before), &after, Some(&update)).await?;
        Ok(after)
    }

    /// Stores what follows from a transition beside the incident itself.
    async fn carry_out_incident(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        change: Change,
    ) -> Result<(Incident, IncidentUpdate), Error> {
        let incident = change.incident;
        let mut update = change.update.into_update(self.new_id(), incident.id, author(actor));
        self.write_history(tx, incident.id, &change.impacts).await?;
        if update.told {
            update.told = self.tell_incident(tx, &incident, &update).await?;
        }
        tx.insert_incident_update(&update).await?;
        tx.announce();
        Ok((incident, update))
    }

    async fn write_history(&self, tx: &mut Tx, id: IncidentId, changes: &[ImpactChange]) -> Result<(), Error> {
        for change in changes {
            let (component, state, from, to) = match *change {
                ImpactChange::End { component, at } => {
                    tx.end_impacts(Source::Incident, id.0, Some(component), at).await?;
                    continue;
                }
                ImpactChange::Begin { component, state, from } => (component, state, from, None),
                ImpactChange::Was { component, state, from, to } => (component, state, from, Some(to)),
            };
            let (impact, known) = (self.new_id(), Known::State(state));
            let (source, source_id) = (Source::Incident, id.0);
            tx.insert_impact(&Impact { id: impact, component, known, source, source_id, from, to }).await?;
        }
        Ok(())
    }

    async fn note_incident(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &'static str,
        before: Option<&Incident>,
        after: &Incident,
        said: Option<&IncidentUpdate>,
    ) -> Result<(), Error> {
        let before = before.map(|incident| Line { incident, said: None });
        let after_line = Line { incident: after, said };
        Ok(tx.add_audit(&self.audit(actor, action(verb, after), before.as_ref(), Some(&after_line))).await?)
    }

    async fn commit_news(&self, tx: Tx) -> Result<(), Error> {
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(())
    }
}

fn action(verb: &'static str, incident: &Incident) -> Action<'static> {
    let name = format!("{} {}", incident.reference(), incident.title);
    Action { verb, object: "incident", id: incident.id.to_string(), name }
}

/// Who speaks, as customers read it; a program is none.
fn author(actor: &Actor) -> Option<(UserId, Role)> {
    actor.user().map(|user| (user.id, user.role))
}

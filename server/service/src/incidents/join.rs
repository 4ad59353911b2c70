//! A draft that alerts opened joins the incident that a person has opened for the same trouble: see
//! [`domain::alert::belong`].

use super::{action, refused};
use crate::{Actor, Error, Services};
use domain::alert::belong::{Nearness, Refusal, belong, nearness, shared, takes_in};
use domain::alert::cause::{Cause, CauseState};
use domain::ids::IncidentId;
use domain::incident::transition::discard;
use domain::incident::{Incident, IncidentState};
use domain::people::Permission;
use serde::Serialize;
use std::cmp::Reverse;
use storage::alert::cause::CausesOf;
use storage::{StoreError, Tx};

/// Most causes of one incident that are looked through for the live one: it is among the newest.
const CAUSES: i64 = 1000;

/// An incident that the draft of a cause may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joinable {
    /// Which.
    pub id: IncidentId,
    /// Small number for people.
    pub number: i64,
    /// One line.
    pub title: String,
    /// Where it stands.
    pub state: IncidentState,
    /// How much it has in common with the alerts.
    pub nearness: Nearness,
    /// The components that both name, in the order of the page.
    pub shared: Vec<String>,
}

/// A draft with what it has joined, for the audit log.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    incident: &'a Incident,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined: Option<Joined>,
}

/// What it has joined, also where that is called something else by now.
#[derive(Serialize)]
struct Joined {
    id: IncidentId,
    title: String,
}

/// The refusal as an error, at its field where it has one.
fn not_joined(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::NotOpen { .. } | Refusal::EnteredAfterwards(_) => Error::field("incident", refusal.to_string()),
        Refusal::NotADraft(_) | Refusal::NoAlerts => Error::refused("wrong_state", refusal.to_string()),
    }
}

/// The live cause of an incident.
pub(super) async fn live_cause(tx: &mut Tx, of: IncidentId) -> Result<Option<Cause>, Error> {
    let causes = tx.causes(CausesOf::Incident(of), CAUSES).await?;
    Ok(causes.into_iter().find(|cause| cause.state == CauseState::Open))
}

impl Services {
    /// The incidents that a draft may join, the likeliest first. None where no alerts are counted in it.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn joinable(&self, actor: &Actor, draft: IncidentId) -> Result<Vec<Joinable>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let draft = tx.incident(draft).await?;
        let cause = if draft.state == IncidentState::Draft { live_cause(&mut tx, draft.id).await? } else { None };
        let Some(cause) = cause else { return Ok(Vec::new()) };
        let mut open = tx.incidents_open().await?;
        open.retain(|incident| takes_in(incident).is_ok());
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let (topology, components) = (tx.topology().await?, tx.components(true).await?);
        let joinable = open.into_iter().map(|incident| {
            let both = shared(&cause, &incident);
            Joinable {
                id: incident.id,
                number: incident.number,
                state: incident.state,
                nearness: nearness(&cause, &incident, &topology),
                shared: components.iter().filter(|c| both.contains(&c.id)).map(|c| c.name.to_string()).collect(),
                title: incident.title.into(),
            }
        });
        let mut joinable: Vec<Joinable> = joinable.collect();
        joinable.sort_by_key(|one| Reverse(one.nearness));
        Ok(joinable)
    }

    /// The alerts of a draft belong to another incident: they are counted there from now on, and the draft is discarded
    /// with all that was written in it. Nobody is told. Gives back the draft. The version that was read may be an older
    /// one where nobody but alerts has changed it.
    ///
    /// # Errors
    /// Not allowed, no draft of alerts (any more), nothing that it can join, stale, or the database does not answer.
    pub async fn join_incident(
        &self,
        actor: &Actor,
        draft: IncidentId,
        version: impl Into<Option<i64>>,
        into: &str,
    ) -> Result<Incident, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let before = tx.incident(draft).await?;
        let read: Option<i64> = version.into();
        // What alerts add while its page is read is no work of anybody that would be lost.
        let is_theirs = before.state != IncidentState::Draft || tx.is_edited_by_hand(draft).await?;
        if is_theirs || read.is_some_and(|read| read > before.version) {
            Error::unless_fresh("incident", before.version, read)?;
        }
        if before.state != IncidentState::Draft {
            return Err(not_joined(&Refusal::NotADraft(before.state)));
        }
        let into = named(&mut tx, into).await?;
        let part = live_cause(&mut tx, draft).await?.ok_or_else(|| not_joined(&Refusal::NoAlerts))?;
        let (own, now) = (live_cause(&mut tx, into.id).await?, self.now());
        let (part, whole) = belong(&part, &into, own, self.new_id(), now).map_err(|r| not_joined(&r))?;
        let mut after = discard(&before, now).map_err(|r| refused(&r))?;
        tx.save_incident(&after, before.version).await?;
        after.version += 1;
        // What is part of another refers to it.
        tx.put_cause(&whole).await?;
        tx.put_cause(&part).await?;
        tx.move_alerts(part.id, whole.id).await?;
        let was = Line { incident: &before, joined: None };
        let joined = Joined { id: into.id, title: format!("{} {}", into.reference(), into.title) };
        let is = Line { incident: &after, joined: Some(joined) };
        tx.add_audit(&self.audit(actor, action("incident.join", &after), Some(&was), Some(&is))).await?;
        tx.commit().await?;
        Ok(after)
    }
}

/// The incident that a form or a program names.
async fn named(tx: &mut Tx, text: &str) -> Result<Incident, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("incident", "Choose the incident that it belongs to."));
    }
    let found = match text.parse() {
        Ok(id) => tx.incident(id).await,
        Err(_) => Err(StoreError::NotFound("incident")),
    };
    match found {
        Err(StoreError::NotFound(_)) => Err(Error::field("incident", "There is no such incident.")),
        found => Ok(found?),
    }
}

//! Break glass: one person asks, another one confirms. Everything is decided on what the
//! transaction sees; what became of an override is written with its line of the audit log.

use super::decide::Asked;
use crate::audit::Action;
use crate::error::{Error, Fields};
use crate::{Actor, Services};
use domain::gate::{Finding, Verdict};
use domain::ids::{MaintenanceId, OverrideId, UserId};
use domain::maintenance::{Maintenance, Override, OverrideRefusal, OverrideState, State};
use domain::people::Permission;
use domain::text::Why;
use std::collections::BTreeMap;
use storage::Tx;

/// An override as one of the team sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideLook {
    /// The override.
    pub of: Override,
    /// Who asked.
    pub asked_by: String,
    /// Who confirmed it.
    pub confirmed_by: Option<String>,
    /// Who refused or withdrew it.
    pub ended_by: Option<String>,
    /// What stands against the work now and is not covered.
    pub uncovered: Vec<Finding>,
    /// It is asked for or in force, and a new time or scope would end it.
    pub is_bound: bool,
    /// The one who looks can be the second person.
    pub may_confirm: bool,
    /// The one who looks may say no.
    pub may_refuse: bool,
    /// The one who looks asked, and may take it back.
    pub may_withdraw: bool,
}

/// A request that waits for the one who looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondPerson {
    /// The window.
    pub maintenance: Maintenance,
    /// The request.
    pub of: Override,
    /// Who asked.
    pub asked_by: String,
}

/// The reason somebody typed, in the field `why`.
pub(super) fn read_why(text: &str, empty: &str) -> Result<Why, Error> {
    if text.trim().is_empty() {
        return Err(Error::field("why", empty));
    }
    let mut fields = Fields::default();
    fields.take("why", Why::parse(text)).ok_or_else(|| fields.into_error())
}

fn refused(refusal: OverrideRefusal) -> Error {
    let code = match refusal {
        OverrideRefusal::NotAhead(_) | OverrideRefusal::Is(_) | OverrideRefusal::Changed => "wrong_state",
        OverrideRefusal::NotBlocked => "not_blocked",
        OverrideRefusal::NothingNamed => "nothing_named",
        OverrideRefusal::AlreadyAsked => "already_asked",
        OverrideRefusal::SamePerson => "same_person",
        OverrideRefusal::NotTheAsker => "not_the_asker",
    };
    Error::refused(code, refusal.to_string())
}

/// Who answers for it. No token does: whoever holds one could be its maker and the second person at once.
fn person(actor: &Actor) -> Result<UserId, Error> {
    let person = actor.user_id();
    person.ok_or_else(|| Error::refused("no_person", "An override is asked for by a person. Sign in to ask for one."))
}

pub(super) fn looks(
    actor: &Actor,
    m: &Maintenance,
    overrides: Vec<Override>,
    verdict: Option<&Verdict>,
    names: &BTreeMap<UserId, String>,
) -> Vec<OverrideLook> {
    let name = |id: UserId| names.get(&id).cloned().unwrap_or_else(|| "somebody".to_owned());
    let approver = actor.user_id().filter(|_| actor.may(Permission::Approve));
    let operator = actor.user_id().filter(|_| actor.may(Permission::Maintain));
    let is_ahead = Override::purpose_for(m.state).is_some();
    overrides
        .into_iter()
        .map(|of| OverrideLook {
            asked_by: name(of.asked_by),
            confirmed_by: of.confirmed_by.map(name),
            ended_by: of.ended_by.map(name),
            uncovered: verdict.map(|v| of.uncovered(v).into_iter().cloned().collect()).unwrap_or_default(),
            is_bound: of.state.is_open() && is_ahead,
            may_confirm: of.state == OverrideState::Asked && approver.is_some_and(|id| id != of.asked_by),
            may_refuse: of.state.is_open() && is_ahead && approver.is_some_and(|id| id != of.asked_by),
            may_withdraw: of.state.is_open() && is_ahead && operator == Some(of.asked_by),
            of,
        })
        .collect()
}

impl Services {
    /// The answer of the gate about a window, with the override that is in force for it.
    pub(super) async fn with_override(&self, tx: &mut Tx, m: &Maintenance, asked: Asked) -> Result<Asked, Error> {
        if asked.verdict.allows() {
            return Ok(asked);
        }
        let overrides = tx.overrides_of(m.id).await?;
        let verdict = overrides.iter().fold(asked.verdict, |verdict, of| of.apply(m, verdict));
        Ok(Asked { verdict, ..asked })
    }

    /// Ends what does not outlive a change of its window, in the transaction of the change.
    pub(super) async fn end_overrides(&self, tx: &mut Tx, actor: &Actor, m: &Maintenance) -> Result<(), Error> {
        for before in tx.overrides_of(m.id).await? {
            if let Some(after) = before.after(m, self.now(), false) {
                self.store_override(tx, actor, "override.end", m, &before, after).await?;
            }
        }
        Ok(())
    }

    async fn store_override(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &str,
        m: &Maintenance,
        before: &Override,
        after: Override,
    ) -> Result<Override, Error> {
        tx.update_override(&after).await?;
        let after = Override { version: after.version + 1, ..after };
        self.note_override(tx, actor, verb, m, Some(before), &after).await?;
        if m.published_at.is_some() {
            // Customers read whether it waits for its backup.
            tx.announce();
        }
        Ok(after)
    }

    async fn note_override(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &str,
        m: &Maintenance,
        before: Option<&Override>,
        after: &Override,
    ) -> Result<(), Error> {
        let action = Action {
            verb,
            object: "override",
            id: after.id.to_string(),
            name: format!("Override for M-{} {}", m.number, m.title),
        };
        Ok(tx.add_audit(&self.audit(actor, action, before, Some(after))).await?)
    }

    /// Asks a second person to let a window go ahead against everything that stands against it at
    /// this moment.
    ///
    /// # Errors
    /// Not allowed, no reason, the token belongs to no person, nothing stands against it or
    /// somebody has asked already, stale, or the database does not answer.
    pub async fn ask_override(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        why: &str,
    ) -> Result<Override, Error> {
        let super::decide::Loaded { mut tx, m, now, .. } = self.load(actor, id, version).await?;
        let why = read_why(why, "Say why the work can not wait for its backup. The second person decides by it.")?;
        let by = person(actor)?;
        let purpose = Override::purpose_for(m.state).ok_or_else(|| refused(OverrideRefusal::NotAhead(m.state)))?;
        let asked = self.ask(&mut tx, now, purpose, &m).await?;
        let others = tx.overrides_of(id).await?;
        let request = Override::ask(self.new_id(), &m, now, by, why, &asked.verdict, &others).map_err(refused)?;
        tx.add_override(&request).await?;
        self.note_override(&mut tx, actor, "override.ask", &m, None, &request).await?;
        tx.commit().await?;
        Ok(request)
    }

    /// The second person says yes: it is in force. A window on hold that nothing else keeps begins
    /// at once.
    ///
    /// # Errors
    /// Not allowed (no token may), the same person who asked, not waiting any more, the window has
    /// changed, or the database does not answer.
    pub async fn confirm_override(&self, actor: &Actor, id: MaintenanceId, of: OverrideId) -> Result<Override, Error> {
        let (mut tx, m, before, by) = self.load_override(actor, Permission::Approve, id, of).await?;
        let now = self.now();
        let after = before.confirm(&m, now, by).map_err(refused)?;
        for other in tx.overrides_of(id).await? {
            if other.state == OverrideState::Confirmed
                && let Some(replaced) = other.after(&m, now, true)
            {
                self.store_override(&mut tx, actor, "override.end", &m, &other, replaced).await?;
            }
        }
        let after = self.store_override(&mut tx, actor, "override.confirm", &m, &before, after).await?;
        tx.commit().await?;
        if m.state == State::Held {
            // If this node dies before it asks, the worker that looks after held windows does.
            if let Err(error) = self.retry_one(&m).await {
                tracing::error!(maintenance = %m.id, %error, "asking again for a held window failed");
            }
        }
        Ok(after)
    }

    /// An approver says no, with a reason; also to one that is in force, while the work has not begun.
    ///
    /// # Errors
    /// Not allowed (no token may), no reason, it is over, the work has begun, or the database does
    /// not answer.
    pub async fn refuse_override(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        of: OverrideId,
        why: &str,
    ) -> Result<Override, Error> {
        let (mut tx, m, before, by) = self.load_override(actor, Permission::Approve, id, of).await?;
        let why = read_why(why, "Say why not: who asked reads it.")?;
        let after = before.refuse(&m, self.now(), by, why).map_err(refused)?;
        let after = self.store_override(&mut tx, actor, "override.refuse", &m, &before, after).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Who asked takes it back, with a reason, while the work has not begun.
    ///
    /// # Errors
    /// Not allowed, no reason, somebody else asked, it is over, the work has begun, or the database
    /// does not answer.
    pub async fn withdraw_override(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        of: OverrideId,
        why: &str,
    ) -> Result<Override, Error> {
        let (mut tx, m, before, by) = self.load_override(actor, Permission::Maintain, id, of).await?;
        let why = read_why(why, "Say why it is not needed any more.")?;
        let after = before.withdraw(&m, self.now(), by, why).map_err(refused)?;
        let after = self.store_override(&mut tx, actor, "override.withdraw", &m, &before, after).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn load_override(
        &self,
        actor: &Actor,
        permission: Permission,
        id: MaintenanceId,
        of: OverrideId,
    ) -> Result<(Tx, Maintenance, Override, UserId), Error> {
        actor.require(permission)?;
        if permission == Permission::Approve && actor.user_id().is_none() {
            // Whatever else may do everything: a second person is a person.
            return Err(Error::Forbidden(permission));
        }
        let mut tx = self.db.decide().await?;
        let m = tx.maintenance(id).await?;
        let found = tx.overrides_of(id).await?.into_iter().find(|other| other.id == of);
        let found = found.ok_or(Error::NotFound("override"))?;
        let by = person(actor)?;
        Ok((tx, m, found, by))
    }

    /// All overrides of a window, newest first.
    ///
    /// # Errors
    /// Not allowed, there is no such window, or the database does not answer.
    pub async fn overrides(&self, actor: &Actor, id: MaintenanceId) -> Result<Vec<OverrideLook>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let m = tx.maintenance(id).await?;
        let verdict = match Override::purpose_for(m.state) {
            Some(purpose) => Some(self.ask(&mut tx, self.now(), purpose, &m).await?.verdict),
            None => None,
        };
        let names = tx.users().await?.into_iter().map(|user| (user.id, user.name.to_string())).collect();
        let overrides = tx.overrides_of(id).await?;
        Ok(looks(actor, &m, overrides, verdict.as_ref(), &names))
    }

    /// Requests for which the one who looks can be the second person, oldest first.
    pub(super) async fn second_person_wanted(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        limit: i64,
    ) -> Result<Vec<SecondPerson>, Error> {
        let Some(approver) = actor.user_id().filter(|_| actor.may(Permission::Approve)) else { return Ok(Vec::new()) };
        let mut wanted = Vec::new();
        for of in tx.overrides_asked(approver, limit).await? {
            let asked_by = tx.user(of.asked_by).await?.name.to_string();
            wanted.push(SecondPerson { maintenance: tx.maintenance(of.maintenance_id).await?, of, asked_by });
        }
        Ok(wanted)
    }

    /// How many of them there are.
    pub(super) async fn count_second_person_wanted(&self, tx: &mut Tx, actor: &Actor) -> Result<i64, Error> {
        match actor.user_id().filter(|_| actor.may(Permission::Approve)) {
            Some(approver) => Ok(tx.count_overrides_asked(approver).await?),
            None => Ok(0),
        }
    }
}

//! The state of a component, set by hand over all that follows from incidents and windows.

use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::component::{Component, ComponentState};
use domain::ids::ComponentId;
use domain::impact::{ComponentOverride, Impact, Known, Source, component_states, hides_outage, said_by_incidents};
use domain::people::Permission;
use domain::text::Why;
use storage::Tx;

/// What the log calls it.
const OVERRIDE: &str = "component.override";

/// Lines of the log in which the one is sought by which a program set what is set now.
const LINES: i64 = 20;

/// What a person types to set a state by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverrideInput {
    /// `operational`, `under_maintenance`, `degraded_performance`, `partial_outage` or `major_outage`.
    pub state: String,
    /// Why; colleagues read it.
    pub reason: String,
    /// It is meant to be better than what incidents say, and to be counted so.
    pub hides_outage: bool,
}

/// How a component is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentNow {
    /// The component.
    pub component: Component,
    /// What customers read.
    pub state: ComponentState,
    /// What they would read if nothing were set by hand.
    pub derived: ComponentState,
    /// What incidents alone say.
    pub incidents: ComponentState,
    /// What is set by hand.
    pub by_hand: Option<ComponentOverride>,
    /// The name of who set it, of a program as the log knows it.
    pub set_by: Option<String>,
}

impl ComponentNow {
    /// Whether what is set by hand is better than what incidents say, and counts in the figures instead.
    #[must_use]
    pub fn hides_outage(&self) -> bool {
        self.by_hand.as_ref().is_some_and(|by_hand| hides_outage(by_hand.state, self.incidents))
    }
}

fn action(verb: &'static str, component: &Component) -> Action<'static> {
    Action { verb, object: "component", id: component.id.to_string(), name: component.name.to_string() }
}

impl Services {
    /// How a component is now.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn component_now(&self, actor: &Actor, id: ComponentId) -> Result<ComponentNow, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        self.look_at_component(&mut tx, id).await
    }

    async fn look_at_component(&self, tx: &mut Tx, id: ComponentId) -> Result<ComponentNow, Error> {
        let component = tx.component(id).await?;
        let by_hand = tx.component_override(id).await?;
        let set_by = match by_hand.as_ref().map(|by_hand| by_hand.set_by) {
            Some(Some(user)) => Some(tx.user(user).await?.name.to_string()),
            Some(None) => {
                let lines = tx.audit_of_programs("component", &id.to_string(), "component.edit", LINES).await?;
                lines.into_iter().find(|line| line.action == OVERRIDE).map(|line| line.actor)
            }
            None => None,
        };
        let mut open = tx.open_impacts().await?;
        open.retain(|impact| impact.component == id);
        let of = |open: &[Impact]| component_states(open).remove(&id).unwrap_or(ComponentState::Operational);
        let state = of(&open);
        open.retain(|impact| impact.source != Source::Override);
        let incidents = said_by_incidents(&open, id);
        Ok(ComponentNow { state, derived: of(&open), incidents, component, by_hand, set_by })
    }

    /// Sets the state of a component by hand; it holds until it is taken back. One that is better than what incidents say
    /// is asked back: the figures count it.
    ///
    /// # Errors
    /// Not allowed, not found, out of use, wrong fields, or the database does not answer.
    pub async fn override_component(
        &self,
        actor: &Actor,
        id: ComponentId,
        input: &OverrideInput,
    ) -> Result<ComponentNow, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut fields = Fields::default();
        let state = fields.take("state", ComponentState::parse(&input.state));
        let reason = fields.take("reason", Why::parse(&input.reason));
        let (Some(state), Some(reason)) = (state, reason) else { return Err(fields.into_error()) };
        let mut tx = self.db.decide().await?;
        let component = tx.component(id).await?;
        if component.retired_at.is_some() {
            return Err(Error::refused("retired", format!("{} is out of use and has no state.", component.name)));
        }
        let before = tx.component_override(id).await?;
        let now = self.now();
        let is_same = before.as_ref().is_some_and(|before| before.state == state);
        let incidents = said_by_incidents(&tx.open_impacts().await?, id);
        if hides_outage(state, incidents) && !is_same && !input.hides_outage {
            return Err(Error::field(
                "hides_outage",
                format!(
                    "An open incident says “{}”. While “{set}” is set by hand, the availability figures count “{set}” \
                     instead. Choose another state, or say that it is meant so.",
                    incidents.public_text(),
                    set = state.public_text()
                ),
            ));
        }
        let after = ComponentOverride {
            component: id,
            state,
            reason,
            since: before.as_ref().filter(|_| is_same).map_or(now, |before| before.since),
            set_by: actor.user_id(),
            version: before.as_ref().map_or(1, |before| before.version + 1),
        };
        if before.as_ref().is_some_and(|before| is_same && before.reason == after.reason) {
            return self.look_at_component(&mut tx, id).await;
        }
        tx.set_component_override(&after).await?;
        if !is_same {
            tx.end_impacts(Source::Override, id.0, None, now).await?;
            let (impact, known) = (self.new_id(), Known::State(state));
            let (source, source_id) = (Source::Override, id.0);
            let impact = Impact { id: impact, component: id, known, source, source_id, from: now, to: None };
            tx.insert_impact(&impact).await?;
        }
        let action = action(OVERRIDE, &component);
        tx.add_audit(&self.audit(actor, action, before.as_ref(), Some(&after))).await?;
        let look = self.look_at_component(&mut tx, id).await?;
        tx.announce();
        tx.commit().await?;
        Ok(look)
    }

    /// Takes back what was set by hand. Where nothing was, nothing happens.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn withdraw_component_override(&self, actor: &Actor, id: ComponentId) -> Result<ComponentNow, Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let component = tx.component(id).await?;
        let Some(before) = self.end_component_override(&mut tx, id).await? else {
            return self.look_at_component(&mut tx, id).await;
        };
        let action = action("component.withdraw_override", &component);
        tx.add_audit(&self.audit(actor, action, Some(&before), None)).await?;
        let look = self.look_at_component(&mut tx, id).await?;
        tx.announce();
        tx.commit().await?;
        Ok(look)
    }

    /// The override that was, which is no more.
    pub(crate) async fn end_component_override(
        &self,
        tx: &mut Tx,
        id: ComponentId,
    ) -> Result<Option<ComponentOverride>, Error> {
        let before = tx.component_override(id).await?;
        if before.is_some() {
            tx.remove_component_override(id).await?;
            tx.end_impacts(Source::Override, id.0, None, self.now()).await?;
        }
        Ok(before)
    }
}

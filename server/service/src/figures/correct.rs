//! Corrections of the history: entered, seen by customers, withdrawn.

use crate::audit::Action;
use crate::inventory::unchanged;
use crate::{Actor, Error, Fields, Services};
use domain::component::ComponentState;
use domain::correction::{Correction, CorrectionError, Withdrawn, correctable};
use domain::ids::{ComponentId, CorrectionId};
use domain::impact::{Impact, Known, Source, hides_outage, said_by_incidents};
use domain::people::Permission;
use domain::text::Why;
use domain::time::{Instant, LocalTime, Stretch, format_offset, parse_local, parse_offset};
use std::collections::BTreeMap;

/// Corrections on the page of all.
const SHOWN: i64 = 500;

/// A correction as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrectionInput {
    /// Id of the component.
    pub component: String,
    /// Local time of the site, or RFC 3339.
    pub from: String,
    /// Local time of the site, or RFC 3339.
    pub to: String,
    /// `operational` … `major_outage`, or `unknown`.
    pub state: String,
    /// Why; customers read it.
    pub reason: String,
}

/// What is set by hand now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// Of which component.
    pub component: ComponentId,
    /// What the figures count.
    pub state: ComponentState,
    /// What open incidents say, where that is worse: it broke before or after the state was set.
    pub instead_of: Option<ComponentState>,
}

/// Corrections with the names of what they are about.
#[derive(Clone, Debug)]
pub struct CorrectionLook {
    /// The newest first; withdrawn ones too.
    pub corrections: Vec<Correction>,
    /// What components are called, those out of use too.
    pub components: BTreeMap<ComponentId, String>,
    /// What is set by hand now, and counts in the figures until it is taken back; the oldest first.
    pub by_hand: Vec<ByHand>,
}

fn action(verb: &'static str, correction: &Correction, component: &str) -> Action<'static> {
    Action { verb, object: "correction", id: correction.id.to_string(), name: component.to_owned() }
}

impl Services {
    /// Reads an instant: with an offset as it stands, without one by the clocks of a zone.
    pub(super) fn read_instant(&self, zone: &str, text: &str) -> Result<Instant, String> {
        if let Some(at) = parse_offset(text).map_err(|error| error.to_string())? {
            return Ok(at);
        }
        let local = parse_local(text).map_err(|error| error.to_string())?;
        match self.zones.resolve(zone, local) {
            Ok(LocalTime::One(at)) => Ok(at),
            Ok(LocalTime::Gap { before, after }) => Err(format!(
                "{} does not exist in {zone}: the clocks go forward. Choose {} or {}.",
                local.format("%-d %b %Y, %H:%M"),
                before.format("%H:%M"),
                after.format("%H:%M")
            )),
            Ok(LocalTime::Fold { earlier, later }) => {
                let [earlier, later] = [earlier, later].map(|at| format_offset(self.zones.as_ref(), zone, at));
                let time = local.format("%-d %b %Y, %H:%M");
                Err(format!("{time} exists twice in {zone}: the clocks go back. Write {earlier} or {later}."))
            }
            Err(unknown) => Err(unknown.to_string()),
        }
    }

    /// Corrections of one component or of all, withdrawn ones too.
    ///
    /// # Errors
    /// Not allowed, there is no such component, or the database does not answer.
    pub async fn corrections(&self, actor: &Actor, of: Option<ComponentId>) -> Result<CorrectionLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        if let Some(of) = of {
            tx.component(of).await?;
        }
        let open = tx.open_impacts().await?;
        let by_hand = tx.component_overrides().await?.into_iter().map(|set| {
            let (component, state) = (set.component, set.state);
            let said = said_by_incidents(&open, component);
            ByHand { component, state, instead_of: hides_outage(state, said).then_some(said) }
        });
        Ok(CorrectionLook {
            by_hand: by_hand.collect(),
            corrections: tx.corrections(of, true, SHOWN).await?,
            components: tx.components(true).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect(),
        })
    }

    /// One correction.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn correction(&self, actor: &Actor, id: CorrectionId) -> Result<(Correction, String), Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let correction = tx.correction(id).await?;
        let component = tx.component(correction.component).await?;
        Ok((correction, component.name.to_string()))
    }

    /// Says what a component was, over everything else that says something about that time.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn correct_history(&self, actor: &Actor, input: &CorrectionInput) -> Result<Correction, Error> {
        actor.require(Permission::Administer)?;
        let now = self.now();
        let mut tx = self.db.decide().await?;
        let zone = tx.site().await?.zone;
        let mut fields = Fields::default();
        let component = match input.component.trim().parse::<ComponentId>() {
            Ok(id) => tx.component(id).await.ok(),
            Err(_) => None,
        };
        let component = fields.take("component", component.ok_or("Choose a component."));
        let from = fields.take("from", self.read_instant(&zone, &input.from));
        let to = fields.take("to", self.read_instant(&zone, &input.to));
        let known = fields.take("state", Known::parse(&input.state));
        let reason = fields.take("reason", Why::parse(&input.reason));
        let stretch = from.zip(to).and_then(|(from, to)| {
            fields.take::<Stretch, CorrectionError>("to", correctable(Stretch::new(from, to), now))
        });
        let (Some(component), Some(known), Some(reason), Some(stretch)) = (component, known, reason, stretch) else {
            return Err(fields.into_error());
        };
        let correction = Correction {
            id: self.new_id(),
            component: component.id,
            stretch,
            known,
            reason,
            created_at: now,
            created_by: actor.user_id(),
            by: actor.label(),
            withdrawn: None,
            version: 1,
        };
        tx.insert_correction(&correction).await?;
        tx.insert_impact(&Impact {
            id: self.new_id(),
            component: component.id,
            known,
            source: Source::Correction,
            source_id: correction.id.0,
            from: stretch.from,
            to: Some(stretch.to),
        })
        .await?;
        let action = action("correction.add", &correction, component.name.as_str());
        tx.add_audit(&self.audit(actor, action, None, Some(&correction))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(correction)
    }

    /// Takes a correction back: the history is again what it was without it. The log keeps it.
    ///
    /// # Errors
    /// Not allowed, not found, withdrawn already, stale, wrong fields, or the database does not answer.
    pub async fn withdraw_correction(
        &self,
        actor: &Actor,
        id: CorrectionId,
        version: i64,
        why: &str,
    ) -> Result<Correction, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let before = tx.correction(id).await?;
        if before.withdrawn.is_some() {
            return Err(Error::refused("withdrawn", "This correction has been withdrawn already."));
        }
        unchanged("correction", before.version, version)?;
        let why = Why::parse(why).map_err(|error| Error::field("why", error.to_string()))?;
        let component = tx.component(before.component).await?;
        let withdrawn = Withdrawn { at: self.now(), by: actor.label(), why };
        tx.withdraw_correction(id, version, &withdrawn).await?;
        let after = Correction { withdrawn: Some(withdrawn), version: version + 1, ..before.clone() };
        let action = action("correction.withdraw", &after, component.name.as_str());
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }
}

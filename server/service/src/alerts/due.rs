//! What becomes of causes as time goes on: published, discarded, proposed as over, let go from work
//! that has ended. Each step is taken inside a decision, from what is stored at that moment: on many
//! nodes each happens once.

use super::{Names, reached};
use crate::incidents::{IncidentEdit, IncidentPost};
use crate::{Actor, Error, Services};
use domain::alert::book::{Book, Ground};
use domain::alert::cause::{Cause, CauseState, Step};
use domain::alert::place::Known;
use domain::alert::reach::Reach;
use domain::alert::rule::Plan;
use domain::ids::CauseId;
use domain::incident::IncidentState;
use domain::maintenance::State;
use domain::text::Prose;
use domain::time::Instant;
use std::collections::BTreeMap;
use storage::Tx;
use storage::alert::AlertFilter;
use uuid::Uuid;

/// Causes looked up at once.
const BATCH: i64 = 100;

/// Most alerts of one cause that a window lets go.
const FIRING: i64 = 100_000;

impl Services {
    /// Takes every step that is due. Cheap where nothing is. A cause that can not be dealt with is logged and does not stop
    /// the others.
    ///
    /// Gives back how many causes changed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn follow_causes(&self) -> Result<usize, Error> {
        let now = self.now();
        let (mut changed, mut last) = (0, None);
        loop {
            // All of them, not the first few: those that fail are due again and would be the first for ever.
            let ids = self.db.read().await?.due_causes(now, last, BATCH).await?;
            if ids.is_empty() {
                return Ok(changed);
            }
            last = ids.last().copied();
            for id in ids {
                match self.follow_cause(id).await {
                    Ok(true) => changed += 1,
                    Ok(false) => {}
                    Err(error) => tracing::error!(cause = %id, %error, "a due step of a cause failed"),
                }
            }
        }
    }

    async fn follow_cause(&self, id: CauseId) -> Result<bool, Error> {
        let mut tx = self.db.decide().await?;
        let now = self.now();
        let mut cause = tx.cause(id).await?;
        if cause.state == CauseState::Window {
            return self.release(tx, &cause, now).await;
        }
        if cause.forget_delay() {
            tx.put_cause(&cause).await?;
            tx.commit().await?;
            return Ok(true);
        }
        let Some(step) = cause.due(now) else { return Ok(false) };
        let system = Actor::system();
        let names = Names::of(&mut tx, &cause.components.keys().copied().collect()).await?;
        let components = names.public(&cause.components);
        let post =
            |state: IncidentState, body: Prose| IncidentPost { state, body, components: BTreeMap::new(), tell: true };
        match (step, cause.incident) {
            (Step::Publish, Some(incident)) => {
                let draft = tx.incident(incident).await?;
                // What a person took out of it, or what is not in use any more, leaves nothing that it is about.
                if tx.component_names(&draft.components.keys().copied().collect()).await?.is_empty() {
                    cause.publish_at = None;
                    tx.put_cause(&cause).await?;
                    tx.commit().await?;
                    return Ok(true);
                }
                let by_hand = tx.is_edited_by_hand(incident).await?;
                // What monitoring calls it is for the team, unless a person chose so.
                let edit = IncidentEdit {
                    title: (!by_hand || draft.title == cause.title).then(|| names.title(&cause)),
                    ..IncidentEdit::default()
                };
                self.edit_incident_in(&mut tx, &system, incident, None, edit).await?;
                // What a person has written already counts.
                let written = draft.draft_text;
                let body = if written.as_str().is_empty() { cause.plan.first_text(&components) } else { written };
                let published = self
                    .publish_incident_in(&mut tx, &system, incident, None, post(IncidentState::Investigating, body))
                    .await?;
                cause.incident_state = Some(published.state);
                cause.follow(now);
            }
            (Step::Discard, Some(incident)) if tx.is_edited_by_hand(incident).await? => cause.proposed_at = Some(now),
            (Step::Discard, Some(incident)) => {
                self.discard_incident_in(&mut tx, &system, incident, None).await?;
                cause.close(now);
            }
            (Step::Resolve, Some(incident)) if !cause.ends(&tx.incident(incident).await?) => {
                cause.proposed_at = Some(now);
            }
            (Step::Resolve, Some(incident)) => {
                let body = Plan::last_text(&components);
                self.update_incident_in(&mut tx, &system, incident, None, post(IncidentState::Resolved, body)).await?;
                cause.close(now);
            }
            (Step::Propose, Some(_)) => cause.proposed_at = Some(now),
            (Step::Close, _) | (_, None) => cause.close(now),
        }
        cause.last_at = now;
        tx.put_cause(&cause).await?;
        if cause.state == CauseState::Over {
            tx.settle_alerts_of(id).await?;
        }
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(true)
    }

    /// The work has ended: what still fires is nobody's plan any more.
    async fn release(&self, mut tx: Tx, cause: &Cause, now: Instant) -> Result<bool, Error> {
        let (id, Some(work)) = (cause.id, cause.maintenance) else { return Ok(false) };
        if matches!(tx.maintenance(work).await?.state, State::InProgress | State::Verifying) {
            return Ok(false);
        }
        let firing = AlertFilter { cause: Some(id), firing: Some(true), ..AlertFilter::default() };
        let alerts = tx.alerts_of(&firing, FIRING).await?;
        let (labels, works) = (tx.alert_labels().await?, tx.works().await?);
        let mut reach = Reach::of(&alerts, &labels, &works);
        reach.causes.insert(id);
        let (topology, before) = reached(&mut tx, reach).await?;
        // They are placed already: nothing has to be found by its name.
        let ground = Ground { topology, known: Known::default(), labels, rules: tx.alert_rules().await?, works };
        let mut book = Book { alerts: BTreeMap::new(), causes: before.clone() };
        let taken = book.release(id, alerts, &ground, now, &mut Uuid::now_v7);
        let told = self.write(&mut tx, &before, &mut book, &taken).await?;
        tx.commit().await?;
        if told {
            self.outbox_filled.notify_one();
        }
        Ok(true)
    }
}

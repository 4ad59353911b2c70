//! Alerts come in, are joined with one cause, and open one incident per cause. What is joined with
//! what, and what becomes of it, is the domain's; see [`domain::alert`].

mod due;
mod keep;
mod look;
mod rules;
mod untold;

pub(crate) use look::alert_needs;
pub use look::{AlertsLook, AlertsQuery, CauseLine, CausesQuery};
pub use rules::{LabelsInput, RuleInput, RulesLook, STATES};
pub use untold::Worse;

use self::keep::Kept;
use crate::incidents::{IncidentEdit, IncidentPost, NewIncident};
use crate::{Actor, Error, Services};
use domain::alert::Alert;
use domain::alert::book::{Book, Ground, Taken};
use domain::alert::cause::{Cause, CauseState};
use domain::alert::reach::{Called, Reach};
use domain::alert::read::{Sender, read};
use domain::alert::rule::Plan;
use domain::component::ComponentState;
use domain::gate::Topology;
use domain::ids::{CauseId, ComponentId, IncidentId};
use domain::incident::IncidentState;
use domain::people::Permission;
use domain::text::{Name, Prose};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;
use storage::alert::cause::CausesOf;
use uuid::Uuid;

/// Longest fingerprint that is kept as it is.
const PRINT: usize = 200;

/// Most labels named in an answer that named nothing.
const UNMATCHED: usize = 100;

/// Most causes that are live at once: far more than there are hosts.
const LIVE: i64 = 10_000;

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertReceipt {
    /// Alerts in the report.
    pub alerts: usize,
    /// Those that were new, or came back after their cause was over.
    pub added: usize,
    /// Those that were known to fire.
    pub repeated: usize,
    /// Those that are over now.
    pub ended: usize,
    /// Those that a rule ignores.
    pub ignored: usize,
    /// Ends of alerts that nobody had reported.
    pub unknown: usize,
    /// Labels that should name a host or a component and name none in use, like `host=mail-9`: the first of them.
    pub unmatched: BTreeSet<String>,
    /// The causes that its alerts belong to.
    pub causes: BTreeSet<CauseId>,
}

/// What components in use are called, for customers.
struct Names(BTreeMap<ComponentId, Option<Name>>);

impl Names {
    /// Those of these components.
    async fn of(tx: &mut Tx, components: &BTreeSet<ComponentId>) -> Result<Self, Error> {
        Ok(Self(tx.component_names(components).await?))
    }

    /// Those in use.
    fn in_use(&self, of: &BTreeMap<ComponentId, ComponentState>) -> BTreeMap<ComponentId, ComponentState> {
        of.iter().filter(|(id, _)| self.0.contains_key(*id)).map(|(id, state)| (*id, *state)).collect()
    }

    /// What the incident of a cause is called.
    fn title(&self, cause: &Cause) -> Name {
        cause.plan.incident_title(&self.public(&cause.components), &cause.title)
    }

    /// What customers know of them, the worst first.
    fn public(&self, of: &BTreeMap<ComponentId, ComponentState>) -> Vec<String> {
        let named = of.iter().filter_map(|(id, state)| Some((*state, self.0.get(id)?.as_ref()?)));
        let mut named: Vec<(ComponentState, &Name)> = named.collect();
        named.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        named.into_iter().map(|(_, name)| name.to_string()).collect()
    }
}

impl Services {
    /// Takes a report of alerts in, as a monitoring system sends it. The answer comes when nothing of it can get lost any
    /// more; the same report again changes nothing.
    ///
    /// # Errors
    /// The actor may not report, the report can not be read, or the database does not answer.
    pub async fn take_alerts(&self, actor: &Actor, sender: Sender, body: &[u8]) -> Result<AlertReceipt, Error> {
        actor.require(Permission::ReportAlert)?;
        let mut report = read(sender, &String::from_utf8_lossy(body)).map_err(|r| Error::field(r.field, r.message))?;
        for alert in report.alerts.iter_mut().filter(|alert| alert.fingerprint.len() > PRINT) {
            alert.fingerprint = crate::keys::hash(&alert.fingerprint);
        }
        let source = actor.token_id().map_or_else(Uuid::nil, |id| id.0);
        let mut tx = self.db.decide().await?;
        let now = self.now();
        let prints: BTreeSet<&str> = report.alerts.iter().map(|alert| alert.fingerprint.as_str()).collect();
        let prints: Vec<&str> = prints.into_iter().collect();
        let alerts = tx.alerts_known(source, &prints).await?;
        let (labels, works) = (tx.alert_labels().await?, tx.works().await?);
        let known = tx.known_names(&Called::by(&report, &labels)).await?;
        let unmatched = report.alerts.iter().flat_map(|alert| known.unmatched(alert, &labels));
        let unmatched: BTreeSet<String> = unmatched.collect();
        let reach = Reach::of(&alerts, &labels, &works).with(source, &report, &known, &labels);
        let (topology, before) = reached(&mut tx, reach).await?;
        let ground = Ground { topology, known, labels, rules: tx.alert_rules().await?, works };
        let mut book = Book {
            alerts: alerts.into_iter().map(|alert| (alert.fingerprint.clone(), alert)).collect(),
            causes: before.clone(),
        };
        let taken = book.take(source, &report, &ground, now, &mut Uuid::now_v7);
        let told = self.write(&mut tx, &before, &mut book, &taken).await?;
        tx.commit().await?;
        if told {
            self.outbox_filled.notify_one();
        }
        Ok(AlertReceipt {
            alerts: report.alerts.len(),
            added: taken.added.len(),
            repeated: taken.repeated,
            ended: taken.ended,
            ignored: taken.ignored,
            unknown: taken.unknown,
            unmatched: unmatched.into_iter().take(UNMATCHED).collect(),
            causes: book.belong_to(),
        })
    }

    /// Says that all alerts of a cause are over: their source has gone and will never tell.
    ///
    /// # Errors
    /// The actor may not, there is no such cause that is not over, or the database does not answer.
    pub async fn end_cause(&self, actor: &Actor, id: CauseId) -> Result<(), Error> {
        actor.require(Permission::RunIncidents)?;
        let mut tx = self.db.decide().await?;
        let now = self.now();
        let before = tx.cause(id).await?;
        if before.merged_into.is_some() {
            let whole = AlertsLook::whole_of(&mut tx, &before).await?;
            let of = match whole.incident {
                Some(id) => Some(tx.incident(id).await?),
                None => None,
            };
            let of = of.map(|of| format!(" ({} {})", of.reference(), of.title)).unwrap_or_default();
            let message = format!("This cause is part of {}{of} now: end that one.", whole.id);
            return Err(Error::refused("wrong_state", message));
        }
        if !before.state.is_live() {
            return Err(Error::refused("wrong_state", "All alerts of this cause are over already."));
        }
        if before.firing == 0 {
            return Ok(());
        }
        let mut cause = Cause { firing: 0, last_at: now, ..before.clone() };
        cause.follow(now);
        tx.end_alerts_of(id, now).await?;
        tx.put_cause(&cause).await?;
        let action = crate::audit::Action {
            verb: "cause.end",
            object: "cause",
            id: id.to_string(),
            name: cause.title.to_string(),
        };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&cause))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What would be posted if the incident were resolved by itself, where that is proposed to a person and nothing of it
    /// fires any more.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn proposed_end(&self, actor: &Actor, incident: IncidentId) -> Result<Option<Prose>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let causes = tx.causes(CausesOf::Incident(incident), LIVE).await?;
        let open = || causes.iter().filter(|cause| cause.state == CauseState::Open && !cause.is_decided());
        let Some(over) = open().find(|cause| cause.proposed_at.is_some()) else { return Ok(None) };
        if open().any(|cause| cause.firing > 0) {
            return Ok(None);
        }
        let names = Names::of(&mut tx, &over.components.keys().copied().collect()).await?;
        Ok(Some(Plan::last_text(&names.public(&over.components))))
    }

    /// Writes what changed in the book, with the incidents that follow. Says whether customers are told of something.
    async fn write(
        &self,
        tx: &mut Tx,
        before: &BTreeMap<CauseId, Cause>,
        book: &mut Book,
        taken: &Taken,
    ) -> Result<bool, Error> {
        let system = Actor::system();
        let mut told = false;
        for old in &taken.replaced {
            tx.settle_alert(old.id).await?;
        }
        let merged: BTreeSet<CauseId> = taken.merged.iter().map(|(from, _)| *from).collect();
        let Kept { taken_over, standing } = self.keep_written(tx, book, taken).await?;
        // A draft that was taken over says what its own cause was.
        let before = |id: &CauseId| before.get(taken_over.get(id).unwrap_or(id));
        let has_moved = |id: &&CauseId| book.causes.get(*id).is_some_and(|cause| cause.moves_incident(before(id)));
        let moved: Vec<CauseId> = taken.touched.iter().filter(has_moved).copied().collect();
        if !moved.is_empty() {
            let are = moved.iter().filter_map(|id| book.causes.get(id)).flat_map(|cause| cause.components.keys());
            let mut spoken_of: BTreeSet<ComponentId> = are.copied().collect();
            spoken_of.extend(moved.iter().filter_map(before).flat_map(|cause| cause.components.keys()));
            let names = Names::of(tx, &spoken_of).await?;
            for id in &moved {
                if let Some(cause) = book.causes.get_mut(id) {
                    told |= self.follow_incident(tx, before(id), cause, &names).await?;
                }
            }
        }
        // What is part of another refers to it.
        let (parts, wholes): (Vec<&CauseId>, Vec<&CauseId>) = taken.touched.iter().partition(|id| merged.contains(*id));
        for id in wholes.into_iter().chain(parts) {
            if let Some(cause) = book.causes.get(id) {
                tx.put_cause(cause).await?;
            }
        }
        let added: Vec<&Alert> = taken.added.iter().filter_map(|print| book.alerts.get(print)).collect();
        tx.insert_alerts(&added).await?;
        let changed = taken.changed.difference(&taken.added);
        let changed: Vec<&Alert> = changed.filter_map(|print| book.alerts.get(print)).collect();
        tx.update_alerts(&changed).await?;
        for (from, into) in &taken.merged {
            tx.move_alerts(*from, *into).await?;
            if standing.contains(from) {
                continue;
            }
            let part = book.causes.get(from);
            if let Some((incident, IncidentState::Draft)) =
                part.and_then(|part| Some((part.incident?, part.incident_state?)))
            {
                self.discard_incident_in(tx, &system, incident, None).await?;
            }
        }
        for id in &taken.touched {
            if book.causes.get(id).is_some_and(|cause| cause.state == CauseState::Over) {
                tx.settle_alerts_of(*id).await?;
            }
        }
        Ok(told)
    }

    /// Drafts the incident of a cause that moves it, or brings its draft up to date: what a person changed in it stays.
    /// Of what is published customers are told what is worse now. Says whether they are.
    async fn follow_incident(
        &self,
        tx: &mut Tx,
        before: Option<&Cause>,
        cause: &mut Cause,
        names: &Names,
    ) -> Result<bool, Error> {
        let system = Actor::system();
        let components = names.in_use(&cause.components);
        match (cause.incident, cause.incident_state) {
            (None, _) => {
                let new = NewIncident {
                    title: names.title(cause),
                    severity: None,
                    components,
                    started_at: Some(cause.started_at),
                    maintenance: None,
                    state: IncidentState::Investigating,
                    body: Prose::default(),
                    tell: true,
                };
                let draft = self.draft_incident_in(tx, &system, new).await?;
                cause.incident = Some(draft.id);
                cause.incident_state = Some(draft.state);
            }
            (Some(id), Some(IncidentState::Draft)) => {
                let Some(before) = before else { return Ok(false) };
                let draft = tx.incident(id).await?;
                let mut after = draft.components.clone();
                for (component, state) in components {
                    if before.components.get(&component) != Some(&state) {
                        let worst = after.entry(component).or_insert(state);
                        *worst = state.max(*worst);
                    }
                }
                let by_hand = tx.is_edited_by_hand(id).await?;
                let edit = IncidentEdit {
                    title: (!by_hand || draft.title == names.title(before)).then(|| names.title(cause)),
                    components: Some(after),
                    started_at: (!by_hand || draft.started_at == before.started_at).then_some(cause.started_at),
                    ..IncidentEdit::default()
                };
                self.edit_incident_in(tx, &system, id, None, edit).await?;
            }
            (Some(id), Some(_)) => return self.tell_worse(tx, id, before, cause, names).await,
            (Some(_), None) => {}
        }
        Ok(false)
    }

    /// Tells customers what has become worse with what came now: where a person says that something is well again, it
    /// stays so. Says whether there was anything.
    async fn tell_worse(
        &self,
        tx: &mut Tx,
        id: IncidentId,
        before: Option<&Cause>,
        cause: &mut Cause,
        names: &Names,
    ) -> Result<bool, Error> {
        let incident = tx.incident(id).await?;
        let mut worse = names.in_use(&cause.worse_than(&incident));
        worse.retain(|component, state| before.is_none_or(|was| was.components.get(component) != Some(state)));
        let named = names.public(&worse);
        if named.is_empty() {
            return Ok(false);
        }
        // What gets worse is not mended.
        let mended = incident.state == IncidentState::Monitoring;
        let state = if mended { IncidentState::Investigating } else { incident.state };
        let post = IncidentPost { state, body: Plan::worse_text(&named), components: worse, tell: true };
        let updated = self.update_incident_in(tx, &Actor::system(), id, None, post).await?;
        cause.incident_state = Some(updated.state);
        Ok(true)
    }
}

/// What runs on what around alerts, and the causes that they can become part of.
async fn reached(tx: &mut Tx, mut reach: Reach) -> Result<(Topology, BTreeMap<CauseId, Cause>), Error> {
    let live = tx.live_keys().await?;
    reach.follow(&live, &Topology::default());
    let mut topology = tx.topology_around(&reach.hosts).await?;
    while reach.follow(&live, &topology) {
        topology = tx.topology_around(&reach.hosts).await?;
    }
    let causes = tx.live_causes(&reach.causes).await?;
    Ok((topology, causes.into_iter().map(|cause| (cause.id, cause)).collect()))
}

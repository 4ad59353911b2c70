//! What people decide about windows.

use super::input::{self as typed, MaintenanceInput, Typed, Words};
use super::overriding::read_why;
use super::scope_of;
use super::series::Publish;
use crate::audit::Action;
use crate::conflicts::check_named;
use crate::error::{Error, Fields};
use crate::once::{answered, once};
use crate::{Actor, Services};
use domain::gate::{Evidence, Purpose, Verdict};
use domain::ids::{ComponentId, HostId, MaintenanceId};
use domain::maintenance::transition::{self, Change, Command, Edit, Finish, Refusal, Who};
use domain::maintenance::{KeptVerdict, Maintenance, Occasion, PlanError, Planned, State, Tick};
use domain::people::Permission;
use domain::policy::Policy;
use domain::template;
use domain::text::{Name, Prose};
use domain::time::{Instant, Span, Stretch, parse_local};
use serde::{Deserialize, Serialize};
use storage::Tx;

/// Which window content is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new one.
    New,
    /// A stored one.
    Stored {
        /// Which.
        id: MaintenanceId,
        /// As it was read, if the one who asks knows.
        version: Option<i64>,
    },
}

/// What became of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Planning {
    /// It is kept as a draft, as was asked for.
    Drafted(Maintenance),
    /// It is published.
    Scheduled(Maintenance),
    /// The gate refused; the draft is kept.
    Refused {
        /// The draft.
        draft: Maintenance,
        /// With all reasons.
        verdict: Box<Verdict>,
    },
}

/// A longer end, by either way to say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendInput {
    /// How much later: `30 min`.
    #[serde(default)]
    pub by: String,
    /// The new local end in the window's zone, where `by` is empty.
    #[serde(default)]
    pub end: String,
    /// `earlier` or `later`, where the end exists twice.
    #[serde(default)]
    pub end_fold: String,
    /// Markdown for customers.
    #[serde(default)]
    pub body: String,
    /// Stands in `body` where it has `{{reason}}`.
    #[serde(default)]
    pub reason: String,
    /// Why it goes on in spite of what a freeze or a redundancy group says.
    #[serde(default)]
    pub conflicts_why: String,
}

impl ExtendInput {
    /// What customers are to read.
    #[must_use]
    pub fn words(&self) -> Words<'_> {
        Words { text: &self.body, reason: &self.reason }
    }
}

/// A window in a decision.
pub(super) struct Loaded {
    pub(super) tx: Tx,
    pub(super) m: Maintenance,
    pub(super) policy: Policy,
    pub(super) now: Instant,
}

/// What the gate said.
pub(super) struct Asked {
    pub(super) verdict: Verdict,
    pub(super) evidence: Evidence,
}

/// The refusal as an error, at its field where it has one.
pub(super) fn refused(refusal: &Refusal, verdict: Option<&Verdict>) -> Error {
    let message = refusal.to_string();
    match refusal {
        Refusal::StartPassed => Error::field("start", message),
        Refusal::EndNotLater | Refusal::BadTimes => Error::field("end", message),
        Refusal::EmptyBody => Error::field("body", message),
        Refusal::NoSuchLine => Error::field("line", message),
        Refusal::ChecklistFixed => Error::field("checklist", message),
        Refusal::OpenLines { .. } => Error::refused("checklist_open", message),
        Refusal::Blocked { .. } => blocked(verdict, message),
        Refusal::Not { .. } | Refusal::UnderWay | Refusal::NotPublished => Error::refused("wrong_state", message),
        Refusal::NoLongerFits => Error::refused("no_longer_fits", message),
        Refusal::NeedsVerdict | Refusal::VerdictLapsed => Error::refused("gate_blocked", message),
        Refusal::NotDue | Refusal::ByHand | Refusal::StillFits => Error::refused("not_due", message),
    }
}

fn blocked(verdict: Option<&Verdict>, otherwise: String) -> Error {
    Error::Refused {
        code: "gate_blocked",
        message: verdict.map_or(otherwise, |v| format!("{}.", v.headline())),
        verdict: verdict.cloned().map(Box::new),
    }
}

/// Nobody is told that something is called off without being told why.
pub(super) fn read_cancellation(m: &Maintenance, words: Words<'_>) -> Result<Prose, Error> {
    let reason = words.read()?;
    if m.published_at.is_some() && !m.state.is_ended() && reason.as_str().trim().is_empty() {
        return Err(Error::field("body", "Write what customers should read: why it is called off."));
    }
    Ok(reason)
}

impl Services {
    pub(super) async fn load(&self, actor: &Actor, id: MaintenanceId, version: Option<i64>) -> Result<Loaded, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let m = tx.maintenance(id).await?;
        Error::unless_fresh("maintenance", m.version, version)?;
        let policy = tx.site().await?.policy;
        Ok(Loaded { tx, m, policy, now: self.now() })
    }

    /// The gate's answer about a window, with the override that is in force for it. The one way to
    /// ask about a window: an override counts wherever it is asked, or nowhere.
    pub(super) async fn ask(
        &self,
        tx: &mut Tx,
        now: Instant,
        purpose: Purpose,
        m: &Maintenance,
    ) -> Result<Asked, Error> {
        let window = Some(m.planned.length());
        let (verdict, evidence) = self.gate_for_work(tx, now, purpose, &scope_of(m), window).await?;
        self.with_override(tx, m, Asked { verdict, evidence }).await
    }

    pub(super) async fn keep(
        &self,
        tx: &mut Tx,
        id: MaintenanceId,
        occasion: Occasion,
        asked: &Asked,
    ) -> Result<(), Error> {
        let kept = KeptVerdict { id: self.new_id(), maintenance_id: id, occasion, verdict: asked.verdict.clone() };
        Ok(tx.add_verdict(&kept, &asked.evidence).await?)
    }

    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &str,
        before: Option<&Maintenance>,
        after: &Maintenance,
    ) -> Result<(), Error> {
        let action = Action {
            verb,
            object: "maintenance",
            id: after.id.to_string(),
            name: format!("M-{} {}", after.number, after.title),
        };
        Ok(tx.add_audit(&self.audit(actor, action, before, Some(after))).await?)
    }

    /// Stores what a transition led to: the window, the line of its timeline, what is to be told.
    pub(super) async fn carry_out(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        before: &Maintenance,
        change: Change,
        body: Prose,
        proof: Option<&Verdict>,
    ) -> Result<Maintenance, Error> {
        let mut after = change.maintenance;
        let only_checked = Maintenance {
            day_check_at: before.day_check_at,
            lead_check_at: before.lead_check_at,
            next_due_at: before.next_due_at,
            ..after.clone()
        } == *before;
        if only_checked {
            // Whoever has the form open must not hear that somebody else changed the window.
            tx.note_checks(&after).await?;
        } else {
            tx.update_maintenance(&after).await?;
            after.version += 1;
            self.end_overrides(tx, actor, &after).await?;
            self.follow_work(tx, before.state, &after).await?;
        }
        if let Some(mut update) = change.update {
            if !body.as_str().is_empty() {
                update.body = body;
            }
            let update = update.into_update(self.new_id(), after.id, actor.user_id());
            tx.add_update(&update).await?;
            if change.tell {
                let affected = self.affected_by(tx, &after).await?;
                let proof = proof.and_then(Verdict::proof);
                self.tell(tx, &after, &update, &affected, proof).await?;
            }
            tx.announce();
        }
        if after.reminders != before.reminders {
            let site = tx.site().await?.reminders;
            self.pass_over(tx, &after, &site).await?;
        }
        Ok(after)
    }

    pub(super) async fn commit(&self, tx: Tx) -> Result<(), Error> {
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(())
    }

    /// Everything named newly must be in use.
    pub(super) async fn check_scope(
        &self,
        tx: &mut Tx,
        edit: &Edit,
        stored: Option<&Maintenance>,
    ) -> Result<(), Error> {
        let hosts = edit.hosts.iter().copied().filter(|id| stored.is_none_or(|m| !m.hosts.contains(id)));
        let components = edit.components.iter().copied().filter(|id| stored.is_none_or(|m| !m.components.contains(id)));
        self.check_named(tx, hosts.collect(), components.collect()).await
    }

    /// Hosts and components must be in use.
    pub(super) async fn check_named(
        &self,
        tx: &mut Tx,
        hosts: Vec<HostId>,
        components: Vec<ComponentId>,
    ) -> Result<(), Error> {
        let mut fields = Fields::default();
        let scope =
            domain::gate::Scope { hosts: hosts.into_iter().collect(), components: components.into_iter().collect() };
        check_named(tx, &mut fields, &scope).await?;
        if fields.is_empty() { Ok(()) } else { Err(fields.into_error()) }
    }

    /// A title is written out when it is saved: the subject of its mails must not change (MAIL-1).
    pub(super) async fn write_out(&self, tx: &mut Tx, edit: &mut Edit) -> Result<(), Error> {
        edit.title = self.written_out(tx, &edit.title, &edit.hosts, &edit.components).await?;
        Ok(())
    }

    pub(super) async fn written_out(
        &self,
        tx: &mut Tx,
        title: &Name,
        hosts: &[HostId],
        components: &[ComponentId],
    ) -> Result<Name, Error> {
        if !title.as_str().contains("{{") {
            return Ok(title.clone());
        }
        let touched = self.affected(tx, hosts, components).await?;
        let names: Vec<String> = touched.into_iter().map(|(_, name)| name).collect();
        let title = template::with_components(title.as_str(), &names);
        Name::parse(&title).map_err(|e| Error::field("title", e.to_string()))
    }

    /// The draft with this content, in the transaction; also as it was before.
    async fn draft_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        target: Target,
        input: &MaintenanceInput,
        policy: &Policy,
        now: Instant,
    ) -> Result<(Option<Maintenance>, Maintenance), Error> {
        match target {
            Target::New => {
                let mut edit = input.read(self.zones.as_ref(), None)?;
                self.check_scope(tx, &edit, None).await?;
                self.write_out(tx, &mut edit).await?;
                let number = tx.next_maintenance_number().await?;
                let draft = transition::draft(self.new_id(), number, actor.user_id(), now, edit);
                tx.add_maintenance(&draft).await?;
                Ok((None, draft))
            }
            Target::Stored { id, version } => {
                let m = tx.maintenance(id).await?;
                Error::unless_fresh("maintenance", m.version, version)?;
                if m.state != State::Draft {
                    return Err(refused(&Refusal::Not { state: m.state, command: Command::Schedule }, None));
                }
                let mut edit = input.read(self.zones.as_ref(), Some(&m))?;
                self.check_scope(tx, &edit, Some(&m)).await?;
                self.write_out(tx, &mut edit).await?;
                let change = transition::edit(&m, now, edit, None, policy).map_err(|r| refused(&r, None))?;
                let draft = self.carry_out(tx, actor, &m, change, Prose::default(), None).await?;
                Ok((Some(m), draft))
            }
        }
    }

    /// Keeps a new window as a draft.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, or the database does not answer.
    pub async fn draft_maintenance(&self, actor: &Actor, input: &MaintenanceInput) -> Result<Maintenance, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let draft = self.keep_draft(&mut tx, actor, input).await?;
        self.commit(tx).await?;
        Ok(draft)
    }

    async fn keep_draft(&self, tx: &mut Tx, actor: &Actor, input: &MaintenanceInput) -> Result<Maintenance, Error> {
        let policy = tx.site().await?.policy;
        let (_, draft) = self.draft_in(tx, actor, Target::New, input, &policy, self.now()).await?;
        self.note(tx, actor, "maintenance.draft", None, &draft).await?;
        Ok(draft)
    }

    /// Publishes a window: a new one, or a draft with what was changed in it. If the gate refuses,
    /// the draft is kept, and so is the answer.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, no draft (any more), or the database does not answer.
    pub async fn schedule_maintenance(
        &self,
        actor: &Actor,
        target: Target,
        input: &MaintenanceInput,
    ) -> Result<Planning, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let planning = self.try_to_schedule(&mut tx, actor, target, input, &Publish::default()).await?;
        self.commit(tx).await?;
        Ok(planning)
    }

    pub(super) async fn try_to_schedule(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        target: Target,
        input: &MaintenanceInput,
        publish: &Publish,
    ) -> Result<Planning, Error> {
        let now = self.now();
        let policy = tx.site().await?.policy;
        let (before, draft) = self.draft_in(tx, actor, target, input, &policy, now).await?;
        let asked = self.ask(tx, now, Purpose::Schedule, &draft).await?;
        self.keep(tx, draft.id, Occasion::Schedule, &asked).await?;
        match transition::schedule(&draft, now, &asked.verdict, &policy) {
            Ok(change) => {
                let why = input.conflicts_why.as_deref();
                self.mind_conflicts(tx, actor, &draft, &asked.evidence, why).await?;
                let change = Change { tell: change.tell && publish.tell, ..change };
                let m = self.carry_out(tx, actor, &draft, change, publish.body.clone(), Some(&asked.verdict)).await?;
                self.note(tx, actor, "maintenance.schedule", before.as_ref(), &m).await?;
                Ok(Planning::Scheduled(m))
            }
            Err(Refusal::Blocked { .. }) => {
                self.note(tx, actor, "maintenance.refuse", before.as_ref(), &draft).await?;
                Ok(Planning::Refused { draft, verdict: Box::new(asked.verdict) })
            }
            Err(other) => Err(refused(&other, Some(&asked.verdict))),
        }
    }

    /// Plans a new window for a program. A request that comes again with the same key changes
    /// nothing and gets the first answer.
    ///
    /// # Errors
    /// As [`Self::schedule_maintenance`]; the key is too long, or was used for another request.
    pub async fn plan_maintenance(
        &self,
        actor: &Actor,
        idempotency_key: Option<&str>,
        input: &MaintenanceInput,
        schedule: bool,
    ) -> Result<Planning, Error> {
        actor.require(Permission::Maintain)?;
        let once = once(actor, idempotency_key, &("maintenance", schedule, input))?;
        let mut tx = self.db.decide().await?;
        if let Some(before) = answered(&mut tx, once.as_ref()).await? {
            return Ok(before);
        }
        let planning = if schedule {
            self.try_to_schedule(&mut tx, actor, Target::New, input, &Publish::default()).await?
        } else {
            Planning::Drafted(self.keep_draft(&mut tx, actor, input).await?)
        };
        let status = if matches!(planning, Planning::Refused { .. }) { 409 } else { 201 };
        self.remember(&mut tx, once, status, &planning).await?;
        self.commit(tx).await?;
        Ok(planning)
    }

    /// Changes what a person can set. A published window whose scope or time changes is asked
    /// about again; a new time makes it scheduled again. `note` is what customers read about the change.
    ///
    /// # Errors
    /// Not allowed, all wrong fields, refused by the gate (nothing changes, the answer is kept) or
    /// by the window's state, stale, or the database does not answer.
    pub async fn edit_maintenance<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        input: &MaintenanceInput,
        note: impl Into<Words<'a>>,
    ) -> Result<Maintenance, Error> {
        let note = note.into();
        let Loaded { mut tx, m, policy, now } = self.load(actor, id, version).await?;
        let note = note.read()?;
        let mut edit = input.read(self.zones.as_ref(), Some(&m))?;
        self.check_scope(&mut tx, &edit, Some(&m)).await?;
        self.write_out(&mut tx, &mut edit).await?;
        let mut asked = None;
        let mut result = transition::edit(&m, now, edit.clone(), None, &policy);
        if matches!(result, Err(Refusal::NeedsVerdict)) {
            // As it would be: an override for what it was does not count.
            let new = Maintenance {
                hosts: edit.hosts.clone(),
                components: edit.components.clone(),
                planned: edit.planned.clone(),
                ..m.clone()
            };
            let answer = self.ask(&mut tx, now, Purpose::Schedule, &new).await?;
            self.keep(&mut tx, m.id, Occasion::Change, &answer).await?;
            result = transition::edit(&m, now, edit, Some(&answer.verdict), &policy);
            asked = Some(answer);
        }
        let verdict = asked.as_ref().map(|asked| &asked.verdict);
        match result {
            Ok(change) => {
                if let Some(asked) = &asked {
                    let why = input.conflicts_why.as_deref();
                    self.mind_conflicts(&mut tx, actor, &change.maintenance, &asked.evidence, why).await?;
                }
                let after = self.carry_out(&mut tx, actor, &m, change, note, verdict).await?;
                if after != m {
                    self.note(&mut tx, actor, "maintenance.edit", Some(&m), &after).await?;
                }
                self.commit(tx).await?;
                Ok(after)
            }
            Err(refusal @ Refusal::Blocked { .. }) => {
                self.note(&mut tx, actor, "maintenance.refuse", Some(&m), &m).await?;
                let error = refused(&refusal, verdict);
                self.commit(tx).await?;
                Err(error)
            }
            Err(other) => Err(refused(&other, verdict)),
        }
    }

    /// Begins the work, by hand, also early. The gate is asked at this moment; a start that is due
    /// and refused puts the window on hold.
    ///
    /// # Errors
    /// Not allowed, refused by the gate (`gate_blocked`, or `held` where it now waits) or by the
    /// window's state, stale, or the database does not answer.
    pub async fn start_maintenance<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        note: impl Into<Words<'a>>,
    ) -> Result<Maintenance, Error> {
        let note = note.into();
        let Loaded { mut tx, m, policy, now } = self.load(actor, id, version).await?;
        let note = note.read()?;
        let asked = self.ask(&mut tx, now, Purpose::Start, &m).await?;
        match transition::start(&m, now, &asked.verdict, Who::Person, &policy) {
            Ok(change) => {
                self.keep(&mut tx, m.id, Occasion::Start, &asked).await?;
                let held = change.maintenance.state == State::Held;
                if !held {
                    self.mind_early_start(&mut tx, &m, &asked.evidence, now).await?;
                }
                let note = if held { Prose::default() } else { note };
                let after = self.carry_out(&mut tx, actor, &m, change, note, Some(&asked.verdict)).await?;
                let verb = if held { "maintenance.hold" } else { "maintenance.start" };
                self.note(&mut tx, actor, verb, Some(&m), &after).await?;
                self.commit(tx).await?;
                if held {
                    return Err(Error::Refused {
                        code: "held",
                        message: format!(
                            "{}. The window is on hold and starts by itself when the backup is confirmed.",
                            asked.verdict.headline()
                        ),
                        verdict: Some(Box::new(asked.verdict)),
                    });
                }
                Ok(after)
            }
            Err(refusal @ Refusal::Blocked { .. }) => {
                self.keep(&mut tx, m.id, Occasion::Start, &asked).await?;
                self.note(&mut tx, actor, "maintenance.refuse", Some(&m), &m).await?;
                self.commit(tx).await?;
                Err(refused(&refusal, Some(&asked.verdict)))
            }
            Err(other) => Err(refused(&other, Some(&asked.verdict))),
        }
    }

    /// A transition that does not ask the gate.
    async fn simply(
        &self,
        actor: &Actor,
        loaded: Loaded,
        verb: &str,
        change: Result<Change, Refusal>,
        body: Prose,
    ) -> Result<Maintenance, Error> {
        let Loaded { mut tx, m, .. } = loaded;
        let change = change.map_err(|r| refused(&r, None))?;
        let after = self.carry_out(&mut tx, actor, &m, change, body, None).await?;
        self.note(&mut tx, actor, verb, Some(&m), &after).await?;
        self.commit(tx).await?;
        Ok(after)
    }

    /// Moves the end of work that is being done.
    ///
    /// # Errors
    /// Not allowed, the end can not be read or is not later, refused by the window's state, stale,
    /// or the database does not answer.
    pub async fn extend_maintenance(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        input: &ExtendInput,
    ) -> Result<Maintenance, Error> {
        let mut loaded = self.load(actor, id, version).await?;
        let body = input.words().read()?;
        let ends_at = self.new_end(&loaded.m.planned, input)?;
        let change = transition::extend(&loaded.m, loaded.now, ends_at, &loaded.policy);
        if change.is_ok() {
            let more = Stretch::new(loaded.m.planned.ends_at, ends_at);
            self.mind_extension(&mut loaded.tx, actor, &loaded.m, more, &input.conflicts_why).await?;
        }
        self.simply(actor, loaded, "maintenance.extend", change, body).await
    }

    pub(super) fn new_end(&self, planned: &Planned, input: &ExtendInput) -> Result<Instant, Error> {
        if !input.by.trim().is_empty() {
            let by = Span::parse(&input.by).map_err(|e| Error::field("by", e.to_string()))?;
            return Ok(by.after(planned.ends_at));
        }
        if input.end.trim().is_empty() {
            return Err(Error::field("by", "Say how much longer it takes: for example 30 min."));
        }
        let end = parse_local(&input.end).map_err(|e| Error::field("end", e.to_string()))?;
        let fold = typed::read_fold("end_fold", &input.end_fold)?;
        // Read as the end of what is planned already: a fold can be settled by the start.
        let start = domain::time::civil(self.zones.as_ref(), &planned.zone, planned.starts_at).local;
        let start_fold = Typed::of(self.zones.as_ref(), planned).start_fold;
        Planned::plan(self.zones.as_ref(), &planned.zone, start, start_fold, end, fold, None)
            .map(|longer| longer.ends_at)
            .map_err(|e| match e {
                PlanError::EndNotAfterStart => refused(&Refusal::EndNotLater, None),
                other => Error::field("end", other.to_string()),
            })
    }

    /// The work is done and is being checked.
    ///
    /// # Errors
    /// Not allowed, not in progress, stale, or the database does not answer.
    pub async fn verify_maintenance<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        note: impl Into<Words<'a>>,
    ) -> Result<Maintenance, Error> {
        let note = note.into();
        let loaded = self.load(actor, id, version).await?;
        let note = note.read()?;
        let change = transition::finish(&loaded.m, loaded.now, Finish::Verifying, &loaded.policy);
        self.simply(actor, loaded, "maintenance.verify", change, note).await
    }

    /// It is over, at its planned end or earlier.
    ///
    /// # Errors
    /// Not allowed, not under way, lines of its checklist are open, stale, or the database does not answer.
    pub async fn complete_maintenance<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        note: impl Into<Words<'a>>,
    ) -> Result<Maintenance, Error> {
        let note = note.into();
        let loaded = self.load(actor, id, version).await?;
        let note = note.read()?;
        let change = transition::complete(&loaded.m, loaded.now, Who::Person, &loaded.policy);
        self.simply(actor, loaded, "maintenance.complete", change, note).await
    }

    /// It is over although lines of its checklist are open; `why` is kept for colleagues, `note` is
    /// what customers read.
    ///
    /// # Errors
    /// Not allowed, no reason, not under way, stale, or the database does not answer.
    pub async fn complete_maintenance_anyway<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        note: impl Into<Words<'a>>,
        why: &str,
    ) -> Result<Maintenance, Error> {
        let note = note.into();
        let loaded = self.load(actor, id, version).await?;
        let note = note.read()?;
        let why = read_why(why, "Say why it is completed with lines open. Colleagues read it.")?;
        let change = transition::complete_anyway(&loaded.m, loaded.now, why, &loaded.policy);
        self.simply(actor, loaded, "maintenance.complete_anyway", change, note).await
    }

    /// Ticks a line of the checklist, or opens it again. The line is named by its words: whatever
    /// else colleagues have ticked meanwhile, it is the right one.
    ///
    /// # Errors
    /// Not allowed, not being checked, no such line, or the database does not answer.
    pub async fn tick_line(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        line: &str,
        is_done: bool,
    ) -> Result<Maintenance, Error> {
        let loaded = self.load(actor, id, None).await?;
        let tick = is_done.then(|| Tick { by: actor.label(), at: loaded.now });
        let change = transition::tick(&loaded.m, loaded.now, line.trim(), tick, &loaded.policy);
        if change.as_ref().is_ok_and(|change| change.maintenance == loaded.m) {
            return Ok(loaded.m);
        }
        let verb = if is_done { "maintenance.tick" } else { "maintenance.untick" };
        self.simply(actor, loaded, verb, change, Prose::default()).await
    }

    /// Calls it off. The reason is what customers read, and may be missing only for a draft.
    ///
    /// # Errors
    /// Not allowed, no reason, already ended, stale, or the database does not answer.
    pub async fn cancel_maintenance<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        reason: impl Into<Words<'a>>,
    ) -> Result<Maintenance, Error> {
        let reason = reason.into();
        let loaded = self.load(actor, id, version).await?;
        let reason = read_cancellation(&loaded.m, reason)?;
        let change = transition::cancel(&loaded.m, loaded.now, reason, &loaded.policy);
        self.simply(actor, loaded, "maintenance.cancel", change, Prose::default()).await
    }

    /// Adds a line to the timeline.
    ///
    /// # Errors
    /// Not allowed, nothing written, never published, or the database does not answer.
    pub async fn post_update<'a>(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        version: Option<i64>,
        text: impl Into<Words<'a>>,
    ) -> Result<Maintenance, Error> {
        let text = text.into();
        let loaded = self.load(actor, id, version).await?;
        let text = text.read()?;
        let change = transition::post(&loaded.m, loaded.now, text, &loaded.policy);
        self.simply(actor, loaded, "maintenance.update", change, Prose::default()).await
    }

    /// Throws a draft away. One that the gate or a second person was asked about is kept out of sight instead, as
    /// cancelled: the answers stay on record.
    ///
    /// # Errors
    /// Not allowed, not a draft, stale, or the database does not answer.
    pub async fn delete_draft(&self, actor: &Actor, id: MaintenanceId, version: Option<i64>) -> Result<(), Error> {
        let mut loaded = self.load(actor, id, version).await?;
        if loaded.m.state != State::Draft {
            return Err(Error::refused("wrong_state", "Only a draft can be deleted; cancel this window instead."));
        }
        let is_kept = !loaded.tx.verdicts_of(id, 1).await?.is_empty() || !loaded.tx.overrides_of(id).await?.is_empty();
        if is_kept {
            let change = transition::cancel(&loaded.m, loaded.now, Prose::default(), &loaded.policy);
            self.simply(actor, loaded, "maintenance.delete", change, Prose::default()).await?;
            return Ok(());
        }
        let Loaded { mut tx, m, .. } = loaded;
        tx.delete_draft(m.id, m.version).await?;
        let action = Action {
            verb: "maintenance.delete",
            object: "maintenance",
            id: m.id.to_string(),
            name: format!("M-{} {}", m.number, m.title),
        };
        tx.add_audit(&self.audit(actor, action, Some(&m), None)).await?;
        self.commit(tx).await
    }
}

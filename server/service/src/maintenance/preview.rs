//! A mail before it is sent: what somebody is about to do is decided and written as it would be, by the same functions,
//! and nothing is stored. The mail is made by what the courier makes it with, for a reader who does not exist.
//!
//! Where the gate is closed, the preview is of the mail that goes once it is open, without the line about the backup.

use super::decide::{ExtendInput, Target, read_cancellation, refused};
use super::input::{MaintenanceInput, Words};
use crate::deliveries::Letter;
use crate::tell::{News, Recipient};
use crate::templates::TemplateInput;
use crate::{Actor, Error, Fields, Services};
use domain::gate::{Outcome, Purpose, Verdict};
use domain::ids::{MaintenanceId, TemplateId};
use domain::maintenance::transition::{self, Change, Edit, Refusal, Who};
use domain::maintenance::{Maintenance, Planned, Reminders, State};
use domain::people::Permission;
use domain::policy::Policy;
use domain::template::{self, TemplateUse};
use domain::text::{Name, Prose, Why};
use domain::time::{Instant, LocalTime, Span, civil};
use storage::Tx;
use storage::outbox::Notification;
use uuid::Uuid;

/// Who a preview is written to.
const READER: &str = "reader@example.com";

/// Stands for a reason where a template is tried out.
const SOME_REASON: &str = "a part arrived late";

/// A mail as it would be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specimen {
    /// The mail.
    pub letter: Letter,
    /// The zone its times are in.
    pub zone: String,
    /// The gate stands against it: nothing would be sent yet.
    pub blocked: bool,
}

/// What somebody is about to do with a published window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Post an update.
    Post(Words<'a>),
    /// Move its end.
    Extend(&'a ExtendInput),
    /// Say that it is over.
    Complete(Words<'a>),
    /// Call it off.
    Cancel(Words<'a>),
}

/// A gate that lets everything through, for a mail that is only looked at.
fn open_gate(now: Instant, purpose: Purpose) -> Verdict {
    Verdict {
        asked_at: now,
        purpose,
        outcome: Outcome::Confirmed { until: None },
        protections: Vec::new(),
        warnings: Vec::new(),
        exemptions: Vec::new(),
        restores: Vec::new(),
    }
}

fn allowed(change: Result<Change, Refusal>) -> Result<Change, Error> {
    change.map_err(|refusal| refused(&refusal, None))
}

/// What would be told.
struct About {
    change: Change,
    body: Prose,
    proof: Option<String>,
    blocked: bool,
}

impl Services {
    /// The mail that scheduling a window, or changing a published one, would send.
    ///
    /// # Errors
    /// Not allowed, wrong fields, refused by the window's state, nothing that mails tell of would change, or the database
    /// does not answer.
    pub async fn preview_plan<'a>(
        &self,
        actor: &Actor,
        target: Target,
        input: &MaintenanceInput,
        note: impl Into<Words<'a>>,
        zone: &str,
    ) -> Result<Specimen, Error> {
        actor.require(Permission::Maintain)?;
        let note = note.into();
        let now = self.now();
        let mut tx = self.db.read().await?;
        let policy = tx.site().await?.policy;
        let stored = match target {
            Target::New => None,
            Target::Stored { id, .. } => Some(tx.maintenance(id).await?),
        };
        let body = note.read()?;
        let mut edit = input.read(self.zones.as_ref(), stored.as_ref())?;
        self.check_scope(&mut tx, &edit, stored.as_ref()).await?;
        self.write_out(&mut tx, &mut edit).await?;
        let about = match stored {
            Some(m) if m.state != State::Draft => {
                let (change, proof, blocked) = self.would_change(&mut tx, &m, edit, now, &policy).await?;
                About { change, body, proof, blocked }
            }
            stored => {
                let draft = match stored {
                    Some(m) => allowed(transition::edit(&m, now, edit, None, &policy))?.maintenance,
                    None => {
                        let number = tx.likely_maintenance_number().await?;
                        transition::draft(self.new_id(), number, actor.user_id(), now, edit)
                    }
                };
                let (verdict, proof) = self.would_be_asked(&mut tx, &draft, now).await?;
                let blocked = verdict.is_none();
                let verdict = verdict.unwrap_or_else(|| open_gate(now, Purpose::Schedule));
                let change = allowed(transition::schedule(&draft, now, &verdict, &policy))?;
                About { change, body: Prose::default(), proof, blocked }
            }
        };
        self.specimen(tx, about, zone).await
    }

    /// The gate's answer where it lets the work be scheduled, and its line in the mail.
    async fn would_be_asked(
        &self,
        tx: &mut Tx,
        m: &Maintenance,
        now: Instant,
    ) -> Result<(Option<Verdict>, Option<String>), Error> {
        let verdict = self.ask(tx, now, Purpose::Schedule, m).await?.verdict;
        let proof = verdict.proof();
        Ok((verdict.allows().then_some(verdict), proof))
    }

    async fn would_change(
        &self,
        tx: &mut Tx,
        m: &Maintenance,
        edit: Edit,
        now: Instant,
        policy: &Policy,
    ) -> Result<(Change, Option<String>, bool), Error> {
        match transition::edit(m, now, edit.clone(), None, policy) {
            Err(Refusal::NeedsVerdict) => {
                let new = Maintenance {
                    hosts: edit.hosts.clone(),
                    components: edit.components.clone(),
                    planned: edit.planned.clone(),
                    ..m.clone()
                };
                let (verdict, proof) = self.would_be_asked(tx, &new, now).await?;
                let open = verdict.clone().unwrap_or_else(|| open_gate(now, Purpose::Schedule));
                let change = allowed(transition::edit(m, now, edit, Some(&open), policy))?;
                Ok((change, proof, verdict.is_none()))
            }
            other => Ok((allowed(other)?, None, false)),
        }
    }

    /// The mail that a step would send.
    ///
    /// # Errors
    /// Not allowed, wrong fields, refused by the window's state, or the database does not answer.
    pub async fn preview_step(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        step: Step<'_>,
        zone: &str,
    ) -> Result<Specimen, Error> {
        actor.require(Permission::Maintain)?;
        let now = self.now();
        let mut tx = self.db.read().await?;
        let m = tx.maintenance(id).await?;
        let policy = tx.site().await?.policy;
        let (change, body) = match step {
            Step::Post(words) => (transition::post(&m, now, words.read()?, &policy), Prose::default()),
            Step::Extend(input) => {
                let body = input.words().read()?;
                (transition::extend(&m, now, self.new_end(&m.planned, input)?, &policy), body)
            }
            // Lines of the checklist that are open are between colleagues: the mail is the same.
            Step::Complete(words) => (transition::complete_anyway(&m, now, any_reason()?, &policy), words.read()?),
            Step::Cancel(words) => {
                (transition::cancel(&m, now, read_cancellation(&m, words)?, &policy), Prose::default())
            }
        };
        self.specimen(tx, About { change: allowed(change)?, body, proof: None, blocked: false }, zone).await
    }

    /// A mail with the text of a template, about a window that does not exist: tomorrow evening, on some components.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn preview_template(&self, actor: &Actor, input: &TemplateInput, zone: &str) -> Result<Specimen, Error> {
        actor.require(Permission::Maintain)?;
        let mut fields = Fields::default();
        let read = input.read(TemplateId(Uuid::nil()), &mut fields);
        let Some(template) = read.filter(|_| fields.is_empty()) else { return Err(fields.into_error()) };
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let components = tx.components(false).await?.into_iter().take(2).map(|component| component.id).collect();
        let announces = template.used_for == TemplateUse::Announce;
        let text = template::with_reason(template.body.as_str(), SOME_REASON)
            .map_err(|e| Error::field("body", e.to_string()))?;
        let body = Prose::parse(&text).map_err(|e| Error::field("body", e.to_string()))?;
        let title =
            Some(template.title).filter(|title| !title.is_empty()).unwrap_or_else(|| "Replacing a disk".to_owned());
        let mut edit = Edit {
            title: Name::parse(&title).map_err(|e| Error::field("title", e.to_string()))?,
            message: if announces { body.clone() } else { Prose::default() },
            planned: self.tomorrow_evening(&site.zone, now),
            hosts: Vec::new(),
            components,
            auto_start: true,
            auto_complete: false,
            reminders: Reminders::default(),
            checklist: Vec::new(),
        };
        self.write_out(&mut tx, &mut edit).await?;
        let number = tx.likely_maintenance_number().await?;
        let policy = site.policy;
        let draft = transition::draft(MaintenanceId(Uuid::nil()), number, actor.user_id(), now, edit);
        let scheduled = allowed(transition::schedule(&draft, now, &open_gate(now, Purpose::Schedule), &policy))?;
        let at = scheduled.maintenance.planned.starts_at;
        let started = allowed(transition::start(
            &scheduled.maintenance,
            at,
            &open_gate(at, Purpose::Start),
            Who::Worker,
            &policy,
        ))?;
        let (m, running) = (&scheduled.maintenance, &started.maintenance);
        let longer = Span::hours(1).after(running.planned.ends_at);
        let (change, body) = match template.used_for {
            TemplateUse::Announce => (Ok(scheduled), Prose::default()),
            TemplateUse::Progress => (transition::post(running, at, body, &policy), Prose::default()),
            TemplateUse::Extend => (transition::extend(running, at, longer, &policy), body),
            TemplateUse::Finish => (transition::complete(running, running.planned.ends_at, Who::Person, &policy), body),
            TemplateUse::Cancel => (transition::cancel(m, now, body, &policy), Prose::default()),
            TemplateUse::Incident | TemplateUse::IncidentUpdate => {
                return Err(Error::refused(
                    "nothing_told",
                    "This text is about an incident: it is sent from its page.",
                ));
            }
        };
        self.specimen(tx, About { change: allowed(change)?, body, proof: None, blocked: false }, zone).await
    }

    fn tomorrow_evening(&self, zone: &str, now: Instant) -> Planned {
        let today = civil(self.zones.as_ref(), zone, now).local.date();
        let local = today.checked_add_days(chrono::Days::new(1)).unwrap_or(today).and_time(chrono::NaiveTime::MIN);
        let local_start = local + Span::hours(20).delta();
        let starts_at = match self.zones.resolve(zone, local_start) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
            _ => local_start.and_utc(),
        };
        let ends_at = Span::hours(2).after(starts_at);
        Planned { zone: zone.to_owned(), local_start, start_fold: None, starts_at, ends_at, latest_end_at: ends_at }
    }

    /// The mail about a change, by the very functions that would queue and send it.
    async fn specimen(&self, mut tx: Tx, about: About, zone: &str) -> Result<Specimen, Error> {
        let About { change, body, proof, blocked } = about;
        let site = tx.site().await?;
        let zone = match zone.trim() {
            "" => site.zone,
            zone => {
                self.zones.canonical(zone).ok_or_else(|| Error::field("mail_zone", "There is no such time zone."))?
            }
        };
        let Some(mut update) = change.update.filter(|_| change.tell) else {
            return Err(Error::refused("nothing_told", "Nothing would change that subscribers are told of."));
        };
        if !body.as_str().is_empty() {
            update.body = body;
        }
        let m = change.maintenance;
        let update = update.into_update(self.new_id(), m.id, None);
        let affected = self.affected_by(&mut tx, &m).await?;
        let public = tx.public_among(&affected.iter().map(|(id, _)| *id).collect::<Vec<_>>()).await?;
        let affected = affected.into_iter().filter(|(id, _)| public.contains(id)).map(|(_, name)| name).collect();
        let new = self.notification_of(&mut tx, &m, News::Update(update), affected, proof).await?;
        let notification = Notification {
            id: new.id,
            number: tx.likely_notification_number().await?,
            kind: new.kind.to_owned(),
            subject_id: new.subject_id,
            content_json: new.content_json,
            created_at: new.created_at,
        };
        drop(tx);
        let reader = Recipient {
            id: Uuid::nil(),
            number: 0,
            email: READER.to_owned(),
            zone: zone.clone(),
            token_version: 0,
            confirm_sent_at: None,
        };
        let sender = self.sender().await?;
        let content = self.mail_content(&sender, &notification, &reader).map_err(|e| Error::internal(&e))?;
        let letter = Letter::of(&sender, content).map_err(|e| Error::internal(&e))?;
        Ok(Specimen { letter, zone, blocked })
    }

    /// A window's message as its readers will see it on the page, as far as the form says what it needs: HTML.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn preview_message(&self, actor: &Actor, input: &MaintenanceInput) -> Result<String, Error> {
        actor.require(Permission::View)?;
        let text = input.message.as_deref().unwrap_or_default();
        let text = template::with_reason(text, input.reason.as_deref().unwrap_or_default()).unwrap_or(text.to_owned());
        let planned = self.look_at_time(input).planned.filter(|_| text.contains("{{"));
        let (Some(planned), Ok(scope)) = (planned, input.scope()) else { return Ok(crate::prose::html(&text)) };
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let hosts: Vec<_> = scope.hosts.into_iter().collect();
        let components: Vec<_> = scope.components.into_iter().collect();
        let touched = self.affected(&mut tx, &hosts, &components).await?;
        let names: Vec<String> = touched.into_iter().map(|(_, name)| name).collect();
        let title = template::with_components(input.title.as_deref().unwrap_or_default(), &names);
        let facts = template::Facts {
            components: &names,
            title: &title,
            starts_at: planned.starts_at,
            ends_at: planned.ends_at,
            link: &self.url("/maintenance/…"),
        };
        Ok(crate::prose::html(&facts.fill(self.zones.as_ref(), &site.zone, &text)))
    }
}

fn any_reason() -> Result<Why, Error> {
    Why::parse("preview").map_err(|e| Error::internal(&e))
}

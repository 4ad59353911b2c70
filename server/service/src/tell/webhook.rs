//! What webhooks are sent. It is written once, in the transaction of the telling and from what it knows: later calls, and
//! each repetition, say the same byte for byte.

use super::{IncidentTold, News, PostTold, Reach, Told};
use crate::{Error, Services};
use chrono::SecondsFormat;
use domain::component::{ComponentState, public_part};
use domain::ids::{ComponentId, IncidentId};
use domain::impact::component_states;
use domain::incident::{Incident, IncidentState, IncidentUpdate};
use domain::maintenance::{Maintenance, Planned, State, Update, UpdateKind};
use domain::post_mortem::PostMortemState;
use domain::site::Site;
use domain::subscriber::Topic;
use domain::time::Span;
use outbound::statuspage::{
    Event, EventLine, Indicator, PublicComponent, PublishedPostMortem, Scheduled, StateChange, Writer,
};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use storage::Tx;
use storage::outbox::NewNotification;

/// Statuspage's word for an incident of which a post-mortem is out.
const POSTMORTEM: &str = "postmortem";

/// The page as it stands while something is told.
struct Standing {
    site: Site,
    indicator: Indicator,
    components: Vec<PublicComponent>,
}

impl Services {
    /// Keeps what webhooks are sent of a window.
    pub(super) async fn keep_window_body(
        &self,
        tx: &mut Tx,
        new: &NewNotification,
        told: &Told,
        reach: &Reach,
    ) -> Result<(), Error> {
        let standing = self.standing(tx).await?;
        let m = &told.maintenance;
        let mut updates = tx.updates_of(&[m.id]).await?;
        if let News::Update(update) = &told.news {
            updates.retain(|known| known.id != update.id);
            updates.push(update.clone());
        }
        updates.sort_by_key(|update| Reverse((update.at, update.id)));
        let zone = &standing.site.zone;
        let mut lines: Vec<EventLine> =
            updates.iter().map(|update| self.window_line(zone, m, &told.affected, update)).collect();
        let settled = tx.settled_reminders(m.id).await?.into_iter();
        let told_before = settled.filter(|r| r.told.is_some() && r.starts_at == m.planned.starts_at);
        let mut reminded_at = told_before.map(|reminder| reminder.settled_at).max();
        if let News::Reminder { .. } = &told.news {
            reminded_at = Some(new.created_at);
            let ahead = Span::between(new.created_at, m.planned.starts_at).in_words();
            let line = EventLine {
                id: new.id.0,
                status: "scheduled",
                body: format!("This maintenance starts in {ahead}."),
                at: new.created_at,
                changes: Vec::new(),
            };
            lines.insert(0, line);
        }
        let event = Event {
            id: m.id.0,
            name: m.title.to_string(),
            status: window_status(m.state),
            state: m.state.as_str(),
            impact: "maintenance",
            impact_override: None,
            backfilled: false,
            created_at: m.published_at.unwrap_or(m.created_at),
            started_at: m.begins_at(),
            monitoring_at: None,
            resolved_at: m.ended_at,
            url: self.maintenance_url(m),
            lines,
            components: standing.of(reach.components()),
            post_mortem: None,
            scheduled: Some(Scheduled {
                from: m.planned.starts_at,
                until: m.planned.ends_at,
                reminds: m.reminders.leads(&standing.site.reminders).iter().next().is_some(),
                reminded_at,
                auto_start: m.auto_start,
                auto_complete: m.auto_complete,
            }),
        };
        let event = self.writer(&standing.site).event(&event);
        self.keep_body(tx, new, &standing, "incident", event).await
    }

    fn window_line(&self, zone: &str, m: &Maintenance, affected: &[String], update: &Update) -> EventLine {
        let said = self.update_for(zone, m, affected, update);
        let is_plan = matches!(update.kind, UpdateKind::Scheduled | UpdateKind::Rescheduled | UpdateKind::Changed);
        // With the times that were planned then: the plan may have moved since.
        let (starts_at, ends_at) = (update.starts_at, update.ends_at);
        let then = Maintenance { planned: Planned { starts_at, ends_at, ..m.planned.clone() }, ..m.clone() };
        let body = match (is_plan, update.kind) {
            (true, _) if said.is_empty() => self.message_for(zone, &then, affected),
            (_, UpdateKind::Scheduled) => format!("{}\n\n{said}", self.message_for(zone, &then, affected)),
            _ => said,
        };
        let body = match body.trim() {
            "" => window_words(update.kind).to_owned(),
            text => text.to_owned(),
        };
        let has_begun = m.started_at.is_some_and(|began| began <= update.at);
        let status = match update.kind {
            UpdateKind::Scheduled
            | UpdateKind::Rescheduled
            | UpdateKind::Changed
            | UpdateKind::Held
            | UpdateKind::Postponed => "scheduled",
            UpdateKind::Started | UpdateKind::Extended => "in_progress",
            UpdateKind::Verifying => "verifying",
            UpdateKind::Completed | UpdateKind::Cancelled => "completed",
            UpdateKind::Note if has_begun => "in_progress",
            UpdateKind::Note => "scheduled",
        };
        EventLine { id: update.id.0, status, body, at: update.at, changes: Vec::new() }
    }

    /// Keeps what webhooks are sent of an incident.
    pub(super) async fn keep_incident_body(
        &self,
        tx: &mut Tx,
        new: &NewNotification,
        told: &IncidentTold,
        reach: &Reach,
    ) -> Result<(), Error> {
        let standing = self.standing(tx).await?;
        let i = &told.incident;
        let mut updates = tx.incident_updates_of(&[i.id]).await?;
        updates.retain(|known| known.id != told.update.id);
        updates.push(told.update.clone());
        let post_mortem = tx.post_mortem(i.id).await?.filter(|p| p.state == PostMortemState::Published);
        let post_mortem = post_mortem.and_then(|p| {
            Some(PublishedPostMortem { body: p.body.as_str().to_owned(), published_at: p.published_at? })
        });
        let event = self.incident_event(&standing, i, told.update.state, updates);
        let event = Event { components: standing.of(reach.components()), post_mortem, ..event };
        let event = self.writer(&standing.site).event(&event);
        self.keep_body(tx, new, &standing, "incident", event).await
    }

    /// An incident with these lines of its timeline, of which nothing is hidden that has to be.
    fn incident_event(
        &self,
        standing: &Standing,
        i: &Incident,
        state: IncidentState,
        mut updates: Vec<IncidentUpdate>,
    ) -> Event {
        updates.sort_by_key(|update| (update.at, update.id));
        let lines = incident_lines(&updates, &standing.names());
        let monitoring = updates.iter().rfind(|update| update.state == IncidentState::Monitoring);
        let touched: Vec<ComponentId> = i.components.keys().copied().collect();
        Event {
            id: i.id.0,
            name: i.title.to_string(),
            status: state.as_str(),
            state: state.as_str(),
            impact: i.severity().as_str(),
            impact_override: i.severity_override.map(domain::incident::Severity::as_str),
            backfilled: i.is_backfilled,
            created_at: i.published_at.unwrap_or(i.created_at),
            started_at: i.started_at,
            monitoring_at: monitoring.map(|update| update.at),
            resolved_at: i.resolved_at.filter(|_| state == IncidentState::Resolved),
            url: self.incident_url(i),
            lines,
            components: standing.of(&touched),
            post_mortem: None,
            scheduled: None,
        }
    }

    /// Keeps what webhooks are sent of something published. A post-mortem is news of its incident, as Statuspage has it.
    pub(super) async fn keep_post_body(
        &self,
        tx: &mut Tx,
        new: &NewNotification,
        told: &PostTold,
    ) -> Result<(), Error> {
        let standing = self.standing(tx).await?;
        if let Some(of) = post_mortem_of(told) {
            let event = self.post_mortem_event(tx, &standing, of, new, told).await?;
            let event = self.writer(&standing.site).event(&event);
            return self.keep_body(tx, new, &standing, "incident", event).await;
        }
        let key = match told.topic {
            Topic::PostMortems => "postmortem",
            Topic::ActionItems => "action_items",
            Topic::Reports => "report",
            Topic::Announcements | Topic::Maintenance | Topic::Incidents => "announcement",
        };
        let post = json!({
            "id": new.subject_id,
            "title": told.title,
            "lead": told.lead,
            "body": told.message,
            "url": self.url(&told.path),
            "published_at": self.writer(&standing.site).stamp(new.created_at),
        });
        self.keep_body(tx, new, &standing, key, post).await
    }

    async fn post_mortem_event(
        &self,
        tx: &mut Tx,
        standing: &Standing,
        of: IncidentId,
        new: &NewNotification,
        told: &PostTold,
    ) -> Result<Event, Error> {
        let mut incident = tx.incident(of).await?;
        let updates = tx.incident_updates_of(&[of]).await?;
        incident.hide(&tx.private_components().await?, &updates);
        // The first time it becomes public in this very transaction.
        let known = tx.post_mortem(of).await?.and_then(|known| known.published_at);
        let mut event = self.incident_event(standing, &incident, incident.state, updates);
        event.status = POSTMORTEM;
        let (body, at) = (told.lead.clone(), new.created_at);
        event.lines.insert(0, EventLine { id: new.id.0, status: POSTMORTEM, body, at, changes: Vec::new() });
        let (body, published_at) = (told.message.as_str().to_owned(), known.unwrap_or(new.created_at));
        Ok(Event { post_mortem: Some(PublishedPostMortem { body, published_at }), ..event })
    }

    /// What a test call sends: the shape of an incident that is over and hurt nobody.
    pub(crate) async fn test_body(&self, tx: &mut Tx, id: uuid::Uuid) -> Result<Value, Error> {
        let (standing, now) = (self.standing(tx).await?, self.now());
        let body = "This is a test of a webhook. Nothing has happened.".to_owned();
        let event = Event {
            id,
            name: "Test call".to_owned(),
            status: "resolved",
            state: "resolved",
            impact: "none",
            impact_override: None,
            backfilled: false,
            created_at: now,
            started_at: now,
            monitoring_at: None,
            resolved_at: Some(now),
            url: self.url("/"),
            lines: vec![EventLine { id, status: "resolved", body, at: now, changes: Vec::new() }],
            components: Vec::new(),
            post_mortem: None,
            scheduled: None,
        };
        let event = self.writer(&standing.site).event(&event);
        Ok(self.body(&standing, now, "incident", event))
    }

    async fn keep_body(
        &self,
        tx: &mut Tx,
        new: &NewNotification,
        standing: &Standing,
        key: &str,
        content: Value,
    ) -> Result<(), Error> {
        let body = self.body(standing, new.created_at, key, content);
        Ok(tx.add_webhook_body(new.id, &body.to_string()).await?)
    }

    fn body(&self, standing: &Standing, at: domain::time::Instant, key: &str, content: Value) -> Value {
        let about = self.url("/subscribe#webhooks");
        json!({
            "meta": {
                "unsubscribe": about,
                "documentation": about,
                "generated_at": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            },
            "page": self.writer(&standing.site).page(standing.indicator),
            key: content,
        })
    }

    fn writer<'a>(&'a self, site: &'a Site) -> Writer<'a> {
        Writer { zones: self.zones.as_ref(), zone: &site.zone, install_id: site.install_id }
    }

    /// How the page stands, without anything that is for the team alone.
    async fn standing(&self, tx: &mut Tx) -> Result<Standing, Error> {
        let private = tx.private_components().await?;
        let states = component_states(&tx.open_impacts().await?);
        let made = tx.components_made_at().await?;
        let groups: BTreeMap<_, _> =
            tx.groups().await?.into_iter().map(|group| (group.id, group.name.to_string())).collect();
        let components: Vec<PublicComponent> = tx
            .components(true)
            .await?
            .into_iter()
            .filter(|component| !private.contains(&component.id))
            .map(|component| PublicComponent {
                group: component.group_id.and_then(|id| groups.get(&id).cloned()),
                state: states.get(&component.id).copied().unwrap_or(ComponentState::Operational),
                created_at: made.get(&component.id).copied().unwrap_or_default(),
                component,
            })
            .collect();
        let mut open = tx.incidents_open().await?;
        open.retain(|i| i.state.is_open() && public_part(i.components.keys().copied(), &private).is_some());
        let ids: Vec<IncidentId> = open.iter().map(|incident| incident.id).collect();
        let updates = tx.incident_updates_of(&ids).await?;
        for incident in &mut open {
            let own: Vec<IncidentUpdate> = updates.iter().filter(|u| u.incident == incident.id).cloned().collect();
            incident.hide(&private, &own);
        }
        let in_use = components.iter().filter(|shown| shown.component.retired_at.is_none());
        let severities = open.iter().map(domain::incident::Incident::severity);
        let indicator = Indicator::of(in_use.map(|shown| shown.state), severities);
        Ok(Standing { site: tx.site().await?, indicator, components })
    }
}

impl Standing {
    fn of(&self, ids: &[ComponentId]) -> Vec<PublicComponent> {
        self.components.iter().filter(|shown| ids.contains(&shown.component.id)).cloned().collect()
    }

    /// "Web hosting - Cluster 12"
    fn names(&self) -> BTreeMap<ComponentId, String> {
        let name = |shown: &PublicComponent| match &shown.group {
            Some(group) => format!("{group} - {}", shown.component.name),
            None => shown.component.name.to_string(),
        };
        self.components.iter().map(|shown| (shown.component.id, name(shown))).collect()
    }
}

/// The incident that a post-mortem is about: its thread is named after it.
fn post_mortem_of(told: &PostTold) -> Option<IncidentId> {
    told.thread.strip_prefix("pm-").filter(|_| told.topic == Topic::PostMortems)?.parse().ok()
}

/// The timeline of an incident, newest line first, with what each line changed; `updates` oldest first. Components that
/// have no name here are not spoken of.
fn incident_lines(updates: &[IncidentUpdate], names: &BTreeMap<ComponentId, String>) -> Vec<EventLine> {
    let mut known: BTreeMap<ComponentId, ComponentState> = BTreeMap::new();
    let mut lines: Vec<EventLine> = Vec::with_capacity(updates.len());
    for update in updates {
        let mut said = update.components.clone();
        if update.state == IncidentState::Resolved {
            let ill = known.iter().filter(|(_, state)| **state != ComponentState::Operational);
            said = ill.map(|(id, _)| (*id, ComponentState::Operational)).collect();
        }
        let mut changes = Vec::new();
        for (id, new) in said {
            let old = known.insert(id, new).unwrap_or(ComponentState::Operational);
            if let Some(name) = names.get(&id) {
                changes.push(StateChange { id: id.0, name: name.clone(), old, new });
            }
        }
        lines.push(EventLine {
            id: update.id.0,
            status: update.state.as_str(),
            body: update.body.as_str().to_owned(),
            at: update.at,
            changes,
        });
    }
    lines.reverse();
    lines
}

/// Statuspage knows no other words; ours stand beside it.
const fn window_status(state: State) -> &'static str {
    match state {
        State::Draft | State::Scheduled | State::Held | State::Postponed => "scheduled",
        State::InProgress => "in_progress",
        State::Verifying => "verifying",
        State::Completed | State::Cancelled => "completed",
    }
}

/// What a line says that says nothing else.
const fn window_words(kind: UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Scheduled => "Maintenance is planned.",
        UpdateKind::Rescheduled => "The maintenance has a new time.",
        UpdateKind::Changed => "The plan has changed.",
        UpdateKind::Extended => "The maintenance takes longer than planned.",
        UpdateKind::Held => "Delayed: waiting for a backup to be confirmed.",
        UpdateKind::Postponed => "The maintenance is postponed. A new time will follow.",
        UpdateKind::Started => "The maintenance has begun.",
        UpdateKind::Verifying => "The work is done and is being checked.",
        UpdateKind::Completed => "The maintenance is completed.",
        UpdateKind::Cancelled => "The maintenance was cancelled.",
        UpdateKind::Note => "There is news of the maintenance.",
    }
}

//! What is public, in the shapes of Statuspage's API and webhooks, because that is what other programs read.
//!
//! Takes plain values and gives JSON. Instants are written as Statuspage does: ISO 8601 with milliseconds, in the zone of
//! the page, `Z` for UTC.

use chrono::SecondsFormat;
use domain::component::{Component, ComponentState};
use domain::incident::Severity;
use domain::time::{Instant, ZoneRules, civil};
use serde_json::{Value, json};
use uuid::Uuid;

/// How the page stands, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Indicator {
    /// Everything works.
    None,
    /// Planned work is being done.
    Maintenance,
    /// Something works worse.
    Minor,
    /// Something does not work for some.
    Major,
    /// Something does not work.
    Critical,
}

impl Indicator {
    /// From the states of the public components and how bad the open incidents are.
    #[must_use]
    pub fn of(
        components: impl IntoIterator<Item = ComponentState>,
        incidents: impl IntoIterator<Item = Severity>,
    ) -> Self {
        let components = components.into_iter().map(|state| match state {
            ComponentState::Operational => Self::None,
            ComponentState::UnderMaintenance => Self::Maintenance,
            ComponentState::DegradedPerformance => Self::Minor,
            ComponentState::PartialOutage => Self::Major,
            ComponentState::MajorOutage => Self::Critical,
        });
        let incidents = incidents.into_iter().map(|severity| match severity {
            Severity::None => Self::None,
            Severity::Minor => Self::Minor,
            Severity::Major => Self::Major,
            Severity::Critical => Self::Critical,
        });
        components.chain(incidents).max().unwrap_or(Self::None)
    }

    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Maintenance => "maintenance",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// For people, in Statuspage's words.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::None => "All Systems Operational",
            Self::Maintenance => "Service Under Maintenance",
            Self::Minor => "Partially Degraded Service",
            Self::Major => "Partial System Outage",
            Self::Critical => "Major Service Outage",
        }
    }
}

/// A component as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicComponent {
    /// The component.
    pub component: Component,
    /// The name of its group, if it stands in one.
    pub group: Option<String>,
    /// How it is.
    pub state: ComponentState,
    /// When it was made.
    pub created_at: Instant,
}

/// What a line of a timeline said of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Which.
    pub id: Uuid,
    /// "Web hosting - Cluster 12"
    pub name: String,
    /// How it was.
    pub old: ComponentState,
    /// How it is since.
    pub new: ComponentState,
}

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    /// Identity.
    pub id: Uuid,
    /// The state it said.
    pub status: &'static str,
    /// Markdown.
    pub body: String,
    /// When it was said.
    pub at: Instant,
    /// What it said of components.
    pub changes: Vec<StateChange>,
}

/// What was written of an incident that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPostMortem {
    /// Markdown.
    pub body: String,
    /// When it became public.
    pub published_at: Instant,
}

/// What only planned work has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Planned start.
    pub from: Instant,
    /// Planned end.
    pub until: Instant,
    /// Its start is told once more before it comes.
    pub reminds: bool,
    /// When its start was told once more.
    pub reminded_at: Option<Instant>,
    /// Starts by itself.
    pub auto_start: bool,
    /// Completes by itself.
    pub auto_complete: bool,
}

/// An incident, or planned work, which Statuspage takes for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Identity.
    pub id: Uuid,
    /// The title.
    pub name: String,
    /// In Statuspage's words.
    pub status: &'static str,
    /// In ours, which know more: `held`, `postponed`, `cancelled`.
    pub state: &'static str,
    /// `none`, `minor`, `major`, `critical` or `maintenance`.
    pub impact: &'static str,
    /// Decided by a person.
    pub impact_override: Option<&'static str>,
    /// Entered after the fact.
    pub backfilled: bool,
    /// When customers first read of it.
    pub created_at: Instant,
    /// When it began.
    pub started_at: Instant,
    /// When it was mended and watched.
    pub monitoring_at: Option<Instant>,
    /// When it was over.
    pub resolved_at: Option<Instant>,
    /// Its public page.
    pub url: String,
    /// Its timeline, newest first.
    pub lines: Vec<EventLine>,
    /// What it touches.
    pub components: Vec<PublicComponent>,
    /// What was written of it afterwards; subscribers are told of each.
    pub post_mortem: Option<PublishedPostMortem>,
    /// Where it is planned work.
    pub scheduled: Option<Scheduled>,
}

/// Writes for one page.
pub struct Writer<'a> {
    /// Civil time.
    pub zones: &'a dyn ZoneRules,
    /// The zone of the page.
    pub zone: &'a str,
    /// What identifies the installation.
    pub install_id: Uuid,
}

impl Writer<'_> {
    /// Twelve letters and digits, as Statuspage's are.
    #[must_use]
    pub fn page_id(&self) -> String {
        self.install_id.simple().to_string().chars().take(12).collect()
    }

    /// An instant in the zone of the page.
    #[must_use]
    pub fn stamp(&self, at: Instant) -> String {
        let offset = chrono::FixedOffset::east_opt(civil(self.zones, self.zone, at).offset);
        match offset.filter(|offset| offset.local_minus_utc() != 0) {
            Some(offset) => at.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Millis, false),
            None => at.to_rfc3339_opts(SecondsFormat::Millis, true),
        }
    }

    /// The page, as webhooks name it.
    #[must_use]
    pub fn page(&self, indicator: Indicator) -> Value {
        json!({
            "id": self.page_id(),
            "status_indicator": indicator.as_str(),
            "status_description": indicator.description(),
        })
    }

    /// A component.
    #[must_use]
    pub fn component(&self, shown: &PublicComponent) -> Value {
        let (component, made) = (&shown.component, self.stamp(shown.created_at));
        let description = Some(component.description.as_str()).filter(|text| !text.is_empty());
        json!({
            "id": component.id,
            "name": component.name,
            "status": shown.state,
            "created_at": made,
            "updated_at": made,
            "position": component.position,
            "description": description,
            "showcase": false,
            "start_date": made.get(..10),
            "group_id": component.group_id,
            "page_id": self.page_id(),
            "group": false,
            "only_show_if_degraded": false,
        })
    }

    /// An incident or planned work, as webhooks name it.
    #[must_use]
    pub fn event(&self, event: &Event) -> Value {
        let stamp = |at: Option<Instant>| at.map(|at| self.stamp(at));
        let newest = event.lines.iter().map(|line| line.at).max().unwrap_or(event.created_at);
        let lines: Vec<Value> = event.lines.iter().map(|line| self.line(event, line)).collect();
        let components: Vec<Value> = event.components.iter().map(|shown| self.component(shown)).collect();
        let (post_mortem, scheduled) = (event.post_mortem.as_ref(), event.scheduled.as_ref());
        json!({
            "id": event.id,
            "name": event.name,
            "status": event.status,
            "state": event.state,
            "impact": event.impact,
            "impact_override": event.impact_override,
            "backfilled": event.backfilled,
            "created_at": self.stamp(event.created_at),
            "updated_at": self.stamp(newest),
            "started_at": self.stamp(event.started_at),
            "monitoring_at": stamp(event.monitoring_at),
            "resolved_at": stamp(event.resolved_at),
            "shortlink": event.url,
            "page_id": self.page_id(),
            "incident_updates": lines,
            "components": components,
            "postmortem_body": post_mortem.map(|p| &p.body),
            "postmortem_ignored": false,
            "postmortem_notified_subscribers": post_mortem.is_some(),
            "postmortem_published_at": stamp(post_mortem.map(|p| p.published_at)),
            "scheduled_for": stamp(scheduled.map(|s| s.from)),
            "scheduled_until": stamp(scheduled.map(|s| s.until)),
            "scheduled_remind_prior": scheduled.is_some_and(|s| s.reminds),
            "scheduled_reminded_at": stamp(scheduled.and_then(|s| s.reminded_at)),
            "scheduled_auto_in_progress": scheduled.is_some_and(|s| s.auto_start),
            "scheduled_auto_completed": scheduled.is_some_and(|s| s.auto_complete),
        })
    }

    fn line(&self, event: &Event, line: &EventLine) -> Value {
        let at = self.stamp(line.at);
        let change = |change: &StateChange| {
            json!({
                "code": change.id,
                "name": change.name,
                "old_status": change.old,
                "new_status": change.new,
            })
        };
        let changes: Vec<Value> = line.changes.iter().map(change).collect();
        json!({
            "id": line.id,
            "incident_id": event.id,
            "status": line.status,
            "body": line.body,
            "created_at": at,
            "updated_at": at,
            "display_at": at,
            "affected_components": if changes.is_empty() { Value::Null } else { Value::Array(changes) },
            "deliver_notifications": true,
            "custom_tweet": null,
            "tweet_id": null,
        })
    }
}

#[cfg(test)]
mod tests;

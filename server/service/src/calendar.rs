//! Maintenance windows as calendar events: the same in every feed and mail (CAL-1 to CAL-6).

use crate::Services;
use domain::maintenance::{Maintenance, State};
use domain::site::Site;
use domain::time::format_range;
use outbound::calendar::{CalendarEvent, Status};
use outbound::markdown;

impl Services {
    /// The event of a published window. `affected` are the names of components, most important first.
    #[must_use]
    pub fn calendar_event(&self, site: &Site, maintenance: &Maintenance, affected: &[String]) -> CalendarEvent {
        let (start, end) = (maintenance.begins_at(), maintenance.finishes_at());
        let when = format_range(self.zones.as_ref(), &site.zone, start, end).both();
        let mut description = vec![when];
        if !affected.is_empty() {
            description.push(format!("Affected: {}", affected.join(", ")));
        }
        description.push(format!("{} · {}", maintenance.state.public_text(), reference(maintenance)));
        let message = markdown::to_text(&self.message_for(&site.zone, maintenance, affected));
        if !message.is_empty() {
            description.push(String::new());
            description.push(message);
        }
        let url = self.maintenance_url(maintenance);
        description.push(String::new());
        description.push(url.clone());
        CalendarEvent {
            uid: format!("mw-{}@{}", maintenance.id, site.install_id),
            sequence: u32::try_from(maintenance.sequence).unwrap_or(u32::MAX),
            created_at: maintenance.published_at.unwrap_or(maintenance.created_at),
            updated_at: maintenance.updated_at,
            start,
            end,
            summary: summary(maintenance),
            description: description.join("\n"),
            location: None,
            url,
            categories: std::iter::once("Maintenance".to_owned()).chain(affected.iter().cloned()).collect(),
            status: status(maintenance.state),
            organizer: None,
            attendee: None,
            alarm_minutes: None,
        }
    }

    /// The public page of a window.
    #[must_use]
    pub fn maintenance_url(&self, maintenance: &Maintenance) -> String {
        self.url(&format!("/maintenance/{}", maintenance.id))
    }
}

/// What people call a window: `M-42`.
#[must_use]
pub fn reference(maintenance: &Maintenance) -> String {
    format!("M-{}", maintenance.number)
}

fn status(state: State) -> Status {
    match state {
        State::Cancelled => Status::Cancelled,
        State::Draft | State::Held | State::Postponed => Status::Tentative,
        State::Scheduled | State::InProgress | State::Verifying | State::Completed => Status::Confirmed,
    }
}

/// The state stands in the title, because Google hides and Outlook ignores `STATUS`.
fn summary(maintenance: &Maintenance) -> String {
    let planned_end = maintenance.planned.ends_at;
    let state = match maintenance.state {
        // The writer puts `[Cancelled]` in front of cancelled events by itself.
        State::Cancelled => return maintenance.title.to_string(),
        State::Draft | State::Scheduled => "Scheduled",
        State::Held => "Delayed",
        State::Postponed => "Postponed",
        State::InProgress if maintenance.finishes_at() > planned_end => "Extended",
        State::InProgress | State::Verifying => "In progress",
        State::Completed => "Completed",
    };
    format!("[{state}] {}", maintenance.title)
}

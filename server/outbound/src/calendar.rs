//! Calendar feeds and calendar messages (RFC 5545, RFC 7986, RFC 5546).
//!
//! The `icalendar` crate is the object model; the text is printed by our own writer, because the crate's folding can loop
//! without end, leaves some values unescaped, and stamps sub-components with the current time. Nothing here reads a clock:
//! the same events give the same bytes, or every subscriber downloads a "change" at each refresh.

pub mod read;
mod write;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use icalendar::{Alarm, Calendar, Class, Component, Event, EventLike, EventStatus, Parameter, Property, parser};
use sha2::{Digest, Sha256};

pub use write::print;

const PRODID: &str = "-//Fermata//EN";
const REFRESH: &str = "PT15M";
const COLOR_NAME: &str = "royalblue";
const COLOR_HEX: &str = "#4169E1";
const CANCELLED_PREFIX: &str = "[Cancelled]";
const DESCRIPTION_OCTETS: usize = 2_000;

/// What the receiver is meant to do with a calendar object (RFC 5546 §1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// For information: feeds and attachments.
    Publish,
    /// An invitation, or a newer version of one.
    Request,
    /// Takes an invitation back.
    Cancel,
}

impl Method {
    /// The value of `METHOD`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "PUBLISH",
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }

    /// The media type to serve or attach it with. The parameter must say what `METHOD` says (RFC 5545 §8.1).
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Publish => "text/calendar; charset=utf-8; method=PUBLISH",
            Self::Request => "text/calendar; charset=utf-8; method=REQUEST",
            Self::Cancel => "text/calendar; charset=utf-8; method=CANCEL",
        }
    }
}

/// Whether the work is certain (RFC 5545 §3.8.1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not certain yet.
    Tentative,
    /// Planned or under way.
    Confirmed,
    /// Called off; stays in the feed so that clients learn of it.
    Cancelled,
}

/// One end of an invitation: the organiser or the one who is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Name to show; may be empty.
    pub name: String,
    /// Mail address, without `mailto:`.
    pub address: String,
}

/// One maintenance window as calendars see it. All instants are printed in UTC with whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEvent {
    /// Stable for the life of the window and the same in every feed and mail.
    pub uid: String,
    /// Raised with every visible change, never lowered.
    pub sequence: u32,
    /// When the window was first published.
    pub created_at: DateTime<Utc>,
    /// When its visible content last changed: `DTSTAMP` and `LAST-MODIFIED`.
    pub updated_at: DateTime<Utc>,
    /// Start.
    pub start: DateTime<Utc>,
    /// End; an end not after the start is printed as one minute after it, since clients reject such events.
    pub end: DateTime<Utc>,
    /// Title with its state in front, such as `[Scheduled] New disk`. `[Cancelled]` is put in front by itself:
    /// Google hides and Outlook ignores the status.
    pub summary: String,
    /// Plain text; cut at 2,000 octets.
    pub description: String,
    /// Place, if any.
    pub location: Option<String>,
    /// Page of the window.
    pub url: String,
    /// Categories.
    pub categories: Vec<String>,
    /// Certainty.
    pub status: Status,
    /// For [`Method::Request`] and [`Method::Cancel`]: who invites. Calendars compare it with the mail's `From`.
    pub organizer: Option<Party>,
    /// For [`Method::Request`] and [`Method::Cancel`]: the one recipient.
    pub attendee: Option<Party>,
    /// Remind so many minutes before the start. Only for feeds whose reader asked for it.
    pub alarm_minutes: Option<u32>,
}

/// A calendar to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Name that calendars show.
    pub name: String,
    /// What is in it.
    pub description: String,
    /// Its own address. Leave it out for feeds with a secret address: it would copy the secret into the file.
    pub source_url: Option<String>,
    /// Events in any order.
    pub events: Vec<CalendarEvent>,
}

/// Prints a feed. An empty one holds a single time zone, since RFC 5545 §3.6 wants at least one component.
#[must_use]
pub fn feed(feed: &Feed) -> String {
    print(&build_feed(feed))
}

/// Prints one event for a mail or a download.
#[must_use]
pub fn message(event: &CalendarEvent, method: Method) -> String {
    print(&build_message(event, method))
}

/// A strong entity tag of a body: its SHA-256 in hexadecimal, quoted (RFC 9110 §8.8.3).
#[must_use]
pub fn etag(body: &[u8]) -> String {
    let mut tag = String::with_capacity(66);
    tag.push('"');
    for byte in Sha256::digest(body) {
        tag.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        tag.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    tag.push('"');
    tag
}

/// The feed as objects, for readers that want to look into it. Events are in the order of start, then UID.
#[must_use]
pub fn build_feed(feed: &Feed) -> Calendar {
    let mut calendar = envelope(Method::Publish);
    calendar.name(&feed.name).description(&feed.description);
    calendar.append_property(with_parameter("REFRESH-INTERVAL", REFRESH, "VALUE", "DURATION"));
    calendar.append_property(("X-PUBLISHED-TTL", REFRESH));
    calendar.append_property(("COLOR", COLOR_NAME));
    calendar.append_property(("X-APPLE-CALENDAR-COLOR", COLOR_HEX));
    if let Some(url) = &feed.source_url {
        calendar.append_property(with_parameter("SOURCE", url, "VALUE", "URI"));
    }
    let mut events: Vec<&CalendarEvent> = feed.events.iter().collect();
    events.sort_by(|a, b| (a.start, &a.uid).cmp(&(b.start, &b.uid)));
    calendar.extend(events.into_iter().map(build_event));
    if calendar.components.is_empty() {
        calendar.components = vec![utc_zone().into()];
    }
    calendar
}

/// One event as a calendar object of its own.
#[must_use]
pub fn build_message(event: &CalendarEvent, method: Method) -> Calendar {
    let mut calendar = envelope(method);
    let mut event = event.clone();
    if method == Method::Cancel {
        event.status = Status::Cancelled;
    }
    calendar.push(build_event(&event));
    calendar
}

fn envelope(method: Method) -> Calendar {
    let mut calendar = Calendar::empty();
    for property in [("VERSION", "2.0"), ("PRODID", PRODID), ("CALSCALE", "GREGORIAN"), ("METHOD", method.as_str())] {
        calendar.append_property(property);
    }
    calendar
}

fn build_event(source: &CalendarEvent) -> Event {
    let start = source.start.trunc_subsecs(0);
    let end = source.end.trunc_subsecs(0);
    let end = if end > start { end } else { start + TimeDelta::minutes(1) };
    let mut event = Event::new();
    event
        .uid(&source.uid)
        .timestamp(source.updated_at)
        .last_modified(source.updated_at)
        .created(source.created_at)
        .sequence(source.sequence)
        .starts(start)
        .ends(end)
        .summary(&summary(source))
        .url(&source.url)
        .class(Class::Public)
        .status(match source.status {
            Status::Tentative => EventStatus::Tentative,
            Status::Confirmed => EventStatus::Confirmed,
            Status::Cancelled => EventStatus::Cancelled,
        })
        .add_property("TRANSP", "TRANSPARENT")
        .add_property("X-MICROSOFT-CDO-BUSYSTATUS", "FREE");
    if !source.description.trim().is_empty() {
        event.description(&shorten(&source.description, DESCRIPTION_OCTETS));
    }
    if let Some(location) = source.location.as_deref().filter(|text| !text.trim().is_empty()) {
        event.location(location);
    }
    if !source.categories.is_empty() {
        event.categories(&source.categories);
    }
    if let Some(organizer) = &source.organizer {
        event.append_property(party("ORGANIZER", organizer));
    }
    if let Some(attendee) = &source.attendee {
        let mut property = party("ATTENDEE", attendee);
        for (key, value) in [("ROLE", "REQ-PARTICIPANT"), ("PARTSTAT", "NEEDS-ACTION"), ("RSVP", "FALSE")] {
            property.add_parameter(key, value);
        }
        event.append_multi_property(property);
    }
    if let Some(minutes) = source.alarm_minutes.filter(|_| source.status != Status::Cancelled) {
        event.append_component(alarm(source, minutes));
    }
    event
}

fn summary(source: &CalendarEvent) -> String {
    if source.status == Status::Cancelled && !source.summary.starts_with(CANCELLED_PREFIX) {
        format!("{CANCELLED_PREFIX} {}", source.summary)
    } else {
        source.summary.clone()
    }
}

/// An alarm with a fixed UID (RFC 9074 §4), or each rendering would differ.
fn alarm(source: &CalendarEvent, minutes: u32) -> Alarm {
    let mut alarm = Alarm::display(&source.summary, TimeDelta::zero());
    alarm
        .append_property(("TRIGGER", format!("-PT{minutes}M").as_str()))
        .append_property(("UID", format!("alarm-{}", source.uid).as_str()));
    alarm
}

fn party(key: &str, party: &Party) -> Property {
    let mut property = Property::new(key, format!("mailto:{}", party.address));
    if !party.name.is_empty() {
        property.add_parameter("CN", &party.name);
    }
    property
}

fn with_parameter(key: &str, value: &str, parameter: &str, parameter_value: &str) -> Property {
    let mut property = Property::new(key, value);
    property.append_parameter(Parameter::new(parameter, parameter_value));
    property
}

fn shorten(text: &str, octets: usize) -> String {
    if text.len() <= octets {
        return text.to_owned();
    }
    let mut end = octets;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text[..end].trim_end())
}

fn utc_zone() -> parser::Component<'static> {
    let property = parser::Property::new_ref;
    parser::Component {
        name: "VTIMEZONE".into(),
        properties: vec![property("TZID", "UTC")],
        components: vec![parser::Component {
            name: "STANDARD".into(),
            properties: vec![
                property("DTSTART", "19700101T000000"),
                property("TZOFFSETFROM", "+0000"),
                property("TZOFFSETTO", "+0000"),
                property("TZNAME", "UTC"),
            ],
            components: Vec::new(),
        }],
    }
}

#[cfg(test)]
mod tests;

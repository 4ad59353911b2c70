//! The printer: RFC 5545 text from calendar objects, in a fixed order.
//!
//! It trusts no value. Whatever an operator typed as a title can neither end a line early nor open a component.

use std::fmt::Write as _;

use icalendar::{Calendar, CalendarComponent, Component, EventLike, Property};

/// Longest physical line in octets, without its CRLF (RFC 5545 §3.1).
const LINE_OCTETS: usize = 75;

/// Longest run of white space kept. With it no stretch of [`LINE_OCTETS`] can be white space alone, so folding never
/// makes a blank line, at which several readers stop.
const BLANK_RUN: usize = 16;

/// Order of the properties of all components. What is not listed follows in alphabetical order.
const ORDER: &[&str] = &[
    "TZID",
    "UID",
    "DTSTAMP",
    "LAST-MODIFIED",
    "CREATED",
    "SEQUENCE",
    "ACTION",
    "TRIGGER",
    "DTSTART",
    "DTEND",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "TZNAME",
    "ORGANIZER",
    "ATTENDEE",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "URL",
    "CATEGORIES",
    "STATUS",
    "TRANSP",
    "X-MICROSOFT-CDO-BUSYSTATUS",
    "CLASS",
];

/// Prints a calendar. Nothing is added to what it holds.
#[must_use]
pub fn print(calendar: &Calendar) -> String {
    let mut out = String::with_capacity(512 + calendar.components.len() * 700);
    line(&mut out, "BEGIN:VCALENDAR");
    for item in &calendar.properties {
        property(&mut out, item);
    }
    for item in &calendar.components {
        match item {
            CalendarComponent::Event(event) => {
                let categories = event.get_categories().unwrap_or_default();
                component(&mut out, event, &categories);
            }
            CalendarComponent::Todo(todo) => component(&mut out, todo, &todo.get_categories().unwrap_or_default()),
            CalendarComponent::Venue(venue) => component(&mut out, venue, &[]),
            CalendarComponent::Other(other) => component(&mut out, other, &[]),
            _ => {}
        }
    }
    line(&mut out, "END:VCALENDAR");
    out
}

fn component(out: &mut String, source: &impl Component, categories: &[String]) {
    let kind = source.component_kind();
    line(out, &format!("BEGIN:{kind}"));
    let singles = source.properties().values();
    let multiples = source.multi_properties().values().flatten();
    let mut properties: Vec<&Property> = singles.chain(multiples).filter(|item| item.key() != "CATEGORIES").collect();
    let list = Property::new("CATEGORIES", "");
    if !categories.is_empty() {
        properties.push(&list);
    }
    properties.sort_by_key(|item| {
        let place = ORDER.iter().position(|key| *key == item.key()).unwrap_or(ORDER.len());
        (place, item.key())
    });
    for item in properties {
        if item.key() == "CATEGORIES" {
            let values: Vec<String> = categories.iter().map(|value| text(value)).collect();
            line(out, &format!("CATEGORIES:{}", values.join(",")));
        } else {
            property(out, item);
        }
    }
    for child in source.components() {
        component(out, child, &[]);
    }
    line(out, &format!("END:{kind}"));
}

fn property(out: &mut String, item: &Property) {
    let value = match item.key() {
        "URL" | "SOURCE" | "ORGANIZER" | "ATTENDEE" | "ATTACH" | "IMAGE" | "CONFERENCE" | "TZURL" => {
            match uri(item.value()) {
                Some(value) => value,
                None => return,
            }
        }
        "DTSTART" | "DTEND" | "DTSTAMP" | "CREATED" | "LAST-MODIFIED" | "SEQUENCE" | "TRIGGER" | "DURATION"
        | "REFRESH-INTERVAL" | "X-PUBLISHED-TTL" | "TZOFFSETFROM" | "TZOFFSETTO" | "REPEAT" | "RRULE" | "RDATE"
        | "EXDATE" | "RECURRENCE-ID" => token(item.value()),
        _ => text(item.value()),
    };
    let mut content = String::with_capacity(item.key().len() + value.len() + 16);
    content.push_str(item.key());
    for each in item.params().values() {
        let _ = write!(content, ";{}={}", each.key(), parameter(each.value()));
    }
    content.push(':');
    content.push_str(&value);
    line(out, &content);
}

/// What may be printed of a text: line ends of any kind become `\n`; other controls, which no reader shows and some
/// refuse, are dropped; long runs of white space are cut to [`BLANK_RUN`], and trailing white space goes.
fn clean(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut blanks = 0;
    let mut after_cr = false;
    for c in value.chars() {
        let second_half = after_cr && c == '\n';
        after_cr = c == '\r';
        match c {
            '\n' if second_half => {}
            '\r' | '\n' => {
                out.push('\n');
                blanks = 0;
            }
            '\u{2028}' | '\u{2029}' => {}
            c if c.is_control() && c != '\t' => {}
            c if c.is_whitespace() => {
                blanks += 1;
                if blanks <= BLANK_RUN {
                    out.push(c);
                }
            }
            c => {
                out.push(c);
                blanks = 0;
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A TEXT value (RFC 5545 §3.3.11).
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for c in clean(value).chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A URI value: what RFC 3986 does not allow is percent-encoded. One with control characters is no address of ours, so
/// the property is left out.
fn uri(value: &str) -> Option<String> {
    if value.chars().any(char::is_control) {
        return None;
    }
    let mut out = String::with_capacity(value.len());
    for byte in value.trim().bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. | b' ' => {
                let _ = write!(out, "%{byte:02X}");
            }
            _ => out.push(char::from(byte)),
        }
    }
    Some(out)
}

fn token(value: &str) -> String {
    value.chars().filter(char::is_ascii_graphic).collect()
}

/// A parameter value: RFC 6868 for what quotes cannot hold, quotes for `:`, `;` and `,`.
fn parameter(value: &str) -> String {
    let quoted = value.contains([':', ';', ',']);
    let mut out = String::with_capacity(value.len() + 2);
    if quoted {
        out.push('"');
    }
    for c in clean(value).chars() {
        match c {
            '\n' => out.push_str("^n"),
            '"' => out.push_str("^'"),
            '^' => out.push_str("^^"),
            c => out.push(c),
        }
    }
    if quoted {
        out.push('"');
    }
    out
}

/// Writes one content line, folded by octets and never inside a character (RFC 5545 §3.1).
pub(super) fn line(out: &mut String, content: &str) {
    let mut rest = content;
    let mut room = LINE_OCTETS;
    while rest.len() > room {
        let mut end = room;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (head, tail) = rest.split_at(end);
        out.push_str(head);
        out.push_str("\r\n ");
        rest = tail;
        room = LINE_OCTETS - 1;
    }
    out.push_str(rest);
    out.push_str("\r\n");
}

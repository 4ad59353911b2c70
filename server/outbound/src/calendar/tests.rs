#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use icalendar::{Calendar, CalendarComponent, Component, EventLike, parser};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn window() -> CalendarEvent {
    CalendarEvent {
        uid: "mw-0192f3c4-0000-7000-8000-000000000001@7c1e".to_owned(),
        sequence: 1,
        created_at: at("2026-11-20T10:00:00Z"),
        updated_at: at("2026-11-21T10:00:00.250Z"),
        start: at("2026-12-02T02:00:00Z"),
        end: at("2026-12-02T05:00:00Z"),
        summary: "[Scheduled] DB upgrade; eu-west, v2".to_owned(),
        description: "02:00–05:00 UTC = 03:00–06:00 Europe/Berlin (+01:00)\nAffected: API\r\nRevision 2, https://status.example.org"
            .to_owned(),
        location: Some("eu-west".to_owned()),
        url: "https://status.example.org/m/0192f3c4".to_owned(),
        categories: vec!["Maintenance".to_owned(), "Data, bases".to_owned()],
        status: Status::Confirmed,
        organizer: None,
        attendee: None,
        alarm_minutes: None,
    }
}

fn acme(events: Vec<CalendarEvent>) -> Feed {
    Feed {
        name: "Acme maintenance".to_owned(),
        description: "Planned work at Acme".to_owned(),
        source_url: Some("https://status.example.org/calendar.ics".to_owned()),
        events,
    }
}

fn lines_are_well_formed(body: &str) {
    assert!(body.ends_with("END:VCALENDAR\r\n"));
    assert_eq!(body.matches('\n').count(), body.matches("\r\n").count());
    assert_eq!(body.matches('\r').count(), body.matches("\r\n").count());
    for line in body.split_terminator("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line}", line.len());
        assert!(!line.trim().is_empty(), "blank line in {body:?}");
    }
}

fn read(body: &str) -> Calendar {
    body.parse().unwrap()
}

#[test]
fn canonical_feed() {
    insta::assert_snapshot!(feed(&acme(vec![window()])).replace("\r\n", "\n"));
}

#[test]
fn cancelled_event_with_alarm_asked_for_and_invitation() {
    let mut event = window();
    event.alarm_minutes = Some(60);
    event.organizer = Some(Party { name: "Acme: \"Status\"".to_owned(), address: "status@example.org".to_owned() });
    event.attendee = Some(Party { name: String::new(), address: "u1@example.net".to_owned() });
    let invitation = message(&event, Method::Request);
    lines_are_well_formed(&invitation);
    event.sequence = 2;
    let withdrawn = message(&event, Method::Cancel);
    insta::assert_snapshot!(format!("{invitation}\n{withdrawn}").replace("\r\n", "\n"));
}

#[test]
fn the_crates_parser_reads_back_what_was_meant() {
    let calendar = read(&feed(&acme(vec![window()])));
    assert_eq!(calendar.get_name(), Some("Acme maintenance"));
    let event = calendar.events().next().unwrap();
    assert_eq!(event.get_uid(), Some(window().uid.as_str()));
    assert_eq!(event.get_sequence(), Some(1));
    assert_eq!(event.get_summary(), Some("[Scheduled] DB upgrade; eu-west, v2"));
    assert_eq!(event.get_description(), Some(window().description.replace("\r\n", "\n").as_str()));
    assert_eq!(event.get_start(), Some(window().start.into()));
    assert_eq!(event.get_end(), Some(window().end.into()));
    assert_eq!(event.get_categories(), Some(window().categories));
    assert_eq!(event.get_timestamp(), event.get_last_modified());
}

#[test]
fn an_empty_feed_holds_one_time_zone() {
    let body = feed(&acme(Vec::new()));
    lines_are_well_formed(&body);
    let calendar = read(&body);
    assert_eq!(calendar.components.len(), 1);
    assert!(matches!(&calendar.components[0], CalendarComponent::Other(zone) if zone.component_kind() == "VTIMEZONE"));
    assert!(!body.contains("DTSTAMP"));
    assert_eq!(body, feed(&acme(Vec::new())));
}

#[test]
fn the_same_events_in_another_order_give_the_same_bytes_and_tag() {
    let mut second = window();
    second.uid = "mw-2".to_owned();
    second.alarm_minutes = Some(30);
    let one = feed(&acme(vec![window(), second.clone()]));
    let other = feed(&acme(vec![second.clone(), window()]));
    assert_eq!(one, other);
    assert_eq!(etag(one.as_bytes()), etag(other.as_bytes()));
    second.sequence += 1;
    assert_ne!(etag(one.as_bytes()), etag(feed(&acme(vec![second, window()])).as_bytes()));
    assert_eq!(etag(b""), "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
}

#[test]
fn every_time_is_utc_and_every_event_has_a_length() {
    let mut event = window();
    event.end = event.start;
    let body = feed(&acme(vec![event]));
    assert!(body.contains("DTSTART:20261202T020000Z\r\n"));
    assert!(body.contains("DTEND:20261202T020100Z\r\n"));
    assert!(!body.contains("TZID"));
}

#[test]
fn cancelled_says_so_in_the_title_once() {
    let mut event = window();
    event.status = Status::Cancelled;
    event.alarm_minutes = Some(5);
    let body = feed(&acme(vec![event.clone()]));
    assert!(body.contains("SUMMARY:[Cancelled] [Scheduled] DB"));
    assert!(body.contains("STATUS:CANCELLED\r\n"));
    assert!(!body.contains("VALARM"));
    event.summary = "[Cancelled] DB".to_owned();
    assert!(feed(&acme(vec![event])).contains("SUMMARY:[Cancelled] DB\r\n"));
}

#[test]
fn long_descriptions_are_cut_between_characters() {
    let mut event = window();
    event.description = "🚧".repeat(2_000);
    let body = feed(&acme(vec![event]));
    lines_are_well_formed(&body);
    let description = read(&body).events().next().unwrap().get_description().unwrap().to_owned();
    assert!(description.len() <= 2_048);
    assert!(description.ends_with("🚧…"));
}

#[test]
fn nothing_typed_by_a_person_opens_a_line_of_its_own() {
    let attack = "x\r\nX-INJ:1\r\nBEGIN:VALARM\rEND:VEVENT\nX-INJ:2\u{85}X-INJ:3\u{2028}X-INJ:4\u{b}\0\u{7f}";
    let mut event = window();
    event.uid = attack.to_owned();
    event.summary = attack.to_owned();
    event.description = attack.to_owned();
    event.location = Some(attack.to_owned());
    event.url = format!("https://status.example.org/{attack}");
    event.categories = vec![attack.to_owned(), attack.to_owned()];
    event.organizer = Some(Party { name: attack.to_owned(), address: attack.to_owned() });
    event.attendee = Some(Party { name: attack.to_owned(), address: "a@b.c".to_owned() });
    event.alarm_minutes = Some(5);
    let source = Feed {
        name: attack.to_owned(),
        description: attack.to_owned(),
        source_url: Some(format!("https://x/{attack}")),
        events: vec![event, window()],
    };
    let body = feed(&source);
    lines_are_well_formed(&body);
    assert!(!body.split("\r\n").any(|line| line.starts_with("X-INJ")));
    assert!(!body.contains("URL:https://status.example.org/x"));
    let calendar = read(&body);
    assert_eq!(calendar.events().count(), 2);
    let attacked = calendar.events().last().unwrap();
    assert_eq!(attacked.components().len(), 1);
    assert!(calendar.properties.iter().all(|property| !property.key().starts_with("X-INJ")));
    for event in calendar.events() {
        assert!(event.properties().keys().all(|key| !key.starts_with("X-INJ")));
    }
}

#[test]
fn addresses_are_percent_encoded_and_parameters_are_not_split() {
    let mut event = window();
    event.url = "https://status.example.org/m/é \"<a>\"%20?q=1&b={2}".to_owned();
    event.organizer = Some(Party { name: "a\"b^c\nd;e".to_owned(), address: "x@y.z".to_owned() });
    let body = message(&event, Method::Publish).replace("\r\n ", "");
    assert!(body.contains("URL:https://status.example.org/m/%C3%A9%20%22%3Ca%3E%22%20?q=1&b=%7B2%7D\r\n"), "{body}");
    assert!(body.contains("ORGANIZER;CN=\"a^'b^^c^nd;e\":mailto:x@y.z\r\n"), "{body}");
}

#[test]
fn content_type_names_the_method() {
    for method in [Method::Publish, Method::Request, Method::Cancel] {
        assert!(method.content_type().ends_with(&format!("method={}", method.as_str())));
        assert!(message(&window(), method).contains(&format!("METHOD:{}\r\n", method.as_str())));
    }
}

/// The value for which the crate's own printer never comes back.
#[test]
fn the_text_that_hangs_the_crates_printer_is_printed() {
    let mut event = window();
    event.summary = "\u{a0}é".repeat(40);
    event.description = "\u{a0}é".repeat(4_000);
    let body = feed(&acme(vec![event.clone()]));
    lines_are_well_formed(&body);
    let calendar = read(&body);
    assert_eq!(calendar.events().next().unwrap().get_summary(), Some(event.summary.as_str()));
}

#[test]
fn two_thousand_windows_stay_below_one_and_a_half_megabytes() {
    let events = (0..2_000)
        .map(|n| {
            let mut event = window();
            event.uid = format!("mw-0192f3c4-0000-7000-8000-{n:012}@7c1e");
            event.start += TimeDelta::hours(n);
            event.end += TimeDelta::hours(n);
            event
        })
        .collect();
    let started = Instant::now();
    let body = feed(&acme(events));
    assert!(body.len() <= 1_500_000, "{}", body.len());
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn any_text() -> impl Strategy<Value = String> {
    let alphabet = prop::sample::select(vec![
        "a",
        " ",
        "\u{a0}",
        "é",
        "日",
        "🚧",
        "\t",
        "\u{3000}",
        "e\u{301}",
        "\\",
        ";",
        ",",
        ":",
        "\"",
        "^",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "BEGIN:VALARM",
    ]);
    prop::collection::vec(alphabet, 0..400).prop_map(|parts| parts.concat())
}

fn folding_text() -> impl Strategy<Value = String> {
    let alphabet = prop::sample::select(vec!['a', ' ', '\u{a0}', 'é', '日', '🚧', '\t', '\u{3000}', '\u{301}']);
    prop::collection::vec(alphabet, 0..3_000).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn folding_keeps_every_octet_within_seventy_five(content in folding_text()) {
        let mut out = String::new();
        write::line(&mut out, &content);
        let body = out.strip_suffix("\r\n").unwrap();
        prop_assert!(body.split("\r\n").all(|line| line.len() <= 75));
        prop_assert_eq!(body.replace("\r\n ", ""), content.as_str());
        prop_assert_eq!(parser::unfold(body), content);
    }

    #[test]
    fn any_text_survives_the_way_to_a_reader(title in any_text(), description in any_text(), category in any_text()) {
        let mut event = window();
        event.summary.clone_from(&title);
        event.description.clone_from(&description);
        event.categories = vec![category.clone(), "Maintenance".to_owned()];
        event.location = Some(title.clone());
        let body = feed(&acme(vec![event]));
        lines_are_well_formed(&body);
        let calendar = read(&body);
        prop_assert_eq!(calendar.events().count(), 1);
        let event = calendar.events().next().unwrap();
        prop_assert!(event.components().is_empty());
        let visible = |text: &str| -> String {
            text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
        };
        prop_assert_eq!(visible(event.get_summary().unwrap()), visible(&title));
        let categories = event.get_categories().unwrap();
        prop_assert_eq!(categories.len(), 2);
        prop_assert_eq!(visible(&categories[0]), visible(&category));
    }

    #[test]
    fn a_reader_gets_short_white_space_exactly(title in "[aé日🚧 ;,\\\\:]{0,12}x") {
        let mut event = window();
        event.summary.clone_from(&title);
        let calendar = read(&feed(&acme(vec![event])));
        prop_assert_eq!(calendar.events().next().unwrap().get_summary(), Some(title.as_str()));
    }
}

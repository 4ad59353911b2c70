#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use domain::time::testing::FixedRules;
use proptest::prelude::*;

const ZONE: &str = "Europe/Berlin";

fn within() -> Stretch {
    Stretch::new("2026-10-01T00:00:00Z".parse().unwrap(), "2028-10-01T00:00:00Z".parse().unwrap())
}

fn calendar(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Trade\r\n{events}END:VCALENDAR\r\n").replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:a@shop\nSUMMARY:Christmas\\, all shops\n{lines}\nEND:VEVENT\n")
}

fn file(text: &str) -> CalendarFile {
    read(text, &FixedRules, ZONE, within()).unwrap()
}

fn times(lines: &str) -> Vec<String> {
    let file = file(&calendar(&event(lines)));
    assert_eq!(file.left_out, []);
    let show = |at: domain::time::Instant| at.format("%Y-%m-%dT%H:%M").to_string();
    let times = file.entries.into_iter().flat_map(|entry| entry.times);
    times.map(|time| format!("{} {}", show(time.stretch.from), show(time.stretch.to))).collect()
}

fn left_out(lines: &str) -> String {
    file(&calendar(&event(lines))).left_out[0].why.clone()
}

#[test]
fn days_are_those_of_the_site_and_the_end_is_exclusive() {
    let days = times("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227");
    assert_eq!(days, ["2026-12-23T23:00 2026-12-26T23:00"]);
    assert_eq!(times("DTSTART;VALUE=DATE:20261224"), ["2026-12-23T23:00 2026-12-24T23:00"]);
    let file = file(&calendar(&event("DTSTART;VALUE=DATE:20261224")));
    assert_eq!(file.name.unwrap().as_str(), "Trade");
    assert_eq!(file.entries[0].name.as_str(), "Christmas, all shops");
}

#[test]
fn times_are_read_in_their_zones() {
    let utc = "2026-12-24T20:00 2026-12-24T22:30";
    assert_eq!(times("DTSTART:20261224T200000Z\nDTEND:20261224T223000Z"), [utc]);
    assert_eq!(times("DTSTART:20261224T210000\nDURATION:PT2H30M"), [utc]);
    assert_eq!(
        times("DTSTART;TZID=America/New_York:20261224T150000\nDTEND;TZID=\"America/New_York\":20261224T173000"),
        [utc]
    );
}

#[test]
fn what_repeats_keeps_its_local_time_for_two_years() {
    let weekly = times(
        "DTSTART;TZID=Europe/Berlin:20261020T020000\nDTEND;TZID=Europe/Berlin:20261020T040000\n\
         RRULE:FREQ=WEEKLY;UNTIL=20261104T000000Z\nEXDATE;TZID=Europe/Berlin:20261103T020000",
    );
    assert_eq!(weekly, ["2026-10-20T00:00 2026-10-20T02:00", "2026-10-27T01:00 2026-10-27T03:00"]);
    let yearly = times("DTSTART;VALUE=DATE:20001224\nRRULE:FREQ=YEARLY");
    assert_eq!(yearly, ["2026-12-23T23:00 2026-12-24T23:00", "2027-12-23T23:00 2027-12-24T23:00"]);
    // The night on which 02:30 does not exist.
    let gap = times("DTSTART;TZID=Europe/Berlin:20270328T023000\nDURATION:PT1H");
    assert_eq!(gap, ["2027-03-28T01:00 2027-03-28T01:30"]);
}

#[test]
fn one_time_that_was_moved_or_called_off_is_followed() {
    let series = event("DTSTART:20261102T100000Z\nDTEND:20261102T110000Z\nRRULE:FREQ=DAILY;COUNT=3");
    let moved = event("RECURRENCE-ID:20261103T100000Z\nDTSTART:20261103T150000Z\nDTEND:20261103T160000Z");
    let off =
        event("RECURRENCE-ID:20261104T100000Z\nSTATUS:CANCELLED\nDTSTART:20261104T100000Z\nDTEND:20261104T110000Z");
    let file = file(&calendar(&[series, moved, off].concat()));
    let hours: Vec<String> = file.entries[0].times.iter().map(|t| t.stretch.from.format("%d %H").to_string()).collect();
    assert_eq!(hours, ["02 10", "03 15"]);
    let alone = file_of_one("RECURRENCE-ID:20261103T100000Z\nDTSTART:20261103T150000Z\nDTEND:20261103T160000Z");
    assert_eq!(alone.left_out[0].why, "the entry that it changes is not in this file.");
}

fn file_of_one(lines: &str) -> CalendarFile {
    file(&calendar(&event(lines)))
}

#[test]
fn what_can_not_be_read_is_left_out_and_named() {
    assert_eq!(left_out("DTEND:20261224T223000Z"), "it has no start.");
    assert_eq!(left_out("DTSTART:tomorrow"), "“tomorrow” is not a date or time.");
    assert_eq!(left_out("DTSTART:20261224T200000Z"), "it has no end.");
    assert_eq!(left_out("DTSTART:20261224T200000Z\nDTEND:20261224T200000Z"), "it ends before it begins, or at once.");
    let zone = left_out("DTSTART;TZID=Mars/Olympus:20261224T200000\nDURATION:PT1H");
    assert_eq!(zone, "the time zone “Mars/Olympus” is not known.");
    assert_eq!(
        left_out("DTSTART:20261224T200000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY"),
        "it repeats more often than daily."
    );
    let two = [event("DTSTART:20261224T200000Z\nDURATION:PT1H"), event("DTSTART:20261225T200000Z\nDURATION:PT1H")];
    assert_eq!(file(&calendar(&two.concat())).left_out[0].why, "another entry before it has the same UID.");
    let alarm = event("DTSTART:20261224T200000Z\nDURATION:PT1H\nBEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM");
    assert_eq!(file(&calendar(&alarm)).entries.len(), 1);
}

#[test]
fn a_file_that_is_no_calendar_or_too_much_is_refused() {
    let refused = |text: &str| read(text, &FixedRules, ZONE, within()).unwrap_err();
    assert_eq!(refused("<html>"), ReadError::NotACalendar);
    assert_eq!(refused(""), ReadError::NotACalendar);
    assert_eq!(refused(&calendar("")), ReadError::Empty);
    assert_eq!(refused(&format!("BEGIN:VCALENDAR\n{}", "x".repeat(MAX_BYTES))), ReadError::TooLarge);
    let many = "BEGIN:VEVENT\nEND:VEVENT\n".repeat(MAX_EVENTS + 1);
    assert_eq!(refused(&format!("BEGIN:VCALENDAR\n{many}")), ReadError::TooMany);
}

#[test]
fn hostile_files_end_in_time() {
    let begun = Instant::now();
    let nested = format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\nBEGIN:A\n".repeat(9_000));
    assert_eq!(read(&nested, &FixedRules, ZONE, within()), Err(ReadError::Empty));
    let folds = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nSUMMARY:{}\nEND:VEVENT\n", "\u{a0}é\n ".repeat(20_000));
    assert!(read(&folds, &FixedRules, ZONE, within()).is_ok());
    // The thirtieth of February never comes.
    let never: String = (0..200)
        .map(|n| {
            format!("BEGIN:VEVENT\nUID:{n}\nDTSTART:20000101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n")
        })
        .collect();
    let told = read(&format!("BEGIN:VCALENDAR\n{never}"), &FixedRules, ZONE, within());
    assert!(matches!(told, Err(ReadError::TooSlow | ReadError::Empty)), "{told:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_answered(lines in prop::collection::vec("(BEGIN:VEVENT|END:VEVENT|DTSTART:|DTEND:|UID:|RRULE:FREQ=DAILY;|EXDATE:|SUMMARY:)?[ -~é\u{a0}]{0,20}", 0..30)) {
        let _ = read(&format!("BEGIN:VCALENDAR\n{}", lines.join("\n")), &FixedRules, ZONE, within());
    }
}

//! Times as people read them: always with the zone, the offset and UTC beside it.

use super::Instant;
use super::zone::{Civil, ZoneRules, civil};
use chrono::{Datelike, NaiveDateTime};

/// A range of time, ready to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeText {
    /// "Thu 15 May 2014, 20:00–22:00 IST (UTC+1)".
    pub main: String,
    /// "19:00–21:00 UTC"; with dates where they differ from those of `main`.
    pub utc: String,
    /// For `<time datetime>`: "2014-05-15T19:00:00Z".
    pub datetime_start: String,
    /// For `<time datetime>`.
    pub datetime_end: String,
    /// `main` says the clock of UTC already, as UTC or as another name with "(UTC+0)": `utc` says nothing new.
    pub is_utc: bool,
}

/// An instant, ready to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstantText {
    /// "Thu 15 May 2014, 20:00 IST (UTC+1)".
    pub main: String,
    /// "19:00 UTC"; with the date where it differs from that of `main`.
    pub utc: String,
    /// For `<time datetime>`: "2014-05-15T19:00:00Z".
    pub datetime: String,
    /// `main` says the clock of UTC already, as UTC or as another name with "(UTC+0)": `utc` says nothing new.
    pub is_utc: bool,
}

impl TimeText {
    /// Both in one line: "Thu 15 May 2014, 20:00–22:00 IST (UTC+1); 19:00–21:00 UTC".
    #[must_use]
    pub fn both(&self) -> String {
        both(&self.main, &self.utc, self.is_utc)
    }
}

impl InstantText {
    /// Both in one line: "Thu 15 May 2014, 20:00 IST (UTC+1); 19:00 UTC".
    #[must_use]
    pub fn both(&self) -> String {
        both(&self.main, &self.utc, self.is_utc)
    }
}

fn both(main: &str, utc: &str, is_utc: bool) -> String {
    if is_utc { main.to_owned() } else { format!("{main}; {utc}") }
}

/// "UTC+1", "UTC+5:45", "UTC−3", "UTC+0".
#[must_use]
pub fn offset_text(seconds: i32) -> String {
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

fn has_letters(civil: &Civil) -> bool {
    civil.abbreviation.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_utc(civil: &Civil) -> bool {
    civil.offset == 0 && civil.abbreviation == "UTC"
}

/// "IST (UTC+1)", "UTC+5:45", "UTC".
pub(crate) fn zone_text(civil: &Civil) -> String {
    if is_utc(civil) {
        "UTC".to_owned()
    } else if has_letters(civil) {
        format!("{} ({})", civil.abbreviation, offset_text(civil.offset))
    } else {
        offset_text(civil.offset)
    }
}

fn short_zone(civil: &Civil) -> String {
    if has_letters(civil) { civil.abbreviation.clone() } else { offset_text(civil.offset) }
}

/// The zone of a time beside which UTC stands, unless it is the same: then the offset says so.
fn brief_zone(civil: &Civil) -> String {
    if civil.offset == 0 { zone_text(civil) } else { short_zone(civil) }
}

pub(crate) fn clock(local: NaiveDateTime) -> String {
    local.format("%H:%M").to_string()
}

pub(crate) fn long_date(local: NaiveDateTime) -> String {
    local.format("%a %-d %b %Y").to_string()
}

fn short_date(local: NaiveDateTime) -> String {
    local.format("%a %-d %b").to_string()
}

fn machine(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A range in a zone and in UTC. A zone that is not known is shown as UTC.
#[must_use]
pub fn format_range(rules: &dyn ZoneRules, zone: &str, start: Instant, end: Instant) -> TimeText {
    let hours = format_hours(rules, zone, start, end);
    let main = format!("{}, {}", long_date(civil(rules, zone, start).local), hours.main);
    TimeText { main, ..hours }
}

/// A range beside the date on which it begins: that one is not said again.
#[must_use]
pub fn format_hours(rules: &dyn ZoneRules, zone: &str, start: Instant, end: Instant) -> TimeText {
    let (a, b) = (civil(rules, zone, start), civil(rules, zone, end));
    let one_day = a.local.date() == b.local.date();
    let one_offset = a.offset == b.offset && a.abbreviation == b.abbreviation;
    let first = if one_offset { clock(a.local) } else { format!("{} {}", clock(a.local), zone_text(&a)) };
    let dash = if one_day && one_offset { "–" } else { " – " };
    let day = match (one_day, a.local.year() == b.local.year()) {
        (true, _) => String::new(),
        (false, true) => format!("{}, ", short_date(b.local)),
        (false, false) => format!("{}, ", long_date(b.local)),
    };
    let main = format!("{first}{dash}{day}{} {}", clock(b.local), zone_text(&b));

    let (ua, ub) = (start.naive_utc(), end.naive_utc());
    let utc = if ua.date() != ub.date() {
        format!("{}, {} – {}, {} UTC", short_date(ua), clock(ua), short_date(ub), clock(ub))
    } else if one_day && ua.date() == a.local.date() {
        format!("{}–{} UTC", clock(ua), clock(ub))
    } else {
        format!("{}, {}–{} UTC", short_date(ua), clock(ua), clock(ub))
    };
    TimeText {
        main,
        utc,
        datetime_start: machine(start),
        datetime_end: machine(end),
        is_utc: a.offset == 0 && b.offset == 0,
    }
}

/// An instant in a zone and in UTC. A zone that is not known is shown as UTC.
#[must_use]
pub fn format_instant(rules: &dyn ZoneRules, zone: &str, at: Instant) -> InstantText {
    let local = civil(rules, zone, at);
    let utc = at.naive_utc();
    InstantText {
        main: format!("{}, {} {}", long_date(local.local), clock(local.local), zone_text(&local)),
        utc: if utc.date() == local.local.date() {
            format!("{} UTC", clock(utc))
        } else {
            format!("{}, {} UTC", short_date(utc), clock(utc))
        },
        datetime: machine(at),
        is_utc: local.offset == 0,
    }
}

/// A date as it is read at an instant: with its year where that is another one.
fn date_from(rules: &dyn ZoneRules, zone: &str, local: NaiveDateTime, now: Instant) -> String {
    let is_this_year = local.year() == civil(rules, zone, now).local.year();
    if is_this_year { short_date(local) } else { long_date(local) }
}

/// The day of an instant, as it is read at another: "Thu 15 May", "Thu 15 May 2014".
#[must_use]
pub fn format_day(rules: &dyn ZoneRules, zone: &str, at: Instant, now: Instant) -> String {
    date_from(rules, zone, civil(rules, zone, at).local, now)
}

/// An instant as it is read at another, and in UTC: "Thu 15 May, 03:40 IST", "Thu 15 Jan, 03:40 WET (UTC+0)", "Thu 15 May
/// 2014, 03:40 IST".
#[must_use]
pub fn format_brief(rules: &dyn ZoneRules, zone: &str, at: Instant, now: Instant) -> InstantText {
    let local = civil(rules, zone, at);
    let main = format!("{}, {} {}", date_from(rules, zone, local.local, now), clock(local.local), brief_zone(&local));
    InstantText { main, ..format_instant(rules, zone, at) }
}

/// An instant beside its date, and in UTC: "20:49 IST", "20:49 GMT (UTC+0)".
#[must_use]
pub fn format_hour(rules: &dyn ZoneRules, zone: &str, at: Instant) -> InstantText {
    let local = civil(rules, zone, at);
    let main = format!("{} {}", clock(local.local), brief_zone(&local));
    InstantText { main, ..format_instant(rules, zone, at) }
}

/// "2014-05-15T20:00:00+01:00": what the clocks of a zone show, as it can be typed and means one instant alone.
#[must_use]
pub fn format_offset(rules: &dyn ZoneRules, zone: &str, at: Instant) -> String {
    let civil = civil(rules, zone, at);
    let (sign, minutes) = (if civil.offset < 0 { '-' } else { '+' }, civil.offset.unsigned_abs() / 60);
    format!("{}{sign}{:02}:{:02}", civil.local.format("%Y-%m-%dT%H:%M:%S"), minutes / 60, minutes % 60)
}

/// "Thu 15 May, 03:40 IST": inside a sentence.
#[must_use]
pub fn format_short(rules: &dyn ZoneRules, zone: &str, at: Instant) -> String {
    format_short_at(rules, zone, at, at)
}

/// The same as it is read at another instant: "Thu 15 May, 03:40 IST", "Thu 15 May 2014, 03:40 IST".
#[must_use]
pub fn format_short_at(rules: &dyn ZoneRules, zone: &str, at: Instant, now: Instant) -> String {
    let local = civil(rules, zone, at);
    format!("{}, {} {}", date_from(rules, zone, local.local, now), clock(local.local), short_zone(&local))
}

/// "20:49 IST": beside a date that is already there.
#[must_use]
pub fn format_clock(rules: &dyn ZoneRules, zone: &str, at: Instant) -> String {
    let local = civil(rules, zone, at);
    format!("{} {}", clock(local.local), short_zone(&local))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::testing::FixedRules;

    fn range(zone: &str, start: &str, end: &str) -> TimeText {
        format_range(&FixedRules, zone, start.parse().unwrap_or_default(), end.parse().unwrap_or_default())
    }

    #[test]
    fn a_range_is_shown_in_the_zone_and_in_utc() {
        for (zone, start, end, main, utc) in [
            (
                "Europe/Dublin",
                "2014-05-15T19:00:00Z",
                "2014-05-15T21:00:00Z",
                "Thu 15 May 2014, 20:00–22:00 IST (UTC+1)",
                "19:00–21:00 UTC",
            ),
            // The local day is the next one already: UTC needs its own date.
            (
                "Asia/Tokyo",
                "2014-05-15T19:00:00Z",
                "2014-05-15T21:00:00Z",
                "Fri 16 May 2014, 04:00–06:00 JST (UTC+9)",
                "Thu 15 May, 19:00–21:00 UTC",
            ),
            (
                "Europe/Berlin",
                "2014-05-15T23:30:00Z",
                "2014-05-16T00:30:00Z",
                "Fri 16 May 2014, 01:30–02:30 CEST (UTC+2)",
                "Thu 15 May, 23:30 – Fri 16 May, 00:30 UTC",
            ),
            (
                "Europe/Dublin",
                "2014-05-15T22:00:00Z",
                "2014-05-16T00:00:00Z",
                "Thu 15 May 2014, 23:00 – Fri 16 May, 01:00 IST (UTC+1)",
                "Thu 15 May, 22:00 – Fri 16 May, 00:00 UTC",
            ),
            (
                "America/New_York",
                "2014-05-16T02:00:00Z",
                "2014-05-16T05:00:00Z",
                "Thu 15 May 2014, 22:00 – Fri 16 May, 01:00 EDT (UTC−4)",
                "Fri 16 May, 02:00–05:00 UTC",
            ),
            (
                "Europe/London",
                "2014-12-31T23:00:00Z",
                "2015-01-01T01:00:00Z",
                "Wed 31 Dec 2014, 23:00 – Thu 1 Jan 2015, 01:00 GMT (UTC+0)",
                "Wed 31 Dec, 23:00 – Thu 1 Jan, 01:00 UTC",
            ),
            // Over the end of summer time both offsets are said.
            (
                "Europe/Berlin",
                "2026-10-25T00:30:00Z",
                "2026-10-25T02:00:00Z",
                "Sun 25 Oct 2026, 02:30 CEST (UTC+2) – 03:00 CET (UTC+1)",
                "00:30–02:00 UTC",
            ),
            (
                "Asia/Kathmandu",
                "2026-06-01T06:15:00Z",
                "2026-06-01T07:00:00Z",
                "Mon 1 Jun 2026, 12:00–12:45 UTC+5:45",
                "06:15–07:00 UTC",
            ),
            (
                "UTC",
                "2014-05-15T19:00:00Z",
                "2014-05-15T21:00:00Z",
                "Thu 15 May 2014, 19:00–21:00 UTC",
                "19:00–21:00 UTC",
            ),
        ] {
            let text = range(zone, start, end);
            assert_eq!((text.main.as_str(), text.utc.as_str()), (main, utc), "{zone}");
            assert_eq!((text.datetime_start.as_str(), text.datetime_end.as_str()), (start, end));
        }
    }

    #[test]
    fn beside_its_date_a_range_says_only_the_other_one() {
        let hours = |start: &str, end: &str| {
            let at = |text: &str| text.parse().unwrap_or_default();
            format_hours(&FixedRules, "Europe/Dublin", at(start), at(end)).both()
        };
        assert_eq!(hours("2014-05-15T19:00:00Z", "2014-05-15T21:00:00Z"), "20:00–22:00 IST (UTC+1); 19:00–21:00 UTC");
        assert_eq!(
            hours("2014-05-15T22:00:00Z", "2014-05-16T00:00:00Z"),
            "23:00 – Fri 16 May, 01:00 IST (UTC+1); Thu 15 May, 22:00 – Fri 16 May, 00:00 UTC"
        );
    }

    #[test]
    fn utc_is_not_said_twice() {
        let text = range("UTC", "2014-05-15T19:00:00Z", "2014-05-15T21:00:00Z");
        assert_eq!(text.both(), "Thu 15 May 2014, 19:00–21:00 UTC");
        let text = range("Europe/Dublin", "2014-05-15T19:00:00Z", "2014-05-15T21:00:00Z");
        assert_eq!(text.both(), "Thu 15 May 2014, 20:00–22:00 IST (UTC+1); 19:00–21:00 UTC");
        let text = range("Europe/London", "2014-12-15T19:00:00Z", "2014-12-15T21:00:00Z");
        assert_eq!(text.both(), "Mon 15 Dec 2014, 19:00–21:00 GMT (UTC+0)");
        let at = format_instant(&FixedRules, "Europe/London", "2014-12-15T19:00:00Z".parse().unwrap_or_default());
        assert_eq!(at.both(), "Mon 15 Dec 2014, 19:00 GMT (UTC+0)");
        // Who stands at UTC+0 for one end alone reads both.
        let text = range("Europe/Dublin", "2014-03-30T00:30:00Z", "2014-03-30T02:00:00Z");
        assert_eq!(text.both(), "Sun 30 Mar 2014, 00:30 GMT (UTC+0) – 03:00 IST (UTC+1); 00:30–02:00 UTC");
    }

    #[test]
    fn a_time_with_its_offset_is_read_as_the_same_instant() {
        for (zone, at, shown) in [
            ("Europe/Dublin", "2014-10-26T00:30:00Z", "2014-10-26T01:30:00+01:00"),
            ("Europe/Dublin", "2014-10-26T01:30:00Z", "2014-10-26T01:30:00+00:00"),
            ("America/New_York", "2014-05-15T19:00:00Z", "2014-05-15T15:00:00-04:00"),
            ("Asia/Kathmandu", "2014-05-15T19:00:00Z", "2014-05-16T00:45:00+05:45"),
        ] {
            let at: Instant = at.parse().unwrap_or_default();
            assert_eq!(format_offset(&FixedRules, zone, at), shown);
            assert_eq!(crate::time::parse_offset(shown), Ok(Some(at)));
        }
    }

    #[test]
    fn a_short_time_of_another_year_says_which() {
        let at = |text: &str| -> Instant { text.parse().unwrap_or_default() };
        // The year is that of the reader's clock, not of UTC.
        let eve = at("2014-12-31T15:30:00Z");
        for (zone, now, day) in [
            ("Asia/Tokyo", "2015-01-01T09:00:00Z", "Thu 1 Jan"),
            ("Asia/Tokyo", "2014-12-31T14:00:00Z", "Thu 1 Jan 2015"),
            ("Europe/Dublin", "2014-12-31T23:59:59Z", "Wed 31 Dec"),
            ("Europe/Dublin", "2015-01-01T00:00:00Z", "Wed 31 Dec 2014"),
        ] {
            let now = at(now);
            assert_eq!(format_day(&FixedRules, zone, eve, now), day, "{zone}");
            let short = format_short_at(&FixedRules, zone, eve, now);
            assert!(short.starts_with(&format!("{day}, ")), "{short}");
            assert!(format_brief(&FixedRules, zone, eve, now).main.starts_with(&format!("{day}, ")), "{zone}");
        }
    }

    #[test]
    fn a_short_time_says_its_offset_where_no_utc_stands_beside_it() {
        for (zone, at, brief, hour) in [
            ("UTC", "2014-12-15T19:00:00Z", "Mon 15 Dec, 19:00 UTC", "19:00 UTC"),
            ("Europe/Dublin", "2014-12-15T19:00:00Z", "Mon 15 Dec, 19:00 GMT (UTC+0)", "19:00 GMT (UTC+0)"),
            ("Europe/Dublin", "2014-05-15T19:00:00Z", "Thu 15 May, 20:00 IST; 19:00 UTC", "20:00 IST; 19:00 UTC"),
        ] {
            let at: Instant = at.parse().unwrap_or_default();
            assert_eq!(format_brief(&FixedRules, zone, at, at).both(), brief);
            assert_eq!(format_hour(&FixedRules, zone, at).both(), hour);
        }
    }

    #[test]
    fn a_zone_that_is_gone_is_shown_as_utc() {
        let text = range("Mars/Olympus", "2014-05-15T19:00:00Z", "2014-05-15T21:00:00Z");
        assert_eq!(text.main, "Thu 15 May 2014, 19:00–21:00 UTC");
    }

    #[test]
    fn an_instant_is_shown_at_every_length() {
        let at = "2014-05-15T23:30:00Z".parse().unwrap_or_default();
        let text = format_instant(&FixedRules, "Asia/Kathmandu", at);
        assert_eq!(text.main, "Fri 16 May 2014, 05:15 UTC+5:45");
        assert_eq!(text.utc, "Thu 15 May, 23:30 UTC");
        assert_eq!(text.datetime, "2014-05-15T23:30:00Z");
        assert_eq!(
            format_instant(&FixedRules, "Europe/London", at).both(),
            "Fri 16 May 2014, 00:30 BST (UTC+1); Thu 15 May, 23:30 UTC"
        );
        assert_eq!(format_short(&FixedRules, "Europe/Dublin", at), "Fri 16 May, 00:30 IST");
        assert_eq!(format_clock(&FixedRules, "America/Santiago", at), "19:30 UTC−4");
    }

    #[test]
    fn offsets_are_written_with_half_hours() {
        for (seconds, text) in [
            (0, "UTC+0"),
            (3600, "UTC+1"),
            (20_700, "UTC+5:45"),
            (-12_600, "UTC−3:30"),
            (37_800, "UTC+10:30"),
            (-36_000, "UTC−10"),
        ] {
            assert_eq!(offset_text(seconds), text);
        }
    }
}

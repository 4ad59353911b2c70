//! Calendar files of others, read as times in which no work is to be done.
//!
//! The file is not trusted: its size, its lines, its entries and what they repeat are limited, each
//! entry is read on its own, and reading ends after a few seconds whatever stands in it. An entry that
//! can not be read is left out and named; the rest counts.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use domain::freeze::{FreezeTime, Incoming};
use domain::text::Name;
use domain::time::{LocalTime, Stretch, ZoneRules, civil};
use icalendar::parser::{Component, Property, unfold};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Largest file taken, in bytes.
pub const MAX_BYTES: usize = 200 * 1024;
const MAX_EVENTS: usize = 1_000;
const MAX_LINES_OF_EVENT: usize = 400;
/// Times of one entry: two years of days, and some.
const MAX_TIMES: u16 = 800;
const MAX_TIMES_OF_FILE: usize = 20_000;
const MAX_UID: usize = 250;
/// Rules can be made that look for a date that never comes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a file is refused as a whole, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Not a calendar.
    #[error("This is not a calendar file: it should begin with BEGIN:VCALENDAR.")]
    NotACalendar,
    /// Over [`MAX_BYTES`].
    #[error("This file is too large: at most 200 KiB are read. Export fewer entries.")]
    TooLarge,
    /// Too many entries, or times.
    #[error("This calendar has too many entries: at most 1,000, and 20,000 times together. Export fewer of them.")]
    TooMany,
    /// Its rules take too long to work out.
    #[error("The rules by which this calendar repeats its entries take too long to work out. Export fewer of them.")]
    TooSlow,
    /// Nothing in it.
    #[error("There are no entries in this calendar.")]
    Empty,
}

/// An entry that was left out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// What it is called, or its number in the file.
    pub entry: String,
    /// Its UID, where it has one.
    pub uid: Option<String>,
    /// Why.
    pub why: String,
}

/// What a calendar file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalendarFile {
    /// What it calls itself.
    pub name: Option<Name>,
    /// Its entries with their times.
    pub entries: Vec<Incoming>,
    /// Entries that could not be read.
    pub left_out: Vec<LeftOut>,
}

/// Reads a calendar. Days and times without a zone are those of `zone`; of what repeats only the
/// times in `within` are kept.
///
/// # Errors
/// See [`ReadError`].
pub fn read(text: &str, rules: &dyn ZoneRules, zone: &str, within: Stretch) -> Result<CalendarFile, ReadError> {
    if text.len() > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
        return Err(ReadError::NotACalendar);
    }
    let blocks = blocks(&unfold(text))?;
    let reader = Reader { rules, zone, within, until: Instant::now() + PATIENCE };
    let mut file = CalendarFile { name: blocks.name, ..CalendarFile::default() };
    let mut events = Vec::new();
    for (n, block) in blocks.events.iter().enumerate() {
        match reader.event(block) {
            Ok(event) => events.push(event),
            Err((entry, why)) => {
                let entry = entry.unwrap_or_else(|| format!("Entry {}", n + 1));
                file.left_out.push(LeftOut { entry, uid: uid_of(block), why });
            }
        }
    }
    reader.entries(events, &mut file)?;
    if file.entries.is_empty() && file.left_out.is_empty() {
        return Err(ReadError::Empty);
    }
    Ok(file)
}

/// The UID of an entry that can not be read otherwise.
fn uid_of(block: &str) -> Option<String> {
    let is_uid = |name: &str| name.split(';').next().is_some_and(|name| name.eq_ignore_ascii_case("UID"));
    block
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| is_uid(name))
        .map(|(_, uid)| uid.trim().to_owned())
}

struct Blocks {
    name: Option<Name>,
    events: Vec<String>,
}

/// The entries of a file, each with its own lines alone: reminders inside of them are left behind.
fn blocks(text: &str) -> Result<Blocks, ReadError> {
    let mut found = Blocks { name: None, events: Vec::new() };
    let mut open: Option<(String, usize)> = None;
    let mut inside = 0_usize;
    for line in text.lines() {
        let line = line.trim_end();
        let upper = line.get(..line.len().min(40)).unwrap_or_default().to_ascii_uppercase();
        match &mut open {
            None if upper == "BEGIN:VEVENT" => {
                if found.events.len() >= MAX_EVENTS {
                    return Err(ReadError::TooMany);
                }
                open = Some(("BEGIN:VEVENT\n".to_owned(), 0));
            }
            None => {
                if let Some(name) = upper.starts_with("X-WR-CALNAME").then(|| line.split_once(':')).flatten() {
                    found.name = Name::parse(name.1).ok();
                }
            }
            Some((block, _)) if inside == 0 && upper == "END:VEVENT" => {
                block.push_str("END:VEVENT\n");
                found.events.push(std::mem::take(block));
                open = None;
            }
            Some(_) if upper.starts_with("BEGIN:") => inside += 1,
            Some(_) if upper.starts_with("END:") => inside = inside.saturating_sub(1),
            Some((block, lines)) if inside == 0 && !line.is_empty() => {
                *lines += 1;
                if *lines > MAX_LINES_OF_EVENT {
                    return Err(ReadError::TooMany);
                }
                block.push_str(line);
                block.push('\n');
            }
            Some(_) => {}
        }
    }
    Ok(found)
}

/// A time as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    local: NaiveDateTime,
    zone: String,
    is_day: bool,
}

/// An entry, or one time of an entry that was moved by itself.
struct Event {
    uid: String,
    name: Name,
    start: Moment,
    length: TimeDelta,
    rules: Vec<String>,
    also: Vec<NaiveDateTime>,
    except: BTreeSet<NaiveDateTime>,
    instead_of: Option<NaiveDateTime>,
    is_cancelled: bool,
}

type Refused = (Option<String>, String);

struct Reader<'a> {
    rules: &'a dyn ZoneRules,
    zone: &'a str,
    within: Stretch,
    until: Instant,
}

fn value<'c>(event: &'c Component<'_>, name: &str) -> Option<&'c str> {
    property(event, name).map(|property| property.val.as_str())
}

fn property<'c, 'a>(event: &'c Component<'a>, name: &str) -> Option<&'c Property<'a>> {
    event.properties.iter().find(|property| property.name.as_str().eq_ignore_ascii_case(name))
}

fn properties<'c, 'a>(event: &'c Component<'a>, name: &'c str) -> impl Iterator<Item = &'c Property<'a>> {
    event.properties.iter().filter(move |property| property.name.as_str().eq_ignore_ascii_case(name))
}

fn parameter<'c>(property: &'c Property<'_>, name: &str) -> Option<&'c str> {
    let found = property.params.iter().find(|parameter| parameter.key.as_str().eq_ignore_ascii_case(name))?;
    found.val.as_ref().map(|value| value.as_str().trim_matches('"'))
}

/// A summary on one line (RFC 5545 §3.3.11), as much of it as a name may have.
fn name(text: &str) -> Option<Name> {
    let plain =
        text.replace("\\n", " ").replace("\\N", " ").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\");
    let plain: String = plain.chars().filter(|c| !c.is_control()).take(Name::MAX).collect();
    Name::parse(&plain).ok()
}

impl Reader<'_> {
    fn event(&self, block: &str) -> Result<Event, Refused> {
        let event = Component::try_from(block).map_err(|_| (None, "a line in it can not be read.".to_owned()))?;
        let named = value(&event, "SUMMARY").and_then(name);
        let entry = named.as_ref().map(ToString::to_string);
        let refuse = |why: String| (entry.clone(), why);
        let uid = value(&event, "UID").map(str::trim).filter(|uid| !uid.is_empty());
        let uid = uid.ok_or_else(|| refuse("it has no UID, so it could not be told apart.".to_owned()))?;
        if uid.len() > MAX_UID || uid.chars().any(char::is_control) {
            return Err(refuse("its UID is too long.".to_owned()));
        }
        let start = property(&event, "DTSTART").ok_or_else(|| refuse("it has no start.".to_owned()))?;
        let start = self.moment(start).map_err(refuse)?;
        let length = self.length(&event, &start).map_err(refuse)?;
        let list = |name: &str| -> Result<Vec<NaiveDateTime>, String> {
            let mut times = Vec::new();
            for property in properties(&event, name) {
                for text in property.val.as_str().split(',').take(usize::from(MAX_TIMES)) {
                    times.push(self.in_zone(self.read_time(property, text)?, &start.zone));
                }
            }
            Ok(times)
        };
        let also = list("RDATE").map_err(refuse)?;
        let except = list("EXDATE").map_err(refuse)?.into_iter().collect();
        let instead_of = list("RECURRENCE-ID").map_err(refuse)?.into_iter().next();
        Ok(Event {
            uid: uid.to_owned(),
            name: named.or_else(|| Name::parse("Without a title").ok()).ok_or_else(|| refuse(String::new()))?,
            length,
            rules: properties(&event, "RRULE").map(|rule| rule.val.as_str().to_ascii_uppercase()).collect(),
            also,
            except,
            instead_of,
            is_cancelled: value(&event, "STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")),
            start,
        })
    }

    fn moment(&self, property: &Property<'_>) -> Result<Moment, String> {
        self.read_time(property, property.val.as_str())
    }

    /// `20261224`, `20261224T220000`, `20261224T220000Z`, with the zone that stands beside it.
    fn read_time(&self, property: &Property<'_>, text: &str) -> Result<Moment, String> {
        let text = text.trim();
        let unclear = || format!("“{}” is not a date or time.", text.chars().take(30).collect::<String>());
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y%m%d") {
            return Ok(Moment { local: date.and_time(NaiveTime::MIN), zone: self.zone.to_owned(), is_day: true });
        }
        let (plain, is_utc) = text.strip_suffix('Z').map_or((text, false), |plain| (plain, true));
        let local = NaiveDateTime::parse_from_str(plain, "%Y%m%dT%H%M%S").map_err(|_| unclear())?;
        let zone = match parameter(property, "TZID") {
            _ if is_utc => "UTC".to_owned(),
            None => self.zone.to_owned(),
            Some(name) => self.rules.canonical(name.trim_start_matches('/')).ok_or_else(|| {
                format!("the time zone “{}” is not known.", name.chars().take(60).collect::<String>())
            })?,
        };
        Ok(Moment { local, zone, is_day: false })
    }

    /// A moment as the clocks of another zone show it.
    fn in_zone(&self, moment: Moment, zone: &str) -> NaiveDateTime {
        if moment.zone == zone || moment.is_day {
            return moment.local;
        }
        match self.rules.resolve(&moment.zone, moment.local) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => civil(self.rules, zone, at).local,
            _ => moment.local,
        }
    }

    fn length(&self, event: &Component<'_>, start: &Moment) -> Result<TimeDelta, String> {
        let length = match (property(event, "DTEND"), value(event, "DURATION")) {
            (Some(end), _) => {
                let end = self.moment(end)?;
                self.in_zone(end, &start.zone).signed_duration_since(start.local)
            }
            (None, Some(text)) => duration(text).ok_or("its duration can not be read.")?,
            (None, None) if start.is_day => TimeDelta::days(1),
            (None, None) => return Err("it has no end.".to_owned()),
        };
        if length <= TimeDelta::zero() {
            return Err("it ends before it begins, or at once.".to_owned());
        }
        Ok(length)
    }

    /// All entries, each with its times; what was moved by itself replaces the time it was moved from.
    fn entries(&self, events: Vec<Event>, file: &mut CalendarFile) -> Result<(), ReadError> {
        let mut moved: BTreeMap<String, Vec<Event>> = BTreeMap::new();
        let mut whole: Vec<Event> = Vec::new();
        let mut seen = BTreeSet::new();
        for event in events {
            if event.instead_of.is_some() {
                moved.entry(event.uid.clone()).or_default().push(event);
            } else if seen.insert(event.uid.clone()) {
                whole.push(event);
            } else {
                file.left_out.push(LeftOut {
                    entry: event.name.to_string(),
                    uid: Some(event.uid),
                    why: "another entry before it has the same UID.".to_owned(),
                });
            }
        }
        let mut all = 0;
        for event in whole {
            let own = moved.remove(&event.uid).unwrap_or_default();
            match self.times(&event, &own) {
                Ok(times) => {
                    all += times.len();
                    if all > MAX_TIMES_OF_FILE {
                        return Err(ReadError::TooMany);
                    }
                    if !times.is_empty() {
                        file.entries.push(Incoming { uid: event.uid, name: event.name, times });
                    }
                }
                Err(why) => {
                    file.left_out.push(LeftOut { entry: event.name.to_string(), uid: Some(event.uid), why });
                }
            }
            if Instant::now() > self.until {
                return Err(ReadError::TooSlow);
            }
        }
        let lost = moved.into_values().flatten().map(|event| LeftOut {
            entry: event.name.to_string(),
            uid: Some(event.uid),
            why: "the entry that it changes is not in this file.".to_owned(),
        });
        file.left_out.extend(lost);
        Ok(())
    }

    fn times(&self, event: &Event, moved: &[Event]) -> Result<Vec<FreezeTime>, String> {
        let mut starts: BTreeSet<NaiveDateTime> = event.also.iter().copied().collect();
        if !event.is_cancelled {
            if event.rules.is_empty() {
                starts.insert(event.start.local);
            } else {
                starts.extend(self.repeated(event)?);
            }
        }
        starts.retain(|start| !event.except.contains(start));
        for own in moved {
            if let Some(instead_of) = own.instead_of {
                starts.remove(&instead_of);
            }
        }
        let one = |zone: &str, start: NaiveDateTime, length: TimeDelta| {
            let end = start.checked_add_signed(length).ok_or("its times can not be.")?;
            FreezeTime::imported(self.rules, zone, start, end).map_err(|e| e.to_string())
        };
        let mut times = Vec::new();
        for start in starts {
            times.push(one(&event.start.zone, start, event.length)?);
        }
        for own in moved.iter().filter(|own| !own.is_cancelled && !event.is_cancelled) {
            times.push(one(&own.start.zone, own.start.local, own.length)?);
        }
        times.retain(|time| time.stretch.overlaps(&self.within));
        times.sort_by_key(|time| time.stretch);
        times.dedup_by_key(|time| time.stretch.from);
        Ok(times)
    }

    /// The local times at which an entry comes again. Worked out as if there were no zones: a rule
    /// speaks of what clocks show.
    fn repeated(&self, event: &Event) -> Result<Vec<NaiveDateTime>, String> {
        let wrong = || "the rule by which it repeats can not be read.".to_owned();
        let mut lines = format!("DTSTART:{}Z", event.start.local.format("%Y%m%dT%H%M%S"));
        for rule in &event.rules {
            let parts: Vec<&str> = rule.split(';').filter(|part| !part.is_empty()).collect();
            let often = parts.iter().find_map(|part| part.strip_prefix("FREQ="));
            if !matches!(often, Some("DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY")) {
                return Err("it repeats more often than daily.".to_owned());
            }
            let parts: Result<Vec<String>, String> =
                parts.into_iter().map(|part| self.part_of_rule(part, event)).collect();
            lines.push_str("\nRRULE:");
            lines.push_str(&parts?.join(";"));
        }
        let set: rrule::RRuleSet = lines.parse().map_err(|_| wrong())?;
        let edge = |at: domain::time::Instant| {
            let local = civil(self.rules, &event.start.zone, at).local;
            DateTime::<Utc>::from_naive_utc_and_offset(local, Utc).with_timezone(&rrule::Tz::UTC)
        };
        let reach = event.length.checked_add(&TimeDelta::days(2)).unwrap_or(event.length);
        let from = self.within.from.checked_sub_signed(reach).unwrap_or(self.within.from);
        let found = set.after(edge(from)).before(edge(self.within.to)).all(MAX_TIMES + 1);
        if found.dates.len() > usize::from(MAX_TIMES) {
            return Err("it repeats too often.".to_owned());
        }
        Ok(found.dates.into_iter().map(|at| at.naive_utc()).collect())
    }

    /// An end of the rule in UTC is meant as an instant; everything else speaks of local times.
    fn part_of_rule(&self, part: &str, event: &Event) -> Result<String, String> {
        let Some(until) = part.strip_prefix("UNTIL=") else { return Ok(part.to_owned()) };
        let wrong = || "the end of its repetition can not be read.".to_owned();
        let local = if let Ok(date) = NaiveDate::parse_from_str(until, "%Y%m%d") {
            date.and_hms_opt(23, 59, 59).ok_or_else(wrong)?
        } else if let Some(utc) = until.strip_suffix('Z') {
            let utc = NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").map_err(|_| wrong())?;
            civil(self.rules, &event.start.zone, utc.and_utc()).local
        } else {
            NaiveDateTime::parse_from_str(until, "%Y%m%dT%H%M%S").map_err(|_| wrong())?
        };
        Ok(format!("UNTIL={}Z", local.format("%Y%m%dT%H%M%S")))
    }
}

/// `P1DT2H30M` (RFC 5545 §3.3.6), never negative.
fn duration(text: &str) -> Option<TimeDelta> {
    let rest = text.trim().trim_start_matches('+').strip_prefix('P')?;
    let mut seconds = 0_i64;
    let mut number = String::new();
    for c in rest.chars().take(40) {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'T' if number.is_empty() => continue,
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        seconds = number.parse::<i64>().ok()?.checked_mul(unit).and_then(|part| seconds.checked_add(part))?;
        number.clear();
    }
    if number.is_empty() { TimeDelta::try_seconds(seconds) } else { None }
}

#[cfg(test)]
mod tests;

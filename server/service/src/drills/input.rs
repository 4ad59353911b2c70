//! What people type and programs send of a drill, read field by field.

use crate::{Error, Fields};
use domain::drill::{DrillKind, DrillState, Ending, Link};
use domain::size::parse_size;
use domain::text::{Name, TextError, Why, optional_line};
use domain::time::{Instant, LocalTime, Span, ZoneRules, format_offset, parse_local, parse_offset};

/// A drill to plan or to report, as it was typed or sent.
///
/// Times are RFC 3339, or local to the site's zone as people write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillInput {
    /// A host's id or name.
    pub host: String,
    /// A data set's id or name on it; empty for the whole host.
    pub data_set: String,
    /// `restore` (also where it is empty) or `verify`.
    pub kind: String,
    /// `planned` (also where it is empty), `running`, `succeeded` or `failed`.
    pub status: String,
    /// When it is to be done.
    pub planned_at: String,
    /// When it began; now where it is empty.
    pub started_at: String,
    /// When it ended; now where it is empty.
    pub finished_at: String,
    /// Bytes restored: a whole number, or with a unit ("412 GB").
    pub bytes: String,
    /// How long it took until the first byte came back.
    pub startup: String,
    /// Who does it; the one who tells of it where it is empty.
    pub who: String,
    /// Where it is written down.
    pub evidence_url: String,
    /// What there is to say.
    pub note: String,
    /// The reporter's own id of it.
    pub run_id: String,
}

/// How a drill ended, as it was typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillEnding {
    /// `succeeded` or `failed`.
    pub status: String,
    /// See [`DrillInput::finished_at`].
    pub finished_at: String,
    /// See [`DrillInput::bytes`].
    pub bytes: String,
    /// See [`DrillInput::startup`].
    pub startup: String,
    /// See [`DrillInput::evidence_url`].
    pub evidence_url: String,
    /// See [`DrillInput::note`].
    pub note: String,
}

/// The same, read.
pub(super) struct Asked {
    pub(super) kind: DrillKind,
    pub(super) state: DrillState,
    pub(super) planned_at: Option<Instant>,
    pub(super) started_at: Option<Instant>,
    finished_at: Option<Instant>,
    bytes: Option<i64>,
    startup: Option<Span>,
    pub(super) who: String,
    pub(super) evidence: Option<Link>,
    pub(super) note: String,
    pub(super) key: Option<String>,
}

impl Asked {
    pub(super) fn ending(&self, now: Instant) -> Ending {
        Ending {
            succeeded: self.state == DrillState::Succeeded,
            at: self.finished_at.unwrap_or(now),
            bytes: self.bytes,
            startup: self.startup,
            evidence: self.evidence.clone(),
            note: self.note.clone(),
        }
    }
}

/// An instant as programs write it, or a local time; none where nothing was typed. The error is for people.
pub(crate) fn time(rules: &dyn ZoneRules, zone: &str, text: &str) -> Result<Option<Instant>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if let Some(at) = parse_offset(text).map_err(|e| e.to_string())? {
        return Ok(Some(at));
    }
    let local = parse_local(text).map_err(|e| e.to_string())?;
    match rules.resolve(zone, local).map_err(|e| e.to_string())? {
        LocalTime::One(at) => Ok(Some(at)),
        LocalTime::Gap { .. } => {
            Err(format!("This time does not exist in {zone}: the clocks go forward. Write another one."))
        }
        LocalTime::Fold { earlier, later } => {
            let [earlier, later] = [earlier, later].map(|at| format_offset(rules, zone, at));
            Err(format!("This time exists twice in {zone}: the clocks go back. Write {earlier} or {later}."))
        }
    }
}

/// Lines for colleagues, which may be empty.
pub(super) fn note(text: &str) -> Result<String, TextError> {
    match Why::parse(text) {
        Ok(why) => Ok(why.as_str().to_owned()),
        Err(TextError::Empty) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn maybe<T, E: std::fmt::Display>(
    fields: &mut Fields,
    field: &'static str,
    text: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let text = text.trim();
    if text.is_empty() { None } else { fields.take(field, read(text)) }
}

impl DrillInput {
    /// Reads all of it; none where a field is wrong.
    pub(super) fn read(&self, fields: &mut Fields, rules: &dyn ZoneRules, zone: &str, now: Instant) -> Option<Asked> {
        let kind = maybe(fields, "kind", &self.kind, str::parse).unwrap_or(DrillKind::Restore);
        let state = match self.status.trim() {
            "" => DrillState::Planned,
            text => match text.parse() {
                Ok(state) if state != DrillState::Abandoned => state,
                _ => {
                    fields.add("status", "Use planned, running, succeeded or failed.");
                    DrillState::Planned
                }
            },
        };
        let planned_at = fields.take("planned_at", time(rules, zone, &self.planned_at)).flatten();
        if state == DrillState::Planned && planned_at.is_none() && self.planned_at.trim().is_empty() {
            fields.add("planned_at", "Say when it is to be done.");
        }
        if state == DrillState::Planned && planned_at.is_some_and(|at| Span::days(1).after(at) < now) {
            fields.add("planned_at", "This has passed. Plan it for a time to come, or report what was done.");
        }
        let ending = DrillEnding {
            status: self.status.clone(),
            finished_at: self.finished_at.clone(),
            bytes: self.bytes.clone(),
            startup: self.startup.clone(),
            evidence_url: self.evidence_url.clone(),
            note: self.note.clone(),
        };
        let started_at = fields.take("started_at", time(rules, zone, &self.started_at)).flatten();
        let read = ending.fields(fields, rules, zone);
        let who = fields.take("who", optional_line(&self.who, Name::MAX)).unwrap_or_default();
        let key = maybe(fields, "run_id", &self.run_id, |text| optional_line(text, 200));
        fields.is_empty().then_some(Asked {
            kind,
            state,
            planned_at,
            started_at,
            finished_at: read.finished_at,
            bytes: read.bytes,
            startup: read.startup,
            who,
            evidence: read.evidence,
            note: read.note,
            key,
        })
    }
}

struct Read {
    finished_at: Option<Instant>,
    bytes: Option<i64>,
    startup: Option<Span>,
    evidence: Option<Link>,
    note: String,
}

impl DrillEnding {
    fn fields(&self, fields: &mut Fields, rules: &dyn ZoneRules, zone: &str) -> Read {
        Read {
            finished_at: fields.take("finished_at", time(rules, zone, &self.finished_at)).flatten(),
            bytes: maybe(fields, "bytes", &self.bytes, parse_size),
            startup: maybe(fields, "startup", &self.startup, Span::parse),
            evidence: maybe(fields, "evidence_url", &self.evidence_url, Link::parse),
            note: fields.take("note", note(&self.note)).unwrap_or_default(),
        }
    }

    /// Reads all of it.
    pub(super) fn read(&self, rules: &dyn ZoneRules, zone: &str, now: Instant) -> Result<Ending, Error> {
        let mut fields = Fields::default();
        let succeeded = match self.status.trim() {
            "succeeded" => true,
            "failed" => false,
            _ => {
                fields.add("status", "Use succeeded or failed.");
                false
            }
        };
        let read = self.fields(&mut fields, rules, zone);
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        Ok(Ending {
            succeeded,
            at: read.finished_at.unwrap_or(now),
            bytes: read.bytes,
            startup: read.startup,
            evidence: read.evidence,
            note: read.note,
        })
    }
}

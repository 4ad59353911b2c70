//! What backup tools write by themselves, read as reports of runs: text in, a report out.
//!
//! Whatever is unknown, missing or can not be read counts against the run. Each tool has its own
//! file with its pitfalls; what none of them may decide alone (times without a zone, exit codes)
//! is here.

mod backrest;
mod bareos;
mod borg;
mod duplicati;
mod pgbackrest;
mod proxmox;
mod restic;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod velero;

use crate::drill::DrillKind;
use crate::run::{RunReport, Signal};
use crate::time::{Instant, LocalTime, ZoneRules};
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound};
use serde_json::Value;
use std::str::FromStr;
use thiserror::Error;

/// The tools whose own output is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `restic backup --json`.
    Restic,
    /// `borg create --json`.
    Borg,
    /// Bareos and Bacula: the %-codes of a `RunScript`, as form fields.
    Bareos,
    /// Notifications of Proxmox VE and Proxmox Backup Server.
    Proxmox,
    /// A `Backup` object of Velero.
    Velero,
    /// `pgbackrest info --output=json`.
    PgBackRest,
    /// Duplicati's report as JSON.
    Duplicati,
    /// Hooks of Backrest.
    Backrest,
}

/// Not a tool whose output is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "There is no adapter of this name. Use restic, borg, bareos, proxmox, velero, pgbackrest, duplicati or backrest."
)]
pub struct UnknownTool;

impl FromStr for Tool {
    type Err = UnknownTool;
    fn from_str(text: &str) -> Result<Self, UnknownTool> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == text).ok_or(UnknownTool)
    }
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Restic,
        Self::Borg,
        Self::Bareos,
        Self::Proxmox,
        Self::Velero,
        Self::PgBackRest,
        Self::Duplicati,
        Self::Backrest,
    ];

    /// As in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restic => "restic",
            Self::Borg => "borg",
            Self::Bareos => "bareos",
            Self::Proxmox => "proxmox",
            Self::Velero => "velero",
            Self::PgBackRest => "pgbackrest",
            Self::Duplicati => "duplicati",
            Self::Backrest => "backrest",
        }
    }

    fn refuse(self, field: &'static str, message: impl std::fmt::Display) -> Refusal {
        Refusal { field, message: format!("{}: {message}", self.as_str()) }
    }
}

/// What is known beside the output.
#[derive(Clone)]
pub struct Told<'a> {
    /// The report to begin with: its identity, and the key of a run without a name.
    pub blank: RunReport,
    /// The exit code of the tool, where it was passed on.
    pub exit_code: Option<i32>,
    /// The zone of the machine, for times without one.
    pub zone: Option<&'a str>,
    /// Which of several things in one output is meant (pgBackRest's stanza).
    pub stanza: Option<&'a str>,
    /// The present.
    pub now: Instant,
    /// Civil time.
    pub zones: &'a dyn ZoneRules,
}

/// A report, as a tool's own output tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRun {
    /// The tool's own id of the run; the same output again is the same run.
    pub key: Option<String>,
    /// Exit code beside an outcome that the output itself tells.
    pub exit_code: Option<i32>,
    /// The report.
    pub report: RunReport,
}

/// A restore or a check of a backup that is over, as a tool's own output tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolDrill {
    /// The tool's own id of it.
    pub key: Option<String>,
    /// Restored, or only read.
    pub kind: DrillKind,
    /// Ended without so much as a warning.
    pub succeeded: bool,
    /// When it began, where that is told.
    pub started_at: Option<Instant>,
    /// When it ended; when it was reported, where that is not told.
    pub finished_at: Instant,
    /// Bytes restored or read.
    pub bytes: Option<i64>,
    /// What it was, for people.
    pub note: String,
}

/// What an output says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something about one run of a backup.
    Run(Box<ToolRun>),
    /// That a restore or a check is over.
    Drill(Box<ToolDrill>),
    /// Nothing about a backup; why, for people.
    Nothing(String),
}

/// Why an output is refused; nothing of it may be kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Refusal {
    /// The field of the output or of the address that it is about.
    pub field: &'static str,
    /// What is wrong and what would be right; names the tool.
    pub message: String,
}

/// Reads a tool's output.
///
/// # Errors
/// It is not the output of this tool, or lacks what only the sender can add.
pub fn read(tool: Tool, output: &str, told: &Told<'_>) -> Result<Said, Refusal> {
    if let Some(code) = told.exit_code.filter(|code| !(0..=255).contains(code)) {
        return Err(tool.refuse("exit_code", format!("{code} is no exit code. Use a number from 0 to 255.")));
    }
    if let Some(zone) = told.zone.filter(|zone| told.zones.canonical(zone).is_none()) {
        let unknown = crate::time::UnknownZone(zone.chars().take(60).collect());
        return Err(tool.refuse("zone", unknown));
    }
    let output = output.trim_start_matches('\u{feff}');
    match tool {
        Tool::Restic => restic::read(output, told),
        Tool::Borg => borg::read(output, told),
        // These have no exit codes of their own: any but 0 is the sender's word that it failed.
        _ if told.exit_code.is_some_and(|code| code != 0) => {
            match read(tool, output, &Told { exit_code: None, ..told.clone() }) {
                Ok(Said::Drill(drill)) => Ok(ToolDrill { succeeded: false, ..*drill }.said()),
                _ => Ok(told.failed().said()),
            }
        }
        Tool::Bareos => bareos::read(output, told),
        Tool::Proxmox => proxmox::read(output, told),
        Tool::Velero => velero::read(output, told),
        Tool::PgBackRest => pgbackrest::read(output, told),
        Tool::Duplicati => duplicati::read(output, told),
        Tool::Backrest => backrest::read(output, told),
    }
}

impl ToolDrill {
    fn said(self) -> Said {
        Said::Drill(Box::new(self))
    }
}

impl ToolRun {
    fn said(self) -> Said {
        Said::Run(Box::new(self))
    }
}

impl Said {
    fn nothing(why: impl Into<String>) -> Result<Self, Refusal> {
        Ok(Self::Nothing(why.into()))
    }
}

impl Told<'_> {
    /// The run to begin with: failed, until more is known.
    fn failed(&self) -> ToolRun {
        let report = RunReport { signal: Signal::Fail, ..self.blank.clone() };
        ToolRun { key: None, exit_code: self.exit_code, report }
    }

    /// The drill to begin with: over now, and failed until more is known.
    fn drill(&self, kind: DrillKind, note: impl Into<String>) -> ToolDrill {
        ToolDrill {
            key: None,
            kind,
            succeeded: false,
            started_at: None,
            finished_at: self.now,
            bytes: None,
            note: note.into(),
        }
    }

    /// The earliest instant that a text can mean as the start of a run.
    fn start(&self, tool: Tool, field: &'static str, text: &str) -> Result<Instant, Refusal> {
        Ok(match self.moment(tool, field, text)? {
            Moment::Exact(at) => at,
            Moment::Local(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }, _) => at,
            Moment::Local(LocalTime::Gap { before, .. }, zone) => self.exact(tool, field, text, zone, before)?,
        })
    }

    /// The latest instant that a text can mean as the end of a run.
    fn end(&self, tool: Tool, field: &'static str, text: &str) -> Result<Instant, Refusal> {
        Ok(match self.moment(tool, field, text)? {
            Moment::Exact(at) | Moment::Local(LocalTime::One(at), _) => at,
            // It can not have ended later than now.
            Moment::Local(LocalTime::Fold { earlier, later }, _) => {
                if later <= self.now {
                    later
                } else {
                    earlier
                }
            }
            Moment::Local(LocalTime::Gap { after, .. }, zone) => self.exact(tool, field, text, zone, after)?,
        })
    }

    fn exact(
        &self,
        tool: Tool,
        field: &'static str,
        text: &str,
        zone: &str,
        local: NaiveDateTime,
    ) -> Result<Instant, Refusal> {
        match self.zones.resolve(zone, local) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => Ok(at),
            Ok(LocalTime::Gap { .. }) | Err(_) => Err(not_a_time(tool, field, text)),
        }
    }

    fn moment(&self, tool: Tool, field: &'static str, text: &str) -> Result<Moment<'_>, Refusal> {
        let text = text.trim();
        let sane = |year: i32| (1970..=2200).contains(&year);
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            let at = at.to_utc().trunc_subsecs(3);
            return if sane(at.year()) { Ok(Moment::Exact(at)) } else { Err(not_a_time(tool, field, text)) };
        }
        let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .filter(|local| sane(local.year()))
            .ok_or_else(|| not_a_time(tool, field, text))?;
        let zone = self.zone.ok_or_else(|| {
            let text = short(text);
            tool.refuse(
                "zone",
                format!("{field} “{text}” has no zone. Add ?zone= with the zone of the machine, like Europe/Berlin."),
            )
        })?;
        let time = self.zones.resolve(zone, local.trunc_subsecs(3)).map_err(|unknown| tool.refuse("zone", unknown))?;
        Ok(Moment::Local(time, zone))
    }
}

/// What a text says of time.
enum Moment<'a> {
    Exact(Instant),
    Local(LocalTime, &'a str),
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn not_a_time(tool: Tool, field: &'static str, text: &str) -> Refusal {
    let text = short(text);
    tool.refuse(field, format!("{field} “{text}” is no date and time like 2014-05-15T03:40:00Z, of 1970 to 2200."))
}

/// An instant from seconds since 1970.
fn epoch(seconds: i64) -> Option<Instant> {
    DateTime::from_timestamp(seconds, 0).filter(|at| (1970..=2200).contains(&at.year()))
}

/// A document of a tool, read by paths like `archive.start`.
struct Doc<'a> {
    tool: Tool,
    value: &'a Value,
}

impl<'a> Doc<'a> {
    const fn new(tool: Tool, value: &'a Value) -> Self {
        Self { tool, value }
    }

    /// What stands there; `null` is nothing.
    fn get(&self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.value, |value, name| value.get(name)).filter(|value| !value.is_null())
    }

    /// A text that is not blank.
    fn text(&self, path: &str) -> Option<&'a str> {
        self.get(path)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Whether it stands there as anything but false: what is unclear counts as said.
    fn is_said(&self, path: &str) -> bool {
        self.get(path).is_some_and(|value| *value != Value::Bool(false))
    }

    /// Whether it stands there as anything but zero.
    fn is_counted(&self, path: &str) -> bool {
        self.get(path).is_some_and(|value| value.as_i64() != Some(0))
    }

    /// A size.
    fn size(&self, path: &'static str) -> Result<Option<i64>, Refusal> {
        match self.get(path) {
            None => Ok(None),
            Some(value) => {
                value.as_i64().filter(|size| *size >= 0).map(Some).ok_or_else(|| {
                    self.tool.refuse(path, format!("{path} must be a whole number that is not negative."))
                })
            }
        }
    }

    /// A time as text, where one stands there.
    fn time_text(&self, path: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.get(path) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(not_a_time(self.tool, path, &other.to_string())),
        }
    }

    fn start(&self, path: &'static str, told: &Told<'_>) -> Result<Option<Instant>, Refusal> {
        self.time_text(path)?.map(|text| told.start(self.tool, path, text)).transpose()
    }

    fn end(&self, path: &'static str, told: &Told<'_>) -> Result<Option<Instant>, Refusal> {
        self.time_text(path)?.map(|text| told.end(self.tool, path, text)).transpose()
    }
}

/// Of a run that failed only the failure counts: what can not be read beside it is left out.
fn unless_failed<T>(signal: Signal, read: Result<Option<T>, Refusal>) -> Result<Option<T>, Refusal> {
    if signal == Signal::Fail { Ok(read.unwrap_or(None)) } else { read }
}

/// One JSON document.
fn document(tool: Tool, output: &str) -> Result<Value, Refusal> {
    serde_json::from_str(output).map_err(|e| tool.refuse("body", format!("The body must be one JSON document: {e}.")))
}

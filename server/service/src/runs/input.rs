//! A report in our own format: read field by field, so that every wrong one is named.

use super::log_text;
use super::take_in::{Door, Incoming};
use crate::{Error, Fields};
use chrono::SubsecRound;
use domain::ids::{JobId, RunId};
use domain::run::Signal;
use domain::text::Name;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a machine sends to `/api/v1/backup-runs`.
///
/// `job` (its id), or `host`, `data_set` and `job` (names); `status`: running, ok, warning or
/// failed, or `exit_code` alone; and where the tool knows them `run_id`, `started_at`,
/// `finished_at` (RFC 3339 with an offset), `bytes`, `files`, `snapshot_id`, `dry_run`, `partial`
/// and `raw` (its own output).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct ReportInput(pub Map<String, Value>);

/// The fields there are. An unknown one is refused: a misspelt `dry_run` would make a run count.
const KNOWN: [&str; 16] = [
    "job",
    "host",
    "data_set",
    "tool",
    "kind",
    "run_id",
    "started_at",
    "finished_at",
    "status",
    "exit_code",
    "bytes",
    "files",
    "snapshot_id",
    "dry_run",
    "partial",
    "raw",
];

struct Reader<'a> {
    input: &'a Map<String, Value>,
    fields: Fields,
}

impl Reader<'_> {
    fn value(&self, field: &str) -> Option<&Value> {
        self.input.get(field).filter(|value| !value.is_null())
    }

    fn text(&mut self, field: &'static str) -> Option<String> {
        match self.value(field)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            _ => {
                self.fields.add(field, "This must be a text.");
                None
            }
        }
    }

    fn number(&mut self, field: &'static str) -> Option<i64> {
        let number = self.value(field)?.as_i64();
        if number.is_none() {
            self.fields.add(field, "This must be a whole number.");
        }
        number
    }

    fn truth(&mut self, field: &'static str) -> bool {
        match self.value(field) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                self.fields.add(field, "This must be true or false.");
                false
            }
        }
    }

    fn instant(&mut self, field: &'static str) -> Option<Instant> {
        let text = self.text(field)?;
        self.fields.take(field, read_instant(&text))
    }

    fn door(&mut self) -> Option<Door> {
        let (host, data_set, job) = (self.text("host"), self.text("data_set"), self.text("job"));
        door_of(&mut self.fields, host, data_set, job)
    }

    /// What it says, and the exit code where that is not all it says.
    fn signal(&mut self) -> Option<(Signal, Option<i32>)> {
        let code = self.number("exit_code");
        let in_range = code.map(|code| i32::try_from(code).ok().filter(|code| (0..=255).contains(code)));
        let code = match in_range {
            Some(None) => {
                self.fields.add("exit_code", "An exit code is a number from 0 to 255.");
                return None;
            }
            Some(code) => code,
            None => None,
        };
        let status = self.text("status");
        match (status.as_deref(), code) {
            (None, Some(code)) => Some((Signal::Exit(code), None)),
            (Some("running"), None) => Some((Signal::Start, None)),
            (Some("running"), Some(_)) => {
                self.fields.add("exit_code", "A run that has only started can not have an exit code.");
                None
            }
            (Some("ok"), None | Some(0)) => Some((Signal::Success, code)),
            (Some("ok"), Some(_)) => {
                self.fields.add("exit_code", "A run that ended with another code than 0 is a warning or failed.");
                None
            }
            (Some("warning"), code) => Some((Signal::Warning, code)),
            (Some("failed"), code) => Some((Signal::Fail, code)),
            (given, _) => {
                if given.is_some() || self.value("status").is_none() {
                    self.fields.add("status", "Use running, ok, warning or failed.");
                }
                None
            }
        }
    }
}

/// The job that is meant: by its id, or by its name with those of its host and data set.
pub(super) fn door_of(
    fields: &mut Fields,
    host: Option<String>,
    data_set: Option<String>,
    job: Option<String>,
) -> Option<Door> {
    let Some(job) = job else {
        fields.add("job", "Name the job: by its id, or by its name together with host and data_set.");
        return None;
    };
    match (host, data_set) {
        (None, None) => {
            let id = job
                .parse::<JobId>()
                .map_err(|_| "This is not the id of a job. To name it by its name, give host and data_set too.");
            fields.take("job", id).map(Door::Job)
        }
        (Some(host), Some(data_set)) => {
            let host = fields.take("host", Name::parse(&host));
            let data_set = fields.take("data_set", Name::parse(&data_set));
            let job = fields.take("job", Name::parse(&job));
            Some(Door::Names { host: host?.key(), data_set: data_set?.key(), job: job?.key() })
        }
        (host, _) => {
            let missing = if host.is_none() { "host" } else { "data_set" };
            fields.add(missing, "To name the job by its name, give host and data_set too.");
            None
        }
    }
}

/// An instant as programs write it; the error is for people.
pub(crate) fn read_instant(text: &str) -> Result<Instant, &'static str> {
    chrono::DateTime::parse_from_rfc3339(text.trim()).map(|at| at.to_utc().trunc_subsecs(3)).map_err(
        |_| "Write an instant with its offset from UTC, like 2014-05-15T03:40:00Z or 2014-05-15T04:40:00+01:00.",
    )
}

impl ReportInput {
    /// The same for the same report, whatever the order of its fields.
    pub(super) fn hash(&self) -> String {
        let mut sorted: Vec<(&String, String)> = self.0.iter().map(|(name, value)| (name, value.to_string())).collect();
        sorted.sort();
        crate::keys::hash(&format!("{sorted:?}"))
    }

    pub(super) fn parse(&self, id: RunId, now: Instant) -> Result<Incoming, Error> {
        let mut reader = Reader { input: &self.0, fields: Fields::default() };
        for name in self.0.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            let name: String = name.chars().take(60).collect();
            reader.fields.add("", format!("“{name}” is not a field of a report; there are {}.", KNOWN.join(", ")));
        }
        let door = reader.door();
        let signal = reader.signal();
        let key = reader.text("run_id");
        let (started_at, finished_at) = (reader.instant("started_at"), reader.instant("finished_at"));
        let (bytes, files) = (reader.number("bytes"), reader.number("files"));
        let snapshot = reader.text("snapshot_id");
        let (dry_run, partial) = (reader.truth("dry_run"), reader.truth("partial"));
        let log = match reader.value("raw") {
            None => None,
            Some(Value::String(text)) => log_text(text.as_bytes()),
            Some(other) => log_text(other.to_string().as_bytes()),
        };
        let (Some(door), Some((signal, exit_code)), true) = (door, signal, reader.fields.is_empty()) else {
            return Err(reader.fields.into_error());
        };
        let mut incoming = Incoming { door, key, exit_code, log, ..Incoming::new(id, signal, now) };
        let report = &mut incoming.report;
        report.started_at = started_at;
        report.finished_at = finished_at;
        report.bytes = bytes;
        report.files = files;
        report.snapshot = snapshot;
        report.dry_run = dry_run;
        report.partial = partial;
        Ok(incoming)
    }
}

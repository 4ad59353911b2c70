//! How a report creates or completes a run. The first word stands: whatever is
//! repeated changes nothing, whatever contradicts it is answered as a conflict.

use super::{Run, RunState};
use crate::backup::Job;
use crate::ids::RunId;
use crate::time::Instant;
use thiserror::Error;

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A run has begun.
    Start,
    /// It ended well.
    Success,
    /// It ended with warnings.
    Warning,
    /// It ended badly.
    Fail,
    /// Its process ended with this code, 0 to 255; 0 is a success.
    Exit(i32),
    /// Only a text for the log; changes no run.
    Log,
}

impl Signal {
    /// What a push to Uptime Kuma means here: `up` or `down`, and a text. borgmatic says `up` with
    /// the text `start` when it begins, which must not pass for an end. None where the status is
    /// missing or is another one.
    #[must_use]
    pub fn of_push(status: &str, msg: &str) -> Option<Self> {
        let msg = msg.trim().to_lowercase();
        match status.trim() {
            "up" if ["start", "started", "starting"].contains(&msg.as_str()) => Some(Self::Start),
            "up" if msg == "log" => Some(Self::Log),
            "up" => Some(Self::Success),
            "down" => Some(Self::Fail),
            _ => None,
        }
    }
}

/// One report, from whatever door it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// Identity of the run if this report begins a new one.
    pub id: RunId,
    /// The reporter's own id (`rid`, `run_id`); a fresh one made by the caller
    /// where the reporter gave none. At most 200 characters.
    pub key: String,
    /// What it says.
    pub signal: Signal,
    /// When the run began, if the reporter says so; for a start without it, now.
    pub started_at: Option<Instant>,
    /// When it ended, if the reporter says so; for an end without it, now.
    pub finished_at: Option<Instant>,
    /// Nothing was written.
    pub dry_run: bool,
    /// Only a part was written.
    pub partial: bool,
    /// Bytes read or written.
    pub bytes: Option<i64>,
    /// Files seen.
    pub files: Option<i64>,
    /// The tool's name for the result. At most 500 characters.
    pub snapshot: Option<String>,
}

impl RunReport {
    /// A report that says nothing but its signal.
    #[must_use]
    pub fn new(id: RunId, key: impl Into<String>, signal: Signal) -> Self {
        Self {
            id,
            key: key.into(),
            signal,
            started_at: None,
            finished_at: None,
            dry_run: false,
            partial: false,
            bytes: None,
            files: None,
            snapshot: None,
        }
    }
}

/// What a report led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A new run: insert it.
    New(Run),
    /// The run goes on or ends: update it.
    Updated(Run),
    /// Said before: nothing changes, answer like the first time.
    Duplicate,
    /// Contradicts what was said before: nothing changes.
    Conflict(Conflict),
    /// A text for the log: no run changes.
    Noted,
}

impl Received {
    /// The run to write, if one changed.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::New(run) | Self::Updated(run) => Some(run),
            Self::Duplicate | Self::Conflict(_) | Self::Noted => None,
        }
    }
}

/// What a report contradicts; its text is for the reporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Conflict {
    /// Another outcome.
    #[error("This run has already been reported with another outcome; the first report stands.")]
    Outcome,
    /// Other times.
    #[error("This run has already been reported with other times; the first report stands.")]
    Times,
    /// Other contents: sizes, snapshot, dry run or partial.
    #[error("This run has already been reported with other contents; the first report stands.")]
    Contents,
}

/// Why a report is refused; nothing of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReportError {
    /// No key, a key that is too long or has control characters.
    #[error("The run id must have 1 to 200 characters, none of them a control character.")]
    Key,
    /// Not an exit code.
    #[error("An exit code is a number from 0 to 255.")]
    ExitCode,
    /// An end time on a run that has only begun.
    #[error("A run that has only started can not have an end time.")]
    EndOfStart,
    /// A size below zero.
    #[error("A size can not be negative.")]
    Negative {
        /// `bytes` or `files`.
        field: &'static str,
    },
    /// A snapshot name that is too long or has control characters.
    #[error("The snapshot name must have at most 500 characters, none of them a control character.")]
    Snapshot,
}

impl ReportError {
    /// The field of the native report it is about.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Key => "run_id",
            Self::ExitCode => "exit_code",
            Self::EndOfStart => "finished_at",
            Self::Negative { field } => field,
            Self::Snapshot => "snapshot_id",
        }
    }
}

fn check(report: &RunReport) -> Result<(), ReportError> {
    let fits = |text: &str, max: usize| text.chars().count() <= max && !text.chars().any(char::is_control);
    if report.key.trim().is_empty() || !fits(&report.key, 200) {
        return Err(ReportError::Key);
    }
    if matches!(report.signal, Signal::Exit(code) if !(0..=255).contains(&code)) {
        return Err(ReportError::ExitCode);
    }
    if report.signal == Signal::Start && report.finished_at.is_some() {
        return Err(ReportError::EndOfStart);
    }
    for (field, size) in [("bytes", report.bytes), ("files", report.files)] {
        if size.is_some_and(|size| size < 0) {
            return Err(ReportError::Negative { field });
        }
    }
    if report.snapshot.as_deref().is_some_and(|name| !fits(name, 500)) {
        return Err(ReportError::Snapshot);
    }
    Ok(())
}

/// Takes a report in.
///
/// `existing` is the run of this job with the report's key; for an end that
/// came without a key, the job's newest running one, if there is any.
///
/// Where two reports of one run name different starts, the earlier one holds:
/// it is the more cautious cut-off. An end without any start is taken to have
/// begun `max_duration` before it, the earliest start it can have had. An end
/// that comes after the run was given up as lost completes it: evidence is real.
/// A time that can not be marks the run for ever (see [`Run::clock_fault`]).
///
/// # Errors
/// The report makes no sense; nothing of it may be kept.
pub fn receive(existing: Option<&Run>, report: &RunReport, job: &Job, now: Instant) -> Result<Received, ReportError> {
    check(report)?;
    let (state, exit_code) = match report.signal {
        Signal::Log => return Ok(Received::Noted),
        Signal::Start => (RunState::Running, None),
        Signal::Success => (RunState::Succeeded, None),
        Signal::Warning => (RunState::Warning, None),
        Signal::Fail => (RunState::Failed, None),
        Signal::Exit(0) => (RunState::Succeeded, Some(0)),
        Signal::Exit(code) => (RunState::Failed, Some(code)),
    };
    Ok(match existing {
        None => Received::New(begin(report, job, now, state, exit_code)),
        Some(run) if run.state.is_ended() => repeat(run, report, state, now),
        Some(_) if state == RunState::Running => Received::Duplicate,
        Some(run) => Received::Updated(complete(run, report, now, state, exit_code)),
    })
}

fn begin(report: &RunReport, job: &Job, now: Instant, state: RunState, exit_code: Option<i32>) -> Run {
    let finished_at = state.is_ended().then(|| report.finished_at.unwrap_or(now));
    let assumed = finished_at.filter(|_| report.started_at.is_none()).map(|end| job.max_duration.before(end));
    let run = Run {
        id: report.id,
        job_id: job.id,
        key: report.key.clone(),
        state,
        started_at: assumed.or(report.started_at).unwrap_or(now),
        start_assumed: assumed.is_some(),
        finished_at,
        dry_run: report.dry_run,
        partial: report.partial,
        clock_fault: false,
        received_at: now,
        bytes: report.bytes,
        files: report.files,
        snapshot: report.snapshot.clone(),
        exit_code,
    };
    marked(run, now)
}

fn complete(run: &Run, report: &RunReport, now: Instant, state: RunState, exit_code: Option<i32>) -> Run {
    let run = Run {
        state,
        started_at: report.started_at.map_or(run.started_at, |at| at.min(run.started_at)),
        finished_at: Some(report.finished_at.unwrap_or(now)),
        dry_run: run.dry_run || report.dry_run,
        partial: run.partial || report.partial,
        bytes: report.bytes.or(run.bytes),
        files: report.files.or(run.files),
        snapshot: report.snapshot.clone().or_else(|| run.snapshot.clone()),
        exit_code,
        ..run.clone()
    };
    marked(run, now)
}

/// Something more about a run that has ended.
fn repeat(run: &Run, report: &RunReport, state: RunState, now: Instant) -> Received {
    let is_end = state != RunState::Running;
    if is_end {
        if state != run.state {
            return Received::Conflict(Conflict::Outcome);
        }
        if report.finished_at.is_some() && report.finished_at != run.finished_at {
            return Received::Conflict(Conflict::Times);
        }
        let differs = |new: Option<i64>, old: Option<i64>| new.is_some() && old.is_some() && new != old;
        let named = |new: &Option<String>, old: &Option<String>| new.is_some() && old.is_some() && new != old;
        if (report.dry_run && !run.dry_run)
            || (report.partial && !run.partial)
            || differs(report.bytes, run.bytes)
            || differs(report.files, run.files)
            || named(&report.snapshot, &run.snapshot)
        {
            return Received::Conflict(Conflict::Contents);
        }
    }
    match report.started_at {
        // The start that was only assumed becomes known, be it that the start was overtaken by the end.
        Some(at) if run.start_assumed && run.finished_at.is_some_and(|end| at <= end) => {
            Received::Updated(marked(Run { started_at: at, start_assumed: false, ..run.clone() }, now))
        }
        Some(at) if is_end && at < run.started_at => Received::Conflict(Conflict::Times),
        _ => Received::Duplicate,
    }
}

fn marked(run: Run, now: Instant) -> Run {
    Run { clock_fault: run.clock_fault_at(now).is_some(), ..run }
}

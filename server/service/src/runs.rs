//! Backup runs: what tools report, what people read, and giving up runs that never end.

mod ingest;
mod input;
mod take_in;

pub use ingest::{Ingested, Output};
pub use input::ReportInput;
use input::read_instant;
pub(crate) use take_in::Intake;

use crate::inventory::{MAX_PAGE, Page};
use crate::{Actor, Error, Fields, Services};
use domain::ids::{HostId, JobId, RunId};
use domain::people::Permission;
use domain::policy::Policy;
use domain::run::{Run, RunState, Series, Signal};
use domain::text::Name;
use domain::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use storage::run::RunFilter;
pub use storage::run::RunLine;
use storage::{StoreError, Tx};
use take_in::{Door, Incoming, Kept};
use uuid::Uuid;

/// Bytes of a tool's output that are kept of each run: the last ones.
pub const LOG_LIMIT: usize = 100_000;

/// How long an answer is kept for a request that comes again with the same `Idempotency-Key`.
const ANSWER_KEPT: Span = Span::days(7);

/// Runs in a series.
const IN_A_ROW: i64 = 60;

/// Runs given up in one transaction.
const LOST_AT_ONCE: i64 = 200;

/// What a ping says (Healthchecks-compatible).
#[derive(Clone, Debug)]
pub struct Ping {
    /// Start, success, fail, exit code or log.
    pub signal: Signal,
    /// The run it speaks of, where the tool has ids for its runs.
    pub rid: Option<String>,
    /// When the run began, RFC 3339, where the tool says so: a report may come late.
    pub started_at: Option<String>,
    /// When it ended, likewise.
    pub finished_at: Option<String>,
    /// Bytes written or read, a whole number.
    pub bytes: Option<String>,
    /// The tool's output.
    pub log: Vec<u8>,
}

impl Ping {
    /// One that says nothing but its signal.
    #[must_use]
    pub const fn new(signal: Signal) -> Self {
        Self { signal, rid: None, started_at: None, finished_at: None, bytes: None, log: Vec::new() }
    }
}

/// How a run stands after a report of it; the same for a report that comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Ours; none for a text that belongs to no run.
    pub id: Option<RunId>,
    /// Whose run.
    pub job: JobId,
    /// The reporter's, or one that it may use in its next report of this run.
    pub run_id: Option<String>,
    /// How far it came.
    pub state: Option<RunState>,
    /// The instant up to which it protects data, if it does.
    pub started_at: Option<Instant>,
    /// The start was not reported but assumed.
    pub start_assumed: bool,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// Its times can not be: it never counts.
    pub clock_fault: bool,
    /// When we first heard of it.
    pub received_at: Option<Instant>,
}

/// Which runs to list, as typed in an address; everything where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct RunsQuery {
    /// A job's id.
    pub job: String,
    /// A host's id or name.
    pub host: String,
    /// running, succeeded, warning, failed or lost.
    pub state: String,
    /// Where the page before ended; empty for the first.
    pub cursor: String,
    /// How many at most, 1 to 200; 50 where empty.
    pub limit: String,
}

/// A run with everything known of it.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The run with its names.
    pub line: RunLine,
    /// The tool's output.
    pub log: Option<String>,
    /// Why it protects nothing; none where it does.
    pub why_not_good: Option<&'static str>,
}

impl Services {
    /// Moves with each report that changed a run, on this node: windows on hold may go on now.
    #[must_use]
    pub fn reported(&self) -> tokio::sync::watch::Receiver<u64> {
        self.intake.reported()
    }

    /// Takes a ping. The address is the secret; it answers when the report can not get lost any more.
    ///
    /// # Errors
    /// No job in use has this address, the `rid` is not usable, the report contradicts an earlier
    /// one, or the database does not answer.
    pub async fn ping(&self, address: Uuid, ping: Ping) -> Result<Receipt, Error> {
        let mut fields = Fields::default();
        let mut instant = |field, text: Option<String>| text.and_then(|text| fields.take(field, read_instant(&text)));
        let (started_at, finished_at) =
            (instant("started_at", ping.started_at), instant("finished_at", ping.finished_at));
        let bytes = ping.bytes.and_then(|text| {
            fields.take("bytes", text.parse().map_err(|_| "After bytes= write a whole number.".to_owned()))
        });
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut incoming = Incoming {
            door: Door::Ping(crate::keys::hash(&address.to_string())),
            log: log_text(&ping.log),
            key: ping.rid,
            ..Incoming::new(self.new_id(), ping.signal, self.now())
        };
        incoming.report.started_at = started_at;
        incoming.report.finished_at = finished_at;
        incoming.report.bytes = bytes;
        self.intake.take_in(&self.db, incoming).await
    }

    /// Takes a report in our own format; see [`ReportInput`]. With an idempotency key a request
    /// that comes again gets the first answer.
    ///
    /// # Errors
    /// The actor may not report, a field is wrong, no such job is in use, the report contradicts an
    /// earlier one, the key was used for something else, or the database does not answer.
    pub async fn report(
        &self,
        actor: &Actor,
        idempotency_key: Option<&str>,
        input: &ReportInput,
    ) -> Result<Receipt, Error> {
        actor.require(Permission::ReportBackup)?;
        let mut incoming = input.parse(self.new_id(), self.now())?;
        incoming.kept = kept(actor, idempotency_key, || input.hash())?;
        self.intake.take_in(&self.db, incoming).await
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// The actor may not look, a part of the query can not be read, or the database does not answer.
    pub async fn runs(&self, actor: &Actor, query: &RunsQuery) -> Result<Page<RunLine>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let job = optional(&mut fields, "job", &query.job, "There is no such job.");
        let state = optional(&mut fields, "state", &query.state, &domain::run::UnknownState.to_string());
        let before = optional(&mut fields, "cursor", &query.cursor, "This is no cursor of ours.");
        let limit = match query.limit.trim() {
            "" => 50,
            text => text.parse().ok().filter(|n| (1..=MAX_PAGE).contains(n)).unwrap_or_else(|| {
                fields.add("limit", format!("Ask for 1 to {MAX_PAGE}."));
                1
            }),
        };
        let mut tx = self.db.read().await?;
        let host = match query.host.trim() {
            "" => None,
            text => fields.take("host", find_host(&mut tx, text).await?),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut items = tx.runs_before(before, RunFilter { job, host, state }, limit + 1).await?;
        let fits = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > fits;
        items.truncate(fits);
        let next_cursor = items.last().filter(|_| more).map(|line| line.run.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// The last runs of a job in a row, oldest first: how long each took and how big it was.
    ///
    /// # Errors
    /// Not found, the actor may not look, or the database does not answer.
    pub async fn run_series(&self, actor: &Actor, job: JobId) -> Result<Series, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        tx.job(job).await?;
        let filter = RunFilter { job: Some(job), ..RunFilter::default() };
        let lines = tx.runs_before(None, filter, IN_A_ROW).await?;
        Ok(Series::of(lines.iter().map(|line| &line.run)))
    }

    /// A run with its log.
    ///
    /// # Errors
    /// Not found, the actor may not look, or the database does not answer.
    pub async fn run(&self, actor: &Actor, id: RunId) -> Result<RunView, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let line = tx.run_line(id).await?;
        let log = tx.run_log(id).await?;
        let site = tx.site().await?;
        let host = tx.host(line.host_id).await?;
        let policy: Policy = site.policy.for_host(&host.policy);
        let why_not_good = line.run.why_not_good(&policy);
        Ok(RunView { line, log, why_not_good })
    }

    /// Gives up the runs whose end is overdue, and says when the next will be. For the worker; any
    /// number of nodes may do it at the same time.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn mark_lost(&self) -> Result<Option<Instant>, Error> {
        let now = self.now();
        loop {
            let mut tx = self.db.write().await?;
            let overdue = tx.overdue_runs(now, LOST_AT_ONCE).await?;
            let mut changed = false;
            for run in &overdue {
                let job = tx.job(run.job_id).await?;
                // The job may have got more time since the run began.
                let (after, lost_at) =
                    run.lose(&job, now).map_or_else(|| (run.clone(), run.lost_at(&job)), |lost| (lost, None));
                match tx.update_run(run, &after, lost_at).await {
                    Ok(()) => {
                        changed |= after.state == RunState::Lost;
                        crate::requests::follow_run(&mut tx, &job, &after, now).await?;
                    }
                    // Its end came in meanwhile.
                    Err(StoreError::Stale(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            tx.commit().await?;
            if changed {
                self.intake.ring();
            }
            if i64::try_from(overdue.len()).unwrap_or(0) < LOST_AT_ONCE {
                return Ok(self.db.read().await?.next_overdue().await?);
            }
        }
    }

    /// Forgets answers that nobody will ask for again. For the worker.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forget_old_answers(&self) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        tx.forget_answers(ANSWER_KEPT.before(self.now())).await?;
        Ok(tx.commit().await?)
    }
}

/// Under what the answer is kept, if the caller gave a key.
fn kept(actor: &Actor, key: Option<&str>, request_hash: impl FnOnce() -> String) -> Result<Option<Kept>, Error> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || key.len() > 255 {
        return Err(Error::field("Idempotency-Key", "Use 1 to 255 characters."));
    }
    let caller = actor.token_id().map(|id| id.0).or_else(|| actor.user_id().map(|id| id.0));
    Ok(caller.map(|caller| Kept { caller, key: key.to_owned(), request_hash: request_hash() }))
}

/// A part of a query that may be empty.
fn optional<T: FromStr>(fields: &mut Fields, name: &'static str, text: &str, wrong: &str) -> Option<T> {
    let text = text.trim();
    if text.is_empty() { None } else { fields.take(name, text.parse().map_err(|_| wrong)) }
}

/// A host by its id, or one in use by its name; the inner error is for people.
pub(crate) async fn find_host(tx: &mut Tx, text: &str) -> Result<Result<HostId, String>, StoreError> {
    if let Ok(id) = text.parse() {
        return Ok(Ok(id));
    }
    let found = match Name::parse(text) {
        Ok(name) => tx.host_named(&name.key()).await?,
        Err(_) => None,
    };
    Ok(found.map(|host| host.id).ok_or_else(|| format!("There is no host “{text}”.")))
}

impl Receipt {
    fn of(job: JobId, run: Option<&Run>) -> Self {
        Self {
            id: run.map(|run| run.id),
            job,
            run_id: run.map(|run| run.key.clone()),
            state: run.map(|run| run.state),
            started_at: run.map(|run| run.started_at),
            start_assumed: run.is_some_and(|run| run.start_assumed),
            finished_at: run.and_then(|run| run.finished_at),
            clock_fault: run.is_some_and(|run| run.clock_fault),
            received_at: run.map(|run| run.received_at),
        }
    }
}

/// The end of a tool's output as text that any database takes. What went wrong stands last.
fn log_text(output: &[u8]) -> Option<String> {
    let cut = output.len().saturating_sub(LOG_LIMIT);
    let text = String::from_utf8_lossy(&output[cut..]).replace('\0', "\u{fffd}");
    let text = tail(text.trim_end());
    (!text.is_empty()).then(|| text.to_owned())
}

/// At most [`LOG_LIMIT`] bytes from the end, whole characters.
fn tail(text: &str) -> &str {
    let mut cut = text.len().saturating_sub(LOG_LIMIT);
    while !text.is_char_boundary(cut) {
        cut += 1;
    }
    &text[cut..]
}

//! Takes reports in: many at once, each answered when it can not get lost any more.
//!
//! SQLite has one writer, and a commit waits for the disk. So reports that arrive while one
//! commit is under way share the next. PostgreSQL does the same by itself for transactions of
//! their own.

use super::{Receipt, tail};
use crate::Error;
use domain::backup::Job;
use domain::ids::{JobId, RunId};
use domain::run::{Received, Run, RunReport, RunState, Signal, receive};
use domain::time::Instant;
use std::sync::{Arc, OnceLock};
use storage::idempotency::KeptAnswer;
use storage::{Db, StoreError, Tx};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// Starts the keys that we make for runs whose reporter has none.
const UNNAMED: &str = "~";

/// Most reports in one transaction.
const TOGETHER: usize = 64;

/// Most reports that wait for their turn; more wait in their connections.
const QUEUE: usize = 1024;

/// Tries of a report that met another one of the same run.
const TRIES: usize = 4;

/// How a report says whose run it speaks of.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// By the hash of the job's secret address.
    Ping(String),
    /// By the job's id.
    Job(JobId),
    /// By the job's id, or by the hash of its secret address, whichever was given.
    Either { id: JobId, ping: String },
    /// By names, as they are compared.
    Names { host: String, data_set: String, job: String },
}

/// Keeps the answer for a request that comes again.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) caller: Uuid,
    pub(super) key: String,
    pub(super) request_hash: String,
}

/// A report as it came through any door.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) door: Door,
    pub(super) key: Option<String>,
    /// Its `id` and `key` are those of a new run.
    pub(super) report: RunReport,
    /// Beside an outcome that was said in words.
    pub(super) exit_code: Option<i32>,
    pub(super) log: Option<String>,
    pub(super) kept: Option<Kept>,
    pub(super) now: Instant,
}

impl Incoming {
    pub(super) fn new(id: RunId, signal: Signal, now: Instant) -> Self {
        Self {
            door: Door::Job(JobId(Uuid::nil())),
            key: None,
            report: RunReport::new(id, format!("{UNNAMED}{id}"), signal),
            exit_code: None,
            log: None,
            kept: None,
            now,
        }
    }
}

/// What became of a report; the outer error is the database's.
type Taken = Result<Result<(Receipt, bool), Error>, StoreError>;

#[derive(Debug)]
struct Waiting {
    incoming: Incoming,
    answer: oneshot::Sender<Result<Receipt, Error>>,
}

/// The desk where reports are handed in.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    queue: OnceLock<mpsc::Sender<Waiting>>,
    reported: Arc<Bell>,
}

#[derive(Debug)]
struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    fn ring(&self) {
        self.0.send_modify(|n| *n = n.wrapping_add(1));
    }
}

impl Intake {
    pub(super) fn reported(&self) -> watch::Receiver<u64> {
        self.reported.0.subscribe()
    }

    pub(crate) fn ring(&self) {
        self.reported.ring();
    }

    /// Hands a report in and waits for its answer.
    pub(super) async fn take_in(&self, db: &Db, incoming: Incoming) -> Result<Receipt, Error> {
        if db.is_postgres() {
            return alone(db, &incoming, &self.reported).await;
        }
        let queue = self.queue.get_or_init(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(write(db.clone(), waiting, Arc::clone(&self.reported)));
            queue
        });
        let (answer, answered) = oneshot::channel();
        let gone = |_| Error::internal(&"nobody takes reports in");
        queue.send(Waiting { incoming, answer }).await.map_err(|e| gone(e.to_string()))?;
        answered.await.map_err(|e| gone(e.to_string()))?
    }
}

/// Writes what waits, together, until nobody can hand in any more.
async fn write(db: Db, mut waiting: mpsc::Receiver<Waiting>, bell: Arc<Bell>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        match together(&db, &batch).await {
            Ok(answers) => {
                if answers.iter().any(|answer| matches!(answer, Ok((_, true)))) {
                    bell.ring();
                }
                for (waiting, answer) in batch.drain(..).zip(answers) {
                    let _ = waiting.answer.send(answer.map(|(receipt, _)| receipt));
                }
            }
            // One of them may be to blame: each for itself.
            Err(_) => {
                for Waiting { incoming, answer } in batch.drain(..) {
                    let _ = answer.send(alone(&db, &incoming, &bell).await);
                }
            }
        }
    }
}

async fn together(db: &Db, batch: &[Waiting]) -> Result<Vec<Result<(Receipt, bool), Error>>, StoreError> {
    let mut tx = db.write().await?;
    let mut answers = Vec::with_capacity(batch.len());
    for waiting in batch {
        answers.push(take_in(&mut tx, &waiting.incoming).await?);
    }
    tx.commit().await?;
    Ok(answers)
}

async fn alone(db: &Db, incoming: &Incoming, bell: &Bell) -> Result<Receipt, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let taken = async {
            let mut tx = db.write().await?;
            let answer = take_in(&mut tx, incoming).await?;
            tx.commit().await?;
            Ok(answer)
        };
        match taken.await {
            Ok(answer) => {
                let (receipt, changed) = answer?;
                if changed {
                    bell.ring();
                }
                return Ok(receipt);
            }
            // Another node took in a report of the same run: look again.
            Err(StoreError::Conflict(_) | StoreError::Stale(_)) if tries < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes nothing unless the answer is a receipt. Says whether a run has changed.
async fn take_in(tx: &mut Tx, incoming: &Incoming) -> Taken {
    if let Some(kept) = &incoming.kept
        && let Some(before) = tx.kept_answer(kept.caller, &kept.key).await?
    {
        if before.request_hash != kept.request_hash {
            let message = "This key was used for another report. Use a new key for each report.";
            return Ok(Err(Error::field("Idempotency-Key", message)));
        }
        let receipt = serde_json::from_str(&before.response).map_err(|e| StoreError::Corrupt {
            table: "idempotency",
            id: kept.key.clone(),
            reason: e.to_string(),
        })?;
        return Ok(Ok((receipt, false)));
    }
    let Some(job) = find_job(tx, &incoming.door).await? else { return Ok(Err(Error::NotFound("job"))) };
    let (receipt, changed) = match record(tx, &job, incoming).await? {
        Ok(recorded) => recorded,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(kept) = &incoming.kept {
        let response = serde_json::to_string(&receipt).map_err(|e| StoreError::Corrupt {
            table: "idempotency",
            id: kept.key.clone(),
            reason: e.to_string(),
        })?;
        let answer = KeptAnswer { request_hash: kept.request_hash.clone(), status: 200, response };
        tx.keep_answer(kept.caller, &kept.key, &answer, incoming.now).await?;
    }
    Ok(Ok((receipt, changed)))
}

pub(super) async fn find_job(tx: &mut Tx, door: &Door) -> Result<Option<Job>, StoreError> {
    let found = match door {
        Door::Ping(hash) => tx.job_by_ping(hash).await,
        Door::Job(id) => tx.job(*id).await,
        Door::Either { id, ping } => match tx.job(*id).await {
            Err(StoreError::NotFound(_)) => tx.job_by_ping(ping).await,
            found => found,
        },
        Door::Names { host, data_set, job } => {
            let Some(host) = tx.host_named(host).await? else { return Ok(None) };
            let Some(data_set) = tx.data_set_named(host.id, data_set).await? else { return Ok(None) };
            return tx.job_named(data_set.id, job).await;
        }
    };
    match found {
        Ok(job) => Ok(Some(job).filter(|job| job.retired_at.is_none())),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn record(tx: &mut Tx, job: &Job, incoming: &Incoming) -> Taken {
    let mut report = incoming.report.clone();
    if let Some(key) = &incoming.key {
        report.key.clone_from(key);
    }
    let existing = match (&incoming.key, report.signal) {
        (Some(key), _) => tx.run_by_key(job.id, key).await?,
        (None, Signal::Start) => None,
        (None, Signal::Log) => match tx.running_of(job.id, UNNAMED).await?.into_iter().next() {
            Some(run) => Some(run),
            None => tx.newest_run(job.id).await?,
        },
        (None, _) => {
            let found = ending(tx, job).await?;
            // Which of several it ends nobody can know: it protects no more than the first of them.
            report.started_at = report.started_at.or(found.as_ref().and_then(|(_, earliest)| *earliest));
            found.map(|(run, _)| run)
        }
    };
    let exit_code = |run: Run| Run { exit_code: run.exit_code.or(incoming.exit_code), ..run };
    let received = match receive(existing.as_ref(), &report, job, incoming.now) {
        Ok(received) => received,
        Err(error) => return Ok(Err(Error::field(error.field(), error.to_string()))),
    };
    let (run, changed, log) = match received {
        Received::New(run) => {
            let run = exit_code(run);
            tx.insert_run(&run, run.lost_at(job)).await?;
            (Some(run), true, true)
        }
        Received::Updated(run) => {
            let run = exit_code(run);
            if let Some(before) = &existing {
                tx.update_run(before, &run, run.lost_at(job)).await?;
            }
            (Some(run), true, true)
        }
        Received::Duplicate => (existing, false, false),
        Received::Noted => (existing, false, true),
        Received::Conflict(conflict) => return Ok(Err(Error::refused("conflict", conflict.to_string()))),
    };
    if let (true, Some(run)) = (changed, &run) {
        crate::requests::follow_run(tx, job, run, incoming.now).await?;
    }
    if let (true, Some(run), Some(new)) = (log, &run, &incoming.log) {
        let body = match tx.run_log(run.id).await? {
            Some(before) if !before.ends_with(new.as_str()) => tail(&format!("{before}\n{new}")).to_owned(),
            _ => new.clone(),
        };
        tx.put_run_log(run.id, &body).await?;
    }
    Ok(Ok((Receipt::of(job.id, run.as_ref()), changed)))
}

/// The run that an end without a name belongs to, and the earliest start it can have had if
/// several go on: the newest that goes on, or else the one that was given up last, for a late end
/// is still welcome.
async fn ending(tx: &mut Tx, job: &Job) -> Result<Option<(Run, Option<Instant>)>, StoreError> {
    let running = tx.running_of(job.id, UNNAMED).await?;
    if let Some(newest) = running.first() {
        let earliest = running.iter().map(|run| run.started_at).min().filter(|at| *at < newest.started_at);
        return Ok(Some((newest.clone(), earliest)));
    }
    let last = tx.newest_run(job.id).await?;
    Ok(last.filter(|run| run.state == RunState::Lost && run.key.starts_with(UNNAMED)).map(|run| (run, None)))
}

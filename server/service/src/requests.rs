//! Extra runs that somebody wants: asking for them, telling the job's agent, and following the run
//! that results.
//!
//! A job has at most one open request; who asks again is told how far that one came. Reading never
//! changes a request: an agent says by a call of its own that it is about to begin.

use crate::audit::Action;
use crate::grants::Extra;
use crate::{Actor, Error, Services};
use domain::backup::Job;
use domain::gate::{Missing, Purpose, Scope, missing};
use domain::ids::{DataSetId, JobId, MaintenanceId, RequestId};
use domain::maintenance::{Maintenance, State};
use domain::people::Permission;
use domain::request::{Asker, BackupRequest};
use domain::run::Run;
use domain::time::{Instant, Span};
use std::collections::BTreeMap;
use std::time::Duration;
use storage::{StoreError, Tx};
use uuid::Uuid;

/// Longest wait for a request that may come; below the time limit of an HTTP request.
pub const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// Another node may have taken the request in: look again this often while waiting.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A request that came to nothing is shown to those who need it for this long.
const TROUBLE_SHOWN: Span = Span::days(1);

/// Requests of one job that are shown.
const SHOWN: i64 = 10;

/// Requests of one window that are shown.
const SHOWN_FOR: i64 = 50;

/// A request with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRequest {
    /// The request.
    pub request: BackupRequest,
    /// "web-12 · database: dump".
    pub job: String,
}

impl Services {
    /// Asks for an extra run of one job.
    ///
    /// # Errors
    /// Not allowed, not found, the job is not in use, or the database does not answer.
    pub async fn request_backup(&self, actor: &Actor, id: JobId) -> Result<BackupRequest, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        if job.retired_at.is_some() || !job.enabled {
            return Err(Error::refused("job_not_in_use", "This job is not in use: a run of it would protect nothing."));
        }
        let request = self.ask_for(&mut tx, actor, Missing { job: id, running: None }, None).await?;
        tx.commit().await?;
        self.requests_changed.notify_waiters();
        Ok(request)
    }

    /// Asks for every run that is missing before work on what is named may be scheduled; for one data
    /// set only, if asked for.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn request_missing(
        &self,
        actor: &Actor,
        scope: &Scope,
        only: Option<DataSetId>,
    ) -> Result<Vec<BackupRequest>, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let requests = self.ask_for_missing(&mut tx, actor, self.now(), Purpose::Schedule, scope, only, None).await?;
        tx.commit().await?;
        self.requests_changed.notify_waiters();
        Ok(requests)
    }

    /// The same for a window: before it may be scheduled or, if it is, before it may start.
    ///
    /// # Errors
    /// Not allowed, not found, the window has begun or ended, or the database does not answer.
    pub async fn request_missing_for(
        &self,
        actor: &Actor,
        id: MaintenanceId,
        only: Option<DataSetId>,
    ) -> Result<Vec<BackupRequest>, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let m = tx.maintenance(id).await?;
        let purpose = match m.state {
            State::Draft | State::Postponed => Purpose::Schedule,
            State::Scheduled | State::Held => Purpose::Start,
            _ => return Err(Error::refused("wrong_state", "This window waits for no backup any more.")),
        };
        let scope = crate::maintenance::scope_of(&m);
        let requests = self.ask_for_missing(&mut tx, actor, self.now(), purpose, &scope, only, Some(m.id)).await?;
        tx.commit().await?;
        self.requests_changed.notify_waiters();
        Ok(requests)
    }

    /// What would block a window at its start, asked for in the transaction of its last check.
    pub(crate) async fn request_for_start(&self, tx: &mut Tx, m: &Maintenance, now: Instant) -> Result<(), Error> {
        let (at, scope) = (m.planned.starts_at.max(now), crate::maintenance::scope_of(m));
        self.ask_for_missing(tx, &Actor::system(), at, Purpose::Start, &scope, None, Some(m.id)).await?;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "each says another part of one question")]
    async fn ask_for_missing(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        at: Instant,
        purpose: Purpose,
        scope: &Scope,
        only: Option<DataSetId>,
        window: Option<MaintenanceId>,
    ) -> Result<Vec<BackupRequest>, Error> {
        let (_, evidence) = self.gate(tx, self.now(), purpose, scope).await?;
        let mut requests = Vec::new();
        for missing in missing(at, purpose, scope, &evidence, only) {
            requests.push(self.ask_for(tx, actor, missing, window).await?);
        }
        Ok(requests)
    }

    /// The open request of the job, or a new one.
    pub(crate) async fn ask_for(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        missing: Missing,
        maintenance_id: Option<MaintenanceId>,
    ) -> Result<BackupRequest, Error> {
        if let Some(open) = tx.open_request_of(missing.job).await? {
            return Ok(open);
        }
        let (job, now) = (tx.job(missing.job).await?, self.now());
        let asker = Asker { name: actor.label(), token_id: actor.token_id(), maintenance_id };
        let running = match missing.running {
            Some(run) => Some(tx.run_line(run).await?.run),
            None => None,
        };
        let request = match running {
            Some(run) => BackupRequest::ask_running(self.new_id(), &job, asker, &run, now),
            None => {
                let waits = !tx.open_requests_carried_by(job.id).await?.is_empty();
                BackupRequest::ask(self.new_id(), &job, asker, waits, now)
            }
        };
        tx.add_request(&request).await?;
        let action = Action { verb: "job.request", object: "job", id: job.id.to_string(), name: job.name.to_string() };
        tx.add_audit(&self.audit(actor, action, None, Some(&request))).await?;
        Ok(request)
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// Not allowed, not found, it has ended already, or the database does not answer.
    pub async fn cancel_request(&self, actor: &Actor, id: RequestId) -> Result<BackupRequest, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let before = tx.request(id).await?;
        let Some(mut after) = before.cancel(self.now()) else {
            return Err(Error::refused("wrong_state", "This request has come to its end already."));
        };
        tx.update_request(&after).await?;
        after.version += 1;
        let job = tx.job(after.job_id).await?;
        release_carrier(&mut tx, &job, self.now()).await?;
        let action =
            Action { verb: "job.cancel_request", object: "job", id: job.id.to_string(), name: job.name.to_string() };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.commit().await?;
        self.requests_changed.notify_waiters();
        Ok(after)
    }

    /// One request.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn request(&self, actor: &Actor, id: RequestId) -> Result<Extra, Error> {
        if !actor.may(Permission::View) {
            actor.require(Permission::RequestBackup)?;
        }
        let mut tx = self.db.read().await?;
        let request = tx.request(id).await?;
        let job = tx.job(request.job_id).await?;
        if actor.may(Permission::View) {
            return crate::grants::extra(&mut tx, request, &job).await;
        }
        crate::grants::granted(&mut tx, actor, job.data_set_id).await?;
        Ok(crate::grants::extra(&mut tx, request, &job).await?.for_outsiders())
    }

    /// The newest requests of a job.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn requests_of(&self, actor: &Actor, job: JobId) -> Result<Vec<BackupRequest>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.requests_of(job, SHOWN).await?)
    }

    /// The newest requests that were made for a window.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn requests_for(&self, actor: &Actor, window: MaintenanceId) -> Result<Vec<PlacedRequest>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let mut placed = Vec::new();
        for request in tx.requests_for(window, SHOWN_FOR).await? {
            let job = tx.placed_job(request.job_id).await?.to_string();
            placed.push(PlacedRequest { request, job });
        }
        Ok(placed)
    }

    /// All open requests by their jobs.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn open_requests(&self, actor: &Actor) -> Result<BTreeMap<JobId, BackupRequest>, Error> {
        actor.require(Permission::View)?;
        let open = self.db.read().await?.open_requests().await?;
        Ok(open.into_iter().map(|request| (request.job_id, request)).collect())
    }

    /// Requests that came to nothing, or whose trigger fails.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn troubled_requests(&self, actor: &Actor) -> Result<Vec<PlacedRequest>, Error> {
        actor.require(Permission::View)?;
        self.troubled_requests_in(&mut self.db.read().await?).await
    }

    pub(crate) async fn troubled_requests_in(&self, tx: &mut Tx) -> Result<Vec<PlacedRequest>, Error> {
        let mut placed = Vec::new();
        for request in tx.troubled_requests(TROUBLE_SHOWN.before(self.now())).await? {
            let job = tx.placed_job(request.job_id).await?.to_string();
            placed.push(PlacedRequest { request, job });
        }
        Ok(placed)
    }

    /// Whether a job's agent should begin, by the job's secret address. Changes nothing.
    ///
    /// # Errors
    /// No job in use has this address, or the database does not answer.
    pub async fn is_wanted(&self, address: Uuid) -> Result<bool, Error> {
        let mut tx = self.db.read().await?;
        let job = tx.job_by_ping(&crate::keys::hash(&address.to_string())).await?;
        Ok(tx.open_request_of(job.id).await?.is_some_and(|request| request.is_wanted(self.now())))
    }

    /// The same, and notes that the agent is about to begin: it is not told again for a while.
    ///
    /// # Errors
    /// As [`Self::is_wanted`].
    pub async fn fetch_wanted(&self, address: Uuid) -> Result<bool, Error> {
        // Most of the time nothing is wanted: find that out without holding up anybody.
        if !self.is_wanted(address).await? {
            return Ok(false);
        }
        let mut tx = self.db.decide().await?;
        let job = tx.job_by_ping(&crate::keys::hash(&address.to_string())).await?;
        Ok(self.fetch(tx, job.id).await?.is_some())
    }

    /// The open request of a job, for a program; waits a while for one that an agent should begin, if
    /// asked to. Changes nothing.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn job_request(
        &self,
        actor: &Actor,
        id: JobId,
        wait: Duration,
    ) -> Result<Option<(BackupRequest, bool)>, Error> {
        actor.require(Permission::ReportBackup)?;
        let until = tokio::time::Instant::now() + wait.min(LONGEST_WAIT);
        loop {
            let changed = self.requests_changed.notified();
            let mut tx = self.db.read().await?;
            tx.job(id).await?;
            let open = tx.open_request_of(id).await?;
            drop(tx);
            let now = self.now();
            let found =
                open.map(|request| (request.is_wanted(now), request)).map(|(wanted, request)| (request, wanted));
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if found.as_ref().is_some_and(|(_, wanted)| *wanted) || left.is_zero() {
                return Ok(found);
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(left.min(LOOK_AGAIN)) => {}
            }
        }
    }

    /// Notes that a program is about to begin a run that is wanted; none where nothing is.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn fetch_request(&self, actor: &Actor, id: JobId) -> Result<Option<BackupRequest>, Error> {
        actor.require(Permission::ReportBackup)?;
        let mut tx = self.db.decide().await?;
        tx.job(id).await?;
        self.fetch(tx, id).await
    }

    async fn fetch(&self, mut tx: Tx, job: JobId) -> Result<Option<BackupRequest>, Error> {
        let open = tx.open_request_of(job).await?;
        let Some(mut fetched) = open.and_then(|request| request.fetch(self.now())) else { return Ok(None) };
        tx.update_request(&fetched).await?;
        tx.commit().await?;
        fetched.version += 1;
        Ok(Some(fetched))
    }

    /// Gives up requests whose time is over, lets carriers go on whose dumps are done, and takes back
    /// what nobody can do any more. For the worker; any number of nodes may do it at the same time.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn tend_requests(&self) -> Result<(), Error> {
        let open = self.db.read().await?.open_requests().await?;
        for request in open {
            match self.tend(&request).await {
                Ok(()) => {}
                // Its run was reported meanwhile.
                Err(Error::Stale(_)) => {}
                Err(error) => tracing::error!(request = %request.id, %error, "a request could not be looked after"),
            }
        }
        Ok(())
    }

    async fn tend(&self, request: &BackupRequest) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let job = tx.job(request.job_id).await?;
        let over = job.retired_at.is_some() || !job.enabled;
        let ready = request.waits() && tx.open_requests_carried_by(job.id).await?.is_empty();
        drop(tx);
        let ended = if over { request.cancel(now) } else { request.time_out(now) };
        if ended.is_none() && !ready {
            return Ok(());
        }
        let mut tx = self.db.decide().await?;
        match ended {
            Some(after) => {
                tx.update_request(&after).await?;
                release_carrier(&mut tx, &job, now).await?;
                tracing::info!(request = %request.id, job = %job.id, state = after.state.as_str(), "by itself");
            }
            None => release(&mut tx, &job, now).await?,
        }
        tx.commit().await?;
        self.requests_changed.notify_waiters();
        Ok(())
    }
}

/// The newest request of each of these jobs, if it is open or came to its end lately.
pub(crate) async fn newest_of(
    tx: &mut Tx,
    jobs: impl IntoIterator<Item = JobId>,
    now: Instant,
) -> Result<BTreeMap<JobId, BackupRequest>, StoreError> {
    let mut found = BTreeMap::new();
    for job in jobs {
        if let Some(request) = tx.requests_of(job, 1).await?.pop()
            && request.ended_at.is_none_or(|at| at > TROUBLE_SHOWN.before(now))
        {
            found.insert(job, request);
        }
    }
    Ok(found)
}

/// A run was reported, or given up: the request that it answers goes on with it. In the transaction
/// of the report.
pub(crate) async fn follow_run(tx: &mut Tx, job: &Job, run: &Run, now: Instant) -> Result<(), StoreError> {
    let Some(open) = tx.open_request_of(job.id).await? else { return Ok(()) };
    let not_good = {
        let data_set = tx.data_set(job.data_set_id).await?;
        let host = tx.host(data_set.host_id).await?;
        run.why_not_good(&tx.site().await?.policy.for_host(&host.policy))
    };
    let Some(after) = open.follow(run, not_good, job, now) else { return Ok(()) };
    tx.update_request(&after).await?;
    if !after.is_open() {
        release_carrier(tx, job, now).await?;
    }
    Ok(())
}

/// A request of this job has ended: the job that carries it may go on now.
async fn release_carrier(tx: &mut Tx, job: &Job, now: Instant) -> Result<(), StoreError> {
    match job.carried_by {
        Some(carrier) => {
            let carrier = tx.job(carrier).await?;
            release(tx, &carrier, now).await
        }
        None => Ok(()),
    }
}

/// Lets the request of a carrier go on, if the dumps that it waited for are over. Also where they
/// failed: what it copies then is no worse than before.
async fn release(tx: &mut Tx, carrier: &Job, now: Instant) -> Result<(), StoreError> {
    let Some(waiting) = tx.open_request_of(carrier.id).await?.filter(BackupRequest::waits) else { return Ok(()) };
    if !tx.open_requests_carried_by(carrier.id).await?.is_empty() {
        return Ok(());
    }
    let end = tx.last_asked_dump_end(carrier.id, waiting.asked_at).await?.unwrap_or(now);
    match waiting.release(end, carrier, now) {
        Some(after) => tx.update_request(&after).await,
        None => Ok(()),
    }
}

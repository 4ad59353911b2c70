//! Requests for extra runs.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{JobId, MaintenanceId, RequestId, RunId, TokenId};
use domain::request::{BackupRequest, RequestState};
use domain::time::Instant;
use uuid::Uuid;

macro_rules! requests {
    () => {
        "select q.id, q.job_id, q.state, q.asked_by, q.token_id, q.maintenance_id, q.asked_at, q.not_before_at,
         q.told_at, q.run_id, q.run_started_at, q.ended_at, q.due_at, q.attempts, q.next_try_at, q.problem, q.version
         from backup_requests q "
    };
}

/// States in which something is still to come; as in the index.
macro_rules! open {
    () => {
        "q.state in ('requested', 'sent', 'fetched', 'running') "
    };
}

#[derive(sqlx::FromRow)]
struct RequestRow {
    id: Uuid,
    job_id: Uuid,
    state: String,
    asked_by: String,
    token_id: Option<Uuid>,
    maintenance_id: Option<Uuid>,
    asked_at: i64,
    not_before_at: Option<i64>,
    told_at: Option<i64>,
    run_id: Option<Uuid>,
    run_started_at: Option<i64>,
    ended_at: Option<i64>,
    due_at: Option<i64>,
    attempts: i64,
    next_try_at: Option<i64>,
    problem: Option<String>,
    version: i64,
}

impl TryFrom<RequestRow> for BackupRequest {
    type Error = StoreError;
    fn try_from(row: RequestRow) -> Result<Self, StoreError> {
        const TABLE: &str = "backup_requests";
        let state = RequestState::parse(&row.state);
        Ok(Self {
            id: RequestId(row.id),
            job_id: JobId(row.job_id),
            state: state.ok_or_else(|| corrupt(TABLE, row.id, format!("state {}", row.state)))?,
            asked_by: row.asked_by,
            token_id: row.token_id.map(TokenId),
            maintenance_id: row.maintenance_id.map(MaintenanceId),
            asked_at: at(TABLE, row.id, row.asked_at)?,
            not_before: maybe_at(TABLE, row.id, row.not_before_at)?,
            told_at: maybe_at(TABLE, row.id, row.told_at)?,
            run_id: row.run_id.map(RunId),
            run_started_at: maybe_at(TABLE, row.id, row.run_started_at)?,
            ended_at: maybe_at(TABLE, row.id, row.ended_at)?,
            due_at: maybe_at(TABLE, row.id, row.due_at)?,
            attempts: row.attempts,
            next_try_at: maybe_at(TABLE, row.id, row.next_try_at)?,
            problem: row.problem,
            version: row.version,
        })
    }
}

fn all(rows: Vec<RequestRow>) -> Result<Vec<BackupRequest>, StoreError> {
    rows.into_iter().map(TryInto::try_into).collect()
}

impl Tx {
    /// Stores a new request.
    ///
    /// # Errors
    /// The job has an open one already, or the database refused.
    pub async fn add_request(&mut self, request: &BackupRequest) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into backup_requests (id, job_id, state, asked_by, token_id, maintenance_id, asked_at,
                 not_before_at, told_at, run_id, run_started_at, ended_at, due_at, attempts, next_try_at, problem, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            )
            .bind(request.id.0)
            .bind(request.job_id.0)
            .bind(request.state.as_str())
            .bind(&request.asked_by)
            .bind(request.token_id.map(|id| id.0))
            .bind(request.maintenance_id.map(|id| id.0))
            .bind(ms(request.asked_at))
            .bind(request.not_before.map(ms))
            .bind(request.told_at.map(ms))
            .bind(request.run_id.map(|id| id.0))
            .bind(request.run_started_at.map(ms))
            .bind(request.ended_at.map(ms))
            .bind(request.due_at.map(ms))
            .bind(request.attempts)
            .bind(request.next_try_at.map(ms))
            .bind(&request.problem)
            .bind(request.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("request"))?;
        });
        Ok(())
    }

    /// Stores how a request went on, if nothing happened to it since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_request(&mut self, request: &BackupRequest) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update backup_requests set state = $1, not_before_at = $2, told_at = $3, run_id = $4,
                 run_started_at = $5, ended_at = $6, due_at = $7, attempts = $8, next_try_at = $9, problem = $10,
                 version = version + 1 where id = $11 and version = $12",
            )
            .bind(request.state.as_str())
            .bind(request.not_before.map(ms))
            .bind(request.told_at.map(ms))
            .bind(request.run_id.map(|id| id.0))
            .bind(request.run_started_at.map(ms))
            .bind(request.ended_at.map(ms))
            .bind(request.due_at.map(ms))
            .bind(request.attempts)
            .bind(request.next_try_at.map(ms))
            .bind(&request.problem)
            .bind(request.id.0)
            .bind(request.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("request")) }
    }

    /// One request.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn request(&mut self, id: RequestId) -> Result<BackupRequest, StoreError> {
        let row: Option<RequestRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(requests!(), "where q.id = $1")).bind(id.0).fetch_optional(x).await?
        });
        row.ok_or(StoreError::NotFound("request"))?.try_into()
    }

    /// The open request of a job, if there is one.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn open_request_of(&mut self, job: JobId) -> Result<Option<BackupRequest>, StoreError> {
        let row: Option<RequestRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(requests!(), "where q.job_id = $1 and ", open!()))
                .bind(job.0)
                .fetch_optional(x)
                .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// All open requests, oldest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn open_requests(&mut self) -> Result<Vec<BackupRequest>, StoreError> {
        all(on_tx!(self, |x| {
            sqlx::query_as(concat!(requests!(), "where ", open!(), "order by q.asked_at, q.id")).fetch_all(x).await?
        }))
    }

    /// The requests of a job, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn requests_of(&mut self, job: JobId, limit: i64) -> Result<Vec<BackupRequest>, StoreError> {
        all(on_tx!(self, |x| {
            sqlx::query_as(concat!(requests!(), "where q.job_id = $1 order by q.asked_at desc, q.id desc limit $2"))
                .bind(job.0)
                .bind(limit)
                .fetch_all(x)
                .await?
        }))
    }

    /// The requests that were made for a window, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn requests_for(&mut self, window: MaintenanceId, limit: i64) -> Result<Vec<BackupRequest>, StoreError> {
        all(on_tx!(self, |x| {
            sqlx::query_as(concat!(
                requests!(),
                "where q.maintenance_id = $1 order by q.asked_at desc, q.id desc limit $2"
            ))
            .bind(window.0)
            .bind(limit)
            .fetch_all(x)
            .await?
        }))
    }

    /// The open requests of the jobs that a job carries.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn open_requests_carried_by(&mut self, carrier: JobId) -> Result<Vec<BackupRequest>, StoreError> {
        all(on_tx!(self, |x| {
            sqlx::query_as(concat!(
                requests!(),
                "join jobs j on j.id = q.job_id where j.carried_by = $1 and j.retired_at is null and ",
                open!(),
                "order by q.asked_at, q.id"
            ))
            .bind(carrier.0)
            .fetch_all(x)
            .await?
        }))
    }

    /// When the last run that was asked for ended, among the jobs that a job carries, at or after an
    /// instant; by the runs' own clocks, because the gate compares these.
    ///
    /// # Errors
    /// The database refused.
    pub async fn last_asked_dump_end(&mut self, carrier: JobId, since: Instant) -> Result<Option<Instant>, StoreError> {
        let end: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select max(r.finished_at) from backup_requests q join jobs j on j.id = q.job_id
                 join runs r on r.id = q.run_id
                 where j.carried_by = $1 and q.state = 'done' and q.ended_at >= $2 and not r.clock_fault",
            )
            .bind(carrier.0)
            .bind(ms(since))
            .fetch_one(x)
            .await?
        });
        maybe_at("runs", "", end)
    }

    /// Requests that need somebody: given up or failed at or after an instant without a later one for
    /// the same job, or open with a trigger that fails; newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn troubled_requests(&mut self, since: Instant) -> Result<Vec<BackupRequest>, StoreError> {
        all(on_tx!(self, |x| {
            sqlx::query_as(concat!(
                // Two questions, for each of which there is an index.
                "select * from (",
                requests!(),
                "join jobs j on j.id = q.job_id
                 where j.retired_at is null and q.state in ('timed_out', 'failed') and q.ended_at >= $1 and not exists (
                     select 1 from backup_requests later where later.job_id = q.job_id and later.asked_at > q.asked_at)
                 union all ",
                requests!(),
                "join jobs j on j.id = q.job_id
                 where j.retired_at is null and q.state = 'requested' and q.problem is not null and ",
                open!(),
                ") as troubled order by asked_at desc, id desc limit 100"
            ))
            .bind(ms(since))
            .fetch_all(x)
            .await?
        }))
    }
}

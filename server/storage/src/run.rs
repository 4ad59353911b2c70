//! Backup runs, what their tools said, and the lists that people read.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{DataSetId, HostId, JobId, RunId};
use domain::policy::Policy;
use domain::run::{Run, RunState};
use domain::time::{Instant, Span, Stretch};
use uuid::Uuid;

/// Columns of [`RunRow`], of the table called `r`.
macro_rules! run_columns {
    () => {
        "r.id, r.job_id, r.run_key, r.state, r.started_at, r.start_assumed, r.finished_at, r.dry_run, r.partial,
         r.clock_fault, r.received_at, r.bytes, r.files, r.snapshot, r.exit_code"
    };
}
pub(crate) use run_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct RunRow {
    id: Uuid,
    job_id: Uuid,
    run_key: String,
    state: String,
    started_at: i64,
    start_assumed: bool,
    finished_at: Option<i64>,
    dry_run: bool,
    partial: bool,
    clock_fault: bool,
    received_at: i64,
    bytes: Option<i64>,
    files: Option<i64>,
    snapshot: Option<String>,
    exit_code: Option<i64>,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;
    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let exit_code = row.exit_code.map(i32::try_from).transpose();
        Ok(Self {
            id: RunId(row.id),
            job_id: JobId(row.job_id),
            key: row.run_key,
            state: row.state.parse().map_err(|_| corrupt("runs", row.id, format!("state {}", row.state)))?,
            started_at: at("runs", row.id, row.started_at)?,
            start_assumed: row.start_assumed,
            finished_at: maybe_at("runs", row.id, row.finished_at)?,
            dry_run: row.dry_run,
            partial: row.partial,
            clock_fault: row.clock_fault,
            received_at: at("runs", row.id, row.received_at)?,
            bytes: row.bytes,
            files: row.files,
            snapshot: row.snapshot,
            exit_code: exit_code.map_err(|e| corrupt("runs", row.id, e))?,
        })
    }
}

/// What a run proves if its clock is right; the domain's rule, kept where an index can use it.
fn worth(run: &Run) -> &'static str {
    let timely = Run { clock_fault: false, ..run.clone() };
    let good_for = |warnings_are_good| timely.is_good(&Policy { warnings_are_good, ..Policy::default() });
    if good_for(false) {
        "good"
    } else if good_for(true) {
        "warning"
    } else {
        ""
    }
}

/// A run with the names of what it saved, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// The run.
    pub run: Run,
    /// Its job's name.
    pub job: String,
    /// What that protects.
    pub data_set_id: DataSetId,
    /// The name of that.
    pub data_set: String,
    /// Where that lies.
    pub host_id: HostId,
    /// The name of that.
    pub host: String,
    /// Whether its output was kept.
    pub has_log: bool,
}

#[derive(sqlx::FromRow)]
struct RunLineRow {
    #[sqlx(flatten)]
    run: RunRow,
    job_name: String,
    data_set_id: Uuid,
    data_set_name: String,
    host_id: Uuid,
    host_name: String,
    has_log: bool,
}

impl TryFrom<RunLineRow> for RunLine {
    type Error = StoreError;
    fn try_from(row: RunLineRow) -> Result<Self, StoreError> {
        Ok(Self {
            run: row.run.try_into()?,
            job: row.job_name,
            data_set_id: DataSetId(row.data_set_id),
            data_set: row.data_set_name,
            host_id: HostId(row.host_id),
            host: row.host_name,
            has_log: row.has_log,
        })
    }
}

/// Runs that began in the same slice of time and ended in the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RunTimes {
    /// The slice in which they began.
    pub first: i64,
    /// The slice that holds the last moment before their end; the one before `first` where a run had
    /// no length at the edge of two.
    pub last: i64,
    /// How many.
    pub runs: i64,
    /// How many of them failed or were lost.
    pub bad: i64,
}

/// Which runs to list; everything where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only of this job.
    pub job: Option<JobId>,
    /// Only of jobs on this host.
    pub host: Option<HostId>,
    /// Only in this state.
    pub state: Option<RunState>,
}

macro_rules! lines {
    () => {
        concat!(
            "select ",
            run_columns!(),
            ", j.name as job_name, d.id as data_set_id, d.name as data_set_name, h.id as host_id, h.name as host_name,
             exists (select 1 from run_logs l where l.run_id = r.id) as has_log
             from runs r join jobs j on j.id = r.job_id join data_sets d on d.id = j.data_set_id
             join hosts h on h.id = d.host_id "
        )
    };
}

impl Tx {
    /// Stores a new run. `lost_at` is when it is given up, for one that goes on.
    ///
    /// # Errors
    /// The job has a run with this key already, or the database refused.
    pub async fn insert_run(&mut self, run: &Run, lost_at: Option<Instant>) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into runs (id, job_id, run_key, state, worth, started_at, start_assumed, finished_at, lost_at,
                 dry_run, partial, clock_fault, received_at, bytes, files, snapshot, exit_code)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            )
            .bind(run.id.0)
            .bind(run.job_id.0)
            .bind(&run.key)
            .bind(run.state.as_str())
            .bind(worth(run))
            .bind(ms(run.started_at))
            .bind(run.start_assumed)
            .bind(run.finished_at.map(ms))
            .bind(lost_at.map(ms))
            .bind(run.dry_run)
            .bind(run.partial)
            .bind(run.clock_fault)
            .bind(ms(run.received_at))
            .bind(run.bytes)
            .bind(run.files)
            .bind(&run.snapshot)
            .bind(run.exit_code.map(i64::from))
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("run"))?;
        });
        Ok(())
    }

    /// Stores how a run went on, if it is still as it was read.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_run(&mut self, before: &Run, after: &Run, lost_at: Option<Instant>) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update runs set state = $1, worth = $2, started_at = $3, start_assumed = $4, finished_at = $5,
                 lost_at = $6, dry_run = $7, partial = $8, clock_fault = $9, bytes = $10, files = $11, snapshot = $12,
                 exit_code = $13 where id = $14 and state = $15 and start_assumed = $16",
            )
            .bind(after.state.as_str())
            .bind(worth(after))
            .bind(ms(after.started_at))
            .bind(after.start_assumed)
            .bind(after.finished_at.map(ms))
            .bind(lost_at.map(ms))
            .bind(after.dry_run)
            .bind(after.partial)
            .bind(after.clock_fault)
            .bind(after.bytes)
            .bind(after.files)
            .bind(&after.snapshot)
            .bind(after.exit_code.map(i64::from))
            .bind(before.id.0)
            .bind(before.state.as_str())
            .bind(before.start_assumed)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("run")) }
    }

    /// The run that a reporter calls by this key.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn run_by_key(&mut self, job: JobId, key: &str) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", run_columns!(), " from runs r where r.job_id = $1 and r.run_key = $2"))
                .bind(job.0)
                .bind(key)
                .fetch_optional(x)
                .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// The runs of a job that go on and whose key starts like this, newest start first; at most 20.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn running_of(&mut self, job: JobId, key_prefix: &str) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                run_columns!(),
                " from runs r where r.job_id = $1 and r.state = 'running' and substr(r.run_key, 1, $2) = $3
                 order by r.started_at desc, r.id desc limit 20"
            ))
            .bind(job.0)
            .bind(i32::try_from(key_prefix.chars().count()).unwrap_or(i32::MAX))
            .bind(key_prefix)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The newest run of a job, in whatever state.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn newest_run(&mut self, job: JobId) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                run_columns!(),
                " from runs r where r.job_id = $1 order by r.listed_at desc, r.id desc limit 1"
            ))
            .bind(job.0)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Runs that should have ended by now, longest overdue first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn overdue_runs(&mut self, now: Instant, limit: i64) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                run_columns!(),
                " from runs r where r.state = 'running' and r.lost_at <= $1 order by r.lost_at, r.id limit $2"
            ))
            .bind(ms(now))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// When the next run is to be given up.
    ///
    /// # Errors
    /// The database refused.
    pub async fn next_overdue(&mut self) -> Result<Option<Instant>, StoreError> {
        let first: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select min(lost_at) from runs where state = 'running'").fetch_one(x).await?
        });
        maybe_at("runs", "", first)
    }

    /// A run with its names.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn run_line(&mut self, id: RunId) -> Result<RunLine, StoreError> {
        let row: Option<RunLineRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(lines!(), "where r.id = $1")).bind(id.0).fetch_optional(x).await?
        });
        row.ok_or(StoreError::NotFound("run"))?.try_into()
    }

    /// Runs, newest first, strictly before one of them.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn runs_before(
        &mut self,
        before: Option<RunId>,
        filter: RunFilter,
        limit: i64,
    ) -> Result<Vec<RunLine>, StoreError> {
        // One text per filter, so that each finds its index.
        let before = self.place_in_lists(before).await?;
        let rows: Vec<RunLineRow> = match filter {
            RunFilter { job: Some(job), state, .. } => self.lines_of_job(job.0, before, state, limit).await?,
            RunFilter { host: Some(host), state, .. } => {
                let jobs: Vec<Uuid> = on_tx!(self, |x| {
                    sqlx::query_scalar(
                        "select j.id from jobs j join data_sets d on d.id = j.data_set_id where d.host_id = $1",
                    )
                    .bind(host.0)
                    .fetch_all(x)
                    .await?
                });
                let mut rows = Vec::new();
                for job in jobs {
                    rows.extend(self.lines_of_job(job, before, state, limit).await?);
                }
                rows.sort_by_key(|row| std::cmp::Reverse((row.run.started_at.min(row.run.received_at), row.run.id)));
                rows.truncate(usize::try_from(limit).unwrap_or(0));
                rows
            }
            RunFilter { state: Some(state), .. } => on_tx!(self, |x| {
                sqlx::query_as(concat!(
                    lines!(),
                    "where r.state = $1 and (r.listed_at, r.id) < ($2, $3) order by r.listed_at desc, r.id desc limit $4"
                ))
                .bind(state.as_str())
                .bind(before.0)
                .bind(before.1)
                .bind(limit)
                .fetch_all(x)
                .await?
            }),
            RunFilter { .. } => on_tx!(self, |x| {
                sqlx::query_as(concat!(
                    lines!(),
                    "where (r.listed_at, r.id) < ($1, $2) order by r.listed_at desc, r.id desc limit $3"
                ))
                .bind(before.0)
                .bind(before.1)
                .bind(limit)
                .fetch_all(x)
                .await?
            }),
        };
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Where a run stands in lists; none is before all of them.
    async fn place_in_lists(&mut self, id: Option<RunId>) -> Result<(i64, Uuid), StoreError> {
        let Some(id) = id else { return Ok((i64::MAX, Uuid::max())) };
        let at: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select listed_at from runs where id = $1").bind(id.0).fetch_optional(x).await?
        });
        Ok((at.ok_or(StoreError::NotFound("run"))?, id.0))
    }

    async fn lines_of_job(
        &mut self,
        job: Uuid,
        before: (i64, Uuid),
        state: Option<RunState>,
        limit: i64,
    ) -> Result<Vec<RunLineRow>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(concat!(
                lines!(),
                "where r.job_id = $1 and (r.listed_at, r.id) < ($2, $3) and ($4 = '' or r.state = $4)
                 order by r.listed_at desc, r.id desc limit $5"
            ))
            .bind(job)
            .bind(before.0)
            .bind(before.1)
            .bind(state.map_or("", RunState::as_str))
            .bind(limit)
            .fetch_all(x)
            .await?
        }))
    }

    /// How many runs began in one slice of time and ended in another, of those listed in a stretch.
    /// Slices are `slice` long and counted from 1970; what goes on now ends at `now`. In order.
    ///
    /// # Errors
    /// The database refused.
    pub async fn run_times(&mut self, within: Stretch, slice: Span, now: Instant) -> Result<Vec<RunTimes>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select r.started_at / $3 as first, (coalesce(r.finished_at, $4) - 1) / $3 as last, count(*) as runs,
                 cast(sum(case when r.state in ('failed', 'lost') then 1 else 0 end) as bigint) as bad
                 from runs r where r.listed_at >= $1 and r.listed_at < $2 and not r.dry_run and not r.clock_fault
                 group by 1, 2 order by 1, 2",
            )
            .bind(ms(within.from))
            .bind(ms(within.to))
            .bind(slice.as_seconds() * 1000)
            .bind(ms(now))
            .fetch_all(x)
            .await?
        }))
    }

    /// What the tool said of a run.
    ///
    /// # Errors
    /// The database refused.
    pub async fn run_log(&mut self, id: RunId) -> Result<Option<String>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar("select body from run_logs where run_id = $1").bind(id.0).fetch_optional(x).await?
        }))
    }

    /// Keeps what the tool said of a run, instead of what was kept before.
    ///
    /// # Errors
    /// There is no such run, or the database refused.
    pub async fn put_run_log(&mut self, id: RunId, body: &str) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into run_logs (run_id, body) values ($1, $2)
                 on conflict (run_id) do update set body = excluded.body",
            )
            .bind(id.0)
            .bind(body)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("run"))?;
        });
        Ok(())
    }
}

//! Backup jobs. Of a job's ping address only the hash is stored.

use crate::data_set::kind_of;
use crate::db::{Tx, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::host::{References, mentions};
use domain::backup::Job;
use domain::host::DataKind;
use domain::ids::{DataSetId, HostId, JobId};
use domain::text::Name;
use domain::time::{Instant, Span};
use uuid::Uuid;

macro_rules! columns {
    () => {
        "j.id, j.data_set_id, j.name, j.tool, j.carried_by, j.enabled, j.every_s, j.max_duration_s, j.ping_version,
         j.retired_at, j.version"
    };
}
pub(crate) use columns as job_columns;

macro_rules! with_place {
    () => {
        concat!(
            "select ",
            columns!(),
            ", d.name as data_set_name, d.kind as data_set_kind, h.id as host_id, h.name as host_name
             from jobs j join data_sets d on d.id = j.data_set_id join hosts h on h.id = d.host_id "
        )
    };
}

#[derive(sqlx::FromRow)]
pub(crate) struct JobRow {
    id: Uuid,
    data_set_id: Uuid,
    name: String,
    tool: String,
    carried_by: Option<Uuid>,
    enabled: bool,
    every_s: i64,
    max_duration_s: i64,
    ping_version: i64,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;
    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId(row.id),
            data_set_id: DataSetId(row.data_set_id),
            name: Name::parse(&row.name).map_err(|e| corrupt("jobs", row.id, e))?,
            tool: row.tool,
            carried_by: row.carried_by.map(JobId),
            enabled: row.enabled,
            every: Span::seconds(row.every_s),
            max_duration: Span::seconds(row.max_duration_s),
            ping_version: row.ping_version,
            retired_at: maybe_at("jobs", row.id, row.retired_at)?,
            version: row.version,
        })
    }
}

/// A job with the names of the place it protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedJob {
    /// The job.
    pub job: Job,
    /// What it protects.
    pub data_set: Name,
    /// What that is.
    pub kind: DataKind,
    /// Where that lies.
    pub host_id: HostId,
    /// The name of that host.
    pub host: Name,
}

impl std::fmt::Display for PlacedJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} · {}: {}", self.host, self.data_set, self.job.name)
    }
}

#[derive(sqlx::FromRow)]
struct PlacedRow {
    #[sqlx(flatten)]
    job: JobRow,
    data_set_name: String,
    data_set_kind: String,
    host_id: Uuid,
    host_name: String,
}

impl TryFrom<PlacedRow> for PlacedJob {
    type Error = StoreError;
    fn try_from(row: PlacedRow) -> Result<Self, StoreError> {
        let (host, data_set) = (row.host_id, row.job.data_set_id);
        Ok(Self {
            job: row.job.try_into()?,
            data_set: Name::parse(&row.data_set_name).map_err(|e| corrupt("data_sets", data_set, e))?,
            kind: kind_of(data_set, &row.data_set_kind)?,
            host_id: HostId(host),
            host: Name::parse(&row.host_name).map_err(|e| corrupt("hosts", host, e))?,
        })
    }
}

impl Tx {
    /// Stores a new job with the hash of its ping address.
    ///
    /// # Errors
    /// Its name is taken on its data set, or the database refused.
    pub async fn insert_job(&mut self, job: &Job, ping_hash: &str, created_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into jobs (id, data_set_id, name, name_key, tool, carried_by, enabled, every_s, max_duration_s,
                 ping_hash, ping_version, retired_at, version, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            )
            .bind(job.id.0)
            .bind(job.data_set_id.0)
            .bind(job.name.as_str())
            .bind(job.name.key())
            .bind(&job.tool)
            .bind(job.carried_by.map(|id| id.0))
            .bind(job.enabled)
            .bind(job.every.as_seconds())
            .bind(job.max_duration.as_seconds())
            .bind(ping_hash)
            .bind(job.ping_version)
            .bind(job.retired_at.map(ms))
            .bind(job.version)
            .bind(ms(created_at))
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("job"))?;
        });
        Ok(())
    }

    /// Stores a changed job, if nobody did since it was read. Raises its version; its data set and
    /// its ping address stay.
    ///
    /// # Errors
    /// Stale, its name is taken, or the database refused.
    pub async fn update_job(&mut self, job: &Job) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update jobs set name = $1, name_key = $2, tool = $3, carried_by = $4, enabled = $5, every_s = $6,
                 max_duration_s = $7, retired_at = $8, version = version + 1 where id = $9 and version = $10",
            )
            .bind(job.name.as_str())
            .bind(job.name.key())
            .bind(&job.tool)
            .bind(job.carried_by.map(|id| id.0))
            .bind(job.enabled)
            .bind(job.every.as_seconds())
            .bind(job.max_duration.as_seconds())
            .bind(job.retired_at.map(ms))
            .bind(job.id.0)
            .bind(job.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("job"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("job")) }
    }

    /// Gives a job another ping address, if nobody changed it since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_job_ping(&mut self, job: &Job, ping_hash: &str) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update jobs set ping_version = $1, ping_hash = $2, version = version + 1 where id = $3 and version = $4",
            )
            .bind(job.ping_version)
            .bind(ping_hash)
            .bind(job.id.0)
            .bind(job.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("job")) }
    }

    /// Removes a job to which nothing refers.
    ///
    /// # Errors
    /// Something refers to it, or the database refused.
    pub async fn delete_job(&mut self, id: JobId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from jobs where id = $1")
                .bind(id.0)
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("job"))?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("job")) }
    }

    /// A job, in use or retired.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn job(&mut self, id: JobId) -> Result<Job, StoreError> {
        let row: Option<JobRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from jobs j where j.id = $1"))
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("job"))?.try_into()
    }

    /// The job in use whose ping address has this hash.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn job_by_ping(&mut self, ping_hash: &str) -> Result<Job, StoreError> {
        let row: Option<JobRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from jobs j where j.ping_hash = $1 and j.retired_at is null"
            ))
            .bind(ping_hash)
            .fetch_optional(x)
            .await?
        });
        row.ok_or(StoreError::NotFound("job"))?.try_into()
    }

    /// The stored hash of a job's ping address.
    ///
    /// # Errors
    /// Not found, or the database refused.
    pub async fn job_ping_hash(&mut self, id: JobId) -> Result<String, StoreError> {
        let hash: Option<String> = on_tx!(self, |x| {
            sqlx::query_scalar("select ping_hash from jobs where id = $1").bind(id.0).fetch_optional(x).await?
        });
        hash.ok_or(StoreError::NotFound("job"))
    }

    /// The job in use with this name ([`Name::key`]) on a data set.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn job_named(&mut self, data_set: DataSetId, key: &str) -> Result<Option<Job>, StoreError> {
        let row: Option<JobRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from jobs j where j.data_set_id = $1 and j.name_key = $2 and j.retired_at is null"
            ))
            .bind(data_set.0)
            .bind(key)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// The jobs of a data set by name; retired ones too if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn jobs_of(&mut self, data_set: DataSetId, retired_too: bool) -> Result<Vec<Job>, StoreError> {
        let rows: Vec<JobRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from jobs j where j.data_set_id = $1 and ($2 or j.retired_at is null) order by j.name_key, j.id"
            ))
            .bind(data_set.0)
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Jobs in the order they were made, after one of them; of one data set if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn jobs_after(
        &mut self,
        after: Option<JobId>,
        data_set: Option<DataSetId>,
        retired_too: bool,
        limit: i64,
    ) -> Result<Vec<Job>, StoreError> {
        let rows: Vec<JobRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from jobs j where j.id > $1 and ($2 or j.data_set_id = $3) and ($4 or j.retired_at is null)
                 order by j.id limit $5"
            ))
            .bind(after.map_or(Uuid::nil(), JobId::uuid))
            .bind(data_set.is_none())
            .bind(data_set.map_or(Uuid::nil(), DataSetId::uuid))
            .bind(retired_too)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All jobs in use with their places, by host, data set and name.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn placed_jobs(&mut self) -> Result<Vec<PlacedJob>, StoreError> {
        let rows: Vec<PlacedRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                with_place!(),
                "where j.retired_at is null order by h.name_key, d.name_key, j.name_key, j.id"
            ))
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A job with its place.
    ///
    /// # Errors
    /// Not found, the database refused, or a row does not parse.
    pub async fn placed_job(&mut self, id: JobId) -> Result<PlacedJob, StoreError> {
        let row: Option<PlacedRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(with_place!(), "where j.id = $1")).bind(id.0).fetch_optional(x).await?
        });
        row.ok_or(StoreError::NotFound("job"))?.try_into()
    }

    /// The jobs of a host with their places; retired ones too if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn jobs_on(&mut self, host: HostId, retired_too: bool) -> Result<Vec<PlacedJob>, StoreError> {
        let rows: Vec<PlacedRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                with_place!(),
                "where h.id = $1 and ($2 or j.retired_at is null) order by d.name_key, j.name_key, j.id"
            ))
            .bind(host.0)
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The jobs that could carry another one: of files, in use, not carried themselves.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn carriers(&mut self) -> Result<Vec<PlacedJob>, StoreError> {
        let rows: Vec<PlacedRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                with_place!(),
                "where d.kind = 'files' and j.carried_by is null and j.retired_at is null
                 order by h.name_key, d.name_key, j.name_key, j.id"
            ))
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The jobs in use that a job carries.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn carried_by(&mut self, carrier: JobId) -> Result<Vec<PlacedJob>, StoreError> {
        let rows: Vec<PlacedRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                with_place!(),
                "where j.carried_by = $1 and j.retired_at is null order by h.name_key, d.name_key, j.name_key, j.id"
            ))
            .bind(carrier.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What refers to a job.
    ///
    /// # Errors
    /// The database refused.
    pub async fn job_references(&mut self, id: JobId) -> Result<References, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select (select count(*) from runs where job_id = $1) as runs,
                 (select count(*) from verdicts where evidence_json like $2
                  and asked_at >= (select created_at from jobs where id = $1)) as verdicts,
                 (select count(*) from jobs where carried_by = $1) as jobs",
            )
            .bind(id.0)
            .bind(mentions(id.0))
            .fetch_one(x)
            .await?
        }))
    }
}

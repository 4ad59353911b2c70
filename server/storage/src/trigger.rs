//! Triggers of jobs. Of the secret that signs their calls only the hash is stored.

use crate::db::{Tx, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::JobId;
use domain::trigger::{Template, Trigger};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct TriggerRow {
    job_id: Uuid,
    url: String,
    template: String,
    remote_name: String,
    secret_hash: String,
    secret_version: i64,
    version: i64,
}

impl TryFrom<TriggerRow> for Trigger {
    type Error = StoreError;
    fn try_from(row: TriggerRow) -> Result<Self, StoreError> {
        Ok(Self {
            job_id: JobId(row.job_id),
            url: row.url,
            template: Template::parse(&row.template).map_err(|e| corrupt("job_triggers", row.job_id, e))?,
            remote_name: row.remote_name,
            secret_version: row.secret_version,
            version: row.version,
        })
    }
}

impl Tx {
    /// Stores a job's first trigger with the hash of its secret.
    ///
    /// # Errors
    /// It has one already, or the database refused.
    pub async fn add_trigger(&mut self, trigger: &Trigger, secret_hash: &str) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into job_triggers (job_id, url, template, remote_name, secret_hash, secret_version, version)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(trigger.job_id.0)
            .bind(&trigger.url)
            .bind(trigger.template.as_str())
            .bind(&trigger.remote_name)
            .bind(secret_hash)
            .bind(trigger.secret_version)
            .bind(trigger.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("trigger"))?;
        });
        Ok(())
    }

    /// Stores a changed trigger, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_trigger(&mut self, trigger: &Trigger, secret_hash: &str) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update job_triggers set url = $1, template = $2, remote_name = $3, secret_hash = $4,
                 secret_version = $5, version = version + 1 where job_id = $6 and version = $7",
            )
            .bind(&trigger.url)
            .bind(trigger.template.as_str())
            .bind(&trigger.remote_name)
            .bind(secret_hash)
            .bind(trigger.secret_version)
            .bind(trigger.job_id.0)
            .bind(trigger.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("trigger")) }
    }

    /// Removes a trigger, if nobody changed it since it was read.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn delete_trigger(&mut self, trigger: &Trigger) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from job_triggers where job_id = $1 and version = $2")
                .bind(trigger.job_id.0)
                .bind(trigger.version)
                .execute(x)
                .await?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("trigger")) }
    }

    /// The trigger of a job with the hash of its secret, if it has one.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn trigger_of(&mut self, job: JobId) -> Result<Option<(Trigger, String)>, StoreError> {
        let row: Option<TriggerRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select job_id, url, template, remote_name, secret_hash, secret_version, version
                 from job_triggers where job_id = $1",
            )
            .bind(job.0)
            .fetch_optional(x)
            .await?
        });
        row.map(|row| {
            let hash = row.secret_hash.clone();
            Ok((row.try_into()?, hash))
        })
        .transpose()
    }
}

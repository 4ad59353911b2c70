//! What a month was like: the facts that a report is made of, found without looking at other months.

use crate::db::{Tx, at, ms, on_tx};
use crate::drill::{DrillRow, drill_columns};
use crate::error::StoreError;
use crate::maintenance::{COLUMNS, MaintenanceRow};
use domain::drill::Drill;
use domain::ids::JobId;
use domain::maintenance::Maintenance;
use domain::report::JobFact;
use domain::time::{Instant, Span, Stretch};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use uuid::Uuid;

impl Tx {
    /// Published windows that were to begin in a stretch of time, or of which something was told or done in it.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn windows_of(&mut self, within: Stretch) -> Result<Vec<Maintenance>, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from maintenances where published_at is not null and id in (
                     select m.id from maintenances m where m.starts_at >= $1 and m.starts_at < $2
                     union select u.maintenance_id from maintenance_updates u where u.at >= $1 and u.at < $2)
                 order by starts_at, id"
            )))
            .bind(ms(within.from))
            .bind(ms(within.to))
            .fetch_all(x)
            .await?
        });
        self.complete_rows(rows).await
    }

    /// Backup jobs in use that there were before the end of a stretch of time, each with the beginnings of its good runs
    /// in it: of several within half an interval only the first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn backup_facts(&mut self, within: Stretch) -> Result<Vec<JobFact>, StoreError> {
        let jobs: Vec<(Uuid, i64, i64)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select j.id, j.every_s, j.created_at from jobs j join data_sets d on d.id = j.data_set_id
                 where j.enabled and j.retired_at is null and d.retired_at is null and j.created_at < $1 order by j.id",
            )
            .bind(ms(within.to))
            .fetch_all(x)
            .await?
        });
        let runs: Vec<(Uuid, i64)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select r.job_id, min(r.started_at) as first from jobs j
                 join data_sets d on d.id = j.data_set_id join hosts h on h.id = d.host_id join site s on s.one = 1
                 join runs r on r.job_id = j.id and r.started_at >= $1 and r.started_at < $2 and not r.clock_fault
                 and (r.worth = 'good' or (r.worth = 'warning' and coalesce(h.warnings_are_good, s.warnings_are_good)))
                 where j.enabled and j.retired_at is null and d.retired_at is null and j.every_s > 0
                 group by r.job_id, (r.started_at - $1) / (j.every_s * 500) order by r.job_id, first",
            )
            .bind(ms(within.from))
            .bind(ms(within.to))
            .fetch_all(x)
            .await?
        });
        let mut good: BTreeMap<Uuid, Vec<Instant>> = BTreeMap::new();
        for (job, started_at) in runs {
            good.entry(job).or_default().push(at("runs", job, started_at)?);
        }
        jobs.into_iter()
            .map(|(id, every, created_at)| {
                Ok(JobFact {
                    id: JobId(id),
                    every: Span::seconds(every),
                    created_at: at("jobs", id, created_at)?,
                    good: good.remove(&id).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Restores that were over in a stretch of time, however they ended, the earliest first; at most so many.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn drills_ended(&mut self, within: Stretch, limit: i64) -> Result<Vec<Drill>, StoreError> {
        let rows: Vec<DrillRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                drill_columns!(),
                " from drills r where r.state in ('succeeded', 'failed') and r.listed_at >= $1 and r.listed_at < $2
                 order by r.listed_at, r.id limit $3"
            ))
            .bind(ms(within.from))
            .bind(ms(within.to))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// When the first thing was done here; none where nothing was.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn first_deed(&mut self) -> Result<Option<Instant>, StoreError> {
        let first: Option<i64> =
            on_tx!(self, |x| sqlx::query_scalar("select min(at) from audit_log").fetch_one(x).await?);
        first.map(|ms| at("audit_log", "first", ms)).transpose()
    }

    /// When the first thing was of which anything is known: something that was done here, or trouble that was entered
    /// after the fact.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn first_record(&mut self) -> Result<Option<Instant>, StoreError> {
        let first: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select min(first_at) from (
                 select min(at) as first_at from audit_log union all select min(started_at) from incidents
                 ) as firsts",
            )
            .fetch_one(x)
            .await?
        });
        first.map(|ms| at("incidents", "first", ms)).transpose()
    }
}

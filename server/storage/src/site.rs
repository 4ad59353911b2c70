//! The one row that says what the site is called and what its policy is.

use crate::db::{Tx, on_tx};
use crate::error::{StoreError, corrupt};
use crate::reminder::{leads, leads_text};
use domain::availability::Weights;
use domain::finding::digest::DigestHour;
use domain::policy::{Policy, RestorePolicy};
use domain::site::Site;
use domain::text::Name;
use domain::time::Span;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct SiteRow {
    install_id: Uuid,
    name: String,
    zone: String,
    schedule_max_age_s: i64,
    start_max_age_s: i64,
    lead_s: i64,
    warnings_are_good: bool,
    reminders: String,
    drill_max_age_s: i64,
    rto_s: Option<i64>,
    slow_restore_blocks: bool,
    keep_runs_s: Option<i64>,
    digest_hour: i64,
    partial_weight: i64,
    degraded_weight: i64,
    version: i64,
}

impl TryFrom<SiteRow> for Site {
    type Error = StoreError;
    fn try_from(row: SiteRow) -> Result<Self, StoreError> {
        Ok(Self {
            install_id: row.install_id,
            name: Name::parse(&row.name).map_err(|e| corrupt("site", 1, e))?,
            zone: row.zone,
            policy: Policy {
                schedule_max_age: Span::seconds(row.schedule_max_age_s),
                start_max_age: Span::seconds(row.start_max_age_s),
                lead: Span::seconds(row.lead_s),
                warnings_are_good: row.warnings_are_good,
                restore: RestorePolicy {
                    drill_max_age: Span::seconds(row.drill_max_age_s),
                    rto: row.rto_s.map(Span::seconds),
                    slow_restore_blocks: row.slow_restore_blocks,
                },
            },
            reminders: leads("site", 1, &row.reminders)?,
            keep_runs: row.keep_runs_s.map(Span::seconds),
            digest_hour: DigestHour::new(row.digest_hour).map_err(|e| corrupt("site", 1, e))?,
            weights: Weights::new(row.partial_weight, row.degraded_weight).map_err(|e| corrupt("site", 1, e))?,
            version: row.version,
        })
    }
}

impl Tx {
    /// The site; made with these first values if there is none yet.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn ensure_site(&mut self, first: &Site) -> Result<Site, StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into site (one, install_id, name, zone, schedule_max_age_s, start_max_age_s, lead_s,
                 warnings_are_good, reminders, drill_max_age_s, rto_s, slow_restore_blocks, keep_runs_s, digest_hour,
                 partial_weight, degraded_weight, version)
                 values (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1) on conflict (one) do nothing",
            )
            .bind(first.install_id)
            .bind(first.name.as_str())
            .bind(&first.zone)
            .bind(first.policy.schedule_max_age.as_seconds())
            .bind(first.policy.start_max_age.as_seconds())
            .bind(first.policy.lead.as_seconds())
            .bind(first.policy.warnings_are_good)
            .bind(leads_text(&first.reminders))
            .bind(first.policy.restore.drill_max_age.as_seconds())
            .bind(first.policy.restore.rto.map(Span::as_seconds))
            .bind(first.policy.restore.slow_restore_blocks)
            .bind(first.keep_runs.map(Span::as_seconds))
            .bind(i64::from(first.digest_hour.get()))
            .bind(i64::from(first.weights.partial()))
            .bind(i64::from(first.weights.degraded()))
            .execute(x)
            .await?;
        });
        self.site().await
    }

    /// The site.
    ///
    /// # Errors
    /// There is none yet, the database refused, or the row does not parse.
    pub async fn site(&mut self) -> Result<Site, StoreError> {
        let row: Option<SiteRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select install_id, name, zone, schedule_max_age_s, start_max_age_s, lead_s, warnings_are_good,
                 drill_max_age_s, rto_s, slow_restore_blocks, keep_runs_s, reminders, digest_hour, partial_weight,
                 degraded_weight, version from site where one = 1",
            )
            .fetch_optional(x)
            .await?
        });
        row.ok_or(StoreError::NotFound("site"))?.try_into()
    }

    /// Whether there are hosts, and whether there are components, in use.
    ///
    /// # Errors
    /// The database refused.
    pub async fn in_use(&mut self) -> Result<(bool, bool), StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select exists (select 1 from hosts where retired_at is null),
                 exists (select 1 from components where retired_at is null)",
            )
            .fetch_one(x)
            .await?
        }))
    }

    /// Stores new values, if nobody did since they were read.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_site(&mut self, site: &Site) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update site set name = $1, zone = $2, schedule_max_age_s = $3, start_max_age_s = $4, lead_s = $5,
                 warnings_are_good = $6, drill_max_age_s = $7, rto_s = $8, slow_restore_blocks = $9, keep_runs_s = $10,
                 digest_hour = $11, reminders = $13, partial_weight = $14, degraded_weight = $15,
                 version = version + 1 where one = 1 and version = $12",
            )
            .bind(site.name.as_str())
            .bind(&site.zone)
            .bind(site.policy.schedule_max_age.as_seconds())
            .bind(site.policy.start_max_age.as_seconds())
            .bind(site.policy.lead.as_seconds())
            .bind(site.policy.warnings_are_good)
            .bind(site.policy.restore.drill_max_age.as_seconds())
            .bind(site.policy.restore.rto.map(Span::as_seconds))
            .bind(site.policy.restore.slow_restore_blocks)
            .bind(site.keep_runs.map(Span::as_seconds))
            .bind(i64::from(site.digest_hour.get()))
            .bind(site.version)
            .bind(leads_text(&site.reminders))
            .bind(i64::from(site.weights.partial()))
            .bind(i64::from(site.weights.degraded()))
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("site")) }
    }
}

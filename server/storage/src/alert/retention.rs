//! Letting old alerts and their causes go, a few at a time, and never what belongs to a cause that is not over.

use crate::db::{Tx, ms, on_tx};
use crate::error::StoreError;
use crate::evidence::list;
use domain::ids::{AlertId, CauseId};
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Nothing was heard of it any more, and its cause is over; one that a rule ignores has none.
const OLD: &str = "a.last_seen_at < $1 and coalesce(a.ended_at, a.last_seen_at) < $1
    and not exists (select 1 from causes c where c.id = a.cause_id and c.state <> 'over')";

/// Over, and nothing hangs on it any more: no alert, and no cause that is part of it; nor is it part of one that goes on.
const OLD_CAUSE: &str = "c.state in ('over', 'merged') and c.last_at < $1 and coalesce(c.ended_at, c.last_at) < $1
    and not exists (select 1 from causes whole where whole.id = c.merged_into and whole.state in ('open', 'window'))
    and not exists (select 1 from alerts a where a.cause_id = c.id)
    and not exists (select 1 from causes part where part.merged_into = c.id)";

impl Tx {
    /// Alerts that were over before an instant, at most so many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn old_alerts(&mut self, before: Instant, limit: i64) -> Result<Vec<AlertId>, StoreError> {
        let sql = format!("select a.id from alerts a where {OLD} order by a.id limit $2");
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(ms(before)).bind(limit).fetch_all(x).await?
        });
        Ok(ids.into_iter().map(AlertId).collect())
    }

    /// Deletes those of these alerts that were over before an instant; gives back how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn expire_alerts(&mut self, before: Instant, these: &[AlertId]) -> Result<u64, StoreError> {
        let ids: BTreeSet<Uuid> = these.iter().map(|id| id.0).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let (marks, bind) = list(self, &ids);
        // The instant is a number and written in: the marks of a list can have no numbered ones beside them.
        let old = OLD.replace("$1", &ms(before).to_string());
        let sql = format!("delete from alerts as a where a.id in ({marks}) and {old}");
        Ok(on_tx!(self, |x| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in bind {
                query = query.bind(id);
            }
            query.execute(x).await?.rows_affected()
        }))
    }

    /// Causes that were over before an instant and have no alerts any more, at most so many; what was found to be part
    /// of another comes before it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn old_causes(&mut self, before: Instant, limit: i64) -> Result<Vec<CauseId>, StoreError> {
        let sql = format!("select c.id from causes c where {OLD_CAUSE} order by c.id limit $2");
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(ms(before)).bind(limit).fetch_all(x).await?
        });
        Ok(ids.into_iter().map(CauseId).collect())
    }

    /// Deletes those of these causes that are as [`Self::old_causes`] says; gives back how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn expire_causes(&mut self, before: Instant, these: &[CauseId]) -> Result<u64, StoreError> {
        let ids: BTreeSet<Uuid> = these.iter().map(|id| id.0).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let (marks, bind) = list(self, &ids);
        let old = OLD_CAUSE.replace("$1", &ms(before).to_string());
        let sql = format!("delete from causes as c where c.id in ({marks}) and {old}");
        Ok(on_tx!(self, |x| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in bind {
                query = query.bind(id);
            }
            query.execute(x).await?.rows_affected()
        }))
    }
}

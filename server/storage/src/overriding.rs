//! Decisions to go ahead against the gate.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list, parts};
use domain::ids::{MaintenanceId, OverrideId, UserId};
use domain::maintenance::{Override, OverrideState};
use domain::text::Why;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

const COLUMNS: &str =
    "id, maintenance_id, state, why, reasons_json, scope_json, starts_at, ends_at, asked_by, asked_at,
    confirmed_by, confirmed_at, ended_by, ended_at, end_why, version";

#[derive(sqlx::FromRow)]
struct OverrideRow {
    id: Uuid,
    maintenance_id: Uuid,
    state: String,
    why: String,
    reasons_json: String,
    scope_json: String,
    starts_at: i64,
    ends_at: i64,
    asked_by: Uuid,
    asked_at: i64,
    confirmed_by: Option<Uuid>,
    confirmed_at: Option<i64>,
    ended_by: Option<Uuid>,
    ended_at: Option<i64>,
    end_why: Option<String>,
    version: i64,
}

impl TryFrom<OverrideRow> for Override {
    type Error = StoreError;
    fn try_from(row: OverrideRow) -> Result<Self, StoreError> {
        const T: &str = "overrides";
        let id = row.id;
        let state = OverrideState::ALL.into_iter().find(|state| state.as_str() == row.state);
        Ok(Self {
            id: OverrideId(id),
            maintenance_id: MaintenanceId(row.maintenance_id),
            state: state.ok_or_else(|| corrupt(T, id, &row.state))?,
            why: Why::parse(&row.why).map_err(|e| corrupt(T, id, e))?,
            reasons: serde_json::from_str(&row.reasons_json).map_err(|e| corrupt(T, id, e))?,
            scope: serde_json::from_str(&row.scope_json).map_err(|e| corrupt(T, id, e))?,
            starts_at: at(T, id, row.starts_at)?,
            ends_at: at(T, id, row.ends_at)?,
            asked_by: UserId(row.asked_by),
            asked_at: at(T, id, row.asked_at)?,
            confirmed_by: row.confirmed_by.map(UserId),
            confirmed_at: maybe_at(T, id, row.confirmed_at)?,
            ended_by: row.ended_by.map(UserId),
            ended_at: maybe_at(T, id, row.ended_at)?,
            end_why: row.end_why.map(|text| Why::parse(&text)).transpose().map_err(|e| corrupt(T, id, e))?,
            version: row.version,
        })
    }
}

fn parsed(rows: Vec<OverrideRow>) -> Result<Vec<Override>, StoreError> {
    rows.into_iter().map(TryInto::try_into).collect()
}

impl Tx {
    /// Stores a request.
    ///
    /// # Errors
    /// One is asked for or in force already (a conflict), no such window or person, or the database refused.
    pub async fn add_override(&mut self, o: &Override) -> Result<(), StoreError> {
        let text = |e: serde_json::Error| corrupt("overrides", o.id, e);
        let reasons = serde_json::to_string(&o.reasons).map_err(text)?;
        let scope = serde_json::to_string(&o.scope).map_err(text)?;
        on_tx!(self, |x| {
            sqlx::query(AssertSqlSafe(format!(
                "insert into overrides ({COLUMNS})
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
            )))
            .bind(o.id.0)
            .bind(o.maintenance_id.0)
            .bind(o.state.as_str())
            .bind(o.why.as_str())
            .bind(&reasons)
            .bind(&scope)
            .bind(ms(o.starts_at))
            .bind(ms(o.ends_at))
            .bind(o.asked_by.0)
            .bind(ms(o.asked_at))
            .bind(o.confirmed_by.map(|id| id.0))
            .bind(o.confirmed_at.map(ms))
            .bind(o.ended_by.map(|id| id.0))
            .bind(o.ended_at.map(ms))
            .bind(o.end_why.as_ref().map(Why::as_str))
            .bind(o.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("override"))?;
        });
        Ok(())
    }

    /// Stores what became of an override, if nothing did since it was read; its version rises by
    /// one. What it covers never changes.
    ///
    /// # Errors
    /// Stale, another one is in force (a conflict), or the database refused.
    pub async fn update_override(&mut self, o: &Override) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update overrides set state = $1, confirmed_by = $2, confirmed_at = $3, ended_by = $4, ended_at = $5,
                 end_why = $6, version = version + 1 where id = $7 and version = $8",
            )
            .bind(o.state.as_str())
            .bind(o.confirmed_by.map(|id| id.0))
            .bind(o.confirmed_at.map(ms))
            .bind(o.ended_by.map(|id| id.0))
            .bind(o.ended_at.map(ms))
            .bind(o.end_why.as_ref().map(Why::as_str))
            .bind(o.id.0)
            .bind(o.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("override"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("override")) }
    }

    /// All overrides of a window, newest request first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn overrides_of(&mut self, id: MaintenanceId) -> Result<Vec<Override>, StoreError> {
        parsed(on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from overrides where maintenance_id = $1 order by asked_at desc, id desc"
            )))
            .bind(id.0)
            .fetch_all(x)
            .await?
        }))
    }

    /// Requests that wait for a second person other than this one, oldest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn overrides_asked(&mut self, of_others_than: UserId, limit: i64) -> Result<Vec<Override>, StoreError> {
        parsed(on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from overrides where state = 'asked' and asked_by <> $1 order by asked_at, id limit $2"
            )))
            .bind(of_others_than.0)
            .bind(limit)
            .fetch_all(x)
            .await?
        }))
    }

    /// How many requests wait for a second person other than this one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_overrides_asked(&mut self, of_others_than: UserId) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar("select count(*) from overrides where state = 'asked' and asked_by <> $1")
                .bind(of_others_than.0)
                .fetch_one(x)
                .await?
        }))
    }

    /// Those of these windows that have an override in force.
    ///
    /// # Errors
    /// The database refused.
    pub async fn overridden_among(&mut self, ids: &[MaintenanceId]) -> Result<BTreeSet<MaintenanceId>, StoreError> {
        const SQL: &str =
            "select maintenance_id from overrides where state = 'confirmed' and maintenance_id in ({ids})";
        let mut found = BTreeSet::new();
        for ids in parts(ids.iter().map(|id| id.0)) {
            let rows = fetch_by_ids!(self, (Uuid,), SQL, &ids);
            found.extend(rows.into_iter().map(|(id,)| MaintenanceId(id)));
        }
        Ok(found)
    }
}

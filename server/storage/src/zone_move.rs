//! Windows that moved because the rules of their zone did.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::StoreError;
use domain::ids::{MaintenanceId, UpdateId};
use domain::maintenance::ZoneMove;
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

const COLUMNS: &str = "z.maintenance_id, z.update_id, z.old_starts_at, z.old_ends_at, z.starts_at, z.rules, z.found_at,
    z.decided_at, z.decided_by, z.told";

#[derive(sqlx::FromRow)]
struct MoveRow {
    maintenance_id: Uuid,
    update_id: Uuid,
    old_starts_at: i64,
    old_ends_at: i64,
    starts_at: i64,
    rules: String,
    found_at: i64,
    decided_at: Option<i64>,
    decided_by: Option<String>,
    told: Option<bool>,
}

impl TryFrom<MoveRow> for ZoneMove {
    type Error = StoreError;
    fn try_from(row: MoveRow) -> Result<Self, StoreError> {
        const T: &str = "zone_moves";
        let id = row.maintenance_id;
        Ok(Self {
            maintenance_id: MaintenanceId(id),
            update_id: UpdateId(row.update_id),
            old_starts_at: at(T, id, row.old_starts_at)?,
            old_ends_at: at(T, id, row.old_ends_at)?,
            starts_at: at(T, id, row.starts_at)?,
            rules: row.rules,
            found_at: at(T, id, row.found_at)?,
            decided_at: maybe_at(T, id, row.decided_at)?,
            decided_by: row.decided_by,
            told: row.told,
        })
    }
}

impl Tx {
    /// Keeps that a window moved; one move per window, the newest.
    ///
    /// # Errors
    /// No such window or update, or the database refused.
    pub async fn put_zone_move(&mut self, z: &ZoneMove) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into zone_moves (maintenance_id, update_id, old_starts_at, old_ends_at, starts_at, rules, found_at,
                 decided_at, decided_by, told) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 on conflict (maintenance_id) do update set update_id = $2, old_starts_at = $3, old_ends_at = $4,
                 starts_at = $5, rules = $6, found_at = $7, decided_at = $8, decided_by = $9, told = $10",
            )
            .bind(z.maintenance_id.0)
            .bind(z.update_id.0)
            .bind(ms(z.old_starts_at))
            .bind(ms(z.old_ends_at))
            .bind(ms(z.starts_at))
            .bind(&z.rules)
            .bind(ms(z.found_at))
            .bind(z.decided_at.map(ms))
            .bind(&z.decided_by)
            .bind(z.told)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The newest move of a window, decided or not; none where it never moved.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn zone_move(&mut self, id: MaintenanceId) -> Result<Option<ZoneMove>, StoreError> {
        let row: Option<MoveRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!("select {COLUMNS} from zone_moves z where z.maintenance_id = $1")))
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Moves that nobody has decided on, of windows that are still ahead at the time they moved to,
    /// earliest start first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn zone_moves_open(&mut self, now: Instant) -> Result<Vec<ZoneMove>, StoreError> {
        let rows: Vec<MoveRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from zone_moves z join maintenances m on m.id = z.maintenance_id
                 where z.decided_at is null and m.state = 'scheduled' and m.starts_at = z.starts_at and m.starts_at > $1
                 order by z.starts_at, z.maintenance_id"
            )))
            .bind(ms(now))
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }
}

//! The append-only audit log.

use crate::db::{Tx, at, ms, on_tx};
use crate::error::StoreError;
use domain::audit::AuditEntry;
use domain::ids::{AuditId, TokenId, UserId};
use domain::time::Instant;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct AuditRow {
    id: Uuid,
    at: i64,
    actor: String,
    user_id: Option<Uuid>,
    token_id: Option<Uuid>,
    action: String,
    object: String,
    object_id: String,
    object_name: String,
    before_json: Option<String>,
    after_json: Option<String>,
    ip: Option<String>,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StoreError;
    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AuditId(row.id),
            at: at("audit_log", row.id, row.at)?,
            actor: row.actor,
            user_id: row.user_id.map(UserId),
            token_id: row.token_id.map(TokenId),
            action: row.action,
            object: row.object,
            object_id: row.object_id,
            object_name: row.object_name,
            before: row.before_json,
            after: row.after_json,
            ip: row.ip,
        })
    }
}

/// What a program did, as far as it tells which program it was.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ProgramLine {
    /// The program, by the name that it had then.
    pub actor: String,
    /// What it did.
    pub action: String,
    /// What it was afterwards, as JSON.
    #[sqlx(rename = "after_json")]
    pub after: Option<String>,
}

impl Tx {
    /// Adds a line. There is no way to change or remove one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn add_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into audit_log (id, at, actor, user_id, token_id, action, object, object_id, object_name, before_json, after_json, ip)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(entry.id.0)
            .bind(ms(entry.at))
            .bind(&entry.actor)
            .bind(entry.user_id.map(|id| id.0))
            .bind(entry.token_id.map(|id| id.0))
            .bind(&entry.action)
            .bind(&entry.object)
            .bind(&entry.object_id)
            .bind(&entry.object_name)
            .bind(&entry.before)
            .bind(&entry.after)
            .bind(&entry.ip)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The newest lines strictly before a position, newest first; of one kind of thing or of one
    /// thing, where asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn audit_before(
        &mut self,
        before: Option<(Instant, AuditId)>,
        object: Option<&str>,
        object_id: Option<&str>,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let (before_at, before_id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (ms(at), id.0));
        let rows: Vec<AuditRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, at, actor, user_id, token_id, action, object, object_id, object_name, before_json, after_json, ip
                 from audit_log
                 where (at < $1 or (at = $1 and id < $2)) and ($3 = '' or object = $3) and ($4 = '' or object_id = $4)
                 order by at desc, id desc limit $5",
            )
            .bind(before_at)
            .bind(before_id)
            .bind(object.unwrap_or_default())
            .bind(object_id.unwrap_or_default())
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What was done to one thing by programs, without a person, the newest first. What they do often and what tells
    /// nothing is left out: `without`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit_of_programs(
        &mut self,
        object: &str,
        object_id: &str,
        without: &str,
        limit: i64,
    ) -> Result<Vec<ProgramLine>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select actor, action, after_json from audit_log
                 where object = $1 and object_id = $2 and user_id is null and action <> $3
                 order by at desc, id desc limit $4",
            )
            .bind(object)
            .bind(object_id)
            .bind(without)
            .bind(limit)
            .fetch_all(x)
            .await?
        }))
    }

    /// The kinds of things the log speaks of, read from the index one by one, not line by line.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit_objects(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "with recursive kinds (object) as (
                     select min(object) from audit_log
                     union all
                     select (select min(a.object) from audit_log a where a.object > k.object)
                     from kinds k where k.object is not null
                 )
                 select object from kinds where object is not null",
            )
            .fetch_all(x)
            .await?
        }))
    }
}

//! Corrections of the history, also those that were withdrawn.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::correction::{Correction, Withdrawn};
use domain::ids::{ComponentId, CorrectionId, UserId};
use domain::impact::{Known, Source};
use domain::text::Why;
use domain::time::Stretch;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "select id, component_id, state, from_at, to_at, reason, created_at, created_by, by_name, withdrawn_at,
         withdrawn_by_name, withdrawn_why, version from corrections"
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    component_id: Uuid,
    state: String,
    from_at: i64,
    to_at: i64,
    reason: String,
    created_at: i64,
    created_by: Option<Uuid>,
    by_name: String,
    withdrawn_at: Option<i64>,
    withdrawn_by_name: Option<String>,
    withdrawn_why: Option<String>,
    version: i64,
}

impl TryFrom<Row> for Correction {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        const T: &str = "corrections";
        let why = |text: &str| Why::parse(text).map_err(|e| corrupt(T, row.id, e));
        let withdrawn = match (maybe_at(T, row.id, row.withdrawn_at)?, row.withdrawn_by_name, row.withdrawn_why) {
            (Some(at), Some(by), Some(text)) => Some(Withdrawn { at, by, why: why(&text)? }),
            (None, None, None) => None,
            _ => return Err(corrupt(T, row.id, "half withdrawn")),
        };
        Ok(Self {
            id: CorrectionId(row.id),
            component: ComponentId(row.component_id),
            stretch: Stretch::new(at(T, row.id, row.from_at)?, at(T, row.id, row.to_at)?),
            known: Known::parse(&row.state).map_err(|e| corrupt(T, row.id, e))?,
            reason: why(&row.reason)?,
            created_at: at(T, row.id, row.created_at)?,
            created_by: row.created_by.map(UserId),
            by: row.by_name,
            withdrawn,
            version: row.version,
        })
    }
}

impl Tx {
    /// Keeps a new correction.
    ///
    /// # Errors
    /// There is no such component, or the database refused.
    pub async fn insert_correction(&mut self, correction: &Correction) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into corrections (id, component_id, state, from_at, to_at, reason, created_at, created_by,
                 by_name, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(correction.id.0)
            .bind(correction.component.0)
            .bind(correction.known.as_str())
            .bind(ms(correction.stretch.from))
            .bind(ms(correction.stretch.to))
            .bind(correction.reason.as_str())
            .bind(ms(correction.created_at))
            .bind(correction.created_by.map(|id| id.0))
            .bind(&correction.by)
            .bind(correction.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("component"))?;
        });
        Ok(())
    }

    /// Keeps that a correction was withdrawn, if nobody changed it since it was read, and takes its word out of
    /// the history. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn withdraw_correction(
        &mut self,
        id: CorrectionId,
        version: i64,
        withdrawn: &Withdrawn,
    ) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            let done = sqlx::query(
                "update corrections set withdrawn_at = $1, withdrawn_by_name = $2, withdrawn_why = $3,
                 version = version + 1 where id = $4 and version = $5 and withdrawn_at is null",
            )
            .bind(ms(withdrawn.at))
            .bind(&withdrawn.by)
            .bind(withdrawn.why.as_str())
            .bind(id.0)
            .bind(version)
            .execute(&mut *x)
            .await?
            .rows_affected();
            if done == 1 {
                sqlx::query("delete from impacts where source = $1 and source_id = $2")
                    .bind(Source::Correction.as_str())
                    .bind(id.0)
                    .execute(x)
                    .await?;
            }
            done
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("correction")) }
    }

    /// A correction.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn correction(&mut self, id: CorrectionId) -> Result<Correction, StoreError> {
        let row: Option<Row> = on_tx!(self, |x| {
            sqlx::query_as(concat!(columns!(), " where id = $1")).bind(id.0).fetch_optional(x).await?
        });
        row.ok_or(StoreError::NotFound("correction"))?.try_into()
    }

    /// Corrections of one component or of all, the newest first, so many at most.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn corrections(
        &mut self,
        of: Option<ComponentId>,
        withdrawn_too: bool,
        limit: i64,
    ) -> Result<Vec<Correction>, StoreError> {
        let rows: Vec<Row> = on_tx!(self, |x| {
            match of {
                Some(of) => {
                    sqlx::query_as(concat!(
                        columns!(),
                        " where component_id = $1 and ($2 or withdrawn_at is null) order by created_at desc, id desc limit $3"
                    ))
                    .bind(of.0)
                    .bind(withdrawn_too)
                    .bind(limit)
                    .fetch_all(x)
                    .await?
                }
                None => {
                    sqlx::query_as(concat!(
                        columns!(),
                        " where ($1 or withdrawn_at is null) order by created_at desc, id desc limit $2"
                    ))
                    .bind(withdrawn_too)
                    .bind(limit)
                    .fetch_all(x)
                    .await?
                }
            }
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }
}

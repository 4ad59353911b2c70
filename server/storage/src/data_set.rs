//! Data sets: what lies on a host and must not be lost.

use crate::db::{Tx, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::host::{References, mentions};
use domain::host::{DataKind, DataSet};
use domain::ids::{DataSetId, HostId};
use domain::text::Name;
use domain::time::Instant;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, host_id, name, kind, retired_at, version"
    };
}
pub(crate) use columns as data_set_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct DataSetRow {
    id: Uuid,
    host_id: Uuid,
    name: String,
    kind: String,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<DataSetRow> for DataSet {
    type Error = StoreError;
    fn try_from(row: DataSetRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: DataSetId(row.id),
            host_id: HostId(row.host_id),
            name: Name::parse(&row.name).map_err(|e| corrupt("data_sets", row.id, e))?,
            kind: kind_of(row.id, &row.kind)?,
            retired_at: maybe_at("data_sets", row.id, row.retired_at)?,
            version: row.version,
        })
    }
}

pub(crate) fn kind_of(id: Uuid, kind: &str) -> Result<DataKind, StoreError> {
    kind.parse().map_err(|_| corrupt("data_sets", id, format!("kind {kind}")))
}

impl Tx {
    /// Stores a new data set.
    ///
    /// # Errors
    /// Its name is taken on its host, or the database refused.
    pub async fn insert_data_set(&mut self, data_set: &DataSet, created_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into data_sets (id, host_id, name, name_key, kind, retired_at, version, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(data_set.id.0)
            .bind(data_set.host_id.0)
            .bind(data_set.name.as_str())
            .bind(data_set.name.key())
            .bind(data_set.kind.as_str())
            .bind(data_set.retired_at.map(ms))
            .bind(data_set.version)
            .bind(ms(created_at))
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("data set"))?;
        });
        Ok(())
    }

    /// Stores a changed data set, if nobody did since it was read. Raises its version; it stays
    /// on its host.
    ///
    /// # Errors
    /// Stale, its name is taken, or the database refused.
    pub async fn update_data_set(&mut self, data_set: &DataSet) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update data_sets set name = $1, name_key = $2, kind = $3, retired_at = $4, version = version + 1
                 where id = $5 and version = $6",
            )
            .bind(data_set.name.as_str())
            .bind(data_set.name.key())
            .bind(data_set.kind.as_str())
            .bind(data_set.retired_at.map(ms))
            .bind(data_set.id.0)
            .bind(data_set.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("data set"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("data set")) }
    }

    /// Removes a data set to which nothing refers.
    ///
    /// # Errors
    /// Something refers to it, or the database refused.
    pub async fn delete_data_set(&mut self, id: DataSetId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from data_sets where id = $1")
                .bind(id.0)
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("data set"))?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("data set")) }
    }

    /// A data set, in use or retired.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn data_set(&mut self, id: DataSetId) -> Result<DataSet, StoreError> {
        let row: Option<DataSetRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from data_sets where id = $1"))
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("data set"))?.try_into()
    }

    /// The data set in use with this name ([`Name::key`]) on a host.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn data_set_named(&mut self, host: HostId, key: &str) -> Result<Option<DataSet>, StoreError> {
        let row: Option<DataSetRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from data_sets where host_id = $1 and name_key = $2 and retired_at is null"
            ))
            .bind(host.0)
            .bind(key)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// All data sets by name; retired ones too if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn data_sets(&mut self, retired_too: bool) -> Result<Vec<DataSet>, StoreError> {
        let rows: Vec<DataSetRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from data_sets where ($1 or retired_at is null) order by name_key, id"
            ))
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The data sets of a host by name; retired ones too if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn data_sets_of(&mut self, host: HostId, retired_too: bool) -> Result<Vec<DataSet>, StoreError> {
        let rows: Vec<DataSetRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from data_sets where host_id = $1 and ($2 or retired_at is null) order by name_key, id"
            ))
            .bind(host.0)
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Data sets in the order they were made, after one of them; of one host if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn data_sets_after(
        &mut self,
        after: Option<DataSetId>,
        host: Option<HostId>,
        retired_too: bool,
        limit: i64,
    ) -> Result<Vec<DataSet>, StoreError> {
        let rows: Vec<DataSetRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from data_sets where id > $1 and ($2 or host_id = $3) and ($4 or retired_at is null)
                 order by id limit $5"
            ))
            .bind(after.map_or(Uuid::nil(), DataSetId::uuid))
            .bind(host.is_none())
            .bind(host.map_or(Uuid::nil(), HostId::uuid))
            .bind(retired_too)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What refers to a data set and its jobs, from outside of it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn data_set_references(&mut self, id: DataSetId) -> Result<References, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select
                 (select count(*) from runs r join jobs j on j.id = r.job_id where j.data_set_id = $1) as runs,
                 (select count(*) from verdicts where evidence_json like $2
                  and asked_at >= (select created_at from data_sets where id = $1)) as verdicts,
                 (select count(*) from jobs j join jobs c on c.id = j.carried_by
                  where c.data_set_id = $1 and j.data_set_id <> $1) as jobs,
                 (select count(*) from drills where data_set_id = $1) as drills",
            )
            .bind(id.0)
            .bind(mentions(id.0))
            .fetch_one(x)
            .await?
        }))
    }
}

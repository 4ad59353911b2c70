//! Freezes with their times and what they hold for.

use crate::conflict::force;
use crate::db::{Tx, at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use chrono::NaiveDateTime;
use domain::freeze::{Freeze, FreezeTime, Source};
use domain::gate::Scope;
use domain::ids::{ComponentId, FreezeId, HostId};
use domain::text::Name;
use domain::time::Stretch;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How a local wall-clock time is stored.
const LOCAL: &str = "%Y-%m-%dT%H:%M:%S";

#[derive(sqlx::FromRow)]
struct FreezeRow {
    id: Uuid,
    name: String,
    whole_site: bool,
    force: String,
    calendar: Option<String>,
    uid: Option<String>,
    version: i64,
}

#[derive(sqlx::FromRow)]
struct TimeRow {
    freeze_id: Uuid,
    zone: String,
    local_start: String,
    local_end: String,
    starts_at: i64,
    ends_at: i64,
}

impl TryFrom<TimeRow> for FreezeTime {
    type Error = StoreError;
    fn try_from(row: TimeRow) -> Result<Self, StoreError> {
        const T: &str = "freeze_times";
        let local = |text: &str| NaiveDateTime::parse_from_str(text, LOCAL).map_err(|e| corrupt(T, row.freeze_id, e));
        Ok(Self {
            local_start: local(&row.local_start)?,
            local_end: local(&row.local_end)?,
            stretch: Stretch::new(at(T, row.freeze_id, row.starts_at)?, at(T, row.freeze_id, row.ends_at)?),
            zone: row.zone,
        })
    }
}

impl FreezeRow {
    fn with(self, scope: Scope, times: Vec<FreezeTime>) -> Result<Freeze, StoreError> {
        const T: &str = "freezes";
        let name = |text: &str| Name::parse(text).map_err(|e| corrupt(T, self.id, e));
        let source = match (&self.calendar, &self.uid) {
            (Some(calendar), Some(uid)) => Some(Source { calendar: name(calendar)?, uid: uid.clone() }),
            (None, None) => None,
            _ => return Err(corrupt(T, self.id, "half a source")),
        };
        Ok(Freeze {
            id: FreezeId(self.id),
            name: name(&self.name)?,
            only: (!self.whole_site).then_some(scope),
            force: force(T, self.id, &self.force)?,
            source,
            times,
            version: self.version,
        })
    }
}

impl Tx {
    /// Freezes of which some time overlaps a stretch, by name, with those of their times that do.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn freezes_within(&mut self, within: Stretch) -> Result<Vec<Freeze>, StoreError> {
        let times: Vec<TimeRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select freeze_id, zone, local_start, local_end, starts_at, ends_at from freeze_times
                 where ends_at > $1 and starts_at < $2 order by freeze_id, starts_at",
            )
            .bind(ms(within.from))
            .bind(ms(within.to))
            .fetch_all(x)
            .await?
        });
        let mut freezes = self.freezes_with(times).await?;
        freezes.retain(|freeze| !freeze.times.is_empty());
        Ok(freezes)
    }

    /// All freezes by name, with all their times.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn freezes(&mut self) -> Result<Vec<Freeze>, StoreError> {
        let times: Vec<TimeRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select freeze_id, zone, local_start, local_end, starts_at, ends_at from freeze_times
                 order by freeze_id, starts_at",
            )
            .fetch_all(x)
            .await?
        });
        self.freezes_with(times).await
    }

    async fn freezes_with(&mut self, times: Vec<TimeRow>) -> Result<Vec<Freeze>, StoreError> {
        let rows: Vec<FreezeRow> = on_tx!(self, |x| {
            sqlx::query_as("select id, name, whole_site, force, calendar, uid, version from freezes order by name, id")
                .fetch_all(x)
                .await?
        });
        let hosts: Vec<(Uuid, Uuid)> = on_tx!(self, |x| {
            sqlx::query_as("select freeze_id, host_id from freeze_hosts order by freeze_id, host_id")
                .fetch_all(x)
                .await?
        });
        let components: Vec<(Uuid, Uuid)> = on_tx!(self, |x| {
            sqlx::query_as("select freeze_id, component_id from freeze_components order by freeze_id, component_id")
                .fetch_all(x)
                .await?
        });
        let mut of_freeze: BTreeMap<Uuid, (Scope, Vec<FreezeTime>)> = BTreeMap::new();
        for (freeze, host) in hosts {
            of_freeze.entry(freeze).or_default().0.hosts.insert(HostId(host));
        }
        for (freeze, component) in components {
            of_freeze.entry(freeze).or_default().0.components.insert(ComponentId(component));
        }
        for time in times {
            of_freeze.entry(time.freeze_id).or_default().1.push(time.try_into()?);
        }
        rows.into_iter()
            .map(|row| {
                let (scope, times) = of_freeze.remove(&row.id).unwrap_or_default();
                row.with(scope, times)
            })
            .collect()
    }

    /// Stores a new freeze.
    ///
    /// # Errors
    /// The calendar has this entry already, something it names does not exist, or the database refused.
    pub async fn insert_freeze(&mut self, freeze: &Freeze) -> Result<(), StoreError> {
        let source = freeze.source.as_ref();
        on_tx!(self, |x| {
            sqlx::query(
                "insert into freezes (id, name, whole_site, force, calendar, calendar_key, uid, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(freeze.id.0)
            .bind(freeze.name.as_str())
            .bind(freeze.only.is_none())
            .bind(freeze.force.as_str())
            .bind(source.map(|source| source.calendar.as_str()))
            .bind(source.map(|source| source.calendar.key()))
            .bind(source.map(|source| source.uid.as_str()))
            .bind(freeze.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("freeze"))?;
        });
        self.put_freeze(freeze).await
    }

    /// Stores a changed freeze, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, something it names does not exist, or the database refused.
    pub async fn update_freeze(&mut self, freeze: &Freeze) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update freezes set name = $1, whole_site = $2, force = $3, version = version + 1
                 where id = $4 and version = $5",
            )
            .bind(freeze.name.as_str())
            .bind(freeze.only.is_none())
            .bind(freeze.force.as_str())
            .bind(freeze.id.0)
            .bind(freeze.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("freeze"));
        }
        for table in ["freeze_hosts", "freeze_components", "freeze_times"] {
            let sql = format!("delete from {table} where freeze_id = $1");
            on_tx!(self, |x| {
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(freeze.id.0).execute(x).await?;
            });
        }
        self.put_freeze(freeze).await
    }

    async fn put_freeze(&mut self, freeze: &Freeze) -> Result<(), StoreError> {
        for host in freeze.only.iter().flat_map(|scope| &scope.hosts) {
            on_tx!(self, |x| {
                sqlx::query("insert into freeze_hosts (freeze_id, host_id) values ($1, $2)")
                    .bind(freeze.id.0)
                    .bind(host.0)
                    .execute(x)
                    .await
                    .map_err(|e| StoreError::from(e).naming("host"))?;
            });
        }
        for component in freeze.only.iter().flat_map(|scope| &scope.components) {
            on_tx!(self, |x| {
                sqlx::query("insert into freeze_components (freeze_id, component_id) values ($1, $2)")
                    .bind(freeze.id.0)
                    .bind(component.0)
                    .execute(x)
                    .await
                    .map_err(|e| StoreError::from(e).naming("component"))?;
            });
        }
        for time in &freeze.times {
            on_tx!(self, |x| {
                sqlx::query(
                    "insert into freeze_times (freeze_id, zone, local_start, local_end, starts_at, ends_at)
                     values ($1, $2, $3, $4, $5, $6)",
                )
                .bind(freeze.id.0)
                .bind(&time.zone)
                .bind(time.local_start.format(LOCAL).to_string())
                .bind(time.local_end.format(LOCAL).to_string())
                .bind(ms(time.stretch.from))
                .bind(ms(time.stretch.to))
                .execute(x)
                .await?;
            });
        }
        Ok(())
    }

    /// Removes a freeze.
    ///
    /// # Errors
    /// There is none, or the database refused.
    pub async fn delete_freeze(&mut self, id: FreezeId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from freezes where id = $1").bind(id.0).execute(x).await?.rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("freeze")) }
    }
}

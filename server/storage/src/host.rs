//! Hosts: what runs on what, exemptions, and where a host's policy differs.

use crate::db::{Tx, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::gate::{HostNode, Topology};
use domain::host::{Exemption, Host};
use domain::ids::{ComponentId, HostId};
use domain::policy::{PolicyOverride, RestoreOverride};
use domain::text::Name;
use domain::time::{Instant, Span};
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, name, note, owner, runs_on, exempt_reason, exempt_by, exempt_at, schedule_max_age_s, start_max_age_s,
         warnings_are_good, drill_max_age_s, rto_s, slow_restore_blocks, retired_at, version"
    };
}
pub(crate) use columns as host_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct HostRow {
    id: Uuid,
    name: String,
    note: String,
    owner: String,
    runs_on: Option<Uuid>,
    exempt_reason: Option<String>,
    exempt_by: Option<String>,
    exempt_at: Option<i64>,
    schedule_max_age_s: Option<i64>,
    start_max_age_s: Option<i64>,
    warnings_are_good: Option<bool>,
    drill_max_age_s: Option<i64>,
    rto_s: Option<i64>,
    slow_restore_blocks: Option<bool>,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<HostRow> for Host {
    type Error = StoreError;
    fn try_from(row: HostRow) -> Result<Self, StoreError> {
        let exempt_at = maybe_at("hosts", row.id, row.exempt_at)?;
        let exemption = match (row.exempt_reason, row.exempt_by, exempt_at) {
            (Some(reason), Some(by), Some(at)) => Some(Exemption { reason, by, at }),
            (None, None, None) => None,
            _ => return Err(corrupt("hosts", row.id, "half an exemption")),
        };
        Ok(Self {
            id: HostId(row.id),
            name: Name::parse(&row.name).map_err(|e| corrupt("hosts", row.id, e))?,
            note: row.note,
            owner: row.owner,
            runs_on: row.runs_on.map(HostId),
            exemption,
            policy: PolicyOverride {
                schedule_max_age: row.schedule_max_age_s.map(Span::seconds),
                start_max_age: row.start_max_age_s.map(Span::seconds),
                warnings_are_good: row.warnings_are_good,
                restore: RestoreOverride {
                    drill_max_age: row.drill_max_age_s.map(Span::seconds),
                    rto: row.rto_s.map(Span::seconds),
                    slow_restore_blocks: row.slow_restore_blocks,
                },
            },
            retired_at: maybe_at("hosts", row.id, row.retired_at)?,
            version: row.version,
        })
    }
}

/// How many things refer to something that is to be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
#[sqlx(default)]
pub struct References {
    /// Backup runs.
    pub runs: i64,
    /// Maintenance windows that name it.
    pub maintenances: i64,
    /// Kept answers of the gate that speak of it.
    pub verdicts: i64,
    /// Hosts that run, or ran, on it.
    pub hosts: i64,
    /// Components that stand on it.
    pub components: i64,
    /// Jobs elsewhere that it carries, or carried.
    pub jobs: i64,
    /// Subscribers who chose it.
    pub subscribers: i64,
    /// Webhooks that follow it.
    pub webhooks: i64,
    /// Restore drills.
    pub drills: i64,
    /// Announcements about it.
    pub announcements: i64,
    /// Incidents that speak of it.
    pub incidents: i64,
    /// Stretches of its history.
    pub stretches: i64,
}

impl References {
    /// Nothing does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A window that is not over, as far as a refusal names it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenWindow {
    /// Small number for people.
    pub number: i64,
    /// What will be done.
    pub title: String,
}

impl Tx {
    /// Stores a new host.
    ///
    /// # Errors
    /// Its name is taken, or the database refused.
    pub async fn insert_host(&mut self, host: &Host, created_at: Instant) -> Result<(), StoreError> {
        let exemption = host.exemption.as_ref();
        on_tx!(self, |x| {
            sqlx::query(
                "insert into hosts (id, name, name_key, note, runs_on, exempt_reason, exempt_by, exempt_at,
                 schedule_max_age_s, start_max_age_s, warnings_are_good, drill_max_age_s, rto_s, slow_restore_blocks,
                 retired_at, version, created_at, owner)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            )
            .bind(host.id.0)
            .bind(host.name.as_str())
            .bind(host.name.key())
            .bind(&host.note)
            .bind(host.runs_on.map(|id| id.0))
            .bind(exemption.map(|e| &e.reason))
            .bind(exemption.map(|e| &e.by))
            .bind(exemption.map(|e| ms(e.at)))
            .bind(host.policy.schedule_max_age.map(Span::as_seconds))
            .bind(host.policy.start_max_age.map(Span::as_seconds))
            .bind(host.policy.warnings_are_good)
            .bind(host.policy.restore.drill_max_age.map(Span::as_seconds))
            .bind(host.policy.restore.rto.map(Span::as_seconds))
            .bind(host.policy.restore.slow_restore_blocks)
            .bind(host.retired_at.map(ms))
            .bind(host.version)
            .bind(ms(created_at))
            .bind(&host.owner)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("host"))?;
        });
        Ok(())
    }

    /// Stores a changed host, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its name is taken, or the database refused.
    pub async fn update_host(&mut self, host: &Host) -> Result<(), StoreError> {
        let exemption = host.exemption.as_ref();
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update hosts set name = $1, name_key = $2, note = $3, runs_on = $4, exempt_reason = $5, exempt_by = $6,
                 exempt_at = $7, schedule_max_age_s = $8, start_max_age_s = $9, warnings_are_good = $10,
                 drill_max_age_s = $11, rto_s = $12, slow_restore_blocks = $13, retired_at = $14, owner = $15,
                 version = version + 1 where id = $16 and version = $17",
            )
            .bind(host.name.as_str())
            .bind(host.name.key())
            .bind(&host.note)
            .bind(host.runs_on.map(|id| id.0))
            .bind(exemption.map(|e| &e.reason))
            .bind(exemption.map(|e| &e.by))
            .bind(exemption.map(|e| ms(e.at)))
            .bind(host.policy.schedule_max_age.map(Span::as_seconds))
            .bind(host.policy.start_max_age.map(Span::as_seconds))
            .bind(host.policy.warnings_are_good)
            .bind(host.policy.restore.drill_max_age.map(Span::as_seconds))
            .bind(host.policy.restore.rto.map(Span::as_seconds))
            .bind(host.policy.restore.slow_restore_blocks)
            .bind(host.retired_at.map(ms))
            .bind(&host.owner)
            .bind(host.id.0)
            .bind(host.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("host"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("host")) }
    }

    /// Removes a host to which nothing refers.
    ///
    /// # Errors
    /// Something refers to it, or the database refused.
    pub async fn delete_host(&mut self, id: HostId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from hosts where id = $1")
                .bind(id.0)
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("host"))?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("host")) }
    }

    /// A host, in use or retired.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn host(&mut self, id: HostId) -> Result<Host, StoreError> {
        let row: Option<HostRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from hosts where id = $1"))
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("host"))?.try_into()
    }

    /// The host in use with this name ([`Name::key`]).
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn host_named(&mut self, key: &str) -> Result<Option<Host>, StoreError> {
        let row: Option<HostRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from hosts where name_key = $1 and retired_at is null"))
                .bind(key)
                .fetch_optional(x)
                .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// All hosts by name; retired ones too if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn hosts(&mut self, retired_too: bool) -> Result<Vec<Host>, StoreError> {
        let rows: Vec<HostRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from hosts where ($1 or retired_at is null) order by name_key, id"
            ))
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Hosts in the order they were made, after one of them.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn hosts_after(
        &mut self,
        after: Option<HostId>,
        retired_too: bool,
        limit: i64,
    ) -> Result<Vec<Host>, StoreError> {
        let rows: Vec<HostRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from hosts where id > $1 and ($2 or retired_at is null) order by id limit $3"
            ))
            .bind(after.map_or(Uuid::nil(), HostId::uuid))
            .bind(retired_too)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Hosts that run directly on one; retired ones too if asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn guests_of(&mut self, id: HostId, retired_too: bool) -> Result<Vec<Host>, StoreError> {
        let rows: Vec<HostRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from hosts where runs_on = $1 and ($2 or retired_at is null) order by name_key, id"
            ))
            .bind(id.0)
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Every host in use, and what stands on it. A retired component that a window still names
    /// counts: so does what is behind it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn topology(&mut self) -> Result<Topology, StoreError> {
        let hosts: Vec<(Uuid, Option<Uuid>)> = on_tx!(self, |x| {
            sqlx::query_as("select id, runs_on from hosts where retired_at is null order by id").fetch_all(x).await?
        });
        let behind: Vec<(Uuid, Uuid)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select ch.component_id, ch.host_id from component_hosts ch
                 join hosts h on h.id = ch.host_id and h.retired_at is null
                 order by ch.component_id, ch.host_id",
            )
            .fetch_all(x)
            .await?
        });
        Ok(Topology {
            hosts: hosts.into_iter().map(|(id, on)| HostNode { id: HostId(id), runs_on: on.map(HostId) }).collect(),
            behind: behind.into_iter().map(|(component, host)| (ComponentId(component), HostId(host))).collect(),
        })
    }

    /// What refers to a host, its data sets and its jobs, from outside of it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn host_references(&mut self, id: HostId) -> Result<References, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select
                 (select count(*) from runs r join jobs j on j.id = r.job_id join data_sets d on d.id = j.data_set_id
                  where d.host_id = $1) as runs,
                 (select count(*) from maintenance_hosts where host_id = $1)
                 + (select count(*) from series_hosts where host_id = $1) as maintenances,
                 (select count(*) from verdicts where evidence_json like $2
                  and asked_at >= (select created_at from hosts where id = $1)) as verdicts,
                 (select count(*) from hosts where runs_on = $1) as hosts,
                 (select count(*) from component_hosts where host_id = $1) as components,
                 (select count(*) from jobs j join data_sets d on d.id = j.data_set_id
                  join jobs c on c.id = j.carried_by join data_sets e on e.id = c.data_set_id
                  where e.host_id = $1 and d.host_id <> $1) as jobs,
                 (select count(*) from drills where host_id = $1) as drills",
            )
            .bind(id.0)
            .bind(mentions(id.0))
            .fetch_one(x)
            .await?
        }))
    }

    /// Windows not yet over, drafts included, that name a host.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_windows_of_host(&mut self, id: HostId) -> Result<Vec<OpenWindow>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select m.number, m.title from maintenances m join maintenance_hosts h on h.maintenance_id = m.id
                 where h.host_id = $1 and m.state not in ('completed', 'cancelled') order by m.number",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        }))
    }
}

/// A pattern for `like` that finds an id in stored JSON.
pub(crate) fn mentions(id: Uuid) -> String {
    format!("%{id}%")
}

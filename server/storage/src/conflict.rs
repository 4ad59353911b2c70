//! The rules about conflicts: the policy, redundancy groups, and who went ahead all the same.

use crate::db::{Tx, at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::conflict::{Conflict, ConflictPolicy, Force, RedundancyGroup};
use domain::ids::{HostId, MaintenanceId, RedundancyGroupId};
use domain::text::{Name, Why};
use domain::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Somebody went ahead in spite of conflicts, and said why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedConflicts {
    /// Identity.
    pub id: Uuid,
    /// With which window.
    pub maintenance_id: MaintenanceId,
    /// When.
    pub at: Instant,
    /// Their name then.
    pub by: String,
    /// Why.
    pub why: Why,
    /// All that stood in the way.
    pub conflicts: Vec<Conflict>,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    id: Uuid,
    name: String,
    force: Option<String>,
    version: i64,
}

#[derive(sqlx::FromRow)]
struct AcceptedRow {
    id: Uuid,
    maintenance_id: Uuid,
    at: i64,
    by_name: String,
    why: String,
    conflicts_json: String,
}

impl TryFrom<AcceptedRow> for AcceptedConflicts {
    type Error = StoreError;
    fn try_from(row: AcceptedRow) -> Result<Self, StoreError> {
        const T: &str = "accepted_conflicts";
        Ok(Self {
            id: row.id,
            maintenance_id: MaintenanceId(row.maintenance_id),
            at: at(T, row.id, row.at)?,
            by: row.by_name,
            why: Why::parse(&row.why).map_err(|e| corrupt(T, row.id, e))?,
            conflicts: serde_json::from_str(&row.conflicts_json).map_err(|e| corrupt(T, row.id, e))?,
        })
    }
}

pub(crate) fn force(table: &'static str, id: Uuid, text: &str) -> Result<Force, StoreError> {
    text.parse().map_err(|e| corrupt(table, id, e))
}

impl Tx {
    /// The site's rule about conflicts.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn conflict_policy(&mut self) -> Result<ConflictPolicy, StoreError> {
        let (redundancy, version): (String, i64) = on_tx!(self, |x| {
            sqlx::query_as("select redundancy, version from conflict_policy where one = 1").fetch_one(x).await?
        });
        Ok(ConflictPolicy { redundancy: force("conflict_policy", Uuid::nil(), &redundancy)?, version })
    }

    /// Stores another rule, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_conflict_policy(&mut self, policy: &ConflictPolicy) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update conflict_policy set redundancy = $1, version = version + 1 where one = 1 and version = $2",
            )
            .bind(policy.redundancy.as_str())
            .bind(policy.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("conflict policy")) }
    }

    /// All redundancy groups, by name.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn redundancy_groups(&mut self) -> Result<Vec<RedundancyGroup>, StoreError> {
        let rows: Vec<GroupRow> = on_tx!(self, |x| {
            sqlx::query_as("select id, name, force, version from redundancy_groups order by name_key, id")
                .fetch_all(x)
                .await?
        });
        let members: Vec<(Uuid, Uuid)> = on_tx!(self, |x| {
            sqlx::query_as("select group_id, host_id from redundancy_hosts order by group_id, host_id")
                .fetch_all(x)
                .await?
        });
        let mut of_group: BTreeMap<Uuid, BTreeSet<HostId>> = BTreeMap::new();
        for (group, host) in members {
            of_group.entry(group).or_default().insert(HostId(host));
        }
        rows.into_iter()
            .map(|row| {
                Ok(RedundancyGroup {
                    id: RedundancyGroupId(row.id),
                    name: Name::parse(&row.name).map_err(|e| corrupt("redundancy_groups", row.id, e))?,
                    hosts: of_group.remove(&row.id).unwrap_or_default(),
                    force: row.force.map(|text| force("redundancy_groups", row.id, &text)).transpose()?,
                    version: row.version,
                })
            })
            .collect()
    }

    /// Stores a new redundancy group.
    ///
    /// # Errors
    /// Its name is taken, a host does not exist, or the database refused.
    pub async fn insert_redundancy_group(&mut self, group: &RedundancyGroup) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into redundancy_groups (id, name, name_key, force, version) values ($1, $2, $3, $4, $5)",
            )
            .bind(group.id.0)
            .bind(group.name.as_str())
            .bind(group.name.key())
            .bind(group.force.map(Force::as_str))
            .bind(group.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("redundancy group"))?;
        });
        self.put_redundant_hosts(group).await
    }

    /// Stores a changed redundancy group, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its name is taken, a host does not exist, or the database refused.
    pub async fn update_redundancy_group(&mut self, group: &RedundancyGroup) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update redundancy_groups set name = $1, name_key = $2, force = $3, version = version + 1
                 where id = $4 and version = $5",
            )
            .bind(group.name.as_str())
            .bind(group.name.key())
            .bind(group.force.map(Force::as_str))
            .bind(group.id.0)
            .bind(group.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("redundancy group"))?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("redundancy group"));
        }
        on_tx!(self, |x| {
            sqlx::query("delete from redundancy_hosts where group_id = $1").bind(group.id.0).execute(x).await?;
        });
        self.put_redundant_hosts(group).await
    }

    async fn put_redundant_hosts(&mut self, group: &RedundancyGroup) -> Result<(), StoreError> {
        for host in &group.hosts {
            on_tx!(self, |x| {
                sqlx::query("insert into redundancy_hosts (group_id, host_id) values ($1, $2)")
                    .bind(group.id.0)
                    .bind(host.0)
                    .execute(x)
                    .await
                    .map_err(|e| StoreError::from(e).naming("host"))?;
            });
        }
        Ok(())
    }

    /// Removes a redundancy group.
    ///
    /// # Errors
    /// There is none, or the database refused.
    pub async fn delete_redundancy_group(&mut self, id: RedundancyGroupId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from redundancy_groups where id = $1").bind(id.0).execute(x).await?.rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("redundancy group")) }
    }

    /// Keeps that somebody went ahead.
    ///
    /// # Errors
    /// There is no such window, or the database refused.
    pub async fn add_accepted_conflicts(&mut self, accepted: &AcceptedConflicts) -> Result<(), StoreError> {
        let json =
            serde_json::to_string(&accepted.conflicts).map_err(|e| corrupt("accepted_conflicts", accepted.id, e))?;
        on_tx!(self, |x| {
            sqlx::query(
                "insert into accepted_conflicts (id, maintenance_id, at, by_name, why, conflicts_json)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(accepted.id)
            .bind(accepted.maintenance_id.0)
            .bind(ms(accepted.at))
            .bind(&accepted.by)
            .bind(accepted.why.as_str())
            .bind(json)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("maintenance"))?;
        });
        Ok(())
    }

    /// Who went ahead with a window in spite of conflicts, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn accepted_conflicts_of(&mut self, id: MaintenanceId) -> Result<Vec<AcceptedConflicts>, StoreError> {
        let rows: Vec<AcceptedRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, maintenance_id, at, by_name, why, conflicts_json from accepted_conflicts
                 where maintenance_id = $1 order by at desc, id desc",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }
}

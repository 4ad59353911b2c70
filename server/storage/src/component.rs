//! Components in ordered groups, and the hosts behind them.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list, parts};
use crate::host::{OpenWindow, References, mentions};
use domain::component::{Component, Group};
use domain::ids::{ComponentId, GroupId, HostId};
use domain::text::{Name, Slug};
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

macro_rules! columns {
    () => {
        "c.id, c.group_id, c.name, c.slug, c.description, c.position, c.is_private, c.retired_at, c.version"
    };
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    id: Uuid,
    name: String,
    position: i64,
    version: i64,
}

impl TryFrom<GroupRow> for Group {
    type Error = StoreError;
    fn try_from(row: GroupRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: GroupId(row.id),
            name: Name::parse(&row.name).map_err(|e| corrupt("component_groups", row.id, e))?,
            position: row.position,
            version: row.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ComponentRow {
    id: Uuid,
    group_id: Option<Uuid>,
    name: String,
    slug: String,
    description: String,
    position: i64,
    is_private: bool,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<ComponentRow> for Component {
    type Error = StoreError;
    fn try_from(row: ComponentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ComponentId(row.id),
            group_id: row.group_id.map(GroupId),
            name: Name::parse(&row.name).map_err(|e| corrupt("components", row.id, e))?,
            slug: Slug::parse(&row.slug).map_err(|e| corrupt("components", row.id, e))?,
            description: row.description,
            position: row.position,
            is_private: row.is_private,
            retired_at: maybe_at("components", row.id, row.retired_at)?,
            version: row.version,
        })
    }
}

impl Tx {
    /// The groups in their order.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn groups(&mut self) -> Result<Vec<Group>, StoreError> {
        let rows: Vec<GroupRow> = on_tx!(self, |x| {
            sqlx::query_as("select id, name, position, version from component_groups order by position, id")
                .fetch_all(x)
                .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A group.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn group(&mut self, id: GroupId) -> Result<Group, StoreError> {
        let row: Option<GroupRow> = on_tx!(self, |x| {
            sqlx::query_as("select id, name, position, version from component_groups where id = $1")
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("component group"))?.try_into()
    }

    /// The group with this name ([`Name::key`]).
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn group_named(&mut self, key: &str) -> Result<Option<Group>, StoreError> {
        let row: Option<GroupRow> = on_tx!(self, |x| {
            sqlx::query_as("select id, name, position, version from component_groups where name_key = $1")
                .bind(key)
                .fetch_optional(x)
                .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Stores a new group.
    ///
    /// # Errors
    /// Its name is taken, or the database refused.
    pub async fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into component_groups (id, name, name_key, position, version) values ($1, $2, $3, $4, $5)",
            )
            .bind(group.id.0)
            .bind(group.name.as_str())
            .bind(group.name.key())
            .bind(group.position)
            .bind(group.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("component group"))?;
        });
        Ok(())
    }

    /// Renames a group, if nobody did since it was read. Raises its version; its place stays.
    ///
    /// # Errors
    /// Stale, its name is taken, or the database refused.
    pub async fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update component_groups set name = $1, name_key = $2, version = version + 1
                 where id = $3 and version = $4",
            )
            .bind(group.name.as_str())
            .bind(group.name.key())
            .bind(group.id.0)
            .bind(group.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("component group"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("component group")) }
    }

    /// Moves a group on the page. Its version stays: a move is no edit of what it says.
    ///
    /// # Errors
    /// The database refused.
    pub async fn place_group(&mut self, id: GroupId, position: i64) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update component_groups set position = $1 where id = $2")
                .bind(position)
                .bind(id.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Removes a group; retired components in it stand in none from then on.
    ///
    /// # Errors
    /// Not found, a component in use stands in it, or the database refused.
    pub async fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("update components set group_id = null where group_id = $1 and retired_at is not null")
                .bind(id.0)
                .execute(&mut *x)
                .await?;
            sqlx::query("delete from component_groups where id = $1")
                .bind(id.0)
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("component group"))?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("component group")) }
    }

    /// Stores a new component.
    ///
    /// # Errors
    /// Its name or slug is taken, or the database refused.
    pub async fn insert_component(&mut self, component: &Component, created_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into components (id, group_id, name, name_key, slug, description, position, retired_at, version, created_at, is_private)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(component.id.0)
            .bind(component.group_id.map(|id| id.0))
            .bind(component.name.as_str())
            .bind(component.name.key())
            .bind(component.slug.as_str())
            .bind(&component.description)
            .bind(component.position)
            .bind(component.retired_at.map(ms))
            .bind(component.version)
            .bind(ms(created_at))
            .bind(component.is_private)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("component"))?;
        });
        Ok(())
    }

    /// Stores a changed component, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its name or slug is taken, or the database refused.
    pub async fn update_component(&mut self, component: &Component) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update components set group_id = $1, name = $2, name_key = $3, slug = $4, description = $5,
                 position = $6, retired_at = $7, is_private = $10, version = version + 1 where id = $8 and version = $9",
            )
            .bind(component.group_id.map(|id| id.0))
            .bind(component.name.as_str())
            .bind(component.name.key())
            .bind(component.slug.as_str())
            .bind(&component.description)
            .bind(component.position)
            .bind(component.retired_at.map(ms))
            .bind(component.id.0)
            .bind(component.version)
            .bind(component.is_private)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("component"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("component")) }
    }

    /// Moves a component in its group. Its version stays: a move is no edit of what it says.
    ///
    /// # Errors
    /// The database refused.
    pub async fn place_component(&mut self, id: ComponentId, position: i64) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update components set position = $1 where id = $2")
                .bind(position)
                .bind(id.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Removes a component to which nothing refers.
    ///
    /// # Errors
    /// Something refers to it, or the database refused.
    pub async fn delete_component(&mut self, id: ComponentId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from components where id = $1")
                .bind(id.0)
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("component"))?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("component")) }
    }

    /// A component, in use or retired.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn component(&mut self, id: ComponentId) -> Result<Component, StoreError> {
        let row: Option<ComponentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from components c where c.id = $1"))
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("component"))?.try_into()
    }

    /// The component in use with this name ([`Name::key`]).
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn component_named(&mut self, key: &str) -> Result<Option<Component>, StoreError> {
        let row: Option<ComponentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from components c where c.name_key = $1 and c.retired_at is null"
            ))
            .bind(key)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// The component in use at this address.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn component_at(&mut self, slug: &Slug) -> Result<Option<Component>, StoreError> {
        let row: Option<ComponentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from components c where c.slug = $1 and c.retired_at is null"
            ))
            .bind(slug.as_str())
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// All components in the order of the page: those without a group first; retired ones too if
    /// asked for.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn components(&mut self, retired_too: bool) -> Result<Vec<Component>, StoreError> {
        let rows: Vec<ComponentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from components c left join component_groups g on g.id = c.group_id
                 where ($1 or c.retired_at is null)
                 order by case when g.id is null then 0 else 1 end, g.position, g.id, c.position, c.id"
            ))
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Those of these components that are in use, with what customers know them by: none where they must not know of one.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn component_names(
        &mut self,
        ids: &BTreeSet<ComponentId>,
    ) -> Result<BTreeMap<ComponentId, Option<Name>>, StoreError> {
        const SQL: &str = "select id, name, is_private from components where id in ({ids}) and retired_at is null";
        let mut names = BTreeMap::new();
        for ids in parts(ids.iter().map(|id| id.0)) {
            for (id, name, is_private) in fetch_by_ids!(self, (Uuid, String, bool), SQL, &ids) {
                let name = Name::parse(&name).map_err(|e| corrupt("components", id, e))?;
                names.insert(ComponentId(id), (!is_private).then_some(name));
            }
        }
        Ok(names)
    }

    /// The components that customers must not know of, in use or retired.
    ///
    /// # Errors
    /// The database refused.
    pub async fn private_components(&mut self) -> Result<BTreeSet<ComponentId>, StoreError> {
        let ids: Vec<Uuid> =
            on_tx!(self, |x| sqlx::query_scalar("select id from components where is_private").fetch_all(x).await?);
        Ok(ids.into_iter().map(ComponentId).collect())
    }

    /// When each component was made.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn components_made_at(&mut self) -> Result<BTreeMap<ComponentId, Instant>, StoreError> {
        let rows: Vec<(Uuid, i64)> =
            on_tx!(self, |x| sqlx::query_as("select id, created_at from components").fetch_all(x).await?);
        rows.into_iter().map(|(id, made)| Ok((ComponentId(id), at("components", id, made)?))).collect()
    }

    /// Components in the order they were made, after one of them.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn components_after(
        &mut self,
        after: Option<ComponentId>,
        retired_too: bool,
        limit: i64,
    ) -> Result<Vec<Component>, StoreError> {
        let rows: Vec<ComponentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from components c where c.id > $1 and ($2 or c.retired_at is null) order by c.id limit $3"
            ))
            .bind(after.map_or(Uuid::nil(), ComponentId::uuid))
            .bind(retired_too)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The components in use that stand directly on a host.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn components_on(&mut self, host: HostId) -> Result<Vec<Component>, StoreError> {
        let rows: Vec<ComponentRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from components c join component_hosts ch on ch.component_id = c.id
                 where ch.host_id = $1 and c.retired_at is null order by c.name_key, c.id"
            ))
            .bind(host.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The hosts behind a component.
    ///
    /// # Errors
    /// The database refused.
    pub async fn hosts_behind(&mut self, id: ComponentId) -> Result<Vec<HostId>, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar("select host_id from component_hosts where component_id = $1 order by host_id")
                .bind(id.0)
                .fetch_all(x)
                .await?
        });
        Ok(ids.into_iter().map(HostId).collect())
    }

    /// Says anew which hosts are behind a component.
    ///
    /// # Errors
    /// A host does not exist, or the database refused.
    pub async fn put_hosts_behind(&mut self, id: ComponentId, hosts: &[HostId]) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from component_hosts where component_id = $1").bind(id.0).execute(&mut *x).await?;
            for host in hosts {
                sqlx::query(
                    "insert into component_hosts (component_id, host_id) values ($1, $2) on conflict do nothing",
                )
                .bind(id.0)
                .bind(host.0)
                .execute(&mut *x)
                .await
                .map_err(|e| StoreError::from(e).naming("host behind the component"))?;
            }
        });
        Ok(())
    }

    /// What refers to a component.
    ///
    /// # Errors
    /// The database refused.
    pub async fn component_references(&mut self, id: ComponentId) -> Result<References, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select (select count(*) from maintenance_components where component_id = $1)
                 + (select count(*) from series_components where component_id = $1) as maintenances,
                 (select count(*) from verdicts where evidence_json like $2
                  and asked_at >= (select created_at from components where id = $1)) as verdicts,
                 (select count(*) from subscriber_components where component_id = $1) as subscribers,
                 (select count(*) from webhook_components where component_id = $1) as webhooks,
                 (select count(*) from incident_components where component_id = $1) as incidents,
                 (select count(*) from impacts where component_id = $1)
                 + (select count(*) from corrections where component_id = $1 and withdrawn_at is not null) as stretches,
                 (select count(*) from announcement_components where component_id = $1) as announcements",
            )
            .bind(id.0)
            .bind(mentions(id.0))
            .fetch_one(x)
            .await?
        }))
    }

    /// Windows not yet over, drafts included, that name a component.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_windows_of_component(&mut self, id: ComponentId) -> Result<Vec<OpenWindow>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select m.number, m.title from maintenances m join maintenance_components c on c.maintenance_id = m.id
                 where c.component_id = $1 and m.state not in ('completed', 'cancelled') order by m.number",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        }))
    }
}

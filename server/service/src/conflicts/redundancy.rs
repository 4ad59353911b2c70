//! Redundancy groups, and how much they weigh where they do not say so themselves.

use super::check_named;
use crate::audit::Action;
use crate::inventory::unchanged;
use crate::maintenance::input::ids;
use crate::{Actor, Error, Fields, Services};
use domain::conflict::{ConflictPolicy, Force, RedundancyGroup, UnknownForce};
use domain::gate::Scope;
use domain::ids::{HostId, RedundancyGroupId};
use domain::people::Permission;
use domain::text::Name;
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;

/// A redundancy group as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedundancyInput {
    /// Unique.
    pub name: String,
    /// Ids of its members.
    pub hosts: Vec<String>,
    /// `block`, `warn`, or empty for the site's rule.
    pub force: String,
}

/// All groups, with the rule for those that say nothing.
#[derive(Clone, Debug)]
pub struct RedundancyLook {
    /// By name.
    pub groups: Vec<RedundancyGroup>,
    /// The site's rule.
    pub policy: ConflictPolicy,
    /// What hosts in use are called.
    pub names: BTreeMap<HostId, String>,
}

fn action(verb: &'static str, group: &RedundancyGroup) -> Action<'static> {
    Action { verb, object: "redundancy_group", id: group.id.to_string(), name: group.name.to_string() }
}

async fn read(
    tx: &mut Tx,
    input: &RedundancyInput,
    of: Option<RedundancyGroupId>,
) -> Result<(Name, BTreeSet<HostId>, Option<Force>), Error> {
    let mut fields = Fields::default();
    let name = fields.take("name", Name::parse(&input.name));
    let force = match input.force.trim() {
        "" => Some(None),
        text => fields.take::<Force, UnknownForce>("force", text.parse()).map(Some),
    };
    let scope =
        Scope { hosts: ids(&mut fields, "hosts", &input.hosts).into_iter().collect(), components: BTreeSet::new() };
    check_named(tx, &mut fields, &scope).await?;
    if fields.is_empty() && scope.hosts.len() < 2 {
        fields.add("hosts", "Choose at least two hosts: one stands in for the other.");
    }
    if let Some(name) = &name
        && tx.redundancy_groups().await?.iter().any(|group| group.name.key() == name.key() && Some(group.id) != of)
    {
        fields.add("name", format!("There is a group called {name} already."));
    }
    match (name, force) {
        (Some(name), Some(force)) if fields.is_empty() => Ok((name, scope.hosts, force)),
        _ => Err(fields.into_error()),
    }
}

async fn find(tx: &mut Tx, id: RedundancyGroupId) -> Result<RedundancyGroup, Error> {
    let groups = tx.redundancy_groups().await?;
    groups.into_iter().find(|group| group.id == id).ok_or(Error::NotFound("redundancy group"))
}

impl Services {
    /// All redundancy groups, with the rule for those that say nothing.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn redundancy(&self, actor: &Actor) -> Result<RedundancyLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        Ok(RedundancyLook {
            groups: tx.redundancy_groups().await?,
            policy: tx.conflict_policy().await?,
            names: tx.hosts(false).await?.into_iter().map(|host| (host.id, host.name.to_string())).collect(),
        })
    }

    /// One redundancy group.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn redundancy_group(&self, actor: &Actor, id: RedundancyGroupId) -> Result<RedundancyGroup, Error> {
        actor.require(Permission::View)?;
        find(&mut self.db.read().await?, id).await
    }

    /// Adds a redundancy group.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_redundancy_group(&self, actor: &Actor, input: &RedundancyInput) -> Result<RedundancyGroup, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (name, hosts, force) = read(&mut tx, input, None).await?;
        let group = RedundancyGroup { id: self.new_id(), name, hosts, force, version: 1 };
        tx.insert_redundancy_group(&group).await?;
        tx.add_audit(&self.audit(actor, action("redundancy_group.add", &group), None, Some(&group))).await?;
        tx.commit().await?;
        Ok(group)
    }

    /// Changes a redundancy group. Windows that are scheduled already stay: their pages name what
    /// stands in their way now.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_redundancy_group(
        &self,
        actor: &Actor,
        id: RedundancyGroupId,
        version: i64,
        input: &RedundancyInput,
    ) -> Result<RedundancyGroup, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, id).await?;
        unchanged("redundancy group", before.version, version)?;
        let (name, hosts, force) = read(&mut tx, input, Some(id)).await?;
        let mut after = RedundancyGroup { name, hosts, force, ..before.clone() };
        if after == before {
            return Ok(after);
        }
        tx.update_redundancy_group(&after).await?;
        after.version += 1;
        let entry = self.audit(actor, action("redundancy_group.edit", &after), Some(&before), Some(&after));
        tx.add_audit(&entry).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Removes a redundancy group; its hosts stay.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn delete_redundancy_group(
        &self,
        actor: &Actor,
        id: RedundancyGroupId,
        version: i64,
    ) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let group = find(&mut tx, id).await?;
        unchanged("redundancy group", group.version, version)?;
        tx.delete_redundancy_group(id).await?;
        tx.add_audit(&self.audit(actor, action("redundancy_group.delete", &group), Some(&group), None)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets how much redundancy groups weigh that do not say so themselves.
    ///
    /// # Errors
    /// Not allowed, neither `block` nor `warn`, stale, or the database does not answer.
    pub async fn set_conflict_policy(&self, actor: &Actor, version: i64, force: &str) -> Result<ConflictPolicy, Error> {
        actor.require(Permission::Administer)?;
        let redundancy = force.parse().map_err(|e: UnknownForce| Error::field("redundancy", e.to_string()))?;
        let mut tx = self.db.decide().await?;
        let before = tx.conflict_policy().await?;
        unchanged("conflict policy", before.version, version)?;
        let mut after = ConflictPolicy { redundancy, ..before };
        if after == before {
            return Ok(after);
        }
        tx.update_conflict_policy(&after).await?;
        after.version += 1;
        let action = Action {
            verb: "conflict_policy.edit",
            object: "conflict_policy",
            id: "1".to_owned(),
            name: "Conflicts".to_owned(),
        };
        tx.add_audit(&self.audit(actor, action, Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }
}

//! Components: what customers know, in ordered groups, and the hosts behind them.

use super::{
    ListQuery, Page, free_to_delete, free_to_retire, incidents, optional_id, series, unchanged, verb, windows,
};
use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::component::{Component, Group};
use domain::host::Host;
use domain::ids::{ComponentId, GroupId, HostId};
use domain::people::Permission;
use domain::text::{Name, Slug, optional_line};
use serde::Serialize;
use std::collections::BTreeMap;
use storage::Tx;

/// Characters in a description.
const DESCRIPTION: usize = 300;

/// What a person types about a component.
#[derive(Clone, Debug, Default)]
pub struct ComponentInput {
    /// Unique among components in use.
    pub name: String,
    /// Its part in addresses; made from the name where empty.
    pub slug: String,
    /// One line for customers; may be empty.
    pub description: String,
    /// The id of its group; empty where it stands before the first group.
    pub group_id: String,
    /// The ids of the hosts behind it.
    pub hosts: Vec<String>,
    /// For the team alone.
    pub is_private: bool,
}

/// What a person types about a group.
#[derive(Clone, Debug, Default)]
pub struct GroupInput {
    /// Unique.
    pub name: String,
}

/// Which way something moves in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the start.
    Up,
    /// Towards the end.
    Down,
}

/// A component with the hosts behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComponentWithHosts {
    /// The component.
    pub component: Component,
    /// The hosts behind it.
    pub hosts: Vec<HostId>,
}

/// A component in the list of all.
#[derive(Clone, Debug)]
pub struct ComponentLine {
    /// The component.
    pub component: Component,
    /// The hosts in use behind it, by name.
    pub hosts: Vec<Host>,
}

/// A group with its components, in order.
#[derive(Clone, Debug)]
pub struct GroupLine {
    /// The group; none for components that stand in none.
    pub group: Option<Group>,
    /// What stands in it.
    pub components: Vec<ComponentLine>,
}

/// Everything the pages of components show.
#[derive(Clone, Debug)]
pub struct ComponentsView {
    /// In the order of the public page; empty groups too.
    pub groups: Vec<GroupLine>,
    /// Out of use.
    pub retired: Vec<Component>,
    /// Hosts to choose from.
    pub hosts: Vec<Host>,
}

impl Services {
    /// A page of all components.
    ///
    /// # Errors
    /// Not allowed, a wrong query, or the database does not answer.
    pub async fn components(&self, actor: &Actor, query: &ListQuery) -> Result<Page<ComponentWithHosts>, Error> {
        actor.require(Permission::View)?;
        let part = query.parse()?;
        let mut tx = self.db.read().await?;
        let components = tx.components_after(part.after.map(ComponentId), part.retired_too, part.fetch()).await?;
        let mut items = Vec::with_capacity(components.len());
        for component in components {
            let hosts = tx.hosts_behind(component.id).await?;
            items.push(ComponentWithHosts { component, hosts });
        }
        Ok(part.page(items, |item| item.component.id.0))
    }

    /// A page of the component groups, in their order on the page.
    ///
    /// # Errors
    /// Not allowed, a wrong query, or the database does not answer.
    pub async fn component_groups(&self, actor: &Actor, query: &ListQuery) -> Result<Page<Group>, Error> {
        actor.require(Permission::View)?;
        let part = query.parse()?;
        let mut items = self.db.read().await?.groups().await?;
        if let Some(at) = part.after.and_then(|after| items.iter().position(|group| group.id.0 == after)) {
            items.drain(..=at);
        }
        Ok(part.page(items, |group| group.id.0))
    }

    /// One component group.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn component_group(&self, actor: &Actor, id: GroupId) -> Result<Group, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.group(id).await?)
    }

    /// One component with the hosts behind it.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn component(&self, actor: &Actor, id: ComponentId) -> Result<ComponentWithHosts, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        Ok(ComponentWithHosts { component: tx.component(id).await?, hosts: tx.hosts_behind(id).await? })
    }

    /// All groups with their components and the hosts behind them.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn components_view(&self, actor: &Actor) -> Result<ComponentsView, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let hosts = tx.hosts(false).await?;
        let by_id: BTreeMap<HostId, &Host> = hosts.iter().map(|host| (host.id, host)).collect();
        let mut behind: BTreeMap<ComponentId, Vec<Host>> = BTreeMap::new();
        for (component, host) in tx.topology().await?.behind {
            behind.entry(component).or_default().extend(by_id.get(&host).map(|host| (*host).clone()));
        }
        for hosts in behind.values_mut() {
            hosts.sort_by_cached_key(|host| host.name.key());
        }
        let mut groups: Vec<GroupLine> = std::iter::once(None)
            .chain(tx.groups().await?.into_iter().map(Some))
            .map(|group| GroupLine { group, components: Vec::new() })
            .collect();
        let mut retired = Vec::new();
        for component in tx.components(true).await? {
            if component.retired_at.is_some() {
                retired.push(component);
                continue;
            }
            let place = groups.iter_mut().find(|line| line.group.as_ref().map(|g| g.id) == component.group_id);
            if let Some(place) = place {
                let hosts = behind.remove(&component.id).unwrap_or_default();
                place.components.push(ComponentLine { component, hosts });
            }
        }
        groups.retain(|line| line.group.is_some() || !line.components.is_empty());
        Ok(ComponentsView { groups, retired, hosts })
    }

    /// Adds a component at the end of its group.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_component(&self, actor: &Actor, input: ComponentInput) -> Result<ComponentWithHosts, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let id = self.new_id();
        let checked = check(&mut tx, id, &[], &input).await?;
        let component = Component {
            id,
            position: end_of(&mut tx, checked.group_id).await?,
            group_id: checked.group_id,
            name: checked.name,
            slug: checked.slug,
            description: checked.description,
            is_private: input.is_private,
            retired_at: None,
            version: 1,
        };
        tx.insert_component(&component, self.now()).await?;
        tx.put_hosts_behind(id, &checked.hosts).await?;
        let added = ComponentWithHosts { component, hosts: tx.hosts_behind(id).await? };
        self.follow_all_work(&mut tx).await?;
        tx.add_audit(&self.audit(actor, action("component.add", &added.component), None, Some(&added))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(added)
    }

    /// Changes a component and says anew which hosts are behind it.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_component(
        &self,
        actor: &Actor,
        id: ComponentId,
        version: i64,
        input: ComponentInput,
    ) -> Result<ComponentWithHosts, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let before = ComponentWithHosts { component: tx.component(id).await?, hosts: tx.hosts_behind(id).await? };
        unchanged("component", before.component.version, version)?;
        if before.component.retired_at.is_some() {
            let told = format!("{} is out of use and stays as it was.", before.component.name);
            return Err(Error::refused("retired", told));
        }
        let checked = check(&mut tx, id, &before.hosts, &input).await?;
        let moved = checked.group_id != before.component.group_id;
        let position = if moved { end_of(&mut tx, checked.group_id).await? } else { before.component.position };
        let component = Component {
            name: checked.name,
            slug: checked.slug,
            description: checked.description,
            is_private: input.is_private,
            group_id: checked.group_id,
            position,
            ..before.component.clone()
        };
        let mut after = ComponentWithHosts { component, hosts: checked.hosts };
        if after == before {
            return Ok(after);
        }
        tx.update_component(&after.component).await?;
        tx.put_hosts_behind(id, &after.hosts).await?;
        self.follow_all_work(&mut tx).await?;
        after.component.version += 1;
        let entry = self.audit(actor, action("component.edit", &after.component), Some(&before), Some(&after));
        tx.add_audit(&entry).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }

    /// Moves a component one place in its group. At the end nothing happens.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn move_component(&self, actor: &Actor, id: ComponentId, to: Direction) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let component = tx.component(id).await?;
        let mut beside = tx.components(false).await?;
        beside.retain(|other| other.group_id == component.group_id);
        let mut order: Vec<(ComponentId, i64)> = beside.iter().map(|c| (c.id, c.position)).collect();
        if !swap(&mut order, id, to) {
            return Ok(());
        }
        let mut moved = component.clone();
        for ((id, old), new) in order.into_iter().zip(1..) {
            if old != new {
                tx.place_component(id, new).await?;
            }
            if id == component.id {
                moved.position = new;
            }
        }
        let entry = self.audit(actor, action("component.move", &component), Some(&component), Some(&moved));
        tx.add_audit(&entry).await?;
        tx.announce();
        tx.commit().await?;
        Ok(())
    }

    /// Takes a component off the page. What was told about it stays.
    ///
    /// # Errors
    /// Not allowed, not found, stale, a window or an incident names it, or the database does not answer.
    pub async fn retire_component(&self, actor: &Actor, id: ComponentId, version: i64) -> Result<Component, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let component = tx.component(id).await?;
        if component.retired_at.is_some() {
            return Ok(component);
        }
        unchanged("component", component.version, version)?;
        let mut named_by: Vec<String> = series(tx.open_series_of_component(id).await?).collect();
        named_by.extend(windows(&tx.open_windows_of_component(id).await?));
        named_by.extend(incidents(&tx.open_incidents_of_component(id).await?));
        free_to_retire("component", &[verb(&named_by, "names it", "name it")])?;
        let mut retired = Component { retired_at: Some(self.now()), ..component.clone() };
        tx.update_component(&retired).await?;
        self.end_component_override(&mut tx, id).await?;
        self.follow_all_work(&mut tx).await?;
        retired.version += 1;
        let entry = self.audit(actor, action("component.retire", &retired), Some(&component), Some(&retired));
        tx.add_audit(&entry).await?;
        tx.announce();
        tx.commit().await?;
        Ok(retired)
    }

    /// Removes a component added by mistake.
    ///
    /// # Errors
    /// Not allowed, not found, stale, something refers to it, or the database does not answer.
    pub async fn delete_component(&self, actor: &Actor, id: ComponentId, version: i64) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let component = tx.component(id).await?;
        unchanged("component", component.version, version)?;
        free_to_delete(&tx.component_references(id).await?, component.retired_at.is_some())?;
        if tx.count_metrics_of(id).await? > 0 {
            return Err(Error::refused("in_use", "A metric tells of this component. Take it from the metric first."));
        }
        tx.delete_component(id).await?;
        tx.add_audit(&self.audit(actor, action("component.delete", &component), Some(&component), None)).await?;
        tx.announce();
        tx.commit().await?;
        Ok(())
    }

    /// Adds a group at the end.
    ///
    /// # Errors
    /// Not allowed, a wrong name, or the database does not answer.
    pub async fn add_group(&self, actor: &Actor, input: GroupInput) -> Result<Group, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let id = self.new_id();
        let name = check_group(&mut tx, id, &input).await?;
        let last = tx.groups().await?.last().map_or(0, |group| group.position);
        let group = Group { id, name, position: last + 1, version: 1 };
        tx.insert_group(&group).await?;
        tx.add_audit(&self.audit(actor, group_action("component_group.add", &group), None, Some(&group))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(group)
    }

    /// Renames a group.
    ///
    /// # Errors
    /// Not allowed, not found, stale, a wrong name, or the database does not answer.
    pub async fn edit_group(
        &self,
        actor: &Actor,
        id: GroupId,
        version: i64,
        input: GroupInput,
    ) -> Result<Group, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let group = tx.group(id).await?;
        unchanged("component group", group.version, version)?;
        let mut edited = Group { name: check_group(&mut tx, id, &input).await?, ..group.clone() };
        if edited == group {
            return Ok(edited);
        }
        tx.update_group(&edited).await?;
        edited.version += 1;
        let entry = self.audit(actor, group_action("component_group.edit", &edited), Some(&group), Some(&edited));
        tx.add_audit(&entry).await?;
        tx.announce();
        tx.commit().await?;
        Ok(edited)
    }

    /// Moves a group one place on the page. At the end nothing happens.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn move_group(&self, actor: &Actor, id: GroupId, to: Direction) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let group = tx.group(id).await?;
        let mut order: Vec<(GroupId, i64)> = tx.groups().await?.iter().map(|g| (g.id, g.position)).collect();
        if !swap(&mut order, id, to) {
            return Ok(());
        }
        let mut moved = group.clone();
        for ((id, old), new) in order.into_iter().zip(1..) {
            if old != new {
                tx.place_group(id, new).await?;
            }
            if id == group.id {
                moved.position = new;
            }
        }
        let entry = self.audit(actor, group_action("component_group.move", &group), Some(&group), Some(&moved));
        tx.add_audit(&entry).await?;
        tx.announce();
        tx.commit().await?;
        Ok(())
    }

    /// Removes an empty group.
    ///
    /// # Errors
    /// Not allowed, not found, stale, components in use stand in it, or the database does not answer.
    pub async fn delete_group(&self, actor: &Actor, id: GroupId, version: i64) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let group = tx.group(id).await?;
        unchanged("component group", group.version, version)?;
        let mut inside = tx.components(false).await?;
        inside.retain(|component| component.group_id == Some(id));
        let inside: Vec<String> = inside.iter().map(|component| component.name.to_string()).collect();
        if let Some(inside) = verb(&inside, "stands in it", "stand in it") {
            return Err(Error::refused("in_use", format!("{inside}; move them to another group first.")));
        }
        tx.delete_group(id).await?;
        tx.add_audit(&self.audit(actor, group_action("component_group.delete", &group), Some(&group), None)).await?;
        tx.announce();
        tx.commit().await?;
        Ok(())
    }
}

fn action(verb: &'static str, component: &Component) -> Action<'static> {
    Action { verb, object: "component", id: component.id.to_string(), name: component.name.to_string() }
}

fn group_action(verb: &'static str, group: &Group) -> Action<'static> {
    Action { verb, object: "component_group", id: group.id.to_string(), name: group.name.to_string() }
}

/// Swaps one with its neighbour; false where there is none on that side.
pub(crate) fn swap<I: PartialEq>(order: &mut [(I, i64)], id: I, to: Direction) -> bool {
    let Some(at) = order.iter().position(|(other, _)| *other == id) else { return false };
    let other = match to {
        Direction::Up => at.checked_sub(1),
        Direction::Down => Some(at + 1).filter(|n| *n < order.len()),
    };
    if let Some(other) = other {
        order.swap(at, other);
    }
    other.is_some()
}

async fn end_of(tx: &mut Tx, group: Option<GroupId>) -> Result<i64, Error> {
    let all = tx.components(true).await?;
    Ok(all.iter().filter(|c| c.group_id == group).map(|c| c.position).max().unwrap_or_default() + 1)
}

async fn check_group(tx: &mut Tx, id: GroupId, input: &GroupInput) -> Result<Name, Error> {
    let name = Name::parse(&input.name).map_err(|e| Error::field("name", e.to_string()))?;
    if tx.group_named(&name.key()).await?.is_some_and(|other| other.id != id) {
        return Err(Error::field("name", format!("There is a group called {name} already.")));
    }
    Ok(name)
}

struct Checked {
    name: Name,
    slug: Slug,
    description: String,
    group_id: Option<GroupId>,
    hosts: Vec<HostId>,
}

async fn check(tx: &mut Tx, id: ComponentId, behind: &[HostId], input: &ComponentInput) -> Result<Checked, Error> {
    let mut fields = Fields::default();
    let name = fields.take("name", Name::parse(&input.name));
    let description = fields.take("description", optional_line(&input.description, DESCRIPTION));
    let group_id = fields.take("group_id", optional_id::<GroupId>(&input.group_id));
    if let Some(name) = &name
        && tx.component_named(&name.key()).await?.is_some_and(|other| other.id != id)
    {
        fields.add("name", format!("There is a component called {name} already."));
    }
    let slug = check_slug(tx, id, name.as_ref(), &input.slug, &mut fields).await?;
    if let Some(Some(group)) = group_id
        && tx.groups().await?.iter().all(|g| g.id != group)
    {
        fields.add("group_id", "There is no such group.");
    }
    let in_use: Vec<HostId> = tx.topology().await?.hosts.iter().map(|node| node.id).collect();
    let mut hosts = Vec::with_capacity(input.hosts.len());
    for text in &input.hosts {
        match text.trim().parse::<HostId>() {
            Ok(host) if in_use.contains(&host) || behind.contains(&host) => hosts.push(host),
            _ => {
                fields.add("hosts", "Choose hosts in use.");
                break;
            }
        }
    }
    hosts.sort();
    hosts.dedup();
    match (name, slug, description, group_id) {
        (Some(name), Some(slug), Some(description), Some(group_id)) if fields.is_empty() => {
            Ok(Checked { name, slug, description, group_id, hosts })
        }
        _ => Err(fields.into_error()),
    }
}

/// The slug as typed, or the first free one that is like the name.
async fn check_slug(
    tx: &mut Tx,
    id: ComponentId,
    name: Option<&Name>,
    typed: &str,
    fields: &mut Fields,
) -> Result<Option<Slug>, Error> {
    if !typed.trim().is_empty() {
        let slug = fields.take("slug", Slug::parse(typed));
        if let Some(slug) = &slug
            && tx.component_at(slug).await?.is_some_and(|other| other.id != id)
        {
            fields.add("slug", format!("Another component has the address {slug} already."));
        }
        return Ok(slug);
    }
    let Some(name) = name else { return Ok(None) };
    let like = Slug::from_name(name);
    let mut slug = like.clone();
    for n in 2.. {
        if tx.component_at(&slug).await?.is_none_or(|other| other.id == id) {
            break;
        }
        let room = Slug::MAX - 12;
        let start = like.as_str().chars().take(room).collect::<String>();
        let Ok(next) = Slug::parse(&format!("{}-{n}", start.trim_end_matches('-'))) else { break };
        slug = next;
    }
    Ok(Some(slug))
}

#[cfg(test)]
mod tests {
    use super::{Direction, swap};

    #[test]
    fn one_place_at_a_time_and_not_over_the_end() {
        let mut order = [('a', 1), ('b', 2), ('c', 3)];
        assert!(swap(&mut order, 'b', Direction::Up));
        assert_eq!(order.map(|(id, _)| id), ['b', 'a', 'c']);
        assert!(!swap(&mut order, 'b', Direction::Up));
        assert!(!swap(&mut order, 'c', Direction::Down));
        assert!(!swap(&mut order, 'x', Direction::Down));
        assert!(swap(&mut order, 'b', Direction::Down));
        assert_eq!(order.map(|(id, _)| id), ['a', 'b', 'c']);
    }
}

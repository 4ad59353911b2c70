//! Freezes as people type them.

use super::check_named;
use crate::audit::Action;
use crate::inventory::unchanged;
use crate::maintenance::input::ids;
use crate::maintenance::input::local_text;
use crate::{Actor, Error, Fields, Services};
use domain::conflict::{Force, UnknownForce};
use domain::freeze::{Freeze, FreezeError, FreezeField, FreezeTime};
use domain::gate::Scope;
use domain::ids::{ComponentId, FreezeId, HostId};
use domain::people::Permission;
use domain::text::Name;
use domain::time::parse_local;
use std::collections::BTreeMap;
use storage::Tx;

/// A freeze as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreezeInput {
    /// Why.
    pub name: String,
    /// IANA name of the zone of `start` and `end`.
    pub zone: String,
    /// Local beginning.
    pub start: String,
    /// Local end.
    pub end: String,
    /// It holds for everything; then nothing is named.
    pub whole_site: bool,
    /// Ids of hosts it holds for, with what runs on them.
    pub hosts: Vec<String>,
    /// Ids of components it holds for, with the hosts behind them.
    pub components: Vec<String>,
    /// `block` or `warn`.
    pub force: String,
}

/// All freezes, with the names of what they hold for.
#[derive(Clone, Debug)]
pub struct FreezeLook {
    /// Those that are not over first, the next one first.
    pub freezes: Vec<Freeze>,
    /// What hosts in use are called.
    pub hosts: BTreeMap<HostId, String>,
    /// What components in use are called.
    pub components: BTreeMap<ComponentId, String>,
}

impl FreezeInput {
    /// A stored freeze as it would be typed; of many times the first.
    #[must_use]
    pub fn of(freeze: &Freeze) -> Self {
        let time = freeze.times.first();
        let scope = freeze.only.clone().unwrap_or_default();
        Self {
            name: freeze.name.to_string(),
            zone: time.map(|time| time.zone.clone()).unwrap_or_default(),
            start: time.map(|time| local_text(time.local_start)).unwrap_or_default(),
            end: time.map(|time| local_text(time.local_end)).unwrap_or_default(),
            whole_site: freeze.only.is_none(),
            hosts: scope.hosts.iter().map(ToString::to_string).collect(),
            components: scope.components.iter().map(ToString::to_string).collect(),
            force: freeze.force.as_str().to_owned(),
        }
    }
}

pub(super) fn action(verb: &'static str, freeze: &Freeze) -> Action<'static> {
    Action { verb, object: "freeze", id: freeze.id.to_string(), name: freeze.name.to_string() }
}

/// What a freeze holds for, and how much it weighs; none where a field is wrong.
pub(super) async fn read_scope(
    tx: &mut Tx,
    fields: &mut Fields,
    whole_site: bool,
    hosts: &[String],
    components: &[String],
    force: &str,
) -> Result<Option<(Option<Scope>, Force)>, Error> {
    let force = fields.take::<Force, UnknownForce>("force", force.parse());
    let scope = Scope {
        hosts: ids(fields, "hosts", hosts).into_iter().collect(),
        components: ids(fields, "components", components).into_iter().collect(),
    };
    if whole_site {
        return Ok(force.map(|force| (None, force)));
    }
    check_named(tx, fields, &scope).await?;
    if scope.is_empty() {
        fields.add("hosts", "Choose hosts or components, or the whole site.");
    }
    Ok(force.map(|force| (Some(scope), force)))
}

impl Services {
    async fn read_freeze(
        &self,
        tx: &mut Tx,
        input: &FreezeInput,
    ) -> Result<(Name, FreezeTime, Option<Scope>, Force), Error> {
        let mut fields = Fields::default();
        let name = fields.take("name", Name::parse(&input.name));
        let start = fields.take("start", parse_local(&input.start));
        let end = fields.take("end", parse_local(&input.end));
        let time = match (start, end) {
            (Some(start), Some(end)) => FreezeTime::read(self.zones.as_ref(), &input.zone, start, end)
                .map_err(|error: FreezeError| {
                    let field = match error.field() {
                        FreezeField::Zone => "zone",
                        FreezeField::Start => "start",
                        FreezeField::End => "end",
                    };
                    fields.add(field, error.to_string());
                })
                .ok(),
            _ => None,
        };
        let scope =
            read_scope(tx, &mut fields, input.whole_site, &input.hosts, &input.components, &input.force).await?;
        match (name, time, scope) {
            (Some(name), Some(time), Some((only, force))) if fields.is_empty() => Ok((name, time, only, force)),
            _ => Err(fields.into_error()),
        }
    }

    /// All freezes.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn freezes(&self, actor: &Actor) -> Result<FreezeLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let mut freezes = tx.freezes().await?;
        let now = self.now();
        freezes.sort_by_key(|freeze| (freeze.is_over(now), freeze.next(now).map(|time| time.stretch)));
        Ok(FreezeLook {
            freezes,
            hosts: tx.hosts(false).await?.into_iter().map(|host| (host.id, host.name.to_string())).collect(),
            components: tx.components(false).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect(),
        })
    }

    /// One freeze.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn freeze(&self, actor: &Actor, id: FreezeId) -> Result<Freeze, Error> {
        actor.require(Permission::View)?;
        find(&mut self.db.read().await?, id).await
    }

    /// Adds a freeze. Windows that are scheduled already stay: their pages name it.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_freeze(&self, actor: &Actor, input: &FreezeInput) -> Result<Freeze, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (name, time, only, force) = self.read_freeze(&mut tx, input).await?;
        let freeze = Freeze { id: self.new_id(), name, only, force, source: None, times: vec![time], version: 1 };
        tx.insert_freeze(&freeze).await?;
        tx.add_audit(&self.audit(actor, action("freeze.add", &freeze), None, Some(&freeze))).await?;
        tx.commit().await?;
        Ok(freeze)
    }

    /// Changes a freeze that was typed.
    ///
    /// # Errors
    /// Not allowed, not found, imported, stale, wrong fields, or the database does not answer.
    pub async fn edit_freeze(
        &self,
        actor: &Actor,
        id: FreezeId,
        version: i64,
        input: &FreezeInput,
    ) -> Result<Freeze, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, id).await?;
        unchanged("freeze", before.version, version)?;
        if let Some(source) = &before.source {
            let why =
                format!("This comes from the calendar “{}”. Change it there and import it again.", source.calendar);
            return Err(Error::refused("imported", why));
        }
        let (name, time, only, force) = self.read_freeze(&mut tx, input).await?;
        let mut after = Freeze { name, only, force, times: vec![time], ..before.clone() };
        if after == before {
            return Ok(after);
        }
        tx.update_freeze(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action("freeze.edit", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Removes a freeze.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn delete_freeze(&self, actor: &Actor, id: FreezeId, version: i64) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let freeze = find(&mut tx, id).await?;
        unchanged("freeze", freeze.version, version)?;
        tx.delete_freeze(id).await?;
        tx.add_audit(&self.audit(actor, action("freeze.delete", &freeze), Some(&freeze), None)).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn find(tx: &mut Tx, id: FreezeId) -> Result<Freeze, Error> {
    tx.freezes().await?.into_iter().find(|freeze| freeze.id == id).ok_or(Error::NotFound("freeze"))
}

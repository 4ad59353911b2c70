//! Data sets: what lies on a host and must not be lost.

use super::host::in_use;
use super::{ListQuery, Page, free_to_delete, free_to_retire, optional_id, unchanged, verb};
use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::backup::Job;
use domain::host::{DataKind, DataSet, Host, UnknownKind};
use domain::ids::{DataSetId, HostId};
use domain::people::Permission;
use domain::text::Name;
use serde::Serialize;
use storage::Tx;

/// What a person types about a data set.
#[derive(Clone, Debug, Default)]
pub struct DataSetInput {
    /// Unique on its host.
    pub name: String,
    /// `files`, `database`, `image` or `other`.
    pub kind: String,
}

/// Everything the page of a data set shows.
#[derive(Clone, Debug)]
pub struct DataSetView {
    /// The data set.
    pub data_set: DataSet,
    /// Where it lies.
    pub host: Host,
    /// Its jobs, retired ones last.
    pub jobs: Vec<Job>,
}

/// A data set with its jobs, for the audit log.
#[derive(Serialize)]
struct Whole<'a> {
    data_set: &'a DataSet,
    jobs: &'a [Job],
}

impl Services {
    /// A page of all data sets, of one host if `host` is an id.
    ///
    /// # Errors
    /// Not allowed, a wrong query, or the database does not answer.
    pub async fn data_sets(&self, actor: &Actor, host: &str, query: &ListQuery) -> Result<Page<DataSet>, Error> {
        actor.require(Permission::View)?;
        let part = query.parse()?;
        let host = optional_id::<HostId>(host).map_err(|_| Error::field("host_id", "This is no id of a host."))?;
        let mut tx = self.db.read().await?;
        let items = tx.data_sets_after(part.after.map(DataSetId), host, part.retired_too, part.fetch()).await?;
        Ok(part.page(items, |data_set| data_set.id.0))
    }

    /// One data set.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn data_set(&self, actor: &Actor, id: DataSetId) -> Result<DataSet, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.data_set(id).await?)
    }

    /// One data set with everything its page shows.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn data_set_view(&self, actor: &Actor, id: DataSetId) -> Result<DataSetView, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let data_set = tx.data_set(id).await?;
        let mut jobs = tx.jobs_of(id, true).await?;
        jobs.sort_by_key(|job| job.retired_at.is_some());
        Ok(DataSetView { host: tx.host(data_set.host_id).await?, data_set, jobs })
    }

    /// Adds a data set to a host.
    ///
    /// # Errors
    /// Not allowed, no such host, wrong fields, or the database does not answer.
    pub async fn add_data_set(&self, actor: &Actor, host: HostId, input: DataSetInput) -> Result<DataSet, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        in_use(&tx.host(host).await?)?;
        let id = self.new_id();
        let (name, kind) = check(&mut tx, id, host, &input).await?;
        let data_set = DataSet { id, host_id: host, name, kind, retired_at: None, version: 1 };
        tx.insert_data_set(&data_set, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("data_set.add", &data_set), None, Some(&data_set))).await?;
        tx.commit().await?;
        Ok(data_set)
    }

    /// Changes what a data set is called and what it is.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_data_set(
        &self,
        actor: &Actor,
        id: DataSetId,
        version: i64,
        input: DataSetInput,
    ) -> Result<DataSet, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let data_set = tx.data_set(id).await?;
        unchanged("data set", data_set.version, version)?;
        not_retired(&data_set)?;
        let (name, kind) = check(&mut tx, id, data_set.host_id, &input).await?;
        if kind != DataKind::Files {
            let carried = carried_elsewhere(&mut tx, &data_set, true).await?;
            if let Some(carried) = verb(&carried, "is carried", "are carried") {
                let why = format!("This must stay files: {carried} by a job of this data set.");
                return Err(Error::field("kind", why));
            }
        }
        let mut edited = DataSet { name, kind, ..data_set.clone() };
        if edited == data_set {
            return Ok(edited);
        }
        tx.update_data_set(&edited).await?;
        edited.version += 1;
        let entry = self.audit(actor, action("data_set.edit", &edited), Some(&data_set), Some(&edited));
        tx.add_audit(&entry).await?;
        tx.commit().await?;
        Ok(edited)
    }

    /// Takes a data set out of use, with its jobs. Its history stays.
    ///
    /// # Errors
    /// Not allowed, not found, stale, a dump depends on it, or the database does not answer.
    pub async fn retire_data_set(&self, actor: &Actor, id: DataSetId, version: i64) -> Result<DataSet, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let data_set = tx.data_set(id).await?;
        if data_set.retired_at.is_some() {
            return Ok(data_set);
        }
        unchanged("data set", data_set.version, version)?;
        let carried = carried_elsewhere(&mut tx, &data_set, false).await?;
        free_to_retire("data set", &[verb(&carried, "is carried by one of its jobs", "are carried by its jobs")])?;
        let mut jobs = tx.jobs_of(id, false).await?;
        let before = serde_json::to_value(Whole { data_set: &data_set, jobs: &jobs }).ok();
        let retired_at = Some(self.now());
        for job in &mut jobs {
            job.retired_at = retired_at;
            tx.update_job(job).await?;
            job.version += 1;
        }
        let mut retired = DataSet { retired_at, ..data_set };
        tx.update_data_set(&retired).await?;
        retired.version += 1;
        let after = serde_json::to_value(Whole { data_set: &retired, jobs: &jobs }).ok();
        let entry = self.audit(actor, action("data_set.retire", &retired), before.as_ref(), after.as_ref());
        tx.add_audit(&entry).await?;
        tx.commit().await?;
        Ok(retired)
    }

    /// Removes a data set added by mistake, with its jobs.
    ///
    /// # Errors
    /// Not allowed, not found, stale, something refers to it, or the database does not answer.
    pub async fn delete_data_set(&self, actor: &Actor, id: DataSetId, version: i64) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let data_set = tx.data_set(id).await?;
        unchanged("data set", data_set.version, version)?;
        free_to_delete(&tx.data_set_references(id).await?, data_set.retired_at.is_some())?;
        let mut jobs = tx.jobs_of(id, true).await?;
        // Those that are carried go before those that carry them.
        jobs.sort_by_key(|job| job.carried_by.is_none());
        for job in &jobs {
            tx.delete_job(job.id).await?;
        }
        tx.delete_data_set(id).await?;
        let whole = Whole { data_set: &data_set, jobs: &jobs };
        tx.add_audit(&self.audit(actor, action("data_set.delete", &data_set), Some(&whole), None)).await?;
        tx.commit().await?;
        Ok(())
    }
}

pub(super) fn action(verb: &'static str, data_set: &DataSet) -> Action<'static> {
    Action { verb, object: "data_set", id: data_set.id.to_string(), name: data_set.name.to_string() }
}

pub(super) fn not_retired(data_set: &DataSet) -> Result<(), Error> {
    if data_set.retired_at.is_none() {
        Ok(())
    } else {
        Err(Error::refused("retired", format!("{} is out of use and stays as it was.", data_set.name)))
    }
}

/// The jobs that jobs of this data set carry; those of the data set itself only if `own_too`.
async fn carried_elsewhere(tx: &mut Tx, data_set: &DataSet, own_too: bool) -> Result<Vec<String>, Error> {
    let mut carried = Vec::new();
    for job in tx.jobs_of(data_set.id, false).await? {
        let by_it = tx.carried_by(job.id).await?;
        let counts = by_it.into_iter().filter(|placed| own_too || placed.job.data_set_id != data_set.id);
        carried.extend(counts.map(|placed| placed.to_string()));
    }
    Ok(carried)
}

async fn check(tx: &mut Tx, id: DataSetId, host: HostId, input: &DataSetInput) -> Result<(Name, DataKind), Error> {
    let mut fields = Fields::default();
    let name = fields.take("name", Name::parse(&input.name));
    let kind = fields.take::<DataKind, UnknownKind>("kind", input.kind.parse());
    if let Some(name) = &name
        && tx.data_set_named(host, &name.key()).await?.is_some_and(|other| other.id != id)
    {
        fields.add("name", format!("This host has a data set called {name} already."));
    }
    match (name, kind) {
        (Some(name), Some(kind)) if fields.is_empty() => Ok((name, kind)),
        _ => Err(fields.into_error()),
    }
}

//! Backup jobs and the addresses at which they report.

use super::data_set::not_retired;
use super::{ListQuery, Page, PlacedJob, free_to_delete, free_to_retire, optional_id, unchanged, verb};
use crate::audit::Action;
use crate::keys::hash;
use crate::{Actor, Error, Fields, Services};
use domain::backup::Job;
use domain::finding::order::{Order, Timed, order};
use domain::host::{DataSet, Host};
use domain::ids::{DataSetId, JobId};
use domain::people::Permission;
use domain::text::{Name, optional_line};
use domain::time::Span;
use storage::{StoreError, Tx};

/// Characters in the name of a tool.
const TOOL: usize = 60;

/// What a person types about a job.
#[derive(Clone, Debug, Default)]
pub struct JobInput {
    /// Unique on its data set.
    pub name: String,
    /// The program that does it; may be empty.
    pub tool: String,
    /// The id of the files job that must copy its output; empty where it needs none.
    pub carried_by: String,
    /// How often a run is expected: "24 h".
    pub every: String,
    /// A run without an end after this long is lost: "6 h".
    pub max_duration: String,
}

/// Where a job reports by a single call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PingAddress {
    /// This actor may not see it: who knows it can report.
    Hidden,
    /// It was made with a secret of the server that is no longer configured. It still works.
    Forgotten,
    /// The address.
    Known(String),
}

/// Everything the page of a job shows.
#[derive(Clone, Debug)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// What it protects.
    pub data_set: DataSet,
    /// Where that lies.
    pub host: Host,
    /// The job that carries it.
    pub carrier: Option<PlacedJob>,
    /// The jobs that it carries.
    pub carries: Vec<PlacedJob>,
    /// Where it reports.
    pub ping: PingAddress,
    /// Jobs that could carry it.
    pub choices: Vec<PlacedJob>,
    /// How it and its carrier follow one another.
    pub order: Option<Order>,
}

impl Services {
    /// A page of all jobs, of one data set if `data_set` is an id.
    ///
    /// # Errors
    /// Not allowed, a wrong query, or the database does not answer.
    pub async fn jobs(&self, actor: &Actor, data_set: &str, query: &ListQuery) -> Result<Page<Job>, Error> {
        actor.require(Permission::View)?;
        let part = query.parse()?;
        let data_set = optional_id::<DataSetId>(data_set)
            .map_err(|_| Error::field("data_set_id", "This is no id of a data set."))?;
        let mut tx = self.db.read().await?;
        let items = tx.jobs_after(part.after.map(JobId), data_set, part.retired_too, part.fetch()).await?;
        Ok(part.page(items, |job| job.id.0))
    }

    /// One job.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn job(&self, actor: &Actor, id: JobId) -> Result<Job, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.job(id).await?)
    }

    /// One job with everything its page shows.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn job_view(&self, actor: &Actor, id: JobId) -> Result<JobView, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let job = tx.job(id).await?;
        let data_set = tx.data_set(job.data_set_id).await?;
        let host = tx.host(data_set.host_id).await?;
        let carrier = match job.carried_by {
            Some(carrier) => Some(tx.placed_job(carrier).await?),
            None => None,
        };
        let carries = tx.carried_by(id).await?;
        let mut choices = tx.carriers().await?;
        choices.retain(|placed| placed.job.id != id && carries.is_empty());
        let ping = self.ping_of(actor, &mut tx, &job).await?;
        let order = match &carrier {
            Some(carrier) => {
                let (dumps, files) = (tx.ran_lately(id).await?, tx.ran_lately(carrier.job.id).await?);
                let dump = Timed { every: job.every, ran: &dumps };
                order(dump, Timed { every: carrier.job.every, ran: &files })
            }
            None => None,
        };
        Ok(JobView { job, data_set, host, carrier, carries, ping, choices, order })
    }

    /// All jobs in use with their places, by host, data set and name.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn placed_jobs(&self, actor: &Actor) -> Result<Vec<PlacedJob>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.placed_jobs().await?)
    }

    /// The jobs that may carry others, to choose from.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn carrier_choices(&self, actor: &Actor) -> Result<Vec<PlacedJob>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.carriers().await?)
    }

    /// Where a job reports.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn ping_address(&self, actor: &Actor, id: JobId) -> Result<PingAddress, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let job = tx.job(id).await?;
        self.ping_of(actor, &mut tx, &job).await
    }

    async fn ping_of(&self, actor: &Actor, tx: &mut Tx, job: &Job) -> Result<PingAddress, Error> {
        if !actor.may(Permission::EditInventory) {
            return Ok(PingAddress::Hidden);
        }
        let stored = tx.job_ping_hash(job.id).await?;
        let known = self.keys.pings(job.id.0, job.ping_version).find(|uuid| hash(&uuid.to_string()) == stored);
        Ok(known.map_or(PingAddress::Forgotten, |uuid| PingAddress::Known(self.url(&format!("/ping/{uuid}")))))
    }

    /// Adds a job to a data set.
    ///
    /// # Errors
    /// Not allowed, no such data set, wrong fields, or the database does not answer.
    pub async fn add_job(&self, actor: &Actor, data_set: DataSetId, input: JobInput) -> Result<Job, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        not_retired(&tx.data_set(data_set).await?)?;
        let job = check(&mut tx, Target { id: self.new_id(), data_set, stored: None }, &input).await?;
        let ping = hash(&self.keys.ping(job.id.0, job.ping_version).to_string());
        tx.insert_job(&job, &ping, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("job.add", &job), None, Some(&job))).await?;
        tx.commit().await?;
        Ok(job)
    }

    /// Changes what a job is called, how it runs and what carries it.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_job(&self, actor: &Actor, id: JobId, version: i64, input: JobInput) -> Result<Job, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        unchanged("job", job.version, version)?;
        in_use(&job)?;
        let target = Target { id, data_set: job.data_set_id, stored: Some(&job) };
        let edited = check(&mut tx, target, &input).await?;
        self.store_job(actor, tx, "job.edit", &job, edited).await
    }

    /// Switches a job on or off. While it is off it protects nothing.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn set_job_enabled(&self, actor: &Actor, id: JobId, version: i64, enabled: bool) -> Result<Job, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        unchanged("job", job.version, version)?;
        in_use(&job)?;
        let edited = Job { enabled, ..job.clone() };
        self.store_job(actor, tx, if enabled { "job.enable" } else { "job.disable" }, &job, edited).await
    }

    /// Gives a job a new ping address; reports to the old one are not accepted any more.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn rotate_ping(&self, actor: &Actor, id: JobId, version: i64) -> Result<Job, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        unchanged("job", job.version, version)?;
        in_use(&job)?;
        let mut rotated = Job { ping_version: job.ping_version + 1, ..job.clone() };
        let ping = hash(&self.keys.ping(id.0, rotated.ping_version).to_string());
        tx.update_job_ping(&rotated, &ping).await?;
        rotated.version += 1;
        tx.add_audit(&self.audit(actor, action("job.rotate_ping", &rotated), Some(&job), Some(&rotated))).await?;
        tx.commit().await?;
        Ok(rotated)
    }

    /// Takes a job out of use; its address accepts no more reports. Its runs stay.
    ///
    /// # Errors
    /// Not allowed, not found, stale, it carries others, or the database does not answer.
    pub async fn retire_job(&self, actor: &Actor, id: JobId, version: i64) -> Result<Job, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        if job.retired_at.is_some() {
            return Ok(job);
        }
        unchanged("job", job.version, version)?;
        let carried: Vec<String> = tx.carried_by(id).await?.iter().map(ToString::to_string).collect();
        free_to_retire("job", &[verb(&carried, "is carried by it", "are carried by it")])?;
        let retired = Job { retired_at: Some(self.now()), ..job.clone() };
        self.store_job(actor, tx, "job.retire", &job, retired).await
    }

    /// Removes a job added by mistake.
    ///
    /// # Errors
    /// Not allowed, not found, stale, something refers to it, or the database does not answer.
    pub async fn delete_job(&self, actor: &Actor, id: JobId, version: i64) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let job = tx.job(id).await?;
        unchanged("job", job.version, version)?;
        free_to_delete(&tx.job_references(id).await?, job.retired_at.is_some())?;
        tx.delete_job(id).await?;
        tx.add_audit(&self.audit(actor, action("job.delete", &job), Some(&job), None)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn store_job(
        &self,
        actor: &Actor,
        mut tx: Tx,
        verb: &'static str,
        before: &Job,
        mut after: Job,
    ) -> Result<Job, Error> {
        if *before == after {
            return Ok(after);
        }
        tx.update_job(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action(verb, &after), Some(before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }
}

pub(super) fn action(verb: &'static str, job: &Job) -> Action<'static> {
    Action { verb, object: "job", id: job.id.to_string(), name: job.name.to_string() }
}

/// A retired job is history: it is not edited.
fn in_use(job: &Job) -> Result<(), Error> {
    if job.retired_at.is_none() {
        Ok(())
    } else {
        Err(Error::refused("retired", format!("{} is out of use and stays as it was.", job.name)))
    }
}

/// The job that the input is about.
struct Target<'a> {
    id: JobId,
    data_set: DataSetId,
    stored: Option<&'a Job>,
}

fn length(text: &str) -> Result<Span, String> {
    match Span::parse(text).map_err(|e| e.to_string())? {
        span if span >= Span::minutes(1) => Ok(span),
        _ => Err("This must be at least one minute.".to_owned()),
    }
}

async fn check(tx: &mut Tx, target: Target<'_>, input: &JobInput) -> Result<Job, Error> {
    let mut fields = Fields::default();
    let name = fields.take("name", Name::parse(&input.name));
    let tool = fields.take("tool", optional_line(&input.tool, TOOL));
    let carried_by = fields.take("carried_by", optional_id::<JobId>(&input.carried_by));
    let every = fields.take("every", length(&input.every));
    let max_duration = fields.take("max_duration", length(&input.max_duration));
    if let Some(name) = &name
        && tx.job_named(target.data_set, &name.key()).await?.is_some_and(|other| other.id != target.id)
    {
        fields.add("name", format!("This data set has a job called {name} already."));
    }
    let was_carried_by = target.stored.and_then(|job| job.carried_by);
    if let Some(Some(carrier)) = carried_by
        && was_carried_by != Some(carrier)
    {
        check_carrier(tx, &target, carrier, &mut fields).await?;
    }
    match (name, tool, carried_by, every, max_duration) {
        (Some(name), Some(tool), Some(carried_by), Some(every), Some(max_duration)) if fields.is_empty() => {
            let edited = Job {
                id: target.id,
                data_set_id: target.data_set,
                name,
                tool,
                carried_by,
                enabled: true,
                every,
                max_duration,
                ping_version: 1,
                retired_at: None,
                version: 1,
            };
            Ok(match target.stored {
                None => edited,
                Some(job) => Job {
                    enabled: job.enabled,
                    ping_version: job.ping_version,
                    retired_at: job.retired_at,
                    version: job.version,
                    ..edited
                },
            })
        }
        _ => Err(fields.into_error()),
    }
}

async fn check_carrier(tx: &mut Tx, target: &Target<'_>, carrier: JobId, fields: &mut Fields) -> Result<(), Error> {
    let carrier = match tx.placed_job(carrier).await {
        Ok(carrier) => carrier,
        Err(StoreError::NotFound(_)) => {
            fields.add("carried_by", "There is no such job.");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let carries_others = !tx.carried_by(target.id).await?.is_empty();
    fields.take("carried_by", carrier.job.may_carry(target.id, carrier.kind, carries_others));
    Ok(())
}

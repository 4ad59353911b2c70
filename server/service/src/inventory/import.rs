//! Hosts from a list: first what it would do, then all of it at once or nothing.

use super::{data_set, host, job};
use crate::error::FieldError;
use crate::keys::hash;
use crate::{Actor, Error, Services};
use domain::csv;
pub use domain::import::{Change, FieldChange, Line};
use domain::import::{Inventory, LineError, Plan, lines, plan};
use domain::people::Permission;
use storage::{StoreError, Tx};

/// Mistakes told at once.
const MISTAKES: usize = 50;

/// A list of hosts as it was sent.
#[derive(Clone, Debug)]
pub enum HostList {
    /// Text from a spreadsheet; its first line names the columns.
    Csv(String),
    /// Lines that a program made.
    Lines(Vec<Line>),
}

/// What a list does.
#[derive(Clone, Debug)]
pub struct Import {
    /// What is added or changed, in the order of the list.
    pub changes: Vec<Change>,
    /// Hosts, data sets and jobs of the list that stay as they are.
    pub left_alone: usize,
    /// The same for the same changes: what was shown is what will be done.
    pub seen: String,
}

impl Services {
    /// What a list would do now. Changes nothing.
    ///
    /// # Errors
    /// Not allowed, mistakes in the list, or the database does not answer.
    pub async fn plan_import(&self, actor: &Actor, list: &HostList) -> Result<Import, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.read().await?;
        Ok(self.plan_of(&mut tx, list).await?.1)
    }

    /// Does what a list says, all of it or nothing. With `seen`, of [`Self::plan_import`], only if that is
    /// still what it would do.
    ///
    /// # Errors
    /// Not allowed, mistakes in the list, it would do something else than was seen, or the database
    /// does not answer.
    pub async fn import_hosts(&self, actor: &Actor, list: &HostList, seen: Option<&str>) -> Result<Import, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let (plan, import) = self.plan_of(&mut tx, list).await?;
        if seen.is_some_and(|seen| seen != import.seen) {
            return Err(Error::refused(
                "changed",
                "Nothing was changed yet: this is not what you were shown. Look at it again, then apply it.",
            ));
        }
        self.apply(actor, &mut tx, plan).await?;
        self.follow_all_work(&mut tx).await?;
        tx.announce();
        tx.commit().await?;
        Ok(import)
    }

    async fn plan_of(&self, tx: &mut Tx, list: &HostList) -> Result<(Plan, Import), Error> {
        let (field, lines) = match list {
            HostList::Csv(text) => ("csv", read(text)?),
            HostList::Lines(lines) => ("lines", lines.clone()),
        };
        let stored = inventory(tx).await?;
        let plan = plan(&stored, &lines, &mut || self.new_id());
        if !plan.errors.is_empty() {
            return Err(wrong(field, &plan.errors));
        }
        let changes = plan.changes(&stored);
        let import = Import { left_alone: plan.left_alone(), seen: hash(&format!("{changes:?}")), changes };
        Ok((plan, import))
    }

    async fn apply(&self, actor: &Actor, tx: &mut Tx, plan: Plan) -> Result<(), Error> {
        let now = self.now();
        for step in plan.hosts.into_iter().filter(|step| !step.is_idle()) {
            let mut after = step.after;
            let verb = if step.before.is_some() { "host.edit" } else { "host.add" };
            if step.before.is_some() {
                tx.update_host(&after).await?;
                after.version += 1;
            } else {
                tx.insert_host(&after, now).await?;
            }
            let action = host::action(verb, &after);
            tx.add_audit(&self.audit(actor, action, step.before.as_ref(), Some(&after))).await?;
        }
        for step in plan.data_sets.into_iter().filter(|step| !step.is_idle()) {
            let mut after = step.after;
            let verb = if step.before.is_some() { "data_set.edit" } else { "data_set.add" };
            if step.before.is_some() {
                tx.update_data_set(&after).await?;
                after.version += 1;
            } else {
                tx.insert_data_set(&after, now).await?;
            }
            let action = data_set::action(verb, &after);
            tx.add_audit(&self.audit(actor, action, step.before.as_ref(), Some(&after))).await?;
        }
        for step in plan.jobs.into_iter().filter(|step| !step.is_idle()) {
            let mut after = step.after;
            let verb = if step.before.is_some() { "job.edit" } else { "job.add" };
            if step.before.is_some() {
                tx.update_job(&after).await?;
                after.version += 1;
            } else {
                let ping = hash(&self.keys.ping(after.id.0, after.ping_version).to_string());
                tx.insert_job(&after, &ping, now).await?;
            }
            let action = job::action(verb, &after);
            tx.add_audit(&self.audit(actor, action, step.before.as_ref(), Some(&after))).await?;
        }
        Ok(())
    }
}

fn read(text: &str) -> Result<Vec<Line>, Error> {
    let records = csv::parse(text).map_err(|e| Error::field("csv", e.to_string()))?;
    lines(records).map_err(|errors| wrong("csv", &errors))
}

async fn inventory(tx: &mut Tx) -> Result<Inventory, StoreError> {
    Ok(Inventory {
        hosts: tx.hosts(false).await?,
        data_sets: tx.data_sets(false).await?,
        jobs: tx.placed_jobs().await?.into_iter().map(|placed| placed.job).collect(),
    })
}

fn wrong(field: &'static str, errors: &[LineError]) -> Error {
    let told = errors.iter().take(MISTAKES).map(|e| format!("Line {}, {}: {}", e.line, e.column, e.message));
    let more = errors.len().checked_sub(MISTAKES).filter(|more| *more > 0);
    let more = more.map(|more| format!("There are {more} more mistakes further down."));
    Error::Invalid(told.chain(more).map(|message| FieldError { field, message }).collect())
}

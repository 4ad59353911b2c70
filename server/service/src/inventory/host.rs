//! Hosts: what runs on what, exemptions, and a host's own policy.

use super::{
    ListQuery, OpenWindow, Page, PlacedJob, free_to_delete, free_to_retire, optional_id, series, unchanged, verb,
    windows,
};
use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::backup::Job;
use domain::component::Component;
use domain::host::{DataSet, Exemption, Host, tree, would_cycle};
use domain::ids::HostId;
use domain::people::Permission;
use domain::policy::{Policy, PolicyOverride, RestoreOverride};
use domain::text::{Name, TextError, optional_line};
use domain::time::{Span, SpanError};
use serde::Serialize;
use std::collections::BTreeMap;
use storage::Tx;

/// Characters in a note or a reason.
const LINE: usize = 300;

/// Characters in the name of an owner.
const OWNER: usize = 120;

/// What a person types about a host.
#[derive(Clone, Debug, Default)]
pub struct HostInput {
    /// Unique among hosts in use.
    pub name: String,
    /// What it is; may be empty.
    pub note: String,
    /// Who looks after it: a person or a team; may be empty.
    pub owner: String,
    /// The id of the host below it; empty where it runs on none.
    pub runs_on: String,
}

/// Where a host's policy differs from the site's; empty fields follow the site.
#[derive(Clone, Debug, Default)]
pub struct PolicyInput {
    /// Length of time: "12 h".
    pub schedule_max_age: String,
    /// Length of time: "90 min".
    pub start_max_age: String,
    /// `yes`, `no` or empty.
    pub warnings_are_good: String,
    /// What is asked of restores.
    pub restore: RestoreInput,
}

/// Where what is asked of a host's restores differs from the site's policy; empty fields follow the site.
#[derive(Clone, Debug, Default)]
pub struct RestoreInput {
    /// Length of time: "90 d".
    pub drill_max_age: String,
    /// Length of time: "4 h".
    pub rto: String,
    /// `yes`, `no` or empty.
    pub slow_restore_blocks: String,
}

/// A host in the list of all.
#[derive(Clone, Debug)]
pub struct HostLine {
    /// How many hosts are below it.
    pub depth: usize,
    /// The host.
    pub host: Host,
    /// Names of the components that stand directly on it.
    pub components: Vec<Name>,
}

/// A data set with its jobs.
#[derive(Clone, Debug)]
pub struct DataSetLine {
    /// The data set.
    pub data_set: DataSet,
    /// Its jobs.
    pub jobs: Vec<PlacedJob>,
}

/// Everything the page of a host shows.
#[derive(Clone, Debug)]
pub struct HostView {
    /// The host.
    pub host: Host,
    /// The site's policy, from which it may differ.
    pub site_policy: Policy,
    /// What it runs on.
    pub runs_on: Option<Host>,
    /// What runs directly on it.
    pub guests: Vec<Host>,
    /// What lies on it, retired ones last.
    pub data_sets: Vec<DataSetLine>,
    /// What customers know of it.
    pub components: Vec<Component>,
    /// Windows not yet over that name it.
    pub windows: Vec<OpenWindow>,
    /// Hosts it may be put on.
    pub choices: Vec<Host>,
}

/// A host with what goes with it, for the audit log.
#[derive(Serialize)]
struct Whole<'a> {
    host: &'a Host,
    data_sets: &'a [DataSet],
    jobs: &'a [Job],
}

impl Services {
    /// A page of all hosts.
    ///
    /// # Errors
    /// Not allowed, a wrong query, or the database does not answer.
    pub async fn hosts(&self, actor: &Actor, query: &ListQuery) -> Result<Page<Host>, Error> {
        actor.require(Permission::View)?;
        let part = query.parse()?;
        let mut tx = self.db.read().await?;
        let items = tx.hosts_after(part.after.map(HostId), part.retired_too, part.fetch()).await?;
        Ok(part.page(items, |host| host.id.0))
    }

    /// The hosts in use by name, to choose from.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn host_choices(&self, actor: &Actor) -> Result<Vec<Host>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.hosts(false).await?)
    }

    /// All hosts as a tree by what runs on what; retired ones too if asked for.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn host_tree(&self, actor: &Actor, retired_too: bool) -> Result<Vec<HostLine>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let hosts = tx.hosts(retired_too).await?;
        let names: BTreeMap<_, _> = tx.components(false).await?.into_iter().map(|c| (c.id, c.name)).collect();
        let mut on: BTreeMap<HostId, Vec<Name>> = BTreeMap::new();
        for (component, host) in tx.topology().await?.behind {
            on.entry(host).or_default().extend(names.get(&component).cloned());
        }
        Ok(tree(hosts)
            .into_iter()
            .map(|(depth, host)| {
                let components = on.remove(&host.id).unwrap_or_default();
                HostLine { depth, host, components }
            })
            .collect())
    }

    /// One host.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn host(&self, actor: &Actor, id: HostId) -> Result<Host, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.host(id).await?)
    }

    /// One host with everything its page shows.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn host_view(&self, actor: &Actor, id: HostId) -> Result<HostView, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let host = tx.host(id).await?;
        let mut jobs = tx.jobs_on(id, true).await?;
        jobs.sort_by_key(|placed| placed.job.retired_at.is_some());
        let mut data_sets: Vec<DataSetLine> = tx
            .data_sets_of(id, true)
            .await?
            .into_iter()
            .map(|data_set| {
                let of_it = |placed: &&PlacedJob| placed.job.data_set_id == data_set.id;
                let jobs = jobs.iter().filter(of_it).cloned().collect();
                DataSetLine { data_set, jobs }
            })
            .collect();
        data_sets.sort_by_key(|line| line.data_set.retired_at.is_some());
        let topology = tx.topology().await?;
        let choices = tx.hosts(false).await?;
        let choices = choices.into_iter().filter(|on| !would_cycle(id, on.id, &topology.hosts)).collect();
        let runs_on = match host.runs_on {
            Some(on) => Some(tx.host(on).await?),
            None => None,
        };
        Ok(HostView {
            site_policy: tx.site().await?.policy,
            runs_on,
            guests: tx.guests_of(id, false).await?,
            data_sets,
            components: tx.components_on(id).await?,
            windows: tx.open_windows_of_host(id).await?,
            choices,
            host,
        })
    }

    /// Adds a host.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_host(&self, actor: &Actor, input: HostInput) -> Result<Host, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let id = self.new_id();
        let checked = check(&mut tx, id, None, &input).await?;
        let host = Host {
            id,
            name: checked.name,
            note: checked.note,
            owner: checked.owner,
            runs_on: checked.runs_on,
            exemption: None,
            policy: PolicyOverride::default(),
            retired_at: None,
            version: 1,
        };
        tx.insert_host(&host, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("host.add", &host), None, Some(&host))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(host)
    }

    /// Changes what a host is called, what it is and what it runs on.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_host(&self, actor: &Actor, id: HostId, version: i64, input: HostInput) -> Result<Host, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let host = tx.host(id).await?;
        unchanged("host", host.version, version)?;
        in_use(&host)?;
        let checked = check(&mut tx, id, host.runs_on, &input).await?;
        let edited = Host {
            name: checked.name,
            note: checked.note,
            owner: checked.owner,
            runs_on: checked.runs_on,
            ..host.clone()
        };
        self.store_host(actor, tx, "host.edit", &host, edited).await
    }

    /// Says that a host holds nothing worth saving; the reason and the name of who says so are
    /// shown in every verdict.
    ///
    /// # Errors
    /// Not allowed, not found, stale, no reason, or the database does not answer.
    pub async fn exempt_host(&self, actor: &Actor, id: HostId, version: i64, reason: &str) -> Result<Host, Error> {
        actor.require(Permission::EditInventory)?;
        let mut fields = Fields::default();
        let reason = fields.take("reason", optional_line(reason, LINE));
        if reason.as_ref().is_some_and(String::is_empty) {
            fields.add("reason", "Say why this host needs no backup.");
        }
        let (Some(reason), true) = (reason, fields.is_empty()) else { return Err(fields.into_error()) };
        let mut tx = self.db.decide().await?;
        let host = tx.host(id).await?;
        unchanged("host", host.version, version)?;
        in_use(&host)?;
        let exemption = Some(Exemption { reason, by: actor.label(), at: self.now() });
        let edited = Host { exemption, ..host.clone() };
        self.store_host(actor, tx, "host.exempt", &host, edited).await
    }

    /// Takes an exemption back: the gate asks for backups of this host again.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn end_exemption(&self, actor: &Actor, id: HostId, version: i64) -> Result<Host, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let host = tx.host(id).await?;
        unchanged("host", host.version, version)?;
        let edited = Host { exemption: None, ..host.clone() };
        self.store_host(actor, tx, "host.end_exemption", &host, edited).await
    }

    /// Says where a host differs from the site's policy.
    ///
    /// # Errors
    /// Not allowed (policy is for admins), not found, stale, wrong fields, or the database does not answer.
    pub async fn set_host_policy(
        &self,
        actor: &Actor,
        id: HostId,
        version: i64,
        input: PolicyInput,
    ) -> Result<Host, Error> {
        actor.require(Permission::Administer)?;
        let policy = input.parse()?;
        let mut tx = self.db.decide().await?;
        let host = tx.host(id).await?;
        unchanged("host", host.version, version)?;
        in_use(&host)?;
        let edited = Host { policy, ..host.clone() };
        self.store_host(actor, tx, "host.set_policy", &host, edited).await
    }

    /// Takes a host out of use, with its data sets and jobs. Its history stays.
    ///
    /// # Errors
    /// Not allowed, not found, stale, something in use depends on it, or the database does not answer.
    pub async fn retire_host(&self, actor: &Actor, id: HostId, version: i64) -> Result<Host, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let host = tx.host(id).await?;
        if host.retired_at.is_some() {
            return Ok(host);
        }
        unchanged("host", host.version, version)?;
        let mut jobs: Vec<Job> = tx.jobs_on(id, false).await?.into_iter().map(|placed| placed.job).collect();
        let mut data_sets = tx.data_sets_of(id, false).await?;
        let mut carried = Vec::new();
        for job in &jobs {
            let elsewhere = tx.carried_by(job.id).await?;
            carried.extend(elsewhere.into_iter().filter(|c| c.host_id != id).map(|c| c.to_string()));
        }
        let guests: Vec<String> = tx.guests_of(id, false).await?.iter().map(|g| g.name.to_string()).collect();
        let components: Vec<String> = tx.components_on(id).await?.iter().map(|c| c.name.to_string()).collect();
        let mut named_by: Vec<String> = series(tx.open_series_of_host(id).await?).collect();
        named_by.extend(windows(&tx.open_windows_of_host(id).await?));
        free_to_retire(
            "host",
            &[
                verb(&guests, "runs on it", "run on it"),
                verb(&components, "stands on it", "stand on it"),
                verb(&carried, "is carried by one of its jobs", "are carried by its jobs"),
                verb(&named_by, "names it", "name it"),
            ],
        )?;
        let before = serde_json::to_value(Whole { host: &host, data_sets: &data_sets, jobs: &jobs }).ok();
        let retired_at = Some(self.now());
        for job in &mut jobs {
            job.retired_at = retired_at;
            tx.update_job(job).await?;
            job.version += 1;
        }
        for data_set in &mut data_sets {
            data_set.retired_at = retired_at;
            tx.update_data_set(data_set).await?;
            data_set.version += 1;
        }
        let mut retired = Host { retired_at, ..host };
        tx.update_host(&retired).await?;
        self.follow_all_work(&mut tx).await?;
        retired.version += 1;
        let after = serde_json::to_value(Whole { host: &retired, data_sets: &data_sets, jobs: &jobs }).ok();
        let entry = self.audit(actor, action("host.retire", &retired), before.as_ref(), after.as_ref());
        tx.add_audit(&entry).await?;
        tx.announce();
        tx.commit().await?;
        Ok(retired)
    }

    /// Removes a host added by mistake, with its data sets and jobs.
    ///
    /// # Errors
    /// Not allowed, not found, stale, something refers to it, or the database does not answer.
    pub async fn delete_host(&self, actor: &Actor, id: HostId, version: i64) -> Result<(), Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let host = tx.host(id).await?;
        unchanged("host", host.version, version)?;
        let mut jobs: Vec<Job> = tx.jobs_on(id, true).await?.into_iter().map(|placed| placed.job).collect();
        let data_sets = tx.data_sets_of(id, true).await?;
        let mut found = tx.host_references(id).await?;
        for data_set in &data_sets {
            found.verdicts = found.verdicts.max(tx.data_set_references(data_set.id).await?.verdicts);
        }
        free_to_delete(&found, host.retired_at.is_some())?;
        // Those that are carried go before those that carry them.
        jobs.sort_by_key(|job| job.carried_by.is_none());
        for job in &jobs {
            tx.delete_job(job.id).await?;
        }
        for data_set in &data_sets {
            tx.delete_data_set(data_set.id).await?;
        }
        tx.delete_host(id).await?;
        let whole = Whole { host: &host, data_sets: &data_sets, jobs: &jobs };
        tx.add_audit(&self.audit(actor, action("host.delete", &host), Some(&whole), None)).await?;
        tx.announce();
        tx.commit().await?;
        Ok(())
    }

    async fn store_host(
        &self,
        actor: &Actor,
        mut tx: Tx,
        verb: &'static str,
        before: &Host,
        mut after: Host,
    ) -> Result<Host, Error> {
        if *before == after {
            return Ok(after);
        }
        tx.update_host(&after).await?;
        after.version += 1;
        if after.runs_on != before.runs_on {
            self.follow_all_work(&mut tx).await?;
        }
        tx.add_audit(&self.audit(actor, action(verb, &after), Some(before), Some(&after))).await?;
        tx.announce();
        tx.commit().await?;
        Ok(after)
    }
}

pub(super) fn action(verb: &'static str, host: &Host) -> Action<'static> {
    Action { verb, object: "host", id: host.id.to_string(), name: host.name.to_string() }
}

/// A retired host is history: it is not edited.
pub(super) fn in_use(host: &Host) -> Result<(), Error> {
    if host.retired_at.is_none() {
        Ok(())
    } else {
        Err(Error::refused("retired", format!("{} is out of use and stays as it was.", host.name)))
    }
}

struct Checked {
    name: Name,
    note: String,
    owner: String,
    runs_on: Option<HostId>,
}

async fn check(tx: &mut Tx, id: HostId, runs_on_now: Option<HostId>, input: &HostInput) -> Result<Checked, Error> {
    let mut fields = Fields::default();
    let name: Option<Name> = fields.take::<_, TextError>("name", Name::parse(&input.name));
    let note = fields.take("note", optional_line(&input.note, LINE));
    let owner = fields.take("owner", optional_line(&input.owner, OWNER));
    let runs_on = fields.take("runs_on", optional_id::<HostId>(&input.runs_on));
    if let Some(name) = &name
        && tx.host_named(&name.key()).await?.is_some_and(|other| other.id != id)
    {
        fields.add("name", format!("There is a host called {name} already."));
    }
    if let Some(Some(on)) = runs_on
        && runs_on_now != Some(on)
    {
        let nodes = tx.topology().await?.hosts;
        if nodes.iter().all(|node| node.id != on) {
            fields.add("runs_on", "This host is not in use.");
        } else if on == id {
            fields.add("runs_on", "A host can not run on itself.");
        } else if would_cycle(id, on, &nodes) {
            let below = tx.host(on).await?.name;
            fields.add("runs_on", format!("{below} runs on this host already, directly or through others."));
        }
    }
    match (name, note, owner, runs_on) {
        (Some(name), Some(note), Some(owner), Some(runs_on)) if fields.is_empty() => {
            Ok(Checked { name, note, owner, runs_on })
        }
        _ => Err(fields.into_error()),
    }
}

impl PolicyInput {
    fn parse(&self) -> Result<PolicyOverride, Error> {
        fn age(text: &str) -> Result<Option<Span>, String> {
            match text.trim() {
                "" => Ok(None),
                text => match Span::parse(text).map_err(|e: SpanError| e.to_string())? {
                    span if span >= Span::minutes(1) => Ok(Some(span)),
                    _ => Err("This must be at least one minute.".to_owned()),
                },
            }
        }
        fn yes_or_no(text: &str) -> Result<Option<bool>, &'static str> {
            match text.trim() {
                "" => Ok(None),
                "yes" => Ok(Some(true)),
                "no" => Ok(Some(false)),
                _ => Err("Write yes or no, or leave it empty."),
            }
        }
        let mut fields = Fields::default();
        let schedule_max_age = fields.take("schedule_max_age", age(&self.schedule_max_age));
        let start_max_age = fields.take("start_max_age", age(&self.start_max_age));
        let warnings_are_good = fields.take("warnings_are_good", yes_or_no(&self.warnings_are_good));
        let drill_max_age = fields.take("drill_max_age", age(&self.restore.drill_max_age));
        let rto = fields.take("rto", age(&self.restore.rto));
        let slow_restore_blocks = fields.take("slow_restore_blocks", yes_or_no(&self.restore.slow_restore_blocks));
        let restore = match (drill_max_age, rto, slow_restore_blocks) {
            (Some(drill_max_age), Some(rto), Some(slow_restore_blocks)) => {
                Some(RestoreOverride { drill_max_age, rto, slow_restore_blocks })
            }
            _ => None,
        };
        match (schedule_max_age, start_max_age, warnings_are_good, restore) {
            (Some(schedule_max_age), Some(start_max_age), Some(warnings_are_good), Some(restore)) => {
                Ok(PolicyOverride { schedule_max_age, start_max_age, warnings_are_good, restore })
            }
            _ => Err(fields.into_error()),
        }
    }
}

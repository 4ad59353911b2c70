//! Restore drills: planning and doing them, what tools report of restores and checks, and what
//! follows: how long a restore takes, and whose restore was not rehearsed lately.

mod input;

pub(crate) use input::time as typed_time;
pub use input::{DrillEnding, DrillInput};
pub use storage::drill::DrillLine;

use crate::audit::Action;
use crate::inventory::{MAX_PAGE, Page};
use crate::runs::find_host;
use crate::{Actor, Error, Fields, Services};
use domain::backup::Job;
use domain::drill::{Drill, DrillError, DrillState, Ending, Overdue, Worth, overdue};
use domain::gate::{Finding, Purpose, Reason, Restore, Scope};
use domain::ids::{DataSetId, DrillId, HostId};
use domain::ingest::{Tool, ToolDrill};
use domain::people::Permission;
use domain::site::Site;
use domain::time::{Instant, Span};
use input::Asked;
use serde::Serialize;
use std::collections::BTreeSet;
use storage::drill::DrillFilter;
use storage::{StoreError, Tx};

/// Drills of a host that its page shows.
const FEW: i64 = 5;

/// Drills that are planned or running; more can not be taken in at a glance.
const OPEN: i64 = 200;

/// A drill that failed is shown to those who need it for this long.
const FAILURE_SHOWN: Span = Span::days(7);

/// Which drills to list, as typed in an address; everything where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct DrillsQuery {
    /// A host's id or name.
    pub host: String,
    /// planned, running, succeeded, failed or abandoned.
    pub state: String,
    /// Where the page before ended; empty for the first.
    pub cursor: String,
    /// How many at most, 1 to 200; 50 where empty.
    pub limit: String,
}

/// What became of a report of a restore or a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrillReceipt {
    /// Ours.
    pub id: DrillId,
    /// How it ended.
    pub state: DrillState,
    /// What it proves.
    pub worth: Worth,
}

/// A host whose restore was not rehearsed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverdueHost {
    /// Which.
    pub host_id: HostId,
    /// Its name.
    pub host: String,
    /// Its data sets without a recent drill.
    pub overdue: Overdue,
    /// How old the last drill may be.
    pub limit: Span,
    /// When the next drill of it is planned; none where nobody has planned one.
    pub planned_at: Option<Instant>,
    /// A drill of it goes on.
    pub is_running: bool,
}

/// What waits for somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillNeeds {
    /// Hosts without a recent drill: those never rehearsed first, then by age.
    pub overdue: Vec<OverdueHost>,
    /// Drills that are planned or running, the earliest first.
    pub open: Vec<DrillLine>,
    /// Drills that failed lately, newest first.
    pub failed: Vec<DrillLine>,
}

impl DrillNeeds {
    /// Those that were to have begun.
    pub fn late(&self, now: Instant) -> impl Iterator<Item = &DrillLine> {
        self.open.iter().filter(move |line| line.drill.is_late(now))
    }

    /// Hosts of which nobody takes care: no drill is planned or running.
    pub fn alone(&self) -> impl Iterator<Item = &OverdueHost> {
        self.overdue.iter().filter(|host| !host.is_running && host.planned_at.is_none())
    }
}

/// What is known of restoring one host.
#[derive(Clone, Debug)]
pub struct RestoreLook {
    /// How long it takes, against what is asked; none where nothing is to be restored.
    pub restore: Option<Restore>,
    /// That it was not rehearsed lately, if so.
    pub overdue: Option<Finding>,
    /// The newest drills.
    pub drills: Vec<DrillLine>,
}

impl Services {
    /// Plans a drill, or reports one that runs or is over. The same `run_id` again goes on with the
    /// drill it named before; a report that comes again changes nothing.
    ///
    /// # Errors
    /// Not allowed, a field is wrong, the drill can not have gone so, or the database does not answer.
    pub async fn add_drill(&self, actor: &Actor, input: &DrillInput) -> Result<Drill, Error> {
        actor.require(Permission::ReportBackup)?;
        let now = self.now();
        let mut tx = self.db.decide().await?;
        let zone = tx.site().await?.zone;
        let mut fields = Fields::default();
        let asked = input.read(&mut fields, self.zones.as_ref(), &zone, now);
        let place = find_place(&mut tx, &mut fields, &input.host, &input.data_set).await?;
        let (Some(asked), Some((host_id, data_set_id))) = (asked, place) else { return Err(fields.into_error()) };
        let source = if actor.token_id().is_some() { "api" } else { "" };
        let before = match &asked.key {
            Some(key) => tx.drill_by_key(host_id, source, key).await?,
            None => None,
        };
        if let Some(before) = before {
            if before.data_set_id != data_set_id {
                return Err(Error::field("run_id", "This run_id was used for another data set. Use a new one."));
            }
            return self.go_on_with_drill(tx, actor, before, &asked, now).await;
        }
        let who = if asked.who.is_empty() { actor.label() } else { asked.who.clone() };
        let planned = Drill {
            kind: asked.kind,
            planned_at: asked.planned_at,
            note: asked.note.clone(),
            evidence: asked.evidence.clone(),
            source: source.to_owned(),
            key: asked.key.clone(),
            ..Drill::plan(self.new_id(), host_id, data_set_id, who, now)
        };
        let (drill, verb) = match asked.state {
            DrillState::Planned => (planned, "drill.plan"),
            DrillState::Running => {
                (planned.start(asked.started_at.unwrap_or(now), now).map_err(refused)?, "drill.start")
            }
            _ => {
                let Some(started_at) = asked.started_at else {
                    return Err(Error::field("started_at", "Say when it began: without it nothing is measured."));
                };
                let running = planned.start(started_at, now).map_err(refused)?;
                (running.finish(asked.ending(now), now).map_err(refused)?, "drill.report")
            }
        };
        tx.insert_drill(&drill).await?;
        self.note_drill(&mut tx, actor, verb, None, &drill).await?;
        self.commit_drill(tx, &drill).await?;
        Ok(drill)
    }

    /// A later report of a drill that is known.
    async fn go_on_with_drill(
        &self,
        tx: Tx,
        actor: &Actor,
        before: Drill,
        asked: &Asked,
        now: Instant,
    ) -> Result<Drill, Error> {
        let started = |drill: &Drill| drill.start(asked.started_at.unwrap_or(now), now);
        let (after, verb) = match (before.state, asked.state) {
            (stored, told) if stored == told => return Ok(before),
            (DrillState::Planned, DrillState::Running) => (started(&before).map_err(refused)?, "drill.start"),
            (DrillState::Planned, DrillState::Succeeded | DrillState::Failed) => {
                let running = started(&before).map_err(refused)?;
                (running.finish(asked.ending(now), now).map_err(refused)?, "drill.finish")
            }
            (DrillState::Running, DrillState::Succeeded | DrillState::Failed) => {
                (before.finish(asked.ending(now), now).map_err(refused)?, "drill.finish")
            }
            (stored, _) => return Err(refused(DrillError::WrongState(stored))),
        };
        self.store_drill(tx, actor, verb, &before, after).await
    }

    /// A drill begins: now, or when it is said to have.
    ///
    /// # Errors
    /// Not allowed, not found, stale, it has begun already, or the database does not answer.
    pub async fn start_drill(
        &self,
        actor: &Actor,
        id: DrillId,
        version: Option<i64>,
        started_at: &str,
    ) -> Result<Drill, Error> {
        let (mut tx, before, now) = self.load_drill(actor, id, version).await?;
        let zone = tx.site().await?.zone;
        let at = input::time(self.zones.as_ref(), &zone, started_at);
        let at = at.map_err(|message| Error::field("started_at", message))?;
        let after = before.start(at.unwrap_or(now), now).map_err(refused)?;
        self.store_drill(tx, actor, "drill.start", &before, after).await
    }

    /// A drill is over.
    ///
    /// # Errors
    /// Not allowed, not found, stale, a field is wrong, it does not run, or the database does not answer.
    pub async fn finish_drill(
        &self,
        actor: &Actor,
        id: DrillId,
        version: Option<i64>,
        input: &DrillEnding,
    ) -> Result<Drill, Error> {
        let (mut tx, before, now) = self.load_drill(actor, id, version).await?;
        let zone = tx.site().await?.zone;
        let ending: Ending = input.read(self.zones.as_ref(), &zone, now)?;
        let after = before.finish(ending, now).map_err(refused)?;
        self.store_drill(tx, actor, "drill.finish", &before, after).await
    }

    /// A drill is given up.
    ///
    /// # Errors
    /// Not allowed, not found, stale, no reason, it is over, or the database does not answer.
    pub async fn abandon_drill(
        &self,
        actor: &Actor,
        id: DrillId,
        version: Option<i64>,
        why: &str,
    ) -> Result<Drill, Error> {
        let (tx, before, now) = self.load_drill(actor, id, version).await?;
        let why = input::note(why).map_err(|e| Error::field("note", e.to_string()))?;
        let after = before.abandon(why, now).map_err(refused)?;
        self.store_drill(tx, actor, "drill.abandon", &before, after).await
    }

    async fn load_drill(
        &self,
        actor: &Actor,
        id: DrillId,
        version: Option<i64>,
    ) -> Result<(Tx, Drill, Instant), Error> {
        actor.require(Permission::ReportBackup)?;
        let mut tx = self.db.decide().await?;
        let drill = tx.drill(id).await?.drill;
        Error::unless_fresh("drill", drill.version, version)?;
        Ok((tx, drill, self.now()))
    }

    async fn store_drill(
        &self,
        mut tx: Tx,
        actor: &Actor,
        verb: &'static str,
        before: &Drill,
        mut after: Drill,
    ) -> Result<Drill, Error> {
        tx.update_drill(&after).await?;
        after.version += 1;
        self.note_drill(&mut tx, actor, verb, Some(before), &after).await?;
        self.commit_drill(tx, &after).await?;
        Ok(after)
    }

    async fn note_drill(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        verb: &'static str,
        before: Option<&Drill>,
        after: &Drill,
    ) -> Result<(), Error> {
        let line = tx.drill(after.id).await?;
        let action = Action { verb, object: "drill", id: after.id.to_string(), name: place(&line) };
        Ok(tx.add_audit(&self.audit(actor, action, before, Some(after))).await?)
    }

    /// A drill that proves something may let a window on hold go on.
    async fn commit_drill(&self, tx: Tx, drill: &Drill) -> Result<(), Error> {
        tx.commit().await?;
        if drill.worth() >= Worth::Proof {
            self.intake.ring();
        }
        Ok(())
    }

    /// What a tool told of a restore or a check of one job's data set. The same output again is the
    /// same drill.
    pub(crate) async fn take_drill(
        &self,
        mut tx: Tx,
        actor: &Actor,
        job: &Job,
        tool: Tool,
        key: String,
        told: ToolDrill,
    ) -> Result<DrillReceipt, Error> {
        let data_set = tx.data_set(job.data_set_id).await?;
        let receipt = |drill: &Drill| DrillReceipt { id: drill.id, state: drill.state, worth: drill.worth() };
        let key: String = key.chars().take(200).collect();
        if let Some(known) = tx.drill_by_key(data_set.host_id, tool.as_str(), &key).await? {
            return Ok(receipt(&known));
        }
        let drill = Drill::reported(
            Drill {
                kind: told.kind,
                note: told.note,
                source: tool.as_str().to_owned(),
                key: Some(key),
                ..Drill::plan(self.new_id(), data_set.host_id, Some(data_set.id), actor.label(), self.now())
            },
            told.succeeded,
            told.started_at,
            told.finished_at,
            told.bytes,
            self.now(),
        );
        tx.insert_drill(&drill).await?;
        self.note_drill(&mut tx, actor, "drill.report", None, &drill).await?;
        self.commit_drill(tx, &drill).await?;
        Ok(receipt(&drill))
    }

    /// Drills, the last to end or to begin first.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn drills(&self, actor: &Actor, query: &DrillsQuery) -> Result<Page<DrillLine>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let state = match query.state.trim() {
            "" => None,
            text => fields.take::<DrillState, _>("state", text.parse()),
        };
        let before = match query.cursor.trim() {
            "" => None,
            text => fields.take::<DrillId, _>("cursor", text.parse().map_err(|_| "This is no cursor of ours.")),
        };
        let limit = match query.limit.trim() {
            "" => 50,
            text => text.parse().ok().filter(|n| (1..=MAX_PAGE).contains(n)).unwrap_or_else(|| {
                fields.add("limit", format!("Ask for 1 to {MAX_PAGE}."));
                1
            }),
        };
        let mut tx = self.db.read().await?;
        let host = match query.host.trim() {
            "" => None,
            text => fields.take("host", find_host(&mut tx, text).await?),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut items = tx.drills_before(before, DrillFilter { host, state }, limit + 1).await?;
        let fits = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > fits;
        items.truncate(fits);
        let next_cursor = items.last().filter(|_| more).map(|line| line.drill.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// One drill.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn drill(&self, actor: &Actor, id: DrillId) -> Result<DrillLine, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.drill(id).await?)
    }

    /// Which hosts need a drill, which drills are planned or running, and which failed lately.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn drill_needs(&self, actor: &Actor) -> Result<DrillNeeds, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        self.drill_needs_in(&mut tx, &site).await
    }

    pub(crate) async fn drill_needs_in(&self, tx: &mut Tx, site: &Site) -> Result<DrillNeeds, Error> {
        let (now, policy) = (self.now(), &site.policy.restore);
        let open = tx.open_drills(OPEN).await?;
        let proofs = tx.last_proofs().await?;
        let mut hosts = Vec::new();
        for of_host in proofs.chunk_by(|a, b| a.host_id == b.host_id) {
            let Some(first) = of_host.first() else { continue };
            let limit = first.drill_max_age.unwrap_or(policy.drill_max_age);
            let times: Vec<(DataSetId, Option<Instant>)> = of_host.iter().map(|p| (p.data_set_id, p.at)).collect();
            let Some(overdue) = overdue(now, &times, limit) else { continue };
            let own = || open.iter().map(|line| &line.drill).filter(|drill| drill.host_id == first.host_id);
            hosts.push(OverdueHost {
                host_id: first.host_id,
                host: first.host.clone(),
                overdue,
                limit,
                planned_at: own().filter(|drill| drill.state == DrillState::Planned).filter_map(|d| d.planned_at).min(),
                is_running: own().any(|drill| drill.state == DrillState::Running),
            });
        }
        // Never comes before the oldest; the names keep their order.
        hosts.sort_by_key(|host| host.overdue.last);
        let failed = DrillFilter { host: None, state: Some(DrillState::Failed) };
        let mut failed = tx.drills_before(None, failed, FEW).await?;
        failed.retain(|line| line.drill.finished_at.is_some_and(|at| FAILURE_SHOWN.after(at) > now));
        Ok(DrillNeeds { overdue: hosts, open, failed })
    }

    /// How long it takes to restore a host, and what it stands on.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn restore_of(&self, actor: &Actor, id: HostId) -> Result<RestoreLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        tx.host(id).await?;
        let scope = Scope { hosts: BTreeSet::from([id]), components: BTreeSet::new() };
        let (verdict, _) = self.gate_for_work(&mut tx, self.now(), Purpose::Schedule, &scope, None).await?;
        let is_overdue = |f: &Finding| f.host == Some(id) && matches!(f.reason, Reason::DrillOverdue { .. });
        Ok(RestoreLook {
            restore: verdict.restores.into_iter().find(|restore| restore.host == id),
            overdue: verdict.warnings.into_iter().find(is_overdue),
            drills: tx.drills_before(None, DrillFilter { host: Some(id), state: None }, FEW).await?,
        })
    }
}

/// "web-12 · database"; "web-12" where the whole host is meant.
#[must_use]
pub fn place(line: &DrillLine) -> String {
    match &line.data_set {
        Some(data_set) => format!("{} · {data_set}", line.host),
        None => line.host.clone(),
    }
}

fn refused(error: DrillError) -> Error {
    match error {
        DrillError::WrongState(_) => Error::refused("wrong_state", error.to_string()),
        _ => Error::field(error.field(), error.to_string()),
    }
}

/// The host in use that is meant, and the data set on it; none for all of it.
async fn find_place(
    tx: &mut Tx,
    fields: &mut Fields,
    host: &str,
    data_set: &str,
) -> Result<Option<(HostId, Option<DataSetId>)>, StoreError> {
    if host.trim().is_empty() {
        fields.add("host", "Name the host whose restore is rehearsed.");
        return Ok(None);
    }
    let Some(host_id) = fields.take("host", find_host(tx, host.trim()).await?) else { return Ok(None) };
    let found = match tx.host(host_id).await {
        Ok(host) => Some(host).filter(|host| host.retired_at.is_none()),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    if found.is_none() {
        fields.add("host", "There is no such host in use.");
        return Ok(None);
    }
    let text = data_set.trim();
    if text.is_empty() {
        return Ok(fields.is_empty().then_some((host_id, None)));
    }
    let in_use = tx.data_sets_of(host_id, false).await?;
    let key = domain::text::Name::parse(text).map(|name| name.key()).unwrap_or_default();
    let found = in_use.iter().find(|set| set.id.to_string() == text || set.name.key() == key);
    let Some(found) = found else {
        fields.add("data_set", format!("There is no data set “{text}” in use on this host."));
        return Ok(None);
    };
    Ok(fields.is_empty().then_some((host_id, Some(found.id))))
}

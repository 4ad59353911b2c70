//! What stands in the way of work beside the gate: shown while somebody types, minded when a window
//! is scheduled or its time or scope changes. The rule is the domain's.

mod freezes;
mod import;
mod redundancy;
mod slots;

pub use freezes::{FreezeInput, FreezeLook};
pub use import::{FreezeImport, IcsInput};
pub use redundancy::{RedundancyInput, RedundancyLook};
pub use slots::{Asked, Slots};
pub use storage::conflict::AcceptedConflicts;

use crate::error::Fields;
use crate::maintenance::scope_of;
use crate::{Actor, Error, Services};
use domain::conflict::{
    BackupTime, Conflict, Leave, OtherWork, Surroundings, Work, conflicts, leave, summary, taken_up,
};
use domain::gate::{Evidence, Scope, Topology};
use domain::ids::{JobId, MaintenanceId};
use domain::maintenance::{Maintenance, State};
use domain::people::Permission;
use domain::rhythm::Rhythm;
use domain::text::Why;
use domain::time::{Instant, Stretch};
use std::collections::{BTreeMap, BTreeSet};
use storage::maintenance::Order;
use storage::{StoreError, Tx};

/// States in which a window takes up its time.
const TAKING_UP: [State; 4] = [State::Scheduled, State::Held, State::InProgress, State::Verifying];

/// What stands in the way of a stored window now, and what was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictsLook {
    /// Now; none for what is over.
    pub now: Vec<Conflict>,
    /// Who went ahead in spite of what, newest first.
    pub accepted: Vec<AcceptedConflicts>,
}

/// How jobs run.
pub(crate) type Rhythms = BTreeMap<JobId, Rhythm>;

impl Services {
    /// How the jobs in the evidence run, those that carry others too.
    pub(crate) async fn rhythms(&self, tx: &mut Tx, evidence: &Evidence) -> Result<Rhythms, Error> {
        let own = evidence.hosts.iter().flat_map(|host| {
            let jobs = host.data_sets.iter().flat_map(|set| &set.jobs);
            jobs.map(|evidence| (&evidence.job, &host.policy))
        });
        let carriers = evidence.carriers.iter().map(|(evidence, policy)| (&evidence.job, policy));
        let jobs: Vec<_> = own.chain(carriers).collect();
        let ids: BTreeSet<JobId> = jobs.iter().map(|(job, _)| job.id).collect();
        let runs = tx.last_runs(&ids).await?;
        let of = |(job, policy)| {
            let job: &domain::backup::Job = job;
            Some((job.id, Rhythm::of(job, runs.get(&job.id)?, policy)?))
        };
        Ok(jobs.into_iter().filter_map(of).collect())
    }

    /// Everything that can stand in the way of work on the hosts of the evidence.
    async fn surroundings(
        &self,
        tx: &mut Tx,
        except: Option<MaintenanceId>,
        evidence: &Evidence,
        rhythms: &Rhythms,
        topology: &Topology,
        within: Stretch,
    ) -> Result<Surroundings, Error> {
        let now = self.now();
        let zone = tx.site().await?.zone;
        let policy = tx.conflict_policy().await?;
        let groups = tx.redundancy_groups().await?;
        let windows = tx.maintenances_in(&TAKING_UP, Order::Earliest, None, i64::MAX).await?;
        let freezes = tx.freezes_within(within).await?;
        let names = tx.hosts(false).await?.into_iter().map(|host| (host.id, host.name.to_string())).collect();
        let mut backups = Vec::new();
        for host in &evidence.hosts {
            for set in &host.data_sets {
                for job in &set.jobs {
                    let Some(rhythm) = rhythms.get(&job.job.id) else { continue };
                    let time = |stretch, running| BackupTime {
                        job: job.job.id,
                        host: host.id,
                        place: format!("{} · {} · {}", host.name, set.data_set.name, job.job.name),
                        stretch,
                        running,
                    };
                    backups.extend(rhythm.running(now).map(|stretch| time(stretch, true)));
                    let expected = rhythm.expected(self.zones.as_ref(), &zone, within);
                    backups.extend(expected.into_iter().map(|stretch| time(stretch, false)));
                }
            }
        }
        Ok(Surroundings {
            groups: groups
                .into_iter()
                .map(|group| {
                    let force = group.force.unwrap_or(policy.redundancy);
                    (group, force)
                })
                .collect(),
            others: windows
                .iter()
                .filter(|m| Some(m.id) != except && taken_up(m, now).is_some_and(|time| time.overlaps(&within)))
                .filter_map(|m| OtherWork::of(m, topology, now))
                .collect(),
            freezes: freezes.iter().flat_map(|freeze| freeze.frozen(within, topology)).collect(),
            backups,
            names,
        })
    }

    /// What stands in the way of work on a scope in a time.
    pub(crate) async fn find_conflicts(
        &self,
        tx: &mut Tx,
        except: Option<MaintenanceId>,
        scope: &Scope,
        evidence: &Evidence,
        stretch: Stretch,
    ) -> Result<Vec<Conflict>, Error> {
        let topology = tx.topology().await?;
        let rhythms = self.rhythms(tx, evidence).await?;
        let around = self.surroundings(tx, except, evidence, &rhythms, &topology, stretch).await?;
        Ok(conflicts(&Work::of(scope, stretch, &topology), &around))
    }

    /// Goes on only if nothing blocks, and with a reason where a rule warns; keeps who went ahead.
    /// Nobody is there to give a reason where Fermata acts by itself: it goes by what people decided.
    pub(crate) async fn mind_conflicts(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        m: &Maintenance,
        evidence: &Evidence,
        why: Option<&str>,
    ) -> Result<(), Error> {
        let stretch = Stretch::new(m.begins_at(), m.planned.ends_at);
        let found = self.find_conflicts(tx, Some(m.id), &scope_of(m), evidence, stretch).await?;
        self.accept(tx, actor, m, found, why).await
    }

    /// The same for more time that work under way takes: it takes it whatever we say, so that nothing
    /// refuses it, but a rule still asks for a reason.
    pub(crate) async fn mind_extension(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        m: &Maintenance,
        more: Stretch,
        why: &str,
    ) -> Result<(), Error> {
        let policy = tx.site().await?.policy;
        let scope = scope_of(m);
        let evidence = tx.evidence(&scope, &policy).await?;
        let found = self.find_conflicts(tx, Some(m.id), &scope, &evidence, more).await?;
        let asks = found.iter().any(Conflict::is_of_policy);
        let why = read_why(why)?;
        if asks && why.is_none() && !actor.is_system() {
            return Err(in_conflict(found, true));
        }
        self.keep_accepted(tx, actor, m, found, why).await
    }

    /// For work that begins before its time: a rule that blocks keeps it from the time until then.
    pub(crate) async fn mind_early_start(
        &self,
        tx: &mut Tx,
        m: &Maintenance,
        evidence: &Evidence,
        now: Instant,
    ) -> Result<(), Error> {
        if now >= m.planned.starts_at {
            return Ok(());
        }
        let earlier = Stretch::new(now, m.planned.starts_at);
        let found = self.find_conflicts(tx, Some(m.id), &scope_of(m), evidence, earlier).await?;
        match leave(&found) {
            Leave::Refused => Err(in_conflict(found, false)),
            Leave::WithReason | Leave::Free => Ok(()),
        }
    }

    async fn accept(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        m: &Maintenance,
        found: Vec<Conflict>,
        why: Option<&str>,
    ) -> Result<(), Error> {
        let why = read_why(why.unwrap_or_default())?;
        match leave(&found) {
            Leave::Refused => Err(in_conflict(found, false)),
            Leave::WithReason if why.is_none() && !actor.is_system() => Err(in_conflict(found, true)),
            Leave::WithReason | Leave::Free => self.keep_accepted(tx, actor, m, found, why).await,
        }
    }

    async fn keep_accepted(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        m: &Maintenance,
        conflicts: Vec<Conflict>,
        why: Option<Why>,
    ) -> Result<(), Error> {
        let Some(why) = why.filter(|_| !conflicts.is_empty()) else { return Ok(()) };
        let accepted = AcceptedConflicts {
            id: self.new_id(),
            maintenance_id: m.id,
            at: self.now(),
            by: actor.label(),
            why,
            conflicts,
        };
        Ok(tx.add_accepted_conflicts(&accepted).await?)
    }

    /// What stands in the way of work on a scope in a time. Decides nothing.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn look_at_conflicts(
        &self,
        actor: &Actor,
        scope: &Scope,
        stretch: Stretch,
        except: Option<MaintenanceId>,
    ) -> Result<Vec<Conflict>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let policy = tx.site().await?.policy;
        let evidence = tx.evidence(scope, &policy).await?;
        self.find_conflicts(&mut tx, except, scope, &evidence, stretch).await
    }

    /// What stands in the way of a stored window, and who went ahead all the same.
    ///
    /// # Errors
    /// Not allowed, there is no such window, or the database does not answer.
    pub async fn conflicts_of(&self, actor: &Actor, id: MaintenanceId) -> Result<ConflictsLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let m = tx.maintenance(id).await?;
        let accepted = tx.accepted_conflicts_of(id).await?;
        if m.state.is_ended() {
            return Ok(ConflictsLook { now: Vec::new(), accepted });
        }
        let policy = tx.site().await?.policy;
        let scope = scope_of(&m);
        let evidence = tx.evidence(&scope, &policy).await?;
        let stretch = taken_up(&m, self.now()).unwrap_or_else(|| Stretch::new(m.planned.starts_at, m.planned.ends_at));
        Ok(ConflictsLook { now: self.find_conflicts(&mut tx, Some(id), &scope, &evidence, stretch).await?, accepted })
    }
}

fn read_why(text: &str) -> Result<Option<Why>, Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Why::parse(text).map(Some).map_err(|e| Error::field("conflicts_why", e.to_string()))
}

fn in_conflict(conflicts: Vec<Conflict>, asks_why: bool) -> Error {
    Error::Conflicts { message: summary(&conflicts), conflicts, asks_why }
}

/// Everything named must be in use.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn check_named(tx: &mut Tx, fields: &mut Fields, scope: &Scope) -> Result<(), Error> {
    for id in &scope.hosts {
        let is_in_use = match tx.host(*id).await {
            Err(StoreError::NotFound(_)) => false,
            found => found?.retired_at.is_none(),
        };
        if !is_in_use {
            fields.add("hosts", format!("There is no host {id} in use."));
        }
    }
    let in_use = tx.component_names(&scope.components).await?;
    for id in scope.components.iter().filter(|id| !in_use.contains_key(*id)) {
        fields.add("components", format!("There is no component {id} in use."));
    }
    Ok(())
}

/// The beginning of the month after an instant, two years on: how far calendars are read. The same
/// for a whole month, so that a file read again changes nothing.
fn horizon(now: Instant) -> Instant {
    use chrono::{Datelike, Months};
    let month = now.with_day(1).and_then(|first| first.checked_add_months(Months::new(25))).unwrap_or(now);
    month.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use storage::testing::{Engine, TestDb};

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_no_wrong_field() {
        let mut t = TestDb::start(Engine::Postgres).await;
        let (host, component) = (uuid::Uuid::nil().into(), uuid::Uuid::nil().into());
        let hosts = Scope { hosts: [host].into(), ..Scope::default() };
        let components = Scope { components: [component].into(), ..Scope::default() };
        let mut txs = [t.db.read().await.unwrap(), t.db.read().await.unwrap()];
        let mut fields = Fields::default();
        for (tx, scope) in txs.iter_mut().zip([&hosts, &components]) {
            check_named(tx, &mut fields, scope).await.unwrap();
        }
        let told = fields.into_error();
        assert!(matches!(&told, Error::Invalid(told) if told.len() == 2), "it is not known: {told:?}");
        t.halt();
        for (tx, scope) in txs.iter_mut().zip([&hosts, &components]) {
            let mut fields = Fields::default();
            let failed = check_named(tx, &mut fields, scope).await;
            assert!(failed.is_err() && fields.is_empty(), "{failed:?}");
        }
    }
}

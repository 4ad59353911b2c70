//! Which runs would open the gate: what is requested when it stands closed.

use super::{Evidence, HostEvidence, JobEvidence, Purpose, Scope, ask};
use crate::ids::{DataSetId, JobId, RunId};
use crate::policy::Policy;
use crate::run::{Run, RunState};
use crate::time::{Instant, Span};
use std::collections::BTreeSet;

/// A job whose run is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub job: JobId,
    /// A run that goes on already and will do.
    pub running: Option<RunId>,
}

/// The jobs whose next run would protect what is not protected well enough at an instant; of one
/// data set only, if asked for. Dumps come before the jobs that carry them, and where a carrier is
/// named beside its dump, it must begin after the dump has ended.
///
/// A job that is switched off, or whose carrier can not carry, is not named: its run would change
/// nothing. What has no job at all can not be requested.
#[must_use]
pub fn missing(
    at: Instant,
    purpose: Purpose,
    scope: &Scope,
    evidence: &Evidence,
    only: Option<DataSetId>,
) -> Vec<Missing> {
    gather(at, purpose, scope, evidence, only).0
}

/// The data sets that are not protected well enough at an instant, but would be by the runs that
/// [`missing`] names.
#[must_use]
pub fn askable(at: Instant, purpose: Purpose, scope: &Scope, evidence: &Evidence) -> BTreeSet<DataSetId> {
    gather(at, purpose, scope, evidence, None).1
}

fn gather(
    at: Instant,
    purpose: Purpose,
    scope: &Scope,
    evidence: &Evidence,
    only: Option<DataSetId>,
) -> (Vec<Missing>, BTreeSet<DataSetId>) {
    let verdict = ask(at, purpose, scope, evidence);
    let unprotected: BTreeSet<DataSetId> = verdict.protections.iter().filter(|p| !p.ok).map(|p| p.data_set).collect();
    let mut wanted = Wanted::default();
    let mut askable = BTreeSet::new();
    for host in &evidence.hosts {
        let rule = Rule { at, limit: host.policy.max_age(purpose) };
        for data_set in &host.data_sets {
            let id = data_set.data_set.id;
            if !unprotected.contains(&id) || only.is_some_and(|only| only != id) {
                continue;
            }
            for job in &data_set.jobs {
                if job.job.data_set_id == id && is_usable(job) && wanted.add(rule, host, job, evidence) {
                    askable.insert(id);
                }
            }
        }
    }
    wanted.first.append(&mut wanted.then);
    (wanted.first, askable)
}

fn is_usable(job: &JobEvidence) -> bool {
    job.job.enabled && job.job.retired_at.is_none()
}

/// What has to be younger than what.
#[derive(Clone, Copy)]
struct Rule {
    at: Instant,
    limit: Span,
}

impl Rule {
    fn is_fresh(self, cut_off: Instant) -> bool {
        self.at < self.limit.after(cut_off)
    }

    /// The newest run that goes on and would protect enough, if it ended well.
    fn running(self, evidence: &JobEvidence) -> Option<&Run> {
        let newest = evidence.runs.iter().filter(|run| run.job_id == evidence.job.id && !run.dry_run);
        let newest = newest.max_by_key(|run| (run.started_at, run.received_at, run.id))?;
        let goes_on = newest.state == RunState::Running && newest.clock_fault_at(self.at).is_none();
        (goes_on && self.is_fresh(newest.started_at)).then_some(newest)
    }

    /// The newest good dump that is young enough, if only somebody carried it.
    fn fresh_dump<'a>(self, evidence: &'a JobEvidence, policy: &Policy) -> Option<&'a Run> {
        let good = evidence.runs.iter().filter(|run| {
            run.job_id == evidence.job.id && run.is_good(policy) && run.clock_fault_at(self.at).is_none()
        });
        good.filter(|run| self.is_fresh(run.started_at)).max_by_key(|run| (run.started_at, run.id))
    }
}

#[derive(Default)]
struct Wanted {
    /// Direct jobs and dumps.
    first: Vec<Missing>,
    /// Jobs that carry these.
    then: Vec<Missing>,
}

impl Wanted {
    /// Names what a job needs to protect its data set; false where no run of it would.
    fn add(&mut self, rule: Rule, host: &HostEvidence, job: &JobEvidence, evidence: &Evidence) -> bool {
        let Some(carrier) = job.job.carried_by else {
            let running = rule.running(job).map(|run| run.id);
            self.name(job.job.id, running);
            return true;
        };
        let carrier = evidence
            .carriers
            .iter()
            .map(|(carrier, _)| carrier)
            .find(|c| c.job.id == carrier && c.job.id != job.job.id && c.job.carried_by.is_none() && is_usable(c));
        let Some(carrier) = carrier else { return false };
        match rule.fresh_dump(job, &host.policy) {
            Some(dump) => {
                let end = dump.finished_at.unwrap_or(dump.started_at);
                let running = rule.running(carrier).filter(|run| run.started_at >= end);
                self.name_carrier(carrier.job.id, running.map(|run| run.id));
            }
            None => {
                let running = rule.running(job).map(|run| run.id);
                self.name(job.job.id, running);
                self.name_carrier(carrier.job.id, None);
            }
        }
        true
    }

    fn name(&mut self, job: JobId, running: Option<RunId>) {
        // A job of files may be asked for its own sake and as a carrier: once, and then as what comes last.
        if self.then.iter().any(|m| m.job == job) {
            self.name_carrier(job, running);
        } else if !self.first.iter().any(|m| m.job == job) {
            self.first.push(Missing { job, running });
        }
    }

    fn name_carrier(&mut self, job: JobId, running: Option<RunId>) {
        let before = self.first.iter().position(|m| m.job == job).map(|n| self.first.remove(n));
        match self.then.iter_mut().find(|m| m.job == job) {
            // A run that goes on has to do for everyone who asks.
            Some(named) => named.running = named.running.filter(|run| Some(*run) == running),
            None => {
                let running = running.filter(|run| before.is_none_or(|m| m.running == Some(*run)));
                self.then.push(Missing { job, running });
            }
        }
    }
}

//! The rules of the gate.

use super::{
    Evidence, Finding, HostEvidence, HostNode, JobEvidence, Outcome, Protection, Purpose, Reason, Restore, Scope,
    Topology, Verdict,
};
use crate::backup::Job;
use crate::host::Exemption;
use crate::ids::HostId;
use crate::policy::Policy;
use crate::run::{Run, RunState};
use crate::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// How far a clock may be ahead of ours before its times are not believed.
pub const FUTURE_TOLERANCE: Span = Span::minutes(5);

/// Every host the work can destroy: those named, those behind the named
/// components, and whatever runs on any of these. Names that are not in the
/// topology stay in, so that nobody forgets them. Circles end.
#[must_use]
pub fn blast_radius(scope: &Scope, topology: &Topology) -> BTreeSet<HostId> {
    let behind =
        topology.behind.iter().filter(|(component, _)| scope.components.contains(component)).map(|(_, host)| *host);
    Guests::of(&topology.hosts).with_all_on(scope.hosts.iter().copied().chain(behind))
}

/// What runs on each host: made once where many radii are asked for.
#[derive(Clone, Debug, Default)]
pub struct Guests(BTreeMap<HostId, Vec<HostId>>);

impl Guests {
    /// Those of these hosts.
    #[must_use]
    pub fn of(hosts: &[HostNode]) -> Self {
        let mut guests: BTreeMap<HostId, Vec<HostId>> = BTreeMap::new();
        for host in hosts {
            if let Some(below) = host.runs_on {
                guests.entry(below).or_default().push(host.id);
            }
        }
        Self(guests)
    }

    /// These hosts and whatever runs on any of them.
    #[must_use]
    pub fn with_all_on(&self, hosts: impl IntoIterator<Item = HostId>) -> BTreeSet<HostId> {
        let mut radius = BTreeSet::new();
        let mut open: Vec<HostId> = hosts.into_iter().collect();
        while let Some(host) = open.pop() {
            if radius.insert(host) {
                open.extend(self.0.get(&host).into_iter().flatten());
            }
        }
        radius
    }
}

/// Asks the gate. Complete: every reason of every data set is named.
///
/// A data set is protected up to its cut-off (the *start* of a run, never its
/// end) and is good enough while `now < cut-off + limit`. One protecting job is
/// enough; where none protects, the reasons of all its jobs are listed.
#[must_use]
pub fn ask(now: Instant, purpose: Purpose, scope: &Scope, evidence: &Evidence) -> Verdict {
    let mut answer = Answer::default();
    answer.check_scope(scope, evidence);
    for host in &evidence.hosts {
        match &host.exemption {
            Some(exemption) if is_given(exemption) => {
                answer.exemptions.push((host.id, host.name.clone(), exemption.clone()));
            }
            _ => {
                answer.check_host(now, purpose, host, evidence);
                if let Some(restore) = &evidence.restore {
                    answer.check_restore(now, host, restore);
                }
            }
        }
    }
    let outcome = if answer.reasons.is_empty() {
        Outcome::Confirmed { until: answer.protections.iter().filter_map(|p| p.until).min() }
    } else {
        Outcome::Blocked { reasons: answer.reasons }
    };
    Verdict {
        asked_at: now,
        purpose,
        outcome,
        protections: answer.protections,
        warnings: answer.warnings,
        exemptions: answer.exemptions,
        restores: answer.restores,
    }
}

/// An exemption needs a reason and a name.
fn is_given(exemption: &Exemption) -> bool {
    !exemption.reason.trim().is_empty() && !exemption.by.trim().is_empty()
}

#[derive(Default)]
pub(super) struct Answer {
    pub(super) reasons: Vec<Finding>,
    protections: Vec<Protection>,
    pub(super) warnings: Vec<Finding>,
    exemptions: Vec<(HostId, String, Exemption)>,
    pub(super) restores: Vec<Restore>,
}

impl Answer {
    fn check_scope(&mut self, scope: &Scope, evidence: &Evidence) {
        let finding = |host: Option<HostId>, name: &str, reason: Reason| Finding {
            host,
            host_name: name.to_owned(),
            data_set: None,
            data_set_name: String::new(),
            reason,
        };
        if scope.is_empty() {
            self.reasons.push(finding(None, "", Reason::NothingNamed));
        }
        for (component, name) in &evidence.components_without_host {
            let component = *component;
            self.reasons.push(finding(None, name, Reason::NoHostBehind { component }));
        }
        // Without a single host, no named component can have one behind it, whoever forgot to say so.
        if evidence.hosts.is_empty() && evidence.unknown_hosts.is_empty() {
            let said = |id| evidence.components_without_host.iter().any(|(c, _)| *c == id);
            for component in scope.components.iter().copied().filter(|id| !said(*id)) {
                self.reasons.push(finding(None, "", Reason::NoHostBehind { component }));
            }
        }
        let known = |id: &HostId| evidence.hosts.iter().any(|host| host.id == *id);
        let forgotten = scope.hosts.iter().filter(|id| !known(id)).copied();
        let unknown: BTreeSet<HostId> = evidence.unknown_hosts.iter().copied().chain(forgotten).collect();
        for id in unknown {
            self.reasons.push(finding(Some(id), "", Reason::UnknownHost));
        }
    }

    fn check_host(&mut self, now: Instant, purpose: Purpose, host: &HostEvidence, evidence: &Evidence) {
        let limit = host.policy.max_age(purpose);
        let mut in_use = host.data_sets.iter().filter(|d| d.data_set.retired_at.is_none()).peekable();
        if in_use.peek().is_none() {
            self.reasons.push(Finding {
                host: Some(host.id),
                host_name: host.name.clone(),
                data_set: None,
                data_set_name: String::new(),
                reason: Reason::NoDataSet,
            });
        }
        for data_set in in_use {
            let finding = |reason: Reason| Finding {
                host: Some(host.id),
                host_name: host.name.clone(),
                data_set: Some(data_set.data_set.id),
                data_set_name: data_set.data_set.name.to_string(),
                reason,
            };
            let asked = Asked { now, limit };
            let answers: Vec<JobAnswer> = data_set
                .jobs
                .iter()
                .filter(|j| j.job.retired_at.is_none() && j.job.data_set_id == data_set.data_set.id)
                .map(|job| asked.job(job, &host.policy, evidence))
                .collect();
            let cut_off = answers.iter().filter_map(|answer| answer.cut_off).max();
            let ok = cut_off.is_some_and(|at| asked.is_fresh(at));
            self.protections.push(Protection {
                host: host.id,
                host_name: host.name.clone(),
                data_set: data_set.data_set.id,
                data_set_name: data_set.data_set.name.to_string(),
                cut_off,
                age: cut_off.map(|at| asked.age(at)),
                limit,
                until: cut_off.map(|at| limit.after(at)),
                ok,
            });
            let mut against = Vec::new();
            let mut beside = Vec::new();
            if answers.is_empty() {
                against.push(Reason::NoJob);
            }
            for answer in answers {
                if ok {
                    beside.extend(answer.notes);
                } else {
                    against.extend(answer.reasons);
                    against.extend(answer.notes);
                }
                beside.extend(answer.asides);
            }
            self.reasons.extend(once(against).into_iter().map(finding));
            self.warnings.extend(once(beside).into_iter().map(finding));
        }
    }
}

/// Two dumps may share a carrier; what is true of it is said once.
fn once(reasons: Vec<Reason>) -> Vec<Reason> {
    let mut said: Vec<Reason> = Vec::with_capacity(reasons.len());
    for reason in reasons {
        if !said.contains(&reason) {
            said.push(reason);
        }
    }
    said
}

/// What one job says of its data set.
#[derive(Default)]
struct JobAnswer {
    /// Up to when it protects; none for a job that protects nothing.
    cut_off: Option<Instant>,
    /// Why that is not enough.
    reasons: Vec<Reason>,
    /// What is true of its newest runs: reasons where the data set is not protected, warnings where it is.
    notes: Vec<Reason>,
    /// What is worth knowing either way.
    asides: Vec<Reason>,
}

#[derive(Clone, Copy)]
struct Asked {
    now: Instant,
    limit: Span,
}

impl Asked {
    fn is_fresh(self, cut_off: Instant) -> bool {
        self.now < self.limit.after(cut_off)
    }

    fn age(self, cut_off: Instant) -> Span {
        Span::between(cut_off, self.now).max(Span::default())
    }

    fn job(self, evidence: &JobEvidence, policy: &Policy, all: &Evidence) -> JobAnswer {
        let job = &evidence.job;
        if !job.enabled {
            return JobAnswer { reasons: vec![Reason::JobDisabled { job: job.id }], ..JobAnswer::default() };
        }
        match job.carried_by {
            None => self.direct(evidence, policy),
            Some(carrier) => {
                let known = all.carriers.iter().find(|(c, _)| {
                    c.job.id == carrier
                        && c.job.id != job.id
                        && c.job.carried_by.is_none()
                        && c.job.retired_at.is_none()
                });
                match known {
                    Some((c, carrier_policy)) if c.job.enabled => self.carried(evidence, policy, c, carrier_policy),
                    found => {
                        let mut answer = self.notes(evidence, policy);
                        answer.reasons.push(match found {
                            Some(_) => Reason::JobDisabled { job: carrier },
                            None => Reason::JobUnknown { job: job.id, carrier },
                        });
                        if own_runs(evidence).next().is_none() {
                            answer.reasons.push(Reason::NeverRan { job: job.id });
                        }
                        answer
                    }
                }
            }
        }
    }

    fn direct(self, evidence: &JobEvidence, policy: &Policy) -> JobAnswer {
        let job = evidence.job.id;
        let mut answer = self.notes(evidence, policy);
        answer.cut_off = self.good(evidence, policy).map(|run| run.started_at).max();
        answer.reasons.push(if own_runs(evidence).next().is_none() {
            Reason::NeverRan { job }
        } else {
            self.too_old(&evidence.job, answer.cut_off)
        });
        answer
    }

    fn too_old(self, job: &Job, cut_off: Option<Instant>) -> Reason {
        Reason::TooOld { job: job.id, cut_off, age: cut_off.map(|at| self.age(at)), limit: self.limit }
    }

    fn carried(self, dump: &JobEvidence, policy: &Policy, carrier: &JobEvidence, carrier_policy: &Policy) -> JobAnswer {
        let mut answer = self.notes(dump, policy);
        let beside = self.notes(carrier, carrier_policy);
        answer.notes.extend(beside.notes);
        answer.asides.extend(beside.asides);

        let carrier_started_at = self.good(carrier, carrier_policy).map(|run| run.started_at).max();
        let ended = |run: &Run| run.finished_at.unwrap_or(run.started_at);
        answer.cut_off = self
            .good(dump, policy)
            .filter(|d| carrier_started_at.is_some_and(|f| ended(d) <= f))
            .map(|d| d.started_at)
            .max();
        let newest = self.good(dump, policy).max_by_key(|d| (d.started_at, ended(d), d.id));
        let waiting = newest.filter(|d| answer.cut_off.is_none_or(|at| at < d.started_at));
        let (job, carrier_id) = (dump.job.id, carrier.job.id);
        if let Some(d) = waiting {
            answer.reasons.push(Reason::NotCarried {
                job,
                carrier: carrier_id,
                dump_finished_at: ended(d),
                carrier_started_at,
                cut_off: answer.cut_off,
                age: answer.cut_off.map(|at| self.age(at)),
                limit: self.limit,
            });
        } else {
            answer.reasons.push(if own_runs(dump).next().is_none() {
                Reason::NeverRan { job }
            } else {
                self.too_old(&dump.job, answer.cut_off)
            });
            if own_runs(carrier).next().is_none() {
                answer.reasons.push(Reason::NeverRan { job: carrier_id });
            }
        }
        answer
    }

    /// Runs that count.
    fn good<'a>(self, evidence: &'a JobEvidence, policy: &'a Policy) -> impl Iterator<Item = &'a Run> {
        own_runs(evidence).filter(move |run| run.is_good(policy) && run.clock_fault_at(self.now).is_none())
    }

    /// What the newest runs tell, beside the cut-off.
    fn notes(self, evidence: &JobEvidence, policy: &Policy) -> JobAnswer {
        let mut answer = JobAnswer::default();
        let job = evidence.job.id;
        let newest = own_runs(evidence)
            .filter(|run| !run.dry_run && run.clock_fault_at(self.now).is_none())
            .max_by_key(|run| (run.started_at, run.received_at, run.id));
        if let Some(run) = newest {
            let started_at = run.started_at;
            let lost = run.state == RunState::Lost || run.lost_at(&evidence.job).is_some_and(|at| at <= self.now);
            if lost || run.state == RunState::Failed {
                answer.notes.push(Reason::LastRunFailed { job, started_at, lost });
            } else if run.state == RunState::Running {
                answer.notes.push(Reason::StillRunning { job, started_at });
            }
        }
        // Of an impossible run only the time we heard of it can be believed. It
        // stands against the work where it would have counted.
        let newest_fault = |counts: bool| {
            own_runs(evidence)
                .filter(|run| self.is_fresh(run.received_at) && run.would_be_good(policy) == counts)
                .filter_map(|run| run.clock_fault_at(self.now).map(|at| (run.received_at, at)))
                .max()
                .map(|(_, at)| Reason::ClockInFuture { job, at })
        };
        answer.notes.extend(newest_fault(true));
        answer.asides.extend(newest_fault(false));
        answer
    }
}

/// Runs of this very job; any others prove nothing.
pub(super) fn own_runs(evidence: &JobEvidence) -> impl Iterator<Item = &Run> {
    let job = evidence.job.id;
    evidence.runs.iter().filter(move |run| run.job_id == job)
}

//! Short ways to say what is there.

use crate::backup::Job;
use crate::gate::{DataSetEvidence, Evidence, Finding, HostEvidence, JobEvidence, Purpose, Reason, Scope, Verdict};
use crate::host::{DataKind, DataSet, Exemption};
use crate::ids::{ComponentId, DataSetId, HostId, JobId, RunId};
use crate::policy::Policy;
use crate::run::{Run, RunState};
use crate::text::Name;
use crate::time::{Instant, Span};
use uuid::Uuid;

pub(super) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// The instant all tables are asked at.
pub(super) fn now() -> Instant {
    at("2014-05-15T19:00:00Z")
}

pub(super) fn ago(text: &str) -> Instant {
    Span::parse(text).unwrap().before(now())
}

pub(super) fn host_id(n: u128) -> HostId {
    HostId(Uuid::from_u128(0x1_0000 + n))
}

pub(super) fn set_id(n: u128) -> DataSetId {
    DataSetId(Uuid::from_u128(0x2_0000 + n))
}

pub(super) fn job_id(n: u128) -> JobId {
    JobId(Uuid::from_u128(0x3_0000 + n))
}

pub(super) fn run_id(n: u128) -> RunId {
    RunId(Uuid::from_u128(0x4_0000 + n))
}

pub(super) fn component_id(n: u128) -> ComponentId {
    ComponentId(Uuid::from_u128(0x5_0000 + n))
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn job(n: u128, data_set: u128, title: &str) -> Job {
    Job {
        id: job_id(n),
        data_set_id: set_id(data_set),
        name: name(title),
        tool: String::new(),
        carried_by: None,
        enabled: true,
        every: Span::hours(24),
        max_duration: Span::hours(6),
        ping_version: 1,
        retired_at: None,
        version: 1,
    }
}

/// A run of `minutes` minutes; received when it ended.
pub(super) fn run(n: u128, job: u128, state: RunState, started_at: Instant, minutes: i64) -> Run {
    let ended = matches!(state, RunState::Succeeded | RunState::Warning | RunState::Failed);
    let end = Span::minutes(minutes).after(started_at);
    Run {
        id: run_id(n),
        job_id: job_id(job),
        key: n.to_string(),
        state,
        started_at,
        start_assumed: false,
        finished_at: ended.then_some(end),
        dry_run: false,
        partial: false,
        clock_fault: false,
        received_at: if ended { end.max(started_at) } else { started_at },
        bytes: None,
        files: None,
        snapshot: None,
        exit_code: None,
    }
}

pub(super) fn data_set(n: u128, host: u128, title: &str, jobs: Vec<JobEvidence>) -> DataSetEvidence {
    DataSetEvidence {
        data_set: DataSet {
            id: set_id(n),
            host_id: host_id(host),
            name: name(title),
            kind: DataKind::Files,
            retired_at: None,
            version: 1,
        },
        jobs,
    }
}

pub(super) fn host(n: u128, title: &str, data_sets: Vec<DataSetEvidence>) -> HostEvidence {
    HostEvidence { id: host_id(n), name: title.to_owned(), exemption: None, policy: Policy::default(), data_sets }
}

pub(super) fn exempt(reason: &str, by: &str) -> Option<Exemption> {
    Some(Exemption { reason: reason.to_owned(), by: by.to_owned(), at: ago("100 d") })
}

pub(super) fn scope(hosts: &[u128]) -> Scope {
    Scope { hosts: hosts.iter().map(|n| host_id(*n)).collect(), components: [].into() }
}

/// One host with one data set and these jobs.
pub(super) fn one(jobs: Vec<JobEvidence>, carriers: Vec<JobEvidence>) -> Evidence {
    Evidence {
        hosts: vec![host(1, "web-12", vec![data_set(1, 1, "database", jobs)])],
        carriers: carriers.into_iter().map(|c| (c, Policy::default())).collect(),
        ..Evidence::default()
    }
}

pub(super) fn ask_one(evidence: &Evidence) -> Verdict {
    crate::gate::ask(now(), Purpose::Schedule, &scope(&[1]), evidence)
}

pub(super) fn reasons(verdict: &Verdict) -> Vec<Reason> {
    verdict.reasons().iter().map(|f| f.reason.clone()).collect()
}

pub(super) fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|f| f.reason.code()).collect()
}

//! The gate: may the work be scheduled, may it start?
//!
//! A pure function of values. Everything unknown counts against the work.

mod ask;
mod missing;
mod restore;
#[cfg(test)]
mod tests;
mod words;

pub use ask::{FUTURE_TOLERANCE, Guests, ask, blast_radius};
pub use missing::{Missing, askable, missing};
pub use words::JobNames;

use crate::backup::Job;
use crate::drill::{DrillFact, Estimate};
use crate::host::{DataSet, Exemption};
use crate::ids::{ComponentId, DataSetId, HostId, JobId, OverrideId};
use crate::policy::Policy;
use crate::run::Run;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which of the policy's two limits applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Under `schedule_max_age`.
    Schedule,
    /// Under `start_max_age`.
    Start,
}

/// What the operator named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Hosts by hand.
    pub hosts: BTreeSet<HostId>,
    /// Components by hand.
    pub components: BTreeSet<ComponentId>,
}

/// A host as the blast radius sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostNode {
    /// Which.
    pub id: HostId,
    /// What it runs on.
    pub runs_on: Option<HostId>,
}

/// Everything that stands on something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// All hosts in use.
    pub hosts: Vec<HostNode>,
    /// Hosts behind components.
    pub behind: Vec<(ComponentId, HostId)>,
}

/// A job with the runs that can matter: for a direct job its newest run and its
/// newest good ones; for a carried one also the newest good dump that ended
/// before its carrier's newest good start. More runs do no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvidence {
    /// The job as it was.
    pub job: Job,
    /// Its runs, any order.
    pub runs: Vec<Run>,
}

/// A data set with its jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSetEvidence {
    /// The data set as it was.
    pub data_set: DataSet,
    /// Its jobs in use (enabled or not).
    pub jobs: Vec<JobEvidence>,
}

/// A host of the blast radius.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEvidence {
    /// Which.
    pub id: HostId,
    /// Its name then.
    pub name: String,
    /// Why it needs no backup, if so.
    pub exemption: Option<Exemption>,
    /// The policy that held for it (site and own, merged).
    pub policy: Policy,
    /// Its data sets in use.
    pub data_sets: Vec<DataSetEvidence>,
}

/// The stored inputs of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The blast radius.
    pub hosts: Vec<HostEvidence>,
    /// Jobs that carry others, with the policy of their own host, wherever they are.
    pub carriers: Vec<(JobEvidence, Policy)>,
    /// Components named that have no host behind them: nobody knows what they put at risk.
    pub components_without_host: Vec<(ComponentId, String)>,
    /// Hosts of the blast radius of which nothing is known (any more).
    pub unknown_hosts: Vec<HostId>,
    /// What is known of restores, where work is asked about; none where only backups are.
    #[serde(default)]
    pub restore: Option<RestoreEvidence>,
}

/// What is known of restores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreEvidence {
    /// How long the window is; none where its time is not known yet.
    pub window: Option<Span>,
    /// The newest drills that proved or measured something, of each data set and of each host.
    pub drills: Vec<DrillFact>,
}

/// Why a data set (or host) stands against the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Neither a host nor a component was named.
    NothingNamed,
    /// The component has no host behind it.
    NoHostBehind {
        /// Which.
        component: ComponentId,
    },
    /// The host is not known.
    UnknownHost,
    /// No data set was declared on a host that is not exempt.
    NoDataSet,
    /// No job protects it.
    NoJob,
    /// The job never reported a run that counts, nor any other.
    NeverRan {
        /// Which job.
        job: JobId,
    },
    /// The newest good run is too old.
    TooOld {
        /// Which job.
        job: JobId,
        /// The instant up to which data is safe; none where no run ever was good.
        cut_off: Option<Instant>,
        /// Age of the cut-off when asked.
        age: Option<Span>,
        /// Age allowed.
        limit: Span,
    },
    /// The newest run failed or was lost.
    LastRunFailed {
        /// Which job.
        job: JobId,
        /// Its start.
        started_at: Instant,
        /// It never reported its end.
        lost: bool,
    },
    /// A run has started and not ended.
    StillRunning {
        /// Which job.
        job: JobId,
        /// Its start.
        started_at: Instant,
    },
    /// A dump exists but no good carrier run started after it ended.
    NotCarried {
        /// The dump job.
        job: JobId,
        /// The job that should have copied it.
        carrier: JobId,
        /// End of the newest good dump.
        dump_finished_at: Instant,
        /// Start of the newest good carrier run.
        carrier_started_at: Option<Instant>,
        /// The instant up to which data is safe by an older, carried dump.
        cut_off: Option<Instant>,
        /// Age of that cut-off when asked.
        age: Option<Span>,
        /// Age allowed.
        limit: Span,
    },
    /// The job, or the carrier it depends on, is switched off.
    JobDisabled {
        /// Which.
        job: JobId,
    },
    /// The carrier it names does not exist (any more).
    JobUnknown {
        /// The job that names it.
        job: JobId,
        /// What it names.
        carrier: JobId,
    },
    /// A run lies in the future or ends before it starts: a clock is wrong.
    ClockInFuture {
        /// Which job.
        job: JobId,
        /// The impossible instant.
        at: Instant,
    },
    /// No restore of it was rehearsed lately. A warning.
    DrillOverdue {
        /// Data sets without a recent drill.
        data_sets: usize,
        /// Of how many.
        of: usize,
        /// The oldest of their last drills; none where one never had any.
        last: Option<Instant>,
        /// Age of that.
        age: Option<Span>,
        /// Age allowed.
        limit: Span,
    },
    /// Restoring the host takes longer than the window.
    RestoreLongerThanWindow {
        /// How long it takes, by the drills.
        takes: Span,
        /// How long the window is.
        window: Span,
    },
    /// Restoring the host takes longer than it may.
    RestoreLongerThanRto {
        /// How long it takes, by the drills.
        takes: Span,
        /// How long it may.
        rto: Span,
    },
    /// Nobody knows how long a restore takes, and the policy wants to know.
    RestoreUnknown {
        /// Data sets without a measured drill.
        without_drill: usize,
        /// Data sets whose size is not known.
        without_size: usize,
    },
}

/// A reason with the place it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The host.
    pub host: Option<HostId>,
    /// Its name then; the component's for [`Reason::NoHostBehind`].
    pub host_name: String,
    /// The data set.
    pub data_set: Option<DataSetId>,
    /// Its name then.
    pub data_set_name: String,
    /// What stands against the work.
    pub reason: Reason,
}

/// How one data set is protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Where.
    pub host: HostId,
    /// The host's name then.
    pub host_name: String,
    /// What.
    pub data_set: DataSetId,
    /// Its name then.
    pub data_set_name: String,
    /// The instant up to which data is safe.
    pub cut_off: Option<Instant>,
    /// Age of the cut-off when asked.
    pub age: Option<Span>,
    /// Age allowed.
    pub limit: Span,
    /// When this protection lapses if nothing new is reported: `cut_off + limit`.
    pub until: Option<Instant>,
    /// Whether it is good enough.
    pub ok: bool,
}

/// What restoring one host takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// Which.
    pub host: HostId,
    /// Its name then.
    pub host_name: String,
    /// By its drills.
    pub estimate: Estimate,
    /// How long it may take, where somebody has said so.
    pub rto: Option<Span>,
    /// How long the window is.
    pub window: Option<Span>,
}

/// May the work go on?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It may, until then if nothing new is reported.
    Confirmed {
        /// First instant at which it is blocked again; none where everything is exempt.
        until: Option<Instant>,
    },
    /// It may not.
    Blocked {
        /// All reasons, never only the first.
        reasons: Vec<Finding>,
    },
    /// It may although the backups are not confirmed: two people decided so.
    Overridden {
        /// Their decision.
        #[serde(rename = "override")]
        by: OverrideId,
        /// First instant at which what is protected now lapses, which the decision does not cover.
        until: Option<Instant>,
        /// All that stands against the work; the decision listed each of them.
        reasons: Vec<Finding>,
    },
}

/// The gate's answer with everything that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// When it was asked.
    pub asked_at: Instant,
    /// For what.
    pub purpose: Purpose,
    /// The answer.
    pub outcome: Outcome,
    /// One line per data set that is not exempt.
    pub protections: Vec<Protection>,
    /// Worth knowing, but not against the work.
    pub warnings: Vec<Finding>,
    /// Hosts that need no backup, with reason and name.
    pub exemptions: Vec<(HostId, String, Exemption)>,
    /// What restoring takes, host by host; empty where only backups were asked about.
    #[serde(default)]
    pub restores: Vec<Restore>,
}

impl Scope {
    /// Nothing was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.components.is_empty()
    }
}

impl Verdict {
    /// The backups are there, at the instant it was asked.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        matches!(self.outcome, Outcome::Confirmed { .. })
    }

    /// The work may go on, at the instant it was asked: confirmed, or by an override.
    #[must_use]
    pub fn allows(&self) -> bool {
        !matches!(self.outcome, Outcome::Blocked { .. })
    }

    /// The override by which the work may go on.
    #[must_use]
    pub fn overridden_by(&self) -> Option<OverrideId> {
        match self.outcome {
            Outcome::Overridden { by, .. } => Some(by),
            Outcome::Confirmed { .. } | Outcome::Blocked { .. } => None,
        }
    }

    /// First instant at which a verdict that lets the work go on is blocked again; none where
    /// it is blocked already, or where nothing can lapse.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        match self.outcome {
            Outcome::Confirmed { until } | Outcome::Overridden { until, .. } => until,
            Outcome::Blocked { .. } => None,
        }
    }

    /// It let the work go on and has not lapsed: a verdict may be used a little after it was asked.
    #[must_use]
    pub fn holds_at(&self, now: Instant) -> bool {
        self.allows() && self.until().is_none_or(|until| now < until)
    }

    /// All that stands against the work, overridden or not; empty where it is confirmed.
    #[must_use]
    pub fn reasons(&self) -> &[Finding] {
        match &self.outcome {
            Outcome::Confirmed { .. } => &[],
            Outcome::Blocked { reasons } | Outcome::Overridden { reasons, .. } => reasons,
        }
    }
}

impl Finding {
    /// The same reason at the same place: only times and ages may differ.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let place = |f: &Self| (f.host, f.data_set, f.reason.component(), f.reason.job(), f.reason.code());
        place(self) == place(other)
    }
}

impl Evidence {
    /// Puts together what was read for a scope, and says itself what is missing:
    /// a host of the blast radius without its facts is an unknown host, a named
    /// component without a host behind it is listed by its name.
    ///
    /// `facts` and `carriers` may hold more than needed; `components` names the
    /// named components.
    #[must_use]
    pub fn assemble(
        scope: &Scope,
        topology: &Topology,
        facts: Vec<HostEvidence>,
        carriers: Vec<(JobEvidence, Policy)>,
        components: &BTreeMap<ComponentId, String>,
    ) -> Self {
        let radius = blast_radius(scope, topology);
        let hosts: Vec<HostEvidence> = facts.into_iter().filter(|host| radius.contains(&host.id)).collect();
        let unknown_hosts = radius.iter().filter(|id| hosts.iter().all(|host| host.id != **id)).copied().collect();
        let components_without_host = scope
            .components
            .iter()
            .filter(|id| topology.behind.iter().all(|(component, _)| component != *id))
            .map(|id| (*id, components.get(id).cloned().unwrap_or_default()))
            .collect();
        Self { hosts, carriers, components_without_host, unknown_hosts, restore: None }
    }
}

//! Findings: what the site should know before the next window, although nothing has failed. Each is
//! a value: what it is about, since when, and what to do about it.
//!
//! What an exempt host holds is nobody's loss, so there are no findings about its data sets and jobs.

pub mod digest;
mod kept;
pub mod order;
#[cfg(test)]
mod tests;
mod words;

pub use kept::{Acknowledgement, Case, Settled, settle};

use crate::host::DataKind;
use crate::ids::{DataSetId, HostId, JobId};
use crate::time::{Instant, Span};
use order::{Pair, Timed, Trend};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use thiserror::Error;
use uuid::Uuid;

/// A job is silent when it has not reported for this many of its intervals.
pub const SILENT_AFTER: i64 = 2;

/// Time to declare what a new host or data set needs before it counts as forgotten.
pub const TIME_TO_DECLARE: Span = Span::hours(1);

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A host that has no owner, no data set, and is not exempt.
    UnclaimedHost,
    /// A database without a job of its own: a copy of its files is no backup of it.
    NoDumpJob,
    /// Another data set without a job.
    NoJob,
    /// The newest dump ended after its carrier had started.
    DumpLate,
    /// The time between dump and carrier shrinks, and will soon be gone.
    DumpDrifting,
    /// A job that has not reported for two of its intervals.
    SilentJob,
}

/// Not a kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose one of: unclaimed_host, no_dump_job, no_job, dump_late, dump_drifting, silent_job.")]
pub struct UnknownKind;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A host.
    Host(HostId),
    /// A data set.
    DataSet(DataSetId),
    /// A job.
    Job(JobId),
}

/// What was found, with its figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// See [`Kind::UnclaimedHost`].
    UnclaimedHost,
    /// See [`Kind::NoDumpJob`].
    NoDumpJob {
        /// A job that copies files of the same host, if there is one.
        beside: Option<String>,
    },
    /// See [`Kind::NoJob`].
    NoJob,
    /// See [`Kind::DumpLate`].
    DumpLate {
        /// The job that should carry it.
        carrier: String,
        /// The newest dump and the run it was to be carried by.
        pair: Pair,
    },
    /// See [`Kind::DumpDrifting`].
    DumpDrifting {
        /// The job that should carry it.
        carrier: String,
        /// How the gap moves.
        trend: Trend,
    },
    /// See [`Kind::SilentJob`].
    SilentJob {
        /// The last report, if there ever was one.
        last_at: Option<Instant>,
        /// How often a run is expected.
        every: Span,
    },
}

/// Something the site should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// "web-12 · database: nightly dump"
    pub place: String,
    /// Since when it is so, where that is known.
    pub since: Option<Instant>,
    /// What was found.
    #[serde(flatten)]
    pub what: What,
}

/// A finding of one kind about one thing: there is at most one of each at a time.
pub type Key = (Kind, Uuid);

/// What is known of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFact {
    /// Which.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// Who looks after it; may be empty.
    pub owner: String,
    /// It needs no backup.
    pub is_exempt: bool,
    /// Known since.
    pub created_at: Instant,
}

/// What is known of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSetFact {
    /// Which.
    pub id: DataSetId,
    /// Where it lies.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: DataKind,
    /// Known since.
    pub created_at: Instant,
}

/// A run that ended well, or with warnings: its times are what matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ran {
    /// Its start.
    pub started_at: Instant,
    /// Its end.
    pub finished_at: Instant,
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFact {
    /// Which.
    pub id: JobId,
    /// What it protects.
    pub data_set: DataSetId,
    /// Its name.
    pub name: String,
    /// It is switched on.
    pub enabled: bool,
    /// How often a run is expected.
    pub every: Span,
    /// The job that copies its output.
    pub carried_by: Option<JobId>,
    /// Known since.
    pub created_at: Instant,
    /// When its newest run was last heard of.
    pub heard_at: Option<Instant>,
    /// Its newest run has not ended, and may still.
    pub is_running: bool,
    /// Its newest good runs, oldest first, where it is carried or carries.
    pub ran: Vec<Ran>,
}

/// Everything in use that findings are made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Hosts.
    pub hosts: Vec<HostFact>,
    /// Their data sets.
    pub data_sets: Vec<DataSetFact>,
    /// The jobs of these.
    pub jobs: Vec<JobFact>,
}

impl Kind {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 6] =
        [Self::UnclaimedHost, Self::NoDumpJob, Self::NoJob, Self::DumpLate, Self::DumpDrifting, Self::SilentJob];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnclaimedHost => "unclaimed_host",
            Self::NoDumpJob => "no_dump_job",
            Self::NoJob => "no_job",
            Self::DumpLate => "dump_late",
            Self::DumpDrifting => "dump_drifting",
            Self::SilentJob => "silent_job",
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text.trim()).ok_or(UnknownKind)
    }
}

impl Subject {
    /// Its id.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Host(id) => id.0,
            Self::DataSet(id) => id.0,
            Self::Job(id) => id.0,
        }
    }
}

impl What {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::UnclaimedHost => Kind::UnclaimedHost,
            Self::NoDumpJob { .. } => Kind::NoDumpJob,
            Self::NoJob => Kind::NoJob,
            Self::DumpLate { .. } => Kind::DumpLate,
            Self::DumpDrifting { .. } => Kind::DumpDrifting,
            Self::SilentJob { .. } => Kind::SilentJob,
        }
    }
}

impl JobFact {
    const fn timed(&self) -> Timed<'_> {
        Timed { every: self.every, ran: self.ran.as_slice() }
    }
}

impl Finding {
    /// What tells it from others.
    #[must_use]
    pub const fn key(&self) -> Key {
        (self.what.kind(), self.subject.uuid())
    }
}

/// The parts of the facts by what they belong to.
struct View<'a> {
    hosts: BTreeMap<HostId, &'a HostFact>,
    data_sets: BTreeMap<DataSetId, &'a DataSetFact>,
    jobs: BTreeMap<JobId, &'a JobFact>,
}

/// Everything that is to be found now, by place. `open` is what was found before: a finding of figures
/// that waver around a limit stays until they are clearly better.
#[must_use]
pub fn findings(now: Instant, facts: &Facts, open: &BTreeSet<Key>) -> Vec<Finding> {
    let view = View {
        hosts: facts.hosts.iter().map(|host| (host.id, host)).collect(),
        data_sets: facts.data_sets.iter().map(|data_set| (data_set.id, data_set)).collect(),
        jobs: facts.jobs.iter().map(|job| (job.id, job)).collect(),
    };
    let mut found = view.unclaimed(now);
    found.extend(view.without_job(now));
    for job in facts.jobs.iter().filter(|job| job.enabled) {
        let Some(place) = view.place_of(job) else { continue };
        found.extend(silent(now, job, &place));
        found.extend(view.out_of_order(job, &place, open));
    }
    found.sort_by_cached_key(|finding| (finding.what.kind(), finding.place.to_lowercase(), finding.subject));
    found
}

impl View<'_> {
    /// The name of a job with its place; none where its host is exempt or something is out of use.
    fn place_of(&self, job: &JobFact) -> Option<String> {
        let data_set = self.data_sets.get(&job.data_set)?;
        let host = self.hosts.get(&data_set.host).filter(|host| !host.is_exempt)?;
        Some(format!("{} · {}: {}", host.name, data_set.name, job.name))
    }

    fn unclaimed(&self, now: Instant) -> Vec<Finding> {
        let claimed: BTreeSet<HostId> = self.data_sets.values().map(|data_set| data_set.host).collect();
        let hosts = self.hosts.values().filter(|host| {
            !host.is_exempt
                && host.owner.trim().is_empty()
                && !claimed.contains(&host.id)
                && TIME_TO_DECLARE.after(host.created_at) <= now
        });
        hosts
            .map(|host| Finding {
                subject: Subject::Host(host.id),
                place: host.name.clone(),
                since: Some(host.created_at),
                what: What::UnclaimedHost,
            })
            .collect()
    }

    fn without_job(&self, now: Instant) -> Vec<Finding> {
        let protected: BTreeSet<DataSetId> =
            self.jobs.values().filter(|job| job.enabled).map(|job| job.data_set).collect();
        let mut files: BTreeMap<HostId, &str> = BTreeMap::new();
        for job in self.jobs.values().filter(|job| job.enabled) {
            if let Some(data_set) = self.data_sets.get(&job.data_set).filter(|d| d.kind == DataKind::Files) {
                files.entry(data_set.host).or_insert(&job.name);
            }
        }
        let bare = self
            .data_sets
            .values()
            .filter(|data_set| !protected.contains(&data_set.id) && TIME_TO_DECLARE.after(data_set.created_at) <= now);
        bare.filter_map(|data_set| {
            let host = self.hosts.get(&data_set.host).filter(|host| !host.is_exempt)?;
            let what = if data_set.kind == DataKind::Database {
                What::NoDumpJob { beside: files.get(&host.id).map(|name| (*name).to_owned()) }
            } else {
                What::NoJob
            };
            let place = format!("{} · {}", host.name, data_set.name);
            // Its job may have been switched off only yesterday: nobody wrote down when.
            Some(Finding { subject: Subject::DataSet(data_set.id), place, since: None, what })
        })
        .collect()
    }

    fn out_of_order(&self, dump: &JobFact, place: &str, open: &BTreeSet<Key>) -> Option<Finding> {
        let carrier = self.jobs.get(&dump.carried_by?).filter(|carrier| carrier.enabled)?;
        let carrier_place = self.place_of(carrier)?;
        let subject = Subject::Job(dump.id);
        let was = |kind: Kind| open.contains(&(kind, subject.uuid()));
        let pairs = order::pairs(dump.timed(), carrier.timed());
        let newest = pairs.last()?;
        let finding = |since, what| Finding { subject, place: place.to_owned(), since, what };
        if let Some(pair) = order::late(&pairs, was(Kind::DumpLate)) {
            return Some(finding(Some(pair.carrier_started), What::DumpLate { carrier: carrier_place, pair }));
        }
        let trend = order::trend(&pairs).filter(|trend| trend.is_drifting(was(Kind::DumpDrifting)))?;
        Some(finding(Some(newest.carrier_started), What::DumpDrifting { carrier: carrier_place, trend }))
    }
}

fn silent(now: Instant, job: &JobFact, place: &str) -> Option<Finding> {
    if job.is_running {
        return None;
    }
    let patience = Span::seconds(job.every.as_seconds().saturating_mul(SILENT_AFTER));
    let since = patience.after(job.heard_at.unwrap_or(job.created_at));
    (since <= now).then(|| Finding {
        subject: Subject::Job(job.id),
        place: place.to_owned(),
        since: Some(since),
        what: What::SilentJob { last_at: job.heard_at, every: job.every },
    })
}

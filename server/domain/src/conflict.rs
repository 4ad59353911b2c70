//! What speaks against a time, beside the gate: other work on hosts that stand in for each other,
//! freezes, and backups that run in it. The gate's verdict is another matter and stays as it is.
//!
//! Pure functions of values. A window lasts from its start up to, and without, its end: windows that
//! touch are not in conflict.

#[cfg(test)]
mod tests;
mod words;

pub use words::summary;

use crate::gate::{Scope, Topology, blast_radius};
use crate::ids::{ComponentId, FreezeId, HostId, JobId, MaintenanceId, RedundancyGroupId};
use crate::maintenance::{Maintenance, State};
use crate::text::Name;
use crate::time::{Instant, Span, Stretch};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use thiserror::Error;

/// How much a rule weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Force {
    /// Work is not scheduled against it.
    Block,
    /// It is shown; whoever has a reason may go ahead.
    Warn,
}

/// Neither `block` nor `warn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose block or warn.")]
pub struct UnknownForce;

impl Force {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Self; 2] = [Self::Block, Self::Warn];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Warn => "warn",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Block => "Block: work is not scheduled against it",
            Self::Warn => "Warn: whoever has a reason may go ahead",
        }
    }
}

impl FromStr for Force {
    type Err = UnknownForce;
    fn from_str(text: &str) -> Result<Self, UnknownForce> {
        Self::ALL.into_iter().find(|force| force.as_str() == text.trim()).ok_or(UnknownForce)
    }
}

/// The site's own rule about conflicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictPolicy {
    /// For redundancy groups that do not say it themselves.
    pub redundancy: Force,
    /// Counts edits.
    pub version: i64,
}

/// Hosts that stand in for each other: only one of them may be worked on at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedundancyGroup {
    /// Identity.
    pub id: RedundancyGroupId,
    /// Unique.
    pub name: Name,
    /// Its members.
    pub hosts: BTreeSet<HostId>,
    /// How much it weighs; the site's rule where it does not say so.
    pub force: Option<Force>,
    /// Counts edits.
    pub version: i64,
}

/// What work takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// When.
    pub stretch: Stretch,
    /// Its blast radius.
    pub hosts: BTreeSet<HostId>,
    /// Components named.
    pub components: BTreeSet<ComponentId>,
}

/// Another window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherWork {
    /// Which.
    pub id: MaintenanceId,
    /// Its number for people.
    pub number: i64,
    /// What is done.
    pub title: String,
    /// What it takes up.
    pub work: Work,
}

/// One time of a freeze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenTime {
    /// Of which freeze.
    pub freeze: FreezeId,
    /// Its name.
    pub name: String,
    /// How much it weighs.
    pub force: Force,
    /// What it holds for: the blast radius of what it names; none for the whole site.
    pub only: Option<(BTreeSet<HostId>, BTreeSet<ComponentId>)>,
    /// When.
    pub stretch: Stretch,
}

/// A backup that runs, or is expected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupTime {
    /// Which job.
    pub job: JobId,
    /// On which host its data set lies.
    pub host: HostId,
    /// "web-12 · files · nightly"
    pub place: String,
    /// When.
    pub stretch: Stretch,
    /// It runs already.
    pub running: bool,
}

/// Everything that can stand in the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Redundancy groups with the force that holds for each.
    pub groups: Vec<(RedundancyGroup, Force)>,
    /// Windows that are scheduled, held or under way; not the one that is asked about.
    pub others: Vec<OtherWork>,
    /// Freezes.
    pub freezes: Vec<FrozenTime>,
    /// Backups.
    pub backups: Vec<BackupTime>,
    /// What hosts are called.
    pub names: BTreeMap<HostId, String>,
}

/// Something that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Conflict {
    /// Work on members of one redundancy group at the same time.
    Redundancy {
        /// Which group.
        group: RedundancyGroupId,
        /// Its name then.
        name: String,
        /// How much it weighs.
        force: Force,
        /// The other window.
        maintenance: MaintenanceId,
        /// Its number.
        number: i64,
        /// Its title then.
        title: String,
        /// When that takes place.
        #[serde(flatten)]
        stretch: Stretch,
        /// Members that this work touches.
        hosts: Vec<String>,
        /// Members that the other touches.
        other_hosts: Vec<String>,
    },
    /// No work is to be done then.
    Freeze {
        /// Which freeze.
        freeze: FreezeId,
        /// Its name then.
        name: String,
        /// How much it weighs.
        force: Force,
        /// When.
        #[serde(flatten)]
        stretch: Stretch,
    },
    /// Other work on the very same hosts.
    SameHosts {
        /// The other window.
        maintenance: MaintenanceId,
        /// Its number.
        number: i64,
        /// Its title then.
        title: String,
        /// When that takes place.
        #[serde(flatten)]
        stretch: Stretch,
        /// Hosts that both touch.
        hosts: Vec<String>,
    },
    /// A backup runs then, or usually does.
    Backup {
        /// Which job.
        job: JobId,
        /// "web-12 · files · nightly"
        place: String,
        /// When; the first time that is in the way.
        #[serde(flatten)]
        stretch: Stretch,
        /// It runs already.
        running: bool,
    },
}

impl Conflict {
    /// The same name as in JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Redundancy { .. } => "redundancy",
            Self::Freeze { .. } => "freeze",
            Self::SameHosts { .. } => "same_hosts",
            Self::Backup { .. } => "backup",
        }
    }

    /// How much it weighs.
    #[must_use]
    pub const fn force(&self) -> Force {
        match self {
            Self::Redundancy { force, .. } | Self::Freeze { force, .. } => *force,
            Self::SameHosts { .. } | Self::Backup { .. } => Force::Warn,
        }
    }

    /// Somebody made a rule of it: going ahead takes a reason.
    #[must_use]
    pub const fn is_of_policy(&self) -> bool {
        matches!(self, Self::Redundancy { .. } | Self::Freeze { .. })
    }

    /// When that takes place which stands in the way.
    #[must_use]
    pub const fn stretch(&self) -> Stretch {
        match self {
            Self::Redundancy { stretch, .. }
            | Self::Freeze { stretch, .. }
            | Self::SameHosts { stretch, .. }
            | Self::Backup { stretch, .. } => *stretch,
        }
    }

    /// The same rule with the same other party: only times and names may differ.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Redundancy { group, maintenance, .. }, Self::Redundancy { group: g, maintenance: m, .. }) => {
                group == g && maintenance == m
            }
            (Self::Freeze { freeze, stretch, .. }, Self::Freeze { freeze: f, stretch: s, .. }) => {
                freeze == f && stretch == s
            }
            (Self::SameHosts { maintenance, .. }, Self::SameHosts { maintenance: m, .. }) => maintenance == m,
            (Self::Backup { job, .. }, Self::Backup { job: j, .. }) => job == j,
            _ => false,
        }
    }
}

/// What may become of a plan, as far as conflicts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing that a rule speaks of.
    Free,
    /// Somebody has to say why it goes ahead.
    WithReason,
    /// It may not.
    Refused,
}

/// What the conflicts together allow.
#[must_use]
pub fn leave(conflicts: &[Conflict]) -> Leave {
    if conflicts.iter().any(|conflict| conflict.force() == Force::Block) {
        Leave::Refused
    } else if conflicts.iter().any(Conflict::is_of_policy) {
        Leave::WithReason
    } else {
        Leave::Free
    }
}

/// When a window takes place as far as others are concerned; none for drafts and what is postponed
/// or over. What is held may last until its latest end; what is late lasts until now at least.
#[must_use]
pub fn taken_up(m: &Maintenance, now: Instant) -> Option<Stretch> {
    let to = match m.state {
        State::Scheduled => m.planned.ends_at,
        State::Held => m.planned.latest_end_at,
        State::InProgress | State::Verifying => m.planned.ends_at.max(Span::minutes(1).after(now)),
        State::Draft | State::Postponed | State::Completed | State::Cancelled => return None,
    };
    Some(Stretch::new(m.begins_at(), to))
}

impl Work {
    /// What a scope takes up in a time.
    #[must_use]
    pub fn of(scope: &Scope, stretch: Stretch, topology: &Topology) -> Self {
        Self { stretch, hosts: blast_radius(scope, topology), components: scope.components.clone() }
    }
}

impl OtherWork {
    /// A stored window, if it takes place.
    #[must_use]
    pub fn of(m: &Maintenance, topology: &Topology, now: Instant) -> Option<Self> {
        let scope =
            Scope { hosts: m.hosts.iter().copied().collect(), components: m.components.iter().copied().collect() };
        let work = Work::of(&scope, taken_up(m, now)?, topology);
        Some(Self { id: m.id, number: m.number, title: m.title.to_string(), work })
    }
}

impl FrozenTime {
    fn holds_for(&self, work: &Work) -> bool {
        match &self.only {
            None => true,
            Some((hosts, components)) => !hosts.is_disjoint(&work.hosts) || !components.is_disjoint(&work.components),
        }
    }
}

fn names<'a>(hosts: impl Iterator<Item = &'a HostId>, around: &Surroundings) -> Vec<String> {
    hosts.map(|id| around.names.get(id).cloned().unwrap_or_else(|| format!("Host {id}"))).collect()
}

/// Everything that stands in the way of work, what blocks first. Complete: never only the first.
#[must_use]
pub fn conflicts(work: &Work, around: &Surroundings) -> Vec<Conflict> {
    let mut found = Vec::new();
    for other in around.others.iter().filter(|other| other.work.stretch.overlaps(&work.stretch)) {
        found.extend(around.groups.iter().filter_map(|(group, force)| redundancy(work, other, group, *force, around)));
        let both = || work.hosts.intersection(&other.work.hosts);
        if both().next().is_some() {
            found.push(Conflict::SameHosts {
                maintenance: other.id,
                number: other.number,
                title: other.title.clone(),
                stretch: other.work.stretch,
                hosts: names(both(), around),
            });
        }
    }
    let frozen = around.freezes.iter().filter(|f| f.stretch.overlaps(&work.stretch) && f.holds_for(work));
    found.extend(frozen.map(|f| Conflict::Freeze {
        freeze: f.freeze,
        name: f.name.clone(),
        force: f.force,
        stretch: f.stretch,
    }));
    let mut jobs = BTreeSet::new();
    let mut backups: Vec<&BackupTime> =
        around.backups.iter().filter(|b| work.hosts.contains(&b.host) && b.stretch.overlaps(&work.stretch)).collect();
    backups.sort_by_key(|backup| backup.stretch);
    for backup in backups {
        if jobs.insert(backup.job) {
            found.push(Conflict::Backup {
                job: backup.job,
                place: backup.place.clone(),
                stretch: backup.stretch,
                running: backup.running,
            });
        }
    }
    found.sort_by_key(|conflict| (conflict.force(), !conflict.is_of_policy()));
    found
}

/// Two pieces of work together touch more than one member.
fn redundancy(
    work: &Work,
    other: &OtherWork,
    group: &RedundancyGroup,
    force: Force,
    around: &Surroundings,
) -> Option<Conflict> {
    let own: BTreeSet<HostId> = group.hosts.intersection(&work.hosts).copied().collect();
    let others: BTreeSet<HostId> = group.hosts.intersection(&other.work.hosts).copied().collect();
    if own.is_empty() || others.is_empty() || own.union(&others).count() < 2 {
        return None;
    }
    Some(Conflict::Redundancy {
        group: group.id,
        name: group.name.to_string(),
        force,
        maintenance: other.id,
        number: other.number,
        title: other.title.clone(),
        stretch: other.work.stretch,
        hosts: names(own.iter(), around),
        other_hosts: names(others.iter(), around),
    })
}

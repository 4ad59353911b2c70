//! Hosts and the data sets on them.

use crate::gate::HostNode;
use crate::ids::{DataSetId, HostId};
use crate::policy::PolicyOverride;
use crate::text::Name;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use thiserror::Error;

/// Why a host needs no backup, and who said so. Shown in every verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Free text, never empty.
    pub reason: String,
    /// The name of the person, as it was then.
    pub by: String,
    /// When it was said.
    pub at: Instant,
}

/// A machine or service that holds data. It may run on another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Identity.
    pub id: HostId,
    /// Unique among hosts in use.
    pub name: Name,
    /// What it is, for people.
    pub note: String,
    /// Who looks after it: a person or a team; may be empty.
    #[serde(default)]
    pub owner: String,
    /// The host below it (a guest runs on a VM host).
    pub runs_on: Option<HostId>,
    /// Set when it holds nothing worth saving.
    pub exemption: Option<Exemption>,
    /// Where it differs from the site's policy.
    pub policy: PolicyOverride,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// What a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// A tree of files.
    Files,
    /// A database; usually dumped, the dump carried by a files job.
    Database,
    /// A whole disk or guest.
    Image,
    /// Anything else.
    Other,
}

/// Something on a host that must not be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// Identity.
    pub id: DataSetId,
    /// Where it lies.
    pub host_id: HostId,
    /// Unique on its host among those in use.
    pub name: Name,
    /// What it is.
    pub kind: DataKind,
    /// Out of use since.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

impl DataKind {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Self; 4] = [Self::Files, Self::Database, Self::Image, Self::Other];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Database => "database",
            Self::Image => "image",
            Self::Other => "other",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Files => "Files",
            Self::Database => "Database",
            Self::Image => "Image of a disk or guest",
            Self::Other => "Something else",
        }
    }
}

/// Not a kind of data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose one of: files, database, image, other.")]
pub struct UnknownKind;

impl FromStr for DataKind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text.trim()).ok_or(UnknownKind)
    }
}

/// Whether `host`, put on `below`, would run on itself, directly or through others.
#[must_use]
pub fn would_cycle(host: HostId, below: HostId, hosts: &[HostNode]) -> bool {
    let runs_on: BTreeMap<HostId, HostId> = hosts.iter().filter_map(|h| h.runs_on.map(|on| (h.id, on))).collect();
    let mut seen = BTreeSet::new();
    let mut at = Some(below);
    while let Some(current) = at {
        if current == host {
            return true;
        }
        if !seen.insert(current) {
            return false;
        }
        at = runs_on.get(&current).copied();
    }
    false
}

/// Hosts as a tree by what runs on what, each with its depth; siblings by name. A host whose
/// lower host is not among them stands at the top; none is left out.
#[must_use]
pub fn tree(hosts: Vec<Host>) -> Vec<(usize, Host)> {
    let known: BTreeSet<HostId> = hosts.iter().map(|h| h.id).collect();
    let mut guests: BTreeMap<Option<HostId>, Vec<Host>> = BTreeMap::new();
    for host in hosts {
        guests.entry(host.runs_on.filter(|on| known.contains(on))).or_default().push(host);
    }
    for siblings in guests.values_mut() {
        // Last first: they are taken from the end.
        siblings.sort_by_cached_key(|h| std::cmp::Reverse((h.name.key(), h.id)));
    }
    let mut open: Vec<(usize, Host)> = Vec::new();
    let mut sorted = Vec::new();
    let mut next = guests.remove(&None).or_else(|| guests.pop_first().map(|(_, circle)| circle));
    while let Some(roots) = next {
        open.extend(roots.into_iter().map(|host| (0, host)));
        while let Some((depth, host)) = open.pop() {
            let on_it = guests.remove(&Some(host.id)).unwrap_or_default();
            open.extend(on_it.into_iter().map(|guest| (depth + 1, guest)));
            sorted.push((depth, host));
        }
        next = guests.pop_first().map(|(_, circle)| circle);
    }
    sorted
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id(n: usize) -> HostId {
        HostId(Uuid::from_u128(n as u128 + 1))
    }

    fn host(n: usize, name: &str, runs_on: Option<usize>) -> Host {
        Host {
            id: id(n),
            name: Name::parse(name).unwrap(),
            note: String::new(),
            owner: String::new(),
            runs_on: runs_on.map(id),
            exemption: None,
            policy: PolicyOverride::default(),
            retired_at: None,
            version: 1,
        }
    }

    fn on_itself(start: HostId, nodes: &[HostNode]) -> bool {
        let mut at = nodes.iter().find(|n| n.id == start).and_then(|n| n.runs_on);
        for _ in 0..=nodes.len() {
            match at {
                Some(on) if on == start => return true,
                Some(on) => at = nodes.iter().find(|n| n.id == on).and_then(|n| n.runs_on),
                None => return false,
            }
        }
        false
    }

    proptest! {
        #[test]
        fn hosts_moved_with_the_check_never_run_on_themselves(moves in prop::collection::vec((0..8_usize, 0..8_usize), 0..60)) {
            let mut nodes: Vec<HostNode> = (0..8).map(|n| HostNode { id: id(n), runs_on: None }).collect();
            for (host, below) in moves {
                let refused = would_cycle(id(host), id(below), &nodes);
                let before = nodes[host].runs_on;
                nodes[host].runs_on = Some(id(below));
                prop_assert_eq!(refused, on_itself(id(host), &nodes));
                if refused {
                    nodes[host].runs_on = before;
                }
                prop_assert!(nodes.iter().all(|n| !on_itself(n.id, &nodes)));
            }
        }

        #[test]
        fn the_tree_holds_every_host_once_whatever_is_stored(below in prop::collection::vec(prop::option::of(0..12_usize), 0..10)) {
            let hosts: Vec<Host> = below.iter().enumerate().map(|(n, on)| host(n, &format!("h{n}"), *on)).collect();
            let tree = tree(hosts.clone());
            let mut ids: Vec<HostId> = tree.iter().map(|(_, h)| h.id).collect();
            ids.sort();
            prop_assert_eq!(ids, hosts.iter().map(|h| h.id).collect::<Vec<_>>());
        }
    }

    #[test]
    fn guests_stand_below_their_host_by_name() {
        let hosts = vec![
            host(0, "web-12", Some(3)),
            host(1, "Backup", None),
            host(2, "mail-3", Some(3)),
            host(3, "vm3", None),
            host(4, "orphan", Some(99)),
            host(5, "jail", Some(0)),
        ];
        let lines: Vec<(usize, String)> = tree(hosts).into_iter().map(|(d, h)| (d, h.name.to_string())).collect();
        let lines: Vec<(usize, &str)> = lines.iter().map(|(d, n)| (*d, n.as_str())).collect();
        assert_eq!(lines, [(0, "Backup"), (0, "orphan"), (0, "vm3"), (1, "mail-3"), (1, "web-12"), (2, "jail")]);
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in DataKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("tape".parse::<DataKind>(), Err(UnknownKind));
    }
}

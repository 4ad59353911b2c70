//! Which alerts have one cause: those that share a key, and those of a host with those of what it
//! runs on.
//!
//! The causes are the connected parts of one graph, so that the order in which alerts arrive can not
//! change them. More keys only ever join parts: a cause is never torn apart. Only what customers know of
//! already stays apart (see [`super::book`]): what arrives then goes to the oldest of those.

use crate::ids::{CauseId, HostId, MaintenanceId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What alerts of one cause have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// The sender's own name of the cause.
    Group(String),
    /// The labels that name the cause, with their values.
    Labels(String),
    /// The host.
    Host(HostId),
    /// The work that is being done there.
    Window(MaintenanceId),
    /// The alert itself, where nothing else tells.
    Alone(String),
}

/// The cause of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// One that is there already.
    Known(CauseId),
    /// The n-th new one.
    New(usize),
}

/// What joining came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// The cause of each arrival.
    pub places: Vec<Place>,
    /// Causes that turned out to be one: the first is part of the second.
    pub merged: Vec<(CauseId, CauseId)>,
}

struct Parts(Vec<usize>);

impl Parts {
    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    /// The smaller one stays.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// Finds the cause of each arrival. `live` are the causes that take alerts, the one that stays where
/// several turn out to be one first.
#[must_use]
pub fn join(
    live: &[(CauseId, &BTreeSet<Key>)],
    runs_on: &BTreeMap<HostId, HostId>,
    arrivals: &[BTreeSet<Key>],
) -> Joined {
    let mut parts = Parts((0..live.len() + arrivals.len()).collect());
    let mut with: BTreeMap<&Key, usize> = BTreeMap::new();
    for (node, keys) in live.iter().map(|(_, keys)| *keys).chain(arrivals).enumerate() {
        for key in keys {
            let first = *with.entry(key).or_insert(node);
            parts.join(first, node);
        }
    }
    for (key, node) in &with {
        let Key::Host(host) = key else { continue };
        // The nearest host below it that alerts; a circle ends after as many steps as there are hosts.
        let below = std::iter::successors(runs_on.get(host), |below| runs_on.get(below)).take(runs_on.len());
        if let Some(other) = below.filter_map(|below| with.get(&Key::Host(*below))).next() {
            parts.join(*node, *other);
        }
    }
    let mut fresh: BTreeMap<usize, usize> = BTreeMap::new();
    let mut joined = Joined::default();
    for node in 0..live.len() {
        let root = parts.root(node);
        if let (true, Some((from, _)), Some((into, _))) = (root != node, live.get(node), live.get(root)) {
            joined.merged.push((*from, *into));
        }
    }
    for node in live.len()..live.len() + arrivals.len() {
        let root = parts.root(node);
        let next = fresh.len();
        joined.places.push(match live.get(root) {
            Some((cause, _)) => Place::Known(*cause),
            None => Place::New(*fresh.entry(root).or_insert(next)),
        });
    }
    joined
}

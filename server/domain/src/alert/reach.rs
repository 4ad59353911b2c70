//! How much has to be known to find the causes of alerts: the part of the inventory around their hosts, and the causes
//! that they can become part of. All the rest changes nothing for them, however much there is.

use super::book::Work;
use super::join::Key;
use super::place::{Known, LabelNames, component_texts, host_keys, host_texts, key};
use super::{Alert, Report, Reported};
use crate::gate::Topology;
use crate::ids::{CauseId, HostId};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What alerts may mean by hosts and components, as names are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Names of hosts.
    pub hosts: BTreeSet<String>,
    /// Names of components, or their parts in addresses.
    pub components: BTreeSet<String>,
}

impl Called {
    /// What a report may mean.
    #[must_use]
    pub fn by(report: &Report, labels: &LabelNames) -> Self {
        let mut called = Self::default();
        for alert in &report.alerts {
            called.hosts.extend(host_texts(alert, labels).flat_map(host_keys));
            called.components.extend(component_texts(alert, labels).filter_map(key));
        }
        called
    }
}

/// What of an alert joins it with others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ties<'a> {
    source: Uuid,
    fingerprint: &'a str,
    group: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    host: Option<HostId>,
}

impl<'a> Ties<'a> {
    pub(super) fn of(alert: &'a Alert) -> Self {
        Self {
            source: alert.source,
            fingerprint: &alert.fingerprint,
            group: alert.group.as_deref(),
            labels: &alert.labels,
            host: alert.host,
        }
    }

    fn of_reported(alert: &'a Reported, source: Uuid, host: Option<HostId>) -> Self {
        let (fingerprint, group) = (alert.fingerprint.as_str(), alert.group.as_deref());
        Self { source, fingerprint, group, labels: &alert.labels, host }
    }

    /// What it has in common with others of its cause, where no work is being done; `names` are those of the labels that
    /// name the cause.
    pub(super) fn keys(self, names: &[String]) -> BTreeSet<Key> {
        let group = self.group.map(|group| Key::Group(format!("{} {group}", self.source)));
        let values: Option<Vec<String>> =
            names.iter().map(|name| self.labels.get(name).map(|value| format!("{name}={value:?}"))).collect();
        let labels = values.filter(|values| !values.is_empty()).map(|values| Key::Labels(values.join(" ")));
        let keys: BTreeSet<Key> = group.into_iter().chain(labels).chain(self.host.map(Key::Host)).collect();
        if keys.is_empty() {
            BTreeSet::from([Key::Alone(format!("{} {}", self.source, self.fingerprint))])
        } else {
            keys
        }
    }
}

/// How far alerts reach, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Hosts of the alerts and of the causes: it has to be known what they run on, what runs on them, and the components
    /// behind all that.
    pub hosts: BTreeSet<HostId>,
    /// The causes that the alerts belong to, or may become part of.
    pub causes: BTreeSet<CauseId>,
    keys: BTreeSet<Key>,
    /// Causes whose keys are looked at already.
    followed: BTreeSet<CauseId>,
}

impl Reach {
    /// Of alerts that are stored.
    #[must_use]
    pub fn of<'a>(alerts: impl IntoIterator<Item = &'a Alert>, labels: &LabelNames, works: &[Work]) -> Self {
        // Whether an alert is part of a work is known only later.
        let windows = works.iter().map(|work| Key::Window(work.id));
        let mut reach = Self { keys: windows.collect(), ..Self::default() };
        for alert in alerts {
            reach.causes.extend(alert.cause);
            reach.add(Ties::of(alert), labels);
        }
        reach
    }

    /// With what is reported by a source.
    #[must_use]
    pub fn with(mut self, source: Uuid, report: &Report, known: &Known, labels: &LabelNames) -> Self {
        for alert in &report.alerts {
            self.add(Ties::of_reported(alert, source, known.host(alert, labels)), labels);
        }
        self
    }

    fn add(&mut self, ties: Ties<'_>, labels: &LabelNames) {
        self.hosts.extend(ties.host);
        self.keys.extend(ties.keys(&labels.cause));
    }

    /// Follows it through the keys of `live`, all causes that are not over, and through what is known of the topology
    /// around its hosts. Says whether there are more hosts now: then the topology around those has to be known, too.
    pub fn follow(&mut self, live: &BTreeMap<CauseId, BTreeSet<Key>>, topology: &Topology) -> bool {
        let near: BTreeSet<HostId> =
            topology.hosts.iter().flat_map(|node| std::iter::once(node.id).chain(node.runs_on)).collect();
        let before = self.hosts.len();
        loop {
            let meets = |key: &Key| self.keys.contains(key) || matches!(key, Key::Host(host) if near.contains(host));
            let is_reached = |(id, keys): &(&CauseId, &BTreeSet<Key>)| {
                !self.followed.contains(*id) && (self.causes.contains(*id) || keys.iter().any(meets))
            };
            let reached: Vec<(&CauseId, &BTreeSet<Key>)> = live.iter().filter(is_reached).collect();
            if reached.is_empty() {
                return self.hosts.len() > before;
            }
            for (id, keys) in reached {
                self.followed.insert(*id);
                self.causes.insert(*id);
                self.hosts
                    .extend(keys.iter().filter_map(|key| if let Key::Host(host) = key { Some(*host) } else { None }));
                self.keys.extend(keys.iter().cloned());
            }
        }
    }
}

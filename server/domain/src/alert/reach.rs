//! How much of the inventory has to be known to find the causes of a report's alerts: what they and the
//! causes that are not over can touch. All the rest changes nothing, however large it is.

use super::Report;
use super::book::Book;
use super::join::Key;
use super::place::{LabelNames, component_texts, host_keys, host_texts, key};
use crate::ids::HostId;
use std::collections::BTreeSet;

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

/// Hosts around which it has to be known what runs on what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Hosts of alerts: what they run on, what runs on them, and the components behind themselves and those.
    pub alerts: BTreeSet<HostId>,
    /// Hosts of causes: what they run on.
    pub causes: BTreeSet<HostId>,
}

impl Book {
    /// How far alerts of these hosts reach, and the causes that may take them.
    #[must_use]
    pub fn reach(&self, arriving: impl IntoIterator<Item = HostId>) -> Reach {
        let keys = self.causes.values().filter(|cause| cause.takes_alerts()).flat_map(|cause| &cause.keys);
        Reach {
            alerts: arriving.into_iter().chain(self.alerts.values().filter_map(|alert| alert.host)).collect(),
            causes: keys.filter_map(|key| if let Key::Host(host) = key { Some(*host) } else { None }).collect(),
        }
    }
}

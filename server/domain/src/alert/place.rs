//! Which hosts and components labels speak of.

use super::Reported;
use crate::ids::{ComponentId, HostId};
use crate::text::Name;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Labels that mean something to us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelNames {
    /// Alerts in which all of these are the same have one cause.
    pub cause: Vec<String>,
    /// They name the host; the first that names one we know counts.
    pub host: Vec<String>,
    /// They name a component.
    pub component: Vec<String>,
    /// Counts edits.
    pub version: i64,
}

/// Why a list of labels is refused, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LabelsError {
    /// Not the name of a label.
    #[error("“{0}” is not the name of a label. Write names with commas between them, like alertname, cluster.")]
    Name(String),
    /// More than can be meant.
    #[error("These are too many: at most {} labels.", MOST)]
    TooMany,
}

/// Most labels in one list.
const MOST: usize = 20;

/// A list of labels as people write it.
///
/// # Errors
/// Too many, or one that is not the name of a label.
pub fn read_names(text: &str) -> Result<Vec<String>, LabelsError> {
    let mut names: Vec<String> = Vec::new();
    for name in text.split([',', ' ', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
        let fits = name.chars().count() <= 100
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':'));
        if !fits {
            return Err(LabelsError::Name(name.chars().take(40).collect()));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.len() > MOST { Err(LabelsError::TooMany) } else { Ok(names) }
}

/// What is known by name; as far as alerts may speak of it: see [`super::reach::Called`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Hosts in use, by their names as they are compared.
    pub hosts: BTreeMap<String, HostId>,
    /// Components in use, by their names as they are compared and by their parts in addresses.
    pub components: BTreeMap<String, ComponentId>,
}

impl Known {
    /// The host that an alert speaks of.
    #[must_use]
    pub fn host(&self, alert: &Reported, labels: &LabelNames) -> Option<HostId> {
        host_texts(alert, labels).find_map(|text| self.host_called(text))
    }

    /// What an alert says of hosts and components that names nothing in use, like `host=mail-9`. Of hosts one that is
    /// known is enough: `host` and `instance` may both stand for it.
    #[must_use]
    pub fn unmatched(&self, alert: &Reported, labels: &LabelNames) -> BTreeSet<String> {
        let said = |own: &'static str, named: &Option<String>, names: &[String]| {
            let named = named.iter().map(|value| (own.to_owned(), value.clone()));
            let labelled = names.iter().filter_map(|name| Some((name.clone(), alert.labels.get(name)?.clone())));
            named.chain(labelled).collect::<Vec<(String, String)>>()
        };
        let mut unmatched = said("component", &alert.component, &labels.component);
        unmatched.retain(|(_, value)| !key(value).is_some_and(|key| self.components.contains_key(&key)));
        if self.host(alert, labels).is_none() {
            unmatched.extend(said("host", &alert.host, &labels.host));
        }
        unmatched.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// The components that an alert names.
    #[must_use]
    pub fn components(&self, alert: &Reported, labels: &LabelNames) -> BTreeSet<ComponentId> {
        component_texts(alert, labels).filter_map(|text| self.components.get(&key(text)?).copied()).collect()
    }

    fn host_called(&self, text: &str) -> Option<HostId> {
        host_keys(text).find_map(|key| self.hosts.get(&key).copied())
    }
}

/// What may name the host of an alert: the first that does counts.
pub(super) fn host_texts<'a>(alert: &'a Reported, labels: &'a LabelNames) -> impl Iterator<Item = &'a str> {
    let labelled = labels.host.iter().filter_map(|name| alert.labels.get(name));
    alert.host.iter().chain(labelled).map(String::as_str)
}

/// What may name components of an alert.
pub(super) fn component_texts<'a>(alert: &'a Reported, labels: &'a LabelNames) -> impl Iterator<Item = &'a str> {
    let labelled = labels.component.iter().filter_map(|name| alert.labels.get(name));
    alert.component.iter().chain(labelled).map(String::as_str)
}

/// A host is called by its name; else by what stands before the first dot of it: `vm3.example.org:9100` is `vm3`.
pub(super) fn host_keys(text: &str) -> impl Iterator<Item = String> {
    let bare = without_port(text);
    let short = bare.split('.').next().unwrap_or_default();
    [text, bare, short].into_iter().filter_map(key)
}

/// As names are compared.
pub(super) fn key(text: &str) -> Option<String> {
    Name::parse(text).ok().map(|name| name.key())
}

/// `vm3:9100`, `http://vm3:9100/metrics` and `[::1]:9100` without what is not the host.
fn without_port(text: &str) -> &str {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    if let Some((host, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host;
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_host_is_found_behind_ports_schemes_and_domains() {
        let vm3 = HostId(Uuid::from_u128(3));
        let other = HostId(Uuid::from_u128(4));
        let hosts = [("vm3", vm3), ("web.example.org", other), ("2001:db8::1", other)];
        let known = Known { hosts: hosts.map(|(name, id)| (name.to_owned(), id)).into(), ..Known::default() };
        for text in ["vm3", " VM3 ", "vm3:9100", "vm3.example.org", "vm3.example.org:9100", "http://vm3:9100/metrics"] {
            assert_eq!(known.host_called(text), Some(vm3), "{text}");
        }
        for text in ["web.example.org:443", "https://web.example.org/", "[2001:db8::1]:9100", "2001:db8::1"] {
            assert_eq!(known.host_called(text), Some(other), "{text}");
        }
        for text in ["", ":", "vm30", "web", "[", "\u{0}", "vm3:x"] {
            assert_eq!(known.host_called(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_label_that_names_something_counts() {
        let (vm3, cluster) = (HostId(Uuid::from_u128(3)), ComponentId(Uuid::from_u128(4)));
        let known = Known {
            hosts: [("vm3".to_owned(), vm3)].into(),
            components: [("cluster-12".to_owned(), cluster), ("cluster 12".to_owned(), cluster)].into(),
        };
        let labels = LabelNames {
            cause: Vec::new(),
            host: read_names("host, instance").unwrap(),
            component: read_names("service component").unwrap(),
            version: 1,
        };
        let with = |list: &[(&str, &str)]| Reported {
            labels: list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Reported::default()
        };
        let alert = with(&[("host", "exporter"), ("instance", "vm3:9100"), ("service", "Cluster  12")]);
        assert_eq!(known.host(&alert, &labels), Some(vm3));
        assert_eq!(known.components(&alert, &labels), BTreeSet::from([cluster]));
        assert_eq!(known.host(&with(&[("node", "vm3")]), &labels), None, "not one of the labels");
        let named = Reported { host: Some("vm3".to_owned()), component: Some("cluster-12".to_owned()), ..with(&[]) };
        assert_eq!((known.host(&named, &labels), known.components(&named, &labels).len()), (Some(vm3), 1));
        // What names nothing is told.
        assert!(known.unmatched(&alert, &labels).is_empty(), "one label for the host is enough");
        assert!(known.unmatched(&with(&[("node", "vm3")]), &labels).is_empty(), "no label that should name anything");
        let odd =
            with(&[("host", "mail-9"), ("instance", "mail-9:9100"), ("component", "mail"), ("service", "cluster-12")]);
        let odd = Reported { host: Some("mail".to_owned()), component: Some(" ".to_owned()), ..odd };
        assert_eq!(
            Vec::from_iter(known.unmatched(&odd, &labels)),
            ["component= ", "component=mail", "host=mail", "host=mail-9", "instance=mail-9:9100"]
        );
    }

    #[test]
    fn a_list_of_labels_is_read_as_people_write_it() {
        assert_eq!(read_names(" alertname,cluster cluster\n").unwrap(), ["alertname", "cluster"]);
        assert!(read_names("").unwrap().is_empty());
        assert!(matches!(read_names("a=b"), Err(LabelsError::Name(_))));
        let many: String = (0..21).map(|n| format!("l{n},")).collect();
        assert_eq!(read_names(&many), Err(LabelsError::TooMany));
    }
}

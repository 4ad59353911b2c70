//! What holds for every report, and for every order in which reports arrive.
#![expect(clippy::unwrap_used, reason = "tests")]

mod belonging;
mod causes;
mod reach;
mod reading;

use super::book::{Book, Ground, Taken};
use super::cause::{Cause, CauseState};
use super::place::{Known, LabelNames};
use super::{Report, Reported};
use crate::gate::{HostNode, Topology};
use crate::ids::{CauseId, HostId};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn host(n: u128) -> HostId {
    HostId(Uuid::from_u128(n))
}

fn at(seconds: i64) -> Instant {
    Instant::from_timestamp(1_400_180_000 + seconds, 0).unwrap()
}

/// Hosts `h0`, `h1`, … each on the one named, if any.
fn ground(below: &[Option<usize>]) -> Ground {
    let id = |n: usize| host(u128::try_from(n).unwrap() + 1);
    let nodes = below.iter().enumerate().map(|(n, on)| HostNode { id: id(n), runs_on: on.map(id) });
    Ground {
        topology: Topology { hosts: nodes.collect(), behind: Vec::new() },
        known: Known {
            hosts: (0..below.len()).map(|n| (format!("h{n}"), id(n))).collect(),
            components: BTreeMap::new(),
        },
        labels: LabelNames {
            cause: vec!["alertname".to_owned(), "cluster".to_owned()],
            host: vec!["instance".to_owned()],
            component: vec!["component".to_owned()],
            version: 1,
        },
        rules: Vec::new(),
        works: Vec::new(),
    }
}

fn fires(print: &str, labels: &[(&str, &str)], group: Option<&str>) -> Reported {
    Reported {
        fingerprint: print.to_owned(),
        firing: true,
        title: print.to_owned(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        group: group.map(ToOwned::to_owned),
        ..Reported::default()
    }
}

fn ends(alert: &Reported) -> Reported {
    Reported { firing: false, ..alert.clone() }
}

/// A book with a counter for ids.
struct Desk {
    ground: Ground,
    book: Book,
    ids: u128,
}

impl Desk {
    fn on(ground: Ground) -> Self {
        Self { ground, book: Book::default(), ids: 1000 }
    }

    fn take(&mut self, alerts: &[Reported], now: Instant) -> Taken {
        let ids = &mut self.ids;
        let mut next = || {
            *ids += 1;
            Uuid::from_u128(*ids)
        };
        let report = Report { alerts: alerts.to_vec(), truncated: 0 };
        let taken = self.book.take(Uuid::nil(), &report, &self.ground, now, &mut next);
        // As the storage does: the alerts of what was merged move.
        for (from, into) in &taken.merged {
            for alert in self.book.alerts.values_mut().filter(|alert| alert.cause == Some(*from)) {
                alert.cause = Some(*into);
            }
        }
        taken
    }

    fn cause(&self, print: &str) -> &Cause {
        &self.book.causes[&self.book.alerts[print].cause.unwrap()]
    }

    /// Which alerts are together.
    fn parts(&self) -> BTreeSet<BTreeSet<String>> {
        let mut parts: BTreeMap<CauseId, BTreeSet<String>> = BTreeMap::new();
        for (print, alert) in &self.book.alerts {
            parts.entry(alert.cause.unwrap()).or_default().insert(print.clone());
        }
        parts.into_values().collect()
    }

    /// What the counters say must be what is there.
    fn check(&self) {
        for cause in self.book.causes.values().filter(|cause| cause.state != CauseState::Merged) {
            let of: Vec<_> = self.book.alerts.values().filter(|alert| alert.cause == Some(cause.id)).collect();
            let firing = of.iter().filter(|alert| alert.is_firing()).count();
            assert_eq!(
                (cause.alerts, cause.firing),
                (i64::try_from(of.len()).unwrap(), i64::try_from(firing).unwrap())
            );
            assert_eq!(cause.quiet_at.is_some(), firing == 0, "{cause:?}");
        }
    }
}

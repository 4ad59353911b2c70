//! Coverage: how every data set stands, over all hosts. Nothing is left out, and nothing is judged
//! here: the gate's answer is put into words that can be counted, filtered and sorted.

use crate::gate::{DataSetEvidence, Evidence, HostEvidence, Protection, Purpose, Reason, Scope, Verdict, ask};
use crate::host::{DataKind, Exemption};
use crate::ids::{DataSetId, HostId};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::str::FromStr;
use thiserror::Error;

/// How a data set stands; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No job that is switched on protects it.
    NoJob,
    /// No data set was declared on a host that is not exempt.
    NothingDeclared,
    /// It has a job, and that never ran.
    NeverRan,
    /// The newest run failed or was lost, and no other is new enough.
    Failed,
    /// No good run is new enough to schedule work.
    Stale,
    /// Good enough, but over half of the limit, or over the time in which a run is expected.
    Ageing,
    /// Good enough.
    Fresh,
    /// Its host needs no backup.
    Exempt,
}

/// Not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose one of: no_job, nothing_declared, never_ran, failed, stale, ageing, fresh, exempt.")]
pub struct UnknownState;

/// What stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Hosts by their worst data set.
    #[default]
    Worst,
    /// Hosts by name.
    Name,
    /// Hosts by their oldest backup.
    Age,
}

/// Not an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose one of: worst, name, age.")]
pub struct UnknownOrder;

/// One data set; or a host without any, where no data set is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which.
    pub data_set: Option<DataSetId>,
    /// Its name; empty where there is none.
    pub name: String,
    /// What it is.
    pub kind: Option<DataKind>,
    /// How it stands.
    pub state: State,
    /// The instant up to which data is safe.
    pub cut_off: Option<Instant>,
    /// Age of the cut-off.
    pub age: Option<Span>,
    /// Age allowed when work is scheduled.
    pub limit: Option<Span>,
    /// When the protection lapses if nothing new is reported.
    pub until: Option<Instant>,
    /// What stands against work on it, or is worth knowing where nothing does.
    pub reasons: Vec<Reason>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// Why it needs no backup, if so.
    pub exemption: Option<Exemption>,
    /// Its data sets; never empty.
    pub cells: Vec<Cell>,
}

impl State {
    /// All of them, the worst first.
    pub const ALL: [Self; 8] = [
        Self::NoJob,
        Self::NothingDeclared,
        Self::NeverRan,
        Self::Failed,
        Self::Stale,
        Self::Ageing,
        Self::Fresh,
        Self::Exempt,
    ];

    /// As sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoJob => "no_job",
            Self::NothingDeclared => "nothing_declared",
            Self::NeverRan => "never_ran",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Ageing => "ageing",
            Self::Fresh => "fresh",
            Self::Exempt => "exempt",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoJob => "No job",
            Self::NothingDeclared => "Nothing declared",
            Self::NeverRan => "Never ran",
            Self::Failed => "Failed",
            Self::Stale => "Stale",
            Self::Ageing => "Ageing",
            Self::Fresh => "Fresh",
            Self::Exempt => "Exempt",
        }
    }

    /// Whether the gate would let work be scheduled as far as this data set goes.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Ageing | Self::Fresh | Self::Exempt)
    }
}

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text.trim()).ok_or(UnknownState)
    }
}

impl Order {
    /// All of them, in the order in which forms offer them.
    pub const ALL: [Self; 3] = [Self::Worst, Self::Name, Self::Age];

    /// As sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Name => "name",
            Self::Age => "age",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Worst => "Worst first",
            Self::Name => "Name",
            Self::Age => "Oldest first",
        }
    }
}

impl FromStr for Order {
    type Err = UnknownOrder;
    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        Self::ALL.into_iter().find(|order| order.as_str() == text.trim()).ok_or(UnknownOrder)
    }
}

impl Row {
    /// The worst of its states.
    #[must_use]
    pub fn worst(&self) -> Option<State> {
        self.cells.iter().map(|cell| cell.state).min()
    }

    /// The earliest instant up to which one of its data sets is safe; where one was never saved
    /// that is earlier than any. What is exempt does not count, so it stands last.
    fn oldest(&self) -> (bool, Option<Instant>) {
        let asked = self.cells.iter().filter(|cell| cell.state != State::Exempt);
        let oldest = asked.map(|cell| cell.cut_off).min();
        (oldest.is_none(), oldest.flatten())
    }
}

/// How all data sets of the evidence stand: what the gate says of them when work is scheduled.
#[must_use]
pub fn matrix(now: Instant, scope: &Scope, evidence: &Evidence) -> Vec<Row> {
    let verdict = ask(now, Purpose::Schedule, scope, evidence);
    let mut against: BTreeMap<(HostId, Option<DataSetId>), Vec<Reason>> = BTreeMap::new();
    for finding in verdict.reasons().iter().chain(&verdict.warnings) {
        if let Some(host) = finding.host {
            against.entry((host, finding.data_set)).or_default().push(finding.reason.clone());
        }
    }
    let protections: BTreeMap<DataSetId, &Protection> = verdict.protections.iter().map(|p| (p.data_set, p)).collect();
    evidence.hosts.iter().map(|host| row(host, &verdict, &mut against, &protections)).collect()
}

fn row(
    host: &HostEvidence,
    verdict: &Verdict,
    against: &mut BTreeMap<(HostId, Option<DataSetId>), Vec<Reason>>,
    protections: &BTreeMap<DataSetId, &Protection>,
) -> Row {
    let exemption = verdict.exemptions.iter().find(|(id, _, _)| *id == host.id).map(|(_, _, why)| why.clone());
    let in_use = host.data_sets.iter().filter(|d| d.data_set.retired_at.is_none());
    let mut cells: Vec<Cell> = in_use
        .map(|d| {
            let reasons = against.remove(&(host.id, Some(d.data_set.id))).unwrap_or_default();
            cell(d, protections.get(&d.data_set.id).copied(), reasons)
        })
        .collect();
    if cells.is_empty() {
        let state = if exemption.is_some() { State::Exempt } else { State::NothingDeclared };
        cells.push(Cell {
            data_set: None,
            name: String::new(),
            kind: None,
            state,
            cut_off: None,
            age: None,
            limit: None,
            until: None,
            reasons: against.remove(&(host.id, None)).unwrap_or_default(),
        });
    }
    Row { host: host.id, name: host.name.clone(), exemption, cells }
}

/// Without a protection the gate did not ask about it: its host is exempt.
fn cell(evidence: &DataSetEvidence, protection: Option<&Protection>, reasons: Vec<Reason>) -> Cell {
    let state = match protection {
        None => State::Exempt,
        Some(protection) if protection.ok => {
            if is_ageing(evidence, protection) {
                State::Ageing
            } else {
                State::Fresh
            }
        }
        Some(_) => why(&reasons),
    };
    Cell {
        data_set: Some(evidence.data_set.id),
        name: evidence.data_set.name.to_string(),
        kind: Some(evidence.data_set.kind),
        state,
        cut_off: protection.and_then(|p| p.cut_off),
        age: protection.and_then(|p| p.age),
        limit: protection.map(|p| p.limit),
        until: protection.and_then(|p| p.until),
        reasons,
    }
}

fn is_ageing(evidence: &DataSetEvidence, protection: &Protection) -> bool {
    let running = evidence.jobs.iter().map(|j| &j.job).filter(|job| job.enabled && job.retired_at.is_none());
    let expected = running.map(|job| job.every).min();
    protection
        .age
        .is_some_and(|age| age.delta() > protection.limit.delta() / 2 || expected.is_some_and(|every| age > every))
}

/// Of a data set that is not protected: what to do about it comes first.
fn why(reasons: &[Reason]) -> State {
    let all = |fits: fn(&Reason) -> bool| reasons.iter().all(fits);
    let any = |fits: fn(&Reason) -> bool| reasons.iter().any(fits);
    if all(|r| matches!(r, Reason::NoJob | Reason::JobDisabled { .. })) {
        State::NoJob
    } else if any(|r| matches!(r, Reason::LastRunFailed { .. })) {
        State::Failed
    } else if any(|r| matches!(r, Reason::NeverRan { .. }))
        && !any(|r| matches!(r, Reason::TooOld { .. } | Reason::NotCarried { .. }))
    {
        State::NeverRan
    } else {
        State::Stale
    }
}

/// How many data sets stand how, the worst first; those of which there are none too.
#[must_use]
pub fn counts(rows: &[Row]) -> Vec<(State, usize)> {
    let of = |state: State| rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.state == state).count();
    State::ALL.into_iter().map(|state| (state, of(state))).collect()
}

/// The hosts whose name has this part, in any case.
#[must_use]
pub fn named(mut rows: Vec<Row>, part: &str) -> Vec<Row> {
    let part = part.trim().to_lowercase();
    rows.retain(|row| row.name.to_lowercase().contains(&part));
    rows
}

/// The data sets that stand like this; hosts without any of them are left out.
#[must_use]
pub fn standing(mut rows: Vec<Row>, state: State) -> Vec<Row> {
    for row in &mut rows {
        row.cells.retain(|cell| cell.state == state);
    }
    rows.retain(|row| !row.cells.is_empty());
    rows
}

/// Puts hosts in order; those that are alike by name. Data sets of a host follow the same order.
pub fn sort(rows: &mut [Row], order: Order) {
    for row in rows.iter_mut() {
        match order {
            Order::Worst => row.cells.sort_by_key(|cell| cell.state),
            Order::Name => row.cells.sort_by_cached_key(|cell| cell.name.to_lowercase()),
            Order::Age => row.cells.sort_by_key(|cell| (cell.state == State::Exempt, cell.cut_off)),
        }
    }
    let bad = |row: &Row| row.cells.iter().filter(|cell| !cell.state.is_good()).count();
    rows.sort_by_cached_key(|row| {
        let name = row.name.to_lowercase();
        match order {
            Order::Worst => (row.worst(), Reverse(bad(row)), (false, None), name),
            Order::Name => (None, Reverse(0), (false, None), name),
            Order::Age => (None, Reverse(0), row.oldest(), name),
        }
    });
}

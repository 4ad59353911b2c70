//! What a report holds.

use super::backups::Backups;
use super::figure::FigureLine;
use super::month::Month;
use crate::ids::{ComponentId, IncidentId, MaintenanceId};
use crate::incident::Severity;
use crate::maintenance::{State, UpdateKind};
use crate::number;
use crate::text::Name;
use crate::time::{Instant, Span, Stretch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How much of a month something worked, in percent of the time of which that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Planned work is left out.
    pub percent: Option<f64>,
    /// Planned work counts as an outage.
    pub percent_with_planned: Option<f64>,
    /// Seconds of which nobody can say.
    pub unknown_s: i64,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentShare {
    /// Which.
    pub id: ComponentId,
    /// What it was called.
    pub name: String,
    /// How much of the month it worked.
    #[serde(flatten)]
    pub share: Share,
}

/// Components that stand together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// None for those that stand in no group.
    pub name: Option<String>,
    /// All of them together.
    #[serde(flatten)]
    pub share: Share,
    /// In the order of the page.
    pub components: Vec<ComponentShare>,
}

/// How much of the month what customers know worked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// Everything together.
    pub site: Share,
    /// In the order of the page.
    pub groups: Vec<GroupShare>,
}

/// An incident of the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentLine {
    /// Which.
    pub id: IncidentId,
    /// `I-7`
    pub number: i64,
    /// One line.
    pub title: Name,
    /// How bad it was.
    pub severity: Severity,
    /// What it touched.
    pub components: Vec<(ComponentId, String)>,
    /// When it began.
    pub started_at: Instant,
    /// When customers first read of it; none where it was entered afterwards.
    pub first_update_at: Option<Instant>,
    /// When it was over.
    pub resolved_at: Option<Instant>,
    /// How long it was open, once it is over; none in reports that were closed when all from start to end was counted.
    #[serde(default, rename = "lasted_s", skip_serializing_if = "Option::is_none")]
    pub open_for: Option<Span>,
}

impl IncidentLine {
    /// How long it lasted; none where it was not over.
    #[must_use]
    pub fn lasted(&self) -> Option<Span> {
        let whole = self.resolved_at.map(|end| Span::between(self.started_at, end.max(self.started_at)));
        self.open_for.or(whole)
    }

    /// How long customers were left without a word.
    #[must_use]
    pub fn silence(&self) -> Option<Span> {
        self.first_update_at.map(|at| Span::between(self.started_at, at.max(self.started_at)))
    }
}

/// What is known of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowFact {
    /// Which.
    pub id: MaintenanceId,
    /// What was done.
    pub title: Name,
    /// Where it stands.
    pub state: State,
    /// What it touches.
    pub components: Vec<ComponentId>,
    /// When it was to begin.
    pub starts_at: Instant,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// It went ahead against the gate, by the decision of two people.
    pub overridden: bool,
    /// What was told of it, and when.
    pub told: Vec<(UpdateKind, Instant)>,
}

/// A window of the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowLine {
    /// Which.
    pub id: MaintenanceId,
    /// What was done.
    pub title: Name,
    /// When it was to begin.
    pub starts_at: Instant,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended, or was called off.
    pub ended_at: Option<Instant>,
    /// How it stood.
    pub state: State,
    /// What it touched.
    pub components: Vec<ComponentId>,
    /// It was to begin in this month.
    pub planned: bool,
    /// It waited for a backup in this month.
    pub held: bool,
    /// It needed a new time in this month.
    pub postponed: bool,
    /// It began in this month against the gate.
    pub overridden: bool,
}

/// The planned work of the month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// To begin in this month.
    pub planned: u64,
    /// Had to wait for a backup.
    pub held: u64,
    /// Needed a new time.
    pub postponed: u64,
    /// Went ahead against the gate.
    pub overridden: u64,
    /// Done in this month.
    pub completed: u64,
    /// Called off in this month.
    pub cancelled: u64,
    /// All of them, earliest first.
    pub list: Vec<WindowLine>,
}

impl Windows {
    /// Counts these windows.
    fn of(list: Vec<WindowLine>) -> Self {
        let count = |test: &dyn Fn(&WindowLine) -> bool| list.iter().filter(|line| test(line)).count() as u64;
        Self {
            planned: count(&|line| line.planned),
            held: count(&|line| line.held),
            postponed: count(&|line| line.postponed),
            overridden: count(&|line| line.overridden),
            completed: count(&|line| line.state == State::Completed && line.ended_at.is_some()),
            cancelled: count(&|line| line.state == State::Cancelled && line.ended_at.is_some()),
            list,
        }
    }
}

/// The windows of a month: those to begin in it, and those to which something happened in it.
#[must_use]
pub fn windows(within: Stretch, facts: &[WindowFact]) -> Windows {
    let told = |fact: &WindowFact, kind| fact.told.iter().any(|(k, at)| *k == kind && within.contains(*at));
    let mut list: Vec<WindowLine> = facts
        .iter()
        .filter_map(|fact| {
            let began = fact.started_at.is_some_and(|at| within.contains(at));
            let ended_at = fact.ended_at.filter(|at| within.contains(*at));
            let line = WindowLine {
                id: fact.id,
                title: fact.title.clone(),
                starts_at: fact.starts_at,
                started_at: fact.started_at.filter(|at| *at < within.to),
                ended_at,
                state: fact.state,
                components: fact.components.clone(),
                planned: within.contains(fact.starts_at),
                held: told(fact, UpdateKind::Held),
                postponed: told(fact, UpdateKind::Postponed),
                overridden: fact.overridden && began,
            };
            (line.planned || line.held || line.postponed || began || ended_at.is_some()).then_some(line)
        })
        .collect();
    list.sort_by_key(|line| (line.starts_at, line.id));
    Windows::of(list)
}

/// The slowest restore of the month against what was foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowDrill {
    /// How long it took.
    pub took: Span,
    /// How long earlier drills had said that it would.
    pub foretold: Span,
}

/// Rehearsed restores of the month. Without names: hosts are the team's alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drills {
    /// Restores that are over.
    pub done: u64,
    /// How many of them brought everything back.
    pub succeeded: u64,
    /// The longest that succeeded.
    pub longest: Option<Span>,
    /// The one that was the furthest behind what was foretold.
    pub worst: Option<SlowDrill>,
}

/// Everything a report says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Which month.
    pub month: Month,
    /// The site's zone then.
    pub zone: String,
    /// The month's instants in that zone.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// How much of the month things worked; none where there was nothing that could.
    pub availability: Option<Availability>,
    /// In order of their beginning.
    pub incidents: Vec<IncidentLine>,
    /// Planned work.
    pub windows: Windows,
    /// Backups.
    pub backups: Backups,
    /// Rehearsed restores.
    pub drills: Drills,
    /// The site's own figures.
    pub figures: Vec<FigureLine>,
}

/// What a list of reports shows of one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// See [`Share::percent`].
    pub percent: Option<f64>,
    /// How many.
    pub incidents: u64,
    /// To begin in the month.
    pub windows: u64,
}

impl Content {
    /// What a list shows of it.
    #[must_use]
    pub fn headline(&self) -> Headline {
        Headline {
            percent: self.availability.as_ref().and_then(|shares| shares.site.percent),
            incidents: self.incidents.len() as u64,
            windows: self.windows.planned,
        }
    }

    /// What everybody may read: without figures that are not for them, and without what concerns only these components.
    #[must_use]
    pub fn public(mut self, private: &BTreeSet<ComponentId>) -> Self {
        self.figures.retain(|figure| figure.is_public);
        if let Some(availability) = &mut self.availability {
            for group in &mut availability.groups {
                group.components.retain(|line| !private.contains(&line.id));
            }
            availability.groups.retain(|group| !group.components.is_empty());
        }
        // What names no component concerns the whole site.
        let is_hidden = |named: usize, left: usize| named > 0 && left == 0;
        let left = |ids: &[ComponentId]| ids.iter().filter(|id| !private.contains(id)).count();
        self.incidents.retain(|line| {
            let ids: Vec<ComponentId> = line.components.iter().map(|(id, _)| *id).collect();
            !is_hidden(ids.len(), left(&ids))
        });
        for line in &mut self.incidents {
            line.components.retain(|(id, _)| !private.contains(id));
        }
        let mut list = std::mem::take(&mut self.windows.list);
        list.retain(|line| !is_hidden(line.components.len(), left(&line.components)));
        for line in &mut list {
            line.components.retain(|id| !private.contains(id));
        }
        self.windows = Windows::of(list);
        self
    }

    /// The longest silence before a first word.
    #[must_use]
    pub fn longest_silence(&self) -> Option<Span> {
        self.incidents.iter().filter_map(IncidentLine::silence).max()
    }

    /// How long incidents lasted, all together; those that go on are left out.
    #[must_use]
    pub fn trouble(&self) -> Span {
        Span::seconds(self.incidents.iter().filter_map(IncidentLine::lasted).map(Span::as_seconds).sum())
    }
}

/// "99.97 %": never rounded up to what it was not.
#[must_use]
pub fn percent_text(percent: Option<f64>) -> String {
    percent.map_or_else(
        || "unknown".to_owned(),
        |percent| {
            // What is a whole hundredth but for the noise of a division is one.
            let cut = (percent * 100.0 + 1e-6).floor() / 100.0;
            number::with_unit(cut, 2, "%")
        },
    )
}

//! The state of a component from instant to instant.

use super::Tally;
use crate::component::ComponentState;
use crate::impact::{Impact, Known, Source};
use crate::time::{Instant, Stretch};

/// From when to when a component was ours to speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Entered.
    pub created_at: Instant,
    /// Out of use since.
    pub retired_at: Option<Instant>,
}

/// How a component was: what was wrong with it, and whether work was planned on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nobody knows.
    Unknown,
    /// Somebody does.
    Known {
        /// What was wrong: never `UnderMaintenance`.
        trouble: ComponentState,
        /// Work was planned.
        planned: bool,
    },
}

/// A stretch in which nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From when to when.
    pub stretch: Stretch,
    /// How the component was.
    pub mode: Mode,
    /// What said so; none where nothing did.
    pub by: Option<Source>,
}

impl Mode {
    const GOOD: Self = Self::Known { trouble: ComponentState::Operational, planned: false };

    /// The one state that is shown.
    #[must_use]
    pub const fn shown(self) -> Known {
        match self {
            Self::Unknown => Known::Unknown,
            Self::Known { trouble: ComponentState::Operational, planned: true } => {
                Known::State(ComponentState::UnderMaintenance)
            }
            Self::Known { trouble, .. } => Known::State(trouble),
        }
    }
}

impl From<Known> for Mode {
    fn from(known: Known) -> Self {
        match known {
            Known::Unknown => Self::Unknown,
            Known::State(ComponentState::UnderMaintenance) => {
                Self::Known { trouble: ComponentState::Operational, planned: true }
            }
            Known::State(trouble) => Self::Known { trouble, planned: false },
        }
    }
}

impl Segment {
    /// Its length in milliseconds.
    #[must_use]
    pub const fn ms(&self) -> i64 {
        self.stretch.to.timestamp_millis() - self.stretch.from.timestamp_millis()
    }
}

impl Life {
    fn holds(self, at: Instant) -> bool {
        self.created_at <= at && self.retired_at.is_none_or(|end| at < end)
    }

    /// A stretch of it in which nothing happened.
    #[must_use]
    pub fn plain(self, within: Stretch, now: Instant) -> Tally {
        let ms = Instant::timestamp_millis;
        let (from, to) = (ms(&within.from), ms(&within.to.min(now)));
        let begins = ms(&self.created_at).max(from);
        let ends = self.retired_at.as_ref().map_or(to, ms).min(to);
        let operational = (ends - begins).max(0);
        Tally { operational, unknown: (to - from).max(0) - operational, ..Tally::default() }
    }
}

/// What counts at an instant, of everything that says something about it.
fn mode(life: Life, at: Instant, said: &[&Impact]) -> (Mode, Option<Source>) {
    // Ids grow with the time at which they are made.
    let newest = |source: Source| said.iter().filter(|impact| impact.source == source).max_by_key(|impact| impact.id);
    if let Some(correction) = newest(Source::Correction) {
        return (correction.known.into(), Some(Source::Correction));
    }
    if !life.holds(at) {
        return (Mode::Unknown, None);
    }
    if let Some(by_hand) = newest(Source::Override) {
        return (by_hand.known.into(), Some(Source::Override));
    }
    let states = said.iter().filter_map(|impact| match impact.known {
        Known::State(state) => Some(state),
        Known::Unknown => None,
    });
    let (work, trouble): (Vec<ComponentState>, Vec<ComponentState>) =
        states.partition(|state| *state == ComponentState::UnderMaintenance);
    let planned = !work.is_empty();
    let trouble = trouble.into_iter().max().unwrap_or(ComponentState::Operational);
    let by = if trouble != ComponentState::Operational {
        Some(Source::Incident)
    } else {
        planned.then_some(Source::Maintenance)
    };
    (Mode::Known { trouble, planned }, by)
}

/// How a component was in a stretch, up to now, from what is known of it; its parts touch and overlap nowhere.
/// The order of the impacts does not matter.
#[must_use]
pub fn timeline(life: Life, impacts: &[Impact], within: Stretch, now: Instant) -> Vec<Segment> {
    let within = Stretch::new(within.from, within.to.min(now));
    if within.is_empty() {
        return Vec::new();
    }
    let mut coming: Vec<(Stretch, &Impact)> = impacts
        .iter()
        .map(|impact| {
            let to = impact.to.unwrap_or(within.to).min(within.to);
            (Stretch::new(impact.from.max(within.from), to), impact)
        })
        .filter(|(stretch, _)| !stretch.is_empty())
        .collect();
    coming.sort_unstable_by_key(|(stretch, impact)| (stretch.from, impact.id));
    let mut edges: Vec<Instant> = coming.iter().flat_map(|(stretch, _)| [stretch.from, stretch.to]).collect();
    edges.extend([within.from, within.to]);
    edges.extend([Some(life.created_at), life.retired_at].into_iter().flatten().filter(|at| within.contains(*at)));
    edges.sort_unstable();
    edges.dedup();
    let mut coming = coming.into_iter().peekable();
    let mut open: Vec<(Instant, &Impact)> = Vec::new();
    let mut segments: Vec<Segment> = Vec::with_capacity(edges.len());
    for pair in edges.windows(2) {
        let [from, to] = *pair else { continue };
        open.retain(|(end, _)| *end > from);
        while let Some((stretch, impact)) = coming.next_if(|(stretch, _)| stretch.from <= from) {
            open.push((stretch.to, impact));
        }
        let said: Vec<&Impact> = open.iter().map(|(_, impact)| *impact).collect();
        let (mode, by) = if said.is_empty() && life.holds(from) { (Mode::GOOD, None) } else { mode(life, from, &said) };
        match segments.last_mut() {
            Some(last) if last.mode == mode && last.by == by => last.stretch.to = to,
            _ => segments.push(Segment { stretch: Stretch::new(from, to), mode, by }),
        }
    }
    segments
}

/// Time by state in each of some stretches that follow each other (days, most often).
#[must_use]
pub fn tallies(life: Life, impacts: &[Impact], stretches: &[Stretch], now: Instant) -> Vec<Tally> {
    let mut counted = vec![Tally::default(); stretches.len()];
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return counted };
    let mut place = 0;
    for segment in timeline(life, impacts, Stretch::new(first.from, last.to), now) {
        while let (Some(stretch), Some(tally)) = (stretches.get(place), counted.get_mut(place)) {
            let part = Stretch::new(segment.stretch.from.max(stretch.from), segment.stretch.to.min(stretch.to));
            if !part.is_empty() {
                tally.count(segment.mode, Segment { stretch: part, ..segment }.ms());
            }
            if segment.stretch.to < stretch.to {
                break;
            }
            place += 1;
        }
    }
    counted
}

/// The state at the end of a timeline, what says so, and since when; no beginning where it was so from the start.
#[must_use]
pub fn now_and_since(segments: &[Segment]) -> Option<(Known, Option<Source>, Option<Instant>)> {
    let last = segments.last()?;
    let shown = last.mode.shown();
    let same = segments.iter().rev().take_while(|segment| segment.mode.shown() == shown).count();
    let begins = segments.get(segments.len() - same).map(|segment| segment.stretch.from);
    Some((shown, last.by, begins.filter(|_| same < segments.len())))
}

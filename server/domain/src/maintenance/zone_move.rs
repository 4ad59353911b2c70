//! Windows whose instants moved because the rules of their zone did (TZ-2). Whether subscribers are
//! told is for a person to say.

use super::{Maintenance, Update};
use crate::ids::{MaintenanceId, UpdateId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A move that nobody chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneMove {
    /// Which window.
    pub maintenance_id: MaintenanceId,
    /// The line of its timeline that says so.
    pub update_id: UpdateId,
    /// The start that subscribers know.
    pub old_starts_at: Instant,
    /// The end that subscribers know.
    pub old_ends_at: Instant,
    /// The start it moved to.
    pub starts_at: Instant,
    /// Release of the zone database that moved it.
    pub rules: String,
    /// When it was found.
    pub found_at: Instant,
    /// When somebody decided whether to tell.
    pub decided_at: Option<Instant>,
    /// Who.
    pub decided_by: Option<String>,
    /// Subscribers were told.
    pub told: Option<bool>,
}

impl ZoneMove {
    /// The move that an update tells of. Where an earlier one is still undecided, subscribers know the
    /// time before that.
    #[must_use]
    pub fn of(m: &Maintenance, update: &Update, rules: String, before: Option<&Self>) -> Self {
        let unknown =
            before.filter(|before| before.decided_at.is_none() && Some(before.starts_at) == update.old_starts_at);
        let (old_starts_at, old_ends_at) = match unknown {
            Some(before) => (before.old_starts_at, before.old_ends_at),
            None => (update.old_starts_at.unwrap_or(update.starts_at), update.old_ends_at.unwrap_or(update.ends_at)),
        };
        Self {
            maintenance_id: m.id,
            update_id: update.id,
            old_starts_at,
            old_ends_at,
            starts_at: m.planned.starts_at,
            rules,
            found_at: update.at,
            decided_at: (old_starts_at == m.planned.starts_at).then_some(update.at),
            decided_by: None,
            told: None,
        }
    }

    /// Somebody has to say whether it is told: nobody did, and the window is where it moved to.
    #[must_use]
    pub fn is_open(&self, m: &Maintenance, now: Instant) -> bool {
        self.decided_at.is_none()
            && m.state == super::State::Scheduled
            && m.planned.starts_at == self.starts_at
            && self.starts_at > now
    }

    /// The update as subscribers are to read it: from the time they know.
    #[must_use]
    pub fn told_as(&self, update: Update) -> Update {
        Update { old_starts_at: Some(self.old_starts_at), old_ends_at: Some(self.old_ends_at), ..update }
    }

    /// Decided.
    #[must_use]
    pub fn decided(self, by: String, now: Instant, told: bool) -> Self {
        Self { decided_at: Some(now), decided_by: Some(by), told: Some(told), ..self }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::maintenance::{State, UpdateKind};
    use crate::text::Prose;
    use crate::time::Span;
    use uuid::Uuid;

    fn at(hour: i64) -> Instant {
        Span::hours(hour).after("2026-12-15T00:00:00Z".parse().unwrap())
    }

    fn moved(from: i64, to: i64) -> Update {
        Update {
            id: UpdateId(Uuid::from_u128(1)),
            maintenance_id: MaintenanceId(Uuid::from_u128(7)),
            kind: UpdateKind::Rescheduled,
            body: Prose::default(),
            at: at(-48),
            author: None,
            old_starts_at: Some(at(from)),
            old_ends_at: Some(at(from + 2)),
            starts_at: at(to),
            ends_at: at(to + 2),
        }
    }

    fn window(start: i64) -> Maintenance {
        let m = crate::maintenance::tests::scheduled();
        let mut planned = m.planned.clone();
        (planned.starts_at, planned.ends_at) = (at(start), at(start + 2));
        Maintenance { state: State::Scheduled, planned, ..m }
    }

    #[test]
    fn two_moves_that_nobody_told_are_one_from_the_time_that_is_known() {
        let first = ZoneMove::of(&window(19), &moved(20, 19), "2026b".into(), None);
        assert_eq!((first.old_starts_at, first.starts_at, first.decided_at), (at(20), at(19), None));
        assert!(first.is_open(&window(19), at(0)));
        assert!(!first.is_open(&window(21), at(0)) && !first.is_open(&window(19), at(19)));
        let second = ZoneMove::of(&window(18), &moved(19, 18), "2026c".into(), Some(&first));
        assert_eq!((second.old_starts_at, second.starts_at), (at(20), at(18)));
        assert_eq!(second.told_as(moved(19, 18)).old_ends_at, Some(at(22)));
        // Back to where it was: there is nothing to tell.
        let back = ZoneMove::of(&window(20), &moved(19, 20), "2026c".into(), Some(&first));
        assert!(!back.is_open(&window(20), at(0)));
        // What was decided is known.
        let decided = first.decided("Grace".into(), at(-40), true);
        assert!(!decided.is_open(&window(19), at(0)));
        assert_eq!(ZoneMove::of(&window(18), &moved(19, 18), "x".into(), Some(&decided)).old_starts_at, at(19));
    }
}

//! The next good times for work: right after the backups, while these are young enough, and with
//! nothing in the way.

use crate::conflict::{Conflict, Surroundings, Work, conflicts};
use crate::time::{Instant, Span, Stretch, common, united};
use serde::Serialize;

/// How far ahead a time is looked for.
pub const HORIZON: Span = Span::days(14);

/// Between the usual end of a backup and the start of the work: runs differ, and reports take a moment.
pub const MARGIN: Span = Span::minutes(10);

/// Starts are proposed at full five minutes.
const STEP: i64 = 300;

/// Steps taken to get out of the way of everything, in one stretch.
const TRIES: usize = 1_000;

/// How one job will protect a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By its own runs.
    Direct {
        /// Expected ones, in order.
        runs: Vec<Stretch>,
    },
    /// By a dump that another job copies.
    Carried {
        /// Dumps, in order; also the newest that was made.
        dumps: Vec<Stretch>,
        /// Expected runs of the job that copies them, in order.
        carriers: Vec<Stretch>,
    },
}

/// A data set that must have been backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// "web-12 · files"
    pub place: String,
    /// How old its cut-off may be at the start: `start_max_age` of its host.
    pub limit: Span,
    /// Until when it is protected already.
    pub until: Option<Instant>,
    /// Its jobs of which something is expected; one is enough.
    pub ways: Vec<Way>,
}

/// A time to propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// The window.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// Everything is expected to be backed up from then on.
    pub ready_at: Instant,
    /// Work must have started before then, or a backup is too old again.
    pub start_before: Instant,
}

/// Why there is no time to propose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NoSlot {
    /// Neither a host nor a component was named.
    NothingNamed,
    /// No backup of it can be foreseen.
    NotForeseen {
        /// Which data set, or host without any.
        place: String,
    },
    /// Its backup is too old by the time it is done.
    TooSlow {
        /// Which data set.
        place: String,
        /// Age allowed at the start.
        limit: Span,
    },
    /// Each is young enough at some time, but never all of them.
    NeverTogether {
        /// A data set that is never young enough together with those before it.
        place: String,
    },
    /// Something is in the way at all these times.
    InTheWay {
        /// What, at the first of them.
        conflicts: Vec<Conflict>,
    },
}

impl NoSlot {
    /// In plain English.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::NothingNamed => "Choose what the work touches: then times are proposed.".to_owned(),
            Self::NotForeseen { place } => {
                format!("{place}: no backup can be foreseen. It needs a job that is on and has run well lately.")
            }
            Self::TooSlow { place, limit } => format!(
                "{place}: by the time its backup has ended and is safe, it is older than {limit}, which is the limit at the start."
            ),
            Self::NeverTogether { place } => format!(
                "{place} and the others are backed up too far apart: when one is done, another is too old to start. Request extra runs, or move the jobs closer together."
            ),
            Self::InTheWay { conflicts } => {
                let names: Vec<String> = conflicts.iter().map(Conflict::heading).collect();
                format!("Something is in the way whenever the backups are young enough: {}.", names.join("; "))
            }
        }
    }
}

impl Need {
    /// When work may start as far as this data set goes.
    fn starts(&self, now: Instant) -> Vec<Stretch> {
        let mut starts: Vec<Stretch> = self.until.map(|until| Stretch::new(now, until)).into_iter().collect();
        let after = |ended: Instant| MARGIN.after(ended).max(now);
        for way in &self.ways {
            match way {
                Way::Direct { runs } => {
                    starts.extend(runs.iter().map(|run| Stretch::new(after(run.to), self.limit.after(run.from))));
                }
                Way::Carried { dumps, carriers } => starts.extend(dumps.iter().filter_map(|dump| {
                    let next = carriers.partition_point(|carrier| carrier.from < dump.to);
                    Some(Stretch::new(after(carriers.get(next)?.to), self.limit.after(dump.from)))
                })),
            }
        }
        united(starts)
    }

    fn why_none(&self) -> NoSlot {
        let foreseen = self.ways.iter().any(|way| match way {
            Way::Direct { runs } => !runs.is_empty(),
            Way::Carried { dumps, carriers } => !dumps.is_empty() && !carriers.is_empty(),
        });
        let place = self.place.clone();
        if foreseen { NoSlot::TooSlow { place, limit: self.limit } } else { NoSlot::NotForeseen { place } }
    }
}

fn round_up(at: Instant) -> Instant {
    let seconds = at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0);
    let rest = seconds.rem_euclid(STEP);
    let up = if rest == 0 { seconds } else { seconds + STEP - rest };
    Instant::from_timestamp(up, 0).unwrap_or(at)
}

/// The next times for work of a length, the earliest first, at most so many: one for each time that
/// all needs are met. `work` says what it takes up; its own time does not matter.
///
/// # Errors
/// There is none within [`HORIZON`]: all reasons.
pub fn slots(
    now: Instant,
    length: Span,
    work: &Work,
    needs: &[Need],
    around: &Surroundings,
    most: usize,
) -> Result<Vec<Slot>, Vec<NoSlot>> {
    if work.hosts.is_empty() && work.components.is_empty() {
        return Err(vec![NoSlot::NothingNamed]);
    }
    let mut starts = vec![Stretch::new(now, HORIZON.after(now))];
    let mut against = Vec::new();
    for need in needs {
        let own = need.starts(now);
        let shared = common(&starts, &own);
        if own.is_empty() {
            against.push(need.why_none());
        } else if shared.is_empty() && against.is_empty() {
            against.push(NoSlot::NeverTogether { place: need.place.clone() });
        } else if !shared.is_empty() {
            starts = shared;
        }
    }
    if !against.is_empty() {
        return Err(against);
    }
    let mut found = Vec::new();
    let mut in_the_way = None;
    for stretch in starts {
        match first_free(stretch, length, work, around) {
            Ok(slot) => found.push(slot),
            Err(conflicts) => {
                in_the_way.get_or_insert(conflicts);
            }
        }
        if found.len() >= most {
            break;
        }
    }
    if found.is_empty() {
        return Err(vec![NoSlot::InTheWay { conflicts: in_the_way.unwrap_or_default() }]);
    }
    Ok(found)
}

/// The first time in a stretch of starts with nothing in the way; what is in the way of the first
/// one, where there is none.
fn first_free(starts: Stretch, length: Span, work: &Work, around: &Surroundings) -> Result<Slot, Vec<Conflict>> {
    let mut at = Some(round_up(starts.from)).filter(|at| starts.contains(*at)).unwrap_or(starts.from);
    let mut first = None;
    for _ in 0..TRIES {
        if !starts.contains(at) {
            break;
        }
        let stretch = Stretch::new(at, length.after(at));
        let found = conflicts(&Work { stretch, ..work.clone() }, around);
        // Nothing that begins before the earliest of these ends can be free of it.
        let Some(free) = found.iter().map(|conflict| conflict.stretch().to).min() else {
            return Ok(Slot { stretch, ready_at: starts.from, start_before: starts.to });
        };
        at = round_up(free);
        first.get_or_insert(found);
    }
    Err(first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::conflict::{BackupTime, Force, FrozenTime};
    use crate::ids::{FreezeId, HostId, JobId};
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    fn at(minutes: i64) -> Instant {
        Span::minutes(minutes).after("2026-11-27T12:00:00Z".parse().unwrap())
    }

    fn stretch(from: i64, long: i64) -> Stretch {
        Stretch::new(at(from), at(from + long))
    }

    fn work() -> Work {
        Work {
            stretch: stretch(0, 0),
            hosts: BTreeSet::from([HostId(Uuid::from_u128(1))]),
            components: BTreeSet::new(),
        }
    }

    fn need(limit: i64, ways: Vec<Way>) -> Need {
        Need { place: "web-12 · files".to_owned(), limit: Span::minutes(limit), until: None, ways }
    }

    /// 13 hours from now, and each night after it.
    fn nights(from: i64, long: i64) -> Vec<Stretch> {
        (0..5).map(|n| stretch(from + n * 1440, long)).collect()
    }

    fn frozen(from: i64, long: i64) -> Surroundings {
        let freeze = FrozenTime {
            freeze: FreezeId(Uuid::from_u128(1)),
            name: "Christmas".to_owned(),
            force: Force::Warn,
            only: None,
            stretch: stretch(from, long),
        };
        Surroundings { freezes: vec![freeze], ..Surroundings::default() }
    }

    fn ask(needs: &[Need], around: &Surroundings) -> Result<Vec<Slot>, Vec<NoSlot>> {
        slots(at(0), Span::hours(2), &work(), needs, around, 3)
    }

    #[test]
    fn the_next_slot_is_right_after_the_nightly_backup() {
        let needs = [need(240, vec![Way::Direct { runs: nights(780, 93) }])];
        let found = ask(&needs, &Surroundings::default()).unwrap();
        assert_eq!(found.len(), 3);
        // 01:00 + 93 min + 10 min, at the next full five minutes.
        assert_eq!(found[0].stretch, stretch(885, 120));
        assert_eq!(found[0].start_before, at(780 + 240));
        assert_eq!(found[1].stretch, stretch(885 + 1440, 120));
    }

    #[test]
    fn a_dump_counts_once_it_has_been_carried() {
        let carriers = nights(780, 90);
        let good = Way::Carried { dumps: nights(730, 35), carriers: carriers.clone() };
        assert_eq!(ask(&[need(240, vec![good])], &Surroundings::default()).unwrap()[0].stretch, stretch(880, 120));
        // Made after the run that should carry it, it is a day old when the next one has.
        let late = Way::Carried { dumps: nights(790, 35), carriers };
        let none = ask(&[need(240, vec![late])], &Surroundings::default()).unwrap_err();
        assert!(matches!(none[..], [NoSlot::TooSlow { .. }]), "{none:?}");
    }

    #[test]
    fn what_is_in_the_way_is_gone_around_or_said() {
        let needs = [need(240, vec![Way::Direct { runs: nights(780, 90) }])];
        assert_eq!(ask(&needs, &frozen(700, 240)).unwrap()[0].stretch, stretch(940, 120));
        // All nights.
        let none = ask(&needs, &frozen(0, 20_000)).unwrap_err();
        assert!(matches!(&none[..], [NoSlot::InTheWay { conflicts }] if conflicts.len() == 1), "{none:?}");
        assert_eq!(
            none[0].sentence(),
            "Something is in the way whenever the backups are young enough: Freeze: Christmas."
        );
    }

    #[test]
    fn each_reason_is_said() {
        let alone = need(240, vec![Way::Direct { runs: nights(780, 90) }]);
        let apart = need(240, vec![Way::Direct { runs: nights(200, 90) }]);
        let never = need(240, vec![]);
        let none = ask(&[alone.clone(), apart], &Surroundings::default()).unwrap_err();
        assert!(matches!(none[..], [NoSlot::NeverTogether { .. }]), "{none:?}");
        let slow = need(60, vec![Way::Direct { runs: nights(780, 90) }]);
        let none = ask(&[alone, never, slow], &Surroundings::default()).unwrap_err();
        assert!(matches!(none[..], [NoSlot::NotForeseen { .. }, NoSlot::TooSlow { .. }]), "{none:?}");
        let nothing = Work { hosts: BTreeSet::new(), ..work() };
        let none = slots(at(0), Span::hours(1), &nothing, &[], &Surroundings::default(), 3).unwrap_err();
        assert_eq!(none, [NoSlot::NothingNamed]);
    }

    #[test]
    fn what_is_protected_now_or_exempt_needs_no_night() {
        let fresh = Need { until: Some(at(60)), ..need(240, vec![]) };
        assert_eq!(ask(&[fresh], &Surroundings::default()).unwrap()[0].stretch, stretch(0, 120));
        assert_eq!(ask(&[], &Surroundings::default()).unwrap()[0].stretch, stretch(0, 120));
    }

    fn runs() -> impl Strategy<Value = Vec<Stretch>> {
        (0..1440_i64, 1..300_i64, 1..48_i64)
            .prop_map(|(from, long, every)| (0..6).map(|n| stretch(from + n * every * 60, long)).collect())
    }

    fn way() -> impl Strategy<Value = Way> {
        prop_oneof![
            runs().prop_map(|runs| Way::Direct { runs }),
            (runs(), runs()).prop_map(|(dumps, carriers)| Way::Carried { dumps, carriers }),
        ]
    }

    proptest! {
        #[test]
        fn a_proposed_slot_is_backed_up_young_enough_and_free(
            length in 5..600_i64,
            needs in prop::collection::vec((60..600_i64, prop::option::of(-60..600_i64), prop::collection::vec(way(), 0..3)), 0..4),
            freezes in prop::collection::vec((0..3000_i64, 0..600_i64), 0..4),
            backups in prop::collection::vec((0..3000_i64, 1..200_i64), 0..4),
        ) {
            let needs: Vec<Need> = needs.into_iter().map(|(limit, until, ways)| Need {
                until: until.map(at),
                ..need(limit, ways)
            }).collect();
            let around = Surroundings {
                freezes: freezes.into_iter().flat_map(|(from, long)| frozen(from, long).freezes).collect(),
                backups: (0..).zip(backups).map(|(n, (from, long))| BackupTime {
                    job: JobId(Uuid::from_u128(n)),
                    host: HostId(Uuid::from_u128(1)),
                    place: String::new(),
                    stretch: stretch(from, long),
                    running: false,
                }).collect(),
                ..Surroundings::default()
            };
            let Ok(found) = slots(at(0), Span::minutes(length), &work(), &needs, &around, 3) else { return Ok(()) };
            prop_assert!(!found.is_empty() && found.len() <= 3);
            prop_assert!(found.windows(2).all(|pair| pair[0].stretch.from < pair[1].stretch.from));
            for slot in found {
                let start = slot.stretch.from;
                prop_assert!(start >= at(0));
                prop_assert_eq!(Span::between(start, slot.stretch.to), Span::minutes(length));
                prop_assert_eq!(conflicts(&Work { stretch: slot.stretch, ..work() }, &around), vec![]);
                for need in &needs {
                    let young = |cut_off: Instant| start < need.limit.after(cut_off);
                    let safe = need.until.is_some_and(|until| start < until) || need.ways.iter().any(|way| match way {
                        Way::Direct { runs } => runs.iter().any(|run| MARGIN.after(run.to) <= start && young(run.from)),
                        Way::Carried { dumps, carriers } => dumps.iter().any(|dump| young(dump.from)
                            && carriers.iter().any(|carrier| dump.to <= carrier.from && MARGIN.after(carrier.to) <= start)),
                    });
                    prop_assert!(safe, "{need:?} at {start}");
                }
            }
        }
    }
}

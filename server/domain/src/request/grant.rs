//! What the holder of a token may ask for.

use crate::ids::{DataSetId, TokenId};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The time in which a quota is used up.
pub const QUOTA_TIME: Span = Span::days(1);

/// Most that a grant may allow in that time.
pub const MOST_PER_DAY: i64 = 96;

/// Extra runs of some data sets, so many in 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose.
    pub token_id: TokenId,
    /// Of these.
    pub data_sets: Vec<DataSetId>,
    /// So many.
    pub per_day: i64,
}

/// Why a holder may not ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GrantRefusal {
    /// Not for this data set.
    #[error("This data set is not among yours.")]
    NotYours,
    /// The quota is used up.
    #[error("All requests of this day are used.")]
    UsedUp {
        /// When the next one is free.
        until: Instant,
    },
}

impl Grant {
    /// How many requests are left, where it was used at these instants.
    #[must_use]
    pub fn left(&self, used: &[Instant], now: Instant) -> i64 {
        let counted = used.iter().filter(|at| QUOTA_TIME.after(**at) > now).count();
        (self.per_day - i64::try_from(counted).unwrap_or(i64::MAX)).max(0)
    }

    /// Whether its holder may ask now.
    ///
    /// # Errors
    /// [`GrantRefusal`]
    pub fn check(&self, data_set: DataSetId, used: &[Instant], now: Instant) -> Result<(), GrantRefusal> {
        if !self.data_sets.contains(&data_set) {
            return Err(GrantRefusal::NotYours);
        }
        let mut counted: Vec<Instant> = used.iter().copied().filter(|at| QUOTA_TIME.after(*at) > now).collect();
        counted.sort_unstable();
        let allowed = usize::try_from(self.per_day).unwrap_or(0);
        if counted.len() < allowed {
            return Ok(());
        }
        // So many must have become older than a day that one is free.
        let oldest = counted.get(counted.len() - allowed.max(1)).copied().unwrap_or(now);
        Err(GrantRefusal::UsedUp { until: QUOTA_TIME.after(oldest) })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(minutes: i64) -> Instant {
        Span::minutes(minutes).after("2014-05-15T12:00:00Z".parse().unwrap())
    }

    fn grant(per_day: i64) -> Grant {
        Grant { token_id: TokenId(Uuid::nil()), data_sets: vec![DataSetId(Uuid::from_u128(1))], per_day }
    }

    #[test]
    fn only_the_own_data_sets_and_so_many_a_day() {
        let (grant, own, other) = (grant(2), DataSetId(Uuid::from_u128(1)), DataSetId(Uuid::from_u128(2)));
        assert_eq!(grant.check(other, &[], at(0)), Err(GrantRefusal::NotYours));
        assert_eq!(grant.check(own, &[at(-60)], at(0)), Ok(()));
        let used = [at(-60), at(-30)];
        assert_eq!(grant.check(own, &used, at(0)), Err(GrantRefusal::UsedUp { until: at(23 * 60) }));
        assert_eq!((grant.left(&used, at(0)), grant.left(&used, at(23 * 60))), (0, 1));
        assert_eq!(grant.check(own, &used, at(23 * 60)), Ok(()));
    }

    proptest! {
        #[test]
        fn however_often_one_asks_no_24_hours_hold_more_than_the_quota(
            per_day in 1_i64..6,
            pauses in prop::collection::vec(0_i64..400, 1..80),
        ) {
            let (grant, own) = (grant(per_day), DataSetId(Uuid::from_u128(1)));
            let (mut used, mut now) = (Vec::new(), 0);
            for pause in pauses {
                now += pause;
                match grant.check(own, &used, at(now)) {
                    Ok(()) => used.push(at(now)),
                    Err(GrantRefusal::UsedUp { until }) => {
                        prop_assert!(until > at(now), "waiting helps");
                        prop_assert_eq!(grant.check(own, &used, until), Ok(()));
                    }
                    Err(GrantRefusal::NotYours) => prop_assert!(false),
                }
                prop_assert!(grant.left(&used, at(now)) <= per_day);
            }
            for first in &used {
                let within = used.iter().filter(|at| *at >= first && **at < QUOTA_TIME.after(*first)).count();
                prop_assert!(i64::try_from(within).unwrap() <= per_day);
            }
        }
    }
}

//! Stretches of the time line.

use super::Instant;
use serde::{Deserialize, Serialize};

/// From an instant up to, and without, another: what touches does not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stretch {
    /// The first instant in it.
    #[serde(rename = "starts_at")]
    pub from: Instant,
    /// The first instant after it.
    #[serde(rename = "ends_at")]
    pub to: Instant,
}

impl Stretch {
    /// Nothing lies in it where `to` is not after `from`.
    #[must_use]
    pub const fn new(from: Instant, to: Instant) -> Self {
        Self { from, to }
    }

    /// No instant lies in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to <= self.from
    }

    /// Whether an instant lies in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from.max(other.from) < self.to.min(other.to)
    }

    /// Whether an instant lies in it.
    #[must_use]
    pub fn contains(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

/// The same instants in order, without gaps of no length and without overlaps.
#[must_use]
pub fn united(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|stretch| !stretch.is_empty());
    stretches.sort_unstable();
    let mut united: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        match united.last_mut() {
            Some(last) if stretch.from <= last.to => last.to = last.to.max(stretch.to),
            _ => united.push(stretch),
        }
    }
    united
}

/// The instants that lie in both; each list as [`united`] gives it.
#[must_use]
pub fn common(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let both = Stretch::new(x.from.max(y.from), x.to.min(y.to));
        if !both.is_empty() {
            found.push(both);
        }
        if x.to < y.to { i += 1 } else { j += 1 }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use proptest::prelude::*;

    fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
        let at = |n: i64| Span::minutes(n).after(Instant::UNIX_EPOCH);
        prop::collection::vec((0..60_i64, -3..12_i64), 0..8)
            .prop_map(move |all| all.into_iter().map(|(from, long)| Stretch::new(at(from), at(from + long))).collect())
    }

    proptest! {
        #[test]
        fn uniting_and_sharing_keep_exactly_the_right_instants(a in stretches(), b in stretches()) {
            let (ua, ub) = (united(a.clone()), united(b.clone()));
            let both = common(&ua, &ub);
            prop_assert!(ua.windows(2).all(|pair| pair[0].to < pair[1].from));
            for minute in 0..80 {
                let at = Span::minutes(minute).after(Instant::UNIX_EPOCH);
                let within = |list: &[Stretch]| list.iter().any(|stretch| stretch.contains(at));
                prop_assert_eq!(within(&a), within(&ua));
                prop_assert_eq!(within(&both), within(&a) && within(&b));
            }
        }
    }
}

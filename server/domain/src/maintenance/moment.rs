//! One local time that a person typed, and what it means.

use super::plan::Reader;
use super::{Fold, PlanError, PlanField};
use crate::time::{Instant, LocalTime, UnknownZone, ZoneRules, civil};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// A wall-clock time in a zone with the instant it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// IANA zone name.
    pub zone: String,
    /// Local wall-clock time: the truth.
    pub local: NaiveDateTime,
    /// Choice where `local` exists twice.
    pub fold: Option<Fold>,
    /// Derived from the above by the zone's rules.
    pub at: Instant,
}

impl Moment {
    /// Reads a time for a field. One that does not exist, or exists twice, is asked back.
    ///
    /// # Errors
    /// The zone is not known, the clocks skip the time, or show it twice and nobody chose.
    pub fn read(
        rules: &dyn ZoneRules,
        zone: &str,
        field: PlanField,
        local: NaiveDateTime,
        fold: Option<Fold>,
    ) -> Result<Self, PlanError> {
        let zone = rules.canonical(zone).ok_or_else(|| UnknownZone(zone.to_owned()))?;
        let (at, fold) = Reader { rules, zone: &zone }.read(field, local, fold, None)?;
        Ok(Self { zone, local, fold, at })
    }

    /// The same wall-clock time by other zone rules.
    ///
    /// # Errors
    /// By these rules it does not exist, or exists twice now.
    pub fn rederive(&self, rules: &dyn ZoneRules) -> Result<Self, PlanError> {
        Self::read(rules, &self.zone, PlanField::Start, self.local, self.fold)
    }

    /// An instant as the clocks of a zone show it.
    #[must_use]
    pub fn of(rules: &dyn ZoneRules, zone: &str, at: Instant) -> Self {
        let local = civil(rules, zone, at).local;
        let fold = match rules.resolve(zone, local) {
            Ok(LocalTime::Fold { earlier, .. }) if earlier == at => Some(Fold::Earlier),
            Ok(LocalTime::Fold { .. }) => Some(Fold::Later),
            _ => None,
        };
        Self { zone: zone.to_owned(), local, fold, at }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::time::parse_local;
    use crate::time::testing::FixedRules;
    use proptest::prelude::*;

    fn read(local: &str, fold: Option<Fold>) -> Result<Moment, PlanError> {
        Moment::read(&FixedRules, "Europe/Berlin", PlanField::Start, parse_local(local).unwrap(), fold)
    }

    #[test]
    fn a_time_that_does_not_exist_or_exists_twice_is_asked_back() {
        assert!(matches!(read("2026-03-29 02:30", None), Err(PlanError::Gap { .. })));
        assert!(matches!(read("2026-10-25 02:30", None), Err(PlanError::Fold { .. })));
        let later = read("2026-10-25 02:30", Some(Fold::Later)).unwrap();
        assert_eq!(later.at.to_rfc3339(), "2026-10-25T01:30:00+00:00");
        let plain = read("2026-06-01 12:00", Some(Fold::Later)).unwrap();
        assert_eq!((plain.at.to_rfc3339().as_str(), plain.fold), ("2026-06-01T10:00:00+00:00", None));
    }

    proptest! {
        #[test]
        fn every_instant_reads_back_from_what_the_clocks_show(
            zone in prop::sample::select(FixedRules.names()),
            minutes in 29_166_000_i64..30_000_000,
        ) {
            let at = Instant::from_timestamp(minutes * 60, 0).unwrap();
            let shown = Moment::of(&FixedRules, &zone, at);
            let back = Moment::read(&FixedRules, &zone, PlanField::Start, shown.local, shown.fold).unwrap();
            prop_assert_eq!(back.at, at);
        }
    }
}

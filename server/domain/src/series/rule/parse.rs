//! Reading a rule from its text.

use super::{MAX_COUNT, MAX_EVERY, Pattern, Rule, RuleError, Until, weekday_of};
use chrono::{Datelike, NaiveDate, Weekday};

/// The parts of a text, each at most once.
#[derive(Default)]
pub(super) struct Parts<'a> {
    freq: Option<&'a str>,
    interval: Option<&'a str>,
    by_day: Option<&'a str>,
    by_month_day: Option<&'a str>,
    count: Option<&'a str>,
    until: Option<&'a str>,
}

impl<'a> Parts<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, RuleError> {
        let mut parts = Self::default();
        if text.trim_matches([' ', ';']).is_empty() {
            return Err(RuleError::Empty);
        }
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let short = || part.chars().take(40).collect::<String>();
            let (name, value) = part.split_once('=').ok_or_else(|| RuleError::Unclear(short()))?;
            let name = name.trim().to_ascii_uppercase();
            let place = match name.as_str() {
                "FREQ" => &mut parts.freq,
                "INTERVAL" => &mut parts.interval,
                "BYDAY" => &mut parts.by_day,
                "BYMONTHDAY" => &mut parts.by_month_day,
                "COUNT" => &mut parts.count,
                "UNTIL" => &mut parts.until,
                "WKST" if value.trim().eq_ignore_ascii_case("MO") => continue,
                "WKST" => return Err(RuleError::WeekStart),
                "BYSECOND" | "BYMINUTE" | "BYHOUR" | "BYYEARDAY" | "BYWEEKNO" | "BYMONTH" | "BYSETPOS" | "RSCALE"
                | "SKIP" => return Err(RuleError::Unsupported(name)),
                _ => return Err(RuleError::Unclear(short())),
            };
            if place.replace(value.trim()).is_some() {
                return Err(RuleError::Twice(name));
            }
        }
        Ok(parts)
    }

    pub(super) fn rule(&self, start: NaiveDate) -> Result<Rule, RuleError> {
        let every = self.interval.map_or(Ok(1), |text| number(text, MAX_EVERY).ok_or(RuleError::Every))?;
        let until = match (self.count, self.until) {
            (None, None) => Until::Ended,
            (Some(_), Some(_)) => return Err(RuleError::BothEnds),
            (Some(text), None) => Until::Count(number(text, MAX_COUNT).ok_or(RuleError::Count)?),
            (None, Some(text)) => Until::Date(NaiveDate::parse_from_str(text, "%Y%m%d").map_err(|_| RuleError::Until)?),
        };
        let freq = self.freq.ok_or(RuleError::NoFreq)?;
        let pattern = match freq.to_ascii_uppercase().as_str() {
            "DAILY" => {
                Self::without(self.by_day, "BYDAY", "DAILY")?;
                Self::without(self.by_month_day, "BYMONTHDAY", "DAILY")?;
                Pattern::Daily
            }
            "WEEKLY" => {
                Self::without(self.by_month_day, "BYMONTHDAY", "WEEKLY")?;
                match self.by_day {
                    None => Pattern::Weekly(vec![start.weekday()]),
                    Some(days) => Pattern::Weekly(
                        numbered(days)?
                            .into_iter()
                            .map(|(n, day)| if n.is_none() { Ok(day) } else { Err(RuleError::NumberInWeek) })
                            .collect::<Result<_, _>>()?,
                    ),
                }
            }
            "MONTHLY" => match (self.by_day, self.by_month_day) {
                (Some(_), Some(_)) => return Err(RuleError::BothDays),
                (None, None) => Pattern::MonthDay(vec![i8::try_from(start.day()).map_err(|_| RuleError::MonthDay)?]),
                (Some(days), None) => Pattern::NthWeekday(
                    numbered(days)?
                        .into_iter()
                        .map(|(n, day)| n.map(|n| (n, day)).ok_or(RuleError::NoNumber))
                        .collect::<Result<_, _>>()?,
                ),
                (None, Some(days)) => {
                    let read = |day: &str| day.trim().parse().map_err(|_| RuleError::MonthDay);
                    Pattern::MonthDay(days.split(',').map(read).collect::<Result<_, _>>()?)
                }
            },
            other => return Err(RuleError::Freq(other.chars().take(20).collect())),
        };
        Rule::new(every, pattern, until)
    }

    const fn without(part: Option<&str>, name: &'static str, freq: &'static str) -> Result<(), RuleError> {
        match part {
            None => Ok(()),
            Some(_) => Err(RuleError::Misplaced { part: name, freq }),
        }
    }
}

fn number(text: &str, most: u32) -> Option<u32> {
    text.parse().ok().filter(|n| (1..=most).contains(n))
}

/// `1TU`, `-1SU`, `MO`
fn numbered(text: &str) -> Result<Vec<(Option<i8>, Weekday)>, RuleError> {
    text.split(',')
        .map(|item| {
            let item = item.trim();
            let unclear = || RuleError::Day(item.chars().take(20).collect());
            let at = item.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(unclear)?;
            let (n, code) = item.split_at(at);
            let day = weekday_of(code).ok_or_else(unclear)?;
            let n = if n.is_empty() { None } else { Some(n.parse().map_err(|_| unclear())?) };
            Ok((n, day))
        })
        .collect()
}

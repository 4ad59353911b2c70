//! Lengths of time as people write and read them.

use super::Span;
use std::fmt;
use thiserror::Error;

/// Why a text is no length of time, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpanError {
    /// Nothing but white space.
    #[error("This must not be empty. Write a length of time like 90 min, 4 h or 1 d.")]
    Empty,
    /// A number without its unit.
    #[error("Add a unit to {0}: for example {0} min or {0} h.")]
    NoUnit(String),
    /// Anything else.
    #[error("“{0}” is not a length of time. Write it like 90 min, 4 h or 1 d 2 h.")]
    Unclear(String),
    /// Beyond ten years.
    #[error("This is longer than ten years.")]
    TooLong,
}

const MAX_SECONDS: i64 = 3653 * 86_400;

fn unit_seconds(unit: &str) -> Option<i64> {
    Some(match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        _ => return None,
    })
}

impl Span {
    /// Reads "90 min", "4 h", "24h", "1 d 2 h", "2 weeks". A bare number is
    /// refused: nobody can know whether it means minutes or hours.
    ///
    /// # Errors
    /// Empty, a number without a unit, anything else that is not a length, or longer than ten years.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SpanError::Empty);
        }
        let unclear = || SpanError::Unclear(text.chars().take(40).collect());
        let lower = text.to_lowercase();
        let mut rest = lower.as_str();
        let mut total = 0_i64;
        let mut smallest = i64::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let tail = tail.trim_start();
            let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            if number.is_empty() {
                return Err(unclear());
            }
            if unit.is_empty() && tail.is_empty() {
                return Err(SpanError::NoUnit(number.chars().take(20).collect()));
            }
            let unit = unit_seconds(unit).ok_or_else(unclear)?;
            if unit >= smallest {
                return Err(unclear());
            }
            smallest = unit;
            let number: i64 = number.parse().map_err(|_| SpanError::TooLong)?;
            total = number
                .checked_mul(unit)
                .and_then(|part| total.checked_add(part))
                .filter(|sum| *sum <= MAX_SECONDS)
                .ok_or(SpanError::TooLong)?;
            rest = tail.trim_start();
        }
        Ok(Self::seconds(total))
    }

    /// A text that [`Span::parse`] reads back to the same length.
    #[must_use]
    pub fn to_input(self) -> String {
        let mut rest = self.as_seconds().max(0);
        let mut parts = Vec::new();
        // Whole days only from three days on, as in `Display`: "24 h" is how the limits are named.
        if rest >= 72 * 3600 {
            parts.push(format!("{} d", rest / 86_400));
            rest %= 86_400;
        }
        for (unit, name) in [(3600, "h"), (60, "min"), (1, "s")] {
            if rest >= unit {
                parts.push(format!("{} {name}", rest / unit));
                rest %= unit;
            }
        }
        if parts.is_empty() { "0 min".to_owned() } else { parts.join(" ") }
    }
}

impl Span {
    /// For customers, to the minute, in at most two units: "3 days", "24 hours", "1 hour 30 minutes".
    #[must_use]
    pub fn in_words(self) -> String {
        let minutes = (self.as_seconds().max(0) + 30) / 60;
        let (days, hours) = if minutes >= 48 * 60 { (minutes / 1440, minutes % 1440 / 60) } else { (0, minutes / 60) };
        let parts =
            if days > 0 { [(days, "day"), (hours, "hour")] } else { [(hours, "hour"), (minutes % 60, "minute")] };
        let word = |(n, unit): (i64, &str)| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
        let words: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(word).collect();
        if words.is_empty() { "less than a minute".to_owned() } else { words.join(" ") }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.as_seconds() < 0 {
            f.write_str("−")?;
        }
        let s = self.as_seconds().unsigned_abs();
        let (big, big_unit, small, small_unit) = if s >= 72 * 3600 {
            (s / 86_400, "d", s % 86_400 / 3600, "h")
        } else if s >= 3600 {
            (s / 3600, "h", s % 3600 / 60, "min")
        } else if s >= 60 {
            (s / 60, "min", 0, "s")
        } else {
            (s, "s", 0, "")
        };
        write!(f, "{big} {big_unit}")?;
        if small > 0 {
            write!(f, " {small} {small_unit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ages_are_read_in_the_units_people_use() {
        for (seconds, text) in [
            (0, "0 s"),
            (45, "45 s"),
            (12 * 60, "12 min"),
            (12 * 60 + 59, "12 min"),
            (3600, "1 h"),
            (40 * 3600 + 55 * 60, "40 h 55 min"),
            (71 * 3600 + 59 * 60, "71 h 59 min"),
            (72 * 3600, "3 d"),
            (76 * 3600 + 1800, "3 d 4 h"),
            (-300, "−5 min"),
        ] {
            assert_eq!(Span::seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn customers_read_lengths_in_words() {
        for (span, text) in [
            (Span::hours(72), "3 days"),
            (Span::seconds(72 * 3600 - 20), "3 days"),
            (Span::hours(77), "3 days 5 hours"),
            (Span::hours(24), "24 hours"),
            (Span::minutes(90), "1 hour 30 minutes"),
            (Span::minutes(61), "1 hour 1 minute"),
            (Span::minutes(45), "45 minutes"),
            (Span::seconds(10), "less than a minute"),
            (Span::seconds(-10), "less than a minute"),
        ] {
            assert_eq!(span.in_words(), text);
        }
    }

    #[test]
    fn lengths_are_read_with_their_units() {
        for (text, span) in [
            ("90 min", Span::minutes(90)),
            ("4 h", Span::hours(4)),
            ("24h", Span::hours(24)),
            ("1 d 2 h", Span::hours(26)),
            ("1h30m", Span::minutes(90)),
            (" 2 Weeks ", Span::days(14)),
            ("0 min", Span::seconds(0)),
        ] {
            assert_eq!(Span::parse(text), Ok(span), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_length_is_refused_with_help() {
        assert_eq!(Span::parse("  "), Err(SpanError::Empty));
        assert_eq!(Span::parse("90"), Err(SpanError::NoUnit("90".into())));
        assert_eq!(Span::parse("1h30"), Err(SpanError::NoUnit("30".into())));
        assert_eq!(SpanError::NoUnit("90".into()).to_string(), "Add a unit to 90: for example 90 min or 90 h.");
        for text in ["-5 min", "1.5 h", "h", "4 x", "30 min 1 h", "1 h 1 h", "1:30", "４ h"] {
            assert!(matches!(Span::parse(text), Err(SpanError::Unclear(_))), "{text}");
        }
        for text in ["99999999999999999999 h", "9223372036854775807 w", "11 d 4000 h 999999999 s"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
        assert_eq!(Span::parse("4000 d"), Err(SpanError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_shown_in_a_form_is_read_back(seconds in 0..MAX_SECONDS) {
            let span = Span::seconds(seconds);
            prop_assert_eq!(Span::parse(&span.to_input()).unwrap(), span);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = Span::parse(&text);
        }
    }
}

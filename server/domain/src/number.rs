//! Numbers as people read them.

use thiserror::Error;

/// Most digits behind the point that are shown.
pub const MOST_DECIMALS: u8 = 6;

/// Larger numbers than this are not taken: their sums would not be exact.
pub const LARGEST: f64 = 1e15;

/// "1,332", "99.97", "−0.5".
#[must_use]
pub fn text(value: f64, decimals: u8) -> String {
    let shown = format!("{:.*}", usize::from(decimals.min(MOST_DECIMALS)), value.abs());
    let (whole, part) = shown.split_once('.').unwrap_or((&shown, ""));
    let mut grouped = String::with_capacity(shown.len() + shown.len() / 3 + 1);
    let is_zero = shown.bytes().all(|b| matches!(b, b'0' | b'.'));
    if value < 0.0 && !is_zero {
        grouped.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !part.is_empty() {
        grouped.push('.');
        grouped.push_str(part);
    }
    grouped
}

/// "1,332"
#[must_use]
pub fn count(number: i64) -> String {
    text(number as f64, 0)
}

/// The same with its unit behind it: "99.97 %".
#[must_use]
pub fn with_unit(value: f64, decimals: u8, unit: &str) -> String {
    let number = text(value, decimals);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// The same with a sign always: "+12", "±0", "−3".
#[must_use]
pub fn signed(value: f64, decimals: u8) -> String {
    let shown = text(value, decimals);
    let is_zero = shown.bytes().all(|b| matches!(b, b'0' | b'.'));
    match (is_zero, value > 0.0) {
        (true, _) => format!("±{shown}"),
        (false, true) => format!("+{shown}"),
        (false, false) => shown,
    }
}

/// For programs and spreadsheets: no separators, a plain minus.
#[must_use]
pub fn plain(value: f64, decimals: u8) -> String {
    text(value, decimals).replace(',', "").replace('−', "-")
}

/// Reads what a person types: "1332", "1,332", "99.97".
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim().replace('−', "-");
    let (whole, _) = text.split_once('.').unwrap_or((&text, ""));
    let is_grouped = whole.contains(',')
        && whole.trim_start_matches('-').split(',').enumerate().all(|(place, part)| {
            part.bytes().all(|b| b.is_ascii_digit())
                && if place == 0 { (1..=3).contains(&part.len()) } else { part.len() == 3 }
        });
    let text = if is_grouped { text.replace(',', "") } else { text };
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    let value: f64 = if plain { text.parse().ok()? } else { return None };
    (value.abs() <= LARGEST).then_some(value)
}

/// Why a text is no number of the kind that is wanted, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NumberError {
    /// No number.
    #[error("Write a number like 1332 or 99.97.")]
    Unclear,
    /// More digits behind the point than are kept: in half of the world "1.332" is one thousand and more.
    #[error("{0}")]
    TooFine(&'static str),
}

/// Reads what a person types where so many digits behind the point are kept: none is cut off unseen.
///
/// # Errors
/// No number, or one with more digits behind the point.
pub fn parse_within(text: &str, decimals: u8) -> Result<f64, NumberError> {
    let value = parse(text).ok_or(NumberError::Unclear)?;
    let typed = text.trim().split_once('.').map_or(0, |(_, part)| part.trim_end_matches('0').len());
    if typed <= usize::from(decimals) {
        return Ok(value);
    }
    Err(NumberError::TooFine(match decimals {
        0 => "Write it without a point, like 1332 or 1,332.",
        1 => "Write at most one digit behind the point, like 99.9.",
        2 => "Write at most two digits behind the point, like 99.97.",
        _ => "That has more digits behind the point than are kept.",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_digit_that_was_typed_is_cut_off_unseen() {
        for (text, decimals, value) in
            [("1332", 0, 1332.0), ("1,332", 0, 1332.0), ("1332.00", 0, 1332.0), ("99.97", 2, 99.97), ("-0.5", 1, -0.5)]
        {
            assert_eq!(parse_within(text, decimals), Ok(value), "{text}");
        }
        for (text, decimals) in [("1.332", 0), ("1.5", 0), ("99.971", 2), ("0.0000001", 6)] {
            let refused = parse_within(text, decimals);
            assert!(matches!(refused, Err(NumberError::TooFine(_))), "{text}: {refused:?}");
        }
        assert_eq!(parse_within("many", 2), Err(NumberError::Unclear));
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (value, decimals, shown) in [
            (1332.0, 0, "1,332"),
            (99.97, 2, "99.97"),
            (-0.5, 1, "−0.5"),
            (-0.0001, 2, "0.00"),
            (999.0, 0, "999"),
            (1_234_567.891, 1, "1,234,567.9"),
            (0.0, 0, "0"),
        ] {
            assert_eq!(text(value, decimals), shown);
        }
        assert_eq!((signed(12.0, 0), signed(0.0, 1), signed(-3.0, 0)), ("+12".into(), "±0.0".into(), "−3".into()));
        assert_eq!(with_unit(99.97, 2, "%"), "99.97 %");
        assert_eq!(plain(-1332.5, 1), "-1332.5");
    }

    #[test]
    fn what_is_no_number_is_not_guessed() {
        for bad in ["", "x", "1.2.3", "1,33", "12,34,567", "1e9", "NaN", "inf", "1 332", "--1", "9999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!((parse(" 1,332 "), parse("99.97"), parse("−3")), (Some(1332.0), Some(99.97), Some(-3.0)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(n in -1_000_000_000_i64..1_000_000_000, decimals in 0..4_u8) {
            let value = n as f64 / 10_f64.powi(i32::from(decimals));
            prop_assert_eq!(parse(&text(value, decimals)), Some(value));
        }
    }
}

//! Sizes as people write them.

use thiserror::Error;

/// Not a size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("“{0}” is not a size. Write bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB.")]
pub struct NoSize(String);

fn unit(text: &str) -> Option<i128> {
    const KILO: i128 = 1000;
    const KIBI: i128 = 1024;
    Some(match text.to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 1,
        "kb" => KILO,
        "mb" => KILO.pow(2),
        "gb" => KILO.pow(3),
        "tb" => KILO.pow(4),
        "kib" => KIBI,
        "mib" => KIBI.pow(2),
        "gib" => KIBI.pow(3),
        "tib" => KIBI.pow(4),
        _ => return None,
    })
}

/// Reads "412 GB", "1.5 TiB", "734003200"; a part of a byte is dropped.
///
/// # Errors
/// Anything else, or more than fits.
pub fn parse_size(text: &str) -> Result<i64, NoSize> {
    let text = text.trim();
    let wrong = || NoSize(text.chars().take(40).collect());
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let unit = unit(rest.trim()).ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let fits = !whole.is_empty() && whole.len() <= 19 && part.len() <= 6 && (part.is_empty() != number.contains('.'));
    if !fits {
        return Err(wrong());
    }
    let digits = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<i128>().map_err(|_| wrong()) };
    let scale = 10_i128.pow(u32::try_from(part.len()).unwrap_or(0));
    let bytes = digits(whole)? * unit + digits(part)? * unit / scale;
    i64::try_from(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, bytes) in [
            ("0", 0),
            ("734003200", 734_003_200),
            ("412 GB", 412_000_000_000),
            (" 1.5TiB ", 1_649_267_441_664),
            ("2 kib", 2048),
            ("0.5 kB", 500),
            ("7 bytes", 7),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "1,5 GB", "1. GB", ".5 GB", "1.2.3 GB", "-1", "4 x", "4 PB", "99999999 TB", "1e9"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[0-9.]{0,24}[a-zA-Z ]{0,4}") {
            let _ = parse_size(&text);
        }

        #[test]
        fn plain_bytes_are_themselves(bytes in 0..i64::MAX) {
            prop_assert_eq!(parse_size(&bytes.to_string()), Ok(bytes));
        }
    }
}

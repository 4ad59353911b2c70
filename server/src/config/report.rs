//! What `fermata check` says about the configuration.

use std::fmt::{self, Write};

use super::{Loaded, Source};

/// One line of the effective configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Name in the TOML file.
    pub key: &'static str,
    /// The value; secrets read "(hidden)".
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &str| if value.is_empty() { "(not set)".to_owned() } else { value.to_owned() };
        let width = self.effective.iter().map(|row| shown(&row.value).chars().count()).max().unwrap_or(0).min(60);
        for row in &self.effective {
            writeln!(f, "{:<20} {:<width$}  {}", row.key, shown(&row.value), row.source)?;
        }
        let mut list = |title: &str, items: &[String]| -> fmt::Result {
            if items.is_empty() {
                return Ok(());
            }
            let mut text = format!("\n{title}\n");
            for item in items {
                writeln!(text, "  - {item}")?;
            }
            f.write_str(&text)
        };
        list("Missing:", &self.missing)?;
        list("Warnings:", &self.warnings)?;
        if let Err(error) = &self.settings {
            write!(f, "\nFermata would not start: {error}\n")?;
        }
        Ok(())
    }
}

//! What is to be checked when the work is done, line by line.
//!
//! Ticks belong to the words of a line, so that a list that was changed meanwhile is never ticked
//! at the wrong place.

use super::Maintenance;
use crate::text::{Name, TextError};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Lines allowed.
pub const MAX_LINES: usize = 20;

/// Who found a line to be true, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The name of the person, as it was then.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// A line of a checklist. No two of a list have the same words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// What is to be checked.
    pub text: Name,
    /// None while it is open.
    pub tick: Option<Tick>,
}

/// Why a checklist is refused, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChecklistError {
    /// More lines than fit.
    #[error("A checklist has at most 20 lines; this one has {0}.")]
    TooMany(usize),
    /// The same words twice.
    #[error("“{0}” stands there twice.")]
    Twice(String),
    /// A line that is no line.
    #[error("Line {number}: {error}")]
    Line {
        /// Counted from 1, empty ones left out.
        number: usize,
        /// What is wrong with it.
        error: TextError,
    },
}

/// Reads the lines of a checklist; empty ones are left out.
///
/// # Errors
/// Too many, twice the same, or one that is too long.
pub fn read_checklist<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Vec<Name>, ChecklistError> {
    let mut read: Vec<Name> = Vec::new();
    for line in lines.into_iter().map(str::trim).filter(|line| !line.is_empty()) {
        let number = read.len() + 1;
        let name = Name::parse(line).map_err(|error| ChecklistError::Line { number, error })?;
        if read.iter().any(|other| other.key() == name.key()) {
            return Err(ChecklistError::Twice(name.into()));
        }
        read.push(name);
    }
    if read.len() > MAX_LINES {
        return Err(ChecklistError::TooMany(read.len()));
    }
    Ok(read)
}

/// The list with these words; what was ticked stays so.
pub(super) fn renewed(old: &[CheckLine], lines: Vec<Name>) -> Vec<CheckLine> {
    let tick = |text: &Name| old.iter().find(|line| line.text == *text).and_then(|line| line.tick.clone());
    lines.into_iter().map(|text| CheckLine { tick: tick(&text), text }).collect()
}

impl Maintenance {
    /// How many lines of its checklist nobody has ticked.
    #[must_use]
    pub fn open_lines(&self) -> usize {
        self.checklist.iter().filter(|line| line.tick.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_checklist_is_read_line_by_line_and_all_that_is_wrong_has_words() {
        let read = |text: &str| read_checklist(text.lines());
        let lines = read(" RAID is clean \n\n\tsites answer\n").unwrap();
        assert_eq!(lines.iter().map(Name::as_str).collect::<Vec<_>>(), ["RAID is clean", "sites answer"]);
        assert!(read("").unwrap().is_empty());
        let many = |n: usize| (1..=n).map(|i| format!("line {i}\n")).collect::<String>();
        assert_eq!(read(&many(20)).unwrap().len(), MAX_LINES);
        assert_eq!(read(&many(21)), Err(ChecklistError::TooMany(21)));
        assert_eq!(read("one\nOne "), Err(ChecklistError::Twice("One".to_owned())));
        let long = "x".repeat(121);
        let error = read(&format!("one\n{long}")).unwrap_err();
        assert_eq!(error.to_string(), "Line 2: This is too long: at most 120 characters.");
    }

    #[test]
    fn ticks_stay_with_their_words() {
        let name = |text: &str| Name::parse(text).unwrap();
        let tick = Tick { by: "Grace".to_owned(), at: Instant::default() };
        let old = vec![
            CheckLine { text: name("a"), tick: Some(tick.clone()) },
            CheckLine { text: name("b"), tick: Some(tick.clone()) },
        ];
        let new = renewed(&old, vec![name("c"), name("a")]);
        assert_eq!(new, [CheckLine { text: name("c"), tick: None }, CheckLine { text: name("a"), tick: Some(tick) }]);
    }
}

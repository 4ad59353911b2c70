//! Text a person types: parsed once at the edge, trusted afterwards.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is refused, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("This must not be empty.")]
    Empty,
    /// More characters than fit.
    #[error("This is too long: at most {max} characters.")]
    TooLong {
        /// Characters allowed.
        max: usize,
    },
    /// Line breaks or other control characters.
    #[error("This contains a line break or another control character.")]
    Control,
    /// Not usable in an address.
    #[error("Use only small letters a to z, digits and single hyphens.")]
    Slug,
}

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// One line of at most 120 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Characters allowed.
    pub const MAX: usize = 120;

    /// Trims and checks.
    ///
    /// # Errors
    /// Empty, too long, or with control characters.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().count() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        if text.chars().any(is_control) {
            return Err(TextError::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The nearest name to what another program calls something: shortened, without control characters; `otherwise`
    /// where nothing is left of it.
    #[must_use]
    pub fn nearest(text: &str, otherwise: &str) -> Self {
        let flat: String = text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect();
        let mut flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
        if flat.chars().count() > Self::MAX {
            flat = flat.chars().take(Self::MAX - 1).chain(['…']).collect();
        }
        Self(if flat.is_empty() { otherwise.to_owned() } else { flat })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What must be unique: the same words in any case and spacing are the same name.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    }
}

/// One line that may be empty, trimmed.
///
/// # Errors
/// Longer than `max` characters, or with control characters.
pub fn optional_line(text: &str, max: usize) -> Result<String, TextError> {
    let text = text.trim();
    if text.chars().count() > max {
        return Err(TextError::TooLong { max });
    }
    if text.chars().any(is_control) {
        return Err(TextError::Control);
    }
    Ok(text.to_owned())
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// A part of an address: `[a-z0-9]` and single inner hyphens, at most 80.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// Characters allowed.
    pub const MAX: usize = 80;

    /// Checks.
    ///
    /// # Errors
    /// Empty, too long, or with other characters.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        let fits = text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        if fits { Ok(Self(text.to_owned())) } else { Err(TextError::Slug) }
    }

    /// The nearest slug to a name; `component` where nothing of it is usable.
    #[must_use]
    pub fn from_name(name: &Name) -> Self {
        let mut slug = String::new();
        for c in name.as_str().to_lowercase().chars() {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(Self::MAX);
        let slug = slug.trim_end_matches('-');
        Self(if slug.is_empty() { "component".to_owned() } else { slug.to_owned() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

/// Why somebody did something out of the ordinary: lines for colleagues, never empty, at most 1,000
/// characters, no other control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Why(String);

impl Why {
    /// Characters allowed.
    pub const MAX: usize = 1_000;

    /// Trims, makes line ends `\n` and checks.
    ///
    /// # Errors
    /// Empty, too long, or with control characters other than line end and tab.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = Prose::parse(text.trim())?.0;
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().count() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Why {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Why> for String {
    fn from(why: Why) -> Self {
        why.0
    }
}

/// Markdown written for customers: lines, at most 20,000 characters, no other control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prose(String);

impl Prose {
    /// Characters allowed.
    pub const MAX: usize = 20_000;

    /// Trims the end, makes line ends `\n` and checks. May be empty.
    ///
    /// # Errors
    /// Too long, or with control characters other than line end and tab.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_end();
        if text.chars().count() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(TextError::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Prose {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Prose> for String {
    fn from(prose: Prose) -> Self {
        prose.0
    }
}

/// "A", "A and B", "A, B and C".
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

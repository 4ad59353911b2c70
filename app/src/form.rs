//! What HTML forms send, and how it comes back beside the fields when something is wrong.

use crate::view::ProblemView;
use service::{Error, FieldError};

/// What buttons send by themselves.
const CARRIED: [&str; 5] = ["do", "version", "lines", "end", "key"];

/// The fields of a posted form, in order; a name may come more than once.
#[derive(Clone, Debug, Default)]
pub struct FormData(Vec<(String, String)>);

impl FormData {
    /// From `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// From names and values that came another way.
    #[must_use]
    pub const fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The same with one value of a field instead of all that it had.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The first value of a field, empty where it was not sent.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    /// The names of all fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The fields whose names begin so, with the rest of the name.
    pub fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(n, v)| Some((n.strip_prefix(prefix)?, v.as_str())))
    }

    /// Puts a value in the place of all that were sent for a field.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Takes out all values of a field.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Whether only a button was pressed: nothing was typed that could get lost.
    #[must_use]
    pub fn is_press(&self) -> bool {
        self.0.iter().all(|(name, value)| value.is_empty() || CARRIED.contains(&name.as_str()))
    }

    /// Whether a field was sent at all: a ticked box, a pressed button.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
}

/// A form that came back: what was typed is kept, with what is wrong beside it.
#[derive(Clone, Debug, Default)]
pub struct Submitted {
    /// What was typed; none when the page is shown for the first time.
    pub data: Option<FormData>,
    /// What is wrong, by field.
    pub errors: Vec<FieldError>,
    /// What is wrong with the whole.
    pub message: Option<String>,
    /// Somebody else saved it meanwhile: what is stored now stands beside what was typed.
    pub stale: bool,
    /// Seconds to wait before it is worth sending again.
    pub retry_after_s: Option<i64>,
    /// A secret that was just made and is shown this once: a token, a link.
    pub secret: Option<String>,
    /// What was done, where the page is shown again after it.
    pub done: Option<String>,
    /// The gate's answer, where it refused.
    pub verdict: Option<Box<domain::gate::Verdict>>,
    /// The mail that the form would send, where somebody wants to see it first.
    pub specimen: Option<Box<service::maintenance::Specimen>>,
}

impl Submitted {
    /// The form with the error that stands against it.
    #[must_use]
    pub fn refused(data: FormData, error: Error) -> Self {
        let mut back = Self { data: Some(data), ..Self::default() };
        match error {
            Error::Invalid(errors) => back.errors = errors,
            Error::Refused { message, verdict, .. } => {
                back.message = Some(message);
                back.verdict = verdict;
            }
            Error::Conflicts { message, asks_why, .. } => {
                if asks_why {
                    let text = "Say why the work goes ahead all the same. Colleagues read it.".to_owned();
                    back.errors.push(FieldError { field: "conflicts_why", message: text });
                }
                back.message = Some(message);
            }
            other => {
                back.stale = matches!(other, Error::Stale(_));
                let and_now = match back.stale {
                    true if back.is_press() => {
                        " Nothing was done: this is how it stands now. Press again to do it all the same."
                    }
                    true => " Saving again replaces what they saved.",
                    false if matches!(other, Error::Unavailable { .. }) => {
                        " Nothing was saved. Send it again in a moment."
                    }
                    false => "",
                };
                back.message = Some(sentence(&other.to_string()) + and_now);
                if let Error::TooMany { retry_after_s } = other {
                    back.retry_after_s = Some(retry_after_s);
                }
            }
        }
        back
    }

    /// It came from a button by which nothing was typed: see [`FormData::is_press`].
    #[must_use]
    pub fn is_press(&self) -> bool {
        self.data.as_ref().is_some_and(FormData::is_press)
    }

    /// One line per wrong field, for the summary on top of the form.
    #[must_use]
    pub fn problems(&self) -> Vec<ProblemView> {
        let line = |e: &FieldError| {
            let mut label = e.field.replace('_', " ");
            if let Some(first) = label.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            ProblemView { field: e.field.to_owned(), text: format!("{label}: {}", e.message) }
        };
        self.errors.iter().map(line).collect()
    }

    /// It was done; the page that follows says so.
    #[must_use]
    pub fn done(message: impl Into<String>) -> Self {
        Self { done: Some(message.into()), ..Self::default() }
    }

    /// What was typed, or the stored value when the form is shown for the first time.
    #[must_use]
    pub fn value(&self, name: &str, stored: impl Into<String>) -> String {
        self.data.as_ref().map_or_else(|| stored.into(), |data| data.get(name).to_owned())
    }

    /// What the page was made from, as a hidden field carries it: a version, a count. A form that comes back keeps its
    /// own, so that what others save meanwhile is still noticed; one that was told of it goes on from what is stored.
    #[must_use]
    pub fn made_from(&self, name: &str, stored: impl ToString) -> String {
        let kept = self.data.as_ref().filter(|_| !self.stale).map(|data| data.get(name));
        kept.filter(|kept| !kept.is_empty()).map_or_else(|| stored.to_string(), ToOwned::to_owned)
    }

    /// Whether a box is ticked.
    #[must_use]
    pub fn ticked(&self, name: &str, stored: bool) -> bool {
        self.data.as_ref().map_or(stored, |data| data.has(name))
    }

    /// Whether one of several boxes or options with the same name is chosen.
    #[must_use]
    pub fn chosen(&self, name: &str, value: &str, stored: bool) -> bool {
        self.data.as_ref().map_or(stored, |data| data.all(name).any(|v| v == value))
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, name: &str) -> Option<String> {
        let texts: Vec<&str> = self.errors.iter().filter(|e| e.field == name).map(|e| e.message.as_str()).collect();
        if texts.is_empty() { None } else { Some(texts.join(" ")) }
    }
}

/// Percent-encodes one query value.
#[must_use]
pub fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

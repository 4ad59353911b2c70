//! Texts to begin messages with, and the placeholders in them.
//!
//! Placeholders are resolved as late as possible, so that a message stays true: the time, the duration and the
//! components when the text is shown or mailed, in the reader's zone, from the window as it is then; they follow a
//! reschedule by themselves. What an update said about time stays what it was when it was posted. Two are resolved when
//! the text is saved: `{{reason}}`, which belongs to that moment, and `{{components}}` in a title, because the subject of
//! a thread of mails must not change.
//!
//! A value is a text, never Markdown: nothing in the name of a component can become a link or a heading. A backslash in
//! front shows a placeholder as it stands, as Markdown itself would: `\{{start}}`.

use crate::ids::TemplateId;
use crate::text::{Name, Prose};
use crate::time::{Instant, Span, ZoneRules, format_instant, format_range};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use thiserror::Error;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// Names of what is touched.
    Components,
    /// The window's title.
    Title,
    /// Start and end.
    When,
    /// Start.
    Start,
    /// End.
    End,
    /// Length.
    Duration,
    /// Its page.
    Link,
    /// What was typed as the reason.
    Reason,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Components, Self::Title, Self::When, Self::Start, Self::End, Self::Duration, Self::Link, Self::Reason];

    /// Between the braces: `start`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::Title => "title",
            Self::When => "when",
            Self::Start => "start",
            Self::End => "end",
            Self::Duration => "duration",
            Self::Link => "link",
            Self::Reason => "reason",
        }
    }

    /// What a reader sees in its place, in words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Components => "the components it touches: Cluster 11 and Cluster 12",
            Self::Title => "the window's title",
            Self::When => "start and end in the reader's zone: Thu 15 May 2014, 20:00–22:00 IST (UTC+1)",
            Self::Start => "the start in the reader's zone",
            Self::End => "the end in the reader's zone",
            Self::Duration => "how long it takes: 2 hours",
            Self::Link => "the address of the window's page",
            Self::Reason => "what you type as the reason when you use the text",
        }
    }

    /// `{{start}}`
    #[must_use]
    pub fn written(self) -> String {
        format!("{{{{{}}}}}", self.name())
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

/// All of them in one line, for people.
#[must_use]
pub fn known() -> String {
    Placeholder::ALL.map(Placeholder::written).join(", ")
}

/// Why a text with placeholders is refused, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// Nothing is known by this name.
    #[error(
        "There is no placeholder {{{{{name}}}}}. There are {}. Write \\{{{{{name}}}}} to show it as it stands.",
        known()
    )]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// A title is fixed before most of it is known.
    #[error("A title can hold {{{{components}}}} and no other placeholder.")]
    NotInTitle,
    /// An incident has no window whose facts they would be.
    #[error("The text of an incident can hold {{{{components}}}} and no other placeholder.")]
    NotInIncident,
    /// What it stands for was not said.
    #[error("Say the reason: the text has {{{{reason}}}} in it.")]
    NoReason,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Known(Placeholder, &'a str),
    Unknown(&'a str, &'a str),
}

/// Longest name looked for.
const NAME: usize = 40;

/// The name at the start of what follows two braces, and what comes after it.
fn name_in(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once("}}")?;
    let name = name.trim();
    let fits = !name.is_empty() && name.len() <= NAME;
    (fits && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))).then_some((name, rest))
}

/// The parts of a text, in order; put together they are the text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let here = text.get(at..).unwrap_or_default();
        if c == '\\' {
            at += 1 + here.chars().nth(1).map_or(0, char::len_utf8);
        } else if let Some((name, rest)) = here.strip_prefix("{{").and_then(name_in) {
            let end = text.len() - rest.len();
            found.extend(text.get(plain..at).filter(|text| !text.is_empty()).map(Piece::Text));
            let written = text.get(at..end).unwrap_or_default();
            found.push(match Placeholder::named(name) {
                Some(known) => Piece::Known(known, written),
                None => Piece::Unknown(name, written),
            });
            (plain, at) = (end, end);
        } else {
            at += c.len_utf8();
        }
    }
    found.extend(text.get(plain..).filter(|text| !text.is_empty()).map(Piece::Text));
    found
}

fn replaced<'a>(text: &'a str, value: impl Fn(Placeholder) -> Option<Cow<'a, str>>) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Unknown(_, text) => Cow::Borrowed(text),
            Piece::Known(known, written) => value(known).unwrap_or(Cow::Borrowed(written)),
        })
        .collect()
}

fn names(text: &str, known: Placeholder) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Known(found, _) if *found == known))
}

/// Refuses what nothing is known of.
///
/// # Errors
/// The first unknown placeholder.
pub fn check(text: &str) -> Result<(), TemplateError> {
    match pieces(text).into_iter().find_map(|piece| if let Piece::Unknown(name, _) = piece { Some(name) } else { None })
    {
        Some(name) => Err(TemplateError::Unknown { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// As [`check`], for a title: only the components can stand in one.
///
/// # Errors
/// An unknown placeholder, or another one.
pub fn check_title(title: &str) -> Result<(), TemplateError> {
    check(title)?;
    let mut others = Placeholder::ALL.into_iter().filter(|known| *known != Placeholder::Components);
    if others.any(|known| names(title, known)) { Err(TemplateError::NotInTitle) } else { Ok(()) }
}

/// As [`check`], for what is said of an incident: only the components can stand in it.
///
/// # Errors
/// An unknown placeholder, or another one.
pub fn check_incident(text: &str) -> Result<(), TemplateError> {
    check_title(text).map_err(|error| match error {
        TemplateError::NotInTitle => TemplateError::NotInIncident,
        other => other,
    })
}

/// A text in Markdown that is about to be saved, with its components written out.
#[must_use]
pub fn with_names(text: &str, components: &[String]) -> String {
    let names = escaped(&listed(components));
    replaced(text, |known| (known == Placeholder::Components).then(|| Cow::Owned(names.clone())))
}

/// A text that is about to be saved, with its reason written out.
///
/// # Errors
/// An unknown placeholder; or the reason is asked for and was not said.
pub fn with_reason(text: &str, reason: &str) -> Result<String, TemplateError> {
    check(text)?;
    if !names(text, Placeholder::Reason) {
        return Ok(text.to_owned());
    }
    let reason = escaped(reason);
    if reason.is_empty() {
        return Err(TemplateError::NoReason);
    }
    Ok(replaced(text, |known| (known == Placeholder::Reason).then(|| Cow::Owned(reason.clone()))))
}

/// A title that is about to be saved, with its components written out.
#[must_use]
pub fn with_components(title: &str, components: &[String]) -> String {
    replaced(title, |known| (known == Placeholder::Components).then(|| Cow::Owned(listed(components))))
}

/// The same for a text: what a component is called is never Markdown there.
#[must_use]
pub fn prose_with_components(text: &str, components: &[String]) -> String {
    let names = escaped(&listed(components));
    replaced(text, |known| (known == Placeholder::Components).then(|| Cow::Owned(names.clone())))
}

/// "Cluster 11, Cluster 12 and DNS"; work that touches nothing customers know by name touches "our services".
fn listed(components: &[String]) -> String {
    let flat: Vec<String> = components.iter().map(|name| one_line(name)).filter(|name| !name.is_empty()).collect();
    match flat.as_slice() {
        [] => "our services".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// White space and control characters become single spaces.
fn one_line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text that Markdown shows as it is, wherever it stands (CommonMark: any ASCII punctuation may be escaped).
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in one_line(text).chars() {
        if c.is_ascii_punctuation() {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// What placeholders stand for in one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Names of what is touched, most important first.
    pub components: &'a [String],
    /// The window's title.
    pub title: &'a str,
    /// Its start.
    pub starts_at: Instant,
    /// Its end.
    pub ends_at: Instant,
    /// The address of its page.
    pub link: &'a str,
}

impl Facts<'_> {
    /// The Markdown with its placeholders resolved for a reader in `zone`. What is unknown stays as it was written.
    #[must_use]
    pub fn fill(&self, rules: &dyn ZoneRules, zone: &str, text: &str) -> String {
        replaced(text, |known| {
            let value = match known {
                Placeholder::Components => escaped(&listed(self.components)),
                Placeholder::Title => escaped(self.title),
                Placeholder::When => escaped(&format_range(rules, zone, self.starts_at, self.ends_at).main),
                Placeholder::Start => escaped(&format_instant(rules, zone, self.starts_at).main),
                Placeholder::End => escaped(&format_instant(rules, zone, self.ends_at).main),
                Placeholder::Duration => escaped(&Span::between(self.starts_at, self.ends_at).in_words()),
                Placeholder::Link => format!("<{}>", self.link),
                Placeholder::Reason => return None,
            };
            Some(Cow::Owned(value))
        })
    }
}

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateUse {
    /// To announce a window.
    Announce,
    /// News while work is ahead or being done.
    Progress,
    /// It takes longer.
    Extend,
    /// It is done.
    Finish,
    /// It is called off.
    Cancel,
    /// To report an incident.
    Incident,
    /// News of an incident.
    IncidentUpdate,
}

/// A use that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose announce, progress, extend, finish, cancel, incident or incident_update.")]
pub struct UnknownUse;

impl TemplateUse {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Announce,
        Self::Progress,
        Self::Extend,
        Self::Finish,
        Self::Cancel,
        Self::Incident,
        Self::IncidentUpdate,
    ];

    /// Whether its text has a title of its own.
    #[must_use]
    pub const fn has_title(self) -> bool {
        matches!(self, Self::Announce | Self::Incident)
    }

    /// Whether its text speaks of an incident, not of a window.
    #[must_use]
    pub const fn is_of_incident(self) -> bool {
        matches!(self, Self::Incident | Self::IncidentUpdate)
    }

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::Progress => "progress",
            Self::Extend => "extend",
            Self::Finish => "finish",
            Self::Cancel => "cancel",
            Self::Incident => "incident",
            Self::IncidentUpdate => "incident_update",
        }
    }

    /// The use of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownUse> {
        Self::ALL.into_iter().find(|known| known.as_str() == text.trim()).ok_or(UnknownUse)
    }

    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Announce => "Announcing a window",
            Self::Progress => "Posting an update",
            Self::Extend => "It takes longer",
            Self::Finish => "The work is done",
            Self::Cancel => "Calling it off",
            Self::Incident => "Reporting an incident",
            Self::IncidentUpdate => "News of an incident",
        }
    }
}

/// A text to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTemplate {
    /// Identity.
    pub id: TemplateId,
    /// Unique among those in use.
    pub name: Name,
    /// What it is for.
    pub used_for: TemplateUse,
    /// One line; may be empty. Only for announcements and new incidents.
    pub title: String,
    /// Markdown with placeholders.
    pub body: Prose,
    /// Since when it is not offered any more.
    pub retired_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

impl MessageTemplate {
    /// The title of a message that begins with it: it takes the place of nothing, and of another template's.
    #[must_use]
    pub fn titled(&self, typed: &str, all: &[Self]) -> String {
        let is_own = typed.trim().is_empty() || all.iter().any(|one| is_same(&one.title, typed));
        if is_own && !self.title.is_empty() { self.title.clone() } else { typed.to_owned() }
    }

    /// The text of a message that begins with it: it takes the place of nothing, and of another template's text, and
    /// stands below what somebody has written.
    #[must_use]
    pub fn begun(&self, typed: &str, all: &[Self]) -> String {
        let body = self.body.as_str();
        if typed.trim().is_empty() || all.iter().any(|one| is_same(one.body.as_str(), typed)) {
            return body.to_owned();
        }
        format!("{}\n\n{body}", typed.trim_end())
    }
}

/// Browsers send line ends of their own.
fn is_same(one: &str, other: &str) -> bool {
    one.lines().map(str::trim_end).eq(other.trim().lines().map(str::trim_end))
}

/// A text that we bring: name, use, title, body.
pub type Example = (&'static str, TemplateUse, &'static str, &'static str);

/// Texts to start from.
pub const EXAMPLES: [Example; 10] = [
    (
        "Planned work with an interruption",
        TemplateUse::Announce,
        "Maintenance on {{components}}",
        "We are working on {{components}} from {{start}} to {{end}}.\n\nDuring these {{duration}} you may not be able to \
         reach the service. Your data is backed up before we begin, and you need to do nothing.\n\nWhere we stand, at any \
         time: {{link}}",
    ),
    (
        "Planned work without an interruption",
        TemplateUse::Announce,
        "Work on {{components}}, no interruption expected",
        "We are working on {{components}}: {{when}}.\n\nWe expect **no interruption**. Should you notice one all the same, \
         please tell us.",
    ),
    (
        "Replacing hardware",
        TemplateUse::Announce,
        "Replacing hardware behind {{components}}",
        "A part of the machines behind {{components}} is due for replacement. The work is planned for {{when}} and takes \
         up to {{duration}}.\n\n- Before it: a fresh backup is made and confirmed.\n- During it: {{components}} may be \
         away or slower.\n- After it: we check everything and write to you once more.",
    ),
    (
        "Halfway",
        TemplateUse::Progress,
        "",
        "The work on {{components}} is going as planned. We still expect to be done by {{end}}.",
    ),
    (
        "It takes longer",
        TemplateUse::Extend,
        "",
        "The work takes longer than we planned: {{reason}}. We now expect to be done by {{end}}. We are sorry for the \
         wait.",
    ),
    (
        "Done",
        TemplateUse::Finish,
        "",
        "The work is done, and we have checked that everything on {{components}} is back. Thank you for your patience.",
    ),
    (
        "Called off",
        TemplateUse::Cancel,
        "",
        "The maintenance planned for {{when}} will not take place: {{reason}}. We will announce a new date.",
    ),
    (
        "Something does not answer",
        TemplateUse::Incident,
        "{{components}} can not be reached",
        "{{components}} can not be reached at the moment. We are looking for the cause and write again within the hour, \
         or as soon as we know more.",
    ),
    (
        "Something is slow",
        TemplateUse::Incident,
        "{{components}} is slower than usual",
        "{{components}} answers slower than usual. Nothing is lost. We are looking for the cause.",
    ),
    (
        "Mended, being watched",
        TemplateUse::IncidentUpdate,
        "",
        "{{components}} works again. We keep watching it before we call this over.",
    ),
];

#[cfg(test)]
mod tests;

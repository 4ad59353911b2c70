//! The texts of mails: one plain, complete on its own, and one HTML, without remote content.

use std::borrow::Cow;

use askama::Template;

use super::{Letterhead, MailError, flatten, link};
use crate::markdown;

/// Both forms of one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// A span or an instant in words, twice: mails cannot ask the reader's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// In the subscriber's zone, with its name or offset: `Wed 2 Dec 2026, 03:00–06:00 CET (UTC+1)`.
    pub local: String,
    /// The same in UTC: `2 Dec 2026, 02:00–05:00 UTC`.
    pub utc: String,
}

impl Times {
    pub(super) fn flat(&self) -> Self {
        Self { local: flatten(&self.local), utc: flatten(&self.utc) }
    }
}

/// What happened to a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Announced for the first time.
    Scheduled,
    /// Announced before, and near now.
    Reminder {
        /// How far ahead: `3 days`.
        ahead: String,
    },
    /// Text or scope is different, the time is not.
    Changed,
    /// Moved to another time.
    Rescheduled {
        /// The time announced before.
        previous: Times,
    },
    /// Takes longer.
    Extended {
        /// The time announced before.
        previous: Times,
    },
    /// The start waits for a backup.
    Held,
    /// Not in its planned time; a new one follows.
    Postponed,
    /// Under way.
    Started,
    /// News about it.
    Update,
    /// Done.
    Completed,
    /// Will not take place.
    Cancelled,
}

/// A mail about a maintenance window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub change: Change,
    /// Title of the window.
    pub title: String,
    /// Its time as it stands; for [`Change::Completed`] the time it took, for [`Change::Postponed`] the one it missed.
    pub when: Times,
    /// Names of components, most important first.
    pub affected: Vec<String>,
    /// Proof of the backup in one sentence, as the page shows it.
    pub proof: Option<String>,
    /// What the operator wrote, in Markdown; may be empty.
    pub message: String,
    /// Page of the window.
    pub url: String,
    /// Calendar feed.
    pub calendar_url: Option<String>,
    /// Where this subscriber chooses what to receive.
    pub manage_url: Option<String>,
    /// Page with the button to leave.
    pub unsubscribe_url: Option<String>,
}

/// The double opt-in mail. It holds nothing that the one who asked could have chosen: with a field of theirs in it, the
/// form would be a way to send texts to strangers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Page with the button to confirm.
    pub url: String,
    /// When the link ends.
    pub until: Times,
}

/// Colours of a state, in the two themes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Ok,
    Degraded,
    Major,
    Work,
    Calm,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Major => "major",
            Self::Work => "work",
            Self::Calm => "calm",
        }
    }

    /// Ink and ground in the light theme, at least 4.5:1.
    pub(super) fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("#006d78", "#e3f4f5"),
            Self::Degraded => ("#7d5300", "#fbf0d9"),
            Self::Major => ("#b80054", "#fceef4"),
            Self::Work => ("#1f4de0", "#e5ebff"),
            Self::Calm => ("#565b66", "#efede7"),
        }
    }

    pub(super) fn style(self) -> String {
        let (ink, ground) = self.colors();
        format!("color:{ink};background:{ground}")
    }
}

/// The words for one change. Each state has a mark as well as a colour.
struct Words {
    label: &'static str,
    mark: &'static str,
    tone: Tone,
    sentence: Cow<'static, str>,
    when_label: &'static str,
    previous_label: &'static str,
}

fn words(change: &Change) -> Words {
    let words = |label, mark, tone, sentence: &'static str| Words {
        label,
        mark,
        tone,
        sentence: Cow::Borrowed(sentence),
        when_label: "When",
        previous_label: "Before",
    };
    match change {
        Change::Scheduled => words("Scheduled", "◷", Tone::Work, "We have planned maintenance."),
        Change::Reminder { ahead } => Words {
            sentence: Cow::Owned(format!("A reminder: this maintenance begins in {}.", flatten(ahead))),
            ..words("Reminder", "◷", Tone::Work, "")
        },
        Change::Changed => {
            words("Changed", "✎", Tone::Work, "The plan for this maintenance has changed. The time stays the same.")
        }
        Change::Rescheduled { .. } => Words {
            when_label: "New time",
            ..words("Rescheduled", "→", Tone::Degraded, "This maintenance has moved to another time.")
        },
        Change::Extended { .. } => Words {
            when_label: "New time",
            ..words("Extended", "⇥", Tone::Degraded, "The work takes longer than planned.")
        },
        Change::Held => Words {
            when_label: "Planned",
            ..words(
                "Delayed: waiting for a backup to be confirmed",
                "▲",
                Tone::Degraded,
                "The work has not begun. It waits until a fresh backup is confirmed, and then begins by itself.",
            )
        },
        Change::Postponed => Words {
            when_label: "Was planned",
            ..words(
                "Postponed",
                "▲",
                Tone::Degraded,
                "The work could not begin in its planned time, because the backup it depends on was not confirmed. \
                 We will write again with a new time.",
            )
        },
        Change::Started => words("In progress", "●", Tone::Work, "The work has begun."),
        Change::Update => words("Update", "✎", Tone::Work, "There is news about this maintenance."),
        Change::Completed => words("Completed", "✓", Tone::Ok, "The work is done."),
        Change::Cancelled => Words {
            when_label: "Was planned",
            ..words("Cancelled", "✕", Tone::Calm, "This maintenance will not take place.")
        },
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticeHtml<'a> {
    lang: &'a str,
    site: &'a str,
    words: &'a Words,
    title: &'a str,
    when: &'a Times,
    previous: Option<&'a Times>,
    affected: &'a str,
    proof: Option<&'a str>,
    message_html: &'a str,
    url: &'a str,
    calendar_url: Option<&'a str>,
    manage_url: Option<&'a str>,
    unsubscribe_url: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "notice.txt")]
struct NoticeText<'a> {
    site: &'a str,
    words: &'a Words,
    title: &'a str,
    when: &'a Times,
    previous: Option<&'a Times>,
    affected: &'a str,
    proof: Option<&'a str>,
    message_text: &'a str,
    url: &'a str,
    calendar_url: Option<&'a str>,
    manage_url: Option<&'a str>,
    unsubscribe_url: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "confirmation.html")]
struct ConfirmationHtml<'a> {
    lang: &'a str,
    site: &'a str,
    url: &'a str,
    until: &'a Times,
}

#[derive(Template)]
#[template(path = "confirmation.txt")]
struct ConfirmationText<'a> {
    site: &'a str,
    url: &'a str,
    until: &'a Times,
}

/// Writes the mail about a window.
///
/// # Errors
/// [`MailError::Link`] for an address that is not one of the web.
pub fn notice(letterhead: &Letterhead, notice: &Notice) -> Result<Body, MailError> {
    let words = words(&notice.change);
    let title = flatten(&notice.title);
    let when = notice.when.flat();
    let previous = match &notice.change {
        Change::Rescheduled { previous } | Change::Extended { previous } => Some(previous.flat()),
        _ => None,
    };
    let affected = notice.affected.iter().map(|name| flatten(name)).collect::<Vec<_>>().join(", ");
    let proof = notice.proof.as_deref().map(flatten);
    let url = link("page link", &notice.url)?;
    let calendar_url = optional_link("calendar link", notice.calendar_url.as_deref())?;
    let manage_url = optional_link("settings link", notice.manage_url.as_deref())?;
    let unsubscribe_url = optional_link("unsubscribe link", notice.unsubscribe_url.as_deref())?;
    let message_html = markdown::render(&notice.message);
    let message_text = markdown::to_text(&notice.message);
    let html = NoticeHtml {
        lang: &letterhead.lang,
        site: &letterhead.site,
        words: &words,
        title: &title,
        when: &when,
        previous: previous.as_ref(),
        affected: &affected,
        proof: proof.as_deref(),
        message_html: message_html.as_str().trim_end(),
        url,
        calendar_url,
        manage_url,
        unsubscribe_url,
    };
    let text = NoticeText {
        site: &letterhead.site,
        words: &words,
        title: &title,
        when: &when,
        previous: previous.as_ref(),
        affected: &affected,
        proof: proof.as_deref(),
        message_text: &message_text,
        url,
        calendar_url,
        manage_url,
        unsubscribe_url,
    };
    body(&text, &html)
}

/// Writes the double opt-in mail.
///
/// # Errors
/// [`MailError::Link`] for an address that is not one of the web.
pub fn confirmation(letterhead: &Letterhead, confirmation: &Confirmation) -> Result<Body, MailError> {
    let url = link("confirmation link", &confirmation.url)?;
    let until = confirmation.until.flat();
    let site = &letterhead.site;
    let html = ConfirmationHtml { lang: &letterhead.lang, site, url, until: &until };
    body(&ConfirmationText { site, url, until: &until }, &html)
}

pub(super) fn body(text: &impl Template, html: &impl Template) -> Result<Body, MailError> {
    let failed = |error: askama::Error| MailError::Build(error.to_string());
    let mut text = text.render().map_err(failed)?;
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(Body { text, html: html.render().map_err(failed)? })
}

pub(super) fn optional_link<'a>(field: &'static str, value: Option<&'a str>) -> Result<Option<&'a str>, MailError> {
    value.map(|value| link(field, value)).transpose()
}

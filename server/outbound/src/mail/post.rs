//! The mail about something published: an announcement, a post-mortem, a report.

use super::body::{Body, Tone, body, optional_link};
use super::{Letterhead, MailError, flatten, link};
use crate::markdown;
use askama::Template;

/// A mail about something published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostNotice {
    /// What it is: `Announcement`.
    pub label: String,
    /// Its title.
    pub title: String,
    /// One sentence that says why the reader gets it.
    pub lead: String,
    /// What it says, in Markdown; may be empty.
    pub message: String,
    /// Its page.
    pub url: String,
    /// Where this subscriber chooses what to receive.
    pub manage_url: Option<String>,
    /// Page with the button to leave.
    pub unsubscribe_url: Option<String>,
}

#[derive(Template)]
#[template(path = "post.html")]
struct Html<'a> {
    lang: &'a str,
    site: &'a str,
    tone: Tone,
    mark: &'a str,
    label: &'a str,
    title: &'a str,
    sentence: &'a str,
    message_html: &'a str,
    url: &'a str,
    manage_url: Option<&'a str>,
    unsubscribe_url: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "post.txt")]
struct Text<'a> {
    site: &'a str,
    label: &'a str,
    title: &'a str,
    sentence: &'a str,
    message_text: &'a str,
    url: &'a str,
    manage_url: Option<&'a str>,
    unsubscribe_url: Option<&'a str>,
}

/// Writes the mail about something published.
///
/// # Errors
/// [`MailError::Link`] for an address that is not one of the web.
pub fn post(letterhead: &Letterhead, notice: &PostNotice) -> Result<Body, MailError> {
    let (label, title, sentence) = (flatten(&notice.label), flatten(&notice.title), flatten(&notice.lead));
    let url = link("page link", &notice.url)?;
    let manage_url = optional_link("settings link", notice.manage_url.as_deref())?;
    let unsubscribe_url = optional_link("unsubscribe link", notice.unsubscribe_url.as_deref())?;
    let message_html = markdown::render(&notice.message);
    let message_text = markdown::to_text(&notice.message);
    let html = Html {
        lang: &letterhead.lang,
        site: &letterhead.site,
        tone: Tone::Calm,
        mark: "✎",
        label: &label,
        title: &title,
        sentence: &sentence,
        message_html: message_html.as_str().trim_end(),
        url,
        manage_url,
        unsubscribe_url,
    };
    let text = Text {
        site: &letterhead.site,
        label: &label,
        title: &title,
        sentence: &sentence,
        message_text: &message_text,
        url,
        manage_url,
        unsubscribe_url,
    };
    body(&text, &html)
}

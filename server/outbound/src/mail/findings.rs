//! The mail to the team: what the site should know before the next window.

use askama::Template;

use super::body::{Body, Tone, body};
use super::{Letterhead, MailError, Times, flatten, link};

/// A mail with findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingsNotice {
    /// `3 findings, 1 new`
    pub title: String,
    /// One or two sentences.
    pub intro: String,
    /// The most urgent first.
    pub items: Vec<FindingItem>,
    /// What is left out; may be empty.
    pub more: String,
    /// The page of all findings.
    pub url: String,
    /// The page on which the reader chooses.
    pub settings_url: String,
    /// The page on which one button ends these mails.
    pub stop_url: String,
}

/// One thing that needs somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingItem {
    /// It was not there in the mail before.
    pub is_new: bool,
    /// `Database without a dump: web-12 · database`
    pub title: String,
    /// The facts.
    pub detail: String,
    /// What to do about it; may be empty.
    pub advice: String,
    /// Since when it is so.
    pub since: Option<Times>,
    /// Where it is mended.
    pub url: String,
}

#[derive(Template)]
#[template(path = "findings.html")]
struct Html<'a> {
    lang: &'a str,
    site: &'a str,
    new_style: String,
    title: &'a str,
    intro: &'a str,
    items: &'a [FindingItem],
    more: &'a str,
    url: &'a str,
    settings_url: &'a str,
    stop_url: &'a str,
}

#[derive(Template)]
#[template(path = "findings.txt")]
struct Text<'a> {
    site: &'a str,
    title: &'a str,
    intro: &'a str,
    items: &'a [FindingItem],
    more: &'a str,
    url: &'a str,
    settings_url: &'a str,
    stop_url: &'a str,
}

/// Writes the mail to the team.
///
/// # Errors
/// [`MailError::Link`] for an address that is not one of the web.
pub fn findings(letterhead: &Letterhead, notice: &FindingsNotice) -> Result<Body, MailError> {
    let mut items = Vec::with_capacity(notice.items.len());
    for item in &notice.items {
        items.push(FindingItem {
            is_new: item.is_new,
            title: flatten(&item.title),
            detail: flatten(&item.detail),
            advice: flatten(&item.advice),
            since: item.since.as_ref().map(Times::flat),
            url: link("finding link", &item.url)?.to_owned(),
        });
    }
    let (title, intro, more) = (flatten(&notice.title), flatten(&notice.intro), flatten(&notice.more));
    let url = link("page link", &notice.url)?;
    let settings_url = link("settings link", &notice.settings_url)?;
    let stop_url = link("unsubscribe link", &notice.stop_url)?;
    let html = Html {
        lang: &letterhead.lang,
        site: &letterhead.site,
        new_style: Tone::Degraded.style(),
        title: &title,
        intro: &intro,
        items: &items,
        more: &more,
        url,
        settings_url,
        stop_url,
    };
    let text = Text {
        site: &letterhead.site,
        title: &title,
        intro: &intro,
        items: &items,
        more: &more,
        url,
        settings_url,
        stop_url,
    };
    body(&text, &html)
}

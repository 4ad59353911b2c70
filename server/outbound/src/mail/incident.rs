//! The mail about an incident.

use super::body::{Body, Tone, body, optional_link};
use super::{Letterhead, MailError, Times, flatten, link};
use crate::markdown;
use askama::Template;
use domain::incident::{IncidentState, Severity};

/// What a mail says of an incident, as its reader knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentNews {
    /// The first that readers hear of it.
    Opened,
    /// It goes on.
    Update,
    /// It is over.
    Resolved,
    /// It was over, and is not.
    Reopened,
}

/// How a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedComponent {
    /// Its name.
    pub name: String,
    /// In words.
    pub state: String,
}

/// A mail about an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentNotice {
    /// What it says.
    pub news: IncidentNews,
    /// Where the incident stands.
    pub state: IncidentState,
    /// How bad it is.
    pub severity: Severity,
    /// Its title.
    pub title: String,
    /// When the update was posted.
    pub at: Times,
    /// When the trouble began.
    pub since: Times,
    /// When it was over.
    pub ended: Option<Times>,
    /// How long it lasted, once it is over: `2 h 10 min`.
    pub lasted: String,
    /// How components are, most important first.
    pub affected: Vec<AffectedComponent>,
    /// What the operator wrote, in Markdown; may be empty.
    pub message: String,
    /// Page of the incident.
    pub url: String,
    /// Where this subscriber chooses what to receive.
    pub manage_url: Option<String>,
    /// Page with the button to leave.
    pub unsubscribe_url: Option<String>,
}

#[derive(Template)]
#[template(path = "incident.html")]
struct Html<'a> {
    lang: &'a str,
    site: &'a str,
    tone: Tone,
    mark: &'a str,
    label: &'a str,
    title: &'a str,
    sentence: &'a str,
    at: &'a Times,
    since: &'a Times,
    ended: Option<&'a Times>,
    lasted: &'a str,
    affected: &'a [AffectedComponent],
    message_html: &'a str,
    url: &'a str,
    manage_url: Option<&'a str>,
    unsubscribe_url: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "incident.txt")]
struct Text<'a> {
    site: &'a str,
    label: &'a str,
    title: &'a str,
    sentence: &'a str,
    at: &'a Times,
    since: &'a Times,
    ended: Option<&'a Times>,
    lasted: &'a str,
    affected: &'a [AffectedComponent],
    message_text: &'a str,
    url: &'a str,
    manage_url: Option<&'a str>,
    unsubscribe_url: Option<&'a str>,
}

fn label(notice: &IncidentNotice) -> String {
    let state = notice.state.public_text();
    match notice.news {
        IncidentNews::Opened => format!("New incident: {}", state.to_lowercase()),
        IncidentNews::Reopened => format!("Open again: {}", state.to_lowercase()),
        IncidentNews::Update | IncidentNews::Resolved => state.to_owned(),
    }
}

fn sentence(notice: &IncidentNotice) -> &'static str {
    match (notice.news, notice.state) {
        (_, IncidentState::Resolved) => "This incident is over.",
        (IncidentNews::Reopened, _) => "This incident was over and has come back.",
        (_, IncidentState::Identified) => "The cause is known, and we are working on it.",
        (_, IncidentState::Monitoring) => "It should work again. We are watching it.",
        _ => "Something does not work as it should. We are looking for the cause.",
    }
}

fn tone(notice: &IncidentNotice) -> (Tone, &'static str) {
    match (notice.state, notice.severity) {
        (IncidentState::Resolved, _) => (Tone::Ok, "✓"),
        (_, Severity::Major | Severity::Critical) => (Tone::Major, "✕"),
        (_, Severity::None | Severity::Minor) => (Tone::Degraded, "▲"),
    }
}

/// Writes the mail about an incident.
///
/// # Errors
/// [`MailError::Link`] for an address that is not one of the web.
pub fn incident(letterhead: &Letterhead, notice: &IncidentNotice) -> Result<Body, MailError> {
    let (label, title, lasted) = (label(notice), flatten(&notice.title), flatten(&notice.lasted));
    let (at, since, ended) = (notice.at.flat(), notice.since.flat(), notice.ended.as_ref().map(Times::flat));
    let component = |c: &AffectedComponent| AffectedComponent { name: flatten(&c.name), state: flatten(&c.state) };
    let affected: Vec<AffectedComponent> = notice.affected.iter().map(component).collect();
    let url = link("page link", &notice.url)?;
    let manage_url = optional_link("settings link", notice.manage_url.as_deref())?;
    let unsubscribe_url = optional_link("unsubscribe link", notice.unsubscribe_url.as_deref())?;
    let message_html = markdown::render(&notice.message);
    let message_text = markdown::to_text(&notice.message);
    let (tone, mark) = tone(notice);
    let html = Html {
        lang: &letterhead.lang,
        site: &letterhead.site,
        tone,
        mark,
        label: &label,
        title: &title,
        sentence: sentence(notice),
        at: &at,
        since: &since,
        ended: ended.as_ref(),
        lasted: &lasted,
        affected: &affected,
        message_html: message_html.as_str().trim_end(),
        url,
        manage_url,
        unsubscribe_url,
    };
    let text = Text {
        site: &letterhead.site,
        label: &label,
        title: &title,
        sentence: sentence(notice),
        at: &at,
        since: &since,
        ended: ended.as_ref(),
        lasted: &lasted,
        affected: &affected,
        message_text: &message_text,
        url,
        manage_url,
        unsubscribe_url,
    };
    body(&text, &html)
}

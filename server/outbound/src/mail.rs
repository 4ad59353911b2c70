//! Mails: what they say and the bytes that go out.
//!
//! [`notice`], [`incident`], [`post`] and [`confirmation`] write the bodies, [`compose`] puts headers around them and gives a [`Mail`] ready
//! for SMTP. The same input gives the same bytes, `Message-ID` and MIME boundaries included, so a repeated delivery is
//! recognisable as one. Everything is 7-bit, and nothing that a person typed can become a header.

mod address;
mod body;
mod findings;
mod incident;
mod post;

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::{
    Message,
    message::{
        Attachment, Body as EncodedBody, Mailbox, MultiPart, MultiPartBuilder, SinglePart,
        header::{ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};

pub use address::{AddressError, mask, parse_address};
pub use body::{Body, Change, Confirmation, Notice, Times, confirmation, notice};
pub use findings::{FindingItem, FindingsNotice, findings};
pub use incident::{AffectedComponent, IncidentNews, IncidentNotice, incident};
pub use lettre::Address;
pub use post::{PostNotice, post};

use crate::calendar::Method;

/// Longest line SMTP allows, without its CRLF (RFC 5321 §4.5.3.1.6).
const LINE_OCTETS: usize = 998;
const TITLE_CHARS: usize = 120;
/// What the calendar object is called where it is attached.
const CALENDAR_FILE: &str = "maintenance.ics";

/// Why a mail cannot be written. None of them goes away by trying again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// A value for a header holds a line end or another control character.
    #[error("{field} contains a control character")]
    Control {
        /// Which value.
        field: &'static str,
    },
    /// A required value is empty.
    #[error("{field} is empty")]
    Empty {
        /// Which value.
        field: &'static str,
    },
    /// A link is not an `http` or `https` address, or does not fit into a header.
    #[error("{field} is not a web address")]
    Link {
        /// Which value.
        field: &'static str,
    },
    /// A message id has characters other than letters, digits, `.`, `-` and `_`.
    #[error("{field} is not usable in a message id")]
    Id {
        /// Which value.
        field: &'static str,
    },
    /// A template or the builder failed, or a header is too long for one line.
    #[error("the mail cannot be built: {0}")]
    Build(String),
}

/// What all mails of one site have in common. Checked once, when the configuration is read.
#[derive(Clone, Debug)]
pub struct Letterhead {
    site: String,
    from: Mailbox,
    domain: String,
    lang: String,
}

impl Letterhead {
    /// Takes the site's name (`Acme Status`), the name and address in `From`, the host name that identifies this list
    /// and its message ids (`status.example.org`), and the language of the texts (`en`).
    ///
    /// # Errors
    /// [`MailError::Control`] or [`MailError::Empty`] with the value at fault, [`MailError::Id`] for the host name.
    pub fn new(site: &str, from_name: &str, from: Address, domain: &str, lang: &str) -> Result<Self, MailError> {
        let site = one_line("site name", site)?;
        let from_name = one_line("sender name", from_name)?;
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if domain.is_empty() || domain.len() > 253 || !domain.chars().all(valid) {
            return Err(MailError::Id { field: "host name" });
        }
        if lang.is_empty() || !lang.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(MailError::Empty { field: "language" });
        }
        Ok(Self {
            site,
            from: Mailbox::new(Some(from_name), from),
            domain: domain.to_ascii_lowercase(),
            lang: lang.to_owned(),
        })
    }

    /// The name of the site.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The address in `From`.
    #[must_use]
    pub fn from(&self) -> &Address {
        &self.from.email
    }

    /// Name and address as `From` shows them: `Acme Status <status@example.org>`.
    #[must_use]
    pub fn sender(&self) -> String {
        self.from.to_string()
    }

    /// The subject of all mails about one thing: it must not change, or Gmail opens a new thread. `title` is therefore
    /// the title at the first announcement; `reference` (`M-42`, `I-7`) tells those of equal title apart.
    #[must_use]
    pub fn subject(&self, title: &str, reference: Option<&str>) -> String {
        let title = flatten(title);
        let title = match title.char_indices().nth(TITLE_CHARS) {
            Some((end, _)) => format!("{}…", title[..end].trim_end()),
            None => title,
        };
        match reference {
            Some(reference) => format!("[{}] {title} ({})", self.site, flatten(reference)),
            None => format!("[{}] {title}", self.site),
        }
    }
}

/// How a recipient leaves with one click (RFC 8058).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Takes a POST of `List-Unsubscribe=One-Click`; a GET shows a page with a button.
    pub url: String,
    /// Address that takes a mail instead, where one is read.
    pub mailto: Option<Address>,
}

/// A calendar object that travels with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarPart {
    /// Must be the method in `ics`.
    pub method: Method,
    /// The object, as [`crate::calendar::message`] prints it.
    pub ics: String,
}

/// Everything one mail to one recipient is made of.
#[derive(Clone, Debug)]
pub struct MailContent {
    /// The one recipient.
    pub to: Address,
    /// Envelope sender, to which failures are reported; the `From` address if none.
    pub return_path: Option<Address>,
    /// See [`Letterhead::subject`].
    pub subject: String,
    /// Left part of the `Message-ID`, made of notification and delivery (`n1042.d77`): the same at each retry.
    pub message_id: String,
    /// Left part of the thread's root, made of what it is about and the subscriber (`mw-0192f3c4.s77`). No mail has this id.
    pub thread: Option<String>,
    /// When the notification was queued; the same at each retry.
    pub date: DateTime<Utc>,
    /// For everything but the confirmation mail.
    pub unsubscribe: Option<Unsubscribe>,
    /// The two texts.
    pub body: Body,
    /// Calendar object, if the recipient gets one. [`Method::Publish`] goes as an attachment, the others as a third
    /// alternative, which is where mail programs look for invitations.
    pub calendar: Option<CalendarPart>,
}

impl MailContent {
    /// The names of the files that go with it.
    #[must_use]
    pub fn attachments(&self) -> Vec<&'static str> {
        self.calendar.iter().map(|_| CALENDAR_FILE).collect()
    }
}

/// A finished mail with its envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Envelope sender.
    pub return_path: Address,
    /// Envelope recipient.
    pub to: Address,
    /// With angle brackets.
    pub message_id: String,
    /// Headers and body: ASCII, CRLF, lines of at most 998 octets.
    pub raw: Vec<u8>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let to = mask(&self.to);
        f.debug_struct("Mail").field("message_id", &self.message_id).field("to", &to).finish_non_exhaustive()
    }
}

/// Builds the mail.
///
/// # Errors
/// [`MailError`] when a value would break a header. Other recipients are not concerned: fail this one and go on.
pub fn compose(letterhead: &Letterhead, content: &MailContent) -> Result<Mail, MailError> {
    let subject = one_line("subject", &content.subject)?;
    let message_id = format!("<{}@{}>", id("message id", &content.message_id)?, letterhead.domain);
    let return_path = content.return_path.clone().unwrap_or_else(|| letterhead.from.email.clone());

    let seconds = u64::try_from(content.date.timestamp()).unwrap_or_default();
    let mut builder = Message::builder()
        .from(letterhead.from.clone())
        .to(Mailbox::new(None, content.to.clone()))
        .subject(subject)
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(message_id.clone()));
    if let Some(thread) = &content.thread {
        let root = format!("<{}@{}>", id("thread id", thread)?, letterhead.domain);
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    builder = builder.raw_header(header("List-Id", list_id(letterhead)));
    if let Some(unsubscribe) = &content.unsubscribe {
        let url = link("unsubscribe link", &unsubscribe.url)?;
        let value = match &unsubscribe.mailto {
            Some(address) => format!("<{url}>, <mailto:{address}?subject=unsubscribe>"),
            None => format!("<{url}>"),
        };
        builder = builder
            .raw_header(header("List-Unsubscribe", value))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    builder = builder
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(header("X-Auto-Response-Suppress", "All".to_owned()));

    let message =
        builder.multipart(parts(content, &message_id)?).map_err(|error| MailError::Build(error.to_string()))?;
    let raw = message.formatted();
    if !raw.is_ascii() {
        return Err(MailError::Build("not 7-bit".to_owned()));
    }
    if raw.split(|byte| *byte == b'\n').any(|line| line.len() > LINE_OCTETS + 1) {
        return Err(MailError::Build("a line is too long".to_owned()));
    }
    Ok(Mail { return_path, to: content.to.clone(), message_id, raw })
}

fn parts(content: &MailContent, message_id: &str) -> Result<MultiPart, MailError> {
    let boundary = Boundary::new(content, message_id);
    let mut alternative = boundary
        .apply(MultiPart::alternative(), "a")
        .singlepart(SinglePart::plain(content.body.text.clone()))
        .singlepart(SinglePart::html(content.body.html.clone()));
    let Some(calendar) = &content.calendar else {
        return Ok(alternative);
    };
    let content_type = ContentType::parse(calendar.method.content_type());
    let content_type = content_type.map_err(|error| MailError::Build(error.to_string()))?;
    let ics = EncodedBody::new_with_encoding(calendar.ics.clone().into_bytes(), ContentTransferEncoding::Base64);
    let ics = ics.map_err(|_| MailError::Build("calendar cannot be encoded".to_owned()))?;
    if calendar.method == Method::Publish {
        let attachment = Attachment::new(CALENDAR_FILE.to_owned()).body(ics, content_type);
        return Ok(boundary.apply(MultiPart::mixed(), "m").multipart(alternative).singlepart(attachment));
    }
    let invitation = SinglePart::builder()
        .header(content_type)
        .header(ContentDisposition::inline_with_name(CALENDAR_FILE))
        .body(ics);
    alternative = alternative.singlepart(invitation);
    Ok(alternative)
}

/// MIME boundaries made from what they separate: no part can contain them, and they are the same each time.
struct Boundary(String);

impl Boundary {
    fn new(content: &MailContent, message_id: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [message_id, &content.body.text, &content.body.html] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        Self(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    fn apply(&self, builder: MultiPartBuilder, suffix: &str) -> MultiPartBuilder {
        builder.boundary(format!("{}{suffix}", self.0))
    }
}

/// `Acme Status <status.example.org>` (RFC 2919); the name only where it needs no encoding.
fn list_id(letterhead: &Letterhead) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\'' | '&' | '+');
    if letterhead.site.chars().all(plain) {
        format!("{} <{}>", letterhead.site, letterhead.domain)
    } else {
        format!("<{}>", letterhead.domain)
    }
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Refuses control characters of both kinds and the two Unicode line separators. lettre encodes some of them and panics
/// on others.
///
/// # Errors
/// [`MailError::Control`], or [`MailError::Empty`] if nothing but white space is there.
pub fn one_line(field: &'static str, value: &str) -> Result<String, MailError> {
    if value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(MailError::Control { field });
    }
    let value = value.trim();
    if value.is_empty() {
        return Err(MailError::Empty { field });
    }
    Ok(value.to_owned())
}

fn id<'a>(field: &'static str, value: &'a str) -> Result<&'a str, MailError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if value.is_empty() || value.len() > 200 || !value.chars().all(valid) {
        return Err(MailError::Id { field });
    }
    Ok(value)
}

fn link<'a>(field: &'static str, value: &'a str) -> Result<&'a str, MailError> {
    let web = value.starts_with("https://") || value.starts_with("http://");
    let whole = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | '`');
    if !web || value.len() > 800 || !value.chars().all(whole) {
        return Err(MailError::Link { field });
    }
    Ok(value)
}

/// One line of any text: control characters become spaces.
fn flatten(value: &str) -> String {
    let spaced: String =
        value.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

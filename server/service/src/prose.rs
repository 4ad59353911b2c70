//! Messages as their readers get them: placeholders resolved for the reader's zone, then Markdown as it looks on pages,
//! with the same allow-list as in mails (SEC-6).

use crate::Services;
use domain::maintenance::{Maintenance, Update};
use domain::template::Facts;
use domain::time::Instant;

/// Markdown as HTML that is safe on our own pages.
#[must_use]
pub fn html(markdown: &str) -> String {
    outbound::markdown::render(markdown).into_string()
}

/// The beginning of Markdown as one line of plain text.
#[must_use]
pub fn beginning(markdown: &str, most: usize) -> String {
    let text = outbound::markdown::to_text(markdown);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

/// The first paragraph as HTML that is safe on our own pages, and whether there is more.
#[must_use]
pub fn first_paragraph(markdown: &str) -> (String, bool) {
    let text = markdown.trim_start();
    match text.split_once("\n\n") {
        Some((first, rest)) => (html(first), !rest.trim().is_empty()),
        None => (html(text), false),
    }
}

impl Services {
    /// A window's message in Markdown, with the time as it is now planned.
    #[must_use]
    pub fn message_for(&self, zone: &str, m: &Maintenance, affected: &[String]) -> String {
        let times = (m.planned.starts_at, m.planned.ends_at);
        self.filled(zone, m, affected, times, m.message.as_str())
    }

    /// What an update says in Markdown, with the time as it was planned when it was posted.
    #[must_use]
    pub fn update_for(&self, zone: &str, m: &Maintenance, affected: &[String], update: &Update) -> String {
        self.filled(zone, m, affected, (update.starts_at, update.ends_at), update.body.as_str())
    }

    fn filled(
        &self,
        zone: &str,
        m: &Maintenance,
        affected: &[String],
        (starts_at, ends_at): (Instant, Instant),
        text: &str,
    ) -> String {
        let (title, link) = (m.title.as_str(), self.maintenance_url(m));
        let facts = Facts { components: affected, title, starts_at, ends_at, link: &link };
        facts.fill(self.zones.as_ref(), zone, text)
    }
}

//! Markdown as it looks on pages: the same allow-list as in mails (SEC-6).

/// Markdown as HTML that is safe on our own pages.
#[must_use]
pub fn html(markdown: &str) -> String {
    outbound::markdown::render(markdown).into_string()
}

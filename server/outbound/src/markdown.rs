//! From what operators write to what people read.
//!
//! [`render`] is the only way to HTML: page, mail and feeds all use it, so there is one place to get it right. Two walls
//! stand behind each other: HTML typed into the Markdown becomes visible text, and what is left passes an allow-list
//! without images (they would tell a third party who reads), styles, classes or relative addresses.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

const TAGS: [&str; 22] = [
    "p",
    "br",
    "strong",
    "em",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "blockquote",
    "a",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
];
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener noreferrer"))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .strip_comments(true);
    builder
});

/// HTML that has passed the allow-list. It can only be made by [`render`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SafeHtml(String);

impl SafeHtml {
    /// The markup, to be put into a page without escaping.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The markup by value.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Renders Markdown (CommonMark with tables). Headings start at `h3`, below those of the page around them, and leave out
/// no level whatever the author left out; an image becomes a link to it.
#[must_use]
pub fn render(markdown: &str) -> SafeHtml {
    let mut markup = String::with_capacity(markdown.len() * 3 / 2);
    let mut above = Vec::new();
    html::push_html(&mut markup, events(markdown).map(|event| demote(event, &mut above)));
    SafeHtml(ALLOWED.clean(&markup).to_string())
}

/// Renders Markdown as plain text for mails and calendars: complete without the HTML, with addresses written out.
#[must_use]
pub fn to_text(markdown: &str) -> String {
    let mut text = Text::default();
    for event in events(markdown) {
        text.event(event);
    }
    text.finish()
}

/// Parser events with raw HTML as text and images as links.
fn events(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    let mut links = 0_u32;
    let mut images = Vec::new();
    Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(move |event| {
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::Start(Tag::Link { .. }) => {
                links += 1;
                event
            }
            Event::End(TagEnd::Link) => {
                links = links.saturating_sub(1);
                event
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let linked = links == 0;
                images.push(linked);
                if !linked {
                    return None;
                }
                links += 1;
                Event::Start(Tag::Link {
                    link_type: LinkType::Inline,
                    dest_url,
                    title: CowStr::Borrowed(""),
                    id: CowStr::Borrowed(""),
                })
            }
            Event::End(TagEnd::Image) => {
                if images.pop() != Some(true) {
                    return None;
                }
                links = links.saturating_sub(1);
                Event::End(TagEnd::Link)
            }
            other => other,
        })
    })
}

/// Moves a heading below those of the page. `above` are the levels of the headings it stands under, itself included.
fn demote<'a>(event: Event<'a>, above: &mut Vec<HeadingLevel>) -> Event<'a> {
    match event {
        Event::Start(Tag::Heading { level, .. }) => {
            above.retain(|other| *other < level);
            above.push(level);
            Event::Start(Tag::Heading { level: shown(above), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Heading(shown(above))),
        other => other,
    }
}

fn shown(above: &[HeadingLevel]) -> HeadingLevel {
    match above.len() {
        0 | 1 => HeadingLevel::H3,
        2 => HeadingLevel::H4,
        3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// The plain text so far.
#[derive(Default)]
struct Text {
    out: String,
    line: String,
    quotes: usize,
    lists: Vec<Option<u64>>,
    bullet: Option<String>,
    link: Option<(String, usize)>,
    code: bool,
    cells: usize,
}

impl Text {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) if self.code => {
                for line in text.lines() {
                    self.push("    ");
                    self.push(line);
                    self.end_line();
                }
            }
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::SoftBreak => self.push(" "),
            Event::HardBreak => self.end_line(),
            Event::Rule => {
                self.push("---");
                self.end_block();
            }
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::BlockQuote(_) => {
                self.end_line();
                self.quotes += 1;
            }
            Tag::CodeBlock(_) => {
                self.end_line();
                self.code = true;
            }
            Tag::List(first) => {
                self.end_line();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_line();
                self.bullet = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let bullet = format!("{number}. ");
                        *number += 1;
                        bullet
                    }
                    _ => "- ".to_owned(),
                });
            }
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.into_string(), self.line.len())),
            Tag::TableHead | Tag::TableRow => self.cells = 0,
            Tag::TableCell => {
                if self.cells > 0 {
                    self.push(" | ");
                }
                self.cells += 1;
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if !self.lists.is_empty() => self.end_line(),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Table => self.end_block(),
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                self.code = false;
                self.end_block();
            }
            TagEnd::List(_) => {
                self.end_line();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.end_block();
                }
            }
            TagEnd::Item => {
                self.end_line();
                self.bullet = None;
            }
            TagEnd::TableHead | TagEnd::TableRow => self.end_line(),
            TagEnd::Link => {
                if let Some((address, start)) = self.link.take() {
                    self.address(&address, start);
                }
            }
            _ => {}
        }
    }

    fn address(&mut self, address: &str, start: usize) {
        let shown = self.line.get(start..).unwrap_or_default();
        let bare = address.strip_prefix("mailto:").unwrap_or(address);
        let allowed = SCHEMES
            .iter()
            .any(|scheme| address.split_once(':').is_some_and(|(given, _)| given.eq_ignore_ascii_case(scheme)));
        if allowed && shown != bare && shown != address {
            let address = format!(" ({bare})");
            self.push(&address);
        }
    }

    fn push(&mut self, text: &str) {
        let visible = |c: &char| !c.is_control() || *c == '\t';
        self.line.extend(text.chars().map(|c| if c == '\n' { ' ' } else { c }).filter(visible));
    }

    fn end_line(&mut self) {
        if self.line.trim().is_empty() {
            self.line.clear();
            return;
        }
        for _ in 0..self.quotes {
            self.out.push_str("> ");
        }
        let depth = self.lists.len().saturating_sub(1);
        self.out.extend(std::iter::repeat_n("  ", depth));
        match self.bullet.take() {
            Some(bullet) => self.out.push_str(&bullet),
            None if !self.lists.is_empty() => self.out.push_str("  "),
            None => {}
        }
        self.out.push_str(self.line.trim_end());
        self.out.push('\n');
        self.line.clear();
    }

    fn end_block(&mut self) {
        self.end_line();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn finish(mut self) -> String {
        self.end_line();
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

#[cfg(test)]
mod tests;

//! The header in which a page tells the cache that it may be kept, and until when. It never leaves the server.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};

/// `x-fermata-cache: public; key=/?tz=UTC; until=<unix ms>`
pub const MARK: HeaderName = HeaderName::from_static("x-fermata-cache");

/// Says that a response holds only what everyone may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    key: Option<String>,
    until: Option<i64>,
}

impl Mark {
    /// Public until the next change.
    pub fn public() -> Self {
        Self::default()
    }

    /// The instant at which the page changes by itself: a window starts, a date rolls over.
    #[must_use]
    pub fn until(mut self, instant: Option<DateTime<Utc>>) -> Self {
        self.until = instant.map(|instant| instant.timestamp_millis());
        self
    }

    /// The path and query the page answers for, where that may differ from what was asked: a page that ignored a
    /// value it does not know says so by leaving it out here. It is then sent, but not kept under the other address.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The value of [`MARK`].
    pub fn header(&self) -> HeaderValue {
        let mut text = "public".to_owned();
        if let Some(key) = &self.key {
            text.push_str(&format!("; key={key}"));
        }
        if let Some(until) = self.until {
            text.push_str(&format!("; until={until}"));
        }
        // Not valid only if the key is no address; then the page is not kept.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("private"))
    }

    /// Takes the mark out of a response. Unreadable marks count as none: the page is sent, not kept.
    pub(super) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let value = headers.remove(MARK)?;
        let mut parts = value.to_str().ok()?.split(';').map(str::trim);
        if parts.next() != Some("public") {
            return None;
        }
        let mut mark = Self::public();
        for part in parts {
            match part.split_once('=')? {
                ("until", number) => mark.until = Some(number.parse().ok()?),
                ("key", key) => mark.key = Some(key.to_owned()),
                _ => return None,
            }
        }
        Some(mark)
    }

    pub(super) fn until_ms(&self) -> Option<i64> {
        self.until
    }

    pub(super) fn address(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn taken(value: &'static str) -> Option<Mark> {
        let mut headers = HeaderMap::new();
        headers.insert(MARK, HeaderValue::from_static(value));
        let mark = Mark::take(&mut headers);
        assert!(headers.is_empty(), "the mark never leaves the server");
        mark
    }

    #[test]
    fn what_is_written_is_read() {
        let instant = DateTime::from_timestamp_millis(1_796_176_800_123).unwrap();
        let mark = Mark::public().until(Some(instant)).key("/?tz=Asia/Tokyo");
        let header = mark.header();
        assert_eq!(header, "public; key=/?tz=Asia/Tokyo; until=1796176800123");
        let mut headers = HeaderMap::from_iter([(MARK, header)]);
        assert_eq!(Mark::take(&mut headers), Some(mark));
    }

    #[test]
    fn what_cannot_be_read_is_not_kept() {
        for value in ["private", "", "public; until=soon", "public; shared", "public; a=b"] {
            assert_eq!(taken(value), None, "{value}");
        }
        assert_eq!(taken("public"), Some(Mark::public()));
    }
}

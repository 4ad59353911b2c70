//! Which requests are for the cache, and which of them ask for the same page.

use std::borrow::Cow;
use std::sync::Arc;

use http::Uri;
use url::form_urlencoded;

/// Reads a query value: its one spelling, or `None` for a value the page would ignore.
type Canonical = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The public part of the site.
#[derive(Clone)]
pub struct Rules {
    public: fn(&str) -> bool,
    parameters: Vec<(&'static str, Canonical)>,
}

impl Rules {
    /// `public` says which paths hold only what everyone may see. Every page below it must be made from its address
    /// alone.
    pub fn new(public: fn(&str) -> bool) -> Self {
        Self { public, parameters: Vec::new() }
    }

    /// A query parameter that changes pages. All others are left out of the key, so that `?utm_source=…` finds the
    /// same page; values without a canonical spelling count as absent, so that nobody can fill the memory with them.
    #[must_use]
    pub fn parameter(
        mut self,
        name: &'static str,
        canonical: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.parameters.push((name, Arc::new(canonical)));
        self
    }

    /// Whether this path may be answered from the cache.
    pub fn is_public(&self, path: &str) -> bool {
        (self.public)(path)
    }

    /// Whether a page that says it answers for `address` is the page of `key`.
    pub(super) fn is_key_of(&self, key: &str, address: &str) -> bool {
        address.parse().is_ok_and(|uri| self.key(&uri) == key)
    }

    /// Path and canonical query: one page, one key. It is the address from which the page is rendered, too.
    pub(super) fn key<'a>(&self, uri: &'a Uri) -> Cow<'a, str> {
        let Some(query) = uri.query() else { return Cow::Borrowed(uri.path()) };
        let mut canonical = form_urlencoded::Serializer::new(String::new());
        for (name, spell) in &self.parameters {
            let value = form_urlencoded::parse(query.as_bytes())
                .filter(|(given, _)| given == name)
                .find_map(|(_, value)| spell(&value));
            if let Some(value) = value {
                canonical.append_pair(name, &value);
            }
        }
        let canonical = canonical.finish();
        if canonical.is_empty() { Cow::Borrowed(uri.path()) } else { Cow::Owned(format!("{}?{canonical}", uri.path())) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn zone(value: &str) -> Option<String> {
        ["Asia/Tokyo", "UTC"].into_iter().find(|known| known.eq_ignore_ascii_case(value)).map(str::to_owned)
    }

    fn rules() -> Rules {
        Rules::new(|path| !path.starts_with("/admin"))
            .parameter("tz", zone)
            .parameter("page", |page| page.parse::<u8>().ok().map(|page| page.to_string()))
    }

    #[test]
    fn the_same_page_has_one_key() {
        for (uri, key) in [
            ("/", "/"),
            ("/?", "/"),
            ("/?utm_source=mail&fbclid=x", "/"),
            ("/?tz=UTC", "/?tz=UTC"),
            ("/?tz=utc", "/?tz=UTC"),
            ("/?tz=Asia/Tokyo", "/?tz=Asia%2FTokyo"),
            ("/?tz=Asia%2FTokyo&x=1", "/?tz=Asia%2FTokyo"),
            ("/?tz=Mars/Olympus", "/"),
            ("/?tz=Mars&tz=UTC", "/?tz=UTC"),
            ("/?tz", "/"),
            ("/history?page=02&tz=UTC", "/history?tz=UTC&page=2"),
            ("/history?tz=UTC&page=2", "/history?tz=UTC&page=2"),
        ] {
            assert_eq!(rules().key(&uri.parse().unwrap()), key, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_the_key_of_itself(query in "[a-z0-9=&%+/]{0,40}") {
            let Ok(uri) = format!("/p?{query}&tz=utc").parse::<Uri>() else { return Ok(()) };
            let rules = rules();
            let key = rules.key(&uri).into_owned();
            let again: Uri = key.parse().unwrap();
            prop_assert_eq!(rules.key(&again), key);
        }
    }
}

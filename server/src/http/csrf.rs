//! Forms of other sites change nothing here (SEC-4). Nothing below this layer has to think of it.

use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::{HeaderMap, Method};

/// Where machines and mail providers post without a browser around them. None of these paths looks at a cookie.
const WITHOUT_BROWSER: [&str; 5] = ["/ping/", "/api/push/", "/api/v1/ingest/", "/unsubscribe/", "/team-mail/"];
/// For programs with a token, which a browser never sends by itself. Who sends neither a token nor a cookie is told to
/// send a token.
const WITH_TOKEN: &str = "/api/v1/";

/// What the origin should have been.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What the browser said, for the person who reads the error page.
    pub given: Option<String>,
}

/// Lets a request through unless it changes something and may come from another site.
///
/// # Errors
/// Neither `Sec-Fetch-Site` nor `Origin` says that one of our own pages sent it.
pub fn check(method: &Method, path: &str, headers: &HeaderMap, origin: &str) -> Result<(), Foreign> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE) {
        return Ok(());
    }
    if WITHOUT_BROWSER.iter().any(|prefix| path.starts_with(prefix)) {
        return Ok(());
    }
    if path.starts_with(WITH_TOKEN) && (has_bearer(headers) || !headers.contains_key(COOKIE)) {
        return Ok(());
    }
    if headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin" || site == "none") {
        return Ok(());
    }
    let given = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    if given.is_some_and(|given| given.eq_ignore_ascii_case(origin)) {
        return Ok(());
    }
    Err(Foreign { given: given.map(str::to_owned) })
}

fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer ")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const OURS: &str = "https://status.example.org";

    fn passes(method: Method, path: &str, pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check(&method, path, &headers, OURS).is_ok()
    }

    #[test]
    fn a_form_must_come_from_our_own_pages() {
        let cookie = ("cookie", "__Host-sid=x");
        for (pairs, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], false),
            (&[("origin", OURS)], true),
            (&[("origin", "https://STATUS.example.org")], true),
            (&[("origin", "http://status.example.org")], false),
            (&[("origin", "https://status.example.org:8443")], false),
            (&[("origin", "https://status.example.org.evil.example")], false),
            (&[("origin", "null")], false),
            (&[("authorization", "Bearer x")], false),
            (&[], false),
        ] {
            let pairs = [pairs, &[cookie]].concat();
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(passes(method, "/admin/maintenance", &pairs), ours, "{pairs:?}");
            }
        }
    }

    #[test]
    fn reading_is_free() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(passes(method, "/admin", &[("sec-fetch-site", "cross-site")]));
        }
    }

    #[test]
    fn machines_need_no_origin_where_no_cookie_counts() {
        assert!(passes(Method::POST, "/ping/0192f3c4", &[]));
        assert!(passes(Method::POST, "/unsubscribe/token", &[]));
        assert!(passes(Method::POST, "/team-mail/token", &[]));
        assert!(passes(Method::POST, "/api/v1/backup-runs", &[("authorization", "bearer fmt_1_x")]));
        assert!(!passes(Method::POST, "/api/v1/backup-runs", &[("cookie", "__Host-sid=x")]));
        assert!(!passes(
            Method::POST,
            "/api/v1/backup-runs",
            &[("authorization", "Basic x"), ("cookie", "__Host-sid=x")]
        ));
        assert!(passes(Method::POST, "/api/v1/backup-runs", &[]));
        assert!(!passes(Method::POST, "/pingpong", &[]));
    }
}

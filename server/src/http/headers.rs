//! Headers that every answer carries (SEC-7, SEC-8), whatever its status. What a handler has set itself stays.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cache::MARK;

/// For pages without a script: nothing runs, nothing is loaded from elsewhere, nobody frames us.
pub const NO_SCRIPTS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
     manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The same for public pages that follow along: by a file of ours, so that they stay the same bytes for everybody.
const LIVE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Addresses that open something; they must not reach another site as a referrer.
const WITH_SECRET: [&str; 9] = [
    "/subscriptions/",
    "/subscribe/confirm/",
    "/unsubscribe/",
    "/team-mail/",
    "/f/",
    "/setup/",
    "/password/",
    "/ping/",
    "/api/push/",
];

/// For pages with islands: our own module and its WebAssembly, by a nonce that is new for each answer.
pub fn scripts_with(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(NO_SCRIPTS)
}

/// The same for a page that shows a mail in a frame of its own: the frame has no address, so that its styles are
/// judged by the policy of the page around it. Scripts are kept out of it by its sandbox and by the nonce.
pub fn scripts_and_mail_with(nonce: &str) -> HeaderValue {
    let policy = scripts_with(nonce);
    let styles = policy
        .to_str()
        .map(|text| text.replace(&format!("style-src 'self' 'nonce-{nonce}'"), "style-src 'self' 'unsafe-inline'"));
    styles.ok().and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(NO_SCRIPTS)
}

/// Completes the headers of an answer.
pub fn complete(headers: &mut HeaderMap, path: &str, https: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(X_FRAME_OPTIONS, "DENY");
    default(
        REFERRER_POLICY,
        if WITH_SECRET.iter().any(|prefix| path.starts_with(prefix)) {
            "no-referrer"
        } else {
            "strict-origin-when-cross-origin"
        },
    );
    default(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if https {
        default(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    let policy = if app::routes::is_live(path) { LIVE } else { NO_SCRIPTS };
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    if !headers.contains_key(MARK) {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_handler_set_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        complete(&mut headers, "/badge/api.svg", true);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "sandbox");
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=60");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[test]
    fn a_secret_in_the_address_never_becomes_a_referrer() {
        let mut headers = HeaderMap::new();
        complete(&mut headers, "/subscriptions/abc", false);
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY), "says nothing over plain HTTP");
    }

    #[test]
    fn a_page_that_shows_a_mail_takes_its_styles_and_not_its_scripts() {
        let policy = scripts_and_mail_with("abc123");
        let text = policy.to_str().unwrap_or_default();
        assert!(text.contains("style-src 'self' 'unsafe-inline';"), "{text}");
        assert!(text.contains("script-src 'nonce-abc123' 'strict-dynamic'"), "{text}");
    }

    #[test]
    fn only_pages_that_follow_along_run_the_file_that_does() {
        for (path, scripts) in [
            ("/", true),
            ("/incidents/7", true),
            ("/maintenance/7", true),
            ("/history", false),
            ("/subscribe", false),
            ("/subscriptions/abc", false),
            ("/sign-in", false),
        ] {
            let mut headers = HeaderMap::new();
            complete(&mut headers, path, true);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap_or_default();
            assert_eq!(policy.contains("script-src 'self';"), scripts, "{path}");
            assert!(!policy.contains("unsafe"), "{path}");
        }
    }

    #[test]
    fn the_nonce_is_in_the_policy() {
        let policy = scripts_with("abc123");
        assert!(policy.to_str().is_ok_and(|text| text.contains("script-src 'nonce-abc123' 'strict-dynamic'")));
    }
}

//! What an error looks like when no page of the product can tell it: small, without scripts, without the database.
//! Machines get problem JSON (RFC 9457).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::problem::Problem;
use super::request_id::RequestId;

/// Who is to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person with a browser.
    Person,
    /// A program.
    Machine,
}

impl Reader {
    /// A program, if the address is for programs or it asks for JSON rather than for a page.
    pub fn of(path: &str, headers: &HeaderMap) -> Self {
        let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let for_programs = ["/api/", "/ping/", "/metrics", "/healthz", "/readyz"];
        if for_programs.iter().any(|prefix| path.starts_with(prefix))
            || (accepts.contains("json") && !accepts.contains("text/html"))
        {
            Self::Machine
        } else {
            Self::Person
        }
    }
}

/// An error as its reader can use it.
pub fn error_page(reader: Reader, status: StatusCode, detail: &str, id: &RequestId, stylesheet: &str) -> Response {
    if reader == Reader::Machine {
        return Problem::new(status, code(status), detail).with_reference(id.to_string()).into_response();
    }
    let mut response = Response::new(Body::from(html(status, title(status), detail, id, stylesheet)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// What a program can tell apart.
fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        413 => "too_large",
        414 => "uri_too_long",
        415 => "unsupported_media_type",
        503 => "unavailable",
        500.. => "internal",
        _ => "refused",
    }
}

fn html(status: StatusCode, title: &str, detail: &str, id: &RequestId, stylesheet: &str) -> String {
    let stylesheet = match stylesheet {
        "" => String::new(),
        address => format!("<link rel=\"stylesheet\" href=\"{}\">", escape(address)),
    };
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\">{stylesheet}<title>{title}</title></head>\
         <body><main class=\"sheet\"><h1>{title}</h1><p>{detail}</p>\
         <p class=\"actions\"><a class=\"btn is-primary\" href=\"/\">To the status page</a></p>\
         <p class=\"small muted mt\">Reference: <code>{id}</code> (error {code})</p></main></body></html>",
        title = escape(title),
        detail = escape(detail),
        code = status.as_u16(),
    )
}

/// In the reader's words, not in HTTP's.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "This request cannot be read",
        401 => "Sign in first",
        403 => "This is not allowed",
        404 => "There is nothing here",
        405 => "This address does not take that",
        408 => "The request took too long to arrive",
        413 => "This is too much at once",
        414 => "This address is too long",
        415 => "This kind of data is not taken here",
        429 => "Too many requests",
        503 => "This takes too long just now",
        500.. => "Something went wrong on our side",
        _ => "This did not work",
    }
}

/// What to say when nobody said anything.
pub fn usual_detail(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "The address may be mistyped, or what was here is gone.",
        413 => "Send less in one request.",
        415 => "Send a form, or JSON where the address is for programs.",
        429 => "Wait a moment and try again.",
        503 => "Try again in a moment. If it stays like this, tell us the reference below.",
        500.. => "It has been logged. If it happens again, tell us the reference below.",
        _ => "Go back and try again.",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn reader(path: &str, accept: &str) -> Reader {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Reader::of(path, &headers)
    }

    #[test]
    fn programs_get_json_and_people_get_a_page() {
        assert_eq!(reader("/", "text/html,application/xhtml+xml"), Reader::Person);
        assert_eq!(reader("/", "*/*"), Reader::Person);
        assert_eq!(reader("/", "application/json"), Reader::Machine);
        assert_eq!(reader("/api/v1/hosts", "text/html"), Reader::Machine);
        assert_eq!(reader("/ping/x", "*/*"), Reader::Machine);
    }

    #[test]
    fn nothing_typed_becomes_markup() {
        let id = RequestId::new();
        let page = html(StatusCode::FORBIDDEN, "t", "<script>alert(1)</script>", &id, "/a.css");
        assert!(!page.contains("<script>"));
        assert!(page.contains(&id.to_string()));
    }
}

//! Errors as machines read them: RFC 9457 problem details, the same shape everywhere.

mod wording;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::conflict::Conflict;
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use service::{Error, FieldError};

/// Seconds after which it is worth asking again while the database does not answer.
pub(crate) const AWAY_S: i64 = 5;

/// Why a request of a machine did not happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    /// What a program can tell apart: `invalid`, `gate_blocked`, `not_found`, …
    code: &'static str,
    errors: Vec<WrongField>,
    against: Option<Box<Against>>,
    /// Finds the cause in the log.
    reference: Option<String>,
    retry_after_s: Option<i64>,
}

/// What stands against it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Against {
    /// The gate's answer, where the gate refused.
    verdict: Option<Box<domain::gate::Verdict>>,
    /// Everything beside the gate.
    conflicts: Vec<Conflict>,
    /// The version that is stored now, where somebody was faster.
    version: Option<i64>,
}

/// The members of RFC 9457 §3.1, and ours.
#[derive(Serialize)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [WrongField],
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a domain::gate::Verdict>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    conflicts: &'a [Conflict],
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Members {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
            verdict: self.against.as_ref().and_then(|against| against.verdict.as_deref()),
            conflicts: self.against.as_ref().map_or(&[], |against| &against.conflicts),
            reference: self.reference.as_deref(),
            version: self.against.as_ref().and_then(|against| against.version),
        }
        .serialize(serializer)
    }
}

/// One wrong field of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct WrongField {
    field: String,
    message: String,
}

impl Problem {
    /// A problem of its own.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            code,
            errors: Vec::new(),
            against: None,
            reference: None,
            retry_after_s: None,
        }
    }

    /// With the version that is stored now.
    #[must_use]
    pub fn with_version(mut self, version: i64) -> Self {
        self.against.get_or_insert_default().version = Some(version);
        self
    }

    /// With the name under which the log speaks of it.
    #[must_use]
    pub fn with_reference(self, reference: impl Into<String>) -> Self {
        Self { reference: Some(reference.into()), ..self }
    }

    /// With everything that stands in the way of the work, beside the gate.
    #[must_use]
    pub fn with_conflicts(mut self, conflicts: Vec<Conflict>) -> Self {
        self.against.get_or_insert_default().conflicts = conflicts;
        self
    }

    /// Input that can not be used because of one field.
    #[must_use]
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let detail = at(&field, &message);
        Self {
            errors: vec![WrongField { field, message }],
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
        }
    }
}

/// What is wrong in one field, or in the whole where no field is named.
fn at(field: &str, message: &str) -> String {
    if field.is_empty() { message.to_owned() } else { format!("{field}: {message}") }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = crate::web::status(&error);
        let detail = error.to_string();
        match error {
            Error::Invalid(fields) => {
                let errors: Vec<WrongField> = fields
                    .into_iter()
                    .map(|FieldError { field, message }| WrongField { field: field.to_owned(), message })
                    .collect();
                let detail = errors.iter().map(|e| at(&e.field, &e.message)).collect::<Vec<_>>().join(" ");
                Self { errors, ..Self::new(status, "invalid", detail) }
            }
            Error::Refused { code, message, verdict } => {
                let against = verdict.map(|verdict| Against { verdict: Some(verdict), ..Against::default() });
                Self { against: against.map(Box::new), ..Self::new(status, code, message) }
            }
            Error::Conflicts { message, conflicts, asks_why } => {
                let code = if asks_why { "conflicts_need_a_reason" } else { "window_conflict" };
                Self::new(status, code, message).with_conflicts(conflicts)
            }
            Error::NotFound(_) => Self::new(status, "not_found", detail),
            Error::SignInNeeded => Self::new(
                status,
                "unauthorized",
                "Send a valid token as `Authorization: Bearer fmt_…`; administrators make them under Tokens.",
            ),
            Error::Forbidden(_) => Self::new(status, "forbidden", "The token's scopes do not allow this."),
            Error::Stale(stale) => {
                let problem = Self::new(status, "stale", detail);
                stale.version.into_iter().fold(problem, Self::with_version)
            }
            Error::Unavailable { reference } => {
                let detail = "The database does not answer just now. Nothing was written; send the same again.";
                let retry_after_s = Some(AWAY_S);
                Self { reference: Some(reference), retry_after_s, ..Self::new(status, "unavailable", detail) }
            }
            Error::Unknown { reference } => {
                let detail = "It is not known whether this was stored: the database went away at the last moment. \
                              Send it again with the same Idempotency-Key, or look first.";
                let retry_after_s = Some(AWAY_S);
                Self { reference: Some(reference), retry_after_s, ..Self::new(status, "unknown", detail) }
            }
            Error::TooMany { retry_after_s } => {
                Self { retry_after_s: Some(retry_after_s), ..Self::new(status, "too_many", detail) }
            }
            Error::Internal { reference } => Self {
                reference: Some(reference),
                ..Self::new(status, "internal", "Something went wrong on our side. Nothing was written.")
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON body; what does not parse is a problem that names the field.
#[derive(Clone, Debug)]
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map(|kind| kind.trim().to_ascii_lowercase())
            .is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
        if !is_json {
            let detail = "Send JSON with `Content-Type: application/json`.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(rejection.status()))?;
        parse(&body).map(Self)
    }
}

/// Reads JSON.
///
/// # Errors
/// 400 for what is no JSON, 422 with the field for what has another shape.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() { shape(&path, &error) } else { not_json(&error) }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// The same for a part of a document that was read already.
///
/// # Errors
/// 422 with the field for what has another shape.
pub fn parse_part<T: DeserializeOwned>(name: &str, value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let below = error.path().to_string();
        let path = match below.as_str() {
            "." => name.to_owned(),
            below if below.starts_with('[') => format!("{name}{below}"),
            below => format!("{name}.{below}"),
        };
        shape(&path, &error.into_inner())
    })
}

/// A value of another shape than is read here; `path` is "." for the whole.
fn shape(path: &str, error: &serde_json::Error) -> Problem {
    let wording::Wording { field, message } = wording::wording(&error.to_string());
    let place = match (path, field) {
        (".", field) => field.unwrap_or_default(),
        // Some parsers stand at the field itself, some at what it is in.
        (path, Some(field)) if path != field && !path.ends_with(&format!(".{field}")) => format!("{path}.{field}"),
        (path, _) => path.to_owned(),
    };
    Problem::field(place, message)
}

/// Where the text stops being JSON.
fn not_json(error: &serde_json::Error) -> Problem {
    let detail = match (error.line(), error.column(), error.is_eof()) {
        (1, 0, true) => "The body is empty. Send JSON.".to_owned(),
        (line, column, true) => format!("The body is not JSON: it ends too early, in line {line}, column {column}."),
        (line, column, false) => format!("The body is not JSON from line {line}, column {column} on."),
    };
    Problem::new(StatusCode::BAD_REQUEST, "not_json", detail)
}

/// A body that was not taken.
#[must_use]
pub fn unreadable(status: StatusCode) -> Problem {
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than this address takes. Send less at once.",
        _ => "The body can not be read: it broke off, or it is no text in UTF-8.",
    };
    Problem::new(status, "unreadable_body", detail)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape counts")]
    struct Run {
        job: String,
        times: Vec<i64>,
    }

    fn shown(problem: &Problem) -> serde_json::Value {
        serde_json::to_value(problem).unwrap()
    }

    #[test]
    fn the_wrong_field_is_named() {
        let problem = parse::<Run>(br#"{"job":"x","times":[1,"2"]}"#).unwrap_err();
        assert_eq!(problem.status, 422);
        assert_eq!(shown(&problem)["errors"][0]["field"], "times[1]");
        let missing = parse::<Run>(b"{\"job\":\"x\"}").unwrap_err();
        assert_eq!(missing.detail, "times: This is missing.");
        let deep = parse::<Vec<Run>>(b"[{\"job\":\"x\"}]").unwrap_err();
        assert_eq!(deep.detail, "[0].times: This is missing.");
        let part = parse_part::<Run>("run", json!({"job": "x", "times": [1, "2"]})).unwrap_err();
        assert_eq!(part.detail, "run.times[1]: Send a whole number, not a text.");
        assert_eq!(
            parse_part::<bool>("draft", json!("yes")).unwrap_err().detail,
            "draft: Send true or false, not a text."
        );
    }

    #[test]
    fn the_place_is_named_where_the_text_is_no_json() {
        for (text, detail) in [
            (&b""[..], "The body is empty. Send JSON."),
            (b"{", "The body is not JSON: it ends too early, in line 1, column 1."),
            (b"{} x", "The body is not JSON from line 1, column 4 on."),
            (b"{\n \"a\": oh}", "The body is not JSON from line 2, column 7 on."),
        ] {
            let problem = parse::<serde_json::Value>(text).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.detail.as_str()), (400, detail));
        }
        assert_eq!(parse::<serde_json::Value>(b"\xff").unwrap_err().status, 400);
    }

    #[test]
    fn all_wrong_fields_of_a_use_case_are_told() {
        let wrong = |field| FieldError { field, message: "This must not be empty.".to_owned() };
        let problem = Problem::from(Error::Invalid(vec![wrong("name"), wrong("zone")]));
        assert_eq!(
            shown(&problem),
            json!({
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "name: This must not be empty. zone: This must not be empty.",
                "code": "invalid",
                "errors": [
                    {"field": "name", "message": "This must not be empty."},
                    {"field": "zone", "message": "This must not be empty."},
                ],
            })
        );
    }

    #[test]
    fn a_refusal_says_what_a_program_may_do_about_it() {
        let late = Problem::from(Error::stale("report", 7));
        assert_eq!((&shown(&late)["code"], &shown(&late)["version"]), (&json!("stale"), &json!(7)));
        let away = Problem::from(Error::Unavailable { reference: "0815".to_owned() });
        assert_eq!(shown(&away)["reference"], "0815");
        let away = away.into_response();
        assert_eq!((away.status().as_u16(), away.headers()["retry-after"].to_str().unwrap()), (503, "5"));
        let unknown = Problem::from(Error::Unknown { reference: "0815".to_owned() });
        assert_eq!((&shown(&unknown)["code"], &shown(&unknown)["reference"]), (&json!("unknown"), &json!("0815")));
        assert!(!unknown.detail.contains("Nothing was written"), "{}", unknown.detail);
        let unknown = unknown.into_response();
        assert_eq!((unknown.status().as_u16(), unknown.headers()["retry-after"].to_str().unwrap()), (503, "5"));
        let wait = Problem::from(Error::TooMany { retry_after_s: 30 }).into_response();
        assert_eq!((wait.status().as_u16(), wait.headers()["retry-after"].to_str().unwrap()), (429, "30"));
        let who = Problem::from(Error::SignInNeeded).into_response();
        assert_eq!((who.status().as_u16(), who.headers()["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
        assert_eq!(who.headers()["content-type"], "application/problem+json");
        assert_eq!(shown(&Problem::from(Error::refused("in_use", "It is used.")))["code"], "in_use");
    }
}

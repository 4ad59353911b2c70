//! A name for each request: in the log, on error pages, in the answer's `x-request-id`.

use http::HeaderName;

/// Where the name travels. It is made here; what a client sends under this name is overwritten.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

//! A name for each request: in the log, on error pages, in the answer's `x-request-id`.

use std::fmt;

use http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// Where the name travels. It is made here; what a client sends under this name is overwritten, so that nobody can
/// write into our log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of one request: 12 characters, short enough to be read out on the telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 6]);

impl RequestId {
    /// A new one.
    pub fn new() -> Self {
        let random = Uuid::new_v4().into_bytes();
        Self([random[0], random[1], random[2], random[3], random[4], random[5]])
    }

    /// As a header.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static(""))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

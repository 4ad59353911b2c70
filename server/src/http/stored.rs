//! A response kept ready to send: one body per content coding, each with its whole header map, so that answering is
//! choosing and cloning. Used by the page cache and for the files of the browser side. Conditional requests follow
//! RFC 9110 §13, content codings §12.5.3.

use std::io::Write;
use std::time::SystemTime;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY,
};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use sha2::{Digest, Sha256};

/// Below this a coded body plus its header is not worth the bytes.
const SMALLEST_TO_COMPRESS: usize = 256;
/// 7 of 11: a page is compressed while people wait for it, and 9 takes five times as long for one percent.
const BROTLI_QUALITY: i32 = 7;
/// 512 KiB: no page is larger, and a larger window costs memory that is cleared for each page.
const BROTLI_WINDOW: i32 = 19;
/// 7 of 9: the best takes twice as long for two percent.
const GZIP_LEVEL: Compression = Compression::new(7);

/// A complete response in every coding we offer.
#[derive(Debug)]
pub struct Stored {
    identity: Variant,
    gzip: Option<Variant>,
    brotli: Option<Variant>,
    last_modified: Option<SystemTime>,
}

#[derive(Debug)]
struct Variant {
    body: Bytes,
    etag: HeaderValue,
    full: HeaderMap,
    not_modified: HeaderMap,
    /// Both heads as they stand on the wire, up to where the `Date` goes.
    full_head: Bytes,
    not_modified_head: Bytes,
}

/// The fields of a request, however they were read.
pub trait Fields {
    /// The values of one field, in order.
    fn all(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]>;
}

impl Fields for HeaderMap {
    fn all(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

/// The codings of one body. `None` where the coding would not make it smaller.
#[derive(Debug, Clone, Default)]
pub struct Coded {
    /// RFC 1952.
    pub gzip: Option<Bytes>,
    /// RFC 7932.
    pub brotli: Option<Bytes>,
}

impl Coded {
    /// Compresses with both codings. Takes milliseconds: not for a thread that serves requests.
    pub fn compress(headers: &HeaderMap, body: &Bytes) -> Self {
        if body.len() < SMALLEST_TO_COMPRESS || !is_text(headers) {
            return Self::default();
        }
        let smaller = |coded: Vec<u8>| (coded.len() < body.len()).then(|| Bytes::from(coded));
        Self { gzip: gzip(body).and_then(smaller), brotli: brotli(body).and_then(smaller) }
    }
}

impl Stored {
    /// Puts the parts together. `headers` are those of the identity response; what depends on the coding (`ETag`,
    /// `Content-Encoding`, `Content-Length`) is set here, and so is `Vary`.
    pub fn new(mut headers: HeaderMap, body: Bytes, coded: Coded) -> Self {
        headers.remove(CONTENT_ENCODING);
        if coded.gzip.is_some() || coded.brotli.is_some() {
            add_vary(&mut headers);
        }
        let hash = hex::encode(&Sha256::digest(&body)[..12]);
        let last_modified = headers
            .get(LAST_MODIFIED)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| httpdate::parse_http_date(value).ok());
        let variant = |body: Bytes, coding: Option<&'static str>| Variant::new(&headers, body, &hash, coding);
        Self {
            gzip: coded.gzip.map(|body| variant(body, Some("gzip"))),
            brotli: coded.brotli.map(|body| variant(body, Some("br"))),
            identity: variant(body, None),
            last_modified,
        }
    }

    /// What [`Self::respond`] sends over HTTP/1.1, ready for the wire: the head without its `Date` and the empty line
    /// that ends it, and the body.
    pub fn bytes(&self, is_head: bool, request: &impl Fields) -> (Bytes, Bytes) {
        let variant = self.choose(request);
        if self.is_current(variant, request) {
            (variant.not_modified_head.clone(), Bytes::new())
        } else if is_head {
            (variant.full_head.clone(), Bytes::new())
        } else {
            (variant.full_head.clone(), variant.body.clone())
        }
    }

    /// Answers a GET or HEAD: 200 or 304 in the coding the client likes best.
    pub fn respond(&self, method: &Method, request: &HeaderMap) -> Response<Full<Bytes>> {
        let variant = self.choose(request);
        let (status, headers, body) = if self.is_current(variant, request) {
            (StatusCode::NOT_MODIFIED, variant.not_modified.clone(), Bytes::new())
        } else if method == Method::HEAD {
            (StatusCode::OK, variant.full.clone(), Bytes::new())
        } else {
            (StatusCode::OK, variant.full.clone(), variant.body.clone())
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Bytes this response holds in memory, headers estimated.
    pub fn size(&self) -> usize {
        [Some(&self.identity), self.gzip.as_ref(), self.brotli.as_ref()]
            .into_iter()
            .flatten()
            .map(|variant| variant.body.len() + variant.full_head.len() * 2 + 2048)
            .sum()
    }

    fn choose(&self, request: &impl Fields) -> &Variant {
        let accepted = Accepted::read(request);
        let coded = match (&self.brotli, &self.gzip) {
            (Some(brotli), Some(gzip)) => {
                if accepted.brotli >= accepted.gzip {
                    Some((brotli, accepted.brotli))
                } else {
                    Some((gzip, accepted.gzip))
                }
            }
            (Some(brotli), None) => Some((brotli, accepted.brotli)),
            (None, Some(gzip)) => Some((gzip, accepted.gzip)),
            (None, None) => None,
        };
        match coded {
            Some((variant, weight)) if weight > 0 && weight >= accepted.identity => variant,
            _ => &self.identity,
        }
    }

    /// `If-None-Match` decides alone when it is there; a date we cannot read counts as absent.
    fn is_current(&self, variant: &Variant, request: &impl Fields) -> bool {
        let mut tags = request.all(&IF_NONE_MATCH).peekable();
        if tags.peek().is_some() {
            return tags.any(|value| names_tag(value, variant.etag.as_bytes()));
        }
        let since = request
            .all(&IF_MODIFIED_SINCE)
            .next()
            .and_then(|value| std::str::from_utf8(value).ok())
            .and_then(|value| httpdate::parse_http_date(value).ok());
        matches!((since, self.last_modified), (Some(since), Some(modified)) if modified <= since)
    }
}

impl Variant {
    fn new(base: &HeaderMap, body: Bytes, hash: &str, coding: Option<&'static str>) -> Self {
        let mut tag = String::with_capacity(hash.len() + 8);
        tag.push('"');
        tag.push_str(hash);
        if let Some(coding) = coding {
            tag.push('-');
            tag.push_str(coding);
        }
        tag.push('"');
        // Hexadecimal digits and quotes are always a header value.
        let etag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""));
        let mut not_modified = base.clone();
        not_modified.remove(CONTENT_LENGTH);
        not_modified.remove(CONTENT_TYPE);
        not_modified.insert(ETAG, etag.clone());
        let mut full = base.clone();
        full.insert(ETAG, etag.clone());
        full.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(coding) = coding {
            full.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        let full_head = head(StatusCode::OK, &full);
        let not_modified_head = head(StatusCode::NOT_MODIFIED, &not_modified);
        Self { body, etag, full, not_modified, full_head, not_modified_head }
    }
}

/// Status line and fields as HTTP/1.1 writes them (RFC 9112 §4, §5).
fn head(status: StatusCode, headers: &HeaderMap) -> Bytes {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut out = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.into()
}

/// How much a client likes each coding, in thousandths; 0 is "not at all" (RFC 9110 §12.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepted {
    brotli: u16,
    gzip: u16,
    identity: u16,
}

impl Accepted {
    fn read(request: &impl Fields) -> Self {
        let (mut brotli, mut gzip, mut identity, mut rest) = (None, None, None, None);
        for value in request.all(&ACCEPT_ENCODING) {
            for item in value.split(|byte| *byte == b',') {
                let mut parts = item.split(|byte| *byte == b';');
                let name = parts.next().unwrap_or_default().trim_ascii();
                let weight = parts.find_map(|part| quality(part.trim_ascii())).unwrap_or(1000);
                if name.eq_ignore_ascii_case(b"br") {
                    brotli = Some(weight);
                } else if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") {
                    gzip = Some(weight);
                } else if name.eq_ignore_ascii_case(b"identity") {
                    identity = Some(weight);
                } else if name == b"*" {
                    rest = Some(weight);
                }
            }
        }
        // Identity is always possible, but a client that names codings without it prefers those.
        Self {
            brotli: brotli.or(rest).unwrap_or(0),
            gzip: gzip.or(rest).unwrap_or(0),
            identity: identity.unwrap_or(1).min(1000),
        }
    }
}

/// `q=0.8` as 800; anything that is no weight is `None`.
fn quality(part: &[u8]) -> Option<u16> {
    let number = part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q="))?;
    let (whole, fraction) = match number {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let mut thousandths = u16::from(whole.checked_sub(b'0').filter(|digit| *digit <= 1)?) * 1000;
    for (place, digit) in [100, 10, 1].into_iter().zip(fraction) {
        thousandths += u16::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?) * place;
    }
    Some(thousandths.min(1000))
}

/// Weak comparison (RFC 9110 §8.8.3.2) of our tag with a list of tags or `*`.
fn names_tag(list: &[u8], tag: &[u8]) -> bool {
    list.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|item| item == b"*" || item.strip_prefix(b"W/").unwrap_or(item) == tag)
}

fn add_vary(headers: &mut HeaderMap) {
    let named = headers.get_all(VARY).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',').any(|name| name.trim() == "*" || name.trim().eq_ignore_ascii_case("accept-encoding"))
        })
    });
    if !named {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind,
            "application/json" | "application/javascript" | "application/xml" | "application/wasm" | "image/x-icon"
        )
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), GZIP_LEVEL);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() / 3);
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: body.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*body, &mut out, &parameters).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests;

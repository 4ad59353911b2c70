//! The short way: a kept page is answered over HTTP/1.1 from bytes that were written when it was rendered, before any
//! general machinery looks at the request. In a storm nearly every request is one of these.
//!
//! It reads only the plainest of requests, whole in what has arrived: GET or HEAD, HTTP/1.1, an address without a
//! query, no body, nothing asked of the connection. With anything else, and with a request for a page that is not kept,
//! the connection goes to hyper for good, with every byte not answered here: one place knows all of HTTP, and it is not
//! this one.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderName;
use httparse::{EMPTY_HEADER, Header, Request, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::stored::Fields;
use crate::cache::PageCache;

/// Room for requests, in bytes; a longer head goes to hyper.
const ROOM: usize = 4 * 1024;
/// Most fields of a request that is answered here.
const MOST_FIELDS: usize = 32;
/// Fields that ask for more than a kept page.
const NOT_PLAIN: [&str; 4] = ["content-length", "transfer-encoding", "upgrade", "expect"];
/// `date: `, a date in the form of RFC 9110 §5.6.7, and the end of the head.
const DATE_LINE: usize = 6 + 29 + 4;

/// Answers from `cache` until the connection ends, which gives `None`, or needs more than a kept page, which gives what
/// was read of it and not answered. A client that says nothing for `patience`, at most twice that, is gone.
pub async fn answer<S>(
    stream: &mut S,
    cache: &PageCache,
    patience: Duration,
    stop: &CancellationToken,
) -> Option<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut read = Vec::with_capacity(ROOM);
    let mut stopping = pin!(stop.cancelled());
    // One timer for the whole connection: setting one for each request would cost more than to answer it.
    let mut silence = pin!(tokio::time::sleep(patience));
    let mut heard = false;
    loop {
        tokio::select! {
            biased;
            arrived = stream.read_buf(&mut read) => match arrived {
                Ok(bytes) if bytes > 0 => heard = true,
                _ => return None,
            },
            () = stopping.as_mut() => return None,
            () = silence.as_mut() => {
                if !heard {
                    return None;
                }
                heard = false;
                silence.as_mut().reset(Instant::now() + patience);
                continue;
            }
        }
        let mut answered = 0;
        while let Some(rest) = read.get(answered..).filter(|rest| !rest.is_empty()) {
            let Some(reply) = Reply::find(rest, cache) else {
                read.drain(..answered);
                return Some(read);
            };
            reply.send(stream).await.ok()?;
            answered += reply.asked_in;
        }
        read.clear();
    }
}

/// What a request gets.
struct Reply {
    head: Bytes,
    body: Bytes,
    /// Length of the request.
    asked_in: usize,
}

impl Reply {
    fn find(bytes: &[u8], cache: &PageCache) -> Option<Self> {
        let mut fields = [EMPTY_HEADER; MOST_FIELDS];
        let mut request = Request::new(&mut fields);
        let Ok(Status::Complete(asked_in)) = request.parse(bytes) else { return None };
        let is_head = match request.method? {
            "GET" => false,
            "HEAD" => true,
            _ => return None,
        };
        let path = request.path.filter(|path| path.starts_with('/') && !path.contains('?'))?;
        let fields = Plain(request.headers);
        if request.version != Some(1) || !fields.are_plain() {
            return None;
        }
        let (head, body) = cache.kept(path)?.bytes(is_head, &fields);
        Some(Self { head, body, asked_in })
    }

    async fn send<S: AsyncWrite + Unpin>(&self, stream: &mut S) -> io::Result<()> {
        let date = date_line();
        let mut parts = [IoSlice::new(&self.head), IoSlice::new(&date), IoSlice::new(&self.body)];
        let mut parts = parts.as_mut_slice();
        while !parts.is_empty() {
            match stream.write_vectored(parts).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => IoSlice::advance_slices(&mut parts, sent),
            }
        }
        Ok(())
    }
}

struct Plain<'a>(&'a [Header<'a>]);

impl Plain<'_> {
    /// One `Host`, as RFC 9112 §3.2 demands; no body; the connection stays as it is.
    fn are_plain(&self) -> bool {
        let mut hosts = 0;
        for field in self.0 {
            if NOT_PLAIN.iter().any(|name| field.name.eq_ignore_ascii_case(name)) {
                return false;
            }
            if field.name.eq_ignore_ascii_case("connection") && !field.value.eq_ignore_ascii_case(b"keep-alive") {
                return false;
            }
            hosts += usize::from(field.name.eq_ignore_ascii_case("host"));
        }
        hosts == 1
    }
}

impl Fields for Plain<'_> {
    fn all(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name.as_str())).map(|field| field.value)
    }
}

/// The `Date` (RFC 9110 §6.6.1), written once a second, with the end of the head.
fn date_line() -> [u8; DATE_LINE] {
    thread_local! {
        static WRITTEN: Cell<(u64, [u8; DATE_LINE])> = const { Cell::new((0, [0; DATE_LINE])) };
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (written_at, line) = WRITTEN.get();
    if written_at == second {
        return line;
    }
    let mut line = [0; DATE_LINE];
    line[..6].copy_from_slice(b"date: ");
    line[6..35].copy_from_slice(httpdate::fmt_http_date(now).as_bytes());
    line[35..].copy_from_slice(b"\r\n\r\n");
    WRITTEN.set((second, line));
    line
}

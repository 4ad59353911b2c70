//! Takes connections. Our own loop, because `axum::serve` gives a client all the time it wants to send a request head
//! (SEC-16).

use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::SockRef;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Peer;
use super::front::Front;
use super::short;

/// How long clients may take and how many there may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte, or from the end of the last answer, to the end of a request's head.
    pub head: Duration,
    /// Connections at the same time; more wait in the kernel's queue.
    pub connections: usize,
    /// For requests in hand when the server is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), connections: 10_000, drain: Duration::from_secs(30) }
    }
}

/// Buffer for one request's head, in bytes; a longer head is answered with 431.
const HEAD_BUFFER: usize = 64 * 1024;
/// Most requests at the same time on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// An answer of which the client acknowledges nothing for this long is given up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Serves until `shutdown`, then lets requests in hand finish.
pub async fn serve(listener: TcpListener, front: Arc<Front>, limits: Limits, shutdown: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let builder = Arc::new(builder);
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let place = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    after_failed_accept(&error).await;
                    continue;
                }
            },
        };
        let (builder, front, shutdown) = (Arc::clone(&builder), Arc::clone(&front), shutdown.clone());
        let head = limits.head;
        connections.spawn(async move {
            front.shell.metrics.connections.inc();
            connection(stream, peer, &builder, &front, head, shutdown).await;
            front.shell.metrics.connections.dec();
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut off: their requests took too long to finish");
    }
}

async fn connection(
    mut stream: TcpStream,
    peer: SocketAddr,
    builder: &Builder<TokioExecutor>,
    front: &Arc<Front>,
    head: Duration,
    shutdown: CancellationToken,
) {
    // Without it an answer in two writes waits for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true).and_then(|()| limit_unacknowledged(&stream)) {
        tracing::debug!(%error, "a connection was gone before it began");
        return;
    }
    let Some(read) = short::answer(&mut stream, &front.cache, head, &shutdown).await else { return };
    let (reader, writer) = stream.into_split();
    let stream = tokio::io::join(Cursor::new(read).chain(reader), writer);
    let has_asked = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let (front, has_asked) = (Arc::clone(front), Arc::clone(&has_asked));
        move |request| {
            has_asked.store(true, Ordering::Relaxed);
            front.answer(Peer(peer), request)
        }
    });
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    // Twice the head's time: hyper ends a slow head itself; this is for clients that do not even say which protocol they
    // speak.
    let first_request = tokio::time::sleep(head * 2);
    let stopping = shutdown.cancelled();
    tokio::pin!(serving, first_request, stopping);
    let (mut waits_for_first, mut is_stopping) = (true, false);
    loop {
        tokio::select! {
            biased;
            served = serving.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = first_request.as_mut(), if waits_for_first => {
                if !has_asked.load(Ordering::Relaxed) {
                    return;
                }
                waits_for_first = false;
            }
            () = stopping.as_mut(), if !is_stopping => {
                is_stopping = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn limit_unacknowledged(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}

#[cfg(not(target_os = "linux"))]
fn limit_unacknowledged(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(UNACKNOWLEDGED))
}

/// A client that left in the queue is no trouble; no more files to open is, and passes only with time.
async fn after_failed_accept(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot take connections");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

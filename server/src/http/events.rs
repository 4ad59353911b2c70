//! `GET /events`: tells open pages that something readers can see has changed (FEED-2).
//!
//! An event carries the number of the newest change and nothing else: the page asks for itself again, and gets it from
//! the page cache. A stream that says which change its page knows of (`?since=…`, later `Last-Event-ID`) hears of a
//! newer one at once, so that nothing is lost between a page and its stream, or while a connection was broken.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Bytes};
use futures::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use prometheus::IntGauge;
use service::subscribers::network;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::client::ClientIp;
use crate::telemetry::Metrics;

/// Most streams of one address: an office behind one address has its place, and nobody takes all of them alone.
pub const PER_CLIENT: usize = 64;
/// A stream that has nothing to say says so this often, so that nobody on the way takes it for dead.
const SILENCE: Duration = Duration::from_secs(15);
/// After a broken connection a browser waits this long, and up to [`JITTER_MS`] more: not all at once.
const RETRY_MS: u64 = 5_000;
const JITTER_MS: u64 = 2_000;
/// Seconds after which it is worth asking again when all places are taken.
const FULL_S: &str = "60";

/// Names the last event that a stream has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// All open streams. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Events(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    newest: watch::Receiver<i64>,
    shutdown: CancellationToken,
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
    streams: IntGauge,
}

impl Events {
    /// Follows the number of the newest change, for at most so many streams at the same time; they end at `shutdown`.
    ///
    /// # Errors
    /// The metrics count streams already.
    pub fn new(
        newest: watch::Receiver<i64>,
        most: usize,
        shutdown: CancellationToken,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let streams = IntGauge::new("fermata_event_streams", "Pages that follow along now.")?;
        metrics.register(streams.clone())?;
        Ok(Self(Arc::new(Inner { newest, shutdown, most, open: Mutex::default(), streams })))
    }

    /// A place for one more stream, if there is one.
    fn enter(&self, client: Option<IpAddr>) -> Option<Place> {
        let client = client.map(network);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = open.values().sum();
        // Who has no address shares the place of all others without one.
        let key = client.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let of_client = open.get(&key).copied().unwrap_or_default();
        if total >= self.0.most || of_client >= PER_CLIENT || self.0.shutdown.is_cancelled() {
            return None;
        }
        open.insert(key, of_client + 1);
        self.0.streams.inc();
        Some(Place { events: self.clone(), key })
    }
}

/// The place of an open stream; given back when the stream ends.
#[derive(Debug)]
struct Place {
    events: Events,
    key: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let inner = &self.events.0;
        let mut open = inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
        inner.streams.dec();
    }
}

/// The one route.
pub fn routes(events: Events) -> Router {
    Router::new().route("/events", get(follow)).with_state(events)
}

async fn follow(State(events): State<Events>, client: Option<Extension<ClientIp>>, request: Request) -> Response {
    let Some(place) = events.enter(client.map(|Extension(ClientIp(ip))| ip)) else {
        let words = "All places for live pages are taken. The page asks again by itself.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, FULL_S)], words).into_response();
    };
    let known = known(&request);
    let mut newest = events.0.newest.clone();
    let first = first(known, *newest.borrow_and_update());
    let stream = unfold(Stream { place, newest, first: Some(first) }, Stream::next);
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The newest change that who asks knows of.
fn known(request: &Request) -> Option<i64> {
    let last = request.headers().get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let since = || {
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        query.filter(|(name, _)| name == "since").find_map(|(_, value)| value.parse().ok())
    };
    last.or_else(since)
}

/// What a stream begins with: when to come back, where it stands, and an event if that is not where the page stands.
fn first(known: Option<i64>, newest: i64) -> Bytes {
    let jitter = u64::from(u16::from_be_bytes([random(), random()])) % JITTER_MS;
    let data = if known.is_some_and(|known| known != newest) { format!("data: {newest}\n") } else { String::new() };
    Bytes::from(format!("retry: {}\nid: {newest}\n{data}\n", RETRY_MS + jitter))
}

fn random() -> u8 {
    uuid::Uuid::new_v4().as_bytes()[0]
}

struct Stream {
    place: Place,
    newest: watch::Receiver<i64>,
    first: Option<Bytes>,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let said = match self.first.take() {
            Some(first) => first,
            None => tokio::select! {
                biased;
                () = self.place.events.0.shutdown.cancelled() => return None,
                changed = self.newest.changed() => {
                    changed.ok()?;
                    let number = *self.newest.borrow_and_update();
                    Bytes::from(format!("id: {number}\ndata: {number}\n\n"))
                }
                () = tokio::time::sleep(SILENCE) => Bytes::from_static(b":\n\n"),
            },
        };
        Some((Ok(said), self))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn events(most: usize) -> Events {
        let (sender, newest) = watch::channel(7);
        // A watch without a sender would end each stream.
        std::mem::forget(sender);
        Events::new(newest, most, CancellationToken::new(), &Metrics::new().unwrap()).unwrap()
    }

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn who_knows_an_older_change_hears_at_once() {
        for (known, hears) in [(None, false), (Some(7), false), (Some(6), true), (Some(0), true), (Some(9), true)] {
            let first = first(known, 7);
            assert!(text(&first).contains("\nid: 7\n") && text(&first).ends_with("\n\n"), "{first:?}");
            assert_eq!(text(&first).contains("data: 7\n"), hears, "{known:?}");
            let retry: u64 = text(&first).lines().next().unwrap().strip_prefix("retry: ").unwrap().parse().unwrap();
            assert!((5_000..7_000).contains(&retry), "{retry}");
        }
    }

    #[test]
    fn the_last_event_counts_more_than_the_page() {
        let asked = |uri: &str, last: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(last) = last {
                request = request.header("last-event-id", last);
            }
            known(&request.body(Body::empty()).unwrap())
        };
        assert_eq!(asked("/events?since=3", Some("5")), Some(5));
        assert_eq!(asked("/events?since=3", None), Some(3));
        assert_eq!(asked("/events?since=3", Some("x")), Some(3));
        assert_eq!(asked("/events?since=x", None), None);
        assert_eq!(asked("/events", None), None);
    }

    #[test]
    fn a_place_is_given_back_when_its_stream_ends() {
        let all = events(PER_CLIENT + 2);
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let mine: Vec<Place> = (0..PER_CLIENT).map(|_| all.enter(ip("192.0.2.1")).unwrap()).collect();
        assert!(all.enter(ip("192.0.2.1")).is_none(), "one address has its share");
        let household = [all.enter(ip("2001:db8::1")).unwrap(), all.enter(ip("2001:db8::2")).unwrap()];
        assert!(all.enter(ip("192.0.2.2")).is_none(), "all places are taken");
        assert_eq!(all.0.streams.get(), i64::try_from(PER_CLIENT + 2).unwrap());
        drop(mine);
        assert!(all.enter(ip("192.0.2.1")).is_some());
        drop(household);
        assert_eq!(all.0.streams.get(), 0);
        assert!(all.0.open.lock().unwrap().is_empty());
    }

    #[test]
    fn nobody_comes_in_once_the_server_stops() {
        let all = events(8);
        all.0.shutdown.cancel();
        assert!(all.enter(None).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_says_that_it_lives() {
        let all = events(8);
        let place = all.enter(None).unwrap();
        let stream = Stream { place, newest: all.0.newest.clone(), first: None };
        let before = tokio::time::Instant::now();
        let (said, _) = stream.next().await.unwrap();
        assert_eq!((text(&said.unwrap()), before.elapsed()), (":\n\n", SILENCE));
    }
}

//! One rendering at a time for each key, shared by everyone who asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, DATE, ETAG, SET_COOKIE, TRANSFER_ENCODING, VARY,
};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::watch;
use tokio::time::Instant;

use super::mark::Mark;
use super::{Inner, Page, Slot};
use crate::http::request_id::REQUEST_ID;
use crate::http::stored::{Coded, Stored};

/// A rendering this old is given up on when it is too old for the reader anyway.
const HUNG: Duration = Duration::from_millis(500);
/// A page is right for at least this long, so that an instant in the past cannot make every view a rendering.
const LEAST_FRESH_MS: i64 = 250;
/// No public page or feed is larger.
const LARGEST_BODY: usize = 16 << 20;
/// For pages that do not say how long others may keep them.
const DEFAULT_CACHE_CONTROL: HeaderValue =
    HeaderValue::from_static("public, max-age=1, stale-while-revalidate=5, stale-if-error=86400");

/// Who renders now, and whether that has been going wrong.
#[derive(Debug, Default)]
pub(super) struct State {
    current: Option<Flight>,
    /// The last rendering failed, or somebody's patience ran out. Until one succeeds, readers get the last good page
    /// at once instead of each waiting for the next failure.
    failing: bool,
    retry_at: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Flight {
    /// The last change the rendering is sure to see.
    generation: u64,
    started: Instant,
    landed: watch::Receiver<Option<Outcome>>,
}

#[derive(Debug, Clone)]
enum Outcome {
    /// Kept.
    Page(Arc<Page>),
    /// A good answer that is not to be kept: a redirect, a 404, a page without a mark.
    Once(Arc<(Parts, Bytes)>),
    /// A server error.
    Failed(Arc<(Parts, Bytes)>),
}

enum Turn {
    Wait { flight: Flight, enough: bool },
    LastGood,
}

/// The answer for a key whose kept page is absent or out of date.
pub(super) async fn answer(
    inner: Arc<Inner>,
    slot: Arc<Slot>,
    method: Method,
    headers: HeaderMap,
) -> Response<Full<Bytes>> {
    let wanted = inner.control.generation();
    let asked = Instant::now();
    loop {
        let (mut flight, enough) = match join(&inner, &slot, wanted) {
            Turn::Wait { flight, enough } => (flight, enough),
            Turn::LastGood => match last_good(&inner, &slot, &method, &headers) {
                Some(response) => return response,
                // Thrown out between the two looks; the next turn starts a rendering.
                None => continue,
            },
        };
        let hung_at = flight.started + HUNG;
        let impatient_at = (flight.started.min(asked) + inner.options.patience).max(Instant::now());
        let landing = flight.landed.wait_for(Option::is_some);
        let outcome = tokio::select! {
            biased;
            landed = landing => match landed {
                Ok(outcome) => outcome.clone(),
                // The runtime is going down.
                Err(_) => return last_good(&inner, &slot, &method, &headers).unwrap_or_else(unavailable),
            },
            () = tokio::time::sleep_until(hung_at), if !enough => None,
            () = tokio::time::sleep_until(impatient_at), if slot.good.load().is_some() => {
                lock(&slot.flight).failing = true;
                if let Some(response) = last_good(&inner, &slot, &method, &headers) {
                    return response;
                }
                None
            }
        };
        match outcome {
            Some(Outcome::Failed(response)) => {
                return last_good(&inner, &slot, &method, &headers).unwrap_or_else(|| send(&response, &method));
            }
            Some(outcome) if enough => {
                return match outcome {
                    Outcome::Page(page) => page.stored.respond(&method, &headers),
                    Outcome::Once(response) | Outcome::Failed(response) => send(&response, &method),
                };
            }
            // A rendering that began before the change this reader must see: the next turn finds or starts another.
            Some(_) | None => {}
        }
    }
}

/// Joins the rendering of this key or starts one.
fn join(inner: &Arc<Inner>, slot: &Arc<Slot>, wanted: u64) -> Turn {
    let mut state = lock(&slot.flight);
    let now = Instant::now();
    let use_last_good = state.failing && slot.good.load().is_some();
    if let Some(flight) = &state.current {
        let enough = flight.generation >= wanted;
        if use_last_good {
            return Turn::LastGood;
        }
        if enough || now < flight.started + HUNG {
            return Turn::Wait { flight: flight.clone(), enough };
        }
    } else if use_last_good && state.retry_at.is_some_and(|at| now < at) {
        return Turn::LastGood;
    }
    let (sender, landed) = watch::channel(None);
    let flight = Flight { generation: inner.control.generation(), started: now, landed };
    // A page may have landed between the reader's look at the slot and this lock.
    if let Some(page) = slot.good.load_full().filter(|page| inner.is_fresh(page)) {
        sender.send_replace(Some(Outcome::Page(page)));
        return Turn::Wait { flight, enough: true };
    }
    state.current = Some(flight.clone());
    tokio::spawn(fly(Arc::clone(inner), Arc::clone(slot), flight.clone(), sender));
    if use_last_good { Turn::LastGood } else { Turn::Wait { flight, enough: true } }
}

/// Renders, keeps what may be kept and tells everyone who waits. Runs on its own: a reader who leaves stops nothing.
async fn fly(inner: Arc<Inner>, slot: Arc<Slot>, flight: Flight, sender: watch::Sender<Option<Outcome>>) {
    inner.metrics.page_renders.inc();
    let work = tokio::spawn(render(Arc::clone(&inner), slot.key.clone(), flight.generation));
    let outcome = match work.await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(error = %error, "rendering a page for the cache broke off");
            Outcome::Failed(Arc::new((unavailable().into_parts().0, Bytes::new())))
        }
    };
    {
        let mut state = lock(&slot.flight);
        let is_current = state.current.as_ref().is_some_and(|current| current.landed.same_channel(&flight.landed));
        let is_newer = slot.good.load().as_ref().is_none_or(|good| good.generation <= flight.generation);
        match &outcome {
            Outcome::Page(page) if is_newer => {
                state.failing = false;
                inner.keep(&slot, Arc::clone(page));
            }
            Outcome::Once(_) if is_newer => {
                state.failing = false;
                inner.forget(&slot);
            }
            Outcome::Failed(_) => {
                state.failing = true;
                state.retry_at = Some(Instant::now() + inner.options.retry);
                if slot.good.load().is_none() {
                    inner.forget(&slot);
                }
            }
            // A later rendering was quicker.
            Outcome::Page(_) | Outcome::Once(_) => {}
        }
        if is_current {
            state.current = None;
        }
    }
    sender.send_replace(Some(outcome));
}

async fn render(inner: Arc<Inner>, key: Box<str>, generation: u64) -> Outcome {
    // The address alone: nothing of the reader who happened to ask first may shape what everyone gets.
    let mut request = Request::new(Body::empty());
    match key.parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return Outcome::Once(Arc::new((status(StatusCode::BAD_REQUEST), Bytes::new()))),
    }
    let rendered_at = (inner.now)().timestamp_millis();
    let (mut parts, body) = (inner.render)(request).await.into_parts();
    let mark = Mark::take(&mut parts.headers);
    if parts.headers.remove(SET_COOKIE).is_some() {
        tracing::error!(path = &*key, "a public page wanted to set a cookie; the cookie was dropped");
        return finish(parts, body).await;
    }
    let keepable = parts.status == StatusCode::OK && !is_private(&parts.headers);
    let Some(mark) =
        mark.filter(|mark| keepable && mark.address().is_none_or(|address| inner.rules.is_key_of(&key, address)))
    else {
        return finish(parts, body).await;
    };
    let body = match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(error) => return broken(&error),
    };
    let mut headers = parts.headers;
    for name in [CONNECTION, TRANSFER_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, DATE, ETAG, REQUEST_ID] {
        headers.remove(name);
    }
    headers.entry(CACHE_CONTROL).or_insert(DEFAULT_CACHE_CONTROL);
    let (limit, ceiling) = (inner.options.max_bytes / 8, inner.options.max_fresh.as_millis());
    let ceiling = rendered_at.saturating_add(i64::try_from(ceiling).unwrap_or(i64::MAX));
    let built = tokio::task::spawn_blocking(move || {
        let coded = Coded::compress(&headers, &body);
        let stored = Stored::new(headers, body, coded);
        let size = stored.size();
        Arc::new(Page {
            stored,
            size,
            generation,
            fresh_until: mark.until_ms().unwrap_or(ceiling).min(ceiling).max(rendered_at + LEAST_FRESH_MS),
        })
    })
    .await;
    match built {
        Ok(page) if page.size <= limit => Outcome::Page(page),
        Ok(page) => {
            let (parts, body) = page.stored.respond(&Method::GET, &HeaderMap::new()).into_parts();
            finish(parts, Body::new(body)).await
        }
        Err(error) => broken(&error),
    }
}

/// What is not kept is still shared by those who asked at the same time.
async fn finish(parts: Parts, body: Body) -> Outcome {
    match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) if parts.status.is_server_error() => Outcome::Failed(Arc::new((parts, body))),
        Ok(body) => Outcome::Once(Arc::new((parts, body))),
        Err(error) => broken(&error),
    }
}

fn broken(error: &dyn std::error::Error) -> Outcome {
    tracing::error!(error = %error, "the body of a public page could not be read");
    Outcome::Failed(Arc::new((status(StatusCode::INTERNAL_SERVER_ERROR), Bytes::new())))
}

fn is_private(headers: &HeaderMap) -> bool {
    let says = |name, words: &[&str]| {
        headers.get_all(name).iter().any(|value| {
            let text = value.to_str().unwrap_or("*").to_ascii_lowercase();
            text.split(',').any(|part| words.contains(&part.trim()))
        })
    };
    says(CACHE_CONTROL, &["no-store", "private"]) || says(VARY, &["*", "cookie", "authorization"])
}

fn last_good(inner: &Inner, slot: &Slot, method: &Method, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
    let page = slot.good.load_full()?;
    if !inner.is_fresh(&page) {
        inner.metrics.page_stale.inc();
    }
    Some(page.stored.respond(method, headers))
}

fn send(response: &(Parts, Bytes), method: &Method) -> Response<Full<Bytes>> {
    let (parts, body) = response;
    let mut parts = parts.clone();
    if method == Method::HEAD {
        parts.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(body.len()));
        return Response::from_parts(parts, Full::default());
    }
    Response::from_parts(parts, Full::new(body.clone()))
}

fn unavailable() -> Response<Full<Bytes>> {
    Response::from_parts(status(StatusCode::SERVICE_UNAVAILABLE), Full::default())
}

fn status(status: StatusCode) -> Parts {
    let mut parts = Response::new(()).into_parts().0;
    parts.status = status;
    parts
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

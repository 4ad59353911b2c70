//! The page cache: public pages and feeds cost no database read and no rendering per view.
//!
//! It stands before every other layer. A page is rendered once per key and change, however many people ask; those who
//! ask while a changed page is being rendered wait for the new one, and get the last good one when rendering fails or
//! takes too long, so the page still answers while the database does not. A page is rendered from its address alone:
//! the request that renders it carries no cookie, no credentials and no conditions, so nothing of one reader can reach
//! another. Private pages never come here ([`Rules::is_public`]).
//!
//! What may be kept, and until when, the page says itself in [`MARK`]; [`Mark`] builds that header.

mod flight;
mod key;
mod mark;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::Full;
use tokio::sync::watch;

use crate::http::stored::{Fields, Stored};
use crate::telemetry::Metrics;

pub use key::Rules;
pub use mark::{MARK, Mark};

/// Renders the page of a request; the router behind the cache.
pub type Render =
    Arc<dyn Fn(Request<axum::body::Body>) -> BoxFuture<'static, Response<axum::body::Body>> + Send + Sync>;
/// What time it is.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Sizes and patience of the cache.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most pages kept.
    pub max_entries: usize,
    /// Most bytes kept, all codings together.
    pub max_bytes: usize,
    /// Longest wait for a new page while there is an old one.
    pub patience: Duration,
    /// Pause after a failed rendering before the next try, while there is an old page.
    pub retry: Duration,
    /// Longest time a page is kept unasked. A safety net for a lost change message; changes do not wait for it.
    pub max_fresh: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_entries: 4096,
            max_bytes: 256 << 20,
            patience: Duration::from_secs(2),
            retry: Duration::from_millis(500),
            max_fresh: Duration::from_secs(60),
        }
    }
}

/// Tells the cache that something on a public page has changed. Cheap to clone, callable from anywhere.
///
/// Call it after the transaction that made the change is committed: a page rendered before that would be kept.
#[derive(Debug, Clone, Default)]
pub struct CacheControl {
    told: Arc<AtomicU64>,
    watched: Option<watch::Receiver<u64>>,
}

impl CacheControl {
    /// Also follows a counter that moves with every committed change. It is read at each look into the cache, so that
    /// who made a change never sees the page before it.
    pub fn following(changes: watch::Receiver<u64>) -> Self {
        Self { told: Arc::default(), watched: Some(changes) }
    }

    /// Every page kept so far is out of date from now on.
    pub fn invalidate_all(&self) {
        self.told.fetch_add(1, Ordering::AcqRel);
    }

    fn generation(&self) -> u64 {
        let told = self.told.load(Ordering::Acquire);
        self.watched.as_ref().map_or(told, |changes| told.wrapping_add(*changes.borrow()))
    }
}

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct PageCache(Arc<Inner>);

struct Inner {
    slots: RwLock<HashMap<Box<str>, Arc<Slot>>>,
    bytes: AtomicUsize,
    uses: AtomicU64,
    control: CacheControl,
    rules: Rules,
    options: Options,
    render: Render,
    now: Now,
    metrics: Metrics,
}

/// One key: its last good page and, while there is one, its rendering.
struct Slot {
    key: Box<str>,
    last_used: AtomicU64,
    good: ArcSwapOption<Page>,
    flight: std::sync::Mutex<flight::State>,
}

/// A kept page.
#[derive(Debug)]
pub struct Page {
    stored: Stored,
    size: usize,
    /// The last change this page knows of.
    generation: u64,
    /// Unix milliseconds at which the page changes by itself.
    fresh_until: i64,
}

/// What the cache makes of a request.
pub enum Lookup {
    /// A page that is still right.
    Hit(Response<Full<Bytes>>),
    /// A public page that has to be rendered first.
    Rendering(BoxFuture<'static, Response<Full<Bytes>>>),
    /// Not for the cache; the request goes on unchanged.
    Pass,
}

impl PageCache {
    /// An empty cache before `render`.
    pub fn new(
        render: Render,
        rules: Rules,
        control: CacheControl,
        options: Options,
        now: Now,
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Inner {
            slots: RwLock::default(),
            bytes: AtomicUsize::new(0),
            uses: AtomicU64::new(0),
            control,
            rules,
            options,
            render,
            now,
            metrics,
        }))
    }

    /// Answers from the cache where that is possible.
    pub fn lookup(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Lookup {
        let inner = &self.0;
        if (method != Method::GET && method != Method::HEAD) || !inner.rules.is_public(uri.path()) {
            return Lookup::Pass;
        }
        let key = inner.rules.key(uri);
        if let Some(page) = self.kept(&key) {
            return Lookup::Hit(page.stored.respond(method, headers));
        }
        let slot = inner.slot(&key);
        Lookup::Rendering(Box::pin(flight::answer(Arc::clone(inner), slot, method.clone(), headers.clone())))
    }

    /// The page kept for a key, if it is still right. An address without a query is its own key.
    pub fn kept(&self, key: &str) -> Option<Arc<Page>> {
        let inner = &self.0;
        let slots = read(&inner.slots);
        let slot = slots.get(key)?;
        let page = slot.good.load_full().filter(|page| inner.is_fresh(page))?;
        slot.last_used.store(inner.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        inner.metrics.page_hits.inc();
        Some(page)
    }

    /// Pages kept now.
    pub fn len(&self) -> usize {
        read(&self.0.slots).len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Page {
    /// See [`Stored::bytes`].
    pub fn bytes(&self, is_head: bool, request: &impl Fields) -> (Bytes, Bytes) {
        self.stored.bytes(is_head, request)
    }
}

impl Inner {
    fn is_fresh(&self, page: &Page) -> bool {
        page.generation == self.control.generation() && (self.now)().timestamp_millis() < page.fresh_until
    }

    fn slot(&self, key: &str) -> Arc<Slot> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(key.into()).or_insert_with(|| {
            Arc::new(Slot {
                key: key.into(),
                last_used: AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed)),
                good: ArcSwapOption::empty(),
                flight: std::sync::Mutex::default(),
            })
        });
        Arc::clone(slot)
    }

    /// Makes `page` the last good one of its slot and throws out what was used longest ago when there is too much.
    fn keep(&self, slot: &Arc<Slot>, page: Arc<Page>) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        // A slot that was thrown out during its rendering comes back, in place of one made since.
        if let Some(other) = slots.insert(slot.key.clone(), Arc::clone(slot)).filter(|other| !Arc::ptr_eq(other, slot))
        {
            self.empty(&other);
        }
        self.bytes.fetch_add(page.size, Ordering::Relaxed);
        if let Some(old) = slot.good.swap(Some(page)) {
            self.bytes.fetch_sub(old.size, Ordering::Relaxed);
        }
        while slots.len() > self.options.max_entries || self.bytes.load(Ordering::Relaxed) > self.options.max_bytes {
            let oldest = slots
                .values()
                .filter(|other| !Arc::ptr_eq(other, slot) && other.good.load().is_some())
                .min_by_key(|other| other.last_used.load(Ordering::Relaxed))
                .cloned();
            let Some(oldest) = oldest else { break };
            slots.remove(&oldest.key);
            self.empty(&oldest);
        }
    }

    /// Forgets a key that has nothing to keep any more.
    fn forget(&self, slot: &Arc<Slot>) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if slots.get(&slot.key).is_some_and(|current| Arc::ptr_eq(current, slot)) {
            slots.remove(&slot.key);
        }
        self.empty(slot);
    }

    fn empty(&self, slot: &Slot) {
        if let Some(old) = slot.good.swap(None) {
            self.bytes.fetch_sub(old.size, Ordering::Relaxed);
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

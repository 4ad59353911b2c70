#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use axum::body::Body;
use futures::future::{FutureExt, join_all};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, SET_COOKIE, VARY};
use http_body_util::BodyExt;

use super::*;

/// A site whose one truth is `text`; each page repeats it.
#[derive(Clone)]
struct Site {
    cache: PageCache,
    control: CacheControl,
    clock: Arc<AtomicI64>,
    stage: Arc<Stage>,
    metrics: Metrics,
}

struct Stage {
    text: Mutex<String>,
    renders: AtomicUsize,
    delay_ms: AtomicU64,
    status: AtomicU64,
    headers: Mutex<HeaderMap>,
    seen: Mutex<Vec<HeaderMap>>,
}

impl Stage {
    async fn render(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        self.renders.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(request.headers().clone());
        // What a rendering reads from the database it reads before it takes its time.
        let text = self.text.lock().unwrap().clone();
        tokio::time::sleep(Duration::from_millis(self.delay_ms.load(Ordering::SeqCst))).await;
        let status = u16::try_from(self.status.load(Ordering::SeqCst)).unwrap();
        let mut response = Response::new(Body::from(format!("{} {text}", request.uri())));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        *response.headers_mut() = self.headers.lock().unwrap().clone();
        response
    }
}

fn options() -> Options {
    Options { retry: Duration::from_millis(80), patience: Duration::from_millis(300), ..Options::default() }
}

fn site_with(options: Options) -> Site {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, "text/html".parse().unwrap());
    headers.insert(MARK, Mark::public().header());
    let stage = Arc::new(Stage {
        text: Mutex::new("all well".into()),
        renders: AtomicUsize::new(0),
        delay_ms: AtomicU64::new(0),
        status: AtomicU64::new(200),
        headers: Mutex::new(headers),
        seen: Mutex::default(),
    });
    let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
    let control = CacheControl::default();
    let rules = Rules::new(|path| !path.starts_with("/admin"))
        .parameter("tz", |zone| (zone.len() < 12 && zone.contains('/')).then(|| zone.to_owned()));
    let metrics = Metrics::new().unwrap();
    let cache = PageCache::new(
        Arc::new({
            let stage = Arc::clone(&stage);
            move |request| Arc::clone(&stage).render(request).boxed()
        }),
        rules,
        control.clone(),
        options,
        Arc::new({
            let clock = Arc::clone(&clock);
            move || DateTime::from_timestamp_millis(clock.load(Ordering::SeqCst)).unwrap()
        }),
        metrics.clone(),
    );
    Site { cache, control, clock, stage, metrics }
}

fn site() -> Site {
    site_with(options())
}

impl Site {
    async fn response(&self, method: Method, uri: &str, headers: HeaderMap) -> Response<Full<Bytes>> {
        match self.cache.lookup(&method, &uri.parse().unwrap(), &headers) {
            Lookup::Hit(response) => response,
            Lookup::Rendering(answer) => answer.await,
            Lookup::Pass => panic!("{method} {uri} was not for the cache"),
        }
    }

    async fn get(&self, uri: &str) -> String {
        let response = self.response(Method::GET, uri, HeaderMap::new()).await;
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    fn change(&self, text: &str) {
        *self.stage.text.lock().unwrap() = text.into();
        self.control.invalidate_all();
    }

    fn mark(&self, mark: &Mark) {
        self.stage.headers.lock().unwrap().insert(MARK, mark.header());
    }

    fn renders(&self) -> usize {
        self.stage.renders.load(Ordering::SeqCst)
    }

    fn delay(&self, ms: u64) {
        self.stage.delay_ms.store(ms, Ordering::SeqCst);
    }

    fn status(&self, status: u64) {
        self.stage.status.store(status, Ordering::SeqCst);
    }

    fn pass(&self, method: Method, uri: &str) -> bool {
        matches!(self.cache.lookup(&method, &uri.parse().unwrap(), &HeaderMap::new()), Lookup::Pass)
    }
}

#[tokio::test]
async fn a_page_is_rendered_once_and_then_kept() {
    let site = site();
    for _ in 0..5 {
        assert_eq!(site.get("/").await, "/ all well");
    }
    assert_eq!(site.renders(), 1);
    assert_eq!(site.metrics.page_hits.get(), 4);
    assert_eq!(site.metrics.page_renders.get(), 1);
}

#[tokio::test]
async fn only_get_and_head_of_public_paths_are_for_the_cache() {
    let site = site();
    assert!(site.pass(Method::POST, "/"));
    assert!(site.pass(Method::OPTIONS, "/"));
    assert!(site.pass(Method::GET, "/admin/hosts"));
    assert!(!site.pass(Method::HEAD, "/"));
}

#[tokio::test]
async fn a_change_is_seen_by_the_next_reader() {
    let site = site();
    site.get("/").await;
    for text in ["degraded", "better", "well"] {
        site.change(text);
        assert_eq!(site.get("/").await, format!("/ {text}"));
    }
    assert_eq!(site.renders(), 4);
}

#[tokio::test]
async fn who_commits_a_change_sees_it_at_once() {
    let (changes, watched) = watch::channel(0);
    let site = site();
    let cache = PageCache::new(
        Arc::clone(&site.cache.0.render),
        site.cache.0.rules.clone(),
        CacheControl::following(watched),
        options(),
        Arc::clone(&site.cache.0.now),
        site.metrics.clone(),
    );
    let site = Site { cache, ..site };
    site.get("/").await;
    *site.stage.text.lock().unwrap() = "changed".into();
    changes.send_modify(|count| *count += 1);
    assert_eq!(site.get("/").await, "/ changed");
}

#[tokio::test]
async fn a_thousand_readers_cost_one_rendering_per_change() {
    let site = site();
    site.delay(20);
    for text in ["one", "two", "three"] {
        site.change(text);
        let pages = join_all((0..1000).map(|_| site.get("/"))).await;
        assert!(pages.iter().all(|page| page == &format!("/ {text}")));
    }
    assert_eq!(site.renders(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_asks_after_a_change_never_sees_the_page_before_it() {
    let site = site();
    site.delay(3);
    let truth = Arc::new(AtomicUsize::new(0));
    site.change("0");
    let readers = (0..16).map(|_| {
        let (site, truth) = (site.clone(), Arc::clone(&truth));
        tokio::spawn(async move {
            for _ in 0..200 {
                let least = truth.load(Ordering::SeqCst);
                let page = site.get("/").await;
                let seen: usize = page.rsplit(' ').next().unwrap().parse().unwrap();
                assert!(seen >= least, "saw {seen} after {least} had been announced");
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for number in 1..100 {
        site.change(&number.to_string());
        truth.store(number, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(site.renders() <= 101, "{} renderings for 100 changes", site.renders());
}

#[tokio::test]
async fn a_reader_who_leaves_does_not_stop_the_rendering() {
    let site = site();
    site.delay(30);
    assert!(tokio::time::timeout(Duration::from_millis(5), site.get("/")).await.is_err());
    assert_eq!(site.get("/").await, "/ all well");
    assert_eq!(site.renders(), 1);
}

#[tokio::test]
async fn a_page_ends_at_the_instant_it_named() {
    let site = site();
    let start = site.clock.load(Ordering::SeqCst);
    site.mark(&Mark::public().until(DateTime::from_timestamp_millis(start + 5_000)));
    site.get("/").await;
    site.clock.store(start + 4_999, Ordering::SeqCst);
    site.get("/").await;
    assert_eq!(site.renders(), 1);
    site.clock.store(start + 5_000, Ordering::SeqCst);
    *site.stage.text.lock().unwrap() = "started".into();
    assert_eq!(site.get("/").await, "/ started");
    assert_eq!(site.renders(), 2);
}

#[tokio::test]
async fn an_instant_in_the_past_does_not_make_every_view_a_rendering() {
    let site = site();
    site.mark(&Mark::public().until(DateTime::from_timestamp_millis(0)));
    for _ in 0..10 {
        site.get("/").await;
    }
    assert_eq!(site.renders(), 1);
}

#[tokio::test]
async fn a_lost_change_message_is_healed_after_a_while() {
    let site = site();
    site.get("/").await;
    site.clock.fetch_add(60_001, Ordering::SeqCst);
    site.get("/").await;
    assert_eq!(site.renders(), 2);
}

#[tokio::test]
async fn with_the_database_stopped_the_last_good_page_is_served() {
    let site = site();
    site.get("/").await;
    site.status(500);
    site.change("unreadable");
    for _ in 0..20 {
        assert_eq!(site.get("/").await, "/ all well");
    }
    assert!(site.renders() <= 3, "a failed rendering is not tried for every view");
    assert!(site.metrics.page_stale.get() >= 20);
    site.status(200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    site.get("/").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(site.get("/").await, "/ unreadable");
}

#[tokio::test]
async fn with_a_database_that_hangs_the_last_good_page_is_served() {
    let site = site();
    site.get("/").await;
    site.delay(30_000);
    site.change("unreadable");
    let asked = Instant::now();
    let pages = join_all((0..50).map(|_| site.get("/"))).await;
    assert!(pages.iter().all(|page| page == "/ all well"));
    let waited = asked.elapsed();
    assert!(waited >= Duration::from_millis(290) && waited < Duration::from_secs(2), "{waited:?}");
    let asked = Instant::now();
    site.get("/").await;
    assert!(asked.elapsed() < Duration::from_millis(100), "only the first readers are patient");
    assert_eq!(site.renders(), 2);
}

#[tokio::test]
async fn a_change_does_not_wait_for_a_hung_rendering() {
    let site = site_with(Options { patience: Duration::from_secs(5), ..options() });
    site.get("/").await;
    site.delay(30_000);
    site.change("never rendered");
    let stuck = tokio::spawn({
        let site = site.clone();
        async move { site.get("/").await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    site.delay(0);
    site.change("rendered");
    let asked = Instant::now();
    assert_eq!(site.get("/").await, "/ rendered");
    assert!(asked.elapsed() < Duration::from_secs(1), "correct within a second of the change");
    stuck.abort();
}

#[tokio::test]
async fn a_failure_without_a_last_good_page_is_told() {
    let site = site();
    site.status(500);
    let response = site.response(Method::GET, "/", HeaderMap::new()).await;
    assert_eq!(response.status(), 500);
    assert!(site.cache.is_empty());
    site.status(200);
    assert_eq!(site.get("/").await, "/ all well", "and tried again at once");
}

#[tokio::test]
async fn a_page_that_is_gone_is_not_served_from_memory() {
    let site = site();
    site.get("/maintenance/1").await;
    site.status(404);
    site.change("gone");
    assert_eq!(site.response(Method::GET, "/maintenance/1", HeaderMap::new()).await.status(), 404);
    assert!(site.cache.is_empty());
}

#[tokio::test]
async fn nothing_of_the_reader_reaches_the_page() {
    let site = site();
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, "__Host-sid=secret".parse().unwrap());
    headers.insert("authorization", "Bearer secret".parse().unwrap());
    headers.insert("if-none-match", "*".parse().unwrap());
    let response = site.response(Method::GET, "/?utm_source=x", headers).await;
    assert_eq!(response.status(), 304);
    assert!(site.stage.seen.lock().unwrap().iter().all(HeaderMap::is_empty));
    assert_eq!(site.get("/").await, "/ all well", "and the page was made from its own address");
    assert_eq!(site.renders(), 1);
}

#[tokio::test]
async fn only_marked_pages_without_cookies_are_kept() {
    type Spoil = fn(&mut HeaderMap);
    let spoils: [(&str, Spoil); 7] = [
        ("no mark", |headers| drop(headers.remove(MARK))),
        ("another mark", |headers| drop(headers.insert(MARK, "private".parse().unwrap()))),
        ("a cookie", |headers| drop(headers.insert(SET_COOKIE, "a=b".parse().unwrap()))),
        ("no-store", |headers| drop(headers.insert(CACHE_CONTROL, "no-store".parse().unwrap()))),
        ("private", |headers| drop(headers.insert(CACHE_CONTROL, "max-age=3, private".parse().unwrap()))),
        ("vary", |headers| drop(headers.insert(VARY, "Cookie".parse().unwrap()))),
        ("another address", |headers| drop(headers.insert(MARK, Mark::public().key("/other").header()))),
    ];
    for (name, spoil) in spoils {
        let site = site();
        spoil(&mut site.stage.headers.lock().unwrap());
        for _ in 0..2 {
            let response = site.response(Method::GET, "/", HeaderMap::new()).await;
            assert_eq!(response.status(), 200, "{name}");
            assert!(!response.headers().contains_key(MARK), "{name}");
            assert!(!response.headers().contains_key(SET_COOKIE), "{name}");
        }
        assert_eq!(site.renders(), 2, "{name}");
        assert!(site.cache.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn zones_have_pages_of_their_own_and_nonsense_does_not() {
    let site = site();
    assert_eq!(site.get("/?tz=Asia/Tokyo").await, "/?tz=Asia%2FTokyo all well");
    for nonsense in ["/", "/?tz=Mars", "/?tz=Venus", "/?x=1"] {
        assert_eq!(site.get(nonsense).await, "/ all well");
    }
    assert_eq!((site.renders(), site.cache.len()), (2, 2));
}

#[tokio::test]
async fn a_value_the_page_ignored_has_no_page_of_its_own() {
    let site = site();
    site.mark(&Mark::public().key("/"));
    for zone in ["Mars/One", "Mars/Two", "Mars/Three"] {
        site.get(&format!("/?tz={zone}")).await;
    }
    site.get("/").await;
    assert_eq!(site.cache.len(), 1);
    site.mark(&Mark::public().key("/?tz=Asia/Tokyo"));
    site.get("/?tz=Asia/Tokyo").await;
    assert_eq!(site.cache.len(), 2, "however the page spells its address");
}

#[tokio::test]
async fn memory_is_bounded_and_the_least_used_page_goes() {
    let site = site_with(Options { max_entries: 10, ..options() });
    site.get("/").await;
    for number in 0..50 {
        site.get(&format!("/incidents/{number}")).await;
        site.get("/").await;
    }
    assert_eq!(site.cache.len(), 10);
    assert_eq!(site.renders(), 51, "the page everyone reads was never thrown out");
    let site = site_with(Options { max_bytes: 100_000, ..options() });
    *site.stage.text.lock().unwrap() = "0123456789".repeat(300);
    for number in 0..50 {
        site.get(&format!("/incidents/{number}")).await;
    }
    assert!(site.cache.0.bytes.load(Ordering::SeqCst) <= 100_000);
    assert!(site.cache.len() > 5);
}

#[tokio::test]
async fn a_page_too_large_to_keep_is_still_sent() {
    let site = site_with(Options { max_bytes: 8_000, ..options() });
    *site.stage.text.lock().unwrap() = "x".repeat(5_000);
    assert_eq!(site.get("/").await.len(), 5_002);
    assert!(site.cache.is_empty());
}

#[tokio::test]
async fn head_and_get_share_a_page() {
    let site = site();
    let head = site.response(Method::HEAD, "/", HeaderMap::new()).await;
    assert_eq!(head.headers().get("content-length").unwrap(), "10");
    assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
    site.get("/").await;
    assert_eq!(site.renders(), 1);
}

#[tokio::test]
async fn two_nodes_and_a_restart_give_the_same_tag() {
    let (one, two) = (site(), site());
    let tag = async |site: &Site| {
        let response = site.response(Method::GET, "/", HeaderMap::new()).await;
        response.headers().get("etag").unwrap().clone()
    };
    assert_eq!(tag(&one).await, tag(&two).await);
    one.change("other");
    assert_ne!(tag(&one).await, tag(&two).await);
}

#[tokio::test]
async fn what_the_page_says_about_caching_stands() {
    let site = site();
    let said = site.response(Method::GET, "/", HeaderMap::new()).await;
    assert!(said.headers()[CACHE_CONTROL].to_str().unwrap().contains("stale-if-error"));
    site.stage.headers.lock().unwrap().insert(CACHE_CONTROL, "public, max-age=60".parse().unwrap());
    site.control.invalidate_all();
    let said = site.response(Method::GET, "/", HeaderMap::new()).await;
    assert_eq!(said.headers()[CACHE_CONTROL], "public, max-age=60");
}

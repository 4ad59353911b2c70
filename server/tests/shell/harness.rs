//! A server with a few handlers that misbehave on request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::Utc;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{Response, StatusCode};
use reqwest::RequestBuilder;
use server::assets::Assets;
use server::cache::{CacheControl, MARK, Mark, Options, PageCache, Rules};
use server::http::accept::{Limits, serve};
use server::http::client::ClientIp;
use server::http::events::{self, Events};
use server::http::front::Front;
use server::http::probes::{self, Probes};
use server::http::shell::{Shell, around};
use server::telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const ORIGIN: &str = "https://status.example.org";
pub(crate) const TOKEN: &str = "a-token-for-prometheus";

pub(crate) struct Harness {
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) control: CacheControl,
    pub(crate) assets: Assets,
    pub(crate) database_answers: Arc<AtomicBool>,
    pub(crate) views: Arc<AtomicUsize>,
    pub(crate) newest: watch::Sender<i64>,
}

/// Live pages that the harness lets follow along.
pub(crate) const STREAMS: usize = 80;

impl Harness {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits { head: Duration::from_millis(400), ..Limits::default() }).await
    }

    pub(crate) async fn start_with(limits: Limits) -> Self {
        let metrics = Metrics::new().unwrap();
        let shutdown = CancellationToken::new();
        let database_answers = Arc::new(AtomicBool::new(true));
        let views = Arc::new(AtomicUsize::new(0));
        let assets = Assets::load(true);
        let shell = Arc::new(Shell {
            origin: ORIGIN.into(),
            trusted: vec!["127.0.0.0/8".parse().unwrap()],
            stylesheet: assets.address("main.css"),
            time_limit: Duration::from_secs(2),
            metrics: metrics.clone(),
        });
        let probes = Probes {
            ready: {
                let answers = Arc::clone(&database_answers);
                probes::ready(move || {
                    let answers = answers.load(Ordering::SeqCst);
                    async move { if answers { Ok(()) } else { Err("connection refused".into()) } }
                })
            },
            shutdown: shutdown.clone(),
            metrics: metrics.clone(),
            token: Some(TOKEN.to_owned().into()),
        };
        let (newest, changes) = watch::channel(41);
        let live = Events::new(changes, STREAMS, shutdown.clone(), &metrics).unwrap();
        let router = handlers(Arc::clone(&views))
            .merge(probes::public(probes))
            .merge(events::routes(live))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&shell), around));
        let control = CacheControl::default();
        let render = router.clone();
        let cache = PageCache::new(
            Arc::new(move |request| {
                let router = render.clone();
                Box::pin(async move { tower::ServiceExt::oneshot(router, request).await.unwrap() })
            }),
            Rules::new(|path| path == "/" || path.starts_with("/history/")),
            control.clone(),
            Options::default(),
            Arc::new(Utc::now),
            metrics,
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let front = Arc::new(Front { cache, assets: assets.clone(), router, shell });
        let serving = tokio::spawn(serve(listener, front, limits, shutdown.clone()));
        let client = client().build().unwrap();
        Self { address, client, shutdown, serving, control, assets, database_answers, views, newest }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path)).header("origin", ORIGIN)
    }
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_gzip()
}

fn handlers(views: Arc<AtomicUsize>) -> Router {
    let page = move || {
        views.fetch_add(1, Ordering::SeqCst);
        async {
            Response::builder()
                .header(CONTENT_TYPE, "text/html; charset=utf-8")
                .header(MARK, Mark::public().header())
                .body(Body::from("<h1>All systems operational</h1>".repeat(30)))
                .unwrap()
        }
    };
    Router::new()
        .route("/", get(page.clone()))
        .route("/history/{month}", get(page))
        .route("/marked", get(|| async { ([(MARK, Mark::public().header())], "not a public path") }))
        .route("/echo", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/api/v1/import", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/ping/{id}", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/away", get(|| async { (StatusCode::SEE_OTHER, [(LOCATION, "/")]) }))
        .route("/panic", get(panics))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/told", get(|| async { (StatusCode::CONFLICT, "a told error") }))
        .route("/slow/{ms}", get(slow))
        .route("/me", get(|Extension(ClientIp(address)): Extension<ClientIp>| async move { address.to_string() }))
        .route(
            "/id",
            get(|headers: http::HeaderMap| async move { headers["x-request-id"].clone().to_str().unwrap().to_owned() }),
        )
        .route("/subscriptions/{token}", get(|| async { "yours" }))
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn slow(axum::extract::Path(ms): axum::extract::Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "done"
}

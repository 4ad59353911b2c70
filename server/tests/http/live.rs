//! The same server through a client that hides nothing: no decompression, no cookies, and a second node beside it.

use crate::test_app::{TestApp, story_noon};
use reqwest::{Method, RequestBuilder, Response};
use server::config::Flags;
use service::keys::Keys;
use service::zones::SystemZones;
use service::{Clock, Services};
use std::sync::Arc;
use storage::Db;
use storage::testing::Engine;
use tokio_util::sync::CancellationToken;

/// A node and a plain client of it.
pub(crate) struct Live {
    pub(crate) services: Services,
    pub(crate) base: String,
    http: reqwest::Client,
    app: Option<TestApp>,
}

impl Live {
    pub(crate) async fn start(engine: Engine) -> Self {
        let app = TestApp::start(engine).await;
        Self { services: app.services.clone(), base: app.base.clone(), http: plain(), app: Some(app) }
    }

    /// A second node of the same site: its own program and connections, the same database and public address.
    pub(crate) async fn another(&self) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let services = Services::new(service::Setup {
            db: Db::open(&self.app.as_ref().unwrap().db.address).await.unwrap(),
            clock: Clock::fixed(story_noon()),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: self.services.public_url.clone(),
            mail_configured: false,
        });
        let address = [("FERMATA_PUBLIC_URL".to_owned(), self.services.public_url.clone())];
        let settings = server::config::load(&Flags::default(), address).settings.unwrap();
        let serving = services.clone();
        tokio::spawn(async move {
            server::launch::serve(&settings, serving, listener, CancellationToken::new()).await.unwrap();
        });
        Self { services, base, http: plain(), app: None }
    }

    pub(crate) async fn stop_database(&mut self) {
        self.app.as_mut().unwrap().db.stop().await;
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_gzip().build().unwrap()
}

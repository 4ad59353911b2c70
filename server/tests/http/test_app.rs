//! A whole server on a free port.

use chrono::{DateTime, Utc};
use domain::text::Name;
use server::router::{AppState, routes};
use service::keys::Keys;
use service::zones::SystemZones;
use service::{Actor, Clock, Services};
use std::sync::Arc;
use storage::testing::{Engine, TestDb};

/// A running server with its database and clock.
pub struct TestApp {
    pub services: Services,
    pub client: reqwest::Client,
    pub base: String,
    pub db: TestDb,
}

/// Thursday of the story, noon UTC.
pub fn story_noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

impl TestApp {
    pub async fn start(engine: Engine) -> Self {
        let db = TestDb::start(engine).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let services = Services::new(service::Setup {
            db: db.db.clone(),
            clock: Clock::fixed(story_noon()),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: base.clone(),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let state = AppState {
            services: services.clone(),
            options: leptos::config::LeptosOptions::builder().output_name("fermata").build(),
            assets: app::context::Assets::default(),
        };
        let router = routes(state).layer(axum::Extension(Actor::public(None)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).cookie_store(true).build().unwrap();
        Self { services, client, base, db }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }
}

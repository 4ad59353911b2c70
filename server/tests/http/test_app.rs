//! A whole server on a free port.

use chrono::{DateTime, Utc};
use domain::ids::UserId;
use domain::people::{Role, Scope, User};
use domain::text::Name;
use reqwest::header::{self, HeaderMap};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use server::config::Flags;
use service::keys::Keys;
use service::people::tokens::NewToken;
use service::zones::SystemZones;
use service::{Actor, Clock, Services};
use std::sync::Arc;
use storage::session::Sessions;
use storage::testing::{Engine, TestDb};
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;

/// A running server with its database and clock.
pub(crate) struct TestApp {
    pub(crate) services: Services,
    /// A client without a session.
    pub(crate) anyone: TestClient,
    pub(crate) base: String,
    pub(crate) db: TestDb,
}

/// Thursday of the story, noon UTC.
pub(crate) fn story_noon() -> DateTime<Utc> {
    "2014-05-15T12:00:00Z".parse().unwrap()
}

impl TestApp {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::start_as(engine, None).await
    }

    /// With another public address than the one it listens on, as behind a proxy.
    pub(crate) async fn start_as(engine: Engine, public_url: Option<&str>) -> Self {
        Self::begin(engine, public_url, false).await
    }

    /// Where mails could leave, as far as the use cases know; the worker has no server to hand them to.
    pub(crate) async fn start_with_mail(engine: Engine) -> Self {
        Self::begin(engine, None, true).await
    }

    async fn begin(engine: Engine, public_url: Option<&str>, mail_configured: bool) -> Self {
        let db = TestDb::start(engine).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let public_url = public_url.unwrap_or(&base).to_owned();
        let services = Services::new(service::Setup {
            db: db.db.clone(),
            clock: Clock::fixed(story_noon()),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: public_url.clone(),
            mail_configured,
        });
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let address = [("FERMATA_PUBLIC_URL".to_owned(), public_url)];
        let settings = server::config::load(&Flags::default(), address).settings.unwrap();
        let serving = services.clone();
        tokio::spawn(async move {
            server::launch::serve(&settings, serving, listener, CancellationToken::new()).await.unwrap();
        });
        let anyone = TestClient::new(base.clone(), None, None);
        Self { services, anyone, base, db }
    }

    /// A page as anybody sees it.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.anyone.get(path).await
    }

    /// Sends a form as anybody.
    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.anyone.post_form(path, fields).await
    }

    /// Somebody else without a session, with cookies of their own.
    pub(crate) fn stranger(&self) -> TestClient {
        TestClient::new(self.base.clone(), None, None)
    }

    /// A new person with this role, already signed in.
    pub(crate) async fn sign_in_as(&self, role: Role) -> TestClient {
        let id: UserId = self.services.new_id();
        let name = format!("{} {}", role.as_str(), &id.0.simple().to_string()[20..]);
        let user = User {
            id,
            email: format!("{}@example.org", name.replace(' ', ".")),
            name: Name::parse(&name).unwrap(),
            role,
            disabled_at: None,
            has_password: false,
            signed_in_at: None,
            version: 1,
        };
        let mut tx = self.services.db.decide().await.unwrap();
        tx.add_user(&user, "", self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        let store = Arc::new(Sessions::new(self.services.db.clone()));
        let session = Session::new(None, store, None);
        app::session::begin(&session, id, self.services.now()).await.unwrap();
        session.save().await.unwrap();
        TestClient::new(self.base.clone(), Some(&format!("sid={}", session.id().unwrap())), None)
    }

    /// The text of a new bearer token.
    pub(crate) async fn token(&self, scopes: &[Scope]) -> String {
        let new = NewToken {
            name: "test".to_owned(),
            scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            valid_for: String::new(),
        };
        let made = self.services.add_token(&Actor::system(), &new).await.unwrap();
        made.text.expose_secret().to_owned()
    }

    /// A client that sends this token.
    pub(crate) fn with_token(&self, token: &str) -> TestClient {
        TestClient::new(self.base.clone(), None, Some(token))
    }
}

/// One browser or program: keeps its cookies, follows no redirects.
pub(crate) struct TestClient {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
}

impl TestClient {
    fn new(base: String, cookie: Option<&str>, token: Option<&str>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let jar = reqwest::cookie::Jar::default();
        if let Some(cookie) = cookie {
            jar.add_cookie_str(&format!("{cookie}; Path=/; HttpOnly"), &base.parse().unwrap());
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_provider(Arc::new(jar))
            .default_headers(headers)
            .build()
            .unwrap();
        Self { http, base }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    /// Sends a form as a browser does from one of our own pages.
    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.http.post(format!("{}{path}", self.base)).header("sec-fetch-site", "same-origin");
        request.form(fields).send().await.unwrap()
    }

    /// Sends JSON; with a token for the API.
    pub(crate) async fn send_json(&self, method: Method, path: &str, body: &serde_json::Value) -> Response {
        self.http.request(method, format!("{}{path}", self.base)).json(body).send().await.unwrap()
    }
}

/// A page that is there, as one reads it.
pub(crate) async fn shown(client: &TestClient, path: &str) -> String {
    let (status, page) = read(client.get(path).await).await;
    assert_eq!(status, 200, "{path}");
    page
}

/// An answer without what the renderer leaves between texts.
pub(crate) async fn read(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap().replace("<!>", ""))
}

/// The same with its characters as they are read.
pub(crate) async fn read_plain(answer: Response) -> (u16, String) {
    let (status, html) = read(answer).await;
    let plain = [("&quot;", "\""), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    (status, plain.into_iter().fold(html, |text, (from, to)| text.replace(from, to)))
}

/// An answer to a program.
pub(crate) async fn read_json(answer: Response) -> (u16, serde_json::Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// What a hidden field of a page holds.
pub(crate) fn carried(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\"");
    let tag = page.split('<').find(|tag| tag.contains(&field)).unwrap_or_else(|| panic!("{name}: {page}"));
    tag.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

//! The program beside a database that the test can look into.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::host::{Exemption, Host};
use domain::ids::{ComponentId, HostId, SubscriberId};
use domain::policy::PolicyOverride;
use domain::subscriber::{Subscriber, SubscriberState, Topics};
use domain::text::Name;
use domain::time::Span;
use secrecy::ExposeSecret;
use service::alerts::RuleInput;
use service::inventory::ComponentInput;
use service::keys::Keys;
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::zones::SystemZones;
use service::{Actor, Clock, Services, Setup};
use storage::testing::{Engine, TestDb};
use tempfile::TempDir;
use uuid::Uuid;

use crate::relay::Relay;

/// How long a started program may take until it serves.
const START: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) t: TestDb,
    pub(crate) services: Services,
    pub(crate) relay: Relay,
    folder: TempDir,
}

/// A running program; killed when dropped.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl World {
    pub(crate) async fn begin(engine: Engine) -> Self {
        let t = TestDb::start(engine).await;
        let services = Services::new(Setup {
            db: t.db.clone(),
            clock: Clock::System,
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: true,
        });
        services.found(name("Northwind Hosting"), "UTC".to_owned()).await.unwrap();
        let folder = tempfile::Builder::new().prefix("fermata-crash-").tempdir().unwrap();
        Self { t, services, relay: Relay::start(), folder }
    }

    /// Starts the program on this world's database.
    pub(crate) fn node(&self) -> Node {
        let address = free_address();
        let log = self.folder.path().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_fermata"))
            .arg("serve")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("FERMATA_LISTEN", address.to_string())
            .env("FERMATA_PUBLIC_URL", "https://status.example.org")
            .env("FERMATA_DATA_DIR", self.folder.path())
            .env("FERMATA_DATABASE", &self.t.address)
            .env("FERMATA_SECRET_KEY", "a secret key for tests that nobody uses")
            .env("FERMATA_SMTP_HOST", self.relay.address.ip().to_string())
            .env("FERMATA_SMTP_PORT", self.relay.address.port().to_string())
            .env("FERMATA_SMTP_TLS", "none")
            .env("FERMATA_SMTP_FROM", "status@example.org")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Node { address, child }
    }

    /// What the programs logged, for a test that fails.
    pub(crate) fn log(&self) -> String {
        let file: PathBuf = self.folder.path().join("log");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Waits until `done` says so.
    pub(crate) fn until(&self, what: &str, within: Duration, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + within;
        while !done() {
            assert!(Instant::now() < end, "{what} took longer than {within:?}; the end of the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// This many confirmed subscribers; gives their addresses in order.
    pub(crate) async fn subscribers(&self, count: usize) -> Vec<String> {
        let mut tx = self.t.db.write().await.unwrap();
        let mut emails = Vec::with_capacity(count);
        for n in 0..count {
            let now = self.services.now();
            let email = format!("reader{n:05}@example.net");
            let new = Subscriber {
                id: SubscriberId(Uuid::now_v7()),
                number: 0,
                email: email.clone(),
                zone: "UTC".to_owned(),
                state: SubscriberState::Confirmed,
                components: vec![],
                topics: Topics::default(),
                token_version: 1,
                confirm_sent_at: Some(now),
                created_at: now,
                confirmed_at: Some(now),
            };
            tx.add_subscriber(&new).await.unwrap();
            emails.push(email);
        }
        tx.commit().await.unwrap();
        emails
    }

    pub(crate) async fn host(&self, called: &str, exemption: Option<Exemption>) -> HostId {
        let id = HostId(Uuid::now_v7());
        let host = Host {
            id,
            name: name(called),
            note: String::new(),
            owner: String::new(),
            runs_on: None,
            exemption,
            policy: PolicyOverride::default(),
            retired_at: None,
            version: 1,
        };
        let mut tx = self.t.db.write().await.unwrap();
        tx.insert_host(&host, self.services.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A public component, behind which stands a host.
    pub(crate) async fn component(&self, called: &str, host: Option<HostId>) -> ComponentId {
        let hosts = host.iter().map(ToString::to_string).collect();
        let input = ComponentInput { name: called.to_owned(), hosts, ..ComponentInput::default() };
        self.services.add_component(&Actor::system(), input).await.unwrap().component.id
    }

    /// A token that may do all that programs do.
    pub(crate) async fn token(&self) -> String {
        let new = NewToken { name: "storm".to_owned(), scopes: vec!["admin".to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&Actor::system(), &new).await.unwrap();
        made.text.expose_secret().to_owned()
    }

    /// Causes are published as soon as the worker sees them, and over as soon as all is quiet.
    pub(crate) async fn publish_causes(&self) {
        let rule = RuleInput {
            name: "at once".to_owned(),
            action: "publish".to_owned(),
            delay: String::new(),
            quiet_for: "1 s".to_owned(),
            resolution: "post".to_owned(),
            ..RuleInput::default()
        };
        self.services.add_alert_rule(&Actor::system(), &rule).await.unwrap();
    }

    /// Publishes a window of a host that needs no backup.
    pub(crate) async fn publish(&self) {
        let now = self.services.now();
        let reason = Exemption { reason: "holds no data".to_owned(), by: "Ada".to_owned(), at: now };
        let host = self.host("router-1", Some(reason)).await;
        let local = |hours| Span::hours(hours).after(now).format("%Y-%m-%dT%H:%M").to_string();
        let input = MaintenanceInput {
            title: Some("Replace the power supply".to_owned()),
            message: Some("Expect **ten** minutes without network.".to_owned()),
            hosts: Some(vec![host.to_string()]),
            components: Some(vec![]),
            zone: Some("UTC".to_owned()),
            start: Some(local(30)),
            end: Some(local(32)),
            ..MaintenanceInput::default()
        };
        let planning = self.services.schedule_maintenance(&Actor::system(), Target::New, &input).await.unwrap();
        let Planning::Scheduled(_) = planning else { panic!("{planning:?}") };
    }
}

impl Node {
    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it serves.
    pub(crate) fn is_ready(&mut self) -> bool {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the program ended by itself: {status}");
        }
        get(self.address, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    pub(crate) fn wait_until_ready(&mut self, world: &World) {
        world.until("the start", START, || self.is_ready());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    get_within(address, path, Duration::from_secs(5))
}

pub(crate) fn get_within(address: SocketAddr, path: &str, patience: Duration) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

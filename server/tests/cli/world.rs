//! A job that reports to a server on a port of its own: the machine with the backup, and the server it tells.

use crate::{Home, free_port};
use domain::ids::{HostId, JobId};
use domain::run::Run;
use domain::text::Name;
use server::config::Flags;
use service::inventory::{DataSetInput, HostInput, JobInput};
use service::keys::Keys;
use service::runs::RunsQuery;
use service::zones::SystemZones;
use service::{Actor, Clock, Services, Setup};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::testing::{Engine, TestDb};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A job that reports to a server on a port of its own, running or not.
pub(crate) struct World {
    _db: TestDb,
    pub(crate) home: Home,
    pub(crate) services: Services,
    port: u16,
    pub(crate) host: HostId,
    pub(crate) job: JobId,
    pub(crate) address: Uuid,
}

impl World {
    pub(crate) async fn begin() -> Self {
        let db = TestDb::start(Engine::Sqlite).await;
        let port = free_port();
        let services = Services::new(Setup {
            db: db.db.clone(),
            clock: Clock::System,
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: format!("http://127.0.0.1:{port}"),
            mail_configured: false,
        });
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        let system = Actor::system();
        let host = HostInput { name: "web-12".to_owned(), ..HostInput::default() };
        let host = services.add_host(&system, host).await.unwrap().id;
        let set = DataSetInput { name: "database".to_owned(), kind: "database".to_owned() };
        let set = services.add_data_set(&system, host, set).await.unwrap().id;
        let job = JobInput {
            name: "dump".to_owned(),
            every: "24 h".to_owned(),
            max_duration: "1 h".to_owned(),
            ..JobInput::default()
        };
        let job = services.add_job(&system, set, job).await.unwrap();
        let address = services.keys.ping(job.id.0, job.ping_version);
        Self { _db: db, home: Home::new(), services, port, host, job: job.id, address }
    }

    pub(crate) async fn serve(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let address = [("FERMATA_PUBLIC_URL".to_owned(), self.server())];
        let settings = server::config::load(&Flags::default(), address).settings.unwrap();
        let services = self.services.clone();
        tokio::spawn(async move {
            server::launch::serve(&settings, services, listener, CancellationToken::new()).await.unwrap();
        });
    }

    pub(crate) fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.home.path("state/fermata")
    }

    pub(crate) fn waiting(&self) -> usize {
        std::fs::read_dir(self.spool()).map_or(0, Iterator::count)
    }

    /// `fermata run` as cron would call it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.fermata(&[&["run"], arguments].concat())
    }

    pub(crate) fn fermata(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command
            .env("PATH", std::env::var("PATH").unwrap())
            .env("XDG_STATE_HOME", self.home.path("state"))
            .env("FERMATA_JOB", self.address.to_string())
            .env("FERMATA_SERVER", self.server())
            .stdin(Stdio::null());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
    }

    pub(crate) async fn runs(&self) -> Vec<(Run, String)> {
        let system = Actor::system();
        let mut found = Vec::new();
        for line in self.services.runs(&system, &RunsQuery::default()).await.unwrap().items {
            let log = self.services.run(&system, line.run.id).await.unwrap().log.unwrap_or_default();
            found.push((line.run, log));
        }
        found
    }

    pub(crate) async fn only_run(&self) -> (Run, String) {
        let mut runs = self.runs().await;
        assert_eq!(runs.len(), 1);
        runs.remove(0)
    }
}

pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !is_so().await {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn ended(mut child: Child) -> i32 {
    tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().code().unwrap()
}

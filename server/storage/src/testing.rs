//! Real databases for tests: a SQLite file and a PostgreSQL server of our own.
//!
//! PostgreSQL is started by the test itself, in a temporary folder, as an unprivileged user, on a
//! socket in that folder. Where its programs are missing the test fails: it does not skip.
#![expect(clippy::panic, reason = "a test without its database has to fail")]

mod asked;

pub use asked::Asked;

use crate::Db;
use crate::db::on_tx;
use sqlx::AssertSqlSafe;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server of its own.
    Postgres,
}

/// A database that vanishes when dropped.
#[derive(Debug)]
pub struct TestDb {
    /// The opened database.
    pub db: Db,
    /// Its address, to open it once more.
    pub address: String,
    cluster: Option<Cluster>,
    _folder: TempDir,
}

impl TestDb {
    /// Starts one, with all migrations applied.
    pub async fn start(engine: Engine) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("fermata-test-")
            .tempdir()
            .unwrap_or_else(|e| panic!("temporary folder: {e}"));
        let (address, cluster) = match engine {
            Engine::Sqlite => (format!("sqlite:{}", folder.path().join("test.db").display()), None),
            Engine::Postgres => {
                let cluster = Cluster::start(folder.path());
                (cluster.address.clone(), Some(cluster))
            }
        };
        let db = Db::open(&address).await.unwrap_or_else(|e| panic!("open {address}: {e}"));
        Self { db, address, cluster, _folder: folder }
    }

    /// Everything that is stored, as somebody finds it who gets hold of a copy.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        if self.cluster.is_some() {
            let mut command = Command::new(programs().join("pg_dump"));
            let out = command.arg(&self.address).output().unwrap_or_else(|e| panic!("pg_dump: {e}"));
            assert!(out.status.success(), "pg_dump: {}", String::from_utf8_lossy(&out.stderr));
            return out.stdout;
        }
        let file = self.address.trim_start_matches("sqlite:");
        [file.to_owned(), format!("{file}-wal")].iter().filter_map(|file| std::fs::read(file).ok()).flatten().collect()
    }

    /// Stops the database under the running program. SQLite: its connections are closed.
    pub async fn stop(&mut self) {
        self.db.close().await;
        self.cluster = None;
    }

    /// Stops PostgreSQL alone, without a word to those who are connected, until [`Self::resume`].
    pub fn halt(&mut self) {
        self.cluster.as_mut().unwrap_or_else(|| panic!("only a server can be halted")).halt();
    }

    /// From now on PostgreSQL goes away from whoever adds to this table, at the commit.
    pub async fn lose_commits_to(&self, table: &str) {
        let mut tx = self.db.write().await.unwrap_or_else(|e| panic!("begin: {e}"));
        let leave = "create function leave() returns trigger language plpgsql as
             $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$";
        let at_commit = format!(
            "create constraint trigger leave after insert on {table} deferrable initially deferred
             for each row execute function leave()"
        );
        for statement in [leave.to_owned(), at_commit] {
            let done = on_tx!(tx, |x| sqlx::query(AssertSqlSafe(statement)).execute(x).await.map(|_| ()));
            done.unwrap_or_else(|e| panic!("{table}: {e}"));
        }
        tx.commit().await.unwrap_or_else(|e| panic!("commit: {e}"));
    }

    /// Starts it again with all that was committed.
    pub fn resume(&mut self) {
        self.cluster.as_mut().unwrap_or_else(|| panic!("only a server can be halted")).boot();
    }
}

/// A PostgreSQL server in a folder.
#[derive(Debug)]
pub struct Cluster {
    /// `postgres://…` over its socket.
    pub address: String,
    folder: PathBuf,
    arguments: Vec<String>,
    /// None while it is halted.
    server: Option<Child>,
}

impl Cluster {
    /// Makes and starts one below `folder`.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::with(folder, &[])
    }

    /// Starts one with more of the server's arguments.
    #[must_use]
    pub fn with(folder: &Path, arguments: &[&str]) -> Self {
        let bin = programs();
        let data = folder.join("pg");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder));
        }
        run(as_postgres(Path::new("cp")).arg("-a").arg(empty_cluster(&bin)).arg(&data));
        let mut cluster = Self {
            address: format!("postgres://fermata@localhost/postgres?host={}", folder.display()),
            folder: folder.to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            server: None,
        };
        cluster.boot();
        cluster
    }

    fn boot(&mut self) {
        let (bin, folder) = (programs(), &self.folder);
        let server = as_postgres(&bin.join("postgres"))
            .arg("-D")
            .arg(folder.join("pg"))
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "shared_buffers=16MB",
                "-c",
                "max_connections=60",
                "-k",
            ])
            .arg(folder)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("start PostgreSQL: {e}"));
        self.server = Some(server);
        let until = Instant::now() + Duration::from_secs(30);
        let ready = || {
            Command::new(bin.join("pg_isready"))
                .arg("-q")
                .arg("-h")
                .arg(&self.folder)
                .status()
                .is_ok_and(|status| status.success())
        };
        while !ready() {
            assert!(Instant::now() < until, "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn halt(&mut self) {
        if let Some(mut server) = self.server.take() {
            // SIGQUIT is PostgreSQL's immediate shutdown: children end with it.
            let _ = Command::new("kill").arg("-QUIT").arg(server.id().to_string()).status();
            let _ = server.wait();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.halt();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}

fn as_postgres(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=QUIT"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn run(command: &mut Command) {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// An empty cluster to copy: making one costs more than most tests do. Made once per machine and version of PostgreSQL.
fn empty_cluster(bin: &Path) -> PathBuf {
    let version =
        Command::new(bin.join("postgres")).arg("--version").output().map(|out| out.stdout).unwrap_or_default();
    let version: String = String::from_utf8_lossy(&version).chars().filter(char::is_ascii_alphanumeric).collect();
    let shared = std::env::temp_dir().join(format!("fermata-{version}-empty-1"));
    if !shared.join("cluster/PG_VERSION").exists() {
        let folder = tempfile::Builder::new()
            .prefix("fermata-empty-")
            .tempdir()
            .unwrap_or_else(|e| panic!("temporary folder: {e}"));
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        run(as_postgres(&bin.join("initdb"))
            .args([
                "--auth=trust",
                "--username=fermata",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--wal-segsize=1",
                "-D",
            ])
            .arg(folder.path().join("cluster")));
        // Whoever is first wins; the others' copies are as good and go away with their folders.
        if std::fs::rename(folder.path(), &shared).is_ok() {
            let _ = folder.keep();
        }
    }
    shared.join("cluster")
}

/// Where `initdb` and `postgres` are: Debian keeps them out of the path.
fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|e| e.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("PostgreSQL's server programs are not installed (apt: postgresql)"))
}

/// Makes two tests of one `async fn name(engine: Engine)`: on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::testing::Engine::Sqlite).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::testing::Engine::Postgres).await;
            })+
        }
    };
}

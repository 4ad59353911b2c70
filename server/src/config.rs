//! What the operator may set, where each value came from, and what is wrong with it.
//!
//! A value is taken from the first that has it: command line, `FERMATA_*` variable, TOML file, default. Nothing here
//! opens a socket or a database, and nothing is written: the secret key file is only created by [`KeySource::load`].

mod keys;
mod layers;
mod report;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use keys::{KEYS, Key};
pub use layers::{Flags, Source};
pub use report::Effective;
pub use values::{KeySource, SecretKeys};

/// Everything the server needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where pages are served.
    pub listen: SocketAddr,
    /// The address people type, without a trailing slash in [`Settings::origin`].
    pub public_url: Url,
    /// Where everything is kept.
    pub database: Database,
    /// Folder for the SQLite file and the secret key.
    pub data_dir: PathBuf,
    /// Where the key comes from that signs links and cookies.
    pub secret_key: KeySource,
    /// How mail leaves; `None` keeps mail in the outbox for operators to see.
    pub smtp: Option<Smtp>,
    /// Who may read `/metrics`.
    pub metrics: Metrics,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Private networks in which backup triggers and webhooks of the site may be called.
    pub trigger_allow: Vec<IpNet>,
    /// How logs look.
    pub log: Log,
    /// Load the demo week into an empty database.
    pub demo: bool,
    /// Connections served at the same time; more wait in the kernel's queue.
    pub max_connections: usize,
    /// Live pages that follow along at the same time; their connections come on top of the others.
    pub max_streams: usize,
}

impl Settings {
    /// The `Origin` a browser sends from our own pages: scheme, host and port, nothing behind.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }
}

/// The two databases Fermata runs on.
#[derive(Clone)]
pub enum Database {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A server; the URL may hold a password.
    Postgres(SecretString),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// The relay that takes our mail.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Name or address of the relay.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// Name and password, always together.
    pub login: Option<SmtpLogin>,
    /// Sender address; bounces come back here.
    pub from: String,
    /// Sender name shown to the reader.
    pub from_name: String,
    /// Connections at the same time.
    pub connections: usize,
    /// Most messages in one second, over all connections; `None` is as fast as the relay takes them.
    pub rate: Option<u32>,
}

/// Name and password for the relay.
#[derive(Debug, Clone)]
pub struct SmtpLogin {
    /// User name.
    pub user: String,
    /// Password.
    pub password: SecretString,
}

/// Protection of the SMTP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Clear text; for a relay on the same machine.
    None,
    /// STARTTLS or no mail at all.
    Required,
    /// TLS from the first byte (port 465).
    Wrapped,
    /// STARTTLS when it is offered.
    Opportunistic,
}

/// Where `/metrics` is answered. With neither set it does not exist.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// A listener of its own, on a loopback address.
    pub listen: Option<SocketAddr>,
    /// Bearer token that opens `/metrics` on the public listener.
    pub token: Option<SecretString>,
}

/// How logs look.
#[derive(Debug, Clone)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// `tracing` filter, such as `info` or `info,server=debug`.
    pub level: String,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line.
    Human,
    /// One JSON object a line.
    Json,
}

/// One thing that stops the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as in the TOML file (`smtp.port`).
    pub key: String,
    /// The value and where it stands; secrets are never in here.
    pub given: Option<(String, Source)>,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.given {
            Some((value, source)) => write!(f, "{} = {value} (from {source}): {}", self.key, self.message),
            None => write!(f, "{}: {}", self.key, self.message),
        }
    }
}

/// Everything that stops the start, in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// What the sources gave together: settings or problems, and what to tell the operator either way.
#[derive(Debug)]
pub struct Loaded {
    /// The settings, or everything that is wrong.
    pub settings: Result<Settings, ConfigError>,
    /// Each key with its value (secrets hidden) and its source.
    pub effective: Vec<Effective>,
    /// Not wrong, but probably not meant: unknown variables, a key file others can read.
    pub warnings: Vec<String>,
    /// What works less well until it is set.
    pub missing: Vec<String>,
}

/// Reads the environment and the file named by `--config` or `FERMATA_CONFIG` and puts everything together.
pub fn load(flags: &Flags, env: impl IntoIterator<Item = (String, String)>) -> Loaded {
    let mut layers = layers::Layers::collect(flags, env);
    values::settle(&mut layers)
}

#[cfg(test)]
mod tests;

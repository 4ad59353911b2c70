//! Gives the text of each key its meaning. Collects every problem instead of stopping at the first.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::keys::{self, Key};
use super::layers::Layers;
use super::report::Effective;
use super::{
    ConfigError, Database, Loaded, Log, LogFormat, Metrics, Problem, Settings, Smtp, SmtpLogin, SmtpTls, Source,
};

const SHORTEST_KEY: usize = 32;
const SHORTEST_TOKEN: usize = 16;

/// Where the key comes from that signs links and cookies.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// From a variable or the TOML file.
    Given(SecretString),
    /// From a file: first line in use, further lines older keys that are still accepted.
    File {
        /// Where it is.
        path: PathBuf,
        /// Make it when it is not there (SQLite only: a second node would make another one).
        create: bool,
    },
}

/// Keys that sign what leaves the house.
#[derive(Debug, Clone)]
pub struct SecretKeys {
    /// Signs.
    pub current: SecretString,
    /// Only checks what was signed before.
    pub previous: Vec<SecretString>,
}

impl KeySource {
    /// Reads the keys; makes the file (mode 0600) where that is allowed.
    ///
    /// # Errors
    /// The file cannot be read or made, or a line in it is too short to be a key.
    pub fn load(&self) -> anyhow::Result<SecretKeys> {
        match self {
            Self::Given(key) => Ok(SecretKeys { current: key.clone(), previous: Vec::new() }),
            Self::File { path, create } => {
                if *create && !path.exists() {
                    create_key_file(path).with_context(|| format!("making the key file {}", path.display()))?;
                }
                let text =
                    fs::read_to_string(path).with_context(|| format!("reading the key file {}", path.display()))?;
                let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
                    anyhow::ensure!(
                        line.len() >= SHORTEST_KEY,
                        "{}: a key must have at least {SHORTEST_KEY} characters",
                        path.display()
                    );
                    Ok(SecretString::from(line))
                });
                let current = lines.next().with_context(|| format!("{} holds no key", path.display()))??;
                Ok(SecretKeys { current, previous: lines.collect::<anyhow::Result<_>>()? })
            }
        }
    }
}

fn create_key_file(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            writeln!(file, "{}", hex::encode(random))?;
            file.sync_all()?;
            Ok(())
        }
        // Another process on this machine was quicker; its key is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Turns the layers into settings, or into everything that is wrong with them.
pub(super) fn settle(layers: &mut Layers) -> Loaded {
    let mut reader = Reader {
        problems: std::mem::take(&mut layers.problems),
        warnings: std::mem::take(&mut layers.warnings),
        missing: Vec::new(),
        effective: Vec::new(),
        layers,
    };
    let settings = reader.settings();
    let Reader { problems, warnings, missing, mut effective, .. } = reader;
    effective.sort_by_key(|row| keys::KEYS.iter().position(|key| key.name == row.key));
    Loaded {
        settings: match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(ConfigError(problems)),
        },
        effective,
        warnings,
        missing,
    }
}

struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    missing: Vec<String>,
    effective: Vec<Effective>,
}

impl Reader<'_> {
    /// `None` only where a problem has been noted.
    fn settings(&mut self) -> Option<Settings> {
        let listen = self.parsed("listen", |text| text.parse::<SocketAddr>().ok());
        let public_url = self.public_url(listen);
        let data_dir = self.parsed("data_dir", path);
        let database = self.database(data_dir.as_deref());
        let secret_key = self.secret_key(data_dir.as_deref(), database.as_ref());
        let smtp = self.smtp();
        let metrics = Metrics {
            listen: self.optional("metrics_listen", |text| {
                text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback())
            }),
            token: self
                .optional("metrics_token", |text| (text.len() >= SHORTEST_TOKEN).then(|| SecretString::from(text))),
        };
        let trusted_proxies = self.networks("trusted_proxies");
        let trigger_allow = self.networks("trigger_allow");
        let log = Log {
            format: self
                .parsed("log.format", |text| match text {
                    "human" => Some(LogFormat::Human),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                })
                .unwrap_or(LogFormat::Human),
            level: self
                .parsed("log.level", |text| crate::telemetry::is_filter(text).then(|| text.to_owned()))
                .unwrap_or_default(),
        };
        let demo = self.parsed("demo", |text| match text {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        });
        let max_connections = self.number("max_connections", 16..=1_000_000);
        let max_streams = self.number("max_streams", 0..=1_000_000);
        Some(Settings {
            listen: listen?,
            public_url: public_url?,
            database: database?,
            data_dir: data_dir?,
            secret_key: secret_key?,
            smtp: smtp?,
            metrics,
            trusted_proxies,
            trigger_allow,
            log,
            demo: demo?,
            max_connections: max_connections?,
            max_streams: max_streams?,
        })
    }

    fn public_url(&mut self, listen: Option<SocketAddr>) -> Option<Url> {
        if self.layers.get("public_url").is_some() {
            let url = self.optional("public_url", |text| Url::parse(text).ok().filter(is_public_url))?;
            let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            if url.scheme() == "http" && !local {
                self.missing.push(format!(
                    "public_url is {url}: without https everybody on the way can read passwords and sessions"
                ));
            }
            return Some(url);
        }
        let listen = listen?;
        if !listen.ip().is_loopback() {
            self.missing
                .push("public_url is not set: links in mails and calendars will point to this machine only".to_owned());
        }
        let host = match listen.ip() {
            address if address.is_unspecified() => "localhost".to_owned(),
            IpAddr::V6(address) => format!("[{address}]"),
            IpAddr::V4(address) => address.to_string(),
        };
        let url = Url::parse(&format!("http://{host}:{}/", listen.port())).ok()?;
        self.show("public_url", url.to_string(), Source::Derived);
        Some(url)
    }

    fn database(&mut self, data_dir: Option<&Path>) -> Option<Database> {
        if self.layers.get("database").is_none() {
            let path = data_dir?.join("fermata.db");
            self.show("database", format!("sqlite:{}", path.display()), Source::Derived);
            return Some(Database::Sqlite(path));
        }
        self.optional("database", |text| {
            if let Some(file) = text.strip_prefix("sqlite:") {
                let file = file.strip_prefix("//").unwrap_or(file);
                return (!file.is_empty() && !file.starts_with(':') && !file.contains('?'))
                    .then(|| Database::Sqlite(file.into()));
            }
            let url = Url::parse(text).ok()?;
            matches!(url.scheme(), "postgres" | "postgresql").then(|| Database::Postgres(SecretString::from(text)))
        })
    }

    fn secret_key(&mut self, data_dir: Option<&Path>, database: Option<&Database>) -> Option<KeySource> {
        let given = self.optional("secret_key", |text| (text.len() >= SHORTEST_KEY).then(|| SecretString::from(text)));
        let file = self.optional("secret_key_file", path);
        match (given, file) {
            (Some(_), Some(_)) => self.refuse("secret_key", "set secret_key or secret_key_file, not both"),
            (Some(key), None) => Some(KeySource::Given(key)),
            (None, Some(path)) => {
                self.readable("secret_key_file", &path)?;
                self.warn_if_open(&path);
                Some(KeySource::File { path, create: false })
            }
            // The problem is noted already.
            (None, None) if self.layers.get("secret_key").is_some() => None,
            (None, None) => match database? {
                Database::Postgres(_) => self.refuse(
                    "secret_key",
                    "needed with PostgreSQL, the same on every node: set secret_key or secret_key_file \
                     (`openssl rand -hex 32` makes a key)",
                ),
                Database::Sqlite(_) => {
                    let path = data_dir?.join("secret.key");
                    self.warn_if_open(&path);
                    self.show("secret_key_file", path.display().to_string(), Source::Derived);
                    Some(KeySource::File { path, create: true })
                }
            },
        }
    }

    /// The outer `None` stands for a problem, the inner one for "no mail".
    fn smtp(&mut self) -> Option<Option<Smtp>> {
        let host = self.optional("smtp.host", |text| {
            (!text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b)))
                .then(|| text.to_owned())
        });
        let tls = self.parsed("smtp.tls", |text| match text {
            "none" => Some(SmtpTls::None),
            "starttls" => Some(SmtpTls::Required),
            "tls" => Some(SmtpTls::Wrapped),
            "opportunistic" => Some(SmtpTls::Opportunistic),
            _ => None,
        });
        let port = match self.layers.get("smtp.port") {
            Some(_) => self.number("smtp.port", 1..=65535).and_then(|port| u16::try_from(port).ok()),
            None => {
                let port = match tls {
                    Some(SmtpTls::Wrapped) => 465,
                    Some(SmtpTls::Required) => 587,
                    Some(SmtpTls::None | SmtpTls::Opportunistic) | None => 25,
                };
                self.show("smtp.port", port.to_string(), Source::Derived);
                Some(port)
            }
        };
        let user = self.optional("smtp.user", line);
        let password = self.smtp_password();
        let from = self.optional("smtp.from", |text| is_mailbox(text).then(|| text.to_owned()));
        let from_name = self.parsed("smtp.from_name", line);
        let connections = self.number("smtp.connections", 1..=64);
        let rate = match self.layers.get("smtp.rate") {
            Some(_) => Some(self.number("smtp.rate", 1..=100_000)?.try_into().ok()?),
            None => None,
        };
        let Some(host) = host else {
            if self.layers.get("smtp.host").is_some() {
                return None;
            }
            self.missing.push(
                "smtp.host is not set: no mail leaves; the team sees under Deliveries what would have".to_owned(),
            );
            return Some(None);
        };
        if self.layers.get("smtp.from").is_none() {
            return self.refuse("smtp.from", "needed with smtp.host: the address mails come from");
        }
        let login = match (user, password?) {
            (Some(user), Some(password)) => Some(SmtpLogin { user, password }),
            (None, None) => None,
            (Some(_), None) => {
                return self.refuse("smtp.password", "needed with smtp.user (or smtp.password_file)");
            }
            (None, Some(_)) => return self.refuse("smtp.user", "needed with smtp.password"),
        };
        if login.is_some() && tls == Some(SmtpTls::None) {
            self.warnings.push("smtp.tls is none: the password goes to the relay in clear text".to_owned());
        }
        Some(Some(Smtp {
            host,
            port: port?,
            tls: tls?,
            login,
            from: from?,
            from_name: from_name?,
            connections: connections?,
            rate,
        }))
    }

    fn smtp_password(&mut self) -> Option<Option<SecretString>> {
        let direct = self.optional("smtp.password", |text| Some(SecretString::from(text)));
        let file = self.optional("smtp.password_file", path);
        match (direct, file) {
            (Some(_), Some(_)) => self.refuse("smtp.password", "set smtp.password or smtp.password_file, not both"),
            (Some(password), None) => Some(Some(password)),
            (None, Some(path)) => {
                let text = self.readable("smtp.password_file", &path)?;
                self.warn_if_open(&path);
                Some(Some(SecretString::from(text.expose_secret().trim_end_matches(['\r', '\n']))))
            }
            (None, None) => Some(None),
        }
    }

    fn networks(&mut self, key: &str) -> Vec<IpNet> {
        self.optional(key, |text| {
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| part.parse().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from)))
                .collect()
        })
        .unwrap_or_default()
    }

    fn number(&mut self, key: &str, allowed: std::ops::RangeInclusive<usize>) -> Option<usize> {
        self.parsed(key, |text| text.parse().ok().filter(|number| allowed.contains(number)))
    }

    /// The value of a key that has a default.
    fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        if self.layers.get(key).is_some() {
            return self.optional(key, parse);
        }
        let default = keys::find(key)?.default;
        self.show(key, default.to_owned(), Source::Default);
        parse(default)
    }

    /// The value of a key that may be absent. `None` is "absent" or "wrong"; what is wrong has been noted.
    fn optional<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Some((text, source)) = self.layers.get(key) else {
            if let Some(key) = keys::find(key) {
                self.show(key.name, String::new(), Source::Default);
            }
            return None;
        };
        let shown = keys::find(key).map(|key| shown(key, text)).unwrap_or_default();
        let parsed = parse(text);
        if parsed.is_none() {
            let allowed = keys::find(key).map(|key| key.allowed).unwrap_or_default();
            self.problems.push(Problem {
                key: key.to_owned(),
                given: Some((shown.clone(), source.clone())),
                message: format!("must be {allowed}"),
            });
        }
        self.show(key, shown, source.clone());
        parsed
    }

    fn refuse<T>(&mut self, key: &str, message: &str) -> Option<T> {
        self.problems.push(Problem { key: key.to_owned(), given: None, message: message.to_owned() });
        None
    }

    fn readable(&mut self, key: &str, path: &Path) -> Option<SecretString> {
        match fs::read_to_string(path) {
            Ok(text) => Some(SecretString::from(text)),
            Err(error) => self.refuse(key, &format!("{} cannot be read: {error}", path.display())),
        }
    }

    fn warn_if_open(&mut self, path: &Path) {
        let open = fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
        if open {
            self.warnings.push(format!("{} can be read by other users: chmod 600 it", path.display()));
        }
    }

    fn show(&mut self, key: &str, value: String, source: Source) {
        if let Some(key) = keys::find(key) {
            self.effective.retain(|row| row.key != key.name);
            self.effective.push(Effective { key: key.name, value, source });
        }
    }
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| PathBuf::from(text))
}

fn line(text: &str) -> Option<String> {
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// Only a first look that keeps control characters and lists out; the mail builder reads it again.
fn is_mailbox(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace() || ",;<>()\"".contains(c));
    plain
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn is_public_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// A value as it may appear on a screen or in a log.
fn shown(key: &Key, text: &str) -> String {
    if key.secret {
        return "(hidden)".to_owned();
    }
    if key.name == "database"
        && let Ok(mut url) = Url::parse(text)
        && url.scheme() != "sqlite"
    {
        // Drivers also take a password in the query, and a value that cannot be read may be one as a whole.
        if url.password().is_some() && url.set_password(Some("…")).is_err() {
            return "(hidden)".to_owned();
        }
        if url.query().is_some() {
            url.set_query(Some("…"));
        }
        return url.to_string().replace("%E2%80%A6", "…");
    }
    if key.name == "database" && !text.starts_with("sqlite:") {
        return "(hidden)".to_owned();
    }
    if key.name == "public_url" && text.contains('@') {
        return "(hidden)".to_owned();
    }
    text.replace(char::is_control, "\u{fffd}")
}

impl fmt::Display for SmtpTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Required => "starttls",
            Self::Wrapped => "tls",
            Self::Opportunistic => "opportunistic",
        })
    }
}

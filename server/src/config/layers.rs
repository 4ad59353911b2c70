//! The sources of values, laid over each other. Everything is text here; [`super::values`] gives it meaning.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Problem;
use super::keys::{self, KEYS};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// Made from other keys.
    Derived,
    /// The TOML file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// The command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Derived => f.write_str("derived"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Settings on the command line; they win over everything else. Secrets are missing on purpose: a command line can be
/// read by everyone on the machine.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// TOML file with settings [env: FERMATA_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to serve on [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Address people type; links in mails start with it
    #[arg(long, global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// Folder for the SQLite file and the secret key
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// sqlite:PATH or postgres://user:password@host/name
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// File with the key that signs links and cookies
    #[arg(long, global = true, value_name = "FILE")]
    pub secret_key_file: Option<String>,
    /// Mail relay
    #[arg(long, global = true, value_name = "HOST", help_heading = "Mail")]
    pub smtp_host: Option<String>,
    /// Port of the mail relay
    #[arg(long, global = true, value_name = "PORT", help_heading = "Mail")]
    pub smtp_port: Option<String>,
    /// none, starttls, tls or opportunistic
    #[arg(long, global = true, value_name = "MODE", help_heading = "Mail")]
    pub smtp_tls: Option<String>,
    /// Name to sign in at the relay
    #[arg(long, global = true, value_name = "NAME", help_heading = "Mail")]
    pub smtp_user: Option<String>,
    /// File with the relay's password
    #[arg(long, global = true, value_name = "FILE", help_heading = "Mail")]
    pub smtp_password_file: Option<String>,
    /// Sender address
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "Mail")]
    pub smtp_from: Option<String>,
    /// Sender name
    #[arg(long, global = true, value_name = "NAME", help_heading = "Mail")]
    pub smtp_from_name: Option<String>,
    /// Connections to the relay at the same time
    #[arg(long, global = true, value_name = "N", help_heading = "Mail")]
    pub smtp_connections: Option<String>,
    /// Most messages in one second
    #[arg(long, global = true, value_name = "N", help_heading = "Mail")]
    pub smtp_rate: Option<String>,
    /// Loopback address and port for /metrics
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "Operation")]
    pub metrics_listen: Option<String>,
    /// Proxies whose X-Forwarded-For is believed
    #[arg(long, global = true, value_name = "CIDRS", help_heading = "Operation")]
    pub trusted_proxies: Option<String>,
    /// Private networks in which backup triggers and webhooks of the site may be called
    #[arg(long, global = true, value_name = "CIDRS", help_heading = "Operation")]
    pub trigger_allow: Option<String>,
    /// Connections served at the same time
    #[arg(long, global = true, value_name = "N", help_heading = "Operation")]
    pub max_connections: Option<String>,
    /// Live pages that follow along at the same time
    #[arg(long, global = true, value_name = "N", help_heading = "Operation")]
    pub max_streams: Option<String>,
    /// human or json
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Operation")]
    pub log_format: Option<String>,
    /// error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Operation")]
    pub log_level: Option<String>,
    /// Load the demo week into an empty database
    #[arg(long, global = true)]
    pub demo: bool,
}

impl Flags {
    fn given(&self) -> Vec<(&'static str, &str)> {
        let texts = [
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("data_dir", &self.data_dir),
            ("database", &self.database),
            ("secret_key_file", &self.secret_key_file),
            ("smtp.host", &self.smtp_host),
            ("smtp.port", &self.smtp_port),
            ("smtp.tls", &self.smtp_tls),
            ("smtp.user", &self.smtp_user),
            ("smtp.password_file", &self.smtp_password_file),
            ("smtp.from", &self.smtp_from),
            ("smtp.from_name", &self.smtp_from_name),
            ("smtp.connections", &self.smtp_connections),
            ("smtp.rate", &self.smtp_rate),
            ("metrics_listen", &self.metrics_listen),
            ("trusted_proxies", &self.trusted_proxies),
            ("trigger_allow", &self.trigger_allow),
            ("max_connections", &self.max_connections),
            ("max_streams", &self.max_streams),
            ("log.format", &self.log_format),
            ("log.level", &self.log_level),
        ];
        let mut given: Vec<_> = texts.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?))).collect();
        if self.demo {
            given.push(("demo", "true"));
        }
        given
    }
}

/// The text of each key with the source that won.
#[derive(Debug, Default)]
pub(super) struct Layers {
    values: BTreeMap<&'static str, (String, Source)>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl Layers {
    pub(super) fn collect(flags: &Flags, env: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut layers = Self::default();
        // A variable that is empty counts as not set: that is how compose files pass on what nobody filled in.
        let variables: BTreeMap<String, String> =
            env.into_iter().filter(|(name, value)| name.starts_with("FERMATA_") && !value.is_empty()).collect();
        let file = flags.config.clone().or_else(|| variables.get("FERMATA_CONFIG").map(PathBuf::from));
        if let Some(path) = file {
            layers.read_file(&path);
        }
        for (name, value) in variables {
            layers.take_variable(&name, value);
        }
        for (key, value) in flags.given() {
            let flag = keys::find(key).and_then(|key| key.flag()).unwrap_or_default();
            layers.values.insert(key, (value.to_owned(), Source::Flag(flag)));
        }
        layers
    }

    pub(super) fn get(&self, key: &str) -> Option<(&str, &Source)> {
        self.values.get(key).map(|(value, source)| (value.as_str(), source))
    }

    fn take_variable(&mut self, name: &str, value: String) {
        if name == "FERMATA_CONFIG" {
            return;
        }
        match KEYS.iter().find(|key| key.variable() == name) {
            Some(key) => {
                self.values.insert(key.name, (value, Source::Variable(name.to_owned())));
            }
            // Not a reason to refuse: a container platform sets FERMATA_PORT and the like for a service of this name.
            None => {
                let nearest = keys::nearest(&name["FERMATA_".len()..].to_lowercase())
                    .and_then(keys::find)
                    .map(|key| format!(", did you mean {}?", key.variable()))
                    .unwrap_or_default();
                self.warnings.push(format!("the variable {name} is not known and was ignored{nearest}"));
            }
        }
    }

    fn read_file(&mut self, path: &Path) {
        let table = std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
            .and_then(|text| {
                text.parse::<toml::Table>().map_err(|error| format!("{} is not TOML: {error}", path.display()))
            });
        match table {
            Ok(table) => self.take_table(path, "", table),
            Err(message) => self.problems.push(Problem { key: "config".to_owned(), given: None, message }),
        }
    }

    fn take_table(&mut self, path: &Path, prefix: &str, table: toml::Table) {
        for (name, value) in table {
            let full = format!("{prefix}{name}");
            let is_table = KEYS.iter().any(|key| key.name.starts_with(&format!("{full}.")));
            match (value, keys::find(&full)) {
                (toml::Value::Table(inner), _) if is_table => self.take_table(path, &format!("{full}."), inner),
                (value, Some(key)) => match plain(value) {
                    Some(text) => {
                        self.values.insert(key.name, (text, Source::File(path.to_owned())));
                    }
                    None => self.problems.push(Problem {
                        key: full,
                        given: None,
                        message: format!("in {}: must be {}", path.display(), key.allowed),
                    }),
                },
                (_, None) => {
                    let nearest =
                        keys::nearest(&full).map(|name| format!(", did you mean {name}?")).unwrap_or_default();
                    self.problems.push(Problem {
                        key: full,
                        given: None,
                        message: format!("not a key Fermata knows (in {}){nearest}", path.display()),
                    });
                }
            }
        }
    }
}

/// A TOML value as the text a variable would hold; lists are joined by commas.
fn plain(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            items.into_iter().map(plain).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

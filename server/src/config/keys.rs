//! The one list of keys: names, what is allowed, what they are for.

/// A thing that can be set.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name in the TOML file; a dot is a table.
    pub name: &'static str,
    /// Shown as it is, or only as "set".
    pub secret: bool,
    /// What holds when nobody says anything.
    pub default: &'static str,
    /// What a value may be.
    pub allowed: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

impl Key {
    /// The environment variable: `smtp.port` is `FERMATA_SMTP_PORT`.
    pub fn variable(&self) -> String {
        format!("FERMATA_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// The flag, for keys that have one: `smtp.port` is `--smtp-port`. Secrets have none, because everyone on the
    /// machine can read a command line.
    pub fn flag(&self) -> Option<String> {
        (!self.secret).then(|| format!("--{}", self.name.replace(['.', '_'], "-")))
    }
}

const fn key(name: &'static str, default: &'static str, allowed: &'static str, purpose: &'static str) -> Key {
    Key { name, secret: false, default, allowed, purpose }
}

const fn secret(name: &'static str, allowed: &'static str, purpose: &'static str) -> Key {
    Key { name, secret: true, default: "", allowed, purpose }
}

const CIDRS: &str = "networks such as 10.0.0.0/8 or fd00::/8, separated by commas (a list in TOML)";
const FILE: &str = "the path of a readable file";

/// Every key, in the order in which `fermata check` prints them.
pub const KEYS: &[Key] = &[
    key(
        "listen",
        "127.0.0.1:8080",
        "an address and a port, such as 127.0.0.1:8080 or [::]:8080",
        "Where pages are served.",
    ),
    key(
        "public_url",
        "",
        "http:// or https://, a host and nothing behind it",
        "The address people type; links in mails and calendars start with it. Default: made from `listen`.",
    ),
    key("data_dir", "fermata-data", "the path of a folder", "Folder for the SQLite file and the secret key."),
    key(
        "database",
        "",
        "sqlite:PATH or postgres://user:password@host/name",
        "Where everything is kept. Default: `sqlite:` and `fermata.db` in `data_dir`.",
    ),
    secret(
        "secret_key",
        "at least 32 characters; `openssl rand -hex 32` makes one",
        "Signs links and cookies. Needed with PostgreSQL, the same on every node.",
    ),
    key(
        "secret_key_file",
        "",
        FILE,
        "The same from a file: first line in use, further lines older keys that are still accepted. Default with SQLite: `secret.key` in `data_dir`, made at the first start.",
    ),
    key(
        "smtp.host",
        "",
        "the name or address of a mail relay",
        "Mail relay. Without it no mail leaves; operators see what would have.",
    ),
    key("smtp.port", "", "a number from 1 to 65535", "Port of the relay. Default: 25, 587 for starttls, 465 for tls."),
    key("smtp.tls", "starttls", "none, starttls, tls or opportunistic", "Protection of the connection to the relay."),
    key("smtp.user", "", "text without control characters", "Name to sign in at the relay."),
    secret("smtp.password", "text", "Password to sign in at the relay."),
    key("smtp.password_file", "", FILE, "The same from a file."),
    key("smtp.from", "", "an e-mail address", "Sender address. Needed with `smtp.host`."),
    key("smtp.from_name", "Fermata", "text without control characters", "Sender name."),
    key("smtp.connections", "4", "a number from 1 to 64", "Connections to the relay at the same time."),
    key("smtp.rate", "", "a number from 1 to 100000", "Most messages in one second. Default: no limit."),
    key(
        "metrics_listen",
        "",
        "a loopback address and a port, such as 127.0.0.1:9090",
        "Serves `/metrics` on a listener of its own.",
    ),
    secret(
        "metrics_token",
        "at least 16 characters",
        "Opens `/metrics` on the public listener to `Authorization: Bearer`.",
    ),
    key("trusted_proxies", "", CIDRS, "Proxies whose `X-Forwarded-For` is believed."),
    key(
        "trigger_allow",
        "",
        CIDRS,
        "Private networks in which backup triggers and webhooks of the site may be called.",
    ),
    key("max_connections", "10000", "a number from 16 to 1000000", "Connections served at the same time."),
    key(
        "max_streams",
        "10000",
        "a number from 0 to 1000000",
        "Live pages that follow along at the same time, beside `max_connections`. Others ask every 30 to 60 seconds.",
    ),
    key("log.format", "human", "human or json", "Shape of a log line."),
    key(
        "log.level",
        "info",
        "error, warn, info, debug, trace, or per module such as info,server=debug",
        "How much is logged.",
    ),
    key("demo", "false", "true or false", "Loads the demo week into an empty database."),
];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name nearest to what was typed, if any is near.
pub(super) fn nearest(typed: &str) -> Option<&'static str> {
    KEYS.iter()
        .map(|key| (strsim::damerau_levenshtein(typed, key.name), key.name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .map(|(_, name)| name)
}

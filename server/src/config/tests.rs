#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use clap::{Args, Command, FromArgMatches};
use secrecy::ExposeSecret;

use super::*;

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn flags(arguments: &[&str]) -> Flags {
    let command = Flags::augment_args(Command::new("fermata"));
    let matches = command.try_get_matches_from([&["fermata"], arguments].concat()).unwrap();
    Flags::from_arg_matches(&matches).unwrap()
}

fn problems(pairs: &[(&str, &str)]) -> String {
    load(&Flags::default(), env(pairs)).settings.expect_err("must be refused").to_string()
}

fn with_file(text: &str, pairs: &[(&str, &str)], arguments: &[&str]) -> (Loaded, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fermata.toml");
    fs::write(&path, text).unwrap();
    let arguments = [&["--config", path.to_str().unwrap()], arguments].concat();
    (load(&flags(&arguments), env(pairs)), folder)
}

#[test]
fn nothing_given_is_sqlite_on_loopback() {
    let settings = load(&Flags::default(), env(&[])).settings.unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.origin(), "http://127.0.0.1:8080");
    assert!(matches!(settings.database, Database::Sqlite(path) if path.ends_with("fermata-data/fermata.db")));
    assert!(settings.smtp.is_none());
    assert!(!settings.demo);
}

#[test]
fn flags_win_over_variables_over_the_file_over_the_default() {
    let file = "listen = \"127.0.0.1:1\"\npublic_url = \"http://file.example\"\ndata_dir = \"from-file\"\n";
    let (loaded, _folder) = with_file(
        file,
        &[("FERMATA_LISTEN", "127.0.0.1:2"), ("FERMATA_PUBLIC_URL", "https://env.example")],
        &["--listen", "127.0.0.1:3"],
    );
    let sources: Vec<_> =
        loaded.effective.iter().map(|row| (row.key, row.value.as_str(), row.source.to_string())).collect();
    assert_eq!(sources[0], ("listen", "127.0.0.1:3", "--listen".to_owned()));
    assert_eq!(sources[1], ("public_url", "https://env.example", "FERMATA_PUBLIC_URL".to_owned()));
    assert_eq!(sources[2].1, "from-file");
    assert!(sources[2].2.ends_with("fermata.toml"));
    let format = loaded.effective.iter().find(|row| row.key == "log.format").unwrap();
    assert_eq!(format.source, Source::Default);
    assert_eq!(loaded.settings.unwrap().listen.port(), 3);
}

#[test]
fn every_flag_reaches_its_key() {
    for key in KEYS {
        let Some(flag) = key.flag() else { continue };
        let arguments = if key.name == "demo" { vec![flag.as_str()] } else { vec![flag.as_str(), "x"] };
        let loaded = load(&flags(&arguments), env(&[]));
        let row = loaded.effective.iter().find(|row| row.key == key.name).unwrap();
        assert_eq!(row.source, Source::Flag(flag), "{}", key.name);
    }
}

#[test]
fn every_variable_reaches_its_key() {
    for key in KEYS {
        let loaded = load(&Flags::default(), env(&[(&key.variable(), "x")]));
        let row = loaded.effective.iter().find(|row| row.key == key.name).unwrap();
        assert_eq!(row.source, Source::Variable(key.variable()), "{}", key.name);
    }
}

#[test]
fn a_wrong_value_is_refused_with_key_value_source_and_what_is_allowed() {
    let text = problems(&[("FERMATA_SMTP_PORT", "smtp")]);
    assert!(text.contains("smtp.port = smtp (from FERMATA_SMTP_PORT): must be a number from 1 to 65535"), "{text}");
}

#[test]
fn all_problems_are_told_at_once() {
    let text = problems(&[
        ("FERMATA_LISTEN", "localhost"),
        ("FERMATA_METRICS_LISTEN", "0.0.0.0:9090"),
        ("FERMATA_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("FERMATA_LOG_LEVEL", "loud=yes=no"),
        ("FERMATA_DEMO", "maybe"),
    ]);
    for key in ["listen", "metrics_listen", "trusted_proxies", "log.level", "demo"] {
        assert!(text.contains(&format!("\n  {key} = ")), "{key} in {text}");
    }
}

#[test]
fn secrets_never_appear_in_a_message_or_in_the_report() {
    let secrets = [
        ("FERMATA_SECRET_KEY", "tooshort-s3cret"),
        ("FERMATA_SMTP_PASSWORD", "hunter2-s3cret"),
        ("FERMATA_METRICS_TOKEN", "t-s3cret"),
        ("FERMATA_DATABASE", "postgres://fermata:pa-s3cret@db/fermata?password=q-s3cret"),
        ("FERMATA_PUBLIC_URL", "https://u:p-s3cret@example.org"),
    ];
    let loaded = load(&Flags::default(), env(&secrets));
    assert!(loaded.settings.is_err());
    assert!(!loaded.to_string().contains("s3cret"), "{loaded}");
    assert!(loaded.to_string().contains("postgres://fermata:…@db/fermata?…"), "{loaded}");
    let key = "0123456789abcdef0123456789-s3cret".to_owned();
    let good = load(
        &Flags::default(),
        env(&[("FERMATA_SECRET_KEY", &key), ("FERMATA_DATABASE", "postgres://a:b-s3cret@db/x")]),
    );
    assert!(!format!("{good:?}").contains("s3cret"));
    assert!(good.settings.is_ok());
    assert!(!problems(&[("FERMATA_DATABASE", "mysql-s3cret")]).contains("s3cret"));
}

#[test]
fn an_unknown_key_in_the_file_is_refused_with_the_nearest_name() {
    let (loaded, _folder) = with_file("[smtp]\nhots = \"mail\"\n", &[], &[]);
    let text = loaded.settings.unwrap_err().to_string();
    assert!(text.contains("smtp.hots: not a key Fermata knows"), "{text}");
    assert!(text.contains("did you mean smtp.host?"), "{text}");
}

#[test]
fn an_unknown_variable_is_named_but_does_not_stop_the_start() {
    let loaded = load(&Flags::default(), env(&[("FERMATA_LISTN", "x"), ("FERMATA_PORT", "tcp://10.0.0.1:80")]));
    assert!(loaded.settings.is_ok());
    assert!(loaded.warnings.iter().any(|w| w.contains("FERMATA_LISTN") && w.contains("FERMATA_LISTEN?")), "{loaded}");
    assert!(loaded.warnings.iter().any(|w| w.contains("FERMATA_PORT ")));
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let settings = load(&Flags::default(), env(&[("FERMATA_SMTP_HOST", ""), ("FERMATA_LISTEN", "")])).settings.unwrap();
    assert!(settings.smtp.is_none());
}

#[test]
fn a_missing_or_broken_file_is_refused_by_name() {
    let text = load(&flags(&["--config", "/nowhere/fermata.toml"]), env(&[])).settings.unwrap_err().to_string();
    assert!(text.contains("/nowhere/fermata.toml cannot be read"), "{text}");
    let (loaded, _folder) = with_file("listen = ", &[], &[]);
    assert!(loaded.settings.unwrap_err().to_string().contains("is not TOML"));
}

#[test]
fn the_file_may_hold_lists_numbers_and_tables() {
    let file = "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\ndemo = true\n[smtp]\nhost = \"mail.example\"\nport = 2525\n\
                from = \"status@example.org\"\ntls = \"none\"\n[log]\nformat = \"json\"\n";
    let (loaded, _folder) = with_file(file, &[], &[]);
    let settings = loaded.settings.unwrap();
    assert_eq!(settings.trusted_proxies.len(), 2);
    assert!(settings.demo);
    assert_eq!(settings.log.format, LogFormat::Json);
    let smtp = settings.smtp.unwrap();
    assert_eq!((smtp.port, smtp.tls, smtp.connections, smtp.rate), (2525, SmtpTls::None, 4, None));
}

#[test]
fn mail_needs_a_sender_and_name_and_password_go_together() {
    assert!(problems(&[("FERMATA_SMTP_HOST", "mail")]).contains("smtp.from: needed"));
    let base = [("FERMATA_SMTP_HOST", "mail"), ("FERMATA_SMTP_FROM", "a@example.org")];
    assert!(problems(&[&base[..], &[("FERMATA_SMTP_USER", "u")]].concat()).contains("smtp.password: needed"));
    assert!(problems(&[&base[..], &[("FERMATA_SMTP_PASSWORD", "p")]].concat()).contains("smtp.user: needed"));
    let ports = [("tls", 465), ("starttls", 587), ("opportunistic", 25), ("none", 25)];
    for (tls, port) in ports {
        let given = env(&[&base[..], &[("FERMATA_SMTP_TLS", tls)]].concat());
        let smtp = load(&Flags::default(), given).settings.unwrap().smtp.unwrap();
        assert_eq!((smtp.port, smtp.tls.to_string().as_str()), (port, tls));
    }
}

#[test]
fn a_sender_with_control_characters_is_refused() {
    for (name, value) in [
        ("FERMATA_SMTP_FROM_NAME", "A\r\nBcc: x@y"),
        ("FERMATA_SMTP_FROM", "a@b\r\nBcc:x@y"),
        ("FERMATA_SMTP_FROM", "a@b,c@d"),
        ("FERMATA_SMTP_HOST", "mail\nrelay"),
    ] {
        assert!(problems(&[(name, value)]).contains("must be"), "{name}");
    }
}

#[test]
fn postgres_needs_a_key_that_every_node_shares() {
    let text = problems(&[("FERMATA_DATABASE", "postgres://localhost/fermata")]);
    assert!(text.contains("secret_key: needed with PostgreSQL"), "{text}");
}

#[test]
fn odd_databases_and_addresses_are_refused() {
    for value in ["sqlite:", "sqlite::memory:", "sqlite:x?mode=ro", "mysql://x", "fermata.db"] {
        assert!(problems(&[("FERMATA_DATABASE", value)]).contains("database = "), "{value}");
    }
    for value in ["example.org", "ftp://example.org", "https://example.org/status", "https://example.org/?a=b"] {
        assert!(problems(&[("FERMATA_PUBLIC_URL", value)]).contains("public_url = "), "{value}");
    }
}

#[test]
fn the_key_file_is_made_once_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let loaded = load(&Flags::default(), env(&[("FERMATA_DATA_DIR", data.to_str().unwrap())]));
    let settings = loaded.settings.unwrap();
    assert!(!data.exists(), "loading the configuration writes nothing");
    let first = settings.secret_key.load().unwrap();
    let second = settings.secret_key.load().unwrap();
    assert_eq!(first.current.expose_secret(), second.current.expose_secret());
    assert_eq!(first.current.expose_secret().len(), 64);
    let mode = fs::metadata(data.join("secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn older_keys_stay_valid_and_short_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, format!("{}\n\n{}\n", "n".repeat(40), "o".repeat(40))).unwrap();
    let source = KeySource::File { path: path.clone(), create: false };
    let keys = source.load().unwrap();
    assert_eq!(keys.current.expose_secret(), "n".repeat(40));
    assert_eq!(keys.previous.len(), 1);
    fs::write(&path, "short").unwrap();
    assert!(source.load().unwrap_err().to_string().contains("at least 32 characters"));
    fs::write(&path, "").unwrap();
    assert!(source.load().is_err());
}

#[test]
fn a_key_file_others_can_read_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, "n".repeat(40)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = load(&Flags::default(), env(&[("FERMATA_SECRET_KEY_FILE", path.to_str().unwrap())]));
    assert!(loaded.warnings.iter().any(|warning| warning.contains("chmod 600")));
}

#[test]
fn what_is_missing_is_said() {
    let loaded = load(&flags(&["--listen", "0.0.0.0:80"]), env(&[]));
    assert!(loaded.missing.iter().any(|line| line.starts_with("public_url is not set")));
    assert!(loaded.missing.iter().any(|line| line.starts_with("smtp.host is not set")));
    let loaded = load(&flags(&["--public-url", "http://status.example.org"]), env(&[]));
    assert!(loaded.missing.iter().any(|line| line.contains("can read passwords and sessions")));
}

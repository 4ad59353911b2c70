//! The binary as the person at the terminal meets it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod alertmanager;
mod run;
mod tools;
mod world;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fermata"));
        command.env_clear().env("FERMATA_DATA_DIR", self.0.path().join("data")).args(arguments);
        command
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Kills what a failed test leaves behind.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn check_prints_what_is_in_effect_and_writes_nothing() {
    let home = Home::new();
    let mut command = home.command(&["check", "--listen", "127.0.0.1:9"]);
    let output = command.env("FERMATA_SMTP_PASSWORD", "hunter2").output().unwrap();
    let shown = text(&output.stdout);
    for line in ["127.0.0.1:9", "--listen", "FERMATA_SMTP_PASSWORD", "(hidden)", "Missing:", "smtp.host is not set"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(!shown.contains("hunter2"));
    assert!(!home.0.path().join("data").exists());
}

#[test]
fn check_fails_where_serve_would_not_start() {
    let home = Home::new();
    let output = home.run(&["check", "--listen", "here"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("listen = here (from --listen): must be an address and a port"));
    assert!(home.refused(&["--listen", "here"]).contains("listen = here (from --listen)"));
}

#[test]
fn people_are_added_listed_and_shut_out() {
    let home = Home::new();
    let added = home.ok(&["user", "add", "ann@example.org", "--role", "admin", "--name", "Ann"]);
    assert!(added.contains("ann@example.org may sign in as admin."), "{added}");
    assert!(added.contains("http://127.0.0.1:8080/password/"), "{added}");
    let mut command = home.command(&["user", "add", "bo@example.org", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    assert!(child.wait().unwrap().success());
    let list = home.ok(&["user", "list"]);
    assert!(list.lines().any(|line| line.contains("ann@example.org") && line.contains("invited")), "{list}");
    assert!(list.lines().any(|line| line.contains("bo@example.org") && line.contains("operator")), "{list}");
    assert!(home.refused(&["user", "add", "ann@example.org"]).contains("already"));
    assert!(home.refused(&["user", "add", "no-address", "--role", "king"]).contains("role: "));
    home.ok(&["user", "disable", "bo@example.org"]);
    assert!(home.ok(&["user", "list"]).contains("disabled since"));
    assert!(home.refused(&["user", "disable", "nobody@example.org"]).contains("not found"));
}

#[test]
fn a_token_is_shown_once_and_alone() {
    let home = Home::new();
    let token = home.ok(&["token", "add", "borgmatic", "--scope", "backup:report", "--expires", "90"]);
    assert!(token.starts_with("fmt_") && token.lines().count() == 1, "{token}");
    let list = home.ok(&["token", "list"]);
    assert!(list.contains("borgmatic") && list.contains("backup:report") && !list.contains(token.trim()), "{list}");
    let id = list.split_whitespace().next().unwrap().to_owned();
    home.ok(&["token", "revoke", &id]);
    assert!(home.ok(&["token", "list"]).contains("revoked"));
    assert!(home.refused(&["token", "revoke", "x"]).contains("is no token's id"));
    assert!(home.refused(&["token", "add", "x", "--scope", "everything"]).contains("scopes: "));
}

#[test]
fn a_customers_token_is_granted_data_sets_that_exist() {
    let home = Home::new();
    home.ok(&["token", "add", "shop", "--scope", "backup:request"]);
    let list = home.ok(&["token", "list"]);
    let id = list.split_whitespace().next().unwrap().to_owned();
    let nothing = "00000000-0000-0000-0000-000000000000";
    let refused = home.refused(&["token", "grant", &id, "--data-set", nothing, "--per-day", "0"]);
    assert!(refused.contains("per_day: ") && refused.contains("data_sets: "), "{refused}");
    assert!(home.refused(&["token", "grant", "x", "--data-set", nothing]).contains("is no token's id"));
}

#[test]
fn the_first_start_offers_to_make_an_administrator_and_a_signal_ends_it_in_peace() {
    let home = Home::new();
    let listen = format!("127.0.0.1:{}", free_port());
    let mut command = home.command(&["--listen", &listen, "--log-format", "json"]);
    let mut serving = Serving(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut printed = BufReader::new(serving.0.stdout.take().unwrap()).lines();
    let mut log = BufReader::new(serving.0.stderr.take().unwrap());
    assert!(printed.next().unwrap().unwrap().contains("Make the first administrator here"));
    let link = printed.next().unwrap().unwrap();
    assert!(link.trim().starts_with(&format!("http://{listen}/setup/")), "{link}");
    let mut seen = String::new();
    while !seen.contains("\"serving\"") {
        assert_ne!(log.read_line(&mut seen).unwrap(), 0, "{seen}");
    }
    assert!(Command::new("kill").arg(serving.0.id().to_string()).status().unwrap().success());
    let since = Instant::now();
    let status = loop {
        if let Some(status) = serving.0.try_wait().unwrap() {
            break status;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    log.read_to_string(&mut seen).unwrap();
    assert!(seen.contains("stopped"), "{seen}");
    assert!(!seen.contains(link.trim()), "the link is not in the log");
}

#[test]
fn a_port_in_use_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let error = home.refused(&["--listen", &listen]);
    assert!(error.contains(&format!("listening on {listen}")), "{error}");
}

//! The command line: what can be asked for, and doing it.

mod door;
mod run;
mod spool;
mod wanted;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Parser, Subcommand};
use domain::ids::TokenId;
use secrecy::{ExposeSecret, SecretString};
use service::grants::GrantInput;
use service::people::tokens::NewToken;
use service::people::{NewPerson, Person};
use service::{Actor, Services};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use crate::config::{self, Flags, Log, Settings};
use crate::{launch, telemetry};

/// Connections the kernel keeps waiting while we are busy.
const BACKLOG: u32 = 4096;
const SAME_MOMENT: Duration = Duration::from_secs(1);

/// Maintenance windows that wait for the backup, and the status page that tells everyone about it.
#[derive(Debug, Parser)]
#[command(name = "fermata", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the pages and do the work behind them (the default)
    Serve,
    /// Serve with the demo week: the same as `serve --demo`
    Demo,
    /// People who may sign in
    #[command(subcommand)]
    User(User),
    /// Tokens for programs
    #[command(subcommand)]
    Token(Token),
    /// Run a backup command and report its start, its end, its exit code and the last of its output
    Run(run::Run),
    /// Ask whether an extra run of a job is wanted: ends with 0 if it is, 1 if not, 2 if nobody could say
    Wanted(wanted::Wanted),
    /// Print the configuration in effect, where each value comes from, and what is missing
    Check,
}

#[derive(Debug, Subcommand)]
enum User {
    /// Add a person; prints a link to choose a password, once
    Add(AddUser),
    /// List everyone
    List,
    /// Close an account and end its sessions
    Disable {
        /// Address the person signs in with
        email: String,
    },
}

/// What a new person needs.
#[derive(Debug, Args)]
pub struct AddUser {
    /// Address the person signs in with
    pub email: String,
    /// Name shown to others
    #[arg(long)]
    pub name: Option<String>,
    /// viewer, operator, approver or admin
    #[arg(long, default_value = "operator")]
    pub role: String,
    /// Read the password from standard input instead of printing a link
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Add a token; it is printed once
    Add(AddToken),
    /// List all tokens, never their secrets
    List,
    /// Say what the holder of a token of scope backup:request may ask for; prints the address of their page
    Grant(GrantToken),
    /// End a token
    Revoke {
        /// Id of the token, as `token list` prints it
        id: String,
    },
}

/// What a new token needs.
#[derive(Debug, Args)]
pub struct AddToken {
    /// What it is for
    pub name: String,
    /// What it may do, such as backup:report; may be given more than once
    #[arg(long = "scope", required = true)]
    pub scopes: Vec<String>,
    /// Days until it ends; without, it does not end by itself
    #[arg(long, value_name = "DAYS")]
    pub expires: Option<u32>,
}

/// What the holder of a token may ask for.
#[derive(Debug, Args)]
pub struct GrantToken {
    /// Id of the token, as `token list` prints it
    pub id: String,
    /// Id of a data set whose extra backups may be asked for; may be given more than once
    #[arg(long = "data-set", required = true, value_name = "ID")]
    pub data_sets: Vec<String>,
    /// Requests in 24 hours
    #[arg(long, default_value = "4", value_name = "N")]
    pub per_day: String,
}

impl Cli {
    /// Does what was asked. Returns the code the process ends with.
    ///
    /// # Errors
    /// What stopped it, for the person at the terminal.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        // On hosts that are backed up there is no server, and nothing of its configuration counts.
        match self.command {
            Some(Command::Run(run)) => return run.run().await,
            Some(Command::Wanted(wanted)) => return Ok(wanted.run().await),
            _ => {}
        }
        let mut flags = self.flags;
        flags.demo |= matches!(self.command, Some(Command::Demo));
        let loaded = config::load(&flags, std::env::vars());
        if matches!(self.command, Some(Command::Check)) {
            write!(io::stdout(), "{loaded}")?;
            return Ok(if loaded.settings.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        let settings = match loaded.settings {
            Ok(settings) => settings,
            Err(error) => {
                for warning in &loaded.warnings {
                    writeln!(io::stderr(), "fermata: {warning}")?;
                }
                return Err(error.into());
            }
        };
        match self.command {
            None | Some(Command::Serve | Command::Demo) => {
                telemetry::init(&settings.log)?;
                for line in loaded.warnings.iter().chain(&loaded.missing) {
                    tracing::warn!("{line}");
                }
                serve(settings).await
            }
            Some(Command::User(user)) => users(&settings, user).await,
            Some(Command::Token(token)) => tokens(&settings, token).await,
            // Answered above.
            Some(Command::Check | Command::Run(_) | Command::Wanted(_)) => Ok(ExitCode::SUCCESS),
        }
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let listener = listen(&settings)?;
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone())?;
    launch::launch(settings, listener, shutdown).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.listen;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket
        .bind(address)
        .and_then(|()| socket.listen(BACKLOG))
        .with_context(|| format!("listening on {address}: is something else serving there? Set --listen to move"))
}

/// The first SIGTERM or SIGINT lets everything in hand finish, the second one does not. Two in the same moment are
/// one: a terminal and a process manager both signal the whole group.
fn stop_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut first: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            match first {
                None => {
                    tracing::info!("stopping: what is in hand is finished first");
                    first = Some(Instant::now());
                    shutdown.cancel();
                }
                Some(first) if first.elapsed() < SAME_MOMENT => {}
                Some(_) => {
                    tracing::warn!("stopped at once, as asked twice");
                    std::process::exit(130);
                }
            }
        }
    });
    Ok(())
}

async fn users(settings: &Settings, command: User) -> anyhow::Result<ExitCode> {
    let services = quiet(settings).await?;
    let system = Actor::system();
    let mut out = io::stdout();
    match command {
        User::Add(new) => {
            let password = if new.password_stdin {
                let mut line = String::new();
                io::stdin().read_line(&mut line).context("reading the password")?;
                anyhow::ensure!(!line.trim().is_empty(), "no password came from standard input");
                line.trim_end_matches(['\r', '\n']).to_owned()
            } else {
                String::new()
            };
            let name = new.name.unwrap_or_else(|| new.email.split('@').next().unwrap_or_default().to_owned());
            let person = Person { email: new.email, name, role: new.role };
            let added = services
                .add_person(&system, &NewPerson { person, password: SecretString::from(password) })
                .await
                .map_err(told)?;
            writeln!(out, "{} may sign in as {}.", added.user.email, added.user.role.as_str())?;
            if let Some(link) = added.link {
                writeln!(out, "They choose a password here, once, within a week:\n  {link}")?;
            }
        }
        User::List => {
            for user in services.people(&system).await.map_err(told)? {
                let state = match (user.disabled_at, user.has_password) {
                    (Some(since), _) => format!("disabled since {}", when(since)),
                    (None, false) => "invited".to_owned(),
                    (None, true) => match user.signed_in_at {
                        Some(at) => format!("signed in {}", when(at)),
                        None => "never signed in".to_owned(),
                    },
                };
                writeln!(out, "{:<32} {:<9} {:<24} {state}", user.email, user.role.as_str(), user.name)?;
            }
        }
        User::Disable { email } => {
            let person = services.person_by_email(&system, &email).await.map_err(told)?;
            services.disable_person(&system, person.id).await.map_err(told)?;
            writeln!(out, "{email} is signed out and may not sign in any more.")?;
        }
    }
    services.db.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn tokens(settings: &Settings, command: Token) -> anyhow::Result<ExitCode> {
    let services = quiet(settings).await?;
    let system = Actor::system();
    let mut out = io::stdout();
    match command {
        Token::Add(new) => {
            let new = NewToken {
                name: new.name,
                scopes: new.scopes,
                valid_for: new.expires.map(|days| format!("{days} d")).unwrap_or_default(),
            };
            let made = services.add_token(&system, &new).await.map_err(told)?;
            // Alone on standard output, so that a script can take it; everything else goes beside it.
            writeln!(io::stderr(), "Keep this, it is not shown again (id {}):", made.token.id)?;
            writeln!(out, "{}", made.text.expose_secret())?;
        }
        Token::List => {
            for token in services.tokens(&system).await.map_err(told)? {
                let state = match (token.revoked_at, token.expires_at) {
                    (Some(at), _) => format!("revoked {}", when(at)),
                    (None, Some(at)) => format!("until {}", when(at)),
                    (None, None) => "no end".to_owned(),
                };
                let used =
                    token.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {}", when(at)));
                let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",");
                writeln!(out, "{}  {:<24} {scopes:<32} {state}, {used}", token.id, token.name)?;
            }
        }
        Token::Grant(GrantToken { id, data_sets, per_day }) => {
            let id = token_id(&id)?;
            services.set_grant(&system, id, &GrantInput { data_sets, per_day }).await.map_err(told)?;
            if let Some(page) = services.token_view(&system, id).await.map_err(told)?.page {
                writeln!(io::stderr(), "Its holder asks for extra backups here; keep the address secret:")?;
                writeln!(out, "{page}")?;
            }
        }
        Token::Revoke { id } => {
            let id = token_id(&id)?;
            let token = services.revoke_token(&system, id).await.map_err(told)?;
            writeln!(out, "The token {} opens nothing any more.", token.name)?;
        }
    }
    services.db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn token_id(text: &str) -> anyhow::Result<TokenId> {
    text.parse().ok().with_context(|| format!("{text} is no token's id; `fermata token list` prints them"))
}

/// The use cases, with only what goes wrong in the log.
async fn quiet(settings: &Settings) -> anyhow::Result<Services> {
    telemetry::init(&Log { level: "warn".to_owned(), ..settings.log.clone() })?;
    launch::open(settings).await
}

/// A refusal in the words a form would use, field by field.
fn told(error: service::Error) -> anyhow::Error {
    match error {
        service::Error::Invalid(fields) => {
            let lines: Vec<_> = fields.into_iter().map(|wrong| format!("{}: {}", wrong.field, wrong.message)).collect();
            anyhow::anyhow!(lines.join("\n  "))
        }
        other => other.into(),
    }
}

fn when(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_what_happens_when_nothing_is_asked() {
        assert!(parse("fermata").unwrap().command.is_none());
        assert!(parse("fermata --listen 127.0.0.1:0").unwrap().command.is_none());
    }

    #[test]
    fn settings_may_stand_before_or_behind_the_command() {
        for line in ["fermata --data-dir x serve", "fermata serve --data-dir x", "fermata user list --data-dir x"] {
            assert_eq!(parse(line).unwrap().flags.data_dir.as_deref(), Some("x"), "{line}");
        }
    }

    #[test]
    fn people_and_tokens_are_named() {
        for line in [
            "fermata user add ann@example.org --role admin --name Ann",
            "fermata user disable ann@example.org",
            "fermata token add borgmatic --scope backup:report --scope read --expires 90",
            "fermata token revoke 0192f3c4",
            "fermata token grant 0192f3c4 --data-set 0192f3c5 --data-set 0192f3c6 --per-day 2",
            "fermata check",
            "fermata demo",
        ] {
            parse(line).unwrap();
        }
        for line in
            ["fermata user", "fermata token add x", "fermata token grant x", "fermata sing", "fermata serve --listne x"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

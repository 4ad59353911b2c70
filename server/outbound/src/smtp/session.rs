//! One connection to the relay, used for many mails.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use lettre::transport::smtp::{
    Error as SmtpError,
    authentication::{Credentials as LettreCredentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters},
    commands::{Data, Mail as MailCommand, Rcpt, Rset},
    extension::ClientId,
};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tracing::{debug, info};

use super::{
    reply::{Fault, Outcome, Stage, classify},
    stream,
};
use crate::{mail::Mail, tls};

/// How the connection to the relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all. For a relay on this machine.
    None,
    /// `STARTTLS` where the server offers it.
    StartTlsIfOffered,
    /// `STARTTLS`, or nothing is sent.
    StartTls,
    /// TLS from the first byte (port 465; RFC 8314).
    Implicit,
}

/// How to log in. Tried as PLAIN, then LOGIN; only over TLS or to this machine.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: SecretString,
}

/// How long to wait for the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connection, and the TLS handshake.
    pub connect: Duration,
    /// Each command. Servers make strangers wait at the banner on purpose, so not too short.
    pub command: Duration,
    /// The answer to the final dot. A server may scan the mail first: 10 minutes (RFC 5321 §4.5.3.2.6), since giving up
    /// earlier makes duplicates.
    pub dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), command: Duration::from_secs(120), dot: Duration::from_secs(600) }
    }
}

/// Where and how to hand mails over.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Name or address of the relay.
    pub host: String,
    /// Port: 25, 587 or 465.
    pub port: u16,
    /// Protection.
    pub tls: TlsMode,
    /// Login, if the relay wants one.
    pub credentials: Option<Credentials>,
    /// Our name in `EHLO`; should be the public host name.
    pub hello: String,
    /// PEM file of certificates to trust beside the web's usual ones.
    pub extra_roots: Option<PathBuf>,
    /// After how many mails to connect anew. Relays get impatient at about 100.
    pub mails_per_connection: u32,
    /// Patience.
    pub timeouts: Timeouts,
}

impl SmtpSettings {
    /// Settings with `STARTTLS` required, no login, and the usual limits.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16, hello: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            tls: TlsMode::StartTls,
            credentials: None,
            hello: hello.into(),
            extra_roots: None,
            mails_per_connection: 100,
            timeouts: Timeouts::default(),
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpConfigError {
    /// The file of certificates cannot be read.
    #[error("{}: {source}", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// TLS cannot be set up with these certificates.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The name for `EHLO` or the host is empty or has characters that no name has.
    #[error("{field} is not a host name")]
    Name {
        /// Which setting.
        field: &'static str,
    },
}

/// Settings that have been checked, with TLS ready. Cheap to share between sessions.
#[derive(Clone)]
pub struct Relay(Arc<RelayInner>);

struct RelayInner {
    settings: SmtpSettings,
    wrapped: Option<Arc<ClientConfig>>,
    upgrade: Option<TlsParameters>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Relay").field(&self.0.settings).finish()
    }
}

impl Relay {
    /// Checks the settings and reads the certificates.
    ///
    /// # Errors
    /// [`SmtpConfigError`]
    pub fn new(settings: SmtpSettings) -> Result<Self, SmtpConfigError> {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        for (field, value) in [("host", &settings.host), ("hello", &settings.hello)] {
            if value.is_empty() || !value.chars().all(name) {
                return Err(SmtpConfigError::Name { field });
            }
        }
        let roots = match &settings.extra_roots {
            Some(path) => {
                tls::read_certificates(path).map_err(|source| SmtpConfigError::Roots { path: path.clone(), source })?
            }
            None => Vec::new(),
        };
        let mut inner = RelayInner { settings, wrapped: None, upgrade: None };
        match inner.settings.tls {
            TlsMode::None => {}
            TlsMode::Implicit => {
                let config = tls::client_config(&roots);
                inner.wrapped = Some(config.map_err(|error| SmtpConfigError::Tls(error.to_string()))?);
            }
            TlsMode::StartTls | TlsMode::StartTlsIfOffered => {
                let mut builder = TlsParameters::builder(inner.settings.host.clone())
                    .certificate_store(CertificateStore::WebpkiRoots);
                for root in roots {
                    let root = Certificate::from_der(root.to_vec());
                    builder =
                        builder.add_root_certificate(root.map_err(|error| SmtpConfigError::Tls(error.to_string()))?);
                }
                let parameters = builder.build_rustls();
                inner.upgrade = Some(parameters.map_err(|error| SmtpConfigError::Tls(error.to_string()))?);
            }
        }
        Ok(Self(Arc::new(inner)))
    }
}

/// A fault and where it happened.
type Failure = (Stage, Fault);

/// Sends mails one after the other over one connection, which is opened at the first and renewed when needed.
///
/// A future of [`SmtpSession::send`] that is dropped half-way leaves the connection unusable and the outcome unknown:
/// let it finish.
#[derive(Debug)]
pub struct SmtpSession {
    relay: Relay,
    connection: Option<Connection>,
}

struct Connection {
    smtp: AsyncSmtpConnection,
    mails: u32,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("mails", &self.mails).finish_non_exhaustive()
    }
}

impl SmtpSession {
    /// A session that is not connected yet.
    #[must_use]
    pub fn new(relay: Relay) -> Self {
        Self { relay, connection: None }
    }

    /// Hands over one mail. Whatever happens, the session stays usable for the next.
    pub async fn send(&mut self, mail: &Mail) -> Outcome {
        let reused = self.connection.is_some();
        let mut result = self.attempt(mail).await;
        if let Err((Stage::Mail, fault)) = &result
            && reused
            && fault.is_gone()
        {
            debug!("the idle connection was gone");
            result = self.attempt(mail).await;
        }
        match result {
            Ok(()) => Outcome::Sent,
            Err((stage, fault)) => {
                let outcome = classify(stage, fault);
                info!(message_id = mail.message_id, %stage, ?outcome, "mail not accepted");
                outcome
            }
        }
    }

    /// Says goodbye to the relay, if connected.
    pub async fn close(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            let goodbye = timeout(self.relay.0.settings.timeouts.connect, connection.smtp.quit());
            if !matches!(goodbye.await, Ok(Ok(_))) {
                debug!("the relay did not say goodbye");
            }
        }
    }

    async fn attempt(&mut self, mail: &Mail) -> Result<(), Failure> {
        // Taken out while in use, so that a dropped future cannot leave a half-used connection behind.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection { smtp: open(&self.relay.0).await?, mails: 0 },
        };
        let timeouts = self.relay.0.settings.timeouts;
        let result = transact(&mut connection.smtp, timeouts, mail).await;
        connection.mails += 1;
        let usable = match &result {
            Ok(()) => true,
            Err((_, fault)) if fault.is_gone() => false,
            Err(_) => within(Stage::Mail, timeouts.command, connection.smtp.command(Rset)).await.is_ok(),
        };
        if usable {
            let spent = connection.mails >= self.relay.0.settings.mails_per_connection.max(1);
            self.connection = Some(connection);
            if spent {
                self.close().await;
            }
        }
        result
    }
}

async fn open(relay: &RelayInner) -> Result<AsyncSmtpConnection, Failure> {
    let SmtpSettings { host, port, tls, credentials, hello, timeouts, .. } = &relay.settings;
    let socket = timeout(timeouts.connect, stream::connect(host, *port)).await;
    let socket = socket.map_err(|_| (Stage::Connect, Fault::lost("no answer in time")))?;
    let socket = socket.map_err(|error| (Stage::Connect, Fault::lost(error)))?;
    let local = socket.peer_addr().is_ok_and(|address| address.ip().is_loopback());
    let mut encrypted = false;
    let stream: Box<dyn AsyncTokioStream> = match &relay.wrapped {
        Some(config) => {
            let handshake = timeout(timeouts.connect, stream::encrypt(Arc::clone(config), host, socket)).await;
            let handshake = handshake.map_err(|_| (Stage::Tls, Fault::lost("no answer in time")))?;
            encrypted = true;
            Box::new(handshake.map_err(|error| (Stage::Tls, Fault::lost(error)))?)
        }
        None => Box::new(socket),
    };
    let hello = match hello.parse() {
        Ok(address) => ClientId::Ipv4(address),
        Err(_) => ClientId::Domain(hello.clone()),
    };
    let greeting = AsyncSmtpConnection::connect_with_transport(stream, &hello);
    let mut smtp = within(Stage::Greeting, timeouts.command, greeting).await?;
    if let Some(parameters) = &relay.upgrade {
        if smtp.can_starttls() {
            within(Stage::Tls, timeouts.command, smtp.starttls(parameters.clone(), &hello)).await?;
            encrypted = true;
        } else if *tls == TlsMode::StartTls {
            smtp.abort().await;
            return Err((Stage::Tls, Fault::Unusable { text: "the server does not offer STARTTLS".to_owned() }));
        }
    }
    if let Some(Credentials { user, password }) = credentials {
        if !encrypted && !local {
            smtp.abort().await;
            let text = "the password is not sent over an unprotected connection".to_owned();
            return Err((Stage::Auth, Fault::Unusable { text }));
        }
        let credentials = LettreCredentials::new(user.clone(), password.expose_secret().to_owned());
        within(Stage::Auth, timeouts.command, smtp.auth(DEFAULT_MECHANISMS, &credentials)).await?;
    }
    debug!(encrypted, "connected to the relay");
    Ok(smtp)
}

async fn transact(smtp: &mut AsyncSmtpConnection, timeouts: Timeouts, mail: &Mail) -> Result<(), Failure> {
    let sender = MailCommand::new(Some(mail.return_path.clone()), Vec::new());
    within(Stage::Mail, timeouts.command, smtp.command(sender)).await?;
    let recipient = Rcpt::new(mail.to.clone(), Vec::new());
    within(Stage::Rcpt, timeouts.command, smtp.command(recipient)).await?;
    within(Stage::Data, timeouts.command, smtp.command(Data)).await?;

    let mut dot = false;
    // The dot comes with a line end of its own.
    let raw = mail.raw.strip_suffix(b"\r\n").unwrap_or(&mail.raw);
    let text = Text { text: Some(raw), dot: &mut dot };
    let answer = timeout(timeouts.dot, smtp.message_iter(text)).await;
    let fault = match answer {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => Fault::from_error(&error),
        Err(_) => Fault::lost("no answer in time"),
    };
    Err((if dot { Stage::Dot } else { Stage::Body }, fault))
}

/// Gives the text in one piece and notes when it is asked for more: lettre writes the final dot right after. Until then
/// the server cannot have taken the mail; from then on it may have.
struct Text<'a> {
    text: Option<&'a [u8]>,
    dot: &'a mut bool,
}

impl<'a> Iterator for Text<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.text.take();
        *self.dot = text.is_none();
        text
    }
}

async fn within<T>(
    stage: Stage,
    limit: Duration,
    step: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Failure> {
    match timeout(limit, step).await {
        Ok(result) => result.map_err(|error| (stage, Fault::from_error(&error))),
        Err(_) => Err((stage, Fault::lost("no answer in time"))),
    }
}

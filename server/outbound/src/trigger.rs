//! Calls other systems: a backup system that is to run a job, a webhook that hears of news. Each call is a signed POST
//! (Standard Webhooks) to an address that somebody typed.
//!
//! Such an address can point anywhere, also at what only this machine reaches. So [`Guard`] decides by the address that is
//! really connected to, redirects are not followed, proxies are not asked, and answers are not read.

mod guard;
mod sign;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use reqwest::{Client, dns::Resolve, header, redirect, retry};
use secrecy::SecretString;
use serde_json::Value;

pub use guard::{Guard, UrlFault};
pub use ipnet::IpNet;
pub use sign::{SecretError, new_secret, signature};

use crate::tls;

/// Settings for calls to other systems.
#[derive(Clone, Debug)]
pub struct TriggerSettings {
    /// Networks that may be called though they are not public. From the configuration file only, never from a form.
    pub allow: Vec<IpNet>,
    /// PEM file of certificates to trust beside the web's usual ones.
    pub extra_roots: Option<PathBuf>,
    /// Limit for one call, name lookup included.
    pub timeout: Duration,
}

impl Default for TriggerSettings {
    fn default() -> Self {
        Self { allow: Vec::new(), extra_roots: None, timeout: Duration::from_secs(10) }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TriggerConfigError {
    /// The file of certificates cannot be read.
    #[error("{}: {source}", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// The client cannot be set up.
    #[error("calls to other systems cannot be set up: {0}")]
    Client(String),
}

/// Why a call did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// The address cannot be called at all.
    #[error(transparent)]
    Url(#[from] UrlFault),
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The message id is empty or has characters that a header must not have.
    #[error("the message id is not usable")]
    Id,
    /// The host has no address that may be called: its name was taken away for a while, or leads into a private network.
    #[error("its name leads to no address that may be called")]
    NoAddress,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or it broke.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// An answer other than success. A redirect is one too.
    #[error("it answered {status}")]
    Answered {
        /// HTTP status.
        status: u16,
    },
}

impl TriggerError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAddress | Self::Timeout | Self::Unreachable(_) => true,
            Self::Answered { status } => *status != 410,
            Self::Url(_) | Self::Secret(_) | Self::Id => false,
        }
    }

    /// Whether the receiver is there and says that this very call is wrong: 4xx, except those that speak of the moment and
    /// not of the call (408, 425, 429).
    #[must_use]
    pub fn is_rejection(&self) -> bool {
        matches!(self, Self::Answered { status: 400..=499 })
            && !matches!(self, Self::Answered { status: 408 | 410 | 425 | 429 })
    }

    /// Whether the receiver says that it wants no more calls (410; Standard Webhooks).
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410 })
    }
}

/// Calls other systems. Cheap to clone.
#[derive(Clone)]
pub struct TriggerClient {
    guard: Arc<Guard>,
    client: Client,
}

impl fmt::Debug for TriggerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TriggerClient").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl TriggerClient {
    /// A client that asks the system's resolver.
    ///
    /// # Errors
    /// [`TriggerConfigError`]
    pub fn new(settings: &TriggerSettings) -> Result<Self, TriggerConfigError> {
        Self::with_resolver(settings, Arc::new(guard::SystemResolver))
    }

    /// A client that asks another resolver. What it answers is filtered all the same.
    ///
    /// # Errors
    /// [`TriggerConfigError`]
    pub fn with_resolver(settings: &TriggerSettings, resolver: Arc<dyn Resolve>) -> Result<Self, TriggerConfigError> {
        let roots = match &settings.extra_roots {
            Some(path) => tls::read_certificates(path)
                .map_err(|source| TriggerConfigError::Roots { path: path.clone(), source })?,
            None => Vec::new(),
        };
        let config = tls::client_config(&roots).map_err(|error| TriggerConfigError::Client(error.to_string()))?;
        let guard = Arc::new(Guard::new(settings.allow.clone()));
        let client = Client::builder()
            .tls_backend_preconfigured(Arc::unwrap_or_clone(config))
            .dns_resolver(guard::Filtered::new(Arc::clone(&guard), resolver))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only()
            .referer(false)
            .pool_max_idle_per_host(0)
            .timeout(settings.timeout)
            .user_agent("Fermata")
            .build()
            .map_err(|error| TriggerConfigError::Client(error.to_string()))?;
        Ok(Self { guard, client })
    }

    /// The rule for addresses, to refuse a bad one when it is typed.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends one call and waits for the answer. `id` is the same at each repetition, so that the receiver can tell; `at`
    /// is the instant of this attempt.
    ///
    /// # Errors
    /// [`TriggerError`] for everything but an answer of 2xx.
    pub async fn fire(
        &self,
        url: &str,
        secret: &SecretString,
        id: &str,
        at: DateTime<Utc>,
        json: &Value,
    ) -> Result<(), TriggerError> {
        let url = self.guard.check(url)?;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.') {
            return Err(TriggerError::Id);
        }
        let body = json.to_string();
        let timestamp = at.timestamp();
        let signature = signature(secret, id, timestamp, body.as_bytes())?;
        let answer = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await
            .map_err(|error| unreachable_reason(&error))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(TriggerError::Answered { status: status.as_u16() }) }
    }
}

/// Reads the reason out of reqwest's error, whose own text has the address, and so perhaps a token, in it.
fn unreachable_reason(error: &reqwest::Error) -> TriggerError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut innermost = String::new();
    while let Some(each) = source {
        if each.is::<guard::NoAddress>() {
            return TriggerError::NoAddress;
        }
        source = each.source();
        if source.is_none() {
            innermost = each.to_string();
        }
    }
    if error.is_timeout() { TriggerError::Timeout } else { TriggerError::Unreachable(innermost) }
}

/// Where calls to other systems go.
#[derive(Clone, Debug)]
pub enum TriggerBackend {
    /// Over the network.
    Http(TriggerClient),
    /// Into memory, for tests.
    Memory(MemoryTriggers),
}

impl TriggerBackend {
    /// See [`TriggerClient::fire`].
    ///
    /// # Errors
    /// [`TriggerError`]
    pub async fn fire(
        &self,
        url: &str,
        secret: &SecretString,
        id: &str,
        at: DateTime<Utc>,
        json: &Value,
    ) -> Result<(), TriggerError> {
        match self {
            Self::Http(client) => client.fire(url, secret, id, at, json).await,
            Self::Memory(triggers) => triggers.accept(url, id, at, json),
        }
    }

    /// Whether an address may be called, as far as it can be told without asking for its name.
    ///
    /// # Errors
    /// [`UrlFault`]
    pub fn check(&self, url: &str) -> Result<(), UrlFault> {
        match self {
            Self::Http(client) => client.guard().check(url).map(drop),
            Self::Memory(_) => Guard::default().check(url).map(drop),
        }
    }
}

/// A call that was kept instead of sent.
#[derive(Clone, Debug, PartialEq)]
pub struct FiredTrigger {
    /// Address.
    pub url: String,
    /// Message id.
    pub id: String,
    /// Instant of the attempt.
    pub at: DateTime<Utc>,
    /// Body.
    pub json: Value,
}

/// Calls kept in memory, shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct MemoryTriggers(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    fired: Vec<FiredTrigger>,
    faults: Vec<TriggerError>,
}

impl MemoryTriggers {
    /// Keeps everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was fired so far, refused calls included, oldest first.
    #[must_use]
    pub fn fired(&self) -> Vec<FiredTrigger> {
        self.kept().fired.clone()
    }

    /// Fails one of the coming calls like this; several calls queue up.
    pub fn fail_next(&self, fault: TriggerError) {
        self.kept().faults.push(fault);
    }

    fn accept(&self, url: &str, id: &str, at: DateTime<Utc>, json: &Value) -> Result<(), TriggerError> {
        let mut kept = self.kept();
        kept.fired.push(FiredTrigger { url: url.to_owned(), id: id.to_owned(), at, json: json.clone() });
        if kept.faults.is_empty() { Ok(()) } else { Err(kept.faults.remove(0)) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

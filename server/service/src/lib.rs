//! The use cases of Fermata. Each one authorises, asks the domain for a decision, and writes its
//! effects, an audit line and what is to be sent in one transaction.
//!
//! Pages, the API, the command line and the workers all call these methods; nothing that decides
//! lives in front of them. No SQL text here, and no HTTP.

pub mod actor;
pub mod agenda;
pub mod alerts;
pub mod announcements;
pub mod attention;
pub mod audit;
mod bell;
pub mod calendar;
pub mod clock;
pub mod conflicts;
pub mod courier;
pub mod coverage;
pub mod deliveries;
pub mod demo;
pub mod drills;
pub mod error;
pub mod figures;
pub mod findings;
pub mod gate;
pub mod grants;
pub mod housekeeping;
pub mod incidents;
pub mod inventory;
pub mod keys;
pub mod maintenance;
pub mod metrics;
mod once;
pub mod people;
pub mod post_mortems;
pub mod prose;
pub mod public;
pub mod reminders;
pub mod reports;
pub mod requests;
pub mod runs;
pub mod site;
pub mod subscribers;
pub mod team_mail;
pub mod tell;
pub mod templates;
pub mod triggers;
pub mod webhooks;
pub mod zones;

pub use actor::Actor;
pub use clock::Clock;
pub use error::{Error, FieldError, Fields, Stale};

use chrono::{DateTime, Utc};
use domain::time::ZoneRules;
use keys::Keys;
use std::sync::Arc;
use storage::Db;
use uuid::Uuid;

/// Everything a use case needs. Cheap to clone.
#[derive(Clone)]
pub struct Services(Arc<Inner>);

/// What the services are made of.
pub struct Setup {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Derived secrets.
    pub keys: Keys,
    /// Civil time.
    pub zones: Arc<dyn ZoneRules>,
    /// `https://status.example.org`, without a slash at the end: the start of every public link.
    pub public_url: String,
    /// Whether mails can leave; when not, they are kept and shown to the admin.
    pub mail_configured: bool,
}

/// The setup, and what use cases share while the program runs.
pub struct Inner {
    setup: Setup,
    subscribe_limits: subscribers::SubscribeLimits,
    passwords: people::password::Passwords,
    intake: runs::Intake,
    /// Rings when something has been told.
    pub outbox_filled: bell::Bell,
    mail_status: std::sync::Mutex<courier::MailStatus>,
    mail_from: std::sync::OnceLock<courier::MailFrom>,
    /// Rings when a run has been asked for.
    requests_changed: tokio::sync::Notify,
    /// Calls backup systems and webhooks of the site, where a worker has set it up.
    triggers: std::sync::OnceLock<outbound::trigger::TriggerBackend>,
    /// Calls webhooks of subscribers, where a worker has set it up.
    public_calls: std::sync::OnceLock<outbound::trigger::TriggerBackend>,
}

impl std::ops::Deref for Inner {
    type Target = Setup;
    fn deref(&self) -> &Setup {
        &self.setup
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}

impl std::ops::Deref for Services {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Services {
    /// Puts them together.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self(Arc::new(Inner {
            setup,
            subscribe_limits: subscribers::SubscribeLimits::default(),
            passwords: people::password::Passwords::default(),
            intake: runs::Intake::default(),
            outbox_filled: bell::Bell::default(),
            mail_status: std::sync::Mutex::default(),
            mail_from: std::sync::OnceLock::new(),
            requests_changed: tokio::sync::Notify::new(),
            triggers: std::sync::OnceLock::new(),
            public_calls: std::sync::OnceLock::new(),
        }))
    }

    /// The current instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id; sorts by the time it was made.
    #[must_use]
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        T::from(Uuid::now_v7())
    }

    /// An address below the public one; `path` starts with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }
}

//! Hands the outbox to the configured relay.

use outbound::smtp::{Credentials, MailBackend, SmtpSettings, TlsMode};
use service::Services;
use service::courier::{Courier, CourierSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Settings, Smtp, SmtpTls};

/// Starts it. Without a relay mails are kept for the admin to see.
///
/// # Errors
/// The relay's settings can not be used.
pub fn spawn(
    workers: &TaskTracker,
    services: &Services,
    settings: &Settings,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let host = settings.public_url.host_str().unwrap_or("localhost").to_owned();
    let courier = match &settings.smtp {
        Some(smtp) => CourierSettings {
            backend: Some(MailBackend::smtp(relay(smtp, &host))?),
            from: smtp.from.clone(),
            from_name: Some(smtp.from_name.clone()).filter(|name| !name.trim().is_empty()),
            connections: smtp.connections,
            rate_per_s: smtp.rate,
        },
        None => {
            CourierSettings { backend: None, from: String::new(), from_name: None, connections: 1, rate_per_s: None }
        }
    };
    workers.spawn(Courier::new(services.clone(), courier).run(shutdown.clone()));
    Ok(())
}

fn relay(smtp: &Smtp, hello: &str) -> SmtpSettings {
    let mut relay = SmtpSettings::new(smtp.host.clone(), smtp.port, hello);
    relay.tls = match smtp.tls {
        SmtpTls::None => TlsMode::None,
        SmtpTls::Required => TlsMode::StartTls,
        SmtpTls::Wrapped => TlsMode::Implicit,
        SmtpTls::Opportunistic => TlsMode::StartTlsIfOffered,
    };
    relay.credentials =
        smtp.login.as_ref().map(|login| Credentials { user: login.user.clone(), password: login.password.clone() });
    relay
}

//! Calls the webhooks that hear from us.

use outbound::trigger::{TriggerBackend, TriggerClient, TriggerSettings};
use service::Services;
use service::webhooks::Caller;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts it. Those of the site are called as backup systems are; those of subscribers, whose addresses anybody may type,
/// never in a network that is not public, whatever the configuration allows.
///
/// # Errors
/// The client can not be set up.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) -> anyhow::Result<()> {
    services.use_public_calls(TriggerBackend::Http(TriggerClient::new(&TriggerSettings::default())?));
    workers.spawn(Caller::new(services.clone()).run(shutdown.clone()));
    Ok(())
}

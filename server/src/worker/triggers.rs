//! Calls the backup systems of jobs whose extra runs are wanted.

use std::time::Duration;

use outbound::trigger::{TriggerBackend, TriggerClient, TriggerSettings};
use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};
use crate::config::Settings;

/// What is due is called within this time.
const LOOK: Duration = Duration::from_secs(2);

/// Starts it.
///
/// # Errors
/// The client can not be set up.
pub fn spawn(
    workers: &TaskTracker,
    services: &Services,
    settings: &Settings,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let client =
        TriggerClient::new(&TriggerSettings { allow: settings.trigger_allow.clone(), ..TriggerSettings::default() })?;
    services.use_triggers(TriggerBackend::Http(client));
    let services = services.clone();
    workers.spawn(keep_going("triggers", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.call_triggers().await }
    }));
    Ok(())
}

//! Reminds subscribers of windows that start soon.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// A reminder goes within this time of its instant.
const LOOK: Duration = Duration::from_secs(5);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    workers.spawn(keep_going("reminders", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.send_reminders().await.map(drop) }
    }));
}

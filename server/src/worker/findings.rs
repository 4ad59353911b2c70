//! Looks for what the site should know, and has the team told of it.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(60);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    workers.spawn(keep_going("findings", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.watch_findings().await }
    }));
}

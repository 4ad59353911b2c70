//! Causes of alerts that are to be published, proposed as over, or let go from work that has ended.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// What is due is done within this time.
const LOOK: Duration = Duration::from_secs(1);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    workers.spawn(keep_going("alerts", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.follow_causes().await.map(drop) }
    }));
}

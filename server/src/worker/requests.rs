//! Looks after requests for extra runs: gives up those whose time is over, lets carriers follow their dumps.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// What is due is done within this time.
const LOOK: Duration = Duration::from_secs(2);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    workers.spawn(keep_going("requests", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.tend_requests().await }
    }));
}

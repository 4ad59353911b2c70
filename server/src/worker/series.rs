//! Windows of work that repeats: made as time goes on, and tried again where the gate was against them.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// A draft is published within this time after its backup was confirmed.
const LOOK: Duration = Duration::from_secs(60);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    workers.spawn(keep_going("series", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.keep_all_series().await.map(drop) }
    }));
}

//! Windows that start, wait and end by themselves.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// What is due is done within this time.
const LOOK: Duration = Duration::from_secs(1);

/// Held windows are asked for again this often, in case a node died between taking a report and
/// asking, or another node took it.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// Zone rules change a few times a year, and for this program only when it starts.
const ZONES: Duration = Duration::from_secs(24 * 3600);

/// Starts all of it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let zones = services.clone();
    workers.spawn(keep_going("zones", Rhythm { every: ZONES, wake: None }, shutdown.clone(), move || {
        let services = zones.clone();
        async move {
            services.follow_zones().await?;
            services.follow_announcement_zones().await.map(drop)
        }
    }));
    let due = services.clone();
    workers.spawn(keep_going("transitions", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = due.clone();
        async move { services.run_due().await.map(drop) }
    }));
    let held = services.clone();
    let rhythm = Rhythm { every: ASK_AGAIN, wake: Some(services.reported()) };
    workers.spawn(keep_going("held windows", rhythm, shutdown.clone(), move || {
        let services = held.clone();
        async move { services.retry_held().await.map(drop) }
    }));
}

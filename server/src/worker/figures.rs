//! Counts the days that are over, and what has changed since.

use std::time::Duration;

use service::Services;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// How often it looks at least: a day ends at midnight whether anybody does something or not.
const LOOK: Duration = Duration::from_secs(60);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    let rhythm = Rhythm { every: LOOK, wake: Some(services.db.changes()) };
    workers.spawn(keep_going("figures", rhythm, shutdown.clone(), move || {
        let services = services.clone();
        async move { services.count_days().await.map(drop) }
    }));
}

//! Puts monthly reports down once their month is over.

use std::time::Duration;

use service::{Error, Services};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(60);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let services = services.clone();
    workers.spawn(keep_going("reports", Rhythm { every: LOOK, wake: None }, shutdown.clone(), move || {
        let services = services.clone();
        async move {
            for month in services.freeze_due_reports().await? {
                tracing::info!(%month, "the report was put down");
            }
            Ok::<(), Error>(())
        }
    }));
}

//! Forgets what is not needed any more.

use std::time::Duration;

use service::{Error, Services};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Rhythm, keep_going};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(600);

/// How often it looks through old runs and alerts: they are more than a year old.
const OLD_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Starts it.
pub fn spawn(workers: &TaskTracker, services: &Services, shutdown: &CancellationToken) {
    let forgetting = services.clone();
    let rhythm = Rhythm { every: EVERY, wake: None };
    workers.spawn(keep_going("housekeeping", rhythm, shutdown.clone(), move || {
        let services = forgetting.clone();
        async move {
            let gone = services.purge_pending().await?;
            if gone > 0 {
                tracing::info!(gone, "forgot addresses that never confirmed");
            }
            services.purge_expired().await?;
            services.forget_old_answers().await?;
            services.forget_old_points().await?;
            services.forget_webhook_bodies().await?;
            Ok::<(), Error>(())
        }
    }));
    let expiring = services.clone();
    let rhythm = Rhythm { every: OLD_EVERY, wake: None };
    workers.spawn(keep_going("old runs", rhythm, shutdown.clone(), move || {
        let services = expiring.clone();
        async move {
            let sweep = services.expire_runs().await?;
            if sweep.gone > 0 {
                tracing::info!(gone = sweep.gone, "old runs were deleted");
            }
            Ok::<(), Error>(())
        }
    }));
    let expiring = services.clone();
    let rhythm = Rhythm { every: OLD_EVERY, wake: None };
    workers.spawn(keep_going("old alerts", rhythm, shutdown.clone(), move || {
        let services = expiring.clone();
        async move {
            let sweep = services.expire_alerts().await?;
            if sweep.alerts > 0 {
                tracing::info!(alerts = sweep.alerts, causes = sweep.causes, "old alerts were deleted");
            }
            Ok::<(), Error>(())
        }
    }));
}

//! What runs beside the requests. Each worker does one small thing again and again; none keeps
//! truth in memory, so any may run on any node and be stopped at any instant.

pub mod alerts;
pub mod announcements;
pub mod delivery;
pub mod figures;
pub mod findings;
pub mod housekeeping;
pub mod lost;
pub mod reminders;
pub mod reports;
pub mod requests;
pub mod series;
pub mod transitions;
pub mod triggers;
pub mod webhooks;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use service::Services;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Settings;

/// Longest pause after errors that follow one another.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Starts all of them.
///
/// # Errors
/// The mail relay's settings can not be used, or calls to other systems can not be set up.
pub fn spawn(
    workers: &TaskTracker,
    services: &Services,
    settings: &Settings,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    transitions::spawn(workers, services, shutdown);
    series::spawn(workers, services, shutdown);
    lost::spawn(workers, services, shutdown);
    requests::spawn(workers, services, shutdown);
    reminders::spawn(workers, services, shutdown);
    alerts::spawn(workers, services, shutdown);
    announcements::spawn(workers, services, shutdown);
    triggers::spawn(workers, services, settings, shutdown)?;
    webhooks::spawn(workers, services, shutdown)?;
    housekeeping::spawn(workers, services, shutdown);
    findings::spawn(workers, services, shutdown);
    reports::spawn(workers, services, shutdown);
    figures::spawn(workers, services, shutdown);
    delivery::spawn(workers, services, settings, shutdown)
}

/// When a worker does its thing again.
#[derive(Debug)]
pub struct Rhythm {
    /// At least this often.
    pub every: Duration,
    /// At once when this moves.
    pub wake: Option<watch::Receiver<u64>>,
}

/// Does `tick` again and again until told to stop; the one in hand is finished. An error or a panic
/// is logged and the next tick comes all the same, later while errors follow one another.
pub async fn keep_going<F, Done, E>(name: &'static str, rhythm: Rhythm, shutdown: CancellationToken, tick: F)
where
    F: Fn() -> Done,
    Done: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let Rhythm { every, mut wake } = rhythm;
    let mut failures: u32 = 0;
    while !shutdown.is_cancelled() {
        if let Some(wake) = &mut wake {
            wake.mark_unchanged();
        }
        match AssertUnwindSafe(async { tick().await }).catch_unwind().await {
            Ok(Ok(())) => {
                if failures > 0 {
                    tracing::info!(worker = name, failures, "works again");
                }
                failures = 0;
            }
            Ok(Err(error)) => {
                failures = failures.saturating_add(1);
                tracing::error!(worker = name, failures, %error, "a worker could not do its work and tries again");
            }
            Err(panic) => {
                failures = failures.saturating_add(1);
                let message = said(panic.as_ref());
                tracing::error!(worker = name, failures, message, "a worker panicked and tries again");
            }
        }
        let pause = every.max(Duration::from_millis(250) * 2_u32.saturating_pow(failures.min(8)));
        let pause = if failures == 0 { every } else { pause.min(LONGEST_PAUSE.max(every)) };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = moved(wake.as_mut()), if failures == 0 => {}
        }
    }
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

async fn moved(wake: Option<&mut watch::Receiver<u64>>) {
    let gone = match wake {
        Some(wake) => wake.changed().await.is_err(),
        None => true,
    };
    if gone {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn counted(
        rhythm: Rhythm,
        fail: fn(u32) -> Result<(), &'static str>,
    ) -> (Arc<AtomicU32>, CancellationToken, tokio::task::JoinHandle<()>) {
        let (ticks, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let (seen, until) = (Arc::clone(&ticks), stop.clone());
        let running = tokio::spawn(keep_going("test", rhythm, until, move || {
            let n = seen.fetch_add(1, Ordering::SeqCst);
            async move { fail(n) }
        }));
        (ticks, stop, running)
    }

    #[tokio::test(start_paused = true)]
    async fn neither_an_error_nor_a_panic_ends_a_worker() {
        let rhythm = Rhythm { every: Duration::from_secs(1), wake: None };
        let (ticks, stop, running) = counted(rhythm, |n| match n {
            1 => Err("the database is away"),
            2 => panic!("a bug"),
            _ => Ok(()),
        });
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(ticks.load(Ordering::SeqCst) >= 8);
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn errors_that_follow_one_another_make_it_slower() {
        let rhythm = Rhythm { every: Duration::from_secs(1), wake: None };
        let (ticks, stop, running) = counted(rhythm, |_| Err("away"));
        tokio::time::sleep(Duration::from_secs(600)).await;
        let count = ticks.load(Ordering::SeqCst);
        assert!((15..40).contains(&count), "{count}");
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_woken_before_its_time_and_sleeps_on_when_nobody_can_wake_it() {
        let (waker, wake) = watch::channel(0_u64);
        let rhythm = Rhythm { every: Duration::from_secs(60), wake: Some(wake) };
        let (ticks, stop, running) = counted(rhythm, |_| Ok(()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        waker.send_modify(|n| *n += 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ticks.load(Ordering::SeqCst), 2);
        drop(waker);
        tokio::time::sleep(Duration::from_secs(130)).await;
        assert_eq!(ticks.load(Ordering::SeqCst), 4);
        stop.cancel();
        running.await.unwrap();
    }
}

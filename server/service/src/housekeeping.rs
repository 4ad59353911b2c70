//! Forgetting what has expired.

use crate::audit::Action;
use crate::people::password::FORGET_AFTER;
use crate::{Actor, Error, Services};
use domain::time::{Instant, Span};
use serde::Serialize;
use std::time::Duration;
use storage::ms;
use storage::session::Sessions;

/// How long alerts are kept after they are over: a year and the month before can be compared.
const KEEP_ALERTS: Span = Span::days(400);

/// Old runs that are looked through in one transaction, and old alerts and causes that are deleted in one.
const AT_ONCE: i64 = 200;

/// Between two of these, so that reports are written without waiting for the whole.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of old runs in one sweep, for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// How many are gone.
    pub gone: u64,
    /// All of them began before this instant.
    pub before: Option<Instant>,
    /// When the newest of them began.
    pub newest: Option<Instant>,
}

/// What became of old alerts in one sweep, for the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AlertSweep {
    /// How many alerts are gone.
    pub alerts: u64,
    /// How many causes are gone.
    pub causes: u64,
    /// All of them were over before this instant.
    pub before: Option<Instant>,
}

impl Services {
    /// Forgets ended sessions and one-time links, and guesses at passwords that do not count any more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn purge_expired(&self) -> Result<(), Error> {
        let now = self.now();
        Sessions::new(self.db.clone()).purge(ms(now)).await?;
        let mut tx = self.db.write().await?;
        tx.purge_links(now).await?;
        tx.purge_attempts(FORGET_AFTER.before(now)).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes runs that are older than the site keeps them and that nothing needs: neither the gate
    /// today nor the evidence of a verdict. A little at a time; one line of the audit log says what
    /// a sweep did.
    ///
    /// # Errors
    /// The database does not answer. What was deleted until then is in the audit log all the same.
    pub async fn expire_runs(&self) -> Result<Sweep, Error> {
        let Some(keep) = self.site().await?.keep_runs else { return Ok(Sweep::default()) };
        let before = keep.before(self.now());
        let mut sweep = Sweep { before: Some(before), ..Sweep::default() };
        let result = self.sweep(before, &mut sweep).await;
        if sweep.gone > 0 {
            let mut tx = self.db.write().await?;
            let action =
                Action { verb: "runs.expire", object: "runs", id: String::new(), name: format!("{} runs", sweep.gone) };
            tx.add_audit(&self.audit(&Actor::system(), action, None, Some(&sweep))).await?;
            tx.commit().await?;
        }
        result.map(|()| sweep)
    }

    async fn sweep(&self, before: Instant, sweep: &mut Sweep) -> Result<(), Error> {
        let mut from = None;
        loop {
            let mut tx = self.db.decide().await?;
            let part = tx.expire_runs(before, from, AT_ONCE).await?;
            tx.commit().await?;
            sweep.gone += part.gone;
            sweep.newest = sweep.newest.max(part.newest);
            if part.next.is_none() {
                return Ok(());
            }
            from = part.next;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes alerts that have been over for longer than they are kept, then their causes. A little at a time; one line
    /// of the audit log says what a sweep did. Incidents keep their own record.
    ///
    /// # Errors
    /// The database does not answer. What was deleted until then is in the audit log all the same.
    pub async fn expire_alerts(&self) -> Result<AlertSweep, Error> {
        let before = KEEP_ALERTS.before(self.now());
        let mut sweep = AlertSweep { before: Some(before), ..AlertSweep::default() };
        let result = self.sweep_alerts(before, &mut sweep).await;
        if sweep.alerts + sweep.causes > 0 {
            let mut tx = self.db.write().await?;
            let name = format!("{} alerts, {} causes", sweep.alerts, sweep.causes);
            let action = Action { verb: "alerts.expire", object: "alerts", id: String::new(), name };
            tx.add_audit(&self.audit(&Actor::system(), action, None, Some(&sweep))).await?;
            tx.commit().await?;
        }
        result.map(|()| sweep)
    }

    async fn sweep_alerts(&self, before: Instant, sweep: &mut AlertSweep) -> Result<(), Error> {
        loop {
            // Looked up without keeping others from writing: where nothing is old, all of them are looked at.
            let old = self.db.read().await?.old_alerts(before, AT_ONCE).await?;
            let mut tx = self.db.decide().await?;
            let gone = tx.expire_alerts(before, &old).await?;
            tx.commit().await?;
            sweep.alerts += gone;
            if gone == 0 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            let old = self.db.read().await?.old_causes(before, AT_ONCE).await?;
            let mut tx = self.db.decide().await?;
            let gone = tx.expire_causes(before, &old).await?;
            tx.commit().await?;
            sweep.causes += gone;
            if gone == 0 {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

//! Calling webhooks: claim with a lease, call, record. Nothing is kept in memory that a crash could lose; at worst a call in
//! hand is made again under the same `webhook-id`. Of each webhook at most one is in hand, so that a slow one holds up
//! nobody else.

use super::{Logged, action};
use crate::keys::{Purpose, hash};
use crate::{Actor, Error, Services};
use domain::ids::{NotificationId, WebhookId};
use domain::subscriber::SubscriberState;
use domain::time::{Instant, Span};
use domain::webhook::{Answer, OffReason, Webhook, WebhookState};
use outbound::smtp::next_retry;
use outbound::trigger::{TriggerError, new_secret};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;
use storage::StoreError;
use storage::outbox::Done;
use storage::webhook::delivery::WebhookClaimed;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a claimed call belongs to its worker: longer than a call can last.
const LEASE: Span = Span::seconds(40);

/// Most calls at the same time.
const AT_ONCE: usize = 16;

/// At least this often it is looked for calls that are due.
const LOOK: Duration = Duration::from_secs(1);

/// Whoever learns of a change by a call is to find it on the page: a changed page is rendered in less than this.
const HEAD_START: Duration = Duration::from_millis(100);

/// When the program stops, calls in hand may still be answered for so long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A call in hand.
#[derive(Debug)]
struct InHand {
    claimed: WebhookClaimed,
    webhook: Webhook,
    secret_hash: String,
    body: Value,
}

impl InHand {
    /// The same at each repetition, another for each webhook.
    fn id(&self) -> String {
        message_id(self.claimed.notification, self.webhook.id)
    }
}

fn message_id(notification: NotificationId, webhook: WebhookId) -> String {
    format!("msg_{}_{}", notification.0.simple(), webhook.0.simple())
}

/// Calls webhooks until it is told to stop.
#[derive(Debug)]
pub struct Caller {
    services: Services,
}

impl Caller {
    /// On these services.
    #[must_use]
    pub const fn new(services: Services) -> Self {
        Self { services }
    }

    /// Works until cancelled. Calls that are not answered soon after that are made again by whoever comes next.
    pub async fn run(self, cancel: CancellationToken) {
        let services = self.services;
        if let Err(error) = services.take_over_calls().await {
            tracing::error!(%error, "leases of calls could not be ended; they end by themselves");
        }
        let mut calls: JoinSet<()> = JoinSet::new();
        while !cancel.is_cancelled() {
            match services.claim_calls(AT_ONCE.saturating_sub(calls.len())).await {
                Ok(claimed) => {
                    for call in claimed {
                        let services = services.clone();
                        calls.spawn(async move { services.make_call(call).await });
                    }
                }
                Err(error) => tracing::warn!(%error, "calls that are due can not be read; trying again"),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = services.outbox_filled.webhooks_notified() => tokio::time::sleep(HEAD_START).await,
                Some(_) = calls.join_next(), if !calls.is_empty() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let _ = tokio::time::timeout(LAST_WORDS, async { while calls.join_next().await.is_some() {} }).await;
    }
}

impl Services {
    /// Ends the leases of a process that died, where there can be only one.
    async fn take_over_calls(&self) -> Result<(), Error> {
        if self.db.is_postgres() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        tx.end_webhook_leases(self.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn claim_calls(&self, room: usize) -> Result<Vec<InHand>, Error> {
        let now = self.now();
        if room == 0 || self.triggers.get().is_none() {
            return Ok(Vec::new());
        }
        // Most looks find nothing: those must not take the writer.
        if self.db.read().await?.next_webhook_delivery_at().await?.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        let mut tx = self.db.write().await?;
        let room = i64::try_from(room).unwrap_or(i64::MAX);
        let mut calls = Vec::new();
        for claimed in tx.claim_webhook_deliveries(now, LEASE.after(now), room).await? {
            let (webhook, secret_hash) = tx.webhook(claimed.webhook).await?;
            let has_left = match webhook.subscriber {
                Some(id) => tx.subscriber(id).await?.state != SubscriberState::Confirmed,
                None => false,
            };
            if has_left {
                let done = Done::Dropped { reason: "the subscriber left".to_owned() };
                tx.finish_webhook_delivery(claimed.notification, claimed.webhook, now, &done).await?;
                continue;
            }
            let body = match tx.webhook_body(claimed.notification).await {
                Ok(body) => serde_json::from_str(&body).ok(),
                Err(StoreError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let Some(body) = body else {
                // One that can not be read must not hold up all others.
                let done = Done::Failed { error: "what it was to say is lost".to_owned() };
                tx.finish_webhook_delivery(claimed.notification, claimed.webhook, now, &done).await?;
                continue;
            };
            calls.push(InHand { claimed, webhook, secret_hash, body });
        }
        tx.commit().await?;
        Ok(calls)
    }

    async fn make_call(&self, call: InHand) {
        let answer = self.fire(&call.webhook, &call.secret_hash, &call.id(), &call.body).await;
        if let Err(problem) = &answer {
            tracing::info!(webhook = %call.webhook.id, %problem, "a webhook could not be called");
        }
        // What was answered must be recorded, or it would be called again.
        while let Err(error) = self.record_answer(&call, answer.as_ref().err()).await {
            tracing::warn!(%error, "the answer of a webhook can not be recorded; trying again");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn record_answer(&self, call: &InHand, problem: Option<&CallError>) -> Result<(), Error> {
        let now = self.now();
        let (notification, id) = (call.claimed.notification, call.webhook.id);
        let mut tx = self.db.decide().await?;
        tx.finish_webhook_delivery(notification, id, now, &becomes(&call.claimed, problem, now)).await?;
        let before = match tx.webhook(id).await {
            Ok((before, _)) => before,
            // Deleted while its call was in hand.
            Err(StoreError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let answer = match problem {
            None => Answer::Good,
            Some(CallError::Call(error)) if error.is_gone() => Answer::Gone,
            Some(_) => Answer::Bad,
        };
        if let Some(after) = before.answered(answer, now) {
            tx.note_webhook(&after).await?;
            if after.state == WebhookState::Disabled {
                let reason = after.off.map_or("the webhook was switched off", OffReason::text);
                tx.drop_webhook_deliveries(id, now, reason).await?;
                let (was, is) = (Logged::from(&before), Logged::from(&after));
                let line = self.audit(&Actor::system(), action("webhook.switch_off", &after), Some(&was), Some(&is));
                tx.add_audit(&line).await?;
                tracing::warn!(webhook = %id, reason, "a webhook was switched off");
            }
        }
        Ok(tx.commit().await?)
    }

    /// Makes one call and waits for the answer.
    pub(super) async fn fire(
        &self,
        webhook: &Webhook,
        secret_hash: &str,
        id: &str,
        body: &Value,
    ) -> Result<(), CallError> {
        let backend = if webhook.subscriber.is_some() { &self.public_calls } else { &self.triggers };
        let backend = backend.get().ok_or(CallError::NoBackend)?;
        let secrets = self.keys.secrets(Purpose::Webhook, webhook.id.0, webhook.secret_version);
        let secret = secrets.map(|bytes| new_secret(&bytes)).find(|secret| hash(secret.expose_secret()) == secret_hash);
        let secret = secret.ok_or(CallError::LostSecret)?;
        Ok(backend.fire(&webhook.url, &secret, id, self.now(), body).await?)
    }
}

/// Why a call did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// The secret can not be derived any more.
    #[error("its secret was made with a key that is no longer configured; make a new one")]
    LostSecret,
    /// This process makes no calls.
    #[error("calls are not set up here")]
    NoBackend,
    /// The call itself.
    #[error(transparent)]
    Call(#[from] TriggerError),
}

impl CallError {
    /// Whether the same call may succeed later.
    fn may_pass(&self) -> bool {
        match self {
            Self::LostSecret | Self::NoBackend => true,
            Self::Call(error) => error.may_pass(),
        }
    }
}

/// What is recorded for an answer (STANDARDS §2.2, FEED-6).
fn becomes(claimed: &WebhookClaimed, problem: Option<&CallError>, now: Instant) -> Done {
    let Some(problem) = problem else { return Done::Sent };
    let error = problem.to_string();
    let attempt = u32::try_from(claimed.attempts).unwrap_or(u32::MAX).saturating_add(1);
    match next_retry(attempt, now).filter(|_| problem.may_pass()) {
        Some(due_at) => Done::Retry { due_at, error, attempt: true, ambiguous: false },
        None => Done::Failed { error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_webhook_has_its_own_id_of_a_message_and_keeps_it() {
        let (news, hook) = (|n| NotificationId(Uuid::from_u128(n)), |n| WebhookId(Uuid::from_u128(n)));
        assert_eq!(message_id(news(1), hook(2)), message_id(news(1), hook(2)));
        assert_ne!(message_id(news(1), hook(2)), message_id(news(1), hook(3)));
        assert_ne!(message_id(news(1), hook(2)), message_id(news(2), hook(2)));
        assert!(message_id(news(1), hook(2)).bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }
}

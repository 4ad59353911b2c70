//! Calling webhooks: claim with a lease, call, record. Nothing is kept in memory that a crash could lose; at worst a call in
//! hand is made again under the same `webhook-id`. Of each webhook at most one is in hand, so that a slow one holds up
//! nobody else; and the addresses that strangers typed never take the places of those that the team did.

use super::{Logged, action};
use crate::courier::of_use;
use crate::keys::{Purpose, hash};
use crate::{Actor, Error, Services};
use domain::ids::{NotificationId, WebhookId};
use domain::subscriber::SubscriberState;
use domain::time::{Instant, Span};
use domain::webhook::{Answer, OffReason, WORTH_TELLING, Webhook, WebhookState};
use outbound::smtp::next_retry;
use outbound::trigger::{TriggerError, new_secret};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use storage::outbox::Done;
use storage::webhook::delivery::{WebhookClaimed, WebhookDue, Whose};
use storage::{StoreError, Tx};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How long a claimed call belongs to its worker: longer than a call can last.
const LEASE: Span = Span::seconds(40);

/// An answer that can not be kept for so long is lost: by then the lease has ended, and the call is made again.
const RECORD: Duration = Duration::from_secs(40);

/// Most calls at the same time to webhooks of the site.
const SITE_AT_ONCE: usize = 16;

/// Most calls at the same time to webhooks of subscribers: anybody may add one that never answers.
const OTHERS_AT_ONCE: usize = 16;

/// Of those at most so many go to the same host.
const ONE_HOST_AT_ONCE: usize = 4;

/// So many of those that are due are looked at, to find some at other hosts.
const LOOK_AHEAD: i64 = 128;

/// From this try on the pause before the next is the longest.
const LONGEST_PAUSE: u32 = 6;

/// How long it is kept what was sent. Long after that nobody makes a call again.
const KEEP_BODIES: Span = Span::days(90);

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
    told_at: Instant,
    body: Value,
}

impl InHand {
    /// The same at each repetition, another for each webhook.
    fn id(&self) -> String {
        message_id(self.claimed.notification, self.webhook.id)
    }

    /// Whose place it takes: none for webhooks of the site, the host for those of subscribers.
    fn place(&self) -> Option<String> {
        self.webhook.subscriber.map(|_| self.webhook.host())
    }
}

fn message_id(notification: NotificationId, webhook: WebhookId) -> String {
    format!("msg_{}_{}", notification.0.simple(), webhook.0.simple())
}

/// The calls in hand.
#[derive(Debug, Default)]
struct Hands {
    calls: JoinSet<()>,
    /// To which host each goes; none for webhooks of the site.
    places: Vec<(Option<String>, AbortHandle)>,
}

impl Hands {
    /// Counts what is free.
    fn room(&mut self) -> Room {
        while self.calls.try_join_next().is_some() {}
        self.places.retain(|(_, call)| !call.is_finished());
        let mut room = Room::default();
        for (place, _) in &self.places {
            match place {
                None => room.site = room.site.saturating_sub(1),
                Some(host) => {
                    room.others = room.others.saturating_sub(1);
                    *room.hosts.entry(host.clone()).or_default() += 1;
                }
            }
        }
        room
    }
}

/// How many more calls may be made.
#[derive(Debug)]
struct Room {
    site: usize,
    others: usize,
    /// Calls of subscribers in hand, by host.
    hosts: HashMap<String, usize>,
}

impl Default for Room {
    fn default() -> Self {
        Self { site: SITE_AT_ONCE, others: OTHERS_AT_ONCE, hosts: HashMap::new() }
    }
}

impl Room {
    /// Hosts that get no more calls of subscribers.
    fn full(&self) -> Vec<String> {
        self.hosts.iter().filter(|(_, calls)| **calls >= ONE_HOST_AT_ONCE).map(|(host, _)| host.clone()).collect()
    }

    /// Takes a place for a call of a subscriber at this host, if there is one.
    fn admits(&mut self, host: &str) -> bool {
        let calls = self.hosts.entry(host.to_owned()).or_default();
        if self.others == 0 || *calls >= ONE_HOST_AT_ONCE {
            return false;
        }
        *calls += 1;
        self.others -= 1;
        true
    }
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
        let mut hands = Hands::default();
        while !cancel.is_cancelled() {
            match services.claim_calls(hands.room()).await {
                Ok(claimed) => {
                    for call in claimed {
                        let (services, place) = (services.clone(), call.place());
                        let task = hands.calls.spawn(async move { services.make_call(call).await });
                        hands.places.push((place, task));
                    }
                }
                Err(error) => tracing::warn!(%error, "calls that are due can not be read; trying again"),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = services.outbox_filled.webhooks_notified() => tokio::time::sleep(HEAD_START).await,
                Some(_) = hands.calls.join_next(), if !hands.calls.is_empty() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let _ = tokio::time::timeout(LAST_WORDS, async { while hands.calls.join_next().await.is_some() {} }).await;
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

    async fn claim_calls(&self, mut room: Room) -> Result<Vec<InHand>, Error> {
        if self.triggers.get().is_none() {
            return Ok(Vec::new());
        }
        let now = self.now();
        // Most looks find nothing: those must not take the writer.
        let due = self.due_calls(&mut room, now).await?;
        let mut calls = Vec::with_capacity(due.len());
        for due in due {
            match self.claim_call(&due, now).await {
                Ok(call) => calls.extend(call),
                Err(error) => {
                    tracing::warn!(webhook = %due.webhook, %error, "a call that is due can not be taken; trying again");
                }
            }
        }
        Ok(calls)
    }

    /// Those for which there is room, webhooks of the site first.
    async fn due_calls(&self, room: &mut Room, now: Instant) -> Result<Vec<WebhookDue>, Error> {
        let mut tx = self.db.read().await?;
        let site = i64::try_from(room.site).unwrap_or(i64::MAX);
        let mut due = tx.due_webhook_deliveries(Whose::Site, now, site).await?;
        if room.others > 0 {
            let others = Whose::Subscribers { except: &room.full() };
            let others = tx.due_webhook_deliveries(others, now, LOOK_AHEAD).await?;
            due.extend(others.into_iter().filter(|due| room.admits(&due.host)));
        }
        Ok(due)
    }

    /// Takes one; none if somebody else has it, or if it is not made.
    async fn claim_call(&self, due: &WebhookDue, now: Instant) -> Result<Option<InHand>, Error> {
        let mut tx = self.db.write().await?;
        let (notification, webhook) = (due.notification, due.webhook);
        let claimed = tx.claim_webhook_delivery(notification, webhook, now, LEASE.after(now)).await?;
        let Some(claimed) = claimed else { return Ok(None) };
        let call = match self.read_call(&mut tx, claimed, now).await {
            Ok(Ok(call)) => Some(call),
            Ok(Err(done)) => {
                tx.finish_webhook_delivery(notification, webhook, now, &done).await?;
                None
            }
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(error) => {
                // One that can not be read must not hold up others.
                let attempt = u32::try_from(claimed.attempts).unwrap_or(u32::MAX).saturating_add(1);
                let error = format!("it can not be read: {error}");
                let done = match next_retry(attempt, now) {
                    Some(due_at) => Done::Retry { due_at, error, attempt: true, ambiguous: false },
                    None => Done::Failed { error },
                };
                tx.finish_webhook_delivery(notification, webhook, now, &done).await?;
                None
            }
        };
        tx.commit().await?;
        Ok(call)
    }

    /// What a claimed call needs, or why it is not made.
    async fn read_call(
        &self,
        tx: &mut Tx,
        claimed: WebhookClaimed,
        now: Instant,
    ) -> Result<Result<InHand, Done>, Error> {
        let dropped = |reason: &str| Ok(Err(Done::Dropped { reason: reason.to_owned() }));
        let (webhook, secret_hash) = tx.webhook(claimed.webhook).await?;
        if let Some(id) = webhook.subscriber
            && tx.subscriber(id).await?.state != SubscriberState::Confirmed
        {
            return dropped("the subscriber left");
        }
        let told = tx.notification(claimed.notification).await?;
        if let Err(reason) = of_use(tx, &told, now).await? {
            return dropped(reason);
        }
        let body = match tx.webhook_body(claimed.notification).await {
            Ok(body) => serde_json::from_str(&body).ok(),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(match body {
            Some(body) => Ok(InHand { claimed, webhook, secret_hash, told_at: told.created_at, body }),
            None => Err(Done::Failed { error: "what it was to say is lost".to_owned() }),
        })
    }

    /// Forgets what was sent long ago. For the worker.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forget_webhook_bodies(&self) -> Result<u64, Error> {
        let mut tx = self.db.write().await?;
        let gone = tx.forget_webhook_bodies(KEEP_BODIES.before(self.now())).await?;
        tx.commit().await?;
        Ok(gone)
    }

    async fn make_call(&self, call: InHand) {
        let answer = self.fire(&call.webhook, &call.secret_hash, &call.id(), &call.body).await;
        if let Err(problem) = &answer {
            tracing::info!(webhook = %call.webhook.id, %problem, "a webhook could not be called");
        }
        // What was answered must be recorded, or it would be called again.
        let until = tokio::time::Instant::now() + RECORD;
        while let Err(error) = self.record_answer(&call, answer.as_ref().err()).await {
            if !matches!(error, StoreError::Database(_)) || tokio::time::Instant::now() >= until {
                tracing::error!(webhook = %call.webhook.id, %error, "the answer of a webhook was not recorded");
                return;
            }
            tracing::warn!(%error, "the answer of a webhook can not be recorded; trying again");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn record_answer(&self, call: &InHand, problem: Option<&CallError>) -> Result<(), StoreError> {
        let now = self.now();
        let (notification, id) = (call.claimed.notification, call.webhook.id);
        let mut tx = self.db.decide().await?;
        let done = becomes(&call.claimed, call.told_at, problem, now);
        tx.finish_webhook_delivery(notification, id, now, &done).await?;
        let before = match tx.webhook(id).await {
            Ok((before, _)) => before,
            // Deleted while its call was in hand.
            Err(StoreError::NotFound(_)) => return Ok(()),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(webhook = %id, %error, "what follows from an answer is not known");
                return tx.commit().await;
            }
            Err(error) => return Err(error),
        };
        let is_called_there = before.url == call.webhook.url;
        let answer = answer_of(&call.claimed, problem, &done).filter(|_| is_called_there);
        if let Some(after) = answer.and_then(|answer| before.answered(answer, now)) {
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
        tx.commit().await
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
            Self::Call(error) => error.may_pass() && !error.is_rejection(),
        }
    }
}

/// What an answer says of the receiver: nothing where the fault is ours, or where it is there and does not like this call.
fn answer_of(claimed: &WebhookClaimed, problem: Option<&CallError>, done: &Done) -> Option<Answer> {
    match problem {
        None => Some(Answer::Good),
        Some(CallError::LostSecret | CallError::NoBackend) => None,
        Some(CallError::Call(error)) => match error {
            TriggerError::Secret(_) | TriggerError::Id => None,
            error if error.is_gone() => Some(Answer::Gone),
            error if error.is_rejection() => None,
            // One that somebody queued again is made once.
            _ if matches!(done, Done::Failed { .. }) && !claimed.by_hand => Some(Answer::GivenUp),
            _ => Some(Answer::Bad),
        },
    }
}

/// What is recorded for an answer (STANDARDS §2.2, FEED-6).
fn becomes(claimed: &WebhookClaimed, told_at: Instant, problem: Option<&CallError>, now: Instant) -> Done {
    let Some(problem) = problem else { return Done::Sent };
    let error = problem.to_string();
    match next_turn(claimed, told_at, now).filter(|_| problem.may_pass()) {
        Some(due_at) => Done::Retry { due_at, error, attempt: true, ambiguous: false },
        None => Done::Failed { error },
    }
}

/// When a call that failed is made again: not after it is no news any more. Tries are not counted, for news that wait behind
/// it bring its turn forward.
fn next_turn(claimed: &WebhookClaimed, told_at: Instant, now: Instant) -> Option<Instant> {
    if claimed.by_hand {
        return None;
    }
    let attempt = u32::try_from(claimed.attempts).unwrap_or(u32::MAX).saturating_add(1);
    next_retry(attempt.min(LONGEST_PAUSE), now).filter(|due_at| *due_at <= WORTH_TELLING.after(told_at))
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

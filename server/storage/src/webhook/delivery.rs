//! The outbox for webhooks. It works like the one for subscribers (see [`crate::outbox`]), but each webhook is called in
//! the order of telling, one call after the other; the notifications are the same table.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::StoreError;
use crate::outbox::{Done, claim_text, delivery_state, finish_text};
use domain::ids::{NotificationId, WebhookId};
use domain::subscriber::DeliveryState;
use domain::time::Instant;
use uuid::Uuid;

const TABLE: &str = "webhook_deliveries";

/// A call that this worker now holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookClaimed {
    /// What to tell.
    pub notification: NotificationId,
    /// Whom.
    pub webhook: WebhookId,
    /// Tries of which the outcome is known; this one not counted.
    pub attempts: i64,
    /// Tries whose outcome is not known: the call may have arrived.
    pub ambiguous: i64,
}

/// A call as the admin pages list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDeliveryLine {
    /// What was told.
    pub notification: NotificationId,
    /// Whom.
    pub webhook: WebhookId,
    /// How far it is.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: i64,
    /// Next turn, while it waits.
    pub due_at: Instant,
    /// When it ended.
    pub done_at: Option<Instant>,
    /// The newest error.
    pub last_error: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    notification_id: Uuid,
    webhook_id: Uuid,
    state: String,
    attempts: i64,
    due_at: i64,
    done_at: Option<i64>,
    last_error: Option<String>,
}

impl TryFrom<Row> for WebhookDeliveryLine {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            notification: NotificationId(row.notification_id),
            webhook: WebhookId(row.webhook_id),
            state: delivery_state(&row.state)?,
            attempts: row.attempts,
            due_at: at(TABLE, row.notification_id, row.due_at)?,
            done_at: maybe_at(TABLE, row.notification_id, row.done_at)?,
            last_error: row.last_error,
        })
    }
}

macro_rules! lines {
    ($rest:literal) => {
        concat!(
            "select notification_id, webhook_id, state, attempts, due_at, done_at, last_error from webhook_deliveries ",
            $rest
        )
    };
}

/// The next of its webhook: nothing that was told earlier still waits, and the webhook is called at all.
macro_rules! next_of_its_webhook {
    () => {
        " and exists (select 1 from webhooks w where w.id = webhook_deliveries.webhook_id and w.state = 'active')
         and not exists (select 1 from webhook_deliveries earlier
             where earlier.webhook_id = webhook_deliveries.webhook_id and earlier.state in ('queued', 'sending')
             and earlier.notification_id < webhook_deliveries.notification_id)"
    };
}

impl Tx {
    /// As [`Tx::claim_deliveries`], for webhooks: of each at most the one that was told first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn claim_webhook_deliveries(
        &mut self,
        now: Instant,
        lease_until: Instant,
        limit: i64,
    ) -> Result<Vec<WebhookClaimed>, StoreError> {
        const SQLITE: &str = claim_text!("webhook_deliveries", "webhook_id", "", next_of_its_webhook!());
        const POSTGRES: &str =
            claim_text!("webhook_deliveries", "webhook_id", " for update skip locked", next_of_its_webhook!());
        Ok(self
            .claim([SQLITE, POSTGRES], now, lease_until, limit)
            .await?
            .into_iter()
            .map(|(notification, webhook, attempts, ambiguous)| WebhookClaimed {
                notification: NotificationId(notification),
                webhook: WebhookId(webhook),
                attempts,
                ambiguous,
            })
            .collect())
    }

    /// As [`Tx::finish_delivery`], for webhooks.
    ///
    /// # Errors
    /// The database refused.
    pub async fn finish_webhook_delivery(
        &mut self,
        notification: NotificationId,
        webhook: WebhookId,
        now: Instant,
        done: &Done,
    ) -> Result<(), StoreError> {
        self.finish(finish_text!("webhook_deliveries", "webhook_id"), (notification, webhook.0), now, done).await
    }

    /// As [`Tx::end_leases`], for webhooks.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_webhook_leases(&mut self, now: Instant) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query("update webhook_deliveries set due_at = $1 where state = 'sending' and due_at > $1")
                .bind(ms(now))
                .execute(x)
                .await?
                .rows_affected()
        }))
    }

    /// As [`Tx::next_delivery_at`], for webhooks that are called.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn next_webhook_delivery_at(&mut self) -> Result<Option<Instant>, StoreError> {
        const TEXT: &str = concat!(
            "select min(due_at) from webhook_deliveries where state in ('queued', 'sending')",
            next_of_its_webhook!()
        );
        let due: Option<i64> = on_tx!(self, |x| sqlx::query_scalar(TEXT).fetch_one(x).await?);
        maybe_at(TABLE, "next", due)
    }

    /// Drops what still waits for a webhook.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_webhook_deliveries(
        &mut self,
        webhook: WebhookId,
        now: Instant,
        reason: &str,
    ) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "update webhook_deliveries set state = 'dropped', done_at = $1, last_error = $2
                 where webhook_id = $3 and state in ('queued', 'sending')",
            )
            .bind(ms(now))
            .bind(reason)
            .bind(webhook.0)
            .execute(x)
            .await?
            .rows_affected()
        }))
    }

    /// The newest calls of a webhook.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn webhook_deliveries(
        &mut self,
        webhook: WebhookId,
        limit: i64,
    ) -> Result<Vec<WebhookDeliveryLine>, StoreError> {
        let rows: Vec<Row> = on_tx!(self, |x| {
            sqlx::query_as(lines!("where webhook_id = $1 order by notification_id desc limit $2"))
                .bind(webhook.0)
                .bind(limit)
                .fetch_all(x)
                .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One call.
    ///
    /// # Errors
    /// Not found, the row does not parse, or the database refused.
    pub async fn webhook_delivery(
        &mut self,
        notification: NotificationId,
        webhook: WebhookId,
    ) -> Result<WebhookDeliveryLine, StoreError> {
        let row: Option<Row> = on_tx!(self, |x| {
            sqlx::query_as(lines!("where notification_id = $1 and webhook_id = $2"))
                .bind(notification.0)
                .bind(webhook.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("call"))?.try_into()
    }

    /// As [`Tx::queue_again`], for webhooks; only what has failed.
    ///
    /// # Errors
    /// It has not failed, or the database refused.
    pub async fn queue_webhook_again(
        &mut self,
        notification: NotificationId,
        webhook: WebhookId,
        due_at: Instant,
    ) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update webhook_deliveries set state = 'queued', due_at = $1, done_at = null, attempts = 0,
                 last_error = null where notification_id = $2 and webhook_id = $3 and state in ('failed', 'dropped')",
            )
            .bind(ms(due_at))
            .bind(notification.0)
            .bind(webhook.0)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("call")) }
    }
}

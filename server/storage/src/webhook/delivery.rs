//! The outbox for webhooks. It works like the one for subscribers (see [`crate::outbox`]), but each webhook is called in
//! the order of telling, which is that of the numbers, one call after the other; the notifications are the same table.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::StoreError;
use crate::outbox::{Done, delivery_state, finish_text};
use domain::ids::{NotificationId, WebhookId};
use domain::subscriber::DeliveryState;
use domain::time::Instant;
use uuid::Uuid;

const TABLE: &str = "webhook_deliveries";

/// A call that this worker now holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookClaimed {
    /// What to tell.
    pub notification: NotificationId,
    /// Whom.
    pub webhook: WebhookId,
    /// Tries of which the outcome is known; this one not counted.
    pub attempts: i64,
    /// Tries whose outcome is not known: the call may have arrived.
    pub ambiguous: i64,
    /// Somebody queued it again: it is made once.
    pub by_hand: bool,
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

/// Whose webhooks.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// Those of the site.
    Site,
    /// Those of subscribers, except at these hosts.
    Subscribers {
        /// As [`domain::webhook::Webhook::host`] says them.
        except: &'a [String],
    },
}

/// A call whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDue {
    /// What to tell.
    pub notification: NotificationId,
    /// Whom.
    pub webhook: WebhookId,
    /// At which host.
    pub host: String,
}

/// From each webhook that is called the one call that may be made: the one in hand, or else the one that was told first.
/// The webhooks come first, so that nothing is read that waits for one that rests; and a partial index is found only by
/// the words it was made with.
const DUE: &str = "select d.notification_id, d.webhook_id, w.host from webhooks w cross join webhook_deliveries d
     where w.state = 'active' and d.webhook_id = w.id and d.due_at <= ";
const DUE_NEXT: &str = " and d.state in ('queued', 'sending') and d.number = coalesce(
         (select min(e.number) from webhook_deliveries e
             where e.webhook_id = w.id and e.state in ('queued', 'sending') and e.state = 'sending'),
         (select min(e.number) from webhook_deliveries e
             where e.webhook_id = w.id and e.state in ('queued', 'sending') and e.state = 'queued'))";

impl Tx {
    /// Calls whose turn has come, of each webhook at most one: the one that was told first, unless another is in hand.
    ///
    /// # Errors
    /// The database refused.
    pub async fn due_webhook_deliveries(
        &mut self,
        whose: Whose<'_>,
        now: Instant,
        limit: i64,
    ) -> Result<Vec<WebhookDue>, StoreError> {
        let found: Vec<(Uuid, Uuid, String)> = on_tx!(self, |x| {
            let mut query = sqlx::QueryBuilder::new(DUE);
            query.push_bind(ms(now)).push(DUE_NEXT);
            match whose {
                Whose::Site => {
                    query.push(" and w.subscriber_id is null");
                }
                Whose::Subscribers { except } => {
                    query.push(" and w.subscriber_id is not null and w.host not in (");
                    let mut list = query.separated(", ");
                    // There has to be one.
                    list.push_bind(" ".to_owned());
                    for host in except {
                        list.push_bind(host.clone());
                    }
                    query.push(")");
                }
            }
            query.push(" order by d.due_at, d.number, d.webhook_id limit ").push_bind(limit);
            query.build_query_as().fetch_all(&mut *x).await?
        });
        let due = |(notification, webhook, host)| WebhookDue {
            notification: NotificationId(notification),
            webhook: WebhookId(webhook),
            host,
        };
        Ok(found.into_iter().map(due).collect())
    }

    /// Takes a call whose turn has come until `lease_until`; none if somebody else has it meanwhile. Two workers never
    /// hold the same one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn claim_webhook_delivery(
        &mut self,
        notification: NotificationId,
        webhook: WebhookId,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Option<WebhookClaimed>, StoreError> {
        let row: Option<(i64, i64, bool)> = on_tx!(self, |x| {
            sqlx::query_as(
                "update webhook_deliveries
                 set ambiguous = ambiguous + (case when state = 'sending' then 1 else 0 end), state = 'sending', due_at = $2
                 where notification_id = $3 and webhook_id = $4 and state in ('queued', 'sending') and due_at <= $1
                 returning attempts, ambiguous, by_hand",
            )
            .bind(ms(now))
            .bind(ms(lease_until))
            .bind(notification.0)
            .bind(webhook.0)
            .fetch_optional(x)
            .await?
        });
        Ok(row.map(|(attempts, ambiguous, by_hand)| WebhookClaimed {
            notification,
            webhook,
            attempts,
            ambiguous,
            by_hand,
        }))
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

    /// Drops what waits for a webhook since before an instant.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_old_webhook_deliveries(
        &mut self,
        webhook: WebhookId,
        told_before: Instant,
        now: Instant,
        reason: &str,
    ) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "update webhook_deliveries set state = 'dropped', done_at = $1, last_error = $2
                 where webhook_id = $3 and state in ('queued', 'sending') and state = 'queued'
                 and exists (select 1 from notifications n
                     where n.id = webhook_deliveries.notification_id and n.created_at < $4)",
            )
            .bind(ms(now))
            .bind(reason)
            .bind(webhook.0)
            .bind(ms(told_before))
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
            sqlx::query_as(lines!("where webhook_id = $1 order by number desc limit $2"))
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

    /// As [`Tx::queue_again`], for webhooks; only what has failed. It is made once, so that what was told later does not
    /// wait for long; and where a call waits to be made again, its turn comes at once too.
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
            let done = sqlx::query(
                "update webhook_deliveries set state = 'queued', by_hand = true, due_at = $1, done_at = null,
                 attempts = 0, last_error = null where notification_id = $2 and webhook_id = $3 and state in ('failed', 'dropped')",
            )
            .bind(ms(due_at))
            .bind(notification.0)
            .bind(webhook.0)
            .execute(&mut *x)
            .await?
            .rows_affected();
            sqlx::query(
                "update webhook_deliveries set due_at = $1 where webhook_id = $2 and due_at > $1
                 and state in ('queued', 'sending') and state = 'queued'",
            )
            .bind(ms(due_at))
            .bind(webhook.0)
            .execute(&mut *x)
            .await?;
            done
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("call")) }
    }
}

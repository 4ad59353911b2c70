//! Webhooks and what they hear. Of the secret that signs their calls only the hash is stored.

pub mod delivery;

use crate::audience::Concern;
use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{ComponentId, NotificationId, SubscriberId, WebhookId};
use domain::subscriber::{Topic, Topics};
use domain::text::Name;
use domain::time::Instant;
use domain::webhook::{OffReason, Webhook, WebhookState};
use uuid::Uuid;

const TABLE: &str = "webhooks";

/// Most webhooks in a list.
const LISTED: i64 = 1_000;

#[derive(sqlx::FromRow)]
struct WebhookRow {
    id: Uuid,
    name: String,
    url: String,
    topics: i64,
    state: String,
    off_reason: Option<String>,
    off_at: Option<i64>,
    failing_since_at: Option<i64>,
    given_up: i64,
    subscriber_id: Option<Uuid>,
    secret_hash: String,
    secret_version: i64,
    created_at: i64,
    version: i64,
}

impl WebhookRow {
    fn with(self, components: Vec<ComponentId>) -> Result<Webhook, StoreError> {
        let wrong = |what: String| corrupt(TABLE, self.id, what);
        let state = WebhookState::ALL.into_iter().find(|state| state.as_str() == self.state);
        let off = match &self.off_reason {
            None => None,
            Some(text) => {
                let known = OffReason::ALL.into_iter().find(|reason| reason.as_str() == text);
                Some(known.ok_or_else(|| wrong(format!("off_reason {text}")))?)
            }
        };
        Ok(Webhook {
            id: WebhookId(self.id),
            name: Name::parse(&self.name).map_err(|e| wrong(e.to_string()))?,
            components,
            topics: Topics::from_bits(self.topics).ok_or_else(|| wrong(format!("topics {}", self.topics)))?,
            state: state.ok_or_else(|| wrong(format!("state {}", self.state)))?,
            off,
            off_at: maybe_at(TABLE, self.id, self.off_at)?,
            failing_since: maybe_at(TABLE, self.id, self.failing_since_at)?,
            given_up: self.given_up,
            subscriber: self.subscriber_id.map(SubscriberId),
            secret_version: self.secret_version,
            created_at: at(TABLE, self.id, self.created_at)?,
            version: self.version,
            url: self.url,
        })
    }
}

macro_rules! webhooks {
    ($rest:literal) => {
        concat!(
            "select id, name, url, topics, state, off_reason, off_at, failing_since_at, given_up, subscriber_id,
             secret_hash, secret_version, created_at, version from webhooks ",
            $rest
        )
    };
}

/// Webhooks that are called, with whose subscription they go.
macro_rules! heard {
    () => {
        "webhooks w left join subscribers s on s.id = w.subscriber_id
         where w.state = 'active' and (w.subscriber_id is null or s.state = 'confirmed')
         and (coalesce(s.topics, w.topics) & "
    };
}

/// Follows everything: neither it nor its subscription names components.
macro_rules! follows_all {
    () => {
        " or (not exists (select 1 from webhook_components f where f.webhook_id = w.id)
             and not exists (select 1 from subscriber_components f where f.subscriber_id = w.subscriber_id))"
    };
}

impl Tx {
    /// Adds a webhook with the hash of its secret.
    ///
    /// # Errors
    /// A component does not exist, or the database refused.
    pub async fn add_webhook(&mut self, new: &Webhook, secret_hash: &str) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into webhooks (id, name, url, topics, state, subscriber_id, secret_hash, secret_version, created_at,
                 version, host) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(new.id.0)
            .bind(new.name.as_str())
            .bind(&new.url)
            .bind(new.topics.bits())
            .bind(new.state.as_str())
            .bind(new.subscriber.map(|id| id.0))
            .bind(secret_hash)
            .bind(new.secret_version)
            .bind(ms(new.created_at))
            .bind(new.version)
            .bind(new.host())
            .execute(x)
            .await?;
        });
        self.webhook_follows(new).await
    }

    /// Stores a changed webhook, if nobody changed it since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, a component does not exist, or the database refused.
    pub async fn update_webhook(&mut self, webhook: &Webhook, secret_hash: &str) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update webhooks set name = $1, url = $2, topics = $3, state = $4, off_reason = $5, off_at = $6,
                 failing_since_at = $7, given_up = $8, secret_hash = $9, secret_version = $10, host = $11,
                 version = version + 1 where id = $12 and version = $13",
            )
            .bind(webhook.name.as_str())
            .bind(&webhook.url)
            .bind(webhook.topics.bits())
            .bind(webhook.state.as_str())
            .bind(webhook.off.map(OffReason::as_str))
            .bind(webhook.off_at.map(ms))
            .bind(webhook.failing_since.map(ms))
            .bind(webhook.given_up)
            .bind(secret_hash)
            .bind(webhook.secret_version)
            .bind(webhook.host())
            .bind(webhook.id.0)
            .bind(webhook.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("webhook"));
        }
        self.webhook_follows(webhook).await
    }

    async fn webhook_follows(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from webhook_components where webhook_id = $1")
                .bind(webhook.id.0)
                .execute(&mut *x)
                .await?;
            for component in &webhook.components {
                sqlx::query("insert into webhook_components (webhook_id, component_id) values ($1, $2)")
                    .bind(webhook.id.0)
                    .bind(component.0)
                    .execute(&mut *x)
                    .await?;
            }
        });
        Ok(())
    }

    /// Keeps what followed from an answer: no edit, so the version stays.
    ///
    /// # Errors
    /// The database refused.
    pub async fn note_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "update webhooks set state = $1, off_reason = $2, off_at = $3, failing_since_at = $4, given_up = $5
                 where id = $6",
            )
            .bind(webhook.state.as_str())
            .bind(webhook.off.map(OffReason::as_str))
            .bind(webhook.off_at.map(ms))
            .bind(webhook.failing_since.map(ms))
            .bind(webhook.given_up)
            .bind(webhook.id.0)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Removes a webhook with everything that was sent to it, if nobody changed it since it was read.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn delete_webhook(&mut self, id: WebhookId, version: i64) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from webhooks where id = $1 and version = $2")
                .bind(id.0)
                .bind(version)
                .execute(x)
                .await?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("webhook")) }
    }

    /// Removes the webhooks that go with a subscription, with everything that was sent to them; gives back how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn delete_webhooks_of(&mut self, subscriber: SubscriberId) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query("delete from webhooks where subscriber_id = $1")
                .bind(subscriber.0)
                .execute(x)
                .await?
                .rows_affected()
        }))
    }

    /// Drops all calls about something that are not over: those that were tried, those of webhooks that rest, and the
    /// repetition of those in hand.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_webhook_calls_about(
        &mut self,
        subject: Uuid,
        now: Instant,
        reason: &str,
    ) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "update webhook_deliveries set state = 'dropped', done_at = $1, last_error = $2
                 where state in ('queued', 'sending') and exists (select 1 from notifications n
                     where n.id = webhook_deliveries.notification_id and n.subject_id = $3)",
            )
            .bind(ms(now))
            .bind(reason)
            .bind(subject)
            .execute(x)
            .await?
            .rows_affected()
        }))
    }

    /// A webhook with the hash of its secret.
    ///
    /// # Errors
    /// Not found, the row does not parse, or the database refused.
    pub async fn webhook(&mut self, id: WebhookId) -> Result<(Webhook, String), StoreError> {
        let row: Option<WebhookRow> =
            on_tx!(self, |x| sqlx::query_as(webhooks!("where id = $1")).bind(id.0).fetch_optional(x).await?);
        let row = row.ok_or(StoreError::NotFound("webhook"))?;
        let hash = row.secret_hash.clone();
        Ok((self.webhook_with_components(row).await?, hash))
    }

    /// Those of the site by name, then those of subscribers, newest first.
    ///
    /// # Errors
    /// A row does not parse, or the database refused.
    pub async fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        let rows: Vec<WebhookRow> = on_tx!(self, |x| {
            sqlx::query_as(webhooks!(
                "order by case when subscriber_id is null then 0 else 1 end,
                 case when subscriber_id is null then lower(name) else '' end, id desc limit $1"
            ))
            .bind(LISTED)
            .fetch_all(x)
            .await?
        });
        self.webhooks_with_components(rows).await
    }

    /// Those that go with a subscription, oldest first.
    ///
    /// # Errors
    /// A row does not parse, or the database refused.
    pub async fn webhooks_of(&mut self, subscriber: SubscriberId) -> Result<Vec<Webhook>, StoreError> {
        let rows: Vec<WebhookRow> = on_tx!(self, |x| {
            sqlx::query_as(webhooks!("where subscriber_id = $1 order by id")).bind(subscriber.0).fetch_all(x).await?
        });
        self.webhooks_with_components(rows).await
    }

    /// Those of the site that were switched off by themselves, newest first.
    ///
    /// # Errors
    /// A row does not parse, or the database refused.
    pub async fn webhooks_off(&mut self) -> Result<Vec<Webhook>, StoreError> {
        let rows: Vec<WebhookRow> = on_tx!(self, |x| {
            sqlx::query_as(webhooks!(
                "where state = 'disabled' and subscriber_id is null order by off_at desc, id limit 100"
            ))
            .fetch_all(x)
            .await?
        });
        self.webhooks_with_components(rows).await
    }

    async fn webhooks_with_components(&mut self, rows: Vec<WebhookRow>) -> Result<Vec<Webhook>, StoreError> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(self.webhook_with_components(row).await?);
        }
        Ok(found)
    }

    async fn webhook_with_components(&mut self, row: WebhookRow) -> Result<Webhook, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select component_id from webhook_components where webhook_id = $1 order by component_id",
            )
            .bind(row.id)
            .fetch_all(x)
            .await?
        });
        row.with(ids.into_iter().map(ComponentId).collect())
    }

    /// As [`Tx::queue_for_followers`], for webhooks: those of a subscriber hear what the subscription does. Where a call
    /// waits to be made again, its turn comes at once, for the new one waits behind it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn queue_for_webhooks(
        &mut self,
        id: NotificationId,
        topic: Topic,
        whole_site: bool,
        due_at: Instant,
    ) -> Result<u64, StoreError> {
        const TEXT: &str = concat!(
            "insert into webhook_deliveries (notification_id, webhook_id, number, state, due_at)
             select $1, w.id, (select number from notifications where id = $1), 'queued', $2 from ",
            heard!(),
            "$3) <> 0 and ($4",
            follows_all!(),
            " or exists (select 1 from webhook_components f
                     join notification_components c on c.component_id = f.component_id
                     where f.webhook_id = w.id and c.notification_id = $1)
                 or exists (select 1 from subscriber_components f
                     join notification_components c on c.component_id = f.component_id
                     where f.subscriber_id = w.subscriber_id and c.notification_id = $1)
                 or exists (select 1 from notifications this
                     join notifications earlier on earlier.subject_id = this.subject_id
                     join webhook_deliveries d on d.notification_id = earlier.id
                     where this.id = $1 and d.webhook_id = w.id))"
        );
        Ok(on_tx!(self, |x| {
            let queued = sqlx::query(TEXT)
                .bind(id.0)
                .bind(ms(due_at))
                .bind(topic.bit())
                .bind(whole_site)
                .execute(&mut *x)
                .await?
                .rows_affected();
            if queued > 0 {
                sqlx::query(
                    "update webhook_deliveries set due_at = $1 where state in ('queued', 'sending') and state = 'queued'
                     and due_at > $1
                     and webhook_id in (select d.webhook_id from webhook_deliveries d where d.notification_id = $2)",
                )
                .bind(ms(due_at))
                .bind(id.0)
                .execute(&mut *x)
                .await?;
            }
            queued
        }))
    }

    /// How many [`Self::queue_for_webhooks`] would reach with something nobody was told of before.
    pub(crate) async fn webhooks_reached(&mut self, topic: Topic, concern: Concern<'_>) -> Result<i64, StoreError> {
        let (whole_site, components) = match concern {
            Concern::Site => (true, &[][..]),
            Concern::Components(components) => (false, components),
        };
        Ok(on_tx!(self, |x| {
            let mut query = sqlx::QueryBuilder::new(concat!("select count(*) from ", heard!()));
            query.push_bind(topic.bit()).push(") <> 0 and (").push_bind(whole_site);
            query.push(follows_all!());
            for from in [
                " or exists (select 1 from webhook_components f where f.webhook_id = w.id and f.component_id in (",
                " or exists (select 1 from subscriber_components f where f.subscriber_id = w.subscriber_id
                     and f.component_id in (",
            ] {
                query.push(from);
                let mut list = query.separated(", ");
                list.push_bind(Uuid::nil());
                for component in components {
                    list.push_bind(component.0);
                }
                query.push("))");
            }
            query.push(")");
            query.build_query_scalar().fetch_one(&mut *x).await?
        }))
    }

    /// Keeps what all webhooks are sent of a notification.
    ///
    /// # Errors
    /// It is kept already, or the database refused.
    pub async fn add_webhook_body(&mut self, id: NotificationId, body_json: &str) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("insert into webhook_bodies (notification_id, body_json) values ($1, $2)")
                .bind(id.0)
                .bind(body_json)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Forgets what was sent of notifications told before an instant, where no call waits any more.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forget_webhook_bodies(&mut self, told_before: Instant) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "delete from webhook_bodies where exists (select 1 from notifications n
                     where n.id = webhook_bodies.notification_id and n.created_at < $1)
                 and not exists (select 1 from webhook_deliveries d
                     where d.notification_id = webhook_bodies.notification_id and d.state in ('queued', 'sending'))",
            )
            .bind(ms(told_before))
            .execute(x)
            .await?
            .rows_affected()
        }))
    }

    /// What all webhooks are sent of a notification.
    ///
    /// # Errors
    /// Not found, or the database refused.
    pub async fn webhook_body(&mut self, id: NotificationId) -> Result<String, StoreError> {
        let body: Option<String> = on_tx!(self, |x| {
            sqlx::query_scalar("select body_json from webhook_bodies where notification_id = $1")
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        body.ok_or(StoreError::NotFound("body of a webhook call"))
    }
}

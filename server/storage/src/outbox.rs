//! The outbox: what is to be told, and to whom it still has to be.
//!
//! A notification and its deliveries are written in the transaction of the change they tell of.
//! Workers claim deliveries with a lease; a row found claimed after its lease ended belongs to a
//! worker that died with the mail in hand, so it may have been sent.

use crate::db::{Inner, Tx, at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{ComponentId, NotificationId, SubscriberId};
use domain::subscriber::DeliveryState;
use domain::time::Instant;
use uuid::Uuid;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// Identity.
    pub id: NotificationId,
    /// `maintenance`, `reminder`, `incident`, `post`, `confirm` or `findings`.
    pub kind: &'static str,
    /// The window, incident, announcement … it is about.
    pub subject_id: Option<Uuid>,
    /// Everything a mail is rendered from, as it was when it was told.
    pub content_json: String,
    /// When; the `Date` of its mails.
    pub created_at: Instant,
}

/// A stored notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Identity.
    pub id: NotificationId,
    /// Small number, used in message ids.
    pub number: i64,
    /// See [`NewNotification::kind`].
    pub kind: String,
    /// See [`NewNotification::subject_id`].
    pub subject_id: Option<Uuid>,
    /// See [`NewNotification::content_json`].
    pub content_json: String,
    /// When.
    pub created_at: Instant,
}

/// A delivery that this worker now holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// What to tell.
    pub notification: NotificationId,
    /// Whom.
    pub subscriber: SubscriberId,
    /// Tries of which the outcome is known; this one not counted.
    pub attempts: i64,
    /// Tries whose outcome is not known: the mail may have arrived.
    pub ambiguous: i64,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The relay took it.
    Sent,
    /// Try again.
    Retry {
        /// Not before.
        due_at: Instant,
        /// Why.
        error: String,
        /// Counts as an attempt of this recipient.
        attempt: bool,
        /// It may have arrived all the same.
        ambiguous: bool,
    },
    /// Given up.
    Failed {
        /// Why.
        error: String,
    },
    /// Not needed any more.
    Dropped {
        /// Why.
        reason: String,
    },
}

/// How far [`Tx::outbox_state`] counts: more is not worth the time of the one who asks.
pub const COUNTED: i64 = 100_000;

/// How far [`Tx::count_unreached`] counts: every page of the team asks for it.
pub const UNREACHED: i64 = 1_000;

/// How far [`Tx::stuck_deliveries`] looks back, of each kind.
const LOOKED_BACK: i64 = 1_000;

/// How the outbox stands. Counts end one above [`COUNTED`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxState {
    /// Waiting or in hand.
    pub waiting: i64,
    /// When the oldest waiting one was told.
    pub oldest_at: Option<Instant>,
    /// Taken by the relay.
    pub sent: i64,
    /// Given up.
    pub failed: i64,
    /// Not needed any more.
    pub dropped: i64,
    /// The newest error of a waiting one.
    pub last_error: Option<String>,
}

/// Mails that do not go out, among the last thousand of their kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// Waiting since long.
    pub late: i64,
    /// Given up lately.
    pub failed: i64,
}

/// A delivery as the admin pages list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryLine {
    /// What was told.
    pub notification: NotificationId,
    /// Whom.
    pub subscriber: SubscriberId,
    /// The address.
    pub email: String,
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

/// Where a delivery stands in lists: newest told first.
pub type DeliveryPlace = (NotificationId, SubscriberId);

/// Which deliveries are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryFilter {
    /// All of them.
    #[default]
    All,
    /// Waiting or in hand.
    Waiting,
    /// Taken by the relay.
    Sent,
    /// Given up.
    Failed,
    /// Not needed any more, or not possible.
    Dropped,
    /// Those to one subscriber.
    Of(SubscriberId),
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    notification_id: Uuid,
    subscriber_id: Uuid,
    email: String,
    state: String,
    attempts: i64,
    due_at: i64,
    done_at: Option<i64>,
    last_error: Option<String>,
}

impl TryFrom<DeliveryRow> for DeliveryLine {
    type Error = StoreError;
    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        Ok(Self {
            notification: NotificationId(row.notification_id),
            subscriber: SubscriberId(row.subscriber_id),
            email: row.email,
            state: delivery_state(&row.state)?,
            attempts: row.attempts,
            due_at: at("deliveries", row.notification_id, row.due_at)?,
            done_at: crate::db::maybe_at("deliveries", row.notification_id, row.done_at)?,
            last_error: row.last_error,
        })
    }
}

macro_rules! delivery_lines {
    ($from:literal, $where:expr) => {
        concat!(
            "select d.notification_id, d.subscriber_id, s.email, d.state, d.attempts, d.due_at, d.done_at, d.last_error
             from ",
            $from,
            " d join subscribers s on s.id = d.subscriber_id where ",
            $where
        )
    };
}

/// A page of deliveries; `$where` is written out, because a partial index is found only by the words it was made with.
macro_rules! delivery_page {
    ($from:literal, $where:literal) => {
        delivery_lines!(
            $from,
            concat!(
                $where,
                "(d.notification_id, d.subscriber_id) < ($1, $2)
                 order by d.notification_id desc, d.subscriber_id desc limit $3"
            )
        )
    };
}

/// Claims deliveries of one of the outboxes; `$lock` is what PostgreSQL adds, for SQLite has one writer. `$and` says
/// which of them may go at all.
macro_rules! claim_text {
    ($table:literal, $who:literal, $lock:literal) => {
        concat!(
            "update ",
            $table,
            " set ambiguous = ambiguous + (case when state = 'sending' then 1 else 0 end),
             state = 'sending', due_at = $2
             where (notification_id, ",
            $who,
            ") in (select notification_id, ",
            $who,
            " from ",
            $table,
            " where state in ('queued', 'sending') and due_at <= $1 order by due_at limit $3",
            $lock,
            ") returning notification_id, ",
            $who,
            ", attempts, ambiguous"
        )
    };
}
pub(crate) use claim_text;

/// Records what became of a delivery of one of the outboxes.
macro_rules! finish_text {
    ($table:literal, $who:literal) => {
        concat!(
            "update ",
            $table,
            " set state = $1, due_at = $2, done_at = $3, last_error = coalesce($4, last_error),
             attempts = attempts + $5, ambiguous = ambiguous + $6
             where notification_id = $7 and ",
            $who,
            " = $8 and state in ('queued', 'sending')"
        )
    };
}
pub(crate) use finish_text;

/// State, next turn, end, error, attempts and unknown outcomes to add.
type DoneColumns<'a> = (&'static str, Instant, Option<Instant>, Option<&'a String>, i64, i64);

fn done_columns(done: &Done, now: Instant) -> DoneColumns<'_> {
    match done {
        Done::Sent => ("sent", now, Some(now), None, 1, 0),
        Done::Retry { due_at, error, attempt, ambiguous } => {
            ("queued", *due_at, None, Some(error), i64::from(*attempt), i64::from(*ambiguous))
        }
        Done::Failed { error } => ("failed", now, Some(now), Some(error), 1, 0),
        Done::Dropped { reason } => ("dropped", now, Some(now), Some(reason), 0, 0),
    }
}

pub(crate) fn delivery_state(text: &str) -> Result<DeliveryState, StoreError> {
    Ok(match text {
        "queued" => DeliveryState::Queued,
        "sending" => DeliveryState::Sending,
        "sent" => DeliveryState::Sent,
        "failed" => DeliveryState::Failed,
        "dropped" => DeliveryState::Dropped,
        _ => return Err(corrupt("deliveries", "", format!("state {text}"))),
    })
}

impl Tx {
    /// Adds a notification with the components it concerns; nobody is told yet.
    ///
    /// # Errors
    /// The database refused.
    pub async fn add_notification(
        &mut self,
        new: &NewNotification,
        components: &[ComponentId],
    ) -> Result<i64, StoreError> {
        on_tx!(self, |x| {
            let number: i64 = sqlx::query_scalar(
                "insert into notifications (id, number, kind, subject_id, content_json, created_at)
                 values ($1, (select coalesce(max(number), 0) + 1 from notifications), $2, $3, $4, $5) returning number",
            )
            .bind(new.id.0)
            .bind(new.kind)
            .bind(new.subject_id)
            .bind(&new.content_json)
            .bind(ms(new.created_at))
            .fetch_one(&mut *x)
            .await?;
            for component in components {
                sqlx::query("insert into notification_components (notification_id, component_id) values ($1, $2)")
                    .bind(new.id.0)
                    .bind(component.0)
                    .execute(&mut *x)
                    .await?;
            }
            Ok(number)
        })
    }

    /// The number that the next notification will get, if none comes before it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn likely_notification_number(&mut self) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar("select coalesce(max(number), 0) + 1 from notifications").fetch_one(x).await?
        }))
    }

    /// Queues a delivery for one subscriber, in any state.
    ///
    /// # Errors
    /// It is queued already, or the database refused.
    pub async fn queue_for_one(
        &mut self,
        id: NotificationId,
        subscriber: SubscriberId,
        due_at: Instant,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into deliveries (notification_id, subscriber_id, state, due_at) values ($1, $2, 'queued', $3)",
            )
            .bind(id.0)
            .bind(subscriber.0)
            .bind(ms(due_at))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Claims from one of the outboxes by the text for SQLite or PostgreSQL: the notification, whom it is for, tries
    /// and unknown outcomes. The one place where the dialects differ: SQLite has one writer and needs no row locks.
    pub(crate) async fn claim(
        &mut self,
        [sqlite, postgres]: [&'static str; 2],
        now: Instant,
        lease_until: Instant,
        limit: i64,
    ) -> Result<Vec<(Uuid, Uuid, i64, i64)>, StoreError> {
        let (now, lease_until) = (ms(now), ms(lease_until));
        Ok(match &mut self.inner {
            Inner::Sqlite(x) => {
                sqlx::query_as(sqlite).bind(now).bind(lease_until).bind(limit).fetch_all(&mut **x).await?
            }
            Inner::Postgres(x) => {
                sqlx::query_as(postgres).bind(now).bind(lease_until).bind(limit).fetch_all(&mut **x).await?
            }
        })
    }

    /// Records in one of the outboxes what became of the delivery of a notification to somebody.
    pub(crate) async fn finish(
        &mut self,
        text: &'static str,
        (notification, who): (NotificationId, Uuid),
        now: Instant,
        done: &Done,
    ) -> Result<(), StoreError> {
        let (state, due, done_at, error, attempt, ambiguous) = done_columns(done, now);
        on_tx!(self, |x| {
            sqlx::query(text)
                .bind(state)
                .bind(ms(due))
                .bind(done_at.map(ms))
                .bind(error)
                .bind(attempt)
                .bind(ambiguous)
                .bind(notification.0)
                .bind(who)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Takes up to `limit` deliveries whose turn has come, oldest first, until `lease_until`.
    /// Two workers never hold the same one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn claim_deliveries(
        &mut self,
        now: Instant,
        lease_until: Instant,
        limit: i64,
    ) -> Result<Vec<Claimed>, StoreError> {
        const SQLITE: &str = claim_text!("deliveries", "subscriber_id", "");
        const POSTGRES: &str = claim_text!("deliveries", "subscriber_id", " for update skip locked");
        Ok(self
            .claim([SQLITE, POSTGRES], now, lease_until, limit)
            .await?
            .into_iter()
            .map(|(notification, subscriber, attempts, ambiguous)| Claimed {
                notification: NotificationId(notification),
                subscriber: SubscriberId(subscriber),
                attempts,
                ambiguous,
            })
            .collect())
    }

    /// Records what became of a claimed delivery. A row that another worker took over meanwhile
    /// and finished is left as it is.
    ///
    /// # Errors
    /// The database refused.
    pub async fn finish_delivery(
        &mut self,
        notification: NotificationId,
        subscriber: SubscriberId,
        now: Instant,
        done: &Done,
    ) -> Result<(), StoreError> {
        self.finish(finish_text!("deliveries", "subscriber_id"), (notification, subscriber.0), now, done).await
    }

    /// Drops what still waits about a window, an incident …, except one notification.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_waiting(
        &mut self,
        subject: Uuid,
        except: NotificationId,
        told_before: Instant,
        now: Instant,
        reason: &str,
    ) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "update deliveries set state = 'dropped', done_at = $1, last_error = $2
                 where state in ('queued', 'sending') and state = 'queued' and attempts = 0 and ambiguous = 0
                 and exists (select 1 from notifications n where n.id = deliveries.notification_id
                     and n.subject_id = $3 and n.id <> $4 and n.created_at < $5)",
            )
            .bind(ms(now))
            .bind(reason)
            .bind(subject)
            .bind(except.0)
            .bind(ms(told_before))
            .execute(x)
            .await?
            .rows_affected()
        }))
    }

    /// A notification.
    ///
    /// # Errors
    /// Not found, a row does not parse, or the database refused.
    pub async fn notification(&mut self, id: NotificationId) -> Result<Notification, StoreError> {
        type Row = (Uuid, i64, String, Option<Uuid>, String, i64);
        let row: Option<Row> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, number, kind, subject_id, content_json, created_at from notifications where id = $1",
            )
            .bind(id.0)
            .fetch_optional(x)
            .await?
        });
        let (id, number, kind, subject_id, content_json, created) = row.ok_or(StoreError::NotFound("notification"))?;
        Ok(Notification {
            id: NotificationId(id),
            number,
            kind,
            subject_id,
            content_json,
            created_at: at("notifications", id, created)?,
        })
    }

    /// The content of the first notification about something: mails keep its title as their subject.
    ///
    /// # Errors
    /// The database refused.
    pub async fn first_notification_content(&mut self, subject: Uuid) -> Result<Option<String>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select content_json from notifications where subject_id = $1 order by created_at, number limit 1",
            )
            .bind(subject)
            .fetch_optional(x)
            .await?
        }))
    }

    /// The content of the newest notification about something: what its readers know.
    ///
    /// # Errors
    /// The database refused.
    pub async fn newest_notification_content(&mut self, subject: Uuid) -> Result<Option<String>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select content_json from notifications where subject_id = $1
                 order by created_at desc, number desc limit 1",
            )
            .bind(subject)
            .fetch_optional(x)
            .await?
        }))
    }

    /// How the outbox stands.
    ///
    /// # Errors
    /// The database refused.
    pub async fn outbox_state(&mut self) -> Result<OutboxState, StoreError> {
        macro_rules! count {
            ($x:expr, $where:literal) => {
                sqlx::query_scalar::<_, i64>(concat!(
                    "select count(*) from (select 1 as one from deliveries where ",
                    $where,
                    " limit $1) counted"
                ))
                .bind(COUNTED + 1)
                .fetch_one(&mut *$x)
                .await?
            };
        }
        let (state, oldest): (OutboxState, Option<i64>) = on_tx!(self, |x| {
            let oldest = sqlx::query_scalar(
                "select min(n.created_at) from deliveries d join notifications n on n.id = d.notification_id
                 where d.state in ('queued', 'sending')",
            )
            .fetch_one(&mut *x)
            .await?;
            let last_error = sqlx::query_scalar(
                "select last_error from deliveries where state in ('queued', 'sending') and last_error is not null
                 order by due_at desc limit 1",
            )
            .fetch_optional(&mut *x)
            .await?;
            let state = OutboxState {
                waiting: count!(x, "state in ('queued', 'sending')"),
                sent: count!(x, "state = 'sent'"),
                failed: count!(x, "state = 'failed'"),
                dropped: count!(x, "state = 'dropped'"),
                oldest_at: None,
                last_error,
            };
            (state, oldest)
        });
        Ok(OutboxState { oldest_at: crate::db::maybe_at("notifications", "oldest", oldest)?, ..state })
    }

    /// Mails told before `told_before` that still wait, and mails given up since `failed_since`. Cheap enough for
    /// every page: each looks at a thousand rows at most.
    ///
    /// # Errors
    /// The database refused.
    pub async fn stuck_deliveries(&mut self, told_before: Instant, failed_since: Instant) -> Result<Stuck, StoreError> {
        Ok(on_tx!(self, |x| Stuck {
            late: sqlx::query_scalar(
                "select count(*) from (select notification_id from deliveries where state in ('queued', 'sending')
                     order by due_at limit $1) d
                 join notifications n on n.id = d.notification_id where n.created_at < $2",
            )
            .bind(LOOKED_BACK)
            .bind(ms(told_before))
            .fetch_one(&mut *x)
            .await?,
            failed: sqlx::query_scalar(
                "select count(*) from (select done_at from deliveries where state = 'failed'
                     order by notification_id desc limit $1) d
                 where done_at >= $2",
            )
            .bind(LOOKED_BACK)
            .bind(ms(failed_since))
            .fetch_one(&mut *x)
            .await?,
        }))
    }

    /// How many subscribers would get mail, were there a mail server: no more than [`UNREACHED`] are counted.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_unreached(&mut self) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from (select 1 as one from subscribers where state = 'confirmed' limit $1) counted",
            )
            .bind(UNREACHED)
            .fetch_one(x)
            .await?
        }))
    }

    /// The next turn of a waiting delivery.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn next_delivery_at(&mut self) -> Result<Option<Instant>, StoreError> {
        let due: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select min(due_at) from deliveries where state in ('queued', 'sending')")
                .fetch_one(x)
                .await?
        });
        crate::db::maybe_at("deliveries", "next", due)
    }

    /// Deliveries before a place, newest told first; none is before all of them.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn deliveries_before(
        &mut self,
        before: Option<DeliveryPlace>,
        filter: DeliveryFilter,
        limit: i64,
    ) -> Result<Vec<DeliveryLine>, StoreError> {
        let (notification, subscriber) = before.map_or((Uuid::max(), Uuid::max()), |(n, s)| (n.0, s.0));
        macro_rules! page {
            ($x:expr, $text:expr) => {
                sqlx::query_as($text).bind(notification).bind(subscriber).bind(limit).fetch_all($x).await?
            };
        }
        let rows: Vec<DeliveryRow> = on_tx!(self, |x| match filter {
            DeliveryFilter::All => page!(x, delivery_page!("deliveries", "")),
            // Nobody waits for long: these few are put in order, not looked for among all that was ever told.
            DeliveryFilter::Waiting => page!(
                x,
                delivery_page!(
                    "(select * from deliveries where state in ('queued', 'sending') order by due_at limit 100000)",
                    ""
                )
            ),
            DeliveryFilter::Sent => page!(x, delivery_page!("deliveries", "d.state = 'sent' and ")),
            DeliveryFilter::Failed => page!(x, delivery_page!("deliveries", "d.state = 'failed' and ")),
            DeliveryFilter::Dropped => page!(x, delivery_page!("deliveries", "d.state = 'dropped' and ")),
            DeliveryFilter::Of(of) =>
                sqlx::query_as(delivery_page!("deliveries", "d.subscriber_id = $4 and "))
                    .bind(notification)
                    .bind(subscriber)
                    .bind(limit)
                    .bind(of.0)
                    .fetch_all(x)
                    .await?,
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One delivery.
    ///
    /// # Errors
    /// Not found, the row does not parse, or the database refused.
    pub async fn delivery(
        &mut self,
        notification: NotificationId,
        subscriber: SubscriberId,
    ) -> Result<DeliveryLine, StoreError> {
        let row: Option<DeliveryRow> = on_tx!(self, |x| {
            sqlx::query_as(delivery_lines!("deliveries", "d.notification_id = $1 and d.subscriber_id = $2"))
                .bind(notification.0)
                .bind(subscriber.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("mail"))?.try_into()
    }

    /// Queues a delivery that has ended once more, with all its tries before it and the same place in message ids.
    ///
    /// # Errors
    /// It has not ended, or the database refused.
    pub async fn queue_again(
        &mut self,
        notification: NotificationId,
        subscriber: SubscriberId,
        due_at: Instant,
    ) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update deliveries set state = 'queued', due_at = $1, done_at = null, attempts = 0, last_error = null
                 where notification_id = $2 and subscriber_id = $3 and state in ('failed', 'dropped')",
            )
            .bind(ms(due_at))
            .bind(notification.0)
            .bind(subscriber.0)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 0 { Err(StoreError::Stale("mail")) } else { Ok(()) }
    }

    /// Whether something newer than this notification was told about the same thing.
    ///
    /// # Errors
    /// The database refused.
    pub async fn is_superseded(&mut self, notification: &Notification) -> Result<bool, StoreError> {
        let Some(subject) = notification.subject_id else { return Ok(false) };
        let newer: i64 = on_tx!(self, |x| {
            sqlx::query_scalar("select count(*) from notifications where subject_id = $1 and number > $2")
                .bind(subject)
                .bind(notification.number)
                .fetch_one(x)
                .await?
        });
        Ok(newer > 0)
    }

    /// When a feed last changed: raised to `max(previous + 1 s, now)` whenever its body does (CAL-13).
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn feed_modified(&mut self, feed: &str, body_hash: &str, now: Instant) -> Result<Instant, StoreError> {
        let modified: i64 = on_tx!(self, |x| {
            sqlx::query_scalar(
                "insert into feed_stamps (feed, body_hash, modified_at) values ($1, $2, $3)
                 on conflict (feed) do update set body_hash = excluded.body_hash, modified_at = case
                     when feed_stamps.body_hash = excluded.body_hash then feed_stamps.modified_at
                     when feed_stamps.modified_at + 1000 > excluded.modified_at then feed_stamps.modified_at + 1000
                     else excluded.modified_at end
                 returning modified_at",
            )
            .bind(feed)
            .bind(body_hash)
            .bind(ms(now) / 1000 * 1000)
            .fetch_one(x)
            .await?
        });
        at("feed_stamps", feed, modified)
    }

    /// When a feed last changed, without writing; none if the stored body was another one.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn feed_stamp(&mut self, feed: &str, body_hash: &str) -> Result<Option<Instant>, StoreError> {
        let modified: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select modified_at from feed_stamps where feed = $1 and body_hash = $2")
                .bind(feed)
                .bind(body_hash)
                .fetch_optional(x)
                .await?
        });
        crate::db::maybe_at("feed_stamps", feed, modified)
    }
}

/// Whom a worker writes to, with what a mail needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientRow {
    /// Identity.
    pub id: SubscriberId,
    /// Small number, part of message ids.
    pub number: i64,
    /// The address.
    pub email: String,
    /// Zone for times.
    pub zone: String,
    /// Part of the secret in links.
    pub token_version: i64,
    /// Whether it still hears from us.
    pub confirmed: bool,
    /// Whether it waits for its confirmation.
    pub pending: bool,
    /// When the confirmation was asked for.
    pub confirm_sent_at: Option<Instant>,
}

impl Tx {
    /// The recipients with these ids, in any order; those that are gone are left out.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn recipients(&mut self, ids: &[SubscriberId]) -> Result<Vec<RecipientRow>, StoreError> {
        type Row = (Uuid, i64, String, String, i64, String, Option<i64>);
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(500) {
            let rows: Vec<Row> = on_tx!(self, |x| {
                let mut query = sqlx::QueryBuilder::new(
                    "select id, number, email, zone, token_version, state, confirm_sent_at from subscribers where id in (",
                );
                let mut list = query.separated(", ");
                for id in chunk {
                    list.push_bind(id.0);
                }
                query.push(")");
                query.build_query_as().fetch_all(&mut *x).await?
            });
            for (id, number, email, zone, token_version, state, confirm_sent) in rows {
                found.push(RecipientRow {
                    id: SubscriberId(id),
                    number,
                    email,
                    zone,
                    token_version,
                    confirmed: state == "confirmed",
                    pending: state == "pending",
                    confirm_sent_at: crate::db::maybe_at("subscribers", id, confirm_sent)?,
                });
            }
        }
        Ok(found)
    }

    /// Keeps held deliveries for longer.
    ///
    /// # Errors
    /// The database refused.
    pub async fn extend_leases(
        &mut self,
        held: &[(NotificationId, SubscriberId)],
        lease_until: Instant,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            for (notification, subscriber) in held {
                sqlx::query(
                    "update deliveries set due_at = $1 where notification_id = $2 and subscriber_id = $3 and state = 'sending'",
                )
                .bind(ms(lease_until))
                .bind(notification.0)
                .bind(subscriber.0)
                .execute(&mut *x)
                .await?;
            }
        });
        Ok(())
    }

    /// Ends all leases, for the one process of a SQLite installation at its start: whoever held
    /// them is dead.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_leases(&mut self, now: Instant) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query("update deliveries set due_at = $1 where state in ('queued', 'sending') and state = 'sending' and due_at > $1")
                .bind(ms(now))
                .execute(x)
                .await?
                .rows_affected()
        }))
    }
}

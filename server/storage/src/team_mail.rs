//! Mails to people of the team: who wants them, and the outbox for them. It works like the one for
//! subscribers (see [`crate::outbox`]); the notifications are the same table.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::outbox::{Done, Stuck, claim_text, delivery_state, finish_text};
use chrono::NaiveDate;
use domain::ids::{NotificationId, UserId};
use domain::subscriber::DeliveryState;
use domain::time::Instant;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a person said about mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamMailChoice {
    /// They are wanted.
    pub wanted: bool,
    /// Part of the secret in the links that end them.
    pub link_version: i64,
}

impl Default for TeamMailChoice {
    fn default() -> Self {
        Self { wanted: true, link_version: 1 }
    }
}

/// A delivery to a person that this worker now holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamClaimed {
    /// What to tell.
    pub notification: NotificationId,
    /// Whom.
    pub person: UserId,
    /// Tries of which the outcome is known; this one not counted.
    pub attempts: i64,
    /// Tries whose outcome is not known: the mail may have arrived.
    pub ambiguous: i64,
}

/// A delivery to a person as the admin pages list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamDeliveryLine {
    /// What was told.
    pub notification: NotificationId,
    /// Whom.
    pub person: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
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

#[derive(sqlx::FromRow)]
struct Row {
    notification_id: Uuid,
    user_id: Uuid,
    name: String,
    email: String,
    state: String,
    attempts: i64,
    due_at: i64,
    done_at: Option<i64>,
    last_error: Option<String>,
}

impl TryFrom<Row> for TeamDeliveryLine {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            notification: NotificationId(row.notification_id),
            person: UserId(row.user_id),
            name: row.name,
            email: row.email,
            state: delivery_state(&row.state)?,
            attempts: row.attempts,
            due_at: at("team_deliveries", row.notification_id, row.due_at)?,
            done_at: maybe_at("team_deliveries", row.notification_id, row.done_at)?,
            last_error: row.last_error,
        })
    }
}

macro_rules! lines {
    ($rest:literal) => {
        concat!(
            "select d.notification_id, d.user_id, u.name, u.email, d.state, d.attempts, d.due_at, d.done_at, d.last_error
             from team_deliveries d join users u on u.id = d.user_id ",
            $rest
        )
    };
}

impl Tx {
    /// What people said about mails; who never said anything is not among them.
    ///
    /// # Errors
    /// The database refused.
    pub async fn team_mail_choices(&mut self) -> Result<BTreeMap<UserId, TeamMailChoice>, StoreError> {
        let rows: Vec<(Uuid, bool, i64)> = on_tx!(self, |x| {
            sqlx::query_as("select user_id, wanted, link_version from team_mail_choices").fetch_all(x).await?
        });
        Ok(rows
            .into_iter()
            .map(|(id, wanted, link_version)| (UserId(id), TeamMailChoice { wanted, link_version }))
            .collect())
    }

    /// Keeps what a person said about mails.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_team_mail_choice(&mut self, person: UserId, choice: TeamMailChoice) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into team_mail_choices (user_id, wanted, link_version) values ($1, $2, $3)
                 on conflict (user_id) do update set wanted = excluded.wanted, link_version = excluded.link_version",
            )
            .bind(person.0)
            .bind(choice.wanted)
            .bind(choice.link_version)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The day whose digest was the last; none before the first.
    ///
    /// # Errors
    /// The database refused, or the day does not parse.
    pub async fn digest_day(&mut self) -> Result<Option<NaiveDate>, StoreError> {
        let day: Option<String> =
            on_tx!(self, |x| sqlx::query_scalar("select digest_day from site where one = 1").fetch_one(x).await?);
        day.map(|day| day.parse().map_err(|e| corrupt("site", 1, e))).transpose()
    }

    /// Keeps the day whose digest was the last.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_digest_day(&mut self, day: NaiveDate) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update site set digest_day = $1 where one = 1").bind(day.to_string()).execute(x).await?;
        });
        Ok(())
    }

    /// Queues a delivery for a person.
    ///
    /// # Errors
    /// It is queued already, or the database refused.
    pub async fn queue_for_person(
        &mut self,
        id: NotificationId,
        person: UserId,
        due_at: Instant,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into team_deliveries (notification_id, user_id, state, due_at) values ($1, $2, 'queued', $3)",
            )
            .bind(id.0)
            .bind(person.0)
            .bind(ms(due_at))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// As [`Tx::claim_deliveries`], for people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn claim_team_deliveries(
        &mut self,
        now: Instant,
        lease_until: Instant,
        limit: i64,
    ) -> Result<Vec<TeamClaimed>, StoreError> {
        const SQLITE: &str = claim_text!("team_deliveries", "user_id", "");
        const POSTGRES: &str = claim_text!("team_deliveries", "user_id", " for update skip locked");
        Ok(self
            .claim([SQLITE, POSTGRES], now, lease_until, limit)
            .await?
            .into_iter()
            .map(|(notification, person, attempts, ambiguous)| TeamClaimed {
                notification: NotificationId(notification),
                person: UserId(person),
                attempts,
                ambiguous,
            })
            .collect())
    }

    /// As [`Tx::finish_delivery`], for people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn finish_team_delivery(
        &mut self,
        notification: NotificationId,
        person: UserId,
        now: Instant,
        done: &Done,
    ) -> Result<(), StoreError> {
        self.finish(finish_text!("team_deliveries", "user_id"), (notification, person.0), now, done).await
    }

    /// As [`Tx::extend_leases`], for people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn extend_team_leases(
        &mut self,
        held: &[(NotificationId, UserId)],
        lease_until: Instant,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            for (notification, person) in held {
                sqlx::query(
                    "update team_deliveries set due_at = $1
                     where notification_id = $2 and user_id = $3 and state = 'sending'",
                )
                .bind(ms(lease_until))
                .bind(notification.0)
                .bind(person.0)
                .execute(&mut *x)
                .await?;
            }
        });
        Ok(())
    }

    /// As [`Tx::end_leases`], for people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_team_leases(&mut self, now: Instant) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query("update team_deliveries set due_at = $1 where state = 'sending' and due_at > $1")
                .bind(ms(now))
                .execute(x)
                .await?
                .rows_affected()
        }))
    }

    /// As [`Tx::next_delivery_at`], for people.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn next_team_delivery_at(&mut self) -> Result<Option<Instant>, StoreError> {
        let due: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select min(due_at) from team_deliveries where state in ('queued', 'sending')")
                .fetch_one(x)
                .await?
        });
        maybe_at("team_deliveries", "next", due)
    }

    /// As [`Tx::stuck_deliveries`], for people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn stuck_team_deliveries(
        &mut self,
        told_before: Instant,
        failed_since: Instant,
    ) -> Result<Stuck, StoreError> {
        let (late, failed): (i64, i64) = on_tx!(self, |x| {
            sqlx::query_as(
                "select count(case when d.state in ('queued', 'sending') and n.created_at < $1 then 1 end),
                 count(case when d.state = 'failed' and d.done_at >= $2 then 1 end)
                 from (select * from team_deliveries order by notification_id desc limit 1000) d
                 join notifications n on n.id = d.notification_id",
            )
            .bind(ms(told_before))
            .bind(ms(failed_since))
            .fetch_one(x)
            .await?
        });
        Ok(Stuck { late, failed })
    }

    /// The newest mails to people.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn team_deliveries(&mut self, limit: i64) -> Result<Vec<TeamDeliveryLine>, StoreError> {
        let rows: Vec<Row> = on_tx!(self, |x| {
            sqlx::query_as(lines!("order by d.notification_id desc, d.user_id desc limit $1"))
                .bind(limit)
                .fetch_all(x)
                .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One mail to a person.
    ///
    /// # Errors
    /// Not found, the row does not parse, or the database refused.
    pub async fn team_delivery(
        &mut self,
        notification: NotificationId,
        person: UserId,
    ) -> Result<TeamDeliveryLine, StoreError> {
        let row: Option<Row> = on_tx!(self, |x| {
            sqlx::query_as(lines!("where d.notification_id = $1 and d.user_id = $2"))
                .bind(notification.0)
                .bind(person.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("mail"))?.try_into()
    }
}

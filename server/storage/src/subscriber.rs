//! Subscribers and what they follow.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{ComponentId, SubscriberId};
use domain::subscriber::{Subscriber, SubscriberState, Topics};
use domain::time::Instant;
use uuid::Uuid;

const TABLE: &str = "subscribers";

#[derive(sqlx::FromRow)]
struct SubscriberRow {
    id: Uuid,
    number: i64,
    email: String,
    state: String,
    zone: String,
    token_version: i64,
    confirm_sent_at: Option<i64>,
    created_at: i64,
    confirmed_at: Option<i64>,
    topics: i64,
}

fn state(id: Uuid, text: &str) -> Result<SubscriberState, StoreError> {
    SubscriberState::ALL
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| corrupt(TABLE, id, format!("state {text}")))
}

impl SubscriberRow {
    fn with(self, components: Vec<ComponentId>) -> Result<Subscriber, StoreError> {
        Ok(Subscriber {
            id: SubscriberId(self.id),
            number: self.number,
            state: state(self.id, &self.state)?,
            email: self.email,
            zone: self.zone,
            components,
            topics: Topics::from_bits(self.topics)
                .ok_or_else(|| corrupt(TABLE, self.id, format!("topics {}", self.topics)))?,
            token_version: self.token_version,
            confirm_sent_at: maybe_at(TABLE, self.id, self.confirm_sent_at)?,
            created_at: at(TABLE, self.id, self.created_at)?,
            confirmed_at: maybe_at(TABLE, self.id, self.confirmed_at)?,
        })
    }
}

/// The form of an address under which it is unique.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Which subscribers are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberFilter {
    /// Only in this state.
    pub state: Option<SubscriberState>,
    /// Only those whose address has this in it, in any case; empty for all.
    pub part: String,
}

/// How many subscribers are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriberCounts {
    /// Not confirmed yet.
    pub pending: i64,
    /// Hear from us.
    pub confirmed: i64,
    /// Left.
    pub unsubscribed: i64,
    /// Undeliverable.
    pub bounced: i64,
}

impl Tx {
    /// Adds a subscriber; its number is given here.
    ///
    /// # Errors
    /// The address is already there, or the database refused.
    pub async fn add_subscriber(&mut self, new: &Subscriber) -> Result<Subscriber, StoreError> {
        let number: i64 = on_tx!(self, |x| {
            sqlx::query_scalar(
                "insert into subscribers (id, number, email, email_key, state, zone, token_version, confirm_sent_at, confirm_count, created_at, confirmed_at, topics)
                 values ($1, (select coalesce(max(number), 0) + 1 from subscribers), $2, $3, $4, $5, $6, $7, 0, $8, $9, $10)
                 returning number",
            )
            .bind(new.id.0)
            .bind(&new.email)
            .bind(email_key(&new.email))
            .bind(new.state.as_str())
            .bind(&new.zone)
            .bind(new.token_version)
            .bind(new.confirm_sent_at.map(ms))
            .bind(ms(new.created_at))
            .bind(new.confirmed_at.map(ms))
            .bind(new.topics.bits())
            .fetch_one(x)
            .await?
        });
        let added = Subscriber { number, ..new.clone() };
        self.follow(added.id, &added.components).await?;
        Ok(added)
    }

    /// Stores state, zone, token version, confirmation times, topics and what it follows.
    ///
    /// # Errors
    /// Not found, or the database refused.
    pub async fn update_subscriber(&mut self, s: &Subscriber, ended_at: Option<Instant>) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update subscribers set state = $1, zone = $2, token_version = $3, confirm_sent_at = $4, confirmed_at = $5,
                 ended_at = $6, topics = $7, version = version + 1 where id = $8",
            )
            .bind(s.state.as_str())
            .bind(&s.zone)
            .bind(s.token_version)
            .bind(s.confirm_sent_at.map(ms))
            .bind(s.confirmed_at.map(ms))
            .bind(ended_at.map(ms))
            .bind(s.topics.bits())
            .bind(s.id.0)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 0 {
            return Err(StoreError::NotFound("subscriber"));
        }
        self.follow(s.id, &s.components).await
    }

    async fn follow(&mut self, id: SubscriberId, components: &[ComponentId]) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from subscriber_components where subscriber_id = $1")
                .bind(id.0)
                .execute(&mut *x)
                .await?;
            for component in components {
                sqlx::query("insert into subscriber_components (subscriber_id, component_id) values ($1, $2)")
                    .bind(id.0)
                    .bind(component.0)
                    .execute(&mut *x)
                    .await?;
            }
        });
        Ok(())
    }

    /// One by id.
    ///
    /// # Errors
    /// Not found, a row does not parse, or the database refused.
    pub async fn subscriber(&mut self, id: SubscriberId) -> Result<Subscriber, StoreError> {
        let row: Option<SubscriberRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, number, email, state, zone, token_version, confirm_sent_at, created_at, confirmed_at, topics
                 from subscribers where id = $1",
            )
            .bind(id.0)
            .fetch_optional(x)
            .await?
        });
        let row = row.ok_or(StoreError::NotFound("subscriber"))?;
        let components = self.followed(id).await?;
        row.with(components)
    }

    /// One by address, in any state.
    ///
    /// # Errors
    /// A row does not parse, or the database refused.
    pub async fn subscriber_by_email(&mut self, email: &str) -> Result<Option<Subscriber>, StoreError> {
        let id: Option<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar("select id from subscribers where email_key = $1")
                .bind(email_key(email))
                .fetch_optional(x)
                .await?
        });
        match id {
            Some(id) => self.subscriber(SubscriberId(id)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn followed(&mut self, id: SubscriberId) -> Result<Vec<ComponentId>, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select component_id from subscriber_components where subscriber_id = $1 order by component_id",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        });
        Ok(ids.into_iter().map(ComponentId).collect())
    }

    /// A page of subscribers after a number, in order of number.
    ///
    /// # Errors
    /// A row does not parse, or the database refused.
    pub async fn subscribers_after(
        &mut self,
        number: i64,
        filter: &SubscriberFilter,
        limit: i64,
    ) -> Result<Vec<Subscriber>, StoreError> {
        // What is typed is looked for as it is: in a pattern `%` and `_` would stand for others.
        let part = email_key(&filter.part).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let rows: Vec<SubscriberRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, number, email, state, zone, token_version, confirm_sent_at, created_at, confirmed_at, topics
                 from subscribers where number > $1 and ($2 = '' or state = $2)
                 and ($3 = '' or email_key like '%' || $3 || '%' escape '\\') order by number limit $4",
            )
            .bind(number)
            .bind(filter.state.map_or("", SubscriberState::as_str))
            .bind(part)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let components = self.followed(SubscriberId(row.id)).await?;
            page.push(row.with(components)?);
        }
        Ok(page)
    }

    /// How many are in each state.
    ///
    /// # Errors
    /// A row does not parse, or the database refused.
    pub async fn count_subscribers(&mut self) -> Result<SubscriberCounts, StoreError> {
        let rows: Vec<(String, i64)> = on_tx!(self, |x| {
            sqlx::query_as("select state, count(*) from subscribers group by state").fetch_all(x).await?
        });
        let mut counts = SubscriberCounts::default();
        for (text, n) in rows {
            match state(Uuid::nil(), &text)? {
                SubscriberState::Pending => counts.pending = n,
                SubscriberState::Confirmed => counts.confirmed = n,
                SubscriberState::Unsubscribed => counts.unsubscribed = n,
                SubscriberState::Bounced => counts.bounced = n,
            }
        }
        Ok(counts)
    }

    /// Forgets those who did not confirm (MAIL-2) and whose mails are done.
    ///
    /// # Errors
    /// The database refused.
    pub async fn purge_pending(&mut self, asked_before: Instant) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query(
                "delete from subscribers where state = 'pending' and coalesce(confirm_sent_at, created_at) < $1",
            )
            .bind(ms(asked_before))
            .execute(x)
            .await?
            .rows_affected()
        }))
    }

    /// Removes a subscriber with everything that was sent to it.
    ///
    /// # Errors
    /// Not found, or the database refused.
    pub async fn delete_subscriber(&mut self, id: SubscriberId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from subscribers where id = $1").bind(id.0).execute(x).await?.rows_affected()
        });
        if done == 0 { Err(StoreError::NotFound("subscriber")) } else { Ok(()) }
    }
}

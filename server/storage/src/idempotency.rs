//! Answers kept for requests that may come twice.

use crate::db::{Tx, ms, on_tx};
use crate::error::StoreError;
use domain::time::Instant;
use uuid::Uuid;

/// An answer given before.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptAnswer {
    /// Hash of the request it was given to.
    pub request_hash: String,
    /// HTTP status.
    pub status: i64,
    /// Body.
    pub response: String,
}

impl Tx {
    /// The answer that a caller (a token's or a person's id) got for a key.
    ///
    /// # Errors
    /// The database refused.
    pub async fn kept_answer(&mut self, caller: Uuid, key: &str) -> Result<Option<KeptAnswer>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select request_hash, status, response from idempotency where token_id = $1 and idempotency_key = $2",
            )
            .bind(caller)
            .bind(key)
            .fetch_optional(x)
            .await?
        }))
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// The key has an answer already, or the database refused.
    pub async fn keep_answer(
        &mut self,
        caller: Uuid,
        key: &str,
        answer: &KeptAnswer,
        now: Instant,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into idempotency (token_id, idempotency_key, request_hash, status, response, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(caller)
            .bind(key)
            .bind(&answer.request_hash)
            .bind(answer.status)
            .bind(&answer.response)
            .bind(ms(now))
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("idempotency key"))?;
        });
        Ok(())
    }

    /// Forgets answers given before an instant; says how many.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forget_answers(&mut self, before: Instant) -> Result<u64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query("delete from idempotency where created_at < $1")
                .bind(ms(before))
                .execute(x)
                .await?
                .rows_affected()
        }))
    }
}

//! What holders of tokens may ask for, and how often they did.

use crate::db::{Tx, at, ms, on_tx};
use crate::error::StoreError;
use domain::ids::{DataSetId, RequestId, TokenId};
use domain::request::{BackupRequest, Grant};
use domain::time::Instant;
use uuid::Uuid;

impl Tx {
    /// Stores what a token may ask for, instead of what it might before. Its uses stay.
    ///
    /// # Errors
    /// There is no such token or data set, or the database refused.
    pub async fn put_grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into request_grants (token_id, per_day) values ($1, $2)
                 on conflict (token_id) do update set per_day = excluded.per_day",
            )
            .bind(grant.token_id.0)
            .bind(grant.per_day)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("token"))?;
        });
        on_tx!(self, |x| {
            sqlx::query("delete from request_grant_data_sets where token_id = $1")
                .bind(grant.token_id.0)
                .execute(x)
                .await?;
        });
        for data_set in &grant.data_sets {
            on_tx!(self, |x| {
                sqlx::query("insert into request_grant_data_sets (token_id, data_set_id) values ($1, $2)")
                    .bind(grant.token_id.0)
                    .bind(data_set.0)
                    .execute(x)
                    .await
                    .map_err(|e| StoreError::from(e).naming("data set"))?;
            });
        }
        Ok(())
    }

    /// What a token may ask for; none where nobody has said.
    ///
    /// # Errors
    /// The database refused.
    pub async fn grant_of(&mut self, token: TokenId) -> Result<Option<Grant>, StoreError> {
        let per_day: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select per_day from request_grants where token_id = $1")
                .bind(token.0)
                .fetch_optional(x)
                .await?
        });
        let Some(per_day) = per_day else { return Ok(None) };
        let data_sets: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select data_set_id from request_grant_data_sets where token_id = $1 order by data_set_id",
            )
            .bind(token.0)
            .fetch_all(x)
            .await?
        });
        Ok(Some(Grant { token_id: token, data_sets: data_sets.into_iter().map(DataSetId).collect(), per_day }))
    }

    /// Notes that a token was used to ask.
    ///
    /// # Errors
    /// The token has no grant, or the database refused.
    pub async fn add_grant_use(
        &mut self,
        token: TokenId,
        request: RequestId,
        used_at: Instant,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("insert into request_grant_uses (token_id, request_id, used_at) values ($1, $2, $3)")
                .bind(token.0)
                .bind(request.0)
                .bind(ms(used_at))
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("request"))?;
        });
        Ok(())
    }

    /// When a token was used to ask, since an instant; oldest first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn grant_uses(&mut self, token: TokenId, since: Instant) -> Result<Vec<Instant>, StoreError> {
        let uses: Vec<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select used_at from request_grant_uses where token_id = $1 and used_at > $2 order by used_at",
            )
            .bind(token.0)
            .bind(ms(since))
            .fetch_all(x)
            .await?
        });
        uses.into_iter().map(|used| at("request_grant_uses", token, used)).collect()
    }

    /// How many open requests were made before this one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn requests_ahead(&mut self, request: &BackupRequest) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from backup_requests
                 where state in ('requested', 'sent', 'fetched', 'running')
                 and (asked_at < $1 or (asked_at = $1 and id < $2))",
            )
            .bind(ms(request.asked_at))
            .bind(request.id.0)
            .fetch_one(x)
            .await?
        }))
    }
}

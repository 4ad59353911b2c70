//! Bearer tokens of the API; of their secrets only the hash is known.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{TokenId, UserId};
use domain::people::{ApiToken, Scope};
use domain::text::Name;
use domain::time::Instant;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: Uuid,
    name: String,
    scopes: String,
    secret_hash: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<TokenRow> for ApiToken {
    type Error = StoreError;
    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TokenId(row.id),
            name: Name::parse(&row.name).map_err(|e| corrupt("api_tokens", row.id, e))?,
            scopes: row
                .scopes
                .split_whitespace()
                .map(|scope| Scope::parse(scope).map_err(|e| corrupt("api_tokens", row.id, e)))
                .collect::<Result<_, _>>()?,
            created_at: at("api_tokens", row.id, row.created_at)?,
            expires_at: maybe_at("api_tokens", row.id, row.expires_at)?,
            last_used_at: maybe_at("api_tokens", row.id, row.last_used_at)?,
            revoked_at: maybe_at("api_tokens", row.id, row.revoked_at)?,
        })
    }
}

impl Tx {
    /// Adds a token with the hash of its secret.
    ///
    /// # Errors
    /// The database refused.
    pub async fn add_token(
        &mut self,
        token: &ApiToken,
        secret_hash: &str,
        created_by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        on_tx!(self, |x| {
            sqlx::query(
                "insert into api_tokens (id, name, scopes, secret_hash, created_by, created_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(token.id.0)
            .bind(token.name.as_str())
            .bind(&scopes)
            .bind(secret_hash)
            .bind(created_by.map(|id| id.0))
            .bind(ms(token.created_at))
            .bind(token.expires_at.map(ms))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// One token and the hash of its secret.
    ///
    /// # Errors
    /// There is none with this id, the database refused, or the row does not parse.
    pub async fn token(&mut self, id: TokenId) -> Result<(ApiToken, String), StoreError> {
        let row: Option<TokenRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, name, scopes, secret_hash, created_at, expires_at, last_used_at, revoked_at
                 from api_tokens where id = $1",
            )
            .bind(id.0)
            .fetch_optional(x)
            .await?
        });
        let row = row.ok_or(StoreError::NotFound("token"))?;
        let hash = row.secret_hash.clone();
        Ok((row.try_into()?, hash))
    }

    /// Who made a token; none where that was no person.
    ///
    /// # Errors
    /// There is none with this id, or the database refused.
    pub async fn token_maker(&mut self, id: TokenId) -> Result<Option<UserId>, StoreError> {
        let maker: Option<Option<Uuid>> = on_tx!(self, |x| {
            sqlx::query_scalar("select created_by from api_tokens where id = $1").bind(id.0).fetch_optional(x).await?
        });
        Ok(maker.ok_or(StoreError::NotFound("token"))?.map(UserId))
    }

    /// All tokens: valid ones first, then by name.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn tokens(&mut self) -> Result<Vec<ApiToken>, StoreError> {
        let rows: Vec<TokenRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, name, scopes, secret_hash, created_at, expires_at, last_used_at, revoked_at
                 from api_tokens order by (revoked_at is not null), lower(name), id",
            )
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Revokes a token; one that is revoked stays so since when it was.
    ///
    /// # Errors
    /// The database refused.
    pub async fn revoke_token(&mut self, id: TokenId, at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update api_tokens set revoked_at = $1 where id = $2 and revoked_at is null")
                .bind(ms(at))
                .bind(id.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// The database refused.
    pub async fn touch_token(&mut self, id: TokenId, at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update api_tokens set last_used_at = $1 where id = $2")
                .bind(ms(at))
                .bind(id.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }
}

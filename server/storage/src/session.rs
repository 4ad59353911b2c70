//! Sessions of the admin pages: the cookie's value is hashed before it is stored (SEC-3), so a
//! copy of the database opens no door.

use crate::db::{Db, on_tx};
use crate::error::StoreError;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use uuid::Uuid;

/// The key under which a session keeps the id of its person.
pub const USER_KEY: &str = "user";

/// Keeps sessions in the database.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
}

impl Sessions {
    /// On this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Forgets what has expired.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn purge(&self, now_ms: i64) -> std::result::Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        on_tx!(tx, |x| {
            sqlx::query("delete from sessions where expires_at <= $1").bind(now_ms).execute(x).await?;
        });
        tx.commit().await
    }

    async fn put(&self, record: &Record) -> std::result::Result<(), StoreError> {
        let created = time::OffsetDateTime::now_utc().unix_timestamp().saturating_mul(1000);
        let (user, data, expires) = columns(record)?;
        let mut tx = self.db.write().await?;
        on_tx!(tx, |x| {
            sqlx::query(
                "insert into sessions (id_hash, user_id, data, created_at, expires_at) values ($1, $2, $3, $4, $5)",
            )
            .bind(hash(&record.id))
            .bind(user)
            .bind(&data)
            .bind(created)
            .bind(expires)
            .execute(x)
            .await?;
        });
        tx.commit().await
    }

    /// A session that was ended meanwhile stays ended: it is never inserted again.
    async fn replace(&self, record: &Record) -> std::result::Result<(), StoreError> {
        let (user, data, expires) = columns(record)?;
        let mut tx = self.db.write().await?;
        on_tx!(tx, |x| {
            sqlx::query("update sessions set user_id = $1, data = $2, expires_at = $3 where id_hash = $4")
                .bind(user)
                .bind(&data)
                .bind(expires)
                .bind(hash(&record.id))
                .execute(x)
                .await?;
        });
        tx.commit().await
    }

    async fn get(&self, id: &Id) -> std::result::Result<Option<Record>, StoreError> {
        let key = hash(id);
        let mut tx = self.db.read().await?;
        let row: Option<(String, i64)> = on_tx!(tx, |x| {
            sqlx::query_as("select data, expires_at from sessions where id_hash = $1")
                .bind(&key)
                .fetch_optional(x)
                .await?
        });
        let Some((data, expires)) = row else { return Ok(None) };
        let corrupt = |reason: String| crate::error::corrupt("sessions", &key, reason);
        let expiry_date =
            time::OffsetDateTime::from_unix_timestamp(expires / 1000).map_err(|e| corrupt(e.to_string()))?;
        if expiry_date <= time::OffsetDateTime::now_utc() {
            return Ok(None);
        }
        let data = serde_json::from_str(&data).map_err(|e| corrupt(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn remove(&self, id: &Id) -> std::result::Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        on_tx!(tx, |x| {
            sqlx::query("delete from sessions where id_hash = $1").bind(hash(id)).execute(x).await?;
        });
        tx.commit().await
    }
}

/// The person, the data and the end of a session, as stored.
fn columns(record: &Record) -> std::result::Result<(Option<Uuid>, String, i64), StoreError> {
    let user = record.data.get(USER_KEY).and_then(|v| v.as_str()).and_then(|s| s.parse().ok());
    let data = serde_json::to_string(&record.data).map_err(|e| crate::error::corrupt("sessions", "", e))?;
    Ok((user, data, record.expiry_date.unix_timestamp().saturating_mul(1000)))
}

fn hash(id: &Id) -> String {
    let digest = Sha256::digest(id.0.to_le_bytes());
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What stays wrong is told apart from a database that does not answer: there the same again may do.
fn backend(error: StoreError) -> Error {
    let text = error.to_string();
    if error.is_away() || matches!(error, StoreError::Unknown(_)) { Error::Backend(text) } else { Error::Decode(text) }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.put(record).await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.replace(record).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.get(id).await.map_err(backend)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.remove(id).await.map_err(backend)
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, StoreError, backend};

    #[test]
    fn only_a_database_that_is_away_is_worth_another_try() {
        let lost = || sqlx::Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        for away in [StoreError::from(lost()), StoreError::Unknown(lost()), sqlx::Error::PoolTimedOut.into()] {
            assert!(matches!(backend(away), Error::Backend(_)));
        }
        let corrupt = crate::error::corrupt("sessions", 1, "no JSON");
        for ours in [corrupt, StoreError::Conflict("unique key"), sqlx::Error::ColumnNotFound("data".to_owned()).into()]
        {
            assert!(matches!(backend(ours), Error::Decode(_)));
        }
    }
}

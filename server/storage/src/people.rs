//! People who sign in, their one-time links, and the wrong guesses at their passwords.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::subscriber::email_key;
use domain::ids::UserId;
use domain::people::{LinkPurpose, Role, User};
use domain::text::Name;
use domain::time::Instant;
use uuid::Uuid;

const COLUMNS: &str = "id, email, name, role, password_hash, disabled_at, signed_in_at, version";

#[derive(sqlx::FromRow)]
struct UserRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    password_hash: String,
    disabled_at: Option<i64>,
    signed_in_at: Option<i64>,
    version: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;
    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            name: Name::parse(&row.name).map_err(|e| corrupt("users", row.id, e))?,
            role: Role::parse(&row.role).map_err(|e| corrupt("users", row.id, e))?,
            disabled_at: maybe_at("users", row.id, row.disabled_at)?,
            has_password: !row.password_hash.is_empty(),
            signed_in_at: maybe_at("users", row.id, row.signed_in_at)?,
            version: row.version,
        })
    }
}

/// A one-time link; only the hash of its secret is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeLink {
    /// Hash of the secret, lower-case hex.
    pub token_hash: String,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whose it is; nobody's for the first admin.
    pub user_id: Option<UserId>,
    /// Made at.
    pub created_at: Instant,
    /// Not valid from then on.
    pub expires_at: Instant,
    /// Not valid since.
    pub used_at: Option<Instant>,
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    token_hash: String,
    purpose: String,
    user_id: Option<Uuid>,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
}

impl TryFrom<LinkRow> for OneTimeLink {
    type Error = StoreError;
    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        let purpose = LinkPurpose::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == row.purpose)
            .ok_or_else(|| corrupt("one_time_links", &row.token_hash, &row.purpose))?;
        Ok(Self {
            purpose,
            user_id: row.user_id.map(UserId),
            created_at: at("one_time_links", &row.token_hash, row.created_at)?,
            expires_at: at("one_time_links", &row.token_hash, row.expires_at)?,
            used_at: maybe_at("one_time_links", &row.token_hash, row.used_at)?,
            token_hash: row.token_hash,
        })
    }
}

/// Guesses at one sign-in name since the last success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How many were wrong, or are still being checked.
    pub failed: i64,
    /// When the last one was let through.
    pub last_at: Instant,
    /// None is let through before this.
    pub retry_at: Instant,
}

impl Tx {
    /// Adds a person. An empty hash is no password: nobody signs in with it.
    ///
    /// # Errors
    /// The e-mail address is taken, or the database refused.
    pub async fn add_user(&mut self, user: &User, password_hash: &str, created_at: Instant) -> Result<(), StoreError> {
        let result = on_tx!(self, |x| {
            sqlx::query(
                "insert into users (id, email, email_key, name, role, password_hash, disabled_at, created_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, 1)",
            )
            .bind(user.id.0)
            .bind(&user.email)
            .bind(email_key(&user.email))
            .bind(user.name.as_str())
            .bind(user.role.as_str())
            .bind(password_hash)
            .bind(user.disabled_at.map(ms))
            .bind(ms(created_at))
            .execute(x)
            .await
            .map(drop)
        });
        result.map_err(|e| StoreError::from(e).naming("e-mail address"))
    }

    /// One person.
    ///
    /// # Errors
    /// There is none with this id, the database refused, or the row does not parse.
    pub async fn user(&mut self, id: UserId) -> Result<User, StoreError> {
        let sql = format!("select {COLUMNS} from users where id = $1");
        let row: Option<UserRow> =
            on_tx!(self, |x| sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id.0).fetch_optional(x).await?);
        row.ok_or(StoreError::NotFound("person"))?.try_into()
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn users(&mut self) -> Result<Vec<User>, StoreError> {
        let sql = format!("select {COLUMNS} from users order by lower(name), email_key");
        let rows: Vec<UserRow> = on_tx!(self, |x| sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(x).await?);
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Whether there is anybody at all.
    ///
    /// # Errors
    /// The database refused.
    pub async fn has_users(&mut self) -> Result<bool, StoreError> {
        let found: Option<Uuid> =
            on_tx!(self, |x| sqlx::query_scalar("select id from users limit 1").fetch_optional(x).await?);
        Ok(found.is_some())
    }

    /// Whether somebody else can administer: an admin who is not disabled and has a password.
    ///
    /// # Errors
    /// The database refused.
    pub async fn has_other_admin(&mut self, than: UserId) -> Result<bool, StoreError> {
        let found: Option<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select id from users where role = 'admin' and disabled_at is null and password_hash <> '' and id <> $1
                 limit 1",
            )
            .bind(than.0)
            .fetch_optional(x)
            .await?
        });
        Ok(found.is_some())
    }

    /// The person with this sign-in name, and the hash of their password.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn user_by_email(&mut self, email: &str) -> Result<Option<(User, String)>, StoreError> {
        let sql = format!("select {COLUMNS} from users where email_key = $1");
        let row: Option<UserRow> = on_tx!(self, |x| {
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(email_key(email)).fetch_optional(x).await?
        });
        row.map(|row| {
            let hash = row.password_hash.clone();
            Ok((row.try_into()?, hash))
        })
        .transpose()
    }

    /// Stores name, address, role and whether disabled, if nobody did since they were read.
    ///
    /// # Errors
    /// Stale, the e-mail address is taken, or the database refused.
    pub async fn update_user(&mut self, user: &User) -> Result<(), StoreError> {
        let result = on_tx!(self, |x| {
            sqlx::query(
                "update users set email = $1, email_key = $2, name = $3, role = $4, disabled_at = $5,
                 version = version + 1 where id = $6 and version = $7",
            )
            .bind(&user.email)
            .bind(email_key(&user.email))
            .bind(user.name.as_str())
            .bind(user.role.as_str())
            .bind(user.disabled_at.map(ms))
            .bind(user.id.0)
            .bind(user.version)
            .execute(x)
            .await
            .map(|done| done.rows_affected())
        });
        match result {
            Ok(1) => Ok(()),
            Ok(_) => Err(StoreError::Stale("person")),
            Err(e) => Err(StoreError::from(e).naming("e-mail address")),
        }
    }

    /// Stores the hash of a password.
    ///
    /// # Errors
    /// There is no such person, or the database refused.
    pub async fn set_password_hash(&mut self, id: UserId, hash: &str) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("update users set password_hash = $1 where id = $2")
                .bind(hash)
                .bind(id.0)
                .execute(x)
                .await?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("person")) }
    }

    /// Notes when a person last signed in.
    ///
    /// # Errors
    /// The database refused.
    pub async fn note_sign_in(&mut self, id: UserId, at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update users set signed_in_at = $1 where id = $2").bind(ms(at)).bind(id.0).execute(x).await?;
        });
        Ok(())
    }

    /// Ends every session of a person (SEC-2).
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_sessions(&mut self, id: UserId) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from sessions where user_id = $1").bind(id.0).execute(x).await?;
        });
        Ok(())
    }

    /// Keeps a one-time link.
    ///
    /// # Errors
    /// The database refused.
    pub async fn add_link(&mut self, link: &OneTimeLink) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into one_time_links (token_hash, purpose, user_id, created_at, expires_at, used_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&link.token_hash)
            .bind(link.purpose.as_str())
            .bind(link.user_id.map(|id| id.0))
            .bind(ms(link.created_at))
            .bind(ms(link.expires_at))
            .bind(link.used_at.map(ms))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The link with this hash.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn link(&mut self, token_hash: &str) -> Result<Option<OneTimeLink>, StoreError> {
        let row: Option<LinkRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select token_hash, purpose, user_id, created_at, expires_at, used_at from one_time_links
                 where token_hash = $1",
            )
            .bind(token_hash)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Uses up every open link of a person, or every open link that makes the first admin.
    ///
    /// # Errors
    /// The database refused.
    pub async fn use_links(&mut self, of: Option<UserId>, at: Instant) -> Result<(), StoreError> {
        let (user, purpose) = of.map_or((Uuid::nil(), "setup"), |id| (id.0, ""));
        on_tx!(self, |x| {
            sqlx::query(
                "update one_time_links set used_at = $1 where used_at is null and (user_id = $2 or purpose = $3)",
            )
            .bind(ms(at))
            .bind(user)
            .bind(purpose)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Forgets links that ended before an instant.
    ///
    /// # Errors
    /// The database refused.
    pub async fn purge_links(&mut self, before: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from one_time_links where expires_at < $1").bind(ms(before)).execute(x).await?;
        });
        Ok(())
    }

    /// The guesses at a sign-in name.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn attempts(&mut self, name_hash: &str) -> Result<Option<Attempts>, StoreError> {
        let row: Option<(i64, i64, i64)> = on_tx!(self, |x| {
            sqlx::query_as("select failed_count, last_at, retry_at from sign_in_attempts where name_hash = $1")
                .bind(name_hash)
                .fetch_optional(x)
                .await?
        });
        row.map(|(failed, last, retry)| {
            Ok(Attempts {
                failed,
                last_at: at("sign_in_attempts", name_hash, last)?,
                retry_at: at("sign_in_attempts", name_hash, retry)?,
            })
        })
        .transpose()
    }

    /// Keeps the guesses at a sign-in name.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_attempts(&mut self, name_hash: &str, attempts: &Attempts) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into sign_in_attempts (name_hash, failed_count, last_at, retry_at) values ($1, $2, $3, $4)
                 on conflict (name_hash) do update set
                 failed_count = excluded.failed_count, last_at = excluded.last_at, retry_at = excluded.retry_at",
            )
            .bind(name_hash)
            .bind(attempts.failed)
            .bind(ms(attempts.last_at))
            .bind(ms(attempts.retry_at))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Forgets the guesses at a sign-in name.
    ///
    /// # Errors
    /// The database refused.
    pub async fn clear_attempts(&mut self, name_hash: &str) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from sign_in_attempts where name_hash = $1").bind(name_hash).execute(x).await?;
        });
        Ok(())
    }

    /// Forgets guesses older than an instant.
    ///
    /// # Errors
    /// The database refused.
    pub async fn purge_attempts(&mut self, before: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from sign_in_attempts where last_at < $1").bind(ms(before)).execute(x).await?;
        });
        Ok(())
    }
}

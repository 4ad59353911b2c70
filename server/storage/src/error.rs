//! What can go wrong below the services.

use thiserror::Error;

/// Why the storage could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no such row.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Somebody changed the row since it was read.
    #[error("{0} was changed by somebody else")]
    Stale(&'static str),
    /// A unique or foreign key stands against it.
    #[error("{0} conflicts with what is stored")]
    Conflict(&'static str),
    /// A stored row does not parse: never skipped, never guessed.
    #[error("row {id} of {table} can not be read: {reason}")]
    Corrupt {
        /// Table name.
        table: &'static str,
        /// Its key, as text.
        id: String,
        /// What does not parse.
        reason: String,
    },
    /// The database itself.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// Migrations could not be applied.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The address of the database is not usable.
    #[error("database address: {0}")]
    Address(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(inner) = &error {
            if inner.is_unique_violation() {
                return Self::Conflict("unique key");
            }
            if inner.is_foreign_key_violation() {
                return Self::Conflict("reference");
            }
        }
        Self::Database(error)
    }
}

impl StoreError {
    /// Whether the database could not be asked, or went away meanwhile: the same again may do in a moment.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(inner)) => inner.code().is_some_and(|code| {
                // PostgreSQL, classes 08 (connection), 53 (resources), 57P (shut down, starting); SQLite's "busy".
                code == "5" || code.len() == 5 && ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
            }),
            Self::Database(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            ) => true,
            _ => false,
        }
    }

    /// Names the thing in a conflict, so that the message can too.
    #[must_use]
    pub fn naming(self, what: &'static str) -> Self {
        match self {
            Self::Conflict(_) => Self::Conflict(what),
            other => other,
        }
    }
}

/// Says which row does not parse.
pub(crate) fn corrupt(table: &'static str, id: impl ToString, reason: impl ToString) -> StoreError {
    StoreError::Corrupt { table, id: id.to_string(), reason: reason.to_string() }
}

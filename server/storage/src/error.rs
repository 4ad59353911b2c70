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

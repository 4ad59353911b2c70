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
    /// The database went away while it was told to keep what was written: it may have done so, or not.
    #[error("database, at the commit: {0}")]
    Unknown(sqlx::Error),
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
                match inner.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                    Some(_) => code.parse().is_ok_and(is_busy),
                    // PostgreSQL, classes 08 (connection), 53 (resources), 57P (shut down, starting).
                    None => ["08", "53", "57P"].iter().any(|class| code.starts_with(class)),
                }
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

    /// The same of a commit: where the database went away, nobody heard what became of it.
    #[must_use]
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
        match Self::from(error) {
            away if !away.is_away() => away,
            Self::Database(error) => Self::Unknown(error),
            other => other,
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

/// SQLite's "busy"; its codes say more above the lowest byte.
const fn is_busy(code: u32) -> bool {
    code & 0xff == 5
}

/// Says which row does not parse.
pub(crate) fn corrupt(table: &'static str, id: impl ToString, reason: impl ToString) -> StoreError {
    StoreError::Corrupt { table, id: id.to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{StoreError, is_busy};

    #[test]
    fn busy_is_busy_whatever_more_sqlite_says_of_it() {
        for (code, busy) in [(5, true), (261, true), (517, true), (773, true), (6, false), (19, false), (2067, false)] {
            assert_eq!(is_busy(code), busy, "{code}");
        }
    }
    #[test]
    fn what_became_of_a_commit_is_unknown_only_where_the_database_went_away() {
        let away = StoreError::of_commit(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
        assert!(matches!(away, StoreError::Unknown(_)) && !away.is_away(), "{away}");
        assert!(matches!(StoreError::of_commit(sqlx::Error::RowNotFound), StoreError::Database(_)));
    }
}

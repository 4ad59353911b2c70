//! What a use case can answer instead of its result.

use domain::conflict::Conflict;
use domain::gate::Verdict;
use domain::people::Permission;
use storage::StoreError;
use thiserror::Error;

/// A wrong field, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in forms and JSON.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What somebody changed since it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// What it is.
    pub what: &'static str,
    /// The version that is stored now, where it is known.
    pub version: Option<i64>,
}

/// Why a use case did not happen. Nothing was written, unless it is [`Error::Unknown`].
#[derive(Debug, Error)]
pub enum Error {
    /// The input is wrong: all fields, not only the first.
    #[error("the input is not valid")]
    Invalid(Vec<FieldError>),
    /// A rule stands against it.
    #[error("{message}")]
    Refused {
        /// For machines: `gate_blocked`, `in_use`, `wrong_state`, …
        code: &'static str,
        /// For people.
        message: String,
        /// The gate's answer, where the gate refused.
        verdict: Option<Box<Verdict>>,
    },
    /// Something stands in the way of work: other work, a freeze, a backup.
    #[error("{message}")]
    Conflicts {
        /// For people.
        message: String,
        /// All of it, what blocks first.
        conflicts: Vec<Conflict>,
        /// Nothing blocks: whoever says why may go ahead.
        asks_why: bool,
    },
    /// There is no such thing, or this actor may not know of it.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Nobody is signed in.
    #[error("sign in first")]
    SignInNeeded,
    /// The actor may not do this: it takes a role or a scope with this permission.
    #[error("you may not do this")]
    Forbidden(Permission),
    /// Somebody changed it since it was read.
    #[error("{} was changed by somebody else meanwhile", .0.what)]
    Stale(Stale),
    /// Too often; try again later.
    #[error("too many attempts, try again in {retry_after_s} s")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: i64,
    },
    /// The database does not answer; logged once under this reference. The same again may do in a moment.
    #[error("the database does not answer just now")]
    Unavailable {
        /// Shown to the user, found in the log.
        reference: String,
    },
    /// The database went away at the last moment: it may have kept this, or not. Logged once under this reference.
    #[error("it is not known whether this was stored: look first, then do it again if it is not there")]
    Unknown {
        /// Shown to the user, found in the log.
        reference: String,
    },
    /// Our fault; logged once under this reference.
    #[error("internal error {reference}")]
    Internal {
        /// Shown to the user, found in the log.
        reference: String,
    },
}

impl Error {
    /// One wrong field.
    #[must_use]
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field, message: message.into() }])
    }

    /// Nothing, unless `read` names another version than the one that is stored.
    ///
    /// # Errors
    /// Stale: somebody has changed it since it was read.
    pub(crate) fn unless_fresh(what: &'static str, stored: i64, read: Option<i64>) -> Result<(), Self> {
        if read.is_none_or(|read| read == stored) { Ok(()) } else { Err(Self::stale(what, stored)) }
    }

    /// Somebody has changed it since it was read: this version is stored now.
    #[must_use]
    pub const fn stale(what: &'static str, stored: i64) -> Self {
        Self::Stale(Stale { what, version: Some(stored) })
    }

    /// The same where nobody knows which version is stored now.
    #[must_use]
    pub const fn overtaken(what: &'static str) -> Self {
        Self::Stale(Stale { what, version: None })
    }

    /// A rule stands against it.
    #[must_use]
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into(), verdict: None }
    }

    /// The database does not answer: logs the cause once and keeps only a reference to it.
    #[must_use]
    pub fn unavailable(cause: &dyn std::fmt::Display) -> Self {
        let reference = reference();
        tracing::error!(reference, %cause, "the database does not answer");
        Self::Unavailable { reference }
    }

    /// Logs the cause once and keeps only a reference to it.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        let reference = reference();
        tracing::error!(reference, %cause, "internal error");
        Self::Internal { reference }
    }
}

/// A name under which the log speaks of something.
fn reference() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Stale(what) => Self::overtaken(what),
            StoreError::Conflict(what) => Self::refused("conflict", format!("This {what} is already taken.")),
            away if away.is_away() => Self::unavailable(&away),
            StoreError::Unknown(cause) => {
                let reference = reference();
                tracing::error!(reference, %cause, "the database went away at a commit");
                Self::Unknown { reference }
            }
            other => Self::internal(&other),
        }
    }
}

/// Collects wrong fields so that a form shows all of them at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Keeps the value, or notes what is wrong with the field.
    pub fn take<T, E: std::fmt::Display>(&mut self, field: &'static str, result: Result<T, E>) -> Option<T> {
        result.map_err(|e| self.add(field, e.to_string())).ok()
    }

    /// Notes what is wrong with a field.
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldError { field, message: message.into() });
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error for what was noted. Call it when a value is missing or [`Self::is_empty`] is false.
    #[must_use]
    pub fn into_error(self) -> Error {
        Error::Invalid(self.0)
    }
}

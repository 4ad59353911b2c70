//! The audit log: who changed what.

use crate::ids::{AuditId, TokenId, UserId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// One append-only line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Identity.
    pub id: AuditId,
    /// When.
    pub at: Instant,
    /// "Ada (operator)", "token nightly", "system": readable for ever.
    pub actor: String,
    /// The person, if one acted.
    pub user_id: Option<UserId>,
    /// The token, if one was used.
    pub token_id: Option<TokenId>,
    /// The verb of the trade: `maintenance.schedule`.
    pub action: String,
    /// What kind of thing: `maintenance`.
    pub object: String,
    /// Which one.
    pub object_id: String,
    /// What it is called, for people.
    pub object_name: String,
    /// JSON of what changed, without secrets.
    pub before: Option<String>,
    /// JSON of what it is now, without secrets.
    pub after: Option<String>,
    /// The client's address, if it came over the network.
    pub ip: Option<String>,
}

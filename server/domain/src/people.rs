//! People, roles, tokens and what they may do.

use crate::ids::{TokenId, UserId};
use crate::text::Name;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Roles, each including the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees the admin pages.
    Viewer,
    /// Plans and runs work, edits what is protected.
    Operator,
    /// Confirms overrides.
    Approver,
    /// People, tokens, policy, site.
    Admin,
}

/// What a bearer token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Read everything the admin pages show, except people and tokens.
    #[serde(rename = "read")]
    Read,
    /// Report backup runs.
    #[serde(rename = "backup:report")]
    BackupReport,
    /// Hosts, data sets, jobs, components.
    #[serde(rename = "inventory:write")]
    InventoryWrite,
    /// Plan and run maintenance windows.
    #[serde(rename = "maintenance:write")]
    MaintenanceWrite,
    /// Everything an admin may do.
    #[serde(rename = "admin")]
    Admin,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Sign-in name.
    pub email: String,
    /// Shown to colleagues, never to the public.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// May not sign in since.
    pub disabled_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// A bearer token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Identity; its simple form is in the token's text.
    pub id: TokenId,
    /// For people.
    pub name: Name,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Made at.
    pub created_at: Instant,
    /// Not valid from then on.
    pub expires_at: Option<Instant>,
    /// Last seen, to the minute.
    pub last_used_at: Option<Instant>,
    /// Not valid since.
    pub revoked_at: Option<Instant>,
}

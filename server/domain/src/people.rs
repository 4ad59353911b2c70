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

/// What an actor may do; each use case asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See the admin pages, except people, tokens and the audit log.
    View,
    /// Edit hosts, data sets, jobs and components.
    EditInventory,
    /// Plan and run maintenance windows, post updates.
    Maintain,
    /// Report backup runs.
    ReportBackup,
    /// Confirm overrides that somebody else asked for.
    Approve,
    /// Read the audit log.
    ReadAudit,
    /// People, tokens, policy, site, subscribers.
    Administer,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::View,
        Self::EditInventory,
        Self::Maintain,
        Self::ReportBackup,
        Self::Approve,
        Self::ReadAudit,
        Self::Administer,
    ];
}

impl Role {
    /// Whether a person with this role may do something.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::View => Self::Viewer,
            Permission::EditInventory | Permission::Maintain | Permission::ReportBackup => Self::Operator,
            Permission::Approve | Permission::ReadAudit => Self::Approver,
            Permission::Administer => Self::Admin,
        };
        self as u8 >= least as u8
    }
}

impl Scope {
    /// Whether a token with this scope may do something. No token approves: that takes a person.
    #[must_use]
    pub const fn grants(self, permission: Permission) -> bool {
        match self {
            Self::Read => matches!(permission, Permission::View),
            Self::BackupReport => matches!(permission, Permission::ReportBackup),
            Self::InventoryWrite => matches!(permission, Permission::View | Permission::EditInventory),
            Self::MaintenanceWrite => matches!(permission, Permission::View | Permission::Maintain),
            Self::Admin => !matches!(permission, Permission::Approve),
        }
    }
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

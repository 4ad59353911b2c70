//! People, roles, tokens and what they may do.

use crate::ids::{TokenId, UserId};
use crate::text::Name;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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
    /// See the admin pages, except people, tokens and the audit log. What people and tokens are called stands beside what
    /// they wrote, for the whole team.
    View,
    /// Edit hosts, data sets, jobs and components.
    EditInventory,
    /// Plan and run maintenance windows, post updates.
    Maintain,
    /// Report incidents and run them, set the state of a component by hand.
    RunIncidents,
    /// Report backup runs.
    ReportBackup,
    /// Report alerts.
    ReportAlert,
    /// Push points of metrics and the site's own figures.
    ReportMetric,
    /// Ask for extra runs: people of everything, the holder of a token of what it was granted.
    RequestBackup,
    /// Confirm overrides that somebody else asked for.
    Approve,
    /// Read the audit log.
    ReadAudit,
    /// People, tokens, policy, site, subscribers.
    Administer,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::View,
        Self::EditInventory,
        Self::Maintain,
        Self::RunIncidents,
        Self::ReportBackup,
        Self::ReportAlert,
        Self::ReportMetric,
        Self::RequestBackup,
        Self::Approve,
        Self::ReadAudit,
        Self::Administer,
    ];
}

impl Role {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text.trim()).ok_or(UnknownRole)
    }

    /// The least role that may do something.
    #[must_use]
    pub const fn least(permission: Permission) -> Self {
        match permission {
            Permission::View => Self::Viewer,
            Permission::EditInventory
            | Permission::Maintain
            | Permission::RunIncidents
            | Permission::ReportBackup
            | Permission::ReportAlert
            | Permission::ReportMetric
            | Permission::RequestBackup => Self::Operator,
            Permission::Approve | Permission::ReadAudit => Self::Approver,
            Permission::Administer => Self::Admin,
        }
    }

    /// Whether a person with this role may do something.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        self as u8 >= Self::least(permission) as u8
    }
}

/// A role that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose viewer, operator, approver or admin.")]
pub struct UnknownRole;

/// A scope that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "Choose among read, backup:report, alert:report, metric:write, backup:request, inventory:write, maintenance:write, \
     incident:write and admin."
)]
pub struct UnknownScope;

impl Scope {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::BackupReport,
        Self::AlertReport,
        Self::BackupRequest,
        Self::MetricWrite,
        Self::InventoryWrite,
        Self::MaintenanceWrite,
        Self::IncidentWrite,
        Self::Admin,
    ];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::BackupReport => "backup:report",
            Self::AlertReport => "alert:report",
            Self::BackupRequest => "backup:request",
            Self::MetricWrite => "metric:write",
            Self::InventoryWrite => "inventory:write",
            Self::MaintenanceWrite => "maintenance:write",
            Self::IncidentWrite => "incident:write",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text.trim()).ok_or(UnknownScope)
    }

    /// Whether a token with this scope may do something. No token approves: that takes a person.
    #[must_use]
    pub const fn grants(self, permission: Permission) -> bool {
        match self {
            Self::Read => matches!(permission, Permission::View),
            Self::BackupReport => matches!(permission, Permission::ReportBackup),
            Self::AlertReport => matches!(permission, Permission::ReportAlert),
            Self::BackupRequest => matches!(permission, Permission::RequestBackup),
            Self::MetricWrite => matches!(permission, Permission::ReportMetric),
            Self::InventoryWrite => matches!(permission, Permission::View | Permission::EditInventory),
            Self::MaintenanceWrite => {
                matches!(permission, Permission::View | Permission::Maintain | Permission::RequestBackup)
            }
            Self::IncidentWrite => matches!(permission, Permission::View | Permission::RunIncidents),
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
    /// Report alerts, and nothing else.
    #[serde(rename = "alert:report")]
    AlertReport,
    /// Ask for extra runs of granted data sets: for customers.
    #[serde(rename = "backup:request")]
    BackupRequest,
    /// Push points of metrics and the site's own figures.
    #[serde(rename = "metric:write")]
    MetricWrite,
    /// Hosts, data sets, jobs, components.
    #[serde(rename = "inventory:write")]
    InventoryWrite,
    /// Plan and run maintenance windows.
    #[serde(rename = "maintenance:write")]
    MaintenanceWrite,
    /// Report and run incidents.
    #[serde(rename = "incident:write")]
    IncidentWrite,
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
    /// Has chosen a password; until then an invitation is open.
    pub has_password: bool,
    /// Last signed in.
    pub signed_in_at: Option<Instant>,
    /// Counts edits.
    pub version: i64,
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Makes the first admin.
    Setup,
    /// Lets a new person choose a password.
    Invite,
    /// Lets a person choose another password.
    Reset,
}

impl LinkPurpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Setup, Self::Invite, Self::Reset];

    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }
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

impl ApiToken {
    /// Whether it opens anything at this instant.
    #[must_use]
    pub fn is_valid(&self, now: Instant) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_of_roles_and_scopes_are_those_of_json() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.as_str()));
            assert_eq!(Role::parse(role.as_str()), Ok(role));
        }
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_string(&scope).unwrap(), format!("\"{}\"", scope.as_str()));
            assert_eq!(Scope::parse(scope.as_str()), Ok(scope));
        }
        assert_eq!(Role::parse("owner"), Err(UnknownRole));
        assert_eq!(Scope::parse("write"), Err(UnknownScope));
    }

    #[test]
    fn each_role_may_what_the_ones_before_it_may() {
        for pair in Role::ALL.windows(2) {
            for permission in Permission::ALL {
                assert!(!pair[0].may(permission) || pair[1].may(permission), "{pair:?} {permission:?}");
            }
        }
        assert!(Permission::ALL.iter().all(|p| Role::Admin.may(*p)));
        assert!(!Scope::Admin.grants(Permission::Approve));
    }

    #[test]
    fn a_token_ends_at_its_end_and_when_revoked() {
        let at = |s: i64| Instant::from_timestamp(s, 0).unwrap();
        let token = ApiToken {
            id: uuid::Uuid::nil().into(),
            name: Name::parse("nightly").unwrap(),
            scopes: vec![Scope::Read],
            created_at: at(0),
            expires_at: Some(at(10)),
            last_used_at: None,
            revoked_at: None,
        };
        assert!(token.is_valid(at(9)) && !token.is_valid(at(10)));
        assert!(!ApiToken { revoked_at: Some(at(1)), ..token }.is_valid(at(2)));
    }
}

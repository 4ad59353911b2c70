//! Who asks. An actor can be made only from a session, a token, or as the system or the public.

use crate::error::Error;
use domain::ids::{TokenId, UserId};
use domain::people::{ApiToken, Permission, User};
use std::net::IpAddr;

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    who: Who,
    ip: Option<IpAddr>,
}

#[derive(Clone, Debug)]
enum Who {
    Public,
    System,
    Person(User),
    Token(ApiToken),
}

impl Actor {
    /// Anybody on the network.
    #[must_use]
    pub const fn public(ip: Option<IpAddr>) -> Self {
        Self { who: Who::Public, ip }
    }

    /// Workers and the command line.
    #[must_use]
    pub const fn system() -> Self {
        Self { who: Who::System, ip: None }
    }

    pub(crate) const fn person(user: User, ip: Option<IpAddr>) -> Self {
        Self { who: Who::Person(user), ip }
    }

    pub(crate) const fn token(token: ApiToken, ip: Option<IpAddr>) -> Self {
        Self { who: Who::Token(token), ip }
    }

    /// Whether this actor may do something.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        match &self.who {
            Who::Public => false,
            Who::System => true,
            Who::Person(user) => user.disabled_at.is_none() && user.role.may(permission),
            Who::Token(token) => token.scopes.iter().any(|scope| scope.grants(permission)),
        }
    }

    /// Goes on only if this actor may.
    ///
    /// # Errors
    /// [`Error::SignInNeeded`] for the public, [`Error::Forbidden`] for others.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.may(permission) {
            Ok(())
        } else if matches!(self.who, Who::Public) {
            Err(Error::SignInNeeded)
        } else {
            Err(Error::Forbidden(permission))
        }
    }

    /// A worker or the command line: nobody is there to be asked.
    #[must_use]
    pub const fn is_system(&self) -> bool {
        matches!(self.who, Who::System)
    }

    /// The person, if one is signed in.
    #[must_use]
    pub const fn user(&self) -> Option<&User> {
        match &self.who {
            Who::Person(user) => Some(user),
            _ => None,
        }
    }

    /// The person's id, if one is signed in.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.user().map(|user| user.id)
    }

    /// The token's id, if one was used.
    #[must_use]
    pub const fn token_id(&self) -> Option<TokenId> {
        match &self.who {
            Who::Token(token) => Some(token.id),
            _ => None,
        }
    }

    /// The client's address.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// As written to the audit log.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.who {
            Who::Public => "public".to_owned(),
            Who::System => "Fermata".to_owned(),
            Who::Person(user) => user.name.to_string(),
            Who::Token(token) => format!("token {}", token.name),
        }
    }
}

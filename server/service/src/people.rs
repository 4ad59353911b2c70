//! People: who they are, how they sign in, what they and their tokens may do.

pub mod tokens;

use crate::{Actor, Error, Services};
use domain::ids::UserId;
use std::net::IpAddr;
use storage::StoreError;

/// The key under which a session keeps the id of its person.
pub use storage::session::USER_KEY as SESSION_USER;

impl Services {
    /// Who a session speaks for. Nobody, when the person is gone or disabled.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn actor_for_session(&self, user: UserId, ip: Option<IpAddr>) -> Result<Actor, Error> {
        match self.db.read().await?.user(user).await {
            Ok(user) if user.disabled_at.is_none() => Ok(Actor::person(user, ip)),
            Ok(_) | Err(StoreError::NotFound(_)) => Ok(Actor::public(ip)),
            Err(error) => Err(error.into()),
        }
    }
}

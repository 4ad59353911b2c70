//! Signing in, and changing one's own password.

use super::password::{begins_delay, is_outdated, next_guess, take};
use crate::audit::Action;
use crate::keys::hash;
use crate::{Actor, Error, Fields, Services};
use domain::ids::UserId;
use domain::people::User;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use storage::StoreError;
use storage::subscriber::email_key;

/// A change of one's own password, as typed.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The one that counts until now.
    pub current: SecretString,
    /// The one that counts from now on.
    pub password: SecretString,
    /// The same once more.
    pub again: SecretString,
}

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

    /// The person behind a sign-in name and a password. Whether the name exists shows neither in
    /// the answer nor in the time it takes (SEC-11).
    ///
    /// # Errors
    /// They do not match, or there were too many attempts.
    pub async fn sign_in(&self, email: &str, password: &SecretString, ip: Option<IpAddr>) -> Result<User, Error> {
        let (user, phc) = self.guess(email, password, ip).await?.ok_or_else(mismatch)?;
        let actor = Actor::person(user.clone(), ip);
        let new_hash = if is_outdated(&phc) { Some(self.passwords.hash(password).await?) } else { None };
        let mut tx = self.db.decide().await?;
        tx.clear_attempts(&name_hash(email)).await?;
        tx.note_sign_in(user.id, self.now()).await?;
        if let Some(new_hash) = new_hash {
            tx.set_password_hash(user.id, &new_hash).await?;
        }
        tx.add_audit(&self.audit(&actor, session("session.begin", &user), None::<&()>, None)).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Notes that a person signed out; ending the session itself is up to who holds it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sign_out(&self, actor: &Actor) -> Result<(), Error> {
        let Some(user) = actor.user() else { return Ok(()) };
        let mut tx = self.db.write().await?;
        tx.add_audit(&self.audit(actor, session("session.end", user), None::<&()>, None)).await?;
        Ok(tx.commit().await?)
    }

    /// Changes one's own password and ends all sessions of this person, the asking one included:
    /// who holds it begins another (SEC-2).
    ///
    /// # Errors
    /// Nobody is signed in, the current password is wrong, the new one may not be one, or there
    /// were too many attempts.
    pub async fn change_password(&self, actor: &Actor, new: &NewPassword) -> Result<User, Error> {
        let user = actor.user().ok_or(Error::SignInNeeded)?;
        let mut fields = Fields::default();
        let password = take(&mut fields, "password", new.password.expose_secret(), Some(user));
        if new.password.expose_secret() != new.again.expose_secret() {
            fields.add("again", "The two are not the same.");
        }
        let (Some(password), true) = (password, fields.is_empty()) else { return Err(fields.into_error()) };
        if self.guess(&user.email, &new.current, actor.ip()).await?.is_none() {
            return Err(Error::field("current", "This is not your current password."));
        }
        let new_hash = self.passwords.hash(&password).await?;
        let mut tx = self.db.decide().await?;
        tx.clear_attempts(&name_hash(&user.email)).await?;
        tx.set_password_hash(user.id, &new_hash).await?;
        tx.use_links(Some(user.id), self.now()).await?;
        tx.end_sessions(user.id).await?;
        tx.add_audit(&self.audit(actor, super::action("person.change_password", user), None::<&()>, None)).await?;
        tx.commit().await?;
        Ok(user.clone())
    }

    /// How many guesses were let through to the password hash so far, for measuring the brakes.
    #[must_use]
    pub fn passwords_checked(&self) -> u64 {
        self.passwords.checked()
    }

    /// Checks one guess, if the brakes let it through. `Some` with the stored hash when it is right
    /// and the person may sign in; the count is left for the caller to clear.
    async fn guess(
        &self,
        email: &str,
        password: &SecretString,
        ip: Option<IpAddr>,
    ) -> Result<Option<(User, String)>, Error> {
        self.passwords.admit(ip)?;
        let (name, now) = (name_hash(email), self.now());
        let too_many = |retry_after_s| Error::TooMany { retry_after_s };
        // Whoever floods us waits at the reading side, not in the queue of those who write.
        next_guess(self.db.read().await?.attempts(&name).await?, now).map_err(too_many)?;
        let mut tx = self.db.decide().await?;
        let attempts = next_guess(tx.attempts(&name).await?, now).map_err(too_many)?;
        tx.put_attempts(&name, &attempts).await?;
        if begins_delay(&attempts) {
            let shown =
                outbound::mail::parse_address(email).map_or_else(|_| "?".to_owned(), |a| outbound::mail::mask(&a));
            let action = Action { verb: "session.delay", object: "session", id: name[..16].to_owned(), name: shown };
            tx.add_audit(&self.audit(&Actor::public(ip), action, None::<&()>, None)).await?;
        }
        let found = tx.user_by_email(email).await?;
        tx.commit().await?;

        let phc = found.as_ref().filter(|(user, _)| user.has_password).map(|(_, phc)| phc.as_str());
        let fits = self.passwords.fits(password, phc).await?;
        let right = found.filter(|(user, _)| fits && user.disabled_at.is_none());
        if right.is_none() {
            self.passwords.count_failure(ip);
        }
        Ok(right)
    }
}

fn mismatch() -> Error {
    Error::refused("wrong_credentials", "This e-mail address and password do not match.")
}

fn name_hash(email: &str) -> String {
    hash(&email_key(email))
}

fn session<'a>(verb: &'a str, user: &User) -> Action<'a> {
    Action { verb, object: "session", id: user.id.to_string(), name: user.name.to_string() }
}

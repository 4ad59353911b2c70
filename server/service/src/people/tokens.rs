//! Bearer tokens: `fmt_<id>_<secret>`, shown once, stored as a hash (SEC-15).

use crate::audit::Action;
use crate::keys::hash;
use crate::{Actor, Error, Fields, Services};
use domain::ids::TokenId;
use domain::people::{ApiToken, Permission, Scope};
use domain::text::Name;
use domain::time::{Instant, Span};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::net::IpAddr;
use storage::StoreError;
use subtle::ConstantTimeEq;

/// Starts every token, so that scanners find one that leaked.
pub const PREFIX: &str = "fmt_";

/// A use is noted once in this time.
const TOUCH_EVERY: Span = Span::minutes(1);

/// A token to be made, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewToken {
    /// For people.
    pub name: String,
    /// Names of scopes.
    pub scopes: Vec<String>,
    /// How long it is valid ("90 d"); empty: until it is revoked.
    pub valid_for: String,
}

/// A token that was made: the only moment at which its text exists.
#[derive(Debug)]
pub struct MadeToken {
    /// What is stored.
    pub token: ApiToken,
    /// `fmt_<id>_<secret>`.
    pub text: SecretString,
}

impl Services {
    /// Who a bearer token speaks for.
    ///
    /// # Errors
    /// [`Error::SignInNeeded`] when it is not one of ours, expired or revoked.
    pub async fn actor_for_token(&self, text: &str, ip: Option<IpAddr>) -> Result<Actor, Error> {
        let (id, secret) = parse(text).ok_or(Error::SignInNeeded)?;
        let (mut token, stored) = match self.db.read().await?.token(id).await {
            Ok(found) => found,
            Err(StoreError::NotFound(_)) => return Err(Error::SignInNeeded),
            Err(error) => return Err(error.into()),
        };
        let now = self.now();
        if !bool::from(hash(secret).as_bytes().ct_eq(stored.as_bytes())) || !token.is_valid(now) {
            return Err(Error::SignInNeeded);
        }
        if token.last_used_at.is_none_or(|last| Span::between(last, now) >= TOUCH_EVERY) {
            let minute = to_the_minute(now);
            let mut tx = self.db.write().await?;
            tx.touch_token(id, minute).await?;
            tx.commit().await?;
            token.last_used_at = Some(minute);
        }
        Ok(Actor::token(token, ip))
    }

    /// All tokens, without their secrets.
    ///
    /// # Errors
    /// The actor may not administer, or the database does not answer.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<ApiToken>, Error> {
        actor.require(Permission::Administer)?;
        Ok(self.db.read().await?.tokens().await?)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// The actor may not administer, or a field is wrong.
    pub async fn add_token(&self, actor: &Actor, new: &NewToken) -> Result<MadeToken, Error> {
        actor.require(Permission::Administer)?;
        let mut fields = Fields::default();
        let name = fields.take("name", Name::parse(&new.name));
        let mut scopes: Vec<Scope> =
            new.scopes.iter().filter_map(|scope| fields.take("scopes", Scope::parse(scope))).collect();
        scopes.sort_unstable();
        scopes.dedup();
        if new.scopes.is_empty() {
            fields.add("scopes", "Choose at least one.");
        }
        let valid_for = match new.valid_for.trim() {
            "" => None,
            text => fields.take("valid_for", Span::parse(text)),
        };
        if valid_for.is_some_and(|span| span < Span::minutes(1)) {
            fields.add("valid_for", "Choose at least one minute, or leave it empty.");
        }
        let (Some(name), true) = (name, fields.is_empty()) else { return Err(fields.into_error()) };
        let now = self.now();
        let token = ApiToken {
            id: self.new_id(),
            name,
            scopes,
            created_at: now,
            expires_at: valid_for.map(|span| now + span.delta()),
            last_used_at: None,
            revoked_at: None,
        };
        let secret = random_secret()?;
        let mut tx = self.db.decide().await?;
        tx.add_token(&token, &hash(secret.expose_secret()), actor.user_id()).await?;
        tx.add_audit(&self.audit(actor, action("token.add", &token), None, Some(&token))).await?;
        tx.commit().await?;
        let text = format!("{PREFIX}{}_{}", token.id.0.simple(), secret.expose_secret()).into();
        Ok(MadeToken { token, text })
    }

    /// Makes a token useless, for ever. Doing it again changes nothing.
    ///
    /// # Errors
    /// The actor may not administer, or there is no such token.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<ApiToken, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (before, _) = tx.token(id).await?;
        if before.revoked_at.is_some() {
            return Ok(before);
        }
        let after = ApiToken { revoked_at: Some(self.now()), ..before.clone() };
        tx.revoke_token(id, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("token.revoke", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }
}

fn action<'a>(verb: &'a str, token: &ApiToken) -> Action<'a> {
    Action { verb, object: "token", id: token.id.to_string(), name: token.name.to_string() }
}

/// 256 bits from the operating system, in letters and digits only: a double click selects all of it.
pub(crate) fn random_secret() -> Result<SecretString, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(&e))?;
    Ok(hex::encode(bytes).into())
}

/// Id and secret of a token's text.
fn parse(text: &str) -> Option<(TokenId, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    (id.len() == 32).then_some(())?;
    Some((id.parse().ok()?, secret))
}

fn to_the_minute(at: Instant) -> Instant {
    at - Span::seconds(at.timestamp().rem_euclid(60)).delta()
}

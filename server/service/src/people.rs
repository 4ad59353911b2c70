//! People: who they are, how they sign in, what they and their tokens may do.

pub mod links;
pub mod password;
pub mod sign_in;
pub mod tokens;

use crate::audit::Action;
use crate::{Actor, Error, Fields, Services};
use domain::ids::UserId;
use domain::people::{LinkPurpose, Permission, Role, User};
use domain::text::Name;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The key under which a session keeps the id of its person.
pub use storage::session::USER_KEY as SESSION_USER;

/// What is typed about a person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Sign-in name.
    pub email: String,
    /// Shown to colleagues.
    pub name: String,
    /// Name of a role.
    pub role: String,
}

/// A person to be added, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewPerson {
    /// Who they are.
    #[serde(flatten)]
    pub person: Person,
    /// Empty: they choose it themselves, by the link that is given back.
    pub password: SecretString,
}

/// A person who was added.
#[derive(Debug)]
pub struct AddedPerson {
    /// Who.
    pub user: User,
    /// Lets them choose a password, once; shown only now.
    pub link: Option<String>,
}

impl Services {
    /// Everybody who may sign in, or might once.
    ///
    /// # Errors
    /// The actor may not administer, or the database does not answer.
    pub async fn people(&self, actor: &Actor) -> Result<Vec<User>, Error> {
        actor.require(Permission::Administer)?;
        Ok(self.db.read().await?.users().await?)
    }

    /// One person.
    ///
    /// # Errors
    /// The actor may not administer, or there is no such person.
    pub async fn person(&self, actor: &Actor, id: UserId) -> Result<User, Error> {
        actor.require(Permission::Administer)?;
        Ok(self.db.read().await?.user(id).await?)
    }

    /// The person with this sign-in name.
    ///
    /// # Errors
    /// The actor may not administer, or there is no such person.
    pub async fn person_by_email(&self, actor: &Actor, email: &str) -> Result<User, Error> {
        actor.require(Permission::Administer)?;
        let found = self.db.read().await?.user_by_email(email).await?;
        found.map(|(user, _)| user).ok_or(Error::NotFound("person"))
    }

    /// Adds a person, with a password or with a link to choose one.
    ///
    /// # Errors
    /// The actor may not administer, a field is wrong, or the address is taken.
    pub async fn add_person(&self, actor: &Actor, new: &NewPerson) -> Result<AddedPerson, Error> {
        actor.require(Permission::Administer)?;
        let mut fields = Fields::default();
        let person = take_person(&mut fields, &new.person);
        let invite = new.password.expose_secret().is_empty();
        let password =
            if invite { None } else { password::take(&mut fields, "password", new.password.expose_secret(), None) };
        let (Some((email, name, role)), true) = (person, fields.is_empty()) else { return Err(fields.into_error()) };
        let password_hash = match &password {
            Some(password) => self.passwords.hash(password).await?,
            None => String::new(),
        };
        let user = User {
            id: self.new_id(),
            email,
            name,
            role,
            disabled_at: None,
            has_password: !invite,
            signed_in_at: None,
            version: 1,
        };
        let mut tx = self.db.decide().await?;
        refuse_taken(tx.user_by_email(&user.email).await?.map(|(other, _)| other), user.id)?;
        tx.add_user(&user, &password_hash, self.now()).await?;
        let link = if invite { Some(self.make_link(&mut tx, LinkPurpose::Invite, Some(user.id)).await?) } else { None };
        tx.add_audit(&self.audit(actor, action("person.add", &user), None, Some(&user))).await?;
        tx.commit().await?;
        Ok(AddedPerson { user, link })
    }

    /// Changes name, address and role. Another role ends the person's sessions (SEC-2).
    ///
    /// # Errors
    /// The actor may not administer, a field is wrong, the address is taken, somebody else changed
    /// it meanwhile, it is one's own role, or the last admin's.
    pub async fn edit_person(&self, actor: &Actor, id: UserId, edit: &Person, version: i64) -> Result<User, Error> {
        actor.require(Permission::Administer)?;
        let mut fields = Fields::default();
        let person = take_person(&mut fields, edit);
        let (Some((email, name, role)), true) = (person, fields.is_empty()) else { return Err(fields.into_error()) };
        let mut tx = self.db.decide().await?;
        let before = tx.user(id).await?;
        let after = User { email, name, role, version, ..before.clone() };
        refuse_taken(tx.user_by_email(&after.email).await?.map(|(other, _)| other), id)?;
        if after.role != before.role {
            if actor.user_id() == Some(id) {
                return Err(Error::field("role", "Nobody changes their own role. Ask another administrator."));
            }
            if before.role == Role::Admin {
                refuse_last_admin(&before, tx.has_other_admin(id).await?)?;
            }
            tx.end_sessions(id).await?;
        }
        tx.update_user(&after).await?;
        let after = User { version: version + 1, ..after };
        tx.add_audit(&self.audit(actor, action("person.edit", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Shuts a person out: their sessions and links end. Doing it again changes nothing.
    ///
    /// # Errors
    /// The actor may not administer, there is no such person, it is oneself, or the last admin.
    pub async fn disable_person(&self, actor: &Actor, id: UserId) -> Result<User, Error> {
        actor.require(Permission::Administer)?;
        if actor.user_id() == Some(id) {
            return Err(Error::refused("oneself", "Nobody shuts themselves out. Ask another administrator."));
        }
        let mut tx = self.db.decide().await?;
        let before = tx.user(id).await?;
        if before.disabled_at.is_some() {
            return Ok(before);
        }
        if before.role == Role::Admin {
            refuse_last_admin(&before, tx.has_other_admin(id).await?)?;
        }
        let after = User { disabled_at: Some(self.now()), ..before.clone() };
        tx.end_sessions(id).await?;
        tx.use_links(Some(id), self.now()).await?;
        tx.update_user(&after).await?;
        let after = User { version: after.version + 1, ..after };
        tx.add_audit(&self.audit(actor, action("person.disable", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Lets a person in again. Doing it again changes nothing.
    ///
    /// # Errors
    /// The actor may not administer, or there is no such person.
    pub async fn enable_person(&self, actor: &Actor, id: UserId) -> Result<User, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let before = tx.user(id).await?;
        if before.disabled_at.is_none() {
            return Ok(before);
        }
        let after = User { disabled_at: None, ..before.clone() };
        tx.update_user(&after).await?;
        let after = User { version: after.version + 1, ..after };
        tx.add_audit(&self.audit(actor, action("person.enable", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }
}

fn take_person(fields: &mut Fields, typed: &Person) -> Option<(String, Name, Role)> {
    let email = fields.take("email", outbound::mail::parse_address(&typed.email)).map(|address| address.to_string());
    let name = fields.take("name", Name::parse(&typed.name));
    let role = fields.take("role", Role::parse(&typed.role));
    Some((email?, name?, role?))
}

fn refuse_taken(other: Option<User>, id: UserId) -> Result<(), Error> {
    match other {
        Some(other) if other.id != id => {
            Err(Error::field("email", format!("{} signs in with this address already.", other.name)))
        }
        _ => Ok(()),
    }
}

fn refuse_last_admin(user: &User, has_other: bool) -> Result<(), Error> {
    if has_other || !user.has_password {
        return Ok(());
    }
    let message = format!("{} is the last administrator. Make somebody else one first.", user.name);
    Err(Error::refused("last_admin", message))
}

fn action<'a>(verb: &'a str, user: &User) -> Action<'a> {
    Action { verb, object: "person", id: user.id.to_string(), name: user.name.to_string() }
}

//! One-time links: the first admin, invitations, forgotten passwords (SEC-14). Only their hash is
//! stored; opening one changes nothing, the form behind it does.

use super::password::take;
use super::tokens::random_secret;
use super::{NewPerson, Person, action, take_person};
use crate::keys::hash;
use crate::{Actor, Error, Fields, Services};
use domain::ids::UserId;
use domain::people::{LinkPurpose, Permission, Role, User};
use domain::time::Span;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use storage::Tx;
use storage::people::OneTimeLink;

/// How long the link for the first admin and one to reset a password last.
const SHORT: Span = Span::hours(24);

/// How long an invitation lasts.
const INVITATION: Span = Span::days(7);

impl Services {
    /// A new link that makes the first admin, if there is nobody yet.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn setup_link_if_needed(&self) -> Result<Option<String>, Error> {
        let mut tx = self.db.decide().await?;
        if tx.has_users().await? {
            return Ok(None);
        }
        let link = self.make_link(&mut tx, LinkPurpose::Setup, None).await?;
        tx.commit().await?;
        Ok(Some(link))
    }

    /// Whether a link still makes the first admin.
    ///
    /// # Errors
    /// It does not (any more).
    pub async fn setup_offer(&self, secret: &str) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        self.open_link(&mut tx, secret, LinkPurpose::Setup).await.map(drop)
    }

    /// Makes the first admin by the link that `serve` printed.
    ///
    /// # Errors
    /// The link does not count any more, or a field is wrong.
    pub async fn set_up(&self, secret: &str, new: &NewPerson, ip: Option<IpAddr>) -> Result<User, Error> {
        self.setup_offer(secret).await?;
        let mut fields = Fields::default();
        let user = take_person(&mut fields, &Person { role: Role::Admin.as_str().to_owned(), ..new.person.clone() });
        let password = take(&mut fields, "password", new.password.expose_secret(), None);
        let (Some((email, name, role)), Some(password), true) = (user, password, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        let password_hash = self.passwords.hash(&password).await?;
        let now = self.now();
        let user = User {
            id: self.new_id(),
            email,
            name,
            role,
            disabled_at: None,
            has_password: true,
            signed_in_at: None,
            version: 1,
        };
        let mut tx = self.db.decide().await?;
        self.open_link(&mut tx, secret, LinkPurpose::Setup).await?;
        if tx.has_users().await? {
            return Err(Error::NotFound("link"));
        }
        tx.add_user(&user, &password_hash, now).await?;
        tx.note_sign_in(user.id, now).await?;
        tx.use_links(None, now).await?;
        let actor = Actor::person(user.clone(), ip);
        tx.add_audit(&self.audit(&actor, action("person.set_up", &user), None, Some(&user))).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// A new link with which a person chooses a password; earlier ones end.
    ///
    /// # Errors
    /// The actor may not administer, there is no such person, or they are disabled.
    pub async fn password_link(&self, actor: &Actor, id: UserId) -> Result<String, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let user = tx.user(id).await?;
        if user.disabled_at.is_some() {
            return Err(Error::refused("disabled", "This person may not sign in. Enable them first."));
        }
        tx.use_links(Some(id), self.now()).await?;
        let purpose = if user.has_password { LinkPurpose::Reset } else { LinkPurpose::Invite };
        let link = self.make_link(&mut tx, purpose, Some(id)).await?;
        tx.add_audit(&self.audit(actor, action("person.link", &user), None::<&()>, None)).await?;
        tx.commit().await?;
        Ok(link)
    }

    /// Whose password a link sets.
    ///
    /// # Errors
    /// Nobody's (any more).
    pub async fn password_offer(&self, secret: &str) -> Result<User, Error> {
        let mut tx = self.db.read().await?;
        self.whose_password(&mut tx, secret).await
    }

    /// Sets the password of the person the link was made for, and ends their sessions.
    ///
    /// # Errors
    /// The link does not count any more, or the password may not be one.
    pub async fn choose_password(&self, secret: &str, password: &str, ip: Option<IpAddr>) -> Result<User, Error> {
        let user = self.password_offer(secret).await?;
        let mut fields = Fields::default();
        let Some(password) = take(&mut fields, "password", password, Some(&user)) else {
            return Err(fields.into_error());
        };
        let password_hash = self.passwords.hash(&password).await?;
        let now = self.now();
        let mut tx = self.db.decide().await?;
        let user = self.whose_password(&mut tx, secret).await?;
        tx.set_password_hash(user.id, &password_hash).await?;
        tx.use_links(Some(user.id), now).await?;
        tx.end_sessions(user.id).await?;
        tx.note_sign_in(user.id, now).await?;
        let actor = Actor::person(user.clone(), ip);
        tx.add_audit(&self.audit(&actor, action("person.choose_password", &user), None::<&()>, None)).await?;
        tx.commit().await?;
        Ok(User { has_password: true, ..user })
    }

    pub(super) async fn make_link(
        &self,
        tx: &mut Tx,
        purpose: LinkPurpose,
        user_id: Option<UserId>,
    ) -> Result<String, Error> {
        let secret = random_secret()?;
        let now = self.now();
        let (path, lasts) = match purpose {
            LinkPurpose::Setup => ("setup", SHORT),
            LinkPurpose::Invite => ("password", INVITATION),
            LinkPurpose::Reset => ("password", SHORT),
        };
        tx.add_link(&OneTimeLink {
            token_hash: hash(secret.expose_secret()),
            purpose,
            user_id,
            created_at: now,
            expires_at: lasts.after(now),
            used_at: None,
        })
        .await?;
        Ok(self.url(&format!("/{path}/{}", secret.expose_secret())))
    }

    /// The link of this secret, if it still counts.
    async fn open_link(&self, tx: &mut Tx, secret: &str, purpose: LinkPurpose) -> Result<OneTimeLink, Error> {
        let link = tx.link(&hash(secret)).await?.filter(|link| {
            let kind = match purpose {
                LinkPurpose::Setup => link.purpose == LinkPurpose::Setup,
                LinkPurpose::Invite | LinkPurpose::Reset => link.purpose != LinkPurpose::Setup,
            };
            kind && link.used_at.is_none() && self.now() < link.expires_at
        });
        link.ok_or(Error::NotFound("link"))
    }

    async fn whose_password(&self, tx: &mut Tx, secret: &str) -> Result<User, Error> {
        let link = self.open_link(tx, secret, LinkPurpose::Reset).await?;
        let user = tx.user(link.user_id.ok_or(Error::NotFound("link"))?).await?;
        if user.disabled_at.is_some() { Err(Error::NotFound("link")) } else { Ok(user) }
    }
}

impl NewPerson {
    /// Without a password: an invitation is made.
    #[must_use]
    pub fn invited(person: Person) -> Self {
        Self { person, password: SecretString::default() }
    }
}

//! Webhooks that the holder of a subscription adds: they hear what the subscription hears, and end with it.

use super::{fresh, read_url};
use crate::keys::hash;
use crate::triggers::server_of;
use crate::{Actor, Error, Fields, Services};
use domain::ids::WebhookId;
use domain::subscriber::{Subscriber, SubscriberState};
use domain::text::Name;
use domain::webhook::{OF_ONE_SUBSCRIBER, Webhook};
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use storage::Tx;

impl Services {
    /// The webhooks that go with a subscription, their addresses only up to the host: links get forwarded.
    ///
    /// # Errors
    /// Not a link of ours, or the database does not answer.
    pub async fn own_webhooks(&self, link: &str) -> Result<Vec<Webhook>, Error> {
        let subscriber = self.subscriber_of(link).await?;
        let found = self.db.read().await?.webhooks_of(subscriber.id).await?;
        Ok(found.into_iter().map(|own| Webhook { url: server_of(&own.url), ..own }).collect())
    }

    /// Adds a webhook to a subscription and gives back its secret: the only moment at which it is shown. Anybody can
    /// subscribe, so that the address has to answer a test call well first.
    ///
    /// # Errors
    /// Not a link of ours, not confirmed, wrong fields, the test call failed, as many as there may be, too often, or the
    /// database does not answer.
    pub async fn add_own_webhook(&self, ip: Option<IpAddr>, link: &str, url: &str) -> Result<SecretString, Error> {
        let subscriber = self.subscriber_of(link).await?;
        has_not_ended(&subscriber)?;
        let mut fields = Fields::default();
        let url = read_url(&mut fields, url, self.public_calls.get());
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        self.subscribe_limits.admit_webhook(subscriber.id, ip)?;
        let mut tx = self.db.read().await?;
        let name = free_name(&mut tx, &subscriber).await?;
        let mut new = Webhook { subscriber: Some(subscriber.id), ..fresh(self.new_id(), name, url, self.now()) };
        let call: uuid::Uuid = self.new_id();
        let body = self.test_body(&mut tx, call).await?;
        drop(tx);
        let secret_hash = hash(self.secret_of(&new).expose_secret());
        if let Err(problem) = self.fire(&new, &secret_hash, &format!("test_{}", call.simple()), &body).await {
            let message = format!("The test call to this address failed: {problem}. It has to be answered with 2xx.");
            return Err(Error::field("url", message));
        }
        // A call can last; much may have happened.
        let mut tx = self.db.decide().await?;
        let subscriber = tx.subscriber(subscriber.id).await?;
        has_not_ended(&subscriber)?;
        new.name = free_name(&mut tx, &subscriber).await?;
        let secret = self.store_new_webhook(&mut tx, &Actor::public(ip), &new).await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// Removes a webhook from a subscription; a second time says the same.
    ///
    /// # Errors
    /// Not a link of ours, or the database does not answer.
    pub async fn remove_own_webhook(&self, ip: Option<IpAddr>, link: &str, id: WebhookId) -> Result<(), Error> {
        let subscriber = self.subscriber_of(link).await?;
        let mut tx = self.db.decide().await?;
        let Some(before) = tx.webhooks_of(subscriber.id).await?.into_iter().find(|own| own.id == id) else {
            return Ok(());
        };
        tx.delete_webhook(id, before.version).await?;
        self.note_deleted(&mut tx, &Actor::public(ip), &before).await?;
        Ok(tx.commit().await?)
    }

    async fn subscriber_of(&self, link: &str) -> Result<Subscriber, Error> {
        Ok(self.subscription_by_link(link).await?.subscriber)
    }
}

fn has_not_ended(subscriber: &Subscriber) -> Result<(), Error> {
    if subscriber.state == SubscriberState::Confirmed {
        return Ok(());
    }
    Err(Error::refused("not_subscribed", "This subscription has ended. Subscribe again to hear from us."))
}

/// A name that says nothing of its holder: it is kept in the log.
async fn free_name(tx: &mut Tx, subscriber: &Subscriber) -> Result<Name, Error> {
    let own = tx.webhooks_of(subscriber.id).await?;
    let mut names = (1..=OF_ONE_SUBSCRIBER).map(|n| Name::nearest(&format!("Webhook {n}"), "Webhook"));
    let free = names.find(|name| own.iter().all(|known| known.name != *name));
    free.filter(|_| own.len() < OF_ONE_SUBSCRIBER).ok_or_else(|| {
        let message = format!("A subscription can have {OF_ONE_SUBSCRIBER} webhooks. Remove one first.");
        Error::field("url", message)
    })
}

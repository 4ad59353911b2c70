//! Webhooks that the holder of a subscription adds: they hear what the subscription hears, and end with it.

use super::{fresh, read_url};
use crate::triggers::server_of;
use crate::{Actor, Error, Fields, Services};
use domain::ids::WebhookId;
use domain::subscriber::{Subscriber, SubscriberState};
use domain::text::Name;
use domain::webhook::{OF_ONE_SUBSCRIBER, Webhook};
use secrecy::SecretString;
use std::net::IpAddr;

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

    /// Adds a webhook to a subscription and gives back its secret: the only moment at which it is shown.
    ///
    /// # Errors
    /// Not a link of ours, not confirmed, wrong fields, as many as there may be, too often, or the database does not
    /// answer.
    pub async fn add_own_webhook(&self, ip: Option<IpAddr>, link: &str, url: &str) -> Result<SecretString, Error> {
        let subscriber = self.subscriber_of(link).await?;
        if subscriber.state != SubscriberState::Confirmed {
            let message = "This subscription has ended. Subscribe again to hear from us.";
            return Err(Error::refused("not_subscribed", message));
        }
        let mut fields = Fields::default();
        let url = read_url(&mut fields, url, self.public_calls.get());
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        self.subscribe_limits.admit_webhook(subscriber.id, ip)?;
        let server = server_of(&url);
        let name = Name::nearest(server.split_once("://").map_or(&*server, |(_, host)| host), "Webhook");
        let new = Webhook { subscriber: Some(subscriber.id), ..fresh(self.new_id(), name, url, self.now()) };
        let mut tx = self.db.decide().await?;
        if tx.webhooks_of(subscriber.id).await?.len() >= OF_ONE_SUBSCRIBER {
            let message = format!("A subscription can have {OF_ONE_SUBSCRIBER} webhooks. Remove one first.");
            return Err(Error::field("url", message));
        }
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

//! Webhooks: programs that hear what subscribers hear, by signed calls to their own addresses (FEED-6).
//!
//! An address may hold secrets of the receiver: whole it is only for those who may administer, and never in the audit log.
//! The secret that signs is derived from the server's key, the webhook and a version; the database holds its hash.

mod call;
mod own;

pub use call::Caller;

use crate::audit::Action;
use crate::deliveries::{About, Standing};
use crate::keys::{Purpose, hash};
use crate::subscribers::{read_topics, shown_address};
use crate::triggers::server_of;
use crate::{Actor, Error, Fields, Services};
use domain::ids::{ComponentId, NotificationId, WebhookId};
use domain::people::Permission;
use domain::subscriber::{DeliveryState, Topics};
use domain::text::Name;
use domain::time::Instant;
use domain::webhook::{OffReason, WORTH_TELLING, Webhook, WebhookState};
use outbound::trigger::{Guard, TriggerBackend, UrlFault, new_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::collections::HashMap;
use storage::Tx;
use url::Url;

/// Characters in the address of a webhook.
pub const URL: usize = 500;

/// Why a call was not made when its webhook was resumed.
const WAITED_TOO_LONG: &str = "it had waited for more than a day when the webhook was resumed";

/// Calls shown with their webhook.
const RECENT: i64 = 30;

/// A webhook as typed.
#[derive(Clone, Debug, Default)]
pub struct WebhookInput {
    /// What people call it.
    pub name: String,
    /// Where it is called.
    pub url: String,
    /// Ids of components; none means all.
    pub components: Vec<String>,
    /// What to hear of; the usual where nothing is said.
    pub topics: Vec<String>,
}

impl WebhookInput {
    /// What is stored, as it would be typed.
    #[must_use]
    pub fn of(webhook: &Webhook) -> Self {
        Self {
            name: webhook.name.to_string(),
            url: webhook.url.clone(),
            components: webhook.components.iter().map(ToString::to_string).collect(),
            topics: webhook.topics.iter().map(|topic| topic.as_str().to_owned()).collect(),
        }
    }
}

/// A webhook that was stored, with its new secret: the only moment at which it is shown.
#[derive(Debug)]
pub struct StoredWebhook {
    /// What is stored.
    pub webhook: Webhook,
    /// `whsec_…`
    pub secret: SecretString,
}

/// A webhook as the team sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookLine {
    /// The webhook; its address only up to the host for those who may not administer. One of a subscriber hears what
    /// the subscription does, and that is what stands here.
    pub webhook: Webhook,
    /// What it follows, by name; none means everything.
    pub follows: Vec<(ComponentId, String)>,
    /// Whose it is, as this person may see it; none for those of the site.
    pub owner: Option<String>,
}

/// A call in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookCall {
    /// What was told.
    pub notification: NotificationId,
    /// What it is about.
    pub about: About,
    /// When it was told.
    pub told_at: Instant,
    /// How it stands.
    pub standing: Standing,
    /// Tries so far.
    pub attempts: i64,
    /// Its next turn, while it waits.
    pub due_at: Instant,
    /// When it ended.
    pub done_at: Option<Instant>,
    /// The newest error, or why it was not made.
    pub error: Option<String>,
}

impl WebhookCall {
    /// Whether it came to nothing and can be made again.
    #[must_use]
    pub const fn can_go_again(&self) -> bool {
        matches!(self.standing, Standing::Failed | Standing::NotNeeded)
    }
}

/// What the log says of a webhook.
#[derive(Serialize)]
struct Logged<'a> {
    name: &'a Name,
    /// Not that of a subscriber: it tells who they are, and the log outlives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    state: WebhookState,
    off: Option<OffReason>,
    components: &'a [ComponentId],
    topics: Topics,
    secret_version: i64,
}

impl<'a> From<&'a Webhook> for Logged<'a> {
    fn from(w: &'a Webhook) -> Self {
        Self {
            name: &w.name,
            server: w.subscriber.is_none().then(|| server_of(&w.url)),
            state: w.state,
            off: w.off,
            components: &w.components,
            topics: w.topics,
            secret_version: w.secret_version,
        }
    }
}

impl Services {
    /// All webhooks: those of the site, then those of subscribers.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn webhooks(&self, actor: &Actor) -> Result<Vec<WebhookLine>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let found = tx.webhooks().await?;
        lines(&mut tx, actor, found).await
    }

    /// One webhook.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn webhook(&self, actor: &Actor, id: WebhookId) -> Result<WebhookLine, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let (webhook, _) = tx.webhook(id).await?;
        lines(&mut tx, actor, vec![webhook]).await?.pop().ok_or(Error::NotFound("webhook"))
    }

    /// The newest calls of a webhook.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn webhook_calls(&self, actor: &Actor, id: WebhookId) -> Result<Vec<WebhookCall>, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        tx.webhook(id).await?;
        let mut calls = Vec::new();
        for line in tx.webhook_deliveries(id, RECENT).await? {
            let told = tx.notification(line.notification).await?;
            calls.push(WebhookCall {
                notification: told.id,
                about: About::of(&told).map_err(|e| Error::internal(&e))?,
                told_at: told.created_at,
                standing: Standing::of(line.state, line.attempts, line.last_error.as_deref()),
                attempts: line.attempts,
                due_at: line.due_at,
                done_at: line.done_at,
                error: line.last_error,
            });
        }
        Ok(calls)
    }

    /// Those of the site that were switched off by themselves: somebody has to look.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn webhook_needs(&self, actor: &Actor) -> Result<Vec<Webhook>, Error> {
        actor.require(Permission::View)?;
        webhook_needs(&mut self.db.read().await?, actor).await
    }

    /// Adds a webhook of the site.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_webhook(&self, actor: &Actor, input: &WebhookInput) -> Result<StoredWebhook, Error> {
        actor.require(Permission::Administer)?;
        let new = self.read_webhook(self.new_id(), input)?;
        let mut tx = self.db.decide().await?;
        let secret = self.store_new_webhook(&mut tx, actor, &new).await?;
        tx.commit().await?;
        Ok(StoredWebhook { webhook: new, secret })
    }

    fn secret_of(&self, webhook: &Webhook) -> SecretString {
        new_secret(&self.keys.secret(Purpose::Webhook, webhook.id.0, webhook.secret_version))
    }

    async fn store_new_webhook(&self, tx: &mut Tx, actor: &Actor, new: &Webhook) -> Result<SecretString, Error> {
        let secret = self.secret_of(new);
        tx.add_webhook(new, &hash(secret.expose_secret())).await.map_err(|e| e.naming("component"))?;
        tx.add_audit(&self.audit(actor, action("webhook.add", new), None, Some(&Logged::from(new)))).await?;
        Ok(secret)
    }

    /// Changes a webhook of the site. Its secret stays.
    ///
    /// # Errors
    /// Not allowed, not found, one of a subscriber, wrong fields, stale, or the database does not answer.
    pub async fn edit_webhook(
        &self,
        actor: &Actor,
        id: WebhookId,
        version: i64,
        input: &WebhookInput,
    ) -> Result<Webhook, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (before, secret) = tx.webhook(id).await?;
        of_the_site(&before)?;
        let typed = self.read_webhook(id, input)?;
        let after = Webhook {
            name: typed.name,
            components: typed.components,
            topics: typed.topics,
            version,
            ..before.called_at(typed.url)
        };
        self.store_webhook(tx, actor, "webhook.edit", &before, after, &secret).await
    }

    /// Makes a new secret; the old one signs nothing any more.
    ///
    /// # Errors
    /// Not allowed, not found, one of a subscriber, stale, or the database does not answer.
    pub async fn rotate_webhook(&self, actor: &Actor, id: WebhookId, version: i64) -> Result<StoredWebhook, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (before, _) = tx.webhook(id).await?;
        of_the_site(&before)?;
        let after = Webhook { secret_version: before.secret_version + 1, version, ..before.clone() };
        let secret = self.secret_of(&after);
        let stored = hash(secret.expose_secret());
        let webhook = self.store_webhook(tx, actor, "webhook.rotate", &before, after, &stored).await?;
        Ok(StoredWebhook { webhook, secret })
    }

    /// Lets a webhook rest: nothing new is queued for it, and what waits, waits.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn pause_webhook(&self, actor: &Actor, id: WebhookId, version: i64) -> Result<Webhook, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (before, secret) = tx.webhook(id).await?;
        let after = Webhook { version, ..before.paused() };
        self.store_webhook(tx, actor, "webhook.pause", &before, after, &secret).await
    }

    /// Calls it again, also after it was switched off. What waited for too long to be news is not told any more.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn resume_webhook(&self, actor: &Actor, id: WebhookId, version: i64) -> Result<Webhook, Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (before, secret) = tx.webhook(id).await?;
        let after = Webhook { version, ..before.resumed() };
        let now = self.now();
        tx.drop_old_webhook_deliveries(id, WORTH_TELLING.before(now), now, WAITED_TOO_LONG).await?;
        let after = self.store_webhook(tx, actor, "webhook.resume", &before, after, &secret).await?;
        self.outbox_filled.notify_one();
        Ok(after)
    }

    /// Removes a webhook with everything that was sent to it.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn delete_webhook(&self, actor: &Actor, id: WebhookId, version: i64) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (before, _) = tx.webhook(id).await?;
        tx.delete_webhook(id, version).await?;
        self.note_deleted(&mut tx, actor, &before).await?;
        Ok(tx.commit().await?)
    }

    async fn note_deleted(&self, tx: &mut Tx, actor: &Actor, before: &Webhook) -> Result<(), Error> {
        let line = self.audit(actor, action("webhook.delete", before), Some(&Logged::from(before)), None);
        Ok(tx.add_audit(&line).await?)
    }

    /// Makes one call that says it is a test, and waits for the answer.
    ///
    /// # Errors
    /// Not allowed, not found, the call failed (`test_failed`), or the database does not answer.
    pub async fn test_webhook(&self, actor: &Actor, id: WebhookId) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (webhook, stored) = tx.webhook(id).await?;
        let call: uuid::Uuid = self.new_id();
        let body = self.test_body(&mut tx, call).await?;
        let line = self.audit::<()>(actor, action("webhook.test", &webhook), None, None);
        tx.add_audit(&line).await?;
        tx.commit().await?;
        let fired = self.fire(&webhook, &stored, &format!("test_{}", call.simple()), &body).await;
        fired.map_err(|problem| Error::refused("test_failed", format!("The test call failed: {problem}.")))
    }

    /// Queues a call once more that failed or was not needed. It keeps its `webhook-id`, so that a receiver that got it
    /// all the same can tell.
    ///
    /// # Errors
    /// Not allowed, not found, it has not failed, or the database does not answer.
    pub async fn call_webhook_again(
        &self,
        actor: &Actor,
        id: WebhookId,
        notification: NotificationId,
    ) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let (webhook, _) = tx.webhook(id).await?;
        if webhook.state != WebhookState::Active {
            return Err(Error::refused("not_active", "This webhook is not called at the moment. Resume it first."));
        }
        let line = tx.webhook_delivery(notification, id).await?;
        if !matches!(line.state, DeliveryState::Failed | DeliveryState::Dropped) {
            return Err(Error::refused("not_again", "Only a call that failed can be made again."));
        }
        tx.queue_webhook_again(notification, id, self.now()).await?;
        let about = Action {
            verb: "webhook.call_again",
            object: "webhook",
            id: format!("{notification}/{id}"),
            name: webhook.name.to_string(),
        };
        tx.add_audit(&self.audit::<()>(actor, about, None, None)).await?;
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(())
    }

    async fn store_webhook(
        &self,
        mut tx: Tx,
        actor: &Actor,
        verb: &'static str,
        before: &Webhook,
        mut after: Webhook,
        secret_hash: &str,
    ) -> Result<Webhook, Error> {
        tx.update_webhook(&after, secret_hash).await.map_err(|e| e.naming("component"))?;
        after.version += 1;
        let line = self.audit(actor, action(verb, &after), Some(&Logged::from(before)), Some(&Logged::from(&after)));
        tx.add_audit(&line).await?;
        tx.commit().await?;
        Ok(after)
    }

    fn read_webhook(&self, id: WebhookId, input: &WebhookInput) -> Result<Webhook, Error> {
        let mut fields = Fields::default();
        let name = fields.take("name", Name::parse(&input.name));
        let url = read_url(&mut fields, &input.url, self.triggers.get());
        let components: Option<Vec<ComponentId>> = input.components.iter().map(|id| id.parse().ok()).collect();
        if components.is_none() {
            fields.add("components", "Choose components from the list.");
        }
        let topics = read_topics(&mut fields, &input.topics, "Choose at least one, or pause the webhook.");
        let (Some(name), Some(mut components), true) = (name, components, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        components.sort_unstable();
        components.dedup();
        let topics = topics.unwrap_or_default();
        Ok(Webhook { components, topics, ..fresh(id, name, url, self.now()) })
    }

    /// Sets how webhooks of subscribers are called: never into a network that is not public. The first word stands.
    pub fn use_public_calls(&self, backend: TriggerBackend) {
        let _ = self.public_calls.set(backend);
    }
}

/// What [`Services::webhook_needs`] tells.
pub(crate) async fn webhook_needs(tx: &mut Tx, actor: &Actor) -> Result<Vec<Webhook>, Error> {
    Ok(tx.webhooks_off().await?.into_iter().map(|webhook| shown(actor, webhook)).collect())
}

/// A webhook that hears the usual of everything.
fn fresh(id: WebhookId, name: Name, url: String, now: Instant) -> Webhook {
    Webhook {
        id,
        name,
        url,
        components: Vec::new(),
        topics: Topics::default(),
        state: WebhookState::Active,
        off: None,
        off_at: None,
        failing_since: None,
        given_up: 0,
        subscriber: None,
        secret_version: 1,
        created_at: now,
        version: 1,
    }
}

/// Checks an address as far as it can be done without asking for its name; gives it back as it will be called.
fn read_url(fields: &mut Fields, typed: &str, backend: Option<&TriggerBackend>) -> String {
    let typed = typed.trim();
    let allowed = backend.map_or_else(|| Guard::default().check(typed).map(drop), |backend| backend.check(typed));
    let url = Url::parse(typed).map_or_else(|_| typed.to_owned(), String::from);
    let fault = |fault: UrlFault| format!("This address can not be called: {fault}.");
    fields.take("url", allowed.map_err(fault));
    if url.chars().count() > URL {
        fields.add("url", format!("Use at most {URL} characters."));
    }
    url
}

fn of_the_site(webhook: &Webhook) -> Result<(), Error> {
    if webhook.subscriber.is_none() {
        return Ok(());
    }
    Err(Error::refused("of_a_subscriber", "This webhook goes with a subscription: only its holder can change it."))
}

fn action<'a>(verb: &'a str, webhook: &Webhook) -> Action<'a> {
    Action { verb, object: "webhook", id: webhook.id.to_string(), name: webhook.name.to_string() }
}

/// The webhook as this actor may see it.
fn shown(actor: &Actor, webhook: Webhook) -> Webhook {
    if actor.may(Permission::Administer) {
        return webhook;
    }
    Webhook { url: server_of(&webhook.url), ..webhook }
}

async fn lines(tx: &mut Tx, actor: &Actor, webhooks: Vec<Webhook>) -> Result<Vec<WebhookLine>, Error> {
    let names: HashMap<ComponentId, String> =
        tx.components(true).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect();
    let mut found = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        let mut webhook = shown(actor, webhook);
        let mut owner = None;
        if let Some(id) = webhook.subscriber {
            let subscriber = tx.subscriber(id).await?;
            owner = Some(shown_address(actor, &subscriber.email));
            webhook.components = subscriber.components;
            webhook.topics = subscriber.topics;
        }
        let name = |id: &ComponentId| names.get(id).map(|name| (*id, name.clone()));
        found.push(WebhookLine { follows: webhook.components.iter().filter_map(name).collect(), webhook, owner });
    }
    Ok(found)
}

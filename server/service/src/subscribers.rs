//! Subscribing by mail: double opt-in, one click to leave, and no way to find out or to bother
//! who is subscribed (MAIL-2, MAIL-3, SEC-13).

use crate::actor::Actor;
use crate::audit::Action;
use crate::error::Fields;
use crate::inventory::Page;
use crate::keys::{Keys, Purpose};
use crate::{Error, Services};
use domain::component::Component;
use domain::ids::{ComponentId, NotificationId, SubscriberId};
use domain::people::Permission;
use domain::subscriber::{Subscriber, SubscriberState, Topic, Topics};
use domain::time::{Instant, Span};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use outbound::mail::{mask, parse_address};
use serde::Serialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use storage::Tx;
use storage::outbox::NewNotification;
pub use storage::subscriber::SubscriberCounts;
use storage::subscriber::{SubscriberFilter, email_key};
use uuid::Uuid;

/// How long the link of a confirmation mail works.
pub const CONFIRM_WITHIN: Span = Span::hours(48);

/// How long an address that did not confirm is kept.
pub const FORGET_PENDING_AFTER: Span = Span::days(7);

/// A person needs at least this long for the form (SEC-13).
const FORM_TAKES: Span = Span::seconds(2);

/// A form handed out longer ago is asked for again.
const FORM_WORKS: Span = Span::days(1);

/// What is said to a subscriber who chose nothing to hear of.
const NO_TOPIC: &str = "Choose at least one. To hear nothing any more, unsubscribe.";

/// The kind of notification that carries a confirmation link.
pub(crate) const CONFIRM: &str = "confirm";

/// What the subscribe form sends.
#[derive(Clone, Debug, Default)]
pub struct Subscribe {
    /// The address as typed.
    pub email: String,
    /// Zone for times in mails; the site's where empty.
    pub zone: String,
    /// Ids of components; none means all.
    pub components: Vec<String>,
    /// What to hear of, see [`read_topics`].
    pub topics: Vec<String>,
}

/// Refuses components that nobody may choose: the same is said of one that is private, out of use or not there at all, so
/// that nobody learns which. `in_use` are all that are.
fn check_chosen(in_use: &[Component], chosen: &[ComponentId]) -> Result<(), Error> {
    let is_offered = |id: &ComponentId| in_use.iter().any(|one| one.id == *id && !one.is_private);
    if chosen.iter().all(is_offered) {
        Ok(())
    } else {
        Err(Error::field("components", "Choose components from the list."))
    }
}

/// Reads the topics somebody chose: none where nothing was said of them, so that the usual ones hold. A form says that
/// it asked by an empty value beside those that were chosen.
/// `none` is said where nothing is left.
pub(crate) fn read_topics(fields: &mut Fields, chosen: &[String], none: &str) -> Option<Topics> {
    if chosen.is_empty() {
        return None;
    }
    let read: Option<Topics> = chosen
        .iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .map(|text| text.parse::<Topic>().ok())
        .collect();
    match read {
        None => fields.add("topics", "Choose from the list."),
        Some(topics) if topics.is_empty() => {
            fields.add("topics", none);
        }
        Some(topics) => return Some(topics),
    }
    None
}

/// Subscribers on one page of the list.
const PAGE: i64 = 50;

/// Which subscribers to list, as typed in an address; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct SubscribersQuery {
    /// pending, confirmed, unsubscribed or bounced.
    pub state: String,
    /// Something in the address; only for those who may administer.
    pub part: String,
    /// Where the page before ended; empty for the first.
    pub cursor: String,
}

/// A subscriber as the team sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberLine {
    /// Identity.
    pub id: SubscriberId,
    /// Small number, part of message ids.
    pub number: i64,
    /// The address: whole for those who may administer, partly hidden for others.
    pub address: String,
    /// How far the subscription is.
    pub state: SubscriberState,
    /// The zone for times in its mails.
    pub zone: String,
    /// What it follows, by name; none means everything.
    pub follows: Vec<(ComponentId, String)>,
    /// What it wants to hear of.
    pub topics: Topics,
    /// When it first asked.
    pub created_at: Instant,
    /// When it last asked for a confirmation mail.
    pub confirm_sent_at: Option<Instant>,
    /// When it confirmed.
    pub confirmed_at: Option<Instant>,
}

/// A page of subscribers.
#[derive(Clone, Debug)]
pub struct SubscriberPage {
    /// Those on this page.
    pub page: Page<SubscriberLine>,
    /// How many there are at all.
    pub counts: SubscriberCounts,
}

impl SubscriberLine {
    fn of(actor: &Actor, s: Subscriber, names: &HashMap<ComponentId, String>) -> Self {
        let name = |id: ComponentId| names.get(&id).map(|name| (id, name.clone()));
        Self {
            id: s.id,
            number: s.number,
            address: shown_address(actor, &s.email),
            state: s.state,
            zone: s.zone,
            follows: s.components.into_iter().filter_map(name).collect(),
            topics: s.topics,
            created_at: s.created_at,
            confirm_sent_at: s.confirm_sent_at,
            confirmed_at: s.confirmed_at,
        }
    }
}

/// An address as this actor may see it.
pub(crate) fn shown_address(actor: &Actor, email: &str) -> String {
    if actor.may(Permission::Administer) { email.to_owned() } else { masked(email) }
}

/// An address partly hidden; nothing of what is none.
pub(crate) fn masked(email: &str) -> String {
    parse_address(email).map_or_else(|_| String::new(), |address| mask(&address))
}

async fn component_names(tx: &mut Tx) -> Result<HashMap<ComponentId, String>, Error> {
    Ok(tx.components(true).await?.into_iter().map(|c| (c.id, c.name.to_string())).collect())
}

/// A subscription as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The subscriber.
    pub subscriber: Subscriber,
    /// Its address, partly hidden: links get forwarded.
    pub masked: String,
    /// The text of the link that manages it.
    pub manage_link: String,
}

/// Limits against using the form to bother others; kept in memory, checked before anything is
/// written (SEC-13).
#[derive(Debug)]
pub struct SubscribeLimits {
    soon: DefaultKeyedRateLimiter<String>,
    day: DefaultKeyedRateLimiter<String>,
    from: DefaultKeyedRateLimiter<IpAddr>,
    webhooks: DefaultKeyedRateLimiter<SubscriberId>,
    webhooks_from: DefaultKeyedRateLimiter<IpAddr>,
    all: DefaultDirectRateLimiter,
}

impl Default for SubscribeLimits {
    fn default() -> Self {
        let quota = |every: Duration, burst: u32| {
            let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
            Quota::with_period(every).unwrap_or_else(|| Quota::per_hour(burst)).allow_burst(burst)
        };
        Self {
            soon: RateLimiter::keyed(quota(Duration::from_secs(600), 1)),
            day: RateLimiter::keyed(quota(Duration::from_secs(8 * 3600), 3)),
            from: RateLimiter::keyed(quota(Duration::from_secs(720), 5)),
            webhooks: RateLimiter::keyed(quota(Duration::from_secs(720), 5)),
            webhooks_from: RateLimiter::keyed(quota(Duration::from_secs(720), 10)),
            all: RateLimiter::direct(quota(Duration::from_secs(18), 200)),
        }
    }
}

impl SubscribeLimits {
    /// Whether this request may cause a mail. Silent by design: the form's answer is always the same.
    fn admit(&self, email: &str, ip: Option<IpAddr>) -> bool {
        let from = ip.map(network);
        if let Some(from) = from
            && self.from.check_key(&from).is_err()
        {
            return false;
        }
        let key = email_key(email);
        if self.soon.check_key(&key).is_err() || self.day.check_key(&key).is_err() {
            return false;
        }
        let admitted = self.all.check().is_ok();
        if !admitted {
            tracing::warn!("more than 200 confirmation mails in an hour were asked for; asking is paused");
        }
        admitted
    }

    /// Whether a subscription may get one more webhook now.
    pub(crate) fn admit_webhook(&self, subscriber: SubscriberId, ip: Option<IpAddr>) -> Result<(), Error> {
        let often = self.webhooks.check_key(&subscriber).is_err()
            || ip.is_some_and(|ip| self.webhooks_from.check_key(&network(ip)).is_err());
        if often { Err(Error::TooMany { retry_after_s: 720 }) } else { Ok(()) }
    }

    /// Forgets addresses that have not been seen for long.
    pub fn tidy(&self) {
        self.webhooks.retain_recent();
        self.webhooks_from.retain_recent();
        self.soon.retain_recent();
        self.day.retain_recent();
        self.from.retain_recent();
    }
}

/// The address itself, or its /64 for IPv6: one household, one counter.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let s = v6.segments();
                IpAddr::V6([s[0], s[1], s[2], s[3], 0, 0, 0, 0].into())
            }
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What the log says of a subscriber.
#[derive(Serialize)]
pub(crate) struct Line {
    state: SubscriberState,
    zone: String,
    components: usize,
    topics: Topics,
    /// How many went with the subscription, where it lost them.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhooks: Option<u64>,
}

impl Line {
    pub(crate) fn of(s: &Subscriber) -> Self {
        let Subscriber { state, topics, .. } = *s;
        Self { state, zone: s.zone.clone(), components: s.components.len(), topics, webhooks: None }
    }

    /// The same with so many webhooks that ended with it.
    pub(crate) fn losing(self, webhooks: u64) -> Self {
        Self { webhooks: (webhooks > 0).then_some(webhooks), ..self }
    }
}

impl Services {
    /// The hidden part of the public form: when it was handed out, signed by us. Needs no cookie and no database.
    #[must_use]
    pub fn form_stamp(&self) -> String {
        let seconds = u64::try_from(self.now().timestamp()).unwrap_or_default();
        self.keys.link(Purpose::Form, Uuid::from_u64_pair(0, seconds), 0)
    }

    /// Whether a person may have filled in the form that carries this stamp.
    ///
    /// # Errors
    /// Sent faster than anybody types, long ago, or not one of our forms.
    pub fn check_form_stamp(&self, stamp: &str) -> Result<(), Error> {
        let again = |message| Err(Error::refused("form_again", message));
        let Some(handed_out) = Keys::claimed(stamp).filter(|_| self.keys.verify(Purpose::Form, stamp, 0)) else {
            return again("This form was not complete. Please send it again.");
        };
        let seconds = i64::try_from(handed_out.as_u64_pair().1).unwrap_or_default();
        let age = self.now().timestamp().saturating_sub(seconds);
        if age < FORM_TAKES.as_seconds() {
            again("That was faster than we expect of people. Please send it again.")
        } else if age > FORM_WORKS.as_seconds() {
            again("This form has been open for more than a day. Please send it again.")
        } else {
            Ok(())
        }
    }

    /// Asks an address to confirm. The answer is the same whether it is new, waiting or subscribed.
    ///
    /// # Errors
    /// Wrong fields, or the database does not answer.
    pub async fn subscribe(&self, ip: Option<IpAddr>, ask: Subscribe) -> Result<(), Error> {
        let mut fields = Fields::default();
        let address = fields.take("email", parse_address(&ask.email));
        let zone = if ask.zone.trim().is_empty() {
            Some(self.site().await?.zone)
        } else {
            let zone = self.zones.canonical(&ask.zone);
            if zone.is_none() {
                fields.add("zone", "Choose a time zone from the list.");
            }
            zone
        };
        let components: Vec<Option<ComponentId>> = ask.components.iter().map(|id| id.parse().ok()).collect();
        if components.iter().any(Option::is_none) {
            fields.add("components", "Choose components from the list.");
        }
        let topics = read_topics(&mut fields, &ask.topics, NO_TOPIC).unwrap_or_default();
        let (Some(address), Some(zone), true) = (address, zone, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        let mut components: Vec<ComponentId> = components.into_iter().flatten().collect();
        components.sort_unstable();
        components.dedup();
        check_chosen(&self.db.read().await?.components(false).await?, &components)?;
        let email = address.to_string();
        if !self.subscribe_limits.admit(&email, ip) {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.db.decide().await?;
        let (subscriber, before) = match tx.subscriber_by_email(&email).await? {
            Some(known) if known.state == SubscriberState::Confirmed => {
                // What it follows is changed only from the mailbox.
                let asked = Subscriber { confirm_sent_at: Some(now), ..known.clone() };
                tx.update_subscriber(&asked, None).await?;
                (asked, Some(known))
            }
            Some(known) => {
                let asked = Subscriber {
                    state: SubscriberState::Pending,
                    zone,
                    components,
                    topics,
                    confirm_sent_at: Some(now),
                    ..known.clone()
                };
                tx.update_subscriber(&asked, None).await?;
                (asked, Some(known))
            }
            None => {
                let new = Subscriber {
                    id: self.new_id(),
                    number: 0,
                    email,
                    state: SubscriberState::Pending,
                    zone,
                    components,
                    topics,
                    token_version: 1,
                    confirm_sent_at: Some(now),
                    created_at: now,
                    confirmed_at: None,
                };
                (tx.add_subscriber(&new).await.map_err(|e| e.naming("component"))?, None)
            }
        };
        let notification = NewNotification {
            id: self.new_id::<NotificationId>(),
            kind: CONFIRM,
            subject_id: None,
            content_json: "{}".to_owned(),
            created_at: now,
        };
        tx.add_notification(&notification, &[]).await?;
        tx.queue_for_one(notification.id, subscriber.id, now).await?;
        let action = self.subscriber_action("subscriber.ask", &subscriber);
        let line = self.audit(
            &Actor::public(ip),
            action,
            before.as_ref().map(Line::of).as_ref(),
            Some(&Line::of(&subscriber)),
        );
        tx.add_audit(&line).await?;
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(())
    }

    /// What a confirmation link is about; changes nothing, whoever follows it.
    ///
    /// # Errors
    /// Not a link of ours, or too old and not confirmed.
    pub async fn confirmation(&self, link: &str) -> Result<Subscription, Error> {
        let subscriber = self.linked(Purpose::Confirm, link).await?;
        self.check_in_time(&subscriber)?;
        Ok(self.subscription(subscriber))
    }

    /// Confirms a subscription; a second time says the same.
    ///
    /// # Errors
    /// Not a link of ours, or too old.
    pub async fn confirm(&self, ip: Option<IpAddr>, link: &str) -> Result<Subscription, Error> {
        let mut subscriber = self.linked(Purpose::Confirm, link).await?;
        self.check_in_time(&subscriber)?;
        if subscriber.state != SubscriberState::Confirmed {
            let before = subscriber.clone();
            subscriber.state = SubscriberState::Confirmed;
            subscriber.confirmed_at = Some(self.now());
            self.store_subscriber(&Actor::public(ip), "subscriber.confirm", &before, &subscriber).await?;
        }
        Ok(self.subscription(subscriber))
    }

    /// A subscription by the link in each of its mails. The link never expires (RFC 8058).
    ///
    /// # Errors
    /// Not a link of ours.
    pub async fn subscription_by_link(&self, link: &str) -> Result<Subscription, Error> {
        let subscriber = self.linked(Purpose::Manage, link).await?;
        Ok(self.subscription(subscriber))
    }

    /// Leaves, and its webhooks end; a second time says the same.
    ///
    /// # Errors
    /// Not a link of ours.
    pub async fn unsubscribe(&self, ip: Option<IpAddr>, link: &str) -> Result<Subscription, Error> {
        let mut subscriber = self.linked(Purpose::Manage, link).await?;
        if subscriber.state != SubscriberState::Unsubscribed {
            let before = subscriber.clone();
            subscriber.state = SubscriberState::Unsubscribed;
            self.store_subscriber(&Actor::public(ip), "subscriber.leave", &before, &subscriber).await?;
        }
        Ok(self.subscription(subscriber))
    }

    /// Changes what is followed, what is told and in which zone times are written; topics stay as they are where
    /// nothing is said of them.
    ///
    /// # Errors
    /// Not a link of ours, not confirmed, or wrong fields.
    pub async fn change_subscription(
        &self,
        ip: Option<IpAddr>,
        link: &str,
        zone: &str,
        components: &[String],
        topics: &[String],
    ) -> Result<Subscription, Error> {
        let mut subscriber = self.linked(Purpose::Manage, link).await?;
        if subscriber.state != SubscriberState::Confirmed {
            return Err(Error::refused(
                "not_subscribed",
                "This subscription has ended. Subscribe again to hear from us.",
            ));
        }
        let mut fields = Fields::default();
        let zone = self.zones.canonical(zone);
        if zone.is_none() {
            fields.add("zone", "Choose a time zone from the list.");
        }
        let parsed: Option<Vec<ComponentId>> = components.iter().map(|id| id.parse().ok()).collect();
        if parsed.is_none() {
            fields.add("components", "Choose components from the list.");
        }
        let topics = read_topics(&mut fields, topics, NO_TOPIC).unwrap_or(subscriber.topics);
        let (Some(zone), Some(mut components), true) = (zone, parsed, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        components.sort_unstable();
        components.dedup();
        let before = subscriber.clone();
        let in_use = self.db.read().await?.components(false).await?;
        check_chosen(&in_use, &components)?;
        // What it followed before the team took it from the page is not its to choose now, nor does it follow all for it.
        let is_hidden = |id: &ComponentId| in_use.iter().any(|one| one.id == *id && one.is_private);
        components.extend(before.components.iter().copied().filter(is_hidden));
        subscriber.zone = zone;
        subscriber.components = components;
        subscriber.topics = topics;
        self.store_subscriber(&Actor::public(ip), "subscriber.change", &before, &subscriber).await?;
        Ok(self.subscription(subscriber))
    }

    /// A page of subscribers in the order they came, with how many there are. Who may not administer sees no whole
    /// address, and can not find out by searching whether one is there.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn subscribers(&self, actor: &Actor, query: &SubscribersQuery) -> Result<SubscriberPage, Error> {
        actor.require(Permission::View)?;
        if !query.part.trim().is_empty() {
            actor.require(Permission::Administer)?;
        }
        let mut fields = Fields::default();
        let state = match query.state.trim() {
            "" => None,
            text => {
                let found = SubscriberState::ALL.into_iter().find(|state| state.as_str() == text);
                fields.take("state", found.ok_or("Choose a state from the list."))
            }
        };
        let after = match query.cursor.trim() {
            "" => 0,
            text => fields.take("cursor", text.parse().map_err(|_| "This is no cursor of ours.")).unwrap_or_default(),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut tx = self.db.read().await?;
        let filter = SubscriberFilter { state, part: query.part.clone() };
        let mut found = tx.subscribers_after(after, &filter, PAGE + 1).await?;
        let fits = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let more = found.len() > fits;
        found.truncate(fits);
        let next_cursor = found.last().filter(|_| more).map(|last| last.number.to_string());
        let names = component_names(&mut tx).await?;
        let items = found.into_iter().map(|subscriber| SubscriberLine::of(actor, subscriber, &names)).collect();
        Ok(SubscriberPage { page: Page { items, next_cursor }, counts: tx.count_subscribers().await? })
    }

    /// One subscriber.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn subscriber(&self, actor: &Actor, id: SubscriberId) -> Result<SubscriberLine, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let subscriber = tx.subscriber(id).await?;
        let names = component_names(&mut tx).await?;
        Ok(SubscriberLine::of(actor, subscriber, &names))
    }

    /// Forgets a subscriber with its address, its webhooks and everything sent to it (SEC-20).
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn forget_subscriber(&self, actor: &Actor, id: SubscriberId) -> Result<(), Error> {
        actor.require(Permission::Administer)?;
        let mut tx = self.db.decide().await?;
        let subscriber = tx.subscriber(id).await?;
        let webhooks = tx.delete_webhooks_of(id).await?;
        tx.delete_subscriber(id).await?;
        let action = self.subscriber_action("subscriber.forget", &subscriber);
        tx.add_audit(&self.audit(actor, action, Some(&Line::of(&subscriber).losing(webhooks)), None)).await?;
        Ok(tx.commit().await?)
    }

    /// Forgets addresses that never confirmed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn purge_pending(&self) -> Result<u64, Error> {
        let mut tx = self.db.write().await?;
        let gone = tx.purge_pending(FORGET_PENDING_AFTER.before(self.now())).await?;
        tx.commit().await?;
        self.subscribe_limits.tidy();
        Ok(gone)
    }

    async fn linked(&self, purpose: Purpose, link: &str) -> Result<Subscriber, Error> {
        let id = Keys::claimed(link).ok_or(Error::NotFound("subscription"))?;
        let subscriber = self.db.read().await?.subscriber(SubscriberId(id)).await?;
        if self.keys.verify(purpose, link, subscriber.token_version) {
            Ok(subscriber)
        } else {
            Err(Error::NotFound("subscription"))
        }
    }

    pub(crate) fn check_in_time(&self, subscriber: &Subscriber) -> Result<(), Error> {
        let in_time = subscriber.confirm_sent_at.is_some_and(|at| self.now() < CONFIRM_WITHIN.after(at));
        if in_time || subscriber.state == SubscriberState::Confirmed {
            Ok(())
        } else {
            Err(Error::refused("link_expired", "This link is older than 48 hours. Subscribe again to get a new one."))
        }
    }

    fn subscription(&self, subscriber: Subscriber) -> Subscription {
        let masked = masked(&subscriber.email);
        let manage_link = self.keys.link(Purpose::Manage, subscriber.id.0, subscriber.token_version);
        Subscription { subscriber, masked, manage_link }
    }

    fn subscriber_action(&self, verb: &'static str, subscriber: &Subscriber) -> Action<'static> {
        Action { verb, object: "subscriber", id: subscriber.id.to_string(), name: masked(&subscriber.email) }
    }

    async fn store_subscriber(
        &self,
        actor: &Actor,
        verb: &'static str,
        before: &Subscriber,
        after: &Subscriber,
    ) -> Result<(), Error> {
        let ended = matches!(after.state, SubscriberState::Unsubscribed | SubscriberState::Bounced).then(|| self.now());
        let mut tx = self.db.decide().await?;
        tx.update_subscriber(after, ended).await.map_err(|e| e.naming("component"))?;
        // They are not kept for the case that somebody comes back: whoever had the link could have added them.
        let lost = if ended.is_some() { tx.delete_webhooks_of(after.id).await? } else { 0 };
        let action = self.subscriber_action(verb, after);
        let (was, is) = (Line::of(before).losing(lost), Line::of(after));
        tx.add_audit(&self.audit(actor, action, Some(&was), Some(&is))).await?;
        Ok(tx.commit().await?)
    }
}

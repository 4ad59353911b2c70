//! Subscribers: who hears about what.

use crate::ids::{ComponentId, SubscriberId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// `pending → confirmed → unsubscribed | bounced`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriberState {
    /// Asked for, not yet confirmed from the mailbox.
    Pending,
    /// Hears from us.
    Confirmed,
    /// Left.
    Unsubscribed,
    /// The address does not exist (any more).
    Bounced,
}

/// An e-mail address that wants to hear from us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Identity.
    pub id: SubscriberId,
    /// Small number, used in message ids.
    pub number: i64,
    /// As typed, domain in ASCII form.
    pub email: String,
    /// How far the subscription is.
    pub state: SubscriberState,
    /// The IANA zone for times in mails.
    pub zone: String,
    /// Only these components; empty means all.
    pub components: Vec<ComponentId>,
    /// Part of the secret in its links; raising it revokes them.
    pub token_version: i64,
    /// When the last confirmation mail was asked for.
    pub confirm_sent_at: Option<Instant>,
    /// First seen.
    pub created_at: Instant,
    /// When it was confirmed.
    pub confirmed_at: Option<Instant>,
}

/// How far one mail to one subscriber is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its time.
    Queued,
    /// Claimed by a worker.
    Sending,
    /// The relay took it.
    Sent,
    /// Given up.
    Failed,
    /// Not needed any more (superseded, unsubscribed, cancelled).
    Dropped,
}

//! Subscribers: who hears about what.

use crate::ids::{ComponentId, SubscriberId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod audience;
mod topic;

pub use audience::{Audience, LeftOut};
pub use topic::{Topic, Topics};

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

impl SubscriberState {
    /// All of them, in the order a subscription goes through them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Confirmed, Self::Unsubscribed, Self::Bounced];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
        }
    }
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
    /// What it wants to hear of.
    pub topics: Topics,
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

/// What the decision to send a mail again depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendAgain {
    /// How far the mail is.
    pub state: DeliveryState,
    /// It was dropped because there was no mail server.
    pub lacked_server: bool,
    /// There is a mail server now.
    pub has_server: bool,
    /// How far the subscription is.
    pub subscriber: SubscriberState,
    /// The mail asks for a confirmation: it also goes to who has not confirmed.
    pub asks_to_confirm: bool,
    /// Its link does not work any more.
    pub link_ended: bool,
    /// Something newer was told about the same thing.
    pub is_superseded: bool,
}

/// Why a mail is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAgain {
    /// It has not ended yet.
    #[error("This mail still waits. It goes out by itself.")]
    Waits,
    /// The relay has it.
    #[error("The mail server took this mail already.")]
    Sent,
    /// It was dropped for another reason than a missing server.
    #[error("This mail was not needed any more when its turn came.")]
    NotNeeded,
    /// It would be dropped again.
    #[error("No mail server is configured, so no mail can be sent.")]
    NoServer,
    /// Who left is left alone.
    #[error("This address does not hear from us any more.")]
    NotSubscribed,
    /// The reader could do nothing with it.
    #[error("The link in this mail has ended. Who still wants to subscribe can ask for a new one.")]
    LinkEnded,
    /// An old time after a new one would mislead.
    #[error("Something newer was told about this since; this mail would tell an old story.")]
    Superseded,
}

impl SendAgain {
    /// Only what failed, or what never could go, is sent again; and only to who still wants to read it, while it is
    /// still true.
    ///
    /// # Errors
    /// Why not.
    pub const fn decide(self) -> Result<(), NotAgain> {
        let is_heard = matches!(self.subscriber, SubscriberState::Confirmed)
            || (self.asks_to_confirm && matches!(self.subscriber, SubscriberState::Pending));
        match self.state {
            DeliveryState::Queued | DeliveryState::Sending => Err(NotAgain::Waits),
            DeliveryState::Sent => Err(NotAgain::Sent),
            DeliveryState::Dropped if !self.lacked_server => Err(NotAgain::NotNeeded),
            DeliveryState::Failed | DeliveryState::Dropped => {
                if !self.has_server {
                    Err(NotAgain::NoServer)
                } else if !is_heard {
                    Err(NotAgain::NotSubscribed)
                } else if self.link_ended {
                    Err(NotAgain::LinkEnded)
                } else if self.is_superseded {
                    Err(NotAgain::Superseded)
                } else {
                    Ok(())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: SendAgain = SendAgain {
        state: DeliveryState::Failed,
        lacked_server: false,
        has_server: true,
        subscriber: SubscriberState::Confirmed,
        asks_to_confirm: false,
        link_ended: false,
        is_superseded: false,
    };

    #[test]
    fn what_failed_and_what_never_could_go_is_sent_again() {
        assert_eq!(FAILED.decide(), Ok(()));
        let kept = SendAgain { state: DeliveryState::Dropped, lacked_server: true, ..FAILED };
        assert_eq!(kept.decide(), Ok(()));
        assert_eq!(SendAgain { has_server: false, ..kept }.decide(), Err(NotAgain::NoServer));
        assert_eq!(SendAgain { has_server: false, ..FAILED }.decide(), Err(NotAgain::NoServer));
    }

    #[test]
    fn what_waits_was_sent_or_was_not_needed_is_not() {
        let state = |state| SendAgain { state, ..FAILED }.decide();
        assert_eq!(state(DeliveryState::Queued), Err(NotAgain::Waits));
        assert_eq!(state(DeliveryState::Sending), Err(NotAgain::Waits));
        assert_eq!(state(DeliveryState::Sent), Err(NotAgain::Sent));
        assert_eq!(state(DeliveryState::Dropped), Err(NotAgain::NotNeeded));
    }

    #[test]
    fn who_does_not_listen_is_left_alone() {
        for subscriber in SubscriberState::ALL {
            let notice = SendAgain { subscriber, ..FAILED }.decide();
            let confirmation = SendAgain { subscriber, asks_to_confirm: true, ..FAILED }.decide();
            let (told, asked) = match subscriber {
                SubscriberState::Confirmed => (Ok(()), Ok(())),
                SubscriberState::Pending => (Err(NotAgain::NotSubscribed), Ok(())),
                SubscriberState::Unsubscribed | SubscriberState::Bounced => {
                    (Err(NotAgain::NotSubscribed), Err(NotAgain::NotSubscribed))
                }
            };
            assert_eq!((notice, confirmation), (told, asked), "{subscriber:?}");
        }
    }

    #[test]
    fn an_old_story_is_not_told_again() {
        assert_eq!(SendAgain { is_superseded: true, ..FAILED }.decide(), Err(NotAgain::Superseded));
        assert_eq!(SendAgain { link_ended: true, ..FAILED }.decide(), Err(NotAgain::LinkEnded));
    }
}

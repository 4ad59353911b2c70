//! Webhooks: programs that hear from us, each by calls to its own address.

use crate::ids::{ComponentId, SubscriberId, WebhookId};
use crate::subscriber::Topics;
use crate::text::Name;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// A webhook that fails for so long without a single answer that is good is switched off.
pub const FAILS_AT_MOST: Span = Span::days(5);

/// So many webhooks may go with one subscription.
pub const OF_ONE_SUBSCRIBER: usize = 3;

/// Whether a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// It is.
    Active,
    /// Somebody wants it to rest.
    Paused,
    /// It was switched off by itself.
    Disabled,
}

impl WebhookState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// Why a webhook was switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffReason {
    /// It answered 410: it wants no more calls (Standard Webhooks).
    Gone,
    /// Every call failed for [`FAILS_AT_MOST`].
    Failing,
}

impl OffReason {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gone, Self::Failing];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Gone => "It answered 410 Gone: it wants no more calls.",
            Self::Failing => "Every call has failed for five days.",
        }
    }
}

/// A program that hears from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Identity.
    pub id: WebhookId,
    /// What people call it.
    pub name: Name,
    /// Where it is called; may hold secrets of the receiver.
    pub url: String,
    /// Only these components; empty means all. Those of a subscriber hear what the subscription does instead.
    pub components: Vec<ComponentId>,
    /// What it wants to hear of.
    pub topics: Topics,
    /// Whether it is called.
    pub state: WebhookState,
    /// Why it was switched off.
    pub off: Option<OffReason>,
    /// When it was switched off.
    pub off_at: Option<Instant>,
    /// Since when no call was answered well.
    pub failing_since: Option<Instant>,
    /// The subscription it goes with; none for those of the site.
    pub subscriber: Option<SubscriberId>,
    /// Part of the secret that signs; raising it makes a new one.
    pub secret_version: i64,
    /// When it was added.
    pub created_at: Instant,
    /// Counts edits.
    pub version: i64,
}

/// How a call was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Well: 2xx.
    Good,
    /// Not at all, or badly.
    Bad,
    /// It wants no more calls: 410.
    Gone,
}

impl Webhook {
    /// Follows from an answer; none where nothing does.
    #[must_use]
    pub fn answered(&self, answer: Answer, now: Instant) -> Option<Self> {
        let off = |reason| Self {
            state: WebhookState::Disabled,
            off: Some(reason),
            off_at: Some(now),
            failing_since: self.failing_since.or(Some(now)),
            ..self.clone()
        };
        if self.state == WebhookState::Disabled {
            return None;
        }
        let since = self.failing_since.unwrap_or(now);
        let after = match answer {
            Answer::Good => Self { failing_since: None, ..self.clone() },
            Answer::Gone => off(OffReason::Gone),
            Answer::Bad if Span::between(since, now) >= FAILS_AT_MOST => off(OffReason::Failing),
            Answer::Bad => Self { failing_since: Some(since), ..self.clone() },
        };
        (after != *self).then_some(after)
    }

    /// By the decision of a person: called again, with a clean slate.
    #[must_use]
    pub fn resumed(&self) -> Self {
        Self { state: WebhookState::Active, off: None, off_at: None, failing_since: None, ..self.clone() }
    }

    /// By the decision of a person: not called until further notice.
    #[must_use]
    pub fn paused(&self) -> Self {
        Self { state: WebhookState::Paused, off: None, off_at: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(minutes: i64) -> Instant {
        Instant::from_timestamp(minutes * 60, 0).unwrap()
    }

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId(Uuid::from_u128(1)),
            name: Name::parse("Chat").unwrap(),
            url: "https://chat.example.net/hook".to_owned(),
            components: Vec::new(),
            topics: Topics::default(),
            state: WebhookState::Active,
            off: None,
            off_at: None,
            failing_since: None,
            subscriber: None,
            secret_version: 1,
            created_at: at(0),
            version: 1,
        }
    }

    #[test]
    fn one_that_wants_no_more_calls_is_switched_off_at_once() {
        let off = webhook().answered(Answer::Gone, at(7)).unwrap();
        assert_eq!((off.state, off.off, off.off_at), (WebhookState::Disabled, Some(OffReason::Gone), Some(at(7))));
        assert_eq!(off.answered(Answer::Good, at(8)), None, "it stays so until somebody decides");
        assert_eq!(off.resumed(), webhook());
        let paused = webhook().paused().answered(Answer::Gone, at(7)).unwrap();
        assert_eq!(paused.state, WebhookState::Disabled);
    }

    #[test]
    fn one_good_answer_ends_the_days_of_failing() {
        let failing = webhook().answered(Answer::Bad, at(0)).unwrap();
        assert_eq!(failing.failing_since, Some(at(0)));
        assert_eq!(failing.answered(Answer::Bad, at(5 * 24 * 60 - 1)), None, "nothing new, and not for long enough");
        assert_eq!(failing.answered(Answer::Good, at(10)).unwrap(), webhook());
        let off = failing.answered(Answer::Bad, at(5 * 24 * 60)).unwrap();
        assert_eq!((off.state, off.off), (WebhookState::Disabled, Some(OffReason::Failing)));
    }

    proptest! {
        #[test]
        fn only_410_and_five_bad_days_in_a_row_switch_it_off(
            answers in prop::collection::vec((0_i64..4_000, 0_u8..3), 0..40),
        ) {
            let (mut hook, mut now, mut bad_since) = (webhook(), 0, None);
            for (minutes, kind) in answers {
                now += minutes;
                let answer = [Answer::Good, Answer::Bad, Answer::Gone][usize::from(kind)];
                bad_since = if answer == Answer::Good { None } else { bad_since.or(Some(now)) };
                let due = answer == Answer::Gone || bad_since.is_some_and(|since| now - since >= 5 * 24 * 60);
                hook = hook.answered(answer, at(now)).unwrap_or(hook);
                prop_assert_eq!(hook.state == WebhookState::Disabled, due);
                if due {
                    break;
                }
                prop_assert_eq!(hook.failing_since, bad_since.map(at));
            }
        }
    }
}

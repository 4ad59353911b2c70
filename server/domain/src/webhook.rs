//! Webhooks: programs that hear from us, each by calls to its own address.

use crate::ids::{ComponentId, SubscriberId, WebhookId};
use crate::subscriber::Topics;
use crate::text::Name;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// A webhook that fails for so long without a single answer that is good is switched off, if calls were given up.
pub const FAILS_AT_MOST: Span = Span::days(5);

/// So many calls that were given up are no proof that nobody is there: the program may have stood still once.
const GIVEN_UP_AT_MOST: i64 = 1;

/// How long after it was told a call is worth making.
pub const WORTH_TELLING: Span = Span::hours(24);

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
    /// Calls were given up, and none was answered well for [`FAILS_AT_MOST`].
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
    /// How many calls were given up since then.
    pub given_up: i64,
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
    /// Not at all, or badly; it will be made again.
    Bad,
    /// The same for the last time.
    GivenUp,
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
        let given_up = self.given_up.saturating_add(i64::from(answer == Answer::GivenUp));
        let is_dead = Span::between(since, now) >= FAILS_AT_MOST && given_up > GIVEN_UP_AT_MOST;
        let after = match answer {
            Answer::Good => Self { failing_since: None, given_up: 0, ..self.clone() },
            Answer::Gone => off(OffReason::Gone),
            Answer::GivenUp if is_dead => Self { given_up, ..off(OffReason::Failing) },
            Answer::Bad | Answer::GivenUp => Self { failing_since: Some(since), given_up, ..self.clone() },
        };
        (after != *self).then_some(after)
    }

    /// By the decision of a person: called again, with a clean slate.
    #[must_use]
    pub fn resumed(&self) -> Self {
        let (off, off_at, failing_since) = (None, None, None);
        Self { state: WebhookState::Active, off, off_at, failing_since, given_up: 0, ..self.clone() }
    }

    /// Called at this address from now on. How the one before answered says nothing about a new one.
    #[must_use]
    pub fn called_at(&self, url: String) -> Self {
        if url == self.url {
            return self.clone();
        }
        Self { url, failing_since: None, given_up: 0, ..self.clone() }
    }

    /// The host that is called, without its port, as far as it can be told from the address.
    #[must_use]
    pub fn host(&self) -> String {
        let (_, rest) = self.url.split_once(':').unwrap_or_default();
        let rest = rest.trim_start_matches(['/', '\\']);
        let place = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        let place = place.rsplit('@').next().unwrap_or_default();
        let host = match place.find(']') {
            Some(end) => place.get(..=end),
            None => place.split(':').next(),
        };
        host.unwrap_or_default().trim_end_matches('.').to_lowercase()
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
            given_up: 0,
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

    const DAY: i64 = 24 * 60;

    #[test]
    fn one_good_answer_ends_the_days_of_failing() {
        let failing = webhook().answered(Answer::GivenUp, at(0)).unwrap();
        assert_eq!((failing.failing_since, failing.given_up), (Some(at(0)), 1));
        assert_eq!(failing.answered(Answer::Good, at(10)).unwrap(), webhook());
        let off = failing.answered(Answer::GivenUp, at(5 * DAY)).unwrap();
        assert_eq!((off.state, off.off), (WebhookState::Disabled, Some(OffReason::Failing)));
        assert_eq!(off.resumed(), webhook());
    }

    #[test]
    fn what_may_still_arrive_and_a_single_call_that_did_not_switch_nothing_off() {
        let failing = webhook().answered(Answer::Bad, at(0)).unwrap();
        assert_eq!(failing.answered(Answer::Bad, at(9 * DAY)), None, "two bad answers, however far apart");
        let once = failing.answered(Answer::GivenUp, at(9 * DAY)).unwrap();
        assert_eq!((once.state, once.given_up), (WebhookState::Active, 1), "a single call");
        assert_eq!(once.answered(Answer::Bad, at(10 * DAY)), None);
        let early = webhook().answered(Answer::GivenUp, at(0)).unwrap().answered(Answer::GivenUp, at(5 * DAY - 1));
        assert_eq!(early.unwrap().state, WebhookState::Active, "not yet five days");
    }

    #[test]
    fn a_new_address_begins_with_a_clean_slate() {
        let failing = webhook().answered(Answer::GivenUp, at(0)).unwrap();
        assert_eq!(failing.called_at(failing.url.clone()), failing);
        let moved = failing.called_at("https://chat.example.org/".to_owned());
        assert_eq!((moved.failing_since, moved.given_up, &*moved.url), (None, 0, "https://chat.example.org/"));
    }

    #[test]
    fn the_host_is_read_from_the_address() {
        for (url, host) in [
            ("https://Chat.Example.net/hook", "chat.example.net"),
            ("http://chat.example.net:8080?x", "chat.example.net"),
            ("https://a:b@chat.example.net.#x", "chat.example.net"),
            ("http://[2606:4700::1111]:8080/", "[2606:4700::1111]"),
            ("https:\\\\chat.example.net\\x", "chat.example.net"),
            ("nonsense", ""),
        ] {
            assert_eq!(Webhook { url: url.to_owned(), ..webhook() }.host(), host, "{url}");
        }
    }

    proptest! {
        #[test]
        fn only_410_and_calls_given_up_in_five_bad_days_in_a_row_switch_it_off(
            answers in prop::collection::vec((0_i64..4_000, 0_u8..12), 0..60),
        ) {
            let (mut hook, mut now, mut bad_since, mut given_up) = (webhook(), 0, None, 0);
            for (minutes, kind) in answers {
                now += minutes;
                let answer = match kind {
                    0 => Answer::Good,
                    1 => Answer::Gone,
                    2..=6 => Answer::Bad,
                    _ => Answer::GivenUp,
                };
                bad_since = if answer == Answer::Good { None } else { bad_since.or(Some(now)) };
                given_up = match answer {
                    Answer::Good => 0,
                    Answer::GivenUp => given_up + 1,
                    Answer::Bad | Answer::Gone => given_up,
                };
                let is_long = bad_since.is_some_and(|since| now - since >= 5 * DAY);
                let due = answer == Answer::Gone || (answer == Answer::GivenUp && is_long && given_up >= 2);
                hook = hook.answered(answer, at(now)).unwrap_or(hook);
                prop_assert_eq!(hook.state == WebhookState::Disabled, due);
                if due {
                    break;
                }
                prop_assert_eq!((hook.failing_since, hook.given_up), (bad_since.map(at), given_up));
            }
        }
    }
}

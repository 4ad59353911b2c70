//! Who is told, and why others are not: shown before anything is sent.

use super::SubscriberState;

/// Why a subscriber is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// Has not confirmed the address yet.
    NotConfirmed,
    /// Left.
    Unsubscribed,
    /// Mails do not arrive.
    Bounced,
    /// Wants to hear of other things.
    OtherTopics,
    /// Follows other components only.
    OtherComponents,
    /// What it is about is for the team alone.
    Private,
}

impl LeftOut {
    /// Why a subscriber is not told; none if it is. Each counts once, by the first reason that holds.
    #[must_use]
    pub const fn of(state: SubscriberState, wants: bool, follows: bool) -> Option<Self> {
        match state {
            SubscriberState::Pending => Some(Self::NotConfirmed),
            SubscriberState::Unsubscribed => Some(Self::Unsubscribed),
            SubscriberState::Bounced => Some(Self::Bounced),
            SubscriberState::Confirmed if !wants => Some(Self::OtherTopics),
            SubscriberState::Confirmed if !follows => Some(Self::OtherComponents),
            SubscriberState::Confirmed => None,
        }
    }

    /// As the API says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotConfirmed => "not_confirmed",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::OtherTopics => "other_topics",
            Self::OtherComponents => "other_components",
            Self::Private => "private",
        }
    }

    /// After a number: "12 {…}".
    #[must_use]
    pub const fn text(self, n: i64) -> &'static str {
        match (self, n) {
            (Self::NotConfirmed, 1) => "has not confirmed the address",
            (Self::NotConfirmed, _) => "have not confirmed their address",
            (Self::Unsubscribed, 1) => "has unsubscribed",
            (Self::Unsubscribed, _) => "have unsubscribed",
            (Self::Bounced, 1) => "can not be reached",
            (Self::Bounced, _) => "can not be reached",
            (Self::OtherTopics, 1) => "does not want this kind of news",
            (Self::OtherTopics, _) => "do not want this kind of news",
            (Self::OtherComponents, 1) => "follows other components only",
            (Self::OtherComponents, _) => "follow other components only",
            (Self::Private, 1) => "is not told, because all its components are private",
            (Self::Private, _) => "are not told, because all its components are private",
        }
    }
}

/// How many are told, and how many are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Told by mail.
    pub mails: i64,
    /// Webhooks that are called.
    pub webhooks: i64,
    /// Not told, each reason with how many, in the order of [`LeftOut`].
    pub left_out: Vec<(LeftOut, i64)>,
}

impl Audience {
    /// How many are told, in whatever way.
    #[must_use]
    pub const fn told(&self) -> i64 {
        self.mails + self.webhooks
    }

    /// How many are not told.
    #[must_use]
    pub fn left_out_count(&self) -> i64 {
        self.left_out.iter().map(|(_, n)| n).sum()
    }

    /// Whether who is told is who was shown, so that nothing has to be asked again: `seen` is the number of [`Self::told`] that was shown
    /// for the same choice. Subscribers come and go while somebody writes; a few more or less change no mind, but
    /// somebody where nobody was shown does.
    #[must_use]
    pub fn is_as_seen(&self, seen: Option<i64>) -> bool {
        match seen {
            _ if self.told() == 0 => true,
            None | Some(..=0) => false,
            Some(seen) => self.told().abs_diff(seen) <= (seen.unsigned_abs() / 20).max(10),
        }
    }

    /// Counts `n` more subscribers, told or left out.
    pub fn count(&mut self, why: Option<LeftOut>, n: i64) {
        let Some(why) = why else {
            self.mails += n;
            return;
        };
        match self.left_out.binary_search_by_key(&why, |(why, _)| *why) {
            Ok(at) => {
                if let Some((_, count)) = self.left_out.get_mut(at) {
                    *count += n;
                }
            }
            Err(at) => self.left_out.insert(at, (why, n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subscriber_counts_once_by_the_first_reason() {
        use SubscriberState::{Bounced, Confirmed, Pending, Unsubscribed};
        assert_eq!(LeftOut::of(Confirmed, true, true), None);
        assert_eq!(LeftOut::of(Confirmed, true, false), Some(LeftOut::OtherComponents));
        assert_eq!(LeftOut::of(Confirmed, false, false), Some(LeftOut::OtherTopics));
        for (state, why) in
            [(Pending, LeftOut::NotConfirmed), (Unsubscribed, LeftOut::Unsubscribed), (Bounced, LeftOut::Bounced)]
        {
            assert_eq!(LeftOut::of(state, false, false), Some(why), "{state:?}");
            assert_eq!(LeftOut::of(state, true, true), Some(why), "{state:?}");
        }
    }

    #[test]
    fn a_few_subscribers_more_or_less_are_not_asked_about_again() {
        let as_seen = |seen, mails| Audience { mails, ..Audience::default() }.is_as_seen(seen);
        for (seen, mails) in [(3, 3), (3, 13), (20, 10), (1_000, 1_050), (1_000, 950), (3, 0)] {
            assert!(as_seen(Some(seen), mails), "{seen} were shown, {mails} are told");
        }
        for (seen, mails) in [(3, 14), (20, 9), (1_000, 1_051), (1_000, 949), (0, 1), (-1, 1)] {
            assert!(!as_seen(Some(seen), mails), "{seen} were shown, {mails} are told");
        }
        assert!(!as_seen(None, 1), "nothing was shown, or of another choice");
        assert!(as_seen(None, 0), "nobody is told");
        let hooks = Audience { webhooks: 1, ..Audience::default() };
        assert!(!hooks.is_as_seen(Some(0)) && hooks.is_as_seen(Some(1)), "a program is somebody");
    }

    #[test]
    fn an_audience_adds_up_and_keeps_the_order_of_reasons() {
        let mut audience = Audience::default();
        audience.count(Some(LeftOut::OtherComponents), 2);
        audience.count(None, 5);
        audience.count(Some(LeftOut::NotConfirmed), 1);
        audience.count(Some(LeftOut::OtherComponents), 3);
        assert_eq!(audience.mails, 5);
        assert_eq!(audience.left_out, [(LeftOut::NotConfirmed, 1), (LeftOut::OtherComponents, 5)]);
        assert_eq!(audience.left_out_count(), 6);
    }
}

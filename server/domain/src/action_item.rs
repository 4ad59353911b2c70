//! Action items: what is done so that an incident does not happen again. They stay public until they are done.

use crate::drill::Link;
use crate::ids::{ActionItemId, IncidentId, UserId};
use crate::text::{Name, Why};
use crate::time::Instant;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// Where an action item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Not begun.
    Open,
    /// Being worked on.
    InProgress,
    /// Done.
    Done,
    /// Will not be done, for a reason that readers see.
    Dropped,
}

/// No state of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose open, in_progress, done or dropped.")]
pub struct UnknownItemState;

/// What is done so that an incident does not happen again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItem {
    /// Identity.
    pub id: ActionItemId,
    /// The incident it follows from.
    pub incident: IncidentId,
    /// What it is.
    #[serde(flatten)]
    pub content: ItemContent,
    /// Where it stands.
    pub state: ItemState,
    /// Why it was dropped, for readers.
    pub why: Option<Why>,
    /// Order on the page.
    pub position: i64,
    /// When it was added.
    pub created_at: Instant,
    /// When it was done or dropped.
    pub closed_at: Option<Instant>,
    /// When anything about it changed.
    pub updated_at: Instant,
    /// Counts changes.
    pub version: i64,
}

/// What an action item is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemContent {
    /// One line: what will be different.
    pub title: Name,
    /// Whose it is, as customers read it: a team or a role.
    pub owner: Name,
    /// Who does it, for the team alone.
    pub user: Option<UserId>,
    /// The last day for it, in the site's zone.
    pub due: Option<NaiveDate>,
    /// Where it can be followed.
    pub link: Option<Link>,
}

/// Why not, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ItemRefusal {
    /// Nothing would change.
    #[error("This action item is {} already.", .0.text())]
    Is(ItemState),
    /// Readers wait for it.
    #[error("Say why it will not be done: readers of the post-mortem see it.")]
    NoReason,
    /// Readers have seen it.
    #[error("The post-mortem is public: drop this action item with a reason instead.")]
    Public,
}

impl ItemRefusal {
    /// For machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Is(_) => "wrong_state",
            Self::NoReason => "no_reason",
            Self::Public => "public",
        }
    }
}

impl ItemState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::InProgress, Self::Done, Self::Dropped];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }

    /// In a sentence: "This action item is {…} already".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in progress",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }

    /// Nothing is left to do.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Dropped)
    }
}

impl FromStr for ItemState {
    type Err = UnknownItemState;
    fn from_str(text: &str) -> Result<Self, UnknownItemState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text.trim()).ok_or(UnknownItemState)
    }
}

impl ActionItem {
    /// Moves it to another state, in any order; what was closed may be opened again.
    ///
    /// # Errors
    /// It is there already; it would be dropped without a reason.
    pub fn put(&self, now: Instant, state: ItemState, why: Option<Why>) -> Result<Self, ItemRefusal> {
        if state == self.state {
            return Err(ItemRefusal::Is(state));
        }
        let why = match (state, why) {
            (ItemState::Dropped, None) => return Err(ItemRefusal::NoReason),
            (ItemState::Dropped, why) => why,
            _ => None,
        };
        let closed_at = state.is_closed().then_some(now);
        Ok(Self { state, why, closed_at, updated_at: now, ..self.clone() })
    }

    /// Its day has passed and it is not closed; `today` is a day of the site's zone.
    #[must_use]
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        !self.state.is_closed() && self.content.due.is_some_and(|due| due < today)
    }
}

/// How far the action items of a post-mortem are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Those that are done.
    pub done: usize,
    /// Those that will not be done.
    pub dropped: usize,
    /// Those whose day has passed.
    pub overdue: usize,
    /// All of them.
    pub all: usize,
}

impl Progress {
    /// Counts them; `today` is a day of the site's zone.
    #[must_use]
    pub fn of(items: &[ActionItem], today: NaiveDate) -> Self {
        let count = |is: &dyn Fn(&ActionItem) -> bool| items.iter().filter(|item| is(item)).count();
        Self {
            done: count(&|item| item.state == ItemState::Done),
            dropped: count(&|item| item.state == ItemState::Dropped),
            overdue: count(&|item| item.is_overdue(today)),
            all: items.len(),
        }
    }

    /// "3 of 5 done, 1 dropped, 1 overdue".
    #[must_use]
    pub fn words(self) -> String {
        let mut words = format!("{} of {} done", self.done, self.all);
        for (count, what) in [(self.dropped, "dropped"), (self.overdue, "overdue")] {
            if count > 0 {
                words.push_str(&format!(", {count} {what}"));
            }
        }
        words
    }
}

/// Whether subscribers have yet to hear that nothing is left to do. One that was opened again and closed once more
/// is no news; one that was added since is.
#[must_use]
pub fn end_is_news(items: &[ActionItem], told_at: Option<Instant>) -> bool {
    !items.is_empty()
        && items.iter().all(|item| item.state.is_closed())
        && told_at.is_none_or(|told| items.iter().any(|item| item.created_at > told))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(minutes: i64) -> Instant {
        Instant::from_timestamp(1_400_000_000 + minutes * 60, 0).unwrap()
    }

    fn item(n: u128, created: i64) -> ActionItem {
        ActionItem {
            id: ActionItemId(Uuid::from_u128(n)),
            incident: IncidentId(Uuid::nil()),
            content: ItemContent {
                title: Name::parse("Dumps run before the files").unwrap(),
                owner: Name::parse("Platform team").unwrap(),
                user: None,
                due: NaiveDate::from_ymd_opt(2014, 6, 30),
                link: None,
            },
            state: ItemState::Open,
            why: None,
            position: 1,
            created_at: at(created),
            closed_at: None,
            updated_at: at(created),
            version: 1,
        }
    }

    fn why() -> Option<Why> {
        Why::parse("The provider does it.").ok()
    }

    #[test]
    fn it_goes_from_any_state_to_any_other() {
        for from in ItemState::ALL {
            for to in ItemState::ALL {
                let it = if from == ItemState::Open { item(1, 0) } else { item(1, 0).put(at(1), from, why()).unwrap() };
                let moved = it.put(at(2), to, why());
                if from == to {
                    assert_eq!(moved, Err(ItemRefusal::Is(to)));
                    continue;
                }
                let moved = moved.unwrap();
                assert_eq!(moved.closed_at, to.is_closed().then_some(at(2)), "{from:?} {to:?}");
                assert_eq!(moved.why.is_some(), to == ItemState::Dropped);
            }
        }
        assert_eq!(item(1, 0).put(at(1), ItemState::Dropped, None), Err(ItemRefusal::NoReason));
    }

    #[test]
    fn its_day_has_passed_on_the_day_after_it() {
        let day = |day| NaiveDate::from_ymd_opt(2014, 6, 1).unwrap() + chrono::Days::new(day);
        assert!(!item(1, 0).is_overdue(day(29)) && item(1, 0).is_overdue(day(30)));
        assert!(!item(1, 0).put(at(1), ItemState::Done, None).unwrap().is_overdue(day(60)));
        let items = [item(1, 0).put(at(1), ItemState::Done, None).unwrap(), item(2, 0), item(3, 0)];
        assert_eq!(Progress::of(&items, day(60)).words(), "1 of 3 done, 2 overdue");
        assert_eq!(Progress::of(&items[..1], day(0)).words(), "1 of 1 done");
    }

    #[test]
    fn the_end_is_told_once_unless_there_is_more_to_do() {
        let closed = |n, created| item(n, created).put(at(created + 1), ItemState::Done, None).unwrap();
        assert!(!end_is_news(&[], None));
        assert!(!end_is_news(&[closed(1, 0), item(2, 0)], None));
        assert!(end_is_news(&[closed(1, 0), closed(2, 0)], None));
        assert!(!end_is_news(&[closed(1, 0), closed(2, 0)], Some(at(5))), "opened and closed again");
        assert!(end_is_news(&[closed(1, 0), closed(2, 7)], Some(at(5))), "one was added");
    }

    proptest! {
        #[test]
        fn nobody_hears_twice_of_the_same_items(
            steps in prop::collection::vec((0_usize..4, 0_usize..5), 0..40),
        ) {
            let (mut items, mut told_at, mut told, mut added) = (vec![item(0, 0)], None, 0, 1);
            for (minute, (state, which)) in (1_i64..).zip(steps) {
                if which == 4 {
                    items.push(item(u128::try_from(items.len()).unwrap(), minute));
                    added += 1;
                } else if let Some(one) = items.get_mut(which)
                    && let Ok(moved) = one.put(at(minute), ItemState::ALL[state], why())
                {
                    *one = moved;
                }
                if end_is_news(&items, told_at) {
                    prop_assert!(items.iter().all(|item| item.state.is_closed()));
                    told_at = Some(at(minute));
                    told += 1;
                    prop_assert!(!end_is_news(&items, told_at));
                }
            }
            prop_assert!(told <= added);
        }
    }

    #[test]
    fn names_are_those_of_json() {
        for state in ItemState::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.as_str()));
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}

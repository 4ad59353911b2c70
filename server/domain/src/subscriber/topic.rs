//! What a subscriber wants to hear of.

use serde::{Deserialize, Serialize};

/// A kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Planned work.
    Maintenance,
    /// What broke.
    Incidents,
    /// What the site has to say.
    Announcements,
    /// What was learned.
    PostMortems,
    /// What was decided afterwards is done.
    ActionItems,
    /// A month in figures.
    Reports,
}

impl Topic {
    /// All of them, in the order of forms.
    pub const ALL: [Self; 6] =
        [Self::Maintenance, Self::Incidents, Self::Announcements, Self::PostMortems, Self::ActionItems, Self::Reports];

    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Incidents => "incidents",
            Self::Announcements => "announcements",
            Self::PostMortems => "post_mortems",
            Self::ActionItems => "action_items",
            Self::Reports => "reports",
        }
    }

    /// For people.
    #[must_use]
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Maintenance => "Planned maintenance",
            Self::Incidents => "Incidents",
            Self::Announcements => "Announcements",
            Self::PostMortems => "Post-mortems",
            Self::ActionItems => "Action items that are done",
            Self::Reports => "Monthly reports",
        }
    }

    /// Who says nothing else hears of it.
    #[must_use]
    pub const fn is_usual(self) -> bool {
        matches!(self, Self::Maintenance | Self::Incidents | Self::Announcements | Self::PostMortems)
    }

    /// Its place in [`Topics::bits`]; never changes, for it is stored.
    #[must_use]
    pub const fn bit(self) -> i64 {
        match self {
            Self::Maintenance => 1,
            Self::Incidents => 2,
            Self::Announcements => 4,
            Self::PostMortems => 8,
            Self::ActionItems => 16,
            Self::Reports => 32,
        }
    }
}

impl std::str::FromStr for Topic {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text).ok_or(())
    }
}

/// A set of topics; by default the usual ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Topic>", into = "Vec<Topic>")]
pub struct Topics(i64);

impl Topics {
    /// As it is stored.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// Reads [`Self::bits`]; none if a bit stands for nothing.
    #[must_use]
    pub fn from_bits(bits: i64) -> Option<Self> {
        let all: Self = Topic::ALL.into_iter().collect();
        (bits & !all.0 == 0).then_some(Self(bits))
    }

    /// Whether a topic is among them.
    #[must_use]
    pub const fn has(self, topic: Topic) -> bool {
        self.0 & topic.bit() != 0
    }

    /// None of them.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in it, in the order of forms.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.has(*topic))
    }
}

impl Default for Topics {
    fn default() -> Self {
        Topic::ALL.into_iter().filter(|topic| topic.is_usual()).collect()
    }
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Topic> for Topics {
    fn from_iter<I: IntoIterator<Item = Topic>>(topics: I) -> Self {
        Self(topics.into_iter().fold(0, |bits, topic| bits | topic.bit()))
    }
}

impl From<Vec<Topic>> for Topics {
    fn from(topics: Vec<Topic>) -> Self {
        topics.into_iter().collect()
    }
}

impl From<Topics> for Vec<Topic> {
    fn from(topics: Topics) -> Self {
        topics.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn who_says_nothing_hears_of_all_but_action_items_and_reports() {
        let usual: Vec<Topic> = Topics::default().iter().collect();
        assert_eq!(usual, [Topic::Maintenance, Topic::Incidents, Topic::Announcements, Topic::PostMortems]);
        assert_eq!(Topics::default().bits(), 15, "as the migration says for those who were there before");
    }

    #[test]
    fn each_set_is_stored_and_read_as_it_is() {
        for bits in 0..64 {
            let set = Topics::from_bits(bits).unwrap();
            assert_eq!(set.iter().collect::<Topics>(), set);
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<Topics>(&json).unwrap(), set, "{json}");
        }
        assert_eq!(Topics::from_bits(64), None);
        assert_eq!(Topics::from_bits(-1), None);
    }

    #[test]
    fn the_word_of_a_topic_is_read_back() {
        for topic in Topic::ALL {
            assert_eq!(topic.as_str().parse(), Ok(topic));
        }
        assert_eq!("weather".parse::<Topic>(), Err(()));
    }
}

//! What is told of something published.

use crate::{Error, Services};
use domain::ids::ComponentId;
use domain::text::{Name, Prose};
use storage::Tx;
use uuid::Uuid;

/// A kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What the site has to say.
    Announcements,
    /// What was learned.
    PostMortems,
    /// What was decided afterwards is done.
    ActionItems,
}

/// Why a subscriber is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {}

impl LeftOut {
    /// After a number: "12 {…}".
    #[must_use]
    pub const fn text(self, _: i64) -> &'static str {
        match self {}
    }

    /// As the API says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {}
    }
}

/// How many are told, and how many are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Told by mail.
    pub mails: i64,
    /// Not told, each reason with how many.
    pub left_out: Vec<(LeftOut, i64)>,
}

/// Something published, as its mails tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Who wants to hear of it.
    pub topic: Topic,
    /// What it is, and which.
    pub subject: (&'static str, Uuid),
    /// What its mails hang together by.
    pub thread: String,
    /// The heading.
    pub title: Name,
    /// One sentence that says what this is.
    pub lead: String,
    /// The text; may be empty.
    pub message: Prose,
    /// Its public page.
    pub path: String,
    /// Who follows one of these hears of it; none are the whole site.
    pub components: Vec<ComponentId>,
}

impl Services {
    pub(crate) async fn tell_post(&self, _: &mut Tx, _: &Post) -> Result<u64, Error> {
        Ok(0)
    }

    pub(crate) async fn audience(&self, _: &mut Tx, _: Topic, _: &[ComponentId]) -> Result<Audience, Error> {
        Ok(Audience::default())
    }
}

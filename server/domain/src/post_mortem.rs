//! Post-mortems: what was learned from an incident, read by a second person before customers read it.
//!
//! `draft → in_review → published`. As with overrides, two people means two: who reviews has at least the approver's
//! role and is not who changed the text last. What a token writes, the person who made it has written; what a program
//! without a person changes stays the text of the person before. A change of the text takes the review away. Once it is
//! public, a change is shown as an edit with the text before; subscribers hear of it when a second person has read it.

mod outline;
#[cfg(test)]
mod tests;

pub use outline::{Said, outline, timeline, unwritten};

use crate::ids::{IncidentId, UserId};
use crate::text::{Prose, Why, listed};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a post-mortem stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostMortemState {
    /// Being written.
    Draft,
    /// Waits for a second person, or was read by one and waits to be published.
    InReview,
    /// Public.
    Published,
}

/// A second person has read the text as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who; never who changed the text last.
    pub by: UserId,
    /// When.
    pub at: Instant,
}

/// Why it was sent back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBack {
    /// For who wrote it.
    pub why: Why,
    /// Who read it.
    pub by: UserId,
    /// When.
    pub at: Instant,
}

/// What was learned from an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMortem {
    /// The incident it is about: there is one for each.
    pub incident: IncidentId,
    /// Where it stands.
    pub state: PostMortemState,
    /// Markdown.
    pub body: Prose,
    /// The person who changed the text last, with a token too; none where no person ever did.
    pub author: Option<UserId>,
    /// The review of the text as it is.
    pub review: Option<Review>,
    /// Why it was sent back, until it is handed in again.
    pub sent_back: Option<SentBack>,
    /// When it was published.
    pub published_at: Option<Instant>,
    /// When its text was last changed after that.
    pub edited_at: Option<Instant>,
    /// When subscribers heard that all its action items are done.
    pub items_told_at: Option<Instant>,
    /// When it was begun.
    pub created_at: Instant,
    /// When anything about it changed.
    pub updated_at: Instant,
    /// Counts changes.
    pub version: i64,
}

/// Why not, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PostMortemRefusal {
    /// Nothing to read.
    #[error("Write the text first: there is nothing to read yet.")]
    Empty,
    /// Sections in which still stands what to write there.
    #[error("Under {} still stands what to write there. Write it in your own words, or take the section out.", headings(.0))]
    Unwritten(Vec<&'static str>),
    /// It is past that, or not there yet.
    #[error("This post-mortem is {}.", .0.text())]
    Is(PostMortemState),
    /// Two people means two.
    #[error("You, or a token of yours, changed this text last: somebody else has to review it.")]
    SamePerson,
    /// Nobody has read it as it is.
    #[error("A second person has to review this text before it is published.")]
    NotReviewed,
    /// Readers have the text that they were told of.
    #[error("Nothing has changed that subscribers could be told of.")]
    Unchanged,
    /// Nobody has read what it says by now.
    #[error(
        "A second person has to review the text as it is now before subscribers are told of it: save it without this."
    )]
    UnreviewedChange,
    /// Somebody read it already.
    #[error("This text was reviewed already.")]
    Reviewed,
    /// Something else stands on the page than what would be decided about.
    #[error("The text was changed on this page: save it first. It has to be reviewed then.")]
    TextChanged,
    /// The story is not over.
    #[error("The incident is not resolved yet: publish its post-mortem afterwards.")]
    NotOver,
}

/// “Summary” and “Impact”.
fn headings(all: &[&str]) -> String {
    listed(&all.iter().map(|heading| format!("“{heading}”")).collect::<Vec<_>>())
}

impl PostMortemRefusal {
    /// For machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unwritten(_) => "unwritten",
            Self::Is(_) | Self::Reviewed => "wrong_state",
            Self::SamePerson => "same_person",
            Self::NotReviewed | Self::UnreviewedChange => "not_reviewed",
            Self::Unchanged => "unchanged",
            Self::TextChanged => "text_changed",
            Self::NotOver => "incident_open",
        }
    }
}

impl PostMortemState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Draft, Self::InReview, Self::Published];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Published => "published",
        }
    }

    /// In a sentence: "This post-mortem is {…}".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Draft => "a draft",
            Self::InReview => "in review",
            Self::Published => "published",
        }
    }
}

impl PostMortem {
    /// A new one.
    #[must_use]
    pub const fn begin(incident: IncidentId, body: Prose, by: Option<UserId>, now: Instant) -> Self {
        Self {
            incident,
            state: PostMortemState::Draft,
            body,
            author: by,
            review: None,
            sent_back: None,
            published_at: None,
            edited_at: None,
            items_told_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    fn changed(&self, now: Instant) -> Self {
        Self { updated_at: now, ..self.clone() }
    }

    fn check_readable(&self) -> Result<(), PostMortemRefusal> {
        if self.body.as_str().trim().is_empty() {
            return Err(PostMortemRefusal::Empty);
        }
        let unwritten = unwritten(self.body.as_str());
        if unwritten.is_empty() { Ok(()) } else { Err(PostMortemRefusal::Unwritten(unwritten)) }
    }

    /// Goes on only where this is the text that somebody has before them who decides about it.
    ///
    /// # Errors
    /// It is not.
    pub fn check_seen(&self, text: &str) -> Result<(), PostMortemRefusal> {
        let is_same = Prose::parse(text).is_ok_and(|text| text == self.body);
        if is_same { Ok(()) } else { Err(PostMortemRefusal::TextChanged) }
    }

    /// Changes the text; nothing where it is the same. It has to be reviewed again; what is public stays so meanwhile.
    ///
    /// # Errors
    /// It would be empty, or hold words of the template, although somebody reads it.
    pub fn edit(&self, now: Instant, by: Option<UserId>, body: Prose) -> Result<Option<Self>, PostMortemRefusal> {
        if body == self.body {
            return Ok(None);
        }
        let is_public = self.state == PostMortemState::Published;
        let after = Self {
            body,
            author: by.or(self.author),
            review: None,
            edited_at: if is_public { Some(now) } else { None },
            ..self.changed(now)
        };
        if self.state != PostMortemState::Draft {
            after.check_readable()?;
        }
        Ok(Some(after))
    }

    /// Hands it to a second person.
    ///
    /// # Errors
    /// It is no draft, empty, or holds words of the template.
    pub fn submit(&self, now: Instant) -> Result<Self, PostMortemRefusal> {
        if self.state != PostMortemState::Draft {
            return Err(PostMortemRefusal::Is(self.state));
        }
        self.check_readable()?;
        Ok(Self { state: PostMortemState::InReview, sent_back: None, ..self.changed(now) })
    }

    /// Goes on only where this person may decide about the text.
    fn check_reviewer(&self, by: UserId) -> Result<(), PostMortemRefusal> {
        if self.author == Some(by) { Err(PostMortemRefusal::SamePerson) } else { Ok(()) }
    }

    /// A second person finds it good: before it is public, or as it was changed afterwards.
    ///
    /// # Errors
    /// Nobody asked for a review, the same person wrote it, it was reviewed already, or holds words of the template.
    pub fn approve(&self, now: Instant, by: UserId) -> Result<Self, PostMortemRefusal> {
        if self.state == PostMortemState::Draft {
            return Err(PostMortemRefusal::Is(self.state));
        }
        self.check_reviewer(by)?;
        if self.review.is_some() {
            return Err(PostMortemRefusal::Reviewed);
        }
        self.check_readable()?;
        Ok(Self { review: Some(Review { by, at: now }), ..self.changed(now) })
    }

    /// A second person sends it back.
    ///
    /// # Errors
    /// Nobody asked for a review, or the same person wrote it.
    pub fn send_back(&self, now: Instant, by: UserId, why: Why) -> Result<Self, PostMortemRefusal> {
        if self.state != PostMortemState::InReview {
            return Err(PostMortemRefusal::Is(self.state));
        }
        self.check_reviewer(by)?;
        Ok(Self {
            state: PostMortemState::Draft,
            review: None,
            sent_back: Some(SentBack { why, by, at: now }),
            ..self.changed(now)
        })
    }

    /// Whether subscribers may be told again of what is public.
    ///
    /// # Errors
    /// It is not, it was not changed since it was published, or nobody has reviewed the text as it is.
    pub fn check_tell_again(&self) -> Result<(), PostMortemRefusal> {
        match (self.state, self.edited_at, self.review) {
            (PostMortemState::Draft | PostMortemState::InReview, ..) => Err(PostMortemRefusal::Is(self.state)),
            (PostMortemState::Published, None, _) => Err(PostMortemRefusal::Unchanged),
            (PostMortemState::Published, Some(_), None) => Err(PostMortemRefusal::UnreviewedChange),
            (PostMortemState::Published, Some(_), Some(_)) => Ok(()),
        }
    }

    /// Makes it public.
    ///
    /// # Errors
    /// Nobody has reviewed it as it is, it is public already, the incident is not over, or it holds words of the template.
    pub fn publish(&self, now: Instant, incident_is_over: bool) -> Result<Self, PostMortemRefusal> {
        match (self.state, self.review) {
            (PostMortemState::Published, _) => Err(PostMortemRefusal::Is(self.state)),
            (PostMortemState::Draft, _) | (_, None) => Err(PostMortemRefusal::NotReviewed),
            _ if !incident_is_over => Err(PostMortemRefusal::NotOver),
            (PostMortemState::InReview, Some(_)) => {
                self.check_readable()?;
                Ok(Self { state: PostMortemState::Published, published_at: Some(now), ..self.changed(now) })
            }
        }
    }
}

//! Announcements and changelog entries: what customers are told beside incidents and windows.
//!
//! `draft → scheduled → published → withdrawn`. What is published stays in the archive at its address
//! until it is withdrawn; what stands on top of all pages goes from there by itself at the end of its banner.

use crate::ids::{AnnouncementId, ComponentId, UserId};
use crate::maintenance::Moment;
use crate::text::{Name, Prose, Slug, Why};
use crate::time::{Instant, Span, ZoneRules};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use thiserror::Error;

/// How long an announcement stands on the front page where nobody pinned it.
pub const ON_FRONT: Span = Span::days(30);

/// What kind of news it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// News.
    Announcement,
    /// What was changed in the product.
    Changelog,
    /// What readers should know or do to stay safe.
    Security,
    /// Terms, prices, limits.
    Policy,
}

/// No category of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose announcement, changelog, security or policy.")]
pub struct UnknownCategory;

/// Where an announcement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementState {
    /// Known to the team alone.
    Draft,
    /// Becomes public by itself.
    Scheduled,
    /// Public.
    Published,
    /// Taken back: its address says so.
    Withdrawn,
}

/// No state of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Choose draft, scheduled, published or withdrawn.")]
pub struct UnknownAnnouncementState;

/// What customers are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Identity.
    pub id: AnnouncementId,
    /// Its part of the address; stays once it is public.
    pub slug: Slug,
    /// What it says and how it is shown.
    #[serde(flatten)]
    pub content: Content,
    /// Where it stands.
    pub state: AnnouncementState,
    /// When it becomes public by itself.
    pub publish: Option<Moment>,
    /// When it first was public.
    pub published_at: Option<Instant>,
    /// When its text was last changed after that.
    pub edited_at: Option<Instant>,
    /// When it was taken back.
    pub withdrawn_at: Option<Instant>,
    /// Why, for readers.
    pub withdrawn_why: Option<Why>,
    /// Who wrote it; none for the system and tokens.
    pub created_by: Option<UserId>,
    /// When it was begun.
    pub created_at: Instant,
    /// When anything about it changed.
    pub updated_at: Instant,
    /// Counts changes.
    pub version: i64,
}

/// What an announcement says and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// One line.
    pub title: Name,
    /// Markdown.
    pub body: Prose,
    /// What kind of news it is.
    pub category: Category,
    /// Whom it concerns: followers of these; the whole site where there are none.
    pub components: Vec<ComponentId>,
    /// Stands on the front page until it is unpinned.
    pub pinned: bool,
    /// Publishing it tells subscribers.
    pub tells: bool,
    /// The zone in which its times are typed.
    pub zone: String,
    /// Stands on top of every public page until then.
    pub banner: Option<Moment>,
}

/// Why not, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnnouncementRefusal {
    /// Nothing to read.
    #[error("Write the text first: there is nothing to read yet.")]
    Empty,
    /// It is past that.
    #[error("This announcement is {} already.", .0.text())]
    Is(AnnouncementState),
    /// It waits for nothing.
    #[error("This announcement is not scheduled.")]
    NotScheduled,
    /// It is not public.
    #[error("This announcement is not published.")]
    NotPublished,
    /// Nobody could be told at that time any more.
    #[error("Choose a time that is still to come, or publish it now.")]
    InThePast,
    /// Nobody would ever see it.
    #[error("The banner must end after now, and after the announcement is published.")]
    BannerOver,
    /// What was public stays known.
    #[error("This announcement was published: withdraw it, so that its address can say so.")]
    WasPublic,
}

impl AnnouncementRefusal {
    /// For machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Is(_) | Self::NotScheduled | Self::NotPublished | Self::WasPublic => "wrong_state",
            Self::InThePast | Self::BannerOver => "wrong_time",
        }
    }
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Announcement, Self::Changelog, Self::Security, Self::Policy];

    /// As stored, sent, and written in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announcement => "announcement",
            Self::Changelog => "changelog",
            Self::Security => "security",
            Self::Policy => "policy",
        }
    }

    /// For readers.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Announcement => "Announcement",
            Self::Changelog => "Changelog",
            Self::Security => "Security",
            Self::Policy => "Policy",
        }
    }

    /// What it is for, for those who write.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Announcement => "News: a new location, holidays, changes to come.",
            Self::Changelog => "What was changed, added or removed.",
            Self::Security => "What readers should know or do to stay safe.",
            Self::Policy => "Terms, prices, limits.",
        }
    }
}

impl FromStr for Category {
    type Err = UnknownCategory;
    fn from_str(text: &str) -> Result<Self, UnknownCategory> {
        Self::ALL.into_iter().find(|category| category.as_str() == text.trim()).ok_or(UnknownCategory)
    }
}

impl AnnouncementState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Scheduled, Self::Published, Self::Withdrawn];

    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// In a sentence: "This announcement is {…} already".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Draft => "a draft",
            Self::Scheduled => "scheduled",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl FromStr for AnnouncementState {
    type Err = UnknownAnnouncementState;
    fn from_str(text: &str) -> Result<Self, UnknownAnnouncementState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text.trim()).ok_or(UnknownAnnouncementState)
    }
}

impl Announcement {
    /// A new one, for the team alone.
    #[must_use]
    pub fn draft(id: AnnouncementId, slug: Slug, content: Content, by: Option<UserId>, now: Instant) -> Self {
        Self {
            id,
            slug,
            content,
            state: AnnouncementState::Draft,
            publish: None,
            published_at: None,
            edited_at: None,
            withdrawn_at: None,
            withdrawn_why: None,
            created_by: by,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    fn changed(&self, now: Instant) -> Self {
        Self { updated_at: now, ..self.clone() }
    }

    fn check_readable(content: &Content) -> Result<(), AnnouncementRefusal> {
        if content.body.as_str().trim().is_empty() { Err(AnnouncementRefusal::Empty) } else { Ok(()) }
    }

    /// Changes what it says; nothing where nothing is new. What is public shows when its text was changed.
    ///
    /// # Errors
    /// It was withdrawn; it would be public and empty; its new banner would never be seen.
    pub fn edit(&self, now: Instant, content: Content) -> Result<Option<Self>, AnnouncementRefusal> {
        if content == self.content {
            return Ok(None);
        }
        let public_at = match self.state {
            AnnouncementState::Withdrawn => return Err(AnnouncementRefusal::Is(self.state)),
            AnnouncementState::Draft | AnnouncementState::Published => now,
            AnnouncementState::Scheduled => self.publish.as_ref().map_or(now, |publish| publish.at),
        };
        if self.state != AnnouncementState::Draft {
            Self::check_readable(&content)?;
        }
        if content.banner != self.content.banner {
            content.check_banner(public_at)?;
        }
        let is_news = self.state == AnnouncementState::Published && !self.content.reads_like(&content);
        Ok(Some(Self { content, edited_at: if is_news { Some(now) } else { self.edited_at }, ..self.changed(now) }))
    }

    /// Lets it become public by itself, or at another time than before.
    ///
    /// # Errors
    /// It is public or was; it is empty; the time is over; its banner would never be seen.
    pub fn schedule(&self, now: Instant, publish: Moment) -> Result<Self, AnnouncementRefusal> {
        self.check_ahead()?;
        Self::check_readable(&self.content)?;
        if publish.at <= now {
            return Err(AnnouncementRefusal::InThePast);
        }
        self.content.check_banner(publish.at)?;
        Ok(Self { state: AnnouncementState::Scheduled, publish: Some(publish), ..self.changed(now) })
    }

    const fn check_ahead(&self) -> Result<(), AnnouncementRefusal> {
        match self.state {
            AnnouncementState::Draft | AnnouncementState::Scheduled => Ok(()),
            AnnouncementState::Published | AnnouncementState::Withdrawn => Err(AnnouncementRefusal::Is(self.state)),
        }
    }

    /// Makes it a draft again.
    ///
    /// # Errors
    /// It is not scheduled.
    pub fn unschedule(&self, now: Instant) -> Result<Self, AnnouncementRefusal> {
        match self.state {
            AnnouncementState::Scheduled => {
                Ok(Self { state: AnnouncementState::Draft, publish: None, ..self.changed(now) })
            }
            _ => Err(AnnouncementRefusal::NotScheduled),
        }
    }

    /// Whether it becomes public by itself now.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.state == AnnouncementState::Scheduled && self.publish.as_ref().is_some_and(|publish| publish.at <= now)
    }

    /// Makes it public; one that was withdrawn comes back with its first date.
    ///
    /// # Errors
    /// It is public already; it is empty; a person does it and its banner would never be seen.
    pub fn publish(&self, now: Instant) -> Result<Self, AnnouncementRefusal> {
        match self.state {
            AnnouncementState::Published => return Err(AnnouncementRefusal::Is(self.state)),
            AnnouncementState::Draft => self.content.check_banner(now)?,
            // By itself, however late, or once more: the banner may be over.
            AnnouncementState::Scheduled | AnnouncementState::Withdrawn => {}
        }
        Self::check_readable(&self.content)?;
        Ok(Self {
            state: AnnouncementState::Published,
            publish: None,
            published_at: self.published_at.or(Some(now)),
            withdrawn_at: None,
            withdrawn_why: None,
            ..self.changed(now)
        })
    }

    /// Takes it back. Its address stays and says so.
    ///
    /// # Errors
    /// It is not public.
    pub fn withdraw(&self, now: Instant, why: Option<Why>) -> Result<Self, AnnouncementRefusal> {
        match self.state {
            AnnouncementState::Published => Ok(Self {
                state: AnnouncementState::Withdrawn,
                withdrawn_at: Some(now),
                withdrawn_why: why,
                ..self.changed(now)
            }),
            _ => Err(AnnouncementRefusal::NotPublished),
        }
    }

    /// Goes on only if it may be deleted: nobody outside has seen it.
    ///
    /// # Errors
    /// It is public, or was.
    pub const fn check_deletable(&self) -> Result<(), AnnouncementRefusal> {
        if self.published_at.is_some() { Err(AnnouncementRefusal::WasPublic) } else { Ok(()) }
    }

    /// The same with its times by other zone rules: what was typed holds. Nothing where no instant moves; a time that
    /// does not exist by these rules stays at its instant.
    #[must_use]
    pub fn follow_zone(&self, now: Instant, rules: &dyn ZoneRules) -> Option<Self> {
        let follow = |moment: &Option<Moment>| {
            let moment = moment.as_ref()?;
            Some(moment.rederive(rules).unwrap_or_else(|_| moment.clone()))
        };
        let publish = follow(&self.publish);
        let banner = follow(&self.content.banner);
        let instant = |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.at);
        let stays = instant(&publish) == instant(&self.publish) && instant(&banner) == instant(&self.content.banner);
        (!stays).then(|| Self { publish, content: Content { banner, ..self.content.clone() }, ..self.changed(now) })
    }

    /// When it goes from the top of all pages, where it stands there now.
    #[must_use]
    pub fn banner_until(&self, now: Instant) -> Option<Instant> {
        let until = self.content.banner.as_ref()?.at;
        (self.state == AnnouncementState::Published && now < until).then_some(until)
    }

    /// When it goes from the front page by itself; none where it is pinned.
    #[must_use]
    pub fn on_front_until(&self) -> Option<Instant> {
        self.published_at.filter(|_| !self.content.pinned).map(|at| ON_FRONT.after(at))
    }
}

impl Content {
    /// A banner that is over before the announcement can be public is a slip of the pen.
    ///
    /// # Errors
    /// It would never be seen.
    pub fn check_banner(&self, public_at: Instant) -> Result<(), AnnouncementRefusal> {
        match &self.banner {
            Some(until) if until.at <= public_at => Err(AnnouncementRefusal::BannerOver),
            _ => Ok(()),
        }
    }

    /// Whether both say the same to readers.
    #[must_use]
    pub fn reads_like(&self, other: &Self) -> bool {
        self.title == other.title && self.body == other.body && self.category == other.category
    }
}

#[cfg(test)]
mod tests;

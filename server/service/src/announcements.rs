//! Announcements and changelog entries: written by operators, published by them or by themselves at a local time,
//! told to subscribers in the same transaction.

mod input;
mod public;

pub use input::{AnnouncementInput, WhenInput};
pub(crate) use public::front;
pub use public::{Archive, Banner, Banners, PublicAnnouncement};

use crate::audit::Action;
use crate::inventory::{ListQuery, Page, unchanged};
use crate::tell::Post;
use crate::{Actor, Error, Fields, Services};
use domain::announcement::{Announcement, AnnouncementRefusal, AnnouncementState, Category, UnknownAnnouncementState};
use domain::ids::{AnnouncementId, ComponentId, NotificationId};
use domain::people::Permission;
use domain::subscriber::{Audience, Topic};
use domain::text::{Name, Why};
use domain::time::Span;
use std::collections::BTreeMap;
use storage::Tx;
pub use storage::announcement::AnnouncementVersion;
use uuid::Uuid;

/// Most that wait for a time and are looked at together.
const MOST_WAITING: i64 = 1_000;

/// Which announcements are asked for, as typed in an address; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct AnnouncementsQuery {
    /// One of [`AnnouncementState`].
    pub state: String,
    /// Which part of the list.
    pub list: ListQuery,
}

/// An announcement with all that the team's page shows.
#[derive(Clone, Debug)]
pub struct AnnouncementLook {
    /// The announcement.
    pub announcement: Announcement,
    /// Names of all components in use, and of those that it concerns.
    pub components: BTreeMap<ComponentId, String>,
    /// Who is told where it tells.
    pub audience: Audience,
    /// Texts that were public before, the newest first, each with who replaced it.
    pub versions: Vec<(AnnouncementVersion, String)>,
    /// Who wrote it.
    pub author: String,
}

fn action<'a>(verb: &'a str, of: &Announcement) -> Action<'a> {
    Action { verb, object: "announcement", id: of.id.to_string(), name: of.content.title.to_string() }
}

fn refused(refusal: AnnouncementRefusal) -> Error {
    match refusal {
        AnnouncementRefusal::Empty => Error::field("body", refusal.to_string()),
        AnnouncementRefusal::InThePast => Error::field("publish_at", refusal.to_string()),
        AnnouncementRefusal::BannerOver => Error::field("banner_until", refusal.to_string()),
        _ => Error::refused(refusal.code(), refusal.to_string()),
    }
}

/// The public page of an announcement.
#[must_use]
pub fn page_of(a: &Announcement) -> String {
    format!("/announcements/{}", a.slug)
}

const fn lead(category: Category, again: bool) -> &'static str {
    match (category, again) {
        (Category::Announcement, false) => "There is a new announcement.",
        (Category::Changelog, false) => "Something has changed.",
        (Category::Security, false) => "There is something to know about security.",
        (Category::Policy, false) => "There is something to know about our terms.",
        (_, true) => "We have changed what we told you.",
    }
}

impl Services {
    /// Announcements, the newest first.
    ///
    /// # Errors
    /// Not allowed, a part of the query can not be read, or the database does not answer.
    pub async fn announcements(&self, actor: &Actor, query: &AnnouncementsQuery) -> Result<Page<Announcement>, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let state = match query.state.trim() {
            "" => None,
            text => fields.take::<AnnouncementState, UnknownAnnouncementState>("state", text.parse()),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let part = query.list.parse()?;
        let mut tx = self.db.read().await?;
        let found = tx.announcements_before(state, part.after.map(AnnouncementId), part.fetch()).await?;
        Ok(part.page(found, |a| a.id.0))
    }

    /// One announcement as it is stored.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn announcement(&self, actor: &Actor, id: AnnouncementId) -> Result<Announcement, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.announcement(id).await?)
    }

    /// One announcement with who would be told of it and what it said before.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn look_at_announcement(&self, actor: &Actor, id: AnnouncementId) -> Result<AnnouncementLook, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let announcement = tx.announcement(id).await?;
        let names: BTreeMap<_, _> =
            tx.users().await?.into_iter().map(|user| (user.id, user.name.to_string())).collect();
        let name = |id: Option<_>| id.and_then(|id| names.get(&id).cloned()).unwrap_or_else(|| "Fermata".to_owned());
        let versions = tx.announcement_versions(id).await?;
        Ok(AnnouncementLook {
            components: components_by_name(&mut tx, &announcement.content.components).await?,
            audience: self.audience(&mut tx, Topic::Announcements, &announcement.content.components).await?,
            versions: versions.into_iter().map(|old| (old.replaced_by, old)).map(|(by, old)| (old, name(by))).collect(),
            author: name(announcement.created_by),
            announcement,
        })
    }

    /// Who would be told of an announcement about these components.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn announcement_audience(&self, actor: &Actor, id: AnnouncementId) -> Result<Audience, Error> {
        actor.require(Permission::View)?;
        let mut tx = self.db.read().await?;
        let components = tx.announcement(id).await?.content.components;
        self.audience(&mut tx, Topic::Announcements, &components).await
    }

    /// Components in use, for the form of a new one.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn announcement_choices(&self, actor: &Actor) -> Result<BTreeMap<ComponentId, String>, Error> {
        actor.require(Permission::Maintain)?;
        components_by_name(&mut self.db.read().await?, &[]).await
    }

    /// Begins one, for the team alone.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn draft_announcement(&self, actor: &Actor, input: &AnnouncementInput) -> Result<Announcement, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let (slug, content) = self.read_announcement(&mut tx, input, None).await?;
        let now = self.now();
        content.check_banner(now).map_err(refused)?;
        let a = Announcement::draft(self.new_id(), slug, content, actor.user_id(), now);
        tx.insert_announcement(&a).await?;
        tx.add_audit(&self.audit(actor, action("announcement.draft", &a), None, Some(&a))).await?;
        tx.commit().await?;
        Ok(a)
    }

    /// Changes what it says. Subscribers hear of a change to what is public only where `again` says so.
    ///
    /// # Errors
    /// Not allowed, not found, stale, withdrawn, wrong fields, or the database does not answer.
    pub async fn edit_announcement(
        &self,
        actor: &Actor,
        id: AnnouncementId,
        version: i64,
        input: &AnnouncementInput,
        again: bool,
    ) -> Result<Announcement, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let before = tx.announcement(id).await?;
        unchanged("announcement", before.version, version)?;
        let (slug, content) = self.read_announcement(&mut tx, input, Some(&before)).await?;
        let now = self.now();
        let is_public = before.state == AnnouncementState::Published;
        let edited = before.edit(now, content).map_err(refused)?;
        let after = match edited {
            Some(after) => Announcement { slug, ..after },
            None if slug != before.slug => Announcement { slug, updated_at: now, ..before.clone() },
            None if again && is_public => {
                return Err(Error::refused("unchanged", "Nothing has changed that subscribers could be told of."));
            }
            None => return Ok(before),
        };
        if is_public && !before.content.reads_like(&after.content) {
            tx.keep_announcement(&before, now, actor.user_id()).await?;
        }
        if is_public && again {
            self.tell_announcement(&mut tx, &after, true).await?;
        }
        self.store_announcement(tx, actor, "announcement.edit", &before, after).await
    }

    /// Lets it become public by itself at a local time.
    ///
    /// # Errors
    /// Not allowed, not found, stale, the time is asked back, refused, or the database does not answer.
    pub async fn schedule_announcement(
        &self,
        actor: &Actor,
        id: AnnouncementId,
        version: i64,
        when: &WhenInput,
    ) -> Result<Announcement, Error> {
        let (tx, before) = self.load_announcement(actor, id, version).await?;
        let publish = when.read(self.zones.as_ref(), &before.content.zone)?;
        let mut after = before.schedule(self.now(), publish).map_err(refused)?;
        // Both times are kept in one zone; that of the banner's end is told by the same clocks.
        after.content.zone = after.publish.as_ref().map(|publish| publish.zone.clone()).unwrap_or_default();
        if let Some(banner) = &mut after.content.banner {
            *banner = domain::maintenance::Moment::of(self.zones.as_ref(), &after.content.zone, banner.at);
        }
        self.store_announcement(tx, actor, "announcement.schedule", &before, after).await
    }

    /// Makes a scheduled one a draft again.
    ///
    /// # Errors
    /// Not allowed, not found, stale, not scheduled, or the database does not answer.
    pub async fn unschedule_announcement(
        &self,
        actor: &Actor,
        id: AnnouncementId,
        version: i64,
    ) -> Result<Announcement, Error> {
        let (tx, before) = self.load_announcement(actor, id, version).await?;
        let after = before.unschedule(self.now()).map_err(refused)?;
        self.store_announcement(tx, actor, "announcement.unschedule", &before, after).await
    }

    /// Makes it public and tells subscribers, where it is to; one that was withdrawn comes back without a word.
    ///
    /// # Errors
    /// Not allowed, not found, stale, refused, or the database does not answer.
    pub async fn publish_announcement(
        &self,
        actor: &Actor,
        id: AnnouncementId,
        version: i64,
    ) -> Result<Announcement, Error> {
        let (mut tx, before) = self.load_announcement(actor, id, version).await?;
        let after = before.publish(self.now()).map_err(refused)?;
        if before.published_at.is_none() && after.content.tells {
            self.tell_announcement(&mut tx, &after, false).await?;
        }
        self.store_announcement(tx, actor, "announcement.publish", &before, after).await
    }

    /// Takes it back: its address says so, and why.
    ///
    /// # Errors
    /// Not allowed, not found, stale, not public, or the database does not answer.
    pub async fn withdraw_announcement(
        &self,
        actor: &Actor,
        id: AnnouncementId,
        version: i64,
        why: &str,
    ) -> Result<Announcement, Error> {
        let (mut tx, before) = self.load_announcement(actor, id, version).await?;
        let why = match why.trim() {
            "" => None,
            text => Some(Why::parse(text).map_err(|e| Error::field("why", e.to_string()))?),
        };
        let now = self.now();
        let after = before.withdraw(now, why).map_err(refused)?;
        let none = NotificationId(Uuid::nil());
        let reason = "the announcement was withdrawn";
        tx.drop_waiting(id.0, none, Span::seconds(1).after(now), now, reason).await?;
        tx.drop_webhook_calls_about(id.0, now, reason).await?;
        self.store_announcement(tx, actor, "announcement.withdraw", &before, after).await
    }

    /// Deletes one that nobody outside has seen.
    ///
    /// # Errors
    /// Not allowed, not found, stale, it was public, or the database does not answer.
    pub async fn delete_announcement(&self, actor: &Actor, id: AnnouncementId, version: i64) -> Result<(), Error> {
        let (mut tx, before) = self.load_announcement(actor, id, version).await?;
        before.check_deletable().map_err(refused)?;
        tx.delete_announcement(id, version).await?;
        tx.add_audit(&self.audit(actor, action("announcement.delete", &before), Some(&before), None)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Publishes those whose time has come; gives back how many. Any node may do it at any time: each is done in one
    /// transaction that sees what others did.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn publish_due_announcements(&self) -> Result<usize, Error> {
        let now = self.now();
        let due = self.db.read().await?.announcements_due(now).await?;
        let mut published = 0;
        for id in due {
            let mut tx = self.db.decide().await?;
            let before = match tx.announcement(id).await {
                Ok(found) if found.is_due(now) => found,
                // Somebody was faster, or changed their mind.
                Ok(_) | Err(storage::StoreError::NotFound(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let after = match before.publish(now) {
                Ok(after) => after,
                Err(refusal) => {
                    tracing::error!(announcement = %id, %refusal, "a scheduled announcement can not be published");
                    continue;
                }
            };
            if after.content.tells {
                self.tell_announcement(&mut tx, &after, false).await?;
            }
            self.store_announcement(tx, &Actor::system(), "announcement.publish", &before, after).await?;
            published += 1;
        }
        Ok(published)
    }

    /// Moves the instants of those that wait for a time, where the rules of their zone are other ones now; gives back
    /// how many. Any node may do it at any time.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn follow_announcement_zones(&self) -> Result<usize, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let mut waiting = tx.announcements_before(Some(AnnouncementState::Scheduled), None, MOST_WAITING).await?;
        waiting.extend(tx.announcement_banners(now, MOST_WAITING).await?);
        drop(tx);
        let mut moved = 0;
        for found in waiting.iter().filter(|found| found.follow_zone(now, self.zones.as_ref()).is_some()) {
            let mut tx = self.db.decide().await?;
            let before = tx.announcement(found.id).await?;
            if let Some(after) = before.follow_zone(now, self.zones.as_ref()) {
                let system = Actor::system();
                self.store_announcement(tx, &system, "announcement.follow_zone", &before, after).await?;
                moved += 1;
            }
        }
        Ok(moved)
    }

    async fn load_announcement(
        &self,
        actor: &Actor,
        id: AnnouncementId,
        version: i64,
    ) -> Result<(Tx, Announcement), Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let found = tx.announcement(id).await?;
        unchanged("announcement", found.version, version)?;
        Ok((tx, found))
    }

    async fn store_announcement(
        &self,
        mut tx: Tx,
        actor: &Actor,
        verb: &'static str,
        before: &Announcement,
        mut after: Announcement,
    ) -> Result<Announcement, Error> {
        tx.save_announcement(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action(verb, &after), Some(before), Some(&after))).await?;
        if before.published_at.is_some() || after.published_at.is_some() {
            tx.announce();
        }
        tx.commit().await?;
        self.outbox_filled.notify_one();
        Ok(after)
    }

    async fn tell_announcement(&self, tx: &mut Tx, a: &Announcement, again: bool) -> Result<u64, Error> {
        let post = Post {
            topic: Topic::Announcements,
            subject: ("announcement", a.id.0),
            thread: format!("an-{}", a.id),
            title: a.content.title.clone(),
            lead: lead(a.content.category, again).to_owned(),
            message: a.content.body.clone(),
            path: page_of(a),
            components: a.content.components.clone(),
        };
        self.tell_post(tx, &post).await
    }
}

/// Components in use, and these, by their ids.
async fn components_by_name(tx: &mut Tx, these: &[ComponentId]) -> Result<BTreeMap<ComponentId, String>, Error> {
    let components = tx.components(true).await?.into_iter();
    let shown = components.filter(|component| component.retired_at.is_none() || these.contains(&component.id));
    Ok(shown.map(|component| (component.id, component.name.to_string())).collect())
}

/// A name of which nothing can stand in an address has the kind of news there.
fn slug_words(title: &Name, category: Category) -> Name {
    let usable = title.as_str().chars().any(|c| c.is_ascii_alphanumeric());
    let fallback = Name::parse(category.as_str()).ok().filter(|_| !usable);
    fallback.unwrap_or_else(|| title.clone())
}

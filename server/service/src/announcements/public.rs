//! Announcements as everybody may read them.

use super::page_of;
use crate::{Error, Services};
use chrono::{Datelike, NaiveDate};
use domain::announcement::{Announcement, AnnouncementState, Category, ON_FRONT};
use domain::ids::ComponentId;
use domain::site::Site;
use domain::text::Slug;
use domain::time::{Instant, civil};
use std::collections::{BTreeMap, BTreeSet};
use storage::Tx;

/// The newest ones, on the first page of the archive.
const NEWEST: i64 = 20;

/// Most of one month on its page.
const OF_MONTH: i64 = 200;

/// The newest ones on the front page, beside those that are pinned.
const ON_FRONT_PAGE: usize = 3;

/// Most that are pinned, or stand on top of all pages, at once.
const MOST_AT_ONCE: i64 = 5;

/// An announcement with the names of what it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicAnnouncement {
    /// The announcement.
    pub announcement: Announcement,
    /// Components it concerns, without private ones; none where it concerns the whole site.
    pub components: Vec<String>,
}

/// A page of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The site.
    pub site: Site,
    /// Only of this kind.
    pub category: Option<Category>,
    /// The month, by its first day; none for the newest.
    pub month: Option<NaiveDate>,
    /// The newest first.
    pub announcements: Vec<PublicAnnouncement>,
    /// The last month before these in which there is something.
    pub earlier: Option<NaiveDate>,
    /// The first month after these in which there is something.
    pub later: Option<NaiveDate>,
}

/// What stands on top of every public page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// What it says.
    pub title: String,
    /// Where more can be read.
    pub path: String,
    /// What kind of news it is.
    pub category: Category,
}

/// All that stands on top of every public page now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Banners {
    /// The newest first.
    pub shown: Vec<Banner>,
    /// One of them goes by itself then.
    pub until: Option<Instant>,
}

async fn named(tx: &mut Tx, announcements: Vec<Announcement>) -> Result<Vec<PublicAnnouncement>, Error> {
    let ids: BTreeSet<ComponentId> = announcements.iter().flat_map(|a| &a.content.components).copied().collect();
    let names = tx.public_names(&ids).await?;
    let place: BTreeMap<ComponentId, usize> = names.iter().enumerate().map(|(n, (id, _))| (*id, n)).collect();
    let of = |a: &Announcement| {
        let mut places: Vec<usize> = a.content.components.iter().filter_map(|id| place.get(id).copied()).collect();
        places.sort_unstable();
        places.into_iter().filter_map(|n| names.get(n).map(|(_, name)| name.clone())).collect()
    };
    Ok(announcements.into_iter().map(|a| PublicAnnouncement { components: of(&a), announcement: a }).collect())
}

/// What the front page shows: what is pinned, then the newest of the last days; and when one goes by itself.
pub(crate) async fn front(tx: &mut Tx, now: Instant) -> Result<(Vec<PublicAnnouncement>, Option<Instant>), Error> {
    let mut shown = tx.announcements_pinned(MOST_AT_ONCE).await?;
    let pinned: BTreeSet<_> = shown.iter().map(|a| a.id).collect();
    let most = i64::try_from(ON_FRONT_PAGE).unwrap_or(i64::MAX) + MOST_AT_ONCE;
    let newest = tx.announcements_published(None, ON_FRONT.before(now), Instant::MAX_UTC, most).await?;
    shown.extend(newest.into_iter().filter(|a| !pinned.contains(&a.id)).take(ON_FRONT_PAGE));
    let until = shown.iter().filter_map(Announcement::on_front_until).filter(|until| *until > now).min();
    Ok((named(tx, shown).await?, until))
}

impl Services {
    /// A page of the archive: the newest, or those of a month in the site's zone; of all kinds or of one.
    ///
    /// # Errors
    /// The month lies in the future or before the first announcement, or the database does not answer.
    pub async fn announcement_archive(
        &self,
        category: Option<Category>,
        month: Option<NaiveDate>,
    ) -> Result<Archive, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let month_of = |at: Instant| {
            let day = civil(self.zones.as_ref(), &site.zone, at).local.date();
            day.with_day(1).unwrap_or(day)
        };
        let (announcements, earlier, later) = match month {
            None => {
                let mut newest =
                    tx.announcements_published(category, Instant::UNIX_EPOCH, Instant::MAX_UTC, NEWEST + 1).await?;
                let fits = usize::try_from(NEWEST).unwrap_or(usize::MAX);
                let next = newest.get(fits).and_then(|a| a.published_at).map(month_of);
                newest.truncate(fits);
                (newest, next, None)
            }
            Some(first) => {
                if first > month_of(now) {
                    return Err(Error::NotFound("month"));
                }
                let after = first.checked_add_months(chrono::Months::new(1)).unwrap_or(first);
                let (from, to) = (self.midnight(&site.zone, first), self.midnight(&site.zone, after));
                let found = tx.announcements_published(category, from, to, OF_MONTH).await?;
                let before = tx.announcements_published(category, Instant::UNIX_EPOCH, from, 1).await?;
                let earlier = before.first().and_then(|a| a.published_at).map(month_of);
                let later = tx.next_announcement(category, to).await?.map(month_of);
                if found.is_empty() && earlier.is_none() && first < month_of(now) {
                    return Err(Error::NotFound("month"));
                }
                (found, earlier, later)
            }
        };
        let announcements = named(&mut tx, announcements).await?;
        Ok(Archive { site, category, month, announcements, earlier, later })
    }

    /// One that is public, or was: its address says that it was withdrawn, and its text is gone.
    ///
    /// # Errors
    /// There is none, it is not public, or it is about private components alone.
    pub async fn public_announcement(&self, slug: &str) -> Result<(Site, PublicAnnouncement), Error> {
        const WHAT: &str = "announcement";
        let slug = Slug::parse(slug).map_err(|_| Error::NotFound(WHAT))?;
        let mut tx = self.db.read().await?;
        let site = tx.site().await?;
        let found = tx.announcement_at(&slug).await?.ok_or(Error::NotFound(WHAT))?;
        let is_known = matches!(found.state, AnnouncementState::Published | AnnouncementState::Withdrawn);
        let is_about_some = !found.content.components.is_empty();
        let shown = named(&mut tx, vec![found]).await?.pop().filter(|_| is_known).ok_or(Error::NotFound(WHAT))?;
        if is_about_some && shown.components.is_empty() {
            return Err(Error::NotFound(WHAT));
        }
        Ok((site, shown))
    }

    /// What stands on top of every public page now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn banners(&self) -> Result<Banners, Error> {
        let now = self.now();
        let found = self.db.read().await?.announcement_banners(now, MOST_AT_ONCE).await?;
        Ok(Banners {
            until: found.iter().filter_map(|a| a.banner_until(now)).min(),
            shown: found
                .iter()
                .map(|a| Banner { title: a.content.title.to_string(), path: page_of(a), category: a.content.category })
                .collect(),
        })
    }
}

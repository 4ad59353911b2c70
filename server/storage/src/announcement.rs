//! Announcements with the components they concern and the texts they had before.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list};
use crate::maintenance::{LOCAL, code, parse};
use chrono::NaiveDateTime;
use domain::announcement::{Announcement, AnnouncementState, Category, Content};
use domain::ids::{AnnouncementId, ComponentId, UserId};
use domain::maintenance::Moment;
use domain::text::{Name, Prose, Slug, Why};
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const TABLE: &str = "announcements";

const COLUMNS: &str = "a.id, a.slug, a.title, a.body, a.category, a.state, a.tells, a.pinned, a.zone, a.publish_local,
    a.publish_fold, a.publish_at, a.banner_local, a.banner_fold, a.banner_at, a.published_at, a.edited_at,
    a.withdrawn_at, a.withdrawn_why, a.created_by, a.created_at, a.updated_at, a.version";

/// What everybody may read: published, and not about private components alone.
const PUBLIC: &str = "a.state = 'published'
    and (not exists (select 1 from announcement_components c where c.announcement_id = a.id)
         or exists (select 1 from announcement_components c join components k on k.id = c.component_id
                    where c.announcement_id = a.id and not k.is_private))";

#[derive(sqlx::FromRow)]
struct AnnouncementRow {
    id: Uuid,
    slug: String,
    title: String,
    body: String,
    category: String,
    state: String,
    tells: bool,
    pinned: bool,
    zone: String,
    publish_local: Option<String>,
    publish_fold: Option<String>,
    publish_at: Option<i64>,
    banner_local: Option<String>,
    banner_fold: Option<String>,
    banner_at: Option<i64>,
    published_at: Option<i64>,
    edited_at: Option<i64>,
    withdrawn_at: Option<i64>,
    withdrawn_why: Option<String>,
    created_by: Option<Uuid>,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

fn moment(
    id: Uuid,
    zone: &str,
    local: Option<&str>,
    fold: Option<&str>,
    when: Option<i64>,
) -> Result<Option<Moment>, StoreError> {
    let (Some(local), Some(when)) = (local, when) else { return Ok(None) };
    Ok(Some(Moment {
        zone: zone.to_owned(),
        local: NaiveDateTime::parse_from_str(local, LOCAL).map_err(|e| corrupt(TABLE, id, e))?,
        fold: fold.map(|fold| parse(TABLE, id, fold)).transpose()?,
        at: at(TABLE, id, when)?,
    }))
}

impl AnnouncementRow {
    fn with(self, components: Vec<ComponentId>) -> Result<Announcement, StoreError> {
        let id = self.id;
        let time = |local: &Option<String>, fold: &Option<String>, when| {
            moment(id, &self.zone, local.as_deref(), fold.as_deref(), when)
        };
        let why = self.withdrawn_why.as_deref().map(Why::parse).transpose();
        Ok(Announcement {
            id: AnnouncementId(id),
            slug: Slug::parse(&self.slug).map_err(|e| corrupt(TABLE, id, e))?,
            publish: time(&self.publish_local, &self.publish_fold, self.publish_at)?,
            content: Content {
                title: Name::parse(&self.title).map_err(|e| corrupt(TABLE, id, e))?,
                body: Prose::parse(&self.body).map_err(|e| corrupt(TABLE, id, e))?,
                category: self.category.parse().map_err(|e| corrupt(TABLE, id, e))?,
                components,
                pinned: self.pinned,
                tells: self.tells,
                banner: time(&self.banner_local, &self.banner_fold, self.banner_at)?,
                zone: self.zone,
            },
            state: self.state.parse().map_err(|e| corrupt(TABLE, id, e))?,
            published_at: maybe_at(TABLE, id, self.published_at)?,
            edited_at: maybe_at(TABLE, id, self.edited_at)?,
            withdrawn_at: maybe_at(TABLE, id, self.withdrawn_at)?,
            withdrawn_why: why.map_err(|e| corrupt(TABLE, id, e))?,
            created_by: self.created_by.map(UserId),
            created_at: at(TABLE, id, self.created_at)?,
            updated_at: at(TABLE, id, self.updated_at)?,
            version: self.version,
        })
    }
}

/// A text that was public before an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncementVersion {
    /// Which.
    pub version: i64,
    /// The title it had.
    pub title: Name,
    /// The text it had.
    pub body: Prose,
    /// The category it had.
    pub category: Category,
    /// When another one took its place.
    pub replaced_at: Instant,
    /// Who wrote that one.
    pub replaced_by: Option<UserId>,
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    version: i64,
    title: String,
    body: String,
    category: String,
    replaced_at: i64,
    replaced_by: Option<Uuid>,
}

impl Tx {
    async fn with_components(&mut self, rows: Vec<AnnouncementRow>) -> Result<Vec<Announcement>, StoreError> {
        let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut of: BTreeMap<Uuid, Vec<ComponentId>> = BTreeMap::new();
        if !ids.is_empty() {
            let text = "select announcement_id, component_id from announcement_components
                        where announcement_id in ({ids}) order by announcement_id, component_id";
            for (announcement, component) in fetch_by_ids!(self, (Uuid, Uuid), text, &ids) {
                of.entry(announcement).or_default().push(ComponentId(component));
            }
        }
        rows.into_iter()
            .map(|row| {
                let components = of.remove(&row.id).unwrap_or_default();
                row.with(components)
            })
            .collect()
    }

    /// One announcement.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn announcement(&mut self, id: AnnouncementId) -> Result<Announcement, StoreError> {
        let sql = format!("select {COLUMNS} from announcements a where a.id = $1");
        let rows: Vec<AnnouncementRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(id.0).fetch_all(x).await?);
        self.with_components(rows).await?.pop().ok_or(StoreError::NotFound("announcement"))
    }

    /// The announcement at an address, public or not.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn announcement_at(&mut self, slug: &Slug) -> Result<Option<Announcement>, StoreError> {
        let sql = format!("select {COLUMNS} from announcements a where a.slug = $1");
        let rows: Vec<AnnouncementRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(slug.as_str()).fetch_all(x).await?);
        Ok(self.with_components(rows).await?.pop())
    }

    /// The addresses in use that begin like this one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn announcement_slugs_like(&mut self, slug: &Slug) -> Result<BTreeSet<String>, StoreError> {
        // Letters, digits and hyphens: nothing in it has a meaning for `like`.
        let slugs: Vec<String> = on_tx!(self, |x| {
            sqlx::query_scalar("select slug from announcements where slug like $1")
                .bind(format!("{slug}%"))
                .fetch_all(x)
                .await?
        });
        Ok(slugs.into_iter().collect())
    }

    /// For the team: those in a state, or all, the newest first; `before` is where the page before ended.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn announcements_before(
        &mut self,
        state: Option<AnnouncementState>,
        before: Option<AnnouncementId>,
        limit: i64,
    ) -> Result<Vec<Announcement>, StoreError> {
        let in_state = if state.is_some() { "a.state = $2" } else { "$2 = ''" };
        let from = if before.is_some() { "a.id < $3" } else { "$3 = $3" };
        let sql =
            format!("select {COLUMNS} from announcements a where {in_state} and {from} order by a.id desc limit $1");
        let rows: Vec<AnnouncementRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(limit)
                .bind(state.map_or("", AnnouncementState::as_str))
                .bind(before.map_or(Uuid::nil(), |id| id.0))
                .fetch_all(x)
                .await?
        });
        self.with_components(rows).await
    }

    /// What everybody may read, the newest first: of a category or of all, published from the one instant to before
    /// the other.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn announcements_published(
        &mut self,
        category: Option<Category>,
        from: Instant,
        to: Instant,
        limit: i64,
    ) -> Result<Vec<Announcement>, StoreError> {
        let of = if category.is_some() { "a.category = $4" } else { "$4 = ''" };
        let sql = format!(
            "select {COLUMNS} from announcements a where {PUBLIC} and a.published_at >= $1 and a.published_at < $2
             and {of} order by a.published_at desc, a.id desc limit $3"
        );
        let rows: Vec<AnnouncementRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(ms(from))
                .bind(ms(to))
                .bind(limit)
                .bind(category.map_or("", Category::as_str))
                .fetch_all(x)
                .await?
        });
        self.with_components(rows).await
    }

    /// When the first one at or after an instant was published that everybody may read.
    ///
    /// # Errors
    /// The database refused.
    pub async fn next_announcement(
        &mut self,
        category: Option<Category>,
        from: Instant,
    ) -> Result<Option<Instant>, StoreError> {
        let of = if category.is_some() { "a.category = $2" } else { "$2 = ''" };
        let sql = format!(
            "select a.published_at from announcements a where {PUBLIC} and a.published_at >= $1 and {of}
             order by a.published_at, a.id limit 1"
        );
        let found: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(ms(from))
                .bind(category.map_or("", Category::as_str))
                .fetch_optional(x)
                .await?
        });
        maybe_at(TABLE, "next", found)
    }

    /// Those that stand on the front page until somebody takes them away, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn announcements_pinned(&mut self, limit: i64) -> Result<Vec<Announcement>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from announcements a where {PUBLIC} and a.pinned
             order by a.published_at desc, a.id desc limit $1"
        );
        let rows: Vec<AnnouncementRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(limit).fetch_all(x).await?);
        self.with_components(rows).await
    }

    /// Those that stand on top of every page at an instant, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn announcement_banners(&mut self, now: Instant, limit: i64) -> Result<Vec<Announcement>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from announcements a where {PUBLIC} and a.banner_at is not null and a.banner_at > $1
             order by a.published_at desc, a.id desc limit $2"
        );
        let rows: Vec<AnnouncementRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(ms(now)).bind(limit).fetch_all(x).await?);
        self.with_components(rows).await
    }

    /// Those that become public by themselves at an instant, or should have before.
    ///
    /// # Errors
    /// The database refused.
    pub async fn announcements_due(&mut self, now: Instant) -> Result<Vec<AnnouncementId>, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select id from announcements where state = 'scheduled' and publish_at <= $1 order by publish_at, id",
            )
            .bind(ms(now))
            .fetch_all(x)
            .await?
        });
        Ok(ids.into_iter().map(AnnouncementId).collect())
    }

    /// Stores a new announcement.
    ///
    /// # Errors
    /// Its address is taken, a component does not exist, or the database refused.
    pub async fn insert_announcement(&mut self, a: &Announcement) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into announcements (id, slug, title, body, category, state, tells, pinned, zone, publish_local,
                 publish_fold, publish_at, banner_local, banner_fold, banner_at, published_at, edited_at, withdrawn_at,
                 withdrawn_why, created_by, created_at, updated_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22, $23)",
            )
            .bind(a.id.0)
            .bind(a.slug.as_str())
            .bind(a.content.title.as_str())
            .bind(a.content.body.as_str())
            .bind(a.content.category.as_str())
            .bind(a.state.as_str())
            .bind(a.content.tells)
            .bind(a.content.pinned)
            .bind(&a.content.zone)
            .bind(a.publish.as_ref().map(|m| m.local.format(LOCAL).to_string()))
            .bind(a.publish.as_ref().and_then(|m| m.fold).map(code))
            .bind(a.publish.as_ref().map(|m| ms(m.at)))
            .bind(a.content.banner.as_ref().map(|m| m.local.format(LOCAL).to_string()))
            .bind(a.content.banner.as_ref().and_then(|m| m.fold).map(code))
            .bind(a.content.banner.as_ref().map(|m| ms(m.at)))
            .bind(a.published_at.map(ms))
            .bind(a.edited_at.map(ms))
            .bind(a.withdrawn_at.map(ms))
            .bind(a.withdrawn_why.as_ref().map(Why::as_str))
            .bind(a.created_by.map(|id| id.0))
            .bind(ms(a.created_at))
            .bind(ms(a.updated_at))
            .bind(a.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("address"))?;
        });
        self.put_announcement_components(a).await
    }

    /// Stores a changed announcement, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its address is taken, a component does not exist, or the database refused.
    pub async fn save_announcement(&mut self, a: &Announcement) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update announcements set slug = $1, title = $2, body = $3, category = $4, state = $5, tells = $6,
                 pinned = $7, zone = $8, publish_local = $9, publish_fold = $10, publish_at = $11, banner_local = $12,
                 banner_fold = $13, banner_at = $14, published_at = $15, edited_at = $16, withdrawn_at = $17,
                 withdrawn_why = $18, updated_at = $19, version = version + 1 where id = $20 and version = $21",
            )
            .bind(a.slug.as_str())
            .bind(a.content.title.as_str())
            .bind(a.content.body.as_str())
            .bind(a.content.category.as_str())
            .bind(a.state.as_str())
            .bind(a.content.tells)
            .bind(a.content.pinned)
            .bind(&a.content.zone)
            .bind(a.publish.as_ref().map(|m| m.local.format(LOCAL).to_string()))
            .bind(a.publish.as_ref().and_then(|m| m.fold).map(code))
            .bind(a.publish.as_ref().map(|m| ms(m.at)))
            .bind(a.content.banner.as_ref().map(|m| m.local.format(LOCAL).to_string()))
            .bind(a.content.banner.as_ref().and_then(|m| m.fold).map(code))
            .bind(a.content.banner.as_ref().map(|m| ms(m.at)))
            .bind(a.published_at.map(ms))
            .bind(a.edited_at.map(ms))
            .bind(a.withdrawn_at.map(ms))
            .bind(a.withdrawn_why.as_ref().map(Why::as_str))
            .bind(ms(a.updated_at))
            .bind(a.id.0)
            .bind(a.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("address"))?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("announcement"));
        }
        on_tx!(self, |x| {
            sqlx::query("delete from announcement_components where announcement_id = $1")
                .bind(a.id.0)
                .execute(x)
                .await?;
        });
        self.put_announcement_components(a).await
    }

    async fn put_announcement_components(&mut self, a: &Announcement) -> Result<(), StoreError> {
        for component in &a.content.components {
            on_tx!(self, |x| {
                sqlx::query("insert into announcement_components (announcement_id, component_id) values ($1, $2)")
                    .bind(a.id.0)
                    .bind(component.0)
                    .execute(x)
                    .await
                    .map_err(|e| StoreError::from(e).naming("component"))?;
            });
        }
        Ok(())
    }

    /// Deletes an announcement, if nobody changed it since it was read.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn delete_announcement(&mut self, id: AnnouncementId, version: i64) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from announcements where id = $1 and version = $2")
                .bind(id.0)
                .bind(version)
                .execute(x)
                .await?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("announcement")) }
    }

    /// Keeps the text that an edit replaces.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_announcement(
        &mut self,
        old: &Announcement,
        replaced_at: Instant,
        replaced_by: Option<UserId>,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into announcement_versions (announcement_id, version, title, body, category, replaced_at,
                 replaced_by) values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(old.id.0)
            .bind(old.version)
            .bind(old.content.title.as_str())
            .bind(old.content.body.as_str())
            .bind(old.content.category.as_str())
            .bind(ms(replaced_at))
            .bind(replaced_by.map(|id| id.0))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Texts that were public before, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn announcement_versions(&mut self, of: AnnouncementId) -> Result<Vec<AnnouncementVersion>, StoreError> {
        const T: &str = "announcement_versions";
        let rows: Vec<VersionRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select version, title, body, category, replaced_at, replaced_by from announcement_versions
                 where announcement_id = $1 order by version desc",
            )
            .bind(of.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|row| {
                Ok(AnnouncementVersion {
                    version: row.version,
                    title: Name::parse(&row.title).map_err(|e| corrupt(T, of.0, e))?,
                    body: Prose::parse(&row.body).map_err(|e| corrupt(T, of.0, e))?,
                    category: row.category.parse().map_err(|e| corrupt(T, of.0, e))?,
                    replaced_at: at(T, of.0, row.replaced_at)?,
                    replaced_by: row.replaced_by.map(UserId),
                })
            })
            .collect()
    }

    /// The names of those of these components that everybody may know of, in the order of the page.
    ///
    /// # Errors
    /// The database refused.
    pub async fn public_names(
        &mut self,
        components: &BTreeSet<ComponentId>,
    ) -> Result<Vec<(ComponentId, String)>, StoreError> {
        if components.is_empty() {
            return Ok(Vec::new());
        }
        let ids: BTreeSet<Uuid> = components.iter().map(|id| id.0).collect();
        let text = "select c.id, c.name from components c left join component_groups g on g.id = c.group_id
                    where c.id in ({ids}) and not c.is_private
                    order by coalesce(g.position, -1), c.position, c.name, c.id";
        let rows: Vec<(Uuid, String)> = fetch_by_ids!(self, (Uuid, String), text, &ids);
        Ok(rows.into_iter().map(|(id, name)| (ComponentId(id), name)).collect())
    }
}

//! Post-mortems with the texts they had before.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list, parts};
use crate::maintenance::{code, parse};
use domain::ids::{IncidentId, UserId};
use domain::post_mortem::{PostMortem, Review, SentBack};
use domain::text::{Prose, Why};
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

const TABLE: &str = "post_mortems";

const COLUMNS: &str = "p.incident_id, p.state, p.body, p.author_id, p.reviewer_id, p.reviewed_at, p.note, p.note_by,
    p.note_at, p.published_at, p.edited_at, p.items_told_at, p.created_at, p.updated_at, p.version";

#[derive(sqlx::FromRow)]
struct PostMortemRow {
    incident_id: Uuid,
    state: String,
    body: String,
    author_id: Option<Uuid>,
    reviewer_id: Option<Uuid>,
    reviewed_at: Option<i64>,
    note: Option<String>,
    note_by: Option<Uuid>,
    note_at: Option<i64>,
    published_at: Option<i64>,
    edited_at: Option<i64>,
    items_told_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

impl TryFrom<PostMortemRow> for PostMortem {
    type Error = StoreError;
    fn try_from(row: PostMortemRow) -> Result<Self, StoreError> {
        let id = row.incident_id;
        let review = match (row.reviewer_id, maybe_at(TABLE, id, row.reviewed_at)?) {
            (Some(by), Some(at)) => Some(Review { by: UserId(by), at }),
            (None, None) => None,
            _ => return Err(corrupt(TABLE, id, "half a review")),
        };
        let sent_back = match (row.note, row.note_by, maybe_at(TABLE, id, row.note_at)?) {
            (Some(why), Some(by), Some(at)) => {
                Some(SentBack { why: Why::parse(&why).map_err(|e| corrupt(TABLE, id, e))?, by: UserId(by), at })
            }
            (None, None, None) => None,
            _ => return Err(corrupt(TABLE, id, "half a note")),
        };
        Ok(Self {
            incident: IncidentId(id),
            state: parse(TABLE, id, &row.state)?,
            body: Prose::parse(&row.body).map_err(|e| corrupt(TABLE, id, e))?,
            author: row.author_id.map(UserId),
            review,
            sent_back,
            published_at: maybe_at(TABLE, id, row.published_at)?,
            edited_at: maybe_at(TABLE, id, row.edited_at)?,
            items_told_at: maybe_at(TABLE, id, row.items_told_at)?,
            created_at: at(TABLE, id, row.created_at)?,
            updated_at: at(TABLE, id, row.updated_at)?,
            version: row.version,
        })
    }
}

/// A text that an edit has replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostMortemVersion {
    /// Which.
    pub version: i64,
    /// The text.
    pub body: Prose,
    /// Readers could have read it.
    pub was_public: bool,
    /// When another one took its place.
    pub replaced_at: Instant,
    /// Who wrote that one.
    pub replaced_by: Option<UserId>,
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    version: i64,
    body: String,
    was_public: bool,
    replaced_at: i64,
    replaced_by: Option<Uuid>,
}

/// A post-mortem with what its incident is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostMortemLine {
    /// The post-mortem.
    pub post_mortem: PostMortem,
    /// The small number of the incident.
    pub number: i64,
    /// The title of the incident.
    pub title: String,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    #[sqlx(flatten)]
    post_mortem: PostMortemRow,
    number: i64,
    title: String,
}

impl Tx {
    /// The post-mortem of an incident, if it was begun.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn post_mortem(&mut self, of: IncidentId) -> Result<Option<PostMortem>, StoreError> {
        let sql = format!("select {COLUMNS} from post_mortems p where p.incident_id = $1");
        let row: Option<PostMortemRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(of.0).fetch_optional(x).await?);
        row.map(TryInto::try_into).transpose()
    }

    /// Those of these incidents whose post-mortem is published.
    ///
    /// # Errors
    /// The database refused.
    pub async fn published_post_mortems_among(
        &mut self,
        ids: &[IncidentId],
    ) -> Result<BTreeSet<IncidentId>, StoreError> {
        const SQL: &str =
            "select incident_id from post_mortems where published_at is not null and incident_id in ({ids})";
        let mut found = BTreeSet::new();
        for ids in parts(ids.iter().map(|id| id.0)) {
            let rows = fetch_by_ids!(self, (Uuid,), SQL, &ids);
            found.extend(rows.into_iter().map(|(id,)| IncidentId(id)));
        }
        Ok(found)
    }

    /// Those that are not public yet, or were changed since and not reviewed, the oldest change first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn post_mortems_open(&mut self, limit: i64) -> Result<Vec<PostMortemLine>, StoreError> {
        let sql = format!(
            "select {COLUMNS}, i.number, i.title from post_mortems p join incidents i on i.id = p.incident_id
             where p.state <> 'published' or p.reviewer_id is null order by p.updated_at, p.incident_id limit $1"
        );
        let rows: Vec<LineRow> = on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(limit).fetch_all(x).await?);
        rows.into_iter()
            .map(|row| {
                Ok(PostMortemLine { post_mortem: row.post_mortem.try_into()?, number: row.number, title: row.title })
            })
            .collect()
    }

    /// Stores a new post-mortem.
    ///
    /// # Errors
    /// The incident has one already or does not exist, or the database refused.
    pub async fn insert_post_mortem(&mut self, p: &PostMortem) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into post_mortems (incident_id, state, body, author_id, reviewer_id, reviewed_at, note, note_by,
                 note_at, published_at, edited_at, items_told_at, created_at, updated_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(p.incident.0)
            .bind(code(p.state))
            .bind(p.body.as_str())
            .bind(p.author.map(|id| id.0))
            .bind(p.review.map(|review| review.by.0))
            .bind(p.review.map(|review| ms(review.at)))
            .bind(p.sent_back.as_ref().map(|note| note.why.as_str()))
            .bind(p.sent_back.as_ref().map(|note| note.by.0))
            .bind(p.sent_back.as_ref().map(|note| ms(note.at)))
            .bind(p.published_at.map(ms))
            .bind(p.edited_at.map(ms))
            .bind(p.items_told_at.map(ms))
            .bind(ms(p.created_at))
            .bind(ms(p.updated_at))
            .bind(p.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("post-mortem"))?;
        });
        Ok(())
    }

    /// Stores a changed post-mortem, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn save_post_mortem(&mut self, p: &PostMortem) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update post_mortems set state = $1, body = $2, author_id = $3, reviewer_id = $4, reviewed_at = $5,
                 note = $6, note_by = $7, note_at = $8, published_at = $9, edited_at = $10, items_told_at = $11,
                 updated_at = $12, version = version + 1 where incident_id = $13 and version = $14",
            )
            .bind(code(p.state))
            .bind(p.body.as_str())
            .bind(p.author.map(|id| id.0))
            .bind(p.review.map(|review| review.by.0))
            .bind(p.review.map(|review| ms(review.at)))
            .bind(p.sent_back.as_ref().map(|note| note.why.as_str()))
            .bind(p.sent_back.as_ref().map(|note| note.by.0))
            .bind(p.sent_back.as_ref().map(|note| ms(note.at)))
            .bind(p.published_at.map(ms))
            .bind(p.edited_at.map(ms))
            .bind(p.items_told_at.map(ms))
            .bind(ms(p.updated_at))
            .bind(p.incident.0)
            .bind(p.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("post-mortem")) }
    }

    /// Keeps the text that an edit replaces.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_post_mortem(
        &mut self,
        old: &PostMortem,
        replaced_at: Instant,
        replaced_by: Option<UserId>,
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into post_mortem_versions (incident_id, version, body, was_public, replaced_at, replaced_by)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(old.incident.0)
            .bind(old.version)
            .bind(old.body.as_str())
            .bind(old.published_at.is_some())
            .bind(ms(replaced_at))
            .bind(replaced_by.map(|id| id.0))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Texts that were replaced, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn post_mortem_versions(&mut self, of: IncidentId) -> Result<Vec<PostMortemVersion>, StoreError> {
        const T: &str = "post_mortem_versions";
        let rows: Vec<VersionRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select version, body, was_public, replaced_at, replaced_by from post_mortem_versions
                 where incident_id = $1 order by version desc",
            )
            .bind(of.0)
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|row| {
                Ok(PostMortemVersion {
                    version: row.version,
                    body: Prose::parse(&row.body).map_err(|e| corrupt(T, of.0, e))?,
                    was_public: row.was_public,
                    replaced_at: at(T, of.0, row.replaced_at)?,
                    replaced_by: row.replaced_by.map(UserId),
                })
            })
            .collect()
    }
}

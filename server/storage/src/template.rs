//! Texts to begin messages with.

use crate::db::{Tx, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::TemplateId;
use domain::template::{MessageTemplate, TemplateUse};
use domain::text::{Name, Prose};
use domain::time::Instant;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct TemplateRow {
    id: Uuid,
    name: String,
    used_for: String,
    title: String,
    body: String,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<TemplateRow> for MessageTemplate {
    type Error = StoreError;
    fn try_from(row: TemplateRow) -> Result<Self, StoreError> {
        const T: &str = "message_templates";
        let id = row.id;
        Ok(Self {
            id: TemplateId(id),
            name: Name::parse(&row.name).map_err(|e| corrupt(T, id, e))?,
            used_for: TemplateUse::parse(&row.used_for).map_err(|e| corrupt(T, id, e))?,
            title: row.title,
            body: Prose::parse(&row.body).map_err(|e| corrupt(T, id, e))?,
            retired_at: maybe_at(T, id, row.retired_at)?,
            version: row.version,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("select id, name, used_for, title, body, retired_at, version from message_templates ", $rest)
    };
}

impl Tx {
    /// All of them, those out of use last, by name.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn templates(&mut self, retired_too: bool) -> Result<Vec<MessageTemplate>, StoreError> {
        let rows: Vec<TemplateRow> = on_tx!(self, |x| {
            sqlx::query_as(select!(
                "where retired_at is null or $1
                 order by case when retired_at is null then 0 else 1 end, name_key, id"
            ))
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn template(&mut self, id: TemplateId) -> Result<MessageTemplate, StoreError> {
        let row: Option<TemplateRow> =
            on_tx!(self, |x| sqlx::query_as(select!("where id = $1")).bind(id.0).fetch_optional(x).await?);
        row.ok_or(StoreError::NotFound("template"))?.try_into()
    }

    /// The one in use with this name, by its key.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn template_named(&mut self, key: &str) -> Result<Option<MessageTemplate>, StoreError> {
        let row: Option<TemplateRow> = on_tx!(self, |x| {
            sqlx::query_as(select!("where name_key = $1 and retired_at is null")).bind(key).fetch_optional(x).await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Stores a new one.
    ///
    /// # Errors
    /// Its name is taken, or the database refused.
    pub async fn add_template(&mut self, template: &MessageTemplate, created_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into message_templates
                 (id, name, name_key, used_for, title, body, retired_at, created_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(template.id.0)
            .bind(template.name.as_str())
            .bind(template.name.key())
            .bind(template.used_for.as_str())
            .bind(&template.title)
            .bind(template.body.as_str())
            .bind(template.retired_at.map(ms))
            .bind(ms(created_at))
            .bind(template.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("template"))?;
        });
        Ok(())
    }

    /// Stores a changed one, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its name is taken, or the database refused.
    pub async fn update_template(&mut self, template: &MessageTemplate) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update message_templates set name = $1, name_key = $2, used_for = $3, title = $4, body = $5,
                 retired_at = $6, version = version + 1 where id = $7 and version = $8",
            )
            .bind(template.name.as_str())
            .bind(template.name.key())
            .bind(template.used_for.as_str())
            .bind(&template.title)
            .bind(template.body.as_str())
            .bind(template.retired_at.map(ms))
            .bind(template.id.0)
            .bind(template.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("template"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("template")) }
    }
}

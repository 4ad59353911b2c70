//! Action items of incidents.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use chrono::NaiveDate;
use domain::action_item::{ActionItem, ItemContent};
use domain::drill::Link;
use domain::ids::{ActionItemId, IncidentId, UserId};
use domain::text::{Name, Why};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

const TABLE: &str = "action_items";

const COLUMNS: &str = "a.id, a.incident_id, a.title, a.owner, a.user_id, a.due, a.state, a.why, a.link, a.position,
    a.created_at, a.closed_at, a.updated_at, a.version";

#[derive(sqlx::FromRow)]
struct ItemRow {
    id: Uuid,
    incident_id: Uuid,
    title: String,
    owner: String,
    user_id: Option<Uuid>,
    due: Option<String>,
    state: String,
    why: Option<String>,
    link: Option<String>,
    position: i64,
    created_at: i64,
    closed_at: Option<i64>,
    updated_at: i64,
    version: i64,
}

impl TryFrom<ItemRow> for ActionItem {
    type Error = StoreError;
    fn try_from(row: ItemRow) -> Result<Self, StoreError> {
        let id = row.id;
        let due = row.due.map(|day| day.parse::<NaiveDate>()).transpose();
        let link = row.link.map(|link| Link::parse(&link)).transpose();
        let why = row.why.map(|why| Why::parse(&why)).transpose();
        Ok(Self {
            id: ActionItemId(id),
            incident: IncidentId(row.incident_id),
            content: ItemContent {
                title: Name::parse(&row.title).map_err(|e| corrupt(TABLE, id, e))?,
                owner: Name::parse(&row.owner).map_err(|e| corrupt(TABLE, id, e))?,
                user: row.user_id.map(UserId),
                due: due.map_err(|e| corrupt(TABLE, id, e))?,
                link: link.map_err(|e| corrupt(TABLE, id, e))?,
            },
            state: row.state.parse().map_err(|e| corrupt(TABLE, id, e))?,
            why: why.map_err(|e| corrupt(TABLE, id, e))?,
            position: row.position,
            created_at: at(TABLE, id, row.created_at)?,
            closed_at: maybe_at(TABLE, id, row.closed_at)?,
            updated_at: at(TABLE, id, row.updated_at)?,
            version: row.version,
        })
    }
}

/// An action item with what its incident is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionLine {
    /// The item.
    pub item: ActionItem,
    /// The small number of the incident.
    pub number: i64,
    /// The title of the incident.
    pub title: String,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    #[sqlx(flatten)]
    item: ItemRow,
    number: i64,
    incident_title: String,
}

/// Which action items to list; all where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionFilter {
    /// Only those of an incident.
    pub incident: Option<IncidentId>,
    /// Only those that are not closed.
    pub open: bool,
    /// Only those that are not closed and whose day is before this one.
    pub overdue_on: Option<NaiveDate>,
    /// Only those of a person.
    pub user: Option<UserId>,
}

impl Tx {
    /// Action items in the order in which they were added; `after` is where the page before ended.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn action_items(
        &mut self,
        filter: ActionFilter,
        after: Option<ActionItemId>,
        limit: i64,
    ) -> Result<Vec<ActionLine>, StoreError> {
        let only = |is: bool, condition: &'static str| if is { condition } else { "1 = 1" };
        let sql = format!(
            "select {COLUMNS}, i.number, i.title as incident_title from action_items a
             join incidents i on i.id = a.incident_id
             where a.id > $1 and {} and {} and {} and {} order by a.id limit $2",
            only(filter.open || filter.overdue_on.is_some(), "a.state in ('open', 'in_progress')"),
            only(filter.incident.is_some(), "a.incident_id = $3"),
            only(filter.user.is_some(), "a.user_id = $4"),
            only(filter.overdue_on.is_some(), "a.due < $5"),
        );
        let rows: Vec<LineRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(after.map_or(Uuid::nil(), |id| id.0))
                .bind(limit)
                .bind(filter.incident.map(|id| id.0))
                .bind(filter.user.map(|id| id.0))
                .bind(filter.overdue_on.map(|day| day.to_string()))
                .fetch_all(x)
                .await?
        });
        rows.into_iter()
            .map(|row| Ok(ActionLine { item: row.item.try_into()?, number: row.number, title: row.incident_title }))
            .collect()
    }

    /// The action items of an incident in the order of its page.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn action_items_of(&mut self, incident: IncidentId) -> Result<Vec<ActionItem>, StoreError> {
        let sql = format!("select {COLUMNS} from action_items a where a.incident_id = $1 order by a.position, a.id");
        let rows: Vec<ItemRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(incident.0).fetch_all(x).await?);
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One action item.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn action_item(&mut self, id: ActionItemId) -> Result<ActionItem, StoreError> {
        let sql = format!("select {COLUMNS} from action_items a where a.id = $1");
        let row: Option<ItemRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(id.0).fetch_optional(x).await?);
        row.ok_or(StoreError::NotFound("action item"))?.try_into()
    }

    /// Stores a new action item.
    ///
    /// # Errors
    /// The incident or the person does not exist, or the database refused.
    pub async fn insert_action_item(&mut self, item: &ActionItem) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into action_items (id, incident_id, title, owner, user_id, due, state, why, link, position,
                 created_at, closed_at, updated_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            )
            .bind(item.id.0)
            .bind(item.incident.0)
            .bind(item.content.title.as_str())
            .bind(item.content.owner.as_str())
            .bind(item.content.user.map(|id| id.0))
            .bind(item.content.due.map(|day| day.to_string()))
            .bind(item.state.as_str())
            .bind(item.why.as_ref().map(Why::as_str))
            .bind(item.content.link.as_ref().map(Link::as_str))
            .bind(item.position)
            .bind(ms(item.created_at))
            .bind(item.closed_at.map(ms))
            .bind(ms(item.updated_at))
            .bind(item.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("action item"))?;
        });
        Ok(())
    }

    /// Stores a changed action item, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, the person does not exist, or the database refused.
    pub async fn save_action_item(&mut self, item: &ActionItem) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update action_items set title = $1, owner = $2, user_id = $3, due = $4, state = $5, why = $6, link = $7,
                 position = $8, closed_at = $9, updated_at = $10, version = version + 1 where id = $11 and version = $12",
            )
            .bind(item.content.title.as_str())
            .bind(item.content.owner.as_str())
            .bind(item.content.user.map(|id| id.0))
            .bind(item.content.due.map(|day| day.to_string()))
            .bind(item.state.as_str())
            .bind(item.why.as_ref().map(Why::as_str))
            .bind(item.content.link.as_ref().map(Link::as_str))
            .bind(item.position)
            .bind(item.closed_at.map(ms))
            .bind(ms(item.updated_at))
            .bind(item.id.0)
            .bind(item.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("action item"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("action item")) }
    }

    /// Deletes an action item, if nobody changed it since it was read.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn delete_action_item(&mut self, id: ActionItemId, version: i64) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from action_items where id = $1 and version = $2")
                .bind(id.0)
                .bind(version)
                .execute(x)
                .await?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("action item")) }
    }
}

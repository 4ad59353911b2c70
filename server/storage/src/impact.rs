//! How components were, from when to when, and what was set by hand.

use crate::db::{Inner, Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::list;
use crate::maintenance::{code, parse};
use domain::ids::{ComponentId, ImpactId, UserId};
use domain::impact::{ComponentOverride, Impact, Source};
use domain::text::Why;
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, component_id, state, source, source_id, from_at, to_at"
    };
}

#[derive(sqlx::FromRow)]
struct ImpactRow {
    id: Uuid,
    component_id: Uuid,
    state: String,
    source: String,
    source_id: Uuid,
    from_at: i64,
    to_at: Option<i64>,
}

impl TryFrom<ImpactRow> for Impact {
    type Error = StoreError;
    fn try_from(row: ImpactRow) -> Result<Self, StoreError> {
        const T: &str = "impacts";
        let id = row.id;
        Ok(Self {
            id: ImpactId(id),
            component: ComponentId(row.component_id),
            known: parse(T, id, &row.state)?,
            source: parse(T, id, &row.source)?,
            source_id: row.source_id,
            from: at(T, id, row.from_at)?,
            to: maybe_at(T, id, row.to_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct OverrideRow {
    component_id: Uuid,
    state: String,
    reason: String,
    since_at: i64,
    set_by: Option<Uuid>,
    version: i64,
}

impl TryFrom<OverrideRow> for ComponentOverride {
    type Error = StoreError;
    fn try_from(row: OverrideRow) -> Result<Self, StoreError> {
        const T: &str = "component_overrides";
        let id = row.component_id;
        Ok(Self {
            component: ComponentId(id),
            state: parse(T, id, &row.state)?,
            reason: Why::parse(&row.reason).map_err(|e| corrupt(T, id, e))?,
            since: at(T, id, row.since_at)?,
            set_by: row.set_by.map(UserId),
            version: row.version,
        })
    }
}

impl Tx {
    /// Stores a stretch of the history. One without a length is none, and is left out.
    ///
    /// # Errors
    /// There is no such component, or the database refused.
    pub async fn insert_impact(&mut self, impact: &Impact) -> Result<(), StoreError> {
        if impact.to.is_some_and(|to| to <= impact.from) {
            return Ok(());
        }
        on_tx!(self, |x| {
            sqlx::query(concat!("insert into impacts (", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7)"))
                .bind(impact.id.0)
                .bind(impact.component.0)
                .bind(code(impact.known))
                .bind(impact.source.as_str())
                .bind(impact.source_id)
                .bind(ms(impact.from))
                .bind(impact.to.map(ms))
                .execute(x)
                .await
                .map_err(|e| StoreError::from(e).naming("component"))?;
        });
        Ok(())
    }

    /// Ends what a source has open, of all components or of one. What began only then leaves nothing.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_impacts(
        &mut self,
        source: Source,
        source_id: Uuid,
        component: Option<ComponentId>,
        at: Instant,
    ) -> Result<(), StoreError> {
        const OF: &str = "source = $1 and source_id = $2 and to_at is null and ($3 is null or component_id = $3)";
        // PostgreSQL has to be told what a null would be.
        let of = if matches!(self.inner, Inner::Postgres(_)) {
            OF.replace("$3 is null", "cast($3 as uuid) is null")
        } else {
            OF.to_owned()
        };
        let texts = [
            format!("delete from impacts where {of} and from_at >= $4"),
            format!("update impacts set to_at = $4 where {of} and from_at < $4"),
        ];
        for text in texts {
            on_tx!(self, |x| {
                sqlx::query(AssertSqlSafe(text))
                    .bind(source.as_str())
                    .bind(source_id)
                    .bind(component.map(|id| id.0))
                    .bind(ms(at))
                    .execute(x)
                    .await?;
            });
        }
        Ok(())
    }

    /// Moves a stretch of the history to other times. One that has no length any more is none, and goes.
    ///
    /// # Errors
    /// There is no such stretch, or the database refused.
    pub async fn move_impact(&mut self, id: ImpactId, from: Instant, to: Option<Instant>) -> Result<(), StoreError> {
        let is_gone = to.is_some_and(|to| to <= from);
        let text = match is_gone {
            true => "delete from impacts where id = $1",
            false => "update impacts set from_at = $2, to_at = $3 where id = $1",
        };
        let done = on_tx!(self, |x| {
            let mut query = sqlx::query(text).bind(id.0);
            if !is_gone {
                query = query.bind(ms(from)).bind(to.map(ms));
            }
            query.execute(x).await?.rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("stretch")) }
    }

    /// What holds now.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn open_impacts(&mut self) -> Result<Vec<Impact>, StoreError> {
        let rows: Vec<ImpactRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from impacts where to_at is null order by component_id, id"
            ))
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What a source ever said, in the order in which it began.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn impacts_of(&mut self, source: Source, source_id: Uuid) -> Result<Vec<Impact>, StoreError> {
        let rows: Vec<ImpactRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from impacts where source = $1 and source_id = $2 order by from_at, component_id, id"
            ))
            .bind(source.as_str())
            .bind(source_id)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What held at some moment in `[from, to)`, of all components or of some.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn impacts_between(
        &mut self,
        components: Option<&[ComponentId]>,
        from: Instant,
        to: Instant,
    ) -> Result<Vec<Impact>, StoreError> {
        let rows: Vec<ImpactRow> = match components {
            None => on_tx!(self, |x| {
                sqlx::query_as(concat!(
                    "select ",
                    columns!(),
                    " from impacts where from_at < $1 and (to_at is null or to_at > $2)
                     order by from_at, component_id, id"
                ))
                .bind(ms(to))
                .bind(ms(from))
                .fetch_all(x)
                .await?
            }),
            Some([]) => Vec::new(),
            Some(components) => {
                let (marks, ids) = list(self, &components.iter().map(|id| id.0).collect());
                let (to_mark, from_mark) = match self.inner {
                    Inner::Sqlite(_) => ("?".to_owned(), "?".to_owned()),
                    Inner::Postgres(_) => (format!("${}", ids.len() + 1), format!("${}", ids.len() + 2)),
                };
                let sql = format!(
                    concat!(
                        "select ",
                        columns!(),
                        " from impacts where component_id in ({}) and from_at < {} and (to_at is null or to_at > {})
                         order by from_at, component_id, id"
                    ),
                    marks, to_mark, from_mark
                );
                on_tx!(self, |x| {
                    let mut query = sqlx::query_as(AssertSqlSafe(sql));
                    for id in ids {
                        query = query.bind(id);
                    }
                    query.bind(ms(to)).bind(ms(from)).fetch_all(x).await?
                })
            }
        };
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The state that was set by hand for a component.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn component_override(&mut self, id: ComponentId) -> Result<Option<ComponentOverride>, StoreError> {
        let row: Option<OverrideRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select component_id, state, reason, since_at, set_by, version from component_overrides
                 where component_id = $1",
            )
            .bind(id.0)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// All states that were set by hand, the oldest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn component_overrides(&mut self) -> Result<Vec<ComponentOverride>, StoreError> {
        let rows: Vec<OverrideRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select component_id, state, reason, since_at, set_by, version from component_overrides
                 order by since_at, component_id",
            )
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Sets a state by hand, in the place of the one before. Only in a decision.
    ///
    /// # Errors
    /// There is no such component, or the database refused.
    pub async fn set_component_override(&mut self, by_hand: &ComponentOverride) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into component_overrides (component_id, state, reason, since_at, set_by, version)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (component_id) do update set state = excluded.state, reason = excluded.reason,
                 since_at = excluded.since_at, set_by = excluded.set_by, version = excluded.version",
            )
            .bind(by_hand.component.0)
            .bind(by_hand.state.as_str())
            .bind(by_hand.reason.as_str())
            .bind(ms(by_hand.since))
            .bind(by_hand.set_by.map(|id| id.0))
            .bind(by_hand.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("component"))?;
        });
        Ok(())
    }

    /// Takes back the state that was set by hand.
    ///
    /// # Errors
    /// There is none, or the database refused.
    pub async fn remove_component_override(&mut self, id: ComponentId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from component_overrides where component_id = $1")
                .bind(id.0)
                .execute(x)
                .await?
                .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("override")) }
    }
}

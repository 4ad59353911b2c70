//! Causes of alerts.

use super::{from_json, to_json};
use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list, parts};
use domain::alert::cause::{Cause, CauseState};
use domain::alert::join::Key;
use domain::ids::{AlertRuleId, CauseId, IncidentId, MaintenanceId};
use domain::incident::IncidentState;
use domain::text::Name;
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const T: &str = "causes";

macro_rules! selected {
    () => {
        "select c.id, c.title, c.state, c.incident_id, i.state as incident_state, c.maintenance_id, c.merged_into,
         c.keys_json, c.components_json, c.rule_id, c.rank, c.plan_json, c.alerts, c.firing, c.truncated,
         c.started_at, c.first_at, c.last_at, c.quiet_at, c.publish_at, c.proposed_at, c.ended_at
         from causes c left join incidents i on i.id = c.incident_id"
    };
}

/// Whose causes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CausesOf {
    /// Those that wait for a person: nobody has published their draft, they may be over, or they fire although their
    /// incident is said to be over.
    Waiting,
    /// Those that fire and changed after anything was said in their published incident.
    Moved,
    /// All that were not found to be part of another, older than this one.
    Before(Option<CauseId>),
    /// Those of them that are not over.
    LiveBefore(Option<CauseId>),
    /// Those of them that are.
    OverBefore(Option<CauseId>),
    /// Those of an incident.
    Incident(IncidentId),
    /// Those that are attached to a window.
    Maintenance(MaintenanceId),
    /// Those that turned out to be part of this one.
    PartOf(CauseId),
    /// This one.
    One(CauseId),
}

#[derive(sqlx::FromRow)]
struct CauseRow {
    id: Uuid,
    title: String,
    state: String,
    incident_id: Option<Uuid>,
    incident_state: Option<String>,
    maintenance_id: Option<Uuid>,
    merged_into: Option<Uuid>,
    keys_json: String,
    components_json: String,
    rule_id: Option<Uuid>,
    rank: i64,
    plan_json: String,
    alerts: i64,
    firing: i64,
    truncated: i64,
    started_at: i64,
    first_at: i64,
    last_at: i64,
    quiet_at: Option<i64>,
    publish_at: Option<i64>,
    proposed_at: Option<i64>,
    ended_at: Option<i64>,
}

impl TryFrom<CauseRow> for Cause {
    type Error = StoreError;
    fn try_from(row: CauseRow) -> Result<Self, StoreError> {
        let id = row.id;
        let state = CauseState::ALL.into_iter().find(|known| known.as_str() == row.state);
        let incident_state = row.incident_state.map(|text| {
            let known = IncidentState::ALL.into_iter().find(|known| known.as_str() == text);
            known.ok_or_else(|| corrupt("incidents", id, format!("state {text}")))
        });
        Ok(Self {
            id: CauseId(id),
            title: Name::parse(&row.title).map_err(|e| corrupt(T, id, e))?,
            state: state.ok_or_else(|| corrupt(T, id, format!("state {}", row.state)))?,
            incident: row.incident_id.map(IncidentId),
            incident_state: incident_state.transpose()?,
            maintenance: row.maintenance_id.map(MaintenanceId),
            merged_into: row.merged_into.map(CauseId),
            keys: from_json(T, id, &row.keys_json)?,
            components: from_json(T, id, &row.components_json)?,
            rule: row.rule_id.map(AlertRuleId),
            rank: row.rank,
            plan: from_json(T, id, &row.plan_json)?,
            alerts: row.alerts,
            firing: row.firing,
            truncated: row.truncated,
            started_at: at(T, id, row.started_at)?,
            first_at: at(T, id, row.first_at)?,
            last_at: at(T, id, row.last_at)?,
            quiet_at: maybe_at(T, id, row.quiet_at)?,
            publish_at: maybe_at(T, id, row.publish_at)?,
            proposed_at: maybe_at(T, id, row.proposed_at)?,
            ended_at: maybe_at(T, id, row.ended_at)?,
        })
    }
}

impl Tx {
    /// Stores a cause as it is now, new or not.
    ///
    /// # Errors
    /// Something it names does not exist, or the database refused.
    pub async fn put_cause(&mut self, cause: &Cause) -> Result<(), StoreError> {
        let id = cause.id.0;
        let (keys, components) = (to_json(T, id, &cause.keys)?, to_json(T, id, &cause.components)?);
        let plan = to_json(T, id, &cause.plan)?;
        on_tx!(self, |x| {
            sqlx::query(
                "insert into causes (id, title, state, incident_id, maintenance_id, merged_into, keys_json,
                 components_json, rule_id, rank, plan_json, alerts, firing, truncated, started_at, first_at, last_at,
                 quiet_at, publish_at, proposed_at, due_at, ended_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22)
                 on conflict (id) do update set title = excluded.title, state = excluded.state, incident_id = excluded.incident_id,
                 merged_into = excluded.merged_into, keys_json = excluded.keys_json,
                 components_json = excluded.components_json, rule_id = excluded.rule_id, rank = excluded.rank,
                 plan_json = excluded.plan_json, alerts = excluded.alerts, firing = excluded.firing,
                 truncated = excluded.truncated, started_at = excluded.started_at, first_at = excluded.first_at,
                 last_at = excluded.last_at, quiet_at = excluded.quiet_at, publish_at = excluded.publish_at,
                 proposed_at = excluded.proposed_at, due_at = excluded.due_at, ended_at = excluded.ended_at",
            )
            .bind(id)
            .bind(cause.title.as_str())
            .bind(cause.state.as_str())
            .bind(cause.incident.map(|id| id.0))
            .bind(cause.maintenance.map(|id| id.0))
            .bind(cause.merged_into.map(|id| id.0))
            .bind(keys)
            .bind(components)
            .bind(cause.rule.map(|id| id.0))
            .bind(cause.rank)
            .bind(plan)
            .bind(cause.alerts)
            .bind(cause.firing)
            .bind(cause.truncated)
            .bind(ms(cause.started_at))
            .bind(ms(cause.first_at))
            .bind(ms(cause.last_at))
            .bind(cause.quiet_at.map(ms))
            .bind(cause.publish_at.map(ms))
            .bind(cause.proposed_at.map(ms))
            .bind(cause.next_due().map(ms))
            .bind(cause.ended_at.map(ms))
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("cause"))?;
        });
        Ok(())
    }

    /// Causes with how their incidents stand, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn causes(&mut self, of: CausesOf, limit: i64) -> Result<Vec<Cause>, StoreError> {
        // SQLite takes the index of those that are not over only where its own words stand.
        let (wanted, id) = match of {
            CausesOf::Waiting => (
                "c.state in ('open', 'window') and c.state = 'open' and (i.state = 'draft' or (c.proposed_at is not null
                 and i.state in ('investigating', 'identified', 'monitoring')) or (c.firing > 0 and i.state = 'resolved'))
                 and $1 = $1",
                Uuid::nil(),
            ),
            CausesOf::Moved => (
                "c.state in ('open', 'window') and c.state = 'open' and c.firing > 0 and c.last_at >= i.updated_at
                 and i.state in ('investigating', 'identified', 'monitoring') and $1 = $1",
                Uuid::nil(),
            ),
            CausesOf::Before(id) => ("c.id < $1 and c.state <> 'merged'", id.map_or_else(Uuid::max, |id| id.0)),
            CausesOf::LiveBefore(id) => {
                ("c.id < $1 and c.state in ('open', 'window')", id.map_or_else(Uuid::max, |id| id.0))
            }
            CausesOf::OverBefore(id) => ("c.id < $1 and c.state = 'over'", id.map_or_else(Uuid::max, |id| id.0)),
            CausesOf::Incident(id) => ("c.incident_id = $1", id.0),
            CausesOf::Maintenance(id) => ("c.maintenance_id = $1", id.0),
            CausesOf::PartOf(id) => ("c.merged_into = $1", id.0),
            CausesOf::One(id) => ("c.id = $1", id.0),
        };
        let sql = format!("{} where {wanted} order by c.id desc limit $2", selected!());
        let rows: Vec<CauseRow> =
            on_tx!(self, |x| sqlx::query_as(AssertSqlSafe(sql)).bind(id).bind(limit).fetch_all(x).await?);
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What alerts of causes have in common that are not over.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn live_keys(&mut self) -> Result<BTreeMap<CauseId, BTreeSet<Key>>, StoreError> {
        let rows: Vec<(Uuid, String)> = on_tx!(self, |x| {
            sqlx::query_as("select id, keys_json from causes where state in ('open', 'window')").fetch_all(x).await?
        });
        rows.into_iter().map(|(id, keys)| Ok((CauseId(id), from_json(T, id, &keys)?))).collect()
    }

    /// Those of these causes that are not over.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn live_causes(&mut self, ids: &BTreeSet<CauseId>) -> Result<Vec<Cause>, StoreError> {
        const SQL: &str = concat!(selected!(), " where c.id in ({ids}) and c.state in ('open', 'window')");
        let mut causes = Vec::with_capacity(ids.len());
        for ids in parts(ids.iter().map(|id| id.0)) {
            for row in fetch_by_ids!(self, CauseRow, SQL, &ids) {
                causes.push(row.try_into()?);
            }
        }
        Ok(causes)
    }

    /// One cause.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn cause(&mut self, id: CauseId) -> Result<Cause, StoreError> {
        self.causes(CausesOf::One(id), 1).await?.pop().ok_or(StoreError::NotFound("cause"))
    }

    /// Causes in which something is due: their time has come, their incident was resolved, or the work they are attached
    /// to has ended. In the order of their ids, from after this one on.
    ///
    /// # Errors
    /// The database refused.
    pub async fn due_causes(
        &mut self,
        now: Instant,
        after: Option<CauseId>,
        limit: i64,
    ) -> Result<Vec<CauseId>, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select id from (
                 select id from causes where due_at <= $1
                 union
                 select c.id from causes c join incidents i on i.id = c.incident_id
                 where c.state in ('open', 'window') and c.state = 'open' and c.proposed_at is not null
                 and i.state in ('resolved', 'discarded')
                 union
                 select c.id from causes c join maintenances m on m.id = c.maintenance_id
                 where c.state in ('open', 'window') and c.state = 'window' and m.state not in ('in_progress', 'verifying')
                 ) as due where id > $2 order by id limit $3",
            )
            .bind(ms(now))
            .bind(after.map_or_else(Uuid::nil, |id| id.0))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        Ok(ids.into_iter().map(CauseId).collect())
    }

    /// Whether anybody but the system has changed an incident.
    ///
    /// # Errors
    /// The database refused.
    pub async fn is_edited_by_hand(&mut self, id: IncidentId) -> Result<bool, StoreError> {
        let count: i64 = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from audit_log where object = 'incident' and object_id = $1
                 and (user_id is not null or token_id is not null)",
            )
            .bind(id.to_string())
            .fetch_one(x)
            .await?
        });
        Ok(count > 0)
    }

    /// How many alerts fire, and how many causes are not over.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_causes(&mut self) -> Result<(i64, i64), StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_as(
                "select cast(coalesce(sum(firing), 0) as bigint), count(*) from causes where state in ('open', 'window')",
            )
            .fetch_one(x)
            .await?
        }))
    }
}

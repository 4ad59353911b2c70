//! Alerts and the rules for them. Their causes are next door, in [`cause`], and what they stand on in `ground`.

pub mod cause;
mod ground;
mod retention;

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::rows;
use domain::alert::place::LabelNames;
use domain::alert::rule::Rule;
use domain::alert::{Alert, Grade};
use domain::ids::{AlertId, AlertRuleId, CauseId, HostId};
use domain::text::Name;
use domain::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Parameters in one statement; SQLite takes 32,766.
const CHUNK: usize = 500;

/// Alerts written by one statement.
const ROWS: usize = 50;

/// Whether a statement for so many alerts is worth keeping: what is asked for seldom would push out what is often.
const fn is_usual(alerts: usize) -> bool {
    matches!(alerts, 1 | ROWS)
}

/// Which alerts of a list are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Of this cause.
    pub cause: Option<CauseId>,
    /// Of no cause: a rule ignores them.
    pub ignored: bool,
    /// Those that fire, or those that are over.
    pub firing: Option<bool>,
    /// Older than this one.
    pub before: Option<AlertId>,
}

#[derive(sqlx::FromRow)]
struct AlertRow {
    id: Uuid,
    source_id: Uuid,
    fingerprint: String,
    title: String,
    grade: String,
    labels_json: String,
    group_key: Option<String>,
    host_id: Option<Uuid>,
    components_json: String,
    cause_id: Option<Uuid>,
    started_at: i64,
    first_seen_at: i64,
    last_seen_at: i64,
    seen: i64,
    ended_at: Option<i64>,
    flaps: i64,
    link: Option<String>,
}

const COLUMNS: &str = "id, source_id, fingerprint, title, grade, labels_json, group_key, host_id, components_json, \
                       cause_id, started_at, first_seen_at, last_seen_at, seen, ended_at, flaps, link";

pub(crate) fn to_json<T: Serialize>(table: &'static str, id: Uuid, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| corrupt(table, id, e))
}

pub(crate) fn from_json<T: DeserializeOwned>(table: &'static str, id: Uuid, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| corrupt(table, id, e))
}

impl TryFrom<AlertRow> for Alert {
    type Error = StoreError;
    fn try_from(row: AlertRow) -> Result<Self, StoreError> {
        const T: &str = "alerts";
        let id = row.id;
        Ok(Self {
            id: AlertId(id),
            source: row.source_id,
            fingerprint: row.fingerprint,
            title: Name::parse(&row.title).map_err(|e| corrupt(T, id, e))?,
            grade: Grade::parse(&row.grade).map_err(|e| corrupt(T, id, e))?,
            labels: from_json(T, id, &row.labels_json)?,
            group: row.group_key,
            host: row.host_id.map(HostId),
            components: from_json(T, id, &row.components_json)?,
            cause: row.cause_id.map(CauseId),
            started_at: at(T, id, row.started_at)?,
            first_seen_at: at(T, id, row.first_seen_at)?,
            last_seen_at: at(T, id, row.last_seen_at)?,
            seen: row.seen,
            ended_at: maybe_at(T, id, row.ended_at)?,
            flaps: row.flaps,
            link: row.link,
        })
    }
}

#[derive(sqlx::FromRow)]
struct RuleRow {
    id: Uuid,
    name: String,
    position: i64,
    when_json: String,
    then_json: String,
    version: i64,
}

impl TryFrom<RuleRow> for Rule {
    type Error = StoreError;
    fn try_from(row: RuleRow) -> Result<Self, StoreError> {
        const T: &str = "alert_rules";
        Ok(Self {
            id: AlertRuleId(row.id),
            name: Name::parse(&row.name).map_err(|e| corrupt(T, row.id, e))?,
            position: row.position,
            when: from_json(T, row.id, &row.when_json)?,
            then: from_json(T, row.id, &row.then_json)?,
            version: row.version,
        })
    }
}

impl Tx {
    /// Alerts of a source that are no history yet, by their fingerprints.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn alerts_known(&mut self, source: Uuid, prints: &[&str]) -> Result<Vec<Alert>, StoreError> {
        let mut found = Vec::new();
        for prints in prints.chunks(CHUNK) {
            let marks: Vec<String> = (2..prints.len() + 2).map(|n| format!("${n}")).collect();
            let sql = format!(
                "select {COLUMNS} from alerts where source_id = $1 and not is_settled and fingerprint in ({})",
                marks.join(", ")
            );
            let rows: Vec<AlertRow> = on_tx!(self, |x| {
                let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(source);
                for print in prints {
                    query = query.bind(*print);
                }
                query.fetch_all(x).await?
            });
            for row in rows {
                found.push(Alert::try_from(row)?);
            }
        }
        Ok(found)
    }

    /// Stores new alerts.
    ///
    /// # Errors
    /// The source has a live one with such a fingerprint, or the database refused.
    pub async fn insert_alerts(&mut self, alerts: &[&Alert]) -> Result<(), StoreError> {
        const T: &str = "alerts";
        for alerts in alerts.chunks(ROWS) {
            let sql = format!(
                "insert into alerts (id, source_id, fingerprint, title, grade, labels_json, group_key, host_id,
                 components_json, cause_id, started_at, first_seen_at, last_seen_at, seen, ended_at, flaps, link)
                 values {}",
                rows(self, alerts.len(), 17)
            );
            on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(is_usual(alerts.len()));
                for alert in alerts {
                    query = query
                        .bind(alert.id.0)
                        .bind(alert.source)
                        .bind(&alert.fingerprint)
                        .bind(alert.title.as_str())
                        .bind(alert.grade.as_str())
                        .bind(to_json(T, alert.id.0, &alert.labels)?)
                        .bind(&alert.group)
                        .bind(alert.host.map(|id| id.0))
                        .bind(to_json(T, alert.id.0, &alert.components)?)
                        .bind(alert.cause.map(|id| id.0))
                        .bind(ms(alert.started_at))
                        .bind(ms(alert.first_seen_at))
                        .bind(ms(alert.last_seen_at))
                        .bind(alert.seen)
                        .bind(alert.ended_at.map(ms))
                        .bind(alert.flaps)
                        .bind(&alert.link);
                }
                query.execute(x).await.map_err(|e| StoreError::from(e).naming("alert"))?;
            });
        }
        Ok(())
    }

    /// Stores what may change of alerts.
    ///
    /// # Errors
    /// One of them does not exist, or the database refused.
    pub async fn update_alerts(&mut self, alerts: &[&Alert]) -> Result<(), StoreError> {
        for alerts in alerts.chunks(ROWS) {
            let sql = format!(
                "with now_is (id, cause_id, last_seen_at, seen, ended_at, flaps) as (values {})
                 update alerts set cause_id = n.cause_id, last_seen_at = n.last_seen_at, seen = n.seen,
                 ended_at = n.ended_at, flaps = n.flaps from now_is n where alerts.id = n.id",
                rows(self, alerts.len(), 6)
            );
            let done = on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(is_usual(alerts.len()));
                for alert in alerts {
                    query = query
                        .bind(alert.id.0)
                        .bind(alert.cause.map(|id| id.0))
                        .bind(ms(alert.last_seen_at))
                        .bind(alert.seen)
                        .bind(alert.ended_at.map(ms))
                        .bind(alert.flaps);
                }
                query.execute(x).await?.rows_affected()
            });
            if usize::try_from(done) != Ok(alerts.len()) {
                return Err(StoreError::NotFound("alert"));
            }
        }
        Ok(())
    }

    /// Makes an alert history: when it comes back it is a new one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn settle_alert(&mut self, id: AlertId) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update alerts set is_settled = true where id = $1").bind(id.0).execute(x).await?;
        });
        Ok(())
    }

    /// The same for all alerts of a cause.
    ///
    /// # Errors
    /// The database refused.
    pub async fn settle_alerts_of(&mut self, cause: CauseId) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update alerts set is_settled = true where cause_id = $1").bind(cause.0).execute(x).await?;
        });
        Ok(())
    }

    /// Gives all alerts of a cause to another.
    ///
    /// # Errors
    /// The database refused.
    pub async fn move_alerts(&mut self, from: CauseId, into: CauseId) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update alerts set cause_id = $1 where cause_id = $2")
                .bind(into.0)
                .bind(from.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Ends all alerts of a cause that fire.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_alerts_of(&mut self, cause: CauseId, now: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update alerts set ended_at = $1 where cause_id = $2 and ended_at is null and not is_settled")
                .bind(ms(now))
                .bind(cause.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Alerts, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn alerts_of(&mut self, filter: &AlertFilter, limit: i64) -> Result<Vec<Alert>, StoreError> {
        let firing = match filter.firing {
            None => "",
            Some(true) => "and ended_at is null and not is_settled",
            Some(false) => "and (ended_at is not null or is_settled)",
        };
        let cause = if filter.cause.is_some() { "cause_id = $1" } else { "$1 = $1" };
        let ignored = if filter.ignored { "and cause_id is null" } else { "" };
        let sql = format!(
            "select {COLUMNS} from alerts where {cause} and id < $2 {firing} {ignored} order by id desc limit $3"
        );
        let rows: Vec<AlertRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(sql))
                .bind(filter.cause.map_or_else(Uuid::nil, |id| id.0))
                .bind(filter.before.map_or_else(Uuid::max, |id| id.0))
                .bind(limit)
                .fetch_all(x)
                .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The rules in their order.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn alert_rules(&mut self) -> Result<Vec<Rule>, StoreError> {
        let rows: Vec<RuleRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, name, position, when_json, then_json, version from alert_rules order by position, id",
            )
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Stores a new rule.
    ///
    /// # Errors
    /// The database refused.
    pub async fn insert_alert_rule(&mut self, rule: &Rule) -> Result<(), StoreError> {
        const T: &str = "alert_rules";
        let (when, then) = (to_json(T, rule.id.0, &rule.when)?, to_json(T, rule.id.0, &rule.then)?);
        on_tx!(self, |x| {
            sqlx::query(
                "insert into alert_rules (id, name, position, when_json, then_json, version)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(rule.id.0)
            .bind(rule.name.as_str())
            .bind(rule.position)
            .bind(when)
            .bind(then)
            .bind(rule.version)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Stores a changed rule, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_alert_rule(&mut self, rule: &Rule) -> Result<(), StoreError> {
        const T: &str = "alert_rules";
        let (when, then) = (to_json(T, rule.id.0, &rule.when)?, to_json(T, rule.id.0, &rule.then)?);
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update alert_rules set name = $1, position = $2, when_json = $3, then_json = $4, version = version + 1
                 where id = $5 and version = $6",
            )
            .bind(rule.name.as_str())
            .bind(rule.position)
            .bind(when)
            .bind(then)
            .bind(rule.id.0)
            .bind(rule.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("rule")) }
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// There is none, or the database refused.
    pub async fn delete_alert_rule(&mut self, id: AlertRuleId) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query("delete from alert_rules where id = $1").bind(id.0).execute(x).await?.rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("rule")) }
    }

    /// Labels that mean something.
    ///
    /// # Errors
    /// The database refused.
    pub async fn alert_labels(&mut self) -> Result<LabelNames, StoreError> {
        let (cause, host, component, version): (String, String, String, i64) = on_tx!(self, |x| {
            sqlx::query_as(
                "select cause_labels, host_labels, component_labels, version from alert_labels where one = 1",
            )
            .fetch_one(x)
            .await?
        });
        let names = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
        Ok(LabelNames { cause: names(&cause), host: names(&host), component: names(&component), version })
    }

    /// Stores which labels mean something, if nobody did since they were read. Raises the version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_alert_labels(&mut self, labels: &LabelNames) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update alert_labels set cause_labels = $1, host_labels = $2, component_labels = $3, version = version + 1
                 where one = 1 and version = $4",
            )
            .bind(labels.cause.join(" "))
            .bind(labels.host.join(" "))
            .bind(labels.component.join(" "))
            .bind(labels.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("labels")) }
    }
}

//! Maintenance windows with what they touch, their timeline and the gate's answers.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::reminder::{leads_text, reminders};
use chrono::{NaiveDate, NaiveDateTime};
use domain::gate::{Evidence, Verdict};
use domain::ids::{ComponentId, HostId, MaintenanceId, SeriesId, UpdateId, UserId, VerdictId};
use domain::maintenance::{CheckLine, KeptVerdict, Maintenance, Planned, Reminders, State, Tick, Update};
use domain::text::{Name, Prose, Why};
use domain::time::{Instant, Stretch};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use uuid::Uuid;

/// How a local wall-clock time is stored.
pub(crate) const LOCAL: &str = "%Y-%m-%dT%H:%M:%S";

/// Parameters in one statement; SQLite takes 32,766.
const CHUNK: usize = 500;

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Earliest start first.
    Earliest,
    /// Latest start first.
    Latest,
}

/// A place in a list ordered by start.
pub type Position = (Instant, MaintenanceId);

#[derive(sqlx::FromRow)]
pub(crate) struct MaintenanceRow {
    id: Uuid,
    number: i64,
    title: String,
    message: String,
    state: String,
    zone: String,
    local_start: String,
    start_fold: Option<String>,
    starts_at: i64,
    ends_at: i64,
    latest_end_at: i64,
    auto_start: bool,
    auto_complete: bool,
    reminders: Option<String>,
    done_anyway: Option<String>,
    sequence: i64,
    published_at: Option<i64>,
    held_at: Option<i64>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    day_check_at: Option<i64>,
    lead_check_at: Option<i64>,
    next_due_at: Option<i64>,
    created_by: Option<Uuid>,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

pub(crate) const COLUMNS: &str =
    "id, number, title, message, state, zone, local_start, start_fold, starts_at, ends_at, latest_end_at,
    auto_start, auto_complete, sequence, published_at, held_at, started_at, ended_at, day_check_at, lead_check_at,
    next_due_at, created_by, created_at, updated_at, version, done_anyway, reminders";

/// The stored text of an enum.
pub(crate) fn code<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

pub(crate) fn parse<T: DeserializeOwned>(table: &'static str, id: Uuid, text: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|e| corrupt(table, id, e))
}

impl MaintenanceRow {
    fn with(
        self,
        hosts: Vec<HostId>,
        components: Vec<ComponentId>,
        checklist: Vec<CheckLine>,
    ) -> Result<Maintenance, StoreError> {
        const T: &str = "maintenances";
        let id = self.id;
        Ok(Maintenance {
            id: MaintenanceId(id),
            number: self.number,
            title: Name::parse(&self.title).map_err(|e| corrupt(T, id, e))?,
            message: Prose::parse(&self.message).map_err(|e| corrupt(T, id, e))?,
            state: parse(T, id, &self.state)?,
            planned: Planned {
                zone: self.zone,
                local_start: NaiveDateTime::parse_from_str(&self.local_start, LOCAL).map_err(|e| corrupt(T, id, e))?,
                start_fold: self.start_fold.map(|fold| parse(T, id, &fold)).transpose()?,
                starts_at: at(T, id, self.starts_at)?,
                ends_at: at(T, id, self.ends_at)?,
                latest_end_at: at(T, id, self.latest_end_at)?,
            },
            hosts,
            components,
            auto_start: self.auto_start,
            auto_complete: self.auto_complete,
            reminders: reminders(T, id, self.reminders.as_deref())?,
            checklist,
            done_anyway: self.done_anyway.map(|text| Why::parse(&text)).transpose().map_err(|e| corrupt(T, id, e))?,
            sequence: self.sequence,
            published_at: maybe_at(T, id, self.published_at)?,
            held_at: maybe_at(T, id, self.held_at)?,
            started_at: maybe_at(T, id, self.started_at)?,
            ended_at: maybe_at(T, id, self.ended_at)?,
            day_check_at: maybe_at(T, id, self.day_check_at)?,
            lead_check_at: maybe_at(T, id, self.lead_check_at)?,
            next_due_at: maybe_at(T, id, self.next_due_at)?,
            created_by: self.created_by.map(UserId),
            created_at: at(T, id, self.created_at)?,
            updated_at: at(T, id, self.updated_at)?,
            version: self.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct UpdateRow {
    id: Uuid,
    maintenance_id: Uuid,
    kind: String,
    body: String,
    at: i64,
    author_id: Option<Uuid>,
    old_starts_at: Option<i64>,
    old_ends_at: Option<i64>,
    starts_at: i64,
    ends_at: i64,
}

impl TryFrom<UpdateRow> for Update {
    type Error = StoreError;
    fn try_from(row: UpdateRow) -> Result<Self, StoreError> {
        const T: &str = "maintenance_updates";
        let id = row.id;
        Ok(Self {
            id: UpdateId(id),
            maintenance_id: MaintenanceId(row.maintenance_id),
            kind: parse(T, id, &row.kind)?,
            body: Prose::parse(&row.body).map_err(|e| corrupt(T, id, e))?,
            at: at(T, id, row.at)?,
            author: row.author_id.map(UserId),
            old_starts_at: maybe_at(T, id, row.old_starts_at)?,
            old_ends_at: maybe_at(T, id, row.old_ends_at)?,
            starts_at: at(T, id, row.starts_at)?,
            ends_at: at(T, id, row.ends_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct VerdictRow {
    id: Uuid,
    maintenance_id: Uuid,
    occasion: String,
    verdict_json: String,
}

impl TryFrom<VerdictRow> for KeptVerdict {
    type Error = StoreError;
    fn try_from(row: VerdictRow) -> Result<Self, StoreError> {
        const T: &str = "verdicts";
        Ok(Self {
            id: VerdictId(row.id),
            maintenance_id: MaintenanceId(row.maintenance_id),
            occasion: parse(T, row.id, &row.occasion)?,
            verdict: serde_json::from_str(&row.verdict_json).map_err(|e| corrupt(T, row.id, e))?,
        })
    }
}

/// Own lead times; none where those of the site hold.
pub(crate) fn own_leads(reminders: &Reminders) -> Option<String> {
    match reminders {
        Reminders::AsSite => None,
        Reminders::Own(leads) => Some(leads_text(leads)),
    }
}

/// `$1, $2, … $n`
pub(crate) fn places(n: usize) -> String {
    (1..=n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// The eight places of a list of states; a shorter one repeats its last.
fn padded(states: &[State]) -> [String; 8] {
    std::array::from_fn(|i| states.get(i).or(states.last()).map(code).unwrap_or_default())
}

impl Tx {
    /// The next number for a maintenance: M-1, M-2, … never given twice. Only in a decision.
    ///
    /// # Errors
    /// There is no site yet, or the database refused.
    pub async fn next_maintenance_number(&mut self) -> Result<i64, StoreError> {
        let number: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "update site set maintenance_number = maintenance_number + 1 where one = 1 returning maintenance_number",
            )
            .fetch_optional(x)
            .await?
        });
        number.ok_or(StoreError::NotFound("site"))
    }

    /// The number that the next window will get, if none comes before it.
    ///
    /// # Errors
    /// There is no site yet, or the database refused.
    pub async fn likely_maintenance_number(&mut self) -> Result<i64, StoreError> {
        let number: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar("select maintenance_number + 1 from site where one = 1").fetch_optional(x).await?
        });
        number.ok_or(StoreError::NotFound("site"))
    }

    /// Stores a new window with what it touches.
    ///
    /// # Errors
    /// A host or component does not exist, the number is taken, or the database refused.
    pub async fn add_maintenance(&mut self, m: &Maintenance) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into maintenances (id, number, title, message, state, zone, local_start, start_fold, starts_at, ends_at,
                 latest_end_at, auto_start, auto_complete, sequence, published_at, held_at, started_at, ended_at, day_check_at,
                 lead_check_at, next_due_at, created_by, created_at, updated_at, version, done_anyway, reminders)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)",
            )
            .bind(m.id.0)
            .bind(m.number)
            .bind(m.title.as_str())
            .bind(m.message.as_str())
            .bind(code(m.state))
            .bind(&m.planned.zone)
            .bind(m.planned.local_start.format(LOCAL).to_string())
            .bind(m.planned.start_fold.map(code))
            .bind(ms(m.planned.starts_at))
            .bind(ms(m.planned.ends_at))
            .bind(ms(m.planned.latest_end_at))
            .bind(m.auto_start)
            .bind(m.auto_complete)
            .bind(m.sequence)
            .bind(m.published_at.map(ms))
            .bind(m.held_at.map(ms))
            .bind(m.started_at.map(ms))
            .bind(m.ended_at.map(ms))
            .bind(m.day_check_at.map(ms))
            .bind(m.lead_check_at.map(ms))
            .bind(m.next_due_at.map(ms))
            .bind(m.created_by.map(|id| id.0))
            .bind(ms(m.created_at))
            .bind(ms(m.updated_at))
            .bind(m.version)
            .bind(m.done_anyway.as_ref().map(Why::as_str))
            .bind(own_leads(&m.reminders))
            .execute(x)
            .await?;
        });
        self.set_scope(m).await?;
        self.set_checklist(m).await
    }

    /// Stores a window as it becomes, if nobody changed it since it was read; its version rises by one.
    ///
    /// # Errors
    /// Stale, a host or component does not exist, or the database refused.
    pub async fn update_maintenance(&mut self, m: &Maintenance) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update maintenances set title = $1, message = $2, state = $3, zone = $4, local_start = $5, start_fold = $6,
                 starts_at = $7, ends_at = $8, latest_end_at = $9, auto_start = $10, auto_complete = $11, sequence = $12,
                 published_at = $13, held_at = $14, started_at = $15, ended_at = $16, day_check_at = $17, lead_check_at = $18,
                 next_due_at = $19, updated_at = $20, done_anyway = $23, reminders = $24, version = version + 1
                 where id = $21 and version = $22",
            )
            .bind(m.title.as_str())
            .bind(m.message.as_str())
            .bind(code(m.state))
            .bind(&m.planned.zone)
            .bind(m.planned.local_start.format(LOCAL).to_string())
            .bind(m.planned.start_fold.map(code))
            .bind(ms(m.planned.starts_at))
            .bind(ms(m.planned.ends_at))
            .bind(ms(m.planned.latest_end_at))
            .bind(m.auto_start)
            .bind(m.auto_complete)
            .bind(m.sequence)
            .bind(m.published_at.map(ms))
            .bind(m.held_at.map(ms))
            .bind(m.started_at.map(ms))
            .bind(m.ended_at.map(ms))
            .bind(m.day_check_at.map(ms))
            .bind(m.lead_check_at.map(ms))
            .bind(m.next_due_at.map(ms))
            .bind(ms(m.updated_at))
            .bind(m.id.0)
            .bind(m.version)
            .bind(m.done_anyway.as_ref().map(Why::as_str))
            .bind(own_leads(&m.reminders))
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("maintenance"));
        }
        on_tx!(self, |x| {
            sqlx::query("delete from maintenance_hosts where maintenance_id = $1").bind(m.id.0).execute(x).await?;
        });
        on_tx!(self, |x| {
            sqlx::query("delete from maintenance_components where maintenance_id = $1").bind(m.id.0).execute(x).await?;
        });
        on_tx!(self, |x| {
            sqlx::query("delete from checklist_lines where maintenance_id = $1").bind(m.id.0).execute(x).await?;
        });
        self.set_scope(m).await?;
        self.set_checklist(m).await
    }

    /// Notes which checks were made and when to look again, which changes nothing that people edit:
    /// the version stays.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn note_checks(&mut self, m: &Maintenance) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update maintenances set day_check_at = $1, lead_check_at = $2, next_due_at = $3
                 where id = $4 and version = $5",
            )
            .bind(m.day_check_at.map(ms))
            .bind(m.lead_check_at.map(ms))
            .bind(m.next_due_at.map(ms))
            .bind(m.id.0)
            .bind(m.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("maintenance")) }
    }

    async fn set_scope(&mut self, m: &Maintenance) -> Result<(), StoreError> {
        for host in &m.hosts {
            on_tx!(self, |x| {
                sqlx::query(
                    "insert into maintenance_hosts (maintenance_id, host_id) values ($1, $2) on conflict do nothing",
                )
                .bind(m.id.0)
                .bind(host.0)
                .execute(x)
                .await?;
            });
        }
        for component in &m.components {
            on_tx!(self, |x| {
                sqlx::query(
                    "insert into maintenance_components (maintenance_id, component_id) values ($1, $2) on conflict do nothing",
                )
                .bind(m.id.0)
                .bind(component.0)
                .execute(x)
                .await?;
            });
        }
        Ok(())
    }

    async fn set_checklist(&mut self, m: &Maintenance) -> Result<(), StoreError> {
        for (position, line) in (0_i64..).zip(&m.checklist) {
            on_tx!(self, |x| {
                sqlx::query(
                    "insert into checklist_lines (maintenance_id, position, line, ticked_by, ticked_at)
                     values ($1, $2, $3, $4, $5)",
                )
                .bind(m.id.0)
                .bind(position)
                .bind(line.text.as_str())
                .bind(line.tick.as_ref().map(|tick| tick.by.as_str()))
                .bind(line.tick.as_ref().map(|tick| ms(tick.at)))
                .execute(x)
                .await?;
            });
        }
        Ok(())
    }

    /// Removes a draft that was never published, of which no verdict was kept and for which no override was asked.
    ///
    /// # Errors
    /// Stale (changed since, or no such draft), something was kept of it (a conflict), or the database refused.
    pub async fn delete_draft(&mut self, id: MaintenanceId, version: i64) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "delete from maintenances where id = $1 and version = $2 and state = 'draft' and published_at is null",
            )
            .bind(id.0)
            .bind(version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("maintenance")) }
    }

    /// One window.
    ///
    /// # Errors
    /// There is none, the database refused, or its row does not parse.
    pub async fn maintenance(&mut self, id: MaintenanceId) -> Result<Maintenance, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!("select {COLUMNS} from maintenances where id = $1")))
                .bind(id.0)
                .fetch_all(x)
                .await?
        });
        self.complete_rows(rows).await?.pop().ok_or(StoreError::NotFound("maintenance"))
    }

    /// Windows in any of these states that start strictly after (`Earliest`) or before (`Latest`) a position.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn maintenances_in(
        &mut self,
        states: &[State],
        order: Order,
        beyond: Option<Position>,
        limit: i64,
    ) -> Result<Vec<Maintenance>, StoreError> {
        let (than, by, far) = match order {
            Order::Earliest => (">", "asc", (i64::MIN, Uuid::nil())),
            Order::Latest => ("<", "desc", (i64::MAX, Uuid::max())),
        };
        let (start, id) = beyond.map_or(far, |(at, id)| (ms(at), id.0));
        let sql = format!(
            "select {COLUMNS} from maintenances where state in ($1, $2, $3, $4, $5, $6, $7, $8)
             and (starts_at {than} $9 or (starts_at = $9 and id {than} $10))
             order by starts_at {by}, id {by} limit $11"
        );
        let states = padded(states);
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for state in &states {
                query = query.bind(state);
            }
            query.bind(start).bind(id).bind(limit).fetch_all(x).await?
        });
        self.complete_rows(rows).await
    }

    /// Published windows of any state of which some part lies in `[from, to)`, earliest start first.
    /// What was called off or done early counts with its planned time.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn maintenances_between(&mut self, from: Instant, to: Instant) -> Result<Vec<Maintenance>, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from maintenances
                 where published_at is not null and starts_at < $1 and ends_at > $2 order by starts_at, id"
            )))
            .bind(ms(to))
            .bind(ms(from))
            .fetch_all(x)
            .await?
        });
        self.complete_rows(rows).await
    }

    /// Windows of any state, drafts too, of which some part lies in `[from, to)`, earliest start first.
    /// What is held or under way counts up to any time: nobody has said that it is over.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn maintenances_within(&mut self, within: Stretch, limit: i64) -> Result<Vec<Maintenance>, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from maintenances
                 where (starts_at < $1 or started_at < $1)
                 and (ends_at > $2 or state in ('held', 'in_progress', 'verifying'))
                 order by starts_at, id limit $3"
            )))
            .bind(ms(within.to))
            .bind(ms(within.from))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        self.complete_rows(rows).await
    }

    /// Published windows that were completed or called off after an instant, the newest end first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn maintenances_ended_after(&mut self, at: Instant, limit: i64) -> Result<Vec<Maintenance>, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from maintenances
                 where published_at is not null and state in ('completed', 'cancelled') and ended_at > $1
                 order by ended_at desc, id limit $2"
            )))
            .bind(ms(at))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        self.complete_rows(rows).await
    }

    /// Published windows that did start at an instant or before it and were not over at `since`: those first that were
    /// under way at that instant, of these the latest start. What has no end yet and is not under way counts up to its
    /// planned end.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn maintenances_until(
        &mut self,
        at: Instant,
        since: Instant,
        limit: i64,
    ) -> Result<Vec<Maintenance>, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from maintenances
                 where published_at is not null and started_at <= $1
                 and (ended_at > $2
                     or (ended_at is null and (state in ('in_progress', 'verifying') or ends_at > $2)))
                 order by case when ended_at <= $1 then 1 else 0 end, started_at desc, id limit $3"
            )))
            .bind(ms(at))
            .bind(ms(since))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        self.complete_rows(rows).await
    }

    /// The windows of a series whose dates are this one or later, earliest start first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn maintenances_of_series(
        &mut self,
        id: SeriesId,
        from: NaiveDate,
    ) -> Result<Vec<Maintenance>, StoreError> {
        let rows: Vec<MaintenanceRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from maintenances where id in (
                     select maintenance_id from series_occurrences where series_id = $1 and date >= $2)
                 order by starts_at, id"
            )))
            .bind(id.0)
            .bind(from.format("%Y-%m-%d").to_string())
            .fetch_all(x)
            .await?
        });
        self.complete_rows(rows).await
    }

    /// Windows at which the worker has to look now, longest due first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn due_maintenances(&mut self, now: Instant, limit: i64) -> Result<Vec<MaintenanceId>, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select id from maintenances where next_due_at is not null and next_due_at <= $1
                 order by next_due_at, id limit $2",
            )
            .bind(ms(now))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        Ok(ids.into_iter().map(MaintenanceId).collect())
    }

    /// How many windows are in each of these states.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_maintenances(&mut self, states: &[State]) -> Result<i64, StoreError> {
        let states = padded(states);
        Ok(on_tx!(self, |x| {
            let mut query =
                sqlx::query_scalar("select count(*) from maintenances where state in ($1, $2, $3, $4, $5, $6, $7, $8)");
            for state in &states {
                query = query.bind(state);
            }
            query.fetch_one(x).await?
        }))
    }

    /// How many windows wait for a person: on hold, without a time, to be started by hand, or under
    /// way past their end.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_waiting(&mut self, now: Instant) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from maintenances where state in ('held', 'postponed')
                 or (state in ('in_progress', 'verifying') and ends_at <= $1)
                 or (state = 'scheduled' and not auto_start and starts_at <= $1)",
            )
            .bind(ms(now))
            .fetch_one(x)
            .await?
        }))
    }

    /// Adds what the windows touch, and their checklists.
    pub(crate) async fn complete_rows(&mut self, rows: Vec<MaintenanceRow>) -> Result<Vec<Maintenance>, StoreError> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut hosts = self.links("maintenance_hosts", "host_id", &ids).await?;
        let mut components = self.links("maintenance_components", "component_id", &ids).await?;
        let mut checklists = self.checklists(&ids).await?;
        rows.into_iter()
            .map(|row| {
                let hosts = hosts.remove(&row.id).unwrap_or_default().into_iter().map(HostId).collect();
                let components = components.remove(&row.id).unwrap_or_default().into_iter().map(ComponentId).collect();
                let checklist = checklists.remove(&row.id).unwrap_or_default();
                row.with(hosts, components, checklist)
            })
            .collect()
    }

    async fn checklists(&mut self, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<CheckLine>>, StoreError> {
        const T: &str = "checklist_lines";
        let mut found: HashMap<Uuid, Vec<CheckLine>> = HashMap::new();
        for ids in ids.chunks(CHUNK) {
            let sql = format!(
                "select maintenance_id, line, ticked_by, ticked_at from checklist_lines
                 where maintenance_id in ({}) order by maintenance_id, position",
                places(ids.len())
            );
            let rows: Vec<(Uuid, String, Option<String>, Option<i64>)> = on_tx!(self, |x| {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(id);
                }
                query.fetch_all(x).await?
            });
            for (of, line, ticked_by, ticked_at) in rows {
                let text = Name::parse(&line).map_err(|e| corrupt(T, of, e))?;
                let ticked_at = maybe_at(T, of, ticked_at)?;
                let tick = ticked_by.zip(ticked_at).map(|(by, at)| Tick { by, at });
                found.entry(of).or_default().push(CheckLine { text, tick });
            }
        }
        Ok(found)
    }

    async fn links(
        &mut self,
        table: &'static str,
        column: &'static str,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Uuid>>, StoreError> {
        let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for ids in ids.chunks(CHUNK) {
            let sql = format!(
                "select maintenance_id, {column} from {table} where maintenance_id in ({}) order by {column}",
                places(ids.len())
            );
            let rows: Vec<(Uuid, Uuid)> = on_tx!(self, |x| {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(id);
                }
                query.fetch_all(x).await?
            });
            for (maintenance, other) in rows {
                found.entry(maintenance).or_default().push(other);
            }
        }
        Ok(found)
    }

    /// Adds a line to a timeline.
    ///
    /// # Errors
    /// No such window, or the database refused.
    pub async fn add_update(&mut self, update: &Update) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into maintenance_updates (id, maintenance_id, kind, body, at, author_id, old_starts_at, old_ends_at, starts_at, ends_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(update.id.0)
            .bind(update.maintenance_id.0)
            .bind(code(update.kind))
            .bind(update.body.as_str())
            .bind(ms(update.at))
            .bind(update.author.map(|id| id.0))
            .bind(update.old_starts_at.map(ms))
            .bind(update.old_ends_at.map(ms))
            .bind(ms(update.starts_at))
            .bind(ms(update.ends_at))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The timelines of these windows, newest line first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn updates_of(&mut self, windows: &[MaintenanceId]) -> Result<Vec<Update>, StoreError> {
        let mut found = Vec::new();
        for ids in windows.chunks(CHUNK) {
            let sql = format!(
                "select id, maintenance_id, kind, body, at, author_id, old_starts_at, old_ends_at, starts_at, ends_at
                 from maintenance_updates where maintenance_id in ({}) order by at desc, id desc",
                places(ids.len())
            );
            let rows: Vec<UpdateRow> = on_tx!(self, |x| {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(id.0);
                }
                query.fetch_all(x).await?
            });
            for row in rows {
                found.push(Update::try_from(row)?);
            }
        }
        Ok(found)
    }

    /// Keeps an answer of the gate with its evidence. There is no way to change or remove one.
    ///
    /// # Errors
    /// No such window, or the database refused.
    pub async fn add_verdict(&mut self, kept: &KeptVerdict, evidence: &Evidence) -> Result<(), StoreError> {
        let verdict: &Verdict = &kept.verdict;
        let text = |e: serde_json::Error| corrupt("verdicts", kept.id, e);
        let verdict_json = serde_json::to_string(verdict).map_err(text)?;
        let evidence_json = serde_json::to_string(evidence).map_err(text)?;
        on_tx!(self, |x| {
            sqlx::query(
                "insert into verdicts (id, maintenance_id, asked_at, occasion, confirmed, until_at, verdict_json, evidence_json)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(kept.id.0)
            .bind(kept.maintenance_id.0)
            .bind(ms(verdict.asked_at))
            .bind(code(kept.occasion))
            .bind(verdict.is_confirmed())
            .bind(verdict.until().map(ms))
            .bind(&verdict_json)
            .bind(&evidence_json)
            .execute(x)
            .await?;
        });
        self.keep_runs_of(evidence).await
    }

    /// The newest answers of the gate for a window, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn verdicts_of(&mut self, id: MaintenanceId, limit: i64) -> Result<Vec<KeptVerdict>, StoreError> {
        let rows: Vec<VerdictRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, maintenance_id, occasion, verdict_json from verdicts
                 where maintenance_id = $1 order by asked_at desc, id desc limit $2",
            )
            .bind(id.0)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One answer of the gate with its evidence.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn verdict(&mut self, id: VerdictId) -> Result<(KeptVerdict, Evidence), StoreError> {
        let row: Option<VerdictRow> = on_tx!(self, |x| {
            sqlx::query_as("select id, maintenance_id, occasion, verdict_json from verdicts where id = $1")
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        let kept: KeptVerdict = row.ok_or(StoreError::NotFound("verdict"))?.try_into()?;
        let json: String = on_tx!(self, |x| {
            sqlx::query_scalar("select evidence_json from verdicts where id = $1").bind(id.0).fetch_one(x).await?
        });
        Ok((kept, serde_json::from_str(&json).map_err(|e| corrupt("verdicts", id, e))?))
    }
}

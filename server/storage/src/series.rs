//! Work that repeats, and the dates that were dealt with.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::maintenance::{LOCAL, code, own_leads, parse, places};
use crate::reminder::reminders;
use chrono::{NaiveDate, NaiveDateTime};
use domain::ids::{ComponentId, HostId, MaintenanceId, SeriesId, UserId};
use domain::series::{Gap, Given, Occurrence, Rule, Series, Timing};
use domain::text::{Name, Prose};
use domain::time::Span;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use uuid::Uuid;

/// How a date is stored: texts sort as dates do.
const DATE: &str = "%Y-%m-%d";

/// Parameters in one statement; SQLite takes 32,766.
const CHUNK: usize = 500;

const COLUMNS: &str = "id, title, message, rule, zone, local_start, length_s, may_wait_s, gap, fold, auto_start,
    auto_complete, checklist, problem, ended_at, created_by, created_at, version, reminders";

#[derive(sqlx::FromRow)]
struct SeriesRow {
    id: Uuid,
    title: String,
    message: String,
    rule: String,
    zone: String,
    local_start: String,
    length_s: i64,
    may_wait_s: i64,
    gap: String,
    fold: String,
    auto_start: bool,
    auto_complete: bool,
    checklist: String,
    problem: Option<String>,
    ended_at: Option<i64>,
    created_by: Option<Uuid>,
    created_at: i64,
    version: i64,
    reminders: Option<String>,
}

impl SeriesRow {
    fn with(self, hosts: Vec<HostId>, components: Vec<ComponentId>) -> Result<Series, StoreError> {
        const T: &str = "series";
        let id = self.id;
        let start = NaiveDateTime::parse_from_str(&self.local_start, LOCAL).map_err(|e| corrupt(T, id, e))?;
        let gap = [Gap::Skip, Gap::Move].into_iter().find(|gap| gap_code(*gap) == self.gap);
        Ok(Series {
            id: SeriesId(id),
            title: Name::parse(&self.title).map_err(|e| corrupt(T, id, e))?,
            message: Prose::parse(&self.message).map_err(|e| corrupt(T, id, e))?,
            hosts,
            components,
            timing: Timing {
                rule: Rule::parse(&self.rule, start.date()).map_err(|e| corrupt(T, id, e))?,
                zone: self.zone,
                start,
                length: Span::seconds(self.length_s),
                may_wait: Span::seconds(self.may_wait_s),
                gap: gap.ok_or_else(|| corrupt(T, id, &self.gap))?,
                fold: parse(T, id, &self.fold)?,
            },
            auto_start: self.auto_start,
            auto_complete: self.auto_complete,
            checklist: self
                .checklist
                .lines()
                .map(Name::parse)
                .collect::<Result<_, _>>()
                .map_err(|e| corrupt(T, id, e))?,
            reminders: reminders(T, id, self.reminders.as_deref())?,
            problem: self.problem,
            ended_at: maybe_at(T, id, self.ended_at)?,
            created_by: self.created_by.map(UserId),
            created_at: at(T, id, self.created_at)?,
            version: self.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct OccurrenceRow {
    series_id: Uuid,
    date: String,
    maintenance_id: Option<Uuid>,
    zone: String,
    local_start: String,
    start_fold: Option<String>,
    length_s: i64,
}

impl TryFrom<OccurrenceRow> for Occurrence {
    type Error = StoreError;
    fn try_from(row: OccurrenceRow) -> Result<Self, StoreError> {
        const T: &str = "series_occurrences";
        let id = row.series_id;
        Ok(Self {
            series_id: SeriesId(id),
            date: NaiveDate::parse_from_str(&row.date, DATE).map_err(|e| corrupt(T, id, e))?,
            maintenance_id: row.maintenance_id.map(MaintenanceId),
            given: Given {
                zone: row.zone,
                local_start: NaiveDateTime::parse_from_str(&row.local_start, LOCAL).map_err(|e| corrupt(T, id, e))?,
                start_fold: row.start_fold.map(|fold| parse(T, id, &fold)).transpose()?,
                length: Span::seconds(row.length_s),
            },
        })
    }
}

const fn gap_code(gap: Gap) -> &'static str {
    match gap {
        Gap::Skip => "skip",
        Gap::Move => "move",
    }
}

fn lines(checklist: &[Name]) -> String {
    checklist.iter().map(Name::as_str).collect::<Vec<_>>().join("\n")
}

impl Tx {
    /// Stores a new series with what it touches.
    ///
    /// # Errors
    /// A host or component does not exist, or the database refused.
    pub async fn add_series(&mut self, s: &Series) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(AssertSqlSafe(format!(
                "insert into series ({COLUMNS})
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
            )))
            .bind(s.id.0)
            .bind(s.title.as_str())
            .bind(s.message.as_str())
            .bind(s.timing.rule.to_string())
            .bind(&s.timing.zone)
            .bind(s.timing.start.format(LOCAL).to_string())
            .bind(s.timing.length.as_seconds())
            .bind(s.timing.may_wait.as_seconds())
            .bind(gap_code(s.timing.gap))
            .bind(code(s.timing.fold))
            .bind(s.auto_start)
            .bind(s.auto_complete)
            .bind(lines(&s.checklist))
            .bind(&s.problem)
            .bind(s.ended_at.map(ms))
            .bind(s.created_by.map(|id| id.0))
            .bind(ms(s.created_at))
            .bind(s.version)
            .bind(own_leads(&s.reminders))
            .execute(x)
            .await?;
        });
        self.set_series_scope(s).await
    }

    /// Stores a series as it becomes, if nobody changed it since it was read; its version rises by one.
    ///
    /// # Errors
    /// Stale, a host or component does not exist, or the database refused.
    pub async fn update_series(&mut self, s: &Series) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update series set title = $1, message = $2, rule = $3, zone = $4, local_start = $5, length_s = $6,
                 may_wait_s = $7, gap = $8, fold = $9, auto_start = $10, auto_complete = $11, checklist = $12,
                 problem = $13, ended_at = $14, reminders = $17, version = version + 1 where id = $15 and version = $16",
            )
            .bind(s.title.as_str())
            .bind(s.message.as_str())
            .bind(s.timing.rule.to_string())
            .bind(&s.timing.zone)
            .bind(s.timing.start.format(LOCAL).to_string())
            .bind(s.timing.length.as_seconds())
            .bind(s.timing.may_wait.as_seconds())
            .bind(gap_code(s.timing.gap))
            .bind(code(s.timing.fold))
            .bind(s.auto_start)
            .bind(s.auto_complete)
            .bind(lines(&s.checklist))
            .bind(&s.problem)
            .bind(s.ended_at.map(ms))
            .bind(s.id.0)
            .bind(s.version)
            .bind(own_leads(&s.reminders))
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("series"));
        }
        on_tx!(self, |x| {
            sqlx::query("delete from series_hosts where series_id = $1").bind(s.id.0).execute(x).await?;
        });
        on_tx!(self, |x| {
            sqlx::query("delete from series_components where series_id = $1").bind(s.id.0).execute(x).await?;
        });
        self.set_series_scope(s).await
    }

    async fn set_series_scope(&mut self, s: &Series) -> Result<(), StoreError> {
        for host in &s.hosts {
            on_tx!(self, |x| {
                sqlx::query("insert into series_hosts (series_id, host_id) values ($1, $2) on conflict do nothing")
                    .bind(s.id.0)
                    .bind(host.0)
                    .execute(x)
                    .await?;
            });
        }
        for component in &s.components {
            on_tx!(self, |x| {
                sqlx::query(
                    "insert into series_components (series_id, component_id) values ($1, $2) on conflict do nothing",
                )
                .bind(s.id.0)
                .bind(component.0)
                .execute(x)
                .await?;
            });
        }
        Ok(())
    }

    /// Notes why the next window could not be made, or that it could. Not an edit: the version stays.
    ///
    /// # Errors
    /// The database refused.
    pub async fn note_series_problem(&mut self, id: SeriesId, problem: Option<&str>) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update series set problem = $1 where id = $2").bind(problem).bind(id.0).execute(x).await?;
        });
        Ok(())
    }

    /// One series.
    ///
    /// # Errors
    /// There is none, the database refused, or its row does not parse.
    pub async fn series(&mut self, id: SeriesId) -> Result<Series, StoreError> {
        let rows: Vec<SeriesRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!("select {COLUMNS} from series where id = $1")))
                .bind(id.0)
                .fetch_all(x)
                .await?
        });
        self.complete_series(rows).await?.pop().ok_or(StoreError::NotFound("series"))
    }

    /// All series, those that go on first, then the newest; or only those that go on.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn all_series(&mut self, only_open: bool) -> Result<Vec<Series>, StoreError> {
        let rows: Vec<SeriesRow> = on_tx!(self, |x| {
            sqlx::query_as(AssertSqlSafe(format!(
                "select {COLUMNS} from series where ended_at is null or not $1
                 order by case when ended_at is null then 0 else 1 end, created_at desc, id desc"
            )))
            .bind(only_open)
            .fetch_all(x)
            .await?
        });
        self.complete_series(rows).await
    }

    async fn complete_series(&mut self, rows: Vec<SeriesRow>) -> Result<Vec<Series>, StoreError> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            let hosts: Vec<Uuid> = on_tx!(self, |x| {
                sqlx::query_scalar("select host_id from series_hosts where series_id = $1 order by host_id")
                    .bind(id)
                    .fetch_all(x)
                    .await?
            });
            let components: Vec<Uuid> = on_tx!(self, |x| {
                sqlx::query_scalar(
                    "select component_id from series_components where series_id = $1 order by component_id",
                )
                .bind(id)
                .fetch_all(x)
                .await?
            });
            let hosts = hosts.into_iter().map(HostId).collect();
            found.push(row.with(hosts, components.into_iter().map(ComponentId).collect())?);
        }
        Ok(found)
    }

    /// What series that go on and name a host are called.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_series_of_host(&mut self, id: HostId) -> Result<Vec<String>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select s.title from series s join series_hosts h on h.series_id = s.id
                 where h.host_id = $1 and s.ended_at is null order by s.created_at",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        }))
    }

    /// What series that go on and name a component are called.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_series_of_component(&mut self, id: ComponentId) -> Result<Vec<String>, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select s.title from series s join series_components c on c.series_id = s.id
                 where c.component_id = $1 and s.ended_at is null order by s.created_at",
            )
            .bind(id.0)
            .fetch_all(x)
            .await?
        }))
    }

    /// Notes that a date is dealt with.
    ///
    /// # Errors
    /// It was dealt with already (a conflict), no such series or window, or the database refused.
    pub async fn add_occurrence(&mut self, o: &Occurrence) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into series_occurrences (series_id, date, maintenance_id, zone, local_start, start_fold, length_s)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(o.series_id.0)
            .bind(o.date.format(DATE).to_string())
            .bind(o.maintenance_id.map(|id| id.0))
            .bind(&o.given.zone)
            .bind(o.given.local_start.format(LOCAL).to_string())
            .bind(o.given.start_fold.map(code))
            .bind(o.given.length.as_seconds())
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("date"))?;
        });
        Ok(())
    }

    /// Gives a window another date and time of its series.
    ///
    /// # Errors
    /// The new date was dealt with already (a conflict), there is no such window, or the database refused.
    pub async fn move_occurrence(&mut self, from: NaiveDate, o: &Occurrence) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update series_occurrences set date = $1, zone = $2, local_start = $3, start_fold = $4, length_s = $5
                 where series_id = $6 and date = $7",
            )
            .bind(o.date.format(DATE).to_string())
            .bind(&o.given.zone)
            .bind(o.given.local_start.format(LOCAL).to_string())
            .bind(o.given.start_fold.map(code))
            .bind(o.given.length.as_seconds())
            .bind(o.series_id.0)
            .bind(from.format(DATE).to_string())
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("date"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound("occurrence")) }
    }

    /// The dates of a series that were dealt with, from one on, in order.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn occurrences_from(&mut self, id: SeriesId, from: NaiveDate) -> Result<Vec<Occurrence>, StoreError> {
        let rows: Vec<OccurrenceRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select series_id, date, maintenance_id, zone, local_start, start_fold, length_s
                 from series_occurrences where series_id = $1 and date >= $2 order by date",
            )
            .bind(id.0)
            .bind(from.format(DATE).to_string())
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The dates of these windows, of those that belong to a series.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn occurrences_among(
        &mut self,
        windows: &[MaintenanceId],
    ) -> Result<HashMap<MaintenanceId, Occurrence>, StoreError> {
        let mut found = HashMap::new();
        for ids in windows.chunks(CHUNK) {
            let sql = format!(
                "select series_id, date, maintenance_id, zone, local_start, start_fold, length_s
                 from series_occurrences where maintenance_id in ({})",
                places(ids.len())
            );
            let rows: Vec<OccurrenceRow> = on_tx!(self, |x| {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(id.0);
                }
                query.fetch_all(x).await?
            });
            for row in rows {
                let occurrence = Occurrence::try_from(row)?;
                if let Some(id) = occurrence.maintenance_id {
                    found.insert(id, occurrence);
                }
            }
        }
        Ok(found)
    }

    /// Whether any window of a series was ever published.
    ///
    /// # Errors
    /// The database refused.
    pub async fn series_was_published(&mut self, id: SeriesId) -> Result<bool, StoreError> {
        let found: i64 = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from series_occurrences o join maintenances m on m.id = o.maintenance_id
                 where o.series_id = $1 and m.published_at is not null",
            )
            .bind(id.0)
            .fetch_one(x)
            .await?
        });
        Ok(found > 0)
    }

    /// How many series that go on wait for somebody: their next window could not be made, or is a draft
    /// that the gate is against.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_series_waiting(&mut self) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from series s where s.ended_at is null and (s.problem is not null or exists (
                     select 1 from series_occurrences o join maintenances m on m.id = o.maintenance_id
                     where o.series_id = s.id and m.state = 'draft'))",
            )
            .fetch_one(x)
            .await?
        }))
    }
}

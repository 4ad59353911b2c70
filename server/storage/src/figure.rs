//! Time by state for each component and day: what is counted, up to when, and what has changed since.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::maintenance::places;
use chrono::NaiveDate;
use domain::availability::{Life, Tally};
use domain::ids::{ComponentId, GroupId, ImpactId, IncidentId, MaintenanceId};
use domain::impact::{Known, Source};
use domain::time::{Instant, Stretch};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Up to when days have been counted, and by which clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The site's zone then.
    pub zone: String,
    /// The version of the zone's rules then.
    pub zone_rules: String,
    /// The beginning of the first day that has not been counted.
    pub until: Instant,
}

/// A component in the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Which.
    pub id: ComponentId,
    /// Where it stands.
    pub group_id: Option<GroupId>,
    /// Its name.
    pub name: String,
    /// Its part in addresses.
    pub slug: String,
    /// From when to when it counts.
    pub life: Life,
}

/// A stretch of a component's past that has to be counted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Which mark.
    pub id: Uuid,
    /// Whose past.
    pub component: ComponentId,
    /// From here.
    pub from: Instant,
    /// Up to here; none up to all that is counted.
    pub to: Option<Instant>,
}

/// What happened to a component, with the name of what did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Which.
    pub id: ImpactId,
    /// What it was then.
    pub known: Known,
    /// What said so.
    pub what: What,
    /// From here.
    pub from: Instant,
    /// Up to here; none while it lasts.
    pub to: Option<Instant>,
}

/// What says how a component was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// An incident, with its number and title.
    Incident(IncidentId, i64, String),
    /// A window, with its number and title.
    Window(MaintenanceId, i64, String),
    /// A state set by hand.
    ByHand,
    /// A correction.
    Correction,
}

#[derive(sqlx::FromRow)]
struct CountsRow {
    id: Uuid,
    group_id: Option<Uuid>,
    name: String,
    slug: String,
    created_at: i64,
    retired_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct DayRow {
    component_id: Uuid,
    day: String,
    operational_ms: i64,
    planned_ms: i64,
    degraded_ms: i64,
    degraded_planned_ms: i64,
    partial_ms: i64,
    partial_planned_ms: i64,
    major_ms: i64,
    unknown_ms: i64,
}

#[derive(sqlx::FromRow)]
struct HappeningRow {
    id: Uuid,
    state: String,
    source: String,
    source_id: Uuid,
    from_at: i64,
    to_at: Option<i64>,
    number: Option<i64>,
    title: Option<String>,
}

impl TryFrom<CountsRow> for Counts {
    type Error = StoreError;
    fn try_from(row: CountsRow) -> Result<Self, StoreError> {
        const T: &str = "components";
        Ok(Self {
            id: ComponentId(row.id),
            group_id: row.group_id.map(GroupId),
            name: row.name,
            slug: row.slug,
            life: Life { created_at: at(T, row.id, row.created_at)?, retired_at: maybe_at(T, row.id, row.retired_at)? },
        })
    }
}

impl TryFrom<DayRow> for (ComponentId, NaiveDate, Tally) {
    type Error = StoreError;
    fn try_from(row: DayRow) -> Result<Self, StoreError> {
        let day = row.day.parse().map_err(|e| corrupt("component_days", row.component_id, e))?;
        let tally = Tally {
            operational: row.operational_ms,
            planned: row.planned_ms,
            degraded: row.degraded_ms,
            degraded_planned: row.degraded_planned_ms,
            partial: row.partial_ms,
            partial_planned: row.partial_planned_ms,
            major: row.major_ms,
            unknown: row.unknown_ms,
        };
        Ok((ComponentId(row.component_id), day, tally))
    }
}

impl TryFrom<HappeningRow> for Happening {
    type Error = StoreError;
    fn try_from(row: HappeningRow) -> Result<Self, StoreError> {
        const T: &str = "impacts";
        let named = row.number.zip(row.title);
        let what = match (row.source.as_str(), named) {
            (source, Some((number, title))) if source == Source::Incident.as_str() => {
                What::Incident(IncidentId(row.source_id), number, title)
            }
            (source, Some((number, title))) if source == Source::Maintenance.as_str() => {
                What::Window(MaintenanceId(row.source_id), number, title)
            }
            (source, None) if source == Source::Override.as_str() => What::ByHand,
            (source, None) if source == Source::Correction.as_str() => What::Correction,
            (source, _) => return Err(corrupt(T, row.id, format!("source {source}"))),
        };
        Ok(Self {
            id: ImpactId(row.id),
            known: Known::parse(&row.state).map_err(|e| corrupt(T, row.id, e))?,
            what,
            from: at(T, row.id, row.from_at)?,
            to: maybe_at(T, row.id, row.to_at)?,
        })
    }
}

impl Tx {
    /// Up to when days have been counted; none where that was never begun.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn counted(&mut self) -> Result<Option<Counted>, StoreError> {
        let row: Option<(String, String, i64)> = on_tx!(self, |x| {
            sqlx::query_as("select zone, zone_rules, until_at from counted_days where one = 1")
                .fetch_optional(x)
                .await?
        });
        row.map(|(zone, zone_rules, until)| Ok(Counted { zone, zone_rules, until: at("counted_days", 1, until)? }))
            .transpose()
    }

    /// Says up to when days have been counted.
    ///
    /// # Errors
    /// The database refused.
    pub async fn set_counted(&mut self, counted: &Counted) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into counted_days (one, zone, zone_rules, until_at) values (1, $1, $2, $3)
                 on conflict (one) do update set zone = excluded.zone, zone_rules = excluded.zone_rules,
                 until_at = excluded.until_at",
            )
            .bind(&counted.zone)
            .bind(&counted.zone_rules)
            .bind(ms(counted.until))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Forgets all that has been counted.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forget_counted(&mut self) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from component_days").execute(&mut *x).await?;
            sqlx::query("delete from stale_days").execute(&mut *x).await?;
            sqlx::query("delete from counted_days").execute(x).await?;
        });
        Ok(())
    }

    /// The earliest instant of which anything is known: when the first component was entered, or what happened
    /// before that.
    ///
    /// # Errors
    /// The database refused, or the rows do not parse.
    pub async fn first_known(&mut self) -> Result<Option<Instant>, StoreError> {
        let first: Option<i64> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select min(at) from (select min(created_at) as at from components
                 union all select min(from_at) from impacts) as known",
            )
            .fetch_one(x)
            .await?
        });
        maybe_at("impacts", "first", first)
    }

    /// Components that were in use at some time after an instant, in the order of the page. Only those that
    /// customers know, unless private ones are asked for too.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn counting(&mut self, after: Instant, private_too: bool) -> Result<Vec<Counts>, StoreError> {
        let rows: Vec<CountsRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select c.id, c.group_id, c.name, c.slug, c.created_at, c.retired_at
                 from components c left join component_groups g on g.id = c.group_id
                 where (c.retired_at is null or c.retired_at > $1) and ($2 or not c.is_private)
                 order by case when g.id is null then 0 else 1 end, g.position, g.id, c.position, c.id",
            )
            .bind(ms(after))
            .bind(private_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The counted days from one date to another, of one component or of all, by component and date. A day that
    /// is not there was one on which nothing happened.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn component_days(
        &mut self,
        of: Option<ComponentId>,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<Vec<(ComponentId, NaiveDate, Tally)>, StoreError> {
        const COLUMNS: &str = "select component_id, day, operational_ms, planned_ms, degraded_ms, degraded_planned_ms,
             partial_ms, partial_planned_ms, major_ms, unknown_ms from component_days";
        let sql = match of {
            Some(_) => format!("{COLUMNS} where day between $1 and $2 and component_id = $3 order by day"),
            None => format!("{COLUMNS} where day between $1 and $2 order by component_id, day"),
        };
        let rows: Vec<DayRow> = on_tx!(self, |x| {
            let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(first.to_string()).bind(last.to_string());
            if let Some(of) = of {
                query = query.bind(of.0);
            }
            query.fetch_all(x).await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Puts counted days of a component in place of those from one date to another.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_component_days(
        &mut self,
        of: ComponentId,
        first: NaiveDate,
        last: NaiveDate,
        days: &[(NaiveDate, Tally)],
    ) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from component_days where component_id = $1 and day between $2 and $3")
                .bind(of.0)
                .bind(first.to_string())
                .bind(last.to_string())
                .execute(&mut *x)
                .await?;
            for (day, tally) in days {
                sqlx::query(
                    "insert into component_days (component_id, day, operational_ms, planned_ms, degraded_ms,
                     degraded_planned_ms, partial_ms, partial_planned_ms, major_ms, unknown_ms)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                )
                .bind(of.0)
                .bind(day.to_string())
                .bind(tally.operational)
                .bind(tally.planned)
                .bind(tally.degraded)
                .bind(tally.degraded_planned)
                .bind(tally.partial)
                .bind(tally.partial_planned)
                .bind(tally.major)
                .bind(tally.unknown)
                .execute(&mut *x)
                .await?;
            }
        });
        Ok(())
    }

    /// What has to be counted again, so many marks at most.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn stale_days(&mut self, limit: i64) -> Result<Vec<Stale>, StoreError> {
        const T: &str = "stale_days";
        let rows: Vec<(Uuid, Uuid, i64, Option<i64>)> = on_tx!(self, |x| {
            sqlx::query_as("select id, component_id, from_at, to_at from stale_days order by from_at, id limit $1")
                .bind(limit)
                .fetch_all(x)
                .await?
        });
        rows.into_iter()
            .map(|(id, component, from, to)| {
                Ok(Stale { id, component: ComponentId(component), from: at(T, id, from)?, to: maybe_at(T, id, to)? })
            })
            .collect()
    }

    /// The components of which something in a stretch has to be counted again.
    ///
    /// # Errors
    /// The database refused.
    pub async fn stale_within(&mut self, within: Stretch) -> Result<BTreeSet<ComponentId>, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar(
                "select distinct component_id from stale_days where from_at < $2 and (to_at is null or to_at > $1)",
            )
            .bind(ms(within.from))
            .bind(ms(within.to))
            .fetch_all(x)
            .await?
        });
        Ok(ids.into_iter().map(ComponentId).collect())
    }

    /// Marks that have been seen to.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_stale(&mut self, marks: &[Stale]) -> Result<(), StoreError> {
        for part in marks.chunks(200) {
            let sql = format!("delete from stale_days where id in ({})", places(part.len()));
            on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for mark in part {
                    query = query.bind(mark.id);
                }
                query.execute(x).await?;
            });
        }
        Ok(())
    }

    /// What happened to a component in a stretch, the newest first, so many at most. Only what customers know.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn happenings(
        &mut self,
        of: ComponentId,
        within: Stretch,
        limit: i64,
    ) -> Result<Vec<Happening>, StoreError> {
        let rows: Vec<HappeningRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select i.id, i.state, i.source, i.source_id, i.from_at, i.to_at,
                     coalesce(n.number, m.number) as number, coalesce(n.title, m.title) as title
                 from impacts i
                 left join incidents n on i.source = 'incident' and n.id = i.source_id
                 left join maintenances m on i.source = 'maintenance' and m.id = i.source_id
                 where i.component_id = $1 and i.from_at < $3 and (i.to_at is null or i.to_at > $2)
                     and (i.source <> 'incident' or n.published_at is not null)
                     and (i.source <> 'maintenance' or m.published_at is not null)
                 order by i.from_at desc, i.id desc limit $4",
            )
            .bind(of.0)
            .bind(ms(within.from))
            .bind(ms(within.to))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }
}

//! Findings: what they are made from, and what is kept of them.

use crate::db::{Inner, Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::finding::order::PAIRS;
use domain::finding::{Acknowledgement, Case, DataSetFact, Facts, Finding, HostFact, JobFact, Ran};
use domain::ids::{DataSetId, FindingId, HostId, JobId};
use domain::time::{Instant, Span};
use std::collections::BTreeMap;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, finding_json, first_seen_at, last_seen_at, closed_at, told_at, acknowledged_reason, acknowledged_by,
         acknowledged_at, acknowledged_until_at, version"
    };
}

#[derive(sqlx::FromRow)]
struct CaseRow {
    id: Uuid,
    finding_json: String,
    first_seen_at: i64,
    last_seen_at: i64,
    closed_at: Option<i64>,
    told_at: Option<i64>,
    acknowledged_reason: Option<String>,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<i64>,
    acknowledged_until_at: Option<i64>,
    version: i64,
}

impl TryFrom<CaseRow> for Case {
    type Error = StoreError;
    fn try_from(row: CaseRow) -> Result<Self, StoreError> {
        let acknowledged_at = maybe_at("findings", row.id, row.acknowledged_at)?;
        let until = maybe_at("findings", row.id, row.acknowledged_until_at)?;
        let acknowledged = match (row.acknowledged_reason, row.acknowledged_by, acknowledged_at, until) {
            (Some(reason), Some(by), Some(at), Some(until)) => Some(Acknowledgement { reason, by, at, until }),
            (None, None, None, None) => None,
            _ => return Err(corrupt("findings", row.id, "half an acknowledgement")),
        };
        Ok(Self {
            id: FindingId(row.id),
            finding: serde_json::from_str(&row.finding_json).map_err(|e| corrupt("findings", row.id, e))?,
            first_seen_at: at("findings", row.id, row.first_seen_at)?,
            last_seen_at: at("findings", row.id, row.last_seen_at)?,
            closed_at: maybe_at("findings", row.id, row.closed_at)?,
            told_at: maybe_at("findings", row.id, row.told_at)?,
            acknowledged,
            version: row.version,
        })
    }
}

fn json(finding: &Finding) -> Result<String, StoreError> {
    serde_json::to_string(finding).map_err(|e| corrupt("findings", finding.subject.uuid(), e))
}

#[derive(sqlx::FromRow)]
struct HostRow {
    id: Uuid,
    name: String,
    owner: String,
    is_exempt: bool,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct DataSetRow {
    id: Uuid,
    host_id: Uuid,
    name: String,
    kind: String,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: Uuid,
    data_set_id: Uuid,
    name: String,
    enabled: bool,
    every_s: i64,
    carried_by: Option<Uuid>,
    created_at: i64,
}

/// Job, where its newest run stands in lists, its end, its state.
type HeardRow = (Uuid, i64, Option<i64>, String);

/// Job, start and end.
type RanRow = (Uuid, i64, i64);

/// The newest run of each job in use, whatever became of it: one step into an index for each.
const HEARD: &str = "select r.job_id, r.listed_at, r.finished_at, r.state from runs r where r.id in (
         select (select x.id from runs x where x.job_id = j.id order by x.listed_at desc, x.id desc limit 1)
         from jobs j where j.retired_at is null)";

/// Jobs in use that are carried, or carry.
macro_rules! ordered {
    () => {
        "select j.id from jobs j where j.retired_at is null and j.enabled and (j.carried_by is not null
             or exists (select 1 from jobs c where c.carried_by = j.id and c.retired_at is null and c.enabled))"
    };
}

/// Their newest runs of one worth, by a bounded walk along one index for each job. PostgreSQL takes it only as
/// `lateral`, which SQLite does not know; SQLite takes it only with `cross join`, which keeps the order written.
macro_rules! ran_sqlite {
    ($worth:literal) => {
        concat!(
            "select r.job_id, r.started_at, r.finished_at from (",
            ordered!(),
            ") j cross join runs r on r.job_id = j.id and r.worth = '",
            $worth,
            "' and not r.clock_fault and r.started_at >= coalesce(
                 (select x.started_at from runs x where x.job_id = j.id and x.worth = '",
            $worth,
            "' and not x.clock_fault order by x.started_at desc, x.finished_at desc, x.id desc limit 1 offset $1), 0)"
        )
    };
}
macro_rules! ran_postgres {
    ($worth:literal) => {
        concat!(
            "select r.job_id, r.started_at, r.finished_at from (",
            ordered!(),
            ") j cross join lateral (select x.job_id, x.started_at, x.finished_at from runs x
                 where x.job_id = j.id and x.worth = '",
            $worth,
            "' and not x.clock_fault order by x.started_at desc, x.finished_at desc, x.id desc limit $1 + 1) r"
        )
    };
}

macro_rules! ran_of_one {
    ($worth:literal) => {
        concat!(
            "select started_at, finished_at from runs where job_id = $1 and worth = '",
            $worth,
            "' and not clock_fault order by started_at desc, finished_at desc, id desc limit $2"
        )
    };
}

impl Tx {
    /// Everything in use that findings are made from. However many runs there are, a fixed number of them is read
    /// for each job.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn finding_facts(&mut self, now: Instant) -> Result<Facts, StoreError> {
        let (hosts, data_sets, jobs, heard) = on_tx!(self, |x| {
            let hosts: Vec<HostRow> = sqlx::query_as(
                "select id, name, owner, exempt_reason is not null as is_exempt, created_at from hosts
                 where retired_at is null",
            )
            .fetch_all(&mut *x)
            .await?;
            let data_sets: Vec<DataSetRow> =
                sqlx::query_as("select id, host_id, name, kind, created_at from data_sets where retired_at is null")
                    .fetch_all(&mut *x)
                    .await?;
            let jobs: Vec<JobRow> = sqlx::query_as(
                "select id, data_set_id, name, enabled, every_s, carried_by, created_at from jobs
                 where retired_at is null",
            )
            .fetch_all(&mut *x)
            .await?;
            let heard: Vec<HeardRow> = sqlx::query_as(HEARD).fetch_all(&mut *x).await?;
            (hosts, data_sets, jobs, heard)
        });
        let mut ran = self.ran().await?;
        let mut newest: BTreeMap<Uuid, (Instant, bool)> = BTreeMap::new();
        for (job, listed_at, finished_at, state) in heard {
            // A clock that runs ahead makes no job less silent.
            let heard_at = at("runs", job, listed_at.max(finished_at.unwrap_or(listed_at)))?.min(now);
            newest.insert(job, (heard_at, state == "running"));
        }
        let hosts = hosts.into_iter().map(|row| {
            Ok(HostFact {
                id: HostId(row.id),
                name: row.name,
                owner: row.owner,
                is_exempt: row.is_exempt,
                created_at: at("hosts", row.id, row.created_at)?,
            })
        });
        let data_sets = data_sets.into_iter().map(|row| {
            Ok(DataSetFact {
                id: DataSetId(row.id),
                host: HostId(row.host_id),
                name: row.name,
                kind: crate::data_set::kind_of(row.id, &row.kind)?,
                created_at: at("data_sets", row.id, row.created_at)?,
            })
        });
        let jobs = jobs.into_iter().map(|row| {
            let heard = newest.get(&row.id).copied();
            Ok(JobFact {
                id: JobId(row.id),
                data_set: DataSetId(row.data_set_id),
                name: row.name,
                enabled: row.enabled,
                every: Span::seconds(row.every_s),
                carried_by: row.carried_by.map(JobId),
                created_at: at("jobs", row.id, row.created_at)?,
                heard_at: heard.map(|(heard_at, _)| heard_at),
                is_running: heard.is_some_and(|(_, is_running)| is_running),
                ran: ran.remove(&row.id).unwrap_or_default(),
            })
        });
        Ok(Facts {
            hosts: hosts.collect::<Result<_, StoreError>>()?,
            data_sets: data_sets.collect::<Result<_, StoreError>>()?,
            jobs: jobs.collect::<Result<_, StoreError>>()?,
        })
    }

    /// The newest runs of one job that ended well or with warnings, oldest first; as many as findings are made from.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn ran_lately(&mut self, job: JobId) -> Result<Vec<Ran>, StoreError> {
        let most = i64::try_from(PAIRS + 2).unwrap_or(i64::MAX);
        let mut rows: Vec<(i64, i64)> = Vec::new();
        on_tx!(self, |x| {
            for text in [ran_of_one!("good"), ran_of_one!("warning")] {
                rows.extend(sqlx::query_as::<_, (i64, i64)>(text).bind(job.0).bind(most).fetch_all(&mut *x).await?);
            }
        });
        let run = |(started_at, finished_at)| {
            Ok(Ran { started_at: at("runs", job, started_at)?, finished_at: at("runs", job, finished_at)? })
        };
        let mut ran: Vec<Ran> = rows.into_iter().map(run).collect::<Result<_, StoreError>>()?;
        ran.sort_unstable();
        Ok(ran)
    }

    /// The newest runs that ended well or with warnings, of jobs that are carried or carry, oldest first.
    async fn ran(&mut self) -> Result<BTreeMap<Uuid, Vec<Ran>>, StoreError> {
        // Two more than pairs are looked at: one may be missing its other half.
        let last = i64::try_from(PAIRS + 1).unwrap_or(i64::MAX);
        let mut rows: Vec<RanRow> = Vec::new();
        match &mut self.inner {
            Inner::Sqlite(x) => {
                for text in [ran_sqlite!("good"), ran_sqlite!("warning")] {
                    rows.extend(sqlx::query_as::<_, RanRow>(text).bind(last).fetch_all(&mut **x).await?);
                }
            }
            Inner::Postgres(x) => {
                for text in [ran_postgres!("good"), ran_postgres!("warning")] {
                    rows.extend(sqlx::query_as::<_, RanRow>(text).bind(last).fetch_all(&mut **x).await?);
                }
            }
        }
        let mut ran: BTreeMap<Uuid, Vec<Ran>> = BTreeMap::new();
        for (job, started_at, finished_at) in rows {
            let run = Ran { started_at: at("runs", job, started_at)?, finished_at: at("runs", job, finished_at)? };
            ran.entry(job).or_default().push(run);
        }
        for runs in ran.values_mut() {
            runs.sort_unstable();
        }
        Ok(ran)
    }

    /// Findings that are not gone, by when they were seen first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn open_findings(&mut self) -> Result<Vec<Case>, StoreError> {
        let rows: Vec<CaseRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from findings where closed_at is null order by first_seen_at, id"
            ))
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Findings that are gone, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn closed_findings(&mut self, since: Instant, limit: i64) -> Result<Vec<Case>, StoreError> {
        let rows: Vec<CaseRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                " from findings where closed_at is not null and closed_at >= $1
                 order by closed_at desc, id desc limit $2"
            ))
            .bind(ms(since))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How many findings ask for somebody.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_open_findings(&mut self, now: Instant) -> Result<i64, StoreError> {
        Ok(on_tx!(self, |x| {
            sqlx::query_scalar(
                "select count(*) from findings where closed_at is null
                 and (acknowledged_until_at is null or acknowledged_until_at <= $1)",
            )
            .bind(ms(now))
            .fetch_one(x)
            .await?
        }))
    }

    /// One finding.
    ///
    /// # Errors
    /// Not found, the row does not parse, or the database refused.
    pub async fn finding(&mut self, id: FindingId) -> Result<Case, StoreError> {
        let row: Option<CaseRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!("select ", columns!(), " from findings where id = $1"))
                .bind(id.0)
                .fetch_optional(x)
                .await?
        });
        row.ok_or(StoreError::NotFound("finding"))?.try_into()
    }

    /// Keeps a new finding.
    ///
    /// # Errors
    /// One of its kind about the same thing is open already, or the database refused.
    pub async fn insert_finding(
        &mut self,
        id: FindingId,
        finding: &Finding,
        seen_at: Instant,
    ) -> Result<(), StoreError> {
        let (kind, subject) = finding.key();
        let json = json(finding)?;
        on_tx!(self, |x| {
            sqlx::query(
                "insert into findings (id, kind, subject_id, finding_json, first_seen_at, last_seen_at)
                 values ($1, $2, $3, $4, $5, $5)",
            )
            .bind(id.0)
            .bind(kind.as_str())
            .bind(subject)
            .bind(json)
            .bind(ms(seen_at))
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("finding"))?;
        });
        Ok(())
    }

    /// Keeps the newest figures of a finding.
    ///
    /// # Errors
    /// The database refused.
    pub async fn move_finding(&mut self, id: FindingId, finding: &Finding) -> Result<(), StoreError> {
        let json = json(finding)?;
        on_tx!(self, |x| {
            sqlx::query("update findings set finding_json = $1 where id = $2").bind(json).bind(id.0).execute(x).await?;
        });
        Ok(())
    }

    /// Closes a finding that is gone.
    ///
    /// # Errors
    /// The database refused.
    pub async fn close_finding(&mut self, id: FindingId, gone_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update findings set closed_at = $1 where id = $2 and closed_at is null")
                .bind(ms(gone_at))
                .bind(id.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Says that all that is open was seen.
    ///
    /// # Errors
    /// The database refused.
    pub async fn see_findings(&mut self, seen_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update findings set last_seen_at = $1 where closed_at is null")
                .bind(ms(seen_at))
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Says that the team was told of a finding.
    ///
    /// # Errors
    /// The database refused.
    pub async fn note_finding_told(&mut self, id: FindingId, told_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("update findings set told_at = $1 where id = $2")
                .bind(ms(told_at))
                .bind(id.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// Stores an acknowledgement, or that there is none any more, if nobody did since the finding was read. Raises
    /// its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn acknowledge_finding(&mut self, case: &Case) -> Result<(), StoreError> {
        let acknowledged = case.acknowledged.as_ref();
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update findings set acknowledged_reason = $1, acknowledged_by = $2, acknowledged_at = $3,
                 acknowledged_until_at = $4, version = version + 1 where id = $5 and version = $6",
            )
            .bind(acknowledged.map(|a| &a.reason))
            .bind(acknowledged.map(|a| &a.by))
            .bind(acknowledged.map(|a| ms(a.at)))
            .bind(acknowledged.map(|a| ms(a.until)))
            .bind(case.id.0)
            .bind(case.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("finding")) }
    }
}

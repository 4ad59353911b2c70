//! Reads what the gate needs to know of a scope: a fixed number of statements, each of which
//! takes a fixed number of steps per job, however many runs there are.

use crate::data_set::{DataSetRow, data_set_columns};
use crate::db::{Inner, Tx, on_tx};
use crate::error::StoreError;
use crate::host::{HostRow, host_columns};
use crate::job::{JobRow, job_columns};
use crate::run::{RunRow, run_columns};
use domain::backup::Job;
use domain::gate::{DataSetEvidence, Evidence, HostEvidence, JobEvidence, Scope, blast_radius};
use domain::host::{DataSet, Host};
use domain::ids::{ComponentId, DataSetId, HostId, JobId};
use domain::policy::{Policy, PolicyOverride, RestoreOverride};
use domain::run::Run;
use domain::time::Span;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Placeholders for a list of ids or names, and what to bind to them. The list is filled up to a power
/// of two, so that there are few texts for the database to prepare. SQLite looks for a numbered
/// placeholder among all others: a thousand of them would cost more than what they ask for.
pub(crate) fn list<T: Copy + Default>(tx: &Tx, ids: &BTreeSet<T>) -> (String, Vec<T>) {
    let mut bind: Vec<T> = ids.iter().copied().collect();
    bind.resize(bind.len().next_power_of_two(), T::default());
    (marks(tx, 1..=bind.len()), bind)
}

/// Placeholders with these numbers.
fn marks(tx: &Tx, numbers: RangeInclusive<usize>) -> String {
    let mark = |n| match tx.inner {
        Inner::Sqlite(_) => "?".to_owned(),
        Inner::Postgres(_) => format!("${n}"),
    };
    numbers.map(mark).collect::<Vec<String>>().join(", ")
}

/// `($1, $2), ($3, $4)`: placeholders for the values of so many rows of so many columns.
pub(crate) fn rows(tx: &Tx, count: usize, columns: usize) -> String {
    let row = |n: usize| format!("({})", marks(tx, n * columns + 1..=(n + 1) * columns));
    (0..count).map(row).collect::<Vec<String>>().join(", ")
}

/// Ids or names in one statement; SQLite takes 32,766.
const PART: usize = 512;

/// A long list in parts, for what can be asked of each part alone.
pub(crate) fn parts<T: Copy + Ord>(wanted: impl IntoIterator<Item = T>) -> Vec<BTreeSet<T>> {
    let wanted: Vec<T> = wanted.into_iter().collect();
    wanted.chunks(PART).map(|part| part.iter().copied().collect()).collect()
}

/// Runs `$text` with a list of ids in the place of `{ids}`.
macro_rules! fetch_by_ids {
    ($tx:expr, $row:ty, $text:expr, $ids:expr) => {{
        let (marks, bind) = list($tx, $ids);
        // The ids are bound once; SQLite takes a placeholder without a value for null.
        debug_assert_eq!($text.matches("{ids}").count(), 1);
        let text: String = $text.replace("{ids}", &marks);
        let rows: Vec<$row> = on_tx!($tx, |x| {
            let mut query = sqlx::query_as(AssertSqlSafe(text));
            for id in bind {
                query = query.bind(id);
            }
            query.fetch_all(x).await?
        });
        rows
    }};
}
pub(crate) use fetch_by_ids;

#[derive(sqlx::FromRow)]
struct CarrierRow {
    #[sqlx(flatten)]
    job: JobRow,
    schedule_max_age_s: Option<i64>,
    start_max_age_s: Option<i64>,
    warnings_are_good: Option<bool>,
    drill_max_age_s: Option<i64>,
    rto_s: Option<i64>,
    slow_restore_blocks: Option<bool>,
}

const HOSTS: &str =
    concat!("select ", host_columns!(), " from hosts where id in ({ids}) and retired_at is null order by name_key, id");

const DATA_SETS: &str = concat!(
    "select ",
    data_set_columns!(),
    " from data_sets where host_id in ({ids}) and retired_at is null order by name_key, id"
);

const JOBS: &str = concat!(
    "select ",
    job_columns!(),
    " from jobs j join data_sets d on d.id = j.data_set_id
     where d.host_id in ({ids}) and j.retired_at is null and d.retired_at is null order by j.name_key, j.id"
);

const CARRIERS: &str = concat!(
    "select ",
    job_columns!(),
    ", h.schedule_max_age_s, h.start_max_age_s, h.warnings_are_good, h.drill_max_age_s, h.rto_s, h.slow_restore_blocks
     from jobs j join data_sets d on d.id = j.data_set_id join hosts h on h.id = d.host_id
     where j.id in ({ids}) order by j.id"
);

/// The runs that can matter (see [`JobEvidence`]), by one step into an index for each question:
/// the newest that tells how things stand, the newest of all, the newest that protects (well, or
/// with warnings), the newest with an impossible clock of each worth; and for a carried job the
/// newest that ended before its carrier last began. A run with a possible clock does not end
/// before it starts, hence the second bound, which keeps that last step short.
pub(crate) const RUNS: &str = concat!(
    "with picked as (select id, carried_by from jobs where id in ({ids})),
     carried as (select j.id,
         (select f.started_at from runs f where f.job_id = j.carried_by and f.worth = 'good' and not f.clock_fault
          order by f.started_at desc, f.finished_at desc, f.id desc limit 1) as good_at,
         (select f.started_at from runs f where f.job_id = j.carried_by and f.worth = 'warning' and not f.clock_fault
          order by f.started_at desc, f.finished_at desc, f.id desc limit 1) as warning_at
         from picked j where j.carried_by is not null),
     faulty as (select j.id from picked j where exists (select 1 from runs x where x.job_id = j.id and x.clock_fault))
     select ",
    run_columns!(),
    " from runs r where r.id in (
         select (select x.id from runs x where x.job_id = j.id and not x.dry_run and not x.clock_fault
                 order by x.started_at desc, x.received_at desc, x.id desc limit 1) from picked j
         union all
         select (select x.id from runs x where x.job_id = j.id
                 order by x.listed_at desc, x.id desc limit 1) from picked j
         union all
         select (select x.id from runs x where x.job_id = j.id and x.worth = 'good' and not x.clock_fault
                 order by x.started_at desc, x.finished_at desc, x.id desc limit 1) from picked j
         union all
         select (select x.id from runs x where x.job_id = j.id and x.worth = 'warning' and not x.clock_fault
                 order by x.started_at desc, x.finished_at desc, x.id desc limit 1) from picked j
         union all
         select (select x.id from runs x where x.job_id = j.id and x.worth = 'good' and x.clock_fault
                 order by x.received_at desc, x.id desc limit 1) from faulty j
         union all
         select (select x.id from runs x where x.job_id = j.id and x.worth = 'warning' and x.clock_fault
                 order by x.received_at desc, x.id desc limit 1) from faulty j
         union all
         select (select x.id from runs x where x.job_id = j.id and x.worth = '' and x.clock_fault
                 order by x.received_at desc, x.id desc limit 1) from faulty j
         union all
         select (select x.id from runs x where x.job_id = c.id and x.worth = 'good' and not x.clock_fault
                 and x.started_at <= c.good_at and x.finished_at <= c.good_at
                 order by x.started_at desc, x.finished_at desc, x.id desc limit 1) from carried c
         union all
         select (select x.id from runs x where x.job_id = c.id and x.worth = 'good' and not x.clock_fault
                 and x.started_at <= c.warning_at and x.finished_at <= c.warning_at
                 order by x.started_at desc, x.finished_at desc, x.id desc limit 1) from carried c
         union all
         select (select x.id from runs x where x.job_id = c.id and x.worth = 'warning' and not x.clock_fault
                 and x.started_at <= c.good_at and x.finished_at <= c.good_at
                 order by x.started_at desc, x.finished_at desc, x.id desc limit 1) from carried c
         union all
         select (select x.id from runs x where x.job_id = c.id and x.worth = 'warning' and not x.clock_fault
                 and x.started_at <= c.warning_at and x.finished_at <= c.warning_at
                 order by x.started_at desc, x.finished_at desc, x.id desc limit 1) from carried c)
     order by r.started_at desc, r.id desc"
);

/// How many of a job's last runs tell its rhythm.
const LAST_RUNS: usize = 8;

/// The last runs of jobs, by so many steps into an index for each.
fn last_runs_sql() -> String {
    let nth: Vec<String> = (0..LAST_RUNS)
        .map(|n| {
            format!(
                "select (select x.id from runs x where x.job_id = j.id and not x.dry_run and not x.clock_fault
                 order by x.started_at desc, x.received_at desc, x.id desc limit 1 offset {n}) from picked j"
            )
        })
        .collect();
    format!(
        "with picked as (select id from jobs where id in ({{ids}})) select {} from runs r where r.id in ({})",
        run_columns!(),
        nth.join(" union all ")
    )
}

fn parsed<R, T: TryFrom<R, Error = StoreError>>(rows: Vec<R>) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(TryInto::try_into).collect()
}

impl Tx {
    /// What is known of everything that work on this scope can destroy.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn evidence(&mut self, scope: &Scope, site: &Policy) -> Result<Evidence, StoreError> {
        let topology = self.topology().await?;
        let radius: BTreeSet<Uuid> = blast_radius(scope, &topology).into_iter().map(HostId::uuid).collect();
        let hosts: Vec<Host> = parsed(fetch_by_ids!(self, HostRow, HOSTS, &radius))?;
        let data_sets: Vec<DataSet> = parsed(fetch_by_ids!(self, DataSetRow, DATA_SETS, &radius))?;
        let jobs: Vec<Job> = parsed(fetch_by_ids!(self, JobRow, JOBS, &radius))?;
        let carriers: BTreeSet<Uuid> = jobs.iter().filter_map(|job| job.carried_by).map(JobId::uuid).collect();
        let carrying = fetch_by_ids!(self, CarrierRow, CARRIERS, &carriers);

        let mut of_interest: BTreeSet<Uuid> = jobs.iter().map(|job| job.id.0).collect();
        of_interest.extend(&carriers);
        let mut runs: BTreeMap<JobId, Vec<Run>> = BTreeMap::new();
        for row in fetch_by_ids!(self, RunRow, RUNS, &of_interest) {
            let run = Run::try_from(row)?;
            runs.entry(run.job_id).or_default().push(run);
        }
        let known = |job: Job| JobEvidence { runs: runs.get(&job.id).cloned().unwrap_or_default(), job };

        let mut of_data_set: BTreeMap<DataSetId, Vec<JobEvidence>> = BTreeMap::new();
        for job in jobs {
            of_data_set.entry(job.data_set_id).or_default().push(known(job));
        }
        let mut of_host: BTreeMap<HostId, Vec<DataSetEvidence>> = BTreeMap::new();
        for data_set in data_sets {
            let jobs = of_data_set.remove(&data_set.id).unwrap_or_default();
            of_host.entry(data_set.host_id).or_default().push(DataSetEvidence { data_set, jobs });
        }
        let facts = hosts.into_iter().map(|host| HostEvidence {
            id: host.id,
            name: host.name.to_string(),
            exemption: host.exemption,
            policy: site.for_host(&host.policy),
            data_sets: of_host.remove(&host.id).unwrap_or_default(),
        });
        let facts = facts.collect();
        let mut carriers = Vec::new();
        for row in carrying {
            let own = PolicyOverride {
                schedule_max_age: row.schedule_max_age_s.map(Span::seconds),
                start_max_age: row.start_max_age_s.map(Span::seconds),
                warnings_are_good: row.warnings_are_good,
                restore: RestoreOverride {
                    drill_max_age: row.drill_max_age_s.map(Span::seconds),
                    rto: row.rto_s.map(Span::seconds),
                    slow_restore_blocks: row.slow_restore_blocks,
                },
            };
            carriers.push((known(row.job.try_into()?), site.for_host(&own)));
        }
        let names = self.names_of(&scope.components).await?;
        Ok(Evidence::assemble(scope, &topology, facts, carriers, &names))
    }

    /// The last runs of each of these jobs, whatever became of them; dry runs and those with an
    /// impossible clock do not count. At most eight for each.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn last_runs(&mut self, jobs: &BTreeSet<JobId>) -> Result<BTreeMap<JobId, Vec<Run>>, StoreError> {
        let ids: BTreeSet<Uuid> = jobs.iter().map(|id| id.0).collect();
        let text = last_runs_sql();
        let mut runs: BTreeMap<JobId, Vec<Run>> = BTreeMap::new();
        for row in fetch_by_ids!(self, RunRow, text, &ids) {
            let run = Run::try_from(row)?;
            runs.entry(run.job_id).or_default().push(run);
        }
        Ok(runs)
    }

    /// Everything in use, as a scope.
    ///
    /// # Errors
    /// The database refused.
    pub async fn whole_scope(&mut self) -> Result<Scope, StoreError> {
        let ids: Vec<Uuid> = on_tx!(self, |x| {
            sqlx::query_scalar("select id from hosts where retired_at is null").fetch_all(x).await?
        });
        Ok(Scope { hosts: ids.into_iter().map(HostId).collect(), components: BTreeSet::new() })
    }

    async fn names_of(
        &mut self,
        components: &BTreeSet<ComponentId>,
    ) -> Result<BTreeMap<ComponentId, String>, StoreError> {
        let ids: BTreeSet<Uuid> = components.iter().map(|id| id.0).collect();
        let rows: Vec<(Uuid, String)> =
            fetch_by_ids!(self, (Uuid, String), "select id, name from components where id in ({ids})", &ids);
        Ok(rows.into_iter().map(|(id, name)| (ComponentId(id), name)).collect())
    }
}

//! Letting old runs go, a few at a time, and never what is still needed.
//!
//! Kept whatever their age: runs that go on, the runs the gate reads of each job (its newest good
//! ones, and the dump that its carrier copied), and runs named in the evidence of a verdict.

use crate::db::{Tx, at, ms, on_tx};
use crate::error::StoreError;
use crate::evidence::{RUNS, fetch_by_ids, list};
use crate::run::RunRow;
use domain::gate::Evidence;
use domain::ids::RunId;
use domain::run::Run;
use domain::time::Instant;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Parameters in one statement; SQLite takes 32,766.
const CHUNK: usize = 500;

/// A place in the order in which runs are looked through, oldest first.
pub type Place = (i64, Uuid);

/// What became of a part of the old runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many are gone.
    pub gone: u64,
    /// Start of the newest of them.
    pub newest: Option<Instant>,
    /// Where to go on; none at the end.
    pub next: Option<Place>,
}

impl Tx {
    /// Remembers that these runs are evidence: from now on the database refuses to delete them.
    pub(crate) async fn keep_runs_of(&mut self, evidence: &Evidence) -> Result<(), StoreError> {
        let own = evidence.hosts.iter().flat_map(|host| &host.data_sets).flat_map(|set| &set.jobs);
        let jobs = own.chain(evidence.carriers.iter().map(|(carrier, _)| carrier));
        let runs: BTreeSet<Uuid> = jobs.flat_map(|job| &job.runs).map(|run| run.id.0).collect();
        let runs: Vec<Uuid> = runs.into_iter().collect();
        for part in runs.chunks(CHUNK) {
            let (marks, bind) = list(self, &part.iter().copied().collect());
            let text = format!(
                "insert into evidence_runs (run_id) select id from runs where id in ({marks})
                 on conflict (run_id) do nothing"
            );
            on_tx!(self, |x| {
                let mut query = sqlx::query(AssertSqlSafe(text));
                for id in bind {
                    query = query.bind(id);
                }
                query.execute(x).await?;
            });
        }
        Ok(())
    }

    /// Whether a run is named in the evidence of a verdict.
    ///
    /// # Errors
    /// The database refused.
    pub async fn is_evidence(&mut self, run: RunId) -> Result<bool, StoreError> {
        let found: i64 = on_tx!(self, |x| {
            sqlx::query_scalar("select count(*) from evidence_runs where run_id = $1").bind(run.0).fetch_one(x).await?
        });
        Ok(found > 0)
    }

    /// Looks through at most `limit` runs of before an instant, from a place on, and deletes those
    /// that nothing needs. To be called in a decision ([`crate::Db::decide`]), so that no verdict is
    /// made from them meanwhile.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn expire_runs(
        &mut self,
        before: Instant,
        from: Option<Place>,
        limit: i64,
    ) -> Result<Expired, StoreError> {
        let from = from.unwrap_or((i64::MIN, Uuid::nil()));
        let old: Vec<(Uuid, Uuid, i64, i64, bool)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select r.id, r.job_id, r.listed_at, r.started_at,
                 (r.state = 'running' or exists (select 1 from evidence_runs e where e.run_id = r.id)) as needed
                 from runs r where r.listed_at < $1 and (r.listed_at, r.id) > ($2, $3)
                 order by r.listed_at, r.id limit $4",
            )
            .bind(ms(before))
            .bind(from.0)
            .bind(from.1)
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        let whole = i64::try_from(old.len()).unwrap_or(i64::MAX) == limit;
        let next = old.last().filter(|_| whole).map(|(id, _, listed_at, ..)| (*listed_at, *id));
        let jobs: BTreeSet<Uuid> = old.iter().map(|(_, job, ..)| *job).collect();
        let mut read = BTreeSet::new();
        if !jobs.is_empty() {
            for row in fetch_by_ids!(self, RunRow, RUNS, &jobs) {
                read.insert(Run::try_from(row)?.id.0);
            }
        }
        let unneeded = old.iter().filter(|(id, _, _, _, needed)| !needed && !read.contains(id));
        let (ids, starts): (BTreeSet<Uuid>, Vec<i64>) = unneeded.map(|(id, _, _, start, _)| (*id, *start)).unzip();
        let newest = starts.into_iter().max().map(|start| at("runs", "", start)).transpose()?;
        if ids.is_empty() {
            return Ok(Expired { gone: 0, newest: None, next });
        }
        let (marks, bind) = list(self, &ids);
        let gone = on_tx!(self, |x| {
            let mut query = sqlx::query(AssertSqlSafe(format!("delete from runs where id in ({marks})")));
            for id in bind {
                query = query.bind(id);
            }
            query.execute(x).await?.rows_affected()
        });
        Ok(Expired { gone, newest, next })
    }
}

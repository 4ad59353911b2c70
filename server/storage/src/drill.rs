//! Restore drills.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use crate::evidence::{fetch_by_ids, list};
use domain::drill::{Drill, DrillFact, DrillState, Link};
use domain::ids::{DataSetId, DrillId, HostId};
use domain::time::{Instant, Span};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

const TABLE: &str = "drills";

/// Columns of [`DrillRow`], of the table called `r`.
macro_rules! drill_columns {
    () => {
        "r.id, r.host_id, r.data_set_id, r.kind, r.state, r.planned_at, r.started_at, r.finished_at, r.startup_s,
         r.bytes, r.who, r.evidence_url, r.note, r.source, r.report_key, r.created_at, r.version"
    };
}
pub(crate) use drill_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct DrillRow {
    id: Uuid,
    host_id: Uuid,
    data_set_id: Option<Uuid>,
    kind: String,
    state: String,
    planned_at: Option<i64>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    startup_s: Option<i64>,
    bytes: Option<i64>,
    who: String,
    evidence_url: Option<String>,
    note: String,
    source: String,
    report_key: Option<String>,
    created_at: i64,
    version: i64,
}

impl TryFrom<DrillRow> for Drill {
    type Error = StoreError;
    fn try_from(row: DrillRow) -> Result<Self, StoreError> {
        let id = row.id;
        let evidence = row.evidence_url.map(|text| Link::parse(&text)).transpose();
        Ok(Self {
            id: DrillId(id),
            host_id: HostId(row.host_id),
            data_set_id: row.data_set_id.map(DataSetId),
            kind: row.kind.parse().map_err(|e| corrupt(TABLE, id, e))?,
            state: row.state.parse().map_err(|e| corrupt(TABLE, id, e))?,
            planned_at: maybe_at(TABLE, id, row.planned_at)?,
            started_at: maybe_at(TABLE, id, row.started_at)?,
            finished_at: maybe_at(TABLE, id, row.finished_at)?,
            startup: row.startup_s.map(Span::seconds),
            bytes: row.bytes,
            who: row.who,
            evidence: evidence.map_err(|e| corrupt(TABLE, id, e))?,
            note: row.note,
            source: row.source,
            key: row.report_key,
            created_at: at(TABLE, id, row.created_at)?,
            version: row.version,
        })
    }
}

/// A drill with the names of what it is about, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillLine {
    /// The drill.
    pub drill: Drill,
    /// The name of the host.
    pub host: String,
    /// The name of the data set; none where the whole host is meant.
    pub data_set: Option<String>,
}

#[derive(sqlx::FromRow)]
struct DrillLineRow {
    #[sqlx(flatten)]
    drill: DrillRow,
    host_name: String,
    data_set_name: Option<String>,
}

impl TryFrom<DrillLineRow> for DrillLine {
    type Error = StoreError;
    fn try_from(row: DrillLineRow) -> Result<Self, StoreError> {
        Ok(Self { drill: row.drill.try_into()?, host: row.host_name, data_set: row.data_set_name })
    }
}

/// When the restore of a data set in use was last shown to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastProof {
    /// Where.
    pub host_id: HostId,
    /// The name of that.
    pub host: String,
    /// What.
    pub data_set_id: DataSetId,
    /// The host's own age allowed.
    pub drill_max_age: Option<Span>,
    /// When; none where that never was.
    pub at: Option<Instant>,
}

#[derive(sqlx::FromRow)]
struct LastProofRow {
    host_id: Uuid,
    host_name: String,
    id: Uuid,
    drill_max_age_s: Option<i64>,
    own_measured: Option<i64>,
    own_proof: Option<i64>,
    whole_measured: Option<i64>,
    whole_proof: Option<i64>,
}

/// Which drills to list; everything where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrillFilter {
    /// Only of this host.
    pub host: Option<HostId>,
    /// Only in this state.
    pub state: Option<DrillState>,
}

macro_rules! lines {
    () => {
        concat!(
            "select ",
            drill_columns!(),
            ", h.name as host_name, d.name as data_set_name
             from drills r join hosts h on h.id = r.host_id left join data_sets d on d.id = r.data_set_id "
        )
    };
}

/// The newest drill of one worth (`$worth`) of what `$of` says, or the one `$nth` before it.
macro_rules! nth {
    ($of:literal, $worth:literal, $nth:literal) => {
        concat!(
            "(select x.id from drills x where ",
            $of,
            " and x.worth = '",
            $worth,
            "' order by x.finished_at desc, x.id desc limit 1 offset ",
            $nth,
            ")"
        )
    };
}

/// The drills that can matter for these hosts, by one step into an index for each question: the
/// newest three that measured something, of each data set and of each host ([`REMEMBERED`]), and
/// the newest that proved something, of each data set and of each host as a whole.
///
/// [`REMEMBERED`]: domain::drill::REMEMBERED
const FACTS: &str = concat!(
    "with picked as (select id from hosts where id in ({ids})),
     parts as (select id from data_sets where host_id in (select id from picked) and retired_at is null)
     select ",
    drill_columns!(),
    " from drills r where r.id in (
         select ",
    nth!("x.data_set_id = p.id", "measured", "0"),
    " from parts p union all select ",
    nth!("x.data_set_id = p.id", "measured", "1"),
    " from parts p union all select ",
    nth!("x.data_set_id = p.id", "measured", "2"),
    " from parts p union all select ",
    nth!("x.data_set_id = p.id", "proof", "0"),
    " from parts p union all select ",
    nth!("x.host_id = p.id", "measured", "0"),
    " from picked p union all select ",
    nth!("x.host_id = p.id", "measured", "1"),
    " from picked p union all select ",
    nth!("x.host_id = p.id", "measured", "2"),
    " from picked p union all select ",
    nth!("x.host_id = p.id and x.data_set_id is null", "measured", "0"),
    " from picked p union all select ",
    nth!("x.host_id = p.id and x.data_set_id is null", "proof", "0"),
    " from picked p) order by r.finished_at desc, r.id desc"
);

impl Tx {
    /// Stores a new drill.
    ///
    /// # Errors
    /// The reporter has told of it already, there is no such host or data set, or the database refused.
    pub async fn insert_drill(&mut self, drill: &Drill) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into drills (id, host_id, data_set_id, kind, state, worth, planned_at, started_at, finished_at,
                 startup_s, bytes, who, evidence_url, note, source, report_key, created_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            )
            .bind(drill.id.0)
            .bind(drill.host_id.0)
            .bind(drill.data_set_id.map(DataSetId::uuid))
            .bind(drill.kind.as_str())
            .bind(drill.state.as_str())
            .bind(drill.worth().as_str())
            .bind(drill.planned_at.map(ms))
            .bind(drill.started_at.map(ms))
            .bind(drill.finished_at.map(ms))
            .bind(drill.startup.map(Span::as_seconds))
            .bind(drill.bytes)
            .bind(&drill.who)
            .bind(drill.evidence.as_ref().map(Link::as_str))
            .bind(&drill.note)
            .bind(&drill.source)
            .bind(&drill.key)
            .bind(ms(drill.created_at))
            .bind(drill.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("drill"))?;
        });
        Ok(())
    }

    /// Stores how a drill went on, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn update_drill(&mut self, drill: &Drill) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update drills set state = $1, worth = $2, planned_at = $3, started_at = $4, finished_at = $5,
                 startup_s = $6, bytes = $7, who = $8, evidence_url = $9, note = $10, version = version + 1
                 where id = $11 and version = $12",
            )
            .bind(drill.state.as_str())
            .bind(drill.worth().as_str())
            .bind(drill.planned_at.map(ms))
            .bind(drill.started_at.map(ms))
            .bind(drill.finished_at.map(ms))
            .bind(drill.startup.map(Span::as_seconds))
            .bind(drill.bytes)
            .bind(&drill.who)
            .bind(drill.evidence.as_ref().map(Link::as_str))
            .bind(&drill.note)
            .bind(drill.id.0)
            .bind(drill.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("drill")) }
    }

    /// A drill with its names.
    ///
    /// # Errors
    /// Not found, the database refused, or the row does not parse.
    pub async fn drill(&mut self, id: DrillId) -> Result<DrillLine, StoreError> {
        let row: Option<DrillLineRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(lines!(), "where r.id = $1")).bind(id.0).fetch_optional(x).await?
        });
        row.ok_or(StoreError::NotFound("drill"))?.try_into()
    }

    /// The drill that a reporter calls by this key.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn drill_by_key(&mut self, host: HostId, source: &str, key: &str) -> Result<Option<Drill>, StoreError> {
        let row: Option<DrillRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                "select ",
                drill_columns!(),
                " from drills r where r.host_id = $1 and r.source = $2 and r.report_key = $3"
            ))
            .bind(host.0)
            .bind(source)
            .bind(key)
            .fetch_optional(x)
            .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Drills that are planned or running, the earliest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn open_drills(&mut self, limit: i64) -> Result<Vec<DrillLine>, StoreError> {
        let rows: Vec<DrillLineRow> = on_tx!(self, |x| {
            sqlx::query_as(concat!(
                lines!(),
                "where r.state in ('planned', 'running') order by r.planned_at, r.id limit $1"
            ))
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Drills, the last to end or to begin first, strictly before one of them.
    ///
    /// # Errors
    /// There is none to stand before, the database refused, or a row does not parse.
    pub async fn drills_before(
        &mut self,
        before: Option<DrillId>,
        filter: DrillFilter,
        limit: i64,
    ) -> Result<Vec<DrillLine>, StoreError> {
        let before = match before {
            None => (i64::MAX, Uuid::max()),
            Some(id) => {
                let at: Option<i64> = on_tx!(self, |x| {
                    sqlx::query_scalar("select listed_at from drills where id = $1")
                        .bind(id.0)
                        .fetch_optional(x)
                        .await?
                });
                (at.ok_or(StoreError::NotFound("drill"))?, id.0)
            }
        };
        let state = filter.state.map_or("", DrillState::as_str);
        // One text per filter, so that each finds its index.
        let rows: Vec<DrillLineRow> = match (filter.host, filter.state) {
            (Some(host), _) => on_tx!(self, |x| {
                sqlx::query_as(concat!(
                    lines!(),
                    "where r.host_id = $1 and ($2 = '' or r.state = $2) and (r.listed_at, r.id) < ($3, $4)
                     order by r.listed_at desc, r.id desc limit $5"
                ))
                .bind(host.0)
                .bind(state)
                .bind(before.0)
                .bind(before.1)
                .bind(limit)
                .fetch_all(x)
                .await?
            }),
            (None, Some(_)) => on_tx!(self, |x| {
                sqlx::query_as(concat!(
                    lines!(),
                    "where r.state = $1 and (r.listed_at, r.id) < ($2, $3) order by r.listed_at desc, r.id desc limit $4"
                ))
                .bind(state)
                .bind(before.0)
                .bind(before.1)
                .bind(limit)
                .fetch_all(x)
                .await?
            }),
            (None, None) => on_tx!(self, |x| {
                sqlx::query_as(concat!(
                    lines!(),
                    "where (r.listed_at, r.id) < ($1, $2) order by r.listed_at desc, r.id desc limit $3"
                ))
                .bind(before.0)
                .bind(before.1)
                .bind(limit)
                .fetch_all(x)
                .await?
            }),
        };
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// What the gate has to know of the drills of these hosts.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn drill_facts(&mut self, hosts: impl IntoIterator<Item = HostId>) -> Result<Vec<DrillFact>, StoreError> {
        let hosts: BTreeSet<Uuid> = hosts.into_iter().map(HostId::uuid).collect();
        let mut facts = Vec::new();
        for row in fetch_by_ids!(self, DrillRow, FACTS, &hosts) {
            facts.extend(Drill::try_from(row)?.fact());
        }
        Ok(facts)
    }

    /// When the restore of each data set in use was last shown to work, by host; without hosts that
    /// are exempt.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn last_proofs(&mut self) -> Result<Vec<LastProof>, StoreError> {
        let rows: Vec<LastProofRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select h.id as host_id, h.name as host_name, d.id, h.drill_max_age_s,
                 (select x.finished_at from drills x where x.data_set_id = d.id and x.worth = 'measured'
                  order by x.finished_at desc, x.id desc limit 1) as own_measured,
                 (select x.finished_at from drills x where x.data_set_id = d.id and x.worth = 'proof'
                  order by x.finished_at desc, x.id desc limit 1) as own_proof,
                 (select x.finished_at from drills x where x.host_id = h.id and x.data_set_id is null
                  and x.worth = 'measured' order by x.finished_at desc, x.id desc limit 1) as whole_measured,
                 (select x.finished_at from drills x where x.host_id = h.id and x.data_set_id is null
                  and x.worth = 'proof' order by x.finished_at desc, x.id desc limit 1) as whole_proof
                 from data_sets d join hosts h on h.id = d.host_id
                 where d.retired_at is null and h.retired_at is null and h.exempt_reason is null
                 order by h.name_key, h.id, d.name_key, d.id",
            )
            .fetch_all(x)
            .await?
        });
        let proof = |row: LastProofRow| {
            let newest =
                [row.own_measured, row.own_proof, row.whole_measured, row.whole_proof].into_iter().flatten().max();
            Ok(LastProof {
                host_id: HostId(row.host_id),
                host: row.host_name,
                data_set_id: DataSetId(row.id),
                drill_max_age: row.drill_max_age_s.map(Span::seconds),
                at: maybe_at(TABLE, row.id, newest)?,
            })
        };
        rows.into_iter().map(proof).collect()
    }
}

//! The two databases behind one face.
//!
//! Rules for every statement in this crate:
//!
//! 1. One SQL text for both: `$1…$n`, `on conflict … do update`, `returning`. No `now()`,
//!    `ilike`, `interval`, arrays. Time and randomness are parameters.
//! 2. ids are UUIDv7 (`BLOB`/`UUID`), instants `BIGINT` unix milliseconds named `*_at`, lengths
//!    `BIGINT` seconds named `*_s`, enums `TEXT` with `CHECK`. `cast(sum(x) as bigint)`.
//! 3. Row structs hold primitives; what does not parse is [`StoreError::Corrupt`].
//! 4. What a person edits has `version`, and every update says `and version = $n`.
//! 5. Decisions that depend on reads are taken inside [`Db::decide`].
//! 6. Every method runs on both databases in the contract tests.

use crate::error::StoreError;
use domain::time::Instant;
use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/postgres");

/// The channel on which nodes tell each other that something visible changed.
const CHANNEL: &str = "fermata_changes";

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pools: Pools,
    changes: Arc<Changes>,
}

/// What this process knows of changes that readers can see.
#[derive(Debug)]
struct Changes {
    /// Moves with each, and when one may have been missed.
    moved: watch::Sender<u64>,
    /// The number of the newest.
    newest: watch::Sender<i64>,
}

impl Changes {
    /// The number of a committed change; also heard twice, or late.
    fn reached(&self, number: i64) {
        if *self.newest.borrow() < number {
            // Who hears of the number finds no page of before.
            self.moved();
            self.newest.send_if_modified(|newest| {
                let rises = *newest < number;
                *newest = number.max(*newest);
                rises
            });
        }
    }

    fn moved(&self) {
        self.moved.send_modify(|n| *n = n.wrapping_add(1));
    }
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres(PgPool),
}

/// A transaction on either database. Rolls back when dropped.
#[derive(Debug)]
pub struct Tx {
    pub(crate) inner: Inner,
    announce: bool,
    changes: Arc<Changes>,
}

#[derive(Debug)]
pub(crate) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Expands a body once per driver, with `$x` bound to the connection.
macro_rules! on_tx {
    ($tx:expr, |$x:ident| $body:expr) => {
        match &mut $tx.inner {
            $crate::db::Inner::Sqlite(tx) => {
                let $x = &mut **tx;
                $body
            }
            $crate::db::Inner::Postgres(tx) => {
                let $x = &mut **tx;
                $body
            }
        }
    };
}
pub(crate) use on_tx;

impl Db {
    /// Opens `sqlite:PATH` or `postgres://…` and applies the migrations.
    ///
    /// # Errors
    /// The address is not understood, the database does not answer, a migration fails, or the
    /// SQLite library has the WAL-reset bug fixed in 3.51.3.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        let pools = if let Some(path) = address.strip_prefix("sqlite:") {
            Self::open_sqlite(Path::new(path.trim_start_matches("//"))).await?
        } else if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            Self::open_postgres(address).await?
        } else {
            return Err(StoreError::Address("expected sqlite:PATH or postgres://…".to_owned()));
        };
        const NEWEST: &str = "select number from changes";
        let newest = match &pools {
            Pools::Sqlite { read, .. } => sqlx::query_scalar(NEWEST).fetch_one(read).await?,
            Pools::Postgres(pool) => sqlx::query_scalar(NEWEST).fetch_one(pool).await?,
        };
        let (moved, newest) = (watch::channel(0).0, watch::channel(newest).0);
        let changes = Arc::new(Changes { moved, newest });
        if let Pools::Postgres(pool) = &pools {
            tokio::spawn(listen(pool.clone(), Arc::downgrade(&changes)));
        }
        Ok(Self { pools, changes })
    }

    async fn open_sqlite(path: &Path) -> Result<Pools, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            // The newest runs of a thousand jobs lie on 16 MiB of pages.
            .pragma("cache_size", "-32000")
            // Rows come from a thread of their own: each time it waits for room, both sides stop and start.
            .row_buffer_size(1024);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(20))
            .connect_with(options.clone())
            .await?;
        let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&write).await?;
        if !sqlite_is_safe(&version) {
            return Err(StoreError::Address(format!(
                "SQLite {version} can corrupt its write-ahead log; 3.51.3 or later is needed"
            )));
        }
        SQLITE.run(&write).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Pools::Sqlite { read, write })
    }

    async fn open_postgres(address: &str) -> Result<Pools, StoreError> {
        let options = PgConnectOptions::from_str(address)?.application_name("fermata");
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        POSTGRES.run(&pool).await?;
        Ok(Pools::Postgres(pool))
    }

    /// For reading: a consistent view of everything.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.begin().await?),
            Pools::Postgres(pool) => {
                Inner::Postgres(pool.begin_with("begin isolation level repeatable read read only").await?)
            }
        };
        Ok(self.tx(inner))
    }

    /// For writing what depends on nothing that others may change meanwhile (a report, a lease).
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => Inner::Sqlite(write.begin_with("begin immediate").await?),
            Pools::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(self.tx(inner))
    }

    /// For decisions: one at a time, on all nodes, so that what was read still holds at the commit.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn decide(&self) -> Result<Tx, StoreError> {
        let mut tx = self.write().await?;
        if let Inner::Postgres(inner) = &mut tx.inner {
            sqlx::query("select pg_advisory_xact_lock(7208)").execute(&mut **inner).await?;
        }
        Ok(tx)
    }

    /// A counter that moves with every committed change that readers can see, on any node.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.moved.subscribe()
    }

    /// The number of the newest committed change that readers can see: it rises with each, over all nodes and starts.
    #[must_use]
    pub fn newest_change(&self) -> watch::Receiver<i64> {
        self.changes.newest.subscribe()
    }

    /// Whether this is PostgreSQL, for the one place where the dialects differ.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// "SQLite 3.53.1" or "PostgreSQL 15.14".
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn version(&self) -> Result<String, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => {
                let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(read).await?;
                format!("SQLite {version}")
            }
            Pools::Postgres(pool) => {
                let version: String =
                    sqlx::query_scalar("select current_setting('server_version')").fetch_one(pool).await?;
                format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default())
            }
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    fn tx(&self, inner: Inner) -> Tx {
        Tx { inner, announce: false, changes: Arc::clone(&self.changes) }
    }
}

impl Tx {
    /// Says that this transaction changes what readers see; told to all nodes at the commit.
    pub fn announce(&mut self) {
        self.announce = true;
    }

    /// Makes it so.
    ///
    /// # Errors
    /// The database refused the commit; nothing was written, unless it is [`StoreError::Unknown`].
    pub async fn commit(mut self) -> Result<(), StoreError> {
        // Last of all, for until the commit it holds up everybody else who announces something.
        let number: Option<i64> = match self.announce {
            false => None,
            true => Some(on_tx!(self, |x| {
                sqlx::query_scalar("update changes set number = number + 1 returning number").fetch_one(x).await?
            })),
        };
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await.map_err(StoreError::of_commit)?,
            Inner::Postgres(mut tx) => {
                if let Some(number) = number {
                    sqlx::query("select pg_notify($1, $2)")
                        .bind(CHANNEL)
                        .bind(number.to_string())
                        .execute(&mut *tx)
                        .await?;
                }
                tx.commit().await.map_err(StoreError::of_commit)?;
            }
        }
        if let Some(number) = number {
            self.changes.reached(number);
        }
        Ok(())
    }
}

/// Hears the other nodes; after a broken connection everything counts as changed.
async fn listen(pool: PgPool, changes: std::sync::Weak<Changes>) {
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // What was said while nobody listened is looked up.
            let mut heard: Result<Option<PgNotification>, sqlx::Error> = Ok(None);
            loop {
                let number = match &heard {
                    Ok(Some(told)) => told.payload().parse().ok(),
                    _ => sqlx::query_scalar("select number from changes").fetch_one(&pool).await.ok(),
                };
                let Some(changes) = changes.upgrade() else { return };
                match number {
                    Some(number) => changes.reached(number),
                    None => changes.moved(),
                }
                drop(changes);
                if heard.is_err() {
                    break;
                }
                heard = listener.try_recv().await;
            }
        }
        if changes.strong_count() == 0 || pool.is_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// 3.51.3 or later, or one of the two branches that got the fix (sqlite.org/wal.html#walresetbug).
fn sqlite_is_safe(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').filter_map(|p| p.parse().ok()).collect();
    match parts.as_slice() {
        [3, 44, patch] => *patch >= 6,
        [3, 50, patch] => *patch >= 7,
        [3, minor, patch] => (*minor, *patch) >= (51, 3),
        [major, ..] => *major > 3,
        [] => false,
    }
}

/// Unix milliseconds of an instant, as stored.
#[must_use]
pub fn ms(at: Instant) -> i64 {
    at.timestamp_millis()
}

/// The instant of stored milliseconds.
pub(crate) fn at(table: &'static str, id: impl ToString, ms: i64) -> Result<Instant, StoreError> {
    Instant::from_timestamp_millis(ms).ok_or_else(|| crate::error::corrupt(table, id, format!("instant {ms}")))
}

/// The same for a nullable column.
pub(crate) fn maybe_at(table: &'static str, id: impl ToString, ms: Option<i64>) -> Result<Option<Instant>, StoreError> {
    ms.map(|ms| at(table, id, ms)).transpose()
}

#[cfg(test)]
mod tests {
    use super::sqlite_is_safe;

    #[test]
    fn refuses_sqlite_with_the_wal_reset_bug() {
        for bad in ["3.40.1", "3.46.0", "3.50.6", "3.51.2", "", "x"] {
            assert!(!sqlite_is_safe(bad), "{bad}");
        }
        for good in ["3.44.6", "3.50.7", "3.51.3", "3.53.1", "4.0.0"] {
            assert!(sqlite_is_safe(good), "{good}");
        }
    }
}

//! The database: a pool, transactions that retry what may be retried, statements that stay prepared, migrations.

pub mod batch;
pub mod connect;
pub mod embedded;
pub mod joined;
mod json;
pub mod migrate;
pub mod schema;
pub mod statement;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_kernel::{Code, Error, Result};
pub use json::Json;

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Bool};
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, RunQueryDsl, TransactionManager,
};
use futures_util::FutureExt;

/// A connection. Functions below a service take `&mut Conn`, never the pool, so that they compose in one transaction.
pub type Conn = AsyncPgConnection;

/// What a store function returns.
pub type DbResult<T> = std::result::Result<T, DbError>;

/// Advisory lock of the audit log's head.
pub const LOCK_AUDIT: i64 = 0x4153_0001;
/// Advisory lock of the event relay.
pub const LOCK_RELAY: i64 = 0x4153_0002;
/// Advisory lock of migrations and seeding.
pub const LOCK_MIGRATE: i64 = 0x4153_0003;

/// A failure of the database, on its way to a kernel error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DbError(#[from] DieselError);

impl DbError {
    /// The violated constraint's name, when that is what failed.
    pub fn constraint(&self) -> Option<&str> {
        match &self.0 {
            DieselError::DatabaseError(_, info) => info.constraint_name(),
            _ => None,
        }
    }

    /// Did a unique (or exclusion) constraint of that name refuse the row?
    pub fn violates(&self, constraint: &str) -> bool {
        self.constraint() == Some(constraint)
    }

    /// Was the connection lost?
    pub fn is_closed(&self) -> bool {
        match &self.0 {
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => true,
            DieselError::DatabaseError(_, info) => {
                let message = info.message();
                message.contains("connection closed")
                    || message.contains("terminating connection")
                    || message.contains("error communicating with the server")
            }
            DieselError::BrokenTransactionManager => true,
            _ => false,
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let unavailable = |error: DbError| {
            Error::new(Code::Unavailable, Code::Unavailable.meaning()).with_retry_after(1).with_source(error)
        };
        if error.is_closed() {
            return unavailable(error);
        }
        match &error.0 {
            DieselError::NotFound => Error::not_found("thing").with_source(error),
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
                unavailable(error).transient()
            }
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("idempotency_keys_pkey") =>
            {
                // The other request committed after our look-up: repeating finds its stored answer.
                unavailable(error).transient()
            }
            DieselError::DatabaseError(_, info) => {
                let message = info.message();
                if message.contains("deadlock detected") {
                    unavailable(error).transient()
                } else if message.contains("lock timeout") || message.contains("statement timeout") {
                    unavailable(error)
                } else {
                    Error::internal(error)
                }
            }
            _ => Error::internal(error),
        }
    }
}

tokio::task_local! {
    /// Statements sent while serving the present request; set by the web edge.
    pub static STATEMENTS: Cell<u32>;
}

/// Counts statements for the request that runs them (a test holds each route to its count).
struct CountStatements;

impl Instrumentation for CountStatements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            count_statement();
        }
    }
}

/// An error told to all who shared a statement; the one who sent it gets the original.
fn shared_error(error: &Error) -> Error {
    Error::new(error.code(), error.code().meaning()).with_source(error.chain())
}

fn count_statement() {
    // Outside a request (the worker, start-up) there is nothing to count for.
    let _outside_a_request = STATEMENTS.try_with(|count| count.set(count.get().saturating_add(1)));
}

/// The database: a pool for each thread that asks.
///
/// A connection is driven by the runtime that opened it. Were one pool shared by the HTTP threads, each statement would
/// wake another thread and be woken by it; so each thread has connections of its own, and no statement leaves it
/// (`docs/PERFORMANCE.md` has the difference).
#[derive(Clone)]
pub struct Db(Arc<Pools>);

struct Pools {
    /// Tells the pools of one database from those of another in the same thread.
    id: u64,
    url: String,
    options: PoolOptions,
    opened: Mutex<Vec<Pool<Conn>>>,
}

thread_local! {
    static OF_THREAD: RefCell<HashMap<u64, Pool<Conn>>> = RefCell::default();
}

/// Limits of a thread's pool and its sessions.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// Most connections of a thread.
    pub size: u32,
    /// `statement_timeout` of each session.
    pub statement_timeout: Duration,
}

impl Pools {
    fn of_this_thread(&self) -> Pool<Conn> {
        OF_THREAD.with_borrow_mut(|pools| {
            pools
                .entry(self.id)
                .or_insert_with(|| {
                    let pool = self.open();
                    self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
                    pool
                })
                .clone()
        })
    }

    fn open(&self) -> Pool<Conn> {
        let statement_ms = self.options.statement_timeout.as_millis();
        let mut config = ManagerConfig::<Conn>::default();
        // The default test on check-out is a query of its own on every use; a dead connection is found when used.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |url| {
            // Generic plans: what runs often has literal limits and indexes that fit, and planning it anew for each
            // request costs more than running it. Text search plans with its words inside `newest_matches`.
            let settings = format!(
                "SET statement_timeout = {statement_ms}; SET lock_timeout = 2000; \
                 SET idle_in_transaction_session_timeout = 10000; SET TIME ZONE 'UTC'; \
                 SET application_name = 'assay'; SET jit = off; SET plan_cache_mode = force_generic_plan"
            );
            async move {
                let mut conn = connect::connect(url).await?;
                diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, &settings)
                    .await
                    .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                conn.set_instrumentation(CountStatements);
                Ok(conn)
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::<Conn>::new_with_config(&self.url, config);
        Pool::builder()
            .max_size(self.options.size)
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(2))
            .idle_timeout(Some(Duration::from_secs(600)))
            .max_lifetime(Some(Duration::from_secs(3600)))
            .build_unchecked(manager)
    }
}

impl Db {
    /// Pools for `url`. Connections are opened when first wanted; nothing is sent here.
    pub fn new(url: &str, options: PoolOptions) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Pools { id, url: url.to_owned(), options, opened: Mutex::default() }))
    }

    /// A connection from this thread's pool, within two seconds.
    pub async fn get(&self) -> Result<PooledConnection<'static, Conn>> {
        let pool = self.0.of_this_thread();
        loop {
            let mut conn = pool.get_owned().await.map_err(|error| {
                Error::new(Code::Unavailable, Code::Unavailable.meaning())
                    .with_retry_after(1)
                    .with_source(error.to_string())
            })?;
            // Costs no query: known once the socket has closed. After a restart of the server all pooled connections
            // are such; dropping one here makes the pool open another.
            if !conn.is_broken() {
                return Ok(conn);
            }
        }
    }

    /// Runs reads without a transaction, once more when the connection turns out to be dead.
    pub async fn read<T>(&self, work: impl AsyncFn(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.get().await?;
        match work(&mut conn).await {
            Err(error) if error.code() == Code::Unavailable => {
                drop(conn);
                let mut conn = self.get().await?;
                work(&mut conn).await
            }
            done => done,
        }
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, else rolled back. Repeated (twice at most)
    /// only where PostgreSQL asks for it: serialisation failures and deadlocks. `work` must not call out.
    pub async fn tx<T>(&self, work: impl AsyncFn(&mut Conn) -> Result<T>) -> Result<T> {
        let mut attempt = 0_u8;
        loop {
            let mut conn = self.get().await?;
            if let Err(error) =
                AnsiTransactionManager::begin_transaction(&mut *conn).await.map_err(DbError::from)
            {
                // Nothing was sent yet, so a dead pooled connection costs one more try, not an error.
                if error.is_closed() && attempt < 2 {
                    attempt += 1;
                    continue;
                }
                return Err(error.into());
            }
            let error = match work(&mut conn).await {
                Ok(value) => {
                    AnsiTransactionManager::commit_transaction(&mut *conn).await.map_err(DbError::from)?;
                    return Ok(value);
                }
                Err(error) => error,
            };
            if let Err(rollback) = AnsiTransactionManager::rollback_transaction(&mut *conn).await {
                tracing::debug!(error = %rollback, "rollback failed; the pool drops the connection");
            }
            if !error.is_transient() || attempt >= 2 {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Is the database there?
    pub async fn ping(&self) -> Result<()> {
        self.read(async |conn| {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1"))
                .execute(conn)
                .await
                .map_err(DbError::from)?;
            Ok(())
        })
        .await
    }

    /// Connections open and idle over all threads, for the metrics.
    pub fn state(&self) -> (u32, u32) {
        let opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().map(Pool::state).fold((0, 0), |(open, idle), state| {
            (open.saturating_add(state.connections), idle.saturating_add(state.idle_connections))
        })
    }
}

#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Waits for an advisory lock that the end of the transaction releases.
pub async fn advisory_lock(conn: &mut Conn, key: i64) -> DbResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(key).execute(conn).await?;
    Ok(())
}

/// Takes an advisory lock until the end of the transaction, if nobody holds it.
pub async fn try_advisory_lock(conn: &mut Conn, key: i64) -> DbResult<bool> {
    let row: Locked = diesel::sql_query("SELECT pg_try_advisory_xact_lock($1) AS locked")
        .bind::<BigInt, _>(key)
        .get_result(conn)
        .await?;
    Ok(row.locked)
}

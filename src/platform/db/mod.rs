//! The database: a pool, transactions that retry what may be retried, statements that stay prepared, migrations.

pub mod embedded;
pub mod migrate;
pub mod schema;
pub mod statement;

use std::cell::Cell;
use std::time::Duration;

use assay_kernel::{Code, Error, Result};
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
            // Outside a request (the worker, start-up) there is nothing to count for.
            let _outside_a_request = STATEMENTS.try_with(|count| count.set(count.get().saturating_add(1)));
        }
    }
}

/// The pool.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Conn>,
}

/// Limits of a pool and its sessions.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// Most connections.
    pub size: u32,
    /// `statement_timeout` of each session.
    pub statement_timeout: Duration,
}

impl Db {
    /// A pool for `url`. Connections are opened when first wanted; nothing is sent here.
    pub async fn connect(url: &str, options: PoolOptions) -> Result<Self> {
        let statement_ms = options.statement_timeout.as_millis();
        let mut config = ManagerConfig::<Conn>::default();
        // The default test on check-out is a query of its own on every use; a dead connection is found when used.
        config.recycling_method = RecyclingMethod::Fast;
        // Each connection is driven by a task. It must outlive the HTTP threads, which end one by one in a drain while
        // others still serve, so it lives on the runtime that made the pool.
        let runtime = tokio::runtime::Handle::current();
        config.custom_setup = Box::new(move |url| {
            let url = url.to_owned();
            let opened = runtime.spawn(async move {
                let mut conn = Conn::establish(&url).await?;
                let settings = format!(
                    "SET statement_timeout = {statement_ms}; SET lock_timeout = 2000; \
                     SET idle_in_transaction_session_timeout = 10000; SET TIME ZONE 'UTC'; \
                     SET application_name = 'assay'; SET jit = off"
                );
                diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, &settings)
                    .await
                    .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                conn.set_instrumentation(CountStatements);
                Ok(conn)
            });
            async move {
                opened
                    .await
                    .unwrap_or_else(|error| Err(diesel::ConnectionError::BadConnection(error.to_string())))
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::<Conn>::new_with_config(url, config);
        let pool = Pool::builder()
            .max_size(options.size)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(2))
            .idle_timeout(Some(Duration::from_secs(600)))
            .max_lifetime(Some(Duration::from_secs(3600)))
            .build(manager)
            .await
            .map_err(Error::internal)?;
        Ok(Self { pool })
    }

    /// A connection from the pool, within two seconds.
    pub async fn get(&self) -> Result<PooledConnection<'_, Conn>> {
        loop {
            let mut conn = self.pool.get().await.map_err(|error| {
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

    /// Connections open and idle, for the metrics.
    pub fn state(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
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

//! Migrations, embedded in the binary, run under an advisory lock so that replicas may start together.

use assay_kernel::{Code, Error, Result};
use diesel_async::{AsyncConnection, AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connect::connect;
use super::{Conn, DbError, LOCK_MIGRATE};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Brings the schema at `url` up to this version of the service. Returns the names of what was run.
pub fn run(url: &str) -> Result<Vec<String>> {
    with_harness(url, |harness| {
        let run = harness.run_pending_migrations(MIGRATIONS).map_err(Error::internal)?;
        Ok(run.iter().map(ToString::to_string).collect())
    })
}

/// Takes the newest `steps` migrations back (all with `None`), for the proof that each can be.
pub fn revert(url: &str, steps: Option<usize>) -> Result<()> {
    with_harness(url, |harness| match steps {
        None => harness.revert_all_migrations(MIGRATIONS).map(drop).map_err(Error::internal),
        Some(steps) => (0..steps)
            .try_for_each(|_| harness.revert_last_migration(MIGRATIONS).map(drop).map_err(Error::internal)),
    })
}

/// Names of migrations that `url` lacks.
pub fn pending(url: &str) -> Result<Vec<String>> {
    with_harness(url, |harness| {
        let pending = MigrationHarness::<diesel::pg::Pg>::pending_migrations(harness, MIGRATIONS);
        Ok(pending.map_err(Error::internal)?.iter().map(|m| m.name().to_string()).collect())
    })
}

/// diesel's migrations are synchronous and need a multi-threaded runtime of their own, whatever the caller runs on.
fn with_harness<T: Send>(
    url: &str,
    work: impl FnOnce(&mut AsyncMigrationHarness<Conn>) -> Result<T> + Send,
) -> Result<T> {
    let body = || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        let mut conn = runtime.block_on(async {
            let mut conn = reach(url).await?;
            // Held by the session: every migration has a transaction of its own.
            diesel::sql_query(format!("SELECT pg_advisory_lock({LOCK_MIGRATE})"))
                .execute(&mut conn)
                .await
                .map_err(DbError::from)?;
            Ok::<_, Error>(conn)
        })?;
        let _guard = runtime.enter();
        conn.set_prepared_statement_cache_size(diesel::connection::CacheSize::Disabled);
        let mut harness = AsyncMigrationHarness::new(conn);
        let done = runtime.block_on(async { work(&mut harness) });
        drop(harness);
        done
    };
    std::thread::scope(|scope| {
        scope.spawn(body).join().unwrap_or_else(|_| Err(Error::internal("the migration thread failed")))
    })
}

async fn reach(url: &str) -> Result<Conn> {
    // The cause goes to whoever runs the command, who can do something about it.
    connect(url).await.map_err(|error| {
        Error::new(Code::Unavailable, "The database cannot be reached").with_source(error.to_string())
    })
}

/// Makes the database `name` on the server behind `url`, unless it is there.
pub fn create_database(url: &str, name: &str) -> Result<()> {
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    block_on(async {
        let mut conn = reach(url).await?;
        let found: i64 = diesel::QueryDsl::count(diesel::QueryDsl::filter(
            pg_database::table,
            diesel::ExpressionMethods::eq(pg_database::datname, name),
        ))
        .get_result(&mut conn)
        .await
        .map_err(DbError::from)?;
        if found == 0 {
            diesel::sql_query(format!("CREATE DATABASE {quoted}"))
                .execute(&mut conn)
                .await
                .map_err(DbError::from)?;
        }
        Ok(())
    })
}

mod pg_database {
    diesel::table! {
        pg_database (datname) {
            datname -> Text,
        }
    }
    pub use pg_database::*;
}

/// Runs a future to its end on a thread and a runtime of its own.
fn block_on<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let body = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
        runtime.block_on(work)
    };
    std::thread::scope(|scope| {
        scope.spawn(body).join().unwrap_or_else(|_| Err(Error::internal("the database thread failed")))
    })
}

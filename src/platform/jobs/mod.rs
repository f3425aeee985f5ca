//! Background jobs in PostgreSQL: claimed with SKIP LOCKED under a lease, retried with back-off and jitter, dead after
//! the last try until staff replay them. Handlers run at least once, so they are idempotent. The reasons for a queue
//! of our own: `docs/decisions/0003-job-queue.md`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use assay_kernel::ids::JobId;
use assay_kernel::{Entropy, Error, Page, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use uuid::Uuid;

use crate::Ctx;
use crate::db::schema::jobs;
use crate::db::{Conn, DbError};

/// How long a claimed job is ours before another worker may take it.
const LEASE: Duration = Duration::from_secs(60);
/// Jobs claimed at a time.
const BATCH: i64 = 16;

/// A job to enqueue.
#[derive(Debug)]
pub struct NewJob<'a> {
    /// Which handler runs it.
    pub kind: &'a str,
    /// What the handler is given.
    pub payload: Value,
    /// At most one live job of this key.
    pub dedupe_key: Option<String>,
    /// Not before this time; now when none.
    pub run_at: Option<DateTime<Utc>>,
}

/// Enqueues in the caller's transaction, so that the job exists exactly when the change does.
pub async fn enqueue(ctx: &Ctx, conn: &mut Conn, job: NewJob<'_>) -> Result<JobId> {
    let now = ctx.clock.now();
    let id = ctx.ids.id();
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(id.uuid()),
            jobs::kind.eq(job.kind),
            jobs::payload.eq(job.payload),
            jobs::dedupe_key.eq(job.dedupe_key),
            jobs::run_at.eq(job.run_at.unwrap_or(now)),
            jobs::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(id)
}

type Handler = Rc<dyn Fn(Ctx, Value) -> LocalBoxFuture<'static, Result<()>>>;

/// Which handler runs which kind.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: BTreeMap<&'static str, Handler>,
}

impl Registry {
    /// No handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of a kind.
    pub fn on<P, F>(&mut self, kind: &'static str, handler: impl Fn(Ctx, P) -> F + 'static)
    where
        P: serde::de::DeserializeOwned,
        F: Future<Output = Result<()>> + 'static,
    {
        let handler: Handler = Rc::new(move |ctx, payload| match serde_json::from_value::<P>(payload) {
            Ok(payload) => handler(ctx, payload).boxed_local(),
            Err(error) => std::future::ready(Err(Error::internal(error))).boxed_local(),
        });
        self.handlers.insert(kind, handler);
    }

    /// The kinds that have a handler.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.handlers.keys().copied()
    }
}

#[derive(Queryable, Debug)]
struct Claimed {
    id: Uuid,
    kind: String,
    payload: Value,
    attempts: i32,
    max_attempts: i32,
}

crate::statement! {
    /// Claims what is due. RETURNING keeps no order of its own, and after a pause many jobs are due together.
    struct Claim(lease_until: DateTime<Utc> as Timestamptz, due: DateTime<Utc> as Timestamptz,
        now: DateTime<Utc> as Timestamptz, limit: i64 as BigInt) -> (SqlUuid, Text, Jsonb, Integer, Integer);
    "WITH claimed AS (
         UPDATE jobs SET attempts = attempts + 1, lease_until = {}
         WHERE id IN (
             SELECT id FROM jobs
             WHERE dead_at IS NULL AND run_at <= {} AND (lease_until IS NULL OR lease_until <= {})
             ORDER BY run_at LIMIT {} FOR UPDATE SKIP LOCKED)
         RETURNING id, kind, payload, attempts, max_attempts, run_at)
     SELECT id, kind, payload, attempts, max_attempts FROM claimed ORDER BY run_at, id"
}

/// Claims what is due and runs it. Returns how many jobs were run.
pub async fn run_due(ctx: &Ctx, registry: &Registry) -> Result<usize> {
    let now = ctx.clock.now();
    let claimed: Vec<Claimed> = ctx
        .db
        .read(async |conn| {
            let claim = Claim { lease_until: now + LEASE, due: now, now, limit: BATCH };
            Ok(claim.load(conn).await.map_err(DbError::from)?)
        })
        .await?;
    let count = claimed.len();
    for job in claimed {
        // Those before it may have used up the lease; then another worker may have taken it.
        if ctx.clock.now() < now + LEASE / 2 || renew(ctx, &job).await? {
            run_one(ctx, registry, job).await?;
        }
    }
    Ok(count)
}

/// Takes the lease of a claimed job anew; false when another worker has claimed it.
async fn renew(ctx: &Ctx, job: &Claimed) -> Result<bool> {
    let until = ctx.clock.now() + LEASE;
    ctx.db
        .read(async |conn| {
            let renewed = diesel::update(jobs::table.find(job.id).filter(jobs::attempts.eq(job.attempts)))
                .set(jobs::lease_until.eq(until));
            Ok(renewed.execute(conn).await.map_err(DbError::from)? == 1)
        })
        .await
}

async fn run_one(ctx: &Ctx, registry: &Registry, job: Claimed) -> Result<()> {
    let id = JobId::from_uuid(job.id);
    let outcome = match registry.handlers.get(job.kind.as_str()) {
        None => Err(Error::internal(format!("no handler for jobs of kind {}", job.kind))),
        Some(handler) => {
            let work = handler(ctx.clone(), job.payload.clone());
            // A handler that panics must not take the worker down, nor one that hangs hold it for ever.
            let guarded = std::panic::AssertUnwindSafe(work).catch_unwind();
            match tokio::time::timeout(LEASE.saturating_sub(Duration::from_secs(5)), guarded).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(Error::internal("the handler panicked")),
                Err(_) => Err(Error::internal("the handler took longer than its lease")),
            }
        }
    };
    let now = ctx.clock.now();
    match outcome {
        Ok(()) => {
            metrics::counter!("jobs_done_total", "kind" => job.kind.clone()).increment(1);
            ctx.db.read(async |conn| Ok(finish(conn, &job).await?)).await
        }
        Err(error) => {
            let last = job.attempts >= job.max_attempts || error.is_permanent();
            tracing::warn!(job = %id, kind = %job.kind, attempt = job.attempts, last, error = %error.chain(), "job failed");
            metrics::counter!("jobs_failed_total", "kind" => job.kind.clone()).increment(1);
            let retry_at = now + back_off(job.attempts, &ctx.entropy).max(retry_hint(&error));
            let dead_at = last.then_some(now);
            let message = assay_kernel::text::excerpt(&error.chain(), 1_000);
            ctx.db
                .read(async |conn| {
                    let failed = diesel::update(
                        jobs::table.find(job.id).filter(jobs::attempts.eq(job.attempts)),
                    )
                    .set((
                        jobs::lease_until.eq(None::<DateTime<Utc>>),
                        jobs::run_at.eq(retry_at),
                        jobs::dead_at.eq(dead_at),
                        jobs::last_error.eq(&message),
                    ));
                    failed.execute(conn).await.map_err(DbError::from)?;
                    Ok(())
                })
                .await
        }
    }
}

/// Removes a job that is done, unless another worker has claimed it since: a claim is known by its attempt.
async fn finish(conn: &mut Conn, job: &Claimed) -> Result<(), DbError> {
    diesel::delete(jobs::table.find(job.id).filter(jobs::attempts.eq(job.attempts))).execute(conn).await?;
    Ok(())
}

fn retry_hint(error: &Error) -> Duration {
    Duration::from_secs(error.retry_after().unwrap_or(0))
}

/// 2^attempt seconds, an hour at most, of which a random half is taken off ("equal jitter").
fn back_off(attempt: i32, entropy: &Entropy) -> Duration {
    let exponent = u32::try_from(attempt.clamp(0, 12)).unwrap_or(0);
    let ceiling_ms = 1_000_u64.saturating_mul(2_u64.saturating_pow(exponent)).min(3_600_000);
    let random = u64::from(u16::from_le_bytes(entropy.bytes()));
    Duration::from_millis(ceiling_ms / 2 + (ceiling_ms / 2).saturating_mul(random) / 65_536)
}

/// A job as staff see it.
#[derive(Debug, Queryable, Selectable, serde::Serialize, utoipa::ToSchema)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct JobView {
    /// Its id.
    #[diesel(deserialize_as = StoredJobId)]
    #[schema(value_type = String, example = "job_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// Tries so far.
    pub attempts: i32,
    /// Tries after which it is dead.
    pub max_attempts: i32,
    /// When it runs next.
    pub run_at: DateTime<Utc>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// Since when it is dead.
    pub dead_at: Option<DateTime<Utc>>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
}

/// Reads a stored id; an adapter for diesel.
#[derive(Debug)]
pub struct StoredJobId(Uuid);

impl From<StoredJobId> for JobId {
    fn from(stored: StoredJobId) -> Self {
        JobId::from_uuid(stored.0)
    }
}

impl Queryable<diesel::sql_types::Uuid, diesel::pg::Pg> for StoredJobId {
    type Row = Uuid;
    fn build(row: Uuid) -> diesel::deserialize::Result<Self> {
        Ok(Self(row))
    }
}

/// Jobs, newest first: the dead ones or those still to run.
pub async fn list(conn: &mut Conn, dead: bool, before: Option<Uuid>, limit: i64) -> Result<Vec<JobView>> {
    let mut query = jobs::table.into_boxed();
    query =
        if dead { query.filter(jobs::dead_at.is_not_null()) } else { query.filter(jobs::dead_at.is_null()) };
    if let Some(before) = before {
        query = query.filter(jobs::id.lt(before));
    }
    let rows = query
        .order(jobs::id.desc())
        .limit(limit)
        .select(JobView::as_select())
        .load(conn)
        .await
        .map_err(DbError::from)?;
    Ok(rows)
}

/// Gives a dead job all its tries again.
pub async fn replay(ctx: &Ctx, conn: &mut Conn, id: JobId) -> Result<JobView> {
    diesel::update(jobs::table.find(id.uuid()).filter(jobs::dead_at.is_not_null()))
        .set((
            jobs::dead_at.eq(None::<DateTime<Utc>>),
            jobs::attempts.eq(0),
            jobs::run_at.eq(ctx.clock.now()),
        ))
        .returning(JobView::as_returning())
        .get_result(conn)
        .await
        .optional()
        .map_err(DbError::from)?
        .ok_or_else(|| Error::not_found("dead job"))
}

/// Deletes jobs of a kind, waiting or dead, whose payload has this member.
pub async fn delete_of(conn: &mut Conn, kind: &str, member: &Value) -> Result<usize> {
    let gone = diesel::sql_query("DELETE FROM jobs WHERE kind = $1 AND payload @> $2")
        .bind::<Text, _>(kind)
        .bind::<diesel::sql_types::Jsonb, _>(member)
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(gone)
}

/// Deletes jobs that have been dead for long. Returns how many went.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let before = ctx.clock.now() - chrono::Duration::days(ctx.policy.retention.dead_job_days);
    let gone = diesel::delete(jobs::table.filter(jobs::dead_at.lt(before)))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(gone)
}

/// Live and dead jobs, for the metrics.
pub async fn depth(conn: &mut Conn) -> Result<(i64, i64)> {
    let live =
        jobs::table.filter(jobs::dead_at.is_null()).count().get_result(conn).await.map_err(DbError::from)?;
    let dead = jobs::table
        .filter(jobs::dead_at.is_not_null())
        .count()
        .get_result(conn)
        .await
        .map_err(DbError::from)?;
    Ok((live, dead))
}

/// Jobs of a kind that are still to run, for tests and health.
pub async fn pending_of(conn: &mut Conn, kind: &str) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let count: Count =
        diesel::sql_query("SELECT count(*) AS n FROM jobs WHERE kind = $1 AND dead_at IS NULL")
            .bind::<Text, _>(kind)
            .get_result(conn)
            .await
            .map_err(DbError::from)?;
    Ok(count.n)
}

/// A page of jobs.
pub type JobPage = Page<JobView>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn back_off_grows_to_an_hour_and_is_never_zero(attempt in 0..100, seed: u64) {
            let wait = back_off(attempt, &Entropy::seeded(seed));
            let ceiling = (1_u64 << attempt.min(12)).min(3_600) * 1_000;
            prop_assert!(wait.as_millis() >= u128::from(ceiling / 2));
            prop_assert!(wait.as_millis() <= u128::from(ceiling));
        }
    }
}

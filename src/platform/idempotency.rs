//! Idempotency keys: the row, the work and the stored answer commit together; the same key and body give the first
//! answer again, another body is refused, a request in flight is a conflict. Failures are not stored.

use assay_kernel::{Code, Error, Result};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::Ctx;
use crate::crypto::sha256;
use crate::db::schema::idempotency_keys;
use crate::db::{Conn, DbError};
use crate::places;
use crate::web::Reply;

crate::statement! {
    /// Takes the lock of a key if nobody holds it.
    struct TryLock(key: i64 as BigInt) -> (Bool);
    "SELECT pg_try_advisory_xact_lock({})"
}

/// A key as sent by a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose key it is.
    pub caller: Uuid,
    /// Method and path of the request.
    pub route: String,
    /// What the caller sent.
    pub key: String,
    /// Hash of the body.
    pub body_hash: [u8; 32],
}

/// Runs `work` in one transaction, under the key when there is one.
///
/// # Errors
/// `idempotency_key_reused`, `idempotency_in_flight`, and whatever `work` fails with.
pub async fn run(
    ctx: &Ctx,
    key: Option<&Key>,
    work: impl AsyncFn(&mut Conn) -> Result<Reply>,
) -> Result<Reply> {
    let Some(key) = key else {
        return ctx.db.tx(work).await;
    };
    let reply = ctx
        .db
        .tx(async |conn| {
            if let Some(reply) = begin(conn, key).await? {
                return Ok(reply);
            }
            let reply = work(conn).await?;
            store(ctx, conn, key, &reply).await?;
            Ok(reply)
        })
        .await?;
    places::reached("answer.committed").await;
    Ok(reply)
}

async fn begin(conn: &mut Conn, key: &Key) -> Result<Option<Reply>> {
    let (locked,): (bool,) =
        TryLock { key: lock_number(key) }.get_result(conn).await.map_err(DbError::from)?;
    if !locked {
        return Err(
            Error::new(Code::IdempotencyInFlight, Code::IdempotencyInFlight.meaning()).with_retry_after(1)
        );
    }
    let stored: Option<(Vec<u8>, i32, serde_json::Value, String)> = idempotency_keys::table
        .find((key.caller, &key.route, &key.key))
        .select((
            idempotency_keys::body_hash,
            idempotency_keys::status,
            idempotency_keys::headers,
            idempotency_keys::body,
        ))
        .first(conn)
        .await
        .optional()
        .map_err(DbError::from)?;
    let Some((body_hash, status, headers, body)) = stored else { return Ok(None) };
    if body_hash != key.body_hash {
        return Err(Error::new(Code::IdempotencyKeyReused, Code::IdempotencyKeyReused.meaning()));
    }
    Reply::restore(status, headers, body).map(Some)
}

async fn store(ctx: &Ctx, conn: &mut Conn, key: &Key, reply: &Reply) -> Result<()> {
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::caller.eq(key.caller),
            idempotency_keys::route.eq(&key.route),
            idempotency_keys::key.eq(&key.key),
            idempotency_keys::body_hash.eq(key.body_hash.as_slice()),
            idempotency_keys::status.eq(i32::from(reply.status())),
            idempotency_keys::headers.eq(reply.stored_headers()),
            idempotency_keys::body.eq(reply.body()),
            idempotency_keys::created_at.eq(ctx.clock.now()),
        ))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(())
}

fn lock_number(key: &Key) -> i64 {
    let text = format!("{}\n{}\n{}", key.caller, key.route, key.key);
    let hash = sha256(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(first)
}

/// Deletes the answers that are kept for a person: for an erasure.
pub async fn forget(conn: &mut Conn, account: assay_kernel::ids::AccountId) -> Result<usize> {
    let gone = diesel::delete(idempotency_keys::table.filter(idempotency_keys::caller.eq(account.uuid())))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(gone)
}

/// Deletes keys that are older than the policy keeps them (callers are promised a day). Returns how many went.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let before = ctx.clock.now() - chrono::Duration::hours(ctx.policy.retention.idempotency_hours);
    let gone = diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(before)))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(gone)
}

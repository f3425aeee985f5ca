//! Keys: those that sign access tokens, and each person's data key with what it seals.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::{github_tokens, signing_keys};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Advisory lock of making and rotating signing keys.
pub const LOCK_SIGNING_KEYS: i64 = 0x4153_0101;

/// A signing key as stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub struct KeyRow {
    pub kid: String,
    pub public: Vec<u8>,
    pub sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

/// Keys that are believed, the newest first.
pub async fn live(conn: &mut Conn, now: DateTime<Utc>) -> DbResult<Vec<KeyRow>> {
    Ok(signing_keys::table
        .filter(signing_keys::retired_at.is_null().or(signing_keys::retired_at.gt(now)))
        .order((
            signing_keys::retired_at.is_null().desc(),
            signing_keys::created_at.desc(),
            signing_keys::kid,
        ))
        .select(KeyRow::as_select())
        .load(conn)
        .await?)
}

/// Adds a key.
pub async fn insert(
    conn: &mut Conn,
    kid: &str,
    public: &[u8],
    sealed: &[u8],
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(kid),
            signing_keys::public.eq(public),
            signing_keys::sealed.eq(sealed),
            signing_keys::created_at.eq(now),
        ))
        .execute(conn)
        .await?)
}

/// Ends all keys but one at a given time.
pub async fn retire_others(conn: &mut Conn, kid: &str, at: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::update(
        signing_keys::table.filter(signing_keys::kid.ne(kid)).filter(signing_keys::retired_at.is_null()),
    )
    .set(signing_keys::retired_at.eq(at))
    .execute(conn)
    .await?)
}

/// Deletes keys that ended before.
pub async fn delete_retired(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(signing_keys::table.filter(signing_keys::retired_at.lt(before))).execute(conn).await?)
}

/// Keeps a person's sealed GitHub token in place of the one before.
pub async fn put_github_token(
    conn: &mut Conn,
    account: AccountId,
    sealed: &[u8],
    scopes: &[String],
    now: DateTime<Utc>,
) -> DbResult<usize> {
    let values =
        (github_tokens::sealed.eq(sealed), github_tokens::scopes.eq(scopes), github_tokens::at.eq(now));
    Ok(diesel::insert_into(github_tokens::table)
        .values((github_tokens::account_id.eq(account.uuid()), values))
        .on_conflict(github_tokens::account_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?)
}

/// A person's sealed GitHub token.
pub async fn github_token(conn: &mut Conn, account: AccountId) -> DbResult<Option<Vec<u8>>> {
    Ok(github_tokens::table
        .find(account.uuid())
        .select(github_tokens::sealed)
        .first(conn)
        .await
        .optional()?)
}

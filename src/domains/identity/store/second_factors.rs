//! Second factors and recovery codes.

use assay_kernel::ids::{AccountId, SessionId};
use assay_platform::db::schema::{recovery_codes, second_factors, sessions};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A second factor as stored.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = second_factors, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct FactorRow {
    pub account_id: Uuid,
    pub sealed: Vec<u8>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub last_step: Option<i64>,
    pub failures: i32,
    pub blocked_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// The person's factor, held until the transaction ends.
pub async fn lock(conn: &mut Conn, account: AccountId) -> DbResult<Option<FactorRow>> {
    let query = second_factors::table.find(account.uuid()).for_update().select(FactorRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Writes a factor in place of what there was.
pub async fn put(conn: &mut Conn, row: &FactorRow) -> DbResult<usize> {
    let insert = diesel::insert_into(second_factors::table).values(row);
    Ok(insert.on_conflict(second_factors::account_id).do_update().set(row).execute(conn).await?)
}

/// Deletes a person's factor with its recovery codes. Returns how many were there.
pub async fn delete(conn: &mut Conn, account: AccountId) -> DbResult<usize> {
    Ok(diesel::delete(second_factors::table.find(account.uuid())).execute(conn).await?)
}

/// Since when the person has a confirmed factor.
pub async fn confirmed_at(conn: &mut Conn, account: AccountId) -> DbResult<Option<DateTime<Utc>>> {
    let query = second_factors::table.find(account.uuid()).select(second_factors::confirmed_at);
    Ok(query.first::<Option<DateTime<Utc>>>(conn).await.optional()?.flatten())
}

/// Keeps the hashes of new recovery codes.
pub async fn insert_codes(conn: &mut Conn, account: AccountId, hashes: &[[u8; 32]]) -> DbResult<usize> {
    let row = |hash: &[u8; 32]| {
        (recovery_codes::account_id.eq(account.uuid()), recovery_codes::code_hash.eq(hash.to_vec()))
    };
    let rows: Vec<_> = hashes.iter().map(row).collect();
    Ok(diesel::insert_into(recovery_codes::table).values(rows).execute(conn).await?)
}

/// Uses a recovery code up. Returns how many of that hash were unused.
pub async fn use_code(
    conn: &mut Conn,
    account: AccountId,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> DbResult<usize> {
    let code =
        recovery_codes::table.find((account.uuid(), hash.to_vec())).filter(recovery_codes::used_at.is_null());
    Ok(diesel::update(code).set(recovery_codes::used_at.eq(now)).execute(conn).await?)
}

/// Recovery codes that are left.
pub async fn codes_left(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    let left = recovery_codes::table
        .filter(recovery_codes::account_id.eq(account.uuid()))
        .filter(recovery_codes::used_at.is_null());
    Ok(left.count().get_result(conn).await?)
}

/// When a code was last given in a session.
pub async fn stepped_up_at(conn: &mut Conn, session: SessionId) -> DbResult<Option<DateTime<Utc>>> {
    let query = sessions::table.find(session.uuid()).select(sessions::stepped_up_at);
    Ok(query.first::<Option<DateTime<Utc>>>(conn).await.optional()?.flatten())
}

/// Notes that a code was given in a session.
pub async fn step_up(conn: &mut Conn, session: SessionId, now: DateTime<Utc>) -> DbResult<usize> {
    let session = sessions::table.find(session.uuid());
    Ok(diesel::update(session).set(sessions::stepped_up_at.eq(now)).execute(conn).await?)
}

//! Personal API tokens.

use assay_kernel::ids::{AccountId, ApiTokenId};
use assay_platform::db::schema::api_tokens;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A token as stored, without its hash.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
pub struct TokenRow {
    pub id: Uuid,
    pub name: String,
    pub last_four: String,
    pub scopes: Vec<String>,
    pub spend_limit_usd_minor: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new token.
#[derive(Debug, Insertable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
pub struct NewToken<'a> {
    pub id: Uuid,
    pub account_id: Uuid,
    pub name: &'a str,
    pub last_four: &'a str,
    pub token_hash: &'a [u8],
    pub scopes: Vec<&'a str>,
    pub spend_limit_usd_minor: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Adds a token.
pub async fn insert(conn: &mut Conn, token: &NewToken<'_>) -> DbResult<TokenRow> {
    Ok(diesel::insert_into(api_tokens::table)
        .values(token)
        .returning(TokenRow::as_returning())
        .get_result(conn)
        .await?)
}

/// Live tokens of a person.
pub async fn count_live(conn: &mut Conn, account: AccountId, now: DateTime<Utc>) -> DbResult<i64> {
    Ok(api_tokens::table
        .filter(api_tokens::account_id.eq(account.uuid()))
        .filter(api_tokens::revoked_at.is_null())
        .filter(api_tokens::expires_at.gt(now))
        .count()
        .get_result(conn)
        .await?)
}

/// Live tokens of a person, the newest first.
pub async fn list(
    conn: &mut Conn,
    account: AccountId,
    now: DateTime<Utc>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<TokenRow>> {
    let mut query = api_tokens::table
        .filter(api_tokens::account_id.eq(account.uuid()))
        .filter(api_tokens::revoked_at.is_null())
        .filter(api_tokens::expires_at.gt(now))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(api_tokens::id.lt(before));
    }
    Ok(query.order(api_tokens::id.desc()).limit(limit).select(TokenRow::as_select()).load(conn).await?)
}

/// Ends a token of the person. Returns how many were live.
pub async fn revoke(
    conn: &mut Conn,
    account: AccountId,
    id: ApiTokenId,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(
        api_tokens::table
            .find(id.uuid())
            .filter(api_tokens::account_id.eq(account.uuid()))
            .filter(api_tokens::revoked_at.is_null()),
    )
    .set(api_tokens::revoked_at.eq(now))
    .execute(conn)
    .await?)
}

/// Ends all tokens of the person.
pub async fn revoke_all(conn: &mut Conn, account: AccountId, now: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::update(
        api_tokens::table
            .filter(api_tokens::account_id.eq(account.uuid()))
            .filter(api_tokens::revoked_at.is_null()),
    )
    .set(api_tokens::revoked_at.eq(now))
    .execute(conn)
    .await?)
}

/// Notes that a token was used, unless that was noted within a minute.
pub async fn touch(conn: &mut Conn, id: Uuid, now: DateTime<Utc>, before: DateTime<Utc>) -> DbResult<usize> {
    let stale = api_tokens::last_used_at.is_null().or(api_tokens::last_used_at.lt(before));
    Ok(diesel::update(api_tokens::table.find(id).filter(stale.assume_not_null()))
        .set(api_tokens::last_used_at.eq(now))
        .execute(conn)
        .await?)
}

/// Deletes tokens that ended before.
pub async fn delete_ended(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(api_tokens::table.filter(api_tokens::expires_at.lt(before))).execute(conn).await?)
}

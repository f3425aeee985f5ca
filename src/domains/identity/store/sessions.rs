//! Sign-ins under way, sessions, refresh tokens.

use assay_kernel::ids::{AccountId, SessionId};
use assay_platform::db::schema::{refresh_tokens, sessions, sign_in_states};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A sign-in under way.
#[derive(Debug, Insertable)]
#[diesel(table_name = sign_in_states, check_for_backend(diesel::pg::Pg))]
pub struct NewState<'a> {
    pub state_hash: &'a [u8],
    pub browser_hash: &'a [u8],
    pub verifier: &'a [u8],
    pub return_to: &'a str,
    pub mode: &'a str,
    pub created_at: DateTime<Utc>,
}

/// What was kept of a sign-in.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sign_in_states, check_for_backend(diesel::pg::Pg))]
pub struct StateRow {
    pub browser_hash: Vec<u8>,
    pub verifier: Vec<u8>,
    pub return_to: String,
    pub mode: String,
}

/// Begins a sign-in.
pub async fn insert_state(conn: &mut Conn, state: &NewState<'_>) -> DbResult<usize> {
    Ok(diesel::insert_into(sign_in_states::table).values(state).execute(conn).await?)
}

/// Takes a state that was begun after `since` and never taken before.
pub async fn consume_state(
    conn: &mut Conn,
    hash: &[u8],
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DbResult<Option<StateRow>> {
    Ok(diesel::update(
        sign_in_states::table
            .find(hash)
            .filter(sign_in_states::used_at.is_null())
            .filter(sign_in_states::created_at.gt(since)),
    )
    .set(sign_in_states::used_at.eq(now))
    .returning(StateRow::as_returning())
    .get_result(conn)
    .await
    .optional()?)
}

/// Deletes sign-ins begun before.
pub async fn delete_states(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(sign_in_states::table.filter(sign_in_states::created_at.lt(before)))
        .execute(conn)
        .await?)
}

/// A new session.
#[derive(Debug, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub struct NewSession<'a> {
    pub id: Uuid,
    pub account_id: Uuid,
    pub kind: &'a str,
    pub token_hash: Option<&'a [u8]>,
    pub user_agent: &'a str,
    pub ip: &'a str,
    pub created_at: DateTime<Utc>,
    pub authenticated_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A session as stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub struct SessionRow {
    pub id: Uuid,
    pub account_id: Uuid,
    pub kind: String,
    pub user_agent: String,
    pub ip: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Begins a session.
pub async fn insert(conn: &mut Conn, session: &NewSession<'_>) -> DbResult<usize> {
    Ok(diesel::insert_into(sessions::table).values(session).execute(conn).await?)
}

/// The session, held until the transaction ends.
pub async fn lock(conn: &mut Conn, id: Uuid) -> DbResult<Option<SessionRow>> {
    Ok(sessions::table.find(id).for_update().select(SessionRow::as_select()).first(conn).await.optional()?)
}

/// Live sessions of a person, the newest first.
pub async fn list(
    conn: &mut Conn,
    account: AccountId,
    now: DateTime<Utc>,
    seen_after: DateTime<Utc>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<SessionRow>> {
    let mut query = sessions::table
        .filter(sessions::account_id.eq(account.uuid()))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::kind.eq("program").or(sessions::last_seen_at.gt(seen_after)))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(sessions::id.lt(before));
    }
    Ok(query.order(sessions::id.desc()).limit(limit).select(SessionRow::as_select()).load(conn).await?)
}

/// Ends a session of the person. Returns how many were live.
pub async fn revoke(
    conn: &mut Conn,
    account: AccountId,
    id: SessionId,
    reason: &str,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(
        sessions::table
            .find(id.uuid())
            .filter(sessions::account_id.eq(account.uuid()))
            .filter(sessions::revoked_at.is_null()),
    )
    .set((sessions::revoked_at.eq(now), sessions::revoked_reason.eq(reason)))
    .execute(conn)
    .await?)
}

/// Ends all sessions of the person. Returns how many were live.
pub async fn revoke_all(
    conn: &mut Conn,
    account: AccountId,
    reason: &str,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(
        sessions::table
            .filter(sessions::account_id.eq(account.uuid()))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now)),
    )
    .set((sessions::revoked_at.eq(now), sessions::revoked_reason.eq(reason)))
    .execute(conn)
    .await?)
}

/// Notes that a session was used, unless that was noted within a minute.
pub async fn touch(conn: &mut Conn, id: Uuid, now: DateTime<Utc>, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::update(sessions::table.find(id).filter(sessions::last_seen_at.lt(before)))
        .set(sessions::last_seen_at.eq(now))
        .execute(conn)
        .await?)
}

/// Lets a program's session last as long as its newest refresh token.
pub async fn prolong(
    conn: &mut Conn,
    id: Uuid,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(sessions::table.find(id))
        .set((sessions::last_seen_at.eq(now), sessions::expires_at.eq(expires_at)))
        .execute(conn)
        .await?)
}

/// Deletes sessions that ended before, with their refresh tokens.
pub async fn delete_ended(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(sessions::table.filter(sessions::expires_at.lt(before))).execute(conn).await?)
}

/// A refresh token as stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(diesel::pg::Pg))]
pub struct RefreshRow {
    pub id: Uuid,
    pub session_id: Uuid,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub successor_id: Option<Uuid>,
}

/// The refresh token of that hash.
pub async fn refresh_token(conn: &mut Conn, hash: &[u8]) -> DbResult<Option<RefreshRow>> {
    Ok(refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(hash))
        .select(RefreshRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Has this refresh token been used?
pub async fn is_used(conn: &mut Conn, id: Uuid) -> DbResult<bool> {
    Ok(refresh_tokens::table.find(id).select(refresh_tokens::used_at.is_not_null()).first(conn).await?)
}

/// Adds a refresh token.
pub async fn insert_refresh_token(
    conn: &mut Conn,
    id: Uuid,
    session: Uuid,
    hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::id.eq(id),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::token_hash.eq(hash),
            refresh_tokens::created_at.eq(now),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .await?)
}

/// Marks a refresh token as used and names its successor; the time of first use stays.
pub async fn succeed(conn: &mut Conn, id: Uuid, successor: Uuid, used_at: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::update(refresh_tokens::table.find(id))
        .set((refresh_tokens::used_at.eq(used_at), refresh_tokens::successor_id.eq(successor)))
        .execute(conn)
        .await?)
}

/// Deletes refresh tokens that expired before: shown again they would be refused for their age.
pub async fn delete_refresh_tokens(conn: &mut Conn, before: DateTime<Utc>) -> DbResult<usize> {
    Ok(diesel::delete(refresh_tokens::table.filter(refresh_tokens::expires_at.lt(before)))
        .execute(conn)
        .await?)
}

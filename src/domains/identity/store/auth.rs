//! Who a credential stands for now: one statement for each kind of credential.

use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A session and its account.
#[derive(Debug, diesel::Queryable)]
pub struct SessionFound {
    pub session_id: Uuid,
    pub authenticated_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub account_id: Uuid,
    pub status: String,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
}

/// An API token and its account.
#[derive(Debug, diesel::Queryable)]
pub struct TokenFound {
    pub token_id: Uuid,
    pub scopes: Vec<String>,
    pub spend_limit_usd_minor: Option<i64>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub account_id: Uuid,
    pub status: String,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
}

assay_platform::statement! {
    /// The live browser session of a cookie.
    struct ByCookie(
        hash: Vec<u8> as sql_types::Bytea,
        now: DateTime<Utc> as sql_types::Timestamptz,
        seen_after: DateTime<Utc> as sql_types::Timestamptz,
    ) -> (
        sql_types::Uuid, sql_types::Timestamptz, sql_types::Timestamptz, sql_types::Uuid, sql_types::Text,
        sql_types::Array<sql_types::Text>, sql_types::Array<sql_types::Text>,
    );
    "SELECT s.id, s.authenticated_at, s.last_seen_at, a.id, a.status, a.roles,
            ARRAY(SELECT p.permission FROM staff_permissions p WHERE p.account_id = a.id)
     FROM sessions s JOIN accounts a ON a.id = s.account_id
     WHERE s.token_hash = {} AND s.revoked_at IS NULL AND s.expires_at > {} AND s.last_seen_at > {}
       AND a.status <> 'erased'"
}

assay_platform::statement! {
    /// The live session of an access token.
    struct BySession(
        session: Uuid as sql_types::Uuid,
        account: Uuid as sql_types::Uuid,
        now: DateTime<Utc> as sql_types::Timestamptz,
    ) -> (
        sql_types::Uuid, sql_types::Timestamptz, sql_types::Timestamptz, sql_types::Uuid, sql_types::Text,
        sql_types::Array<sql_types::Text>, sql_types::Array<sql_types::Text>,
    );
    "SELECT s.id, s.authenticated_at, s.last_seen_at, a.id, a.status, a.roles,
            ARRAY(SELECT p.permission FROM staff_permissions p WHERE p.account_id = a.id)
     FROM sessions s JOIN accounts a ON a.id = s.account_id
     WHERE s.id = {} AND a.id = {} AND s.kind = 'program' AND s.revoked_at IS NULL AND s.expires_at > {}
       AND a.status <> 'erased'"
}

assay_platform::statement! {
    /// The live API token of a hash.
    struct ByApiToken(
        hash: Vec<u8> as sql_types::Bytea,
        now: DateTime<Utc> as sql_types::Timestamptz,
    ) -> (
        sql_types::Uuid, sql_types::Array<sql_types::Text>, sql_types::Nullable<sql_types::BigInt>,
        sql_types::Nullable<sql_types::Timestamptz>, sql_types::Uuid, sql_types::Text,
        sql_types::Array<sql_types::Text>, sql_types::Array<sql_types::Text>,
    );
    "SELECT t.id, t.scopes, t.spend_limit_usd_minor, t.last_used_at, a.id, a.status, a.roles,
            ARRAY(SELECT p.permission FROM staff_permissions p WHERE p.account_id = a.id)
     FROM api_tokens t JOIN accounts a ON a.id = t.account_id
     WHERE t.token_hash = {} AND t.revoked_at IS NULL AND t.expires_at > {} AND a.status <> 'erased'"
}

/// The live browser session of a cookie.
pub async fn by_cookie(
    conn: &mut Conn,
    hash: [u8; 32],
    now: DateTime<Utc>,
    seen_after: DateTime<Utc>,
) -> DbResult<Option<SessionFound>> {
    Ok(ByCookie { hash: hash.to_vec(), now, seen_after }.get_result(conn).await.optional()?)
}

/// The live session of an access token.
pub async fn by_session(
    conn: &mut Conn,
    session: Uuid,
    account: Uuid,
    now: DateTime<Utc>,
) -> DbResult<Option<SessionFound>> {
    Ok(BySession { session, account, now }.get_result(conn).await.optional()?)
}

/// The live API token of a hash.
pub async fn by_api_token(
    conn: &mut Conn,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> DbResult<Option<TokenFound>> {
    Ok(ByApiToken { hash: hash.to_vec(), now }.get_result(conn).await.optional()?)
}

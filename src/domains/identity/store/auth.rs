//! Who a credential stands for now: one statement for each kind of credential.

use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A session and its account.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct SessionFound {
    pub token_hash: Option<Vec<u8>>,
    pub session_id: Uuid,
    pub authenticated_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
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
    /// The browser sessions of cookies.
    struct ByCookies(hashes: Vec<Vec<u8>> as sql_types::Array<sql_types::Bytea>) -> (
        sql_types::Nullable<sql_types::Bytea>, sql_types::Uuid, sql_types::Timestamptz, sql_types::Timestamptz,
        sql_types::Timestamptz, sql_types::Uuid, sql_types::Text, sql_types::Array<sql_types::Text>, sql_types::Array<sql_types::Text>,
    );
    "SELECT s.token_hash, s.id, s.authenticated_at, s.last_seen_at, s.expires_at, a.id, a.status, a.roles,
            ARRAY(SELECT p.permission FROM staff_permissions p WHERE p.account_id = a.id)
     FROM sessions s JOIN accounts a ON a.id = s.account_id
     WHERE s.token_hash = ANY ({}) AND s.revoked_at IS NULL AND a.status <> 'erased'"
}

assay_platform::statement! {
    /// The sessions of access tokens.
    struct ByIds(ids: Vec<Uuid> as sql_types::Array<sql_types::Uuid>) -> (
        sql_types::Nullable<sql_types::Bytea>, sql_types::Uuid, sql_types::Timestamptz, sql_types::Timestamptz,
        sql_types::Timestamptz, sql_types::Uuid, sql_types::Text, sql_types::Array<sql_types::Text>, sql_types::Array<sql_types::Text>,
    );
    "SELECT s.token_hash, s.id, s.authenticated_at, s.last_seen_at, s.expires_at, a.id, a.status, a.roles,
            ARRAY(SELECT p.permission FROM staff_permissions p WHERE p.account_id = a.id)
     FROM sessions s JOIN accounts a ON a.id = s.account_id
     WHERE s.id = ANY ({}) AND s.kind = 'program' AND s.revoked_at IS NULL AND a.status <> 'erased'"
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

/// The browser sessions of cookies' hashes, unless revoked.
pub async fn by_cookies(conn: &mut Conn, hashes: Vec<[u8; 32]>) -> DbResult<Vec<([u8; 32], SessionFound)>> {
    let hashes = hashes.into_iter().map(Vec::from).collect();
    let found: Vec<SessionFound> = ByCookies { hashes }.load(conn).await?;
    let keyed = found
        .into_iter()
        .filter_map(|session| Some((session.token_hash.as_deref()?.try_into().ok()?, session)));
    Ok(keyed.collect())
}

/// The sessions of access tokens, unless revoked.
pub async fn by_sessions(conn: &mut Conn, ids: Vec<Uuid>) -> DbResult<Vec<(Uuid, SessionFound)>> {
    let found: Vec<SessionFound> = ByIds { ids }.load(conn).await?;
    Ok(found.into_iter().map(|session| (session.session_id, session)).collect())
}

/// The live API token of a hash.
pub async fn by_api_token(
    conn: &mut Conn,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> DbResult<Option<TokenFound>> {
    Ok(ByApiToken { hash: hash.to_vec(), now }.get_result(conn).await.optional()?)
}

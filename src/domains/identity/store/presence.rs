//! The chains of who was where.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::{accounts, identity_chain};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A link of an account's chain.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = identity_chain, check_for_backend(diesel::pg::Pg))]
pub struct PresenceRow {
    pub account_id: Uuid,
    pub seq: i64,
    pub occurred_at: DateTime<Utc>,
    pub kind: String,
    pub subject: String,
    pub session: Option<Uuid>,
    pub api_token: Option<Uuid>,
    pub authenticated_at: DateTime<Utc>,
    pub sealed_github: Vec<u8>,
    pub prev_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// The person's number at GitHub.
pub async fn github_number(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    Ok(accounts::table.find(account.uuid()).select(accounts::github_id).first(conn).await?)
}

/// The last link of an account's chain.
pub async fn last(conn: &mut Conn, account: AccountId) -> DbResult<Option<PresenceRow>> {
    Ok(identity_chain::table
        .filter(identity_chain::account_id.eq(account.uuid()))
        .order(identity_chain::seq.desc())
        .select(PresenceRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Appends a link.
pub async fn append(conn: &mut Conn, row: &PresenceRow) -> DbResult<usize> {
    Ok(diesel::insert_into(identity_chain::table).values(row).execute(conn).await?)
}

/// What is known about one thing, in its order.
pub async fn of_subject(conn: &mut Conn, subject: &str) -> DbResult<Vec<PresenceRow>> {
    Ok(identity_chain::table
        .filter(identity_chain::subject.eq(subject.to_owned()))
        .order((identity_chain::occurred_at, identity_chain::account_id, identity_chain::seq))
        .select(PresenceRow::as_select())
        .load(conn)
        .await?)
}

/// Links after a place, account by account.
pub async fn after(conn: &mut Conn, account: Uuid, seq: i64, limit: i64) -> DbResult<Vec<PresenceRow>> {
    let same = identity_chain::account_id.eq(account).and(identity_chain::seq.gt(seq));
    Ok(identity_chain::table
        .filter(identity_chain::account_id.gt(account).or(same))
        .order((identity_chain::account_id, identity_chain::seq))
        .limit(limit)
        .select(PresenceRow::as_select())
        .load(conn)
        .await?)
}

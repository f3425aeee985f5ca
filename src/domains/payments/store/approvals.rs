//! Large acts of staff on money, and who confirmed them.

use assay_platform::db::schema::money_approvals;
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A confirmation as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = money_approvals, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct ApprovalRow {
    pub id: Uuid,
    pub act: String,
    pub subject: Uuid,
    pub milestone: Option<Uuid>,
    pub contract: Option<Uuid>,
    pub amount: i64,
    pub currency: String,
    pub beneficiary_id: Option<Uuid>,
    pub payload: Json<Value>,
    pub reason: String,
    pub state: String,
    pub proposed_by_id: Uuid,
    pub decided_by_id: Option<Uuid>,
    pub answer: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
}

/// The index by which an act on a thing is proposed once at a time.
pub const ONE_PENDING: &str = "money_approvals_one_pending";

rows!(money_approvals, ApprovalRow, id);

/// The one that waits for an act on a thing.
pub async fn pending(conn: &mut Conn, act: &str, subject: Uuid) -> DbResult<Option<ApprovalRow>> {
    let found = money_approvals::table
        .filter(money_approvals::act.eq(act))
        .filter(money_approvals::subject.eq(subject))
        .filter(money_approvals::state.eq("pending"))
        .select(ApprovalRow::as_select());
    Ok(found.first(conn).await.optional()?)
}

/// Confirmations, newest first.
pub async fn list(
    conn: &mut Conn,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<ApprovalRow>> {
    let mut query = money_approvals::table.into_boxed();
    if let Some(state) = state {
        query = query.filter(money_approvals::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(money_approvals::id.lt(before));
    }
    let query = query.order(money_approvals::id.desc()).limit(limit);
    Ok(query.select(ApprovalRow::as_select()).load(conn).await?)
}

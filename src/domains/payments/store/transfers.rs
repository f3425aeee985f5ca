//! Releases on their way to developers.

use assay_platform::db::schema::transfers;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A transfer as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = transfers, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct TransferRow {
    pub id: Uuid,
    pub decision: Uuid,
    pub milestone: Uuid,
    pub contract: Uuid,
    pub developer_id: Uuid,
    pub payment_id: Uuid,
    pub amount: i64,
    pub currency: String,
    pub state: String,
    pub hold: Option<String>,
    pub payable_from: DateTime<Utc>,
    pub command_id: Option<Uuid>,
    pub failure: Option<String>,
    pub tries: i32,
    pub transfer: Option<String>,
    pub reversed: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub paid_at: Option<DateTime<Utc>>,
    pub repaid: i64,
    pub charged_back: i64,
}

rows!(transfers, TransferRow, id);

/// Has the decision a transfer?
pub async fn of_decision(conn: &mut Conn, decision: Uuid) -> DbResult<bool> {
    let found = transfers::table.filter(transfers::decision.eq(decision));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// The transfers of a payment, oldest first, locked.
pub async fn lock_of_payment(conn: &mut Conn, payment: Uuid) -> DbResult<Vec<TransferRow>> {
    let found = transfers::table
        .filter(transfers::payment_id.eq(payment))
        .order(transfers::id)
        .select(TransferRow::as_select())
        .for_no_key_update();
    Ok(found.load(conn).await?)
}

/// Transfers of a developer that wait for something, locked.
pub async fn lock_held(conn: &mut Conn, developer: Uuid, hold: &str) -> DbResult<Vec<TransferRow>> {
    let found = transfers::table
        .filter(transfers::developer_id.eq(developer))
        .filter(transfers::hold.eq(hold))
        .order(transfers::id)
        .select(TransferRow::as_select())
        .for_no_key_update();
    Ok(found.load(conn).await?)
}

/// The transfer that the provider knows by that id.
pub async fn of_transfer(conn: &mut Conn, transfer: &str) -> DbResult<Option<Uuid>> {
    let found = transfers::table.filter(transfers::transfer.eq(transfer)).select(transfers::id);
    Ok(found.first(conn).await.optional()?)
}

/// Transfers of a developer, newest first; of everybody when none is named, then only those in that state.
pub async fn list(
    conn: &mut Conn,
    developer: Option<Uuid>,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<TransferRow>> {
    let mut query = transfers::table.into_boxed();
    if let Some(developer) = developer {
        query = query.filter(transfers::developer_id.eq(developer));
    }
    if let Some(state) = state {
        query = query.filter(transfers::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(transfers::id.lt(before));
    }
    Ok(query.order(transfers::id.desc()).limit(limit).select(TransferRow::as_select()).load(conn).await?)
}

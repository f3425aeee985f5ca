//! Change orders.

use assay_kernel::ids::ChangeOrderId;
use assay_platform::db::schema::change_orders;
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::Changes;

/// A change order as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = change_orders, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct ChangeOrderRow {
    pub id: Uuid,
    pub contract_id: Uuid,
    pub proposed_by_id: Uuid,
    pub asked: String,
    pub state: String,
    pub changes: Json<Changes>,
    pub reason: String,
    pub expires_at: DateTime<Utc>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Stores a new change order.
pub async fn insert(conn: &mut Conn, row: &ChangeOrderRow) -> DbResult<()> {
    diesel::insert_into(change_orders::table).values(row).execute(conn).await?;
    Ok(())
}

/// A change order, without a lock.
pub async fn find(conn: &mut Conn, id: ChangeOrderId) -> DbResult<Option<ChangeOrderRow>> {
    Ok(change_orders::table
        .find(id.uuid())
        .select(ChangeOrderRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Writes everything that may change. The contract is locked.
pub async fn update(conn: &mut Conn, row: &ChangeOrderRow) -> DbResult<()> {
    diesel::update(change_orders::table.find(row.id))
        .set((
            change_orders::asked.eq(&row.asked),
            change_orders::state.eq(&row.state),
            change_orders::changes.eq(&row.changes),
            change_orders::reason.eq(&row.reason),
            change_orders::expires_at.eq(row.expires_at),
            change_orders::version.eq(row.version),
            change_orders::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The change orders of a contract, oldest first.
pub async fn of_contract(conn: &mut Conn, contract: Uuid) -> DbResult<Vec<ChangeOrderRow>> {
    Ok(change_orders::table
        .filter(change_orders::contract_id.eq(contract))
        .order(change_orders::id)
        .select(ChangeOrderRow::as_select())
        .load(conn)
        .await?)
}

/// The one that is neither answered for good nor effective.
pub async fn open(conn: &mut Conn, contract: Uuid) -> DbResult<Option<ChangeOrderRow>> {
    Ok(change_orders::table
        .filter(change_orders::contract_id.eq(contract))
        .filter(change_orders::state.eq_any(["proposed", "countered", "accepted"]))
        .select(ChangeOrderRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

//! Money on its way to banks: developers', and, without a developer, the platform's own.

use assay_platform::db::schema::payouts;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A payout as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payouts, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct PayoutRow {
    pub id: Uuid,
    pub developer_id: Option<Uuid>,
    pub amount: i64,
    pub currency: String,
    pub state: String,
    pub command_id: Option<Uuid>,
    pub payout: Option<String>,
    pub failure: Option<String>,
    pub arrives_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub requested_by_id: Option<Uuid>,
    pub reason: Option<String>,
    pub own: Option<i64>,
}

rows!(payouts, PayoutRow, id);

/// The payout that the provider knows by that id.
pub async fn of_payout(conn: &mut Conn, payout: &str) -> DbResult<Option<Uuid>> {
    let found = payouts::table.filter(payouts::payout.eq(payout)).select(payouts::id);
    Ok(found.first(conn).await.optional()?)
}

/// Has the developer a payout that the provider has not answered for?
pub async fn any_unanswered(conn: &mut Conn, developer: Uuid) -> DbResult<bool> {
    let found = payouts::table
        .filter(payouts::developer_id.eq(developer))
        .filter(payouts::state.eq("pending"))
        .filter(payouts::payout.is_null());
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// Payouts of a developer, newest first; of the platform's own money when none is named.
pub async fn list(
    conn: &mut Conn,
    developer: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<PayoutRow>> {
    let mut query = match developer {
        Some(developer) => payouts::table.filter(payouts::developer_id.eq(developer)).into_boxed(),
        None => payouts::table.filter(payouts::developer_id.is_null()).into_boxed(),
    };
    if let Some(before) = before {
        query = query.filter(payouts::id.lt(before));
    }
    Ok(query.order(payouts::id.desc()).limit(limit).select(PayoutRow::as_select()).load(conn).await?)
}

//! Clients' payments.

use assay_platform::db::schema::{payments, provider_commands};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// At most one live payment a milestone.
pub const ONE_LIVE: &str = "payments_one_live";

/// A payment as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payments, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct PaymentRow {
    pub id: Uuid,
    pub milestone: Uuid,
    pub contract: Uuid,
    pub organisation_id: Uuid,
    pub method_id: Uuid,
    pub amount: i64,
    pub fee: i64,
    pub currency: String,
    pub state: String,
    pub failure: Option<String>,
    pub payment_intent: Option<String>,
    pub charge: Option<String>,
    pub balance_transaction: Option<String>,
    pub fraud_warning: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub succeeded_at: Option<DateTime<Utc>>,
}

rows!(payments, PaymentRow, id);

/// The payment that holds a milestone's money, locked: whoever moves that money takes this lock first.
pub async fn lock_succeeded(conn: &mut Conn, milestone: Uuid) -> DbResult<Option<PaymentRow>> {
    let found = payments::table
        .filter(payments::milestone.eq(milestone))
        .filter(payments::state.eq("succeeded"))
        .select(PaymentRow::as_select())
        .for_no_key_update();
    Ok(found.first(conn).await.optional()?)
}

/// The payment of a charge.
pub async fn of_charge(conn: &mut Conn, charge: &str) -> DbResult<Option<Uuid>> {
    let found = payments::table.filter(payments::charge.eq(charge)).select(payments::id);
    Ok(found.first(conn).await.optional()?)
}

/// The payment that the provider knows by that id.
pub async fn of_intent(conn: &mut Conn, intent: &str) -> DbResult<Option<Uuid>> {
    let found = payments::table.filter(payments::payment_intent.eq(intent)).select(payments::id);
    Ok(found.first(conn).await.optional()?)
}

/// What a request was for.
pub async fn subject_of(conn: &mut Conn, command: Uuid) -> DbResult<Option<Uuid>> {
    Ok(provider_commands::table
        .find(command)
        .select(provider_commands::subject)
        .first(conn)
        .await
        .optional()?)
}

/// Payments of an organisation, newest first.
pub async fn list(
    conn: &mut Conn,
    organisation: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<PaymentRow>> {
    let mut query = payments::table.filter(payments::organisation_id.eq(organisation)).into_boxed();
    if let Some(before) = before {
        query = query.filter(payments::id.lt(before));
    }
    Ok(query.order(payments::id.desc()).limit(limit).select(PaymentRow::as_select()).load(conn).await?)
}

//! Payments that payers' banks take back.

use assay_platform::db::schema::provider_disputes;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A dispute as stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = provider_disputes, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct DisputeRow {
    pub id: Uuid,
    pub payment_id: Uuid,
    pub dispute: String,
    pub status: String,
    pub reason: String,
    pub amount: i64,
    pub currency: String,
    pub fee: i64,
    pub frozen: i64,
    pub evidence_due_at: Option<DateTime<Utc>>,
    pub evidence_submitted_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub opened_at: DateTime<Utc>,
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub loss: i64,
}

rows!(provider_disputes, DisputeRow, id);

/// The dispute that the provider knows by that id.
pub async fn of_dispute(conn: &mut Conn, dispute: &str) -> DbResult<Option<Uuid>> {
    let found =
        provider_disputes::table.filter(provider_disputes::dispute.eq(dispute)).select(provider_disputes::id);
    Ok(found.first(conn).await.optional()?)
}

/// A dispute of a payment that has taken the money and has not ended, locked.
pub async fn lock_open(conn: &mut Conn, payment: Uuid) -> DbResult<Option<DisputeRow>> {
    let found = provider_disputes::table
        .filter(provider_disputes::payment_id.eq(payment))
        .filter(provider_disputes::withdrawn_at.is_not_null())
        .filter(provider_disputes::outcome.is_null())
        .select(DisputeRow::as_select())
        .for_no_key_update();
    Ok(found.first(conn).await.optional()?)
}

/// Another one of the same payment.
pub async fn lock_another_open(conn: &mut Conn, row: &DisputeRow) -> DbResult<Option<DisputeRow>> {
    let found = provider_disputes::table
        .filter(provider_disputes::payment_id.eq(row.payment_id))
        .filter(provider_disputes::id.ne(row.id))
        .filter(provider_disputes::withdrawn_at.is_not_null())
        .filter(provider_disputes::outcome.is_null())
        .select(DisputeRow::as_select())
        .for_no_key_update();
    Ok(found.first(conn).await.optional()?)
}

/// Since when a payment has been frozen without a break, by this dispute or one that ended after it began.
pub async fn frozen_since(conn: &mut Conn, row: &DisputeRow) -> DbResult<Option<DateTime<Utc>>> {
    let ended_before = provider_disputes::closed_at.lt(row.withdrawn_at);
    let found = provider_disputes::table
        .filter(provider_disputes::payment_id.eq(row.payment_id))
        .filter(provider_disputes::closed_at.is_null().or(diesel::dsl::not(ended_before.assume_not_null())))
        .select(diesel::dsl::min(provider_disputes::withdrawn_at));
    Ok(found.first(conn).await?)
}

/// Disputes of a payment by which the platform has lost something, locked.
pub async fn lock_with_loss(conn: &mut Conn, payment: Uuid) -> DbResult<Vec<DisputeRow>> {
    let found = provider_disputes::table
        .filter(provider_disputes::payment_id.eq(payment))
        .filter(provider_disputes::loss.gt(0))
        .order(provider_disputes::id)
        .select(DisputeRow::as_select())
        .for_no_key_update();
    Ok(found.load(conn).await?)
}

/// Disputes, newest first.
pub async fn list(
    conn: &mut Conn,
    open_only: bool,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<DisputeRow>> {
    let mut query = provider_disputes::table.into_boxed();
    if open_only {
        query = query.filter(provider_disputes::outcome.is_null());
    }
    if let Some(before) = before {
        query = query.filter(provider_disputes::id.lt(before));
    }
    let query = query.order(provider_disputes::id.desc()).limit(limit).select(DisputeRow::as_select());
    Ok(query.load(conn).await?)
}

//! Refunds, and the reversals that some of them need first.

use assay_platform::db::schema::{refunds, reversals};
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A refund as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = refunds, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct RefundRow {
    pub id: Uuid,
    pub decision: Uuid,
    pub milestone: Uuid,
    pub contract: Uuid,
    pub organisation_id: Uuid,
    pub payment_id: Uuid,
    pub source: String,
    pub developer_id: Option<Uuid>,
    pub amount: i64,
    pub fee: i64,
    pub currency: String,
    pub unpaid: i64,
    pub reversed: i64,
    pub owed: i64,
    pub state: String,
    pub command_id: Option<Uuid>,
    pub failure: Option<String>,
    pub refund: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub charged_back: i64,
    pub out_of_band_reference: Option<String>,
}

rows!(refunds, RefundRow, id);

impl RefundRow {
    /// What of the amount and of the fee is to be sent: not what the payer's bank has given the client already.
    pub fn left(&self) -> (i64, i64) {
        let of_fee = self.charged_back.saturating_sub(self.amount).max(0);
        (self.amount.saturating_sub(self.charged_back).max(0), self.fee.saturating_sub(of_fee))
    }

    /// Both together.
    pub fn to_send(&self) -> i64 {
        let (amount, fee) = self.left();
        amount.saturating_add(fee)
    }
}

/// A reversal as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = reversals, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct ReversalRow {
    pub id: Uuid,
    pub refund_id: Uuid,
    pub transfer_id: Uuid,
    pub amount: i64,
    pub state: String,
    pub command_id: Uuid,
    pub reversal: Option<String>,
    pub failure: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Reversals.
pub mod reversal {
    use super::*;

    rows!(reversals, ReversalRow, id);

    statement! {
        /// Reversals of a payment's transfers that have not ended.
        struct Queued(payment: Uuid as SqlUuid) -> (BigInt);
        "SELECT count(*) FROM reversals x JOIN refunds r ON r.id = x.refund_id
         WHERE r.payment_id = {} AND x.state = 'queued'"
    }

    /// Is a transfer of that payment being taken back now?
    pub async fn any_queued(conn: &mut Conn, payment: Uuid) -> DbResult<bool> {
        let (queued,): (i64,) = Queued { payment }.get_result(conn).await?;
        Ok(queued > 0)
    }

    /// Those that a refund has asked for.
    pub async fn of_refund(conn: &mut Conn, refund: Uuid) -> DbResult<Vec<ReversalRow>> {
        let found = reversals::table.filter(reversals::refund_id.eq(refund)).order(reversals::id);
        Ok(found.select(ReversalRow::as_select()).load(conn).await?)
    }
}

/// Has the decision a refund?
pub async fn of_decision(conn: &mut Conn, decision: Uuid) -> DbResult<bool> {
    let found = refunds::table.filter(refunds::decision.eq(decision));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// The refund that the provider knows by that id.
pub async fn of_refund(conn: &mut Conn, refund: &str) -> DbResult<Option<Uuid>> {
    let found = refunds::table.filter(refunds::refund.eq(refund)).select(refunds::id);
    Ok(found.first(conn).await.optional()?)
}

statement! {
    /// Refunds of a payment that the provider is asked for.
    struct OnTheirWay(payment: Uuid as SqlUuid) -> (BigInt);
    "SELECT count(*) FROM refunds WHERE payment_id = {} AND state IN ('queued', 'submitted')"
}

/// Is the provider being asked for a refund of that payment now?
pub async fn any_on_their_way(conn: &mut Conn, payment: Uuid) -> DbResult<bool> {
    let (asked,): (i64,) = OnTheirWay { payment }.get_result(conn).await?;
    Ok(asked > 0)
}

/// Refunds of a payment that wait for money to be taken back, locked.
pub async fn lock_taking_back(conn: &mut Conn, payment: Uuid) -> DbResult<Vec<RefundRow>> {
    let found = refunds::table
        .filter(refunds::payment_id.eq(payment))
        .filter(refunds::state.eq("taking_back"))
        .order(refunds::id)
        .select(RefundRow::as_select())
        .for_no_key_update();
    Ok(found.load(conn).await?)
}

/// Refunds of a payment that did not reach the client, and were not given up, locked.
pub async fn lock_unsent(conn: &mut Conn, payment: Uuid) -> DbResult<Vec<RefundRow>> {
    let found = refunds::table
        .filter(refunds::payment_id.eq(payment))
        .filter(refunds::state.eq_any(["refused", "failed"]))
        .order(refunds::id)
        .select(RefundRow::as_select())
        .for_no_key_update();
    Ok(found.load(conn).await?)
}

/// Refunds of an organisation, newest first; of everybody when none is named, then only those in that state.
pub async fn list(
    conn: &mut Conn,
    organisation: Option<Uuid>,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<RefundRow>> {
    let mut query = refunds::table.into_boxed();
    if let Some(organisation) = organisation {
        query = query.filter(refunds::organisation_id.eq(organisation));
    }
    if let Some(state) = state {
        query = query.filter(refunds::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(refunds::id.lt(before));
    }
    Ok(query.order(refunds::id.desc()).limit(limit).select(RefundRow::as_select()).load(conn).await?)
}

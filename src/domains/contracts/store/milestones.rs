//! Milestones, deliveries, decisions.

use assay_kernel::ids::MilestoneId;
use assay_platform::db::schema::{contracts, deliveries, milestone_decisions, milestones};
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::{Evidence, Milestone, Standing};

/// A milestone as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = milestones, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct MilestoneRow {
    pub id: Uuid,
    pub contract_id: Uuid,
    pub change_order_id: Option<Uuid>,
    pub position: i32,
    pub state: String,
    pub state_before: Option<String>,
    pub document: Json<Milestone>,
    pub standing: Json<Vec<Standing>>,
    pub amount: i64,
    pub currency: String,
    pub due_at: DateTime<Utc>,
    pub revisions: i32,
    pub funded_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub review_until: Option<DateTime<Utc>>,
    pub answer_until: Option<DateTime<Utc>>,
    pub reason: Option<String>,
    pub released: i64,
    pub held_back: i64,
    pub freed: i64,
    pub refunded: i64,
    pub developer_fee: i64,
    pub client_fee: i64,
    pub holdback_state: String,
    pub holdback_until: Option<DateTime<Utc>>,
    pub transfers_due: i32,
    pub transfers_made: i32,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub open_dispute_id: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
}

/// A decision on money as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = milestone_decisions, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct DecisionRow {
    pub id: Uuid,
    pub milestone_id: Uuid,
    pub kind: String,
    pub terminal: bool,
    pub decided_by_id: Option<Uuid>,
    pub released: i64,
    pub developer_fee: i64,
    pub client_fee: i64,
    pub held_back: i64,
    pub refunded: i64,
    pub refunded_fee: i64,
    pub decided_at: DateTime<Utc>,
    pub taken_back: i64,
    pub taken_back_fee: i64,
    pub arbitration_fee: i64,
    pub dispute_id: Option<Uuid>,
}

/// A delivery as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = deliveries, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct DeliveryRow {
    pub id: Uuid,
    pub milestone_id: Uuid,
    pub number: i32,
    pub evidence: Json<Vec<Evidence>>,
    pub note: Option<String>,
    pub delivered_at: DateTime<Utc>,
}

/// Stores new milestones.
pub async fn insert(conn: &mut Conn, rows: &[MilestoneRow]) -> DbResult<()> {
    diesel::insert_into(milestones::table).values(rows).execute(conn).await?;
    Ok(())
}

/// A milestone, without a lock.
pub async fn find(conn: &mut Conn, id: MilestoneId) -> DbResult<Option<MilestoneRow>> {
    Ok(milestones::table.find(id.uuid()).select(MilestoneRow::as_select()).first(conn).await.optional()?)
}

/// A milestone, locked. Its contract is locked before it.
pub async fn lock(conn: &mut Conn, id: MilestoneId) -> DbResult<Option<MilestoneRow>> {
    Ok(milestones::table
        .find(id.uuid())
        .select(MilestoneRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// The milestones of a contract in their order.
pub async fn of_contract(conn: &mut Conn, contract: Uuid) -> DbResult<Vec<MilestoneRow>> {
    Ok(milestones::table
        .filter(milestones::contract_id.eq(contract))
        .order((milestones::position, milestones::id))
        .select(MilestoneRow::as_select())
        .load(conn)
        .await?)
}

/// The same, locked in their order. The contract is locked before them.
pub async fn lock_all(conn: &mut Conn, contract: Uuid) -> DbResult<Vec<MilestoneRow>> {
    Ok(milestones::table
        .filter(milestones::contract_id.eq(contract))
        .order((milestones::position, milestones::id))
        .select(MilestoneRow::as_select())
        .for_no_key_update()
        .load(conn)
        .await?)
}

/// Writes everything that may change.
pub async fn update(conn: &mut Conn, row: &MilestoneRow) -> DbResult<()> {
    diesel::update(milestones::table.find(row.id))
        .set((
            (
                milestones::state.eq(&row.state),
                milestones::state_before.eq(&row.state_before),
                milestones::document.eq(&row.document),
                milestones::standing.eq(&row.standing),
                milestones::due_at.eq(row.due_at),
                milestones::revisions.eq(row.revisions),
                milestones::funded_at.eq(row.funded_at),
                milestones::delivered_at.eq(row.delivered_at),
                milestones::review_until.eq(row.review_until),
                milestones::answer_until.eq(row.answer_until),
                milestones::reason.eq(&row.reason),
            ),
            (
                milestones::released.eq(row.released),
                milestones::held_back.eq(row.held_back),
                milestones::freed.eq(row.freed),
                milestones::refunded.eq(row.refunded),
                milestones::developer_fee.eq(row.developer_fee),
                milestones::client_fee.eq(row.client_fee),
                milestones::holdback_state.eq(&row.holdback_state),
                milestones::holdback_until.eq(row.holdback_until),
                milestones::transfers_due.eq(row.transfers_due),
                milestones::transfers_made.eq(row.transfers_made),
                milestones::version.eq(row.version),
                milestones::updated_at.eq(row.updated_at),
                milestones::open_dispute_id.eq(row.open_dispute_id),
                milestones::decided_at.eq(row.decided_at),
            ),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Stores a decision. A second one that closes the milestone is refused by an index.
pub async fn insert_decision(conn: &mut Conn, row: &DecisionRow) -> DbResult<()> {
    diesel::insert_into(milestone_decisions::table).values(row).execute(conn).await?;
    Ok(())
}

/// The decisions on a milestone, oldest first.
pub async fn decisions(conn: &mut Conn, milestone: Uuid) -> DbResult<Vec<DecisionRow>> {
    Ok(milestone_decisions::table
        .filter(milestone_decisions::milestone_id.eq(milestone))
        .order(milestone_decisions::id)
        .select(DecisionRow::as_select())
        .load(conn)
        .await?)
}

/// Stores a delivery.
pub async fn insert_delivery(conn: &mut Conn, row: &DeliveryRow) -> DbResult<()> {
    diesel::insert_into(deliveries::table).values(row).execute(conn).await?;
    Ok(())
}

/// The deliveries on a milestone, oldest first.
pub async fn deliveries(conn: &mut Conn, milestone: Uuid) -> DbResult<Vec<DeliveryRow>> {
    Ok(deliveries::table
        .filter(deliveries::milestone_id.eq(milestone))
        .order(deliveries::number)
        .select(DeliveryRow::as_select())
        .load(conn)
        .await?)
}

/// The contract of a milestone.
pub async fn contract_of(conn: &mut Conn, milestone: MilestoneId) -> DbResult<Option<Uuid>> {
    Ok(milestones::table
        .inner_join(contracts::table)
        .filter(milestones::id.eq(milestone.uuid()))
        .select(contracts::id)
        .first(conn)
        .await
        .optional()?)
}

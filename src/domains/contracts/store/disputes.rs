//! Disputes and the offers made in them; who has a part in a case.

use assay_kernel::ids::{AccountId, DisputeId};
use assay_platform::db::schema::{contract_messages, dispute_offers, disputes};
use assay_platform::db::{Conn, DbResult, Json};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::{Appeal, Ruling};

/// A dispute as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = disputes, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct DisputeRow {
    pub id: Uuid,
    pub milestone_id: Uuid,
    pub contract_id: Uuid,
    pub opened_by_id: Uuid,
    pub side: String,
    pub state: String,
    pub after_release: bool,
    pub amount: i64,
    pub currency: String,
    pub claim: i64,
    pub reason: String,
    pub answer: Option<i64>,
    pub response: Option<String>,
    pub responded_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub mediator_id: Option<Uuid>,
    pub proposal: Option<Json<Ruling>>,
    pub accepted_by: Option<String>,
    pub arbitrator_id: Option<Uuid>,
    pub award: Option<Json<Ruling>>,
    pub fee: i64,
    pub fee_taken: i64,
    pub appeal: Option<Json<Appeal>>,
    pub appeal_judge_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// An offer as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = dispute_offers, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct OfferRow {
    pub id: Uuid,
    pub dispute_id: Uuid,
    pub by_id: Uuid,
    pub side: String,
    pub developer: i64,
    pub note: Option<String>,
    pub state: String,
    pub created_at: DateTime<Utc>,
}

/// The indexes by which a milestone has one open dispute, and each side opens one.
pub const ONCE: [&str; 2] = ["disputes_one_open", "disputes_once_a_side"];

/// Stores a new dispute.
pub async fn insert(conn: &mut Conn, row: &DisputeRow) -> DbResult<()> {
    diesel::insert_into(disputes::table).values(row).execute(conn).await?;
    Ok(())
}

/// A dispute, without a lock.
pub async fn find(conn: &mut Conn, id: DisputeId) -> DbResult<Option<DisputeRow>> {
    Ok(disputes::table.find(id.uuid()).select(DisputeRow::as_select()).first(conn).await.optional()?)
}

/// A dispute, locked. Its contract and milestone are locked before it.
pub async fn lock(conn: &mut Conn, id: DisputeId) -> DbResult<Option<DisputeRow>> {
    let locked = disputes::table.find(id.uuid()).select(DisputeRow::as_select()).for_no_key_update();
    Ok(locked.first(conn).await.optional()?)
}

/// Writes everything that may change.
pub async fn update(conn: &mut Conn, row: &DisputeRow) -> DbResult<()> {
    diesel::update(disputes::table.find(row.id)).set(row).execute(conn).await?;
    Ok(())
}

/// The disputes of a contract, oldest first.
pub async fn of_contract(conn: &mut Conn, contract: Uuid) -> DbResult<Vec<DisputeRow>> {
    let found = disputes::table.filter(disputes::contract_id.eq(contract)).order(disputes::id);
    Ok(found.select(DisputeRow::as_select()).load(conn).await?)
}

/// The disputes over a milestone, oldest first.
pub async fn of_milestone(conn: &mut Conn, milestone: Uuid) -> DbResult<Vec<DisputeRow>> {
    let found = disputes::table.filter(disputes::milestone_id.eq(milestone)).order(disputes::id);
    Ok(found.select(DisputeRow::as_select()).load(conn).await?)
}

/// Disputes for staff, newest first.
pub async fn list(
    conn: &mut Conn,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<DisputeRow>> {
    let mut query = disputes::table.into_boxed();
    if let Some(state) = state {
        query = query.filter(disputes::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(disputes::id.lt(before));
    }
    Ok(query.order(disputes::id.desc()).limit(limit).select(DisputeRow::as_select()).load(conn).await?)
}

/// Is the contract disputed over, in a case that staff look at?
pub async fn any_of_contract(conn: &mut Conn, contract: Uuid) -> DbResult<bool> {
    let found = disputes::table.filter(disputes::contract_id.eq(contract));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// Stores an offer.
pub async fn insert_offer(conn: &mut Conn, row: &OfferRow) -> DbResult<()> {
    diesel::insert_into(dispute_offers::table).values(row).execute(conn).await?;
    Ok(())
}

/// An offer.
pub async fn find_offer(conn: &mut Conn, id: Uuid) -> DbResult<Option<OfferRow>> {
    Ok(dispute_offers::table.find(id).select(OfferRow::as_select()).first(conn).await.optional()?)
}

/// The offers made in a dispute, oldest first.
pub async fn offers(conn: &mut Conn, dispute: Uuid) -> DbResult<Vec<OfferRow>> {
    let found = dispute_offers::table.filter(dispute_offers::dispute_id.eq(dispute));
    Ok(found.order(dispute_offers::id).select(OfferRow::as_select()).load(conn).await?)
}

/// A side's open offer is replaced.
pub async fn replace_offer(conn: &mut Conn, dispute: Uuid, side: &str) -> DbResult<()> {
    let open = dispute_offers::table
        .filter(dispute_offers::dispute_id.eq(dispute))
        .filter(dispute_offers::side.eq(side))
        .filter(dispute_offers::state.eq("open"));
    diesel::update(open).set(dispute_offers::state.eq("replaced")).execute(conn).await?;
    Ok(())
}

/// Offers above what the dispute is over now are for all of it.
pub async fn lower_offers(conn: &mut Conn, dispute: Uuid, amount: i64) -> DbResult<()> {
    let above = dispute_offers::table
        .filter(dispute_offers::dispute_id.eq(dispute))
        .filter(dispute_offers::developer.gt(amount));
    diesel::update(above).set(dispute_offers::developer.eq(amount)).execute(conn).await?;
    Ok(())
}

/// An offer is accepted.
pub async fn accept_offer(conn: &mut Conn, id: Uuid) -> DbResult<()> {
    diesel::update(dispute_offers::table.find(id))
        .set(dispute_offers::state.eq("accepted"))
        .execute(conn)
        .await?;
    Ok(())
}

/// Which of these messages are of the contract.
pub async fn messages_of(conn: &mut Conn, contract: Uuid, ids: &[Uuid]) -> DbResult<Vec<Uuid>> {
    let found = contract_messages::table
        .filter(contract_messages::contract_id.eq(contract))
        .filter(contract_messages::id.eq_any(ids.to_vec()))
        .select(contract_messages::id);
    Ok(found.load(conn).await?)
}

statement! {
    /// Has a person a part in a case?
    struct Tied(who: Uuid as SqlUuid, contract: Uuid as SqlUuid) -> (Bool);
    "SELECT EXISTS (SELECT FROM (SELECT {}::uuid AS who) w
        JOIN contracts c ON c.id = {}
        JOIN projects p ON p.id = c.project_id
        WHERE c.developer_id = w.who
        -- A member of the client's organisation, or of one with anybody of either side.
        OR EXISTS (SELECT FROM organisation_members m WHERE m.account_id = w.who
            AND (m.organisation_id = c.organisation_id OR EXISTS (SELECT FROM organisation_members o
                WHERE o.organisation_id = m.organisation_id AND (o.account_id = c.developer_id OR EXISTS (
                    SELECT FROM organisation_members k
                    WHERE k.organisation_id = c.organisation_id AND k.account_id = o.account_id)))))
        -- The same employer, as assessors tell it.
        OR EXISTS (SELECT FROM assessors mine JOIN assessors theirs ON lower(theirs.employer) = lower(mine.employer)
            WHERE mine.account_id = w.who AND theirs.account_id = c.developer_id)
        OR EXISTS (SELECT FROM assessors mine JOIN organisations o ON lower(o.name) = lower(mine.employer)
            WHERE mine.account_id = w.who AND o.id = c.organisation_id)
        -- Has curated the project.
        OR p.curator_id = w.who
        OR EXISTS (SELECT FROM curation_decisions d WHERE d.project_id = p.id AND d.decided_by_id = w.who)
        -- Has assessed the developer, or decided on their application.
        OR EXISTS (SELECT FROM rating_cards r JOIN assessments a ON a.id = r.assessment_id
            WHERE r.rater_id = w.who AND a.candidate_id = c.developer_id)
        OR EXISTS (SELECT FROM booking_hosts h JOIN bookings b ON b.id = h.booking_id
            WHERE h.assessor_id = w.who AND b.candidate_id = c.developer_id)
        OR EXISTS (SELECT FROM decisions d WHERE d.account_id = c.developer_id AND d.decided_by_id = w.who)
        -- Works under a contract with either side.
        OR EXISTS (SELECT FROM contracts x WHERE x.state IN ('offer_sent', 'awaiting_funding', 'active', 'paused',
            'completing') AND x.developer_id = w.who AND x.organisation_id = c.organisation_id))"
}

/// Has a person a part in the case of a contract: a side of it, an organisation, employer or contract in common, the
/// curation of the project, the assessment of the developer?
pub async fn is_tied(conn: &mut Conn, who: AccountId, contract: Uuid) -> DbResult<bool> {
    let (tied,): (bool,) = Tied { who: who.uuid(), contract }.get_result(conn).await?;
    Ok(tied)
}

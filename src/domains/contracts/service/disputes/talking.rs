//! What the sides do between the answer and the award: offers, answers to a proposal, the appeal against arithmetic.

use assay_kernel::ids::{DisputeId, DisputeOfferId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::policy::add_business_days;
use assay_platform::web::IfMatch;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use validator::Validate;

use super::super::notify;
use super::ending::divide;
use super::opening::check_part;
use super::{Case, DisputeDetail, Role, begin, detail, of_offer, save, staff, wait};
use crate::model::{Appeal, DISPUTE, DecisionKind, Division, Side, step};
use crate::store;
use crate::store::disputes::OfferRow;

/// A division that a side offers.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferDivision {
    /// The developer's part of what is disputed, minor units; the rest is the client's.
    #[schema(minimum = 0, example = 400000)]
    #[validate(range(min = 0))]
    pub developer_amount: i64,
    /// A few words.
    #[serde(default)]
    #[validate(length(max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = Option<String>, max_length = 4000, example = "Two formats of three, and the tests.")]
    pub note: Text,
}

/// An error of arithmetic in an award.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealAward {
    /// What the developer's part is by right sums, minor units.
    #[schema(minimum = 0, example = 420000)]
    #[validate(range(min = 0))]
    pub developer_amount: i64,
    /// Which sum is wrong. What the award finds is not looked at again.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 4000, example = "Sixty per cent of 700,000 are 420,000, not 402,000.")]
    pub reason: Text,
}

fn side(role: Role) -> Result<Side> {
    role.side().ok_or_else(|| Error::new(Code::Forbidden, "This is for the sides of the contract."))
}

/// A side offers a division; its former offer is replaced.
///
/// # Errors
/// `invalid_fields` beyond what is disputed.
pub async fn offer_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    input: &OfferDivision,
) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "offer").await?;
    check_part(input.developer_amount, case.row.amount, "/developer_amount")?;
    let side = side(role)?;
    store::disputes::replace_offer(conn, case.row.id, side.as_str()).await?;
    let offer = OfferRow {
        id: ctx.ids.uuid(),
        dispute_id: case.row.id,
        by_id: actor.account_id.uuid(),
        side: side.to_string(),
        developer: input.developer_amount,
        note: (!input.note.is_empty()).then(|| input.note.to_string()),
        state: "open".to_owned(),
        created_at: ctx.clock.now(),
    };
    store::disputes::insert_offer(conn, &offer).await?;
    save(ctx, conn, &mut case.row).await?;
    let data = json!({
        "offer_id": DisputeOfferId::from_uuid(offer.id), "side": side, "developer_amount": offer.developer,
    });
    notify::dispute(ctx, conn, &case, "dispute.offer_made", data, false).await?;
    detail(conn, actor, case).await
}

/// A side accepts the other's offer: the money is divided so.
///
/// # Errors
/// `state_conflict` when the offer was replaced.
pub async fn accept_offer_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeOfferId,
) -> Result<DisputeDetail> {
    let (_, dispute) = of_offer(conn, id).await?;
    let begun = begin(conn, actor, dispute, "accept_offer").await;
    let (mut case, role) = begun.map_err(|error| match error.code() {
        Code::NotFound => Error::not_found("dispute offer"),
        _ => error,
    })?;
    // Read again: it may have been replaced before the dispute was locked.
    let (offer, _) = of_offer(conn, id).await?;
    if offer.state != "open" || offer.side == side(role)?.as_str() {
        return Err(Error::new(Code::StateConflict, "This is no offer of the other side that stands."));
    }
    let settled = DISPUTE.transition(&case.row.state, "accept_offer", &role.who())?.to;
    store::disputes::accept_offer(conn, offer.id).await?;
    let division = Division::plain(case.row.amount, offer.developer);
    divide(ctx, conn, &mut case, settled, DecisionKind::DisputeSettled, &division).await?;
    detail(conn, actor, case).await
}

/// A side accepts the mediator's proposal; with the second side the money is divided so.
///
/// # Errors
/// `guard_failed` the second time, `precondition_failed` when the dispute has changed since it was seen.
pub async fn accept_proposal_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    seen: &IfMatch,
) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "accept_proposal").await?;
    seen.check(case.row.version)?;
    let side = side(role)?;
    if case.row.accepted_by.is_none() {
        case.row.accepted_by = Some(side.to_string());
        save(ctx, conn, &mut case.row).await?;
        notify::dispute(ctx, conn, &case, "dispute.proposal_accepted", json!({ "side": side }), false)
            .await?;
        return detail(conn, actor, case).await;
    }
    let settled = step(&DISPUTE, &case.row.state, "accept_proposal", "settled", &role.who())?.to;
    let proposal = case.row.proposal.as_ref().ok_or_else(|| Error::internal("a proposal is missing"))?;
    let division = Division::plain(case.row.amount, proposal.developer);
    divide(ctx, conn, &mut case, settled, DecisionKind::DisputeSettled, &division).await?;
    detail(conn, actor, case).await
}

/// A side rejects the mediator's proposal: somebody else decides.
pub async fn reject_proposal_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    seen: &IfMatch,
) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "reject_proposal").await?;
    seen.check(case.row.version)?;
    staff::to_arbitration(ctx, conn, &mut case, "reject_proposal", &role.who()).await?;
    detail(conn, actor, case).await
}

/// A side shows an error of arithmetic: the award waits for the answer.
///
/// # Errors
/// `guard_failed` when there was an appeal; `invalid_fields` when the right sum is the award's.
pub async fn appeal_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    input: &AppealAward,
) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "appeal").await?;
    let side = side(role)?;
    let Case { row, .. } = &mut case;
    check_part(input.developer_amount, row.amount, "/developer_amount")?;
    if row.award.as_ref().is_some_and(|award| award.developer == input.developer_amount) {
        return Err(Error::invalid_field("/developer_amount", "not_allowed", "is what the award says"));
    }
    let now = ctx.clock.now();
    row.appeal = Some(Json(Appeal {
        by: side,
        reason: input.reason.to_string(),
        developer: input.developer_amount,
        at: now,
        decided_by: None,
        outcome: None,
        answer: None,
    }));
    let until = add_business_days(now, ctx.policy.disputes.appeal_answer_business_days);
    wait(ctx, conn, row, "appeal_overdue", until).await?;
    save(ctx, conn, row).await?;
    let data = json!({ "side": side, "due_at": until });
    notify::dispute(ctx, conn, &case, "dispute.award_appealed", data, true).await?;
    detail(conn, actor, case).await
}

//! Disputes.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{ContractId, DisputeId, DisputeOfferId, MilestoneId};
use assay_kernel::{Limit, Page, Result};
use assay_platform::web::{
    Auth, Body, Cursor, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Query, Reader, Reply, Reviewer,
    Routes, etag,
};
use assay_platform::{Ctx, acts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::dispute_views::DisputeView;
use crate::model::DisputeState;
use crate::service::disputes::opening::{self, OpenDispute, RespondToDispute};
use crate::service::disputes::staff::{self, DecideAppeal, RuleDispute};
use crate::service::disputes::talking::{self, AppealAward, OfferDivision};
use crate::service::disputes::{self, DisputeDetail};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_dispute)
        .service(list_disputes)
        .service(list_contract_disputes)
        .service(open_dispute)
        .service(respond_to_dispute)
        .service(escalate_dispute)
        .service(withdraw_dispute)
        .service(offer_in_dispute)
        .service(accept_dispute_offer)
        .service(propose_in_dispute)
        .service(accept_dispute_proposal)
        .service(reject_dispute_proposal)
        .service(award_dispute)
        .service(appeal_dispute_award)
        .service(decide_dispute_appeal);
}

fn shown(detail: DisputeDetail) -> Result<Reply> {
    let view = DisputeView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

fn created(detail: DisputeDetail) -> Result<Reply> {
    let view = DisputeView::new(detail)?;
    Ok(Reply::created(format!("/v1/disputes/{}", view.id), &view)?.etag(etag(view.version)))
}

/// Shows a dispute.
///
/// For the sides of the contract, and for staff who mediate or act on money.
#[utoipa::path(tag = "disputes", responses((status = 200, description = "The dispute.", body = DisputeView)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/disputes/{id}")]
async fn get_dispute(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<DisputeId>) -> Outcome {
    let detail = ctx.db.read(async |conn| disputes::get(conn, &caller, id.0).await).await?;
    Ok(shown(detail)?)
}

/// Which disputes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListDisputes {
    /// In one state only: `mediation` waits for a mediator, `arbitration` for an arbitrator.
    #[param(inline)]
    state: Option<DisputeState>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists disputes for those who mediate and arbitrate, the newest first.
#[utoipa::path(tag = "disputes", params(ListDisputes), responses((status = 200, description = "A page of disputes.", body = Page<DisputeView>)), extensions(("x-access" = json!("reviewer"))))]
#[get("/v1/disputes")]
async fn list_disputes(ctx: Data<Ctx>, caller: Auth<Reviewer>, query: Query<ListDisputes>) -> Outcome {
    let ListDisputes { state, limit, cursor } = query.0;
    let cursors = Cursor::new(&ctx.keys, "disputes", &state);
    let before: Option<Uuid> = cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let rows = ctx.db.read(async |conn| staff::list(conn, &caller, state, before, limit.fetch()).await);
    let page = cursors.page(rows.await?, limit, |detail| detail.row.id)?;
    Ok(Reply::page(&page.try_map(DisputeView::new)?)?)
}

/// The disputes of a contract.
#[derive(Debug, Serialize, ToSchema)]
struct ContractDisputes {
    /// Oldest first.
    data: Vec<DisputeView>,
}

/// Lists the disputes of a contract, the oldest first.
#[utoipa::path(tag = "disputes", responses((status = 200, description = "The disputes.", body = ContractDisputes)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/contracts/{id}/disputes")]
async fn list_contract_disputes(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<ContractId>) -> Outcome {
    let all = ctx.db.read(async |conn| disputes::of_contract(conn, &caller, id.0).await).await?;
    let data = all.into_iter().map(DisputeView::new).collect::<Result<_>>()?;
    Ok(Reply::ok(&ContractDisputes { data })?)
}

acts! { Ctx, created, ("disputes", 201, "The dispute.", DisputeView);
    /// Opens a dispute over a milestone's money.
    ///
    /// For either side: over what is held and not accepted, or, up to thirty days after the decision, over what was. The
    /// money is frozen; what was not sent waits; other milestones go on. The other side answers within seven days, or the
    /// claim is granted.
    open_dispute(Reader, MilestoneId, IdempotencyKey, Body: OpenDispute) "/v1/milestones/{id}/disputes" =
        opening::open_in;
    /// Offers the other side a division.
    ///
    /// Between nothing and all of what is disputed; a side's new offer replaces its former one. Possible until there is
    /// an award.
    offer_in_dispute(Reader, DisputeId, IdempotencyKey, Body: OfferDivision) "/v1/disputes/{id}/offers" =
        talking::offer_in;
}

acts! { Ctx, shown, ("disputes", 200, "The dispute.", DisputeView);
    /// Asks for a mediator before the days of negotiation are over.
    escalate_dispute(Reader, DisputeId, IdempotencyKey) "/v1/disputes/{id}/escalate" = opening::escalate_in;
    /// Takes a dispute back.
    ///
    /// For the side that opened it, which cannot open it again. Things go on where they stood; the time that it took is
    /// added.
    withdraw_dispute(Reader, DisputeId, IdempotencyKey) "/v1/disputes/{id}/withdraw" = opening::withdraw_in;
    /// Accepts the other side's offer.
    ///
    /// The money is divided so, at once.
    accept_dispute_offer(Reader, DisputeOfferId, MoneyKey) "/v1/dispute_offers/{id}/accept" = talking::accept_offer_in;
    /// Accepts the mediator's proposal.
    ///
    /// With the second side the money is divided so, at once.
    accept_dispute_proposal(Reader, DisputeId, MoneyKey, IfMatch: seen) "/v1/disputes/{id}/accept_proposal" =
        talking::accept_proposal_in;
    /// Rejects the mediator's proposal.
    ///
    /// Another person then decides, for a fee that the loser pays.
    reject_dispute_proposal(Reader, DisputeId, IdempotencyKey, IfMatch: seen) "/v1/disputes/{id}/reject_proposal" =
        talking::reject_proposal_in;
    /// Answers a dispute.
    ///
    /// For the side that has not opened it. Both then negotiate for five days.
    respond_to_dispute(Reader, DisputeId, IdempotencyKey, Body: RespondToDispute) "/v1/disputes/{id}/respond" =
        opening::respond_in;
    /// Proposes a division, as the mediator.
    ///
    /// For staff without a part in the case. Each finding rests on a deliverable, a delivery or a message; both parts sum
    /// to what is disputed. Both sides answer within five days.
    propose_in_dispute(Reviewer, DisputeId, IdempotencyKey, Body: RuleDispute) "/v1/disputes/{id}/propose" =
        staff::propose_in;
    /// Appeals against an award, for an error of arithmetic only.
    ///
    /// Once, by either side, before the award is carried out.
    appeal_dispute_award(Reader, DisputeId, IdempotencyKey, Body: AppealAward) "/v1/disputes/{id}/appeal" =
        talking::appeal_in;
    /// Decides a dispute, as the arbitrator.
    ///
    /// For another person than the mediator, without a part in the case. From the policy's amount on the award holds when
    /// a second person of the finance staff has confirmed it. It is carried out after five days.
    award_dispute(Reviewer, DisputeId, MoneyKey, Body: RuleDispute) "/v1/disputes/{id}/award" = staff::award_in;
    /// Answers an appeal against an award's arithmetic.
    ///
    /// For a third person: neither the mediator nor the arbitrator, without a part in the case.
    decide_dispute_appeal(Reviewer, DisputeId, MoneyKey, IfMatch: seen, Body: DecideAppeal)
        "/v1/disputes/{id}/decide_appeal" = staff::decide_appeal_in;
}

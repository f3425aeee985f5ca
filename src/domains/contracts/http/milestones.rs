//! Milestones: work, delivery, review, refunds, checks.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, get, post};
use assay_kernel::Result;
use assay_kernel::ids::MilestoneId;
use assay_platform::web::{
    Auth, Body, Developer, Hirer, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Reader, Reply, Routes,
    etag,
};
use assay_platform::{Ctx, acts};

use super::contracts::ReasonInput;
use super::dto::MilestoneView;
use crate::service::checks::{self, CheckResult, SignOff};
use crate::service::review::{self, Accept, Deliver};
use crate::service::views::MilestoneDetail;
use crate::service::{funding, refunds, views};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_milestone)
        .service(start_milestone)
        .service(deliver_milestone)
        .service(accept_milestone)
        .service(request_milestone_changes)
        .service(request_milestone_refund)
        .service(withdraw_milestone_refund)
        .service(grant_milestone_refund)
        .service(decline_milestone_refund)
        .service(cancel_late_milestone)
        .service(free_milestone_holdback)
        .service(sign_off_milestone)
        .service(post_check_result);
}

fn shown(detail: MilestoneDetail) -> Result<Reply> {
    let view = MilestoneView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Shows a milestone with its deliveries and the decisions on its money.
///
/// For the parties, finance staff, and third parties who sign something of it off.
#[utoipa::path(tag = "milestones", responses((status = 200, description = "The milestone.", body = MilestoneView)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/milestones/{id}")]
async fn get_milestone(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<MilestoneId>) -> Outcome {
    let detail = ctx.db.read(async |conn| views::milestone(&ctx, conn, &caller, id.0).await).await?;
    Ok(shown(detail)?)
}

acts! { Ctx, shown, ("milestones", 200, "The milestone.", MilestoneView);
    /// Begins work on a paid milestone, or on requested changes.
    start_milestone(Developer, MilestoneId, IdempotencyKey) "/v1/milestones/{id}/start" = review::start_in;
    /// Takes a request for a refund back.
    ///
    /// Things go on where they stood; the time that the request took is added.
    withdraw_milestone_refund(Hirer, MilestoneId, IdempotencyKey) "/v1/milestones/{id}/withdraw_refund" =
        async |ctx: &Ctx, c, a: &_, id| refunds::end_request_in(ctx, c, a, id, "withdraw_refund", None).await;
    /// Releases what is held back before its date.
    free_milestone_holdback(Hirer, MilestoneId, MoneyKey) "/v1/milestones/{id}/free_holdback" =
        funding::free_holdback_in;
    /// Grants the client's request for a refund.
    ///
    /// What was not accepted goes back.
    grant_milestone_refund(Developer, MilestoneId, MoneyKey, IfMatch: seen) "/v1/milestones/{id}/grant_refund" =
        refunds::grant_in;
    /// Cancels what is fifteen days late.
    ///
    /// What was not accepted goes back.
    cancel_late_milestone(Hirer, MilestoneId, MoneyKey, IfMatch: seen) "/v1/milestones/{id}/cancel_late" =
        refunds::cancel_late_in;
    /// Delivers a milestone.
    ///
    /// With evidence for each deliverable that is not accepted yet. The review begins; silence accepts at its end.
    deliver_milestone(Developer, MilestoneId, IdempotencyKey, Body: Deliver) "/v1/milestones/{id}/deliver" =
        review::deliver_in;
    /// Asks for a refund of what was not accepted.
    ///
    /// The developer answers in seven days; silence grants it.
    request_milestone_refund(Hirer, MilestoneId, IdempotencyKey, Body: ReasonInput)
        "/v1/milestones/{id}/request_refund" =
        async |ctx: &Ctx, c, a: &_, id, b: &ReasonInput| refunds::request_in(ctx, c, a, id, &b.reason).await;
    /// Declines the client's request for a refund.
    ///
    /// With a reason. Things go on where they stood; the time that the request took is added.
    decline_milestone_refund(Developer, MilestoneId, IdempotencyKey, Body: ReasonInput)
        "/v1/milestones/{id}/decline_refund" =
        async |ctx: &Ctx, c, a: &_, id, b: &ReasonInput|
            refunds::end_request_in(ctx, c, a, id, "decline_refund", Some(&b.reason)).await;
    /// Signs a deliverable off, as its named third party.
    ///
    /// Accepts it when it is under review. Without a deliverable it meets the condition of what is held back.
    sign_off_milestone(Reader, MilestoneId, MoneyKey, Body: SignOff) "/v1/milestones/{id}/sign_off" =
        checks::sign_off_in;
    /// Accepts deliverables.
    ///
    /// Their weights are released at once, but for what is held back; with the last one the milestone is decided.
    accept_milestone(Hirer, MilestoneId, MoneyKey, IfMatch: seen, Body: Accept) "/v1/milestones/{id}/accept" =
        review::accept_in;
    /// Asks for changes to a delivery.
    ///
    /// Within the agreed rounds. The time of the review is added to the time for the delivery.
    request_milestone_changes(Hirer, MilestoneId, IdempotencyKey, IfMatch: seen, Body: ReasonInput)
        "/v1/milestones/{id}/request_changes" =
        async |ctx: &Ctx, c, a: &_, id, seen: &_, b: &ReasonInput|
            review::request_changes_in(ctx, c, a, id, seen, &b.reason).await;
}

/// Takes the signed result of a check.
///
/// For continuous integration and URL probes: the header `Assay-Signature: t=<unix seconds>,v1=<hex>` carries
/// HMAC-SHA-256 over `<t>.<body>` with the contract's key, not older than five minutes. What passed under review is
/// accepted; without a deliverable it meets the condition of what is held back.
#[utoipa::path(tag = "milestones", request_body = CheckResult, responses((status = 204, description = "Taken.")), extensions(("x-access" = json!("public"))))]
#[post("/v1/milestones/{id}/check_results")]
async fn post_check_result(
    ctx: Data<Ctx>,
    request: HttpRequest,
    id: Path<MilestoneId>,
    body: Bytes,
) -> Outcome {
    let signature = request.headers().get("assay-signature").and_then(|value| value.to_str().ok());
    ctx.db.tx(async |conn| checks::take_result_in(&ctx, conn, id.0, signature, &body).await).await?;
    Ok(Reply::no_content())
}

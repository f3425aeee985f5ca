//! The staff's side of applications.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AccountId, ApplicationId, DecisionId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, string_enum};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Admin, Auth, Body, Cursor, IdempotencyKey, IfMatch, Outcome, Path, Query, Reader, Reply, Reviewer, Routes,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::{ApplicationView, DecisionView, QueuedApplication};
use crate::model::{AdverseDecision, ChangesRequest};
use crate::service::Vetting;
use crate::store::applications::Filter;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_application_queue)
        .service(claim_application)
        .service(release_application)
        .service(request_application_changes)
        .service(pass_application)
        .service(confirm_fast_lane)
        .service(decline_application)
        .service(reject_application_integrity)
        .service(override_approval)
        .service(list_application_decisions)
        .service(get_decision);
}

string_enum! {
    /// Where an application in the queue stands.
    enum QueueState {
        /// Waits for a reviewer.
        Submitted = "submitted",
        /// Is claimed.
        Screening = "screening",
    }
}

/// Which applications of the queue to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct QueueQuery {
    /// Only those in this state.
    #[param(inline)]
    state: Option<QueueState>,
    /// Only those that are late, or only those that are not.
    overdue: Option<bool>,
    /// Only those that claim the fast lane, or only those that do not.
    fast_lane: Option<bool>,
    /// Only those claimed by this reviewer.
    #[param(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    claimed_by: Option<AccountId>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists applications that wait for screening or are in it.
///
/// Those due first come first, so what is late leads. Claimed ones name their reviewer.
#[utoipa::path(
    tag = "vetting",
    params(QueueQuery),
    responses((status = 200, description = "A page of the queue.", body = Page<QueuedApplication>)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/applications/queue")]
async fn list_application_queue(
    vetting: Data<Vetting>,
    _caller: Auth<Reviewer>,
    query: Query<QueueQuery>,
) -> Outcome {
    let QueueQuery { state, overdue, fast_lane, claimed_by, limit, cursor } = query.0;
    let now = vetting.ctx.clock.now();
    let bound = (state, overdue, fast_lane, claimed_by);
    let cursors = Cursor::new(&vetting.ctx.keys, "application_queue", &bound);
    let after: Option<(Option<DateTime<Utc>>, Uuid)> =
        cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let after = after.and_then(|(due, id)| due.map(|due| (due, id)));
    let filter = Filter {
        state: state.map(QueueState::as_str),
        reviewer: claimed_by,
        overdue: overdue.map(|late| (late, now)),
        fast_lane,
    };
    let rows =
        vetting.ctx.db.read(async |conn| vetting.queue(conn, &filter, after, limit.fetch()).await).await?;
    Ok(Reply::page(
        &cursors
            .page(rows, limit, |row| (row.screening_due_at, row.id))?
            .try_map(|row| QueuedApplication::new(row, now))?,
    )?)
}

acts! { Vetting, ApplicationView::reply, ("vetting", 200, "The application.", ApplicationView);
    /// Claims an application.
    ///
    /// For 24 hours; then it goes back to the queue by itself. Nobody screens their own, or one on which their decision
    /// was overturned.
    claim_application(Reviewer, ApplicationId, IdempotencyKey) "/v1/applications/{id}/claim" = Vetting::claim_in;
    /// Gives a claimed application back to the queue.
    release_application(Reviewer, ApplicationId, IdempotencyKey) "/v1/applications/{id}/release" = Vetting::release_in;
}

acts! { Vetting, ApplicationView::reply, ("vetting", 200, "The application.", ApplicationView);
    /// Asks the developer for changes.
    ///
    /// With notes per field; the developer changes the application and submits it again within 30 days.
    request_application_changes(Reviewer, ApplicationId, IdempotencyKey, IfMatch: seen, Body: ChangesRequest)
        "/v1/applications/{id}/request_changes" = Vetting::request_changes_in;
    /// Declines an application.
    ///
    /// With a reason and the evidence it rests on, which the developer can read and appeal for 14 days. They may apply
    /// again after 30 days, after a further decline after 90.
    decline_application(Reviewer, ApplicationId, IdempotencyKey, IfMatch: seen, Body: AdverseDecision)
        "/v1/applications/{id}/decline" = Vetting::decline_in;
    /// Rejects an application for want of integrity.
    ///
    /// With a reason about integrity and the evidence it rests on. Only an appeal leads on.
    reject_application_integrity(Reviewer, ApplicationId, IdempotencyKey, IfMatch: seen, Body: AdverseDecision)
        "/v1/applications/{id}/reject_integrity" = Vetting::reject_integrity_in;
}

acts! { Vetting, ApplicationView::reply, ("vetting", 200, "The application.", ApplicationView);
    /// Passes an application.
    ///
    /// The assessment comes next.
    pass_application(Reviewer, ApplicationId, IdempotencyKey, IfMatch: seen) "/v1/applications/{id}/pass" =
        Vetting::pass_in;
}

/// Why something is done that the developer gains by.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Justification {
    /// Why; for staff and the audit log.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The profile shows 64 finished projects at 4.92; the account is theirs.")]
    reason: Text,
}

/// Confirms the evidence for the fast lane.
///
/// The application skips the screening queue, never the assessment. Where the evidence does not hold, it is screened as
/// any other.
#[utoipa::path(
    tag = "vetting",
    request_body = Justification,
    responses((status = 200, description = "The application.", body = ApplicationView)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/applications/{id}/confirm_fast_lane")]
async fn confirm_fast_lane(
    vetting: Data<Vetting>,
    caller: Auth<Reviewer>,
    id: Path<ApplicationId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<Justification>,
) -> Outcome {
    let reply = idempotency::run(&vetting.ctx, key.with(&body).as_ref(), async |conn| {
        let detail = vetting.confirm_fast_lane_in(conn, &caller, id.0, &seen, &body.reason).await?;
        ApplicationView::reply(detail)
    })
    .await?;
    Ok(reply)
}

/// Approves without an assessment.
///
/// By the word of an admin, with a reason that is audited. The approval holds for 18 months; one that still holds is
/// renewed, and no day of it is lost.
#[utoipa::path(
    tag = "vetting",
    request_body = Justification,
    responses((status = 200, description = "The application, with its approval.", body = ApplicationView)),
    extensions(("x-access" = json!("admin")), ("x-if-match" = json!(true)))
)]
#[post("/v1/applications/{id}/override_approval")]
async fn override_approval(
    vetting: Data<Vetting>,
    caller: Auth<Admin>,
    id: Path<ApplicationId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<Justification>,
) -> Outcome {
    let reply = idempotency::run(&vetting.ctx, key.with(&body).as_ref(), async |conn| {
        let detail = vetting.override_approval_in(conn, &caller, id.0, &seen, &body.reason).await?;
        ApplicationView::reply(detail)
    })
    .await?;
    Ok(reply)
}

/// The decisions on an application.
#[derive(Debug, Serialize, ToSchema)]
struct Decisions {
    /// Newest first.
    data: Vec<DecisionView>,
}

/// Lists the decisions on an application.
///
/// For the developer and staff; each names the appeal against it.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "The decisions.", body = Decisions)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/applications/{id}/decisions")]
async fn list_application_decisions(
    vetting: Data<Vetting>,
    caller: Auth<Reader>,
    id: Path<ApplicationId>,
) -> Outcome {
    let rows = vetting.ctx.db.read(async |conn| vetting.history(conn, &caller, id.0).await).await?;
    let view = |(row, appeal): (crate::store::decisions::DecisionRow, _)| {
        let for_staff = row.account_id != caller.account_id.uuid();
        DecisionView::new(row, appeal, for_staff)
    };
    let data = rows.into_iter().map(view).collect::<assay_kernel::Result<_>>()?;
    Ok(Reply::ok(&Decisions { data })?)
}

/// Shows a decision.
///
/// To the person concerned, reviewers, assessors and admins.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "The decision.", body = DecisionView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/decisions/{id}")]
async fn get_decision(vetting: Data<Vetting>, caller: Auth<Reader>, id: Path<DecisionId>) -> Outcome {
    let (row, appeal) = vetting.ctx.db.read(async |conn| vetting.decision(conn, &caller, id.0).await).await?;
    let for_staff = row.account_id != caller.account_id.uuid();
    Ok(Reply::ok(&DecisionView::new(row, appeal, for_staff)?)?)
}

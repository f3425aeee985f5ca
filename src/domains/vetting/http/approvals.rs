//! Routes of approvals.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, ApplicationId, ApprovalId};
use assay_kernel::{Actor, Limit, Page};
use assay_platform::idempotency;
use assay_platform::web::{
    Admin, Auth, Body, Cursor, IdempotencyKey, IfMatch, Outcome, Path, Query, Reader, Reply, Routes, Staff,
    etag,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::model::{APPROVAL, AdverseDecision, Approval, ApprovalState};
use crate::policy;
use crate::service::Vetting;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(revoke_approval).service(get_approval).service(get_my_approval).service(list_approvals);
}

/// A developer's right to bid.
#[derive(Debug, Serialize, ToSchema)]
struct ApprovalView {
    /// Its id.
    #[schema(value_type = String, example = "apv_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    id: ApprovalId,
    /// The application that led to it.
    application_id: ApplicationId,
    /// Whose right it is.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    account_id: AccountId,
    /// Where it stands.
    #[schema(inline)]
    state: ApprovalState,
    /// When it was granted.
    granted_at: DateTime<Utc>,
    /// Until when it holds.
    expires_at: DateTime<Utc>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
    /// Why it was taken back.
    revoke_reason: Option<String>,
    /// Who decided and why; shown to staff only.
    staff: Option<ApprovalStaffView>,
    /// What the caller can do with it now.
    #[schema(example = json!(["revoke"]))]
    allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    why_not: Vec<WhyNot>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    version: i64,
}

/// What only staff see of an approval.
#[derive(Debug, Serialize, ToSchema)]
struct ApprovalStaffView {
    /// Who granted it.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    granted_by: AccountId,
    /// Why it was granted.
    reason: String,
    /// Who took it back.
    #[schema(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    revoked_by: Option<AccountId>,
    /// Version of the policy that set its term.
    #[schema(example = "2026-11-01")]
    policy_version: String,
}

impl ApprovalView {
    fn new(approval: Approval, caller: &Actor) -> Self {
        let who = policy::who(caller, approval.account_id);
        let actions = APPROVAL.actions(approval.state.as_str(), &who, |_, _| None);
        let for_staff = policy::reads_all(caller) && caller.account_id != approval.account_id;
        let staff = for_staff.then(|| ApprovalStaffView {
            granted_by: approval.granted_by,
            reason: approval.reason,
            revoked_by: approval.revocation.as_ref().map(|revocation| revocation.by),
            policy_version: approval.policy_version,
        });
        let (revoked_at, revoke_reason) =
            approval.revocation.map(|revocation| (revocation.at, revocation.reason)).unzip();
        Self {
            id: approval.id,
            application_id: approval.application_id,
            account_id: approval.account_id,
            state: approval.state,
            granted_at: approval.granted_at,
            expires_at: approval.expires_at,
            revoked_at,
            revoke_reason,
            staff,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: approval.version,
        }
    }

    fn reply(self) -> assay_kernel::Result<Reply> {
        Ok(Reply::ok(&self)?.etag(etag(self.version)))
    }
}

/// Revokes an approval.
///
/// With a reason and the evidence it rests on, which the developer can read and appeal for 14 days. They can bid no more.
#[utoipa::path(
    tag = "vetting",
    request_body = AdverseDecision,
    responses((status = 200, description = "The approval.", body = ApprovalView)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/approvals/{id}/revoke")]
async fn revoke_approval(
    vetting: Data<Vetting>,
    caller: Auth<Admin>,
    id: Path<ApprovalId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<AdverseDecision>,
) -> Outcome {
    let reply = idempotency::run(&vetting.ctx, key.with(&body).as_ref(), async |conn| {
        let approval = vetting.revoke_in(conn, &caller, id.0, &seen, &body).await?;
        ApprovalView::new(approval, &caller).reply()
    })
    .await?;
    Ok(reply)
}

/// Shows an approval.
///
/// To the developer concerned and to staff.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "The approval.", body = ApprovalView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/approvals/{id}")]
async fn get_approval(vetting: Data<Vetting>, caller: Auth<Reader>, id: Path<ApprovalId>) -> Outcome {
    let approval = vetting.ctx.db.read(async |conn| vetting.approval(conn, &caller, id.0).await).await?;
    Ok(ApprovalView::new(approval, &caller).reply()?)
}

/// Shows the caller's approval.
///
/// The newest, whatever its state; not found when there never was one.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "The approval.", body = ApprovalView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/approval")]
async fn get_my_approval(vetting: Data<Vetting>, caller: Auth<Reader>) -> Outcome {
    let approval = vetting.ctx.db.read(async |conn| vetting.own_approval(conn, &caller).await).await?;
    Ok(ApprovalView::new(approval, &caller).reply()?)
}

/// Which approvals to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListApprovals {
    /// Only those in this state.
    #[param(inline)]
    state: Option<ApprovalState>,
    /// Only those of this account.
    #[param(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    account_id: Option<AccountId>,
    /// How many approvals a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists approvals.
///
/// Newest first.
#[utoipa::path(
    tag = "vetting",
    params(ListApprovals),
    responses((status = 200, description = "A page of approvals.", body = Page<ApprovalView>)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/staff/approvals")]
async fn list_approvals(vetting: Data<Vetting>, caller: Auth<Staff>, query: Query<ListApprovals>) -> Outcome {
    let ListApprovals { state, account_id, limit, cursor } = query.0;
    let cursors = Cursor::new(&vetting.ctx.keys, "approvals", &(state, account_id));
    let before: Option<ApprovalId> = cursor.as_deref().map(|text| cursors.decode(text)).transpose()?;
    let rows = vetting
        .ctx
        .db
        .read(async |conn| vetting.approvals(conn, state, account_id, before, limit.fetch()).await)
        .await?;
    Ok(Reply::page(&cursors.page(rows, limit, |row| row.id)?.map(|row| ApprovalView::new(row, &caller)))?)
}

//! Routes of approvals.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, ApprovalId};
use assay_kernel::text::Text;
use assay_kernel::{Actor, Limit, Page};
use assay_platform::web::{
    Admin, Auth, Body, Cursor, IdempotencyKey, IfMatch, Outcome, Path, Query, Reader, Reply, Staff, etag,
};
use assay_platform::{Ctx, idempotency};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

use crate::model::{APPROVAL, Approval, ApprovalState};
use crate::{policy, service};

/// Registers the operations of vetting.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(grant_approval)
        .service(revoke_approval)
        .service(get_approval)
        .service(get_my_approval)
        .service(list_approvals);
}

/// Whom to approve.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct GrantApproval {
    /// The developer's account.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    account_id: AccountId,
    /// Why; for staff and the audit log.
    #[validate(length(min = 3, max = 2000), custom(function = "assay_kernel::text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 2000, example = "Two interviews and a paid trial, all good.")]
    reason: Text,
}

/// Why an approval is taken back.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RevokeApproval {
    /// Why; the developer can read it.
    #[validate(length(min = 10, max = 2000), custom(function = "assay_kernel::text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The portfolio shown was another person's work.")]
    reason: Text,
}

/// A developer's right to bid.
#[derive(Debug, Serialize, ToSchema)]
struct ApprovalView {
    /// Its id.
    #[schema(value_type = String, example = "apv_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    id: ApprovalId,
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

/// Approves a developer.
///
/// For the policy's term (18 months). The account must be an active developer's without an active approval, and not the
/// caller's own.
#[utoipa::path(
    tag = "vetting",
    request_body = GrantApproval,
    responses((status = 201, description = "The approval.", body = ApprovalView)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/approvals")]
async fn grant_approval(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    key: IdempotencyKey,
    body: Body<GrantApproval>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&ctx, key.as_ref(), async |conn| {
        let approval = service::grant_approval_in(&ctx, conn, &caller, body.account_id, &body.reason).await?;
        let view = ApprovalView::new(approval, &caller);
        Ok(Reply::created(format!("/v1/approvals/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?)
}

/// Revokes an approval.
///
/// The developer can bid no more. They can read the reason.
#[utoipa::path(
    tag = "vetting",
    request_body = RevokeApproval,
    responses((status = 200, description = "The approval.", body = ApprovalView)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/approvals/{id}/revoke")]
async fn revoke_approval(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    id: Path<ApprovalId>,
    seen: IfMatch,
    body: Body<RevokeApproval>,
) -> Outcome {
    let approval =
        service::revoke_approval(&ctx, &caller, id.0, &body.reason, |version| seen.check(version)).await?;
    Ok(ApprovalView::new(approval, &caller).reply()?)
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
async fn get_approval(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<ApprovalId>) -> Outcome {
    let approval = service::get_approval(&ctx, &caller, id.0).await?;
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
async fn get_my_approval(ctx: Data<Ctx>, caller: Auth<Reader>) -> Outcome {
    let approval = service::get_own_approval(&ctx, &caller).await?;
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
async fn list_approvals(ctx: Data<Ctx>, caller: Auth<Staff>, query: Query<ListApprovals>) -> Outcome {
    let query = query.0;
    let cursor = Cursor::new(&ctx.keys, "approvals", &(query.state, query.account_id));
    let before: Option<ApprovalId> = query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let rows =
        service::list_approvals(&ctx, query.state, query.account_id, before, query.limit.fetch()).await?;
    let more = rows.len() > query.limit.get();
    let mut data: Vec<ApprovalView> = rows.into_iter().map(|row| ApprovalView::new(row, &caller)).collect();
    data.truncate(query.limit.get());
    let next_cursor = match data.last() {
        Some(last) if more => Some(cursor.encode(&last.id)?),
        _ => None,
    };
    Ok(Reply::page(&Page { data, next_cursor })?)
}

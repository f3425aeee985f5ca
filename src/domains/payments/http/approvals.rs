//! Finance staff: second persons, and the platform's own money.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, MoneyApprovalId, PayoutId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Error, Limit, Money, Page, Permission, Result};
use assay_platform::db::Conn;
use assay_platform::web::{
    Auth, Body, Finance, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Query, Reply, Routes, etag,
};
use assay_platform::{acts, idempotency};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{FinanceReason, PageQuery, page};
use crate::model::approval::{APPROVAL, MoneyAct, MoneyApprovalState, blocked};
use crate::model::money;
use crate::service::Payments;
use crate::store;
use crate::store::approvals::ApprovalRow;
use crate::store::payouts::PayoutRow;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_money_approvals)
        .service(get_money_approval)
        .service(confirm_money_approval)
        .service(refuse_money_approval)
        .service(list_platform_payouts)
        .service(create_platform_payout);
}

/// A large act of staff on money, and who confirms it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyApprovalView {
    /// Its id.
    pub id: MoneyApprovalId,
    /// What is to be done.
    pub act: MoneyAct,
    /// On what: an award's dispute, a payout, a transfer, a refund.
    pub subject: Uuid,
    /// How much it moves.
    pub amount: Money,
    /// Whom the money reaches, when it is one person.
    pub beneficiary_id: Option<AccountId>,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: MoneyApprovalState,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// Who answered.
    pub decided_by: Option<AccountId>,
    /// With which reason.
    pub answer: Option<String>,
    /// Until when it waits.
    pub expires_at: DateTime<Utc>,
    /// When it was proposed.
    pub created_at: DateTime<Utc>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["confirm", "refuse"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
    /// The version that is shown.
    pub version: i64,
}

impl MoneyApprovalView {
    /// As this member of the finance staff sees it.
    pub fn new(row: ApprovalRow, caller: AccountId) -> Result<Self> {
        let finance = [Who::Staff(Permission::Finance)];
        let actions = APPROVAL
            .actions(&row.state, &finance, |_, _| blocked(caller, row.proposed_by_id, row.beneficiary_id));
        Ok(Self {
            id: MoneyApprovalId::from_uuid(row.id),
            act: row.act.parse()?,
            subject: row.subject,
            amount: money(row.amount, &row.currency)?,
            beneficiary_id: row.beneficiary_id.map(AccountId::from_uuid),
            state: row.state.parse()?,
            proposed_by: AccountId::from_uuid(row.proposed_by_id),
            decided_by: row.decided_by_id.map(AccountId::from_uuid),
            reason: row.reason,
            answer: row.answer,
            expires_at: row.expires_at,
            created_at: row.created_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
        })
    }
}

fn shown(row: ApprovalRow, caller: AccountId) -> Result<Reply> {
    let view = MoneyApprovalView::new(row, caller)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// The answer to an act that waits for a second person.
pub(super) fn waits(row: ApprovalRow, caller: AccountId) -> Result<Reply> {
    let view = MoneyApprovalView::new(row, caller)?;
    let place = format!("/v1/money_approvals/{}", view.id);
    Ok(Reply::accepted(&view)?.header("location", place).etag(etag(view.version)))
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListApprovals {
    /// In one state only.
    #[param(inline)]
    state: Option<MoneyApprovalState>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists large acts on money that staff have proposed, newest first.
#[utoipa::path(
    tag = "finance",
    params(ListApprovals),
    responses((status = 200, description = "A page of them.", body = Page<MoneyApprovalView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/money_approvals")]
async fn list_money_approvals(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    query: Query<ListApprovals>,
) -> Outcome {
    let ListApprovals { state, limit, cursor } = query.0;
    let rows = async |conn: &mut Conn, before, limit| {
        Ok(store::approvals::list(conn, state.map(MoneyApprovalState::as_str), before, limit).await?)
    };
    let view = |row| MoneyApprovalView::new(row, caller.account_id);
    let name = ("money_approvals", &state);
    page(&payments, name, PageQuery { limit, cursor }, rows, |row: &ApprovalRow| row.id, view).await
}

/// Shows a large act on money that staff have proposed.
#[utoipa::path(
    tag = "finance",
    responses((status = 200, description = "The proposal.", body = MoneyApprovalView)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/money_approvals/{id}")]
async fn get_money_approval(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<MoneyApprovalId>,
) -> Outcome {
    let found = payments.ctx.db.read(async |conn| Ok(store::approvals::find(conn, id.0.uuid()).await?));
    let row = found.await?.ok_or_else(|| Error::not_found("money approval"))?;
    Ok(shown(row, caller.account_id)?)
}

acts! { Payments, |(row, caller)| shown(row, caller), ("finance", 200, "The answered proposal.", MoneyApprovalView);
    /// Confirms a large act on money, which is carried out at once.
    ///
    /// For another person than who proposed it or gets the money.
    confirm_money_approval(Finance, MoneyApprovalId, MoneyKey, IfMatch: seen, Body: FinanceReason)
        "/v1/money_approvals/{id}/confirm" =
        async |payments: &Payments, conn, caller: &Auth<_>, id, seen: &_, body: &FinanceReason|
            payments.confirm_act(conn, caller, id, seen, &body.reason).await.map(|row| (row, caller.account_id));
    /// Refuses a large act on money.
    ///
    /// For another person than who proposed it or gets the money.
    refuse_money_approval(Finance, MoneyApprovalId, IdempotencyKey, IfMatch: seen, Body: FinanceReason)
        "/v1/money_approvals/{id}/refuse" =
        async |payments: &Payments, conn, caller: &Auth<_>, id, seen: &_, body: &FinanceReason|
            payments.refuse_act(conn, caller, id, seen, &body.reason).await.map(|row| (row, caller.account_id));
}

/// The platform's own money on its way to its bank.
#[derive(Debug, Serialize, ToSchema)]
struct PlatformPayoutView {
    /// Its id.
    id: PayoutId,
    /// How much.
    amount: Money,
    /// What the platform owned of the money at the provider when it was asked for.
    own: Option<Money>,
    /// Where it stands: `awaiting_approval`, `refused`, `pending`, `in_transit`, `paid`, `failed` or `canceled`.
    #[schema(example = "in_transit")]
    state: String,
    /// Who asked for it.
    requested_by: Option<AccountId>,
    /// Why.
    reason: Option<String>,
    /// Why the provider or the bank refused it, in the provider's word.
    failure: Option<String>,
    /// When it should arrive.
    arrives_at: Option<DateTime<Utc>>,
    /// Since when.
    created_at: DateTime<Utc>,
}

impl PlatformPayoutView {
    fn new(row: PayoutRow) -> Result<Self> {
        Ok(Self {
            id: PayoutId::from_uuid(row.id),
            amount: money(row.amount, &row.currency)?,
            own: row.own.map(|own| money(own, &row.currency)).transpose()?,
            state: row.state,
            requested_by: row.requested_by_id.map(AccountId::from_uuid),
            reason: row.reason,
            failure: row.failure,
            arrives_at: row.arrives_at,
            created_at: row.created_at,
        })
    }
}

/// Lists payouts of the platform's own money, newest first.
#[utoipa::path(
    tag = "finance",
    params(PageQuery),
    responses((status = 200, description = "A page of payouts.", body = Page<PlatformPayoutView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/platform_payouts")]
async fn list_platform_payouts(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    query: Query<PageQuery>,
) -> Outcome {
    let rows =
        async |conn: &mut Conn, before, limit| Ok(store::payouts::list(conn, None, before, limit).await?);
    page(&payments, ("platform_payouts", &()), query.0, rows, |row| row.id, PlatformPayoutView::new).await
}

/// What is to be paid out.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPlatformPayout {
    /// How much, of what the platform owns.
    amount: Money,
    /// Why, for the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Fees of October.")]
    reason: Text,
}

/// Sends the platform's own money to its bank.
///
/// Never more than it owns: fees earned, less expenses, less what it has advanced. From the policy's amount on it waits
/// for a second person.
#[utoipa::path(
    tag = "finance",
    request_body = NewPlatformPayout,
    responses((status = 201, description = "The payout.", body = PlatformPayoutView)),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/platform_payouts")]
async fn create_platform_payout(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    key: MoneyKey,
    body: Body<NewPlatformPayout>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        let row = payments.pay_own_money_out(conn, &caller, body.amount, &body.reason).await?;
        Reply::created("/v1/platform_payouts", &PlatformPayoutView::new(row)?)
    })
    .await?)
}

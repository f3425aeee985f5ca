//! Refunds, and what to do about those that did not arrive.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AccountId, RefundId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Money, Page, Result};
use assay_platform::db::Conn;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Finance, IfMatch, MoneyKey, Outcome, Path, Query, Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::super::approvals::{MoneyApprovalView, waits};
use super::super::views::RefundView;
use super::super::{FinanceReason, PageQuery, page};
use super::ListByState;
use crate::service::Payments;
use crate::service::finance::Done;
use crate::store;
use crate::store::refunds::RefundRow;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_refunds).service(retry_refund).service(pay_refund_out_of_band);
}

/// Lists refunds, newest first.
#[utoipa::path(
    tag = "finance",
    params(ListByState),
    responses((status = 200, description = "A page of refunds.", body = Page<RefundView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/refunds")]
async fn list_refunds(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    query: Query<ListByState>,
) -> Outcome {
    let ListByState { state, limit, cursor } = query.0;
    let state = state.as_deref();
    let rows = async |conn: &mut Conn, before, limit| {
        Ok(store::refunds::list(conn, None, state, before, limit).await?)
    };
    page(&payments, ("refunds", &state), PageQuery { limit, cursor }, rows, |row| row.id, RefundView::new)
        .await
}

/// Asks for a refund again that was refused or came back.
///
/// A large one waits for a second person.
#[utoipa::path(
    tag = "finance",
    request_body = FinanceReason,
    responses(
        (status = 200, description = "The refund.", body = RefundView),
        (status = 202, description = "It waits for a second person.", body = MoneyApprovalView),
    ),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/refunds/{id}/retry")]
async fn retry_refund(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<RefundId>,
    seen: IfMatch,
    key: MoneyKey,
    body: Body<FinanceReason>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        let done = payments.retry_refund(conn, &caller, id.0, &seen, &body.reason).await?;
        refund_done(done, caller.account_id)
    })
    .await?)
}

fn refund_done(done: Done<RefundRow>, caller: AccountId) -> Result<Reply> {
    match done {
        Done::Now(row) => {
            let view = RefundView::new(row)?;
            Ok(Reply::ok(&view)?.etag(etag(view.version)))
        }
        Done::Proposed(row) => waits(*row, caller),
    }
}

/// A refund that the provider cannot make.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct OutOfBandRefund {
    /// What is sent: all that the refund owes.
    amount: Money,
    /// What the transfer from the platform's bank is called there, as the client sees it on their statement.
    #[validate(length(min = 3, max = 140), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 140, example = "ASSAY REFUND 2026-0117")]
    reference: Text,
    /// For the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "The card is closed; the client named an account in writing.")]
    reason: Text,
}

/// Pays a refund that was refused or came back from the platform's bank, past the provider.
///
/// The books take it as paid, so it is for a transfer that is made, or about to be made. A large one waits for a second
/// person: then the transfer waits too.
#[utoipa::path(
    tag = "finance",
    request_body = OutOfBandRefund,
    responses(
        (status = 200, description = "The refund.", body = RefundView),
        (status = 202, description = "It waits for a second person.", body = MoneyApprovalView),
    ),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/refunds/{id}/pay_out_of_band")]
async fn pay_refund_out_of_band(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<RefundId>,
    seen: IfMatch,
    key: MoneyKey,
    body: Body<OutOfBandRefund>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        let OutOfBandRefund { amount, reference, reason } = &*body;
        let sent = (*amount, &**reference);
        let done = payments.pay_refund_out_of_band(conn, &caller, id.0, &seen, sent, reason).await?;
        refund_done(done, caller.account_id)
    })
    .await?)
}

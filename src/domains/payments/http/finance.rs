//! Finance staff: what does not move, and what to do about it.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_adapters::stripe::Evidence;
use assay_kernel::ids::{AccountId, DifferenceId, PaymentDisputeId, RefundId, TransferId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Error, Limit, Page, Result};
use assay_platform::db::Conn;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Finance, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Query, Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::approvals::{MoneyApprovalView, waits};
use super::views::{
    DifferenceView, PayeeView, PaymentDisputeView, ProviderCommandView, RefundView, TransferView,
};
use super::{FinanceReason, PageQuery, page};
use crate::service::Payments;
use crate::service::finance::Done;
use crate::store;
use crate::store::refunds::RefundRow;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_transfers)
        .service(hold_transfer)
        .service(release_transfer_hold)
        .service(list_refunds)
        .service(retry_refund)
        .service(pay_refund_out_of_band)
        .service(list_payment_disputes)
        .service(get_payment_dispute)
        .service(give_dispute_evidence)
        .service(get_payee_of_account)
        .service(block_payee)
        .service(unblock_payee)
        .service(hold_payee_for_tax)
        .service(clear_payee_tax_hold)
        .service(list_provider_commands)
        .service(list_provider_differences)
        .service(resolve_provider_difference);
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListByState {
    /// Only those in this state of their process table.
    state: Option<String>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOpen {
    /// Only those that are open.
    #[serde(default)]
    open: bool,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists transfers to developers, newest first.
#[utoipa::path(
    tag = "finance",
    params(ListByState),
    responses((status = 200, description = "A page of transfers.", body = Page<TransferView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/transfers")]
async fn list_transfers(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    query: Query<ListByState>,
) -> Outcome {
    let ListByState { state, limit, cursor } = query.0;
    let state = state.as_deref();
    let rows = async |conn: &mut Conn, before, limit| {
        Ok(store::transfers::list(conn, None, state, before, limit).await?)
    };
    page(&payments, ("transfers", &state), PageQuery { limit, cursor }, rows, |row| row.id, TransferView::new)
        .await
}

/// Stops a transfer that was not sent.
#[utoipa::path(
    tag = "finance",
    request_body = FinanceReason,
    responses((status = 200, description = "The transfer.", body = TransferView)),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/transfers/{id}/hold")]
async fn hold_transfer(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<TransferId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<FinanceReason>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        let row = payments.stop_transfer(conn, &caller, id.0, &seen, &body.reason).await?;
        let view = TransferView::new(row)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    })
    .await?)
}

/// Lets a transfer go on.
///
/// It is queued, unless something else stands in its way. A large one waits for a second person.
#[utoipa::path(
    tag = "finance",
    request_body = FinanceReason,
    responses(
        (status = 200, description = "The transfer.", body = TransferView),
        (status = 202, description = "It waits for a second person.", body = MoneyApprovalView),
    ),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/transfers/{id}/release_hold")]
async fn release_transfer_hold(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<TransferId>,
    seen: IfMatch,
    key: MoneyKey,
    body: Body<FinanceReason>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        match payments.let_transfer_go(conn, &caller, id.0, &seen, &body.reason).await? {
            Done::Now(row) => {
                let view = TransferView::new(row)?;
                Ok(Reply::ok(&view)?.etag(etag(view.version)))
            }
            Done::Proposed(row) => waits(*row, caller.account_id),
        }
    })
    .await?)
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
        let OutOfBandRefund { reference, reason } = &*body;
        let done = payments.pay_refund_out_of_band(conn, &caller, id.0, &seen, reference, reason).await?;
        refund_done(done, caller.account_id)
    })
    .await?)
}

/// Lists payments that payers' banks take back, newest first.
#[utoipa::path(
    tag = "finance",
    params(ListOpen),
    responses((status = 200, description = "A page of disputes.", body = Page<PaymentDisputeView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/payment_disputes")]
async fn list_payment_disputes(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    query: Query<ListOpen>,
) -> Outcome {
    let ListOpen { open, limit, cursor } = query.0;
    let rows =
        async |conn: &mut Conn, before, limit| Ok(store::disputes::list(conn, open, before, limit).await?);
    page(
        &payments,
        ("payment_disputes", &open),
        PageQuery { limit, cursor },
        rows,
        |row| row.id,
        PaymentDisputeView::new,
    )
    .await
}

/// Shows a payment that the payer's bank takes back.
#[utoipa::path(
    tag = "finance",
    responses((status = 200, description = "The dispute.", body = PaymentDisputeView)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/payment_disputes/{id}")]
async fn get_payment_dispute(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    id: Path<PaymentDisputeId>,
) -> Outcome {
    let read = payments.ctx.db.read(async |conn| Ok(store::disputes::find(conn, id.0.uuid()).await?));
    let row = read.await?.ok_or_else(|| Error::not_found("payment dispute"))?;
    let view = PaymentDisputeView::new(row)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// What is said to the payer's bank.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct DisputeEvidence {
    /// What was sold.
    #[validate(length(min = 3, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 2000, example = "An importer for bank statements, built to a written specification.")]
    product_description: Text,
    /// When it was delivered and accepted.
    #[validate(length(min = 3, max = 100), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 100, example = "2026-11-02")]
    service_date: Text,
    /// Everything else: what was accepted by whom, where it can be seen.
    #[validate(length(min = 3, max = 20_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 20000, example = "The client accepted both deliverables on the platform on 2 November.")]
    statement: Text,
}

/// Gives evidence in a dispute and submits it.
///
/// The provider takes it once: say everything.
#[utoipa::path(
    tag = "finance",
    request_body = DisputeEvidence,
    responses((status = 200, description = "The dispute.", body = PaymentDisputeView)),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/payment_disputes/{id}/evidence")]
async fn give_dispute_evidence(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<PaymentDisputeId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<DisputeEvidence>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        let evidence = Evidence {
            product_description: Some(&body.product_description),
            service_date: Some(&body.service_date),
            uncategorized_text: Some(&body.statement),
        };
        let row = payments.give_evidence(conn, &caller, id.0, &seen, &evidence).await?;
        let view = PaymentDisputeView::new(row)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    })
    .await?)
}

/// Shows how a developer stands at the payment provider.
#[utoipa::path(
    tag = "finance",
    responses((status = 200, description = "The payee.", body = PayeeView)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/payees/{id}")]
async fn get_payee_of_account(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    id: Path<AccountId>,
) -> Outcome {
    let read = payments.ctx.db.read(async |conn| Ok(store::payees::find(conn, id.0.uuid()).await?));
    let view = PayeeView::for_finance(read.await?.ok_or_else(|| Error::not_found("payee"))?)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

macro_rules! payee_acts {
    ($($(#[$doc:meta])* $handler:ident, $path:literal, $event:literal;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(
            tag = "finance",
            request_body = FinanceReason,
            responses((status = 200, description = "The payee.", body = PayeeView)),
            extensions(("x-access" = json!("finance")), ("x-if-match" = json!(true)))
        )]
        #[post($path)]
        async fn $handler(
            payments: Data<Payments>,
            caller: Auth<Finance>,
            id: Path<AccountId>,
            seen: IfMatch,
            key: IdempotencyKey,
            body: Body<FinanceReason>,
        ) -> Outcome {
            let key = key.with(&body);
            Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
                let row = payments.decide_payee(conn, &caller, id.0, &seen, $event, &body.reason).await?;
                let view = PayeeView::for_finance(row)?;
                Ok(Reply::ok(&view)?.etag(etag(view.version)))
            })
            .await?)
        }
    )*};
}

payee_acts! {
    /// Sends a developer no more money.
    block_payee, "/v1/payees/{id}/block", "block";
    /// Allows money to be sent to a developer again, once the provider agrees.
    unblock_payee, "/v1/payees/{id}/unblock", "unblock";
    /// Keeps a developer's transfers waiting for tax papers.
    ///
    /// They read the reason.
    hold_payee_for_tax, "/v1/payees/{id}/hold_for_tax", "hold_for_tax";
    /// Sends what waited for a developer's tax papers.
    clear_payee_tax_hold, "/v1/payees/{id}/clear_tax_hold", "clear_tax_hold";
}

/// Lists requests to the payment provider that were not done or whose end is not known, newest first.
#[utoipa::path(
    tag = "finance",
    params(PageQuery),
    responses((status = 200, description = "A page of requests.", body = Page<ProviderCommandView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/provider_commands")]
async fn list_provider_commands(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    query: Query<PageQuery>,
) -> Outcome {
    let rows =
        async |conn: &mut Conn, before, limit| Ok(store::commands::troubled(conn, before, limit).await?);
    page(&payments, ("provider_commands", &()), query.0, rows, |row| row.id, ProviderCommandView::new).await
}

/// Lists where ledger and payment provider differ, newest first.
#[utoipa::path(
    tag = "finance",
    params(ListOpen),
    responses((status = 200, description = "A page of differences.", body = Page<DifferenceView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/provider_differences")]
async fn list_provider_differences(
    payments: Data<Payments>,
    _caller: Auth<Finance>,
    query: Query<ListOpen>,
) -> Outcome {
    let ListOpen { open, limit, cursor } = query.0;
    let rows = async |conn: &mut Conn, before, limit| {
        Ok(store::reconciliation::difference::list(conn, open, before, limit).await?)
    };
    page(
        &payments,
        ("provider_differences", &open),
        PageQuery { limit, cursor },
        rows,
        |row| row.id,
        DifferenceView::new,
    )
    .await
}

/// Notes why ledger and payment provider differ.
#[utoipa::path(
    tag = "finance",
    request_body = FinanceReason,
    responses((status = 200, description = "The difference.", body = DifferenceView)),
    extensions(("x-access" = json!("finance")))
)]
#[post("/v1/provider_differences/{id}/resolve")]
async fn resolve_provider_difference(
    payments: Data<Payments>,
    caller: Auth<Finance>,
    id: Path<DifferenceId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<FinanceReason>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&payments.ctx, key.as_ref(), async |conn| {
        let row = payments.resolve_difference(conn, &caller, id.0, &seen, &body.reason).await?;
        let view = DifferenceView::new(row)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    })
    .await?)
}

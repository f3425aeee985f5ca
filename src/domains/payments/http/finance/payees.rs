//! Developers at the payment provider.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::acts;
use assay_platform::web::{Auth, Body, Finance, IdempotencyKey, IfMatch, Outcome, Path, Reply, Routes, etag};

use super::super::FinanceReason;
use super::super::views::PayeeView;
use crate::service::Payments;
use crate::store;
use crate::store::payees::PayeeRow;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_payee_of_account)
        .service(block_payee)
        .service(unblock_payee)
        .service(hold_payee_for_tax)
        .service(clear_payee_tax_hold);
}

fn shown(row: PayeeRow) -> Result<Reply> {
    let view = PayeeView::for_finance(row)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
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
    Ok(shown(read.await?.ok_or_else(|| Error::not_found("payee"))?)?)
}

acts! { Payments, shown, ("finance", 200, "The payee.", PayeeView);
    /// Sends a developer no more money.
    block_payee(Finance, AccountId, IdempotencyKey, IfMatch: seen, Body: FinanceReason) "/v1/payees/{id}/block" =
        async |payments: &Payments, conn, caller: &_, id, seen: &_, body: &FinanceReason|
            payments.decide_payee(conn, caller, id, seen, "block", &body.reason).await;
    /// Allows money to be sent to a developer again, once the provider agrees.
    unblock_payee(Finance, AccountId, IdempotencyKey, IfMatch: seen, Body: FinanceReason) "/v1/payees/{id}/unblock" =
        async |payments: &Payments, conn, caller: &_, id, seen: &_, body: &FinanceReason|
            payments.decide_payee(conn, caller, id, seen, "unblock", &body.reason).await;
    /// Keeps a developer's transfers waiting for tax papers.
    ///
    /// They read the reason.
    hold_payee_for_tax(Finance, AccountId, IdempotencyKey, IfMatch: seen, Body: FinanceReason)
        "/v1/payees/{id}/hold_for_tax" =
        async |payments: &Payments, conn, caller: &_, id, seen: &_, body: &FinanceReason|
            payments.decide_payee(conn, caller, id, seen, "hold_for_tax", &body.reason).await;
    /// Sends what waited for a developer's tax papers.
    clear_payee_tax_hold(Finance, AccountId, IdempotencyKey, IfMatch: seen, Body: FinanceReason)
        "/v1/payees/{id}/clear_tax_hold" =
        async |payments: &Payments, conn, caller: &_, id, seen: &_, body: &FinanceReason|
            payments.decide_payee(conn, caller, id, seen, "clear_tax_hold", &body.reason).await;
}

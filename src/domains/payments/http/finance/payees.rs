//! Developers at the payment provider.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Error;
use assay_kernel::ids::AccountId;
use assay_platform::idempotency;
use assay_platform::web::{Auth, Body, Finance, IdempotencyKey, IfMatch, Outcome, Path, Reply, Routes, etag};

use super::super::FinanceReason;
use super::super::views::PayeeView;
use crate::service::Payments;
use crate::store;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_payee_of_account)
        .service(block_payee)
        .service(unblock_payee)
        .service(hold_payee_for_tax)
        .service(clear_payee_tax_hold);
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

//! Transfers to developers, and what stands in their way.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Page;
use assay_kernel::ids::TransferId;
use assay_platform::db::Conn;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Finance, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Query, Reply, Routes, etag,
};

use super::super::approvals::{MoneyApprovalView, waits};
use super::super::views::TransferView;
use super::super::{FinanceReason, PageQuery, page};
use super::ListByState;
use crate::service::Payments;
use crate::service::finance::Done;
use crate::store;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_transfers).service(hold_transfer).service(release_transfer_hold);
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

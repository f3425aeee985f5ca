//! Change orders.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Result;
use assay_kernel::ids::{ChangeOrderId, ContractId};
use assay_platform::web::{
    Auth, Body, IdempotencyKey, IfMatch, MoneyKey, Outcome, Path, Reader, Reply, Routes, etag,
};
use assay_platform::{Ctx, acts, idempotency};
use serde::Serialize;
use utoipa::ToSchema;

use super::dto::ChangeOrderView;
use crate::service::changes::{self, ChangeOrderDetail, Propose};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_change_orders)
        .service(propose_change_order)
        .service(get_change_order)
        .service(counter_change_order)
        .service(accept_change_order)
        .service(reject_change_order)
        .service(withdraw_change_order);
}

fn shown(detail: ChangeOrderDetail) -> Result<Reply> {
    let view = ChangeOrderView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// The change orders of a contract.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeOrders {
    /// Oldest first.
    data: Vec<ChangeOrderView>,
}

/// Lists the change orders of a contract, the oldest first.
#[utoipa::path(tag = "change orders", responses((status = 200, description = "The change orders.", body = ChangeOrders)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/contracts/{id}/change_orders")]
async fn list_change_orders(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<ContractId>) -> Outcome {
    let all = ctx.db.read(async |conn| changes::list(conn, &caller, id.0).await).await?;
    Ok(Reply::ok(&ChangeOrders { data: all.into_iter().map(ChangeOrderView::new).collect::<Result<_>>()? })?)
}

/// Proposes a change to a contract.
///
/// For either side of an active contract, one at a time: milestones to add, drop or move. The other side answers in
/// seven days.
#[utoipa::path(tag = "change orders", request_body = Propose, responses((status = 201, description = "The change order.", body = ChangeOrderView)), extensions(("x-access" = json!("reader"))))]
#[post("/v1/contracts/{id}/change_orders")]
async fn propose_change_order(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<ContractId>,
    key: IdempotencyKey,
    body: Body<Propose>,
) -> Outcome {
    let reply = idempotency::run(&ctx, key.with(&body).as_ref(), async |conn| {
        let view = ChangeOrderView::new(changes::propose_in(&ctx, conn, &caller, id.0, &body).await?)?;
        Ok(Reply::created(format!("/v1/change_orders/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Shows a change order.
#[utoipa::path(tag = "change orders", responses((status = 200, description = "The change order.", body = ChangeOrderView)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/change_orders/{id}")]
async fn get_change_order(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<ChangeOrderId>) -> Outcome {
    let detail = ctx.db.read(async |conn| changes::get(conn, &caller, id.0).await).await?;
    Ok(shown(detail)?)
}

acts! { Ctx, shown, ("change orders", 200, "The change order.", ChangeOrderView);
    /// Answers a change order with other changes.
    ///
    /// For the side that is asked; the other one answers in seven days.
    counter_change_order(Reader, ChangeOrderId, IdempotencyKey, IfMatch: seen, Body: Propose)
        "/v1/change_orders/{id}/counter" = changes::counter_in;
    /// Accepts a change order.
    ///
    /// For the side that is asked, with a recent sign-in. Without milestones to add it takes effect at once; else when all
    /// of them are paid, within seven days.
    accept_change_order(Reader, ChangeOrderId, MoneyKey, IfMatch: seen) "/v1/change_orders/{id}/accept" =
        changes::accept_in;
    /// Refuses a change order.
    reject_change_order(Reader, ChangeOrderId, IdempotencyKey, IfMatch: seen) "/v1/change_orders/{id}/reject" =
        async |ctx: &Ctx, c, a: &_, id, seen: &_| changes::end_in(ctx, c, a, id, seen, "reject").await;
    /// Takes a change order back.
    withdraw_change_order(Reader, ChangeOrderId, IdempotencyKey, IfMatch: seen) "/v1/change_orders/{id}/withdraw" =
        async |ctx: &Ctx, c, a: &_, id, seen: &_| changes::end_in(ctx, c, a, id, seen, "withdraw").await;
}

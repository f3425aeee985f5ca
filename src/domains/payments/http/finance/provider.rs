//! Requests to the payment provider, and where ledger and provider differ.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Page;
use assay_kernel::ids::DifferenceId;
use assay_platform::db::Conn;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Finance, IdempotencyKey, IfMatch, Outcome, Path, Query, Reply, Routes, etag,
};

use super::super::views::{DifferenceView, ProviderCommandView};
use super::super::{FinanceReason, PageQuery, page};
use super::ListOpen;
use crate::service::Payments;
use crate::store;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_provider_commands)
        .service(list_provider_differences)
        .service(resolve_provider_difference);
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

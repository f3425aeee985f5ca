//! Payments that payers' banks take back.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_adapters::stripe::Evidence;
use assay_kernel::ids::PaymentDisputeId;
use assay_kernel::text::{self, Text};
use assay_kernel::{Error, Page};
use assay_platform::db::Conn;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Finance, IdempotencyKey, IfMatch, Outcome, Path, Query, Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::super::views::PaymentDisputeView;
use super::super::{PageQuery, page};
use super::ListOpen;
use crate::service::Payments;
use crate::store;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_payment_disputes).service(get_payment_dispute).service(give_dispute_evidence);
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

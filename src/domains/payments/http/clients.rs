//! Clients: what they pay with, what they paid and got back.

use actix_web::web::Data;
use actix_web::{delete, get, post};
use assay_kernel::Page;
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{OrganisationId, PaymentId, PaymentMethodId};
use assay_platform::db::Conn;
use assay_platform::web::{Auth, Body, Hirer, IfMatch, Outcome, Path, Query, Reader, Reply, Routes, etag};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::views::{AddedPaymentMethod, PaymentMethodView, PaymentSecret, PaymentView, RefundView};
use super::{PageQuery, page};
use crate::model::MethodKind;
use crate::service::Payments;
use crate::service::onboarding::member;
use crate::store;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(add_payment_method)
        .service(list_payment_methods)
        .service(remove_payment_method)
        .service(list_payments)
        .service(get_payment)
        .service(get_payment_secret)
        .service(list_organisation_refunds);
}

/// A method to set up.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddPaymentMethod {
    /// A card or a bank account.
    kind: MethodKind,
    /// The provider's id of the method, where the payer's browser has made it already with the provider's own form;
    /// left out, the browser goes on with `client_secret`. Numbers of cards and accounts never come here.
    #[schema(pattern = "^pm_[A-Za-z0-9_]{1,90}$", example = "pm_card_visa")]
    payment_method: Option<String>,
}

/// Begins to set up a payment method of an organisation.
///
/// It can be paid with once it is `verified`. The answer's secret is told once, so a repeat makes another method.
#[utoipa::path(
    tag = "payments",
    request_body = AddPaymentMethod,
    responses((status = 201, description = "The method.", body = AddedPaymentMethod)),
    extensions(("x-access" = json!("hirer")))
)]
#[post("/v1/organisations/{id}/payment_methods")]
async fn add_payment_method(
    payments: Data<Payments>,
    caller: Auth<Hirer>,
    id: Path<OrganisationId>,
    body: Body<AddPaymentMethod>,
) -> Outcome {
    let given = body.payment_method.as_deref();
    let name = |id: &str| {
        id.strip_prefix("pm_").is_some_and(|rest| {
            (1..=90).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    let mut faults = FieldErrors::new();
    faults.check(
        given.is_none_or(name),
        "/payment_method",
        "id",
        "Must be an id of the payment provider's: pm_….",
    );
    faults.finish()?;
    let (row, client_secret) = payments.add_method(&caller, id.0, body.kind, given).await?;
    let client_secret = client_secret.filter(|_| row.state == "setting_up");
    let method = PaymentMethodView::new(row)?;
    let location = format!("/v1/organisations/{}/payment_methods", id.0);
    let tag = etag(method.version);
    Ok(Reply::created(location, &AddedPaymentMethod { method, client_secret })?.etag(tag))
}

/// Lists the payment methods of an organisation, newest first.
#[utoipa::path(
    tag = "payments",
    params(PageQuery),
    responses((status = 200, description = "A page of methods.", body = Page<PaymentMethodView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}/payment_methods")]
async fn list_payment_methods(
    payments: Data<Payments>,
    caller: Auth<Reader>,
    id: Path<OrganisationId>,
    query: Query<PageQuery>,
) -> Outcome {
    let organisation = id.0.uuid();
    let rows = async |conn: &mut Conn, before, limit| {
        member(conn, &caller, id.0, false).await?;
        Ok(store::methods::list(conn, organisation, before, limit).await?)
    };
    page(&payments, ("payment_methods", &organisation), query.0, rows, |row| row.id, PaymentMethodView::new)
        .await
}

/// Takes a payment method away.
///
/// No payment is made with it any more; what it has paid stays.
#[utoipa::path(
    tag = "payments",
    responses((status = 204, description = "It is gone.")),
    extensions(("x-access" = json!("hirer")))
)]
#[delete("/v1/payment_methods/{id}")]
async fn remove_payment_method(
    payments: Data<Payments>,
    caller: Auth<Hirer>,
    id: Path<PaymentMethodId>,
    seen: IfMatch,
) -> Outcome {
    payments.remove_method(&caller, id.0, &seen).await?;
    Ok(Reply::no_content())
}

/// Lists the payments of an organisation, newest first.
#[utoipa::path(
    tag = "payments",
    params(PageQuery),
    responses((status = 200, description = "A page of payments.", body = Page<PaymentView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}/payments")]
async fn list_payments(
    payments: Data<Payments>,
    caller: Auth<Reader>,
    id: Path<OrganisationId>,
    query: Query<PageQuery>,
) -> Outcome {
    let organisation = id.0.uuid();
    let rows = async |conn: &mut Conn, before, limit| {
        member(conn, &caller, id.0, false).await?;
        Ok(store::payments::list(conn, organisation, before, limit).await?)
    };
    page(&payments, ("payments", &organisation), query.0, rows, |row| row.id, PaymentView::new).await
}

/// Shows a payment.
#[utoipa::path(
    tag = "payments",
    responses((status = 200, description = "The payment.", body = PaymentView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/payments/{id}")]
async fn get_payment(payments: Data<Payments>, caller: Auth<Reader>, id: Path<PaymentId>) -> Outcome {
    let view = PaymentView::new(payments.payment(&caller, id.0.uuid()).await?)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Fetches the secret by which the payer's browser says yes to its bank.
///
/// For a payment that is `requires_action`. It is fetched from the provider each time and kept nowhere.
#[utoipa::path(
    tag = "payments",
    responses((status = 200, description = "The secret.", body = PaymentSecret)),
    extensions(("x-access" = json!("hirer")))
)]
#[post("/v1/payments/{id}/client_secret")]
async fn get_payment_secret(payments: Data<Payments>, caller: Auth<Hirer>, id: Path<PaymentId>) -> Outcome {
    let client_secret = payments.payment_secret(&caller, id.0.uuid()).await?;
    Ok(Reply::ok(&PaymentSecret { client_secret })?)
}

/// Lists what an organisation got back or is about to, newest first.
#[utoipa::path(
    tag = "payments",
    params(PageQuery),
    responses((status = 200, description = "A page of refunds.", body = Page<RefundView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}/refunds")]
async fn list_organisation_refunds(
    payments: Data<Payments>,
    caller: Auth<Reader>,
    id: Path<OrganisationId>,
    query: Query<PageQuery>,
) -> Outcome {
    let organisation = id.0.uuid();
    let rows = async |conn: &mut Conn, before, limit| {
        member(conn, &caller, id.0, false).await?;
        Ok(store::refunds::list(conn, Some(organisation), None, before, limit).await?)
    };
    page(&payments, ("organisation_refunds", &organisation), query.0, rows, |row| row.id, RefundView::new)
        .await
}

//! Developers: how they are paid.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::error::FieldErrors;
use assay_kernel::{Page, Result};
use assay_platform::db::Conn;
use assay_platform::web::{Auth, Body, Developer, Outcome, Query, Reader, Reply, Routes, etag};
use chrono::DateTime;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::views::{PayeeLinkView, PayeeView, PayoutView, TransferView};
use super::{PageQuery, page};
use crate::service::Payments;
use crate::store;
use crate::store::payees::PayeeRow;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(open_payee)
        .service(get_payee)
        .service(create_payee_link)
        .service(refresh_payee)
        .service(list_my_transfers)
        .service(list_my_payouts);
}

fn shown(row: PayeeRow) -> Result<Reply> {
    let view = PayeeView::new(row, &[])?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Who wants to be paid.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenPayee {
    /// Where the person lives, ISO 3166-1. It cannot be changed later.
    #[schema(pattern = "^[A-Z]{2}$", example = "US")]
    country: String,
}

/// Opens the caller's account at the payment provider.
///
/// Asked again, it answers the account that is there.
#[utoipa::path(
    tag = "payees",
    request_body = OpenPayee,
    responses((status = 200, description = "The payee.", body = PayeeView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/me/payee")]
async fn open_payee(payments: Data<Payments>, caller: Auth<Developer>, body: Body<OpenPayee>) -> Outcome {
    let fine = body.country.len() == 2 && body.country.bytes().all(|byte| byte.is_ascii_uppercase());
    let mut faults = FieldErrors::new();
    faults.check(fine, "/country", "country", "Must be a country code of ISO 3166-1: two capital letters.");
    faults.finish()?;
    Ok(shown(payments.open_payee(&caller, &body.country).await?)?)
}

/// Shows how the caller stands at the payment provider.
#[utoipa::path(
    tag = "payees",
    responses((status = 200, description = "The payee.", body = PayeeView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/payee")]
async fn get_payee(payments: Data<Payments>, caller: Auth<Reader>) -> Outcome {
    Ok(shown(payments.payee(&caller).await?)?)
}

/// Makes a page of the payment provider's where the caller answers its questions.
///
/// The link works once, for minutes. Needs a recent sign-in, or the second factor where there is one: behind it stands
/// the bank account.
#[utoipa::path(
    tag = "payees",
    responses((status = 200, description = "The link.", body = PayeeLinkView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/me/payee/link")]
async fn create_payee_link(payments: Data<Payments>, caller: Auth<Developer>) -> Outcome {
    let link = payments.payee_link(&caller).await?;
    let expires_at = DateTime::from_timestamp(link.expires_at, 0).unwrap_or_default();
    Ok(Reply::ok(&PayeeLinkView { url: link.url, expires_at })?)
}

/// Asks the payment provider how the caller stands: after they have come back from its page.
#[utoipa::path(
    tag = "payees",
    responses((status = 200, description = "The payee.", body = PayeeView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/me/payee/refresh")]
async fn refresh_payee(payments: Data<Payments>, caller: Auth<Developer>) -> Outcome {
    Ok(shown(payments.refresh_payee(&caller).await?)?)
}

/// Lists what is on its way to the caller or has arrived, newest first.
#[utoipa::path(
    tag = "payees",
    params(PageQuery),
    responses((status = 200, description = "A page of transfers.", body = Page<TransferView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/transfers")]
async fn list_my_transfers(
    payments: Data<Payments>,
    caller: Auth<Reader>,
    query: Query<PageQuery>,
) -> Outcome {
    let me = caller.account_id.uuid();
    let rows = async |conn: &mut Conn, before, limit| {
        Ok(store::transfers::list(conn, Some(me), None, before, limit).await?)
    };
    page(&payments, ("my_transfers", &me), query.0, rows, |row| row.id, TransferView::new).await
}

/// Lists the caller's payouts to their bank, newest first.
#[utoipa::path(
    tag = "payees",
    params(PageQuery),
    responses((status = 200, description = "A page of payouts.", body = Page<PayoutView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/payouts")]
async fn list_my_payouts(payments: Data<Payments>, caller: Auth<Reader>, query: Query<PageQuery>) -> Outcome {
    let me = caller.account_id.uuid();
    let rows =
        async |conn: &mut Conn, before, limit| Ok(store::payouts::list(conn, Some(me), before, limit).await?);
    page(&payments, ("my_payouts", &me), query.0, rows, |row| row.id, PayoutView::new).await
}

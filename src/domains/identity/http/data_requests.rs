//! The caller's rights over their data.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::DataRequestId;
use assay_platform::web::{Auth, IdempotencyKey, Outcome, Path, Reply, Routes, SignedIn};
use assay_platform::{Ctx, idempotency};

use crate::service::Identity;
use crate::service::data_requests::{self, DataExportView, ErasureView};

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(request_data_export)
        .service(get_data_export)
        .service(download_data_export)
        .service(request_erasure)
        .service(get_erasure)
        .service(cancel_erasure);
}

/// Requests a copy of all that is held about the caller.
///
/// Needs a sign-in of the last ten minutes. It is put together in the background and can be fetched for a week.
#[utoipa::path(
    tag = "me",
    responses((status = 202, description = "It will be ready soon.", body = DataExportView)),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/me/data_export")]
async fn request_data_export(ctx: Data<Ctx>, caller: Auth<SignedIn>, key: IdempotencyKey) -> Outcome {
    Ok(idempotency::run(&ctx, key.bare().as_ref(), async |conn| {
        Reply::accepted(&data_requests::request_export_in(&ctx, conn, &caller).await?)
    })
    .await?)
}

/// Shows how far a copy of the caller's data is.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "The request.", body = DataExportView)),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/me/data_exports/{id}")]
async fn get_data_export(ctx: Data<Ctx>, caller: Auth<SignedIn>, id: Path<DataRequestId>) -> Outcome {
    Ok(Reply::ok(&data_requests::read_export(&ctx, &caller, id.0).await?)?)
}

/// Fetches a copy of all that is held about the caller.
///
/// Needs a sign-in of the last ten minutes. By domain and table; ids are the UUIDs behind the API's.
#[utoipa::path(
    tag = "me",
    responses(
        (status = 200, description = "The copy.", body = Object),
        (status = 409, description = "It is not ready, or no more.", content_type = "application/problem+json", body = Object)
    ),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/me/data_exports/{id}/download")]
async fn download_data_export(ctx: Data<Ctx>, caller: Auth<SignedIn>, id: Path<DataRequestId>) -> Outcome {
    let copy = data_requests::download(&ctx, &caller, id.0).await?;
    Ok(Reply::raw_json(200, copy).header("content-disposition", "attachment; filename=\"assay-data.json\""))
}

/// Requests that everything about the caller be erased.
///
/// Needs a sign-in of the last ten minutes. Refused while money, a contract or a decision is open: `why_not` lists
/// what. Done after a week, in which the caller can change their mind; what is open is looked at again then. What
/// others' records need stays without anything by which the person could be known.
#[utoipa::path(
    tag = "me",
    responses((status = 202, description = "It will be done.", body = ErasureView)),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/me/erasure")]
async fn request_erasure(
    ctx: Data<Ctx>,
    identity: Data<Identity>,
    caller: Auth<SignedIn>,
    key: IdempotencyKey,
) -> Outcome {
    Ok(idempotency::run(&ctx, key.bare().as_ref(), async |conn| {
        Reply::accepted(&identity.request_erasure_in(&ctx, conn, &caller).await?)
    })
    .await?)
}

/// Shows the caller's newest request for an erasure.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "The request.", body = ErasureView)),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/me/erasure")]
async fn get_erasure(ctx: Data<Ctx>, identity: Data<Identity>, caller: Auth<SignedIn>) -> Outcome {
    Ok(Reply::ok(&identity.read_erasure(&ctx, &caller).await?)?)
}

/// Takes the request for an erasure back.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "The request, cancelled.", body = ErasureView)),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/me/erasure/cancel")]
async fn cancel_erasure(ctx: Data<Ctx>, identity: Data<Identity>, caller: Auth<SignedIn>) -> Outcome {
    Ok(Reply::ok(&data_requests::cancel_erasure(&identity, &ctx, &caller).await?)?)
}

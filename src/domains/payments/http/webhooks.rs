//! Where the provider tells what has happened.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, post};
use assay_kernel::{Code, Error, Result};
use assay_platform::web::{Outcome, Reply, Routes};

use crate::service::Payments;
use crate::service::inbox::Endpoint;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(receive_stripe_webhook).service(receive_stripe_connect_webhook);
}

/// The header that bears the signature over the raw body.
fn signature(request: &HttpRequest) -> Result<&str> {
    let header = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok());
    header.ok_or_else(|| Error::new(Code::MalformedRequest, "The header Stripe-Signature is missing."))
}

/// Takes an event of the platform's account at Stripe.
///
/// The raw body must be signed, within five minutes, with one of the live secrets of this endpoint.
#[utoipa::path(
    tag = "webhooks",
    request_body(content = serde_json::Value, content_type = "application/json", description = "A Stripe event."),
    responses((status = 204, description = "It is kept, and will be applied.")),
    extensions(("x-access" = json!("public")))
)]
#[post("/v1/stripe/webhooks")]
async fn receive_stripe_webhook(payments: Data<Payments>, request: HttpRequest, body: Bytes) -> Outcome {
    payments.receive(Endpoint::Platform, signature(&request)?, &body).await?;
    Ok(Reply::no_content())
}

/// Takes an event of a connected account at Stripe.
///
/// The raw body must be signed, within five minutes, with one of the live secrets of this endpoint.
#[utoipa::path(
    tag = "webhooks",
    request_body(content = serde_json::Value, content_type = "application/json", description = "A Stripe event."),
    responses((status = 204, description = "It is kept, and will be applied.")),
    extensions(("x-access" = json!("public")))
)]
#[post("/v1/stripe/webhooks/connect")]
async fn receive_stripe_connect_webhook(
    payments: Data<Payments>,
    request: HttpRequest,
    body: Bytes,
) -> Outcome {
    payments.receive(Endpoint::Connect, signature(&request)?, &body).await?;
    Ok(Reply::no_content())
}

//! The caller's second factor.

use actix_web::web::Data;
use actix_web::{delete, get, post};
use assay_platform::Ctx;
use assay_platform::web::{Auth, Body, Manager, Outcome, Reply, Routes, SignedIn};

use crate::service::second_factor::{
    self, NewSecondFactor, RecoveryCodes, SecondFactor, SecondFactorCode, SteppedUp,
};

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_second_factor)
        .service(enrol_second_factor)
        .service(confirm_second_factor)
        .service(remove_second_factor)
        .service(step_up);
}

/// Shows the caller's second factor.
///
/// Not found until one is confirmed.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "The second factor.", body = SecondFactor)),
    extensions(("x-access" = json!("manager")))
)]
#[get("/v1/me/second_factor")]
async fn get_second_factor(ctx: Data<Ctx>, caller: Auth<Manager>) -> Outcome {
    Ok(Reply::ok(&second_factor::shown(&ctx, &caller).await?)?)
}

/// Begins to set up a second factor.
///
/// The secret is shown once, here; give it to an authenticator (RFC 6238: six digits, thirty seconds, SHA-1), then
/// confirm. Until then nothing changes, and beginning again makes another secret. Needs a sign-in of the last ten
/// minutes.
#[utoipa::path(
    tag = "me",
    responses((status = 201, description = "The secret.", body = NewSecondFactor)),
    extensions(("x-access" = json!("manager")))
)]
#[post("/v1/me/second_factor")]
async fn enrol_second_factor(ctx: Data<Ctx>, caller: Auth<Manager>) -> Outcome {
    let made = second_factor::enrol(&ctx, &caller).await?;
    Ok(Reply::created("/v1/me/second_factor", &made)?.header("cache-control", "no-store"))
}

/// Confirms the second factor by its first code.
///
/// From now on sensitive acts ask for a code in place of a recent sign-in. Answers the recovery codes, once.
#[utoipa::path(
    tag = "me",
    request_body = SecondFactorCode,
    responses((status = 200, description = "The recovery codes.", body = RecoveryCodes)),
    extensions(("x-access" = json!("manager")))
)]
#[post("/v1/me/second_factor/confirm")]
async fn confirm_second_factor(
    ctx: Data<Ctx>,
    caller: Auth<Manager>,
    body: Body<SecondFactorCode>,
) -> Outcome {
    let codes = second_factor::confirm(&ctx, &caller, &body).await?;
    Ok(Reply::ok(&codes)?.header("cache-control", "no-store"))
}

/// Removes the caller's second factor.
///
/// Needs a code given in this session in the last ten minutes.
#[utoipa::path(
    tag = "me",
    responses((status = 204, description = "There is no second factor any more.")),
    extensions(("x-access" = json!("manager")))
)]
#[delete("/v1/me/second_factor")]
async fn remove_second_factor(ctx: Data<Ctx>, caller: Auth<Manager>) -> Outcome {
    second_factor::remove(&ctx, &caller).await?;
    Ok(Reply::no_content())
}

/// Gives a code of the second factor.
///
/// Opens sensitive acts (money, permissions, personal data, API tokens) to this session for ten minutes. A code is
/// taken once; after five wrong ones in a row, codes are refused for fifteen minutes.
#[utoipa::path(
    tag = "me",
    request_body = SecondFactorCode,
    responses((status = 200, description = "Until when.", body = SteppedUp)),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/me/step_up")]
async fn step_up(ctx: Data<Ctx>, caller: Auth<SignedIn>, body: Body<SecondFactorCode>) -> Outcome {
    Ok(Reply::ok(&second_factor::step_up(&ctx, &caller, &body).await?)?)
}

//! What the caller has agreed to.

use actix_web::web::Data;
use actix_web::{delete, get, put};
use assay_kernel::Page;
use assay_platform::Ctx;
use assay_platform::web::{Auth, Body, Manager, Outcome, Path, Reply, Routes, SignedIn};

use crate::model::ConsentKind;
use crate::service::consents::{self, ConsentView, GiveConsent};

pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_consents).service(give_consent).service(withdraw_consent);
}

/// Lists what the caller is asked to agree to.
///
/// Each with the text in force, what it is needed for, and whether it is given.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "Every consent.", body = Page<ConsentView>)),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/me/consents")]
async fn list_consents(ctx: Data<Ctx>, caller: Auth<SignedIn>) -> Outcome {
    Ok(Reply::ok(&consents::list(&ctx, &caller).await?)?)
}

/// Gives a consent.
///
/// To the version in force, which the caller names to show what was read. Repeating it changes nothing.
#[utoipa::path(
    tag = "me",
    params(("kind" = ConsentKind, Path, description = "Which consent.")),
    request_body = GiveConsent,
    responses((status = 200, description = "The consent, given.", body = ConsentView)),
    extensions(("x-access" = json!("manager")))
)]
#[put("/v1/me/consents/{kind}")]
async fn give_consent(
    ctx: Data<Ctx>,
    caller: Auth<Manager>,
    kind: Path<ConsentKind>,
    body: Body<GiveConsent>,
) -> Outcome {
    Ok(Reply::ok(&consents::give(&ctx, &caller, kind.0, &body).await?)?)
}

/// Takes a consent back.
///
/// From now on; what was done with it before stays lawful. The terms are taken back by erasure only.
#[utoipa::path(
    tag = "me",
    params(("kind" = ConsentKind, Path, description = "Which consent.")),
    responses((status = 200, description = "The consent, taken back.", body = ConsentView)),
    extensions(("x-access" = json!("signed_in")))
)]
#[delete("/v1/me/consents/{kind}")]
async fn withdraw_consent(ctx: Data<Ctx>, caller: Auth<SignedIn>, kind: Path<ConsentKind>) -> Outcome {
    Ok(Reply::ok(&consents::withdraw(&ctx, &caller, kind.0).await?)?)
}

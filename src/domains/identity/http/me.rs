//! The caller's own account and sessions.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use assay_kernel::ids::SessionId;
use assay_kernel::{Page, Result};
use assay_platform::web::edge::SESSION_COOKIE;
use assay_platform::web::{
    Auth, Body, IdempotencyKey, IfMatch, Manager, MergePatchDocument, Outcome, Path, Query, Reply, Routes,
    SignedIn, etag,
};
use assay_platform::{Ctx, idempotency};

use super::PageQuery;
use crate::model::Profile;
use crate::service::me::{self, Me, SignUp};
use crate::service::sessions::{self, RevokedSessions, SessionView};
use crate::service::suspensions::{self, AppealSuspension, OwnAppeal};

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_me)
        .service(sign_up)
        .service(update_me)
        .service(appeal_suspension)
        .service(list_sessions)
        .service(revoke_all_sessions)
        .service(revoke_session);
}

fn shown(me: &Me) -> Result<Reply> {
    Ok(Reply::ok(me)?.etag(etag(me.version)))
}

/// Shows the caller's account.
///
/// Works before sign-up and during a suspension, of which it tells the reason and the appeal.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "The account.", body = Me)),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/me")]
async fn get_me(ctx: Data<Ctx>, caller: Auth<SignedIn>) -> Outcome {
    Ok(shown(&me::me(&ctx, &caller).await?)?)
}

/// Finishes signing up.
///
/// Chooses roles, name and address, and agrees to the terms in force. `verified_emails` of `GET /v1/me` lists the
/// addresses to choose from; they are read from GitHub at each sign-in.
#[utoipa::path(
    tag = "me",
    request_body = SignUp,
    responses((status = 200, description = "The account, now active.", body = Me)),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/me/sign_up")]
async fn sign_up(ctx: Data<Ctx>, caller: Auth<SignedIn>, body: Body<SignUp>) -> Outcome {
    Ok(shown(&me::sign_up(&ctx, &caller, &body).await?)?)
}

/// Changes the caller's profile.
///
/// Roles can be added, not taken away. The address must be one that GitHub has verified.
#[utoipa::path(
    tag = "me",
    request_body(content = Profile, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The account.", body = Me)),
    extensions(("x-access" = json!("manager")))
)]
#[patch("/v1/me")]
async fn update_me(
    ctx: Data<Ctx>,
    caller: Auth<Manager>,
    seen: IfMatch,
    patch: MergePatchDocument,
) -> Outcome {
    Ok(shown(&me::update(&ctx, &caller, &seen, &patch.0).await?)?)
}

/// Appeals against the caller's suspension.
///
/// Once for each suspension. Somebody other than who suspended the account decides.
#[utoipa::path(
    tag = "me",
    request_body = AppealSuspension,
    responses((status = 201, description = "The appeal.", body = OwnAppeal)),
    extensions(("x-access" = json!("signed_in")))
)]
#[post("/v1/me/suspension/appeal")]
async fn appeal_suspension(
    ctx: Data<Ctx>,
    caller: Auth<SignedIn>,
    key: IdempotencyKey,
    body: Body<AppealSuspension>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&ctx, key.as_ref(), async |conn| {
        let appeal = suspensions::appeal_in(&ctx, conn, &caller, &body).await?;
        Reply::created("/v1/me", &appeal)
    })
    .await?)
}

/// Lists the caller's sessions.
///
/// Those that have not ended, newest first.
#[utoipa::path(
    tag = "me",
    params(PageQuery),
    responses((status = 200, description = "A page of sessions.", body = Page<SessionView>)),
    extensions(("x-access" = json!("manager")))
)]
#[get("/v1/me/sessions")]
async fn list_sessions(ctx: Data<Ctx>, caller: Auth<Manager>, query: Query<PageQuery>) -> Outcome {
    let PageQuery { limit, cursor } = query.0;
    Ok(Reply::page(&sessions::list(&ctx, &caller, limit, cursor.as_deref()).await?)?)
}

/// Ends one of the caller's sessions.
///
/// Its cookie and tokens are refused from now on.
#[utoipa::path(
    tag = "me",
    responses((status = 204, description = "The session has ended.")),
    extensions(("x-access" = json!("manager")))
)]
#[delete("/v1/me/sessions/{id}")]
async fn revoke_session(ctx: Data<Ctx>, caller: Auth<Manager>, id: Path<SessionId>) -> Outcome {
    sessions::revoke(&ctx, &caller, id.0).await?;
    Ok(Reply::no_content())
}

/// Ends all of the caller's sessions.
///
/// The one that asks, too. API tokens stay.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "How many ended.", body = RevokedSessions)),
    extensions(("x-access" = json!("manager")))
)]
#[post("/v1/me/sessions/revoke_all")]
async fn revoke_all_sessions(ctx: Data<Ctx>, caller: Auth<Manager>) -> Outcome {
    let revoked = sessions::revoke_all(&ctx, &caller).await?;
    let gone = format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
    Ok(Reply::ok(&revoked)?.header("set-cookie", gone))
}

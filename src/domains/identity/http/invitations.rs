//! Invitations to organisations.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Page;
use assay_kernel::ids::{OrganisationId, OrganisationInvitationId};
use assay_platform::web::{
    Anyone, Auth, Body, Hirer, IdempotencyKey, Outcome, Path, Query, Reader, Reply, Routes, etag,
};
use assay_platform::{Ctx, idempotency};
use serde::Deserialize;
use utoipa::IntoParams;

use super::PageQuery;
use crate::service::invitations::{
    self, AcceptInvitation, InvitationPreview, InviteMember, OrganisationInvitationView,
};
use crate::service::organisations::OrganisationView;

pub fn routes(routes: &mut Routes<'_>) {
    // `accept` is a path of its own, so it comes before `{id}`.
    routes
        .service(preview_organisation_invitation)
        .service(accept_organisation_invitation)
        .service(invite_organisation_member)
        .service(list_organisation_invitations)
        .service(get_organisation_invitation)
        .service(revoke_organisation_invitation);
}

/// Invites somebody to an organisation.
///
/// By mail; for owners. The person accepts with the mailed link, signed in as a client whose verified addresses at
/// GitHub include the invited one.
#[utoipa::path(
    tag = "organisations",
    request_body = InviteMember,
    responses((status = 201, description = "The invitation.", body = OrganisationInvitationView)),
    extensions(("x-access" = json!("hirer")))
)]
#[post("/v1/organisations/{id}/invitations")]
async fn invite_organisation_member(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    id: Path<OrganisationId>,
    key: IdempotencyKey,
    body: Body<InviteMember>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&ctx, key.as_ref(), async |conn| {
        let made = invitations::create_in(&ctx, conn, &caller, id.0, &body).await?;
        let place = format!("/v1/organisation_invitations/{}", made.id);
        Ok(Reply::created(place, &made)?.etag(etag(made.version)))
    })
    .await?)
}

/// Lists the invitations of an organisation.
///
/// For its members; newest first.
#[utoipa::path(
    tag = "organisations",
    params(PageQuery),
    responses((status = 200, description = "A page of invitations.", body = Page<OrganisationInvitationView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}/invitations")]
async fn list_organisation_invitations(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<OrganisationId>,
    query: Query<PageQuery>,
) -> Outcome {
    let PageQuery { limit, cursor } = query.0;
    Ok(Reply::page(&invitations::list(&ctx, &caller, id.0, limit, cursor.as_deref()).await?)?)
}

/// Shows an invitation to an organisation.
///
/// For the organisation's members.
#[utoipa::path(
    tag = "organisations",
    responses((status = 200, description = "The invitation.", body = OrganisationInvitationView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisation_invitations/{id}")]
async fn get_organisation_invitation(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<OrganisationInvitationId>,
) -> Outcome {
    let invitation = invitations::read(&ctx, &caller, id.0).await?;
    Ok(Reply::ok(&invitation)?.etag(etag(invitation.version)))
}

/// Takes an invitation to an organisation back.
///
/// For owners; the mailed link no longer works.
#[utoipa::path(
    tag = "organisations",
    responses((status = 200, description = "The invitation.", body = OrganisationInvitationView)),
    extensions(("x-access" = json!("hirer")))
)]
#[post("/v1/organisation_invitations/{id}/revoke")]
async fn revoke_organisation_invitation(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    id: Path<OrganisationInvitationId>,
) -> Outcome {
    let invitation = invitations::revoke(&ctx, &caller, id.0).await?;
    Ok(Reply::ok(&invitation)?.etag(etag(invitation.version)))
}

/// The mailed link.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TokenQuery {
    /// The secret of the mailed link.
    #[param(min_length = 1, max_length = 100)]
    token: String,
}

/// Shows what a mailed invitation is about.
///
/// The mailed link leads here. Whoever has it may look; accepting is a `POST` to the same path.
#[utoipa::path(
    tag = "organisations",
    params(TokenQuery),
    responses((status = 200, description = "The invitation.", body = InvitationPreview)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/organisation_invitations/accept")]
async fn preview_organisation_invitation(
    ctx: Data<Ctx>,
    _caller: Anyone,
    query: Query<TokenQuery>,
) -> Outcome {
    let preview = invitations::preview(&ctx, &query.0.token).await?;
    Ok(Reply::ok(&preview)?.header("cache-control", "no-store"))
}

/// Accepts an invitation to an organisation.
///
/// The caller, a client, becomes a member. 404 also when the caller's verified addresses at GitHub do not include the
/// invited one.
#[utoipa::path(
    tag = "organisations",
    request_body = AcceptInvitation,
    responses((status = 200, description = "The organisation.", body = OrganisationView)),
    extensions(("x-access" = json!("hirer")))
)]
#[post("/v1/organisation_invitations/accept")]
async fn accept_organisation_invitation(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    key: IdempotencyKey,
    body: Body<AcceptInvitation>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&ctx, key.as_ref(), async |conn| {
        let joined = invitations::accept_in(&ctx, conn, &caller, &body.token).await?;
        Ok(Reply::ok(&joined)?.etag(etag(joined.version)))
    })
    .await?)
}

//! Organisations and their members.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use assay_kernel::ids::{AccountId, OrganisationId};
use assay_kernel::{Limit, Page, Result};
use assay_platform::web::{
    Auth, Body, Curator, Hirer, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Query, Reader,
    Reply, Routes, etag,
};
use assay_platform::{Ctx, idempotency};
use serde::Deserialize;
use utoipa::IntoParams;

use super::PageQuery;
use crate::service::members::{self, MemberTerms, MemberView};
use crate::service::organisations::{
    self, OrganisationContent, OrganisationPatch, OrganisationView, StaffReason,
};

pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(create_organisation)
        .service(list_organisations)
        .service(get_organisation)
        .service(update_organisation)
        .service(verify_organisation)
        .service(unverify_organisation)
        .service(list_organisations_for_staff)
        .service(list_organisation_members)
        .service(get_organisation_member)
        .service(update_organisation_member)
        .service(remove_organisation_member);
}

fn shown(organisation: &OrganisationView) -> Result<Reply> {
    Ok(Reply::ok(organisation)?.etag(etag(organisation.version)))
}

/// Makes an organisation.
///
/// The caller becomes its owner. Staff verify it before its projects are listed.
#[utoipa::path(
    tag = "organisations",
    request_body = OrganisationContent,
    responses((status = 201, description = "The organisation.", body = OrganisationView)),
    extensions(("x-access" = json!("hirer")))
)]
#[post("/v1/organisations")]
async fn create_organisation(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    key: IdempotencyKey,
    body: Body<OrganisationContent>,
) -> Outcome {
    let key = key.with(&body);
    Ok(idempotency::run(&ctx, key.as_ref(), async |conn| {
        let made = organisations::create_in(&ctx, conn, &caller, &body).await?;
        Ok(Reply::created(format!("/v1/organisations/{}", made.id), &made)?.etag(etag(made.version)))
    })
    .await?)
}

/// Lists the caller's organisations.
///
/// Those of which the caller is a member, newest first.
#[utoipa::path(
    tag = "organisations",
    params(PageQuery),
    responses((status = 200, description = "A page of organisations.", body = Page<OrganisationView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations")]
async fn list_organisations(ctx: Data<Ctx>, caller: Auth<Reader>, query: Query<PageQuery>) -> Outcome {
    let PageQuery { limit, cursor } = query.0;
    Ok(Reply::page(&organisations::list(&ctx, &caller, limit, cursor.as_deref()).await?)?)
}

/// Shows an organisation.
///
/// To its members, and to staff who verify.
#[utoipa::path(
    tag = "organisations",
    responses((status = 200, description = "The organisation.", body = OrganisationView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}")]
async fn get_organisation(ctx: Data<Ctx>, caller: Auth<Reader>, id: Path<OrganisationId>) -> Outcome {
    Ok(shown(&organisations::read(&ctx, &caller, id.0).await?)?)
}

/// Changes an organisation.
///
/// For owners. What staff verified is name and country: changing either takes the verification back.
#[utoipa::path(
    tag = "organisations",
    request_body(content = OrganisationPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The organisation.", body = OrganisationView)),
    extensions(("x-access" = json!("hirer")))
)]
#[patch("/v1/organisations/{id}")]
async fn update_organisation(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    id: Path<OrganisationId>,
    seen: IfMatch,
    patch: MergePatchDocument,
) -> Outcome {
    Ok(shown(&organisations::update(&ctx, &caller, id.0, &seen, &patch.0).await?)?)
}

/// Verifies an organisation.
///
/// Staff vouch that it exists under this name in this country and that its owner acts for it. Members of it cannot.
#[utoipa::path(
    tag = "organisations",
    request_body = StaffReason,
    responses((status = 200, description = "The organisation.", body = OrganisationView)),
    extensions(("x-access" = json!("curator")))
)]
#[post("/v1/organisations/{id}/verify")]
async fn verify_organisation(
    ctx: Data<Ctx>,
    caller: Auth<Curator>,
    id: Path<OrganisationId>,
    seen: IfMatch,
    body: Body<StaffReason>,
) -> Outcome {
    Ok(shown(&organisations::set_verified(&ctx, &caller, id.0, Some(&seen), &body.reason).await?)?)
}

/// Takes the verification of an organisation back.
///
/// Its listed projects stay listed; none is added.
#[utoipa::path(
    tag = "organisations",
    request_body = StaffReason,
    responses((status = 200, description = "The organisation.", body = OrganisationView)),
    extensions(("x-access" = json!("curator")))
)]
#[post("/v1/organisations/{id}/unverify")]
async fn unverify_organisation(
    ctx: Data<Ctx>,
    caller: Auth<Curator>,
    id: Path<OrganisationId>,
    body: Body<StaffReason>,
) -> Outcome {
    Ok(shown(&organisations::set_verified(&ctx, &caller, id.0, None, &body.reason).await?)?)
}

/// Which organisations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StaffQuery {
    /// Those that are verified, or those that are not.
    #[serde(default)]
    #[param(default = false)]
    verified: bool,
    /// Items on a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists organisations to verify.
///
/// The oldest first.
#[utoipa::path(
    tag = "organisations",
    params(StaffQuery),
    responses((status = 200, description = "A page of organisations.", body = Page<OrganisationView>)),
    extensions(("x-access" = json!("curator")))
)]
#[get("/v1/staff/organisations")]
async fn list_organisations_for_staff(
    ctx: Data<Ctx>,
    _caller: Auth<Curator>,
    query: Query<StaffQuery>,
) -> Outcome {
    let StaffQuery { verified, limit, cursor } = query.0;
    Ok(Reply::page(&organisations::list_by_verification(&ctx, verified, limit, cursor.as_deref()).await?)?)
}

/// Lists the members of an organisation.
///
/// For its members, and for staff who verify.
#[utoipa::path(
    tag = "organisations",
    params(PageQuery),
    responses((status = 200, description = "A page of members.", body = Page<MemberView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}/members")]
async fn list_organisation_members(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    id: Path<OrganisationId>,
    query: Query<PageQuery>,
) -> Outcome {
    let PageQuery { limit, cursor } = query.0;
    Ok(Reply::page(&members::list(&ctx, &caller, id.0, limit, cursor.as_deref()).await?)?)
}

/// Shows a member of an organisation.
///
/// For its members, and for staff who verify.
#[utoipa::path(
    tag = "organisations",
    responses((status = 200, description = "The member.", body = MemberView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/organisations/{id}/members/{account_id}")]
async fn get_organisation_member(
    ctx: Data<Ctx>,
    caller: Auth<Reader>,
    path: Path<(OrganisationId, AccountId)>,
) -> Outcome {
    let (id, account) = path.0;
    let member = members::read(&ctx, &caller, id, account).await?;
    Ok(Reply::ok(&member)?.etag(etag(member.version)))
}

/// Changes a member's role or limit.
///
/// For owners. An organisation keeps at least one owner.
#[utoipa::path(
    tag = "organisations",
    request_body(content = MemberTerms, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The member.", body = MemberView)),
    extensions(("x-access" = json!("hirer")))
)]
#[patch("/v1/organisations/{id}/members/{account_id}")]
async fn update_organisation_member(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    path: Path<(OrganisationId, AccountId)>,
    seen: IfMatch,
    patch: MergePatchDocument,
) -> Outcome {
    let (id, account) = path.0;
    let member = members::update(&ctx, &caller, id, account, &seen, &patch.0).await?;
    Ok(Reply::ok(&member)?.etag(etag(member.version)))
}

/// Removes a member from an organisation.
///
/// Owners remove anybody; everybody may leave. An organisation keeps at least one owner.
#[utoipa::path(
    tag = "organisations",
    responses((status = 204, description = "The person is no longer a member.")),
    extensions(("x-access" = json!("hirer")))
)]
#[delete("/v1/organisations/{id}/members/{account_id}")]
async fn remove_organisation_member(
    ctx: Data<Ctx>,
    caller: Auth<Hirer>,
    path: Path<(OrganisationId, AccountId)>,
    seen: IfMatch,
) -> Outcome {
    let (id, account) = path.0;
    members::remove(&ctx, &caller, id, account, &seen).await?;
    Ok(Reply::no_content())
}

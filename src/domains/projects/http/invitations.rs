//! Invitations to bid.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AccountId, InvitationId, ProjectId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, Result};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Developer, Hirer, IdempotencyKey, Outcome, Path, Query, Reader, Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::bid_dto::InvitationView;
use crate::service::Projects;
use crate::service::invitations::InvitationDetail;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(create_invitation)
        .service(list_project_invitations)
        .service(list_my_invitations)
        .service(get_invitation)
        .service(accept_invitation)
        .service(decline_invitation);
}

fn shown(detail: InvitationDetail) -> Result<Reply> {
    let view = InvitationView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// An invitation to bid.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationInput {
    /// An approved developer.
    developer_id: AccountId,
    /// A few words to them.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "Your importer for bank statements is close to what we need; would you bid?")]
    message: Text,
}

/// Invites a developer to bid.
///
/// Stands for seven days; the developer gets a mail.
#[utoipa::path(tag = "invitations", request_body = InvitationInput, responses((status = 201, description = "The invitation.", body = InvitationView)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/projects/{id}/invitations")]
async fn create_invitation(
    projects: Data<Projects>,
    caller: Auth<Hirer>,
    id: Path<ProjectId>,
    key: IdempotencyKey,
    body: Body<InvitationInput>,
) -> Outcome {
    let reply = idempotency::run(&projects.ctx, key.with(&body).as_ref(), async |conn| {
        let detail = projects.invite_in(conn, &caller, id.0, body.developer_id, &body.message).await?;
        let view = InvitationView::new(detail)?;
        Ok(Reply::created(format!("/v1/invitations/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Query of invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationsQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists a project's invitations.
///
/// For the client's people, newest first.
#[utoipa::path(tag = "invitations", params(InvitationsQuery), responses((status = 200, description = "A page of invitations.", body = Page<InvitationView>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/projects/{id}/invitations")]
async fn list_project_invitations(
    projects: Data<Projects>,
    caller: Auth<Reader>,
    id: Path<ProjectId>,
    query: Query<InvitationsQuery>,
) -> Outcome {
    let cursors = Cursor::new(&projects.ctx.keys, "project_invitations", &id.0);
    let before: Option<Uuid> = query.0.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let limit = query.0.limit;
    let rows = projects
        .ctx
        .db
        .read(async |conn| projects.invitations_of_project(conn, &caller, id.0, before, limit.fetch()).await)
        .await?;
    Ok(Reply::page(&cursors.page(rows, limit, |row| row.id)?.try_map(InvitationView::of_row)?)?)
}

/// Lists one's own invitations.
///
/// Newest first.
#[utoipa::path(tag = "invitations", params(InvitationsQuery), responses((status = 200, description = "A page of invitations.", body = Page<InvitationView>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/me/invitations")]
async fn list_my_invitations(
    projects: Data<Projects>,
    caller: Auth<Reader>,
    query: Query<InvitationsQuery>,
) -> Outcome {
    let cursors = Cursor::new(&projects.ctx.keys, "my_invitations", &caller.account_id);
    let before: Option<Uuid> = query.0.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let limit = query.0.limit;
    let rows = projects
        .ctx
        .db
        .read(async |conn| projects.my_invitations(conn, &caller, before, limit.fetch()).await)
        .await?;
    Ok(Reply::page(&cursors.page(rows, limit, |row| row.id)?.try_map(InvitationView::of_row)?)?)
}

/// Shows an invitation.
///
/// For the developer and the client's people; the developer's first reading is noted.
#[utoipa::path(tag = "invitations", responses((status = 200, description = "The invitation.", body = InvitationView), (status = 304, description = "Not changed since the version in If-None-Match.")), extensions(("x-access" = json!("reader"))))]
#[get("/v1/invitations/{id}")]
async fn get_invitation(projects: Data<Projects>, caller: Auth<Reader>, id: Path<InvitationId>) -> Outcome {
    let detail =
        projects.ctx.db.tx(async |conn| projects.get_invitation_in(conn, &caller, id.0).await).await?;
    Ok(shown(detail)?)
}

acts! { Projects, shown, ("invitations", 200, "The invitation.", InvitationView);
    /// Accepts an invitation.
    ///
    /// It means to bid; the bid itself follows with `POST /v1/projects/{id}/bids`.
    accept_invitation(Developer, InvitationId, IdempotencyKey) "/v1/invitations/{id}/accept" =
        async |projects: &Projects, conn, caller: &_, id|
            projects.answer_invitation_in(conn, caller, id, true, None).await;
}

/// A reason for declining an invitation.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineInvitation {
    /// The reason, for the client; may be left out.
    #[validate(length(max = 1_000), custom(function = "text::prose"))]
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000, example = "Booked until March.")]
    reason: Text,
}

/// Declines an invitation.
#[utoipa::path(tag = "invitations", request_body = DeclineInvitation, responses((status = 200, description = "The invitation.", body = InvitationView)), extensions(("x-access" = json!("developer"))))]
#[post("/v1/invitations/{id}/decline")]
async fn decline_invitation(
    projects: Data<Projects>,
    caller: Auth<Developer>,
    id: Path<InvitationId>,
    key: IdempotencyKey,
    body: Body<DeclineInvitation>,
) -> Outcome {
    let reason = Some(&*body.reason).filter(|reason| !reason.is_empty());
    let reply = idempotency::run(&projects.ctx, key.with(&body).as_ref(), async |conn| {
        shown(projects.answer_invitation_in(conn, &caller, id.0, false, reason).await?)
    })
    .await?;
    Ok(reply)
}

//! The developer's side of applications.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use assay_kernel::Limit;
use assay_kernel::Page;
use assay_kernel::ids::ApplicationId;
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Developer, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Query, Reader,
    Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::dto::{ApplicationSummary, ApplicationView};
use crate::model::ApplicationContent;
use crate::service::Vetting;
use crate::service::applications::Readiness;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(create_application)
        .service(list_my_applications)
        .service(get_application)
        .service(update_application)
        .service(get_application_readiness)
        .service(submit_application)
        .service(withdraw_application);
}

/// Begins an application.
///
/// A draft, in which everything may come later; `GET /v1/applications/{id}/readiness` says what submission will want. One
/// application a person is under way at a time. After a decline there is a time to wait: 30 days, after a further one 90;
/// the refusal names the date. Who is approved applies again in the last 60 days of the approval.
#[utoipa::path(
    tag = "vetting",
    request_body = ApplicationContent,
    responses((status = 201, description = "The draft.", body = ApplicationView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/applications")]
async fn create_application(
    vetting: Data<Vetting>,
    caller: Auth<Developer>,
    key: IdempotencyKey,
    body: Body<ApplicationContent>,
) -> Outcome {
    let reply = idempotency::run(&vetting.ctx, key.with(&body).as_ref(), async |conn| {
        let view = ApplicationView::new(vetting.apply_in(conn, &caller, &body).await?)?;
        Ok(Reply::created(format!("/v1/applications/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists the caller's applications.
///
/// Newest first.
#[utoipa::path(
    tag = "vetting",
    params(ListQuery),
    responses((status = 200, description = "A page of applications.", body = Page<ApplicationSummary>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/applications")]
async fn list_my_applications(
    vetting: Data<Vetting>,
    caller: Auth<Reader>,
    query: Query<ListQuery>,
) -> Outcome {
    let cursors = Cursor::new(&vetting.ctx.keys, "my_applications", &caller.account_id);
    let before: Option<Uuid> = query.0.cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let limit = query.0.limit;
    let account = caller.account_id;
    let rows =
        vetting.ctx.db.read(async |conn| vetting.mine(conn, account, before, limit.fetch()).await).await?;
    Ok(Reply::page(&cursors.page(rows, limit, |row| row.id)?.try_map(ApplicationSummary::new)?)?)
}

/// Shows an application.
///
/// To the developer; and, once it was submitted, to reviewers, assessors and admins.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "The application.", body = ApplicationView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/applications/{id}")]
async fn get_application(vetting: Data<Vetting>, caller: Auth<Reader>, id: Path<ApplicationId>) -> Outcome {
    let detail = vetting.ctx.db.read(async |conn| vetting.get(conn, &caller, id.0).await).await?;
    Ok(ApplicationView::reply(detail)?)
}

/// Changes an application.
///
/// A JSON Merge Patch over what was written; possible while it is a draft or changes are requested.
#[utoipa::path(
    tag = "vetting",
    request_body(content = ApplicationContent, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The application.", body = ApplicationView)),
    extensions(("x-access" = json!("developer")), ("x-if-match" = json!(true)))
)]
#[patch("/v1/applications/{id}")]
async fn update_application(
    vetting: Data<Vetting>,
    caller: Auth<Developer>,
    id: Path<ApplicationId>,
    seen: IfMatch,
    body: MergePatchDocument,
) -> Outcome {
    let detail =
        vetting.ctx.db.tx(async |conn| vetting.edit_in(conn, &caller, id.0, &seen, &body.0).await).await?;
    Ok(ApplicationView::reply(detail)?)
}

/// Tells what submission would fail on.
///
/// Every guard at once: GitHub linked, an item in the portfolio, consents in their present versions, a track.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "What is missing.", body = Readiness)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/applications/{id}/readiness")]
async fn get_application_readiness(
    vetting: Data<Vetting>,
    caller: Auth<Reader>,
    id: Path<ApplicationId>,
) -> Outcome {
    let readiness = vetting.ctx.db.read(async |conn| vetting.readiness(conn, &caller, id.0).await).await?;
    Ok(Reply::ok(&readiness)?)
}

acts! { Vetting, ApplicationView::reply, ("vetting", 200, "The application.", ApplicationView);
    /// Submits an application.
    ///
    /// From a draft, or after changes were requested. All guards are answered at once; a reviewer answers in three
    /// business days (Monday to Friday, UTC).
    submit_application(Developer, ApplicationId, IdempotencyKey, IfMatch: seen) "/v1/applications/{id}/submit" =
        Vetting::submit_in;
    /// Withdraws an application.
    ///
    /// The developer may begin another at once.
    withdraw_application(Developer, ApplicationId, IdempotencyKey, IfMatch: seen) "/v1/applications/{id}/withdraw" =
        Vetting::withdraw_in;
}

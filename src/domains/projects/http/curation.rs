//! Staff's queue and decisions, and the client's appeals.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AppealId, ProjectId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Curator, Cursor, Hirer, IdempotencyKey, IfMatch, Outcome, Path, Query, Reader, Reply,
    Reviewer, Routes, etag,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::{AppealView, DecisionView, ProjectSummary, ProjectView, history};
use super::projects::shown;
use crate::service::Projects;
use crate::service::curation::{AdverseDecision, AppealAnswer, ChangesRequest};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_curation_queue)
        .service(claim_project)
        .service(release_project)
        .service(request_project_changes)
        .service(list_project)
        .service(reject_project)
        .service(remove_project)
        .service(list_project_decisions)
        .service(appeal_project)
        .service(list_curation_appeals)
        .service(decide_curation_appeal);
}

/// Query of a queue.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists projects that wait for curation.
///
/// Most urgent first; claimed ones name their curator.
#[utoipa::path(tag = "curation", params(QueueQuery), responses((status = 200, description = "A page of the queue.", body = Page<ProjectSummary>)), extensions(("x-access" = json!("curator"))))]
#[get("/v1/staff/curation")]
async fn list_curation_queue(
    projects: Data<Projects>,
    _caller: Auth<Curator>,
    query: Query<QueueQuery>,
) -> Outcome {
    let cursors = Cursor::new(&projects.ctx.keys, "curation", &());
    let after: Option<(DateTime<Utc>, Uuid)> =
        query.0.cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let limit = query.0.limit;
    let rows = projects.ctx.db.read(async |conn| projects.queue(conn, after, limit.fetch()).await).await?;
    Ok(Reply::page(
        &cursors.page(rows, limit, |row| (row.curation_due_at, row.id))?.try_map(ProjectSummary::new)?,
    )?)
}

acts! { Projects, shown, ("curation", 200, "The project.", ProjectView);
    /// Claims a submitted project.
    ///
    /// Nobody curates a project of their own organisation, or one on which their decision was overturned.
    claim_project(Curator, ProjectId, IdempotencyKey) "/v1/projects/{id}/claim" = Projects::claim_in;
    /// Gives a claimed project back to the queue.
    release_project(Curator, ProjectId, IdempotencyKey) "/v1/projects/{id}/release" = Projects::release_in;
    /// Asks the client for changes.
    ///
    /// With notes per field; the project goes back to the client, who submits it again.
    request_project_changes(Curator, ProjectId, IdempotencyKey, IfMatch: seen, Body: ChangesRequest)
        "/v1/projects/{id}/request_changes" = Projects::request_changes_in;
    /// Puts a project on the public listing.
    ///
    /// All guards are checked again, and that the client is verified and has a payment method. Listed for 30 days.
    list_project(Curator, ProjectId, IdempotencyKey, IfMatch: seen) "/v1/projects/{id}/list" = Projects::list_in;
    /// Rejects a project.
    ///
    /// With a reason, which the client can appeal for 14 days.
    reject_project(Curator, ProjectId, IdempotencyKey, IfMatch: seen, Body: AdverseDecision)
        "/v1/projects/{id}/reject" = Projects::reject_in;
    /// Takes a listed project down.
    ///
    /// With a reason, which the client can appeal for 14 days; bids are closed.
    remove_project(Curator, ProjectId, IdempotencyKey, IfMatch: seen, Body: AdverseDecision)
        "/v1/projects/{id}/remove" = Projects::remove_in;
}

/// The decisions on a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decisions {
    /// Newest first.
    data: Vec<DecisionView>,
}

/// Lists the decisions on a project, with their appeals.
///
/// For the client's people and staff.
#[utoipa::path(tag = "curation", responses((status = 200, description = "The decisions.", body = Decisions)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/projects/{id}/decisions")]
async fn list_project_decisions(
    projects: Data<Projects>,
    caller: Auth<Reader>,
    id: Path<ProjectId>,
) -> Outcome {
    let (decisions, appeals) =
        projects.ctx.db.read(async |conn| projects.history(conn, &caller, id.0).await).await?;
    Ok(Reply::ok(&Decisions { data: history(decisions, appeals) })?)
}

/// An appeal.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealInput {
    /// Why the decision is wrong.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 4000, example = "The text names four deliverables with checks; it is not a hire.")]
    text: Text,
}

/// Appeals against a rejection or removal.
///
/// Once for each decision, within 14 days; answered within 10 days by somebody who did not make it.
#[utoipa::path(tag = "curation", request_body = AppealInput, responses((status = 201, description = "The appeal.", body = AppealView)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/projects/{id}/appeal")]
async fn appeal_project(
    projects: Data<Projects>,
    caller: Auth<Hirer>,
    id: Path<ProjectId>,
    key: IdempotencyKey,
    body: Body<AppealInput>,
) -> Outcome {
    let reply = idempotency::run(&projects.ctx, key.with(&body).as_ref(), async |conn| {
        let view = AppealView::from(projects.appeal_in(conn, &caller, id.0, &body.text).await?);
        Ok(Reply::created(format!("/v1/projects/{}/decisions", id.0), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Lists open appeals against curation.
///
/// Most urgent first.
#[utoipa::path(tag = "curation", params(QueueQuery), responses((status = 200, description = "A page of appeals.", body = Page<AppealView>)), extensions(("x-access" = json!("reviewer"))))]
#[get("/v1/staff/curation_appeals")]
async fn list_curation_appeals(
    projects: Data<Projects>,
    _caller: Auth<Reviewer>,
    query: Query<QueueQuery>,
) -> Outcome {
    let cursors = Cursor::new(&projects.ctx.keys, "curation_appeals", &());
    let after: Option<(DateTime<Utc>, Uuid)> =
        query.0.cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let limit = query.0.limit;
    let rows = projects.ctx.db.read(async |conn| projects.appeals(conn, after, limit.fetch()).await).await?;
    Ok(Reply::page(&cursors.page(rows, limit, |row| (row.due_at, row.id))?.map(AppealView::from))?)
}

/// Answers an appeal.
///
/// By a reviewer who has no part in the case. An overturned decision sends the project back to another curator.
#[utoipa::path(tag = "curation", request_body = AppealAnswer, responses((status = 200, description = "The appeal.", body = AppealView)), extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true))))]
#[post("/v1/curation_appeals/{id}/decide")]
async fn decide_curation_appeal(
    projects: Data<Projects>,
    caller: Auth<Reviewer>,
    id: Path<AppealId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<AppealAnswer>,
) -> Outcome {
    let reply = idempotency::run(&projects.ctx, key.with(&body).as_ref(), async |conn| {
        let view = AppealView::from(projects.decide_appeal_in(conn, &caller, id.0, &seen, &body).await?);
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

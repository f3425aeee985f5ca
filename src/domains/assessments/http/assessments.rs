//! Requesting an assessment, reading assessments.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{ApplicationId, AssessmentId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Developer, IdempotencyKey, Outcome, Path, Query, Reader, Reply, Routes, etag,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::{AssessmentSummary, AssessmentView};
use crate::model::AssessmentState;
use crate::service::Assessments;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(request_assessment).service(list_assessments).service(get_assessment);
}

/// A request for an assessment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestAssessment {
    /// The application, which must be ready for an assessment.
    application_id: ApplicationId,
    /// One of its tracks.
    #[validate(length(min = 1, max = 100), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "backend")]
    track: Text,
    /// The candidate's IANA zone, in which times are told.
    #[validate(length(min = 1, max = 100), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Europe/Lisbon")]
    zone: Text,
}

/// Requests an assessment.
///
/// For an application that has passed the screening, one at a time. The answer says what is asked, what may be done with
/// AI tools, by which rubric it is rated and which numbers govern it: all before a time is booked. After a missed session
/// `bookable_from` is 7 days later, then 30.
#[utoipa::path(
    tag = "assessments",
    request_body = RequestAssessment,
    responses((status = 201, description = "The assessment.", body = AssessmentView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/assessments")]
async fn request_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Developer>,
    key: IdempotencyKey,
    body: Body<RequestAssessment>,
) -> Outcome {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let RequestAssessment { application_id, track, zone } = &*body;
        let detail = assessments.request_in(conn, &caller, *application_id, track, zone).await?;
        let view = AssessmentView::new(detail)?;
        Ok(Reply::created(format!("/v1/assessments/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Which assessments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those in this state.
    #[param(inline)]
    state: Option<AssessmentState>,
    /// Only those on this track.
    #[param(max_length = 100, example = "backend")]
    track: Option<String>,
    /// Only those in which the caller is assessed.
    #[serde(default)]
    mine: bool,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists assessments.
///
/// Newest first: the caller's own; for assessors also those whose session they have, and those that they might watch in
/// training; for reviewers and admins all.
#[utoipa::path(
    tag = "assessments",
    params(ListQuery),
    responses((status = 200, description = "A page of assessments.", body = Page<AssessmentSummary>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/assessments")]
async fn list_assessments(
    assessments: Data<Assessments>,
    caller: Auth<Reader>,
    query: Query<ListQuery>,
) -> Outcome {
    let ListQuery { state, track, mine, limit, cursor } = query.0;
    let bound = (caller.account_id, state, &track, mine);
    let cursors = Cursor::new(&assessments.ctx.keys, "assessments", &bound);
    let before: Option<Uuid> = cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let filter = (mine, state, track.as_deref());
    let rows = assessments
        .ctx
        .db
        .read(async |conn| assessments.list(conn, &caller, filter, before, limit.fetch()).await)
        .await?;
    Ok(Reply::page(&cursors.page(rows, limit, |row| row.id)?.try_map(AssessmentSummary::new)?)?)
}

/// Shows an assessment.
///
/// To the candidate, to those of the staff who have its session, to reviewers and admins; a booked one also to assessors
/// in training for its track. Candidates are not told who assesses them.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The assessment.", body = AssessmentView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/assessments/{id}")]
async fn get_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Reader>,
    id: Path<AssessmentId>,
) -> Outcome {
    let detail = assessments.ctx.db.read(async |conn| assessments.get(conn, &caller, id.0).await).await?;
    Ok(AssessmentView::reply(detail)?)
}

//! Appeals against decisions of vetting.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AppealId, DecisionId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, string_enum};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Developer, IdempotencyKey, IfMatch, Outcome, Path, Query, Reader, Reply, Reviewer,
    Routes, etag,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::AppealView;
use crate::model::AppealOutcome;
use crate::service::Vetting;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(appeal_decision)
        .service(list_appeals)
        .service(get_appeal)
        .service(claim_appeal)
        .service(release_appeal)
        .service(decide_appeal);
}

/// An appeal.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct FileAppeal {
    /// Why the decision is wrong.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 4000, example = "The forks carry my own commits; the pull requests upstream were merged.")]
    text: Text,
}

/// Appeals against a decision.
///
/// Once for each adverse decision, within 14 days; answered within 10 days by somebody who did not make it.
#[utoipa::path(
    tag = "vetting",
    request_body = FileAppeal,
    responses((status = 201, description = "The appeal.", body = AppealView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/decisions/{id}/appeal")]
async fn appeal_decision(
    vetting: Data<Vetting>,
    caller: Auth<Developer>,
    id: Path<DecisionId>,
    key: IdempotencyKey,
    body: Body<FileAppeal>,
) -> Outcome {
    let reply = idempotency::run(&vetting.ctx, key.with(&body).as_ref(), async |conn| {
        let view = AppealView::new(vetting.appeal_in(conn, &caller, id.0, &body.text).await?)?;
        Ok(Reply::created(format!("/v1/appeals/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

string_enum! {
    /// Where an appeal that waits for an answer stands.
    enum WaitingState {
        /// Waits for a reviewer.
        Open = "open",
        /// Is claimed.
        InReview = "in_review",
    }
}

/// Which appeals to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAppeals {
    /// Only those in this state.
    #[param(inline)]
    state: Option<WaitingState>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists appeals that wait for an answer.
///
/// Those due first come first.
#[utoipa::path(
    tag = "vetting",
    params(ListAppeals),
    responses((status = 200, description = "A page of appeals.", body = Page<AppealView>)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/appeals")]
async fn list_appeals(vetting: Data<Vetting>, caller: Auth<Reviewer>, query: Query<ListAppeals>) -> Outcome {
    let ListAppeals { state, limit, cursor } = query.0;
    let cursors = Cursor::new(&vetting.ctx.keys, "appeals", &state);
    let after: Option<(DateTime<Utc>, Uuid)> = cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let state = state.map(WaitingState::as_str);
    let rows = vetting
        .ctx
        .db
        .read(async |conn| vetting.waiting_appeals(conn, state, after, limit.fetch()).await)
        .await?;
    let page = cursors.page(rows, limit, |(appeal, _)| (appeal.due_at, appeal.id))?;
    let view = |(appeal, decision)| AppealView::new(vetting.appeal_detail(&caller, appeal, decision));
    Ok(Reply::page(&page.try_map(view)?)?)
}

/// Shows an appeal.
///
/// To the person who appeals, reviewers, assessors and admins.
#[utoipa::path(
    tag = "vetting",
    responses((status = 200, description = "The appeal.", body = AppealView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/appeals/{id}")]
async fn get_appeal(vetting: Data<Vetting>, caller: Auth<Reader>, id: Path<AppealId>) -> Outcome {
    let detail = vetting.ctx.db.read(async |conn| vetting.appeal(conn, &caller, id.0).await).await?;
    Ok(AppealView::reply(detail)?)
}

acts! { Vetting, AppealView::reply, ("vetting", 200, "The appeal.", AppealView);
    /// Claims an appeal.
    ///
    /// Not by whoever made the decision.
    claim_appeal(Reviewer, AppealId, IdempotencyKey) "/v1/appeals/{id}/claim" = Vetting::claim_appeal_in;
    /// Gives a claimed appeal back.
    release_appeal(Reviewer, AppealId, IdempotencyKey) "/v1/appeals/{id}/release" = Vetting::release_appeal_in;
}

/// An answer to an appeal.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerAppeal {
    /// Whether the decision stands.
    outcome: AppealOutcome,
    /// Why, for the person to read.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "The commits are yours, as the signatures show.")]
    reason: Text,
}

/// Answers an appeal.
///
/// By the reviewer who claimed it. An overturned decline sends the application back to the screening queue, to another
/// reviewer than the one who declined; an overturned revocation lets the approval hold again.
#[utoipa::path(
    tag = "vetting",
    request_body = AnswerAppeal,
    responses((status = 200, description = "The appeal.", body = AppealView)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/appeals/{id}/decide")]
async fn decide_appeal(
    vetting: Data<Vetting>,
    caller: Auth<Reviewer>,
    id: Path<AppealId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<AnswerAppeal>,
) -> Outcome {
    let reply = idempotency::run(&vetting.ctx, key.with(&body).as_ref(), async |conn| {
        let detail = vetting.decide_appeal_in(conn, &caller, id.0, &seen, body.outcome, &body.reason).await?;
        AppealView::reply(detail)
    })
    .await?;
    Ok(reply)
}

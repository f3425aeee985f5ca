//! Staff's side: whom rankings leave out and why, and what this process has in its columns.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AccountId, MatchExclusionId, ProjectId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Curator, Cursor, IdempotencyKey, IfMatch, Outcome, Path, Query, Reply, Routes, Staff, etag,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::{MatchExclusionView, MatchingStatus};
use crate::service::Matching;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_matching_status)
        .service(create_match_exclusion)
        .service(list_match_exclusions)
        .service(lift_match_exclusion);
}

/// Tells whether developers can be ranked.
///
/// Each process keeps the developers in memory, as columns that it reads from the database in the background and keeps
/// fresh by the events; this is what the process that answers has.
#[utoipa::path(tag = "matching", responses((status = 200, description = "What is there.", body = MatchingStatus)), extensions(("x-access" = json!("staff"))))]
#[get("/v1/matches/status")]
async fn get_matching_status(matching: Data<Matching>, _caller: Auth<Staff>) -> Outcome {
    Ok(Reply::ok(&MatchingStatus::from(matching.live.status()))?)
}

/// An exclusion.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchExclusionInput {
    /// Who.
    developer_id: AccountId,
    /// From which project's rankings; from all when none.
    project_id: Option<ProjectId>,
    /// Why; the developer can read it.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "A concern about integrity is being looked into.")]
    reason: Text,
    /// Until when; until it is lifted when none.
    until: Option<DateTime<Utc>>,
}

/// Excludes a developer from rankings.
///
/// The developer is told, with the reason. There is no way to push one up.
#[utoipa::path(tag = "matching", request_body = MatchExclusionInput, responses((status = 201, description = "The exclusion.", body = MatchExclusionView)), extensions(("x-access" = json!("curator"))))]
#[post("/v1/matches/exclusions")]
async fn create_match_exclusion(
    matching: Data<Matching>,
    caller: Auth<Curator>,
    key: IdempotencyKey,
    body: Body<MatchExclusionInput>,
) -> Outcome {
    let reply = idempotency::run(&matching.ctx, key.with(&body).as_ref(), async |conn| {
        let row = matching
            .exclude_in(conn, &caller, body.developer_id, body.project_id, &body.reason, body.until)
            .await?;
        let view = MatchExclusionView::from(row);
        Ok(Reply::created(format!("/v1/matches/exclusions?developer_id={}", view.developer_id), &view)?
            .etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Query of exclusions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MatchExclusionsQuery {
    /// Of this developer only.
    developer_id: Option<AccountId>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists exclusions from rankings.
///
/// Lifted ones and those that ran out too, the newest first.
#[utoipa::path(tag = "matching", params(MatchExclusionsQuery), responses((status = 200, description = "A page of exclusions.", body = Page<MatchExclusionView>)), extensions(("x-access" = json!("curator"))))]
#[get("/v1/matches/exclusions")]
async fn list_match_exclusions(
    matching: Data<Matching>,
    _caller: Auth<Curator>,
    query: Query<MatchExclusionsQuery>,
) -> Outcome {
    let developer = query.0.developer_id;
    let cursors = Cursor::new(&matching.ctx.keys, "match_exclusions", &developer);
    let before: Option<Uuid> = query.0.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let limit = query.0.limit;
    let read =
        matching.ctx.db.read(async |conn| matching.exclusions(conn, developer, before, limit.fetch()).await);
    let page = cursors.page(read.await?, limit, |row| row.id)?;
    Ok(Reply::page(&page.map(MatchExclusionView::from))?)
}

/// The reason for lifting an exclusion.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftInput {
    /// Why.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The concern came to nothing.")]
    reason: Text,
}

/// Lifts an exclusion from rankings.
#[utoipa::path(tag = "matching", request_body = LiftInput, responses((status = 200, description = "The exclusion.", body = MatchExclusionView)), extensions(("x-access" = json!("curator")), ("x-if-match" = json!(true))))]
#[post("/v1/matches/exclusions/{id}/lift")]
async fn lift_match_exclusion(
    matching: Data<Matching>,
    caller: Auth<Curator>,
    id: Path<MatchExclusionId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<LiftInput>,
) -> Outcome {
    let reply = idempotency::run(&matching.ctx, key.with(&body).as_ref(), async |conn| {
        let row = matching
            .lift_exclusion_in(conn, &caller, id.0, &body.reason, |version| seen.check(version))
            .await?;
        let view = MatchExclusionView::from(row);
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

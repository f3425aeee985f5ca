//! Rankings for clients: asked for, read, worked out again, invited from.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AccountId, MatchId, ProjectId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Hirer, IdempotencyKey, Outcome, Path, Query, Reader, Reply, Routes,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::dto::{MarketMetricsView, MatchInvitationView, MatchSummary, MatchView, ReplayView};
use crate::service::Matching;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_project_matches)
        .service(get_match)
        .service(replay_match)
        .service(create_match_invitation)
        .service(get_market_metrics);
}

/// How much of a new ranking to answer with.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchInput {
    /// Places to answer with; fifty are kept.
    #[serde(default = "ten")]
    #[validate(range(min = 1, max = 50))]
    #[schema(minimum = 1, maximum = 50, default = 10, example = 10)]
    depth: u8,
}

fn ten() -> u8 {
    10
}

/// Ranks developers for a project.
///
/// Everybody who meets the hard constraints is ranked by the chance that they accept times the chance that the work is
/// accepted, with a part for what is not known of newcomers, against exposure given before, and for those who are
/// probably taken by then. Each place is explained; the ranking is kept and can be worked out again. Where fewer than
/// five fit, the answer tells which one constraint keeps how many out. While the developers are still being read after
/// a start, the answer is 503.
#[utoipa::path(tag = "matching", request_body = MatchInput, responses((status = 201, description = "The ranking.", body = MatchView)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/projects/{id}/matches")]
pub(super) async fn create_match(
    matching: Data<Matching>,
    caller: Auth<Hirer>,
    id: Path<ProjectId>,
    key: IdempotencyKey,
    body: Body<MatchInput>,
) -> Outcome {
    let reply = idempotency::run(&matching.ctx, key.with(&body).as_ref(), async |conn| {
        let depth = usize::from(body.depth);
        let given = matching.create_match_in(conn, &caller, id.0, depth).await?;
        let view = MatchView::of(&given, depth);
        Reply::created(format!("/v1/matches/{}", view.summary.id), &view)
    })
    .await?;
    Ok(reply)
}

/// Query of rankings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MatchesQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists a project's rankings.
///
/// For the client's people and curators, the newest first.
#[utoipa::path(tag = "matching", params(MatchesQuery), responses((status = 200, description = "A page of rankings.", body = Page<MatchSummary>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/projects/{id}/matches")]
async fn list_project_matches(
    matching: Data<Matching>,
    caller: Auth<Reader>,
    id: Path<ProjectId>,
    query: Query<MatchesQuery>,
) -> Outcome {
    let cursors = Cursor::new(&matching.ctx.keys, "project_matches", &id.0);
    let before: Option<Uuid> = query.0.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let limit = query.0.limit;
    let read = matching
        .ctx
        .db
        .read(async |conn| matching.matches_of_project(conn, &caller, id.0, before, limit.fetch()).await);
    let page = cursors.page(read.await?, limit, |given| given.row.id)?;
    Ok(Reply::page(&page.map(|given| MatchSummary::from(&given)))?)
}

/// Shows a ranking.
///
/// All places that were kept, each with its explanation. For the client's people and, to see why, curators.
#[utoipa::path(tag = "matching", responses((status = 200, description = "The ranking.", body = MatchView)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/matches/{id}")]
async fn get_match(matching: Data<Matching>, caller: Auth<Reader>, id: Path<MatchId>) -> Outcome {
    let given = matching.ctx.db.read(async |conn| matching.get_match(conn, &caller, id.0).await).await?;
    Ok(Reply::ok(&MatchView::of(&given, usize::MAX))?)
}

/// Works a ranking out again.
///
/// From what was kept of it: features, exposure, coefficients of the same version, seed. What has become of the
/// developers since does not enter.
#[utoipa::path(tag = "matching", responses((status = 200, description = "The ranking, worked out again.", body = ReplayView)), extensions(("x-access" = json!("reader"))))]
#[post("/v1/matches/{id}/replay")]
async fn replay_match(matching: Data<Matching>, caller: Auth<Reader>, id: Path<MatchId>) -> Outcome {
    let read = matching.ctx.db.read(async |conn| matching.replay_match(conn, &caller, id.0).await);
    let (given, places, identical) = read.await?;
    Ok(Reply::ok(&ReplayView::of(&given, places, identical))?)
}

/// An invitation to somebody whom a ranking showed.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchInvitationInput {
    /// Somebody among the places.
    developer_id: AccountId,
    /// A few words to them.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "You stand first for our importer; would you bid?")]
    message: Text,
}

/// Invites a developer from a ranking.
///
/// The invitation is one like any other; the ranking and the place are noted with it. Who has as many invitations as
/// are good for anybody by now, or declined this client a short time ago, is left in peace: 409.
#[utoipa::path(tag = "matching", request_body = MatchInvitationInput, responses((status = 201, description = "The invitation.", body = MatchInvitationView)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/matches/{id}/invitations")]
async fn create_match_invitation(
    matching: Data<Matching>,
    caller: Auth<Hirer>,
    id: Path<MatchId>,
    key: IdempotencyKey,
    body: Body<MatchInvitationInput>,
) -> Outcome {
    let reply = idempotency::run(&matching.ctx, key.with(&body).as_ref(), async |conn| {
        let invited = matching.invite_from_in(conn, &caller, id.0, body.developer_id, &body.message).await?;
        let view = MatchInvitationView {
            id: invited.id,
            match_id: id.0,
            project_id: invited.project,
            developer_id: body.developer_id,
            place: invited.place,
            expires_at: invited.expires_at,
        };
        Reply::created(format!("/v1/invitations/{}", view.id), &view)
    })
    .await?;
    Ok(reply)
}

/// Shows how evenly the market gives.
///
/// Taken nightly: inequality of exposure and of earnings, how newcomers fare. Groups below the policy's smallest are not
/// told of.
#[utoipa::path(tag = "matching", responses((status = 200, description = "The latest metrics.", body = MarketMetricsView)), extensions(("x-access" = json!("public"))))]
#[get("/v1/metrics/market")]
async fn get_market_metrics(matching: Data<Matching>) -> Outcome {
    let (as_of, metrics) = matching.ctx.db.read(async |conn| matching.metrics(conn).await).await?;
    Ok(Reply::ok(&MarketMetricsView::of(as_of, metrics))?)
}

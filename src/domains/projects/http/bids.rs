//! Bids and offers.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use assay_kernel::ids::{BidId, ProjectId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, Result};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, Developer, Hirer, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Query,
    Reader, Reply, Routes, etag,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::bid_dto::{BidSummary, BidView, BidsPage, ComparisonView, RevisionView};
use crate::model::BidState;
use crate::service::Projects;
use crate::service::bids::{BidContent, BidDetail};
use crate::service::comparison::compare;
use crate::service::offers::Terms;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_bids)
        .service(list_my_bids)
        .service(get_bid)
        .service(list_bid_revisions)
        .service(revise_bid)
        .service(submit_bid)
        .service(withdraw_bid)
        .service(shortlist_bid)
        .service(unshortlist_bid)
        .service(decline_bid)
        .service(offer_bid)
        .service(counter_offer)
        .service(accept_offer)
        .service(decline_offer)
        .service(rescind_offer);
}

fn shown(detail: BidDetail) -> Result<Reply> {
    let view = BidView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// A flag: present, or `true`.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(serde::de::Error::custom("expected a flag: nothing, `true` or `false`")),
    }
}

/// Query of placing a bid.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// Keep it as a draft, which the client does not see and which takes no place.
    #[serde(default, deserialize_with = "flag")]
    #[param(value_type = bool, default = false)]
    draft: bool,
}

/// Places a bid.
///
/// For approved developers. Takes one of the developer's eight places and one of the project's twelve; later ones wait
/// and move up. The answer shows what both sides would pay and get.
#[utoipa::path(tag = "bids", params(PlaceQuery), request_body = BidContent, responses((status = 201, description = "The bid.", body = BidView)), extensions(("x-access" = json!("developer"))))]
#[post("/v1/projects/{id}/bids")]
pub(super) async fn create_bid(
    projects: Data<Projects>,
    caller: Auth<Developer>,
    id: Path<ProjectId>,
    query: Query<PlaceQuery>,
    key: IdempotencyKey,
    body: Body<BidContent>,
) -> Outcome {
    let reply = idempotency::run(&projects.ctx, key.with(&body).as_ref(), async |conn| {
        let row = projects.place_bid_in(conn, &caller, id.0, body.clone(), query.0.draft).await?;
        let view = BidView::new(projects.placed(row)?)?;
        Ok(Reply::created(format!("/v1/bids/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Query of a project's bids.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BidsQuery {
    /// In one state only.
    #[param(inline)]
    state: Option<BidState>,
    /// Put the bids of the page side by side: prices by milestone, approaches by deliverable.
    #[serde(default, deserialize_with = "flag")]
    #[param(value_type = bool, default = false)]
    compare: bool,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists the bids on a project.
///
/// Sealed: for the client's own people. With `compare` they are put side by side.
#[utoipa::path(tag = "bids", params(BidsQuery), responses((status = 200, description = "A page of bids.", body = BidsPage)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/projects/{id}/bids")]
async fn list_bids(
    projects: Data<Projects>,
    caller: Auth<Reader>,
    id: Path<ProjectId>,
    query: Query<BidsQuery>,
) -> Outcome {
    let query = query.0;
    let cursors = Cursor::new(&projects.ctx.keys, "bids", &(id.0, query.state));
    let after: Option<Uuid> = query.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let (project, bids, mut bidders) = projects
        .ctx
        .db
        .read(async |conn| {
            projects.bids_of_project(conn, &caller, id.0, query.state, after, query.limit.fetch()).await
        })
        .await?;
    let Page { data: bids, next_cursor } = cursors.page(bids, query.limit, |bid| bid.id)?;
    let comparison = if query.compare {
        Some(ComparisonView::new(compare(&project, &bids), project.currency()?))
    } else {
        None
    };
    let data = bids
        .into_iter()
        .map(|bid| {
            let bidder = bidders.remove(&bid.developer_id);
            BidSummary::new(bid, bidder)
        })
        .collect::<Result<Vec<_>>>()?;
    let next = next_cursor.clone();
    Ok(Reply::ok(&BidsPage { data, next_cursor, comparison })?.next(next))
}

/// Query of one's own bids.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MyBidsQuery {
    /// In one state only.
    #[param(inline)]
    state: Option<BidState>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists one's own bids.
///
/// Newest first.
#[utoipa::path(tag = "bids", params(MyBidsQuery), responses((status = 200, description = "A page of bids.", body = Page<BidSummary>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/me/bids")]
async fn list_my_bids(projects: Data<Projects>, caller: Auth<Reader>, query: Query<MyBidsQuery>) -> Outcome {
    let query = query.0;
    let cursors = Cursor::new(&projects.ctx.keys, "my_bids", &(caller.account_id, query.state));
    let before: Option<Uuid> = query.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let rows = projects
        .ctx
        .db
        .read(async |conn| projects.my_bids(conn, &caller, query.state, before, query.limit.fetch()).await)
        .await?;
    Ok(Reply::page(
        &cursors.page(rows, query.limit, |row| row.id)?.try_map(|row| BidSummary::new(row, None))?,
    )?)
}

/// Shows a bid.
///
/// For its developer, and (drafts apart) the client's people.
#[utoipa::path(tag = "bids", responses((status = 200, description = "The bid.", body = BidView), (status = 304, description = "Not changed since the version in If-None-Match.")), extensions(("x-access" = json!("reader"))))]
#[get("/v1/bids/{id}")]
async fn get_bid(projects: Data<Projects>, caller: Auth<Reader>, id: Path<BidId>) -> Outcome {
    let detail = projects.ctx.db.read(async |conn| projects.get_bid(conn, &caller, id.0).await).await?;
    Ok(shown(detail)?)
}

/// The revisions of a bid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revisions {
    /// Oldest first.
    data: Vec<RevisionView>,
}

/// Lists the kept revisions of a bid.
///
/// For whoever may see the bid.
#[utoipa::path(tag = "bids", responses((status = 200, description = "The revisions.", body = Revisions)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/bids/{id}/revisions")]
async fn list_bid_revisions(projects: Data<Projects>, caller: Auth<Reader>, id: Path<BidId>) -> Outcome {
    let (bid, rows) =
        projects.ctx.db.read(async |conn| projects.bid_revisions(conn, &caller, id.0).await).await?;
    let data = rows.into_iter().map(|row| RevisionView::new(&bid, row)).collect::<Result<_>>()?;
    Ok(Reply::ok(&Revisions { data })?)
}

/// Revises a bid.
///
/// A JSON Merge Patch over what was bid; possible until there is an offer. Former revisions are kept.
#[utoipa::path(tag = "bids", request_body(content = BidContent, content_type = "application/merge-patch+json", description = "Any of the members."), responses((status = 200, description = "The bid.", body = BidView)), extensions(("x-access" = json!("developer")), ("x-if-match" = json!(true))))]
#[patch("/v1/bids/{id}")]
async fn revise_bid(
    projects: Data<Projects>,
    caller: Auth<Developer>,
    id: Path<BidId>,
    seen: IfMatch,
    body: MergePatchDocument,
) -> Outcome {
    let detail = projects
        .ctx
        .db
        .tx(async |conn| projects.revise_bid_in(conn, &caller, id.0, &seen, &body.0).await)
        .await?;
    Ok(shown(detail)?)
}

acts! { Projects, shown, ("bids", 200, "The bid.", BidView);
    /// Hands in a draft.
    ///
    /// Takes the places that a bid takes, or waits for one.
    submit_bid(Developer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/submit" = Projects::submit_bid_in;
    /// Takes a bid back.
    ///
    /// The places are returned, and a waiting bid moves up.
    withdraw_bid(Developer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/withdraw" = Projects::withdraw_bid_in;
    /// Puts a bid on the short list.
    shortlist_bid(Hirer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/shortlist" =
        async |p: &Projects, c, a: &_, id, seen: &_| p.shortlist_bid_in(c, a, id, seen, true).await;
    /// Takes a bid off the short list.
    unshortlist_bid(Hirer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/unshortlist" =
        async |p: &Projects, c, a: &_, id, seen: &_| p.shortlist_bid_in(c, a, id, seen, false).await;
    /// Declines the client's offer.
    ///
    /// The bid stays on the short list.
    decline_offer(Developer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/decline_offer" =
        Projects::decline_offer_in;
    /// Takes an offer back.
    ///
    /// The bid stays on the short list.
    rescind_offer(Hirer, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/rescind_offer" =
        Projects::rescind_offer_in;
}

/// A reason for declining.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineInput {
    /// The reason, for the developer.
    #[validate(length(min = 5, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 5, max_length = 1000, example = "We need somebody who has worked with CAMT.053.")]
    reason: Text,
}

acts! { Projects, shown, ("bids", 200, "The bid.", BidView);
    /// Declines a bid.
    ///
    /// With a reason that the developer reads.
    decline_bid(Hirer, BidId, IdempotencyKey, IfMatch: seen, Body: DeclineInput) "/v1/bids/{id}/decline" =
        async |projects: &Projects, conn, caller: &_, id, seen: &_, body: &DeclineInput|
            projects.decline_bid_in(conn, caller, id, seen, &body.reason).await;
}

acts! { Projects, shown, ("offers", 200, "The bid with the offer.", BidView);
    /// Makes an offer on a bid.
    ///
    /// On the bid's terms unless others are given; stands for seven days, one at a time for a project, within the caller's
    /// spending limit.
    offer_bid(Hirer, BidId, IdempotencyKey, IfMatch: seen, Body: Terms) "/v1/bids/{id}/offer" =
        async |projects: &Projects, conn, caller: &_, id, seen: &_, body: &Terms|
            projects.offer_in(conn, caller, id, seen, body.clone()).await;
}

acts! { Projects, shown, ("offers", 200, "The bid with the counter-offer.", BidView);
    /// Answers an offer with other terms.
    ///
    /// For the side that is asked: the developer on an offer, the client's people on a counter-offer; six rounds at most.
    counter_offer(Reader, BidId, IdempotencyKey, IfMatch: seen, Body: Terms) "/v1/bids/{id}/counter" =
        async |projects: &Projects, conn, caller: &_, id, seen: &_, body: &Terms|
            projects.counter_in(conn, caller, id, seen, body.clone()).await;
}

acts! { Projects, shown, ("offers", 200, "The accepted bid.", BidView);
    /// Accepts an offer.
    ///
    /// For the side that is asked. The project is awarded, every other bid closed; once.
    accept_offer(Reader, BidId, IdempotencyKey, IfMatch: seen) "/v1/bids/{id}/accept_offer" = Projects::accept_offer_in;
}

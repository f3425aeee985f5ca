//! Anchor sessions, for reviewers.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::{AccountId, AnchorSessionId, AssessmentId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Error, Limit, Page, Result};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Cursor, IdempotencyKey, IfMatch, Outcome, Path, Query, Reply, Reviewer, Routes,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::tag_of;
use crate::model::Quarter;
use crate::model::rating::CardContent;
use crate::service::Assessments;
use crate::service::anchors::{AnchorDetail, AnchorSession};
use crate::store::anchor_cards::AnchorCardRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_anchor_sessions)
        .service(add_anchor_session)
        .service(get_anchor_session)
        .service(withdraw_anchor_session);
}

/// Whose card of an anchor session is lacking.
#[derive(Debug, Serialize, ToSchema)]
struct LackingAnchorCard {
    /// Who rates.
    rater_id: AccountId,
    /// When the card is due.
    due_at: DateTime<Utc>,
    /// Is that time past?
    overdue: bool,
}

/// A session that all assessors of its track rate from the record.
#[derive(Debug, Serialize, ToSchema)]
struct AnchorSessionView {
    /// Its id.
    id: AnchorSessionId,
    /// Its quarter.
    #[schema(value_type = String, example = "2026-Q4")]
    quarter: Quarter,
    /// Slug of the skill family.
    #[schema(example = "backend")]
    track: String,
    /// The session.
    assessment_id: AssessmentId,
    /// The reviewer who added it; null: chosen by the rule.
    #[schema(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    added_by: Option<AccountId>,
    /// When its cards are due.
    due_at: DateTime<Utc>,
    /// Is every card in that was asked for?
    complete: bool,
    /// Cards that are in.
    #[schema(example = 4)]
    submitted: usize,
    /// Cards that are to be filled in.
    #[schema(example = 2)]
    open: usize,
    /// Of these, how many are late.
    #[schema(example = 1)]
    overdue: usize,
    /// Whose they are, the soonest due first.
    lacking: Vec<LackingAnchorCard>,
    /// When it was withdrawn. Then its cards count nowhere.
    withdrawn_at: Option<DateTime<Utc>>,
    /// What the caller can do.
    #[schema(example = json!(["withdraw"]))]
    allowed_actions: Vec<&'static str>,
    /// When it was chosen.
    created_at: DateTime<Utc>,
}

impl AnchorSessionView {
    fn new(of: AnchorSession, now: DateTime<Utc>) -> Self {
        let AnchorSession { row, submitted, lacking } = of;
        let lacking: Vec<LackingAnchorCard> = lacking
            .into_iter()
            .map(|(rater_id, due_at)| LackingAnchorCard { rater_id, due_at, overdue: due_at <= now })
            .collect();
        Self {
            id: row.anchor_session_id(),
            quarter: row.quarter(),
            assessment_id: row.assessment(),
            added_by: row.chosen_by_id.map(AccountId::from_uuid),
            due_at: row.due_at,
            complete: submitted > 0 && lacking.is_empty(),
            submitted,
            open: lacking.len(),
            overdue: lacking.iter().filter(|card| card.overdue).count(),
            lacking,
            withdrawn_at: row.withdrawn_at,
            allowed_actions: if row.withdrawn_at.is_none() { vec!["withdraw"] } else { Vec::new() },
            created_at: row.created_at,
            track: row.track,
        }
    }
}

/// A submitted anchor card.
#[derive(Debug, Serialize, ToSchema)]
struct SubmittedAnchorCard {
    /// Who rated.
    rater_id: AccountId,
    /// When it was submitted.
    submitted_at: Option<DateTime<Utc>>,
    /// What it says.
    content: CardContent,
}

impl From<AnchorCardRow> for SubmittedAnchorCard {
    fn from(row: AnchorCardRow) -> Self {
        let rater_id = AccountId::from_uuid(row.rater_id);
        Self { rater_id, submitted_at: row.submitted_at, content: row.content.0 }
    }
}

/// An anchor session with its cards.
#[derive(Debug, Serialize, ToSchema)]
struct AnchorSessionDetail {
    /// The session.
    #[serde(flatten)]
    session: AnchorSessionView,
    /// The cards; null until all are in, and while the caller has an anchor card to fill in.
    cards: Option<Vec<SubmittedAnchorCard>>,
}

/// An anchor session as JSON, and its tag. The tag is of what is shown, which changes with the cards.
fn shown(detail: &AnchorDetail, now: DateTime<Utc>) -> Result<(String, String)> {
    let AnchorDetail { session, cards } = detail.clone();
    let cards = cards.map(|cards| cards.into_iter().map(SubmittedAnchorCard::from).collect());
    let view = AnchorSessionDetail { session: AnchorSessionView::new(session, now), cards };
    let body = serde_json::to_string(&view).map_err(Error::internal)?;
    let tag = tag_of(&body);
    Ok((body, tag))
}

fn reply(status: u16, detail: &AnchorDetail, now: DateTime<Utc>) -> Result<Reply> {
    let (body, tag) = shown(detail, now)?;
    Ok(Reply::raw_json(status, body).etag(tag))
}

/// Which anchor sessions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAnchorSessions {
    /// Only those of this quarter.
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-Q[1-4]$", example = "2026-Q4")]
    quarter: Option<Quarter>,
    /// How many a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists anchor sessions.
///
/// Newest first: how many cards are in, and by whom they are lacking. All assessors of a track rate the same sessions each
/// quarter, from the record, so that the calibration can compare them.
#[utoipa::path(
    tag = "assessments",
    params(ListAnchorSessions),
    responses((status = 200, description = "A page of anchor sessions.", body = Page<AnchorSessionView>)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/anchor_sessions")]
async fn list_anchor_sessions(
    assessments: Data<Assessments>,
    _caller: Auth<Reviewer>,
    query: Query<ListAnchorSessions>,
) -> Outcome {
    let ListAnchorSessions { quarter, limit, cursor } = query.0;
    let ctx = &assessments.ctx;
    let cursors = Cursor::new(&ctx.keys, "anchor_sessions", &quarter);
    let before: Option<AnchorSessionId> = cursor.as_deref().map(|text| cursors.decode(text)).transpose()?;
    let rows =
        ctx.db.read(async |conn| assessments.anchors(conn, quarter, before, limit.fetch()).await).await?;
    let page = cursors.page(rows, limit, |one| one.row.anchor_session_id())?;
    let now = ctx.clock.now();
    Ok(Reply::page(&page.map(|one| AnchorSessionView::new(one, now)))?)
}

/// Shows an anchor session.
///
/// With its cards once they are all in, but not while the caller has an anchor card to fill in. Whoever is shown them is
/// noted, and rates the candidate no more.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The anchor session.", body = AnchorSessionDetail)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/anchor_sessions/{id}")]
async fn get_anchor_session(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AnchorSessionId>,
) -> Outcome {
    let ctx = &assessments.ctx;
    let detail = ctx.db.tx(async |conn| assessments.anchor_in(conn, &caller, id.0).await).await?;
    Ok(reply(200, &detail, ctx.clock.now())?)
}

/// A session to add.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddAnchorSession {
    /// Which: decided, published and past its appeal, and no anchor before.
    assessment_id: AssessmentId,
    /// Why, for the audit log.
    #[validate(length(min = 10, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 1000, example = "Shows the whole range of debugging.")]
    reason: Text,
}

/// Adds an anchor session.
///
/// To the present quarter's. The cards of the track's assessors without a tie to the candidate and without a part in the
/// application open at once.
#[utoipa::path(
    tag = "assessments",
    request_body = AddAnchorSession,
    responses((status = 201, description = "The anchor session.", body = AnchorSessionDetail)),
    extensions(("x-access" = json!("reviewer")))
)]
#[post("/v1/anchor_sessions")]
async fn add_anchor_session(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    key: IdempotencyKey,
    body: Body<AddAnchorSession>,
) -> Outcome {
    let now = assessments.ctx.clock.now();
    let added = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let detail = assessments.add_anchor_in(conn, &caller, body.assessment_id, &body.reason).await?;
        let location = format!("/v1/anchor_sessions/{}", detail.session.row.anchor_session_id());
        Ok(reply(201, &detail, now)?.header("location", location))
    })
    .await?;
    Ok(added)
}

/// Why an anchor session is withdrawn.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct WithdrawAnchorSession {
    /// Why, for the audit log.
    #[validate(length(min = 10, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 1000, example = "The record lacks the second hour.")]
    reason: Text,
}

/// Withdraws an anchor session.
///
/// Its open cards are asked for no more, and those that are in count in no later calibration.
#[utoipa::path(
    tag = "assessments",
    request_body = WithdrawAnchorSession,
    responses((status = 200, description = "The anchor session.", body = AnchorSessionDetail)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/anchor_sessions/{id}/withdraw")]
async fn withdraw_anchor_session(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AnchorSessionId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<WithdrawAnchorSession>,
) -> Outcome {
    let now = assessments.ctx.clock.now();
    let withdrawn = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let check = |found: &AnchorDetail| seen.check_tag(&shown(found, now)?.1);
        let detail = assessments.withdraw_anchor_in(conn, &caller, id.0, &body.reason, check).await?;
        reply(200, &detail, now)
    })
    .await?;
    Ok(withdrawn)
}

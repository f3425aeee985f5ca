//! The rater's own anchor cards.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use assay_kernel::error::{FieldError, WhyNot};
use assay_kernel::ids::{AnchorCardId, AnchorSessionId, AssessmentId};
use assay_kernel::{Page, Result};
use assay_platform::acts;
use assay_platform::web::{
    Auth, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Reply, Routes, Staff, etag,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Quarter;
use crate::model::rating::{CardContent, CardState};
use crate::service::Assessments;
use crate::service::anchor_cards::OwnAnchorCard;
use crate::store::anchor_cards::AnchorCardRow;
use crate::store::anchors::AnchorSessionRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_own_anchor_cards)
        .service(get_anchor_card)
        .service(update_anchor_card)
        .service(submit_anchor_card);
}

/// An anchor card that waits for the caller.
#[derive(Debug, Serialize, ToSchema)]
struct OpenAnchorCard {
    /// Its id.
    id: AnchorCardId,
    /// What it rates; its record is at `GET /v1/assessments/{id}/record`.
    assessment_id: AssessmentId,
    /// Of which quarter.
    #[schema(value_type = String, example = "2026-Q4")]
    quarter: Quarter,
    /// Slug of the skill family.
    #[schema(example = "backend")]
    track: String,
    /// When it is due.
    due_at: DateTime<Utc>,
    /// Is that time past?
    overdue: bool,
    /// Version of the card.
    #[schema(minimum = 1, example = 1)]
    version: i64,
}

impl OpenAnchorCard {
    fn new((row, session): (AnchorCardRow, AnchorSessionRow), now: DateTime<Utc>) -> Self {
        Self {
            id: AnchorCardId::from_uuid(row.id),
            assessment_id: session.assessment(),
            quarter: session.quarter(),
            track: session.track,
            due_at: row.due_at,
            overdue: row.due_at <= now,
            version: row.version,
        }
    }
}

/// A rater's own anchor card.
#[derive(Debug, Serialize, ToSchema)]
struct AnchorCardView {
    /// Its id.
    id: AnchorCardId,
    /// Of which anchor session.
    anchor_session_id: AnchorSessionId,
    /// What it rates; its record is at `GET /v1/assessments/{id}/record`.
    assessment_id: AssessmentId,
    /// Of which quarter: the card is taken until that ends.
    #[schema(value_type = String, example = "2026-Q4")]
    quarter: Quarter,
    /// Slug of the skill family.
    #[schema(example = "backend")]
    track: String,
    /// Where it stands.
    state: CardState,
    /// The version of the rubric: `GET /v1/assessments/rubric/{version}`.
    #[schema(example = "2026-11-21")]
    rubric_version: String,
    /// What it says.
    #[serde(flatten)]
    content: CardContent,
    /// What submission still lacks, as pointers into the card.
    lacking: Vec<FieldError>,
    /// When it was opened.
    opened_at: DateTime<Utc>,
    /// When it is due.
    due_at: DateTime<Utc>,
    /// Is that time past?
    overdue: bool,
    /// When it was submitted.
    submitted_at: Option<DateTime<Utc>>,
    /// What the caller can do with it now.
    #[schema(example = json!(["edit", "submit"]))]
    allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    why_not: Vec<WhyNot>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    version: i64,
}

impl AnchorCardView {
    fn reply(card: OwnAnchorCard) -> Result<Reply> {
        let OwnAnchorCard { row, session, lacking, overdue, actions } = card;
        let view = Self {
            id: AnchorCardId::from_uuid(row.id),
            anchor_session_id: session.anchor_session_id(),
            assessment_id: session.assessment(),
            quarter: session.quarter(),
            track: session.track,
            state: row.state.parse()?,
            rubric_version: row.rubric_version,
            content: row.content.0,
            lacking,
            opened_at: row.opened_at,
            due_at: row.due_at,
            overdue,
            submitted_at: row.submitted_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
        };
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// Lists the anchor cards that wait for the caller.
///
/// The soonest due first, a hundred at most. All assessors of a track rate the same sessions each quarter, from the record.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The cards.", body = Page<OpenAnchorCard>)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/me/anchor_cards")]
async fn list_own_anchor_cards(assessments: Data<Assessments>, caller: Auth<Staff>) -> Outcome {
    let ctx = &assessments.ctx;
    let rows = ctx.db.read(async |conn| assessments.open_anchor_cards(conn, &caller).await).await?;
    let now = ctx.clock.now();
    Ok(Reply::ok(&Page::whole(rows.into_iter().map(|row| OpenAnchorCard::new(row, now)).collect()))?)
}

/// Shows an anchor card of the caller.
///
/// Nothing here depends on another's card.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The card.", body = AnchorCardView)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/anchor_cards/{id}")]
async fn get_anchor_card(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AnchorCardId>,
) -> Outcome {
    let read = async |conn: &mut _| assessments.own_anchor_card(conn, &caller, id.0).await;
    Ok(AnchorCardView::reply(assessments.ctx.db.read(read).await?)?)
}

/// Saves what the caller has on an anchor card so far.
///
/// A JSON Merge Patch; `{"ratings": {"testing": {"level": 3}}}` changes one level. Anything may be missing until the card
/// is submitted.
#[utoipa::path(
    tag = "assessments",
    request_body(content = CardContent, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The card.", body = AnchorCardView)),
    extensions(("x-access" = json!("staff")), ("x-if-match" = json!(true)))
)]
#[patch("/v1/anchor_cards/{id}")]
async fn update_anchor_card(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AnchorCardId>,
    seen: IfMatch,
    body: MergePatchDocument,
) -> Outcome {
    let save =
        async |conn: &mut _| assessments.save_anchor_card_in(conn, &caller, id.0, &seen, &body.0).await;
    Ok(AnchorCardView::reply(assessments.ctx.db.tx(save).await?)?)
}

acts! { Assessments, AnchorCardView::reply, ("assessments", 200, "The card.", AnchorCardView);
    /// Submits an anchor card.
    ///
    /// Once, and for good, complete as any card: what is missing is told all at once (422). Late cards are taken until the
    /// quarter ends. It counts in the nightly calibration; no score and no decision of the candidate depends on it.
    submit_anchor_card(Staff, AnchorCardId, IdempotencyKey, IfMatch: seen) "/v1/anchor_cards/{id}/submit" =
        Assessments::submit_anchor_card_in;
}

//! The reviewer's side of ratings: cards side by side, another rater, the decision, a redo.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Result;
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::text::{self, Text};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, IdempotencyKey, IfMatch, Outcome as Answer, Path, Reply, Reviewer, Routes, etag,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::dto::CalibratedScoreView;
use super::outcomes::OutcomeView;
use crate::model::AssessmentState;
use crate::model::outcome::FeedbackInput;
use crate::model::rating::{CardContent, CardRole, CardState, Disagreement, Outcome};
use crate::service::Assessments;
use crate::service::review::{Appoint, CardsDetail, Decide};
use crate::store::assessments::AssessmentRow;
use crate::store::cards::CardRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_assessment_cards)
        .service(appoint_rater)
        .service(finalize_assessment)
        .service(grant_assessment_redo);
}

/// A card as reviewers see it.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewedCard {
    /// What it rates: a redo shows its forerunner's cards too.
    assessment_id: AssessmentId,
    /// Who rates.
    rater_id: AccountId,
    /// As what.
    role: CardRole,
    /// From the record?
    from_record: bool,
    /// Where it stands.
    state: CardState,
    /// When it is due.
    due_at: DateTime<Utc>,
    /// Is that time past, with nothing submitted?
    overdue: bool,
    /// When it was submitted.
    submitted_at: Option<DateTime<Utc>>,
    /// What it says; null until every card that is asked for is in.
    content: Option<CardContent>,
}

impl ReviewedCard {
    fn new(row: CardRow, shown: bool, now: DateTime<Utc>) -> Result<Self> {
        let shown = shown && !row.is_open();
        Ok(Self {
            assessment_id: AssessmentId::from_uuid(row.assessment_id),
            rater_id: AccountId::from_uuid(row.rater_id),
            role: row.role.parse()?,
            from_record: row.from_record,
            state: row.state.parse()?,
            due_at: row.due_at,
            overdue: row.is_open() && row.due_at <= now,
            submitted_at: row.submitted_at,
            content: shown.then_some(row.content.0),
        })
    }
}

/// Means that are adjusted for nothing.
#[derive(Debug, Serialize, ToSchema)]
struct UnadjustedMeans {
    /// Always false: neither the raters' severity nor the criteria's difficulty is taken into account.
    #[schema(example = false)]
    adjusted: bool,
    /// What they are, in words.
    note: &'static str,
    /// How many cards they are of.
    #[schema(example = 2)]
    cards: usize,
    /// By criterion; null where nobody observed it.
    #[schema(example = json!({ "testing": 2.5, "design": null }))]
    by_criterion: BTreeMap<String, Option<f64>>,
}

const NOTE: &str =
    "Unadjusted means of the levels on the submitted cards: not corrected for how severe a rater is.";

/// The cards of an assessment, side by side.
#[derive(Debug, Serialize, ToSchema)]
struct CardsView {
    /// The assessment.
    assessment_id: AssessmentId,
    /// Where it stands.
    state: AssessmentState,
    /// Are all cards in that are asked for?
    complete: bool,
    /// The cards, in the order in which they were opened.
    cards: Vec<ReviewedCard>,
    /// How far the first two are apart, where that asked for a third.
    disagreement: Option<Disagreement>,
    /// The plain means; null until all cards are in.
    means: Option<UnadjustedMeans>,
    /// What the cards say once the raters' severity is taken out, with intervals; empty until all cards are in.
    scores: Vec<CalibratedScoreView>,
    /// What the caller can do with the assessment now.
    #[schema(example = json!(["finalize", "grant_redo"]))]
    allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    why_not: Vec<WhyNot>,
    /// Version of the assessment, as in the ETag.
    #[schema(minimum = 1, example = 4)]
    version: i64,
}

impl CardsView {
    fn reply(detail: CardsDetail, now: DateTime<Utc>) -> Result<Reply> {
        let CardsDetail { row, cards, shown, disagreement, means, scores, actions } = detail;
        let counted = cards.iter().filter(|card| card.submitted_at.is_some()).count();
        let cards: Result<Vec<_>> =
            cards.into_iter().map(|card| ReviewedCard::new(card, shown, now)).collect();
        let view = Self {
            assessment_id: row.assessment_id(),
            state: row.state()?,
            complete: shown,
            cards: cards?,
            disagreement,
            means: means.map(|by_criterion| UnadjustedMeans {
                adjusted: false,
                note: NOTE,
                cards: counted,
                by_criterion,
            }),
            scores: scores.into_iter().map(CalibratedScoreView::from).collect(),
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
        };
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// Shows the cards of an assessment side by side.
///
/// Who rates, and what is missing; what the cards say once all that are asked for are in, with the unadjusted mean of each
/// criterion and the calibrated scores. Not for who has a card of the application to fill in. Whoever is shown them is noted, and rates the
/// candidate no more.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The cards.", body = CardsView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/assessments/{id}/cards")]
async fn list_assessment_cards(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
) -> Answer {
    let detail = assessments.ctx.db.tx(async |conn| assessments.cards_in(conn, &caller, id.0).await).await?;
    Ok(CardsView::reply(detail, assessments.ctx.clock.now())?)
}

/// Somebody who shall rate from the record.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppointRater {
    /// Whose late card is taken back; absent where a card has no rater yet.
    replaces: Option<AccountId>,
    /// Who shall rate; absent: the least loaded assessor of the track without a tie to the candidate.
    rater: Option<AccountId>,
    /// Why.
    #[validate(length(min = 10, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 1000, example = "The card is two days late.")]
    reason: Text,
}

/// Appoints another rater.
///
/// In the place of one whose card is late, or where nobody was found. Rates from the record, blind to every other card.
#[utoipa::path(
    tag = "assessments",
    request_body = AppointRater,
    responses((status = 200, description = "The cards.", body = CardsView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[post("/v1/assessments/{id}/appoint_rater")]
async fn appoint_rater(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
    key: IdempotencyKey,
    body: Body<AppointRater>,
) -> Answer {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let given = Appoint { replaces: body.replaces, rater: body.rater, reason: &body.reason };
        let detail = assessments.appoint_rater_in(conn, &caller, id.0, &given).await?;
        CardsView::reply(detail, assessments.ctx.clock.now())
    })
    .await?;
    Ok(reply)
}

fn yes() -> bool {
    true
}

/// A decision on an assessment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct FinalizeAssessment {
    /// How it is decided.
    outcome: Outcome,
    /// The kinds of reason, from the rubric, of that outcome.
    #[validate(length(min = 1, max = 5))]
    #[schema(min_items = 1, max_items = 5, example = json!(["verification"]))]
    reason_codes: Vec<String>,
    /// The reason, for staff.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "Both cards see the same gap in testing.")]
    reason: Text,
    /// What the candidate is told, each criterion once.
    #[validate(nested, length(min = 1, max = 30))]
    #[schema(min_items = 1, max_items = 30)]
    feedback: Vec<FeedbackInput>,
    /// Publish at once? Otherwise it is published 48 hours later.
    #[serde(default = "yes")]
    #[schema(required = false, default = true)]
    publish: bool,
}

/// Decides an assessment.
///
/// By a reviewer without a tie to the candidate who did not rate, on all cards and their unadjusted means. The application
/// is approved or declined with it when it is published: at once, or 48 hours later. Nothing else but an admin's override
/// leads to `approved`.
#[utoipa::path(
    tag = "assessments",
    request_body = FinalizeAssessment,
    responses((status = 200, description = "The outcome.", body = OutcomeView)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/assessments/{id}/finalize")]
async fn finalize_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<FinalizeAssessment>,
) -> Answer {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let given = Decide {
            outcome: body.outcome,
            reason_codes: &body.reason_codes,
            reason: &body.reason,
            feedback: &body.feedback,
            publish_now: body.publish,
        };
        assessments.finalize_in(conn, &caller, id.0, &seen, &given).await?;
        OutcomeView::reply(assessments.outcome(conn, &caller, id.0).await?)
    })
    .await?;
    Ok(reply)
}

/// Why another assessment is granted.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct GrantRedo {
    /// Why.
    #[validate(length(min = 10, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 1000, example = "The task had a defect that cost half an hour.")]
    reason: Text,
}

/// An assessment that was granted.
#[derive(Debug, Serialize, ToSchema)]
struct RedoView {
    /// The new assessment.
    id: AssessmentId,
    /// The one that it follows.
    redo_of: AssessmentId,
    /// Where it stands.
    state: AssessmentState,
    /// The slug of the skill family.
    #[schema(example = "backend")]
    track: String,
    /// The family of its task: another than before.
    #[schema(example = "api-service-b")]
    task_family: String,
    /// Version of the row.
    #[schema(minimum = 1, example = 1)]
    version: i64,
}

impl RedoView {
    fn new(row: AssessmentRow, redo_of: AssessmentId) -> Result<Self> {
        Ok(Self {
            id: row.assessment_id(),
            redo_of,
            state: row.state()?,
            track: row.track,
            task_family: row.task_family,
            version: row.version,
        })
    }
}

/// Grants another assessment.
///
/// Once for each application. Its task is of another family; the decision after it counts the cards of both, never the
/// better ones. A decision that was made before falls.
#[utoipa::path(
    tag = "assessments",
    request_body = GrantRedo,
    responses((status = 201, description = "The new assessment.", body = RedoView)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/assessments/{id}/grant_redo")]
async fn grant_assessment_redo(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<GrantRedo>,
) -> Answer {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let redo = assessments.grant_redo_in(conn, &caller, id.0, &seen, &body.reason).await?;
        let view = RedoView::new(redo, id.0)?;
        Ok(Reply::created(format!("/v1/assessments/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

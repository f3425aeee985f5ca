//! Outcomes and appeals.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Result;
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::text::{self, Text};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Developer, IdempotencyKey, IfMatch, Outcome as Answer, Path, Reader, Reply, Reviewer, Routes,
    etag,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::dto::CalibratedScoreView;
use crate::model::AssessmentState;
use crate::model::outcome::{AppealOutcome, CriterionFeedback};
use crate::model::rating::Outcome;
use crate::service::Assessments;
use crate::service::outcomes::OutcomeDetail;
use crate::store::outcomes::AppealRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(get_assessment_outcome).service(appeal_assessment).service(answer_assessment_appeal);
}

/// The outcome of an assessment.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeView {
    /// The assessment.
    pub assessment_id: AssessmentId,
    /// Where it stands.
    pub state: AssessmentState,
    /// How it is decided, after an appeal too.
    pub outcome: Outcome,
    /// The kinds of reason, from the rubric.
    #[schema(example = json!(["verification"]))]
    pub reason_codes: Vec<String>,
    /// What was seen and what comes next, by criterion. Who rated, and the cards, are shown to no candidate.
    pub feedback: Vec<CriterionFeedback>,
    /// When it was published; reviewers see it before.
    pub published_at: Option<DateTime<Utc>>,
    /// Until when it can be appealed; null when there is nothing to appeal against.
    pub appeal_until: Option<DateTime<Utc>>,
    /// The appeal against it.
    pub appeal: Option<OutcomeAppealView>,
    /// When an appeal raised it.
    pub raised_at: Option<DateTime<Utc>>,
    /// When another assessment was granted, whose decision takes its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// What only staff see.
    pub staff: Option<OutcomeStaffView>,
    /// What the caller can do now.
    #[schema(example = json!(["appeal"]))]
    pub allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    pub why_not: Vec<WhyNot>,
    /// Version of the assessment, as in the ETag.
    #[schema(minimum = 1, example = 6)]
    pub version: i64,
}

/// An appeal against an outcome.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeAppealView {
    /// Why the candidate thinks it wrong.
    pub text: String,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
    /// When it is answered at the latest.
    pub due_at: DateTime<Utc>,
    /// How it was answered.
    pub outcome: Option<AppealOutcome>,
    /// What was answered.
    pub answer: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
}

/// What only staff see of an outcome.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeStaffView {
    /// The reason given for staff.
    pub reason: String,
    /// The unadjusted means that the decision was made on.
    pub unadjusted_means: BTreeMap<String, Option<f64>>,
    /// What all cards that are in say, calibrated.
    pub scores: Vec<CalibratedScoreView>,
    /// Who decided.
    pub decided_by: AccountId,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// When it is published at the latest.
    pub publish_at: DateTime<Utc>,
    /// Who answered the appeal.
    pub appeal_answered_by: Option<AccountId>,
}

impl OutcomeAppealView {
    fn new(row: AppealRow) -> Result<Self> {
        Ok(Self {
            text: row.text,
            created_at: row.created_at,
            due_at: row.due_at,
            outcome: row.outcome.map(|outcome| outcome.parse()).transpose()?,
            answer: row.answer,
            decided_at: row.decided_at,
        })
    }
}

impl OutcomeView {
    fn new(detail: OutcomeDetail) -> Result<Self> {
        let OutcomeDetail { row, outcome, appeal, for_staff, scores, actions } = detail;
        let answered_by = appeal.as_ref().and_then(|appeal| appeal.decided_by_id).map(AccountId::from_uuid);
        let raised = outcome.raised_at.is_some();
        Ok(Self {
            assessment_id: row.assessment_id(),
            state: row.state()?,
            outcome: if raised { Outcome::Approved } else { outcome.outcome.parse()? },
            reason_codes: outcome.reason_codes,
            feedback: outcome.feedback.0,
            published_at: outcome.published_at,
            appeal_until: outcome.appeal_until,
            appeal: appeal.map(OutcomeAppealView::new).transpose()?,
            raised_at: outcome.raised_at,
            superseded_at: outcome.superseded_at,
            staff: for_staff.then_some(OutcomeStaffView {
                reason: outcome.reason,
                unadjusted_means: outcome.means.0,
                scores: scores.into_iter().map(CalibratedScoreView::from).collect(),
                decided_by: AccountId::from_uuid(outcome.decided_by_id),
                decided_at: outcome.decided_at,
                publish_at: outcome.publish_at,
                appeal_answered_by: answered_by,
            }),
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
        })
    }

    /// The answer that shows it.
    pub fn reply(detail: OutcomeDetail) -> Result<Reply> {
        let view = Self::new(detail)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// Shows the outcome of an assessment.
///
/// To the candidate once it is published; to reviewers from the decision on, unless they have a card of the application to
/// fill in.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The outcome.", body = OutcomeView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/assessments/{id}/outcome")]
async fn get_assessment_outcome(
    assessments: Data<Assessments>,
    caller: Auth<Reader>,
    id: Path<AssessmentId>,
) -> Answer {
    let detail = assessments.ctx.db.tx(async |conn| assessments.outcome(conn, &caller, id.0).await).await?;
    Ok(OutcomeView::reply(detail)?)
}

/// An appeal.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppealAssessment {
    /// Why the outcome is wrong.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 4000, example = "The failing test was the task's own; my fix of it is in the last commit.")]
    text: Text,
}

/// Appeals against the outcome of an assessment.
///
/// Once, within 14 days, against an outcome that is not ready. Somebody who saw no card rates the session anew from its
/// record, and a reviewer who did not make the decision answers within 10 days: the outcome rises or stays.
#[utoipa::path(
    tag = "assessments",
    request_body = AppealAssessment,
    responses((status = 201, description = "The outcome, with the appeal.", body = OutcomeView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/assessments/{id}/appeal")]
async fn appeal_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Developer>,
    id: Path<AssessmentId>,
    key: IdempotencyKey,
    body: Body<AppealAssessment>,
) -> Answer {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let view = OutcomeView::new(assessments.appeal_in(conn, &caller, id.0, &body.text).await?)?;
        Ok(Reply::created(format!("/v1/assessments/{}/outcome", id.0), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// An answer to an appeal.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerAppeal {
    /// Whether the outcome rises; it never falls.
    outcome: AppealOutcome,
    /// Why, for the candidate to read.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "The record shows the fix; the new rating reaches the bar.")]
    reason: Text,
}

/// Answers an appeal against the outcome of an assessment.
///
/// Once the appeal's card is in, by a reviewer who neither decided nor rated.
#[utoipa::path(
    tag = "assessments",
    request_body = AnswerAppeal,
    responses((status = 200, description = "The outcome.", body = OutcomeView)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/assessments/{id}/answer_appeal")]
async fn answer_assessment_appeal(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<AnswerAppeal>,
) -> Answer {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let detail =
            assessments.answer_appeal_in(conn, &caller, id.0, &seen, body.outcome, &body.reason).await?;
        OutcomeView::reply(detail)
    })
    .await?;
    Ok(reply)
}

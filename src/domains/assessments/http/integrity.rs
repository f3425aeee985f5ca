//! Concerns about integrity, apart from the rating of skill.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, AssessmentId, IntegrityConcernId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Page, Result, string_enum};
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, IdempotencyKey, Outcome as Answer, Path, Reply, Reviewer, Routes, Staff,
};
use assay_vetting::{AdverseDecision, Evidence, ReasonCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::service::Assessments;
use crate::service::integrity::ConcernState;
use crate::store::integrity::ConcernRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(raise_integrity_concern)
        .service(list_integrity_concerns)
        .service(decide_integrity_concern);
}

/// A concern about integrity.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RaiseConcern {
    /// What was noticed.
    #[validate(length(min = 20, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 4000, example = "Somebody else dictated answers; two voices are in the recording of the call.")]
    text: Text,
    /// What it rests on.
    #[validate(nested, length(min = 1, max = 20))]
    #[schema(min_items = 1, max_items = 20)]
    evidence: Vec<Evidence>,
}

/// A concern about integrity, for reviewers; never shown with a card.
#[derive(Debug, Serialize, ToSchema)]
struct ConcernView {
    /// Its id.
    id: IntegrityConcernId,
    /// Of which assessment.
    assessment_id: AssessmentId,
    /// Who raised it.
    raised_by: AccountId,
    /// What was noticed.
    text: String,
    /// What it rests on.
    evidence: Vec<Evidence>,
    /// Where it stands.
    state: ConcernState,
    /// Who decided.
    decided_by: Option<AccountId>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
    /// Why so.
    reason: Option<String>,
    /// When it was raised.
    created_at: DateTime<Utc>,
}

impl ConcernView {
    fn new(row: ConcernRow) -> Result<Self> {
        Ok(Self {
            id: IntegrityConcernId::from_uuid(row.id),
            assessment_id: AssessmentId::from_uuid(row.assessment_id),
            raised_by: AccountId::from_uuid(row.raised_by_id),
            text: row.text,
            evidence: serde_json::from_value(row.evidence).map_err(assay_kernel::Error::internal)?,
            state: row.state.parse()?,
            decided_by: row.decided_by_id.map(AccountId::from_uuid),
            decided_at: row.decided_at,
            reason: row.reason,
            created_at: row.created_at,
        })
    }
}

/// Raises a concern about integrity.
///
/// By a rater, a host, or a reviewer; apart from the rating of skill. Reviewers decide it; raters see it nowhere.
#[utoipa::path(
    tag = "assessments",
    request_body = RaiseConcern,
    responses((status = 201, description = "The concern.", body = ConcernView)),
    extensions(("x-access" = json!("staff")))
)]
#[post("/v1/assessments/{id}/integrity_concerns")]
async fn raise_integrity_concern(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AssessmentId>,
    key: IdempotencyKey,
    body: Body<RaiseConcern>,
) -> Answer {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let row = assessments.raise_concern_in(conn, &caller, id.0, &body.text, &body.evidence).await?;
        let location = format!("/v1/assessments/{}/integrity_concerns", id.0);
        Reply::created(location, &ConcernView::new(row)?)
    })
    .await?;
    Ok(reply)
}

/// Lists the concerns about an assessment's integrity.
///
/// Newest first. Not for who has a card of the application to fill in.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The concerns.", body = Page<ConcernView>)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/assessments/{id}/integrity_concerns")]
async fn list_integrity_concerns(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
) -> Answer {
    let rows = assessments.ctx.db.read(async |conn| assessments.concerns(conn, &caller, id.0).await).await?;
    Ok(Reply::page(&Page::whole(rows).try_map(ConcernView::new)?)?)
}

string_enum! {
    /// How a concern is decided.
    enum ConcernOutcome {
        /// Nothing in it.
        Dismiss = "dismiss",
        /// It holds.
        Uphold = "uphold",
    }
}

/// A decision on a concern.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecideConcern {
    /// How.
    outcome: ConcernOutcome,
    /// The kind of reason, about integrity; for `uphold`.
    reason_code: Option<ReasonCode>,
    /// The reason; of an upheld concern the candidate reads it.
    #[validate(length(min = 10, max = 4_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 4000, example = "The commits of the session were made by another account.")]
    reason: Text,
    /// What it rests on, for `uphold`; the candidate can read it too.
    #[serde(default)]
    #[validate(nested, length(max = 20))]
    #[schema(required = false, max_items = 20)]
    evidence: Vec<Evidence>,
}

impl DecideConcern {
    fn adverse(&self) -> Result<Option<AdverseDecision>> {
        if self.outcome == ConcernOutcome::Dismiss {
            return Ok(None);
        }
        let mut errors = FieldErrors::new();
        let code = self.reason_code.filter(|code| code.is_integrity());
        errors.check(code.is_some(), "/reason_code", "required", "needs a code about integrity");
        errors.check(!self.evidence.is_empty(), "/evidence", "required", "needs what the decision rests on");
        errors.finish()?;
        Ok(code.map(|reason_code| AdverseDecision {
            reason_code,
            reason: self.reason.clone(),
            evidence: self.evidence.clone(),
        }))
    }
}

/// Decides a concern about integrity.
///
/// By a reviewer without a tie to the candidate who neither rated nor raised it. Upheld, the assessment is void and the
/// application refused for want of integrity, by a decision that can be appealed.
#[utoipa::path(
    tag = "assessments",
    request_body = DecideConcern,
    responses((status = 200, description = "The concern.", body = ConcernView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[post("/v1/integrity_concerns/{id}/decide")]
async fn decide_integrity_concern(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<IntegrityConcernId>,
    key: IdempotencyKey,
    body: Body<DecideConcern>,
) -> Answer {
    let adverse = body.adverse()?;
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let decided =
            assessments.decide_concern_in(conn, &caller, id.0, adverse.as_ref(), &body.reason).await?;
        Reply::ok(&ConcernView::new(decided)?)
    })
    .await?;
    Ok(reply)
}

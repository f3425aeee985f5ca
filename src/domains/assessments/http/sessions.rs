//! The session: check-in, start, abort, end; the chain of identity.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_identity::{Presence, PresenceFlag, PresenceKind};
use assay_kernel::Result;
use assay_kernel::ids::AssessmentId;
use assay_kernel::text::{self, Text};
use assay_platform::acts;
use assay_platform::web::{
    Auth, Body, IdempotencyKey, Outcome, Path, Reader, Reply, Reviewer, Routes, Staff, etag,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::model::AssessmentState;
use crate::service::Assessments;
use crate::service::sessions::SessionDetail;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(check_in_to_session)
        .service(start_session)
        .service(abort_session)
        .service(end_session)
        .service(get_identity_chain);
}

/// A session under way.
#[derive(Debug, Serialize, ToSchema)]
struct AssessmentSessionView {
    /// Of which assessment.
    id: AssessmentId,
    /// Where it stands.
    state: AssessmentState,
    /// When it begins.
    starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    ends_at: Option<DateTime<Utc>>,
    /// When the candidate checked in.
    candidate_checked_in_at: Option<DateTime<Utc>>,
    /// Is the lead there?
    lead_checked_in: bool,
    /// When it began.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// Where it takes place.
    #[schema(example = "https://meet.example/3fV9x7Qf")]
    video_url: Option<String>,
    /// Version of the assessment.
    #[schema(minimum = 1, example = 3)]
    version: i64,
}

fn shown(SessionDetail { row, lead_checked_in }: SessionDetail) -> Result<Reply> {
    let view = AssessmentSessionView {
        id: row.assessment_id(),
        state: row.state()?,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        candidate_checked_in_at: row.candidate_checked_in_at,
        lead_checked_in,
        started_at: row.started_at,
        ended_at: row.ended_at,
        video_url: row.video_url,
        version: row.version,
    };
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

acts! { Assessments, shown, ("assessments", 200, "The session.", AssessmentSessionView);
    /// Checks in to a session.
    ///
    /// The candidate and those of the staff who have it, from 30 minutes before the start until it is closed, 15 minutes
    /// after. It can begin once the candidate and the lead are there. Needs a credential that may act: the scope `bid`
    /// for the candidate, `account` for staff.
    check_in_to_session(Reader, AssessmentId, IdempotencyKey) "/v1/assessments/{id}/check_in" =
        Assessments::check_in_in;
    /// Begins a session.
    ///
    /// By its lead, once the candidate has checked in too.
    start_session(Staff, AssessmentId, IdempotencyKey) "/v1/assessments/{id}/start" = Assessments::start_in;
    /// Ends a session.
    ///
    /// By its lead; by itself 30 minutes after the booked end. Two people rate it then.
    end_session(Staff, AssessmentId, IdempotencyKey) "/v1/assessments/{id}/end" = Assessments::end_in;
}

/// Why a session is broken off.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AbortSession {
    /// What failed, for the candidate to read.
    #[validate(length(min = 5, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 5, max_length = 1000, example = "The video broke down three times.")]
    reason: Text,
}

acts! { Assessments, shown, ("assessments", 200, "The session.", AssessmentSessionView);
    /// Breaks a session off for technical reasons.
    ///
    /// By anybody of the staff who has it. It does not count; a new assessment is open for the candidate at once.
    abort_session(Staff, AssessmentId, IdempotencyKey, Body: AbortSession) "/v1/assessments/{id}/abort" =
        async |assessments: &Assessments, conn, caller: &_, id, body: &AbortSession|
            assessments.abort_in(conn, caller, id, &body.reason).await;
}

/// Who was there, by which credential.
#[derive(Debug, Serialize, ToSchema)]
struct IdentityChainView {
    /// Links of the chains of everybody concerned that are about this assessment, in their order.
    links: Vec<Presence>,
    /// Where the candidate's check-in differs from the booking. A hint, not a finding.
    flags: Vec<PresenceFlag>,
}

/// Shows who booked a session and who came.
///
/// For reviewers. `assay audit verify` proves that no link was changed or taken out.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The links.", body = IdentityChainView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/assessments/{id}/identity_chain")]
async fn get_identity_chain(
    assessments: Data<Assessments>,
    _caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
) -> Outcome {
    let ctx = &assessments.ctx;
    let (links, candidate) = ctx.db.read(async |conn| assessments.identity_chain(conn, id.0).await).await?;
    let of_candidate: Vec<Presence> = links
        .iter()
        .filter(|link| link.account_id == candidate || link.kind == PresenceKind::Booked)
        .cloned()
        .collect();
    let flags = assay_identity::presence_flags(&of_candidate);
    Ok(Reply::ok(&IdentityChainView { links, flags })?)
}

//! Those who oversee sessions.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::text::{self, Text};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, IdempotencyKey, IfMatch, Outcome, Path, Query, Reply, Reviewer, Routes, Staff,
};
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::dto::AssessmentView;
use crate::model::{HostRole, engine};
use crate::service::Assessments;
use crate::service::staff::{Explained, PersonOverview, TrackOverview};

/// Registers the routes of this file that have no id.
pub fn fixed_routes(routes: &mut Routes<'_>) {
    routes.service(get_assessments_overview);
}

/// Registers the other routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(reassign_assessment).service(shadow_assessment).service(explain_assessment_slot);
}

/// Why staff do something.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AssessorReason)]
pub struct Reason {
    /// Why, for staff and the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Two candidates complained; under review.")]
    pub reason: Text,
}

/// Who takes a seat over.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reassign {
    /// Which seat: `lead` or `observer`.
    role: HostRole,
    /// Who takes it over; whoever is due when left out.
    assessor_id: Option<AccountId>,
    /// Why, for the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Is ill on that day.")]
    reason: Text,
}

/// Gives a seat of a booked session to somebody else.
///
/// The time stays. Who takes it over must be free then, with time before and after, and have no tie to the candidate.
#[utoipa::path(
    tag = "assessments",
    request_body = Reassign,
    responses((status = 200, description = "The assessment, with its people.", body = AssessmentView)),
    extensions(("x-access" = json!("reviewer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/assessments/{id}/reassign")]
async fn reassign_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Reviewer>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<Reassign>,
) -> Outcome {
    let mut faults = FieldErrors::new();
    faults.check(body.role != HostRole::Shadow, "/role", "not_allowed", "must be `lead` or `observer`");
    faults.finish()?;
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let change = (body.role, body.assessor_id, &*body.reason);
        AssessmentView::reply(assessments.reassign_in(conn, &caller, id.0, &seen, change).await?)
    })
    .await?;
    Ok(reply)
}

acts! { Assessments, AssessmentView::reply, ("assessments", 200, "The assessment, with its people.", AssessmentView);
    /// Takes a seat in a booked session to learn.
    ///
    /// For assessors in training for the track. They watch and do not rate.
    shadow_assessment(Staff, AssessmentId, IdempotencyKey) "/v1/assessments/{id}/shadow" = Assessments::shadow_in;
}

/// How the work lies on a person.
#[derive(Debug, Serialize, ToSchema)]
struct AssessorLoad {
    /// Who.
    account_id: AccountId,
    /// The login at GitHub.
    #[schema(example = "octocat")]
    login: String,
    /// What they may do.
    roles: Vec<HostRole>,
    /// Do they get no new sessions?
    blocked: bool,
    /// Sessions of the last 30 days, those given up early left out.
    #[schema(example = 3)]
    load: u64,
    /// What they are credited with for time that was not there to be assigned, as a fraction.
    #[schema(example = "1/2")]
    credit: String,
    /// How far they are below their fair share, as a fraction; the next session goes to the largest.
    #[schema(example = "5/4")]
    shortfall: String,
    /// When they were last given a session.
    last_assigned_at: Option<DateTime<Utc>>,
    /// Booked sessions before them.
    #[schema(example = 2)]
    sessions_ahead: i64,
}

/// How the work lies on a track.
#[derive(Debug, Serialize, ToSchema)]
struct TrackLoad {
    /// Slug of the skill family.
    #[schema(example = "backend")]
    track: String,
    /// Requests without a time.
    #[schema(example = 4)]
    requested: i64,
    /// Of these, how many wait for starts.
    #[schema(example = 1)]
    waiting: i64,
    /// When the oldest of them was made.
    oldest_requested_at: Option<DateTime<Utc>>,
    /// Its age in hours.
    #[schema(example = 30)]
    oldest_hours: Option<i64>,
    /// The next start for a candidate without ties.
    next_free_at: Option<DateTime<Utc>>,
    /// Its people, whoever is due first at the top.
    assessors: Vec<AssessorLoad>,
}

/// How the work lies.
#[derive(Debug, Serialize, ToSchema)]
struct Overview {
    /// Each track with people or requests.
    tracks: Vec<TrackLoad>,
}

impl AssessorLoad {
    fn new(of: PersonOverview) -> Self {
        let roles = [(of.lead, HostRole::Lead), (of.observer, HostRole::Observer)];
        Self {
            account_id: of.id,
            login: of.login,
            roles: roles.into_iter().filter(|(has, _)| *has).map(|(_, role)| role).collect(),
            blocked: of.blocked,
            load: of.load,
            credit: of.credit,
            shortfall: of.shortfall,
            last_assigned_at: of.last_assigned_at,
            sessions_ahead: of.ahead,
        }
    }
}

impl TrackLoad {
    fn new(of: TrackOverview, now: DateTime<Utc>) -> Self {
        Self {
            track: of.track,
            requested: of.requested,
            waiting: of.waiting,
            oldest_requested_at: of.oldest_at,
            oldest_hours: of.oldest_at.map(|at| (now - at).num_hours()),
            next_free_at: of.next_free_at,
            assessors: of.people.into_iter().map(AssessorLoad::new).collect(),
        }
    }
}

/// Shows how the work lies.
///
/// For reviewers and admins: each track's queue, its next free start, and its people in the order in which sessions go to
/// them.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The overview.", body = Overview)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessments/overview")]
async fn get_assessments_overview(assessments: Data<Assessments>, caller: Auth<Staff>) -> Outcome {
    let found = assessments.ctx.db.read(async |conn| assessments.overview(conn, &caller).await).await?;
    let now = assessments.ctx.clock.now();
    Ok(Reply::ok(&Overview { tracks: found.into_iter().map(|of| TrackLoad::new(of, now)).collect() })?)
}

/// Which start to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    /// The start.
    starts_at: DateTime<Utc>,
}

/// Something that stands against a start.
#[derive(Debug, Serialize, ToSchema)]
struct SlotReason {
    /// `notice`, `off_grid`, `outside_availability`, `booking`, `time_off`, `candidate_busy`, `day_limit`, `week_limit`,
    /// `no_role`, `no_lead`, `no_observer`, `outside_range`, `blocked`, `conflict`, `cool_down` or `horizon`.
    #[schema(example = "booking")]
    code: &'static str,
    /// For a person.
    detail: String,
    /// When what stands against it begins, with buffers.
    from: Option<DateTime<Utc>>,
    /// When it ends.
    to: Option<DateTime<Utc>>,
}

impl From<engine::Reason> for SlotReason {
    fn from(reason: engine::Reason) -> Self {
        Self { code: reason.code, detail: reason.detail, from: reason.from, to: reason.to }
    }
}

/// What stands against a start on one person's side.
#[derive(Debug, Serialize, ToSchema)]
struct HostExplanation {
    /// Who.
    account_id: AccountId,
    /// The login at GitHub.
    #[schema(example = "octocat")]
    login: String,
    /// Their wall clock then; null for who is left out.
    local: Option<DateTime<FixedOffset>>,
    /// As what they are offered.
    offered_as: Vec<&'static str>,
    /// What stands against it.
    why_not: Vec<SlotReason>,
}

/// Why a start is or is not offered to a candidate.
#[derive(Debug, Serialize, ToSchema)]
struct SlotExplanation {
    /// Is it offered?
    offered: bool,
    /// What stands against it whoever comes.
    why_not: Vec<SlotReason>,
    /// Each of the track's people.
    hosts: Vec<HostExplanation>,
}

impl SlotExplanation {
    fn new(of: Explained) -> Self {
        let hosts = of.people.into_iter().map(|(account_id, login, verdict, left_out)| {
            let mut why_not: Vec<SlotReason> = left_out.into_iter().map(SlotReason::from).collect();
            let (mut local, mut offered_as) = (None, Vec::new());
            if let Some(verdict) = verdict {
                (local, offered_as) = (verdict.local, verdict.offered_as);
                why_not.extend(verdict.why_not.into_iter().map(SlotReason::from));
            }
            HostExplanation { account_id, login, local, offered_as, why_not }
        });
        Self {
            offered: of.offered,
            why_not: of.why_not.into_iter().map(SlotReason::from).collect(),
            hosts: hosts.collect(),
        }
    }
}

/// Tells why a start is or is not offered to a candidate.
///
/// For reviewers and admins: for each of the track's people the rule that stands against it, ties to the candidate and
/// blocks among them.
#[utoipa::path(
    tag = "assessments",
    params(ExplainQuery),
    responses((status = 200, description = "The explanation.", body = SlotExplanation)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessments/{id}/explain")]
async fn explain_assessment_slot(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AssessmentId>,
    query: Query<ExplainQuery>,
) -> Outcome {
    let start = query.0.starts_at;
    let found =
        assessments.ctx.db.read(async |conn| assessments.explain(conn, &caller, id.0, start).await).await?;
    Ok(Reply::ok(&SlotExplanation::new(found))?)
}

//! What callers see of assessments.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, ApplicationId, AssessmentId};
use assay_kernel::{Error, Result};
use assay_platform::policy::AssessmentPolicy;
use assay_platform::web::{Reply, etag};
use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{AssessmentState, HostRole, RedoReason};
use crate::service::actions::Detail;
use crate::store::assessments::AssessmentRow;

/// An instant on a zone's wall clock.
pub fn local(at: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    at.with_timezone(&zone).fixed_offset()
}

/// What is asked in the session.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskView {
    /// The family of the task.
    #[schema(example = "queue-worker")]
    pub family: String,
    /// Its version.
    #[schema(example = "2026-11")]
    pub version: String,
    /// What it is called.
    #[schema(example = "Make a worker safe to repeat")]
    pub title: Option<String>,
    /// Minutes of the session that it takes.
    #[schema(example = 100)]
    pub minutes: Option<u32>,
    /// What is asked, in general.
    pub asked: Option<String>,
}

/// A start that is held for the candidate.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldView {
    /// When the session would begin.
    pub starts_at: DateTime<Utc>,
    /// The same on the candidate's wall clock.
    #[schema(example = "2026-12-01T10:00:00+01:00")]
    pub starts_at_local: DateTime<FixedOffset>,
    /// When it would end.
    pub ends_at: DateTime<Utc>,
    /// When the hold runs out.
    pub expires_at: DateTime<Utc>,
}

/// Somebody of the staff in a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatView {
    /// Who.
    pub account_id: AccountId,
    /// What they do in it.
    pub role: HostRole,
}

/// A paired assessment.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssessmentView {
    /// Its id.
    pub id: AssessmentId,
    /// The application that it belongs to.
    pub application_id: ApplicationId,
    /// Who is assessed.
    pub candidate_id: AccountId,
    /// Slug of the skill family that is assessed.
    #[schema(example = "backend")]
    pub track: String,
    /// Where it stands.
    pub state: AssessmentState,
    /// The candidate's zone.
    #[schema(example = "Europe/Lisbon")]
    pub zone: String,
    /// When the session begins, once booked.
    pub starts_at: Option<DateTime<Utc>>,
    /// The same on the candidate's wall clock.
    #[schema(example = "2026-12-01T10:00:00+01:00")]
    pub starts_at_local: Option<DateTime<FixedOffset>>,
    /// When the session ends, once booked.
    pub ends_at: Option<DateTime<Utc>>,
    /// The start that is held for the candidate.
    pub hold: Option<HoldView>,
    /// How often the time was changed.
    #[schema(minimum = 0, example = 0)]
    pub reschedules: i32,
    /// What is asked.
    pub task: TaskView,
    /// What the candidate may do with AI tools; declared before anything is booked.
    pub ai_policy: String,
    /// The version of the rubric by which it is rated.
    #[schema(example = "2026-11-21")]
    pub rubric_version: String,
    /// The numbers that govern it, as they were when it was requested.
    pub policy: AssessmentPolicy,
    /// The version of the policy.
    #[schema(example = "2026-11-21")]
    pub policy_version: String,
    /// The assessment that it follows.
    pub redo_of_id: Option<AssessmentId>,
    /// Why it follows it.
    pub redo_reason: Option<RedoReason>,
    /// Does it come before others who wait?
    pub priority: bool,
    /// No start before it.
    pub bookable_from: DateTime<Utc>,
    /// Since when it waits for free starts.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Who of the staff has the session; shown to staff only.
    pub hosts: Option<Vec<SeatView>>,
    /// What the caller can do with it now.
    #[schema(example = json!(["hold", "wait", "cancel"]))]
    pub allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    pub why_not: Vec<WhyNot>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

fn zone_of(row: &AssessmentRow) -> Result<Tz> {
    row.zone.parse().map_err(Error::internal)
}

impl AssessmentView {
    /// The assessment as this caller sees it.
    pub fn new(detail: Detail) -> Result<Self> {
        let Detail { row, facts, task, for_staff, actions } = detail;
        let (id, state, zone) = (row.assessment_id(), row.state()?, zone_of(&row)?);
        // What is asked is told of the version that was chosen only.
        let task = task.filter(|task| task.version == row.task_version);
        let hold = facts.hold.and_then(|hold| {
            hold.expires_at.map(|expires_at| HoldView {
                starts_at: hold.starts_at,
                starts_at_local: local(hold.starts_at, zone),
                ends_at: hold.ends_at,
                expires_at,
            })
        });
        let seat = |host: crate::store::assessments::HostRow| -> Result<SeatView> {
            Ok(SeatView { account_id: AccountId::from_uuid(host.assessor_id), role: host.role.parse()? })
        };
        let hosts =
            for_staff.then(|| facts.hosts.into_iter().map(seat).collect::<Result<_>>()).transpose()?;
        Ok(Self {
            id,
            application_id: ApplicationId::from_uuid(row.application_id),
            candidate_id: row.candidate(),
            state,
            starts_at_local: row.starts_at.map(|start| local(start, zone)),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            hold,
            reschedules: row.reschedules,
            task: TaskView {
                family: row.task_family,
                version: row.task_version,
                title: task.as_ref().map(|task| task.title.clone()),
                minutes: task.as_ref().map(|task| task.minutes),
                asked: task.map(|task| task.asked),
            },
            ai_policy: row.ai_policy,
            rubric_version: row.rubric_version,
            policy: facts.policy,
            policy_version: row.policy_version,
            redo_of_id: row.redo_of_id.map(AssessmentId::from_uuid),
            redo_reason: row.redo_reason.as_deref().map(str::parse).transpose()?,
            priority: row.priority,
            bookable_from: row.bookable_from,
            waiting_since: row.waiting_since,
            hosts,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            track: row.track,
            zone: row.zone,
        })
    }

    /// The answer that shows it.
    pub fn reply(detail: Detail) -> Result<Reply> {
        let view = Self::new(detail)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// An assessment in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssessmentSummary {
    /// Its id.
    pub id: AssessmentId,
    /// The application that it belongs to.
    pub application_id: ApplicationId,
    /// Who is assessed.
    pub candidate_id: AccountId,
    /// Slug of the skill family that is assessed.
    #[schema(example = "backend")]
    pub track: String,
    /// Where it stands.
    pub state: AssessmentState,
    /// When the session begins, once booked.
    pub starts_at: Option<DateTime<Utc>>,
    /// When the session ends, once booked.
    pub ends_at: Option<DateTime<Utc>>,
    /// Since when it waits for free starts.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Version of the row.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
}

impl AssessmentSummary {
    /// A row in short.
    pub fn new(row: AssessmentRow) -> Result<Self> {
        Ok(Self {
            id: row.assessment_id(),
            application_id: ApplicationId::from_uuid(row.application_id),
            candidate_id: row.candidate(),
            state: row.state()?,
            track: row.track,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            waiting_since: row.waiting_since,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// A score from cards, under the calibration in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalibratedScoreView {
    /// Of what: `technical` or `collaboration`.
    #[schema(example = "technical")]
    pub scale: String,
    /// `500 + 100 θ`, the raters' severity and the criteria's difficulty taken out.
    #[schema(example = 541)]
    pub score: i32,
    /// Lower end of the interval that holds the true value nine times in ten.
    #[schema(example = 483)]
    pub lower: i32,
    /// Its upper end.
    #[schema(example = 599)]
    pub upper: i32,
    /// How probable it is that the candidate is at or above the pass line.
    #[schema(example = 0.91)]
    pub above_cut: f64,
    /// `pass`, `fail`, or `border`: then a third rater was asked.
    #[schema(example = "pass")]
    pub verdict: String,
    /// By which calibration of the scale.
    #[schema(example = 3)]
    pub calibration_version: i32,
    /// Ratings that it rests on.
    #[schema(example = 14)]
    pub evidence: i32,
}

impl From<crate::store::scores::CalibratedScore> for CalibratedScoreView {
    fn from(row: crate::store::scores::CalibratedScore) -> Self {
        Self {
            scale: row.scale,
            score: row.score,
            lower: row.lower,
            upper: row.upper,
            above_cut: row.above_cut,
            verdict: row.verdict,
            calibration_version: row.calibration_version,
            evidence: row.evidence,
        }
    }
}

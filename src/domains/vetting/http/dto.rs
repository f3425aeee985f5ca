//! What callers see of applications, decisions and appeals.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AppealId, ApplicationId, ApprovalId, AssessmentId, DecisionId};
use assay_kernel::{Money, Result};
use assay_platform::web::{Reply, etag};
use assay_portfolio::Flag;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{
    AppealState, ApplicationContent, ApplicationState, Bar, DecisionKind, Evidence, FastLaneClaim, Language,
    Note, ReasonCode,
};
use crate::service::appeals::AppealDetail;
use crate::service::{Detail, from_json};
use crate::store::appeals::AppealRow;
use crate::store::applications::ApplicationRow;
use crate::store::decisions::DecisionRow;

/// An application.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationView {
    /// Its id.
    pub id: ApplicationId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Where it stands.
    pub state: ApplicationState,
    /// Slugs of the skill families in which the developer wants to be assessed.
    #[schema(example = json!(["backend", "databases"]))]
    pub tracks: Vec<String>,
    /// What the developer wants the reviewers to know.
    #[schema(example = "Ten years of payment systems; the last three in Rust.")]
    pub statement: Option<String>,
    /// Hours a week that the developer has.
    #[schema(example = 30)]
    pub hours_per_week: Option<i32>,
    /// What the developer expects for an hour.
    pub rate_per_hour: Option<Money>,
    /// Languages that the developer speaks.
    pub languages: Vec<Language>,
    /// The claim to the fast lane.
    pub fast_lane: Option<FastLaneClaim>,
    /// When a reviewer confirmed it.
    pub fast_lane_confirmed_at: Option<DateTime<Utc>>,
    /// When it was submitted last.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When screening answers at the latest.
    pub screening_due_at: Option<DateTime<Utc>>,
    /// Is that time past?
    pub overdue: bool,
    /// Until when it waits for the developer: a draft, or changes that are wanted.
    pub expires_at: Option<DateTime<Utc>>,
    /// The newest decision on it; all of them: `GET /v1/applications/{id}/decisions`.
    pub decision: Option<DecisionView>,
    /// The approval that it led to.
    pub approval_id: Option<ApprovalId>,
    /// From when the developer may apply again, once this one was declined; null also when only an appeal leads on.
    pub reapply_at: Option<DateTime<Utc>>,
    /// Who is at work on it; shown to staff only.
    pub staff: Option<ApplicationStaffView>,
    /// What the caller can do with it now.
    #[schema(example = json!(["edit", "withdraw"]))]
    pub allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    pub why_not: Vec<WhyNot>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What only staff see of an application.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationStaffView {
    /// The reviewer who has claimed it.
    pub claimed_by: Option<AccountId>,
    /// Until when the claim holds.
    pub claimed_until: Option<DateTime<Utc>>,
    /// What looks odd in the portfolio; it decides nothing by itself.
    pub portfolio_flags: Vec<Flag>,
}

impl ApplicationView {
    /// The application as this caller sees it.
    pub fn new(detail: Detail) -> Result<Self> {
        let Detail { row, decisions, approval, bar, for_staff, flags, overdue, actions } = detail;
        let ApplicationContent { tracks, statement, hours_per_week, rate_per_hour, languages, fast_lane } =
            row.content()?;
        let newest = decisions.into_iter().next();
        Ok(Self {
            id: row.application_id(),
            account_id: row.account(),
            state: row.state()?,
            tracks,
            statement: statement.map(String::from),
            hours_per_week,
            rate_per_hour,
            languages,
            fast_lane,
            fast_lane_confirmed_at: row.fast_lane_at,
            submitted_at: row.submitted_at,
            screening_due_at: row.screening_due_at,
            overdue,
            expires_at: row.expires_at,
            decision: newest.map(|newest| DecisionView::new(newest, None, for_staff)).transpose()?,
            approval_id: approval,
            reapply_at: bar.and_then(Bar::until),
            staff: for_staff.then(|| ApplicationStaffView {
                claimed_by: row.reviewer_id.map(AccountId::from_uuid),
                claimed_until: row.claimed_until,
                portfolio_flags: flags,
            }),
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// The answer that shows it.
    pub fn reply(detail: Detail) -> Result<Reply> {
        let view = Self::new(detail)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// An application in the developer's own list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationSummary {
    /// Its id.
    pub id: ApplicationId,
    /// Where it stands.
    pub state: ApplicationState,
    /// Slugs of the skill families.
    #[schema(example = json!(["backend", "databases"]))]
    pub tracks: Vec<String>,
    /// When it was submitted last.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When screening answers at the latest.
    pub screening_due_at: Option<DateTime<Utc>>,
    /// Until when it waits for the developer.
    pub expires_at: Option<DateTime<Utc>>,
    /// Version of the row.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
}

impl ApplicationSummary {
    /// A row in short.
    pub fn new(row: ApplicationRow) -> Result<Self> {
        Ok(Self {
            id: row.application_id(),
            state: row.state()?,
            tracks: row.tracks,
            submitted_at: row.submitted_at,
            screening_due_at: row.screening_due_at,
            expires_at: row.expires_at,
            version: row.version,
            created_at: row.created_at,
        })
    }
}

/// An application in the queue of screening.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedApplication {
    /// Its id.
    pub id: ApplicationId,
    /// Whose it is.
    pub account_id: AccountId,
    /// `submitted` or `screening`.
    pub state: ApplicationState,
    /// Slugs of the skill families.
    #[schema(example = json!(["backend", "databases"]))]
    pub tracks: Vec<String>,
    /// Does it claim the fast lane?
    pub fast_lane: bool,
    /// When it was submitted last.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When screening answers at the latest.
    pub screening_due_at: Option<DateTime<Utc>>,
    /// Is that time past?
    pub overdue: bool,
    /// The reviewer who has claimed it.
    pub claimed_by: Option<AccountId>,
    /// Until when the claim holds.
    pub claimed_until: Option<DateTime<Utc>>,
    /// Version of the row.
    #[schema(minimum = 1, example = 2)]
    pub version: i64,
}

impl QueuedApplication {
    /// A row in short.
    pub fn new(row: ApplicationRow, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self {
            id: row.application_id(),
            account_id: row.account(),
            state: row.state()?,
            overdue: row.is_overdue(now)?,
            tracks: row.tracks,
            fast_lane: row.fast_lane.is_some(),
            submitted_at: row.submitted_at,
            screening_due_at: row.screening_due_at,
            claimed_by: row.reviewer_id.map(AccountId::from_uuid),
            claimed_until: row.claimed_until,
            version: row.version,
        })
    }
}

/// A decision about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// Its id.
    pub id: DecisionId,
    /// About whom.
    pub account_id: AccountId,
    /// On which application.
    pub application_id: ApplicationId,
    /// On which approval, where it is about one.
    pub approval_id: Option<ApprovalId>,
    /// The assessment whose outcome it is, where it is one; such a decision is appealed there.
    pub assessment_id: Option<AssessmentId>,
    /// What was decided.
    pub kind: DecisionKind,
    /// The kind of reason of an adverse decision.
    pub reason_code: Option<ReasonCode>,
    /// The reason, for the person to read.
    pub reason: Option<String>,
    /// Notes per field, of a request for changes.
    pub notes: Vec<Note>,
    /// What an adverse decision rests on.
    pub evidence: Vec<Evidence>,
    /// When it was made.
    pub decided_at: DateTime<Utc>,
    /// Until when it can be appealed; null when it takes nothing from the person.
    pub appeal_until: Option<DateTime<Utc>>,
    /// When an appeal overturned it.
    pub overturned_at: Option<DateTime<Utc>>,
    /// The appeal against it; shown where decisions are read by themselves.
    pub appeal_id: Option<AppealId>,
    /// Who made it; shown to staff only.
    pub decided_by: Option<AccountId>,
    /// The reason of a decision in the person's favour; shown to staff only.
    pub staff_reason: Option<String>,
}

impl DecisionView {
    /// The decision as this caller sees it.
    pub fn new(row: DecisionRow, appeal: Option<AppealRow>, for_staff: bool) -> Result<Self> {
        let shown = row.shown_reason()?.map(str::to_owned);
        let for_staff_only = row.reason.clone().filter(|_| shown.is_none() && for_staff);
        let code = row.reason_code.as_deref();
        Ok(Self {
            id: DecisionId::from_uuid(row.id),
            account_id: AccountId::from_uuid(row.account_id),
            application_id: ApplicationId::from_uuid(row.application_id),
            approval_id: row.approval_id.map(ApprovalId::from_uuid),
            assessment_id: row.by_assessment_id.map(AssessmentId::from_uuid),
            kind: row.kind()?,
            reason_code: code.and_then(ReasonCode::parse),
            reason: shown,
            notes: from_json(&row.notes)?,
            evidence: from_json(&row.evidence)?,
            decided_at: row.decided_at,
            appeal_until: row.appeal_until,
            overturned_at: row.overturned_at,
            appeal_id: appeal.map(|appeal| AppealId::from_uuid(appeal.id)),
            decided_by: for_staff.then(|| AccountId::from_uuid(row.decided_by_id)),
            staff_reason: for_staff_only,
        })
    }
}

/// An appeal against a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppealView {
    /// Its id.
    #[schema(value_type = String, example = "apl_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AppealId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Where it stands.
    pub state: AppealState,
    /// What it is against.
    pub decision: DecisionView,
    /// Why the person thinks the decision wrong.
    pub text: String,
    /// When it is answered at the latest.
    pub due_at: DateTime<Utc>,
    /// Is that time past?
    pub overdue: bool,
    /// When it was answered.
    pub decided_at: Option<DateTime<Utc>>,
    /// What was answered.
    pub answer: Option<String>,
    /// Who has claimed it, or answered it; shown to staff only.
    pub reviewer: Option<AccountId>,
    /// What the caller can do with it now: `uphold` and `overturn` are the outcomes of `decide`.
    #[schema(example = json!(["claim"]))]
    pub allowed_actions: Vec<String>,
    /// What the caller could do but for a condition.
    pub why_not: Vec<WhyNot>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
}

impl AppealView {
    /// The appeal as this caller sees it.
    pub fn new(detail: AppealDetail) -> Result<Self> {
        let AppealDetail { row, decision, for_staff, overdue, actions } = detail;
        Ok(Self {
            id: AppealId::from_uuid(row.id),
            account_id: AccountId::from_uuid(row.account_id),
            state: row.state.parse()?,
            decision: DecisionView::new(decision, Some(row.clone()), for_staff)?,
            text: row.text,
            due_at: row.due_at,
            overdue,
            decided_at: row.decided_at,
            answer: row.answer,
            reviewer: row.decided_by_id.filter(|_| for_staff).map(AccountId::from_uuid),
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            version: row.version,
            created_at: row.created_at,
        })
    }

    /// The answer that shows it.
    pub fn reply(detail: AppealDetail) -> Result<Reply> {
        let view = Self::new(detail)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

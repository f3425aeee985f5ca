//! What callers see of projects and their curation.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AppealId, OrganisationId, ProjectId};
use assay_kernel::text::excerpt;
use assay_kernel::{Currency, Error, Money, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::{Confidentiality, Milestone, ProjectState, SkillNeed};
use crate::service::ProjectDetail;
use crate::service::content::TimeZoneNeed;
use crate::store::curation::{AppealRow, DecisionRow};
use crate::store::listings::ListingRow;
use crate::store::projects::ProjectRow;

/// The client of a project, as others see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// The organisation.
    pub id: OrganisationId,
    /// Its name.
    #[schema(example = "Ledgerworks GmbH")]
    pub name: String,
    /// Have staff verified it?
    pub verified: bool,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectView {
    /// Its id.
    pub id: ProjectId,
    /// Where it stands.
    pub state: ProjectState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// Who posted it.
    pub client: ClientView,
    /// What it is.
    #[schema(example = "Month-end close: reconcile three ledgers")]
    pub title: String,
    /// What is to be done; its beginning only when `redacted`.
    pub description: String,
    /// The caller may not read the full text (see `confidentiality`): description and specifications are cut.
    pub redacted: bool,
    /// The outcome wanted.
    pub outcome: Option<String>,
    /// Who decides; told to the client's people and staff only.
    pub decision_maker: Option<String>,
    /// What it may cost in all.
    pub budget: Option<Money>,
    /// The budget in US dollars at the dated rate.
    pub budget_usd: Option<Money>,
    /// The day of that rate.
    pub rate_date: Option<NaiveDate>,
    /// Estimated effort.
    #[schema(example = 160)]
    pub effort_hours: Option<i32>,
    /// When work should start.
    pub starts_on: Option<NaiveDate>,
    /// Days from start to end.
    pub duration_days: Option<i32>,
    /// The need for shared working hours.
    pub time_zone_need: Option<TimeZoneNeed>,
    /// Who may read the full text.
    pub confidentiality: Confidentiality,
    /// Skills asked for.
    pub skills: Vec<SkillNeed>,
    /// Milestones, in their order.
    pub milestones: Vec<Milestone>,
    /// When curation answers at the latest.
    pub curation_due_at: Option<DateTime<Utc>>,
    /// Since when it is listed.
    pub listed_at: Option<DateTime<Utc>>,
    /// Until when it is listed.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["edit", "submit", "withdraw"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
    /// What listing still asks of the client, for the client's people and staff until it is listed: verification by
    /// staff, a payment method. It can be seen to while curation reads.
    pub before_listing: Vec<WhyNot>,
}

impl ProjectView {
    /// The project as this caller sees it.
    pub fn new(detail: ProjectDetail) -> Result<Self> {
        let ProjectDetail { mut row, organisation, verified, relation, actions, before_listing } = detail;
        let confidentiality: Confidentiality = row.confidentiality.parse()?;
        let redacted = !relation.may_read(confidentiality);
        let currency = row.currency()?;
        let mut milestones = std::mem::take(&mut row.milestones.0);
        let description = if redacted {
            for deliverable in milestones.iter_mut().flat_map(|m| &mut m.deliverables) {
                deliverable.specification = String::new();
                deliverable.acceptance = None;
            }
            excerpt(&row.description, 280)
        } else {
            row.description.clone()
        };
        Ok(Self {
            id: row.project_id(),
            state: row.state()?,
            version: row.version,
            client: ClientView { id: row.organisation(), name: organisation, verified },
            description,
            redacted,
            outcome: row.outcome.clone().filter(|_| !redacted),
            decision_maker: row.decision_maker.clone().filter(|_| relation.inside()),
            budget: row.budget_amount.map(|amount| Money::new(amount, currency)),
            budget_usd: row.budget_usd_minor.map(|amount| Money::new(amount, Currency::USD)),
            rate_date: row.rate_date,
            effort_hours: row.effort_hours,
            starts_on: row.starts_on,
            duration_days: row.duration_days,
            time_zone_need: row
                .time_zone
                .clone()
                .map(|time_zone| TimeZoneNeed { time_zone, overlap_hours: row.overlap_hours }),
            confidentiality,
            skills: std::mem::take(&mut row.skills.0),
            milestones,
            curation_due_at: row.curation_due_at.filter(|_| relation.inside()),
            listed_at: row.listed_at,
            expires_at: row.expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            title: row.title,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            before_listing,
        })
    }
}

/// A project in a list of one's own, or in the curation queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectSummary {
    /// Its id.
    pub id: ProjectId,
    /// Where it stands.
    pub state: ProjectState,
    /// Row version.
    pub version: i64,
    /// The client's organisation.
    pub organisation_id: OrganisationId,
    /// What it is.
    pub title: String,
    /// What it may cost.
    pub budget: Option<Money>,
    /// The curator who claimed it.
    pub curator_id: Option<AccountId>,
    /// When curation answers at the latest.
    pub curation_due_at: Option<DateTime<Utc>>,
    /// Until when it is listed.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl ProjectSummary {
    /// A row in short.
    pub fn new(row: ProjectRow) -> Result<Self> {
        let currency = row.currency()?;
        Ok(Self {
            id: row.project_id(),
            state: row.state()?,
            version: row.version,
            organisation_id: row.organisation(),
            budget: row.budget_amount.map(|amount| Money::new(amount, currency)),
            curator_id: row.curator_id.map(AccountId::from_uuid),
            curation_due_at: row.curation_due_at,
            expires_at: row.expires_at,
            updated_at: row.updated_at,
            title: row.title,
        })
    }
}

/// A project on the public listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListingView {
    /// Its id.
    pub id: ProjectId,
    /// What it is.
    #[schema(example = "Month-end close: reconcile three ledgers")]
    pub title: String,
    /// The beginning of its description.
    pub excerpt: String,
    /// The client's name; listed clients are verified.
    pub client: String,
    /// What it may cost in all.
    pub budget: Money,
    /// The same in US dollars at the dated rate.
    pub budget_usd: Money,
    /// Estimated effort.
    pub effort_hours: i32,
    /// When work should start.
    pub starts_on: NaiveDate,
    /// The zone in which people must be reached.
    pub time_zone: Option<String>,
    /// Hours of the working day that must be shared.
    pub overlap_hours: i32,
    /// Slugs of the skills asked for.
    #[schema(example = json!(["rust", "postgresql"]))]
    pub skills: Vec<String>,
    /// Since when it is listed.
    pub listed_at: DateTime<Utc>,
    /// Until when it is listed.
    pub expires_at: DateTime<Utc>,
}

impl ListingView {
    /// A listing row as shown.
    pub fn new(row: ListingRow) -> Result<Self> {
        let currency = Currency::parse(&row.budget_currency)
            .ok_or_else(|| Error::internal("a stored currency is unknown"))?;
        Ok(Self {
            id: row.id(),
            title: row.title,
            excerpt: row.excerpt,
            client: row.organisation_name,
            budget: Money::new(row.budget_amount, currency),
            budget_usd: Money::new(row.budget_usd_minor, Currency::USD),
            effort_hours: row.effort_hours,
            starts_on: row.starts_on,
            time_zone: row.time_zone,
            overlap_hours: row.overlap_min / 60,
            skills: row.skills,
            listed_at: row.listed_at,
            expires_at: row.expires_at,
        })
    }
}

/// A decision of curation.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// `listed`, `changes_requested`, `rejected` or `removed`.
    #[schema(example = "changes_requested")]
    pub kind: String,
    /// The kind of reason, for adverse decisions.
    pub reason_code: Option<String>,
    /// The reason.
    pub reason: Option<String>,
    /// Notes per field: `[{ pointer, note }]`.
    #[schema(value_type = Vec<crate::service::curation::FieldNote>)]
    pub notes: Value,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// The appeal against it.
    pub appeal: Option<AppealView>,
}

/// An appeal against a decision of curation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AppealView {
    /// Its id.
    pub id: AppealId,
    /// The project.
    pub project_id: ProjectId,
    /// `open`, `upheld` or `overturned`.
    #[schema(example = "open")]
    pub state: String,
    /// Row version, as in the ETag.
    pub version: i64,
    /// What the client says.
    pub text: String,
    /// When it is answered at the latest.
    pub due_at: DateTime<Utc>,
    /// The answer.
    pub answer: Option<String>,
    /// When it was answered.
    pub decided_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<AppealRow> for AppealView {
    fn from(row: AppealRow) -> Self {
        Self {
            id: AppealId::from_uuid(row.id),
            project_id: ProjectId::from_uuid(row.project_id),
            state: row.state,
            version: row.version,
            text: row.text,
            due_at: row.due_at,
            answer: row.answer,
            decided_at: row.decided_at,
            created_at: row.created_at,
        }
    }
}

/// Decisions with their appeals.
pub fn history(decisions: Vec<DecisionRow>, appeals: Vec<AppealRow>) -> Vec<DecisionView> {
    decisions
        .into_iter()
        .map(|decision| DecisionView {
            appeal: appeals.iter().find(|a| a.decision_id == decision.id).cloned().map(AppealView::from),
            kind: decision.kind,
            reason_code: decision.reason_code,
            reason: decision.reason,
            notes: decision.notes,
            decided_at: decision.decided_at,
        })
        .collect()
}

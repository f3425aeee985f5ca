//! What callers see.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{
    AccountId, AppealId, BidId, DeliverableId, InvitationId, MilestoneId, OfferId, OrganisationId, ProjectId,
};
use assay_kernel::process::Actions;
use assay_kernel::text::excerpt;
use assay_kernel::{Currency, Error, Money, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::{
    Approach, BidState, Confidentiality, InvitationState, Milestone, OfferState, Party, Price, ProjectState,
    Quote, SkillNeed,
};
use crate::service::ProjectDetail;
use crate::service::bids::{BidDetail, Comparison, invitation_of};
use crate::service::drafts::TimeZoneNeed;
use crate::service::invitations::InvitationDetail;
use crate::store::bids::{BidRow, BidderRow, OfferRow, RevisionRow};
use crate::store::curation::{AppealRow, DecisionRow};
use crate::store::invitations::InvitationRow;
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
}

impl ProjectView {
    /// The project as this caller sees it.
    pub fn new(detail: ProjectDetail) -> Result<Self> {
        let ProjectDetail { row, organisation, verified, relation, actions } = detail;
        let confidentiality: Confidentiality = row.confidentiality.parse()?;
        let redacted = !relation.may_read(confidentiality);
        let currency = row.currency()?;
        let mut milestones = row.milestones()?;
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
            skills: row.skills()?,
            milestones,
            curation_due_at: row.curation_due_at.filter(|_| relation.inside()),
            listed_at: row.listed_at,
            expires_at: row.expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            title: row.title,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
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

/// A developer as a client sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct BidderView {
    /// The account.
    pub id: AccountId,
    /// GitHub login.
    pub login: String,
    /// Chosen name.
    pub display_name: Option<String>,
    /// A line about themselves.
    pub headline: Option<String>,
    /// IANA zone.
    pub time_zone: Option<String>,
}

impl From<BidderRow> for BidderView {
    fn from((id, login, display_name, headline, time_zone): BidderRow) -> Self {
        Self { id: AccountId::from_uuid(id), login, display_name, headline, time_zone }
    }
}

/// A bid, as its developer and the client's people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BidView {
    /// Its id.
    pub id: BidId,
    /// The project.
    pub project_id: ProjectId,
    /// Where it stands.
    pub state: BidState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// Which revision this is; earlier ones are kept.
    #[schema(example = 1)]
    pub revision: i32,
    /// Who bids; left out in the answer to placing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer: Option<BidderView>,
    /// The invitation that it answers.
    pub invitation_id: Option<InvitationId>,
    /// One price for each milestone.
    pub prices: Vec<Price>,
    /// What both sides pay and get.
    pub quote: Quote,
    /// One approach for each deliverable.
    pub approaches: Vec<Approach>,
    /// What may go wrong.
    pub risks: Vec<String>,
    /// What is done first.
    pub first_step: String,
    /// When work can start.
    pub starts_on: NaiveDate,
    /// Offers, oldest first.
    pub offers: Vec<OfferView>,
    /// Why it was declined.
    pub reason: Option<String>,
    /// When it was handed in.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["revise", "withdraw"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl BidView {
    /// The bid as this caller sees it.
    pub fn new(detail: BidDetail) -> Result<Self> {
        let BidDetail { row, document, quote, offers, bidder, actions } = detail;
        let offers = offers.into_iter().map(|offer| OfferView::new(&row, offer)).collect::<Result<_>>()?;
        Ok(Self {
            id: row.bid_id(),
            project_id: row.project(),
            state: row.state()?,
            version: row.version,
            revision: row.revision,
            developer: bidder.map(BidderView::from),
            invitation_id: invitation_of(&row),
            prices: document.prices,
            quote,
            approaches: document.approaches,
            risks: document.risks,
            first_step: document.first_step,
            starts_on: row.starts_on,
            offers,
            reason: row.reason,
            submitted_at: row.submitted_at,
            updated_at: row.updated_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
        })
    }
}

/// An offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferView {
    /// Its id.
    pub id: OfferId,
    /// Which side made it.
    pub made_by: Party,
    /// Where it stands.
    pub state: OfferState,
    /// One price for each milestone.
    pub prices: Vec<Price>,
    /// What both sides would pay and get.
    pub quote: Quote,
    /// When work would start.
    pub starts_on: NaiveDate,
    /// A few words to the other side.
    pub message: String,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl OfferView {
    fn new(bid: &BidRow, offer: OfferRow) -> Result<Self> {
        Ok(Self {
            id: OfferId::from_uuid(offer.id),
            made_by: offer.made_by.parse()?,
            state: offer.state.parse()?,
            prices: serde_json::from_value(offer.prices).map_err(Error::internal)?,
            quote: bid.quote(offer.total_amount)?,
            starts_on: offer.starts_on,
            message: offer.message,
            expires_at: offer.expires_at,
            created_at: offer.created_at,
        })
    }
}

/// A bid in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct BidSummary {
    /// Its id.
    pub id: BidId,
    /// The project.
    pub project_id: ProjectId,
    /// Where it stands.
    pub state: BidState,
    /// Row version.
    pub version: i64,
    /// Which revision this is.
    pub revision: i32,
    /// Who bids; in the client's list only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer: Option<BidderView>,
    /// What both sides pay and get.
    pub quote: Quote,
    /// When work can start.
    pub starts_on: NaiveDate,
    /// When it was handed in.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl BidSummary {
    /// A row in short.
    pub fn new(row: BidRow, developer: Option<BidderRow>) -> Result<Self> {
        Ok(Self {
            id: row.bid_id(),
            project_id: row.project(),
            state: row.state()?,
            version: row.version,
            revision: row.revision,
            developer: developer.map(BidderView::from),
            quote: row.quote(row.total_amount)?,
            starts_on: row.starts_on,
            submitted_at: row.submitted_at,
            updated_at: row.updated_at,
        })
    }
}

/// The bids on a project, for its client.
#[derive(Debug, Serialize, ToSchema)]
pub struct BidsPage {
    /// The bids, in the order in which they were made.
    pub data: Vec<BidSummary>,
    /// Give this as `cursor` to get the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// The bids of this page side by side; with `compare` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonView>,
}

/// Bids side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonView {
    /// Prices by milestone.
    pub milestones: Vec<MilestoneComparison>,
    /// Approaches by deliverable.
    pub deliverables: Vec<DeliverableComparison>,
}

/// A milestone's prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct MilestoneComparison {
    /// The milestone.
    pub milestone_id: MilestoneId,
    /// What it is.
    pub title: String,
    /// Each bid's price.
    pub prices: Vec<BidPrice>,
}

/// A bid's price.
#[derive(Debug, Serialize, ToSchema)]
pub struct BidPrice {
    /// The bid.
    pub bid_id: BidId,
    /// Its price.
    pub amount: Money,
}

/// A deliverable's approaches.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliverableComparison {
    /// The deliverable.
    pub deliverable_id: DeliverableId,
    /// What it is.
    pub title: String,
    /// Each bid's approach.
    pub approaches: Vec<BidApproach>,
}

/// A bid's approach.
#[derive(Debug, Serialize, ToSchema)]
pub struct BidApproach {
    /// The bid.
    pub bid_id: BidId,
    /// Its approach.
    pub approach: String,
}

impl ComparisonView {
    /// A comparison as shown.
    pub fn new(comparison: Comparison, currency: Currency) -> Self {
        Self {
            milestones: comparison
                .milestones
                .into_iter()
                .map(|(milestone_id, title, prices)| MilestoneComparison {
                    milestone_id,
                    title,
                    prices: prices
                        .into_iter()
                        .map(|(bid_id, amount)| BidPrice { bid_id, amount: Money::new(amount, currency) })
                        .collect(),
                })
                .collect(),
            deliverables: comparison
                .deliverables
                .into_iter()
                .map(|(deliverable_id, title, approaches)| DeliverableComparison {
                    deliverable_id,
                    title,
                    approaches: approaches
                        .into_iter()
                        .map(|(bid_id, approach)| BidApproach { bid_id, approach })
                        .collect(),
                })
                .collect(),
        }
    }
}

/// A kept revision of a bid.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionView {
    /// Its number, from 1.
    pub revision: i32,
    /// What both sides would pay and get.
    pub quote: Quote,
    /// When work could start.
    pub starts_on: NaiveDate,
    /// One price for each milestone.
    pub prices: Vec<Price>,
    /// One approach for each deliverable.
    pub approaches: Vec<Approach>,
    /// What may go wrong.
    pub risks: Vec<String>,
    /// What is done first.
    pub first_step: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl RevisionView {
    /// A revision as shown.
    pub fn new(
        bid: &BidRow,
        (revision, total, starts_on, document, created_at): RevisionRow,
    ) -> Result<Self> {
        let document: crate::model::BidDocument =
            serde_json::from_value(document).map_err(Error::internal)?;
        Ok(Self {
            revision,
            quote: bid.quote(total)?,
            starts_on,
            prices: document.prices,
            approaches: document.approaches,
            risks: document.risks,
            first_step: document.first_step,
            created_at,
        })
    }
}

/// An invitation to bid.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    /// Its id.
    pub id: InvitationId,
    /// The project.
    pub project_id: ProjectId,
    /// The project's title; when a single invitation is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who is invited.
    pub developer_id: AccountId,
    /// Where it stands.
    pub state: InvitationState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// A few words from the client.
    pub message: String,
    /// Why the developer declined.
    pub decline_reason: Option<String>,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// Acts that are open to the caller now.
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl InvitationView {
    /// An invitation as this caller sees it.
    pub fn new(detail: InvitationDetail) -> Result<Self> {
        Self::build(detail.row, Some(detail.title), detail.actions)
    }

    /// An invitation in a list.
    pub fn of_row(row: InvitationRow) -> Result<Self> {
        Self::build(row, None, Actions::default())
    }

    fn build(row: InvitationRow, title: Option<String>, actions: Actions) -> Result<Self> {
        Ok(Self {
            id: InvitationId::from_uuid(row.id),
            project_id: ProjectId::from_uuid(row.project_id),
            title,
            developer_id: AccountId::from_uuid(row.developer_id),
            state: row.state.parse()?,
            version: row.version,
            message: row.message,
            decline_reason: row.decline_reason,
            expires_at: row.expires_at,
            created_at: row.created_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
        })
    }
}

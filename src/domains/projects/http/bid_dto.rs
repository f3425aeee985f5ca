//! What callers see of bids, offers and invitations.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, BidId, DeliverableId, InvitationId, MilestoneId, OfferId, ProjectId};
use assay_kernel::process::Actions;
use assay_kernel::{Currency, Money, Result};
use assay_platform::db::Json;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Approach, BidState, InvitationState, OfferState, Party, Price, Quote};
use crate::service::bids::{BidDetail, invitation_of};
use crate::service::comparison::Comparison;
use crate::service::invitations::InvitationDetail;
use crate::store::bids::{BidRow, BidderRow, OfferRow, RevisionRow};
use crate::store::invitations::InvitationRow;

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
        let BidDetail { row, quote, offers, bidder, actions } = detail;
        let offers = offers.into_iter().map(|offer| OfferView::new(&row, offer)).collect::<Result<_>>()?;
        Ok(Self {
            id: row.bid_id(),
            project_id: row.project(),
            state: row.state()?,
            version: row.version,
            revision: row.revision,
            developer: bidder.map(BidderView::from),
            invitation_id: invitation_of(&row),
            prices: row.document.0.prices,
            quote,
            approaches: row.document.0.approaches,
            risks: row.document.0.risks,
            first_step: row.document.0.first_step,
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
            prices: offer.prices.0,
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
                .map(|row| MilestoneComparison {
                    milestone_id: row.id,
                    title: row.title,
                    prices: row
                        .answers
                        .into_iter()
                        .map(|(bid_id, amount)| BidPrice { bid_id, amount: Money::new(amount, currency) })
                        .collect(),
                })
                .collect(),
            deliverables: comparison
                .deliverables
                .into_iter()
                .map(|row| DeliverableComparison {
                    deliverable_id: row.id,
                    title: row.title,
                    approaches: row
                        .answers
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
        (revision, total, starts_on, Json(document), created_at): RevisionRow,
    ) -> Result<Self> {
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

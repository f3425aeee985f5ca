//! What callers see of contracts.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{
    AccountId, BidId, ChangeOrderId, ContractId, DeliverableId, DeliveryId, DisputeId, MessageId,
    MilestoneId, OrganisationId, ProjectId,
};
use assay_kernel::process::Actions;
use assay_kernel::{Money, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::decisions::DecisionView;
use super::dispute_views::MilestoneDispute;
use crate::model::{
    ChangeOrderState, Changes, Check, ContractState, Evidence, HoldbackState, MilestoneState, Proposal, Side,
    Signature, Terms,
};
use crate::service::changes::ChangeOrderDetail;
use crate::service::views::{ContractDetail, MilestoneDetail};
use crate::store::contracts::ContractRow;
use crate::store::messages::MessageRow;
use crate::store::milestones::{DeliveryRow, MilestoneRow};

/// A contract in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContractSummary {
    /// Its id.
    pub id: ContractId,
    /// The project.
    pub project_id: ProjectId,
    /// The project's title.
    pub title: String,
    /// The client.
    pub organisation_id: OrganisationId,
    /// Who works.
    pub developer_id: AccountId,
    /// Where it stands.
    pub state: ContractState,
    /// The sum of its milestones, before fees.
    pub total: Money,
    /// When it was drawn up.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

fn total(row: &ContractRow) -> Money {
    let sum = row.terms.milestones.iter().fold(0_i64, |sum, milestone| sum.saturating_add(milestone.amount));
    Money::new(sum, row.terms.currency)
}

impl ContractSummary {
    /// The contract in a list.
    pub fn new(row: ContractRow) -> Result<Self> {
        Ok(Self {
            id: row.contract_id(),
            project_id: row.project(),
            title: row.terms.title.clone(),
            organisation_id: row.organisation(),
            developer_id: row.developer(),
            state: row.state()?,
            total: total(&row),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContractView {
    /// Its id.
    pub id: ContractId,
    /// The project.
    pub project_id: ProjectId,
    /// The accepted bid.
    pub bid_id: BidId,
    /// Where it stands.
    pub state: ContractState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// On which side the caller is.
    pub your_side: Option<Side>,
    /// What was agreed: the present edition.
    pub terms: Terms,
    /// SHA-256 of the canonical text of the first edition: what is signed.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub content_hash: String,
    /// Who has signed.
    pub signatures: Vec<Signature>,
    /// A proposal to end the contract that waits for an answer.
    pub proposal: Option<Proposal>,
    /// Why it was paused or ended.
    pub reason: Option<String>,
    /// When it lapses without signatures, or without a payment.
    pub lapses_at: Option<DateTime<Utc>>,
    /// Since when it rests.
    pub paused_at: Option<DateTime<Utc>>,
    /// When the notice is over.
    pub notice_until: Option<DateTime<Utc>>,
    /// The sum of its milestones, before fees.
    pub total: Money,
    /// The milestones, cancelled ones included.
    pub milestones: Vec<MilestoneSummary>,
    /// When it was drawn up.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["sign", "cancel"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl ContractView {
    /// The contract as this caller sees it.
    pub fn new(detail: ContractDetail) -> Result<Self> {
        let ContractDetail { row, side, actions, milestones } = detail;
        let milestones = milestones
            .into_iter()
            .map(|(m, actions)| MilestoneSummary::new(&row, m, actions))
            .collect::<Result<_>>()?;
        Ok(Self {
            id: row.contract_id(),
            project_id: row.project(),
            bid_id: row.bid(),
            state: row.state()?,
            version: row.version,
            your_side: side,
            total: total(&row),
            content_hash: row.content_hash,
            signatures: row.signatures.0,
            proposal: row.proposal.map(|proposal| proposal.0),
            reason: row.reason,
            lapses_at: row.lapses_at,
            paused_at: row.paused_at,
            notice_until: row.notice_until,
            milestones,
            created_at: row.created_at,
            updated_at: row.updated_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            terms: row.terms.0,
        })
    }
}

/// A milestone in its contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct MilestoneSummary {
    /// Its id.
    pub id: MilestoneId,
    /// What it is.
    pub title: String,
    /// Where it stands.
    pub state: MilestoneState,
    /// Row version.
    pub version: i64,
    /// What the developer is paid for it, before their fee.
    pub amount: Money,
    /// What the client pays on top.
    pub client_fee: Money,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// Released to the developer so far, before their fee.
    pub released: Money,
    /// Gone back to the client, without the fee.
    pub refunded: Money,
    /// The dispute over it that is open.
    pub open_dispute_id: Option<DisputeId>,
    /// Acts that are open to the caller now.
    pub allowed_actions: Vec<String>,
}

impl MilestoneSummary {
    fn new(contract: &ContractRow, row: MilestoneRow, actions: Actions) -> Result<Self> {
        let currency = row.currency()?;
        Ok(Self {
            id: row.milestone_id(),
            state: row.state()?,
            version: row.version,
            amount: Money::new(row.amount, currency),
            client_fee: row.agreed(contract).client_fee(),
            due_at: row.due_at,
            released: Money::new(row.released, currency),
            refunded: Money::new(row.refunded, currency),
            open_dispute_id: row.open_dispute_id.map(DisputeId::from_uuid),
            allowed_actions: actions.allowed,
            title: row.document.0.title,
        })
    }
}

/// A deliverable and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliverableView {
    /// Its id.
    pub id: DeliverableId,
    /// What it is.
    pub title: String,
    /// What it must be.
    pub specification: String,
    /// Its share of the milestone, in basis points.
    #[schema(example = 6000)]
    pub weight_bps: u32,
    /// How it is told that it is done.
    pub check: Check,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// What was said with the acceptance.
    pub note: Option<String>,
    /// When its check last passed.
    pub check_passed_at: Option<DateTime<Utc>>,
}

/// A milestone with what happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MilestoneView {
    /// Its id.
    pub id: MilestoneId,
    /// Its contract.
    pub contract_id: ContractId,
    /// The change order that added it.
    pub change_order_id: Option<ChangeOrderId>,
    /// Where it stands.
    pub state: MilestoneState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// What it is.
    pub title: String,
    /// What the developer is paid for it, before their fee.
    pub amount: Money,
    /// What the client pays on top.
    pub client_fee: Money,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// What is delivered, and how far it is.
    pub deliverables: Vec<DeliverableView>,
    /// Rounds of changes so far.
    #[schema(example = 0)]
    pub revisions: i32,
    /// Rounds of changes that were agreed.
    #[schema(example = 2)]
    pub revision_limit: i32,
    /// When its money was there.
    pub funded_at: Option<DateTime<Utc>>,
    /// When it was last delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When silence accepts it.
    pub review_until: Option<DateTime<Utc>>,
    /// When silence grants the refund.
    pub answer_until: Option<DateTime<Utc>>,
    /// Why changes or a refund were asked for, or a refund declined.
    pub reason: Option<String>,
    /// Released to the developer so far, before their fee.
    pub released: Money,
    /// Held back now.
    pub held_back: Money,
    /// Gone back to the client, without the fee; also what their bank took of what was held.
    pub refunded: Money,
    /// Where the part that is held back stands.
    pub holdback_state: HoldbackState,
    /// When it is released.
    pub holdback_until: Option<DateTime<Utc>>,
    /// The dispute over it that is open.
    pub open_dispute_id: Option<DisputeId>,
    /// Disputes over it, oldest first.
    pub disputes: Vec<MilestoneDispute>,
    /// Deliveries, oldest first.
    pub deliveries: Vec<DeliveryView>,
    /// Decisions on its money, oldest first.
    pub decisions: Vec<DecisionView>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["accept", "request_changes", "request_refund"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl MilestoneView {
    /// The milestone as this caller sees it.
    pub fn new(detail: MilestoneDetail) -> Result<Self> {
        let MilestoneDetail { contract, row, deliveries, decisions, disputes, actions } = detail;
        let currency = row.currency()?;
        let money = |amount| Money::new(amount, currency);
        let deliverables = row.document.deliverables.iter().map(|one| {
            let standing = row.standing.iter().find(|standing| standing.deliverable_id == one.id);
            DeliverableView {
                id: one.id,
                title: one.title.clone(),
                specification: one.specification.clone(),
                weight_bps: one.weight_bps,
                check: one.check.clone(),
                accepted_at: standing.and_then(|standing| standing.accepted_at),
                note: standing.and_then(|standing| standing.note.clone()),
                check_passed_at: standing.and_then(|standing| standing.check_passed_at),
            }
        });
        Ok(Self {
            id: row.milestone_id(),
            contract_id: contract.contract_id(),
            change_order_id: row.change_order_id.map(ChangeOrderId::from_uuid),
            state: row.state()?,
            version: row.version,
            title: row.document.title.clone(),
            amount: money(row.amount),
            client_fee: row.agreed(&contract).client_fee(),
            due_at: row.due_at,
            deliverables: deliverables.collect(),
            revisions: row.revisions,
            revision_limit: contract.terms.revision_limit,
            funded_at: row.funded_at,
            delivered_at: row.delivered_at,
            review_until: row.review_until,
            answer_until: row.answer_until,
            released: money(row.released),
            held_back: money(row.so_far().held_back_now()),
            refunded: money(row.refunded),
            holdback_state: row.holdback_state.parse()?,
            holdback_until: row.holdback_until,
            open_dispute_id: row.open_dispute_id.map(DisputeId::from_uuid),
            disputes: disputes.into_iter().map(MilestoneDispute::new).collect::<Result<_>>()?,
            deliveries: deliveries.into_iter().map(DeliveryView::from).collect(),
            decisions: decisions
                .into_iter()
                .map(|decision| DecisionView::new(decision, money))
                .collect::<Result<_>>()?,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            reason: row.reason,
        })
    }
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its id.
    pub id: DeliveryId,
    /// Which of the milestone, from 1.
    #[schema(example = 1)]
    pub number: i32,
    /// Evidence for each deliverable.
    pub evidence: Vec<Evidence>,
    /// A few words on the whole.
    pub note: Option<String>,
    /// When.
    pub delivered_at: DateTime<Utc>,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: DeliveryId::from_uuid(row.id),
            number: row.number,
            evidence: row.evidence.0,
            note: row.note,
            delivered_at: row.delivered_at,
        }
    }
}

/// A message on a contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub author_id: AccountId,
    /// For which side.
    pub side: Side,
    /// What it says.
    pub text: String,
    /// Where its attachments are.
    pub links: Vec<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl MessageView {
    /// The message.
    pub fn new(row: MessageRow) -> Result<Self> {
        Ok(Self {
            id: MessageId::from_uuid(row.id),
            author_id: AccountId::from_uuid(row.author_id),
            side: row.side.parse()?,
            text: row.text,
            links: row.links.0,
            created_at: row.created_at,
        })
    }
}

/// A change order.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeOrderView {
    /// Its id.
    pub id: ChangeOrderId,
    /// Its contract.
    pub contract_id: ContractId,
    /// Where it stands.
    pub state: ChangeOrderState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// What changes.
    pub changes: Changes,
    /// Why.
    pub reason: String,
    /// Who proposed first.
    pub proposed_by: AccountId,
    /// Which side answers.
    pub asked: Side,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
    /// When it was proposed.
    pub created_at: DateTime<Utc>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["accept", "counter", "reject"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl ChangeOrderView {
    /// The change order as this caller sees it.
    pub fn new(detail: ChangeOrderDetail) -> Result<Self> {
        let ChangeOrderDetail { row, actions } = detail;
        Ok(Self {
            id: row.change_order_id(),
            contract_id: ContractId::from_uuid(row.contract_id),
            state: row.state.parse()?,
            version: row.version,
            reason: row.reason.clone(),
            proposed_by: row.proposed_by(),
            asked: row.asked()?,
            expires_at: row.expires_at,
            created_at: row.created_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
            changes: row.changes.0,
        })
    }
}

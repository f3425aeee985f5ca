//! What callers see of disputes.

use assay_kernel::Money;
use assay_kernel::Result;
use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, ContractId, DisputeId, DisputeOfferId, MilestoneId, MoneyApprovalId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{AppealOutcome, DisputeState, Finding, Ruling, Side};
use crate::service::disputes::DisputeDetail;
use crate::store::disputes::{DisputeRow, OfferRow};

/// A dispute in its milestone.
#[derive(Debug, Serialize, ToSchema)]
pub struct MilestoneDispute {
    /// Its id.
    pub id: DisputeId,
    /// Where it stands.
    pub state: DisputeState,
    /// Which side opened it.
    pub opened_by: Side,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl MilestoneDispute {
    /// The dispute in its milestone.
    pub fn new(row: DisputeRow) -> Result<Self> {
        Ok(Self {
            id: row.dispute_id(),
            state: row.state()?,
            opened_by: row.opened_by()?,
            created_at: row.created_at,
        })
    }
}

/// A division that a side offers.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeOfferView {
    /// Its id.
    pub id: DisputeOfferId,
    /// Which side offers.
    pub side: Side,
    /// The developer's part.
    pub developer: Money,
    /// The client's part.
    pub client: Money,
    /// A few words.
    pub note: Option<String>,
    /// `open`, `replaced` or `accepted`.
    #[schema(example = "open")]
    pub state: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What a mediator proposes, or an arbitrator decides.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulingView {
    /// By whom.
    pub by: AccountId,
    /// The developer's part.
    pub developer: Money,
    /// The client's part.
    pub client: Money,
    /// Why.
    pub reason: String,
    /// What it rests on.
    pub findings: Vec<Finding>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An appeal against an award's arithmetic.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeAppealView {
    /// Which side appeals.
    pub by: Side,
    /// Which sum is wrong, and why.
    pub reason: String,
    /// The developer's part by right sums, as the side says.
    pub developer: Money,
    /// When.
    pub at: DateTime<Utc>,
    /// Who answered.
    pub decided_by: Option<AccountId>,
    /// With what.
    pub outcome: Option<AppealOutcome>,
    /// Why.
    pub answer: Option<String>,
}

/// A dispute between the sides of a contract over a milestone's money.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeView {
    /// Its id.
    pub id: DisputeId,
    /// The milestone.
    pub milestone_id: MilestoneId,
    /// Its title.
    pub title: String,
    /// The contract.
    pub contract_id: ContractId,
    /// Where it stands.
    pub state: DisputeState,
    /// Row version, as in the ETag.
    pub version: i64,
    /// On which side the caller is.
    pub your_side: Option<Side>,
    /// Which side opened it.
    pub opened_by: Side,
    /// Is it over what was accepted already?
    pub after_release: bool,
    /// What it is over: every division sums to this.
    pub amount: Money,
    /// The developer's part as the side that opened it wants it.
    pub claim: Money,
    /// Why.
    pub reason: String,
    /// The developer's part as the other side wants it.
    pub answer: Option<Money>,
    /// What it says.
    pub response: Option<String>,
    /// When.
    pub responded_at: Option<DateTime<Utc>>,
    /// Until when the present state waits for somebody.
    pub due_at: Option<DateTime<Utc>>,
    /// What the sides have offered, oldest first.
    pub offers: Vec<DisputeOfferView>,
    /// What the mediator proposes.
    pub proposal: Option<RulingView>,
    /// The side that has accepted it.
    pub proposal_accepted_by: Option<Side>,
    /// What the arbitrator decided.
    pub award: Option<RulingView>,
    /// An award that waits for a second person's confirmation.
    pub award_approval_id: Option<MoneyApprovalId>,
    /// What the arbitration costs. The side whose position lay farther from the award pays it out of its part.
    pub arbitration_fee: Money,
    /// What of it was taken.
    pub arbitration_fee_taken: Money,
    /// The appeal against the award's arithmetic.
    pub appeal: Option<DisputeAppealView>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    /// Acts that are open to the caller now.
    #[schema(example = json!(["offer", "escalate"]))]
    pub allowed_actions: Vec<String>,
    /// Acts that only a guard blocks.
    pub why_not: Vec<WhyNot>,
}

impl DisputeView {
    /// The dispute as this caller sees it.
    pub fn new(detail: DisputeDetail) -> Result<Self> {
        let DisputeDetail { row, title, offers, side, pending, actions } = detail;
        let balance = row.balance()?;
        let money = |amount| Money::new(amount, balance.currency);
        let rest = |developer: i64| money(balance.amount.saturating_sub(developer));
        let ruling = |ruling: Ruling| RulingView {
            by: ruling.by,
            developer: money(ruling.developer),
            client: rest(ruling.developer),
            reason: ruling.reason,
            findings: ruling.findings,
            at: ruling.at,
        };
        let offer = |offer: OfferRow| -> Result<DisputeOfferView> {
            Ok(DisputeOfferView {
                id: DisputeOfferId::from_uuid(offer.id),
                side: offer.side.parse()?,
                developer: money(offer.developer),
                client: rest(offer.developer),
                note: offer.note,
                state: offer.state,
                created_at: offer.created_at,
            })
        };
        Ok(Self {
            id: row.dispute_id(),
            milestone_id: MilestoneId::from_uuid(row.milestone_id),
            title,
            contract_id: ContractId::from_uuid(row.contract_id),
            state: row.state()?,
            version: row.version,
            your_side: side,
            opened_by: row.opened_by()?,
            after_release: row.after_release,
            amount: balance,
            claim: money(row.claim),
            reason: row.reason,
            answer: row.answer.map(money),
            response: row.response,
            responded_at: row.responded_at,
            due_at: row.due_at,
            offers: offers.into_iter().map(offer).collect::<Result<_>>()?,
            proposal: row.proposal.map(|proposal| ruling(proposal.0)),
            proposal_accepted_by: row.accepted_by.map(|side| side.parse()).transpose()?,
            award: row.award.map(|award| ruling(award.0)),
            award_approval_id: pending,
            arbitration_fee: money(row.fee),
            arbitration_fee_taken: money(row.fee_taken),
            appeal: row.appeal.map(|appeal| DisputeAppealView {
                by: appeal.0.by,
                reason: appeal.0.reason,
                developer: money(appeal.0.developer),
                at: appeal.0.at,
                decided_by: appeal.0.decided_by,
                outcome: appeal.0.outcome,
                answer: appeal.0.answer,
            }),
            created_at: row.created_at,
            closed_at: row.closed_at,
            allowed_actions: actions.allowed,
            why_not: actions.why_not,
        })
    }
}

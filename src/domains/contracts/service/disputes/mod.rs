//! Disputes between the sides of a contract: from the claim to the division of the money. The contract, its milestone
//! and the dispute are locked in this order.

pub mod clocks;
mod ending;
pub mod opening;
pub mod staff;
pub mod talking;

use assay_kernel::ids::{AccountId, ContractId, DisputeId, DisputeOfferId, MilestoneId, MoneyApprovalId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::{Actor, Error, Money, Permission, Result, Scope};
use assay_payments::MoneyAct;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use chrono::{DateTime, Utc};

use super::{lock_pair, money_of};
use crate::model::{DISPUTE, DisputeState, Positions, REVIEWER, Side};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::disputes::{DisputeRow, OfferRow};
use crate::store::milestones::MilestoneRow;

pub(super) use ending::{after_bank, thaw};
pub use staff::confirmed;

/// What a caller is to a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// On a side; may they act for it?
    Party(Side, bool),
    /// Staff who mediate and arbitrate; have they a part in the case?
    Reviewer {
        /// Then they only read.
        tied: bool,
    },
    /// Finance staff, who read.
    Reader,
}

impl Role {
    /// Who they are in the process table.
    fn who(self) -> Vec<Who> {
        match self {
            Role::Party(side, true) => vec![side.who()],
            Role::Reviewer { .. } => REVIEWER.to_vec(),
            Role::Party(_, false) | Role::Reader => Vec::new(),
        }
    }

    /// On which side, if any.
    pub fn side(self) -> Option<Side> {
        match self {
            Role::Party(side, _) => Some(side),
            Role::Reviewer { .. } | Role::Reader => None,
        }
    }
}

/// A dispute, locked with what it is about.
pub(super) struct Case {
    pub contract: ContractRow,
    pub milestone: MilestoneRow,
    pub row: DisputeRow,
}

impl DisputeRow {
    /// The dispute's id.
    pub fn dispute_id(&self) -> DisputeId {
        DisputeId::from_uuid(self.id)
    }

    /// Where it stands.
    pub fn state(&self) -> Result<DisputeState> {
        self.state.parse()
    }

    /// Who opened it.
    pub fn opened_by(&self) -> Result<Side> {
        self.side.parse()
    }

    /// What it is over.
    pub fn balance(&self) -> Result<Money> {
        money_of(self.amount, &self.currency)
    }

    /// What each side wants.
    pub fn positions(&self) -> Result<Positions> {
        Ok(Positions::new(self.opened_by()?, self.claim, self.answer, self.amount))
    }
}

/// A dispute as a caller may see it.
#[derive(Debug)]
pub struct DisputeDetail {
    /// The row.
    pub row: DisputeRow,
    /// What the milestone is called.
    pub title: String,
    /// Offers, oldest first.
    pub offers: Vec<OfferRow>,
    /// On which side the caller is.
    pub side: Option<Side>,
    /// An award that waits for a second person.
    pub pending: Option<MoneyApprovalId>,
    /// What the caller can do.
    pub actions: Actions,
}

/// What guards look at.
struct Facts<'a> {
    row: &'a DisputeRow,
    offers: &'a [OfferRow],
    pending: bool,
    role: Role,
    caller: AccountId,
}

impl Facts<'_> {
    fn blocked(&self, event: &str, guard: &str) -> Option<String> {
        let side = self.role.side().map(Side::as_str);
        let is_mine = side == Some(self.row.side.as_str());
        let me = Some(self.caller.uuid());
        let appeal = self.row.appeal.as_ref();
        let why = match guard {
            "asked_of_you" if is_mine => "Your side opened the dispute; the other side answers.",
            "opened_by_you" if !is_mine => "The other side opened the dispute.",
            "offer_of_other_side"
                if !self
                    .offers
                    .iter()
                    .any(|offer| offer.state == "open" && Some(offer.side.as_str()) != side) =>
            {
                "No offer of the other side stands."
            }
            "not_answered_by_you" if side.is_some() && self.row.accepted_by.as_deref() == side => {
                "Your side has accepted the proposal."
            }
            "no_award_pending" if self.pending => "An award waits for a second person's confirmation.",
            "not_appealed" if appeal.is_some() => "There was an appeal already.",
            "appeal_waits" if appeal.is_none_or(|appeal| appeal.outcome.is_some()) => "No appeal waits.",
            "no_tie" if self.role == Role::Reviewer { tied: true } => {
                "You have a part in the case: somebody else takes it."
            }
            "another_person" if self.row.mediator_id == me => {
                "You proposed in this case: another person decides."
            }
            "another_person" if event == "decide_appeal" && self.row.arbitrator_id == me => {
                "It is your award: another person answers."
            }
            _ => return None,
        };
        Some(why.to_owned())
    }
}

/// What the actor is to a dispute over the contract.
async fn role(conn: &mut Conn, actor: &Actor, contract: &ContractRow) -> Result<Role> {
    let missing = || Error::not_found("dispute");
    if actor.is(Permission::Reviewer) && actor.scopes.contains(&Scope::Account) {
        let seat = super::seat(conn, actor, contract).await.ok();
        if seat.is_none_or(|seat| seat.side.is_none()) {
            let tied = store::disputes::is_tied(conn, actor.account_id, contract.id).await?;
            return Ok(Role::Reviewer { tied });
        }
    }
    let seat = super::seat(conn, actor, contract).await.map_err(|_| missing())?;
    Ok(seat.side.map_or(Role::Reader, |side| Role::Party(side, seat.acts)))
}

async fn case(conn: &mut Conn, id: DisputeId) -> Result<Case> {
    let missing = || Error::not_found("dispute");
    let seen = store::disputes::find(conn, id).await?.ok_or_else(missing)?;
    let pair = lock_pair(conn, MilestoneId::from_uuid(seen.milestone_id)).await?;
    let (contract, milestone) = pair.ok_or_else(missing)?;
    let row = store::disputes::lock(conn, id).await?.ok_or_else(missing)?;
    Ok(Case { contract, milestone, row })
}

/// Begins an act on a dispute: locks it, asks the table, checks the guards.
async fn begin(conn: &mut Conn, actor: &Actor, id: DisputeId, event: &str) -> Result<(Case, Role)> {
    let case = case(conn, id).await?;
    let role = role(conn, actor, &case.contract).await?;
    let transition = DISPUTE.transition(&case.row.state, event, &role.who())?;
    let offers = store::disputes::offers(conn, case.row.id).await?;
    let pending = assay_payments::pending_act(conn, MoneyAct::DisputeAward, case.row.id).await?.is_some();
    let facts = Facts { row: &case.row, offers: &offers, pending, role, caller: actor.account_id };
    DISPUTE.check(transition, |guard| facts.blocked(event, guard))?;
    Ok((case, role))
}

/// Writes a dispute that has changed.
async fn save(ctx: &Ctx, conn: &mut Conn, row: &mut DisputeRow) -> Result<()> {
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    Ok(store::disputes::update(conn, row).await?)
}

/// The present state waits until then; then `event` is taken. Whatever the state before waited for is over.
async fn wait(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &mut DisputeRow,
    event: &str,
    until: DateTime<Utc>,
) -> Result<()> {
    timers::clear(conn, DISPUTE.name, row.id, STEPS).await?;
    row.due_at = Some(until);
    timers::set(ctx, conn, DISPUTE.name, row.id, event, until).await
}

/// The timers of the ladder's steps.
const STEPS: &[&str] = &[
    "second_notice",
    "default",
    "escalate",
    "proposal_overdue",
    "give_up_proposal",
    "award_overdue",
    "execute",
    "appeal_overdue",
];

async fn detail(conn: &mut Conn, actor: &Actor, case: Case) -> Result<DisputeDetail> {
    let role = role(conn, actor, &case.contract).await?;
    assemble(conn, actor, role, case.row, case.milestone.document.title.clone()).await
}

async fn assemble(
    conn: &mut Conn,
    actor: &Actor,
    role: Role,
    row: DisputeRow,
    title: String,
) -> Result<DisputeDetail> {
    let offers = store::disputes::offers(conn, row.id).await?;
    let pending = assay_payments::pending_act(conn, MoneyAct::DisputeAward, row.id).await?;
    let facts =
        Facts { row: &row, offers: &offers, pending: pending.is_some(), role, caller: actor.account_id };
    let actions =
        DISPUTE.actions(&row.state, &role.who(), |transition, guard| facts.blocked(transition.event, guard));
    Ok(DisputeDetail { title, offers, side: role.side(), pending, actions, row })
}

async fn seen(conn: &mut Conn, actor: &Actor, row: DisputeRow) -> Result<DisputeDetail> {
    let missing = || Error::not_found("dispute");
    let contract = store::contracts::find(conn, ContractId::from_uuid(row.contract_id)).await?;
    let contract = contract.ok_or_else(missing)?;
    let role = role(conn, actor, &contract).await?;
    let milestone = store::milestones::find(conn, MilestoneId::from_uuid(row.milestone_id)).await?;
    let title = milestone.ok_or_else(missing)?.document.0.title;
    assemble(conn, actor, role, row, title).await
}

/// A dispute, for the sides of the contract, and for staff who mediate or act on money.
///
/// # Errors
/// `not_found` for everybody else.
pub async fn get(conn: &mut Conn, actor: &Actor, id: DisputeId) -> Result<DisputeDetail> {
    let row = store::disputes::find(conn, id).await?.ok_or_else(|| Error::not_found("dispute"))?;
    seen(conn, actor, row).await
}

/// The disputes of a contract, oldest first.
///
/// # Errors
/// `not_found` for those who may not see the contract.
pub async fn of_contract(conn: &mut Conn, actor: &Actor, id: ContractId) -> Result<Vec<DisputeDetail>> {
    let (contract, _) = super::read(conn, actor, id).await?;
    let mut all = Vec::new();
    for row in store::disputes::of_contract(conn, contract.id).await? {
        all.push(seen(conn, actor, row).await?);
    }
    Ok(all)
}

/// The dispute of an offer.
async fn of_offer(conn: &mut Conn, id: DisputeOfferId) -> Result<(OfferRow, DisputeId)> {
    let missing = || Error::not_found("dispute offer");
    let offer = store::disputes::find_offer(conn, id.uuid()).await?.ok_or_else(missing)?;
    let dispute = DisputeId::from_uuid(offer.dispute_id);
    Ok((offer, dispute))
}

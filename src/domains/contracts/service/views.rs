//! Contracts and milestones as a caller may see them, with what the caller can do.

use assay_kernel::ids::{ContractId, MilestoneId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::{Actor, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use chrono::Duration;

use super::{Seat, read, seat};
use crate::model::{CONTRACT, ContractState, HoldbackState, MILESTONE, Side};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::disputes::DisputeRow;
use crate::store::milestones::{DecisionRow, DeliveryRow, MilestoneRow};

/// A contract with its milestones.
#[derive(Debug)]
pub struct ContractDetail {
    /// The row.
    pub row: ContractRow,
    /// On which side the caller is.
    pub side: Option<Side>,
    /// What the caller can do with the contract.
    pub actions: Actions,
    /// The milestones, with what the caller can do.
    pub milestones: Vec<(MilestoneRow, Actions)>,
}

/// A milestone with what happened to it.
#[derive(Debug)]
pub struct MilestoneDetail {
    /// The contract.
    pub contract: ContractRow,
    /// The row.
    pub row: MilestoneRow,
    /// Oldest first.
    pub deliveries: Vec<DeliveryRow>,
    /// Oldest first.
    pub decisions: Vec<DecisionRow>,
    /// Oldest first.
    pub disputes: Vec<DisputeRow>,
    /// What the caller can do.
    pub actions: Actions,
}

/// Why a guard of the contract's table blocks this side.
pub(super) fn contract_blocked(row: &ContractRow, side: Option<Side>, guard: &str) -> Option<String> {
    let proposed_by = row.proposal.as_ref().map(|proposal| proposal.by);
    match guard {
        "not_signed_by_you" => row
            .signatures
            .iter()
            .any(|signature| Some(signature.side) == side)
            .then(|| "Your side has signed already.".to_owned()),
        "no_open_proposal" => {
            proposed_by.map(|by| format!("The {by} has proposed to end the contract; answer that first."))
        }
        "proposal_open" => {
            proposed_by.is_none().then(|| "Nobody has proposed to end the contract.".to_owned())
        }
        "asked_of_you" => (proposed_by.is_none() || proposed_by == side)
            .then(|| "The other side has not proposed to end the contract.".to_owned()),
        _ => None,
    }
}

/// Why a guard of the milestone's table blocks.
pub(super) fn milestone_blocked(
    ctx: &Ctx,
    contract: &ContractRow,
    row: &MilestoneRow,
    guard: &str,
) -> Option<String> {
    let policy = &ctx.policy.contracts;
    match guard {
        "contract_open" => {
            let open = matches!(contract.state(), Ok(ContractState::AwaitingFunding | ContractState::Active));
            (!open).then(|| format!("The contract is {}: it takes no payments.", contract.state))
        }
        "revisions_left" => (row.revisions >= contract.terms.revision_limit).then(|| {
            format!("{} rounds of changes were agreed, and used; accept, or ask for a refund.", row.revisions)
        }),
        "is_late" => {
            let from = row.due_at + Duration::days(policy.late_days);
            (ctx.clock.now() < from || contract.paused_at.is_some())
                .then(|| format!("Possible from {}.", from.format("%Y-%m-%d")))
        }
        "not_in_dispute" => row.open_dispute_id.map(|_| "A dispute over it is open.".to_owned()),
        "dispute_in_time" => {
            let until = row.decided_at.map(|at| at + Duration::days(ctx.policy.disputes.after_release_days));
            let over = until.is_none_or(|until| until < ctx.clock.now());
            (over || row.so_far().accepted() == 0)
                .then(|| "The days for a dispute over what was released are over.".to_owned())
        }
        "is_held_back" => {
            (row.holdback_state != HoldbackState::Held.as_str()).then(|| "Nothing is held back.".to_owned())
        }
        _ => None,
    }
}

/// What the caller can do with a milestone.
pub(super) fn milestone_actions(
    ctx: &Ctx,
    contract: &ContractRow,
    row: &MilestoneRow,
    who: &[Who],
) -> Actions {
    MILESTONE.actions(&row.state, who, |_, guard| milestone_blocked(ctx, contract, row, guard))
}

async fn assemble(ctx: &Ctx, conn: &mut Conn, row: ContractRow, seat: Seat) -> Result<ContractDetail> {
    let who = seat.who();
    let actions = CONTRACT.actions(&row.state, &who, |_, guard| contract_blocked(&row, seat.side, guard));
    let milestones = store::milestones::of_contract(conn, row.id).await?;
    let milestones = milestones
        .into_iter()
        .map(|milestone| {
            let actions = milestone_actions(ctx, &row, &milestone, &who);
            (milestone, actions)
        })
        .collect();
    Ok(ContractDetail { side: seat.side, actions, milestones, row })
}

/// A contract after an act, as the caller sees it.
pub(super) async fn detail(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    row: ContractRow,
) -> Result<ContractDetail> {
    let seat = seat(conn, actor, &row).await?;
    assemble(ctx, conn, row, seat).await
}

/// A contract, for its parties and finance staff.
///
/// # Errors
/// `not_found` for strangers.
pub async fn get(ctx: &Ctx, conn: &mut Conn, actor: &Actor, id: ContractId) -> Result<ContractDetail> {
    let (row, seat) = read(conn, actor, id).await?;
    assemble(ctx, conn, row, seat).await
}

/// The exact text of an edition and its hash, for who may see the contract.
///
/// # Errors
/// `not_found`.
pub async fn text(
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    edition: Option<i32>,
) -> Result<(String, String)> {
    read(conn, actor, id).await?;
    store::contracts::edition(conn, id, edition)
        .await?
        .ok_or_else(|| Error::not_found("edition of the contract"))
}

/// A milestone, for the parties, finance staff, and a third party that signs something of it off.
///
/// # Errors
/// `not_found` for strangers.
pub async fn milestone(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
) -> Result<MilestoneDetail> {
    let missing = || Error::not_found("milestone");
    let row = store::milestones::find(conn, id).await?.ok_or_else(missing)?;
    let contract = store::contracts::find(conn, ContractId::from_uuid(row.contract_id)).await?;
    let contract = contract.ok_or_else(missing)?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// A milestone after an act, as the caller sees it.
pub(super) async fn milestone_detail(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    contract: ContractRow,
    row: MilestoneRow,
) -> Result<MilestoneDetail> {
    let who = if is_third_party(actor, &contract, &row) {
        Vec::new()
    } else {
        seat(conn, actor, &contract).await.map_err(|_| Error::not_found("milestone"))?.who()
    };
    let actions = milestone_actions(ctx, &contract, &row, &who);
    let deliveries = store::milestones::deliveries(conn, row.id).await?;
    let decisions = store::milestones::decisions(conn, row.id).await?;
    let disputes = store::disputes::of_milestone(conn, row.id).await?;
    Ok(MilestoneDetail { contract, row, deliveries, decisions, disputes, actions })
}

/// Does the actor sign something of the milestone off?
pub(super) fn is_third_party(actor: &Actor, contract: &ContractRow, row: &MilestoneRow) -> bool {
    let condition = contract.terms.holdback.as_ref().and_then(|holding| holding.condition.as_ref());
    let checks = row.document.deliverables.iter().map(|one| &one.check).chain(condition);
    checks.into_iter().any(|check| check.account_id == Some(actor.account_id))
}

/// Contracts of the caller, newest first.
pub async fn list(
    conn: &mut Conn,
    actor: &Actor,
    state: Option<ContractState>,
    before: Option<uuid::Uuid>,
    limit: i64,
) -> Result<Vec<ContractRow>> {
    let state = state.map(ContractState::as_str);
    Ok(store::contracts::of_person(conn, actor.account_id, state, before, limit).await?)
}

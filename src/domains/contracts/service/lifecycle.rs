//! The contract as a whole: pauses, notice, ending it by both or by one, completion.

use assay_kernel::ids::ContractId;
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Money, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::policy::add_business_days;
use assay_platform::timers;
use assay_platform::web::IfMatch;
use assay_projects::ContractEnd;
use chrono::Duration;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use validator::Validate;

use super::decide::{Order, decide};
use super::views::{ContractDetail, contract_blocked, detail};
use super::{Seat, changes, clocks, lock, notify, save, save_milestone};
use crate::model::{CONTRACT, ContractState, DecisionKind, MILESTONE, MilestoneState, Proposal, Share, Side};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

/// Why the contract should end, and who gets what.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// Why.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "The product was sold; nobody needs the importer any more.")]
    pub reason: Text,
    /// The developer's part of milestones whose money is held; the rest goes back.
    #[serde(default)]
    #[validate(nested, length(max = 100))]
    #[schema(max_items = 100)]
    pub shares: Vec<Share>,
}

/// Begins an act on a contract: locks it, asks the table, checks the guards.
async fn begin(
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
    event: &str,
) -> Result<(ContractRow, Seat, Side)> {
    let (mut row, seat) = lock(conn, actor, id).await?;
    seen.check(row.version)?;
    let transition = CONTRACT.transition(&row.state, event, &seat.who())?;
    let side = seat.acting()?;
    CONTRACT.check(transition, |guard| contract_blocked(&row, Some(side), guard))?;
    row.state = transition.to.to_owned();
    Ok((row, seat, side))
}

/// Puts the contract to rest.
pub async fn pause_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
    reason: &str,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "pause").await?;
    row.reason = Some(reason.to_owned());
    row.paused_at = Some(ctx.clock.now());
    save(ctx, conn, &mut row).await?;
    notify::contract(ctx, conn, &row, "contract.paused", json!({ "by": side, "reason": reason })).await?;
    detail(ctx, conn, actor, row).await
}

/// Goes on: dates of delivery move by the time of the pause.
pub async fn resume_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "resume").await?;
    end_pause(ctx, conn, &mut row).await?;
    save(ctx, conn, &mut row).await?;
    notify::contract(ctx, conn, &row, "contract.resumed", json!({ "by": side })).await?;
    detail(ctx, conn, actor, row).await
}

async fn end_pause(ctx: &Ctx, conn: &mut Conn, row: &mut ContractRow) -> Result<()> {
    let Some(paused_at) = row.paused_at.take() else { return Ok(()) };
    let rest = ctx.clock.now() - paused_at;
    for mut milestone in store::milestones::lock_all(conn, row.id).await? {
        if milestone.state()?.is_closed() {
            continue;
        }
        milestone.due_at += rest;
        save_milestone(ctx, conn, &mut milestone).await?;
        clocks::set_due(ctx, conn, &milestone).await?;
    }
    Ok(())
}

/// Gives notice: nothing new is paid, what is under way has five business days.
pub async fn give_notice_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
    reason: &str,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "give_notice").await?;
    end_pause(ctx, conn, &mut row).await?;
    let until = add_business_days(ctx.clock.now(), ctx.policy.contracts.notice_business_days);
    row.reason = Some(reason.to_owned());
    row.notice_until = Some(until);
    timers::set(ctx, conn, CONTRACT.name, row.id, "notice_over", until).await?;
    save(ctx, conn, &mut row).await?;
    let data = json!({ "by": side, "reason": reason, "notice_until": until });
    notify::contract(ctx, conn, &row, "contract.notice_given", data).await?;
    notify::mail_ending(ctx, conn, &row, side.other(), reason, Some(until)).await?;
    detail(ctx, conn, actor, row).await
}

/// Proposes to end the contract.
pub async fn propose_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
    ending: &Ending,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "propose_termination").await?;
    let milestones = store::milestones::of_contract(conn, row.id).await?;
    check_shares(&ending.shares, &milestones)?;
    let expires_at = ctx.clock.now() + Duration::days(ctx.policy.contracts.change_order_days);
    row.proposal = Some(Json(Proposal {
        by: side,
        reason: ending.reason.to_string(),
        shares: ending.shares.clone(),
        expires_at,
    }));
    timers::set(ctx, conn, CONTRACT.name, row.id, "expire_proposal", expires_at).await?;
    save(ctx, conn, &mut row).await?;
    let data = json!({ "by": side, "reason": ending.reason, "expires_at": expires_at });
    notify::contract(ctx, conn, &row, "contract.termination_proposed", data).await?;
    notify::mail_ending(ctx, conn, &row, side.other(), &ending.reason, Some(expires_at)).await?;
    detail(ctx, conn, actor, row).await
}

/// Declines such a proposal, or takes one's own back.
pub async fn decline_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "decline_termination").await?;
    row.proposal = None;
    timers::clear(conn, CONTRACT.name, row.id, &["expire_proposal"]).await?;
    save(ctx, conn, &mut row).await?;
    notify::contract(ctx, conn, &row, "contract.termination_declined", json!({ "by": side })).await?;
    detail(ctx, conn, actor, row).await
}

/// Ends the contract as the other side proposed: each milestone whose money is held is settled.
///
/// # Errors
/// `reauthentication_required` or `step_up_required` without a recent proof of who it is.
pub async fn accept_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "accept_termination").await?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let proposal = row.proposal.take().ok_or_else(|| Error::internal("a proposal is missing"))?.0;
    let milestones = store::milestones::lock_all(conn, row.id).await?;
    let is_shared =
        |m: &MilestoneRow| proposal.shares.iter().any(|share| share.milestone_id == m.milestone_id());
    if milestones.iter().any(|m| is_shared(m) && m.state == MilestoneState::Disputed.as_str()) {
        let detail = "A milestone that the proposal shares is frozen: its dispute ends first.";
        return Err(Error::new(Code::StateConflict, detail));
    }
    for mut milestone in milestones {
        // What was accepted since the proposal stays accepted; what is frozen goes its own way.
        if milestone.state()?.is_live() {
            settle(ctx, conn, &mut row, &mut milestone, &proposal.shares).await?;
        }
    }
    let end = json!({ "by": side, "reason": proposal.reason });
    terminate(ctx, conn, &mut row, "contract.terminated", end).await?;
    detail(ctx, conn, actor, row).await
}

/// Ends the contract for a cause. What was delivered is reviewed as agreed; what was not goes back, but for what the
/// client leaves to the developer.
///
/// # Errors
/// `invalid_fields` when a developer names shares, or a delivered milestone is named.
pub async fn terminate_for_cause_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    seen: &IfMatch,
    ending: &Ending,
) -> Result<ContractDetail> {
    let (mut row, _, side) = begin(conn, actor, id, seen, "terminate_for_cause").await?;
    assay_identity::require_step_up(ctx, conn, actor).await?;
    let milestones = store::milestones::lock_all(conn, row.id).await?;
    let undelivered: Vec<MilestoneRow> =
        milestones.into_iter().filter(|m| m.state().is_ok_and(MilestoneState::is_undelivered)).collect();
    if side == Side::Developer && !ending.shares.is_empty() {
        let detail = "are for the client to leave; propose to end the contract instead";
        return Err(Error::invalid_field("/shares", "not_allowed", detail));
    }
    check_shares(&ending.shares, &undelivered)?;
    for mut milestone in undelivered {
        settle(ctx, conn, &mut row, &mut milestone, &ending.shares).await?;
    }
    row.reason = Some(ending.reason.to_string());
    let end = json!({ "by": side, "reason": ending.reason });
    terminate(ctx, conn, &mut row, "contract.terminated", end).await?;
    notify::mail_ending(ctx, conn, &row, side.other(), &ending.reason, None).await?;
    detail(ctx, conn, actor, row).await
}

async fn settle(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &mut MilestoneRow,
    shares: &[Share],
) -> Result<()> {
    let share = shares.iter().find(|share| share.milestone_id == milestone.milestone_id());
    let accepted = share.map_or(0, |share| share.amount).max(milestone.so_far().accepted());
    let order = Order {
        kind: DecisionKind::Settled,
        event: "settle_up",
        who: &[Who::System],
        by: None,
        accepted: Money::new(accepted, milestone.currency()?),
    };
    decide(ctx, conn, contract, milestone, order).await.map(drop)
}

/// A milestone that thaws has missed what happened to its contract: one that a change dropped goes back, and where the
/// contract has ended or a notice has run out, what was not delivered is settled.
pub(super) async fn catch_up(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &mut MilestoneRow,
) -> Result<()> {
    let in_terms = contract.terms.milestones.iter().any(|one| one.id == milestone.milestone_id());
    if !in_terms && !changes::is_awaited(conn, milestone).await? {
        return changes::drop_held(ctx, conn, contract, milestone).await;
    }
    if contract.state()? == ContractState::TerminatedMutual && milestone.state()?.is_live() {
        // Both agreed that it ends, and on no share of this one.
        return settle(ctx, conn, contract, milestone, &[]).await;
    }
    let noticed = contract.notice_until.is_some_and(|until| until <= ctx.clock.now());
    if (noticed || !contract.state()?.is_open()) && milestone.state()?.is_undelivered() {
        settle(ctx, conn, contract, milestone, &[]).await?;
    }
    Ok(())
}

fn check_shares(shares: &[Share], milestones: &[MilestoneRow]) -> Result<()> {
    let mut errors = assay_kernel::error::FieldErrors::new();
    for (i, share) in shares.iter().enumerate() {
        let found = milestones.iter().find(|row| row.milestone_id() == share.milestone_id);
        let held = found.filter(|row| row.state().is_ok_and(MilestoneState::is_live));
        match held {
            None => errors.push(
                format!("/shares/{i}/milestone_id"),
                "unknown_value",
                "is no milestone whose held money can be shared now",
            ),
            Some(row) => {
                let pointer = format!("/shares/{i}/amount");
                let range = row.so_far().accepted()..=row.there();
                let detail = format!("must be {} to {}", range.start(), range.end());
                errors.check(range.contains(&share.amount), &pointer, "out_of_range", &detail);
            }
        }
        if shares.iter().take(i).any(|before| before.milestone_id == share.milestone_id) {
            errors.push(format!("/shares/{i}/milestone_id"), "duplicate", "is named twice");
        }
    }
    errors.finish()
}

/// The end, whatever it is called: unpaid milestones are cancelled, open offers end, the project leaves.
async fn terminate(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &mut ContractRow,
    kind: &str,
    data: serde_json::Value,
) -> Result<()> {
    drop_unpaid(ctx, conn, row).await?;
    close(ctx, conn, row, ContractEnd::Terminated).await?;
    notify::contract(ctx, conn, row, kind, data).await
}

async fn close(ctx: &Ctx, conn: &mut Conn, row: &mut ContractRow, end: ContractEnd) -> Result<()> {
    row.proposal = None;
    row.paused_at = None;
    timers::clear(conn, CONTRACT.name, row.id, &[]).await?;
    changes::expire_open(ctx, conn, row).await?;
    save(ctx, conn, row).await?;
    assay_projects::leave_contract_in(ctx, conn, row.project(), row.bid(), end).await
}

/// Cancels milestones that were not paid.
pub(super) async fn drop_unpaid(ctx: &Ctx, conn: &mut Conn, row: &ContractRow) -> Result<()> {
    for mut milestone in store::milestones::lock_all(conn, row.id).await? {
        if matches!(milestone.state()?, MilestoneState::Planned | MilestoneState::FundingPending) {
            milestone.state = MILESTONE.transition(&milestone.state, "drop", &[Who::System])?.to.to_owned();
            save_milestone(ctx, conn, &mut milestone).await?;
        }
    }
    Ok(())
}

/// Completes the contract when its last milestone is decided.
pub(super) async fn complete_if_done(ctx: &Ctx, conn: &mut Conn, row: &mut ContractRow) -> Result<()> {
    let Ok(transition) = CONTRACT.transition(&row.state, "complete", &[Who::System]) else { return Ok(()) };
    let milestones = store::milestones::of_contract(conn, row.id).await?;
    for milestone in &milestones {
        if !milestone.state()?.is_closed() {
            return Ok(());
        }
    }
    row.state = transition.to.to_owned();
    close(ctx, conn, row, ContractEnd::Completed).await?;
    notify::contract(ctx, conn, row, "contract.completed", json!({})).await
}

/// The notice is over: what was not delivered is settled, what was not paid is cancelled. Deliveries are reviewed.
pub(super) async fn notice_over(ctx: &Ctx, conn: &mut Conn, row: &mut ContractRow) -> Result<()> {
    drop_unpaid(ctx, conn, row).await?;
    for mut milestone in store::milestones::lock_all(conn, row.id).await? {
        if milestone.state()?.is_undelivered() {
            settle(ctx, conn, row, &mut milestone, &[]).await?;
        }
    }
    if row.state()? == ContractState::Completing {
        complete_if_done(ctx, conn, row).await?;
    }
    Ok(())
}

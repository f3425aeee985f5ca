//! How a dispute ends: the money is divided by the one function of decisions, or thaws.

use assay_kernel::ids::DisputeId;
use assay_kernel::process::Who;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::{clocks, decide, funding, notify, save_milestone};
use super::{Case, save};
use crate::model::{DISPUTE, DecisionKind, Division, MILESTONE, arbitration_fee, step};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

const SYSTEM: &[Who] = &[Who::System];

/// What a dispute over a milestone is over: what is held and not accepted; after its decision, what was accepted.
pub(super) fn opened_over(milestone: &MilestoneRow, after_release: bool) -> i64 {
    if after_release { milestone.so_far().accepted() } else { milestone.undecided() }
}

/// Ends a dispute. The milestone is written by the caller.
pub(super) async fn close(ctx: &Ctx, conn: &mut Conn, case: &mut Case, state: &str) -> Result<()> {
    case.row.state = state.to_owned();
    case.row.due_at = None;
    case.row.closed_at = Some(ctx.clock.now());
    case.milestone.open_dispute_id = None;
    timers::clear(conn, DISPUTE.name, case.row.id, &[]).await?;
    save(ctx, conn, &mut case.row).await
}

/// Divides the money and ends the dispute.
///
/// # Errors
/// `state_conflict` when somebody else was first, or while the payer's bank takes the payment back.
pub(super) async fn divide(
    ctx: &Ctx,
    conn: &mut Conn,
    case: &mut Case,
    state: &str,
    kind: DecisionKind,
    division: &Division,
) -> Result<()> {
    close(ctx, conn, case, state).await?;
    let Case { contract, milestone, row } = case;
    let fee = if row.after_release {
        let fee = decide::divide_accepted(ctx, conn, contract, milestone, row.id, division).await?;
        assay_payments::resume_transfers_in(ctx, conn, milestone.id).await?;
        fee
    } else {
        decide::divide(ctx, conn, contract, milestone, kind, row.id, division).await?.arbitration_fee
    };
    row.fee_taken = fee;
    save(ctx, conn, row).await?;
    let data = json!({
        "kind": kind, "developer_amount": division.developer, "client_amount": division.client,
        "arbitration_fee": fee,
    });
    notify::dispute(ctx, conn, case, "dispute.divided", data, false).await
}

/// A frozen milestone goes on where it stood; the time since then is added to its clocks.
pub(crate) async fn thaw(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
    since: DateTime<Utc>,
) -> Result<()> {
    let before = milestone.state_before.take().unwrap_or_else(|| "funded".to_owned());
    milestone.state = step(&MILESTONE, &milestone.state, "unfreeze", &before, SYSTEM)?.to.to_owned();
    let rest = ctx.clock.now() - since;
    milestone.due_at += rest;
    milestone.review_until = milestone.review_until.map(|until| until + rest);
    clocks::restart(ctx, conn, contract, milestone).await?;
    save_milestone(ctx, conn, milestone).await
}

/// A payer's bank has decided, and has `taken` so much: what it took of the held money is the client's, and an open dispute
/// goes on over the rest. Whatever a side wants, was proposed or awarded above it, is all of it. What it took of released
/// money it took from the platform, which an award repays first. A dispute that has nothing left to be over ends.
pub(crate) async fn after_bank(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
    taken: i64,
) -> Result<()> {
    let Some(mut case) = open_case(conn, contract, milestone).await? else { return Ok(()) };
    let row = &case.row;
    let left = match row.after_release {
        true if taken >= row.amount => 0,
        true => milestone.so_far().accepted().min(row.amount),
        false => milestone.undecided(),
    };
    if left == 0 {
        return lose_object(ctx, conn, case, milestone).await;
    }
    let held_no_longer = funding::hold_deadline(ctx, milestone).is_some_and(|until| until <= ctx.clock.now());
    if row.after_release && !held_no_longer {
        // The payments have let go what waited for the bank.
        assay_payments::hold_transfers_in(ctx, conn, milestone.id).await?;
    }
    if left < row.amount { lose_part(ctx, conn, &mut case, left).await } else { Ok(()) }
}

async fn lose_part(ctx: &Ctx, conn: &mut Conn, case: &mut Case, left: i64) -> Result<()> {
    let row = &mut case.row;
    row.state = DISPUTE.transition(&row.state, "lose_part", SYSTEM)?.to.to_owned();
    row.amount = left;
    row.claim = row.claim.min(left);
    row.answer = row.answer.map(|answer| answer.min(left));
    row.fee = row.fee.min(arbitration_fee(row.balance()?, ctx.policy.disputes.arbitration_fee_bps));
    for ruling in [&mut row.proposal, &mut row.award].into_iter().flatten() {
        ruling.0.developer = ruling.0.developer.min(left);
    }
    if let Some(appeal) = &mut row.appeal {
        appeal.0.developer = appeal.0.developer.min(left);
    }
    save(ctx, conn, row).await?;
    store::disputes::lower_offers(conn, row.id, left).await?;
    let data = json!({ "amount": case.row.balance()? });
    notify::dispute(ctx, conn, case, "dispute.amount_lowered", data, true).await
}

async fn lose_object(ctx: &Ctx, conn: &mut Conn, mut case: Case, milestone: &mut MilestoneRow) -> Result<()> {
    let gone = DISPUTE.transition(&case.row.state, "lose_object", SYSTEM)?.to;
    close(ctx, conn, &mut case, gone).await?;
    milestone.open_dispute_id = None;
    save_milestone(ctx, conn, milestone).await?;
    if case.row.after_release {
        assay_payments::resume_transfers_in(ctx, conn, milestone.id).await?;
        clocks::set_holdback(ctx, conn, milestone).await?;
    }
    notify::dispute(ctx, conn, &case, "dispute.object_lost", json!({}), false).await
}

/// The open dispute over a milestone, locked after it.
async fn open_case(
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &MilestoneRow,
) -> Result<Option<Case>> {
    let Some(id) = milestone.open_dispute_id else { return Ok(None) };
    let row = store::disputes::lock(conn, DisputeId::from_uuid(id)).await?;
    let row = row.ok_or_else(|| Error::internal("an open dispute is missing"))?;
    Ok(Some(Case { contract: contract.clone(), milestone: milestone.clone(), row }))
}

//! Every clock of contracts. A timer may fire late or twice, so each looks at the present state and times again.

use assay_kernel::ids::{ChangeOrderId, ContractId, MilestoneId};
use assay_kernel::process::Who;
use assay_kernel::{Money, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers::{self, Fired};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::decide::{Order, decide, free_holdback};
use super::{changes, draw, funding, lifecycle, lock_pair, notify, refunds, save};
use crate::model::{CONTRACT, DecisionKind, HoldbackState, MILESTONE, MilestoneState};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

const SYSTEM: &[Who] = &[Who::System];
/// The clocks of a review.
pub(super) const REVIEW: &[&str] = &["review_half", "review_last_day", "auto_accept"];
const UNDELIVERED: &[MilestoneState] =
    &[MilestoneState::Funded, MilestoneState::InWork, MilestoneState::ChangesRequested];

async fn set(ctx: &Ctx, conn: &mut Conn, row: &MilestoneRow, event: &str, at: DateTime<Utc>) -> Result<()> {
    timers::set(ctx, conn, MILESTONE.name, row.id, event, at).await
}

/// The clocks of a delivery that is awaited.
pub(super) async fn set_due(ctx: &Ctx, conn: &mut Conn, row: &MilestoneRow) -> Result<()> {
    if !UNDELIVERED.contains(&row.state()?) {
        return Ok(());
    }
    let policy = &ctx.policy.contracts;
    let never = row.due_at + Duration::days(policy.never_delivered_days);
    set(ctx, conn, row, "late", row.due_at + Duration::days(policy.late_days)).await?;
    let notice = never - Duration::days(policy.never_delivered_notice_days);
    set(ctx, conn, row, "never_delivered_notice", notice).await?;
    set(ctx, conn, row, "never_delivered", never).await
}

/// The clocks of money that is held.
pub(super) async fn set_hold(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &MilestoneRow,
    funded_at: DateTime<Utc>,
) -> Result<()> {
    let policy = &ctx.policy.contracts;
    let until = funded_at + Duration::days(policy.hold_days);
    set(ctx, conn, row, "hold_notice", until - Duration::days(policy.hold_notice_days)).await?;
    set(ctx, conn, row, "hold_deadline", until).await
}

/// The clock of what is held back.
pub(super) async fn set_holdback(ctx: &Ctx, conn: &mut Conn, row: &MilestoneRow) -> Result<()> {
    match row.holdback_until.filter(|_| row.holdback_state == HoldbackState::Held.as_str()) {
        Some(until) => set(ctx, conn, row, "free_holdback", until).await,
        None => Ok(()),
    }
}

/// The clocks of a review that ends then.
pub(super) async fn set_review(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &mut MilestoneRow,
    until: DateTime<Utc>,
) -> Result<()> {
    let now = ctx.clock.now();
    row.review_until = Some(until);
    let last = until - Duration::hours(ctx.policy.contracts.review_warning_hours);
    let half = now + (until - now) / 2;
    for (event, at) in [("review_half", half), ("review_last_day", last), ("auto_accept", until)] {
        set(ctx, conn, row, event, at).await?;
    }
    Ok(())
}

/// The clocks of a milestone that goes on where it stood. A review goes on as long as it had left, or from the
/// beginning when that is over.
pub(super) async fn restart(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    row: &mut MilestoneRow,
) -> Result<()> {
    let now = ctx.clock.now();
    match row.state()? {
        MilestoneState::Delivered => {
            let whole = now + Duration::days(i64::from(contract.terms.review_days));
            let until = row.review_until.filter(|until| *until > now).unwrap_or(whole);
            set_review(ctx, conn, row, until).await?;
        }
        _ => set_due(ctx, conn, row).await?,
    }
    match row.funded_at {
        Some(funded_at) => set_hold(ctx, conn, row, funded_at).await,
        None => Ok(()),
    }
}

/// A request for a refund is over: the time that it took is added.
pub(super) fn end_request(ctx: &Ctx, row: &mut MilestoneRow) {
    let Some(until) = row.answer_until.take() else { return };
    let asked_at = until - Duration::days(ctx.policy.contracts.refund_answer_days);
    let rest = ctx.clock.now() - asked_at;
    row.due_at += rest;
    row.review_until = row.review_until.map(|until| until + rest);
}

/// A milestone is about to freeze: where it stands is kept. A request for a refund ends with that: things go back to where
/// they stood before it.
pub(super) fn before_freeze(ctx: &Ctx, row: &mut MilestoneRow) -> Result<()> {
    if row.state()? != MilestoneState::RefundRequested {
        row.state_before = Some(row.state.clone());
    }
    end_request(ctx, row);
    Ok(())
}

/// Runs a clock's work on a milestone that is locked.
async fn on_milestone(
    ctx: &Ctx,
    fired: &Fired,
    work: impl AsyncFn(&mut Conn, &mut ContractRow, &mut MilestoneRow) -> Result<()>,
) -> Result<()> {
    ctx.db
        .tx(async |conn| {
            let id = MilestoneId::from_uuid(fired.subject);
            match lock_pair(conn, id).await? {
                Some((mut contract, mut row)) => work(conn, &mut contract, &mut row).await,
                None => Ok(()),
            }
        })
        .await
}

/// A part of the review is over.
pub async fn on_review_warning(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let Some(until) = row.review_until else { return Ok(()) };
        if row.state()? != MilestoneState::Delivered || until <= ctx.clock.now() {
            return Ok(());
        }
        let data = json!({ "review_until": until });
        notify::milestone(&ctx, conn, contract, row, "milestone.review_ending", data).await?;
        notify::mail_review(&ctx, conn, contract, row, until, true).await
    })
    .await
}

/// The review is over: silence accepts.
pub async fn on_auto_accept(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let over = row.review_until.is_some_and(|until| until <= ctx.clock.now());
        if row.state()? != MilestoneState::Delivered || !over {
            return Ok(());
        }
        let accepted = Money::new(row.amount, row.currency()?);
        let kind = DecisionKind::AutoAccepted;
        let order = Order { kind, event: "auto_accept", who: SYSTEM, by: None, accepted };
        decide(&ctx, conn, contract, row, order).await.map(drop)
    })
    .await
}

/// A request for a refund was not answered.
pub async fn on_refund_silence(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let over = row.answer_until.is_some_and(|until| until <= ctx.clock.now());
        if row.state()? != MilestoneState::RefundRequested || !over {
            return Ok(());
        }
        refunds::grant(&ctx, conn, contract, row, SYSTEM, None).await
    })
    .await
}

/// Is the delivery awaited, and this long overdue?
fn overdue(ctx: &Ctx, contract: &ContractRow, row: &MilestoneRow, days: i64) -> Result<bool> {
    let since = row.due_at + Duration::days(days);
    Ok(contract.paused_at.is_none() && since <= ctx.clock.now() && UNDELIVERED.contains(&row.state()?))
}

/// The client may cancel from now on.
pub async fn on_late(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        if !overdue(&ctx, contract, row, ctx.policy.contracts.late_days)? {
            return Ok(());
        }
        notify::milestone(&ctx, conn, contract, row, "milestone.late", json!({ "due_at": row.due_at })).await
    })
    .await
}

/// It is cancelled soon.
pub async fn on_never_delivered_notice(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let policy = &ctx.policy.contracts;
        let from = policy.never_delivered_days.saturating_sub(policy.never_delivered_notice_days);
        if !overdue(&ctx, contract, row, from)? {
            return Ok(());
        }
        let until = row.due_at + Duration::days(policy.never_delivered_days);
        notify::mail_both_late(&ctx, conn, contract, row, until, false).await
    })
    .await
}

/// It was never delivered.
pub async fn on_never_delivered(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        if !overdue(&ctx, contract, row, ctx.policy.contracts.never_delivered_days)? {
            return Ok(());
        }
        let accepted = Money::new(row.so_far().accepted(), row.currency()?);
        let kind = DecisionKind::NeverDelivered;
        let order = Order { kind, event: "never_delivered", who: SYSTEM, by: None, accepted };
        decide(&ctx, conn, contract, row, order).await.map(drop)
    })
    .await
}

/// The money can be held for some days only.
pub async fn on_hold_notice(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let Some(until) = funding::hold_deadline(&ctx, row) else { return Ok(()) };
        if !row.state()?.is_undecided() {
            return Ok(());
        }
        let data = json!({ "held_until": until });
        notify::milestone(&ctx, conn, contract, row, "milestone.hold_ending", data).await?;
        notify::mail_both_late(&ctx, conn, contract, row, until, true).await
    })
    .await
}

/// The money can be held no longer: what is delivered counts as accepted, what is not goes back.
pub async fn on_hold_deadline(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let over = funding::hold_deadline(&ctx, row).is_some_and(|until| until <= ctx.clock.now());
        if !over || MILESTONE.transition(&row.state, "force", SYSTEM).is_err() {
            return Ok(());
        }
        let delivered = row.state()? == MilestoneState::Delivered;
        let accepted = if delivered { row.amount } else { row.so_far().accepted() };
        let accepted = Money::new(accepted, row.currency()?);
        let kind = DecisionKind::HoldExpired;
        let order = Order { kind, event: "force", who: SYSTEM, by: None, accepted };
        decide(&ctx, conn, contract, row, order).await.map(drop)
    })
    .await
}

/// What is held back is due.
pub async fn on_free_holdback(ctx: Ctx, fired: Fired) -> Result<()> {
    on_milestone(&ctx, &fired, async |conn, contract, row| {
        let over = row.holdback_until.is_some_and(|until| until <= ctx.clock.now());
        // A dispute over what was released decides on it, or sets this clock again.
        let disputed = row.open_dispute_id.is_some();
        if !over || disputed || row.holdback_state != HoldbackState::Held.as_str() {
            return Ok(());
        }
        if !assay_payments::can_move(conn, row.id).await? {
            // The payer's bank has it frozen: looked at again tomorrow.
            let tomorrow = ctx.clock.now() + Duration::days(1);
            return timers::set(&ctx, conn, MILESTONE.name, row.id, "free_holdback", tomorrow).await;
        }
        free_holdback(&ctx, conn, contract, row, SYSTEM, None).await.map(drop)
    })
    .await
}

/// Runs a clock's work on a contract that is locked.
async fn on_contract(
    ctx: &Ctx,
    fired: &Fired,
    work: impl AsyncFn(&mut Conn, &mut ContractRow) -> Result<()>,
) -> Result<()> {
    ctx.db
        .tx(async |conn| match store::contracts::lock(conn, ContractId::from_uuid(fired.subject)).await? {
            Some(mut row) => work(conn, &mut row).await,
            None => Ok(()),
        })
        .await
}

/// Nobody signed, or nobody paid.
pub async fn on_lapse(ctx: Ctx, fired: Fired) -> Result<()> {
    on_contract(&ctx, &fired, async |conn, row| {
        let now = ctx.clock.now();
        let over = row.lapses_at.is_some_and(|at| at <= now);
        if !over || CONTRACT.transition(&row.state, "lapse", SYSTEM).is_err() {
            return Ok(());
        }
        if draw::payment_under_way(conn, row).await? {
            // A bank debit may take days; it is looked at again.
            return timers::set(&ctx, conn, CONTRACT.name, row.id, "lapse", now + Duration::days(1)).await;
        }
        draw::give_up(&ctx, conn, row, "contract.lapsed", json!({})).await
    })
    .await
}

/// The notice is over.
pub async fn on_notice_over(ctx: Ctx, fired: Fired) -> Result<()> {
    on_contract(&ctx, &fired, async |conn, row| {
        let over = row.notice_until.is_some_and(|until| until <= ctx.clock.now());
        if !over || CONTRACT.transition(&row.state, "notice_over", SYSTEM).is_err() {
            return Ok(());
        }
        lifecycle::notice_over(&ctx, conn, row).await
    })
    .await
}

/// A proposal to end the contract was not answered.
pub async fn on_expire_proposal(ctx: Ctx, fired: Fired) -> Result<()> {
    on_contract(&ctx, &fired, async |conn, row| {
        if row.proposal.as_ref().is_none_or(|proposal| proposal.expires_at > ctx.clock.now()) {
            return Ok(());
        }
        row.proposal = None;
        save(&ctx, conn, row).await?;
        notify::contract(&ctx, conn, row, "contract.termination_expired", json!({})).await
    })
    .await
}

/// A change order was neither answered nor paid.
pub async fn on_change_order_expired(ctx: Ctx, fired: Fired) -> Result<()> {
    ctx.db.tx(async |conn| changes::expire(&ctx, conn, ChangeOrderId::from_uuid(fired.subject)).await).await
}

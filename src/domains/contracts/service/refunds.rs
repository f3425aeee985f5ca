//! Money back before it is released: asked for and answered, or cancelled because it is late.

use assay_kernel::ids::MilestoneId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Money, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use assay_platform::web::IfMatch;
use chrono::Duration;
use serde_json::json;

use super::decide::{Order, decide};
use super::views::{MilestoneDetail, milestone_blocked, milestone_detail};
use super::{clocks, lock_milestone, notify, save_milestone};
use crate::model::{DecisionKind, MILESTONE, step};
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

/// The client asks for what is left; the developer answers in seven days, silence grants it.
pub async fn request_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    reason: &str,
) -> Result<MilestoneDetail> {
    let (contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    let transition = MILESTONE.transition(&row.state, "request_refund", &seat.who())?;
    let until = ctx.clock.now() + Duration::days(ctx.policy.contracts.refund_answer_days);
    row.state_before = Some(std::mem::replace(&mut row.state, transition.to.to_owned()));
    row.reason = Some(reason.to_owned());
    row.answer_until = Some(until);
    timers::clear(conn, MILESTONE.name, row.id, clocks::REVIEW).await?;
    timers::set(ctx, conn, MILESTONE.name, row.id, "grant_refund", until).await?;
    save_milestone(ctx, conn, &mut row).await?;
    let data = json!({ "reason": reason, "answer_until": until });
    notify::milestone(ctx, conn, &contract, &row, "milestone.refund_requested", data).await?;
    notify::mail_refund_asked(ctx, conn, &contract, &row, reason, until).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// The developer grants the request.
pub async fn grant_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    seen: &IfMatch,
) -> Result<MilestoneDetail> {
    let (mut contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    MILESTONE.transition(&row.state, "grant_refund", &seat.who())?;
    seen.check(row.version)?;
    grant(ctx, conn, &mut contract, &mut row, &seat.who(), Some(actor)).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

pub(super) async fn grant(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
    who: &[Who],
    by: Option<&Actor>,
) -> Result<()> {
    let accepted = Money::new(row.so_far().accepted(), row.currency()?);
    let by = by.map(|actor| actor.account_id);
    let order = Order { kind: DecisionKind::RefundGranted, event: "grant_refund", who, by, accepted };
    decide(ctx, conn, contract, row, order).await.map(drop)
}

/// The developer declines the request, or the client takes it back: things go on where they stood, with the time that
/// the request took added.
pub async fn end_request_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    event: &str,
    reason: Option<&str>,
) -> Result<MilestoneDetail> {
    let (contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    MILESTONE.transition(&row.state, event, &seat.who())?;
    let before = row.state_before.take().unwrap_or_else(|| "funded".to_owned());
    row.state = step(&MILESTONE, &row.state, event, &before, &seat.who())?.to.to_owned();
    timers::clear(conn, MILESTONE.name, row.id, &["grant_refund"]).await?;
    clocks::end_request(ctx, &mut row);
    clocks::restart(ctx, conn, &contract, &mut row).await?;
    if let Some(reason) = reason {
        row.reason = Some(reason.to_owned());
    }
    save_milestone(ctx, conn, &mut row).await?;
    let kind =
        if event == "decline_refund" { "milestone.refund_declined" } else { "milestone.refund_withdrawn" };
    notify::milestone(ctx, conn, &contract, &row, kind, json!({ "reason": reason })).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

/// The client cancels what is late.
///
/// # Errors
/// `guard_failed` until fifteen days after the due date.
pub async fn cancel_late_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    seen: &IfMatch,
) -> Result<MilestoneDetail> {
    let (mut contract, mut row, seat) = lock_milestone(conn, actor, id).await?;
    let transition = MILESTONE.transition(&row.state, "cancel_late", &seat.who())?;
    seen.check(row.version)?;
    MILESTONE.check(transition, |guard| milestone_blocked(ctx, &contract, &row, guard))?;
    let accepted = Money::new(row.so_far().accepted(), row.currency()?);
    let (who, by) = (seat.who(), Some(actor.account_id));
    let order = Order { kind: DecisionKind::CancelledLate, event: "cancel_late", who: &who, by, accepted };
    decide(ctx, conn, &mut contract, &mut row, order).await?;
    milestone_detail(ctx, conn, actor, contract, row).await
}

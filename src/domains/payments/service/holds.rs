//! What keeps transfers waiting for a reason of ours: a dispute between the sides of a contract, tax papers.

use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use uuid::Uuid;

use super::moving::{hold_transfer, keep_transfer};
use crate::model::process::TRANSFER;
use crate::model::{Hold, can, step};
use crate::store;
use crate::store::transfers::TransferRow;

/// Can a milestone's money move: is it paid, and does no payer's bank take the payment back?
///
/// # Errors
/// The database's failure.
pub async fn can_move(conn: &mut Conn, milestone: Uuid) -> Result<bool> {
    let Some(payment) = store::payments::lock_succeeded(conn, milestone).await? else { return Ok(false) };
    Ok(store::disputes::lock_open(conn, payment.id).await?.is_none())
}

/// The client's fee in refunds of a milestone that did not arrive: it is with what waits to be earned, and theirs.
///
/// # Errors
/// The database's failure.
pub async fn unsent_fee(conn: &mut Conn, milestone: Uuid) -> Result<i64> {
    let Some(payment) = store::payments::lock_succeeded(conn, milestone).await? else { return Ok(0) };
    let unsent = store::refunds::lock_unsent(conn, payment.id).await?;
    let of_fees = unsent.iter().filter(|row| row.source != "credit").map(|row| row.left().1);
    Ok(of_fees.fold(0, i64::saturating_add))
}

/// The sides disagree over a milestone: what was released and not sent waits. What was sent is not stopped.
///
/// # Errors
/// The database's failure.
pub async fn hold_transfers_in(ctx: &Ctx, conn: &mut Conn, milestone: Uuid) -> Result<()> {
    for mut transfer in of_milestone(conn, milestone).await? {
        if can(&TRANSFER, &transfer.state, "hold") {
            hold_transfer(ctx, conn, &mut transfer, Hold::Dispute).await?;
        }
    }
    Ok(())
}

/// They disagree no longer: what waited goes on.
///
/// # Errors
/// The database's failure.
pub async fn resume_transfers_in(ctx: &Ctx, conn: &mut Conn, milestone: Uuid) -> Result<()> {
    for mut transfer in of_milestone(conn, milestone).await? {
        if transfer.hold.as_deref() == Some(Hold::Dispute.as_str()) {
            go_on(ctx, conn, &mut transfer).await?;
        }
    }
    Ok(())
}

/// The transfers of a milestone's payment, locked after it.
async fn of_milestone(conn: &mut Conn, milestone: Uuid) -> Result<Vec<TransferRow>> {
    match store::payments::lock_succeeded(conn, milestone).await? {
        Some(payment) => Ok(store::transfers::lock_of_payment(conn, payment.id).await?),
        None => Ok(Vec::new()),
    }
}

/// Lets a transfer that waited be queued, at once or on its day; whatever else stands in its way is found then.
pub async fn go_on(ctx: &Ctx, conn: &mut Conn, transfer: &mut TransferRow) -> Result<()> {
    step(&TRANSFER, &mut transfer.state, "release_hold")?;
    transfer.hold = None;
    keep_transfer(ctx, conn, transfer).await?;
    let due = transfer.payable_from.max(ctx.clock.now());
    timers::set(ctx, conn, TRANSFER.name, transfer.id, "queue", due).await
}

//! Transfers, refunds and what is taken back: from a row that wants to move to the request that moves it.

use assay_adapters::stripe::{NewTransfer, RefundOf as Of, create_refund, create_transfer, reverse_transfer};
use assay_kernel::Result;
use assay_kernel::ids::{OrganisationId, RefundId};
use assay_ledger::{Event, Held, RefundOf, post_in};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use serde_json::json;

use super::commands::{self, Marks, there};
use super::losses::recover_loss;
use crate::model::command::CommandKind;
use crate::model::process::{REFUND, TRANSFER};
use crate::model::{Hold, money, step};
use crate::store;
use crate::store::refunds::{RefundRow, ReversalRow};
use crate::store::transfers::TransferRow;

/// Writes a transfer that has changed.
pub async fn keep_transfer(ctx: &Ctx, conn: &mut Conn, row: &mut TransferRow) -> Result<()> {
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    Ok(store::transfers::update(conn, row).await?)
}

/// Writes a refund that has changed.
pub async fn keep_refund(ctx: &Ctx, conn: &mut Conn, row: &mut RefundRow) -> Result<()> {
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    Ok(store::refunds::update(conn, row).await?)
}

/// Tells the client where a refund stands.
pub async fn tell_refund(ctx: &Ctx, conn: &mut Conn, row: &RefundRow) -> Result<()> {
    let data = json!({ "state": row.state, "failure": row.failure });
    let subject = RefundId::from_uuid(row.id).to_string();
    let audience = [Audience::Organisation(OrganisationId::from_uuid(row.organisation_id))];
    outbox::publish(ctx, conn, "refund.changed", subject, data, &audience).await
}

/// Puts a transfer on hold.
pub async fn hold_transfer(ctx: &Ctx, conn: &mut Conn, row: &mut TransferRow, hold: Hold) -> Result<()> {
    step(&TRANSFER, &mut row.state, "hold")?;
    row.hold = Some(hold.as_str().to_owned());
    keep_transfer(ctx, conn, row).await
}

/// Sends a transfer on its way, or notes what stands in it. The transfer's payment is locked before the transfer.
pub async fn queue_transfer(ctx: &Ctx, conn: &mut Conn, row: &mut TransferRow) -> Result<()> {
    let payment = there(store::payments::lock(conn, row.payment_id).await?, "payment")?;
    if store::disputes::lock_open(conn, payment.id).await?.is_some() {
        return hold_transfer(ctx, conn, row, Hold::Chargeback).await;
    }
    let payee = store::payees::find(conn, row.developer_id).await?.filter(|payee| payee.state == "active");
    let Some((payee, destination)) = payee.and_then(|payee| {
        let destination = payee.stripe_account.clone()?;
        Some((payee, destination))
    }) else {
        return hold_transfer(ctx, conn, row, Hold::Kyc).await;
    };
    if payee.tax_hold.is_some() {
        return hold_transfer(ctx, conn, row, Hold::Tax).await;
    }
    step(&TRANSFER, &mut row.state, "queue")?;
    let amount = money(row.amount, &row.currency)?;
    let command = ctx.ids.uuid();
    let marks = Marks::new(command, row.milestone, row.contract);
    let post = create_transfer(&NewTransfer {
        money: amount,
        destination: &destination,
        source_transaction: payment.charge.as_deref(),
        transfer_group: marks.group(),
        metadata: &marks.metadata(),
    });
    let event = Event::TransferCommanded { command, developer: row.developer_id, amount };
    post_in(ctx, conn, &event, Some(row.contract)).await?;
    commands::write(ctx, conn, command, CommandKind::Transfer, row.id, &post).await?;
    row.hold = None;
    row.command_id = Some(command);
    row.tries = row.tries.saturating_add(1);
    keep_transfer(ctx, conn, row).await
}

/// What a refund is paid from.
pub fn source_of(row: &RefundRow) -> Result<RefundOf> {
    let (amount, fee) = row.left();
    part_of(row, amount, fee)
}

/// So much of what a refund is paid from.
pub fn part_of(row: &RefundRow, amount: i64, fee: i64) -> Result<RefundOf> {
    let held = match row.source.as_str() {
        "free" => Held::Free,
        "frozen" => Held::Frozen,
        _ => {
            let amount = money(amount.saturating_add(fee), &row.currency)?;
            return Ok(RefundOf::Credit { organisation: row.organisation_id, amount });
        }
    };
    let (amount, fee) = (money(amount, &row.currency)?, money(fee, &row.currency)?);
    Ok(RefundOf::Milestone { milestone: row.milestone, held, amount, fee })
}

/// Asks for a refund of a row that is `queued`.
pub async fn command_refund(ctx: &Ctx, conn: &mut Conn, row: &mut RefundRow) -> Result<()> {
    let payment = there(store::payments::find(conn, row.payment_id).await?, "payment")?;
    let charge = there(payment.charge, "charge")?;
    let command = ctx.ids.uuid();
    let marks = Marks::new(command, row.milestone, row.contract);
    let post = create_refund(Of::Charge(&charge), row.to_send(), &marks.metadata());
    let event = Event::RefundCommanded { command, of: source_of(row)? };
    post_in(ctx, conn, &event, Some(row.contract)).await?;
    commands::write(ctx, conn, command, CommandKind::Refund, row.id, &post).await?;
    row.command_id = Some(command);
    row.failure = None;
    keep_refund(ctx, conn, row).await
}

/// Goes on with a refund of released money: takes what was not sent yet, asks for reversals, and once nothing is open
/// any more, books it and asks for the refund. The payment is locked. False: the payer's bank was there first, and the
/// client has credit instead of a refund, or the money from the bank.
pub async fn take_back(ctx: &Ctx, conn: &mut Conn, row: &mut RefundRow) -> Result<bool> {
    let mut transfers = store::transfers::lock_of_payment(conn, row.payment_id).await?;
    transfers.retain(|transfer| Some(transfer.developer_id) == row.developer_id);
    if transfers.iter().any(|transfer| matches!(transfer.state.as_str(), "queued" | "submitted")) {
        // Whether it was sent will be known soon; then this goes on.
        return Ok(true);
    }
    if store::refunds::reversal::any_queued(conn, row.payment_id).await? {
        // One after another: what is being taken back for another refund must not be counted on.
        return Ok(true);
    }
    let reversals = store::refunds::reversal::of_refund(conn, row.id).await?;
    row.reversed = reversals.iter().filter(|r| r.state == "made").map(|r| r.amount).sum();
    let mut left = row.left().0.saturating_sub(row.unpaid).saturating_sub(row.reversed);
    for transfer in &mut transfers {
        // The client has this from the bank already, and the developer never had it.
        let part = left.min(transfer.charged_back);
        if part > 0 {
            row.charged_back = row.charged_back.saturating_add(part);
            transfer.charged_back = transfer.charged_back.saturating_sub(part);
            keep_transfer(ctx, conn, transfer).await?;
            left = left.saturating_sub(part);
        }
    }
    let mut asked = false;
    for transfer in &mut transfers {
        let part = left.min(transfer.amount.saturating_sub(transfer.reversed));
        if part == 0 || matches!(transfer.state.as_str(), "canceled" | "returned") {
            continue;
        }
        if transfer.state == "paid" {
            if reversals.iter().any(|reversal| reversal.transfer_id == transfer.id) {
                continue;
            }
            ask_reversal(ctx, conn, row, transfer, part).await?;
            asked = true;
        } else {
            withhold(ctx, conn, transfer, part).await?;
            row.unpaid = row.unpaid.saturating_add(part);
        }
        left = left.saturating_sub(part);
    }
    if asked {
        keep_refund(ctx, conn, row).await?;
        return Ok(true);
    }
    row.owed = left;
    let developer = there(row.developer_id, "developer")?;
    let of = |amount| money(amount, &row.currency);
    let event = Event::RefundAfterRelease {
        id: row.decision,
        milestone: row.milestone,
        developer,
        organisation: row.organisation_id,
        reversed: of(row.reversed)?,
        unpaid: of(row.unpaid)?,
        owed: of(row.owed)?,
        fee: of(row.fee)?,
    };
    if row.to_send() > 0 {
        post_in(ctx, conn, &event, Some(row.contract)).await?;
    }
    step(&REFUND, &mut row.state, "queue")?;
    if row.to_send() > 0 && store::disputes::lock_open(conn, row.payment_id).await?.is_some() {
        step(&REFUND, &mut row.state, "refuse")?;
        row.failure = Some("payment_disputed".to_owned());
        keep_refund(ctx, conn, row).await?;
        return Ok(false);
    }
    recover_loss(ctx, conn, row, row.decision).await?;
    if row.to_send() == 0 {
        keep_refund(ctx, conn, row).await?;
        return Ok(false);
    }
    command_refund(ctx, conn, row).await?;
    Ok(true)
}

/// Makes a transfer that was not sent smaller by `part`.
pub async fn withhold(ctx: &Ctx, conn: &mut Conn, transfer: &mut TransferRow, part: i64) -> Result<()> {
    transfer.amount = transfer.amount.saturating_sub(part);
    if transfer.amount == 0 {
        step(&TRANSFER, &mut transfer.state, "cancel")?;
        transfer.hold = None;
    }
    keep_transfer(ctx, conn, transfer).await
}

async fn ask_reversal(
    ctx: &Ctx,
    conn: &mut Conn,
    refund: &RefundRow,
    transfer: &TransferRow,
    amount: i64,
) -> Result<()> {
    let (id, command, now) = (ctx.ids.uuid(), ctx.ids.uuid(), ctx.clock.now());
    let marks = Marks::new(command, refund.milestone, refund.contract);
    let at_provider = there(transfer.transfer.as_deref(), "transfer's id")?;
    let post = reverse_transfer(at_provider, amount, &marks.metadata());
    commands::write(ctx, conn, command, CommandKind::Reversal, id, &post).await?;
    let row = ReversalRow {
        id,
        refund_id: refund.id,
        transfer_id: transfer.id,
        amount,
        state: "queued".to_owned(),
        command_id: command,
        reversal: None,
        failure: None,
        created_at: now,
        updated_at: now,
    };
    Ok(store::refunds::reversal::insert(conn, &row).await?)
}

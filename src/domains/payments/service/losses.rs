//! What payers' banks have taken back for good: the client's own money pays for it first, in whatever form it is with us.

use assay_kernel::Result;
use assay_ledger::{Event, post_in};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use uuid::Uuid;

use super::moving::{keep_refund, part_of, tell_refund};
use crate::model::process::REFUND;
use crate::model::step;
use crate::store;
use crate::store::refunds::RefundRow;

/// What a lost dispute has taken so far, and what it still lacks.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// Of the milestone's held money.
    pub held: i64,
    /// Of the client's fee that was not earned.
    pub fee: i64,
    /// What is still to be found.
    pub left: i64,
}

/// Notes that the client has so much of a refund from the bank.
fn charged_back(row: &mut RefundRow, part: i64) -> Result<()> {
    row.charged_back = row.charged_back.saturating_add(part);
    if row.to_send() == 0 {
        step(&REFUND, &mut row.state, "charge_back")?;
    }
    Ok(())
}

/// Refunds that did not reach the client are not owed them any more, as far as the bank has given the client their money:
/// held money that is `gone`, and the credit that stands for released money, which pays for what is left of the dispute.
/// Answers how much credit does. The payment is locked.
pub async fn charge_back(ctx: &Ctx, conn: &mut Conn, payment: Uuid, mut gone: Gone) -> Result<i64> {
    let mut credit = 0_i64;
    for mut row in store::refunds::lock_unsent(conn, payment).await? {
        let (amount, fee) = row.left();
        let part = if row.source == "credit" {
            let part = gone.left.min(row.to_send());
            gone.left = gone.left.saturating_sub(part);
            credit = credit.saturating_add(part);
            part
        } else {
            let of_amount = gone.held.min(amount);
            let of_fee = if of_amount == amount { gone.fee.min(fee) } else { 0 };
            gone.held = gone.held.saturating_sub(of_amount);
            gone.fee = gone.fee.saturating_sub(of_fee);
            of_amount.saturating_add(of_fee)
        };
        if part > 0 {
            charged_back(&mut row, part)?;
            keep_refund(ctx, conn, &mut row).await?;
            tell_refund(ctx, conn, &row).await?;
        }
    }
    Ok(credit)
}

/// What a refund did not bring to the client repays what the platform has lost to the client's bank, as far as that goes.
/// `id` is the request that came to nothing or, before any, the decision. The payment is locked; the caller writes the row.
pub async fn recover_loss(ctx: &Ctx, conn: &mut Conn, row: &mut RefundRow, id: Uuid) -> Result<()> {
    let mut part = 0_i64;
    for mut dispute in store::disputes::lock_with_loss(conn, row.payment_id).await? {
        let of_it = dispute.loss.min(row.to_send().saturating_sub(part));
        if of_it > 0 {
            part = part.saturating_add(of_it);
            dispute.loss = dispute.loss.saturating_sub(of_it);
            dispute.version = dispute.version.saturating_add(1);
            store::disputes::update(conn, &dispute).await?;
        }
    }
    if part == 0 {
        return charged_back(row, 0);
    }
    let of_amount = part.min(row.left().0);
    let of = part_of(row, of_amount, part.saturating_sub(of_amount))?;
    post_in(ctx, conn, &Event::LossRecovered { id, of }, Some(row.contract)).await?;
    charged_back(row, part)
}

//! Payments that payers' banks take back.

use assay_adapters::stripe::{Dispute, DisputeStatus as S};
use assay_kernel::ids::PaymentDisputeId;
use assay_kernel::{Currency, Money, Permission, Result};
use assay_ledger::{AccountKind, AccountRef, Event, balance, post_in};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::DateTime;
use serde_json::json;
use uuid::Uuid;

use super::super::Payments;
use super::super::commands::there;
use super::super::holds::go_on;
use super::super::losses::{Gone, charge_back};
use super::super::moving::{hold_transfer, withhold};
use super::Applied;
use crate::model::process::TRANSFER;
use crate::model::{Hold, Movement, can, money};
use crate::store;
use crate::store::disputes::DisputeRow;
use crate::store::payments::PaymentRow;

/// What a dispute did to the provider's balance.
struct Effect {
    withdrawn: i64,
    fee: i64,
    back: i64,
    fee_back: i64,
}

impl Effect {
    fn of(dispute: &Dispute) -> Self {
        let mut effect = Self { withdrawn: 0, fee: 0, back: 0, fee_back: 0 };
        for transaction in &dispute.balance_transactions {
            if transaction.amount < 0 {
                effect.withdrawn = effect.withdrawn.saturating_sub(transaction.amount);
                effect.fee = effect.fee.saturating_add(transaction.fee);
            } else {
                effect.back = effect.back.saturating_add(transaction.amount);
                effect.fee_back = effect.fee_back.saturating_sub(transaction.fee);
            }
        }
        effect
    }
}

impl Payments {
    async fn there_is(&self, conn: &mut Conn, kind: AccountKind, owner: Uuid, of: Currency) -> Result<i64> {
        Ok(balance(conn, AccountRef::of(kind, owner), of).await?.amount)
    }

    async fn keep_dispute(&self, conn: &mut Conn, row: &mut DisputeRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        store::disputes::update(conn, row).await?;
        let data = json!({ "status": row.status, "outcome": row.outcome });
        let subject = PaymentDisputeId::from_uuid(row.id).to_string();
        let audience = [Audience::Staff(Permission::Finance)];
        outbox::publish(&self.ctx, conn, "payment_dispute.changed", subject, data, &audience).await
    }

    /// The row of a dispute, made when it is told of for the first time. The payment is locked.
    async fn dispute_row(
        &self,
        conn: &mut Conn,
        payment: &PaymentRow,
        dispute: &Dispute,
    ) -> Result<DisputeRow> {
        if let Some(id) = store::disputes::of_dispute(conn, &dispute.id).await? {
            return there(store::disputes::lock(conn, id).await?, "dispute");
        }
        let row = DisputeRow {
            id: self.ctx.ids.uuid(),
            payment_id: payment.id,
            dispute: dispute.id.clone(),
            status: dispute.status.as_str().to_owned(),
            reason: dispute.reason.clone(),
            amount: dispute.amount,
            currency: payment.currency.clone(),
            fee: 0,
            frozen: 0,
            evidence_due_at: None,
            evidence_submitted_at: None,
            version: 0,
            opened_at: self.ctx.clock.now(),
            withdrawn_at: None,
            closed_at: None,
            outcome: None,
            loss: 0,
        };
        store::disputes::insert(conn, &row).await?;
        Ok(row)
    }

    /// A dispute as it is now.
    pub(super) async fn apply_dispute(&self, conn: &mut Conn, dispute: &Dispute) -> Result<Applied> {
        let Some(charge) = &dispute.charge else { return Ok(Applied::NotOurs) };
        // A dispute may be told of before its payment is known to have succeeded: then it waits.
        let Some(payment) = store::payments::of_charge(conn, charge).await? else {
            return Ok(Applied::NotOurs);
        };
        let payment = there(store::payments::lock(conn, payment).await?, "payment")?;
        let mut row = self.dispute_row(conn, &payment, dispute).await?;
        let seen = row.clone();
        if row.outcome.is_some() {
            return Ok(Applied::Done);
        }
        let effect = Effect::of(dispute);
        row.status = dispute.status.as_str().to_owned();
        row.evidence_due_at =
            dispute.evidence_details.due_by.and_then(|due| DateTime::from_timestamp(due, 0));
        if effect.withdrawn > 0 && row.withdrawn_at.is_none() {
            self.withdrawn(conn, &payment, &mut row, &effect).await?;
        }
        let waits = match &dispute.status {
            // Decided; the money comes with the next word.
            S::Won => row.withdrawn_at.is_some() && effect.back < row.amount,
            // A refund that the provider does not make any more pays for the loss.
            S::Lost => store::refunds::any_on_their_way(conn, payment.id).await?,
            _ => false,
        };
        if waits {
            // It is looked at every few seconds: only what is new is told.
            if row != seen || row.version == 0 {
                self.keep_dispute(conn, &mut row).await?;
            }
            return Ok(Applied::NotYet);
        }
        let (outcome, what) = match (&dispute.status, row.withdrawn_at) {
            (S::Won, Some(since)) => {
                let since = store::disputes::frozen_since(conn, &row).await?.unwrap_or(since);
                self.won(conn, &payment, &row, &effect).await?;
                ("won", Some(Movement::PaymentDisputeWon { since }))
            }
            (S::Lost, Some(since)) => {
                let since = store::disputes::frozen_since(conn, &row).await?.unwrap_or(since);
                let taken = self.lost(conn, &payment, &mut row).await?;
                ("lost", Some(Movement::PaymentDisputeLost { since, taken }))
            }
            (S::Won | S::WarningClosed | S::Prevented, _) => ("dropped", None),
            _ => {
                self.keep_dispute(conn, &mut row).await?;
                return Ok(Applied::Done);
            }
        };
        row.outcome = Some(outcome.to_owned());
        row.closed_at = Some(self.ctx.clock.now());
        self.keep_dispute(conn, &mut row).await?;
        if outcome == "won" {
            self.let_transfers_go(conn, payment.id).await?;
        }
        if let Some(what) = what {
            self.tell(conn, payment.milestone, payment.contract, what).await?;
        }
        Ok(Applied::Done)
    }

    /// The money is gone for now: all that is held freezes, all that was not sent waits.
    async fn withdrawn(
        &self,
        conn: &mut Conn,
        payment: &PaymentRow,
        row: &mut DisputeRow,
        effect: &Effect,
    ) -> Result<()> {
        let amount = money(effect.withdrawn, &row.currency)?;
        row.amount = effect.withdrawn;
        row.fee = effect.fee;
        row.frozen = self.there_is(conn, AccountKind::Hold, payment.milestone, amount.currency).await?;
        row.withdrawn_at = Some(self.ctx.clock.now());
        let event = Event::DisputeOpened {
            dispute: row.id,
            milestone: payment.milestone,
            amount,
            fee: money(row.fee, &row.currency)?,
            frozen: money(row.frozen, &row.currency)?,
        };
        post_in(&self.ctx, conn, &event, Some(payment.contract)).await?;
        for mut transfer in store::transfers::lock_of_payment(conn, payment.id).await? {
            if can(&TRANSFER, &transfer.state, "hold") {
                hold_transfer(&self.ctx, conn, &mut transfer, Hold::Chargeback).await?;
            }
        }
        self.tell(conn, payment.milestone, payment.contract, Movement::PaymentDisputed).await
    }

    /// What of the milestone's money is frozen: by this, held back, or by the sides' own dispute.
    async fn frozen(&self, conn: &mut Conn, payment: &PaymentRow, row: &DisputeRow) -> Result<i64> {
        let currency = money(0, &row.currency)?.currency;
        self.there_is(conn, AccountKind::HoldFrozen, payment.milestone, currency).await
    }

    async fn won(
        &self,
        conn: &mut Conn,
        payment: &PaymentRow,
        row: &DisputeRow,
        effect: &Effect,
    ) -> Result<()> {
        let mut freed = row.frozen.min(self.frozen(conn, payment, row).await?);
        if self.hand_over(conn, row, 0).await? {
            freed = 0;
        }
        let event = Event::DisputeWon {
            dispute: row.id,
            milestone: payment.milestone,
            amount: money(row.amount, &row.currency)?,
            fee: money(effect.fee_back, &row.currency)?,
            freed: money(freed, &row.currency)?,
        };
        post_in(&self.ctx, conn, &event, Some(payment.contract)).await?;
        Ok(())
    }

    /// The money is gone. It is taken from what is frozen, from the client's fee that was not earned, from credit for
    /// refunds that were not made, from what was released and not sent; what a developer already has stays theirs, and
    /// the platform bears the rest. Answers how much of what was released it took, from the developer or the platform.
    async fn lost(&self, conn: &mut Conn, payment: &PaymentRow, row: &mut DisputeRow) -> Result<i64> {
        let currency = row.currency.clone();
        let of = |amount| money(amount, &currency);
        // What has come free since the money was taken is frozen as well.
        let free = self.there_is(conn, AccountKind::Hold, payment.milestone, of(0)?.currency).await?;
        if free > 0 {
            let event = Event::HeldBack { id: row.id, milestone: payment.milestone, amount: of(free)? };
            post_in(&self.ctx, conn, &event, Some(payment.contract)).await?;
            row.frozen = row.frozen.saturating_add(free);
        }
        let was_frozen = self.frozen(conn, payment, row).await?;
        let frozen = was_frozen.min(row.amount);
        let mut left = row.amount.saturating_sub(frozen);
        let deferred =
            self.there_is(conn, AccountKind::FeeDeferred, payment.milestone, of(0)?.currency).await?;
        let fee = deferred.min(left);
        left = left.saturating_sub(fee);
        let credit = charge_back(&self.ctx, conn, payment.id, Gone { held: frozen, fee, left }).await?;
        left = left.saturating_sub(credit);
        let transfers = store::transfers::lock_of_payment(conn, payment.id).await?;
        let mut developer = transfers.first().map_or(Uuid::nil(), |transfer| transfer.developer_id);
        let mut unpaid = 0_i64;
        for mut transfer in transfers {
            if !matches!(transfer.state.as_str(), "accrued" | "on_hold" | "failed") {
                continue;
            }
            let part = left.min(transfer.amount);
            if part > 0 {
                developer = transfer.developer_id;
                transfer.charged_back = transfer.charged_back.saturating_add(part);
                withhold(&self.ctx, conn, &mut transfer, part).await?;
                unpaid = unpaid.saturating_add(part);
                left = left.saturating_sub(part);
            }
        }
        let event = Event::DisputeLost {
            dispute: row.id,
            milestone: payment.milestone,
            organisation: payment.organisation_id,
            developer,
            frozen: of(frozen)?,
            fee: of(fee)?,
            credit: of(credit)?,
            unpaid: of(unpaid)?,
            owed: of(0)?,
            loss: of(left)?,
        };
        post_in(&self.ctx, conn, &event, Some(payment.contract)).await?;
        row.loss = left;
        let freed: Money = of(row.frozen.min(was_frozen).saturating_sub(frozen))?;
        if !self.hand_over(conn, row, frozen).await? && freed.amount > 0 {
            let event = Event::Freed { id: row.id, milestone: payment.milestone, amount: freed };
            post_in(&self.ctx, conn, &event, Some(payment.contract)).await?;
        }
        self.let_transfers_go(conn, payment.id).await?;
        Ok(unpaid.saturating_add(left))
    }

    /// While another dispute has the payment nothing thaws: what this one froze, less what it has `taken` of all that was
    /// frozen, is frozen by that one. Answers whether there is another.
    async fn hand_over(&self, conn: &mut Conn, row: &DisputeRow, taken: i64) -> Result<bool> {
        let Some(mut other) = store::disputes::lock_another_open(conn, row).await? else { return Ok(false) };
        other.frozen = other.frozen.saturating_add(row.frozen).saturating_sub(taken).max(0);
        other.version = other.version.saturating_add(1);
        store::disputes::update(conn, &other).await?;
        Ok(true)
    }

    /// What waited for the end of a dispute goes on.
    async fn let_transfers_go(&self, conn: &mut Conn, payment: Uuid) -> Result<()> {
        for mut transfer in store::transfers::lock_of_payment(conn, payment).await? {
            if transfer.hold.as_deref() == Some(Hold::Chargeback.as_str()) {
                go_on(&self.ctx, conn, &mut transfer).await?;
            }
        }
        Ok(())
    }

    /// The provider did not take the evidence: it can be given again.
    pub(super) async fn evidence_refused(&self, conn: &mut Conn, id: Uuid) -> Result<()> {
        let mut row = there(store::disputes::lock(conn, id).await?, "dispute")?;
        row.evidence_submitted_at = None;
        self.keep_dispute(conn, &mut row).await
    }
}

//! Transfers, their reversals, payouts.

use assay_adapters::stripe::{Payout, Transfer, TransferReversal};
use assay_kernel::Result;
use assay_kernel::ids::{AccountId, PayoutId, TransferId};
use assay_ledger::{Event, post_in};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::timers;
use chrono::{DateTime, Duration};
use serde_json::json;
use uuid::Uuid;

use super::super::Payments;
use super::super::commands::there;
use super::super::moving::{hold_transfer, keep_transfer, queue_transfer, take_back};
use super::super::paying_out;
use super::{Applied, mark};
use crate::model::process::TRANSFER;
use crate::model::{Hold, Movement, can, money, step};
use crate::store;
use crate::store::commands::CommandRow;
use crate::store::payouts::PayoutRow;
use crate::store::transfers::TransferRow;

/// Refusals of one transfer after which somebody looks at it.
const TRIES: i32 = 5;

impl Payments {
    /// A transfer with its payment, both locked, the payment first.
    async fn lock_transfer(&self, conn: &mut Conn, id: Uuid) -> Result<Option<TransferRow>> {
        let Some(seen) = store::transfers::find(conn, id).await? else { return Ok(None) };
        store::payments::lock(conn, seen.payment_id).await?;
        Ok(store::transfers::lock(conn, id).await?)
    }

    async fn tell_developer(&self, conn: &mut Conn, row: &TransferRow) -> Result<()> {
        let data = json!({ "state": row.state, "hold": row.hold });
        let subject = TransferId::from_uuid(row.id).to_string();
        let audience = [Audience::Account(AccountId::from_uuid(row.developer_id))];
        outbox::publish(&self.ctx, conn, "transfer.changed", subject, data, &audience).await
    }

    /// Refunds of the payment that waited for what has now come out.
    async fn go_on_taking_back(&self, conn: &mut Conn, payment: Uuid) -> Result<()> {
        for mut refund in store::refunds::lock_taking_back(conn, payment).await? {
            if !take_back(&self.ctx, conn, &mut refund).await? {
                self.tell_client(conn, &refund, Movement::RefundRefused).await?;
            }
        }
        Ok(())
    }

    /// A transfer as it is now.
    pub(super) async fn apply_transfer(&self, conn: &mut Conn, transfer: &Transfer) -> Result<Applied> {
        let command = mark(&transfer.metadata);
        let known = match store::transfers::of_transfer(conn, &transfer.id).await? {
            Some(known) => Some(known),
            None => match command {
                Some(command) => store::payments::subject_of(conn, command).await?,
                None => None,
            },
        };
        let Some(id) = known else { return Ok(Applied::NotOurs) };
        let Some(mut row) = self.lock_transfer(conn, id).await? else { return Ok(Applied::NotOurs) };
        let Some(command) = command.filter(|command| row.command_id == Some(*command)) else {
            return Ok(Applied::Done);
        };
        if can(&TRANSFER, &row.state, "confirm") {
            step(&TRANSFER, &mut row.state, "confirm")?;
            row.transfer = Some(transfer.id.clone());
            row.paid_at = Some(self.ctx.clock.now());
            row.failure = None;
            let amount = money(row.amount, &row.currency)?;
            let event = Event::TransferConfirmed { command, amount };
            post_in(&self.ctx, conn, &event, Some(row.contract)).await?;
            keep_transfer(&self.ctx, conn, &mut row).await?;
            self.tell_developer(conn, &row).await?;
            self.tell(conn, row.milestone, row.contract, Movement::Transferred).await?;
            paying_out::ask(&self.ctx, conn, row.developer_id, Duration::zero()).await?;
            self.go_on_taking_back(conn, row.payment_id).await?;
        }
        Ok(Applied::Done)
    }

    /// The provider did not make the transfer: the money is the developer's to be paid again.
    pub(super) async fn transfer_refused(
        &self,
        conn: &mut Conn,
        command: &CommandRow,
        code: &str,
        absent: bool,
    ) -> Result<()> {
        let mut row = there(self.lock_transfer(conn, command.subject).await?, "transfer")?;
        let amount = money(row.amount, &row.currency)?;
        let event = Event::TransferRefused { command: command.id, developer: row.developer_id, amount };
        post_in(&self.ctx, conn, &event, Some(row.contract)).await?;
        step(&TRANSFER, &mut row.state, "refuse")?;
        row.failure = Some(code.to_owned());
        if absent {
            queue_transfer(&self.ctx, conn, &mut row).await?;
        } else if code == "insufficient_capabilities_for_transfer" {
            hold_transfer(&self.ctx, conn, &mut row, Hold::Kyc).await?;
            // Its word on the account may have been lost: were the payee active here, nothing would end the hold.
            let payee = store::payees::find(conn, row.developer_id).await?;
            if let Some(account) = payee.and_then(|payee| payee.stripe_account) {
                self.look_at(conn, "account", &account, None, Duration::zero()).await?;
            }
        } else if row.tries >= TRIES {
            hold_transfer(&self.ctx, conn, &mut row, Hold::Risk).await?;
        } else {
            keep_transfer(&self.ctx, conn, &mut row).await?;
            // Money that is not available yet comes with the days; the provider's other reasons need no less.
            let again = self.ctx.clock.now() + Duration::hours(6);
            timers::set(&self.ctx, conn, TRANSFER.name, row.id, "queue", again).await?;
        }
        if !absent {
            self.tell_developer(conn, &row).await?;
            self.tell(conn, row.milestone, row.contract, Movement::TransferRefused).await?;
        }
        self.go_on_taking_back(conn, row.payment_id).await
    }

    /// A transfer was taken back in part or whole.
    pub(super) async fn reversal_made(
        &self,
        conn: &mut Conn,
        id: Uuid,
        reversal: &TransferReversal,
    ) -> Result<()> {
        let seen = there(store::refunds::reversal::find(conn, id).await?, "reversal")?;
        let mut transfer = there(self.lock_transfer(conn, seen.transfer_id).await?, "transfer")?;
        let mut row = there(store::refunds::reversal::lock(conn, id).await?, "reversal")?;
        if row.state != "queued" {
            return Ok(());
        }
        row.state = "made".to_owned();
        row.reversal = Some(reversal.id.clone());
        row.updated_at = self.ctx.clock.now();
        store::refunds::reversal::update(conn, &row).await?;
        transfer.reversed = transfer.reversed.saturating_add(row.amount);
        if transfer.reversed == transfer.amount {
            step(&TRANSFER, &mut transfer.state, "return")?;
        }
        keep_transfer(&self.ctx, conn, &mut transfer).await?;
        self.tell_developer(conn, &transfer).await?;
        self.go_on_taking_back(conn, transfer.payment_id).await
    }

    /// The developer's account has not got it: the developer owes it.
    pub(super) async fn reversal_refused(
        &self,
        conn: &mut Conn,
        command: &CommandRow,
        code: &str,
        absent: bool,
    ) -> Result<()> {
        let seen = there(store::refunds::reversal::find(conn, command.subject).await?, "reversal")?;
        let transfer = there(self.lock_transfer(conn, seen.transfer_id).await?, "transfer")?;
        let mut row = there(store::refunds::reversal::lock(conn, command.subject).await?, "reversal")?;
        row.updated_at = self.ctx.clock.now();
        if absent {
            row.command_id = self.ask_anew(conn, command).await?;
            return Ok(store::refunds::reversal::update(conn, &row).await?);
        }
        row.state = "refused".to_owned();
        row.failure = Some(code.to_owned());
        store::refunds::reversal::update(conn, &row).await?;
        self.go_on_taking_back(conn, transfer.payment_id).await
    }

    async fn keep_payout(&self, conn: &mut Conn, row: &mut PayoutRow) -> Result<()> {
        let Some(developer) = row.developer_id else { return self.keep_own(conn, row).await };
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::payouts::update(conn, row).await?;
        let data = json!({ "state": row.state, "failure": row.failure });
        let subject = PayoutId::from_uuid(row.id).to_string();
        let audience = [Audience::Account(AccountId::from_uuid(developer))];
        outbox::publish(&self.ctx, conn, "payout.changed", subject, data, &audience).await
    }

    /// A payout as it is now: the provider's state is mirrored.
    pub(super) async fn apply_payout(&self, conn: &mut Conn, payout: &Payout) -> Result<Applied> {
        let known = match store::payouts::of_payout(conn, &payout.id).await? {
            Some(known) => Some(known),
            None => match mark(&payout.metadata) {
                Some(command) => store::payments::subject_of(conn, command).await?,
                None => None,
            },
        };
        let Some(id) = known else { return Ok(Applied::NotOurs) };
        let Some(mut row) = store::payouts::lock(conn, id).await? else { return Ok(Applied::NotOurs) };
        let state = payout.status.as_str();
        let known = ["pending", "in_transit", "paid", "failed", "canceled"].contains(&state);
        // A payout may fail after it was paid; it is never paid after it failed.
        if !known
            || matches!(row.state.as_str(), "failed" | "canceled")
            || (row.state == state && row.payout.is_some())
        {
            return Ok(Applied::Done);
        }
        if row.developer_id.is_none() {
            let over = matches!(state, "failed" | "canceled");
            self.book_own(conn, &row, row.payout.is_none(), over).await?;
        }
        row.payout = Some(payout.id.clone());
        row.state = state.to_owned();
        row.failure = payout.failure_code.clone();
        row.arrives_at = DateTime::from_timestamp(payout.arrival_date, 0).filter(|_| payout.arrival_date > 0);
        self.keep_payout(conn, &mut row).await?;
        Ok(Applied::Done)
    }

    /// The provider did not make the payout.
    pub(super) async fn payout_refused(&self, conn: &mut Conn, id: Uuid, code: &str) -> Result<()> {
        let mut row = there(store::payouts::lock(conn, id).await?, "payout")?;
        if row.developer_id.is_none() {
            return self.own_payout_refused(conn, row, code).await;
        }
        row.state = "failed".to_owned();
        row.failure = Some(code.to_owned());
        self.keep_payout(conn, &mut row).await
    }
}

//! Refunds.

use assay_adapters::stripe::{Refund, RefundStatus};
use assay_kernel::Result;
use assay_ledger::{Event, correct_in, post_in};
use assay_platform::db::Conn;
use uuid::Uuid;

use super::super::Payments;
use super::super::commands::there;
use super::super::losses::recover_loss;
use super::super::moving::{command_refund, keep_refund, source_of, tell_refund};
use super::{Applied, mark};
use crate::model::process::REFUND;
use crate::model::{Movement, can, money, step};
use crate::store;
use crate::store::commands::CommandRow;
use crate::store::refunds::RefundRow;

impl Payments {
    async fn lock_refund(&self, conn: &mut Conn, id: Uuid) -> Result<Option<RefundRow>> {
        let Some(seen) = store::refunds::find(conn, id).await? else { return Ok(None) };
        store::payments::lock(conn, seen.payment_id).await?;
        Ok(store::refunds::lock(conn, id).await?)
    }

    pub(super) async fn tell_client(&self, conn: &mut Conn, row: &RefundRow, what: Movement) -> Result<()> {
        tell_refund(&self.ctx, conn, row).await?;
        self.tell(conn, row.milestone, row.contract, what).await
    }

    /// A refund as it is now.
    pub(super) async fn apply_refund(&self, conn: &mut Conn, refund: &Refund) -> Result<Applied> {
        let command = mark(&refund.metadata);
        let known = match store::refunds::of_refund(conn, &refund.id).await? {
            Some(known) => Some(known),
            None => match command {
                Some(command) => store::payments::subject_of(conn, command).await?,
                None => None,
            },
        };
        let Some(id) = known else { return Ok(Applied::NotOurs) };
        let Some(mut row) = self.lock_refund(conn, id).await? else { return Ok(Applied::NotOurs) };
        let Some(command) = command.filter(|command| row.command_id == Some(*command)) else {
            return Ok(Applied::Done);
        };
        let whole = money(row.to_send(), &row.currency)?;
        if can(&REFUND, &row.state, "confirm") {
            // The provider has taken it from the balance, whatever comes of it later.
            step(&REFUND, &mut row.state, "confirm")?;
            row.refund = Some(refund.id.clone());
            post_in(&self.ctx, conn, &Event::RefundConfirmed { command, amount: whole }, Some(row.contract))
                .await?;
            keep_refund(&self.ctx, conn, &mut row).await?;
            self.tell_client(conn, &row, Movement::Refunded).await?;
        }
        let came_back = matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled);
        if came_back && can(&REFUND, &row.state, "come_back") {
            step(&REFUND, &mut row.state, "come_back")?;
            row.failure = refund.failure_reason.clone().or_else(|| Some(refund.status.as_str().to_owned()));
            let booked =
                store::reconciliation::booked_as(conn, &format!("refund_confirmed:{command}")).await?;
            correct_in(&self.ctx, conn, there(booked, "booking of a refund")?).await?;
            self.put_back(conn, &mut row, command).await?;
            keep_refund(&self.ctx, conn, &mut row).await?;
            self.tell_client(conn, &row, Movement::RefundRefused).await?;
        }
        Ok(Applied::Done)
    }

    /// The money of a refund is where it was: frozen, while the payer's bank takes the payment back; once it has, what the
    /// platform bears of that is repaid first. Answers whether it takes it back now.
    async fn put_back(&self, conn: &mut Conn, row: &mut RefundRow, command: Uuid) -> Result<bool> {
        let event = Event::RefundRefused { command, of: source_of(row)? };
        post_in(&self.ctx, conn, &event, Some(row.contract)).await?;
        let Some(mut dispute) = store::disputes::lock_open(conn, row.payment_id).await? else {
            recover_loss(&self.ctx, conn, row, command).await?;
            return Ok(false);
        };
        let (amount, _) = row.left();
        if row.source == "free" && amount > 0 {
            let event = Event::HeldBack {
                id: command,
                milestone: row.milestone,
                amount: money(amount, &row.currency)?,
            };
            post_in(&self.ctx, conn, &event, Some(row.contract)).await?;
            dispute.frozen = dispute.frozen.saturating_add(amount);
            store::disputes::update(conn, &dispute).await?;
        }
        Ok(true)
    }

    /// The provider did not make the refund.
    pub(super) async fn refund_refused(
        &self,
        conn: &mut Conn,
        command: &CommandRow,
        code: &str,
        absent: bool,
    ) -> Result<()> {
        let mut row = there(self.lock_refund(conn, command.subject).await?, "refund")?;
        let disputed = self.put_back(conn, &mut row, command.id).await?;
        if row.to_send() > 0 {
            if absent && !disputed {
                step(&REFUND, &mut row.state, "ask_anew")?;
                return command_refund(&self.ctx, conn, &mut row).await;
            }
            step(&REFUND, &mut row.state, "refuse")?;
        }
        row.failure = Some(code.to_owned());
        keep_refund(&self.ctx, conn, &mut row).await?;
        self.tell_client(conn, &row, Movement::RefundRefused).await
    }
}

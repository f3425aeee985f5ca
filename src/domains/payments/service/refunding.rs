//! Refunds that did not arrive: finance staff ask for them again, or pay them from the platform's bank.

use assay_kernel::ids::RefundId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Money, Permission, Result};
use assay_ledger::{Event, post_in};
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Payments;
use super::approvals::{Proposed, needs_second_person, pending_act};
use super::commands::there;
use super::finance::Done;
use super::losses::recover_loss;
use super::moving::{command_refund, keep_refund, source_of, tell_refund};
use crate::model::approval::MoneyAct;
use crate::model::process::REFUND;
use crate::model::{Movement, money};
use crate::store;
use crate::store::refunds::RefundRow;

const FINANCE: &[Who] = &[Who::Staff(Permission::Finance)];

/// What a second person confirms of a refund that is paid out of band.
#[derive(Debug, Serialize, Deserialize)]
struct OutOfBand {
    reference: String,
    /// What is sent, minor units.
    amount: i64,
}

impl Payments {
    /// Asks for a refund again that was refused or came back; for a large one when a second person has confirmed it.
    ///
    /// # Errors
    /// `not_found`, `state_conflict` also while the payment is disputed, `precondition_failed`.
    pub async fn retry_refund(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: RefundId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<Done<RefundRow>> {
        let row = self.refund_for(conn, actor, id, seen, "retry").await?;
        let (act, amount) = (MoneyAct::RefundRetry, money(row.to_send(), &row.currency)?);
        if let Some(waits) = self.propose_large(conn, actor, act, (&row, amount), json!({}), reason).await? {
            return Ok(waits);
        }
        let row = self.ask_again(conn, row).await?;
        self.record(conn, actor, "refund.retry", id.to_string(), reason, json!({})).await?;
        Ok(Done::Now(row))
    }

    /// Notes that a refund that was refused or came back is paid by a transfer from the platform's bank; of a large one
    /// when a second person has confirmed it.
    ///
    /// # Errors
    /// As [`Self::retry_refund`]; `state_conflict` also when the refund does not owe just `amount`.
    pub async fn pay_refund_out_of_band(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: RefundId,
        seen: &IfMatch,
        (amount, reference): (Money, &str),
        reason: &str,
    ) -> Result<Done<RefundRow>> {
        let row = self.refund_for(conn, actor, id, seen, "pay_out_of_band").await?;
        if amount.currency.code() != row.currency {
            return Err(Error::invalid_field("/amount/currency", "unknown_value", "is not the refund's"));
        }
        let what = OutOfBand { reference: reference.to_owned(), amount: amount.amount };
        self.owes(conn, &row, &what).await?;
        let (act, payload) = (MoneyAct::RefundOutOfBand, json!(what));
        if let Some(waits) =
            self.propose_large(conn, actor, act, (&row, amount), payload.clone(), reason).await?
        {
            return Ok(waits);
        }
        let row = self.pay_out_of_band(conn, row, &what).await?;
        self.record(conn, actor, "refund.pay_out_of_band", id.to_string(), reason, payload).await?;
        Ok(Done::Now(row))
    }

    /// The second person has confirmed that a refund is asked for again.
    pub(super) async fn refund_again(&self, conn: &mut Conn, id: Uuid) -> Result<()> {
        let row = self.refund_locked(conn, id).await?;
        self.ask_again(conn, row).await.map(drop)
    }

    /// The second person has confirmed that a refund is paid out of band.
    pub(super) async fn refund_out_of_band(&self, conn: &mut Conn, id: Uuid, what: &Value) -> Result<()> {
        let row = self.refund_locked(conn, id).await?;
        let unnamed =
            |_| Error::new(Code::StateConflict, "It names no amount: refuse it, and propose it anew.");
        let what = OutOfBand::deserialize(what).map_err(unnamed)?;
        self.pay_out_of_band(conn, row, &what).await.map(drop)
    }

    /// The refund, locked after its payment, for an act that is possible now.
    async fn refund_for(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: RefundId,
        seen: &IfMatch,
        event: &str,
    ) -> Result<RefundRow> {
        self.may(conn, actor, None).await?;
        if store::refunds::find(conn, id.uuid()).await?.is_none() {
            return Err(Error::not_found("refund"));
        }
        let row = self.refund_locked(conn, id.uuid()).await?;
        seen.check(row.version)?;
        REFUND.transition(&row.state, event, FINANCE)?;
        self.not_with_the_bank(conn, &row).await?;
        // One act at a time: the client would have the money twice.
        for act in [MoneyAct::RefundRetry, MoneyAct::RefundOutOfBand] {
            if pending_act(conn, act, row.id).await?.is_some() {
                let detail = "An act on this refund waits for a second person.";
                return Err(Error::new(Code::StateConflict, detail));
            }
        }
        Ok(row)
    }

    async fn not_with_the_bank(&self, conn: &mut Conn, row: &RefundRow) -> Result<()> {
        match store::disputes::lock_open(conn, row.payment_id).await? {
            Some(_) => Err(Error::new(Code::StateConflict, "The payer's bank is taking the payment back.")),
            None => Ok(()),
        }
    }

    /// A transfer that was made elsewhere is for what the refund owes, to the cent: what the platform has lost to the
    /// client's bank is repaid first.
    async fn owes(&self, conn: &mut Conn, row: &RefundRow, what: &OutOfBand) -> Result<()> {
        let lost = store::disputes::lock_with_loss(conn, row.payment_id).await?;
        let lost = lost.iter().fold(0_i64, |sum, dispute| sum.saturating_add(dispute.loss));
        let owed = money(row.to_send().saturating_sub(lost).max(0), &row.currency)?;
        if what.amount == owed.amount && owed.amount > 0 {
            return Ok(());
        }
        Err(Error::new(Code::StateConflict, format!("The refund owes {owed} now, no more and no less.")))
    }

    async fn refund_locked(&self, conn: &mut Conn, id: Uuid) -> Result<RefundRow> {
        let seen = there(store::refunds::find(conn, id).await?, "refund")?;
        store::payments::lock(conn, seen.payment_id).await?;
        there(store::refunds::lock(conn, id).await?, "refund")
    }

    async fn propose_large(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        act: MoneyAct,
        (row, amount): (&RefundRow, Money),
        payload: Value,
        reason: &str,
    ) -> Result<Option<Done<RefundRow>>> {
        if !needs_second_person(&self.ctx, amount) {
            return Ok(None);
        }
        let of = Some((row.milestone, row.contract));
        let proposed = Proposed { act, subject: row.id, of, amount, beneficiary: None, payload, reason };
        self.propose(conn, actor, proposed).await.map(Some)
    }

    /// Takes an act on a refund that did not arrive: what the platform has lost to the payer's bank is repaid first.
    async fn begin_again(&self, conn: &mut Conn, row: &mut RefundRow, event: &str) -> Result<()> {
        let to = REFUND.transition(&row.state, event, FINANCE)?.to;
        self.not_with_the_bank(conn, row).await?;
        // It may have come back while another dispute was open, which kept it from repaying a loss.
        recover_loss(&self.ctx, conn, row, self.ctx.ids.uuid()).await?;
        if row.to_send() > 0 {
            row.state = to.to_owned();
        }
        Ok(())
    }

    async fn ask_again(&self, conn: &mut Conn, mut row: RefundRow) -> Result<RefundRow> {
        self.begin_again(conn, &mut row, "retry").await?;
        row.refund = None;
        keep_refund(&self.ctx, conn, &mut row).await?;
        if row.to_send() > 0 {
            command_refund(&self.ctx, conn, &mut row).await?;
        }
        Ok(row)
    }

    async fn pay_out_of_band(
        &self,
        conn: &mut Conn,
        mut row: RefundRow,
        what: &OutOfBand,
    ) -> Result<RefundRow> {
        self.begin_again(conn, &mut row, "pay_out_of_band").await?;
        self.owes(conn, &row, what).await?;
        row.out_of_band_reference = Some(what.reference.clone());
        let event = Event::RefundOutOfBand { refund: row.id, of: source_of(&row)? };
        post_in(&self.ctx, conn, &event, Some(row.contract)).await?;
        self.tell(conn, row.milestone, row.contract, Movement::Refunded).await?;
        keep_refund(&self.ctx, conn, &mut row).await?;
        tell_refund(&self.ctx, conn, &row).await?;
        Ok(row)
    }
}

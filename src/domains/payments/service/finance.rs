//! What finance staff do: each act with a reason, recorded, after a second factor.

use assay_adapters::stripe::{Evidence, update_dispute};
use assay_kernel::ids::{AccountId, DifferenceId, PaymentDisputeId, TransferId};
use assay_kernel::process::{Machine, Who};
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use assay_platform::timers;
use assay_platform::web::IfMatch;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Payments;
use super::approvals::{Proposed, needs_second_person, propose_act_in};
use super::commands;
use super::commands::there;
use super::holds::go_on;
use super::moving::{keep_transfer, queue_transfer};
use crate::model::approval::MoneyAct;
use crate::model::command::CommandKind;
use crate::model::process::{PAYEE, TRANSFER};
use crate::model::{Hold, Movement, money, payee_blocked, step, transfer_blocked};
use crate::store;
use crate::store::approvals::ApprovalRow;
use crate::store::disputes::DisputeRow;
use crate::store::payees::PayeeRow;
use crate::store::reconciliation::{DifferenceRow, difference};
use crate::store::transfers::TransferRow;

const FINANCE: &[Who] = &[Who::Staff(Permission::Finance)];

/// What came of an act of staff on money.
pub enum Done<R> {
    /// It was done.
    Now(R),
    /// It waits for a second person.
    Proposed(Box<ApprovalRow>),
}

/// What the sides of a contract disagree over waits for them, not for staff.
fn check_release(row: &TransferRow) -> Result<()> {
    let transition = TRANSFER.transition(&row.state, "release_hold", FINANCE)?;
    TRANSFER.check(transition, |guard| transfer_blocked(guard, row.hold.as_deref()))
}

fn act(machine: &Machine, state: &mut String, event: &str) -> Result<()> {
    *state = machine.transition(state, event, FINANCE)?.to.to_owned();
    Ok(())
}

impl Payments {
    pub(super) async fn record(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        action: &'static str,
        subject: String,
        reason: &str,
        data: Value,
    ) -> Result<()> {
        let entry =
            audit::Entry { actor: Some(actor.account_id), action, subject, reason: Some(reason), data };
        audit::record(&self.ctx, conn, entry).await
    }

    /// Staff do not decide about money of their own.
    pub(super) async fn may(&self, conn: &mut Conn, actor: &Actor, beneficiary: Option<Uuid>) -> Result<()> {
        assay_identity::require_step_up(&self.ctx, conn, actor).await?;
        if beneficiary == Some(actor.account_id.uuid()) {
            return Err(Error::new(Code::Forbidden, "This is money of your own: another person decides."));
        }
        Ok(())
    }

    /// Stops a transfer that was not sent.
    ///
    /// # Errors
    /// `not_found`, `state_conflict`, `precondition_failed`.
    pub async fn stop_transfer(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: TransferId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<TransferRow> {
        let mut row = self.transfer_for(conn, actor, id, seen).await?;
        act(&TRANSFER, &mut row.state, "hold")?;
        row.hold = Some(Hold::Risk.as_str().to_owned());
        keep_transfer(&self.ctx, conn, &mut row).await?;
        let data = json!({ "account_id": AccountId::from_uuid(row.developer_id) });
        self.record(conn, actor, "transfer.hold", id.to_string(), reason, data).await?;
        Ok(row)
    }

    /// Lets a transfer go on; a large one when a second person has confirmed it.
    ///
    /// # Errors
    /// `not_found`, `state_conflict`, also while the sides of the contract disagree, `precondition_failed`.
    pub async fn let_transfer_go(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: TransferId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<Done<TransferRow>> {
        let row = self.transfer_for(conn, actor, id, seen).await?;
        check_release(&row)?;
        let amount = money(row.amount, &row.currency)?;
        if needs_second_person(&self.ctx, amount) {
            let proposed = Proposed {
                act: MoneyAct::TransferRelease,
                subject: row.id,
                of: Some((row.milestone, row.contract)),
                amount,
                beneficiary: Some(row.developer_id),
                payload: json!({}),
                reason,
            };
            return self.propose(conn, actor, proposed).await;
        }
        let row = self.release_hold(conn, row).await?;
        let data = json!({ "account_id": AccountId::from_uuid(row.developer_id) });
        self.record(conn, actor, "transfer.release_hold", id.to_string(), reason, data).await?;
        Ok(Done::Now(row))
    }

    pub(super) async fn propose<R>(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        proposed: Proposed<'_>,
    ) -> Result<Done<R>> {
        let id = propose_act_in(&self.ctx, conn, actor, proposed).await?;
        let row = store::approvals::find(conn, id.uuid()).await?;
        Ok(Done::Proposed(Box::new(there(row, "proposal")?)))
    }

    async fn release_hold(&self, conn: &mut Conn, mut row: TransferRow) -> Result<TransferRow> {
        check_release(&row)?;
        act(&TRANSFER, &mut row.state, "release_hold")?;
        row.hold = None;
        row.tries = 0;
        if row.payable_from <= self.ctx.clock.now() {
            queue_transfer(&self.ctx, conn, &mut row).await?;
        } else {
            keep_transfer(&self.ctx, conn, &mut row).await?;
            timers::set(&self.ctx, conn, TRANSFER.name, row.id, "queue", row.payable_from).await?;
        }
        Ok(row)
    }

    /// The second person has confirmed that a transfer goes on.
    pub(super) async fn transfer_goes_on(&self, conn: &mut Conn, id: Uuid) -> Result<()> {
        let seen = there(store::transfers::find(conn, id).await?, "transfer")?;
        store::payments::lock(conn, seen.payment_id).await?;
        let row = there(store::transfers::lock(conn, id).await?, "transfer")?;
        self.release_hold(conn, row).await.map(drop)
    }

    async fn transfer_for(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: TransferId,
        seen: &IfMatch,
    ) -> Result<TransferRow> {
        let missing = || Error::not_found("transfer");
        let found = store::transfers::find(conn, id.uuid()).await?.ok_or_else(missing)?;
        self.may(conn, actor, Some(found.developer_id)).await?;
        store::payments::lock(conn, found.payment_id).await?;
        let row = store::transfers::lock(conn, id.uuid()).await?.ok_or_else(missing)?;
        seen.check(row.version)?;
        Ok(row)
    }

    /// The timer of a transfer: its time has come, or it is tried again.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn on_transfer_due(&self, id: Uuid) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let Some(seen) = store::transfers::find(conn, id).await? else { return Ok(()) };
                store::payments::lock(conn, seen.payment_id).await?;
                let mut row = there(store::transfers::lock(conn, id).await?, "transfer")?;
                if !matches!(row.state.as_str(), "accrued" | "failed") {
                    return Ok(());
                }
                if row.amount > 0 {
                    return queue_transfer(&self.ctx, conn, &mut row).await;
                }
                // All of it has repaid a debt.
                step(&TRANSFER, &mut row.state, "offset")?;
                row.paid_at = Some(self.ctx.clock.now());
                keep_transfer(&self.ctx, conn, &mut row).await?;
                self.tell(conn, row.milestone, row.contract, Movement::Transferred).await
            })
            .await
    }

    /// Gives evidence in a dispute and submits it: the provider takes it once.
    ///
    /// # Errors
    /// `not_found`, `state_conflict` when it was given or is too late, `precondition_failed`.
    pub async fn give_evidence(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: PaymentDisputeId,
        seen: &IfMatch,
        evidence: &Evidence<'_>,
    ) -> Result<DisputeRow> {
        self.may(conn, actor, None).await?;
        let missing = || Error::not_found("payment dispute");
        let mut row = store::disputes::lock(conn, id.uuid()).await?.ok_or_else(missing)?;
        seen.check(row.version)?;
        let awaited = matches!(row.status.as_str(), "needs_response" | "warning_needs_response");
        if !awaited || row.evidence_submitted_at.is_some() {
            return Err(Error::new(Code::StateConflict, "No evidence is awaited."));
        }
        let post = update_dispute(&row.dispute, evidence, true);
        commands::write(&self.ctx, conn, self.ctx.ids.uuid(), CommandKind::Evidence, row.id, &post).await?;
        row.evidence_submitted_at = Some(self.ctx.clock.now());
        row.version = row.version.saturating_add(1);
        store::disputes::update(conn, &row).await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "payment_dispute.evidence",
            subject: id.to_string(),
            reason: None,
            data: json!({}),
        };
        audit::record(&self.ctx, conn, entry).await?;
        Ok(row)
    }

    /// Sends a payee no more money, or allows it again; keeps transfers waiting for tax papers, or no longer.
    ///
    /// # Errors
    /// `not_found`, `state_conflict`, `precondition_failed`.
    pub async fn decide_payee(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AccountId,
        seen: &IfMatch,
        event: &'static str,
        reason: &str,
    ) -> Result<PayeeRow> {
        self.may(conn, actor, Some(id.uuid())).await?;
        let missing = || Error::not_found("payee");
        let mut row = store::payees::lock(conn, id.uuid()).await?.ok_or_else(missing)?;
        seen.check(row.version)?;
        let transition = PAYEE.transition(&row.state, event, FINANCE)?;
        PAYEE.check(transition, |guard| {
            payee_blocked(guard, row.disabled_reason.as_deref(), row.tax_hold.is_some())
        })?;
        row.state = transition.to.to_owned();
        match event {
            "hold_for_tax" => row.tax_hold = Some(reason.to_owned()),
            "clear_tax_hold" => row.tax_hold = None,
            _ => {}
        }
        self.keep_payee(conn, &mut row).await?;
        if let (Some(account), "unblock") = (&row.stripe_account, event) {
            self.look_at(conn, "account", account, None, chrono::Duration::zero()).await?;
        }
        let action = match event {
            "block" => "payee.block",
            "unblock" => "payee.unblock",
            "hold_for_tax" => "payee.hold_for_tax",
            _ => "payee.clear_tax_hold",
        };
        if event == "clear_tax_hold" {
            for mut transfer in store::transfers::lock_held(conn, row.account_id, Hold::Tax.as_str()).await? {
                go_on(&self.ctx, conn, &mut transfer).await?;
            }
        }
        self.record(conn, actor, action, id.to_string(), reason, json!({})).await?;
        Ok(row)
    }

    /// Notes why ledger and provider differ.
    ///
    /// # Errors
    /// `not_found`, `state_conflict` when it is explained, `precondition_failed`.
    pub async fn resolve_difference(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: DifferenceId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<DifferenceRow> {
        self.may(conn, actor, None).await?;
        let missing = || Error::not_found("difference");
        let mut row = difference::lock(conn, id.uuid()).await?.ok_or_else(missing)?;
        seen.check(row.version)?;
        if row.resolved_at.is_some() {
            return Err(Error::new(Code::StateConflict, "The difference is explained."));
        }
        row.resolved_at = Some(self.ctx.clock.now());
        row.resolved_by_id = Some(actor.account_id.uuid());
        row.reason = Some(reason.to_owned());
        row.version = row.version.saturating_add(1);
        difference::update(conn, &row).await?;
        self.record(conn, actor, "provider_difference.resolve", id.to_string(), reason, json!({})).await?;
        Ok(row)
    }
}

//! The platform's own money on its way to its own bank: what it has earned and not spent, and nothing of what it holds
//! for others.

use assay_adapters::stripe::create_payout;
use assay_kernel::ids::PayoutId;
use assay_kernel::{Actor, Code, Error, Money, Permission, Result};
use assay_ledger::{Event, own_money, post_in};
use assay_platform::db::{Conn, advisory_lock};
use assay_platform::outbox::{self, Audience};
use serde_json::json;
use uuid::Uuid;

use super::Payments;
use super::approvals::{Proposed, needs_second_person, propose_act_in};
use super::commands::{self, there};
use crate::model::approval::MoneyAct;
use crate::model::command::CommandKind;
use crate::model::money;
use crate::store;
use crate::store::payouts::PayoutRow;

/// One payout of own money is decided at a time: each must see what the one before it has taken.
const LOCK: i64 = 0x4153_0010;

impl Payments {
    /// Asks for a payout of the platform's own money. Above the policy's amount it waits for a second person.
    ///
    /// # Errors
    /// `insufficient_funds` when the platform owns less.
    pub async fn pay_own_money_out(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        amount: Money,
        reason: &str,
    ) -> Result<PayoutRow> {
        assay_identity::require_step_up(&self.ctx, conn, actor).await?;
        if amount.amount <= 0 {
            return Err(Error::invalid_field("/amount/amount", "out_of_range", "must be above zero"));
        }
        let now = self.ctx.clock.now();
        let mut row = PayoutRow {
            id: self.ctx.ids.uuid(),
            developer_id: None,
            amount: amount.amount,
            currency: amount.currency.code().to_owned(),
            state: "awaiting_approval".to_owned(),
            command_id: None,
            payout: None,
            failure: None,
            arrives_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            requested_by_id: Some(actor.account_id.uuid()),
            reason: Some(reason.to_owned()),
            own: None,
        };
        self.check_own(conn, &mut row).await?;
        store::payouts::insert(conn, &row).await?;
        if needs_second_person(&self.ctx, amount) {
            let proposed = Proposed {
                act: MoneyAct::PlatformPayout,
                subject: row.id,
                of: None,
                amount,
                beneficiary: None,
                payload: json!({}),
                reason,
            };
            propose_act_in(&self.ctx, conn, actor, proposed).await?;
        } else {
            self.command_own(conn, &mut row).await?;
        }
        let data = json!({ "amount": row.amount, "currency": row.currency });
        let id = PayoutId::from_uuid(row.id).to_string();
        self.record(conn, actor, "platform_payout.ask", id, reason, data).await?;
        Ok(row)
    }

    /// Notes what the platform owns now; more does not go.
    async fn check_own(&self, conn: &mut Conn, row: &mut PayoutRow) -> Result<()> {
        advisory_lock(conn, LOCK).await?;
        let amount = money(row.amount, &row.currency)?;
        let own = own_money(conn, amount.currency).await?;
        if amount.amount > own.amount {
            let detail =
                format!("The platform owns {own} of the money at the provider; the rest is held for others.");
            return Err(Error::new(Code::InsufficientFunds, detail));
        }
        row.own = Some(own.amount);
        Ok(())
    }

    async fn command_own(&self, conn: &mut Conn, row: &mut PayoutRow) -> Result<()> {
        let (command, amount) = (self.ctx.ids.uuid(), money(row.amount, &row.currency)?);
        let mark = command.hyphenated().to_string();
        let post = create_payout(None, amount, &[("command", &mark)]);
        post_in(&self.ctx, conn, &Event::PayoutCommanded { command, amount }, None).await?;
        commands::write(&self.ctx, conn, command, CommandKind::Payout, row.id, &post).await?;
        row.command_id = Some(command);
        row.state = "pending".to_owned();
        self.keep_own(conn, row).await
    }

    /// Writes a payout of own money that has changed.
    pub(super) async fn keep_own(&self, conn: &mut Conn, row: &mut PayoutRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::payouts::update(conn, row).await?;
        let data = json!({ "state": row.state, "failure": row.failure });
        let subject = PayoutId::from_uuid(row.id).to_string();
        let audience = [Audience::Staff(Permission::Finance)];
        outbox::publish(&self.ctx, conn, "platform_payout.changed", subject, data, &audience).await
    }

    async fn lock_awaiting(&self, conn: &mut Conn, id: Uuid) -> Result<PayoutRow> {
        let row = there(store::payouts::lock(conn, id).await?, "payout")?;
        if row.state == "awaiting_approval" {
            return Ok(row);
        }
        Err(Error::new(Code::StateConflict, "The payout waits for nobody."))
    }

    /// The second person has confirmed it: what is owned is looked at again.
    pub(super) async fn send_own_money(&self, conn: &mut Conn, id: Uuid) -> Result<()> {
        let mut row = self.lock_awaiting(conn, id).await?;
        self.check_own(conn, &mut row).await?;
        self.command_own(conn, &mut row).await
    }

    /// Nobody has confirmed it.
    pub(super) async fn own_money_stays(&self, conn: &mut Conn, id: Uuid) -> Result<()> {
        let mut row = self.lock_awaiting(conn, id).await?;
        row.state = "refused".to_owned();
        self.keep_own(conn, &mut row).await
    }

    /// Books what the provider did with a payout of own money. `made` tells that it is heard of for the first time,
    /// `over` that it came back, or will not arrive.
    pub(super) async fn book_own(
        &self,
        conn: &mut Conn,
        row: &PayoutRow,
        made: bool,
        over: bool,
    ) -> Result<()> {
        let command = there(row.command_id, "request of the payout")?;
        let amount = money(row.amount, &row.currency)?;
        if made {
            post_in(&self.ctx, conn, &Event::PayoutConfirmed { command, amount }, None).await?;
        }
        if over {
            post_in(&self.ctx, conn, &Event::PayoutReturned { command, amount }, None).await?;
        }
        Ok(())
    }

    /// The provider did not make it.
    pub(super) async fn own_payout_refused(
        &self,
        conn: &mut Conn,
        mut row: PayoutRow,
        code: &str,
    ) -> Result<()> {
        let command = there(row.command_id, "request of the payout")?;
        let amount = money(row.amount, &row.currency)?;
        post_in(&self.ctx, conn, &Event::PayoutRefused { command, amount }, None).await?;
        row.state = "failed".to_owned();
        row.failure = Some(code.to_owned());
        self.keep_own(conn, &mut row).await
    }
}

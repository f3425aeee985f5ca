//! Clients' payments.

use assay_adapters::stripe::{EarlyFraudWarning, PaymentIntent, PaymentIntentStatus as S};
use assay_kernel::ids::{OrganisationId, PaymentId};
use assay_kernel::{Error, Result};
use assay_ledger::{Event, post_in};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::super::Payments;
use super::super::commands::there;
use super::super::moving::hold_transfer;
use super::{Applied, Paid, mark};
use crate::model::process::{PAYMENT, TRANSFER};
use crate::model::{Hold, Movement, can, money, step};
use crate::store;
use crate::store::payments::PaymentRow;

impl Payments {
    async fn find_payment(&self, conn: &mut Conn, intent: &PaymentIntent) -> Result<Option<PaymentRow>> {
        let known = match store::payments::of_intent(conn, &intent.id).await? {
            Some(known) => Some(known),
            None => match mark(&intent.metadata) {
                Some(command) => store::payments::subject_of(conn, command).await?,
                None => None,
            },
        };
        match known {
            Some(id) => Ok(store::payments::lock(conn, id).await?),
            None => Ok(None),
        }
    }

    async fn keep_payment(&self, conn: &mut Conn, row: &mut PaymentRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::payments::update(conn, row).await?;
        let data = json!({ "state": row.state, "failure": row.failure });
        let subject = PaymentId::from_uuid(row.id).to_string();
        let audience = [Audience::Organisation(OrganisationId::from_uuid(row.organisation_id))];
        outbox::publish(&self.ctx, conn, "payment.changed", subject, data, &audience).await
    }

    /// The provider knows the payment by that id.
    pub(super) async fn note_intent(
        &self,
        conn: &mut Conn,
        payment: Uuid,
        intent: &PaymentIntent,
    ) -> Result<()> {
        let mut row = there(store::payments::lock(conn, payment).await?, "payment")?;
        if row.payment_intent.is_none() {
            row.payment_intent = Some(intent.id.clone());
            self.keep_payment(conn, &mut row).await?;
        }
        Ok(())
    }

    /// A payment as it is now.
    pub(super) async fn apply_payment(&self, conn: &mut Conn, paid: &Paid) -> Result<Applied> {
        let intent = &paid.intent;
        let Some(mut row) = self.find_payment(conn, intent).await? else { return Ok(Applied::NotOurs) };
        let whole = money(row.amount.saturating_add(row.fee), &row.currency)?;
        if assay_adapters::stripe::money(intent.amount, &intent.currency) != Some(whole) {
            let detail = format!("{} is not of the amount that was asked for", intent.id);
            return Err(Error::internal(detail).permanent());
        }
        row.payment_intent = Some(intent.id.clone());
        match &intent.status {
            S::Succeeded => self.paid(conn, row, paid).await,
            S::Processing => self.moved_on(conn, row, "process").await,
            S::RequiresAction => self.moved_on(conn, row, "require_action").await,
            S::Canceled => self.not_paid(conn, row, "cancel", "canceled").await,
            S::RequiresPaymentMethod => match &intent.last_payment_error {
                Some(error) => {
                    let code = error.decline_code.as_deref().or(error.code.as_deref()).unwrap_or("declined");
                    self.not_paid(conn, row, "fail", code).await
                }
                None => self.moved_on(conn, row, "").await,
            },
            _ => self.moved_on(conn, row, "").await,
        }
    }

    async fn moved_on(&self, conn: &mut Conn, mut row: PaymentRow, event: &str) -> Result<Applied> {
        if can(&PAYMENT, &row.state, event) {
            step(&PAYMENT, &mut row.state, event)?;
            self.keep_payment(conn, &mut row).await?;
        }
        Ok(Applied::Done)
    }

    async fn not_paid(
        &self,
        conn: &mut Conn,
        mut row: PaymentRow,
        event: &str,
        code: &str,
    ) -> Result<Applied> {
        if can(&PAYMENT, &row.state, event) {
            step(&PAYMENT, &mut row.state, event)?;
            row.failure = Some(code.to_owned());
            self.keep_payment(conn, &mut row).await?;
            let what = Movement::FundingFailed { reason: code.to_owned() };
            self.tell(conn, row.milestone, row.contract, what).await?;
        }
        Ok(Applied::Done)
    }

    /// The money is here: held from now on.
    async fn paid(&self, conn: &mut Conn, mut row: PaymentRow, paid: &Paid) -> Result<Applied> {
        if row.state == "succeeded" {
            return Ok(Applied::Done);
        }
        let (Some(charge), Some(transaction)) = (&paid.charge, &paid.transaction) else {
            // The provider books it a little later than it says so.
            self.look_at(conn, "payment_intent", &paid.intent.id, None, Duration::seconds(30)).await?;
            return Ok(Applied::Done);
        };
        step(&PAYMENT, &mut row.state, "succeed")?;
        row.failure = None;
        row.charge = Some(charge.id.clone());
        row.balance_transaction = Some(transaction.id.clone());
        row.succeeded_at = Some(self.ctx.clock.now());
        let funded = Event::Funded {
            provider: transaction.id.clone(),
            milestone: row.milestone,
            amount: money(row.amount, &row.currency)?,
            fee: money(row.fee, &row.currency)?,
        };
        post_in(&self.ctx, conn, &funded, Some(row.contract)).await?;
        if transaction.fee > 0 {
            let fee = money(transaction.fee, &row.currency)?;
            let event = Event::ProcessingFee { provider: transaction.id.clone(), fee };
            post_in(&self.ctx, conn, &event, Some(row.contract)).await?;
        }
        self.keep_payment(conn, &mut row).await?;
        self.tell(conn, row.milestone, row.contract, Movement::Funded).await?;
        Ok(Applied::Done)
    }

    /// The provider did not take the payment.
    pub(super) async fn payment_refused(&self, conn: &mut Conn, payment: Uuid, code: &str) -> Result<()> {
        let row = there(store::payments::lock(conn, payment).await?, "payment")?;
        self.not_paid(conn, row, "fail", code).await.map(drop)
    }

    /// The payer's bank suspects fraud: what was not sent yet waits for the finance staff.
    pub(super) async fn apply_warning(
        &self,
        conn: &mut Conn,
        warning: &EarlyFraudWarning,
    ) -> Result<Applied> {
        let Some(charge) = &warning.charge else { return Ok(Applied::NotOurs) };
        let Some(payment) = store::payments::of_charge(conn, charge).await? else {
            return Ok(Applied::NotOurs);
        };
        let mut row = there(store::payments::lock(conn, payment).await?, "payment")?;
        if row.fraud_warning.is_some() {
            return Ok(Applied::Done);
        }
        row.fraud_warning = Some(warning.fraud_type.clone());
        self.keep_payment(conn, &mut row).await?;
        for mut transfer in store::transfers::lock_of_payment(conn, row.id).await? {
            if can(&TRANSFER, &transfer.state, "hold") && transfer.hold.is_none() {
                hold_transfer(&self.ctx, conn, &mut transfer, Hold::Risk).await?;
            }
        }
        self.tell(conn, row.milestone, row.contract, Movement::FraudWarning).await?;
        Ok(Applied::Done)
    }
}

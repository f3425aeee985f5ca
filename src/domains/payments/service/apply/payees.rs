//! Payees' accounts, and methods that are set up.

use assay_adapters::stripe::{Account, SetupIntent, SetupIntentStatus};
use assay_kernel::Result;
use assay_kernel::ids::{AccountId, OrganisationId, PaymentMethodId};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::Duration;
use serde_json::json;

use super::super::Payments;
use super::super::commands::there;
use super::super::holds::go_on;
use super::super::paying_out;
use super::Applied;
use crate::model::process::PAYEE;
use crate::model::{Hold, can, is_rejected, step};
use crate::store;
use crate::store::payees::PayeeRow;

/// Where the provider's account leads a payee from `state`: an event of the table.
fn event_for(state: &str, account: &Account) -> &'static str {
    let due = &account.requirements;
    let open = !due.currently_due.is_empty() || !due.past_due.is_empty();
    if is_rejected(due.disabled_reason.as_deref()) {
        "block"
    } else if account.can_be_paid() {
        "activate"
    } else if state != "incomplete" && open || state == "active" {
        "restrict"
    } else if account.details_submitted {
        "answer"
    } else {
        ""
    }
}

impl Payments {
    /// A payee's account as it is now.
    pub(crate) async fn apply_account(&self, conn: &mut Conn, account: &Account) -> Result<Applied> {
        let Some(id) = store::payees::of_account(conn, &account.id).await? else {
            return Ok(Applied::NotOurs);
        };
        let mut row = there(store::payees::lock(conn, id).await?, "payee")?;
        let before = row.clone();
        let mut asked = account.requirements.currently_due.clone();
        asked.extend(account.requirements.past_due.iter().cloned());
        asked.sort();
        asked.dedup();
        row.requirements = asked;
        row.disabled_reason = account.requirements.disabled_reason.clone();
        let event = event_for(&row.state, account);
        if can(&PAYEE, &row.state, event) {
            step(&PAYEE, &mut row.state, event)?;
        }
        let changed = row.state != before.state;
        if changed || row.requirements != before.requirements || row.disabled_reason != before.disabled_reason
        {
            self.keep_payee(conn, &mut row).await?;
        }
        if row.state == "active" {
            // Also when it was active before: the provider may have refused a transfer in between.
            for mut transfer in store::transfers::lock_held(conn, id, Hold::Kyc.as_str()).await? {
                go_on(&self.ctx, conn, &mut transfer).await?;
            }
            if changed {
                paying_out::ask(&self.ctx, conn, id, Duration::zero()).await?;
            }
        }
        Ok(Applied::Done)
    }

    /// Writes a payee that has changed.
    pub(crate) async fn keep_payee(&self, conn: &mut Conn, row: &mut PayeeRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::payees::update(conn, row).await?;
        let data = json!({ "state": row.state, "requirements": row.requirements });
        let account = AccountId::from_uuid(row.account_id);
        let audience = [Audience::Account(account)];
        outbox::publish(&self.ctx, conn, "payee.changed", account.to_string(), data, &audience).await
    }

    /// The setting up of a method as it is now.
    pub(crate) async fn apply_setup(&self, conn: &mut Conn, setup: &SetupIntent) -> Result<Applied> {
        let known = match store::methods::of_setup(conn, &setup.id).await? {
            Some(known) => Some(known),
            None => setup.metadata.get("payment_method").and_then(|id| id.parse().ok()),
        };
        let Some(id) = known else { return Ok(Applied::NotOurs) };
        let Some(mut row) = store::methods::lock(conn, id).await? else { return Ok(Applied::NotOurs) };
        if row.state != "setting_up" {
            return Ok(Applied::Done);
        }
        let fresh = row.setup_intent.is_none();
        row.setup_intent = Some(setup.id.clone());
        match (&setup.status, &setup.payment_method) {
            (SetupIntentStatus::Succeeded, Some(method)) => {
                row.state = "verified".to_owned();
                row.method = Some(method.clone());
            }
            (SetupIntentStatus::Canceled, _) => row.state = "failed".to_owned(),
            _ if fresh => {}
            _ => return Ok(Applied::Done),
        }
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        store::methods::update(conn, &row).await?;
        if row.state != "setting_up" {
            let subject = PaymentMethodId::from_uuid(row.id).to_string();
            let audience = [Audience::Organisation(OrganisationId::from_uuid(row.organisation_id))];
            let data = json!({ "state": row.state });
            outbox::publish(&self.ctx, conn, "payment_method.changed", subject, data, &audience).await?;
        }
        Ok(Applied::Done)
    }
}

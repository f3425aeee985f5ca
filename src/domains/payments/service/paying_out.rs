//! Payouts: what arrived on a developer's account at the provider goes on to their bank. Their schedule there is manual,
//! so that nothing leaves it without a row here.

use assay_adapters::stripe::create_payout;
use assay_kernel::Result;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::Payments;
use super::commands;
use crate::model::command::CommandKind;
use crate::store;
use crate::store::payouts::PayoutRow;

/// The job that pays out what a developer has.
pub const PAY_OUT: &str = "payments.pay_out";

/// Between two looks at money that is not available yet.
const WAIT: Duration = Duration::hours(6);

/// Has a developer's balance looked at, then.
pub async fn ask(ctx: &Ctx, conn: &mut Conn, developer: Uuid, after: Duration) -> Result<()> {
    let job = NewJob {
        kind: PAY_OUT,
        payload: json!({ "developer": developer }),
        dedupe_key: None,
        run_at: Some(ctx.clock.now() + after),
    };
    jobs::enqueue(ctx, conn, job).await?;
    Ok(())
}

impl Payments {
    /// Pays out what a developer's account has available; looks again while more is on its way.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn pay_out(&self, developer: Uuid) -> Result<()> {
        let ctx = &self.ctx;
        let find = async |conn: &mut Conn| Ok(store::payees::find(conn, developer).await?);
        let payee = ctx.db.read(find).await?.filter(|payee| payee.state == "active");
        let Some(account) = payee.and_then(|payee| payee.stripe_account) else { return Ok(()) };
        let balance = match self.stripe.balance(Some(&account)).await {
            Ok(balance) => balance,
            // An outage may outlast a job's tries.
            Err(failure) => {
                tracing::warn!(%failure, "a payee's balance is not known now");
                return ctx.db.tx(async |conn| ask(ctx, conn, developer, WAIT).await).await;
            }
        };
        let more = balance.pending.iter().any(|amount| amount.amount > 0);
        ctx.db
            .tx(async |conn| {
                // One at a time: the balance of a moment ago must not be paid out twice.
                store::payees::lock(conn, developer).await?;
                let busy = store::payouts::any_unanswered(conn, developer).await?;
                for amount in balance.available.iter().filter(|amount| amount.amount > 0 && !busy) {
                    let Some(due) = assay_adapters::stripe::money(amount.amount, &amount.currency) else {
                        continue;
                    };
                    let (id, command, now) = (ctx.ids.uuid(), ctx.ids.uuid(), ctx.clock.now());
                    let mark = command.hyphenated().to_string();
                    let post = create_payout(Some(&account), due, &[("command", &mark)]);
                    commands::write(ctx, conn, command, CommandKind::Payout, id, &post).await?;
                    let row = PayoutRow {
                        id,
                        developer_id: Some(developer),
                        amount: due.amount,
                        currency: due.currency.code().to_owned(),
                        state: "pending".to_owned(),
                        command_id: Some(command),
                        payout: None,
                        failure: None,
                        arrives_at: None,
                        version: 1,
                        created_at: now,
                        updated_at: now,
                        requested_by_id: None,
                        reason: None,
                        own: None,
                    };
                    store::payouts::insert(conn, &row).await?;
                }
                if more || busy {
                    ask(ctx, conn, developer, WAIT).await?;
                }
                Ok(())
            })
            .await
    }
}

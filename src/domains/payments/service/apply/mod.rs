//! What the provider says, applied: by what happened to what, so that however often and in whichever order it is told,
//! it has one effect. Every road leads here: answers to requests, webhooks, the sweep, look-ups.

mod disputes;
mod payees;
mod payments;
mod refunds;
mod transfers;

use assay_adapters::stripe::{
    self, BalanceTransaction, Charge, Dispute, EarlyFraudWarning, Failure, PaymentIntent,
    PaymentIntentStatus, Payout, Refund, RefusalKind, SetupIntent, Transfer,
};
use assay_kernel::Result;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

use super::commands::wake;
use super::sending::Made;
use super::{Payments, passing};
use crate::model::command::{CommandKind, CommandState, LEASE};
use crate::store;
use crate::store::commands::CommandRow;

/// The job that looks at an object.
pub const REFRESH: &str = "payments.refresh";

/// What came of looking at an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// What it says is so with us too.
    Done,
    /// Nothing of ours belongs to it, or not yet.
    NotOurs,
    /// It is not complete at the provider, or another worker has it: look again.
    NotYet,
    /// No kind of object that moves anything.
    Ignored,
}

/// A payment with what its success left behind.
struct Paid {
    intent: PaymentIntent,
    charge: Option<Charge>,
    transaction: Option<BalanceTransaction>,
}

/// The request that made an object, by our mark on it.
fn mark(metadata: &BTreeMap<String, String>) -> Option<Uuid> {
    metadata.get("command")?.parse().ok()
}

impl Payments {
    /// Looks at the present state of an object and applies it; one worker at a time.
    ///
    /// # Errors
    /// `provider_unavailable`, or the database's failure.
    pub async fn refresh(&self, kind: &str, id: &str, account: Option<&str>) -> Result<Applied> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let take = async |conn: &mut Conn| Ok(store::events::take_object(conn, id, now, now + LEASE).await?);
        if !ctx.db.read(take).await? {
            return Ok(Applied::NotYet);
        }
        let done = self.fetch_and_apply(kind, id, account).await;
        ctx.db.read(async |conn| Ok(store::events::let_object_go(conn, id).await?)).await?;
        done
    }

    /// The job of looking at an object: again, where it is not complete.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn look_now(&self, kind: &str, id: &str, account: Option<&str>) -> Result<()> {
        let after = match self.refresh(kind, id, account).await {
            Ok(Applied::NotYet) => chrono::Duration::seconds(15),
            Ok(_) => return Ok(()),
            // An outage may outlast a job's tries.
            Err(error) if passing(&error) => chrono::Duration::minutes(10),
            Err(error) => return Err(error),
        };
        self.ctx.db.tx(async |conn| self.look_at(conn, kind, id, account, after).await).await
    }

    /// An object, unless there is none.
    async fn fetch<T: stripe::Object + DeserializeOwned>(
        &self,
        id: &str,
        account: Option<&str>,
    ) -> Result<Option<T>> {
        match self.stripe.retrieve(id, account).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if refusal.kind == RefusalKind::Missing => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn fetch_and_apply(&self, kind: &str, id: &str, account: Option<&str>) -> Result<Applied> {
        let db = &self.ctx.db;
        macro_rules! apply {
            ($type:ty, $method:ident) => {{
                let Some(found) = self.fetch::<$type>(id, account).await? else {
                    return Ok(Applied::NotOurs);
                };
                db.tx(async |conn| self.$method(conn, &found).await).await
            }};
        }
        if account.is_some() && !matches!(kind, "account" | "payout") {
            // The other end of our own transfers.
            return Ok(Applied::Ignored);
        }
        match kind {
            "payment_intent" => self.refresh_payment(id).await,
            "charge" => {
                let Some(charge) = self.fetch::<Charge>(id, account).await? else {
                    return Ok(Applied::NotOurs);
                };
                match &charge.payment_intent {
                    Some(intent) => self.refresh_payment(intent).await,
                    None => Ok(Applied::NotOurs),
                }
            }
            "transfer" => apply!(Transfer, apply_transfer),
            "refund" => apply!(Refund, apply_refund),
            "dispute" => apply!(Dispute, apply_dispute),
            "radar.early_fraud_warning" => apply!(EarlyFraudWarning, apply_warning),
            "setup_intent" => apply!(SetupIntent, apply_setup),
            "account" => {
                // The platform sees it as its own.
                let Some(found) = self.fetch::<stripe::Account>(id, None).await? else {
                    return Ok(Applied::NotOurs);
                };
                db.tx(async |conn| self.apply_account(conn, &found).await).await
            }
            "payout" => apply!(Payout, apply_payout),
            _ => Ok(Applied::Ignored),
        }
    }

    async fn refresh_payment(&self, id: &str) -> Result<Applied> {
        let Some(intent) = self.fetch::<PaymentIntent>(id, None).await? else {
            return Ok(Applied::NotOurs);
        };
        let mut paid = Paid { intent, charge: None, transaction: None };
        if paid.intent.status == PaymentIntentStatus::Succeeded
            && let Some(charge) = &paid.intent.latest_charge
        {
            paid.charge = self.fetch::<Charge>(charge, None).await?;
            let transaction = paid.charge.as_ref().and_then(|charge| charge.balance_transaction.clone());
            if let Some(transaction) = transaction {
                paid.transaction = self.fetch::<BalanceTransaction>(&transaction, None).await?;
            }
        }
        self.ctx.db.tx(async |conn| self.apply_payment(conn, &paid).await).await
    }

    /// Has an object looked at.
    pub(crate) async fn look_at(
        &self,
        conn: &mut Conn,
        kind: &str,
        id: &str,
        account: Option<&str>,
        after: chrono::Duration,
    ) -> Result<()> {
        let job = NewJob {
            kind: REFRESH,
            payload: json!({ "kind": kind, "id": id, "account": account }),
            dedupe_key: None,
            run_at: Some(self.ctx.clock.now() + after),
        };
        jobs::enqueue(&self.ctx, conn, job).await?;
        Ok(())
    }

    /// A request has made something.
    pub(crate) async fn apply_made(&self, conn: &mut Conn, row: &CommandRow, made: &Made) -> Result<()> {
        match made {
            Made::Payment(intent) => {
                self.note_intent(conn, row.subject, intent).await?;
                // What it left behind has to be fetched, which no transaction may wait for.
                self.look_at(conn, "payment_intent", &intent.id, None, chrono::Duration::zero()).await
            }
            Made::Transfer(transfer) => self.apply_transfer(conn, transfer).await.map(drop),
            Made::Reversal(reversal) => self.reversal_made(conn, row.subject, reversal).await,
            Made::Refund(refund) => self.apply_refund(conn, refund).await.map(drop),
            Made::Payout(payout) => self.apply_payout(conn, payout).await.map(drop),
            Made::Evidence(dispute) => self.apply_dispute(conn, dispute).await.map(drop),
        }
    }

    /// A request was refused, or has left nothing: what was posted for it is taken back. Whoever wants it still asks
    /// under another key.
    pub(crate) async fn undo(
        &self,
        conn: &mut Conn,
        row: &CommandRow,
        state: CommandState,
        code: &str,
    ) -> Result<()> {
        let absent = state == CommandState::Absent;
        match row.kind.parse()? {
            CommandKind::Payment => self.payment_refused(conn, row.subject, code).await,
            CommandKind::Transfer => self.transfer_refused(conn, row, code, absent).await,
            CommandKind::Reversal => self.reversal_refused(conn, row, code, absent).await,
            CommandKind::Refund => self.refund_refused(conn, row, code, absent).await,
            CommandKind::Payout => self.payout_refused(conn, row.subject, code).await,
            CommandKind::Evidence => self.evidence_refused(conn, row.subject).await,
        }
    }

    /// The same bytes of a request as a new one, under a new key: only when the first surely left nothing.
    async fn ask_anew(&self, conn: &mut Conn, row: &CommandRow) -> Result<Uuid> {
        let (id, now) = (self.ctx.ids.uuid(), self.ctx.clock.now());
        let text = |id: Uuid| id.hyphenated().to_string();
        let anew = CommandRow {
            id,
            body: row.body.replace(&text(row.id), &text(id)),
            state: CommandState::New.as_str().to_owned(),
            attempts: 0,
            first_sent_at: None,
            next_at: now,
            lease_until: None,
            outcome: None,
            object: None,
            created_at: now,
            settled_at: None,
            ..row.clone()
        };
        store::commands::insert(conn, &anew).await?;
        wake(&self.ctx, conn, id, now).await?;
        Ok(id)
    }
}

//! The worker's side of requests: claim, commit, send with no transaction open, commit what came of it.

use assay_adapters::stripe::{
    self, Dispute, Failure, Form, Found, IdempotencyKey, Listing, Outcome, PaymentIntent, Payout, Post,
    Refund, Transfer, TransferReversal,
};
use assay_kernel::Result;
use assay_platform::db::Conn;
use assay_platform::places;
use chrono::Duration;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Payments;
use super::commands::wake;
use crate::model::command::{self, CommandKind, CommandState, KEY_LIFE, LEASE, LOOK_AGAIN, Next};
use crate::model::process::{REFUND, TRANSFER};
use crate::model::{can, step};
use crate::store;
use crate::store::commands::CommandRow;

/// Objects looked through for one that may have been made.
const BOUND: usize = 10_000;

/// What a request has made.
pub enum Made {
    /// A payment.
    Payment(PaymentIntent),
    /// A transfer.
    Transfer(Transfer),
    /// A reversal.
    Reversal(TransferReversal),
    /// A refund.
    Refund(Refund),
    /// A payout.
    Payout(Payout),
    /// A dispute with evidence.
    Evidence(Dispute),
}

impl Made {
    fn id(&self) -> &str {
        match self {
            Made::Payment(made) => &made.id,
            Made::Transfer(made) => &made.id,
            Made::Reversal(made) => &made.id,
            Made::Refund(made) => &made.id,
            Made::Payout(made) => &made.id,
            Made::Evidence(made) => &made.id,
        }
    }
}

impl Payments {
    /// Does what a request needs now. Killed anywhere, it can be run again.
    ///
    /// # Errors
    /// The database's failure; the provider's is the request's business.
    pub async fn send(&self, id: Uuid) -> Result<()> {
        let now = self.ctx.clock.now();
        let claimed = self.ctx.db.tx(async |conn| self.claim(conn, id, now).await).await?;
        let Some(row) = claimed else { return Ok(()) };
        places::reached("command.claimed").await;
        let kind: CommandKind = row.kind.parse()?;
        let first_sent = row.first_sent_at.unwrap_or(now);
        let outlived = row.attempts > 1 && now - first_sent >= KEY_LIFE;
        if row.state == CommandState::Unknown.as_str() || outlived {
            let found = self.look(&row, kind).await;
            return self.ctx.db.tx(async |conn| self.after_look(conn, row.clone(), &found).await).await;
        }
        let outcome = self.ask(&row, kind).await;
        places::reached("command.sent").await;
        self.ctx
            .db
            .tx(async |conn| {
                self.after_send(conn, row.clone(), &outcome).await?;
                places::reached("command.settling").await;
                Ok(())
            })
            .await?;
        places::reached("command.settled").await;
        Ok(())
    }

    async fn claim(
        &self,
        conn: &mut Conn,
        id: Uuid,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Option<CommandRow>> {
        let Some(row) = store::commands::claim(conn, id, now, now + LEASE).await? else {
            let busy = store::commands::find(conn, id).await?.filter(|row| row.settled_at.is_none());
            if let Some(until) = busy.and_then(|row| row.lease_until).filter(|until| *until > now) {
                wake(&self.ctx, conn, id, until).await?;
            }
            return Ok(None);
        };
        if row.attempts == 1 {
            self.note_submitted(conn, &row).await?;
        }
        Ok(Some(row))
    }

    /// From here on nobody but the provider knows whether it was done.
    async fn note_submitted(&self, conn: &mut Conn, row: &CommandRow) -> Result<()> {
        match row.kind.parse()? {
            CommandKind::Transfer => {
                if let Some(mut transfer) = store::transfers::lock(conn, row.subject).await?
                    && can(&TRANSFER, &transfer.state, "submit")
                {
                    step(&TRANSFER, &mut transfer.state, "submit")?;
                    super::moving::keep_transfer(&self.ctx, conn, &mut transfer).await?;
                }
            }
            CommandKind::Refund => {
                if let Some(mut refund) = store::refunds::lock(conn, row.subject).await?
                    && can(&REFUND, &refund.state, "submit")
                {
                    step(&REFUND, &mut refund.state, "submit")?;
                    super::moving::keep_refund(&self.ctx, conn, &mut refund).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn ask(&self, row: &CommandRow, kind: CommandKind) -> Outcome<Made> {
        match kind {
            CommandKind::Payment => self.post(row).await.map(Made::Payment),
            CommandKind::Transfer => self.post(row).await.map(Made::Transfer),
            CommandKind::Reversal => self.post(row).await.map(Made::Reversal),
            CommandKind::Refund => self.post(row).await.map(Made::Refund),
            CommandKind::Payout => self.post(row).await.map(Made::Payout),
            CommandKind::Evidence => self.post(row).await.map(Made::Evidence),
        }
    }

    async fn post<T: DeserializeOwned>(&self, row: &CommandRow) -> Outcome<T> {
        let post = Post::<T>::stored(row.path.clone(), row.body.clone(), row.account.clone());
        self.stripe.send(&post, &IdempotencyKey::of(row.id)).await
    }

    async fn after_send(&self, conn: &mut Conn, mut row: CommandRow, outcome: &Outcome<Made>) -> Result<()> {
        let now = self.ctx.clock.now();
        let failure = match outcome {
            Ok(made) => return self.confirmed(conn, row, made).await,
            Err(failure) => failure,
        };
        let first_sent = row.first_sent_at.unwrap_or(now);
        match command::after(failure, row.attempts, first_sent, now, &self.ctx.entropy) {
            Next::Again(at) => {
                row.outcome = Some(word(failure));
                self.later(conn, row, at).await
            }
            Next::Look(at) => {
                row.state = CommandState::Unknown.as_str().to_owned();
                row.outcome = Some(word(failure));
                tracing::warn!(command = %row.id, kind = %row.kind, "the outcome of a request is unknown: it is looked for");
                self.later(conn, row, at).await
            }
            Next::Refused(code) => self.ended(conn, row, CommandState::Refused, &code).await,
        }
    }

    async fn after_look(
        &self,
        conn: &mut Conn,
        mut row: CommandRow,
        found: &Outcome<Found<Made>>,
    ) -> Result<()> {
        match found {
            Ok(Found::Here(made)) => self.confirmed(conn, row, made).await,
            Ok(Found::Absent) => self.ended(conn, row, CommandState::Absent, "absent").await,
            // Nothing may be concluded: neither is it confirmed nor may it be asked for anew.
            Ok(Found::Unfinished) | Err(_) => {
                row.state = CommandState::Unknown.as_str().to_owned();
                self.later(conn, row, self.ctx.clock.now() + LOOK_AGAIN).await
            }
        }
    }

    async fn later(
        &self,
        conn: &mut Conn,
        mut row: CommandRow,
        at: chrono::DateTime<chrono::Utc>,
    ) -> Result<()> {
        row.next_at = at;
        row.lease_until = None;
        if !self.still_open(conn, &row).await? {
            return Ok(());
        }
        store::commands::update(conn, &row).await?;
        wake(&self.ctx, conn, row.id, at).await
    }

    /// Locks a request; false when another worker has settled it meanwhile.
    async fn still_open(&self, conn: &mut Conn, row: &CommandRow) -> Result<bool> {
        let present = store::commands::lock(conn, row.id).await?;
        Ok(present.is_some_and(|present| present.settled_at.is_none()))
    }

    async fn settle(&self, conn: &mut Conn, row: &mut CommandRow, state: CommandState) -> Result<bool> {
        if !self.still_open(conn, row).await? {
            return Ok(false);
        }
        row.state = state.as_str().to_owned();
        row.settled_at = Some(self.ctx.clock.now());
        row.lease_until = None;
        store::commands::update(conn, row).await?;
        metrics::counter!("provider_commands_total", "kind" => row.kind.clone(), "end" => state.as_str())
            .increment(1);
        Ok(true)
    }

    async fn confirmed(&self, conn: &mut Conn, mut row: CommandRow, made: &Made) -> Result<()> {
        row.object = Some(made.id().to_owned());
        row.outcome = None;
        if self.settle(conn, &mut row, CommandState::Confirmed).await? {
            self.apply_made(conn, &row, made).await?;
        }
        Ok(())
    }

    async fn ended(
        &self,
        conn: &mut Conn,
        mut row: CommandRow,
        state: CommandState,
        code: &str,
    ) -> Result<()> {
        row.outcome = Some(code.to_owned());
        if self.settle(conn, &mut row, state).await? {
            tracing::warn!(command = %row.id, kind = %row.kind, code, "a request was not done");
            self.undo(conn, &row, state, code).await?;
        }
        Ok(())
    }

    /// Looks for what a request may have made, by our own mark on it.
    async fn look(&self, row: &CommandRow, kind: CommandKind) -> Outcome<Found<Made>> {
        let form = Form::parse(row.body.as_bytes());
        let since = (row.created_at - Duration::hours(1)).timestamp();
        let narrowed = |listing: Listing, name: &str| match form.get(name) {
            Some(value) => listing.with(name, value).since(since),
            None => listing.since(since),
        };
        match kind {
            CommandKind::Payment => {
                self.marked(row, narrowed(Listing::of::<PaymentIntent>(), "customer"), Made::Payment).await
            }
            CommandKind::Transfer => {
                self.marked(row, narrowed(Listing::of::<Transfer>(), "transfer_group"), Made::Transfer).await
            }
            CommandKind::Refund => {
                self.marked(row, narrowed(Listing::of::<Refund>(), "charge"), Made::Refund).await
            }
            CommandKind::Payout => {
                let listing = Listing::of::<Payout>().since(since);
                let account = row.account.as_deref();
                self.marked(row, account.map_or(listing.clone(), |account| listing.on(account)), Made::Payout)
                    .await
            }
            CommandKind::Reversal => {
                let transfer = row.path.split('/').nth(3).unwrap_or_default();
                self.marked(row, Listing::reversals(transfer), Made::Reversal).await
            }
            CommandKind::Evidence => {
                let id = row.path.split('/').nth(3).unwrap_or_default();
                let dispute: Dispute = self.stripe.retrieve(id, None).await?;
                let given = dispute.evidence_details.submission_count > 0;
                Ok(if given { Found::Here(Made::Evidence(dispute)) } else { Found::Absent })
            }
        }
    }

    async fn marked<T: stripe::Object + DeserializeOwned>(
        &self,
        row: &CommandRow,
        listing: Listing,
        made: impl Fn(T) -> Made,
    ) -> Outcome<Found<Made>> {
        let mark = row.id.hyphenated().to_string();
        let found = self.stripe.find_by_metadata::<T>(&listing, BOUND, "command", &mark).await?;
        Ok(match found {
            Found::Here(object) => Found::Here(made(object)),
            Found::Absent => Found::Absent,
            Found::Unfinished => Found::Unfinished,
        })
    }
}

/// A failure in a word that holds nobody's data.
fn word(failure: &Failure) -> String {
    match failure {
        Failure::Refused(refusal) => format!("refused: {:?}", refusal.kind),
        Failure::Unknown(unknown) => format!("unknown: {:?}", unknown.why),
        Failure::Config(why) => (*why).to_owned(),
    }
}

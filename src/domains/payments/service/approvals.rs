//! A second person for large acts of staff on money: proposed, confirmed by another person, carried out in the same
//! transaction. Acts of the higher domain are carried out by its hook.

use assay_kernel::ids::MoneyApprovalId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Money, Permission, Result};
use assay_platform::Ctx;
use assay_platform::audit;
use assay_platform::db::{Conn, Json};
use assay_platform::outbox::{self, Audience};
use assay_platform::timers;
use assay_platform::web::IfMatch;
use chrono::Duration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Payments;
use crate::model::approval::{self, APPROVAL, MoneyAct};
use crate::model::{Movement, money, step};
use crate::store::approvals::{self, ApprovalRow, ONE_PENDING};

const FINANCE: &[Who] = &[Who::Staff(Permission::Finance)];

/// A large act that is proposed.
#[derive(Debug)]
pub struct Proposed<'a> {
    /// What.
    pub act: MoneyAct,
    /// On what.
    pub subject: Uuid,
    /// The milestone and its contract, where it is of one.
    pub of: Option<(Uuid, Uuid)>,
    /// How much it moves.
    pub amount: Money,
    /// Whom the money reaches, when it is one person.
    pub beneficiary: Option<Uuid>,
    /// What is carried out.
    pub payload: Value,
    /// Why.
    pub reason: &'a str,
}

/// Does an act that moves so much need a second person?
pub fn needs_second_person(ctx: &Ctx, amount: Money) -> bool {
    approval::is_large(amount, ctx.policy.money.second_person_from_units)
}

/// Proposes a large act; it is carried out when a second person has confirmed it. The caller has checked that the actor
/// may do it.
///
/// # Errors
/// `state_conflict` when the same act is proposed already.
pub async fn propose_act_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    proposed: Proposed<'_>,
) -> Result<MoneyApprovalId> {
    let now = ctx.clock.now();
    let row = ApprovalRow {
        id: ctx.ids.uuid(),
        act: proposed.act.to_string(),
        subject: proposed.subject,
        milestone: proposed.of.map(|(milestone, _)| milestone),
        contract: proposed.of.map(|(_, contract)| contract),
        amount: proposed.amount.amount,
        currency: proposed.amount.currency.code().to_owned(),
        beneficiary_id: proposed.beneficiary,
        payload: Json(proposed.payload),
        reason: proposed.reason.to_owned(),
        state: APPROVAL.initial.to_owned(),
        proposed_by_id: actor.account_id.uuid(),
        decided_by_id: None,
        answer: None,
        expires_at: now + Duration::hours(ctx.policy.money.approval_hours),
        version: 1,
        created_at: now,
        decided_at: None,
    };
    approvals::insert(conn, &row).await.map_err(|error| match error.violates(ONE_PENDING) {
        true => {
            Error::new(Code::StateConflict, "The same is proposed already and waits for a second person.")
        }
        false => error.into(),
    })?;
    timers::set(ctx, conn, APPROVAL.name, row.id, "expire", row.expires_at).await?;
    tell(ctx, conn, &row, "money_approval.asked").await?;
    record(ctx, conn, actor, &row, "money_approval.ask", proposed.reason).await?;
    Ok(MoneyApprovalId::from_uuid(row.id))
}

/// The proposal of an act on a thing that waits for a second person.
///
/// # Errors
/// The database's failure.
pub async fn pending_act(conn: &mut Conn, act: MoneyAct, subject: Uuid) -> Result<Option<MoneyApprovalId>> {
    let row = approvals::pending(conn, act.as_str(), subject).await?;
    Ok(row.map(|row| MoneyApprovalId::from_uuid(row.id)))
}

async fn tell(ctx: &Ctx, conn: &mut Conn, row: &ApprovalRow, kind: &str) -> Result<()> {
    let data = json!({ "act": row.act, "state": row.state, "amount": money(row.amount, &row.currency)? });
    let subject = MoneyApprovalId::from_uuid(row.id).to_string();
    outbox::publish(ctx, conn, kind, subject, data, &[Audience::Staff(Permission::Finance)]).await
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    row: &ApprovalRow,
    action: &'static str,
    reason: &str,
) -> Result<()> {
    let entry = audit::Entry {
        actor: Some(actor.account_id),
        action,
        subject: MoneyApprovalId::from_uuid(row.id).to_string(),
        reason: Some(reason),
        data: json!({ "act": row.act, "subject": row.subject, "amount": row.amount, "currency": row.currency }),
    };
    audit::record(ctx, conn, entry).await
}

impl Payments {
    /// Answers a proposal as the second person.
    async fn answer(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: MoneyApprovalId,
        seen: &IfMatch,
        event: &str,
        answer: &str,
    ) -> Result<ApprovalRow> {
        assay_identity::require_step_up(&self.ctx, conn, actor).await?;
        let missing = || Error::not_found("money approval");
        let mut row = approvals::lock(conn, id.uuid()).await?.ok_or_else(missing)?;
        seen.check(row.version)?;
        let transition = APPROVAL.transition(&row.state, event, FINANCE)?;
        APPROVAL.check(transition, |_| {
            approval::blocked(actor.account_id, row.proposed_by_id, row.beneficiary_id)
        })?;
        row.state = transition.to.to_owned();
        row.decided_by_id = Some(actor.account_id.uuid());
        row.answer = Some(answer.to_owned());
        self.close(conn, &mut row).await?;
        Ok(row)
    }

    async fn close(&self, conn: &mut Conn, row: &mut ApprovalRow) -> Result<()> {
        row.decided_at = Some(self.ctx.clock.now());
        row.version = row.version.saturating_add(1);
        approvals::update(conn, row).await?;
        timers::clear(conn, APPROVAL.name, row.id, &[]).await?;
        tell(&self.ctx, conn, row, "money_approval.decided").await
    }

    /// Confirms a proposed act, which is carried out.
    ///
    /// # Errors
    /// `not_found`, `state_conflict` also when things have moved on since it was proposed, `guard_failed` for who
    /// proposed it or gets the money, `precondition_failed`.
    pub async fn confirm_act(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: MoneyApprovalId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<ApprovalRow> {
        let row = self.answer(conn, actor, id, seen, "confirm", reason).await?;
        match row.act.parse()? {
            MoneyAct::DisputeAward => {
                let (milestone, contract) = row.milestone.zip(row.contract).unwrap_or_default();
                let what = Movement::Confirmed {
                    subject: row.subject,
                    payload: row.payload.0.clone(),
                    proposed_by: assay_kernel::ids::AccountId::from_uuid(row.proposed_by_id),
                    confirmed_by: actor.account_id,
                };
                self.tell(conn, milestone, contract, what).await?;
            }
            MoneyAct::PlatformPayout => self.send_own_money(conn, row.subject).await?,
            MoneyAct::TransferRelease => self.transfer_goes_on(conn, row.subject).await?,
            MoneyAct::RefundRetry => self.refund_again(conn, row.subject).await?,
            MoneyAct::RefundOutOfBand => self.refund_out_of_band(conn, row.subject, &row.payload.0).await?,
        }
        record(&self.ctx, conn, actor, &row, "money_approval.confirm", reason).await?;
        Ok(row)
    }

    /// Refuses a proposed act.
    ///
    /// # Errors
    /// As [`Self::confirm_act`].
    pub async fn refuse_act(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: MoneyApprovalId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<ApprovalRow> {
        let row = self.answer(conn, actor, id, seen, "refuse", reason).await?;
        self.will_not_be(conn, &row).await?;
        record(&self.ctx, conn, actor, &row, "money_approval.refuse", reason).await?;
        Ok(row)
    }

    /// Nobody answered.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn on_approval_expired(&self, id: Uuid) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let Some(mut row) = approvals::lock(conn, id).await? else { return Ok(()) };
                if row.state != APPROVAL.initial || row.expires_at > self.ctx.clock.now() {
                    return Ok(());
                }
                step(&APPROVAL, &mut row.state, "expire")?;
                self.close(conn, &mut row).await?;
                self.will_not_be(conn, &row).await
            })
            .await
    }

    /// What was made only to be confirmed ends with the proposal.
    async fn will_not_be(&self, conn: &mut Conn, row: &ApprovalRow) -> Result<()> {
        match row.act.parse()? {
            MoneyAct::PlatformPayout => self.own_money_stays(conn, row.subject).await,
            MoneyAct::DisputeAward | MoneyAct::TransferRelease => Ok(()),
            MoneyAct::RefundRetry | MoneyAct::RefundOutOfBand => Ok(()),
        }
    }
}

//! What the higher domain may have done with money. All of it runs in the caller's transaction: it posts to the ledger
//! and writes the request; the worker sends it.
//!
//! Each call names the decision that it carries out. The same decision again is no second movement.

use assay_adapters::stripe::{NewPaymentIntent, create_payment_intent};
use assay_kernel::ids::{AccountId, OrganisationId, PaymentId, PaymentMethodId};
use assay_kernel::{Code, Error, Money, Result};
use assay_ledger::{AccountKind, AccountRef, Event, Held, balance, post_in};
use assay_platform::Ctx;
use assay_platform::db::{Conn, advisory_lock};
use assay_platform::timers;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::commands::{self, Marks};
use super::moving;
use crate::model::command::CommandKind;
use crate::model::process::TRANSFER;
use crate::model::{MethodKind, PayeeState};
use crate::store;
use crate::store::payments::{ONE_LIVE, PaymentRow};
use crate::store::refunds::RefundRow;
use crate::store::transfers::TransferRow;

/// A milestone to be funded.
#[derive(Clone, Debug)]
pub struct Funding {
    /// The milestone.
    pub milestone: Uuid,
    /// Its contract.
    pub contract: Uuid,
    /// Who pays.
    pub organisation: OrganisationId,
    /// What is to be held.
    pub amount: Money,
    /// The client's fee on top.
    pub fee: Money,
    /// With what: a stored method of the organisation.
    pub method: PaymentMethodId,
}

/// Held money that becomes a developer's.
#[derive(Clone, Debug)]
pub struct Release {
    /// The decision.
    pub decision: Uuid,
    /// The milestone.
    pub milestone: Uuid,
    /// Its contract.
    pub contract: Uuid,
    /// Whose it becomes.
    pub developer: AccountId,
    /// From where.
    pub held: Held,
    /// The part that is released.
    pub amount: Money,
    /// The platform's share of that part.
    pub developer_fee: Money,
    /// The client's fee on that part, earned now.
    pub client_fee: Money,
    /// When it is sent: after the days in which the payment is most likely to be taken back.
    pub payable_from: DateTime<Utc>,
}

/// Held money that goes back to the client.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The decision.
    pub decision: Uuid,
    /// The milestone.
    pub milestone: Uuid,
    /// Its contract.
    pub contract: Uuid,
    /// Whose it was.
    pub organisation: OrganisationId,
    /// From where.
    pub held: Held,
    /// How much of the held money.
    pub amount: Money,
    /// How much of the client's fee.
    pub fee: Money,
}

/// Released money that goes back to the client.
#[derive(Clone, Debug)]
pub struct ReversedRefund {
    /// The decision.
    pub decision: Uuid,
    /// The milestone.
    pub milestone: Uuid,
    /// Its contract.
    pub contract: Uuid,
    /// From whom it is taken.
    pub developer: AccountId,
    /// Whose it was.
    pub organisation: OrganisationId,
    /// What the developer gives back.
    pub amount: Money,
    /// What the platform gives back of its fees, on top.
    pub fee: Money,
}

fn conflict(detail: &str) -> Error {
    Error::new(Code::StateConflict, detail)
}

/// All in one currency and none below zero.
fn same_currency(first: Money, others: &[Money]) -> Result<()> {
    let fine = |money: &Money| money.currency == first.currency && money.amount >= 0;
    if first.amount >= 0 && others.iter().all(fine) {
        return Ok(());
    }
    Err(Error::new(Code::LedgerRefused, "The amounts must be of one currency and not below zero."))
}

/// Asks for a client's payment. Money is held, and posted, once it has succeeded; the hook tells.
///
/// # Errors
/// `state_conflict` when the milestone has a live payment, `guard_failed` when the method cannot be paid with.
pub async fn fund_in(ctx: &Ctx, conn: &mut Conn, funding: &Funding) -> Result<PaymentId> {
    let Funding { milestone, contract, organisation, amount, fee, method } = funding;
    same_currency(*amount, &[*fee])?;
    let whole = amount
        .checked_add(*fee)
        .filter(|_| amount.amount > 0)
        .ok_or_else(|| Error::new(Code::LedgerRefused, "The amount cannot be paid."))?;
    let unusable = || Error::new(Code::GuardFailed, "The payment method cannot be paid with.");
    let stored = store::methods::find(conn, method.uuid())
        .await?
        .filter(|row| row.organisation_id == organisation.uuid() && row.state == "verified")
        .ok_or_else(unusable)?;
    let with = stored.method.as_deref().ok_or_else(unusable)?;
    let customer = store::methods::customer(conn, organisation.uuid()).await?.ok_or_else(unusable)?;
    let kind: MethodKind = stored.kind.parse()?;
    let (id, command, now) = (ctx.ids.id(), ctx.ids.uuid(), ctx.clock.now());
    let row = PaymentRow {
        id: PaymentId::uuid(&id),
        milestone: *milestone,
        contract: *contract,
        organisation_id: organisation.uuid(),
        method_id: stored.id,
        amount: amount.amount,
        fee: fee.amount,
        currency: amount.currency.code().to_owned(),
        state: "pending".to_owned(),
        failure: None,
        payment_intent: None,
        charge: None,
        balance_transaction: None,
        fraud_warning: None,
        version: 1,
        created_at: now,
        updated_at: now,
        succeeded_at: None,
    };
    store::payments::insert(conn, &row).await.map_err(|error| {
        if error.violates(ONE_LIVE) {
            conflict("The milestone is funded, or a payment for it is under way.")
        } else {
            error.into()
        }
    })?;
    let marks = Marks::new(command, *milestone, *contract);
    let return_url = ctx.config.public_url();
    let post = create_payment_intent(&NewPaymentIntent {
        money: whole,
        transfer_group: marks.group(),
        customer: Some(&customer),
        methods: &[kind.provider_type()],
        confirm_with: Some(with),
        return_url: Some(&return_url),
        metadata: &marks.metadata(),
    });
    commands::write(ctx, conn, command, CommandKind::Payment, row.id, &post).await?;
    Ok(id)
}

/// The payment that holds a milestone's money, locked; nothing moves while the payer's bank takes it back.
async fn lock_movable(conn: &mut Conn, milestone: Uuid) -> Result<PaymentRow> {
    let payment = store::payments::lock_succeeded(conn, milestone)
        .await?
        .ok_or_else(|| conflict("The milestone is not funded."))?;
    if store::disputes::lock_open(conn, payment.id).await?.is_some() {
        return Err(conflict(
            "The payer's bank is taking the payment back: its money does not move until that ends.",
        ));
    }
    Ok(payment)
}

/// What of a release repays what the developer owes: as much of it as there is.
async fn repay(ctx: &Ctx, conn: &mut Conn, release: &Release, net: i64) -> Result<i64> {
    let developer = release.developer.uuid();
    let debt = AccountRef::of(AccountKind::DeveloperReceivable, developer);
    let currency = release.amount.currency;
    if balance(conn, debt, currency).await?.amount == 0 {
        return Ok(0);
    }
    // Two releases at once would repay the same debt.
    advisory_lock(conn, debtor(developer)).await?;
    let repaid = balance(conn, debt, currency).await?.amount.min(net);
    if repaid > 0 {
        let event = Event::Repaid { id: release.decision, developer, amount: Money::new(repaid, currency) };
        post_in(ctx, conn, &event, Some(release.contract)).await?;
    }
    Ok(repaid)
}

/// The advisory lock of somebody who owes: the last bytes of the id are random.
fn debtor(developer: Uuid) -> i64 {
    let bytes = developer.into_bytes();
    i64::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]])
}

/// Makes held money the developer's and sends it when its time has come; what the developer owes is repaid first.
///
/// # Errors
/// `state_conflict` when the milestone is not funded or its payment is disputed, `insufficient_funds`.
pub async fn release_in(ctx: &Ctx, conn: &mut Conn, release: &Release) -> Result<()> {
    let Release { amount, developer_fee, client_fee, developer, .. } = release;
    same_currency(*amount, &[*developer_fee, *client_fee])?;
    let payment = lock_movable(conn, release.milestone).await?;
    let event = Event::Release {
        id: release.decision,
        milestone: release.milestone,
        developer: developer.uuid(),
        held: release.held,
        amount: *amount,
        developer_fee: *developer_fee,
        client_fee: *client_fee,
    };
    post_in(ctx, conn, &event, Some(release.contract)).await?;
    let net = amount.amount.saturating_sub(developer_fee.amount);
    if net == 0 || store::transfers::of_decision(conn, release.decision).await? {
        return Ok(());
    }
    let repaid = repay(ctx, conn, release, net).await?;
    let now = ctx.clock.now();
    let row = TransferRow {
        id: ctx.ids.uuid(),
        decision: release.decision,
        milestone: release.milestone,
        contract: release.contract,
        developer_id: developer.uuid(),
        payment_id: payment.id,
        amount: net.saturating_sub(repaid),
        currency: amount.currency.code().to_owned(),
        state: "accrued".to_owned(),
        hold: None,
        payable_from: release.payable_from,
        command_id: None,
        failure: None,
        tries: 0,
        transfer: None,
        reversed: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        paid_at: None,
        repaid,
        charged_back: 0,
    };
    store::transfers::insert(conn, &row).await?;
    timers::set(ctx, conn, TRANSFER.name, row.id, "queue", release.payable_from).await
}

fn refund_row(
    ctx: &Ctx,
    payment: &PaymentRow,
    ids: (Uuid, OrganisationId),
    source: &str,
    amounts: (Money, Money),
) -> RefundRow {
    let now = ctx.clock.now();
    RefundRow {
        id: ctx.ids.uuid(),
        decision: ids.0,
        milestone: payment.milestone,
        contract: payment.contract,
        organisation_id: ids.1.uuid(),
        payment_id: payment.id,
        source: source.to_owned(),
        developer_id: None,
        amount: amounts.0.amount,
        fee: amounts.1.amount,
        currency: amounts.0.currency.code().to_owned(),
        unpaid: 0,
        reversed: 0,
        owed: 0,
        state: "queued".to_owned(),
        command_id: None,
        failure: None,
        refund: None,
        out_of_band_reference: None,
        version: 1,
        created_at: now,
        updated_at: now,
        charged_back: 0,
    }
}

/// Sends held money back to the client.
///
/// # Errors
/// `state_conflict` when the milestone is not funded or its payment is disputed, `insufficient_funds`.
pub async fn refund_in(ctx: &Ctx, conn: &mut Conn, refund: &Refund) -> Result<()> {
    same_currency(refund.amount, &[refund.fee])?;
    let payment = lock_movable(conn, refund.milestone).await?;
    if store::refunds::of_decision(conn, refund.decision).await? {
        return Ok(());
    }
    let source = if refund.held == Held::Free { "free" } else { "frozen" };
    let mut row = refund_row(
        ctx,
        &payment,
        (refund.decision, refund.organisation),
        source,
        (refund.amount, refund.fee),
    );
    store::refunds::insert(conn, &row).await?;
    moving::command_refund(ctx, conn, &mut row).await
}

/// Sends released money back to the client: from what was not sent yet, then by reversals; what neither brings, the
/// developer owes.
///
/// # Errors
/// `state_conflict` when the milestone is not funded or its payment is disputed.
pub async fn refund_released_in(ctx: &Ctx, conn: &mut Conn, refund: &ReversedRefund) -> Result<()> {
    same_currency(refund.amount, &[refund.fee])?;
    let payment = lock_movable(conn, refund.milestone).await?;
    if store::refunds::of_decision(conn, refund.decision).await? {
        return Ok(());
    }
    let mut row = refund_row(
        ctx,
        &payment,
        (refund.decision, refund.organisation),
        "credit",
        (refund.amount, refund.fee),
    );
    row.state = "taking_back".to_owned();
    row.developer_id = Some(refund.developer.uuid());
    store::refunds::insert(conn, &row).await?;
    // No dispute is open: the payment's lock was taken with that.
    moving::take_back(ctx, conn, &mut row).await.map(drop)
}

/// Has the organisation something that it can pay with?
///
/// # Errors
/// The database's failure.
pub async fn verified_method(conn: &mut Conn, organisation: OrganisationId) -> Result<bool> {
    Ok(store::methods::any_verified(conn, organisation.uuid()).await?)
}

/// Where a developer stands at the payment provider; `incomplete` before they began.
///
/// # Errors
/// The database's failure.
pub async fn payee_state(conn: &mut Conn, account: AccountId) -> Result<PayeeState> {
    let payee = store::payees::find(conn, account.uuid()).await?;
    payee.map_or(Ok(PayeeState::Incomplete), |payee| payee.state.parse())
}

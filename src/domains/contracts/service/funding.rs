//! Paying for milestones, and what the payment provider did.

use std::pin::Pin;

use assay_kernel::ids::{ContractId, MilestoneId, PaymentMethodId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Error, Money, Result, Scope};
use assay_payments::{Funding, Moved, Movement};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use validator::Validate;

use super::decide::{Order, decide, lose_money, return_unearned_fee};
use super::views::{ContractDetail, detail, milestone_blocked};
use super::{changes, clocks, disputes, lifecycle, lock, lock_pair, notify, save, save_milestone};
use crate::model::{CONTRACT, DecisionKind, HoldbackState, MILESTONE, MilestoneState, Side};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::MilestoneRow;

const SYSTEM: &[Who] = &[Who::System];

/// What to pay for, and how.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fund {
    /// The milestones, each with a payment of its own.
    #[validate(length(min = 1, max = 20))]
    #[schema(min_items = 1, max_items = 20)]
    pub milestones: Vec<MilestoneId>,
    /// Which stored method of the organisation pays.
    pub payment_method_id: PaymentMethodId,
}

/// Pays for milestones: the payments begin; the money is held when they have succeeded.
///
/// # Errors
/// `guard_failed` above the caller's spending limit; whatever the payments refuse with.
pub async fn fund_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: ContractId,
    input: &Fund,
) -> Result<ContractDetail> {
    actor.require_scope(Scope::Spend)?;
    let (mut contract, seat) = lock(conn, actor, id).await?;
    CONTRACT.transition(&contract.state, "fund", &seat.who())?;
    seat.acting()?;
    let mut rows = store::milestones::lock_all(conn, contract.id).await?;
    for (i, wanted) in input.milestones.iter().enumerate() {
        let pointer = format!("/milestones/{i}");
        if !rows.iter().any(|row| row.milestone_id() == *wanted) {
            return Err(Error::invalid_field(&pointer, "unknown_value", "is no milestone of the contract"));
        }
        if input.milestones[..i].contains(wanted) {
            return Err(Error::invalid_field(&pointer, "duplicate", "is named twice"));
        }
    }
    rows.retain(|row| input.milestones.contains(&row.milestone_id()));
    let currency = contract.terms.currency;
    let total = rows.iter().fold(0_i64, |sum, row| {
        sum.saturating_add(row.amount).saturating_add(row.agreed(&contract).client_fee().amount)
    });
    assay_projects::check_spending(ctx, conn, actor, contract.organisation(), Money::new(total, currency))
        .await?;
    for row in &mut rows {
        let transition = MILESTONE.transition(&row.state, "fund", &seat.who())?;
        MILESTONE.check(transition, |guard| milestone_blocked(ctx, &contract, row, guard))?;
        row.state = transition.to.to_owned();
        save_milestone(ctx, conn, row).await?;
        let funding = Funding {
            milestone: row.id,
            contract: contract.id,
            organisation: contract.organisation(),
            amount: Money::new(row.amount, currency),
            fee: row.agreed(&contract).client_fee(),
            method: input.payment_method_id,
        };
        assay_payments::fund_in(ctx, conn, &funding).await?;
        notify::milestone(ctx, conn, &contract, row, "milestone.funding_begun", json!({})).await?;
    }
    save(ctx, conn, &mut contract).await?;
    detail(ctx, conn, actor, contract).await
}

/// What the provider did, in the transaction in which the payments note it.
pub fn on_moved<'a>(
    ctx: &'a Ctx,
    conn: &'a mut Conn,
    moved: &'a Moved,
) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>> {
    Box::pin(async move {
        let id = MilestoneId::from_uuid(moved.milestone);
        let Some((mut contract, mut milestone)) = lock_pair(conn, id).await? else { return Ok(()) };
        apply(ctx, conn, &mut contract, &mut milestone, &moved.what).await
    })
}

async fn apply(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
    what: &Movement,
) -> Result<()> {
    match what {
        Movement::Funded => arrived(ctx, conn, contract, row).await,
        Movement::FundingFailed { reason } => {
            let Ok(back) = MILESTONE.transition(&row.state, "fail_funding", SYSTEM) else { return Ok(()) };
            row.state = back.to.to_owned();
            save_milestone(ctx, conn, row).await?;
            let data = json!({ "failure": reason });
            notify::milestone(ctx, conn, contract, row, "milestone.funding_failed", data).await
        }
        Movement::Transferred => transferred(ctx, conn, contract, row).await,
        Movement::Refunded => {
            notify::milestone(ctx, conn, contract, row, "milestone.refund_arrived", json!({})).await
        }
        Movement::TransferRefused => {
            notify::finance(ctx, conn, contract, row, "milestone.transfer_refused").await
        }
        Movement::RefundRefused => {
            notify::finance(ctx, conn, contract, row, "milestone.refund_refused").await
        }
        Movement::FraudWarning => notify::finance(ctx, conn, contract, row, "milestone.fraud_warning").await,
        Movement::PaymentDisputed => {
            notify::finance(ctx, conn, contract, row, "milestone.payment_disputed").await?;
            let Ok(frozen) = MILESTONE.transition(&row.state, "freeze", SYSTEM) else { return Ok(()) };
            clocks::before_freeze(ctx, row)?;
            row.state = frozen.to.to_owned();
            timers::clear(conn, MILESTONE.name, row.id, &[]).await?;
            save_milestone(ctx, conn, row).await?;
            notify::milestone(ctx, conn, contract, row, "milestone.frozen", json!({})).await
        }
        Movement::PaymentDisputeWon { since } => after_bank(ctx, conn, contract, row, *since, 0).await,
        Movement::Confirmed { subject, payload, confirmed_by, .. } => {
            disputes::confirmed(ctx, conn, *subject, payload, *confirmed_by).await
        }
        Movement::PaymentDisputeLost { since, taken } => {
            lose_money(ctx, conn, contract, row).await?;
            after_bank(ctx, conn, contract, row, *since, *taken).await
        }
    }
}

/// A payer's bank has given the payment back, or has `taken` so much of it for good: what is left is decided as agreed.
async fn after_bank(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
    since: DateTime<Utc>,
    taken: i64,
) -> Result<()> {
    let undecided = row.state()? == MilestoneState::Disputed;
    if undecided && !assay_payments::can_move(conn, row.id).await? {
        return Ok(()); // the bank has more of it: that ends first
    }
    disputes::after_bank(ctx, conn, contract, row, taken).await?;
    if !undecided {
        return return_unearned_fee(ctx, conn, contract, row).await;
    }
    if row.open_dispute_id.is_some() {
        return Ok(());
    }
    if row.undecided() > 0 {
        return thaw(ctx, conn, contract, row, since).await;
    }
    let accepted = Money::new(row.so_far().accepted(), row.currency()?);
    let kind = DecisionKind::ChargedBack;
    let order = Order { kind, event: "charge_back", who: SYSTEM, by: None, accepted };
    decide(ctx, conn, contract, row, order).await.map(drop)
}

/// A milestone that was frozen goes on where it stood.
async fn thaw(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
    since: DateTime<Utc>,
) -> Result<()> {
    disputes::thaw(ctx, conn, contract, row, since).await?;
    let data = json!({ "charged_back": Money::new(row.refunded, row.currency()?) });
    notify::milestone(ctx, conn, contract, row, "milestone.thawed", data).await?;
    lifecycle::catch_up(ctx, conn, contract, row).await
}

/// The money is held.
async fn arrived(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
) -> Result<()> {
    let now = ctx.clock.now();
    if row.state()? == MilestoneState::Cancelled {
        // Cancelled while the payment was under way: it goes back.
        row.funded_at = Some(now);
        let nothing = Money::new(0, row.currency()?);
        let kind = DecisionKind::CameTooLate;
        let order = Order { kind, event: "return_money", who: SYSTEM, by: None, accepted: nothing };
        return decide(ctx, conn, contract, row, order).await.map(drop);
    }
    let Ok(transition) = MILESTONE.transition(&row.state, "arrive", SYSTEM) else { return Ok(()) };
    row.state = transition.to.to_owned();
    row.funded_at = Some(now);
    save_milestone(ctx, conn, row).await?;
    clocks::set_due(ctx, conn, row).await?;
    clocks::set_hold(ctx, conn, row, now).await?;
    if let Ok(transition) = CONTRACT.transition(&contract.state, "activate", SYSTEM) {
        contract.state = transition.to.to_owned();
        contract.lapses_at = None;
        timers::clear(conn, CONTRACT.name, contract.id, &["lapse"]).await?;
        save(ctx, conn, contract).await?;
        notify::contract(ctx, conn, contract, "contract.activated", json!({})).await?;
    }
    notify::milestone(ctx, conn, contract, row, "milestone.funded", json!({ "due_at": row.due_at })).await?;
    changes::take_effect_if_funded(ctx, conn, contract, row).await
}

/// A release has reached the developer.
async fn transferred(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    row: &mut MilestoneRow,
) -> Result<()> {
    row.transfers_made = row.transfers_made.saturating_add(1);
    let before = row.state.clone();
    follow_transfers(row);
    save_milestone(ctx, conn, row).await?;
    if before == row.state {
        return Ok(());
    }
    notify::milestone(ctx, conn, contract, row, "milestone.transferred", json!({})).await
}

/// Once everything that was released has reached the developer, a decided milestone is released, and settled when nothing
/// is held back. The last transfer may have been made before the decision.
pub(super) fn follow_transfers(row: &mut MilestoneRow) {
    if row.transfers_made < row.transfers_due {
        return;
    }
    if let Ok(transition) = MILESTONE.transition(&row.state, "transfer", SYSTEM) {
        row.state = transition.to.to_owned();
    }
    if row.holdback_state != HoldbackState::Held.as_str()
        && let Ok(transition) = MILESTONE.transition(&row.state, "settle", SYSTEM)
    {
        row.state = transition.to.to_owned();
    }
}

/// The client releases what is held back before its date.
pub async fn free_holdback_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
) -> Result<super::views::MilestoneDetail> {
    let (contract, mut row, seat) = super::lock_milestone(conn, actor, id).await?;
    let transition = MILESTONE.transition(&row.state, "free_holdback", &seat.who())?;
    MILESTONE.check(transition, |guard| milestone_blocked(ctx, &contract, &row, guard))?;
    let who = [Side::Client.who()];
    super::decide::free_holdback(ctx, conn, &contract, &mut row, &who, Some(actor.account_id)).await?;
    super::views::milestone_detail(ctx, conn, actor, contract, row).await
}

/// When the money of a milestone can be held no longer.
pub(super) fn hold_deadline(ctx: &Ctx, row: &MilestoneRow) -> Option<chrono::DateTime<chrono::Utc>> {
    row.funded_at.map(|at| at + Duration::days(ctx.policy.contracts.hold_days))
}

/// A change order lapsed: what it added and was not paid is cancelled.
pub(super) async fn drop_unpaid_of(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    change_order: uuid::Uuid,
) -> Result<()> {
    for mut row in store::milestones::lock_all(conn, contract.id).await? {
        let unpaid = matches!(row.state()?, MilestoneState::Planned | MilestoneState::FundingPending);
        if unpaid && row.change_order_id == Some(change_order) {
            row.state = MILESTONE.transition(&row.state, "drop", SYSTEM)?.to.to_owned();
            save_milestone(ctx, conn, &mut row).await?;
        }
    }
    Ok(())
}

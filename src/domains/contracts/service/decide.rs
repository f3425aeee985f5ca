//! The one function that decides on a milestone's money. Whoever comes, an acceptance, a refund, a timer, the end of
//! the contract, a change order, comes here with the contract and the milestone locked; the first one closes the
//! milestone, in one transaction with the postings, the commands to the provider and the events.

use assay_kernel::ids::AccountId;
use assay_kernel::process::Who;
use assay_kernel::{Code, Error, Money, Result};
use assay_ledger::{Event, Held};
use assay_payments::{Refund, Release};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use assay_scoring::Outcome;
use chrono::Duration;
use serde_json::json;

use super::{lifecycle, notify, save_milestone};
use crate::model::{DecisionKind, HoldbackState, MILESTONE, MilestoneState, Part, WHOLE_BPS, step};
use crate::store;
use crate::store::contracts::ContractRow;
use crate::store::milestones::{DecisionRow, MilestoneRow};

/// What is to be decided.
pub(super) struct Order<'a> {
    /// What kind of decision.
    pub kind: DecisionKind,
    /// The event of the process table.
    pub event: &'static str,
    /// As whom it is taken.
    pub who: &'a [Who],
    /// By whom; none for clocks and checks.
    pub by: Option<AccountId>,
    /// The developer's part of the amount in all, what was accepted before included.
    pub accepted: Money,
}

impl Order<'_> {
    /// Does it close the milestone?
    fn terminal(&self) -> bool {
        !matches!(self.kind, DecisionKind::PartAccepted | DecisionKind::HoldbackFreed)
    }

    /// Does the end of the milestone say something of how its developer delivers? Not where it was dropped, where its
    /// money came or went by a bank's doing, or where the contract ended before anything was delivered.
    fn bears_on_delivery(&self, milestone: &MilestoneRow) -> bool {
        use DecisionKind as K;
        match self.kind {
            K::Accepted | K::AutoAccepted | K::RefundGranted | K::CancelledLate | K::NeverDelivered => true,
            K::HoldExpired | K::Settled => milestone.delivered_at.is_some(),
            K::PartAccepted | K::Dropped | K::CameTooLate | K::ChargedBack | K::HoldbackFreed => false,
        }
    }

    /// The state that it leads to, when `accepted` of `amount` is the developer's.
    fn leads_to(&self, milestone: &MilestoneRow, accepted: i64) -> MilestoneState {
        use DecisionKind as K;
        use MilestoneState as S;
        match self.kind {
            K::PartAccepted => S::Delivered,
            K::ChargedBack => S::Resolved,
            K::AutoAccepted => S::AutoAccepted,
            K::HoldExpired if accepted == milestone.amount => S::AutoAccepted,
            _ if accepted == milestone.amount => S::Accepted,
            _ if accepted > 0 => S::AcceptedPartial,
            K::RefundGranted | K::CameTooLate => S::Refunded,
            _ => S::Cancelled,
        }
    }
}

/// Decides. The contract and the milestone are locked.
///
/// # Errors
/// `state_conflict` when somebody else was first; whatever the ledger or the payments refuse with. Then the caller's
/// transaction can only be rolled back.
pub(super) async fn decide(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &mut MilestoneRow,
    order: Order<'_>,
) -> Result<DecisionRow> {
    let agreed = milestone.agreed(contract);
    let mut part = agreed.decide(milestone.so_far(), order.accepted, order.terminal());
    if order.kind == DecisionKind::ChargedBack {
        // The payments have booked it: nothing is left to move.
        let nothing = Money::new(0, agreed.amount.currency);
        part = Part {
            release: nothing,
            developer_fee: nothing,
            client_fee: nothing,
            hold_back: nothing,
            refund: nothing,
            refund_fee: nothing,
        };
    }
    let after = milestone.so_far().after(&part, false);
    let to = order.leads_to(milestone, after.accepted());
    milestone.state = step(&MILESTONE, &milestone.state, order.event, to.as_str(), order.who)?.to.to_owned();

    let now = ctx.clock.now();
    let decision = record(ctx, conn, milestone, &order, &part).await?;
    if part.hold_back.amount > 0 {
        let held = Event::HeldBack { id: decision.id, milestone: milestone.id, amount: part.hold_back };
        assay_ledger::post_in(ctx, conn, &held, Some(contract.id)).await?;
        milestone.holdback_state = HoldbackState::Held.to_string();
    }
    pay(ctx, conn, contract, milestone, &decision, &part, Held::Free).await?;
    if part.refund.amount > 0 || part.refund_fee.amount > 0 {
        let refund = Refund {
            decision: decision.id,
            milestone: milestone.id,
            contract: contract.id,
            organisation: contract.organisation(),
            held: Held::Free,
            amount: part.refund,
            fee: part.refund_fee,
        };
        assay_payments::refund_in(ctx, conn, &refund).await?;
        milestone.refunded = milestone.refunded.saturating_add(part.refund.amount);
    }
    book(milestone, &part, false);
    if order.terminal() {
        timers::clear(conn, MILESTONE.name, milestone.id, &[]).await?;
        milestone.review_until = None;
        milestone.answer_until = None;
        milestone.state_before = None;
        if let (true, Some(holding)) =
            (milestone.holdback_state == HoldbackState::Held.as_str(), &contract.terms.holdback)
        {
            let until = now + Duration::days(i64::from(holding.days));
            milestone.holdback_until = Some(until);
            timers::set(ctx, conn, MILESTONE.name, milestone.id, "free_holdback", until).await?;
        }
    }
    save_milestone(ctx, conn, milestone).await?;
    notify::decided(ctx, conn, contract, milestone, &decision).await?;
    if order.bears_on_delivery(milestone) {
        let outcome = outcome(contract, milestone, &order, after.accepted())?;
        assay_scoring::record_outcome_in(ctx, conn, &outcome).await?;
    }
    if order.terminal() {
        lifecycle::complete_if_done(ctx, conn, contract).await?;
    }
    Ok(decision)
}

/// How the milestone ended, for the developer's scores; `accepted` of its amount became theirs.
fn outcome(
    contract: &ContractRow,
    milestone: &MilestoneRow,
    order: &Order<'_>,
    accepted: i64,
) -> Result<Outcome> {
    let whole = i128::from(milestone.amount.max(1));
    let bps = i128::from(accepted).saturating_mul(i128::from(WHOLE_BPS)).checked_div(whole).unwrap_or(0);
    Ok(Outcome {
        milestone: milestone.milestone_id(),
        developer: contract.developer(),
        organisation: contract.organisation(),
        project: contract.project(),
        accepted_bps: u32::try_from(bps).unwrap_or(0).min(WHOLE_BPS),
        on_time: milestone.delivered_at.map(|at| at <= milestone.due_at),
        disputed: order.kind == DecisionKind::RefundGranted,
        amount: Money::new(milestone.amount, milestone.currency()?),
    })
}

/// Releases what is held back, once.
///
/// # Errors
/// `state_conflict` when nothing is held back; whatever the payments refuse with.
pub(super) async fn free_holdback(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
    who: &[Who],
    by: Option<AccountId>,
) -> Result<DecisionRow> {
    MILESTONE.transition(&milestone.state, "free_holdback", who)?;
    let part = milestone.agreed(contract).free(milestone.so_far());
    let order =
        Order { kind: DecisionKind::HoldbackFreed, event: "free_holdback", who, by, accepted: part.release };
    let decision = record(ctx, conn, milestone, &order, &part).await?;
    pay(ctx, conn, contract, milestone, &decision, &part, Held::Frozen).await?;
    book(milestone, &part, true);
    milestone.holdback_state = HoldbackState::Freed.to_string();
    timers::clear(conn, MILESTONE.name, milestone.id, &["free_holdback"]).await?;
    save_milestone(ctx, conn, milestone).await?;
    notify::decided(ctx, conn, contract, milestone, &decision).await?;
    Ok(decision)
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    milestone: &MilestoneRow,
    order: &Order<'_>,
    part: &Part,
) -> Result<DecisionRow> {
    let decision = DecisionRow {
        id: ctx.ids.uuid(),
        milestone_id: milestone.id,
        kind: order.kind.to_string(),
        terminal: order.terminal(),
        decided_by_id: order.by.map(|by| by.uuid()),
        released: part.release.amount,
        developer_fee: part.developer_fee.amount,
        client_fee: part.client_fee.amount,
        held_back: part.hold_back.amount,
        refunded: part.refund.amount,
        refunded_fee: part.refund_fee.amount,
        decided_at: ctx.clock.now(),
    };
    store::milestones::insert_decision(conn, &decision).await.map_err(|error| {
        if error.violates("milestone_decisions_one") || error.violates("milestone_decisions_one_freeing") {
            Error::new(Code::StateConflict, "This milestone's money is decided already.")
        } else {
            error.into()
        }
    })?;
    Ok(decision)
}

async fn pay(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
    decision: &DecisionRow,
    part: &Part,
    held: Held,
) -> Result<()> {
    if part.release.amount == 0 {
        return Ok(());
    }
    let release = Release {
        decision: decision.id,
        milestone: milestone.id,
        contract: contract.id,
        developer: contract.developer(),
        held,
        amount: part.release,
        developer_fee: part.developer_fee,
        client_fee: part.client_fee,
        payable_from: ctx.clock.now() + Duration::days(ctx.policy.contracts.release_hold_days),
    };
    milestone.transfers_due = milestone.transfers_due.saturating_add(1);
    assay_payments::release_in(ctx, conn, &release).await
}

fn book(milestone: &mut MilestoneRow, part: &Part, freed: bool) {
    let after = milestone.so_far().after(part, freed);
    milestone.released = after.released;
    milestone.held_back = after.held_back;
    milestone.freed = after.freed;
    milestone.developer_fee = after.developer_fee;
    milestone.client_fee = after.client_fee;
}

/// The data of a decision's event.
pub(super) fn told(milestone: &MilestoneRow, decision: &DecisionRow) -> Result<serde_json::Value> {
    let currency = milestone.currency()?;
    let money = |amount| Money::new(amount, currency);
    Ok(json!({
        "kind": decision.kind, "state": milestone.state, "released": money(decision.released),
        "developer_fee": money(decision.developer_fee), "held_back": money(decision.held_back),
        "refunded": money(decision.refunded), "refunded_fee": money(decision.refunded_fee),
    }))
}

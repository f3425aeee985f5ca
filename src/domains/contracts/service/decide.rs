//! The one function that decides on a milestone's money. Whoever comes, an acceptance, a refund, a timer, the end of
//! the contract, a change order, a dispute, comes here with the contract and the milestone locked; the first one closes the
//! milestone, in one transaction with the postings, the commands to the provider and the events.

use assay_kernel::ids::AccountId;
use assay_kernel::process::Who;
use assay_kernel::{Code, Error, Money, Result};
use assay_ledger::{AccountKind, AccountRef, Event, Held};
use assay_payments::{Refund, Release, ReversedRefund};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers;
use assay_scoring::Outcome;
use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::{clocks, funding, lifecycle, notify, save_milestone};
use crate::model::{
    DecisionKind, Division, HoldbackState, MILESTONE, MilestoneState, Part, TakenBack, WHOLE_BPS, step,
};
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
        use DecisionKind as K;
        let parts = [K::PartAccepted, K::TakenByBank, K::HoldbackFreed, K::HoldbackDivided, K::TakenBack];
        !parts.contains(&self.kind)
    }

    /// Does the end of the milestone say something of how its developer delivers? Not where it was dropped, where its
    /// money came or went by a bank's doing, or where the contract ended before anything was delivered.
    fn bears_on_delivery(&self, milestone: &MilestoneRow) -> bool {
        use DecisionKind as K;
        match self.kind {
            K::Accepted | K::AutoAccepted | K::RefundGranted | K::CancelledLate | K::NeverDelivered => true,
            K::DisputeSettled | K::DisputeDefaulted | K::Awarded => true,
            K::HoldExpired | K::DisputeExpired | K::Settled => milestone.delivered_at.is_some(),
            K::PartAccepted | K::Dropped | K::CameTooLate | K::ChargedBack | K::TakenByBank => false,
            K::HoldbackFreed | K::HoldbackDivided | K::TakenBack => false,
        }
    }

    /// The state that it leads to, when `accepted` of what there is of the amount is the developer's.
    fn leads_to(&self, milestone: &MilestoneRow, accepted: i64) -> MilestoneState {
        use DecisionKind as K;
        use MilestoneState as S;
        match self.kind {
            K::PartAccepted => S::Delivered,
            K::DisputeSettled | K::DisputeDefaulted | K::DisputeExpired | K::Awarded => S::Resolved,
            K::ChargedBack => S::Resolved,
            K::AutoAccepted => S::AutoAccepted,
            K::HoldExpired if milestone.state == S::Delivered.as_str() => S::AutoAccepted,
            K::Accepted | K::Settled if accepted == milestone.there() => S::Accepted,
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
    let part = match order.kind {
        // The payments have booked it: nothing is left to move, but for a fee that is not earned any more.
        DecisionKind::ChargedBack => {
            agreed.charged_back(milestone.so_far(), deferred_fee(conn, milestone).await?)
        }
        _ => agreed.decide(milestone.so_far(), order.accepted, order.terminal()),
    };
    let from = Source { held: Held::Free, dispute: None };
    carry_out(ctx, conn, contract, milestone, &order, part, from).await
}

/// Divides what a dispute has frozen. The contract, the milestone and the dispute are locked.
///
/// # Errors
/// As [`decide`].
pub(super) async fn divide(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &mut MilestoneRow,
    kind: DecisionKind,
    dispute: Uuid,
    division: &Division,
) -> Result<DecisionRow> {
    let so_far = milestone.so_far();
    let part = milestone.agreed(contract).award(so_far, division);
    let accepted = Money::new(so_far.accepted().saturating_add(division.developer), milestone.currency()?);
    let order = Order { kind, event: "divide", who: &[Who::System], by: None, accepted };
    let from = Source { held: Held::Frozen, dispute: Some(dispute) };
    carry_out(ctx, conn, contract, milestone, &order, part, from).await
}

/// From which money a decision is paid, and by which dispute it came.
struct Source {
    held: Held,
    dispute: Option<Uuid>,
}

async fn carry_out(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &mut ContractRow,
    milestone: &mut MilestoneRow,
    order: &Order<'_>,
    part: Part,
    from: Source,
) -> Result<DecisionRow> {
    let (after, whole) = (milestone.so_far().after(&part, false), milestone.there());
    let to = order.leads_to(milestone, after.accepted());
    milestone.state = step(&MILESTONE, &milestone.state, order.event, to.as_str(), order.who)?.to.to_owned();

    let now = ctx.clock.now();
    let decision = record(ctx, conn, milestone, order, &part, None, from.dispute).await?;
    if part.hold_back.amount > 0 {
        let held = Event::HeldBack { id: decision.id, milestone: milestone.id, amount: part.hold_back };
        assay_ledger::post_in(ctx, conn, &held, Some(contract.id)).await?;
        milestone.holdback_state = HoldbackState::Held.to_string();
    }
    pay(ctx, conn, contract, milestone, &decision, &part, from.held).await?;
    give_back(ctx, conn, contract, milestone, &decision, &part, from.held).await?;
    if part.arbitration_fee.amount > 0 {
        let amount = part.arbitration_fee;
        let event = Event::ArbitrationFee { id: decision.id, milestone: milestone.id, amount };
        assay_ledger::post_in(ctx, conn, &event, Some(contract.id)).await?;
    }
    book(milestone, &part, false);
    if order.terminal() {
        timers::clear(conn, MILESTONE.name, milestone.id, &[]).await?;
        milestone.review_until = None;
        milestone.answer_until = None;
        milestone.state_before = None;
        milestone.decided_at = Some(now);
        let held = milestone.holdback_state == HoldbackState::Held.as_str();
        if let (true, Some(holding)) = (held, &contract.terms.holdback) {
            let until = now + Duration::days(i64::from(holding.days));
            milestone.holdback_until = Some(until);
            clocks::set_holdback(ctx, conn, milestone).await?;
        }
    }
    funding::follow_transfers(milestone);
    save_milestone(ctx, conn, milestone).await?;
    notify::decided(ctx, conn, contract, milestone, &decision).await?;
    if order.bears_on_delivery(milestone) {
        let outcome = outcome(contract, milestone, order, (after.accepted(), whole))?;
        assay_scoring::record_outcome_in(ctx, conn, &outcome).await?;
    }
    if order.terminal() {
        lifecycle::complete_if_done(ctx, conn, contract).await?;
    }
    Ok(decision)
}

/// How the milestone ended, for the developer's scores; `accepted` of what there was to accept became theirs.
fn outcome(
    contract: &ContractRow,
    milestone: &MilestoneRow,
    order: &Order<'_>,
    (accepted, whole): (i64, i64),
) -> Result<Outcome> {
    let whole = i128::from(whole.max(1));
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

/// Releases what is held back, once. While a dispute is open its caller has a reason to.
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
    let decision = record(ctx, conn, milestone, &order, &part, None, None).await?;
    pay(ctx, conn, contract, milestone, &decision, &part, Held::Frozen).await?;
    end_holdback(conn, milestone, &part).await?;
    save_milestone(ctx, conn, milestone).await?;
    notify::decided(ctx, conn, contract, milestone, &decision).await?;
    Ok(decision)
}

/// Divides what was accepted, as a dispute over it has ended: what the client gets comes from what is held back still,
/// then from what was released, which is taken back. The contract, the milestone and the dispute are locked.
///
/// Answers what the platform keeps for an arbitration.
///
/// # Errors
/// Whatever the payments refuse with.
pub(super) async fn divide_accepted(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
    dispute: Uuid,
    division: &Division,
) -> Result<i64> {
    let (part, back) = milestone.agreed(contract).divide_accepted(milestone.so_far(), division);
    let order = |kind| Order { kind, event: "divide", who: &[Who::System], by: None, accepted: part.release };
    if part.refund.amount > 0 {
        let order = order(DecisionKind::HoldbackDivided);
        let decision = record(ctx, conn, milestone, &order, &part, None, Some(dispute)).await?;
        pay(ctx, conn, contract, milestone, &decision, &part, Held::Frozen).await?;
        give_back(ctx, conn, contract, milestone, &decision, &part, Held::Frozen).await?;
        end_holdback(conn, milestone, &part).await?;
        notify::decided(ctx, conn, contract, milestone, &decision).await?;
    }
    if back.of_developer.amount > 0 || back.fees.amount > 0 {
        let order = order(DecisionKind::TakenBack);
        let nothing = milestone.agreed(contract).nothing();
        let decision = record(ctx, conn, milestone, &order, &nothing, Some(&back), Some(dispute)).await?;
        let refund = ReversedRefund {
            decision: decision.id,
            milestone: milestone.id,
            contract: contract.id,
            developer: contract.developer(),
            organisation: contract.organisation(),
            amount: back.of_developer,
            fee: back.fees,
        };
        assay_payments::refund_released_in(ctx, conn, &refund).await?;
        notify::decided(ctx, conn, contract, milestone, &decision).await?;
    }
    if part.refund.amount > 0 || back.of_developer.amount > 0 {
        milestone.state =
            MILESTONE.transition(&milestone.state, "divide_accepted", &[Who::System])?.to.to_owned();
    }
    // What the client gets nothing of stays held back as agreed.
    clocks::set_holdback(ctx, conn, milestone).await?;
    save_milestone(ctx, conn, milestone).await?;
    Ok(back.arbitration_fee.amount)
}

/// Notes what the payer's bank has taken of a milestone's held money: what was not decided first, then what was held
/// back. The payments have booked it; the contract and the milestone are locked.
///
/// # Errors
/// The database's failure.
pub(super) async fn lose_money(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
) -> Result<()> {
    let held_back = milestone.so_far().held_back_now();
    // Once it is decided, what is free there is a refund's that did not arrive.
    let (undecided, kinds): (i64, &[AccountKind]) = match milestone.state()?.is_undecided() {
        true => (milestone.undecided(), &[AccountKind::Hold, AccountKind::HoldFrozen]),
        false => (0, &[AccountKind::HoldFrozen]),
    };
    let mut there = 0_i64;
    for kind in kinds {
        let account = AccountRef::of(*kind, milestone.id);
        let held = assay_ledger::balance(conn, account, milestone.currency()?).await?;
        there = there.saturating_add(held.amount);
    }
    let gone = undecided.saturating_add(held_back).saturating_sub(there);
    if gone <= 0 {
        return Ok(());
    }
    let of_held_back = gone.saturating_sub(undecided).max(0);
    let agreed = milestone.agreed(contract);
    let part = Part { refund: Money::new(gone, milestone.currency()?), ..agreed.nothing() };
    let decision = record(ctx, conn, milestone, &taken_by_bank(&part), &part, None, None).await?;
    book(milestone, &part, false);
    milestone.freed = milestone.freed.saturating_add(of_held_back);
    if of_held_back > 0 && of_held_back == held_back {
        milestone.holdback_state = HoldbackState::ChargedBack.to_string();
        timers::clear(conn, MILESTONE.name, milestone.id, &["free_holdback"]).await?;
    }
    save_milestone(ctx, conn, milestone).await?;
    notify::decided(ctx, conn, contract, milestone, &decision).await
}

/// The client's fee on what the payer's bank took of a holdback will not be earned: it goes back, once no bank's word is
/// awaited. The contract and the milestone are locked; the milestone is decided.
///
/// # Errors
/// Whatever the payments refuse with.
pub(super) async fn return_unearned_fee(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &mut MilestoneRow,
) -> Result<()> {
    if !assay_payments::can_move(conn, milestone.id).await? {
        return Ok(());
    }
    let deferred = deferred_fee(conn, milestone).await?;
    let part = milestone.agreed(contract).charged_back(milestone.so_far(), deferred);
    if part.refund_fee.amount == 0 {
        return Ok(());
    }
    let decision = record(ctx, conn, milestone, &taken_by_bank(&part), &part, None, None).await?;
    give_back(ctx, conn, contract, milestone, &decision, &part, Held::Frozen).await?;
    save_milestone(ctx, conn, milestone).await?;
    notify::decided(ctx, conn, contract, milestone, &decision).await
}

fn taken_by_bank(part: &Part) -> Order<'static> {
    let kind = DecisionKind::TakenByBank;
    Order { kind, event: "charge_back", who: &[Who::System], by: None, accepted: part.release }
}

/// What of the client's fee waits to be earned; refunds of it that did not arrive are the client's.
async fn deferred_fee(conn: &mut Conn, milestone: &MilestoneRow) -> Result<i64> {
    let deferred = AccountRef::of(AccountKind::FeeDeferred, milestone.id);
    let deferred = assay_ledger::balance(conn, deferred, milestone.currency()?).await?.amount;
    Ok(deferred.saturating_sub(assay_payments::unsent_fee(conn, milestone.id).await?))
}

/// What was held back is so no longer.
async fn end_holdback(conn: &mut Conn, milestone: &mut MilestoneRow, part: &Part) -> Result<()> {
    book(milestone, part, true);
    milestone.holdback_state = HoldbackState::Freed.to_string();
    timers::clear(conn, MILESTONE.name, milestone.id, &["free_holdback"]).await
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    milestone: &MilestoneRow,
    order: &Order<'_>,
    part: &Part,
    back: Option<&TakenBack>,
    dispute: Option<Uuid>,
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
        taken_back: back.map_or(0, |back| back.of_developer.amount),
        taken_back_fee: back.map_or(0, |back| back.fees.amount),
        arbitration_fee: back.map_or(part.arbitration_fee, |back| back.arbitration_fee).amount,
        dispute_id: dispute,
    };
    store::milestones::insert_decision(conn, &decision).await.map_err(|error| {
        const ONCE: [&str; 3] =
            ["milestone_decisions_one", "milestone_decisions_one_freeing", "milestone_decisions_one_taking"];
        if ONCE.iter().any(|index| error.violates(index)) {
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

async fn give_back(
    ctx: &Ctx,
    conn: &mut Conn,
    contract: &ContractRow,
    milestone: &MilestoneRow,
    decision: &DecisionRow,
    part: &Part,
    held: Held,
) -> Result<()> {
    if part.refund.amount == 0 && part.refund_fee.amount == 0 {
        return Ok(());
    }
    let refund = Refund {
        decision: decision.id,
        milestone: milestone.id,
        contract: contract.id,
        organisation: contract.organisation(),
        held,
        amount: part.refund,
        fee: part.refund_fee,
    };
    assay_payments::refund_in(ctx, conn, &refund).await
}

fn book(milestone: &mut MilestoneRow, part: &Part, freed: bool) {
    let after = milestone.so_far().after(part, freed);
    milestone.released = after.released;
    milestone.held_back = after.held_back;
    milestone.freed = after.freed;
    milestone.refunded = after.refunded;
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
        "taken_back": money(decision.taken_back), "arbitration_fee": money(decision.arbitration_fee),
    }))
}

//! A side opens a dispute; the other answers; the opener takes it back.

use assay_kernel::ids::{DisputeId, MilestoneId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Result};
use assay_ledger::Event;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::policy::add_business_days;
use assay_platform::timers;
use chrono::Duration;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use validator::Validate;

use super::super::views::milestone_blocked;
use super::super::{clocks, funding, lifecycle, lock_milestone, notify, save_milestone};
use super::{Case, DisputeDetail, begin, detail, ending, save, wait};
use crate::model::{DISPUTE, MILESTONE};
use crate::store;
use crate::store::disputes::{DisputeRow, ONCE};
use crate::store::milestones::MilestoneRow;

/// What a side claims.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDispute {
    /// The developer's part of what is disputed, minor units; the rest is to be the client's. Before a decision on the
    /// milestone that is what was not accepted, afterwards all that was.
    #[schema(minimum = 0, example = 200000)]
    #[validate(range(min = 0))]
    pub developer_amount: i64,
    /// Why.
    #[validate(length(min = 20, max = 10_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 10000, example = "Two of the three formats are read; the third was never begun.")]
    pub reason: Text,
}

/// What the other side says.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RespondToDispute {
    /// The developer's part, as this side wants it, minor units.
    #[schema(minimum = 0, example = 630000)]
    #[validate(range(min = 0))]
    pub developer_amount: i64,
    /// What it says to the claim.
    #[validate(length(min = 20, max = 10_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 20, max_length = 10000, example = "The third format was dropped by message on the fourth of May.")]
    pub response: Text,
}

/// Checks a part of what is disputed.
pub(super) fn check_part(part: i64, balance: i64, pointer: &str) -> Result<()> {
    if (0..=balance).contains(&part) {
        return Ok(());
    }
    Err(Error::invalid_field(pointer, "out_of_range", format!("must be 0 to {balance}: what is disputed")))
}

/// Opens a dispute: the milestone's money is frozen, or what of it was not sent waits.
///
/// # Errors
/// `guard_failed` when one is open or it is too late; `state_conflict` also while the payer's bank takes the payment
/// back, and when this side has opened one before.
pub async fn open_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: MilestoneId,
    input: &OpenDispute,
) -> Result<DisputeDetail> {
    let (contract, mut milestone, seat) = lock_milestone(conn, actor, id).await?;
    let transition = MILESTONE.transition(&milestone.state, "open_dispute", &seat.who())?;
    let side = seat.acting()?;
    MILESTONE.check(transition, |guard| milestone_blocked(ctx, &contract, &milestone, guard))?;
    let after_release = !milestone.state()?.is_undecided();
    let balance = ending::opened_over(&milestone, after_release);
    if balance == 0 {
        return Err(Error::new(Code::StateConflict, "Nothing of its money is left to dispute about."));
    }
    check_part(input.developer_amount, balance, "/developer_amount")?;
    only_movable(conn, &milestone).await?;
    let (now, policy) = (ctx.clock.now(), &ctx.policy.disputes);
    let opened = DISPUTE.initial;
    let mut row = DisputeRow {
        id: ctx.ids.uuid(),
        milestone_id: milestone.id,
        contract_id: contract.id,
        opened_by_id: actor.account_id.uuid(),
        side: side.to_string(),
        state: DISPUTE.transition(opened, "ask_response", &[Who::System])?.to.to_owned(),
        after_release,
        amount: balance,
        currency: milestone.currency.clone(),
        claim: input.developer_amount,
        reason: input.reason.to_string(),
        answer: None,
        response: None,
        responded_at: None,
        due_at: None,
        mediator_id: None,
        proposal: None,
        accepted_by: None,
        arbitrator_id: None,
        award: None,
        fee: 0,
        fee_taken: 0,
        appeal: None,
        appeal_judge_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
        closed_at: None,
    };
    let until = now + Duration::days(policy.response_days);
    wait(ctx, conn, &mut row, "default", until).await?;
    let again = now + Duration::days(policy.second_notice_days);
    timers::set(ctx, conn, DISPUTE.name, row.id, "second_notice", again).await?;
    store::disputes::insert(conn, &row).await.map_err(|error| {
        match ONCE.iter().any(|index| error.violates(index)) {
            true => Error::new(Code::StateConflict, "Your side has disputed this milestone before."),
            false => error.into(),
        }
    })?;
    if after_release {
        assay_payments::hold_transfers_in(ctx, conn, milestone.id).await?;
    } else {
        let frozen = Event::HeldBack { id: row.id, milestone: milestone.id, amount: row.balance()? };
        assay_ledger::post_in(ctx, conn, &frozen, Some(contract.id)).await?;
        clocks::before_freeze(ctx, &mut milestone)?;
        timers::clear(conn, MILESTONE.name, milestone.id, &[]).await?;
    }
    // Of a deadline that has passed, or whose own timer is late, the clock strikes at once.
    if let Some(deadline) = funding::hold_deadline(ctx, &milestone) {
        let warned = deadline - Duration::days(ctx.policy.contracts.hold_notice_days);
        timers::set(ctx, conn, DISPUTE.name, row.id, "hold_ending", warned).await?;
        timers::set(ctx, conn, DISPUTE.name, row.id, "hold_deadline", deadline).await?;
    }
    milestone.state = transition.to.to_owned();
    milestone.open_dispute_id = Some(row.id);
    save_milestone(ctx, conn, &mut milestone).await?;
    let case = Case { contract, milestone, row };
    let data = json!({ "side": side, "developer_amount": case.row.claim, "due_at": until });
    notify::dispute(ctx, conn, &case, "dispute.opened", data, false).await?;
    notify::mail_dispute_opened(ctx, conn, &case, side.other(), until, false).await?;
    detail(conn, actor, case).await
}

/// Nothing is frozen or thawed while the payer's bank takes the payment back.
async fn only_movable(conn: &mut Conn, milestone: &MilestoneRow) -> Result<()> {
    if assay_payments::can_move(conn, milestone.id).await? {
        return Ok(());
    }
    let detail = "The payer's bank is taking the payment back: that ends first.";
    Err(Error::new(Code::StateConflict, detail))
}

/// The other side answers; both negotiate.
///
/// # Errors
/// `invalid_fields` beyond what is disputed.
pub async fn respond_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: DisputeId,
    input: &RespondToDispute,
) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "respond").await?;
    check_part(input.developer_amount, case.row.amount, "/developer_amount")?;
    let now = ctx.clock.now();
    case.row.state = DISPUTE.transition(&case.row.state, "respond", &role.who())?.to.to_owned();
    case.row.answer = Some(input.developer_amount);
    case.row.response = Some(input.response.to_string());
    case.row.responded_at = Some(now);
    let until = now + Duration::days(ctx.policy.disputes.negotiation_days);
    wait(ctx, conn, &mut case.row, "escalate", until).await?;
    save(ctx, conn, &mut case.row).await?;
    let data = json!({ "developer_amount": input.developer_amount, "due_at": until });
    notify::dispute(ctx, conn, &case, "dispute.answered", data, false).await?;
    detail(conn, actor, case).await
}

/// A side asks for a mediator before the days of negotiation are over.
pub async fn escalate_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor, id: DisputeId) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "escalate").await?;
    to_mediation(ctx, conn, &mut case, &role.who()).await?;
    detail(conn, actor, case).await
}

/// A mediator is asked.
pub(super) async fn to_mediation(ctx: &Ctx, conn: &mut Conn, case: &mut Case, who: &[Who]) -> Result<()> {
    case.row.state = DISPUTE.transition(&case.row.state, "escalate", who)?.to.to_owned();
    let until = add_business_days(ctx.clock.now(), ctx.policy.disputes.proposal_business_days);
    wait(ctx, conn, &mut case.row, "proposal_overdue", until).await?;
    save(ctx, conn, &mut case.row).await?;
    notify::dispute(ctx, conn, case, "dispute.mediator_wanted", json!({ "due_at": until }), true).await
}

/// The side that opened it takes it back: things go on where they stood, with the time that it took added.
pub async fn withdraw_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor, id: DisputeId) -> Result<DisputeDetail> {
    let (mut case, role) = begin(conn, actor, id, "withdraw").await?;
    let withdrawn = DISPUTE.transition(&case.row.state, "withdraw", &role.who())?.to;
    ending::close(ctx, conn, &mut case, withdrawn).await?;
    let Case { contract, milestone, row } = &mut case;
    if row.after_release {
        save_milestone(ctx, conn, milestone).await?;
        assay_payments::resume_transfers_in(ctx, conn, milestone.id).await?;
        clocks::set_holdback(ctx, conn, milestone).await?;
    } else {
        only_movable(conn, milestone).await?;
        let thawed = Event::Freed { id: row.id, milestone: milestone.id, amount: row.balance()? };
        assay_ledger::post_in(ctx, conn, &thawed, Some(contract.id)).await?;
        ending::thaw(ctx, conn, contract, milestone, row.created_at).await?;
    }
    notify::dispute(ctx, conn, &case, "dispute.withdrawn", json!({}), false).await?;
    if !case.row.after_release {
        lifecycle::catch_up(ctx, conn, &mut case.contract, &mut case.milestone).await?;
    }
    detail(conn, actor, case).await
}

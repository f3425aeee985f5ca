//! Every clock of a dispute. A timer may fire late or twice, so each looks at the present state again.

use assay_kernel::Result;
use assay_kernel::ids::DisputeId;
use assay_kernel::process::Who;
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers::{self, Fired};
use chrono::Duration;
use serde_json::json;

use super::super::decide::free_holdback;
use super::super::{funding, notify};
use super::ending::divide;
use super::{Case, case, opening, staff};
use crate::model::{DISPUTE, DecisionKind, DisputeState, Division, HoldbackState, MilestoneState, Ruling};
use crate::store;

const SYSTEM: &[Who] = &[Who::System];

/// Runs a clock's work on a dispute that is open and locked.
async fn on_open(
    ctx: &Ctx,
    fired: &Fired,
    work: impl AsyncFn(&mut Conn, &mut Case) -> Result<()>,
) -> Result<()> {
    ctx.db
        .tx(async |conn| {
            let id = DisputeId::from_uuid(fired.subject);
            if store::disputes::find(conn, id).await?.is_none() {
                return Ok(());
            }
            let mut case = case(conn, id).await?;
            if case.row.state()?.is_open() { work(conn, &mut case).await } else { Ok(()) }
        })
        .await
}

/// The same, if it is in `state` and its time has come, unless `early`.
async fn on_dispute(
    ctx: &Ctx,
    fired: &Fired,
    state: DisputeState,
    early: bool,
    work: impl AsyncFn(&mut Conn, &mut Case) -> Result<()>,
) -> Result<()> {
    on_open(ctx, fired, async |conn, case| {
        let due = case.row.due_at.is_some_and(|due| due <= ctx.clock.now());
        if case.row.state()? != state || !(due || early) {
            return Ok(());
        }
        work(conn, case).await
    })
    .await
}

/// The other side is asked again.
pub async fn on_second_notice(ctx: Ctx, fired: Fired) -> Result<()> {
    on_dispute(&ctx, &fired, DisputeState::ResponseDue, true, async |conn, case| {
        let Some(until) = case.row.due_at else { return Ok(()) };
        let side = case.row.opened_by()?.other();
        notify::dispute(&ctx, conn, case, "dispute.unanswered", json!({ "due_at": until }), false).await?;
        notify::mail_dispute_opened(&ctx, conn, case, side, until, true).await
    })
    .await
}

/// The money cannot move while the payer's bank takes the payment back: looked at again tomorrow.
async fn postponed(ctx: &Ctx, conn: &mut Conn, case: &Case, event: &str) -> Result<bool> {
    if assay_payments::can_move(conn, case.milestone.id).await? {
        return Ok(false);
    }
    let tomorrow = ctx.clock.now() + Duration::days(1);
    timers::set(ctx, conn, DISPUTE.name, case.row.id, event, tomorrow).await?;
    Ok(true)
}

/// Nobody answered: as claimed.
pub async fn on_default(ctx: Ctx, fired: Fired) -> Result<()> {
    on_dispute(&ctx, &fired, DisputeState::ResponseDue, false, async |conn, case| {
        if postponed(&ctx, conn, case, "default").await? {
            return Ok(());
        }
        let state = DISPUTE.transition(&case.row.state, "default", SYSTEM)?.to;
        let division = Division::plain(case.row.amount, case.row.claim);
        divide(&ctx, conn, case, state, DecisionKind::DisputeDefaulted, &division).await
    })
    .await
}

/// The days of negotiation are over.
pub async fn on_escalate(ctx: Ctx, fired: Fired) -> Result<()> {
    on_dispute(&ctx, &fired, DisputeState::Negotiation, false, async |conn, case| {
        opening::to_mediation(&ctx, conn, case, SYSTEM).await
    })
    .await
}

/// The proposal was not accepted by both.
pub async fn on_proposal_given_up(ctx: Ctx, fired: Fired) -> Result<()> {
    on_dispute(&ctx, &fired, DisputeState::ProposalOut, false, async |conn, case| {
        staff::to_arbitration(&ctx, conn, case, "give_up_proposal", SYSTEM).await
    })
    .await
}

/// Staff are late: the reviewers are told.
async fn overdue(ctx: &Ctx, fired: &Fired, state: DisputeState) -> Result<()> {
    on_dispute(ctx, fired, state, false, async |conn, case| {
        let data = json!({ "due_at": case.row.due_at });
        notify::dispute(ctx, conn, case, "dispute.overdue", data, true).await
    })
    .await
}

/// The mediator is late.
pub async fn on_proposal_overdue(ctx: Ctx, fired: Fired) -> Result<()> {
    overdue(&ctx, &fired, DisputeState::Mediation).await
}

/// The arbitrator is late.
pub async fn on_award_overdue(ctx: Ctx, fired: Fired) -> Result<()> {
    overdue(&ctx, &fired, DisputeState::Arbitration).await
}

/// The answer to an appeal is late.
pub async fn on_appeal_overdue(ctx: Ctx, fired: Fired) -> Result<()> {
    overdue(&ctx, &fired, DisputeState::Awarded).await
}

/// The award is carried out, unless an appeal waits.
pub async fn on_execute(ctx: Ctx, fired: Fired) -> Result<()> {
    on_dispute(&ctx, &fired, DisputeState::Awarded, false, async |conn, case| {
        let waits = case.row.appeal.as_ref().is_some_and(|appeal| appeal.outcome.is_none());
        let Some(award) = case.row.award.clone().filter(|_| !waits) else { return Ok(()) };
        if postponed(&ctx, conn, case, "execute").await? {
            return Ok(());
        }
        let state = DISPUTE.transition(&case.row.state, "execute", SYSTEM)?.to;
        let division = awarded(case, &award)?;
        divide(&ctx, conn, case, state, DecisionKind::Awarded, &division).await
    })
    .await
}

fn awarded(case: &Case, award: &Ruling) -> Result<Division> {
    Ok(Division::awarded(case.row.amount, award.developer, case.row.fee, case.row.positions()?))
}

/// The money can be held for some days only: staff are told to end the dispute before.
pub async fn on_hold_ending(ctx: Ctx, fired: Fired) -> Result<()> {
    on_open(&ctx, &fired, async |conn, case| {
        let data = json!({ "held_until": funding::hold_deadline(&ctx, &case.milestone) });
        notify::dispute(&ctx, conn, case, "dispute.hold_ending", data, true).await
    })
    .await
}

/// The money can be held no longer: an award is carried out and a proposal stands. Where staff found nothing yet, the
/// money goes as if nobody had disputed, so that a dispute that is opened late gains nothing by it. After a release only
/// what is held back or was not sent is held: it is sent, and the dispute goes on over money that an award takes back.
pub async fn on_hold_deadline(ctx: Ctx, fired: Fired) -> Result<()> {
    on_open(&ctx, &fired, async |conn, case| {
        let over =
            funding::hold_deadline(&ctx, &case.milestone).is_some_and(|until| until <= ctx.clock.now());
        if !over || postponed(&ctx, conn, case, "hold_deadline").await? {
            return Ok(());
        }
        if case.row.after_release {
            if case.milestone.holdback_state == HoldbackState::Held.as_str() {
                free_holdback(&ctx, conn, &case.contract, &mut case.milestone, SYSTEM, None).await?;
            }
            assay_payments::resume_transfers_in(&ctx, conn, case.milestone.id).await?;
            return notify::dispute(&ctx, conn, case, "dispute.hold_ended", json!({}), true).await;
        }
        let state = DISPUTE.transition(&case.row.state, "force", SYSTEM)?.to;
        let balance = case.row.amount;
        let (kind, division) = match (&case.row.award, &case.row.proposal) {
            (Some(award), _) => (DecisionKind::Awarded, awarded(case, award)?),
            (None, Some(proposal)) => {
                (DecisionKind::DisputeExpired, Division::plain(balance, proposal.developer))
            }
            (None, None) => {
                let delivered =
                    case.milestone.state_before.as_deref() == Some(MilestoneState::Delivered.as_str());
                let developer = if delivered { balance } else { 0 };
                (DecisionKind::DisputeExpired, Division::plain(balance, developer))
            }
        };
        divide(&ctx, conn, case, state, kind, &division).await
    })
    .await
}

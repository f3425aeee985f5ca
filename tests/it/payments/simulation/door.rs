//! Decisions, carried to the payments' door.

use assay_kernel::Error;
use assay_payments::{Refund, Release, ReversedRefund};
use uuid::Uuid;

use super::super::usd;
use super::book::{Decision, What};
use super::world::World;

/// Through the door.
pub async fn ask(
    world: &World,
    contract: Uuid,
    developer: usize,
    milestone: Uuid,
    decision: Decision,
    days: i64,
) -> Result<(), Error> {
    let (ctx, developer) = (world.app.ctx(), world.developers[developer].id);
    let (organisation, decision_id) = (world.organisation, decision.id);
    match decision.what {
        What::Release { held, amount, developer_fee, client_fee } => {
            let release = Release {
                decision: decision_id,
                milestone,
                contract,
                developer,
                held,
                amount: usd(amount),
                developer_fee: usd(developer_fee),
                client_fee: usd(client_fee),
                payable_from: ctx.clock.now() + chrono::Duration::days(days),
            };
            ctx.db.tx(async |conn| assay_payments::release_in(ctx, conn, &release).await).await
        }
        What::Refund { held, amount, fee } => {
            let (amount, fee) = (usd(amount), usd(fee));
            let refund =
                Refund { decision: decision_id, milestone, contract, organisation, held, amount, fee };
            ctx.db.tx(async |conn| assay_payments::refund_in(ctx, conn, &refund).await).await
        }
        What::TakeBack { amount, fee } => {
            let (amount, fee) = (usd(amount), usd(fee));
            let refund = ReversedRefund {
                decision: decision_id,
                milestone,
                contract,
                developer,
                organisation,
                amount,
                fee,
            };
            ctx.db.tx(async |conn| assay_payments::refund_released_in(ctx, conn, &refund).await).await
        }
    }
}

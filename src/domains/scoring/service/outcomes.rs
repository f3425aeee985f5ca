//! Outcomes of milestones: noted with what was known when they ended, and evidence on delivery.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;

use super::in_force;
use super::moving::{Measured, write};
use crate::model::delivery::delivery;
use crate::model::score::{Cause, Outcome, ScoreScale};
use crate::store;
use crate::store::outcomes::OutcomeRow;

/// Notes how a milestone ended, once, and moves the developer's delivery score by it.
///
/// # Errors
/// When the database fails.
pub async fn record_outcome_in(ctx: &Ctx, conn: &mut Conn, outcome: &Outcome) -> Result<()> {
    let developer = outcome.developer;
    store::scores::serialise(conn, developer.uuid()).await?;
    let known = store::scores::of(conn, &[developer.uuid()]).await?;
    let theta = |scale: ScoreScale| known.iter().find(|row| row.scale == scale.as_str()).map(|row| row.theta);
    let technical = in_force(conn, ScoreScale::Technical).await?;
    let technical_theta = theta(ScoreScale::Technical);
    let row = OutcomeRow {
        id: ctx.ids.uuid(),
        milestone_id: outcome.milestone.uuid(),
        developer_id: developer.uuid(),
        organisation_id: outcome.organisation.uuid(),
        project_id: outcome.project.uuid(),
        accepted_bps: i32::try_from(outcome.accepted_bps).map_err(Error::internal)?,
        on_time: outcome.on_time,
        disputed: outcome.disputed,
        fit_bps: store::outcomes::fit(conn, outcome.project, developer).await?,
        amount: outcome.amount.amount,
        currency: outcome.amount.currency.to_string(),
        technical_theta,
        collaboration_theta: theta(ScoreScale::Collaboration),
        rubric_version: technical_theta.map(|_| technical.rubric_version),
        occurred_at: ctx.clock.now(),
    };
    if store::outcomes::insert(conn, &row).await? {
        let subject = outcome.milestone.to_string();
        measure(ctx, conn, developer, (Cause::Outcome, Some(&subject))).await?;
    }
    Ok(())
}

/// Measures somebody's delivery anew.
pub(super) async fn measure(
    ctx: &Ctx,
    conn: &mut Conn,
    developer: AccountId,
    cause: (Cause, Option<&str>),
) -> Result<()> {
    let calibration = in_force(conn, ScoreScale::Delivery).await?;
    let outcomes = store::outcomes::of(conn, developer).await?;
    let accepted: Vec<f64> = outcomes.iter().map(|row| f64::from(row.accepted_bps) / 10_000.0).collect();
    let measured = Measured {
        scale: ScoreScale::Delivery,
        figures: (!accepted.is_empty())
            .then_some(())
            .map(|()| calibration.delivery())
            .transpose()?
            .map(|prior| delivery(prior, &accepted)),
        evidence: i32::try_from(accepted.len()).unwrap_or(i32::MAX),
        calibration_version: calibration.version,
    };
    write(ctx, conn, developer, measured, cause).await
}

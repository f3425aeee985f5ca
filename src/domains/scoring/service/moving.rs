//! The one place where a published score is written: with its event, in the transaction of what moved it.

use assay_kernel::Result;
use assay_kernel::ids::AccountId;
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::outbox::{self, Audience};
use serde_json::json;

use crate::model::score::{Cause, FORMULA_VERSION, Figures, ScoreScale};
use crate::store;
use crate::store::scores::{ScoreEventRow, ScoreRow};

/// What a score is now.
pub struct Measured {
    /// Of what.
    pub scale: ScoreScale,
    /// The figures; none when nothing is left that they could rest on.
    pub figures: Option<Figures>,
    /// What they rest on.
    pub evidence: i32,
    /// By which calibration.
    pub calibration_version: i32,
}

/// Writes a score. Where what is published changes, that is an event with its cause, and everybody who holds a copy is
/// told by `score.changed`.
pub async fn write(
    ctx: &Ctx,
    conn: &mut Conn,
    developer: AccountId,
    measured: Measured,
    (cause, subject): (Cause, Option<&str>),
) -> Result<()> {
    let Measured { scale, figures, evidence, calibration_version } = measured;
    let now = ctx.clock.now();
    let before = store::scores::lock(conn, developer.uuid(), scale).await?;
    match figures {
        Some(figures) => {
            let row = ScoreRow {
                developer_id: developer.uuid(),
                scale: scale.to_string(),
                theta: figures.theta,
                se: figures.se,
                score: figures.score,
                lower: figures.lower,
                upper: figures.upper,
                calibration_version,
                formula_version: FORMULA_VERSION.to_owned(),
                evidence,
                version: before.as_ref().map_or(1, |row| row.version.saturating_add(1)),
                updated_at: now,
            };
            store::scores::upsert(conn, &row).await?;
        }
        None if before.is_some() => store::scores::delete(conn, developer.uuid(), scale).await?,
        None => return Ok(()),
    }
    let before = before.map(|row| row.figures());
    let moved = match (&before, &figures) {
        (Some(before), Some(after)) => before.differ(after),
        _ => true,
    };
    if !moved {
        return Ok(());
    }
    let event = ScoreEventRow {
        id: ctx.ids.uuid(),
        developer_id: developer.uuid(),
        scale: scale.to_string(),
        cause: cause.to_string(),
        subject: subject.map(str::to_owned),
        before: before.map(Json),
        after: figures.map(Json),
        created_at: now,
    };
    store::scores::insert_event(conn, &event).await?;
    let data = json!({ "scale": scale, "cause": cause, "subject": subject, "before": before, "after": figures,
        "calibration_version": calibration_version });
    let audience = [Audience::Account(developer)];
    outbox::publish(ctx, conn, "score.changed", developer.to_string(), data, &audience).await
}

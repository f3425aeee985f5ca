//! What staff see of calibrations.

use assay_assessments::Quarter;
use assay_kernel::ids::CalibrationId;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use serde::Deserialize;

use crate::model::recalibration::CalibrationReport;
use crate::model::score::ScoreScale;
use crate::store;
use crate::store::anchors::AnchorRater;
use crate::store::calibrations::{CalibrationRow, PromotionRow};

/// Calibrations, newest first, each with its promotion.
///
/// # Errors
/// When the database fails.
pub async fn calibrations(
    conn: &mut Conn,
    scale: Option<ScoreScale>,
    before: Option<CalibrationId>,
    limit: i64,
) -> Result<Vec<(CalibrationRow, Option<PromotionRow>)>> {
    Ok(store::calibrations::list(conn, scale, before.map(|id| id.uuid()), limit).await?)
}

/// A calibration with its promotion.
///
/// # Errors
/// `not_found`.
pub async fn calibration(
    conn: &mut Conn,
    id: CalibrationId,
) -> Result<(CalibrationRow, Option<PromotionRow>)> {
    let found = store::calibrations::find(conn, id).await?;
    let row = found.ok_or_else(|| Error::not_found("calibration"))?;
    let promotion = store::calibrations::promotion(conn, &row.scale, row.version).await?;
    Ok((row, promotion))
}

/// The newest calibration of each scale that was estimated from ratings.
///
/// # Errors
/// When the database fails.
pub async fn newest(conn: &mut Conn) -> Result<Vec<(CalibrationRow, Option<PromotionRow>)>> {
    let mut found = Vec::new();
    for scale in ScoreScale::RATED {
        let newest = store::calibrations::newest(conn, scale).await?;
        if let Some(row) = newest.filter(|row| row.ratings > 0) {
            let promotion = store::calibrations::promotion(conn, &row.scale, row.version).await?;
            found.push((row, promotion));
        }
    }
    Ok(found)
}

/// How assessors have rated the anchor sessions of a quarter; of the present one unless told.
///
/// # Errors
/// When the database fails.
pub async fn anchors(
    ctx: &Ctx,
    conn: &mut Conn,
    quarter: Option<Quarter>,
) -> Result<(Quarter, Vec<AnchorRater>)> {
    let now = ctx.clock.now();
    let quarter = quarter.unwrap_or(Quarter::of(now));
    Ok((quarter, store::anchors::of(conn, quarter, now).await?))
}

/// What a calibration tells.
///
/// # Errors
/// When what is stored is no report.
pub fn report(row: &CalibrationRow) -> Result<CalibrationReport> {
    CalibrationReport::deserialize(&row.report).map_err(Error::internal)
}

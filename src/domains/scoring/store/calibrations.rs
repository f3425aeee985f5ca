//! Calibrations and their promotions.

use assay_kernel::ids::CalibrationId;
use assay_platform::db::schema::{calibration_promotions, calibrations};
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::model::parameters::Parameters;
use crate::model::score::ScoreScale;

/// A row of `calibrations`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = calibrations, check_for_backend(diesel::pg::Pg))]
pub struct CalibrationRow {
    /// Its id.
    pub id: Uuid,
    /// Of which scale.
    pub scale: String,
    /// Its number on that scale.
    pub version: i32,
    /// The newest rubric of the ratings in it.
    pub rubric_version: String,
    /// The formula that uses it.
    pub formula_version: String,
    /// What it freezes.
    pub parameters: Json<Parameters>,
    /// People in it.
    pub developers: i32,
    /// Ratings in it.
    pub ratings: i64,
    /// What is told of assessors, agreement, anchors and connection.
    pub report: Value,
    /// Why it was kept back; empty when it was not.
    pub held_because: Vec<String>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

/// A row of `calibration_promotions`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = calibration_promotions, check_for_backend(diesel::pg::Pg))]
pub struct PromotionRow {
    /// Its id.
    pub id: Uuid,
    /// Of which scale.
    pub scale: String,
    /// Which calibration.
    pub version: i32,
    /// By whom; none: by the rule.
    pub promoted_by_id: Option<Uuid>,
    /// Why.
    pub reason: String,
    /// When.
    pub promoted_at: DateTime<Utc>,
}

/// Stores a calibration, unless its scale has that version.
pub async fn insert(conn: &mut Conn, row: &CalibrationRow) -> DbResult<bool> {
    let made = diesel::insert_into(calibrations::table).values(row).on_conflict_do_nothing();
    Ok(made.execute(conn).await? > 0)
}

/// Brings one into force.
pub async fn promote(conn: &mut Conn, row: &PromotionRow) -> DbResult<()> {
    diesel::insert_into(calibration_promotions::table).values(row).execute(conn).await?;
    Ok(())
}

/// The calibration of a scale in force: the highest version that was promoted.
pub async fn in_force(conn: &mut Conn, scale: ScoreScale) -> DbResult<Option<CalibrationRow>> {
    Ok(calibrations::table
        .inner_join(
            calibration_promotions::table.on(calibration_promotions::scale
                .eq(calibrations::scale)
                .and(calibration_promotions::version.eq(calibrations::version))),
        )
        .filter(calibrations::scale.eq(scale.as_str()))
        .order(calibrations::version.desc())
        .select(CalibrationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The newest calibration of a scale, in force or kept back.
pub async fn newest(conn: &mut Conn, scale: ScoreScale) -> DbResult<Option<CalibrationRow>> {
    Ok(calibrations::table
        .filter(calibrations::scale.eq(scale.as_str()))
        .order(calibrations::version.desc())
        .select(CalibrationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A calibration.
pub async fn find(conn: &mut Conn, id: CalibrationId) -> DbResult<Option<CalibrationRow>> {
    Ok(calibrations::table
        .filter(calibrations::id.eq(id.uuid()))
        .select(CalibrationRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Calibrations, newest first, each with its promotion.
pub async fn list(
    conn: &mut Conn,
    scale: Option<ScoreScale>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<(CalibrationRow, Option<PromotionRow>)>> {
    let mut query = calibrations::table
        .left_join(
            calibration_promotions::table.on(calibration_promotions::scale
                .eq(calibrations::scale)
                .and(calibration_promotions::version.eq(calibrations::version))),
        )
        .into_boxed();
    if let Some(scale) = scale {
        query = query.filter(calibrations::scale.eq(scale.as_str()));
    }
    if let Some(before) = before {
        query = query.filter(calibrations::id.lt(before));
    }
    Ok(query
        .order(calibrations::id.desc())
        .limit(limit)
        .select((CalibrationRow::as_select(), Option::<PromotionRow>::as_select()))
        .load(conn)
        .await?)
}

/// The promotion of a calibration.
pub async fn promotion(conn: &mut Conn, scale: &str, version: i32) -> DbResult<Option<PromotionRow>> {
    Ok(calibration_promotions::table
        .filter(calibration_promotions::scale.eq(scale))
        .filter(calibration_promotions::version.eq(version))
        .select(PromotionRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

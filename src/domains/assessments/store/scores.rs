//! Calibrated scores, read from the tables of the domain that makes them.

use assay_kernel::ids::AssessmentId;
use assay_platform::db::schema::assessment_scores;
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// What the cards of an assessment say on one scale.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = assessment_scores, check_for_backend(diesel::pg::Pg))]
pub struct CalibratedScore {
    /// Of what.
    pub scale: String,
    /// The figure.
    pub score: i32,
    /// Lower end of its interval.
    pub lower: i32,
    /// Upper end of its interval.
    pub upper: i32,
    /// Probability of being at or above the pass line.
    pub above_cut: f64,
    /// What follows.
    pub verdict: String,
    /// By which calibration.
    pub calibration_version: i32,
    /// Ratings that it rests on.
    pub evidence: i32,
}

/// The calibrated scores of an assessment, the technical one first.
pub async fn of(conn: &mut Conn, id: AssessmentId) -> DbResult<Vec<CalibratedScore>> {
    Ok(assessment_scores::table
        .filter(assessment_scores::assessment_id.eq(id.uuid()))
        .order(assessment_scores::scale.desc())
        .select(CalibratedScore::as_select())
        .load(conn)
        .await?)
}

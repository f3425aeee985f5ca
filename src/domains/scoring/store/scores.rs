//! Published scores, every move of them, and what staff see before a decision.

use assay_kernel::Result;
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_platform::db::schema::{assessment_scores, developer_scores, score_events};
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::score::{DeveloperScore, Figures, ScoreScale};

/// A row of `developer_scores`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = developer_scores, check_for_backend(diesel::pg::Pg))]
pub struct ScoreRow {
    /// Whose.
    pub developer_id: Uuid,
    /// Of what.
    pub scale: String,
    /// Posterior mean.
    pub theta: f64,
    /// Posterior standard deviation.
    pub se: f64,
    /// The published figure.
    pub score: i32,
    /// Lower end of its interval.
    pub lower: i32,
    /// Upper end of its interval.
    pub upper: i32,
    /// By which calibration.
    pub calibration_version: i32,
    /// By which formula.
    pub formula_version: String,
    /// What it rests on.
    pub evidence: i32,
    /// Its row version.
    pub version: i64,
    /// Since when.
    pub updated_at: DateTime<Utc>,
}

impl ScoreRow {
    /// Its figures.
    pub fn figures(&self) -> Figures {
        Figures { theta: self.theta, se: self.se, score: self.score, lower: self.lower, upper: self.upper }
    }

    /// As others see it.
    ///
    /// # Errors
    /// When the scale is unknown.
    pub fn published(self) -> Result<DeveloperScore> {
        Ok(DeveloperScore {
            developer: AccountId::from_uuid(self.developer_id),
            scale: self.scale.parse()?,
            figures: self.figures(),
            calibration_version: self.calibration_version,
            formula_version: self.formula_version,
            evidence: self.evidence,
            updated_at: self.updated_at,
        })
    }
}

/// A row of `score_events`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = score_events, check_for_backend(diesel::pg::Pg))]
pub struct ScoreEventRow {
    /// Its id.
    pub id: Uuid,
    /// Whose score.
    pub developer_id: Uuid,
    /// Of what.
    pub scale: String,
    /// What moved it.
    pub cause: String,
    /// The prefixed id of that.
    pub subject: Option<String>,
    /// What it was.
    pub before: Option<Json<Figures>>,
    /// What it is.
    pub after: Option<Json<Figures>>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A row of `assessment_scores`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = assessment_scores, check_for_backend(diesel::pg::Pg))]
pub struct AssessmentScoreRow {
    /// The assessment.
    pub assessment_id: Uuid,
    /// Of what.
    pub scale: String,
    /// Posterior mean.
    pub theta: f64,
    /// Posterior standard deviation.
    pub se: f64,
    /// The figure.
    pub score: i32,
    /// Lower end of its interval.
    pub lower: i32,
    /// Upper end of its interval.
    pub upper: i32,
    /// `P(θ ≥ cut)`.
    pub above_cut: f64,
    /// The pass line.
    pub cut: f64,
    /// What follows.
    pub verdict: String,
    /// By which calibration.
    pub calibration_version: i32,
    /// By which formula.
    pub formula_version: String,
    /// Ratings that it rests on.
    pub evidence: i32,
    /// When.
    pub computed_at: DateTime<Utc>,
}

/// The scores of some developers.
pub async fn of(conn: &mut Conn, developers: &[Uuid]) -> DbResult<Vec<ScoreRow>> {
    Ok(developer_scores::table
        .filter(developer_scores::developer_id.eq_any(developers))
        .order((developer_scores::developer_id, developer_scores::scale.desc()))
        .select(ScoreRow::as_select())
        .load(conn)
        .await?)
}

/// A score, locked.
pub async fn lock(conn: &mut Conn, developer: Uuid, scale: ScoreScale) -> DbResult<Option<ScoreRow>> {
    Ok(developer_scores::table
        .find((developer, scale.as_str()))
        .select(ScoreRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Writes a score.
pub async fn upsert(conn: &mut Conn, row: &ScoreRow) -> DbResult<()> {
    diesel::insert_into(developer_scores::table)
        .values(row)
        .on_conflict((developer_scores::developer_id, developer_scores::scale))
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a score away.
pub async fn delete(conn: &mut Conn, developer: Uuid, scale: ScoreScale) -> DbResult<()> {
    diesel::delete(developer_scores::table.find((developer, scale.as_str()))).execute(conn).await?;
    Ok(())
}

/// Who has a score of a scale by another calibration, in the order of their ids after `after`.
pub async fn by_another(
    conn: &mut Conn,
    scale: ScoreScale,
    version: i32,
    after: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<Uuid>> {
    let mut query = developer_scores::table
        .filter(developer_scores::scale.eq(scale.as_str()))
        .filter(developer_scores::calibration_version.ne(version))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(developer_scores::developer_id.gt(after));
    }
    Ok(query
        .order(developer_scores::developer_id)
        .limit(limit)
        .select(developer_scores::developer_id)
        .load(conn)
        .await?)
}

/// Notes a move.
pub async fn insert_event(conn: &mut Conn, row: &ScoreEventRow) -> DbResult<()> {
    diesel::insert_into(score_events::table).values(row).execute(conn).await?;
    Ok(())
}

/// Moves of somebody's scores, newest first.
pub async fn events(
    conn: &mut Conn,
    developer: AccountId,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<ScoreEventRow>> {
    let mut query = score_events::table.filter(score_events::developer_id.eq(developer.uuid())).into_boxed();
    if let Some(before) = before {
        query = query.filter(score_events::id.lt(before));
    }
    Ok(query
        .order(score_events::id.desc())
        .limit(limit)
        .select(ScoreEventRow::as_select())
        .load(conn)
        .await?)
}

/// Writes what the cards of an assessment say.
pub async fn upsert_assessed(conn: &mut Conn, row: &AssessmentScoreRow) -> DbResult<()> {
    diesel::insert_into(assessment_scores::table)
        .values(row)
        .on_conflict((assessment_scores::assessment_id, assessment_scores::scale))
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes away what the cards of an assessment said.
pub async fn delete_assessed(conn: &mut Conn, id: AssessmentId) -> DbResult<()> {
    diesel::delete(assessment_scores::table.filter(assessment_scores::assessment_id.eq(id.uuid())))
        .execute(conn)
        .await?;
    Ok(())
}

/// One writer of somebody's scores at a time, until the end of the transaction.
pub async fn serialise(conn: &mut Conn, developer: Uuid) -> DbResult<()> {
    // Two milestones of one developer may end at the same instant, and a row that is not there cannot be locked.
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('score:' || $1::text, 0))")
        .bind::<sql_types::Uuid, _>(developer)
        .execute(conn)
        .await?;
    Ok(())
}

//! Decisions on assessments, and appeals against them.

use std::collections::BTreeMap;

use assay_kernel::ids::AssessmentId;
use assay_platform::db::Json;
use assay_platform::db::schema::{assessment_appeals, assessment_outcomes};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::outcome::CriterionFeedback;

/// A row of `assessment_outcomes`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = assessment_outcomes, check_for_backend(diesel::pg::Pg))]
pub struct OutcomeRow {
    /// The assessment.
    pub assessment_id: Uuid,
    /// How it was decided.
    pub outcome: String,
    /// The kinds of reason.
    pub reason_codes: Vec<String>,
    /// The reason, for staff.
    pub reason: String,
    /// The unadjusted means that were shown.
    pub means: Json<BTreeMap<String, Option<f64>>>,
    /// What the candidate is told.
    pub feedback: Json<Vec<CriterionFeedback>>,
    /// Who decided.
    pub decided_by_id: Uuid,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// When it is published at the latest.
    pub publish_at: DateTime<Utc>,
    /// When it was.
    pub published_at: Option<DateTime<Utc>>,
    /// Until when it can be appealed.
    pub appeal_until: Option<DateTime<Utc>>,
    /// When a redo took its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// When an appeal raised it.
    pub raised_at: Option<DateTime<Utc>>,
}

/// A row of `assessment_appeals`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = assessment_appeals, check_for_backend(diesel::pg::Pg))]
pub struct AppealRow {
    /// The assessment.
    pub assessment_id: Uuid,
    /// Who appeals.
    pub candidate_id: Uuid,
    /// Who made the decision.
    pub against_id: Uuid,
    /// Why it is wrong.
    pub text: String,
    /// When it is answered at the latest.
    pub due_at: DateTime<Utc>,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
    /// How it was answered.
    pub outcome: Option<String>,
    /// In which words.
    pub answer: Option<String>,
    /// By whom.
    pub decided_by_id: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Stores a decision.
pub async fn insert(conn: &mut Conn, row: &OutcomeRow) -> DbResult<()> {
    diesel::insert_into(assessment_outcomes::table).values(row).execute(conn).await?;
    Ok(())
}

/// The decision on an assessment.
pub async fn find(conn: &mut Conn, id: AssessmentId) -> DbResult<Option<OutcomeRow>> {
    let query = assessment_outcomes::table.find(id.uuid()).select(OutcomeRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Writes what became of a decision.
pub async fn update(conn: &mut Conn, row: &OutcomeRow) -> DbResult<()> {
    diesel::update(assessment_outcomes::table.find(row.assessment_id))
        .set((
            assessment_outcomes::published_at.eq(row.published_at),
            assessment_outcomes::appeal_until.eq(row.appeal_until),
            assessment_outcomes::superseded_at.eq(row.superseded_at),
            assessment_outcomes::raised_at.eq(row.raised_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Stores an appeal.
pub async fn insert_appeal(conn: &mut Conn, row: &AppealRow) -> DbResult<()> {
    diesel::insert_into(assessment_appeals::table).values(row).execute(conn).await?;
    Ok(())
}

/// The appeal against the outcome of an assessment.
pub async fn appeal(conn: &mut Conn, id: AssessmentId) -> DbResult<Option<AppealRow>> {
    let query = assessment_appeals::table.find(id.uuid()).select(AppealRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Writes the answer to an appeal.
pub async fn answer_appeal(conn: &mut Conn, row: &AppealRow) -> DbResult<()> {
    diesel::update(assessment_appeals::table.find(row.assessment_id))
        .set((
            assessment_appeals::outcome.eq(&row.outcome),
            assessment_appeals::answer.eq(&row.answer),
            assessment_appeals::decided_by_id.eq(row.decided_by_id),
            assessment_appeals::decided_at.eq(row.decided_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

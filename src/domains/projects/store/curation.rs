//! Decisions of curation and appeals against them.

use assay_kernel::ids::{AppealId, ProjectId};
use assay_platform::db::schema::{curation_appeals, curation_decisions};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A decision as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = curation_decisions, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct DecisionRow {
    pub id: Uuid,
    pub project_id: Uuid,
    pub kind: String,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
    pub notes: Value,
    pub decided_by_id: Uuid,
    pub decided_at: DateTime<Utc>,
}

/// An appeal as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = curation_appeals, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct AppealRow {
    pub id: Uuid,
    pub decision_id: Uuid,
    pub project_id: Uuid,
    pub appellant_id: Uuid,
    pub text: String,
    pub state: String,
    pub due_at: DateTime<Utc>,
    pub decided_by_id: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub answer: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Stores a decision.
pub async fn insert_decision(conn: &mut Conn, row: &DecisionRow) -> DbResult<()> {
    diesel::insert_into(curation_decisions::table).values(row).execute(conn).await?;
    Ok(())
}

/// The latest decision on a project.
pub async fn latest_decision(conn: &mut Conn, project: ProjectId) -> DbResult<Option<DecisionRow>> {
    Ok(curation_decisions::table
        .filter(curation_decisions::project_id.eq(project.uuid()))
        .order((curation_decisions::decided_at.desc(), curation_decisions::id.desc()))
        .select(DecisionRow::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A decision.
pub async fn decision(conn: &mut Conn, id: Uuid) -> DbResult<Option<DecisionRow>> {
    Ok(curation_decisions::table.find(id).select(DecisionRow::as_select()).first(conn).await.optional()?)
}

/// Stores an appeal.
pub async fn insert_appeal(conn: &mut Conn, row: &AppealRow) -> DbResult<()> {
    diesel::insert_into(curation_appeals::table).values(row).execute(conn).await?;
    Ok(())
}

/// An appeal, locked.
pub async fn lock_appeal(conn: &mut Conn, id: AppealId) -> DbResult<Option<AppealRow>> {
    Ok(curation_appeals::table
        .find(id.uuid())
        .select(AppealRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Appeals on the decisions of a project.
pub async fn appeals_of(conn: &mut Conn, project: ProjectId) -> DbResult<Vec<AppealRow>> {
    Ok(curation_appeals::table
        .filter(curation_appeals::project_id.eq(project.uuid()))
        .select(AppealRow::as_select())
        .load(conn)
        .await?)
}

/// Writes the answer to an appeal.
pub async fn decide_appeal(conn: &mut Conn, row: &AppealRow) -> DbResult<()> {
    diesel::update(curation_appeals::table.find(row.id))
        .set((
            curation_appeals::state.eq(&row.state),
            curation_appeals::decided_by_id.eq(row.decided_by_id),
            curation_appeals::decided_at.eq(row.decided_at),
            curation_appeals::answer.eq(&row.answer),
            curation_appeals::version.eq(row.version),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Open appeals, most urgent first.
pub async fn open_appeals(
    conn: &mut Conn,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> DbResult<Vec<AppealRow>> {
    let mut query = curation_appeals::table.filter(curation_appeals::state.eq("open")).into_boxed();
    if let Some((due, id)) = after {
        query = query.filter(
            curation_appeals::due_at
                .gt(due)
                .or(curation_appeals::due_at.eq(due).and(curation_appeals::id.gt(id))),
        );
    }
    Ok(query
        .order((curation_appeals::due_at.asc(), curation_appeals::id.asc()))
        .limit(limit)
        .select(AppealRow::as_select())
        .load(conn)
        .await?)
}

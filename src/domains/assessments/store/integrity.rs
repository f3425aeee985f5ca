//! Concerns about integrity.

use assay_kernel::ids::{AssessmentId, IntegrityConcernId};
use assay_platform::db::schema::integrity_concerns;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// A row of `integrity_concerns`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = integrity_concerns, check_for_backend(diesel::pg::Pg))]
pub struct ConcernRow {
    /// Its id.
    pub id: Uuid,
    /// Of which assessment.
    pub assessment_id: Uuid,
    /// Who raised it.
    pub raised_by_id: Uuid,
    /// What was noticed.
    pub text: String,
    /// What it rests on.
    pub evidence: Value,
    /// Where it stands.
    pub state: String,
    /// Who decided.
    pub decided_by_id: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why so.
    pub reason: Option<String>,
    /// When it was raised.
    pub created_at: DateTime<Utc>,
}

/// Stores a concern.
pub async fn insert(conn: &mut Conn, row: &ConcernRow) -> DbResult<()> {
    diesel::insert_into(integrity_concerns::table).values(row).execute(conn).await?;
    Ok(())
}

/// A concern.
pub async fn find(conn: &mut Conn, id: IntegrityConcernId) -> DbResult<Option<ConcernRow>> {
    let query = integrity_concerns::table.find(id.uuid()).select(ConcernRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// A concern, locked.
pub async fn lock(conn: &mut Conn, id: IntegrityConcernId) -> DbResult<Option<ConcernRow>> {
    let query = integrity_concerns::table.find(id.uuid()).select(ConcernRow::as_select());
    Ok(query.for_update().first(conn).await.optional()?)
}

/// The concerns of an assessment, newest first.
pub async fn of(conn: &mut Conn, id: AssessmentId) -> DbResult<Vec<ConcernRow>> {
    Ok(integrity_concerns::table
        .filter(integrity_concerns::assessment_id.eq(id.uuid()))
        .order(integrity_concerns::id.desc())
        .select(ConcernRow::as_select())
        .load(conn)
        .await?)
}

/// Does a concern of the assessment wait for a decision?
pub async fn any_open(conn: &mut Conn, id: AssessmentId) -> DbResult<bool> {
    let open = integrity_concerns::table
        .filter(integrity_concerns::assessment_id.eq(id.uuid()))
        .filter(integrity_concerns::state.eq("open"));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(conn).await?)
}

/// Writes how a concern was decided.
pub async fn update(conn: &mut Conn, row: &ConcernRow) -> DbResult<()> {
    diesel::update(integrity_concerns::table.find(row.id))
        .set((
            integrity_concerns::state.eq(&row.state),
            integrity_concerns::decided_by_id.eq(row.decided_by_id),
            integrity_concerns::decided_at.eq(row.decided_at),
            integrity_concerns::reason.eq(&row.reason),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

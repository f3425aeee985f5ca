//! Invitations to bid.

use assay_kernel::ids::{AccountId, InvitationId, ProjectId};
use assay_platform::db::schema::invitations;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// An invitation as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct InvitationRow {
    pub id: Uuid,
    pub project_id: Uuid,
    pub developer_id: Uuid,
    pub invited_by_id: Uuid,
    pub state: String,
    pub message: String,
    pub decline_reason: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Stores an invitation; `false` when the developer has a live one.
pub async fn insert(conn: &mut Conn, row: &InvitationRow) -> DbResult<bool> {
    Ok(diesel::insert_into(invitations::table).values(row).on_conflict_do_nothing().execute(conn).await? == 1)
}

/// An invitation, locked.
pub async fn lock(conn: &mut Conn, id: InvitationId) -> DbResult<Option<InvitationRow>> {
    Ok(invitations::table
        .find(id.uuid())
        .select(InvitationRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Writes state, reason and version.
pub async fn update(conn: &mut Conn, row: &InvitationRow) -> DbResult<()> {
    diesel::update(invitations::table.find(row.id))
        .set((
            invitations::state.eq(&row.state),
            invitations::decline_reason.eq(&row.decline_reason),
            invitations::version.eq(row.version),
            invitations::updated_at.eq(row.updated_at),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Invitations of a project that wait for an answer.
pub async fn count_open(conn: &mut Conn, project: ProjectId) -> DbResult<i64> {
    Ok(invitations::table
        .filter(invitations::project_id.eq(project.uuid()))
        .filter(invitations::state.eq_any(["sent", "viewed"]))
        .count()
        .get_result(conn)
        .await?)
}

/// Invitations of a project or of a developer, newest first.
pub async fn list(
    conn: &mut Conn,
    project: Option<ProjectId>,
    developer: Option<AccountId>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<InvitationRow>> {
    let mut query = invitations::table.into_boxed();
    if let Some(project) = project {
        query = query.filter(invitations::project_id.eq(project.uuid()));
    }
    if let Some(developer) = developer {
        query = query.filter(invitations::developer_id.eq(developer.uuid()));
    }
    if let Some(before) = before {
        query = query.filter(invitations::id.lt(before));
    }
    Ok(query.order(invitations::id.desc()).limit(limit).select(InvitationRow::as_select()).load(conn).await?)
}

/// Ends the unanswered invitations of a project that is no longer open; answers whose they were.
pub async fn expire_all(conn: &mut Conn, project: Uuid, now: DateTime<Utc>) -> DbResult<Vec<Uuid>> {
    Ok(diesel::update(
        invitations::table
            .filter(invitations::project_id.eq(project))
            .filter(invitations::state.eq_any(["sent", "viewed"])),
    )
    .set((
        invitations::state.eq("expired"),
        invitations::version.eq(invitations::version + 1),
        invitations::updated_at.eq(now),
    ))
    .returning(invitations::id)
    .get_results(conn)
    .await?)
}
